//! What `survey` takes.

use std::path::PathBuf;

use clap::Args;

/// What `survey` takes.
#[derive(Args, Clone, Debug)]
pub struct SurveyArguments {
    /// A file of rows (TOML), each a claim about a system with the flags of `test` that try it, in place of the diseases;
    /// docs/findings.toml is one.
    #[arg(value_name = "ROWS", conflicts_with_all = ["diseases", "only_with_faults"])]
    pub rows: Option<PathBuf>,
    /// How many seeds per disease or row.
    #[arg(long, default_value_t = 10)]
    pub seeds: u32,
    /// How many seeds for the healthy specimen.
    #[arg(long, default_value_t = 20)]
    pub healthy_seeds: u32,
    /// How long the calls go on in each run, in seconds.
    #[arg(long, default_value_t = 30.0, value_name = "SECONDS")]
    pub time_limit: f64,
    /// Only these diseases (comma-separated); none is the healthy specimen.
    #[arg(long, value_name = "NAMES")]
    pub diseases: Option<String>,
    /// Leaves out the runs without faults.
    #[arg(long)]
    pub only_with_faults: bool,
    /// How many runs go on at the same time, each on a cluster of its own. More than one per two processors disturb each
    /// other.
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub parallel: u8,
    /// Where each run's result is kept, one line per run; what is there is not run again.
    #[arg(long, default_value = "store/survey.jsonl", value_name = "FILE")]
    pub results: PathBuf,
    /// Where the table is written.
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
    /// The folder of all runs.
    #[arg(long, default_value = "store", env = "DISPROVE_STORE", value_name = "DIR")]
    pub store: PathBuf,
}
