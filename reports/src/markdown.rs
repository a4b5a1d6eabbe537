//! A summary in Markdown, for a GitHub step summary or a chat: under 64 KiB, and foreign text cannot leave its cell.

use std::fmt::Write;

use history::FaultState;

use crate::{
    Findings, proof,
    wording::{count, cut, duration, percent, plural, visible},
};

/// How many anomalies are told.
const ANOMALIES_MAX: usize = 10;
/// How many faults are listed.
const FAULTS_MAX: usize = 20;
/// How many warnings and limits are listed, each.
const LINES_MAX: usize = 10;
/// The longest foreign text, in characters.
const TEXT_MAX: usize = 400;

/// The summary.
pub fn summary(findings: &Findings) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "## {} {}: {}\n\n**{}**\n",
        findings.headline.sign(),
        findings.headline.word(),
        escape(if findings.run.title.is_empty() { "Disprove" } else { &findings.run.title }),
        escape(&findings.sentence())
    );
    anomalies(&mut text, findings);
    if let Some(sentence) = findings.known_sentence() {
        let _ = writeln!(text, "Known: {}.\n", escape(&sentence));
    }
    for line in &findings.required {
        let sign = if line.is_met { "✓ kept" } else { "✗ **missed**" };
        let _ = writeln!(text, "- {sign} {}: {}", escape(&line.text), escape(&line.measured));
    }
    if !findings.required.is_empty() {
        text.push('\n');
    }
    for standing in findings.verdicts.iter().filter_map(|verdict| verdict.standing.as_ref()) {
        for (title, names) in proof::standing(standing) {
            let _ = writeln!(text, "{title}: {}\n", escape(&names));
        }
    }
    for (title, models) in proof::others(findings) {
        let _ = writeln!(text, "{title}: {}\n", escape(&models));
    }
    let commands = [("Reproduce", &findings.run.reproduce), ("Check again", &findings.run.recheck)];
    for (name, command) in commands.into_iter().filter(|(_, command)| !command.is_empty()) {
        let _ = writeln!(text, "{name}:\n\n{}\n", code_block(command));
    }
    counts(&mut text, findings);
    faults(&mut text, findings);
    list(&mut text, "Warnings", findings.doubts.iter().chain(&findings.warnings));
    list(&mut text, "Limits of this verdict", findings.honest_limits().iter());
    text
}

fn anomalies(text: &mut String, findings: &Findings) {
    for (verdict, anomaly) in findings.anomalies_new_first().into_iter().take(ANOMALIES_MAX) {
        let known = if findings.known(verdict, anomaly).is_some() { " (known)" } else { "" };
        let _ = writeln!(text, "- **{}**{known}: {}", escape(&anomaly.kind), escape(&anomaly.sentence));
        for step in proof::steps(anomaly).iter().take(proof::STEPS_MAX) {
            let _ = writeln!(text, "  - {}", escape(step));
        }
    }
    let all = findings.anomalies().count();
    if all > ANOMALIES_MAX {
        let _ = writeln!(text, "- and {} more", all - ANOMALIES_MAX);
    }
    if all > 0 {
        text.push('\n');
    }
}

fn counts(text: &mut String, findings: &Findings) {
    if findings.counts.is_empty() {
        return;
    }
    text.push_str("| call | ok | fail | unknown | ok share |\n|---|--:|--:|--:|--:|\n");
    for row in &findings.counts {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            escape(&row.kind),
            count(row.ok),
            count(row.fail),
            count(row.unknown),
            percent(row.ok, row.total())
        );
    }
    text.push('\n');
}

fn faults(text: &mut String, findings: &Findings) {
    if findings.faults.is_empty() {
        return;
    }
    let in_all = plural(findings.faults.len() as u64, "fault");
    let _ = writeln!(text, "<details><summary>{in_all}</summary>\n");
    text.push_str("| fault | from | for | state | operations | evidence |\n|---|--:|--:|---|--:|---|\n");
    for line in findings.faults.iter().take(FAULTS_MAX) {
        let record = &line.record;
        let length = record.ended.map(|ended| history::Nanos(ended.0.saturating_sub(record.began.0)));
        let state = match record.state {
            FaultState::Installed => "installed",
            FaultState::Skipped => "skipped",
            FaultState::Indeterminate => "indeterminate",
        };
        let _ = writeln!(
            text,
            "| {} | {} | {} | {state} | {} | {} |",
            escape(&record.description),
            record.began,
            length.map_or("to the end".into(), duration),
            count(line.exposure.operations),
            escape(&record.evidence)
        );
    }
    if findings.faults.len() > FAULTS_MAX {
        let _ = writeln!(text, "\nand {} more", findings.faults.len() - FAULTS_MAX);
    }
    text.push_str("\n</details>\n\n");
}

fn list<'a>(text: &mut String, heading: &str, lines: impl Iterator<Item = &'a String>) {
    let lines: Vec<_> = lines.collect();
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "**{heading}**\n");
    for line in lines.iter().take(LINES_MAX) {
        let _ = writeln!(text, "- {}", escape(line));
    }
    if lines.len() > LINES_MAX {
        let _ = writeln!(text, "- and {} more", lines.len() - LINES_MAX);
    }
    text.push('\n');
}

/// Foreign text as text: no markup, no table cell, no mention of anybody survives.
pub(crate) fn escape(text: &str) -> String {
    let shown = visible(text).into_owned();
    let mut escaped = String::with_capacity(shown.len() + 16);
    for character in cut(&shown, TEXT_MAX).chars() {
        match character {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '@' => escaped.push_str("&#64;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '#' | '|' | '~' | '!' => {
                escaped.push('\\');
                escaped.push(character);
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A command in a fence longer than any run of backticks within it.
fn code_block(command: &str) -> String {
    let mut longest = 0;
    let mut run = 0;
    for character in command.chars() {
        run = if character == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}sh\n{}\n{fence}", visible(&cut(command, 2_000)))
}
