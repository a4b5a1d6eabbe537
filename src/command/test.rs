//! `test`: one or several runs of a workload on a database.

use std::sync::Arc;

use checkers::Validity;
use tokio::runtime::Runtime;

use super::style;
use crate::{
    arguments::{Color, OutputFormat, TestArguments},
    ci, endpoints,
    exit::{Exit, Failure},
    expectation::Expectation,
    models,
    registry::Registry,
    run::{Choices, RunEnd, execute, inside, interrupt::Interrupts, stages::Job},
};

/// Runs what the flags say.
pub fn run(registry: &Registry, arguments: TestArguments, color: Color) -> Result<Exit, Failure> {
    // Every flag is judged before the namespaces are entered: a mistake is answered at once. Inside, this program
    // starts anew and comes here a second time.
    let jobs = jobs(registry, &arguments, arguments.seed.unwrap_or_else(draw_seed))?;
    // Machines that are reached over SSH, and systems that already run, need no namespaces here.
    let outside = if jobs.iter().all(|job| job.choices.is_elsewhere()) { None } else { inside::enter() };
    let runtime =
        Runtime::new().map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let interrupts = listen()?;
        let mut worst = Exit::Valid;
        for mut job in jobs {
            job.outside.clone_from(&outside);
            let end = execute(job, interrupts.clone()).await?;
            print(&end, arguments.output, color);
            ci::announce(&end.findings);
            worst = worse(worst, end.exit);
            let found = end.findings.validity_of_the_new() == Validity::Invalid;
            if interrupts.first.is_cancelled() || (found && arguments.until_anomaly) {
                break;
            }
        }
        Ok(worst)
    })
}

/// Listens for Ctrl-C.
pub fn listen() -> Result<Interrupts, Failure> {
    Interrupts::listen().map_err(|error| Failure::harness(format!("cannot listen for Ctrl-C: {error}")))
}

/// A seed that nobody chose.
pub fn draw_seed() -> u64 {
    // Short enough to be read out and typed again.
    u64::from(rand::random::<u32>())
}

fn jobs(registry: &Registry, arguments: &TestArguments, first: u64) -> Result<Vec<Job>, Failure> {
    if arguments.repeat == 0 {
        return Err(Failure::usage("--repeat takes at least 1"));
    }
    (0..u64::from(arguments.repeat))
        .map(|place| job(registry, arguments, first.wrapping_add(place)))
        .collect()
}

/// The job that the flags describe, with this seed.
pub fn job(registry: &Registry, arguments: &TestArguments, seed: u64) -> Result<Job, Failure> {
    let arguments = endpoints::settled(arguments, seed)?;
    let arguments = arguments.as_ref();
    let database = registry.database(arguments)?;
    let workload = registry.workload(&arguments.workload, database.as_ref())?;
    let model = model(arguments, workload.vocabulary(), database.promises(workload.vocabulary()))?;
    let choices = Choices::new(arguments, database.as_ref(), model, seed)?;
    choices.limits()?;
    if let Some(plan) = &arguments.plan {
        nemeses::read_plan(plan)
            .map_err(|error| Failure::input(format!("cannot use the plan {}: {error}", plan.display())))?;
    }
    let quiet = arguments.output != OutputFormat::Text;
    Ok(Job {
        choices,
        database,
        workload: Arc::clone(&workload),
        store: arguments.store.clone(),
        leave_running: arguments.leave_running,
        quiet,
        outside: None,
        expectation: Expectation::new(&arguments.expect)?,
    })
}

fn model(arguments: &TestArguments, vocabulary: &str, promised: Option<&str>) -> Result<String, Failure> {
    let model = arguments.model.as_deref().or(promised).unwrap_or(models::usual(vocabulary, false));
    Ok(models::named(vocabulary, model)?.join(","))
}

/// Prints the end of a run as `--output` wants it.
pub fn print(end: &RunEnd, output: OutputFormat, color: Color) {
    match output {
        OutputFormat::Text => {
            crate::output::put!("{}", reports::terminal::summary(&end.findings, style(color)))
        }
        OutputFormat::Json => crate::output::put!("{}", reports::json::results(&end.findings)),
        OutputFormat::Jsonl => {
            let line = serde_json::to_string(&end.findings).expect("findings are plain data");
            crate::output::putln!("{line}");
        }
    }
}

/// The exit of several runs: an anomaly outranks an interruption, which outranks a missed
/// threshold, then unknown, then valid.
fn worse(a: Exit, b: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Anomaly => 4,
        Exit::Interrupted => 3,
        Exit::Threshold => 2,
        Exit::Unknown => 1,
        _ => 0,
    };
    if rank(b) > rank(a) { b } else { a }
}
