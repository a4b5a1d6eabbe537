//! Vocabularies: sets of calls and what they mean. Databases speak them, workloads generate them, checkers judge
//! them.

use std::{fmt, hash::Hash};

use serde::{Serialize, de::DeserializeOwned};

use crate::{Key, Value};

pub mod bag;
pub mod bank;
pub mod counter;
pub mod ids;
pub mod key_value;
pub mod lease;
pub mod list_append;
pub mod lock;
pub mod log;
pub mod long_fork;
pub mod multi_register;
pub mod predicate;
pub mod queue;
pub mod read_write_lock;
pub mod register;
pub mod rw_register;
pub mod semaphore;
pub mod set;

pub use bag::Bag;
pub use bank::Bank;
pub use counter::Counter;
pub use ids::Ids;
pub use key_value::KeyValue;
pub use lease::Lease;
pub use list_append::ListAppend;
pub use lock::{FencedLock, Mutex, ReentrantMutex};
pub use log::Log;
pub use long_fork::LongFork;
pub use multi_register::MultiRegister;
pub use predicate::Predicate;
pub use queue::{PriorityQueue, Queue, Stack};
pub use read_write_lock::ReadWriteLock;
pub use register::Register;
pub use rw_register::RwRegister;
pub use semaphore::Semaphore;
pub use set::Set;

/// A key behind the word that names a call, with a blank before it. A history of one object has the key nil, and then there
/// is nothing to say.
struct On<'a>(&'a Key);

impl fmt::Display for On<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Value::Nil => Ok(()),
            key => write!(f, " {key}"),
        }
    }
}

/// What can be recorded, compared and passed between threads.
pub trait Data:
    Clone + fmt::Debug + PartialEq + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

impl<T> Data for T where
    T: Clone + fmt::Debug + PartialEq + Eq + Hash + Serialize + DeserializeOwned + Send + Sync + 'static
{
}

/// A set of calls and what they return.
pub trait Vocabulary: Send + Sync + 'static {
    /// Its name in headers, `--as` and `list`.
    const NAME: &'static str;
    /// What a client asks.
    type Call: Data;
    /// What a successful call returns.
    type Return: Data;

    /// The kind of a call in one word, for counts and colours: `read`, `write`, `cas`, `txn`.
    fn kind(call: &Self::Call) -> &'static str;
    /// The keys a call touches, for views by key.
    fn keys(call: &Self::Call) -> Vec<Key>;
    /// True when a call can change nothing.
    fn is_read(call: &Self::Call) -> bool;
    /// A call as a person writes it: `write x 3`.
    fn describe_call(call: &Self::Call) -> String;
    /// A result as a person reads it: `3`.
    fn describe_return(call: &Self::Call, returned: &Self::Return) -> String;
    /// Makes the lists in a result share their storage with those read before. A reader calls it on every result, one
    /// after the other; vocabularies without lists have nothing to do.
    fn share_lists(_returned: &mut Self::Return, _lists: &mut list_append::Lists) {}
}
