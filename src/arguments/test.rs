//! What `test`, and the commands that run it with other choices, take.

use std::path::PathBuf;

use clap::Args;

use super::{OutputFormat, ReachArguments, TlsArguments};
use crate::inventory::Inventory;

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
    /// How reads are made, where there are several ways (etcd, nats, rabbitmq, zookeeper); `disprove list` names them.
    #[arg(long, env = "DISPROVE_READS", value_name = "NAME", help_heading = "What to test")]
    pub reads: Option<String>,
    /// A folder whose programs are taken before the system's, to test another version: /opt/etcd-3.5/bin.
    #[arg(long, env = "DISPROVE_PROGRAMS", value_name = "FOLDER", help_heading = "What to test")]
    pub programs: Option<PathBuf>,
    /// A folder with the programs of another version, for --faults upgrade: nodes are upgraded to it one after another, and
    /// taken back. Example: disprove test --db nats --faults upgrade --programs-new /opt/nats-2.10
    #[arg(long, env = "DISPROVE_PROGRAMS_NEW", value_name = "FOLDER", help_heading = "What to test")]
    pub programs_new: Option<PathBuf>,
    /// Which nodes, and how to reach them.
    #[command(flatten)]
    pub reach: ReachArguments,
    /// A system that already runs, by the URLs of its nodes, comma-separated: postgres://user@host:5432/database, redis://host,
    /// http://host:2379 (etcd), mysql://user@host/database; with TLS rediss://, https://, amqps://, tls:// (NATS), ?sslmode=verify-full, or
    /// --tls. It is left as it was found, and gets no faults unless --ssh or --containers says how
    /// to reach the machines.
    #[arg(
        long,
        env = "DISPROVE_ENDPOINT",
        hide_env_values = true,
        value_name = "URLS",
        value_delimiter = ',',
        help_heading = "Cluster"
    )]
    pub endpoint: Vec<String>,
    /// Which system it is, where several speak one protocol: postgres, cockroachdb, yugabytedb; mariadb, mysql, tidb. The default
    /// is what the scheme of the URL says.
    #[arg(long, env = "DISPROVE_DIALECT", value_name = "NAME", help_heading = "Cluster")]
    pub dialect: Option<String>,
    /// A file whose first line is the password for --endpoint (or DISPROVE_PASSWORD in the environment).
    #[arg(long, env = "DISPROVE_PASSWORD_FILE", value_name = "FILE", help_heading = "Cluster")]
    pub password_file: Option<PathBuf>,
    /// How TLS is spoken with --endpoint.
    #[command(flatten)]
    pub tls: TlsArguments,
    /// The system of --endpoint, once the URLs were understood.
    #[arg(skip)]
    pub running: Option<databases::endpoint::Shared>,
    /// The id of a stored run, whose leftovers are to be removed.
    #[arg(skip)]
    pub run_id: Option<String>,
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
    /// Families of faults and profiles of them, comma-separated, as `disprove list faults` names them; or none. The default is
    /// all, and none where --endpoint gives only addresses.
    #[arg(long, env = "DISPROVE_FAULTS", help_heading = "Faults")]
    pub faults: Option<String>,
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
    /// Judges the history while the run goes on, and ends the calls at the first anomaly.
    #[arg(long, env = "DISPROVE_STOP_ON_ANOMALY", help_heading = "Runs")]
    pub stop_on_anomaly: bool,
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

impl TestArguments {
    /// The faults that are asked for.
    pub fn faults(&self) -> &str {
        self.faults.as_deref().unwrap_or("all")
    }
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
    /// The most memory this may hold, in MiB; no check is stopped by it that takes less than an eighth of that itself.
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
