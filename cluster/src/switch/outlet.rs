//! A port as the thread of the switch sees it: where packets come in and go out, and wait when the device is full.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use nix::{errno::Errno, unistd};

use super::{
    Framing, Port,
    ethernet::{self, Frame, HEADER, mac_of},
    packet::{self, Arrival},
    packet_socket,
};
use crate::Error;

/// The most packets that wait for a full device.
const WAITING_MAX: usize = 1024;

/// Room for the largest packet with a header in front of it.
pub(super) const BUFFER: usize = HEADER + 65_536;

/// What must be remembered of a packet until it has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) delayed: bool,
    pub(super) duplicate: bool,
    pub(super) overtaken: bool,
    pub(super) corrupted: bool,
}

/// A packet under way, with room for a header in front of it.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) bytes: Box<[u8]>,
    pub(super) link: usize,
    pub(super) marks: Marks,
}

/// What a look at the device found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Incoming {
    /// Something, which begins after the room for a header.
    Packet(Arrival),
    /// Nothing at present.
    Empty,
    /// A frame of our own or of no interest; there may be more behind it.
    Ignored,
    /// The device no longer exists.
    Gone,
}

/// What became of a packet at the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The device took it.
    Taken,
    /// The device has no room now.
    Full,
    /// The device will not take it.
    Refused,
}

/// One port.
#[derive(Debug)]
pub(super) struct Outlet {
    device: OwnedFd,
    framing: Framing,
    pub(super) mac: [u8; 6],
    /// What waits for room, oldest first.
    pub(super) waiting: VecDeque<Parcel>,
    /// The device has ended.
    pub(super) gone: bool,
}

impl Outlet {
    pub(super) fn new(port: Port) -> Result<Self, Error> {
        use nix::fcntl::{FcntlArg, OFlag, fcntl};
        let flags = fcntl(&port.device, FcntlArg::F_GETFL)
            .map_err(|e| Error::io("read the flags of a network device", e))?;
        let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
        fcntl(&port.device, FcntlArg::F_SETFL(flags))
            .map_err(|e| Error::io("make a network device non-blocking", e))?;
        if port.framing == Framing::Ethernet {
            packet_socket::prepare(port.device.as_fd());
        }
        Ok(Self {
            device: port.device,
            framing: port.framing,
            mac: mac_of(port.address),
            waiting: VecDeque::new(),
            gone: false,
        })
    }

    pub(super) fn device(&self) -> BorrowedFd<'_> {
        self.device.as_fd()
    }

    /// How many packets were lost since the last call before they could be read, as far as the device tells.
    pub(super) fn missed(&self) -> u64 {
        match self.framing {
            Framing::Ip => 0,
            Framing::Ethernet => packet_socket::missed(self.device()),
        }
    }

    /// Reads one packet so that it begins at `HEADER`.
    pub(super) fn read(&self, buffer: &mut [u8]) -> Incoming {
        let start = match self.framing {
            Framing::Ip => HEADER,
            Framing::Ethernet => 0,
        };
        let length = match unistd::read(&self.device, &mut buffer[start..]) {
            Ok(0) => return Incoming::Gone,
            Ok(length) => start + length,
            Err(Errno::EAGAIN) => return Incoming::Empty,
            // A device that was down for a moment says so once; a signal says nothing about the device.
            Err(Errno::EINTR | Errno::ENETDOWN) => return Incoming::Ignored,
            Err(_) => return Incoming::Gone,
        };
        match self.framing {
            Framing::Ip => Incoming::Packet(packet::classify(&buffer[HEADER..length])),
            Framing::Ethernet => match ethernet::classify(&buffer[..length], self.mac) {
                Frame::Ipv4 => Incoming::Packet(packet::classify(&buffer[HEADER..length])),
                Frame::Broadcast => Incoming::Packet(Arrival::Broadcast),
                Frame::Ipv6 => Incoming::Packet(Arrival::Ipv6),
                Frame::Other => Incoming::Packet(Arrival::Malformed),
                Frame::Own => Incoming::Ignored,
            },
        }
    }

    /// Writes one packet that begins at `HEADER`; the room before it is overwritten.
    pub(super) fn write(&self, buffer: &mut [u8], from: [u8; 6]) -> Sent {
        let start = match self.framing {
            Framing::Ip => HEADER,
            Framing::Ethernet => {
                ethernet::write_header(&mut buffer[..HEADER], self.mac, from);
                0
            }
        };
        loop {
            return match unistd::write(&self.device, &buffer[start..]) {
                Ok(_) => Sent::Taken,
                Err(Errno::EINTR) => continue,
                Err(Errno::EAGAIN) => Sent::Full,
                Err(_) => Sent::Refused,
            };
        }
    }

    /// Lets a packet wait for room. Gives it back if too many wait already.
    pub(super) fn wait(&mut self, parcel: Parcel) -> Result<(), Parcel> {
        if self.waiting.len() >= WAITING_MAX {
            return Err(parcel);
        }
        self.waiting.push_back(parcel);
        Ok(())
    }
}
