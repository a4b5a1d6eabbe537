//! Which vocabulary a history speaks, from its first telling operations.

use std::path::Path;

use super::{
    builder::{Entry, Kind},
    edn::{Forms, Step, entry},
    spoken::Said,
    tape::{Notation, Tape, View},
};
use crate::{
    ReadError, Vocabulary,
    vocabulary::{
        Bank, Counter, Ids, KeyValue, ListAppend, LongFork, Predicate, Queue, Register, RwRegister, Set,
        Stack,
    },
};

/// What an operation tells about the vocabulary of its history.
fn tells(said: &Said<'_>) -> Option<&'static str> {
    match said.f {
        // Porcupine's logs name the key beside the value, which is a text.
        b"put" if said.key.is_some() && said.value.is_text() => Some(KeyValue::NAME),
        b"append" if said.key.is_some() => Some(KeyValue::NAME),
        b"delete" | b"range" | b"multi-get" | b"multi-put" => Some(KeyValue::NAME),
        b"transfer" => Some(Bank::NAME),
        b"init" if said.value.is_map() => Some(Predicate::NAME),
        // Single writes and reads of groups are transactions by another name.
        b"read" | b"write" if is_steps(said.value) => Some(LongFork::NAME),
        b"write" | b"cas" | b"put" => Some(Register::NAME),
        b"contains" => Some(Set::NAME),
        b"incr" | b"increment" | b"decr" | b"decrement" => Some(Counter::NAME),
        b"enqueue" | b"dequeue" | b"drain" => Some(Queue::NAME),
        b"push" | b"pop" => Some(Stack::NAME),
        b"generate" => Some(Ids::NAME),
        b"txn" => transaction(said),
        _ => None,
    }
}

/// What the steps of a transaction tell. Rows are written like registers, so what only rows have comes first.
fn transaction(said: &Said<'_>) -> Option<&'static str> {
    let of_step = |step: View<'_>| {
        let mut parts = step.elements();
        let f = parts.next()?.name()?;
        let value = parts.nth(1);
        match f {
            b"append" => Some(ListAppend::NAME),
            b"rp" | b"insert" | b"delete" => Some(Predicate::NAME),
            b"w" | b"write" => Some(RwRegister::NAME),
            _ if value.is_some_and(|value| value.is_collection()) => Some(ListAppend::NAME),
            _ => None,
        }
    };
    let told = || said.value.elements().filter_map(of_step);
    told().find(|name| *name == Predicate::NAME).or_else(|| told().next())
}

/// Whether a value is a list of `[:r k v]` and `[:w k v]`.
fn is_steps(value: View<'_>) -> bool {
    let is_step = |step: View<'_>| {
        let mut parts = step.elements();
        let f = parts.next().and_then(|f| f.name());
        matches!(f, Some(b"r" | b"w")) && parts.count() == 2
    };
    value.elements().next().is_some() && value.elements().all(is_step)
}

/// The calls that several vocabularies have, and which these are.
const AMBIGUOUS: [(&[u8], &str); 9] = [
    (b"acquire", "mutex, reentrant-mutex, fenced-lock, read-write-lock, semaphore or lease"),
    (b"release", "mutex, reentrant-mutex, fenced-lock, read-write-lock, semaphore or lease"),
    (b"lock", "mutex, reentrant-mutex or fenced-lock"),
    (b"unlock", "mutex, reentrant-mutex or fenced-lock"),
    (b"append", "log or key-value"),
    (b"poll", "log or queue"),
    (b"insert", "priority-queue or bag"),
    (b"take", "bag or queue"),
    (b"extract", "priority-queue"),
];

/// So many transactions that write registers, and nothing that only rows have, are a history of registers.
const WRITES_MAX: usize = 64;

/// What the operations of a history told on the way to one that only one vocabulary has.
#[derive(Default)]
struct Hints {
    operations: bool,
    /// Transactions that write registers, or rows.
    writes: usize,
    transactions: bool,
    /// Whether numbers were added, and if so whether under keys.
    adds_keyed: Option<bool>,
    foreign: Option<String>,
}

impl Hints {
    /// Takes one operation, which may decide.
    fn take(&mut self, entry: &Entry<'_>) -> Option<&'static str> {
        self.operations = true;
        let said = &entry.said;
        match said.f {
            // What is added to is a set or a counter, and what a read answers tells which.
            b"add" if !said.value.is_number() && said.value.pair().is_none_or(|(_, v)| !v.is_number()) => {
                return Some(Set::NAME);
            }
            b"add" => {
                self.adds_keyed.get_or_insert(said.value.pair().is_some());
            }
            b"read" | b"get" if self.adds_keyed.is_some() && entry.kind == Kind::Ok => {
                let keyed = self.adds_keyed == Some(true) && said.key.is_none();
                let answer =
                    if keyed { said.value.pair().map(|(_, answer)| answer) } else { Some(said.value) };
                match answer {
                    Some(answer) if answer.is_number() => return Some(Counter::NAME),
                    Some(answer) if answer.is_collection() => return Some(Set::NAME),
                    _ => {}
                }
            }
            // Only a bank answers a read with all that it has.
            b"read" if entry.kind == Kind::Ok && said.value.is_map() => return Some(Bank::NAME),
            b"read" | b"get" => {}
            b"txn" => self.transactions = true,
            _ if entry.process.name() == Some(b"nemesis") => {}
            other if self.foreign.is_none() => {
                self.foreign = Some(String::from_utf8_lossy(other).escape_debug().to_string());
            }
            _ => {}
        }
        None
    }

    /// What it is when no operation decided.
    fn conclude(self, path: &Path) -> Result<&'static str, ReadError> {
        match self {
            Self { writes: 1.., .. } => Ok(RwRegister::NAME),
            Self { operations: false, .. } => Err(ReadError::Empty { path: path.into() }),
            Self { adds_keyed: Some(_), .. } => Ok(Set::NAME),
            // Nothing but reads: whoever wrote what they see is not in the history either way.
            Self { transactions: true, .. } => Ok(RwRegister::NAME),
            Self { foreign: None, .. } => Ok(Register::NAME),
            Self { foreign: Some(f), .. } => {
                let several = AMBIGUOUS.iter().find(|(name, _)| *name == f.as_bytes());
                let what = match several {
                    Some((_, names)) => format!("it calls :{f}, so say what it is: --as {names}"),
                    None => {
                        let known = super::any::VOCABULARIES.join(", ");
                        format!("it calls :{f}, which none of the vocabularies known here has ({known})")
                    }
                };
                Err(ReadError::Unrecognised { path: path.into(), what })
            }
        }
    }
}

/// Tells the vocabulary of an EDN or JSON history: that of the first call that only one vocabulary has.
pub(super) fn vocabulary(path: &Path, notation: Notation) -> Result<&'static str, ReadError> {
    let mut forms = Forms::open(path, notation, None, Tape::default())?;
    let mut hints = Hints::default();
    while let Step::Form = forms.step() {
        let entry = match entry(forms.form()) {
            Ok(entry) => entry,
            // What is wrong here is for the reader to say.
            Err(_) if hints.writes > 0 => break,
            Err(what) => {
                let (line, byte) = forms.place();
                return Err(ReadError::Line { path: path.into(), line, byte, what });
            }
        };
        match tells(&entry.said).or_else(|| hints.take(&entry)) {
            // Transactions over rows may begin with some that only write.
            Some(RwRegister::NAME) if hints.writes < WRITES_MAX => hints.writes += 1,
            Some(vocabulary) => return Ok(vocabulary),
            None => {}
        }
    }
    hints.conclude(path)
}
