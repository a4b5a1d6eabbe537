//! The comparison as a page.

use maud::{Markup, html};

use super::{Comparison, Found, Side};
use crate::frame;

/// How many findings of each sort are told.
const FOUND_MAX: usize = 200;

/// The page. The links to the runs are as the caller gives them: `None` leaves them out.
pub fn page(comparison: &Comparison, bar: &maud::Markup, links: Option<[&str; 2]>) -> String {
    let title = format!("{} against {}", comparison.newer.name, comparison.older.name);
    let link = |place: usize| links.map(|links| links[place]);
    let body = html! {
        h1 { "Two runs compared" }
        div.scroll { table {
            thead { tr { th { "" } th { "Verdict" } th { "Run" } th { "What it says" } th.number { "Seed" } th { "Started" } } }
            tbody { (side("older", &comparison.older, link(0))) (side("newer", &comparison.newer, link(1))) }
        } }
        (found("New", "new", "+", &comparison.new))
        (found("Still there", "still", "=", &comparison.still))
        (found("Gone", "gone", "−", &comparison.gone))
        @if comparison.new.is_empty() && comparison.still.is_empty() && comparison.gone.is_empty() {
            p { "No anomaly in either run." }
        }
        h2 { "Rates and latencies" }
        div.scroll { table {
            thead { tr { th { "" } th.number { "Older" } th.number { "Newer" } th.number { "Change" } } }
            tbody { @for figure in &comparison.figures { tr {
                td { (figure.name) }
                td.number { (figure.worded(figure.older)) }
                td.number { (figure.worded(figure.newer)) }
                td.number { (figure.change()) }
            } } }
        } }
        @for caveat in &comparison.caveats { p.note { (frame::text(caveat)) } }
    };
    frame::page(&title, bar, &body)
}

fn side(which: &str, side: &Side, link: Option<&str>) -> Markup {
    html! { tr {
        td { (which) }
        td { span class={ "badge " (side.headline.slug()) } { (side.headline.sign()) " " (side.headline.word()) } }
        td { @if let Some(link) = link { a href=(link) { (frame::text(&side.name)) } } @else { (frame::text(&side.name)) } }
        td.prose { (frame::text(&side.title)) ": " (frame::text(&side.sentence)) }
        td.number { (side.seed) }
        td { (frame::text(&side.started)) }
    } }
}

fn found(heading: &str, class: &str, sign: &str, all: &[Found]) -> Markup {
    html! { @if !all.is_empty() {
        h2 { span class=(class) { (sign) " " (heading) } " (" (all.len()) ")" }
        div.scroll { table {
            thead { tr { th { "Finding" } th.number { "Older" } th.number { "Newer" } th { "For example" } } }
            tbody { @for found in all.iter().take(FOUND_MAX) { tr {
                td { code { (frame::text(&found.fingerprint)) } }
                td.number { (found.older) }
                td.number { (found.newer) }
                td.prose { (frame::text(&found.sentence)) }
            } } }
        } }
        @if all.len() > FOUND_MAX { p.note { "and " (all.len() - FOUND_MAX) " more" } }
    } }
}
