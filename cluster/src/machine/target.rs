//! Where a node is, however it is reached.

use std::{net::IpAddr, path::Path, sync::Arc};

use super::Way;
use crate::container::{ContainerTarget, ContainerWay};
#[cfg(feature = "ssh")]
use crate::ssh::{SshTarget, SshWay};

/// A node, and how it is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A machine over SSH.
    #[cfg(feature = "ssh")]
    Ssh(Box<SshTarget>),
    /// A container that runs.
    Container(ContainerTarget),
}

#[cfg(feature = "ssh")]
impl From<SshTarget> for Target {
    fn from(target: SshTarget) -> Self {
        Self::Ssh(Box::new(target))
    }
}

impl From<ContainerTarget> for Target {
    fn from(target: ContainerTarget) -> Self {
        Self::Container(target)
    }
}

impl Target {
    /// The usual folder on a node.
    pub const DIRECTORY: &str = "/var/tmp/disprove";

    /// Its name in the cluster.
    pub fn name(&self) -> &str {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(target) => &target.name,
            Self::Container(target) => &target.name,
        }
    }

    /// Whether it is a container.
    pub fn is_container(&self) -> bool {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(_) => false,
            Self::Container(_) => true,
        }
    }

    /// The folder on the node under which runs keep theirs.
    pub fn directory(&self) -> &Path {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(target) => &target.directory,
            Self::Container(target) => &target.directory,
        }
    }

    /// Further addresses by which other nodes know it.
    pub fn peers(&self) -> &[IpAddr] {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(target) => &target.peers,
            Self::Container(target) => &target.peers,
        }
    }

    pub(super) fn way(&self) -> Arc<dyn Way> {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(target) => Arc::new(SshWay::new((**target).clone())),
            Self::Container(target) => Arc::new(ContainerWay::new(target.clone())),
        }
    }

    /// How to have a program of these packages on it.
    pub(super) fn packages_remedy(&self, packages: &str) -> String {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(_) => format!("sudo apt-get install {packages}"),
            Self::Container(target) => format!(
                "put {packages} into its image, or: {} exec -u 0 {} apt-get install -y {packages} (apk add on Alpine)",
                target.engine.name(),
                target.container
            ),
        }
    }

    /// What to do where it is out of reach.
    pub(super) fn reach_remedy(&self) -> String {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(_) => "see that its sshd runs and that host, port and user are right".into(),
            Self::Container(target) => {
                format!("see that `{} exec {} sh -c id` works", target.engine.name(), target.container)
            }
        }
    }

    /// How to have a power that a container needs an option for, and a machine something else.
    pub(super) fn option_remedy(&self, option: &str, otherwise: &str) -> String {
        match self {
            #[cfg(feature = "ssh")]
            Self::Ssh(_) => otherwise.into(),
            Self::Container(_) if otherwise.is_empty() => format!("run the container with {option}"),
            Self::Container(_) => format!("run the container with {option}; on its host: {otherwise}"),
        }
    }
}
