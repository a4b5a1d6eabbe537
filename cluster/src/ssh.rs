//! Machines that are reached over SSH through libssh2: sessions, keys, trust, and how to be root there.
//!
//! What is done on them is what is done on every [machine](crate::machine).

mod conversation;
mod escaping;
mod login;
mod logs;
mod pool;
mod session;
mod target;
mod trust;
mod way;

pub use target::{Secret, SshTarget, Trust};
pub(crate) use way::SshWay;
