//! Replication: from the leader's log to everybody's, to commitment, to the state.

use cluster::Version;
use history::NodeId;

use super::{Raft, Role};
use crate::{
    Disease,
    machine::Outputs,
    members::Member,
    message::{Entry, Index, Message, Payload, Record, Snapshot, Term},
};

/// The most entries in one message.
const BATCH_MAX: usize = 256;
/// The most entries on their way to one follower.
const WINDOW_MAX: Index = 2048;
/// A whole state is not sent again before this time has passed.
const INSTALL_AGAIN_MS: u64 = 500;

impl Raft {
    /// Accepts the sender as the leader of the term, or tells it that the term is over.
    pub(super) fn follow(&mut self, from: NodeId, term: Term, out: &mut Outputs) -> bool {
        if term < self.term {
            // The round is not confirmed: the sender may since have become the leader of this very term, and its
            // rounds then count from 0 again.
            let hint = self.log.last_index();
            self.reply(from, None, hint, 0, out);
            return false;
        }
        if term == self.term && self.leads() {
            // A term has one leader, and this is it.
            return false;
        }
        self.become_follower(term, Some(from), out);
        self.leader_heard_ms = self.now.steady_ms;
        self.election_due_ms = self.random_deadline();
        true
    }

    pub(super) fn on_append(
        &mut self,
        from: NodeId,
        (mut prev_index, mut prev_term): (Index, Term),
        mut entries: Vec<Entry>,
        commit: Index,
        round: u64,
        out: &mut Outputs,
    ) {
        if self.has(Disease::JoinsHollow) {
            self.join_hollow(prev_index, prev_term, out);
        }
        let base = self.log.base_index();
        if prev_index < base {
            // What the state already holds is committed, so it is the leader's too.
            let known = ((base - prev_index) as usize).min(entries.len());
            prev_term = entries.drain(..known).next_back().map_or(prev_term, |entry| entry.term);
            prev_index += known as Index;
            if prev_index == base {
                prev_term = self.log.term_at(base).unwrap_or(prev_term);
            }
        }
        let agrees = prev_index < base || self.log.term_at(prev_index) == Some(prev_term);
        if !agrees {
            let last = self.log.last_index();
            let hint = if prev_index > last { last } else { self.log.first_of_term(prev_index) - 1 };
            self.reply(from, None, hint, round, out);
            return;
        }
        let matched = prev_index + entries.len() as Index;
        for (index, entry) in (prev_index + 1..).zip(entries) {
            if self.log.term_at(index) == Some(entry.term) {
                continue;
            }
            if index <= self.log.last_index() {
                self.undo_from(index, out);
            }
            self.append(out, entry);
        }
        self.commit = self.commit.max(commit.min(matched));
        self.apply(out);
        self.reply(from, Some(matched), matched, round, out);
    }

    fn reply(&self, to: NodeId, matched: Option<Index>, hint: Index, round: u64, out: &mut Outputs) {
        let (term, incarnation) = (self.term, self.settings.incarnation);
        self.send(out, to, Message::AppendReply { term, matched, hint, round, incarnation });
    }

    /// The mistake: who joins takes what came before the first entries that it is handed for something it can do without.
    fn join_hollow(&mut self, prev_index: Index, prev_term: Term, out: &mut Outputs) {
        if self.settings.incarnation != 0 && self.log.last_index() == 0 && prev_index > 0 {
            let (members, image) = (self.members().clone(), self.store.image());
            self.restore(Snapshot { index: prev_index, term: prev_term, members, image });
            self.rewrite(out);
        }
    }

    /// Removes entries that the leader does not have. A healthy cluster never removes a committed one; where a
    /// disease does, the state keeps what was applied, as that of most real systems would.
    fn undo_from(&mut self, index: Index, out: &mut Outputs) {
        if index <= self.commit {
            self.undone += 1;
            self.commit = index - 1;
            self.applied = self.applied.min(self.commit);
        }
        self.cut_off(index);
        self.forget_ahead(index);
        self.persist(out, Record::Truncate(index));
    }

    pub(super) fn on_install(&mut self, from: NodeId, snapshot: Snapshot, round: u64, out: &mut Outputs) {
        let matched = snapshot.index;
        if snapshot.index > self.commit {
            self.restore(snapshot);
            self.rewrite(out);
        }
        self.reply(from, Some(matched), matched, round, out);
    }

    pub(super) fn on_append_reply(
        &mut self,
        from: Member,
        term: Term,
        matched: Option<Index>,
        hint: Index,
        round: u64,
        out: &mut Outputs,
    ) {
        if term > self.term {
            self.become_follower(term, None, out);
        }
        let now_ms = self.watch_ms();
        let last = self.log.last_index();
        let Role::Leader(leadership) = &mut self.role else { return };
        let Some(peer) = leadership.progress.get_mut(&from.node) else { return };
        // What somebody with another disk has is not what this one has.
        if term < self.term || from.incarnation != peer.incarnation {
            return;
        }
        peer.heard_ms = now_ms;
        peer.round = peer.round.max(round);
        match matched {
            Some(matched) => {
                peer.matched = peer.matched.max(matched.min(last));
                peer.next = peer.next.max(peer.matched + 1);
                peer.installed_ms = None;
            }
            None => peer.next = peer.next.min(hint + 1).max(1),
        }
    }

    /// Sends every follower what it misses, and a heartbeat where one is due or a read needs a new round.
    pub(super) fn replicate(&mut self, out: &mut Outputs) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let now_ms = self.now.steady_ms;
        let new_round = leadership.reads.back().is_some_and(|read| read.round > leadership.round);
        if new_round {
            leadership.round += 1;
        }
        let last = self.log.last_index();
        let mut due = Vec::new();
        for (peer, progress) in &mut leadership.progress {
            let heartbeat = now_ms >= progress.sent_ms + self.settings.timing.heartbeat_ms;
            let room = progress.next <= progress.matched + WINDOW_MAX;
            if heartbeat || new_round || (progress.next <= last && room) {
                progress.sent_ms = now_ms;
                due.push((*peer, progress.next, room));
            }
        }
        for (peer, next, room) in due {
            self.send_entries(peer, next, room, out);
        }
    }

    fn send_entries(&mut self, peer: NodeId, next: Index, room: bool, out: &mut Outputs) {
        let (term, commit) = (self.term, self.commit);
        let snapshot = if next <= self.log.base_index() { self.snapshot() } else { None };
        let now_ms = self.now.steady_ms;
        let Role::Leader(leadership) = &mut self.role else { return };
        let round = leadership.round;
        let Some(progress) = leadership.progress.get_mut(&peer) else { return };
        let message = if let Some(snapshot) = snapshot {
            if progress.installed_ms.is_some_and(|at_ms| now_ms < at_ms + INSTALL_AGAIN_MS) {
                return;
            }
            progress.installed_ms = Some(now_ms);
            progress.next = snapshot.index + 1;
            Message::Install { term, snapshot, round }
        } else {
            let prev_index = next - 1;
            let prev_term = self.log.term_at(prev_index).unwrap_or(0);
            let entries = if room { self.log.from(next, BATCH_MAX) } else { Vec::new() };
            progress.next = next + entries.len() as Index;
            Message::Append { term, prev_index, prev_term, entries, commit, round }
        };
        self.send(out, peer, message);
    }

    /// Commits what a majority has, if it is of this term, and applies it.
    pub(super) fn advance_commit(&mut self, out: &mut Outputs) {
        let last = self.log.last_index();
        let Role::Leader(leadership) = &self.role else { return };
        if self.has(Disease::StaleReadsLease) && self.now.steady_ms < leadership.leased_until_ms {
            // Nodes may be answering reads from their copies until then.
            return;
        }
        let reached = self.reached_by_majority(last, |peer| peer.matched);
        if reached > self.commit && self.log.term_at(reached) == Some(self.term) {
            self.commit = reached;
            self.apply(out);
        }
    }

    pub(super) fn apply(&mut self, out: &mut Outputs) {
        while self.applied < self.commit {
            let Some(entry) = self.log.entry(self.applied + 1) else { return };
            if matches!(entry.payload, Payload::Newer(_)) && self.settings.version == Version::Old {
                // The mistake: what this version cannot read it passes over, as if it were nothing.
                self.applied += 1;
                continue;
            }
            let answer = self.store.apply(&entry.payload, self.now.steady_ms);
            self.applied += 1;
            let (Payload::Apply(request) | Payload::Decided(request) | Payload::Newer(request)) =
                &entry.payload
            else {
                continue;
            };
            let id = request.id;
            let Some(answer) = answer else { continue };
            if let Role::Leader(leadership) = &mut self.role
                && let Some(origin) = leadership.waiting.remove(&id)
            {
                self.answer(origin, id, answer, None, out);
            }
        }
    }
}
