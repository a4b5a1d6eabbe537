//! `heal`: undoes what a killed controller left behind.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use crate::{
    exit::{Exit, Failure},
    store::{self, RunFolder},
};

/// How long a controller that was killed may take to be gone: the kernel takes its network devices apart first.
const GONE_WITHIN: Duration = Duration::from_secs(3);

/// Whether no run is under way in the folder, or it ends within a moment.
fn ends_soon(folder: &RunFolder) -> bool {
    let asked = Instant::now();
    while folder.is_in_use() {
        if asked.elapsed() > GONE_WITHIN {
            return false;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    true
}

/// Undoes every fault that was journalled and not undone. All clusters are local ones: their namespaces, and every fault
/// in them, end with their controller, so what is left to do is to see that it has ended and to close the journal.
pub fn run(path: &Path) -> Result<Exit, Failure> {
    let folder = RunFolder::open(path)?;
    if !ends_soon(&folder) {
        return Err(Failure::harness(format!(
            "the run in {} is still going on, and undoes its faults itself; interrupt it with Ctrl-C first",
            folder.path.display()
        )));
    }
    let journal = folder.file(store::JOURNAL);
    if !journal.is_file() {
        crate::output::putln!("nothing to undo: the run ended before its first fault");
        return Ok(Exit::Valid);
    }
    let why = "the namespaces it was in ended with their controller";
    let closed = nemeses::close(&journal, why)
        .map_err(|error| Failure::input(format!("cannot heal from {}: {error}", journal.display())))?;
    for fault in &closed {
        crate::output::putln!("undone: {} ({why})", fault.description);
    }
    crate::output::putln!("{} undone, nothing is left in force", closed.len());
    Ok(Exit::Valid)
}
