//! The files of a run as a page.

use maud::html;

use crate::{
    frame,
    wording::{count, plural},
};

/// How many entries are listed.
const ENTRIES_MAX: usize = 5_000;

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Whether it is a folder itself.
    pub is_folder: bool,
    /// Its bytes.
    pub bytes: u64,
}

/// The page. `up` leads from the page to the server's root.
pub fn page(path: &str, entries: &[Entry], up: &str) -> String {
    let body = html! {
        h1 { (frame::text(path)) }
        p.meta { (plural(entries.len() as u64, "name")) }
        div.scroll { table {
            thead { tr { th { "Name" } th.number { "Bytes" } } }
            tbody {
                tr { td { a href="../" { "../" } } td.number {} }
                @for entry in entries.iter().take(ENTRIES_MAX) { tr {
                    @let slash = if entry.is_folder { "/" } else { "" };
                    td { a href={ "./" (frame::encoded(&entry.name, false)) (slash) } { (frame::text(&entry.name)) (slash) } }
                    td.number { @if !entry.is_folder { (count(entry.bytes)) } }
                } }
            }
        } }
        @if entries.len() > ENTRIES_MAX { p.note { "and " (entries.len() - ENTRIES_MAX) " more" } }
    };
    frame::page(path, &crate::index::bar(up), &body)
}
