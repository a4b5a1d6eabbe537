//! The parts of the page around the anomalies.

use history::{FaultState, Nanos};
use maud::{Markup, PreEscaped, html};

use super::{
    anomalies::SENTENCE_MAX,
    availability,
    plots::{self, NARROW, WIDE},
    recolour::mark,
};
use crate::{
    FaultLine, Findings, OutcomeKind,
    wording::{NO_LIMITS, count, cut, duration, percent, visible},
};

/// How many faults the table lists.
const FAULTS_MAX: usize = 300;
/// How many facts, reasons, phases, warnings and limits are listed, each.
pub(super) const LINES_MAX: usize = 60;
/// The longest text of one cell and of one command, in characters.
const TEXT_MAX: usize = 300;
const COMMAND_MAX: usize = 4_000;

pub(super) fn text(text: &str) -> String {
    cut(&visible(text), TEXT_MAX).into_owned()
}

/// Lines, cut and limited.
pub(super) fn list(lines: &[String]) -> Markup {
    html! {
        ul { @for line in lines.iter().take(LINES_MAX) { li { (cut(&visible(line), SENTENCE_MAX)) } } }
        @if lines.len() > LINES_MAX { p.note { "and " (lines.len() - LINES_MAX) " more in results.json" } }
    }
}

/// A command that can be copied.
pub(super) fn command(command: &str) -> Markup {
    html! {
        div.command {
            pre { (cut(&visible(command), COMMAND_MAX)) }
            button.script type="button" { "Copy" }
        }
    }
}

/// Latencies and rates over time.
pub(super) fn whole_run(findings: &Findings) -> Markup {
    let latency = plots::latency(findings, WIDE);
    let rates = plots::rates(findings, WIDE);
    let sample = |class: &str, path: &str| {
        html! { svg width="26" height="12" aria-hidden="true" { path class=(class) d=(path) {} } }
    };
    html! {
        h2 #whole-run { "The whole run" }
        @if latency.is_empty() && rates.is_empty() {
            p.note { "The history holds nothing to plot." }
        }
        @if !latency.is_empty() {
            section.panel.plot {
                h3 { "Latency" }
                p.how {
                    "Each mark is an operation: the later, the further right; the slower, the higher (ten times per step of the "
                    "scale). Look for marks that rise during a fault and stay up after it."
                }
                div.wide role="img" aria-label="Latency over time by outcome" { (PreEscaped(latency)) }
                div.narrow role="img" aria-label="Latency over time by outcome" { (PreEscaped(plots::latency(findings, NARROW))) }
                ul.key {
                    @for line in &findings.overview.latency {
                        li {
                            (sample(&format!("d-{}", line.outcome.name()), &format!("M13 7{}", mark(line.outcome))))
                            (line.outcome.name()) ": half under " (duration(line.p50)) ", 99 % under " (duration(line.p99))
                            ", slowest " (duration(line.max))
                        }
                    }
                    li { (sample("q50", "M0 6H26")) "median of ok" }
                    li { (sample("q99", "M0 6H26")) "99 % of ok" }
                    (band_key(findings))
                }
            }
        }
        @if !rates.is_empty() {
            section.panel.plot {
                h3 { "Completions per second" }
                p.how {
                    "How many operations ended per second. A line of ok that falls to zero during a fault is an outage; failed and "
                    "unknown ones should fall back to zero after it."
                }
                div.wide role="img" aria-label="Completions per second over time" { (PreEscaped(rates)) }
                div.narrow role="img" aria-label="Completions per second over time" { (PreEscaped(plots::rates(findings, NARROW))) }
                ul.key {
                    @for line in plots::rate_lines(findings) {
                        li { (sample(line.marker.class(), "M0 6H26")) (text(&line.name)) }
                    }
                    (band_key(findings))
                }
            }
        }
        (nodes(findings))
    }
}

/// Availability by node, and recovery after each fault.
fn nodes(findings: &Findings) -> Markup {
    let wide = availability::plot(findings, WIDE);
    html! {
        @if !wide.0.is_empty() {
            section.panel.plot {
                h3 { "Availability per node" }
                p.how {
                    "Each row is a node: the taller the mark, the more of the calls that ended then were ok. A node that is cut off or killed "
                    "should have a gap no longer than its fault."
                }
                div.wide role="img" aria-label="Availability of each node over time" { (wide) }
                div.narrow role="img" aria-label="Availability of each node over time" { (availability::plot(findings, NARROW)) }
                ul.key { (availability::key()) (band_key(findings)) }
            }
        }
        (availability::recoveries(findings))
    }
}

fn band_key(findings: &Findings) -> Markup {
    html! {
        @if !findings.faults.is_empty() {
            li { svg width="26" height="12" aria-hidden="true" { rect.band width="26" height="12" {} rect.strip width="26" height="4" {} } "fault in force" }
        }
    }
}

/// The faults with what shows that they were real.
pub(super) fn faults(findings: &Findings) -> Markup {
    if findings.faults.is_empty() {
        return html! {};
    }
    html! {
        h2 #faults { "Faults" }
        p.how { "What was broken, when, what shows that it really was, and how many operations were under way meanwhile." }
        div.panel.scroll tabindex="0" role="region" aria-label="Faults" {
            table {
                thead { tr {
                    th { "Fault" } th { "What" } th.number { "From" } th.number { "For" } th { "State" }
                    th.number { "Operations" } th.number { "of them ok" } th.number { "Answered again after" } th { "Evidence" }
                } }
                tbody { @for line in findings.faults.iter().take(FAULTS_MAX) { (fault(line)) } }
            }
            @if findings.faults.len() > FAULTS_MAX {
                p.note { (findings.faults.len() - FAULTS_MAX) " more are in results.json." }
            }
        }
    }
}

fn fault(line: &FaultLine) -> Markup {
    let record = &line.record;
    let state = match record.state {
        FaultState::Installed => "installed",
        FaultState::Skipped => "skipped",
        FaultState::Indeterminate => "indeterminate",
    };
    html! {
        tr id={ "fault-" (record.id.0) } {
            td { code { (text(&record.family)) } }
            td.prose { (text(&record.description)) }
            td.number { (record.began.to_string()) }
            td.number {
                @match record.ended {
                    Some(ended) => (duration(Nanos(ended.0.saturating_sub(record.began.0)))),
                    None => "to the end",
                }
            }
            td { span class={ "state " (state) } { (state) } }
            td.number { (count(line.exposure.operations)) }
            td.number { (count(line.exposure.ok)) }
            td.number { @match line.answered { Some(took) => (duration(took)), None => "–" } }
            td.prose { (text(&record.evidence)) }
        }
    }
}

/// Counts by kind and outcome, and the reasons.
pub(super) fn calls(findings: &Findings) -> Markup {
    html! {
        h2 #calls { "Calls" }
        div.columns {
            div.panel.scroll tabindex="0" role="region" aria-label="Calls by outcome" {
                table {
                    thead { tr { th { "Call" } th.number { "Ok" } th.number { "Fail" } th.number { "Unknown" } th { "Share" } } }
                    tbody { @for row in findings.counts.iter().take(LINES_MAX) {
                        tr {
                            td { code { (text(&row.kind)) } }
                            td.number { (count(row.ok)) } td.number { (count(row.fail)) } td.number { (count(row.unknown)) }
                            td {
                                div.mix role="img" aria-label={ (percent(row.ok, row.total())) " ok" } {
                                    @for outcome in OutcomeKind::ALL { @if row.of(outcome) > 0 {
                                        i class=(outcome.name()) style={ "flex:" (row.of(outcome)) } {}
                                    } }
                                }
                            }
                        }
                    } }
                }
            }
            @if !findings.reasons.is_empty() {
                div.panel.scroll tabindex="0" role="region" aria-label="Reasons" {
                    table {
                        thead { tr { th { "Reason" } th.number { "Fail" } th.number { "Unknown" } } }
                        tbody { @for line in findings.reasons.iter().take(LINES_MAX) {
                            tr { td.prose { (text(&line.reason)) } td.number { (count(line.fail)) } td.number { (count(line.unknown)) } }
                        } }
                    }
                }
            }
        }
    }
}

/// What the verdict does not say.
pub(super) fn limits(findings: &Findings) -> Markup {
    let lines: Vec<String> = findings.honest_limits().into_iter().chain(findings.notes()).collect();
    html! {
        h2 #limits { "Limits of this verdict" }
        section.panel.limits {
            @if lines.is_empty() { p { (NO_LIMITS) } }
            @else { (list(&lines)) }
            @if !findings.verdicts.is_empty() {
                div.scroll { table {
                    thead { tr { th { "Checker" } th { "Promise" } th { "Judgement" } th.number { "Anomalies" } th.number { "Operations judged" } } }
                    tbody { @for verdict in findings.verdicts.iter().take(LINES_MAX) { tr {
                        td { (text(&verdict.checker)) } td { (text(&verdict.model)) }
                        td { (format!("{:?}", verdict.validity).to_lowercase()) }
                        td.number { (count(verdict.anomalies.len() as u64)) } td.number { (count(verdict.operations)) }
                    } } }
                } }
            }
        }
    }
}

/// What was run, where, and how to do it again.
pub(super) fn run(findings: &Findings) -> Markup {
    let run = &findings.run;
    let mut facts: Vec<(String, String)> = vec![
        ("Database".into(), format!("{} {}", run.database, run.database_version).trim().into()),
        ("Workload".into(), run.workload.clone()),
        ("Model".into(), run.model.clone()),
        ("Nodes".into(), run.nodes.join(", ")),
        ("Seed".into(), run.seed.to_string()),
        ("Started".into(), run.started.clone()),
        ("Folder".into(), run.folder.clone()),
    ];
    facts.extend(run.environment.iter().take(LINES_MAX).map(|fact| (fact.name.clone(), fact.value.clone())));
    facts.retain(|(_, value)| !value.is_empty());
    let commands = [
        ("Started as", run.argv.join(" ")),
        (
            "Repeat the run (same calls and fault plan; the interleaving is the machine's)",
            run.reproduce.clone(),
        ),
        ("Judge the history again, without a cluster", run.recheck.clone()),
    ];
    html! {
        h2 #run { "The run" }
        div.columns {
            section.panel {
                h3 style="margin-top:0" { "Environment" }
                dl.facts { @for (name, value) in &facts { dt { (text(name)) } dd { (text(value)) } } }
            }
            section.panel {
                h3 style="margin-top:0" { "Commands" }
                @for (name, value) in commands.iter().filter(|(_, value)| !value.is_empty()) {
                    p.meta { (name) ":" } (command(value))
                }
                @if !findings.phases.is_empty() {
                    h3 { "Phases" }
                    dl.facts { @for phase in findings.phases.iter().take(LINES_MAX) { dt { (text(&phase.name)) } dd { (duration(phase.took)) } } }
                }
            }
        }
    }
}
