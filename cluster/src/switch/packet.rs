//! IPv4 packets: what the switch must know of them, and how they are damaged.

use std::net::Ipv4Addr;

/// What an arriving packet is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// A packet of this length for this address.
    Ipv4 {
        /// Its whole length; what lies behind it is padding.
        length: usize,
        /// Where it goes.
        destination: Ipv4Addr,
    },
    /// It is for everybody, or for a group.
    Broadcast,
    /// It is of the other version.
    Ipv6,
    /// It is not a whole packet.
    Malformed,
}

/// Tells what a packet is.
pub(super) fn classify(packet: &[u8]) -> Arrival {
    match packet.first().map(|byte| byte >> 4) {
        Some(4) => {}
        Some(6) => return Arrival::Ipv6,
        _ => return Arrival::Malformed,
    }
    if packet.len() < 20 {
        return Arrival::Malformed;
    }
    let header = header_length(packet);
    let length = usize::from(u16::from_be_bytes([packet[2], packet[3]]));
    if header < 20 || length < header || length > packet.len() {
        return Arrival::Malformed;
    }
    let destination = Ipv4Addr::new(packet[16], packet[17], packet[18], packet[19]);
    if destination.is_broadcast() || destination.is_multicast() {
        return Arrival::Broadcast;
    }
    Arrival::Ipv4 { length, destination }
}

/// The length of the IP header.
fn header_length(packet: &[u8]) -> usize {
    usize::from(packet[0] & 15) * 4
}
