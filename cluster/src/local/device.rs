//! Network devices by their system calls: loopback, TUN, addresses, neighbours, offloads.

use std::{
    fs, io,
    net::Ipv4Addr,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

/// The name of a node's only device beside loopback.
pub(super) const NAME: &str = "eth0";

/// The usual size of the packets of an Ethernet.
const MTU: i32 = 1500;

/// How many packets a TUN device keeps until the switch reads them.
const QUEUE: i32 = 4000;

const TUNSETIFF: libc::Ioctl = 0x4004_54ca;
const SIOCETHTOOL: libc::Ioctl = 0x8946;

/// The switches of offloads, by which a packet would leave its host unfinished: receive and transmit checksums, scatter
/// and gather, and segmentation and coalescing.
const ETHTOOL_OFF: [u32; 6] = [0x15, 0x17, 0x19, 0x1f, 0x24, 0x2c];

fn control() -> io::Result<OwnedFd> {
    Ok(socket(AddressFamily::Inet, SockType::Datagram, SockFlag::SOCK_CLOEXEC, None)?)
}

fn request(name: &str) -> libc::ifreq {
    // SAFETY: every field is a number, an array of numbers or a null pointer.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1).zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request
}

fn ask(socket: &OwnedFd, code: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: the callers pair each code with an `ifreq` of the kind that the code reads or writes.
    match unsafe { libc::ioctl(socket.as_raw_fd(), code, request as *mut libc::ifreq) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn bring_up(socket: &OwnedFd, name: &str) -> io::Result<()> {
    let mut wanted = request(name);
    ask(socket, libc::SIOCGIFFLAGS as libc::Ioctl, &mut wanted)?;
    // SAFETY: the kernel has just written the flags.
    unsafe { wanted.ifr_ifru.ifru_flags |= (libc::IFF_UP | libc::IFF_RUNNING) as i16 };
    ask(socket, libc::SIOCSIFFLAGS as libc::Ioctl, &mut wanted)
}

/// Brings up loopback.
pub(super) fn bring_up_loopback() -> io::Result<()> {
    bring_up(&control()?, "lo")
}

fn socket_address(address: Ipv4Addr) -> libc::sockaddr {
    // SAFETY: every field is a number or an array of numbers.
    let mut inet: libc::sockaddr_in = unsafe { std::mem::zeroed() };
    inet.sin_family = libc::AF_INET as libc::sa_family_t;
    inet.sin_addr.s_addr = u32::from(address).to_be();
    // SAFETY: both have the same size, and the first is meant to be passed as the second.
    unsafe { std::mem::transmute(inet) }
}

/// Gives a device its address in a network of 24 bits, and brings it up.
pub(super) fn configure(name: &str, address: Ipv4Addr) -> io::Result<()> {
    let socket = control()?;
    quieten(name)?;
    let mut wanted = request(name);
    wanted.ifr_ifru.ifru_mtu = MTU;
    ask(&socket, libc::SIOCSIFMTU as libc::Ioctl, &mut wanted)?;
    let mut wanted = request(name);
    wanted.ifr_ifru.ifru_addr = socket_address(address);
    ask(&socket, libc::SIOCSIFADDR as libc::Ioctl, &mut wanted)?;
    let mut wanted = request(name);
    wanted.ifr_ifru.ifru_netmask = socket_address(Ipv4Addr::new(255, 255, 255, 0));
    ask(&socket, libc::SIOCSIFNETMASK as libc::Ioctl, &mut wanted)?;
    bring_up(&socket, name)
}

/// Brings a device up that only carries frames and belongs to no network.
pub(super) fn bring_up_bare(name: &str) -> io::Result<()> {
    quieten(name)?;
    let socket = control()?;
    let mut wanted = request(name);
    wanted.ifr_ifru.ifru_mtu = MTU;
    ask(&socket, libc::SIOCSIFMTU as libc::Ioctl, &mut wanted)?;
    bring_up(&socket, name)
}

/// Keeps IPv6 off a device: it would announce itself to nobody.
fn quieten(name: &str) -> io::Result<()> {
    match fs::write(format!("/proc/sys/net/ipv6/conf/{name}/disable_ipv6"), "1") {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a TUN device in the network namespace we are in, with this address, and returns its other end.
pub(super) fn make_tun(address: Ipv4Addr) -> io::Result<OwnedFd> {
    let flags = libc::O_RDWR | libc::O_CLOEXEC | libc::O_NONBLOCK;
    // SAFETY: the path is a string constant that ends in a zero.
    let raw = unsafe { libc::open(c"/dev/net/tun".as_ptr(), flags) };
    if raw < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was opened just now and belongs to nobody else.
    let tun = unsafe { OwnedFd::from_raw_fd(raw) };
    let mut wanted = request(NAME);
    wanted.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as i16;
    ask(&tun, TUNSETIFF, &mut wanted)?;
    let mut queue = request(NAME);
    queue.ifr_ifru.ifru_metric = QUEUE;
    ask(&control()?, libc::SIOCSIFTXQLEN as libc::Ioctl, &mut queue)?;
    configure(NAME, address)?;
    Ok(tun)
}

/// Has the kernel finish every packet before it enters the device.
pub(super) fn turn_offloads_off(name: &str) -> io::Result<()> {
    let socket = control()?;
    for command in ETHTOOL_OFF {
        let mut value = [command, 0];
        let mut wanted = request(name);
        wanted.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
        match ask(&socket, SIOCETHTOOL, &mut wanted) {
            // A device that has no such offload needs none turned off.
            Err(e) if matches!(e.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL)) => {}
            other => other?,
        }
    }
    Ok(())
}

/// Tells a device the hardware address of a neighbour for good, so that it never asks.
pub(super) fn add_neighbour(device: &str, address: Ipv4Addr, mac: [u8; 6]) -> io::Result<()> {
    // SAFETY: every field is a number or an array of numbers.
    let mut entry: libc::arpreq = unsafe { std::mem::zeroed() };
    entry.arp_pa = socket_address(address);
    entry.arp_ha.sa_family = libc::ARPHRD_ETHER;
    for (to, from) in entry.arp_ha.sa_data.iter_mut().zip(mac) {
        *to = from as libc::c_char;
    }
    entry.arp_flags = libc::ATF_PERM | libc::ATF_COM;
    for (to, from) in entry.arp_dev.iter_mut().zip(device.bytes()) {
        *to = from as libc::c_char;
    }
    let socket = control()?;
    // SAFETY: the code reads an `arpreq`.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSARP as libc::Ioctl, &raw mut entry) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
