//! Every choice that makes a run, as `run.json` keeps it, so that the run can be repeated.

use std::{path::PathBuf, time::Duration};

use cluster::Database;
use databases::endpoint::without_password;
use nemeses::{Family, MaxDown, Pace, Selection};
use serde::{Deserialize, Serialize};
use workloads::Options;

use crate::{
    arguments::{ReachArguments, TestArguments, TlsArguments},
    endpoints,
    exit::Failure,
    inventory::Inventory,
    judge::Limits,
};

mod programs;

use programs::programs;

/// The version of `run.json`.
pub const SCHEMA_VERSION: u32 = 1;

/// The choices of one run. Never a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Choices {
    /// The version of this format.
    pub schema: u32,
    /// `--db`.
    pub db: String,
    /// `--disease`.
    pub disease: String,
    /// `--isolation`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub isolation: Option<String>,
    /// `--topology`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology: Option<String>,
    /// `--reads`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reads: Option<String>,
    /// `--programs`, as a whole path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub programs: Option<PathBuf>,
    /// `--programs-new`, as a whole path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_programs: Option<PathBuf>,
    /// The settings file that describes the database, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PathBuf>,
    /// The nodes of a system that already ran, as URLs without passwords; none where the run started it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<String>,
    /// `--dialect`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// `--password-file`: where the password is, not the password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// How TLS is spoken: where certificates, the key and its passphrase are, none of them themselves.
    #[serde(default, skip_serializing_if = "TlsArguments::is_silent")]
    pub tls: TlsArguments,
    /// `--workload`.
    pub workload: String,
    /// The promise that is judged.
    pub model: String,
    /// The names of the nodes.
    pub nodes: Vec<String>,
    /// The machines, where the nodes are not made here. It names where secrets are, and holds none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inventory: Option<Inventory>,
    /// How many clients.
    pub concurrency: usize,
    /// `--rate`; 0 is as fast as they go.
    pub rate: f64,
    /// `--keys`.
    pub keys: usize,
    /// `--time-limit`, in seconds.
    pub time_limit: f64,
    /// How long a call may take, in seconds; `None` is the database's own.
    pub call_timeout: Option<f64>,
    /// The seed.
    pub seed: u64,
    /// The families of faults.
    pub faults: Vec<String>,
    /// How hard they strike.
    #[serde(default)]
    pub pace: Pace,
    /// `--max-down`.
    #[serde(default)]
    pub max_down: MaxDown,
    /// `--plan`, where one was given.
    pub plan: Option<PathBuf>,
    /// `--capture`.
    pub capture: bool,
    /// `--stop-on-anomaly`.
    #[serde(default)]
    pub stop_on_anomaly: bool,
    /// `--disk-limit`, in MiB.
    pub disk_limit: u64,
    /// `--name`, or what it was made of.
    pub name: String,
    /// `--step-limit`.
    pub step_limit: u64,
    /// `--memory-limit`, in MiB.
    pub memory_limit: u64,
    /// `--check-time-limit`, in seconds.
    pub check_time_limit: f64,
    /// `--threads`.
    pub threads: usize,
    /// A text that no other run has: part of the name of every key.
    pub run_id: String,
    /// When it started, in wall time.
    pub started: String,
    /// The command line.
    pub argv: Vec<String>,
    /// The version of this program.
    pub version: String,
    /// The version of the database, as it says itself.
    #[serde(default)]
    pub database_version: String,
}

impl Choices {
    /// The choices of a run with this seed, from the flags and what they default to.
    pub fn new(
        arguments: &TestArguments,
        database: &dyn Database,
        model: String,
        seed: u64,
    ) -> Result<Self, Failure> {
        let inventory = match &arguments.inventory {
            Some(inventory) => Some(inventory.clone()),
            None => Inventory::named(&arguments.reach)?,
        };
        if arguments.capture && inventory.is_some() {
            return Err(Failure::usage(
                "--capture is for nodes on this machine; packets between machines do not pass here",
            ));
        }
        let nodes = node_names(arguments, inventory.as_ref(), database)?;
        let selection = parse_faults(arguments.faults())?;
        let pace = arguments.pace.as_deref().map_or(Ok(selection.pace), parse_pace)?;
        let max_down = arguments
            .max_down
            .parse()
            .map_err(|what| Failure::usage(format!("--max-down: {what}, as in --max-down minority")))?;
        let name = folder_name(arguments)?;
        has_sense(arguments)?;
        let (now, elsewhere) = (jiff::Zoned::now(), inventory.is_some());
        Ok(Self {
            schema: SCHEMA_VERSION,
            db: arguments.db.clone(),
            disease: arguments.disease.clone(),
            isolation: arguments.isolation.clone(),
            topology: arguments.topology.clone(),
            reads: arguments.reads.clone(),
            programs: programs(arguments, elsewhere, ("--programs", &arguments.programs))?,
            new_programs: programs(arguments, elsewhere, ("--programs-new", &arguments.programs_new))?,
            config: own_file(arguments)?,
            endpoints: endpoints::shown(arguments),
            dialect: arguments.dialect.clone(),
            password_file: arguments.password_file.clone(),
            tls: arguments.tls.clone(),
            workload: arguments.workload.clone(),
            model,
            concurrency: concurrency(&arguments.concurrency, nodes.len())?,
            nodes,
            inventory,
            rate: arguments.rate,
            keys: arguments.keys,
            time_limit: arguments.time_limit,
            call_timeout: arguments.call_timeout,
            seed,
            faults: selection.families.iter().map(|family| family.name().to_owned()).collect(),
            pace,
            max_down,
            plan: arguments.plan.clone(),
            capture: arguments.capture,
            stop_on_anomaly: arguments.stop_on_anomaly,
            disk_limit: arguments.disk_limit,
            name,
            step_limit: arguments.limits.step_limit,
            memory_limit: arguments.limits.memory_limit,
            check_time_limit: arguments.limits.check_time_limit,
            threads: arguments.limits.threads,
            run_id: arguments.run_id.clone().unwrap_or_else(|| run_id(&now, seed)),
            started: now.strftime("%Y%m%dT%H%M%S%.3f").to_string(),
            argv: std::env::args().map(|word| without_password(&word)).collect(),
            version: env!("CARGO_PKG_VERSION").into(),
            database_version: String::new(),
        })
    }

    /// The command that makes the same choices again.
    pub fn command(&self) -> String {
        let mut command = format!("{} test --db {}", super::stages::program(), self.db);
        if self.disease != "none" {
            command += &format!(" --disease {}", self.disease);
        }
        if let Some(level) = &self.isolation {
            command += &format!(" --isolation {level}");
        }
        if let Some(topology) = &self.topology {
            command += &format!(" --topology {topology}");
        }
        if let Some(reads) = &self.reads {
            command += &format!(" --reads {reads}");
        }
        if let Some(programs) = &self.programs {
            command += &format!(" --programs {}", programs.display());
        }
        if let Some(programs) = &self.new_programs {
            command += &format!(" --programs-new {}", programs.display());
        }
        if let Some(config) = &self.config {
            command += &format!(" --config {}", config.display());
        }
        if !self.endpoints.is_empty() {
            command += &format!(" --endpoint {}", self.endpoints.join(","));
        }
        if let Some(dialect) = &self.dialect {
            command += &format!(" --dialect {dialect}");
        }
        if let Some(file) = &self.password_file {
            command += &format!(" --password-file {}", file.display());
        }
        for flag in self.tls.flags() {
            command += &format!(" {flag}");
        }
        command += &format!(
            " --workload {} --model {}{} --concurrency {} --rate {} --keys {} --time-limit {} --seed {}",
            self.workload,
            self.model,
            self.nodes_flags(),
            self.concurrency,
            self.rate,
            self.keys,
            self.time_limit,
            self.seed,
        );
        match &self.plan {
            Some(plan) => command += &format!(" --plan {}", plan.display()),
            None if self.faults.is_empty() => command += " --faults none",
            None => command += &format!(" --faults {}", self.faults.join(",")),
        }
        if self.pace != Pace::Standard {
            command += &format!(" --pace {}", self.pace.name());
        }
        if self.max_down != MaxDown::Any {
            command += &format!(" --max-down {}", self.max_down);
        }
        if let Some(seconds) = self.call_timeout {
            command += &format!(" --call-timeout {seconds}");
        }
        if self.stop_on_anomaly {
            command += " --stop-on-anomaly";
        }
        command
    }

    fn nodes_flags(&self) -> String {
        match &self.inventory {
            Some(inventory) => format!(" {}", inventory.flags),
            None if !self.endpoints.is_empty() => String::new(),
            None if self.has_usual_nodes() => format!(" --nodes {}", self.nodes.len()),
            None => format!(" --nodes {}", self.nodes.join(",")),
        }
    }

    fn has_usual_nodes(&self) -> bool {
        self.nodes.iter().enumerate().all(|(place, name)| *name == format!("n{}", place + 1))
    }

    /// Whether no node is made on this machine.
    pub fn is_elsewhere(&self) -> bool {
        self.inventory.is_some() || !self.endpoints.is_empty()
    }

    /// What is tested: the dialect, where the database has several, or the database.
    pub fn system(&self) -> &str {
        self.dialect.as_deref().unwrap_or(&self.db)
    }

    /// The families of faults that were asked for.
    pub fn families(&self) -> Result<Vec<Family>, Failure> {
        Ok(parse_faults(&self.faults.join(","))?.families)
    }

    /// Whether the run was to have faults, so that one without any proves nothing.
    pub fn ask_for_faults(&self) -> bool {
        !self.faults.is_empty() || self.plan.is_some()
    }

    /// What the checkers may spend.
    pub fn limits(&self) -> Result<Limits, Failure> {
        Limits::new(self.step_limit, self.memory_limit, self.check_time_limit, self.threads)
    }

    /// What the workload is told.
    pub fn options(&self) -> Options {
        Options {
            threads: self.concurrency,
            nodes: self.nodes.len(),
            keys: self.keys,
            rate: (self.rate > 0.0).then_some(self.rate),
            seed: self.seed,
            run_id: self.run_id.clone(),
            model: self.model.clone(),
        }
    }

    /// How long the calls go on.
    pub fn calls_last(&self) -> Duration {
        Duration::from_secs_f64(self.time_limit)
    }
}

/// The settings file, if the database is one that it describes.
#[cfg(feature = "program")]
fn own_file(arguments: &TestArguments) -> Result<Option<PathBuf>, Failure> {
    Ok(crate::own_system::described(arguments)?.map(|(_, path)| path))
}

#[cfg(not(feature = "program"))]
fn own_file(_: &TestArguments) -> Result<Option<PathBuf>, Failure> {
    Ok(None)
}

/// The folder of runs like this one, within the store.
fn folder_name(arguments: &TestArguments) -> Result<String, Failure> {
    let sick = arguments.db == "specimen" && arguments.disease != "none";
    let name = arguments.name.clone().unwrap_or_else(|| {
        let disease = if sick { format!("-{}", arguments.disease) } else { String::new() };
        format!("{}{disease}-{}", arguments.db, arguments.workload)
    });
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
        return Err(Failure::usage(format!(
            "`{name}` cannot name a folder; --name takes letters, digits and dashes"
        )));
    }
    Ok(name)
}

/// Refuses numbers with which no run could be made.
/// The folder of another version's programs.
fn has_sense(arguments: &TestArguments) -> Result<(), Failure> {
    positive("--time-limit", arguments.time_limit)?;
    if let Some(seconds) = arguments.call_timeout {
        positive("--call-timeout", seconds)?;
    }
    if !arguments.rate.is_finite() || arguments.rate < 0.0 {
        return Err(Failure::usage("--rate takes calls per second, 0 or more"));
    }
    if arguments.keys == 0 {
        return Err(Failure::usage("--keys takes at least 1"));
    }
    Ok(())
}

fn positive(flag: &str, seconds: f64) -> Result<(), Failure> {
    if seconds.is_finite() && seconds > 0.0 && seconds < 1e7 {
        return Ok(());
    }
    Err(Failure::usage(format!("{flag} takes seconds, more than 0, as in 30")))
}

/// A text that tells this run's keys from those of every other.
pub fn run_id(now: &jiff::Zoned, seed: u64) -> String {
    let mixed = (now.timestamp().as_nanosecond() as u64) ^ seed.rotate_left(32);
    format!("r{:06x}", (mixed ^ (mixed >> 24)) & 0xff_ffff)
}

fn parse_faults(text: &str) -> Result<Selection, Failure> {
    Selection::parse(text).map_err(|error| Failure::usage(format!("--faults: {error}")))
}

fn parse_pace(text: &str) -> Result<Pace, Failure> {
    let named = Pace::ALL.into_iter().find(|pace| pace.name() == text.trim());
    named.ok_or_else(|| {
        let names = Pace::ALL.map(Pace::name);
        Failure::usage(format!("there is no pace `{text}`; --pace takes {}", names.join(", ")))
    })
}

fn node_names(
    arguments: &TestArguments,
    inventory: Option<&Inventory>,
    database: &dyn Database,
) -> Result<Vec<String>, Failure> {
    let names = match (inventory, &arguments.running) {
        (None, None) => local_names(&arguments.reach, database)?,
        (None, Some(running)) => (1..=running.endpoints.len()).map(|number| format!("n{number}")).collect(),
        (Some(inventory), None) => inventory.names(),
        (Some(inventory), Some(running)) => {
            let (names, endpoints) = (inventory.names(), running.endpoints.len());
            if names.len() != endpoints {
                return Err(Failure::usage(format!(
                    "there are {endpoints} endpoints and {} machines; each endpoint needs the machine it is on, in the same order",
                    names.len()
                )));
            }
            names
        }
    };
    if names.len() < database.nodes_min() {
        return Err(Failure::usage(format!(
            "{} needs at least {} nodes here; --nodes asks for {}",
            database.name(),
            database.nodes_min(),
            names.len()
        )));
    }
    if let Some(most) = database.nodes_max().filter(|&most| names.len() > most) {
        return Err(Failure::usage(format!(
            "{} runs on at most {most} node{} here; --nodes asks for {}",
            database.name(),
            if most == 1 { "" } else { "s" },
            names.len()
        )));
    }
    Ok(names)
}

fn local_names(reach: &ReachArguments, database: &dyn Database) -> Result<Vec<String>, Failure> {
    let text = match &reach.nodes_file {
        None => reach.nodes.clone().unwrap_or_else(|| database.nodes_usual().to_string()),
        Some(path) => std::fs::read_to_string(path)
            .map_err(|error| Failure::usage(format!("cannot read the nodes in {}: {error}", path.display())))?
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .collect::<Vec<_>>()
            .join(","),
    };
    let names: Vec<String> = match text.trim().parse::<usize>() {
        Ok(count) if reach.nodes_file.is_none() => (1..=count).map(|number| format!("n{number}")).collect(),
        _ => text.split(',').map(|name| name.trim().to_owned()).collect(),
    };
    let usual = |name: &String| {
        !name.is_empty()
            && name.len() < 64
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if names.is_empty() || names.len() > 100 || !names.iter().all(usual) {
        return Err(Failure::usage(format!(
            "`{text}` names no nodes; --nodes takes a number from 1 to 100, as in 5, or names, as in n1,n2,n3; with \
             --ssh it takes hosts"
        )));
    }
    let mut sorted = names.clone();
    sorted.sort();
    if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(Failure::usage(format!("`{text}` names a node twice")));
    }
    Ok(names)
}

fn concurrency(text: &str, nodes: usize) -> Result<usize, Failure> {
    let count = match text.strip_suffix('n') {
        Some("") => Some(nodes),
        Some(times) => times.parse::<usize>().ok().and_then(|times| times.checked_mul(nodes)),
        None => text.parse().ok(),
    };
    match count {
        Some(count) if (1..=10_000).contains(&count) => Ok(count),
        _ => Err(Failure::usage(format!(
            "`{text}` is no number of clients; --concurrency takes 1 to 10000, as in 10, or 3n for three per node"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_counted_plainly_or_per_node() {
        assert_eq!(concurrency("10", 5).unwrap(), 10);
        assert_eq!(concurrency("3n", 5).unwrap(), 15);
        assert_eq!(concurrency("n", 5).unwrap(), 5);
        for wrong in ["0", "", "x", "3m", "-1", "99999999999999999999n"] {
            assert_eq!(concurrency(wrong, 5).unwrap_err().exit, crate::exit::Exit::Usage, "{wrong}");
        }
    }
}
