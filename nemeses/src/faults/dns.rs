//! DNS: under the names of its peers a node finds others, or nobody, as with a directory that is wrong or out of date. Its
//! own `/etc/hosts` says so. A name is looked up when a connection is opened: those that are open stay as they are.

use std::net::{IpAddr, Ipv4Addr};

use async_trait::async_trait;
use cluster::{Cluster, Error};
use history::NodeId;

use super::{Evidence, Fault, Meaning, Names, Probe, Scene, processes};
use crate::{Family, plan::Answer};

/// Prints each name with the address that the node has for it, or a dash.
const LOOK: (&str, &str) = (
    "look at names",
    r#"
for name; do
  if command -v getent >/dev/null; then
    at=$(getent ahosts "$name" | sed -n '1s/[[:space:]].*//p')
  else
    at=$(awk -v name="$name" '{ sub(/#.*/, ""); for (i = 2; i <= NF; i++) if ($i == name) { print $1; exit } }' /etc/hosts)
  fi
  echo "$name ${at:--}"
done
"#,
);

/// Names and the addresses they mean.
type Meanings = Vec<(String, IpAddr)>;

/// Nodes on which names mean something else.
#[derive(Debug)]
pub(super) struct Dns {
    nodes: Vec<NodeId>,
    answer: Answer,
}

impl Dns {
    pub(super) fn new(nodes: Vec<NodeId>, answer: Answer) -> Self {
        Self { nodes, answer }
    }

    /// What the names are to mean on a node. Those that go on to mean what they did are not among them.
    fn wrong(&self, cluster: &Cluster, node: NodeId) -> Result<Meanings, Error> {
        let count = cluster.nodes.len();
        let own = usize::from(node.0);
        let peers: Vec<usize> = (1..count).map(|step| (own + step) % count).collect();
        let Some(&first) = peers.first() else {
            let what = "wrong names for the peers of a node that has none";
            return Err(Error::Unsupported(what.into()));
        };
        // Two nodes have nobody else to be taken for than the one that asks.
        let alone = (peers.len() == 1).then_some(own);
        let address = |place: usize| cluster.nodes[place].address;
        let meaning = |(turn, &peer): (usize, &usize)| match self.answer {
            Answer::Another => address(alone.unwrap_or(first)),
            Answer::Swapped => address(alone.unwrap_or(peers[(turn + 1) % peers.len()])),
            // Of a network that is set aside for examples, so that no machine of anybody has it.
            Answer::Stale => IpAddr::from(Ipv4Addr::new(192, 0, 2, (peer % 250) as u8 + 1)),
        };
        let named = peers.iter().enumerate().map(|(turn, peer)| (turn, peer, meaning((turn, peer))));
        let changed = named.filter(|(_, peer, meaning)| *meaning != address(**peer));
        Ok(changed.map(|(_, &peer, meaning)| (cluster.nodes[peer].name.clone(), meaning)).collect())
    }

    async fn look(&self, scene: Scene<'_>, node: NodeId) -> Result<Vec<Meaning>, Error> {
        let wrong = self.wrong(scene.cluster, node)?;
        let names: Vec<&str> = wrong.iter().map(|(name, _)| name.as_str()).collect();
        let output = processes::script(scene, node, LOOK, &names).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let pairs: Vec<(&str, &str)> = said.lines().filter_map(|line| line.split_once(' ')).collect();
        let meaning = |(name, wrong): (String, IpAddr)| {
            let address = pairs.iter().find(|(known, _)| **known == name).and_then(|(_, at)| at.parse().ok());
            Meaning { name, address, is_wrong: address == Some(wrong) }
        };
        Ok(wrong.into_iter().map(meaning).collect())
    }
}

#[async_trait]
impl Fault for Dns {
    fn family(&self) -> Family {
        Family::Dns
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let nodes = names.list(&self.nodes);
        match self.answer {
            Answer::Another => format!("had {nodes} find one node under the names of all others"),
            Answer::Swapped => format!("had {nodes} find the next one under the name of each other node"),
            Answer::Stale => format!("had {nodes} find addresses that nobody has under all names"),
        }
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(&self.nodes, async |node| {
            let wrong = self.wrong(scene.cluster, node)?;
            scene.cluster.node(node).remote()?.point_names(&wrong).await
        })
        .await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(&self.nodes, async |node| scene.cluster.node(node).remote()?.point_names(&[]).await)
            .await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let mut nodes = Vec::new();
        for &node in &self.nodes {
            nodes.push((node, self.look(scene, node).await?));
        }
        Ok(Probe::Names(nodes))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Names(nodes) = probe else { return None };
        let mut meanings = nodes.iter().flat_map(|(_, meanings)| meanings);
        let first = meanings.next()?.is_wrong;
        meanings.all(|meaning| meaning.is_wrong == first).then_some(first)
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let sure = self.in_force(early) == Some(true) && self.in_force(late) == Some(true);
        let mut text = self.say(names, early);
        if early != late {
            text += &format!("; at the end {}", self.say(names, late));
        }
        Evidence::new(sure, text)
    }
}
