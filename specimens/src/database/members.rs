//! Members that leave for good, and fresh ones that join.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Cluster, Error, Membership, Node, ProcessControl};
use history::NodeId;
use tokio::time::{Instant, sleep, timeout};

use super::{NAME, QUESTION_MAX, SpecimenDatabase, not_ready, remove_data, statuses};
use crate::{
    client::{SpecimenClient, address},
    members::{Change, Member, Members},
    message::Status,
    runtime::INCARNATION_FILE,
};

/// How long a change of the members may take: an election or two, and handing over the log.
const CHANGE_MAX: Duration = Duration::from_secs(6);
/// How often it is looked how far a change has come.
const LOOK_EVERY: Duration = Duration::from_millis(25);
/// How long reading a small file may take.
const READ_MAX: Duration = Duration::from_secs(2);

/// Prints a file, or 0 where there is none.
const PRINT: &str = r#"if [ -e "$1" ]; then cat -- "$1"; else echo 0; fi"#;

/// Which disk a node has now, running or not.
pub(super) async fn incarnation(node: &Node) -> Result<u64, Error> {
    let file = node.data.join(NAME).join(INCARNATION_FILE);
    let argv = ["sh", "-c", PRINT, "sh", &file.to_string_lossy()];
    let output = node.remote()?.exec(&argv, b"", READ_MAX).await?;
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr);
        not_ready(node, format!("its incarnation cannot be read: {text:?} {said}"))
    })
}

/// Gives a node an empty disk that is called so.
pub(super) async fn empty_disk(node: &Node, incarnation: u64) -> Result<(), Error> {
    remove_data(node).await?;
    if incarnation == 0 {
        return Ok(());
    }
    let file = node.data.join(NAME).join(INCARNATION_FILE);
    node.remote()?.upload(&file, format!("{incarnation}\n").as_bytes()).await
}

/// Who leads in the latest term, by the word of the nodes.
async fn leader(cluster: &Cluster) -> Option<(NodeId, Status)> {
    let leading = statuses(cluster).await.into_iter().filter(|(_, status)| status.leads);
    leading.max_by_key(|(_, status)| status.term)
}

/// Wishes for a change for as long as the leader's members, which must be committed, call for one. What a leader says of
/// committed members was true even if it has been deposed meanwhile.
async fn settle(
    cluster: &Cluster,
    what: &str,
    wish: impl Fn(&Members) -> Option<Change>,
) -> Result<Members, Error> {
    let due = Instant::now() + CHANGE_MAX;
    while Instant::now() < due {
        if let Some((id, status)) = leader(cluster).await {
            match wish(&status.members) {
                None if status.settled => return Ok(status.members),
                None => {}
                Some(change) => {
                    let place = address(cluster.node(id));
                    let asked = async { SpecimenClient::open(place).await?.change(change).await };
                    // Whether it was heard is seen by what the leader says next.
                    let _heard = timeout(QUESTION_MAX, asked).await;
                }
            }
        }
        sleep(LOOK_EVERY).await;
    }
    Err(Error::TimedOut { what: what.into(), seconds: CHANGE_MAX.as_secs_f64() })
}

async fn settled(cluster: &Cluster) -> Result<Members, Error> {
    settle(cluster, "asking a leader of the specimen who belongs to it", |_| None).await
}

#[async_trait]
impl Membership for SpecimenDatabase {
    async fn remove(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        let what = format!("having {} leave the specimen", cluster.node(node).name);
        let wish = |members: &Members| members.at(node).map(|_| Change::Remove(node));
        settle(cluster, &what, wish).await.map(drop)
    }

    async fn join(&self, cluster: &Cluster, id: NodeId) -> Result<(), Error> {
        let node = cluster.node(id);
        let members = match settled(cluster).await {
            Ok(members) => members,
            // Perhaps it is a member after all, and one that the others cannot do without; a removed one disturbs nobody.
            Err(_) => {
                self.start(cluster, id).await?;
                settled(cluster).await?
            }
        };
        let old = Member { node: id, incarnation: incarnation(node).await? };
        if members.contains(old) {
            return ProcessControl::start(self, cluster, id).await;
        }
        self.kill(cluster, id).await?;
        self.remove(cluster, id).await?;
        let fresh = Member { node: id, incarnation: rand::random_range(1..u64::MAX) };
        empty_disk(node, fresh.incarnation).await?;
        ProcessControl::start(self, cluster, id).await?;
        let what = format!("having {} join the specimen", node.name);
        let wish = |members: &Members| (!members.contains(fresh)).then_some(Change::Add(fresh));
        settle(cluster, &what, wish).await.map(drop)
    }

    async fn members(&self, cluster: &Cluster) -> Result<Vec<NodeId>, Error> {
        let mut said = Vec::new();
        for (id, status) in statuses(cluster).await {
            let own = incarnation(cluster.node(id)).await?;
            // Who has been removed, or has not joined yet, is not asked.
            if status.members.contains(Member { node: id, incarnation: own }) {
                said.push(status.members);
            }
        }
        if said.is_empty() {
            return Err(not_ready(
                &cluster.nodes[0],
                "neither it nor any other says who belongs to the cluster",
            ));
        }
        let most = |node: &NodeId| {
            2 * said.iter().filter(|members| members.at(*node).is_some()).count() > said.len()
        };
        Ok(cluster.nodes.iter().map(|node| node.id).filter(most).collect())
    }
}
