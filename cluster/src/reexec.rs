//! Roles: other lives of the same executable, begun by starting it again with a mark in its environment.
//!
//! A node's first process, or a specimen that runs on a node, is not a program of its own: it is `/proc/self/exe` started
//! again with [`ROLE`] set. The role runs from a constructor, before `main` and before any thread exists, and the process
//! ends with it. So it works from `disprove`, from a user's own binary and from a test harness, none of which has to
//! do anything for it in `main`.

use std::{ffi::OsString, os::unix::ffi::OsStringExt, panic, sync::OnceLock};

/// The environment variable that names the role of a process.
pub const ROLE: &str = "DISPROVE_ROLE";

/// What every Linux process can start itself again by, also when its file has been replaced or lies in a folder that it
/// may not enter.
pub const SELF: &str = "/proc/self/exe";

/// Registers a role: `cluster::role!("specimen", run);` with `fn run() -> i32`, whose value becomes the exit code.
///
/// It may stand in any crate that is linked into the executable. The function runs before `main`; it may start threads,
/// and finds its arguments with [`arguments`](crate::reexec::arguments). The mark has left the environment by then, so
/// that what it starts in turn has no role.
#[macro_export]
macro_rules! role {
    ($name:expr, $function:path) => {
        const _: () = {
            extern "C" fn begin() {
                $crate::reexec::run_if_asked($name, $function);
            }
            // The compiler keeps `#[used]` statics of libraries too, and the loader calls what lies in this section.
            #[used]
            #[cfg_attr(target_os = "linux", unsafe(link_section = ".init_array"))]
            static BEGIN: extern "C" fn() = begin;
        };
    };
}

static CURRENT: OnceLock<String> = OnceLock::new();

/// The role of this process.
pub(crate) fn current() -> Option<&'static str> {
    CURRENT.get().map(String::as_str)
}

/// Runs the function and ends the process when this process was started for that role. Called by [`role!`].
#[doc(hidden)]
pub fn run_if_asked(name: &str, function: fn() -> i32) {
    if std::env::var_os(ROLE).is_none_or(|asked| asked != name) {
        return;
    }
    // Nobody else can have set it: a process has one role at most.
    let _set = CURRENT.set(name.to_owned());
    // SAFETY: this runs before `main`, so no other thread can be reading the environment.
    unsafe { std::env::remove_var(ROLE) };
    let code = panic::catch_unwind(function).unwrap_or(101);
    std::process::exit(code)
}

/// The arguments of this process after its name. Unlike `std::env::args` they are known before `main` on every C library.
pub fn arguments() -> Vec<OsString> {
    command_line().into_iter().skip(1).collect()
}

/// The name and the arguments of this process.
pub(crate) fn command_line() -> Vec<OsString> {
    let mut bytes = std::fs::read("/proc/self/cmdline").unwrap_or_default();
    if bytes.last() == Some(&0) {
        bytes.pop();
    }
    bytes.split(|byte| *byte == 0).map(|part| OsString::from_vec(part.to_vec())).collect()
}
