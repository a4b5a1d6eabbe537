//! The table of a survey: how often each disease was found, with and without faults, and how soon.

use std::{collections::BTreeMap, fmt::Write as _};

use specimens::Disease;

use super::{Case, Measured, measured};

/// The whole table in Markdown, with a line below it on how it was measured.
pub(super) fn draw(diseases: &[Disease], results: &[&Measured<Case>], seconds: f64) -> String {
    let mut text = String::from(
        "| disease | its mistake | needs | found with faults | found without | first anomaly, median (latest) | calls ok, median (least) | shows as |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for disease in diseases {
        row(&mut text, *disease, results);
    }
    let _ = writeln!(
        text,
        "\nEach run: {seconds:.0} s of calls with the default settings, version {}. The first anomaly is the moment, counted \
         from the start of the run, by which all calls of some witness had been answered.",
        env!("CARGO_PKG_VERSION")
    );
    warnings(&mut text, results);
    text
}

/// What the reports of these runs warn of, and in how many of them. Numbers differ from run to run, so they are left out.
fn warnings(text: &mut String, results: &[&Measured<Case>]) {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for warning in results.iter().flat_map(|result| &result.warnings) {
        let words = warning.split(|letter: char| letter.is_ascii_digit()).filter(|part| !part.is_empty());
        *counts.entry(words.collect::<Vec<_>>().join("…")).or_default() += 1;
    }
    if !counts.is_empty() {
        let _ = writeln!(text, "\nWhat the reports of these {} runs warn of:\n", results.len());
    }
    for (warning, count) in counts {
        let _ = writeln!(text, "- in {count}: {warning}");
    }
}

fn row(text: &mut String, disease: Disease, results: &[&Measured<Case>]) {
    let of = |with_faults: bool| {
        let mine = results.iter().filter(move |result| {
            result.case.disease == disease.name() && result.case.with_faults == with_faults
        });
        mine.copied().collect::<Vec<_>>()
    };
    let (with, without) = (of(true), of(false));
    // A disease that needs no fault shows in both, and one number for both would hide which.
    let firsts = with.iter().filter_map(|result| result.first_anomaly_seconds).collect();
    let needs = if disease.needs().is_empty() { "–".into() } else { disease.needs().join(" or ") };
    let _ = writeln!(
        text,
        "| {} | {} | {needs} | {} | {} | {} | {} | {} |",
        disease.name(),
        disease.describe(),
        measured::found(&with),
        measured::found(&without),
        measured::spread(firsts, |first| format!("{first:.1} s")),
        measured::shares(&with),
        measured::shown(&with),
    );
}

#[cfg(test)]
mod tests {
    use checkers::Validity;

    use super::*;

    fn measured(seed: u64, verdict: Validity, first: Option<f64>, warnings: &[&str]) -> Measured<Case> {
        Measured {
            case: Case { disease: "no-fsync".into(), with_faults: true, seconds: 30, seed },
            version: "0.1.0".into(),
            verdict,
            kinds: Vec::new(),
            operations: 200,
            ok_operations: 190 - seed,
            first_anomaly_seconds: first,
            doubts: Vec::new(),
            warnings: warnings.iter().map(|&warning| warning.to_owned()).collect(),
            run: "store/survey/1".into(),
        }
    }

    #[test]
    fn a_row_says_how_often_and_how_soon() {
        let results = [
            measured(1, Validity::Invalid, Some(3.0), &[]),
            measured(2, Validity::Invalid, Some(9.0), &["the tester was 40 ms late"]),
            measured(3, Validity::Unknown, None, &["the tester was 7 ms late"]),
        ];
        let table = draw(&[Disease::NoFsync], &results.iter().collect::<Vec<_>>(), 30.0);
        let row = table.lines().nth(2).expect("one row");
        assert!(
            row.contains("| kill | 2 of 3 (1 undecided) | not run | 9.0 s (9.0 s) | 94 % (94 %) |"),
            "{row}"
        );
        assert!(table.contains("these 3 runs warn of:\n\n- in 2: the tester was … ms late\n"), "{table}");
    }
}
