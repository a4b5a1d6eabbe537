//! The names of a disk twice: as they are now, and as they are kept when the power fails.
//!
//! What an `fsync` keeps is the least that ext4, XFS and btrfs agree on, since a database may rely on that much: of a file
//! its own names, with the folders above it, and of a folder every change to its entries; a rename is kept as a whole or
//! not at all. POSIX promises less; no file system in common use on Linux does.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
};

/// The number of a file, folder or link.
pub type Ino = u64;

/// The number of the topmost folder.
pub(super) const ROOT: Ino = 1;

/// A name in a folder.
pub(super) type Place = (Ino, OsString);

/// The entries of a folder.
#[derive(Clone, Debug, Default)]
struct Folder {
    now: BTreeMap<OsString, Ino>,
    kept: BTreeMap<OsString, Ino>,
}

/// Where something is to be found.
#[derive(Clone, Debug, Default)]
struct Places {
    now: BTreeSet<Place>,
    kept: BTreeSet<Place>,
}

/// All names of a disk.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    folders: BTreeMap<Ino, Folder>,
    places: BTreeMap<Ino, Places>,
}

impl Tree {
    /// Nothing but the topmost folder.
    pub(super) fn new() -> Self {
        let folders = BTreeMap::from([(ROOT, Folder::default())]);
        Self { folders, places: BTreeMap::new() }
    }

    /// What a name leads to.
    pub(super) fn find(&self, folder: Ino, name: &OsString) -> Option<Ino> {
        self.folders.get(&folder)?.now.get(name).copied()
    }

    /// Makes something a folder.
    pub(super) fn add_folder(&mut self, ino: Ino) {
        self.folders.insert(ino, Folder::default());
    }

    /// The entries of a folder; `None` for what is none.
    pub(super) fn entries(&self, folder: Ino) -> Option<impl Iterator<Item = (&OsString, Ino)>> {
        Some(self.folders.get(&folder)?.now.iter().map(|(name, ino)| (name, *ino)))
    }

    /// Whether it is a folder that has entries.
    pub(super) fn has_entries(&self, folder: Ino) -> bool {
        self.folders.get(&folder).is_some_and(|folder| !folder.now.is_empty())
    }

    /// How many names lead to it.
    pub(super) fn links(&self, ino: Ino) -> usize {
        self.places.get(&ino).map_or(0, |places| places.now.len())
    }

    /// Whether a name leads to it, or would after a power failure.
    pub(super) fn is_reachable(&self, ino: Ino) -> bool {
        ino == ROOT
            || self.places.get(&ino).is_some_and(|places| !places.now.is_empty() || !places.kept.is_empty())
    }

    /// The folder that a folder lies in.
    pub(super) fn above(&self, ino: Ino) -> Ino {
        self.places.get(&ino).and_then(|places| places.now.first()).map_or(ROOT, |(folder, _)| *folder)
    }

    /// Its path from the topmost folder on, without a slash at the start; the first where there are several.
    pub(super) fn path(&self, ino: Ino) -> String {
        let mut parts = Vec::new();
        let mut at = ino;
        while let Some((folder, name)) = self.places.get(&at).and_then(|places| places.now.first()) {
            parts.push(name.to_string_lossy());
            at = *folder;
        }
        parts.reverse();
        parts.join("/")
    }

    /// Puts a name into a folder, where none of the kind is.
    pub(super) fn link(&mut self, (folder, name): Place, ino: Ino) {
        if let Some(entries) = self.folders.get_mut(&folder) {
            entries.now.insert(name.clone(), ino);
            self.places.entry(ino).or_default().now.insert((folder, name));
        }
    }

    /// Takes a name out of a folder; what it led to.
    pub(super) fn unlink(&mut self, (folder, name): &Place) -> Option<Ino> {
        let ino = self.folders.get_mut(folder)?.now.remove(name)?;
        if let Some(places) = self.places.get_mut(&ino) {
            places.now.remove(&(*folder, name.clone()));
        }
        Some(ino)
    }

    /// Keeps the names of one thing, and of the folders above it. What was kept under those names is not any more. Returns
    /// what lost a kept name.
    pub(super) fn keep(&mut self, ino: Ino) -> Vec<Ino> {
        let mut displaced = Vec::new();
        let (mut waiting, mut done) = (vec![ino], BTreeSet::new());
        while let Some(ino) = waiting.pop() {
            if !done.insert(ino) {
                continue;
            }
            let Some(places) = self.places.get_mut(&ino).filter(|places| !places.now.is_empty()) else {
                continue;
            };
            waiting.extend(places.now.iter().map(|(folder, _)| *folder));
            let (now, kept) = (places.now.clone(), std::mem::replace(&mut places.kept, places.now.clone()));
            for (folder, name) in kept.difference(&now) {
                if let Some(folder) = self.folders.get_mut(folder) {
                    folder.kept.remove(name);
                }
            }
            for place in now.difference(&kept) {
                let Some(folder) = self.folders.get_mut(&place.0) else { continue };
                if let Some(before) = folder.kept.insert(place.1.clone(), ino)
                    && let Some(places) = self.places.get_mut(&before)
                {
                    places.kept.remove(place);
                    displaced.push(before);
                }
            }
        }
        displaced
    }

    /// Keeps every change to the entries of a folder. Returns what lost a kept name.
    pub(super) fn keep_entries(&mut self, ino: Ino) -> Vec<Ino> {
        let mut displaced = Vec::new();
        if let Some(folder) = self.folders.get(&ino) {
            let gone: Vec<(OsString, Ino)> = folder
                .kept
                .iter()
                .filter(|(name, known)| folder.now.get(*name) != Some(known))
                .map(|(name, known)| (name.clone(), *known))
                .collect();
            let come: Vec<Ino> = folder
                .now
                .iter()
                .filter(|(name, known)| folder.kept.get(*name) != Some(known))
                .map(|(_, known)| *known)
                .collect();
            for (name, known) in gone {
                // What has gone to another folder is kept there, or it would be lost between the two.
                displaced.extend(self.keep(known));
                let place = (ino, name);
                if let Some(folder) = self.folders.get_mut(&ino)
                    && folder.kept.get(&place.1) == Some(&known)
                {
                    folder.kept.remove(&place.1);
                    if let Some(places) = self.places.get_mut(&known) {
                        places.kept.remove(&place);
                    }
                }
                displaced.push(known);
            }
            for known in come {
                displaced.extend(self.keep(known));
            }
        }
        displaced.extend(self.keep(ino));
        displaced
    }

    /// Keeps every name.
    pub(super) fn keep_all(&mut self) {
        for folder in self.folders.values_mut() {
            folder.kept.clone_from(&folder.now);
        }
        for places in self.places.values_mut() {
            places.kept.clone_from(&places.now);
        }
    }

    /// How many names are not as they are kept: those that have come, and those that have gone.
    pub(super) fn unkept(&self) -> u64 {
        let differs = |folder: &Folder| {
            let come = folder.now.iter().filter(|(name, ino)| folder.kept.get(*name) != Some(ino)).count();
            let gone = folder.kept.keys().filter(|name| !folder.now.contains_key(*name)).count();
            (come + gone) as u64
        };
        // What lies in a folder that is itself gone was lost with it, and is not told of once more.
        let alive = |ino: &Ino| self.is_reachable(*ino);
        self.folders.iter().filter(|(ino, _)| alive(ino)).map(|(_, folder)| differs(folder)).sum()
    }

    /// Goes back to what is kept.
    pub(super) fn lose(&mut self) {
        for folder in self.folders.values_mut() {
            folder.now.clone_from(&folder.kept);
        }
        for places in self.places.values_mut() {
            places.now.clone_from(&places.kept);
        }
    }

    /// Forgets something that nobody can reach, and that what it holds lies in it. Returns what lost a name by that.
    pub(super) fn forget(&mut self, ino: Ino) -> Vec<Ino> {
        self.places.remove(&ino);
        let Some(folder) = self.folders.remove(&ino) else { return Vec::new() };
        let mut displaced = Vec::new();
        for (name, held) in folder.now.into_iter().chain(folder.kept) {
            let place = (ino, name);
            if let Some(places) = self.places.get_mut(&held) {
                places.now.remove(&place);
                places.kept.remove(&place);
                displaced.push(held);
            }
        }
        displaced
    }
}
