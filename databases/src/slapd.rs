//! slapd, OpenLDAP's server, 2.5 and later, whose protocol is spoken by hand: one server, one that takes writes and others that follow
//! it, or several that all take writes.

mod ber;
mod client;
mod wire;

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, Primaries, ProcessControl, Speaks};
use history::{
    NodeId, Reason,
    vocabulary::{Register, Set},
};

pub use client::SlapdClients;

use crate::endpoint::{Running, Shared};
use wire::{Wire, code};

/// The name of the daemon on each node.
const DAEMON: &str = "slapd";
/// The usual port.
const PORT: u16 = 389;
/// The usual port where TLS is spoken.
const TLS_PORT: u16 = 636;
/// The port of servers that the run starts: one that everybody may use.
const OWN_PORT: u16 = 3890;
/// What `install` says when there is no slapd.
const REMEDY: &str = "there is no slapd; to have it: sudo apt-get install slapd";
/// Where the entries of the run are.
const BASE: &str = "dc=disprove";
/// Who may do everything. Nothing but the run's own network reaches the servers.
const USER: &str = "cn=disprove,dc=disprove";
/// What lets them in.
const PASSWORD: &str = "disprove";
/// What every entry is: something with a name that may have descriptions.
const CLASS: &str = "device";
/// Where a server tells what it is.
const MONITOR: &str = "cn=Monitor";

/// How servers stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    #[default]
    Single,
    /// The first server takes writes (the provider), and the others follow it and answer reads (consumers).
    Consumers,
    /// Every server takes writes and follows all others; of two changes of one entry the later one stays.
    Providers,
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Single, Self::Consumers, Self::Providers];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Consumers => "consumers",
            Self::Providers => "providers",
        }
    }

    /// Whether the server of a node follows that of another.
    fn follows(self, node: &Node, other: &Node) -> bool {
        match self {
            Self::Single => false,
            Self::Consumers => node.id.0 != 0 && other.id.0 == 0,
            Self::Providers => node.id != other.id,
        }
    }
}

/// slapd, a server on each node.
#[derive(Clone, Debug, Default)]
pub struct Slapd {
    /// How servers stand to each other.
    pub topology: Topology,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

fn folder(node: &Node) -> PathBuf {
    node.data.join("slapd")
}

/// Where a server that the run starts listens.
fn address(node: &Node) -> SocketAddr {
    (node.address, OWN_PORT + node.port_offset).into()
}

fn settings(topology: Topology, cluster: &Cluster, node: &Node) -> String {
    let follow = |other: &&Node| topology.follows(node, other);
    let followed = |other: &Node| {
        format!(
            "syncrepl rid={:03} provider=ldap://{} bindmethod=simple binddn=\"{USER}\" credentials={PASSWORD}\n  \
             searchbase=\"{BASE}\" type=refreshAndPersist retry=\"1 +\" network-timeout=2\n",
            other.id.0 + 1,
            address(other)
        )
    };
    let followed: String = cluster.nodes.iter().filter(follow).map(followed).collect();
    let (number, many) = match topology {
        Topology::Providers => (format!("serverID {}\n", node.id.0 + 1), "multiprovider on\n"),
        Topology::Single | Topology::Consumers => (String::new(), ""),
    };
    format!(
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\nmoduleload syncprov\n\
         threads 4\n{number}database mdb\nmaxsize 268435456\nsuffix \"{BASE}\"\nrootdn \"{USER}\"\nrootpw {PASSWORD}\n\
         directory {}\nindex objectClass,entryUUID,entryCSN eq\n{followed}{many}overlay syncprov\ndatabase monitor\n",
        folder(node).join("data").display()
    )
}

/// Puts on a node's disk what its server starts with.
async fn prepare(topology: Topology, cluster: &Cluster, node: &Node) -> Result<(), Error> {
    let (remote, own) = (node.remote()?, folder(node));
    // The server does not make the folder of its data itself, and this file does.
    remote.upload(&own.join("data/disprove"), b"").await?;
    remote.upload(&own.join("slapd.conf"), settings(topology, cluster, node).as_bytes()).await
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let (settings, place) = (folder(node).join("slapd.conf"), format!("ldap://{}", address(node)));
    // Told what to log it stays in the foreground; 32768 is what is told however little is asked for.
    let argv = ["slapd", "-f", &settings.display().to_string(), "-h", &place, "-d", "32768"];
    remote
        .start(&Daemon {
            name: DAEMON.into(),
            argv: argv.map(str::to_owned).to_vec(),
            env: Vec::new(),
            directory: folder(node),
            log: node.logs.join("slapd.log"),
        })
        .await
}

impl Slapd {
    /// A session with the server of a node.
    async fn open(&self, node: &Node) -> Result<Wire, Reason> {
        let Some(running) = &self.running else { return Wire::open(address(node), USER, PASSWORD).await };
        let endpoint = running.endpoint(node);
        let password = endpoint.password.as_ref().map_or("", |password| password.reveal());
        let usual = if endpoint.tls.is_some() { TLS_PORT } else { PORT };
        Wire::open(running.place(node, usual), endpoint.user.as_deref().unwrap_or_default(), password).await
    }

    /// The node whose server takes what is written in sessions with this one.
    fn writes_at<'a>(&self, cluster: &'a Cluster, node: &'a Node) -> &'a Node {
        match self.topology {
            Topology::Consumers => &cluster.nodes[0],
            Topology::Single | Topology::Providers => node,
        }
    }

    /// Below what all entries are.
    fn base(&self) -> &str {
        let running = self.running.as_ref().and_then(|running| running.endpoints[0].database.as_deref());
        running.unwrap_or(BASE)
    }

    /// The name of an entry.
    fn entry(&self, name: &str) -> String {
        format!("cn={name},{}", self.base())
    }

    /// Makes the entry below which all others are, and waits until every server has it.
    async fn serves(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            let mut wire = self.open(node).await.map_err(|reason| at(node, reason))?;
            if self.running.is_none() && node.id.0 == 0 {
                let attributes: [wire::Attribute<'_>; 3] = [
                    ("objectClass", &["dcObject", "organization"]),
                    ("dc", &["disprove"]),
                    ("o", &["disprove"]),
                ];
                match wire.add(BASE, &attributes).await {
                    Err(trouble) if !trouble.is(code::ENTRY_EXISTS) => return Err(at(node, trouble.word())),
                    _ => {}
                }
            }
            match wire.values(self.base(), "objectClass").await {
                Ok(Some(_)) => {}
                Ok(None) => return Err(at(node, format!("it has no {}", self.base()))),
                Err(trouble) => return Err(at(node, trouble.word())),
            }
        }
        Ok(())
    }

    /// Removes the entries of the run.
    async fn remove(&self, node: &Node, running: &Running) -> Result<(), Reason> {
        let mut wire = self.open(node).await?;
        let mut missing = 0;
        for name in running.numbered() {
            match wire.delete(&self.entry(&name)).await {
                Ok(()) => missing = 0,
                Err(trouble) if trouble.is(code::NO_SUCH_OBJECT) => missing += 1,
                Err(trouble) => return Err(trouble.word()),
            }
            if missing == Running::MISSING_MAX {
                break;
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Database for Slapd {
    fn name(&self) -> &str {
        "slapd"
    }

    /// A write is on the disk before it is acknowledged, and one server answers with what was written last. Who follows is late.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.topology, vocabulary) {
            (Topology::Single, "register" | "set") => Some("linearizable"),
            (Topology::Consumers, "set") => Some("eventual"),
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(address(node), b"\x30\x84\0\0\0\x40\x02\x01\x01"))
    }

    fn speaks(&self) -> Speaks {
        let clients = || SlapdClients(self.clone());
        Speaks::default().with::<Register>(clients()).with::<Set>(clients())
    }

    fn nodes_usual(&self) -> usize {
        if self.topology == Topology::Single { 1 } else { 3 }
    }

    fn nodes_max(&self) -> Option<usize> {
        (self.topology == Topology::Single).then_some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if let Some(running) = &self.running {
            let opened = self.open(node).await;
            return opened.map(|_| ()).map_err(|reason| running.unreachable(node, reason));
        }
        let found = node.remote()?.exec(&["slapd", "-VV"], b"", Duration::from_secs(10)).await;
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
            prepare(self.topology, cluster, node).await?;
            start_server(node).await?;
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        self.serves(cluster).await
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let mut wire = self.open(node).await.map_err(|reason| at(node, reason))?;
        let told = wire.values(MONITOR, "monitoredInfo").await;
        let version = |told: Vec<String>| {
            let words = told.first()?.split_once("slapd ")?.1.trim_start();
            words.split(' ').next().map(str::to_owned)
        };
        // Servers that others keep may not tell of themselves.
        Ok(told.ok().flatten().and_then(version).unwrap_or_else(|| "unknown".into()))
    }

    async fn remove_own(&self, cluster: &Cluster) -> Result<(), Error> {
        let Some(running) = &self.running else { return Ok(()) };
        let node = &cluster.nodes[0];
        let removed = self.remove(node, running).await;
        removed.map_err(|why| {
            at(node, format!("entries whose names begin with {} may be left: {why}", running.keys()))
        })
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        if self.running.is_some() { None } else { Some(self) }
    }

    fn primaries(&self) -> Option<&dyn Primaries> {
        if self.topology == Topology::Consumers { Some(self) } else { None }
    }
}

#[async_trait]
impl ProcessControl for Slapd {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node)).await
    }
}

#[async_trait]
impl Primaries for Slapd {
    /// The first node, which alone takes writes.
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        vec![cluster.nodes[0].id]
    }
}
