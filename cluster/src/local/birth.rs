//! Starting the first process of a node, in namespaces of its own or without.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsFd, AsRawFd, FromRawFd, OwnedFd, RawFd},
        unix::ffi::OsStrExt,
    },
    time::Duration,
};

use nix::{
    sys::{
        signal::Signal,
        socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt},
        wait::{Id, WaitPidFlag, WaitStatus, waitid},
    },
    unistd::Pid,
};

use super::{init, launch, wire};
use crate::{Error, reexec};

/// The first process of a node, as its parent sees it.
#[derive(Debug)]
pub(super) struct Birth {
    /// Its process id as the controller sees it.
    pub pid: Pid,
    handle: OwnedFd,
    /// What ends its node: the kernel does when a first process of a namespace is killed, and without a namespace it has
    /// to do that itself.
    signal: Signal,
}

/// Starts the first process of a node; returns it and the socket to it.
pub(super) fn start(namespaces: bool) -> Result<(Birth, OwnedFd), Error> {
    let (ours, theirs) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK,
    )
    .map_err(|e| Error::io("make a pair of sockets", e))?;
    for end in [&ours, &theirs] {
        setsockopt(end, sockopt::SndBuf, &(2 * wire::PACKET_BYTES_MAX))
            .map_err(|e| Error::io("size the buffer of a socket", e))?;
    }
    let pid = execute(namespaces, theirs.as_raw_fd())
        .map_err(|e| Error::io("start the first process of a node", e))?;
    // SAFETY: the call takes no pointers; the child is ours and cannot be reaped by anybody else.
    let raw = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    if raw < 0 {
        return Err(Error::io("open a handle of a process", io::Error::last_os_error()));
    }
    // SAFETY: the descriptor was made just now.
    let handle = unsafe { OwnedFd::from_raw_fd(raw as RawFd) };
    let signal = if namespaces { Signal::SIGKILL } else { Signal::SIGTERM };
    Ok((Birth { pid: Pid::from_raw(pid), handle, signal }, ours))
}

/// Forks, into new namespaces or not, and executes this program in its role. Everything that needs memory is made before
/// the fork: other threads may hold the allocator's locks at that moment, and the child would wait for them for ever.
fn execute(namespaces: bool, socket: RawFd) -> io::Result<libc::pid_t> {
    let program = CString::new(reexec::SELF)?;
    let title = CString::new("disprove-node")?;
    let argv = [title.as_ptr(), std::ptr::null()];
    let role = CString::new(format!("{}={}", reexec::ROLE, init::ROLE))?;
    let mut entries = vec![role];
    for (name, value) in std::env::vars_os() {
        if name != reexec::ROLE {
            entries.push(CString::new([name.as_bytes(), b"=", value.as_bytes()].concat())?);
        }
    }
    let environment: Vec<*const libc::c_char> =
        entries.iter().map(|entry| entry.as_ptr()).chain([std::ptr::null()]).collect();
    // SAFETY: a fork without namespaces is the plain one; see `clone_into_namespaces` for the other.
    let pid = if namespaces { launch::clone_into_namespaces(false)? } else { unsafe { libc::fork() } };
    match pid {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: only system calls follow, with pointers to what was made before the fork.
        0 => unsafe {
            if libc::dup2(socket, 0) == 0 {
                libc::execve(program.as_ptr(), argv.as_ptr(), environment.as_ptr());
            }
            libc::_exit(127)
        },
        pid => Ok(pid),
    }
}

impl Birth {
    /// Asks it to end, with everything on its node.
    pub(super) fn end(&self) {
        // SAFETY: the call takes a descriptor that is open, and a null pointer. An ended process needs no signal.
        unsafe {
            libc::syscall(
                libc::SYS_pidfd_send_signal,
                self.handle.as_raw_fd(),
                self.signal as libc::c_int,
                std::ptr::null::<libc::siginfo_t>(),
                0,
            )
        };
    }

    /// Whether it has ended; takes leave of it then.
    pub(super) fn has_ended(&self) -> bool {
        let waited = waitid(Id::PIDFd(self.handle.as_fd()), WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG);
        !matches!(waited, Ok(WaitStatus::StillAlive))
    }

    /// Takes leave of it as soon as it has ended, without making anybody wait.
    pub(super) fn reap_soon(&self, within: Duration) {
        if self.has_ended() {
            return;
        }
        let Ok(handle) = self.handle.try_clone() else { return };
        // Without a thread it stays a zombie until the controller ends, which harms nobody.
        let _thread = std::thread::Builder::new().name("reaper".into()).spawn(move || {
            let birth = Self { pid: Pid::from_raw(0), handle, signal: Signal::SIGKILL };
            let started = std::time::Instant::now();
            while !birth.has_ended() && started.elapsed() < within {
                std::thread::sleep(Duration::from_millis(10));
            }
        });
    }
}
