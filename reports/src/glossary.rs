//! What the names of anomalies mean, in one sentence each.

/// What an anomaly of this kind is, if the name is known.
pub fn meaning(kind: &str) -> Option<&'static str> {
    let meaning = match kind {
        "nonlinearizable" => {
            "There is no order of these operations that respects both their real times and what they returned."
        }
        "stale-read" => "A read returned a value that had already been overwritten before the read began.",
        "lost-write" => "An acknowledged write is missing although nothing overwrote it.",
        "dirty-read" | "G1a" => "An operation saw the effect of one that failed.",
        "phantom-value" | "unwritten-value" => "A read returned a value that nobody ever wrote.",
        "split-brain" => "Two parts of the cluster answered as if each were the whole.",
        "future-read" => "A read returned a value before anybody had asked for it to be written.",
        "G0" => "Two transactions overwrote each other's writes in opposite orders.",
        "G1b" => "A transaction saw a value that another wrote only in passing.",
        "G1c" => "Transactions depend on each other in a circle of writes and reads of them.",
        "G-single" => {
            "A transaction saw part of another's effect: a circle with exactly one overwritten read."
        }
        "G2-item" | "G2" => "Transactions overwrote what the others had read, in a circle.",
        "lost-update" => {
            "Two transactions changed the same value from the same state, and one change vanished."
        }
        "lost-element" => "An acknowledged element is missing from a later read of everything.",
        _ => return None,
    };
    Some(meaning)
}
