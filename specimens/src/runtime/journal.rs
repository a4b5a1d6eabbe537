//! The journal on disk: one record a line. What is not synced stays in the process, so that a kill loses it as a
//! power cut would.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use crate::message::Record;

/// So much may wait for a sync that nobody asks for.
const UNSYNCED_MAX: usize = 64 << 20;

/// The journal of one node.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    unsynced: Vec<u8>,
}

impl Journal {
    /// Opens the journal of a folder and reads its records. A torn end is cut off: it was never synced.
    pub fn open(folder: &Path) -> io::Result<(Self, Vec<Record>)> {
        let path = folder.join("journal");
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let content = fs::read(&path)?;
        let mut records = Vec::new();
        let mut whole = 0;
        for line in content.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") {
                break;
            }
            let Ok(record) = serde_json::from_slice(line) else { break };
            records.push(record);
            whole += line.len() as u64;
        }
        file.set_len(whole)?;
        Ok((Self { path, file, unsynced: Vec::new() }, records))
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
            self.file.write_all(&self.unsynced)?;
            self.file.sync_data()?;
            self.unsynced.clear();
        }
        Ok(())
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
        file.sync_all()?;
        fs::rename(&fresh, &self.path)?;
        if let Some(folder) = self.path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.file = OpenOptions::new().append(true).open(&self.path)?;
        self.unsynced.clear();
        Ok(())
    }
}

fn push(buffer: &mut Vec<u8>, record: &Record) -> io::Result<()> {
    serde_json::to_writer(&mut *buffer, record)?;
    buffer.push(b'\n');
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
        let (mut journal, records) = Journal::open(&folder).expect("an empty journal");
        assert_eq!(records, []);
        journal.write(None, vec![vote(1)], true).expect("written");
        journal.write(None, vec![vote(2)], false).expect("kept in the process");
        drop(journal);
        assert_eq!(Journal::open(&folder).expect("it opens").1, [vote(1)]);

        let mut file = OpenOptions::new().append(true).open(folder.join("journal")).expect("the file");
        file.write_all(br#"{"Hard":{"te"#).expect("half a record");
        let (mut journal, records) = Journal::open(&folder).expect("it opens");
        assert_eq!(records, [vote(1)]);
        journal.write(Some(vec![vote(7)]), vec![vote(8)], true).expect("rewritten");
        assert_eq!(Journal::open(&folder).expect("it opens").1, [vote(7), vote(8)]);
        fs::remove_dir_all(&folder).expect("the folder goes away");
    }
}
