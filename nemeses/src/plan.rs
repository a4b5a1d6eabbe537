//! Plans: which fault, when, for how long, and whom it strikes. Plans are data.

mod cards;
mod draw;
mod file;
mod opening;
mod scenes;
mod seconds;

use std::time::Duration;

use cluster::network::Distribution;
use serde::{Deserialize, Serialize};

use crate::{Error, Family, Powers, Targets};

pub use draw::PlanSpec;
pub use file::read_plan;

/// The version of the format of plans.
const VERSION: u32 = 1;
/// The most faults a plan may hold.
pub const FAULTS_MAX: usize = 100_000;
/// The latest time and the longest fault in a plan: a year, which is far beyond any run.
const TIME_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// The largest offset of a clock, in milliseconds: a hundred years.
const OFFSET_MAX: i64 = 100 * 366 * 24 * 3600 * 1000;

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

/// What a fault does, with its parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Nothing passes.
    Partition {
        /// Between whom.
        shape: Shape,
    },
    /// Links lose packets.
    Lossy {
        /// The share that is lost, 0 to 1.
        share: f64,
    },
    /// Links deliver late.
    Slow {
        /// How late.
        delay_ms: u64,
        /// How much that varies.
        #[serde(default)]
        jitter_ms: u64,
        /// How it varies.
        #[serde(default)]
        distribution: Distribution,
    },
    /// Links deliver packets twice.
    Duplicating {
        /// The share that arrives twice, 0 to 1.
        share: f64,
    },
    /// Links let later packets overtake earlier ones.
    Reordering {
        /// The share that is overtaken, 0 to 1.
        share: f64,
    },
    /// Links flip bits.
    Corrupting {
        /// The share that is damaged, 0 to 1.
        share: f64,
        /// With a correct checksum, so that the program sees the damage; else it comes to the same as loss.
        #[serde(default)]
        past_checksum: bool,
    },
    /// Links carry little.
    Narrow {
        /// The most bits per second.
        bits_per_second: u64,
    },
    /// Processes end at once, and are started again in the end.
    Kill,
    /// Processes stop, and go on in the end.
    Pause,
    /// Clocks are wrong.
    Clock {
        /// How far ahead they are; negative is back.
        offset_ms: i64,
    },
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

impl Action {
    /// The family it belongs to.
    pub fn family(&self) -> Family {
        match self {
            Self::Partition { .. } => Family::Partition,
            Self::Lossy { .. }
            | Self::Slow { .. }
            | Self::Duplicating { .. }
            | Self::Reordering { .. }
            | Self::Corrupting { .. }
            | Self::Narrow { .. } => Family::Link,
            Self::Kill => Family::Kill,
            Self::Pause => Family::Pause,
            Self::Clock { .. } => Family::Clock,
        }
    }

    /// What is wrong with its parameters, if anything is.
    fn doubt(&self) -> Option<String> {
        match self {
            Self::Lossy { share }
            | Self::Duplicating { share }
            | Self::Reordering { share }
            | Self::Corrupting { share, .. }
                if !(share.is_finite() && *share > 0.0 && *share <= 1.0) =>
            {
                Some(format!("a share is more than 0 and at most 1, and not {share}"))
            }
            Self::Slow { delay_ms, jitter_ms, .. } if *delay_ms > 3_600_000 || *jitter_ms > 3_600_000 => {
                Some("a delay is at most an hour".into())
            }
            Self::Narrow { bits_per_second: 0 } => {
                Some("a bandwidth is more than 0; use a partition for 0".into())
            }
            Self::Clock { offset_ms } if offset_ms.unsigned_abs() > OFFSET_MAX.unsigned_abs() => {
                Some("the offset of a clock is at most a hundred years".into())
            }
            _ => None,
        }
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
        if one_sided && !matches!(family, Family::Partition | Family::Link) {
            return Some(format!("`direction` and `from` mean nothing for {family}"));
        }
        let between_nodes = matches!(self.fault, Action::Partition { shape: Shape::Ring | Shape::Bridge });
        if between_nodes && self.from != Peers::Nodes {
            return Some("a ring and a bridge are made between nodes only; leave `from` out".into());
        }
        let is_bridge = matches!(self.fault, Action::Partition { shape: Shape::Bridge });
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
