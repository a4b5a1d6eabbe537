//! Checks proofs with verifiers of a few lines each, which share no code with the engines that found the proofs.

use checkers::{
    Link, Relation, Validity,
    datatypes::{
        BagState, BankState, CounterState, FencedLockState, IdsState, KeyValueState, LogState,
        MultiRegisterState, MutexState, PriorityQueueState, QueueState, ReadWriteLockState,
        ReentrantMutexState, RegisterState, SemaphoreState, SetState, StackState,
    },
    linearizability::{verify_object_order, verify_witness},
    sequential::verify_sequential,
    serial::{Respects, verify_serial_order},
};
use history::{
    History, OpIndex, Value, Vocabulary,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, ListAppend, Log, LongFork, MultiRegister,
        Mutex, Predicate, PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, Register, RwRegister,
        Semaphore, Set, Stack,
        list_append::{Answer, Step},
    },
};

use crate::certificate::{Proof, Witness};

/// What a verifier says of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Said {
    /// It proves what it claims.
    Accepted,
    /// There is no verifier for it, or there is nothing to verify.
    Silent,
    /// It proves nothing.
    Rejected,
}

impl From<bool> for Said {
    fn from(accepted: bool) -> Self {
        if accepted { Self::Accepted } else { Self::Rejected }
    }
}

/// A vocabulary for whose proofs there are verifiers.
pub trait Verified: Vocabulary + Sized {
    /// Whether the order proves that the history keeps the promise.
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said;
    /// Whether the witness proves that it does not.
    fn witness(_: &History<Self>, _: &str, _: &Witness) -> Said {
        Said::Silent
    }
}

/// What the verifiers say of one proof, with a sentence for each part.
pub fn verify<V: Verified>(history: &History<V>, proof: &Proof) -> Vec<(Said, String)> {
    let model = &proof.model;
    let mut lines = Vec::new();
    if let Some(order) = &proof.order {
        let said = V::order(history, model, order);
        lines.push((said, format!("{model}: an order of {} operations", order.len())));
    }
    for witness in &proof.witnesses {
        let said = V::witness(history, model, witness);
        let names: Vec<String> = witness.operations.iter().take(12).map(ToString::to_string).collect();
        lines.push((said, format!("{model}: {} of {}", witness.kind, names.join(" "))));
    }
    if lines.is_empty() {
        let verdict = match proof.verdict {
            Validity::Valid => "valid, without an order",
            Validity::Invalid => "invalid, without a witness",
            Validity::Unknown => "unknown, so there is nothing to prove",
        };
        lines.push((Said::Silent, format!("{model}: {verdict}")));
    }
    lines
}

impl Verified for Register {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        match model {
            "linearizable" => verify_object_order::<RegisterState>(history, order).into(),
            "sequential" => verify_sequential(history, order).into(),
            _ => Said::Silent,
        }
    }

    fn witness(history: &History<Self>, model: &str, witness: &Witness) -> Said {
        match model {
            // More than 16 operations are too many to try every order of.
            "linearizable" if witness.operations.len() <= 16 => {
                verify_witness(history, &witness.operations).into()
            }
            _ => Said::Silent,
        }
    }
}

macro_rules! objects {
    ($($vocabulary:ident $state:ident,)*) => {
        $(impl Verified for $vocabulary {
            fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
                match model {
                    "linearizable" => verify_object_order::<$state>(history, order).into(),
                    _ => Said::Silent,
                }
            }
        })*
    };
}

objects! {
    Set SetState, MultiRegister MultiRegisterState, KeyValue KeyValueState, Counter CounterState, Bag BagState,
    Queue QueueState, Stack StackState, PriorityQueue PriorityQueueState, Log LogState, Mutex MutexState,
    ReentrantMutex ReentrantMutexState, FencedLock FencedLockState, ReadWriteLock ReadWriteLockState,
    Semaphore SemaphoreState, Ids IdsState, Bank BankState,
}

impl Verified for Lease {
    /// What a lease means depends on the clock as well, which no order of calls shows.
    fn order(_: &History<Self>, _: &str, _: &[OpIndex]) -> Said {
        Said::Silent
    }
}

/// What a serial order must respect to prove all of these promises; `None` where no serial order proves them.
fn respects(models: &str) -> Respects {
    let one = |model: &str| match model {
        model if model.starts_with("strong-session") => Respects::Sessions,
        model if model.starts_with("strong-") || model.starts_with("strict-") => Respects::RealTime,
        "serializable" | "view-serializable" | "snapshot-isolation" | "repeatable-read" => Respects::Answers,
        _ => Respects::RealTime,
    };
    models.split(',').map(one).max().unwrap_or(Respects::RealTime)
}

impl Verified for ListAppend {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        verify_serial_order(history, order, respects(model)).into()
    }

    fn witness(history: &History<Self>, _: &str, witness: &Witness) -> Said {
        if witness.cycle.is_empty() {
            return Said::Silent;
        }
        let next = witness.cycle.iter().cycle().skip(1);
        let closes = witness.cycle.iter().zip(next).all(|(link, next)| link.to == next.from);
        (closes && witness.cycle.iter().all(|link| holds(history, link))).into()
    }
}

/// Whether the history itself shows why the one comes before the other.
fn holds(history: &History<ListAppend>, link: &Link) -> bool {
    let at = |index: OpIndex| history.operations.get(index.0 as usize);
    let (Some(from), Some(to)) = (at(link.from), at(link.to)) else { return false };
    let key = link.key.as_ref();
    let appends = |call: &[Step]| -> Vec<Value> {
        let of_key = call.iter().filter_map(|step| match step {
            Step::Append(other, value) if Some(other) == key => Some(value.clone()),
            _ => None,
        });
        of_key.collect()
    };
    let reads = |index: OpIndex| {
        let answers = at(index).and_then(|operation| operation.outcome.ok());
        answers.into_iter().flatten().filter_map(|answer| match answer {
            Answer::Read(other, Some(list)) if Some(other) == key => Some(list),
            _ => None,
        })
    };
    match link.relation {
        Relation::Process => from.process == to.process && from.index < to.index,
        Relation::Realtime => from.deadline().is_some_and(|end| end < to.began),
        Relation::Wr => {
            appends(&from.call).iter().any(|value| reads(link.to).any(|list| list.as_slice().contains(value)))
        }
        // A list shows everything that was appended before, so what it lacks came later.
        Relation::Rw => appends(&to.call)
            .iter()
            .any(|value| reads(link.from).any(|list| !list.as_slice().contains(value))),
        Relation::Ww => {
            let (earlier, later) = (appends(&from.call), appends(&to.call));
            let place = |list: &[Value], value: &Value| list.iter().position(|other| other == value);
            history.operations.iter().any(|operation| {
                reads(operation.index).any(|list| {
                    let list = list.as_slice();
                    earlier.iter().filter_map(|value| place(list, value)).any(|first| {
                        later.iter().any(|value| place(list, value).is_none_or(|second| first < second))
                    })
                })
            })
        }
        Relation::PredicateRw => false,
    }
}

macro_rules! transactions {
    ($($vocabulary:ident)*) => {
        $(impl Verified for $vocabulary {
            fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
                // Under snapshot isolation a transaction is named twice: where it reads, and where it writes.
                let mut once = order.to_vec();
                once.sort_unstable();
                if once.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Said::Silent;
                }
                verify_serial_order(history, order, respects(model)).into()
            }
        })*
    };
}

transactions! { RwRegister LongFork Predicate }
