//! A Jepsen history, event by event. The order of its lines is the order in which things happened.

use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;

use super::{
    Format,
    builder::{Entry, Failures, Kind, Processes, Who, failed, reason},
    clock::Clock,
    edn::{Forms, Step, entry},
    spoken::{Shape, Spoken},
    tape::{Notation, Tape},
};
use crate::{
    Damage, Header, ListAppend, Nanos, NodeId, OpIndex, Operation, Outcome, Process, ReadError, Reason,
    RwRegister, Value, Vocabulary,
    file::{OwnEvents, frames::Text},
    stream::{Event, Events, StreamError, Streamed},
    vocabulary::list_append::Lists,
};

struct Foreign<V: Vocabulary> {
    header: Header,
    damage: Option<Damage>,
    path: PathBuf,
    forms: Forms,
    /// Why a compressed block cannot be believed, where the text stops before one.
    stop: Option<String>,
    desk: Desk<V>,
}

macro_rules! streamed {
    ($($vocabulary:ident)*) => {
        $(impl Streamed for $vocabulary {
            fn events(
                path: &Path,
                format: Format,
                initial: Option<Value>,
            ) -> Result<Box<dyn Events<Self>>, StreamError> {
                match format {
                    Format::Disprove => Ok(Box::new(OwnEvents::<Self>::open(path, initial)?)),
                    _ => Ok(Box::new(foreign::<Self>(path, format, initial)?)),
                }
            }
        })*
    };
}

streamed! { ListAppend RwRegister }

/// Opens a file of Jepsen's formats.
fn foreign<V: Spoken>(path: &Path, format: Format, initial: Option<Value>) -> Result<Foreign<V>, ReadError> {
    let notation = if format == Format::JepsenJson { Notation::Json } else { Notation::Edn };
    let corrupt =
        Text::first_corruption(path).map_err(|source| ReadError::Io { path: path.into(), source })?;
    // A tape that shares lists hands out lists which can be looked into only at the end.
    let forms = Forms::open(path, notation, corrupt.as_ref().map(|(from, _)| *from), Tape::default())?;
    let header = Header { initial: initial.unwrap_or_default(), ..Header::new(V::NAME) };
    Ok(Foreign {
        desk: Desk {
            shape: Shape {
                keyed: None,
                nil_is_initial: header.initial == Value::Nil,
                lists: Lists::default(),
            },
            processes: Processes::default(),
            open: FxHashMap::default(),
            next: 0,
            clock: Clock::default(),
        },
        header,
        damage: None,
        path: path.into(),
        forms,
        stop: corrupt.map(|(_, what)| what),
    })
}

impl<V: Spoken> Events<V> for Foreign<V> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_event(&mut self) -> Result<Option<Event<V>>, StreamError> {
        while self.damage.is_none() {
            let damage = match (self.forms.step(), &self.stop) {
                (Step::Form, _) => {
                    let taken = entry(self.forms.form()).map_err(Wrong::Line);
                    match taken.and_then(|entry| self.desk.take(&entry)) {
                        Ok(Some(event)) => return Ok(Some(event)),
                        Ok(None) => continue,
                        Err(wrong) => return Err(self.refuse(wrong)),
                    }
                }
                (Step::End | Step::Damage(_), Some(what)) => self.forms.damage(what),
                (Step::Corrupt { what, .. }, _) => self.forms.damage(&what),
                (Step::Damage(damage), None) => damage,
                (Step::End, None) => return Ok(None),
            };
            self.damage = Some(damage);
        }
        Ok(None)
    }

    fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    fn place(&self) -> (u64, u64) {
        self.forms.place()
    }
}

impl<V: Vocabulary> Foreign<V> {
    fn refuse(&self, wrong: Wrong) -> StreamError {
        let (line, byte) = self.forms.place();
        match wrong {
            Wrong::Line(what) => ReadError::Line { path: self.path.clone(), line, byte, what }.into(),
            Wrong::Unordered(what) => StreamError::Unordered { line, what: what.into() },
        }
    }
}

/// What is wrong with a line.
enum Wrong {
    /// It cannot be understood, in words that fit "line 3 …".
    Line(String),
    /// It can, but not yet.
    Unordered(&'static str),
}

/// The calls that are under way.
struct Desk<V: Vocabulary> {
    shape: Shape,
    processes: Processes,
    open: FxHashMap<Process, (OpIndex, V::Call)>,
    next: u32,
    clock: Clock,
}

impl<V: Spoken> Desk<V> {
    fn take(&mut self, entry: &Entry<'_>) -> Result<Option<Event<V>>, Wrong> {
        let now = self.clock.tick(entry.time());
        let process = match self.processes.who(entry.process).map_err(Wrong::Line)? {
            Who::Nemesis => return Ok(None),
            Who::Missing => return Err(Wrong::Unordered("has no :process")),
            Who::Process(process) => process,
        };
        // Whoever gets a list may look into it at once.
        self.shape.lists = Lists::default();
        let event = if entry.kind == Kind::Invoke {
            self.begin(process, entry, now)
        } else {
            self.end(process, entry, now)
        };
        event.map(Some)
    }

    fn begin(&mut self, process: Process, entry: &Entry<'_>, now: Nanos) -> Result<Event<V>, Wrong> {
        let call = V::call(&entry.said, &mut self.shape).map_err(Wrong::Line)?;
        let index = OpIndex(self.next);
        self.next = self.next.checked_add(1).ok_or_else(|| Wrong::Line("has one call too many".into()))?;
        if self.open.insert(process, (index, call.clone())).is_some() {
            return Err(Wrong::Unordered("begins a second call of its process"));
        }
        Ok(Event::Began(Operation {
            index,
            process,
            node: NodeId(0),
            call,
            outcome: Outcome::Unknown(Reason::from("no answer was recorded")),
            began: now,
            ended: None,
        }))
    }

    fn end(&mut self, process: Process, entry: &Entry<'_>, now: Nanos) -> Result<Event<V>, Wrong> {
        let Some((index, mut call)) = self.open.remove(&process) else {
            return Err(Wrong::Unordered("ends a call whose beginning was not recorded"));
        };
        let asked = call.clone();
        let outcome = match entry.kind {
            Kind::Ok => V::answer(&entry.said, &mut call, &mut self.shape).map_err(Wrong::Line)?,
            Kind::Fail => failed::<V>(&call, entry, Failures::Certain),
            _ => Outcome::Unknown(reason(entry, "it is not known what became of it")),
        };
        self.shape.lists = Lists::default();
        let call = (call != asked).then_some(call);
        Ok(Event::Ended { index, at: now, outcome, call })
    }
}
