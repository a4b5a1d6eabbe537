//! Registers and sets in Mosquitto: a register is a topic whose last message is retained, and a set a topic with a retained message for
//! each element.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made, or it was refused | `Fail` | nothing was published |
//! | reason 0x80 or above in the acknowledgement (0x87: not allowed) | `Fail` | the server says that it did not take the message |
//! | a compare-and-set | `Fail` | MQTT compares nothing, and nothing was sent |
//! | a read has no answer | `Fail` | a read changes nothing, so it did not happen |
//! | anything else, or no answer | `Unknown` | the message may have been taken |

use std::collections::BTreeSet;

use super::{
    Mosquitto, TOPICS,
    queues::Turns,
    wire::{Who, Wire},
};
use crate::speaking::{Speaker, speaks};
use cluster::Node;
use history::{
    Outcome, Queue, Reason, Set, Value,
    vocabulary::{
        Register,
        register::{self, Return as Answered},
        set,
    },
};

/// Why a call has no answer.
#[derive(Debug)]
pub enum Trouble {
    /// It certainly did nothing.
    Refused(Reason),
    /// The connection broke, or ended; and it may have been done.
    Lost(Reason),
}

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self::Lost(reason)
    }
}

impl Trouble {
    /// What happened, in a few words.
    pub fn word(self) -> Reason {
        let (Self::Refused(reason) | Self::Lost(reason)) = self;
        reason
    }
}

/// Opens sessions.
#[derive(Clone, Debug, Default)]
pub struct MosquittoClients {
    database: Mosquitto,
    turns: Turns,
}

impl MosquittoClients {
    /// Opens sessions with this server.
    pub fn new(database: Mosquitto) -> Self {
        Self { database, turns: Turns::default() }
    }
}

/// One session.
pub(super) struct Session {
    pub(super) database: Mosquitto,
    pub(super) node: Node,
    pub(super) wire: Wire,
    pub(super) turns: Turns,
    /// The queues that were made, or found, in this session.
    pub(super) known: BTreeSet<String>,
    broken: bool,
}

/// A value as it was written: a number where it reads as one.
pub(super) fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

impl Session {
    async fn open(clients: &MosquittoClients, node: &Node) -> Result<Self, Reason> {
        let wire = clients.database.open(node, Who::Nobody).await?;
        let (database, turns, node) = (clients.database.clone(), clients.turns.clone(), node.clone());
        Ok(Self { database, node, wire, turns, known: BTreeSet::new(), broken: false })
    }

    /// Nothing more is asked in it.
    pub(super) fn end(&mut self) {
        self.broken = true;
    }

    async fn register(&mut self, call: &register::Call) -> Result<Answered, Trouble> {
        let topic = format!("{TOPICS}/register/{}", call.key());
        match call {
            register::Call::Read(_) => {
                let found = self.wire.retained(&topic).await?.pop();
                Ok(Answered::Value(Some(found.map_or(Value::Nil, |(_, text)| parse(&text)))))
            }
            register::Call::Write(_, value) => {
                self.wire.publish(&topic, &value.to_string(), true).await?;
                Ok(Answered::Written)
            }
            register::Call::Cas(..) => Err(Trouble::Refused(
                "MQTT compares nothing; --workload read-write asks for nothing of the kind".into(),
            )),
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        let below = format!("{TOPICS}/set/{}/", call.key());
        match call {
            set::Call::Add(_, element) => {
                self.wire.publish(&format!("{below}{element}"), "1", true).await?;
                Ok(set::Return::Added)
            }
            set::Call::Remove(_, element) => {
                // One without anything in it takes the one away that is retained.
                self.wire.publish(&format!("{below}{element}"), "", true).await?;
                Ok(set::Return::Removed)
            }
            set::Call::Contains(_, element) => {
                let found = self.wire.retained(&format!("{below}{element}")).await?;
                Ok(set::Return::Contains(!found.is_empty()))
            }
            set::Call::Read(_) => {
                let found = self.wire.retained(&format!("{below}+")).await?;
                let elements =
                    found.iter().map(|(topic, _)| parse(topic.strip_prefix(&below).unwrap_or(topic)));
                Ok(set::Return::Elements(elements.collect()))
            }
        }
    }
}

impl Speaker for Session {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        self.broken |= matches!(trouble, Trouble::Lost(_));
        match trouble {
            Trouble::Refused(reason) => Outcome::Fail(reason),
            Trouble::Lost(reason) if is_read => Outcome::Fail(reason),
            Trouble::Lost(reason) => Outcome::Unknown(reason),
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Session, opened by MosquittoClients as |clients, _, node| Session::open(clients, node).await?;
    Register: register;
    Set: set;
    Queue: queue;
}
