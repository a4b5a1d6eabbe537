//! What a verdict says: the name of what is wrong, the limit that was hit, and the same for a data type of one's own.

use disprove_checkers::{
    Budget, Checker, DataType, Limit, RegisterState, Validity, Verdict, glossary,
    linearizability::{Linearizable, LinearizableType, verify_witness},
};
use history::{
    Header, History, Key, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

fn collect<V: Vocabulary>(
    operations: impl IntoIterator<Item = (u32, u64, u64, V::Call, Outcome<V::Return>)>,
) -> History<V> {
    let operation = |(i, (process, began, ended, call, outcome))| Operation {
        index: OpIndex(i),
        process: Process(process),
        node: NodeId(0),
        call,
        outcome,
        began: Nanos(began),
        ended: Some(Nanos(ended)),
    };
    let operations = (0u32..).zip(operations).map(operation).collect();
    History { header: Header::new(V::NAME), operations, faults: Vec::new(), damage: None }
}

/// One operation on `x` a line: process, began, ended, then `write 1`, `read 1`, `cas 1 2` or `refused 1 2`; `fail` or
/// `unknown` may follow.
fn register(lines: &str) -> History<Register> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    collect(lines.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words[i].parse::<i64>().expect("a number");
        let value = |i: usize| if words[i] == "nil" { Value::Nil } else { Value::Int(number(i)) };
        let x = Value::from("x");
        let (call, answer) = match words[3] {
            "read" => (Call::Read(x), Return::Value(Some(value(4)))),
            "write" => (Call::Write(x, value(4)), Return::Written),
            "cas" => (Call::Cas(x, value(4), value(5)), Return::Swapped),
            "refused" => (Call::Cas(x, value(4), value(5)), Return::Refused),
            other => panic!("{other} is no operation"),
        };
        let outcome = match words[words.len() - 1] {
            "fail" => Outcome::Fail("refused".into()),
            "unknown" => Outcome::Unknown("timeout".into()),
            _ => Outcome::Ok(answer),
        };
        (number(0) as u32, number(1) as u64, number(2) as u64, call, outcome)
    }))
}

fn judge(lines: &str) -> Verdict {
    Linearizable::default().check(&register(lines), &Budget::default())
}

/// Judges the lines and expects one anomaly of this kind, proven by these operations.
#[track_caller]
fn expect(kind: &str, witness: &[u32], lines: &str) {
    let (history, verdict) = (register(lines), judge(lines));
    assert_eq!(verdict.validity, Validity::Invalid, "{verdict:?}");
    let [anomaly] = verdict.anomalies.as_slice() else { panic!("one anomaly: {verdict:?}") };
    assert_eq!(anomaly.kind, kind, "{anomaly:?}");
    assert_eq!(anomaly.key, Some(Value::from("x")));
    assert_eq!(anomaly.witness, witness.iter().copied().map(OpIndex).collect::<Vec<_>>(), "{anomaly:?}");
    assert!(verify_witness(&history, &anomaly.witness), "{anomaly:?}");
    assert!(glossary().iter().any(|entry| entry.kind == kind), "{kind} is explained");
}

#[test]
fn a_write_that_nobody_ever_saw_is_lost() {
    let confirmed = "0  0 10 write 1
                     0 20 30 write 2";
    expect("lost-write", &[1, 2], &format!("{confirmed}\n 1 40 50 read 1\n 2 60 70 read 1"));
    let unconfirmed = judge(&format!("{confirmed} unknown\n 1 40 50 read 1\n 2 60 70 read 1"));
    assert_eq!(unconfirmed.validity, Validity::Valid, "{unconfirmed:?}");
}

#[test]
fn an_old_value_after_a_newer_one_was_seen_is_stale() {
    let seen = "0  0 10 write 1
                0 20 30 write 2
                1 40 50 read 2";
    expect("stale-read", &[2, 3], &format!("{seen}\n 2 60 70 read 1"));
    let concurrent = judge(&format!("{seen}\n 2 29 70 read 1"));
    assert_eq!(concurrent.validity, Validity::Valid, "{concurrent:?}");
}

#[test]
fn the_value_of_a_failed_write_is_dirty() {
    expect("dirty-read", &[1], "0 0 10 write 5 fail \n 1 20 30 read 5");
    assert_eq!(judge("0 0 10 write 5 unknown \n 1 20 30 read 5").validity, Validity::Valid);
}

#[test]
fn a_value_that_nobody_wrote_is_garbage() {
    expect("garbage-read", &[1], "0 0 10 write 5 \n 1 20 30 read 9");
    assert_eq!(judge("0 0 10 write 5 \n 1 20 30 read 5").validity, Validity::Valid);
}

#[test]
fn two_swaps_from_a_value_that_was_there_once_are_a_duplicate_effect() {
    let both = "0  0 10 write 1
                1 20 40 cas 1 2
                2 20 40 cas 1 3";
    expect("duplicate-effect", &[1, 2], both);
    assert_eq!(judge(&format!("{both}\n 0 20 40 write 1")).validity, Validity::Valid);
    assert_eq!(judge(&both.replace("2 20 40 cas", "2 20 40 refused")).validity, Validity::Valid);
}

#[test]
fn a_witness_that_proves_nothing_is_refused() {
    let history = register(
        "0  0 10 write 1
         1 20 40 cas 1 2
         2 20 25 write 3 fail
         3 30 40 read 2
         4 50 60 read 9",
    );
    let refused: [&[u32]; 5] = [&[], &[1, 1], &[1, 2, 3], &[0, 1, 3], &[4, 5]];
    for witness in refused {
        let witness: Vec<OpIndex> = witness.iter().copied().map(OpIndex).collect();
        assert!(!verify_witness(&history, &witness), "{witness:?}");
    }
    assert!(verify_witness(&history, &[OpIndex(4)]));
}

/// Forty swaps at a time along the edges of a graph, and an answer at the end that no walk over all edges gives.
fn hard() -> History<Register> {
    let edges =
        (0..40).map(|i: u32| (i % 6 + 1, (i * i + i / 6 + 3) % 6 + 1)).filter(|(from, to)| from != to);
    let swaps = edges.enumerate().map(|(i, (from, to))| format!("{i} 20 1000 cas {from} {to}\n"));
    register(&format!("0 0 10 write 1\n{}99 1010 1020 read 7\n98 20 1015 write 7", swaps.collect::<String>()))
}

#[test]
fn each_limit_gives_unknown_and_is_named() {
    const MANY: u64 = 100_000;
    let history = hard();
    let general = LinearizableType::<RegisterState>::new();
    let fast = Linearizable::default();
    for checker in [&fast as &dyn Checker<Register>, &general] {
        let expired = Budget::new(MANY, u64::MAX);
        expired.expiry().store(true, std::sync::atomic::Ordering::Relaxed);
        for (budget, limit) in [
            (Budget::new(MANY, u64::MAX), Limit::Steps(MANY)),
            (Budget::new(1, u64::MAX), Limit::Steps(1)),
            (Budget::new(MANY, 1), Limit::Memory(1)),
            (expired, Limit::Time),
        ] {
            let verdict = checker.check(&history, &budget);
            assert_eq!(verdict.validity, Validity::Unknown, "{limit}: {verdict:?}");
            assert_eq!(verdict.limits, std::slice::from_ref(&limit), "{verdict:?}");
            assert!(verdict.anomalies.is_empty(), "{verdict:?}");
            let named = verdict.notes.iter().any(|note| note.contains(&limit.to_string()));
            assert!(named, "{limit} is not named in {:?}", verdict.notes);
            assert_eq!(budget.take_memory(budget.memory_max), Ok(()), "all memory was given back");
        }
    }
}

/// A counter is its own state: `Some(n)` adds and `None` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Counter(i64);

impl Vocabulary for Counter {
    const NAME: &'static str = "counter";
    type Call = Option<i64>;
    type Return = i64;

    fn kind(call: &Self::Call) -> &'static str {
        if call.is_some() { "add" } else { "read" }
    }
    fn keys(_: &Self::Call) -> Vec<Key> {
        Vec::new()
    }
    fn is_read(call: &Self::Call) -> bool {
        call.is_none()
    }
    fn describe_call(call: &Self::Call) -> String {
        call.map_or("read".into(), |number| format!("add {number}"))
    }
    fn describe_return(_: &Self::Call, returned: &i64) -> String {
        returned.to_string()
    }
}

impl DataType for Counter {
    type Vocabulary = Self;

    fn initial(_: &Value) -> Self {
        Self(0)
    }
    fn step(&self, call: &Option<i64>, returned: Option<&i64>, next: &mut Vec<Self>) {
        let after = self.0 + call.unwrap_or(0);
        next.extend(returned.is_none_or(|&told| told == after).then_some(Self(after)));
    }
}

/// Judges a counter to which 2 and 3 are added at the same time, perhaps also 10, and which is then read.
fn count(first: i64, second: i64, seen: i64) -> Verdict {
    let history = collect::<Counter>([
        (0, 0, 10, Some(2), Outcome::Ok(first)),
        (1, 0, 10, Some(3), Outcome::Ok(second)),
        (2, 5, 15, Some(10), Outcome::Unknown("timeout".into())),
        (3, 20, 30, None, Outcome::Ok(seen)),
    ]);
    LinearizableType::<Counter>::new().check(&history, &Budget::default())
}

#[test]
fn a_counter_of_ones_own_is_judged() {
    for (first, second, seen) in [(2, 5, 5), (5, 3, 5), (2, 5, 15), (12, 15, 15), (2, 15, 15), (15, 3, 15)] {
        let verdict = count(first, second, seen);
        assert_eq!(verdict.validity, Validity::Valid, "{first} {second} {seen}: {verdict:?}");
    }
    for (first, second, seen) in [(2, 3, 5), (5, 5, 5), (2, 5, 3), (12, 15, 5), (2, 5, 25), (12, 13, 15)] {
        let verdict = count(first, second, seen);
        assert_eq!(verdict.validity, Validity::Invalid, "{first} {second} {seen}: {verdict:?}");
        assert_eq!(verdict.anomalies[0].kind, "nonlinearizable");
        assert_eq!(verdict.anomalies[0].key, None);
    }
    assert!(count(2, 5, 25).anomalies[0].sentence.contains("`read` by p3"), "{:?}", count(2, 5, 25));
}
