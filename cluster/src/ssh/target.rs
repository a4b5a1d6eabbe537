//! Where a node is and how to be let in.

use std::{fmt, net::IpAddr, path::PathBuf};

use crate::machine::Target;

/// A secret. It is never printed, never serialised, and never part of a command line.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Keeps a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Which host keys are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// The files of known hosts that are read; the first is the one that new keys are added to.
    pub known_hosts: Vec<PathBuf>,
    /// The key of a host that no file knows is believed and added. A key that differs from a known one never is.
    pub accept_new: bool,
}

/// A node, and how to be let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshTarget {
    /// Its name in the cluster.
    pub name: String,
    /// Where its sshd listens: a name or an address.
    pub host: String,
    /// The port of its sshd.
    pub port: u16,
    /// As whom.
    pub user: String,
    /// Files of private keys, in the order in which they are tried.
    pub keys: Vec<PathBuf>,
    /// What opens the private keys.
    pub passphrase: Option<Secret>,
    /// The socket of an agent whose keys are tried as well.
    pub agent: Option<PathBuf>,
    /// The user's password, tried last.
    pub password: Option<Secret>,
    /// What `sudo` asks for, where it asks.
    pub sudo_password: Option<Secret>,
    /// Which host keys are believed.
    pub trust: Trust,
    /// Where clients reach the database; `None` is where sshd listens.
    pub address: Option<IpAddr>,
    /// Further addresses by which other nodes know it.
    pub peers: Vec<IpAddr>,
    /// What it is for, for databases with several kinds of nodes.
    pub roles: Vec<String>,
    /// The folder on the node under which runs keep theirs.
    pub directory: PathBuf,
}

impl SshTarget {
    /// A node by name, with everything else as usual.
    pub fn new(name: impl Into<String>, host: impl Into<String>, user: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            host: host.into(),
            port: 22,
            user: user.into(),
            keys: Vec::new(),
            passphrase: None,
            agent: None,
            password: None,
            sudo_password: None,
            trust: Trust::default(),
            address: None,
            peers: Vec::new(),
            roles: Vec::new(),
            directory: Target::DIRECTORY.into(),
        }
    }

    /// Where it is, for people.
    pub(super) fn place(&self) -> String {
        format!("{}@{}:{}", self.user, self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_printed() {
        let mut target = SshTarget::new("n1", "h", "u");
        target.password = Some(Secret::new("hunter2"));
        assert!(!format!("{target:?}").contains("hunter2"));
    }
}
