//! Locks, leases, queues and unique ids in etcd.
//!
//! A lock is one of etcd's own (`v3lock`) with a lease of two seconds, a lease a key that hangs on one, a queue a key per
//! element, of which the one that was made first comes out first, and an id the revision of the store after a write.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | the lease on a lock ended before the lock was had | `Fail` | its key is gone with it, and nobody believed to have the lock |
//! | a lease is somebody else's (the key is there), or has ended | `refused` | an observation |
//! | an element was taken by another session since it was read | `Fail` | etcd compares and removes as one step, and refused |
//! | a lock cannot be given back, not even tried | `Unknown` | it ends with its lease |
//! | anything else without an answer | `Unknown` | the proposal may be in the log already, and be applied later |

use std::collections::BTreeMap;

use history::{
    Key, Outcome, Queue, Reason,
    vocabulary::{
        Ids, Lease, Mutex, ids,
        lease::{self, Return as Leased},
        lock::{self, Return as Locked},
        queue,
    },
};

use super::{
    EtcdClients, Reads,
    client::{open, parse},
    gateway::{Gateway, GatewayError},
};
use crate::speaking::{Speaker, speaks};

/// How long a lock lasts of whose holder nothing is heard.
const LOCK_SECONDS: u64 = 2;

/// Why a call has no answer.
#[derive(Debug)]
enum Trouble {
    /// It certainly did nothing that lasts.
    Refused(Reason),
    /// The gateway did not answer it.
    Gateway(GatewayError),
}

impl From<GatewayError> for Trouble {
    fn from(error: GatewayError) -> Self {
        Self::Gateway(error)
    }
}

/// A session with a member, and what it was given.
struct Objects {
    gateway: Gateway,
    reads: Reads,
    /// The key whose writes are counted.
    ids: String,
    /// The keys that stand for locks.
    locks: BTreeMap<Key, String>,
    /// The leases by what they are for.
    leases: BTreeMap<Key, String>,
    broken: bool,
}

impl Objects {
    fn new(clients: &EtcdClients, gateway: Gateway) -> Self {
        let prefix = clients.0.running.as_ref().map(|running| running.keys()).unwrap_or_default();
        Self {
            gateway,
            reads: clients.0.reads,
            ids: format!("{prefix}ids"),
            locks: BTreeMap::new(),
            leases: BTreeMap::new(),
            broken: false,
        }
    }

    async fn mutex(&mut self, call: &lock::Call) -> Result<Locked, Trouble> {
        let key = call.key();
        match call {
            lock::Call::Acquire(..) => {
                let lease = self.gateway.grant(LOCK_SECONDS).await?;
                let held = self.gateway.lock(&key.to_string(), &lease).await?;
                // It lasts from now on, and not from when the wait for it began.
                if !self.gateway.keep_alive(&lease).await? {
                    return Err(Trouble::Refused("its lease ended while it waited for the lock".into()));
                }
                self.locks.insert(key.clone(), held);
                Ok(Locked::Acquired)
            }
            lock::Call::Release(..) => {
                let Some(held) = self.locks.remove(key) else {
                    return Err(Trouble::Refused("the lock was not taken in this session".into()));
                };
                // Where it has ended meanwhile, there is nothing left to give back. Where this is not answered, or not even
                // sent, it ends with its lease.
                let given_back = self.gateway.unlock(&held).await;
                given_back.map_err(|error| GatewayError::Doubtful(error.into_reason().to_string()))?;
                Ok(Locked::Released)
            }
        }
    }

    async fn lease(&mut self, call: &lease::Call) -> Result<Leased, Trouble> {
        let key = call.key();
        let held = self.leases.get(key);
        match (call, held) {
            (lease::Call::Acquire(_, owner, nanos), _) => {
                let lease = self.gateway.grant(nanos.div_ceil(1_000_000_000)).await?;
                let is_new = self.gateway.create(&key.to_string(), &owner.to_string(), &lease).await?;
                if !is_new {
                    return Ok(Leased::Refused);
                }
                self.leases.insert(key.clone(), lease);
                Ok(Leased::Acquired)
            }
            (lease::Call::Renew(..), Some(lease)) => {
                let is_there = self.gateway.keep_alive(lease).await?;
                Ok(if is_there { Leased::Renewed } else { Leased::Refused })
            }
            (lease::Call::Release(..), Some(lease)) => {
                let is_there = self.gateway.revoke(lease).await?;
                self.leases.remove(key);
                Ok(if is_there { Leased::Released } else { Leased::Refused })
            }
            (_, None) => Err(Trouble::Refused("the lease was not taken in this session".into())),
        }
    }

    async fn queue(&mut self, call: &queue::Call) -> Result<queue::Return, Trouble> {
        let below = format!("{}/", call.key());
        match call {
            queue::Call::Enqueue(_, element) => {
                self.gateway.put(&format!("{below}{element}"), "").await?;
                Ok(queue::Return::Enqueued)
            }
            queue::Call::Dequeue(_) => {
                let first = self.gateway.first_below(&below, self.reads).await;
                // Nothing was taken yet, whatever became of the question.
                let first = first.map_err(|error| {
                    self.broken = true;
                    Trouble::Refused(error.into_reason())
                })?;
                let Some(first) = first else { return Ok(queue::Return::Empty) };
                if !self.gateway.remove(&first).await? {
                    return Err(Trouble::Refused("another session took the element".into()));
                }
                Ok(queue::Return::Dequeued(parse(&first.name[below.len()..])))
            }
        }
    }

    async fn ids(&mut self, _: &ids::Call) -> Result<ids::Return, Trouble> {
        let revision = self.gateway.revision_of_put(&self.ids).await?;
        Ok(ids::Return::Id(revision.into()))
    }
}

impl Speaker for Objects {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        match trouble {
            Trouble::Refused(reason) => Outcome::Fail(reason),
            Trouble::Gateway(error) => {
                // Its connection is gone or in doubt; the next call is another session's.
                self.broken = true;
                error.outcome(is_read)
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Objects, opened by EtcdClients as |clients, _, node| Objects::new(clients, open(&clients.0, node).await?);
    Mutex: mutex;
    Lease: lease;
    Queue: queue;
    Ids: ids;
}
