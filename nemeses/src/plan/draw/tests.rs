use super::*;
use crate::{Action, Direction, Peers, Shape, Targets};

const SEEDS: u64 = 4000;

fn spec(seed: u64, seconds: u64, nodes: usize) -> PlanSpec {
    PlanSpec::new(Family::usual().to_vec(), seed, Duration::from_secs(seconds), nodes, Powers::every())
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

/// Where a fault is the only one of a plan that may strike its moment.
fn is_alone(plan: &Plan, fault: &PlannedFault) -> bool {
    plan.faults.iter().filter(|other| overlap(fault, other)).count() == 1
}

fn of_kind(plan: &Plan, wanted: impl Fn(&PlannedFault) -> bool) -> Vec<&PlannedFault> {
    plan.faults.iter().filter(|fault| wanted(fault)).collect()
}

#[test]
fn a_usual_run_meets_everything_that_shows_the_most() {
    for seed in 0..1000 {
        let plan = Plan::generate(&spec(seed, 30, 5));
        assert_eq!(plan.families(), Family::usual(), "seed {seed}");
        let leader_alone = of_kind(&plan, |fault| {
            fault.fault == Action::Partition { shape: Shape::Split }
                && fault.targets == Targets::Leader
                && (fault.direction, fault.from) == (Direction::Both, Peers::Nodes)
                && fault.lasts >= Duration::from_millis(1500)
        });
        assert!(leader_alone.iter().any(|fault| is_alone(&plan, fault)), "seed {seed}: no leader was alone");
        let blackouts = of_kind(&plan, |fault| fault.fault == Action::Kill && fault.targets == Targets::All);
        assert!(!blackouts.is_empty(), "seed {seed}: not everything was killed at once");
        let jumps = of_kind(&plan, |fault| {
            matches!(fault.fault, Action::Clock { offset_ms } if offset_ms.abs() >= 2000)
                && fault.lasts >= Duration::from_millis(1500)
        });
        assert!(!jumps.is_empty(), "seed {seed}: no clock jumped far");
        let stopped = of_kind(&plan, |fault| {
            fault.fault == Action::Pause
                && fault.targets == Targets::Leader
                && fault.lasts >= Duration::from_millis(1500)
        });
        assert!(stopped.iter().any(|fault| is_alone(&plan, fault)), "seed {seed}: no leader was stopped");
        let far = of_kind(&plan, |fault| {
            matches!(fault.fault, Action::Slow { delay_ms: 75..=95, .. }) && fault.targets == Targets::All
        });
        assert!(far.iter().any(|fault| is_alone(&plan, fault)), "seed {seed}: no links were long");
    }
}

#[test]
fn a_usual_run_meets_a_short_crash_loop_of_a_majority_that_spares_the_leader() {
    for seed in 0..1000 {
        let plan = Plan::generate(&spec(seed, 30, 5));
        let crashes = of_kind(&plan, |fault| {
            fault.fault == Action::Kill
                && fault.targets == Targets::FollowersMajority
                && fault.lasts < Duration::from_millis(300)
        });
        let alone: Vec<_> = crashes.into_iter().filter(|fault| is_alone(&plan, fault)).collect();
        let again = alone.windows(2).any(|pair| pair[1].at - pair[0].ends() <= Duration::from_millis(900));
        assert!(again, "seed {seed}: {alone:?}");
    }
}

#[test]
fn a_small_cluster_is_only_struck_by_what_means_something_there() {
    for seed in 0..200 {
        let alone = Plan::generate(&spec(seed, 30, 1));
        assert!(of_kind(&alone, |fault| fault.targets == Targets::FollowersMajority).is_empty());
        let three = Plan::generate(&spec(seed, 30, 3));
        assert!(!of_kind(&three, |fault| fault.targets == Targets::FollowersMajority).is_empty());
    }
}

#[test]
fn families_that_are_impossible_are_left_out() {
    let mut spec = spec(3, 30, 5);
    spec.powers = Powers { network: false, clocks: false, ..Powers::every() };
    assert_eq!(Plan::generate(&spec).families(), [Family::Kill, Family::Pause]);
    spec.powers.primaries = false;
    assert!(
        Plan::generate(&spec)
            .faults
            .iter()
            .all(|fault| !matches!(fault.targets, Targets::Leader | Targets::FollowersMajority))
    );
    spec.families.clear();
    assert!(Plan::generate(&spec).faults.is_empty());
}
