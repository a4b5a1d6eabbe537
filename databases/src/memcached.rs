//! memcached, a single server. It is a cache: what is in it is gone when it ends, and may be gone when it is full.

mod client;

use std::{net::SocketAddr, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, ProcessControl, Speaks};
use history::{NodeId, vocabulary::Register};

pub use client::MemcachedClients;

use crate::{
    endpoint::{Running, Shared},
    stream::Place,
};
use client::Session;

/// The name of the daemon.
const DAEMON: &str = "memcached";
/// The usual port.
const PORT: u16 = 11211;
/// What `install` says when there is no memcached.
const REMEDY: &str = "there is no memcached; to have it: sudo apt-get install memcached";

/// memcached.
#[derive(Clone, Debug, Default)]
pub struct Memcached {
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

impl Memcached {
    fn place(&self, node: &Node) -> Place<'_> {
        match &self.running {
            None => address(node).into(),
            Some(running) => running.place(node, PORT),
        }
    }

    /// Removes the keys of the run, which memcached cannot list.
    async fn remove(&self, node: &Node, running: &Running) -> Result<(), Error> {
        let session = Session::open(self.place(node)).await;
        let mut session = session.map_err(|reason| at(node, reason))?;
        let mut missing = 0;
        for key in running.numbered() {
            let removed = session.remove(&key).await;
            missing = match removed.map_err(|why| at(node, format!("{key} may be left there: {why}")))? {
                true => 0,
                false => missing + 1,
            };
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

fn address(node: &Node) -> SocketAddr {
    (node.address, PORT + node.port_offset).into()
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let (ip, port) = (node.address.to_string(), address(node).port().to_string());
    // Whoever it is told to be matters only where it is started as root, which it refuses without a word about it.
    let argv =
        ["memcached", "-u", "root", "-l", &ip, "-p", &port, "-U", "0", "-m", "64", "-c", "4096", "-t", "2"];
    remote
        .start(&Daemon {
            name: DAEMON.into(),
            argv: argv.map(str::to_owned).to_vec(),
            env: Vec::new(),
            directory: node.data.clone(),
            log: node.logs.join("memcached.log"),
        })
        .await
}

#[async_trait]
impl Database for Memcached {
    fn name(&self) -> &str {
        "memcached"
    }

    /// A cache may forget, so nothing is promised.
    fn promises(&self, _: &str) -> Option<&'static str> {
        None
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new(address(node), b"get disprove-stranger"))
    }

    fn speaks(&self) -> Speaks {
        Speaks::default().with::<Register>(MemcachedClients(self.clone()))
    }

    fn nodes_usual(&self) -> usize {
        1
    }

    fn nodes_max(&self) -> Option<usize> {
        Some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if let Some(running) = &self.running {
            // Where TLS is spoken, it judges the client's certificate when it is asked something.
            let asked = async { Session::open(self.place(node)).await?.version().await };
            return asked.await.map(|_| ()).map_err(|reason| running.unreachable(node, reason));
        }
        let found = node.remote()?.exec(&["memcached", "--version"], b"", Duration::from_secs(10)).await;
        match found {
            Ok(output) if output.code == 0 => Ok(()),
            _ => Err(at(node, REMEDY)),
        }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.running.is_some() { Ok(()) } else { start_server(&cluster.nodes[0]).await }
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        self.version(cluster).await.map(|_| ())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let mut session = Session::open(self.place(node)).await.map_err(|reason| at(node, reason))?;
        session.version().await.map_err(|reason| at(node, reason))
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
impl ProcessControl for Memcached {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node)).await
    }
}
