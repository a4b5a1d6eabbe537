//! Pairs the lines of a foreign history, which come in the order in which things happened.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{
    clock::Clock,
    nemesis::Nemesis,
    spoken::{NOT_KNOWN, REFUSED, Said, Shape, Spoken},
    tape::{Token, View},
};
use crate::{
    Damage, Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason, Value, Vocabulary,
    history::rank, vocabulary::list_append::Lists,
};

/// The call that takes out one element after the other until there is none.
const DRAIN: &[u8] = b"drain";

/// Processes that are not named by a number below this one get numbers from here on.
const NAMED_PROCESSES: u32 = 1 << 31;

/// More calls than this are not under way at once where a process does not tell them apart.
const UNDER_WAY_MAX: usize = 4096;

/// What a line says happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Invoke,
    Ok,
    Fail,
    Info,
}

impl Kind {
    pub fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"invoke" => Some(Self::Invoke),
            b"ok" => Some(Self::Ok),
            b"fail" => Some(Self::Fail),
            b"info" => Some(Self::Info),
            _ => None,
        }
    }
}

/// Who a line is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Process(Process),
    /// Nobody says.
    Missing,
    Nemesis,
}

/// One line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'a> {
    pub kind: Kind,
    pub process: View<'a>,
    pub said: Said<'a>,
    pub error: View<'a>,
    pub time: Option<View<'a>>,
}

impl Entry<'_> {
    /// What the line says of when it was written.
    pub fn time(&self) -> Option<u64> {
        match self.time?.token() {
            Token::Int(time @ 0..) => Some(time as u64),
            _ => None,
        }
    }
}

/// Whose word a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failures {
    /// It certainly did not happen.
    Certain,
    /// A compare-and-set was refused; anything else is not known.
    Refusals,
}

/// The processes of a history, by the names that its lines give them.
pub(super) struct Processes {
    named: FxHashMap<Value, Process>,
    next_named: u32,
}

impl Default for Processes {
    fn default() -> Self {
        Self { named: FxHashMap::default(), next_named: NAMED_PROCESSES }
    }
}

impl Processes {
    /// Who a line is about.
    pub fn who(&mut self, process: View<'_>) -> Result<Who, String> {
        match process.token() {
            Token::Nil => Ok(Who::Missing),
            Token::Int(number) if (0..i64::from(NAMED_PROCESSES)).contains(&number) => {
                Ok(Who::Process(Process(number as u32)))
            }
            _ if process.name() == Some(b"nemesis") => Ok(Who::Nemesis),
            _ => {
                let name = process.value();
                if let Some(process) = self.named.get(&name) {
                    return Ok(Who::Process(*process));
                }
                let process = self.fresh()?;
                self.named.insert(name, process);
                Ok(Who::Process(process))
            }
        }
    }

    /// A process that no line names.
    fn fresh(&mut self) -> Result<Process, String> {
        let process = Process(self.next_named);
        self.next_named = self.next_named.checked_add(1).ok_or("has one process too many")?;
        Ok(process)
    }
}

/// A history of one vocabulary while its lines come in.
pub(super) struct Builder<V: Vocabulary> {
    operations: Vec<Operation<V>>,
    shape: Shape,
    failures: Failures,
    /// Calls under way by process.
    open: FxHashMap<Process, usize>,
    /// The calls under way of each process that has more than one, which only a careless client has.
    overlapping: FxHashMap<Process, Vec<usize>>,
    /// Calls under way of which nobody says whose they are.
    open_missing: Vec<usize>,
    /// When a process's last call ended, for completions without an invocation.
    last_end: FxHashMap<Process, Nanos>,
    processes: Processes,
    /// The calls that take out one element after the other until there is none.
    drains: Vec<usize>,
    clock: Clock,
    /// The time of the last line where times matter.
    latest: u64,
    nemesis: Nemesis,
}

impl<V: Spoken> Builder<V> {
    pub fn new(initial: &Value, failures: Failures) -> Self {
        Self {
            operations: Vec::new(),
            shape: Shape { keyed: None, nil_is_initial: *initial == Value::Nil, lists: Lists::default() },
            failures,
            open: FxHashMap::default(),
            overlapping: FxHashMap::default(),
            open_missing: Vec::new(),
            last_end: FxHashMap::default(),
            processes: Processes::default(),
            drains: Vec::new(),
            clock: Clock::default(),
            latest: 0,
            nemesis: Nemesis::default(),
        }
    }

    /// Takes the next line. The error says what is wrong with it, in words that fit "line 3 …".
    pub fn take(&mut self, entry: &Entry<'_>) -> Result<(), String> {
        let now = self.now(entry)?;
        match (self.processes.who(entry.process)?, entry.kind) {
            (Who::Nemesis, _) => {
                self.nemesis.take(entry.said.f, entry.said.value, now);
                Ok(())
            }
            (who, Kind::Invoke) => self.begin(who, entry, now),
            (who, _) => self.end(who, entry, now),
        }
    }

    /// When a line was written. Where times matter they may be equal, and never go back.
    fn now(&mut self, entry: &Entry<'_>) -> Result<Nanos, String> {
        if !V::TIMED {
            return Ok(self.clock.tick(entry.time()));
        }
        let Some(time) = entry.time() else {
            return Err(format!(
                "has no :time in nanoseconds, and no {} can be judged without times",
                V::NAME
            ));
        };
        self.latest = self.latest.max(time);
        Ok(Nanos(self.latest))
    }

    fn begin(&mut self, who: Who, entry: &Entry<'_>, now: Nanos) -> Result<(), String> {
        let call = V::call(&entry.said, &mut self.shape)?;
        let Who::Process(process) = who else {
            let place = self.push(who, call, now)?;
            self.note_drain(entry, place);
            self.open_missing.push(place);
            return under_way(self.open_missing.len());
        };
        let before = self.open.remove(&process);
        if before.is_none() && !self.overlapping.contains_key(&process) {
            let place = self.push(who, call, now)?;
            self.note_drain(entry, place);
            self.open.insert(process, place);
            return Ok(());
        }
        // A session has one call at a time, so nothing is claimed about the order of this one in the session.
        let place = self.push(Who::Missing, call, now)?;
        self.note_drain(entry, place);
        let open = self.overlapping.entry(process).or_default();
        open.extend(before);
        open.push(place);
        under_way(open.len())
    }

    fn note_drain(&mut self, entry: &Entry<'_>, place: usize) {
        if entry.said.f == DRAIN {
            self.drains.push(place);
        }
    }

    fn push(&mut self, who: Who, call: V::Call, began: Nanos) -> Result<usize, String> {
        let place = self.operations.len();
        let index = OpIndex(u32::try_from(place).map_err(|_| "has one call too many")?);
        let process = match who {
            Who::Process(process) => process,
            _ => self.processes.fresh()?,
        };
        let outcome = Outcome::Unknown(Reason::from("no answer was recorded"));
        self.operations.push(Operation {
            index,
            process,
            node: NodeId(0),
            call,
            outcome,
            began,
            ended: None,
        });
        Ok(place)
    }

    fn end(&mut self, who: Who, entry: &Entry<'_>, now: Nanos) -> Result<(), String> {
        let open = match who {
            Who::Process(process) => {
                let began = self.last_end.insert(process, now).unwrap_or_default();
                match self.overlapping.remove(&process) {
                    Some(open) => self.answered_by_process(process, open, entry)?.ok_or(began),
                    None => self.open.remove(&process).ok_or(began),
                }
            }
            _ => self.answered_by_nobody(entry)?.ok_or(Nanos(0)),
        };
        let place = match open {
            Ok(place) => place,
            Err(began) => {
                let call = V::call(&entry.said, &mut self.shape)?;
                let place = self.push(who, call, began)?;
                self.note_drain(entry, place);
                place
            }
        };
        if entry.kind == Kind::Ok && self.drains.binary_search(&place).is_ok() {
            return self.drained(place, entry, now);
        }
        let operation = &mut self.operations[place];
        operation.ended = Some(now);
        operation.outcome = match entry.kind {
            Kind::Ok => V::answer(&entry.said, &mut operation.call, &mut self.shape)?,
            Kind::Fail => failed::<V>(&operation.call, entry, self.failures),
            _ => match V::not_known(&operation.call) {
                Some(answer) if entry.error.name() == Some(NOT_KNOWN.as_bytes()) => Outcome::Ok(answer),
                _ => Outcome::Unknown(reason(entry, "it is not known what became of it")),
            },
        };
        Ok(())
    }

    /// A drain is as many calls as took something out. When each of them was under way is not known, only that all
    /// were between the drain's beginning and end; each is a process of its own, since no order is known either.
    fn drained(&mut self, place: usize, entry: &Entry<'_>, now: Nanos) -> Result<(), String> {
        let operation = &self.operations[place];
        let (call, began) = (operation.call.clone(), operation.began);
        let mut returned = V::drained(&entry.said, &call, &mut self.shape)?.into_iter();
        self.operations[place].ended = Some(now);
        self.operations[place].outcome = match returned.next() {
            Some(first) => Outcome::Ok(first),
            None => Outcome::Fail(Reason::from("there was nothing to drain")),
        };
        for another in returned {
            let place = self.push(Who::Missing, call.clone(), began)?;
            self.operations[place].ended = Some(now);
            self.operations[place].outcome = Outcome::Ok(another);
        }
        Ok(())
    }

    /// Drains of which nobody knows what became may together have taken out whatever is missing. Each is one call
    /// already; the first gets all others.
    fn suppose_drained(&mut self) -> Result<(), String> {
        let mut supposed = FxHashSet::default();
        for place in std::mem::take(&mut self.drains) {
            let operation = &self.operations[place];
            let (call, began) = (operation.call.clone(), operation.began);
            if !matches!(operation.outcome, Outcome::Unknown(_)) || !supposed.insert(call.clone()) {
                continue;
            }
            for _ in 1..V::drained_at_most(&call, &self.operations) {
                let place = self.push(Who::Missing, call.clone(), began)?;
                self.operations[place].outcome = Outcome::Unknown(Reason::from("a drain may have done this"));
            }
        }
        Ok(())
    }

    /// The call without a process that this completion without a process answers, if any is under way.
    fn answered_by_nobody(&mut self, entry: &Entry<'_>) -> Result<Option<usize>, String> {
        let mut open = std::mem::take(&mut self.open_missing);
        let at = self.answered_of(&open, entry)?.map_err(
            |()| "has no :process and could answer several calls; record :process with every operation",
        )?;
        let answered = at.map(|at| open.remove(at));
        self.open_missing = open;
        Ok(answered)
    }

    /// The call that this completion answers among those of a process that has several under way.
    fn answered_by_process(
        &mut self,
        process: Process,
        mut open: Vec<usize>,
        entry: &Entry<'_>,
    ) -> Result<Option<usize>, String> {
        let which = self.answered_of(&open, entry)?;
        let Ok(Some(at)) = which else {
            let how = if which.is_ok() { "none" } else { "more than one" };
            return Err(format!("answers {how} of the calls that process {} has under way", process.0));
        };
        let answered = open.remove(at);
        if let [last] = open.as_slice() {
            self.open.insert(process, *last);
        } else {
            self.overlapping.insert(process, open);
        }
        Ok(Some(answered))
    }

    /// Which of these calls a completion answers, if any; an inner error where it could be several.
    fn answered_of(
        &mut self,
        open: &[usize],
        entry: &Entry<'_>,
    ) -> Result<Result<Option<usize>, ()>, String> {
        if open.is_empty() {
            return Ok(Ok(None));
        }
        let asked = V::call(&entry.said, &mut self.shape)?;
        let operations = &self.operations;
        let same_kind: Vec<usize> =
            (0..open.len()).filter(|at| V::kind(&operations[open[*at]].call) == V::kind(&asked)).collect();
        let same_call: Vec<usize> =
            same_kind.iter().copied().filter(|at| operations[open[*at]].call == asked).collect();
        Ok(match (same_call.as_slice(), same_kind.as_slice()) {
            ([at], _) | ([], [at]) => Ok(Some(*at)),
            ([], []) => Ok(None),
            _ => Err(()),
        })
    }

    /// The history. Completions without an invocation may have begun before what was read earlier, hence the sort.
    pub fn finish(mut self, header: Header, damage: Option<Damage>) -> Result<History<V>, String> {
        self.suppose_drained()?;
        let mut operations = self.operations;
        // From here on the lists can be looked into.
        drop(self.shape);
        for (operation, index) in operations.iter_mut().zip(0..) {
            operation.index = OpIndex(index);
        }
        if !operations.is_sorted_by_key(|operation| operation.began) {
            rank(&mut operations);
        }
        operations.shrink_to_fit();
        let header = Header { ranked: !V::TIMED && self.clock.is_ranked(), ..header };
        Ok(History { header, operations, faults: self.nemesis.finish(), damage })
    }
}

/// Refuses more calls under way of which it is open which is answered next, since each answer looks at all of them.
fn under_way(count: usize) -> Result<(), String> {
    if count <= UNDER_WAY_MAX {
        return Ok(());
    }
    Err(format!(
        "begins call {count} of those under way that no :process tells apart, and {UNDER_WAY_MAX} is the most"
    ))
}

pub(super) fn reason(entry: &Entry<'_>, otherwise: &'static str) -> Reason {
    if entry.error.is_nil() { Reason::from(otherwise) } else { Reason::from(entry.error.value().to_string()) }
}

pub(super) fn failed<V: Spoken>(call: &V::Call, entry: &Entry<'_>, failures: Failures) -> Outcome<V::Return> {
    let refusal = failures == Failures::Refusals || entry.error.name() == Some(REFUSED.as_bytes());
    match V::refused(call) {
        Some(refused) if refusal => Outcome::Ok(refused),
        _ if failures == Failures::Refusals => {
            Outcome::Unknown(reason(entry, "it failed, and nobody says how"))
        }
        _ => Outcome::Fail(reason(entry, "it did not happen")),
    }
}
