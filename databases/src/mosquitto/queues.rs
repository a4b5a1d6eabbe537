//! Queues in Mosquitto: a topic, and a client of which the server knows that it listens to it also while it is not there, and for whom it
//! keeps what is published (QoS 1, a session without end). Who takes an element out connects as that client, is delivered one message,
//! acknowledges it and leaves. Where two do so at once the server ends the connection of the first, so the sessions of a run take turns.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | another session has its turn | `Fail` | nothing was sent |
//! | no connection as the client, or it could not be made to listen | `Fail` | nothing was published and nothing taken yet |
//! | reason 0x10 (no matching subscribers) | `Fail` | nobody listens, so nobody has the message |
//! | no message came, or the session was taken over before its acknowledgement was sent | `Fail` | what is not acknowledged is delivered again |
//! | the acknowledgement of a message has no answer | `Unknown` | it may be gone, or be delivered again |
//! | the rest | | as in the table of the [sessions](super::client) |

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use history::{Reason, vocabulary::queue};
use tokio::sync::OwnedMutexGuard;

use super::{
    TOPICS,
    client::{Session, Trouble, parse},
    wire::{Published, Who},
};

/// How long a session waits for its turn.
const TURN_MAX: Duration = Duration::from_millis(500);

/// Whose turn it is to be the client of a queue, for all sessions of a run.
#[derive(Clone, Debug, Default)]
pub(super) struct Turns(Arc<Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<()>>>>>);

impl Turns {
    async fn take(&self, queue: &str) -> Result<OwnedMutexGuard<()>, Trouble> {
        let turn = {
            let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(turns.entry(queue.to_owned()).or_default())
        };
        let taken = tokio::time::timeout(TURN_MAX, turn.lock_owned()).await;
        taken.map_err(|_| nothing("another session has its turn".into()))
    }
}

/// The client of a queue.
pub(super) fn client(queue: &str) -> String {
    format!("disprove-queue-{queue}")
}

/// What went wrong before anything was done.
fn nothing(reason: Reason) -> Trouble {
    Trouble::Refused(reason)
}

impl Session {
    /// Has the client of a queue listen to its topic.
    async fn prepare(&mut self, queue: &str, topic: &str) -> Result<(), Trouble> {
        if self.known.contains(queue) {
            return Ok(());
        }
        let (name, _turn) = (client(queue), self.turns.take(queue).await?);
        // By this the client is found again, when all that was made is to be removed.
        let known = format!("{TOPICS}/queues/{queue}");
        self.wire.publish(&known, "1", true).await.map_err(|trouble| self.ended(trouble))?;
        let mut listener = self.database.open(&self.node, Who::Kept(&name)).await.map_err(nothing)?;
        listener.listen(topic).await.map_err(|trouble| nothing(trouble.word()))?;
        listener.leave().await;
        self.known.insert(queue.to_owned());
        Ok(())
    }

    pub(super) async fn queue(&mut self, call: &queue::Call) -> Result<queue::Return, Trouble> {
        let queue = call.key().to_string();
        let topic = format!("{TOPICS}/queue/{queue}");
        self.prepare(&queue, &topic).await?;
        match call {
            queue::Call::Enqueue(_, element) => {
                match self.wire.publish(&topic, &element.to_string(), false).await? {
                    Published::Taken => Ok(queue::Return::Enqueued),
                    Published::Unheard => {
                        self.known.remove(&queue);
                        Err(Trouble::Refused("nobody listens".into()))
                    }
                }
            }
            queue::Call::Dequeue(_) => {
                let _turn = self.turns.take(&queue).await?;
                self.take(&client(&queue)).await
            }
        }
    }

    /// What went wrong in the session's own connection, before anything was done.
    fn ended(&mut self, trouble: Trouble) -> Trouble {
        self.end();
        nothing(trouble.word())
    }

    async fn take(&mut self, name: &str) -> Result<queue::Return, Trouble> {
        let mut taker = self.database.open(&self.node, Who::Kept(name)).await.map_err(nothing)?;
        let delivered = taker.delivered().await.map_err(|trouble| nothing(trouble.word()))?;
        let Some(delivered) = delivered else {
            taker.leave().await;
            return Ok(queue::Return::Empty);
        };
        taker.acknowledge(delivered.number).await?;
        taker.leave().await;
        Ok(queue::Return::Dequeued(parse(&delivered.text)))
    }
}
