//! `check` and `verify` as a user meets them: every vocabulary, every kind of promise, and proofs that stand by themselves.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value as Json;

fn disprove(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_disprove")).args(arguments).output().expect("the program starts")
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("disprove-check-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn kept(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories").join(name).display().to_string()
}

fn object(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// A call: what it did, what it was given, what came back.
type Line<'a> = (&'a str, &'a str, &'a str);

/// A file with these lines of EDN, each an operation from its invocation to its completion.
fn edn(folder: &Path, name: &str, lines: &[Line]) -> String {
    let mut text = String::new();
    for (process, (f, called, returned)) in lines.iter().enumerate() {
        text += &format!("{{:type :invoke, :f :{f}, :value {called}, :process {process}}}\n");
        text += &format!("{{:type :ok, :f :{f}, :value {returned}, :process {process}}}\n");
    }
    let path = folder.join(name);
    std::fs::write(&path, text).expect("a file can be written");
    path.display().to_string()
}

#[test]
fn every_kept_history_is_judged_by_the_usual_promise_and_its_proof_is_accepted() {
    let folder = folder("kept");
    let mut judged = 0;
    let histories = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/histories");
    let mut names: Vec<String> = std::fs::read_dir(histories)
        .expect("there are kept histories")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.ends_with(".jsonl.zst"))
        .collect();
    names.sort();
    for name in names {
        let vocabulary =
            name.trim_start_matches("v1-").trim_end_matches(".jsonl.zst").trim_end_matches("-torn");
        let proof = folder.join(format!("{name}.proof")).display().to_string();
        let file = kept(&name);
        let output =
            disprove(&["check", &file, "--output", "json", "--certificate", &proof, "--as", vocabulary]);
        let said = object(&output);
        assert!(matches!(output.status.code(), Some(0..=2)), "{name}: {said}");
        let verified = disprove(&["verify", &file, &proof]);
        assert_ne!(
            verified.status.code(),
            Some(1),
            "{name}: {said}\n{}",
            String::from_utf8_lossy(&verified.stdout)
        );
        assert!(matches!(verified.status.code(), Some(0 | 2)), "{name}");
        judged += 1;
    }
    assert!(judged >= 19, "only {judged} kept histories were found");
}

#[test]
fn a_proof_that_was_tampered_with_is_rejected() {
    let folder = folder("tampered");
    let file =
        edn(&folder, "register.edn", &[("write", "1", "1"), ("write", "2", "2"), ("read", "nil", "2")]);
    let proof = folder.join("proof.json").display().to_string();
    let checked = disprove(&["check", &file, "--as", "register", "--certificate", &proof]);
    assert_eq!(checked.status.code(), Some(0));
    assert_eq!(disprove(&["verify", &file, &proof]).status.code(), Some(0));
    let text = std::fs::read_to_string(&proof).expect("the proof was written");
    assert!(text.contains("[0,1,2]"), "{text}");
    std::fs::write(&proof, text.replace("[0,1,2]", "[1,0,2]")).expect("the proof can be changed");
    let rejected = disprove(&["verify", &file, &proof]);
    assert_eq!(rejected.status.code(), Some(1), "{}", String::from_utf8_lossy(&rejected.stdout));
    std::fs::write(&proof, "{}").expect("the proof can be changed");
    assert_eq!(disprove(&["verify", &file, &proof]).status.code(), Some(65));
}

#[test]
fn a_write_skew_breaks_serializability_and_not_snapshot_isolation() {
    let folder = folder("skew");
    let path = folder.join("skew.edn");
    let text = "{:type :invoke, :f :txn, :value [[:r :x nil] [:append :y 1]], :process 0}\n\
                {:type :invoke, :f :txn, :value [[:r :y nil] [:append :x 1]], :process 1}\n\
                {:type :ok, :f :txn, :value [[:r :x []] [:append :y 1]], :process 0}\n\
                {:type :ok, :f :txn, :value [[:r :y []] [:append :x 1]], :process 1}\n\
                {:type :invoke, :f :txn, :value [[:r :x nil] [:r :y nil]], :process 2}\n\
                {:type :ok, :f :txn, :value [[:r :x [1]] [:r :y [1]]], :process 2}\n";
    std::fs::write(&path, text).expect("a file can be written");
    let file = path.display().to_string();
    let proof = folder.join("proof.json").display().to_string();
    let output = disprove(&[
        "check",
        &file,
        "--model",
        "serializable,snapshot-isolation",
        "--output",
        "json",
        "--certificate",
        &proof,
    ]);
    assert_eq!(output.status.code(), Some(1));
    let said = object(&output);
    assert_eq!(said["verdict"], "invalid");
    assert_eq!(said["anomalies"][0]["kind"], "G2-item", "{said}");
    assert_eq!(said["anomalies"][0]["cycle"].as_array().map(Vec::len), Some(2), "{said}");
    assert!(
        said["also_refuted"].to_string().contains("serializable")
            || said["refuted"].to_string().contains("serializable"),
        "{said}"
    );
    assert_eq!(disprove(&["verify", &file, &proof]).status.code(), Some(0), "the cycle is accepted");
    let snapshot = disprove(&["check", &file, "--model", "snapshot-isolation", "--output", "json"]);
    assert_eq!(snapshot.status.code(), Some(0), "{}", object(&snapshot));
    let told = disprove(&["check", &file, "--model", "PL-3"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(text.contains("because") && text.contains("a contradiction"), "{text}");
    assert!(!text.contains("{from}") && !text.contains("{to}"), "{text}");
}

#[test]
fn wrong_names_get_the_nearest_before_the_file_is_read() {
    let cases: &[(&[&str], &str)] = &[
        (&["--as", "list-append", "--model", "serialisable"], "`serializable`"),
        (&["--as", "register", "--model", "linearisable"], "`linearizable`"),
        (&["--as", "queu", "--model", "linearizable"], "`queue`"),
        (&["--as", "queu"], "`queue`"),
        (&["--as", "register", "--model", "linearizable,"], "one of them is empty"),
        (&["--as", "queue", "--model", "serializable"], "list-append"),
        (&["--version-order", "exakt"], "`exact`"),
        (&["--format", "plum"], "`plume`"),
    ];
    for (arguments, expected) in cases {
        let mut line = vec!["check", "nowhere.edn"];
        line.extend_from_slice(arguments);
        let output = disprove(&line);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {said}");
        assert!(said.contains(expected), "{arguments:?}: {said}");
    }
}

#[test]
fn an_initial_value_that_the_object_cannot_have_is_refused() {
    let folder = folder("initial");
    let file = edn(&folder, "counter.edn", &[("add", "1", "1"), ("read", "nil", "6")]);
    let check = |initial| disprove(&["check", &file, "--as", "counter", "--initial", initial]);
    assert_eq!(check("5").status.code(), Some(0));
    assert_eq!(check("7").status.code(), Some(1));
    let refused = check("many");
    assert_eq!(refused.status.code(), Some(64), "{}", String::from_utf8_lossy(&refused.stderr));
}

#[test]
fn a_sequential_history_need_not_be_linearizable() {
    let folder = folder("sequential");
    let file = edn(&folder, "stale.edn", &[("write", "1", "1"), ("write", "2", "2"), ("read", "nil", "1")]);
    assert_eq!(disprove(&["check", &file, "--as", "register"]).status.code(), Some(1));
    let sequential = disprove(&["check", &file, "--as", "register", "--model", "sequential"]);
    assert_eq!(sequential.status.code(), Some(0), "{}", String::from_utf8_lossy(&sequential.stdout));
}

/// Labelled histories of others, where the folder of them is there.
#[test]
fn what_still_stands_is_told_where_the_one_promise_is_broken() {
    let folder = folder("weaker");
    let stale = [("write", "1", "1"), ("write", "2", "2"), ("read", "nil", "1")];
    let file = edn(&folder, "stale.edn", &stale);
    let judged =
        |file: &str, more: &[&str]| object(&disprove(&[&["check", file, "--output", "json"], more].concat()));
    let alone = judged(&file, &["--as", "register"]);
    assert_eq!(alone["strongest_standing"], serde_json::json!([]), "it takes time, so one has to ask");
    let told = judged(&file, &["--as", "register", "--weaker"]);
    assert_eq!(told["verdict"], "invalid");
    assert_eq!(told["refuted"], serde_json::json!(["safe"]));
    assert_eq!(told["also_refuted"], serde_json::json!(["weak-regular", "regular", "linearizable"]));
    assert_eq!(told["strongest_standing"], serde_json::json!(["sequential", "real-time-causal"]));
    let queue =
        edn(&folder, "queue.edn", &[("enqueue", "1", "1"), ("enqueue", "2", "2"), ("dequeue", "nil", "2")]);
    let told = judged(&queue, &["--as", "queue", "--weaker"]);
    assert_eq!(told["refuted"], serde_json::json!(["linearizable"]));
    assert!(told["strongest_standing"].to_string().contains("at-most-once"), "{told}");
    let page = folder.join("page.html").display().to_string();
    disprove(&["check", &file, "--as", "register", "--report", &page]);
    let page = std::fs::read_to_string(page).expect("the report is there");
    assert!(page.contains("Strongest still standing") && page.contains("lattice of consistency promises"));
}

#[test]
fn recorded_histories_are_judged_as_their_labels_say() {
    let Some(data) = std::env::var_os("DISPROVE_HISTORIES").map(PathBuf::from) else {
        println!("left out: 11 recorded histories, since DISPROVE_HISTORIES is not set");
        return;
    };
    let cases = [
        ("isolation/cobra-violations/cock-G2", "rw-register", "causal-convergent", 0),
        ("isolation/cobra-violations/cock-G2", "rw-register", "serializable", 1),
        ("isolation/blindw/chengRW-1000.txt", "rw-register", "serializable", 0),
        ("isolation/generated/si_hot_5k.txt", "rw-register", "serializable", 1),
        ("isolation/generated/si_hot_5k.txt", "rw-register", "snapshot-isolation", 0),
        ("isolation/generated/silost_2k.txt", "rw-register", "snapshot-isolation", 1),
        ("isolation/awdit-tests/causal/fully-ser.txt", "rw-register", "serializable", 0),
        ("isolation/awdit-tests/read-atomic/test-ra.txt", "rw-register", "read-atomic", 0),
        ("isolation/awdit-tests/read-committed/test-rc.txt", "rw-register", "read-atomic", 1),
        ("linearizability/porcupine-kv/c10-ok.txt", "key-value", "linearizable", 0),
        ("linearizability/porcupine-kv/c10-bad.txt", "key-value", "linearizable", 1),
    ];
    let mut missing = Vec::new();
    for (file, vocabulary, model, code) in cases {
        let path = data.join(file);
        if !path.exists() {
            missing.push(file);
            continue;
        }
        let path = path.display().to_string();
        let output = disprove(&["check", &path, "--as", vocabulary, "--model", model, "--output", "json"]);
        assert_eq!(output.status.code(), Some(code), "{file} by {model}: {}", object(&output));
    }
    assert!(missing.is_empty(), "the folder lacks {missing:?}");
}

#[test]
fn transactions_are_judged_while_they_are_read_and_reading_ends_at_the_first_anomaly() {
    let folder = folder("streamed");
    let mut text = String::new();
    let mut transaction = |process: usize, asked: &str, answered: &str| {
        text += &format!("{{:type :invoke, :f :txn, :value [{asked}], :process {process}}}\n");
        text += &format!("{{:type :ok, :f :txn, :value [{answered}], :process {process}}}\n");
    };
    for number in 1..3_000 {
        let (key, value) = (number / 20, number);
        let append = format!("[:append {key} {value}]");
        transaction(0, &append, &append);
    }
    // All of what it did not see had been answered.
    transaction(1, "[:r 149 nil] [:r 148 nil]", "[:r 149 []] [:r 148 []]");
    for number in 3_000..9_000 {
        let append = format!("[:append {number} 1]");
        transaction(0, &append, &append);
    }
    let path = folder.join("stale.edn");
    std::fs::write(&path, &text).expect("a file can be written");
    let file = path.display().to_string();
    let options = ["check", &file, "--as", "list-append", "--output", "json"];
    let whole = object(&disprove(&options));
    let streamed = disprove(&[&options[..], &["--stop-on-anomaly", "--forget-after", "500"]].concat());
    assert_eq!(streamed.status.code(), Some(1), "{}", String::from_utf8_lossy(&streamed.stderr));
    let streamed = object(&streamed);
    assert_eq!(streamed["verdict"], whole["verdict"], "{streamed}");
    assert_eq!(streamed["anomalies"][0]["kind"], whole["anomalies"][0]["kind"], "{streamed}");
    let witness = streamed["anomalies"][0]["witness"].as_array().expect("a witness is a list");
    assert!(witness.contains(&Json::from(2_999)), "{streamed}");
    assert!(streamed["operations"].as_u64() < whole["operations"].as_u64(), "{streamed}");
    let notes = streamed["notes"].to_string();
    assert!(notes.contains("reading ended at the first anomaly, at line"), "{notes}");
    // What is judged as a whole only says so, and is.
    let kept = kept("v1-queue.edn");
    let other = disprove(&["check", &kept, "--as", "queue", "--output", "json", "--stop-on-anomaly"]);
    let said = object(&other);
    assert!(said["warnings"].to_string().contains("queue is judged as a whole only"), "{said}");
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
}

/// The reads at the end come back to keys that were forgotten long before.
#[test]
fn what_was_lost_after_its_key_was_forgotten_is_found_in_a_second_reading() {
    let folder = folder("came-back");
    let mut text = String::new();
    let mut transaction = |asked: &str, answered: &str| {
        text += &format!("{{:type :invoke, :f :txn, :value [{asked}], :process 0}}\n");
        text += &format!("{{:type :ok, :f :txn, :value [{answered}], :process 0}}\n");
    };
    let list = |length: usize| (1..=length).map(|value| value.to_string()).collect::<Vec<_>>().join(" ");
    for key in 0..300 {
        for value in 1..=9 {
            let append = format!("[:append {key} {value}]");
            transaction(&append, &append);
        }
        transaction(&format!("[:r {key} nil]"), &format!("[:r {key} [{}]]", list(9)));
    }
    let mut lost = text.clone();
    for key in 0..300 {
        text += &format!("{{:type :invoke, :f :txn, :value [[:r {key} nil]], :process 1}}\n");
        text += &format!("{{:type :ok, :f :txn, :value [[:r {key} [{}]]], :process 1}}\n", list(9));
        lost += &format!("{{:type :invoke, :f :txn, :value [[:r {key} nil]], :process 1}}\n");
        let length = if key == 7 { 8 } else { 9 };
        lost += &format!("{{:type :ok, :f :txn, :value [[:r {key} [{}]]], :process 1}}\n", list(length));
    }
    let judged = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).expect("a file can be written");
        let file = path.display().to_string();
        let options = ["check", &file, "--as", "list-append", "--output", "json"];
        object(&disprove(&[&options[..], &["--stop-on-anomaly", "--forget-after", "500"]].concat()))
    };
    let whole = judged("whole.edn", &text);
    assert_eq!(whole["verdict"], "valid", "{whole}");
    let lost = judged("lost.edn", &lost);
    assert_eq!(lost["verdict"], "invalid", "{lost}");
    let sentence = lost["anomalies"][0]["sentence"].to_string();
    assert!(sentence.contains("[1 2 3 4 5 6 7 8]") || sentence.contains(" 9 "), "{sentence}");
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
}

/// Somebody who asks for several promises wants to know of each, also where no lattice relates them.
#[test]
fn each_promise_that_was_asked_for_is_told_apart() {
    let folder = folder("several");
    let calls = [("write", "1", "1"), ("write", "2", "2"), ("read", "nil", "1")];
    let mut text = String::new();
    for (f, called, returned) in calls {
        text += &format!("{{:type :invoke, :f :{f}, :value {called}, :process {}}}\n", u8::from(f == "read"));
        text += &format!("{{:type :ok, :f :{f}, :value {returned}, :process {}}}\n", u8::from(f == "read"));
    }
    let file = folder.join("stale.edn");
    std::fs::write(&file, text).expect("a file can be written");
    let file = file.display().to_string();
    let wanted = ["check", &file, "--as", "register", "--model", "linearizable,sequential-per-key"];
    let output = disprove(&[&wanted[..], &["--output", "json"]].concat());
    assert_eq!(output.status.code(), Some(1));
    let said = object(&output);
    let of = |place: usize| {
        (said["judgements"][place]["model"].clone(), said["judgements"][place]["verdict"].clone())
    };
    assert_eq!(of(0), ("linearizable".into(), "invalid".into()), "{said}");
    assert_eq!(of(1), ("sequential-per-key".into(), "valid".into()), "{said}");
    let told = disprove(&wanted);
    let told = String::from_utf8_lossy(&told.stdout);
    assert!(told.contains("Still standing: sequential-per-key"), "{told}");
    assert!(!told.contains("Phases"), "a history that others recorded has none: {told}");
}

/// Nothing can be wrong with what nobody recorded, and that is no reason to call a promise kept.
#[test]
fn a_file_in_which_nothing_happened_is_unknown_in_every_format() {
    let folder = folder("nothing");
    let write = |name: &str, text: &str| {
        std::fs::write(folder.join(name), text).expect("a file can be written");
        folder.join(name).display().to_string()
    };
    std::fs::create_dir_all(folder.join("cobra")).expect("a folder can be made");
    let cases: &[(String, &[&str], &str)] = &[
        (write("empty.edn", ""), &[], "nothing was recorded"),
        (
            write("blank.edn", "\n \n"),
            &["--as", "list-append", "--model", "serializable"],
            "nothing was recorded",
        ),
        (write("vector.edn", "[]"), &[], "nothing was recorded"),
        (write("vector.edn", "[]"), &["--as", "register"], "nothing was recorded"),
        (write("empty.jsonl", ""), &["--stop-on-anomaly"], "nothing was recorded"),
        (write("array.json", "[]"), &["--as", "queue", "--model", "exactly-once"], "nothing was recorded"),
        (write("plume.txt", ""), &["--format", "plume"], "nothing was recorded"),
        (write("etcd.log", ""), &["--format", "etcd-log"], "nothing was recorded"),
        (write("cobra/T0.log", "").replace("/T0.log", ""), &[], "nothing was recorded"),
    ];
    for (file, arguments, expected) in cases {
        let output = disprove(&[&["check", file, "--output", "json"], *arguments].concat());
        assert_eq!(output.status.code(), Some(2), "{file}: {}", String::from_utf8_lossy(&output.stderr));
        let said = object(&output);
        assert_eq!(said["verdict"], "unknown", "{file}: {said}");
        assert!(said["notes"].to_string().contains(expected), "{file}: {said}");
        let told = disprove(&[&["check", file], *arguments].concat());
        let text = String::from_utf8_lossy(&told.stdout).replace("\n         ", " ");
        assert!(text.contains(expected), "{file}: {text}");
    }
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
}

/// A history of one object has no key, and a file without times no times.
#[test]
fn sentences_name_no_key_and_no_latency_that_the_file_has_not() {
    let folder = folder("words");
    let taken = [("enqueue", "1", "1"), ("dequeue", "nil", "1"), ("dequeue", "nil", "1")];
    let stale = [("write", "1", "1"), ("write", "2", "2"), ("read", "nil", "1")];
    let locked = [("acquire", "nil", "nil"), ("acquire", "nil", "nil")];
    let listed = [("add", "1", "1"), ("read", "nil", "[]"), ("read", "nil", "[]")];
    let cases: &[(&str, &[Line], &str, &str)] = &[
        ("queue", &taken, "linearizable", "enqueued once in the queue"),
        ("queue", &taken, "exactly-once", "put into the queue once"),
        ("register", &stale, "linearizable", "`write 2`"),
        ("register", &stale, "weak-regular", "read by p2 at 0.004 s returned 1"),
        ("mutex", &locked, "linearizable", "`acquire by 1`"),
        ("set", &listed, "linearizable", "in the set"),
        ("set", &listed, "eventual", "the set"),
    ];
    for (vocabulary, lines, model, expected) in cases {
        let file = edn(&folder, &format!("{vocabulary}.edn"), lines);
        let arguments = ["check", &file, "--as", vocabulary, "--model", model];
        let said = object(&disprove(&[&arguments[..], &["--output", "json"]].concat()));
        assert_eq!(said["verdict"], "invalid", "{vocabulary} by {model}: {said}");
        let sentences = said["anomalies"].to_string();
        assert!(sentences.contains(expected), "{vocabulary} by {model}: {said}");
        let told = said["anomalies"][0]["sentence"].as_str().expect("a sentence");
        assert!(!told.contains("nil"), "{told}");
        assert!(said["warnings"].to_string().contains("0.048 s is event 48"), "{said}");
        let text = disprove(&arguments);
        assert!(!String::from_utf8_lossy(&text.stdout).contains("latency of"), "{vocabulary}");
    }
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
}

#[test]
fn the_time_of_a_sentence_is_that_of_the_file() {
    let folder = folder("times");
    let path = folder.join("timed.edn");
    let text = "{:type :invoke, :f :write, :value 1, :process 0, :time 1000000000}\n\
                {:type :ok, :f :write, :value 1, :process 0, :time 2000000000}\n\
                {:type :invoke, :f :read, :value nil, :process 1, :time 3000000000}\n\
                {:type :ok, :f :read, :value nil, :process 1, :time 4500000000}\n";
    std::fs::write(&path, text).expect("a file can be written");
    let file = path.display().to_string();
    let told = disprove(&["check", &file, "--as", "register"]);
    let text = String::from_utf8_lossy(&told.stdout).replace("\n              ", " ");
    assert_eq!(told.status.code(), Some(1), "{text}");
    assert!(text.contains("read by p1 at 3.000 s returned nil"), "{text}");
    assert!(text.contains("latency of ok calls") && !text.contains("event 48"), "{text}");
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
}

/// What is measured, and how far a check got, is told to whoever reads the terminal as well.
#[test]
fn notes_are_told_in_the_terminal() {
    let folder = folder("notes");
    let stale = [("write", "1", "1"), ("write", "2", "2"), ("read", "nil", "1")];
    let file = edn(&folder, "stale.edn", &stale);
    let flat = |output: &Output| {
        String::from_utf8_lossy(&output.stdout).split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let bounded = disprove(&["check", &file, "--as", "register", "--model", "bounded-staleness"]);
    assert!(flat(&bounded).contains("staleness by versions: 1 version at most"), "{}", flat(&bounded));
    // Without times a time cannot be measured, nor be kept to.
    assert!(!flat(&bounded).contains("staleness by time"), "{}", flat(&bounded));
    let within = ["--model", "bounded-staleness", "--staleness-time", "100"];
    let timed = disprove(&[&["check", &file, "--as", "register"], &within[..]].concat());
    assert_eq!(timed.status.code(), Some(2), "{}", flat(&timed));
    let file = edn(&folder, "queue.edn", &[("enqueue", "1", "1"), ("dequeue", "nil", "1")]);
    let limited = disprove(&["check", &file, "--as", "queue", "--step-limit", "0"]);
    assert_eq!(limited.status.code(), Some(2), "{}", flat(&limited));
    assert!(flat(&limited).contains("the object: nothing was decided"), "{}", flat(&limited));
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
}

#[test]
fn other_names_of_vocabularies_and_models_are_understood() {
    let folder = folder("aliases");
    let path = folder.join("rows.edn");
    let text = "{:type :invoke, :f :txn, :value [[:w :x 1]], :process 0}\n\
                {:type :ok, :f :txn, :value [[:w :x 1]], :process 0}\n";
    std::fs::write(&path, text).expect("a file can be written");
    let file = path.display().to_string();
    let output = disprove(&["check", &file, "--as", "closed-predicate", "--model", "SI", "--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(object(&output)["model"], "snapshot-isolation");
    std::fs::remove_dir_all(&folder).expect("a folder can be removed");
}

#[test]
fn what_a_history_lacks_is_said_in_one_sentence_with_the_remedy() {
    let folder = folder("lacks");
    let rows = edn(
        &folder,
        "rows.edn",
        &[("txn", "[[:w x 1]]", "[[:w x 1]]"), ("txn", "[[:r x nil]]", "[[:r x 1]]")],
    );
    let given =
        disprove(&["check", &rows, "--as", "rw-register", "--version-order", "given", "--output", "json"]);
    assert_eq!(given.status.code(), Some(0), "{}", object(&given));
    let notes = object(&given)["notes"].to_string();
    assert!(notes.contains("carries no commit times") && notes.contains("wfr"), "{notes}");
    assert!(!notes.contains("was assumed to be"), "{notes}");
    let told = disprove(&["check", &rows, "--as", "rw-register", "--version-order", "given"]);
    let text = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(text.contains("carries no commit times"), "{text}");
    let lists = edn(&folder, "lists.edn", &[("txn", "[[:append x 1]]", "[[:append x 1]]")]);
    let assumed = disprove(&["check", &lists, "--version-order", "wfr", "--output", "json"]);
    assert!(object(&assumed)["notes"].to_string().contains("changed nothing"), "{}", object(&assumed));

    let keyed = edn(&folder, "keyed.edn", &[("add", "[0 5]", "[0 5]"), ("read", "[0 nil]", "[0 1 2]")]);
    let refused = disprove(&["check", &keyed, "--as", "set"]);
    assert_eq!(refused.status.code(), Some(65));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("a list that has no key") && said.contains("[key [elements]]"), "{said}");

    // Rows that are inserted and read all at once, as in Jepsen's workload of comments.
    let comments =
        edn(&folder, "comments.edn", &[("write", "1", "1"), ("write", "2", "2"), ("read", "nil", "#{2}")]);
    let register = disprove(&["check", &comments, "--as", "register"]);
    assert!(String::from_utf8_lossy(&register.stderr).contains("--as set"));
    let set = disprove(&["check", &comments, "--as", "set", "--output", "json"]);
    assert_eq!(set.status.code(), Some(1));
    assert_eq!(object(&set)["anomalies"][0]["kind"], "lost-element", "{}", object(&set));
}
