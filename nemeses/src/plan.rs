//! Plans: which fault, when, for how long, and whom it strikes. Plans are data.

mod action;
mod cards;
mod draw;
mod file;
mod opening;
mod scenes;
mod seconds;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Error, Family, Powers, Targets};

pub use action::Action;
pub use draw::PlanSpec;
pub use file::read_plan;

/// The version of the format of plans.
const VERSION: u32 = 1;
/// The most faults a plan may hold.
pub const FAULTS_MAX: usize = 100_000;
/// The latest time and the longest fault in a plan: a year, which is far beyond any run.
const TIME_MAX: Duration = Duration::from_secs(366 * 24 * 3600);

/// What is to be done to a cluster, and when.
///
/// A plan is read from JSON or TOML, recorded from any run, edited and repeated. The word for a target ("leader") is
/// resolved when its fault begins; what is random in that is decided by the plan's seed and the fault's place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The version of this format.
    #[serde(default = "version")]
    pub version: u32,
    /// Decides whom words like "one" mean.
    #[serde(default)]
    pub seed: u64,
    /// The faults, in any order.
    #[serde(default)]
    pub faults: Vec<PlannedFault>,
}

/// One fault of a plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedFault {
    /// When it begins: seconds since the start of the calls.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// How long it is in force, in seconds.
    #[serde(with = "seconds")]
    pub lasts: Duration,
    /// What it does.
    pub fault: Action,
    /// Whom it strikes.
    pub targets: Targets,
    /// Which direction of their links it strikes. Only for faults of the network.
    #[serde(default, skip_serializing_if = "is_default")]
    pub direction: Direction,
    /// Whose links with the targets it strikes. Only for faults of the network.
    #[serde(default, skip_serializing_if = "is_default")]
    pub from: Peers,
}

/// The shape of a partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shape {
    /// The targets on one side, the others on the other.
    #[default]
    Split,
    /// Each target alone.
    Alone,
    /// Every node sees a majority, and no two see the same one. The order of the targets is the ring.
    Ring,
    /// The first target is the only one that still reaches both sides; the other targets are one side.
    Bridge,
}

/// A direction, seen from the targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both.
    #[default]
    Both,
    /// What they are sent.
    In,
    /// What they send.
    Out,
}

/// Who is at the other end of a target's links.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Peers {
    /// The other nodes.
    #[default]
    Nodes,
    /// The clients.
    Clients,
    /// The other nodes and the clients.
    Everybody,
}

/// What strangers do with their connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conduct {
    /// They open and reset them, as many as they can.
    #[default]
    Storm,
    /// They begin a request and hang up.
    HalfRequests,
    /// They ask for something a byte at a time, and never come to its end.
    Slow,
    /// They say what means nothing.
    Garbage,
}

/// What the names of nodes mean where they mean something wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// All of them one node.
    #[default]
    Another,
    /// Each the next one.
    Swapped,
    /// Addresses that no machine has.
    Stale,
}

fn version() -> u32 {
    VERSION
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Default for Plan {
    fn default() -> Self {
        Self { version: VERSION, seed: 0, faults: Vec::new() }
    }
}

impl PlannedFault {
    /// A two-way fault against the other nodes.
    pub fn new(at: Duration, lasts: Duration, fault: Action, targets: Targets) -> Self {
        Self { at, lasts, fault, targets, direction: Direction::Both, from: Peers::Nodes }
    }

    /// When it is to end.
    pub fn ends(&self) -> Duration {
        self.at.saturating_add(self.lasts)
    }

    fn doubt(&self) -> Option<String> {
        let one_sided = self.direction != Direction::Both || self.from != Peers::Nodes;
        let family = self.fault.family();
        if self.at > TIME_MAX || self.lasts > TIME_MAX {
            return Some("a time in it is more than a year".into());
        }
        if matches!(&self.targets, Targets::Nodes(names) if names.is_empty()) {
            return Some("it strikes no node".into());
        }
        if one_sided && !family.is_of_network() {
            return Some(format!("`direction` and `from` mean nothing for {family}"));
        }
        let between_nodes = matches!(
            self.fault,
            Action::Partition { shape: Shape::Ring | Shape::Bridge }
                | Action::Flapping { shape: Shape::Ring | Shape::Bridge, .. }
        );
        if between_nodes && self.from != Peers::Nodes {
            return Some("a ring and a bridge are made between nodes only; leave `from` out".into());
        }
        let is_bridge = matches!(
            self.fault,
            Action::Partition { shape: Shape::Bridge } | Action::Flapping { shape: Shape::Bridge, .. }
        );
        let one_node = |names: &[String]| names.iter().all(|name| *name == names[0]);
        if is_bridge && matches!(&self.targets, Targets::Nodes(names) if one_node(names)) {
            let what =
                "a bridge with one named node cuts nothing; name the bridge and then the nodes of one side";
            return Some(what.into());
        }
        self.fault.doubt()
    }
}

impl Plan {
    /// Draws a plan. One seed decides all of it.
    pub fn generate(spec: &PlanSpec) -> Self {
        draw::generate(spec)
    }

    /// Refuses a plan that cannot be meant so: shares beyond 1, directions of a kill, times beyond all runs.
    pub fn check(&self) -> Result<(), Error> {
        let unsound = |place, what: String| Err(Error::Unsound { place, what });
        if self.version != VERSION {
            let what =
                format!("the plan is of version {}; this program reads version {VERSION}", self.version);
            return unsound(0, what);
        }
        if self.faults.len() > FAULTS_MAX {
            return unsound(FAULTS_MAX + 1, format!("a plan holds at most {FAULTS_MAX} faults"));
        }
        for (place, fault) in self.faults.iter().enumerate() {
            if let Some(what) = fault.doubt() {
                return unsound(place + 1, what);
            }
        }
        Ok(())
    }

    /// The families that are in it, each once.
    pub fn families(&self) -> Vec<Family> {
        let mut families: Vec<Family> = self.faults.iter().map(|fault| fault.fault.family()).collect();
        families.sort_unstable();
        families.dedup();
        families
    }

    /// What of this plan these nodes and powers cannot do, a line each. Those faults would be skipped.
    pub fn lacks(&self, names: &[String], powers: &Powers) -> Vec<String> {
        let mut lacks: Vec<String> =
            self.families().iter().filter_map(|&family| powers.lack(family)).collect();
        for fault in &self.faults {
            let Targets::Nodes(wanted) = &fault.targets else { continue };
            for name in wanted.iter().filter(|name| !names.contains(name)) {
                lacks.push(format!("the plan names {name}, but the nodes are {}", names.join(", ")));
            }
        }
        lacks.dedup();
        lacks
    }

    /// The faults in the order in which they begin, which is the order of their ids.
    pub(crate) fn in_order(&self) -> Vec<PlannedFault> {
        let mut faults = self.faults.clone();
        faults.sort_by_key(|fault| fault.at);
        faults
    }
}
