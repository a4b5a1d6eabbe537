//! Folders, names and environment of the nodes.

use std::{
    fs, io,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use super::{Identity, LocalSpec, address, remote::Shelves};
use crate::{Error, Version, disk::Owner};

/// The controller's name in `/etc/hosts`.
pub(super) const CONTROLLER_NAME: &str = "controller";

/// Where a node sees its folders when its user cannot reach them where they are.
const SHOWN: &str = "/mnt";

/// Where everything of the nodes lies.
pub(super) struct Places {
    /// Who runs the processes of the nodes, if not we.
    pub identity: Option<Identity>,
    /// The folder of the run.
    pub run: PathBuf,
    /// The files that the nodes see as `/etc/hosts`, one each.
    hosts: Vec<PathBuf>,
    /// The data and the logs of each node, here.
    folders: Vec<(PathBuf, PathBuf)>,
    /// Whether the nodes' user can reach them.
    reachable: bool,
    programs: Option<PathBuf>,
    new_programs: Option<PathBuf>,
    environment: Vec<(String, String)>,
}

fn made(what: &Path) -> impl Fn(io::Error) -> Error + '_ {
    move |error| Error::io(format!("prepare {}", what.display()), error)
}

impl Places {
    /// Makes the folders: `data/NAME` and `logs/NAME` in the folder of the run.
    pub(super) fn make(spec: &LocalSpec) -> Result<Self, Error> {
        fs::create_dir_all(&spec.directory).map_err(made(&spec.directory))?;
        let directory = spec.directory.canonicalize().map_err(made(&spec.directory))?;
        let variable = |name| std::env::var_os(name);
        let identity = Identity::of_nodes(variable("SUDO_UID").as_deref(), variable("SUDO_GID").as_deref());
        let mut folders = Vec::new();
        for name in &spec.nodes {
            let pair = (directory.join("data").join(name), directory.join("logs").join(name));
            for folder in [&pair.0, &pair.1] {
                fs::create_dir_all(folder).map_err(made(folder))?;
                if let Some(Identity { uid, gid }) = identity {
                    chown(folder, Some(uid), Some(gid)).map_err(made(folder))?;
                }
                // Some databases insist that nobody else can look into their folder.
                fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(made(folder))?;
            }
            folders.push(pair);
        }
        let reachable = identity.is_none_or(|identity| is_reachable(&directory, identity));
        let mut hosts = Vec::new();
        let folder = directory.join("hosts");
        fs::create_dir_all(&folder).map_err(made(&folder))?;
        for name in &spec.nodes {
            let file = folder.join(name);
            fs::write(&file, hosts_text(&spec.nodes)).map_err(made(&file))?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).map_err(made(&file))?;
            hosts.push(file);
        }
        Ok(Self {
            identity,
            run: directory,
            hosts,
            folders,
            reachable,
            programs: spec.programs.clone(),
            new_programs: spec.new_programs.clone(),
            environment: spec.environment.clone(),
        })
    }

    /// The file that a node sees as `/etc/hosts`, as the controller sees it.
    pub(super) fn hosts(&self, index: usize) -> &Path {
        &self.hosts[index]
    }

    /// The data folder of a node, as it sees it.
    pub(super) fn data(&self, index: usize) -> PathBuf {
        if self.reachable { self.folders[index].0.clone() } else { Path::new(SHOWN).join("data") }
    }

    /// The log folder of a node, as it sees it.
    pub(super) fn logs(&self, index: usize) -> PathBuf {
        if self.reachable { self.folders[index].1.clone() } else { Path::new(SHOWN).join("logs") }
    }

    /// The data folder of a node, as the controller sees it, and to whom it belongs.
    pub(super) fn data_here(&self, index: usize) -> (PathBuf, Owner) {
        let Identity { uid, gid } = self.identity.unwrap_or_else(Identity::ours);
        (self.folders[index].0.clone(), Owner { uid, gid })
    }

    /// What a node is to see at another place.
    pub(super) fn shown(&self, index: usize) -> Vec<(PathBuf, PathBuf)> {
        if self.reachable {
            return Vec::new();
        }
        let (data, logs) = &self.folders[index];
        vec![(data.clone(), self.data(index)), (logs.clone(), self.logs(index))]
    }

    /// The folder of the new version, with the environment of either version, where there is one.
    pub(super) fn shelves(&self, name: &str, index: usize) -> Option<Shelves> {
        let of = |version| self.environment(name, index, version);
        let new_programs = self.new_programs.clone()?;
        Some(Shelves { new_programs, old: of(Version::Old), new: of(Version::New) })
    }

    /// The environment of the processes of a node: little, and the same for every run.
    pub(super) fn environment(&self, name: &str, index: usize, version: Version) -> Vec<(String, String)> {
        let mut path =
            std::env::var("PATH").unwrap_or_else(|_| "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".into());
        // Some servers are where only root's path leads.
        path += ":/usr/local/sbin:/usr/sbin:/sbin";
        let folder = match version {
            Version::Old => &self.programs,
            Version::New => &self.new_programs,
        };
        let programs = folder.as_ref().map(|folder| folder.display().to_string());
        if let Some(programs) = &programs {
            path = format!("{programs}:{path}");
        }
        let home = self.data(index).to_string_lossy().into_owned();
        let own =
            [("PATH", path), ("HOME", home), ("LANG", "C.UTF-8".into()), ("DISPROVE_NODE", name.to_owned())];
        let own = own.into_iter().chain(programs.map(|programs| ("DISPROVE_PROGRAMS", programs)));
        let own = own.map(|(name, value)| (name.to_owned(), value));
        own.chain(self.environment.iter().cloned()).collect()
    }
}

/// Whether a user may pass through all folders above and into this one.
fn is_reachable(folder: &Path, identity: Identity) -> bool {
    folder.ancestors().all(|ancestor| {
        let Ok(metadata) = fs::metadata(ancestor) else { return false };
        let shift = match (metadata.uid() == identity.uid, metadata.gid() == identity.gid) {
            (true, _) => 6,
            (_, true) => 3,
            _ => 0,
        };
        metadata.mode() >> shift & 0o1 != 0
    })
}

fn hosts_text(names: &[String]) -> String {
    let mut text = String::from("127.0.0.1 localhost\n::1 localhost ip6-localhost\n");
    for (place, name) in (1..).zip(names) {
        text.push_str(&format!("{} {name}\n", address(place)));
    }
    text.push_str(&format!("{} {CONTROLLER_NAME}\n", super::CONTROLLER));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_address() {
        let text = hosts_text(&["n1".into(), "n2".into()]);
        assert!(text.ends_with("10.77.0.1 n1\n10.77.0.2 n2\n10.77.0.254 controller\n"), "{text}");
    }

    #[test]
    fn a_folder_below_a_closed_one_is_not_reachable() {
        let open = std::env::temp_dir().join(format!("disprove-places-{}", std::process::id()));
        let below = open.join("below");
        fs::create_dir_all(&below).expect("the folder for temporary files takes folders");
        let nobody = Identity { uid: 65533, gid: 65533 };
        fs::set_permissions(&open, fs::Permissions::from_mode(0o755)).expect("it is ours");
        fs::set_permissions(&below, fs::Permissions::from_mode(0o755)).expect("it is ours");
        assert!(is_reachable(&below, nobody));
        fs::set_permissions(&open, fs::Permissions::from_mode(0o700)).expect("it is ours");
        assert!(!is_reachable(&below, nobody));
        fs::remove_dir_all(&open).expect("it is ours");
    }
}
