//! Random calls of every vocabulary and what they return.

use disprove_history::{
    Key, Value,
    vocabulary::{
        Bag, Bank, Counter, FencedLock, Ids, KeyValue, Lease, Log, LongFork, MultiRegister, Mutex, Predicate,
        PriorityQueue, Queue, ReadWriteLock, ReentrantMutex, RwRegister, Semaphore, Stack, bag, bank,
        counter, ids, key_value, lease, lock, log, predicate, queue, read_write_lock, rw_register, semaphore,
    },
};

use super::{Made, Random};

impl Made for MultiRegister {
    fn make(random: &mut Random) -> (Vec<rw_register::Step>, Vec<rw_register::Answer>) {
        RwRegister::make(random)
    }
}

fn entries(random: &mut Random) -> Vec<(Key, Value)> {
    (0..random.below(4)).map(|_| (random.key(), random.value())).collect()
}

impl Made for KeyValue {
    fn make(random: &mut Random) -> (key_value::Call, key_value::Return) {
        use key_value::{Call, Return};
        let key = random.key();
        match random.below(12) {
            0 => (Call::Get(key), Return::Value(Some(Value::Nil))),
            1 => (Call::Get(key), Return::Value(None)),
            2 => (Call::Get(key), Return::Value(Some(random.value()))),
            3 => (Call::Put(key, random.value()), Return::Done),
            4 => (Call::Append(key, random.value()), Return::Done),
            5 => (Call::Cas(key, random.value(), random.value()), Return::Swapped),
            6 => (Call::Cas(key, random.value(), random.value()), Return::Refused),
            7 => (Call::Delete(key), Return::Done),
            8 => (Call::Delete(key), Return::Deleted(random.below(2) == 0)),
            9 => (Call::Range(key, Value::Nil), Return::Entries(entries(random))),
            10 => (Call::MultiGet(vec![key, random.key()]), Return::Entries(entries(random))),
            _ => (Call::MultiPut(entries(random)), Return::Done),
        }
    }
}

impl Made for Counter {
    fn make(random: &mut Random) -> (counter::Call, counter::Return) {
        use counter::{Call, Return};
        let (key, number) = (random.key(), random.next() as i64 >> random.below(64));
        match random.below(6) {
            0 => (Call::Add(key, number), Return::Added),
            1 => (Call::Add(key, number), Return::Value(Some(number / 2))),
            2 => (Call::Add(key, number), Return::Refused),
            3 => (Call::Add(key, number), Return::Value(None)),
            4 => (Call::Read(key), Return::Value(None)),
            _ => (Call::Read(key), Return::Value(Some(number))),
        }
    }
}

impl Made for Log {
    fn make(random: &mut Random) -> (log::Call, log::Return) {
        use log::{Call, Return};
        let (key, offset) = (random.key(), random.below(9) as u64);
        match random.below(4) {
            0 => (Call::Append(key, random.value()), Return::Appended(None)),
            1 => (Call::Append(key, random.value()), Return::Appended(Some(offset))),
            2 => (Call::Read(key, offset), Return::Entries(random.values().into())),
            _ => (Call::Poll(key, offset), Return::Entries(random.values().into())),
        }
    }
}

macro_rules! queues {
    ($($name:ident),*) => { $(
        impl Made for $name {
            fn make(random: &mut Random) -> (queue::Call, queue::Return) {
                let key = random.key();
                match random.below(4) {
                    0 | 1 => (queue::Call::Enqueue(key, random.value()), queue::Return::Enqueued),
                    2 => (queue::Call::Dequeue(key), queue::Return::Empty),
                    _ => (queue::Call::Dequeue(key), queue::Return::Dequeued(random.value())),
                }
            }
        }
    )* };
}

queues!(Queue, Stack, PriorityQueue);

impl Made for Bag {
    fn make(random: &mut Random) -> (bag::Call, bag::Return) {
        let key = random.key();
        match random.below(4) {
            0 => (bag::Call::Add(key, random.value()), bag::Return::Added),
            1 => (bag::Call::Take(key), bag::Return::Empty),
            2 => (bag::Call::Take(key), bag::Return::Taken(random.value())),
            _ => (bag::Call::Read(key), bag::Return::Elements(random.values())),
        }
    }
}

macro_rules! locks {
    ($($name:ident: $acquired:expr),*) => { $(
        impl Made for $name {
            fn make(random: &mut Random) -> (lock::Call, lock::Return) {
                let (key, owner) = (random.key(), random.value());
                match random.below(4) {
                    0 => (lock::Call::Acquire(key, owner), $acquired(random.below(100) as u64)),
                    1 => (lock::Call::Acquire(key, owner), lock::Return::Refused),
                    2 => (lock::Call::Release(key, owner), lock::Return::Refused),
                    _ => (lock::Call::Release(key, owner), lock::Return::Released),
                }
            }
        }
    )* };
}

locks!(
    Mutex: |_| lock::Return::Acquired,
    ReentrantMutex: |_| lock::Return::Acquired,
    FencedLock: lock::Return::Fenced
);

impl Made for ReadWriteLock {
    fn make(random: &mut Random) -> (read_write_lock::Call, read_write_lock::Return) {
        use read_write_lock::{Call, Mode, Return};
        let (key, owner) = (random.key(), random.value());
        let mode = [Mode::Shared, Mode::Exclusive][random.below(2)];
        match random.below(3) {
            0 => (Call::Acquire(key, owner, mode), Return::Acquired),
            1 => (Call::Acquire(key, owner, mode), Return::Refused),
            _ => (Call::Release(key, owner, mode), Return::Released),
        }
    }
}

impl Made for Semaphore {
    fn make(random: &mut Random) -> (semaphore::Call, semaphore::Return) {
        use semaphore::{Call, Return};
        let (key, permits) = (random.key(), random.below(5) as u64);
        match random.below(3) {
            0 => (Call::Acquire(key, permits), Return::Acquired),
            1 => (Call::Acquire(key, permits), Return::Refused),
            _ => (Call::Release(key, permits), Return::Released),
        }
    }
}

impl Made for Lease {
    fn make(random: &mut Random) -> (lease::Call, lease::Return) {
        use lease::{Call, Return};
        let (key, owner, time) = (random.key(), random.value(), random.below(1000) as u64);
        match random.below(4) {
            0 => (Call::Acquire(key, owner, time), Return::Acquired),
            1 => (Call::Acquire(key, owner, time), Return::Refused),
            2 => (Call::Renew(key, owner, time), Return::Renewed),
            _ => (Call::Release(key, owner), Return::Released),
        }
    }
}

impl Made for Ids {
    fn make(random: &mut Random) -> (ids::Call, ids::Return) {
        (ids::Call::Generate, ids::Return::Id(random.value()))
    }
}

impl Made for Bank {
    fn make(random: &mut Random) -> (bank::Call, bank::Return) {
        use bank::{Call, Return};
        let account = |random: &mut Random| Key::Int(random.below(8) as i64);
        if random.below(2) == 0 {
            let amount = random.below(9) as i64 - 2;
            return (Call::Transfer(account(random), account(random), amount), Return::Transferred);
        }
        let mut balances: Vec<(Key, Option<i64>)> = (0..random.below(4))
            .map(|_| (account(random), Some(random.below(100) as i64 - 5).filter(|balance| *balance != 0)))
            .collect();
        balances.sort();
        (Call::Read, Return::Balances(balances))
    }
}

impl Made for LongFork {
    fn make(random: &mut Random) -> (Vec<rw_register::Step>, Vec<rw_register::Answer>) {
        RwRegister::make(random)
    }
}

fn rows(random: &mut Random) -> Vec<(Key, Value)> {
    let mut rows = entries(random);
    rows.sort();
    rows
}

fn condition(random: &mut Random) -> predicate::Condition {
    use predicate::Condition;
    match random.below(5) {
        0 => Condition::All,
        1 => Condition::Equals(random.value()),
        2 => Condition::Modulo(1 + random.below(5) as i64, random.below(5) as i64),
        3 => Condition::Between(random.value(), random.value()),
        _ => Condition::Keys(random.key(), random.key()),
    }
}

impl Made for Predicate {
    fn make(random: &mut Random) -> (predicate::Call, predicate::Return) {
        use predicate::{Answer, Call, Return, Step};
        if random.below(10) == 0 {
            return (Call::Init(rows(random)), Return::Done);
        }
        let step = |random: &mut Random| {
            let (key, value) = (random.key(), random.value());
            match random.below(7) {
                0 => (Step::Read(key.clone()), Answer::Read(key, None)),
                1 => (Step::Read(key.clone()), Answer::Read(key, Some(value))),
                2 => (Step::Write(key.clone(), value.clone()), Answer::Write(key, value)),
                3 => (Step::Insert(key.clone(), value.clone()), Answer::Insert(key, value)),
                4 => (Step::Delete(key.clone()), Answer::Delete(key)),
                other => {
                    let wanted = condition(random);
                    let found = if other == 5 { None } else { Some(rows(random)) };
                    (Step::Select(wanted.clone()), Answer::Select(wanted, found))
                }
            }
        };
        let (steps, answers) = (0..random.below(4)).map(|_| step(random)).unzip();
        (Call::Transaction(steps), Return::Transaction(answers))
    }
}
