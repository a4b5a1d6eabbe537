//! TCP segments: telling those that end a connection, and turning others into them.

/// The number of TCP in an IP header.
const TCP: u8 = 6;
/// The length of a TCP header without options.
const HEADER: usize = 20;
const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Where the TCP header of a whole, unfragmented segment begins.
fn header_of(packet: &[u8]) -> Option<usize> {
    let start = usize::from(packet.first()? & 15) * 4;
    let is_whole = u16::from_be_bytes([*packet.get(6)?, *packet.get(7)?]) & 0x3fff == 0;
    (packet.get(9) == Some(&TCP) && is_whole && packet.len() >= start + HEADER).then_some(start)
}

/// Whether a packet ends or resets a connection.
pub(super) fn is_end(packet: &[u8]) -> bool {
    header_of(packet).is_some_and(|start| packet[start + 13] & (FIN | RST) != 0)
}

/// Turns a segment into the reset of its connection, and says how long it is then. The receiver believes it, since the
/// number of its first byte is that of the segment. What opens a connection, or ends it already, stays as it is.
pub(super) fn into_reset(packet: &mut [u8]) -> Option<usize> {
    let start = header_of(packet)?;
    if packet[start + 13] & (FIN | SYN | RST) != 0 {
        return None;
    }
    let length = start + HEADER;
    packet[2..4].copy_from_slice(&(length as u16).to_be_bytes());
    packet[10..12].fill(0);
    let sum = checksum(0, &packet[..start]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet[start + 12] = 5 << 4;
    packet[start + 13] = RST | ACK;
    packet[start + 16..start + 20].fill(0);
    let pseudo = word_sum(&packet[12..20]) + u32::from(TCP) + HEADER as u32;
    let sum = checksum(pseudo, &packet[start..length]);
    packet[start + 16..start + 18].copy_from_slice(&sum.to_be_bytes());
    Some(length)
}

fn word_sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(*word.get(1).unwrap_or(&0))).sum()
}

/// The sum of RFC 1071 over these bytes, on top of what was summed up before.
fn checksum(before: u32, bytes: &[u8]) -> u16 {
    let mut sum = before + word_sum(bytes);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A segment of 10.0.0.1 to 10.0.0.2 with these flags, one option and this data.
    fn segment(flags: u8, data: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x45, 0, 0, 0, 0, 1, 0x40, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
        packet.extend_from_slice(&[
            0x12, 0x34, 0x15, 0xb3, 0, 0, 0, 7, 0, 0, 0, 9, 0x60, flags, 1, 0, 0, 0, 0, 0,
        ]);
        packet.extend_from_slice(&[1, 1, 1, 1]);
        packet.extend_from_slice(data);
        let length = packet.len() as u16;
        packet[2..4].copy_from_slice(&length.to_be_bytes());
        packet
    }

    #[test]
    fn data_becomes_a_reset_with_right_checksums_and_the_same_number() {
        let mut packet = segment(ACK | 0x08, b"hello");
        let length = into_reset(&mut packet).expect("it is a whole segment");
        let packet = &packet[..length];
        assert_eq!((length, packet[2..4].to_vec()), (40, vec![0, 40]));
        assert_eq!(checksum(0, &packet[..20]), 0, "the sum over a right header is zero");
        let pseudo = word_sum(&packet[12..20]) + u32::from(TCP) + 20;
        assert_eq!(checksum(pseudo, &packet[20..]), 0);
        assert_eq!(packet[24..32], [0, 0, 0, 7, 0, 0, 0, 9]);
        assert!(is_end(packet) && packet[33] == RST | ACK);
    }

    #[test]
    fn what_opens_or_ends_a_connection_and_what_is_no_segment_stays_as_it_is() {
        for flags in [SYN, SYN | ACK, FIN | ACK, RST] {
            let mut packet = segment(flags, b"");
            assert_eq!(into_reset(&mut packet), None);
            assert_eq!(packet, segment(flags, b""));
            assert_eq!(is_end(&packet), flags & (FIN | RST) != 0);
        }
        let mut fragment = segment(ACK, b"hello");
        fragment[6] = 0x20;
        let mut datagram = segment(ACK, b"hello");
        datagram[9] = 17;
        for packet in [&mut fragment, &mut datagram] {
            assert_eq!(into_reset(packet), None);
            assert!(!is_end(packet));
        }
        for length in 0..44 {
            let mut short = segment(FIN, b"")[..length].to_vec();
            let _ = (is_end(&short), into_reset(&mut short));
        }
    }
}
