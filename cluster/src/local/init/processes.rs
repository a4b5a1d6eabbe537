//! The processes of a node, as `/proc` shows them.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How often a tree is looked at again for children that were born while it was being stopped.
const LOOKS_MAX: usize = 100;

/// What matters of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Process {
    /// The letter of its state.
    pub state: u8,
    /// Its parent.
    pub parent: i32,
    /// Its process group.
    pub group: i32,
}

/// Reads `/proc/PID/stat`; `None` when there is no such process.
pub(super) fn look(pid: i32) -> Option<Process> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

fn parse(stat: &[u8]) -> Option<Process> {
    // The name in parentheses may hold anything, also parentheses and blanks.
    let after = stat.iter().rposition(|byte| *byte == b')')? + 1;
    let text = std::str::from_utf8(&stat[after..]).ok()?;
    let mut fields = text.split_ascii_whitespace();
    let state = *fields.next()?.as_bytes().first()?;
    let mut number = || fields.next()?.parse().ok();
    Some(Process { state, parent: number()?, group: number()? })
}

fn all() -> BTreeMap<i32, Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return BTreeMap::new() };
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| Some((pid, look(pid)?))).collect()
}

/// All that live below a process or in its group, itself included, that have not ended.
pub(super) fn tree(root: i32) -> Vec<i32> {
    let all = all();
    let mut members: BTreeSet<i32> = BTreeSet::new();
    loop {
        let before = members.len();
        for (pid, process) in &all {
            if *pid == root || process.group == root || members.contains(&process.parent) {
                members.insert(*pid);
            }
        }
        if members.len() == before {
            break;
        }
    }
    let own = Pid::this().as_raw();
    members.into_iter().filter(|pid| *pid != own && !matches!(all[pid].state, b'Z' | b'X')).collect()
}

/// Sends a signal to a process, its group and all below it; also to those that are born meanwhile. Returns whom
/// it reached.
pub(super) fn signal_tree(root: Pid, signal: Signal) -> BTreeSet<i32> {
    let mut reached = BTreeSet::new();
    for _ in 0..LOOKS_MAX {
        let fresh: Vec<i32> = tree(root.as_raw()).into_iter().filter(|pid| reached.insert(*pid)).collect();
        if fresh.is_empty() {
            break;
        }
        for pid in fresh {
            // It may have ended since we looked.
            let _ended = kill(Pid::from_raw(pid), signal);
        }
    }
    reached
}

/// Ends a process, its group and all below it at one instant: stopped first, so that none can notice that another died.
/// Returns whom it ended.
pub(super) fn kill_tree(root: Pid) -> BTreeSet<i32> {
    signal_tree(root, Signal::SIGSTOP);
    signal_tree(root, Signal::SIGKILL)
}

/// Whether a process is stopped or has ended.
pub(super) fn has_stopped(pid: i32) -> bool {
    look(pid).is_none_or(|process| matches!(process.state, b'T' | b't' | b'Z' | b'X'))
}

/// Whether a process has ended.
pub(super) fn has_ended(pid: i32) -> bool {
    look(pid).is_none_or(|process| matches!(process.state, b'Z' | b'X'))
}

/// Every process of the node but the first that has not ended.
pub(super) fn descendants() -> Vec<i32> {
    tree(Pid::this().as_raw())
}

/// Ends every process of the node but the first.
pub(super) fn end_descendants() {
    if Pid::this().as_raw() == 1 {
        // There may be nobody else.
        let _nobody = kill(Pid::from_raw(-1), Signal::SIGKILL);
        return;
    }
    signal_tree(Pid::this(), Signal::SIGKILL);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_parentheses_and_blanks() {
        let stat = b"17 (a) S 1 (b) ) T 4 5 6 0 -1";
        assert_eq!(parse(stat), Some(Process { state: b'T', parent: 4, group: 5 }));
        assert_eq!(parse(b"17 (a"), None);
        assert_eq!(parse(b"17 (a) S x 5"), None);
    }

    #[test]
    fn we_see_ourselves() {
        let own = look(std::process::id() as i32).expect("we are alive");
        assert!(matches!(own.state, b'R' | b'S'), "{own:?}");
    }
}
