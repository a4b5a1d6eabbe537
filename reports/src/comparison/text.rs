//! The comparison in a terminal.

use std::fmt::Write;

use super::{Comparison, Found, Side};
use crate::{
    Style,
    wording::{cut, plural, visible},
};

/// How many findings of each sort are told.
const FOUND_MAX: usize = 20;
/// The longest sentence, in characters.
const SENTENCE_MAX: usize = 400;

/// The comparison as text, ending with a line break. No value of the database can drive the terminal with it.
pub fn text(comparison: &Comparison, style: Style) -> String {
    let mut text = String::new();
    side(&mut text, "older", &comparison.older);
    side(&mut text, "newer", &comparison.newer);
    found(&mut text, style, ("1;31", "NEW", '+'), &comparison.new);
    found(&mut text, style, ("1;33", "STILL THERE", '='), &comparison.still);
    found(&mut text, style, ("1;32", "GONE", '-'), &comparison.gone);
    if comparison.new.is_empty() && comparison.still.is_empty() && comparison.gone.is_empty() {
        text.push_str("\nno anomaly in either run\n");
    }
    let _ = writeln!(text, "\n{:<22} {:>18} {:>18} {:>14}", "", "older", "newer", "change");
    for figure in &comparison.figures {
        let (older, newer) = (figure.worded(figure.older), figure.worded(figure.newer));
        let line = format!("{:<22} {older:>18} {newer:>18} {:>14}", figure.name, figure.change());
        let _ = writeln!(text, "{}", line.trim_end());
    }
    if !comparison.caveats.is_empty() {
        text.push('\n');
    }
    for caveat in &comparison.caveats {
        let _ = writeln!(text, "- {}", visible(caveat));
    }
    text
}

fn side(text: &mut String, which: &str, side: &Side) {
    let word = side.headline.word();
    let _ = writeln!(
        text,
        "{which}  {word:<15}  {}  seed {}  {}",
        visible(&side.title),
        side.seed,
        visible(&side.name)
    );
}

fn found(text: &mut String, style: Style, (color, heading, sign): (&str, &str, char), all: &[Found]) {
    if all.is_empty() {
        return;
    }
    let heading = format!("{heading} ({})", all.len());
    let painted = if style.color { format!("\x1b[{color}m{heading}\x1b[0m") } else { heading };
    let _ = writeln!(text, "\n{painted}");
    for found in all.iter().take(FOUND_MAX) {
        let times = match (found.older, found.newer) {
            (0, newer) => plural(newer, "time"),
            (older, 0) => plural(older, "time"),
            (older, newer) => format!("{older} times before, {newer} now"),
        };
        let _ = writeln!(text, "  {sign} {}  ({times})", visible(&found.fingerprint));
        let _ = writeln!(text, "      {}", cut(&visible(&found.sentence), SENTENCE_MAX));
    }
    if all.len() > FOUND_MAX {
        let _ = writeln!(text, "  and {} more", all.len() - FOUND_MAX);
    }
}
