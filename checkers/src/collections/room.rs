//! Counters, one per slot, that are raised and lowered over ranges.

/// Counters in a binary tree: a node holds the smallest counter below it, less what was added to its parents.
pub(super) struct Room {
    /// The number of leaves, a power of two. Node 1 is the root; node `n` has the children `2n` and `2n + 1`.
    leaves: usize,
    /// What was added to all leaves of a node.
    added: Vec<i64>,
    /// The smallest leaf of a node, with what was added to it and below it.
    smallest: Vec<i64>,
}

/// Larger than any sum of single steps.
pub(super) const CLOSED: i64 = 1 << 32;

impl Room {
    /// Counters with these values.
    pub fn new(values: impl ExactSizeIterator<Item = i64>) -> Self {
        let leaves = values.len().next_power_of_two();
        let mut smallest = vec![CLOSED; 2 * leaves];
        for (slot, value) in values.enumerate() {
            smallest[leaves + slot] = value;
        }
        for node in (1..leaves).rev() {
            smallest[node] = smallest[2 * node].min(smallest[2 * node + 1]);
        }
        Self { leaves, added: vec![0; leaves], smallest }
    }

    /// Adds to every counter of a range.
    pub fn add(&mut self, range: std::ops::Range<u32>, change: i64) {
        if range.is_empty() {
            return;
        }
        let (mut low, mut high) = (self.leaves + range.start as usize, self.leaves + range.end as usize);
        let (first, last) = (low, high - 1);
        while low < high {
            if low & 1 == 1 {
                self.put(low, change);
                low += 1;
            }
            if high & 1 == 1 {
                high -= 1;
                self.put(high, change);
            }
            low /= 2;
            high /= 2;
        }
        self.renew(first);
        self.renew(last);
    }

    fn put(&mut self, node: usize, change: i64) {
        self.smallest[node] += change;
        if node < self.leaves {
            self.added[node] += change;
        }
    }

    fn renew(&mut self, leaf: usize) {
        let mut node = leaf / 2;
        while node > 0 {
            self.smallest[node] = self.smallest[2 * node].min(self.smallest[2 * node + 1]) + self.added[node];
            node /= 2;
        }
    }

    /// The first slot from `from` on whose counter is not above zero.
    pub fn first_open(&self, from: u32) -> Option<u32> {
        let mut node = self.leaves + from as usize;
        if node >= 2 * self.leaves {
            return None;
        }
        // What was added to the parents of a node counts for all below them.
        let mut above: i64 = 0;
        let mut parent = node / 2;
        while parent > 0 {
            above += self.added[parent];
            parent /= 2;
        }
        while self.smallest[node] + above > 0 {
            while node & 1 == 1 {
                node /= 2;
                if node <= 1 {
                    return None;
                }
                above -= self.added[node];
            }
            node += 1;
        }
        while node < self.leaves {
            above += self.added[node];
            node *= 2;
            if self.smallest[node] + above > 0 {
                node += 1;
            }
        }
        u32::try_from(node - self.leaves).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_plain_counters() {
        let mut seed = 7u64;
        let mut next = |below: u64| {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (seed >> 33) % below
        };
        for size in 1..40u32 {
            let mut plain: Vec<i64> = (0..size).map(|_| next(3) as i64).collect();
            let mut room = Room::new(plain.clone().into_iter());
            for _ in 0..200 {
                let (a, b) = (next(u64::from(size) + 1) as u32, next(u64::from(size) + 1) as u32);
                let change = next(5) as i64 - 2;
                for slot in a.min(b)..a.max(b) {
                    plain[slot as usize] += change;
                }
                room.add(a.min(b)..a.max(b), change);
                for from in 0..size {
                    let expected = (from..size).find(|&slot| plain[slot as usize] <= 0);
                    assert_eq!(room.first_open(from), expected, "{plain:?} from {from}");
                }
            }
        }
    }
}
