//! Changes of the members, one node at a time (chapter 4 of Ongaro's thesis), with the rule that its author added in 2015
//! ("bug in single-server membership changes", raft-dev, 10 July 2015): a leader changes nothing before an entry of its own
//! term is committed. Without it two leaders of different terms can each commit a change of the same configuration, and
//! then majorities of the two need not meet.
//!
//! A configuration counts from the moment it is in a node's log, and the former one again where the entry is undone.
//! Whoever joins is first handed the log without being counted.

use history::NodeId;

use super::{Progress, Raft, Role};
use crate::{
    machine::Outputs,
    members::{Change, Member, Members},
    message::{Entry, Index, Payload},
};

/// Who lacks no more entries than this is about to have the log.
const LAG_MAX: Index = 100;

/// The configurations that the log holds, and the one before them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Configurations {
    /// Each with the entry that made it; never empty.
    known: Vec<(Index, Members)>,
}

impl Configurations {
    /// Those of a log that begins after an entry.
    pub fn starting_after(index: Index, members: Members) -> Self {
        Self { known: vec![(index, members)] }
    }

    /// The latest.
    pub fn latest(&self) -> &Members {
        self.known.last().map(|(_, members)| members).unwrap_or(&self.known[0].1)
    }

    /// The entry that made the latest.
    pub fn since(&self) -> Index {
        self.known.last().map_or(0, |(index, _)| *index)
    }

    /// The one that counted when the log ended with this entry.
    pub fn at(&self, index: Index) -> &Members {
        let known = self.known.iter().rev().find(|(since, _)| *since <= index);
        known.map_or(&self.known[0].1, |(_, members)| members)
    }

    /// An entry was appended.
    pub fn append(&mut self, index: Index, payload: &Payload) {
        if let Payload::Members(members) = payload {
            self.known.push((index, members.clone()));
        }
    }

    /// An entry and all after it are gone.
    pub fn truncate(&mut self, from: Index) {
        while self.known.len() > 1 && self.since() >= from {
            self.known.pop();
        }
    }

    /// The log begins after this entry now.
    pub fn compact(&mut self, upto: Index) {
        let older = self.known.iter().rposition(|(since, _)| *since <= upto).unwrap_or(0);
        self.known.drain(..older);
    }
}

impl Raft {
    /// This node, with the disk that it has.
    pub(super) fn me(&self) -> Member {
        Member { node: self.settings.id, incarnation: self.settings.incarnation }
    }

    /// The members as far as this node knows.
    pub(super) fn members(&self) -> &Members {
        self.configurations.latest()
    }

    /// The members but this node.
    pub(super) fn peers(&self) -> Vec<Member> {
        self.members().iter().filter(|member| member.node != self.settings.id).collect()
    }

    /// Who is removed may have to lead once more: where it alone has the entry that removes it, nobody else can be
    /// elected. Who joins has not become one of them yet.
    pub(super) fn may_stand(&self) -> bool {
        let (me, since) = (self.me(), self.configurations.since());
        self.members().contains(me)
            || (since > self.commit && self.configurations.at(since.saturating_sub(1)).contains(me))
    }

    /// Whether the latest configuration is committed.
    pub(super) fn members_are_settled(&self) -> bool {
        self.configurations.since() <= self.commit
    }

    /// The most of something that a majority of the members has reached, as this leader knows.
    pub(super) fn reached_by_majority(&self, own: u64, of: impl Fn(&Progress) -> u64) -> u64 {
        let Role::Leader(leadership) = &self.role else { return 0 };
        let me = self.me();
        self.members().reached(|member| {
            let known = leadership.progress.get(&member.node);
            match known.filter(|known| known.incarnation == member.incarnation) {
                _ if member == me => own,
                known => known.map_or(0, &of),
            }
        })
    }

    /// Does of a wish what can be done now; whoever has it repeats it.
    pub(super) fn on_change(&mut self, change: Change, out: &mut Outputs) {
        let (last, heard_ms) = (self.log.last_index(), self.watch_ms());
        let Role::Leader(leadership) = &mut self.role else { return };
        let may_change = self.commit >= leadership.first_index.max(self.configurations.since());
        let members = self.configurations.latest();
        match change {
            Change::Remove(node) => {
                if may_change && members.at(node).is_some() && members.len() > 1 {
                    let fewer = members.without(node);
                    self.change_members(fewer, out);
                    self.forget(node);
                }
            }
            Change::Add(member) => {
                if members.at(member.node).is_some() || member.node == self.settings.id {
                    return;
                }
                let known = leadership.progress.entry(member.node).or_default();
                if known.next == 0 || known.incarnation != member.incarnation {
                    let incarnation = member.incarnation;
                    *known = Progress { next: last + 1, incarnation, heard_ms, ..Progress::default() };
                }
                if may_change && known.matched > 0 && known.matched + LAG_MAX >= last {
                    let more = members.with(member);
                    self.change_members(more, out);
                }
            }
        }
    }

    fn change_members(&mut self, members: Members, out: &mut Outputs) {
        self.append(out, Entry { term: self.term, payload: Payload::Members(members) });
    }

    fn forget(&mut self, node: NodeId) {
        if let Role::Leader(leadership) = &mut self.role {
            leadership.progress.remove(&node);
        }
    }

    /// A leader that was removed has led until its removal was committed, and counted itself no more.
    pub(super) fn leave_when_removed(&mut self) {
        if self.leads() && self.members_are_settled() && !self.members().contains(self.me()) {
            self.role = Role::Follower;
            self.leader = None;
            self.election_due_ms = self.random_deadline();
        }
    }
}
