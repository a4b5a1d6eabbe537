//! A replicated log by the Raft protocol (Ongaro and Ousterhout, "In Search of an Understandable Consensus
//! Algorithm"; chapters 4, 6.4 and 9.6 of Ongaro's thesis for members, read index and preliminary votes).
//!
//! Read next: [`election`](self), `replication`, `service`, `members`; the diseases are at the places where they go wrong.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use history::NodeId;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    Disease,
    desk::Desk,
    machine::{Input, Machine, Moment, Outputs, Settings, Timing},
    members::{Member, Members},
    message::{Entry, Index, Message, Record, Request, RequestId, Snapshot, Status, Term},
    store::Store,
};

mod ahead;
mod election;
mod log;
mod members;
mod replication;
mod service;

use ahead::Ahead;
use log::Log;
use members::Configurations;

/// After so many entries in the log the state takes the place of the older ones.
const LOG_MAX: Index = 4000;
/// So many entries stay, for followers that are a little behind.
const LOG_KEPT: Index = 1000;
/// So often a node that has just started stands for election without waiting long.
const QUICK_ATTEMPTS: u32 = 12;
/// A node that was not scheduled for so long has missed messages that are only waiting to be read.
const STALL_MS: u64 = 200;
/// How often time passes for a node, at best.
const TICK_MS: u64 = 10;

enum Role {
    Follower,
    Candidate { pre: bool, votes: BTreeSet<Member> },
    Leader(Box<Leadership>),
}

/// What a leader knows of one follower.
#[derive(Clone, Debug, Default)]
struct Progress {
    incarnation: u64,
    next: Index,
    matched: Index,
    round: u64,
    heard_ms: u64,
    sent_ms: u64,
    installed_ms: Option<u64>,
}

/// A read that waits for a quorum and for the state.
#[derive(Clone, Debug)]
struct PendingRead {
    request: Request,
    origin: NodeId,
    round: u64,
    index: Index,
    arrived_ms: u64,
    lease_asked_ms: Option<i64>,
}

/// What only a leader has.
struct Leadership {
    first_index: Index,
    progress: BTreeMap<NodeId, Progress>,
    round: u64,
    reads: VecDeque<PendingRead>,
    waiting: BTreeMap<RequestId, NodeId>,
    leased_until_ms: u64,
}

/// A call that was passed to this node while it did not lead.
struct Parked {
    request: Request,
    origin: NodeId,
    hops: u8,
    arrived_ms: u64,
    lease_asked_ms: Option<i64>,
}

/// A lease to answer reads from the node's own copy.
#[derive(Clone, Copy, Debug, Default)]
struct Lease {
    until_wall_ms: i64,
    index: Index,
}

/// One node.
pub struct Raft {
    settings: Settings,
    rng: ChaCha8Rng,
    now: Moment,
    term: Term,
    vote: Option<NodeId>,
    started_ms: u64,
    /// The term and vote that are written down.
    saved: (Term, Option<NodeId>),
    log: Log,
    configurations: Configurations,
    commit: Index,
    applied: Index,
    store: Store,
    ahead: Option<Ahead>,
    role: Role,
    leader: Option<NodeId>,
    leader_heard_ms: u64,
    election_due_ms: u64,
    attempts: u32,
    desk: Desk,
    parked: VecDeque<Parked>,
    lease: Lease,
    synced_ms: u64,
    /// When it started and all ticks since.
    ticked_ms: u64,
    undone: u64,
}

impl std::fmt::Debug for Raft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Raft")
            .field("id", &self.settings.id)
            .field("term", &self.term)
            .field("leads", &self.leads())
            .field("last", &self.log.last_index())
            .field("commit", &self.commit)
            .finish_non_exhaustive()
    }
}

impl Raft {
    /// A node with the durable state that the records give.
    pub fn recover(settings: Settings, now: Moment, records: Vec<Record>) -> Self {
        // Who joins belongs to nobody until the log says so.
        let members =
            if settings.incarnation == 0 { Members::all(settings.nodes) } else { Members::default() };
        let mut raft = Self {
            rng: ChaCha8Rng::seed_from_u64(settings.seed),
            now,
            term: 0,
            vote: None,
            started_ms: now.steady_ms,
            saved: (0, None),
            log: Log::default(),
            configurations: Configurations::starting_after(0, members),
            commit: 0,
            applied: 0,
            store: Store::new(settings.disease),
            ahead: None,
            role: Role::Follower,
            leader: None,
            leader_heard_ms: 0,
            election_due_ms: 0,
            attempts: 0,
            desk: Desk::new(settings.timing),
            parked: VecDeque::new(),
            lease: Lease::default(),
            synced_ms: now.steady_ms,
            ticked_ms: now.steady_ms,
            undone: 0,
            settings,
        };
        for record in records {
            raft.replay(record);
        }
        raft.election_due_ms = raft.random_deadline();
        raft
    }

    fn replay(&mut self, record: Record) {
        match record {
            Record::Hard { term, vote } => {
                (self.term, self.vote) = (term, vote);
                self.saved = (term, vote);
            }
            Record::Append(entry) => {
                self.add(entry);
            }
            Record::Truncate(from) => self.cut_off(from),
            Record::Snapshot(snapshot) => self.restore(snapshot),
        }
    }

    fn restore(&mut self, snapshot: Snapshot) {
        self.log = Log::starting_after(snapshot.index, snapshot.term);
        self.configurations = Configurations::starting_after(snapshot.index, snapshot.members);
        self.commit = snapshot.index;
        self.applied = snapshot.index;
        self.store = Store::from_image(self.settings.disease, snapshot.image);
        self.ahead = None;
    }

    fn has(&self, disease: Disease) -> bool {
        self.settings.disease == disease
    }

    fn leads(&self) -> bool {
        matches!(self.role, Role::Leader(_))
    }

    /// When to stand for election if no leader is heard of until then.
    ///
    /// A node that starts is often one of many that do, so at first it does not wait long. It disturbs nobody, since
    /// it only asks whether it would be voted for.
    fn random_deadline(&mut self) -> u64 {
        let Timing { election_ms, start_ms, .. } = self.settings.timing;
        let starts = self.leader_heard_ms == 0 && self.attempts < QUICK_ATTEMPTS;
        let range = if starts { start_ms / 4..start_ms } else { election_ms..2 * election_ms };
        self.now.steady_ms + self.rng.random_range(range)
    }

    /// The time by which a leader knows how long ago it heard of the others.
    fn watch_ms(&self) -> u64 {
        // The mistake: a node that is kept from running counts fewer ticks than pass.
        if self.has(Disease::LeaseByTicks) { self.ticked_ms } else { self.now.steady_ms }
    }

    fn persist(&mut self, out: &mut Outputs, record: Record) {
        out.records.push(record);
        if !self.has(Disease::NoFsync) {
            out.sync = true;
        }
    }

    fn append(&mut self, out: &mut Outputs, entry: Entry) -> Index {
        self.persist(out, Record::Append(entry.clone()));
        self.add(entry)
    }

    fn add(&mut self, entry: Entry) -> Index {
        self.configurations.append(self.log.last_index() + 1, &entry.payload);
        self.log.append(entry)
    }

    fn cut_off(&mut self, from: Index) {
        self.log.truncate(from);
        self.configurations.truncate(from);
    }

    fn send(&self, out: &mut Outputs, to: NodeId, message: Message) {
        out.messages.push((to, message));
    }

    fn snapshot(&self) -> Option<Snapshot> {
        let term = self.log.term_at(self.applied)?;
        let members = self.configurations.at(self.applied).clone();
        Some(Snapshot { index: self.applied, term, members, image: self.store.image() })
    }

    /// Replaces the journal by the state and a short log when the log has become long.
    fn compact(&mut self, out: &mut Outputs) {
        if self.applied.saturating_sub(self.log.base_index()) < LOG_MAX {
            return;
        }
        // What this batch has already written is part of the new journal, since that is made from the same state.
        let upto = self.applied - LOG_KEPT;
        self.rewrite(out);
        self.log.compact(upto);
        self.configurations.compact(upto);
    }

    /// The journal after a rewrite begins with the state, so a restarted node keeps no log before it.
    fn rewrite(&mut self, out: &mut Outputs) {
        let Some(snapshot) = self.snapshot() else { return };
        let index = snapshot.index;
        let (term, vote) = self.saved;
        let mut records = vec![Record::Hard { term, vote }, Record::Snapshot(snapshot)];
        let tail = self.log.from(index + 1, usize::MAX);
        records.extend(tail.into_iter().map(Record::Append));
        out.records.clear();
        out.rewrite = Some(records);
        out.sync = true;
    }

    /// What is due by the clock. It comes before every input, so that a node that was stopped for a while does not
    /// act on what it believed before.
    fn on_time(&mut self, before: Moment, out: &mut Outputs) {
        let stalled = self.now.steady_ms > before.steady_ms + STALL_MS;
        if stalled && !self.leads() {
            self.election_due_ms = self.random_deadline();
        }
        if self.leads() {
            self.step_down_without_quorum();
        } else if self.now.steady_ms >= self.election_due_ms {
            self.stand_for_election(out);
        }
        let expired = self.desk.expire(self.now);
        out.replies.extend(expired);
        if self.has(Disease::NoFsync)
            && self.now.steady_ms >= self.synced_ms + self.settings.timing.lazy_sync_ms
        {
            self.synced_ms = self.now.steady_ms;
            out.sync = true;
        }
    }
}

impl Machine for Raft {
    fn handle(&mut self, now: Moment, input: Input, out: &mut Outputs) {
        let before = std::mem::replace(&mut self.now, now);
        self.on_time(before, out);
        match input {
            Input::Tick => self.ticked_ms += TICK_MS,
            Input::Peer(from, message) => self.on_message(from, message, out),
            Input::Client(request) => self.on_client(request, out),
            Input::Change(change) => self.on_change(change, out),
        }
    }

    fn finish(&mut self, now: Moment, out: &mut Outputs) {
        self.now = now;
        self.hand_over_calls(out);
        self.replicate(out);
        self.advance_commit(out);
        self.serve_reads(out);
        self.leave_when_removed();
        self.compact(out);
    }

    fn status(&self) -> Status {
        Status {
            leads: self.leads(),
            leader: self.leader,
            term: self.term,
            commit: self.commit,
            digest: self.store.digest(),
            clock_offset_ms: 0,
            version: self.settings.version,
            members: self.members().clone(),
            settled: self.members_are_settled(),
        }
    }
}

impl Raft {
    /// The node that forgets its vote starts slowly: for a while it takes part in elections, which need its log only,
    /// and not in replication, which needs its state. This gives its mistake time to show.
    fn still_loads(&self) -> bool {
        self.has(Disease::ForgottenVote)
            && self.now.steady_ms < self.started_ms + self.settings.timing.load_ms
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Outputs) {
        match message {
            Message::Append { .. } | Message::Install { .. } if self.still_loads() => {}
            Message::Vote { term, last_index, last_term, pre } => {
                self.on_vote(from, term, (last_term, last_index), pre, out);
            }
            Message::VoteReply { term, granted, pre, incarnation } => {
                let voter = Member { node: from, incarnation };
                self.on_vote_reply(voter, term, granted, pre, out);
            }
            Message::Append { term, prev_index, prev_term, entries, commit, round } => {
                if self.follow(from, term, out) {
                    self.on_append(from, (prev_index, prev_term), entries, commit, round, out);
                }
            }
            Message::Install { term, snapshot, round } => {
                if self.follow(from, term, out) {
                    self.on_install(from, snapshot, round, out);
                }
            }
            Message::AppendReply { term, matched, hint, round, incarnation } => {
                let from = Member { node: from, incarnation };
                self.on_append_reply(from, term, matched, hint, round, out);
            }
            Message::Forward { request, origin, hops, lease_asked_ms } => {
                self.on_forward(request, origin, hops, lease_asked_ms, out);
            }
            Message::ForwardReply { id, answer, lease } => self.on_answer(id, answer, lease, out),
            // These belong to the primary-backup specimen, and all nodes of a cluster are of one kind.
            Message::Alive { .. } | Message::Copy { .. } | Message::WantAll | Message::All { .. } => {}
        }
    }
}
