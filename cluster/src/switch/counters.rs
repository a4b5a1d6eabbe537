//! What was counted: written by the thread of the switch alone, read by anybody at any time.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::{Deserialize, Serialize};

use crate::LinkCounters;

/// Packets that belonged to no link, and were dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Strays {
    /// IPv6, which the nodes do not use.
    pub ipv6: u64,
    /// For everybody or for a group.
    pub broadcast: u64,
    /// For an address that no port has, or the sender's own.
    pub unknown_destination: u64,
    /// Not a whole packet, or of a protocol below IP.
    pub malformed: u64,
    /// The device of the receiver did not take it, as one that is down.
    pub undeliverable: u64,
    /// Lost before the switch could read them, as it was too slow. Packet sockets tell; of TUN devices, the node's own
    /// count of dropped packets does.
    pub missed: u64,
    /// Missing from the capture, which was full or could not be written fast enough.
    pub uncaptured: u64,
}

/// A number that has one writer.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// Adds to it. A plain load and store: there is no second writer that could come between.
    pub(super) fn add(&self, more: u64) {
        self.0.store(self.0.load(Relaxed).wrapping_add(more), Relaxed);
    }

    /// What it has come to.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The numbers of one link.
#[derive(Debug, Default)]
pub(super) struct LinkCounts {
    pub(super) passed: Counter,
    pub(super) cut: Counter,
    pub(super) lost: Counter,
    pub(super) delayed: Counter,
    pub(super) duplicated: Counter,
    pub(super) reordered: Counter,
    pub(super) corrupted: Counter,
    pub(super) reset: Counter,
    pub(super) hushed: Counter,
    pub(super) overflowed: Counter,
    pub(super) bytes: Counter,
}

/// The numbers of everything that is no link's.
#[derive(Debug, Default)]
pub(super) struct StrayCounts {
    pub(super) ipv6: Counter,
    pub(super) broadcast: Counter,
    pub(super) unknown_destination: Counter,
    pub(super) malformed: Counter,
    pub(super) undeliverable: Counter,
    pub(super) missed: Counter,
    pub(super) uncaptured: Counter,
}

/// All numbers of a switch.
#[derive(Debug)]
pub(super) struct Counters {
    /// By `from * ports + to`.
    pub(super) links: Vec<LinkCounts>,
    pub(super) strays: StrayCounts,
}

impl Counters {
    pub(super) fn new(ports: usize) -> Self {
        let links = (0..ports * ports).map(|_| LinkCounts::default()).collect();
        Self { links, strays: StrayCounts::default() }
    }

    pub(super) fn link(&self, link: usize) -> LinkCounters {
        let counts = &self.links[link];
        LinkCounters {
            passed: counts.passed.get(),
            cut: counts.cut.get(),
            lost: counts.lost.get(),
            delayed: counts.delayed.get(),
            duplicated: counts.duplicated.get(),
            reordered: counts.reordered.get(),
            corrupted: counts.corrupted.get(),
            reset: counts.reset.get(),
            hushed: counts.hushed.get(),
            overflowed: counts.overflowed.get(),
            bytes: counts.bytes.get(),
        }
    }

    pub(super) fn strays(&self) -> Strays {
        Strays {
            ipv6: self.strays.ipv6.get(),
            broadcast: self.strays.broadcast.get(),
            unknown_destination: self.strays.unknown_destination.get(),
            malformed: self.strays.malformed.get(),
            undeliverable: self.strays.undeliverable.get(),
            missed: self.strays.missed.get(),
            uncaptured: self.strays.uncaptured.get(),
        }
    }
}
