//! Becoming a node: hostname, `/proc`, `/etc/hosts`, folders and the network device.

use std::{
    fs::{self, File},
    io,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
};

use nix::{
    mount::{MntFlags, MsFlags, mount, umount2},
    poll::{PollFd, PollFlags, PollTimeout, poll},
};

use super::{
    super::{
        device, session,
        wire::{self, Answer, NodeNetwork, Request, Setup},
    },
    answer_on,
};

/// Waits for the first request, does it and answers; `None` when there is nothing to serve after it.
pub(super) fn hear(socket: &OwnedFd) -> io::Result<Option<Setup>> {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::POLLIN)];
    poll(&mut polled, PollTimeout::NONE)?;
    let Some((request, _)) = wire::receive::<Request>(socket.as_fd())? else { return Ok(None) };
    let Request::Setup(setup) = request.says else {
        return Err(io::Error::other("the first request was not the setup"));
    };
    match become_node(&setup) {
        Ok(device) => {
            answer_on(socket, request.number, Answer::Done, device.as_ref().map(AsFd::as_fd))?;
            Ok(Some(setup))
        }
        Err((what, error)) => {
            answer_on(socket, request.number, Answer::failed(what, &error), None)?;
            Ok(None)
        }
    }
}

type Failure = (String, io::Error);

fn become_node(setup: &Setup) -> Result<Option<OwnedFd>, Failure> {
    // A name in `ps` that says which node this is; longer ones are cut by the kernel.
    if let Ok(title) = std::ffi::CString::new(format!("disprove {}", setup.name)) {
        nix::sys::prctl::set_name(&title).map_err(|e| ("name the process".into(), e.into()))?;
    }
    let Some(network) = &setup.network else {
        nix::sys::prctl::set_child_subreaper(true).map_err(|e| ("adopt orphans".into(), e.into()))?;
        return Ok(None);
    };
    nix::unistd::setsid().map_err(|e| ("begin a session".to_owned(), e.into()))?;
    nix::unistd::sethostname(&setup.name).map_err(|e| ("set the hostname".to_owned(), e.into()))?;
    session::mount_proc().map_err(|e| ("mount /proc".to_owned(), e))?;
    bind(&network.hosts, Path::new("/etc/hosts")).map_err(|e| ("mount /etc/hosts".to_owned(), e))?;
    own_shared_memory().map_err(|e| ("mount /dev/shm".to_owned(), e))?;
    show(&setup.shown).map_err(|e| ("mount the node's folders".to_owned(), e))?;
    device::bring_up_loopback().map_err(|e| ("bring up loopback".to_owned(), e))?;
    attach(network).map_err(|e| ("make the network device".to_owned(), e))
}

/// Mounts what a device serves over the data folder. The caller answers for it, so nobody here asks it anything.
pub(super) fn mount_disk(setup: &Setup, descriptors: Vec<OwnedFd>) -> Answer {
    let Some(device) = descriptors.first() else {
        return Answer::Failed { what: "mount a disk without its device".into(), errno: 0 };
    };
    match mount_through(device, &setup.data) {
        Ok(()) => Answer::Done,
        Err(error) => Answer::failed(format!("mount a disk on {}", setup.data.display()), &error),
    }
}

/// Mounts what a device serves.
pub(in super::super) fn mount_through(device: &OwnedFd, over: &Path) -> io::Result<()> {
    let (uid, gid) = (nix::unistd::getuid(), nix::unistd::getgid());
    let options = format!(
        "fd={},rootmode=40000,user_id={uid},group_id={gid},allow_other,default_permissions",
        std::os::fd::AsRawFd::as_raw_fd(device)
    );
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOATIME;
    Ok(mount(Some("disprove"), over, Some("fuse.disprove"), flags, Some(options.as_str()))?)
}

/// Takes what is mounted over the data folder off, if something is.
pub(super) fn take_disk_off(setup: &Setup) -> Answer {
    match umount2(&setup.data, MntFlags::MNT_DETACH) {
        // Where nothing is mounted there is nothing to be done.
        Ok(()) | Err(nix::Error::EINVAL) => Answer::Done,
        Err(error) => Answer::failed(format!("take the disk off {}", setup.data.display()), &error.into()),
    }
}

fn bind(from: &Path, to: &Path) -> io::Result<()> {
    let none = None::<&str>;
    Ok(mount(Some(from), to, none, MsFlags::MS_BIND, none)?)
}

/// Shared memory is part of the machine's file system, and would otherwise outlive the node.
fn own_shared_memory() -> io::Result<()> {
    if !Path::new("/dev/shm").is_dir() {
        return Ok(());
    }
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    Ok(mount(Some("tmpfs"), "/dev/shm", Some("tmpfs"), flags, Some("mode=1777"))?)
}

/// Shows folders at other places: in a small file system over the parent of those places, which hides what is there.
fn show(shown: &[(PathBuf, PathBuf)]) -> io::Result<()> {
    // The sources may lie below what is hidden, so they are opened first.
    let mut opened = Vec::new();
    for (from, to) in shown {
        opened.push((File::open(from)?, to));
    }
    let Some(parent) = shown.first().and_then(|(_, to)| to.parent()) else { return Ok(()) };
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), parent, Some("tmpfs"), flags, Some("mode=0755,size=1m"))?;
    for (from, to) in opened {
        fs::create_dir(to)?;
        bind(Path::new(&format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&from))), to)?;
    }
    Ok(())
}

fn attach(network: &NodeNetwork) -> io::Result<Option<OwnedFd>> {
    let Some(neighbours) = &network.neighbours else {
        return device::make_tun(network.address).map(Some);
    };
    device::turn_offloads_off(device::NAME)?;
    device::configure(device::NAME, network.address)?;
    for (address, mac) in neighbours.iter().filter(|(address, _)| *address != network.address) {
        device::add_neighbour(device::NAME, *address, *mac)?;
    }
    Ok(None)
}
