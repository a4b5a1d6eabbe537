//! Whole runs of the real program on machines that are reached over SSH: network namespaces with real sshds, which
//! `scripts/ssh-cluster` makes. Needs root, and says so where it is left out.
#![cfg(all(target_os = "linux", feature = "ssh"))]

#[path = "nodes/scripted.rs"]
mod scripted;

use std::{
    fs,
    ops::Deref,
    process::{Command, Stdio},
};

use scripted::{Scripted, assert_remedies, say, wait_until, works};

/// Three machines, and what can be asked of them.
struct Machines(Scripted);

impl Deref for Machines {
    type Target = Scripted;

    fn deref(&self) -> &Scripted {
        &self.0
    }
}

impl Machines {
    fn up(test: &str) -> Option<Self> {
        Scripted::up("ssh-cluster", test, &["--nodes", "3"], "200").map(Self)
    }

    /// What a script says on a node.
    fn on(&self, node: usize, script: &str) -> String {
        let output = Command::new("ssh")
            .arg("-F")
            .arg(self.folder.join("cluster/ssh_config"))
            .args([&format!("n{node}"), script])
            .stdin(Stdio::null())
            .output()
            .expect("ssh is there");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// What a run could have left on the nodes: rules, processes, files.
    fn left(&self) -> Vec<String> {
        let script = "PATH=$PATH:/usr/sbin; nft list tables 2>/dev/null; iptables -S 2>/dev/null | grep DISPROVE; \
                      tc qdisc show 2>/dev/null | grep d15:; \
                      ls -d /var/tmp/disprove/*/* /var/tmp/disprove/in-use 2>/dev/null; \
                      cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep DISPROVE_";
        (1..=3).map(|node| self.on(node, script)).filter(|said| !said.is_empty()).collect()
    }
}

/// A run, all the ways in which it can end, and what is left of it: nothing. One test, because making the machines and
/// carrying the program there takes longer than most of it.
#[test]
fn the_specimen_runs_on_machines_and_everything_is_undone_however_it_ends() {
    let Some(machines) = Machines::up("runs-over-ssh") else { return };
    doctor_tells_of_every_machine(&machines);
    a_healthy_run_is_valid_under_faults_that_took(&machines);
    a_lost_connection_is_no_outcome(&machines);
    a_killed_controller_is_healed_after(&machines);
    a_sick_store_is_caught(&machines);
}

fn doctor_tells_of_every_machine(machines: &Machines) {
    let findings = machines.doctor();
    for node in ["n1", "n2", "n3"] {
        for name in ["reach", "root", "packet filter", "clock", "disk space", "ports"] {
            assert_eq!(works(&findings, node, name), Some(true), "{name} of {node}: {findings:#?}");
        }
        for name in ["tc and netem", "ptrace", "FUSE", "faketime"] {
            assert!(works(&findings, node, name).is_some(), "{name} of {node} is told");
        }
        assert_remedies(&findings, node);
    }
    let arguments = ["doctor", "--nodes-file", &machines.inventory(), "--ports", "22"];
    let taken = machines.disprove(&arguments).output().expect("it starts");
    assert_eq!(taken.status.code(), Some(70), "{}", say(&taken));
    assert!(machines.left().is_empty(), "{:?}", machines.left());
}

/// What a node's names are, to the byte.
const HOSTS: &str = "cksum </etc/hosts";

fn a_healthy_run_is_valid_under_faults_that_took(machines: &Machines) {
    // A store that was killed runs again within a second, or within six on a machine that has much else to do.
    let plan = r#"{"seed": 5, "faults": [
        {"at": 1, "lasts": 1.5, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"},
        {"at": 3.5, "lasts": 0.5, "fault": {"kind": "kill"}, "targets": "leader"},
        {"at": 9.5, "lasts": 1, "fault": {"kind": "pause"}, "targets": "leader"},
        {"at": 13.5, "lasts": 1.5, "fault": {"kind": "lossy", "share": 0.4}, "targets": "all"},
        {"at": 16.5, "lasts": 1, "fault": {"kind": "clock", "offset_ms": 6000}, "targets": "leader"},
        {"at": 18.5, "lasts": 3, "fault": {"kind": "dns", "answer": "stale"}, "targets": ["n2"]},
        {"at": 19, "lasts": 0.5, "fault": {"kind": "kill"}, "targets": ["n2"]},
        {"at": 24, "lasts": 3, "fault": {"kind": "upgrade", "down_ms": 50, "gap_ms": 50}, "targets": "one"}]}"#;
    let before: Vec<String> = (1..=3).map(|node| machines.on(node, HOSTS)).collect();
    let output = machines.test("specimen", "30", plan).output().expect("it starts");
    assert_eq!(output.status.code(), Some(0), "{}", say(&output));
    let faults = machines.faults();
    assert_eq!(faults.len(), 8, "{faults:?}");
    assert_eq!((1..=3).map(|node| machines.on(node, HOSTS)).collect::<Vec<_>>(), before);
    for (family, state, evidence) in &faults {
        assert_eq!(state, "installed", "{family}: {evidence}");
    }
    assert!(machines.left().is_empty(), "{:?}", machines.left());
    let logs = machines.folder.join("store/latest/logs/n2/specimen.log");
    assert!(fs::metadata(logs).expect("the logs came here").len() > 0);
    let run = fs::read_to_string(machines.folder.join("store/latest/run.json")).expect("it is written");
    assert!(run.contains("known_hosts") && !run.contains("PRIVATE KEY"), "{run}");
}

/// All sshds but the first process of a node end in mid-fault: the harness comes back, and undoes the fault.
fn a_lost_connection_is_no_outcome(machines: &Machines) {
    let plan = r#"{"seed": 5, "faults": [
        {"at": 1, "lasts": 4, "fault": {"kind": "partition", "shape": "split"}, "targets": ["n1"]}]}"#;
    let child = machines.test("specimen", "8", plan).spawn().expect("it starts");
    wait_until("the cut", || {
        machines.on(1, "PATH=$PATH:/usr/sbin; nft list ruleset").contains("counter name \"cut_from_1\" drop")
    });
    for node in 1..=3 {
        machines.on(
            node,
            "for s in /proc/[0-9]*/comm; do read -r c <$s; p=${s%/comm}; p=${p#/proc/}; \
             [ \"$c\" != sshd ] || [ $p = 1 ] || kill -9 $p; done 2>/dev/null",
        );
    }
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", say(&output));
    assert!(machines.left().is_empty(), "{:?}", machines.left());
}

fn a_killed_controller_is_healed_after(machines: &Machines) {
    let plan = r#"{"seed": 5, "faults": [
        {"at": 0.5, "lasts": 60, "fault": {"kind": "partition", "shape": "split"}, "targets": ["n1"]},
        {"at": 0.6, "lasts": 60, "fault": {"kind": "pause"}, "targets": ["n2"]},
        {"at": 0.7, "lasts": 60, "fault": {"kind": "dns", "answer": "another"}, "targets": ["n3"]}]}"#;
    let names = machines.on(3, HOSTS);
    let mut child = machines.test("specimen", "60", plan).spawn().expect("it starts");
    let paused = "cat /proc/[0-9]*/stat 2>/dev/null | grep -c '^[0-9]* ([a-z]*) T '";
    wait_until("all three faults", || {
        machines.on(1, "PATH=$PATH:/usr/sbin; nft list ruleset").contains("drop")
            && machines.on(2, paused) != "0"
            && machines.on(3, "cat /etc/hosts").contains("#disprove")
    });
    child.kill().expect("it is ours");
    child.wait().expect("it is ours");
    assert_eq!(machines.left().len(), 3, "all three nodes still carry something");
    let again = machines.test("specimen", "5", r#"{"seed": 1, "faults": []}"#).output().expect("it starts");
    assert_eq!(again.status.code(), Some(70), "{}", say(&again));
    assert!(say(&again).contains("`disprove heal`"), "{}", say(&again));
    let killed = machines.run_that_was_killed();
    let healed = machines.disprove(&["heal", &killed.to_string_lossy()]).output().expect("it starts");
    assert_eq!(healed.status.code(), Some(0), "{}", say(&healed));
    assert!(say(&healed).contains("3 undone"), "{}", say(&healed));
    assert_eq!(machines.on(3, HOSTS), names);
    assert!(machines.left().is_empty(), "{:?}", machines.left());
    let twice = machines.disprove(&["heal", &killed.to_string_lossy()]).output().expect("it starts");
    assert_eq!(twice.status.code(), Some(0), "{}", say(&twice));
}

fn a_sick_store_is_caught(machines: &Machines) {
    let plan = r#"{"seed": 5, "faults": [
        {"at": 1, "lasts": 3, "fault": {"kind": "partition", "shape": "split"}, "targets": "leader"}]}"#;
    let output = machines
        .test("specimen", "6", plan)
        .args(["--disease", "stale-reads-any-node"])
        .output()
        .expect("it starts");
    assert_eq!(output.status.code(), Some(1), "{}", say(&output));
    assert!(machines.left().is_empty(), "{:?}", machines.left());
}
