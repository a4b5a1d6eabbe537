//! What to do about each thing that a machine may not permit.

use std::io;

use crate::Error;

/// What a local cluster needs of the machine, in the order in which it needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// Cloning into new namespaces.
    Namespaces = 1,
    /// Writing the maps of the user namespace.
    UserMap,
    /// Changing mounts.
    Mount,
    /// Mounting `/proc`.
    Proc,
    /// Bringing up the loopback device.
    Loopback,
    /// Keeping capabilities across an exec.
    Capabilities,
    /// Starting processes.
    Start,
    /// Opening and making a TUN device.
    Tun,
    /// Making a pair of virtual Ethernet devices and reading one end.
    Veth,
    /// Serving a file system, for the faults of disks.
    Disk,
}

impl Step {
    /// All of them, in order.
    pub(crate) const ALL: [Self; 10] = [
        Self::Namespaces,
        Self::UserMap,
        Self::Mount,
        Self::Proc,
        Self::Loopback,
        Self::Capabilities,
        Self::Start,
        Self::Tun,
        Self::Veth,
        Self::Disk,
    ];

    /// The step of a number that another process reported.
    pub(crate) fn of(number: i32) -> Self {
        Self::ALL.into_iter().find(|step| *step as i32 == number).unwrap_or(Self::Start)
    }

    /// What it is, as a noun phrase.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Namespaces => "making namespaces",
            Self::UserMap => "mapping our own user into a user namespace",
            Self::Mount => "changing mounts inside a namespace",
            Self::Proc => "mounting /proc inside a namespace",
            Self::Loopback => "bringing up loopback inside a namespace",
            Self::Capabilities => "keeping capabilities inside a namespace",
            Self::Start => "starting a process inside a namespace",
            Self::Tun => "making a TUN device",
            Self::Veth => "making a pair of virtual Ethernet devices",
            Self::Disk => "serving disks through /dev/fuse",
        }
    }

    /// The exact remedy.
    pub(crate) fn remedy(self) -> String {
        match self {
            Self::Tun => "run `sudo modprobe tun && sudo chmod 666 /dev/net/tun`".into(),
            Self::Veth => "run `sudo modprobe veth af_packet`".into(),
            Self::Disk => "run `sudo modprobe fuse && sudo chmod 666 /dev/fuse`".into(),
            Self::Proc => {
                "nothing may be mounted over parts of /proc, as Docker does: run the container with \
                           `--security-opt systempaths=unconfined`, or run outside of it"
                    .into()
            }
            Self::Start => {
                "see whether `ulimit -u` or the limit of the control group leaves room for processes".into()
            }
            _ => user_namespaces(),
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/proc/sys/{name}")).ok()?.trim().parse().ok()
}

/// Which of the known locks on user namespaces is closed here.
fn user_namespaces() -> String {
    if setting("kernel/unprivileged_userns_clone") == Some(0) {
        return "run `sudo sysctl -w kernel.unprivileged_userns_clone=1`".into();
    }
    if setting("user/max_user_namespaces") == Some(0) {
        return "run `sudo sysctl -w user.max_user_namespaces=15000`".into();
    }
    if setting("kernel/apparmor_restrict_unprivileged_userns") == Some(1) {
        return "run `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`".into();
    }
    "in a container, run it with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`; elsewhere run as \
     root"
        .into()
}

/// The error for a refused step: with its remedy where it is a matter of permission.
pub(crate) fn refused(step: Step, error: io::Error) -> Error {
    let permission = [libc::EPERM, libc::EACCES, libc::ENOSPC, libc::EINVAL, libc::ENOSYS, libc::EUSERS];
    match error.raw_os_error() {
        Some(code) if permission.contains(&code) => {
            Error::NotPermitted { what: format!("{} ({error})", step.name()), remedy: step.remedy() }
        }
        _ => Error::io(format!("get on with {}", step.name()), error),
    }
}
