//! The lists of numbers that transactions read, recognised by their text.
//!
//! A key's list is read again and again, and nearly every time its text begins as it began before. Comparing the bytes
//! is several times faster than reading the numbers, and gives a view of the sequence that is there already.

use rustc_hash::FxHashMap;

use super::{DELIMITERS, Token};
use crate::{
    Value,
    vocabulary::list_append::{List, Sequence},
};

/// The longest list of one key: its text and its values.
#[derive(Default)]
struct Known {
    /// Without the brackets.
    text: Vec<u8>,
    /// Where each number ends in the text.
    ends: Vec<u32>,
    sequence: Sequence,
}

impl Known {
    /// The list that begins at the start of `text`, after its bracket, and how many bytes it has without its brackets.
    /// `None` where it is neither a prefix of this list nor goes on from it, or is not a plain list of numbers.
    fn recognise(&mut self, text: &[u8]) -> Option<(List, usize)> {
        let common = common_length(&self.text, text);
        if text.get(common) == Some(&b']') {
            if common == 0 {
                return Some((List::default(), 0));
            }
            let place = self.ends.binary_search(&(common as u32)).ok()?;
            return Some((self.sequence.prefix(place + 1), common));
        }
        // What follows goes on from the whole of this list only behind one of its numbers.
        if common < self.text.len() || common > 0 && !matches!(text.get(common), Some(b' ' | b',')) {
            return None;
        }
        let end = self.extend(text, common)?;
        Some((self.sequence.prefix(self.ends.len()), end))
    }

    /// Takes the numbers from `from` on up to the closing bracket, and says where that is. On `None` nothing was taken.
    fn extend(&mut self, text: &[u8], from: usize) -> Option<usize> {
        let (numbers_before, mut at) = (self.ends.len(), from);
        let mut taken = Vec::new();
        loop {
            while let Some(b' ' | b',') = text.get(at) {
                at += 1;
            }
            match number(text, at) {
                Some((number, end)) if u32::try_from(end).is_ok() => {
                    taken.push(Value::Int(number));
                    self.ends.push(end as u32);
                    at = end;
                }
                _ => {
                    self.ends.truncate(numbers_before);
                    return None;
                }
            }
            if text.get(at) == Some(&b']') {
                self.text.extend_from_slice(&text[from..at]);
                self.sequence.extend(&taken);
                return Some(at);
            }
        }
    }
}

/// How many bytes two texts have in common from their beginning.
fn common_length(one: &[u8], other: &[u8]) -> usize {
    let wide =
        one.chunks_exact(8).zip(other.chunks_exact(8)).take_while(|(one, other)| one == other).count() * 8;
    let rest = one[wide..].iter().zip(&other[wide..]).take_while(|(one, other)| one == other);
    wide + rest.count()
}

/// The number that begins here in its plain form, and where it ends.
fn number(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let digits_at = at + usize::from(text.get(at) == Some(&b'-'));
    let mut end = digits_at;
    let mut number = 0_i64;
    while let Some(digit @ b'0'..=b'9') = text.get(end) {
        // 18 digits always fit.
        if end - digits_at == 18 {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
        end += 1;
    }
    let is_whole = end > digits_at && text.get(end).is_some_and(|byte| DELIMITERS[usize::from(*byte)]);
    is_whole.then_some((if digits_at > at { -number } else { number }, end))
}

/// The longest list of each key.
#[derive(Default)]
pub(super) struct KnownLists {
    numbered: FxHashMap<i64, u32>,
    /// Keywords and texts that are keys, as they stand there.
    named: FxHashMap<Box<[u8]>, u32>,
    known: Vec<Known>,
}

impl KnownLists {
    /// The list whose opening bracket is at `at`, in a text whose tokens so far are these; and where it ends. `None`
    /// unless it stands where a transaction read a key, and is a plain list of numbers that agrees with the key's.
    pub fn recognise(
        &mut self,
        text: &[u8],
        at: usize,
        open: &[usize],
        tokens: &[Token],
    ) -> Option<(List, usize)> {
        let [.., Token::Open { .. }, f, key] = tokens else { return None };
        let is_read = match *f {
            Token::Keyword { start, end } => {
                matches!(&text[start as usize + 1..end as usize], b"r" | b"read")
            }
            Token::Text { start, end, .. } => matches!(&text[start as usize..end as usize], b"r" | b"read"),
            _ => false,
        };
        if !is_read || open.last().copied() != Some(tokens.len() - 3) {
            return None;
        }
        let place = self.place(text, *key)?;
        let (list, bytes) = self.known[place as usize].recognise(&text[at + 1..])?;
        Some((list, at + 1 + bytes + 1))
    }

    /// Where what is known of a key is; `None` for keys of unusual forms.
    fn place(&mut self, text: &[u8], key: Token) -> Option<u32> {
        let next = u32::try_from(self.known.len()).ok()?;
        let place = match key {
            Token::Int(number) => *self.numbered.entry(number).or_insert(next),
            Token::Keyword { start, end } | Token::Text { start, end, .. } => {
                let name = &text[start as usize..end as usize];
                match self.named.get(name) {
                    Some(place) => *place,
                    None => *self.named.entry(name.into()).or_insert(next),
                }
            }
            _ => return None,
        };
        if place == next {
            self.known.push(Known::default());
        }
        Some(place)
    }
}
