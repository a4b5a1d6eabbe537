//! The fingerprint of an anomaly: what makes two anomalies of different runs the same finding.
//!
//! `kind@promise:shape`, as in `stale-read@linearizable:key`. It holds no value, key, process, index or time, since
//! those differ from run to run. The shape is what the kind does not say already: whether the contradiction is about
//! one key, about several (`keys`), or in one answer alone (`answer`); of a cycle, which orders beside those of the data
//! it needs (`cycle`, `cycle+process`, `cycle+realtime`, `cycle+predicate`).
//!
//! The calls of the witness and the length of a cycle are deliberately left out: over 280 stored runs one disease
//! showed up to a dozen such mixtures, and each would have been announced as a new finding.

use std::collections::BTreeMap;

use checkers::{Anomaly, Relation, Verdict};

use crate::Findings;

/// The fingerprint of one anomaly of a verdict.
pub fn of(verdict: &Verdict, anomaly: &Anomaly) -> String {
    format!("{}@{}:{}", anomaly.kind, verdict.model, shape(anomaly))
}

fn shape(anomaly: &Anomaly) -> String {
    if anomaly.cycle.is_empty() {
        let shape = match (anomaly.witness.len(), &anomaly.key) {
            (0 | 1, _) => "answer",
            (_, Some(_)) => "key",
            (_, None) => "keys",
        };
        return shape.into();
    }
    let mut shape = String::from("cycle");
    let beside = [
        (Relation::PredicateRw, "+predicate"),
        (Relation::Process, "+process"),
        (Relation::Realtime, "+realtime"),
    ];
    for (relation, name) in beside {
        if anomaly.cycle.iter().any(|link| link.relation == relation) {
            shape += name;
        }
    }
    shape
}

/// Every fingerprint of a run, with how many anomalies have it and the first of them.
pub fn all(findings: &Findings) -> BTreeMap<String, (u64, &Anomaly)> {
    let mut found = BTreeMap::new();
    for (verdict, anomaly) in findings.anomalies() {
        found.entry(of(verdict, anomaly)).or_insert((0, anomaly)).0 += 1;
    }
    found
}

/// The kind within a fingerprint: what stands before the promise.
pub fn kind(fingerprint: &str) -> &str {
    fingerprint.split_once('@').map_or(fingerprint, |(kind, _)| kind)
}

#[cfg(test)]
mod tests {
    use checkers::Link;
    use history::OpIndex;

    use super::*;

    fn verdict() -> Verdict {
        Verdict { model: "serializable".into(), ..Verdict::default() }
    }

    fn cycle(relations: &[Relation], first: u32) -> Anomaly {
        let of = |(place, relation): (usize, &Relation)| {
            let from = OpIndex(first + place as u32);
            Link::new(
                from,
                OpIndex(first),
                *relation,
                Some(format!("k{first}").as_str().into()),
                "{from} and {to}",
            )
        };
        let cycle = relations.iter().enumerate().map(of).collect();
        Anomaly { kind: "G2-item".into(), sentence: format!("{first}"), cycle, ..Anomaly::default() }
    }

    #[test]
    fn values_indices_and_the_length_of_a_cycle_do_not_matter_and_what_orders_it_does() {
        let short = of(&verdict(), &cycle(&[Relation::Rw, Relation::Rw], 3));
        let long = of(&verdict(), &cycle(&[Relation::Rw, Relation::Wr, Relation::Rw], 900));
        assert_eq!(short, "G2-item@serializable:cycle");
        assert_eq!(short, long);
        let timed = of(&verdict(), &cycle(&[Relation::Rw, Relation::Realtime, Relation::Rw], 3));
        assert_eq!(timed, "G2-item@serializable:cycle+realtime");
        let other = Verdict { model: "snapshot-isolation".into(), ..verdict() };
        assert_ne!(of(&other, &cycle(&[Relation::Rw], 3)), short);
        assert_eq!(kind(&timed), "G2-item");
    }
}
