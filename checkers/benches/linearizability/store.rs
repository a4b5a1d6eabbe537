//! A store of texts under keys, with get, put and append: Porcupine's logs of it, and histories like them.

use std::{collections::BTreeMap, path::Path};

use disprove_checkers::{
    Budget, Checker, DataType, Growth, Influence, Verdict, datatypes::key_value_stores,
    linearizability::LinearizableType,
};
use history::{
    Header, History, Key, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::{KeyValue, key_value},
};

use crate::clients::Dice;

/// What is asked: nothing is a get.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct Call {
    key: String,
    put: Option<String>,
    append: Option<String>,
}

/// A call, its answer, its process, and when it was under way.
#[derive(Clone, Debug)]
pub struct Event {
    call: Call,
    answer: Option<String>,
    process: u32,
    began: u64,
    ended: Option<u64>,
}

/// The vocabulary of a store that is judged as one object.
#[derive(Clone, Copy, Debug)]
pub struct Texts;

impl Vocabulary for Texts {
    const NAME: &'static str = "texts";
    type Call = Call;
    type Return = String;

    fn kind(call: &Call) -> &'static str {
        match (&call.put, &call.append) {
            (Some(_), _) => "put",
            (_, Some(_)) => "append",
            _ => "get",
        }
    }
    fn keys(_: &Call) -> Vec<Key> {
        Vec::new()
    }
    fn is_read(call: &Call) -> bool {
        call.put.is_none() && call.append.is_none()
    }
    fn describe_call(call: &Call) -> String {
        format!("{call:?}")
    }
    fn describe_return(_: &Call, returned: &String) -> String {
        returned.clone()
    }
}

fn after(now: &str, call: &Call, returned: Option<&String>) -> Option<String> {
    match (&call.put, &call.append) {
        (Some(text), _) => Some(text.clone()),
        (_, Some(text)) => Some(format!("{now}{text}")),
        _ => returned.is_none_or(|returned| returned == now).then(|| now.to_owned()),
    }
}

fn influence(call: &Call, observing: &Call) -> Influence {
    match &call.put {
        _ if call.key != observing.key || Texts::is_read(call) => Influence::Nothing,
        Some(_) => Influence::Sets,
        None => Influence::Adds,
    }
}

/// The texts of all keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct All(BTreeMap<String, String>);

impl All {
    fn now(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }
}

impl DataType for All {
    type Vocabulary = Texts;

    fn initial(_: &Value) -> Self {
        Self(BTreeMap::new())
    }
    fn step(&self, call: &Call, returned: Option<&String>, next: &mut Vec<Self>) {
        let now = self.now(&call.key);
        if let Some(text) = after(now, call, returned) {
            let mut all = self.clone();
            if text != now {
                all.0.insert(call.key.clone(), text);
            }
            next.push(all);
        }
    }
    fn growth() -> Option<Growth<Self>> {
        Some(Growth {
            influence,
            reaches: |state, call, returned| returned.starts_with(state.now(&call.key)),
        })
    }
}

fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = &line[line.find(name)? + name.len()..];
    let rest = rest.trim_start();
    match rest.strip_prefix('"') {
        Some(text) => text.split('"').next(),
        None => rest.split([',', '}']).next(),
    }
}

/// Reads one of Porcupine's logs.
pub fn read(path: &Path) -> Vec<Event> {
    let text = std::fs::read_to_string(path).expect("the log can be read");
    let mut events: Vec<Event> = Vec::new();
    let mut open: BTreeMap<u32, usize> = BTreeMap::new();
    for (at, line) in (0u64..).zip(text.lines()) {
        let process: u32 = field(line, ":process").and_then(|number| number.parse().ok()).expect("a process");
        let value = field(line, ":value").unwrap_or_default().to_owned();
        if line.contains(":type :invoke") {
            let kind = field(line, ":f").expect("a kind");
            let call = Call {
                key: field(line, ":key").expect("a key").to_owned(),
                put: (kind == ":put").then(|| value.clone()),
                append: (kind == ":append").then_some(value),
            };
            open.insert(process, events.len());
            events.push(Event { call, answer: None, process, began: at, ended: None });
        } else {
            let event = &mut events[open.remove(&process).expect("it was invoked")];
            event.answer = Some(value);
            event.ended = Some(at);
        }
    }
    events
}

/// As the clients of those logs behave: half gets, half appends, now and then a put.
pub fn generate(clients: u32, count: u64, keys: u64, bad: bool) -> Vec<Event> {
    let mut dice = Dice(7);
    let mut free = vec![0.0; clients as usize];
    let mut drafts = Vec::new();
    for number in 0..count {
        let client =
            (0..free.len()).min_by(|&a, &b| f64::total_cmp(&free[a], &free[b])).expect("there are clients");
        let began: f64 = free[client];
        let latency = 0.1 + dice.exponential(1.0);
        let text = format!("x {client} {number} y");
        let key = dice.roll(keys).to_string();
        let call = match dice.roll(20) {
            0 => Call { key, put: Some(text), append: None },
            1..=10 => Call { key, put: None, append: Some(text) },
            _ => Call { key, put: None, append: None },
        };
        drafts.push((began + dice.fraction() * latency, began, began + latency, client as u32, call));
        free[client] = began + latency + dice.fraction() * 0.01;
    }
    drafts.sort_by(|a, b| f64::total_cmp(&a.0, &b.0));
    let mut all: BTreeMap<String, String> = BTreeMap::new();
    let mut events = Vec::new();
    for (_, began, ended, process, call) in drafts {
        let now = all.entry(call.key.clone()).or_default();
        *now = after(now, &call, None).expect("nothing is refused");
        let answer = Some(if Texts::is_read(&call) { now.clone() } else { String::new() });
        events.push(Event {
            call,
            answer,
            process,
            began: (began * 1e6) as u64,
            ended: Some((ended * 1e6) as u64),
        });
    }
    events.sort_by_key(|event| event.began);
    if bad {
        let half = events.len() / 2;
        let late = events[half..].iter_mut().find(|event| {
            Texts::is_read(&event.call) && event.answer.as_ref().is_some_and(|text| text.len() > 60)
        });
        let answer = late.and_then(|event| event.answer.as_mut()).expect("a read of much");
        answer.truncate(answer.len() / 2);
    }
    events
}

fn history<V: Vocabulary>(
    name: &str,
    events: &[Event],
    call: impl Fn(&Call) -> V::Call,
    answer: impl Fn(&Event, &str) -> V::Return,
) -> History<V> {
    let operations = (0u32..).zip(events).map(|(index, event)| Operation {
        index: OpIndex(index),
        process: Process(event.process),
        node: NodeId(0),
        call: call(&event.call),
        outcome: match &event.answer {
            Some(text) => Outcome::Ok(answer(event, text)),
            None => Outcome::Unknown("no answer".into()),
        },
        began: Nanos(event.began),
        ended: event.ended.map(Nanos),
    });
    let operations = operations.collect();
    let header = Header { initial: Value::from(""), ..Header::new(name) };
    History { header, operations, faults: Vec::new(), damage: None }
}

/// The call as the command line reads it.
fn by_key(call: &Call) -> key_value::Call {
    let key = Value::from(call.key.as_str());
    match (&call.put, &call.append) {
        (Some(text), _) => key_value::Call::Put(key, Value::from(text.as_str())),
        (_, Some(text)) => key_value::Call::Append(key, Value::from(text.as_str())),
        _ => key_value::Call::Get(key),
    }
}

/// What is judged.
#[derive(Debug)]
pub enum Texted {
    /// By key.
    Keys(History<KeyValue>),
    /// As one object.
    Whole(History<Texts>),
}

/// The history of these events.
pub fn collect(events: &[Event], keys: bool) -> Texted {
    if !keys {
        return Texted::Whole(history("texts", events, Call::clone, |_, text| text.to_owned()));
    }
    Texted::Keys(history("key-value", events, by_key, |event, text| {
        if Texts::is_read(&event.call) {
            key_value::Return::Value(Some(Value::from(text)))
        } else {
            key_value::Return::Done
        }
    }))
}

/// Judges them.
pub fn check(texted: &Texted, described: usize, budget: &Budget) -> Verdict {
    match texted {
        Texted::Keys(history) => key_value_stores().with_anomalies_max(described).check(history, budget),
        Texted::Whole(history) => {
            LinearizableType::<All>::new().with_anomalies_max(described).check(history, budget)
        }
    }
}
