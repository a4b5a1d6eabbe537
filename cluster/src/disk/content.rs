//! What is in a file twice: as it is now, and as it is kept when the power fails.
//!
//! A file is an object of its own on the machine's disk. Before a part of what is kept is changed for the first time since
//! the last `fsync`, that part is copied to the same place of a second file, block by block. What was only added needs no
//! copy: its length alone says what to cut off.

use std::{
    collections::BTreeSet,
    fs::{File, OpenOptions},
    io,
    os::unix::fs::FileExt,
    path::Path,
};

/// What is copied at once.
const BLOCK: u64 = 4096;

/// What a disk writes as a whole.
pub(super) const SECTOR: u64 = 512;

/// A second file that is longer is emptied once it is not needed.
const SPARE_MAX: u64 = 1 << 20;

/// The two files of an object, while they are open.
#[derive(Debug)]
struct Files {
    object: File,
    before: Option<File>,
}

/// The content of one file.
#[derive(Debug)]
pub(super) struct Content {
    /// How long it is.
    length: u64,
    /// How long it is when the power fails.
    kept: u64,
    /// The blocks within what is kept whose earlier content lies in the second file.
    changed: BTreeSet<u64>,
    /// It was cut off within what is kept, and may have grown again since.
    cut: bool,
    files: Option<Files>,
}

/// What of a file was not kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Unkept {
    /// Bytes at its end.
    pub added: u64,
    /// Sectors before that.
    pub sectors: u64,
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// Reads what is there of so many bytes; the rest is zero, as in a hole.
fn read_whole(file: &File, at: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut filled = 0;
    while filled < length {
        match file.read_at(&mut bytes[filled..], at + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(bytes)
}

impl Content {
    /// A file that is empty, and was never kept.
    pub(super) fn new() -> Self {
        Self::of_length(0)
    }

    /// A file whose object is as it is kept.
    pub(super) fn of_length(length: u64) -> Self {
        Self { length, kept: length, changed: BTreeSet::new(), cut: false, files: None }
    }

    pub(super) fn len(&self) -> u64 {
        self.length
    }

    fn files(&mut self, object: &Path) -> io::Result<&mut Files> {
        let files = match self.files.take() {
            Some(files) => files,
            None => Files { object: open(object)?, before: None },
        };
        Ok(self.files.insert(files))
    }

    /// Closes its files until they are needed again.
    pub(super) fn close(&mut self) {
        self.files = None;
    }

    /// Copies what is kept of a range, where that was not done since the last `fsync`.
    fn preserve(&mut self, object: &Path, from: u64, to: u64) -> io::Result<()> {
        let to = to.min(self.kept);
        if from >= to {
            return Ok(());
        }
        let kept = self.kept;
        let fresh: Vec<u64> =
            (from / BLOCK..=(to - 1) / BLOCK).filter(|block| !self.changed.contains(block)).collect();
        if fresh.is_empty() {
            return Ok(());
        }
        let files = self.files(object)?;
        if files.before.is_none() {
            files.before = Some(open(&object.with_extension("before"))?);
        }
        let Files { object, before: Some(before) } = files else {
            return Err(io::ErrorKind::NotFound.into());
        };
        for block in &fresh {
            let at = block * BLOCK;
            let bytes = read_whole(object, at, BLOCK.min(kept - at) as usize)?;
            before.write_all_at(&bytes, at)?;
        }
        self.changed.extend(fresh);
        Ok(())
    }

    pub(super) fn read(&mut self, object: &Path, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let length = length.min(self.length.saturating_sub(at));
        if length == 0 {
            return Ok(Vec::new());
        }
        read_whole(&self.files(object)?.object, at, length as usize)
    }

    pub(super) fn write(&mut self, object: &Path, at: u64, bytes: &[u8]) -> io::Result<()> {
        let end = at.checked_add(bytes.len() as u64).ok_or(io::ErrorKind::FileTooLarge)?;
        self.preserve(object, at, end)?;
        self.files(object)?.object.write_all_at(bytes, at)?;
        self.length = self.length.max(end);
        Ok(())
    }

    pub(super) fn set_len(&mut self, object: &Path, length: u64) -> io::Result<()> {
        self.preserve(object, length, self.length)?;
        self.files(object)?.object.set_len(length)?;
        self.length = length;
        self.cut |= length < self.kept;
        Ok(())
    }

    /// Puts zeroes somewhere within the file.
    pub(super) fn zero(&mut self, object: &Path, at: u64, end: u64) -> io::Result<()> {
        let end = end.min(self.length);
        let zeroes = vec![0; (64 * BLOCK) as usize];
        let mut at = at;
        while at < end {
            let part = (end - at).min(zeroes.len() as u64);
            self.write(object, at, &zeroes[..part as usize])?;
            at += part;
        }
        Ok(())
    }

    /// Keeps it as it is.
    pub(super) fn keep(&mut self) -> io::Result<()> {
        self.changed.clear();
        self.cut = false;
        self.kept = self.length;
        if let Some(before) = self.files.as_ref().and_then(|files| files.before.as_ref())
            && before.metadata()?.len() > SPARE_MAX
        {
            before.set_len(0)?;
        }
        Ok(())
    }

    /// The content of a block as it is kept.
    fn before(&mut self, object: &Path, block: u64) -> io::Result<Vec<u8>> {
        let (at, kept) = (block * BLOCK, self.kept);
        let files = self.files(object)?;
        if files.before.is_none() {
            files.before = Some(open(&object.with_extension("before"))?);
        }
        let Some(before) = &files.before else { return Err(io::ErrorKind::NotFound.into()) };
        read_whole(before, at, BLOCK.min(kept - at) as usize)
    }

    /// Where each sector that is not as it is kept begins, in order.
    fn unkept_sectors(&mut self, object: &Path) -> io::Result<Vec<u64>> {
        let mut sectors = BTreeSet::new();
        for block in self.changed.clone() {
            let before = self.before(object, block)?;
            let now = read_whole(&self.files(object)?.object, block * BLOCK, before.len())?;
            let pairs = before.chunks(SECTOR as usize).zip(now.chunks(SECTOR as usize));
            let differ = pairs.enumerate().filter(|(_, (before, now))| before != now);
            sectors.extend(differ.map(|(place, _)| block * BLOCK + place as u64 * SECTOR));
        }
        let mut at = self.kept / SECTOR * SECTOR;
        while at < self.length {
            sectors.insert(at);
            at += SECTOR;
        }
        Ok(sectors.into_iter().collect())
    }

    /// Goes back to what is kept, but for the first of the sectors that were not: `survive` says how many of so many do.
    /// None does of a file that was cut off.
    pub(super) fn lose(&mut self, object: &Path, survive: impl FnOnce(usize) -> usize) -> io::Result<Unkept> {
        if self.changed.is_empty() && self.length == self.kept {
            self.close();
            return Ok(Unkept::default());
        }
        let sectors = self.unkept_sectors(object)?;
        // What is cut off gets other sectors when it grows again, and those belong to it only once that is kept.
        let survivors = if std::mem::take(&mut self.cut) { 0 } else { survive(sectors.len()) };
        let surviving: BTreeSet<u64> = sectors.iter().copied().take(survivors).collect();
        let (added, kept) = (self.length.saturating_sub(self.kept), self.kept);
        let within = sectors.iter().filter(|at| **at + SECTOR <= kept).count() as u64;
        for block in std::mem::take(&mut self.changed) {
            let before = self.before(object, block)?;
            for (place, bytes) in before.chunks(SECTOR as usize).enumerate() {
                let at = block * BLOCK + place as u64 * SECTOR;
                if !surviving.contains(&at) {
                    self.files(object)?.object.write_all_at(bytes, at)?;
                }
            }
        }
        let end = surviving.last().map_or(0, |at| at + SECTOR).min(self.length);
        let length = kept.max(end);
        self.files(object)?.object.set_len(length)?;
        (self.length, self.kept) = (length, length);
        self.close();
        Ok(Unkept { added, sectors: within })
    }

    /// Cuts off its end, now and for ever.
    pub(super) fn cut(&mut self, object: &Path, length: u64) -> io::Result<()> {
        self.files(object)?.object.set_len(length)?;
        self.length = length;
        self.kept = self.kept.min(length);
        self.changed.retain(|block| block * BLOCK < length);
        Ok(())
    }

    /// Turns one bit round, now and for ever.
    pub(super) fn flip(&mut self, object: &Path, at: u64, bit: u8) -> io::Result<()> {
        let file = &self.files(object)?.object;
        let mut byte = [0];
        file.read_exact_at(&mut byte, at)?;
        file.write_all_at(&[byte[0] ^ (1 << bit)], at)
    }

    /// Copies what is kept into another file.
    pub(super) fn copy_kept(&mut self, object: &Path, to: &Path) -> io::Result<()> {
        std::fs::copy(object, to)?;
        let copy = OpenOptions::new().write(true).open(to)?;
        for block in self.changed.clone() {
            copy.write_all_at(&self.before(object, block)?, block * BLOCK)?;
        }
        copy.set_len(self.kept)
    }
}
