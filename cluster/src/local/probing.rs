//! Trying what a local cluster needs, step by step, for the doctor.

use std::io;

use nix::unistd::Pid;

use super::{CONTROLLER, device, identity::Identity, launch, session, veth};

pub(crate) use super::remedy::Step;

/// Whether local clusters with network faults are impossible without a step. The two kinds of devices replace each other.
pub(crate) fn is_needed(step: Step) -> bool {
    !matches!(step, Step::Tun | Step::Veth | Step::Disk)
}

/// What a clone has become.
pub(crate) enum Cloned {
    /// We are the parent of this process.
    Parent(Pid),
    /// We are the child; this is who we were outside.
    Child(Outside),
}

/// Who the child of a clone was outside, when a user namespace is round it.
pub(crate) struct Outside(Option<Identity>);

/// Clones this process, which has one thread, into namespaces.
pub(crate) fn clone_session() -> io::Result<Cloned> {
    let user = (!launch::is_real_root()).then(Identity::ours);
    Ok(match launch::clone_into_namespaces(user.is_some())? {
        0 => Cloned::Child(Outside(user)),
        pid => Cloned::Parent(Pid::from_raw(pid)),
    })
}

/// Tries every step inside the namespaces, in the child of the clone.
pub(crate) fn try_all(outside: &Outside) -> Vec<(Step, io::Result<()>)> {
    if let Err((step, error)) = session::prepare(outside.0) {
        return vec![(step, Err(error))];
    }
    let prepared = [Step::UserMap, Step::Mount, Step::Proc, Step::Loopback, Step::Capabilities];
    let mut tried: Vec<(Step, io::Result<()>)> = prepared.into_iter().map(|step| (step, Ok(()))).collect();
    let started = std::process::Command::new("/proc/self/exe")
        .arg("disprove-probe-start")
        .env(crate::reexec::ROLE, START_ROLE)
        .status();
    tried.push((Step::Start, started.map(|_| ())));
    // Dropping a TUN device removes it, and with it the name that the pair needs.
    tried.push((Step::Tun, device::make_tun(CONTROLLER).map(drop)));
    tried.push((Step::Veth, veth::make("p0", CONTROLLER, None).map(drop)));
    tried.push((Step::Disk, try_disk()));
    tried
}

/// Mounts a disk that nobody serves, over a folder that is surely there, where only we see it.
fn try_disk() -> io::Result<()> {
    let device = crate::disk::open_device()?;
    let over = std::path::Path::new("/proc");
    super::init::mount_through(&device, over)?;
    Ok(nix::mount::umount2(over, nix::mount::MntFlags::MNT_DETACH)?)
}

const START_ROLE: &str = "disprove-probe-start";

fn nothing() -> i32 {
    0
}

crate::role!(START_ROLE, nothing);
