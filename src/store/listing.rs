//! What a store holds: every folder that a run of ours made, found by what is in it and not by its name.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use reports::{Headline, RunLine};
use serde::Deserialize;

use super::{CHOICES, RESULTS, RunFolder};
use crate::exit::Failure;

/// The list of runs in a store.
pub const LIST: &str = "runs.jsonl";

/// One run of a store.
#[derive(Debug)]
pub struct StoredRun {
    /// Its folder.
    pub folder: RunFolder,
    /// When it began, in wall time, as its choices say.
    pub started: String,
    /// What it said; `None` where it was never judged.
    pub headline: Option<Headline>,
}

/// The members of `run.json` that only a run of ours has.
#[derive(Deserialize)]
struct Stamp {
    #[serde(rename = "schema")]
    _schema: u32,
    #[serde(rename = "run_id")]
    _run_id: String,
    started: String,
}

#[derive(Deserialize)]
struct Said {
    headline: Headline,
}

impl StoredRun {
    /// The run in a folder, if one of ours made it. A link is never followed.
    fn of(path: PathBuf, store: &Path) -> Option<Self> {
        let text = fs::read(path.join(CHOICES)).ok()?;
        let stamp: Stamp = serde_json::from_slice(&text).ok()?;
        let said = fs::read(path.join(RESULTS)).ok();
        let headline =
            said.and_then(|said| serde_json::from_slice::<Said>(&said).ok()).map(|said| said.headline);
        Some(Self { folder: RunFolder::below(path, store), started: stamp.started, headline })
    }

    /// How long ago it began, where its time can be read.
    pub fn age(&self) -> Option<Duration> {
        let began = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%S%.f", &self.started).ok()?;
        let passed = jiff::Zoned::now().datetime().duration_since(began);
        Some(passed.try_into().unwrap_or(Duration::ZERO))
    }
}

/// The run in a folder of a store, if one of ours made it.
#[cfg(feature = "serve")]
pub(crate) fn run_at(path: PathBuf, store: &Path) -> Option<StoredRun> {
    StoredRun::of(path, store)
}

/// The runs of a store that no verdict was written of, oldest first: they are under way, or were killed.
#[cfg(feature = "serve")]
pub(crate) fn unjudged(store: &Path) -> Result<Vec<StoredRun>, Failure> {
    let mut found = Vec::new();
    for name in folders(store)? {
        // Looked for first, since results are long and a store has many.
        let open = folders(&name)?.into_iter().filter(|path| !path.join(RESULTS).exists());
        found.extend(open.filter_map(|path| StoredRun::of(path, store)));
    }
    found.sort_by(|a, b| (&a.started, &a.folder.path).cmp(&(&b.started, &b.folder.path)));
    Ok(found)
}

/// All runs of a store, oldest first.
pub fn runs(store: &Path) -> Result<Vec<StoredRun>, Failure> {
    let mut found = Vec::new();
    for name in folders(store)? {
        for path in folders(&name)? {
            found.extend(StoredRun::of(path, store));
        }
    }
    found.sort_by(|a, b| (&a.started, &a.folder.path).cmp(&(&b.started, &b.folder.path)));
    Ok(found)
}

/// The real folders in a folder, in the order of their names; links are left out.
fn folders(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let fail = |error: std::io::Error| Failure::input(format!("cannot read {}: {error}", path.display()));
    let mut found = Vec::new();
    for entry in fs::read_dir(path).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_type().map_err(fail)?.is_dir() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The lines of `runs.jsonl`, oldest first. A line that cannot be read, as half a line at the end, is left out.
pub fn lines(store: &Path) -> Result<Vec<RunLine>, Failure> {
    let list = store.join(LIST);
    match fs::read_to_string(&list) {
        Ok(text) => Ok(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(Failure::input(format!("cannot read {}: {error}", list.display()))),
    }
}

/// Holds the store's list still while it is changed; another run waits for it.
pub fn hold(store: &Path) -> Result<fs::File, Failure> {
    let held = fs::File::open(store).and_then(|file| file.lock().map(|()| file));
    held.map_err(|error| Failure::harness(format!("cannot lock {}: {error}", store.display())))
}

/// Writes the list and its page anew. The store is to be held.
pub fn rewrite(store: &Path, lines: &[RunLine]) -> Result<(), Failure> {
    let mut text = String::new();
    for line in lines {
        text += &serde_json::to_string(line).expect("a line of plain data is always serialisable");
        text.push('\n');
    }
    super::write_whole(&store.join(LIST), text.as_bytes())?;
    super::write_whole(&store.join("index.html"), reports::index::page(lines).as_bytes())
}
