//! What must come before what: the edges of the graph, while it is being gathered.

use crate::Relation;

/// No such index.
pub(super) const NONE: u32 = u32::MAX;

/// What an edge says. `Pass` continues the edge that led to a hub, and says nothing of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Ww,
    Wr,
    Rw,
    Process,
    Realtime,
    Pass,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Ww, Self::Wr, Self::Rw, Self::Process, Self::Realtime, Self::Pass];

    /// As one bit of a mask.
    pub const fn bit(self) -> u8 {
        1 << self as u8
    }

    /// How it is told to people; `None` for a passage.
    pub fn relation(self) -> Option<Relation> {
        match self {
            Self::Ww => Some(Relation::Ww),
            Self::Wr => Some(Relation::Wr),
            Self::Rw => Some(Relation::Rw),
            Self::Process => Some(Relation::Process),
            Self::Realtime => Some(Relation::Realtime),
            Self::Pass => None,
        }
    }
}

/// Where an edge leads and what it says, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target(u32);

impl Target {
    const KIND_BITS: u32 = 3;
    /// The most nodes that fit.
    const NODES_MAX: u32 = 1 << (32 - Self::KIND_BITS);

    pub fn new(node: u32, kind: Kind) -> Self {
        assert!(node < Self::NODES_MAX, "more transactions than any memory holds");
        Self(node << Self::KIND_BITS | kind as u32)
    }

    pub fn node(self) -> u32 {
        self.0 >> Self::KIND_BITS
    }

    pub fn kind(self) -> Kind {
        Kind::ALL[(self.0 & ((1 << Self::KIND_BITS) - 1)) as usize]
    }

    /// The same edge to another node.
    pub fn moved(self, node: u32) -> Self {
        Self(node << Self::KIND_BITS | (self.0 & ((1 << Self::KIND_BITS) - 1)))
    }
}

/// Edges between transactions, which are the nodes below `transactions`, and hubs, which are the others.
#[derive(Debug)]
pub(super) struct Edges {
    pub pairs: Vec<(u32, Target)>,
    pub transactions: u32,
    pub nodes: u32,
}

impl Edges {
    pub fn new(transactions: u32) -> Self {
        Self { pairs: Vec::new(), transactions, nodes: transactions }
    }

    /// A new node that is no transaction.
    pub fn hub(&mut self) -> u32 {
        self.nodes += 1;
        self.nodes - 1
    }

    pub fn add(&mut self, from: u32, to: u32, kind: Kind) {
        if from != to {
            self.pairs.push((from, Target::new(to, kind)));
        }
    }

    /// An edge from every source to every target that is not itself, through hubs where there would be too many. The
    /// targets are in order and without repetition.
    pub fn cross(&mut self, sources: &[u32], targets: &[u32], kind: Kind) {
        let (some, others) = (sources.len() as u64, targets.len() as u64);
        if some * others <= 4 * (some + others) {
            for &source in sources {
                targets.iter().for_each(|&target| self.add(source, target, kind));
            }
            return;
        }
        // One chain of hubs leads to the targets up to a place, the other to those from a place on, so that a source
        // which is itself a target can step around itself.
        let first = self.nodes;
        let count = targets.len() as u32;
        self.nodes += 2 * count;
        let (upto, from) = (|place: u32| first + place, |place: u32| first + count + place);
        for (place, &target) in (0..count).zip(targets) {
            self.add(upto(place), target, Kind::Pass);
            self.add(from(place), target, Kind::Pass);
            if place > 0 {
                self.add(upto(place), upto(place - 1), Kind::Pass);
                self.add(from(place - 1), from(place), Kind::Pass);
            }
        }
        for &source in sources {
            match targets.binary_search(&source) {
                Err(_) => self.add(source, from(0), kind),
                Ok(place) => {
                    let place = place as u32;
                    if place > 0 {
                        self.add(source, upto(place - 1), kind);
                    }
                    if place + 1 < count {
                        self.add(source, from(place + 1), kind);
                    }
                }
            }
        }
    }
}
