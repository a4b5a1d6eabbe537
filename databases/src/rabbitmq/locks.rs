//! Locks in RabbitMQ: a queue with one message. Who has taken the message and not acknowledged it has the lock, and gives it back by
//! having the message put back. The server puts it back by itself where the session of the holder ends.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | the queue could not be made, or the message came back (`basic.return`) | `Fail` | nothing was taken yet |
//! | the queue is empty | `Fail` | somebody has the message, or it is on its way back |
//! | the lock was not taken in this session | `Fail` | nothing was asked of anybody |
//! | a lock cannot be given back, not even tried | `Unknown` | it ends with its session |
//! | the channel or the connection was closed, or no answer | `Unknown` | the message may have been taken, or put back |
//!
//! The message of a lock is published once in a run, by whoever needs the lock first, and never again but where it certainly was not
//! queued: where nobody knows, the lock may be one that nobody can take, and there are never two messages for one lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex as Guarded, PoisonError},
};

use cluster::Node;
use history::{
    Key, Outcome, Reason,
    vocabulary::{
        Mutex,
        lock::{Call, Return},
    },
};

use super::{
    Rabbitmq,
    wire::{Published, Wire},
};
use crate::speaking::{Speaker, speaks};

/// What is in the queue of a lock.
const TOKEN: &[u8] = b"lock";

/// The locks whose message was published, for all sessions of a run.
#[derive(Clone, Debug, Default)]
struct Made(Arc<Guarded<BTreeSet<Key>>>);

impl Made {
    /// Whether the message of a lock is to be published by whoever asks; nobody else is told so.
    fn is_mine(&self, key: &Key) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone())
    }

    /// It certainly was not queued.
    fn was_not(&self, key: &Key) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

/// Opens sessions that know of each other which locks they made.
pub(super) struct LockClients {
    database: Rabbitmq,
    made: Made,
}

impl LockClients {
    pub(super) fn new(database: Rabbitmq) -> Self {
        Self { database, made: Made::default() }
    }
}

/// Why a call has no answer.
enum Trouble {
    /// It certainly did nothing.
    Refused(Reason),
    /// It may have been done.
    Doubtful(Reason),
    /// The session is over, and it certainly did nothing.
    Ended(Reason),
}

/// One session.
struct Session {
    wire: Wire,
    made: Made,
    /// The queues that were made, or found, in this session.
    known: BTreeSet<Key>,
    /// By what the messages are put back that were taken in it.
    held: BTreeMap<Key, u64>,
    broken: bool,
}

impl Session {
    async fn open(clients: &LockClients, node: &Node) -> Result<Self, Reason> {
        let wire = clients.database.open(node).await?;
        let made = clients.made.clone();
        Ok(Self { wire, made, known: BTreeSet::new(), held: BTreeMap::new(), broken: false })
    }

    /// Makes the queue of a lock, and publishes its message where nobody has yet.
    async fn prepare(&mut self, key: &Key, queue: &str) -> Result<(), Trouble> {
        if self.known.contains(key) {
            return Ok(());
        }
        self.wire.declare(queue, false).await.map_err(Trouble::Ended)?;
        if self.made.is_mine(key) {
            match self.wire.publish(queue, TOKEN).await.map_err(Trouble::Ended)? {
                Published::Confirmed | Published::Refused => {}
                Published::Returned => {
                    self.made.was_not(key);
                    return Err(Trouble::Refused("its message came back: there is no such queue".into()));
                }
            }
        }
        self.known.insert(key.clone());
        Ok(())
    }

    async fn lock(&mut self, call: &Call) -> Result<Return, Trouble> {
        let (key, queue) = (call.key(), call.key().to_string());
        match call {
            Call::Acquire(..) => {
                self.prepare(key, &queue).await?;
                match self.wire.get(&queue, false).await.map_err(Trouble::Doubtful)? {
                    None => Err(Trouble::Refused("the queue of the lock is empty".into())),
                    Some(message) => {
                        self.held.insert(key.clone(), message.tag);
                        Ok(Return::Acquired)
                    }
                }
            }
            Call::Release(..) => {
                let Some(tag) = self.held.remove(key) else {
                    return Err(Trouble::Refused("the lock was not taken in this session".into()));
                };
                self.wire.put_back(tag).await.map_err(Trouble::Doubtful)?;
                Ok(Return::Released)
            }
        }
    }
}

impl Speaker for Session {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, _: bool) -> Outcome<R> {
        self.broken |= !matches!(trouble, Trouble::Refused(_));
        match trouble {
            Trouble::Refused(reason) | Trouble::Ended(reason) => Outcome::Fail(reason),
            Trouble::Doubtful(reason) => Outcome::Unknown(reason),
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Session, opened by LockClients as |clients, _, node| Session::open(clients, node).await?;
    Mutex: lock;
}
