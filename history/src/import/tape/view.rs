//! A form on a tape, as its readers see it.

use super::{Bracket, Token};
use crate::{Value, vocabulary::list_append::List};

/// A form on a tape.
#[derive(Clone, Copy, Debug)]
pub(in crate::import) struct View<'a> {
    text: &'a [u8],
    tokens: &'a [Token],
    lists: &'a [List],
    at: usize,
}

impl<'a> View<'a> {
    /// The form of nothing.
    pub const NIL: View<'static> = View { text: b"", tokens: &[Token::Nil], lists: &[], at: 0 };

    /// The form that a whole tape is.
    pub fn new(text: &'a [u8], tokens: &'a [Token], lists: &'a [List]) -> Self {
        Self { text, tokens, lists, at: 0 }
    }

    /// Its token.
    pub fn token(&self) -> Token {
        self.tokens[self.at]
    }

    pub fn is_nil(&self) -> bool {
        self.token() == Token::Nil
    }

    /// The name that a keyword, a text or a symbol is, without a colon.
    pub fn name(&self) -> Option<&'a [u8]> {
        let text = self.text;
        match self.token() {
            Token::Keyword { start, end } => Some(&text[start as usize + 1..end as usize]),
            Token::Text { start, end, .. } | Token::Other { start, end } => {
                Some(&text[start as usize..end as usize])
            }
            _ => None,
        }
    }

    /// True for a whole number.
    pub fn is_number(&self) -> bool {
        matches!(self.token(), Token::Int(_))
    }

    /// True for a text between quotes.
    pub fn is_text(&self) -> bool {
        matches!(self.token(), Token::Text { .. })
    }

    /// True for a vector, a list or a set.
    pub fn is_collection(&self) -> bool {
        match self.token() {
            Token::Open { bracket, .. } => bracket != Bracket::Map,
            Token::List { .. } => true,
            _ => false,
        }
    }

    /// True for a map.
    pub fn is_map(&self) -> bool {
        matches!(self.token(), Token::Open { bracket: Bracket::Map, .. })
    }

    /// True for a set or a map.
    pub fn is_unordered(&self) -> bool {
        matches!(self.token(), Token::Open { bracket: Bracket::Set | Bracket::Map, .. })
    }

    /// The list it is, where the tape recognised one.
    pub fn list(&self) -> Option<&'a List> {
        match self.token() {
            Token::List { place, .. } => Some(&self.lists[place as usize]),
            _ => None,
        }
    }

    /// The elements of a collection as values. Those of a recognised list are had from [`list`](Self::list) alone.
    pub fn values(&self) -> Vec<Value> {
        let mut values = match self.token() {
            // A flat collection has as many elements as tokens.
            Token::Open { next, .. } => Vec::with_capacity(next as usize - self.at - 1),
            _ => Vec::new(),
        };
        values.extend(self.elements().map(|element| element.value()));
        values.shrink_to_fit();
        values
    }

    /// The elements of a collection, or the keys and values of a map in turn. None for anything else.
    pub fn elements(&self) -> Elements<'a> {
        let end = match self.token() {
            Token::Open { next, .. } => next as usize,
            _ => self.at,
        };
        Elements { view: View { at: self.at + 1, ..*self }, end }
    }

    /// The two elements of `[a b]`.
    pub fn pair(&self) -> Option<(View<'a>, View<'a>)> {
        let Token::Open { bracket: Bracket::Vector | Bracket::List, .. } = self.token() else { return None };
        let mut elements = self.elements();
        let pair = (elements.next()?, elements.next()?);
        elements.next().is_none().then_some(pair)
    }

    /// What a map says under one of these names.
    pub fn member(&self, names: &[&[u8]]) -> Option<View<'a>> {
        let Token::Open { bracket: Bracket::Map, .. } = self.token() else { return None };
        let mut members = self.elements();
        while let (Some(name), Some(member)) = (members.next(), members.next()) {
            if name.name().is_some_and(|name| names.contains(&name)) {
                return Some(member);
            }
        }
        None
    }

    /// True or false, where it is one of them.
    pub fn truth(&self) -> Option<bool> {
        match (self.token(), self.name()) {
            (Token::Other { .. }, Some(b"true")) => Some(true),
            (Token::Other { .. }, Some(b"false")) => Some(false),
            _ => None,
        }
    }

    /// It as a value.
    #[inline]
    pub fn value(&self) -> Value {
        match self.token() {
            Token::Nil => Value::Nil,
            Token::Int(number) => Value::Int(number),
            Token::Text { start, end, escaped } => {
                let text = &self.text[start as usize..end as usize];
                if escaped { Value::shared_text(&unescape(text)) } else { Value::shared_text(&utf8(text)) }
            }
            Token::Keyword { start, end } | Token::Other { start, end } => {
                Value::shared_text(&utf8(&self.text[start as usize..end as usize]))
            }
            Token::Open { .. } | Token::List { .. } => Value::shared_text(&self.canonical()),
        }
    }

    /// The text of a form with single spaces, and with the members of sets and maps in order.
    pub fn canonical(&self) -> String {
        /// A collection under way: what is complete of it, and where it ends.
        struct Level {
            bracket: Bracket,
            parts: Vec<String>,
            end: usize,
        }
        let mut levels: Vec<Level> = Vec::new();
        let mut at = self.at;
        loop {
            let view = View { at, ..*self };
            at += 1;
            let mut part = match view.token() {
                Token::Open { bracket, next } => {
                    levels.push(Level { bracket, parts: Vec::new(), end: next as usize });
                    None
                }
                Token::List { start, end, .. } => {
                    let numbers =
                        self.text[start as usize..end as usize].split(|byte| matches!(byte, b' ' | b','));
                    let texts =
                        numbers.filter(|number| !number.is_empty()).map(|number| utf8(number).into_owned());
                    Some(bracketed(Bracket::Vector, texts.collect()))
                }
                Token::Text { start, end, .. } => {
                    Some(format!("\"{}\"", utf8(&self.text[start as usize..end as usize])))
                }
                _ => Some(view.value().to_string()),
            };
            loop {
                let Some(level) = levels.last_mut() else { return part.unwrap_or_default() };
                level.parts.extend(part.take());
                if at < level.end {
                    break;
                }
                part = levels.pop().map(|level| bracketed(level.bracket, level.parts));
            }
        }
    }
}

/// The text of a collection whose elements have these texts.
fn bracketed(bracket: Bracket, mut parts: Vec<String>) -> String {
    match bracket {
        Bracket::Vector | Bracket::List => format!("[{}]", parts.join(" ")),
        Bracket::Set => {
            parts.sort();
            format!("#{{{}}}", parts.join(" "))
        }
        Bracket::Map => {
            let mut entries: Vec<String> = parts.chunks(2).map(|entry| entry.join(" ")).collect();
            entries.sort();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

fn utf8(text: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(text)
}

/// A text without its escapes. What is no escape of either notation stands for itself.
fn unescape(text: &[u8]) -> String {
    let text = utf8(text);
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match rest.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('b') => plain.push('\u{8}'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let digits: String = rest.clone().take(4).collect();
                match u32::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 4) {
                    Some(code) => {
                        rest.nth(3);
                        match char::from_u32(code) {
                            Some(letter) => plain.push(letter),
                            // Half of a surrogate pair stays written out, so that different texts stay different.
                            None => plain.push_str(&format!("\\u{digits}")),
                        }
                    }
                    None => plain.push('u'),
                }
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

/// The elements of a collection.
#[derive(Clone, Debug)]
pub(in crate::import) struct Elements<'a> {
    view: View<'a>,
    end: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = View<'a>;

    #[inline]
    fn next(&mut self) -> Option<View<'a>> {
        if self.view.at >= self.end {
            return None;
        }
        let element = self.view;
        self.view.at = match element.token() {
            Token::Open { next, .. } => next as usize,
            _ => element.at + 1,
        };
        Some(element)
    }
}
