//! Nodes that one of the project's scripts makes, with a store of runs beside what describes them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::Value as Json;

/// Long enough for anything on a machine that has much else to do.
const LONG: Duration = Duration::from_secs(90);

/// Three nodes, taken down when this is dropped.
pub struct Scripted {
    pub folder: PathBuf,
    script: &'static str,
    rate: &'static str,
}

pub fn say(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Makes the nodes in a folder, or takes them down.
fn run(script: &str, folder: &Path, arguments: &[&str]) -> Output {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(script))
        .args(arguments)
        .arg("--dir")
        .arg(folder.join("cluster"))
        .output()
        .expect("bash is there")
}

impl Scripted {
    /// The nodes that a script makes with these options, of which `{program}` stands for the program; `None`, and why, where
    /// it cannot. Runs make so many calls in a second.
    pub fn up(script: &'static str, test: &str, options: &[&str], rate: &'static str) -> Option<Self> {
        if std::env::var_os("DISPROVE_TEST_QUICK").is_some() {
            println!("left out: {test} (--quick)");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("disprove-{}-{test}", std::process::id()));
        fs::create_dir_all(&folder).expect("it is made");
        let program = folder.join("disprove");
        // What goes to each node need not carry what only a debugger reads.
        let built = env!("CARGO_BIN_EXE_disprove");
        let stripped = Command::new("strip").arg("-o").arg(&program).arg(built).status();
        if !stripped.is_ok_and(|status| status.success()) {
            fs::copy(built, &program).expect("it is copied");
        }
        let program = program.to_string_lossy();
        let options = options.iter().map(|option| if *option == "{program}" { &*program } else { *option });
        let made = run(script, &folder, &["up"].into_iter().chain(options).collect::<Vec<_>>());
        if made.status.code() == Some(69) {
            // Nothing was made, so there is nothing to take down.
            println!("left out: {test} ({})", String::from_utf8_lossy(&made.stderr).trim());
            let _left = fs::remove_dir_all(&folder);
            return None;
        }
        let this = Self { folder, script, rate };
        assert!(made.status.success(), "{}", say(&made));
        Some(this)
    }

    /// The file that describes the nodes.
    pub fn inventory(&self) -> String {
        self.folder.join("cluster/nodes.toml").to_string_lossy().into_owned()
    }

    pub fn disprove(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.join("disprove"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// A run under a plan.
    pub fn test(&self, db: &str, seconds: &str, plan: &str) -> Command {
        let file = self.folder.join("plan.json");
        fs::write(&file, plan).expect("it is written");
        let (file, nodes) = (file.to_string_lossy(), self.inventory());
        let flags = ["test", "--db", db, "--nodes-file", &nodes, "--plan", &file, "--time-limit", seconds];
        let more = ["--rate", self.rate, "--seed", "5", "--concurrency", "6"];
        self.disprove(&[&flags[..], &more[..]].concat())
    }

    /// What the doctor finds.
    pub fn doctor(&self) -> Vec<Json> {
        let arguments = ["doctor", "--nodes-file", &self.inventory(), "--ports", "7400", "--output", "json"];
        let told = self.disprove(&arguments).output().expect("it starts");
        assert_eq!(told.status.code(), Some(0), "{}", say(&told));
        serde_json::from_slice(&told.stdout).expect("it is JSON")
    }

    /// The faults of the newest run: family, state and evidence.
    pub fn faults(&self) -> Vec<(String, String, String)> {
        let text =
            fs::read_to_string(self.folder.join("store/latest/results.json")).expect("results are written");
        let results: Json = serde_json::from_str(&text).expect("results are JSON");
        let word = |value: &Json| value.as_str().unwrap_or_default().to_owned();
        let faults = results["faults"].as_array().expect("faults are listed");
        let told = faults.iter().map(|fault| &fault["record"]);
        told.map(|record| (word(&record["family"]), word(&record["state"]), word(&record["evidence"])))
            .collect()
    }

    /// The only run that wrote a journal and no results.
    pub fn run_that_was_killed(&self) -> PathBuf {
        let runs = fs::read_dir(self.folder.join("store/specimen-register")).expect("there are runs");
        let mut killed = runs
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|run| run.join("faults.jsonl").is_file() && !run.join("results.json").is_file());
        killed.next().expect("one was killed")
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        let ended = run(self.script, &self.folder, &["down"]);
        if !std::thread::panicking() {
            assert!(ended.status.success(), "{}", say(&ended));
            assert!(!self.folder.join("cluster").exists(), "nothing is left of the nodes");
            let _left = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Whether a doctor's check of a node found that it works; `None` where it is not told.
pub fn works(findings: &[Json], node: &str, name: &str) -> Option<bool> {
    let mut of = findings.iter().filter(|finding| finding["node"] == node && finding["name"] == name);
    of.next().map(|finding| finding["works"] == true)
}

/// What does not work on a node says what that takes away, and what to do about it.
pub fn assert_remedies(findings: &[Json], node: &str) {
    for finding in findings.iter().filter(|finding| finding["node"] == node && finding["works"] == false) {
        assert!(finding["takes_away"] != "" && finding["remedy"] != "", "{finding}");
    }
}

pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < LONG, "{what} took longer than {LONG:?}");
        sleep(Duration::from_millis(100));
    }
}
