//! A switch whose devices are socket pairs: the tests hold the far ends and play the nodes.

use std::{
    net::Ipv4Addr,
    os::fd::{AsFd, OwnedFd},
    sync::Arc,
    time::{Duration, Instant},
};

use disprove_cluster::{
    Endpoint, LayerId, Link, LinkCounters, LinkPolicy, Network,
    switch::{Framing, Port, Switch, SwitchOptions},
};
use history::NodeId;
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair},
};

/// The address of a port.
pub fn address(place: usize) -> Ipv4Addr {
    let [high, low] = (place as u16 + 1).to_be_bytes();
    Ipv4Addr::new(10, 99, high, low)
}

/// Who is behind a port: first the controller, then the nodes.
pub fn endpoint(place: usize) -> Endpoint {
    match place {
        0 => Endpoint::Controller,
        node => Endpoint::Node(NodeId(node as u16 - 1)),
    }
}

/// The direction between two ports.
pub fn link(from: usize, to: usize) -> Link {
    Link { from: endpoint(from), to: endpoint(to) }
}

/// A policy from the default.
pub fn policy(edit: impl FnOnce(&mut LinkPolicy)) -> LinkPolicy {
    let mut policy = LinkPolicy::default();
    edit(&mut policy);
    policy
}

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A UDP packet between two ports that carries a number and is `size` bytes long, with right checksums.
pub fn packet(from: usize, to: usize, flow: u16, number: u32, size: usize) -> Vec<u8> {
    assert!(size >= 32);
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17, 0, 0];
    packet.extend(address(from).octets());
    packet.extend(address(to).octets());
    packet.extend([0x10, 0]);
    packet.extend(flow.to_be_bytes());
    packet.extend((size as u16 - 20).to_be_bytes());
    packet.extend([0, 0]);
    packet.extend(number.to_be_bytes());
    packet.resize(size, 0x5a);
    packet[2..4].copy_from_slice(&(size as u16).to_be_bytes());
    let sum = udp_sum(&packet);
    packet[26..28].copy_from_slice(&sum.to_be_bytes());
    packet
}

/// The sum of RFC 768 over a UDP packet: zero where the checksum is right.
pub fn udp_sum(packet: &[u8]) -> u16 {
    let words = packet[12..].chunks(2).map(|w| u32::from(w[0]) << 8 | u32::from(*w.get(1).unwrap_or(&0)));
    let mut sum: u32 = words.sum::<u32>() + 17 + (packet.len() as u32 - 20);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// The number that a packet carries.
pub fn number(packet: &[u8]) -> u32 {
    u32::from_be_bytes([packet[28], packet[29], packet[30], packet[31]])
}

/// A pair of ends that keep packets apart.
pub fn pair() -> (OwnedFd, OwnedFd) {
    socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC).unwrap()
}

/// A running switch and the far ends of its devices.
pub struct Rig {
    pub switch: Arc<Switch>,
    pub ends: Vec<OwnedFd>,
}

impl Rig {
    pub fn new(ports: usize, options: SwitchOptions) -> Self {
        Self::framed(&vec![Framing::Ip; ports], options)
    }

    pub fn framed(framings: &[Framing], options: SwitchOptions) -> Self {
        let (ports, ends) = framings
            .iter()
            .enumerate()
            .map(|(place, framing)| {
                let (near, far) = pair();
                let (endpoint, address) = (endpoint(place), address(place));
                (Port { endpoint, address, device: near, framing: *framing }, far)
            })
            .unzip();
        Self { switch: Switch::start(ports, options).unwrap(), ends }
    }

    pub fn seeded(seed: u64) -> Self {
        Self::new(3, SwitchOptions { seed, ..SwitchOptions::default() })
    }

    pub fn send(&self, from: usize, bytes: &[u8]) {
        use std::os::fd::AsRawFd;
        let sent = send(self.ends[from].as_raw_fd(), bytes, MsgFlags::empty()).unwrap();
        assert_eq!(sent, bytes.len());
    }

    /// The next packet that arrives at a port within this time; at once if there is no time.
    pub fn receive(&self, at: usize, within: Duration) -> Option<Vec<u8>> {
        use std::os::fd::AsRawFd;
        let end = Instant::now() + within;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            // Rounded up, so that the last fraction of a millisecond is not spent spinning.
            let timeout = if left.is_zero() { PollTimeout::ZERO } else { (left + ms(1)).try_into().unwrap() };
            let mut fds = [PollFd::new(self.ends[at].as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, timeout).unwrap() > 0 {
                let mut buffer = vec![0; 70_000];
                let length = recv(self.ends[at].as_raw_fd(), &mut buffer, MsgFlags::empty()).unwrap();
                buffer.truncate(length);
                return Some(buffer);
            }
            if left.is_zero() {
                return None;
            }
        }
    }

    /// All numbers that arrive at a port until nothing has come for this time.
    pub fn numbers(&self, at: usize, silence: Duration) -> Vec<u32> {
        std::iter::from_fn(|| self.receive(at, silence)).map(|packet| number(&packet)).collect()
    }

    /// Sends so many packets from port 1 to port 2 in small portions, and gives back all that arrived.
    pub fn exchange(&self, count: u32, size: usize) -> Vec<Vec<u8>> {
        let mut arrived = Vec::new();
        for first in (0..count).step_by(50) {
            for number in first..count.min(first + 50) {
                self.send(1, &packet(1, 2, 7, number, size));
            }
            while let Some(packet) = self.receive(2, ms(0)) {
                arrived.push(packet);
            }
        }
        arrived.extend(std::iter::from_fn(|| self.receive(2, ms(200))));
        arrived
    }

    pub fn impose(&self, layer: u32, policies: &[(Link, LinkPolicy)]) {
        block_on(self.switch.impose(LayerId(layer), policies)).unwrap();
    }

    pub fn lift(&self, layer: u32) {
        block_on(self.switch.lift(LayerId(layer))).unwrap();
    }

    pub fn lift_all(&self) {
        block_on(self.switch.lift_all()).unwrap();
    }

    pub fn counters(&self, from: usize, to: usize) -> LinkCounters {
        let all = block_on(self.switch.counters()).unwrap();
        all.into_iter().find(|(of, _)| *of == link(from, to)).unwrap().1
    }

    /// Waits until the counters of a link satisfy something.
    pub fn until(&self, from: usize, to: usize, done: impl Fn(LinkCounters) -> bool) -> LinkCounters {
        let end = Instant::now() + Duration::from_secs(10);
        loop {
            let counters = self.counters(from, to);
            if done(counters) {
                return counters;
            }
            assert!(Instant::now() < end, "it never came to that: {counters:?}");
            std::thread::sleep(ms(1));
        }
    }
}

/// Runs a future to its end.
pub fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}
