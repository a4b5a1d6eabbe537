//! The map that an operation is in EDN, read without the members that say nothing here.

use super::{Bracket, DELIMITERS, Fault, Notation, Tape, Token, end_of_atom};

/// The members that an operation is understood by.
fn is_wanted(name: &[u8]) -> bool {
    matches!(name, b"type" | b"process" | b"f" | b"value" | b"key" | b"error" | b"time")
}

impl Tape {
    /// Reads a form as [`read`](Self::read) does; of an operation, members such as `:index` may be left out.
    pub fn read_operation(&mut self, text: &[u8], at: usize, notation: Notation) -> Result<usize, Fault> {
        if notation == Notation::Edn && text.get(at) == Some(&b'{') {
            self.clear();
            if let Some(end) = self.members(text, at) {
                return Ok(end);
            }
        }
        self.read(text, at, notation)
    }

    /// Reads the members of a map as Jepsen writes them. `None` where they are written in another way, or not all there.
    fn members(&mut self, text: &[u8], at: usize) -> Option<usize> {
        let mut at = self.begin(Bracket::Map, at).ok()?;
        loop {
            while let b' ' | b',' = text.get(at)? {
                at += 1;
            }
            if text[at] == b'}' {
                self.close(b'}', at).ok()?;
                return Some(at + 1);
            }
            let end = if text[at] == b':' { end_of_atom(text, at + 1) } else { return None };
            let name = &text[at + 1..end];
            if text.get(end) != Some(&b' ') {
                return None;
            }
            if is_wanted(name) {
                self.tokens.push(Token::Keyword { start: at as u32, end: end as u32 });
                at = self.form(text, end + 1, Notation::Edn).ok()?;
            } else {
                at = end_of_plain(text, end + 1)?;
            }
        }
    }
}

/// Where the number or keyword ends that begins here. `None` for anything else.
fn end_of_plain(text: &[u8], at: usize) -> Option<usize> {
    if !matches!(text.get(at)?, b'0'..=b'9' | b'-' | b':') {
        return None;
    }
    let mut end = at + 1;
    loop {
        let byte = *text.get(end)?;
        if DELIMITERS[usize::from(byte)] {
            return Some(end);
        }
        // Beyond ASCII a word must be checked, which `read` does.
        if !byte.is_ascii() {
            return None;
        }
        end += 1;
    }
}
