//! The journal on disk. What is not to be synced stays in the process, so that a kill loses it as a power cut would.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::frame;
use crate::{Disease, message::Record};

/// So much may wait for a sync that nobody asks for.
const UNSYNCED_MAX: usize = 64 << 20;

/// The journal of one node.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    unsynced: Vec<u8>,
    disease: Disease,
}

/// Why a journal could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// A record that was once right is wrong now. What followed it may have been acknowledged.
    #[error("the journal is damaged at byte {0}: nothing is served from it")]
    Damaged(usize),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Journal {
    /// Opens the journal of a folder and reads its records. A torn end is cut off: it was never synced.
    pub fn open(folder: &Path, disease: Disease) -> Result<(Self, Vec<Record>), Refusal> {
        let path = folder.join("journal");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let content = fs::read(&path)?;
        let contents = frame::split(&content, disease == Disease::NoChecksum);
        if let Some(at) = contents.damage.filter(|_| disease != Disease::NoChecksum) {
            return Err(Refusal::Damaged(at));
        }
        let mut records = Vec::new();
        for record in &contents.records {
            match serde_json::from_slice(record) {
                Ok(record) => records.push(record),
                Err(_) if disease == Disease::NoChecksum => break,
                Err(error) => return Err(Refusal::Io(error.into())),
            }
        }
        file.set_len(contents.whole as u64)?;
        let journal = Self { path, file, unsynced: Vec::new(), disease };
        // Whoever ran before may have written this without syncing it, and from here on it counts.
        journal.sync()?;
        journal.sync_folders()?;
        Ok((journal, records))
    }

    fn syncs(&self) -> bool {
        self.disease != Disease::UnsyncedWrites
    }

    fn sync(&self) -> io::Result<()> {
        if self.syncs() { self.file.sync_data() } else { Ok(()) }
    }

    /// The names of the journal and of its folder.
    fn sync_folders(&self) -> io::Result<()> {
        for folder in self.path.ancestors().skip(1).take(2).filter(|_| self.syncs()) {
            File::open(folder)?.sync_all()?;
        }
        Ok(())
    }

    /// Writes what a batch of inputs came to; synced if asked.
    pub fn write(
        &mut self,
        rewrite: Option<Vec<Record>>,
        records: Vec<Record>,
        sync: bool,
    ) -> io::Result<()> {
        if let Some(all) = rewrite {
            self.replace(&all)?;
        }
        for record in &records {
            push(&mut self.unsynced, record)?;
        }
        if (sync || self.unsynced.len() > UNSYNCED_MAX) && !self.unsynced.is_empty() {
            match self.disease {
                // The mistake: what the system refuses is taken for done.
                Disease::IgnoresRefusals => drop(self.append_anew()),
                _ => self.append()?,
            }
            self.unsynced.clear();
        }
        Ok(())
    }

    fn append(&mut self) -> io::Result<()> {
        self.file.write_all(&self.unsynced)?;
        self.sync()
    }

    fn append_anew(&mut self) -> io::Result<()> {
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.append()
    }

    /// Puts another journal in the place of this one; a crash leaves the old one or the new one.
    fn replace(&mut self, records: &[Record]) -> io::Result<()> {
        let fresh = self.path.with_extension("fresh");
        let mut content = Vec::new();
        for record in records {
            push(&mut content, record)?;
        }
        let mut file = File::create(&fresh)?;
        file.write_all(&content)?;
        if self.syncs() {
            file.sync_all()?;
        }
        fs::rename(&fresh, &self.path)?;
        self.sync_folders()?;
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.unsynced.clear();
        Ok(())
    }
}

fn push(buffer: &mut Vec<u8>, record: &Record) -> io::Result<()> {
    frame::push(buffer, &serde_json::to_vec(record)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(term: u64) -> Record {
        Record::Hard { term, vote: None }
    }

    #[test]
    fn a_kill_loses_what_was_not_synced_and_a_torn_end_is_cut() {
        let folder = std::env::temp_dir().join(format!("specimen-journal-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the test");
        let (mut journal, records) = Journal::open(&folder, Disease::None).expect("an empty journal");
        assert_eq!(records, []);
        journal.write(None, vec![vote(1)], true).expect("written");
        journal.write(None, vec![vote(2)], false).expect("kept in the process");
        drop(journal);
        assert_eq!(Journal::open(&folder, Disease::None).expect("it opens").1, [vote(1)]);

        let mut file = OpenOptions::new().append(true).open(folder.join("journal")).expect("the file");
        file.write_all(b"0000001c9a").expect("half a record");
        let (mut journal, records) = Journal::open(&folder, Disease::None).expect("it opens");
        assert_eq!(records, [vote(1)]);
        journal.write(Some(vec![vote(7)]), vec![vote(8)], true).expect("rewritten");
        assert_eq!(Journal::open(&folder, Disease::None).expect("it opens").1, [vote(7), vote(8)]);
        let mut content = fs::read(folder.join("journal")).expect("the file");
        content[30] ^= 1;
        fs::write(folder.join("journal"), &content).expect("a bit turned round");
        assert!(matches!(Journal::open(&folder, Disease::None), Err(Refusal::Damaged(0))));
        assert!(Journal::open(&folder, Disease::NoChecksum).is_ok(), "the disease notices nothing");
        fs::remove_dir_all(&folder).expect("the folder goes away");
    }
}
