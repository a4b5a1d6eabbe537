//! What the commands take that work on the store as a whole.

use std::path::PathBuf;

use clap::Args;

use super::OutputFormat;

/// What `clean` takes.
#[derive(Args, Clone, Debug)]
pub struct CleanArguments {
    /// Keeps the newest N runs.
    #[arg(long, value_name = "N")]
    pub keep_last: Option<usize>,
    /// Keeps every run with an anomaly, with a harness failure, or that was never judged.
    #[arg(long)]
    pub keep_failures: bool,
    /// Keeps every run younger than this: 90s, 15m, 6h, 14d, 2w.
    #[arg(long, value_name = "AGE")]
    pub keep_newer: Option<String>,
    /// Removes them; without it, clean only says what would go.
    #[arg(long, conflicts_with = "dry_run")]
    pub delete: bool,
    /// Only says what would go, which is what happens without --delete too.
    #[arg(long)]
    pub dry_run: bool,
    /// The folder of all runs.
    #[arg(long, default_value = "store", env = "DISPROVE_STORE", value_name = "DIR")]
    pub store: PathBuf,
}

/// What `diff` takes.
#[derive(Args, Clone, Debug)]
pub struct DiffArguments {
    /// The folder of the older run.
    pub older: PathBuf,
    /// The folder of the newer run.
    pub newer: PathBuf,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text")]
    pub output: OutputFormat,
}

/// What `suite` takes.
#[derive(Args, Clone, Debug)]
pub struct SuiteArguments {
    /// The file that says what is to be run.
    pub file: PathBuf,
    /// Goes on with the last night, if it was stopped and the matrix is still the same.
    #[arg(long)]
    pub resume: bool,
    /// Prints the cells and runs nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// The folder of all runs; the default is what the file says, else store.
    #[arg(long, env = "DISPROVE_STORE", value_name = "DIR")]
    pub store: Option<PathBuf>,
    /// How the summary is printed.
    #[arg(long, value_enum, default_value = "text")]
    pub output: OutputFormat,
}

/// What `serve` takes.
#[cfg(feature = "serve")]
#[derive(Args, Clone, Debug)]
pub struct ServeArguments {
    /// Where to listen. Anything but a loopback address lets other machines read every run.
    #[arg(long, default_value = "127.0.0.1:8400", env = "DISPROVE_ADDRESS", value_name = "ADDRESS:PORT")]
    pub address: std::net::SocketAddr,
    /// A name, besides addresses and localhost, by which browsers may ask for it.
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// The folder of all runs.
    #[arg(long, default_value = "store", env = "DISPROVE_STORE", value_name = "DIR")]
    pub store: PathBuf,
}
