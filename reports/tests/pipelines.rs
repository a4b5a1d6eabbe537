//! What pipelines and the store are told: known anomalies, thresholds, comparisons, suites, step summaries.

#[path = "../examples/sample.rs"]
mod sample;

use std::path::Path;

use checkers::Validity;
use disprove_reports::{
    Findings, RunLine, Style, comparison,
    comparison::Comparison,
    expected::{Known, Required},
    fingerprint, index, json, junit, markdown,
    nights::{Followed, Standing},
    step_summary,
    suite::{self, Attempt, Cell, Ending, Suite},
    terminal,
};
use history::Nanos;

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\u{1b}[31m|`*\n::error::mine\u{202e}";

fn plain() -> Style {
    Style { color: false, width: 100 }
}

fn healthy() -> Findings {
    let mut findings = sample::findings(2_000);
    for verdict in &mut findings.verdicts {
        verdict.anomalies.clear();
        verdict.validity = Validity::Valid;
    }
    findings.scenes.clear();
    findings.settle();
    findings
}

fn hostile() -> Findings {
    let mut findings = sample::findings(2_000);
    findings.run.title = HOSTILE.into();
    findings.verdicts[0].model = HOSTILE.into();
    findings.verdicts[0].anomalies[0].kind = HOSTILE.into();
    findings.verdicts[0].anomalies[0].sentence = HOSTILE.into();
    for row in &mut findings.rows {
        row.call = HOSTILE.into();
        row.answer = HOSTILE.into();
    }
    findings.known.push(Known { what: HOSTILE.into(), source: HOSTILE.into() });
    findings.required.push(Required { text: HOSTILE.into(), is_met: false, measured: HOSTILE.into() });
    findings
}

/// Nothing of the hostile text may have become markup or drive a terminal.
fn is_tame_page(page: &str) {
    assert!(!page.contains("<img"), "an image came through");
    assert!(!page.contains('\u{1b}') && !page.contains('\u{202e}'));
}

#[test]
fn a_known_anomaly_passes_everywhere_and_is_shown_everywhere() {
    let mut findings = sample::findings(2_000);
    let kind = findings.verdicts[0].anomalies[0].kind.clone();
    assert_eq!(findings.validity_of_the_new(), Validity::Invalid);
    assert!(junit::xml(&findings).contains("<failure"));
    findings.known.push(Known { what: kind, source: "--allow".into() });
    assert_eq!(findings.validity, Validity::Invalid, "the verdict is not touched");
    assert_eq!(findings.validity_of_the_new(), Validity::Valid);
    assert!(findings.new_anomalies().next().is_none());
    let xml = junit::xml(&findings);
    assert!(!xml.contains("<failure") && xml.contains("(known)"), "{xml}");
    assert!(terminal::summary(&findings, plain()).contains("nothing is new (--allow)"));
    assert!(markdown::summary(&findings).contains("known"));
    assert!(disprove_reports::html::page(&findings).contains("id=\"known\""));
    assert!(step_summary::annotations(&findings).iter().all(|line| !line.starts_with("::error")));
    let read = json::read(&json::results(&findings)).unwrap();
    assert_eq!(read, findings, "what is known is stored");
}

#[test]
fn thresholds_are_told_and_a_missed_one_fails_in_junit() {
    let mut findings = healthy();
    let required =
        |text: &str, is_met| Required { text: text.into(), is_met, measured: "it was 12 ms".into() };
    findings.required = vec![required("p99 < 2s", true), required("p50 < 1ms", false)];
    let xml = junit::xml(&findings);
    assert!(xml.contains("requires p99 &lt; 2s") && xml.matches("<failure").count() == 1, "{xml}");
    let text = terminal::summary(&findings, plain());
    assert!(text.contains("✓ kept   p99 < 2s") && text.contains("✗ missed p50 < 1ms"), "{text}");
    assert_eq!(
        step_summary::annotations(&findings).iter().filter(|line| line.starts_with("::error")).count(),
        1
    );
}

#[test]
fn two_runs_are_compared_by_fingerprint() {
    let (sick, well) = (sample::findings(2_000), healthy());
    let print = fingerprint::all(&sick).into_keys().next().unwrap();
    assert_eq!(print, "stale-read@linearizable:key");
    let worse = Comparison::of(("a", &well), ("b", &sick));
    assert_eq!((worse.new.len(), worse.gone.len(), worse.still.len()), (1, 0, 0));
    let better = Comparison::of(("a", &sick), ("b", &well));
    assert_eq!((better.new.len(), better.gone.len(), better.still.len()), (0, 1, 0));
    assert!(better.caveats.iter().any(|caveat| caveat.contains("does not prove")), "{:?}", better.caveats);
    let same = Comparison::of(("a", &sick), ("b", &sick));
    assert_eq!((same.new.len(), same.still[0].older, same.still[0].newer), (0, 1, 1));
    let text = comparison::text(&worse, plain());
    assert!(
        text.contains("NEW (1)") && text.contains(&print) && text.contains("latency, 99 % under"),
        "{text}"
    );
    let back: Comparison = serde_json::from_str(&serde_json::to_string(&worse).unwrap()).unwrap();
    assert_eq!(back.new, worse.new);
    let bar = maud::html! { nav {} };
    let page = comparison::page(&Comparison::of((HOSTILE, &hostile()), (HOSTILE, &hostile())), &bar, None);
    is_tame_page(&page);
    let text = comparison::text(&Comparison::of(("a", &well), (HOSTILE, &hostile())), plain());
    assert!(!text.contains('\u{1b}') && !text.contains("\n::error"), "{text}");
}

#[test]
fn a_step_summary_has_a_picture_and_stays_under_64_kib_whatever_was_found() {
    let summary = step_summary::summary(&sample::findings(2_000));
    assert!(summary.contains("```mermaid\ngantt") && summary.contains("crit, "), "{summary}");
    let mut huge = hostile();
    let anomaly = huge.verdicts[0].anomalies[0].clone();
    huge.verdicts[0].anomalies = vec![anomaly; 3_000];
    huge.warnings = vec!["|".repeat(50_000); 50];
    huge.required =
        vec![Required { text: "x".repeat(3_000), is_met: false, measured: "<".repeat(3_000) }; 400];
    let summary = step_summary::summary(&huge);
    assert!(summary.len() < 64 * 1024, "{} bytes", summary.len());
    assert!(!summary.contains("<img") && !summary.contains('\u{1b}'));
    let lines = step_summary::annotations(&huge);
    assert!(lines.len() <= 12, "GitHub shows ten of a kind");
    for line in lines {
        assert!(line.starts_with("::") && line.lines().count() == 1, "{line}");
    }
}

fn night(hostile: bool) -> Suite {
    let text = |text: &str| if hostile { HOSTILE.to_owned() } else { text.to_owned() };
    let attempt = |ending| Attempt {
        seed: 7,
        ending,
        folder: text("nightly/20261121T020000.000"),
        sentence: text("read of x returned 3"),
        fingerprints: vec![text("stale-read@linearizable:key")],
        took: Nanos(1_000_000_000),
    };
    let cell = |ending: Option<Ending>| Cell {
        tested: text("specimen, register, all"),
        seed: 7,
        ending,
        attempts: ending.map(attempt).into_iter().collect(),
    };
    Suite {
        schema: 1,
        name: text("nightly"),
        night: text("20261121T020000.000"),
        took: Nanos(90_000_000_000),
        cells: Ending::ALL.into_iter().map(Some).chain([None]).map(cell).collect(),
        left_out: vec![text("etcd does not speak queue")],
        cut_short: Some(text("the time budget was used up")),
        findings: vec![Followed {
            standing: Standing::New,
            tested: text("specimen, register, all"),
            fingerprint: text("stale-read@linearizable:key"),
            found: 1,
            nights: 1,
            first: text("20261121T020000.000"),
            last: text("20261121T020000.000"),
        }],
    }
}

#[test]
fn a_suite_is_told_in_every_form() {
    let suite = night(false);
    let text = suite::text(&suite, Path::new("nightly-store"));
    assert!(
        text.contains(
            "6 cells: 1 invalid, 1 harness failure, 1 threshold missed, 1 unknown, 1 valid, 1 not run"
        ),
        "{text}"
    );
    assert!(text.contains("nightly-store/nightly/20261121T020000.000"), "{text}");
    assert!(text.contains("new (1)") && text.contains("found in 1 of 1 night"), "{text}");
    let xml = suite::junit(&suite);
    assert!(
        xml.contains("tests=\"6\"") && xml.contains("failures=\"2\"") && xml.contains("errors=\"2\""),
        "{xml}"
    );
    assert_eq!(xml.matches("<skipped").count(), 1);
    assert!(suite::page(&suite, "../").contains("../nightly/20261121T020000.000/report.html"));
    let back: Suite = serde_json::from_str(&serde_json::to_string(&suite).unwrap()).unwrap();
    assert_eq!(back, suite);
}

#[test]
fn a_hostile_suite_is_tame_and_a_huge_one_is_cut() {
    let mut suite = night(true);
    is_tame_page(&suite::page(&suite, "../"));
    assert!(!suite::text(&suite, Path::new("store")).contains('\u{1b}'));
    let cells = suite.cells.clone();
    suite.cells = cells.into_iter().cycle().take(5_000).collect();
    let markdown = suite::markdown(&suite);
    assert!(markdown.len() < 64 * 1024 && markdown.contains("more lines"), "{} bytes", markdown.len());
    assert!(!markdown.contains("<img"));
}

#[test]
fn the_list_of_runs_shows_removed_ones_without_a_link_and_reads_old_lines() {
    let mut line = RunLine::of(&sample::findings(2_000), "demo/2026");
    assert_eq!(line.fingerprints, ["stale-read@linearizable:key"]);
    assert!(line.rate > 0.0 && line.p99 > Nanos(0) && line.recovery.is_some());
    assert!(index::page(&[line.clone()]).contains("./demo/2026/report.html"));
    line.removed = true;
    let page = index::page(&[line]);
    assert!(!page.contains("report.html") && page.contains("(removed)"));
    let old: RunLine = serde_json::from_str("{\"headline\":\"valid\"}").unwrap();
    assert!(!old.removed);
    let mut hostile = RunLine::of(&hostile(), HOSTILE);
    hostile.faults = vec![HOSTILE.into()];
    is_tame_page(&index::page(&[hostile]));
}
