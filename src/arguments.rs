//! The command line: what may be said, with its help and examples.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::exit;

mod client_check;
mod judging;
mod reach;
mod stored;
mod survey;
mod test;
mod tls;

pub use client_check::ClientCheckArguments;
pub use judging::{CheckArguments, VerifyArguments};
pub use reach::ReachArguments;
#[cfg(feature = "serve")]
pub use stored::ServeArguments;
pub use stored::{CleanArguments, DiffArguments, SuiteArguments};
pub use survey::SurveyArguments;
pub use test::{DemoArguments, ExpectArguments, LimitArguments, ReplayArguments, TestArguments};
pub use tls::TlsArguments;

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
                      disprove test --endpoint postgres://me@db.example/scratch --password-file secret --workload bank\n  \
                      disprove test --endpoint rediss://cache.example --ca ca.pem --client-cert me.pem --client-key me.key\n  \
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
        after_help = "Examples:\n  disprove doctor\n  disprove doctor --nodes-file nodes.toml --ports 2379,2380\n  disprove doctor --ssh --nodes a,b,c\n  disprove doctor --containers n1=db-1,n2=db-2"
    )]
    Doctor(DoctorArguments),
    /// Lists databases, workloads, models, faults and anomalies, and what goes with what.
    #[command(after_help = "Example:\n  disprove list\n  disprove list anomalies")]
    List(ListArguments),
    /// Shows the store in a browser: all runs, the one under way, trends, comparisons, files. It only reads.
    #[cfg(feature = "serve")]
    #[command(after_help = "Examples:\n  disprove serve\n  disprove serve --address 127.0.0.1:9000\n  \
                      disprove serve --address 0.0.0.0:8400 --host tester.example\n\n\
                      There is no password: whoever reaches the address can read every run. It answers only to \
                      addresses, to localhost and to names given with --host, so that no page elsewhere can read along.")]
    Serve(ServeArguments),
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
    /// Measures how often each specimen's disease is found, or each claim about a real system holds, and writes the table.
    /// Resumes where it was stopped.
    #[command(after_help = "Examples:\n  disprove survey --seeds 10 --table rates.md\n  \
                      disprove survey docs/findings.toml --results docs/findings.jsonl --table docs/findings.md\n\n\
                      A row of such a file:\n  [[row]]\n  system = \"PostgreSQL, one server\"\n  \
                      claim = \"READ COMMITTED loses updates\"\n  expect = \"invalid\"  # or valid: a clean control\n  \
                      flags = \"--db postgres --isolation read-committed --workload list-append --model snapshot-isolation\"")]
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
