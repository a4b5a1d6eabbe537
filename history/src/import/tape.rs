//! One EDN or JSON form as a flat list of tokens: read in one pass, without recursion and without an allocation per form.

mod lists;
mod operation;
mod view;

use crate::vocabulary::list_append::List;
use lists::KnownLists;

pub(super) use view::{Elements, View};

/// Deeper nesting is not found in histories.
const DEPTH_MAX: usize = 64;

/// Which notation a text is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notation {
    Edn,
    Json,
}

/// What brackets a collection has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bracket {
    Vector,
    List,
    Set,
    Map,
}

/// One token; `start` and `end` are places in the text the tape was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Nil,
    Int(i64),
    /// With its colon.
    Keyword {
        start: u32,
        end: u32,
    },
    /// Between its quotes.
    Text {
        start: u32,
        end: u32,
        escaped: bool,
    },
    /// A symbol, a number that is no `i64`, a character.
    Other {
        start: u32,
        end: u32,
    },
    /// A collection: its elements follow, up to the token at `next`.
    Open {
        bracket: Bracket,
        next: u32,
    },
    /// A vector of numbers that a transaction read: a place among the tape's lists. Between its brackets.
    List {
        place: u32,
        start: u32,
        end: u32,
    },
}

/// Why a form could not be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The text ends before the form does.
    Incomplete,
    /// The text is not of its notation, here.
    Bad { at: usize, what: String },
}

fn bad(at: usize, what: &str) -> Fault {
    Fault::Bad { at, what: what.into() }
}

/// The bytes that end a symbol, number or keyword.
const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b'\t' | b'\r' | b'\n' | b',' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b'"' | b';'
    )
}

const DELIMITERS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = is_delimiter(byte as u8);
        byte += 1;
    }
    table
};

/// The place of the first byte that is neither white space, nor a comma, nor in a comment. In JSON, colons are skipped
/// as well: between the members of an object they separate nothing that is not separate already.
pub(super) fn skip_space(text: &[u8], mut at: usize, notation: Notation) -> usize {
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => at += 1,
            b':' if notation == Notation::Json => at += 1,
            b';' if notation == Notation::Edn => {
                at += text[at..].iter().position(|byte| *byte == b'\n').unwrap_or(text.len() - at);
            }
            _ => break,
        }
    }
    at
}

/// The tokens of one form.
#[derive(Default)]
pub(super) struct Tape {
    tokens: Vec<Token>,
    /// The lists among the tokens.
    lists: Vec<List>,
    /// The lists of the forms before, where they are wanted.
    known: Option<Box<KnownLists>>,
    /// The open collections: where each is on the tape.
    open: Vec<usize>,
    /// The depths at which `#_` waits for the form it drops, with the tape's length before it.
    dropped: Vec<(usize, usize)>,
}

impl Tape {
    /// A tape that recognises the lists that transactions read. They can be looked into once the tape is gone.
    pub fn of_lists() -> Self {
        Self { known: Some(Box::default()), ..Self::default() }
    }

    fn clear(&mut self) {
        self.tokens.clear();
        self.lists.clear();
        self.open.clear();
        self.dropped.clear();
    }

    /// Reads the form that begins at `at` (not at white space), and answers where it ends.
    pub fn read(&mut self, text: &[u8], at: usize, notation: Notation) -> Result<usize, Fault> {
        self.clear();
        self.form(text, at, notation)
    }

    /// Reads a form within the collections that are open.
    fn form(&mut self, text: &[u8], mut at: usize, notation: Notation) -> Result<usize, Fault> {
        let (outer, before) = (self.open.len(), self.tokens.len());
        let json = notation == Notation::Json;
        loop {
            let Some(byte) = text.get(at) else { return Err(Fault::Incomplete) };
            at = match byte {
                b' ' | b',' | b'\n' | b'\r' | b'\t' => {
                    at += 1;
                    continue;
                }
                b'{' => self.begin(Bracket::Map, at)?,
                b'[' => self.vector(text, at)?,
                b'(' => self.begin(Bracket::List, at)?,
                b'}' | b']' | b')' => {
                    self.close(*byte, at)?;
                    at + 1
                }
                b'"' => self.string(text, at)?,
                b':' if json => {
                    at += 1;
                    continue;
                }
                b':' => self.keyword(text, at)?,
                b'0'..=b'9' => self.number(text, at)?,
                b';' if !json => {
                    at = skip_space(text, at, notation);
                    continue;
                }
                b'#' if !json => match self.dispatch(text, at)? {
                    (at_set, true) => at_set,
                    (at_form, false) => {
                        at = at_form;
                        continue;
                    }
                },
                _ => self.word(text, at)?,
            };
            if !self.dropped.is_empty() {
                self.form_done();
            }
            if self.open.len() == outer && self.dropped.is_empty() && self.tokens.len() > before {
                return Ok(at);
            }
        }
    }

    /// Begins a vector, or takes the whole of it where its text is known.
    fn vector(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        let Some(known) = &mut self.known else { return self.begin(Bracket::Vector, at) };
        match known.recognise(text, at, &self.open, &self.tokens) {
            Some((list, end)) => {
                let place = self.lists.len() as u32;
                self.lists.push(list);
                self.tokens.push(Token::List { place, start: at as u32 + 1, end: end as u32 - 1 });
                Ok(end)
            }
            None => self.begin(Bracket::Vector, at),
        }
    }

    fn begin(&mut self, bracket: Bracket, at: usize) -> Result<usize, Fault> {
        if self.open.len() >= DEPTH_MAX {
            return Err(bad(at, "is nested too deeply"));
        }
        self.open.push(self.tokens.len());
        self.tokens.push(Token::Open { bracket, next: 0 });
        Ok(at + 1)
    }

    fn close(&mut self, byte: u8, at: usize) -> Result<(), Fault> {
        let next = self.tokens.len() as u32;
        let opened = self.open.pop().ok_or_else(|| bad(at, "closes a bracket that was not opened"))?;
        if self.dropped.last().is_some_and(|(depth, _)| *depth > self.open.len()) {
            return Err(bad(at, "closes a bracket where #_ needs a form"));
        }
        let Token::Open { bracket, next: end } = &mut self.tokens[opened] else {
            return Err(bad(at, "closes what is not a collection"));
        };
        *end = next;
        let fits = match bracket {
            Bracket::Vector => byte == b']',
            Bracket::List => byte == b')',
            Bracket::Set | Bracket::Map => byte == b'}',
        };
        if fits { Ok(()) } else { Err(bad(at, "closes a bracket of another kind")) }
    }

    /// A form is complete: drops it if `#_` asked for that.
    fn form_done(&mut self) {
        if let Some((depth, length)) = self.dropped.last().copied()
            && depth == self.open.len()
            && length < self.tokens.len()
        {
            self.tokens.truncate(length);
            self.dropped.pop();
        }
    }

    /// Reads what begins with `#`: a set, a tag (skipped), or the mark of a form to be dropped. Says where to go on,
    /// and whether a collection was begun.
    fn dispatch(&mut self, text: &[u8], at: usize) -> Result<(usize, bool), Fault> {
        match text.get(at + 1) {
            None => Err(Fault::Incomplete),
            Some(b'{') => self.begin(Bracket::Set, at).map(|at| (at + 1, true)),
            Some(b'_') => {
                if self.dropped.len() >= DEPTH_MAX {
                    return Err(bad(at, "drops too many forms at once"));
                }
                self.dropped.push((self.open.len(), self.tokens.len()));
                Ok((at + 2, false))
            }
            Some(byte) if byte.is_ascii_alphabetic() => {
                let end = end_of_atom(text, at + 1);
                if end == text.len() { Err(Fault::Incomplete) } else { Ok((end, false)) }
            }
            Some(_) => Err(bad(at, "has a # that begins neither a set nor a tag")),
        }
    }

    fn string(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        let start = at + 1;
        let mut end = start;
        let mut escaped = false;
        let mut letters = 0;
        loop {
            match text.get(end) {
                None => return Err(Fault::Incomplete),
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    letters |= text.get(end + 1).copied().unwrap_or_default();
                    end += 2;
                }
                Some(byte) => {
                    letters |= byte;
                    end += 1;
                }
            }
        }
        if letters >= 0x80 && std::str::from_utf8(&text[start..end]).is_err() {
            return Err(bad(at, "has a text that is not UTF-8"));
        }
        self.tokens.push(Token::Text { start: start as u32, end: end as u32, escaped });
        Ok(end + 1)
    }

    fn keyword(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        let end = ascii_word(text, at + 1)?;
        if end == at + 1 {
            return Err(bad(at, "has a lone colon"));
        }
        self.tokens.push(Token::Keyword { start: at as u32, end: end as u32 });
        Ok(end)
    }

    /// Reads what begins with a digit.
    fn number(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        let mut number = 0;
        let mut end = at;
        while let Some(digit @ b'0'..=b'9') = text.get(end) {
            // 18 digits always fit; what is longer is rare and read with more care.
            if end - at == 18 {
                return self.word(text, at);
            }
            number = number * 10 + i64::from(digit - b'0');
            end += 1;
        }
        match text.get(end) {
            None => Err(Fault::Incomplete),
            Some(byte) if DELIMITERS[usize::from(*byte)] => {
                self.tokens.push(Token::Int(number));
                Ok(end)
            }
            Some(_) => self.word(text, at),
        }
    }

    /// Reads a symbol, a character, or a number of an unusual form.
    fn word(&mut self, text: &[u8], at: usize) -> Result<usize, Fault> {
        // A character may be a delimiter itself.
        let from = if text[at] == b'\\' { (at + 2).min(text.len()) } else { at };
        let end = ascii_word(text, from)?;
        if end == at {
            // JSON has no comments, so a semicolon ends words there and begins nothing.
            return Err(bad(at, "has a character that begins no form"));
        }
        let word = &text[at..end];
        let token = match word {
            b"nil" | b"null" => Token::Nil,
            _ => integer(word).map_or(Token::Other { start: at as u32, end: end as u32 }, Token::Int),
        };
        self.tokens.push(token);
        Ok(end)
    }

    /// The whole form, read from `text`.
    pub fn view<'a>(&'a self, text: &'a [u8]) -> View<'a> {
        View::new(text, &self.tokens, &self.lists)
    }
}

/// Where the word ends that goes on at `from`.
pub(super) fn end_of_atom(text: &[u8], from: usize) -> usize {
    text[from..]
        .iter()
        .position(|byte| DELIMITERS[usize::from(*byte)])
        .map_or(text.len(), |length| from + length)
}

/// Where the word ends that goes on at `from`. It must be followed by something and be UTF-8.
fn ascii_word(text: &[u8], from: usize) -> Result<usize, Fault> {
    let mut end = from;
    let mut letters = 0;
    loop {
        match text.get(end) {
            None => return Err(Fault::Incomplete),
            Some(byte) if DELIMITERS[usize::from(*byte)] => break,
            Some(byte) => letters |= byte,
        }
        end += 1;
    }
    if letters >= 0x80 && std::str::from_utf8(&text[from..end]).is_err() {
        return Err(bad(from, "has a word that is not UTF-8"));
    }
    Ok(end)
}

/// A whole number, also one with Clojure's `N` behind it; `None` for everything that is not an `i64`.
fn integer(word: &[u8]) -> Option<i64> {
    let word = word.strip_suffix(b"N").unwrap_or(word);
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() {
        return None;
    }
    let mut number = 0_i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        // Counted downwards, since the smallest number has no positive counterpart.
        number = number.checked_mul(10)?.checked_sub(i64::from(digit - b'0'))?;
    }
    if negative { Some(number) } else { number.checked_neg() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The canonical text of a form, or what is wrong with it and where.
    fn read(text: &str, notation: Notation) -> Result<String, String> {
        let mut tape = Tape::default();
        match tape.read(text.as_bytes(), 0, notation) {
            Ok(_) => Ok(tape.view(text.as_bytes()).canonical()),
            Err(Fault::Incomplete) => Err("incomplete".into()),
            Err(Fault::Bad { at, what }) => Err(format!("{at} {what}")),
        }
    }

    #[test]
    fn forms_are_read_into_their_canonical_text() {
        for (text, expected) in [
            ("[1,  (2 :a/b) #{3 1 2} {} nil] ", "[1 [2 :a/b] #{1 2 3} {} nil]"),
            ("{:b 2 :a [\"x\\\"\"]}", "{:a [\"x\\\"\"], :b 2}"),
            ("#tag/x [#_ #_ 1 2 3 #inst \"2020\" ; four\n 5]", "[3 \"2020\" 5]"),
            (
                "[-9223372036854775808 +7 12N 999999999999999999 1000000000000000000 9223372036854775807 ]",
                "[-9223372036854775808 7 12 999999999999999999 1000000000000000000 9223372036854775807]",
            ),
            (
                "[9223372036854775808 1.5 1e9 1/2 true \\c \\[ ]",
                "[9223372036854775808 1.5 1e9 1/2 true \\c \\[]",
            ),
        ] {
            assert_eq!(read(text, Notation::Edn).as_deref(), Ok(expected), "{text}");
        }
        let json = "{\"a\": [1, null, true, \"\\u00e9\"], \"b\":-2 }";
        assert_eq!(read(json, Notation::Json).as_deref(), Ok("{\"a\" [1 nil true \"\\u00e9\"], \"b\" -2}"));
    }

    #[test]
    fn what_is_no_form_is_named() {
        for (text, expected) in [
            ("[1 2", "incomplete"),
            ("[\"a", "incomplete"),
            ("12", "incomplete"),
            ("#tag", "incomplete"),
            ("[1 }", "3 closes a bracket of another kind"),
            (")", "0 closes a bracket that was not opened"),
            ("[#_ ]", "4 closes a bracket where #_ needs a form"),
            ("[: ]", "1 has a lone colon"),
            ("[#\"x\"]", "1 has a # that begins neither a set nor a tag"),
        ] {
            assert_eq!(read(text, Notation::Edn).unwrap_err(), expected, "{text}");
        }
        assert_eq!(read(&"[".repeat(65), Notation::Edn).unwrap_err(), "64 is nested too deeply");
        assert_eq!(read("[1;2]", Notation::Json).unwrap_err(), "2 has a character that begins no form");
    }

    #[test]
    fn texts_lose_their_escapes() {
        let text = "\"a\\n\\\"\\\\\\u0041\\ud800\"";
        let mut tape = Tape::default();
        tape.read(text.as_bytes(), 0, Notation::Edn).unwrap();
        assert_eq!(tape.view(text.as_bytes()).value(), "a\n\"\\A\\ud800".into());
    }
}
