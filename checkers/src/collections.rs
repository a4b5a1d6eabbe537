//! Linearizability of queues, stacks, priority queues and bags whose elements are all different, in near-linear time.
//!
//! General engines try orders; here the order follows from the elements. Every element `v` has one insertion and at
//! most one removal, and what is wrong with a history can be said in terms of a few intervals per element.
//!
//! **Slots.** Time is counted in calls: slot `s` is the time after the `s`-th call began and before the next one did.
//! An operation takes effect in one of the slots `start..end`, where `end` counts the calls that began before it
//! returned or at the same instant. One operation precedes another when its `end` is not above the other's `start`,
//! so slots say exactly what real time says. What has no deadline may take effect up to the last slot.
//!
//! **Windows.** An element is put in before it is taken out, so its insertion ends at `put_by`, the smaller of both
//! ends, and its removal starts at `take_from`, the larger of both starts. If either window is empty, the element came
//! out before it went in. In the slots `put_by..take_from` it is certainly inside. An element that nobody took
//! out is taken from a slot after all others.
//!
//! **Cuts.** At a slot where no element is certainly inside, all of them can be kept out at once: each lies before
//! or behind the slot, and the choices do not disturb each other (each discipline's module says why). So an answer
//! "empty" is possible exactly when its slots hold one that nothing covers.
//!
//! **Unknown outcomes.** An unknown insertion whose element came out happened, by the end of that removal. One
//! whose element never came out is left out: without it nothing gets harder. An unknown removal may have taken any
//! element that nobody else returned, at any time after it began, so only *which* are to be served matters: each module
//! says how that is decided, or when it says that it cannot.
//!
//! Nothing that is said here is trusted: a valid answer carries an order that [`replay`] has accepted, and every
//! contradiction is tried out by a search over all orders of its few operations. What does not pass is undecided.

mod bag;
mod checker;
mod contradiction;
mod cuts;
mod elements;
mod growth;
mod membership;
mod order;
mod priority;
mod queue;
mod reading;
mod refutation;
mod replay;
mod room;
mod sentences;
mod set_checker;
mod set_sentences;
mod sets;
mod stack;
mod supply;
mod witness;

pub use checker::Monitored;
pub use contradiction::{Contradiction, Flaw};
pub use reading::{Collection, Meaning, Words};
pub use replay::replay;
pub use set_checker::MonitoredSet;
pub use sets::{SetAction, SetCall, SetCalls, SetContradiction, SetJudgement, judge_set, replay_set};

/// Which element a removal takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Discipline {
    /// The one that was put in first.
    Queue,
    /// The one that was put in last.
    Stack,
    /// The one with the smallest number.
    Priority,
    /// Any.
    Bag,
}

/// What a call did. Elements are small numbers, best without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Put this element in.
    Insert(u32),
    /// Took this element out.
    Remove(u32),
    /// Found nothing to take out.
    Empty,
    /// Took some element out, or found nothing: nobody knows.
    RemoveAny,
}

/// One call: what it did, and when it was under way. Failed calls are left out beforehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// What it did.
    pub action: Action,
    /// When it began.
    pub began: u64,
    /// By when it must have taken effect; `None` is never. Calls that end and begin at one time are concurrent.
    pub deadline: Option<u64>,
    /// Whether it may never have taken effect: its outcome is unknown.
    pub optional: bool,
}

/// What a monitor says about some calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// This order explains every answer. Optional calls that are not in it never happened.
    Valid(Vec<u32>),
    /// No order does, and these few calls prove it.
    Invalid(Contradiction),
    /// This element was put in more than once, so the monitors do not apply.
    Ambiguous(u32),
    /// The monitors cannot decide it, for this reason.
    Undecided(&'static str),
}

/// Judges calls on one object that was empty at first.
pub fn judge(discipline: Discipline, calls: &[Call]) -> Judgement {
    let judged = decide(discipline, calls);
    match judged {
        Judgement::Valid(order) if !replay(discipline, calls, &order) => {
            Judgement::Undecided("the order that was found does not explain every answer")
        }
        Judgement::Invalid(found) => {
            let found = witness::shrink(discipline, calls, found);
            match refutation::refutes(discipline, calls, &found.calls) {
                Some(false) => {
                    Judgement::Undecided("the contradiction that was found could not be confirmed")
                }
                _ => Judgement::Invalid(found),
            }
        }
        judged => judged,
    }
}

/// The monitors' own answer, with a contradiction that need not be small.
fn decide(discipline: Discipline, calls: &[Call]) -> Judgement {
    let problem = match elements::Problem::new(calls) {
        Ok(problem) => problem,
        Err(judgement) => return judgement,
    };
    let decided = match discipline {
        Discipline::Queue => queue::decide(&problem),
        Discipline::Stack => stack::decide(&problem),
        Discipline::Priority => priority::decide(&problem),
        Discipline::Bag => bag::decide(&problem),
    };
    decided.unwrap_or_else(Judgement::Invalid)
}
