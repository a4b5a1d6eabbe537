//! A primary with backups that copy it afterwards: the disease `async-primary-backup`.
//!
//! The primary applies and acknowledges at once and sends the command to its backups without waiting for them. A
//! backup that has not heard of its primary for a while takes over, and asks nobody. Both are common designs, and
//! together they give two primaries at once under a partition, and lose what the loser acknowledged.

use history::NodeId;

use crate::{
    desk::Desk,
    machine::{Input, Machine, Moment, Outputs, Settings},
    members::Members,
    message::{
        Entry, Index, Message, Payload, Record, Reply, Request, RequestId, Snapshot, Status, StoreImage, Term,
    },
    store::{Store, contents::Answer},
};

/// After so many commands in the journal the state takes their place.
const JOURNAL_MAX: u64 = 4000;
/// By how much later each next backup takes over, so that the first one is usually the only one.
const STAGGER_MS: u64 = 300;
/// A node that was not scheduled for so long has missed messages that are only waiting to be read.
const STALL_MS: u64 = 200;
/// A backup asks for everything at most this often.
const WANT_AGAIN_MS: u64 = 200;

/// One node.
#[derive(Debug)]
pub struct Backup {
    settings: Settings,
    now: Moment,
    epoch: Term,
    primary: Option<NodeId>,
    primary_heard_ms: u64,
    position: Index,
    complete: bool,
    store: Store,
    desk: Desk,
    alive_ms: u64,
    wanted_ms: Option<u64>,
    journalled: u64,
}

impl Backup {
    /// A node with the durable state that the records give.
    pub fn recover(settings: Settings, now: Moment, records: Vec<Record>) -> Self {
        let mut backup = Self {
            now,
            epoch: 0,
            primary: None,
            primary_heard_ms: now.steady_ms,
            position: 0,
            complete: false,
            store: Store::new(settings.disease),
            desk: Desk::new(settings.timing),
            alive_ms: 0,
            wanted_ms: None,
            journalled: 0,
            settings,
        };
        for record in records {
            match record {
                Record::Hard { term, .. } => backup.epoch = term,
                Record::Append(entry) => {
                    backup.store.apply(&entry.payload, now.steady_ms);
                    backup.position += 1;
                }
                Record::Snapshot(snapshot) => {
                    backup.store = Store::from_image(backup.settings.disease, snapshot.image);
                    backup.position = snapshot.index;
                }
                Record::Truncate(_) => {}
            }
        }
        backup
    }

    fn leads(&self) -> bool {
        self.primary == Some(self.settings.id)
    }

    fn apply(&mut self, request: Request, out: &mut Outputs) -> Option<Answer> {
        let payload = Payload::Apply(request);
        let answer = self.store.apply(&payload, self.now.steady_ms);
        self.position += 1;
        self.journalled += 1;
        out.records.push(Record::Append(Entry { term: self.epoch, payload }));
        out.sync = true;
        answer
    }

    fn rewrite(&mut self, out: &mut Outputs) {
        let snapshot = Snapshot {
            index: self.position,
            term: self.epoch,
            members: Members::default(),
            image: self.store.image(),
        };
        let hard = Record::Hard { term: self.epoch, vote: None };
        out.records.clear();
        out.rewrite = Some(vec![hard, Record::Snapshot(snapshot)]);
        out.sync = true;
        self.journalled = 0;
    }

    fn take_over(&mut self, out: &mut Outputs) {
        self.epoch += 1;
        self.primary = Some(self.settings.id);
        self.complete = true;
        self.alive_ms = 0;
        out.records.push(Record::Hard { term: self.epoch, vote: None });
        out.sync = true;
    }

    fn tell_all(&self, message: &Message, out: &mut Outputs) {
        out.messages.extend(self.settings.peers().map(|peer| (peer, message.clone())));
    }

    /// Follows the primary of the later epoch, the lower node of two in the same one.
    fn follows(&mut self, from: NodeId, epoch: Term, out: &mut Outputs) -> bool {
        let beats = match self.primary {
            Some(primary) => epoch > self.epoch || (epoch == self.epoch && from < primary),
            None => epoch >= self.epoch,
        };
        let same = self.primary == Some(from) && epoch == self.epoch;
        if beats {
            self.epoch = epoch;
            self.primary = Some(from);
            self.complete = false;
            out.records.push(Record::Hard { term: epoch, vote: None });
            out.sync = true;
        }
        if beats || same {
            self.primary_heard_ms = self.now.steady_ms;
        }
        beats || same
    }

    fn want_all(&mut self, from: NodeId, out: &mut Outputs) {
        if self.wanted_ms.is_none_or(|at_ms| self.now.steady_ms >= at_ms + WANT_AGAIN_MS) {
            self.wanted_ms = Some(self.now.steady_ms);
            out.messages.push((from, Message::WantAll));
        }
    }

    fn serve(&mut self, mut request: Request, origin: NodeId, out: &mut Outputs) {
        let id = request.id;
        let mut answer = self.store.read(&request.call);
        if answer.is_none() {
            self.store.prepare(&mut request, self.now.steady_ms);
            answer = self.apply(request.clone(), out);
            let (epoch, position) = (self.epoch, self.position);
            self.tell_all(&Message::Copy { epoch, position, request }, out);
        }
        let Some(answer) = answer else { return };
        if origin == self.settings.id {
            self.on_answer(id, answer, out);
        } else {
            out.messages.push((origin, Message::ForwardReply { id, answer, lease: None }));
        }
    }

    fn on_answer(&mut self, id: RequestId, answer: Answer, out: &mut Outputs) {
        if self.desk.done(id) {
            out.replies.push((id, Reply::Done(answer)));
        }
    }

    fn on_message(&mut self, from: NodeId, message: Message, out: &mut Outputs) {
        match message {
            Message::Alive { epoch, position } => {
                let follows = self.follows(from, epoch, out);
                if follows && (!self.complete || position > self.position) {
                    self.want_all(from, out);
                }
            }
            Message::Copy { epoch, position, request } => {
                let follows = self.follows(from, epoch, out);
                if follows && self.complete {
                    if position == self.position + 1 {
                        self.apply(request, out);
                    } else if position > self.position {
                        self.want_all(from, out);
                    }
                }
            }
            Message::WantAll if self.leads() => {
                let (epoch, position, image) = (self.epoch, self.position, self.store.image());
                out.messages.push((from, Message::All { epoch, position, image }));
            }
            Message::All { epoch, position, image } => {
                let newer = !self.complete || position > self.position;
                if self.follows(from, epoch, out) && newer {
                    self.restore(position, image, out);
                }
            }
            Message::Forward { request, origin, .. } if self.leads() => self.serve(request, origin, out),
            Message::ForwardReply { id, answer, .. } => self.on_answer(id, answer, out),
            _ => {}
        }
    }

    fn restore(&mut self, position: Index, image: StoreImage, out: &mut Outputs) {
        self.store = Store::from_image(self.settings.disease, image);
        self.position = position;
        self.complete = true;
        self.rewrite(out);
    }
}

impl Machine for Backup {
    fn handle(&mut self, now: Moment, input: Input, out: &mut Outputs) {
        let before = std::mem::replace(&mut self.now, now);
        if now.steady_ms > before.steady_ms + STALL_MS {
            self.primary_heard_ms = now.steady_ms;
        }
        let patience_ms = self.settings.timing.takeover_ms + STAGGER_MS * u64::from(self.settings.id.0);
        let missed = now.steady_ms >= self.primary_heard_ms + patience_ms;
        if !self.leads() && missed {
            self.take_over(out);
        }
        let expired = self.desk.expire(now);
        out.replies.extend(expired);
        match input {
            // Its nodes are those that it was started with.
            Input::Tick | Input::Change(_) => {}
            Input::Peer(from, message) => self.on_message(from, message, out),
            Input::Client(request) => {
                let id = request.id;
                if let Err(refused) = self.desk.take(now, request) {
                    out.replies.push((id, refused));
                }
            }
        }
    }

    fn finish(&mut self, now: Moment, out: &mut Outputs) {
        self.now = now;
        if let Some(primary) = self.primary {
            for request in self.desk.due(now, primary) {
                if primary == self.settings.id {
                    self.serve(request, primary, out);
                } else {
                    let origin = self.settings.id;
                    let message = Message::Forward { request, origin, hops: 1, lease_asked_ms: None };
                    out.messages.push((primary, message));
                }
            }
        }
        if self.leads() && now.steady_ms >= self.alive_ms + self.settings.timing.heartbeat_ms {
            self.alive_ms = now.steady_ms;
            let message = Message::Alive { epoch: self.epoch, position: self.position };
            self.tell_all(&message, out);
        }
        if self.journalled >= JOURNAL_MAX {
            self.rewrite(out);
        }
    }

    fn status(&self) -> Status {
        Status {
            leads: self.leads(),
            leader: self.primary,
            term: self.epoch,
            commit: self.position,
            digest: self.store.digest(),
            clock_offset_ms: 0,
            version: self.settings.version,
            ..Status::default()
        }
    }
}
