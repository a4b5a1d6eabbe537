//! A node, and the cluster they make up.

use std::{fmt, net::IpAddr, path::PathBuf, sync::Arc};

use history::NodeId;

use crate::{Network, Remote};

/// One host.
#[derive(Clone)]
pub struct Node {
    /// Its place in the cluster.
    pub id: NodeId,
    /// Its name: `n1`.
    pub name: String,
    /// Where clients and peers reach it.
    pub address: IpAddr,
    /// How the ports of this node differ from the usual ones: 0 where every node has an address of its own.
    pub port_offset: u16,
    /// A folder of its own for data, as the node sees it.
    pub data: PathBuf,
    /// A folder for its logs, as the node sees it.
    pub logs: PathBuf,
    /// How to act on it; `None` for a bare endpoint.
    pub remote: Option<Arc<dyn Remote>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("name", &self.name)
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Node {
    /// How to act on this node, or an error that says that nobody can.
    pub fn remote(&self) -> Result<&dyn Remote, crate::Error> {
        self.remote.as_deref().ok_or_else(|| {
            crate::Error::Unsupported(format!("acting on {}, of which only the address is known,", self.name))
        })
    }
}

/// All nodes and the network between them.
#[derive(Clone)]
pub struct Cluster {
    /// The nodes; `nodes[i].id == NodeId(i)`.
    pub nodes: Vec<Node>,
    /// The network, where it can be shaped.
    pub network: Option<Arc<dyn Network>>,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("nodes", &self.nodes)
            .field("network", &self.network.is_some())
            .finish()
    }
}

impl Cluster {
    /// The node of an id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[usize::from(id.0)]
    }
}
