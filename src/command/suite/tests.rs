//! What the rerun policy and the repetitions make of runs.

use super::*;

fn file(policy: Policy, reruns: u64, repeat: u64, until_anomaly: bool) -> SuiteFile {
    SuiteFile {
        name: "nightly".into(),
        store: None,
        time_budget: None,
        parallel: 1,
        repeat,
        until_anomaly,
        reruns,
        policy,
        cells: Vec::new(),
    }
}

/// Runs a cell whose runs end as the letters say, and returns how it ended and how many runs that took.
fn play(file: &SuiteFile, script: &str) -> (Option<Ending>, usize) {
    let mut attempts: Vec<Attempt> = Vec::new();
    for letter in script.chars() {
        let Some(seed) = next_seed(file, 7, &attempts) else { break };
        let ending = match letter {
            'v' => Ending::Valid,
            'x' => Ending::Invalid,
            'u' => Ending::Unknown,
            't' => Ending::Threshold,
            _ => Ending::Failure,
        };
        let (folder, sentence, fingerprints, took) = (String::new(), String::new(), Vec::new(), Nanos(1));
        attempts.push(Attempt { seed, ending, folder, sentence, fingerprints, took });
    }
    (ending(file, &attempts), attempts.len())
}

#[test]
fn the_policy_says_how_many_reruns_must_go_wrong_too() {
    let any = file(Policy::Any, 2, 1, false);
    assert_eq!(play(&any, "vvv"), (Some(Ending::Valid), 1));
    assert_eq!(play(&any, "xvv"), (Some(Ending::Invalid), 1), "once proven is proven");
    assert_eq!(play(&any, "fvv"), (Some(Ending::Valid), 3), "a failure of the tester is no verdict");
    assert_eq!(play(&any, "fff"), (Some(Ending::Failure), 3));
    assert_eq!(play(&any, "uvx"), (Some(Ending::Invalid), 3));
    let most = file(Policy::Most, 2, 1, false);
    assert_eq!(play(&most, "xvv"), (Some(Ending::Valid), 3));
    assert_eq!(play(&most, "xvx"), (Some(Ending::Invalid), 3));
    assert_eq!(play(&most, "fxx"), (Some(Ending::Invalid), 3));
    let all = file(Policy::All, 2, 1, false);
    assert_eq!(play(&all, "xxx"), (Some(Ending::Invalid), 3));
    assert_eq!(play(&all, "xv"), (Some(Ending::Valid), 2));
    assert_eq!(play(&all, "txu"), (Some(Ending::Unknown), 3), "neither decided nor passed");
}

#[test]
fn repetitions_go_on_until_an_anomaly_where_that_is_wanted() {
    let until = file(Policy::Any, 0, 5, true);
    assert_eq!(play(&until, "vvxvv"), (Some(Ending::Invalid), 3));
    assert_eq!(play(&until, "vvvvvvvv"), (Some(Ending::Valid), 5));
    let never = file(Policy::Any, 0, 5, false);
    assert_eq!(play(&never, "vvxvv"), (Some(Ending::Invalid), 5));
    assert_eq!(play(&never, "vv"), (Some(Ending::Valid), 2));
    assert_eq!(play(&never, ""), (None, 0));
}
