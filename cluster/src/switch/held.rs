//! Packets that are under way: what is due when.

use std::{cmp::Ordering, collections::BinaryHeap};

use super::{clock::Nanos, outlet::Parcel};

/// The most packets and bytes that are under way on one link, and the most bytes on all.
const LINK_PACKETS_MAX: usize = 16_384;
const LINK_BYTES_MAX: usize = 32 << 20;
const BYTES_MAX: usize = 256 << 20;

/// What is to be done at some time.
#[derive(Debug)]
pub(super) enum Due {
    /// A packet is to be delivered.
    Parcel(Parcel),
    /// A packet that is held back on this link has waited long enough for others to overtake it.
    Overdue(usize),
}

/// An entry of the heap; those of the same time come in the order in which they were put there.
#[derive(Debug)]
struct Entry {
    at: Nanos,
    sequence: u64,
    due: Due,
}

impl Ord for Entry {
    /// The heap gives its greatest first, so the earliest is the greatest.
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.sequence).cmp(&(self.at, self.sequence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

/// All that is under way.
#[derive(Debug)]
pub(super) struct Held {
    heap: BinaryHeap<Entry>,
    sequence: u64,
    bytes: usize,
    /// Packets and bytes of each link.
    links: Vec<(usize, usize)>,
}

impl Held {
    pub(super) fn new(links: usize) -> Self {
        Self { heap: BinaryHeap::new(), sequence: 0, bytes: 0, links: vec![(0, 0); links] }
    }

    /// Puts a packet on its way, or gives it back if too much is under way.
    pub(super) fn push(&mut self, at: Nanos, parcel: Parcel) -> Result<(), Parcel> {
        let (packets, bytes) = &mut self.links[parcel.link];
        let size = parcel.bytes.len();
        if *packets >= LINK_PACKETS_MAX || *bytes + size > LINK_BYTES_MAX || self.bytes + size > BYTES_MAX {
            return Err(parcel);
        }
        (*packets, *bytes, self.bytes) = (*packets + 1, *bytes + size, self.bytes + size);
        self.enter(at, Due::Parcel(parcel));
        Ok(())
    }

    /// Has the packets looked at that are held back on a link.
    pub(super) fn remind(&mut self, at: Nanos, link: usize) {
        self.enter(at, Due::Overdue(link));
    }

    fn enter(&mut self, at: Nanos, due: Due) {
        self.heap.push(Entry { at, sequence: self.sequence, due });
        self.sequence += 1;
    }

    /// When the next is due.
    pub(super) fn earliest(&self) -> Option<Nanos> {
        self.heap.peek().map(|entry| entry.at)
    }

    /// Takes out the next that is due, with the time at which it was.
    pub(super) fn pop(&mut self, now: Nanos) -> Option<(Nanos, Due)> {
        if self.earliest()? > now {
            return None;
        }
        let entry = self.heap.pop()?;
        if let Due::Parcel(parcel) = &entry.due {
            self.forget(parcel.link, parcel.bytes.len());
        }
        Some((entry.at, entry.due))
    }

    /// Takes out all packets of a link, in order.
    pub(super) fn take_link(&mut self, link: usize) -> Vec<(Nanos, Parcel)> {
        if self.links[link].0 == 0 {
            return Vec::new();
        }
        let of_link = |entry: &Entry| matches!(&entry.due, Due::Parcel(parcel) if parcel.link == link);
        let (mut taken, others): (Vec<Entry>, Vec<Entry>) =
            std::mem::take(&mut self.heap).into_iter().partition(of_link);
        self.heap = others.into();
        taken.sort_unstable_by(|a, b| b.cmp(a));
        let mut parcels = Vec::with_capacity(taken.len());
        for entry in taken {
            if let Due::Parcel(parcel) = entry.due {
                self.forget(link, parcel.bytes.len());
                parcels.push((entry.at, parcel));
            }
        }
        parcels
    }

    fn forget(&mut self, link: usize, size: usize) {
        let (packets, bytes) = &mut self.links[link];
        (*packets, *bytes, self.bytes) = (*packets - 1, *bytes - size, self.bytes - size);
    }
}

#[cfg(test)]
mod tests {
    use super::{super::outlet::Marks, *};

    fn parcel(link: usize, tag: u8, size: usize) -> Parcel {
        Parcel { bytes: vec![tag; size].into(), link, marks: Marks::default() }
    }

    fn tags(held: &mut Held, now: Nanos) -> Vec<u8> {
        std::iter::from_fn(|| held.pop(now))
            .map(|(_, due)| match due {
                Due::Parcel(parcel) => parcel.bytes[0],
                Due::Overdue(_) => 0,
            })
            .collect()
    }

    #[test]
    fn the_earliest_comes_first_and_equals_keep_their_order() {
        let mut held = Held::new(4);
        for (at, tag) in [(30, 1), (10, 2), (20, 3), (10, 4), (30, 5)] {
            held.push(at, parcel(1, tag, 10)).unwrap();
        }
        held.remind(15, 1);
        assert_eq!(held.earliest(), Some(10));
        assert!(tags(&mut held, 9).is_empty());
        assert_eq!(tags(&mut held, 20), [2, 4, 0, 3]);
        assert_eq!(tags(&mut held, 100), [1, 5]);
        assert_eq!((held.earliest(), held.bytes), (None, 0));
    }

    #[test]
    fn a_link_is_emptied_without_touching_others() {
        let mut held = Held::new(4);
        for (at, link, tag) in [(30, 1, 1), (10, 2, 2), (20, 1, 3), (10, 1, 4)] {
            held.push(at, parcel(link, tag, 10)).unwrap();
        }
        let taken: Vec<_> = held.take_link(1).iter().map(|(at, parcel)| (*at, parcel.bytes[0])).collect();
        assert_eq!(taken, [(10, 4), (20, 3), (30, 1)]);
        assert_eq!((tags(&mut held, 100), held.bytes), (vec![2], 0));
    }

    #[test]
    fn links_are_bounded_in_packets_and_in_bytes() {
        let mut held = Held::new(4);
        let taken = (0..LINK_PACKETS_MAX + 10).filter(|_| held.push(1, parcel(1, 0, 1)).is_ok()).count();
        assert_eq!(taken, LINK_PACKETS_MAX);
        let taken = (0..100).filter(|_| held.push(1, parcel(2, 0, 1 << 20)).is_ok()).count();
        assert_eq!(taken, 32);
        held.take_link(1);
        held.push(1, parcel(1, 0, 1)).unwrap();
    }
}
