//! Random work on a disk that no kernel is involved in, against a model of what must survive a power failure.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
};

use disprove_cluster::disk::{Change, Kind, Owner, Volume};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::scene::folder;

/// What the model knows of a disk: files by number, and the names in the folders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    /// By number: as it is, and as it was last synced.
    files: BTreeMap<u64, (Vec<u8>, Vec<u8>)>,
    /// Folder and name: what it leads to.
    now: BTreeMap<(u64, String), u64>,
    kept: BTreeMap<(u64, String), u64>,
    folders: BTreeSet<u64>,
}

impl Model {
    fn names_of(names: &BTreeMap<(u64, String), u64>, ino: u64) -> Vec<(u64, String)> {
        names.iter().filter(|(_, held)| **held == ino).map(|(place, _)| place.clone()).collect()
    }

    /// The names of one thing are kept, and those of the folders above.
    fn keep(&mut self, ino: u64) {
        let mut waiting = vec![ino];
        let mut done = BTreeSet::new();
        while let Some(ino) = waiting.pop() {
            let now = Self::names_of(&self.now, ino);
            if now.is_empty() || !done.insert(ino) {
                continue;
            }
            self.kept.retain(|_, held| *held != ino);
            for place in now {
                waiting.push(place.0);
                self.kept.insert(place, ino);
            }
        }
    }

    fn sync_folder(&mut self, folder: u64) {
        let places: BTreeSet<(u64, String)> =
            self.now.keys().chain(self.kept.keys()).filter(|place| place.0 == folder).cloned().collect();
        let changed: Vec<(u64, String)> =
            places.into_iter().filter(|place| self.now.get(place) != self.kept.get(place)).collect();
        let moved: Vec<u64> = changed
            .iter()
            .flat_map(|place| [self.kept.get(place).copied(), self.now.get(place).copied()])
            .flatten()
            .collect();
        for place in &changed {
            if !self.now.contains_key(place) || self.kept.get(place) != self.now.get(place) {
                self.kept.remove(place);
            }
        }
        moved.into_iter().for_each(|ino| self.keep(ino));
        self.keep(folder);
    }

    fn lose(&mut self) {
        self.now = self.kept.clone();
        for (now, kept) in self.files.values_mut() {
            now.clone_from(kept);
        }
        // What hangs in a folder that is gone is gone.
        loop {
            let held: BTreeSet<u64> = self.now.values().copied().chain([1]).collect();
            let before = self.now.len();
            self.now.retain(|(folder, _), _| held.contains(folder));
            if self.now.len() == before {
                break;
            }
        }
        self.kept = self.now.clone();
    }
}

struct Trial {
    volume: Volume,
    model: Model,
    random: ChaCha8Rng,
    work: Vec<String>,
}

const NAMES: [&str; 5] = ["a", "b", "c", "d", "e"];

impl Trial {
    fn pick<T: Clone>(&mut self, from: Vec<T>) -> Option<T> {
        (!from.is_empty()).then(|| from[self.random.random_range(0..from.len())].clone())
    }

    fn place(&mut self) -> (u64, String) {
        let held: BTreeSet<u64> = self.model.now.values().copied().chain([1]).collect();
        let folders = self.model.folders.iter().copied().filter(|folder| held.contains(folder)).collect();
        let folder = self.pick(folders).expect("the topmost folder is always there");
        (folder, NAMES[self.random.random_range(0..NAMES.len())].to_owned())
    }

    fn file(&mut self) -> Option<u64> {
        let held = self.model.now.values().copied().filter(|ino| self.model.files.contains_key(ino));
        let files = held.collect();
        self.pick(files)
    }

    fn step(&mut self) {
        match self.random.random_range(0..100) {
            0..20 => self.make(false),
            20..25 => self.make(true),
            25..50 => self.write(),
            50..57 => self.set_length(),
            57..70 => self.rename(),
            70..77 => self.unlink(),
            77..80 => self.link(),
            80..92 => self.sync(),
            92..96 => self.sync_folder(),
            _ => self.power_failure(),
        }
    }

    fn make(&mut self, is_folder: bool) {
        let place = self.place();
        let kind = if is_folder { Kind::Folder } else { Kind::File };
        let made = self.volume.make(place.0, OsStr::new(&place.1), kind, (0o644, Owner::default()));
        assert_eq!(made.is_ok(), !self.model.now.contains_key(&place), "{place:?}: {made:?}");
        if let Ok(stat) = made {
            self.volume.forget(stat.ino, 1);
            self.work.push(format!("make {place:?} = {}", stat.ino));
            self.model.now.insert(place, stat.ino);
            if is_folder {
                self.model.folders.insert(stat.ino);
            } else {
                self.model.files.insert(stat.ino, Default::default());
            }
        }
    }

    fn write(&mut self) {
        let Some(ino) = self.file() else { return };
        let at = self.random.random_range(0..20_000_usize);
        let length = self.random.random_range(1..9000);
        let bytes = vec![self.random.random_range(1..=255_u8); length];
        self.work.push(format!("write {length} to {ino} at {at}"));
        self.volume.write(ino, at as u64, &bytes).expect("there is room");
        let now = &mut self.model.files.get_mut(&ino).expect("it is a file").0;
        now.resize(now.len().max(at + length), 0);
        now[at..at + length].copy_from_slice(&bytes);
    }

    fn set_length(&mut self) {
        let Some(ino) = self.file() else { return };
        let length = self.random.random_range(0..25_000);
        self.work.push(format!("cut {ino} to {length}"));
        let change = Change { length: Some(length as u64), ..Change::default() };
        self.volume.change(ino, change).expect("there is room");
        self.model.files.get_mut(&ino).expect("it is a file").0.resize(length, 0);
    }

    fn rename(&mut self) {
        let (from, to) = (self.place(), self.place());
        let (source, target) = (self.model.now.get(&from).copied(), self.model.now.get(&to).copied());
        let is_folder = |ino: Option<u64>| ino.is_some_and(|ino| self.model.folders.contains(&ino));
        // The kernel never asks for a folder to be moved into itself.
        if source.is_none() || is_folder(source) || is_folder(target) {
            return;
        }
        self.work.push(format!("rename {from:?} to {to:?}"));
        let paths = ((from.0, OsStr::new(&from.1)), (to.0, OsStr::new(&to.1)));
        self.volume.rename(paths.0, paths.1, 0).expect("both are files");
        if source != target {
            self.model.now.remove(&from);
            self.model.now.insert(to, source.expect("it was looked at"));
        }
    }

    fn unlink(&mut self) {
        let place = self.place();
        let Some(&ino) = self.model.now.get(&place) else { return };
        let is_folder = self.model.folders.contains(&ino);
        let is_full = self.model.now.keys().any(|(folder, _)| *folder == ino);
        let done = self.volume.unlink(place.0, OsStr::new(&place.1), is_folder);
        assert_eq!(done.is_ok(), !(is_folder && is_full), "{place:?}: {done:?}");
        if done.is_ok() {
            self.work.push(format!("unlink {place:?}"));
            self.model.now.remove(&place);
        }
    }

    fn link(&mut self) {
        let (Some(ino), place) = (self.file(), self.place()) else { return };
        let done = self.volume.link(ino, place.0, OsStr::new(&place.1));
        assert_eq!(done.is_ok(), !self.model.now.contains_key(&place), "{place:?}: {done:?}");
        if done.is_ok() {
            self.volume.forget(ino, 1);
            self.work.push(format!("link {ino} as {place:?}"));
            self.model.now.insert(place, ino);
        }
    }

    fn sync(&mut self) {
        let Some(ino) = self.file() else { return };
        self.work.push(format!("sync {ino}"));
        self.volume.keep(ino).expect("it is there");
        let file = self.model.files.get_mut(&ino).expect("it is a file");
        file.1.clone_from(&file.0);
        self.model.keep(ino);
    }

    fn sync_folder(&mut self) {
        let (folder, _) = self.place();
        self.work.push(format!("sync folder {folder}"));
        self.volume.keep(folder).expect("it is there");
        self.model.sync_folder(folder);
    }

    fn power_failure(&mut self) {
        self.work.push("the power fails".into());
        self.volume.lose(|_| 0).expect("it is lost");
        self.model.lose();
    }

    /// Compares everything that can be seen.
    fn compare(&mut self) {
        let work = self.work.join("\n");
        for ((folder, name), ino) in &self.model.now {
            let found = self.volume.look_up(*folder, OsStr::new(name)).map(|stat| stat.ino);
            assert_eq!(found.ok(), Some(*ino), "{name} in {folder}, after\n{work}");
            self.volume.forget(*ino, 1);
            if let Some((now, _)) = self.model.files.get(ino) {
                assert_eq!(self.volume.length(*ino), now.len() as u64, "{name} in {folder}, after\n{work}");
                let read = self.volume.read(*ino, 0, 1 << 20).expect("it can be read");
                let differs = read.iter().zip(now).position(|(read, now)| read != now);
                assert_eq!(differs, None, "{name} in {folder}, after\n{work}");
            }
        }
        for folder in &self.model.folders {
            let is_there = *folder == 1 || self.model.now.values().any(|ino| ino == folder);
            if let Some(handle) = is_there.then(|| self.volume.open_folder(*folder).expect("it is there")) {
                let listed = self.volume.list(*folder, handle, 2).expect("it is open").len();
                self.volume.close_folder(handle);
                let expected = self.model.now.keys().filter(|(held_in, _)| held_in == folder).count();
                assert_eq!(listed, expected, "the entries of {folder}, after\n{work}");
            }
        }
    }
}

#[test]
fn random_work_survives_as_far_as_it_was_synced() {
    for seed in 0..150 {
        let place = folder();
        let volume = Volume::create(place.0.join("disk"), Owner::default()).expect("a disk is made");
        let model = Model { folders: BTreeSet::from([1]), ..Model::default() };
        let random = ChaCha8Rng::seed_from_u64(seed);
        let mut trial = Trial { volume, model, random, work: vec![format!("seed {seed}")] };
        for step in 0..120 {
            trial.step();
            if step % 10 == 0 {
                trial.compare();
            }
        }
        trial.compare();
        trial.power_failure();
        trial.compare();
        // Nothing is left of what nobody can reach.
        let objects = std::fs::read_dir(place.0.join("disk")).expect("it can be read");
        let left = objects.filter(|entry| {
            entry.as_ref().is_ok_and(|entry| entry.file_name().to_string_lossy().ends_with(".now"))
        });
        let held: BTreeSet<u64> = trial.model.now.values().copied().collect();
        assert!(left.count() <= held.len(), "seed {seed}: contents of what is gone are left");
    }
}

#[test]
fn a_torn_write_leaves_whole_sectors_from_the_start_on() {
    let place = folder();
    let mut volume = Volume::create(place.0.join("disk"), Owner::default()).expect("a disk is made");
    let root = volume.root();
    let made = volume.make(root, OsStr::new("log"), Kind::File, (0o644, Owner::default()));
    let log = made.expect("it is made").ino;
    volume.write(log, 0, &[1; 1000]).expect("it is written");
    volume.keep(log).expect("it is kept");
    volume.keep(root).expect("it is kept");
    let mut lengths = BTreeSet::new();
    for survivors in 0..=8 {
        volume.write(log, 100, &[2; 50]).expect("it is written");
        volume.write(log, 1000, &[3; 2000]).expect("it is written");
        let loss = volume.lose(|_| survivors).expect("it is lost");
        assert_eq!(loss.added, 2000);
        let read = volume.read(log, 0, 1 << 20).expect("it can be read");
        let (overwritten, tail) = (&read[100..150], &read[1000..]);
        assert!(overwritten.iter().all(|byte| *byte == if survivors > 0 { 2 } else { 1 }));
        assert!(tail.iter().all(|byte| *byte == 3), "{survivors} survivors: what was added is whole");
        assert!(read.len() == 1000 || read.len() == 3000 || read.len().is_multiple_of(512), "{}", read.len());
        lengths.insert(read.len());
        volume.cut(log, 1000).expect("it is cut");
        volume.write(log, 0, &[1; 1000]).expect("it is written");
        volume.keep(log).expect("it is kept");
    }
    assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [1000, 1024, 1536, 2048, 2560, 3000]);
    // What was cut off and grew again is not there in parts.
    volume.change(log, Change { length: Some(10), ..Change::default() }).expect("it is cut");
    volume.write(log, 10, &[9; 990]).expect("it is written");
    volume.lose(|sectors| sectors).expect("it is lost");
    assert_eq!(volume.read(log, 0, 1 << 20).expect("it can be read"), [1; 1000]);
}
