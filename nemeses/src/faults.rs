//! The faults themselves, one file per family. Each knows how to come, how to go, and what shows that it was there.

mod clock;
mod kill;
mod layer;
mod link;
mod partition;
mod pause;
mod processes;
mod words;

use std::{collections::BTreeMap, fmt};

use async_trait::async_trait;
use cluster::{Cluster, DaemonState, Database, Error, Link, LinkCounters};
use history::{FaultId, FaultState, NodeId};
use rand::{Rng, seq::SliceRandom};

use crate::{Action, Direction, Family, Peers, Shape};

pub use words::Names;

/// What a fault acts on.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The nodes and their network.
    pub cluster: &'a Cluster,
    /// The database under test.
    pub database: &'a dyn Database,
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
        | Action::Narrow { .. } => Box::new(link::LinkFault::new(settled.action.clone(), &settled)),
        Action::Kill => Box::new(kill::Kill::new(settled.nodes)),
        Action::Pause => Box::new(pause::Pause::new(settled.nodes)),
        Action::Clock { offset_ms } => Box::new(clock::Clock::new(settled.nodes, *offset_ms)),
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
        Action::Partition { shape: Shape::Ring } => {
            nodes = (0..count).map(|place| NodeId(place as u16)).collect();
            nodes.shuffle(random);
        }
        Action::Partition { shape: Shape::Bridge } => {
            nodes.truncate(1);
            let mut others: Vec<NodeId> = (0..count).map(|place| NodeId(place as u16)).collect();
            others.retain(|node| !nodes.contains(node));
            others.shuffle(random);
            others.truncate(others.len() / 2);
            nodes.extend(others);
        }
        _ => {}
    }
    nodes
}
