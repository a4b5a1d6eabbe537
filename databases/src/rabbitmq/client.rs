//! Queues in RabbitMQ: a quorum queue for each, publisher confirms, and one message taken at a time.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | a queue could not be made | `Fail` | nothing was published and nothing taken yet |
//! | a message came back (`basic.return`) | `Fail` | there was no queue that could have taken it |
//! | `basic.nack` | `Unknown` | the server takes no responsibility, and some replica may have it |
//! | the channel or the connection was closed, or no answer | `Unknown` | a message may have been queued, or taken |
//!
//! With `--reads auto` a message is taken when it is sent. With `--reads manual` it is acknowledged, to which there is no answer:
//! an acknowledgement that is lost with its connection gives the message to somebody else.

use std::collections::BTreeSet;

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Queue, Reason, Value,
    vocabulary::queue::{Call, Return},
};

use super::{
    Rabbitmq, Reads,
    wire::{Published, Wire},
};

/// Opens sessions.
#[derive(Clone, Debug)]
pub struct RabbitmqClients(pub Rabbitmq);

/// One session.
struct Session {
    wire: Wire,
    reads: Reads,
    /// The queues that were made, or found, in this session.
    known: BTreeSet<String>,
    broken: bool,
}

/// A value as it was written: a number where it reads as one.
fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

impl Session {
    async fn carry_out(&mut self, call: &Call, queue: &str) -> Result<Outcome<Return>, Reason> {
        match call {
            Call::Enqueue(_, element) => {
                let published = self.wire.publish(queue, element.to_string().as_bytes()).await?;
                Ok(match published {
                    Published::Confirmed => Outcome::Ok(Return::Enqueued),
                    Published::Returned => Outcome::Fail("it came back: there is no such queue".into()),
                    Published::Refused => Outcome::Unknown("nack".into()),
                })
            }
            Call::Dequeue(_) => {
                let Some(message) = self.wire.get(queue, self.reads == Reads::Auto).await? else {
                    return Ok(Outcome::Ok(Return::Empty));
                };
                if self.reads == Reads::Manual {
                    self.wire.acknowledge(message.tag).await?;
                }
                Ok(Outcome::Ok(Return::Dequeued(parse(&String::from_utf8_lossy(&message.body)))))
            }
        }
    }
}

#[async_trait]
impl ClientFactory<Queue> for RabbitmqClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Queue>>, Reason> {
        let wire = self.0.open(node).await?;
        Ok(Box::new(Session { wire, reads: self.0.reads, known: BTreeSet::new(), broken: false }))
    }
}

#[async_trait]
impl Client<Queue> for Session {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        let queue = call.key().to_string();
        if !self.known.contains(&queue) {
            if let Err(reason) = self.wire.declare(&queue, false).await {
                self.broken = true;
                return Outcome::Fail(reason);
            }
            self.known.insert(queue.clone());
        }
        self.carry_out(call, &queue).await.unwrap_or_else(|reason| {
            self.broken = true;
            Outcome::Unknown(reason)
        })
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
