//! From the lines of our own format to events in the order of time.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

use super::super::{line::Line, marks::Marks};
use crate::{Nanos, OpIndex, Operation, Outcome, Reason, Vocabulary, stream::Event};

/// A line that waits until everything before its time is known.
struct Waiting<V: Vocabulary> {
    time: Nanos,
    /// Of equal times, beginnings come first: what ends when another begins is not before it.
    ends: bool,
    id: u32,
    what: What<V>,
}

enum What<V: Vocabulary> {
    Began(Operation<V>),
    Ended(Outcome<V::Return>),
}

/// Sorts the lines between two watermarks by time, and hands them over.
pub(super) struct Assembly<V: Vocabulary> {
    waiting: Vec<Waiting<V>>,
    ready: VecDeque<Event<V>>,
    /// Calls that were handed over and have not ended, by their id in the file.
    open: FxHashMap<u32, OpIndex>,
    next: u32,
    marks: Marks,
    has_ended: bool,
}

impl<V: Vocabulary> Default for Assembly<V> {
    fn default() -> Self {
        Self {
            waiting: Vec::new(),
            ready: VecDeque::new(),
            open: FxHashMap::default(),
            next: 0,
            marks: Marks::default(),
            has_ended: false,
        }
    }
}

impl<V: Vocabulary> Assembly<V> {
    /// Takes the next line. The error says what is wrong with it, in words that fit "line 3 …".
    pub fn take(&mut self, line: Line<V>) -> Result<(), String> {
        if self.has_ended {
            return Err("comes after the line that ends the history".into());
        }
        let waiting = match line {
            Line::Invoke { id, process, node, time, call } => {
                let operation = Operation {
                    index: OpIndex(0),
                    process,
                    node,
                    call,
                    outcome: Outcome::Unknown(Reason::from("no answer was recorded")),
                    began: time,
                    ended: None,
                };
                Waiting { time, ends: false, id, what: What::Began(operation) }
            }
            Line::Complete { id, time, outcome } => {
                Waiting { time, ends: true, id, what: What::Ended(outcome) }
            }
            Line::Fault(_) => {
                self.marks.count();
                return Ok(());
            }
            Line::Watermark { time, lines } => {
                self.marks.mark(time, lines)?;
                return self.release(Some(time));
            }
            Line::End { time, lines } => {
                self.marks.mark(time, lines)?;
                self.has_ended = true;
                return self.release(None);
            }
        };
        self.marks.count();
        self.waiting.push(waiting);
        Ok(())
    }

    /// Hands over what happened before a time, or everything.
    fn release(&mut self, before: Option<Nanos>) -> Result<(), String> {
        self.waiting.sort_unstable_by_key(|waiting| (waiting.time, waiting.ends, waiting.id));
        let due = before
            .map_or(self.waiting.len(), |before| self.waiting.partition_point(|line| line.time < before));
        for Waiting { time, id, what, .. } in self.waiting.drain(..due) {
            let event = match what {
                What::Began(mut operation) => {
                    operation.index = OpIndex(self.next);
                    self.next = self.next.checked_add(1).ok_or("is one call too many")?;
                    if self.open.insert(id, operation.index).is_some() {
                        return Err(format!("follows the beginning of call {id}, which was under way"));
                    }
                    Event::Began(operation)
                }
                What::Ended(outcome) => {
                    let index = self.open.remove(&id).ok_or_else(|| {
                        format!("follows the end of call {id}, which was not under way at that time")
                    })?;
                    Event::Ended { index, at: time, outcome, call: None }
                }
            };
            self.ready.push_back(event);
        }
        Ok(())
    }

    /// The next event that nothing can come before any more.
    pub fn next_event(&mut self) -> Option<Event<V>> {
        self.ready.pop_front()
    }

    /// True once the last line was taken.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// The time before which everything was handed over.
    pub fn watermark(&self) -> Option<Nanos> {
        self.marks.last()
    }
}
