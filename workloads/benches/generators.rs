//! What the generator costs the runner for each call: one question and two events, through a trait object.
//!
//! Run with `cargo bench -p disprove-workloads`.

use std::{hint::black_box, time::Instant};

use disprove_workloads::{Context, Event, Generator, Options, RegisterWorkload, Step, Workload};
use history::{
    Nanos, NodeId, OpIndex, Operation, Outcome, Process,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

const CALLS: u64 = 2_000_000;
const THREADS: usize = 10;

fn main() {
    for (name, keys, rate) in [
        ("register, 5 keys", 5, None),
        ("register, 100 keys", 100, None),
        ("register, staggered", 5, Some(1e9)),
    ] {
        let options = Options {
            threads: THREADS,
            nodes: 5,
            keys,
            rate,
            seed: 7,
            run_id: "bench".into(),
            model: "linearizable".into(),
        };
        let mut generator = RegisterWorkload::default().generator(&options);
        // Once to warm up, and the best of three, since other work on the machine only ever adds.
        let best = (0..4).map(|_| nanos_per_call(&mut *generator)).skip(1).fold(f64::INFINITY, f64::min);
        println!("{name}: {best:.0} ns per call");
    }
}

fn nanos_per_call(generator: &mut dyn Generator<Register>) -> f64 {
    let began = Instant::now();
    let mut made = 0;
    let mut now = 0;
    while made < CALLS {
        let thread = (made % THREADS as u64) as usize;
        let process = Process(thread as u32);
        let mut context = Context { thread, process, threads: THREADS, busy: 0, now: Nanos(now) };
        // Longer than the largest distance of the stagger, so that no question is answered with a wait.
        now += 3;
        let Step::Call(call) = generator.next(&context) else { continue };
        context.busy = 1;
        generator.update(&context, &Event::Invoked { thread, process, call: &call });
        let returned = match &call {
            Call::Read(_) => Return::Value(None),
            Call::Write(..) => Return::Written,
            Call::Cas(..) => Return::Swapped,
        };
        let operation = Operation {
            index: OpIndex(0),
            process,
            node: NodeId(0),
            call,
            outcome: Outcome::Ok(returned),
            began: Nanos(now),
            ended: Some(Nanos(now)),
        };
        generator.update(&context, &Event::Completed { thread, operation: &operation });
        black_box(operation);
        made += 1;
    }
    began.elapsed().as_nanos() as f64 / CALLS as f64
}
