//! The names of anomalies, for people.

use serde::Serialize;

/// One entry of the glossary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct GlossaryEntry {
    /// The name in verdicts.
    pub kind: &'static str,
    /// The name as a title.
    pub title: &'static str,
    /// What it is and why it matters, in two sentences.
    pub explanation: &'static str,
}

const fn entry(kind: &'static str, title: &'static str, explanation: &'static str) -> GlossaryEntry {
    GlossaryEntry { kind, title, explanation }
}

const GLOSSARY: &[GlossaryEntry] = &[
    entry(
        "stale-read",
        "Stale read",
        "A read returned an old value although a newer one had been acknowledged before the read began. Readers cannot rely on seeing what was already confirmed.",
    ),
    entry(
        "lost-write",
        "Lost write",
        "An acknowledged write was never seen by anybody, while later reads by several clients still saw the value before it. The database confirmed something that it did not keep.",
    ),
    entry(
        "garbage-read",
        "Garbage read",
        "A read returned a value that nobody ever wrote. The data was corrupted or comes from somewhere else.",
    ),
    entry(
        "dirty-read",
        "Dirty read",
        "A read returned the value of a write that had certainly failed. The database showed, or kept, something that it had refused.",
    ),
    entry(
        "duplicate-effect",
        "Duplicate effect",
        "Something that can happen only once took effect twice, such as two compare-and-sets from one value that was there once. A retry was applied again, or two leaders accepted calls at the same time.",
    ),
    entry(
        "nonlinearizable",
        "Not linearizable",
        "No single order of the operations agrees with every answer and with real time. The operations of the witness contradict each other as a group.",
    ),
    entry(
        "nonsequential",
        "Not sequentially consistent",
        "No single order of the operations keeps the order of every session and explains every answer. Different clients saw things happen in orders that contradict each other.",
    ),
    entry(
        "impossible-refusal",
        "Impossible refusal",
        "A compare-and-set was refused although the key never held any other value than the one it asked for. The database refused what it had to accept, or held something that nobody wrote.",
    ),
    entry(
        "lost-element",
        "Lost element",
        "An element whose addition was acknowledged is missing from every later read. The database confirmed something that it did not keep.",
    ),
    entry(
        "stale-element",
        "Stale element",
        "A read missed an element whose addition was acknowledged before the read began, though a later read showed it. Under linearizability a read must show all that was confirmed before it.",
    ),
    entry(
        "duplicated-element",
        "Duplicated element",
        "A read listed one element more than once. An addition was applied again, or two copies were merged badly.",
    ),
    entry(
        "unexpected-element",
        "Unexpected element",
        "A read listed an element that nobody added, or whose addition had certainly failed. The data was corrupted, or a refused call took effect.",
    ),
];

/// All anomalies that the checkers of this crate name.
pub fn glossary() -> &'static [GlossaryEntry] {
    GLOSSARY
}
