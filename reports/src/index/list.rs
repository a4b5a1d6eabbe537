//! The list of runs as the server shows it: filtered, sorted, a page at a time, with what is in progress above it.

use maud::{Markup, html};

use super::{
    Filter,
    filter::{SORTS, VERDICTS, values},
};
use crate::{
    RunLine, frame,
    status::Status,
    wording::{count, duration},
};

/// How many runs a page shows.
const PAGE: usize = 100;

/// How many runs without a verdict are named.
const UNJUDGED_MAX: usize = 20;

/// A run that no verdict was written of: it goes on, or it was killed.
#[derive(Clone, Debug)]
pub struct Unjudged {
    /// Its folder below the store.
    pub folder: String,
    /// How far it is, where it goes on.
    pub status: Option<Status>,
}

/// The last night of a suite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Night {
    /// The suite's name.
    pub suite: String,
    /// The night's name: when it began.
    pub name: String,
}

/// The bar that every page of the server has. `up` leads from the page to the server's root.
pub fn bar(up: &str) -> Markup {
    html! { nav.bar aria-label="Store" {
        a href={ (up) "./" } { "All runs" } a href={ (up) "trends" } { "Trends" }
    } }
}

/// The page.
pub fn list(lines: &[RunLine], filter: &Filter, unjudged: &[Unjudged], nights: &[Night]) -> String {
    let chosen = filter.choose(lines);
    let pages = chosen.len().div_ceil(PAGE).max(1);
    let place = filter.page.min(pages - 1);
    let shown: Vec<_> = chosen.iter().skip(place * PAGE).take(PAGE).collect();
    let body = html! {
        h1 { "Runs" }
        (in_progress(unjudged))
        @if !nights.is_empty() { p {
            "Suites: " @for night in nights { (last_night(night)) " " }
        } }
        (form(lines, filter))
        p.meta { (count(chosen.len() as u64)) " of " (count(lines.len() as u64)) " runs" }
        form action="./diff" method="get" {
            div.scroll tabindex="0" role="region" aria-label="Runs" { table.runs {
                thead { tr {
                    th { "Verdict" } th { "Run" } th { "Compare" } th { "What it says" } th { "Faults" }
                    th.number { "Operations" } th.number { "Per second" } th.number { "99 % under" } th.number { "Took" }
                    th.number { "Seed" } th { "Started" } th { "Database" }
                } }
                tbody { @for line in &shown { (row(line)) } }
            } }
            p { button type="submit" { "Compare the two that are marked" } }
        }
        (killed(unjudged))
        @if pages > 1 { p {
            @if place > 0 { a href=(filter.address(place - 1)) { "newer" } " " }
            "page " (place + 1) " of " (pages)
            @if place + 1 < pages { " " a href=(filter.address(place + 1)) { "older" } }
        } }
    };
    frame::page("Disprove: runs", &bar(""), &body)
}

fn last_night(night: &Night) -> Markup {
    let summary = format!("suites/{}/{}/summary.html", night.suite, night.name);
    html! { span.night {
        a href={ "./store/" (frame::encoded(&summary, true)) } { (frame::text(&night.suite)) }
        span.note { " (" (frame::text(&frame::wall_time(&night.name))) ")" }
    } }
}

fn in_progress(unjudged: &[Unjudged]) -> Markup {
    let mut live =
        unjudged.iter().filter_map(|run| run.status.as_ref().map(|status| (run, status))).peekable();
    html! {
        @if live.peek().is_some() {
            section.panel.live aria-label="In progress" {
                @for (run, status) in live { p {
                    @let title = if status.title.is_empty() { &run.folder } else { &status.title };
                    "In progress: " a href={ "./live/" (frame::encoded(&run.folder, true)) } { (frame::text(title)) }
                    @if !status.phase.is_empty() { " (" (frame::text(&status.phase)) ")" }
                } }
            }
        }
    }
}

/// Runs that ended without a verdict are in no list, and must not be lost from sight.
fn killed(unjudged: &[Unjudged]) -> Markup {
    let killed: Vec<&Unjudged> = unjudged.iter().filter(|run| run.status.is_none()).collect();
    html! {
        @if !killed.is_empty() {
            h2 { "Ended without a verdict" }
            p.note { "These were killed before they were judged. " code { "disprove report FOLDER" } " judges what they "
                "recorded, and " code { "disprove heal FOLDER" } " undoes faults that may still be in force." }
            ul { @for run in killed.iter().rev().take(UNJUDGED_MAX) {
                li { a href={ "./store/" (frame::encoded(&run.folder, true)) "/" } { (frame::text(&run.folder)) } }
            } }
            @if killed.len() > UNJUDGED_MAX { p.note { "and " (killed.len() - UNJUDGED_MAX) " older ones" } }
        }
    }
}

fn form(lines: &[RunLine], filter: &Filter) -> Markup {
    let name = |line: &'_ RunLine| line.database.split(' ').next().unwrap_or_default().len();
    let databases = values(lines, |line| vec![&line.database[..name(line)]]);
    let faults = values(lines, |line| line.faults.iter().map(String::as_str).collect());
    let verdicts: Vec<&str> = VERDICTS.iter().map(|headline| headline.slug()).collect();
    html! { form.filter method="get" action="./" {
        label { "Search" input type="search" name="q" value=(filter.text); }
        (choice("Database", "database", ANY, &databases, &filter.database))
        (choice("Workload", "workload", ANY, &values(lines, |line| vec![&line.workload]), &filter.workload))
        (choice("Fault", "fault", ANY, &faults, &filter.fault))
        (choice("Verdict", "verdict", ANY, &verdicts, &filter.verdict))
        label { "Since" input type="date" name="since" value=(filter.since); }
        label { "Until" input type="date" name="until" value=(filter.until); }
        (choice("Sort by", "sort", None, SORTS, &filter.sort))
        (choice("Order", "order", None, &["down", "up"], &filter.order))
        button type="submit" { "Show" }
    } }
}

/// What stands for no choice.
const ANY: Option<&str> = Some("any");

fn choice(title: &str, name: &str, none: Option<&str>, values: &[&str], chosen: &str) -> Markup {
    html! { label { (title) select name=(name) {
        @if let Some(none) = none { option value="" { (none) } }
        @for value in values { option value=(value) selected[*value == chosen] { (frame::text(value)) } }
    } } }
}

fn row(line: &RunLine) -> Markup {
    let path = frame::encoded(line.folder.trim_matches('/'), true);
    let name = if line.title.is_empty() { &line.folder } else { &line.title };
    html! { tr {
        td { span class={ "badge " (line.headline.slug()) } { (line.headline.sign()) " " (line.headline.word()) } }
        td {
            @if line.removed { (frame::text(name)) " " span.note { "(removed)" } }
            @else {
                a href={ "./store/" (path) "/report.html" } { (frame::text(name)) }
                div.note { a href={ "./store/" (path) "/" } { "files" } " · " a href={ "./archive/" (path) ".tar" } { "archive" } }
            }
        }
        td.choose { @if !line.removed {
            label { input type="radio" name="older" value=(line.folder) aria-label={ "older: " (name) }; "older" }
            label { input type="radio" name="newer" value=(line.folder) aria-label={ "newer: " (name) }; "newer" }
        } }
        td.prose { @for kind in &line.anomalies { code { (frame::text(kind)) } " " } (frame::text(&line.sentence)) }
        td { (frame::text(&line.faults.join(", "))) }
        td.number { (count(line.operations)) }
        td.number { (format!("{:.0}", line.rate)) }
        td.number { (duration(line.p99)) }
        td.number { (duration(line.took)) }
        td.number { (line.seed) }
        td { (frame::text(&frame::wall_time(&line.started))) }
        td { (frame::text(&line.database)) }
    } }
}
