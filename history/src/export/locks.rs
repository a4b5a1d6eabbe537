//! Locks, semaphores and leases.

use super::{Exported, scalar, under};
use crate::{
    import::REFUSED,
    vocabulary::{
        FencedLock, Lease, Mutex, ReadWriteLock, ReentrantMutex, Semaphore, lease, lock, read_write_lock,
        semaphore,
    },
};

const FAILED: Option<(&str, &str)> = Some(("fail", REFUSED));

macro_rules! locks {
    ($($name:ident),*) => { $(
        impl Exported for $name {
            fn value(call: &lock::Call, returned: Option<&lock::Return>, keyed: bool) -> String {
                let client = scalar(call.owner());
                let value = match returned {
                    Some(lock::Return::Fenced(token)) => format!("{{:client {client}, :fence {token}}}"),
                    _ => format!("{{:client {client}}}"),
                };
                under(call.key(), &value, keyed)
            }

            fn exception(returned: &lock::Return) -> Option<(&'static str, &'static str)> {
                matches!(returned, lock::Return::Refused).then_some(FAILED).flatten()
            }
        }
    )* };
}

locks!(Mutex, ReentrantMutex, FencedLock);

impl Exported for ReadWriteLock {
    fn value(call: &read_write_lock::Call, _: Option<&read_write_lock::Return>, keyed: bool) -> String {
        let (read_write_lock::Call::Acquire(key, owner, _) | read_write_lock::Call::Release(key, owner, _)) =
            call;
        under(key, &format!("{{:client {}}}", scalar(owner)), keyed)
    }

    fn exception(returned: &read_write_lock::Return) -> Option<(&'static str, &'static str)> {
        matches!(returned, read_write_lock::Return::Refused).then_some(FAILED).flatten()
    }
}

impl Exported for Semaphore {
    fn value(call: &semaphore::Call, _: Option<&semaphore::Return>, keyed: bool) -> String {
        let (semaphore::Call::Acquire(key, permits) | semaphore::Call::Release(key, permits)) = call;
        under(key, &permits.to_string(), keyed)
    }

    fn exception(returned: &semaphore::Return) -> Option<(&'static str, &'static str)> {
        matches!(returned, semaphore::Return::Refused).then_some(FAILED).flatten()
    }
}

impl Exported for Lease {
    fn value(call: &lease::Call, _: Option<&lease::Return>, keyed: bool) -> String {
        let value = match call {
            lease::Call::Acquire(_, owner, time) | lease::Call::Renew(_, owner, time) => {
                format!("{{:client {}, :duration {time}}}", scalar(owner))
            }
            lease::Call::Release(_, owner) => format!("{{:client {}}}", scalar(owner)),
        };
        under(call.key(), &value, keyed)
    }

    fn exception(returned: &lease::Return) -> Option<(&'static str, &'static str)> {
        matches!(returned, lease::Return::Refused).then_some(FAILED).flatten()
    }
}
