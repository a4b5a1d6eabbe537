//! Every labelled history of the isolation folder that `DISPROVE_HISTORIES` names.

use std::path::Path;

use disprove_checkers::{
    Budget, Validity,
    isolation::{Level, Problem, decide, verify},
};
use history::{
    History, RwRegister,
    import::{AnyHistory, read_any},
};

fn read(path: &Path) -> History<RwRegister> {
    match read_any(path, None, Some("rw-register"), None) {
        Ok(AnyHistory::RwRegister(history)) => history,
        other => panic!("{}: {:?}", path.display(), other.map(|history| history.header().vocabulary.clone())),
    }
}

fn expect(path: &Path, holds: &[Level], broken: &[Level]) {
    let problem = Problem::of(&read(path));
    assert!(!problem.is_empty() && problem.doubts.is_empty(), "{}: {:?}", path.display(), problem.doubts);
    let labelled = holds.iter().map(|level| (level, Validity::Valid));
    for (&level, validity) in labelled.chain(broken.iter().map(|level| (level, Validity::Invalid))) {
        let decision = decide(&problem, level, &Budget::default());
        assert_eq!(decision.validity, validity, "{}: {level}", path.display());
        if let Some(order) = &decision.order {
            assert!(verify(&problem, level, order), "{}: {level}", path.display());
        }
        for found in &decision.contradictions {
            println!(
                "{} breaks {level}: {} of {} transactions",
                path.file_name().unwrap().to_string_lossy(),
                found.kind,
                found.transactions.len()
            );
            assert!(found.transactions.len() <= 32, "{}: {level}: {found:?}", path.display());
        }
    }
}

#[test]
fn labelled_histories_are_judged_as_labelled() {
    use Level::*;
    let Ok(folder) = std::env::var("DISPROVE_HISTORIES") else {
        println!(
            "DISPROVE_HISTORIES is not set: the labelled histories of the isolation folder are left out"
        );
        return;
    };
    let folder = Path::new(&folder).join("isolation");
    let ladder = [StrongSessionMonotonicAtomicView, StrongSessionReadAtomic, CausalConvergent];
    let mut judged = 0;
    for (rungs, name) in ["none", "read-committed", "read-atomic", "causal"].into_iter().enumerate() {
        for sub in [name.to_owned(), format!("{name}/generated")] {
            let Ok(entries) = std::fs::read_dir(folder.join("awdit-tests").join(sub)) else { continue };
            for path in entries
                .map(|entry| entry.expect("the folder can be listed").path())
                .filter(|path| path.is_file())
            {
                expect(&path, &ladder[..rungs], &ladder[rungs..]);
                judged += 1;
            }
        }
    }
    let all = [
        Serializable,
        SnapshotIsolation,
        StrongSessionSerializable,
        StrongSessionSnapshotIsolation,
        CausalMemory,
    ];
    let snapshots =
        [SnapshotIsolation, StrongSessionSnapshotIsolation, StrongSessionPrefix, CausalConvergent];
    let serial = [Serializable, StrongSessionSerializable];
    for name in ["blindw/chengRW-1000.txt", "generated/ser_10k.txt", "generated/ser_hot_5k.txt"] {
        expect(&folder.join(name), &all, &[]);
        judged += 1;
    }
    expect(&folder.join("blindw/chengRW-10000.txt"), &all, &[]);
    expect(&folder.join("generated/si_10k.txt"), &snapshots, &[]);
    expect(&folder.join("generated/si_hot_5k.txt"), &snapshots, &serial);
    expect(&folder.join("cobra-violations/cock-G2"), &snapshots, &serial);
    expect(&folder.join("cobra-violations/yuga-G2-b"), &[CausalConvergent], &serial);
    let lost = [SnapshotIsolation, StrongSessionSnapshotIsolation, Serializable];
    expect(&folder.join("generated/silost_2k.txt"), &[CausalConvergent], &lost);
    println!("{} histories judged", judged + 6);
}
