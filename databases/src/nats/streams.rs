//! Logs, queues and unique ids in NATS JetStream: a stream for each log, and for each queue a stream whose messages go when they
//! are acknowledged, with a consumer that is asked for one at a time. An id is the number of a message.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | a stream or its consumer could not be made | `Fail` | nothing was published and nothing taken yet |
//! | a log is read of which there is no stream, or 10037 (no message) | what was observed | there is nothing, or nothing more |
//! | a message was taken and its acknowledgement has no answer | `Unknown` | it may be gone, or be given to somebody else |
//! | the rest | | as in the table of the [sessions](super::client) |

use std::time::Duration;

use history::{
    Queue, Value,
    vocabulary::{
        Ids, Log, ids,
        log::{self, Return as Logged},
        queue,
    },
};
use serde_json::json;

use super::{
    REGISTERS,
    client::{NatsClients, Session, Trouble, parse, strange},
    wire::Next,
};
use crate::speaking::speaks;

/// There is no such message.
const NO_MESSAGE: i64 = 10_037;
/// There is no such stream.
const NO_STREAM: i64 = 10_059;
/// The most entries that a poll returns.
const POLL_MAX: usize = 16;
/// The most entries that are believed to be in one log.
const LOG_MAX: usize = 100_000;
/// After how long an element that was given out and not acknowledged is given out again, in nanoseconds.
const AGAIN_NANOS: u64 = 2_000_000_000;
/// What the subject ends with whose messages number the ids.
const IDS: &str = "disprove-ids";
/// How long the servers take to know who answers for what was made just now. Until then nobody does, and a question waits in vain.
const SPREAD: Duration = Duration::from_millis(100);
/// The only consumer of a queue.
const CONSUMER: &str = "takers";

/// What is kept how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kept {
    /// For ever, in order.
    Log,
    /// Until it was taken.
    Queue,
}

impl Kept {
    fn stream(self, key: &impl ToString) -> String {
        match self {
            Self::Log => format!("{}-log", key.to_string()),
            Self::Queue => format!("{}-queue", key.to_string()),
        }
    }

    fn retention(self) -> &'static str {
        match self {
            Self::Log => "limits",
            Self::Queue => "workqueue",
        }
    }
}

/// The subject of a stream's messages.
fn subject(stream: &str) -> String {
    format!("{stream}.all")
}

impl Session {
    /// Makes the stream of a log or queue, once in a session. Nothing was asked of it before, so all trouble is certain.
    async fn prepare(&mut self, kept: Kept, stream: &str) -> Result<(), Trouble> {
        if self.known.contains(stream) {
            return Ok(());
        }
        let made = self.make(kept, stream).await;
        made.map_err(|trouble| {
            self.end();
            Trouble::Refused(trouble.word())
        })?;
        self.known.insert(stream.to_owned());
        tokio::time::sleep(SPREAD).await;
        Ok(())
    }

    async fn make(&mut self, kept: Kept, stream: &str) -> Result<(), Trouble> {
        // As many replicas as the streams have that were made before the run.
        let known = self.api(&format!("STREAM.INFO.{}{REGISTERS}", self.prefix), &json!({})).await?;
        let replicas = known["config"]["num_replicas"].as_u64().ok_or_else(|| strange(&known))?;
        let wanted = json!({
            "name": stream, "subjects": [subject(stream)], "retention": kept.retention(), "storage": "file",
            "num_replicas": replicas, "discard": "old"
        });
        let answer = self.api(&format!("STREAM.CREATE.{stream}"), &wanted).await?;
        if !answer["state"].is_object() {
            return Err(strange(&answer));
        }
        if kept == Kept::Queue {
            let config = json!({
                "durable_name": CONSUMER, "ack_policy": "explicit", "ack_wait": AGAIN_NANOS, "max_deliver": -1,
                "deliver_policy": "all", "max_ack_pending": -1
            });
            let wanted = json!({ "stream_name": stream, "config": config });
            let answer = self.api(&format!("CONSUMER.DURABLE.CREATE.{stream}.{CONSUMER}"), &wanted).await?;
            if !answer["name"].is_string() {
                return Err(strange(&answer));
            }
        }
        Ok(())
    }

    async fn log(&mut self, call: &log::Call) -> Result<Logged, Trouble> {
        let stream = Kept::Log.stream(call.key());
        self.prepare(Kept::Log, &stream).await?;
        match call {
            log::Call::Append(_, entry) => {
                // Messages are numbered from 1.
                let number = self.publish(&subject(&stream), &entry.to_string(), None).await?;
                Ok(Logged::Appended(Some(number - 1)))
            }
            log::Call::Poll(_, from) => self.entries(&stream, *from, POLL_MAX).await,
            log::Call::Read(_, from) => self.entries(&stream, *from, LOG_MAX).await,
        }
    }

    /// The entries from a place on, one by one, until there are no more.
    async fn entries(&mut self, stream: &str, from: u64, most: usize) -> Result<Logged, Trouble> {
        let mut entries: Vec<Value> = Vec::new();
        while entries.len() < most {
            let number = from + entries.len() as u64 + 1;
            let answer = self.api(&format!("STREAM.MSG.GET.{stream}"), &json!({ "seq": number })).await?;
            if matches!(answer["error"]["err_code"].as_i64(), Some(NO_MESSAGE | NO_STREAM)) {
                break;
            }
            entries.push(self.message(answer)?.0);
        }
        Ok(Logged::Entries(entries.into()))
    }

    async fn queue(&mut self, call: &queue::Call) -> Result<queue::Return, Trouble> {
        let stream = Kept::Queue.stream(call.key());
        self.prepare(Kept::Queue, &stream).await?;
        match call {
            queue::Call::Enqueue(_, element) => {
                self.publish(&subject(&stream), &element.to_string(), None).await?;
                Ok(queue::Return::Enqueued)
            }
            queue::Call::Dequeue(_) => {
                let ask = json!({ "batch": 1, "no_wait": true }).to_string();
                let place = format!("$JS.API.CONSUMER.MSG.NEXT.{stream}.{CONSUMER}");
                match self.next(&place, &ask).await? {
                    Next::Message { acknowledge, body } => {
                        let text = String::from_utf8(body).map_err(|_| strange(&json!("no text")))?;
                        self.acknowledge(&acknowledge).await?;
                        Ok(queue::Return::Dequeued(parse(&text)))
                    }
                    Next::Status(404) => Ok(queue::Return::Empty),
                    Next::Status(503) => Err(Trouble::Refused("503: no consumer listens".into())),
                    Next::Status(status) => Err(Trouble::Doubtful(format!("status {status}").into())),
                }
            }
        }
    }

    async fn ids(&mut self, _: &ids::Call) -> Result<ids::Return, Trouble> {
        let number = self.publish(&format!("{}{REGISTERS}.{IDS}", self.prefix), "", None).await?;
        Ok(ids::Return::Id((number as i64).into()))
    }
}

speaks! {
    Session, opened by NatsClients as |clients, _, node| Session::open(&clients.0, node).await?;
    Log: log;
    Queue: queue;
    Ids: ids;
}
