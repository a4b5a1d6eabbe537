//! BER as far as LDAP needs it: values with a tag and a length before them.

use history::Reason;

/// Tags that all of ASN.1 shares.
pub mod tag {
    pub const BOOLEAN: u8 = 0x01;
    pub const INTEGER: u8 = 0x02;
    pub const OCTETS: u8 = 0x04;
    pub const ENUMERATED: u8 = 0x0a;
    pub const SEQUENCE: u8 = 0x30;
    pub const SET: u8 = 0x31;
}

/// A value with its tag and length before it.
pub fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let mut value = vec![tag];
    if length < 0x80 {
        value.push(length as u8);
    } else {
        value.push(0x84);
        value.extend_from_slice(&(length as u32).to_be_bytes());
    }
    value.extend_from_slice(content);
    value
}

/// A number, also of an enumeration.
pub fn number(tag: u8, number: i32) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    // A leading byte that says no more than the sign of the next one is left out.
    let is_spare = |at: usize| match bytes[at] {
        0 => bytes[at + 1] < 0x80,
        0xff => bytes[at + 1] >= 0x80,
        _ => false,
    };
    let mut from = 0;
    while from < 3 && is_spare(from) {
        from += 1;
    }
    tagged(tag, &bytes[from..])
}

/// A text.
pub fn text(text: &str) -> Vec<u8> {
    tagged(tag::OCTETS, text.as_bytes())
}

/// Values one after the other, with a tag of their own.
pub fn list(tag: u8, values: &[Vec<u8>]) -> Vec<u8> {
    tagged(tag, &values.concat())
}

/// Values that came, taken from the front.
#[derive(Clone, Copy, Debug)]
pub struct Taken<'a>(pub &'a [u8]);

impl<'a> Taken<'a> {
    /// The next value with its tag, if there is one.
    pub fn next(&mut self) -> Result<Option<(u8, Taken<'a>)>, Reason> {
        let Some((&tag, rest)) = self.0.split_first() else { return Ok(None) };
        let (length, size) = length(rest).ok_or_else(strange)?;
        let content = rest.get(size..size + length).ok_or_else(strange)?;
        self.0 = &rest[size + length..];
        Ok(Some((tag, Taken(content))))
    }

    /// The next value, which is to have this tag.
    pub fn expect(&mut self, wanted: u8) -> Result<Taken<'a>, Reason> {
        match self.next()? {
            Some((tag, content)) if tag == wanted => Ok(content),
            _ => Err(strange()),
        }
    }

    /// The next value as a number.
    pub fn number(&mut self, wanted: u8) -> Result<i32, Reason> {
        let bytes = self.expect(wanted)?.0;
        if bytes.is_empty() || bytes.len() > 4 {
            return Err(strange());
        }
        let sign = if bytes[0] < 0x80 { 0 } else { -1 };
        Ok(bytes.iter().fold(sign, |number: i32, byte| number << 8 | i32::from(*byte)))
    }

    /// The next value as text.
    pub fn text(&mut self) -> Result<String, Reason> {
        let bytes = self.expect(tag::OCTETS)?.0;
        String::from_utf8(bytes.to_vec()).map_err(|_| strange())
    }
}

/// A length, and in how many bytes it stands; `None` where it is not all there or not to be believed.
pub fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return Some((usize::from(first), 1));
    }
    let size = usize::from(first & 0x7f);
    if !(1..=4).contains(&size) {
        return None;
    }
    let length = rest.get(..size)?.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    Some((length, 1 + size))
}

/// What came was not LDAP.
pub fn strange() -> Reason {
    "the answer is not of LDAP".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_in_as_few_bytes_as_they_need() {
        for (value, bytes) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (-1, &[2, 1, 0xff]),
            (65_536, &[2, 3, 1, 0, 0]),
            (i32::MAX, &[2, 4, 0x7f, 0xff, 0xff, 0xff]),
        ] {
            let written = number(tag::INTEGER, value);
            assert_eq!(written, bytes, "{value}");
            assert_eq!(Taken(&written).number(tag::INTEGER).unwrap(), value);
        }
    }

    #[test]
    fn values_are_taken_apart_as_they_were_put_together() {
        let long = "x".repeat(300);
        let bytes = list(tag::SEQUENCE, &[text("a"), text(&long), number(tag::ENUMERATED, 68)]);
        let mut outer = Taken(&bytes);
        let mut taken = outer.expect(tag::SEQUENCE).unwrap();
        assert_eq!((taken.text().unwrap(), taken.text().unwrap()), ("a".into(), long));
        assert_eq!(taken.number(tag::ENUMERATED).unwrap(), 68);
        assert!(taken.next().unwrap().is_none() && outer.next().unwrap().is_none());
        for torn in [&[4, 5, 1][..], &[4], &[4, 0x85, 1, 1, 1, 1, 1], &[4, 0x80]] {
            assert!(Taken(torn).next().is_err(), "{torn:?}");
        }
    }
}
