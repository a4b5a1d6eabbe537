//! Containers that run already, reached through the command line of docker or podman, which is the same in both.
//!
//! What is done in them is what is done on every [machine](crate::machine): the engine carries the shell's lines there and
//! their answers back, and stops, ends and starts a container as a whole.

mod engine;
mod exec;
mod follow;
mod inspect;
pub mod power;
mod target;
mod way;
mod whole;

pub use engine::Engine;
pub use target::ContainerTarget;
pub(crate) use way::ContainerWay;
