//! etcd 3.4 and later, spoken to through its HTTP gateway: members that the run starts, or that already run.

mod client;
mod elements;
mod gateway;
mod http;
mod leases;
mod members;
mod objects;
mod stream;
mod transactions;
mod watch;

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Cluster, Daemon, Database, Door, Error, Membership, Node, Primaries, ProcessControl, Speaks};
use history::{
    NodeId,
    vocabulary::{Ids, Lease, ListAppend, Log, Mutex, Queue, Register, RwRegister, Set},
};

pub use client::EtcdClients;

use crate::endpoint::Shared;
use gateway::{Gateway, GatewayError};

/// The name of the daemon on each node.
const DAEMON: &str = "etcd";
/// The usual port for clients.
const CLIENT_PORT: u16 = 2379;
/// The usual port for peers.
const PEER_PORT: u16 = 2380;
/// What `install` says when there is no etcd.
const REMEDY: &str = "there is no etcd; to have it: sudo apt-get install etcd-server";

/// How registers and sets are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// After the member has made sure that it is not late.
    #[default]
    Linearizable,
    /// From what the member has, which may be late.
    Serializable,
}

impl Reads {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Linearizable, Self::Serializable];

    /// Its name in `--reads`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Linearizable => "linearizable",
            Self::Serializable => "serializable",
        }
    }
}

/// etcd, one member per node.
#[derive(Clone, Debug, Default)]
pub struct Etcd {
    /// How registers and sets are read; transactions always read linearizably.
    pub reads: Reads,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

fn client_url(node: &Node) -> String {
    format!("http://{}:{}", node.address, CLIENT_PORT + node.port_offset)
}

fn peer_url(node: &Node) -> String {
    format!("http://{}:{}", node.address, PEER_PORT + node.port_offset)
}

/// How the member of a node is started: with others that begin with it where there is no data yet, or (`state` existing)
/// to join those that there are. Where there is data, neither matters.
fn daemon(node: &Node, members: &[&Node], state: &str) -> Daemon {
    let members: Vec<String> =
        members.iter().map(|member| format!("{}={}", member.name, peer_url(member))).collect();
    let flags = [
        ("name", node.name.clone()),
        ("data-dir", node.data.join("etcd").display().to_string()),
        ("listen-client-urls", client_url(node)),
        ("advertise-client-urls", client_url(node)),
        ("listen-peer-urls", peer_url(node)),
        ("initial-advertise-peer-urls", peer_url(node)),
        ("initial-cluster", members.join(",")),
        ("initial-cluster-state", state.into()),
        ("initial-cluster-token", "disprove".into()),
        ("heartbeat-interval", "100".into()),
        ("election-timeout", "1000".into()),
    ];
    let mut argv = vec!["etcd".to_owned()];
    argv.extend(flags.map(|(flag, value)| format!("--{flag}={value}")));
    Daemon {
        name: DAEMON.into(),
        argv,
        env: Vec::new(),
        directory: node.data.clone(),
        log: node.logs.join("etcd.log"),
    }
}

async fn start_member(cluster: &Cluster, node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, cluster::DaemonState::Running { .. }) {
        return Ok(());
    }
    remote.start(&daemon(node, &cluster.nodes.iter().collect::<Vec<_>>(), "new")).await
}

#[async_trait]
impl Database for Etcd {
    fn name(&self) -> &str {
        "etcd"
    }

    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.reads, vocabulary) {
            (Reads::Linearizable, "register" | "set") => Some("linearizable"),
            // A member that is late has what was true once, and every member has one order of all writes.
            (Reads::Serializable, "register") => Some("sequential"),
            (Reads::Serializable, "set") => Some("eventual"),
            (_, "list-append" | "rw-register") => Some("strict-serializable"),
            (Reads::Linearizable, "queue") | (_, "lease" | "ids") => Some("linearizable"),
            // Who watches may be late.
            (_, "log") => Some("ordered-log"),
            // A lock is a lease, and its holder may be slower than that.
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(
            (node.address, CLIENT_PORT + node.port_offset),
            b"POST /v3/kv/range HTTP/1.1\r\nContent-Length: 20\r\n",
        ))
    }

    fn speaks(&self) -> Speaks {
        let clients = || EtcdClients(self.clone());
        Speaks::default()
            .with::<Register>(clients())
            .with::<Set>(clients())
            .with::<ListAppend>(clients())
            .with::<RwRegister>(clients())
            .with::<Mutex>(clients())
            .with::<Lease>(clients())
            .with::<Queue>(clients())
            .with::<Ids>(clients())
            .with::<Log>(watch::Followers::new(clients()))
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if let Some(running) = &self.running {
            // Where TLS is spoken, it judges the client's certificate when it is asked something.
            let asked = async { Gateway::open(self, node).await?.version().await };
            let told = |error: GatewayError| running.unreachable(node, error.into_reason());
            return asked.await.map(|_| ()).map_err(told);
        }
        let found = node.remote()?.exec(&["etcd", "--version"], b"", Duration::from_secs(10)).await;
        match found {
            Ok(output) if output.code == 0 => Ok(()),
            _ => Err(Error::Node { node: node.name.clone(), what: REMEDY.into() }),
        }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        for node in &cluster.nodes {
            start_member(cluster, node).await?;
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            let mut gateway = Gateway::open(self, node).await.map_err(|error| error.at(node))?;
            // A linearizable read of a key that nobody has proves a leader and a quorum behind this node.
            gateway.range("disprove-ready", Reads::Linearizable).await.map_err(|error| error.at(node))?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let mut gateway = Gateway::open(self, node).await.map_err(|error| error.at(node))?;
        gateway.version().await.map_err(|error| error.at(node))
    }

    async fn remove_own(&self, cluster: &Cluster) -> Result<(), Error> {
        let Some(running) = &self.running else { return Ok(()) };
        let node = &cluster.nodes[0];
        let mut gateway = Gateway::open(self, node).await.map_err(|error| error.at(node))?;
        gateway.delete_below(&running.keys()).await.map_err(|error| error.at(node))
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        if self.running.is_some() { None } else { Some(self) }
    }

    fn primaries(&self) -> Option<&dyn Primaries> {
        Some(self)
    }

    fn membership(&self) -> Option<&dyn Membership> {
        if self.running.is_some() { None } else { Some(self) }
    }
}

#[async_trait]
impl ProcessControl for Etcd {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_member(cluster, cluster.node(node)).await
    }
}

#[async_trait]
impl Primaries for Etcd {
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        let mut leaders = Vec::new();
        for node in &cluster.nodes {
            let leads = async { Gateway::open(self, node).await?.leads().await };
            let asked = tokio::time::timeout(Duration::from_millis(300), leads).await;
            if matches!(asked, Ok(Ok(true))) {
                leaders.push(node.id);
            }
        }
        leaders
    }
}
