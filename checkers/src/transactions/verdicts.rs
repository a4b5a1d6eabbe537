//! One verdict out of all that was found.

use history::{History, OpIndex, Vocabulary};

use super::{
    class::Class,
    cycles::Contradiction,
    explain::{self, Reasons},
    fate::Fate,
    findings::Findings,
    open::Further,
    promises::{Promises, named},
    scope::Scope,
};
use crate::{
    Validity, Verdict,
    lattice::{Model, Models, standing},
};

/// What the verdict is made of.
pub(super) struct Evidence<'a, V: Vocabulary> {
    pub history: &'a History<V>,
    pub fates: &'a [Fate],
    pub promises: &'a Promises,
    /// All nodes of the graph in an order that agrees with it, where there is one.
    pub order: Option<Vec<u32>>,
    /// What else was learned; it includes what the graph decides.
    pub further: Further,
    /// What a reader must know besides.
    pub notes: Vec<String>,
}

pub(super) fn conclude<V: Vocabulary>(evidence: Evidence<'_, V>, findings: Findings) -> Verdict {
    let Evidence { history, fates, promises, order, further, notes } = evidence;
    let names = promises.asked.iter().map(|model| model.name()).collect::<Vec<_>>().join(",");
    let mut verdict = Verdict {
        checker: names.clone(),
        model: names,
        operations: history.operations.len() as u64,
        limits: further.limits,
        notes,
        ..Verdict::default()
    };
    let (refuted, kept) = (further.refuted, further.kept.without(further.refuted));
    list(&mut verdict, findings, promises, refuted);
    verdict.anomalies.extend(further.anomalies);
    for note in further.notes {
        if !verdict.notes.contains(&note) {
            verdict.notes.push(note);
        }
    }
    for model in &promises.asked {
        let validity = if refuted.contains(*model) {
            Validity::Invalid
        } else if kept.contains(*model) {
            Validity::Valid
        } else {
            verdict.notes.push(gap(*model, history.header.untimed, verdict.notes.is_empty()));
            Validity::Unknown
        };
        verdict.validity = verdict.validity.max(validity);
    }
    verdict.standing = Some(standing(refuted, kept));
    if verdict.validity == Validity::Valid {
        let took_effect = |node: &u32| fates.get(*node as usize).is_some_and(|fate| fate.took_effect());
        let of_graph = || order.map(|order| order.into_iter().filter(took_effect).map(OpIndex).collect());
        verdict.certificate = further.certificate.or_else(of_graph);
    }
    verdict
}

/// Adds the cycles to what was found besides.
pub(super) fn describe<V: Vocabulary>(
    history: &History<V>,
    reasons: &dyn Reasons,
    contradictions: &[Contradiction],
    findings: &mut Findings,
) {
    for contradiction in contradictions {
        findings.add(contradiction.kind, || explain::contradiction(history, reasons, contradiction));
    }
}

/// All promises that what was found breaks.
pub(super) fn refuted(findings: &Findings, is_proven: bool) -> Models {
    let mut refuted = findings.kinds().map(Models::refuted_by).fold(Models::default(), Models::union);
    // When every edge holds in whatever serial order explains the answers, there is none if there is a cycle.
    for (broken, equals) in [
        ("serializable", &["1SR", "view-serializable"][..]),
        ("strong-session-serializable", &["session-serializable"]),
    ] {
        if is_proven && !refuted.intersection(named(&[broken])).is_empty() {
            refuted = refuted.union(named(equals));
        }
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
