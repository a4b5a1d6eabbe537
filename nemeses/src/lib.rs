//! Faults, their undo, and plans of faults.
//!
//! A [`Plan`] says which [`Action`] strikes whom, when and for how long. A [`Nemesis`] carries it out on a cluster: it
//! resolves the targets, writes them to the [`Journal`] before it touches anything, injects, looks for evidence, and
//! undoes, whatever happens in between. [`heal`] undoes what a killed nemesis left behind, from its journal alone.
//!
//! This crate deliberately never sees a workload or a checker, decides no verdict, and touches a cluster only through
//! the traits of `cluster`. A fault that cannot be done is never an error of a run: its record says that it was skipped,
//! and why.
//!
//! ```
//! use std::time::Duration;
//! use disprove_nemeses::{Plan, PlanSpec, Powers, Selection};
//!
//! let families = Selection::parse("partition,kill").unwrap().families;
//! let spec = PlanSpec::new(families, 7, Duration::from_secs(30), 5, Powers::every());
//! let plan = Plan::generate(&spec);
//! assert_eq!(plan, Plan::generate(&spec), "one seed decides all of it");
//!
//! // A plan is data: it can be kept, edited and repeated.
//! let text = serde_json::to_string_pretty(&plan).unwrap();
//! assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
//! for fault in &plan.faults {
//!     println!("{:>6.2} s  {:?} on {}", fault.at.as_secs_f64(), fault.fault, fault.targets);
//! }
//! ```
//!
//! Read next: [`plan`], then [`faults`], then [`Nemesis`].

mod error;
mod family;
pub mod faults;
mod heal;
pub mod journal;
mod nemesis;
pub mod plan;
mod powers;
mod profile;
mod promise;
mod streams;
mod target;

pub use error::Error;
pub use family::Family;
pub use heal::{Healed, close, heal};
pub use journal::Journal;
pub use nemesis::{Limits, Nemesis, Sink};
pub use plan::{Action, Answer, Conduct, Direction, Peers, Plan, PlanSpec, PlannedFault, Shape, read_plan};
pub use powers::Powers;
pub use profile::{Pace, Profile, Selection};
pub use promise::MaxDown;
pub use target::Targets;
