//! A cycle in words: why each operation comes before the next, and that the last comes before the first.

use checkers::{Anomaly, Standing, Validity};

use crate::Findings;

/// How many steps of a cycle are told; the witness holds them all.
pub const STEPS_MAX: usize = 24;

/// The steps of the anomaly's cycle, one sentence each; none where the anomaly is not a cycle.
pub fn steps(anomaly: &Anomaly) -> Vec<String> {
    let last = anomaly.cycle.len().saturating_sub(1);
    let told = anomaly.cycle.iter().enumerate().map(|(place, link)| {
        let (however, end) = match place {
            0 if last == 0 => ("", ": a contradiction"),
            _ if place == last => ("however ", ": a contradiction"),
            _ => ("", ""),
        };
        format!("{however}{} < {}, because {}{end}.", link.from, link.to, link.because)
    });
    told.collect()
}

/// What falls and what still stands, one line each, without the lines that would be empty.
pub fn standing(standing: &Standing) -> Vec<(&'static str, String)> {
    let lines = [
        ("Refuted", &standing.refuted),
        ("Falls with it", &standing.also_refuted),
        ("Strongest still standing", &standing.strongest_standing),
        ("Not decided", &standing.undecided),
    ];
    lines
        .into_iter()
        .filter(|(_, names)| !names.is_empty())
        .map(|(title, names)| (title, names.join(", ")))
        .collect()
}

/// Which promises were judged one by one beside those that fell, and how: what stands, and what is not decided. Nothing
/// where a checker judged the whole lattice.
pub fn others(findings: &Findings) -> Vec<(&'static str, String)> {
    if findings.validity != Validity::Invalid || findings.verdicts.iter().any(|one| one.standing.is_some()) {
        return Vec::new();
    }
    let so_judged = |validity: Validity| {
        let mut models: Vec<&str> = Vec::new();
        for verdict in findings.verdicts.iter().filter(|verdict| verdict.validity == validity) {
            if !models.contains(&verdict.model.as_str()) {
                models.push(&verdict.model);
            }
        }
        models.join(", ")
    };
    let lines = [("Still standing", Validity::Valid), ("Not decided", Validity::Unknown)];
    let lines = lines.into_iter().map(|(title, validity)| (title, so_judged(validity)));
    lines.filter(|(_, models)| !models.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use checkers::{Link, Relation};
    use history::OpIndex;

    use super::*;

    fn link(from: u32, to: u32, because: &str) -> Link {
        let (from, to) = (OpIndex(from), OpIndex(to));
        Link { from, to, relation: Relation::Rw, key: None, because: because.into() }
    }

    #[test]
    fn the_last_step_contradicts() {
        let cycle = vec![link(1, 2, "#2 read 3 of #1"), link(2, 1, "#2 did not read 4 of #1")];
        let told = steps(&Anomaly { cycle, ..Anomaly::default() });
        assert_eq!(told[0], "#1 < #2, because #2 read 3 of #1.");
        assert_eq!(told[1], "however #2 < #1, because #2 did not read 4 of #1: a contradiction.");
        assert!(steps(&Anomaly::default()).is_empty());
    }

    #[test]
    fn promises_that_were_judged_one_by_one_are_told_apart() {
        let verdict = |model: &str, validity| checkers::Verdict {
            model: model.into(),
            validity,
            ..checkers::Verdict::default()
        };
        let mut findings = Findings::from_failure(crate::Run::default(), "");
        findings.validity = Validity::Invalid;
        findings.verdicts = vec![
            verdict("linearizable", Validity::Invalid),
            verdict("sequential", Validity::Unknown),
            verdict("causal", Validity::Valid),
            verdict("pram", Validity::Valid),
        ];
        let told =
            [("Still standing", "causal, pram".to_string()), ("Not decided", "sequential".to_string())];
        assert_eq!(others(&findings), told);
        findings.verdicts[0].standing = Some(Standing::default());
        assert!(others(&findings).is_empty(), "the lattice says it");
    }

    #[test]
    fn only_what_is_known_is_told_of_the_promises() {
        let told = standing(&Standing { refuted: vec!["serializable".into()], ..Standing::default() });
        assert_eq!(told, [("Refuted", "serializable".to_string())]);
    }
}
