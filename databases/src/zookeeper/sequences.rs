//! Locks, queues and unique ids in ZooKeeper, by its recipes: nodes whose names the server ends with a number that only grows.
//!
//! A lock belongs to whose node has the smallest number, and the node goes with the session of its owner. An element of a queue
//! is a node, and the one with the smallest number comes out first. An id is the number itself.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | another node below the lock has a smaller number | `Fail` | the session removed its own node again |
//! | an element was gone (-101) when it was to be removed | `Fail` | another session took it |
//! | the list of elements has no answer | `Fail` | nothing was taken yet |
//! | a lock cannot be given back | `Unknown` | it goes with its session |
//! | the rest | | as in the table of the [sessions](super::client) |

use history::{
    Queue, Reason,
    vocabulary::{
        Ids, Mutex, ids,
        lock::{self, Return as Locked},
        queue,
    },
};

use super::client::{NO_NODE, Session, Trouble, ZookeeperClients, parse, path, trouble};
use crate::speaking::speaks;

/// A node that stays and has a number.
const NUMBERED: i32 = 2;
/// A node that has a number and goes with its session.
const NUMBERED_OF_SESSION: i32 = 3;
/// How many digits a number has.
const DIGITS: usize = 10;
/// How long the servers keep the session of somebody who has locks, without a word.
const LOCK_SESSION_MS: i32 = 2000;
/// What the ids are numbered below.
const IDS: &str = "disprove-ids";

fn strange() -> Trouble {
    Trouble::Doubtful(Reason::from("a node has no number"))
}

/// The number at the end of a name.
fn number(name: &str) -> Result<i64, Trouble> {
    let digits = name.len().checked_sub(DIGITS).and_then(|start| name.get(start..));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(strange)
}

/// The name with the smallest number.
fn first(names: Vec<String>) -> Result<Option<String>, Trouble> {
    let mut first: Option<(i64, String)> = None;
    for name in names {
        let number = number(&name)?;
        if first.as_ref().is_none_or(|(smallest, _)| number < *smallest) {
            first = Some((number, name));
        }
    }
    Ok(first.map(|(_, name)| name))
}

impl Session {
    /// Makes a numbered node below another one, which is made where it is not there, and returns its whole name.
    async fn number_below(&mut self, parent: &str, begin: &str, kind: i32) -> Result<String, Trouble> {
        let path = format!("{parent}/{begin}");
        let made = match self.make(&path, "", kind).await? {
            Err(NO_NODE) => {
                // Whoever makes it first, it stays.
                self.create(parent, "").await?;
                self.make(&path, "", kind).await?
            }
            made => made,
        };
        made.map_err(trouble)
    }

    async fn mutex(&mut self, call: &lock::Call) -> Result<Locked, Trouble> {
        let (key, parent) = (call.key(), path(call.key()));
        match call {
            lock::Call::Acquire(..) => {
                let own = self.number_below(&parent, "lock-", NUMBERED_OF_SESSION).await?;
                // The server has its own session's node by now, and all that were made before.
                let first = first(self.names_below(&parent).await?)?;
                if first.is_some_and(|first| own == format!("{parent}/{first}")) {
                    self.locks.insert(key.clone(), own);
                    return Ok(Locked::Acquired);
                }
                self.remove(&own).await?;
                Err(Trouble::Refused("somebody else has the lock".into()))
            }
            lock::Call::Release(..) => {
                let Some(own) = self.locks.remove(key) else {
                    return Err(Trouble::Refused("the lock was not taken in this session".into()));
                };
                // Where it has gone with its session, there is nothing left to give back; and where a server refuses this, it
                // goes with its session.
                match self.remove(&own).await {
                    Err(Trouble::Refused(reason)) => Err(Trouble::Doubtful(reason)),
                    done => done.map(|_| Locked::Released),
                }
            }
        }
    }

    async fn queue(&mut self, call: &queue::Call) -> Result<queue::Return, Trouble> {
        let parent = path(call.key());
        match call {
            queue::Call::Enqueue(_, element) => {
                self.number_below(&parent, &format!("{element}-"), NUMBERED).await?;
                Ok(queue::Return::Enqueued)
            }
            queue::Call::Dequeue(_) => {
                let Some(first) = self.head(&parent).await? else { return Ok(queue::Return::Empty) };
                let element = first[..first.len() - DIGITS].trim_end_matches('-');
                match self.remove(&format!("{parent}/{first}")).await? {
                    true => Ok(queue::Return::Dequeued(parse(element))),
                    false => Err(Trouble::Refused("another session took the element".into())),
                }
            }
        }
    }

    /// The name of the element that comes out next. Where that cannot be told, nothing was taken.
    async fn head(&mut self, parent: &str) -> Result<Option<String>, Trouble> {
        let found = async {
            self.before_read().await?;
            first(self.names_below(parent).await?)
        };
        match found.await {
            Err(Trouble::Doubtful(reason)) => {
                self.end();
                Err(Trouble::Refused(reason))
            }
            found => found,
        }
    }

    async fn ids(&mut self, _: &ids::Call) -> Result<ids::Return, Trouble> {
        let parent = format!("/{}{IDS}", self.prefix);
        let made = self.number_below(&parent, "id-", NUMBERED).await?;
        Ok(ids::Return::Id(number(&made)?.into()))
    }
}

speaks! {
    Session, opened by ZookeeperClients as |clients, _, node| Session::open(&clients.0, node).await?;
    Queue: queue;
    Ids: ids;
}

speaks! {
    Session, opened by ZookeeperClients as |clients, _, node|
        Session::open_for(&clients.0, node, LOCK_SESSION_MS).await?;
    Mutex: mutex;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_number_is_first_whatever_stands_before_it() {
        let names = ["9-0000000012", "1-0000000013", "77-0000000003"].map(str::to_owned);
        assert_eq!(first(names.to_vec()).unwrap().as_deref(), Some("77-0000000003"));
        assert_eq!(first(Vec::new()).unwrap(), None);
        assert!(first(vec!["short".into()]).is_err());
        assert_eq!(number("/disprove-ids/id-0000000042").unwrap(), 42);
    }
}
