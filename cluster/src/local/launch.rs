//! The launcher: starts this program again in namespaces of its own, and waits for it.
//!
//! Three processes make up a session. The *launcher* is what the user started; it forwards signals and passes the exit
//! code on. The *first process* ([`super::session`]) is process 1 of the new process namespace; it reaps. The
//! *controller* is the program itself, executed again. When the first process ends, for whatever reason, the kernel ends
//! everything in its namespaces; it ends when the controller ends, when the launcher ends, and when it is killed.

use std::{
    io::{self, Read},
    os::fd::{AsFd, OwnedFd},
};

use nix::{
    fcntl::OFlag,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitStatus, waitpid},
    },
    unistd::{Pid, Uid},
};

use super::{capabilities, identity::Identity, remedy, session};
use crate::{Error, reexec};

/// Holds the name of the network namespace of a controller, by which it knows that it is one.
const INSIDE: &str = "DISPROVE_INSIDE";

/// What became of [`enter`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entered {
    /// This is the controller, inside its namespaces.
    Inside,
    /// This was the launcher; the controller has ended with this exit code, and everything with it.
    Finished(i32),
}

/// Runs the program in namespaces of its own: its network, processes, mounts, hostname, and (unless it is root) user ids.
///
/// Call it first in `main`, before any thread exists. Outside it starts the program again, inside, with the same
/// arguments and environment (and in the same role, if it has one), and returns when that has ended. An error means that the machine does not permit it;
/// nothing was run then, and the caller may go on with what is possible without.
pub fn enter() -> Result<Entered, Error> {
    if is_inside() {
        return Ok(Entered::Inside);
    }
    if std::env::var_os(reexec::ROLE).is_some() {
        return Err(Error::Unsupported(format!("a role ({}) that nobody registered", reexec::ROLE)));
    }
    let threads = std::fs::read_dir("/proc/self/task").map_err(|e| Error::io("list our own threads", e))?;
    if threads.count() > 1 {
        return Err(Error::Unsupported("entering namespaces after a thread was started".into()));
    }
    launch(reexec::current()).map(Entered::Finished)
}

/// Whether this process is a controller inside its namespaces.
pub fn is_inside() -> bool {
    std::env::var(INSIDE).is_ok_and(|inside| network_namespace().is_ok_and(|now| now == inside))
}

fn network_namespace() -> io::Result<String> {
    Ok(std::fs::read_link("/proc/self/ns/net")?.to_string_lossy().into_owned())
}

/// Notes in the environment that what is executed next is inside. To be called before any thread exists.
pub(super) fn mark_inside() -> io::Result<()> {
    let namespace = network_namespace()?;
    // SAFETY: the callers are processes with one thread.
    unsafe { std::env::set_var(INSIDE, namespace) };
    Ok(())
}

/// Whether we may make namespaces without a user namespace round them.
pub(super) fn is_real_root() -> bool {
    Uid::effective().is_root() && capabilities::has_sys_admin()
}

/// The signals that end a run, and the one that tells of an ended child.
pub(super) fn watched() -> SigSet {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGCHLD] {
        set.add(signal);
    }
    set
}

/// A pipe that is not passed on by an exec.
pub(super) fn pipe() -> Result<(OwnedFd, OwnedFd), Error> {
    nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|e| Error::io("make a pipe", e))
}

/// Clones this process into new namespaces, as `fork` does: 0 in the child.
pub(super) fn clone_into_namespaces(user: bool) -> io::Result<libc::pid_t> {
    let mut flags =
        libc::CLONE_NEWNS | libc::CLONE_NEWNET | libc::CLONE_NEWPID | libc::CLONE_NEWUTS | libc::CLONE_NEWIPC;
    if user {
        flags |= libc::CLONE_NEWUSER;
    }
    // SAFETY: without CLONE_VM and with no stack this is a fork; pointer arguments are null on every architecture.
    let pid =
        unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(flags | libc::SIGCHLD), 0, 0, 0, 0) };
    if pid < 0 { Err(io::Error::last_os_error()) } else { Ok(pid as libc::pid_t) }
}

/// Starts the session and stays until it has ended. This process must have one thread. A controller that is to go on in a
/// role gets it again.
fn launch(role: Option<&'static str>) -> Result<i32, Error> {
    let refused = |e| Error::io("change the signal mask", e);
    let mut before = SigSet::empty();
    sigprocmask(SigmaskHow::SIG_BLOCK, Some(&watched()), Some(&mut before)).map_err(refused)?;
    let ended = launch_blocked(role, &before);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&before), None).map_err(refused)?;
    ended
}

fn launch_blocked(role: Option<&'static str>, before: &SigSet) -> Result<i32, Error> {
    let (lifeline, held) = pipe()?;
    let (mut status, report) = {
        let (read, write) = pipe()?;
        (std::fs::File::from(read), write)
    };
    let user = (!is_real_root()).then(Identity::ours);
    let pid = match clone_into_namespaces(user.is_some())
        .map_err(|e| remedy::refused(remedy::Step::Namespaces, e))?
    {
        0 => {
            drop((held, status));
            session::run(&session::Start { role, user, lifeline, report, mask: *before })
        }
        pid => Pid::from_raw(pid),
    };
    drop((lifeline, report));
    // The end of this pipe says that the controller was executed; anything in it, why not.
    let mut failure = Vec::new();
    status.read_to_end(&mut failure).map_err(|e| Error::io("hear from the session", e))?;
    if !failure.is_empty() {
        waitpid(pid, None).map_err(|e| Error::io("wait for the session", e))?;
        return Err(session::failure(&failure));
    }
    let code = supervise(pid);
    drop(held);
    code
}

/// Forwards signals to the first process until it ends.
fn supervise(pid: Pid) -> Result<i32, Error> {
    let signals = SignalFd::with_flags(&watched(), SfdFlags::SFD_CLOEXEC)
        .map_err(|e| Error::io("listen to signals", e))?;
    loop {
        let signal = signals.read_signal().map_err(|e| Error::io("read a signal", e))?;
        let Some(signal) = signal.and_then(|info| Signal::try_from(info.ssi_signo as i32).ok()) else {
            continue;
        };
        if signal != Signal::SIGCHLD {
            // It may have ended in this very moment; then the next signal says so.
            let _ended = kill(pid, signal);
            continue;
        }
        match waitpid(pid, Some(nix::sys::wait::WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => return Ok(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => return Ok(128 + signal as i32),
            Ok(_) => {}
            Err(e) => return Err(Error::io("wait for the session", e)),
        }
    }
}

/// Whether the other end of a pipe has been closed.
pub(super) fn is_closed(pipe: &OwnedFd) -> bool {
    events(pipe).contains(PollFlags::POLLHUP)
}

/// Whether a pipe holds something.
pub(super) fn is_readable(pipe: &OwnedFd) -> bool {
    events(pipe).contains(PollFlags::POLLIN)
}

fn events(pipe: &OwnedFd) -> PollFlags {
    let mut polled = [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
    match poll(&mut polled, PollTimeout::ZERO) {
        Ok(_) => polled[0].revents().unwrap_or(PollFlags::empty()),
        Err(_) => PollFlags::empty(),
    }
}

fn launch_role() -> i32 {
    match launch(None) {
        Ok(code) => code,
        Err(error) => {
            // This process has no other way to say why it could not start what it was asked to start.
            let _unheard = io::Write::write_all(
                &mut io::stderr(),
                format!("failed to enter namespaces: {error}\n").as_bytes(),
            );
            super::harness::REFUSED
        }
    }
}

crate::role!(super::harness::LAUNCH_ROLE, launch_role);
