//! Transactions: serial orders, orders of snapshots, cycles, answers, and levels of isolation.

use checkers::{
    proof::{
        Said, Traced, breaks, verify_answer, verify_cycle, verify_level_witness, verify_rows_witness,
        verify_snapshot_order,
    },
    serial::{Replayed, Respects, verify_serial_order},
};
use history::{
    History, OpIndex, Operation, RwRegister,
    vocabulary::{ListAppend, LongFork, Predicate},
};

use super::{Claim, Verified};

/// What a serial order must respect to prove all of these promises.
fn respects(models: &str) -> Respects {
    let one = |model: &str| match model {
        model if model.contains("strong-session") || model == "session-serializable" => Respects::Sessions,
        model if model.starts_with("strong-") || model.starts_with("strict-") => Respects::RealTime,
        "linearizable" | "per-key-linearizable" => Respects::RealTime,
        "serializable"
        | "view-serializable"
        | "1SR"
        | "update-serializable"
        | "snapshot-isolation"
        | "parallel-snapshot-isolation"
        | "prefix"
        | "repeatable-read"
        | "consistent-view"
        | "forward-consistent-view"
        | "monotonic-view"
        | "monotonic-snapshot-read"
        | "monotonic-atomic-view"
        | "cursor-stability"
        | "read-atomic"
        | "update-atomic"
        | "read-committed"
        | "read-uncommitted"
        | "causal-cerone" => Respects::Answers,
        _ => Respects::Sessions,
    };
    models.split(',').map(one).max().unwrap_or(Respects::RealTime)
}

fn names_twice(order: &[OpIndex]) -> bool {
    let mut once = order.to_vec();
    once.sort_unstable();
    once.windows(2).any(|pair| pair[0] == pair[1])
}

/// A cycle, or something that is wrong with answers by themselves.
fn by_graph<V: Traced>(history: &History<V>, claim: &Claim<'_>) -> Said {
    let (kind, operations) = (claim.witness.kind.as_str(), &claim.witness.operations);
    if !breaks(claim.model, kind) {
        return Said::Rejected;
    }
    match claim.witness.cycle.as_slice() {
        [] => verify_answer(history, kind, operations),
        cycle => verify_cycle(history, kind, operations, cycle),
    }
}

impl Verified for ListAppend {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        serial(history, model, order)
    }

    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
        by_graph(history, claim)
    }
}

fn serial<V: Replayed>(history: &History<V>, model: &str, order: &[OpIndex]) -> Said {
    verify_serial_order(history, order, respects(model)).into()
}

impl Verified for RwRegister {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        if !names_twice(order) {
            return serial(history, model, order);
        }
        // Where a transaction is named twice, it reads first and commits later.
        let models = || model.split(',');
        let within = |limits: &[&str]| models().all(|model| limits.iter().any(|limit| weaker(limit, model)));
        if within(&["strong-session-prefix"]) {
            verify_snapshot_order(history, order, respects(model), false).into()
        } else if within(&["strong-snapshot-isolation", "strong-session-snapshot-isolation"]) {
            verify_snapshot_order(history, order, respects(model), true).into()
        } else {
            Said::Rejected
        }
    }

    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
        let by_graph = by_graph(history, claim);
        if by_graph == Said::Accepted {
            return by_graph;
        }
        match verify_level_witness(history, claim.model, &claim.witness.operations) {
            Said::Rejected if claim.terms.assumed.is_some() => {
                Said::Silent("it rests on an order of versions that was assumed")
            }
            Said::Rejected => by_graph,
            by_level => by_level,
        }
    }
}

/// Whether whoever keeps the first promise keeps the other.
fn weaker(first: &str, other: &str) -> bool {
    use checkers::lattice::Model;
    let both = Model::named(first).ok().zip(Model::named(other).ok());
    both.is_some_and(|(first, other)| first.implies(other))
}

impl Verified for LongFork {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        RwRegister::order(&as_registers(history), model, order)
    }

    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
        RwRegister::witness(&as_registers(history), claim)
    }
}

/// The same transactions, as those of registers.
fn as_registers(history: &History<LongFork>) -> History<RwRegister> {
    let operation = |operation: &Operation<LongFork>| Operation {
        index: operation.index,
        process: operation.process,
        node: operation.node,
        call: operation.call.clone(),
        outcome: operation.outcome.clone(),
        began: operation.began,
        ended: operation.ended,
    };
    History {
        header: history.header.clone(),
        operations: history.operations.iter().map(operation).collect(),
        faults: history.faults.clone(),
        damage: history.damage.clone(),
    }
}

impl Verified for Predicate {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        if names_twice(order) {
            return Said::Silent("snapshots of rows are not replayed");
        }
        serial(history, model, order)
    }

    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
        if !claim.model.split(',').any(|model| weaker(model, "serializable")) {
            return Said::Silent("rows are only tried in serial orders, and the promise is weaker than that");
        }
        match verify_rows_witness(history, respects(claim.model), &claim.witness.operations) {
            Said::Rejected => Said::Silent(
                "alone its transactions have an order, if others changed their rows at the right times",
            ),
            said => said,
        }
    }
}
