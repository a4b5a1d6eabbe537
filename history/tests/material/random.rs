//! Random numbers and random histories from a seed, for tests.

#[path = "made.rs"]
mod made;

use disprove_history::{
    FaultId, FaultRecord, FaultState, Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process,
    Value, Vocabulary,
    vocabulary::{ListAppend, Register, RwRegister, Set, list_append, register, rw_register, set},
};

/// SplitMix64: small, and the same everywhere.
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    /// A value that is not nil.
    pub fn value(&mut self) -> Value {
        match self.below(6) {
            0 => Value::Int(self.next() as i64),
            1 => ["a b", "\"quoted\\", "ü\n\t", ":keyword/x", "nil", "[1 2]", ""][self.below(7)].into(),
            _ => Value::Int(self.below(50) as i64),
        }
    }

    /// A few values.
    pub fn values(&mut self) -> Vec<Value> {
        (0..self.below(5)).map(|_| self.value()).collect()
    }

    /// A key.
    pub fn key(&mut self) -> Value {
        match self.below(3) {
            0 => "x".into(),
            1 => ":y".into(),
            _ => Value::Int(self.below(5) as i64),
        }
    }
}

/// A vocabulary that random calls can be made of.
pub trait Made: Vocabulary + std::fmt::Debug {
    /// A call and what it returns.
    fn make(random: &mut Random) -> (Self::Call, Self::Return);
}

impl Made for Register {
    fn make(random: &mut Random) -> (register::Call, register::Return) {
        use register::{Call, Return};
        let key = random.key();
        match random.below(6) {
            0 => (Call::Write(key, random.value()), Return::Written),
            1 => (Call::Cas(key, random.value(), random.value()), Return::Swapped),
            2 => (Call::Cas(key, random.value(), random.value()), Return::Refused),
            3 => (Call::Read(key), Return::Value(None)),
            4 => (Call::Read(key), Return::Value(Some(Value::Nil))),
            _ => (Call::Read(key), Return::Value(Some(random.value()))),
        }
    }
}

impl Made for Set {
    fn make(random: &mut Random) -> (set::Call, set::Return) {
        let key = random.key();
        match random.below(6) {
            0 => (set::Call::Add(key, random.value()), set::Return::Added),
            1 => (set::Call::Add(key, random.value()), set::Return::Changed(random.below(2) == 0)),
            2 => (set::Call::Remove(key, random.value()), set::Return::Removed),
            3 => (set::Call::Remove(key, random.value()), set::Return::Changed(random.below(2) == 0)),
            4 => (set::Call::Contains(key, random.value()), set::Return::Contains(random.below(2) == 0)),
            _ => (set::Call::Read(key), set::Return::Elements(random.values())),
        }
    }
}

impl Made for ListAppend {
    fn make(random: &mut Random) -> (Vec<list_append::Step>, Vec<list_append::Answer>) {
        use list_append::{Answer, Step};
        let steps = (0..random.below(5)).map(|_| match (random.key(), random.below(4)) {
            (key, 0) => (Step::Read(key.clone()), Answer::Read(key, None)),
            (key, 1) => (Step::Read(key.clone()), Answer::Read(key, Some(random.values().into()))),
            (key, _) => {
                let value = random.value();
                (Step::Append(key.clone(), value.clone()), Answer::Append(key, value))
            }
        });
        steps.unzip()
    }
}

impl Made for RwRegister {
    fn make(random: &mut Random) -> (Vec<rw_register::Step>, Vec<rw_register::Answer>) {
        use rw_register::{Answer, Step};
        let steps = (0..random.below(5)).map(|_| match (random.key(), random.below(5)) {
            (key, 0) => (Step::Read(key.clone()), Answer::Read(key, None)),
            (key, 1) => (Step::Read(key.clone()), Answer::Read(key, Some(Value::Nil))),
            (key, 2) => (Step::Read(key.clone()), Answer::Read(key, Some(random.value()))),
            (key, _) => {
                let value = random.value();
                (Step::Write(key.clone(), value.clone()), Answer::Write(key, value))
            }
        });
        steps.unzip()
    }
}

/// A history of `count` calls of a few processes, with all outcomes and with equal times now and then.
pub fn history<V: Made>(random: &mut Random, count: usize) -> History<V> {
    let mut operations: Vec<Operation<V>> = Vec::new();
    let mut processes: Vec<(Process, u64)> = (0..4).map(|process| (Process(process), 0)).collect();
    let mut retired = 4;
    for _ in 0..count {
        let at = random.below(processes.len());
        let (process, free) = processes[at];
        let began = free + random.below(3) as u64;
        let ended = began + random.below(6) as u64;
        let (call, returned) = V::make(random);
        let (outcome, recorded) = match random.below(8) {
            0 => (Outcome::Fail("refused".into()), true),
            1 => (Outcome::Unknown("timed out".into()), true),
            2 => (Outcome::Unknown("no answer was recorded".into()), false),
            _ => (Outcome::Ok(returned), true),
        };
        processes[at] = match outcome {
            Outcome::Unknown(_) => {
                retired += 1;
                (Process(retired - 1), ended)
            }
            _ => (process, ended),
        };
        operations.push(Operation {
            index: OpIndex(0),
            process,
            node: NodeId(process.0 as u16 % 3),
            call,
            outcome,
            began: Nanos(began),
            ended: recorded.then_some(Nanos(ended)),
        });
    }
    operations.sort_by_key(|operation| operation.began);
    for (index, operation) in operations.iter_mut().enumerate() {
        operation.index = OpIndex(index as u32);
    }
    let header =
        Header { nodes: vec!["n1".into(), "n2".into(), "n3".into()], seed: 42, ..Header::new(V::NAME) };
    History { header, operations, faults: vec![fault()], damage: None }
}

/// A fault.
pub fn fault() -> FaultRecord {
    FaultRecord {
        id: FaultId(0),
        family: "partition".into(),
        description: "cut n1 off from everybody".into(),
        nodes: vec!["n1".into()],
        began: Nanos(3),
        ended: Some(Nanos(9)),
        state: FaultState::Installed,
        evidence: "12 packets dropped".into(),
    }
}
