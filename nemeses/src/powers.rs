//! What a cluster and a database let us do to them, known before the run.

use cluster::{Cluster, Database};

use crate::Family;

/// What can be done here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Powers {
    /// The traffic between nodes can be shaped.
    pub network: bool,
    /// The database's processes can be ended, stopped and started.
    pub processes: bool,
    /// The database says who leads.
    pub primaries: bool,
    /// The clock of a node can be set.
    pub clocks: bool,
    /// The name of the database, for messages.
    pub database: String,
}

impl Powers {
    /// The powers over this database on this cluster.
    pub fn of(database: &dyn Database, cluster: &Cluster) -> Self {
        Self {
            network: cluster.network.is_some(),
            processes: database.processes().is_some()
                && cluster.nodes.iter().all(|node| node.remote.is_some()),
            primaries: database.primaries().is_some(),
            clocks: database.clocks().is_some(),
            database: database.name().into(),
        }
    }

    /// Every power, for plans that are drawn without a cluster.
    pub fn every() -> Self {
        Self {
            network: true,
            processes: true,
            primaries: true,
            clocks: true,
            database: "the database".into(),
        }
    }

    /// Why a family of faults is impossible here, in one line; `None` if it is possible.
    pub fn lack(&self, family: Family) -> Option<String> {
        let database = &self.database;
        match family {
            Family::Partition | Family::Link if !self.network => {
                Some("the network between these nodes cannot be shaped; `disprove doctor` says why".into())
            }
            Family::Kill | Family::Pause if !self.processes => {
                Some(format!("the processes of {database} cannot be ended, stopped or started from here"))
            }
            Family::Clock if !self.clocks => {
                Some(format!("the clocks that {database} reads cannot be set from here"))
            }
            _ => None,
        }
    }
}
