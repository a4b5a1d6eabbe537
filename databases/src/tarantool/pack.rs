//! MessagePack, as much of it as Tarantool and its procedures here use.

use history::Reason;

/// Lists and maps in each other are at most this deep.
const DEPTH_MAX: u32 = 8;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pack {
    /// Nothing.
    Nil,
    /// Yes or no.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A text.
    Text(String),
    /// Several values.
    List(Vec<Pack>),
    /// Values by their keys, in the order they came.
    Map(Vec<(Pack, Pack)>),
}

impl Pack {
    /// A text.
    pub fn of(value: &impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// Yes or no, if it is that.
    pub fn truth(&self) -> Option<bool> {
        if let Self::Bool(truth) = self { Some(*truth) } else { None }
    }

    /// The values in it, if it is a list.
    pub fn list(&self) -> Option<&[Self]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// What a map has under a number.
    pub fn under(&self, number: i64) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| *key == Self::Int(number)).map(|(_, value)| value)
    }

    /// Adds it to what is to be sent.
    pub fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Nil => bytes.push(0xc0),
            Self::Bool(truth) => bytes.push(if *truth { 0xc3 } else { 0xc2 }),
            Self::Int(number) => match u8::try_from(*number) {
                Ok(small @ 0..=0x7f) => bytes.push(small),
                // The server takes only what is without a sign for the number of a request.
                _ => {
                    bytes.push(if *number < 0 { 0xd3 } else { 0xcf });
                    bytes.extend_from_slice(&number.to_be_bytes());
                }
            },
            Self::Text(text) => {
                put_length(0xdb, text.len(), bytes);
                bytes.extend_from_slice(text.as_bytes());
            }
            Self::List(list) => {
                put_length(0xdd, list.len(), bytes);
                list.iter().for_each(|value| value.put(bytes));
            }
            Self::Map(pairs) => {
                put_length(0xdf, pairs.len(), bytes);
                for (key, value) in pairs {
                    key.put(bytes);
                    value.put(bytes);
                }
            }
        }
    }

    /// Takes one off the front of what was received.
    pub fn take(bytes: &mut &[u8]) -> Result<Self, Reason> {
        take(bytes, DEPTH_MAX)
            .ok_or_else(|| "an answer that is not MessagePack, or none that is known here".into())
    }
}

/// The longest of the forms that a length has, which does for all.
fn put_length(kind: u8, length: usize, bytes: &mut Vec<u8>) {
    bytes.push(kind);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
}

fn some<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (front, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(front)
}

/// A number of so many bytes, without a sign.
fn number(bytes: &mut &[u8], count: usize) -> Option<u64> {
    Some(some(bytes, count)?.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)))
}

fn length(bytes: &mut &[u8], count: usize) -> Option<usize> {
    usize::try_from(number(bytes, count)?).ok()
}

fn take(bytes: &mut &[u8], depth: u32) -> Option<Pack> {
    let kind = some(bytes, 1)?[0];
    Some(match kind {
        0x00..=0x7f => Pack::Int(kind.into()),
        0x80..=0x8f => map(bytes, usize::from(kind & 0x0f), depth)?,
        0x90..=0x9f => list(bytes, usize::from(kind & 0x0f), depth)?,
        0xa0..=0xbf => text(bytes, usize::from(kind & 0x1f))?,
        0xc0 => Pack::Nil,
        0xc2 => Pack::Bool(false),
        0xc3 => Pack::Bool(true),
        0xcc..=0xcf => Pack::Int(i64::try_from(number(bytes, 1 << (kind - 0xcc))?).ok()?),
        0xd0..=0xd3 => {
            let count = 1 << (kind - 0xd0);
            let unused = 64 - 8 * count as u32;
            Pack::Int((number(bytes, count)? << unused).cast_signed() >> unused)
        }
        0xd9..=0xdb => {
            let count = length(bytes, 1 << (kind - 0xd9))?;
            text(bytes, count)?
        }
        0xdc | 0xdd => {
            let count = length(bytes, 2 << (kind - 0xdc))?;
            list(bytes, count, depth)?
        }
        0xde | 0xdf => {
            let count = length(bytes, 2 << (kind - 0xde))?;
            map(bytes, count, depth)?
        }
        0xe0..=0xff => Pack::Int(kind.cast_signed().into()),
        // Fractions, bytes, and kinds of one's own.
        _ => return None,
    })
}

fn text(bytes: &mut &[u8], count: usize) -> Option<Pack> {
    Some(Pack::Text(std::str::from_utf8(some(bytes, count)?).ok()?.to_owned()))
}

// Every value takes a byte, so a list that says it is longer than what is left is none.

fn list(bytes: &mut &[u8], count: usize, depth: u32) -> Option<Pack> {
    let depth = depth.checked_sub(1).filter(|_| count <= bytes.len())?;
    (0..count).map(|_| take(bytes, depth)).collect::<Option<_>>().map(Pack::List)
}

fn map(bytes: &mut &[u8], count: usize, depth: u32) -> Option<Pack> {
    let depth = depth.checked_sub(1).filter(|_| count <= bytes.len())?;
    (0..count).map(|_| Some((take(bytes, depth)?, take(bytes, depth)?))).collect::<Option<_>>().map(Pack::Map)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_taken() {
        let values = [0, 127, 128, -1, -33, i64::MAX, i64::MIN].map(Pack::Int);
        let all = Pack::Map(vec![
            (Pack::Int(33), Pack::List(values.to_vec())),
            (
                Pack::Text("é".into()),
                Pack::List(vec![Pack::Nil, Pack::Bool(true), Pack::Text(String::new())]),
            ),
        ]);
        let mut bytes = Vec::new();
        all.put(&mut bytes);
        let mut rest = &bytes[..];
        assert_eq!(Pack::take(&mut rest), Ok(all.clone()));
        assert!(rest.is_empty());
        assert_eq!(all.under(33).and_then(Pack::list), Some(&values[..]));
        // Cut anywhere it is nothing.
        for end in 0..bytes.len() {
            assert!(Pack::take(&mut &bytes[..end]).is_err(), "{end}");
        }
    }

    #[test]
    fn the_short_forms_of_the_server_are_read_and_nonsense_is_not() {
        let taken = |bytes: &[u8]| Pack::take(&mut &*bytes);
        assert_eq!(
            taken(&[0x92, 0xff, 0xa2, b'o', b'k']),
            Ok(Pack::List(vec![Pack::Int(-1), Pack::of(&"ok")]))
        );
        assert_eq!(
            taken(&[0x81, 0x30, 0xdc, 0, 1, 0xcd, 1, 0]).unwrap().under(0x30),
            Some(&Pack::List(vec![Pack::Int(256)]))
        );
        assert_eq!(taken(&[0xd1, 0xff, 0xfe]), Ok(Pack::Int(-2)));
        let deep = [0x91; 100];
        // A list of four thousand million values, one that is too deep, a fraction, a number that is too great.
        for nonsense in [&[0xdd, 255, 255, 255, 255][..], &deep, &[0xcb; 9], &[0xcf; 9]] {
            assert!(taken(nonsense).is_err(), "{nonsense:?}");
        }
    }
}
