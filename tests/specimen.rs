//! The built-in specimen with every workload, on real clusters: the healthy one is never accused, and a diseased one is caught by
//! each. Needs user namespaces (or root), and says so without.

#[path = "nodes/namespaces.rs"]
mod namespaces;

use std::{process::Command, sync::Mutex};

use namespaces::{Store, describe, skip};

/// So many clusters live at a time: each is mostly waiting.
const CLUSTERS: usize = 5;
/// The calls of a second, so that the processors have time for all of them.
const RATE: &str = "300";
/// So often a disease may be spared by chance.
const SEEDS: u64 = 3;

/// Every workload, on clusters of which size its healthy run is.
const WORKLOADS: [(&str, &str); 15] = [
    ("register", "3"),
    ("read-write", "5"),
    ("set", "7"),
    ("counter", "3"),
    ("queue", "5"),
    ("list-append", "7"),
    ("rw-register", "3"),
    ("bank", "5"),
    ("long-fork", "7"),
    ("predicate", "3"),
    ("lock", "5"),
    ("lease", "7"),
    ("ids", "3"),
    ("log", "5"),
    ("watch", "7"),
];

/// A leader that is cut off, nodes that are killed, and a leader that is stopped.
const TROUBLE: &str = r#"{"seed": 1, "faults": [
    {"at": 0.4, "lasts": 0.9, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"},
    {"at": 1.7, "lasts": 0.2, "fault": {"kind": "kill"}, "targets": "minority"},
    {"at": 2.6, "lasts": 0.8, "fault": {"kind": "pause"}, "targets": "leader"}
]}"#;
/// A leader that is cut off for longer.
const ALONE: &str = r#"{"seed": 1, "faults": [
    {"at": 0.5, "lasts": 1.9, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"}
]}"#;
/// All nodes are killed at once.
const KILLED: &str = r#"{"seed": 1, "faults": [
    {"at": 1.5, "lasts": 0.2, "fault": {"kind": "kill"}, "targets": "all"}
]}"#;
/// The clocks of most nodes are ahead.
const AHEAD: &str = r#"{"seed": 1, "faults": [
    {"at": 0.5, "lasts": 1.9, "fault": {"kind": "clock", "offset_ms": 6000}, "targets": "majority"}
]}"#;
/// Nothing happens.
const PEACE: &str = r#"{"seed": 1, "faults": []}"#;

/// For every workload a disease and the faults that show it.
const DISEASES: [(&str, &str, &str); 15] = [
    ("register", "stale-reads-old-leader", ALONE),
    ("read-write", "ack-before-replication", ALONE),
    ("set", "stale-reads-any-node", PEACE),
    ("counter", "no-fsync", KILLED),
    ("queue", "ack-before-replication", ALONE),
    ("list-append", "dirty-reads", ALONE),
    ("rw-register", "last-write-wins", AHEAD),
    ("bank", "last-write-wins", AHEAD),
    ("long-fork", "stale-reads-any-node", PEACE),
    ("predicate", "async-primary-backup", ALONE),
    ("lock", "no-fsync", KILLED),
    ("lease", "no-fsync", KILLED),
    ("ids", "no-fsync", KILLED),
    ("log", "ack-before-replication", ALONE),
    ("watch", "no-fsync", KILLED),
];

/// One run: its exit code, and what it said. Its folder goes away unless it is needed to find out what was wrong.
fn run(name: &str, plan: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let mut store = Store::new(name);
    let output = store.test(plan, &[arguments, &["--rate", RATE]].concat());
    let code = output.status.code();
    store.is_kept = !matches!(code, Some(0 | 1)) || (code == Some(1)) != name.contains("diseased");
    let kept =
        if store.is_kept { format!("it is kept in {}", store.folder.display()) } else { String::new() };
    (code, format!("{name}: {}\n{kept}", describe(&output)))
}

/// What is wrong with a healthy run, if anything is.
fn doubt_of_health((workload, nodes): (&str, &str)) -> Option<String> {
    let arguments = ["--workload", workload, "--nodes", nodes, "--time-limit", "4", "--seed", "1"];
    let (code, said) = run(&format!("healthy-{workload}"), TROUBLE, &arguments);
    (code != Some(0)).then_some(said)
}

/// What is wrong with the runs of a disease, if anything is.
fn doubt_of_disease((workload, disease, plan): (&str, &str, &str)) -> Option<String> {
    let mut last = String::new();
    for seed in 1..=SEEDS {
        let seed = seed.to_string();
        let arguments = ["--workload", workload, "--disease", disease, "--time-limit", "3", "--seed", &seed];
        let (code, said) = run(&format!("diseased-{workload}-{seed}"), plan, &arguments);
        match code {
            Some(1) => return None,
            Some(0 | 2) => println!("{workload} did not catch {disease} with seed {seed}"),
            _ => return Some(said),
        }
        last = said;
    }
    Some(last)
}

/// What is wrong with each row, a few clusters at a time.
fn doubts<R: Copy + Send + Sync>(rows: &[R], doubt: impl Fn(R) -> Option<String> + Sync) -> Vec<String> {
    let rows = Mutex::new(rows.iter().copied());
    let doubts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..CLUSTERS {
            scope.spawn(|| {
                loop {
                    let row = rows.lock().expect("no row panics while it is taken").next();
                    let Some(row) = row else { break };
                    doubts.lock().expect("no doubt panics").extend(doubt(row));
                }
            });
        }
    });
    doubts.into_inner().expect("no doubt panics")
}

#[test]
fn the_specimen_speaks_to_every_workload() {
    let listed = Command::new(env!("CARGO_BIN_EXE_disprove"))
        .args(["list", "workloads", "--output", "json"])
        .output()
        .expect("the program starts");
    let listed: serde_json::Value = serde_json::from_slice(&listed.stdout).expect("a list is JSON");
    let listed = listed.as_array().expect("there are several");
    let names: Vec<_> = listed.iter().filter_map(|entry| entry["name"].as_str()).collect();
    assert_eq!(names, WORKLOADS.map(|(name, _)| name));
    assert_eq!(names, DISEASES.map(|(name, ..)| name));
    for entry in listed {
        let databases = entry["goes_with"].as_array().expect("what it goes with");
        assert!(databases.iter().any(|name| name == "specimen"), "{entry}");
    }
}

#[test]
fn the_healthy_specimen_passes_and_a_diseased_one_is_caught_with_every_workload() {
    if skip("the specimen with every workload") {
        return;
    }
    assert_eq!(doubts(&WORKLOADS, doubt_of_health), [""; 0], "the healthy specimen");
    assert_eq!(doubts(&DISEASES, doubt_of_disease), [""; 0], "the diseased specimen");
}
