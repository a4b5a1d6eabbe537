//! The switch: one thread that forwards IPv4 packets between the devices of the nodes and of the controller.
//!
//! Each port is a descriptor of which this process holds one end. What enters by one port leaves by the port whose
//! address is the packet's destination, after the policies of that direction have had their say. No firewall, queueing
//! discipline or bridge of the kernel takes part, so what happens to a packet is the same on every Linux machine and is
//! decided by the seed: the n-th packet of a link meets the same chances in every run.
//!
//! The switch deliberately knows nothing of connections, hosts or faults, and it never blocks: a device that is full gets
//! a short queue, and what does not fit there is dropped and counted.
//!
//! ```
//! use std::{net::Ipv4Addr, os::unix::net::UnixDatagram};
//!
//! use disprove_cluster::{Endpoint, switch::{Framing, Port, Switch, SwitchOptions}};
//! use history::NodeId;
//!
//! let (controller, near) = UnixDatagram::pair()?;
//! let (node, far) = UnixDatagram::pair()?;
//! let port = |endpoint, host, device: UnixDatagram| {
//!     let address = Ipv4Addr::new(10, 0, 0, host);
//!     Port { endpoint, address, device: device.into(), framing: Framing::Ip }
//! };
//! let ports = vec![port(Endpoint::Controller, 254, near), port(Endpoint::Node(NodeId(0)), 1, far)];
//! let switch = Switch::start(ports, SwitchOptions::default())?;
//!
//! // The smallest packet: a header of 20 bytes from 10.0.0.254 to 10.0.0.1.
//! let packet = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 59, 0, 0, 10, 0, 0, 254, 10, 0, 0, 1];
//! controller.send(&packet)?;
//! let mut arrived = [0; 100];
//! assert_eq!(node.recv(&mut arrived)?, 20);
//! assert_eq!(arrived[..20], packet);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **Order.** A constant delay, a jitter and a limited bandwidth keep the order of the packets of one flow (protocol and
//! ports) in one direction, while flows may overtake one another. Real paths behave so, and a jitter that shuffled the
//! segments of a connection would mostly measure how TCP reacts to that. Shuffling is a policy of its own, `reorder`.
//!
//! **Commands.** A policy holds for every packet that the switch reads after `impose` has returned. A cut also drops what
//! is still under way on its links. When a policy changes in any other way, what is under way arrives at the earlier of
//! the old and the new time; when nothing is left imposed on a link, it arrives at once.

mod bucket;
mod capture;
mod clock;
mod command;
mod counters;
mod delivery;
mod ethernet;
mod fate;
mod forwarder;
mod held;
mod lag;
mod link;
mod outlet;
mod packet;
mod packet_socket;
mod policy;
mod segment;
mod shaper;

use std::{
    fmt,
    net::Ipv4Addr,
    os::fd::OwnedFd,
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use async_trait::async_trait;

use crate::{Endpoint, Error, LayerId, Link, LinkCounters, LinkPolicy, Network};

pub use counters::Strays;
pub use ethernet::mac_of;
pub use lag::SwitchLag;

use command::{Commands, Order};
use counters::Counters;
use lag::LagMeter;
use policy::Layers;

/// The most ports a switch may have; every pair of them is two links with a state of their own.
pub const PORTS_MAX: usize = 256;

/// What the packets of a device are wrapped in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Nothing: a TUN device opened with `IFF_TUN | IFF_NO_PI`.
    Ip,
    /// Ethernet: an `AF_PACKET` raw socket on our end of a veth pair. Each address has the fixed hardware address
    /// [`mac_of`] gives it, which the node must have as static neighbours.
    Ethernet,
}

/// One device and who is behind it.
#[derive(Debug)]
pub struct Port {
    /// Who is behind it.
    pub endpoint: Endpoint,
    /// The address of that end.
    pub address: Ipv4Addr,
    /// Our end of it. The switch makes it non-blocking and closes it in the end.
    pub device: OwnedFd,
    /// What its packets are wrapped in.
    pub framing: Framing,
}

/// How a switch is to work.
#[derive(Clone, Debug, Default)]
pub struct SwitchOptions {
    /// Decides every chance.
    pub seed: u64,
    /// Where to write what the ports sent, in the pcapng format.
    pub capture: Option<PathBuf>,
    /// The size at which the capture ends.
    pub capture_bytes_max: u64,
}

/// The running switch. It stops when the last handle of it is dropped.
pub struct Switch {
    endpoints: Vec<Endpoint>,
    layers: Mutex<Layers>,
    commands: Arc<Commands>,
    counters: Arc<Counters>,
    lag: Arc<LagMeter>,
    thread: Option<thread::JoinHandle<()>>,
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch").field("endpoints", &self.endpoints).finish_non_exhaustive()
    }
}

impl Switch {
    /// Starts to forward between these ports.
    pub fn start(ports: Vec<Port>, options: SwitchOptions) -> Result<Arc<Self>, Error> {
        check_ports(&ports)?;
        let endpoints: Vec<Endpoint> = ports.iter().map(|port| port.endpoint).collect();
        let commands = Arc::new(Commands::new()?);
        let counters = Arc::new(Counters::new(endpoints.len()));
        let lag = Arc::new(LagMeter::default());
        let forwarder =
            forwarder::Forwarder::new(ports, &options, commands.clone(), counters.clone(), lag.clone())?;
        let thread = thread::Builder::new()
            .name("switch".into())
            .spawn(move || forwarder.run())
            .map_err(|e| Error::io("start the thread of the switch", e))?;
        let layers = Mutex::new(Layers::new(&endpoints));
        Ok(Arc::new(Self { endpoints, layers, commands, counters, lag, thread: Some(thread) }))
    }

    /// How long packets waited for the switch itself.
    pub fn lag(&self) -> SwitchLag {
        self.lag.read()
    }

    /// What belonged to no link and was dropped.
    pub fn strays(&self) -> Strays {
        self.counters.strays()
    }

    /// What every link did so far, in the order of the ports.
    pub fn link_counters(&self) -> Vec<(Link, LinkCounters)> {
        let count = self.endpoints.len();
        let pairs = (0..count).flat_map(|from| (0..count).map(move |to| (from, to)));
        pairs
            .filter(|(from, to)| from != to)
            .map(|(from, to)| {
                let link = Link { from: self.endpoints[from], to: self.endpoints[to] };
                (link, self.counters.link(from * count + to))
            })
            .collect()
    }

    /// Works out what a change of the layers means for each link and has the switch do it. The lock is held until the
    /// order is in the queue, so that concurrent changes reach the switch in the order in which they were worked out.
    async fn change(&self, edit: impl FnOnce(&mut Layers) -> Result<Order, Error>) -> Result<(), Error> {
        let done = {
            let mut layers = self.layers.lock().expect("no one panics while holding the layers");
            let order = edit(&mut layers)?;
            self.commands.send(order)?
        };
        done.await.map_err(|_| Error::Unsupported("shaping the network after the switch has ended".into()))
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        self.commands.stop();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the switch ended in a panic");
        }
    }
}

#[async_trait]
impl Network for Switch {
    async fn impose(&self, layer: LayerId, policies: &[(Link, LinkPolicy)]) -> Result<(), Error> {
        self.change(|layers| layers.impose(layer, policies)).await
    }

    async fn lift(&self, layer: LayerId) -> Result<(), Error> {
        self.change(|layers| Ok(layers.lift(layer))).await
    }

    async fn lift_all(&self) -> Result<(), Error> {
        self.change(|layers| Ok(layers.lift_all())).await
    }

    async fn counters(&self) -> Result<Vec<(Link, LinkCounters)>, Error> {
        Ok(self.link_counters())
    }
}

/// Refuses ports that cannot be told apart.
fn check_ports(ports: &[Port]) -> Result<(), Error> {
    if ports.len() > PORTS_MAX {
        return Err(Error::Unsupported(format!("a switch of {} ports (at most {PORTS_MAX})", ports.len())));
    }
    for (place, port) in ports.iter().enumerate() {
        for other in &ports[..place] {
            if other.endpoint == port.endpoint || other.address == port.address {
                let what =
                    format!("{:?} and {:?} at {} on one switch", other.endpoint, port.endpoint, port.address);
                return Err(Error::Unsupported(what));
            }
        }
    }
    Ok(())
}
