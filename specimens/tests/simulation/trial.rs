//! One simulated run: clients, the faults of a default plan, and what is found.

use std::{collections::BTreeMap, time::Duration};

use checkers::{Budget, Checker, Validity, linearizability::Linearizable};
use disprove_specimens::{
    Disease,
    message::{Reply, Request, RequestId},
    store::contents::{Answer, Command},
};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};
use nemeses::{Family, Plan, PlanSpec, PlannedFault, Powers};
use rand::RngExt;

use crate::{
    replace::Wish,
    world::{Event, World},
};

const CLIENTS: usize = 10;
/// How many keys are in use at a time, and after how many calls or unknown writes one is replaced.
const KEYS: usize = 10;
const KEY_CALLS_MAX: usize = 400;
const KEY_UNKNOWN_MAX: usize = 12;
const CLIENT_PATIENCE_US: u64 = 2_000_000;
/// How long the cluster has to recover before the final reads, and how long these may take.
const SETTLE_US: u64 = 3_000_000;

struct Session {
    node: u16,
    id: RequestId,
    process: u32,
    call: Option<(Call, u64)>,
}

struct Key {
    name: i64,
    last_seen: Value,
    calls: usize,
    unknown: usize,
}

/// What a run came to.
#[derive(Debug, Default)]
pub struct Found {
    /// Broken promises of Raft itself.
    pub broken: Vec<String>,
    /// The first anomaly that clients saw.
    pub anomaly: Option<String>,
    /// Whether the checker came to an end.
    pub decided: bool,
    pub ok: usize,
    pub calls: usize,
    /// Whether all nodes were equal after everything was healed.
    pub converged: bool,
    /// How often a node left and a fresh one joined in its place.
    pub replaced: usize,
}

pub struct Trial {
    pub world: World,
    pub plan: Vec<PlannedFault>,
    sessions: Vec<Session>,
    operations: Vec<Operation<Register>>,
    keys: Vec<Key>,
    finals: Vec<i64>,
    next_key: i64,
    next_value: i64,
    next_session: u64,
    processes: u32,
    ends_us: u64,
    found: Found,
    /// Whom each fault of the plan struck.
    pub struck: BTreeMap<usize, Vec<u16>>,
    /// What is wished for which node, of those that leave and join.
    pub wishes: BTreeMap<u16, Wish>,
    /// How often a node began anew.
    pub replaced: usize,
}

/// Runs a cluster under the faults of a default plan and judges what its clients saw.
pub fn run(seed: u64, disease: Disease, families: &[Family], seconds: u64) -> Found {
    run_plan(seed, disease, drawn(seed, families, seconds), seconds)
}

/// The faults of a default plan.
pub fn drawn(seed: u64, families: &[Family], seconds: u64) -> Vec<PlannedFault> {
    let duration = Duration::from_secs(seconds);
    Plan::generate(&PlanSpec::new(families.to_vec(), seed, duration, 5, Powers::every())).faults
}

/// Runs a cluster under these faults and judges what its clients saw.
pub fn run_plan(seed: u64, disease: Disease, plan: Vec<PlannedFault>, seconds: u64) -> Found {
    let mut trial = Trial {
        world: World::new(seed, 5, disease),
        plan,
        sessions: Vec::new(),
        operations: Vec::new(),
        keys: Vec::new(),
        finals: Vec::new(),
        next_key: 0,
        next_value: 0,
        next_session: 0,
        processes: 0,
        ends_us: seconds * 1_000_000,
        found: Found::default(),
        struck: BTreeMap::new(),
        wishes: BTreeMap::new(),
        replaced: 0,
    };
    trial.go();
    trial.judge()
}

impl Trial {
    fn go(&mut self) {
        for _ in 0..KEYS {
            let key = self.fresh_key();
            self.keys.push(key);
        }
        for client in 0..CLIENTS {
            let id = self.fresh_session();
            let node = (client % 5) as u16;
            self.sessions.push(Session { node, id, process: self.processes, call: None });
            // The calls begin when the cluster is ready, and the plan counts from then.
            self.world.at(START_US, Event::Wake(client));
        }
        for place in 0..self.plan.len() {
            let (begins, ends) = (self.plan[place].at, self.plan[place].ends());
            self.world.at(START_US + begins.as_micros() as u64, Event::Fault(place, true));
            self.world.at(START_US + ends.as_micros() as u64, Event::Fault(place, false));
        }
        self.ends_us += START_US;
        self.world.at(self.ends_us + 2 * SETTLE_US, Event::End);
        loop {
            match self.world.next() {
                Some(Event::End) => break,
                Some(Event::Wake(client)) => self.ask(client),
                Some(Event::Answered(id, reply)) => self.answered(id, reply),
                Some(Event::Timeout(client, call)) => self.gave_up(client, call),
                Some(Event::Manage) => self.manage(),
                Some(Event::Fault(place, begins)) => self.fault(place, begins),
                other => panic!("the world does not end and keeps its own events: {other:?}"),
            }
        }
        for client in 0..CLIENTS {
            self.end(client, None);
        }
    }

    fn judge(mut self) -> Found {
        self.found.replaced = self.replaced;
        self.found.broken = std::mem::take(&mut self.world.broken);
        let ends: Vec<_> = (0..5).filter_map(|node| self.world.status(node)).collect();
        self.found.converged =
            ends.len() == 5 && ends.windows(2).all(|pair| pair[0].digest == pair[1].digest);
        self.operations.sort_by_key(|operation| operation.began);
        for (place, operation) in self.operations.iter_mut().enumerate() {
            operation.index = OpIndex(place as u32);
        }
        let header = Header::new(Register::NAME);
        let history = History { header, operations: self.operations, faults: Vec::new(), damage: None };
        let verdict = Linearizable::default().check(&history, &Budget::new(20_000_000, 1 << 30));
        self.found.decided = verdict.validity != Validity::Unknown;
        self.found.anomaly = verdict.anomalies.first().map(|anomaly| anomaly.sentence.clone());
        self.found
    }

    fn fresh_session(&mut self) -> RequestId {
        self.next_session += 1;
        self.processes += 1;
        RequestId { session: self.next_session, sequence: 0 }
    }

    fn fresh_key(&mut self) -> Key {
        self.next_key += 1;
        Key { name: self.next_key, last_seen: Value::Nil, calls: 0, unknown: 0 }
    }

    fn draw(&mut self) -> Option<Call> {
        if self.world.now_us > self.ends_us + SETTLE_US {
            return self.finals.pop().map(|key| Call::Read(key.into()));
        }
        self.next_value += 1;
        let fresh = Value::Int(self.next_value);
        let place = self.world.rng.random_range(0..KEYS);
        if self.keys[place].calls >= KEY_CALLS_MAX || self.keys[place].unknown >= KEY_UNKNOWN_MAX {
            let key = self.fresh_key();
            self.keys[place] = key;
        }
        let key = &mut self.keys[place];
        key.calls += 1;
        Some(match self.world.rng.random_range(0..4) {
            0 | 1 => Call::Read(key.name.into()),
            2 => Call::Write(key.name.into(), fresh),
            _ => Call::Cas(key.name.into(), key.last_seen.clone(), fresh),
        })
    }

    fn ask(&mut self, client: usize) {
        let node = self.sessions[client].node;
        let rests = (self.ends_us..self.ends_us + SETTLE_US).contains(&self.world.now_us);
        if rests || !self.world.is_up(node) {
            self.world.after(100_000, Event::Wake(client));
            return;
        }
        if self.world.now_us > self.ends_us + SETTLE_US && self.finals.is_empty() && client == 0 {
            self.finals = (1..=self.next_key).collect();
        }
        let Some(call) = self.draw() else { return };
        let began_us = self.world.now_us;
        let session = &mut self.sessions[client];
        session.id.sequence += 1;
        session.call = Some((call.clone(), began_us));
        let request = Request { id: session.id, call: Command::Register(call), stamp_ns: 0, over: None };
        let id = session.id;
        self.found.calls += 1;
        self.world.after(100, Event::Ask(node, request));
        self.world.after(CLIENT_PATIENCE_US, Event::Timeout(client, id));
    }

    fn answered(&mut self, id: RequestId, reply: Reply) {
        if let Some(client) = self.sessions.iter().position(|session| session.id == id) {
            self.end(client, Some(reply));
        }
    }

    fn gave_up(&mut self, client: usize, id: RequestId) {
        if self.sessions[client].id == id {
            self.end(client, None);
        }
    }

    fn end(&mut self, client: usize, reply: Option<Reply>) {
        let Some((call, began_us)) = self.sessions[client].call.take() else { return };
        let think_us = self.world.rng.random_range(1000..16_000);
        self.world.after(think_us, Event::Wake(client));
        let outcome = match reply {
            Some(Reply::Done(Answer::Register(answer))) => Outcome::Ok(answer),
            Some(Reply::Done(other)) => panic!("a call of a register was answered with {other:?}"),
            Some(Reply::Refused(_)) => Outcome::Fail("refused".into()),
            Some(Reply::Unsure) | None => Outcome::Unknown("not answered".into()),
        };
        self.found.ok += usize::from(outcome.ok().is_some());
        let process = Process(self.sessions[client].process);
        if matches!(outcome, Outcome::Unknown(_)) {
            self.sessions[client].id = self.fresh_session();
            self.sessions[client].process = self.processes;
        }
        self.learn(&call, &outcome);
        let index = OpIndex(0);
        let node = NodeId(self.sessions[client].node);
        let (began, ended) = (Nanos(began_us * 1000), Some(Nanos(self.world.now_us * 1000)));
        self.operations.push(Operation { index, process, node, call, outcome, began, ended });
    }

    fn learn(&mut self, call: &Call, outcome: &Outcome<Return>) {
        let Some(key) = self.keys.iter_mut().find(|key| *call.key() == Value::Int(key.name)) else { return };
        match (call, outcome) {
            (Call::Read(_), Outcome::Ok(Return::Value(Some(value)))) => key.last_seen = value.clone(),
            (Call::Write(_, value), Outcome::Ok(_)) => key.last_seen = value.clone(),
            (Call::Cas(_, _, value), Outcome::Ok(Return::Swapped)) => key.last_seen = value.clone(),
            (Call::Write(..) | Call::Cas(..), Outcome::Unknown(_)) => key.unknown += 1,
            _ => {}
        }
    }

    /// The connections to a node break when its process ends.
    pub fn hang_up(&mut self, node: u16) {
        for client in 0..CLIENTS {
            if self.sessions[client].node == node {
                self.end(client, None);
                self.sessions[client].id = self.fresh_session();
                self.sessions[client].process = self.processes;
            }
        }
    }
}

/// When the calls begin: the cluster has a leader by then.
const START_US: u64 = 1_500_000;
