//! RabbitMQ 3.8 and later, whose protocol is spoken by hand: with quorum queues, or with classic ones that are mirrored (up to 3.13).

mod client;
mod fields;
mod locks;
mod wire;

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, ProcessControl, Speaks};
use history::{NodeId, Queue, Reason, vocabulary::Mutex};
use tokio::time::sleep;

pub use client::RabbitmqClients;

use crate::endpoint::{Running, Shared};
use wire::{Login, Wire};

/// The name of the daemon on each node.
const DAEMON: &str = "rabbitmq";
/// The usual port for clients.
const PORT: u16 = 5672;
/// The usual port where TLS is spoken.
const TLS_PORT: u16 = 5671;
/// The usual port of servers for each other.
const PEER_PORT: u16 = 25672;
/// What all servers of a cluster know. Nothing but the run's own network reaches them.
const COOKIE: &str = "DISPROVE";
/// The queue by which is seen that all servers are of one cluster.
const READY: &str = "disprove-ready";
/// What `install` says when there is no RabbitMQ.
const REMEDY: &str = "there is no RabbitMQ; to have it: sudo apt-get install rabbitmq-server";
/// Where Debian's package puts the program; the one in the path insists on a user of its own.
const PROGRAM: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

/// When a message counts as taken out of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reads {
    /// When the server has sent it.
    #[default]
    Auto,
    /// When it was acknowledged.
    Manual,
}

impl Reads {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Auto, Self::Manual];

    /// Its name in `--reads`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Manual => "manual",
        }
    }
}

/// How queues are kept on several servers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// Quorum queues; servers that see only a minority pause.
    #[default]
    Quorum,
    /// Classic queues with a mirror on every server; after a partition one side gives up what it has (`autoheal`).
    Mirrored,
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Quorum, Self::Mirrored];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Quorum => "quorum",
            Self::Mirrored => "mirrored",
        }
    }

    /// What servers do that cannot see the others.
    fn partition_handling(self) -> &'static str {
        match self {
            Self::Quorum => "pause_minority",
            Self::Mirrored => "autoheal",
        }
    }
}

/// How long the first server may take until the others are started as well.
const ALONE: Duration = Duration::from_secs(60);

/// What every server knows before it starts where queues are mirrored: the usual user, and that every queue has a mirror on
/// every server.
const DEFINITIONS: &str = r#"{
  "users": [{"name": "guest", "password": "guest", "tags": "administrator"}],
  "vhosts": [{"name": "/"}],
  "permissions": [{"user": "guest", "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}],
  "policies": [{
    "vhost": "/", "name": "mirrors", "pattern": ".*", "apply-to": "queues", "priority": 0,
    "definition": {"ha-mode": "all", "ha-sync-mode": "automatic"}
  }]
}
"#;

/// RabbitMQ, a server on each node.
#[derive(Clone, Debug, Default)]
pub struct Rabbitmq {
    /// How queues are kept on several servers.
    pub topology: Topology,
    /// When a message counts as taken.
    pub reads: Reads,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

impl Rabbitmq {
    /// A session with the server of a node.
    async fn open(&self, node: &Node) -> Result<Wire, Reason> {
        let mut login = Login { has_quorum: self.topology == Topology::Quorum, ..Login::default() };
        let Some(running) = &self.running else { return Wire::open(address(node), &login).await };
        let endpoint = running.endpoint(node);
        if let (Some(user), Some(password)) = (&endpoint.user, &endpoint.password) {
            (login.user, login.password) = (user, password.reveal());
        }
        login.host = endpoint.database.as_deref().unwrap_or(login.host);
        let usual = if endpoint.tls.is_some() { TLS_PORT } else { PORT };
        Wire::open(running.place(node, usual), &login).await
    }

    /// Waits for the first server to serve, for a while. Servers that import the same definitions at the same time may miss that
    /// another made the virtual host, and then refuse it for good ("vhost '/' is down"). Where it does not come up,
    /// [`Database::ready`] says why.
    async fn await_first(&self, node: &Node) {
        let until = Instant::now() + ALONE;
        while self.open(node).await.is_err() && Instant::now() < until {
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// The queue by which is seen that all servers are of one cluster.
    fn ready_queue(&self) -> String {
        let prefix = self.running.as_ref().map(|running| running.keys()).unwrap_or_default();
        format!("{prefix}{READY}")
    }

    /// Removes the queues of the run, which AMQP cannot list.
    async fn remove(&self, node: &Node, running: &Running) -> Result<(), Error> {
        let told =
            |reason| at(node, format!("queues that begin with {} may be left: {reason}", running.keys()));
        let mut session = self.open(node).await.map_err(told)?;
        session.delete(&self.ready_queue()).await.map_err(told)?;
        let mut missing = 0;
        for queue in running.numbered() {
            if session.declare(&queue, true).await.is_ok() {
                session.delete(&queue).await.map_err(told)?;
                missing = 0;
                continue;
            }
            // The answer that there is no such queue ends the session.
            session = self.open(node).await.map_err(told)?;
            missing += 1;
            if missing == Running::MISSING_MAX {
                break;
            }
        }
        Ok(())
    }
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

fn folder(node: &Node) -> PathBuf {
    node.data.join("rabbitmq")
}

fn address(node: &Node) -> SocketAddr {
    (node.address, PORT + node.port_offset).into()
}

/// The name of a server: with its address, so that nobody has to know the names of machines.
fn name(node: &Node) -> String {
    format!("rabbit@{}", node.address)
}

fn settings(topology: Topology, cluster: &Cluster, node: &Node) -> String {
    let peer = |(place, peer): (usize, &Node)| {
        format!("cluster_formation.classic_config.nodes.{} = {}\n", place + 1, name(peer))
    };
    let peers: String = cluster.nodes.iter().enumerate().map(peer).collect();
    let mut settings = format!(
        "listeners.tcp.1 = {}\nloopback_users = none\ncluster_partition_handling = {}\n\
         cluster_formation.peer_discovery_backend = classic_config\ndisk_free_limit.absolute = 10MB\n\
         vm_memory_high_watermark.relative = 0.6\n{peers}",
        address(node),
        topology.partition_handling()
    );
    if topology == Topology::Mirrored {
        settings += &format!("load_definitions = {}\n", folder(node).join("definitions.json").display());
    }
    settings
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let own = folder(node);
    let inside = |name: &str| own.join(name).display().to_string();
    let env = [
        ("HOME", own.display().to_string()),
        ("RABBITMQ_NODENAME", name(node)),
        ("RABBITMQ_USE_LONGNAME", "true".into()),
        ("RABBITMQ_DIST_PORT", (PEER_PORT + node.port_offset).to_string()),
        ("RABBITMQ_MNESIA_BASE", inside("mnesia")),
        ("RABBITMQ_LOG_BASE", inside("log")),
        ("RABBITMQ_LOGS", "-".into()),
        ("RABBITMQ_CONFIG_FILE", inside("rabbitmq.conf")),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", inside("plugins")),
        ("RABBITMQ_PID_FILE", inside("pid")),
        ("RABBITMQ_CONF_ENV_FILE", "/dev/null".into()),
        // Several servers share a machine: two threads each, which do not spin while they wait.
        ("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none".into()),
    ];
    remote
        .start(&Daemon {
            name: DAEMON.into(),
            argv: vec![PROGRAM.into()],
            env: env.map(|(name, value)| (name.to_owned(), value)).to_vec(),
            directory: own,
            log: node.logs.join("rabbitmq.log"),
        })
        .await
}

#[async_trait]
impl Database for Rabbitmq {
    fn name(&self) -> &str {
        "rabbitmq"
    }

    /// A quorum queue is a replicated log. What is acknowledged by hand may be delivered again, and RabbitMQ says so.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.reads, vocabulary) {
            // What one side of a partition confirmed may be given up.
            _ if self.topology == Topology::Mirrored => None,
            (Reads::Auto, "queue") => Some("linearizable"),
            (Reads::Manual, "queue") => Some("at-least-once"),
            // A lock ends with the session of its holder, who may not know yet.
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(address(node), b"AMQP\0\0\x09"))
    }

    fn speaks(&self) -> Speaks {
        Speaks::default()
            .with::<Queue>(RabbitmqClients(self.clone()))
            .with::<Mutex>(locks::LockClients::new(self.clone()))
    }

    fn call_timeout(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn nodes_usual(&self) -> usize {
        3
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if let Some(running) = &self.running {
            let opened = self.open(node).await;
            return opened.map(|_| ()).map_err(|reason| running.unreachable(node, reason));
        }
        let found = node.remote()?.exec(&["test", "-x", PROGRAM], b"", Duration::from_secs(10)).await?;
        if found.code == 0 { Ok(()) } else { Err(at(node, REMEDY)) }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        for (place, node) in cluster.nodes.iter().enumerate() {
            let (remote, own) = (node.remote()?, folder(node));
            let cookie = own.join(".erlang.cookie");
            let settings = settings(self.topology, cluster, node);
            remote.upload(&own.join("rabbitmq.conf"), settings.as_bytes()).await?;
            remote.upload(&own.join("definitions.json"), DEFINITIONS.as_bytes()).await?;
            remote.upload(&own.join("plugins"), b"[].\n").await?;
            remote.upload(&cookie, COOKIE.as_bytes()).await?;
            // Erlang insists that nobody else can read it.
            let cookie = cookie.display().to_string();
            remote.exec(&["chmod", "400", &cookie], b"", Duration::from_secs(10)).await?;
            start_server(node).await?;
            if place == 0 && self.topology == Topology::Mirrored {
                self.await_first(node).await;
            }
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        let mut sessions = Vec::new();
        for node in &cluster.nodes {
            sessions.push((node, self.open(node).await.map_err(|reason| at(node, reason))?));
        }
        // A queue that one server makes is known to all others only where they are of one cluster.
        for (place, (node, session)) in sessions.iter_mut().enumerate() {
            session.declare(&self.ready_queue(), place > 0).await.map_err(|reason| at(node, reason))?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        Ok(self.open(node).await.map_err(|reason| at(node, reason))?.version)
    }

    async fn remove_own(&self, cluster: &Cluster) -> Result<(), Error> {
        match &self.running {
            Some(running) => self.remove(&cluster.nodes[0], running).await,
            None => Ok(()),
        }
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        if self.running.is_some() { None } else { Some(self) }
    }
}

#[async_trait]
impl ProcessControl for Rabbitmq {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node)).await
    }
}
