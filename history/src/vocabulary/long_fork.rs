//! Writes of single keys, and reads of groups of keys. Its calls are those of [`super::rw_register`]: every key is
//! written once, so that two reads of a group show whether all readers saw the writes in one order.

use super::{
    RwRegister, Vocabulary,
    rw_register::{Answer, Step},
};
use crate::Key;

/// Transactions that write a key or read a group of keys.
#[derive(Clone, Copy, Debug)]
pub struct LongFork;

impl Vocabulary for LongFork {
    const NAME: &'static str = "long-fork";
    type Call = Vec<Step>;
    type Return = Vec<Answer>;

    fn kind(call: &Vec<Step>) -> &'static str {
        if Self::is_read(call) { "read" } else { "write" }
    }

    fn keys(call: &Vec<Step>) -> Vec<Key> {
        RwRegister::keys(call)
    }

    fn is_read(call: &Vec<Step>) -> bool {
        RwRegister::is_read(call)
    }

    fn describe_call(call: &Vec<Step>) -> String {
        RwRegister::describe_call(call)
    }

    fn describe_return(call: &Vec<Step>, returned: &Vec<Answer>) -> String {
        RwRegister::describe_return(call, returned)
    }
}
