//! The command line as a user meets it: help, exit codes, and one clear sentence for every mistake.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Runs the program in an empty folder of its own.
fn disprove(arguments: &[&str]) -> Output {
    disprove_in(&folder("plain"), arguments)
}

fn disprove_in(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_disprove"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("DISPROVE_SEED")
        .output()
        .expect("the program starts")
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("disprove-command-line-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    folder
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn every_command_has_help_with_an_example() {
    let commands = [
        "demo",
        "test",
        "replay",
        "check",
        "verify",
        "report",
        "diff",
        "clean",
        "suite",
        "heal",
        "doctor",
        "list",
        "survey",
        "completions",
        "man",
    ];
    for command in commands {
        let output = disprove(&[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let help = printed(&output);
        assert!(help.contains("Example"), "{command} has no example:\n{help}");
        assert!(help.contains("disprove "), "{command}");
    }
    let help = printed(&disprove(&["--help"]));
    assert!(help.contains("130"), "the exit codes are documented:\n{help}");
}

#[test]
fn mistakes_end_in_one_sentence_and_code_64() {
    let cases: &[(&[&str], &str)] = &[
        (&["test", "--db", "specimn"], "did you mean `specimen`"),
        (&["test", "--disease", "no-fsnc"], "did you mean `no-fsync`"),
        (&["test", "--workload", "registr"], "did you mean `register`"),
        (&["test", "--model", "linearisable"], "did you mean `linearizable`"),
        (&["test", "--faults", "partion"], "partition"),
        (&["test", "--nodes", "n1,n1"], "twice"),
        (&["test", "--nodes", "0"], "--nodes"),
        (&["test", "--concurrency", "many"], "--concurrency"),
        (&["test", "--time-limit", "-3"], "time-limit"),
        (&["test", "--rate=-1"], "--rate"),
        (&["test", "--name", "../away"], "--name"),
        (&["test", "--nodes-file", "nowhere"], "nowhere"),
        (&["test", "--tim-limit", "3"], "--time-limit"),
        (&["demo", "--disease", "none"], "list diseases"),
    ];
    for (arguments, expected) in cases {
        let output = disprove(arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", said(&output));
        assert!(said(&output).contains(expected), "{arguments:?}: {}", said(&output));
        assert!(!said(&output).contains("panicked"), "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn unreadable_input_ends_in_one_sentence_and_code_65() {
    let folder = folder("input");
    std::fs::write(folder.join("garbage"), b"\x00\x01\x02 not a history").expect("a file can be written");
    let cases: &[&[&str]] = &[
        &["check", "nowhere.edn"],
        &["check", "garbage"],
        &["check", "."],
        &["report", "nowhere"],
        &["heal", "nowhere"],
        &["replay", "nowhere"],
        &["test", "--plan", "nowhere.json"],
        &["test", "--plan", "garbage"],
    ];
    for arguments in cases {
        let output = disprove_in(&folder, arguments);
        assert_eq!(output.status.code(), Some(65), "{arguments:?}: {}", said(&output));
        assert!(said(&output).starts_with("disprove: "), "{arguments:?}: {}", said(&output));
        assert_eq!(said(&output).trim().lines().count(), 1, "{arguments:?}: {}", said(&output));
    }
}

#[test]
fn settings_come_from_flags_environment_file_and_defaults_in_that_order() {
    let folder = folder("settings");
    std::fs::write(folder.join("disprove.toml"), "[run]\nkeys = 3\nrate = 55\nseed = 9\n").expect("a file");
    let output = Command::new(env!("CARGO_BIN_EXE_disprove"))
        .args(["test", "--print-config", "--seed", "1"])
        .env("DISPROVE_RATE", "77")
        .current_dir(&folder)
        .output()
        .expect("the program starts");
    let text = printed(&output);
    let line = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or_default().to_owned();
    assert!(line("seed").contains(" 1 ") && line("seed").contains("command line"), "{text}");
    assert!(line("rate").contains(" 77 ") && line("rate").contains("environment DISPROVE_RATE"), "{text}");
    assert!(line("keys").contains(" 3 ") && line("keys").contains("file disprove.toml"), "{text}");
    assert!(line("concurrency").contains(" 10 ") && line("concurrency").contains("default"), "{text}");
}

#[test]
fn a_wrong_setting_in_a_file_is_named_with_its_line() {
    let folder = folder("wrong-setting");
    std::fs::write(folder.join("mine.toml"), "[run]\nkeys = 3\nfalts = \"none\"\n").expect("a file");
    let output = disprove_in(&folder, &["test", "--config", "mine.toml"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(
        said(&output).contains("mine.toml: line 3") && said(&output).contains("`faults`"),
        "{}",
        said(&output)
    );
}

#[test]
fn lists_name_what_there_is() {
    let text = printed(&disprove(&["list"]));
    for expected in ["specimen", "register", "linearizable", "partition", "no-fsync", "stale-read"] {
        assert!(text.contains(expected), "{expected} is not listed:\n{text}");
    }
    let json = printed(&disprove(&["list", "diseases", "--output", "json"]));
    let diseases: Vec<serde_json::Value> = serde_json::from_str(&json).expect("a list of objects");
    assert!(diseases.len() >= 12, "{json}");
}

#[test]
fn the_glossary_in_the_docs_is_the_one_that_is_printed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/anomalies.md");
    let document = std::fs::read_to_string(path).expect("the glossary is readable");
    for entry in disprove::checkers::glossary() {
        let heading = format!("## {} (`{}`)\n\n{}\n", entry.title, entry.kind, entry.explanation);
        assert!(document.contains(&heading), "docs/anomalies.md lacks or misquotes:\n{heading}");
    }
}

#[test]
fn completions_and_manual_are_printed() {
    assert!(printed(&disprove(&["completions", "bash"])).contains("disprove"));
    assert!(printed(&disprove(&["man"])).contains(".TH"));
}

#[test]
fn foreign_histories_are_judged_with_the_documented_codes() {
    let folder = folder("foreign");
    let valid = "{:type :invoke, :f :write, :value 1, :process 0}\n{:type :ok, :f :write, :value 1, :process 0}\n\
                 {:type :invoke, :f :read, :value nil, :process 1}\n{:type :ok, :f :read, :value 1, :process 1}\n";
    let invalid = valid.replace(":read, :value 1", ":read, :value 2");
    std::fs::write(folder.join("valid.edn"), valid).expect("a file");
    std::fs::write(folder.join("invalid.edn"), invalid).expect("a file");
    let good = disprove_in(&folder, &["check", "valid.edn", "--as", "register", "--model", "linearizable"]);
    assert_eq!(good.status.code(), Some(0), "{}{}", printed(&good), said(&good));
    let bad = disprove_in(&folder, &["check", "invalid.edn", "--as", "register", "--output", "json"]);
    assert_eq!(bad.status.code(), Some(1), "{}{}", printed(&bad), said(&bad));
    let object: serde_json::Value = serde_json::from_str(&printed(&bad)).expect("one object");
    assert_eq!(object["verdict"], "invalid");
    assert_eq!(object["operations"], 2);
    assert!(
        object["anomalies"][0]["witness"].as_array().is_some_and(|witness| !witness.is_empty()),
        "{object}"
    );
    for field in ["model", "limits", "seconds", "peak_memory_bytes"] {
        assert!(object.get(field).is_some(), "{field} is missing: {object}");
    }
}

/// A controller that somebody kills is a failure of the tester with its own exit code, and its user is told how to go on.
#[test]
fn a_controller_that_was_killed_is_a_failure_with_a_way_on() {
    let doctor =
        Command::new(env!("CARGO_BIN_EXE_disprove")).arg("doctor").output().expect("the program starts");
    if doctor.status.code() != Some(0) || std::env::var_os("DISPROVE_TEST_QUICK").is_some() {
        println!("left out: a controller that was killed (--quick, or this machine permits no namespaces)");
        return;
    }
    let folder = std::env::temp_dir().join(format!("disprove-killed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    let store = folder.join("store").display().to_string();
    let run = Command::new(env!("CARGO_BIN_EXE_disprove"))
        .args(["test", "--nodes", "1", "--faults", "none", "--rate", "50", "--time-limit", "300"])
        .args(["--name", "killed", "--store", &store])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the program starts");
    let children = format!("/proc/{0}/task/{0}/children", run.id());
    let journalled =
        || std::fs::read_dir(folder.join("store/killed")).is_ok_and(|mut runs| runs.next().is_some());
    let began = std::time::Instant::now();
    while !journalled() {
        assert!(began.elapsed().as_secs() < 120, "the run begins");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    let inner = std::fs::read_to_string(children).expect("it waits for the controller");
    let inner = inner.split_whitespace().next().expect("the controller is its child");
    assert!(Command::new("kill").args(["-KILL", inner]).status().is_ok_and(|status| status.success()));
    let output = run.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(70), "{said}");
    assert!(said.contains("killed by signal 9") && said.contains("disprove heal RUN"), "{said}");
    let _ = std::fs::remove_dir_all(&folder);
}
