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
