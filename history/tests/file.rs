//! The history file: written by several workers at once, read back whole and torn.

use std::{
    fs,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use disprove_history::{
    FaultId, FaultRecord, FaultState, Header, History, HistoryWriter, Nanos, NodeId, OpIndex, Outcome,
    Process, ReadError, Reason, Value, Vocabulary, WriteSummary, WriterOptions, WriterStatus, read,
    read_header,
    vocabulary::{
        Register, Set,
        register::{Call, Return},
    },
};

fn clock() -> disprove_history::Clock {
    let start = Instant::now();
    Arc::new(move || Nanos(start.elapsed().as_nanos() as u64))
}

fn fault(id: u32, ended: Option<Nanos>) -> FaultRecord {
    FaultRecord {
        id: FaultId(id),
        family: "partition".into(),
        description: "cut n1 off".into(),
        nodes: vec!["n1".into()],
        began: Nanos(5),
        ended,
        state: FaultState::Installed,
        evidence: "3 packets dropped".into(),
    }
}

/// What worker `worker` asks in its round `round`, and what it is answered.
fn script(worker: u32, round: u32) -> (Call, Outcome<Return>) {
    let key = Value::from(format!("key{}", round % 7).as_str());
    match round % 5 {
        0 => (Call::Write(key, i64::from(worker * 1_000_000 + round).into()), Outcome::Ok(Return::Written)),
        1 => (Call::Read(key), Outcome::Ok(Return::Value(Some(i64::from(round).into())))),
        2 => (Call::Cas(key, 1.into(), Value::Nil), Outcome::Fail("refused by the leader".into())),
        3 => (Call::Read(key), Outcome::Unknown(Reason::from("timed out"))),
        _ => (Call::Read(key), Outcome::Ok(Return::Value(Some(Value::Nil)))),
    }
}

fn write(path: &Path, workers: u32, rounds: u32, options: WriterOptions) -> WriteSummary {
    let header = Header { nodes: vec!["n1".into(), "n2".into()], seed: 7, ..Header::new(Register::NAME) };
    let writer = HistoryWriter::<Register>::create(path, &header, options, clock()).unwrap();
    thread::scope(|scope| {
        for worker in 0..workers {
            let mut recorder = writer.recorder();
            scope.spawn(move || {
                for round in 0..rounds {
                    let (call, outcome) = script(worker, round);
                    let ticket = recorder.invoke(Process(worker), NodeId(worker as u16 % 2), &call);
                    let ended = recorder.complete(ticket, &outcome);
                    assert!(ended >= ticket.began());
                }
            });
        }
        writer.fault(&fault(0, None));
        writer.fault(&fault(1, None));
        writer.fault(&fault(0, Some(Nanos(90))));
    });
    assert_eq!(writer.status(), WriterStatus::Running);
    let summary = writer.finish().unwrap();
    assert_eq!(writer.status(), WriterStatus::Finished);
    assert!(writer.finish().is_err());
    summary
}

/// Every operation of the history is one that a worker made, in its worker's order without a gap; answers how many.
fn verify(history: &History<Register>, workers: u32) -> usize {
    let mut rounds = vec![0; workers as usize];
    for (index, operation) in history.operations.iter().enumerate() {
        assert_eq!(operation.index, OpIndex(index as u32));
        let worker = operation.process.0;
        let (call, outcome) = script(worker, rounds[worker as usize]);
        rounds[worker as usize] += 1;
        assert_eq!(operation.call, call);
        match operation.ended {
            Some(ended) => {
                assert_eq!(operation.outcome, outcome);
                assert!(ended >= operation.began);
            }
            None => assert!(matches!(operation.outcome, Outcome::Unknown(_))),
        }
    }
    assert!(history.operations.is_sorted_by_key(|operation| operation.began));
    history.operations.len()
}

#[test]
fn what_several_workers_record_is_read_back_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.zst");
    let summary =
        write(&path, 4, 5000, WriterOptions { flush_every: Duration::from_millis(3), ..Default::default() });
    assert_eq!(summary.events, 40_003);
    assert!(summary.complete);
    assert_eq!(summary.bytes, fs::metadata(&path).unwrap().len());
    let header = read_header(&path).unwrap();
    assert_eq!((header.seed, header.vocabulary.as_str()), (7, "register"));
    let history = read::<Register>(&path).unwrap();
    assert_eq!(history.damage, None);
    assert_eq!(history.header, header);
    assert_eq!(verify(&history, 4), 20_000);
    assert_eq!(history.operations.iter().filter(|operation| operation.ended.is_none()).count(), 0);
    assert_eq!(history.faults, [fault(0, Some(Nanos(90))), fault(1, None)]);
    assert!(matches!(read::<Set>(&path), Err(ReadError::Vocabulary { .. })));
}

/// What an observer would have of `whole` who stopped just before `cut`, as far as a reader can tell.
fn cut(whole: &History<Register>, cut: Nanos) -> Vec<(Call, Option<Outcome<Return>>)> {
    let seen = whole.operations.iter().filter(|operation| operation.began < cut);
    seen.map(|operation| {
        let answered = operation.ended.is_some_and(|ended| ended < cut);
        (operation.call.clone(), answered.then(|| operation.outcome.clone()))
    })
    .collect()
}

/// A damaged file must read as the whole one cut at some moment: the latest event that is left, or just after it.
fn assert_is_a_cut(torn: &History<Register>, whole: &History<Register>) {
    let latest = torn.last_event().max(torn.operations.last().map_or(Nanos(0), |operation| operation.began));
    let moment = if torn.operations.is_empty() { Nanos(0) } else { Nanos(latest.0 + 1) };
    let left: Vec<_> = torn
        .operations
        .iter()
        .map(|operation| (operation.call.clone(), operation.ended.map(|_| operation.outcome.clone())))
        .collect();
    assert_eq!(left, cut(whole, moment));
    for operation in &torn.operations {
        assert_eq!(operation.index, whole.operations[operation.index.0 as usize].index);
        assert_eq!(operation.began, whole.operations[operation.index.0 as usize].began);
        if operation.ended.is_none() {
            assert!(matches!(operation.outcome, Outcome::Unknown(_)));
        }
    }
}

/// A file of many small blocks, as a slow run writes it, and its history.
fn blocks(folder: &Path) -> (Vec<u8>, History<Register>) {
    let path = folder.join("whole.jsonl.zst");
    let options = WriterOptions { flush_every: Duration::from_micros(200), ..Default::default() };
    let writer =
        HistoryWriter::<Register>::create(&path, &Header::new(Register::NAME), options, clock()).unwrap();
    thread::scope(|scope| {
        for worker in 0..3 {
            let mut recorder = writer.recorder();
            scope.spawn(move || {
                for round in 0..300 {
                    let (call, outcome) = script(worker, round);
                    let ticket = recorder.invoke(Process(worker), NodeId(0), &call);
                    if round % 10 == 0 {
                        thread::sleep(Duration::from_micros(300));
                    }
                    recorder.complete(ticket, &outcome);
                }
            });
        }
    });
    writer.finish().unwrap();
    (fs::read(&path).unwrap(), read::<Register>(&path).unwrap())
}

#[test]
fn a_file_torn_anywhere_reads_as_the_run_up_to_a_moment() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, whole) = blocks(folder.path());
    assert_eq!(whole.operations.len(), 900);
    let path = folder.path().join("torn.jsonl.zst");
    let mut kept = Vec::new();
    for step in 0..400 {
        let end = bytes.len() * step / 400;
        fs::write(&path, &bytes[..end]).unwrap();
        match read::<Register>(&path) {
            Ok(torn) => {
                let damage = torn.damage.clone().expect("a torn file says so");
                assert!(damage.line > 0 && damage.what.contains("left out"), "{damage:?}");
                assert_is_a_cut(&torn, &whole);
                kept.push(torn.operations.len());
            }
            Err(error) => assert!(step < 5, "step {step}: {error}"),
        }
    }
    assert!(kept.is_sorted(), "more of the file is more of the history");
    let (half, last) = (kept[kept.len() / 2], kept[kept.len() - 1]);
    assert!(half > 200 && last > 700, "most of what was flushed is read: {half} and {last} of 900");
}

#[test]
fn a_damaged_block_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    let (bytes, whole) = blocks(folder.path());
    let path = folder.path().join("damaged.jsonl.zst");
    let mut read_with_damage = 0;
    for step in 0..400 {
        let at = bytes.len() * step / 400;
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (step % 8);
        fs::write(&path, &damaged).unwrap();
        if let Ok(history) = read::<Register>(&path) {
            if history.damage.is_none() {
                // A bit that zstd does not use: then nothing at all may differ.
                assert_eq!(history.operations, whole.operations, "byte {at}");
            } else {
                assert_is_a_cut(&history, &whole);
                read_with_damage += 1;
            }
        }
    }
    assert!(
        read_with_damage > 300,
        "only {read_with_damage} of 400 damaged files were read up to the damage"
    );
}

/// Reads a text as a plain file.
fn plain(text: &str) -> Result<History<Register>, ReadError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    fs::write(&path, text).unwrap();
    read(&path)
}

const HEADER: &str = "{\"disprove\":1,\"vocabulary\":\"register\"}\n";

#[test]
fn the_plain_form_shows_what_each_rule_does() {
    let events = "[\"i\",0,0,0,10,{\"write\":[\"x\",1]}]\n[\"c\",7,30,{\"ok\":\"written\"}]\n[\"w\",15,2]\n\
                  [\"i\",7,1,0,20,{\"write\":[\"x\",2]}]\n[\"c\",0,40,{\"ok\":\"written\"}]\n";
    let whole = plain(&format!("{HEADER}{events}[\"e\",50,4]\n")).unwrap();
    assert_eq!(whole.damage, None);
    assert_eq!(whole.operations.len(), 2);
    assert!(whole.operations.iter().all(|operation| operation.outcome == Outcome::Ok(Return::Written)));

    // Without its end it is cut at 15: the first call is then unknown, the second never seen.
    let torn = plain(&format!("{HEADER}{events}")).unwrap();
    assert_eq!(torn.operations.len(), 1);
    assert!(matches!(torn.operations[0].outcome, Outcome::Unknown(_)));
    let damage = torn.damage.unwrap();
    assert_eq!((damage.line, damage.byte), (7, (HEADER.len() + events.len()) as u64));

    for (more, line, what) in [
        ("[\"e\",50,3]\n", 7, "says that 3 events come before it, but 4 do"),
        ("[\"w\",14,4]\n", 7, "goes back in time"),
        ("[\"c\",0,60,{\"ok\":\"written\"}]\n[\"e\",70,5]\n", 8, "answered but never begun"),
        (
            "[\"i\",9,1,0,50,{\"write\":[\"x\",3]}]\n[\"c\",9,49,{\"ok\":\"written\"}]\n",
            8,
            "end before it began",
        ),
        ("[\"q\",1]\n", 7, "unknown kind"),
        ("[\"i\",99999999999,1,0,50,{\"read\":\"x\"}]\n", 7, "too large"),
        ("[\"i\",8,1,0,50,{\"reed\":\"x\"}]\n", 7, "has a call that cannot be read"),
        ("{\"i\":8}\n", 7, "is not an event"),
        ("[\"e\",50,4]\n[\"w\",60,4]\n", 8, "after the line that ends the history"),
    ] {
        let history = plain(&format!("{HEADER}{events}{more}")).unwrap();
        let damage = history.damage.expect(more);
        assert_eq!(damage.line, line, "{more}: {damage:?}");
        assert!(damage.what.contains(what), "{more}: {damage:?}");
    }
}

#[test]
fn a_full_file_says_so_and_stays_readable() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.zst");
    let options = WriterOptions { flush_every: Duration::from_millis(1), bytes_max: 60_000 };
    let writer =
        HistoryWriter::<Register>::create(&path, &Header::new(Register::NAME), options, clock()).unwrap();
    let mut recorder = writer.recorder();
    let (mut rounds, mut said) = (0, None);
    while rounds < 200_000 {
        let (call, outcome) = script(0, rounds);
        let ticket = recorder.invoke(Process(0), NodeId(0), &call);
        recorder.complete(ticket, &outcome);
        rounds += 1;
        if said.is_none() && writer.status() == WriterStatus::Full {
            said = Some(rounds);
        }
    }
    assert!(said.is_some_and(|said| said < rounds));
    let summary = writer.finish().unwrap();
    assert!(!summary.complete);
    // A drain may hold one whole buffer, so the file can pass its size by that and no more.
    assert!(summary.bytes < 60_000 + (256 << 10), "{summary:?}");
    let history = read::<Register>(&path).unwrap();
    assert!(history.damage.is_some());
    assert!(verify(&history, 1) > 1000);
    let late = recorder.invoke(Process(0), NodeId(0), &script(0, 0).0);
    recorder.complete(late, &script(0, 0).1);
}

#[test]
fn workers_wait_for_a_slow_writer_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.zst");
    // A clock that takes its time slows down the writer thread and nobody else: only it reads the clock between drains.
    let writer_thread = clock();
    let slow: disprove_history::Clock = Arc::new(move || {
        if thread::current().name() == Some("history") {
            thread::sleep(Duration::from_millis(20));
        }
        writer_thread()
    });
    let writer = HistoryWriter::<Register>::create(
        &path,
        &Header::new(Register::NAME),
        WriterOptions::default(),
        slow,
    )
    .unwrap();
    let mut recorder = writer.recorder();
    for round in 0..20_000 {
        let (call, outcome) = script(0, round);
        let ticket = recorder.invoke(Process(0), NodeId(0), &call);
        recorder.complete(ticket, &outcome);
    }
    assert!(writer.waits() > 0);
    let summary = writer.finish().unwrap();
    assert_eq!((summary.events, summary.waits > 0), (40_000, true));
    assert_eq!(verify(&read::<Register>(&path).unwrap(), 1), 20_000);
}

#[test]
fn a_writer_that_is_dropped_leaves_what_a_killed_one_would() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.zst");
    let writer = HistoryWriter::<Register>::create(
        &path,
        &Header::new(Register::NAME),
        WriterOptions::default(),
        clock(),
    )
    .unwrap();
    let mut recorder = writer.recorder();
    let (call, outcome) = script(0, 0);
    let ticket = recorder.invoke(Process(0), NodeId(0), &call);
    recorder.complete(ticket, &outcome);
    drop(writer);
    // A recorder that outlives its writer records nothing and never waits.
    for _ in 0..100_000 {
        let ticket = recorder.invoke(Process(0), NodeId(0), &call);
        recorder.complete(ticket, &outcome);
    }
    let history = read::<Register>(&path).unwrap();
    assert!(history.damage.is_some());
    assert_eq!(verify(&history, 1), 1);
}

#[test]
fn an_unwritable_place_is_an_error() {
    let error = HistoryWriter::<Register>::create(
        Path::new("/nonexistent/history.jsonl.zst"),
        &Header::new(Register::NAME),
        WriterOptions::default(),
        clock(),
    )
    .unwrap_err();
    assert!(error.to_string().starts_with("create the history /nonexistent/history.jsonl.zst: "), "{error}");
    assert!(matches!(read_header(Path::new("/nonexistent")), Err(ReadError::Io { .. })));
    assert!(matches!(read_header(Path::new("/")), Err(ReadError::Io { .. })));
}
