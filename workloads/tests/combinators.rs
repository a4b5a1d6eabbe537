//! Each combinator, through the simulator, with the traps that Jepsen's users fell into.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use disprove_workloads::{
    Combine, Context, Event, Generator, Nothing, Step, any, call, calls, cycle, cycle_times, each_of,
    each_process, each_thread, flip_flop, in_order, independent, log, mix, on_threads, phases, repeat,
    reserve, shortest_any,
    simulate::{End, Simulated, Simulation, answers::Registers, simulate},
    sleep,
    streams::rng,
    weighted,
};
use history::{
    Key, Nanos, Operation, Outcome, Value,
    vocabulary::{Register, register::Call},
};

fn run_as(
    generator: impl Generator<Register>,
    threads: usize,
    simulation: Simulation,
) -> Simulated<Register> {
    let mut generator = generator;
    let mut registers = Registers::default();
    simulate(&mut generator, threads, &simulation, |call| registers.answer(call))
}

/// With perfect answers, expected to end by itself.
fn run(generator: impl Generator<Register>, threads: usize) -> Vec<Operation<Register>> {
    let simulated = run_as(generator, threads, Simulation::perfect());
    assert_eq!(simulated.end, End::Done);
    simulated.operations
}

fn read(key: &str) -> Call {
    Call::Read(Key::from(key))
}

fn reads(key: &str) -> impl Generator<Register> + use<> {
    repeat::<Register>(read(key))
}

fn of(operations: &[Operation<Register>], key: &str) -> usize {
    operations.iter().filter(|operation| *operation.call.key() == Key::from(key)).count()
}

fn keys(operations: &[Operation<Register>]) -> Vec<String> {
    operations.iter().map(|operation| operation.call.key().to_string()).collect()
}

#[test]
fn limit_and_once_count_calls_over_all_workers() {
    assert_eq!(run(reads("a").limit(17), 4).len(), 17);
    assert_eq!(run(reads("a").once(), 4).len(), 1);
    assert_eq!(run(Nothing, 4).len(), 0);
}

#[test]
fn each_of_keeps_its_order() {
    assert_eq!(keys(&run(each_of::<Register>([read("a"), read("b"), read("c")]), 1)), ["a", "b", "c"]);
}

#[test]
fn weighted_draws_by_weight() {
    let parts = [(9, reads("a").boxed()), (1, reads("b").boxed()), (0, reads("c").boxed())];
    let operations = run(weighted(parts, rng(1, "w", 0)).limit(10_000), 3);
    assert!((8_800..9_200).contains(&of(&operations, "a")), "{}", of(&operations, "a"));
    assert_eq!(of(&operations, "c"), 0);
}

/// In Jepsen a pending branch of a mix stalls the whole mix.
#[test]
fn a_branch_that_waits_does_not_stall_a_mix() {
    let slow = sleep(Duration::from_secs(1)).then(call::<Register>(read("late"))).boxed();
    let operations = run(mix([slow, reads("a").limit(50).boxed()], rng(1, "m", 0)), 2);
    assert_eq!(of(&operations, "a"), 50);
    assert_eq!(of(&operations, "late"), 1);
    let early = operations.iter().filter(|operation| operation.began < Nanos(1_000)).count();
    assert_eq!(early, 50);
}

#[test]
fn an_ended_branch_leaves_the_rest_to_the_others() {
    let parts = || [call::<Register>(read("a")).boxed(), reads("b").limit(100).boxed()];
    assert_eq!(run(any(parts(), rng(2, "a", 0)), 3).len(), 101);
    assert!(run(shortest_any(parts(), rng(2, "a", 0)), 1).len() < 101);
}

#[test]
fn flip_flop_alternates_and_ends_with_the_shorter() {
    let operations = run(flip_flop(reads("a"), reads("b").limit(2)), 1);
    assert_eq!(keys(&operations), ["a", "b", "a", "b", "a"]);
}

/// In Jepsen people expect stagger to hold for each thread; it is over all of them, here as there.
#[test]
fn stagger_is_one_rate_over_all_workers() {
    for threads in [1, 10] {
        let operations = run(reads("a").stagger(1_000.0, rng(3, "s", 0)).limit(5_000), threads);
        let last = operations.last().expect("there are 5000").began.seconds();
        assert!(
            (4.8..5.2).contains(&last),
            "{threads} workers took {last} s for 5000 calls at 1000 per second"
        );
        let gaps: Vec<u64> = operations.windows(2).map(|pair| pair[1].began.0 - pair[0].began.0).collect();
        assert!(gaps.iter().all(|gap| *gap <= 2_000_100), "no gap is longer than twice the mean");
        assert!(gaps.iter().any(|gap| *gap < 100_000) && gaps.iter().any(|gap| *gap > 1_900_000));
    }
}

#[test]
fn stagger_at_no_rate_makes_one_call_and_waits() {
    let simulation = Simulation::perfect().time_max(Nanos(60_000_000_000));
    let simulated = run_as(reads("a").stagger(0.0, rng(3, "s", 0)), 2, simulation);
    assert_eq!((simulated.operations.len(), simulated.end), (1, End::Limit));
}

#[test]
fn delay_is_exact() {
    let operations = run(reads("a").delay(Duration::from_millis(3)).limit(10), 4);
    let times: Vec<u64> = operations.iter().map(|operation| operation.began.0 / 1_000_000).collect();
    assert_eq!(times, (0..10).map(|call| call * 3).collect::<Vec<_>>());
}

#[test]
fn a_time_limit_ends_also_those_that_wait() {
    struct Never;
    impl Generator<Register> for Never {
        fn next(&mut self, _: &Context) -> Step<Call> {
            Step::Pending
        }
    }
    assert_eq!(run(Never.time_limit(Duration::from_secs(1)), 3).len(), 0);
    let operations = run(reads("a").time_limit(Duration::from_nanos(1_000)), 2);
    assert_eq!(operations.len(), 200);
    // Without the limit nothing would ever wake the workers, and the simulator says so.
    assert_eq!(run_as(Never, 3, Simulation::perfect()).end, End::Stuck);
}

#[test]
fn cycle_times_takes_turns_and_goes_on_where_it_was() {
    let turn = Duration::from_nanos(30);
    let parts = [(turn, reads("a").boxed()), (turn, reads("b").limit(4).boxed())];
    let operations = run(cycle_times(parts).time_limit(Duration::from_nanos(200)), 1);
    let expected = ["a", "a", "a", "b", "b", "b", "a", "a", "a", "b", "a", "a", "a"];
    assert_eq!(keys(&operations)[..expected.len()], expected);
    let ends = cycle_times([(turn, reads("a").limit(2).boxed()), (turn, reads("b").limit(5).boxed())]);
    assert_eq!(run(ends, 3).len(), 7);
}

#[test]
fn reserve_numbers_each_part_anew() {
    let seen = Arc::new(Mutex::new(BTreeSet::new()));
    let part = |name: &'static str| {
        let seen = Arc::clone(&seen);
        calls::<Register, _>(move |context: &Context| {
            seen.lock().expect("no panic").insert((name, context.thread, context.threads));
            assert!(context.busy < context.threads);
            read(name)
        })
        .limit(100)
        .boxed()
    };
    let operations = run(reserve([(2, part("a")), (1, part("b"))], part("c")), 5);
    assert_eq!(operations.len(), 300);
    for operation in &operations {
        let expected = ["a", "a", "b", "c", "c"][operation.process.0 as usize];
        assert_eq!(*operation.call.key(), Key::from(expected));
    }
    let expected = [("a", 0, 2), ("a", 1, 2), ("b", 0, 1), ("c", 0, 2), ("c", 1, 2)];
    assert_eq!(*seen.lock().expect("no panic"), BTreeSet::from(expected));
}

#[test]
fn reserving_more_workers_than_there_are_leaves_the_last_with_none() {
    let operations = run(reserve([(4, reads("a").limit(10).boxed())], reads("b").limit(10).boxed()), 2);
    assert_eq!((of(&operations, "a"), of(&operations, "b")), (10, 0));
}

#[test]
fn on_threads_takes_only_the_workers_it_picks() {
    let operations =
        run(on_threads(|thread| thread % 2 == 1, phases([reads("a").limit(8), reads("b").limit(8)])), 5);
    assert_eq!(operations.len(), 16);
    assert!(operations.iter().all(|operation| operation.process.0 % 2 == 1));
}

#[test]
fn each_thread_has_a_copy_of_its_own() {
    let operations = run(each_thread(|thread| repeat::<Register>(read(&thread.to_string())).limit(3)), 4);
    assert_eq!(operations.len(), 12);
    assert!(
        operations
            .iter()
            .all(|operation| *operation.call.key() == Key::from(&*operation.process.0.to_string()))
    );
}

#[test]
fn an_unknown_outcome_gives_each_process_a_copy_anew() {
    let each = |_| reads("a").limit(2);
    // Every call retires its process after one of its two calls, so the worker never runs out.
    let simulated = run_as(each_process(each), 2, Simulation::perfect_unknown().calls_max(100));
    assert_eq!(simulated.end, End::Limit);
    let processes: BTreeSet<_> = simulated.operations.iter().map(|operation| operation.process).collect();
    assert_eq!(processes.len(), 100);
    assert_eq!(run(each_process(each), 3).len(), 6);
}

#[test]
fn a_process_limit_ends_workers_whose_process_is_one_too_many() {
    let simulated = run_as(reads("a").process_limit(7), 3, Simulation::imperfect());
    assert_eq!(simulated.end, End::Done);
    let processes: BTreeSet<_> = simulated.operations.iter().map(|operation| operation.process).collect();
    assert_eq!(processes.len(), 7);
}

fn most_at_a_time(operations: &[Operation<Register>]) -> usize {
    let ends = |operation: &Operation<Register>| operation.ended.expect("the simulation ended by itself");
    let under_way =
        |at: Nanos| operations.iter().filter(|other| other.began <= at && at < ends(other)).count();
    operations.iter().map(|operation| under_way(operation.began)).max().unwrap_or(0)
}

#[test]
fn a_concurrency_limit_holds_at_every_moment() {
    let simulated = run_as(reads("a").concurrency_limit(3).limit(200), 10, Simulation::imperfect());
    assert_eq!((simulated.end, most_at_a_time(&simulated.operations)), (End::Done, 3));
}

#[test]
fn until_ok_goes_on_after_failures_and_ends_with_a_success() {
    for seed in 0..20 {
        let simulated = run_as(reads("a").until_ok(), 1, Simulation::imperfect().seed(seed));
        assert_eq!(simulated.end, End::Done);
        let (last, others) = simulated.operations.split_last().expect("at least one");
        assert!(matches!(last.outcome, Outcome::Ok(_)));
        assert!(others.iter().all(|operation| !matches!(operation.outcome, Outcome::Ok(_))));
    }
}

/// The successes of a neighbour are not its own.
#[test]
fn until_ok_in_a_mix_hears_only_of_its_own_calls() {
    let own = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&own);
    let watched = reads("a").on_update(move |_, _, event| {
        if let Event::Completed { operation, .. } = event {
            assert_eq!(*operation.call.key(), Key::from("a"));
            *counted.lock().expect("no panic") += 1;
        }
    });
    let operations = run(mix([watched.limit(30).boxed(), reads("b").limit(30).boxed()], rng(5, "u", 0)), 4);
    assert_eq!((operations.len(), *own.lock().expect("no panic")), (60, 30));
}

#[test]
fn a_phase_begins_when_everything_before_it_has_ended() {
    for seed in 0..20 {
        let parts = ["a", "b", "c"].map(|key| reads(key).limit(20));
        let simulated = run_as(phases(parts), 5, Simulation::imperfect().seed(seed));
        assert_eq!((simulated.end, simulated.operations.len()), (End::Done, 60));
        for pair in [("a", "b"), ("b", "c")] {
            let of = |key: &str| {
                let key = Key::from(key);
                simulated.operations.iter().filter(move |operation| *operation.call.key() == key)
            };
            let ended = of(pair.0).filter_map(|operation| operation.ended).max();
            let began = of(pair.1).map(|operation| operation.began).min();
            assert!(ended <= began, "{pair:?}");
        }
    }
}

/// Where the last worker to arrive has nothing in the next phase, no completion would wake the others.
#[test]
fn a_barrier_wakes_workers_though_no_call_completes() {
    for worker in 0..3 {
        let only = on_threads(move |thread| thread == worker, call::<Register>(read("b")));
        let operations =
            run(phases([call::<Register>(read("a")).boxed(), only.boxed(), reads("c").limit(9).boxed()]), 3);
        assert_eq!(operations.len(), 11);
    }
}

#[test]
fn barriers_hold_when_every_process_crashes() {
    let parts = ["a", "b"].map(|key| each_thread(move |_| reads(key).limit(3)));
    let simulated = run_as(phases(parts), 4, Simulation::perfect_unknown());
    assert_eq!((simulated.end, simulated.operations.len()), (End::Done, 24));
}

#[test]
fn synchronize_waits_for_the_calls_under_way() {
    let slow = Simulation { latency: 1..=1_000, ..Simulation::perfect() };
    let simulated = run_as(reads("a").limit(7).then(reads("b").limit(5).synchronize()), 4, slow);
    let first_b = simulated.operations.iter().position(|operation| *operation.call.key() == Key::from("b"));
    let first_b = &simulated.operations[first_b.expect("there are five")];
    let before = simulated.operations.iter().filter(|operation| *operation.call.key() == Key::from("a"));
    assert!(before.filter_map(|operation| operation.ended).all(|ended| ended <= first_b.began));
    assert_eq!(simulated.end, End::Done);
}

#[test]
fn then_in_order_and_cycle_go_on_where_the_one_before_ended() {
    assert_eq!(keys(&run(reads("a").limit(2).then(reads("b").limit(1)), 1)), ["a", "a", "b"]);
    assert_eq!(keys(&run(in_order(["a", "b"].map(|key| reads(key).once())), 1)), ["a", "b"]);
    let rounds = cycle(|round| repeat::<Register>(read(&round.to_string())).limit(2)).limit(5);
    assert_eq!(keys(&run(rounds, 1)), ["0", "0", "1", "1", "2"]);
}

#[test]
fn sequential_keys_come_one_after_another() {
    let names = (0..30).map(|key: i64| Key::from(key));
    let operations =
        run(independent::sequential(names, |key| repeat::<Register>(Call::Read(key)).limit(10)), 3);
    assert_eq!(operations.len(), 300);
    let order: Vec<_> = operations.iter().map(|operation| operation.call.key().clone()).collect();
    assert!(order.is_sorted());
}

#[test]
fn each_group_of_workers_has_a_key_of_its_own() {
    let names = (0..40).map(|key: i64| Key::from(key));
    let simulated = run_as(
        independent::concurrent(3, names, |key| repeat::<Register>(Call::Read(key)).limit(10)),
        8,
        Simulation { latency: 1..=20, ..Simulation::perfect() },
    );
    assert_eq!((simulated.end, simulated.operations.len()), (End::Done, 400));
    let mut groups: BTreeMap<Key, BTreeSet<u32>> = BTreeMap::new();
    for operation in &simulated.operations {
        groups.entry(operation.call.key().clone()).or_default().insert(operation.process.0 / 3);
    }
    assert_eq!(groups.len(), 40);
    assert!(groups.values().all(|groups| groups.len() == 1), "no two groups share a key");
    assert_eq!(groups.values().flatten().collect::<BTreeSet<_>>().len(), 3, "every group has had some");
}

#[test]
fn map_and_filter_change_what_passes() {
    let mut next = 0;
    let numbers = calls::<Register, _>(move |_: &Context| {
        next += 1;
        Call::Write(Key::from("a"), Value::Int(next))
    });
    let even = numbers.filter(|call| matches!(call, Call::Write(_, Value::Int(value)) if value % 2 == 0));
    let renamed = even.map(|call| match call {
        Call::Write(_, value) => Call::Write(Key::from("b"), value),
        other => other,
    });
    let operations = run(renamed.limit(3), 1);
    let expected = [2, 4, 6].map(|value| Call::Write(Key::from("b"), Value::Int(value)));
    assert_eq!(operations.into_iter().map(|operation| operation.call).collect::<Vec<_>>(), expected);
    // One that keeps nothing makes no call, and hangs nothing.
    let none = reads("a").filter(|_| false).time_limit(Duration::from_millis(5));
    assert_eq!(run(none, 2).len(), 0);
}

#[test]
fn trace_and_log_write_through_their_sinks() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let (traced, logged) = (Arc::clone(&lines), Arc::clone(&lines));
    let first = call::<Register>(read("a"))
        .trace(move |line: std::fmt::Arguments<'_>| traced.lock().expect("no panic").push(line.to_string()));
    let last = log("over", move |message: &str| logged.lock().expect("no panic").push(message.to_owned()));
    run(phases([first.boxed(), last.boxed()]), 1);
    let expected = [
        "0.000 s worker 0 (p0, 0 busy): read a",
        "0.000 s worker 0 invoked read a",
        "0.000 s worker 0 completed read a: ok",
        "0.000 s worker 0: done",
        "over",
    ];
    assert_eq!(*lines.lock().expect("no panic"), expected);
}
