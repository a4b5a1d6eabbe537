//! However a session ends, nothing of it stays: no process and no namespace.
#![cfg(target_os = "linux")]

#[path = "scene/scene.rs"]
#[allow(dead_code)]
mod scene;

#[path = "../examples/three_nodes.rs"]
#[allow(dead_code)]
mod three_nodes;

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long the kernel may take to end everything.
const GONE_WITHIN: Duration = Duration::from_secs(5);

fn three_nodes() -> i32 {
    i32::from(three_nodes::run())
}

// The example as a role of this very test binary, so that it is there however the test was started.
disprove_cluster::role!("test-three-nodes", three_nodes);

/// A started session, known by a mark in the environment of all its processes.
struct Session {
    launcher: Child,
    mark: String,
    _folder: scene::Folder,
}

impl Session {
    fn start() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let folder = scene::folder();
        let mark = format!("{}-{}", folder.0.display(), NEXT.fetch_add(1, Ordering::Relaxed));
        let launcher = Command::new("/proc/self/exe")
            .arg(&folder.0)
            .env("DISPROVE_ROLE", "test-three-nodes")
            .env("MARK", &mark)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the example starts");
        Self { launcher, mark, _folder: folder }
    }

    fn ready() -> Self {
        let mut session = Self::start();
        let output = session.launcher.stdout.take().expect("it is a pipe");
        let ready = BufReader::new(output).lines().any(|line| line.is_ok_and(|line| line == "ready"));
        assert!(ready, "the example said that it is ready");
        session
    }

    fn launcher(&self) -> Pid {
        Pid::from_raw(self.launcher.id() as i32)
    }

    /// All processes that carry the mark.
    fn processes(&self) -> Vec<i32> {
        let entry = format!("MARK={}\0", self.mark).into_bytes();
        let entries = fs::read_dir("/proc").expect("there is a /proc");
        let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        let marked = |pid: &i32| {
            fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|all| all.windows(entry.len()).any(|part| part == entry))
        };
        pids.filter(marked).collect()
    }

    /// The namespaces that its processes do not share with us.
    fn namespaces(&self) -> BTreeSet<String> {
        let own = namespaces_of("self");
        self.processes()
            .iter()
            .flat_map(|pid| namespaces_of(&pid.to_string()))
            .filter(|ns| !own.contains(ns))
            .collect()
    }

    /// Waits for the end of the launcher, and checks that nothing is left.
    fn ends(mut self, namespaces: &BTreeSet<String>, when: &str) -> i32 {
        use std::os::unix::process::ExitStatusExt;
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.launcher.try_wait().expect("it is our child") {
                break status;
            }
            assert!(started.elapsed() < GONE_WITHIN, "{when}: the launcher stays");
            thread::sleep(Duration::from_millis(5));
        };
        loop {
            let left = self.processes();
            let used: BTreeSet<String> = every_namespace().intersection(namespaces).cloned().collect();
            if left.is_empty() && used.is_empty() {
                return status
                    .code()
                    .unwrap_or_else(|| 128 + status.signal().expect("no code means a signal"));
            }
            assert!(
                started.elapsed() < GONE_WITHIN,
                "{when}: processes {left:?} and namespaces {used:?} stay"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn namespaces_of(pid: &str) -> BTreeSet<String> {
    let kinds = ["net", "pid", "mnt", "uts", "ipc", "user"];
    let read = |kind| fs::read_link(format!("/proc/{pid}/ns/{kind}")).ok();
    kinds.into_iter().filter_map(read).map(|link| link.to_string_lossy().into_owned()).collect()
}

fn every_namespace() -> BTreeSet<String> {
    let entries = fs::read_dir("/proc").expect("there is a /proc");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    pids.filter(|pid| pid.parse::<i32>().is_ok()).flat_map(|pid| namespaces_of(&pid)).collect()
}

fn child_of(pid: Pid) -> Option<Pid> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).ok()?;
    Some(Pid::from_raw(children.split_whitespace().next()?.parse().ok()?))
}

/// Whom a test kills.
#[derive(Clone, Copy, Debug)]
enum Victim {
    Launcher,
    First,
    Controller,
}

fn find(session: &Session, victim: Victim) -> Option<Pid> {
    match victim {
        Victim::Launcher => Some(session.launcher()),
        Victim::First => child_of(session.launcher()),
        Victim::Controller => child_of(child_of(session.launcher())?),
    }
}

#[test]
fn killing_one_ends_all() {
    for victim in [Victim::Launcher, Victim::First, Victim::Controller] {
        let session = Session::ready();
        let namespaces = session.namespaces();
        assert!(namespaces.len() >= 4 * 5, "the session and three nodes have their own: {namespaces:?}");
        let processes = session.processes().len();
        // The launcher, the first process, the controller; and on each node its first process and a sleeper.
        assert_eq!(processes, 3 + 3 * 2, "all carry the mark");
        kill(find(&session, victim).expect("it is there"), Signal::SIGKILL).expect("it is ours");
        assert_eq!(session.ends(&namespaces, &format!("{victim:?} killed")), 137);
    }
}

#[test]
fn killing_one_at_any_moment_ends_all() {
    for victim in [Victim::Launcher, Victim::First, Victim::Controller] {
        for delay in [0, 1, 2, 3, 5, 8, 12, 18, 25, 35, 50, 70, 100] {
            let session = Session::start();
            let started = Instant::now();
            let delay = Duration::from_millis(delay);
            let found = loop {
                match find(&session, victim) {
                    Some(found) if started.elapsed() >= delay => break found,
                    _ => assert!(started.elapsed() < GONE_WITHIN, "{victim:?} did not appear"),
                }
            };
            let namespaces = session.namespaces();
            kill(found, Signal::SIGKILL).expect("it is ours");
            assert_eq!(session.ends(&namespaces, &format!("{victim:?} killed after {delay:?}")), 137);
        }
    }
}

#[test]
fn a_stopped_controller_does_not_outlive_its_launcher() {
    let session = Session::ready();
    let namespaces = session.namespaces();
    kill(find(&session, Victim::Controller).expect("it is there"), Signal::SIGSTOP).expect("it is ours");
    kill(session.launcher(), Signal::SIGKILL).expect("it is ours");
    session.ends(&namespaces, "the controller was stopped");
}

#[test]
fn signals_reach_the_controller() {
    let session = Session::ready();
    let namespaces = session.namespaces();
    kill(session.launcher(), Signal::SIGINT).expect("it is ours");
    assert_eq!(
        session.ends(&namespaces, "interrupted"),
        130,
        "the controller handles it and ends as it likes"
    );

    let session = Session::ready();
    let namespaces = session.namespaces();
    kill(session.launcher(), Signal::SIGTERM).expect("it is ours");
    assert_eq!(session.ends(&namespaces, "asked to end"), 143, "what it does not handle ends it");
}
