//! The texts of the terminal and of JUnit, word for word where it matters.

use checkers::{Limit, Validity, Verdict};
use disprove_reports::{Findings, Headline, Run, Style, junit, terminal};
use history::vocabulary::{Register, Vocabulary as _};

#[path = "../examples/sample.rs"]
mod sample;

const PLAIN: Style = Style { color: false, width: 100 };

#[test]
fn the_first_screen_is_verdict_sentence_report_and_command() {
    let text = terminal::summary(&sample::findings(5_000), PLAIN);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(
        lines[..2].join("\n"),
        "INVALID  register on specimen raft:stale-reads: 1 anomaly was proven in 5,007 operations, judged as\n         \
         linearizable."
    );
    assert!(lines[2].starts_with("  stale-read: A read of account (#"), "{}", lines[2]);
    assert_eq!(lines[4], "  Report       store/register/20261121T101500Z/report.html");
    assert_eq!(
        lines[5],
        "  Reproduce    disprove test --db raft:stale-reads --workload register --time-limit 20 --seed 42"
    );
    assert_eq!(lines[6], "  Check again  disprove check store/register/20261121T101500Z");
    assert!(!text.contains('\x1b'));
    let colored = terminal::summary(&sample::findings(5_000), Style { color: true, width: 100 });
    assert!(colored.starts_with("\x1b[1;31mINVALID\x1b[0m  "));
}

#[test]
fn no_heading_stands_over_nothing_and_each_promise_is_told_apart() {
    let mut history = sample::history(500);
    history.operations.retain(|operation| matches!(operation.outcome, history::Outcome::Ok(_)));
    history.faults.clear();
    let verdict = |model: &str, validity| Verdict {
        model: model.into(),
        validity,
        operations: 600,
        ..Verdict::default()
    };
    let verdicts = vec![verdict("linearizable", Validity::Invalid), verdict("causal", Validity::Valid)];
    let mut findings = Findings::from_history(Run::default(), &history, verdicts);
    findings.recovery = Some(history::Nanos(21_800_000));
    let text = terminal::summary(&findings, PLAIN);
    assert!(text.contains("Still standing: causal\n"), "{text}");
    assert!(text.contains("Phases\n  answered again 21.8 ms"), "{text}");
    assert!(
        text.contains("Limits of this verdict\n  - No limit was hit, and no outcome is unknown."),
        "{text}"
    );
}

fn judged(validity: Validity, limits: Vec<Limit>) -> Findings {
    let verdict = Verdict {
        checker: "linearizable".into(),
        model: "linearizable".into(),
        validity,
        limits,
        operations: 5_007,
        ..Verdict::default()
    };
    let mut findings =
        Findings::from_history(Run { seed: 7, ..Run::default() }, &sample::history(5_000), vec![verdict]);
    findings.run.workload = "register".into();
    findings
}

#[test]
fn the_headline_follows_verdicts_doubts_and_failures() {
    let mut findings = judged(Validity::Valid, vec![]);
    assert_eq!(findings.headline, Headline::Valid);
    findings.demand_evidence(true);
    assert_eq!(findings.headline, Headline::Valid, "{:?}", findings.doubts);
    let mut reads = sample::history(5_000);
    reads.operations.retain(|operation| Register::is_read(&operation.call));
    let mut only_read = Findings::from_history(Run::default(), &reads, findings.verdicts.clone());
    only_read.demand_evidence(false);
    assert_eq!(only_read.headline, Headline::Unknown, "reads of what nobody wrote prove nothing");
    assert!(only_read.sentence().contains("nothing had been changed"), "{}", only_read.sentence());
    findings.faults.clear();
    findings.demand_evidence(true);
    assert_eq!(findings.headline, Headline::Unknown);
    assert!(findings.sentence().ends_with(
        "faults were asked for and none is known to have taken effect: this was no test under faults."
    ));
    findings.failure = Some("n3 is gone".into());
    findings.settle();
    assert_eq!(findings.headline, Headline::Failure);
    let undecided = judged(Validity::Unknown, vec![Limit::Steps(9)]);
    assert_eq!(
        undecided.sentence(),
        "5,007 operations judged as linearizable, not decided: the step limit of 9 was hit."
    );
    assert_eq!(undecided.limits, ["linearizable: the step limit of 9 was hit"]);
}

#[test]
fn junit_fails_for_anomalies_and_errs_for_what_is_undecided() {
    let xml = junit::xml(&sample::findings(5_000));
    assert!(
        xml.contains(r#"<testsuites name="disprove" tests="1" skipped="0" failures="1" errors="0""#),
        "{xml}"
    );
    assert!(xml.contains(r#"<property name="seed" value="42"/>"#), "{xml}");
    assert!(xml.contains(r#"<failure message="stale-read: A read of account"#), "{xml}");
    assert!(xml.contains("reproduce: disprove test --db raft:stale-reads"), "{xml}");
    let xml = junit::xml(&judged(Validity::Unknown, vec![Limit::Time]));
    assert!(xml.contains(r#"tests="1" skipped="0" failures="0" errors="1""#), "{xml}");
    assert!(xml.contains("the time limit was hit"), "{xml}");
    let xml = junit::xml(&judged(Validity::Valid, vec![]));
    assert!(xml.contains(r#"tests="1" skipped="0" failures="0" errors="0""#), "{xml}");
}
