//! A client's session: one connection, one call at a time, nothing retried.
//!
//! | what happens | outcome | why |
//! |---|---|---|
//! | the node answers that it happened | `Ok` | |
//! | the node knew no leader for as long as it waits | `Fail` | it told nobody of the call and forgot it |
//! | the node has too many calls under way | `Fail` | it did not take the call |
//! | the node's journal is damaged | `Fail` | it takes no call |
//! | the node could not get a read confirmed | `Fail` | a read has no effect |
//! | the store cannot carry it out | `Fail` | it has looked before it changed anything |
//! | the connection breaks during a read | `Fail` | a read has no effect |
//! | the node cannot say what came of a call that may change something | `Unknown` | it may be in somebody's log |
//! | the connection breaks during a call that may change something | `Unknown` | it may have arrived |
//! | the node's answer is not understood | `Unknown` | |
//!
//! A read is a call that can change nothing, also a transaction of reads. To take an element out of a queue, or a lock, is
//! none.

use std::{io, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{Outcome, Reason};
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    time::timeout,
};

use crate::{
    members::Change,
    message::{Refusal, Reply, Status},
    store::contents::{Answer, Spoken},
    wire::{self, Frame, PORT, Response},
};

/// What a node with a damaged journal answers to every call.
pub(crate) const DAMAGED: &str = "the node's journal is damaged, and it serves nobody";
/// What is said of an answer to another question.
const STRANGE: &str = "the answer was not understood";
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

    async fn ask(&mut self, frame: &Frame) -> io::Result<Response> {
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
            Response::Status(status) => Ok(status),
            Response::Reply(_) => Err(io::Error::other("the node answered something else")),
        }
    }

    /// Makes one call.
    pub async fn call<V: Spoken>(&mut self, call: &V::Call) -> Outcome<V::Return> {
        let response = self.ask(&Frame::Call(V::command(call.clone()))).await;
        self.broken |= !matches!(response, Ok(Response::Reply(Reply::Done(_) | Reply::Refused(_))));
        outcome::<V>(call, response)
    }
}

/// The table at the top of this file.
fn outcome<V: Spoken>(call: &V::Call, response: io::Result<Response>) -> Outcome<V::Return> {
    match response {
        Ok(Response::Reply(Reply::Done(Answer::Impossible))) => {
            Outcome::Fail("it cannot be carried out".into())
        }
        Ok(Response::Reply(Reply::Done(answer))) => match V::returned(answer) {
            Some(returned) => Outcome::Ok(returned),
            None => Outcome::Unknown(STRANGE.into()),
        },
        Ok(Response::Reply(Reply::Refused(refusal))) => Outcome::Fail(
            match refusal {
                Refusal::NoLeader => "the node knows no leader",
                Refusal::ReadTimedOut => "the read was not confirmed in time",
                Refusal::Busy => "the node has too many calls under way",
                Refusal::Damaged => DAMAGED,
            }
            .into(),
        ),
        Ok(Response::Reply(Reply::Unsure)) => Outcome::Unknown("not acknowledged in time".into()),
        Ok(Response::Status(_)) => Outcome::Unknown(STRANGE.into()),
        Err(error) if V::is_read(call) => Outcome::Fail(format!("the connection broke: {error}").into()),
        Err(error) => Outcome::Unknown(format!("the connection broke: {error}").into()),
    }
}

#[async_trait]
impl<V: Spoken> Client<V> for SpecimenClient {
    async fn invoke(&mut self, call: &V::Call) -> Outcome<V::Return> {
        self.call::<V>(call).await
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

/// Opens sessions.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpecimenClients;

#[async_trait]
impl<V: Spoken> ClientFactory<V> for SpecimenClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<V>>, Reason> {
        let client = SpecimenClient::open(address(node)).await;
        Ok(Box::new(client.map_err(|error| Reason::from(format!("no connection: {error}")))?))
    }
}

#[cfg(test)]
mod tests {
    use history::vocabulary::{
        Bank, Queue, Register, bank, queue,
        register::{Call, Return},
    };

    use super::*;

    fn broken() -> io::Result<Response> {
        Err(io::Error::from(io::ErrorKind::ConnectionReset))
    }

    #[test]
    fn only_what_is_certain_is_a_failure() {
        let read = Call::Read(1.into());
        let write = Call::Write(1.into(), 2.into());
        assert_eq!(outcome::<Register>(&read, broken()).kind(), "fail");
        assert_eq!(outcome::<Register>(&write, broken()).kind(), "unknown");
        assert_eq!(outcome::<Queue>(&queue::Call::Dequeue(1.into()), broken()).kind(), "unknown");
        for (reply, kind) in [
            (Reply::Done(Answer::Register(Return::Written)), "ok"),
            (Reply::Done(Answer::Queue(queue::Return::Empty)), "unknown"),
            (Reply::Refused(Refusal::NoLeader), "fail"),
            (Reply::Unsure, "unknown"),
        ] {
            assert_eq!(outcome::<Register>(&write, Ok(Response::Reply(reply))).kind(), kind);
        }
        let transfer = bank::Call::Transfer(0.into(), 1.into(), 1000);
        let refused = Ok(Response::Reply(Reply::Done(Answer::Impossible)));
        assert_eq!(outcome::<Bank>(&transfer, refused).kind(), "fail");
    }
}
