//! NATS JetStream 2.9 and later, whose protocol is spoken by hand: a server on each node, and streams with a replica on each.

mod client;
mod streams;
mod wire;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, Primaries, ProcessControl, Speaks};
use history::{
    NodeId,
    vocabulary::{Ids, Log, Queue, Register, Set},
};
use serde_json::json;

pub use client::NatsClients;

use crate::endpoint::Shared;
use client::Session;

/// The name of the daemon on each node.
const DAEMON: &str = "nats";
/// The usual port for clients.
const CLIENT_PORT: u16 = 4222;
/// The usual port of servers for each other.
const PEER_PORT: u16 = 6222;
/// What `install` says when there is no NATS.
const REMEDY: &str = "there is no NATS server; to have it: sudo apt-get install nats-server";
/// The stream of the registers, and what its subjects begin with.
const REGISTERS: &str = "registers";
/// The stream of the sets, and what its subjects begin with.
const SETS: &str = "sets";
/// The most replicas of a stream that JetStream makes.
const REPLICAS_MAX: usize = 5;

/// Who answers reads of registers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// The leader of the stream.
    #[default]
    Leader,
    /// Any replica, from what it has (`allow_direct`, as the key-value stores of NATS's own libraries read).
    Direct,
}

impl Reads {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Leader, Self::Direct];

    /// Its name in `--reads`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Leader => "leader",
            Self::Direct => "direct",
        }
    }
}

/// NATS JetStream, a server on each node.
#[derive(Clone, Debug, Default)]
pub struct Nats {
    /// Who answers reads of registers.
    pub reads: Reads,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

fn folder(node: &Node) -> PathBuf {
    node.data.join("nats")
}

/// Where a server that the run starts listens for clients.
fn address(node: &Node) -> SocketAddr {
    (node.address, CLIENT_PORT + node.port_offset).into()
}

fn settings(cluster: &Cluster, node: &Node) -> String {
    let route = |peer: &Node| format!("nats://{}:{}", peer.address, PEER_PORT + peer.port_offset);
    let routes: Vec<String> = cluster.nodes.iter().map(route).collect();
    let together = match cluster.nodes.len() {
        1 => String::new(),
        _ => format!(
            "cluster {{ name: disprove, listen: \"{}:{}\", routes: [{}] }}\n",
            node.address,
            PEER_PORT + node.port_offset,
            routes.join(", ")
        ),
    };
    format!(
        "server_name: {}\nlisten: \"{}\"\njetstream {{ store_dir: \"{}\", max_mem: 64M, max_file: 1G }}\n{together}",
        node.name,
        address(node),
        folder(node).join("data").display()
    )
}

/// Puts on a node's disk what its server starts with.
async fn prepare(cluster: &Cluster, node: &Node) -> Result<(), Error> {
    node.remote()?.upload(&folder(node).join("nats.conf"), settings(cluster, node).as_bytes()).await
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let settings = folder(node).join("nats.conf").display().to_string();
    remote
        .start(&Daemon {
            name: DAEMON.into(),
            argv: vec!["nats-server".into(), "-c".into(), settings],
            env: Vec::new(),
            directory: folder(node),
            log: node.logs.join("nats.log"),
        })
        .await
}

impl Nats {
    /// What the names of streams, and of their subjects, begin with where others have streams too.
    fn prefix(&self) -> String {
        self.running.as_ref().map(|running| running.keys()).unwrap_or_default()
    }

    fn stream(&self, name: &str) -> String {
        format!("{}{name}", self.prefix())
    }

    /// Removes every stream of the run.
    async fn remove(&self, node: &Node, begin: &str) -> Result<(), Error> {
        let mut session = Session::open(self, node).await.map_err(|reason| at(node, reason))?;
        let told = |trouble: client::Trouble| {
            at(node, format!("streams that begin with {begin} may be left there: {}", trouble.word()))
        };
        loop {
            let mut names = session.streams().await.map_err(told)?;
            names.retain(|name| name.starts_with(begin));
            if names.is_empty() {
                return Ok(());
            }
            for name in names {
                session.api(&format!("STREAM.DELETE.{name}"), &json!({})).await.map_err(told)?;
            }
        }
    }

    /// Whether the streams are there and answer at this node; they are made where they are not.
    async fn serves(&self, cluster: &Cluster, node: &Node) -> Result<(), Error> {
        let mut session = Session::open(self, node).await.map_err(|reason| at(node, reason))?;
        let replicas = cluster.nodes.len().min(REPLICAS_MAX);
        for (stream, kept) in [(self.stream(REGISTERS), 1), (self.stream(SETS), -1)] {
            let wanted = json!({
                "name": stream, "subjects": [format!("{stream}.>")], "retention": "limits", "storage": "file",
                "num_replicas": replicas, "max_msgs_per_subject": kept, "discard": "old", "allow_direct": true
            });
            for (question, request) in
                [(format!("STREAM.CREATE.{stream}"), wanted), (format!("STREAM.INFO.{stream}"), json!({}))]
            {
                let answer =
                    session.api(&question, &request).await.map_err(|trouble| at(node, trouble.word()))?;
                if !answer["error"].is_null() || !answer["state"].is_object() {
                    return Err(at(node, format!("{question}: {}", answer["error"])));
                }
            }
        }
        Ok(())
    }

    /// The node that leads the stream of the registers, as this node says.
    async fn leader(&self, cluster: &Cluster, node: &Node) -> Option<NodeId> {
        let mut session = Session::open(self, node).await.ok()?;
        let answer =
            session.api(&format!("STREAM.INFO.{}", self.stream(REGISTERS)), &json!({})).await.ok()?;
        let name = answer["cluster"]["leader"].as_str()?;
        cluster.nodes.iter().find(|node| node.name == name).map(|node| node.id)
    }
}

#[async_trait]
impl Database for Nats {
    fn name(&self) -> &str {
        "nats"
    }

    /// Writes are acknowledged by a quorum, and the leader answers reads. A replica that is late answers late.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.reads, vocabulary) {
            (Reads::Leader, "register") | (_, "set") => Some("linearizable"),
            (Reads::Direct, "register") => Some("eventual"),
            (_, "ids") => Some("linearizable"),
            (_, "log") => Some("ordered-log"),
            (_, "queue") => Some("at-least-once"),
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(address(node), b"CONNECT {\"verbose\":false,\"pe"))
    }

    fn speaks(&self) -> Speaks {
        let clients = || NatsClients(self.clone());
        Speaks::default()
            .with::<Register>(clients())
            .with::<Set>(clients())
            .with::<Log>(clients())
            .with::<Queue>(clients())
            .with::<Ids>(clients())
    }

    fn nodes_usual(&self) -> usize {
        3
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if let Some(running) = &self.running {
            let opened = Session::open(self, node).await;
            return opened.map(|_| ()).map_err(|reason| running.unreachable(node, reason));
        }
        let found = node.remote()?.exec(&["nats-server", "--version"], b"", Duration::from_secs(10)).await;
        match found {
            Ok(output) if output.code == 0 => Ok(()),
            _ => Err(at(node, REMEDY)),
        }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        for node in &cluster.nodes {
            prepare(cluster, node).await?;
            start_server(node).await?;
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            self.serves(cluster, node).await?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let session = Session::open(self, node).await.map_err(|reason| at(node, reason))?;
        Ok(session.version().to_owned())
    }

    async fn remove_own(&self, cluster: &Cluster) -> Result<(), Error> {
        match &self.running {
            Some(running) => self.remove(&cluster.nodes[0], &running.keys()).await,
            None => Ok(()),
        }
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        if self.running.is_some() { None } else { Some(self) }
    }

    fn primaries(&self) -> Option<&dyn Primaries> {
        if self.running.is_some() { None } else { Some(self) }
    }
}

#[async_trait]
impl ProcessControl for Nats {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node)).await
    }

    fn can_begin_anew(&self) -> bool {
        true
    }

    async fn begin_anew(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        let node = cluster.node(node);
        crate::emptied::remove(node, &folder(node)).await?;
        prepare(cluster, node).await
    }
}

#[async_trait]
impl Primaries for Nats {
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        for node in &cluster.nodes {
            let asked = tokio::time::timeout(Duration::from_millis(300), self.leader(cluster, node));
            if let Ok(Some(leader)) = asked.await {
                return vec![leader];
            }
        }
        Vec::new()
    }
}
