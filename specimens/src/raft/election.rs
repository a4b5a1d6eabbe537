//! Elections: preliminary votes, votes, and when to step down.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use history::NodeId;

use super::{Leadership, Progress, Raft, Role};
use crate::{
    Disease,
    machine::Outputs,
    members::Member,
    message::{Entry, Index, Message, Payload, Record, Term},
};

impl Raft {
    /// A follower again, of nobody yet known unless told. What waited for this node as a leader is retried by the
    /// nodes that took it from their clients.
    pub(super) fn become_follower(&mut self, term: Term, leader: Option<NodeId>, out: &mut Outputs) {
        if term > self.term {
            self.move_on(term, None, out);
        }
        if !matches!(self.role, Role::Follower) {
            self.election_due_ms = self.random_deadline();
        }
        self.role = Role::Follower;
        self.leader = leader;
    }

    /// Enters a term or gives the vote in it, and writes that down.
    fn move_on(&mut self, term: Term, vote: Option<NodeId>, out: &mut Outputs) {
        // The mistake: what is written down is the term that ends, and not the vote. After a restart the node votes
        // once more in a term in which it has voted.
        let forgets = self.has(Disease::ForgottenVote);
        self.saved = if forgets { (term.saturating_sub(1), None) } else { (term, vote) };
        (self.term, self.vote) = (term, vote);
        let (term, vote) = self.saved;
        self.persist(out, Record::Hard { term, vote });
    }

    /// Asks the other members whether they would vote for this node, so that a node that was cut off does not force an
    /// election on everybody when it comes back.
    pub(super) fn stand_for_election(&mut self, out: &mut Outputs) {
        self.leader = None;
        self.attempts = self.attempts.saturating_add(1);
        if self.may_stand() {
            self.solicit(true, out);
        } else {
            self.election_due_ms = self.random_deadline();
        }
    }

    fn solicit(&mut self, pre: bool, out: &mut Outputs) {
        let me = self.me();
        self.election_due_ms = self.random_deadline();
        if !pre {
            self.move_on(self.term + 1, Some(me.node), out);
        }
        self.role = Role::Candidate { pre, votes: BTreeSet::from([me]) };
        let message = Message::Vote {
            term: if pre { self.term + 1 } else { self.term },
            last_index: self.log.last_index(),
            last_term: self.log.last_term(),
            pre,
        };
        for peer in self.peers() {
            self.send(out, peer.node, message.clone());
        }
        self.count_votes(out);
    }

    pub(super) fn on_vote(
        &mut self,
        from: NodeId,
        term: Term,
        last: (Term, Index),
        pre: bool,
        out: &mut Outputs,
    ) {
        let leader_is_fresh = match self.role {
            Role::Leader(_) => true,
            _ => {
                self.leader.is_some()
                    && self.now.steady_ms < self.leader_heard_ms + self.settings.timing.election_ms
            }
        };
        let incarnation = self.settings.incarnation;
        // The mistake: who has nothing is taken for one of a cluster that is only just beginning.
        let is_excused = self.has(Disease::VotesForEmpty) && last == (0, 0);
        let up_to_date = is_excused || last >= (self.log.last_term(), self.log.last_index());
        if pre {
            let granted = term > self.term && up_to_date && !leader_is_fresh;
            let term = if granted { term } else { self.term };
            self.send(out, from, Message::VoteReply { term, granted, pre, incarnation });
            return;
        }
        if term > self.term {
            self.become_follower(term, None, out);
        }
        let free = self.vote.is_none_or(|vote| vote == from);
        let granted = term == self.term && free && up_to_date;
        if granted {
            self.election_due_ms = self.random_deadline();
            self.role = Role::Follower;
            if self.vote.is_none() {
                self.move_on(self.term, Some(from), out);
            }
        }
        self.send(out, from, Message::VoteReply { term: self.term, granted, pre, incarnation });
    }

    pub(super) fn on_vote_reply(
        &mut self,
        from: Member,
        term: Term,
        granted: bool,
        asked_pre: bool,
        out: &mut Outputs,
    ) {
        let asked_term = if asked_pre { self.term + 1 } else { self.term };
        // What a preliminary refusal says of the term binds nobody, so the disease does not learn its term from it; else
        // it would seldom come to a second vote.
        let learns = !(asked_pre && self.has(Disease::ForgottenVote));
        if !granted && term > self.term && learns {
            self.become_follower(term, None, out);
            return;
        }
        if let Role::Candidate { pre, votes } = &mut self.role
            && *pre == asked_pre
            && granted
            && term == asked_term
        {
            votes.insert(from);
            self.count_votes(out);
        }
    }

    fn count_votes(&mut self, out: &mut Outputs) {
        if let Role::Candidate { pre, votes } = &self.role
            && self.members().iter().filter(|member| votes.contains(member)).count()
                >= self.members().majority()
        {
            if *pre {
                self.solicit(false, out);
            } else {
                self.lead(out);
            }
        }
    }

    fn lead(&mut self, out: &mut Outputs) {
        let now_ms = self.now.steady_ms;
        let next = self.log.last_index() + 1;
        let fresh = Progress { next, heard_ms: self.watch_ms(), ..Progress::default() };
        let begin = |peer: Member| (peer.node, Progress { incarnation: peer.incarnation, ..fresh.clone() });
        let progress: BTreeMap<_, _> = self.peers().into_iter().map(begin).collect();
        self.role = Role::Leader(Box::new(Leadership {
            first_index: next,
            progress,
            round: 0,
            reads: VecDeque::new(),
            waiting: BTreeMap::new(),
            // An earlier leader may have granted leases that this one knows nothing of.
            leased_until_ms: now_ms + self.settings.timing.lease_ms,
        }));
        self.leader = Some(self.settings.id);
        // Only an entry of its own term tells a leader how far the log is committed.
        self.append(out, Entry { term: self.term, payload: Payload::Nothing });
    }

    /// A leader that no longer reaches a majority makes room, so that its clients are told and not kept waiting.
    pub(super) fn step_down_without_quorum(&mut self) {
        // Stepping down is not what keeps a healthy cluster safe; without it these diseases have more time to show.
        let trusts_itself = matches!(
            self.settings.disease,
            Disease::StaleReadsOldLeader | Disease::DirtyReads | Disease::AckBeforeReplication
        );
        let now_ms = self.watch_ms();
        let heard_ms = self.reached_by_majority(now_ms, |peer| peer.heard_ms);
        if now_ms > heard_ms + self.settings.timing.step_down_ms && !trusts_itself {
            self.role = Role::Follower;
            self.leader = None;
            self.election_due_ms = self.random_deadline();
        }
    }
}
