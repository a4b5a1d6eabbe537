//! The operations of an EDN or JSON history, one map after the other, from a text of any length.

use std::path::Path;

use super::{
    builder::{Builder, Entry, Failures, Kind},
    spoken::{Said, Spoken},
    tape::{Fault, Notation, Tape, View, end_of_atom, skip_space},
};
use crate::{
    Damage, Header, History, ReadError, Vocabulary,
    file::frames::{LINE_BYTES_MAX, Tear, Text},
};

/// What the next step through a text found.
pub(super) enum Step {
    /// An operation, on the tape.
    Form,
    /// The end of the text.
    End,
    /// Nothing more can be read.
    Damage(Damage),
    /// What was handed out from this byte on cannot be believed.
    Corrupt { from: u64, what: String },
}

/// The maps of a text, whether it is one big vector or one map after the other.
pub(super) struct Forms {
    text: Text,
    notation: Notation,
    buffer: Vec<u8>,
    /// What of the buffer was handed out.
    at: usize,
    /// Where the last form begins.
    start: usize,
    /// The byte of the text and the line at which the buffer begins.
    base: u64,
    line: u64,
    /// How many brackets around all operations are open.
    outer: u32,
    ended: bool,
    tape: Tape,
}

impl Forms {
    pub fn open(
        path: &Path,
        notation: Notation,
        stop_at: Option<u64>,
        tape: Tape,
    ) -> Result<Self, ReadError> {
        let text = Text::open(path, stop_at).map_err(|source| ReadError::Io { path: path.into(), source })?;
        Ok(Self {
            text,
            notation,
            buffer: Vec::new(),
            at: 0,
            start: 0,
            base: 0,
            line: 1,
            outer: 0,
            ended: false,
            tape,
        })
    }

    /// The form that [`step`](Self::step) found last.
    pub fn form(&self) -> View<'_> {
        self.tape.view(&self.buffer)
    }

    /// Where the last form begins: its line and its byte.
    pub fn place(&self) -> (u64, u64) {
        (self.line + line_feeds(&self.buffer[..self.start]), self.base + self.start as u64)
    }

    /// Goes to the next form.
    pub fn step(&mut self) -> Step {
        loop {
            self.at = skip_space(&self.buffer, self.at, self.notation);
            self.start = self.at;
            let fault = match self.buffer.get(self.at) {
                None => Fault::Incomplete,
                Some(b'[' | b'(') if self.outer == 0 => {
                    self.outer = 1;
                    self.at += 1;
                    continue;
                }
                Some(b']' | b')') if self.outer == 1 => {
                    self.outer = 0;
                    self.at += 1;
                    continue;
                }
                // A tag of the whole history would make it one form.
                Some(b'#') if self.outer == 0 && self.tag_end().is_some() => {
                    self.at = self.tag_end().unwrap_or(self.at);
                    continue;
                }
                Some(_) => match self.tape.read_operation(&self.buffer, self.at, self.notation) {
                    Ok(end) => {
                        self.at = end;
                        return Step::Form;
                    }
                    Err(fault) => fault,
                },
            };
            match fault {
                Fault::Bad { at, what } => {
                    self.start = at;
                    return Step::Damage(self.damage(&format!("the text {what}")));
                }
                Fault::Incomplete if self.ended => return self.end(),
                Fault::Incomplete if self.buffer.len() - self.at > LINE_BYTES_MAX => {
                    let what = format!("an operation is larger than {} MiB", LINE_BYTES_MAX >> 20);
                    return Step::Damage(self.damage(&what));
                }
                Fault::Incomplete => self.fill(),
            }
        }
    }

    /// Where the tag at the current place ends, if there is one and its end is in the buffer.
    fn tag_end(&self) -> Option<usize> {
        let name = self.at + 1;
        let is_tag = self.notation == Notation::Edn && self.buffer.get(name)?.is_ascii_alphabetic();
        let end = end_of_atom(&self.buffer, name);
        (is_tag && end < self.buffer.len()).then_some(end)
    }

    /// Drops what was handed out and reads on: at least as much as there is, so that a long form is not scanned often.
    fn fill(&mut self) {
        self.line += line_feeds(&self.buffer[..self.at]);
        self.base += self.at as u64;
        self.buffer.drain(..self.at);
        self.at = 0;
        self.start = 0;
        let wanted = 2 * self.buffer.len() + 1;
        while self.buffer.len() < wanted && !self.ended {
            let before = self.buffer.len();
            self.text.fill(&mut self.buffer);
            self.ended = self.buffer.len() == before;
        }
    }

    fn end(&mut self) -> Step {
        let what = match self.text.tear.take() {
            Some(Tear::Corrupt { from, what }) => return Step::Corrupt { from, what },
            Some(Tear::Torn(what) | Tear::Io(what)) => what,
            None if self.at < self.buffer.len() => "the file ends in the middle of an operation".into(),
            None if self.outer > 0 => "the file ends before the bracket around its operations closes".into(),
            None => return Step::End,
        };
        Step::Damage(self.damage(&what))
    }

    /// What is wrong, at the place of the last form.
    pub fn damage(&self, what: &str) -> Damage {
        let (line, byte) = self.place();
        Damage { line, byte, what: format!("{what}; the operations before it were read") }
    }
}

fn line_feeds(text: &[u8]) -> u64 {
    // Small counters first, which the compiler turns into wide instructions.
    let short = |part: &[u8]| part.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
    text.chunks(255).map(|part| u64::from(short(part))).sum()
}

/// What a map says about an operation.
pub(super) fn entry<'a>(form: View<'a>) -> Result<Entry<'a>, String> {
    let mut kind = None;
    let mut process = View::NIL;
    let mut f = None;
    let mut value = View::NIL;
    let mut key = None;
    let mut error = View::NIL;
    let mut time = None;
    let mut members = form.elements();
    while let (Some(name), Some(member)) = (members.next(), members.next()) {
        match name.name() {
            Some(b"type") => {
                kind = Some(
                    member
                        .name()
                        .and_then(Kind::named)
                        .ok_or("has a :type that is none of :invoke, :ok, :fail, :info")?,
                );
            }
            Some(b"process") => process = member,
            Some(b"f") => f = member.name(),
            Some(b"value") => value = member,
            Some(b"key") => key = Some(member),
            Some(b"error") => error = member,
            Some(b"time") => time = Some(member),
            _ => {}
        }
    }
    let kind = kind.ok_or("is not an operation: it has no :type")?;
    // Some histories of transactions leave :f out; a list of lists can be nothing else.
    let is_transaction = || value.is_collection() && value.elements().all(|step| step.is_collection());
    let f = match f {
        Some(f) => f,
        None if process.name() == Some(b"nemesis") => b"nemesis",
        None if is_transaction() => b"txn",
        None => return Err("has no :f, so it is not known what was called".into()),
    };
    Ok(Entry { kind, process, said: Said { f, value, key, process }, error, time })
}

/// Reads an EDN or JSON history of a known vocabulary.
pub(super) fn read<V: Spoken>(
    path: &Path,
    notation: Notation,
    header: &Header,
) -> Result<History<V>, ReadError> {
    read_believable(path, |stop| pass(path, notation, header, stop))
}

/// One way through a text.
pub(super) enum Pass<V: Vocabulary> {
    Whole(History<V>),
    /// A compressed block was damaged, and operations of it were already taken.
    Corrupt {
        from: u64,
        what: String,
    },
}

/// Runs a pass, and where a block was damaged another one that stops before that block and says why.
pub(super) fn read_believable<V: Vocabulary>(
    path: &Path,
    mut pass: impl FnMut(Option<&(u64, String)>) -> Result<Pass<V>, ReadError>,
) -> Result<History<V>, ReadError> {
    let stop = match pass(None)? {
        Pass::Whole(history) => return Ok(history),
        Pass::Corrupt { from, what } => (from, what),
    };
    match pass(Some(&stop))? {
        Pass::Whole(history) => Ok(history),
        Pass::Corrupt { what, .. } => {
            let source = std::io::Error::other(format!("it changed while it was read: {what}"));
            Err(ReadError::Io { path: path.into(), source })
        }
    }
}

fn pass<V: Spoken>(
    path: &Path,
    notation: Notation,
    header: &Header,
    stop: Option<&(u64, String)>,
) -> Result<Pass<V>, ReadError> {
    let mut forms = Forms::open(path, notation, stop.map(|(from, _)| *from), V::tape())?;
    let mut builder = Builder::<V>::new(&header.initial, Failures::Certain);
    let damage = loop {
        match (forms.step(), stop) {
            (Step::Form, _) => {
                if let Err(what) = entry(forms.form()).and_then(|entry| builder.take(&entry)) {
                    let (line, byte) = forms.place();
                    return Err(ReadError::Line { path: path.into(), line, byte, what });
                }
            }
            (Step::Corrupt { from, what }, _) => return Ok(Pass::Corrupt { from, what }),
            (Step::End | Step::Damage(_), Some((_, what))) => break Some(forms.damage(what)),
            (Step::Damage(damage), None) => break Some(damage),
            (Step::End, None) => break None,
        }
    };
    let whole = builder.finish(header.clone(), damage);
    let whole =
        whole.map_err(|what| ReadError::Unrecognised { path: path.into(), what: format!("it {what}") });
    whole.map(Pass::Whole)
}
