//! Several registers that one call reads and writes at once. Its calls are those of [`super::rw_register`], but each is
//! one atomic step, judged in real time, rather than a transaction judged by isolation levels.

use super::{
    RwRegister, Vocabulary,
    rw_register::{Answer, Step},
};
use crate::Key;

/// Registers under keys, any number of which a call reads and writes at one moment. A read sees the writes before it in
/// its own call.
#[derive(Clone, Copy, Debug)]
pub struct MultiRegister;

impl Vocabulary for MultiRegister {
    const NAME: &'static str = "multi-register";
    type Call = Vec<Step>;
    type Return = Vec<Answer>;

    fn kind(call: &Vec<Step>) -> &'static str {
        match (Self::is_read(call), call.iter().all(|step| matches!(step, Step::Write(..)))) {
            (true, _) => "read",
            (_, true) => "write",
            _ => "read-write",
        }
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
