//! Ethernet headers with fixed hardware addresses, so that nobody ever has to ask who has which.

use std::net::Ipv4Addr;

/// The length of a header: to, from, and the type.
pub(super) const HEADER: usize = 14;

/// The type of IPv4.
const IPV4: [u8; 2] = [0x08, 0x00];

/// The hardware address of the node that has this address: locally administered, unicast, the address in its tail.
pub fn mac_of(address: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = address.octets();
    [0x02, 0x00, a, b, c, d]
}

/// Writes the header of a frame that carries IPv4 to `to`.
pub(super) fn write_header(header: &mut [u8], to: [u8; 6], from: [u8; 6]) {
    header[..6].copy_from_slice(&to);
    header[6..12].copy_from_slice(&from);
    header[12..HEADER].copy_from_slice(&IPV4);
}

/// What an arriving frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// It carries IPv4 for somebody else.
    Ipv4,
    /// It is for everybody, or for a group.
    Broadcast,
    /// It carries IPv6.
    Ipv6,
    /// We sent it ourselves: a packet socket also sees what leaves by its device.
    Own,
    /// Something else, such as a question for a hardware address.
    Other,
}

/// Tells what a frame from the node with the address `node` is.
pub(super) fn classify(frame: &[u8], node: [u8; 6]) -> Frame {
    if frame.len() < HEADER {
        return Frame::Other;
    }
    if frame[..6] == node {
        return Frame::Own;
    }
    match [frame[12], frame[13]] {
        [0x86, 0xdd] => Frame::Ipv6,
        _ if frame[0] & 1 == 1 => Frame::Broadcast,
        IPV4 => Frame::Ipv4,
        _ => Frame::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hardware_address_is_local_and_unicast() {
        let mac = mac_of(Ipv4Addr::new(10, 77, 0, 3));
        assert_eq!(mac, [0x02, 0, 10, 77, 0, 3]);
        assert_eq!(mac[0] & 0b11, 0b10);
    }

    #[test]
    fn frames_are_told_apart() {
        let node = mac_of(Ipv4Addr::new(10, 0, 0, 1));
        let peer = mac_of(Ipv4Addr::new(10, 0, 0, 2));
        let frame = |to: [u8; 6], kind: [u8; 2]| {
            let mut frame = [0; HEADER];
            write_header(&mut frame, to, node);
            frame[12..].copy_from_slice(&kind);
            frame
        };
        assert_eq!(classify(&frame(peer, [8, 0]), node), Frame::Ipv4);
        assert_eq!(classify(&frame(node, [8, 0]), node), Frame::Own);
        assert_eq!(classify(&frame([0xff; 6], [8, 0]), node), Frame::Broadcast);
        assert_eq!(classify(&frame([0x33, 0x33, 0, 0, 0, 1], [0x86, 0xdd]), node), Frame::Ipv6);
        assert_eq!(classify(&frame(peer, [8, 6]), node), Frame::Other);
        assert_eq!(classify(&[0; 5], node), Frame::Other);
    }
}
