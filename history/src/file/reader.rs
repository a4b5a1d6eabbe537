//! Reading a history back: decompress, parse in parallel, pair.

use std::{
    any::Any,
    io,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use serde::Deserialize;
use thiserror::Error;

use super::{
    frames::{Piece, Tear, Text},
    line::{self, Line},
    pairing::Pairing,
};
use crate::{Damage, Header, History, SCHEMA_VERSION, Vocabulary};

/// Pieces that are parsed at the same time, per thread. The next ones are decompressed meanwhile.
const PIECES_PER_THREAD: usize = 2;

/// Why nothing could be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file cannot be opened or read.
    #[error("read {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is nothing in the file.
    #[error("read {path}: it is empty")]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The first line is not a header.
    #[error("read {path}: its first line is not the header of a history ({what}); is it in another format?")]
    Header {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// The file was written by a newer version.
    #[error(
        "read {path}: it has schema version {found}, and this version reads up to {known}; use a newer disprove"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// The history speaks another vocabulary than the one asked for.
    #[error("read {path} as a history of {asked}: it is one of {found}")]
    Vocabulary {
        /// The file.
        path: PathBuf,
        /// The vocabulary in its header.
        found: String,
        /// The vocabulary that was asked for.
        asked: String,
    },
    /// A line of a foreign history cannot be understood.
    #[error("read {path}: line {line} (byte {byte}) {}", one_line(.what))]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// The byte of the uncompressed text.
        byte: u64,
        /// What is wrong there, and what to do about it.
        what: String,
    },
    /// A file that has no lines cannot be understood.
    #[error("read {path}: byte {byte} {}", one_line(.what))]
    Offset {
        /// The file.
        path: PathBuf,
        /// The byte, of the uncompressed file.
        byte: u64,
        /// What is wrong there.
        what: String,
    },
    /// It cannot be told what the file is, or which vocabulary it speaks.
    #[error("read {path}: {}", one_line(.what))]
    Unrecognised {
        /// The file.
        path: PathBuf,
        /// What was looked for, and what to do about it.
        what: String,
    },
}

/// A sentence that may repeat what a file says, which may have line feeds of its own.
fn one_line(what: &str) -> String {
    let escaped =
        |letter: char| if letter.is_control() { letter.escape_default().to_string() } else { letter.into() };
    what.chars().map(escaped).collect()
}

/// Reads the first line of a history.
pub fn read_header(path: &Path) -> Result<Header, ReadError> {
    let mut text = open(path, None)?;
    let piece = text.next_piece().ok_or_else(|| nothing(path, &text))?;
    parse_header(path, first_line(&piece.bytes))
}

/// Reads a whole history. A torn or corrupt file is read up to the damage, which `History::damage` names.
pub fn read<V: Vocabulary>(path: &Path) -> Result<History<V>, ReadError> {
    match read_until(path, None)? {
        Read::Whole(history) => Ok(history),
        // Lines of the damaged block were already taken, so everything is read again up to that block.
        Read::Corrupt { from, what } => match read_until(path, Some((from, what)))? {
            Read::Whole(history) => Ok(history),
            Read::Corrupt { what, .. } => Err(ReadError::Io {
                path: path.into(),
                source: io::Error::other(format!("it changed while it was read: {what}")),
            }),
        },
    }
}

enum Read<V: Vocabulary> {
    Whole(History<V>),
    Corrupt { from: u64, what: String },
}

/// A piece whose lines were parsed, of whatever vocabulary.
type AnyParsed = Box<dyn Any + Send>;

fn read_until<V: Vocabulary>(path: &Path, stop: Option<(u64, String)>) -> Result<Read<V>, ReadError> {
    let (mut text, header, first) = begin(path, stop.as_ref().map(|(from, _)| *from), V::NAME)?;
    let mut place = Place { line: 2, byte: first.offset, damage: None };
    let mut pairing = Pairing::<V>::new();
    let parse = |piece: &Piece| -> AnyParsed { Box::new(parse_piece::<V>(piece)) };
    let mut take = |place: &mut Place, parsed: AnyParsed| {
        place.take(*parsed.downcast::<Parsed<V>>().expect("what was parsed above"), &mut pairing);
    };
    read_pieces(&mut text, first, &parse, &mut take, &mut place);
    if let Some((from, what)) = end(path, &mut text, &mut place, stop, pairing.ended())? {
        return Ok(Read::Corrupt { from, what });
    }
    Ok(Read::Whole(pairing.finish(header, place.damage)))
}

/// The text, its header, and the first piece of what comes after that.
pub(super) fn begin(
    path: &Path,
    stop_at: Option<u64>,
    asked: &str,
) -> Result<(Text, Header, Piece), ReadError> {
    let mut text = open(path, stop_at)?;
    let mut first = text.next_piece().ok_or_else(|| nothing(path, &text))?;
    let header_line = first_line(&first.bytes);
    let header = header_of(path, header_line, asked)?;
    let header_bytes = header_line.len();
    first.bytes.drain(..header_bytes);
    first.offset += header_bytes as u64;
    Ok((text, header, first))
}

/// Parses several pieces at a time while the next are read, and has them taken in their order, up to the first damage.
fn read_pieces(
    text: &mut Text,
    first: Piece,
    parse: &(dyn Fn(&Piece) -> AnyParsed + Sync),
    take: &mut dyn FnMut(&mut Place, AnyParsed),
    place: &mut Place,
) {
    let batch_max = PIECES_PER_THREAD * rayon::current_num_threads();
    let mut batch = vec![first];
    while !batch.is_empty() && place.damage.is_none() {
        let (next, parsed) = rayon::join(
            || (0..batch_max).map_while(|_| text.next_piece()).collect::<Vec<_>>(),
            || batch.par_iter().map(parse).collect::<Vec<_>>(),
        );
        batch = next;
        for piece in parsed {
            take(place, piece);
        }
    }
}

/// Why the text ended: what of it is damaged is noted, and where none of a block can be believed, that is returned.
fn end(
    path: &Path,
    text: &mut Text,
    place: &mut Place,
    stop: Option<(u64, String)>,
    is_whole: bool,
) -> Result<Option<(u64, String)>, ReadError> {
    if let Some(damage) = &place.damage {
        // A line that makes no sense may be one of a damaged block, and then those before it in the same block cannot
        // be believed either. Only the rest of the text tells.
        while text.next_piece().is_some() {}
        if let Some(Tear::Corrupt { from, what }) = text.tear.take()
            && from <= damage.byte
        {
            return Ok(Some((from, what)));
        }
        return Ok(None);
    }
    match text.tear.take() {
        Some(Tear::Corrupt { from, what }) => return Ok(Some((from, what))),
        Some(Tear::Io(what)) => {
            return Err(ReadError::Io { path: path.into(), source: io::Error::other(what) });
        }
        Some(Tear::Torn(what)) => place.tear(what),
        None => match stop {
            Some((_, what)) => place.tear(what),
            None if !is_whole => place.tear("the line that ends a history is missing".into()),
            None => {}
        },
    }
    Ok(None)
}

/// The header that a line is, which must be one of a vocabulary.
pub(super) fn header_of(path: &Path, line: &[u8], asked: &str) -> Result<Header, ReadError> {
    let header = parse_header(path, line)?;
    if header.vocabulary != asked {
        return Err(ReadError::Vocabulary {
            path: path.into(),
            found: header.vocabulary,
            asked: asked.into(),
        });
    }
    Ok(header)
}

fn open(path: &Path, stop_at: Option<u64>) -> Result<Text, ReadError> {
    Text::open(path, stop_at).map_err(|source| ReadError::Io { path: path.into(), source })
}

/// Why there is not even a first line.
fn nothing(path: &Path, text: &Text) -> ReadError {
    let path = path.into();
    match &text.tear {
        Some(Tear::Torn(what) | Tear::Corrupt { what, .. } | Tear::Io(what)) => {
            ReadError::Header { path, what: what.clone() }
        }
        None => ReadError::Empty { path },
    }
}

fn first_line(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |end| end + 1);
    &bytes[..end]
}

fn parse_header(path: &Path, line: &[u8]) -> Result<Header, ReadError> {
    #[derive(Deserialize)]
    struct Version {
        disprove: u32,
    }
    let wrong = |error: serde_json::Error| ReadError::Header { path: path.into(), what: error.to_string() };
    // The version is read by itself first, since the rest of a newer header may not be readable.
    let Version { disprove: found } = serde_json::from_slice(line).map_err(wrong)?;
    if found > SCHEMA_VERSION {
        return Err(ReadError::Newer { path: path.into(), found, known: SCHEMA_VERSION });
    }
    serde_json::from_slice(line).map_err(wrong)
}

/// The lines of one piece, up to the first bad one.
pub(super) struct Parsed<V: Vocabulary> {
    pub lines: Vec<(Line<V>, u32)>,
    pub bad: Option<String>,
}

pub(super) fn parse_piece<V: Vocabulary>(piece: &Piece) -> Parsed<V> {
    let mut lines = Vec::with_capacity(piece.bytes.len() / 64);
    for text in piece.bytes.split_inclusive(|byte| *byte == b'\n') {
        match line::parse(text.trim_ascii_end()) {
            Ok(line) => lines.push((line, text.len() as u32)),
            Err(what) => return Parsed { lines, bad: Some(what) },
        }
    }
    Parsed { lines, bad: None }
}

/// Where in the file the pairing is.
struct Place {
    line: u64,
    byte: u64,
    damage: Option<Damage>,
}

impl Place {
    fn take<V: Vocabulary>(&mut self, piece: Parsed<V>, pairing: &mut Pairing<V>) {
        for (line, bytes) in piece.lines {
            if self.damage.is_some() {
                return;
            }
            match pairing.take(line) {
                Ok(()) => {
                    self.line += 1;
                    self.byte += u64::from(bytes);
                }
                Err(what) => self.bad(&what),
            }
        }
        if let (Some(what), None) = (piece.bad, &self.damage) {
            self.bad(&what);
        }
    }

    fn bad(&mut self, what: &str) {
        self.tear(format!("the line {what}"));
    }

    fn tear(&mut self, what: String) {
        self.damage = Some(Damage { line: self.line, byte: self.byte, what });
    }
}
