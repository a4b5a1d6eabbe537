//! What holds for every composition: same seed, same calls; every limited generator ends; no worker starves.

use std::{collections::BTreeMap, time::Duration};

use disprove_workloads::{
    Combine, Generator, any, cycle, cycle_times, each_process, each_thread, flip_flop, mix, on_threads,
    phases, repeat, reserve,
    simulate::{End, Simulated, Simulation, answers::Registers, simulate},
    sleep,
    streams::rng,
};
use history::{
    Key, Nanos,
    vocabulary::{Register, register::Call},
};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

type Boxed = Box<dyn Generator<Register>>;

/// A random composition that ends by itself.
fn composed(depth: usize, rng: &mut ChaCha8Rng) -> Boxed {
    let key = Key::Int(rng.random_range(0..5));
    let few = rng.random_range(1..20_u64);
    if depth == 0 {
        return repeat::<Register>(Call::Read(key)).limit(few).boxed();
    }
    let seed = rng.random();
    let mut part = || composed(depth - 1, rng);
    match seed % 17_u64 {
        0 => mix([part(), part()], streams(seed)).boxed(),
        1 => any([part(), part(), part()], streams(seed)).boxed(),
        2 => flip_flop(part(), part()).boxed(),
        3 => phases([part(), part(), part()]).boxed(),
        4 => part().then(part()).boxed(),
        5 => part().synchronize().boxed(),
        6 => reserve([(1, part()), (2, part())], part()).boxed(),
        7 => on_threads(move |thread| thread % 2 == (seed >> 8) as usize % 2, part()).boxed(),
        8 => part().stagger(1e6, streams(seed)).boxed(),
        9 => part().delay(Duration::from_nanos(500)).boxed(),
        10 => part().time_limit(Duration::from_micros(20)).boxed(),
        11 => part().concurrency_limit(1).boxed(),
        12 => part().until_ok().boxed(),
        13 => sleep(Duration::from_nanos(70)).then(part()).boxed(),
        14 => {
            // Periods differ by depth: one cycle inside another of the same period only ever sees half of its own
            // turns.
            let turn = |shift: u32| Duration::from_nanos(60 + 200 * depth as u64 + (seed >> shift) % 97);
            cycle_times([(turn(8), part()), (turn(24), part())]).boxed()
        }
        15 => each_thread(move |thread| repeat::<Register>(Call::Read(Key::Int(thread as i64))).limit(few))
            .boxed(),
        _ => cycle(move |round| repeat::<Register>(Call::Read(Key::Int(round as i64))).limit(few))
            .limit(3 * few)
            .boxed(),
    }
}

fn streams(seed: u64) -> ChaCha8Rng {
    rng(seed, "properties", 0)
}

fn outcome(seed: u64, threads: usize) -> Simulated<Register> {
    let mut composing = rng(seed, "composition", 0);
    let depth = composing.random_range(0..5);
    let mut generator = composed(depth, &mut composing);
    let mut registers = Registers::default();
    let simulation = Simulation::imperfect().seed(seed).calls_max(1_000_000).time_max(Nanos(100_000_000));
    simulate(&mut generator, threads, &simulation, |call| registers.answer(call))
}

#[test]
fn every_composition_of_ending_generators_ends() {
    for seed in 0..3_000 {
        let threads = 1 + seed as usize % 7;
        assert_eq!(outcome(seed, threads).end, End::Done, "seed {seed} with {threads} workers");
    }
}

#[test]
fn the_same_seed_makes_the_same_operations() {
    for seed in 0..200 {
        assert_eq!(outcome(seed, 5).operations, outcome(seed, 5).operations, "seed {seed}");
    }
}

#[test]
fn no_worker_starves() {
    let endless = || {
        let reads = |key: i64| repeat::<Register>(Call::Read(Key::Int(key)));
        [
            reads(1).boxed(),
            mix([reads(1), reads(2)], rng(1, "a", 0)).boxed(),
            reads(1).stagger(1e7, rng(1, "b", 0)).boxed(),
            reads(1).delay(Duration::from_nanos(30)).boxed(),
            reads(1).concurrency_limit(2).boxed(),
            flip_flop(reads(1), reads(2)).boxed(),
            each_process(move |_| reads(1)).boxed(),
            reserve([(2, reads(1))], reads(2)).boxed(),
            cycle(move |round| reads(round as i64).limit(5)).boxed(),
        ]
    };
    for (place, mut generator) in endless().into_iter().enumerate() {
        let mut registers = Registers::default();
        let simulation = Simulation { shares: [1, 0, 0], ..Simulation::imperfect() }.calls_max(5_000);
        let simulated = simulate(&mut generator, 5, &simulation, |call| registers.answer(call));
        let mut calls: BTreeMap<u32, usize> = BTreeMap::new();
        for operation in &simulated.operations {
            *calls.entry(operation.process.0).or_default() += 1;
        }
        assert_eq!(calls.len(), 5, "generator {place}: {calls:?}");
        assert!(calls.values().all(|count| *count > 500), "generator {place}: {calls:?}");
    }
}
