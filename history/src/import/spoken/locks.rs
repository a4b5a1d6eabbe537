//! How locks, semaphores and leases are written.

use super::{Said, Shape, Spoken, foreign};
use crate::{
    Key, Outcome, Vocabulary,
    import::tape::{Token, View},
    vocabulary::{
        FencedLock, Lease, Mutex, ReadWriteLock, ReentrantMutex, Semaphore, lease,
        lock::{self, Owner},
        read_write_lock::{self, Mode},
        semaphore,
    },
};

/// What a call about a lock says besides its name.
struct Asked<'a> {
    key: Key,
    value: View<'a>,
}

impl<'a> Asked<'a> {
    fn new(said: &Said<'a>, shape: &mut Shape) -> Result<Self, String> {
        let (key, value) = shape.split(said, said.value.pair().is_some())?;
        Ok(Self { key, value })
    }

    /// The client that is named, or else the process.
    fn owner(&self, said: &Said<'_>) -> Result<Owner, String> {
        match self.value.member(&[b"client", b"owner"]) {
            Some(owner) => Ok(owner.value()),
            None if said.process.is_nil() => {
                Err("has neither a :process nor a :client, so it is not known who holds the lock".into())
            }
            None => Ok(said.process.value()),
        }
    }

    /// A number that is the value or a member of it.
    fn number(&self, names: &[&[u8]]) -> Result<Option<u64>, String> {
        number(self.value, names)
    }
}

fn number(value: View<'_>, names: &[&[u8]]) -> Result<Option<u64>, String> {
    match value.member(names).unwrap_or(value).token() {
        Token::Int(number) => {
            Ok(Some(u64::try_from(number).map_err(|_| "has a negative number where none can be")?))
        }
        _ => Ok(None),
    }
}

fn is_acquire(said: &Said<'_>, vocabulary: &str) -> Result<bool, String> {
    match said.f {
        b"acquire" | b"lock" | b"try-lock" | b"try-acquire" => Ok(true),
        b"release" | b"unlock" => Ok(false),
        other => Err(foreign(other, vocabulary)),
    }
}

fn lock_call(said: &Said<'_>, shape: &mut Shape, vocabulary: &str) -> Result<lock::Call, String> {
    let acquire = is_acquire(said, vocabulary)?;
    let asked = Asked::new(said, shape)?;
    let owner = asked.owner(said)?;
    Ok(if acquire { lock::Call::Acquire(asked.key, owner) } else { lock::Call::Release(asked.key, owner) })
}

/// What follows the key in an answer.
fn answered<'a>(said: &Said<'a>, key: &Key, shape: &mut Shape) -> Result<View<'a>, String> {
    if said.value.is_nil() { Ok(said.value) } else { shape.answered(said, key) }
}

macro_rules! locks {
    ($($name:ident: $fenced:literal),*) => { $(
        impl Spoken for $name {
            fn call(said: &Said<'_>, shape: &mut Shape) -> Result<lock::Call, String> {
                lock_call(said, shape, Self::NAME)
            }

            fn answer(
                said: &Said<'_>,
                call: &mut lock::Call,
                shape: &mut Shape,
            ) -> Result<Outcome<lock::Return>, String> {
                let value = answered(said, call.key(), shape)?;
                Ok(Outcome::Ok(match call {
                    lock::Call::Acquire(..) if $fenced => {
                        let token = number(value, &[b"fence", b"token"])?;
                        token.map_or(lock::Return::Acquired, lock::Return::Fenced)
                    }
                    lock::Call::Acquire(..) => lock::Return::Acquired,
                    lock::Call::Release(..) => lock::Return::Released,
                }))
            }

            fn refused(_: &lock::Call) -> Option<lock::Return> {
                Some(lock::Return::Refused)
            }
        }
    )* };
}

locks!(Mutex: false, ReentrantMutex: false, FencedLock: true);

fn mode(name: &[u8]) -> Option<Mode> {
    match name {
        b"read" | b"shared" => Some(Mode::Shared),
        b"write" | b"exclusive" => Some(Mode::Exclusive),
        _ => None,
    }
}

impl Spoken for ReadWriteLock {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<read_write_lock::Call, String> {
        let asked = Asked::new(said, shape)?;
        let owner = asked.owner(said)?;
        let (acquire, mode) = match said.f {
            b"acquire-shared" | b"acquire-read" | b"read-lock" => (true, Mode::Shared),
            b"acquire-exclusive" | b"acquire-write" | b"write-lock" => (true, Mode::Exclusive),
            b"release-shared" | b"release-read" | b"read-unlock" => (false, Mode::Shared),
            b"release-exclusive" | b"release-write" | b"write-unlock" => (false, Mode::Exclusive),
            _ => {
                let named = asked.value.member(&[b"mode"]).unwrap_or(asked.value).name().and_then(mode);
                let named = named.ok_or("does not say whether it means the :read or the :write lock")?;
                (is_acquire(said, Self::NAME)?, named)
            }
        };
        Ok(if acquire {
            read_write_lock::Call::Acquire(asked.key, owner, mode)
        } else {
            read_write_lock::Call::Release(asked.key, owner, mode)
        })
    }

    fn answer(
        _: &Said<'_>,
        call: &mut read_write_lock::Call,
        _: &mut Shape,
    ) -> Result<Outcome<read_write_lock::Return>, String> {
        Ok(Outcome::Ok(match call {
            read_write_lock::Call::Acquire(..) => read_write_lock::Return::Acquired,
            read_write_lock::Call::Release(..) => read_write_lock::Return::Released,
        }))
    }

    fn refused(_: &read_write_lock::Call) -> Option<read_write_lock::Return> {
        Some(read_write_lock::Return::Refused)
    }
}

impl Spoken for Semaphore {
    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<semaphore::Call, String> {
        let acquire = is_acquire(said, Self::NAME)?;
        let asked = Asked::new(said, shape)?;
        let permits = asked.number(&[b"permits"])?.unwrap_or(1);
        Ok(if acquire {
            semaphore::Call::Acquire(asked.key, permits)
        } else {
            semaphore::Call::Release(asked.key, permits)
        })
    }

    fn answer(
        _: &Said<'_>,
        call: &mut semaphore::Call,
        _: &mut Shape,
    ) -> Result<Outcome<semaphore::Return>, String> {
        Ok(Outcome::Ok(match call {
            semaphore::Call::Acquire(..) => semaphore::Return::Acquired,
            semaphore::Call::Release(..) => semaphore::Return::Released,
        }))
    }

    fn refused(_: &semaphore::Call) -> Option<semaphore::Return> {
        Some(semaphore::Return::Refused)
    }
}

impl Spoken for Lease {
    const TIMED: bool = true;

    fn call(said: &Said<'_>, shape: &mut Shape) -> Result<lease::Call, String> {
        let asked = Asked::new(said, shape)?;
        let owner = asked.owner(said)?;
        let time = || {
            let time = asked.number(&[b"duration", b"ttl"])?;
            time.ok_or_else(|| "does not say for how many nanoseconds the lease is".to_owned())
        };
        match said.f {
            b"acquire" => Ok(lease::Call::Acquire(asked.key.clone(), owner, time()?)),
            b"renew" => Ok(lease::Call::Renew(asked.key.clone(), owner, time()?)),
            b"release" => Ok(lease::Call::Release(asked.key, owner)),
            other => Err(foreign(other, Self::NAME)),
        }
    }

    fn answer(_: &Said<'_>, call: &mut lease::Call, _: &mut Shape) -> Result<Outcome<lease::Return>, String> {
        Ok(Outcome::Ok(match call {
            lease::Call::Acquire(..) => lease::Return::Acquired,
            lease::Call::Renew(..) => lease::Return::Renewed,
            lease::Call::Release(..) => lease::Return::Released,
        }))
    }

    fn refused(_: &lease::Call) -> Option<lease::Return> {
        Some(lease::Return::Refused)
    }
}
