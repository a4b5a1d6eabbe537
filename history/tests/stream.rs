//! A history event by event, beside the same history read at once.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use disprove_history::{
    Header, HistoryWriter, ListAppend, Nanos, NodeId, Operation, Outcome, Process, RwRegister, Vocabulary,
    WriterOptions,
    import::{AnyHistory, Format, detect, read_any},
    stream::{Event, Follower, StreamError, Streamed},
    vocabulary::list_append::{Answer, Step},
};

fn kept(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories").join(name)
}

/// Makes operations of events again.
fn assemble<V: Vocabulary>(events: impl Iterator<Item = Event<V>>) -> Vec<Operation<V>> {
    let mut operations: Vec<Operation<V>> = Vec::new();
    let mut last = Nanos(0);
    for event in events {
        match event {
            Event::Began(operation) => {
                assert!(operation.began >= last, "events come in their order");
                last = operation.began;
                assert_eq!(operation.index.0 as usize, operations.len(), "calls are numbered as they begin");
                operations.push(operation);
            }
            Event::Ended { index, at, outcome, call } => {
                assert!(at >= last, "events come in their order");
                last = at;
                let operation = &mut operations[index.0 as usize];
                (operation.outcome, operation.ended) = (outcome, Some(at));
                if let Some(call) = call {
                    operation.call = call;
                }
            }
        }
    }
    operations
}

fn streamed<V: Streamed>(path: &Path) -> (Vec<Operation<V>>, bool) {
    let mut events = V::events(path, detect(path).unwrap(), None).unwrap();
    let operations = assemble(std::iter::from_fn(|| events.next_event().unwrap()));
    (operations, events.damage().is_some())
}

#[test]
fn events_make_the_history_that_is_read_at_once() {
    let mut compared = 0;
    for name in
        ["v1-list-append.jsonl.zst", "v1-list-append.edn", "v1-rw-register.jsonl.zst", "v1-rw-register.edn"]
    {
        let path = kept(name);
        let vocabulary = if name.contains("list") { "list-append" } else { "rw-register" };
        match read_any(&path, None, Some(vocabulary), None).unwrap() {
            AnyHistory::ListAppend(history) => {
                let (operations, damaged) = streamed::<ListAppend>(&path);
                assert_eq!(operations, history.operations, "{name}");
                assert_eq!(damaged, history.damage.is_some(), "{name}");
                compared += operations.len();
            }
            AnyHistory::RwRegister(history) => {
                let (operations, damaged) = streamed::<RwRegister>(&path);
                assert_eq!(operations, history.operations, "{name}");
                assert_eq!(damaged, history.damage.is_some(), "{name}");
                compared += operations.len();
            }
            other => panic!("{name} is one of {}", other.header().vocabulary),
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn lines_whose_order_only_the_whole_tells_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.edn");
    std::fs::write(&path, "{:type :ok, :f :txn, :value [[:r x [1]]], :process 0}\n").unwrap();
    let mut events = ListAppend::events(&path, Format::JepsenEdn, None).unwrap();
    assert!(matches!(events.next_event(), Err(StreamError::Unordered { line: 1, .. })));
}

#[test]
fn a_file_is_followed_while_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.zst");
    let mut follower = Follower::<ListAppend>::new(&path);
    assert!(follower.read_on().unwrap().is_empty(), "there is no file yet");
    let now = Arc::new(AtomicU64::new(0));
    let clock = Arc::clone(&now);
    let options = WriterOptions { flush_every: Duration::from_millis(1), ..WriterOptions::default() };
    let writer = HistoryWriter::<ListAppend>::create(
        &path,
        &Header::new(ListAppend::NAME),
        options,
        Arc::new(move || Nanos(clock.fetch_add(1, Ordering::SeqCst))),
    )
    .unwrap();
    let mut recorder = writer.recorder();
    let mut events = Vec::new();
    for number in 0..200 {
        let (key, value) = ("x".into(), i64::from(number).into());
        let ticket = recorder.invoke(
            Process(number),
            NodeId(0),
            &vec![Step::Append("x".into(), i64::from(number).into())],
        );
        recorder.complete(ticket, &Outcome::Ok(vec![Answer::Append(key, value)]));
        events.extend(follower.read_on().unwrap());
    }
    writer.finish().unwrap();
    events.extend(follower.read_on().unwrap());
    let whole = disprove_history::read::<ListAppend>(&path).unwrap();
    assert_eq!(assemble(events.into_iter()), whole.operations);
    assert!(follower.read_on().unwrap().is_empty());
}
