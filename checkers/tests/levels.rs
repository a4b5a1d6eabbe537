//! The named levels against their definitions, tried out on many small histories.

#[path = "levels/material.rs"]
mod material;
#[path = "levels/reference.rs"]
mod reference;
#[path = "levels/worlds.rs"]
mod worlds;

use disprove_checkers::{
    Budget, Checker, Sequential, Validity, Verdict,
    levels::{IMPLIED, LevelOptions, checker, key_value_checker, level, levels},
    linearizability::Linearizable,
    proof::{Said, verify_broken_promise, verify_diverged, verify_late_read, verify_nonsequential},
    sequential::verify_sequential,
};
use history::{FaultId, FaultRecord, FaultState, History, KeyValue, Nanos, Outcome, vocabulary::Register};
use material::{Dice, generate, history, is_cycle, keep, shape, show, timed};
use rayon::prelude::*;
use worlds::{Seen, World, not_failed, of_key, some_world};

/// How many random histories each test tries; more by the environment.
fn rounds() -> u64 {
    let given = std::env::var("DISPROVE_LEVEL_HISTORIES").ok();
    given.map_or(16_000, |text| text.parse().expect("a number of histories"))
}

fn check(checker: &dyn Checker<Register>, history: &History<Register>) -> Verdict {
    checker.check(history, &Budget::default())
}

fn options(change: impl FnOnce(&mut LevelOptions)) -> LevelOptions {
    let mut options = LevelOptions::default();
    change(&mut options);
    options
}

/// Whether nothing is left open.
fn decided(verdict: &Verdict) -> bool {
    verdict.validity != Validity::Unknown
}

fn compare_sequential(history: &History<Register>, twist: usize) -> bool {
    let verdict = check(&Sequential::new(), history);
    let valid = reference::is_sequential(history);
    let expected = if valid { Validity::Valid } else { Validity::Invalid };
    assert_eq!(verdict.validity, expected, "{:?} {}", verdict, show(history));
    if let Some(mut order) = verdict.certificate {
        assert!(verify_sequential(history, &order), "{order:?} {}", show(history));
        assert!(reference::explains(history, &order), "{order:?} {}", show(history));
        if order.len() > 1 {
            let pairs = order.len() - 1;
            order.swap(twist % pairs, twist % pairs + 1);
            let fits = reference::explains(history, &order);
            assert_eq!(verify_sequential(history, &order), fits, "{order:?} {}", show(history));
            let dropped = order.remove(twist % order.len());
            let fits = reference::explains(history, &order);
            assert_eq!(verify_sequential(history, &order), fits, "{dropped} {order:?} {}", show(history));
        }
        // Where there is an order, nothing proves that there is none.
        let some: Vec<_> =
            history.operations.iter().map(|op| op.index).filter(|i| twist >> (i.0 % 10) & 1 == 0).collect();
        assert_eq!(verify_nonsequential(history, &some), Said::Rejected, "{some:?} {}", show(history));
    } else {
        assert!(!valid, "an order is missing: {}", show(history));
    }
    for anomaly in &verdict.anomalies {
        let kept = keep(history, &anomaly.witness);
        assert!(!reference::is_sequential(&kept), "{:?} {}", anomaly, show(history));
        assert_eq!(
            verify_nonsequential(history, &anomaly.witness),
            Said::Accepted,
            "{:?} {}",
            anomaly,
            show(history)
        );
        assert!(is_cycle(history, anomaly), "{:?} {}", anomaly, show(history));
    }
    valid
}

#[test]
fn sequential_agrees_with_trying_every_order() {
    let judge = |round: u64| {
        let mut dice = Dice(round);
        let shape = shape(&mut dice);
        let twist = dice.roll(1 << 10) as usize;
        compare_sequential(&generate(&mut dice, shape), twist)
    };
    let all = rounds() as usize;
    let valid = (0..rounds()).into_par_iter().filter(|&round| judge(round)).count();
    println!("sequential: {all} histories, {valid} valid, {} invalid", all - valid);
    assert!(valid * 10 >= all && (all - valid) * 10 >= all, "{valid} of {all} are valid");
}

#[test]
fn one_key_at_a_time_is_a_weaker_promise() {
    let judge = |round: u64| {
        let mut dice = Dice(round ^ 0x5a5a);
        let shape = shape(&mut dice);
        let history = generate(&mut dice, shape);
        let all: Vec<&reference::Op> = history.operations.iter().collect();
        let alone = |key: usize| {
            let key = material::key(key);
            let own: Vec<&reference::Op> =
                all.iter().copied().filter(|operation| *operation.call.key() == key).collect();
            reference::sequential_order(&own, &history.header.initial).is_some()
        };
        let verdict = check(&Sequential::per_key(), &history);
        let valid = (0..3).all(alone);
        assert_eq!(verdict.validity == Validity::Valid, valid, "{:?} {}", verdict, show(&history));
        assert!(decided(&verdict));
        for anomaly in &verdict.anomalies {
            assert!(!reference::is_sequential(&keep(&history, &anomaly.witness)), "{:?}", anomaly);
            assert!(is_cycle(&history, anomaly), "{:?} {}", anomaly, show(&history));
        }
        if reference::is_sequential(&history) {
            assert!(valid);
        }
        valid
    };
    let all = rounds() as usize;
    let valid = (0..rounds()).into_par_iter().filter(|&round| judge(round)).count();
    println!("sequential-per-key: {all} histories, {valid} valid, {} invalid", all - valid);
    assert!(valid * 10 >= all && (all - valid) * 10 >= all, "{valid} of {all} are valid");
}

/// What each of the classic examples is called, its calls, and whether it is sequentially consistent.
const EXAMPLES: &[(&str, &str, bool)] = &[
    (
        "store buffering: both sessions write one key and miss the other's write (Dekker)",
        "p0 w x 1
         p1 w y 1
         p0 r y -
         p1 r x -",
        false,
    ),
    (
        "message passing: the flag is seen, the message is not",
        "p0 w x 1
         p0 w y 1
         p1 r y 1
         p1 r x -",
        false,
    ),
    (
        "independent reads of independent writes: two readers disagree about what came first",
        "p0 w x 1
         p1 w y 1
         p2 r x 1
         p2 r y -
         p3 r y 1
         p3 r x -",
        false,
    ),
    (
        "load buffering: each session reads what the other writes later",
        "p0 r x 1
         p1 r y 1
         p0 w y 1
         p1 w x 1",
        false,
    ),
    (
        "coherence: two readers see the writes of one key in opposite orders",
        "p0 w x 1
         p1 w x 2
         p2 r x 1
         p2 r x 2
         p3 r x 2
         p3 r x 1",
        false,
    ),
    (
        "a stale read: old values are allowed, as long as nobody can tell",
        "p0 w x 1
         p0 w x 2
         p1 r x 1
         p1 r x 2",
        true,
    ),
    (
        "one compare-and-set too many from the same value",
        "p0 w x 1
         p1 c x 1 2
         p2 c x 1 3",
        false,
    ),
    (
        "a refused compare-and-set that had to be accepted",
        "p0 w x 1
         p0 d x 1",
        false,
    ),
    (
        "an unknown write happens late",
        "p0 w x 1 ?
         p1 r x -
         p1 r y -
         p1 r x 1",
        true,
    ),
    (
        "an unknown write happens once",
        "p0 w x 1 ?
         p1 r x 1
         p2 w x 2
         p1 r x 2
         p1 r x 1",
        false,
    ),
];

#[test]
fn classic_examples_are_judged_as_the_books_do() {
    for (name, text, valid) in EXAMPLES {
        let history = history(text);
        assert_eq!(compare_sequential(&history, 3), *valid, "{name}");
    }
}

/// Whether a history keeps a promise, by its definition.
fn keeps(name: &str, history: &History<Register>) -> bool {
    let (ops, initial) = (not_failed(history), &history.header.initial);
    let by_key = |accepts: &dyn Fn(&World) -> bool| {
        (0..3)
            .all(|slot| some_world(&of_key(&ops, &material::key(slot)), initial, &mut |world| accepts(world)))
    };
    let whole = |accepts: &dyn Fn(&World) -> bool| some_world(&ops, initial, &mut |world| accepts(world));
    match name {
        "sequential" => reference::is_sequential(history),
        "real-time-causal" => whole(&|world| world.converges(true)),
        "causal-convergent" => whole(&|world| world.converges(false)),
        "causal" => whole(&|world| world.has_views(Seen::Causal)),
        "pram" => whole(&|world| world.has_views(Seen::Pram)),
        "writes-follow-reads" => whole(&|world| world.has_views(Seen::WritesFollowReads)),
        "monotonic-writes" => whole(&|world| world.has_views(Seen::MonotonicWrites)),
        // Judged over all keys at once here, and key by key by the checker: that is the same.
        "monotonic-reads" => whole(&|world| world.has_views(Seen::MonotonicReads)),
        "read-your-writes" => by_key(&|world| world.reads_own_writes()),
        "regular" => by_key(&|world| world.is_regular()),
        "weak-regular" => worlds::reads_are_regular(history, false),
        "safe" => worlds::reads_are_regular(history, true),
        _ => panic!("{name} has no definition here"),
    }
}

/// What the verifier of the level says of a witness.
fn verifier(name: &str, history: &History<Register>, witness: &[history::OpIndex]) -> Said {
    match name {
        "safe" | "weak-regular" => verify_late_read(history, name, &LevelOptions::default(), witness),
        _ => verify_broken_promise(history, name, witness),
    }
}

fn agrees(name: &str) {
    let level = checker(name, &LevelOptions::default()).expect("a level");
    let judge = |round: u64| {
        let mut dice = Dice(round.wrapping_mul(31) ^ name.len() as u64);
        let mut shape = shape(&mut dice);
        // What is uncertain is tried in all ways by the definition, so there must not be much of it.
        shape.operations = shape.operations.min(7);
        if shape.values > 0 || shape.cas > 20 {
            shape.operations = shape.operations.min(6);
            shape.processes = shape.processes.min(3);
        }
        let history = generate(&mut dice, shape);
        let verdict = check(&*level, &history);
        let kept = keeps(name, &history);
        let expected = if kept { Validity::Valid } else { Validity::Invalid };
        assert_eq!(verdict.validity, expected, "{name} {verdict:?} {}", show(&history));
        for anomaly in &verdict.anomalies {
            // Reads that no write overlaps are still not overlapped when writes are dropped, but nobody can tell.
            let judged = if name == "safe" { "weak-regular" } else { name };
            let rest = keep(&history, &anomaly.witness);
            assert!(!keeps(judged, &rest), "{name} {anomaly:?} {}", show(&history));
            assert!(is_cycle(&history, anomaly), "{name} {anomaly:?} {}", show(&history));
            let said = verifier(name, &history, &anomaly.witness);
            assert_eq!(said, Said::Accepted, "{name} {anomaly:?} {}", show(&history));
        }
        if kept {
            let some = dice.roll(1 << 12);
            let some: Vec<_> =
                history.operations.iter().map(|op| op.index).filter(|i| some >> i.0 & 1 == 0).collect();
            assert_eq!(verifier(name, &history, &some), Said::Rejected, "{name} {some:?} {}", show(&history));
        }
        kept
    };
    let all = rounds() as usize;
    let valid = (0..rounds()).into_par_iter().filter(|&round| judge(round)).count();
    println!("{name}: {all} histories, {valid} valid, {} invalid", all - valid);
    assert!(valid * 20 >= all && (all - valid) * 20 >= all, "{name}: {valid} of {all} are valid");
}

macro_rules! agree {
    ($($test:ident $name:literal)*) => {
        $(#[test] fn $test() { agrees($name); })*
    };
}

agree! {
    real_time_causal_agrees_with_its_definition "real-time-causal"
    causal_convergent_agrees_with_its_definition "causal-convergent"
    causal_agrees_with_its_definition "causal"
    pram_agrees_with_its_definition "pram"
    writes_follow_reads_agrees_with_its_definition "writes-follow-reads"
    monotonic_writes_agrees_with_its_definition "monotonic-writes"
    monotonic_reads_agrees_with_its_definition "monotonic-reads"
    read_your_writes_agrees_with_its_definition "read-your-writes"
    regular_agrees_with_its_definition "regular"
    weak_regular_agrees_with_its_definition "weak-regular"
    safe_agrees_with_its_definition "safe"
}

#[test]
fn bounded_staleness_agrees_with_its_definition() {
    let measure = checker("bounded-staleness", &LevelOptions::default()).expect("a level");
    let judge = |round: u64| {
        let mut dice = Dice(round ^ 0x7777);
        let shape = shape(&mut dice);
        let history = generate(&mut dice, shape);
        let (ops, initial) = (not_failed(&history), &history.header.initial);
        let garbage = !some_world(&ops, initial, &mut |_| true);
        let all = worlds::staleness(&history);
        let future = garbage || all.iter().any(Option::is_none);
        let verdict = check(&*measure, &history);
        assert_eq!(verdict.validity == Validity::Invalid, future, "{verdict:?} {}", show(&history));
        assert!(decided(&verdict));
        let versions = all.iter().flatten().map(|(versions, _)| *versions).max().unwrap_or(0);
        let age = all.iter().flatten().map(|(_, age)| *age).max().unwrap_or(0);
        if !future && versions > 0 {
            let told = |text: String| verdict.notes.iter().any(|note| note.contains(&text));
            assert!(told(format!("by versions: {versions} ")), "{versions} {verdict:?} {}", show(&history));
            assert!(told(format!("by time: {age} ns")), "{age} {verdict:?} {}", show(&history));
        }
        for bound in 0..3 {
            let by_versions = options(|options| options.staleness_versions = Some(bound));
            let by_time = options(|options| options.staleness_time = Some(Nanos(bound * 2)));
            for (options, wrong) in [(by_versions, versions > bound), (by_time, age > bound * 2)] {
                let level = checker("bounded-staleness", &options).expect("a level");
                let verdict = check(&*level, &history);
                let invalid = verdict.validity == Validity::Invalid;
                assert_eq!(invalid, wrong || future, "{options:?} {verdict:?} {}", show(&history));
                for anomaly in &verdict.anomalies {
                    let said = verify_late_read(&history, "bounded-staleness", &options, &anomaly.witness);
                    assert_eq!(said, Said::Accepted, "{options:?} {anomaly:?} {}", show(&history));
                }
                for anomaly in verdict.anomalies.iter().filter(|_| !future) {
                    let rest = worlds::staleness(&keep(&history, &anomaly.witness));
                    let still = |(missed, age): &(u64, u64)| match options.staleness_versions {
                        Some(bound) => *missed > bound,
                        None => *age > bound * 2,
                    };
                    assert!(rest.iter().flatten().any(still), "{options:?} {anomaly:?} {}", show(&history));
                }
            }
        }
        versions > 0
    };
    let all = rounds() as usize;
    let stale = (0..rounds()).into_par_iter().filter(|&round| judge(round)).count();
    println!("bounded-staleness: {all} histories, {stale} with stale reads");
    assert!(stale * 25 >= all && (all - stale) * 25 >= all, "{stale} of {all} have stale reads");
}

#[test]
fn what_a_promise_implies_is_kept_where_it_is_kept() {
    let judge = |name: &str, history: &History<Register>| {
        let verdict = match checker(name, &LevelOptions::default()) {
            Some(level) => check(&*level, history),
            None => check(&Linearizable::default(), history),
        };
        assert!(decided(&verdict), "{name} {verdict:?} {}", show(history));
        verdict.validity == Validity::Valid
    };
    let compare = |round: u64| {
        let mut dice = Dice(round ^ 0x1234_5678);
        let shape = shape(&mut dice);
        let history = generate(&mut dice, shape);
        let mut names: Vec<&str> = IMPLIED.iter().flat_map(|(strong, weak)| [*strong, *weak]).collect();
        names.sort_unstable();
        names.dedup();
        let kept: Vec<&str> = names.into_iter().filter(|name| judge(name, &history)).collect();
        let only_weak = |(strong, weak): &(&str, &str)| {
            assert!(
                !kept.contains(strong) || kept.contains(weak),
                "{strong}, not {weak}: {}",
                show(&history)
            );
            u64::from(kept.contains(weak) && !kept.contains(strong))
        };
        IMPLIED.iter().map(only_weak).collect::<Vec<u64>>()
    };
    let none = || vec![0; IMPLIED.len()];
    let add = |a: Vec<u64>, b: Vec<u64>| a.iter().zip(b).map(|(a, b)| a + b).collect();
    let apart: Vec<u64> = (0..rounds()).into_par_iter().map(compare).reduce(none, add);
    for ((strong, weak), count) in IMPLIED.iter().zip(&apart) {
        println!("{weak} without {strong}: {count} of {} histories", rounds());
    }
    assert!(apart.iter().all(|&count| count > 0), "some promises were never told apart: {apart:?}");
}

const SESSION_LEVELS: &[&str] = &[
    "sequential",
    "sequential-per-key",
    "causal",
    "causal-convergent",
    "pram",
    "writes-follow-reads",
    "monotonic-writes",
    "monotonic-reads",
    "read-your-writes",
];

/// Classic examples, and the levels that they break.
const BROKEN: &[(&str, &str, &[&str])] = &[
    ("store buffering (Dekker)", "p0 w x 1\n p1 w y 1\n p0 r y -\n p1 r x -", &["sequential"]),
    (
        "independent reads of independent writes",
        "p0 w x 1\n p1 w y 1\n p2 r x 1\n p2 r y -\n p3 r y 1\n p3 r x -",
        &["sequential"],
    ),
    (
        "message passing",
        "p0 w x 1\n p0 w y 1\n p1 r y 1\n p1 r x -",
        &["sequential", "causal", "causal-convergent", "pram", "monotonic-writes"],
    ),
    (
        "write-to-read causality: PRAM holds, causal does not",
        "p0 w x 1\n p1 r x 1\n p1 w y 1\n p2 r y 1\n p2 r x -",
        &["sequential", "causal", "causal-convergent", "writes-follow-reads"],
    ),
    (
        "two readers see writes that know nothing of each other in opposite orders: causal memory holds, convergence does not",
        "p0 w x 1\n p1 w x 2\n p2 r x 1\n p2 r x 2\n p3 r x 2\n p3 r x 1",
        &["sequential", "sequential-per-key", "causal-convergent"],
    ),
    (
        "a session hides what its own write replaced: convergence holds, causal memory does not",
        "p0 w z 1\n p0 w x 1\n p0 w y 1\n p1 w x 2\n p1 r z -\n p1 r y 1\n p1 r x 2",
        &["sequential", "causal", "pram"],
    ),
    (
        "an own write is missed",
        "p0 w x 1\n p0 r x -",
        &["sequential", "sequential-per-key", "causal", "causal-convergent", "pram", "read-your-writes"],
    ),
    (
        "a reader goes back",
        "p0 w x 1\n p1 r x 1\n p1 r x -",
        &[
            "sequential",
            "sequential-per-key",
            "causal",
            "causal-convergent",
            "pram",
            "writes-follow-reads",
            "monotonic-writes",
            "monotonic-reads",
        ],
    ),
    (
        "load buffering: each effect causes the other",
        "p0 r x 1\n p1 r y 1\n p0 w y 1\n p1 w x 1",
        &["sequential", "causal", "causal-convergent", "writes-follow-reads"],
    ),
    ("a stale read that nobody can tell", "p0 w x 1\n p0 w x 2\n p1 r x 1\n p1 r x 2", &[]),
    ("an unknown write that happens late", "p0 w x 1 ?\n p1 r x -\n p1 r y -\n p1 r x 1", &[]),
];

#[test]
fn classic_examples_tell_the_levels_apart() {
    for (example, text, broken) in BROKEN {
        let history = history(text);
        for name in SESSION_LEVELS {
            let level = checker(name, &LevelOptions::default()).expect("a level");
            let verdict = check(&*level, &history);
            let expected = if broken.contains(name) { Validity::Invalid } else { Validity::Valid };
            assert_eq!(verdict.validity, expected, "{example}: {name} {verdict:?}");
        }
    }
}

#[test]
fn kinds_and_sentences_name_what_happened() {
    let cases = [
        ("causal", "p0 w x 1\n p0 r x -", "own-write-missed", "p0 did not see its own write"),
        ("causal", "p0 w x 1\n p1 r x 1\n p1 r x -", "non-monotonic-read", "p1 went back to an older value"),
        (
            "pram",
            "p0 w x 1\n p0 w y 1\n p1 r y 1\n p1 r x -",
            "non-monotonic-write",
            "p1 saw writes of one session",
        ),
        (
            "causal",
            "p0 w x 1\n p1 r x 1\n p1 w y 1\n p2 r y 1\n p2 r x -",
            "effect-without-cause",
            "p2 saw a write, but not what its writer had seen before",
        ),
        (
            "causal-convergent",
            "p0 w x 1\n p1 w x 2\n p2 r x 1\n p2 r x 2\n p3 r x 2\n p3 r x 1",
            "divergent-order",
            "no order of the writes for all sessions",
        ),
        (
            "sequential",
            "p0 w x 1\n p1 w y 1\n p0 r y -\n p1 r x -",
            "nonsequential",
            "cannot be put into one order",
        ),
        ("monotonic-reads", "p0 r x 7", "garbage-read", "nobody else ever wrote 7 to x"),
        ("regular", "p0 w x 1\n p0 w x 2\n p1 r x 1", "write-order-contradiction", "no order of the writes"),
        ("weak-regular", "p0 w x 1\n p0 w x 2\n p1 r x 1", "stale-read", "had replaced that for certain"),
        ("safe", "p0 r x 1\n p0 w x 1", "future-read", "nothing of the kind had begun to be written"),
    ];
    for (name, text, kind, part) in cases {
        let verdict = check(&*checker(name, &LevelOptions::default()).expect("a level"), &history(text));
        let anomaly = verdict.anomalies.first().unwrap_or_else(|| panic!("{name}: nothing was found"));
        assert_eq!(anomaly.kind, kind, "{name} {anomaly:?}");
        assert!(anomaly.sentence.contains(part), "{name} {anomaly:?}");
        let known = disprove_checkers::glossary().iter().any(|entry| entry.kind == kind);
        assert!(known, "{kind} is not in the glossary");
    }
}

#[test]
fn real_time_levels_are_told_apart_by_examples() {
    let cases = [
        // Two reads go back from new to old while the write is under way.
        ("p0 0 5 w x 1\n p0 10 40 w x 2\n p1 12 14 r x 2\n p1 16 18 r x 1", "linearizable", "regular"),
        // Two writes overlap, and later readers disagree about which was the last.
        ("p0 0 9 w x 1\n p1 0 9 w x 2\n p2 20 22 r x 1\n p3 20 22 r x 2", "regular", "weak-regular"),
        // A read that overlaps a write returns what was replaced long before.
        ("p0 0 2 w x 1\n p0 3 5 w x 2\n p0 10 20 w x 3\n p1 12 14 r x 1", "weak-regular", "safe"),
        // A stale read orders the writes against real time, which only the real-time form minds.
        (
            "p0 0 2 w x 1\n p1 5 7 w x 2\n p2 10 12 r x 2\n p2 15 17 r x 1",
            "real-time-causal",
            "causal-convergent",
        ),
    ];
    for (text, broken, kept) in cases {
        let history = timed(text);
        let judge = |name: &str| match checker(name, &LevelOptions::default()) {
            Some(level) => check(&*level, &history).validity,
            None => check(&Linearizable::default(), &history).validity,
        };
        assert_eq!(judge(broken), Validity::Invalid, "{broken}: {text}");
        assert_eq!(judge(kept), Validity::Valid, "{kept}: {text}");
    }
}

#[test]
fn eventual_wants_final_reads_that_agree() {
    let level = checker("eventual", &options(|options| options.settle = Nanos(20))).expect("a level");
    let cases = [
        ("p0 0 5 w x 1\n p1 10 12 r x -\n p1 30 32 r x 1\n p2 30 32 r x 1", Validity::Valid),
        ("p0 0 5 w x 1\n p1 30 32 r x -\n p2 30 32 r x 1", Validity::Invalid),
        // Early reads do not count, and of several the last.
        ("p0 0 5 w x 1\n p1 30 32 r x -\n p1 40 42 r x 1\n p2 20 22 r x -\n p2 30 32 r x 1", Validity::Valid),
        // One process proves nothing, and neither do reads before all has settled.
        ("p0 0 5 w x 1\n p1 30 32 r x -", Validity::Unknown),
        ("p0 0 5 w x 1\n p1 10 12 r x -\n p2 10 12 r x 1", Validity::Unknown),
        // An unknown write may happen between the two reads, but not explain two values of others.
        ("p0 0 5 w x 1 ?\n p1 30 32 r x -\n p2 34 36 r x 1", Validity::Unknown),
        ("p0 0 5 w x 1 ?\n p3 0 5 w x 2\n p1 30 32 r x -\n p2 34 36 r x 2", Validity::Invalid),
        ("p0 0 5 r x 9\n p1 30 32 r x 9", Validity::Invalid),
    ];
    for (text, expected) in cases {
        let verdict = check(&*level, &timed(text));
        assert_eq!(verdict.validity, expected, "{text} {verdict:?}");
        assert_eq!(verdict.validity == Validity::Unknown, !verdict.notes.is_empty(), "{text} {verdict:?}");
    }
    let mut faulty = timed("p0 0 5 w x 1\n p1 30 32 r x -\n p2 30 32 r x 1");
    faulty.faults.push(FaultRecord {
        id: FaultId(0),
        family: "partition".into(),
        description: "cut n1 off".into(),
        nodes: vec!["n1".into()],
        began: Nanos(3),
        ended: Some(Nanos(25)),
        state: FaultState::Installed,
        evidence: String::new(),
    });
    assert_eq!(check(&*level, &faulty).validity, Validity::Unknown, "the fault had just ended");
    faulty.faults[0].state = FaultState::Skipped;
    assert_eq!(check(&*level, &faulty).validity, Validity::Invalid, "there was no fault");
}

/// Whether everybody reads the same in the end, by its definition: `None` where nobody can tell.
fn agrees_in_the_end(history: &History<Register>, settle: u64) -> Option<bool> {
    use history::vocabulary::register::Call;
    let (ops, initial) = (not_failed(history), &history.header.initial);
    if !some_world(&ops, initial, &mut |_| true) {
        return Some(false);
    }
    let of_one = |key: &history::Value| {
        let own = of_key(&ops, key);
        let writes: Vec<_> = own.iter().filter(|op| worlds::makes(op).is_some()).collect();
        let Some(last) = writes.iter().map(|op| op.deadline().unwrap_or(op.began)).max() else {
            return Some(true);
        };
        let settled = |op: &&&reference::Op| {
            let faults = history.faults.iter().filter(|fault| fault.state != FaultState::Skipped);
            let over = faults.map(|fault| fault.ended.expect("they end here")).max().unwrap_or(Nanos(0));
            op.began.0 >= last.max(over).0 + settle
        };
        let reads =
            own.iter().filter(|op| matches!(op.call, Call::Read(_)) && worlds::fits(op, initial).is_some());
        // Of each process the last one counts.
        let finals: Vec<_> = reads.filter(settled).collect();
        let finals: Vec<_> = finals
            .iter()
            .filter(|op| finals.iter().all(|other| other.process != op.process || other.index <= op.index))
            .collect();
        let late = |op: &reference::Op| {
            let fit = worlds::fits(op, initial).expect("it observes");
            writes.iter().any(|write| write.deadline().is_none() && worlds::makes(write).is_some_and(&fit))
        };
        let differ = |one: &reference::Op, other: &reference::Op| one.outcome != other.outcome;
        let pairs = || finals.iter().flat_map(|one| finals.iter().map(move |other| (one, other)));
        if finals.len() < 2 {
            return None;
        }
        if pairs().any(|(one, other)| differ(one, other) && !late(one) && !late(other)) {
            return Some(false);
        }
        (!pairs().any(|(one, other)| differ(one, other))).then_some(true)
    };
    let all: Vec<Option<bool>> = (0..3).map(|slot| of_one(&material::key(slot))).collect();
    match all.contains(&Some(false)) {
        true => Some(false),
        false if all.contains(&None) => None,
        false => Some(true),
    }
}

#[test]
fn eventual_agrees_with_its_definition() {
    let judge = |round: u64| {
        let mut dice = Dice(round ^ 0x2222_1111);
        let mut shape = shape(&mut dice);
        (shape.keys, shape.operations) = (1 + dice.roll(2), 4 + dice.roll(5));
        let mut history = generate(&mut dice, shape);
        // Reads at the end by two or three processes, most of which agree.
        let (last, count) = (history.operations.len() as u32, dice.roll(4));
        let end = history.operations.iter().filter_map(|op| op.ended).max().unwrap_or_default().0;
        let there: Vec<history::Value> =
            history.operations.iter().filter_map(|op| worlds::makes(op).cloned()).collect();
        for slot in 0..shape.keys as usize {
            let usual = dice.below(there.len().max(1));
            for reader in 0..count {
                let place = if dice.percent(20) { dice.below(there.len().max(1)) } else { usual };
                let seen = there.get(place).cloned().unwrap_or(history.header.initial.clone());
                let began = Nanos(end + dice.roll(6));
                history.operations.push(history::Operation {
                    index: history::OpIndex(0),
                    process: history::Process(500 + dice.roll(reader + 2) as u32 + 10 * slot as u32),
                    node: history::NodeId(0),
                    call: history::vocabulary::register::Call::Read(material::key(slot)),
                    outcome: Outcome::Ok(history::vocabulary::register::Return::Value(Some(seen))),
                    began,
                    ended: Some(Nanos(began.0 + 1)),
                });
            }
        }
        history.operations[last as usize..].sort_by_key(|op| op.began);
        (0u32..).zip(&mut history.operations).for_each(|(i, op)| op.index = history::OpIndex(i));
        if dice.percent(30) {
            history.faults.push(FaultRecord {
                id: FaultId(0),
                family: "partition".into(),
                description: "cut n1 off".into(),
                nodes: vec!["n1".into()],
                began: Nanos(3),
                ended: Some(Nanos(end.saturating_sub(2) + dice.roll(5))),
                state: if dice.percent(30) { FaultState::Skipped } else { FaultState::Installed },
                evidence: String::new(),
            });
        }
        let settle = dice.roll(4);
        let level = checker("eventual", &options(|options| options.settle = Nanos(settle))).expect("a level");
        let verdict = check(&*level, &history);
        let expected = match agrees_in_the_end(&history, settle) {
            Some(true) => Validity::Valid,
            Some(false) => Validity::Invalid,
            None => Validity::Unknown,
        };
        assert_eq!(
            verdict.validity,
            expected,
            "{settle} {verdict:?} {:?} {}",
            history.faults,
            show(&history)
        );
        for anomaly in verdict.anomalies.iter().filter(|anomaly| anomaly.kind == "diverged") {
            let accepted = verify_diverged(&history, Nanos(settle), &anomaly.witness);
            assert_eq!(accepted, Said::Accepted, "{anomaly:?} {}", show(&history));
        }
        expected
    };
    let all: Vec<Validity> = (0..rounds()).into_par_iter().map(judge).collect();
    for validity in [Validity::Valid, Validity::Invalid, Validity::Unknown] {
        let count = all.iter().filter(|one| **one == validity).count();
        println!("eventual: {count} of {} are {validity:?}", all.len());
        assert!(count * 20 >= all.len(), "{count} of {} are {validity:?}", all.len());
    }
}

#[test]
fn sessions_are_what_one_connection_did() {
    let judge = |history: &History<Register>| check(&Sequential::new(), history);
    // A process that goes on after an unknown outcome is a new session.
    let continued = judge(&history("p0 w x 1\n p0 w y 1 ?\n p0 r x -"));
    assert_eq!(continued.validity, Validity::Valid, "{continued:?}");
    assert!(continued.notes.iter().any(|note| note.contains("went on")), "{continued:?}");
    // One whose calls overlap is none.
    let overlapping = judge(&timed("p0 0 10 w x 1\n p0 5 20 r x -\n p0 30 40 r x -"));
    assert_eq!(overlapping.validity, Validity::Valid, "{overlapping:?}");
    assert!(overlapping.notes.iter().any(|note| note.contains("began a call before")), "{overlapping:?}");
    // Without times the order by index is the order of the session.
    let mut untimed = timed("p0 0 10 w x 1\n p0 0 10 r x -");
    untimed.header.untimed = true;
    assert_eq!(judge(&untimed).validity, Validity::Invalid);
    for (name, expected) in
        [("regular", Validity::Unknown), ("safe", Validity::Unknown), ("pram", Validity::Invalid)]
    {
        let level = checker(name, &LevelOptions::default()).expect("a level");
        assert_eq!(check(&*level, &untimed).validity, expected, "{name}");
    }
    // A nil read is not known where the initial value is something else.
    let mut initial = history("p0 w x 1\n p0 r x -");
    initial.header.initial = 7.into();
    assert_eq!(judge(&initial).validity, Validity::Valid);
}

#[test]
fn every_level_has_a_checker_of_its_name() {
    for info in levels() {
        for name in info.aliases.iter().chain([&info.name]) {
            let level = checker(name, &LevelOptions::default()).expect("a level");
            assert_eq!(level.name(), info.name);
            let over_keys = key_value_checker(name, &LevelOptions::default()).expect("a level");
            assert_eq!(over_keys.name(), info.name);
        }
        assert!(info.explanation.len() > 40 && info.explanation.ends_with('.'), "{}", info.name);
        let empty = check(&*checker(info.name, &LevelOptions::default()).expect("a level"), &history(""));
        assert_eq!(empty.validity, Validity::Valid, "{}", info.name);
    }
    assert!(checker("linearizable", &LevelOptions::default()).is_none());
    assert_eq!(level("causal-memory").map(|level| level.name), Some("causal"));
}

#[test]
fn stores_of_keys_are_judged_as_registers() {
    let mut verdicts: std::collections::BTreeMap<Validity, usize> = std::collections::BTreeMap::new();
    use history::vocabulary::{key_value as store, register};
    for round in 0..400 {
        let mut dice = Dice(round ^ 0xabcd);
        let shape = shape(&mut dice);
        let history = generate(&mut dice, shape);
        let operations = history.operations.iter().map(|operation| history::Operation::<KeyValue> {
            index: operation.index,
            process: operation.process,
            node: operation.node,
            call: match operation.call.clone() {
                register::Call::Read(key) => store::Call::Get(key),
                register::Call::Write(key, to) => store::Call::Put(key, to),
                register::Call::Cas(key, from, to) => store::Call::Cas(key, from, to),
            },
            outcome: match operation.outcome.clone() {
                Outcome::Ok(register::Return::Value(value)) => Outcome::Ok(store::Return::Value(value)),
                Outcome::Ok(register::Return::Written) => Outcome::Ok(store::Return::Done),
                Outcome::Ok(register::Return::Swapped) => Outcome::Ok(store::Return::Swapped),
                Outcome::Ok(register::Return::Refused) => Outcome::Ok(store::Return::Refused),
                Outcome::Fail(reason) => Outcome::Fail(reason),
                Outcome::Unknown(reason) => Outcome::Unknown(reason),
            },
            began: operation.began,
            ended: operation.ended,
        });
        let mut stored = History::<KeyValue> {
            header: history.header.clone(),
            operations: operations.collect(),
            faults: Vec::new(),
            damage: None,
        };
        for name in ["sequential", "causal", "safe"] {
            let one = check(&*checker(name, &LevelOptions::default()).expect("a level"), &history);
            let over_keys = key_value_checker(name, &LevelOptions::default()).expect("a level");
            assert_eq!(over_keys.check(&stored, &Budget::default()), one);
        }
        // One call on a key of its own, which no register has, says nothing and needs the other way of judging.
        let another = history::Operation::<KeyValue> {
            index: history::OpIndex(stored.operations.len() as u32),
            process: history::Process(1_000),
            call: store::Call::Append("apart".into(), 1.into()),
            outcome: Outcome::Ok(store::Return::Done),
            ..stored.operations[0].clone()
        };
        stored.operations.push(another);
        for name in ["sequential", "sequential-per-key"] {
            let one = check(&*checker(name, &LevelOptions::default()).expect("a level"), &history);
            let over_keys = key_value_checker(name, &LevelOptions::default()).expect("a level");
            let shuffled = over_keys.check(&stored, &Budget::default());
            assert_eq!(shuffled.validity, one.validity, "{name}: {one:?}\n{shuffled:?}");
            *verdicts.entry(shuffled.validity).or_default() += 1;
        }
        let verdict = key_value_checker("causal", &LevelOptions::default()).expect("a level");
        let verdict = verdict.check(&stored, &Budget::default());
        assert_eq!(verdict.validity, Validity::Unknown);
        assert!(verdict.notes[0].contains("append"), "{verdict:?}");
    }
    assert!(verdicts.values().all(|&count| count >= 50) && verdicts.len() == 2, "{verdicts:?}");
}

#[test]
fn appends_are_put_into_one_order_or_proven_to_have_none() {
    use history::vocabulary::key_value::{Call, Return};
    let append = |process, value: &str| (process, Call::Append("x".into(), value.into()), Return::Done);
    let get = |process, value: &str| (process, Call::Get("x".into()), Return::Value(Some(value.into())));
    let stored = |calls: &[(u32, Call, Return)]| History::<KeyValue> {
        header: history::Header { initial: "".into(), ..history::Header::new("key-value") },
        operations: (0u32..)
            .zip(calls)
            .map(|(index, (process, call, answer))| history::Operation {
                index: history::OpIndex(index),
                process: history::Process(*process),
                node: history::NodeId(0),
                call: call.clone(),
                outcome: Outcome::Ok(answer.clone()),
                began: history::Nanos(u64::from(index) * 10),
                ended: Some(history::Nanos(u64::from(index) * 10 + 5)),
            })
            .collect(),
        faults: Vec::new(),
        damage: None,
    };
    let judge = |calls: &[(u32, Call, Return)]| {
        let judge = key_value_checker("sequential", &LevelOptions::default()).expect("a level");
        judge.check(&stored(calls), &Budget::default())
    };
    // A late get is no harm to a session that wrote nothing.
    let late = judge(&[append(0, "a"), append(0, "b"), get(1, "a"), get(1, "ab")]);
    assert_eq!(late.validity, Validity::Valid, "{late:?}");
    let order: Vec<u32> = late.certificate.expect("an order").iter().map(|index| index.0).collect();
    assert_eq!(order, [0, 2, 1, 3]);
    // Two readers cannot disagree about what was appended first, whatever else is read.
    let apart = judge(&[append(0, "a"), append(1, "b"), get(2, "a"), get(3, "b")]);
    assert_eq!(apart.validity, Validity::Invalid, "{apart:?}");
    let witness: Vec<u32> = apart.anomalies[0].witness.iter().map(|index| index.0).collect();
    assert_eq!(witness, [2, 3]);
    assert!(apart.anomalies[0].sentence.contains("`get x` by p2 returned a"), "{apart:?}");
    let limited = key_value_checker("sequential", &LevelOptions::default()).expect("a level");
    let limited =
        limited.check(&stored(&[append(0, "a"), append(1, "b"), get(2, "ab")]), &Budget::new(2, 1 << 30));
    assert_eq!(limited.validity, Validity::Unknown);
    assert_eq!(limited.limits.len(), 1, "{limited:?}");
}

/// Unique values, long enough that no order can be tried in full.
fn long(dice: &mut Dice, lies: u64) -> History<Register> {
    let mut shape = shape(dice);
    (shape.operations, shape.processes, shape.values, shape.cas) = (40 + dice.roll(40), 3, 0, 0);
    (shape.failed, shape.lies, shape.writes) = (0, lies, 40);
    generate(dice, shape)
}

#[test]
fn verdicts_do_not_depend_on_threads_and_keep_to_limits() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let (one, four) = (pool(1), pool(4));
    for round in 0..60 {
        let history = long(&mut Dice(round), if round % 2 == 0 { 0 } else { 4 });
        for info in levels() {
            let level = checker(info.name, &LevelOptions::default()).expect("a level");
            let verdict = one.install(|| check(&*level, &history));
            assert_eq!(verdict, four.install(|| check(&*level, &history)), "{}", info.name);
            for anomaly in verdict.anomalies.iter().filter(|_| info.name != "safe" && info.name != "eventual")
            {
                let rest = check(&*level, &keep(&history, &anomaly.witness));
                assert_eq!(rest.validity, Validity::Invalid, "{} {anomaly:?} {}", info.name, show(&history));
                assert!(is_cycle(&history, anomaly), "{} {anomaly:?}", info.name);
            }
            let little = Budget::new(50, 1 << 20);
            let limited = level.check(&history, &little);
            if decided(&limited) {
                assert_eq!(limited.validity, verdict.validity, "{}", info.name);
            } else if decided(&verdict) {
                assert!(!limited.limits.is_empty(), "{} {limited:?}", info.name);
            }
        }
    }
}

/// The levels that imply one, itself included.
fn stronger_than(weak: &'static str) -> Vec<&'static str> {
    let mut found = vec![weak];
    let mut next = 0;
    while let Some(&name) = found.get(next) {
        next += 1;
        for (strong, implied) in IMPLIED.iter().filter(|(strong, _)| *strong != "linearizable") {
            if *implied == name && !found.contains(strong) {
                found.push(strong);
            }
        }
    }
    found
}

#[test]
fn corrupted_answers_are_found_by_every_level_that_forbids_them() {
    use history::vocabulary::register::{Call, Return};
    let (mut own, mut back) = (0, 0);
    for round in 0..400 {
        let history = long(&mut Dice(round ^ 0xbeef), 0);
        let strict = check(&Sequential::new(), &history);
        assert_eq!(strict.validity, Validity::Valid, "{strict:?}");
        let answers = |operation: &reference::Op| match (&operation.call, operation.outcome.ok()) {
            (Call::Read(_), Some(Return::Value(Some(value)))) => Some(value.clone()),
            _ => None,
        };
        let sessions = history.operations.iter().enumerate().filter_map(|(at, operation)| {
            let value = answers(operation)?;
            let earlier = history.operations[..at].iter().filter(|other| {
                other.process == operation.process && other.call.key() == operation.call.key()
            });
            Some((at, value, earlier.collect::<Vec<_>>()))
        });
        let spoil = |at: usize, answer: history::Value, weak: &'static str| {
            let operations = history.operations.clone();
            let mut spoiled =
                History { header: history.header.clone(), operations, faults: Vec::new(), damage: None };
            spoiled.operations[at].outcome = Outcome::Ok(Return::Value(Some(answer)));
            for name in stronger_than(weak) {
                let level = checker(name, &LevelOptions::default()).expect("a level");
                let verdict = check(&*level, &spoiled);
                assert_eq!(verdict.validity, Validity::Invalid, "{name} {}", show(&spoiled));
                let witness = &verdict.anomalies[0].witness;
                assert!(
                    witness.contains(&history.operations[at].index),
                    "{name} {verdict:?} {}",
                    show(&spoiled)
                );
            }
        };
        for (at, value, earlier) in sessions {
            let wrote = |other: &&&reference::Op| {
                matches!(other.call, Call::Write(..)) && other.outcome.ok().is_some()
            };
            if earlier.iter().any(|other| wrote(&other)) && history.header.initial == history::Value::Nil {
                spoil(at, history::Value::Nil, "read-your-writes");
                own += 1;
            }
            let values: Vec<history::Value> = earlier.iter().filter_map(|other| answers(other)).collect();
            if let Some(older) =
                values.first().filter(|older| values.last() != Some(older) && **older != value)
            {
                spoil(at, older.clone(), "monotonic-reads");
                back += 1;
            }
            if own + back > 400 && round > 20 {
                return;
            }
        }
    }
    assert!(own > 100 && back > 100, "{own} and {back} answers were corrupted");
}
