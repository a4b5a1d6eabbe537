//! Where the nodes of a run are: made on this machine, machines and containers that are there already, or known by their addresses alone.

use cluster::{
    Cluster,
    local::{LocalCluster, LocalSpec},
    machine::{MachineCluster, MachineSpec},
    switch::SwitchLag,
};

use super::choices::Choices;
use crate::{endpoints, exit::Failure, store::RunFolder};

/// The most that a capture of all packets may take.
const CAPTURE_BYTES_MAX: u64 = 1 << 30;

/// The nodes of a run.
#[derive(Debug)]
pub enum Back {
    /// On this machine.
    Local(Box<LocalCluster>),
    /// Machines over SSH, or containers.
    Machines(Box<MachineCluster>),
    /// A system that already runs.
    Endpoints(Cluster),
}

impl Back {
    /// Starts or reaches the nodes; where `disks` says so, with disks that can be struck.
    pub async fn start(choices: &Choices, folder: &RunFolder, disks: bool) -> Result<Self, Failure> {
        if choices.inventory.is_some() {
            return reach(choices, folder).await;
        }
        if !choices.endpoints.is_empty() {
            return endpoints::cluster(&choices.endpoints).await.map(Self::Endpoints);
        }
        let spec = LocalSpec {
            nodes: choices.nodes.clone(),
            directory: folder.path.clone(),
            seed: choices.seed,
            capture: choices.capture.then(|| folder.file("capture.pcapng")),
            capture_bytes_max: CAPTURE_BYTES_MAX,
            disks,
            programs: choices.programs.clone(),
            new_programs: choices.new_programs.clone(),
            ..LocalSpec::default()
        };
        Ok(Self::Local(Box::new(LocalCluster::start(spec).await?)))
    }

    /// The nodes and the network.
    pub fn cluster(&self) -> Cluster {
        match self {
            Self::Local(local) => local.cluster(),
            Self::Machines(machines) => machines.cluster(),
            Self::Endpoints(cluster) => cluster.clone(),
        }
    }

    /// What cannot be done to them, a sentence each.
    pub fn limits(&self) -> &[String] {
        match self {
            Self::Local(local) => local.limits(),
            Self::Machines(machines) => machines.limits(),
            Self::Endpoints(_) => &[],
        }
    }

    /// How long packets waited for the switch, where there is one.
    pub fn switch_lag(&self) -> Option<SwitchLag> {
        match self {
            Self::Local(local) => local.switch_lag(),
            Self::Machines(_) => None,
            Self::Endpoints(_) => None,
        }
    }

    /// Ends what the run started.
    pub async fn stop(self) -> Result<(), cluster::Error> {
        match self {
            Self::Local(local) => local.stop().await,
            Self::Machines(machines) => machines.stop().await,
            Self::Endpoints(_) => Ok(()),
        }
    }
}

async fn reach(choices: &Choices, folder: &RunFolder) -> Result<Back, Failure> {
    let machines = MachineCluster::start(machine_spec(choices, folder)?).await?;
    Ok(Back::Machines(Box::new(machines)))
}

/// What a run is on the nodes that it takes.
pub fn machine_spec(choices: &Choices, folder: &RunFolder) -> Result<MachineSpec, Failure> {
    let inventory = choices.inventory.as_ref().ok_or_else(|| Failure::input("the run was on no machines"))?;
    Ok(MachineSpec {
        nodes: inventory.targets()?,
        // Both the name of the run's folder here and a text that no other run has.
        run: format!("{}-{}", choices.started, choices.run_id),
        logs: folder.file("logs"),
        program: Some(cluster::reexec::SELF.into()),
    })
}
