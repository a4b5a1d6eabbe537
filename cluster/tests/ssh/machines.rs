//! A cluster of machines on this machine, made by `scripts/ssh-cluster`.

use std::sync::Arc;

use disprove_cluster::ssh::{SshTarget, Trust};

use super::made::Kind;
pub use super::made::{LONG, Machines, run, text};

const KIND: Kind = Kind { script: "ssh-cluster", nodes: "4", where_to: "over SSH" };

impl Machines {
    /// The machines; `None`, said by name, where there is no root or no sshd.
    pub fn borrow(test: &str) -> Option<Arc<Self>> {
        Self::shared(&KIND, test)
    }

    pub fn target(&self, node: usize) -> SshTarget {
        let text = std::fs::read_to_string(self.folder.join("nodes.toml")).expect("the script wrote it");
        let hosts: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("host = \"")).collect();
        let mut target = SshTarget::new(format!("n{node}"), hosts[node - 1].trim_end_matches('"'), "root");
        target.keys = vec![self.folder.join("keys/id")];
        target.trust = Trust { known_hosts: vec![self.folder.join("known_hosts")], accept_new: false };
        target
    }
}
