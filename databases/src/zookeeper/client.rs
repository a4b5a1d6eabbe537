//! Sessions with ZooKeeper; registers and sets in it: a node per register, and a node per element below the set's own.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made, or no session | `Fail` | nothing was asked |
//! | -101 (no node), -103 (another version), -110 (there is one), -102 (not permitted) | `Fail`, or what was observed | the server compares before it proposes anything |
//! | a compare-and-set whose node changed between its read and its write | `Fail` | -103: the write was refused; which value was there nobody read |
//! | a read has no answer, or an error | `Fail` | a read changes nothing, so it did not happen |
//! | any other error (-112, the session expired; -118, it moved; -4), or no answer | `Unknown` | the proposal may be in the log already, and be applied later |

use std::collections::BTreeMap;

use cluster::Node;
use history::{
    Key, Outcome, Reason, Set, Value,
    vocabulary::{
        Register,
        register::{self, Return as Answered},
        set,
    },
};

use super::{
    Reads, Zookeeper,
    wire::{Answer, Fields, Kind, SESSION_MS, Wire},
};
use crate::speaking::{Speaker, speaks};

const NO_AUTH: i32 = -102;
pub(super) const NO_NODE: i32 = -101;
const BAD_VERSION: i32 = -103;
pub(super) const NODE_EXISTS: i32 = -110;
/// Of any version.
pub(super) const ANY: i32 = -1;
/// What is written before a read that must not be late.
const QUORUM: &str = "disprove-quorum";
/// A node that stays.
pub(super) const LASTING: i32 = 0;
/// Every right, for everybody.
const ALL_RIGHTS: i32 = 31;

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// The server says that it did nothing.
    Refused(Reason),
    /// It may have been done.
    Doubtful(Reason),
}

impl From<Reason> for Trouble {
    /// The connection broke, or its answer was none of ZooKeeper's.
    fn from(reason: Reason) -> Self {
        Self::Doubtful(reason)
    }
}

/// What an error means that is no observation.
pub(super) fn trouble(error: i32) -> Trouble {
    match error {
        NO_NODE | BAD_VERSION | NODE_EXISTS | NO_AUTH => {
            Trouble::Refused(format!("refused with {error}").into())
        }
        other => Trouble::Doubtful(format!("error {other}").into()),
    }
}

/// Opens sessions.
#[derive(Clone, Debug)]
pub struct ZookeeperClients(pub Zookeeper);

/// One session.
pub(super) struct Session {
    wire: Wire,
    reads: Reads,
    broken: bool,
    /// What the names of nodes begin with where others have nodes too.
    pub(super) prefix: String,
    /// The nodes that stand for locks.
    pub(super) locks: BTreeMap<Key, String>,
}

pub(super) fn path(key: &impl ToString) -> String {
    format!("/{}", key.to_string())
}

/// A value as it was written: a number where it reads as one.
pub(super) fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

impl Session {
    pub(super) async fn open(database: &Zookeeper, node: &Node) -> Result<Self, Reason> {
        Self::open_for(database, node, SESSION_MS).await
    }

    /// A session that the servers keep for so many milliseconds without a word.
    pub(super) async fn open_for(database: &Zookeeper, node: &Node, session_ms: i32) -> Result<Self, Reason> {
        let wire = Wire::open(database.place(node), session_ms).await?;
        let (reads, prefix) = (database.reads, database.prefix());
        Ok(Self { wire, reads, broken: false, prefix, locks: BTreeMap::new() })
    }

    /// Nothing more is asked in it.
    pub(super) fn end(&mut self) {
        self.broken = true;
    }

    /// The answer to a request, or the number of its error.
    pub(super) async fn ask(&mut self, kind: Kind, fields: Fields) -> Result<Result<Answer, i32>, Trouble> {
        let (error, answer) = self.wire.ask(kind, fields).await?;
        Ok(if error == 0 { Ok(answer) } else { Err(error) })
    }

    /// Waits until the server of this session has all that was committed, by a write of the session's own.
    pub(super) async fn catch_up(&mut self) -> Result<(), Trouble> {
        let path = format!("/{}{QUORUM}", self.prefix);
        if !self.put(&path, "", ANY).await? {
            // Whoever makes it first, it stays.
            self.create(&path, "").await?;
        }
        Ok(())
    }

    /// Waits until the server of this session has all that its leader had committed.
    async fn sync(&mut self) -> Result<(), Trouble> {
        self.ask(Kind::Sync, Fields::default().text("/")).await?.map(|_| ()).map_err(trouble)
    }

    pub(super) async fn before_read(&mut self) -> Result<(), Trouble> {
        match self.reads {
            Reads::Quorum => self.catch_up().await,
            Reads::Sync => self.sync().await,
            Reads::Local => Ok(()),
        }
    }

    /// The data of a node with its version, if there is one.
    async fn get(&mut self, path: &str) -> Result<Option<(Value, i32)>, Trouble> {
        self.before_read().await?;
        match self.ask(Kind::GetData, Fields::default().text(path).flag(false)).await? {
            Ok(mut answer) => Ok(Some((parse(&answer.text()?), answer.version()?))),
            Err(NO_NODE) => Ok(None),
            Err(error) => Err(trouble(error)),
        }
    }

    /// Makes a node that stays; whether there was none.
    pub(super) async fn create(&mut self, path: &str, data: &str) -> Result<bool, Trouble> {
        match self.make(path, data, LASTING).await? {
            Ok(_) => Ok(true),
            Err(NODE_EXISTS) => Ok(false),
            Err(error) => Err(trouble(error)),
        }
    }

    /// Makes a node of a kind, and returns its whole name.
    pub(super) async fn make(
        &mut self,
        path: &str,
        data: &str,
        kind: i32,
    ) -> Result<Result<String, i32>, Trouble> {
        let fields = Fields::default().text(path).text(data);
        let fields = fields.number(1).number(ALL_RIGHTS).text("world").text("anyone").number(kind);
        match self.ask(Kind::Create, fields).await? {
            Ok(mut answer) => Ok(Ok(answer.text()?)),
            Err(error) => Ok(Err(error)),
        }
    }

    /// Removes a node; whether there was one.
    pub(super) async fn remove(&mut self, path: &str) -> Result<bool, Trouble> {
        match self.ask(Kind::Delete, Fields::default().text(path).number(ANY)).await? {
            Ok(_) => Ok(true),
            Err(NO_NODE) => Ok(false),
            Err(error) => Err(trouble(error)),
        }
    }

    /// The names of the nodes below one; none where it is not there.
    pub(super) async fn names_below(&mut self, path: &str) -> Result<Vec<String>, Trouble> {
        match self.ask(Kind::GetChildren, Fields::default().text(path).flag(false)).await? {
            Ok(mut answer) => Ok(answer.texts()?),
            Err(NO_NODE) => Ok(Vec::new()),
            Err(error) => Err(trouble(error)),
        }
    }

    /// Replaces the data of a node of this version; whether there is such a node.
    async fn put(&mut self, path: &str, data: &str, version: i32) -> Result<bool, Trouble> {
        match self.ask(Kind::SetData, Fields::default().text(path).text(data).number(version)).await? {
            Ok(_) => Ok(true),
            Err(NO_NODE) => Ok(false),
            Err(error) => Err(trouble(error)),
        }
    }

    /// Removes every node whose name begins so, with those below it.
    pub(super) async fn remove_all(&mut self, begin: &str) -> Result<(), Trouble> {
        let names = self.names_below("/").await?;
        for name in names.iter().filter(|name| name.starts_with(begin)) {
            let path = format!("/{name}");
            for below in self.names_below(&path).await? {
                self.remove(&format!("{path}/{below}")).await?;
            }
            self.remove(&path).await?;
        }
        Ok(())
    }

    async fn register(&mut self, call: &register::Call) -> Result<Answered, Trouble> {
        let path = path(call.key());
        match call {
            register::Call::Read(_) => {
                let found = self.get(&path).await?;
                Ok(Answered::Value(Some(found.map_or(Value::Nil, |(value, _)| value))))
            }
            register::Call::Write(_, value) => {
                let value = value.to_string();
                // Nodes are never removed: one that another session made meanwhile stays.
                let is_written = self.put(&path, &value, ANY).await?
                    || self.create(&path, &value).await?
                    || self.put(&path, &value, ANY).await?;
                if is_written { Ok(Answered::Written) } else { Err(trouble(NO_NODE)) }
            }
            register::Call::Cas(_, Value::Nil, to) => {
                let is_made = self.create(&path, &to.to_string()).await?;
                Ok(if is_made { Answered::Swapped } else { Answered::Refused })
            }
            register::Call::Cas(_, from, to) => {
                let Some((_, version)) = self.get(&path).await?.filter(|(value, _)| value == from) else {
                    return Ok(Answered::Refused);
                };
                match self.put(&path, &to.to_string(), version).await? {
                    true => Ok(Answered::Swapped),
                    false => Err(trouble(NO_NODE)),
                }
            }
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        let below = path(call.key());
        let of = |element: &Value| format!("{below}/{element}");
        match call {
            set::Call::Add(_, element) => {
                let path = of(element);
                match self.create(&path, "").await {
                    // Its set is new: the server refused, and whoever makes the set first, it stays.
                    Err(Trouble::Refused(_)) => {
                        self.create(&below, "").await?;
                        self.create(&path, "").await?;
                    }
                    done => {
                        done?;
                    }
                }
                Ok(set::Return::Added)
            }
            set::Call::Remove(_, element) => Ok(set::Return::Changed(self.remove(&of(element)).await?)),
            set::Call::Contains(_, element) => {
                self.before_read().await?;
                match self.ask(Kind::Exists, Fields::default().text(of(element)).flag(false)).await? {
                    Ok(_) => Ok(set::Return::Contains(true)),
                    Err(NO_NODE) => Ok(set::Return::Contains(false)),
                    Err(error) => Err(trouble(error)),
                }
            }
            set::Call::Read(_) => {
                self.before_read().await?;
                let names = self.names_below(&below).await?;
                Ok(set::Return::Elements(names.iter().map(|name| parse(name)).collect()))
            }
        }
    }
}

impl Speaker for Session {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        match trouble {
            Trouble::Refused(reason) => Outcome::Fail(reason),
            Trouble::Doubtful(reason) => {
                self.broken = true;
                if is_read { Outcome::Fail(reason) } else { Outcome::Unknown(reason) }
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Session, opened by ZookeeperClients as |clients, _, node| Session::open(&clients.0, node).await?;
    Register: register;
    Set: set;
}
