//! Processes of a node: forked from its first process, with its user, no capabilities and a session of their own.

use std::{
    convert::Infallible,
    ffi::CString,
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd, FromRawFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::{Path, PathBuf},
};

use nix::{
    sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask},
    unistd::{ForkResult, Pid, fork},
};

use super::super::{identity, launch, wire::Setup};

/// The exit code of a command that could not be executed, as shells have it.
const NOT_EXECUTED: i32 = 127;

/// What a child does.
pub(super) enum Task {
    /// Executes a program.
    Run(Vec<String>),
    /// Writes its standard input to a file.
    Write(PathBuf),
    /// Writes a file to its standard output.
    Read(PathBuf),
}

/// What a child starts with.
pub(super) struct Terms<'a> {
    /// The three standard streams.
    pub streams: [OwnedFd; 3],
    /// Where it runs.
    pub directory: &'a Path,
    /// Environment beside the node's own.
    pub environment: &'a [(String, String)],
}

/// What could not be done, as a verb phrase, and why.
pub(super) type Failure = (String, io::Error);

/// Takes the socket away from standard input, and puts nothing in its place.
pub(super) fn take_standard_input() -> io::Result<OwnedFd> {
    // SAFETY: standard input is open in every role that was started with a socket there.
    let input = unsafe { std::os::fd::BorrowedFd::borrow_raw(0) };
    let socket = input.try_clone_to_owned()?;
    let nothing = File::open("/dev/null")?;
    // SAFETY: both descriptors are open; the call closes what was 0.
    if unsafe { libc::dup2(nothing.as_raw_fd(), 0) } < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(socket)
}

/// Starts a command with the streams that came along.
pub(super) fn start(task: &Task, streams: Vec<OwnedFd>, setup: &Setup) -> Result<Pid, Failure> {
    let streams: [OwnedFd; 3] = streams.try_into().map_err(|_| {
        ("start a command".to_owned(), io::Error::other("three descriptors did not come along"))
    })?;
    spawn(task, Terms { streams, directory: &setup.data, environment: &[] }, setup)
}

/// Starts a child, and knows when this returns that its program is being executed.
pub(super) fn spawn(task: &Task, terms: Terms<'_>, setup: &Setup) -> Result<Pid, Failure> {
    let what = match task {
        Task::Run(argv) => format!("execute {}", argv.first().map_or("nothing", String::as_str)),
        Task::Write(path) => format!("write {}", path.display()),
        Task::Read(path) => format!("read {}", path.display()),
    };
    let executed = prepare(task).map_err(|e| (what.clone(), e))?;
    let (heard, report) = launch::pipe().map_err(|e| (what.clone(), io::Error::other(e)))?;
    // SAFETY: this process has one thread.
    match unsafe { fork() }.map_err(|e| (what.clone(), e.into()))? {
        ForkResult::Child => {
            drop(heard);
            let code = match live(task, executed, terms, setup, report) {
                Ok(never) => match never {},
                Err(code) => code,
            };
            // SAFETY: exit handlers belong to the first process.
            unsafe { libc::_exit(code) }
        }
        ForkResult::Parent { child } => {
            drop((report, terms));
            let mut text = Vec::new();
            io::Read::read_to_end(&mut File::from(heard), &mut text).map_err(|e| (what.clone(), e))?;
            if text.is_empty() {
                return Ok(child);
            }
            // Its exit code is worth nothing, and the next round of the main loop reaps it.
            let errno = String::from_utf8_lossy(&text).parse().unwrap_or(0);
            Err((what, io::Error::from_raw_os_error(errno)))
        }
    }
}

/// The arguments in the kernel's form.
fn prepare(task: &Task) -> io::Result<Vec<CString>> {
    let Task::Run(argv) = task else { return Ok(Vec::new()) };
    if argv.is_empty() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "there is no program to execute"));
    }
    Ok(argv.iter().map(|argument| CString::new(argument.as_bytes())).collect::<Result<_, _>>()?)
}

/// The life of a child. Returns its exit code when it comes to an end without executing anything else.
fn live(
    task: &Task,
    argv: Vec<CString>,
    terms: Terms<'_>,
    setup: &Setup,
    report: OwnedFd,
) -> Result<Infallible, i32> {
    let begun = begin(&terms, setup);
    let end = |error: io::Error| {
        // Without a reader there is nobody left to tell.
        let _unheard =
            nix::unistd::write(&report, error.raw_os_error().unwrap_or(libc::EINVAL).to_string().as_bytes());
        NOT_EXECUTED
    };
    begun.map_err(end)?;
    match task {
        Task::Run(_) => {
            let environment = environment(&terms, setup).map_err(end)?;
            Err(end(execute(&argv, &environment)))
        }
        Task::Write(path) => {
            drop(report);
            Err(finish(write(path)))
        }
        Task::Read(path) => {
            drop(report);
            Err(finish(read(path)))
        }
    }
}

/// Says on standard error how a transfer failed; the exit code tells whether.
fn finish(done: io::Result<()>) -> i32 {
    let Err(error) = done else { return 0 };
    let _unheard = io::Write::write_all(&mut io::stderr(), error.to_string().as_bytes());
    1
}

fn begin(terms: &Terms<'_>, setup: &Setup) -> io::Result<()> {
    nix::unistd::setsid()?;
    for (to, stream) in (0..).zip(&terms.streams) {
        // SAFETY: both descriptors are open or to be replaced. The streams themselves are closed by the exec.
        if unsafe { libc::dup2(stream.as_raw_fd(), to) } < 0 {
            return Err(io::Error::last_os_error());
        }
    }
    heed_all_signals()?;
    close_others_on_exec()?;
    sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)?;
    identity::step_down(setup.identity)?;
    if setup.network.is_none() {
        // Without a process namespace this is what ends a daemon when the first process is killed, which has one thread.
        nix::sys::prctl::set_pdeathsig(Signal::SIGKILL)?;
    }
    nix::unistd::chdir(terms.directory)?;
    Ok(())
}

/// Keeps descriptors of ours, and those that whoever started us left open, from the programs of a node.
fn close_others_on_exec() -> io::Result<()> {
    for entry in fs::read_dir("/proc/self/fd")? {
        let Some(number) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        if number > 2 {
            // SAFETY: the call changes a flag; the number was open a moment ago and nobody else closes it.
            unsafe { libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
    Ok(())
}

/// Undoes what Rust, `nohup` and others ignore: the kernel lets it survive an exec, and a program on a fresh host would
/// find nothing ignored. The C library hides some signals, so this is the bare system call.
fn heed_all_signals() -> io::Result<()> {
    // The kernel's structure is not longer than this, and the zeroes in it mean the usual action.
    let usual = [0_u64; 8];
    for signal in (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP].contains(signal)) {
        let none = std::ptr::null_mut::<u64>();
        // SAFETY: the structure outlives the call, and no handler is installed.
        if unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, usual.as_ptr(), none, 8_usize) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

fn environment(terms: &Terms<'_>, setup: &Setup) -> io::Result<Vec<CString>> {
    let mut all: std::collections::BTreeMap<&str, &str> = std::collections::BTreeMap::new();
    for (name, value) in setup.environment.iter().chain(terms.environment) {
        all.insert(name, value);
    }
    Ok(all.iter().map(|(name, value)| CString::new(format!("{name}={value}"))).collect::<Result<_, _>>()?)
}

/// Executes a program, looked up in the node's own path; returns why it could not.
fn execute(argv: &[CString], environment: &[CString]) -> io::Error {
    let path = environment.iter().find_map(|entry| entry.to_bytes().strip_prefix(b"PATH="));
    let program = argv[0].to_bytes();
    let candidates: Vec<Vec<u8>> = if program.contains(&b'/') {
        vec![program.to_vec()]
    } else {
        let folders = path.unwrap_or(b"/usr/bin:/bin").split(|byte| *byte == b':');
        folders.map(|folder| [folder, b"/", program].concat()).collect()
    };
    let mut refusal = nix::Error::ENOENT;
    for candidate in candidates {
        let Ok(path) = CString::new(candidate) else { continue };
        let Err(error) = nix::unistd::execve(&path, argv, environment);
        // What is not in one folder, or in a folder that we may not enter, may be in the next.
        if !matches!(error, nix::Error::ENOENT | nix::Error::ENOTDIR | nix::Error::EACCES) {
            return error.into();
        }
        let exists = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes())).exists();
        if error == nix::Error::EACCES && exists {
            refusal = error;
        }
    }
    refusal.into()
}

fn stream(number: i32) -> File {
    // SAFETY: the child's standard streams are open and nobody else in this process uses them as files.
    unsafe { File::from_raw_fd(number) }
}

/// Puts a file there in one piece: nobody sees half of it.
fn write(path: &Path) -> io::Result<()> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent)?;
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let mut hidden = b".".to_vec();
    hidden.extend_from_slice(name.as_bytes());
    hidden.extend_from_slice(format!(".{}", std::process::id()).as_bytes());
    let hidden = parent.join(std::ffi::OsStr::from_bytes(&hidden));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).open(&hidden)?;
    let written = io::copy(&mut stream(0), &mut file).and_then(|_| fs::rename(&hidden, path));
    if written.is_err() {
        // The reason to report is why it could not be written.
        let _left_behind = fs::remove_file(&hidden);
    }
    written
}

fn read(path: &Path) -> io::Result<()> {
    io::copy(&mut File::open(path)?, &mut stream(1)).map(|_| ())
}

/// Removes what is in a folder.
pub(super) fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
