//! The data types that are built in: what the calls of each vocabulary mean, and which checker judges them.
//!
//! A program of one's own adds another by implementing [`DataType`] and handing it to [`LinearizableType`]; nothing
//! here is needed for that.

mod answers;
mod bag;
mod bank;
mod chain;
mod counter;
mod crowd;
mod ids;
mod key_value;
mod lease;
mod lock;
mod log;
mod multi_register;
mod queue;
mod read_write_lock;
mod register;
mod semaphore;
mod set;
mod stack;

use history::{
    History, Outcome, Reason, Value, Vocabulary,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, ListAppend, Log, LongFork, MultiRegister,
        Mutex, Predicate, PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, Register, RwRegister,
        Semaphore, Set, Stack,
    },
};

use crate::{
    Budget, Checker, DataType, Ladder, Validity, Verdict,
    collections::{Monitored, MonitoredSet},
    deliveries, levels,
    linearizability::{Linearizable, LinearizableType, decide_store, name_store},
    ordered_log,
    transactions::WRONG_TERMS,
};

pub use answers::Answered;
pub use bag::BagState;
pub use bank::{BankState, BankTerms};
pub use counter::CounterState;
pub use ids::{IdsState, UniqueIds};
pub use key_value::KeyValueState;
pub use lease::{LeaseChecker, LeaseState, TimedCall, TimedLease, timed};
pub use lock::{FencedLockState, MutexState, ReentrantMutexState};
pub use log::LogState;
pub use multi_register::MultiRegisterState;
pub use queue::{Priority, PriorityQueueState, QueueState};
pub use read_write_lock::ReadWriteLockState;
pub use register::RegisterState;
pub use semaphore::SemaphoreState;
pub use set::SetState;
pub use stack::StackState;

/// A vocabulary that `--as` can name: how its initial value is understood, and how it is judged as a sequential object.
pub trait Judged: Vocabulary {
    /// What is wrong with this initial value; `None` where it is understood.
    fn wrong_initial(_: &Value) -> Option<&'static str> {
        None
    }

    /// The checker of linearizability; `None` for transactions, which are judged by isolation levels.
    fn linearizable() -> Option<Box<dyn Checker<Self>>>
    where
        Self: Sized;
}

/// The checker that judges this vocabulary by a model, where there is one here: `linearizable` for every data type.
pub fn checker<V: Judged>(model: &str) -> Option<Box<dyn Checker<V>>> {
    if model == "linearizable" { V::linearizable() } else { None }
}

/// The checker that judges this history by a model, where there is one here. The error says what is wrong with the
/// initial value, as in "the initial value ten is not understood: ...".
pub fn checker_for<V: Judged>(
    history: &History<V>,
    model: &str,
) -> Result<Option<Box<dyn Checker<V>>>, String> {
    let initial = &history.header.initial;
    match V::wrong_initial(initial) {
        Some(wrong) => Err(format!("the initial value {initial} is not understood: {wrong}")),
        None => Ok(checker(model)),
    }
}

/// Judges a history after a look at what it says: an initial value that is not understood makes it unknown, and
/// answers that do not belong to their calls are judged as unknown outcomes.
struct Sound<V: Vocabulary> {
    checker: Box<dyn Checker<V>>,
    weaker: fn() -> Option<Ladder<V>>,
}

impl<V: Judged + Answered> Checker<V> for Sound<V> {
    fn name(&self) -> String {
        self.checker.name()
    }

    fn weaker(&self) -> Option<Ladder<V>> {
        (self.weaker)()
    }

    fn check(&self, history: &History<V>, budget: &Budget) -> Verdict {
        let initial = &history.header.initial;
        if let Some(wrong) = V::wrong_initial(initial) {
            return Verdict {
                checker: self.checker.name(),
                model: "linearizable".into(),
                validity: Validity::Unknown,
                notes: vec![format!("the initial value {initial} is not understood: {wrong}")],
                operations: history.operations.len() as u64,
                ..Verdict::default()
            };
        }
        let strange = |call: &V::Call, outcome: &Outcome<V::Return>| {
            outcome.ok().is_some_and(|returned| !V::belongs(call, returned))
        };
        let count = history.operations.iter().filter(|one| strange(&one.call, &one.outcome)).count();
        if count == 0 {
            return self.checker.check(history, budget);
        }
        let mut supposed = History {
            header: history.header.clone(),
            operations: history.operations.clone(),
            faults: history.faults.clone(),
            damage: history.damage.clone(),
        };
        for operation in &mut supposed.operations {
            if strange(&operation.call, &operation.outcome) {
                operation.outcome = Outcome::Unknown(Reason::from("its answer does not belong to its call"));
            }
        }
        let mut verdict = self.checker.check(&supposed, budget);
        verdict.validity = verdict.validity.max(Validity::Unknown);
        verdict.certificate = None;
        verdict.notes.push(format!(
            "{count} answers do not belong to their calls and were judged as unknown outcomes"
        ));
        verdict
    }
}

fn sound<V: Judged + Answered>(checker: impl Checker<V> + 'static) -> Option<Box<dyn Checker<V>>> {
    above(|| None, checker)
}

/// The same for a vocabulary with weaker promises.
fn above<V: Judged + Answered>(
    weaker: fn() -> Option<Ladder<V>>,
    checker: impl Checker<V> + 'static,
) -> Option<Box<dyn Checker<V>>> {
    Some(Box::new(Sound { checker: Box::new(checker), weaker }))
}

macro_rules! judged {
    ($($name:ty => $checker:expr $(, $wrong:expr)?;)*) => { $(
        impl Judged for $name {
            $(fn wrong_initial(initial: &Value) -> Option<&'static str> {
                $wrong(initial)
            })?

            fn linearizable() -> Option<Box<dyn Checker<Self>>> {
                $checker
            }
        }
    )* };
}

fn any<D: DataType>() -> LinearizableType<D> {
    LinearizableType::new()
}

/// Judges key-value stores: a key that no call over several keys touches as a register, the rest by the general engine.
pub fn key_value_stores() -> LinearizableType<KeyValueState> {
    any().with_shortcut(decide_store).with_naming(name_store)
}

/// The complaint, unless the initial value was understood.
fn unless<T>(understood: Option<T>, complaint: &'static str) -> Option<&'static str> {
    if understood.is_some() { None } else { Some(complaint) }
}

judged! {
    Register => Some(Box::new(Linearizable::default()));
    ListAppend => None;
    RwRegister => None;
    MultiRegister => sound(any::<MultiRegisterState>());
    KeyValue => above(|| levels::key_values("linearizable"), key_value_stores());
    Set => above(|| Some(crate::set::weaker()), MonitoredSet::<SetState>::default());
    Bag => sound(Monitored::<BagState>::default());
    Queue => above(|| Some(deliveries::weaker()), Monitored::<QueueState>::default());
    Stack => sound(Monitored::<StackState>::default());
    PriorityQueue => sound(Monitored::<PriorityQueueState>::default()),
        |initial| unless(Priority::parse(initial), "a priority queue is smallest-first or largest-first");
    Counter => sound(any::<CounterState>()),
        |initial| unless(CounterState::parse(initial), "a counter starts at a number, as in 5 or `5 in 0..10`");
    Log => above(|| Some(ordered_log::weaker()), any::<LogState>()),
        |initial| unless(LogState::first_offset(initial), "a log starts at an offset, which is a number from 0 on");
    Mutex => sound(any::<MutexState>());
    ReentrantMutex => sound(any::<ReentrantMutexState>());
    FencedLock => sound(any::<FencedLockState>());
    ReadWriteLock => sound(any::<ReadWriteLockState>());
    Semaphore => sound(any::<SemaphoreState>()),
        |initial| unless(SemaphoreState::permits(initial), "a semaphore starts with a number of permits");
    Lease => sound(LeaseChecker);
    Ids => sound(UniqueIds::default());
    Bank => sound(any::<BankState>()), |initial| unless(BankTerms::parse(initial), WRONG_TERMS);
    LongFork => None;
    Predicate => None;
}

/// `{1 2 3}`.
fn braces(elements: &[Value]) -> String {
    format!("{{{}}}", elements.iter().map(Value::to_string).collect::<Vec<_>>().join(" "))
}

/// `[1 2 3]`.
fn brackets<'a>(elements: impl Iterator<Item = &'a Value>) -> String {
    format!("[{}]", elements.map(Value::to_string).collect::<Vec<_>>().join(" "))
}
