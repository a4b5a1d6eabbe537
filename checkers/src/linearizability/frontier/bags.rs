//! What a position has used of the unknown operations, as a number.

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// How many unknown operations of each kind were used, as `(kind, used)` in the order of the kinds.
type Uses = SmallVec<[(u32, u32); 2]>;

/// Numbers for what was used of the unknown operations.
#[derive(Debug)]
pub(super) struct Bags {
    bags: Vec<Uses>,
    numbers: FxHashMap<Uses, u32>,
}

impl Bags {
    pub fn new() -> Self {
        Self { bags: vec![Uses::new()], numbers: std::iter::once((Uses::new(), 0)).collect() }
    }

    pub fn used(&self, bag: u32, kind: u32) -> u32 {
        self.bags[bag as usize].iter().find(|uses| uses.0 == kind).map_or(0, |uses| uses.1)
    }

    /// How many operations were used in all.
    pub fn size(&self, bag: u32) -> u32 {
        self.bags[bag as usize].iter().map(|uses| uses.1).sum()
    }

    fn number(&mut self, uses: Uses) -> u32 {
        let fresh = u32::try_from(self.bags.len()).expect("fewer bags than memory has bytes");
        let bags = &mut self.bags;
        *self.numbers.entry(uses).or_insert_with_key(|uses| {
            bags.push(uses.clone());
            fresh
        })
    }

    pub fn with_one(&mut self, bag: u32, kind: u32) -> u32 {
        let mut uses = self.bags[bag as usize].clone();
        match uses.binary_search_by_key(&kind, |uses| uses.0) {
            Ok(place) => uses[place].1 += 1,
            Err(place) => uses.insert(place, (kind, 1)),
        }
        self.number(uses)
    }

    pub fn without(&mut self, bag: u32, kinds: &[u32]) -> u32 {
        if bag == 0 || kinds.is_empty() {
            return bag;
        }
        let mut uses = self.bags[bag as usize].clone();
        uses.retain(|(kind, _)| !kinds.contains(kind));
        self.number(uses)
    }

    /// Whether nothing was used more than in the other.
    pub fn within(&self, bag: u32, other: u32) -> bool {
        bag == other || self.bags[bag as usize].iter().all(|&(kind, used)| used <= self.used(other, kind))
    }

    pub fn bytes(&self) -> u64 {
        self.bags.len() as u64 * (2 * size_of::<Uses>() as u64 + 12)
    }
}
