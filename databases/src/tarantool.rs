//! Tarantool 2.6 and later: one server, or one that takes writes and others that have every one of them in their logs before
//! it is acknowledged; or servers that already run.

mod client;
mod pack;
mod wire;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, Primaries, ProcessControl, Speaks};
use history::{
    Counter, NodeId,
    vocabulary::{ListAppend, Register, RwRegister, Set},
};

pub use client::TarantoolClients;

use wire::Wire;

/// The name of the daemon.
const DAEMON: &str = "tarantool";
/// The usual port.
const PORT: u16 = 3301;
/// What `install` says when there is no Tarantool.
const REMEDY: &str = "there is no Tarantool; to have it: sudo apt-get install tarantool";
/// The spaces and procedures that the clients call.
const PROCEDURES: &str = include_str!("tarantool/procedures.lua");
/// The longest that a server may take to begin.
const BEGIN_MAX: Duration = Duration::from_secs(30);
/// How often is asked whether it has.
const BEGIN_EVERY: Duration = Duration::from_millis(100);

/// How its servers stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    #[default]
    Single,
    /// The first server takes writes, in spaces that are synchronous (`is_sync`): most of the servers have a write in their
    /// logs before it is acknowledged. No other server ever takes its place.
    Synchronous,
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Single, Self::Synchronous];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Synchronous => "synchronous",
        }
    }
}

/// Tarantool. One server alone waits until its disk has a write (`wal_mode = 'fsync'`). Several do not, which is the default:
/// those of 2.6 that did would stop confirming synchronous writes before long, without any fault.
#[derive(Clone, Debug, Default)]
pub struct Tarantool {
    /// How its servers stand to each other.
    pub topology: Topology,
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

fn folder(node: &Node) -> PathBuf {
    node.data.join("tarantool")
}

/// Where the server of a node listens.
fn address(node: &Node) -> SocketAddr {
    (node.address, PORT + node.port_offset).into()
}

/// What a server is started with; the first node takes the writes, and the others follow it.
fn program(topology: Topology, cluster: &Cluster, node: &Node) -> String {
    let first = &cluster.nodes[0];
    let is_first = node.id == first.id;
    let is_sync = topology == Topology::Synchronous;
    let followed = if is_first { String::new() } else { format!("'{}'", address(first)) };
    let (quorum, wal) = if is_sync { (cluster.nodes.len() / 2 + 1, "write") } else { (1, "fsync") };
    format!(
        "box.cfg {{ listen = '{}', work_dir = '{}', wal_mode = '{wal}', memtx_memory = 64 * 1024 * 1024,\n  \
         feedback_enabled = false, read_only = {}, replication = {{{followed}}}, replication_synchro_quorum = {quorum} }}\n\
         is_sync = {is_sync}\n{PROCEDURES}",
        address(node),
        folder(node).display(),
        !is_first
    )
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let program = folder(node).join("disprove.lua").display().to_string();
    let (argv, log) = (vec!["tarantool".to_owned(), program], node.logs.join("tarantool.log"));
    remote.start(&Daemon { name: DAEMON.into(), argv, env: Vec::new(), directory: folder(node), log }).await
}

/// Asks a server whether its procedures are there, and with `writes` also whether it takes writes.
async fn serves(node: &Node, writes: bool) -> Result<(), Error> {
    let opened = Wire::open(address(node)).await;
    let mut wire = opened.map_err(|reason| at(node, reason))?;
    let asked = wire.call("disprove_ready", vec![pack::Pack::Bool(writes)]).await;
    match asked.map_err(|trouble| at(node, trouble.word()))?.first() {
        Some(pack::Pack::Bool(true)) => Ok(()),
        _ => Err(at(node, "it takes no writes yet")),
    }
}

#[async_trait]
impl Database for Tarantool {
    fn name(&self) -> &str {
        "tarantool"
    }

    /// What is acknowledged is on the disk, or in the logs of most servers; transactions of its memory are carried out one after
    /// the other.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match vocabulary {
            "register" | "set" | "counter" => Some("linearizable"),
            "list-append" | "rw-register" => Some("strict-serializable"),
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(address(node), b"\xce\0\0\0\x40\x82"))
    }

    fn speaks(&self) -> Speaks {
        Speaks::default()
            .with::<Register>(TarantoolClients)
            .with::<Set>(TarantoolClients)
            .with::<Counter>(TarantoolClients)
            .with::<ListAppend>(TarantoolClients)
            .with::<RwRegister>(TarantoolClients)
    }

    fn nodes_usual(&self) -> usize {
        if self.topology == Topology::Single { 1 } else { 3 }
    }

    fn nodes_max(&self) -> Option<usize> {
        (self.topology == Topology::Single).then_some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        let found = node.remote()?.exec(&["tarantool", "--version"], b"", Duration::from_secs(10)).await;
        match found {
            Ok(output) if output.code == 0 => Ok(()),
            _ => Err(at(node, REMEDY)),
        }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            let text = program(self.topology, cluster, node);
            node.remote()?.upload(&folder(node).join("disprove.lua"), text.as_bytes()).await?;
            start_server(node).await?;
            // The others copy what the first one has, and cannot where a write of its is being taken back for want of them.
            let began = std::time::Instant::now();
            while let Err(error) = serves(node, false).await {
                if began.elapsed() > BEGIN_MAX {
                    return Err(error);
                }
                tokio::time::sleep(BEGIN_EVERY).await;
            }
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in cluster.nodes.iter().rev() {
            serves(node, node.id == cluster.nodes[0].id).await?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let wire = Wire::open(address(node)).await.map_err(|reason| at(node, reason))?;
        Ok(wire.version)
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        Some(self)
    }

    fn primaries(&self) -> Option<&dyn Primaries> {
        if self.topology == Topology::Single { None } else { Some(self) }
    }
}

#[async_trait]
impl ProcessControl for Tarantool {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node)).await
    }
}

#[async_trait]
impl Primaries for Tarantool {
    /// The first node, which alone takes writes.
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        vec![cluster.nodes[0].id]
    }
}
