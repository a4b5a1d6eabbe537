//! The command line: what may be said, with its help and examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::{exit, inventory::Inventory};

mod reach;

pub use reach::ReachArguments;

mod client_check;
mod stored;

pub use client_check::ClientCheckArguments;
pub use stored::{CleanArguments, DiffArguments, SuiteArguments};

/// Tries to disprove what a database promises.
#[derive(Debug, Parser)]
#[command(
    name = "disprove",
    version,
    about = "Tries to disprove what a database promises: starts a cluster, breaks it, and judges what its clients saw.",
    after_help = exit::TABLE,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Arguments {
    /// Colour in the terminal.
    #[arg(long, global = true, value_enum, default_value = "auto", env = "DISPROVE_COLOR")]
    pub color: Color,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// When standard output is a terminal and NO_COLOR is not set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How results are printed on standard output; talk goes to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// One object.
    Json,
    /// One object per line and run.
    Jsonl,
}

/// What disprove can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Shows the whole way on the built-in store: a healthy cluster passes, a diseased one is caught.
    #[command(after_help = "Example:\n  disprove demo\n  disprove demo --disease stale-reads-lease --seed 7")]
    Demo(DemoArguments),
    /// Tests a database: starts a cluster, runs clients and faults against it, and judges what they saw.
    #[command(
        after_help = "Examples:\n  disprove test --db specimen --disease no-fsync --faults kill --time-limit 30\n  \
                      disprove test --db specimen --workload register --faults partition,kill --seed 7 --repeat 3 --until-anomaly\n  \
                      disprove test --allow G2-item --require 'ok_rate > 0.5' --require 'p99 < 2s during=none'\n  \
                      disprove test --print-config"
    )]
    Test(Box<TestArguments>),
    /// Repeats a stored run: the same choices, and the faults on the same targets at the same times.
    #[command(after_help = "Example:\n  disprove replay store/latest")]
    Replay(ReplayArguments),
    /// Judges a stored run or a history, also one that others recorded (Jepsen EDN, Porcupine logs).
    #[command(
        after_help = "Examples:\n  disprove check store/latest\n  disprove check history.edn --as register --model linearizable\n  \
                      disprove check transactions.edn --as list-append --model serializable,snapshot-isolation\n  \
                      disprove check etcd_001.log --output json"
    )]
    Check(Box<CheckArguments>),
    /// Accepts or rejects a proof that `check --certificate` wrote, with a verifier of a few lines.
    #[command(
        after_help = "Example:\n  disprove check history.edn --as register --certificate proof.json\n  \
                      disprove verify history.edn proof.json"
    )]
    Verify(VerifyArguments),
    /// Speaks with a client program of your own, and explains its first mistake.
    #[cfg(feature = "program")]
    #[command(
        after_help = "Example:\n  disprove client-check --as set --address 127.0.0.1 python3 client.py"
    )]
    ClientCheck(ClientCheckArguments),
    /// Draws the report of a stored run again.
    #[command(after_help = "Example:\n  disprove report store/latest")]
    Report(RunArgument),
    /// Compares two stored runs: findings new, gone and still there, rates and latencies beside each other.
    #[command(
        after_help = "Example:\n  disprove diff store/etcd-register/20260101T010000.000 store/latest\n\n\
                      Exits 1 if the newer run has a finding that the older has not; with none, 70 if the newer run \
                      failed, 2 if it is not decided, and 0 otherwise.\n\
                      Two anomalies are the same finding if they have the same fingerprint, kind@promise:shape, as in \
                      stale-read@linearizable:key. The shape says whether the contradiction is in one answer, about one \
                      key or about several, and of a cycle which orders it needs besides those of the data."
    )]
    Diff(DiffArguments),
    /// Removes stored runs, all but those that are to be kept. Without --delete it only says which.
    #[command(after_help = "Examples:\n  disprove clean --keep-last 20 --keep-failures\n  \
                      disprove clean --keep-newer 14d --keep-failures --delete\n\n\
                      What a rule keeps stays; everything else goes. A run that is under way stays, and so does every \
                      folder that holds anything that no run made.")]
    Clean(CleanArguments),
    /// Undoes every fault of a run that was journalled and not undone.
    #[command(after_help = "Example:\n  disprove heal store/latest")]
    Heal(RunArgument),
    /// Tries what this machine permits, or machines that are named, and says what is missing and how to get it.
    #[command(
        after_help = "Examples:\n  disprove doctor\n  disprove doctor --nodes-file nodes.toml --ports 2379,2380\n  disprove doctor --ssh --nodes a,b,c"
    )]
    Doctor(DoctorArguments),
    /// Lists databases, workloads, models, faults and anomalies, and what goes with what.
    #[command(after_help = "Example:\n  disprove list\n  disprove list anomalies")]
    List(ListArguments),
    /// Runs a matrix of tests as a file says, with one summary over this and earlier nights.
    #[command(
        after_help = "Examples:\n  disprove suite nightly.toml\n  disprove suite nightly.toml --resume\n  \
                      disprove suite nightly.toml --dry-run\n\n\
                      A file:\n  name = \"nightly\"\n  time_budget = \"6h\"     # nothing is begun that would end later\n  \
                      parallel = 2           # runs at a time; runs that share a cluster wait\n  \
                      repeat = 5             # runs of each cell, each with a seed of its own\n  \
                      until = \"anomaly\"      # stop repeating at the first\n  \
                      reruns = 2             # of a run that went wrong, with its seed\n  \
                      policy = \"any\"         # any, most or all of them must go wrong\n  \
                      [settings]             # any flag of `test`\n  time_limit = 30\n  \
                      [[matrix]]             # every value with every other; any flag of `test`\n  \
                      databases = [\"specimen\", { db = \"specimen\", disease = \"no-fsync\" }]\n  \
                      workloads = [\"register\"]\n  faults = [\"all\", [\"kill\", \"pause\"]]\n  seeds = 3\n\n\
                      Exits as the worst cell: 1 an anomaly, 130 interrupted, 70 the tester failed, 3 a threshold missed, \
                      2 not decided or not run, 0 all valid."
    )]
    Suite(SuiteArguments),
    /// Measures how often each specimen's disease is found, and writes the table. Resumes where it was stopped.
    #[command(after_help = "Example:\n  disprove survey --seeds 10 --table rates.md")]
    Survey(SurveyArguments),
    /// Prints completions for a shell.
    #[command(
        after_help = "Example:\n  disprove completions bash > ~/.local/share/bash-completion/completions/disprove"
    )]
    Completions {
        /// The shell.
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Prints the manual page.
    #[command(after_help = "Example:\n  disprove man | man -l -")]
    Man,
}

/// What `test` takes. Each is also an environment variable and a key of `[run]` in the file of `--config`.
#[derive(Args, Clone, Debug)]
pub struct TestArguments {
    /// The database under test; `disprove list` names them.
    #[arg(long, default_value = "specimen", env = "DISPROVE_DB", help_heading = "What to test")]
    pub db: String,
    /// The disease of the built-in specimen; `disprove list diseases` names them.
    #[arg(long, default_value = "none", env = "DISPROVE_DISEASE", help_heading = "What to test")]
    pub disease: String,
    /// The workload; `disprove list` names them.
    #[arg(long, default_value = "register", env = "DISPROVE_WORKLOAD", help_heading = "What to test")]
    pub workload: String,
    /// The promise to judge by; the default is what the database promises.
    #[arg(long, env = "DISPROVE_MODEL", help_heading = "What to test")]
    pub model: Option<String>,
    /// How much its transactions see of each other, where it has several levels; `disprove list` names them.
    #[arg(long, env = "DISPROVE_ISOLATION", value_name = "LEVEL", help_heading = "What to test")]
    pub isolation: Option<String>,
    /// How its servers stand to each other, where it can be set up in several ways; `disprove list` names them.
    #[arg(long, env = "DISPROVE_TOPOLOGY", value_name = "NAME", help_heading = "What to test")]
    pub topology: Option<String>,
    /// Which nodes, and how to reach them.
    #[command(flatten)]
    pub reach: ReachArguments,
    /// The machines of a stored run, in place of what the flags say.
    #[arg(skip)]
    pub inventory: Option<Inventory>,
    /// Leaves the database running after the run, until Enter or Ctrl-C.
    #[arg(long, env = "DISPROVE_LEAVE_RUNNING", help_heading = "Cluster")]
    pub leave_running: bool,
    /// Keeps a capture of every packet between the nodes: capture.pcapng in the run's folder.
    #[arg(long, env = "DISPROVE_CAPTURE", help_heading = "Cluster")]
    pub capture: bool,
    /// How many clients: a number, or 3n for three per node.
    #[arg(long, default_value = "10", env = "DISPROVE_CONCURRENCY", help_heading = "Load")]
    pub concurrency: String,
    /// Calls per second over all clients; 0 is as fast as they go.
    #[arg(long, default_value_t = 1000.0, env = "DISPROVE_RATE", help_heading = "Load")]
    pub rate: f64,
    /// How many keys are in use at a time.
    #[arg(long, default_value_t = 10, env = "DISPROVE_KEYS", help_heading = "Load")]
    pub keys: usize,
    /// How long the calls go on, in seconds.
    #[arg(
        long,
        default_value_t = 30.0,
        allow_negative_numbers = true,
        env = "DISPROVE_TIME_LIMIT",
        value_name = "SECONDS",
        help_heading = "Load"
    )]
    pub time_limit: f64,
    /// How long one call may take, in seconds; the default is the database's own.
    #[arg(long, env = "DISPROVE_CALL_TIMEOUT", value_name = "SECONDS", help_heading = "Load")]
    pub call_timeout: Option<f64>,
    /// Decides every random choice of the tester; the default is drawn and printed.
    #[arg(long, env = "DISPROVE_SEED", help_heading = "Load")]
    pub seed: Option<u64>,
    /// Families of faults and profiles of them, comma-separated, as `disprove list faults` names them; or none.
    #[arg(long, default_value = "all", env = "DISPROVE_FAULTS", help_heading = "Faults")]
    pub faults: String,
    /// How hard faults strike: gentle, standard or harsh; the default is that of the profile.
    #[arg(long, env = "DISPROVE_PACE", help_heading = "Faults")]
    pub pace: Option<String>,
    /// How many nodes faults may take down at once: any, minority, or a number.
    #[arg(
        long,
        default_value = "any",
        env = "DISPROVE_MAX_DOWN",
        value_name = "NODES",
        help_heading = "Faults"
    )]
    pub max_down: String,
    /// A plan of faults instead of drawn ones: a plan file, or the faults.jsonl of a run.
    #[arg(long, env = "DISPROVE_PLAN", value_name = "FILE", help_heading = "Faults")]
    pub plan: Option<PathBuf>,
    /// How many runs; each draws its own seed from the first.
    #[arg(long, default_value_t = 1, env = "DISPROVE_REPEAT", help_heading = "Runs")]
    pub repeat: u32,
    /// Stops repeating at the first anomaly.
    #[arg(long, env = "DISPROVE_UNTIL_ANOMALY", help_heading = "Runs")]
    pub until_anomaly: bool,
    /// The name of the run; the default is made of database and workload.
    #[arg(long, env = "DISPROVE_NAME", help_heading = "Runs")]
    pub name: Option<String>,
    /// The folder of all runs.
    #[arg(long, default_value = "store", env = "DISPROVE_STORE", value_name = "DIR", help_heading = "Runs")]
    pub store: PathBuf,
    /// The most the history of a run may take on disk, compressed, in MiB.
    #[arg(
        long,
        default_value_t = 4096,
        env = "DISPROVE_DISK_LIMIT",
        value_name = "MIB",
        help_heading = "Runs"
    )]
    pub disk_limit: u64,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text", env = "DISPROVE_OUTPUT", help_heading = "Output")]
    pub output: OutputFormat,
    /// A file with a table [run] that sets any of these; disprove.toml is read where it is there.
    #[arg(long, env = "DISPROVE_CONFIG", value_name = "FILE", help_heading = "Output")]
    pub config: Option<PathBuf>,
    /// Prints every setting and where its value came from, and stops.
    #[arg(long, help_heading = "Output")]
    pub print_config: bool,
    /// What is expected of the run.
    #[command(flatten)]
    pub expect: ExpectArguments,
    /// What the checkers may spend.
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// What a run is expected to do, for a pipeline to go by.
#[derive(Args, Clone, Debug, Default)]
pub struct ExpectArguments {
    /// Lets an anomaly pass because it is known: a kind, as in G2-item, or a fingerprint, as `disprove diff` prints it.
    /// It is still reported.
    #[arg(
        long,
        env = "DISPROVE_ALLOW",
        value_name = "ANOMALY",
        value_delimiter = ',',
        help_heading = "What is expected"
    )]
    pub allow: Vec<String>,
    /// Lets every anomaly pass that this stored run has as well.
    #[arg(long, env = "DISPROVE_BASELINE", value_name = "RUN", help_heading = "What is expected")]
    pub baseline: Option<PathBuf>,
    /// A threshold: ok_rate > 0.5, p99 < 2s during=none, recovery < 10s. Exits 3 if one is missed. Of: ok_rate,
    /// fail_rate, unknown_rate, operations, ok, rate, p50, p95, p99, max, recovery; during all, any or no fault, or a
    /// family of faults.
    #[arg(
        long,
        env = "DISPROVE_REQUIRE",
        value_name = "THRESHOLD",
        value_delimiter = ',',
        help_heading = "What is expected"
    )]
    pub require: Vec<String>,
}

/// What checkers may spend.
#[derive(Args, Clone, Debug)]
pub struct LimitArguments {
    /// The most steps a checker may take per key: the reproducible limit.
    #[arg(
        long,
        default_value_t = 50_000_000,
        env = "DISPROVE_STEP_LIMIT",
        value_name = "STEPS",
        help_heading = "Limits"
    )]
    pub step_limit: u64,
    /// The most memory the checkers may hold, in MiB.
    #[arg(
        long,
        default_value_t = 4096,
        env = "DISPROVE_MEMORY_LIMIT",
        value_name = "MIB",
        help_heading = "Limits"
    )]
    pub memory_limit: u64,
    /// The longest the checkers may take, in seconds.
    #[arg(
        long,
        default_value_t = 300.0,
        env = "DISPROVE_CHECK_TIME_LIMIT",
        value_name = "SECONDS",
        help_heading = "Limits"
    )]
    pub check_time_limit: f64,
    /// How many threads check; 0 is one per core.
    #[arg(long, default_value_t = 0, env = "DISPROVE_THREADS", help_heading = "Limits")]
    pub threads: usize,
}

/// What `demo` takes.
#[derive(Args, Clone, Debug)]
pub struct DemoArguments {
    /// The disease of the second cluster.
    #[arg(long, default_value = "async-primary-backup")]
    pub disease: String,
    /// Decides every random choice of the tester.
    #[arg(long)]
    pub seed: Option<u64>,
    /// How long the calls go on in each of the two runs, in seconds.
    #[arg(long, default_value_t = 20.0, value_name = "SECONDS")]
    pub time_limit: f64,
    /// The folder of all runs.
    #[arg(long, default_value = "store", env = "DISPROVE_STORE", value_name = "DIR")]
    pub store: PathBuf,
}

/// What `replay` takes.
#[derive(Args, Clone, Debug)]
pub struct ReplayArguments {
    /// The folder of a run.
    pub run: PathBuf,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text")]
    pub output: OutputFormat,
}

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
    /// Writes the proof to this file: an order where the verdict is valid, the witnesses where it is not. `disprove
    /// verify` accepts or rejects it.
    #[arg(long, value_name = "FILE")]
    pub certificate: Option<PathBuf>,
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
    /// The most memory the checkers may hold, in MiB.
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

/// A command that takes a stored run.
#[derive(Args, Clone, Debug)]
pub struct RunArgument {
    /// The folder of a run.
    #[arg(default_value = "store/latest")]
    pub run: PathBuf,
}

/// What `doctor` takes.
#[derive(Args, Clone, Debug)]
pub struct DoctorArguments {
    /// Which machines to try, where it is not this one.
    #[command(flatten)]
    pub reach: ReachArguments,
    /// The ports that the database will want on each machine: 2379,2380.
    #[arg(long, value_delimiter = ',', value_name = "PORTS")]
    pub ports: Vec<u16>,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text")]
    pub output: OutputFormat,
}

/// What `list` takes.
#[derive(Args, Clone, Debug)]
pub struct ListArguments {
    /// Only these.
    #[arg(value_enum)]
    pub what: Option<Listed>,
    /// How results are printed.
    #[arg(long, value_enum, default_value = "text")]
    pub output: OutputFormat,
}

/// What `list` can be narrowed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Listed {
    /// The databases and the vocabularies they speak.
    Databases,
    /// The workloads and the promise each tests.
    Workloads,
    /// The promises a history can be judged by.
    Models,
    /// The families of faults, and the profiles of them.
    Faults,
    /// The diseases of the built-in specimen.
    Diseases,
    /// The anomalies, explained.
    Anomalies,
}

/// What `survey` takes.
#[derive(Args, Clone, Debug)]
pub struct SurveyArguments {
    /// How many seeds per disease.
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
