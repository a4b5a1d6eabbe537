//! The faults themselves, one file per family. Each knows how to come, how to go, and what shows that it was there.

mod ailing;
mod clients;
mod clock;
mod dns;
mod flap;
mod half_open;
mod kill;
mod layer;
mod limits;
mod link;
mod outage;
mod partition;
mod pause;
mod processes;
mod replace;
mod roll;
mod squeezed;
mod strangers;
mod swizzle;
mod terminate;
mod throttle;
mod time;
mod upgrade;
mod whole;
mod wipe;
mod words;

use std::{collections::BTreeMap, fmt, net::IpAddr, time::Duration};

use async_trait::async_trait;
use cluster::{
    Cluster, DaemonState, Database, Error, Life, Link, LinkCounters, Load, Squeeze, Version, disk::Struck,
};
use history::{FaultId, FaultState, NodeId};
use rand::{Rng, seq::SliceRandom};
use tokio_util::sync::CancellationToken;

use crate::{Action, Direction, Family, Peers, Shape};

pub use words::Names;

/// What a fault acts on.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The nodes and their network.
    pub cluster: &'a Cluster,
    /// The database under test.
    pub database: &'a dyn Database,
    /// The clients of the run, where there is one.
    pub load: Option<&'a dyn Load>,
}

impl fmt::Debug for Scene<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scene")
            .field("cluster", self.cluster)
            .field("database", &self.database.name())
            .finish()
    }
}

/// What was seen of the things that a fault strikes, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// What its links did so far.
    Links(BTreeMap<Link, LinkCounters>),
    /// What its processes are doing.
    Processes(Vec<(NodeId, DaemonState)>),
    /// The offsets that its nodes say their clocks have, in milliseconds; `None` where a node cannot say.
    Offsets(Vec<(NodeId, Option<i64>)>),
    /// How far off the processes of nodes take the time to be, in nanoseconds, by process id.
    Errors(Vec<(NodeId, Vec<(u32, i64)>)>),
    /// How often what was wished of the clients of nodes has happened so far.
    Clients(Vec<(NodeId, u64)>),
    /// Whether nodes belong to the cluster.
    Members(Vec<(NodeId, bool)>),
    /// What the processes of nodes are limited to.
    Limits(Vec<(NodeId, Allowance)>),
    /// What the names that are struck mean on nodes.
    Names(Vec<(NodeId, Vec<Meaning>)>),
    /// The versions that nodes run; `None` where a node does not run, or cannot say.
    Versions(Vec<(NodeId, Option<Version>)>),
    /// How often what is wrong with the disks of nodes has struck so far; `None` where nothing is wrong.
    Disks(Vec<(NodeId, Option<Struck>)>),
    /// What nodes as a whole are doing.
    Lives(Vec<(NodeId, Life)>),
    /// How the processes of nodes meet what a control group lets them have; `None` where there is no such group.
    Squeezed(Vec<(NodeId, Option<Squeeze>)>),
}

/// What a name means on a node, at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Meaning {
    /// The name.
    pub name: String,
    /// The address; `None` where it has none.
    pub address: Option<IpAddr>,
    /// Whether that is what the fault has it mean.
    pub is_wrong: bool,
}

/// What the main process of a node may have of something, at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// It is not limited beyond what every process of the node is.
    Usual,
    /// It may have at most so much.
    Limited(u64),
    /// It has ended.
    Ended(DaemonState),
}

/// What shows how far a fault got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How far it got.
    pub state: FaultState,
    /// What shows it, for a person.
    pub text: String,
}

impl Evidence {
    fn new(sure: bool, text: String) -> Self {
        Self { state: if sure { FaultState::Installed } else { FaultState::Indeterminate }, text }
    }
}

/// One way to break one part of a cluster, with its own undo. Its targets are settled.
#[async_trait]
pub trait Fault: Send + Sync + fmt::Debug {
    /// Its family.
    fn family(&self) -> Family;
    /// The nodes it strikes.
    fn targets(&self) -> &[NodeId];
    /// What it does, for a person, in the past tense.
    fn describe(&self, names: &Names) -> String;
    /// Does it. Idempotent.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error>;
    /// Undoes all of it, also what a failed or half-done injection left. Idempotent.
    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error>;
    /// Does what must be done again and again while it is in force, until `over`, and then returns soon. What it leaves
    /// behind is undone as all else.
    async fn tend(&self, _scene: Scene<'_>, _over: &CancellationToken) -> Result<(), Error> {
        Ok(())
    }
    /// Looks at what it strikes.
    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error>;
    /// Whether a probe shows it in force; `None` where a single look cannot tell.
    fn in_force(&self, probe: &Probe) -> Option<bool>;
    /// What two looks show: one soon after it came, and one just before it goes.
    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence;
    /// What one look shows, for the journal.
    fn say(&self, names: &Names, probe: &Probe) -> String {
        words::probe(names, probe)
    }
}

/// Everything that makes a fault what it is, with its targets settled.
#[derive(Clone, Debug)]
pub(crate) struct Settled<'a> {
    /// Which fault of the run.
    pub id: FaultId,
    /// What it does.
    pub action: &'a Action,
    /// The nodes it strikes, in the order that its shape uses.
    pub nodes: Vec<NodeId>,
    /// Which direction.
    pub direction: Direction,
    /// From whom.
    pub from: Peers,
    /// How many nodes there are.
    pub count: usize,
}

/// The fault of these choices.
pub(crate) fn build(settled: Settled<'_>) -> Box<dyn Fault> {
    match settled.action {
        Action::Partition { shape } => Box::new(partition::Partition::new(*shape, &settled)),
        Action::Lossy { .. }
        | Action::Slow { .. }
        | Action::Duplicating { .. }
        | Action::Reordering { .. }
        | Action::Corrupting { .. }
        | Action::Narrow { .. }
        | Action::Resetting { .. } => Box::new(link::LinkFault::new(settled.action.clone(), &settled)),
        Action::Kill => Box::new(kill::Kill::new(settled.nodes)),
        Action::Freeze => Box::new(whole::Whole::new(settled.nodes, Life::Frozen)),
        Action::Reboot => Box::new(whole::Whole::new(settled.nodes, Life::Off)),
        Action::Pause => Box::new(pause::Pause::new(settled.nodes)),
        Action::Clock { offset_ms } => Box::new(clock::Clock::new(settled.nodes, *offset_ms)),
        Action::ClientCrash { count } => {
            Box::new(clients::Clients::new(settled.nodes, clients::Mischief::Crash(*count)))
        }
        Action::Burst { hold_ms } => {
            let hold = Duration::from_millis(*hold_ms);
            Box::new(clients::Clients::new(settled.nodes, clients::Mischief::Burst(hold)))
        }
        Action::Strangers { conduct, count } => {
            Box::new(strangers::Strangers::new(settled.nodes, *conduct, *count))
        }
        Action::Wipe => Box::new(wipe::Wipe::new(settled.nodes)),
        Action::Replace => Box::new(replace::Replace::new(settled.nodes)),
        Action::Dns { answer } => Box::new(dns::Dns::new(settled.nodes, *answer)),
        Action::Time(skew) => Box::new(time::Time::new(settled.nodes, *skew)),
        Action::Flapping { shape, down_ms, up_ms } => {
            Box::new(flap::Flap::new(partition::Partition::new(*shape, &settled), *down_ms, *up_ms))
        }
        Action::Swizzle { step_ms } => Box::new(swizzle::Swizzle::new(*step_ms, settled)),
        Action::HalfOpen => Box::new(half_open::HalfOpen::new(&settled)),
        Action::PowerLoss | Action::TornWrite { .. } | Action::BitFlip { .. } | Action::Truncate { .. } => {
            Box::new(outage::Off::new(&settled))
        }
        Action::DiskError { .. }
        | Action::DiskFull { .. }
        | Action::DiskSlow { .. }
        | Action::DiskReadonly
        | Action::FsyncLies { .. }
        | Action::LostWrite { .. }
        | Action::MisdirectedWrite { .. }
        | Action::RollBack => Box::new(ailing::Ailing::new(&settled)),
        Action::Terminate => Box::new(terminate::Terminate::new(settled.nodes)),
        Action::Roll { down_ms, gap_ms } => Box::new(roll::Roll::new(settled.nodes, *down_ms, *gap_ms)),
        Action::Upgrade { down_ms, gap_ms } => {
            Box::new(upgrade::Upgrade::new(settled.nodes, *down_ms, *gap_ms))
        }
        Action::Throttle { share } => Box::new(throttle::Throttle::new(settled.nodes, *share)),
        Action::Memory { spare_mib } => {
            Box::new(limits::Limited::new(settled.nodes, limits::Resource::Memory, *spare_mib))
        }
        Action::Files { spare } => {
            Box::new(limits::Limited::new(settled.nodes, limits::Resource::Files, *spare))
        }
    }
}

/// Puts the chosen nodes in the order and number that a fault needs, so that the nodes alone say what it does.
pub(crate) fn arrange<R: Rng>(
    action: &Action,
    mut nodes: Vec<NodeId>,
    count: usize,
    random: &mut R,
) -> Vec<NodeId> {
    match action {
        Action::Partition { shape: Shape::Ring } | Action::Flapping { shape: Shape::Ring, .. } => {
            nodes = (0..count).map(|place| NodeId(place as u16)).collect();
            nodes.shuffle(random);
        }
        Action::Partition { shape: Shape::Bridge } | Action::Flapping { shape: Shape::Bridge, .. } => {
            nodes.truncate(1);
            let mut others: Vec<NodeId> = (0..count).map(|place| NodeId(place as u16)).collect();
            others.retain(|node| !nodes.contains(node));
            others.shuffle(random);
            others.truncate(others.len() / 2);
            nodes.extend(others);
        }
        // They take their turns in this order.
        Action::Swizzle { .. } | Action::Roll { .. } | Action::Upgrade { .. } => nodes.shuffle(random),
        _ => {}
    }
    nodes
}

/// Waits for a while; false when the fault is over before that.
async fn rest(over: &CancellationToken, time: Duration) -> bool {
    tokio::select! {
        biased;
        () = over.cancelled() => false,
        () = tokio::time::sleep(time) => true,
    }
}
