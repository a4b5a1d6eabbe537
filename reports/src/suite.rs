//! The summary of a suite: every cell of its matrix, and how the findings stand after this and earlier nights.

use std::{fmt::Write, path::Path};

use history::Nanos;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::{
    frame, markdown,
    nights::{Followed, Standing},
    wording::{cut, duration, plural, visible},
};

mod junit;

pub use junit::junit;

/// The version of a suite's `summary.json`.
pub const SUITE_SCHEMA: u32 = 1;
/// A step summary may take 1 MiB and is cut in the middle; this keeps well away from that.
const MARKDOWN_MAX: usize = 60 * 1024;
/// How many lines of each sort the texts tell.
const LINES_MAX: usize = 200;

/// How a run ended, for a suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// No anomaly, or none that is not known.
    Valid,
    /// Not decided.
    Unknown,
    /// A threshold was missed.
    Threshold,
    /// The tester failed, which is no verdict.
    Failure,
    /// A new anomaly.
    Invalid,
}

impl Ending {
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Invalid, Self::Failure, Self::Threshold, Self::Unknown, Self::Valid];

    /// The word as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Threshold => "threshold missed",
            Self::Failure => "harness failure",
            Self::Invalid => "invalid",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Self::Valid => "✓",
            Self::Unknown => "?",
            Self::Threshold => "≠",
            Self::Failure => "!",
            Self::Invalid => "✗",
        }
    }

    fn slug(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown | Self::Threshold => "unknown",
            Self::Failure => "failure",
            Self::Invalid => "invalid",
        }
    }
}

/// One run of a cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// The seed it was run with.
    pub seed: u64,
    /// How it ended.
    pub ending: Ending,
    /// Its folder below the store; empty where it made none.
    pub folder: String,
    /// What it said in one sentence.
    pub sentence: String,
    /// The fingerprints of what was proven, known or not.
    pub fingerprints: Vec<String>,
    /// How long it took.
    pub took: Nanos,
}

/// One cell of the matrix with its runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// What was tested: everything but the seed.
    pub tested: String,
    /// The seed it begins with; repetitions have seeds of their own.
    pub seed: u64,
    /// How it ended under the rerun policy; `None` where it was not run.
    pub ending: Option<Ending>,
    /// Its runs, in order.
    pub attempts: Vec<Attempt>,
}

/// A suite's night.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// The version of this format.
    pub schema: u32,
    /// The suite's name.
    pub name: String,
    /// The night: when it began.
    pub night: String,
    /// How long it took, interruptions left out.
    pub took: Nanos,
    /// Every cell, in the order of the matrix.
    pub cells: Vec<Cell>,
    /// Cells that make no sense and were left out, each with the reason.
    pub left_out: Vec<String>,
    /// Why cells were not run, where some were not.
    pub cut_short: Option<String>,
    /// How the findings stand.
    pub findings: Vec<Followed>,
}

impl Suite {
    /// How many cells ended so.
    pub fn count(&self, ending: Ending) -> usize {
        self.cells.iter().filter(|cell| cell.ending == Some(ending)).count()
    }

    /// How many cells were not run.
    pub fn not_run(&self) -> usize {
        self.cells.iter().filter(|cell| cell.ending.is_none()).count()
    }

    /// The suite in one sentence.
    pub fn sentence(&self) -> String {
        let counted = Ending::ALL.into_iter().filter(|ending| self.count(*ending) > 0);
        let mut parts: Vec<String> =
            counted.map(|ending| format!("{} {}", self.count(ending), ending.word())).collect();
        if self.not_run() > 0 {
            parts.push(format!("{} not run", self.not_run()));
        }
        let cells = plural(self.cells.len() as u64, "cell");
        format!(
            "{cells}: {} in {}",
            if parts.is_empty() { "none".into() } else { parts.join(", ") },
            duration(self.took)
        )
    }

    /// The cells that are worth a look, the worst first.
    fn notable(&self) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> =
            self.cells.iter().filter(|cell| cell.ending != Some(Ending::Valid)).collect();
        cells.sort_by_key(|cell| std::cmp::Reverse(cell.ending));
        cells
    }
}

impl Cell {
    /// The run that shows best how it ended.
    fn telling(&self) -> Option<&Attempt> {
        let same = self.attempts.iter().find(|attempt| Some(attempt.ending) == self.ending);
        same.or(self.attempts.first())
    }

    fn runs_worded(&self) -> String {
        let words: Vec<&str> = self.attempts.iter().map(|attempt| attempt.ending.word()).collect();
        words.join(", ")
    }
}

/// The suite in a terminal; the runs it names are below the store.
pub fn text(suite: &Suite, store: &Path) -> String {
    let mut text = format!("{}  {}\n{}\n", visible(&suite.name), visible(&suite.night), suite.sentence());
    for cell in suite.notable().into_iter().take(LINES_MAX) {
        let word = cell.ending.map_or("not run", Ending::word);
        let _ = writeln!(text, "\n  {word:<16} {}  seed {}", visible(&cell.tested), cell.seed);
        if cell.attempts.len() > 1 {
            let _ = writeln!(text, "    runs: {}", cell.runs_worded());
        }
        if let Some(attempt) = cell.telling() {
            let _ = writeln!(text, "    {}", cut(&visible(&attempt.sentence), 400));
            if !attempt.folder.is_empty() {
                let _ = writeln!(text, "    {}", visible(&store.join(&attempt.folder).to_string_lossy()));
            }
        }
    }
    for standing in Standing::ALL {
        let found: Vec<_> = suite.findings.iter().filter(|found| found.standing == standing).collect();
        if !found.is_empty() {
            let _ = writeln!(text, "\n{} ({})", standing.word(), found.len());
        }
        for one in found.into_iter().take(LINES_MAX) {
            let _ =
                writeln!(text, "  {}  {}  {}", visible(&one.fingerprint), visible(&one.tested), nights(one));
        }
    }
    for line in suite.left_out.iter().chain(&suite.cut_short) {
        let _ = writeln!(text, "\nleft out: {}", visible(line));
    }
    text
}

fn nights(one: &Followed) -> String {
    let nights = plural(one.nights, "night");
    format!(
        "found in {} of {nights} since {}, last in {}",
        one.found,
        visible(&one.first),
        visible(&one.last)
    )
}

/// The suite in Markdown, under 64 KiB whatever it holds.
pub fn markdown(suite: &Suite) -> String {
    let escape = markdown::escape;
    let worst = suite.cells.iter().filter_map(|cell| cell.ending).max().unwrap_or(Ending::Unknown);
    let mut text =
        format!("## {} {}\n\n**{}**\n\n", worst.sign(), escape(&suite.name), escape(&suite.sentence()));
    if !suite.findings.is_empty() {
        text.push_str("| finding | where | stands | nights |\n|---|---|---|---|\n");
    }
    let mut lines: Vec<String> = suite
        .findings
        .iter()
        .map(|one| {
            let standing = one.standing.word();
            format!(
                "| {} | {} | {standing} | {} |\n",
                escape(&one.fingerprint),
                escape(&one.tested),
                escape(&nights(one))
            )
        })
        .collect();
    lines.push("\n".into());
    if !suite.cells.is_empty() {
        lines.push("| | cell | seed | what it says | run |\n|---|---|--:|---|---|\n".into());
    }
    let valid = suite.cells.iter().filter(|cell| cell.ending == Some(Ending::Valid));
    for cell in suite.notable().into_iter().chain(valid) {
        let sign =
            cell.ending.map_or("not run".into(), |ending| format!("{} {}", ending.sign(), ending.word()));
        let attempt = cell.telling();
        lines.push(format!(
            "| {sign} | {} | {} | {} | {} |\n",
            escape(&cell.tested),
            cell.seed,
            attempt.map_or_else(String::new, |attempt| escape(&attempt.sentence)),
            attempt.map_or_else(String::new, |attempt| escape(&attempt.folder))
        ));
    }
    lines.push("\n".into());
    lines.extend(
        suite.left_out.iter().chain(&suite.cut_short).map(|line| format!("- left out: {}\n", escape(line))),
    );
    let all = lines.len();
    for (place, line) in lines.into_iter().enumerate() {
        if text.len() + line.len() > MARKDOWN_MAX {
            let _ = writeln!(text, "\nand {} more lines; all of it is in summary.html", all - place);
            break;
        }
        text.push_str(&line);
    }
    text
}

/// The suite as a page. `up` leads from the page to the store.
pub fn page(suite: &Suite, up: &str) -> String {
    let link = |folder: &str| format!("{up}{}/report.html", frame::encoded(folder.trim_matches('/'), true));
    let bar = html! { nav.bar aria-label="Store" { a href={ (up) "index.html" } { "All runs" } } };
    let body = html! {
        h1 { (frame::text(&suite.name)) " " (frame::text(&suite.night)) }
        p { (suite.sentence()) "." }
        @if let Some(why) = &suite.cut_short { p.note { (frame::text(why)) } }
        @for standing in Standing::ALL { (standing_table(suite, standing)) }
        h2 { "Cells" }
        div.scroll tabindex="0" role="region" aria-label="Cells" { table {
            thead { tr { th { "Ending" } th { "Cell" } th.number { "Seed" } th { "What it says" } th { "Runs" } } }
            tbody { @for cell in &suite.cells { (cell_row(cell, &link)) } }
        } }
        @if !suite.left_out.is_empty() {
            h2 { "Left out" }
            ul { @for line in &suite.left_out { li { (frame::text(line)) } } }
        }
    };
    frame::page(&format!("{} {}", suite.name, suite.night), &bar, &body)
}

fn standing_table(suite: &Suite, standing: Standing) -> Markup {
    let found: Vec<_> = suite.findings.iter().filter(|found| found.standing == standing).collect();
    html! { @if !found.is_empty() {
        h2 { (standing.word()) " (" (found.len()) ")" }
        div.scroll { table {
            thead { tr { th { "Finding" } th { "Where" } th.number { "Found in" } th { "First" } th { "Last" } } }
            tbody { @for one in found { tr {
                td { code { (frame::text(&one.fingerprint)) } }
                td { (frame::text(&one.tested)) }
                td.number { (one.found) " of " (one.nights) }
                td { (frame::text(&one.first)) }
                td { (frame::text(&one.last)) }
            } } }
        } }
    } }
}

fn cell_row(cell: &Cell, link: &dyn Fn(&str) -> String) -> Markup {
    html! { tr {
        td { @match cell.ending {
            Some(ending) => { span class={ "badge " (ending.slug()) } { (ending.sign()) " " (ending.word()) } }
            None => { "not run" }
        } }
        td { (frame::text(&cell.tested)) }
        td.number { (cell.seed) }
        td.prose { @if let Some(attempt) = cell.telling() { (frame::text(&attempt.sentence)) } }
        td { @for (place, attempt) in cell.attempts.iter().enumerate() {
            @if attempt.folder.is_empty() { (attempt.ending.word()) " " }
            @else { a href=(link(&attempt.folder)) title=(attempt.ending.word()) { (place + 1) } " " }
        } }
    } }
}
