//! Which nodes are down, stopped or have a wrong clock because of us, so that only legal sequences happen.

use std::collections::BTreeMap;

use history::{FaultId, NodeId};

use crate::Family;

/// Who holds which node for what.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    held: BTreeMap<(NodeId, Hold), FaultId>,
}

/// What a node can be held for. Killing and pausing exclude one another, so they are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Killed,
    Paused,
    Clock,
}

impl Conditions {
    /// Takes the nodes that a family may strike now; the others come back with the reason.
    pub(super) fn claim(
        &mut self,
        id: FaultId,
        family: Family,
        nodes: Vec<NodeId>,
    ) -> (Vec<NodeId>, Vec<(NodeId, &'static str)>) {
        let hold = match family {
            Family::Partition | Family::Link => return (nodes, Vec::new()),
            Family::Kill => Hold::Killed,
            Family::Pause => Hold::Paused,
            Family::Clock => Hold::Clock,
        };
        let (mut free, mut refused) = (Vec::new(), Vec::new());
        for node in nodes {
            match self.obstacle(node, hold) {
                Some(reason) => refused.push((node, reason)),
                None => free.push(node),
            }
        }
        for &node in &free {
            self.held.insert((node, hold), id);
        }
        (free, refused)
    }

    fn obstacle(&self, node: NodeId, wanted: Hold) -> Option<&'static str> {
        let is = |hold| self.held.contains_key(&(node, hold));
        if is(Hold::Killed) {
            return Some("was already killed");
        }
        if is(Hold::Paused) {
            return Some("was already paused");
        }
        (wanted == Hold::Clock && is(Hold::Clock)).then_some("already had a wrong clock")
    }

    /// Gives back what a fault holds.
    pub(super) fn release(&mut self, id: FaultId) {
        self.held.retain(|_, holder| *holder != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_node_is_neither_paused_nor_killed_again_until_it_runs() {
        let mut conditions = Conditions::default();
        let (first, second) = (NodeId(0), NodeId(1));
        assert_eq!(conditions.claim(FaultId(0), Family::Kill, vec![first]), (vec![first], vec![]));
        for family in [Family::Pause, Family::Kill, Family::Clock] {
            let (free, refused) = conditions.claim(FaultId(1), family, vec![first, second]);
            assert_eq!((free, refused), (vec![second], vec![(first, "was already killed")]));
            conditions.release(FaultId(1));
        }
        assert_eq!(conditions.claim(FaultId(2), Family::Partition, vec![first]).0, [first]);
        conditions.release(FaultId(0));
        assert_eq!(conditions.claim(FaultId(3), Family::Pause, vec![first]).0, [first]);
    }

    #[test]
    fn a_node_with_a_wrong_clock_may_be_killed_but_gets_no_second_offset() {
        let mut conditions = Conditions::default();
        let node = NodeId(2);
        conditions.claim(FaultId(0), Family::Clock, vec![node]);
        assert!(conditions.claim(FaultId(1), Family::Clock, vec![node]).0.is_empty());
        assert_eq!(conditions.claim(FaultId(2), Family::Kill, vec![node]).0, [node]);
    }
}
