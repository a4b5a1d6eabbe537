//! An append-only log per key: append an entry, read from an offset on.

use serde::{Deserialize, Serialize};

use super::{
    On, Vocabulary,
    list_append::{List, Lists},
};
use crate::{Key, Value};

/// A log under a key. Its entries are numbered without gaps; the first has the offset that the header's initial value
/// says, or 0.
#[derive(Clone, Copy, Debug)]
pub struct Log;

/// What is asked of a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Appends one entry.
    Append(Key, Value),
    /// Reads every entry from this offset to the end.
    Read(Key, u64),
    /// Reads some entries from this offset on, or none: a batch that need not reach the end.
    Poll(Key, u64),
}

/// What a log answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The entry was acknowledged, under this offset where that was told.
    Appended(Option<u64>),
    /// The entries, the first of them at the offset that was asked for.
    Entries(List),
}

impl Call {
    /// The one log a call touches.
    pub fn key(&self) -> &Key {
        match self {
            Self::Append(key, _) | Self::Read(key, _) | Self::Poll(key, _) => key,
        }
    }
}

impl Vocabulary for Log {
    const NAME: &'static str = "log";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Append(..) => "append",
            Call::Read(..) => "read",
            Call::Poll(..) => "poll",
        }
    }

    fn keys(call: &Call) -> Vec<Key> {
        vec![call.key().clone()]
    }

    fn is_read(call: &Call) -> bool {
        !matches!(call, Call::Append(..))
    }

    fn share_lists(returned: &mut Return, lists: &mut Lists) {
        if let Return::Entries(entries) = returned {
            // The answer does not name its log, and logs that differ share nothing.
            *entries = lists.share(&Key::Nil, entries);
        }
    }

    fn describe_call(call: &Call) -> String {
        match call {
            Call::Append(key, entry) => format!("append{} {entry}", On(key)),
            Call::Read(key, 0) => format!("read{}", On(key)),
            Call::Read(key, from) => format!("read{} from {from}", On(key)),
            Call::Poll(key, from) => format!("poll{} from {from}", On(key)),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Appended(Some(offset)) => format!("appended at {offset}"),
            Return::Appended(None) => "appended".into(),
            Return::Entries(entries) => super::list_append::describe_list(entries),
        }
    }
}
