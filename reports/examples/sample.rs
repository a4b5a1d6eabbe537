//! A made-up run with one stale read: a register on five nodes, with partitions and kills. Shared by the example and
//! the tests, so that what is looked at is what is tested.

use checkers::{Anomaly, Placement, Validity, Verdict};
use disprove_reports::{Fact, Findings, Phase, Run};
use history::{
    FaultId, FaultRecord, FaultState, Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process,
    vocabulary::{
        Vocabulary,
        register::{Call, Register, Return},
    },
};

/// A small linear congruential generator: the sample only has to look alive and be the same every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}

/// A history of so many operations over 20 s with six faults.
pub fn history(operations: usize) -> History<Register> {
    let mut dice = Dice(42);
    let faults = faults();
    let step = 20_000_000_000 / operations.max(1) as u64;
    let mut processes: Vec<u32> = (0..10).collect();
    let mut next_process = 10;
    let mut values = [0i64; 8];
    let mut list = Vec::with_capacity(operations);
    for place in 0..operations {
        let began = place as u64 * step + dice.roll(step.max(1));
        let worker = dice.roll(10) as usize;
        let node = (worker % 5) as u16;
        let struck = faults.iter().any(|fault| {
            fault.began.0 <= began && fault.ended.is_none_or(|e| e.0 > began) && dice.roll(3) == 0
        });
        let key = dice.roll(8) as usize;
        let name = history::Value::Text(format!("x{key}").into());
        let took = 400_000 + dice.roll(900_000) + if struck { 30_000_000 * (1 + dice.roll(12)) } else { 0 };
        let (call, answer) = match dice.roll(10) {
            0..5 => (Call::Read(name), Return::Value(Some(values[key].into()))),
            5..9 => {
                values[key] += 1;
                (Call::Write(name, values[key].into()), Return::Written)
            }
            _ => (Call::Cas(name, values[key].into(), (values[key] + 1).into()), Return::Refused),
        };
        let process = Process(processes[worker]);
        let outcome = match (struck, dice.roll(4)) {
            (true, 0 | 1) => Outcome::Unknown("timed out after 5 s".into()),
            (true, 2) => Outcome::Fail("connection refused".into()),
            _ => Outcome::Ok(answer),
        };
        if matches!(outcome, Outcome::Unknown(_)) {
            processes[worker] = next_process;
            next_process += 1;
        }
        list.push(Operation {
            index: OpIndex(0),
            process,
            node: NodeId(node),
            call,
            outcome,
            began: Nanos(began),
            ended: Some(Nanos(began + took)),
        });
    }
    plant_stale_read(&mut list);
    list.sort_by_key(|operation| operation.began);
    for (place, operation) in list.iter_mut().enumerate() {
        operation.index = OpIndex(place as u32);
    }
    let mut header = Header::new(Register::NAME);
    header.nodes = (1..=5).map(|n| format!("n{n}")).collect();
    header.model = Some("linearizable".into());
    header.seed = 42;
    History { header, operations: list, faults, damage: None }
}

fn faults() -> Vec<FaultRecord> {
    let fault =
        |id: u32, family: &str, what: &str, node: &str, from: u64, until: Option<u64>, evidence: &str| {
            FaultRecord {
                id: FaultId(id),
                family: family.into(),
                description: what.into(),
                nodes: vec![node.into()],
                began: Nanos(from * 1_000_000),
                ended: until.map(|until| Nanos(until * 1_000_000)),
                state: if id == 4 { FaultState::Skipped } else { FaultState::Installed },
                evidence: evidence.into(),
            }
        };
    vec![
        fault(
            0,
            "partition",
            "cut n3 (leader) off from everybody",
            "n3",
            2_000,
            Some(4_100),
            "the switch dropped 412 packets from n3 and 397 to it",
        ),
        fault(
            1,
            "kill",
            "killed n1",
            "n1",
            5_500,
            Some(7_000),
            "process 812 ended by signal 9; started again as 951",
        ),
        fault(
            2,
            "partition",
            "halves: n1 n2 | n3 n4 n5",
            "n1",
            9_200,
            Some(12_400),
            "the switch dropped 1,204 packets between the halves",
        ),
        fault(3, "pause", "paused n4", "n4", 10_100, Some(11_700), "state T in /proc for 1.6 s"),
        fault(4, "link", "no link to make lossy", "n2", 13_000, Some(13_000), "no packet had been seen"),
        fault(
            5,
            "link",
            "30 % loss between n2 and n5",
            "n2",
            15_000,
            Some(18_200),
            "the switch lost 311 of 1,022 packets",
        ),
    ]
}

const KEY: &str = "account";

/// The planted story, on a key of its own: two writes, of which a later read has seen only the first.
fn plant_stale_read(list: &mut Vec<Operation<Register>>) {
    let mut add = |process: u32, node: u16, call: Call, outcome: Outcome<Return>, began: u64, took: u64| {
        list.push(Operation {
            index: OpIndex(0),
            process: Process(process),
            node: NodeId(node),
            call,
            outcome,
            began: Nanos(began * 1_000),
            ended: Some(Nanos((began + took) * 1_000)),
        });
    };
    let write = |value: i64| Call::Write(KEY.into(), value.into());
    let read = || Call::Read(KEY.into());
    let saw = |value: i64| Outcome::Ok(Return::Value(Some(value.into())));
    add(9001, 2, write(3), Outcome::Ok(Return::Written), 2_150_000, 1_300);
    add(9002, 0, write(4), Outcome::Ok(Return::Written), 3_310_000, 2_100);
    add(9003, 1, write(5), Outcome::Unknown("timed out after 5 s".into()), 3_311_000, 5_000_000);
    add(9004, 4, read(), saw(4), 3_312_500, 900);
    add(9005, 3, Call::Cas(KEY.into(), 9.into(), 6.into()), Outcome::Ok(Return::Refused), 3_313_000, 1_400);
    add(9006, 0, read(), saw(4), 3_900_000, 700);
    add(9001, 2, read(), saw(3), 4_512_000, 800);
}

/// The findings of such a history with its stale read proven.
pub fn findings(operations: usize) -> Findings {
    judged(history(operations))
}

/// The findings of such a history, which may have been changed elsewhere.
pub fn judged(history: History<Register>) -> Findings {
    let planted: Vec<OpIndex> = history
        .operations
        .iter()
        .filter(|operation| operation.call.key() == &KEY.into())
        .map(|operation| operation.index)
        .collect();
    let states = ["3", "4", "4", "4", "4"];
    let order = [planted[0], planted[1], planted[3], planted[4], planted[5]];
    let placed = order.into_iter().zip(states).map(|(operation, state)| Placement {
        operation,
        state: Some(format!("account = {state}")),
        refusal: None,
    });
    let refused = Placement {
        operation: planted[6],
        state: None,
        refusal: Some(
            "returned 3, but account = 4 since #WRITE was acknowledged 1.2 s earlier"
                .replace("WRITE", &planted[1].0.to_string()),
        ),
    };
    let anomaly = Anomaly {
        kind: "stale-read".into(),
        sentence: format!(
            "A read of account ({}, p9001 on n3) returned 3 although the later write of 4 ({}) had already been \
             acknowledged 1.2 s earlier, while n3 was cut off.",
            planted[6], planted[1]
        ),
        key: Some(KEY.into()),
        witness: vec![planted[0], planted[1], planted[6]],
        explanation: placed.chain([refused]).collect(),
        ..Anomaly::default()
    };
    let verdict = Verdict {
        checker: "linearizable".into(),
        model: "linearizable".into(),
        validity: Validity::Invalid,
        anomalies: vec![anomaly],
        notes: vec!["9 keys were judged one by one.".into()],
        operations: history.operations.len() as u64,
        ..Verdict::default()
    };
    let mut findings = Findings::from_history(run(), &history, vec![verdict]);
    let phases = [
        ("setup", 2_100),
        ("calls", 20_000),
        ("heal", 180),
        ("settle", 420),
        ("final reads", 90),
        ("teardown", 300),
    ];
    findings.phases =
        phases.map(|(name, millis)| Phase { name: name.into(), took: Nanos(millis * 1_000_000) }).to_vec();
    findings.recovery = Some(Nanos(420_000_000));
    findings.demand_evidence(true);
    findings
}

fn run() -> Run {
    Run {
        title: "register on specimen raft:stale-reads".into(),
        folder: "store/register/20261121T101500Z".into(),
        report: "store/register/20261121T101500Z/report.html".into(),
        started: "2026-11-21 10:15:00 UTC".into(),
        seed: 42,
        argv: [
            "disprove",
            "test",
            "--db",
            "raft:stale-reads",
            "--workload",
            "register",
            "--time-limit",
            "20",
        ]
        .map(String::from)
        .to_vec(),
        reproduce: "disprove test --db raft:stale-reads --workload register --time-limit 20 --seed 42".into(),
        recheck: "disprove check store/register/20261121T101500Z".into(),
        database: "raft:stale-reads".into(),
        database_version: "0.1.0".into(),
        workload: "register".into(),
        model: "linearizable".into(),
        nodes: (1..=5).map(|n| format!("n{n}")).collect(),
        environment: vec![
            Fact::new("Disprove", "0.1.0"),
            Fact::new("Kernel", "Linux 6.1"),
            Fact::new("Concurrency", "10 clients"),
            Fact::new("Faults asked for", "partition, kill, pause, link"),
        ],
    }
}
