//! Keeping the capabilities of a namespace across an exec, and giving all of them up.

use std::io;

/// The version of the kernel's structures that has room for 64 capabilities.
const VERSION_3: u32 = 0x2008_0522;

/// `SECBIT_NOROOT` and its lock: an exec by user id 0 gains nothing any more.
const NO_ROOT: libc::c_ulong = 0b11;

/// The number of `CAP_SYS_ADMIN`.
const SYS_ADMIN: u32 = 21;

#[repr(C)]
struct Header {
    version: u32,
    pid: i32,
}

/// Effective, permitted and inheritable sets, in two halves.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Half {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

fn get() -> io::Result<[Half; 2]> {
    let mut header = Header { version: VERSION_3, pid: 0 };
    let mut halves = [Half::default(); 2];
    // SAFETY: both structures have the layout of that version and live across the call.
    let done = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, halves.as_mut_ptr()) };
    if done == 0 { Ok(halves) } else { Err(io::Error::last_os_error()) }
}

fn set(halves: &[Half; 2]) -> io::Result<()> {
    let mut header = Header { version: VERSION_3, pid: 0 };
    // SAFETY: both structures have the layout of that version and live across the call.
    let done = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, halves.as_ptr()) };
    if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn control(option: i32, first: libc::c_ulong, second: libc::c_ulong) -> io::Result<()> {
    // SAFETY: these options of `prctl` take integers only.
    match unsafe { libc::prctl(option, first, second, 0, 0) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whether this process may administrate the namespaces it is in.
pub(super) fn has_sys_admin() -> bool {
    get().is_ok_and(|halves| halves[0].effective & (1 << SYS_ADMIN) != 0)
}

/// Makes what this process may do survive an exec by an ordinary user.
pub(super) fn keep_across_exec() -> io::Result<()> {
    let mut halves = get()?;
    for half in &mut halves {
        half.inheritable = half.permitted;
    }
    set(&halves)?;
    for capability in permitted(&halves) {
        control(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong, capability)?;
    }
    Ok(())
}

fn permitted(halves: &[Half; 2]) -> impl Iterator<Item = libc::c_ulong> {
    let all = u64::from(halves[0].permitted) | u64::from(halves[1].permitted) << 32;
    (0..64).filter(move |capability| all & (1 << capability) != 0)
}

/// Lets the next change of the user leave the permitted capabilities alone.
pub(super) fn keep_across_user_change() -> io::Result<()> {
    control(libc::PR_SET_KEEPCAPS, 1, 0)
}

/// Makes what is permitted effective again after a change of the user.
pub(super) fn regain() -> io::Result<()> {
    let mut halves = get()?;
    for half in &mut halves {
        half.effective = half.permitted;
    }
    set(&halves)
}

/// Gives up every capability for good, also for what is executed later, and forbids to gain any.
pub(super) fn drop_all() -> io::Result<()> {
    let halves = get()?;
    // Emptying the bounding set and the bits need capabilities, so they come first; who has none cannot gain any either.
    if permitted(&halves).next().is_some() {
        for capability in 0..64 {
            match control(libc::PR_CAPBSET_DROP, capability, 0) {
                Err(e) if e.raw_os_error() == Some(libc::EINVAL) => break,
                other => other?,
            }
        }
        control(libc::PR_SET_SECUREBITS, NO_ROOT, 0)?;
    }
    control(libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_CLEAR_ALL as libc::c_ulong, 0)?;
    set(&[Half::default(); 2])?;
    control(libc::PR_SET_NO_NEW_PRIVS, 1, 0)
}
