//! Pairs of virtual Ethernet devices, made by netlink, where TUN devices are not permitted.
//!
//! One end of a pair is the only device of a node. The other stays with the controller, has no address, and is read and
//! written through a packet socket. The controller's own pair has both ends there. Frames carry the fixed hardware
//! address of the node they are for, which none of the controller's bare ends has: so its own network stack takes no
//! part in what passes them.

use std::{
    io,
    net::Ipv4Addr,
    os::fd::{AsRawFd, OwnedFd, RawFd},
};

use nix::{
    sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, recv, send, setsockopt, socket, sockopt},
    unistd::Pid,
};

use super::device;
use crate::switch;

const ATTRIBUTE_NESTED: u16 = 1 << 15;
const INFO_KIND: u16 = 1;
const INFO_DATA: u16 = 2;
const VETH_INFO_PEER: u16 = 1;

/// How many bytes of frames may wait until the switch reads them; the kernel may grant less.
const BUFFER_BYTES: usize = 8 << 20;

/// Makes a pair: a bare end here, and the device of a node there, in the namespace of the process (here, without one).
/// Returns the packet socket on the bare end.
pub(super) fn make(bare: &str, address: Ipv4Addr, there: Option<Pid>) -> io::Result<OwnedFd> {
    // A cluster before this one, in the same namespaces, leaves the controller's pair behind: its ends have no
    // namespace of their own to die with.
    match ask(&gone(bare)) {
        Err(error) if error.raw_os_error() != Some(libc::ENODEV) => return Err(error),
        _ => {}
    }
    ask(&new_pair(bare, address, there))?;
    device::turn_offloads_off(bare)?;
    device::bring_up_bare(bare)?;
    packet_socket(bare)
}

/// The message that makes a pair.
/// Asks for the end of a device, and of the other half of its pair.
fn gone(name: &str) -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK) as u16;
    let mut message = Message::new(libc::RTM_DELLINK, flags);
    message.link_header();
    message.attribute(libc::IFLA_IFNAME, &terminated(name));
    message.finish()
}

fn new_pair(bare: &str, address: Ipv4Addr, there: Option<Pid>) -> Vec<u8> {
    let flags = (libc::NLM_F_REQUEST | libc::NLM_F_ACK | libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;
    let mut message = Message::new(libc::RTM_NEWLINK, flags);
    message.link_header();
    message.attribute(libc::IFLA_IFNAME, &terminated(bare));
    let information = message.open(libc::IFLA_LINKINFO | ATTRIBUTE_NESTED);
    message.attribute(INFO_KIND, b"veth");
    let data = message.open(INFO_DATA | ATTRIBUTE_NESTED);
    let peer = message.open(VETH_INFO_PEER | ATTRIBUTE_NESTED);
    message.link_header();
    message.attribute(libc::IFLA_IFNAME, &terminated(device::NAME));
    message.attribute(libc::IFLA_ADDRESS, &switch::mac_of(address));
    if let Some(pid) = there {
        message.attribute(libc::IFLA_NET_NS_PID, &pid.as_raw().to_ne_bytes());
    }
    message.close(peer);
    message.close(data);
    message.close(information);
    message.finish()
}

fn terminated(name: &str) -> Vec<u8> {
    [name.as_bytes(), b"\0"].concat()
}

/// A netlink message under construction.
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn new(kind: u16, flags: u16) -> Self {
        let mut bytes = vec![0; 4];
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&1_u32.to_ne_bytes());
        bytes.extend_from_slice(&0_u32.to_ne_bytes());
        Self { bytes }
    }

    /// An `ifinfomsg` in which nothing is asked for.
    fn link_header(&mut self) {
        self.bytes.extend_from_slice(&[0; 16]);
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        let at = self.open(kind);
        self.bytes.extend_from_slice(value);
        self.close(at);
    }

    /// Begins an attribute; what follows until `close` is in it.
    fn open(&mut self, kind: u16) -> usize {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(&0_u16.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        at
    }

    fn close(&mut self, at: usize) {
        let length = (self.bytes.len() - at) as u16;
        self.bytes[at..at + 2].copy_from_slice(&length.to_ne_bytes());
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        let length = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&length.to_ne_bytes());
        self.bytes
    }
}

/// Sends a request to the kernel and waits for its acknowledgement.
fn ask(message: &[u8]) -> io::Result<()> {
    use nix::sys::socket::MsgFlags;
    let family = AddressFamily::Netlink;
    let socket = socket(family, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    send(socket.as_raw_fd(), message, MsgFlags::empty())?;
    let mut answer = [0; 4096];
    let length = recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    // A header of 16 bytes, then the negative number of the error, 0 for none.
    let number =
        answer[..length].get(16..20).ok_or_else(|| io::Error::other("a short answer from netlink"))?;
    match i32::from_ne_bytes(number.try_into().expect("the slice has four bytes")) {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}

/// Opens a packet socket that gets the IPv4 frames that arrive at a device, and sends by it.
fn packet_socket(name: &str) -> io::Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    // Protocol 0: nothing is received until the socket is bound.
    let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
    ignore_outgoing(socket.as_raw_fd())?;
    if setsockopt(&socket, sockopt::RcvBufForce, &BUFFER_BYTES).is_err() {
        setsockopt(&socket, sockopt::RcvBuf, &BUFFER_BYTES)?;
    }
    let index = nix::net::if_::if_nametoindex(name)?;
    // SAFETY: every field is a number or an array of numbers.
    let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
    address.sll_family = libc::AF_PACKET as u16;
    address.sll_protocol = (libc::ETH_P_IP as u16).to_be();
    address.sll_ifindex = index as i32;
    let length = size_of::<libc::sockaddr_ll>() as libc::socklen_t;
    // SAFETY: the pointer and the length are those of a `sockaddr_ll`.
    match unsafe { libc::bind(socket.as_raw_fd(), (&raw const address).cast(), length) } {
        0 => Ok(socket),
        _ => Err(io::Error::last_os_error()),
    }
}

fn ignore_outgoing(socket: RawFd) -> io::Result<()> {
    const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
    let on: libc::c_int = 1;
    let length = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: the pointer and the length are those of an integer.
    let done = unsafe {
        libc::setsockopt(socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, (&raw const on).cast(), length)
    };
    match done {
        0 => Ok(()),
        // A socket that is bound to one protocol sees no outgoing frames; the option, from Linux 4.20 on, is a second lock.
        _ if io::Error::last_os_error().raw_os_error() == Some(libc::ENOPROTOOPT) => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}
