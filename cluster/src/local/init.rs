//! The first process of a node: one thread that reaps, and does what the controller asks.
//!
//! It ends when the controller closes its socket, and the kernel then ends everything on the node. On a loopback
//! cluster, where a node has no process namespace, it adopts the orphans of its node and ends them itself.

mod child;
mod clocks;
mod daemons;
mod processes;
mod setup;

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{SigSet, SigmaskHow, Signal, sigprocmask},
        signalfd::{SfdFlags, SignalFd},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};

use super::wire::{self, Answer, Request, Setup};
pub(super) use setup::mount_through;

use clocks::Clocks;
use daemons::Daemons;

/// The role of a node's first process. Its socket is its standard input.
pub(super) const ROLE: &str = "disprove-node";

/// What the first process knows.
struct Init {
    socket: OwnedFd,
    setup: Setup,
    daemons: Daemons,
    /// What the daemons are to take for the time.
    clock: Clocks,
    /// The commands that run, by process id, with the number of the request to answer.
    commands: BTreeMap<i32, u64>,
}

fn run() -> i32 {
    match serve() {
        Ok(()) => 0,
        Err(error) => {
            // Standard error is the controller's log of this node.
            let _unheard = io::Write::write_all(
                &mut io::stderr(),
                format!("first process of a node: {error}\n").as_bytes(),
            );
            1
        }
    }
}

crate::role!(ROLE, run);

fn serve() -> io::Result<()> {
    let mut watched = SigSet::empty();
    watched.add(Signal::SIGCHLD);
    watched.add(Signal::SIGTERM);
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&watched), None)?;
    let signals = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)?;
    let socket = child::take_standard_input()?;
    let Some(setup) = setup::hear(&socket)? else { return Ok(()) };
    let mut init = Init {
        socket,
        setup,
        daemons: Daemons::default(),
        clock: Clocks::default(),
        commands: BTreeMap::new(),
    };
    loop {
        let mut polled = [
            PollFd::new(signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(init.socket.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut polled, PollTimeout::NONE) {
            Err(nix::Error::EINTR) => continue,
            other => other?,
        };
        let asked = polled[1].revents().is_some_and(|events| !events.is_empty());
        let mut told_to_end = false;
        while let Ok(Some(info)) = signals.read_signal() {
            told_to_end |= info.ssi_signo == Signal::SIGTERM as u32;
        }
        init.reap()?;
        if told_to_end {
            break;
        }
        if asked && !init.hear()? {
            break;
        }
    }
    // Where we are the first process of a namespace, our own end is that of all others.
    if Pid::this().as_raw() != 1 && !init.end_all()? {
        return Err(io::Error::other("the kernel keeps a process of the node"));
    }
    Ok(())
}

impl Init {
    /// Takes leave of everything that has ended.
    fn reap(&mut self) -> io::Result<()> {
        loop {
            let (pid, code) = match waitpid(None::<Pid>, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::Exited(pid, code)) => (pid, code),
                Ok(WaitStatus::Signaled(pid, signal, _)) => (pid, 128 + signal as i32),
                Ok(WaitStatus::StillAlive) | Err(nix::Error::ECHILD) => break,
                Ok(_) | Err(nix::Error::EINTR) => continue,
                Err(e) => return Err(e.into()),
            };
            self.daemons.ended(pid, code);
            if let Some(number) = self.commands.remove(&pid.as_raw()) {
                self.answer(number, Answer::Exited(code), None)?;
            }
        }
        self.daemons.forget_empty_groups();
        Ok(())
    }

    /// Does one request; false when the controller is gone.
    fn hear(&mut self) -> io::Result<bool> {
        let (request, descriptors) = match wire::receive::<Request>(self.socket.as_fd()) {
            Ok(Some(heard)) => heard,
            Ok(None) => return Ok(false),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(true),
            Err(e) => return Err(e),
        };
        let number = request.number;
        let answer = match request.says {
            Request::Setup(_) => Answer::Failed { what: "set a node up twice".into(), errno: 0 },
            Request::Exec(argv) => return self.command(number, &child::Task::Run(argv), descriptors),
            Request::Write(path) => return self.command(number, &child::Task::Write(path), descriptors),
            Request::Read(path) => return self.command(number, &child::Task::Read(path), descriptors),
            Request::Cancel(earlier) => self.cancel(earlier),
            Request::Start(daemon) => match self.daemons.start(&daemon, &self.setup) {
                Answer::Done => self.clock.keep_up(&self.daemons.processes()),
                refused => refused,
            },
            Request::Environment(environment) => {
                self.setup.environment = environment;
                Answer::Done
            }
            Request::Skew(skew) => {
                self.clock.choose(skew);
                self.clock.keep_up(&self.daemons.processes())
            }
            Request::Skews => clocks::look(&self.daemons.processes()),
            Request::Signal(name, signal) => self.signal(&name, signal)?,
            Request::State(name) => Answer::State(self.daemons.state(&name)),
            Request::Wipe => self.wipe()?,
            Request::Mount => setup::mount_disk(&self.setup, descriptors),
            Request::SwitchOff => self.switch_off()?,
        };
        self.answer(number, answer, None)?;
        Ok(true)
    }

    fn command(&mut self, number: u64, task: &child::Task, streams: Vec<OwnedFd>) -> io::Result<bool> {
        match child::start(task, streams, &self.setup) {
            Ok(pid) => {
                self.commands.insert(pid.as_raw(), number);
            }
            Err((what, error)) => self.answer(number, Answer::failed(what, &error), None)?,
        }
        Ok(true)
    }

    fn cancel(&mut self, earlier: u64) -> Answer {
        if let Some((pid, _)) = self.commands.iter().find(|(_, number)| **number == earlier) {
            processes::kill_tree(Pid::from_raw(*pid));
        }
        Answer::Done
    }

    /// Signals a daemon. An answer to being ended or stopped is a fact: the kernel has done it.
    fn signal(&mut self, name: &str, signal: crate::Signal) -> io::Result<Answer> {
        let reached = self.daemons.signal(name, signal);
        for _ in 0..ROUNDS_MAX {
            self.reap()?;
            let done = match signal {
                crate::Signal::Kill => {
                    !self.daemons.is_alive(name) && reached.iter().all(|pid| processes::has_ended(*pid))
                }
                crate::Signal::Stop => reached.iter().all(|pid| processes::has_stopped(*pid)),
                crate::Signal::Continue | crate::Signal::Terminate => true,
            };
            if done {
                return Ok(Answer::Done);
            }
            std::thread::sleep(ROUND);
        }
        Ok(Answer::Failed {
            what: format!("signal {name}: the kernel keeps it in a call that cannot be interrupted"),
            errno: 0,
        })
    }

    fn wipe(&mut self) -> io::Result<Answer> {
        if !self.end_all()? {
            return Ok(Answer::Failed { what: "end every process of the node".into(), errno: 0 });
        }
        Ok(match child::empty(&self.setup.data) {
            Ok(()) => Answer::Done,
            Err(e) => Answer::failed(format!("empty {}", self.setup.data.display()), &e),
        })
    }

    fn switch_off(&mut self) -> io::Result<Answer> {
        if !self.end_all()? {
            return Ok(Answer::Failed { what: "end every process of the node".into(), errno: 0 });
        }
        Ok(setup::take_disk_off(&self.setup))
    }

    /// Ends every other process of the node; false when the kernel keeps one.
    fn end_all(&mut self) -> io::Result<bool> {
        for _ in 0..ROUNDS_MAX {
            processes::end_descendants();
            self.reap()?;
            if processes::descendants().is_empty() {
                return Ok(true);
            }
            std::thread::sleep(ROUND);
        }
        Ok(false)
    }

    fn answer(&self, number: u64, answer: Answer, descriptor: Option<BorrowedFd<'_>>) -> io::Result<()> {
        answer_on(&self.socket, number, answer, descriptor)
    }
}

/// How long the first process stays with a request that waits for the kernel, in rounds.
const ROUNDS_MAX: u32 = 1500;
const ROUND: std::time::Duration = std::time::Duration::from_millis(2);

/// Sends an answer. A full socket is waited for: the controller reads always, or is gone.
fn answer_on(
    socket: &OwnedFd,
    number: u64,
    answer: Answer,
    descriptor: Option<BorrowedFd<'_>>,
) -> io::Result<()> {
    let packet = wire::encode(number, answer)?;
    loop {
        match wire::send(socket.as_fd(), &packet, descriptor.as_slice()) {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLOUT)];
                poll(&mut polled, PollTimeout::NONE)?;
            }
            // Nobody is left to hear it; the main loop sees that as well, and ends.
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            other => return other,
        }
    }
}
