//! What GitHub shows of a run: the step summary, with a picture of the first contradiction that GitHub draws itself,
//! and annotations.

use std::fmt::Write;

use checkers::Anomaly;
use history::OpIndex;

use crate::{
    Findings, Headline, OutcomeKind, markdown,
    wording::{cut, visible},
};

/// GitHub takes 1 MiB per step and shows less; this is what all of a run's summary may take.
const SUMMARY_MAX: usize = 60 * 1024;
/// GitHub shows ten annotations of a kind per step.
const ANNOTATIONS_MAX: usize = 10;
/// How many operations a picture shows.
const PICTURE_MAX: usize = 14;
/// The longest text in a picture, in characters.
const LABEL_MAX: usize = 48;
/// The longest text of an annotation, in characters.
const MESSAGE_MAX: usize = 1_000;

/// The summary, under 64 KiB whatever was found. The picture is a diagram in text, which GitHub draws inline.
pub fn summary(findings: &Findings) -> String {
    let mut text = markdown::summary(findings);
    let picture = findings
        .new_anomalies()
        .chain(findings.anomalies())
        .find_map(|(_, anomaly)| picture(findings, anomaly));
    if let Some(picture) = picture
        && text.len() + picture.len() <= SUMMARY_MAX
    {
        text.push_str(&picture);
    }
    if text.len() > SUMMARY_MAX {
        let end = (0..=SUMMARY_MAX).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let end = text[..end].rfind('\n').unwrap_or(end);
        text.truncate(end);
        text.push_str("\n\n… the rest is in report.html\n");
    }
    text
}

/// The contradiction as a diagram: the cycle, or the witness over time.
fn picture(findings: &Findings, anomaly: &Anomaly) -> Option<String> {
    let drawn = if anomaly.cycle.is_empty() { over_time(findings, anomaly) } else { cycle(anomaly) }?;
    Some(format!("\n```mermaid\n{drawn}```\n"))
}

fn cycle(anomaly: &Anomaly) -> Option<String> {
    if anomaly.cycle.len() > PICTURE_MAX {
        return None;
    }
    let mut drawn = String::from("graph LR\n");
    for link in &anomaly.cycle {
        let key = link.key.as_ref().map_or_else(String::new, |key| format!(" {key}"));
        let label = label(&format!("{}{key}", link.relation.name()));
        let _ = writeln!(drawn, "  T{0}[\"{0}\"] -->|\"{label}\"| T{1}[\"{1}\"]", link.from.0, link.to.0);
    }
    Some(drawn)
}

/// The witness as bars over time, a section per process.
fn over_time(findings: &Findings, anomaly: &Anomaly) -> Option<String> {
    let culprit = anomaly.explanation.iter().rev().find(|placement| placement.refusal.is_some());
    let culprit: Option<OpIndex> =
        culprit.map(|placement| placement.operation).or(anomaly.witness.last().copied());
    let mut rows: Vec<_> =
        anomaly.witness.iter().filter_map(|index| findings.row(*index)).take(PICTURE_MAX).collect();
    if rows.is_empty() {
        return None;
    }
    rows.sort_by_key(|row| (row.process, row.began));
    let first = rows.iter().map(|row| row.began.0).min().unwrap_or(0);
    let last = rows.iter().map(|row| row.ended.unwrap_or(row.began).0).max().unwrap_or(0);
    // A diagram's smallest unit is a millisecond; a contradiction may be shorter as a whole.
    let unit = ((last - first) / 10_000).max(1);
    let mut drawn = String::from("gantt\n  dateFormat x\n  axisFormat %S.%L\n");
    let mut section = None;
    for row in rows {
        if section != Some(row.process) {
            section = Some(row.process);
            let _ = writeln!(drawn, "  section {}", label(&row.process.to_string()));
        }
        let tag = match (Some(row.index) == culprit, row.outcome) {
            (true, _) => "crit, ",
            (false, OutcomeKind::Ok) => "",
            (false, _) => "active, ",
        };
        let from = (row.began.0 - first) / unit;
        let until = ((row.ended.map_or(last, |ended| ended.0).max(row.began.0) - first) / unit).max(from + 1);
        let _ = writeln!(drawn, "  {} = {} :{tag}{from}, {until}", label(&row.call), label(&row.answer));
    }
    Some(drawn)
}

/// Foreign text in a diagram: only what can neither end the text nor mean anything in the diagram's language.
fn label(text: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || " .-+()[]".contains(c) { c } else { ' ' };
    let shown: String = cut(text, LABEL_MAX).chars().map(plain).collect();
    let shown = shown.replace(['[', ']'], "'");
    shown.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The lines that make GitHub mark the job: an error for what broke, a warning for what is not decided.
pub fn annotations(findings: &Findings) -> Vec<String> {
    let run = &findings.run;
    let title = |what: &str| property(&format!("{what}: {}", run.title));
    let mut lines = Vec::new();
    for (_, anomaly) in findings.new_anomalies().take(ANNOTATIONS_MAX) {
        lines.push(format!("::error title={}::{}", title(&anomaly.kind), message(&anomaly.sentence)));
    }
    for missed in findings.required.iter().filter(|line| !line.is_met) {
        let text = format!("{}: {}", missed.text, missed.measured);
        lines.push(format!("::error title={}::{}", title("threshold missed"), message(&text)));
    }
    lines.truncate(ANNOTATIONS_MAX);
    match findings.headline {
        Headline::Failure => {
            lines.push(format!(
                "::error title={}::{}",
                title("harness failure"),
                message(&findings.sentence())
            ));
        }
        Headline::Unknown => {
            lines.push(format!("::warning title={}::{}", title("unknown"), message(&findings.sentence())));
        }
        Headline::Valid | Headline::Invalid => {}
    }
    if let Some(known) = findings.known_sentence() {
        lines.push(format!("::notice title={}::{}", title("known"), message(&known)));
    }
    lines
}

/// Text in a workflow command: it can end neither its line nor begin another command.
pub fn message(text: &str) -> String {
    let shown = visible(text);
    cut(&shown, MESSAGE_MAX).replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same in a property, where two more signs mean something.
pub fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}
