//! Any history in any format, as the vocabulary it turns out to be in.

use std::path::Path;

use super::{
    detect::vocabulary,
    edn, etcd_log,
    format::{Format, detect},
    spoken::Spoken,
    tape::Notation,
    untimed,
};
use crate::{
    Header, History, ReadError, Value, Vocabulary, file,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, ListAppend, Log, LongFork, MultiRegister,
        Mutex, Predicate, PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, Register, RwRegister,
        Semaphore, Set, Stack,
    },
};

/// The vocabularies that can be read from a file, by what `--as` names.
pub const VOCABULARIES: &[&str] = &[
    Register::NAME,
    ListAppend::NAME,
    RwRegister::NAME,
    Set::NAME,
    MultiRegister::NAME,
    KeyValue::NAME,
    Counter::NAME,
    Bag::NAME,
    Queue::NAME,
    Stack::NAME,
    PriorityQueue::NAME,
    Log::NAME,
    Mutex::NAME,
    ReentrantMutex::NAME,
    FencedLock::NAME,
    ReadWriteLock::NAME,
    Semaphore::NAME,
    Lease::NAME,
    Ids::NAME,
    Bank::NAME,
    LongFork::NAME,
    Predicate::NAME,
];

/// Other names that a vocabulary goes by, and which it is: Elle calls transactions over rows by what it assumes of them,
/// that all rows are known.
const OTHER_NAMES: [(&str, &str); 1] = [("closed-predicate", Predicate::NAME)];

/// The vocabulary of this name, which may be another name that it goes by.
pub fn vocabulary_named(name: &str) -> Option<&'static str> {
    let other = OTHER_NAMES.iter().find(|(other, _)| *other == name).map(|(_, name)| *name);
    other.or_else(|| VOCABULARIES.iter().copied().find(|known| *known == name))
}

/// A history of one of the built-in vocabularies. [`with_history!`](crate::with_history) does the same with every one.
#[derive(Debug)]
pub enum AnyHistory {
    /// Of registers.
    Register(History<Register>),
    /// Of list-append transactions.
    ListAppend(History<ListAppend>),
    /// Of read-write transactions.
    RwRegister(History<RwRegister>),
    /// Of sets.
    Set(History<Set>),
    /// Of several registers at once.
    MultiRegister(History<MultiRegister>),
    /// Of a key-value store.
    KeyValue(History<KeyValue>),
    /// Of counters.
    Counter(History<Counter>),
    /// Of bags.
    Bag(History<Bag>),
    /// Of first-in first-out queues.
    Queue(History<Queue>),
    /// Of stacks.
    Stack(History<Stack>),
    /// Of priority queues.
    PriorityQueue(History<PriorityQueue>),
    /// Of logs.
    Log(History<Log>),
    /// Of locks.
    Mutex(History<Mutex>),
    /// Of re-entrant locks.
    ReentrantMutex(History<ReentrantMutex>),
    /// Of locks with fencing tokens.
    FencedLock(History<FencedLock>),
    /// Of read-write locks.
    ReadWriteLock(History<ReadWriteLock>),
    /// Of semaphores.
    Semaphore(History<Semaphore>),
    /// Of leases.
    Lease(History<Lease>),
    /// Of generated ids.
    Ids(History<Ids>),
    /// Of banks.
    Bank(History<Bank>),
    /// Of single writes and reads of groups.
    LongFork(History<LongFork>),
    /// Of transactions over rows.
    Predicate(History<Predicate>),
}

/// Evaluates an expression in which a name is the history inside an [`AnyHistory`](crate::import::AnyHistory), whatever
/// its vocabulary is. It takes a reference, and gives references:
/// `with_history!(&any, history => history.operations.len())`.
#[macro_export]
macro_rules! with_history {
    ($any:expr, $history:ident => $body:expr) => {
        match $any {
            $crate::import::AnyHistory::Register($history) => $body,
            $crate::import::AnyHistory::ListAppend($history) => $body,
            $crate::import::AnyHistory::RwRegister($history) => $body,
            $crate::import::AnyHistory::Set($history) => $body,
            $crate::import::AnyHistory::MultiRegister($history) => $body,
            $crate::import::AnyHistory::KeyValue($history) => $body,
            $crate::import::AnyHistory::Counter($history) => $body,
            $crate::import::AnyHistory::Bag($history) => $body,
            $crate::import::AnyHistory::Queue($history) => $body,
            $crate::import::AnyHistory::Stack($history) => $body,
            $crate::import::AnyHistory::PriorityQueue($history) => $body,
            $crate::import::AnyHistory::Log($history) => $body,
            $crate::import::AnyHistory::Mutex($history) => $body,
            $crate::import::AnyHistory::ReentrantMutex($history) => $body,
            $crate::import::AnyHistory::FencedLock($history) => $body,
            $crate::import::AnyHistory::ReadWriteLock($history) => $body,
            $crate::import::AnyHistory::Semaphore($history) => $body,
            $crate::import::AnyHistory::Lease($history) => $body,
            $crate::import::AnyHistory::Ids($history) => $body,
            $crate::import::AnyHistory::Bank($history) => $body,
            $crate::import::AnyHistory::LongFork($history) => $body,
            $crate::import::AnyHistory::Predicate($history) => $body,
        }
    };
}

impl AnyHistory {
    /// Its header.
    pub fn header(&self) -> &Header {
        with_history!(self, history => &history.header)
    }

    /// How many operations it has.
    pub fn len(&self) -> usize {
        with_history!(self, history => history.operations.len())
    }

    /// True when it has no operation.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads a history in any format. `format`, `as_vocabulary` and `initial`, where given, take the place of what the file
/// says.
pub fn read_any(
    path: &Path,
    format: Option<Format>,
    as_vocabulary: Option<&str>,
    initial: Option<Value>,
) -> Result<AnyHistory, ReadError> {
    let format = format.map_or_else(|| detect(path), Ok)?;
    import(path, format, as_vocabulary, initial)
}

/// The vocabulary that a file of a format names or shows.
pub fn vocabulary_of(path: &Path, format: Format) -> Result<String, ReadError> {
    Ok(match format {
        Format::Disprove => file::read_header(path)?.vocabulary,
        Format::EtcdLog => Register::NAME.to_owned(),
        Format::JepsenJson => vocabulary(path, Notation::Json)?.to_owned(),
        Format::JepsenEdn => vocabulary(path, Notation::Edn)?.to_owned(),
        // What these hold are transactions of registers, unless a whole file says otherwise.
        _ => RwRegister::NAME.to_owned(),
    })
}

/// Reads a history in a known format. `as_vocabulary` and `initial`, where given, take the place of what the file says.
pub fn import(
    path: &Path,
    format: Format,
    as_vocabulary: Option<&str>,
    initial: Option<Value>,
) -> Result<AnyHistory, ReadError> {
    if let Some(reader) = untimed::reader(format) {
        return untimed::read(path, format, reader, as_vocabulary, initial);
    }
    let name = as_vocabulary.map_or_else(|| vocabulary_of(path, format), |name| Ok(name.to_owned()))?;
    if format == Format::EtcdLog {
        if name != Register::NAME {
            let what = format!("it is a log of registers, and none of {name}");
            return Err(ReadError::Unrecognised { path: path.into(), what });
        }
        return etcd_log::read(path, &header::<Register>(initial)).map(AnyHistory::Register);
    }
    match vocabulary_named(&name).unwrap_or(&name) {
        Register::NAME => import_as(path, format, initial).map(AnyHistory::Register),
        ListAppend::NAME => import_as(path, format, initial).map(AnyHistory::ListAppend),
        RwRegister::NAME => import_as(path, format, initial).map(AnyHistory::RwRegister),
        Set::NAME => import_as(path, format, initial).map(AnyHistory::Set),
        MultiRegister::NAME => import_as(path, format, initial).map(AnyHistory::MultiRegister),
        KeyValue::NAME => import_as(path, format, initial).map(AnyHistory::KeyValue),
        Counter::NAME => import_as(path, format, initial).map(AnyHistory::Counter),
        Bag::NAME => import_as(path, format, initial).map(AnyHistory::Bag),
        Queue::NAME => import_as(path, format, initial).map(AnyHistory::Queue),
        Stack::NAME => import_as(path, format, initial).map(AnyHistory::Stack),
        PriorityQueue::NAME => import_as(path, format, initial).map(AnyHistory::PriorityQueue),
        Log::NAME => import_as(path, format, initial).map(AnyHistory::Log),
        Mutex::NAME => import_as(path, format, initial).map(AnyHistory::Mutex),
        ReentrantMutex::NAME => import_as(path, format, initial).map(AnyHistory::ReentrantMutex),
        FencedLock::NAME => import_as(path, format, initial).map(AnyHistory::FencedLock),
        ReadWriteLock::NAME => import_as(path, format, initial).map(AnyHistory::ReadWriteLock),
        Semaphore::NAME => import_as(path, format, initial).map(AnyHistory::Semaphore),
        Lease::NAME => import_as(path, format, initial).map(AnyHistory::Lease),
        Ids::NAME => import_as(path, format, initial).map(AnyHistory::Ids),
        Bank::NAME => import_as(path, format, initial).map(AnyHistory::Bank),
        LongFork::NAME => import_as(path, format, initial).map(AnyHistory::LongFork),
        Predicate::NAME => import_as(path, format, initial).map(AnyHistory::Predicate),
        other => {
            let what = format!(
                "there is no vocabulary {other} among those known here ({})",
                VOCABULARIES.join(", ")
            );
            Err(ReadError::Unrecognised { path: path.into(), what })
        }
    }
}

/// What a foreign history is taken for.
fn header<V: Vocabulary>(initial: Option<Value>) -> Header {
    Header { initial: initial.unwrap_or_default(), ..Header::new(V::NAME) }
}

fn import_as<V: Spoken>(
    path: &Path,
    format: Format,
    initial: Option<Value>,
) -> Result<History<V>, ReadError> {
    match format {
        Format::Disprove => {
            let mut history = file::read::<V>(path)?;
            if let Some(initial) = initial {
                history.header.initial = initial;
            }
            Ok(history)
        }
        // Logs of etcd and the formats without times were read by the caller.
        _ => {
            let notation = if format == Format::JepsenJson { Notation::Json } else { Notation::Edn };
            let mut history = edn::read::<V>(path, notation, &header::<V>(initial.clone()))?;
            if initial.is_none()
                && let Some(shown) = V::shown_initial(&history.operations)
            {
                history.header.initial = shown;
            }
            Ok(history)
        }
    }
}
