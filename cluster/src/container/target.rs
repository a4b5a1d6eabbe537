//! Which container a node is.

use std::{net::IpAddr, path::PathBuf};

use super::Engine;
use crate::machine::Target;

/// A container that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerTarget {
    /// Its name in the cluster.
    pub name: String,
    /// Its name, or its id, for the engine.
    pub container: String,
    /// What runs it.
    pub engine: Engine,
    /// As whom commands run in it; `None` is as its image says.
    pub user: Option<String>,
    /// Where clients reach the database; `None` is where the engine says that the container is.
    pub address: Option<IpAddr>,
    /// Further addresses by which other nodes know it.
    pub peers: Vec<IpAddr>,
    /// What it is for, for databases with several kinds of nodes.
    pub roles: Vec<String>,
    /// The folder in it under which runs keep theirs.
    pub directory: PathBuf,
}

impl ContainerTarget {
    /// A container, with everything else as usual.
    pub fn new(name: impl Into<String>, container: impl Into<String>, engine: Engine) -> Self {
        Self {
            name: name.into(),
            container: container.into(),
            engine,
            user: None,
            address: None,
            peers: Vec::new(),
            roles: Vec::new(),
            directory: Target::DIRECTORY.into(),
        }
    }
}
