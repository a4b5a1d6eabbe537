//! A file of our own format, event by event, while it is still being written.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use zstd::zstd_safe;

use super::{
    super::{line, reader::header_of},
    assembly::Assembly,
};
use crate::{Header, ReadError, Vocabulary, stream::Event};

/// The most that is read of a file at a time.
const BYTES_MAX: u64 = 64 << 20;

/// Follows a file of ours that a [`HistoryWriter`](crate::HistoryWriter) writes, from one whole block to the next: a block that is
/// not complete, or whose checksum is wrong, is not looked at.
pub struct Follower<V: Vocabulary> {
    path: PathBuf,
    header: Option<Header>,
    /// Where the next block begins in the file.
    offset: u64,
    /// The beginning of a line whose end is in the next block.
    rest: Vec<u8>,
    assembly: Assembly<V>,
}

impl<V: Vocabulary> std::fmt::Debug for Follower<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Follower")
            .field("path", &self.path)
            .field("offset", &self.offset)
            .finish_non_exhaustive()
    }
}

impl<V: Vocabulary> Follower<V> {
    /// Follows a file, which need not exist yet.
    pub fn new(path: &Path) -> Self {
        Self { path: path.into(), header: None, offset: 0, rest: Vec::new(), assembly: Assembly::default() }
    }

    /// The header of the file, once it was read.
    pub fn header(&self) -> Option<&Header> {
        self.header.as_ref()
    }

    /// What has happened since the last time, as far as the file vouches that nothing came before it.
    pub fn read_on(&mut self) -> Result<Vec<Event<V>>, ReadError> {
        let fresh = match self.fresh() {
            Ok(fresh) => fresh,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(ReadError::Io { path: self.path.clone(), source }),
        };
        let mut at = 0;
        while let Ok(length) = zstd_safe::find_frame_compressed_size(&fresh[at..]) {
            if length == 0 || at + length > fresh.len() {
                break;
            }
            let block = zstd::decode_all(&fresh[at..at + length])
                .map_err(|source| ReadError::Io { path: self.path.clone(), source })?;
            at += length;
            self.offset += length as u64;
            self.take(&block)?;
        }
        Ok(std::iter::from_fn(|| self.assembly.next_event()).collect())
    }

    fn fresh(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(self.offset))?;
        let mut fresh = Vec::new();
        file.take(BYTES_MAX).read_to_end(&mut fresh)?;
        Ok(fresh)
    }

    fn take(&mut self, block: &[u8]) -> Result<(), ReadError> {
        self.rest.extend_from_slice(block);
        let end = self.rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text: Vec<u8> = self.rest.drain(..end).collect();
        for text in text.split_inclusive(|byte| *byte == b'\n') {
            if self.header.is_none() {
                self.header = Some(header_of(&self.path, text, V::NAME)?);
                continue;
            }
            let taken = line::parse(text.trim_ascii_end()).and_then(|line| self.assembly.take(line));
            taken.map_err(|what| ReadError::Unrecognised {
                path: self.path.clone(),
                what: format!("before byte {} of the compressed file, a line {what}", self.offset),
            })?;
        }
        Ok(())
    }
}
