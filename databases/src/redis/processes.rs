//! Redis's processes on a node: the server, and the sentinel where there is one. A node that dies takes both.

use async_trait::async_trait;
use cluster::{Cluster, Error, ProcessControl};
use history::NodeId;

use super::{Redis, SENTINEL, SERVER, start_node};

#[async_trait]
impl ProcessControl for Redis {
    fn daemons(&self) -> &[&str] {
        if self.has_sentinels() { &[SERVER, SENTINEL] } else { &[SERVER] }
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_node(self.maker, cluster.node(node), SERVER).await?;
        if self.has_sentinels() {
            start_node(self.maker, cluster.node(node), SENTINEL).await?;
        }
        Ok(())
    }
}
