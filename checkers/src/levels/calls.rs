//! The calls of a history over registers, reduced to what these models judge.
//!
//! Keys, values and sessions become small numbers. A *version* is a value of one key. A call that failed is left out, and
//! so is a read of which nothing is known but that it may have happened.

use history::{
    History, Key, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        Register,
        register::{Call as Asked, Return},
    },
};
use rustc_hash::{FxHashMap, FxHashSet};

/// No call, no version.
pub(crate) const NONE: u32 = u32::MAX;

/// The time at which an operation ends that has no end.
pub(crate) const NEVER: u64 = u64::MAX;

/// About how many bytes a call takes in a [`Problem`], with its versions and places.
pub(crate) const BYTES_PER_CALL: u64 = 200;

/// What a call did to its key. Versions are numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Saw this version.
    Read(u32),
    /// Made this version.
    Write(u32),
    /// Saw the first version and made the second.
    Cas(u32, u32),
    /// Saw any version but this.
    Refused(u32),
    /// Happened, and says nothing.
    Silent,
}

impl Action {
    /// The version it makes.
    pub fn makes(self) -> Option<u32> {
        match self {
            Self::Write(to) | Self::Cas(_, to) => Some(to),
            _ => None,
        }
    }

    /// The one version it says it saw.
    pub fn sees(self) -> Option<u32> {
        match self {
            Self::Read(seen) | Self::Cas(seen, _) => Some(seen),
            _ => None,
        }
    }

    /// Whether its answer says something about the state before it.
    pub fn observes(self) -> bool {
        !matches!(self, Self::Write(_) | Self::Silent)
    }

    /// The state after it in this state; nothing if it cannot happen there.
    pub fn apply(self, state: u32) -> Option<u32> {
        match self {
            Self::Read(seen) => (state == seen).then_some(state),
            Self::Write(to) => Some(to),
            Self::Cas(from, to) => (state == from).then_some(to),
            Self::Refused(other) => (state != other).then_some(state),
            Self::Silent => Some(state),
        }
    }
}

/// One call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// Its operation.
    pub origin: OpIndex,
    /// Its session, and its place there.
    pub session: u32,
    /// How many calls of the session come before it.
    pub place: u32,
    /// Its key.
    pub key: u32,
    /// What it did.
    pub action: Action,
    /// Whether it may never have happened. Such a call is the last of its session.
    pub optional: bool,
    /// When it began.
    pub began: u64,
    /// By when it had happened.
    pub ended: u64,
}

/// A value of one key.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    /// The key.
    pub key: u32,
    /// The value.
    pub value: Value,
}

/// What was odd about a history, for the notes of a verdict.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Oddities {
    /// Answers that do not belong to their calls; they were taken as unknown outcomes.
    pub malformed: u64,
    /// Nil reads that were taken as not known, because the initial value is not nil.
    pub nil_reads: u64,
    /// Processes that began a call before the one before had ended, and so are no sessions.
    pub overlapping: u64,
    /// Processes that went on after an unknown outcome.
    pub continued: u64,
}

/// All calls that are judged together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problem {
    /// The calls in the order of their operations.
    pub calls: Vec<Call>,
    /// The calls of each session, one after the other.
    pub sessions: Vec<Vec<u32>>,
    /// The keys by number.
    pub keys: Vec<Key>,
    /// Of each key, the version before the first call.
    pub initial: Vec<u32>,
    /// The versions by number.
    pub versions: Vec<Version>,
    /// Of each version, the calls that make it or may make it.
    pub writers: Vec<Vec<u32>>,
    /// Of each key, the calls that make a version or may make one, in the order of their operations.
    makers: Vec<Vec<u32>>,
    /// Whether a call can have happened at all. An unknown compare-and-set cannot, if nothing can have made what it asks
    /// for but others of which the same is true.
    possible: Vec<bool>,
    /// What was odd.
    pub oddities: Oddities,
}

/// What is known of a process while its calls are read.
#[derive(Default)]
struct Course {
    /// Its session, unless the last was ended by an unknown outcome.
    session: Option<u32>,
    /// Whether some session of it was ended by an unknown outcome, and whether it went on after that.
    cut: bool,
    continued: bool,
}

struct Reader<'a> {
    problem: Problem,
    keys: FxHashMap<&'a Key, u32>,
    versions: FxHashMap<(u32, Value), u32>,
    processes: FxHashMap<Process, Course>,
    overlapping: FxHashSet<Process>,
    initial: &'a Value,
}

impl Problem {
    /// All calls of a history.
    pub fn new(history: &History<Register>) -> Self {
        let mut reader = Reader {
            problem: Self::default(),
            keys: FxHashMap::default(),
            versions: FxHashMap::default(),
            processes: FxHashMap::default(),
            overlapping: overlapping(history),
            initial: &history.header.initial,
        };
        reader.problem.calls.reserve(history.operations.len());
        for operation in &history.operations {
            reader.read(operation);
        }
        let mut problem = reader.problem;
        problem.oddities.overlapping = reader.overlapping.len() as u64;
        problem.oddities.continued =
            reader.processes.values().filter(|course| course.continued).count() as u64;
        problem.index();
        problem
    }

    /// Finds the writers of each version, and what can have happened at all.
    fn index(&mut self) {
        self.writers = vec![Vec::new(); self.versions.len()];
        self.makers = vec![Vec::new(); self.keys.len()];
        let mut waiting: Vec<Vec<u32>> = vec![Vec::new(); self.versions.len()];
        let mut there: Vec<bool> = vec![false; self.versions.len()];
        let mut open: Vec<u32> = self.initial.clone();
        for (number, call) in (0u32..).zip(&self.calls) {
            let Some(made) = call.action.makes() else { continue };
            self.writers[made as usize].push(number);
            self.makers[call.key as usize].push(number);
            match call.action.sees() {
                Some(seen) if call.optional => waiting[seen as usize].push(number),
                _ => open.push(made),
            }
        }
        self.possible =
            self.calls.iter().map(|call| !call.optional || call.action.sees().is_none()).collect();
        while let Some(version) = open.pop() {
            if !std::mem::replace(&mut there[version as usize], true) {
                for &call in &waiting[version as usize] {
                    self.possible[call as usize] = true;
                    open.extend(self.calls[call as usize].action.makes());
                }
            }
        }
    }

    /// Whether a call can have happened at all.
    pub fn is_possible(&self, call: u32) -> bool {
        self.possible[call as usize]
    }

    /// The call before this one in its session; [`NONE`] for the first.
    pub fn before(&self, call: u32) -> u32 {
        let Call { session, place, .. } = self.calls[call as usize];
        place.checked_sub(1).map_or(NONE, |place| self.sessions[session as usize][place as usize])
    }

    /// The calls that make a version of this key, or may make one.
    pub fn makers(&self, key: u32) -> impl Iterator<Item = u32> + '_ {
        self.makers[key as usize].iter().copied()
    }

    /// Whether this version was there before the first call.
    pub fn is_initial(&self, version: u32) -> bool {
        self.initial[self.versions[version as usize].key as usize] == version
    }

    /// The calls of one key, in sessions of their own, in which only these calls are.
    pub fn of_key(&self, key: u32) -> Self {
        let kept: Vec<u32> =
            (0u32..).zip(&self.calls).filter(|(_, call)| call.key == key).map(|(number, _)| number).collect();
        self.only(&kept, &[])
    }

    /// Only these calls, and these writes as ones that may have happened at any time after they began, or never.
    pub fn only(&self, kept: &[u32], loose: &[u32]) -> Self {
        let mut part = Self {
            keys: self.keys.clone(),
            initial: self.initial.clone(),
            versions: self.versions.clone(),
            ..Self::default()
        };
        let mut sessions: FxHashMap<u32, u32> = FxHashMap::default();
        let mut all: Vec<(u32, bool)> = kept.iter().map(|&call| (call, false)).collect();
        all.extend(loose.iter().map(|&call| (call, true)));
        all.sort_unstable();
        for (call, is_loose) in all {
            let mut call = self.calls[call as usize];
            let number = u32::try_from(part.calls.len()).expect("fewer calls than before");
            let fresh = u32::try_from(part.sessions.len()).expect("fewer sessions than calls");
            let session = if is_loose { fresh } else { *sessions.entry(call.session).or_insert(fresh) };
            if session == fresh {
                part.sessions.push(Vec::new());
            }
            if let (true, Some(made)) = (is_loose, call.action.makes()) {
                call.action = Action::Write(made);
                call.optional = true;
                call.ended = NEVER;
            }
            let lane = &mut part.sessions[session as usize];
            call.session = session;
            call.place = u32::try_from(lane.len()).expect("fewer calls than before");
            lane.push(number);
            part.calls.push(call);
        }
        part.index();
        part
    }
}

impl<'a> Reader<'a> {
    fn key(&mut self, key: &'a Key) -> u32 {
        let fresh = u32::try_from(self.problem.keys.len()).expect("fewer keys than operations");
        let number = *self.keys.entry(key).or_insert(fresh);
        if number == fresh {
            self.problem.keys.push(key.clone());
            let initial = self.version(fresh, self.initial);
            self.problem.initial.push(initial);
        }
        number
    }

    fn version(&mut self, key: u32, value: &Value) -> u32 {
        let versions = &mut self.problem.versions;
        *self.versions.entry((key, value.clone())).or_insert_with(|| {
            versions.push(Version { key, value: value.clone() });
            u32::try_from(versions.len() - 1).expect("fewer versions than operations")
        })
    }

    fn read(&mut self, operation: &'a Operation<Register>) {
        let key = self.key(operation.call.key());
        let mut optional = matches!(operation.outcome, Outcome::Unknown(_));
        let nil_is_known = *self.initial == Value::Nil;
        let action = match (&operation.call, &operation.outcome) {
            (_, Outcome::Fail(_)) => return,
            (Asked::Read(_), Outcome::Unknown(_)) => return self.end_session(operation.process),
            (Asked::Read(_), Outcome::Ok(Return::Value(Some(Value::Nil)))) if !nil_is_known => {
                self.problem.oddities.nil_reads += 1;
                Action::Silent
            }
            (Asked::Read(_), Outcome::Ok(Return::Value(Some(seen)))) => Action::Read(self.version(key, seen)),
            (Asked::Read(_), Outcome::Ok(Return::Value(None))) => Action::Silent,
            (Asked::Write(_, to), Outcome::Ok(Return::Written)) => Action::Write(self.version(key, to)),
            (Asked::Cas(_, from, to), Outcome::Ok(Return::Swapped)) => {
                Action::Cas(self.version(key, from), self.version(key, to))
            }
            (Asked::Cas(_, from, _), Outcome::Ok(Return::Refused)) => {
                Action::Refused(self.version(key, from))
            }
            (call, outcome) => {
                self.problem.oddities.malformed += u64::from(matches!(outcome, Outcome::Ok(_)));
                optional = true;
                match call {
                    Asked::Read(_) => return self.end_session(operation.process),
                    Asked::Write(_, to) => Action::Write(self.version(key, to)),
                    Asked::Cas(_, from, to) => Action::Cas(self.version(key, from), self.version(key, to)),
                }
            }
        };
        let ended = if optional { NEVER } else { operation.ended.map_or(NEVER, |end| end.0) };
        let session = self.session(operation.process);
        if optional {
            self.end_session(operation.process);
        }
        let lane = &mut self.problem.sessions[session as usize];
        let number = u32::try_from(self.problem.calls.len()).expect("operations are numbered by 32 bits");
        let place = u32::try_from(lane.len()).expect("operations are numbered by 32 bits");
        lane.push(number);
        let (began, origin) = (operation.began.0, operation.index);
        self.problem.calls.push(Call { origin, session, place, key, action, optional, began, ended });
    }

    /// What comes after an unknown outcome is a session of its own.
    fn end_session(&mut self, process: Process) {
        let course = self.processes.entry(process).or_default();
        course.session = None;
        course.cut = true;
    }

    /// The session of the next call of a process. Where the calls of a process overlap, each has its own.
    fn session(&mut self, process: Process) -> u32 {
        let course = self.processes.entry(process).or_default();
        course.continued |= course.cut;
        if let Some(session) = course.session.filter(|_| !self.overlapping.contains(&process)) {
            return session;
        }
        let session = u32::try_from(self.problem.sessions.len()).expect("fewer sessions than operations");
        self.problem.sessions.push(Vec::new());
        course.session = Some(session);
        session
    }
}

/// The processes that began a call before the answer of another had come: they are no sessions.
pub(crate) fn overlapping(history: &History<Register>) -> FxHashSet<Process> {
    let mut found = FxHashSet::default();
    let mut ends: FxHashMap<Process, u64> = FxHashMap::default();
    // Without times all calls seem to overlap, and their order by index is all that is known.
    let timed = history.operations.iter().filter(|_| !history.header.untimed);
    for operation in timed.filter(|operation| operation.outcome.ok().is_some()) {
        let end = ends.entry(operation.process).or_default();
        if *end > operation.began.0 {
            found.insert(operation.process);
        }
        *end = operation.ended.map_or(*end, |ended| ended.0.max(*end));
    }
    found
}
