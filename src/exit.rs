//! The exit codes: documented, stable, one meaning each.

use std::process::ExitCode;

use checkers::Validity;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// No anomaly found in this history, under this model.
    Valid = 0,
    /// At least one anomaly was proven.
    Anomaly = 1,
    /// Not decided, or too little evidence.
    Unknown = 2,
    /// A threshold of `--require` was missed.
    Threshold = 3,
    /// A wrong flag or value.
    Usage = 64,
    /// An input file could not be read.
    Input = 65,
    /// The tester itself failed: a node could not be reached, a database did not start.
    Harness = 70,
    /// Interrupted; every fault was undone.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}

impl From<Validity> for Exit {
    fn from(validity: Validity) -> Self {
        match validity {
            Validity::Valid => Self::Valid,
            Validity::Invalid => Self::Anomaly,
            Validity::Unknown => Self::Unknown,
        }
    }
}

/// The table for `--help` and the manual.
pub const TABLE: &str = "\
Exit codes:
  0    valid: no anomaly found in this history, under this model
  1    an anomaly was proven (one that is not known, where --allow or --baseline say what is)
  2    unknown: a limit was hit, or there was too little evidence
  3    a threshold of --require was missed
  64   bad usage
  65   input unreadable
  70   the tester itself failed (a node out of reach, a database that did not start)
  130  interrupted, every fault undone
  diff: 1 if the newer run has a new finding, else 70 if it failed, 2 if it is not decided, 0 otherwise";

/// An error with the exit code it deserves.
#[derive(Debug)]
pub struct Failure {
    /// How to exit.
    pub exit: Exit,
    /// What to tell the user: one sentence with the place and the remedy.
    pub message: String,
}

impl Failure {
    /// A wrong flag or value.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, message: message.into() }
    }

    /// An unreadable input.
    pub fn input(message: impl Into<String>) -> Self {
        Self { exit: Exit::Input, message: message.into() }
    }

    /// A failure of the tester itself.
    pub fn harness(message: impl Into<String>) -> Self {
        Self { exit: Exit::Harness, message: message.into() }
    }
}

impl From<cluster::Error> for Failure {
    fn from(error: cluster::Error) -> Self {
        Self::harness(error.to_string())
    }
}
