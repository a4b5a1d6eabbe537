use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use cluster::Skew;
use history::{FaultRecord, FaultState, Nanos, NodeId};
use tokio_util::sync::CancellationToken;

use super::{Limits, Nemesis};
use crate::{
    Action, Direction, Error, Family, Journal, Peers, Plan, PlanSpec, PlannedFault, Powers, Shape, Targets,
};

mod by_name;
mod fake;
use fake::{Fake, Trouble};

/// A run on a cluster in memory, under a clock that is only as slow as it must be.
struct Bench {
    fake: Arc<Fake>,
    nemesis: Nemesis,
    records: Arc<Mutex<Vec<FaultRecord>>>,
    journal: PathBuf,
    _folder: tempfile::TempDir,
}

fn bench(plan: Plan) -> Bench {
    bench_with(plan, |path| Journal::create(path).unwrap())
}

fn bench_with(plan: Plan, journal: impl FnOnce(&std::path::Path) -> Journal) -> Bench {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.jsonl");
    let fake = Fake::new(5, &path);
    let records = Arc::new(Mutex::new(Vec::new()));
    let (sink, start) = (Arc::clone(&records), tokio::time::Instant::now());
    let nemesis = Nemesis::new(
        plan,
        fake.cluster(),
        fake.clone(),
        journal(&path),
        Arc::new(move || Nanos(start.elapsed().as_nanos() as u64)),
        Box::new(move |record: &FaultRecord| sink.lock().unwrap().push(record.clone())),
    )
    .with_load(fake.clone());
    Bench { fake, nemesis, records, journal: path, _folder: folder }
}

impl Bench {
    async fn run(&mut self) {
        self.nemesis.run(CancellationToken::new()).await;
    }

    /// The last record of each fault, after a look that each was told of twice.
    fn last(&self) -> Vec<FaultRecord> {
        let records = self.records.lock().unwrap();
        let mut last: Vec<FaultRecord> = Vec::new();
        for record in records.iter().filter(|record| record.ended.is_some()) {
            let told = records.iter().filter(|other| other.id == record.id).count();
            assert_eq!(told, 2, "{record:?}");
            last.push(record.clone());
        }
        last.sort_by_key(|record| record.id);
        last
    }
}

fn seconds(count: f64) -> Duration {
    Duration::from_secs_f64(count)
}

fn fault(at: f64, lasts: f64, fault: Action, targets: Targets) -> PlannedFault {
    PlannedFault::new(seconds(at), seconds(lasts), fault, targets)
}

fn plan(faults: Vec<PlannedFault>) -> Plan {
    Plan { seed: 7, faults, ..Plan::default() }
}

fn named(names: &[&str]) -> Targets {
    Targets::Nodes(names.iter().map(|&name| name.to_owned()).collect())
}

fn cut() -> Action {
    Action::Partition { shape: Shape::Split }
}

/// One of every kind of fault, in every direction and from everybody it can be from.
fn every_fault() -> Vec<PlannedFault> {
    let slow = Action::Slow { delay_ms: 50, jitter_ms: 10, distribution: Default::default() };
    let mut faults = Vec::new();
    let network = [Shape::Split, Shape::Alone].map(|shape| Action::Partition { shape });
    let links = [
        Action::Lossy { share: 0.3 },
        slow,
        Action::Duplicating { share: 0.3 },
        Action::Reordering { share: 0.3 },
        Action::Corrupting { share: 0.3, past_checksum: true },
        Action::Narrow { bits_per_second: 1000 },
    ];
    for action in network.into_iter().chain(links) {
        for direction in [Direction::Both, Direction::In, Direction::Out] {
            for from in [Peers::Nodes, Peers::Clients, Peers::Everybody] {
                let fault = fault(1.0, 2.0, action.clone(), Targets::Minority);
                faults.push(PlannedFault { direction, from, ..fault });
            }
        }
    }
    for shape in [Shape::Ring, Shape::Bridge] {
        for direction in [Direction::Both, Direction::In, Direction::Out] {
            let fault = fault(1.0, 2.0, Action::Partition { shape }, Targets::One);
            faults.push(PlannedFault { direction, ..fault });
        }
    }
    for targets in [Targets::Leader, Targets::One, Targets::Majority, Targets::All] {
        for action in [
            Action::Kill,
            Action::Pause,
            Action::Clock { offset_ms: -12_500 },
            Action::Terminate,
            Action::HalfOpen,
            Action::Roll { down_ms: 100, gap_ms: 100 },
            Action::Throttle { share: 0.2 },
            Action::Memory { spare_mib: 8 },
            Action::Files { spare: 2 },
            Action::Time(Skew::Jump { offset_ms: -3000 }),
            Action::Time(Skew::Strobe { offset_ms: 300, period_ms: 40 }),
            Action::Time(Skew::Drift { parts_per_million: -500 }),
            Action::Time(Skew::Freeze),
            Action::Time(Skew::LeapSecond),
            Action::Replace,
            Action::ClientCrash { count: 2 },
            Action::Burst { hold_ms: 100 },
        ] {
            faults.push(fault(1.0, 2.0, action, targets.clone()));
        }
        for action in [
            Action::Flapping { shape: Shape::Split, down_ms: 200, up_ms: 100 },
            Action::Swizzle { step_ms: 150 },
            Action::Resetting { share: 0.2 },
        ] {
            let from = if targets == Targets::All { Peers::Clients } else { Peers::Nodes };
            faults.push(PlannedFault { from, ..fault(1.0, 2.0, action, targets.clone()) });
        }
    }
    faults
}

#[tokio::test(start_paused = true)]
async fn every_fault_is_seen_to_come_and_leaves_nothing_behind() {
    for planned in every_fault() {
        let mut bench = bench(plan(vec![planned.clone()]));
        bench.run().await;
        let record = &bench.last()[0];
        assert_eq!(record.state, FaultState::Installed, "{planned:?}: {record:?}");
        assert_eq!(bench.fake.blemishes(), [""; 0], "{planned:?}");
        let lasted = record.ended.unwrap().seconds() - record.began.seconds();
        assert!((1.9..2.5).contains(&lasted) && (0.9..1.2).contains(&record.began.seconds()), "{record:?}");
        let before = bench.fake.acts().len();
        bench.nemesis.heal_all().await.unwrap();
        bench.nemesis.heal_all().await.unwrap();
        let again = bench.fake.acts()[before..].iter().filter(|act| !act.starts_with("lift_all")).count();
        assert_eq!(again, 0, "what is undone is not undone again");
    }
}

#[tokio::test(start_paused = true)]
async fn records_say_in_plain_words_what_was_done_and_what_shows_it() {
    let mut bench = bench(plan(vec![
        fault(1.0, 1.0, cut(), Targets::Leader),
        fault(3.0, 1.0, Action::Kill, named(&["n2", "n4"])),
        fault(5.0, 1.0, Action::Pause, named(&["n5"])),
        fault(7.0, 1.0, Action::Clock { offset_ms: 12_500 }, named(&["n3"])),
        fault(9.0, 1.0, Action::Lossy { share: 0.3 }, Targets::All),
    ]));
    bench.run().await;
    let said: Vec<(String, String)> =
        bench.last().into_iter().map(|record| (record.description, record.evidence)).collect();
    assert_eq!(said[0].0, "cut n1 (leader) off from n2, n3, n4, n5 in both directions");
    assert!(said[0].1.starts_with("dropped 10 packets from n1 to n2, 10 from n1 to n3"), "{}", said[0].1);
    assert_eq!(said[1].0, "killed n2, n4 at once");
    assert_eq!(
        said[1].1,
        "n2 has ended with code 137, n4 has ended with code 137; afterwards n2 runs as process 1001, n4 runs as process \
         1002"
    );
    assert_eq!(
        said[2],
        ("paused n5".into(), "n5 is stopped as process 104; afterwards n5 runs as process 104".into())
    );
    assert_eq!(said[3].0, "set the clock of n3 12.5 s ahead");
    assert_eq!(said[3].1, "the clock of n3 is 12.5 s ahead; afterwards the clock of n3 is right");
    assert_eq!(said[4].0, "lost 30 % of the packets between all nodes");
    assert!(said[4].1.starts_with("lost 3 packets from"), "{}", said[4].1);
}

#[tokio::test(start_paused = true)]
async fn a_cut_that_nothing_met_is_no_proof() {
    let mut bench = bench(plan(vec![fault(1.0, 1.0, cut(), Targets::Leader)]));
    bench.fake.change(|world| world.silent = true);
    bench.run().await;
    let record = &bench.last()[0];
    assert_eq!(record.state, FaultState::Indeterminate);
    assert!(record.evidence.contains("nothing tried to pass"), "{}", record.evidence);
}

#[tokio::test(start_paused = true)]
async fn drawn_plans_are_carried_out_without_an_illegal_act() {
    for seed in 0..60 {
        let spec = PlanSpec::new(Family::usual().to_vec(), seed, seconds(30.0), 5, Powers::every());
        let mut bench = bench(Plan::generate(&spec));
        bench.run().await;
        assert_eq!(bench.fake.blemishes(), [""; 0], "seed {seed}");
        for record in bench.last() {
            assert_eq!(record.state, FaultState::Installed, "seed {seed}: {record:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_journal_repeats_the_same_targets_at_the_same_times() {
    for seed in 0..20 {
        let spec = PlanSpec::new(Family::usual().to_vec(), seed, seconds(30.0), 5, Powers::every());
        let mut first = bench(Plan::generate(&spec));
        first.fake.change(|world| world.leaders = vec![NodeId(3)]);
        first.run().await;
        let recorded = crate::read_plan(&first.journal).unwrap();
        assert!(recorded.faults.iter().all(|fault| matches!(fault.targets, Targets::Nodes(_))));
        let mut second = bench(recorded.clone());
        second.fake.change(|world| world.leaders = vec![NodeId(1)]);
        second.run().await;
        let repeated = crate::read_plan(&second.journal).unwrap();
        assert_eq!(recorded.faults.len(), repeated.faults.len());
        for (one, other) in recorded.faults.iter().zip(&repeated.faults) {
            assert!(one.at.abs_diff(other.at) <= Duration::from_millis(5), "{one:?} {other:?}");
            assert_eq!(&PlannedFault { at: other.at, ..one.clone() }, other);
        }
        let harm = |bench: &Bench| -> Vec<String> {
            let acts = bench.fake.acts();
            acts.into_iter().filter(|act| !act.starts_with("primaries")).collect()
        };
        assert_eq!(harm(&first), harm(&second));
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_seed_strikes_the_same_nodes() {
    let spec = PlanSpec::new(Family::usual().to_vec(), 11, seconds(60.0), 5, Powers::every());
    let (mut one, mut other) = (bench(Plan::generate(&spec)), bench(Plan::generate(&spec)));
    one.run().await;
    other.run().await;
    assert_eq!(one.fake.acts(), other.fake.acts());
}

#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_undoes_at_once() {
    let mut bench = bench(plan(vec![
        fault(1.0, 100.0, cut(), Targets::Leader),
        fault(1.0, 100.0, Action::Kill, named(&["n1"])),
        fault(1.0, 100.0, Action::Pause, named(&["n2"])),
        fault(50.0, 1.0, Action::Kill, Targets::All),
    ]));
    let stop = CancellationToken::new();
    let cancel = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(seconds(5.0)).await;
        cancel.cancel();
    });
    let began = tokio::time::Instant::now();
    bench.nemesis.run(stop).await;
    assert!(began.elapsed() < seconds(6.0), "{:?}", began.elapsed());
    assert_eq!(bench.fake.blemishes(), [""; 0]);
    assert_eq!(bench.last().len(), 3, "what had not begun is not told of");
    bench.nemesis.heal_all().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_fails_or_hangs_is_undone_at_once_and_not_called_certain() {
    for (act, action) in [
        ("impose", cut()),
        ("kill", Action::Kill),
        ("pause", Action::Pause),
        ("set_offset", Action::Clock { offset_ms: 9 }),
    ] {
        for trouble in [Trouble::Fails, Trouble::Hangs] {
            let mut bench = bench(plan(vec![fault(1.0, 60.0, action.clone(), named(&["n1", "n2"]))]));
            bench.fake.change(|world| {
                world.troubles.insert(act, (trouble, 1));
            });
            bench.run().await;
            let record = &bench.last()[0];
            assert_eq!(record.state, FaultState::Indeterminate, "{act} {trouble:?}");
            assert!(record.ended.unwrap().seconds() < 10.0, "{act} {trouble:?}: {record:?}");
            assert_eq!(bench.fake.blemishes(), [""; 0], "{act} {trouble:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_is_tried_again_and_then_left_to_the_final_healing() {
    for (act, action) in [("lift", cut()), ("start", Action::Kill), ("resume", Action::Pause)] {
        for (times, heals) in [(1, true), (2, true), (4, false), (1000, false)] {
            for trouble in [Trouble::Fails, Trouble::Hangs] {
                let mut bench = bench(plan(vec![fault(1.0, 1.0, action.clone(), named(&["n1"]))]));
                bench.fake.change(|world| {
                    world.troubles.insert(act, (trouble, times));
                });
                bench.run().await;
                assert_eq!(bench.fake.blemishes().is_empty(), heals, "{act} {times}");
                let stays = times == 1000;
                match bench.nemesis.heal_all().await {
                    Ok(()) => assert!(!stays, "{act}"),
                    Err(Error::NotUndone(left)) => {
                        assert!(stays && left[0].contains("n1"), "{act}: {left:?}")
                    }
                    Err(other) => panic!("{other}"),
                }
                assert_eq!(bench.last().len(), usize::from(!stays), "{act} {times}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_is_dropped_half_way_is_healed() {
    let mut bench = bench(plan(vec![
        fault(1.0, 100.0, cut(), Targets::Leader),
        fault(1.0, 100.0, Action::Kill, named(&["n1"])),
        fault(1.0, 100.0, Action::Clock { offset_ms: 700 }, named(&["n2"])),
    ]));
    tokio::time::timeout(seconds(10.0), bench.run()).await.unwrap_err();
    assert_eq!(bench.fake.blemishes().len(), 3);
    bench.nemesis.heal_all().await.unwrap();
    assert_eq!(bench.fake.blemishes(), [""; 0]);
    assert!(bench.last().iter().all(|record| record.evidence.contains("undone by the final healing")));
}

#[tokio::test(start_paused = true)]
async fn a_journal_alone_heals_what_a_killed_controller_left() {
    for torn in [&b""[..], b"{\"entry\":\"begin\",\"id\":9", b"\0\0\0"] {
        let mut bench = bench(plan(every_fault().into_iter().step_by(9).collect()));
        tokio::time::timeout(seconds(2.0), bench.run()).await.unwrap_err();
        let broken = bench.fake.blemishes().len();
        assert!(broken >= 5, "{broken}");
        let mut bytes = std::fs::read(&bench.journal).unwrap();
        bytes.extend_from_slice(torn);
        std::fs::write(&bench.journal, bytes).unwrap();
        let cluster = bench.fake.cluster();
        let healed = crate::heal(&bench.journal, &cluster, bench.fake.as_ref()).await.unwrap();
        assert!(healed.len() >= 5 && healed.iter().all(|healed| healed.stuck.is_none()), "{healed:?}");
        assert_eq!(bench.fake.blemishes(), [""; 0]);
        let again = crate::heal(&bench.journal, &cluster, bench.fake.as_ref()).await.unwrap();
        assert_eq!(again, [], "what is healed is not healed again");
    }
}

#[tokio::test(start_paused = true)]
async fn what_would_be_illegal_is_skipped_with_its_reason() {
    let mut bench = bench(plan(vec![
        fault(1.0, 4.0, Action::Kill, named(&["n1", "n2"])),
        fault(2.0, 1.0, Action::Pause, named(&["n1"])),
        fault(2.1, 1.0, Action::Pause, named(&["n2", "n3"])),
        fault(2.2, 1.0, cut(), named(&["n9"])),
    ]));
    bench.run().await;
    let last = bench.last();
    assert_eq!((last[1].state, last[1].evidence.as_str()), (FaultState::Skipped, "n1 was already killed"));
    assert_eq!(last[2].nodes, ["n3"]);
    assert!(
        last[2].evidence.starts_with("left alone: n2 was already killed; n3 is stopped"),
        "{}",
        last[2].evidence
    );
    assert_eq!((last[3].state, last[3].evidence.contains("no node n9")), (FaultState::Skipped, true));
    assert_eq!(bench.fake.blemishes(), [""; 0]);
    assert_eq!(crate::read_plan(&bench.journal).unwrap().faults.len(), 2, "a skipped fault is not repeated");
}

#[tokio::test(start_paused = true)]
async fn an_unknown_leader_is_replaced_and_said_so() {
    for trouble in [None, Some(Trouble::Hangs)] {
        let mut bench = bench(plan(vec![fault(1.0, 1.0, Action::Pause, Targets::Leader)]));
        bench.fake.change(|world| match trouble {
            None => world.leaders.clear(),
            Some(trouble) => {
                world.troubles.insert("primaries", (trouble, 9));
            }
        });
        bench.run().await;
        let record = &bench.last()[0];
        assert_eq!(record.state, FaultState::Installed);
        assert!(record.evidence.contains("no leader was known"), "{}", record.evidence);
        assert!(!record.description.contains("leader"), "{}", record.description);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_that_cannot_be_written_down_first() {
    let mut bench =
        bench_with(plan(vec![fault(1.0, 1.0, Action::Kill, Targets::All)]), |_| Journal::on_full_disk());
    bench.run().await;
    let record = &bench.last()[0];
    assert_eq!(record.state, FaultState::Skipped);
    assert!(record.evidence.contains("could not be written down first"), "{}", record.evidence);
    assert!(bench.fake.acts().is_empty());
}

#[tokio::test(start_paused = true)]
async fn limits_bound_the_whole_of_a_hanging_run() {
    let limits = Limits { inject: seconds(1.0), undo: seconds(1.0), ..Limits::default() };
    let mut bench = bench(plan(vec![fault(1.0, 1.0, Action::Kill, Targets::All)]));
    bench.nemesis = bench.nemesis.with_limits(limits);
    bench.fake.change(|world| {
        world.troubles.insert("kill", (Trouble::Hangs, 1000));
        world.troubles.insert("start", (Trouble::Hangs, 1000));
    });
    let began = tokio::time::Instant::now();
    bench.run().await;
    assert!(bench.nemesis.heal_all().await.is_err());
    assert!(began.elapsed() < seconds(20.0), "{:?}", began.elapsed());
}
