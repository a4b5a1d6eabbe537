//! dbcop's JSON: `{"params": …, "data": [[{"events": [{"Write": {"variable": 1, "version": 2}}, …], "committed": true}]]}`,
//! or its compact events `["w", 1, 2]`.

use std::{fmt, path::Path};

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};

use super::super::{
    lines::whole,
    sessions::{Fate, Sessions},
};
use crate::{
    Header, History, Process, ReadError, Value,
    vocabulary::{RwRegister, rw_register::Answer},
};

/// Reads a whole file.
pub(in crate::import) fn read(path: &Path, header: &Header) -> Result<History<RwRegister>, ReadError> {
    let text = whole(path)?;
    let mut sessions = Sessions::new();
    let mut json = serde_json::Deserializer::from_slice(&text);
    let whole_file = Document { sessions: &mut sessions, initial: &header.initial };
    let read = whole_file.deserialize(&mut json).and_then(|()| json.end());
    match read {
        Ok(()) => Ok(sessions.finish(header)),
        Err(error) => {
            let before = text.split_inclusive(|byte| *byte == b'\n').take(error.line().saturating_sub(1));
            let byte = before.map(|line| line.len() as u64).sum::<u64>() + error.column() as u64;
            // The place is in the error already, once as line and column.
            let what = error.to_string();
            let what = what.split(" at line ").next().unwrap_or(&what);
            let what = format!("is not dbcop's JSON: {what}");
            Err(ReadError::Line { path: path.into(), line: error.line() as u64, byte, what })
        }
    }
}

/// The object that a file is.
struct Document<'a> {
    sessions: &'a mut Sessions<RwRegister>,
    initial: &'a Value,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with the member data")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut found = false;
        while let Some(name) = map.next_key::<String>()? {
            if name == "data" {
                if found {
                    return Err(de::Error::duplicate_field("data"));
                }
                found = true;
                map.next_value_seed(Data { sessions: self.sessions, initial: self.initial, session: None })?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        if found { Ok(()) } else { Err(de::Error::missing_field("data")) }
    }
}

/// The list of sessions (`session` is `None`), or one of them.
struct Data<'a> {
    sessions: &'a mut Sessions<RwRegister>,
    initial: &'a Value,
    session: Option<Process>,
}

impl<'de> DeserializeSeed<'de> for Data<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Data<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of sessions, which are lists of transactions")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Some(process) = self.session else {
            let mut next = 0_u32;
            loop {
                let session =
                    Data { sessions: self.sessions, initial: self.initial, session: Some(Process(next)) };
                if sequence.next_element_seed(session)?.is_none() {
                    return Ok(());
                }
                next = next.checked_add(1).ok_or_else(|| de::Error::custom("one session too many"))?;
            }
        };
        while let Some(Transaction { events, committed }) = sequence.next_element()? {
            let known = |event| match event {
                Event::Write { variable, version } => Answer::Write(variable, version),
                Event::Read { variable, version } => {
                    Answer::Read(variable, Some(version.unwrap_or_else(|| self.initial.clone())))
                }
            };
            let steps = events.into_iter().map(known).collect();
            let fate = if committed { Fate::Committed } else { Fate::Aborted };
            self.sessions.push(process, fate, steps).map_err(de::Error::custom)?;
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Transaction {
    events: Vec<Event>,
    committed: bool,
}

/// A step in either notation.
enum Event {
    Read { variable: Value, version: Option<Value> },
    Write { variable: Value, version: Value },
}

impl Event {
    fn new<E: de::Error>(f: &str, variable: Value, version: Option<Value>) -> Result<Self, E> {
        match (f, version) {
            ("Read" | "r", version) => Ok(Self::Read { variable, version }),
            ("Write" | "w", Some(version)) => Ok(Self::Write { variable, version }),
            ("Write" | "w", None) => Err(E::custom("a write without a version")),
            (other, _) => Err(E::unknown_variant(other, &["Read", "Write", "r", "w"])),
        }
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EventVisitor)
    }
}

struct EventVisitor;

impl<'de> Visitor<'de> for EventVisitor {
    type Value = Event;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{\"Read\": {…}}, {\"Write\": {…}}, [\"r\", …] or [\"w\", …]")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Event, A::Error> {
        #[derive(Deserialize)]
        struct Fields {
            variable: Value,
            version: Option<Value>,
        }
        let Some((f, fields)) = map.next_entry::<String, Fields>()? else {
            return Err(de::Error::invalid_length(0, &self));
        };
        if map.next_entry::<String, IgnoredAny>()?.is_some() {
            return Err(de::Error::invalid_length(2, &self));
        }
        Event::new(&f, fields.variable, fields.version)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Event, A::Error> {
        let short = |length| move || de::Error::invalid_length(length, &"[f, variable, version]");
        let f: String = sequence.next_element()?.ok_or_else(short(0))?;
        let variable = sequence.next_element()?.ok_or_else(short(1))?;
        let version = sequence.next_element()?.ok_or_else(short(2))?;
        if sequence.next_element::<IgnoredAny>()?.is_some() {
            return Err(de::Error::invalid_length(4, &"[f, variable, version]"));
        }
        Event::new(&f, variable, version)
    }
}
