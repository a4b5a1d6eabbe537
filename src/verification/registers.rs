//! Registers and stores of keys: linearizability, sequential consistency, and what is weaker.

use checkers::{
    datatypes::{Answered, KeyValueState, RegisterState},
    levels::{LevelOptions, as_registers},
    linearizability::{verify_object_order, verify_witness},
    proof::{
        Said, verify_broken_promise, verify_diverged, verify_late_read, verify_nonsequential,
        verify_nonsequential_store, verify_object_witness, verify_sequential_store,
    },
    sequential::verify_sequential,
};
use history::{History, KeyValue, OpIndex, Operation, Register};

use super::{Claim, NOT_BY_ORDER, Verified};

impl Verified for Register {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        match model {
            "linearizable" => verify_object_order::<RegisterState>(history, order).into(),
            "sequential" | "sequential-per-key" => verify_sequential(history, order).into(),
            _ => NOT_BY_ORDER,
        }
    }

    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
        let operations = &claim.witness.operations;
        let strange = |operation: &Operation<Self>| {
            operation.outcome.ok().is_some_and(|returned| !Self::belongs(&operation.call, returned))
        };
        if history.operations.iter().any(strange) {
            return Said::Silent("some answers do not belong to their calls");
        }
        let mut given = LevelOptions::default();
        given.staleness_time = claim.terms.staleness_time;
        given.staleness_versions = claim.terms.staleness_versions;
        match (claim.model, claim.witness.kind.as_str()) {
            ("linearizable", _) if verify_witness(history, operations) => Said::Accepted,
            ("linearizable", _) => verify_object_witness::<RegisterState>(history, operations),
            ("sequential" | "sequential-per-key", _) => verify_nonsequential(history, operations),
            ("eventual", "diverged") => verify_diverged(history, given.settle, operations),
            ("safe" | "weak-regular" | "bounded-staleness" | "eventual", _) => {
                verify_late_read(history, claim.model, &given, operations)
            }
            _ => verify_broken_promise(history, claim.model, operations),
        }
    }
}

impl Verified for KeyValue {
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said {
        match model {
            "linearizable" => verify_object_order::<KeyValueState>(history, order).into(),
            "sequential" | "sequential-per-key" => verify_sequential_store(history, order).into(),
            _ => NOT_BY_ORDER,
        }
    }

    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said {
        match (claim.model, as_registers(history)) {
            ("linearizable", Some(registers)) => Register::witness(&registers, claim),
            ("linearizable", None) => {
                verify_object_witness::<KeyValueState>(history, &claim.witness.operations)
            }
            (_, Some(registers)) => Register::witness(&registers, claim),
            (_, None) => verify_nonsequential_store(history, &claim.witness.operations),
        }
    }
}
