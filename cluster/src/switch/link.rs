//! One direction between two ports: what is imposed on it, and when its packets arrive.

use std::collections::VecDeque;

use super::{
    bucket::Bucket,
    clock::Nanos,
    fate::{Fate, Fates},
    outlet::Parcel,
    policy::Shape,
};
use crate::Link;

/// How long a packet waits at most for others to overtake it.
pub(super) const OVERTAKE_WITHIN: Nanos = 20_000_000;

/// The most packets of a link that wait to be overtaken.
const OVERTAKEN_MAX: usize = 64;

/// A packet that is held back until others have passed.
#[derive(Debug)]
pub(super) struct Overtaken {
    pub(super) parcel: Parcel,
    pub(super) jitter: f64,
    /// How many packets are still to pass before it.
    left: u64,
    /// Whether any has.
    passed: bool,
    /// When it goes on in any case.
    until: Nanos,
}

/// The state of one link.
#[derive(Debug)]
pub(super) struct LinkState {
    link: Link,
    pub(super) shape: Shape,
    /// How many packets have come in.
    seen: u64,
    bucket: Bucket,
    /// Made when chance is first asked, as most links never do.
    fates: Option<Box<Fates>>,
    /// When the last packet of each flow arrives, where jitter could let them overtake each other.
    flows: Option<Box<[Nanos; 256]>>,
    overtaken: VecDeque<Overtaken>,
}

impl LinkState {
    pub(super) fn new(link: Link) -> Self {
        Self {
            link,
            shape: Shape::default(),
            seen: 0,
            bucket: Bucket::default(),
            fates: None,
            flows: None,
            overtaken: VecDeque::new(),
        }
    }

    /// Counts a packet that came in.
    pub(super) fn see(&mut self) {
        self.seen += 1;
    }

    /// The fate of the packet that came in last.
    pub(super) fn fate(&mut self, seed: u64) -> Fate {
        let fates = self.fates.get_or_insert_with(|| Box::new(Fates::new(seed, self.link)));
        fates.fate(self.seen - 1, &self.shape)
    }

    /// When a packet that is sent on now arrives, or nothing if the link is too busy to take it.
    pub(super) fn arrival(&mut self, now: Nanos, packet: &[u8], flow: u8, jitter: f64) -> Option<Nanos> {
        let shape = &self.shape;
        let left = match shape.bandwidth_bits {
            0 => now,
            bits => self.bucket.admit(now, packet.len(), bits)?,
        };
        let at = left + (shape.delay + jitter).max(0.0) as Nanos;
        if shape.uniform + shape.normal + shape.exponential == 0.0 {
            return Some(at);
        }
        let flows = self.flows.get_or_insert_with(|| Box::new([0; 256]));
        let last = &mut flows[usize::from(flow)];
        *last = at.max(*last);
        Some(*last)
    }

    /// Puts another shape in force. Chance goes on where it was; queues begin anew.
    pub(super) fn reshape(&mut self, shape: Shape, now: Nanos) {
        self.bucket = Bucket::default();
        // What is still under way will have arrived by then, so no packet with a negative jitter overtakes it.
        let settled = now + shape.delay as Nanos;
        self.flows = self.flows.take().map(|_| Box::new([settled; 256]));
        self.shape = shape;
    }

    /// Holds a packet back, or gives it back if too many are.
    pub(super) fn hold_back(
        &mut self,
        parcel: Parcel,
        jitter: f64,
        overtakers: u64,
        now: Nanos,
    ) -> Result<(), Parcel> {
        if self.overtaken.len() >= OVERTAKEN_MAX {
            return Err(parcel);
        }
        let until = now + OVERTAKE_WITHIN;
        self.overtaken.push_back(Overtaken { parcel, jitter, left: overtakers, passed: false, until });
        Ok(())
    }

    /// Notes that a packet has passed those that are held back.
    pub(super) fn overtake(&mut self) {
        for overtaken in &mut self.overtaken {
            overtaken.left = overtaken.left.saturating_sub(1);
            overtaken.passed = true;
        }
    }

    /// Takes out the next packet that has been held back long enough.
    pub(super) fn release(&mut self, now: Nanos) -> Option<Overtaken> {
        let place = self.overtaken.iter().position(|held| held.left == 0 || held.until <= now)?;
        let mut released = self.overtaken.remove(place)?;
        released.parcel.marks.overtaken = released.passed;
        released.parcel.marks.delayed = true;
        Some(released)
    }

    /// Takes out all packets that are held back, in the order in which they came.
    pub(super) fn release_all(&mut self) -> Vec<Parcel> {
        self.overtaken.drain(..).map(|held| held.parcel).collect()
    }
}
