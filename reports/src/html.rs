//! `report.html`: the whole story in one file that needs no network.

/// The style sheet that every page carries.
pub(crate) const STYLE: &str = include_str!("html/style.css");
