//! Containers as nodes, of an engine that `scripts/container-cluster` starts. Needs root, and says so where it is left out.
#![cfg(target_os = "linux")]

#[path = "shared/acting.rs"]
mod acting;
#[path = "containers/machines.rs"]
mod machines;
#[path = "shared/made.rs"]
mod made;
#[path = "containers/whole.rs"]
mod whole;
