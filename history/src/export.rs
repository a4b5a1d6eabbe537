//! Histories for other checkers: Jepsen's EDN, one map per line.
//!
//! What `import` reads from it is the same history, except that times become ranks. Three things cannot be said in
//! Jepsen's words, and are said so that its checkers stay on the safe side and `import` understands them:
//!
//! - a refused compare-and-set is a `:fail` with the `:error :disprove/refused`;
//! - a register read whose answer is not known is an `:info` with the `:error :disprove/not-known`, and within a
//!   transaction it reads `:disprove/not-known`;
//! - equal times are concurrent, so at one time calls begin before others end. Where a process would end one call and
//!   begin the next at the same time, it goes on as a new process: that gives up a little order and invents none.
//!
//! Faults are left out, since every nemesis has words of its own for them.

mod locks;
mod rows;
mod stores;

use std::io::{self, Write};

use rustc_hash::{FxHashMap, FxHashSet};

use crate::{
    History, Key, Operation, Outcome, Process, Value, Vocabulary,
    import::{NOT_KNOWN, REFUSED},
    vocabulary::{
        ListAppend, MultiRegister, Register, RwRegister, Set, list_append, register, rw_register, set,
    },
};

/// A vocabulary that can be written as Jepsen's EDN.
pub trait Exported: Vocabulary {
    /// What was called, as `:f` names it.
    fn f(call: &Self::Call) -> &'static str {
        Self::kind(call)
    }
    /// The value of an invocation (`returned` is `None`) or of a completion. `keyed` asks for `[k v]`.
    fn value(call: &Self::Call, returned: Option<&Self::Return>, keyed: bool) -> String;
    /// The type and the error of a successful completion, where Jepsen has no word for it.
    fn exception(_: &Self::Return) -> Option<(&'static str, &'static str)> {
        None
    }
}

/// Writes a history as EDN, one map per line.
pub fn edn<V: Exported>(history: &History<V>, mut into: impl Write) -> io::Result<()> {
    let header = &history.header;
    writeln!(into, "; vocabulary {}, initial value {}", header.vocabulary, scalar(&header.initial))?;
    let keyed = history
        .operations
        .iter()
        .any(|operation| V::keys(&operation.call).iter().any(|key| *key != Key::Nil));
    let mut events: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * history.operations.len());
    for (place, operation) in history.operations.iter().enumerate() {
        events.push((operation.began.0, false, place));
        if let Some(ended) = operation.ended {
            events.push((ended.0, true, place));
        }
    }
    events.sort_unstable();
    let mut lines = Lines::new(history, keyed);
    for (_, ends, place) in events {
        let operation = &history.operations[place];
        if ends { lines.end(operation, &mut into)? } else { lines.begin(operation, &mut into)? }
    }
    into.flush()
}

/// The lines as they are written.
struct Lines {
    keyed: bool,
    index: u64,
    /// The process that goes on as another, and as which.
    renamed: FxHashMap<Process, u32>,
    next_process: u32,
    /// The processes, as they are written, that have a call under way.
    open: FxHashSet<u32>,
    /// The process under which each call under way was written, by place.
    written_as: FxHashMap<usize, u32>,
}

impl Lines {
    fn new<V: Vocabulary>(history: &History<V>, keyed: bool) -> Self {
        let last = history.operations.iter().map(|operation| operation.process.0).max().unwrap_or_default();
        Self {
            keyed,
            index: 0,
            renamed: FxHashMap::default(),
            next_process: last.saturating_add(1),
            open: FxHashSet::default(),
            written_as: FxHashMap::default(),
        }
    }

    fn begin<V: Exported>(&mut self, operation: &Operation<V>, into: &mut impl Write) -> io::Result<()> {
        let place = operation.index.0 as usize;
        let mut process = self.renamed.get(&operation.process).copied().unwrap_or(operation.process.0);
        if self.open.contains(&process) {
            // Either the call before ends at this same time, or its end was never seen.
            process = self.next_process;
            self.next_process = self.next_process.wrapping_add(1);
            self.renamed.insert(operation.process, process);
        }
        self.open.insert(process);
        self.written_as.insert(place, process);
        let value = V::value(&operation.call, None, self.keyed);
        self.line(process, "invoke", V::f(&operation.call), &value, operation.began.0, None, into)
    }

    fn end<V: Exported>(&mut self, operation: &Operation<V>, into: &mut impl Write) -> io::Result<()> {
        let place = operation.index.0 as usize;
        let process = self.written_as.remove(&place).unwrap_or(operation.process.0);
        self.open.remove(&process);
        let call = &operation.call;
        let asked = || V::value(call, None, self.keyed);
        let (kind, value, error) = match &operation.outcome {
            Outcome::Ok(returned) => match V::exception(returned) {
                Some((kind, error)) => (kind, asked(), Some(format!(":{error}"))),
                None => ("ok", V::value(call, Some(returned), self.keyed), None),
            },
            Outcome::Fail(reason) => ("fail", asked(), Some(text(&reason.0))),
            Outcome::Unknown(reason) => ("info", asked(), Some(text(&reason.0))),
        };
        let time = operation.ended.unwrap_or(operation.began).0;
        self.line(process, kind, V::f(call), &value, time, error.as_deref(), into)
    }

    #[expect(clippy::too_many_arguments, reason = "each is one member of the map that is written")]
    fn line(
        &mut self,
        process: u32,
        kind: &str,
        f: &str,
        value: &str,
        time: u64,
        error: Option<&str>,
        into: &mut impl Write,
    ) -> io::Result<()> {
        let index = self.index;
        self.index += 1;
        write!(
            into,
            "{{:index {index}, :type :{kind}, :f :{f}, :value {value}, :process {process}, :time {time}"
        )?;
        if let Some(error) = error {
            write!(into, ", :error {error}")?;
        }
        writeln!(into, "}}")
    }
}

/// A text between quotes.
fn text(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for letter in text.chars() {
        match letter {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// True for a text that reads back as the same keyword.
fn is_keyword(text: &str) -> bool {
    let name =
        |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '/' | '?' | '!');
    text.strip_prefix(':').is_some_and(|rest| !rest.is_empty() && rest.chars().all(name))
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Nil => "nil".into(),
        Value::Int(number) => number.to_string(),
        Value::Text(keyword) if is_keyword(keyword) => keyword.to_string(),
        Value::Text(other) => text(other),
    }
}

fn list(values: &[Value]) -> String {
    format!("[{}]", values.iter().map(scalar).collect::<Vec<_>>().join(" "))
}

fn under(key: &Key, value: &str, keyed: bool) -> String {
    if keyed { format!("[{} {value}]", scalar(key)) } else { value.to_owned() }
}

impl Exported for Register {
    fn value(call: &register::Call, returned: Option<&register::Return>, keyed: bool) -> String {
        let value = match (call, returned) {
            (register::Call::Read(_), Some(register::Return::Value(Some(value)))) => scalar(value),
            (register::Call::Read(_), _) => "nil".into(),
            (register::Call::Write(_, value), _) => scalar(value),
            (register::Call::Cas(_, from, to), _) => format!("[{} {}]", scalar(from), scalar(to)),
        };
        under(call.key(), &value, keyed)
    }

    fn exception(returned: &register::Return) -> Option<(&'static str, &'static str)> {
        match returned {
            register::Return::Refused => Some(("fail", REFUSED)),
            register::Return::Value(None) => Some(("info", NOT_KNOWN)),
            _ => None,
        }
    }
}

impl Exported for Set {
    fn value(call: &set::Call, returned: Option<&set::Return>, keyed: bool) -> String {
        let value = match (call, returned) {
            (set::Call::Contains(..), Some(set::Return::Contains(is_in))) => is_in.to_string(),
            (
                set::Call::Add(_, element) | set::Call::Remove(_, element),
                Some(set::Return::Changed(changed)),
            ) => {
                format!("[{} {changed}]", scalar(element))
            }
            (
                set::Call::Add(_, element) | set::Call::Remove(_, element) | set::Call::Contains(_, element),
                _,
            ) => scalar(element),
            (set::Call::Read(_), Some(set::Return::Elements(elements))) => list(elements),
            (set::Call::Read(_), _) => "nil".into(),
        };
        under(call.key(), &value, keyed)
    }
}

/// A transaction of these steps.
fn transaction(steps: impl Iterator<Item = (&'static str, Key, String)>) -> String {
    let steps: Vec<String> =
        steps.map(|(f, key, value)| format!("[:{f} {} {value}]", scalar(&key))).collect();
    format!("[{}]", steps.join(" "))
}

impl Exported for ListAppend {
    fn value(call: &Vec<list_append::Step>, returned: Option<&Vec<list_append::Answer>>, _: bool) -> String {
        match returned {
            None => transaction(call.iter().map(|step| match step {
                list_append::Step::Read(key) => ("r", key.clone(), "nil".into()),
                list_append::Step::Append(key, value) => ("append", key.clone(), scalar(value)),
            })),
            Some(answers) => transaction(answers.iter().map(|answer| match answer {
                list_append::Answer::Read(key, Some(values)) => ("r", key.clone(), list(values)),
                list_append::Answer::Read(key, None) => ("r", key.clone(), format!(":{NOT_KNOWN}")),
                list_append::Answer::Append(key, value) => ("append", key.clone(), scalar(value)),
            })),
        }
    }
}

fn read_write(call: &[rw_register::Step], returned: Option<&[rw_register::Answer]>) -> String {
    match returned {
        None => transaction(call.iter().map(|step| match step {
            rw_register::Step::Read(key) => ("r", key.clone(), "nil".into()),
            rw_register::Step::Write(key, value) => ("w", key.clone(), scalar(value)),
        })),
        Some(answers) => transaction(answers.iter().map(|answer| match answer {
            rw_register::Answer::Read(key, Some(value)) => ("r", key.clone(), scalar(value)),
            rw_register::Answer::Read(key, None) => ("r", key.clone(), format!(":{NOT_KNOWN}")),
            rw_register::Answer::Write(key, value) => ("w", key.clone(), scalar(value)),
        })),
    }
}

impl Exported for RwRegister {
    fn value(call: &Vec<rw_register::Step>, returned: Option<&Vec<rw_register::Answer>>, _: bool) -> String {
        read_write(call, returned.map(Vec::as_slice))
    }
}

impl Exported for MultiRegister {
    fn f(_: &Vec<rw_register::Step>) -> &'static str {
        "txn"
    }

    fn value(call: &Vec<rw_register::Step>, returned: Option<&Vec<rw_register::Answer>>, _: bool) -> String {
        read_write(call, returned.map(Vec::as_slice))
    }
}
