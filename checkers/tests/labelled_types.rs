//! Recorded histories of data types other than registers, with the verdicts that are known for them.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use disprove_checkers::{
    Budget, Validity, Verdict,
    datatypes::{self, Judged},
};
use history::{Value, import::read_any, with_history};

struct Case {
    path: PathBuf,
    vocabulary: Option<&'static str>,
    initial: Option<Value>,
    expected: Validity,
}

fn verdict_named(name: &str) -> Option<Validity> {
    match name.split_whitespace().next()? {
        "valid" => Some(Validity::Valid),
        "invalid" => Some(Validity::Invalid),
        _ => None,
    }
}

/// The cases of the manifest that are of other data types than registers.
fn manifest(folder: &Path) -> Vec<Case> {
    let text = std::fs::read_to_string(folder.join("MANIFEST.tsv")).expect("the manifest can be read");
    let case = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let (vocabulary, initial) = match fields[2].trim_matches('"') {
            // A log of a key-value store says by itself what it is.
            model if model.starts_with("kv") => (None, None),
            model if model.starts_with("fifo queue") => (Some("queue"), None),
            model if model.starts_with("multi-register") => (Some("multi-register"), Some(Value::Int(0))),
            _ => return None,
        };
        let expected = verdict_named(fields[3])?;
        Some(Case { path: folder.join(fields[0]), vocabulary, initial, expected })
    };
    text.lines().skip(1).filter_map(case).collect()
}

/// The cases of other checkers that judge single data types.
fn others(folder: &Path) -> Vec<Case> {
    let case = |name: &str, vocabulary: Option<&'static str>, expected| Case {
        path: folder.join(name),
        vocabulary,
        initial: None,
        expected,
    };
    vec![
        case("jepsen/counter.edn", None, Validity::Valid),
        case("jepsen/counter.json", None, Validity::Valid),
        case("jepsen/set.edn", None, Validity::Valid),
        case("knossos/mutex/bad/etcd.edn", Some("mutex"), Validity::Invalid),
        case("knossos/mutex/bad/etcd.json", Some("mutex"), Validity::Invalid),
        // What Knossos calls a mutex anybody may release.
        case("knossos/mutex/bad/etcd.edn", Some("semaphore"), Validity::Invalid),
    ]
}

fn judge<V: Judged>(history: &history::History<V>) -> Verdict {
    let checker = datatypes::checker_for(history, "linearizable").expect("the initial value is understood");
    checker.expect("every data type has a checker").check(history, &Budget::new(200_000, 2 << 30))
}

#[test]
fn labelled_histories_of_data_types_are_judged_as_labelled() {
    let Ok(folder) = std::env::var("DISPROVE_HISTORIES") else {
        println!("DISPROVE_HISTORIES is not set: the labelled histories of data types are left out");
        return;
    };
    let folder = Path::new(&folder);
    let mut cases = manifest(&folder.join("linearizability"));
    cases.extend(others(&folder.join("transactions/elle-cli")));
    let (mut wrong, mut undecided) = (Vec::new(), Vec::new());
    for case in &cases {
        let any = match read_any(&case.path, None, case.vocabulary, case.initial.clone()) {
            Ok(any) => any,
            Err(error) => {
                wrong.push(error.to_string());
                continue;
            }
        };
        let began = Instant::now();
        let verdict = with_history!(&any, history => judge(history));
        let name = case.path.display();
        println!(
            "{name}: {} of {}, {:?} in {:.1} ms{}",
            any.len(),
            any.header().vocabulary,
            verdict.validity,
            began.elapsed().as_secs_f64() * 1e3,
            verdict.anomalies.first().map_or(String::new(), |anomaly| format!(", {}", anomaly.sentence)),
        );
        if verdict.validity == Validity::Unknown {
            undecided.push(format!("{name}: {:?}", verdict.notes));
        } else if verdict.validity != case.expected {
            wrong.push(format!("{name}: {:?} {:?}", verdict.validity, verdict.notes));
        }
    }
    println!("{} judged, undecided within the step limit: {undecided:#?}", cases.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
    // Queues with many calls under way at once are beyond a small step limit, unless a monitor decides them.
    assert!(undecided.iter().all(|case| case.contains("synthetic/queue")), "{undecided:#?}");
    assert!(cases.len() >= 18, "only {} cases were found", cases.len());
}
