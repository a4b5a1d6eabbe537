//! Availability per node over time, and how soon each node answered again after a fault, drawn with the axis of the
//! other plots.

use history::{FaultState, Nanos};
use maud::{Markup, html};

use super::plots::{self, Size};
use crate::{
    FaultLine, Findings, NodeSeries,
    wording::{count, cut, duration, visible},
};

const ROW: u32 = 22;
const NODES_MAX: usize = 24;
/// How many recoveries are drawn.
const RECOVERIES_MAX: usize = 40;
/// How many columns a row has at most, so that a page stays small.
const COLUMNS_MAX: usize = 120;

/// How the calls of a stretch of time went.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Share {
    Nothing,
    All,
    Most,
    Some,
    None,
}

impl Share {
    fn of(ok: u64, all: u64) -> Self {
        match (ok, all) {
            (_, 0) => Self::Nothing,
            (0, _) => Self::None,
            _ if ok == all => Self::All,
            _ if ok * 2 >= all => Self::Most,
            _ => Self::Some,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Nothing => "a-nothing",
            Self::All => "a-all",
            Self::Most => "a-most",
            Self::Some => "a-some",
            Self::None => "a-none",
        }
    }

    /// How much of the row's height is filled: a sign that needs no colour.
    fn height(self) -> u32 {
        match self {
            Self::Nothing => 1,
            Self::All => 14,
            Self::Most => 10,
            Self::Some => 6,
            Self::None => 3,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Nothing => "no call ended",
            Self::All => "all calls ok",
            Self::Most => "most calls ok",
            Self::Some => "less than half of the calls ok",
            Self::None => "no call ok",
        }
    }
}

/// The plot of availability; nothing where the history names no node.
pub(super) fn plot(findings: &Findings, size: Size) -> Markup {
    let nodes = &findings.overview.nodes;
    if nodes.iter().all(|series| series.ok.iter().chain(&series.unknown).all(|&n| n == 0)) {
        return html! {};
    }
    let top = plots::strips(findings);
    let rows = nodes.len().min(NODES_MAX) as u32;
    let height = top + rows * ROW + 4;
    html! {
        svg viewBox=(format!("0 0 {} {height}", size.width)) aria-hidden="true" {
            (maud::PreEscaped(plots::bands(findings, size.width, rows * ROW)))
            @for (place, series) in nodes.iter().take(NODES_MAX).enumerate() {
                @let y = top + place as u32 * ROW;
                text x=(plots::AXIS_LEFT - 6) y=(y + 15) text-anchor="end" font-size="11" { (cut(&visible(&series.node), 10)) }
                (row(findings, series, size, y))
            }
        }
    }
}

fn row(findings: &Findings, series: &NodeSeries, size: Size, y: u32) -> Markup {
    let overview = &findings.overview;
    let group = series.ok.len().div_ceil(COLUMNS_MAX).max(1);
    let columns = series.ok.chunks(group).zip(series.fail.chunks(group)).zip(series.unknown.chunks(group));
    let sum = |part: &[u32]| part.iter().map(|&n| u64::from(n)).sum::<u64>();
    let shares: Vec<(Share, u64, u64)> = columns
        .map(|((ok, fail), unknown)| {
            let (ok, all) = (sum(ok), sum(ok) + sum(fail) + sum(unknown));
            (Share::of(ok, all), ok, all)
        })
        .collect();
    let at = |column: usize| overview.began.seconds() + overview.bin.seconds() * (column * group) as f64;
    // Neighbours that fared alike are one mark.
    let mut marks: Vec<(usize, usize, Share, u64, u64)> = Vec::new();
    for (column, &(share, ok, all)) in shares.iter().enumerate() {
        match marks.last_mut() {
            Some(last) if last.2 == share => {
                last.1 = column + 1;
                last.3 += ok;
                last.4 += all;
            }
            _ => marks.push((column, column + 1, share, ok, all)),
        }
    }
    html! {
        @for (from, until, share, ok, all) in marks {
            @let (left, right) = (plots::x(findings, size, at(from)), plots::x(findings, size, at(until)));
            @let height = share.height();
            rect class=(share.class()) x=(format!("{left:.1}")) y=(y + 18 - height) width=(format!("{:.1}", (right - left).max(0.8))) height=(height) {
                title { (cut(&visible(&series.node), 40)) " from " (format!("{:.2}", at(from))) " s: " (share.word()) " (" (count(ok)) " of " (count(all)) ")" }
            }
        }
    }
}

/// What the marks mean.
pub(super) fn key() -> Markup {
    html! {
        @for share in [Share::All, Share::Most, Share::Some, Share::None, Share::Nothing] {
            li {
                svg width="20" height="16" aria-hidden="true" { rect class=(share.class()) x="2" y=(15 - share.height()) width="14" height=(share.height()) {} }
                (share.word())
            }
        }
    }
}

/// A bar for each fault that ended: how long until every node that it struck had answered again.
pub(super) fn recoveries(findings: &Findings) -> Markup {
    let ended = |line: &&FaultLine| line.record.state == FaultState::Installed && line.record.ended.is_some();
    let lines: Vec<&FaultLine> = findings.faults.iter().filter(ended).collect();
    if lines.is_empty() || findings.overview.nodes.is_empty() {
        return html! {};
    }
    let longest = lines.iter().filter_map(|line| line.answered).max().unwrap_or(Nanos(1)).0.max(1) as f64;
    html! {
        section.panel.plot {
            h3 { "Recovery after each fault" }
            p.how {
                "From the end of a fault until every node that it struck had answered a call that began afterwards. A long bar is an outage "
                "that outlived its cause; nodes that nobody asked again cannot answer."
            }
            div.scroll tabindex="0" role="region" aria-label="Recovery after each fault" { table.bars { tbody {
                @for line in lines.iter().take(RECOVERIES_MAX) {
                    tr {
                        td.time { (line.record.ended.unwrap_or_default().to_string()) }
                        td { code { (cut(&visible(&line.record.family), 20)) } " " (cut(&visible(&line.record.nodes.join(" ")), 40)) }
                        @match line.answered {
                            Some(took) => {
                                td.number { (duration(took)) }
                                td.room { i.length style=(format!("width:{:.1}%", took.0 as f64 / longest * 100.0)) {} }
                            }
                            None => { td.number { "not seen" } td.room { "some node never answered a later call" } }
                        }
                    }
                }
            } } }
            @if lines.len() > RECOVERIES_MAX { p.note { (lines.len() - RECOVERIES_MAX) " more are in results.json." } }
        }
    }
}
