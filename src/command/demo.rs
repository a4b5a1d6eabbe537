//! `demo`: a healthy specimen passes, a diseased one is caught.

use checkers::Validity;
use clap::Parser as _;
use tokio::runtime::Runtime;

use super::{style, test};
use crate::{
    arguments::{Arguments, Color, Command, DemoArguments, TestArguments},
    exit::{Exit, Failure},
    registry::Registry,
    run::{RunEnd, execute, inside},
};

/// Runs both, and says what came of it.
pub fn run(registry: &Registry, demo: DemoArguments, color: Color) -> Result<Exit, Failure> {
    let seed = demo.seed.unwrap_or_else(test::draw_seed);
    let mut healthy = test::job(registry, &arguments(&demo, "none"), seed)?;
    let mut diseased = test::job(registry, &arguments(&demo, &demo.disease), seed)?;
    if demo.disease == "none" {
        return Err(Failure::usage("--disease none is no disease; `disprove list diseases` shows them"));
    }
    healthy.outside = inside::enter();
    diseased.outside.clone_from(&healthy.outside);
    let runtime =
        Runtime::new().map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
    runtime.block_on(async {
        let interrupts = test::listen()?;
        eprintln!(
            "1/2  a healthy replicated store under partitions, lossy links, kills, pauses and skewed clocks"
        );
        let healthy = execute(healthy, interrupts.clone()).await?;
        show(&healthy, color);
        if interrupts.first.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        eprintln!("\n2/2  the same store with a disease: {}", demo.disease);
        let diseased = execute(diseased, interrupts.clone()).await?;
        show(&diseased, color);
        if interrupts.first.is_cancelled() {
            return Ok(Exit::Interrupted);
        }
        Ok(conclude(&healthy, &diseased, seed))
    })
}

/// The flags of one of the two runs: the defaults of `test`, but for what `demo` was told.
fn arguments(demo: &DemoArguments, disease: &str) -> TestArguments {
    let line = [
        "disprove".to_owned(),
        "test".to_owned(),
        format!("--disease={disease}"),
        format!("--time-limit={}", demo.time_limit),
        format!("--store={}", demo.store.display()),
        format!("--name=demo-{}", if disease == "none" { "healthy" } else { disease }),
    ];
    match Arguments::parse_from(line).command {
        Command::Test(test) => *test,
        _ => unreachable!("the line above says test"),
    }
}

/// The verdict with its sentences; calls, faults and phases are in the report.
fn show(end: &RunEnd, color: Color) {
    let summary = reports::terminal::summary(&end.findings, style(color));
    crate::output::putln!("{}", summary.split("\n\n").next().unwrap_or_default());
}

fn conclude(healthy: &RunEnd, diseased: &RunEnd, seed: u64) -> Exit {
    crate::output::putln!();
    let (exit, sentence) = match (healthy.findings.validity, diseased.findings.validity) {
        (Validity::Invalid, _) => {
            (Exit::Anomaly, "the healthy store was accused: that is a bug of disprove, please report it")
        }
        (Validity::Unknown, _) => {
            (Exit::Unknown, "the healthy run proved too little; see its report for the reason")
        }
        (_, Validity::Invalid) => (Exit::Valid, "the healthy store passed, and the disease was caught"),
        _ => (
            Exit::Unknown,
            "the healthy store passed, but the disease was missed this time; try another --seed",
        ),
    };
    crate::output::putln!("demo (seed {seed}): {sentence}");
    crate::output::putln!("  reports    {}", healthy.findings.run.report);
    crate::output::putln!("             {}", diseased.findings.run.report);
    crate::output::putln!("  repeat it  {}", diseased.findings.run.reproduce);
    exit
}
