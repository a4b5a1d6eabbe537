//! Whole runs of the real program on containers, which `scripts/container-cluster` makes by an engine of its own. Needs root
//! and dockerd, and says so where it is left out.
#![cfg(target_os = "linux")]

#[path = "nodes/scripted.rs"]
mod scripted;

use std::{
    fs,
    ops::Deref,
    process::Command,
    sync::{Mutex, PoisonError},
};

use scripted::{Scripted, assert_remedies, say, wait_until, works};

/// Two engines at a time are more than a small machine bears.
static TURN: Mutex<()> = Mutex::new(());

/// Three containers, and what can be asked of their engine.
struct Containers(Scripted);

impl Deref for Containers {
    type Target = Scripted;

    fn deref(&self) -> &Scripted {
        &self.0
    }
}

impl Containers {
    fn up(test: &str, options: &[&str]) -> Option<Self> {
        let options = [&["--with", "{program}"], options].concat();
        Scripted::up("container-cluster", test, &options, "120").map(Self)
    }

    fn engine(&self, arguments: &[&str]) -> String {
        let output = Command::new(self.folder.join("cluster/docker")).args(arguments).output();
        let output = output.expect("the script wrote it");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What a run could have left on the nodes: rules, processes, files.
    fn left(&self) -> Vec<String> {
        let script = "nft list tables | grep disprove; tc qdisc show | grep d15:; ls -d /var/tmp/disprove/*/* /var/tmp/disprove/in-use; \
                      cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep DISPROVE_";
        let on = |node| self.engine(&["exec", &format!("n{node}"), "sh", "-c", script]);
        (1..=3).map(on).filter(|said| !said.is_empty()).collect()
    }

    fn status(&self, node: &str) -> String {
        self.engine(&["inspect", "--format", "{{.State.Status}}", node])
    }
}

/// A run, all the ways in which it can end, and what is left of it: nothing. One test, because making the containers takes
/// longer than most of it.
#[test]
fn the_specimen_runs_in_containers_and_everything_is_undone_however_it_ends() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(containers) = Containers::up("runs-in-containers", &[]) else { return };
    doctor_tells_of_every_container(&containers);
    a_healthy_run_is_valid_under_faults_that_took(&containers);
    a_real_database_is_valid_too(&containers);
    a_killed_controller_is_healed_after(&containers);
    a_sick_store_is_caught(&containers);
}

fn doctor_tells_of_every_container(containers: &Containers) {
    let findings = containers.doctor();
    for node in ["n1", "n2", "n3"] {
        for name in
            ["engine", "container", "address", "reach", "root", "packet filter", "capabilities", "disk space"]
        {
            assert_eq!(works(&findings, node, name), Some(true), "{name} of {node}: {findings:#?}");
        }
        assert_remedies(&findings, node);
    }
    assert!(containers.left().is_empty(), "{:?}", containers.left());
}

const FAULTS: &str = r#"{"seed": 5, "faults": [
    {"at": 1, "lasts": 2, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"},
    {"at": 4, "lasts": 0.5, "fault": {"kind": "kill"}, "targets": "leader"},
    {"at": 9, "lasts": 1, "fault": {"kind": "pause"}, "targets": "leader"},
    {"at": 13, "lasts": 1.5, "fault": {"kind": "lossy", "share": 0.4}, "targets": "all"},
    {"at": 16, "lasts": 2, "fault": {"kind": "freeze"}, "targets": "leader"},
    {"at": 21, "lasts": 1, "fault": {"kind": "reboot"}, "targets": "all"}]}"#;

fn a_healthy_run_is_valid_under_faults_that_took(containers: &Containers) {
    let output = containers.test("specimen", "26", FAULTS).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", say(&output));
    let faults = containers.faults();
    assert_eq!(faults.len(), 6, "{faults:?}");
    for (family, state, evidence) in &faults {
        // A busy machine may be too slow to look at every container, or to start a node before the next fault.
        let late = evidence.contains("took longer than") || evidence.contains("was already");
        assert!(state == "installed" || late, "{family} is {state}: {evidence}");
    }
    assert!(faults.iter().filter(|(_, state, _)| state == "installed").count() >= 4, "{faults:?}");
    assert!(containers.left().is_empty(), "{:?}", containers.left());
    let logs = containers.folder.join("store/latest/logs/n2/specimen.log");
    assert!(fs::metadata(logs).expect("the logs came here").len() > 0);
}

fn a_real_database_is_valid_too(containers: &Containers) {
    if containers.engine(&["exec", "n1", "sh", "-c", "command -v etcd"]).is_empty() {
        println!("left out: etcd in containers (there is no etcd; to have it: apt-get install etcd-server)");
        return;
    }
    let output = containers.test("etcd", "26", FAULTS).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", say(&output));
    let installed = containers.faults().iter().filter(|(_, state, _)| state == "installed").count();
    assert!(installed >= 3, "{:?}", containers.faults());
}

fn a_killed_controller_is_healed_after(containers: &Containers) {
    let plan = r#"{"seed": 5, "faults": [
        {"at": 0.5, "lasts": 60, "fault": {"kind": "partition", "shape": "split"}, "targets": ["n1"]},
        {"at": 1.5, "lasts": 60, "fault": {"kind": "freeze"}, "targets": ["n2"]},
        {"at": 1.6, "lasts": 60, "fault": {"kind": "reboot"}, "targets": ["n3"]}]}"#;
    let mut child = containers.test("specimen", "60", plan).spawn().expect("it starts");
    wait_until("all three faults", || {
        containers.status("n2") == "paused"
            && containers.status("n3") == "exited"
            && containers.engine(&["exec", "n1", "nft", "list", "ruleset"]).contains("drop")
    });
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    let again = containers.test("specimen", "5", r#"{"seed": 1, "faults": []}"#).output().expect("it starts");
    assert_eq!(again.status.code(), Some(70), "{}", say(&again));
    assert!(say(&again).contains("`disprove heal`"), "{}", say(&again));
    let killed = containers.run_that_was_killed();
    let healed = containers.disprove(&["heal", &killed.to_string_lossy()]).output().expect("it starts");
    assert_eq!(healed.status.code(), Some(0), "{}", say(&healed));
    assert!(say(&healed).contains("3 undone"), "{}", say(&healed));
    assert!(containers.left().is_empty(), "{:?}", containers.left());
    assert_eq!(["n1", "n2", "n3"].map(|node| containers.status(node)), ["running"; 3]);
    let twice = containers.disprove(&["heal", &killed.to_string_lossy()]).output().expect("it starts");
    assert_eq!(twice.status.code(), Some(0), "{}", say(&twice));
}

fn a_sick_store_is_caught(containers: &Containers) {
    let plan = r#"{"seed": 5, "faults": [
        {"at": 1, "lasts": 3, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"}]}"#;
    let mut sick = containers.test("specimen", "6", plan);
    let output = sick.args(["--disease", "stale-reads-any-node"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", say(&output));
    let plan = r#"{"seed": 5, "faults": [
        {"at": 2, "lasts": 0.5, "fault": {"kind": "reboot"}, "targets": "all"},
        {"at": 6, "lasts": 0.5, "fault": {"kind": "reboot"}, "targets": "all"}]}"#;
    let mut sick = containers.test("specimen", "10", plan);
    let output = sick.args(["--disease", "no-fsync"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", say(&output));
    assert!(containers.left().is_empty(), "{:?}", containers.left());
}

/// Containers as they come have no power over their network: what needs that is left out with its reason, the rest is done.
#[test]
fn what_a_container_lacks_is_left_out_with_its_reason() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(containers) = Containers::up("plain-containers", &["--plain"]) else { return };
    let findings = containers.doctor();
    for name in ["packet filter", "capabilities"] {
        let lacking = findings.iter().find(|finding| finding["node"] == "n1" && finding["name"] == name);
        let lacking = lacking.expect("it is told");
        assert_eq!(lacking["works"], false, "{lacking}");
        let told = lacking.to_string();
        assert!(told.contains("--cap-add NET_ADMIN") && told.contains("partition"), "{told}");
    }
    let plan = r#"{"seed": 5, "faults": [
        {"at": 1, "lasts": 2, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"},
        {"at": 4, "lasts": 0.5, "fault": {"kind": "kill"}, "targets": "leader"}]}"#;
    let output = containers.test("specimen", "8", plan).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", say(&output));
    let faults = containers.faults();
    assert!(
        faults.iter().any(|(family, state, evidence)| family == "partition"
            && state == "skipped"
            && evidence.contains("cannot be shaped")),
        "{faults:?}"
    );
    assert!(faults.iter().any(|(family, state, _)| family == "kill" && state == "installed"), "{faults:?}");
    assert!(say(&output).contains("--cap-add NET_ADMIN"), "{}", say(&output));
}
