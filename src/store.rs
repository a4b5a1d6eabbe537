//! The store: one folder per run, the newest named `latest`, and a list of all of them.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::exit::Failure;

pub mod listing;

/// The history's name in the folder of a run.
pub const HISTORY: &str = "history.jsonl.zst";
/// The journal of faults.
pub const JOURNAL: &str = "faults.jsonl";
/// Every choice that made the run.
pub const CHOICES: &str = "run.json";
/// Everything that was found.
pub const RESULTS: &str = "results.json";
/// The page for people.
pub const REPORT: &str = "report.html";
/// The page for build servers.
pub const JUNIT: &str = "junit.xml";
/// How far a run is that is under way.
pub const STATUS: &str = "status.json";
/// What the tester did.
pub const LOG: &str = "disprove.log";

/// The folder of one run.
#[derive(Clone, Debug)]
pub struct RunFolder {
    /// Where it is.
    pub path: PathBuf,
    /// The store it is in, where it is in one.
    store: PathBuf,
    /// Held by the run that is under way here; the system lets go of it however the run ends.
    lock: Option<Arc<fs::File>>,
}

impl RunFolder {
    /// Makes the folder of a new run and lets `latest` name it.
    pub fn create(store: &Path, name: &str, started: &str) -> Result<Self, Failure> {
        let parent = store.join(name);
        let fail = |what: &Path, error: io::Error| {
            Failure::harness(format!(
                "cannot write {}: {error}; choose another folder with --store",
                what.display()
            ))
        };
        fs::create_dir_all(&parent).map_err(|error| fail(&parent, error))?;
        let mut path = parent.join(started);
        let mut copy = 1;
        // Two runs may begin within one millisecond: the second takes the next free name.
        while let Err(error) = fs::create_dir(&path) {
            if error.kind() != io::ErrorKind::AlreadyExists || copy > 1000 {
                return Err(fail(&path, error));
            }
            copy += 1;
            path = parent.join(format!("{started}-{copy}"));
        }
        let lock = fs::File::open(&path).and_then(|file| Ok(file.try_lock().map(|()| file)?));
        let lock = Some(Arc::new(lock.map_err(|error| fail(&path, error))?));
        let folder = Self { path, store: store.to_owned(), lock };
        folder.point_latest();
        Ok(folder)
    }

    /// The folder of a stored run.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let path = fs::canonicalize(path).map_err(|error| {
            Failure::input(format!("there is no run at {}: {error}; `ls store` shows them", path.display()))
        })?;
        if !path.join(CHOICES).is_file() {
            return Err(Failure::input(format!(
                "{} is not the folder of a run: it has no {CHOICES}",
                path.display()
            )));
        }
        let store = path.parent().and_then(Path::parent).unwrap_or(&path).to_owned();
        Ok(Self { path, store, lock: None })
    }

    /// A folder that is known to be a run of this store.
    pub(crate) fn below(path: PathBuf, store: &Path) -> Self {
        Self { path, store: store.to_owned(), lock: None }
    }

    /// Takes the folder as a run does that is under way in it, so that no other can; `None` where one is.
    pub fn take(&mut self) -> Option<()> {
        let file = fs::File::open(&self.path).ok()?;
        file.try_lock().ok()?;
        self.lock = Some(Arc::new(file));
        Some(())
    }

    /// Whether a run is under way in the folder, another process's or this one's.
    pub fn is_in_use(&self) -> bool {
        self.lock.is_some() || fs::File::open(&self.path).is_ok_and(|file| file.try_lock().is_err())
    }

    /// A file of the run.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The history of the run. A run that was killed early may have none.
    pub fn history(&self) -> Result<PathBuf, Failure> {
        let path = self.file(HISTORY);
        if !path.is_file() {
            return Err(Failure::input(format!(
                "{} has no {HISTORY}: the run ended before its first call",
                self.path.display()
            )));
        }
        Ok(path)
    }

    /// What the run found; `None` where it was never judged.
    pub fn findings(&self) -> Result<Option<reports::Findings>, Failure> {
        let path = self.file(RESULTS);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Failure::input(format!("cannot read {}: {error}", path.display()))),
        };
        let findings = reports::json::read(&text);
        findings.map(Some).map_err(|error| Failure::input(format!("{}: {error}", path.display())))
    }

    /// Writes a file of the run whole: beside its place first, so that no reader ever sees half of it.
    pub fn write(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        write_whole(&self.file(name), content)
    }

    /// The name by which people find the run again: its path below the store.
    pub fn label(&self) -> String {
        self.path.strip_prefix(&self.store).unwrap_or(&self.path).display().to_string()
    }

    pub(crate) fn point_latest(&self) {
        let link = self.store.join("latest");
        let target = self.path.strip_prefix(&self.store).unwrap_or(&self.path);
        #[cfg(unix)]
        {
            let fresh = self.store.join(format!(".latest-{}", std::process::id()));
            let _ = fs::remove_file(&fresh);
            let pointed = std::os::unix::fs::symlink(target, &fresh).and_then(|()| fs::rename(&fresh, &link));
            if let Err(error) = pointed {
                tracing::warn!("cannot let {} name the newest run: {error}", link.display());
            }
        }
        #[cfg(not(unix))]
        let _ = (link, target);
    }

    /// Adds the run to `runs.jsonl` and draws `index.html` anew.
    pub fn enlist(&self, line: &reports::RunLine) -> Result<(), Failure> {
        let list = self.store.join(listing::LIST);
        let fail = |error: io::Error| Failure::harness(format!("cannot write {}: {error}", list.display()));
        let mut text = serde_json::to_string(line).expect("a line of plain data is always serialisable");
        text.push('\n');
        let _held = listing::hold(&self.store)?;
        let mut file = fs::OpenOptions::new().create(true).append(true).open(&list).map_err(fail)?;
        file.write_all(text.as_bytes()).map_err(fail)?;
        let lines = listing::lines(&self.store)?;
        write_whole(&self.store.join("index.html"), reports::index::page(&lines).as_bytes())
    }
}

/// Writes a file beside its place and moves it there.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let fail = |error: io::Error| Failure::harness(format!("cannot write {}: {error}", path.display()));
    let mut beside = path.as_os_str().to_owned();
    // Runs that go on at the same time write the list of one store.
    beside.push(format!(".part-{}", std::process::id()));
    let beside = PathBuf::from(beside);
    fs::write(&beside, content).map_err(fail)?;
    fs::rename(&beside, path).map_err(fail)
}
