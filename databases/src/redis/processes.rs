//! Redis's processes on a node: the server, and the sentinel where there is one. A node that dies takes both.

use async_trait::async_trait;
use cluster::{Cluster, DaemonState, Error, ProcessControl, Signal};
use history::NodeId;

use super::{Redis, SENTINEL, SERVER, start_node};

impl Redis {
    async fn signal(&self, cluster: &Cluster, node: NodeId, signal: Signal) -> Result<(), Error> {
        let remote = cluster.node(node).remote()?;
        if self.has_sentinels() {
            remote.signal(SENTINEL, signal).await?;
        }
        remote.signal(SERVER, signal).await
    }
}

#[async_trait]
impl ProcessControl for Redis {
    async fn kill(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        self.signal(cluster, node, Signal::Kill).await
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_node(cluster.node(node), SERVER).await?;
        if self.has_sentinels() {
            start_node(cluster.node(node), SENTINEL).await?;
        }
        Ok(())
    }

    async fn pause(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        self.signal(cluster, node, Signal::Stop).await
    }

    async fn resume(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        self.signal(cluster, node, Signal::Continue).await
    }

    async fn state(&self, cluster: &Cluster, node: NodeId) -> Result<DaemonState, Error> {
        cluster.node(node).remote()?.state(SERVER).await
    }
}
