//! The network between the nodes (and the controller), and what can be done to it.

use std::time::Duration;

use async_trait::async_trait;
use history::NodeId;
use serde::{Deserialize, Serialize};

use crate::Error;

/// One end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Endpoint {
    /// Where the clients are.
    Controller,
    /// A node.
    Node(NodeId),
}

/// One direction between two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Link {
    /// Who sends.
    pub from: Endpoint,
    /// Who receives.
    pub to: Endpoint,
}

/// How a delay varies round its mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Distribution {
    /// Evenly within plus and minus the jitter.
    #[default]
    Uniform,
    /// Normal, with the jitter as its standard deviation; never below zero.
    Normal,
    /// Exponential on top of the delay, with the jitter as its mean.
    Exponential,
}

/// What happens to the packets of one link. The default lets all of them pass untouched.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LinkPolicy {
    /// Nothing passes.
    pub cut: bool,
    /// The share of packets that is lost, 0 to 1.
    pub loss: f64,
    /// How much later every packet arrives.
    pub delay: Duration,
    /// How much the delay varies.
    pub jitter: Duration,
    /// How it varies.
    pub distribution: Distribution,
    /// The share of packets that arrives twice.
    pub duplicate: f64,
    /// The share of packets that is held back until later ones have passed.
    pub reorder: f64,
    /// The share of packets in which one bit of the payload is flipped.
    pub corrupt: f64,
    /// Corrupted packets get a correct checksum, so that the receiving program sees the damage.
    pub corrupt_past_checksum: bool,
    /// The most bits per second; 0 is no limit.
    pub bandwidth_bits: u64,
    /// The share of TCP segments that arrive as the reset of their connection.
    pub reset: f64,
    /// No TCP segment that ends or resets a connection passes.
    pub hush: bool,
}

/// What a link did since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LinkCounters {
    /// Packets that arrived.
    pub passed: u64,
    /// Packets that a cut dropped.
    pub cut: u64,
    /// Packets that loss dropped.
    pub lost: u64,
    /// Packets that came later than they would have.
    pub delayed: u64,
    /// Packets that arrived twice.
    pub duplicated: u64,
    /// Packets that were overtaken.
    pub reordered: u64,
    /// Packets that arrived damaged.
    pub corrupted: u64,
    /// Segments that arrived as the reset of their connection.
    pub reset: u64,
    /// Ends and resets of connections that were kept back.
    pub hushed: u64,
    /// Packets dropped because a queue was full.
    pub overflowed: u64,
    /// Bytes that arrived.
    pub bytes: u64,
}

/// A set of policies that came together and goes together: one fault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LayerId(pub u32);

/// Shapes the traffic between the ends. Several layers may lie on one link: any cut cuts, losses and other shares
/// combine as independent chances, delays add up, the smallest bandwidth wins.
#[async_trait]
pub trait Network: Send + Sync {
    /// Puts a layer of policies on links. A layer of the same id is replaced.
    async fn impose(&self, layer: LayerId, policies: &[(Link, LinkPolicy)]) -> Result<(), Error>;
    /// Takes a layer off again. No error if it is not there.
    async fn lift(&self, layer: LayerId) -> Result<(), Error>;
    /// Takes all layers off.
    async fn lift_all(&self) -> Result<(), Error>;
    /// Puts in force on a node what is to be in force there, after it was frozen or off as a whole and could not be told.
    async fn restore(&self, _node: NodeId) -> Result<(), Error> {
        Ok(())
    }
    /// What every link did so far.
    async fn counters(&self) -> Result<Vec<(Link, LinkCounters)>, Error>;
}
