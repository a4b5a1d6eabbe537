//! Whole runs of the real program on real clusters: they need user namespaces (or root), and say so where there are
//! none.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::Mutex,
    thread::sleep,
    time::{Duration, Instant},
};

use specimens::Disease;

/// Clusters share the machine's processors: one test at a time.
static TURN: Mutex<()> = Mutex::new(());

struct Store(PathBuf);

impl Store {
    /// A store below a folder that an ordinary user can reach.
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("disprove-runs-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a folder can be made");
        make_world_writable(&path);
        Self(path)
    }

    fn test(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_disprove"));
        self.fill(&mut command, arguments);
        command
    }

    fn fill(&self, command: &mut Command, arguments: &[&str]) {
        command
            .args(arguments)
            .arg("--store")
            .arg(&self.0)
            .current_dir(&self.0)
            // Every process of the run inherits it, so that none can hide.
            .env("DISPROVE_TEST_STORE", &self.0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
    }

    fn latest(&self) -> PathBuf {
        self.0.join("latest").canonicalize().expect("a run was made")
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

fn make_world_writable(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(0o777)).expect("permissions can be set");
}

fn describe(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Whether this machine lets local clusters run; says so where it does not.
fn clusters_can_run(test: &str) -> bool {
    let output =
        Command::new(env!("CARGO_BIN_EXE_disprove")).arg("doctor").output().expect("the program starts");
    let can = output.status.code() == Some(0);
    if !can {
        println!("left out: {test} (this machine permits no namespaces; `disprove doctor` says what to do)");
    }
    can
}

fn quick(test: &str) -> bool {
    let quick = std::env::var_os("DISPROVE_TEST_QUICK").is_some();
    if quick {
        println!("left out: {test} (--quick)");
    }
    quick
}

fn skip(test: &str) -> bool {
    quick(test) || !clusters_can_run(test)
}

/// All processes whose environment, command line or working folder names the store.
fn processes_of(store: &Store) -> Vec<u32> {
    let name = store.0.to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("there is a /proc").flatten() {
        let Ok(pid) = entry.file_name().to_string_lossy().parse::<u32>() else { continue };
        let folder = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        let names = folder.starts_with(&store.0)
            || ["cmdline", "environ"].iter().any(|file| {
                let bytes = fs::read(entry.path().join(file)).unwrap_or_default();
                String::from_utf8_lossy(&bytes).contains(&name)
            });
        if names {
            found.push(pid);
        }
    }
    found
}

fn wait_until(what: &str, limit: Duration, mut done: impl FnMut() -> bool) {
    let began = Instant::now();
    while !done() {
        assert!(began.elapsed() < limit, "{what} took longer than {limit:?}");
        sleep(Duration::from_millis(50));
    }
}

fn signal(pid: u32, signal: i32) {
    // SAFETY: kill takes no memory; the process is one that this test started.
    unsafe { libc::kill(pid as i32, signal) };
}

fn validity(run: &Path) -> String {
    let text = fs::read_to_string(run.join("results.json")).expect("results are written");
    let results: serde_json::Value = serde_json::from_str(&text).expect("results are JSON");
    results["validity"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn a_healthy_run_is_valid_and_leaves_everything_it_promises() {
    let _turn = TURN.lock();
    if skip("a healthy run") {
        return;
    }
    let store = Store::new("healthy");
    let output =
        store.test(&["test", "--time-limit", "8", "--seed", "3", "--capture"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", describe(&output));
    let run = store.latest();
    for file in [
        "run.json",
        "history.jsonl.zst",
        "faults.jsonl",
        "results.json",
        "report.html",
        "junit.xml",
        "disprove.log",
        "capture.pcapng",
        "logs",
    ] {
        assert!(run.join(file).exists(), "{file} is missing in {}", run.display());
    }
    assert!(store.0.join("index.html").is_file() && store.0.join("runs.jsonl").is_file());
    assert_eq!(processes_of(&store), Vec::<u32>::new(), "processes are left");
    let run = run.to_string_lossy().into_owned();
    let mut check = Command::new(env!("CARGO_BIN_EXE_disprove"));
    let demand = ["--require", "recovery < 600s"];
    let checked = check.args(["check", &run]).args(demand).output().expect("it starts");
    assert_eq!(checked.status.code(), Some(0), "{}", describe(&checked));
    let mut report = Command::new(env!("CARGO_BIN_EXE_disprove"));
    assert_eq!(report.args(["report", &run]).status().expect("it starts").code(), Some(0));
    let mut heal = Command::new(env!("CARGO_BIN_EXE_disprove"));
    assert_eq!(heal.args(["heal", &run]).output().expect("it starts").status.code(), Some(0));
}

#[test]
fn a_diseased_run_is_caught_and_its_replay_strikes_the_same_nodes() {
    let _turn = TURN.lock();
    if skip("a diseased run and its replay") {
        return;
    }
    let store = Store::new("replay");
    let output = store
        .test(&["test", "--disease", "stale-reads-any-node", "--time-limit", "8", "--seed", "5"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", describe(&output));
    let first = store.latest();
    let replayed = Command::new(env!("CARGO_BIN_EXE_disprove"))
        .arg("replay")
        .arg(&first)
        .stdin(Stdio::null())
        .output()
        .expect("it starts");
    assert_eq!(replayed.status.code(), Some(1), "{}", describe(&replayed));
    let second = store.latest();
    assert_ne!(first, second);
    assert_eq!(struck(&first), struck(&second));
}

/// The family and the nodes of each fault, in order.
fn struck(run: &Path) -> Vec<(String, Vec<String>)> {
    let text = fs::read_to_string(run.join("results.json")).expect("results are written");
    let results: serde_json::Value = serde_json::from_str(&text).expect("results are JSON");
    let faults = results["faults"].as_array().expect("faults are listed");
    let nodes = |fault: &serde_json::Value| {
        let nodes = fault["record"]["nodes"].as_array().cloned().unwrap_or_default();
        nodes.iter().map(|node| node.as_str().unwrap_or_default().to_owned()).collect()
    };
    let family =
        |fault: &serde_json::Value| fault["record"]["family"].as_str().unwrap_or_default().to_owned();
    faults.iter().map(|fault| (family(fault), nodes(fault))).collect()
}

/// The scenes that every drawn plan of usual length has as well, one after another and without company, so that 18 s show
/// every disease. The words are resolved by the seed.
fn six_scenes(seed: u64) -> String {
    let kills = [6.2, 7.1, 8.0, 8.9].map(|at| {
        format!(
            r#"{{"at": {at}, "lasts": 0.15, "fault": {{"kind": "kill"}}, "targets": "followers-majority"}}"#
        )
    });
    let others = [
        r#"{"at": 1.5, "lasts": 2, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"}"#,
        r#"{"at": 4.6, "lasts": 0.4, "fault": {"kind": "kill"}, "targets": "all"}"#,
        r#"{"at": 10.2, "lasts": 1.5, "fault": {"kind": "pause"}, "targets": "leader"}"#,
        r#"{"at": 12.7, "lasts": 1.5, "fault": {"kind": "clock", "offset_ms": 6000}, "targets": "majority"}"#,
        r#"{"at": 15, "lasts": 1.8, "fault": {"kind": "slow", "delay_ms": 85, "jitter_ms": 30}, "targets": "all"}"#,
    ];
    let faults: Vec<&str> = others.into_iter().chain(kills.iter().map(String::as_str)).collect();
    format!(r#"{{"seed": {seed}, "faults": [{}]}}"#, faults.join(",\n"))
}

/// Runs the specimen once and gives back the exit code and what was said.
fn run_row(disease: Disease, seed: u64) -> (Option<i32>, String) {
    let store = Store::new(&format!("row-{disease}-{seed}"));
    let seed_text = seed.to_string();
    let plan = store.0.join("plan.json");
    fs::write(&plan, six_scenes(seed)).expect("a plan can be written");
    let plan = plan.to_string_lossy();
    let mut arguments = vec!["test", "--disease", disease.name(), "--seed", &seed_text];
    if disease != Disease::None && disease.needs().is_empty() {
        arguments.extend(["--faults", "none", "--time-limit", "4"]);
    } else {
        arguments.extend(["--plan", &plan, "--time-limit", "18"]);
    }
    let output = store.test(&arguments).output().expect("the program starts");
    assert_eq!(processes_of(&store), Vec::<u32>::new(), "processes are left of {disease}");
    (output.status.code(), describe(&output))
}

/// What is wrong with a row of the table of diseases, if anything is. A disease that was spared by chance gets two more
/// seeds; the healthy specimen gets none.
fn doubt_of_row(disease: Disease) -> Option<String> {
    if disease == Disease::None {
        let (code, said) = run_row(disease, 1);
        return (code != Some(0)).then(|| format!("the healthy specimen, seed 1: {said}"));
    }
    let mut last = String::new();
    for seed in 1..=3 {
        let (code, said) = run_row(disease, seed);
        match code {
            Some(1) => return None,
            Some(0 | 2) => println!("{disease} was not caught with seed {seed}"),
            _ => return Some(format!("{disease}, seed {seed}: {said}")),
        }
        last = said;
    }
    Some(format!("{disease} was caught with none of 3 seeds: {last}"))
}

#[test]
fn every_disease_is_caught_and_the_healthy_specimen_passes() {
    let _turn = TURN.lock();
    if skip("every disease of the specimen, and the healthy one") {
        return;
    }
    // Two clusters at a time: each is mostly waiting.
    // Those of disks, names and versions have plans of their own, in `faults.rs`.
    let rows = Mutex::new(Disease::all().iter().copied().filter(|disease| !disease.needs_special_faults()));
    let doubts = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let row = rows.lock().expect("no row panics while it is taken").next();
                    let Some(disease) = row else { break };
                    doubts.lock().expect("no doubt panics").extend(doubt_of_row(disease));
                }
            });
        }
    });
    assert_eq!(doubts.into_inner().expect("no doubt panics"), [""; 0]);
}

#[test]
fn an_ordinary_user_needs_no_rights() {
    let _turn = TURN.lock();
    if skip("a run as an ordinary user") {
        return;
    }
    // SAFETY: geteuid cannot fail and takes nothing.
    if unsafe { libc::geteuid() } != 0 {
        println!(
            "left out: becoming another user needs root, and the other tests ran as an ordinary user already"
        );
        return;
    }
    let store = Store::new("user");
    let program = store.0.join("disprove");
    fs::copy(env!("CARGO_BIN_EXE_disprove"), &program).expect("the program can be copied");
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
    store.fill(&mut command, &["test", "--time-limit", "6", "--seed", "4"]);
    let output = command.output().expect("setpriv is there");
    assert_eq!(output.status.code(), Some(0), "{}", describe(&output));
    assert_eq!(validity(&store.latest()), "valid");
    assert_eq!(processes_of(&store), Vec::<u32>::new(), "processes are left");
}

#[test]
fn two_clusters_live_in_one_session_also_without_rights() {
    let _turn = TURN.lock();
    if skip("two clusters, one after the other, in one session") {
        return;
    }
    let store = Store::new("demo");
    let demo = ["demo", "--disease", "stale-reads-any-node", "--time-limit", "5", "--seed", "2"];
    // SAFETY: geteuid cannot fail and takes nothing.
    let output = if unsafe { libc::geteuid() } == 0 {
        // An ordinary user may not open /dev/net/tun on many machines: then the nodes are reached by veth pairs.
        let program = store.0.join("disprove");
        fs::copy(env!("CARGO_BIN_EXE_disprove"), &program).expect("the program can be copied");
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&program);
        store.fill(&mut command, &demo);
        command.output().expect("setpriv is there")
    } else {
        store.test(&demo).output().expect("the program starts")
    };
    assert_eq!(output.status.code(), Some(0), "{}", describe(&output));
    for name in ["demo-healthy", "demo-stale-reads-any-node"] {
        assert!(store.0.join(name).is_dir(), "there is no run of {name}: {}", describe(&output));
    }
    assert_eq!(processes_of(&store), Vec::<u32>::new(), "processes are left");
}

fn start(store: &Store, seconds: &str) -> Child {
    store.test(&["test", "--time-limit", seconds, "--seed", "6"]).spawn().expect("the program starts")
}

#[test]
fn killing_the_launcher_at_any_moment_leaves_nothing_running() {
    let _turn = TURN.lock();
    if skip("kill -9 of the launcher in every phase") {
        return;
    }
    for (place, moment) in [30, 150, 400, 1200, 3000, 5500, 7000].into_iter().enumerate() {
        let store = Store::new(&format!("launcher-{place}"));
        let mut child = start(&store, "4");
        sleep(Duration::from_millis(moment));
        signal(child.id(), libc::SIGKILL);
        let _ = child.wait();
        wait_until("the end of every process", Duration::from_secs(5), || processes_of(&store).is_empty());
        the_rest_is_readable(&store);
    }
}

#[test]
fn killing_the_controller_at_any_moment_leaves_nothing_running() {
    let _turn = TURN.lock();
    if skip("kill -9 of the controller in every phase") {
        return;
    }
    // The launcher's child is the first process of the session, and that one's child is the controller itself.
    for (place, (moment, grandchild)) in
        [(300, false), (1500, true), (4500, false), (6000, true)].into_iter().enumerate()
    {
        let store = Store::new(&format!("controller-{place}"));
        let mut child = start(&store, "10");
        sleep(Duration::from_millis(moment));
        let first = children_of(child.id());
        let struck =
            if grandchild { first.iter().flat_map(|pid| children_of(*pid)).collect() } else { first };
        assert!(!struck.is_empty(), "there is nothing to kill at {moment} ms");
        struck.iter().for_each(|pid| signal(*pid, libc::SIGKILL));
        let status = child.wait().expect("the launcher ends by itself");
        assert!(!status.success(), "a killed run is no success");
        wait_until("the end of every process", Duration::from_secs(5), || processes_of(&store).is_empty());
        the_rest_is_readable(&store);
    }
}

fn children_of(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|word| word.parse().ok()).collect()
}

/// What a killed run left can be judged (or is too short to be), and healed.
fn the_rest_is_readable(store: &Store) {
    let Ok(run) = store.0.join("latest").canonicalize() else { return };
    if !run.join("history.jsonl.zst").is_file() {
        return;
    }
    let mut check = Command::new(env!("CARGO_BIN_EXE_disprove"));
    let check = check.arg("check").arg(&run).args(["--output", "json"]).output().expect("it starts");
    let code = check.status.code();
    assert!(matches!(code, Some(0 | 2 | 65)), "{}", describe(&check));
    assert!(!describe(&check).contains("panicked"), "{}", describe(&check));
    if let Ok(printed) = serde_json::from_slice::<serde_json::Value>(&check.stdout)
        && printed["operations"] == 0
    {
        assert_eq!(code, Some(2), "no evidence is not health: {}", describe(&check));
    }
    let heal =
        Command::new(env!("CARGO_BIN_EXE_disprove")).arg("heal").arg(&run).output().expect("it starts");
    assert_eq!(heal.status.code(), Some(0), "{}", describe(&heal));
}

#[test]
fn a_real_database_runs_under_faults_and_is_not_accused() {
    let _turn = TURN.lock();
    if skip("etcd under partitions and kills") {
        return;
    }
    if Command::new("etcd").arg("--version").output().is_err() {
        println!(
            "left out: etcd under partitions and kills (there is no etcd; sudo apt-get install etcd-server)"
        );
        return;
    }
    let store = Store::new("etcd");
    let output = store
        .test(&[
            "test",
            "--db",
            "etcd",
            "--nodes",
            "3",
            "--faults",
            "partition,kill,pause",
            "--time-limit",
            "15",
            "--seed",
            "2",
        ])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", describe(&output));
    assert!(processes_of(&store).is_empty());
}

#[test]
fn postgres_keeps_what_each_level_promises_and_no_more() {
    let _turn = TURN.lock();
    if skip("PostgreSQL at three levels") {
        return;
    }
    if !Path::new("/usr/lib/postgresql").is_dir() {
        println!("left out: PostgreSQL at three levels (it is not there; sudo apt-get install postgresql)");
        return;
    }
    let store = Store::new("postgres");
    let expected =
        [("read-committed", 1), ("repeatable-read", 1), ("repeatable-read", 0), ("serializable", 0)];
    for (place, (level, code)) in expected.into_iter().enumerate() {
        // Each level but the strongest breaks serializability within seconds, and keeps what it promises.
        let model = if code == 0 { &[][..] } else { &["--model", "serializable"][..] };
        let run = |seed: &str| {
            let mut line =
                vec!["test", "--db", "postgres", "--isolation", level, "--workload", "list-append"];
            line.extend(["--faults", "none", "--time-limit", "8", "--keys", "4", "--rate", "400"]);
            line.extend(["--seed", seed]);
            line.extend(model);
            store.test(&line).output().expect("it starts")
        };
        let mut output = run("3");
        // On a machine that is busy with much else PostgreSQL itself lets a cycle pass now and then: docs/findings.md tells how,
        // and examples/held-commit.py shows it. Nothing but such a cycle is let pass here, and not every time.
        for seed in ["4", "5"] {
            if level == "serializable" && output.status.code() == Some(1) {
                let told = describe(&output);
                assert!(told.contains("G2-item: 3 transactions"), "{told}");
                println!("serializable was broken in one run: {told}");
                output = run(seed);
            }
        }
        assert_eq!(output.status.code(), Some(code), "{place} {level}: {}", describe(&output));
    }
    assert!(processes_of(&store).is_empty());
}

#[test]
fn one_interruption_judges_what_there_is() {
    let _turn = TURN.lock();
    if skip("Ctrl-C") {
        return;
    }
    let store = Store::new("interrupt");
    let child = start(&store, "60");
    sleep(Duration::from_secs(5));
    signal(child.id(), libc::SIGINT);
    let began = Instant::now();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130), "{}", describe(&output));
    assert!(began.elapsed() < Duration::from_secs(40), "it took {:?}", began.elapsed());
    let run = store.latest();
    assert!(run.join("report.html").is_file(), "what there is was judged");
    assert!(processes_of(&store).is_empty());
}
