//! Which keys are live.

use history::Key;
use rustc_hash::FxHashMap;

use super::forgotten::Forgotten;

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
    /// Steps on keys that came back.
    pub returned: u64,
}

impl Keys {
    /// A step of a call that begins. False where the key was forgotten.
    pub fn begin(&mut self, key: &Key, now: u64) -> bool {
        if let Some(touch) = self.live.get_mut(key) {
            (touch.last, touch.under_way) = (now, touch.under_way + 1);
            return true;
        }
        if self.forgotten.contains(key) {
            return false;
        }
        self.live.insert(key.clone(), Touch { last: now, under_way: 1 });
        true
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
        self.forgotten.contains(key)
    }

    /// Forgets the keys that nobody has touched since so many calls had begun. True where there are any.
    pub fn settle(&mut self, before: u64) -> bool {
        let (live, forgotten) = (self.live.len(), &mut self.forgotten);
        self.live.retain(|key, touch| {
            let is_live = touch.under_way > 0 || touch.last >= before;
            if !is_live {
                forgotten.insert(key);
            }
            is_live
        });
        self.live.len() < live
    }
}
