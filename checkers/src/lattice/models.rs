//! The promises: names, what each implies directly, and the anomalies that each forbids by itself.

pub(super) struct ModelEntry {
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub implies: &'static [&'static str],
    pub forbids: &'static [&'static str],
}

type Names = &'static [&'static str];

const fn model(name: &'static str, aliases: Names, implies: Names, forbids: Names) -> ModelEntry {
    ModelEntry { name, aliases, implies, forbids }
}

/// In the order of their names, so that sets of them are listed in that order.
pub(super) const MODELS: &[ModelEntry] = &[
    model("1SR", &["one-copy-serializable"], &[], &[]),
    model(
        "PRAM",
        &["pipelined-ram", "fifo"],
        &["monotonic-reads", "monotonic-writes", "read-your-writes"],
        &[],
    ),
    model("causal", &["causal-consistency"], &["PRAM", "weak-causal", "writes-follow-reads"], &[]),
    model("causal-cerone", &[], &["read-atomic"], &["G1a", "internal"]),
    model(
        "causal-convergent",
        &["causal-convergence", "CCv"],
        &["causal", "causal-cerone", "strong-session-read-atomic"],
        &[],
    ),
    model("causal-memory", &["CM"], &["causal"], &[]),
    model("consistent-view", &["PL-2+"], &["cursor-stability", "monotonic-view"], &["G-single", "G1"]),
    model("cursor-stability", &["PL-CS"], &["read-committed"], &["G-cursor", "G1", "lost-update"]),
    model("forward-consistent-view", &["PL-FCV"], &["consistent-view"], &["G-SIb", "G1"]),
    model("linearizable", &[], &["sequential"], &[]),
    model("monotonic-atomic-view", &["MAV"], &["read-committed"], &[]),
    model("monotonic-reads", &[], &[], &[]),
    model("monotonic-snapshot-read", &["PL-MSR"], &["read-committed"], &["G-MSR", "G1"]),
    model("monotonic-view", &["PL-2L"], &["read-committed"], &["G-monotonic", "G1"]),
    model("monotonic-writes", &[], &[], &[]),
    model(
        "parallel-snapshot-isolation",
        &["PSI"],
        &["causal-cerone", "consistent-view", "update-atomic"],
        &["G1a", "internal"],
    ),
    model("per-key-linearizable", &["strict-per-key"], &[], &["nonlinearizable-key"]),
    model("prefix", &["prefix-consistency"], &["causal-cerone"], &["G1a", "internal"]),
    model("read-atomic", &[], &["monotonic-atomic-view"], &["G1a", "future-read", "internal"]),
    model("read-committed", &["PL-2"], &["read-uncommitted"], &["G1"]),
    model("read-uncommitted", &["PL-1"], &[], &["G0", "cyclic-versions", "duplicate-elements"]),
    model("read-your-writes", &[], &[], &[]),
    model(
        "repeatable-read",
        &["PL-2.99"],
        &["cursor-stability", "monotonic-atomic-view"],
        &["G1", "G2-item", "lost-update"],
    ),
    model("sequential", &[], &["causal-memory"], &[]),
    model(
        "serializable",
        &["PL-3", "conflict-serializable"],
        &["1SR", "repeatable-read", "snapshot-isolation", "update-serializable", "view-serializable"],
        &["G1", "G2", "internal", "predicate-read-miss"],
    ),
    model("session-serializable", &[], &["1SR"], &[]),
    model(
        "snapshot-isolation",
        &["PL-SI", "SI"],
        &[
            "forward-consistent-view",
            "monotonic-atomic-view",
            "monotonic-snapshot-read",
            "parallel-snapshot-isolation",
            "prefix",
        ],
        &["G-SI", "G-nonadjacent", "G1", "internal"],
    ),
    model(
        "strict-serializable",
        &["PL-SS", "strong-serializable"],
        &[
            "linearizable",
            "per-key-linearizable",
            "serializable",
            "session-serializable",
            "snapshot-isolation",
            "strong-session-serializable",
            "strong-snapshot-isolation",
        ],
        &["G1", "G1c-realtime", "G2-realtime"],
    ),
    model(
        "strong-read-committed",
        &["strong-PL-2"],
        &["strong-read-uncommitted", "strong-session-read-committed"],
        &["G1c-realtime"],
    ),
    model(
        "strong-read-uncommitted",
        &["strong-PL-1"],
        &["strong-session-read-uncommitted"],
        &["G0-realtime"],
    ),
    model(
        "strong-session-monotonic-atomic-view",
        &[],
        &["monotonic-atomic-view", "strong-session-read-committed"],
        &[],
    ),
    model(
        "strong-session-parallel-snapshot-isolation",
        &[],
        &["causal-convergent", "parallel-snapshot-isolation"],
        &["G-single-process"],
    ),
    model("strong-session-prefix", &[], &["causal-convergent", "prefix"], &[]),
    model("strong-session-read-atomic", &[], &["read-atomic", "strong-session-monotonic-atomic-view"], &[]),
    model(
        "strong-session-read-committed",
        &["strong-session-PL-2"],
        &["read-committed", "strong-session-read-uncommitted"],
        &["G1c-process"],
    ),
    model(
        "strong-session-read-uncommitted",
        &["strong-session-PL-1"],
        &["read-uncommitted"],
        &["G0-process"],
    ),
    model(
        "strong-session-serializable",
        &[],
        &[
            "causal-memory",
            "sequential",
            "serializable",
            "session-serializable",
            "strong-session-snapshot-isolation",
        ],
        &["G1-process", "G2-process"],
    ),
    model(
        "strong-session-snapshot-isolation",
        &[],
        &["snapshot-isolation", "strong-session-parallel-snapshot-isolation", "strong-session-prefix"],
        &["G-nonadjacent-process", "G1-process", "internal"],
    ),
    model(
        "strong-snapshot-isolation",
        &[],
        &["strong-read-committed", "strong-session-snapshot-isolation"],
        &["G-nonadjacent-realtime", "G1-realtime", "internal"],
    ),
    model("update-atomic", &[], &["read-atomic"], &["lost-update"]),
    model("update-serializable", &["PL-3U"], &["forward-consistent-view"], &["G-update", "G1"]),
    model("view-serializable", &[], &[], &[]),
    model("weak-causal", &[], &["strong-session-read-committed"], &[]),
    model("writes-follow-reads", &[], &[], &[]),
];
