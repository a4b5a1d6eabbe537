//! A file of our own format, event by event.

mod assembly;
mod follower;

use std::path::Path;

use rayon::prelude::*;

use super::{
    frames::{Piece, Tear, Text},
    reader::{Parsed, begin, parse_piece},
};
use crate::{
    Damage, Header, ReadError, Value, Vocabulary,
    stream::{Event, Events, StreamError},
};
use assembly::Assembly;
pub use follower::Follower;

/// The events of a file of our own format.
pub(crate) struct OwnEvents<V: Vocabulary> {
    header: Header,
    damage: Option<Damage>,
    text: Text,
    assembly: Assembly<V>,
    line: u64,
    byte: u64,
    /// Why a compressed block cannot be believed, where the text stops before one.
    stop: Option<String>,
    next: Vec<Piece>,
    has_ended: bool,
}

impl<V: Vocabulary> OwnEvents<V> {
    pub fn open(path: &Path, initial: Option<Value>) -> Result<Self, ReadError> {
        let io = |source| ReadError::Io { path: path.into(), source };
        let corrupt = Text::first_corruption(path).map_err(io)?;
        let (text, mut header, first) = begin(path, corrupt.as_ref().map(|(from, _)| *from), V::NAME)?;
        if let Some(initial) = initial {
            header.initial = initial;
        }
        Ok(Self {
            header,
            damage: None,
            assembly: Assembly::default(),
            line: 2,
            byte: first.offset,
            stop: corrupt.map(|(_, what)| what),
            next: vec![first],
            has_ended: false,
            text,
        })
    }

    /// Takes the next few pieces of the text.
    fn read_on(&mut self) {
        let pieces = std::mem::take(&mut self.next);
        let text = &mut self.text;
        let (next, parsed) = rayon::join(
            || (0..rayon::current_num_threads()).map_while(|_| text.next_piece()).collect::<Vec<_>>(),
            || pieces.par_iter().map(parse_piece::<V>).collect::<Vec<_>>(),
        );
        self.next = next;
        for Parsed { lines, bad } in parsed {
            for (line, bytes) in lines {
                if let Err(what) = self.assembly.take(line) {
                    return self.end(&format!("the line {what}"));
                }
                self.line += 1;
                self.byte += u64::from(bytes);
            }
            if let Some(what) = bad {
                return self.end(&format!("the line {what}"));
            }
        }
        if self.next.is_empty() {
            let tear = self.text.tear.take().map(|tear| match tear {
                Tear::Torn(what) | Tear::Io(what) | Tear::Corrupt { what, .. } => what,
            });
            match tear.or(self.stop.take()) {
                Some(what) => self.end(&what),
                None if self.assembly.has_ended() => self.has_ended = true,
                None => self.end("the line that ends a history is missing"),
            }
        }
    }

    fn end(&mut self, what: &str) {
        self.has_ended = true;
        let left_out = match self.assembly.watermark() {
            Some(cut) => format!("what happened after {cut} was left out"),
            None => "nothing before it can be vouched for, so all of it was left out".into(),
        };
        self.damage = Some(Damage { line: self.line, byte: self.byte, what: format!("{what}; {left_out}") });
    }
}

impl<V: Vocabulary> Events<V> for OwnEvents<V> {
    fn header(&self) -> &Header {
        &self.header
    }

    fn next_event(&mut self) -> Result<Option<Event<V>>, StreamError> {
        loop {
            if let Some(event) = self.assembly.next_event() {
                return Ok(Some(event));
            }
            if self.has_ended {
                return Ok(None);
            }
            self.read_on();
        }
    }

    fn damage(&self) -> Option<&Damage> {
        self.damage.as_ref()
    }

    fn place(&self) -> (u64, u64) {
        (self.line, self.byte)
    }
}
