//! The faults that a run has only where they are asked for by name, and the promise of how many nodes are down.

use super::*;
use crate::{Answer, MaxDown, Pace, Selection};

/// How many nodes were down at once, as the acts tell in their order.
fn most_down(acts: &[String]) -> usize {
    let (mut down, mut most) = (std::collections::BTreeSet::new(), 0);
    for act in acts {
        let node = act.split(' ').next_back().unwrap_or_default();
        match act {
            act if act.starts_with("kill ")
                || act.starts_with("pause ")
                || act.starts_with("script terminate") =>
            {
                down.insert(node);
            }
            act if act.starts_with("start ") || act.starts_with("resume ") => {
                down.remove(node);
            }
            _ => {}
        }
        most = most.max(down.len());
    }
    most
}

fn drawn(families: &str, seed: u64, max_down: MaxDown) -> Plan {
    let Selection { families, pace } = Selection::parse(families).unwrap();
    let spec = PlanSpec::new(families, seed, seconds(60.0), 5, Powers::every());
    Plan::generate(&spec.at_pace(pace).within(max_down))
}

#[tokio::test(start_paused = true)]
async fn every_profile_is_carried_out_without_an_illegal_act() {
    for profile in crate::Profile::all().iter().filter(|profile| profile.name != "none") {
        let mut met = Vec::new();
        for seed in 0..60 {
            let plan = drawn(profile.name, seed, MaxDown::Any);
            plan.check().unwrap();
            met.extend(plan.families());
            // Each entry of a journal waits for the disk, so not all of them are carried out.
            if seed % 15 > 0 {
                continue;
            }
            let mut bench = bench(plan);
            bench.run().await;
            assert_eq!(bench.fake.blemishes(), [""; 0], "{} seed {seed}", profile.name);
            for record in bench.last() {
                assert_ne!(record.state, FaultState::Indeterminate, "{} {seed}: {record:?}", profile.name);
            }
        }
        met.sort_unstable();
        met.dedup();
        assert_eq!(met, profile.families, "{}", profile.name);
    }
}

#[tokio::test(start_paused = true)]
async fn no_plan_takes_more_nodes_down_than_promised() {
    for (max_down, most) in [(MaxDown::Minority, 2), (MaxDown::Nodes(1), 1), (MaxDown::Nodes(0), 0)] {
        let mut reached = 0;
        for seed in 0..6 {
            let mut bench = bench(drawn("kill,pause,terminate,roll,half-open,partition", seed, max_down));
            bench.nemesis = bench.nemesis.with_max_down(max_down);
            bench.run().await;
            reached = reached.max(most_down(&bench.fake.acts()));
            assert!(reached <= most, "{max_down}, seed {seed}: {reached}");
        }
        assert_eq!(reached, most, "{max_down}: the plans make use of what is allowed");
    }
}

#[tokio::test(start_paused = true)]
async fn a_plan_from_a_file_is_held_to_the_promise_too_and_says_what_it_left_alone() {
    let mut bench = bench(plan(vec![
        fault(1.0, 2.0, Action::Kill, named(&["n1", "n2", "n3"])),
        fault(2.0, 0.5, Action::Pause, named(&["n4"])),
    ]));
    bench.nemesis = bench.nemesis.with_max_down(MaxDown::Minority);
    bench.run().await;
    let last = bench.last();
    assert_eq!(last[0].nodes, ["n1", "n2"]);
    assert!(last[0].evidence.contains("left alone: n3 would have been one down too many"), "{last:?}");
    assert_eq!(last[1].state, FaultState::Skipped);
}

#[tokio::test(start_paused = true)]
async fn a_gentle_plan_rests_long_and_strikes_one_thing_at_a_time() {
    for seed in 0..200 {
        let plan = drawn("gentle", seed, MaxDown::Any);
        assert!(!plan.faults.is_empty());
        for pair in plan.faults.windows(2) {
            assert!(pair[1].at >= pair[0].ends() + seconds(2.0), "seed {seed}: {pair:?}");
        }
    }
    assert_eq!(Selection::parse("gentle").unwrap().pace, Pace::Gentle);
}

#[tokio::test(start_paused = true)]
async fn a_rolling_restart_takes_one_node_down_after_another() {
    let roll = Action::Roll { down_ms: 200, gap_ms: 100 };
    let mut bench = bench(plan(vec![fault(1.0, 5.0, roll.clone(), Targets::All)]));
    bench.run().await;
    let record = &bench.last()[0];
    assert_eq!(most_down(&bench.fake.acts()), 1);
    let restarted = record.evidence.split(" ended and started again").next().unwrap();
    assert_eq!(restarted.split(", ").count(), 5, "{}", record.evidence);
    // One that is cut short starts again what it had ended, and says how far it came.
    let mut bench = super::bench(plan(vec![fault(1.0, 0.7, roll, Targets::All)]));
    bench.run().await;
    assert_eq!(bench.fake.blemishes(), [""; 0]);
    assert!(bench.last()[0].evidence.contains("no time was left for 2 more"), "{:?}", bench.last());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_end_when_asked_is_killed_and_it_is_said() {
    let mut bench = bench(plan(vec![fault(1.0, 5.0, Action::Terminate, named(&["n2"]))]));
    bench.fake.change(|world| world.silent = true);
    bench.run().await;
    let record = &bench.last()[0];
    assert_eq!(record.state, FaultState::Installed);
    assert!(record.evidence.contains("n2 did not end by itself and was killed"), "{}", record.evidence);
    assert_eq!(bench.fake.blemishes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_throttled_process_stands_still_for_the_share_that_was_asked_for() {
    let mut bench = bench(plan(vec![fault(1.0, 3.0, Action::Throttle { share: 0.2 }, named(&["n1"]))]));
    bench.run().await;
    let record = &bench.last()[0];
    assert!(record.evidence.contains("stopped 30 times, for 2.4 s in all"), "{}", record.evidence);
    assert_eq!(bench.fake.blemishes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_flapping_link_and_a_swizzle_say_how_often_they_changed() {
    let flap = Action::Flapping { shape: Shape::Split, down_ms: 200, up_ms: 100 };
    let mut bench = bench(plan(vec![
        fault(1.0, 2.0, flap, Targets::Leader),
        fault(5.0, 3.0, Action::Swizzle { step_ms: 200 }, Targets::All),
    ]));
    bench.run().await;
    let last = bench.last();
    assert!(last[0].evidence.starts_with("cut 7 times: dropped"), "{}", last[0].evidence);
    assert!(last[1].evidence.starts_with("10 of 10 steps: dropped"), "{}", last[1].evidence);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_takes_one_node_down_after_another_and_goes_back_in_the_same_way() {
    let upgrade = Action::Upgrade { down_ms: 100, gap_ms: 100 };
    let mut bench = bench(plan(vec![fault(1.0, 5.0, upgrade.clone(), Targets::All)]));
    bench.nemesis = bench.nemesis.with_max_down(MaxDown::Nodes(1));
    bench.run().await;
    let record = &bench.last()[0];
    assert_eq!((record.state, most_down(&bench.fake.acts())), (FaultState::Installed, 1));
    assert_eq!(record.evidence.matches("runs the new version").count(), 5, "{}", record.evidence);
    assert_eq!(record.evidence.matches("runs the old version").count(), 5, "{}", record.evidence);
    assert_eq!(bench.fake.acts().iter().filter(|act| act.starts_with("choose")).count(), 10);
    // One that is cut short takes back only who went.
    let mut bench = super::bench(plan(vec![fault(1.0, 0.25, upgrade, Targets::All)]));
    bench.run().await;
    assert!(bench.last()[0].evidence.contains("no time was left for 3 more"), "{:?}", bench.last());
    assert_eq!(bench.fake.blemishes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn wrong_names_are_told_with_what_they_mean() {
    let dns = |answer| Action::Dns { answer };
    let mut bench = bench(plan(vec![
        fault(1.0, 1.0, dns(Answer::Another), named(&["n2"])),
        fault(1.2, 0.2, dns(Answer::Stale), named(&["n2"])),
        fault(3.0, 1.0, dns(Answer::Swapped), named(&["n5"])),
        fault(5.0, 1.0, dns(Answer::Stale), named(&["n1"])),
    ]));
    bench.run().await;
    let last = bench.last();
    let told = |place: usize| last[place].evidence.split("; ").next().unwrap_or_default();
    assert_eq!(told(0), "n4 is 10.0.0.3 for n2, n5 is 10.0.0.3 for n2, n1 is 10.0.0.3 for n2");
    assert_eq!(last[1].evidence, "n2 already had wrong names");
    assert!(told(2).starts_with("n1 is 10.0.0.2 for n5, n2 is 10.0.0.3 for n5"), "{}", told(2));
    assert!(told(3).starts_with("n2 is 192.0.2.2 for n1"), "{}", told(3));
    for place in [0, 2, 3] {
        assert_eq!(last[place].state, FaultState::Installed);
        assert!(last[place].evidence.contains("afterwards n"), "{}", last[place].evidence);
    }
    assert_eq!(bench.fake.blemishes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_up_and_dropped_half_way_is_healed() {
    let all = [
        Action::Throttle { share: 0.1 },
        Action::Roll { down_ms: 60_000, gap_ms: 10 },
        Action::Flapping { shape: Shape::Split, down_ms: 60_000, up_ms: 20 },
        Action::Swizzle { step_ms: 60_000 },
        Action::Time(Skew::Freeze),
        Action::Dns { answer: Answer::Another },
        Action::Upgrade { down_ms: 10, gap_ms: 10 },
        Action::Burst { hold_ms: 60_000 },
        Action::HalfOpen,
        Action::Memory { spare_mib: 1 },
        Action::Files { spare: 1 },
        Action::Terminate,
        Action::Wipe,
    ];
    for action in all {
        for from_journal in [false, true] {
            let mut bench = bench(plan(vec![fault(1.0, 100.0, action.clone(), named(&["n1", "n3"]))]));
            tokio::time::timeout(seconds(3.03), bench.run()).await.unwrap_err();
            assert!(!bench.fake.blemishes().is_empty(), "{action:?} was there");
            if from_journal {
                // The clients have gone with the controller, and what was asked of them.
                bench.fake.change(|world| world.wishes.fill((0, false)));
                let (path, cluster) = (bench.journal.clone(), bench.fake.cluster());
                let healed = crate::heal(&path, &cluster, bench.fake.as_ref()).await.unwrap();
                assert!(healed.len() == 1 && healed[0].stuck.is_none(), "{action:?}: {healed:?}");
            } else {
                bench.nemesis.heal_all().await.unwrap();
            }
            assert_eq!(bench.fake.blemishes(), [""; 0], "{action:?}");
        }
    }
}
