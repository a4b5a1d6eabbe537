//! The middle of the switch: does to each packet what is imposed on its link.
//!
//! The order of the stages is: cut, loss, keeping back what ends connections, reset, corruption, duplication (the copy stays
//! undamaged), reordering, bandwidth, delay.

use super::{
    clock::Nanos,
    delivery::Delivery,
    ethernet::HEADER,
    fate::Fate,
    held::{Due, Held},
    lag::LagMeter,
    link::{LinkState, OVERTAKE_WITHIN},
    outlet::{Marks, Parcel},
    packet,
    policy::Shape,
    segment,
};
use crate::{Endpoint, Link};

/// The most entries that are released before the ports have their turn.
const RELEASE_MAX: usize = 256;

/// Stands for the time of a packet that waits to be overtaken.
const HELD_BACK: Nanos = Nanos::MAX;

/// All links, and what is under way on them.
pub(super) struct Shaper {
    seed: u64,
    links: Vec<LinkState>,
    pub(super) held: Held,
    pub(super) delivery: Delivery,
}

/// What the shaper is about to do to a packet, for the capture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Plan {
    /// Nothing.
    Pass,
    /// Drop it, as nothing passes.
    Cut,
    /// What chance decides.
    Chance(Fate),
}

impl Shaper {
    pub(super) fn new(seed: u64, endpoints: &[Endpoint], delivery: Delivery) -> Self {
        let links: Vec<LinkState> = endpoints
            .iter()
            .flat_map(|from| endpoints.iter().map(|to| LinkState::new(Link { from: *from, to: *to })))
            .collect();
        Self { seed, held: Held::new(links.len()), links, delivery }
    }

    /// Counts a packet that came in, and says what is to be done to it.
    pub(super) fn plan(&mut self, link: usize) -> Plan {
        let state = &mut self.links[link];
        state.see();
        if state.shape.cut {
            Plan::Cut
        } else if state.shape.is_plain() {
            Plan::Pass
        } else {
            Plan::Chance(state.fate(self.seed))
        }
    }

    /// Does to a packet what was planned. The frame is the packet with room for a header before it.
    pub(super) fn admit(&mut self, link: usize, plan: Plan, frame: &mut [u8], clock: impl FnOnce() -> Nanos) {
        let counts = &self.delivery.counters.links[link];
        match plan {
            Plan::Pass => self.delivery.deliver(link, Marks::default(), frame),
            Plan::Cut => counts.cut.add(1),
            Plan::Chance(fate) if fate.lost => counts.lost.add(1),
            Plan::Chance(fate) if fate.hush && segment::is_end(&frame[HEADER..]) => counts.hushed.add(1),
            Plan::Chance(fate) => self.shape(link, fate, frame, clock()),
        }
    }

    /// Takes a packet that is not lost through the later stages.
    fn shape(&mut self, link: usize, fate: Fate, frame: &mut [u8], now: Nanos) {
        let mut frame = frame;
        if fate.reset
            && let Some(length) = segment::into_reset(&mut frame[HEADER..])
        {
            self.delivery.counters.links[link].reset.add(1);
            frame = &mut frame[..HEADER + length];
        }
        let copy: Option<Box<[u8]>> = fate.duplicate.then(|| frame[..].into());
        let past = self.links[link].shape.corrupt_past_checksum;
        let corrupted = fate.corrupt && packet::damage(&mut frame[HEADER..], fate.bit, past);
        let marks = Marks { corrupted, ..Marks::default() };
        let mut held_back = false;
        if fate.overtakers > 0 {
            let parcel = Parcel { bytes: frame[..].into(), link, marks };
            held_back = self.links[link].hold_back(parcel, fate.jitter, fate.overtakers, now).is_ok();
        }
        match held_back {
            true => self.held.remind(now + OVERTAKE_WITHIN, link),
            false => self.launch(link, marks, fate.jitter, frame, now),
        }
        if let Some(mut copy) = copy {
            let marks = Marks { duplicate: true, ..Marks::default() };
            self.launch(link, marks, fate.duplicate_jitter, &mut copy, now);
        }
        if !held_back {
            self.links[link].overtake();
            self.release_overtaken(link, now);
        }
    }

    /// Sends a packet over the link: it arrives at once, later, or not at all if the link is full.
    fn launch(&mut self, link: usize, mut marks: Marks, jitter: f64, frame: &mut [u8], now: Nanos) {
        let packet = &frame[HEADER..];
        let arrival = self.links[link].arrival(now, packet, packet::flow_of(packet), jitter);
        let taken = match arrival {
            None => false,
            Some(at) if at <= now => {
                self.delivery.deliver(link, marks, frame);
                true
            }
            Some(at) => {
                marks.delayed = true;
                self.held.push(at, Parcel { bytes: frame[..].into(), link, marks }).is_ok()
            }
        };
        if !taken {
            self.delivery.counters.links[link].overflowed.add(1);
        }
    }

    /// Sends on what has been held back long enough.
    fn release_overtaken(&mut self, link: usize, now: Nanos) {
        while let Some(mut released) = self.links[link].release(now) {
            let marks = released.parcel.marks;
            self.launch(link, marks, released.jitter, &mut released.parcel.bytes, now);
        }
    }

    /// Delivers what is due.
    pub(super) fn release(&mut self, lag: &LagMeter, clock: impl Fn() -> Nanos) {
        if self.held.earliest().is_none() {
            return;
        }
        for _ in 0..RELEASE_MAX {
            let now = clock();
            match self.held.pop(now) {
                None => return,
                Some((_, Due::Overdue(link))) => self.release_overtaken(link, now),
                Some((at, Due::Parcel(mut parcel))) => {
                    lag.record(now - at, 1);
                    self.delivery.deliver(parcel.link, parcel.marks, &mut parcel.bytes);
                }
            }
        }
    }

    /// Puts another shape of a link in force, and decides what becomes of the packets under way on it.
    pub(super) fn reshape(&mut self, link: usize, shape: Shape, now: Nanos) {
        if self.links[link].shape == shape {
            return;
        }
        let cut = shape.cut;
        let mut under_way = self.held.take_link(link);
        self.links[link].reshape(shape, now);
        under_way.extend(self.links[link].release_all().into_iter().map(|parcel| (HELD_BACK, parcel)));
        if cut {
            let waiting = self.delivery.drop_waiting(link);
            self.delivery.counters.links[link].cut.add(under_way.len() as u64 + waiting);
            return;
        }
        for (before, mut parcel) in under_way {
            let packet = &parcel.bytes[HEADER..];
            let after = self.links[link].arrival(now, packet, packet::flow_of(packet), 0.0);
            // What was held back has no time of its own; a link that is too busy for it drops it.
            let at = match (before, after) {
                (HELD_BACK, None) => {
                    self.delivery.counters.links[link].overflowed.add(1);
                    continue;
                }
                (before, after) => after.unwrap_or(before).min(before),
            };
            if at <= now {
                self.delivery.deliver(link, parcel.marks, &mut parcel.bytes);
            } else {
                parcel.marks.delayed = true;
                if self.held.push(at, parcel).is_err() {
                    self.delivery.counters.links[link].overflowed.add(1);
                }
            }
        }
    }
}
