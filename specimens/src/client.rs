//! A client's session: one connection, one call at a time, nothing retried.
//!
//! | what happens | outcome | why |
//! |---|---|---|
//! | the node answers that it happened | `Ok` | |
//! | the node knew no leader for as long as it waits | `Fail` | it told nobody of the call and forgot it |
//! | the node has too many calls under way | `Fail` | it did not take the call |
//! | the node's journal is damaged | `Fail` | it takes no call |
//! | the node could not get a read confirmed | `Fail` | a read has no effect |
//! | the connection breaks during a read | `Fail` | a read has no effect |
//! | the node cannot say what came of a write or a compare-and-set | `Unknown` | it may be in somebody's log |
//! | the connection breaks during a write or a compare-and-set | `Unknown` | it may have arrived |
//! | the node's answer is not understood | `Unknown` | |

use std::{io, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Vocabulary,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::{
    members::Change,
    message::{Refusal, Reply, Status},
    wire::{self, Answer, Frame, PORT},
};

/// What a node with a damaged journal answers to every call.
pub(crate) const DAMAGED: &str = "the node's journal is damaged, and it serves nobody";
/// How long a connection may take to open.
const OPEN_MAX: Duration = Duration::from_secs(1);

/// Where clients and peers reach a node.
pub(crate) fn address(node: &Node) -> SocketAddr {
    SocketAddr::new(node.address, PORT + node.port_offset)
}

/// One session with a node.
#[derive(Debug)]
pub struct SpecimenClient {
    stream: BufReader<TcpStream>,
    broken: bool,
}

impl SpecimenClient {
    /// Opens a session.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = timeout(OPEN_MAX, TcpStream::connect(address)).await??;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), broken: false })
    }

    async fn ask(&mut self, frame: &Frame) -> io::Result<Answer> {
        let mut bytes = Vec::new();
        wire::encode(&mut bytes, frame)?;
        self.stream.write_all(&bytes).await?;
        wire::read(&mut self.stream).await
    }

    /// Asks the node what it is doing.
    pub async fn status(&mut self) -> io::Result<Status> {
        self.ask_status(&Frame::Status).await
    }

    /// Wishes for other members, and hears how the node saw them just then.
    pub async fn change(&mut self, change: Change) -> io::Result<Status> {
        self.ask_status(&Frame::Change(change)).await
    }

    async fn ask_status(&mut self, frame: &Frame) -> io::Result<Status> {
        match self.ask(frame).await? {
            Answer::Status(status) => Ok(status),
            Answer::Reply(_) => Err(io::Error::other("the node answered something else")),
        }
    }

    /// Makes one call.
    pub async fn call(&mut self, call: &Call) -> Outcome<Return> {
        let answer = self.ask(&Frame::Call(call.clone())).await;
        self.broken |= !matches!(answer, Ok(Answer::Reply(Reply::Done(_) | Reply::Refused(_))));
        outcome(call, answer)
    }
}

/// The table at the top of this file.
fn outcome(call: &Call, answer: io::Result<Answer>) -> Outcome<Return> {
    match answer {
        Ok(Answer::Reply(Reply::Done(returned))) => Outcome::Ok(returned),
        Ok(Answer::Reply(Reply::Refused(refusal))) => Outcome::Fail(
            match refusal {
                Refusal::NoLeader => "the node knows no leader",
                Refusal::ReadTimedOut => "the read was not confirmed in time",
                Refusal::Busy => "the node has too many calls under way",
                Refusal::Damaged => DAMAGED,
            }
            .into(),
        ),
        Ok(Answer::Reply(Reply::Unsure)) => Outcome::Unknown("not acknowledged in time".into()),
        Ok(Answer::Status(_)) => Outcome::Unknown("the answer was not understood".into()),
        Err(error) if Register::is_read(call) => {
            Outcome::Fail(format!("the connection broke: {error}").into())
        }
        Err(error) => Outcome::Unknown(format!("the connection broke: {error}").into()),
    }
}

#[async_trait]
impl Client<Register> for SpecimenClient {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        self.call(call).await
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

/// Opens sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpecimenClients;

#[async_trait]
impl ClientFactory<Register> for SpecimenClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Register>>, Reason> {
        let client = SpecimenClient::open(address(node)).await;
        Ok(Box::new(client.map_err(|error| Reason::from(format!("no connection: {error}")))?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken() -> io::Result<Answer> {
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    }

    #[test]
    fn only_what_is_certain_is_a_failure() {
        let read = Call::Read(1.into());
        let write = Call::Write(1.into(), 2.into());
        assert_eq!(outcome(&read, broken()).kind(), "fail");
        assert_eq!(outcome(&write, broken()).kind(), "unknown");
        for (reply, kind) in [
            (Reply::Done(Return::Written), "ok"),
            (Reply::Refused(Refusal::NoLeader), "fail"),
            (Reply::Unsure, "unknown"),
        ] {
            assert_eq!(outcome(&write, Ok(Answer::Reply(reply))).kind(), kind);
        }
    }
}
