//! A suite on real clusters: it runs what is missing, says what came of it, and goes on where it was stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn folder() -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::temp_dir().join(format!("disprove-suite-{}", std::process::id()));
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a folder can be made");
    // An ordinary user's nodes must be able to reach it.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o777)).expect("permissions can be set");
    path
}

fn suite(folder: &Path, file: &str, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_disprove"))
        .args(["suite", file])
        .args(more)
        .current_dir(folder)
        .env_remove("GITHUB_ACTIONS")
        .env_remove("GITHUB_STEP_SUMMARY")
        .output()
        .expect("the program starts")
}

fn clusters_can_run() -> bool {
    if std::env::var_os("DISPROVE_TEST_QUICK").is_some() {
        println!("left out: a suite on real clusters (--quick)");
        return false;
    }
    let doctor =
        Command::new(env!("CARGO_BIN_EXE_disprove")).arg("doctor").output().expect("the program starts");
    if doctor.status.code() != Some(0) {
        println!("left out: a suite on real clusters (this machine permits no namespaces)");
    }
    doctor.status.code() == Some(0)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Takes over 10 s because it makes four runs of whole clusters, one after another.
#[test]
fn a_suite_goes_on_where_it_was_stopped_and_says_what_came_of_it() {
    if !clusters_can_run() {
        return;
    }
    let folder = folder();
    let text = "name = \"night\"\n[settings]\ntime_limit = 2\nrate = 200\nnodes = 3\nfaults = \"none\"\n\
                [[matrix]]\ndatabases = \"specimen\"\nworkloads = [\"register\", \"no-such\"]\nseeds = 2\n";
    fs::write(folder.join("wrong.toml"), text).unwrap();
    assert_eq!(suite(&folder, "wrong.toml", &[]).status.code(), Some(64), "an unknown workload is refused");
    fs::write(folder.join("night.toml"), text.replace(", \"no-such\"", "")).unwrap();
    let first = suite(&folder, "night.toml", &[]);
    assert_eq!(first.status.code(), Some(0), "{}", told(&first));
    assert!(told(&first).contains("2 cells: 2 valid"), "{}", told(&first));
    let runs = || fs::read_to_string(folder.join("store/runs.jsonl")).unwrap().lines().count();
    assert_eq!(runs(), 2);
    // As if it had been killed during its second run.
    let journal = folder.join("store/suites/night/nights.jsonl");
    let lines = fs::read_to_string(&journal).unwrap();
    let kept: Vec<&str> = lines.lines().take(2).collect();
    assert!(kept[1].contains("\"event\":\"ran\""), "{lines}");
    fs::write(&journal, kept.join("\n") + "\n{\"event\":\"ra").unwrap();
    let resumed = suite(&folder, "night.toml", &["--resume"]);
    assert_eq!(resumed.status.code(), Some(0), "{}", told(&resumed));
    assert!(told(&resumed).contains("1 of 2 cells are to be run"), "{}", told(&resumed));
    assert_eq!(runs(), 3, "what was done is not done again");
    let night = fs::read_dir(folder.join("store/suites/night"))
        .unwrap()
        .flatten()
        .find(|entry| entry.path().is_dir());
    let night = night.expect("the night has a folder").path();
    for file in ["summary.json", "summary.md", "summary.html", "junit.xml"] {
        assert!(night.join(file).is_file(), "{file}");
    }
    // A threshold that cannot be kept fails the suite, with a code of its own.
    let strict =
        text.replace(", \"no-such\"", "").replace("seeds = 2", "seeds = [9]\nrequire = \"ok > 1000000\"");
    fs::write(folder.join("strict.toml"), strict.replace("\"night\"", "\"strict\"")).unwrap();
    let missed = suite(&folder, "strict.toml", &["--output", "json"]);
    assert_eq!(missed.status.code(), Some(3), "{}", told(&missed));
    let summary: serde_json::Value = serde_json::from_slice(&missed.stdout).expect("it is JSON");
    assert_eq!(summary["cells"][0]["ending"], "threshold", "{summary}");
    let _ = fs::remove_dir_all(&folder);
}
