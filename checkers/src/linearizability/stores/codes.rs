//! Texts of a key as codes: which put and which appends a text is made of.

use history::{
    Outcome, Value,
    vocabulary::key_value::{Call, Return},
};
use rustc_hash::FxHashMap;

use super::Deed;
use crate::linearizability::{register::Action, timeline::NEVER};

/// What one text stands for.
#[derive(Clone, Copy, Debug)]
enum Code {
    /// What was there first, or was put: the value of this number.
    Whole(u32),
    /// What was appended, by the number of its text.
    More(u32),
}

/// A value: the one before the last append, which text was appended, and how long it is.
#[derive(Clone, Copy, Debug)]
struct Version {
    before: u32,
    append: u32,
    length: usize,
}

/// The number of the initial value, and of every value that nobody can have made.
const INITIAL: u32 = 0;
const STRANGE: u32 = 1;

/// All texts of a key, and the values that gets saw as far as they are made of them.
#[derive(Debug)]
pub(super) struct Codes<'a> {
    initial: &'a Value,
    codes: FxHashMap<&'a str, Code>,
    /// How long the texts are, each length once.
    lengths: Vec<usize>,
    versions: Vec<Version>,
    longer: FxHashMap<(u32, u32), u32>,
    /// The text that was read last, and its value: the next is often a little longer.
    last: (&'a str, u32),
}

impl<'a> Codes<'a> {
    /// The texts of these calls; `None` where they could be read in several ways.
    pub fn new(initial: &'a Value, calls: impl Iterator<Item = &'a Call>) -> Option<Self> {
        let first = match initial {
            Value::Nil => "",
            Value::Text(text) => text,
            Value::Int(_) => return None,
        };
        let root = Version { before: NEVER, append: NEVER, length: first.len() };
        let mut codes = Self {
            initial,
            codes: FxHashMap::default(),
            lengths: Vec::new(),
            versions: vec![root, root],
            longer: FxHashMap::default(),
            last: ("", INITIAL),
        };
        if !first.is_empty() {
            codes.codes.insert(first, Code::Whole(INITIAL));
        }
        let mut appends = 0;
        for call in calls {
            match call {
                Call::Put(_, Value::Text(text)) if !text.is_empty() => match codes.codes.get(&**text) {
                    Some(Code::Whole(_)) => {}
                    Some(Code::More(_)) => return None,
                    None => {
                        let value = codes.add(Version { length: text.len(), ..root });
                        codes.codes.insert(text, Code::Whole(value));
                    }
                },
                Call::Append(_, Value::Text(text)) if !text.is_empty() => {
                    if codes.codes.insert(text, Code::More(appends)).is_some() {
                        return None;
                    }
                    appends += 1;
                }
                Call::Get(_) | Call::Delete(_) => {}
                _ => return None,
            }
        }
        let mut texts: Vec<&str> = codes.codes.keys().copied().collect();
        texts.sort_unstable();
        if texts.windows(2).any(|pair| pair[1].starts_with(pair[0])) {
            return None;
        }
        codes.lengths = texts.iter().map(|text| text.len()).collect();
        codes.lengths.sort_unstable();
        codes.lengths.dedup();
        Some(codes)
    }

    /// How many values there are.
    pub fn count(&self) -> usize {
        self.versions.len()
    }

    fn add(&mut self, version: Version) -> u32 {
        self.versions.push(version);
        u32::try_from(self.versions.len() - 1).expect("fewer values than texts have bytes")
    }

    /// What a call does; `None` where it tells more than a register can.
    pub fn deed(&mut self, call: &'a Call, outcome: &'a Outcome<Return>) -> Option<Deed> {
        Some(match (call, outcome.ok()) {
            (Call::Get(_), Some(Return::Value(Some(Value::Nil)))) => match self.initial {
                Value::Nil => Deed::Plain(Action::Read(INITIAL)),
                // A nil means "not known" where keys hold something at first.
                _ => Deed::Nothing,
            },
            (Call::Get(_), Some(Return::Value(Some(Value::Text(seen))))) => {
                Deed::Plain(Action::Read(self.value(seen).unwrap_or(STRANGE)))
            }
            // Whatever is put and appended here is a text.
            (Call::Get(_), Some(Return::Value(Some(Value::Int(_))))) => Deed::Plain(Action::Read(STRANGE)),
            (Call::Get(_), _) => Deed::Nothing,
            (Call::Delete(_), Some(Return::Deleted(_))) => return None,
            (Call::Delete(_), _) => Deed::Plain(Action::Write(INITIAL)),
            (Call::Put(_, Value::Text(text)) | Call::Append(_, Value::Text(text)), _) => {
                match *self.codes.get(&**text)? {
                    Code::Whole(value) => Deed::Plain(Action::Write(value)),
                    Code::More(append) => Deed::Append(append),
                }
            }
            _ => return None,
        })
    }

    /// The code that the rest of a text begins with. No code is the beginning of another, so there is at most one.
    fn next(&self, rest: &str) -> Option<(Code, usize)> {
        self.lengths.iter().find_map(|&length| Some((*self.codes.get(rest.get(..length)?)?, length)))
    }

    /// The value that a text is; `None` where it is no first text or put with appends behind it.
    fn value(&mut self, text: &'a str) -> Option<u32> {
        let begins_empty = self.versions[INITIAL as usize].length == 0;
        if text.is_empty() {
            return (begins_empty && *self.initial != Value::Nil).then_some(INITIAL);
        }
        let (known, version) = self.last;
        let (mut value, mut at) = if known.is_empty() || !text.starts_with(known) {
            if known.starts_with(text) {
                return self.back(version, text.len());
            }
            (INITIAL, 0)
        } else {
            (version, known.len())
        };
        while at < text.len() {
            let (code, length) = self.next(&text[at..])?;
            value = match code {
                Code::Whole(whole) if at == 0 => whole,
                Code::More(append) if at > 0 || begins_empty => self.behind(value, append, length),
                _ => return None,
            };
            at += length;
        }
        self.last = (text, value);
        Some(value)
    }

    /// The value before some of the last appends to this one, that is so long.
    fn back(&self, mut value: u32, length: usize) -> Option<u32> {
        while value != NEVER && self.versions[value as usize].length > length {
            value = self.versions[value as usize].before;
        }
        (value != NEVER && self.versions[value as usize].length == length).then_some(value)
    }

    /// The value with this text behind.
    fn behind(&mut self, before: u32, append: u32, longer: usize) -> u32 {
        if let Some(&known) = self.longer.get(&(before, append)) {
            return known;
        }
        let length = self.versions[before as usize].length + longer;
        let value = self.add(Version { before, append, length });
        self.longer.insert((before, append), value);
        value
    }

    /// Of each append that these values show, a value behind which it stands in one of them, and the value with it.
    ///
    /// If it stands behind several, the others are made by nobody, so that whoever reads them finds no order; it does
    /// not matter which is told.
    pub fn seen(&self, values: impl Iterator<Item = u32>) -> FxHashMap<u32, (u32, u32)> {
        let mut makers = FxHashMap::default();
        let mut visited = vec![false; self.versions.len()];
        for mut value in values {
            while value != NEVER && !std::mem::replace(&mut visited[value as usize], true) {
                let version = self.versions[value as usize];
                if version.append != NEVER {
                    makers.entry(version.append).or_insert((version.before, value));
                }
                value = version.before;
            }
        }
        makers
    }
}
