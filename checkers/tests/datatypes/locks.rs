//! Locks, semaphores and leases, as plainly as can be.

use std::collections::BTreeMap;

use history::{
    Value,
    vocabulary::{
        FencedLock, Lease, Mutex, ReadWriteLock, ReentrantMutex, Semaphore, lease, lock,
        read_write_lock::{self, Mode},
        semaphore,
    },
};

use crate::naive::{Dice, Naive, any_key};

type Map<T> = BTreeMap<Value, T>;

fn lock_call(dice: &mut Dice, owner: i64) -> lock::Call {
    let key = any_key(dice);
    match dice.roll(2) {
        0 => lock::Call::Acquire(key, Value::Int(owner)),
        _ => lock::Call::Release(key, Value::Int(owner)),
    }
}

/// A lock is the list of those who hold it, each as often as it took it.
type Holders = Vec<Value>;

fn lock_run(state: &Map<Holders>, call: &lock::Call, reentrant: bool) -> Vec<(lock::Return, Map<Holders>)> {
    let mut holders = state.get(call.key()).cloned().unwrap_or_default();
    let (owner, may) = match call {
        lock::Call::Acquire(_, owner) => {
            (owner, holders.is_empty() || reentrant && holders.iter().all(|holder| holder == owner))
        }
        lock::Call::Release(_, owner) => (owner, holders.contains(owner)),
    };
    if !may {
        return vec![(lock::Return::Refused, state.clone())];
    }
    let returned = match call {
        lock::Call::Acquire(..) => {
            holders.push(owner.clone());
            lock::Return::Acquired
        }
        lock::Call::Release(..) => {
            holders.pop();
            lock::Return::Released
        }
    };
    let mut next = state.clone();
    next.insert(call.key().clone(), holders);
    vec![(returned, next)]
}

macro_rules! mutexes {
    ($($(#[$doc:meta])* $name:ident: $vocabulary:ty, $reentrant:literal;)*) => { $(
        $(#[$doc])*
        pub struct $name;

        impl Naive for $name {
            type V = $vocabulary;
            type State = Map<Holders>;

            fn start(_: &Value) -> Self::State {
                Map::new()
            }

            fn call(dice: &mut Dice, owner: i64, _: i64) -> lock::Call {
                lock_call(dice, owner)
            }

            fn run(state: &Self::State, call: &lock::Call, _: u64) -> Vec<(lock::Return, Self::State)> {
                lock_run(state, call, $reentrant)
            }
        }
    )* };
}

mutexes! {
    /// A plain lock.
    Mutexes: Mutex, false;
    /// A lock that its owner may take again.
    ReentrantMutexes: ReentrantMutex, true;
}

/// A lock with tokens up to 6.
pub struct FencedLocks;

impl Naive for FencedLocks {
    type V = FencedLock;
    /// The token at first, and the largest token of each lock that anybody was told.
    type State = (Option<u64>, Map<u64>, Map<Holders>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::Int(2)]
    }

    fn start(initial: &Value) -> Self::State {
        (if *initial == Value::Nil { None } else { Some(2) }, Map::new(), Map::new())
    }

    fn call(dice: &mut Dice, owner: i64, _: i64) -> lock::Call {
        lock_call(dice, owner)
    }

    fn run(state: &Self::State, call: &lock::Call, _: u64) -> Vec<(lock::Return, Self::State)> {
        let (first, tokens, holders) = state;
        let last = tokens.get(call.key()).copied().or(*first);
        let mut all = Vec::new();
        for (returned, holders) in lock_run(holders, call, false) {
            if returned == lock::Return::Acquired {
                for token in (0..=6).filter(|token| last.is_none_or(|last| *token > last)) {
                    let mut tokens = tokens.clone();
                    tokens.insert(call.key().clone(), token);
                    all.push((lock::Return::Fenced(token), (*first, tokens, holders.clone())));
                }
            }
            all.push((returned, (*first, tokens.clone(), holders)));
        }
        all
    }
}

/// A read-write lock.
pub struct ReadWriteLocks;

impl Naive for ReadWriteLocks {
    type V = ReadWriteLock;
    type State = Map<Vec<(Value, Mode)>>;

    fn start(_: &Value) -> Self::State {
        Map::new()
    }

    fn call(dice: &mut Dice, owner: i64, _: i64) -> read_write_lock::Call {
        use read_write_lock::Call;
        let (key, owner) = (any_key(dice), Value::Int(owner));
        let mode = if dice.percent(60) { Mode::Shared } else { Mode::Exclusive };
        if dice.percent(55) { Call::Acquire(key, owner, mode) } else { Call::Release(key, owner, mode) }
    }

    fn run(
        state: &Self::State,
        call: &read_write_lock::Call,
        _: u64,
    ) -> Vec<(read_write_lock::Return, Self::State)> {
        use read_write_lock::{Call, Return};
        let mut held = state.get(call.key()).cloned().unwrap_or_default();
        let granted = match call {
            Call::Acquire(_, owner, mode) => {
                let fits = match mode {
                    Mode::Exclusive => held.is_empty(),
                    Mode::Shared => held.iter().all(|(_, mode)| *mode == Mode::Shared),
                };
                fits.then(|| held.push((owner.clone(), *mode)))
            }
            Call::Release(_, owner, mode) => {
                let place = held.iter().position(|(holder, how)| holder == owner && how == mode);
                place.map(|at| drop(held.remove(at)))
            }
        };
        if granted.is_none() {
            return vec![(Return::Refused, state.clone())];
        }
        let mut next = state.clone();
        next.insert(call.key().clone(), held);
        vec![(if matches!(call, Call::Acquire(..)) { Return::Acquired } else { Return::Released }, next)]
    }
}

/// A semaphore.
pub struct Semaphores;

impl Naive for Semaphores {
    type V = Semaphore;
    type State = (i64, Map<i64>);

    fn initials() -> Vec<Value> {
        vec![Value::Nil, Value::Int(2), Value::Int(3)]
    }

    fn start(initial: &Value) -> Self::State {
        (if let Value::Int(permits) = initial { *permits } else { 1 }, Map::new())
    }

    fn call(dice: &mut Dice, _: i64, _: i64) -> semaphore::Call {
        let (key, permits) = (any_key(dice), 1 + dice.roll(2));
        match dice.roll(2) {
            0 => semaphore::Call::Acquire(key, permits),
            _ => semaphore::Call::Release(key, permits),
        }
    }

    fn run(
        (all, free): &Self::State,
        call: &semaphore::Call,
        _: u64,
    ) -> Vec<(semaphore::Return, Self::State)> {
        use semaphore::{Call, Return};
        let now = free.get(call.key()).copied().unwrap_or(*all);
        let (after, done) = match call {
            Call::Acquire(_, permits) => (now - *permits as i64, Return::Acquired),
            Call::Release(_, permits) => (now + *permits as i64, Return::Released),
        };
        if !(0..=*all).contains(&after) {
            return vec![(Return::Refused, (*all, free.clone()))];
        }
        let mut free = free.clone();
        free.insert(call.key().clone(), after);
        vec![(done, (*all, free))]
    }
}

/// A lease of up to five ticks.
pub struct Leases;

impl Naive for Leases {
    type V = Lease;
    /// Who has each lease, and when it was given or renewed for how long.
    type State = Map<(Value, u64, u64)>;
    const TIMED: bool = true;

    fn start(_: &Value) -> Self::State {
        Map::new()
    }

    fn call(dice: &mut Dice, owner: i64, _: i64) -> lease::Call {
        use lease::Call;
        let (key, owner, time) = (Value::from("x"), Value::Int(owner), 1 + dice.roll(5));
        match dice.roll(5) {
            0..3 => Call::Acquire(key, owner, time),
            3 => Call::Renew(key, owner, time),
            _ => Call::Release(key, owner),
        }
    }

    fn run(state: &Self::State, call: &lease::Call, now: u64) -> Vec<(lease::Return, Self::State)> {
        use lease::{Call, Return};
        let held = state.get(call.key());
        let over = held.is_none_or(|(_, from, time)| from + time <= now);
        let (Call::Acquire(_, owner, _) | Call::Renew(_, owner, _) | Call::Release(_, owner)) = call;
        let own = held.is_some_and(|(holder, ..)| holder == owner);
        let with = |time: u64| {
            let mut next = state.clone();
            next.insert(call.key().clone(), (owner.clone(), now, time));
            next
        };
        let mut free = state.clone();
        free.remove(call.key());
        let mut all = Vec::new();
        match call {
            Call::Acquire(_, _, time) => {
                if over || own {
                    all.push((Return::Acquired, with(*time)));
                }
                if held.is_some() {
                    all.push((Return::Refused, state.clone()));
                }
            }
            Call::Renew(_, _, time) if own => all.push((Return::Renewed, with(*time))),
            Call::Release(..) if own => all.push((Return::Released, free.clone())),
            Call::Renew(..) | Call::Release(..) => {}
        }
        if !matches!(call, Call::Acquire(..)) {
            if !own {
                all.push((Return::Refused, state.clone()));
            } else if over {
                all.push((Return::Refused, free));
            }
        }
        all
    }
}
