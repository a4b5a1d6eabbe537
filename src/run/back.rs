//! Where the nodes of a run are: made on this machine, reached over SSH, or known by their addresses alone.

use cluster::{
    Cluster,
    local::{LocalCluster, LocalSpec},
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
    /// Over SSH.
    #[cfg(feature = "ssh")]
    Ssh(Box<cluster::ssh::SshCluster>),
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
            #[cfg(feature = "ssh")]
            Self::Ssh(ssh) => ssh.cluster(),
            Self::Endpoints(cluster) => cluster.clone(),
        }
    }

    /// What cannot be done to them, a sentence each.
    pub fn limits(&self) -> &[String] {
        match self {
            Self::Local(local) => local.limits(),
            #[cfg(feature = "ssh")]
            Self::Ssh(ssh) => ssh.limits(),
            Self::Endpoints(_) => &[],
        }
    }

    /// How long packets waited for the switch, where there is one.
    pub fn switch_lag(&self) -> Option<SwitchLag> {
        match self {
            Self::Local(local) => local.switch_lag(),
            #[cfg(feature = "ssh")]
            Self::Ssh(_) => None,
            Self::Endpoints(_) => None,
        }
    }

    /// Ends what the run started.
    pub async fn stop(self) -> Result<(), cluster::Error> {
        match self {
            Self::Local(local) => local.stop().await,
            #[cfg(feature = "ssh")]
            Self::Ssh(ssh) => ssh.stop().await,
            Self::Endpoints(_) => Ok(()),
        }
    }
}

#[cfg(feature = "ssh")]
async fn reach(choices: &Choices, folder: &RunFolder) -> Result<Back, Failure> {
    Ok(Back::Ssh(Box::new(cluster::ssh::SshCluster::start(ssh_spec(choices, folder)?).await?)))
}

/// What a run is on the machines that it takes.
#[cfg(feature = "ssh")]
pub fn ssh_spec(choices: &Choices, folder: &RunFolder) -> Result<cluster::ssh::SshSpec, Failure> {
    let inventory = choices.inventory.as_ref().ok_or_else(|| Failure::input("the run was on no machines"))?;
    Ok(cluster::ssh::SshSpec {
        nodes: inventory.targets()?,
        // Both the name of the run's folder here and a text that no other run has.
        run: format!("{}-{}", choices.started, choices.run_id),
        logs: folder.file("logs"),
        program: Some(cluster::reexec::SELF.into()),
    })
}

#[cfg(not(feature = "ssh"))]
async fn reach(_: &Choices, _: &RunFolder) -> Result<Back, Failure> {
    Err(Failure::usage("this program was built without SSH; to have it: cargo build --features ssh"))
}
