//! What a run is expected to do: which anomalies are known, and which thresholds it must keep.

use std::path::Path;

use checkers::Validity;
use reports::{Findings, expected::Known, fingerprint};

use crate::{
    arguments::ExpectArguments,
    exit::{Exit, Failure},
    requirement::Requirement,
    settings,
    store::RunFolder,
};

/// What is expected of a run.
#[derive(Clone, Debug, Default)]
pub struct Expectation {
    known: Vec<Known>,
    requirements: Vec<Requirement>,
}

impl Expectation {
    /// What the flags say; a baseline is read at once.
    pub fn new(arguments: &ExpectArguments) -> Result<Self, Failure> {
        let mut known = Vec::new();
        for what in arguments.allow.iter().map(|what| what.trim()) {
            is_a_kind(fingerprint::kind(what))?;
            known.push(Known { what: what.to_owned(), source: "--allow".into() });
        }
        if let Some(path) = &arguments.baseline {
            known.extend(baseline(path)?);
        }
        let requirements = arguments.require.iter().map(|text| Requirement::parse(text));
        Ok(Self { known, requirements: requirements.collect::<Result<_, _>>()? })
    }

    /// Notes in the findings what is known and how the thresholds went.
    pub fn note(&self, findings: &mut Findings) {
        findings.known.clone_from(&self.known);
        findings.required = self.requirements.iter().map(|requirement| requirement.judge(findings)).collect();
    }
}

/// How a command exits that made or judged these findings: a new anomaly outranks an interruption, which outranks a
/// missed threshold, which outranks unknown.
pub fn exit_of(findings: &Findings) -> Exit {
    match findings.validity_of_the_new() {
        Validity::Invalid => Exit::Anomaly,
        _ if findings.interrupted => Exit::Interrupted,
        _ if findings.required.iter().any(|required| !required.is_met) => Exit::Threshold,
        validity => Exit::from(validity),
    }
}

fn is_a_kind(kind: &str) -> Result<(), Failure> {
    let kinds = || checkers::anomaly::glossary().iter().map(|entry| entry.kind);
    if kinds().any(|known| known == kind) {
        return Ok(());
    }
    let nearest = settings::nearest(kind, kinds());
    Err(Failure::usage(format!(
        "--allow: there is no anomaly `{kind}`; did you mean `{nearest}`? `disprove list anomalies` shows all"
    )))
}

/// Every finding of a stored run, and what that run itself was told is known: baselines can be chained.
fn baseline(path: &Path) -> Result<Vec<Known>, Failure> {
    let folder = RunFolder::open(path)?;
    let findings = folder.findings()?.ok_or_else(|| {
        Failure::input(format!(
            "the baseline {0} was never judged; `disprove report {0}` judges it",
            path.display()
        ))
    })?;
    let source = format!("baseline {}", folder.label());
    let own = fingerprint::all(&findings).into_keys();
    let mut known: Vec<Known> = own.map(|what| Known { what, source: source.clone() }).collect();
    for older in findings.known {
        if !known.iter().any(|newer| newer.what == older.what) {
            known.push(older);
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use checkers::{Anomaly, Verdict};

    use super::*;

    fn found(kinds: &[&str]) -> Findings {
        let mut findings = Findings::from_failure(reports::Run::default(), "");
        findings.failure = None;
        let anomaly = |kind: &&str| Anomaly { kind: (*kind).to_owned(), ..Anomaly::default() };
        let anomalies: Vec<Anomaly> = kinds.iter().map(anomaly).collect();
        let validity = if anomalies.is_empty() { Validity::Valid } else { Validity::Invalid };
        findings.verdicts.push(Verdict {
            model: "serializable".into(),
            anomalies,
            validity,
            ..Verdict::default()
        });
        findings.settle();
        findings
    }

    fn expect(allow: &[&str], require: &[&str]) -> Expectation {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let arguments = ExpectArguments { allow: texts(allow), baseline: None, require: texts(require) };
        Expectation::new(&arguments).unwrap()
    }

    #[test]
    fn known_anomalies_pass_and_new_ones_beside_them_do_not() {
        let exit = |kinds: &[&str], allow: &[&str], require: &[&str]| {
            let mut findings = found(kinds);
            expect(allow, require).note(&mut findings);
            assert_eq!(
                findings.validity == Validity::Invalid,
                !kinds.is_empty(),
                "the verdict never changes"
            );
            exit_of(&findings)
        };
        assert_eq!(exit(&["G2-item"], &[], &[]), Exit::Anomaly);
        assert_eq!(exit(&["G2-item"], &["G2-item"], &[]), Exit::Valid);
        assert_eq!(exit(&["G2-item"], &["G2-item@serializable:answer"], &[]), Exit::Valid);
        assert_eq!(exit(&["G2-item"], &["G2-item@serializable:keys"], &[]), Exit::Anomaly);
        assert_eq!(exit(&["G2-item", "G1a"], &["G2-item"], &[]), Exit::Anomaly);
        assert_eq!(exit(&["G2-item"], &["G2-item"], &["ok > 5"]), Exit::Threshold);
        assert_eq!(exit(&["G1a"], &[], &["ok > 5"]), Exit::Anomaly);
        assert_eq!(exit(&[], &["G2-item"], &[]), Exit::Valid);
    }

    #[test]
    fn a_doubt_or_an_undecided_check_beside_what_is_known_stays_unknown() {
        let mut findings = found(&["G2-item"]);
        expect(&["G2-item"], &[]).note(&mut findings);
        findings.doubts.push("no read succeeded".into());
        assert_eq!(exit_of(&findings), Exit::Unknown);
        findings.interrupted = true;
        assert_eq!(exit_of(&findings), Exit::Interrupted);
        let mut findings = found(&["G2-item"]);
        findings.verdicts.push(Verdict { validity: Validity::Invalid, ..Verdict::default() });
        expect(&["G2-item"], &[]).note(&mut findings);
        assert_eq!(
            exit_of(&findings),
            Exit::Anomaly,
            "a broken promise without a named anomaly is not known"
        );
    }

    #[test]
    fn a_kind_that_does_not_exist_is_refused_with_the_nearest() {
        let arguments = ExpectArguments { allow: vec!["G2-itm".into()], baseline: None, require: vec![] };
        let error = Expectation::new(&arguments).unwrap_err();
        assert!(error.exit == Exit::Usage && error.message.contains("`G2-item`"), "{}", error.message);
    }
}
