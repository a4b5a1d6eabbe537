//! What is unread of an answer, taken from the front. Numbers have their highest byte first, as in every protocol here that uses it.

use history::Reason;

/// The bytes of an answer that nobody has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unread {
    bytes: Vec<u8>,
    at: usize,
    strange: &'static str,
}

impl Unread {
    /// These bytes; `strange` is the reason where they are not what was expected.
    pub fn new(bytes: Vec<u8>, strange: &'static str) -> Self {
        Self { bytes, at: 0, strange }
    }

    /// What is said of bytes that are not what was expected.
    pub fn strange(&self) -> Reason {
        self.strange.into()
    }

    /// The next bytes.
    pub fn take(&mut self, length: usize) -> Result<&[u8], Reason> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| Reason::from(self.strange))?;
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    /// The bytes of a number.
    pub fn number<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], Reason> {
        let mut number = [0; LENGTH];
        number.copy_from_slice(self.take(LENGTH)?);
        Ok(number)
    }

    /// The next bytes, which must be a text.
    pub fn text(&mut self, length: usize) -> Result<String, Reason> {
        let text = self.take(length)?.to_vec();
        String::from_utf8(text).map_err(|_| self.strange())
    }

    /// Everything that is left.
    pub fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_beyond_the_end() {
        let mut answer = Unread::new(b"\x00\x07text\xff".to_vec(), "strange");
        assert_eq!(u16::from_be_bytes(answer.number().unwrap()), 7);
        assert_eq!(answer.text(4).unwrap(), "text");
        assert_eq!(answer.number::<2>().unwrap_err(), Reason::from("strange"));
        assert_eq!(answer.take(usize::MAX).unwrap_err(), Reason::from("strange"));
        assert_eq!(answer.rest(), [0xff]);
        assert_eq!(answer.text(1).unwrap_err(), Reason::from("strange"), "it is no text");
    }
}
