//! The levels that are judged without a given version order: names, what they mean, and which implies which.

use std::fmt;

/// A promise about transactions over plain registers.
///
/// A *session* is the transactions of one process, in their order. The levels without "session" in their name promise
/// nothing about it; the ones called strong or strict also respect real time. What AWDIT, Plume, Cobra and PolySI call read
/// committed, read atomic, causal, snapshot isolation and serializable are here
/// [`StrongSessionMonotonicAtomicView`](Self::StrongSessionMonotonicAtomicView),
/// [`StrongSessionReadAtomic`](Self::StrongSessionReadAtomic), [`CausalConvergent`](Self::CausalConvergent),
/// [`StrongSessionSnapshotIsolation`](Self::StrongSessionSnapshotIsolation) and
/// [`StrongSessionSerializable`](Self::StrongSessionSerializable).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Only final values of committed transactions are read, and information flows in no circle.
    ReadCommitted,
    /// What a transaction has seen of another it goes on to see.
    MonotonicAtomicView,
    /// A transaction that sees a part of another sees all of it.
    ReadAtomic,
    /// Read atomic, and who sees a transaction sees all that it saw; one order decides which value is newer.
    CausalCerone,
    /// All transactions read prefixes of one order of commits.
    Prefix,
    /// Causal, and of two transactions that write the same key one sees the other.
    ParallelSnapshotIsolation,
    /// Prefix, and of two transactions that write the same key one committed before the other began.
    SnapshotIsolation,
    /// One order of all transactions explains all reads.
    Serializable,
    /// A session sees its own earlier writes, or newer values.
    ReadYourWrites,
    /// A session never goes back to older values.
    MonotonicReads,
    /// The writes of a session are seen in its order.
    MonotonicWrites,
    /// Who sees a write sees the writes that its session had read before.
    WritesFollowReads,
    /// Every session agrees with some order of all writes that keeps each session's order.
    Pram,
    /// Every read agrees with what causality says must be visible to it.
    WeakCausal,
    /// Every session agrees with one order of values of its own, in which causes come before effects.
    Causal,
    /// All sessions agree with one order of values, in which causes come before effects.
    CausalConvergent,
    /// Every session is explained by one order of its reads and of all writes, which respects causality.
    CausalMemory,
    /// [`Self::ReadCommitted`], where a session also carries information.
    StrongSessionReadCommitted,
    /// [`Self::MonotonicAtomicView`] with an order of values that respects sessions.
    StrongSessionMonotonicAtomicView,
    /// [`Self::ReadAtomic`], and a session sees its own earlier transactions.
    StrongSessionReadAtomic,
    /// [`Self::Prefix`], and a session sees its own earlier transactions.
    StrongSessionPrefix,
    /// [`Self::ParallelSnapshotIsolation`], and a session sees its own earlier transactions.
    StrongSessionParallelSnapshotIsolation,
    /// [`Self::SnapshotIsolation`], and a session sees its own earlier transactions.
    StrongSessionSnapshotIsolation,
    /// [`Self::Serializable`] by an order that respects sessions.
    StrongSessionSerializable,
    /// [`Self::SnapshotIsolation`], and a snapshot shows all that had been acknowledged before it was taken.
    StrongSnapshotIsolation,
    /// [`Self::Serializable`] by an order that respects real time.
    StrictSerializable,
}

/// What of the order in which things were done a level respects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// Nothing.
    Plain,
    /// The order within each session.
    Session,
    /// Real time, and with it the order within each session.
    RealTime,
}

/// Names in verdicts; `levels()` is in this order, the weaker before the stronger.
const NAMES: &[(Level, &str, &[Level])] = {
    use Level::*;
    &[
        (ReadCommitted, "read-committed", &[]),
        (MonotonicAtomicView, "monotonic-atomic-view", &[ReadCommitted]),
        (ReadAtomic, "read-atomic", &[MonotonicAtomicView]),
        (CausalCerone, "causal-cerone", &[ReadAtomic]),
        (Prefix, "prefix", &[CausalCerone]),
        (ParallelSnapshotIsolation, "parallel-snapshot-isolation", &[CausalCerone]),
        (SnapshotIsolation, "snapshot-isolation", &[Prefix, ParallelSnapshotIsolation]),
        (Serializable, "serializable", &[SnapshotIsolation]),
        (ReadYourWrites, "read-your-writes", &[]),
        (MonotonicReads, "monotonic-reads", &[]),
        (MonotonicWrites, "monotonic-writes", &[]),
        (WritesFollowReads, "writes-follow-reads", &[]),
        (Pram, "PRAM", &[ReadYourWrites, MonotonicReads, MonotonicWrites]),
        (WeakCausal, "weak-causal", &[StrongSessionReadCommitted]),
        (Causal, "causal", &[Pram, WritesFollowReads, WeakCausal]),
        (StrongSessionReadCommitted, "strong-session-read-committed", &[ReadCommitted]),
        (
            StrongSessionMonotonicAtomicView,
            "strong-session-monotonic-atomic-view",
            &[MonotonicAtomicView, StrongSessionReadCommitted],
        ),
        (
            StrongSessionReadAtomic,
            "strong-session-read-atomic",
            &[ReadAtomic, StrongSessionMonotonicAtomicView],
        ),
        (CausalConvergent, "causal-convergent", &[Causal, CausalCerone, StrongSessionReadAtomic]),
        (CausalMemory, "causal-memory", &[Causal]),
        (StrongSessionPrefix, "strong-session-prefix", &[Prefix, CausalConvergent]),
        (
            StrongSessionParallelSnapshotIsolation,
            "strong-session-parallel-snapshot-isolation",
            &[ParallelSnapshotIsolation, CausalConvergent],
        ),
        (
            StrongSessionSnapshotIsolation,
            "strong-session-snapshot-isolation",
            &[SnapshotIsolation, StrongSessionPrefix, StrongSessionParallelSnapshotIsolation],
        ),
        (
            StrongSessionSerializable,
            "strong-session-serializable",
            &[Serializable, StrongSessionSnapshotIsolation, CausalMemory],
        ),
        (StrongSnapshotIsolation, "strong-snapshot-isolation", &[StrongSessionSnapshotIsolation]),
        (StrictSerializable, "strict-serializable", &[StrongSessionSerializable, StrongSnapshotIsolation]),
    ]
};

/// All levels, the weaker before the stronger.
pub fn levels() -> impl Iterator<Item = Level> {
    NAMES.iter().map(|(level, ..)| *level)
}

impl Level {
    /// The level of this name, as [`Level::name`] writes it.
    pub fn from_name(name: &str) -> Option<Self> {
        NAMES.iter().find(|(_, known, _)| *known == name).map(|(level, ..)| *level)
    }

    /// Its name in verdicts; where the lattice of promises has the level, its name there.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// The levels that it implies directly.
    pub fn implies(self) -> &'static [Self] {
        self.entry().2
    }

    fn entry(self) -> &'static (Self, &'static str, &'static [Self]) {
        NAMES.iter().find(|(level, ..)| *level == self).expect("every level has an entry")
    }

    pub(crate) fn scope(self) -> Scope {
        match self {
            Self::ReadCommitted
            | Self::MonotonicAtomicView
            | Self::ReadAtomic
            | Self::CausalCerone
            | Self::Prefix
            | Self::ParallelSnapshotIsolation
            | Self::SnapshotIsolation
            | Self::Serializable => Scope::Plain,
            Self::StrongSnapshotIsolation | Self::StrictSerializable => Scope::RealTime,
            _ => Scope::Session,
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
