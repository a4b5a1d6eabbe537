//! Checks proofs with verifiers of a few lines each, which share no code with the engines that found the proofs.

mod objects;
mod registers;
mod transactions;

use checkers::{Relation, Validity, proof::Said};
use history::{History, OpIndex, Vocabulary};

use crate::certificate::{Proof, Terms, Witness};

/// What is claimed to be broken.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The promise, or the promises, separated by commas.
    pub model: &'a str,
    /// The kind of the anomaly and the operations that prove it.
    pub witness: &'a Witness,
    /// What the verdict rests on besides.
    pub terms: &'a Terms,
}

/// A vocabulary for whose proofs there are verifiers.
pub trait Verified: Vocabulary + Sized {
    /// Whether the order proves that the history keeps the promise.
    fn order(history: &History<Self>, model: &str, order: &[OpIndex]) -> Said;
    /// Whether the witness proves that it does not.
    fn witness(history: &History<Self>, claim: &Claim<'_>) -> Said;
}

/// Why a valid verdict without an order is not checked.
const NO_ORDER: Said = Said::Silent(
    "no order of all calls came of judging it, and that nothing breaks the promise has no proof shorter than judging again",
);

/// Why there is no verifier of an order for this promise.
const NOT_BY_ORDER: Said = Said::Silent("no order of all calls proves this promise");

/// What the verifiers say of one proof, with a sentence for each part.
pub fn verify<V: Verified>(history: &History<V>, proof: &Proof, terms: &Terms) -> Vec<(Said, String)> {
    let model = &proof.model;
    let mut lines = Vec::new();
    if let Some(order) = &proof.order {
        let said = V::order(history, model, order);
        lines.push((said, format!("{model}: an order of {} operations", order.len())));
    }
    for witness in &proof.witnesses {
        let said = match closes(history, witness) {
            true => V::witness(history, &Claim { model, witness, terms }),
            false => Said::Rejected,
        };
        let names: Vec<String> = witness.operations.iter().take(12).map(ToString::to_string).collect();
        lines.push((said, format!("{model}: {} of {}", witness.kind, names.join(" "))));
    }
    if lines.is_empty() {
        lines.push(match proof.verdict {
            Validity::Valid => (NO_ORDER, format!("{model}: valid, without an order")),
            Validity::Invalid => (Said::Rejected, format!("{model}: invalid, without a witness")),
            Validity::Unknown => (Said::Silent("there is nothing to prove"), format!("{model}: unknown")),
        });
    }
    lines
}

/// Whether the cycle of a witness, where it has one, ends where it began, is made of operations of the history, and is
/// right about sessions and real time. What the data says of its edges is for the verifier of the vocabulary.
fn closes<V: Vocabulary>(history: &History<V>, witness: &Witness) -> bool {
    let next = witness.cycle.iter().cycle().skip(1);
    witness.cycle.iter().zip(next).all(|(link, next)| {
        let at = |index: OpIndex| history.operations.get(index.0 as usize);
        let (Some(from), Some(to)) = (at(link.from), at(link.to)) else { return false };
        let holds = match link.relation {
            Relation::Process => from.process == to.process && from.index < to.index,
            Relation::Realtime => from.deadline().is_some_and(|end| end < to.began),
            _ => true,
        };
        link.to == next.from && holds
    })
}
