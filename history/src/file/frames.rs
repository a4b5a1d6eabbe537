//! The text of a history file, plain or compressed, in pieces that end at the end of a line.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// How much is asked of a file at a time.
const PIECE_BYTES: usize = 1 << 20;

/// A longer line is not one of a history, and reading it on would only fill the memory.
pub(crate) const LINE_BYTES_MAX: usize = 64 << 20;

/// The first bytes of a zstd frame, and of the frames that readers skip.
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// Why the text stops before its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tear {
    /// The file stops in the middle; what was handed out is good.
    Torn(String),
    /// A compressed block is damaged: nothing from this byte of the text on can be believed.
    Corrupt { from: u64, what: String },
    /// The system could not read the file.
    Io(String),
}

/// Whole lines of a text, and where they are in it.
#[derive(Debug)]
pub(crate) struct Piece {
    /// The byte of the text at which they begin.
    pub offset: u64,
    /// The lines. Only the last piece of a text may lack its last line feed.
    pub bytes: Vec<u8>,
}

enum Source {
    Plain(BufReader<File>),
    Zstd { decoder: Option<zstd::Decoder<'static, BufReader<File>>>, block_start: u64 },
}

/// A text that is read from its beginning to its end.
pub(crate) struct Text {
    source: Source,
    /// How much of the text was handed out by the source.
    offset: u64,
    /// Stop here as if the text ended.
    stop_at: Option<u64>,
    /// The beginning of a line that is not complete yet.
    rest: Vec<u8>,
    ended: bool,
    /// Why it stopped early, once it has.
    pub tear: Option<Tear>,
}

impl Text {
    /// Opens a file. With `stop_at`, the text ends at that byte.
    pub fn open(path: &Path, stop_at: Option<u64>) -> io::Result<Self> {
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder"));
        }
        let mut reader = BufReader::with_capacity(128 << 10, file);
        let head = reader.fill_buf()?;
        let source = if head.starts_with(&ZSTD_MAGIC) {
            Source::Zstd { decoder: Some(zstd::Decoder::with_buffer(reader)?.single_frame()), block_start: 0 }
        } else {
            Source::Plain(reader)
        };
        Ok(Self { source, offset: 0, stop_at, rest: Vec::new(), ended: false, tear: None })
    }

    /// Reads a compressed file once to its end, keeping nothing: from which byte of the text on it cannot be believed, and
    /// why. Whoever hands out a text while reading it must know that before.
    pub fn first_corruption(path: &Path) -> io::Result<Option<(u64, String)>> {
        let mut text = Self::open(path, None)?;
        if matches!(text.source, Source::Plain(_)) {
            return Ok(None);
        }
        let mut piece = Vec::new();
        while !text.ended {
            piece.clear();
            text.fill(&mut piece);
        }
        Ok(match text.tear.take() {
            Some(Tear::Corrupt { from, what }) => Some((from, what)),
            _ => None,
        })
    }

    /// The next piece; `None` at the end, after which `tear` says whether it is the real end.
    pub fn next_piece(&mut self) -> Option<Piece> {
        let mut bytes = std::mem::take(&mut self.rest);
        let offset = self.offset - bytes.len() as u64;
        let mut searched = 0;
        while !self.ended {
            self.fill(&mut bytes);
            if let Some(end) = bytes[searched..].iter().rposition(|byte| *byte == b'\n') {
                let end = searched + end + 1;
                self.rest = bytes[end..].to_vec();
                bytes.truncate(end);
                return Some(Piece { offset, bytes });
            }
            searched = bytes.len();
            if searched > LINE_BYTES_MAX {
                self.stop(Tear::Torn(format!("a line is longer than {} MiB", LINE_BYTES_MAX >> 20)));
                return None;
            }
        }
        (!bytes.is_empty()).then_some(Piece { offset, bytes })
    }

    /// Appends up to a piece's worth of text. Clears what it has when that turns out to be corrupt.
    pub fn fill(&mut self, into: &mut Vec<u8>) {
        let before = into.len();
        let room = self.stop_at.map_or(u64::MAX, |stop| stop.saturating_sub(self.offset));
        // Small files cost little: the pieces grow with what was read.
        let piece = usize::try_from(self.offset).unwrap_or(PIECE_BYTES).clamp(PIECE_BYTES / 16, PIECE_BYTES);
        let wanted = piece.min(usize::try_from(room).unwrap_or(piece));
        into.resize(before + wanted, 0);
        let mut filled = 0;
        while filled < wanted && !self.ended {
            match self.read(&mut into[before + filled..]) {
                Ok(0) => self.ended = true,
                Ok(count) => {
                    filled += count;
                    self.offset += count as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => self.fail(&error),
            }
        }
        self.ended |= wanted == 0;
        into.truncate(before + filled);
    }

    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let offset = self.offset;
        match &mut self.source {
            Source::Plain(reader) => reader.read(into),
            Source::Zstd { decoder, block_start } => loop {
                let Some(open) = decoder.as_mut() else { return Ok(0) };
                let count = open.read(into)?;
                if count > 0 || into.is_empty() {
                    return Ok(count);
                }
                // The block is complete and its checksum was right.
                *block_start = offset;
                let Some(closed) = decoder.take() else { return Ok(0) };
                let mut reader = closed.finish();
                if reader.fill_buf()?.is_empty() {
                    return Ok(0);
                }
                *decoder = Some(zstd::Decoder::with_buffer(reader)?.single_frame());
            },
        }
    }

    fn fail(&mut self, error: &io::Error) {
        let tear = match &self.source {
            Source::Plain(_) => Tear::Io(error.to_string()),
            Source::Zstd { block_start, .. } if error.kind() == io::ErrorKind::UnexpectedEof => {
                let what = "the file stops in the middle of a compressed block".to_owned();
                // A flipped bit can make a block seem to go on, and what it held was never checked. Our own files close
                // a block at every flush, so little is lost; a text that somebody compressed as a whole is one block.
                if *block_start > 0 { Tear::Corrupt { from: *block_start, what } } else { Tear::Torn(what) }
            }
            Source::Zstd { block_start, .. } => {
                Tear::Corrupt { from: *block_start, what: format!("a compressed block is damaged ({error})") }
            }
        };
        self.stop(tear);
    }

    fn stop(&mut self, tear: Tear) {
        self.ended = true;
        self.tear.get_or_insert(tear);
    }
}
