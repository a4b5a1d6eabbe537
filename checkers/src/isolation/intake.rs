//! From a history of read-write transactions to the problem that decides about levels.

use history::{
    History, OpIndex, Operation, Outcome, Process, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};
use rustc_hash::FxHashMap;

use super::{
    flaw::{Flaw, FlawKind},
    problem::{INITIAL, NONE, Problem, Read, Span},
};
use crate::numbering::Numbering;

/// Who wrote a value of a key.
#[derive(Clone, Copy)]
struct Source {
    /// The transaction; for a failed one, the operation.
    writer: u32,
    fate: Fate,
    /// Whether it is the last value that the transaction left in the key.
    last: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Committed,
    Unknown,
    Failed,
    /// Several transactions wrote the same value, so nobody can tell which of them was seen.
    Ambiguous,
}

impl Problem {
    /// The problem of a history. Values tell who was read from, so it is seen to that they are unique; reads of values
    /// that are not are left out, and [`Problem::doubts`] says so.
    pub fn of(history: &History<RwRegister>) -> Self {
        let mut intake = Intake::new(history);
        intake.gather_writes();
        intake.resolve_reads();
        intake.finish()
    }
}

struct Intake<'h> {
    history: &'h History<RwRegister>,
    problem: Problem,
    keys: Numbering<'h>,
    /// The last transaction of each session that certainly took effect.
    last: FxHashMap<Process, u32>,
    /// Who wrote each value, by its number.
    numbers: Numbering<'h>,
    sources: Vec<Source>,
    /// The number of the key of each step, in the order of the operations.
    steps: Vec<u32>,
    /// Which of its answers do not belong to their calls; such a transaction is taken as unknown.
    malformed: Vec<bool>,
    unknown: Vec<bool>,
    duplicates: u64,
    ambiguous: u64,
    unknown_nil: u64,
    /// For each key, the transaction that last touched it in the pass at hand, and the value it left there.
    own: Vec<(u32, Option<&'h Value>)>,
}

/// Whether the answers are those of the call: the same steps on the same keys, with the same values written.
fn belongs(operation: &Operation<RwRegister>) -> bool {
    let Outcome::Ok(answers) = &operation.outcome else { return true };
    answers.len() == operation.call.len()
        && answers.iter().zip(&operation.call).all(|pair| match pair {
            (Answer::Read(answered, _), Step::Read(asked)) => answered == asked,
            (Answer::Write(answered, one), Step::Write(asked, other)) => answered == asked && one == other,
            _ => false,
        })
}

impl<'h> Intake<'h> {
    fn new(history: &'h History<RwRegister>) -> Self {
        Self {
            history,
            problem: Problem { read_bounds: vec![0], write_bounds: vec![0], ..Problem::default() },
            keys: Numbering::default(),
            last: FxHashMap::default(),
            numbers: Numbering::default(),
            sources: Vec::new(),
            steps: Vec::new(),
            malformed: Vec::new(),
            unknown: Vec::new(),
            duplicates: 0,
            ambiguous: 0,
            unknown_nil: 0,
            own: Vec::new(),
        }
    }

    fn key(&mut self, key: &'h Value) -> u32 {
        let fresh = self.problem.keys.len() as u32;
        let number = self.keys.number(0, key, fresh);
        if number == fresh {
            self.problem.keys.push(key.clone());
            self.own.push((NONE, None));
        }
        number
    }

    /// Gives a transaction that may have happened a number, and finds who came before it in its session.
    fn number_transaction(&mut self, operation: &Operation<RwRegister>) -> u32 {
        let t = self.problem.origin.len() as u32;
        let malformed = !belongs(operation);
        let unknown = malformed || !matches!(operation.outcome, Outcome::Ok(_));
        self.problem.origin.push(operation.index);
        self.problem.process.push(operation.process);
        if !self.history.header.untimed {
            let ended = if unknown { None } else { operation.ended.map(|end| end.0) };
            self.problem.spans.push(Span { began: operation.began.0, ended });
        }
        self.problem.previous.push(self.last.get(&operation.process).copied().unwrap_or(NONE));
        // An unknown transaction may take effect long after the next of its session, so nothing follows it.
        if !unknown {
            self.last.insert(operation.process, t);
        }
        self.malformed.push(malformed);
        self.unknown.push(unknown);
        t
    }

    /// Numbers all transactions, keys and values.
    fn gather_writes(&mut self) {
        let history = self.history;
        let initial = &history.header.initial;
        self.steps.reserve_exact(history.operations.iter().map(|operation| operation.call.len()).sum());
        let mut mine = Vec::<(u32, &'h Value)>::new();
        for operation in &history.operations {
            let failed = matches!(operation.outcome, Outcome::Fail(_));
            let (writer, fate) = if failed {
                (operation.index.0, Fate::Failed)
            } else {
                let t = self.number_transaction(operation);
                (t, if self.unknown[t as usize] { Fate::Unknown } else { Fate::Committed })
            };
            mine.clear();
            for step in &operation.call {
                let key = self.key(step.key());
                self.steps.push(key);
                if let Step::Write(_, value) = step {
                    mine.push((key, value));
                }
            }
            // The last value of each key, by a stable sort.
            mine.sort_by_key(|(key, _)| *key);
            for place in 0..mine.len() {
                let (key, value) = mine[place];
                let last = mine.get(place + 1).is_none_or(|(next, _)| *next != key);
                self.note_source(key, value, Source { writer, fate, last }, initial);
                if last && !failed {
                    self.problem.writes.push(key);
                    self.problem.values.push(value.clone());
                }
            }
            if !failed {
                self.problem.write_bounds.push(self.problem.writes.len() as u32);
            }
        }
    }

    fn note_source(&mut self, key: u32, value: &'h Value, source: Source, initial: &Value) {
        let is_initial = value == initial && source.fate != Fate::Failed;
        let fresh = self.sources.len() as u32;
        let number = self.numbers.number(key, value, fresh);
        if number == fresh {
            self.sources.push(source);
        }
        let known = &mut self.sources[number as usize];
        if is_initial {
            self.duplicates += 1;
            known.fate = Fate::Ambiguous;
            return;
        }
        let failed = (known.fate == Fate::Failed, source.fate == Fate::Failed);
        let same = known.writer == source.writer && failed.0 == failed.1;
        match failed {
            _ if same => known.last |= source.last,
            // Who reads what a committed transaction wrote may have read it from there.
            (true, false) => *known = source,
            (false, true) => {}
            (true, true) => {}
            (false, false) => {
                self.duplicates += 1;
                known.fate = Fate::Ambiguous;
            }
        }
    }

    fn resolve_reads(&mut self) {
        let history = self.history;
        self.problem.absent.clone_from(&self.unknown);
        self.problem.pending.clone_from(&self.unknown);
        self.own.fill((NONE, None));
        let (mut t, mut first) = (0u32, 0);
        let steps = std::mem::take(&mut self.steps);
        self.problem.reads.reserve(steps.len().saturating_sub(self.problem.writes.len()));
        for operation in &history.operations {
            let keys = &steps[first..first + operation.call.len()];
            first += operation.call.len();
            let answers = match &operation.outcome {
                Outcome::Fail(_) => continue,
                Outcome::Ok(answers) if !self.unknown[t as usize] => answers.as_slice(),
                _ => &[],
            };
            for (answer, &key) in answers.iter().zip(keys) {
                match answer {
                    Answer::Write(_, value) => self.own[key as usize] = (t, Some(value)),
                    Answer::Read(_, None) => {}
                    Answer::Read(_, Some(value)) => self.resolve(t, operation.index, key, value),
                }
            }
            self.problem.read_bounds.push(self.problem.reads.len() as u32);
            t += 1;
        }
    }

    /// Finds out from whom a read read, and what is wrong with it by itself.
    fn resolve(&mut self, t: u32, reader: OpIndex, key: u32, value: &'h Value) {
        let initial = &self.history.header.initial;
        let flaw = |kind, writer| Flaw { kind, reader, writer, key, value: value.clone(), expected: None };
        if let (owner, Some(expected)) = self.own[key as usize]
            && owner == t
        {
            if expected == value {
                return;
            }
            let expected = Some(expected.clone());
            self.problem.flaws.push(Flaw { expected, ..flaw(FlawKind::Internal, None) });
        }
        let own_before = self.own[key as usize].0 == t;
        let source = self.numbers.get(key, value).map(|number| self.sources[number as usize]);
        let from = match source {
            Some(Source { fate: Fate::Ambiguous, .. }) => {
                self.ambiguous += 1;
                return;
            }
            _ if value == initial => INITIAL,
            None if *value == Value::Nil => {
                self.unknown_nil += 1;
                return;
            }
            None => {
                self.problem.flaws.push(flaw(FlawKind::Garbage, None));
                return;
            }
            Some(Source { fate: Fate::Failed, writer, .. }) => {
                self.problem.flaws.push(flaw(FlawKind::Aborted, Some(OpIndex(writer))));
                return;
            }
            Some(Source { writer, .. }) if writer == t => {
                if !own_before {
                    self.problem.flaws.push(flaw(FlawKind::Future, None));
                }
                return;
            }
            Some(Source { writer, last, .. }) => {
                if !last {
                    let origin = self.problem.origin[writer as usize];
                    self.problem.flaws.push(flaw(FlawKind::Intermediate, Some(origin)));
                }
                self.problem.absent[writer as usize] = false;
                writer
            }
        };
        self.problem.reads.push(Read { key, from });
    }

    fn finish(mut self) -> Problem {
        let malformed = self.malformed.iter().filter(|malformed| **malformed).count();
        let problem = &mut self.problem;
        if malformed > 0 {
            problem.doubts.push(format!(
                "{malformed} answers do not belong to their calls and were judged as unknown outcomes"
            ));
        }
        if self.ambiguous > 0 {
            problem.doubts.push(format!(
                "{} reads returned values that were written more than once, so nobody can tell what they saw; \
                 they were left out",
                self.ambiguous
            ));
        }
        if self.duplicates > 0 {
            problem.notes.push(format!(
                "{} writes wrote a value that their key had been given before, or its initial value",
                self.duplicates
            ));
        }
        if self.unknown_nil > 0 {
            problem.notes.push(format!(
                "{} nil reads were taken as not known, because the initial value is not nil",
                self.unknown_nil
            ));
        }
        // What never happened comes before and after nothing.
        for t in 0..problem.origin.len() {
            if problem.absent[t] {
                problem.previous[t] = NONE;
            }
        }
        problem.number_chains();
        self.problem
    }
}
