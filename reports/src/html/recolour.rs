//! Turns what plotters drew into something that follows the page's colours and stays small.
//!
//! Everything is drawn in marker colours, which become classes; thousands of circles of one colour become one path;
//! sizes become a `viewBox` alone, so that the style sheet decides how large the plot is.

use std::fmt::Write;

use plotters::style::RGBColor;

use crate::OutcomeKind;

/// What a colour stands for until the style sheet decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marker {
    /// The two axes.
    Axis,
    /// The lines of the grid.
    Mesh,
    /// A mark of the latency plot.
    Dot(OutcomeKind),
    /// The line of medians.
    Median,
    /// The line of 99th percentiles.
    Slow,
    /// A line of the rate plot.
    Rate(u8),
}

const ALL: [Marker; 13] = [
    Marker::Axis,
    Marker::Mesh,
    Marker::Dot(OutcomeKind::Ok),
    Marker::Dot(OutcomeKind::Fail),
    Marker::Dot(OutcomeKind::Unknown),
    Marker::Median,
    Marker::Slow,
    Marker::Rate(0),
    Marker::Rate(1),
    Marker::Rate(2),
    Marker::Rate(3),
    Marker::Rate(4),
    Marker::Rate(5),
];

impl Marker {
    /// The colour it is drawn in: its place in the list of all markers.
    pub fn color(self) -> RGBColor {
        let place = ALL.iter().position(|&marker| marker == self).unwrap_or(0) as u8;
        RGBColor(0xFE, 0x01, place)
    }

    /// The class it is given.
    pub fn class(self) -> &'static str {
        match self {
            Self::Axis => "axis",
            Self::Mesh => "mesh",
            Self::Dot(OutcomeKind::Ok) => "d-ok",
            Self::Dot(OutcomeKind::Fail) => "d-fail",
            Self::Dot(OutcomeKind::Unknown) => "d-unknown",
            Self::Median => "q50",
            Self::Slow => "q99",
            Self::Rate(place) => ["r0", "r1", "r2", "r3", "r4", "r5"][usize::from(place).min(5)],
        }
    }

    fn of(color: &str) -> Option<Self> {
        let place = color.strip_prefix("#FE01")?;
        ALL.get(usize::from_str_radix(place, 16).ok()?).copied()
    }
}

/// The path of one mark: a dot, a cross or a ring's upper half, so that colour is not the only sign.
pub(super) fn mark(outcome: OutcomeKind) -> &'static str {
    match outcome {
        OutcomeKind::Ok => "h0",
        OutcomeKind::Fail => "m-2-2l4 4m0-4l-4 4",
        OutcomeKind::Unknown => "m-2.5 2l2.5-4.5l2.5 4.5z",
    }
}

/// The plot with classes for colours; `behind` is put behind everything.
pub(super) fn recolour(drawn: &str, behind: &str) -> String {
    let mut plot = String::with_capacity(drawn.len() / 2 + behind.len());
    let mut marks: [String; 3] = Default::default();
    for line in drawn.lines() {
        if line.starts_with("<svg") {
            let view = attribute(line, "viewBox").unwrap_or("0 0 100 100");
            let _ = write!(plot, "<svg viewBox=\"{view}\" aria-hidden=\"true\">{behind}");
            continue;
        }
        let marker =
            attribute(line, "stroke").and_then(Marker::of).or(attribute(line, "fill").and_then(Marker::of));
        match marker {
            Some(Marker::Dot(outcome)) if line.starts_with("<circle") => {
                let (x, y) = (attribute(line, "cx").unwrap_or("0"), attribute(line, "cy").unwrap_or("0"));
                let _ = write!(marks[outcome as usize], "M{x} {y}{}", mark(outcome));
            }
            Some(marker) => {
                let points = attribute(line, "points").map(str::trim);
                let shape = match points {
                    Some(points) => format!("<polyline class=\"{}\" points=\"{points}\"/>", marker.class()),
                    None => format!("<line class=\"{}\"{}/>", marker.class(), ends(line)),
                };
                plot.push_str(&shape);
            }
            None if line.starts_with("<text") => {
                flush(&mut plot, &mut marks);
                plot.push_str(&text(line));
            }
            // The words between text tags and the closing tags stay as they are.
            None if !line.starts_with('<') || line.starts_with("</") => {
                flush(&mut plot, &mut marks);
                plot.push_str(line);
            }
            None => {}
        }
        // Lines are drawn over the marks, so the marks are written as soon as something else follows them.
        if marker.is_some_and(|marker| !matches!(marker, Marker::Dot(_)))
            && marks.iter().any(|m| !m.is_empty())
        {
            let at = plot.rfind("<polyline").unwrap_or(plot.len());
            let tail = plot.split_off(at);
            flush(&mut plot, &mut marks);
            plot.push_str(&tail);
        }
    }
    plot
}

fn flush(plot: &mut String, marks: &mut [String; 3]) {
    for (outcome, path) in OutcomeKind::ALL.into_iter().zip(marks) {
        if !path.is_empty() {
            let _ = write!(plot, "<path class=\"{}\" d=\"{path}\"/>", Marker::Dot(outcome).class());
            path.clear();
        }
    }
}

fn ends(line: &str) -> String {
    let mut ends = String::new();
    for name in ["x1", "y1", "x2", "y2"] {
        let _ = write!(ends, " {name}=\"{}\"", attribute(line, name).unwrap_or("0"));
    }
    ends
}

/// The opening tag of a text with nothing but its place.
fn text(line: &str) -> String {
    let mut tag = String::from("<text");
    for name in ["x", "y", "dy", "text-anchor", "font-size"] {
        if let Some(value) = attribute(line, name) {
            let _ = write!(tag, " {name}=\"{value}\"");
        }
    }
    tag + ">"
}

fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let start = line.match_indices(name).find_map(|(at, _)| {
        let blank_before = line[..at].ends_with(' ');
        (blank_before && line[at + name.len()..].starts_with("=\"")).then_some(at + name.len() + 2)
    })?;
    let length = line[start..].find('"')?;
    Some(&line[start..start + length])
}
