//! Speed and memory of writing, reading and importing histories: `cargo bench -p disprove-history [operations]`.
//!
//! Prints one line per figure. Peak memory is the process's own, from Linux's /proc; elsewhere it is left out.

use std::{
    env,
    fmt::Write as _,
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use disprove_history::{
    Header, HistoryWriter, Nanos, NodeId, Outcome, Process, Recorder, Value, Vocabulary, WriterOptions,
    export,
    import::{Format, import},
    read,
    vocabulary::{
        ListAppend, Register,
        register::{Call, Return},
    },
};

fn clock() -> disprove_history::Clock {
    let start = Instant::now();
    Arc::new(move || Nanos(start.elapsed().as_nanos() as u64))
}

/// Records `count` register calls as fast as they go.
fn record(recorder: &mut Recorder<Register>, worker: u32, keys: &[Value], count: u32) {
    for round in 0..count {
        let key = keys[round as usize % keys.len()].clone();
        let value = Value::Int(i64::from(round));
        let (call, outcome) = match round % 3 {
            0 => (Call::Write(key, value), Outcome::Ok(Return::Written)),
            1 => (Call::Read(key), Outcome::Ok(Return::Value(Some(value)))),
            _ => (Call::Cas(key, value.clone(), value), Outcome::Ok(Return::Refused)),
        };
        let ticket = recorder.invoke(Process(worker), NodeId(0), &call);
        recorder.complete(ticket, &outcome);
    }
}

fn keys() -> Vec<Value> {
    (0..50).map(|key| Value::from(format!("run-7-key-{key}").as_str())).collect()
}

/// The cost of an event where the writer thread has nothing to do meanwhile: bursts that fit into the buffer.
fn worker_path(folder: &Path) {
    let (bursts, calls) = (200, 400);
    let path = folder.join("bursts.jsonl.zst");
    let writer = HistoryWriter::<Register>::create(
        &path,
        &Header::new(Register::NAME),
        WriterOptions::default(),
        clock(),
    )
    .expect("create the file");
    let mut recorder = writer.recorder();
    let keys = keys();
    let mut spent = Duration::ZERO;
    for _ in 0..bursts {
        let start = Instant::now();
        record(&mut recorder, 0, &keys, calls);
        spent += start.elapsed();
        thread::sleep(Duration::from_millis(2));
    }
    writer.finish().expect("finish the file");
    println!(
        "worker path               {:>9.0} ns per event",
        spent.as_nanos() as f64 / f64::from(bursts * calls * 2)
    );
}

/// Sustained writing by two workers, with the writer thread beside them.
fn sustained(path: &Path, operations: u32) {
    let writer = HistoryWriter::<Register>::create(
        path,
        &Header::new(Register::NAME),
        WriterOptions::default(),
        clock(),
    )
    .expect("create the file");
    let keys = keys();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    thread::scope(|scope| {
        for worker in 0..2 {
            let (mut recorder, keys) = (writer.recorder(), &keys);
            scope.spawn(move || record(&mut recorder, worker, keys, operations / 2));
        }
    });
    let summary = writer.finish().expect("finish the file");
    let seconds = start.elapsed().as_secs_f64();
    println!("sustained writing         {:>9.0} operations per second", f64::from(operations) / seconds);
    println!(
        "  CPU                     {:>9.2} µs per operation",
        (cpu_seconds() - cpu) * 1e6 / f64::from(operations)
    );
    println!(
        "  file                    {:>9.1} bytes per operation",
        summary.bytes as f64 / f64::from(operations)
    );
    println!("  waits for the writer    {:>9}", summary.waits);
}

fn reading(path: &Path, operations: u32) {
    reset_peak();
    let before = memory("VmRSS");
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let history = read::<Register>(path).expect("read the file");
    let seconds = start.elapsed().as_secs_f64();
    let peak = memory("VmHWM").saturating_sub(before);
    let stays = memory("VmRSS").saturating_sub(before);
    assert_eq!(history.operations.len(), operations as usize);
    println!("reading                   {seconds:>9.3} s ({:.3} s of CPU)", cpu_seconds() - cpu);
    println!("  peak memory             {:>9.0} bytes per operation", peak as f64 / f64::from(operations));
    println!("  memory that stays       {:>9.0} bytes per operation", stays as f64 / f64::from(operations));
    println!("  one operation           {:>9} bytes", size_of_val(&history.operations[0]));
    let edn = path.with_extension("edn");
    export::edn(&history, std::io::BufWriter::new(fs::File::create(&edn).expect("create the file")))
        .expect("write the file");
    drop(history);
    importing("register EDN", &edn, Register::NAME);
}

fn importing(what: &str, path: &Path, vocabulary: &str) {
    let megabytes = fs::metadata(path).expect("the file is there").len() as f64 / 1e6;
    let mut best = f64::MAX;
    for _ in 0..3 {
        let cpu = cpu_seconds();
        let history = import(path, Format::JepsenEdn, Some(vocabulary), None).expect("import the file");
        assert!(!history.is_empty());
        best = best.min(cpu_seconds() - cpu);
    }
    println!("import of {what:<15} {:>9.0} MB/s per core ({megabytes:.0} MB)", megabytes / best);
}

/// A list-append history as Jepsen writes it.
fn transactions(folder: &Path, count: u32) {
    let mut text = String::new();
    for round in 0..count {
        let (process, key) = (round % 10, round % 40);
        let asked = format!("[[:r {key} nil] [:append {key} {round}] [:r {} nil]]", key + 1);
        let list: Vec<String> = (0..20).map(|place| (round + place).to_string()).collect();
        let list = list.join(" ");
        let told = format!("[[:r {key} [{list}]] [:append {key} {round}] [:r {} [{list}]]]", key + 1);
        for (kind, value) in [("invoke", asked), ("ok", told)] {
            writeln!(
                text,
                "{{:type :{kind}, :f :txn, :value {value}, :process {process}, :time {round}000, :index {round}}}"
            )
            .expect("a string takes everything");
        }
    }
    let path = folder.join("append.edn");
    fs::write(&path, text).expect("write the file");
    importing("list-append EDN", &path, ListAppend::NAME);
}

/// CPU seconds of all threads of this process.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: Vec<f64> =
        stat.rsplit(')').next().unwrap_or_default().split(' ').filter_map(|n| n.parse().ok()).collect();
    // Without the state, user and system time are the 11th and 12th numbers; a tick is 10 ms.
    ticks.get(10).zip(ticks.get(11)).map_or(0.0, |(user, system)| (user + system) / 100.0)
}

/// A figure of /proc/self/status in bytes.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kilobytes| kilobytes.parse::<u64>().ok()).unwrap_or_default()
        << 10
}

/// Makes the peak memory count from here.
fn reset_peak() {
    if let Err(error) = fs::write("/proc/self/clear_refs", "5") {
        eprintln!("peak memory counts from the beginning: {error}");
    }
}

fn main() {
    // `cargo test --benches` runs this as well, and then only wants to see that it works.
    let asked = env::args().skip(1).find_map(|argument| argument.parse().ok());
    let is_bench = env::args().any(|argument| argument == "--bench");
    let operations: u32 = asked.unwrap_or(if is_bench { 1_000_000 } else { 20_000 });
    let folder = tempfile::tempdir().expect("make a folder");
    let path = folder.path().join("history.jsonl.zst");
    worker_path(folder.path());
    sustained(&path, operations);
    reading(&path, operations);
    transactions(folder.path(), operations / 5);
}
