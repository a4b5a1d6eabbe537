//! Vocabularies: sets of calls and what they mean. Databases speak them, workloads generate them, checkers judge
//! them.

use std::{fmt, hash::Hash};

use serde::{Serialize, de::DeserializeOwned};

use crate::Key;

pub mod list_append;
pub mod register;
pub mod rw_register;
pub mod set;

pub use list_append::ListAppend;
pub use register::Register;
pub use rw_register::RwRegister;
pub use set::Set;

/// A set of calls and what they return.
pub trait Vocabulary: Send + Sync + 'static {
    /// Its name in headers, `--as` and `list`.
    const NAME: &'static str;
    /// What a client asks.
    type Call: Clone
        + fmt::Debug
        + PartialEq
        + Eq
        + Hash
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static;
    /// What a successful call returns.
    type Return: Clone
        + fmt::Debug
        + PartialEq
        + Eq
        + Hash
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static;

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
