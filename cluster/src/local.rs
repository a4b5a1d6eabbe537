//! A cluster on this machine: every node a host of its own, made of namespaces, without root, containers or SSH.
//!
//! [`enter`] (from `main`) or [`inside_or_reexec`] (from a test) brings the program inside namespaces of its own; there
//! [`LocalCluster::start`] starts nodes and the switch between them. Outside it falls back to nodes on loopback addresses,
//! whose processes can be broken but whose network cannot; [`LocalCluster::limits`] says so.
//!
//! A node is a network, mount, process, hostname and IPC namespace with a small first process of ours ([`init`]). Its
//! user is the user's own without any capability; for real root it is the user behind `sudo`, or nobody.

mod birth;
mod capabilities;
mod device;
mod disks;
mod group;
mod groups;
mod harness;
mod identity;
mod init;
mod launch;
mod link;
mod places;
pub(crate) mod probing;
mod remedy;
mod remote;
mod session;
mod veth;
mod wire;

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use history::NodeId;

use crate::{
    Cluster, Endpoint, Error, Node, Version,
    disk::ServedDisk,
    switch::{self, Framing, Port, Switch, SwitchLag, SwitchOptions},
};
use birth::Birth;
use disks::Bay;
use groups::Groups;
use identity::Identity;
use link::Link;
use places::Places;
use remote::LocalRemote;
use wire::{NodeNetwork, Request, Setup};

pub use group::remove_groups;
pub use harness::inside_or_reexec;
pub use launch::{Entered, enter, is_inside};

/// The most nodes of a cluster: they share a network of 24 bits with the controller.
pub const NODES_MAX: usize = 250;

/// How long a node may take to become one.
const SETUP: Duration = Duration::from_secs(20);

/// How long a node may take to end.
const END: Duration = Duration::from_secs(5);

/// The address of a place in the network of a cluster.
const fn address(place: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, place)
}

/// The controller's address.
const CONTROLLER: Ipv4Addr = address(254);

/// What joins a node to the switch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Device {
    /// A TUN device where that is permitted, else a veth pair.
    #[default]
    Auto,
    /// A TUN device.
    Tun,
    /// A pair of virtual Ethernet devices.
    Veth,
}

/// What a local cluster is to be.
#[derive(Clone, Debug, Default)]
pub struct LocalSpec {
    /// The names of the nodes.
    pub nodes: Vec<String>,
    /// The folder of the run: the nodes' data and logs come into it.
    pub directory: PathBuf,
    /// Decides what chance decides in the network.
    pub seed: u64,
    /// Where to write a capture of all packets.
    pub capture: Option<PathBuf>,
    /// The size at which the capture ends.
    pub capture_bytes_max: u64,
    /// What joins the nodes to the switch.
    pub device: Device,
    /// A folder whose programs are taken before those of the system; its name is `DISPROVE_PROGRAMS` on the nodes.
    pub programs: Option<PathBuf>,
    /// A folder of the programs of another version, which nodes can be upgraded to.
    pub new_programs: Option<PathBuf>,
    /// Environment of every process on a node, beside the usual.
    pub environment: Vec<(String, String)>,
    /// Give every node a disk that faults can strike. Where that is not permitted, its data folder is a plain one.
    pub disks: bool,
}

/// A running cluster. Dropping it ends the nodes at once; [`stop`](Self::stop) also waits until they have ended.
pub struct LocalCluster {
    cluster: Cluster,
    switch: Option<Arc<Switch>>,
    births: Vec<Birth>,
    limits: Vec<String>,
    disks: Vec<Arc<ServedDisk>>,
}

impl fmt::Debug for LocalCluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalCluster").field("cluster", &self.cluster).field("limits", &self.limits).finish()
    }
}

impl LocalCluster {
    /// Starts the nodes, and the switch between them. Must be called inside a tokio runtime that does I/O.
    pub async fn start(spec: LocalSpec) -> Result<Self, Error> {
        check(&spec.nodes)?;
        if is_inside() { Self::start_inside(spec).await } else { Self::start_on_loopback(spec).await }
    }

    async fn start_inside(spec: LocalSpec) -> Result<Self, Error> {
        let places = Places::make(&spec)?;
        // The controller's own device is the first, and tells which kind is permitted.
        let (own, veth) = attach_controller(spec.device)?;
        let mut ports = vec![port(Endpoint::Controller, CONTROLLER, own, veth)];
        let mut this = Self {
            cluster: Cluster { nodes: Vec::new(), network: None },
            switch: None,
            births: Vec::new(),
            limits: Vec::new(),
            disks: Vec::new(),
        };
        if veth {
            this.limits.push(
                "TUN devices are not permitted, so nodes are joined by veth pairs, which lose packets in long bursts"
                    .into(),
            );
        }
        let neighbours = veth.then(|| neighbours(spec.nodes.len()));
        for (index, name) in spec.nodes.iter().enumerate() {
            let at = address(index as u8 + 1);
            let (birth, socket) = birth::start(true)?;
            let pair = match veth {
                true => Some(
                    veth::make(&format!("p{}", index + 1), at, Some(birth.pid))
                        .map_err(refused(remedy::Step::Veth))?,
                ),
                false => None,
            };
            let groups = Groups::new(&spec.directory, name, birth.pid.as_raw());
            this.births.push(birth);
            let link = Arc::new(Link::new(name.clone(), socket)?);
            let hosts = places.hosts(index).to_owned();
            let network = NodeNetwork { address: at, neighbours: neighbours.clone(), hosts: hosts.clone() };
            let tun = set_up(&link, name, index, &places, Some(network)).await?;
            let device = pair.or(tun).ok_or_else(|| link.failed("its network device did not arrive"))?;
            ports.push(port(Endpoint::Node(NodeId(index as u16)), at, device, veth));
            let bay = this.insert_disk(&spec, &places, (index, link.clone())).await?;
            let remote = LocalRemote::new(link, bay, places.shelves(name, index), groups).with_hosts(hosts);
            this.cluster.nodes.push(node(name, index, at.into(), &places, remote));
        }
        if !this.disks.is_empty() {
            disks::make_room_for_files();
        }
        let options = SwitchOptions {
            seed: spec.seed,
            capture: spec.capture,
            capture_bytes_max: spec.capture_bytes_max,
        };
        let switch = Switch::start(ports, options)?;
        this.cluster.network = Some(switch.clone());
        this.switch = Some(switch);
        Ok(this)
    }

    async fn start_on_loopback(spec: LocalSpec) -> Result<Self, Error> {
        let places = Places::make(&spec)?;
        let mut this = Self {
            cluster: Cluster { nodes: Vec::new(), network: None },
            switch: None,
            births: Vec::new(),
            limits: Vec::new(),
            disks: Vec::new(),
        };
        this.limits.push(
            "without namespaces the nodes share this machine's network, hostname and processes: processes can be ended \
             and stopped, links cannot be touched"
                .into(),
        );
        for (index, name) in spec.nodes.iter().enumerate() {
            let (birth, socket) = birth::start(false)?;
            let groups = Groups::new(&spec.directory, name, birth.pid.as_raw());
            this.births.push(birth);
            let link = Arc::new(Link::new(name.clone(), socket)?);
            set_up(&link, name, index, &places, None).await?;
            let at = Ipv4Addr::new(127, 0, 0, index as u8 + 1);
            let bay = match spec.disks {
                true => Bay::Refused("mounting disks".into(), remedy::Step::Namespaces.remedy()),
                false => Bay::Plain,
            };
            let remote = LocalRemote::new(link, bay, places.shelves(name, index), groups);
            this.cluster.nodes.push(node(name, index, at.into(), &places, remote));
        }
        Ok(this)
    }

    /// Gives a node a disk, where the run is to have disks and the machine permits it.
    async fn insert_disk(
        &mut self,
        spec: &LocalSpec,
        places: &Places,
        (index, link): (usize, Arc<Link>),
    ) -> Result<Bay, Error> {
        if !spec.disks {
            return Ok(Bay::Plain);
        }
        if let Err(refused) = disks::permitted() {
            return Ok(refused);
        }
        let node = (spec.nodes[index].as_str(), link);
        let disk = disks::mount(node, &places.run, places.data_here(index)).await?;
        self.disks.push(Arc::clone(&disk));
        Ok(Bay::Served(disk))
    }

    /// The nodes and the network.
    pub fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// What this cluster cannot do, a sentence each; empty when it can do all.
    pub fn limits(&self) -> &[String] {
        &self.limits
    }

    /// How long packets waited for the switch itself; `None` without a switch.
    pub fn switch_lag(&self) -> Option<SwitchLag> {
        self.switch.as_ref().map(|switch| switch.lag())
    }

    /// Ends the nodes and everything on them. Their data and logs stay.
    pub async fn stop(mut self) -> Result<(), Error> {
        // The sockets may live on in clones of the cluster, so the first processes are told by a signal.
        self.end_nodes();
        let started = tokio::time::Instant::now();
        while !self.births.iter().all(Birth::has_ended) {
            if started.elapsed() > END {
                return Err(Error::TimedOut {
                    what: "the end of the nodes".into(),
                    seconds: END.as_secs_f64(),
                });
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.births.clear();
        std::mem::take(&mut self.disks).iter().try_for_each(|disk| disk.take_out())
    }

    fn end_nodes(&self) {
        for birth in &self.births {
            birth.end();
        }
    }
}

impl Drop for LocalCluster {
    fn drop(&mut self) {
        self.end_nodes();
        for birth in &self.births {
            birth.reap_soon(END);
        }
    }
}

fn refused(step: remedy::Step) -> impl Fn(std::io::Error) -> Error {
    move |error| remedy::refused(step, error)
}

fn check(names: &[String]) -> Result<(), Error> {
    if names.is_empty() || names.len() > NODES_MAX {
        return Err(Error::Unsupported(format!(
            "a local cluster of {} nodes (1 to {NODES_MAX} are)",
            names.len()
        )));
    }
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
        if name.is_empty() || name.len() > 60 || name.starts_with('-') || !name.chars().all(plain) {
            return Err(Error::Unsupported(format!("{name:?} as the name of a host")));
        }
        if name == places::CONTROLLER_NAME || name == "localhost" || !seen.insert(name.to_ascii_lowercase()) {
            return Err(Error::Unsupported(format!("the name {name:?}, which is taken,")));
        }
    }
    Ok(())
}

fn neighbours(nodes: usize) -> Vec<(Ipv4Addr, [u8; 6])> {
    let all = (1..=nodes as u8).map(address).chain([CONTROLLER]);
    all.map(|address| (address, switch::mac_of(address))).collect()
}

/// Gives the controller its own port; true when it is one of a veth pair.
fn attach_controller(device: Device) -> Result<(OwnedFd, bool), Error> {
    if device != Device::Veth {
        match device::make_tun(CONTROLLER) {
            Ok(tun) => return Ok((tun, false)),
            Err(error) if device == Device::Tun => return Err(remedy::refused(remedy::Step::Tun, error)),
            Err(error) => tracing::info!(%error, "no TUN device, so the nodes get veth pairs"),
        }
    }
    let attach = || {
        let bare = veth::make("p0", CONTROLLER, None)?;
        device::turn_offloads_off(device::NAME)?;
        device::configure(device::NAME, CONTROLLER)?;
        for (address, mac) in neighbours(NODES_MAX) {
            if address != CONTROLLER {
                device::add_neighbour(device::NAME, address, mac)?;
            }
        }
        Ok(bare)
    };
    Ok((attach().map_err(refused(remedy::Step::Veth))?, true))
}

fn port(endpoint: Endpoint, address: Ipv4Addr, device: OwnedFd, veth: bool) -> Port {
    Port { endpoint, address, device, framing: if veth { Framing::Ethernet } else { Framing::Ip } }
}

async fn set_up(
    link: &Link,
    name: &str,
    index: usize,
    places: &Places,
    network: Option<NodeNetwork>,
) -> Result<Option<OwnedFd>, Error> {
    let setup = Setup {
        name: name.to_owned(),
        network,
        identity: places.identity,
        data: places.data(index),
        shown: places.shown(index),
        environment: places.environment(name, index, Version::Old),
    };
    let (_, descriptors) = link.call(Request::Setup(setup), SETUP).await?;
    Ok(descriptors.into_iter().next())
}

fn node(name: &str, index: usize, address: IpAddr, places: &Places, remote: LocalRemote) -> Node {
    Node {
        id: NodeId(index as u16),
        name: name.to_owned(),
        address,
        port_offset: 0,
        data: places.data(index),
        logs: places.logs(index),
        remote: Some(Arc::new(remote)),
    }
}
