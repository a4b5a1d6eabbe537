//! What the promises about transactions mean, in one line each.

/// The meaning of a promise of the lattice.
pub(super) fn meaning(model: &str) -> &'static str {
    match model {
        "strict-serializable" => {
            "as if one transaction after the other, in an order that agrees with real time"
        }
        "strong-session-serializable" => {
            "as if one transaction after the other, each session's in the order it made them"
        }
        "serializable" => "as if one transaction after the other, in any order",
        "session-serializable" => "one copy, one order, and each session sees its own transactions in order",
        "1SR" => "the replicas together answer as one copy would, one transaction after the other",
        "view-serializable" => "every read sees what it would see in some serial order",
        "update-serializable" => "what writes is serializable; a read may see an order of its own",
        "strong-snapshot-isolation" => {
            "snapshot isolation whose snapshots hold everything that was committed before the transaction began"
        }
        "strong-session-snapshot-isolation" => {
            "snapshot isolation whose snapshots hold everything that the session did before"
        }
        "snapshot-isolation" => {
            "a transaction reads from one snapshot, and of two that overlap and write one key only one commits"
        }
        "parallel-snapshot-isolation" => {
            "snapshot isolation in which snapshots may disagree about what came first"
        }
        "prefix" => "a transaction reads from a prefix of one order of all commits",
        "repeatable-read" => "what was read stays so until the end of the transaction, except for new keys",
        "consistent-view" => "a transaction sees a consistent state, though it may not be the newest",
        "forward-consistent-view" => "a consistent view, or one from later, of what was read",
        "monotonic-view" => "what a transaction sees only moves forward",
        "monotonic-snapshot-read" => "every statement reads a snapshot, and the snapshots only move forward",
        "monotonic-atomic-view" => "once a part of a transaction is seen, all of it is",
        "cursor-stability" => "a row that is read through a cursor stays so until the cursor moves on",
        "read-atomic" => "of another transaction all is seen or nothing",
        "update-atomic" => "read atomic, and no update is lost",
        "read-committed" => "nothing is read that was not committed",
        "read-uncommitted" => "writes of two transactions do not mix",
        "strong-read-committed" => "read committed that agrees with real time",
        "strong-read-uncommitted" => "writes are ordered as real time orders them",
        "strong-session-read-committed" => "read committed that agrees with each session's order",
        "strong-session-read-uncommitted" => "writes are ordered as each session made them",
        "linearizable" => "each transaction takes effect at one moment between its beginning and its end",
        "per-key-linearizable" => "each key by itself is linearizable",
        "sequential" => "one order of everything, in which each session's calls come as it made them",
        "causal" => "what one knew when it wrote is seen by whoever sees the write",
        "causal-cerone" => "read atomic and causal: snapshots that contain what their contents depend on",
        "causal-convergent" => "causal, and all sessions see what is concurrent in one order",
        "causal-memory" => "causal, and each session is explained by one order of its reads and all writes",
        "weak-causal" => "each read by itself agrees with what its session knew",
        "strong-session-parallel-snapshot-isolation" => {
            "parallel snapshot isolation in which a session sees its own earlier transactions"
        }
        "strong-session-prefix" => "prefix, and a session sees its own earlier transactions",
        "strong-session-read-atomic" => {
            "read atomic, and a session sees its own earlier transactions; others call this read atomic"
        }
        "strong-session-monotonic-atomic-view" => {
            "monotonic atomic view that respects each session's order; others call this read committed"
        }
        "PRAM" => "each session's writes are seen by all in the order it made them",
        "read-your-writes" => "a session sees what it wrote",
        "monotonic-reads" => "a session never sees an older state than before",
        "monotonic-writes" => "a session's writes take effect in the order it made them",
        "writes-follow-reads" => "a write comes after what its session had read",
        _ => "a promise about transactions",
    }
}

#[cfg(test)]
mod tests {
    use checkers::lattice::Model;

    use super::*;

    #[test]
    fn every_promise_of_the_lattice_has_a_meaning_of_its_own() {
        for model in Model::all() {
            assert_ne!(meaning(model.name()), meaning("nothing"), "{}", model.name());
        }
    }
}
