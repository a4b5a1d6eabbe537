//! Speed and memory of judging transactions.
//!
//! `cargo bench -p disprove-checkers --bench transactions -- FILE list-append|rw-register MODELS [wfr,sequential,linearizable]`
//! judges a file and prints what reading and judging took. Without arguments it makes histories of its own.
//!
//! Peak memory and CPU time are the process's own, from Linux's /proc; elsewhere they are left out.

use std::{env, fs, path::Path, time::Instant};

use disprove_checkers::{Budget, Checker, Model, Transactions, Verdict, VersionOrder};
use history::import::{AnyHistory, read_any};

/// User and system seconds so far, and the most memory held.
fn spent() -> (f64, f64, u64) {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks =
        |place: usize| fields.get(place).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0) / 100.0;
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0);
    (ticks(11), ticks(12), kib >> 10)
}

fn order(names: &str) -> VersionOrder {
    VersionOrder {
        wfr: names.contains("wfr"),
        sequential: names.contains("sequential"),
        linearizable: names.contains("linearizable"),
        given: names.contains("given"),
    }
}

fn judge(history: &AnyHistory, models: &str, order: VersionOrder) -> Verdict {
    let models = models.split(',').map(|name| Model::named(name).expect("a model of the lattice")).collect();
    let checker = Transactions::new(models, order);
    match history {
        AnyHistory::ListAppend(history) => checker.check(history, &Budget::default()),
        AnyHistory::RwRegister(history) => checker.check(history, &Budget::default()),
        other => panic!("{} is no vocabulary of transactions", other.header().vocabulary),
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let [file, vocabulary, models, rest @ ..] = arguments.as_slice() else {
        println!("usage: FILE VOCABULARY MODELS [VERSION-ORDER]");
        return;
    };
    let order = order(rest.first().map_or("", String::as_str));
    let begun = Instant::now();
    let history = read_any(Path::new(file), None, Some(vocabulary), None).expect("the history can be read");
    let (user, system, _) = spent();
    println!(
        "read {} operations: {:.3} s, {user:.2} user, {system:.2} system",
        history.len(),
        begun.elapsed().as_secs_f64()
    );
    let judging = Instant::now();
    let verdict = judge(&history, models, order);
    let took = judging.elapsed().as_secs_f64();
    let (all, system, peak) = spent();
    println!("judged in {took:.3} s, {:.2} user", all - user);
    println!("{models}: {:?}, {} anomalies, {:?}", verdict.validity, verdict.anomalies.len(), verdict.notes);
    println!("in all {all:.2} user, {system:.2} system, peak {peak} MiB");
}
