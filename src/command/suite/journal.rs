//! What a suite has done, a line at a time, so that it can go on where it was stopped and nights can be compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use reports::{
    nights::Night,
    suite::{Attempt, Ending},
};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// One line.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "lowercase")]
pub(super) enum Entry {
    /// A night began, with these cells.
    Began {
        /// Its name.
        night: String,
        /// Every cell, as text: a night goes on only with the cells it began with.
        cells: Vec<String>,
    },
    /// A run ended.
    Ran {
        /// The night.
        night: String,
        /// The cell, as text.
        cell: String,
        /// What was tested: the cell without its seed.
        tested: String,
        /// The run.
        attempt: Attempt,
    },
    /// All of a night was done, or its budget was used up.
    Ended {
        /// The night.
        night: String,
    },
}

/// The journal of a suite.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    /// What was there before this night, and since.
    pub(super) entries: Vec<Entry>,
    /// Held while the suite runs: two of one name would write into each other's nights.
    _held: fs::File,
}

impl Journal {
    /// Opens the journal in a folder, which is made where it is not there.
    pub(super) fn open(folder: &Path) -> Result<Self, Failure> {
        let path = folder.join("nights.jsonl");
        let fail =
            |error: std::io::Error| Failure::harness(format!("cannot write {}: {error}", path.display()));
        fs::create_dir_all(folder).map_err(fail)?;
        let held = fs::File::open(folder).map_err(fail)?;
        held.try_lock().map_err(|_| {
            Failure::usage(format!(
                "this suite is under way already: another process holds {}",
                folder.display()
            ))
        })?;
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(fail(error)),
        };
        // A suite that was killed may have left half a line: it is ended, so that the next one stands alone.
        if !text.is_empty() && !text.ends_with('\n') {
            let mut file = fs::OpenOptions::new().append(true).open(&path).map_err(fail)?;
            file.write_all(b"\n").map_err(fail)?;
        }
        let entries = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        Ok(Self { path, entries, _held: held })
    }

    /// Adds a line; it is on the disk when this returns.
    pub(super) fn add(&mut self, entry: Entry) -> Result<(), Failure> {
        let fail = |error: std::io::Error| {
            Failure::harness(format!("cannot write {}: {error}", self.path.display()))
        };
        let mut line = serde_json::to_string(&entry).expect("an entry is plain data");
        line.push('\n');
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&self.path).map_err(fail)?;
        file.write_all(line.as_bytes()).and_then(|()| file.sync_data()).map_err(fail)?;
        self.entries.push(entry);
        Ok(())
    }

    /// The last night, if it began with these cells and was not ended.
    pub(super) fn unfinished(&self, wanted: &[String]) -> Option<String> {
        let last = self.entries.iter().rev().find_map(|entry| match entry {
            Entry::Began { night, cells } => Some((night, cells)),
            _ => None,
        });
        let (night, cells) = last?;
        let ended =
            self.entries.iter().any(|entry| matches!(entry, Entry::Ended { night: other } if other == night));
        (!ended && cells == wanted).then(|| night.clone())
    }

    /// The runs of a night by cell, in the order they ended.
    pub(super) fn runs(&self, of: &str) -> BTreeMap<String, Vec<Attempt>> {
        let mut runs: BTreeMap<String, Vec<Attempt>> = BTreeMap::new();
        for entry in &self.entries {
            if let Entry::Ran { night, cell, attempt, .. } = entry
                && night == of
            {
                runs.entry(cell.clone()).or_default().push(attempt.clone());
            }
        }
        runs
    }

    /// All nights, oldest first. A run that failed says nothing of what it would have found.
    pub(super) fn nights(&self) -> Vec<Night> {
        let mut nights: Vec<Night> = Vec::new();
        for entry in &self.entries {
            match entry {
                Entry::Began { night, .. } => nights.push(Night { name: night.clone(), ..Night::default() }),
                Entry::Ran { night, tested, attempt, .. } if attempt.ending != Ending::Failure => {
                    if let Some(found) = nights.iter_mut().find(|known| known.name == *night) {
                        let prints: &mut BTreeSet<String> = found.tested.entry(tested.clone()).or_default();
                        prints.extend(attempt.fingerprints.iter().cloned());
                    }
                }
                Entry::Ran { .. } | Entry::Ended { .. } => {}
            }
        }
        nights
    }
}
