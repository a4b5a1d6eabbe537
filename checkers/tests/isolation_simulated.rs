//! Levels of isolation on simulated databases: never an anomaly that a database's level forbids, always the mistake that
//! was planted; and sizes that a hostile history may have.

#[path = "isolation_simulated/database.rs"]
mod database;

use database::{Control, Plan, simulate};
use disprove_checkers::{
    Budget, Limit, Validity,
    isolation::{Level, Problem, decide, verify},
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};

fn plan(control: Control, seed: u64) -> Plan {
    Plan {
        control,
        sessions: 3 + (seed % 8) as usize,
        transactions: 400,
        steps: 2 + (seed % 5) as usize,
        keys: 4 + seed % 40,
        writes: 30 + 10 * (seed % 4),
        lost: [0, 5][seed as usize % 2],
        untimed: false,
        seed,
    }
}

fn judge(history: &History<RwRegister>, level: Level) -> Validity {
    let problem = Problem::of(history);
    let decision = decide(&problem, level, &Budget::default());
    if let Some(order) = &decision.order {
        assert!(verify(&problem, level, order), "{level}: the order is not accepted");
    }
    decision.validity
}

fn keeps(control: Control, levels: &[Level]) {
    for seed in 0..12 {
        let history = simulate(&plan(control, seed));
        for &level in levels {
            assert_eq!(judge(&history, level), Validity::Valid, "{control:?}, seed {seed}: {level}");
        }
    }
}

/// How many of twelve runs break a level.
fn breaks(control: Control, level: Level) -> usize {
    (0..12).filter(|&seed| judge(&simulate(&plan(control, seed)), level) == Validity::Invalid).count()
}

#[test]
fn two_phase_locking_is_strictly_serializable() {
    keeps(
        Control::TwoPhaseLocking,
        &[
            Level::StrictSerializable,
            Level::Serializable,
            Level::StrongSnapshotIsolation,
            Level::CausalMemory,
        ],
    );
}

#[test]
fn an_optimistic_database_is_serializable() {
    keeps(
        Control::Optimistic,
        &[Level::StrongSessionSerializable, Level::Serializable, Level::StrongSnapshotIsolation],
    );
}

#[test]
fn snapshots_are_isolated_and_skew_writes() {
    keeps(
        Control::Snapshot,
        &[
            Level::StrongSnapshotIsolation,
            Level::SnapshotIsolation,
            Level::StrongSessionParallelSnapshotIsolation,
            Level::StrongSessionPrefix,
            Level::CausalConvergent,
            Level::Pram,
            Level::WritesFollowReads,
        ],
    );
    assert!(breaks(Control::Snapshot, Level::Serializable) >= 8);
}

#[test]
fn lost_updates_are_found() {
    keeps(
        Control::SnapshotLosingUpdates,
        &[Level::StrongSessionPrefix, Level::Prefix, Level::CausalConvergent],
    );
    assert!(breaks(Control::SnapshotLosingUpdates, Level::ParallelSnapshotIsolation) >= 10);
    assert!(breaks(Control::SnapshotLosingUpdates, Level::SnapshotIsolation) >= 10);
}

#[test]
fn stale_snapshots_break_only_what_speaks_of_sessions_or_time() {
    keeps(
        Control::StaleSnapshot,
        &[Level::SnapshotIsolation, Level::Prefix, Level::ParallelSnapshotIsolation],
    );
    assert_eq!(breaks(Control::StaleSnapshot, Level::StrongSessionSnapshotIsolation), 12);
    assert_eq!(breaks(Control::StaleSnapshot, Level::StrongSnapshotIsolation), 12);
    assert!(breaks(Control::StaleSnapshot, Level::ReadYourWrites) >= 8);
}

#[test]
fn read_committed_is_no_more_than_that() {
    keeps(
        Control::ReadCommitted,
        &[
            Level::ReadCommitted,
            Level::StrongSessionMonotonicAtomicView,
            Level::MonotonicReads,
            Level::ReadYourWrites,
        ],
    );
    assert!(breaks(Control::ReadCommitted, Level::ReadAtomic) >= 8);
    assert!(breaks(Control::ReadCommitted, Level::SnapshotIsolation) >= 10);
}

#[test]
fn dirty_reads_are_found() {
    assert!(breaks(Control::Dirty, Level::ReadCommitted) >= 8);
}

fn history(transactions: impl Iterator<Item = (u32, Vec<Answer>)>) -> History<RwRegister> {
    let operations = transactions
        .enumerate()
        .map(|(place, (process, answers))| Operation {
            index: OpIndex(place as u32),
            process: Process(process),
            node: NodeId(0),
            call: answers
                .iter()
                .map(|answer| match answer {
                    Answer::Read(key, _) => Step::Read(key.clone()),
                    Answer::Write(key, value) => Step::Write(key.clone(), value.clone()),
                })
                .collect(),
            outcome: Outcome::Ok(answers),
            began: Nanos(0),
            ended: Some(Nanos(u64::MAX)),
        })
        .collect();
    let mut header = Header::new("rw-register");
    header.untimed = true;
    History { header, operations, faults: Vec::new(), damage: None }
}

fn write(key: i64, value: i64) -> Answer {
    Answer::Write(Value::Int(key), Value::Int(value))
}

fn read(key: i64, value: i64) -> Answer {
    Answer::Read(Value::Int(key), Some(Value::Int(value)))
}

#[test]
fn a_key_with_a_million_writes_is_judged() {
    let history = history((0..1_000_000).map(|place| ((place % 20) as u32, vec![write(0, place + 1)])));
    let problem = Problem::of(&history);
    for level in
        [Level::StrongSessionSerializable, Level::StrongSessionSnapshotIsolation, Level::CausalConvergent]
    {
        assert_eq!(decide(&problem, level, &Budget::default()).validity, Validity::Valid, "{level}");
    }
}

#[test]
fn a_circle_of_a_hundred_thousand_transactions_is_found() {
    let count = 100_000;
    let one = |place: i64| {
        let next = (place + 1) % count;
        (place as u32, vec![read(next, next + 1), write(place, place + 1)])
    };
    let history = history((0..count).map(one));
    let problem = Problem::of(&history);
    for level in [Level::ReadCommitted, Level::CausalConvergent, Level::Serializable] {
        let decision = decide(&problem, level, &Budget::default());
        assert_eq!(decision.validity, Validity::Invalid, "{level}");
        assert_eq!(decision.contradictions[0].transactions.len(), count as usize, "{level}");
    }
}

#[test]
fn a_limit_is_said_by_name() {
    let history = simulate(&plan(Control::Snapshot, 3));
    let problem = Problem::of(&history);
    let decision = decide(&problem, Level::Serializable, &Budget::new(100, u64::MAX));
    assert_eq!((decision.validity, decision.limit), (Validity::Unknown, Some(Limit::Steps(100))));
    let decision = decide(&problem, Level::Serializable, &Budget::new(u64::MAX, 100));
    assert_eq!((decision.validity, decision.limit), (Validity::Unknown, Some(Limit::Memory(100))));
}

#[test]
fn values_that_are_not_unique_prove_nothing() {
    let history =
        history([(0, vec![write(1, 7)]), (1, vec![write(1, 7)]), (2, vec![read(1, 7)])].into_iter());
    let decision = decide(&Problem::of(&history), Level::Serializable, &Budget::default());
    assert_eq!(decision.validity, Validity::Unknown);
}
