//! Which level implies which, and the levels below linearizability.

use history::{KeyValue, Vocabulary, vocabulary::Register};

use super::{LevelOptions, checker, key_value_checker};
use crate::{Checker, Family, Ladder, Rung};

/// Whoever keeps the first keeps the second.
pub const IMPLIED: &[(&str, &str)] = &[
    ("linearizable", "sequential"),
    ("linearizable", "real-time-causal"),
    ("linearizable", "regular"),
    ("sequential", "sequential-per-key"),
    ("sequential", "causal"),
    ("sequential", "causal-convergent"),
    ("sequential-per-key", "monotonic-reads"),
    ("sequential-per-key", "read-your-writes"),
    ("real-time-causal", "causal-convergent"),
    ("causal-convergent", "monotonic-reads"),
    ("causal-convergent", "read-your-writes"),
    ("causal", "pram"),
    ("causal", "writes-follow-reads"),
    ("pram", "monotonic-writes"),
    ("pram", "read-your-writes"),
    ("monotonic-writes", "monotonic-reads"),
    ("writes-follow-reads", "monotonic-reads"),
    ("regular", "weak-regular"),
    ("weak-regular", "safe"),
];

/// The level that says nothing about any read but the last, so that no other is known to imply it.
const EVENTUAL: &str = "eventual";

/// The levels below linearizability without a measure, those first that take little time or settle others.
const QUICKEST_FIRST: &[&str] = &[
    EVENTUAL,
    "safe",
    "weak-regular",
    "read-your-writes",
    "sequential-per-key",
    "sequential",
    "regular",
    "monotonic-reads",
    "causal-convergent",
    "real-time-causal",
    "monotonic-writes",
    "writes-follow-reads",
    "pram",
    "causal",
];

/// Whether whoever keeps the strong level keeps the weak one, directly or by way of others.
pub fn implies(strong: &str, weak: &str) -> bool {
    strong == weak
        || IMPLIED.iter().any(|&(first, second)| first == strong && (second == weak || implies(second, weak)))
}

fn ladder<V: Vocabulary>(
    top: &'static str,
    judge: impl Fn(&str) -> Option<Box<dyn Checker<V>>>,
) -> Option<Ladder<V>> {
    let is_below = |name: &&&'static str| **name != top && (**name == EVENTUAL || implies(top, name));
    let rung = |&name: &&'static str| Some(Rung { name, checker: judge(name)? });
    let rungs: Vec<Rung<V>> = QUICKEST_FIRST.iter().filter(is_below).filter_map(rung).collect();
    let is_worth_it = rungs.iter().any(|rung| rung.name != EVENTUAL);
    is_worth_it.then_some(Ladder { top, family: Family::Registers, rungs, implies })
}

/// The levels below one of registers, which may be `linearizable`.
pub(crate) fn registers(top: &'static str) -> Option<Ladder<Register>> {
    ladder(top, |name| checker(name, &LevelOptions::default()))
}

/// The levels below one of stores.
pub(crate) fn key_values(top: &'static str) -> Option<Ladder<KeyValue>> {
    ladder(top, |name| key_value_checker(name, &LevelOptions::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_level_is_left_out() {
        for level in super::super::levels().iter().filter(|level| level.name != "bounded-staleness") {
            assert!(QUICKEST_FIRST.contains(&level.name), "{}", level.name);
        }
        assert_eq!(registers("linearizable").unwrap().rungs.len(), QUICKEST_FIRST.len());
        assert_eq!(key_values("linearizable").unwrap().rungs.len(), QUICKEST_FIRST.len());
        assert!(registers("monotonic-reads").is_none(), "nothing is below it");
        assert!(implies("linearizable", "monotonic-reads") && !implies("causal", "causal-convergent"));
    }
}
