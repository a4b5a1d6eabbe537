//! `report.html`: the whole story in one file that needs no network.
//!
//! The page is complete without a script; the script only links what belongs together, copies commands and adds keys.
//! Everything that came from outside passes through `maud`, which escapes it, after [`crate::wording::visible`] made the
//! invisible visible; nothing from outside is ever put into the script or the style sheet.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    Findings,
    wording::{cut, visible},
};

mod anomalies;
mod availability;
mod axis;
mod cycle;
mod explorer;
mod lattice;
mod order;
mod pictures;
mod plots;
mod recolour;
mod sections;
mod timeline;
mod top;

/// The style sheet that every page carries.
pub(crate) const STYLE: &str = include_str!("html/style.css");
/// The script: readable parts that share one scope, in the order in which they need each other.
const SCRIPT: &str = concat!(
    "(() => {\n'use strict';\n",
    include_str!("html/script/page.js"),
    include_str!("html/script/anomalies.js"),
    include_str!("html/script/data.js"),
    include_str!("html/script/view.js"),
    include_str!("html/script/draw.js"),
    include_str!("html/script/pointer.js"),
    include_str!("html/script/words.js"),
    include_str!("html/script/link.js"),
    include_str!("html/script/keys.js"),
    "})();\n",
);

/// The longest title, in characters.
const TITLE_MAX: usize = 160;

/// The page. It stays under 3 MB whatever the findings hold: every part has a limit and says what it left out.
pub fn page(findings: &Findings) -> String {
    let title = title(findings);
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                // Nothing from outside can be fetched or run, even if something slipped through the escaping.
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
                title { (findings.headline.word()) ": " (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#main" { "Skip to the verdict" }
                (bar(findings))
                main #main {
                    (top::top(findings, &title))
                    (crate::expected::panel(findings))
                    (anomalies::all(findings))
                    (lattice::picture(findings))
                    (pictures::all(findings))
                    (explorer::section(findings))
                    (sections::whole_run(findings))
                    (sections::faults(findings))
                    (sections::calls(findings))
                    (sections::limits(findings))
                    (sections::run(findings))
                    footer { "Drawn by Disprove from results.json, schema " (findings.schema) ". This page fetches nothing." }
                }
                (keys())
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

fn title(findings: &Findings) -> String {
    let run = &findings.run;
    let title = match (run.title.is_empty(), run.workload.is_empty()) {
        (false, _) => run.title.as_str(),
        (true, false) => run.workload.as_str(),
        (true, true) => "a run",
    };
    cut(&visible(title), TITLE_MAX).into_owned()
}

fn bar(findings: &Findings) -> Markup {
    html! {
        nav.bar aria-label="Parts of this page" {
            span class={ "badge " (findings.headline.slug()) } { (findings.headline.sign()) " " (findings.headline.word()) }
            @if !findings.scenes.is_empty() { a href="#anomalies" { "Anomalies" } }
            @if !findings.pictures.is_empty() { a href="#data-type" { "Data" } }
            @if !findings.tape.marks.is_empty() { a href="#explorer" { "Operations" } }
            a href="#whole-run" { "Whole run" }
            @if !findings.faults.is_empty() { a href="#faults" { "Faults" } }
            a href="#calls" { "Calls" }
            a href="#limits" { "Limits" }
            a href="#run" { "Run" }
            span.space {}
            button.script #theme type="button" title="Light or dark (t)" { "◐ Theme" }
            button.script #help type="button" title="Keys (?)" { "? Keys" }
        }
    }
}

fn keys() -> Markup {
    let keys = [
        ("n, p", "next, previous anomaly"),
        (
            "j, k",
            "next, previous operation: of the anomaly, or of the picture of all when that was used last",
        ),
        ("Enter", "pin the operation, or follow the link"),
        ("e", "to the picture of all operations, at the anomaly that was read last"),
        ("← → ↑ ↓", "move the picture of all operations (while it has the focus)"),
        ("+, −, f", "zoom in, zoom out, show all"),
        ("/", "filter by text"),
        ("y", "copy a link to exactly this view"),
        ("Esc", "let go of the operation, then forget the filter"),
        ("t", "light or dark"),
        ("?", "this card"),
    ];
    html! {
        dialog #keys aria-label="Keys" {
            h3 { "Keys" }
            dl.facts { @for (key, what) in keys { dt { kbd { (key) } } dd { (what) } } }
            form method="dialog" { button { "Close" } }
        }
    }
}
