//! Turns verdicts into what people and machines read: terminal text, `results.json`, JUnit, Markdown, and one HTML
//! page that needs no network.
//!
//! [`Findings`] is the one thing all of them are drawn from: plain data, gathered once from a history and its
//! verdicts, small whatever the size of the history, and itself the content of `results.json`.
//!
//! This crate deliberately writes no file, prints nothing, reads no clock and no environment, and judges nothing:
//! it returns text, and the controller puts it somewhere.
//!
//! ```
//! use history::{Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Vocabulary};
//! use history::vocabulary::register::{Call, Register, Return};
//! use disprove_reports::{Findings, Run, Style, terminal};
//!
//! let write = Operation::<Register> {
//!     index: OpIndex(0),
//!     process: Process(0),
//!     node: NodeId(0),
//!     call: Call::Write("x".into(), 3.into()),
//!     outcome: Outcome::Ok(Return::Written),
//!     began: Nanos(1_000),
//!     ended: Some(Nanos(5_000)),
//! };
//! let history = History {
//!     header: Header::new(Register::NAME),
//!     operations: vec![write],
//!     faults: vec![],
//!     damage: None,
//! };
//! let run = Run { title: "register on nothing".into(), ..Run::default() };
//! let findings = Findings::from_history(run, &history, vec![]);
//! assert_eq!(findings.ok_operations, 1);
//! assert!(terminal::summary(&findings, Style { color: false, width: 80 }).starts_with("UNKNOWN"));
//! ```
//!
//! Read next: [`findings`], then [`terminal`], then [`html`].

pub mod comparison;
pub mod expected;
pub mod findings;
pub mod fingerprint;
pub mod folder;
mod frame;
pub mod html;
pub mod index;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod measures;
pub mod nights;
pub mod proof;
pub mod status;
pub mod step_summary;
pub mod suite;
pub mod terminal;
pub mod trends;
pub mod wording;

pub use findings::{
    Bar, Count, Covered, Dot, Down, Exposure, Fact, FaultLine, Findings, Gathering, Headline, KindLine,
    LatencyLine, Life, Mark, NodeSeries, OutcomeKind, Overview, Phase, Picture, Point, Quantiles, RateSeries,
    ReasonLine, Row, Run, SCHEMA_VERSION, Scene, Series, Shape, Sign, Span, Tape, Tone, Whole,
};
pub use index::RunLine;
pub use terminal::Style;
