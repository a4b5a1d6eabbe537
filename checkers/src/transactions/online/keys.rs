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
    live: FxHashMap<Key, Touch>,
    forgotten: Forgotten,
    /// Transactions that touched keys which were forgotten, other than by reading again what they were left with.
    pub returned: u64,
    /// Some of the keys they touched.
    pub strayed: BTreeSet<Key>,
}

impl Keys {
    /// A step of a call that begins. False where the key was forgotten.
    pub fn begin(&mut self, key: &Key, now: u64) -> bool {
        if let Some(touch) = self.live.get_mut(key) {
            (touch.last, touch.under_way) = (now, touch.under_way + 1);
            return true;
        }
        if self.is_forgotten(key) {
            return false;
        }
        self.live.insert(key.clone(), Touch { last: now, under_way: 1 });
        true
    }

    /// A transaction touched keys that were forgotten, in a way that may mean something.
    fn stray<'k>(&mut self, keys: impl Iterator<Item = &'k Key>) {
        let before = self.returned;
        for key in keys {
            self.returned = before + 1;
            if self.strayed.len() < STRAYED_MAX {
                self.strayed.insert(key.clone());
            }
        }
    }

    /// Takes the steps out of a call that touch forgotten keys. What is appended to one was never judged.
    pub fn leave_out(&mut self, call: &mut Vec<Step>, keep: &[bool]) {
        let left_out = call.iter().zip(keep).filter(|(_, keep)| !**keep).map(|(step, _)| step);
        self.stray(left_out.filter(|step| matches!(step, Step::Append(..))).map(Step::key));
        let mut kept = keep.iter();
        call.retain(|_| kept.next() == Some(&true));
    }

    /// Takes the answers out that are about forgotten keys. A list that is what its key was left with says no more than that
    /// its last append came before this transaction, which nothing that is still to come can contradict.
    pub fn leave_answers_out(&mut self, answers: &mut Vec<Answer>, keep: &[bool]) {
        let left_out = answers.iter().zip(keep).filter(|(_, keep)| !**keep).map(|(answer, _)| answer);
        let changed: Vec<Key> = left_out
            .filter_map(|answer| match answer {
                Answer::Read(key, Some(list)) if !self.is_as_left(key, list) => Some(key.clone()),
                _ => None,
            })
            .collect();
        self.stray(changed.iter());
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

    /// Whether a list is what the key was left with when it was forgotten.
    pub fn is_as_left(&self, key: &Key, list: &[Value]) -> bool {
        self.forgotten.get(key) == Some(checksum(list))
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
