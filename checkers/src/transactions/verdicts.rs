//! One verdict out of all that was found.

use history::{History, OpIndex, Vocabulary};

use super::{
    class::Class,
    cycles::Found,
    explain::{self, Reasons},
    fate::Fate,
    findings::Findings,
    promises::Promises,
    scope::Scope,
};
use crate::{
    Limit, Validity, Verdict,
    lattice::{Model, Models, standing},
};

/// What the verdict is made of.
pub(super) struct Evidence<'a, V: Vocabulary> {
    pub history: &'a History<V>,
    pub fates: &'a [Fate],
    pub reasons: &'a dyn Reasons,
    pub promises: &'a Promises,
    pub found: Found,
    /// Why nothing can be said to be kept, where that is so.
    pub doubts: Vec<String>,
    /// Whether every order that was inferred is one that any serial execution must have.
    pub is_proven: bool,
}

pub(super) fn conclude<V: Vocabulary>(
    checker: String,
    evidence: Evidence<'_, V>,
    mut findings: Findings,
) -> Verdict {
    let Evidence { history, fates, reasons, promises, found, doubts, is_proven } = evidence;
    let mut verdict = Verdict {
        checker,
        model: promises.asked.iter().map(|model| model.name()).collect::<Vec<_>>().join(","),
        operations: history.operations.len() as u64,
        limits: found.limits,
        ..Verdict::default()
    };
    for contradiction in &found.contradictions {
        findings.add(contradiction.kind, || crate::Anomaly {
            involved: (contradiction.involved > contradiction.cycle.len() as u64)
                .then_some(contradiction.involved),
            ..explain::anomaly(history, reasons, &contradiction.cycle)
        });
    }
    let refuted = refuted(&findings, is_proven);
    let is_decided = doubts.is_empty() && verdict.limits.is_empty();
    let kept = if is_decided { promises.kept(refuted).without(refuted) } else { Models::default() };
    verdict.notes = doubts;
    list(&mut verdict, findings, promises, refuted);
    for model in &promises.asked {
        let validity = if refuted.contains(*model) {
            Validity::Invalid
        } else if kept.contains(*model) {
            Validity::Valid
        } else {
            verdict.notes.push(gap(*model, history.header.untimed, is_decided));
            Validity::Unknown
        };
        verdict.validity = verdict.validity.max(validity);
    }
    verdict.standing = Some(standing(refuted, kept));
    if let Some(order) = found.order.filter(|_| verdict.validity == Validity::Valid) {
        let took_effect = |node: &u32| fates.get(*node as usize).is_some_and(|fate| fate.took_effect());
        verdict.certificate = Some(order.into_iter().filter(took_effect).map(OpIndex).collect());
    }
    verdict
}

/// All promises that what was found breaks.
fn refuted(findings: &Findings, is_proven: bool) -> Models {
    let mut refuted = findings.kinds().map(Models::refuted_by).fold(Models::default(), Models::union);
    let named = |name: &str| Model::named(name).expect("the name of a promise");
    // When every edge holds in whatever serial order explains the answers, there is none if there is a cycle.
    if is_proven && refuted.contains(named("serializable")) {
        refuted.insert(named("1SR"));
        refuted.insert(named("view-serializable"));
    }
    if is_proven && refuted.contains(named("strong-session-serializable")) {
        refuted.insert(named("session-serializable"));
    }
    refuted
}

/// The anomalies, what breaks most promises first, and what else must be said about them.
fn list(verdict: &mut Verdict, findings: Findings, promises: &Promises, refuted: Models) {
    let mut kinds: Vec<_> = findings.into_iter().collect();
    let weight = |kind: &str| std::cmp::Reverse(Models::refuted_by(kind).iter().count());
    kinds.sort_by_key(|(kind, _)| (weight(kind), *kind));
    let is_any_broken = promises.asked.iter().any(|model| refuted.contains(*model));
    let mut allowed = Vec::new();
    for (kind, found) in kinds {
        let forbids = |model: &Model| model.prohibits(kind);
        // A promise without anomalies of its own is broken by those of what it is equal to here.
        let by_proxy = is_any_broken && !promises.asked.iter().any(|model| !model.prohibited().is_empty());
        if !promises.asked.iter().any(forbids) && !by_proxy {
            allowed.push(format!("{kind} ({})", found.count));
            continue;
        }
        if found.count > found.shown.len() as u64 {
            verdict.notes.push(format!(
                "{kind} was found {} times; {} are described",
                found.count,
                found.shown.len()
            ));
        }
        verdict.anomalies.extend(found.shown);
    }
    if !allowed.is_empty() {
        let names: Vec<&str> = promises.asked.iter().map(|model| model.name()).collect();
        verdict.notes.push(format!(
            "also found, and allowed by {}: {}",
            names.join(", "),
            allowed.join(", ")
        ));
    }
}

/// Why a promise is neither kept nor broken.
fn gap(model: Model, untimed: bool, is_decided: bool) -> String {
    let needs_time =
        Class::all().any(|class| class.scope == Scope::Realtime && model.prohibits(class.kind()));
    if !is_decided {
        format!("{model} is not shown to hold, for the reasons given")
    } else if untimed && needs_time {
        format!("{model} is about real time, and this history has no times")
    } else {
        format!("{model} lies between what was shown to hold and what was not: nothing here decides it")
    }
}

/// The limit as a reason to doubt.
pub(super) fn doubt(limit: &Limit) -> String {
    format!("{limit} before all contradictions were looked for")
}
