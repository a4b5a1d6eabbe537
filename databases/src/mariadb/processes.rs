//! The server's processes: killed, started again, stopped and let go on.

use async_trait::async_trait;
use cluster::{Cluster, DaemonState, Error, ProcessControl, Signal};
use history::NodeId;

use super::{DAEMON, Mariadb, start_server};

#[async_trait]
impl ProcessControl for Mariadb {
    async fn kill(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        cluster.node(node).remote()?.signal(DAEMON, Signal::Kill).await
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node), &[]).await
    }

    async fn pause(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        cluster.node(node).remote()?.signal(DAEMON, Signal::Stop).await
    }

    async fn resume(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        cluster.node(node).remote()?.signal(DAEMON, Signal::Continue).await
    }

    async fn state(&self, cluster: &Cluster, node: NodeId) -> Result<DaemonState, Error> {
        cluster.node(node).remote()?.state(DAEMON).await
    }
}
