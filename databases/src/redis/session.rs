//! Sessions with Redis, and what its errors mean.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | a read has no answer, or an error | `Fail` | a read changes nothing, so it did not happen |
//! | `LOADING`, `READONLY`, `MASTERDOWN`, `NOREPLICAS`, `MISCONF`, `OOM` | `Fail` | the server looks at these before it carries a command out |
//! | `TRYAGAIN`, `CROSSSLOT`, `CLUSTERDOWN` | `Fail` | the same, in a cluster |
//! | `MOVED`, `ASK` | asked again where it says; `Fail` after five times, or where nobody answers there | the server did nothing |
//! | `NOAUTH`, `NOPERM`, `WRONGPASS`, `DENIED`, `BUSY` | `Fail` | the same |
//! | `WRONGTYPE`, `NOSCRIPT` | `Fail` | every call is one command, or a script whose one write is its last command |
//! | `EXECABORT` | `Fail` | a command of the transaction was refused when it was queued, so none was carried out |
//! | an error within the answer of `EXEC` | `Unknown` | the other commands were carried out; Redis rolls nothing back |
//! | any other error, or no answer | `Unknown` | it may have been carried out before the connection broke |
//!
//! A session whose server says that it does not serve (any longer) ends, so that the next one looks for the primary anew.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use cluster::Node;
use history::{Outcome, Reason, Value};

use super::{
    MASTER, PORT, Redis, SENTINEL_PORT, Topology,
    wire::{Reply, Wire},
};
use crate::{endpoint::Endpoint, stream::Place};

/// Errors that are given before a command is carried out.
const REFUSALS: [&str; 18] = [
    "LOADING",
    "READONLY",
    "MASTERDOWN",
    "NOREPLICAS",
    "MISCONF",
    "OOM",
    "MOVED",
    "ASK",
    "TRYAGAIN",
    "CROSSSLOT",
    "CLUSTERDOWN",
    "NOAUTH",
    "NOPERM",
    "WRONGPASS",
    "DENIED",
    "BUSY",
    "WRONGTYPE",
    "EXECABORT",
];
/// Errors after which another server should be asked.
const ELSEWHERE: [&str; 4] = ["LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN"];
/// How often a command of a cluster is sent elsewhere.
const MOVES_MAX: usize = 5;
/// The longest that a question of ours (not of a client) may take.
const QUESTION_MAX: Duration = Duration::from_secs(2);

/// Why a call has no answer.
#[derive(Debug)]
pub enum Trouble {
    /// It was certainly not carried out.
    Refused(Reason),
    /// It may have been.
    Doubtful(Reason),
}

impl Trouble {
    /// What the call may have done: a read changes nothing, so it did not happen.
    pub fn outcome<R>(self, is_read: bool) -> Outcome<R> {
        match self {
            Self::Refused(reason) => Outcome::Fail(reason),
            Self::Doubtful(reason) if is_read => Outcome::Fail(reason),
            Self::Doubtful(reason) => Outcome::Unknown(reason),
        }
    }

    /// What happened.
    pub fn word(&self) -> &Reason {
        let (Self::Refused(reason) | Self::Doubtful(reason)) = self;
        reason
    }

    /// An answer that nobody expects.
    pub fn strange(reply: &Reply) -> Self {
        let text: String = format!("{reply:?}").chars().take(120).collect();
        Self::Doubtful(format!("a strange answer: {text}").into())
    }
}

fn code(error: &str) -> &str {
    error.split(' ').next().unwrap_or_default()
}

/// Whether the server says that it carried nothing out.
pub fn is_refusal(error: &str) -> bool {
    REFUSALS.contains(&code(error)) || code(error) == "NOSCRIPT"
}

/// Where the server of a node listens.
pub fn address(node: &Node) -> SocketAddr {
    (node.address, PORT + node.port_offset).into()
}

/// Where the sentinel of a node listens.
pub fn sentinel_address(node: &Node) -> SocketAddr {
    (node.address, SENTINEL_PORT + node.port_offset).into()
}

/// One command to a server that is not part of any client's session.
pub async fn question(address: SocketAddr, command: &[&str]) -> Result<Reply, Reason> {
    let asking = async { Wire::open(address).await?.ask_one(command).await };
    match tokio::time::timeout(QUESTION_MAX, asking).await {
        Ok(Ok(Reply::Error(error))) => Err(error.into()),
        Ok(answer) => answer,
        Err(_) => Err("no answer in time".into()),
    }
}

/// Whom the sentinel of a node believes to be the primary.
pub async fn primary_by_sentinel(node: &Node) -> Result<SocketAddr, Reason> {
    let answer = question(sentinel_address(node), &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]).await?;
    let parts: Vec<&str> = answer.list().unwrap_or_default().iter().filter_map(Reply::text).collect();
    let [address, port] = parts[..] else { return Err("the sentinel knows no primary".into()) };
    format!("{address}:{port}").parse().map_err(|_| "the sentinel's answer is no address".into())
}

/// One session: one connection, opened once; and in a cluster one more with each server that it is sent to.
#[derive(Debug)]
pub struct Session {
    wire: Wire,
    broken: bool,
    /// Connections with servers that have other slots.
    others: BTreeMap<SocketAddr, Wire>,
    /// Which of them has a key, as far as was told.
    places: BTreeMap<String, SocketAddr>,
}

impl Session {
    /// A session with the server of a node, or with the primary that its sentinel names, as the clients of Redis's own
    /// libraries find it. A server that does not serve as primary is refused here, so that no call is spent on it.
    pub async fn open(database: &Redis, node: &Node) -> Result<Self, Reason> {
        let mut wire = match (&database.running, database.topology) {
            (Some(running), _) => log_in(running.endpoint(node), running.place(node, PORT)).await?,
            (None, Topology::Single | Topology::Cluster) => Wire::open(address(node)).await?,
            (None, Topology::Sentinel) => Wire::open(primary_by_sentinel(node).await?).await?,
        };
        let in_cluster = database.topology == Topology::Cluster;
        // Which server of a cluster has a key is told when it is asked for.
        let asked = if in_cluster { vec!["PING"] } else { vec!["EXISTS", "disprove-ready"] };
        let answers = wire.ask(&[vec!["ROLE"], asked]).await?;
        refuse_errors(&answers)?;
        if !in_cluster && role(&answers[0]) != Some("master") {
            return Err("the server is no primary".into());
        }
        Ok(Self { wire, broken: false, others: BTreeMap::new(), places: BTreeMap::new() })
    }

    /// Whether it cannot go on.
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// One command.
    pub async fn ask(&mut self, command: &[&str]) -> Result<Reply, Trouble> {
        match self.ask_around(command).await? {
            Reply::Error(error) if is_refusal(&error) => Err(Trouble::Refused(error.into())),
            Reply::Error(error) => Err(Trouble::Doubtful(error.into())),
            reply => Ok(reply),
        }
    }

    /// One command, which goes where a cluster says. Whoever says so did nothing.
    async fn ask_around(&mut self, command: &[&str]) -> Result<Reply, Trouble> {
        // Scripts name their key after how many there are.
        let key = command.get(if command[0] == "EVAL" { 3 } else { 1 }).copied().unwrap_or_default();
        let (mut place, mut asks) = (self.places.get(key).copied(), false);
        for _ in 0..MOVES_MAX {
            let reply = self.ask_at(place, asks, command).await?;
            let Reply::Error(error) = &reply else { return Ok(reply) };
            let Some((is_for_good, to)) = moved(error) else { return Ok(reply) };
            if is_for_good {
                self.places.insert(key.to_owned(), to);
            }
            (place, asks) = (Some(to), !is_for_good);
        }
        Err(Trouble::Refused("every server says that another one has the key".into()))
    }

    /// One command to the session's own server, or to another one of the cluster.
    async fn ask_at(
        &mut self,
        place: Option<SocketAddr>,
        asks: bool,
        command: &[&str],
    ) -> Result<Reply, Trouble> {
        let Some(place) = place else {
            let mut replies = self.ask_all(&[command.to_vec()]).await?;
            return Ok(replies.pop().expect("there are as many answers as commands"));
        };
        if !self.others.contains_key(&place) {
            let opened = Wire::open(place).await.map_err(|reason| {
                // Whoever takes that server's place is told to another session.
                self.broken = true;
                Trouble::Refused(reason)
            })?;
            self.others.insert(place, opened);
        }
        let wire = self.others.get_mut(&place).expect("it was opened just now");
        let mut commands = if asks { vec![vec!["ASKING"]] } else { Vec::new() };
        commands.push(command.to_vec());
        match wire.ask(&commands).await {
            Ok(mut replies) => Ok(replies.pop().expect("there are as many answers as commands")),
            Err(reason) => {
                self.broken = true;
                Err(Trouble::Doubtful(reason))
            }
        }
    }

    /// Several commands at once. Errors among the answers are for the caller to judge.
    pub async fn ask_all(&mut self, commands: &[Vec<&str>]) -> Result<Vec<Reply>, Trouble> {
        match self.wire.ask(commands).await {
            Ok(replies) => {
                self.broken |= replies
                    .iter()
                    .any(|reply| matches!(reply, Reply::Error(error) if ELSEWHERE.contains(&code(error))));
                Ok(replies)
            }
            Err(reason) => {
                self.broken = true;
                Err(Trouble::Doubtful(reason))
            }
        }
    }
}

/// A connection to a server that already runs, as its URL says.
async fn log_in(endpoint: &Endpoint, place: Place<'_>) -> Result<Wire, Reason> {
    let mut wire = Wire::open(place).await?;
    let mut commands = Vec::new();
    if let Some(password) = &endpoint.password {
        let mut auth = vec!["AUTH"];
        auth.extend(endpoint.user.as_deref());
        auth.push(password.reveal());
        commands.push(auth);
    }
    if let Some(database) = &endpoint.database {
        commands.push(vec!["SELECT", database]);
    }
    refuse_errors(&wire.ask(&commands).await?)?;
    Ok(wire)
}

fn refuse_errors(answers: &[Reply]) -> Result<(), Reason> {
    match answers.iter().find(|reply| matches!(reply, Reply::Error(_))) {
        Some(Reply::Error(error)) => Err(error.clone().into()),
        _ => Ok(()),
    }
}

/// Where a cluster sends a command, and whether for good.
fn moved(error: &str) -> Option<(bool, SocketAddr)> {
    let words: Vec<&str> = error.split(' ').collect();
    match words[..] {
        ["MOVED", _, to] => Some((true, to.parse().ok()?)),
        ["ASK", _, to] => Some((false, to.parse().ok()?)),
        _ => None,
    }
}

/// The word that `ROLE` begins with.
pub fn role(reply: &Reply) -> Option<&str> {
    reply.list()?.first()?.text()
}

/// A value as it was written: a number where it reads as one.
pub fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}
