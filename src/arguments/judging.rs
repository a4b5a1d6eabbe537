//! What the commands take that judge what is recorded already.

use std::path::PathBuf;

use clap::Args;

use super::{ExpectArguments, OutputFormat};

/// What `check` takes.
#[derive(Args, Clone, Debug)]
pub struct CheckArguments {
    /// A history file, or the folder of a run.
    pub file: PathBuf,
    /// What its calls are: register, list-append, queue, ... The default is what the file says, or shows.
    #[arg(long = "as", value_name = "VOCABULARY")]
    pub vocabulary: Option<String>,
    /// The promises to judge by, separated by commas; `disprove list models` names them. The default is what the file
    /// says, else strict-serializable for transactions (serializable where there are no times), else linearizable.
    #[arg(long)]
    pub model: Option<String>,
    /// The format of the file; the default is what its first bytes show.
    #[arg(long)]
    pub format: Option<String>,
    /// What the order of versions may be inferred from: exact (what is proven), given (the database's own commit
    /// times), or any of wfr, sequential, linearizable: assumptions about the database, which the verdict then rests on.
    #[arg(long, default_value = "exact", value_name = "SOURCES")]
    pub version_order: String,
    /// For bounded-staleness: the most seconds by which a read may be late. Without a bound the measured one is told.
    #[arg(long, value_name = "SECONDS")]
    pub staleness_time: Option<f64>,
    /// For bounded-staleness: the most newer versions that a read may miss.
    #[arg(long, value_name = "COUNT")]
    pub staleness_versions: Option<u64>,
    /// Where the one promise is broken, judges the weaker ones too, and says which still stand. With --report, and for the
    /// folder of a run, this is done anyway.
    #[arg(long)]
    pub weaker: bool,
    /// Writes the proof to this file: an order where the verdict is valid, the witnesses where it is not. `disprove
    /// verify` accepts or rejects it.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
    /// Judges transactions of lists or registers while the file is read, and ends at the first anomaly. Only what still
    /// matters is kept, so that memory does not grow with the file.
    #[arg(long)]
    pub stop_on_anomaly: bool,
    /// With --stop-on-anomaly: a list that so many calls in a row leave alone is taken for finished and forgotten; registers
    /// are compared within so many consecutive calls.
    #[arg(long, default_value_t = 20_000, value_name = "CALLS", value_parser = clap::value_parser!(u64).range(1..))]
    pub forget_after: u64,
    /// The value of everything before the first call. The default is what the file says, or nil.
    #[arg(long, value_name = "VALUE")]
    pub initial: Option<String>,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text")]
    pub output: OutputFormat,
    /// What is expected of the history.
    #[command(flatten)]
    pub expect: ExpectArguments,
    /// Writes report.html to this file as well.
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// The most steps a checker may take per key: the reproducible limit.
    #[arg(long, default_value_t = 50_000_000, value_name = "STEPS")]
    pub step_limit: u64,
    /// The most memory this may hold, in MiB; no check is stopped by it that takes less than an eighth of that itself.
    #[arg(long, default_value_t = 4096, value_name = "MIB")]
    pub memory_limit: u64,
    /// The longest the check may take, in seconds.
    #[arg(long, default_value_t = 300.0, value_name = "SECONDS")]
    pub time_limit: f64,
    /// How many threads check; 0 is one per core.
    #[arg(long, default_value_t = 0)]
    pub threads: usize,
}

/// What `verify` takes.
#[derive(Args, Clone, Debug)]
pub struct VerifyArguments {
    /// The history that was judged, or the folder of a run.
    pub file: PathBuf,
    /// The proof.
    pub certificate: PathBuf,
    /// The format of the history; the default is what its first bytes show.
    #[arg(long)]
    pub format: Option<String>,
    /// The value of everything before the first call, as it was given to `check`.
    #[arg(long, value_name = "VALUE")]
    pub initial: Option<String>,
}
