//! The summary that a run ends with in a terminal: the verdict, one sentence per anomaly, where the page is and how
//! to repeat it come first; the rest is scrollback.

use std::fmt::Write;

use history::FaultState;

use crate::{
    Findings, Headline, proof,
    wording::{NO_LIMITS, count, cut, duration, percent, plural, visible},
};

/// How many anomalies are told.
const ANOMALIES_MAX: usize = 3;
/// How many faults are listed.
const FAULTS_MAX: usize = 12;
/// How many reasons, warnings and notes are listed, each.
const LINES_MAX: usize = 8;
/// The longest sentence, in characters.
const SENTENCE_MAX: usize = 600;

/// What the terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether colours may be used.
    pub color: bool,
    /// The columns of the terminal. Prose is wrapped to it; commands and paths never are, so that they can be copied.
    pub width: usize,
}

/// The summary, ending with a line break. No value of the database can drive the terminal with it.
pub fn summary(findings: &Findings, style: Style) -> String {
    let mut page = Page { text: String::new(), style };
    page.verdict(findings);
    page.expected(findings);
    page.pointers(findings);
    page.calls(findings);
    page.faults(findings);
    page.phases(findings);
    page.remarks(findings);
    page.text
}

struct Page {
    text: String,
    style: Style,
}

const BOLD: &str = "1";
const DIM: &str = "2";

fn color_of(headline: Headline) -> &'static str {
    match headline {
        Headline::Valid => "1;32",
        Headline::Unknown => "1;33",
        Headline::Invalid => "1;31",
        Headline::Failure => "1;35",
    }
}

impl Page {
    fn paint(&self, code: &str, text: &str) -> String {
        if self.style.color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.into() }
    }

    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn heading(&mut self, text: &str) {
        let painted = self.paint(BOLD, text);
        self.text.push('\n');
        self.line(&painted);
    }

    /// Prose after a lead of so many columns that is already painted.
    fn prose(&mut self, lead: &str, columns: usize, text: &str) {
        let width = self.style.width.clamp(40, 200) - columns;
        for (place, line) in wrap(&visible(text), width).into_iter().enumerate() {
            let start = if place == 0 { lead.to_string() } else { " ".repeat(columns) };
            self.line(&format!("{start}{line}"));
        }
    }

    fn verdict(&mut self, findings: &Findings) {
        let word = findings.headline.word();
        let painted = self.paint(color_of(findings.headline), word);
        let title =
            if findings.run.title.is_empty() { String::new() } else { format!("{}: ", findings.run.title) };
        let lead = format!("{painted}  ");
        self.prose(&lead, word.chars().count() + 2, &format!("{title}{}", findings.sentence()));
        let anomalies = findings.anomalies_new_first();
        for (judged, anomaly) in anomalies.iter().take(ANOMALIES_MAX) {
            let known = if findings.known(judged, anomaly).is_some() { " (known)" } else { "" };
            let kind = format!("{}{known}", visible(&anomaly.kind));
            let lead = format!("  {} ", self.paint(BOLD, &format!("{kind}:")));
            let columns = kind.chars().count() + 4;
            if columns < 24 {
                self.prose(&lead, columns, &cut(&anomaly.sentence, SENTENCE_MAX));
            } else {
                self.line(&lead);
                self.prose("    ", 4, &cut(&anomaly.sentence, SENTENCE_MAX));
            }
            for step in proof::steps(anomaly).iter().take(proof::STEPS_MAX) {
                self.prose("    ", 4, &cut(step, SENTENCE_MAX));
            }
        }
        if anomalies.len() > ANOMALIES_MAX {
            let more = anomalies.len() - ANOMALIES_MAX;
            let noun = if more == 1 { "anomaly" } else { "anomalies" };
            self.line(&format!("  … and {} more {noun}", count(more as u64)));
        }
        for standing in findings.verdicts.iter().filter_map(|verdict| verdict.standing.as_ref()) {
            for (title, names) in proof::standing(standing) {
                let lead = format!("  {} ", self.paint(DIM, &format!("{title}:")));
                self.prose(&lead, title.chars().count() + 4, &names);
            }
        }
        for (title, models) in proof::others(findings) {
            let lead = format!("  {} ", self.paint(DIM, &format!("{title}:")));
            self.prose(&lead, title.chars().count() + 4, &models);
        }
    }

    /// What is known, and the thresholds: what a pipeline goes by.
    fn expected(&mut self, findings: &Findings) {
        if let Some(sentence) = findings.known_sentence() {
            self.prose("  known: ", 9, &format!("{sentence}."));
        }
        for line in &findings.required {
            let (sign, code) = if line.is_met { ("✓ kept  ", "32") } else { ("✗ missed", "1;31") };
            let lead = format!("  {} ", self.paint(code, sign));
            self.prose(&lead, 11, &format!("{}: {}", line.text, line.measured));
        }
    }

    fn pointers(&mut self, findings: &Findings) {
        let run = &findings.run;
        let lines = [("Report", &run.report), ("Reproduce", &run.reproduce), ("Check again", &run.recheck)];
        for (name, value) in lines.into_iter().filter(|(_, value)| !value.is_empty()) {
            let name = self.paint(DIM, &format!("{name:<11}"));
            self.line(&format!("  {name}  {}", visible(value)));
        }
    }

    fn calls(&mut self, findings: &Findings) {
        if findings.counts.is_empty() {
            return;
        }
        self.heading("Calls");
        let name = findings.counts.iter().map(|c| visible(&c.kind).chars().count()).max().unwrap_or(0).max(4);
        let header =
            format!("  {:<name$} {:>11} {:>11} {:>11} {:>8}", "", "ok", "fail", "unknown", "ok share");
        let header = self.paint(DIM, &header);
        self.line(&header);
        for row in &findings.counts {
            let kind = visible(&row.kind);
            self.line(&format!(
                "  {kind:<name$} {:>11} {:>11} {:>11} {:>8}",
                count(row.ok),
                count(row.fail),
                count(row.unknown),
                percent(row.ok, row.total())
            ));
        }
        for line in &findings.overview.latency {
            let text = format!(
                "  latency of {} calls: half under {}, 99 % under {}, slowest {}",
                line.outcome.name(),
                duration(line.p50),
                duration(line.p99),
                duration(line.max)
            );
            self.line(&text);
        }
        for line in findings.reasons.iter().take(LINES_MAX) {
            let total = count(line.fail + line.unknown);
            self.prose(&format!("  {total:>7} × "), 12.max(total.len() + 5), &line.reason);
        }
    }

    fn faults(&mut self, findings: &Findings) {
        if findings.faults.is_empty() {
            return;
        }
        self.heading("Faults");
        for line in findings.faults.iter().take(FAULTS_MAX) {
            let record = &line.record;
            let ended = record.ended.map_or("the end".into(), |ended| format!("{:.1} s", ended.seconds()));
            let state = match record.state {
                FaultState::Installed => "",
                FaultState::Skipped => " [skipped]",
                FaultState::Indeterminate => " [indeterminate]",
            };
            let met = match record.state {
                FaultState::Skipped => String::new(),
                _ => format!(", {} overlapped", plural(line.exposure.operations, "operation")),
            };
            let text = format!("{}{state}{met}. {}", record.description, record.evidence);
            let span = format!("{:.1} s to {ended}", record.began.seconds());
            self.prose(&format!("  {span:<17}  "), 21.max(span.chars().count() + 4), &text);
        }
        if findings.faults.len() > FAULTS_MAX {
            self.line(&format!("  … and {} more", findings.faults.len() - FAULTS_MAX));
        }
        self.prose("  ", 2, &findings.down.sentence());
    }

    fn phases(&mut self, findings: &Findings) {
        if findings.phases.is_empty() && findings.recovery.is_none() {
            return;
        }
        self.heading("Phases");
        let phases = findings.phases.iter().map(|phase| format!("{} {}", phase.name, duration(phase.took)));
        let text = phases.collect::<Vec<_>>().join(", ");
        // A history that is judged again has none of its own.
        if !text.is_empty() {
            self.prose("  ", 2, &text);
        }
        if let Some(recovery) = findings.recovery {
            self.line(&format!("  answered again {} after the last fault was healed", duration(recovery)));
        }
    }

    fn remarks(&mut self, findings: &Findings) {
        let mut remarks: Vec<String> = Vec::new();
        if findings.headline != Headline::Failure {
            remarks.extend(findings.failure.iter().map(|failure| format!("The harness failed: {failure}")));
        }
        if findings.interrupted {
            remarks.push("The run was interrupted; what there was has been judged.".into());
        }
        remarks.extend(findings.doubts.iter().map(|doubt| format!("Doubt: {doubt}.")));
        remarks.extend(findings.warnings.iter().cloned());
        if !remarks.is_empty() {
            self.heading("Warnings");
            self.list(&remarks);
        }
        let mut limits = findings.honest_limits();
        limits.extend(findings.notes());
        if limits.is_empty() {
            limits.push(NO_LIMITS.into());
        }
        self.heading("Limits of this verdict");
        self.list(&limits);
    }

    fn list(&mut self, lines: &[String]) {
        for line in lines.iter().take(LINES_MAX) {
            self.prose("  - ", 4, &cut(line, SENTENCE_MAX));
        }
        if lines.len() > LINES_MAX {
            let _ = writeln!(self.text, "  … and {} more", lines.len() - LINES_MAX);
        }
    }
}

/// Breaks text at blanks into lines of at most so many characters; a longer word has a line of its own.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        let line = lines.last_mut().expect("there always is a line");
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines
}
