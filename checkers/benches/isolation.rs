//! How long the levels of isolation take, reading counted, and how much memory, beside the figures of their peers:
//! `cargo bench -p disprove-checkers --bench isolation`.
//!
//! Every case runs in a process of its own. The recorded histories are read from the folder that `DISPROVE_HISTORIES`
//! names and left out without it; the others are simulated here and written as plume text first.

#[path = "../tests/isolation_simulated/database.rs"]
mod database;

use std::{
    env,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use database::{Control, Plan, simulate};
use disprove_checkers::{
    Budget,
    isolation::{Level, Problem, decide},
};
use history::{
    Value,
    import::{AnyHistory, read_any},
    vocabulary::rw_register::Answer,
};

/// A case: the history, the level, and what the best peer takes for it on the same data, where it is the same.
const CASES: &[(&str, Level, &str)] = &[
    ("weak-100k", Level::StrongSessionMonotonicAtomicView, "AWDIT RC 0.36 s, 71 MB"),
    ("weak-100k", Level::StrongSessionReadAtomic, "AWDIT RA 0.48 s, 115 MB"),
    ("weak-100k", Level::CausalConvergent, "AWDIT CC 1.11 s, 269 MB"),
    ("weak-100k", Level::StrongSessionSerializable, "VeriStrong: none in 93 s, 3.9 GB"),
    ("weak-100k", Level::Serializable, "VeriStrong: none in 93 s, 3.9 GB"),
    ("blind-16k", Level::StrongSessionSerializable, "VeriStrong on BlindW 16,000: 67 s, 2.1 GB"),
    ("blind-16k", Level::Serializable, ""),
    ("blindw/chengRW-10000.txt", Level::StrongSessionSerializable, "VeriStrong 15.7 s, 1.0 GB"),
    ("blindw/chengRW-10000.txt", Level::Serializable, ""),
    ("cobra-violations/yuga-G2-b", Level::StrongSessionSerializable, "VeriStrong: none in 37 s"),
    ("cobra-violations/yuga-G2-b", Level::Serializable, ""),
    ("generated/si_hot_5k.txt", Level::StrongSessionSnapshotIsolation, "VeriStrong: none in 22 s, 1.4 GB"),
    ("generated/ser_hot_5k.txt", Level::StrongSessionSnapshotIsolation, "VeriStrong: none in 38 s, 2.5 GB"),
    ("generated/si_hot_5k.txt", Level::StrongSessionSerializable, "VeriStrong 6.7 s, 405 MB"),
    ("generated/ser_hot_5k.txt", Level::StrongSessionSerializable, "VeriStrong 16.7 s, 678 MB"),
];

fn main() {
    let arguments: Vec<String> = env::args().collect();
    if let [_, path, level] = arguments.as_slice()
        && let Some(level) = Level::from_name(level)
    {
        run(Path::new(path), level);
        return;
    }
    let folder = env::temp_dir().join(format!("disprove-isolation-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder for the simulated histories");
    for (name, sessions, transactions, keys) in
        [("weak-100k", 50, 100_000, 50_000), ("blind-16k", 25, 16_000, 10_000)]
    {
        write_simulated(&folder.join(name), sessions, transactions, keys);
    }
    let recorded = env::var("DISPROVE_HISTORIES").map(|folder| PathBuf::from(folder).join("isolation"));
    println!("| history | level | user s | peak MB | verdict | peer |\n|---|---|---|---|---|---|");
    for (name, level, peer) in CASES {
        let path = match (name.contains('/'), &recorded) {
            (false, _) => folder.join(name),
            (true, Ok(recorded)) => recorded.join(name),
            (true, Err(_)) => continue,
        };
        let output = Command::new(&arguments[0])
            .args([path.as_os_str(), level.name().as_ref()])
            .output()
            .expect("the bench can start itself");
        println!("| {name} | {level} | {} | {peer} |", String::from_utf8_lossy(&output.stdout).trim());
    }
    fs::remove_dir_all(&folder).expect("the folder can be removed");
}

fn run(path: &Path, level: Level) {
    let Ok(AnyHistory::RwRegister(history)) = read_any(path, None, Some("rw-register"), None) else {
        panic!("{} is no history of read-write transactions", path.display());
    };
    let decision = decide(&Problem::of(&history), level, &Budget::default());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    let kilobytes: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap_or(0);
    let times = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The fourteenth field is user time in hundredths of a second; the name before it may contain spaces.
    let ticks = times.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(11)).unwrap_or("0");
    let seconds = ticks.parse::<f64>().unwrap_or(0.0) / 100.0;
    println!("{seconds:.2} | {} | {:?}", kilobytes >> 10, decision.validity);
}

fn write_simulated(path: &Path, sessions: usize, transactions: usize, keys: u64) {
    let plan = Plan {
        control: Control::Optimistic,
        sessions,
        transactions,
        steps: 8,
        keys,
        writes: 50,
        lost: 0,
        untimed: true,
        seed: 1,
    };
    let mut text = String::new();
    for (number, operation) in simulate(&plan).operations.iter().enumerate() {
        for answer in operation.outcome.ok().into_iter().flatten() {
            let (kind, key, value) = match answer {
                Answer::Read(key, Some(value)) => ('r', key, value),
                Answer::Read(key, None) => ('r', key, &Value::Int(0)),
                Answer::Write(key, value) => ('w', key, value),
            };
            let _ = writeln!(text, "{kind}({key},{value},{},{number})", operation.process.0);
        }
    }
    fs::write(path, text).expect("the simulated history can be written");
}
