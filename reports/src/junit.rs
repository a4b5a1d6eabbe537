//! JUnit XML: one suite per run, one case per checker, as Jenkins, GitLab and GitHub read it.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use checkers::{Validity, Verdict};

use crate::{
    Findings, Headline,
    wording::{cut, visible},
};

/// How many anomalies of one checker are told.
const ANOMALIES_MAX: usize = 20;
/// The longest message attribute, in characters.
const MESSAGE_MAX: usize = 500;

/// The run as JUnit XML. An anomaly is a failure, an undecided check and a failed harness are errors: neither may turn a
/// pipeline green.
pub fn xml(findings: &Findings) -> String {
    let mut report = Report::new("disprove");
    let mut suite = TestSuite::new(visible(&suite_name(findings)).into_owned());
    for (name, value) in properties(findings) {
        suite.add_property((visible(&name).into_owned(), visible(&value).into_owned()));
    }
    for verdict in &findings.verdicts {
        suite.add_test_case(case_of(verdict, findings));
    }
    if let Some(failure) = &findings.failure {
        suite.add_test_case(error("harness", failure, failure));
    }
    for line in &findings.required {
        suite.add_test_case(required(line, findings));
    }
    let undecided = findings.doubts.first().map(String::as_str);
    let undecided =
        undecided.or_else(|| findings.verdicts.is_empty().then_some("no checker judged this history"));
    if let (Some(doubt), Headline::Unknown | Headline::Invalid) = (undecided, findings.headline) {
        suite.add_test_case(error("evidence", doubt, &findings.doubts.join("\n")));
    }
    suite.set_time(std::time::Duration::from_nanos(findings.phases.iter().map(|phase| phase.took.0).sum()));
    report.add_test_suite(suite);
    report.to_string().expect("a report written into memory has no way to fail")
}

fn suite_name(findings: &Findings) -> String {
    let run = &findings.run;
    match (run.title.is_empty(), run.workload.is_empty()) {
        (false, _) => run.title.clone(),
        (true, false) => run.workload.clone(),
        (true, true) => "run".into(),
    }
}

fn properties(findings: &Findings) -> Vec<(String, String)> {
    let run = &findings.run;
    let mut pairs = vec![
        ("seed".to_string(), run.seed.to_string()),
        ("database".into(), format!("{} {}", run.database, run.database_version).trim().to_string()),
        ("workload".into(), run.workload.clone()),
        ("model".into(), run.model.clone()),
        ("reproduce".into(), run.reproduce.clone()),
        ("report".into(), run.report.clone()),
        ("operations".into(), findings.operations.to_string()),
        ("ok_operations".into(), findings.ok_operations.to_string()),
    ];
    pairs.extend(run.environment.iter().map(|fact| (fact.name.clone(), fact.value.clone())));
    pairs.retain(|(_, value)| !value.is_empty());
    pairs
}

fn case_of(verdict: &Verdict, findings: &Findings) -> TestCase {
    let name = visible(&verdict.checker).into_owned();
    let mut case = match verdict.validity {
        Validity::Valid => TestCase::new(name, TestCaseStatus::success()),
        // What is known does not turn a pipeline red; it is still told.
        Validity::Invalid if findings.is_known(verdict) => {
            let mut case = TestCase::new(name, TestCaseStatus::success());
            case.set_system_out(told_of(verdict, findings).join("\n"));
            case
        }
        Validity::Unknown => {
            let limits = verdict.limits.iter().map(ToString::to_string).chain(verdict.notes.iter().cloned());
            let text = limits.collect::<Vec<_>>().join("\n");
            error(&name, if text.is_empty() { "could not decide" } else { &text }, &text)
        }
        Validity::Invalid => {
            let mut lines = told_of(verdict, findings);
            let message =
                lines.first().cloned().unwrap_or_else(|| format!("{} was broken", visible(&verdict.model)));
            if !findings.run.reproduce.is_empty() {
                lines.push(format!("reproduce: {}", visible(&findings.run.reproduce)));
            }
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status.set_message(cut(&message, MESSAGE_MAX).into_owned());
            let kind = verdict.anomalies.first().map_or("anomaly", |anomaly| anomaly.kind.as_str());
            status.set_type(visible(kind).into_owned());
            status.set_description(lines.join("\n"));
            TestCase::new(name, status)
        }
    };
    case.set_classname(visible(&suite_name(findings)).into_owned());
    case
}

/// A threshold as a case: a missed one is a failure.
fn required(line: &crate::expected::Required, findings: &Findings) -> TestCase {
    let name = format!("requires {}", visible(&line.text));
    let mut status = TestCaseStatus::success();
    if !line.is_met {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type("threshold");
        status.set_message(cut(&visible(&line.measured), MESSAGE_MAX).into_owned());
    }
    let mut case = TestCase::new(name, status);
    case.set_classname(visible(&suite_name(findings)).into_owned());
    case
}

/// The anomalies of a verdict, new ones first, a line each.
fn told_of(verdict: &Verdict, findings: &Findings) -> Vec<String> {
    let known = |anomaly: &&checkers::Anomaly| findings.known(verdict, anomaly).is_some();
    let new = verdict.anomalies.iter().filter(|anomaly| !known(anomaly));
    let told = new.chain(verdict.anomalies.iter().filter(known)).take(ANOMALIES_MAX);
    let mut lines: Vec<_> = told
        .map(|anomaly| {
            let known = if known(&anomaly) { " (known)" } else { "" };
            format!("{}{known}: {}", visible(&anomaly.kind), visible(&anomaly.sentence))
        })
        .collect();
    if verdict.anomalies.len() > ANOMALIES_MAX {
        lines.push(format!("... and {} more", verdict.anomalies.len() - ANOMALIES_MAX));
    }
    lines
}

fn error(name: &str, message: &str, text: &str) -> TestCase {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(cut(&visible(message), MESSAGE_MAX).into_owned());
    status
        .set_description(text.lines().map(|line| visible(line).into_owned()).collect::<Vec<_>>().join("\n"));
    TestCase::new(name, status)
}
