//! Simulated databases of known levels, correct or with one planted mistake: sessions whose transactions are interleaved
//! step by step over a store of versions.

#[path = "../material/dice.rs"]
mod dice;

use std::collections::BTreeMap;

pub use dice::Dice;
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};

/// How a database keeps transactions apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "the bench simulates fewer databases than the tests")]
pub enum Control {
    /// Locks that are held to the end; who meets one gives up.
    TwoPhaseLocking,
    /// A snapshot; whoever finds at the end that something it read or wrote has changed gives up.
    Optimistic,
    /// A snapshot; the first to commit a key wins.
    Snapshot,
    /// The mistake: snapshots, but nobody looks whether a key has changed.
    SnapshotLosingUpdates,
    /// The mistake: snapshots that may be older than the session's own last commit.
    StaleSnapshot,
    /// Every read sees what is committed at that moment.
    ReadCommitted,
    /// The mistake: every read sees what is written at that moment, committed or not.
    Dirty,
}

/// What is simulated.
pub struct Plan {
    pub control: Control,
    pub sessions: usize,
    pub transactions: usize,
    pub steps: usize,
    pub keys: u64,
    /// In percent: steps that write; transactions whose outcome is lost.
    pub writes: u64,
    pub lost: u64,
    pub untimed: bool,
    pub seed: u64,
}

#[derive(Default)]
struct Running {
    began: u64,
    snapshot: u64,
    steps: Vec<Step>,
    answers: Vec<Answer>,
    own: BTreeMap<u64, i64>,
    read: Vec<u64>,
}

struct Store {
    /// The versions of each key: when it was committed, and the value.
    versions: Vec<Vec<(u64, i64)>>,
    dirty: Vec<Option<i64>>,
    /// Who holds each key, and whether to write it.
    locks: Vec<BTreeMap<usize, bool>>,
    commits: u64,
}

impl Store {
    fn at(&self, key: u64, time: u64) -> i64 {
        let versions = &self.versions[key as usize];
        let place = versions.partition_point(|&(committed, _)| committed <= time);
        place.checked_sub(1).map_or(0, |place| versions[place].1)
    }

    fn changed(&self, key: u64, since: u64) -> bool {
        self.versions[key as usize].last().is_some_and(|&(committed, _)| committed > since)
    }

    fn lock(&mut self, key: u64, session: usize, write: bool) -> bool {
        let holders = &mut self.locks[key as usize];
        let free = holders.iter().all(|(&holder, &writes)| holder == session || !(write || writes));
        if free {
            *holders.entry(session).or_default() |= write;
        }
        free
    }
}

/// The history of a simulated run.
pub fn simulate(plan: &Plan) -> History<RwRegister> {
    let keys = plan.keys as usize;
    let mut dice = Dice(plan.seed);
    let mut store = Store {
        versions: vec![Vec::new(); keys],
        dirty: vec![None; keys],
        locks: vec![BTreeMap::new(); keys],
        commits: 0,
    };
    let mut running: Vec<Option<Running>> = (0..plan.sessions).map(|_| None).collect();
    let (mut clock, mut value, mut operations) = (0u64, 0i64, Vec::new());
    while operations.len() < plan.transactions {
        let session = dice.roll(plan.sessions as u64) as usize;
        clock += 1;
        let mut current = running[session].take().unwrap_or_else(|| {
            let lag = if plan.control == Control::StaleSnapshot { dice.roll(6) } else { 0 };
            Running { began: clock, snapshot: store.commits.saturating_sub(lag), ..Running::default() }
        });
        if current.steps.len() < plan.steps {
            let gave_up = !step(plan, &mut dice, &mut store, &mut current, session, &mut value);
            if gave_up {
                operations.push(finish(&mut store, current, session, clock, Fate::GaveUp));
            } else {
                running[session] = Some(current);
            }
            continue;
        }
        let fate = match (may_commit(plan, &store, &current), dice.roll(100) < plan.lost) {
            (false, _) => Fate::GaveUp,
            (true, false) => Fate::Committed,
            (true, true) => Fate::Lost(dice.roll(2) == 0),
        };
        operations.push(finish(&mut store, current, session, clock, fate));
    }
    operations.sort_by_key(|operation| (operation.began, operation.process));
    if plan.untimed {
        operations.sort_by_key(|operation| (operation.ended, operation.process));
    }
    for (place, operation) in operations.iter_mut().enumerate() {
        operation.index = OpIndex(place as u32);
        if plan.untimed {
            (operation.began, operation.ended) = (Nanos(0), Some(Nanos(u64::MAX)));
        }
    }
    let mut header = Header::new("rw-register");
    header.initial = Value::Int(0);
    header.untimed = plan.untimed;
    History { header, operations, faults: Vec::new(), damage: None }
}

enum Fate {
    Committed,
    GaveUp,
    /// Nobody was told; whether it committed.
    Lost(bool),
}

/// One step of a transaction; false if it gives up.
fn step(
    plan: &Plan,
    dice: &mut Dice,
    store: &mut Store,
    current: &mut Running,
    session: usize,
    value: &mut i64,
) -> bool {
    let key = dice.roll(plan.keys);
    let write = dice.roll(100) < plan.writes;
    if plan.control == Control::TwoPhaseLocking && !store.lock(key, session, write) {
        return false;
    }
    let name = Value::Int(key as i64);
    if write {
        *value += 1;
        current.own.insert(key, *value);
        if plan.control == Control::Dirty {
            store.dirty[key as usize] = Some(*value);
        }
        current.steps.push(Step::Write(name.clone(), Value::Int(*value)));
        current.answers.push(Answer::Write(name, Value::Int(*value)));
        return true;
    }
    let seen = match (current.own.get(&key), plan.control) {
        (Some(own), _) => *own,
        (None, Control::ReadCommitted | Control::TwoPhaseLocking) => store.at(key, store.commits),
        (None, Control::Dirty) => store.dirty[key as usize].unwrap_or(0),
        (None, _) => store.at(key, current.snapshot),
    };
    current.read.push(key);
    current.steps.push(Step::Read(name.clone()));
    current.answers.push(Answer::Read(name, Some(Value::Int(seen))));
    true
}

fn may_commit(plan: &Plan, store: &Store, current: &Running) -> bool {
    let changed = |key: &u64| store.changed(*key, current.snapshot);
    match plan.control {
        Control::Optimistic => {
            current.own.is_empty() || !(current.read.iter().any(changed) || current.own.keys().any(changed))
        }
        Control::Snapshot | Control::StaleSnapshot => !current.own.keys().any(changed),
        _ => true,
    }
}

fn finish(
    store: &mut Store,
    current: Running,
    session: usize,
    clock: u64,
    fate: Fate,
) -> Operation<RwRegister> {
    if matches!(fate, Fate::Committed | Fate::Lost(true)) && !current.own.is_empty() {
        store.commits += 1;
        for (&key, &value) in &current.own {
            store.versions[key as usize].push((store.commits, value));
        }
    }
    store.locks.iter_mut().filter(|_| !current.steps.is_empty()).for_each(|holders| {
        holders.remove(&session);
    });
    Operation {
        index: OpIndex(0),
        process: Process(session as u32),
        node: NodeId(0),
        call: current.steps,
        outcome: match fate {
            Fate::Committed => Outcome::Ok(current.answers),
            Fate::GaveUp => Outcome::Fail("conflict".into()),
            Fate::Lost(_) => Outcome::Unknown("no answer".into()),
        },
        began: Nanos(current.began),
        ended: Some(Nanos(clock)),
    }
}
