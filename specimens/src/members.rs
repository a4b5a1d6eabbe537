//! Who belongs to the cluster: the configuration that the log replicates.

use history::NodeId;
use serde::{Deserialize, Serialize};

/// A node with one disk. Who comes back under an old name with an empty disk is somebody else: what the former one
/// promised and acknowledged is not counted as this one's, nor the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// Its place in the cluster.
    pub node: NodeId,
    /// Which disk it is: 0 for the one that the cluster began with, and a number drawn anew for each that joined.
    pub incarnation: u64,
}

/// The members, in the order of their places.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members(Vec<Member>);

impl Members {
    /// Everybody, as a cluster begins.
    pub fn all(nodes: u16) -> Self {
        Self((0..nodes).map(|node| Member { node: NodeId(node), incarnation: 0 }).collect())
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is known to belong to the cluster.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many are a majority.
    pub fn majority(&self) -> usize {
        self.0.len() / 2 + 1
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = Member> + '_ {
        self.0.iter().copied()
    }

    /// Whether this very one belongs to them.
    pub fn contains(&self, member: Member) -> bool {
        self.0.binary_search(&member).is_ok()
    }

    /// The one at a place.
    pub fn at(&self, node: NodeId) -> Option<Member> {
        self.iter().find(|member| member.node == node)
    }

    /// The same and one more, in the place of whoever was there.
    #[must_use]
    pub fn with(&self, member: Member) -> Self {
        let mut members = self.without(member.node);
        members.0.push(member);
        members.0.sort_unstable();
        members
    }

    /// The same without the one at a place.
    #[must_use]
    pub fn without(&self, node: NodeId) -> Self {
        Self(self.iter().filter(|member| member.node != node).collect())
    }

    /// The most that a majority has reached.
    pub fn reached(&self, by: impl Fn(Member) -> u64) -> u64 {
        let mut reached: Vec<u64> = self.iter().map(by).collect();
        reached.sort_unstable();
        let place = reached.len().checked_sub(self.majority());
        place.map_or(0, |place| reached[place])
    }
}

/// A wish for other members. Whoever has it repeats it until it is fulfilled; a leader does what can be done now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// The one at this place is to leave.
    Remove(NodeId),
    /// This one is to join, as soon as it has the log.
    Add(Member),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_back_with_another_disk_is_somebody_else() {
        let all = Members::all(3);
        let fresh = Member { node: NodeId(1), incarnation: 9 };
        let replaced = all.without(NodeId(1)).with(fresh);
        assert_eq!((all.len(), replaced.len(), replaced.at(NodeId(1))), (3, 3, Some(fresh)));
        assert!(replaced.contains(fresh) && !all.contains(fresh));
        assert!(!replaced.contains(Member { incarnation: 0, ..fresh }));
    }

    #[test]
    fn a_majority_is_one_of_the_members_only() {
        let four = Members::all(5).without(NodeId(4));
        assert_eq!(four.majority(), 3);
        assert_eq!(four.reached(|member| u64::from(member.node.0)), 1);
        assert_eq!(Members::default().reached(|_| 7), 0);
    }
}
