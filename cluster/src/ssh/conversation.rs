//! One command over one channel: its input and both outputs at once, so that neither side waits for the other for ever.

use std::{
    io::{self, Read, Write},
    os::fd::AsRawFd,
    time::{Duration, Instant},
};

use ssh2::{BlockDirections, Channel, ErrorCode, Session};

use super::session::{milliseconds, step};
use crate::Output;

/// What libssh2 calls that it would have to wait.
const WOULD_BLOCK: i32 = -37;

/// How long one wait for the socket lasts at most, so that a stop is noticed.
const WAIT: Duration = Duration::from_millis(250);

/// The most bytes that one stream of a command, or a file, may bring.
const OUTPUT_BYTES_MAX: usize = 256 << 20;

/// How a command went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// The connection was dead before anything was said: nothing has been done.
    Unsaid(String),
    /// The connection died after the command was sent: nobody knows how far it got.
    MidWay(String),
    /// It did not end in time.
    Late,
    /// Its output is more than anybody wants.
    TooMuch,
    /// Nobody wants its output any more.
    Unwanted,
}

/// Where the standard output of a command goes; an error ends it.
pub(super) type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> Result<(), Broken>;

/// Says a command on a session that nobody else uses, and hears it out.
pub(super) fn converse(
    session: &Session,
    command: &str,
    stdin: &[u8],
    until: Instant,
) -> Result<Output, Broken> {
    let mut stdout = Vec::new();
    let mut output = stream(session, command, stdin, until, &mut |bytes| {
        stdout.extend_from_slice(bytes);
        if stdout.len() > OUTPUT_BYTES_MAX { Err(Broken::TooMuch) } else { Ok(()) }
    })?;
    output.stdout = stdout;
    Ok(output)
}

/// The same, with the standard output handed on as it comes.
pub(super) fn stream(
    session: &Session,
    command: &str,
    stdin: &[u8],
    until: Instant,
    sink: Sink<'_>,
) -> Result<Output, Broken> {
    session.set_blocking(true);
    session.set_timeout(milliseconds(step(until)));
    let unsaid = |error: ssh2::Error| Broken::Unsaid(error.message().to_owned());
    let mut channel = session.channel_session().map_err(unsaid)?;
    channel.exec(command).map_err(|error| Broken::MidWay(error.message().to_owned()))?;
    session.set_blocking(false);
    let heard = hear(session, &mut channel, stdin, until, sink);
    session.set_blocking(true);
    session.set_timeout(milliseconds(step(until)));
    let stderr = heard?;
    let lost = |error: ssh2::Error| Broken::MidWay(error.message().to_owned());
    channel.close().map_err(lost)?;
    channel.wait_close().map_err(lost)?;
    let signal = channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
    let code = match signal {
        Some(name) => 128 + signal_number(&name),
        None => channel.exit_status().map_err(lost)?,
    };
    Ok(Output { code, stdout: Vec::new(), stderr })
}

fn hear(
    session: &Session,
    channel: &mut Channel,
    stdin: &[u8],
    until: Instant,
    sink: Sink<'_>,
) -> Result<Vec<u8>, Broken> {
    let (mut said, mut ended) = (0, false);
    let mut stderr = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    loop {
        let mut moved = false;
        while let Some(count) = take(channel.read(&mut buffer))? {
            sink(&buffer[..count])?;
            moved = true;
        }
        while let Some(count) = take(channel.stderr().read(&mut buffer))? {
            stderr.extend_from_slice(&buffer[..count]);
            if stderr.len() > OUTPUT_BYTES_MAX {
                return Err(Broken::TooMuch);
            }
            moved = true;
        }
        if channel.eof() {
            return Ok(stderr);
        }
        if said < stdin.len() {
            match channel.write(&stdin[said..]) {
                Ok(count) => {
                    said += count;
                    moved = moved || count > 0;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A command may end, or close its input, without having read it all.
                Err(_) => said = stdin.len(),
            }
        } else if !ended {
            match channel.send_eof() {
                Err(error) if error.code() == ErrorCode::Session(WOULD_BLOCK) => {}
                // Where the end cannot be told, the command's own end tells.
                Ok(()) | Err(_) => ended = true,
            }
        }
        if Instant::now() >= until {
            return Err(Broken::Late);
        }
        if !moved {
            wait(session, until)?;
            // Also tells a stream whose receiver has gone.
            sink(&[])?;
        }
    }
}

/// How much was read; `None` when there is nothing now.
fn take(read: io::Result<usize>) -> Result<Option<usize>, Broken> {
    match read {
        Ok(0) => Ok(None),
        Ok(count) => Ok(Some(count)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(Broken::MidWay(error.to_string())),
    }
}

fn wait(session: &Session, until: Instant) -> Result<(), Broken> {
    let directions = session.block_directions();
    let mut events = libc::POLLIN;
    if matches!(directions, BlockDirections::Outbound | BlockDirections::Both) {
        events |= libc::POLLOUT;
    }
    let mut descriptor = libc::pollfd { fd: session.as_raw_fd(), events, revents: 0 };
    let left = until.saturating_duration_since(Instant::now()).min(WAIT);
    // SAFETY: one descriptor, which lives as long as the call.
    let ready = unsafe { libc::poll(&raw mut descriptor, 1, left.as_millis() as libc::c_int) };
    let error = io::Error::last_os_error();
    if ready < 0 && error.kind() != io::ErrorKind::Interrupted {
        return Err(Broken::MidWay(error.to_string()));
    }
    Ok(())
}

fn signal_number(name: &str) -> i32 {
    match name {
        "HUP" => libc::SIGHUP,
        "INT" => libc::SIGINT,
        "QUIT" => libc::SIGQUIT,
        "ILL" => libc::SIGILL,
        "ABRT" => libc::SIGABRT,
        "FPE" => libc::SIGFPE,
        "SEGV" => libc::SIGSEGV,
        "PIPE" => libc::SIGPIPE,
        "ALRM" => libc::SIGALRM,
        "TERM" => libc::SIGTERM,
        _ => libc::SIGKILL,
    }
}
