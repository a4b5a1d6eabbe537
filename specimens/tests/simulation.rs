//! The state machines under a deterministic simulation: the healthy one keeps every promise of Raft, and each
//! disease shows itself where it should and not without its faults.
//!
//! `SPECIMEN_SEEDS` sets how many seeds are tried, `SPECIMEN_DISEASE` and `SPECIMEN_FAULTS` narrow the table of
//! detections down.

#[path = "simulation/replace.rs"]
mod replace;
#[path = "simulation/strike.rs"]
mod strike;
#[path = "simulation/trial.rs"]
mod trial;
#[path = "simulation/world.rs"]
mod world;

use std::{path::Path, time::Duration};

use disprove_specimens::Disease;
use nemeses::Family;
use trial::{Found, drawn, run, run_plan};

fn seeds(usual: u64) -> u64 {
    std::env::var("SPECIMEN_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

fn assert_healthy(found: &Found, what: &str) {
    assert_eq!(found.broken, [""; 0], "{what}");
    assert_eq!(found.anomaly, None, "{what}");
    assert!(found.decided, "{what}: the checker came to no end");
    assert!(found.converged, "{what}: the nodes differ after everything was healed");
    assert!(found.ok * 2 > found.calls, "{what}: {} of {} calls were ok", found.ok, found.calls);
}

#[test]
fn the_healthy_specimen_keeps_its_promise_under_all_faults() {
    for seed in 0..seeds(60) {
        assert_healthy(&run(seed, Disease::None, Family::usual(), 20), &format!("seed {seed}"));
    }
}

#[test]
fn the_healthy_specimen_keeps_its_promise_while_its_members_are_replaced() {
    let (tries, mut replaced) = (seeds(20), 0);
    for seed in 0..tries {
        let mut plan = drawn(seed, Family::usual(), 20);
        plan.extend(drawn(seed, &[Family::Replace], 20));
        let found = run_plan(seed, Disease::None, plan, 20);
        assert_healthy(&found, &format!("seed {seed}"));
        replaced += found.replaced;
    }
    println!("nodes were replaced {replaced} times with {tries} seeds");
    assert!(replaced as u64 > tries, "nodes were replaced {replaced} times");
}

#[test]
fn a_node_that_joins_without_what_came_before_is_found() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/replaced-all.toml");
    let mut plan = nemeses::read_plan(Path::new(file)).expect("the plan can be read").faults;
    for fault in &mut plan {
        // What nobody writes any more is what shows it, and here calls are slower.
        fault.at += Duration::from_secs(8);
        // Here nobody waits until the last of them has left.
        fault.lasts = Duration::from_millis(2400);
    }
    for seed in 0..3 {
        let found = run_plan(seed, Disease::JoinsHollow, plan.clone(), 20);
        assert!(found.anomaly.is_some(), "seed {seed}");
        assert_healthy(&run_plan(seed, Disease::None, plan.clone(), 20), &format!("seed {seed}"));
    }
}

#[test]
fn the_healthy_specimen_answers_nearly_everything_without_faults() {
    for seed in 0..3 {
        let found = run(seed, Disease::None, &[], 10);
        assert_healthy(&found, &format!("seed {seed}"));
        assert!(found.ok * 100 >= found.calls * 99, "{} of {} calls were ok", found.ok, found.calls);
    }
}

#[test]
fn diseases_that_need_faults_do_not_show_without() {
    for &disease in Disease::all() {
        for seed in 0..3 {
            let found = run(seed, disease, &[], 10);
            if disease.needs().is_empty() && disease != Disease::None {
                assert!(found.anomaly.is_some(), "{disease} with seed {seed} needs no fault");
            } else {
                assert_eq!(found.anomaly, None, "{disease} with seed {seed}");
                assert!(found.ok * 100 >= found.calls * 95, "{disease}: {} of {}", found.ok, found.calls);
            }
        }
    }
}

#[test]
fn every_disease_shows_under_all_faults() {
    let tries = seeds(10);
    let mut missed = Vec::new();
    let families = std::env::var("SPECIMEN_FAULTS").ok();
    let wanted = std::env::var("SPECIMEN_DISEASE").ok();
    // A simulated disk only ever loses what was not synced, and keeps what was; and there are neither names nor versions.
    let shows_here = |disease: &&Disease| **disease != Disease::None && !disease.needs_special_faults();
    for &disease in Disease::all().iter().filter(shows_here) {
        if wanted.as_ref().is_some_and(|wanted| wanted != disease.name()) {
            continue;
        }
        let families = nemeses::Selection::parse(families.as_deref().unwrap_or("all"))
            .expect("families of faults")
            .families;
        let runs: Vec<_> = (0..tries).map(|seed| run(seed, disease, &families, 30)).collect();
        let caught = runs.iter().filter(|found| found.anomaly.is_some()).count() as u64;
        let broken = runs.iter().filter(|found| !found.broken.is_empty()).count();
        let ok: usize = runs.iter().map(|found| found.ok).sum();
        let calls: usize = runs.iter().map(|found| found.calls).sum();
        println!(
            "{disease}: caught with {caught} of {tries} seeds, {}% of calls ok, {broken} runs broke Raft's promises",
            100 * ok / calls
        );
        let spared = |(seed, found): (usize, &Found)| found.anomaly.is_none().then_some(seed);
        println!("  not with {:?}", runs.iter().enumerate().filter_map(spared).collect::<Vec<_>>());
        if caught * 10 < tries * 9 {
            missed.push(format!("{disease} with {caught} of {tries} seeds"));
        }
    }
    assert_eq!(missed, [""; 0], "diseases that are missed too often");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let summary = |found: Found| (found.ok, found.calls, found.anomaly);
    let families = [Family::Kill, Family::Partition];
    assert_eq!(
        summary(run(7, Disease::DirtyReads, &families, 12)),
        summary(run(7, Disease::DirtyReads, &families, 12))
    );
}
