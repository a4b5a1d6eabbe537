//! The clock of one process, set by writing into the code that the kernel lends it.
//!
//! The kernel maps a small library, the vDSO, into every process; C libraries, Go, the JVM and Python read the time of day
//! through it. The page is shared until somebody writes to it, and writing through `/proc/PID/mem` gives the process a copy
//! of its own. There the first bytes of the functions that tell the time become a jump to code of ours in the unused end of
//! the library: it asks the kernel by a system call, and answers with something else.
//!
//! What is not covered: programs that make the system call themselves, timers of the kernel that are set to an absolute time
//! of day, and the times of files. Monotonic clocks stay true. For x86-64 only.
//!
//! All threads of a process are stopped meanwhile. One that stands between the first and the last of the bytes that change
//! would go on in the middle of the jump, so then all are let go on for a moment and it is tried again. A thread whose
//! signal handler runs is seen where the handler is; that it was interrupted within those four bytes is not looked for.

mod image;
mod stub;
mod threads;

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    time::{SystemTime, UNIX_EPOCH},
};

use crate::skew::Terms;
use image::Image;
use stub::{JUMP, Stub};
use threads::Stopped;

/// How often it is tried again when a thread stands where it must not.
const TRIES: u32 = 100;

/// How often it is tried again with a process that may just be about to execute another program.
const BIRTHS: u32 = 4;

/// The time of day as the machine has it, in nanoseconds since 1970.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}

/// Whether clocks can be set so on this kind of machine.
pub(crate) const fn is_supported() -> bool {
    cfg!(target_arch = "x86_64")
}

/// A process, its memory and its vDSO.
struct Patient {
    pid: i32,
    memory: File,
    image: Image,
}

impl Patient {
    fn open(pid: i32, write: bool) -> io::Result<Self> {
        let memory = OpenOptions::new().read(true).write(write).open(format!("/proc/{pid}/mem"))?;
        let image = Image::of(pid, &memory)?;
        Ok(Self { pid, memory, image })
    }

    fn read(&self, at: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        self.memory.read_exact_at(&mut bytes, at)?;
        Ok(bytes)
    }

    /// What was written there by us, if anything was and is in force.
    fn stub(&self) -> io::Result<Option<Stub>> {
        let bytes = self.read(self.image.room(stub::length())?, stub::length())?;
        let Some(stub) = Stub::read(&bytes) else { return Ok(None) };
        for entry in &self.image.entries {
            if self.read(*entry, 1)? != [JUMP] {
                return Ok(None);
            }
        }
        Ok(Some(stub))
    }

    /// Puts our code and its numbers there, or other numbers.
    fn skew(&self, terms: Terms) -> io::Result<()> {
        let room = self.image.room(stub::length())?;
        let before = self.stub()?;
        let originals = match &before {
            Some(stub) => stub.originals,
            None => {
                let mut originals = [[0; stub::ENTRY]; 3];
                for (original, entry) in originals.iter_mut().zip(self.image.entries) {
                    original.copy_from_slice(&self.read(entry, stub::ENTRY)?);
                }
                originals
            }
        };
        let stub = Stub { terms, originals };
        self.memory.write_all_at(&stub.bytes(), room)?;
        if before.is_none() {
            for (entry, goal) in self.image.entries.into_iter().zip(stub::goals()) {
                self.memory.write_all_at(&stub::jump(entry, room + goal), entry)?;
            }
        }
        Ok(())
    }

    /// Puts back what was there. Our code stays, for a thread that is in it.
    fn set_right(&self) -> io::Result<()> {
        let Some(stub) = self.stub()? else { return Ok(()) };
        for (entry, original) in self.image.entries.into_iter().zip(stub.originals) {
            self.memory.write_all_at(&original[..stub::JUMP_LENGTH], entry)?;
        }
        Ok(())
    }
}

/// How far the clock of a process is off now, in nanoseconds, as the code in it says.
pub(crate) fn error_of(pid: i32) -> io::Result<i64> {
    let stub = Patient::open(pid, false)?.stub()?;
    Ok(stub.map_or(0, |stub| stub.terms.error_at(now())))
}

/// Sets the clock of a process off, or (`None`) right. Idempotent. A process that has ended in the meantime is no error.
pub(crate) fn set(pid: i32, terms: Option<Terms>) -> io::Result<()> {
    let mut tried = set_living(pid, terms);
    for _ in 1..BIRTHS {
        match tried {
            Ok(()) => return Ok(()),
            Err(_) if threads::has_ended(pid) => return Ok(()),
            // In the middle of an exec a process has no vDSO for a moment.
            Err(_) => std::thread::sleep(std::time::Duration::from_millis(2)),
        }
        tried = set_living(pid, terms);
    }
    if threads::has_ended(pid) { Ok(()) } else { tried }
}

fn set_living(pid: i32, terms: Option<Terms>) -> io::Result<()> {
    if !is_supported() {
        return Err(io::Error::other("clocks can be set so on x86-64 only"));
    }
    let patient = Patient::open(pid, true)?;
    let now = patient.stub()?.map(|stub| stub.terms);
    if now == terms {
        return Ok(());
    }
    for _ in 0..TRIES {
        let stopped = Stopped::stop(patient.pid)?;
        let stands_in = |pc: u64| {
            patient
                .image
                .entries
                .iter()
                .any(|entry| (entry + 1..entry + stub::JUMP_LENGTH as u64).contains(&pc))
        };
        if !stopped.places()?.into_iter().any(stands_in) {
            return match terms {
                Some(terms) => patient.skew(terms),
                None => patient.set_right(),
            };
        }
        drop(stopped);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    Err(io::Error::other("a thread always stood where the change was to be made"))
}

#[cfg(test)]
#[cfg(target_arch = "x86_64")]
mod tests;
