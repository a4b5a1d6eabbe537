//! `suite`: a matrix of tests, run as its file says, with one summary. It goes on where it was stopped.

mod attempt;
mod file;
mod journal;
mod schedule;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Mutex,
    time::{Duration, Instant},
};

use clap::{CommandFactory as _, FromArgMatches as _};
use history::Nanos;
use reports::{
    nights, step_summary,
    suite::{self, Attempt, Cell, Ending, SUITE_SCHEMA, Suite},
    wording,
};

use self::{
    file::{Flags, Policy, SuiteFile},
    journal::{Entry, Journal},
    schedule::Piece,
};
use super::test;
use crate::{
    arguments::{Arguments, Command, OutputFormat, SuiteArguments, TestArguments},
    ci, endpoints,
    exit::{Exit, Failure},
    output,
    registry::Registry,
    run::interrupt::Interrupts,
    settings,
    store::write_whole,
};

/// Flags that name a cluster which runs would have to share: those with the same values wait for one another.
const CLUSTER: &[&str] = &["ssh", "containers", "nodes-file", "endpoint", "cluster", "config"];

/// A cell that can be run.
#[derive(Clone, Debug)]
struct Task {
    /// The cell as text: what tells it from every other.
    text: String,
    tested: String,
    flags: Flags,
    seed: u64,
    calls_last: Duration,
    cluster: Option<String>,
}

/// Runs what the suite's file says and is not done yet.
pub fn run(registry: &Registry, arguments: &SuiteArguments) -> Result<Exit, Failure> {
    let place = arguments.file.display();
    let text = std::fs::read_to_string(&arguments.file)
        .map_err(|error| Failure::usage(format!("cannot read the suite {place}: {error}")))?;
    let mut known = settings::known_keys(&Arguments::command());
    // A settings file cannot name another, but a suite may test what several describe.
    known.push("config".into());
    let file = file::read(&text, &known).map_err(|wrong| Failure::usage(format!("{place}: {wrong}")))?;
    let (tasks, left_out) = tasks(registry, &file)
        .map_err(|wrong| Failure { message: format!("{place}: {}", wrong.message), ..wrong })?;
    if arguments.dry_run {
        tasks.iter().for_each(|task| output::putln!("{}", task.text));
        left_out.iter().for_each(|line| eprintln!("left out: {line}"));
        return Ok(Exit::Valid);
    }
    let store = arguments.store.clone().or(file.store.as_ref().map(PathBuf::from));
    let store = store.unwrap_or_else(|| PathBuf::from("store"));
    let folder = store.join("suites").join(&file.name);
    let mut journal = Journal::open(&folder)?;
    let texts: Vec<String> = tasks.iter().map(|task| task.text.clone()).collect();
    let night = night(&mut journal, &texts, arguments.resume)?;
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
    let interrupts = runtime.block_on(async { test::listen() })?;
    let began = Instant::now();
    let cut_short = work(&file, &tasks, &store, (&night, &mut journal), &interrupts)?;
    if !interrupts.first.is_cancelled() {
        journal.add(Entry::Ended { night: night.clone() })?;
    }
    let summary = summary(&file, &tasks, left_out, &journal, (night, began.elapsed(), cut_short));
    publish(&summary, &store, arguments.output)?;
    Ok(exit_of(&summary, interrupts.first.is_cancelled()))
}

/// The night that is begun, or gone on with.
fn night(journal: &mut Journal, cells: &[String], resume: bool) -> Result<String, Failure> {
    if let Some(night) = journal.unfinished(cells).filter(|_| resume) {
        return Ok(night);
    }
    let began = jiff::Zoned::now().strftime("%Y%m%dT%H%M%S%.3f").to_string();
    journal.add(Entry::Began { night: began.clone(), cells: cells.to_vec() })?;
    Ok(began)
}

/// The cells that can be run, and those that make no sense because the database does not speak the workload.
fn tasks(registry: &Registry, file: &SuiteFile) -> Result<(Vec<Task>, Vec<String>), Failure> {
    let (mut tasks, mut left_out): (Vec<Task>, Vec<String>) = (Vec::new(), Vec::new());
    for flags in &file.cells {
        let seed: u64 = flags["seed"].parse().map_err(|_| Failure::usage("a seed is a whole number"))?;
        let line = attempt::command_line(flags, seed);
        let shown = databases::endpoint::without_password(&line.join(" "));
        let fail = |what: &str| Failure::usage(format!("the cell `{shown}`: {what}"));
        let (arguments, cluster) =
            parsed(&line).map_err(|error| fail(error.to_string().lines().next().unwrap_or_default()))?;
        endpoints::refuse_passwords(&arguments).map_err(|failure| fail(&failure.message))?;
        let arguments =
            endpoints::settled(&arguments, seed).map_err(|failure| fail(&failure.message))?.into_owned();
        let database = registry.database(&arguments).map_err(|failure| fail(&failure.message))?;
        let workload = registry.workloads().find(|workload| workload.name() == arguments.workload);
        if workload.is_some_and(|workload| !workload.is_spoken(&database.speaks())) {
            let reason = format!("{} does not speak what {} needs", database.name(), arguments.workload);
            if !left_out.contains(&reason) {
                left_out.push(reason);
            }
            continue;
        }
        test::job(registry, &arguments, seed).map_err(|failure| fail(&failure.message))?;
        let task = task(flags, seed, &arguments, cluster);
        if tasks.iter().any(|other| other.text == task.text) {
            return Err(fail("it is in the matrix twice"));
        }
        tasks.push(task);
    }
    Ok((tasks, left_out))
}

/// A cell's command line as its run will read it, with the environment and the settings file; and the cluster that it
/// shares with others, where it names one.
fn parsed(line: &[String]) -> Result<(TestArguments, Option<String>), clap::Error> {
    let whole: Vec<OsString> =
        ["disprove", "test"].into_iter().chain(line.iter().map(String::as_str)).map(OsString::from).collect();
    let (matches, _) = settings::parse_with_file(&Arguments::command(), &whole)?;
    let given = matches.subcommand_matches("test").expect("the line above says test");
    let values = CLUSTER.iter().filter_map(|flag| {
        let mut raw = given.try_get_raw(&flag.replace('-', "_")).ok().flatten()?;
        Some(format!("{flag} {}", raw.next()?.to_string_lossy()))
    });
    let cluster: Vec<String> = values.collect();
    let Command::Test(arguments) = Arguments::from_arg_matches(&matches)?.command else {
        unreachable!("the line above says test");
    };
    Ok((*arguments, (!cluster.is_empty()).then(|| cluster.join(", "))))
}

fn task(flags: &Flags, seed: u64, arguments: &TestArguments, cluster: Option<String>) -> Task {
    let named = |name: &str| matches!(name, "seed" | "db" | "disease" | "workload" | "faults");
    let mut tested = arguments.db.clone();
    if arguments.disease != "none" {
        tested += &format!(" ({})", arguments.disease);
    }
    tested += &format!(", {}, {}", arguments.workload, arguments.faults());
    for (flag, value) in flags.iter().filter(|(flag, _)| !named(flag)) {
        tested += &format!(", {flag} {value}");
    }
    Task {
        text: format!("{tested}, seed {seed}"),
        tested,
        flags: flags.clone(),
        seed,
        calls_last: Duration::from_secs_f64(
            arguments.time_limit + arguments.limits.check_time_limit.max(0.0),
        ),
        cluster,
    }
}

/// Runs everything that is not done. Returns why some of it was not run, if some was not.
fn work(
    file: &SuiteFile,
    tasks: &[Task],
    store: &Path,
    (night, journal): (&str, &mut Journal),
    interrupts: &Interrupts,
) -> Result<Option<String>, Failure> {
    let done = journal.runs(night);
    let of = |task: &Task| done.get(&task.text).cloned().unwrap_or_default();
    let missing: Vec<&Task> =
        tasks.iter().filter(|task| next_seed(file, task.seed, &of(task)).is_some()).collect();
    eprintln!("{}: {} of {} cells are to be run", file.name, missing.len(), tasks.len());
    let side_by_side = parallel(file.parallel);
    let clock =
        Clock { began: Instant::now(), budget: file.time_budget, longest: Mutex::new(Duration::ZERO) };
    let journal = Mutex::new(journal);
    let pieces = missing.iter().map(|task| Piece { work: *task, cluster: task.cluster.clone() }).collect();
    let all = missing.len();
    let mut ended = 0;
    let may_begin = |_: &&Task| !interrupts.first.is_cancelled() && clock.has_time();
    let run_cell = |task: &&Task| -> Result<Vec<Attempt>, Failure> {
        let mut attempts = of(task);
        while let Some(seed) = next_seed(file, task.seed, &attempts) {
            if !may_begin(task) {
                break;
            }
            let cell = (&task.flags, seed);
            let Some(attempt) = attempt::run(cell, (&file.name, store), task.calls_last, interrupts) else {
                break;
            };
            clock.note(Duration::from_nanos(attempt.took.0));
            attempts.push(attempt.clone());
            let entry = Entry::Ran {
                night: night.to_owned(),
                cell: task.text.clone(),
                tested: task.tested.clone(),
                attempt,
            };
            journal.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(entry)?;
        }
        Ok(attempts)
    };
    schedule::run_all(pieces, side_by_side, may_begin, run_cell, |task, attempts| {
        ended += 1;
        let attempts = attempts?;
        let word = ending(file, &attempts).map_or("not run", Ending::word);
        eprintln!("{ended}/{all}  {word:<16} {}", wording::visible(&task.text));
        Ok::<(), Failure>(())
    })?;
    Ok(match (interrupts.first.is_cancelled(), clock.budget) {
        (true, _) => Some("it was interrupted; --resume goes on".into()),
        (false, Some(budget)) if clock.is_over() => {
            Some(format!("the time budget of {} s was used up", budget.as_secs()))
        }
        (false, _) => None,
    })
}

/// How many runs may go on at a time: without namespaces all clusters would share the machine's own addresses.
fn parallel(wanted: usize) -> usize {
    if wanted == 1 {
        return 1;
    }
    let probes = cluster::doctor::probe();
    if probes.is_ok_and(|probes| probes.iter().all(|probe| probe.works || !probe.needed)) {
        return wanted;
    }
    eprintln!("one run at a time: this machine permits no namespaces, so clusters would share its addresses");
    1
}

/// The suite's time.
struct Clock {
    began: Instant,
    budget: Option<Duration>,
    longest: Mutex<Duration>,
}

impl Clock {
    /// Whether a run that takes as long as the longest so far would still end within the budget.
    fn has_time(&self) -> bool {
        let longest = *self.longest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // Before the first has ended nobody knows how long one takes, and the checks may need far less than they may.
        self.budget.is_none_or(|budget| self.began.elapsed() + longest < budget)
    }

    fn is_over(&self) -> bool {
        !self.has_time()
    }

    fn note(&self, took: Duration) {
        let mut longest = self.longest.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *longest = took.max(*longest);
    }
}

/// The seed of a cell's next run, after these; `None` when the cell is done.
fn next_seed(file: &SuiteFile, first: u64, attempts: &[Attempt]) -> Option<u64> {
    for seed in repetitions(file, first) {
        let group: Vec<Ending> = endings(attempts, seed);
        if !is_decided(file, &group) {
            return Some(seed);
        }
        if file.until_anomaly && under(file.policy, &group) == Some(Ending::Invalid) {
            return None;
        }
    }
    None
}

/// The seeds of the repetitions of a cell, far enough apart to meet no other cell's.
fn repetitions(file: &SuiteFile, first: u64) -> impl Iterator<Item = u64> {
    (0..file.repeat).map(move |place| first.wrapping_add(place.wrapping_mul(1_000_003)))
}

fn endings(attempts: &[Attempt], seed: u64) -> Vec<Ending> {
    attempts.iter().filter(|attempt| attempt.seed == seed).map(|attempt| attempt.ending).collect()
}

/// Whether further runs with the same seed could not matter or are not wanted.
fn is_decided(file: &SuiteFile, group: &[Ending]) -> bool {
    let Some(first) = group.first() else { return false };
    let is_bad = |ending: &Ending| matches!(ending, Ending::Invalid | Ending::Threshold);
    *first == Ending::Valid
        || group.len() as u64 > file.reruns
        || match file.policy {
            Policy::Any => group.iter().any(is_bad),
            Policy::Most => false,
            Policy::All => group.contains(&Ending::Valid),
        }
}

/// How runs of one seed ended together. A failure of the tester counts only if no run came to a verdict.
fn under(policy: Policy, group: &[Ending]) -> Option<Ending> {
    let judged: Vec<Ending> = group.iter().copied().filter(|ending| *ending != Ending::Failure).collect();
    if judged.is_empty() {
        return group.first().copied();
    }
    let counts = |wanted: Ending| {
        let number = judged.iter().filter(|ending| **ending == wanted).count();
        match policy {
            Policy::Any => number > 0,
            Policy::Most => number * 2 > judged.len(),
            Policy::All => number == judged.len(),
        }
    };
    let bad =
        [Ending::Invalid, Ending::Threshold, Ending::Unknown].into_iter().find(|ending| counts(*ending));
    let passed = if judged.contains(&Ending::Valid) { Ending::Valid } else { Ending::Unknown };
    Some(bad.unwrap_or(passed))
}

/// How a cell ended: as the worst of its repetitions. `None` where it was not run, or not often enough to say.
fn ending(file: &SuiteFile, attempts: &[Attempt]) -> Option<Ending> {
    let mut seeds: Vec<u64> = attempts.iter().map(|attempt| attempt.seed).collect();
    seeds.dedup();
    seeds.into_iter().filter_map(|seed| under(file.policy, &endings(attempts, seed))).max()
}

fn summary(
    file: &SuiteFile,
    tasks: &[Task],
    left_out: Vec<String>,
    journal: &Journal,
    (night, took, cut_short): (String, Duration, Option<String>),
) -> Suite {
    let mut runs: BTreeMap<String, Vec<Attempt>> = journal.runs(&night);
    let cells: Vec<Cell> = tasks
        .iter()
        .map(|task| {
            let attempts = runs.remove(&task.text).unwrap_or_default();
            let is_done = next_seed(file, task.seed, &attempts).is_none();
            let so_far = ending(file, &attempts);
            // Good news needs all runs; bad news does not.
            let ending = so_far.filter(|ending| is_done || *ending != Ending::Valid);
            Cell { tested: task.tested.clone(), seed: task.seed, ending, attempts }
        })
        .collect();
    let cut_short = cut_short.filter(|_| cells.iter().any(|cell| cell.ending.is_none()));
    Suite {
        schema: SUITE_SCHEMA,
        name: file.name.clone(),
        night,
        took: Nanos(took.as_nanos() as u64),
        cells,
        left_out,
        cut_short,
        findings: nights::follow(&journal.nights()),
    }
}

/// Writes the summary in every form, prints it, and tells GitHub.
fn publish(summary: &Suite, store: &Path, format: OutputFormat) -> Result<(), Failure> {
    let folder = store.join("suites").join(&summary.name).join(&summary.night);
    std::fs::create_dir_all(&folder)
        .map_err(|error| Failure::harness(format!("cannot write {}: {error}", folder.display())))?;
    let json = serde_json::to_string_pretty(summary).expect("a summary is plain data");
    write_whole(&folder.join("summary.json"), json.as_bytes())?;
    write_whole(&folder.join("summary.md"), suite::markdown(summary).as_bytes())?;
    write_whole(&folder.join("junit.xml"), suite::junit(summary).as_bytes())?;
    let page = folder.join("summary.html");
    write_whole(&page, suite::page(summary, "../../../").as_bytes())?;
    match format {
        OutputFormat::Text => {
            output::put!("{}\nReport  {}\n", suite::text(summary, store), page.display());
        }
        OutputFormat::Json => output::putln!("{json}"),
        OutputFormat::Jsonl => {
            output::putln!("{}", serde_json::to_string(summary).expect("a summary is plain data"));
        }
    }
    ci::append_summary(|| suite::markdown(summary));
    let bad = summary.cells.iter().filter(|cell| cell.ending.is_some_and(|ending| ending > Ending::Unknown));
    let lines = bad.take(10).map(|cell| {
        let said = cell.attempts.iter().find(|attempt| Some(attempt.ending) == cell.ending);
        let title = format!("{}: {}", cell.ending.map_or("", Ending::word), cell.tested);
        let said = said.map_or("", |attempt| attempt.sentence.as_str());
        format!("::error title={}::{}", step_summary::property(&title), step_summary::message(said))
    });
    ci::annotate(&lines.collect::<Vec<_>>());
    Ok(())
}

/// The worst cell decides; an anomaly outranks an interruption, and what was not run is unknown.
fn exit_of(summary: &Suite, is_interrupted: bool) -> Exit {
    let has = |ending: Ending| summary.count(ending) > 0;
    if has(Ending::Invalid) {
        Exit::Anomaly
    } else if is_interrupted {
        Exit::Interrupted
    } else if has(Ending::Failure) {
        Exit::Harness
    } else if has(Ending::Threshold) {
        Exit::Threshold
    } else if has(Ending::Unknown) || summary.not_run() > 0 {
        Exit::Unknown
    } else {
        Exit::Valid
    }
}

#[cfg(test)]
mod tests;
