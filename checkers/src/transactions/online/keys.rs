//! Which keys are live.

use std::collections::BTreeSet;

use history::{
    Key, Value,
    vocabulary::list_append::{Answer, Step},
};
use rustc_hash::{FxHashMap, FxHashSet};

use super::forgotten::{Forgotten, Left, checksum};

/// The most keys that are named of those that came back.
const STRAYED_MAX: usize = 64;

/// Who touches a key.
#[derive(Clone, Copy, Debug, Default)]
struct Touch {
    /// How many calls had begun when one last began or ended that touches it.
    last: u64,
    /// How many steps of calls under way touch it.
    under_way: u32,
}

/// The keys that are live, and those that were forgotten.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The only keys that are looked at, where not all are.
    pub only: Option<FxHashSet<Key>>,
    live: FxHashMap<Key, Touch>,
    forgotten: Forgotten,
    /// Transactions that touched keys which were forgotten, other than by reading again what they were left with.
    pub returned: u64,
    /// Some of the keys they touched.
    pub strayed: BTreeSet<Key>,
}

impl Keys {
    /// A step of a call that begins. False where the key was forgotten, or is not looked at.
    pub fn begin(&mut self, key: &Key, now: u64) -> bool {
        if let Some(touch) = self.live.get_mut(key) {
            (touch.last, touch.under_way) = (now, touch.under_way + 1);
            return true;
        }
        if self.is_forgotten(key) || self.only.as_ref().is_some_and(|only| !only.contains(key)) {
            return false;
        }
        self.live.insert(key.clone(), Touch { last: now, under_way: 1 });
        true
    }

    /// A transaction touched these keys that were forgotten, in a way that may mean something.
    fn stray(&mut self, keys: Vec<Key>) {
        self.returned += u64::from(!keys.is_empty());
        for key in keys {
            if self.strayed.len() < STRAYED_MAX {
                self.strayed.insert(key);
            }
        }
    }

    /// Takes the steps out of a call that are left out. What is appended to a key that was forgotten was never judged.
    pub fn leave_out(&mut self, call: &mut Vec<Step>, keep: &[bool]) {
        let left_out = call.iter().zip(keep).filter(|(_, keep)| !**keep).map(|(step, _)| step);
        let appends =
            left_out.filter(|step| matches!(step, Step::Append(..)) && self.is_forgotten(step.key()));
        self.stray(appends.map(|step| step.key().clone()).collect());
        let mut kept = keep.iter();
        call.retain(|_| kept.next() == Some(&true));
    }

    /// Takes the answers out that are left out. A list that is what its key was left with says no more than that
    /// its last append came before this transaction, which nothing that is still to come can contradict.
    pub fn leave_answers_out(&mut self, answers: &mut Vec<Answer>, keep: &[bool]) {
        let left_out = answers.iter().zip(keep).filter(|(_, keep)| !**keep).map(|(answer, _)| answer);
        let changed = left_out.filter_map(|answer| match answer {
            Answer::Read(key, Some(list)) if self.is_changed(key, list) => Some(key.clone()),
            _ => None,
        });
        self.stray(changed.collect());
        let mut kept = keep.iter();
        answers.retain(|_| kept.next() == Some(&true));
    }

    /// A step of a call that has ended, or is not waited for any longer.
    pub fn end(&mut self, key: &Key, now: u64) {
        if let Some(touch) = self.live.get_mut(key) {
            (touch.last, touch.under_way) = (now, touch.under_way.saturating_sub(1));
        }
    }

    /// A step of a call that turned out to have touched a key.
    pub fn touch(&mut self, key: &Key, now: u64) -> bool {
        let is_known = self.begin(key, now);
        self.end(key, now);
        is_known
    }

    pub fn is_live(&self, key: &Key) -> bool {
        self.live.contains_key(key)
    }

    pub fn is_forgotten(&self, key: &Key) -> bool {
        self.forgotten.get(key).is_some()
    }

    /// Whether a list may be another than its key was left with when it was forgotten.
    fn is_changed(&self, key: &Key, list: &[Value]) -> bool {
        self.forgotten.get(key).is_some_and(|left| left != checksum(list))
    }

    /// The keys that nobody has touched since so many calls had begun.
    pub fn quiet(&self, before: u64) -> FxHashSet<Key> {
        let is_quiet = |touch: &Touch| touch.under_way == 0 && touch.last < before;
        self.live.iter().filter(|(_, touch)| is_quiet(touch)).map(|(key, _)| key.clone()).collect()
    }

    /// Forgets a key that was left so.
    pub fn forget(&mut self, key: &Key, left: Left) {
        if self.live.remove(key).is_some() {
            self.forgotten.insert(key, left);
        }
    }
}
