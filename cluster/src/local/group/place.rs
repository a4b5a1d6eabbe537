//! Where a control group can be made: found by looking at what is mounted, of either version.

use std::path::{Path, PathBuf};

/// What a group is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Power {
    /// Give its processes no time at all.
    Freezer,
    /// Give them a share of the time.
    Cpu,
    /// Give them no more memory than so much.
    Memory,
}

impl Power {
    /// The controller of the first version that has it.
    const fn controller(self) -> &'static str {
        match self {
            Self::Freezer => "freezer",
            Self::Cpu => "cpu",
            Self::Memory => "memory",
        }
    }

    /// The file that a group of this version has where it has the power.
    pub(super) const fn file(self, version: Version) -> &'static str {
        match (self, version) {
            (Self::Freezer, Version::One) => "freezer.state",
            (Self::Freezer, Version::Two) => "cgroup.freeze",
            (Self::Cpu, Version::One) => "cpu.cfs_quota_us",
            (Self::Cpu, Version::Two) => "cpu.max",
            (Self::Memory, Version::One) => "memory.limit_in_bytes",
            (Self::Memory, Version::Two) => "memory.max",
        }
    }
}

/// The two kinds of control groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// A tree of groups for each controller.
    One,
    /// One tree for all.
    Two,
}

impl Version {
    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::One => "cgroup v1",
            Self::Two => "cgroup v2",
        }
    }
}

/// A folder in which a group may be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The kind of groups that are there.
    pub version: Version,
    /// The folder.
    pub folder: PathBuf,
}

/// The folders in which to try, the nearest to our own group first. `mounts` is `/proc/self/mountinfo`, `own` is
/// `/proc/self/cgroup`.
pub(super) fn places(power: Power, mounts: &str, own: &str) -> Vec<Place> {
    let mut places = Vec::new();
    for mount in mounts.lines().filter_map(Mount::read) {
        let version = match mount.kind {
            "cgroup2" => Version::Two,
            "cgroup" if mount.options.split(',').any(|word| word == power.controller()) => Version::One,
            _ => continue,
        };
        let Some(path) = own_path(version, power, own) else { continue };
        let inside = path.strip_prefix(mount.root).unwrap_or(path).trim_start_matches('/');
        let top = PathBuf::from(mount.point);
        let is_top = inside.is_empty() || inside.starts_with("..");
        let mut folder = if is_top { top.clone() } else { top.join(inside) };
        loop {
            places.push(Place { version, folder: folder.clone() });
            if folder == top || !folder.pop() {
                break;
            }
        }
    }
    // What is frozen by the second version can still be ended.
    places.sort_by_key(|place| place.version == Version::One);
    places
}

/// The group that a process is in, of those of one kind, as `/proc/PID/cgroup` tells it.
pub(super) fn own_path(version: Version, power: Power, own: &str) -> Option<&str> {
    own.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        let is_it = match version {
            Version::One => controllers.split(',').any(|word| word == power.controller()),
            Version::Two => controllers.is_empty(),
        };
        is_it.then_some(path)
    })
}

/// A line of `/proc/self/mountinfo`.
struct Mount<'a> {
    root: &'a str,
    point: &'a str,
    kind: &'a str,
    options: &'a str,
}

impl<'a> Mount<'a> {
    fn read(line: &'a str) -> Option<Self> {
        let (mount, system) = line.split_once(" - ")?;
        let mut words = mount.split(' ').skip(3);
        let (root, point) = (words.next()?, words.next()?);
        let mut words = system.split(' ');
        let (kind, _, options) = (words.next()?, words.next()?, words.next()?);
        Some(Self { root, point, kind, options })
    }
}

/// The folder of a group in the tree that another group of is in: the top of the tree and the path there.
pub(super) fn folder_of(version: Version, power: Power, mounts: &str, of: &str) -> Option<PathBuf> {
    let mount = mounts.lines().filter_map(Mount::read).find(|mount| match version {
        Version::Two => mount.kind == "cgroup2",
        Version::One => {
            mount.kind == "cgroup" && mount.options.split(',').any(|word| word == power.controller())
        }
    })?;
    let path = own_path(version, power, of)?;
    let inside = path.strip_prefix(mount.root).unwrap_or(path).trim_start_matches('/');
    Some(Path::new(mount.point).join(inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "30 20 0:25 / /sys/fs/cgroup/freezer rw,relatime - cgroup cgroup rw,freezer\n\
                          31 20 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
                          32 20 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

    #[test]
    fn a_place_is_our_own_group_or_one_above_it() {
        let own = "5:freezer:/a\n4:cpu,cpuacct:/\n0::/user/one\n";
        let told = |power| {
            let all = places(power, MOUNTS, own).into_iter();
            all.map(|place| format!("{:?} {}", place.version, place.folder.display())).collect::<Vec<_>>()
        };
        let second = ["/user/one", "/user", ""].map(|path| format!("Two /sys/fs/cgroup/unified{path}"));
        let expected = |first: &[&str]| {
            second.iter().cloned().chain(first.iter().map(|path| format!("One {path}"))).collect::<Vec<_>>()
        };
        assert_eq!(told(Power::Freezer), expected(&["/sys/fs/cgroup/freezer/a", "/sys/fs/cgroup/freezer"]));
        assert_eq!(told(Power::Cpu), expected(&["/sys/fs/cgroup/cpu,cpuacct"]));
        assert_eq!(told(Power::Memory), second);
    }

    #[test]
    fn a_group_is_found_again() {
        let of = "5:freezer:/a/b\n0::/\n";
        let first = folder_of(Version::One, Power::Freezer, MOUNTS, of).unwrap();
        assert_eq!(first, Path::new("/sys/fs/cgroup/freezer/a/b"));
        assert_eq!(folder_of(Version::One, Power::Memory, MOUNTS, of), None);
        let second = folder_of(Version::Two, Power::Memory, MOUNTS, of).unwrap();
        assert_eq!(second, Path::new("/sys/fs/cgroup/unified/"));
    }
}
