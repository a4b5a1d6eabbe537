//! The whole SSH path on real sshds, which `scripts/ssh-cluster` starts. Needs root, and says so where it is left out.
#![cfg(all(target_os = "linux", feature = "ssh"))]

#[path = "shared/acting.rs"]
mod acting;
#[path = "ssh/entering.rs"]
mod entering;
#[path = "ssh/machines.rs"]
mod machines;
#[path = "shared/made.rs"]
mod made;
#[path = "ssh/sessions.rs"]
mod sessions;
#[path = "ssh/shaping.rs"]
mod shaping;
