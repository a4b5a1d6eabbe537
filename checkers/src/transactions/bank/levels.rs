//! Which promises of the lattice a bank breaks that shows what it must not.

use super::ConstantTotal;
use crate::{
    Validity, Verdict,
    datatypes::BankTerms,
    lattice::{Model, Models, standing},
    transactions::findings::Findings,
};

impl ConstantTotal {
    /// What was found, as far as it breaks what was asked for.
    pub(super) fn conclude(&self, terms: &BankTerms, findings: Findings, verdict: &mut Verdict) {
        let mut refuted = Models::default();
        let mut allowed = Vec::new();
        for (kind, found) in findings.into_iter() {
            let broken = breaks(kind, terms);
            refuted = refuted.union(broken);
            if !self.models.is_empty() && !self.models.iter().any(|model| broken.contains(*model)) {
                allowed.push(format!("{kind} ({})", found.count));
                continue;
            }
            verdict.validity = Validity::Invalid;
            if found.count > found.shown.len() as u64 {
                verdict.notes.push(format!(
                    "{kind} was found {} times; {} are described",
                    found.count,
                    found.shown.len()
                ));
            }
            verdict.anomalies.extend(found.shown);
        }
        // A wrong total says most, and comes first.
        verdict.anomalies.sort_by_key(|anomaly| anomaly.kind != "wrong-total");
        if self.models.is_empty() {
            return;
        }
        verdict.standing = Some(standing(refuted, Models::default()));
        if !allowed.is_empty() {
            let note = format!("also found, and allowed by {}: {}", verdict.model, allowed.join(", "));
            verdict.notes.push(note);
        }
        let total = breaks("wrong-total", terms);
        let (about, beside): (Vec<_>, Vec<_>) = self.models.iter().partition(|model| total.contains(**model));
        let names =
            |models: &[&Model]| models.iter().map(|model| model.name()).collect::<Vec<_>>().join(", ");
        if !about.is_empty() {
            verdict.notes.push(format!("of {} a bank shows whether the total is right", names(&about)));
        }
        if !beside.is_empty() {
            verdict.notes.push(format!(
                "a wrong total does not break {}; of that a bank shows only whether reads return what was never there",
                names(&beside)
            ));
        }
    }
}

/// The promises of the lattice that cannot hold where a bank showed such an anomaly.
///
/// Each transfer reads what it replaces. If nothing uncommitted was read, every total is right unless somebody saw one
/// effect of a transaction and missed another: the reader, or a transfer whose update was lost. That is a cycle with one
/// anti-dependency; and of items, where the accounts are known to have been there all the time. Who looks at more
/// than the account that money is taken from, and so comes to debts, may do so with two.
pub(crate) fn breaks(kind: &str, terms: &BankTerms) -> Models {
    let general = match kind {
        "wrong-total" if terms.accounts.is_some() => "G-single-item",
        "wrong-total" | "duplicated-account" => "G-single",
        "negative-balance" => "G2-item",
        _ => "garbage-read",
    };
    Models::refuted_by(general)
}
