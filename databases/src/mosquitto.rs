//! Mosquitto 2, an MQTT broker, whose protocol (MQTT 5) is spoken by hand: a single server, which keeps what it has on the disk as it
//! comes: when it ends in peace, and otherwise once in half an hour.

mod client;
mod packets;
mod queues;
mod wire;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, ProcessControl, Speaks};
use history::{
    NodeId, Queue, Reason,
    vocabulary::{Register, Set},
};

pub use client::MosquittoClients;

use crate::endpoint::{Running, Shared};
use wire::{Who, Wire};

/// The name of the daemon.
const DAEMON: &str = "mosquitto";
/// The usual port.
const PORT: u16 = 1883;
/// The usual port where TLS is spoken.
const TLS_PORT: u16 = 8883;
/// What `install` says when there is no Mosquitto.
const REMEDY: &str = "there is no Mosquitto; to have it: sudo apt-get install mosquitto";
/// Where the server tells which version it has.
const VERSION: &str = "$SYS/broker/version";
/// What all topics begin with.
const TOPICS: &str = "disprove";

/// When the server writes down what it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Saving {
    /// Once in half an hour, and when it ends in peace: its default.
    #[default]
    Seldom,
    /// After every change (`autosave_on_changes`), though not before it is acknowledged.
    Often,
}

impl Saving {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Seldom, Self::Often];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Seldom => "single",
            Self::Often => "saving",
        }
    }

    fn setting(self) -> &'static str {
        match self {
            Self::Seldom => "",
            Self::Often => "autosave_on_changes true\nautosave_interval 1\n",
        }
    }
}

/// Mosquitto.
#[derive(Clone, Debug, Default)]
pub struct Mosquitto {
    /// When the server writes down what it has.
    pub saving: Saving,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

fn folder(node: &Node) -> PathBuf {
    node.data.join("mosquitto")
}

fn address(node: &Node) -> SocketAddr {
    (node.address, PORT + node.port_offset).into()
}

/// What the server is told: who it is told to be matters only where it is started as root, whom it would be otherwise is nobody who
/// can write here.
fn settings(saving: Saving, node: &Node) -> String {
    format!(
        "listener {} {}\nallow_anonymous true\nuser root\npersistence true\npersistence_location {}/\n\
         max_queued_messages 0\nset_tcp_nodelay true\nlog_dest stderr\n{}",
        address(node).port(),
        node.address,
        folder(node).display(),
        saving.setting()
    )
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let settings = folder(node).join("mosquitto.conf").display().to_string();
    remote
        .start(&Daemon {
            name: DAEMON.into(),
            argv: vec!["mosquitto".into(), "-c".into(), settings],
            env: Vec::new(),
            directory: folder(node),
            log: node.logs.join("mosquitto.log"),
        })
        .await
}

impl Mosquitto {
    /// A session with the server.
    async fn open(&self, node: &Node, who: Who<'_>) -> Result<Wire, Reason> {
        let Some(running) = &self.running else { return Wire::open(address(node), who, None).await };
        let endpoint = running.endpoint(node);
        let password = endpoint.password.as_ref().map(|password| password.reveal());
        let usual = if endpoint.tls.is_some() { TLS_PORT } else { PORT };
        Wire::open(running.place(node, usual), who, endpoint.user.as_deref().zip(password)).await
    }

    async fn told_version(&self, node: &Node) -> Result<String, Reason> {
        let told = self.open(node, Who::Nobody).await?.retained(VERSION).await;
        let told = told.map_err(client::Trouble::word)?;
        let text = told.into_iter().next().map(|(_, text)| text).unwrap_or_default();
        let version = text.rsplit(' ').next().unwrap_or_default().to_owned();
        // Servers that others keep may not tell of themselves.
        if version.is_empty() { Ok("unknown".into()) } else { Ok(version) }
    }

    /// Removes the topics and the sessions of the run.
    async fn remove(&self, node: &Node, running: &Running) -> Result<(), Reason> {
        let mut session = self.open(node, Who::Nobody).await?;
        for below in ["register/+", "set/+/+", "queues/+"] {
            let told = session.retained(&format!("{TOPICS}/{below}")).await.map_err(client::Trouble::word)?;
            for (topic, _) in told {
                let Some(key) = topic.split('/').nth(2).filter(|key| key.starts_with(&running.keys())) else {
                    continue;
                };
                if below.starts_with("queues/") {
                    // Whoever is asked for by this name begins anew, and ends with its connection.
                    self.open(node, Who::Forgotten(&queues::client(key))).await?.leave().await;
                }
                session.publish(&topic, "", true).await.map_err(client::Trouble::word)?;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Database for Mosquitto {
    fn name(&self) -> &str {
        "mosquitto"
    }

    /// MQTT promises that what is acknowledged comes at least once to those who are known to listen. Of a message that is retained it
    /// promises nothing that could be called by a name.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match vocabulary {
            "queue" => Some("at-least-once"),
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(address(node), b"\x10\x28\0\x04MQTT\x05\x02\0\x3c\0"))
    }

    fn speaks(&self) -> Speaks {
        let clients = || MosquittoClients::new(self.clone());
        Speaks::default().with::<Register>(clients()).with::<Set>(clients()).with::<Queue>(clients())
    }

    fn nodes_usual(&self) -> usize {
        1
    }

    fn nodes_max(&self) -> Option<usize> {
        Some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if let Some(running) = &self.running {
            let opened = self.open(node, Who::Nobody).await;
            return opened.map(|_| ()).map_err(|reason| running.unreachable(node, reason));
        }
        // Asked for its version it answers with 3, so that nothing but its absence says that it is not there.
        let found = node.remote()?.exec(&["mosquitto", "-h"], b"", Duration::from_secs(10)).await;
        match found {
            Ok(output) if output.stdout.starts_with(b"mosquitto version") => Ok(()),
            _ => Err(at(node, REMEDY)),
        }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.running.is_some() {
            return Ok(());
        }
        for node in &cluster.nodes {
            let settings = settings(self.saving, node);
            node.remote()?.upload(&folder(node).join("mosquitto.conf"), settings.as_bytes()).await?;
            start_server(node).await?;
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        self.version(cluster).await.map(|_| ())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        self.told_version(node).await.map_err(|reason| at(node, reason))
    }

    async fn remove_own(&self, cluster: &Cluster) -> Result<(), Error> {
        let Some(running) = &self.running else { return Ok(()) };
        let node = &cluster.nodes[0];
        let removed = self.remove(node, running).await;
        removed.map_err(|why| {
            at(node, format!("topics and clients with {} in their names may be left: {why}", running.keys()))
        })
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        if self.running.is_some() { None } else { Some(self) }
    }
}

#[async_trait]
impl ProcessControl for Mosquitto {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node)).await
    }
}
