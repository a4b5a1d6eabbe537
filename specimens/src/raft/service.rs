//! Clients' calls: taken from clients, passed to the leader, proposed or read, answered.

use cluster::Version;
use history::{
    NodeId,
    vocabulary::register::{Call, Return},
};

use super::{Lease, Parked, PendingRead, Raft, Role};
use crate::{
    Disease,
    machine::Outputs,
    message::{Entry, Index, Message, Payload, Reply, Request, RequestId},
    store::contents::{Answer, Command},
};

/// The most calls that wait at a leader, or at a node for a leader.
const CALLS_MAX: usize = 4096;
/// How often a call is passed on before it is left to be retried.
const HOPS_MAX: u8 = 3;
/// For how long a call that was passed to this node waits for a leader to become known.
const PARKED_MS: u64 = 2000;

impl Raft {
    pub(super) fn on_client(&mut self, request: Request, out: &mut Outputs) {
        if self.may_read_locally()
            && let Some(answer) = self.store.read(&request.call)
        {
            out.replies.push((request.id, Reply::Done(answer)));
            return;
        }
        let id = request.id;
        if let Err(refused) = self.desk.take(self.now, request) {
            out.replies.push((id, refused));
        } else if self.leads() {
            self.hand_over_calls(out);
        }
    }

    fn may_read_locally(&self) -> bool {
        match self.settings.disease {
            // The mistake: the copy of a follower lags behind.
            Disease::StaleReadsAnyNode => true,
            // The mistake: this clock can be set back, and then the lease lasts longer than the leader believes.
            Disease::StaleReadsLease => {
                self.now.wall_ms() < self.lease.until_wall_ms && self.applied >= self.lease.index
            }
            _ => false,
        }
    }

    /// Hands the calls of this node's clients, and those it was passed, to the leader.
    pub(super) fn hand_over_calls(&mut self, out: &mut Outputs) {
        let oldest_ms = self.now.steady_ms.saturating_sub(PARKED_MS);
        self.parked.retain(|parked| parked.arrived_ms >= oldest_ms);
        let Some(leader) = self.leader else { return };
        let asks_lease = self.has(Disease::StaleReadsLease);
        for request in self.desk.due(self.now, leader) {
            let lease_asked_ms = (asks_lease && request.call.is_read()).then(|| self.now.wall_ms());
            self.pass_on(leader, request, self.settings.id, 0, lease_asked_ms, out);
        }
        for parked in std::mem::take(&mut self.parked) {
            self.pass_on(leader, parked.request, parked.origin, parked.hops, parked.lease_asked_ms, out);
        }
    }

    fn pass_on(
        &mut self,
        leader: NodeId,
        request: Request,
        origin: NodeId,
        hops: u8,
        lease_asked_ms: Option<i64>,
        out: &mut Outputs,
    ) {
        if leader == self.settings.id {
            self.serve(request, origin, lease_asked_ms, out);
        } else if hops < HOPS_MAX {
            let message = Message::Forward { request, origin, hops: hops + 1, lease_asked_ms };
            self.send(out, leader, message);
        }
    }

    pub(super) fn on_forward(
        &mut self,
        request: Request,
        origin: NodeId,
        hops: u8,
        lease_asked_ms: Option<i64>,
        out: &mut Outputs,
    ) {
        if self.leads() {
            self.serve(request, origin, lease_asked_ms, out);
        } else if self.parked.len() < CALLS_MAX {
            let arrived_ms = self.now.steady_ms;
            self.parked.push_back(Parked { request, origin, hops, arrived_ms, lease_asked_ms });
        }
    }

    fn serve(&mut self, request: Request, origin: NodeId, lease_asked_ms: Option<i64>, out: &mut Outputs) {
        if request.call.is_read() {
            self.read(request, origin, lease_asked_ms, out);
        } else {
            self.propose(request, origin, out);
        }
    }

    fn read(&mut self, request: Request, origin: NodeId, lease_asked_ms: Option<i64>, out: &mut Outputs) {
        let at_once = match self.settings.disease {
            // The mistake: nobody was asked whether this node still leads.
            Disease::StaleReadsOldLeader => self.store.read(&request.call),
            // The mistake: the end of the log is not committed, and perhaps never will be.
            Disease::DirtyReads => self.look_ahead().0.read(&request.call),
            // The mistake is how this time is measured; by a clock nobody else could lead yet.
            Disease::LeaseByTicks if self.heard_lately() => self.store.read(&request.call),
            _ => None,
        };
        let last = self.log.last_index();
        let commit = self.commit;
        let Role::Leader(leadership) = &mut self.role else { return };
        let first_index = leadership.first_index;
        if let Some(answer) = at_once
            && commit >= first_index
        {
            self.answer(origin, request.id, answer, None, out);
            return;
        }
        if leadership.reads.len() >= CALLS_MAX {
            return;
        }
        // What was acknowledged before it was committed must at least be seen by reads of the same leader.
        let seen = if self.settings.disease == Disease::AckBeforeReplication { last } else { commit };
        leadership.reads.push_back(PendingRead {
            request,
            origin,
            round: leadership.round + 1,
            index: seen.max(first_index),
            arrived_ms: self.now.steady_ms,
            lease_asked_ms,
        });
    }

    /// Whether a majority was heard of within the time in which nobody else stands for election.
    fn heard_lately(&self) -> bool {
        let now_ms = self.watch_ms();
        let heard_ms = self.reached_by_majority(now_ms, |peer| peer.heard_ms);
        now_ms < heard_ms + self.settings.timing.election_ms / 2
    }

    fn propose(&mut self, mut request: Request, origin: NodeId, out: &mut Outputs) {
        let Role::Leader(leadership) = &mut self.role else { return };
        let retried = leadership.waiting.contains_key(&request.id);
        // What is not taken here is not refused either: the node that has it from its client tries again.
        if leadership.waiting.len() >= CALLS_MAX
            || (retried && self.settings.disease != Disease::DuplicateApply)
        {
            return;
        }
        let id = request.id;
        self.store.prepare(&mut request, self.now.steady_ms);
        let mut payload = Payload::Apply(request);
        match (self.settings.disease, &payload) {
            (
                Disease::CasBeforeLog,
                Payload::Apply(Request { call: Command::Register(Call::Cas(key, from, _)), .. }),
            ) => {
                // The mistake: what is compared may be overwritten by an entry that is on its way.
                if !self.store.has(key, from) {
                    self.answer(origin, id, Answer::Register(Return::Refused), None, out);
                    return;
                }
                if let Payload::Apply(request) = payload {
                    payload = Payload::Decided(request);
                }
            }
            // The mistake: nodes of the old version are to read this as well.
            (Disease::UnreadableUpgrade, _) if self.settings.version == Version::New => {
                if let Payload::Apply(request) = payload {
                    payload = Payload::Newer(request);
                }
            }
            _ => {}
        }
        let hopes = self.settings.disease == Disease::AckBeforeReplication;
        if !hopes {
            leadership.waiting.insert(id, origin);
        }
        self.append(out, Entry { term: self.term, payload });
        // The mistake: only this node has it.
        if hopes && let Some(answer) = self.look_ahead().1 {
            self.answer(origin, id, answer, None, out);
        }
    }

    /// Tells the node that took the call from its client what came of it.
    pub(super) fn answer(
        &mut self,
        origin: NodeId,
        id: RequestId,
        answer: Answer,
        lease: Option<(i64, Index)>,
        out: &mut Outputs,
    ) {
        if origin == self.settings.id {
            self.on_answer(id, answer, lease, out);
        } else {
            self.send(out, origin, Message::ForwardReply { id, answer, lease });
        }
    }

    pub(super) fn on_answer(
        &mut self,
        id: RequestId,
        answer: Answer,
        lease: Option<(i64, Index)>,
        out: &mut Outputs,
    ) {
        if let Some((until_wall_ms, index)) = lease
            && until_wall_ms > self.lease.until_wall_ms
        {
            self.lease = Lease { until_wall_ms, index };
        }
        if self.desk.done(id) {
            out.replies.push((id, Reply::Done(answer)));
        }
    }

    /// Answers the reads for which a majority has confirmed, after they arrived, that this node leads.
    pub(super) fn serve_reads(&mut self, out: &mut Outputs) {
        let oldest_ms = self.now.steady_ms.saturating_sub(PARKED_MS);
        let grants = self.has(Disease::StaleReadsLease);
        let nothing_waits = self.commit == self.log.last_index();
        let now_ms = self.now.steady_ms;
        let Role::Leader(leadership) = &self.role else { return };
        let confirmed = self.reached_by_majority(leadership.round, |peer| peer.round);
        let Role::Leader(leadership) = &mut self.role else { return };
        leadership.reads.retain(|read| read.arrived_ms >= oldest_ms);
        let mut ready = Vec::new();
        while let Some(read) = leadership.reads.front()
            && read.round <= confirmed
            && read.index <= self.applied
        {
            ready.extend(leadership.reads.pop_front());
        }
        // Writes that wait for leases to end are not kept waiting for longer by new ones.
        if grants && nothing_waits && ready.iter().any(|read| read.lease_asked_ms.is_some()) {
            leadership.leased_until_ms = now_ms + self.settings.timing.lease_ms;
        }
        let left_ms = leadership.leased_until_ms.saturating_sub(now_ms) as i64;
        for read in ready {
            let Some(answer) = self.store.read(&read.request.call) else { continue };
            let asked_ms = read.lease_asked_ms.filter(|_| grants && left_ms > 0);
            let lease = asked_ms.map(|asked_ms| (asked_ms + left_ms, self.applied));
            self.answer(read.origin, read.request.id, answer, lease, out);
        }
    }
}
