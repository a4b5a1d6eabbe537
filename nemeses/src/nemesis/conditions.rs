//! Which nodes are down, stopped or have a wrong clock because of us, so that only legal sequences happen.

use std::collections::{BTreeMap, BTreeSet};

use history::{FaultId, NodeId};

use crate::Family;

/// Who holds which node for what.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    held: BTreeMap<(NodeId, Hold), (FaultId, Family)>,
}

/// Nodes that a fault may strike, and those that it may not, with why.
type Claimed = (Vec<NodeId>, Vec<(NodeId, &'static str)>);

/// What a node can be held for. Killing, pausing and starving exclude one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    Killed,
    Paused,
    Starved,
    Clock,
    Clients,
    Names,
}

impl Hold {
    fn of(family: Family) -> Option<Self> {
        match family {
            Family::Partition
            | Family::Link
            | Family::Flap
            | Family::Swizzle
            | Family::Reset
            | Family::Strangers => None,
            Family::Clients => Some(Self::Clients),
            Family::Dns => Some(Self::Names),
            Family::Kill
            | Family::Terminate
            | Family::Roll
            | Family::HalfOpen
            | Family::Replace
            | Family::Upgrade
            | Family::Reboot => Some(Self::Killed),
            Family::Pause | Family::Throttle | Family::Freeze => Some(Self::Paused),
            Family::Memory | Family::Files => Some(Self::Starved),
            Family::Clock | Family::Time => Some(Self::Clock),
            Family::DiskError | Family::DiskFull | Family::DiskSlow | Family::DiskReadonly => {
                Some(Self::Starved)
            }
            // The others end processes, at once or in the end.
            Family::PowerLoss
            | Family::TornWrite
            | Family::FsyncLies
            | Family::LostWrite
            | Family::MisdirectedWrite
            | Family::BitFlip
            | Family::Truncate
            | Family::Wipe
            | Family::RollBack => Some(Self::Killed),
        }
    }
}

impl Conditions {
    /// Takes the nodes that a family may strike now, of which at most `down_max` may be down at once; the others come back
    /// with the reason.
    pub(super) fn claim(
        &mut self,
        id: FaultId,
        family: Family,
        nodes: Vec<NodeId>,
        down_max: usize,
    ) -> Claimed {
        let Some(hold) = Hold::of(family) else { return (nodes, Vec::new()) };
        let (mut free, mut refused) = (Vec::new(), Vec::new());
        for node in nodes {
            let doomed = family.is_of_whole_nodes() && self.holds_what_ends_there(node);
            let doomed = doomed.then_some("has what could not be undone while it does not run");
            match self.obstacle(node, hold).or(doomed) {
                Some(reason) => refused.push((node, reason)),
                None => free.push(node),
            }
        }
        if family.takes_down() {
            let room = down_max.saturating_sub(self.down());
            // Of nodes that are restarted in turn only one is down at any time.
            let taken = if family.is_in_turn() && room > 0 { free.len() } else { room.min(free.len()) };
            let beyond = free.split_off(taken);
            refused.extend(beyond.into_iter().map(|node| (node, "would have been one down too many")));
        }
        for &node in &free {
            self.held.insert((node, hold), (id, family));
        }
        (free, refused)
    }

    /// How many nodes are down at most because of us.
    fn down(&self) -> usize {
        let rolls: BTreeSet<FaultId> =
            self.held.values().filter(|(_, family)| family.is_in_turn()).map(|(id, _)| *id).collect();
        let others = self.held.iter().filter(|(_, (_, family))| family.takes_down() && !family.is_in_turn());
        others.map(|((node, _), _)| *node).collect::<BTreeSet<NodeId>>().len() + rolls.len()
    }

    /// Whether a node has something that its own shell is needed to undo, at a time of its own.
    fn holds_what_ends_there(&self, node: NodeId) -> bool {
        [Hold::Names, Hold::Clock].into_iter().any(|hold| self.held.contains_key(&(node, hold)))
    }

    fn obstacle(&self, node: NodeId, wanted: Hold) -> Option<&'static str> {
        let holder = |hold| self.held.get(&(node, hold)).map(|(_, family)| *family);
        if let Some(family) = holder(Hold::Killed) {
            return Some(if family == Family::Kill {
                "was already killed"
            } else {
                "was already being restarted"
            });
        }
        if let Some(family) = holder(Hold::Paused) {
            return Some(match family {
                Family::Pause => "was already paused",
                Family::Freeze => "was already frozen",
                _ => "was already throttled",
            });
        }
        if holder(Hold::Starved).is_some() {
            return Some("was already starved");
        }
        match wanted {
            Hold::Clock if holder(Hold::Clock).is_some() => Some("already had a wrong clock"),
            Hold::Names if holder(Hold::Names).is_some() => Some("already had wrong names"),
            _ => None,
        }
    }

    /// Gives back what a fault holds.
    pub(super) fn release(&mut self, id: FaultId) {
        self.held.retain(|_, (holder, _)| *holder != id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_killed_node_is_neither_paused_nor_killed_again_until_it_runs() {
        let mut conditions = Conditions::default();
        let (first, second) = (NodeId(0), NodeId(1));
        assert_eq!(conditions.claim(FaultId(0), Family::Kill, vec![first], 5), (vec![first], vec![]));
        for family in [Family::Pause, Family::Kill, Family::Clock] {
            let (free, refused) = conditions.claim(FaultId(1), family, vec![first, second], 5);
            assert_eq!((free, refused), (vec![second], vec![(first, "was already killed")]));
            conditions.release(FaultId(1));
        }
        assert_eq!(conditions.claim(FaultId(2), Family::Partition, vec![first], 5).0, [first]);
        conditions.release(FaultId(0));
        assert_eq!(conditions.claim(FaultId(3), Family::Pause, vec![first], 5).0, [first]);
    }

    #[test]
    fn a_node_with_a_wrong_clock_may_be_killed_but_gets_no_second_offset() {
        let mut conditions = Conditions::default();
        let node = NodeId(2);
        conditions.claim(FaultId(0), Family::Clock, vec![node], 5);
        assert!(conditions.claim(FaultId(1), Family::Clock, vec![node], 5).0.is_empty());
        assert_eq!(conditions.claim(FaultId(2), Family::Kill, vec![node], 5).0, [node]);
    }

    #[test]
    fn a_node_with_wrong_names_is_not_frozen_and_a_frozen_one_is_left_alone() {
        let mut conditions = Conditions::default();
        let node = NodeId(1);
        conditions.claim(FaultId(0), Family::Dns, vec![node], 5);
        for family in [Family::Freeze, Family::Reboot] {
            assert_eq!(conditions.claim(FaultId(1), family, vec![node], 5).0, [], "{family}");
        }
        conditions.release(FaultId(0));
        assert_eq!(conditions.claim(FaultId(2), Family::Freeze, vec![node], 5).0, [node]);
        for family in [Family::Kill, Family::Pause, Family::Dns, Family::Reboot] {
            let refused = conditions.claim(FaultId(3), family, vec![node], 5).1;
            assert_eq!(refused, [(node, "was already frozen")], "{family}");
        }
    }

    #[test]
    fn no_more_nodes_are_down_at_once_than_were_promised() {
        let mut conditions = Conditions::default();
        let nodes: Vec<NodeId> = (0..5).map(NodeId).collect();
        let (free, refused) = conditions.claim(FaultId(0), Family::Kill, nodes.clone(), 2);
        assert_eq!(free, [NodeId(0), NodeId(1)]);
        assert_eq!(refused.len(), 3);
        assert!(refused.iter().all(|(_, why)| *why == "would have been one down too many"));
        for family in [Family::Pause, Family::Terminate, Family::Roll, Family::Memory, Family::HalfOpen] {
            assert_eq!(conditions.claim(FaultId(1), family, nodes.clone(), 2).0, [], "{family}");
        }
        // What is slow or has a wrong clock is not down, and what is cut off runs.
        for family in [Family::Throttle, Family::Clock, Family::Files, Family::Swizzle] {
            assert!(!conditions.claim(FaultId(2), family, vec![NodeId(3)], 2).0.is_empty(), "{family}");
            conditions.release(FaultId(2));
        }
        conditions.release(FaultId(0));
        assert_eq!(conditions.claim(FaultId(3), Family::Roll, nodes.clone(), 1).0, nodes);
        assert_eq!(conditions.down(), 1);
    }
}
