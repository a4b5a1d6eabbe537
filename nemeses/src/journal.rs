//! The journal of a run's faults: what is about to be done, on disk before it is done.
//!
//! One JSON object per line, only ever appended to, and on stable storage before [`Journal::append`] returns. A fault
//! whose beginning is in it and whose end is not may still be in force, and [`heal`](crate::heal) undoes it. A torn last
//! line was never acted upon, because the act waits for the line.

mod entry;

use std::{
    fs::{File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use history::FaultId;

use crate::{Error, Plan, PlannedFault};

pub use entry::Entry;

/// The version of the journal's format.
pub(crate) const SCHEMA: u32 = 1;

/// A journal that is being written.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: Mutex<File>,
}

impl Journal {
    /// Starts a journal. One that is there already is not overwritten, because faults in it may have to be undone.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        let file = options.append(true).create_new(true).open(path).map_err(Error::file("create", path))?;
        // The name of a new file is as lost in a power failure as its content, until its folder is synced.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(Error::file("sync the folder of", path))?;
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Goes on with a journal that is there, after taking off a torn last line.
    pub fn resume(path: &Path) -> Result<Self, Error> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).append(true).open(path).map_err(Error::file("open", path))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(Error::file("read", path))?;
        let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
        if whole < bytes.len() {
            file.set_len(whole as u64).map_err(Error::file("cut the torn end off", path))?;
            file.seek(SeekFrom::End(0)).map_err(Error::file("seek in", path))?;
        }
        Ok(Self { path: path.to_owned(), file: Mutex::new(file) })
    }

    /// Appends an entry, and returns once it is on stable storage.
    pub fn append(&self, entry: &Entry) -> Result<(), Error> {
        let mut line = serde_json::to_vec(entry).map_err(|error| Error::Malformed {
            path: self.path.clone(),
            line: 0,
            what: format!("an entry cannot be written as JSON: {error}"),
        })?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        written.map_err(Error::file("write", &self.path))
    }
}

/// What a journal says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Contents {
    /// Its entries, in order.
    pub entries: Vec<Entry>,
    /// Whether its last line was torn.
    pub torn: bool,
    /// Lines that cannot be understood, with why.
    pub damage: Vec<(usize, String)>,
}

/// Whether a file begins as journals begin.
pub(crate) fn is_journal(bytes: &[u8]) -> bool {
    bytes.starts_with(b"{\"entry\":")
}

/// Reads a journal. A torn last line is left out; any other damage is an error.
pub(crate) fn parse(path: &Path, bytes: &[u8]) -> Result<Contents, Error> {
    let contents = parse_leniently(bytes);
    match contents.damage.first() {
        None => Ok(contents),
        Some((line, what)) => {
            Err(Error::Malformed { path: path.to_owned(), line: *line, what: what.clone() })
        }
    }
}

/// Reads what can be read of a journal.
pub(crate) fn parse_leniently(bytes: &[u8]) -> Contents {
    let mut contents = Contents { torn: !bytes.is_empty() && !bytes.ends_with(b"\n"), ..Contents::default() };
    let whole = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |place| place + 1);
    for (place, line) in bytes[..whole].split(|&byte| byte == b'\n').enumerate() {
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Entry>(line) {
            Ok(Entry::Header { schema, .. }) if schema > SCHEMA => {
                let what =
                    format!("the journal is of version {schema}; this program reads up to version {SCHEMA}");
                contents.damage.push((place + 1, what));
            }
            Ok(entry) => contents.entries.push(entry),
            Err(error) => contents.damage.push((place + 1, error.to_string())),
        }
    }
    contents
}

impl Contents {
    /// The plan that repeats what this journal says was done.
    pub(crate) fn plan(&self) -> Plan {
        let mut plan = Plan::default();
        for entry in &self.entries {
            match entry {
                Entry::Header { seed, .. } => plan.seed = *seed,
                Entry::Begin { planned, .. } => plan.faults.push(planned.clone()),
                _ => {}
            }
        }
        plan
    }

    /// The names of the nodes of the run, by their ids.
    pub(crate) fn nodes(&self) -> Option<&[String]> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Header { nodes, .. } => Some(nodes.as_slice()),
            _ => None,
        })
    }

    /// The faults that began and were not undone, in the order in which they began.
    pub(crate) fn open(&self) -> Vec<(FaultId, &PlannedFault, &str)> {
        let mut open: Vec<(FaultId, &PlannedFault, &str)> = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Begin { id, planned, description, .. } => open.push((*id, planned, description)),
                Entry::End { id, .. } => open.retain(|(known, ..)| known != id),
                _ => {}
            }
        }
        open
    }
}

#[cfg(test)]
impl Journal {
    /// A journal on a disk that is full.
    pub(crate) fn on_full_disk() -> Self {
        let path = PathBuf::from("/dev/full");
        let file = OpenOptions::new().append(true).open(&path).expect("Linux has /dev/full");
        Self { path, file: Mutex::new(file) }
    }
}

#[cfg(test)]
mod tests;
