//! The packets of MQTT 5 as far as they are needed: how they are put together, and how they are taken apart.

use history::Reason;

use crate::unread::Unread;

/// The kinds of packets: the upper half of their first byte.
pub mod kind {
    pub const CONNECT: u8 = 1;
    pub const CONNACK: u8 = 2;
    pub const PUBLISH: u8 = 3;
    pub const PUBACK: u8 = 4;
    pub const SUBSCRIBE: u8 = 8;
    pub const SUBACK: u8 = 9;
    pub const UNSUBSCRIBE: u8 = 10;
    pub const UNSUBACK: u8 = 11;
    pub const PINGREQ: u8 = 12;
    pub const PINGRESP: u8 = 13;
    pub const DISCONNECT: u8 = 14;
}

/// A packet that is being put together.
#[derive(Clone, Debug, Default)]
pub struct Packet {
    first: u8,
    rest: Vec<u8>,
}

impl Packet {
    /// A packet of a kind, with the flags that some kinds have.
    pub fn new(kind: u8, flags: u8) -> Self {
        Self { first: kind << 4 | flags, rest: Vec::new() }
    }

    /// Adds bytes as they are.
    #[must_use]
    pub fn bytes(mut self, bytes: &[u8]) -> Self {
        self.rest.extend_from_slice(bytes);
        self
    }

    /// Adds a number of two bytes.
    #[must_use]
    pub fn short(self, number: u16) -> Self {
        self.bytes(&number.to_be_bytes())
    }

    /// Adds a text, with its length before it.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.short(text.len() as u16).bytes(text.as_bytes())
    }

    /// Adds properties, with their length before them.
    #[must_use]
    pub fn properties(mut self, properties: &[u8]) -> Self {
        put_length(&mut self.rest, properties.len());
        self.bytes(properties)
    }

    /// The whole packet.
    pub fn whole(self) -> Vec<u8> {
        let mut whole = vec![self.first];
        put_length(&mut whole, self.rest.len());
        whole.extend(self.rest);
        whole
    }
}

/// A length in as many bytes as it needs, seven bits in each.
fn put_length(into: &mut Vec<u8>, mut length: usize) {
    loop {
        let part = (length % 128) as u8;
        length /= 128;
        into.push(if length > 0 { part | 0x80 } else { part });
        if length == 0 {
            break;
        }
    }
}

/// A packet that came, taken from the front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// Its kind.
    pub kind: u8,
    /// Its flags.
    pub flags: u8,
    left: Unread,
}

impl Taken {
    /// The packet with this first byte and these bytes behind its length.
    pub fn new(first: u8, bytes: Vec<u8>) -> Self {
        Self { kind: first >> 4, flags: first & 0x0f, left: Unread::new(bytes, STRANGE) }
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Reason> {
        Ok(self.left.number::<1>()?[0])
    }

    /// One byte that may be left out where it is 0, with all that follows it.
    pub fn last_byte(&mut self) -> u8 {
        self.byte().unwrap_or(0)
    }

    /// A number of two bytes.
    pub fn short(&mut self) -> Result<u16, Reason> {
        self.left.number().map(u16::from_be_bytes)
    }

    /// A text.
    pub fn text(&mut self) -> Result<String, Reason> {
        let length = usize::from(self.short()?);
        self.left.text(length)
    }

    /// Passes over properties.
    pub fn properties(&mut self) -> Result<(), Reason> {
        let (mut length, mut shift) = (0_usize, 0);
        loop {
            let part = self.byte()?;
            length |= usize::from(part & 0x7f) << shift;
            if part & 0x80 == 0 {
                break;
            }
            shift += 7;
            if shift > 21 {
                return Err(strange());
            }
        }
        self.left.take(length).map(|_| ())
    }

    /// Everything that is left, as text.
    pub fn rest(&mut self) -> Result<String, Reason> {
        self.left.text(self.left.rest().len())
    }
}

const STRANGE: &str = "the answer is not of MQTT";

/// What came was not MQTT.
pub fn strange() -> Reason {
    STRANGE.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_is_put_together_and_taken_apart() {
        let whole = Packet::new(kind::PUBLISH, 3).text("a/b").short(7).properties(&[]).bytes(b"12").whole();
        assert_eq!(whole, b"\x33\x0a\0\x03a/b\0\x07\0".iter().copied().chain(*b"12").collect::<Vec<_>>());
        let mut taken = Taken::new(whole[0], whole[2..].to_vec());
        assert_eq!((taken.kind, taken.flags), (kind::PUBLISH, 3));
        assert_eq!((taken.text().unwrap().as_str(), taken.short().unwrap()), ("a/b", 7));
        taken.properties().unwrap();
        assert_eq!(taken.rest().unwrap(), "12");
        assert_eq!(taken.last_byte(), 0);
        assert!(taken.short().is_err());
    }

    #[test]
    fn a_length_takes_as_many_bytes_as_it_needs() {
        for (length, bytes) in [(0, &[0][..]), (127, &[127]), (128, &[0x80, 1]), (16_384, &[0x80, 0x80, 1])] {
            let mut into = Vec::new();
            put_length(&mut into, length);
            assert_eq!(into, bytes);
        }
        let mut endless = Taken::new(0, vec![0xff; 9]);
        assert!(endless.properties().is_err());
    }
}
