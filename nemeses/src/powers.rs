//! What a cluster and a database let us do to them, known before the run.

use cluster::{Cluster, Database, Remote};

use crate::Family;

/// Why nothing can be done to the network.
const NO_NETWORK: &str = "the network between these nodes cannot be shaped; `disprove doctor` says why";

/// What can be done here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Powers {
    /// The traffic between nodes can be shaped.
    pub network: bool,
    /// The database's processes can be ended, stopped and started.
    pub processes: bool,
    /// The database says who leads.
    pub primaries: bool,
    /// Nodes can leave the database, and join it.
    pub members: bool,
    /// The clock of a node can be set.
    pub clocks: bool,
    /// What processes take for the time can be set.
    pub times: bool,
    /// What names mean on a node can be set.
    pub names: bool,
    /// Nodes can come back with nothing on their disks.
    pub wipes: bool,
    /// Nodes can run another version.
    pub versions: bool,
    /// The clients of the run can be asked for something.
    pub clients: bool,
    /// It is known where clients come in, and the nodes are ours.
    pub doors: bool,
    /// Why the disks of nodes cannot be struck; `None` where they can.
    pub no_disks: Option<String>,
    /// Why nodes cannot be frozen as a whole; `None` where they can.
    pub no_freezer: Option<String>,
    /// Whether nodes can be switched off and on as a whole.
    pub reboots: bool,
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
            members: database.membership().is_some(),
            clocks: database.clocks().is_some(),
            times: cluster
                .nodes
                .iter()
                .all(|node| node.remote.as_ref().is_some_and(|remote| remote.can_skew())),
            names: cluster
                .nodes
                .iter()
                .all(|node| node.remote.as_ref().is_some_and(|remote| remote.can_point_names())),
            wipes: database.processes().is_some_and(|processes| processes.can_begin_anew()),
            versions: database.versions().is_some()
                || cluster
                    .nodes
                    .iter()
                    .all(|node| node.remote.as_ref().is_some_and(|remote| remote.new_programs().is_some())),
            clients: false,
            doors: cluster.nodes.iter().all(|node| node.remote.is_some() && database.door(node).is_some()),
            no_disks: cluster
                .nodes
                .iter()
                .find_map(|node| node.remote().and_then(Remote::disk).err())
                .map(|why| why.to_string()),
            no_freezer: cluster
                .nodes
                .iter()
                .find_map(|node| node.remote().and_then(Remote::body).err())
                .map(|why| why.to_string()),
            reboots: cluster
                .nodes
                .iter()
                .all(|node| node.remote().and_then(Remote::body).is_ok_and(cluster::Body::can_be_switched)),
            database: database.name().into(),
        }
    }

    /// The same, where the clients of the run can be asked for something.
    #[must_use]
    pub fn with_clients(mut self) -> Self {
        self.clients = true;
        self
    }

    /// Every power, for plans that are drawn without a cluster.
    pub fn every() -> Self {
        Self {
            network: true,
            processes: true,
            primaries: true,
            members: true,
            clocks: true,
            times: true,
            names: true,
            wipes: true,
            versions: true,
            clients: true,
            doors: true,
            no_disks: None,
            no_freezer: None,
            reboots: true,
            database: "the database".into(),
        }
    }

    /// Why a family of faults is impossible here, in one line; `None` if it is possible.
    pub fn lack(&self, family: Family) -> Option<String> {
        let database = &self.database;
        match family {
            Family::HalfOpen if !self.network => Some(NO_NETWORK.into()),
            family if family.is_of_network() && !self.network => Some(NO_NETWORK.into()),
            family if family.is_of_processes() && !self.processes => {
                Some(format!("the processes of {database} cannot be ended, stopped or started from here"))
            }
            Family::Replace if !self.members => {
                Some(format!("nothing here has nodes leave {database} and join it"))
            }
            Family::Freeze => self.no_freezer.clone(),
            Family::Reboot if !self.reboots => {
                Some("nodes can be ended and started as a whole where they are containers".into())
            }
            family if family.is_of_disks() => self.no_disks.clone(),
            Family::Clock if !self.clocks => {
                Some(format!("the clocks that {database} reads cannot be set from here"))
            }
            Family::Time if !self.times => {
                let why =
                    "what processes take for the time can be set on local nodes of x86-64 machines only";
                Some(why.into())
            }
            Family::Wipe if !self.wipes => {
                Some(format!("a node of {database} does not come back under its name with an empty disk"))
            }
            Family::Upgrade if !self.versions => {
                Some("there is no other version; to have one: --programs-new FOLDER".into())
            }
            Family::Dns if !self.names => {
                Some("what names mean can be set on nodes that have an /etc/hosts of their own".into())
            }
            Family::Strangers if !self.doors => Some(format!(
                "it is not known where clients of {database} come in, or its nodes are not ours"
            )),
            Family::Clients if !self.clients => Some("nobody has clients here that could be asked".into()),
            _ => None,
        }
    }
}
