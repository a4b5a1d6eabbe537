//! The registers, and the memory of what every session asked last, so that a retried command is applied once.

use std::collections::BTreeMap;

use history::{
    Key, Value,
    vocabulary::register::{Call, Return},
};

use crate::{
    Disease,
    message::{Payload, Request, StoreImage},
};

/// The most sessions that are remembered; beyond it the one that was silent longest is forgotten.
const SESSIONS_MAX: usize = 16_384;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Cell {
    value: Value,
    stamp_ns: i64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Session {
    sequence: u64,
    answer: Return,
    used: u64,
}

/// The replicated state. The same commands in the same order give the same store on every node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Store {
    registers: BTreeMap<Key, Cell>,
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
        let registers = image
            .registers
            .into_iter()
            .map(|(key, value, stamp_ns)| (key, Cell { value, stamp_ns }))
            .collect();
        let sessions = image
            .sessions
            .into_iter()
            .map(|(session, sequence, answer, used)| (session, Session { sequence, answer, used }))
            .collect();
        Self { registers, sessions, applied: image.applied, digest: image.digest, disease }
    }

    /// Writes the store down.
    pub fn image(&self) -> StoreImage {
        let registers = self
            .registers
            .iter()
            .map(|(key, cell)| (key.clone(), cell.value.clone(), cell.stamp_ns))
            .collect();
        let sessions = self
            .sessions
            .iter()
            .map(|(session, known)| (*session, known.sequence, known.answer.clone(), known.used))
            .collect();
        StoreImage { registers, sessions, applied: self.applied, digest: self.digest }
    }

    /// A running checksum of all that was applied.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// The value of a key.
    pub fn read(&self, key: &Key) -> Value {
        self.registers.get(key).map(|cell| cell.value.clone()).unwrap_or_default()
    }

    /// Applies what an entry holds and says what it returns; nothing for an entry that does nothing.
    pub fn apply(&mut self, payload: &Payload) -> Option<Return> {
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
            _ => self.carry_out(request),
        };
        self.remember(request, answer.clone());
        Some(answer)
    }

    fn carry_out(&mut self, request: &Request) -> Return {
        let wall_wins = self.disease == Disease::LastWriteWins;
        match &request.call {
            Call::Read(key) => Return::Value(Some(self.read(key))),
            Call::Write(key, value) => {
                let cell = self.registers.entry(key.clone()).or_default();
                if !wall_wins || request.stamp_ns >= cell.stamp_ns {
                    *cell = Cell { value: value.clone(), stamp_ns: request.stamp_ns };
                }
                Return::Written
            }
            Call::Cas(key, from, to) => {
                let cell = self.registers.entry(key.clone()).or_default();
                if cell.value != *from {
                    return Return::Refused;
                }
                // It keeps the time of the value it replaces: a write that is under way with a later time must
                // still win, or this would go wrong with exact clocks as well.
                cell.value = to.clone();
                Return::Swapped
            }
        }
    }

    fn put_decided(&mut self, request: &Request) -> Return {
        if let Call::Cas(key, _, to) = &request.call {
            self.registers.insert(key.clone(), Cell { value: to.clone(), stamp_ns: request.stamp_ns });
        }
        Return::Swapped
    }

    fn remember(&mut self, request: &Request, answer: Return) {
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
    use super::*;
    use crate::message::RequestId;

    fn request(session: u64, sequence: u64, call: Call) -> Payload {
        Payload::Apply(Request { id: RequestId { session, sequence }, call, stamp_ns: 0 })
    }

    fn write(session: u64, sequence: u64, value: i64) -> Payload {
        request(session, sequence, Call::Write(1.into(), value.into()))
    }

    #[test]
    fn a_retried_command_is_applied_once() {
        let mut store = Store::new(Disease::None);
        let cas = request(1, 1, Call::Cas(1.into(), Value::Nil, 5.into()));
        assert_eq!(store.apply(&cas), Some(Return::Swapped));
        assert_eq!(store.apply(&write(2, 1, 6)), Some(Return::Written));
        assert_eq!(store.apply(&cas), Some(Return::Swapped));
        assert_eq!(store.read(&1.into()), Value::Int(6));
    }

    #[test]
    fn the_disease_applies_it_again() {
        let mut store = Store::new(Disease::DuplicateApply);
        for payload in [write(1, 1, 5), write(2, 1, 6), write(1, 1, 5)] {
            store.apply(&payload);
        }
        assert_eq!(store.read(&1.into()), Value::Int(5));
    }

    #[test]
    fn an_image_holds_everything() {
        let mut store = Store::new(Disease::None);
        for value in 0..10 {
            store.apply(&write(value as u64, 1, value));
        }
        assert_eq!(Store::from_image(Disease::None, store.image()), store);
    }

    #[test]
    fn the_longest_silent_session_is_forgotten_first() {
        let mut store = Store::new(Disease::None);
        for session in 0..=SESSIONS_MAX as u64 {
            store.apply(&write(session, 1, 1));
        }
        assert_eq!(store.sessions.len(), SESSIONS_MAX);
        assert!(!store.sessions.contains_key(&0));
    }
}
