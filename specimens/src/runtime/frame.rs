//! Records on disk: each with its length and its checksum, and a checksum of these two, so that a record that was not
//! written to its end is told from one that decayed.
//!
//! A torn write ends early. So what is missing at the end of the file was never synced and is cut off; whatever is there
//! and wrong was once right.

use std::io;

/// The checksums and the length, in hexadecimal digits.
const HEAD: usize = 24;

/// What a journal comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Contents<'a> {
    /// What each record says.
    pub records: Vec<&'a [u8]>,
    /// How many bytes they take; what follows is cut off.
    pub whole: usize,
    /// Where something is wrong that was once right.
    pub damage: Option<usize>,
}

/// The checksum of some bytes (CRC-32C).
fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82F6_3B78;
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| {
                if sum & 1 == 1 { sum >> 1 ^ POLYNOMIAL } else { sum >> 1 }
            },
        )
    })
}

/// Writes a record.
pub(super) fn push(buffer: &mut Vec<u8>, record: &[u8]) {
    let head = format!("{:08x}{:08x}", record.len(), checksum(record));
    let sum = checksum(head.as_bytes());
    buffer.extend_from_slice(format!("{head}{sum:08x}").as_bytes());
    buffer.extend_from_slice(record);
}

/// Takes a journal apart, as far as its checksums are right; without them as far as it makes sense.
pub(super) fn split(content: &[u8], trust: bool) -> Contents<'_> {
    let mut contents = Contents::default();
    while let Some(head) = content.get(contents.whole..contents.whole + HEAD) {
        let number = |digits: &[u8]| {
            let text = std::str::from_utf8(digits).map_err(io::Error::other)?;
            u32::from_str_radix(text, 16).map_err(io::Error::other)
        };
        let is_right = format!("{:08x}", checksum(&head[..16])).as_bytes() == &head[16..];
        let (Ok(length), true) = (number(&head[..8]), is_right || trust) else {
            contents.damage = Some(contents.whole);
            break;
        };
        let start = contents.whole + HEAD;
        let Some(record) = content.get(start..start + length as usize) else { break };
        if !trust && number(&head[8..16]).ok() != Some(checksum(record)) {
            contents.damage = Some(contents.whole);
            break;
        }
        contents.records.push(record);
        contents.whole = start + length as usize;
    }
    contents
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal() -> Vec<u8> {
        let mut content = Vec::new();
        for record in ["one", "", "three and more"] {
            push(&mut content, record.as_bytes());
        }
        content
    }

    #[test]
    fn what_was_not_written_to_its_end_is_cut_off_wherever_that_is() {
        let content = journal();
        assert_eq!(checksum(b"123456789"), 0xE306_9283, "the usual test of this checksum");
        assert_eq!(split(&content, false).records, [&b"one"[..], b"", b"three and more"]);
        for length in 0..content.len() {
            let contents = split(&content[..length], false);
            assert_eq!(contents.damage, None, "cut at {length}");
            assert!(contents.whole <= length && contents.records.len() < 3);
        }
    }

    #[test]
    fn no_bit_turns_round_unnoticed_and_trust_does_not_notice() {
        for at in 0..journal().len() {
            for bit in 0..8 {
                let mut content = journal();
                content[at] ^= 1 << bit;
                assert!(split(&content, false).damage.is_some(), "bit {bit} of byte {at}");
            }
        }
        let mut content = journal();
        content[HEAD] ^= 1;
        assert_eq!(split(&content, true).records[0], b"nne");
    }
}
