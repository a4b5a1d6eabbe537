//! Where TUN devices are not permitted: a veth pair for each node, of which the switch reads one end by a packet socket.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    process::Command,
    thread,
};

use disprove_cluster::{
    LayerId, Network,
    switch::{Framing, Port, Switch, SwitchOptions, mac_of},
};
use nix::sched::{CloneFlags, unshare};

use crate::{
    rig::{address, block_on, endpoint, link, ms, policy},
    tcp::transfer,
    tun::{self, Host},
};

fn ip(arguments: &str) -> io::Result<()> {
    let output = Command::new("ip").args(arguments.split(' ')).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{arguments}: {}", String::from_utf8_lossy(&output.stderr)))),
    }
}

/// Makes one namespace for each node and one for our ends, and gives the hosts and our packet sockets.
fn nodes(count: usize) -> io::Result<Vec<(Host, OwnedFd)>> {
    let made = thread::spawn(move || {
        unshare(CloneFlags::CLONE_NEWNET)?;
        let ours = File::open("/proc/thread-self/ns/net")?;
        let path = format!("/proc/{}/fd/{}", std::process::id(), ours.as_raw_fd());
        let mut nodes = Vec::new();
        for place in 0..count {
            let near = format!("near{place}");
            let near_end = near.clone();
            let path = path.clone();
            let namespace = thread::spawn(move || node(place, count, &near_end, &path));
            let namespace = namespace.join().expect("making a node does not panic")?;
            ip(&format!("link set {near} up"))?;
            nodes.push((Host::of(namespace, address(place)), packet_socket(&near)?));
        }
        Ok(nodes)
    });
    made.join().expect("making the nodes does not panic")
}

/// Makes a node with its end of a pair, and puts the other end into the namespace at `ours`.
fn node(place: usize, count: usize, near: &str, ours: &str) -> io::Result<File> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    let mac = |of: usize| mac_of(address(of)).map(|byte| format!("{byte:02x}")).join(":");
    ip(&format!("link add t0 address {} type veth peer name {near} netns {ours}", mac(place)))?;
    ip(&format!("addr add {}/24 dev t0", address(place)))?;
    ip("link set t0 up")?;
    for other in (0..count).filter(|other| *other != place) {
        ip(&format!("neigh add {} lladdr {} dev t0 nud permanent", address(other), mac(other)))?;
    }
    tun::finish_packets()?;
    File::open("/proc/thread-self/ns/net")
}

/// A raw packet socket on a device of the namespace of this thread.
fn packet_socket(device: &str) -> io::Result<OwnedFd> {
    let protocol = (libc::ETH_P_ALL as u16).to_be();
    // SAFETY: the call takes numbers only.
    let socket =
        unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, i32::from(protocol)) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is new and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    // SAFETY: all fields are plain numbers, for which zero is a value.
    let mut at: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    at.sll_family = libc::AF_PACKET as u16;
    at.sll_protocol = protocol;
    at.sll_ifindex = nix::net::if_::if_nametoindex(device)? as i32;
    // SAFETY: the address is of the type and length that the call is told.
    let bound = unsafe {
        libc::bind(
            socket.as_raw_fd(),
            (&raw const at).cast(),
            size_of::<libc::sockaddr_ll>() as libc::socklen_t,
        )
    };
    if bound == 0 { Ok(socket) } else { Err(io::Error::last_os_error()) }
}

#[test]
fn tcp_gets_through_packet_sockets() {
    let nodes = match nodes(3) {
        Ok(nodes) => nodes,
        Err(error) if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound) => {
            eprintln!("skipped: no namespaces, or no program called ip: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let (hosts, devices): (Vec<Host>, Vec<OwnedFd>) = nodes.into_iter().unzip();
    let ports = devices
        .into_iter()
        .enumerate()
        .map(|(place, device)| {
            let (endpoint, address) = (endpoint(place), address(place));
            Port { endpoint, address, device, framing: Framing::Ethernet }
        })
        .collect();
    let switch = Switch::start(ports, SwitchOptions::default()).unwrap();
    println!("5 MiB over veth pairs: {:.2?}", transfer(&hosts[1], &hosts[2], 5 << 20));
    let slow = policy(|p| (p.delay, p.loss) = (ms(5), 0.001));
    block_on(switch.impose(LayerId(1), &[(link(0, 1), slow.clone()), (link(1, 0), slow)])).unwrap();
    println!("5 MiB with 5 ms and a little loss: {:.2?}", transfer(&hosts[0], &hosts[1], 5 << 20));
    let strays = switch.strays();
    println!("{strays:?}");
    assert_eq!((strays.malformed, strays.undeliverable, strays.unknown_destination), (0, 0, 0));
}
