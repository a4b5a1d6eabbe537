//! The parts of the page around the anomalies.

use history::{FaultState, Nanos};
use maud::{Markup, PreEscaped, html};

use super::{
    anomalies::SENTENCE_MAX,
    plots::{self, NARROW, WIDE},
    recolour::mark,
};
use crate::{
    FaultLine, Findings, Headline, OutcomeKind, proof,
    wording::{count, cut, duration, percent, visible},
};

/// How many anomalies the first screen tells.
const TOLD_MAX: usize = 5;
/// How many faults the table lists.
const FAULTS_MAX: usize = 300;
/// How many facts, reasons, phases, warnings and limits are listed, each.
const LINES_MAX: usize = 60;
/// The longest text of one cell and of one command, in characters.
const TEXT_MAX: usize = 300;
const COMMAND_MAX: usize = 4_000;

fn text(text: &str) -> String {
    cut(&visible(text), TEXT_MAX).into_owned()
}

/// The verdict, a sentence per anomaly, and how to repeat it.
pub(super) fn top(findings: &Findings, title: &str) -> Markup {
    let run = &findings.run;
    let told = findings.anomalies().count();
    html! {
        section.top.panel.(findings.headline.slug()) {
            span class={ "badge " (findings.headline.slug()) } { (findings.headline.sign()) " " (findings.headline.word()) }
            h1 { (title) ": " (cut(&visible(&findings.sentence()), SENTENCE_MAX)) }
            p.meta { (meta(findings)) }
            @if told > 0 {
                ul.said {
                    @for (place, (_, anomaly)) in findings.anomalies().take(TOLD_MAX).enumerate() {
                        li {
                            span.kind { (text(&anomaly.kind)) }
                            (cut(&visible(&anomaly.sentence), SENTENCE_MAX)) " "
                            @if place < findings.scenes.len() { a href={ "#anomaly-" (place + 1) } { "See it" } }
                        }
                    }
                    @if told > TOLD_MAX { li { "and " (count((told - TOLD_MAX) as u64)) " more" } }
                }
            }
            (standing(findings))
            @if !run.reproduce.is_empty() { p.meta { "Repeat the run:" } (command(&run.reproduce)) }
            @else if !run.recheck.is_empty() { p.meta { "Judge the history again:" } (command(&run.recheck)) }
            (figures(findings))
        }
        (warnings(findings))
    }
}

/// Which promises fell and which still stand.
fn standing(findings: &Findings) -> Markup {
    let lines = findings.verdicts.iter().filter_map(|verdict| verdict.standing.as_ref());
    html! {
        @for judged in lines.take(LINES_MAX) {
            dl.facts.standing {
                @for (title, names) in proof::standing(judged) { dt { (title) } dd { (text(&names)) } }
            }
        }
    }
}

fn meta(findings: &Findings) -> String {
    let run = &findings.run;
    let mut parts = Vec::new();
    if !run.database.is_empty() {
        parts.push(format!("{} {}", run.database, run.database_version).trim().to_string());
    }
    if !run.workload.is_empty() {
        parts.push(format!("workload {}", run.workload));
    }
    if !run.nodes.is_empty() {
        parts.push(crate::wording::plural(run.nodes.len() as u64, "node"));
    }
    parts.push(format!("seed {}", run.seed));
    if !run.started.is_empty() {
        parts.push(run.started.clone());
    }
    text(&parts.join(" · "))
}

fn figures(findings: &Findings) -> Markup {
    let unknown: u64 = findings.counts.iter().map(|count| count.unknown).sum();
    let in_force = findings.faults.iter().filter(|line| line.record.state == FaultState::Installed).count();
    let overview = &findings.overview;
    let length = Nanos(overview.ended.0.saturating_sub(overview.began.0));
    html! {
        dl.figures {
            div { dt { "Operations" } dd { (count(findings.operations)) } }
            div { dt { "Ok" } dd { (count(findings.ok_operations)) " " small { (percent(findings.ok_operations, findings.operations)) } } }
            div { dt { "Unknown" } dd { (count(unknown)) " " small { (percent(unknown, findings.operations)) } } }
            div { dt { "Faults in force" } dd { (in_force) " " small { "of " (findings.faults.len()) } } }
            div { dt { "Met by a fault" } dd { (count(findings.exposure.operations)) " " small { "operations" } } }
            div { dt { "Length" } dd { (duration(length)) } }
            @if let Some(recovery) = findings.recovery { div { dt { "Answered again after" } dd { (duration(recovery)) } } }
        }
    }
}

fn warnings(findings: &Findings) -> Markup {
    let mut lines: Vec<String> = Vec::new();
    if findings.headline != Headline::Failure {
        lines.extend(findings.failure.iter().map(|failure| format!("The harness failed: {failure}")));
    }
    if findings.interrupted {
        lines.push("The run was interrupted; what there was has been judged.".into());
    }
    lines.extend(findings.doubts.iter().map(|doubt| format!("Doubt: {doubt}.")));
    lines.extend(findings.warnings.iter().cloned());
    html! {
        @if !lines.is_empty() {
            section.warnings.panel aria-label="Warnings" { b { "Mind this" } (list(&lines)) }
        }
    }
}

fn list(lines: &[String]) -> Markup {
    html! {
        ul { @for line in lines.iter().take(LINES_MAX) { li { (cut(&visible(line), SENTENCE_MAX)) } } }
        @if lines.len() > LINES_MAX { p.note { "and " (lines.len() - LINES_MAX) " more in results.json" } }
    }
}

fn command(command: &str) -> Markup {
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
            section.panel.plot style="margin-top:18px" {
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
                    th.number { "Operations" } th.number { "of them ok" } th { "Evidence" }
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
    let notes = findings
        .verdicts
        .iter()
        .flat_map(|verdict| verdict.notes.iter().map(move |note| format!("{}: {note}", verdict.checker)));
    let lines: Vec<String> = findings.honest_limits().into_iter().chain(notes).collect();
    html! {
        h2 #limits { "Limits of this verdict" }
        section.panel.limits {
            @if lines.is_empty() { p { "No limit was hit, and no outcome is unknown." } }
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
