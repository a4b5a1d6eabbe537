//! A suite on real clusters: it runs what is missing, says what came of it, and goes on where it was stopped.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

fn folder(name: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt as _;
    let path = std::env::temp_dir().join(format!("disprove-suite-{}-{name}", std::process::id()));
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
    let folder = folder("night");
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

/// A store that is wrong in those of its lives that a script says, and answers nil to every read then. It counts its
/// lives in a file, so that what a suite sees depends on nothing but the script.
const MOODY: &str = r#"
import json, os, socketserver, sys
with open(os.path.join(sys.argv[3], "lives"), "a") as lives:
    lives.write(".")
place = os.path.getsize(os.path.join(sys.argv[3], "lives")) - 1
moods, values = open(os.path.join(sys.argv[3], "moods")).read(), {}
class Session(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            call, key, *more = json.loads(line)
            said = True
            if call == "put":
                values[key] = more[0]
            elif call == "swap":
                said = values.get(key) == more[0]
                values[key] = more[1] if said else values.get(key)
            else:
                said = None if moods[place] == "x" else values.get(key)
            self.wfile.write((json.dumps(said) + "\n").encode())
socketserver.ThreadingTCPServer.allow_reuse_address = True
socketserver.ThreadingTCPServer.daemon_threads = True
socketserver.ThreadingTCPServer((sys.argv[1], 7000), Session).serve_forever()
"#;

/// A suite of one cell with this head, whose runs go as the moods say. Returns its exit code, how many runs that took,
/// and its summary.
fn moody(folder: &Path, name: &str, head: &str, moods: &str) -> (Option<i32>, u64, serde_json::Value) {
    fs::write(folder.join("moods"), moods).unwrap();
    let _ = fs::remove_file(folder.join("lives"));
    let file = format!(
        "name = \"{name}\"\n{head}\n[settings]\nconfig = \"moody.toml\"\ntime_limit = 6\nrate = 300\nkeys = 2\n\
         concurrency = 2\nfaults = \"none\"\n[[matrix]]\nworkloads = \"register\"\nseeds = [5]\n"
    );
    fs::write(folder.join("moody-suite.toml"), file).unwrap();
    let output = suite(folder, "moody-suite.toml", &["--output", "json"]);
    let summary =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", told(&output)));
    (output.status.code(), fs::metadata(folder.join("lives")).unwrap().len(), summary)
}

/// Takes over 10 s because it makes eight runs, one after another, of a system that is described in a file.
#[test]
fn what_goes_wrong_is_run_again_as_the_policy_says() {
    let has_python =
        Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !clusters_can_run() || !has_python {
        println!("left out: suites of a system that is wrong now and then (python3, or a cluster)");
        return;
    }
    let folder = folder("moody");
    let client = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/mystore/client.py");
    fs::copy(client, folder.join("client.py")).unwrap();
    fs::write(folder.join("moody.py"), MOODY).unwrap();
    let system = "[database]\nname = \"moody\"\nnodes = 1\ncheck = [\"python3\", \"--version\"]\n\
                  start = [\"python3\", \"{here}/moody.py\", \"{ip}\", \"{node}\", \"{here}\"]\n\
                  client = [\"python3\", \"{here}/client.py\"]\nspeaks = [\"register\"]\n\
                  [database.promises]\nregister = \"linearizable\"\n";
    fs::write(folder.join("moody.toml"), system).unwrap();
    let endings = |summary: &serde_json::Value| {
        let attempts = summary["cells"][0]["attempts"].as_array().cloned().unwrap_or_default();
        attempts
            .iter()
            .map(|one| one["ending"].as_str().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };

    let (code, runs, summary) = moody(&folder, "any", "reruns = 2\npolicy = \"any\"", "xv");
    assert_eq!((code, runs), (Some(1), 1), "once proven is proven: {summary}");
    let tested = summary["cells"][0]["tested"].as_str().unwrap_or_default();
    assert!(tested.starts_with("moody, register"), "the summary names what was tested: {summary}");
    let (code, runs, summary) = moody(&folder, "most", "reruns = 2\npolicy = \"most\"", "xvv");
    assert_eq!((code, runs, endings(&summary).as_str()), (Some(0), 3, "invalid valid valid"), "{summary}");
    let (code, runs, summary) = moody(&folder, "all", "reruns = 2\npolicy = \"all\"", "xv");
    assert_eq!((code, runs, endings(&summary).as_str()), (Some(0), 2, "invalid valid"), "{summary}");
    let (code, runs, summary) = moody(&folder, "until", "repeat = 4\nuntil = \"anomaly\"", "vxv");
    assert_eq!((code, runs, endings(&summary).as_str()), (Some(1), 2, "valid invalid"), "{summary}");
    let _ = fs::remove_dir_all(&folder);
}
