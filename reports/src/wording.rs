//! How numbers, durations and foreign text are worded, the same in every report.

use std::{borrow::Cow, fmt::Write};

use history::Nanos;

/// What is said where there is no limit to be honest about.
pub(crate) const NO_LIMITS: &str = "No limit was hit, and no outcome is unknown.";

/// The longest text of one operation that a report shows, in characters.
pub const SHOWN_MAX: usize = 240;

/// A number with its thousands apart: `20,413`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number with its noun: `1 operation`, `20,413 operations`.
pub fn plural(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", count(number))
}

/// A share in percent that never says 0 % or 100 % where that is not exact: `>99.9 %`.
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "0 %".into();
    }
    let share = 100.0 * part as f64 / whole as f64;
    match part {
        0 => "0 %".into(),
        _ if part >= whole => "100 %".into(),
        _ if share < 0.1 => "<0.1 %".into(),
        _ if share > 99.9 => ">99.9 %".into(),
        _ => format!("{share:.1} %"),
    }
}

/// A duration with three digits that matter and a unit that fits: `1.24 ms`, `3 m 05 s`.
pub fn duration(length: Nanos) -> String {
    let nanos = length.0;
    let seconds = length.seconds();
    match nanos {
        0 => "0 s".into(),
        1..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => three_digits(nanos as f64 / 1e3, "µs"),
        1_000_000..1_000_000_000 => three_digits(nanos as f64 / 1e6, "ms"),
        1_000_000_000..60_000_000_000 => three_digits(seconds, "s"),
        60_000_000_000..3_600_000_000_000 => {
            format!("{} m {:02} s", nanos / 60_000_000_000, nanos / 1_000_000_000 % 60)
        }
        _ => format!("{} h {:02} m", nanos / 3_600_000_000_000, nanos / 60_000_000_000 % 60),
    }
}

fn three_digits(number: f64, unit: &str) -> String {
    let text = match number {
        n if n >= 99.95 => format!("{n:.0}"),
        n if n >= 9.995 => format!("{n:.1}"),
        n => format!("{n:.2}"),
    };
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    format!("{text} {unit}")
}

/// A moment of the run: `12.345 s`.
pub fn moment(at: Nanos) -> String {
    at.to_string()
}

/// Foreign text with everything invisible made visible, so that a value can neither drive a terminal nor turn the
/// direction of the text around it. Line breaks are shown as well: a value never ends a line of a report.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_invisible) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            c if is_invisible(c) => {
                let _ = write!(shown, "\\u{{{:x}}}", u32::from(c));
            }
            c => shown.push(c),
        }
    }
    Cow::Owned(shown)
}

fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text cut after so many characters, with an ellipsis where it was cut.
pub fn cut(text: &str, characters_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(characters_max) {
        None => Cow::Borrowed(text),
        Some(_) => {
            let kept: String = text.chars().take(characters_max.saturating_sub(1)).collect();
            Cow::Owned(format!("{kept}…"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_durations_read_well() {
        assert_eq!(count(0), "0");
        assert_eq!(count(999), "999");
        assert_eq!(count(1_000), "1,000");
        assert_eq!(count(20_413), "20,413");
        assert_eq!(count(1_234_567), "1,234,567");
        assert_eq!(plural(1, "fault"), "1 fault");
        let worded = |nanos| duration(Nanos(nanos));
        assert_eq!(worded(0), "0 s");
        assert_eq!(worded(512), "512 ns");
        assert_eq!(worded(1_240_000), "1.24 ms");
        assert_eq!(worded(20_000_000), "20 ms");
        assert_eq!(worded(100_000_000), "100 ms");
        assert_eq!(worded(999_999_999), "1000 ms");
        assert_eq!(worded(185_000_000_000), "3 m 05 s");
        assert_eq!(worded(7_500_000_000_000), "2 h 05 m");
    }

    #[test]
    fn a_share_is_never_rounded_to_all_or_nothing() {
        assert_eq!(percent(0, 10), "0 %");
        assert_eq!(percent(1, 100_000), "<0.1 %");
        assert_eq!(percent(99_999, 100_000), ">99.9 %");
        assert_eq!(percent(10, 10), "100 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(0, 0), "0 %");
    }

    #[test]
    fn foreign_text_cannot_drive_a_terminal() {
        assert_eq!(visible("\u{1b}[31mred\u{202e}\n"), "\\u{1b}[31mred\\u{202e}\\n");
        assert!(matches!(visible("plain ünïcode 漢字"), Cow::Borrowed(_)));
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("abcd", 4), "abcd");
    }
}
