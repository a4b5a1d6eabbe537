//! The first process of a session: prepares the namespaces, starts the controller in them, and reaps.

use std::{
    convert::Infallible,
    ffi::{CString, OsString},
    fs, io,
    os::{fd::AsFd, fd::OwnedFd, unix::ffi::OsStringExt},
};

use nix::{
    mount::{MsFlags, mount},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, SigmaskHow, Signal, kill, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::{ForkResult, Pid, fork},
};

use super::{capabilities, device, identity::Identity, launch, remedy, remedy::Step};
use crate::{Error, reexec};

/// What the first process takes over from the launcher.
pub(super) struct Start {
    /// The role of the controller.
    pub role: Option<&'static str>,
    /// Who we are outside, when a user namespace is round the others.
    pub user: Option<Identity>,
    /// Ends when the launcher ends.
    pub lifeline: OwnedFd,
    /// Where to say why the controller could not be started.
    pub report: OwnedFd,
    /// The signal mask the controller is to have.
    pub mask: SigSet,
}

/// The life of the first process, which has one thread and came into being by a clone of the launcher.
pub(super) fn run(start: &Start) -> ! {
    let code = match begin(start) {
        Ok(controller) => {
            // Only the controller may hold the report open now, and its exec closes it.
            // SAFETY: the descriptor is owned by a value that this process never drops.
            unsafe { libc::close(std::os::fd::AsRawFd::as_raw_fd(&start.report)) };
            watch(controller, start)
        }
        Err((step, error)) => {
            report(start, step, &error);
            super::harness::REFUSED
        }
    };
    // SAFETY: nothing of the launcher's that exit handlers would flush or remove belongs to this process.
    unsafe { libc::_exit(code) }
}

fn report(start: &Start, step: Step, error: &io::Error) {
    let text = format!("{} {}", step as u8, error.raw_os_error().unwrap_or(0));
    // Without a reader there is nobody left to tell.
    let _unheard = nix::unistd::write(&start.report, text.as_bytes());
}

/// Turns what [`report`] wrote back into an error.
pub(super) fn failure(text: &[u8]) -> Error {
    let text = String::from_utf8_lossy(text);
    let mut numbers = text.split(' ').map(|number| number.parse::<i32>().unwrap_or(0));
    let step = Step::of(numbers.next().unwrap_or(0));
    remedy::refused(step, io::Error::from_raw_os_error(numbers.next().unwrap_or(0)))
}

type Refusal = (Step, io::Error);

fn begin(start: &Start) -> Result<Pid, Refusal> {
    let at = |step: Step| move |e: nix::Error| (step, io::Error::from(e));
    prepare(start.user)?;
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).map_err(at(Step::Start))?;
    if launch::is_closed(&start.lifeline) {
        return Err((Step::Start, io::ErrorKind::BrokenPipe.into()));
    }
    // SAFETY: this process has one thread.
    match unsafe { fork() }.map_err(at(Step::Start))? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let refusal = match execute(start) {
                Err(error) => error,
                Ok(never) => match never {},
            };
            report(start, Step::Start, &refusal);
            // SAFETY: as in `run`.
            unsafe { libc::_exit(super::harness::REFUSED) }
        }
    }
}

/// Makes the namespaces we are in usable. Also what the doctor tries.
pub(super) fn prepare(user: Option<Identity>) -> Result<(), Refusal> {
    let at = |step: Step| move |e: nix::Error| (step, io::Error::from(e));
    nix::unistd::setsid().map_err(at(Step::Start))?;
    if let Some(identity) = user {
        map_ourselves(identity).map_err(|e| (Step::UserMap, e))?;
    }
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(at(Step::Mount))?;
    mount_proc().map_err(|e| (Step::Proc, e))?;
    device::bring_up_loopback().map_err(|e| (Step::Loopback, e))?;
    if user.is_some() {
        capabilities::keep_across_exec().map_err(|e| (Step::Capabilities, e))?;
    }
    Ok(())
}

/// Mounts a `/proc` that shows the process namespace we are in.
pub(super) fn mount_proc() -> io::Result<()> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    Ok(mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>)?)
}

/// Gives us inside the user and group that we are outside, where they came from: in here they read as nobody's.
fn map_ourselves(Identity { uid, gid }: Identity) -> io::Result<()> {
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{uid} {uid} 1\n"))?;
    fs::write("/proc/self/gid_map", format!("{gid} {gid} 1\n"))
}

/// Becomes the controller: the same program with the same arguments.
fn execute(start: &Start) -> io::Result<Infallible> {
    launch::mark_inside()?;
    if let Some(role) = start.role {
        // SAFETY: this process has one thread.
        unsafe { std::env::set_var(reexec::ROLE, role) };
    }
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&start.mask), None)?;
    let arguments = reexec::command_line().into_iter().map(OsString::into_vec).map(CString::new);
    let arguments = arguments.collect::<Result<Vec<CString>, _>>()?;
    let program = CString::new(reexec::SELF)?;
    Ok(nix::unistd::execv(&program, &arguments)?)
}

/// Reaps whatever ends in here until the controller does; its exit code.
fn watch(controller: Pid, start: &Start) -> i32 {
    let Ok(signals) =
        SignalFd::with_flags(&launch::watched(), SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
    else {
        return super::harness::REFUSED;
    };
    loop {
        let mut polled = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(start.lifeline.as_fd(), PollFlags::POLLIN),
        ];
        if poll(&mut polled, PollTimeout::NONE).is_err() {
            continue;
        }
        if polled[1].revents().is_some_and(|events| !events.is_empty()) {
            return 128 + Signal::SIGKILL as i32;
        }
        while let Ok(Some(info)) = signals.read_signal() {
            match Signal::try_from(info.ssi_signo as i32) {
                Ok(Signal::SIGCHLD) | Err(_) => {}
                Ok(signal) => {
                    // A controller that has just ended is reaped below.
                    let _ended = kill(controller, signal);
                }
            }
        }
        if let Some(code) = reap(controller) {
            return code;
        }
    }
}

/// Reaps all that has ended; the exit code of the controller once it is among them.
fn reap(controller: Pid) -> Option<i32> {
    loop {
        let (pid, code) = match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, code)) => (pid, code),
            Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32),
            Ok(WaitStatus::StillAlive) | Err(_) => return None,
            Ok(_) => continue,
        };
        if pid == controller {
            return Some(code);
        }
    }
}
