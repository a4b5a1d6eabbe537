//! Control groups of our own for the processes of a local node: one is made where the machine permits it, the processes are
//! moved into it, and in the end moved back and the group removed. No group of anybody else's is ever written to, but for
//! the processes that go back to where they came from.
//!
//! Every group is written to a file before it is made, so that what a killed controller left can be removed.

mod place;

use std::{
    collections::BTreeSet,
    fs, io,
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

pub(crate) use place::Power;
use place::{Place, Version, folder_of, places};

/// What the name of every group of ours begins with.
const PREFIX: &str = "disprove-";
/// The file in the run's folder that names the groups which were made.
pub(super) const RECORD: &str = "control-groups";
/// How long the kernel may take for one step.
const STEP: Duration = Duration::from_secs(5);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(5);
/// How often processes may be found that were born while others were moved.
const ROUNDS_MAX: usize = 20;

/// A group that was made, with the processes of a node in it.
#[derive(Debug)]
pub(super) struct Group {
    power: Power,
    version: Version,
    folder: PathBuf,
    /// The first process of the node, which stays outside.
    init: i32,
}

/// Makes a group that has a power, and moves all processes of a node but its first into it. Where none can be made, why.
pub(super) fn make(power: Power, name: &str, record: &Path, init: i32) -> Result<Group, String> {
    let read =
        |path: &str| fs::read_to_string(path).map_err(|error| format!("{path} cannot be read: {error}"));
    let (mounts, own) = (read("/proc/self/mountinfo")?, read("/proc/self/cgroup")?);
    let mut why = "no control groups of this kind are mounted".to_owned();
    for place in places(power, &mounts, &own) {
        match make_in(&place, power, name, record, init) {
            Ok(group) => return Ok(group),
            Err(error) => {
                why = format!("no control group can be made in {}: {error}", place.folder.display())
            }
        }
    }
    Err(why)
}

fn make_in(place: &Place, power: Power, name: &str, record: &Path, init: i32) -> io::Result<Group> {
    let folder =
        place.folder.join(format!("{PREFIX}{name}-{}", power.file(place.version).replace(['.', '_'], "-")));
    // Asked first, so that nothing is written down where nothing is made.
    if !is_writable(&place.folder) {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut file = fs::OpenOptions::new().create(true).append(true).open(record)?;
    writeln!(file, "{}", folder.display())?;
    file.sync_data()?;
    fs::create_dir(&folder)?;
    let group = Group { power, version: place.version, folder, init };
    let made = match group.file().exists() {
        true => group.gather(),
        false => Err(io::Error::new(io::ErrorKind::Unsupported, "groups there do not have this power")),
    };
    match made {
        Ok(()) => Ok(group),
        Err(error) => {
            group.release()?;
            Err(error)
        }
    }
}

fn is_writable(folder: &Path) -> bool {
    nix::unistd::access(folder, nix::unistd::AccessFlags::W_OK).is_ok()
}

/// Whether there is a folder in which we may make groups; else why not.
pub(super) fn any_writable(power: Power, mounts: &str, own: &str) -> Result<(), String> {
    let all = places(power, mounts, own);
    match all.iter().any(|place| is_writable(&place.folder)) {
        true => Ok(()),
        false if all.is_empty() => Err("no control groups of this kind are mounted".into()),
        false => Err("no control group is delegated to this user; to have one: systemd-run --user --scope -p Delegate=yes \
                      disprove ..., or root"
            .into()),
    }
}

impl Group {
    fn file(&self) -> PathBuf {
        self.folder.join(self.power.file(self.version))
    }

    /// What it is and where, for people.
    pub(super) fn describe(&self) -> String {
        format!("{} at {}", self.version.name(), self.folder.display())
    }

    /// Moves all processes of the node into it, also those that are born meanwhile.
    pub(super) fn gather(&self) -> io::Result<()> {
        for _ in 0..ROUNDS_MAX {
            let inside: BTreeSet<i32> = self.members()?.into_iter().collect();
            let mut moved = false;
            for pid in descendants(self.init)?.difference(&inside) {
                moved |= put(*pid, &self.folder)?;
            }
            if !moved {
                return Ok(());
            }
        }
        Err(io::Error::other("its processes have children faster than they can be moved"))
    }

    fn members(&self) -> io::Result<Vec<i32>> {
        let text = fs::read_to_string(self.folder.join("cgroup.procs"))?;
        Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
    }

    /// Freezes it, or lets it go on, and waits until the kernel says so.
    pub(super) fn freeze(&self, wanted: bool) -> io::Result<()> {
        let word = match (self.version, wanted) {
            (Version::One, true) => "FROZEN",
            (Version::One, false) => "THAWED",
            (Version::Two, true) => "1",
            (Version::Two, false) => "0",
        };
        let asked = Instant::now();
        fs::write(self.file(), word)?;
        while self.is_frozen()? != wanted {
            if asked.elapsed() > STEP {
                return Err(io::Error::new(io::ErrorKind::TimedOut, "the kernel does not freeze or thaw it"));
            }
            std::thread::sleep(ASK_EVERY);
        }
        Ok(())
    }

    /// Whether the kernel says that all in it are frozen.
    pub(super) fn is_frozen(&self) -> io::Result<bool> {
        Ok(match self.version {
            Version::One => fs::read_to_string(self.file())?.trim() == "FROZEN",
            Version::Two => {
                value(&fs::read_to_string(self.folder.join("cgroup.events"))?, "frozen") == Some(1)
            }
        })
    }

    /// Gives its processes so many microseconds of each tenth of a second, together.
    pub(super) fn narrow_cpu(&self, microseconds: u64) -> io::Result<()> {
        match self.version {
            Version::One => {
                fs::write(self.folder.join("cpu.cfs_period_us"), "100000")?;
                fs::write(self.file(), microseconds.to_string())
            }
            Version::Two => fs::write(self.file(), format!("{microseconds} 100000")),
        }
    }

    /// In how many periods its processes wanted to run, and in how many of those they were kept from it.
    pub(super) fn throttled(&self) -> io::Result<(u64, u64)> {
        let text = fs::read_to_string(self.folder.join("cpu.stat"))?;
        Ok((value(&text, "nr_periods").unwrap_or(0), value(&text, "nr_throttled").unwrap_or(0)))
    }

    /// Lets its processes take so many bytes more than they have, together. What a process had stays with the group that
    /// it came from.
    pub(super) fn narrow_memory(&self, bytes: u64) -> io::Result<()> {
        if self.version == Version::Two {
            // What cannot be had must not come from the disk either.
            let swap = self.folder.join("memory.swap.max");
            if swap.exists() {
                fs::write(swap, "0")?;
            }
        }
        fs::write(self.file(), bytes.to_string())
    }

    /// How often its processes ran into the limit, and how many of them the kernel ended for it.
    pub(super) fn starved(&self) -> io::Result<(u64, u64)> {
        match self.version {
            Version::One => {
                let failed =
                    fs::read_to_string(self.folder.join("memory.failcnt"))?.trim().parse().unwrap_or(0);
                let text = fs::read_to_string(self.folder.join("memory.oom_control"))?;
                Ok((failed, value(&text, "oom_kill").unwrap_or(0)))
            }
            Version::Two => {
                let text = fs::read_to_string(self.folder.join("memory.events"))?;
                Ok((value(&text, "max").unwrap_or(0), value(&text, "oom_kill").unwrap_or(0)))
            }
        }
    }

    /// Lets its processes go back to where they came from, which is where their node's first process is, and removes it.
    pub(super) fn release(&self) -> io::Result<()> {
        if !self.folder.exists() {
            return Ok(());
        }
        if self.power == Power::Freezer && self.file().exists() {
            self.freeze(false)?;
        }
        let (mounts, of) = (
            fs::read_to_string("/proc/self/mountinfo")?,
            fs::read_to_string(format!("/proc/{}/cgroup", self.init)),
        );
        let back = of.ok().and_then(|of| folder_of(self.version, self.power, &mounts, &of));
        let asked = Instant::now();
        loop {
            for pid in self.members()? {
                if let Some(back) = &back {
                    put(pid, back)?;
                }
            }
            match fs::remove_dir(&self.folder) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(error) if asked.elapsed() > STEP => return Err(error),
                Err(_) => std::thread::sleep(ASK_EVERY),
            }
        }
    }
}

/// Moves a process into a group; false where it has ended meanwhile.
fn put(pid: i32, folder: &Path) -> io::Result<bool> {
    match fs::write(folder.join("cgroup.procs"), pid.to_string()) {
        Ok(()) => Ok(true),
        Err(error) if error.raw_os_error() == Some(libc::ESRCH) => Ok(false),
        Err(error) => Err(error),
    }
}

/// All processes below one, as `/proc` tells of them.
fn descendants(of: i32) -> io::Result<BTreeSet<i32>> {
    let mut parents = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let Some((_, rest)) = stat.rsplit_once(") ") else { continue };
        let mut words = rest.split(' ');
        let (state, parent) = (words.next(), words.next().and_then(|word| word.parse::<i32>().ok()));
        if let (Some(parent), false) = (parent, matches!(state, Some("Z" | "X"))) {
            parents.push((pid, parent));
        }
    }
    let mut found = BTreeSet::from([of]);
    loop {
        let before = found.len();
        found.extend(
            parents
                .iter()
                .filter(|(_, parent)| found.contains(parent))
                .map(|(pid, _)| *pid)
                .collect::<Vec<_>>(),
        );
        if found.len() == before {
            break;
        }
    }
    found.remove(&of);
    Ok(found)
}

/// The number after a word in a file of words and numbers.
fn value(text: &str, word: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix(word)?.trim().parse().ok())
}

/// Removes the groups that a killed controller left, as the run's folder names them: lets go on what is frozen, so that it
/// ends with the rest of its node, and waits for that. Returns those that were there.
pub fn remove_groups(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let record = folder.join(RECORD);
    if !record.exists() {
        return Ok(Vec::new());
    }
    let text = fs::read_to_string(&record)?;
    let is_ours = |group: &PathBuf| {
        let named = group.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
        named && group.join("cgroup.procs").exists()
    };
    let left: Vec<PathBuf> = text.lines().map(PathBuf::from).filter(is_ours).collect();
    // All of them first: a process may be in several, and ends when none holds it.
    for group in &left {
        for (file, word) in [("freezer.state", "THAWED"), ("cgroup.freeze", "0")] {
            let file = group.join(file);
            if file.exists() {
                fs::write(file, word)?;
            }
        }
    }
    for group in &left {
        let asked = Instant::now();
        while let Err(error) = fs::remove_dir(group) {
            if asked.elapsed() > STEP {
                return Err(error);
            }
            std::thread::sleep(ASK_EVERY);
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
