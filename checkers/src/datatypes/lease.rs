//! A lock that is given for a time.
//!
//! A data type does not see time, so the checker of leases tells it: every call carries when it was under way. The
//! state keeps the earliest moment that the calls so far can have ended at. No rule asks a call to be late: a later
//! moment only makes a lease end later, which only ever keeps others out. So the earliest moments are possible whenever
//! any are.

use history::{
    History, Key, Operation, Outcome, Value, Vocabulary,
    vocabulary::{
        Lease,
        lease::{Call, Return},
        lock::Owner,
    },
};
use serde::{Deserialize, Serialize};

use crate::{Budget, Checker, DataType, Verdict, linearizability::LinearizableType};

/// Calls about leases that carry when they were under way.
#[derive(Clone, Copy, Debug)]
pub struct TimedLease;

/// A call about a lease and when it was under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TimedCall {
    /// What was asked.
    pub call: Call,
    /// When it began, in nanoseconds.
    pub began: u64,
    /// By when it must have taken effect; `None` is never.
    pub deadline: Option<u64>,
}

impl Vocabulary for TimedLease {
    const NAME: &'static str = "timed-lease";
    type Call = TimedCall;
    type Return = Return;

    fn kind(timed: &TimedCall) -> &'static str {
        Lease::kind(&timed.call)
    }

    fn keys(timed: &TimedCall) -> Vec<Key> {
        Lease::keys(&timed.call)
    }

    fn is_read(timed: &TimedCall) -> bool {
        Lease::is_read(&timed.call)
    }

    fn describe_call(timed: &TimedCall) -> String {
        Lease::describe_call(&timed.call)
    }

    fn describe_return(timed: &TimedCall, returned: &Return) -> String {
        Lease::describe_return(&timed.call, returned)
    }
}

/// Who has a lease until when, and how late it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LeaseState {
    /// The owner, and when the lease may be given to somebody else.
    held: Option<(Owner, u64)>,
    /// The earliest moment at which the last call can have taken effect.
    now: u64,
}

impl LeaseState {
    fn held_by(&self, owner: &Owner) -> bool {
        self.held.as_ref().is_some_and(|(holder, _)| holder == owner)
    }
}

impl DataType for LeaseState {
    type Vocabulary = TimedLease;

    /// Nobody has the lease at first, whatever the initial value is.
    fn initial(_: &Value) -> Self {
        Self { held: None, now: 0 }
    }

    fn step(&self, timed: &TimedCall, returned: Option<&Return>, next: &mut Vec<Self>) {
        let now = self.now.max(timed.began);
        // When the lease is over at the earliest, whoever has it.
        let over = self.held.as_ref().map_or(now, |(_, until)| now.max(*until));
        let in_time = |at: u64| timed.deadline.is_none_or(|deadline| at <= deadline);
        let mut push = |held: Option<(Owner, u64)>, now: u64| {
            if in_time(now) {
                next.push(Self { held, now });
            }
        };
        let refused = returned == Some(&Return::Refused);
        match &timed.call {
            // Somebody has it, perhaps a little longer than it was given for.
            Call::Acquire(..) if refused => {
                if let Some(held) = &self.held {
                    push(Some(held.clone()), now)
                }
            }
            Call::Acquire(_, owner, time) => {
                let at = if self.held_by(owner) { now } else { over };
                push(Some((owner.clone(), at.saturating_add(*time))), at);
            }
            Call::Renew(_, owner, _) | Call::Release(_, owner) if refused => match self.held_by(owner) {
                false => push(self.held.clone(), now),
                // It was over, and from then on it is nobody's.
                true => push(None, over),
            },
            Call::Renew(_, owner, time) => {
                if self.held_by(owner) {
                    push(Some((owner.clone(), now.saturating_add(*time))), now);
                }
            }
            Call::Release(_, owner) => {
                if self.held_by(owner) {
                    push(None, now);
                }
            }
        }
    }

    fn describe(&self) -> String {
        match &self.held {
            Some((owner, until)) => format!("held by {owner} until {}", history::Nanos(*until)),
            None => "free".into(),
        }
    }
}

/// Judges leases: at no moment do two owners have one that was given to them and is not over.
#[derive(Clone, Copy, Debug, Default)]
pub struct LeaseChecker;

impl Checker<Lease> for LeaseChecker {
    fn name(&self) -> String {
        "linearizable".into()
    }

    fn check(&self, history: &History<Lease>, budget: &Budget) -> Verdict {
        LinearizableType::<LeaseState>::new().check(&timed(history), budget)
    }
}

/// The same history, whose calls carry when they were under way.
pub fn timed(history: &History<Lease>) -> History<TimedLease> {
    let operation = |operation: &Operation<Lease>| Operation {
        index: operation.index,
        process: operation.process,
        node: operation.node,
        call: TimedCall {
            call: operation.call.clone(),
            began: operation.began.0,
            deadline: operation.deadline().map(|deadline| deadline.0),
        },
        outcome: match &operation.outcome {
            Outcome::Ok(returned) => Outcome::Ok(returned.clone()),
            Outcome::Fail(reason) => Outcome::Fail(reason.clone()),
            Outcome::Unknown(reason) => Outcome::Unknown(reason.clone()),
        },
        began: operation.began,
        ended: operation.ended,
    };
    History {
        header: history.header.clone(),
        operations: history.operations.iter().map(operation).collect(),
        faults: history.faults.clone(),
        damage: history.damage.clone(),
    }
}
