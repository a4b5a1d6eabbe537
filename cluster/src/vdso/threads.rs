//! Stopping all threads of a process, and seeing where they stand.

use std::{
    fs, io,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

/// How long the threads of a process may take to stop.
const STOP: Duration = Duration::from_secs(2);

/// A process whose threads are all stopped. It goes on when this is dropped, unless it was stopped before.
#[derive(Debug)]
pub(super) struct Stopped {
    pid: i32,
    was_stopped: bool,
}

/// The letter of the state of a thread.
fn state(task: &str) -> Option<u8> {
    let stat = fs::read(format!("{task}/stat")).ok()?;
    let after = stat.iter().rposition(|byte| *byte == b')')?;
    stat.get(after + 2).copied()
}

/// Whether a process has ended, as far as its code is concerned.
pub(super) fn has_ended(pid: i32) -> bool {
    matches!(state(&format!("/proc/{pid}")), None | Some(b'Z' | b'X'))
}

fn tasks(pid: i32) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path().to_string_lossy().into_owned())).collect())
}

/// Whether every thread is stopped. One that has ended since is.
fn all_stopped(pid: i32) -> io::Result<bool> {
    Ok(tasks(pid)?.iter().all(|task| matches!(state(task), None | Some(b'T' | b't' | b'Z' | b'X'))))
}

impl Stopped {
    /// Stops a process.
    pub(super) fn stop(pid: i32) -> io::Result<Self> {
        let was_stopped = matches!(state(&format!("/proc/{pid}")), Some(b'T' | b't'));
        let stopped = Self { pid, was_stopped };
        kill(Pid::from_raw(pid), Signal::SIGSTOP)?;
        let asked = Instant::now();
        while !all_stopped(pid)? {
            if asked.elapsed() > STOP {
                return Err(io::Error::other("its threads did not stop"));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
        Ok(stopped)
    }

    /// Where its threads stand in the program.
    pub(super) fn places(&self) -> io::Result<Vec<u64>> {
        let mut places = Vec::new();
        for task in tasks(self.pid)? {
            let text = fs::read_to_string(format!("{task}/syscall"))?;
            // The number of a system call with its arguments or -1, and then the stack and the place.
            let place = text.split_whitespace().next_back().and_then(|word| word.strip_prefix("0x"));
            let place = place.and_then(|word| u64::from_str_radix(word, 16).ok());
            places.push(place.ok_or_else(|| io::Error::other(format!("a thread is not stopped: {text}")))?);
        }
        Ok(places)
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        if !self.was_stopped {
            // It may have been killed meanwhile.
            let _ended = kill(Pid::from_raw(self.pid), Signal::SIGCONT);
        }
    }
}
