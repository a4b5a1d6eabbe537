//! The fields of AMQP 0-9-1: how they are put into a frame and taken out of one.

use history::Reason;

use crate::unread::Unread;

/// The end of every frame.
const END: u8 = 0xce;

/// The fields of a frame, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<u8>);

impl Fields {
    /// The fields of a method.
    pub fn of(method: (u16, u16)) -> Self {
        Self::default().short(method.0).short(method.1)
    }

    /// Adds one byte.
    #[must_use]
    pub fn byte(mut self, byte: u8) -> Self {
        self.0.push(byte);
        self
    }

    /// Adds a number of two bytes.
    #[must_use]
    pub fn short(mut self, number: u16) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a number of four bytes.
    #[must_use]
    pub fn long(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a number of eight bytes.
    #[must_use]
    pub fn longest(mut self, number: u64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a text of up to 255 bytes.
    #[must_use]
    pub fn name(mut self, text: &str) -> Self {
        let text = &text.as_bytes()[..text.len().min(255)];
        self.0.push(text.len() as u8);
        self.0.extend_from_slice(text);
        self
    }

    /// Adds a text of any length, or another list of fields.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        self = self.long(text.len() as u32);
        self.0.extend_from_slice(text);
        self
    }

    /// Adds one entry of a table whose value is a text.
    #[must_use]
    pub fn entry(self, name: &str, value: &str) -> Self {
        self.name(name).byte(b'S').text(value)
    }

    /// The frame of these fields.
    pub fn framed(self, kind: u8, channel: u16) -> Vec<u8> {
        let frame = Self::default().byte(kind).short(channel).text(&self.0).byte(END);
        frame.0
    }
}

impl AsRef<[u8]> for Fields {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

/// The fields of a frame that came, taken from the front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    left: Unread,
}

impl Taken {
    /// The fields in these bytes, which end with the end of their frame.
    pub fn of_frame(mut bytes: Vec<u8>) -> Result<Self, Reason> {
        if bytes.pop() == Some(END) { Ok(Self { left: Unread::new(bytes, STRANGE) }) } else { Err(strange()) }
    }

    /// One byte.
    pub fn byte(&mut self) -> Result<u8, Reason> {
        Ok(self.left.number::<1>()?[0])
    }

    /// A number of two bytes.
    pub fn short(&mut self) -> Result<u16, Reason> {
        self.left.number().map(u16::from_be_bytes)
    }

    /// A number of four bytes.
    pub fn long(&mut self) -> Result<u32, Reason> {
        self.left.number().map(u32::from_be_bytes)
    }

    /// A number of eight bytes.
    pub fn longest(&mut self) -> Result<u64, Reason> {
        self.left.number().map(u64::from_be_bytes)
    }

    /// A text of up to 255 bytes.
    pub fn name(&mut self) -> Result<String, Reason> {
        let length = usize::from(self.byte()?);
        Ok(String::from_utf8_lossy(self.left.take(length)?).into_owned())
    }

    /// Everything that is left.
    pub fn rest(&self) -> &[u8] {
        self.left.rest()
    }
}

const STRANGE: &str = "the answer is not of AMQP";

/// What came was not AMQP.
pub fn strange() -> Reason {
    STRANGE.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_framed_and_taken_as_they_were_put() {
        let fields = Fields::of((60, 71)).longest(7).byte(1).name("q").long(9).text("rest");
        let frame = fields.framed(1, 1);
        assert_eq!(frame[..3], [1, 0, 1]);
        let mut taken = Taken::of_frame(frame[7..].to_vec()).unwrap();
        assert_eq!((taken.short().unwrap(), taken.short().unwrap()), (60, 71));
        assert_eq!((taken.longest().unwrap(), taken.byte().unwrap()), (7, 1));
        assert_eq!((taken.name().unwrap().as_str(), taken.long().unwrap()), ("q", 9));
        assert_eq!(taken.rest(), b"\0\0\0\x04rest");
        assert!(taken.left.take(9).is_err(), "only eight bytes are left");
        assert!(Taken::of_frame(b"no end".to_vec()).is_err());
    }
}
