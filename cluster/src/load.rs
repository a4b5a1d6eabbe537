//! What a load fault may ask of the runner, so that nemeses never see a workload.

use history::NodeId;

/// Shapes the load of the run.
pub trait Load: Send + Sync {
    /// Has so many clients of a node crash in the middle of a call, now or as soon as they make one: their calls become
    /// unknown, and their sessions end.
    fn crash_clients(&self, node: NodeId, count: usize);
    /// How many clients of a node have crashed so far.
    fn crashed_clients(&self, node: NodeId) -> u64;
    /// Keeps back the calls to a node, or lets all that were kept back go at once.
    fn hold_calls(&self, node: NodeId, hold: bool);
    /// How many calls to a node were kept back so far, and whether they are now.
    fn held_calls(&self, node: NodeId) -> (u64, bool);
}
