//! The levels by name, and what each of them says.

use super::{LevelInfo, judge::Kind, promise::Promise, stale::Read, views::View};

const LEVELS: &[LevelInfo] = &[
    LevelInfo {
        name: "sequential",
        aliases: &["sequential-consistency"],
        explanation: "All calls on all keys happen one after the other in one order, each session's in the order it made \
                      them; the order need not agree with real time.",
    },
    LevelInfo {
        name: "sequential-per-key",
        aliases: &["coherent", "cache-consistency"],
        explanation: "As sequential, but each key has an order of its own, and the orders of two keys may contradict each \
                      other.",
    },
    LevelInfo {
        name: "real-time-causal",
        aliases: &["causal-real-time"],
        explanation: "As causal-convergent, and the one order of the writes agrees with real time: a write that had ended \
                      before another call began is not ordered after it.",
    },
    LevelInfo {
        name: "causal-convergent",
        aliases: &["causal-convergence", "causal-plus"],
        explanation: "There is one order of all writes that every session agrees on, in which causes come before effects; a \
                      read returns the last in that order of the writes it knows of, directly or through what others had \
                      read before they wrote. Conflicting writes end the same way for everybody, but a session may learn \
                      late of a write that its own order puts before what it saw.",
    },
    LevelInfo {
        name: "causal",
        aliases: &["causal-memory"],
        explanation: "Causal memory: each session sees all writes in some order in which causes come before effects, and every \
                      read returns the last write in the order of its session; two sessions may order writes differently \
                      that know nothing of each other.",
    },
    LevelInfo {
        name: "pram",
        aliases: &["pipelined-ram", "fifo"],
        explanation: "Each session sees the writes of every other session in the order in which that session made them, \
                      together with its own calls in their order; writes of different sessions may come in any order.",
    },
    LevelInfo {
        name: "writes-follow-reads",
        aliases: &["session-causality"],
        explanation: "A session that wrote after it had read something: whoever sees its write sees what it had read, or \
                      newer, as a reader who never goes back would see it.",
    },
    LevelInfo {
        name: "monotonic-writes",
        aliases: &[],
        explanation: "The writes of one session are seen by everybody in the order in which it made them, as a reader who \
                      never goes back would see them.",
    },
    LevelInfo {
        name: "monotonic-reads",
        aliases: &[],
        explanation: "A session that has read a value of a key never reads an older one afterwards: once it has seen another \
                      value follow, it does not come back.",
    },
    LevelInfo {
        name: "read-your-writes",
        aliases: &["read-my-writes"],
        explanation: "A session that has written a key reads its last own write there, or something that others wrote; never \
                      one of its own earlier writes, nor the initial value.",
    },
    LevelInfo {
        name: "regular",
        aliases: &["strong-regular"],
        explanation: "Each key has one order of its writes that agrees with real time, and a read returns the last write that \
                      had ended before it began, or one that overlaps it; two reads one after the other may go back from a \
                      newer value to an older one. With one writer this is Lamport's regular register.",
    },
    LevelInfo {
        name: "weak-regular",
        aliases: &[],
        explanation: "As regular, but each read is judged by itself, so that two reads may disagree about the order of \
                      overlapping writes: a read returns a write that overlaps it, or one that no other write had followed \
                      before the read began.",
    },
    LevelInfo {
        name: "safe",
        aliases: &[],
        explanation: "As weak-regular, but only for reads that no write to the key overlaps; a read that overlaps a write may \
                      return anything that is ever written. With one writer this is Lamport's safe register.",
    },
    LevelInfo {
        name: "bounded-staleness",
        aliases: &["delta-consistency", "k-staleness"],
        explanation: "A read misses at most so many writes that had certainly come after what it returned, or returns nothing \
                      that had certainly been replaced longer ago than so; without bounds the largest found are reported.",
    },
    LevelInfo {
        name: "eventual",
        aliases: &["eventual-consistency"],
        explanation: "After the last write to a key and some time to settle, all processes read the same value there.",
    },
];

/// The promises that [`super::checker`] knows.
pub fn levels() -> &'static [LevelInfo] {
    LEVELS
}

/// How a level is judged; `None` for what is judged elsewhere.
pub(super) fn kind(name: &str) -> Option<Kind> {
    Some(match name {
        "real-time-causal" => Kind::Promise(Promise::RealTimeCausal),
        "causal-convergent" => Kind::Promise(Promise::Convergent),
        "causal" => Kind::Promise(Promise::View(View::Causal)),
        "pram" => Kind::Promise(Promise::View(View::Pram)),
        "writes-follow-reads" => Kind::Promise(Promise::View(View::WritesFollowReads)),
        "monotonic-writes" => Kind::Promise(Promise::View(View::MonotonicWrites)),
        "monotonic-reads" => Kind::Promise(Promise::View(View::MonotonicReads)),
        "read-your-writes" => Kind::Promise(Promise::OwnWrites),
        "regular" => Kind::Promise(Promise::Regular),
        "weak-regular" => Kind::Read(Read::WeakRegular),
        "safe" => Kind::Read(Read::Safe),
        "bounded-staleness" => Kind::Read(Read::Bounded),
        "eventual" => Kind::Eventual,
        _ => return None,
    })
}
