//! Tests inside namespaces: a test that starts itself again, inside.

use std::{
    io::{self, Read, Write},
    os::fd::{AsRawFd, BorrowedFd},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::launch;
use crate::{Error, reexec};

/// The role that launches a session without a `main`.
pub(super) const LAUNCH_ROLE: &str = "disprove-launch";

/// The exit code of what could not enter its namespaces.
pub(super) const REFUSED: i32 = 70;

/// The environment variable with the descriptor by which a test says that it was reached.
const REACHED: &str = "DISPROVE_REACHED";

/// How long a test may take inside.
const WITHIN: Duration = Duration::from_secs(120);

/// The most output of a test that is kept.
const OUTPUT_BYTES_MAX: u64 = 4 << 20;

/// Runs a test inside namespaces: true when this is inside, and the test is to go on.
///
/// Outside, it runs the one test of that full name from this test binary again, inside, prints what that printed, and
/// returns false when it passed. It is an error when it failed, when no test of that name was reached, or when the machine
/// does not permit namespaces.
///
/// ```no_run
/// # #[cfg(target_os = "linux")]
/// #[test]
/// fn nodes_have_names() {
///     if !disprove_cluster::local::inside_or_reexec("nodes_have_names").expect("the test passes inside") {
///         return;
///     }
///     // From here on this is the controller of a cluster.
/// }
/// ```
pub fn inside_or_reexec(test: &str) -> Result<bool, Error> {
    if launch::is_inside() {
        say_reached()?;
        return Ok(true);
    }
    let (heard, said) = launch::pipe()?;
    let (mut output, writer) = io::pipe().map_err(|e| Error::io("make a pipe", e))?;
    let errors = writer.try_clone().map_err(|e| Error::io("copy a pipe", e))?;
    pass_on(&said)?;
    let mut child = Command::new(reexec::SELF)
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(reexec::ROLE, LAUNCH_ROLE)
        .env(REACHED, said.as_raw_fd().to_string())
        .stdin(Stdio::null())
        .stdout(writer)
        .stderr(errors)
        .spawn()
        .map_err(|e| Error::io("start the test again", e))?;
    drop(said);
    // The end of the output is the end of the test: a watch over the time ends one that hangs.
    let (done, ended) = mpsc::channel::<()>();
    let launcher = child.id();
    let watch = thread::spawn(move || {
        if ended.recv_timeout(WITHIN) == Err(mpsc::RecvTimeoutError::Timeout) {
            let pid = nix::unistd::Pid::from_raw(launcher as i32);
            // It is still our child and has not been waited for, so the number is still its own.
            let _ended = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL);
        }
    });
    let mut text = Vec::new();
    let read = Read::by_ref(&mut output).take(OUTPUT_BYTES_MAX).read_to_end(&mut text);
    drop(output);
    drop(done);
    let _watched = watch.join();
    let status = child.wait().map_err(|e| Error::io("wait for the test", e))?;
    read.map_err(|e| Error::io("read the output of the test", e))?;
    let text = String::from_utf8_lossy(&text);
    // Not read to its end: another test's children may hold the other end for a while.
    let reached = launch::is_readable(&heard);
    if !status.success() {
        return Err(Error::Unsupported(format!(
            "the test {test}, which ended with {status} inside:\n{text}\n"
        )));
    }
    if !reached {
        return Err(Error::Unsupported(format!("a test without the name {test}")));
    }
    // Not an answer to anybody: it is the test's own output, for who runs tests with `--nocapture`.
    io::stdout().write_all(text.as_bytes()).map_err(|e| Error::io("pass the output of the test on", e))?;
    Ok(false)
}

/// Lets a descriptor survive the next exec.
fn pass_on(descriptor: &impl AsRawFd) -> Result<(), Error> {
    // SAFETY: the caller owns it.
    let borrowed = unsafe { BorrowedFd::borrow_raw(descriptor.as_raw_fd()) };
    nix::fcntl::fcntl(borrowed, nix::fcntl::FcntlArg::F_SETFD(nix::fcntl::FdFlag::empty()))
        .map(|_| ())
        .map_err(|e| Error::io("pass a descriptor on", e))
}

fn say_reached() -> Result<(), Error> {
    let Some(number) = std::env::var(REACHED).ok().and_then(|number| number.parse::<i32>().ok()) else {
        return Ok(());
    };
    // SAFETY: the launcher passed this descriptor on, and only this function uses it.
    let said = unsafe { BorrowedFd::borrow_raw(number) };
    nix::unistd::write(said, b"!").map(|_| ()).map_err(|e| Error::io("say that the test was reached", e))
}
