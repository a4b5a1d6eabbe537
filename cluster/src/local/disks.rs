//! The disks of local nodes: mounted where the run asks for it and the machine permits it.

use std::{os::fd::OwnedFd, path::PathBuf, sync::Arc, time::Duration};

use async_trait::async_trait;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use super::{
    link::Link,
    remedy::{self, Step},
    wire::Request,
};
use crate::{
    Disk, Error,
    disk::{Owner, ServedDisk, Switch, objects, open_device},
};

/// How long a node may take to end all its processes and to change its mounts.
const SWITCH: Duration = Duration::from_secs(10);

/// Where the disk of a node is, or why there is none.
#[derive(Clone, Debug)]
pub(super) enum Bay {
    /// A disk of ours.
    Served(Arc<ServedDisk>),
    /// The data folder is a plain one.
    Plain,
    /// The data folder is a plain one, since the machine permits no other: what was tried, and the remedy.
    Refused(String, String),
}

impl Bay {
    pub(super) fn disk(&self) -> Result<&dyn Disk, Error> {
        match self {
            Self::Served(disk) => Ok(disk.as_ref()),
            Self::Plain => {
                Err(Error::Unsupported("striking a disk in a run that asked for no fault of disks".into()))
            }
            Self::Refused(what, remedy) => {
                Err(Error::NotPermitted { what: what.clone(), remedy: remedy.clone() })
            }
        }
    }
}

/// Whether disks can be served here; else why not.
pub(super) fn permitted() -> Result<(), Bay> {
    match open_device() {
        Ok(_) => Ok(()),
        Err(error) => {
            Err(Bay::Refused(format!("{} ({error})", Step::Disk.name()), remedy::Step::Disk.remedy()))
        }
    }
}

/// Mounts a disk in a node.
pub(super) async fn mount(
    (name, link): (&str, Arc<Link>),
    run: &std::path::Path,
    (data, owner): (PathBuf, Owner),
) -> Result<Arc<ServedDisk>, Error> {
    let switch = Box::new(NodeSwitch { link });
    Ok(Arc::new(ServedDisk::mount(name, switch, objects(run, name), (data, owner)).await?))
}

/// A disk has a file open for each that is open on it, and the usual limit is that of a single database.
pub(super) fn make_room_for_files() {
    if let Ok((_, most)) = getrlimit(Resource::RLIMIT_NOFILE)
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, most, most)
    {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

/// The first process of a node, which mounts.
struct NodeSwitch {
    link: Arc<Link>,
}

#[async_trait]
impl Switch for NodeSwitch {
    async fn mount(&self, device: OwnedFd) -> Result<(), Error> {
        self.link.ask(Request::Mount, &[device], SWITCH).await?.answer(SWITCH).await.map(drop)
    }

    async fn switch_off(&self) -> Result<(), Error> {
        self.link.call(Request::SwitchOff, SWITCH).await.map(drop)
    }
}
