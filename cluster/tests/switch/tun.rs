//! Hosts for tests and benches: a network namespace each, with a TUN device whose other end is ours.

use std::{
    fs::File,
    io,
    net::Ipv4Addr,
    os::fd::{AsRawFd, OwnedFd},
    thread,
};

use nix::sched::{CloneFlags, setns, unshare};

/// `_IOW('T', 202, int)`.
const TUNSETIFF: libc::Ioctl = 0x4004_54ca;

/// A namespace, and how to act in it.
pub struct Host {
    namespace: File,
    pub address: Ipv4Addr,
}

impl Host {
    /// Makes a namespace with a device at this address in a network of 24 bits, and gives our end of the device. An
    /// error of permission says that this needs root, or a namespace in which one is root.
    pub fn new(address: Ipv4Addr, mtu: i32) -> io::Result<(Self, OwnedFd)> {
        // A namespace belongs to the thread that asks for it, so none of the others notices.
        let made = thread::spawn(move || {
            unshare(CloneFlags::CLONE_NEWNET)?;
            let device = open_tun(address, mtu)?;
            Ok::<_, io::Error>((Self { namespace: File::open("/proc/thread-self/ns/net")?, address }, device))
        });
        made.join().expect("making a host does not panic")
    }

    /// A host whose namespace and device somebody else made.
    pub fn of(namespace: File, address: Ipv4Addr) -> Self {
        Self { namespace, address }
    }

    /// Runs something as a program of this host would; sockets made there stay there.
    pub fn spawn<T: Send + 'static>(
        &self,
        act: impl FnOnce() -> T + Send + 'static,
    ) -> thread::JoinHandle<T> {
        let namespace = self.namespace.try_clone().expect("a descriptor can be cloned");
        thread::spawn(move || {
            setns(namespace, CloneFlags::CLONE_NEWNET).expect("we made this namespace");
            act()
        })
    }
}

/// Opens a TUN device in the namespace of this thread and brings it up.
fn open_tun(address: Ipv4Addr, mtu: i32) -> io::Result<OwnedFd> {
    let device = File::options().read(true).write(true).open("/dev/net/tun")?;
    let mut request = named();
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    ask(&device, TUNSETIFF, &mut request)?;
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    for (what, octets) in [(libc::SIOCSIFADDR, address.octets()), (libc::SIOCSIFNETMASK, [255, 255, 255, 0])]
    {
        let mut request = named();
        let [a, b, c, d] = octets.map(|octet| octet as libc::c_char);
        // The address of a `sockaddr_in` lies behind its port.
        let sa_data = [0, 0, a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0];
        request.ifr_ifru.ifru_addr = libc::sockaddr { sa_family: libc::AF_INET as u16, sa_data };
        ask(&socket, what as libc::Ioctl, &mut request)?;
    }
    let mut request = named();
    request.ifr_ifru.ifru_mtu = mtu;
    ask(&socket, libc::SIOCSIFMTU as libc::Ioctl, &mut request)?;
    let mut request = named();
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    ask(&socket, libc::SIOCSIFFLAGS as libc::Ioctl, &mut request)?;
    Ok(device.into())
}

/// Has the kernel finish the checksums of what the device `t0` of this thread's namespace sends, and cut it to its size.
pub fn finish_packets() -> io::Result<()> {
    const SIOCETHTOOL: libc::Ioctl = 0x8946;
    let socket = std::net::UdpSocket::bind("0.0.0.0:0")?;
    // Transmit checksums, TCP segmentation, any segmentation, and what receives such.
    for command in [0x17_u32, 0x1f, 0x24, 0x2c] {
        let mut value = [command, 0];
        let mut request = named();
        request.ifr_ifru.ifru_data = value.as_mut_ptr().cast();
        ask(&socket, SIOCETHTOOL, &mut request)?;
    }
    Ok(())
}

/// A request about the device `t0`.
fn named() -> libc::ifreq {
    // SAFETY: all fields are plain numbers, for which zero is a value.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    (request.ifr_name[0], request.ifr_name[1]) = (b't' as libc::c_char, b'0' as libc::c_char);
    request
}

fn ask(of: &impl AsRawFd, what: libc::Ioctl, request: &mut libc::ifreq) -> io::Result<()> {
    // SAFETY: the descriptor is open and the request is of the type that these calls want.
    match unsafe { libc::ioctl(of.as_raw_fd(), what, std::ptr::from_mut(request)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
