//! A run while it goes on: what it writes down each second, and the page that shows it.

use history::Nanos;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::{
    frame,
    wording::{count, duration},
};

/// How many seconds back the page looks.
pub const POINTS_MAX: usize = 120;

/// One second of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Point {
    /// Seconds since the run began.
    pub at: f64,
    /// Calls that happened, per second.
    pub ok: f64,
    /// Calls that certainly did not, per second.
    pub fail: f64,
    /// Calls of which nobody knows, per second.
    pub unknown: f64,
    /// What a successful call took, on average.
    pub latency: Nanos,
    /// How many faults were in force.
    pub faults: usize,
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// The run's title.
    pub title: String,
    /// Its seed.
    pub seed: u64,
    /// What it is doing: `setup`, `calls`, `heal`, `settle`, `final reads`, `check`.
    pub phase: String,
    /// For how long it has been doing that, in seconds.
    pub phase_seconds: f64,
    /// How long that may take, where there is a limit.
    pub phase_limit: Option<f64>,
    /// Calls that happened.
    pub ok: u64,
    /// Calls that certainly did not.
    pub fail: u64,
    /// Calls of which nobody knows.
    pub unknown: u64,
    /// The slowest successful call so far.
    pub slowest: Nanos,
    /// The faults in force, as they are described.
    pub faults: Vec<String>,
    /// The last seconds.
    pub points: Vec<Point>,
}

/// What keeps the page of a run that goes on fresh: it puts what is new into the page that is there, so that neither the
/// place on the page nor the focus of the keyboard is lost. Its address is [`SCRIPT_ADDRESS`] beside the list.
pub const SCRIPT: &str = include_str!("status.js");
/// Where [`SCRIPT`] is asked for, from the list.
pub const SCRIPT_ADDRESS: &str = "live.js";

/// The page of a run that goes on. `up` leads from it to the list. Without a script it loads itself again.
pub fn page(status: &Status, up: &str) -> String {
    let last = status.points.last().copied().unwrap_or_default();
    let limit = status.phase_limit.map_or_else(String::new, |limit| format!(" of {limit:.0} s"));
    let figure = |name: &str, value: String| html! { div { dt { (name) } dd { (value) } } };
    let body = html! {
        section.top.panel.live {
            h1 { (frame::text(&status.title)) }
            p.meta {
                @if status.phase.is_empty() { "In progress: it begins, or writes its report." }
                @else {
                    "In progress, seed " (status.seed) ". Phase " strong { (frame::text(&status.phase)) } ", for "
                    (format!("{:.0} s", status.phase_seconds)) (limit) "."
                }
            }
            dl.figures {
                (figure("ok per second", format!("{:.0}", last.ok)))
                (figure("failed per second", format!("{:.0}", last.fail)))
                (figure("unknown per second", format!("{:.0}", last.unknown)))
                (figure("latency, average", duration(last.latency)))
                (figure("latency, slowest", duration(status.slowest)))
                (figure("ok", count(status.ok)))
                (figure("failed", count(status.fail)))
                (figure("unknown", count(status.unknown)))
            }
        }
        h2 { "Faults in force" }
        @if status.faults.is_empty() { p { "None." } }
        @else { ul { @for fault in &status.faults { li { (frame::text(fault)) } } } }
        h2 { "The last " (status.points.len()) " seconds" }
        (plot("Successful calls per second", status, |point| point.ok))
        (plot("Failed and unknown calls per second", status, |point| point.fail + point.unknown))
        (plot("Average latency of successful calls, ms", status, |point| point.latency.0 as f64 / 1e6))
        p.note #fresh { "Bands: a fault is in force. This page loads itself again every two seconds." }
    };
    let script = format!("{up}{SCRIPT_ADDRESS}");
    frame::live(&format!("{}: {}", status.phase, status.title), &crate::index::bar(up), &body, &script)
}

/// The least seconds that the width stands for, so that the first ones are not drawn as slabs.
const POINTS_MIN: usize = 30;
const HEIGHT: f64 = 110.0;

fn plot(title: &str, status: &Status, of: impl Fn(&Point) -> f64) -> Markup {
    let points = &status.points[status.points.len().saturating_sub(POINTS_MAX)..];
    let most = points.iter().map(&of).fold(0.0, f64::max);
    let step = 10.0;
    let width = step * points.len().max(POINTS_MIN) as f64;
    let height = |value: f64| if most > 0.0 { HEIGHT - value / most * (HEIGHT - 8.0) } else { HEIGHT };
    let line: Vec<String> = points
        .iter()
        .enumerate()
        .map(|(place, point)| format!("{:.1},{:.1}", place as f64 * step, height(of(point))))
        .collect();
    let label = format!("{title}: at most {most:.1}");
    html! {
        h3 { (title) " " small.soft { "at most " (format!("{most:.1}")) } }
        // As wide as the screen and always as tall: nothing in it but lines, which keep their strength.
        svg.second-by-second viewBox=(format!("0 0 {width} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(label) {
            @for (place, _) in points.iter().enumerate().filter(|(_, point)| point.faults > 0) {
                rect.band x=(format!("{:.1}", place as f64 * step)) y="0" width=(format!("{step:.1}")) height=(HEIGHT) {}
            }
            polyline points=(line.join(" ")) fill="none" stroke="var(--link)" stroke-width="1.8" vector-effect="non-scaling-stroke" {}
        }
    }
}
