//! The daemons of a node: at most one of each name.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File, OpenOptions},
    io,
    os::fd::OwnedFd,
    path::Path,
};

use nix::{
    sys::signal::{self, killpg},
    unistd::Pid,
};

use super::{
    super::wire::{Answer, Setup},
    child::{self, Task, Terms},
    processes,
};
use crate::{Daemon, DaemonState, Signal};

/// The daemons that were started here.
#[derive(Default)]
pub(super) struct Daemons {
    all: BTreeMap<String, Started>,
}

struct Started {
    pid: Pid,
    /// Its exit code, once it has ended.
    code: Option<i32>,
    /// Nothing of its group is left, so its number may come to mean something else.
    gone: bool,
}

impl Daemons {
    /// Starts one, unless it is alive.
    pub(super) fn start(&mut self, daemon: &Daemon, setup: &Setup) -> Answer {
        if self.is_alive(&daemon.name) {
            return Answer::Failed {
                what: format!("start {}: it is running already", daemon.name),
                errno: 0,
            };
        }
        match spawn(daemon, setup) {
            Ok(pid) => {
                self.all.insert(daemon.name.clone(), Started { pid, code: None, gone: false });
                Answer::Done
            }
            Err((what, error)) => Answer::failed(what, &error),
        }
    }

    /// Notes that a process has ended.
    pub(super) fn ended(&mut self, pid: Pid, code: i32) {
        if let Some(started) =
            self.all.values_mut().find(|started| started.pid == pid && started.code.is_none())
        {
            started.code = Some(code);
        }
    }

    /// Notes which groups are empty. To be called whenever something was reaped.
    pub(super) fn forget_empty_groups(&mut self) {
        for started in self.all.values_mut().filter(|started| started.code.is_some() && !started.gone) {
            started.gone = killpg(started.pid, None) == Err(nix::Error::ESRCH);
        }
    }

    /// Whether the daemon itself, not only something it left behind, is alive.
    pub(super) fn is_alive(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|started| started.code.is_none())
    }

    /// What one is doing.
    pub(super) fn state(&self, name: &str) -> DaemonState {
        let Some(started) = self.all.get(name) else { return DaemonState::Absent };
        if let Some(code) = started.code {
            return DaemonState::Exited { code };
        }
        let pid = started.pid.as_raw().unsigned_abs();
        match processes::look(started.pid.as_raw()).map(|process| process.state) {
            Some(b'T' | b't') => DaemonState::Stopped { pid },
            _ => DaemonState::Running { pid },
        }
    }

    /// The processes of all daemons, and what they have started.
    pub(super) fn processes(&self) -> BTreeSet<i32> {
        let living = self.all.values().filter(|started| !started.gone);
        living.flat_map(|started| processes::tree(started.pid.as_raw())).collect()
    }

    /// Signals one, its group and what it has started; whom it reached.
    pub(super) fn signal(&mut self, name: &str, signal: Signal) -> BTreeSet<i32> {
        let Some(started) = self.all.get(name).filter(|started| !started.gone) else {
            return BTreeSet::new();
        };
        match signal {
            Signal::Kill => processes::kill_tree(started.pid),
            Signal::Stop => processes::signal_tree(started.pid, signal::Signal::SIGSTOP),
            Signal::Continue => processes::signal_tree(started.pid, signal::Signal::SIGCONT),
            // A daemon that is asked to end tells what left its group itself, in its own order.
            Signal::Terminate => {
                // It may have ended since.
                let _ended = killpg(started.pid, signal::Signal::SIGTERM);
                BTreeSet::from([started.pid.as_raw()])
            }
        }
    }
}

fn spawn(daemon: &Daemon, setup: &Setup) -> Result<Pid, child::Failure> {
    let about = |what: &str, path: &Path| format!("{what} {} for {}", path.display(), daemon.name);
    let log = open_log(&daemon.log, setup).map_err(|e| (about("open the log", &daemon.log), e))?;
    let errors = log.try_clone().map_err(|e| (about("open the log", &daemon.log), e))?;
    let nothing = File::open("/dev/null").map_err(|e| ("open /dev/null".to_owned(), e))?;
    let streams = [OwnedFd::from(nothing), log.into(), errors.into()];
    let directory = if daemon.directory.as_os_str().is_empty() { &setup.data } else { &daemon.directory };
    let terms = Terms { streams, directory, environment: &daemon.env };
    child::spawn(&Task::Run(daemon.argv.clone()), terms, setup)
}

/// Opens a log to append to. It belongs to the node's user, as if the daemon had opened it.
fn open_log(path: &Path, setup: &Setup) -> io::Result<File> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let log = OpenOptions::new().create(true).append(true).open(path)?;
    if let Some(identity) = setup.identity {
        std::os::unix::fs::fchown(&log, Some(identity.uid), Some(identity.gid))?;
    }
    Ok(log)
}
