//! Members that leave for good, and fresh ones that join.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Cluster, DaemonState, Error, Membership, Node};
use history::NodeId;
use serde_json::{Value as Json, json};

use super::{
    DAEMON, Etcd, daemon,
    gateway::{Gateway, GatewayError, strange},
    peer_url, start_member,
};

/// How long one member may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(2);

/// A member as the others know it.
#[derive(Debug)]
struct Member {
    id: String,
    peer_url: String,
    /// Empty until it was started for the first time.
    name: String,
}

fn list_of(answer: &Json) -> Result<Vec<Member>, GatewayError> {
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let member = |member: &Json| Member {
        id: text(&member["ID"]),
        peer_url: text(&member["peerURLs"][0]),
        name: text(&member["name"]),
    };
    let members = answer["members"].as_array().ok_or_else(|| strange(answer))?;
    Ok(members.iter().map(member).collect())
}

impl Etcd {
    /// Asks one of the others for something that only a majority can do; the first that does it is enough.
    async fn ask_others(
        &self,
        cluster: &Cluster,
        node: NodeId,
        path: &str,
        request: &Json,
    ) -> Result<Json, Error> {
        let mut last = Error::Node { node: cluster.node(node).name.clone(), what: "it has no others".into() };
        for other in cluster.nodes.iter().filter(|other| other.id != node) {
            let asked = async { Gateway::open(self, other).await?.post(path, request).await };
            match tokio::time::timeout(ANSWER_MAX, asked).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => last = error.at(other),
                Err(_) => last = GatewayError::Doubtful("it did not answer in time".into()).at(other),
            }
        }
        Err(last)
    }

    /// The members, as the first of the others knows them that answers.
    async fn list(&self, cluster: &Cluster, node: NodeId) -> Result<Vec<Member>, Error> {
        let answer = self.ask_others(cluster, node, "cluster/member/list", &json!({})).await?;
        list_of(&answer).map_err(|error| error.at(cluster.node(node)))
    }

    /// The member at the place of a node.
    async fn member(&self, cluster: &Cluster, node: &Node) -> Result<Option<Member>, Error> {
        let place = peer_url(node);
        Ok(self.list(cluster, node.id).await?.into_iter().find(|member| member.peer_url == place))
    }
}

#[async_trait]
impl Membership for Etcd {
    async fn remove(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        let Some(member) = self.member(cluster, cluster.node(node)).await? else { return Ok(()) };
        self.ask_others(cluster, node, "cluster/member/remove", &json!({ "ID": member.id })).await.map(drop)
    }

    async fn join(&self, cluster: &Cluster, id: NodeId) -> Result<(), Error> {
        let node = cluster.node(id);
        let remote = node.remote()?;
        if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. } | DaemonState::Stopped { .. }) {
            return Ok(());
        }
        let known = self.member(cluster, node).await?;
        if known.as_ref().is_some_and(|member| !member.name.is_empty()) {
            return start_member(cluster, node).await;
        }
        // What was there belongs to a member that is gone, and would be refused.
        remote.wipe().await?;
        if known.is_none() {
            let request = json!({ "peerURLs": [peer_url(node)] });
            self.ask_others(cluster, id, "cluster/member/add", &request).await?;
        }
        let members = self.list(cluster, id).await?;
        let is_member = |other: &&Node| members.iter().any(|member| member.peer_url == peer_url(other));
        let members: Vec<&Node> = cluster.nodes.iter().filter(is_member).collect();
        remote.start(&daemon(node, &members, "existing")).await
    }

    async fn members(&self, cluster: &Cluster) -> Result<Vec<NodeId>, Error> {
        let mut votes = vec![0; cluster.nodes.len()];
        let mut answers = 0;
        for node in &cluster.nodes {
            let asked =
                async { Gateway::open(self, node).await?.post("cluster/member/list", &json!({})).await };
            let Ok(Ok(answer)) = tokio::time::timeout(ANSWER_MAX, asked).await else { continue };
            let members = list_of(&answer).map_err(|error| error.at(node))?;
            answers += 1;
            for (votes, node) in votes.iter_mut().zip(&cluster.nodes) {
                let place = peer_url(node);
                *votes += usize::from(members.iter().any(|member| member.peer_url == place));
            }
        }
        if answers == 0 {
            let what = "neither it nor any other says who belongs to the cluster".into();
            return Err(Error::Node { node: cluster.nodes[0].name.clone(), what });
        }
        let most = cluster.nodes.iter().zip(votes).filter(|(_, votes)| 2 * votes > answers);
        Ok(most.map(|(node, _)| node.id).collect())
    }
}
