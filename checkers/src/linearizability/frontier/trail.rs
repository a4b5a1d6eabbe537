//! What happened on the way to each position.

use super::position::Position;
use crate::linearizability::timeline::NEVER;

/// What took effect on the way to a position: from which entry of the trail, what, at which rank; or, for a flash, just
/// before the write that took effect before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Footprint {
    pub from: u32,
    pub action: u32,
    pub rank: u32,
    pub flash: bool,
    /// Whether it is an unknown operation that had not been called.
    pub overdrawn: bool,
}

/// The footprints of all positions, which share their beginnings.
#[derive(Debug, Default)]
pub(super) struct Trail {
    footprints: Vec<Footprint>,
}

impl Trail {
    /// How many footprints there are.
    pub fn len(&self) -> usize {
        self.footprints.len()
    }

    /// How many bytes they take.
    pub fn bytes(&self) -> u64 {
        (self.footprints.capacity() * size_of::<Footprint>()) as u64
    }

    /// Adds a footprint and returns its number.
    pub fn add(&mut self, footprint: Footprint) -> u32 {
        let number = u32::try_from(self.footprints.len()).expect("fewer footprints than memory has bytes");
        self.footprints.push(footprint);
        number
    }

    /// The footprints that lead to the end of a trail, the last one first.
    pub fn back_from(&self, end: u32) -> impl Iterator<Item = Footprint> {
        let at = |number: u32| self.footprints.get(number as usize).copied();
        std::iter::successors(at(end), move |footprint| at(footprint.from))
    }

    /// Forgets what no position remembers any more.
    pub fn sweep<W>(&mut self, positions: &mut [Position<W>]) {
        let mut kept = vec![false; self.footprints.len()];
        for position in positions.iter() {
            let mut at = position.trail;
            while at != NEVER && !std::mem::replace(&mut kept[at as usize], true) {
                at = self.footprints[at as usize].from;
            }
        }
        let mut places = vec![NEVER; self.footprints.len()];
        let mut next = 0u32;
        for old in 0..self.footprints.len() {
            if kept[old] {
                let mut footprint = self.footprints[old];
                if footprint.from != NEVER {
                    footprint.from = places[footprint.from as usize];
                }
                self.footprints[next as usize] = footprint;
                places[old] = next;
                next += 1;
            }
        }
        self.footprints.truncate(next as usize);
        for position in positions {
            if position.trail != NEVER {
                position.trail = places[position.trail as usize];
            }
        }
    }
}
