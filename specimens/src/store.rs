//! The replicated state: objects of every kind, and the memory of what every session asked last, so that a retried
//! command is applied once.
//!
//! Each kind of object is a module of its own; [`contents`] says which vocabulary is spoken to which of them.

use std::collections::BTreeMap;

use history::vocabulary::register::{Call, Return};

use crate::{
    Disease,
    message::{Payload, Request, StoreImage},
};

pub mod accounts;
pub mod contents;
pub mod counters;
pub mod issuer;
pub mod leases;
pub mod lists;
pub mod locks;
pub mod logs;
pub mod queues;
pub mod registers;
pub mod rows;
pub mod sets;
pub mod table;

use contents::{Answer, Circumstances, Command, Contents};

/// The most sessions that are remembered; beyond it the one that was silent longest is forgotten.
const SESSIONS_MAX: usize = 16_384;

#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    sequence: u64,
    answer: Answer,
    used: u64,
}

/// The replicated state. The same commands in the same order give the same store on every node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    contents: Contents,
    sessions: BTreeMap<u64, Session>,
    applied: u64,
    digest: u64,
    disease: Disease,
}

impl Store {
    /// An empty store with the mistakes that a store can make.
    pub fn new(disease: Disease) -> Self {
        Self { disease, ..Self::default() }
    }

    /// A store from its image.
    pub fn from_image(disease: Disease, image: StoreImage) -> Self {
        let sessions = image
            .sessions
            .into_iter()
            .map(|(session, sequence, answer, used)| (session, Session { sequence, answer, used }))
            .collect();
        Self { contents: *image.contents, sessions, applied: image.applied, digest: image.digest, disease }
    }

    /// Writes the store down.
    pub fn image(&self) -> StoreImage {
        let sessions = self
            .sessions
            .iter()
            .map(|(session, known)| (*session, known.sequence, known.answer.clone(), known.used))
            .collect();
        let contents = Box::new(self.contents.clone());
        StoreImage { contents, sessions, applied: self.applied, digest: self.digest }
    }

    /// A running checksum of all that was applied.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// What a call returns that can change nothing; nothing for any other.
    pub fn read(&self, call: &Command) -> Option<Answer> {
        self.contents.read(call)
    }

    /// Whether a register has a value.
    pub fn has(&self, key: &history::Key, value: &history::Value) -> bool {
        self.contents.registers.value(key) == *value
    }

    /// Writes into a command what only the one who puts it into the log can know: time, for leases.
    pub fn prepare(&mut self, request: &mut Request, now_ms: u64) {
        if let Command::Lease(call) = &request.call {
            request.over = self.contents.leases.over(call, now_ms);
        }
    }

    /// Applies what an entry holds and says what it returns; nothing for an entry that does nothing. `now_ms` is the steady
    /// clock of this node.
    pub fn apply(&mut self, payload: &Payload, now_ms: u64) -> Option<Answer> {
        let request = match payload {
            Payload::Nothing | Payload::Members(_) => return None,
            Payload::Apply(request) | Payload::Decided(request) | Payload::Newer(request) => request,
        };
        self.applied += 1;
        for word in [request.id.session, request.id.sequence] {
            self.digest = (self.digest ^ word).wrapping_mul(0x100_0000_01b3).rotate_left(23);
        }
        if self.disease != Disease::DuplicateApply
            && let Some(known) = self.sessions.get_mut(&request.id.session)
            && known.sequence >= request.id.sequence
        {
            // An older call of the session than its last has nobody left who waits for the answer.
            known.used = self.applied;
            return Some(known.answer.clone());
        }
        let answer = match payload {
            Payload::Decided(request) => self.put_decided(request),
            _ => self.carry_out(request, now_ms),
        };
        self.remember(request, answer.clone());
        Some(answer)
    }

    fn carry_out(&mut self, request: &Request, now_ms: u64) -> Answer {
        let with = Circumstances {
            stamp_ns: request.stamp_ns,
            now_ms,
            over: request.over,
            wall_wins: self.disease == Disease::LastWriteWins,
        };
        self.contents.change(&request.call, with)
    }

    fn put_decided(&mut self, request: &Request) -> Answer {
        if let Command::Register(Call::Cas(key, _, to)) = &request.call {
            self.contents.registers.put(key, to.clone(), request.stamp_ns);
        }
        Answer::Register(Return::Swapped)
    }

    fn remember(&mut self, request: &Request, answer: Answer) {
        let known = Session { sequence: request.id.sequence, answer, used: self.applied };
        self.sessions.insert(request.id.session, known);
        if self.sessions.len() > SESSIONS_MAX
            && let Some(idle) = self.sessions.iter().min_by_key(|(_, known)| known.used).map(|(id, _)| *id)
        {
            self.sessions.remove(&idle);
        }
    }
}

#[cfg(test)]
mod tests {
    use history::{
        Value,
        vocabulary::{
            Bank, Counter, Ids, Lease, ListAppend, Log, LongFork, Mutex, Predicate, Queue, Register,
            RwRegister, Set, bank, counter, ids, lease, list_append, lock, log, predicate, queue,
            rw_register, set,
        },
    };

    use super::{contents::Spoken, *};
    use crate::message::RequestId;

    fn request(session: u64, sequence: u64, call: Command) -> Payload {
        Payload::Apply(Request { id: RequestId { session, sequence }, call, stamp_ns: 0, over: None })
    }

    fn register(session: u64, sequence: u64, call: Call) -> Payload {
        request(session, sequence, Command::Register(call))
    }

    fn write(session: u64, sequence: u64, value: i64) -> Payload {
        register(session, sequence, Call::Write(1.into(), value.into()))
    }

    #[test]
    fn a_retried_command_is_applied_once() {
        let mut store = Store::new(Disease::None);
        let cas = register(1, 1, Call::Cas(1.into(), Value::Nil, 5.into()));
        let swapped = Some(Answer::Register(Return::Swapped));
        assert_eq!(store.apply(&cas, 0), swapped);
        assert_eq!(store.apply(&write(2, 1, 6), 0), Some(Answer::Register(Return::Written)));
        assert_eq!(store.apply(&cas, 0), swapped);
        assert!(store.has(&1.into(), &6.into()));
    }

    #[test]
    fn the_disease_applies_it_again() {
        let mut store = Store::new(Disease::DuplicateApply);
        for payload in [write(1, 1, 5), write(2, 1, 6), write(1, 1, 5)] {
            store.apply(&payload, 0);
        }
        assert!(store.has(&1.into(), &5.into()));
    }

    /// A call of every vocabulary that changes something, and one that reads it where there is one.
    fn calls() -> Vec<(Command, Option<Command>)> {
        fn of<V: Spoken>(change: V::Call, read: Option<V::Call>) -> (Command, Option<Command>) {
            assert!(read.as_ref().is_none_or(V::is_read), "{}", V::NAME);
            (V::command(change), read.map(V::command))
        }
        let (key, value) = (|| 1.into(), || 5.into());
        let insert = predicate::Step::Insert(key(), value());
        let select = predicate::Step::Select(predicate::Condition::All);
        let registers = || {
            let write = rw_register::Step::Write(3.into(), value());
            (vec![write], Some(vec![rw_register::Step::Read(3.into())]))
        };
        vec![
            of::<Register>(Call::Write(key(), value()), Some(Call::Read(key()))),
            of::<RwRegister>(registers().0, registers().1),
            of::<LongFork>(registers().0, registers().1),
            of::<ListAppend>(
                vec![list_append::Step::Append(key(), value())],
                Some(vec![list_append::Step::Read(key())]),
            ),
            of::<Set>(set::Call::Add(key(), value()), Some(set::Call::Read(key()))),
            of::<Counter>(counter::Call::Add(key(), 5), Some(counter::Call::Read(key()))),
            of::<Queue>(queue::Call::Enqueue(key(), value()), None),
            of::<Bank>(bank::Call::Transfer(0.into(), 1.into(), 5), Some(bank::Call::Read)),
            of::<Predicate>(
                predicate::Call::Transaction(vec![insert]),
                Some(predicate::Call::Transaction(vec![select])),
            ),
            of::<Mutex>(lock::Call::Acquire(key(), value()), None),
            of::<Lease>(lease::Call::Acquire(key(), value(), 1), None),
            of::<Ids>(ids::Call::Generate, None),
            of::<Log>(log::Call::Append(key(), value()), Some(log::Call::Read(key(), 0))),
        ]
    }

    #[test]
    fn an_image_holds_everything() {
        let mut store = Store::new(Disease::None);
        for (session, (change, read)) in calls().into_iter().enumerate() {
            assert!(!change.is_read() && store.read(&change).is_none(), "{change:?}");
            let before = store.image().contents;
            let answer = store.apply(&request(session as u64, 1, change.clone()), 0);
            assert!(answer.is_some_and(|answer| answer != Answer::Impossible), "{change:?}");
            let wrote_again = matches!(change, Command::LongFork(_));
            assert!(store.image().contents != before || wrote_again, "{change:?} changes the contents");
            assert!(read.is_none_or(|read| read.is_read() && store.read(&read).is_some()));
        }
        let written = serde_json::to_string(&store.image()).expect("an image is plain data");
        let image: StoreImage = serde_json::from_str(&written).expect("what was written");
        assert_eq!(image, store.image());
        assert_eq!(Store::from_image(Disease::None, image), store);
    }

    #[test]
    fn the_longest_silent_session_is_forgotten_first() {
        let mut store = Store::new(Disease::None);
        for session in 0..=SESSIONS_MAX as u64 {
            store.apply(&write(session, 1, 1), 0);
        }
        assert_eq!(store.sessions.len(), SESSIONS_MAX);
        assert!(!store.sessions.contains_key(&0));
    }
}
