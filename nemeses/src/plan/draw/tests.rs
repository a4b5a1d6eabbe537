use super::*;
use crate::{Action, Targets};

const SEEDS: u64 = 4000;

fn spec(seed: u64, seconds: u64, nodes: usize) -> PlanSpec {
    PlanSpec::new(Family::all().to_vec(), seed, Duration::from_secs(seconds), nodes, Powers::every())
}

fn overlap(a: &PlannedFault, b: &PlannedFault) -> bool {
    a.at < b.ends() && b.at < a.ends()
}

fn strikes_processes(fault: &PlannedFault) -> bool {
    matches!(fault.fault.family(), Family::Kill | Family::Pause | Family::Clock)
}

#[test]
fn the_same_seed_is_the_same_plan_and_another_seed_another() {
    for seed in 0..200 {
        let plan = Plan::generate(&spec(seed, 30, 5));
        assert_eq!(plan, Plan::generate(&spec(seed, 30, 5)));
        assert_ne!(plan.faults, Plan::generate(&spec(seed + 1, 30, 5)).faults);
    }
}

#[test]
fn drawn_plans_are_legal_and_end_in_time() {
    for seed in 0..SEEDS {
        let (seconds, nodes) = ([5, 20, 30, 60][seed as usize % 4], [1, 2, 3, 5, 7][seed as usize % 5]);
        let spec = spec(seed, seconds, nodes);
        let plan = Plan::generate(&spec);
        plan.check().unwrap();
        assert!(!plan.faults.is_empty());
        for (place, fault) in plan.faults.iter().enumerate() {
            assert!(
                fault.at >= spec.initial_quiet && fault.ends() <= spec.duration - spec.final_quiet,
                "{seed}"
            );
            assert!(
                fault.lasts >= Duration::from_millis(80) && fault.lasts <= Duration::from_secs(4),
                "{seed}"
            );
            for other in &plan.faults[place + 1..] {
                let meet = overlap(fault, other) && strikes_processes(fault) && strikes_processes(other);
                assert!(!meet, "seed {seed}: {fault:?} and {other:?} may strike one process at once");
            }
        }
    }
}

#[test]
fn quiet_windows_let_the_system_recover() {
    for seed in 0..SEEDS {
        let plan = Plan::generate(&spec(seed, 30, 5));
        let mut end = plan.faults[0].ends();
        let mut began = plan.faults[0].at;
        let mut windows = 0;
        for fault in &plan.faults[1..] {
            if fault.at >= end + Duration::from_secs(1) {
                windows += 1;
                began = fault.at;
            }
            end = end.max(fault.ends());
            assert!(end - began <= Duration::from_secs(4), "seed {seed}: no window for {:?}", end - began);
        }
        assert!(windows >= 3, "seed {seed}: {windows} windows");
    }
}

#[test]
fn a_usual_run_meets_every_family_and_what_shows_the_most() {
    let (mut rooms, mut leaders) = (0, 0);
    for seed in 0..1000 {
        let plan = Plan::generate(&spec(seed, 30, 5));
        assert!(plan.families().len() >= 3, "seed {seed}: {:?}", plan.families());
        assert!(plan.families().contains(&Family::Partition) && plan.families().contains(&Family::Kill));
        let is_room = |fault: &PlannedFault| {
            fault.fault == Action::Kill && matches!(fault.targets, Targets::All | Targets::Majority)
        };
        rooms += usize::from(plan.faults.iter().any(is_room));
        leaders += usize::from(plan.faults.iter().any(|fault| fault.targets == Targets::Leader));
    }
    assert!(
        rooms >= 700 && leaders >= 980,
        "{rooms} runs of 1000 killed a majority, {leaders} struck a leader"
    );
}

#[test]
fn families_that_are_impossible_are_left_out() {
    let mut spec = spec(3, 30, 5);
    spec.powers = Powers { network: false, clocks: false, ..Powers::every() };
    assert_eq!(Plan::generate(&spec).families(), [Family::Kill, Family::Pause]);
    spec.powers.primaries = false;
    assert!(Plan::generate(&spec).faults.iter().all(|fault| fault.targets != Targets::Leader));
    spec.families.clear();
    assert!(Plan::generate(&spec).faults.is_empty());
}
