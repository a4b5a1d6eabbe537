//! What every page of the store has around it: a head that lets nothing from outside be fetched or run, and a bar.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::{
    html::STYLE,
    wording::{cut, visible},
};

/// The longest foreign text of one cell, in characters.
pub(crate) const TEXT_MAX: usize = 300;

const SHEET: &str = include_str!("frame.css");

/// Foreign text, made visible and cut to what a cell can take. `maud` escapes it.
pub(crate) fn text(text: &str) -> String {
    cut(&visible(text), TEXT_MAX).into_owned()
}

/// What a page may do: be looked at, and ask for another list.
const STILL: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'";
/// What the page of a run that goes on may do beside: ask its own server again, by a script that is a file of its own.
const LIVE: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; base-uri 'none'; \
                    script-src 'self'; connect-src 'self'";

/// A page of the store: complete without a script.
pub(crate) fn page(title: &str, bar: &Markup, body: &Markup) -> String {
    whole(title, bar, body, None)
}

/// A page that a script at this address keeps fresh; without a script it loads itself again every two seconds.
pub(crate) fn live(title: &str, bar: &Markup, body: &Markup, script: &str) -> String {
    whole(title, bar, body, Some(script))
}

fn whole(title: &str, bar: &Markup, body: &Markup, script: Option<&str>) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta http-equiv="Content-Security-Policy" content=(if script.is_some() { LIVE } else { STILL });
                @if let Some(script) = script {
                    noscript { meta http-equiv="refresh" content="2"; }
                    script src=(script) defer {}
                }
                title { (text(title)) }
                style { (PreEscaped(STYLE)) (PreEscaped(SHEET)) }
            }
            body.index {
                (bar)
                main #main { (body) }
            }
        }
    };
    markup.into_string()
}

/// A time as it is read, `2026-01-31 12:34:56`, from how it is written in names; any other text as it is.
pub(crate) fn wall_time(name: &str) -> String {
    let digits = |range: std::ops::Range<usize>| {
        name.get(range).filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let parts = (digits(0..4), digits(4..6), digits(6..8), digits(9..11), digits(11..13), digits(13..15));
    match parts {
        (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second))
            if name.as_bytes()[8] == b'T' =>
        {
            format!("{year}-{month}-{day} {hour}:{minute}:{second}")
        }
        _ => name.to_owned(),
    }
}

/// A link to a place below this page: always relative, so that no name can become an address elsewhere.
pub(crate) fn below(path: &str) -> String {
    let mut link = String::from("./");
    link += &encoded(path.trim_matches('/'), true);
    link
}

/// A text as part of an address. Slashes stay only where the text is a path.
pub(crate) fn encoded(text: &str, is_path: bool) -> String {
    let mut link = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => link.push(byte.into()),
            b'/' if is_path => link.push('/'),
            other => link.push_str(&format!("%{other:02X}")),
        }
    }
    link
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_people_read_them() {
        assert_eq!(wall_time("20260131T123456.789"), "2026-01-31 12:34:56");
        assert_eq!(wall_time("20260131T123456.789-2"), "2026-01-31 12:34:56");
        for other in ["", "yesterday", "2026-01-31T12:34:56", "20260131 123456", "2026013éT123456.789"] {
            assert_eq!(wall_time(other), other);
        }
    }

    #[test]
    fn a_folder_name_cannot_lead_elsewhere_or_break_out() {
        assert_eq!(below("demo/2026-01-02"), "./demo/2026-01-02");
        assert_eq!(below("javascript:alert(1)"), "./javascript%3Aalert%281%29");
        assert_eq!(below("//evil/\"><b>"), "./evil/%22%3E%3Cb%3E");
        assert_eq!(encoded("a/b&c=d", false), "a%2Fb%26c%3Dd");
    }
}
