//! ZooKeeper 3.8, whose protocol is spoken by hand.

mod client;
mod sequences;
mod wire;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, Primaries, ProcessControl, Speaks};
use history::{
    NodeId,
    vocabulary::{Ids, Mutex, Queue, Register, Set},
};

pub use client::ZookeeperClients;

use crate::{endpoint::Shared, stream::Place};
use client::{Session, Trouble};

/// The name of the daemon on each node.
const DAEMON: &str = "zookeeper";
/// The usual port for clients.
const CLIENT_PORT: u16 = 2181;
/// The usual port on which followers follow.
const PEER_PORT: u16 = 2888;
/// The usual port on which leaders are elected.
const ELECTION_PORT: u16 = 3888;
/// What `install` says when there is no ZooKeeper.
const REMEDY: &str = "there is no ZooKeeper; to have it: sudo apt-get install zookeeper";
/// Where Debian's packages put ZooKeeper, and what writes its log to standard error.
const JARS: &str =
    "command -v java >/dev/null && ls /usr/share/java/zookeeper.jar && ls /usr/share/java/slf4j-simple.jar";

/// How reads are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// After a write of the same session, which takes a quorum: the server has all that was acknowledged before.
    #[default]
    Quorum,
    /// After the server has caught up with whom it holds for the leader (`sync`).
    Sync,
    /// From what the server has, which may be late.
    Local,
}

impl Reads {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Quorum, Self::Sync, Self::Local];

    /// Its name in `--reads`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Sync => "sync",
            Self::Local => "local",
        }
    }
}

/// ZooKeeper, a server on each node.
#[derive(Clone, Debug, Default)]
pub struct Zookeeper {
    /// How reads are made.
    pub reads: Reads,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

impl Zookeeper {
    /// Where the server of a node listens for clients.
    fn place(&self, node: &Node) -> Place<'_> {
        match &self.running {
            None => Place { address: (node.address, CLIENT_PORT + node.port_offset).into(), tls: None },
            Some(running) => running.place(node, CLIENT_PORT),
        }
    }

    /// What the names of nodes begin with where others have nodes too.
    fn prefix(&self) -> String {
        self.running.as_ref().map(|running| running.keys()).unwrap_or_default()
    }

    /// Removes every node of the run, with those below it.
    async fn remove(&self, node: &Node, begin: &str) -> Result<(), Error> {
        let mut session = Session::open(self, node).await.map_err(|reason| at(node, reason))?;
        let removed = session.remove_all(begin).await;
        removed.map_err(|trouble| {
            let (Trouble::Refused(why) | Trouble::Doubtful(why)) = trouble;
            at(node, format!("nodes that begin with {begin} may be left there: {why}"))
        })
    }
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

fn folder(node: &Node) -> PathBuf {
    node.data.join("zookeeper")
}

/// What the server of a node is told: ticks of half a second, so that a leader who is gone is missed after three.
fn settings(cluster: &Cluster, node: &Node) -> String {
    let server = |peer: &Node| {
        let (peers, election) = (PEER_PORT + peer.port_offset, ELECTION_PORT + peer.port_offset);
        format!("server.{}={}:{peers}:{election}\n", peer.id.0 + 1, peer.address)
    };
    let servers: String =
        if cluster.nodes.len() > 1 { cluster.nodes.iter().map(server).collect() } else { String::new() };
    format!(
        "tickTime=500\ninitLimit=20\nsyncLimit=6\nmaxSessionTimeout=60000\nmaxClientCnxns=0\ndataDir={}\n\
         clientPort={}\nclientPortAddress={}\nadmin.enableServer=false\n4lw.commands.whitelist=srvr\n{servers}",
        folder(node).display(),
        CLIENT_PORT + node.port_offset,
        node.address
    )
}

/// Where the program is, as Java wants to be told.
async fn class_path(node: &Node) -> Result<String, Error> {
    let found = node.remote()?.exec(&["sh", "-c", JARS], b"", Duration::from_secs(10)).await?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let jars: Vec<&str> = text.lines().collect();
    if jars.is_empty() { Err(at(node, REMEDY)) } else { Ok(jars.join(":")) }
}

/// Puts on a node's disk what its server starts with.
async fn prepare(cluster: &Cluster, node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    remote.upload(&folder(node).join("zoo.cfg"), settings(cluster, node).as_bytes()).await?;
    let number = (node.id.0 + 1).to_string();
    remote.upload(&folder(node).join("myid"), number.as_bytes()).await
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let class_path = class_path(node).await?;
    let settings = folder(node).join("zoo.cfg").display().to_string();
    // A small heap and a simple collector, because several servers share a machine; no files outside the node's own.
    let argv = [
        "java",
        "-Xmx128m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:-UsePerfData",
        "-Dzookeeper.jmx.log4j.disable=true",
        "-Dzookeeper.preAllocSize=1024",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-Dorg.slf4j.simpleLogger.dateTimeFormat=HH:mm:ss.SSS",
        "-cp",
        &class_path,
        "org.apache.zookeeper.server.quorum.QuorumPeerMain",
        &settings,
    ];
    remote
        .start(&Daemon {
            name: DAEMON.into(),
            argv: argv.map(str::to_owned).to_vec(),
            env: Vec::new(),
            directory: folder(node),
            log: node.logs.join("zookeeper.log"),
        })
        .await
}

#[async_trait]
impl Database for Zookeeper {
    fn name(&self) -> &str {
        "zookeeper"
    }

    /// Writes are linearizable, and every session sees one order of all of them, late. A read after a write of its session
    /// is not late. One after `sync` seldom is, and ZooKeeper does not promise it: a leader that was deposed and does not
    /// know it answers `sync` without asking anybody.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.reads, vocabulary) {
            (Reads::Quorum, "register" | "set" | "queue") | (_, "ids") => Some("linearizable"),
            (Reads::Sync | Reads::Local, "register") => Some("sequential"),
            (Reads::Sync | Reads::Local, "set") => Some("eventual"),
            // A lock ends with the session of its holder, who may not know yet.
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new((node.address, CLIENT_PORT + node.port_offset), b"\0\0\0\x2c\0\0\0\0\0\0\0\0\0\0"))
    }

    fn speaks(&self) -> Speaks {
        let clients = || ZookeeperClients(self.clone());
        Speaks::default()
            .with::<Register>(clients())
            .with::<Set>(clients())
            .with::<Mutex>(clients())
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
        class_path(node).await.map(|_| ())
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
            // A session takes a quorum, and after a write the server has caught up: its reads are not late.
            let mut session = Session::open(self, node).await.map_err(|reason| at(node, reason))?;
            session.catch_up().await.map_err(|trouble| match trouble {
                Trouble::Refused(reason) | Trouble::Doubtful(reason) => at(node, reason),
            })?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let said = wire::describe(self.place(node)).await.map_err(|reason| at(node, reason))?;
        let version = said.lines().find_map(|line| line.strip_prefix("Zookeeper version: "));
        let version = version.and_then(|version| version.split([',', '-']).next());
        // Servers that others keep may not tell of themselves (`4lw.commands.whitelist`).
        match version {
            None if self.running.is_some() => Ok("unknown".into()),
            version => version.map(str::to_owned).ok_or_else(|| at(node, "it tells no version")),
        }
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
impl ProcessControl for Zookeeper {
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
impl Primaries for Zookeeper {
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        let mut leaders = Vec::new();
        for node in &cluster.nodes {
            let asked = tokio::time::timeout(Duration::from_millis(300), wire::describe(self.place(node)));
            if let Ok(Ok(said)) = asked.await
                && said.lines().any(|line| matches!(line, "Mode: leader" | "Mode: standalone"))
            {
                leaders.push(node.id);
            }
        }
        leaders
    }
}
