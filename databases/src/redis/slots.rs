//! A cluster of Redis servers: the first half of the nodes have the slots among them, and each of the others follows one of
//! those.

use std::time::{Duration, Instant};

use cluster::{Cluster, Error, Node};

use super::{
    at, follows,
    session::{address, question, role},
};

/// How many slots there are.
const SLOTS: usize = 16_384;
/// The longest that the servers may take to know each other when everything is new.
const FORM_MAX: Duration = Duration::from_secs(30);
/// How often is asked whether they do.
const FORM_EVERY: Duration = Duration::from_millis(100);

/// What makes a server one of a cluster. One of which nothing is heard for two seconds is held for gone.
pub(super) fn settings(node: &Node, port: u16) -> String {
    let ip = node.address;
    format!(
        "cluster-enabled yes\ncluster-config-file nodes.conf\ncluster-node-timeout 2000\ncluster-announce-ip {ip}\n\
         cluster-announce-port {port}\ncluster-announce-bus-port {}\ncluster-port {}\n",
        port + 10_000,
        port + 10_000
    )
}

/// The nodes that have slots at first, and those that follow them.
fn halves(cluster: &Cluster) -> (&[Node], &[Node]) {
    cluster.nodes.split_at(cluster.nodes.len() / 2)
}

async fn tell(node: &Node, command: &[&str]) -> Result<String, Error> {
    let said = question(address(node), command).await.map_err(|reason| at(node, reason))?;
    Ok(said.text().unwrap_or_default().to_owned())
}

/// Tries until it succeeds, or until everybody has had time enough.
async fn insist(began: Instant, node: &Node, command: &[&str]) -> Result<String, Error> {
    loop {
        match tell(node, command).await {
            Ok(said) => return Ok(said),
            Err(error) if began.elapsed() > FORM_MAX => return Err(error),
            Err(_) => tokio::time::sleep(FORM_EVERY).await,
        }
    }
}

/// Makes the servers one cluster.
pub(super) async fn form(cluster: &Cluster) -> Result<(), Error> {
    let (began, (first, second)) = (Instant::now(), halves(cluster));
    for (place, node) in cluster.nodes.iter().enumerate() {
        insist(began, node, &["PING"]).await?;
        tell(node, &["CLUSTER", "SET-CONFIG-EPOCH", &(place + 1).to_string()]).await?;
    }
    let mut names = Vec::new();
    for (place, node) in first.iter().enumerate() {
        let (from, to) = (place * SLOTS / first.len(), (place + 1) * SLOTS / first.len() - 1);
        tell(node, &["CLUSTER", "ADDSLOTSRANGE", &from.to_string(), &to.to_string()]).await?;
        names.push(tell(node, &["CLUSTER", "MYID"]).await?);
    }
    for node in &cluster.nodes[1..] {
        let (ip, port) = (node.address.to_string(), address(node).port().to_string());
        tell(&cluster.nodes[0], &["CLUSTER", "MEET", &ip, &port]).await?;
    }
    // A server follows only whom it knows already.
    for (place, node) in second.iter().enumerate() {
        insist(began, node, &["CLUSTER", "REPLICATE", &names[place % names.len()]]).await?;
    }
    for (place, node) in second.iter().enumerate() {
        let followed = address(&first[place % first.len()]);
        while let Err(error) = follows(node, followed).await {
            if began.elapsed() > FORM_MAX {
                return Err(error);
            }
            tokio::time::sleep(FORM_EVERY).await;
        }
    }
    Ok(())
}

/// Whether every server says that all slots are served, and whoever follows has a link.
pub(super) async fn has_settled(cluster: &Cluster) -> Result<(), Error> {
    for node in &cluster.nodes {
        let said = tell(node, &["CLUSTER", "INFO"]).await?;
        if !said.lines().any(|line| line.trim_end() == "cluster_state:ok") {
            return Err(at(node, "it says that not all slots are served"));
        }
        let reply = question(address(node), &["ROLE"]).await.map_err(|reason| at(node, reason))?;
        let linked = reply.list().and_then(|words| words.get(3)?.text());
        if role(&reply) != Some("master") && linked != Some("connected") {
            return Err(at(node, "it does not follow anybody yet"));
        }
    }
    Ok(())
}
