//! Containers on this machine, made by `scripts/container-cluster`.

use std::sync::Arc;

use disprove_cluster::container::{ContainerTarget, Engine};

use super::made::Kind;
pub use super::made::{LONG, Machines, run, text};

const KIND: Kind = Kind { script: "container-cluster", nodes: "5", where_to: "in containers" };

impl Machines {
    /// The containers; `None`, said by name, where there is no root or no engine.
    pub fn borrow(test: &str) -> Option<Arc<Self>> {
        Self::shared(&KIND, test)
    }

    pub fn target(&self, node: usize) -> ContainerTarget {
        let program = self.folder.join("docker").to_string_lossy().into_owned();
        let engine = Engine::named(&program).expect("the script wrote it");
        ContainerTarget::new(format!("n{node}"), format!("n{node}"), engine)
    }
}
