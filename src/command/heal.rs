//! `heal`: undoes what a killed controller left behind.

use std::path::Path;

use crate::{
    exit::{Exit, Failure},
    store::{self, RunFolder},
};

/// Undoes every fault that was journalled and not undone. All clusters are local ones: their namespaces, and every fault
/// in them, end with their controller, so what is left to do is to see that it has ended and to close the journal.
pub fn run(path: &Path) -> Result<Exit, Failure> {
    let folder = RunFolder::open(path)?;
    if folder.is_in_use() {
        return Err(Failure::harness(format!(
            "the run in {} is still going on, and undoes its faults itself; interrupt it with Ctrl-C first",
            folder.path.display()
        )));
    }
    let journal = folder.file(store::JOURNAL);
    if !journal.is_file() {
        println!("nothing to undo: the run ended before its first fault");
        return Ok(Exit::Valid);
    }
    let why = "the namespaces it was in ended with their controller";
    let closed = nemeses::close(&journal, why)
        .map_err(|error| Failure::input(format!("cannot heal from {}: {error}", journal.display())))?;
    for fault in &closed {
        println!("undone: {} ({why})", fault.description);
    }
    println!("{} undone, nothing is left in force", closed.len());
    Ok(Exit::Valid)
}
