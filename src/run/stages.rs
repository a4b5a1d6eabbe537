//! The stages of a run: set up, live, tear down, judge, report.

use std::{path::Path, sync::Arc, time::Duration};

use checkers::Validity;
use cluster::{Cluster, Database, switch::SwitchLag};
use nemeses::{MaxDown, Plan, PlanSpec, Powers};
use reports::{Fact, Findings, Phase, Run};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{
    back::Back,
    choices::Choices,
    interrupt::Interrupts,
    live::{Live, LiveSummary, nanos},
    logging,
    progress::Progress,
    serving::{self, NotServing},
    vigil::{self, Watched},
};
use crate::{
    exit::{Exit, Failure},
    expectation::{self, Expectation},
    judge::{JudgeSettings, Limits},
    registry::AnyWorkload,
    store::{self, RunFolder},
};

/// The longest that a database may take to start.
const START_MAX: Duration = Duration::from_secs(90);
/// A wait for the switch that a call's measured time would notice.
const SWITCH_LAG_NOTABLE: Duration = Duration::from_millis(20);
/// The longest that any single step of setting up or tearing down may take.
const STEP_MAX: Duration = Duration::from_secs(120);

/// What is to be run.
pub struct Job {
    /// Its choices.
    pub choices: Choices,
    /// The database.
    pub database: Arc<dyn Database>,
    /// The workload.
    pub workload: Arc<dyn AnyWorkload>,
    /// The folder of all runs.
    pub store: std::path::PathBuf,
    /// Leave the database running until the user has seen enough.
    pub leave_running: bool,
    /// Print no progress.
    pub quiet: bool,
    /// Why the run is outside namespaces, where it is.
    pub outside: Option<String>,
    /// What is known, and what is required.
    pub expectation: Expectation,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("choices", &self.choices).finish_non_exhaustive()
    }
}

/// How a run ended.
#[derive(Debug)]
pub struct RunEnd {
    /// Its folder.
    pub folder: RunFolder,
    /// What was found.
    pub findings: Findings,
    /// How to exit.
    pub exit: Exit,
}

/// Runs one test from nothing to its report. A failure of the harness is reported in the run's folder too.
pub async fn execute(job: Job, interrupts: Interrupts) -> Result<RunEnd, Failure> {
    let folder = RunFolder::create(&job.store, &job.choices.name, &job.choices.started)?;
    logging::log_to(&folder.file(store::LOG))
        .map_err(|error| Failure::harness(format!("cannot write {}: {error}", store::LOG)))?;
    let progress = Progress::new(job.quiet);
    progress.say(&format!("{}  seed {}  {}", job.choices.name, job.choices.seed, folder.path.display()));
    let drawing = tokio::spawn(Arc::clone(&progress).draw());
    let title = job.choices.name.clone();
    let telling = tokio::spawn(Arc::clone(&progress).tell(folder.clone(), title, job.choices.seed));
    let mut stages = Stages { job, folder, progress, interrupts, version: String::new() };
    let end = stages.run().await;
    drawing.abort();
    telling.abort();
    let _ = telling.await;
    remove_status(&stages.folder);
    stages.progress.leave();
    match end {
        Ok(findings) => stages.end(findings),
        Err(failure) => {
            tracing::error!("{}", failure.message);
            let findings = Findings::from_failure(stages.describe(), failure.message.clone());
            stages.write_reports(&findings)?;
            Err(failure)
        }
    }
}

struct Stages {
    job: Job,
    folder: RunFolder,
    progress: Arc<Progress>,
    interrupts: Interrupts,
    version: String,
}

impl Stages {
    async fn run(&mut self) -> Result<Findings, Failure> {
        self.keep_choices()?;
        self.progress.enter("setup", Some(START_MAX));
        if let Some(why) = &self.job.outside {
            self.progress.say(&format!("  without namespaces: {why}"));
        }
        let back = Back::start(&self.job.choices, &self.folder, self.wants_disks()?).await?;
        let cluster = back.cluster();
        let lived = self.live(&cluster).await;
        let switch = back.switch_lag().and_then(switch_warning);
        let limits = back.limits().to_vec();
        if self.job.leave_running && lived.is_ok() {
            // This takes as long as somebody looks around, and is no part of the run.
            self.progress.leave();
            self.wait_for_user(&cluster).await;
        }
        self.progress.enter("teardown", None);
        let stopped = step("stop the database", self.job.database.stop(&cluster)).await;
        let torn_down = back.stop().await;
        let mut lived = lived?;
        for error in [stopped.err(), torn_down.err()].into_iter().flatten() {
            lived.warnings.push(format!("the cluster was not torn down cleanly: {error}"));
        }
        lived.warnings.extend(switch.into_iter().chain(limits));
        self.judge(lived).await
    }

    /// Starts the database, and runs the workload beside the faults.
    async fn live(&mut self, cluster: &Cluster) -> Result<LiveSummary, Failure> {
        let database = Arc::clone(&self.job.database);
        for node in &cluster.nodes {
            step("install the database", database.install(cluster, node)).await?;
        }
        step("start the database", database.start(cluster)).await?;
        self.wait_until_ready(cluster).await?;
        settle_disks(cluster).await?;
        self.version = step("ask the database's version", database.version(cluster)).await?;
        self.job.choices.database_version = self.version.clone();
        self.keep_choices()?;
        let plan = self.plan(cluster)?;
        let clients =
            Runtime::new().map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
        let choices = &self.job.choices;
        let call_timeout = choices.call_timeout.map_or(database.call_timeout(), Duration::from_secs_f64);
        let live = Live {
            cluster: cluster.clone(),
            database,
            options: choices.options(),
            nodes: choices.nodes.clone(),
            time_limit: choices.calls_last(),
            call_timeout,
            plan,
            max_down: choices.max_down,
            folder: self.folder.clone(),
            history_bytes_max: choices.disk_limit.saturating_mul(1 << 20),
            interrupts: self.interrupts.clone(),
            enough: CancellationToken::new(),
            progress: Arc::clone(&self.progress),
            clients: clients.handle().clone(),
        };
        let enough = live.enough.clone();
        let lived = tokio::select! {
            lived = self.job.workload.drive(live) => lived,
            failed = self.watch(enough) => Err(failed),
        };
        clients.shutdown_background();
        lived
    }

    /// Judges the history while it grows, where that was asked for. It ends only if it cannot even begin.
    async fn watch(&self, enough: CancellationToken) -> Failure {
        if self.job.choices.stop_on_anomaly {
            let settings = match self.job.choices.limits() {
                Ok(limits) => self.settings(limits),
                Err(failure) => return failure,
            };
            let watched = Watched { workload: Arc::clone(&self.job.workload), settings };
            vigil::keep(watched, &self.job.expectation, &self.progress, &enough).await;
        }
        std::future::pending().await
    }

    fn settings(&self, limits: Limits) -> JudgeSettings {
        JudgeSettings {
            path: self.folder.file(store::HISTORY),
            run: self.describe(),
            options: self.job.choices.options(),
            limits,
        }
    }

    async fn wait_until_ready(&self, cluster: &Cluster) -> Result<(), Failure> {
        let interrupted = &self.interrupts.first;
        match serving::wait(&*self.job.database, cluster, START_MAX, interrupted).await {
            Ok(()) => Ok(()),
            Err(NotServing::Interrupted) => {
                Err(Failure { exit: Exit::Interrupted, message: "interrupted before the calls began".into() })
            }
            Err(NotServing::Because(why)) => Err(Failure::harness(format!(
                "{} {why}; its logs are in {}",
                self.job.database.name(),
                self.folder.file("logs").display()
            ))),
        }
    }

    /// Whether a fault of disks was asked for: only then are there disks that can be struck, which cost a little.
    fn wants_disks(&self) -> Result<bool, Failure> {
        let families = match &self.job.choices.plan {
            Some(path) => read_plan(path)?.families(),
            None => self.job.choices.families()?,
        };
        Ok(families.iter().any(|family| family.is_of_disks()))
    }

    /// The faults of this run: drawn from the seed, or read from a plan.
    fn plan(&self, cluster: &Cluster) -> Result<Plan, Failure> {
        let choices = &self.job.choices;
        if let Some(path) = &choices.plan {
            let plan = read_plan(path)?;
            let powers = Powers::of(self.job.database.as_ref(), cluster).with_clients();
            for lack in plan.lacks(&choices.nodes, &powers) {
                self.progress.say(&format!("  of the plan, this will be skipped: {lack}"));
            }
            return Ok(plan);
        }
        let powers = Powers::of(self.job.database.as_ref(), cluster).with_clients();
        let families = choices.families()?;
        let (possible, impossible): (Vec<_>, Vec<_>) =
            families.into_iter().partition(|family| powers.lack(*family).is_none());
        for family in impossible {
            let why = powers.lack(family).unwrap_or_default();
            self.progress.say(&format!("  no faults of family {}: {why}", family.name()));
        }
        let spec = PlanSpec::new(possible, choices.seed, choices.calls_last(), choices.nodes.len(), powers);
        Ok(Plan::generate(&spec.at_pace(choices.pace).within(choices.max_down)))
    }

    async fn wait_for_user(&self, cluster: &Cluster) {
        let addresses: Vec<_> =
            cluster.nodes.iter().map(|node| format!("{} {}", node.name, node.address)).collect();
        self.progress.say(&format!(
            "the database is left running on {}; Enter or Ctrl-C ends it",
            addresses.join(", ")
        ));
        let enter = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().read_line(&mut line).unwrap_or(0)
        });
        tokio::select! {
            () = self.interrupts.first.cancelled() => {}
            read = enter => {
                // Without a terminal there is no Enter: only an interruption ends the wait then.
                if matches!(read, Ok(0)) {
                    self.interrupts.first.cancelled().await;
                }
            }
        }
    }

    async fn judge(&self, lived: LiveSummary) -> Result<Findings, Failure> {
        self.progress.enter("check", None);
        let settings = self.settings(self.job.choices.limits()?);
        let workload = Arc::clone(&self.job.workload);
        let judged =
            tokio::task::spawn_blocking(move || workload.judge(&settings)).await.map_err(|error| {
                Failure::harness(format!("the checkers died: {error}; the history is kept"))
            })??;
        self.progress.leave();
        let mut findings = judged.findings;
        findings.phases = self.phases();
        findings.recovery = lived.recovery.map(nanos);
        findings.interrupted = lived.interrupted;
        findings.doubts.extend(lived.unsettled);
        findings.warnings.extend(lived.warnings);
        findings.demand_evidence(self.job.choices.ask_for_faults());
        let (max_down, nodes) = (self.job.choices.max_down, self.job.choices.nodes.len());
        findings.hold_to_promise((max_down != MaxDown::Any).then(|| max_down.of(nodes) as u64));
        Ok(findings)
    }

    fn phases(&self) -> Vec<Phase> {
        let phases = self.progress.phases();
        phases
            .into_iter()
            .map(|(name, took)| Phase { name, took: nanos(Duration::from_secs_f64(took)) })
            .collect()
    }

    /// What was run, for the report.
    fn describe(&self) -> Run {
        describe(&self.job.choices, &self.folder)
    }

    fn keep_choices(&self) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(&self.job.choices).expect("choices are plain data");
        self.folder.write(store::CHOICES, text.as_bytes())
    }

    fn write_reports(&self, findings: &Findings) -> Result<(), Failure> {
        write_reports(&self.folder, findings)?;
        self.folder.enlist(&reports::RunLine::of(findings, self.folder.label()))
    }

    fn end(&self, mut findings: Findings) -> Result<RunEnd, Failure> {
        self.job.expectation.note(&mut findings);
        self.write_reports(&findings)?;
        if findings.validity != Validity::Invalid {
            // What the nodes had on disk is only worth its room where something is to be looked into.
            for leftover in ["data", "hosts"] {
                let path = self.folder.file(leftover);
                if path.exists() {
                    remove(&path);
                }
            }
        }
        let exit = expectation::exit_of(&findings);
        Ok(RunEnd { folder: self.folder.clone(), findings, exit })
    }
}

/// What was set up is on the disks, as on machines that have run for a while: what a power failure is to take is what the
/// database does from now on.
async fn settle_disks(cluster: &Cluster) -> Result<(), Failure> {
    for node in &cluster.nodes {
        if let Ok(disk) = node.remote().and_then(cluster::Remote::disk) {
            step("settle the disks", disk.settle()).await?;
        }
    }
    Ok(())
}

fn read_plan(path: &Path) -> Result<Plan, Failure> {
    nemeses::read_plan(path)
        .map_err(|error| Failure::input(format!("cannot use the plan {}: {error}", path.display())))
}

/// A run that has ended has no status any more.
fn remove_status(folder: &RunFolder) {
    let path = folder.file(store::STATUS);
    if path.is_file() {
        remove(&path);
    }
}

fn remove(path: &Path) {
    let removed = if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    if let Err(error) = removed {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
}

/// One step of setting up or tearing down, which must not hang the run.
async fn step<R>(
    what: &str,
    work: impl Future<Output = Result<R, cluster::Error>>,
) -> Result<R, cluster::Error> {
    match tokio::time::timeout(STEP_MAX, work).await {
        Ok(done) => done,
        Err(_) => Err(cluster::Error::TimedOut { what: what.into(), seconds: STEP_MAX.as_secs_f64() }),
    }
}

/// What the report must say of the switch, if anything: a packet that waited for the tester itself is not the network's
/// doing.
fn switch_warning(lag: SwitchLag) -> Option<String> {
    (lag.p99 > SWITCH_LAG_NOTABLE).then(|| {
        format!(
            "one packet in a hundred waited {} ms or more for the switch itself (worst {} ms): the tester was slow",
            lag.p99.as_millis(),
            lag.worst.as_millis()
        )
    })
}

/// Writes every form of the report into a run's folder.
pub fn write_reports(folder: &RunFolder, findings: &Findings) -> Result<(), Failure> {
    folder.write(store::RESULTS, reports::json::results(findings).as_bytes())?;
    folder.write(store::JUNIT, reports::junit::xml(findings).as_bytes())?;
    folder.write(store::REPORT, reports::html::page(findings).as_bytes())
}

/// What was run, as its choices tell.
pub fn describe(choices: &Choices, folder: &RunFolder) -> Run {
    let shown = shown_path(&folder.path);
    let sick = if choices.disease == "none" { String::new() } else { format!(" ({})", choices.disease) };
    Run {
        title: format!("{} on {}{sick}", choices.workload, choices.system()),
        report: folder.file(store::REPORT).display().to_string(),
        started: choices.started.clone(),
        seed: choices.seed,
        argv: choices.argv.clone(),
        reproduce: format!("{} replay {shown}", program()),
        recheck: format!("{} check {shown}", program()),
        database: choices.db.clone(),
        database_version: choices.database_version.clone(),
        workload: choices.workload.clone(),
        model: choices.model.clone(),
        nodes: choices.nodes.clone(),
        environment: environment(choices),
        folder: shown,
    }
}

/// This program as the user called it, so that a printed command works as it stands.
pub fn program() -> String {
    let called = std::env::args().next().unwrap_or_default();
    if called.contains('/') { called } else { "disprove".into() }
}

/// A path as the user would type it: relative where the run is below the working directory.
fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().ok().and_then(|here| here.canonicalize().ok());
    let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let relative = here.and_then(|here| full.strip_prefix(here).ok().map(Path::to_owned));
    relative.unwrap_or(full).display().to_string()
}

fn nodes(choices: &Choices) -> String {
    match (&choices.inventory, choices.endpoints.is_empty()) {
        (Some(inventory), _) => inventory.kind().into(),
        (None, true) => "on this machine".into(),
        (None, false) => format!("already running: {}", choices.endpoints.join(", ")),
    }
}

fn environment(choices: &Choices) -> Vec<Fact> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    vec![
        Fact::new("disprove", choices.version.clone()),
        Fact::new("system", format!("{} {} {}", std::env::consts::OS, kernel.trim(), std::env::consts::ARCH)),
        Fact::new("cores", cores.to_string()),
        Fact::new("nodes", nodes(choices)),
        Fact::new("clients", choices.concurrency.to_string()),
        Fact::new(
            "rate",
            if choices.rate > 0.0 { format!("{} per second", choices.rate) } else { "unlimited".into() },
        ),
        Fact::new("keys", choices.keys.to_string()),
        Fact::new(
            "faults",
            if choices.faults.is_empty() { "none".into() } else { choices.faults.join(", ") },
        ),
        Fact::new("the same choices, faults drawn anew", choices.command()),
    ]
}
