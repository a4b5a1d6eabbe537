//! From lines to operations: pairs calls with their outcomes, cuts a torn history, and ranks what is left.

use rustc_hash::FxHashMap;

use super::{line::Line, marks::Marks};
use crate::{
    Damage, FaultRecord, Header, History, Nanos, OpIndex, Operation, Outcome, Reason, Vocabulary,
    history::rank, vocabulary::list_append::Lists,
};

/// What an operation is that nobody saw the end of.
const NEVER_ANSWERED: &str = "no answer was recorded";

/// The operations of a history while its lines come in, in the order of the file.
pub(super) struct Pairing<V: Vocabulary> {
    /// `index` holds the file's id of the call until the ranks are known.
    operations: Vec<Operation<V>>,
    /// Calls that wait for their outcome: id to place.
    open: FxHashMap<u32, u32>,
    /// Outcomes whose call comes later in the file, since another recorder's buffer was drained first.
    early: FxHashMap<u32, (Nanos, Outcome<V::Return>)>,
    faults: Vec<FaultRecord>,
    shared: Lists,
    marks: Marks,
    ended: bool,
}

impl<V: Vocabulary> Pairing<V> {
    pub fn new() -> Self {
        Self {
            operations: Vec::new(),
            open: FxHashMap::default(),
            early: FxHashMap::default(),
            faults: Vec::new(),
            shared: Lists::default(),
            marks: Marks::default(),
            ended: false,
        }
    }

    /// Takes the next line. The error says what is wrong with it, in words that fit "line 3 …".
    pub fn take(&mut self, line: Line<V>) -> Result<(), String> {
        if self.ended {
            return Err("comes after the line that ends the history".into());
        }
        match line {
            Line::Invoke { id, process, node, time, call } => {
                self.marks.count();
                let place = u32::try_from(self.operations.len()).map_err(|_| "is one call too many")?;
                let mut operation = Operation {
                    index: OpIndex(id),
                    process,
                    node,
                    call,
                    outcome: Outcome::Unknown(Reason::from(NEVER_ANSWERED)),
                    began: time,
                    ended: None,
                };
                match self.early.remove(&id) {
                    Some((ended, outcome)) => end(&mut operation, ended, outcome)?,
                    None if self.open.insert(id, place).is_some() => {
                        return Err(format!("begins call {id}, which is under way"));
                    }
                    None => {}
                }
                self.operations.push(operation);
            }
            Line::Complete { id, time, mut outcome } => {
                self.marks.count();
                if let Outcome::Ok(returned) = &mut outcome {
                    V::share_lists(returned, &mut self.shared);
                }
                match self.open.remove(&id) {
                    Some(place) => end(&mut self.operations[place as usize], time, outcome)?,
                    None if self.early.insert(id, (time, outcome)).is_some() => {
                        return Err(format!("ends call {id} a second time"));
                    }
                    None => {}
                }
            }
            Line::Fault(record) => {
                self.marks.count();
                match self.faults.iter_mut().find(|known| known.id == record.id) {
                    Some(known) => *known = record,
                    None => self.faults.push(record),
                }
            }
            Line::Watermark { time, lines } => self.marks.mark(time, lines)?,
            Line::End { time, lines } => {
                self.marks.mark(time, lines)?;
                if let Some(id) = self.early.keys().min() {
                    return Err(format!("ends a history in which call {id} was answered but never begun"));
                }
                self.ended = true;
            }
        }
        Ok(())
    }

    /// True once the last line was taken.
    pub fn ended(&self) -> bool {
        self.ended
    }

    /// The history. Without its last line it is cut at its last watermark; `damage` says where reading stopped.
    pub fn finish(mut self, header: Header, mut damage: Option<Damage>) -> History<V> {
        if !self.ended {
            let cut = self.marks.last().unwrap_or_default();
            self.cut(cut);
            if let Some(damage) = &mut damage {
                damage.what.push_str(&match self.marks.last() {
                    Some(cut) => format!("; what happened after {cut} was left out"),
                    None => "; nothing before it can be vouched for, so all of it was left out".into(),
                });
            }
        }
        drop(self.open);
        drop(self.early);
        // From here on the lists can be looked into.
        drop(self.shared);
        rank(&mut self.operations);
        in_order(&mut self.faults);
        History { header, operations: self.operations, faults: self.faults, damage }
    }

    /// Leaves what an observer would have who stopped just before `cut`.
    fn cut(&mut self, cut: Nanos) {
        self.operations.retain_mut(|operation| {
            if operation.ended.is_some_and(|ended| ended >= cut) {
                operation.outcome = Outcome::Unknown(Reason::from("the history is cut before its answer"));
                operation.ended = None;
            }
            operation.began < cut
        });
        self.faults.retain(|fault| fault.began < cut);
    }
}

fn end<V: Vocabulary>(
    operation: &mut Operation<V>,
    ended: Nanos,
    outcome: Outcome<V::Return>,
) -> Result<(), String> {
    if ended < operation.began {
        return Err(format!("has call {} end before it began", operation.index.0));
    }
    operation.ended = Some(ended);
    operation.outcome = outcome;
    Ok(())
}

fn in_order(faults: &mut [FaultRecord]) {
    faults.sort_by_key(|fault| (fault.began, fault.id));
}
