//! What nodes say to each other, what clients ask of them, and what goes to the disk.

use cluster::Version;
use history::NodeId;
use serde::{Deserialize, Serialize};

use crate::{
    members::Members,
    store::contents::{Answer, Command, Contents},
};

/// The number of a leadership. It only grows.
pub type Term = u64;
/// A place in the log, from 1; 0 is before the first entry.
pub type Index = u64;

/// Names one call of one session, the same in every retry, so that a command is applied once only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestId {
    /// The client's connection.
    pub session: u64,
    /// The call on that connection, from 1. One call at a time is under way on a connection.
    pub sequence: u64,
}

/// A client's call on its way through the system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Its name.
    pub id: RequestId,
    /// What is asked.
    pub call: Command,
    /// The wall clock, in nanoseconds, of the node that took it from the client.
    pub stamp_ns: i64,
    /// The grant of a lease that has run out, as the leader found when it took the call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<u64>,
}

/// What a client hears.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reply {
    /// It happened.
    Done(Answer),
    /// It certainly did not happen and never will.
    Refused(Refusal),
    /// It may have happened, may happen, or not.
    Unsure,
}

/// Why a call was refused. Each of these is certain: nothing was proposed, or the call was a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The node knew no leader for as long as it was ready to wait, and told nobody of the call.
    NoLeader,
    /// A read was not confirmed in time. It has no effect.
    ReadTimedOut,
    /// The node has too many calls under way and did not take this one.
    Busy,
    /// The node's journal is damaged, and it takes part in nothing.
    Damaged,
}

/// What an entry of the log does when it is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// Nothing: the first entry of every leader.
    Nothing,
    /// Carries out a call.
    Apply(Request),
    /// Writes the new value of a compare-and-set that was already decided.
    Decided(Request),
    /// Carries out a call, in the form of the new version, which the old one cannot read.
    Newer(Request),
    /// Says who belongs to the cluster, from here on.
    Members(Members),
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The term of the leader that appended it.
    pub term: Term,
    /// What it does.
    pub payload: Payload,
}

/// A store written down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreImage {
    /// All objects. They are large, and most messages hold none.
    pub contents: Box<Contents>,
    /// Session, last sequence, its answer and when it was last used.
    pub sessions: Vec<(u64, u64, Answer, u64)>,
    /// How many commands were applied.
    pub applied: u64,
    /// A running checksum of all that was applied, by which copies are compared.
    pub digest: u64,
}

/// The state after an entry of the log, in the place of everything up to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last entry it holds.
    pub index: Index,
    /// The term of that entry.
    pub term: Term,
    /// Who belongs to the cluster after that entry.
    #[serde(default)]
    pub members: Members,
    /// The state.
    pub image: StoreImage,
}

/// What nodes say to each other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// Asks for a vote, or whether one would be given.
    Vote {
        /// The term to be voted in.
        term: Term,
        /// The candidate's last entry.
        last_index: Index,
        /// The term of that entry.
        last_term: Term,
        /// Only asks whether the vote would be given; binds nobody.
        pre: bool,
    },
    /// Answers a vote.
    VoteReply {
        /// The term of the vote if it was given, else the term of who answers.
        term: Term,
        /// Whether it was given.
        granted: bool,
        /// Whether the question was a preliminary one.
        pre: bool,
        /// Which disk answers.
        incarnation: u64,
    },
    /// Hands over entries; without any it is a heartbeat.
    Append {
        /// The leader's term.
        term: Term,
        /// The entry before the first one handed over.
        prev_index: Index,
        /// Its term.
        prev_term: Term,
        /// The entries.
        entries: Vec<Entry>,
        /// Up to where the leader knows the log to be committed.
        commit: Index,
        /// The leader's latest round of confirming that it leads.
        round: u64,
    },
    /// Answers `Append` and `Install`.
    AppendReply {
        /// The term of who answers.
        term: Term,
        /// Up to where its log is the leader's, if it is.
        matched: Option<Index>,
        /// Otherwise: the last entry that may be the leader's.
        hint: Index,
        /// The round of the message that is answered.
        round: u64,
        /// Which disk answers.
        incarnation: u64,
    },
    /// Hands over a whole state to a node whose next entry is no longer in the log.
    Install {
        /// The leader's term.
        term: Term,
        /// The state.
        snapshot: Snapshot,
        /// The leader's latest round.
        round: u64,
    },
    /// Passes a client's call on to the leader.
    Forward {
        /// The call.
        request: Request,
        /// The node that took it from the client and awaits the answer.
        origin: NodeId,
        /// How often it was passed on.
        hops: u8,
        /// Asks for a read lease: the origin's wall clock when it asked.
        lease_asked_ms: Option<i64>,
    },
    /// Answers a forwarded call.
    ForwardReply {
        /// Which call.
        id: RequestId,
        /// What it returned.
        answer: Answer,
        /// A read lease: until this time of the origin's wall clock, for a copy that holds this entry.
        lease: Option<(i64, Index)>,
    },
    /// A primary's sign of life.
    Alive {
        /// The number of the primaryship.
        epoch: Term,
        /// The last command it applied.
        position: Index,
    },
    /// A primary's latest command, on its way to a backup.
    Copy {
        /// The number of the primaryship.
        epoch: Term,
        /// The place of the command.
        position: Index,
        /// The command.
        request: Request,
    },
    /// A backup that misses commands asks for everything.
    WantAll,
    /// A primary's whole state.
    All {
        /// The number of the primaryship.
        epoch: Term,
        /// The last command in it.
        position: Index,
        /// The state.
        image: StoreImage,
    },
}

impl Message {
    /// Whether it answers what a peer said or asked.
    pub fn is_answer(&self) -> bool {
        matches!(self, Self::VoteReply { .. } | Self::AppendReply { .. } | Self::ForwardReply { .. })
    }
}

/// What a node writes down. Applied in order, the records give its durable state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Record {
    /// Its term and vote.
    Hard {
        /// The term.
        term: Term,
        /// The vote in that term.
        vote: Option<NodeId>,
    },
    /// An entry at the end of the log.
    Append(Entry),
    /// The log ends before this entry.
    Truncate(Index),
    /// The state up to an entry; the log begins after it.
    Snapshot(Snapshot),
}

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// Whether it believes that it leads.
    pub leads: bool,
    /// Whom it believes to lead.
    pub leader: Option<NodeId>,
    /// Its term.
    pub term: Term,
    /// Up to where its log is committed and applied.
    pub commit: Index,
    /// A checksum of all that it applied: the same on every healthy node that is as far.
    #[serde(default)]
    pub digest: u64,
    /// How far its wall clock is set off, in milliseconds; a state machine knows of none.
    #[serde(default)]
    pub clock_offset_ms: i64,
    /// Its version.
    #[serde(default)]
    pub version: Version,
    /// Who belongs to the cluster, as far as it knows.
    #[serde(default)]
    pub members: Members,
    /// Whether it knows that this is committed.
    #[serde(default)]
    pub settled: bool,
}
