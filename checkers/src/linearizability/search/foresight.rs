//! What the answers that are still to come say about the state now.
//!
//! Where a data type says what its calls do to what others observe, a position can be given up long before the return
//! of the observer that it fails. An observer *speaks* at a position when it has not seen its answer there, must see it
//! before the search may end, and nothing that could *help* it can still take effect before it does. To help is to
//! change what it sees other than by adding to it, and not to set it to something from which adding never leads to
//! its answer. When an observer speaks and adding does not lead to its answer from the state either, the position leads
//! nowhere.
//!
//! For suppose that from the position an order went on to where the observer has its answer, and look at the last
//! operation on the way there that does anything to what it observes but add. If there is none, it was only added to
//! from the state of the position, and that does not lead to the answer. If there is one, it does not help, since what
//! helps cannot take effect any more. So it sets what is observed, to the same from every state and therefore to what
//! it sets it to from the first state as well, and adding, which is all that comes after it, does not lead from there to
//! the answer. Either way there is no such order.
//!
//! What can still take effect before the observer is less than: everything that was called before its return and has
//! not taken effect. So an observer may be listened to from the first return on by which all was called that was called
//! before its own return and could help, provided that none of those is still under way without having taken effect. An
//! unknown operation that could help, called before its return, silences it for good. An operation that may be left
//! out cannot take effect after its return either. Where finding out would take long, what might help is taken to help.

use smallvec::SmallVec;

use super::{layout::Layout, machine::States};
use crate::{
    Influence,
    linearizability::{timeline::NEVER, window::Window},
};

/// How many calls before an observer's return are asked whether they could help it, one by one.
const ASKED: usize = 256;
/// How many different calls may observe. Beyond that nothing is foreseen.
const QUESTIONS: usize = 256;
/// How many observers of one kind are looked at from a position.
const AHEAD: usize = 16;

/// Observers with the same call, in the order of their returns.
#[derive(Debug)]
struct Question {
    observers: Vec<Observer>,
}

#[derive(Debug)]
struct Observer {
    operation: u32,
    /// How many returns are passed before its own.
    passed: u32,
    /// From how many passed returns on it may be listened to.
    speaks: u32,
    /// What could help it and is under way then.
    helpers: SmallVec<[u32; 2]>,
}

/// What there is to foresee.
#[derive(Debug)]
pub(super) struct Foresight {
    questions: Vec<Question>,
    /// By class, which questions it touches; `None` where nobody asked yet.
    touched: Vec<Option<SmallVec<[u32; 2]>>>,
}

/// Who helps whom, asked of the data type.
struct Helpers<'a> {
    layout: &'a Layout<'a>,
    states: &'a mut dyn States,
    /// All that may change something and must return, in the order of the calls.
    changing: Vec<u32>,
    /// The first of each class of unknown operations.
    unknown: Vec<u32>,
    after: Vec<u32>,
}

impl Helpers<'_> {
    fn can_help(&mut self, operation: u32, observer: u32) -> bool {
        match self.states.influence(operation, observer) {
            Influence::Nothing | Influence::Adds => false,
            Influence::Any => true,
            Influence::Sets => {
                self.after.clear();
                self.states.step(0, operation, &mut self.after);
                // What cannot happen at first may happen elsewhere, and nobody knows what it makes there.
                self.after.is_empty() || self.after.iter().any(|&state| self.states.reaches(state, observer))
            }
        }
    }

    fn observer(&mut self, operation: u32, passed: u32) -> Option<Observer> {
        let line = &self.layout.task.line;
        let returned = line.ret[operation as usize];
        for at in 0..self.unknown.len() {
            let other = self.unknown[at];
            if line.call[other as usize] < returned && (at == ASKED || self.can_help(other, operation)) {
                return None;
            }
        }
        let before = self.changing.partition_point(|&other| line.call[other as usize] < returned);
        let asked = before.saturating_sub(ASKED)..before;
        // The call before those that are asked is taken to help.
        let unasked = asked.start.checked_sub(1).map(|at| self.changing[at]);
        let mut last = unasked;
        for at in asked.rev() {
            let other = self.changing[at];
            if self.can_help(other, operation) {
                last = Some(other);
                break;
            }
        }
        let Some(last) = last else {
            return Some(Observer { operation, passed, speaks: 0, helpers: SmallVec::new() });
        };
        let called = line.call[last as usize];
        let speaks = line.returns.partition_point(|&due| line.ret[due as usize] < called);
        let speaks = u32::try_from(speaks).expect("fewer returns than operations");
        if speaks > passed {
            return None;
        }
        let layout = self.layout;
        let mut helpers = SmallVec::new();
        for &other in layout.under_way(speaks) {
            if !layout.task.observes[other as usize]
                && line.call[other as usize] <= called
                && self.can_help(other, operation)
            {
                helpers.push(other);
            }
        }
        Some(Observer { operation, passed, speaks, helpers })
    }
}

impl Foresight {
    /// Finds who observes and from when on that can be listened to.
    pub fn new(layout: &Layout<'_>, states: &mut dyn States) -> Self {
        let task = layout.task;
        // Part of a history keeps the classes of the whole.
        let classes = task.classes.iter().max().map_or(0, |&last| last as usize + 1);
        let mut foresight = Self { questions: Vec::new(), touched: vec![None; classes] };
        if !states.grows() {
            return foresight;
        }
        let is_changing = |&&o: &&u32| !task.observes[o as usize] && layout.slot[o as usize] != NEVER;
        let changing = task.line.calls.iter().filter(is_changing).copied().collect();
        let unknown = layout.kinds.iter().map(|kind| kind.members[0]).collect();
        let mut helpers = Helpers { layout, states, changing, unknown, after: Vec::new() };
        for (passed, &due) in (0u32..).zip(&task.line.returns) {
            if !task.observes[due as usize] || task.waived[due as usize] {
                continue;
            }
            let alike = |question: &Question| helpers.states.asks_alike(question.observers[0].operation, due);
            let known = foresight.questions.iter().position(alike);
            if known.is_none() && foresight.questions.len() == QUESTIONS {
                foresight.questions.clear();
                return foresight;
            }
            if let Some(observer) = helpers.observer(due, passed) {
                match known {
                    Some(known) => foresight.questions[known].observers.push(observer),
                    None => foresight.questions.push(Question { observers: vec![observer] }),
                }
            }
        }
        foresight
    }

    /// The return of an observer that can never have its answer from this position, which the operation just led to,
    /// as the number of returns passed before it. Only observers that must be passed before the goal are asked.
    pub fn failing<W: Window>(
        &mut self,
        position: &super::Position<W>,
        operation: u32,
        goal: u32,
        layout: &Layout<'_>,
        states: &dyn States,
    ) -> Option<u32> {
        if self.questions.is_empty() || position.layer >= goal {
            return None;
        }
        let line = &layout.task.line;
        let now = line.ret[layout.due(position.layer) as usize];
        let waits = |o: u32| line.ret[o as usize] >= now && position.ready.has(layout.slot[o as usize]);
        let questions = &self.questions;
        let class = layout.task.classes[operation as usize] as usize;
        let touched = self.touched[class].get_or_insert_with(|| {
            let touches = |question: &Question| {
                states.influence(operation, question.observers[0].operation) != Influence::Nothing
            };
            (0u32..).zip(questions).filter(|(_, question)| touches(question)).map(|(at, _)| at).collect()
        });
        for &question in touched.iter() {
            let observers = &questions[question as usize].observers;
            let from = observers.partition_point(|observer| observer.passed < position.layer);
            let mut furthest = None;
            for observer in observers[from..].iter().take(AHEAD) {
                if observer.passed >= goal {
                    break;
                }
                let called = line.call[observer.operation as usize] < now;
                let has_seen = called && position.settled.has(layout.slot[observer.operation as usize]);
                if observer.speaks > position.layer || has_seen || observer.helpers.iter().any(|&o| waits(o))
                {
                    continue;
                }
                if !called {
                    furthest = Some(observer);
                } else if !states.reaches(position.state, observer.operation) {
                    return Some(observer.passed);
                }
            }
            // Of those to come the last says most: what it saw begins with what those before it saw.
            if let Some(observer) = furthest.filter(|o| !states.reaches(position.state, o.operation)) {
                return Some(observer.passed);
            }
        }
        None
    }

    /// About how many bytes it takes.
    pub fn bytes(&self) -> u64 {
        let observers: usize = self.questions.iter().map(|question| question.observers.capacity()).sum();
        (observers * size_of::<Observer>() + self.touched.len() * size_of::<Option<SmallVec<[u32; 2]>>>())
            as u64
    }
}
