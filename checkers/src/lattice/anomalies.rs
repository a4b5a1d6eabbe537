//! The kinds of anomalies, and which is a case of which.

/// What breaks every promise: the database answered with something that nobody asked for or wrote.
const UNIVERSAL: &[&str] = &["garbage-read", "mismatched-answer"];

/// Each kind with those that it is a case of: what forbids one of them forbids it too.
const CASES: &[(&str, &[&str])] = &[
    ("G-MSR", &[]),
    ("G-SI", &[]),
    ("G-SIb", &[]),
    ("G-cursor", &[]),
    ("G-monotonic", &[]),
    ("G-nonadjacent", &["G-nonadjacent-process", "G2"]),
    ("G-nonadjacent-item", &["G-nonadjacent", "G-nonadjacent-item-process", "G2-item"]),
    (
        "G-nonadjacent-item-process",
        &["G-nonadjacent-item-realtime", "G-nonadjacent-process", "G2-item-process"],
    ),
    ("G-nonadjacent-item-realtime", &["G-nonadjacent-realtime", "G2-item-realtime"]),
    ("G-nonadjacent-process", &["G-nonadjacent-realtime", "G2-process"]),
    ("G-nonadjacent-realtime", &["G2-realtime"]),
    ("G-single", &["G-nonadjacent", "G-single-process", "G-SIb"]),
    ("G-single-item", &["G-nonadjacent-item", "G-single", "G-single-item-process"]),
    ("G-single-item-process", &["G-nonadjacent-item-process", "G-single-item-realtime", "G-single-process"]),
    ("G-single-item-realtime", &["G-nonadjacent-item-realtime", "G-single-realtime"]),
    ("G-single-process", &["G-nonadjacent-process", "G-single-realtime"]),
    ("G-single-realtime", &["G-nonadjacent-realtime"]),
    ("G-update", &[]),
    ("G0", &["G0-process", "G1c"]),
    ("G0-process", &["G0-realtime", "G1c-process"]),
    ("G0-realtime", &["G1c-realtime"]),
    ("G1", &["G1-process"]),
    ("G1-process", &["G1-realtime"]),
    ("G1-realtime", &[]),
    ("G1a", &["G1"]),
    ("G1b", &["G1"]),
    ("G1c", &["G1", "G1c-process"]),
    ("G1c-process", &["G1-process", "G1c-realtime"]),
    ("G1c-realtime", &["G1-realtime"]),
    ("G2", &["G2-process"]),
    ("G2-item", &["G2", "G2-item-process"]),
    ("G2-item-process", &["G2-item-realtime", "G2-process"]),
    ("G2-item-realtime", &["G2-realtime"]),
    ("G2-process", &["G2-realtime"]),
    ("G2-realtime", &[]),
    ("cyclic-versions", &[]),
    ("dirty-update", &["G1a"]),
    ("duplicate-elements", &[]),
    ("future-read", &["G1c"]),
    ("garbage-read", &[]),
    ("incompatible-order", &["G1a"]),
    ("internal", &[]),
    ("long-fork", &["G-nonadjacent-item"]),
    ("lost-update", &["G2-item", "write-skew"]),
    ("mismatched-answer", &[]),
    ("nonlinearizable-key", &[]),
    ("predicate-read-miss", &[]),
    ("write-skew", &["G2"]),
];

/// All kinds, by name.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(kind, _)| *kind)
}

/// Whether every promise forbids it.
pub(super) fn is_universal(kind: &str) -> bool {
    UNIVERSAL.contains(&kind)
}

/// Whether an anomaly of the kind is, in one or more steps or none, a case of `general`.
pub(super) fn is_instance(kind: &str, general: &str) -> bool {
    let mut seen = vec![kind];
    let mut next = 0;
    while let Some(&name) = seen.get(next) {
        if name == general {
            return true;
        }
        next += 1;
        for &more in CASES.iter().filter(|(kind, _)| *kind == name).flat_map(|(_, generals)| *generals) {
            if !seen.contains(&more) {
                seen.push(more);
            }
        }
    }
    false
}
