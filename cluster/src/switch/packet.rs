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

/// The protocols whose header ends in data, and where their checksum lies.
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;

/// A number that the packets of one flow (protocol and ports) share. What has no ports is one flow by its protocol.
pub(super) fn flow_of(packet: &[u8]) -> u8 {
    let protocol = packet[9];
    let at = header_length(packet);
    let ports = match (protocol, fragment_of(packet), packet.get(at..at + 4)) {
        (TCP | UDP, Fragment::Whole, Some(ports)) => {
            u32::from_be_bytes([ports[0], ports[1], ports[2], ports[3]])
        }
        _ => 0,
    };
    // Multiplying by an odd constant near the golden ratio spreads neighbouring ports over the upper bits.
    let mixed = (u64::from(protocol) << 32 | u64::from(ports)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed >> 56) as u8
}

/// Which part of a packet this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fragment {
    Whole,
    First,
    Later,
}

fn fragment_of(packet: &[u8]) -> Fragment {
    let field = u16::from_be_bytes([packet[6], packet[7]]);
    match (field & 0x1fff, field & 0x2000) {
        (0, 0) => Fragment::Whole,
        (0, _) => Fragment::First,
        _ => Fragment::Later,
    }
}

/// Where the data and the checksum of the protocol above IP lie.
fn data_of(packet: &[u8]) -> Option<(usize, usize)> {
    let start = header_length(packet);
    let (header, checksum) = match packet[9] {
        ICMP => (8, 2),
        UDP => (8, 6),
        TCP => (usize::from(packet.get(start + 12)? >> 4) * 4, 16),
        _ => return None,
    };
    // A TCP header that claims to be shorter than any would have its checksum outside.
    if header < checksum + 2 {
        return None;
    }
    (start + header < packet.len()).then_some((start + header, start + checksum))
}

/// Flips one bit, which `draw` chooses, and says whether it could.
///
/// Without `past_checksum` it is any bit behind the IP header, and the checksum is left wrong. With it, it is a bit of the
/// data, and the checksum of ICMP, TCP or UDP is made right again; packets without data, of other protocols, and later
/// fragments (whose checksum travels in the first) stay as they are. The checksum of the IP header covers neither.
pub(super) fn damage(packet: &mut [u8], draw: u64, past_checksum: bool) -> bool {
    let (data, checksum) = match past_checksum {
        false => (header_length(packet), None),
        true if fragment_of(packet) == Fragment::Later => return false,
        true => match data_of(packet) {
            Some((data, checksum)) => (data, Some(checksum)),
            None => return false,
        },
    };
    let bits = packet.len().saturating_sub(data) as u64 * 8;
    if bits == 0 {
        return false;
    }
    let bit = draw % bits;
    let place = data + (bit / 8) as usize;
    let before = packet[place];
    packet[place] ^= 1 << (bit % 8);
    if let Some(checksum) = checksum {
        let shift = if (place - header_length(packet)).is_multiple_of(2) { 8 } else { 0 };
        repair(packet, checksum, u16::from(before) << shift, u16::from(packet[place]) << shift);
    }
    true
}

/// Adjusts a checksum to one changed word: RFC 1624, equation 3.
fn repair(packet: &mut [u8], checksum: usize, before: u16, after: u16) {
    let is_udp = packet[9] == UDP;
    let old = u16::from_be_bytes([packet[checksum], packet[checksum + 1]]);
    if is_udp && old == 0 {
        // The sender computed none.
        return;
    }
    let sum = u32::from(!old) + u32::from(!before) + u32::from(after);
    let sum = (sum & 0xffff) + (sum >> 16);
    let new = !(((sum & 0xffff) + (sum >> 16)) as u16);
    // To UDP, zero means none; the other zero of this arithmetic stands for it.
    let new = if is_udp && new == 0 { 0xffff } else { new };
    packet[checksum..checksum + 2].copy_from_slice(&new.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// The sum of RFC 1071 over a whole packet of ICMP, TCP or UDP: zero where the checksum is right.
    fn sum_of(packet: &[u8]) -> u16 {
        let body = &packet[header_length(packet)..];
        let mut sum: u32 = match packet[9] {
            ICMP => 0,
            protocol => {
                let addresses = packet[12..20].chunks(2);
                addresses.map(|w| u32::from(u16::from_be_bytes([w[0], w[1]]))).sum::<u32>()
                    + u32::from(protocol)
                    + body.len() as u32
            }
        };
        for word in body.chunks(2) {
            sum += u32::from(u16::from_be_bytes([word[0], *word.get(1).unwrap_or(&0)]));
        }
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }

    /// A packet around a body whose checksum is filled in.
    fn packet(protocol: u8, body: &[u8], checksum: usize) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(body);
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        let sum = sum_of(&packet);
        packet[20 + checksum..22 + checksum].copy_from_slice(&sum.to_be_bytes());
        packet
    }

    fn tcp(data: &[u8]) -> Vec<u8> {
        let mut body = vec![0x12, 0x34, 0x15, 0xb3, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x18, 1, 0, 0, 0, 0, 0];
        body.extend_from_slice(data);
        packet(TCP, &body, 16)
    }

    fn udp(data: &[u8]) -> Vec<u8> {
        let mut body = vec![0x12, 0x34, 0x15, 0xb3, 0, 8 + data.len() as u8, 0, 0];
        body.extend_from_slice(data);
        packet(UDP, &body, 6)
    }

    #[test]
    fn the_sum_agrees_with_packets_of_others() {
        // The worked example of RFC 1071, section 3: these words sum to ddf2.
        let mut example = packet(ICMP, &[0; 8], 2);
        example[20..].copy_from_slice(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum_of(&example), !0xddf2);
        // The first echo request of the ping of Windows: identifier 1, sequence 1, 32 letters.
        let echo = [&[8, 0, 0, 0, 0, 1, 0, 1][..], b"abcdefghijklmnopqrstuvwabcdefghi"].concat();
        assert_eq!(packet(ICMP, &echo, 2)[22..24], [0x4d, 0x5a]);
    }

    #[test]
    fn packets_are_told_apart() {
        let whole = tcp(b"abc");
        let destination = Ipv4Addr::new(10, 0, 0, 2);
        assert_eq!(classify(&whole), Arrival::Ipv4 { length: 43, destination });
        let mut padded = whole.clone();
        padded.extend_from_slice(&[0; 6]);
        assert_eq!(classify(&padded), Arrival::Ipv4 { length: 43, destination });
        assert_eq!(classify(&whole[..42]), Arrival::Malformed);
        assert_eq!(classify(&whole[..19]), Arrival::Malformed);
        assert_eq!(classify(&[]), Arrival::Malformed);
        assert_eq!(classify(&[0x60; 40]), Arrival::Ipv6);
        let with = |edit: &dyn Fn(&mut Vec<u8>)| {
            let mut packet = whole.clone();
            edit(&mut packet);
            classify(&packet)
        };
        assert_eq!(with(&|p| p[0] = 0x44), Arrival::Malformed);
        assert_eq!(with(&|p| p[2..4].copy_from_slice(&[0, 19])), Arrival::Malformed);
        assert_eq!(with(&|p| p[16..20].fill(255)), Arrival::Broadcast);
        assert_eq!(with(&|p| p[16] = 224), Arrival::Broadcast);
    }

    #[test]
    fn damage_past_the_checksum_flips_one_bit_of_the_data_and_leaves_a_right_checksum() {
        for original in [tcp(b"hello world"), udp(b"hello world"), tcp(b"x"), udp(b"xy")] {
            let data = data_of(&original).unwrap().0;
            for draw in 0..(original.len() - data) as u64 * 8 {
                let mut damaged = original.clone();
                assert!(damage(&mut damaged, draw, true));
                assert_eq!(sum_of(&damaged), 0, "bit {draw} of {original:?}");
                assert_eq!(damaged[..20], original[..20], "the IP header stays");
                let flipped: u32 =
                    (data..original.len()).map(|i| (damaged[i] ^ original[i]).count_ones()).sum();
                assert_eq!(flipped, 1);
            }
        }
    }

    #[test]
    fn damage_before_the_checksum_is_seen_by_the_checksum() {
        let original = tcp(b"hello world");
        for draw in 0..(original.len() - 20) as u64 * 8 {
            let mut damaged = original.clone();
            assert!(damage(&mut damaged, draw, false));
            assert_ne!(sum_of(&damaged), 0, "bit {draw}");
            assert_eq!(damaged[..20], original[..20]);
        }
    }

    #[test]
    fn what_cannot_be_damaged_unseen_stays_as_it_is() {
        let mut fragment = udp(b"hello");
        fragment[7] = 5;
        for original in [tcp(b""), udp(b""), fragment, packet(132, &[1, 2, 3, 4, 5, 6, 7, 8], 2)] {
            let mut same = original.clone();
            assert!(!damage(&mut same, 3, true));
            assert_eq!(same, original);
        }
    }

    #[test]
    fn no_packet_is_too_strange_to_be_looked_at() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let mut damaged = 0;
        for _ in 0..200_000 {
            let mut packet = match random.random_range(0..3) {
                0 => tcp(b"hello"),
                1 => udp(b"hello"),
                _ => (0..random.random_range(0..60)).map(|_| random.random()).collect(),
            };
            for _ in 0..random.random_range(0..6) {
                let place = random.random_range(0..packet.len().max(1));
                if let Some(byte) = packet.get_mut(place) {
                    *byte = random.random();
                }
            }
            packet.truncate(random.random_range(0..=packet.len()));
            if let (Some(first), true) = (packet.first_mut(), random.random()) {
                *first = 0x40 | random.random_range(5..8);
            }
            if packet.len() >= 20 && random.random() {
                let length = packet.len() as u16;
                packet[2..4].copy_from_slice(&length.to_be_bytes());
            }
            if let Arrival::Ipv4 { length, .. } = classify(&packet) {
                flow_of(&packet[..length]);
                damaged += usize::from(damage(&mut packet[..length], random.random(), random.random()));
            }
        }
        assert!(damaged > 10_000, "only {damaged} packets came that far");
    }

    #[test]
    fn a_udp_packet_without_a_checksum_gets_none() {
        let mut packet = udp(b"hello");
        packet[26..28].fill(0);
        assert!(damage(&mut packet, 9, true));
        assert_eq!(packet[26..28], [0, 0]);
    }

    #[test]
    fn flows_are_told_apart_by_their_ports() {
        let mut flows: Vec<u8> = (0..100_u8)
            .map(|port| {
                let mut packet = tcp(b"abc");
                packet[21] = port;
                assert_eq!(flow_of(&packet), flow_of(&packet[..24]));
                flow_of(&packet)
            })
            .collect();
        flows.sort_unstable();
        flows.dedup();
        assert!(flows.len() > 60, "only {} flows of 100", flows.len());
        assert_eq!(
            flow_of(&[0x45, 0, 0, 20, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]),
            flow_of(&packet(TCP, &[0; 20], 16))
        );
    }
}
