//! The commands, one file each.

pub mod check;
pub mod clean;
#[cfg(feature = "program")]
pub mod client_check;
pub mod demo;
pub mod diff;
pub mod doctor;
pub mod heal;
pub mod list;
pub mod replay;
pub mod report;
#[cfg(feature = "serve")]
pub mod serve;
pub mod suite;
pub mod survey;
pub mod test;
pub mod verify;

use std::io::IsTerminal as _;

use reports::Style;

use crate::arguments::Color;

/// How standard output is to be written to.
fn style(color: Color) -> Style {
    let terminal = std::io::stdout().is_terminal();
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    };
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    Style { color, width: columns.unwrap_or(100) }
}
