//! A database under test, and its optional powers.

use std::time::Duration;

use async_trait::async_trait;
use history::NodeId;
use serde::{Deserialize, Serialize};

use crate::{Cluster, DaemonState, Door, Error, Node, Signal, Speaks};

/// A system under test: how it is installed, started and spoken to.
#[async_trait]
pub trait Database: Send + Sync {
    /// Its name in `--db`.
    fn name(&self) -> &str;
    /// The promise it makes for a vocabulary: the default of `--model`.
    fn promises(&self, vocabulary: &str) -> Option<&'static str>;
    /// The vocabularies it speaks.
    fn speaks(&self) -> Speaks;
    /// Checks that a node has what it takes, and says the exact remedy if it has not.
    async fn install(&self, cluster: &Cluster, node: &Node) -> Result<(), Error>;
    /// Starts it on all nodes, from nothing.
    async fn start(&self, cluster: &Cluster) -> Result<(), Error>;
    /// Whether the cluster as a whole serves now. The runner polls; an error is why it does not serve yet.
    async fn ready(&self, cluster: &Cluster) -> Result<(), Error>;
    /// Its version as it says itself.
    async fn version(&self, cluster: &Cluster) -> Result<String, Error>;
    /// Ends it on all nodes where the run started it; otherwise [removes](Self::remove_own) what the run made there.
    async fn stop(&self, cluster: &Cluster) -> Result<(), Error> {
        let Some(processes) = self.processes() else { return self.remove_own(cluster).await };
        for node in &cluster.nodes {
            processes.kill(cluster, node.id).await?;
        }
        Ok(())
    }
    /// Removes what the run made in a system that it did not start.
    async fn remove_own(&self, _cluster: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    /// Ends it and removes its data.
    async fn wipe(&self, cluster: &Cluster) -> Result<(), Error> {
        self.stop(cluster).await?;
        for node in &cluster.nodes {
            node.remote()?.wipe().await?;
        }
        Ok(())
    }
    /// The longest a healthy call should take; the runner's default time-out.
    fn call_timeout(&self) -> Duration {
        Duration::from_secs(5)
    }
    /// Where clients reach a node, and how what they ask there begins; `None` where nobody knows.
    fn door(&self, _node: &Node) -> Option<Door> {
        None
    }
    /// How many nodes it runs on unless somebody says otherwise.
    fn nodes_usual(&self) -> usize {
        5
    }
    /// The fewest nodes it can run on.
    fn nodes_min(&self) -> usize {
        1
    }
    /// The most nodes it can run on; `None` where it does not matter.
    fn nodes_max(&self) -> Option<usize> {
        None
    }
    /// Its processes can be ended, stopped and started again.
    fn processes(&self) -> Option<&dyn ProcessControl> {
        None
    }
    /// It has leaders.
    fn primaries(&self) -> Option<&dyn Primaries> {
        None
    }
    /// Nodes can leave it for good, and fresh ones can join.
    fn membership(&self) -> Option<&dyn Membership> {
        None
    }
    /// Each node can run one of two versions of it, which it knows to choose itself.
    fn versions(&self) -> Option<&dyn Versions> {
        None
    }
    /// The clock of each node can be set.
    fn clocks(&self) -> Option<&dyn ClockControl> {
        None
    }
}

/// Starts and signals the database's processes on one node.
#[async_trait]
pub trait ProcessControl: Send + Sync {
    /// The names of its daemons on a node. Their order is that in which they are started; the first one serves.
    fn daemons(&self) -> &[&str];
    /// Starts them on the data that is there. Idempotent.
    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error>;
    /// Ends them at once, as a crash does. Idempotent.
    async fn kill(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        signal_all(cluster, node, self.daemons(), Signal::Kill).await
    }
    /// Stops them. Idempotent.
    async fn pause(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        signal_all(cluster, node, self.daemons(), Signal::Stop).await
    }
    /// Lets them go on. Idempotent.
    async fn resume(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        signal_all(cluster, node, self.daemons(), Signal::Continue).await
    }
    /// Whether a node can come back under its name with nothing on its disk.
    fn can_begin_anew(&self) -> bool {
        false
    }
    /// Removes all that a node has on its disk, and puts there what it needs to be started. Its processes have ended.
    /// Idempotent.
    async fn begin_anew(&self, _cluster: &Cluster, _node: NodeId) -> Result<(), Error> {
        Err(Error::Unsupported("coming back with an empty disk".into()))
    }
    /// What the kernel says of the one that serves, for evidence.
    async fn state(&self, cluster: &Cluster, node: NodeId) -> Result<DaemonState, Error> {
        match self.daemons().first() {
            Some(first) => cluster.node(node).remote()?.state(first).await,
            None => Ok(DaemonState::Absent),
        }
    }
}

/// Whoever watches over the others is struck before them.
async fn signal_all(cluster: &Cluster, node: NodeId, daemons: &[&str], signal: Signal) -> Result<(), Error> {
    let remote = cluster.node(node).remote()?;
    for daemon in daemons.iter().rev() {
        remote.signal(daemon, signal).await?;
    }
    Ok(())
}

/// Knows who leads.
#[async_trait]
pub trait Primaries: Send + Sync {
    /// The nodes that believe they lead, now; none when nobody answers in time.
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId>;
}

/// Has nodes leave for good, and join anew.
#[async_trait]
pub trait Membership: Send + Sync {
    /// Tells the others that a node is gone for good; its processes have ended. Idempotent.
    async fn remove(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error>;
    /// Has a node that was removed join without any of its old data, and starts it; one that is a member is only started.
    /// Idempotent.
    async fn join(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error>;
    /// The nodes that belong to it, as most of those say that answer.
    async fn members(&self, cluster: &Cluster) -> Result<Vec<NodeId>, Error>;
}

/// One of two versions of a database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// The one that it is started with.
    #[default]
    Old,
    /// The one that it can be upgraded to.
    New,
}

/// Runs one of two versions on each node. A database that is a program on the disk of a node needs no power of its own:
/// [`Remote::choose_programs`](crate::Remote::choose_programs) chooses among folders of programs.
#[async_trait]
pub trait Versions: Send + Sync {
    /// Has a node run a version from its next start on. Idempotent.
    async fn choose(&self, cluster: &Cluster, node: NodeId, version: Version) -> Result<(), Error>;
    /// The version that a node runs now, as it says itself; `None` where none answers.
    async fn running(&self, cluster: &Cluster, node: NodeId) -> Result<Option<Version>, Error>;
}

/// Shifts what one node believes the time to be.
#[async_trait]
pub trait ClockControl: Send + Sync {
    /// Sets the offset of a node's wall clock in milliseconds; 0 undoes. It outlasts a restart of the database.
    async fn set_offset(&self, cluster: &Cluster, node: NodeId, milliseconds: i64) -> Result<(), Error>;
    /// The offset that the node says its wall clock has, in milliseconds; `None` when it has no way to say.
    async fn offset(&self, _cluster: &Cluster, _node: NodeId) -> Result<Option<i64>, Error> {
        Ok(None)
    }
}
