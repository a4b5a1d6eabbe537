//! Files below the store, and none outside it: every name is resolved first, and what it leads to must lie within.

use std::{
    fs::{self, File},
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use super::{Refusal, address::is_plain};
use crate::{
    exit::Failure,
    store::{RunFolder, listing},
};

/// The store, by its real place.
#[derive(Debug)]
pub(super) struct Store {
    root: PathBuf,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let root = fs::canonicalize(path).map_err(|error| {
            Failure::usage(format!(
                "there is no store at {}: {error}; `disprove demo` makes one, and --store names another",
                path.display()
            ))
        })?;
        if !root.is_dir() {
            return Err(Failure::usage(format!("{} is not a folder", path.display())));
        }
        Ok(Self { root })
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The real place of a path of plain names, if it is within the store. A link may lead elsewhere within it, as
    /// `latest` does, and nowhere else.
    pub(super) fn find<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Result<PathBuf, Refusal> {
        let mut path = self.root.clone();
        for part in parts {
            if !is_plain(part) {
                return Err(Refusal::missing());
            }
            path.push(part);
        }
        let real = fs::canonicalize(&path).map_err(|_| Refusal::missing())?;
        let within = real.strip_prefix(&self.root).map_err(|_| Refusal::missing())?;
        let mut names = within.components().map(|part| part.as_os_str().to_str());
        if !names.all(|name| name.is_some_and(is_plain)) {
            return Err(Refusal::missing());
        }
        Ok(real)
    }

    /// The run that a path of plain names leads to: `latest`, or a name and a time.
    pub(super) fn run<'a>(&self, parts: impl IntoIterator<Item = &'a str>) -> Result<RunFolder, Refusal> {
        let real = self.find(parts)?;
        let depth = real.strip_prefix(&self.root).map_or(0, |within| within.components().count());
        if depth != 2 {
            return Err(Refusal::missing());
        }
        listing::run_at(real, &self.root).map(|run| run.folder).ok_or_else(Refusal::missing)
    }
}

/// Opens a regular file of the store, and makes sure that what was opened is what was found.
pub(super) fn open_file(real: &Path) -> Result<(File, u64), Refusal> {
    let found = fs::symlink_metadata(real).map_err(|_| Refusal::missing())?;
    if !found.is_file() {
        return Err(Refusal::missing());
    }
    // Not blocking: a pipe that took the file's place must not hold the server.
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC);
    let file = options.open(real).map_err(|_| Refusal::missing())?;
    let opened = file.metadata().map_err(|_| Refusal::missing())?;
    // A folder on the way may have become a link meanwhile: then this is another file.
    if !opened.is_file() || (opened.dev(), opened.ino()) != (found.dev(), found.ino()) {
        return Err(Refusal::missing());
    }
    Ok((file, opened.len()))
}
