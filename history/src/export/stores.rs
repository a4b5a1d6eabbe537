//! Key-value stores, counters, logs, queues, bags and generators of ids.

use super::{Exported, list, scalar, under};
use crate::{
    Key, Value,
    import::{NOT_KNOWN, REFUSED},
    vocabulary::{
        Bag, Counter, Ids, KeyValue, Log, PriorityQueue, Queue, Stack, bag, counter, ids, key_value, log,
        queue,
    },
};

fn entries(entries: &[(Key, Value)]) -> String {
    let each = entries.iter().map(|(key, value)| format!("[{} {}]", scalar(key), scalar(value)));
    format!("[{}]", each.collect::<Vec<_>>().join(" "))
}

impl Exported for KeyValue {
    fn value(call: &key_value::Call, returned: Option<&key_value::Return>, keyed: bool) -> String {
        use key_value::{Call, Return};
        match (call, returned) {
            (Call::Get(key), Some(Return::Value(Some(value)))) => under(key, &scalar(value), keyed),
            (Call::Delete(key), Some(Return::Deleted(was_there))) => {
                under(key, &was_there.to_string(), keyed)
            }
            (Call::Get(key) | Call::Delete(key), _) => under(key, "nil", keyed),
            (Call::Put(key, value) | Call::Append(key, value), _) => under(key, &scalar(value), keyed),
            (Call::Cas(key, from, to), _) => under(key, &format!("[{} {}]", scalar(from), scalar(to)), keyed),
            (Call::Range(..) | Call::MultiGet(_), Some(Return::Entries(read))) => entries(read),
            (Call::Range(from, to), _) => format!("[{} {}]", scalar(from), scalar(to)),
            (Call::MultiGet(keys), _) => list(keys),
            (Call::MultiPut(put), _) => entries(put),
        }
    }

    fn exception(returned: &key_value::Return) -> Option<(&'static str, &'static str)> {
        match returned {
            key_value::Return::Refused => Some(("fail", REFUSED)),
            key_value::Return::Value(None) => Some(("info", NOT_KNOWN)),
            _ => None,
        }
    }
}

impl Exported for Counter {
    fn value(call: &counter::Call, returned: Option<&counter::Return>, keyed: bool) -> String {
        use counter::{Call, Return};
        let value = match (call, returned) {
            (Call::Add(_, number), Some(Return::Value(Some(now)))) => format!("[{number} {now}]"),
            (Call::Add(_, number), _) => number.to_string(),
            (Call::Read(_), Some(Return::Value(Some(now)))) => now.to_string(),
            (Call::Read(_), _) => "nil".into(),
        };
        under(call.key(), &value, keyed)
    }

    fn exception(returned: &counter::Return) -> Option<(&'static str, &'static str)> {
        match returned {
            counter::Return::Refused => Some(("fail", REFUSED)),
            counter::Return::Value(None) => Some(("info", NOT_KNOWN)),
            _ => None,
        }
    }
}

impl Exported for Log {
    fn value(call: &log::Call, returned: Option<&log::Return>, keyed: bool) -> String {
        let value = match (call, returned) {
            (log::Call::Append(_, entry), Some(log::Return::Appended(Some(offset)))) => {
                format!("[{offset} {}]", scalar(entry))
            }
            (log::Call::Append(_, entry), _) => scalar(entry),
            (_, Some(log::Return::Entries(read))) => list(read),
            (log::Call::Read(_, from) | log::Call::Poll(_, from), _) => from.to_string(),
        };
        under(call.key(), &value, keyed)
    }
}

macro_rules! queues {
    ($($name:ident),*) => { $(
        impl Exported for $name {
            fn f(call: &queue::Call) -> &'static str {
                match call {
                    queue::Call::Enqueue(..) => "enqueue",
                    queue::Call::Dequeue(_) => "dequeue",
                }
            }

            fn value(call: &queue::Call, returned: Option<&queue::Return>, keyed: bool) -> String {
                let value = match (call, returned) {
                    (queue::Call::Enqueue(_, element), _) => scalar(element),
                    (queue::Call::Dequeue(_), Some(queue::Return::Dequeued(element))) => scalar(element),
                    (queue::Call::Dequeue(_), _) => "nil".into(),
                };
                under(call.key(), &value, keyed)
            }
        }
    )* };
}

queues!(Queue, Stack, PriorityQueue);

impl Exported for Bag {
    fn value(call: &bag::Call, returned: Option<&bag::Return>, keyed: bool) -> String {
        let value = match (call, returned) {
            (bag::Call::Add(_, element), _) => scalar(element),
            (bag::Call::Take(_), Some(bag::Return::Taken(element))) => scalar(element),
            (bag::Call::Read(_), Some(bag::Return::Elements(elements))) => list(elements),
            _ => "nil".into(),
        };
        under(call.key(), &value, keyed)
    }
}

impl Exported for Ids {
    fn value(_: &ids::Call, returned: Option<&ids::Return>, _: bool) -> String {
        returned.map_or_else(|| "nil".into(), |ids::Return::Id(id)| scalar(id))
    }
}
