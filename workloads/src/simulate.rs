//! Runs a generator without a cluster, in virtual time: the same seed gives the same operations.

use std::{cmp::Reverse, collections::BinaryHeap, ops::RangeInclusive};

use history::{Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason, Vocabulary};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{Context, Event, Generator, Step, streams};

pub mod answers;

/// How calls go in a simulation.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// How long a call takes, in nanoseconds: uniform between these.
    pub latency: RangeInclusive<u64>,
    /// Of all calls, the shares that end `Ok`, `Fail` and `Unknown`, in any unit.
    pub shares: [u32; 3],
    /// The seed of latencies and outcomes.
    pub seed: u64,
    /// How many nodes; worker i talks to node i modulo this.
    pub nodes: u16,
    /// When the simulation stops by itself.
    pub time_max: Nanos,
    /// After how many calls it stops by itself.
    pub calls_max: usize,
}

impl Simulation {
    /// Every call is `Ok` after 10 ns.
    pub fn perfect() -> Self {
        Self {
            latency: 10..=10,
            shares: [1, 0, 0],
            seed: 0,
            nodes: 5,
            time_max: Nanos(u64::MAX),
            calls_max: 100_000,
        }
    }

    /// Every call is `Unknown` after 10 ns.
    pub fn perfect_unknown() -> Self {
        Self { shares: [0, 0, 1], ..Self::perfect() }
    }

    /// Calls take up to 20 ns and end in every way, each as likely.
    pub fn imperfect() -> Self {
        Self { latency: 1..=20, shares: [1, 1, 1], ..Self::perfect() }
    }

    /// Like a cluster on a good day: 100 µs to 5 ms, nearly always `Ok`.
    pub fn realistic() -> Self {
        Self { latency: 100_000..=5_000_000, shares: [97, 1, 2], ..Self::perfect() }
    }

    /// The same with this seed.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// The same, stopped after this many calls.
    pub fn calls_max(self, calls_max: usize) -> Self {
        Self { calls_max, ..self }
    }

    /// The same, stopped at this time.
    pub fn time_max(self, time_max: Nanos) -> Self {
        Self { time_max, ..self }
    }
}

/// How a simulation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The generator was done for every worker.
    Done,
    /// A limit of the simulation was hit.
    Limit,
    /// Workers were told to wait for a completion, and no call was under way: a real run would hang.
    Stuck,
}

/// What came of a simulation.
#[derive(Debug)]
pub struct Simulated<V: Vocabulary> {
    /// Every operation, in the order they began. A call under way at the end is `Unknown` and never ended.
    pub operations: Vec<Operation<V>>,
    /// How it ended.
    pub end: End,
}

/// Runs a generator with so many workers. `answer` says what an `Ok` call returns; it is asked as the call completes.
pub fn simulate<V: Vocabulary>(
    generator: &mut dyn Generator<V>,
    threads: usize,
    simulation: &Simulation,
    answer: impl FnMut(&V::Call) -> V::Return,
) -> Simulated<V> {
    let mut machine = Machine {
        generator,
        simulation,
        answer,
        rng: streams::rng(simulation.seed, "simulation", 0),
        workers: (0..threads).map(|thread| Worker { process: thread as u32, state: State::Free }).collect(),
        processes: threads as u32,
        busy: 0,
        now: Nanos(0),
        wakes: BinaryHeap::new(),
        operations: Vec::new(),
    };
    let end = machine.run();
    Simulated { operations: machine.operations, end }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    Waiting(Nanos),
    Pending,
    /// The operation under way, by its place, and when it completes.
    Busy(usize, Nanos),
    Done,
}

#[derive(Debug)]
struct Worker {
    process: u32,
    state: State,
}

struct Machine<'a, V: Vocabulary, A> {
    generator: &'a mut dyn Generator<V>,
    simulation: &'a Simulation,
    answer: A,
    rng: ChaCha8Rng,
    workers: Vec<Worker>,
    /// How many processes there have been.
    processes: u32,
    busy: usize,
    now: Nanos,
    /// When which worker completes or looks again. What a worker no longer waits for is passed over.
    wakes: BinaryHeap<Reverse<(Nanos, usize)>>,
    operations: Vec<Operation<V>>,
}

impl<V: Vocabulary, A: FnMut(&V::Call) -> V::Return> Machine<'_, V, A> {
    fn run(&mut self) -> End {
        loop {
            if !self.ask_all() {
                return End::Limit;
            }
            let Some(Reverse((time, thread))) = self.wakes.pop() else {
                let is_done = self.workers.iter().all(|worker| worker.state == State::Done);
                return if is_done { End::Done } else { End::Stuck };
            };
            if time > self.simulation.time_max {
                return End::Limit;
            }
            self.wake(time, thread);
            // All that happens at one time happens before anybody asks: otherwise the worker with the smallest number
            // would have every call that several wait for.
            while let Some(Reverse((same, thread))) = self.wakes.peek().copied()
                && same == time
            {
                self.wakes.pop();
                self.wake(time, thread);
            }
        }
    }

    fn wake(&mut self, time: Nanos, thread: usize) {
        match self.workers[thread].state {
            State::Busy(place, until) if until == time => {
                self.now = time;
                self.complete(thread, place);
            }
            State::Waiting(until) if until <= time => {
                self.now = time.max(self.now);
                self.workers[thread].state = State::Free;
            }
            // A time that it no longer waits for.
            _ => {}
        }
    }

    /// Lets every free worker ask, from a random one on. False when a limit was hit.
    fn ask_all(&mut self) -> bool {
        let threads = self.workers.len();
        let first = if threads > 1 { self.rng.random_range(0..threads) } else { 0 };
        for offset in 0..threads {
            let thread = (first + offset) % threads;
            if self.workers[thread].state == State::Free {
                if self.operations.len() == self.simulation.calls_max {
                    return false;
                }
                self.ask(thread);
            }
        }
        true
    }

    fn context(&self, thread: usize) -> Context {
        Context {
            thread,
            process: Process(self.workers[thread].process),
            threads: self.workers.len(),
            busy: self.busy,
            now: self.now,
        }
    }

    fn ask(&mut self, thread: usize) {
        let step = self.generator.next(&self.context(thread));
        self.workers[thread].state = match step {
            Step::Call(call) => return self.invoke(thread, call),
            Step::Wait(until) => {
                // A time that has come is taken as the next moment, so that time goes on.
                let until = until.max(Nanos(self.now.0 + 1));
                self.wakes.push(Reverse((until, thread)));
                State::Waiting(until)
            }
            Step::Pending => State::Pending,
            Step::Done => State::Done,
        };
    }

    fn invoke(&mut self, thread: usize, call: V::Call) {
        self.busy += 1;
        let context = self.context(thread);
        let event = Event::Invoked { thread, process: context.process, call: &call };
        self.generator.update(&context, &event);
        let latency = self.rng.random_range(self.simulation.latency.clone()).max(1);
        let until = Nanos(self.now.0 + latency);
        self.wakes.push(Reverse((until, thread)));
        self.workers[thread].state = State::Busy(self.operations.len(), until);
        self.operations.push(Operation {
            index: OpIndex(self.operations.len() as u32),
            process: context.process,
            node: NodeId((thread % usize::from(self.simulation.nodes.max(1))) as u16),
            call,
            outcome: Outcome::Unknown(Reason::from("under way at the end")),
            began: self.now,
            ended: None,
        });
    }

    fn complete(&mut self, thread: usize, place: usize) {
        let [ok, fail, unknown] = self.simulation.shares;
        let draw = self.rng.random_range(0..(ok + fail + unknown).max(1));
        let operation = &mut self.operations[place];
        operation.ended = Some(self.now);
        operation.outcome = if draw < ok {
            Outcome::Ok((self.answer)(&operation.call))
        } else if draw < ok + fail {
            Outcome::Fail(Reason::from("simulated"))
        } else {
            self.workers[thread].process = self.processes;
            self.processes += 1;
            Outcome::Unknown(Reason::from("simulated"))
        };
        self.busy -= 1;
        let context = self.context(thread);
        self.generator.update(&context, &Event::Completed { thread, operation: &self.operations[place] });
        for worker in &mut self.workers {
            if matches!(worker.state, State::Waiting(_) | State::Pending) {
                worker.state = State::Free;
            }
        }
        self.workers[thread].state = State::Free;
    }
}
