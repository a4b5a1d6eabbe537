//! What faults of the load ask of the clients: to crash in the middle of a call, and to wait and then come all at once.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst};

use cluster::Load;
use history::NodeId;
use tokio::sync::Notify;

/// The wishes for the clients of every node.
#[derive(Debug)]
pub struct Wishes {
    nodes: Vec<OfNode>,
}

#[derive(Debug, Default)]
struct OfNode {
    crashes_due: AtomicUsize,
    crashed: AtomicU64,
    is_held: AtomicBool,
    held: AtomicU64,
    changed: Notify,
}

impl Wishes {
    /// No wishes, for so many nodes.
    pub fn none(nodes: usize) -> Self {
        Self { nodes: (0..nodes).map(|_| OfNode::default()).collect() }
    }

    fn of(&self, node: NodeId) -> Option<&OfNode> {
        self.nodes.get(usize::from(node.0))
    }

    /// Returns when a client of this node that is in the middle of a call is to crash. Whoever is told so is to do it.
    pub async fn crash(&self, node: NodeId) {
        let Some(wishes) = self.of(node) else { return std::future::pending().await };
        loop {
            let changed = wishes.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let taken = wishes.crashes_due.fetch_update(SeqCst, SeqCst, |due| due.checked_sub(1));
            if taken.is_ok() {
                wishes.crashed.fetch_add(1, SeqCst);
                return;
            }
            changed.await;
        }
    }

    /// Returns when a call to this node may be made.
    pub async fn go(&self, node: NodeId) {
        let Some(wishes) = self.of(node) else { return };
        if !wishes.is_held.load(SeqCst) {
            return;
        }
        wishes.held.fetch_add(1, SeqCst);
        loop {
            let changed = wishes.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if !wishes.is_held.load(SeqCst) {
                return;
            }
            changed.await;
        }
    }
}

impl Load for Wishes {
    fn crash_clients(&self, node: NodeId, count: usize) {
        if let Some(wishes) = self.of(node) {
            wishes.crashes_due.store(count, SeqCst);
            wishes.changed.notify_waiters();
        }
    }

    fn crashed_clients(&self, node: NodeId) -> u64 {
        self.of(node).map_or(0, |wishes| wishes.crashed.load(SeqCst))
    }

    fn hold_calls(&self, node: NodeId, hold: bool) {
        if let Some(wishes) = self.of(node) {
            wishes.is_held.store(hold, SeqCst);
            wishes.changed.notify_waiters();
        }
    }

    fn held_calls(&self, node: NodeId) -> (u64, bool) {
        self.of(node).map_or((0, false), |wishes| (wishes.held.load(SeqCst), wishes.is_held.load(SeqCst)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NODE: NodeId = NodeId(1);

    #[tokio::test(start_paused = true)]
    async fn as_many_clients_crash_as_were_wished_for_and_only_of_that_node() {
        let wishes = Wishes::none(3);
        wishes.crash_clients(NODE, 2);
        for node in [NODE, NODE] {
            wishes.crash(node).await;
        }
        for node in [NODE, NodeId(0), NodeId(9)] {
            tokio::time::timeout(Duration::from_secs(9), wishes.crash(node)).await.unwrap_err();
        }
        assert_eq!((wishes.crashed_clients(NODE), wishes.crashed_clients(NodeId(0))), (2, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_are_kept_back_all_go_at_once() {
        let wishes = Wishes::none(3);
        wishes.go(NODE).await;
        wishes.hold_calls(NODE, true);
        wishes.go(NodeId(0)).await;
        let (first, second) = (wishes.go(NODE), wishes.go(NODE));
        let release = async {
            tokio::time::sleep(Duration::from_secs(3)).await;
            wishes.hold_calls(NODE, false);
        };
        tokio::join!(first, second, release);
        assert_eq!(wishes.held_calls(NODE), (2, false));
    }
}
