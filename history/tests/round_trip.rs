//! What is written is read back the same: our own format for every vocabulary, EDN, and the kept files of old versions.

#[path = "material/random.rs"]
mod random;

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use disprove_history::{
    History, HistoryWriter, Nanos, Operation, Outcome, ReadError, Reason, WriterOptions, export,
    export::Exported,
    import::{AnyHistory, Format, import},
    read, read_header,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, ListAppend, Log, LongFork, MultiRegister,
        Mutex, Predicate, PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, Register, RwRegister,
        Semaphore, Set, Stack,
    },
};
use random::{Made, Random};

/// Writes a history through the writer, as a run at these times would have written it.
fn record<V: Made>(history: &History<V>, path: &Path) {
    let now = Arc::new(AtomicU64::new(0));
    let clock = {
        let now = now.clone();
        Arc::new(move || Nanos(now.load(Ordering::SeqCst)))
    };
    let writer = HistoryWriter::<V>::create(path, &history.header, WriterOptions::default(), clock).unwrap();
    let mut recorder = writer.recorder();
    for fault in &history.faults {
        writer.fault(fault);
    }
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (place, operation) in history.operations.iter().enumerate() {
        events.push((operation.began.0, false, place));
        events.extend(operation.ended.map(|ended| (ended.0, true, place)));
    }
    events.sort_unstable();
    let mut tickets = vec![None; history.operations.len()];
    for (time, ends, place) in events {
        now.store(time, Ordering::SeqCst);
        let operation = &history.operations[place];
        if ends {
            let ticket = tickets[place].take().expect("a call begins before it ends");
            assert_eq!(recorder.complete(ticket, &operation.outcome), Nanos(time));
        } else {
            tickets[place] = Some(recorder.invoke(operation.process, operation.node, &operation.call));
        }
    }
    writer.finish().unwrap();
}

fn own_format<V: Made>(seeds: std::ops::Range<u64>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.zst");
    for seed in seeds {
        let history = random::history::<V>(&mut Random(seed), 200);
        record(&history, &path);
        let again = read::<V>(&path).unwrap();
        assert_eq!(again.header, history.header);
        assert_eq!(again.damage, None);
        assert_eq!(again.faults, history.faults);
        assert_eq!(again.operations, history.operations, "seed {seed}");
    }
}

#[test]
fn our_own_format_keeps_everything() {
    own_format::<Register>(0..20);
    own_format::<ListAppend>(0..20);
    own_format::<RwRegister>(0..20);
    own_format::<Set>(0..20);
    own_format::<MultiRegister>(0..20);
    own_format::<KeyValue>(0..20);
    own_format::<Counter>(0..20);
    own_format::<Bag>(0..20);
    own_format::<Queue>(0..20);
    own_format::<Stack>(0..20);
    own_format::<PriorityQueue>(0..20);
    own_format::<Log>(0..20);
    own_format::<Mutex>(0..20);
    own_format::<ReentrantMutex>(0..20);
    own_format::<FencedLock>(0..20);
    own_format::<ReadWriteLock>(0..20);
    own_format::<Semaphore>(0..20);
    own_format::<Lease>(0..20);
    own_format::<Ids>(0..20);
    own_format::<Bank>(0..20);
    own_format::<LongFork>(0..20);
    own_format::<Predicate>(0..20);
}

fn through_edn<V: Exported>(
    history: &History<V>,
    path: &Path,
    typed: fn(AnyHistory) -> Option<History<V>>,
) -> History<V> {
    let mut text = Vec::new();
    export::edn(history, &mut text).unwrap();
    fs::write(path, text).unwrap();
    let again = import(path, Format::JepsenEdn, Some(V::NAME), None).unwrap();
    typed(again).expect("the vocabulary that was asked for")
}

/// One operation is over before the other begins.
fn precedes<V: disprove_history::Vocabulary>(one: &Operation<V>, other: &Operation<V>) -> bool {
    one.deadline().is_some_and(|deadline| deadline < other.began)
}

/// What a checker could tell apart in a history, apart from its times.
fn essence<V: Made>(history: &History<V>) -> Vec<(V::Call, Outcome<V::Return>)> {
    history.operations.iter().map(|operation| (operation.call.clone(), operation.outcome.clone())).collect()
}

fn edn<V: Made + Exported>(seeds: std::ops::Range<u64>, typed: fn(AnyHistory) -> Option<History<V>>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.edn");
    for seed in seeds {
        let history = random::history::<V>(&mut Random(seed), 60);
        let once = through_edn(&history, &path, typed);
        assert_eq!(once.damage, None);
        assert_eq!(essence(&once), essence(&history), "seed {seed}");
        for (one, ranked) in history.operations.iter().zip(&once.operations) {
            for (other, ranked_other) in history.operations.iter().zip(&once.operations) {
                assert_eq!(
                    precedes(one, other),
                    precedes(ranked, ranked_other),
                    "seed {seed}: {one:?} {other:?}"
                );
                if ranked.process == ranked_other.process {
                    assert_eq!(one.process, other.process, "seed {seed}: two sessions became one");
                }
            }
        }
        let twice = through_edn(&once, &path, typed);
        assert_eq!(twice.operations, once.operations, "seed {seed}");
    }
}

#[test]
fn edn_keeps_calls_outcomes_and_order() {
    edn::<Register>(0..20, |any| match any {
        AnyHistory::Register(history) => Some(history),
        _ => None,
    });
    edn::<ListAppend>(0..20, |any| match any {
        AnyHistory::ListAppend(history) => Some(history),
        _ => None,
    });
    edn::<RwRegister>(0..20, |any| match any {
        AnyHistory::RwRegister(history) => Some(history),
        _ => None,
    });
    edn::<Set>(0..20, |any| match any {
        AnyHistory::Set(history) => Some(history),
        _ => None,
    });
    edn::<MultiRegister>(0..20, |any| match any {
        AnyHistory::MultiRegister(history) => Some(history),
        _ => None,
    });
    edn::<KeyValue>(0..20, |any| match any {
        AnyHistory::KeyValue(history) => Some(history),
        _ => None,
    });
    edn::<Counter>(0..20, |any| match any {
        AnyHistory::Counter(history) => Some(history),
        _ => None,
    });
    edn::<Bag>(0..20, |any| match any {
        AnyHistory::Bag(history) => Some(history),
        _ => None,
    });
    edn::<Queue>(0..20, |any| match any {
        AnyHistory::Queue(history) => Some(history),
        _ => None,
    });
    edn::<Stack>(0..20, |any| match any {
        AnyHistory::Stack(history) => Some(history),
        _ => None,
    });
    edn::<PriorityQueue>(0..20, |any| match any {
        AnyHistory::PriorityQueue(history) => Some(history),
        _ => None,
    });
    edn::<Log>(0..20, |any| match any {
        AnyHistory::Log(history) => Some(history),
        _ => None,
    });
    edn::<Mutex>(0..20, |any| match any {
        AnyHistory::Mutex(history) => Some(history),
        _ => None,
    });
    edn::<ReentrantMutex>(0..20, |any| match any {
        AnyHistory::ReentrantMutex(history) => Some(history),
        _ => None,
    });
    edn::<FencedLock>(0..20, |any| match any {
        AnyHistory::FencedLock(history) => Some(history),
        _ => None,
    });
    edn::<ReadWriteLock>(0..20, |any| match any {
        AnyHistory::ReadWriteLock(history) => Some(history),
        _ => None,
    });
    edn::<Semaphore>(0..20, |any| match any {
        AnyHistory::Semaphore(history) => Some(history),
        _ => None,
    });
    edn::<Lease>(0..20, |any| match any {
        AnyHistory::Lease(history) => Some(history),
        _ => None,
    });
    edn::<Ids>(0..20, |any| match any {
        AnyHistory::Ids(history) => Some(history),
        _ => None,
    });
    edn::<Bank>(0..20, |any| match any {
        AnyHistory::Bank(history) => Some(history),
        _ => None,
    });
    edn::<LongFork>(0..20, |any| match any {
        AnyHistory::LongFork(history) => Some(history),
        _ => None,
    });
    edn::<Predicate>(0..20, |any| match any {
        AnyHistory::Predicate(history) => Some(history),
        _ => None,
    });
}

/// The folder of kept histories, one per schema version and vocabulary.
fn kept() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/histories")
}

/// Reads the kept file of one version and compares it with the EDN kept beside it. Files that are missing are made
/// where `KEEP_HISTORIES` asks for that, after a change of schema; those that are there are never changed.
fn kept_file<V: Made + Exported>(version: u32) {
    let path = kept().join(format!("v{version}-{}.jsonl.zst", V::NAME));
    let beside = kept().join(format!("v{version}-{}.edn", V::NAME));
    if env::var_os("KEEP_HISTORIES").is_some() && !beside.exists() {
        assert_eq!(
            version,
            disprove_history::SCHEMA_VERSION,
            "the files of older versions cannot be made again"
        );
        let history = random::history::<V>(&mut Random(2026), 40);
        record(&history, &path);
        export::edn(&history, fs::File::create(&beside).unwrap()).unwrap();
    }
    assert_eq!(read_header(&path).unwrap().disprove, version);
    let history = read::<V>(&path).unwrap();
    assert_eq!(history.damage, None);
    assert_eq!(history.faults, [random::fault()]);
    let mut text = Vec::new();
    export::edn(&history, &mut text).unwrap();
    assert_eq!(String::from_utf8(text).unwrap(), fs::read_to_string(&beside).unwrap());
}

#[test]
fn kept_files_of_every_version_are_read() {
    // A new schema version adds its own files and leaves these as they are.
    for version in 1..=disprove_history::SCHEMA_VERSION {
        kept_file::<Register>(version);
        kept_file::<ListAppend>(version);
        kept_file::<RwRegister>(version);
        kept_file::<Set>(version);
        kept_file::<MultiRegister>(version);
        kept_file::<KeyValue>(version);
        kept_file::<Counter>(version);
        kept_file::<Bag>(version);
        kept_file::<Queue>(version);
        kept_file::<Stack>(version);
        kept_file::<PriorityQueue>(version);
        kept_file::<Log>(version);
        kept_file::<Mutex>(version);
        kept_file::<ReentrantMutex>(version);
        kept_file::<FencedLock>(version);
        kept_file::<ReadWriteLock>(version);
        kept_file::<Semaphore>(version);
        kept_file::<Lease>(version);
        kept_file::<Ids>(version);
        kept_file::<Bank>(version);
        kept_file::<LongFork>(version);
        kept_file::<Predicate>(version);
    }
}

#[test]
fn a_newer_version_is_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl");
    fs::write(&path, "{\"disprove\":99,\"vocabulary\":{\"changed\":true}}\n").unwrap();
    let error = read::<Register>(&path).unwrap_err();
    assert!(matches!(error, ReadError::Newer { found: 99, .. }), "{error}");
    assert!(error.to_string().contains("use a newer disprove"), "{error}");
}

#[test]
fn reasons_survive() {
    let mut history = random::history::<Register>(&mut Random(1), 3);
    history.operations[0].outcome = Outcome::Fail(Reason::from("quote \" and \\ and\nline".to_owned()));
    history.operations[0].ended = Some(history.operations[0].began);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.jsonl.zst");
    record(&history, &path);
    assert_eq!(read::<Register>(&path).unwrap().operations, history.operations);
}
