//! The store from the command line: what `clean` takes and leaves, what `diff` and a baseline say, what CI is told.
//! The runs are made up on the spot or judged from kept histories; no cluster is needed.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

struct Store(PathBuf);

impl Store {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("disprove-store-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(path.join("store")).expect("a folder can be made");
        Self(path)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.0.join("store").join(path)
    }

    /// A run as it is left behind, with so much in it as these commands look at.
    fn run(&self, label: &str, results: Option<&str>) -> PathBuf {
        let path = self.at(label);
        fs::create_dir_all(path.join("logs/n1")).expect("a folder can be made");
        let started = label.rsplit('/').next().unwrap_or_default();
        let choices = format!("{{\"schema\":1,\"run_id\":\"r123456\",\"started\":\"{started}\"}}");
        fs::write(path.join("run.json"), choices).expect("it can be written");
        fs::write(path.join("logs/n1/specimen.log"), "hello").expect("it can be written");
        if let Some(headline) = results {
            let kind = if headline == "invalid" { "stale-read" } else { "" };
            fs::write(path.join("results.json"), results_json(headline, kind)).expect("it can be written");
        }
        let line = format!("{{\"headline\":\"{}\",\"folder\":\"{label}\"}}\n", results.unwrap_or("unknown"));
        let list = self.at("runs.jsonl");
        let before = fs::read_to_string(&list).unwrap_or_default();
        fs::write(list, before + &line).expect("it can be written");
        path
    }

    fn disprove(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_disprove"))
            .args(arguments)
            .current_dir(&self.0)
            .env_remove("GITHUB_ACTIONS")
            .env_remove("GITHUB_STEP_SUMMARY")
            .output()
            .expect("the program starts")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn results_json(validity: &str, kind: &str) -> String {
    let anomaly =
        format!("{{\"kind\":\"{kind}\",\"sentence\":\"a {kind} by p4\",\"witness\":[0,1],\"key\":\"x\"}}");
    let anomalies = if kind.is_empty() { "" } else { anomaly.as_str() };
    let exposure = "{\"operations\":0,\"ok\":0,\"ok_reads\":0,\"unknown\":0}";
    format!(
        "{{\"schema\":1,\"headline\":\"{validity}\",\"validity\":\"{validity}\",\"run\":{{\"title\":\"t\"}},\
         \"verdicts\":[{{\"checker\":\"c\",\"model\":\"linearizable\",\"validity\":\"{validity}\",\
         \"anomalies\":[{anomalies}],\"limits\":[],\"notes\":[],\"operations\":2}}],\
         \"operations\":2,\"ok_operations\":2,\"counts\":[],\"reasons\":[],\"faults\":[],\"exposure\":{exposure},\
         \"phases\":[],\"recovery\":null,\"doubts\":[],\"limits\":[],\"warnings\":[],\"failure\":null,\
         \"interrupted\":false,\"damage\":null,\"scenes\":[],\"rows\":[],\"overview\":{{}}}}"
    )
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn clean_only_says_what_would_go_until_it_is_told_to() {
    let store = Store::new("dry");
    let old = store.run("etcd/20200101T000000.000", Some("valid"));
    let new = store.run("etcd/20200102T000000.000", Some("valid"));
    let nothing = store.disprove(&["clean"]);
    assert_eq!(nothing.status.code(), Some(64), "{}", printed(&nothing));
    for arguments in [&["clean", "--keep-last", "1"][..], &["clean", "--keep-last", "1", "--dry-run"]] {
        let output = store.disprove(arguments);
        assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
        assert!(printed(&output).contains("removes  etcd/20200101T000000.000"), "{}", printed(&output));
        assert!(old.is_dir() && new.is_dir());
    }
    let output = store.disprove(&["clean", "--keep-last", "1", "--delete"]);
    assert!(printed(&output).contains("removed  etcd/20200101T000000.000"), "{}", printed(&output));
    assert!(!old.exists() && new.is_dir());
    let list = fs::read_to_string(store.at("runs.jsonl")).unwrap();
    assert_eq!(list.lines().count(), 2, "trends outlive the runs: {list}");
    assert!(list.lines().next().unwrap().contains("\"removed\":true"), "{list}");
    assert!(fs::read_to_string(store.at("index.html")).unwrap().contains("(removed)"));
}

#[test]
fn clean_keeps_failures_the_newest_and_the_young() {
    let store = Store::new("rules");
    let labels = ["valid", "invalid", "failure", "unknown"];
    for (day, headline) in labels.into_iter().enumerate() {
        store.run(&format!("etcd/2020010{}T000000.000", day + 1), Some(headline));
    }
    store.run("etcd/20200105T000000.000", None);
    let output = store.disprove(&["clean", "--keep-failures", "--delete"]);
    let left = |day: usize| store.at(&format!("etcd/2020010{day}T000000.000")).is_dir();
    assert_eq!([1, 2, 3, 4, 5].map(left), [false, true, true, false, true], "{}", printed(&output));
    let output = store.disprove(&["clean", "--keep-newer", "14d", "--keep-last", "1", "--delete"]);
    assert_eq!([2, 3, 5].map(left), [false, false, true], "{}", printed(&output));
    let young = store.disprove(&["clean", "--keep-newer", "20000w", "--delete"]);
    assert!(left(5), "{}", printed(&young));
    assert_eq!(store.disprove(&["clean", "--keep-newer", "soon"]).status.code(), Some(64));
}

#[test]
fn clean_never_touches_what_is_not_a_run_of_ours() {
    let store = Store::new("foreign");
    let outside = store.0.join("outside");
    fs::create_dir_all(&outside).unwrap();
    fs::write(outside.join("precious.txt"), "mine").unwrap();
    let with_notes = store.run("etcd/20200101T000000.000", Some("valid"));
    fs::write(with_notes.join("notes.txt"), "mine").unwrap();
    let in_progress = store.run("etcd/20200102T000000.000", None);
    let lock = fs::File::open(&in_progress).unwrap();
    lock.lock().unwrap();
    fs::create_dir_all(store.at("etcd/mine")).unwrap();
    fs::write(store.at("etcd/mine/run.json"), "{\"name\":\"another tool's\"}").unwrap();
    fs::create_dir_all(store.at("plain/folder")).unwrap();
    // A run that is only linked to, and a run with a link in it that leads out.
    let elsewhere = store.run("../elsewhere/20200103T000000.000", Some("valid"));
    std::os::unix::fs::symlink(&elsewhere, store.at("etcd/20200103T000000.000")).unwrap();
    let linking = store.run("etcd/20200104T000000.000", Some("valid"));
    std::os::unix::fs::symlink(&outside, linking.join("logs/away")).unwrap();
    let output = store.disprove(&["clean", "--keep-last", "0", "--delete"]);
    assert_eq!(output.status.code(), Some(0), "{}", printed(&output));
    assert!(with_notes.join("notes.txt").is_file(), "{}", printed(&output));
    assert!(
        in_progress.is_dir() && store.at("etcd/mine/run.json").is_file() && store.at("plain/folder").is_dir()
    );
    assert!(elsewhere.is_dir() && !linking.exists(), "{}", printed(&output));
    assert!(outside.join("precious.txt").is_file(), "what a link leads to is not removed");
    assert!(printed(&output).contains("notes.txt, which no run made"), "{}", printed(&output));
    assert!(printed(&output).contains("a run is under way in it"), "{}", printed(&output));
}

#[test]
fn diff_exits_by_what_is_new() {
    let store = Store::new("diff");
    store.run("etcd/20200101T000000.000", Some("valid"));
    store.run("etcd/20200102T000000.000", Some("invalid"));
    store.run("etcd/20200103T000000.000", None);
    let name = |day: u32| format!("store/etcd/2020010{day}T000000.000");
    let diff = |older, newer| store.disprove(&["diff", &name(older), &name(newer)]);
    let worse = diff(1, 2);
    assert_eq!(worse.status.code(), Some(1), "{}", printed(&worse));
    assert!(printed(&worse).contains("NEW (1)\n  + stale-read@linearizable:key"), "{}", printed(&worse));
    assert_eq!(diff(2, 1).status.code(), Some(0), "what is gone is no failure");
    assert_eq!(diff(2, 2).status.code(), Some(0), "what is still there is not new");
    let unjudged = diff(1, 3);
    assert_eq!(unjudged.status.code(), Some(65), "{}", printed(&unjudged));
    assert!(printed(&unjudged).contains("never judged"));
    let json = store.disprove(&["diff", &name(1), &name(2), "--output", "json"]);
    let read: serde_json::Value = serde_json::from_slice(&json.stdout).expect("it is JSON");
    assert_eq!(read["new"][0]["fingerprint"], "stale-read@linearizable:key");
}

/// A register history with one stale read, in Jepsen's words.
fn stale_history(folder: &Path) -> PathBuf {
    let calls = [("write", 1, 0), ("write", 2, 0), ("read", 1, 1)];
    let mut text = String::new();
    for (f, value, process) in calls {
        let asked = if f == "read" { "nil".to_owned() } else { value.to_string() };
        for (kind, value) in [("invoke", asked), ("ok", value.to_string())] {
            text += &format!("{{:type :{kind} :f :{f} :value {value} :process {process}}}\n");
        }
    }
    let path = folder.join("stale.edn");
    fs::write(&path, text).expect("it can be written");
    path
}

#[test]
fn known_anomalies_and_thresholds_decide_the_exit_code_and_ci_is_told() {
    let store = Store::new("expect");
    stale_history(&store.0);
    let check = |more: &[&str]| {
        let mut arguments = vec!["check", "stale.edn", "--as", "register", "--model", "linearizable"];
        arguments.extend(more);
        store.disprove(&arguments)
    };
    assert_eq!(check(&[]).status.code(), Some(1), "{}", printed(&check(&[])));
    let allowed = check(&["--allow", "stale-read,nonlinearizable"]);
    assert_eq!(allowed.status.code(), Some(0), "{}", printed(&allowed));
    assert!(
        printed(&allowed).contains("INVALID") && printed(&allowed).contains("known"),
        "{}",
        printed(&allowed)
    );
    let missed = check(&["--allow", "stale-read,nonlinearizable", "--require", "ok > 1000"]);
    assert_eq!(missed.status.code(), Some(3), "{}", printed(&missed));
    assert!(printed(&missed).contains("✗ missed ok > 1000: it was 3"), "{}", printed(&missed));
    assert_eq!(check(&["--require", "ok > 1000"]).status.code(), Some(1), "an anomaly outranks a threshold");
    for (flags, said) in [
        (["--require", "p99 < 2"], "column 7"),
        (["--require", "p98 < 2s"], "did you mean `p9"),
        (["--allow", "stale-raed"], "did you mean `stale-read`"),
    ] {
        let output = check(&flags);
        assert_eq!(output.status.code(), Some(64), "{}", printed(&output));
        assert!(printed(&output).contains(said), "{}", printed(&output));
    }
    let summary = store.0.join("summary.md");
    let output = Command::new(env!("CARGO_BIN_EXE_disprove"))
        .args(["check", "stale.edn", "--as", "register"])
        .current_dir(&store.0)
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .expect("the program starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("::error title="), "{said}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("::error"), "standard output is for data");
    assert!(
        !String::from_utf8_lossy(&output.stdout).contains('\u{1b}'),
        "no colour where there is no terminal"
    );
    assert!(fs::read_to_string(summary).unwrap().contains("## ✗ INVALID"));
}

#[test]
fn the_example_suite_is_understood_and_mistakes_are_told_by_their_line() {
    let store = Store::new("suite");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/nightly.toml");
    let cells = store.disprove(&["suite", example, "--dry-run"]);
    assert_eq!(cells.status.code(), Some(0), "{}", printed(&cells));
    assert_eq!(String::from_utf8_lossy(&cells.stdout).lines().count(), 9, "{}", printed(&cells));
    assert!(
        printed(&cells).contains("specimen (async-primary-backup), register, all"),
        "{}",
        printed(&cells)
    );
    let wrong = |text: &str, said: &str| {
        fs::write(store.0.join("wrong.toml"), text).unwrap();
        let output = store.disprove(&["suite", "wrong.toml"]);
        assert_eq!(output.status.code(), Some(64), "{}", printed(&output));
        assert!(printed(&output).contains(said), "{}", printed(&output));
    };
    wrong(
        "paralel = 2\n[[matrix]]\n",
        "wrong.toml: line 1: there is no key `paralel`; did you mean `parallel`?",
    );
    wrong("[[matrix]]\nworkloads = \"registr\"\n", "did you mean `register`");
    wrong("[[matrix]]\nrequire = \"p99 < 2\"\n", "column 7");
    wrong("[[matrix]]\nfaults = [\"kill\", \"kill\"]\n", "twice");
    assert!(!store.at("suites").exists(), "nothing is begun before everything is understood");
}
