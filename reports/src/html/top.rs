//! The first screen: the verdict, what broke, how often, during which faults, what still stands, and how to repeat it.

use history::{FaultState, Nanos};
use maud::{Markup, html};

use super::sections::{LINES_MAX, command, list, text};
use crate::{
    Findings, Headline, KindLine, Scene, proof,
    wording::{count, cut, duration, percent, plural, visible},
};

/// How many kinds of anomalies the first screen tells, and how many more of each behind a fold.
const KINDS_MAX: usize = 5;
const MORE_MAX: usize = 19;
const SENTENCE_MAX: usize = super::anomalies::SENTENCE_MAX;

/// The verdict, a sentence per anomaly, and how to repeat it.
pub(super) fn top(findings: &Findings, title: &str) -> Markup {
    let run = &findings.run;
    let kinds = findings.kinds_of_anomalies();
    html! {
        section.top.panel.(findings.headline.slug()) {
            span class={ "badge " (findings.headline.slug()) } { (findings.headline.sign()) " " (findings.headline.word()) }
            h1 { (title) ": " (cut(&visible(&findings.sentence()), SENTENCE_MAX)) }
            p.meta { (meta(findings)) }
            @if !kinds.is_empty() {
                ul.said { @for line in kinds.iter().take(KINDS_MAX) { (kind(findings, line)) } }
                @if kinds.len() > KINDS_MAX { p.note { (kinds.len() - KINDS_MAX) " more kinds of anomalies are in results.json." } }
            }
            (standing(findings))
            @if !run.reproduce.is_empty() { p.meta { "Repeat the run:" } (command(&run.reproduce)) }
            @else if !run.recheck.is_empty() { p.meta { "Judge the history again:" } (command(&run.recheck)) }
            (figures(findings))
        }
        (warnings(findings))
    }
}

/// One kind: its first anomaly in a sentence, the facts about all of them, and the others behind a fold.
fn kind(findings: &Findings, line: &KindLine) -> Markup {
    let sentence = |place: usize| {
        let told =
            findings.anomalies().nth(place).map(|(_, anomaly)| anomaly.sentence.as_str()).unwrap_or_default();
        cut(&visible(told), SENTENCE_MAX).into_owned()
    };
    let first = line.places.first().copied().unwrap_or(0);
    let link = |place: usize| {
        html! { @if place < findings.scenes.len() { " " a href={ "#anomaly-" (place + 1) } { "See it" } } }
    };
    html! {
        li {
            span.kind { (text(&line.kind)) }
            (sentence(first)) (link(first))
            dl.facts.brief {
                dt { "Breaks" } dd { (text(&line.model)) }
                dt { "How often" } dd { (how_often(line)) }
                @if !findings.faults.is_empty() && first < findings.scenes.len() {
                    dt { "During" } dd { (during(findings, line, &findings.scenes[first])) }
                }
            }
            @if line.places.len() > 1 {
                details {
                    summary { (count(line.places.len() as u64 - 1)) " more of this kind" }
                    ol { @for &place in line.places.iter().skip(1).take(MORE_MAX) { li { (sentence(place)) (link(place)) } } }
                    @if line.places.len() > MORE_MAX + 1 { p.note { "The others are in results.json." } }
                }
            }
        }
    }
}

fn how_often(line: &KindLine) -> String {
    let times = match line.places.len() {
        1 => "proven once".to_string(),
        many => format!("proven {} times", count(many as u64)),
    };
    let keys =
        if line.keys > 0 { format!(", on {}", plural(line.keys as u64, "key")) } else { String::new() };
    let involved = line.involved.map_or(String::new(), |involved| {
        format!("; {} caught in such contradictions", plural(involved, "operation"))
    });
    times + &keys + &involved
}

/// The faults in force during the first anomaly, and how many of all anomalies each family of faults met.
fn during(findings: &Findings, line: &KindLine, scene: &Scene) -> String {
    let told = |fault: &crate::FaultLine| {
        let record = &fault.record;
        let ended = record.ended.map_or("the end".into(), |ended| ended.to_string());
        format!("{} ({}; {} to {ended})", text(&record.family), text(&record.description), record.began)
    };
    let faults = findings.faults_during(scene);
    let first = match (faults.as_slice(), findings.fault_before(scene)) {
        ([], None) => "no fault, and none had been in force before".to_string(),
        ([], Some((fault, since))) => {
            format!("no fault; {} after the end of {}", duration(since), told(fault))
        }
        (some, _) => some.iter().take(3).map(|fault| told(fault)).collect::<Vec<_>>().join(", and "),
    };
    if line.places.len() < 2 || line.during.is_empty() {
        return first;
    }
    let mut met: Vec<String> =
        line.during.iter().take(5).map(|(family, met)| format!("{} {met}", text(family))).collect();
    if line.undisturbed > 0 {
        met.push(format!("none {}", line.undisturbed));
    }
    format!("{first}. Of the anomalies that are drawn: {}", met.join(", "))
}

/// Which promises fell and which still stand; where only one was judged, that is said.
fn standing(findings: &Findings) -> Markup {
    let judged = || findings.verdicts.iter().filter_map(|verdict| verdict.standing.as_ref());
    html! {
        @for standing in judged().take(LINES_MAX) {
            dl.facts.standing {
                @for (title, names) in proof::standing(standing) { dt { (title) } dd { (text(&names)) } }
            }
        }
        @if findings.headline == Headline::Invalid && judged().next().is_none() {
            dl.facts.standing {
                @for (title, names) in proof::others(findings) { dt { (title) } dd { (text(&names)) } }
                @if proof::others(findings).is_empty() { dt { "Still standing" } dd { (UNKNOWN_STANDING) } }
            }
        }
    }
}

/// What is said of weaker promises where only one was judged.
const UNKNOWN_STANDING: &str =
    "no weaker promise was judged; check --weaker does, where there are some (disprove list models tells)";

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
