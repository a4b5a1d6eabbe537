//! How long linearizability takes, beside what Porcupine 1.3.0 takes for the same kind of history.
//!
//! `cargo bench -p disprove-checkers --bench linearizability [FILTER]`. Every row runs in a process of its own with one
//! thread, so that its memory can be told; reading or making the history is not counted. The first figure is the
//! whole check: verdict, certificate, explanation. Recorded histories are found through `DISPROVE_HISTORIES`.

use std::{path::PathBuf, process::Command, time::Instant};

use disprove_checkers::{
    Budget, Checker, Validity, Verdict,
    datatypes::KeyValueState,
    linearizability::{Linearizable, LinearizableType},
};
use history::{
    History, Register, Value,
    import::{AnyHistory, read_any},
};

#[path = "linearizability/clients.rs"]
mod clients;
#[path = "linearizability/store.rs"]
mod store;
#[path = "linearizability/usage.rs"]
mod usage;

use clients::{Mix, Run, generate};
use usage::Usage;

/// The steps that one key may take, and the bytes of a whole check: what the command line allows by default.
const STEPS: u64 = 50_000_000;
const MEMORY: u64 = 4 << 30;

/// One line of the table.
struct Row {
    name: String,
    peer: &'static str,
    target: &'static str,
    check: Box<dyn Fn() -> Option<Measured>>,
}

fn registers(described: usize) -> Linearizable {
    let mut checker = Linearizable::default();
    checker.anomalies_max = described;
    checker
}

fn budget() -> Budget {
    Budget::new(STEPS, MEMORY)
}

/// What one row measured.
#[derive(Default)]
struct Measured {
    /// How long one check took by the clock.
    wall: f64,
    /// What of it no other thread can share.
    alone: f64,
    /// The verdict and, where it is valid, an order of the whole history.
    judged: Usage,
    /// The same, and where it is invalid the witness and the explanation.
    explained: f64,
    verdict: Verdict,
}

/// Checks without and with explanations.
fn measure(check: impl Fn(usize) -> Verdict) -> Measured {
    let (judged, wall, verdict) = repeat(|| check(0));
    let explained =
        if verdict.validity == Validity::Invalid { repeat(|| check(16)).0.seconds } else { judged.seconds };
    Measured { wall, alone: judged.alone, judged, explained, verdict }
}

/// Checks once for the memory, then often enough that a short check can be measured, and reports the mean of these.
fn repeat(check: impl Fn() -> Verdict) -> (Usage, f64, Verdict) {
    let (first, verdict) = Usage::of(&check);
    let began = Instant::now();
    let mut rounds = 0u32;
    let (all, ()) = Usage::of(|| {
        while rounds < 3 || (began.elapsed().as_secs_f64() < 0.3 && rounds < 100_000) {
            check();
            rounds += 1;
            if began.elapsed().as_secs_f64() > 5.0 {
                break;
            }
        }
    });
    let wall = began.elapsed().as_secs_f64() / f64::from(rounds);
    let each = |seconds: f64| seconds / f64::from(rounds);
    let (seconds, alone, system) = (each(all.seconds), each(all.alone), each(all.system));
    (Usage { seconds, alone, system, ..first }, wall, verdict)
}

fn synthetic(run: Run, peer: &'static str, target: &'static str) -> Row {
    let check = move || {
        let history = generate(&run);
        Some(measure(|described| registers(described).check(&history, &budget())))
    };
    Row { name: run.to_string(), peer, target, check: Box::new(check) }
}

fn recorded() -> Option<PathBuf> {
    std::env::var_os("DISPROVE_HISTORIES").map(|folder| PathBuf::from(folder).join("linearizability"))
}

fn register(path: &std::path::Path) -> History<Register> {
    match read_any(path, None, Some("register"), None::<Value>) {
        Ok(AnyHistory::Register(history)) => history,
        other => panic!("{} is read as {other:?}", path.display()),
    }
}

/// The 102 logs of etcd, each with its own figure on the way.
fn etcd() -> Row {
    let check = || {
        let folder = recorded()?.join("porcupine-etcd");
        let mut logs: Vec<_> =
            std::fs::read_dir(folder).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
        logs.sort();
        let mut sum = Measured::default();
        let mut slowest = (0.0, String::new());
        for log in &logs {
            let history = register(log);
            let measured = measure(|described| registers(described).check(&history, &budget()));
            assert_ne!(measured.verdict.validity, Validity::Unknown, "{}", log.display());
            sum.judged.seconds += measured.judged.seconds;
            sum.judged.peak = sum.judged.peak.max(measured.judged.peak);
            sum.explained += measured.explained;
            if measured.judged.seconds > slowest.0 {
                slowest = (measured.judged.seconds, log.file_name()?.to_string_lossy().into_owned());
            }
        }
        println!("    slowest of {}: {} with {:.3} ms", logs.len(), slowest.1, slowest.0 * 1e3);
        Some(sum)
    };
    Row { name: "etcd logs, all".into(), peer: "540", target: "20", check: Box::new(check) }
}

fn stored(name: &'static str, peer: &'static str, target: &'static str) -> Row {
    let check = move || {
        let path = recorded()?.join("porcupine-kv").join(name);
        let texts = store::collect(&store::read(&path), true);
        Some(measure(|described| store::check(&texts, described, &budget())))
    };
    Row { name: format!("kv {name}"), peer, target, check: Box::new(check) }
}

fn whole(name: &'static str, peer: &'static str) -> Row {
    let check = move || {
        let path = recorded()?.join("porcupine-kv").join(name);
        let texts = store::collect(&store::read(&path), false);
        Some(measure(|described| store::check(&texts, described, &budget())))
    };
    Row { name: format!("kv {name}, not by key"), peer, target: "300", check: Box::new(check) }
}

fn made(clients: u32, bad: bool, peer: &'static str, target: &'static str) -> Row {
    let check = move || {
        let texts = store::collect(&store::generate(clients, 1500, 10, bad), true);
        Some(measure(|described| store::check(&texts, described, &budget())))
    };
    let name = format!("kv like c{clients}, {}", if bad { "bad" } else { "ok" });
    Row { name, peer, target, check: Box::new(check) }
}

/// The limit of the rows that are to run into one.
const LITTLE: u64 = 256 << 20;

/// How much is held where the limit is hit. `RAYON_NUM_THREADS` says by how many threads.
fn limited(name: &str, check: impl Fn(&Budget) -> Verdict + 'static) -> Row {
    let check = move || {
        let (judged, verdict) = Usage::of(|| check(&Budget::new(u64::MAX, LITTLE)));
        println!(
            "    held {:.0} % of a limit of {} MB",
            judged.peak as f64 * 100.0 / LITTLE as f64,
            LITTLE >> 20
        );
        Some(Measured { judged, explained: judged.seconds, verdict, ..Measured::default() })
    };
    Row { name: format!("memory limit, {name}"), peer: "", target: "110 %", check: Box::new(check) }
}

fn limits() -> Vec<Row> {
    let texts = || match store::collect(&store::generate(200, 4_000, 10, false), true) {
        store::Texted::Keys(history) => history,
        store::Texted::Whole(_) => unreachable!("it is by key"),
    };
    let hard =
        Run { operations: 40_000, clients: 400, keys: 8, unknown: 10.0, bad: Some(0.9), ..Run::default() };
    vec![
        limited("general engine", move |budget| {
            LinearizableType::<KeyValueState>::new().with_anomalies_max(0).check(&texts(), budget)
        }),
        limited("registers", move |budget| registers(0).check(&generate(&hard), budget)),
    ]
}

fn rows() -> Vec<Row> {
    let cas5 = |operations, clients| Run { mix: Mix::Cas5, operations, clients, ..Run::default() };
    let unique = |operations, clients| Run { mix: Mix::Unique, ..cas5(operations, clients) };
    let swaps = |operations, clients| Run { mix: Mix::Swaps, ..cas5(operations, clients) };
    let unknown = |run: Run, percent| Run { unknown: percent, ..run };
    let bad = |run: Run, at| Run { bad: Some(at), ..run };
    let garbage = |run: Run, at| Run { bad: Some(at), garbage: true, ..run };
    let seed = |run: Run, seed| Run { seed, ..run };
    let none = "no answer";
    let mut rows = vec![
        etcd(),
        stored("c01-ok.txt", "0.07", ""),
        stored("c01-bad.txt", "0.05", ""),
        stored("c10-ok.txt", "0.84", "0.3"),
        stored("c10-bad.txt", "0.74", "0.3"),
        made(50, false, "196 (c50-ok)", "5"),
        made(50, true, "85 (c50-bad)", "5"),
        whole("c10-ok.txt", "4309"),
        whole("c10-bad.txt", "4554"),
    ];
    for operations in [1_000, 10_000, 100_000, 1_000_000] {
        rows.push(synthetic(
            unknown(unique(operations, 50), 1.0),
            none,
            if operations == 1_000_000 { "150" } else { "" },
        ));
    }
    rows.push(synthetic(bad(unknown(unique(1_000, 10), 5.0), 0.5), "64300", "0.1"));
    for operations in [10_000, 100_000, 1_000_000] {
        rows.push(synthetic(unknown(swaps(operations, 25), 1.0), "", ""));
    }
    for (operations, peer, target) in
        [(1_000, "8", ""), (10_000, "51", ""), (100_000, "2231", "150"), (1_000_000, "out of memory", "")]
    {
        rows.push(synthetic(cas5(operations, 10), peer, target));
    }
    for (operations, peer, target) in
        [(10_000, "22", ""), (100_000, "492", ""), (1_000_000, "out of memory", "500")]
    {
        rows.push(synthetic(cas5(operations, 5), peer, target));
    }
    for number in 1..=3 {
        rows.push(synthetic(
            seed(cas5(1_000, 25), number),
            ["1486", "565", "242"][number as usize - 1],
            "30",
        ));
        rows.push(synthetic(seed(garbage(cas5(1_000, 25), 0.5), number), "no answer in 20 s", "30"));
        rows.push(synthetic(seed(cas5(10_000, 25), number), "no answer, 10.7 GB", "1000"));
        rows.push(synthetic(seed(garbage(cas5(10_000, 25), 0.5), number), none, "1000"));
        rows.push(synthetic(seed(cas5(1_000, 50), number), "no answer in 103 s", "2000"));
        rows.push(synthetic(seed(garbage(cas5(1_000, 50), 0.5), number), none, "2000"));
    }
    for (percent, peer, target) in [(1.0, "21", "20"), (5.0, "13", "200")] {
        rows.push(synthetic(unknown(cas5(10_000, 5), percent), peer, target));
        rows.push(synthetic(bad(unknown(cas5(10_000, 5), percent), 0.5), none, target));
        rows.push(synthetic(garbage(unknown(cas5(10_000, 5), percent), 0.9), none, target));
    }
    rows.push(synthetic(unknown(cas5(1_000, 25), 5.0), none, ""));
    rows.push(synthetic(Run { keys: 1_000, ..cas5(1_000_000, 10) }, "", ""));
    rows.extend(limits());
    rows
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let rows = rows();
    if let [flag, number] = arguments.as_slice()
        && flag == "--row"
    {
        let row = &rows[number.parse::<usize>().expect("a row is a number")];
        let Some(measured) = (row.check)() else {
            return println!("| {} | left out: DISPROVE_HISTORIES is not set |", row.name);
        };
        let (name, peer, target) = (&row.name, row.peer, row.target);
        let (judged, explained) = (measured.judged.seconds * 1e3, measured.explained * 1e3);
        let megabytes = measured.judged.peak as f64 / 1e6;
        let limits = if measured.verdict.limits.is_empty() { "" } else { ", LIMIT" };
        return println!(
            "| {name} | {peer} | {target} | {judged:.3} | {explained:.3} | {:.3} | {:.3} | {:.3} | {megabytes:.1} | {:?}{limits} |",
            measured.judged.system * 1e3,
            measured.alone * 1e3,
            measured.wall * 1e3,
            measured.verdict.validity
        );
    }
    let program = std::env::current_exe().expect("a running program has a path");
    println!(
        "| case | porcupine 1.3.0, ms | target, ms | here, ms | with explanation | of it the kernel | unshared | wall | peak MB | verdict |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    for (number, row) in rows.iter().enumerate() {
        if arguments.iter().all(|filter| row.name.contains(filter.as_str())) {
            let mut command = Command::new(&program);
            command.args(["--row", &number.to_string()]);
            // Freed memory goes back at once, so that the next rise can be seen.
            command.env("MALLOC_MMAP_THRESHOLD_", "65536");
            if std::env::var_os("RAYON_NUM_THREADS").is_none() {
                command.env("RAYON_NUM_THREADS", "1");
            }
            let ended = command.status().expect("a row can be run");
            if !ended.success() {
                println!("| {} | | | failed: {ended} | | |", row.name);
            }
        }
    }
}
