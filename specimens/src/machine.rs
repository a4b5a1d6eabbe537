//! A node as a pure state machine: an input and the time go in, things to write, send and answer come out.

use cluster::Version;
use history::NodeId;
use serde::{Deserialize, Serialize};

use crate::{
    Disease,
    backup::Backup,
    members::Change,
    message::{Message, Record, Reply, Request, RequestId, Status},
    raft::Raft,
};

/// The time as a node sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// A clock that only goes forward, in milliseconds from anywhere.
    pub steady_ms: u64,
    /// A clock that can be set, in nanoseconds since 1970.
    pub wall_ns: i64,
}

impl Moment {
    /// The wall clock in milliseconds.
    pub fn wall_ms(self) -> i64 {
        self.wall_ns / 1_000_000
    }
}

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timing {
    /// Between two heartbeats of a leader.
    pub heartbeat_ms: u64,
    /// The shortest silence of a leader after which a follower stands for election; the longest is twice that.
    pub election_ms: u64,
    /// How long a leader goes on without hearing from a majority.
    pub step_down_ms: u64,
    /// How long a node tries to get a client's call done.
    pub patience_ms: u64,
    /// After how long without an answer a call is passed on again.
    pub retry_ms: u64,
    /// How long a read lease lasts.
    pub lease_ms: u64,
    /// How long a node that has just started waits at most before it stands for election.
    pub start_ms: u64,
    /// How long a node that starts slowly needs before it takes entries.
    pub load_ms: u64,
    /// How long a backup misses its primary before the first of them takes over.
    pub takeover_ms: u64,
    /// How often the disease that does not sync lets something reach the disk.
    pub lazy_sync_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat_ms: 50,
            election_ms: 300,
            step_down_ms: 600,
            patience_ms: 500,
            retry_ms: 150,
            lease_ms: 100,
            start_ms: 40,
            load_ms: 300,
            takeover_ms: 600,
            lazy_sync_ms: 5000,
        }
    }
}

impl Timing {
    /// How long things take in a specimen with this disease.
    pub fn of(disease: Disease) -> Self {
        match disease {
            // It goes on retrying until another leader has answered. What it asked of the first one may come through as
            // well, and only the memory of sessions, which this disease lacks, makes that harmless.
            Disease::DuplicateApply => Self { patience_ms: 1500, ..Self::default() },
            // Whose clock was set back answers reads only while its clients have any to ask, and one that waits for a write asks
            // nothing: neither waits for long, for a lease to end or for a leader.
            Disease::StaleReadsLease => Self { patience_ms: 200, lease_ms: 30, ..Self::default() },
            _ => Self::default(),
        }
    }
}

/// Who a node is and how it behaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Its place in the cluster.
    pub id: NodeId,
    /// How many nodes there are.
    pub nodes: u16,
    /// Its mistake.
    pub disease: Disease,
    /// Its version.
    #[serde(default)]
    pub version: Version,
    /// Which disk it has: 0 for the one that the cluster began with. With another it belongs to nobody until it is told.
    #[serde(default)]
    pub incarnation: u64,
    /// How long things take.
    pub timing: Timing,
    /// Decides every random choice of the node.
    pub seed: u64,
}

impl Settings {
    /// All other nodes.
    pub fn peers(&self) -> impl Iterator<Item = NodeId> + use<> {
        let id = self.id;
        (0..self.nodes).map(NodeId).filter(move |node| *node != id)
    }
}

/// Something that happens to a node. Time passing is an input too: one `Tick` at least every 20 ms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// Time has passed.
    Tick,
    /// A message came in.
    Peer(NodeId, Message),
    /// A client of this node makes a call.
    Client(Request),
    /// Somebody wishes for other members.
    Change(Change),
}

/// What a node wants done, in this order: write the records, sync if asked, and only then send and answer.
#[derive(Debug, Default)]
pub struct Outputs {
    /// To be written at the end of the journal.
    pub records: Vec<Record>,
    /// To take the place of the whole journal, before `records`.
    pub rewrite: Option<Vec<Record>>,
    /// Whether everything written must be on disk before anything is sent.
    pub sync: bool,
    /// To be sent. Messages may be lost, doubled and overtaken.
    pub messages: Vec<(NodeId, Message)>,
    /// To be told to clients of this node.
    pub replies: Vec<(RequestId, Reply)>,
}

/// A node. After each batch of inputs `finish` is called once, so that work can be done together.
pub trait Machine: Send {
    /// Takes one input in.
    fn handle(&mut self, now: Moment, input: Input, out: &mut Outputs);
    /// Ends a batch of inputs.
    fn finish(&mut self, now: Moment, out: &mut Outputs);
    /// What it says of itself.
    fn status(&self) -> Status;
}

/// Builds a node from what its journal holds.
pub fn build(settings: Settings, now: Moment, records: Vec<Record>) -> Box<dyn Machine> {
    if settings.disease == Disease::AsyncPrimaryBackup {
        Box::new(Backup::recover(settings, now, records))
    } else {
        Box::new(Raft::recover(settings, now, records))
    }
}
