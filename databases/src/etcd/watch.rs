//! Logs in etcd, as those see them who watch. A log is a key: an append is a write of it, whose place is how often the key was written
//! before, and who follows the log watches the key and counts what it is told. So whatever is told twice, not at all or in another order
//! stands at other places than those that the appends were told.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | a watch broke off, was ended by the server or could not begin | `Fail` | to watch changes nothing |
//! | nothing was told within a moment | no entries | who follows may be late |
//! | an append without an answer | `Unknown` | the proposal may be in the log already, and be applied later |
//!
//! A session has a connection to its member for what it asks, and one for each key that it watches, since a watch is an answer that never
//! ends. Where one of them ends the session is over. The next one goes on from the revision after the last that was seen, as
//! etcd's own clients do; whole logs are watched from the beginning, until the last write is told that a read of the key knew of.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use cluster::Node;
use history::{
    Key, Outcome, Reason, Value,
    vocabulary::{
        Log,
        log::{Call, Return},
    },
};

use super::{
    Etcd,
    client::{EtcdClients, open, parse},
    gateway::{Gateway, GatewayError},
    stream::{Change, Watch},
};
use crate::speaking::{Speaker, speaks};

/// How long is waited for what is told next.
const WAIT: Duration = Duration::from_millis(50);
/// How long is waited for what follows at once.
const AT_ONCE: Duration = Duration::from_millis(1);
/// The most entries that a poll returns.
const POLL_MAX: usize = 16;
/// The most logs that a session watches at a time.
const WATCHES_MAX: usize = 8;
/// The most places whose revisions are remembered.
const PLACES_MAX: usize = 1 << 20;

/// The revisions by which places of logs were seen, for all sessions of a run.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<BTreeMap<(Key, u64), u64>>>);

impl Seen {
    fn note(&self, key: &Key, place: u64, revision: u64) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() == PLACES_MAX {
            seen.clear();
        }
        seen.insert((key.clone(), place), revision);
    }

    /// From where somebody goes on who has seen a log up to this place: the revision, and how many entries are to be passed over.
    fn from(&self, key: &Key, place: u64) -> (u64, u64) {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = place.checked_sub(1).and_then(|last| seen.get(&(key.clone(), last)));
        // A watch from revision 0 would begin at the present. The first revision that anything can have is 1.
        last.map_or((1, place), |revision| (revision + 1, 0))
    }
}

/// One who follows a log.
struct Follower {
    watch: Watch,
    /// Where the next entry stands.
    place: u64,
    /// How many entries are yet to be passed over.
    skip: u64,
    /// What was told and not yet asked for.
    told: VecDeque<Change>,
    /// The highest revision that was told.
    revision: u64,
}

impl Follower {
    /// Takes up what is told within a time; whether anything was.
    async fn listen(&mut self, at_most: Duration) -> Result<bool, GatewayError> {
        let told = self.watch.changes(at_most).await?;
        let is_more = !told.is_empty();
        for change in told {
            self.revision = self.revision.max(change.revision);
            match self.skip {
                0 => self.told.push_back(change),
                _ => self.skip -= 1,
            }
        }
        Ok(is_more)
    }

    fn take(&mut self, key: &Key, most: usize, seen: &Seen) -> Vec<Value> {
        let count = self.told.len().min(most);
        let mut entries = Vec::with_capacity(count);
        for change in self.told.drain(..count) {
            seen.note(key, self.place, change.revision);
            self.place += 1;
            entries.push(parse(&change.value));
        }
        entries
    }
}

/// Opens sessions that know of each other what they have seen.
pub(super) struct Followers {
    clients: EtcdClients,
    seen: Seen,
}

impl Followers {
    pub(super) fn new(clients: EtcdClients) -> Self {
        Self { clients, seen: Seen::default() }
    }
}

/// A session.
struct Session {
    database: Etcd,
    node: Node,
    gateway: Gateway,
    followers: BTreeMap<Key, Follower>,
    seen: Seen,
    broken: bool,
}

impl Session {
    async fn open(followers: &Followers, node: &Node) -> Result<Self, Reason> {
        let database = followers.clients.0.clone();
        let gateway = open(&database, node).await?;
        let (node, seen) = (node.clone(), followers.seen.clone());
        Ok(Self { database, node, gateway, followers: BTreeMap::new(), seen, broken: false })
    }

    async fn log(&mut self, call: &Call) -> Result<Return, GatewayError> {
        match call {
            Call::Append(key, entry) => {
                let written = self.gateway.times_written(&key.to_string(), &entry.to_string()).await?;
                Ok(Return::Appended(Some(written)))
            }
            Call::Poll(key, from) => self.poll(key, *from).await,
            Call::Read(key, from) => self.whole(key, *from).await,
        }
    }

    async fn follow(
        &self,
        key: &Key,
        place: u64,
        (from, skip): (u64, u64),
    ) -> Result<Follower, GatewayError> {
        let gateway = Gateway::open(&self.database, &self.node).await?;
        let watch = Watch::open(gateway, &key.to_string(), from).await?;
        Ok(Follower { watch, place, skip, told: VecDeque::new(), revision: 0 })
    }

    async fn poll(&mut self, key: &Key, place: u64) -> Result<Return, GatewayError> {
        if self.followers.get(key).is_none_or(|follower| follower.place != place) {
            let follower = self.follow(key, place, self.seen.from(key, place)).await?;
            if self.followers.len() == WATCHES_MAX {
                self.followers.pop_first();
            }
            self.followers.insert(key.clone(), follower);
        }
        let Some(follower) = self.followers.get_mut(key) else {
            return Ok(Return::Entries(Vec::new().into()));
        };
        let mut patience = if follower.told.is_empty() { WAIT } else { AT_ONCE };
        while follower.told.len() < POLL_MAX && follower.listen(patience).await? {
            patience = AT_ONCE;
        }
        Ok(Return::Entries(follower.take(key, POLL_MAX, &self.seen).into()))
    }

    /// All entries from a place on, up to the last write that a read of the key knows of.
    async fn whole(&mut self, key: &Key, place: u64) -> Result<Return, GatewayError> {
        let Some(last) = self.gateway.revision_of(&key.to_string()).await? else {
            return Ok(Return::Entries(Vec::new().into()));
        };
        let mut follower = self.follow(key, place, (1, place)).await?;
        while follower.revision < last {
            follower.listen(WAIT).await?;
        }
        Ok(Return::Entries(follower.take(key, usize::MAX, &self.seen).into()))
    }
}

impl Speaker for Session {
    type Trouble = GatewayError;

    fn outcome<R>(&mut self, error: GatewayError, is_read: bool) -> Outcome<R> {
        // A connection is gone or in doubt; the next call is another session's.
        self.broken = true;
        error.outcome(is_read)
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Session, opened by Followers as |followers, _, node| Session::open(followers, node).await?;
    Log: log;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_goes_on_does_so_after_the_last_that_was_seen() {
        let (seen, key) = (Seen::default(), Key::from("l"));
        seen.note(&key, 0, 7);
        seen.note(&key, 1, 9);
        assert_eq!(seen.from(&key, 2), (10, 0));
        // Nobody knows where that is: all before it is passed over.
        assert_eq!(seen.from(&key, 5), (1, 5));
        assert_eq!(seen.from(&key, 0), (1, 0));
    }
}
