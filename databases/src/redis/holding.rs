//! Locks, leases and unique ids in Redis: a key with a time to live for each lock and lease, as Redis's own documentation
//! describes them, and a number that is counted up for the ids.
//!
//! Somebody else's lock or lease is told by the owner that is its value. A script compares it and does one thing then, which
//! is its last command, so an error says that nothing was done.

use history::vocabulary::{
    ids,
    lease::{self, Return as Leased},
    lock::{self, Return as Locked},
};

use super::{client::Commands, session::Trouble, wire::Reply};

/// How long a lock lasts of whose holder nothing is heard, in milliseconds.
const LOCK_MS: u64 = 2000;
/// Redis counts whole milliseconds: what is to last at least so long is given this much more.
const ROUNDING_MS: u64 = 2;
/// Removes the key of an owner.
const REMOVE: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0";
/// Lets the key of an owner begin its time anew.
const RENEW: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return 0";

fn milliseconds(nanos: u64) -> String {
    (nanos.div_ceil(1_000_000) + ROUNDING_MS).to_string()
}

impl Commands {
    /// Makes a key for an owner and a time; whether there was none.
    async fn make(&mut self, key: &str, owner: &str, milliseconds: &str) -> Result<bool, Trouble> {
        match self.session.ask(&["SET", key, owner, "NX", "PX", milliseconds]).await? {
            Reply::Status(_) => Ok(true),
            Reply::Text(None) => Ok(false),
            other => Err(Trouble::strange(&other)),
        }
    }

    /// Carries a script out that answers whether it did anything.
    async fn did(&mut self, script: &str, words: &[&str]) -> Result<bool, Trouble> {
        match self.session.ask(&[&["EVAL", script, "1"], words].concat()).await? {
            Reply::Integer(done) => Ok(done == 1),
            other => Err(Trouble::strange(&other)),
        }
    }

    pub(super) async fn mutex(&mut self, call: &lock::Call) -> Result<Locked, Trouble> {
        let (key, owner) = (call.key().to_string(), call.owner().to_string());
        match call {
            lock::Call::Acquire(..) => match self.make(&key, &owner, &LOCK_MS.to_string()).await? {
                true => Ok(Locked::Acquired),
                false => Err(Trouble::Refused("somebody else has the lock".into())),
            },
            lock::Call::Release(..) => {
                // Where it has ended meanwhile, there is nothing left to give back; and where a server refuses this, it ends
                // with its time.
                let given_back = self.did(REMOVE, &[&key, &owner]).await;
                given_back.map_err(|trouble| Trouble::Doubtful(trouble.word().clone()))?;
                Ok(Locked::Released)
            }
        }
    }

    pub(super) async fn lease(&mut self, call: &lease::Call) -> Result<Leased, Trouble> {
        let key = call.key().to_string();
        let (done, did) = match call {
            lease::Call::Acquire(_, owner, nanos) => {
                (Leased::Acquired, self.make(&key, &owner.to_string(), &milliseconds(*nanos)).await?)
            }
            lease::Call::Renew(_, owner, nanos) => {
                let words = [&key, &owner.to_string(), &milliseconds(*nanos)];
                (Leased::Renewed, self.did(RENEW, &words.map(String::as_str)).await?)
            }
            lease::Call::Release(_, owner) => {
                (Leased::Released, self.did(REMOVE, &[&key, &owner.to_string()]).await?)
            }
        };
        Ok(if did { done } else { Leased::Refused })
    }

    pub(super) async fn ids(&mut self, _: &ids::Call) -> Result<ids::Return, Trouble> {
        let key = self.ids.clone();
        match self.session.ask(&["INCR", &key]).await? {
            Reply::Integer(id) => Ok(ids::Return::Id(id.into())),
            other => Err(Trouble::strange(&other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_to_live_is_never_shorter_than_what_was_asked_for() {
        assert_eq!(milliseconds(2_000_000_000), "2002");
        assert_eq!(milliseconds(1), "3");
    }
}
