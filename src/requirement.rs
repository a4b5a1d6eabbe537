//! `--require`: a threshold on what was measured, as in `ok_rate > 0.5` or `p99 < 2s during=none`.

use history::Nanos;
use nemeses::Family;
use reports::{Findings, expected::Required, measures::Measure, wording};

use crate::{exit::Failure, settings};

/// What can be measured, each with what it is in.
const METRICS: &[(&str, Unit)] = &[
    ("ok_rate", Unit::Share),
    ("fail_rate", Unit::Share),
    ("unknown_rate", Unit::Share),
    ("operations", Unit::Number),
    ("ok", Unit::Number),
    ("rate", Unit::Number),
    ("p50", Unit::Time),
    ("p95", Unit::Time),
    ("p99", Unit::Time),
    ("max", Unit::Time),
    ("recovery", Unit::Time),
];

/// Those that are of the whole run only.
const WHOLE: &[&str] = &["rate", "recovery"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Share,
    Number,
    Time,
}

/// A threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Requirement {
    text: String,
    metric: &'static str,
    unit: Unit,
    sign: Sign,
    /// A share, a number, or seconds.
    bound: f64,
    during: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
}

/// A part of the text and the column it begins at, from 1.
type Word<'a> = (usize, &'a str);

impl Requirement {
    /// Reads a threshold. The error names the place and, for a wrong name, the nearest one.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let fail = |(column, what): (usize, String)| {
            Failure::usage(format!("--require '{}', column {column}: {what}", wording::visible(text)))
        };
        Self::read(text).map_err(fail)
    }

    fn read(text: &str) -> Result<Self, (usize, String)> {
        let words = words(text);
        let end = text.chars().count() + 1;
        let mut words = words.into_iter();
        let mut next =
            |what: &str| words.next().ok_or_else(|| (end, format!("here {what} is missing, as in p99 < 2s")));
        let name = next("what is measured")?;
        let (metric, unit) = metric(name)?;
        let sign = sign(next("<, <=, > or >=")?)?;
        let bound = bound(next("the bound")?, unit)?;
        let during = match words.next() {
            None => "all".to_owned(),
            Some(word) => during(word, metric)?,
        };
        if let Some((column, more)) = words.next() {
            return Err((column, format!("`{more}` is one word too many; one threshold a --require")));
        }
        Ok(Self { text: text.trim().to_owned(), metric, unit, sign, bound, during })
    }

    /// How it went. What was not measured is not kept.
    pub fn judge(&self, findings: &Findings) -> Required {
        let (is_met, measured) = match self.measure(findings) {
            Ok(value) => {
                let is_met = match self.sign {
                    Sign::Less => value < self.bound,
                    Sign::LessOrEqual => value <= self.bound,
                    Sign::More => value > self.bound,
                    Sign::MoreOrEqual => value >= self.bound,
                };
                (is_met, format!("it was {}", self.worded(value)))
            }
            Err(why) => (false, why),
        };
        Required { text: self.text.clone(), is_met, measured }
    }

    fn measure(&self, findings: &Findings) -> Result<f64, String> {
        match self.metric {
            "recovery" => {
                let recovery = findings.recovery.map(Nanos::seconds);
                return recovery.ok_or_else(|| {
                    "it was not measured: the database did not answer again, or nobody waited for it".into()
                });
            }
            "rate" => return Ok(findings.rate()),
            _ => {}
        }
        let Some(measure) = findings.measures.iter().find(|measure| measure.during == self.during) else {
            return Err(match self.during.as_str() {
                "all" | "any" | "none" => "it was not measured".into(),
                family => format!("it was not measured: no fault of family {family} struck"),
            });
        };
        if measure.operations == 0 {
            return Err(format!("it was not measured: no operation met during={}", self.during));
        }
        let needs_ok = self.unit == Unit::Time;
        if needs_ok && measure.ok == 0 {
            return Err("it was not measured: no operation succeeded".into());
        }
        Ok(value(self.metric, measure))
    }

    fn worded(&self, value: f64) -> String {
        match self.unit {
            Unit::Share => format!("{value:.4}"),
            Unit::Number => format!("{value:.0}"),
            Unit::Time => wording::duration(Nanos((value * 1e9) as u64)),
        }
    }
}

fn value(metric: &str, measure: &Measure) -> f64 {
    let share = |part: u64| part as f64 / measure.operations as f64;
    match metric {
        "ok_rate" => share(measure.ok),
        "fail_rate" => share(measure.fail),
        "unknown_rate" => share(measure.unknown),
        "ok" => measure.ok as f64,
        "p50" => measure.p50.seconds(),
        "p95" => measure.p95.seconds(),
        "p99" => measure.p99.seconds(),
        "max" => measure.max.seconds(),
        _ => measure.operations as f64,
    }
}

/// The words of a threshold. A sign needs no blanks around it.
fn words(text: &str) -> Vec<Word<'_>> {
    let mut words: Vec<Word<'_>> = Vec::new();
    let mut begun: Option<(usize, usize)> = None;
    let is_sign = |c: char| matches!(c, '<' | '>');
    let mut previous = ' ';
    for (column, (byte, c)) in text.char_indices().enumerate() {
        // `during=none` holds a sign of its own, so `=` only continues one.
        let sign_goes_on = is_sign(previous) && c == '=';
        let is_break = c.is_whitespace()
            || (is_sign(c) != is_sign(previous) && !sign_goes_on)
            || (previous == '=' && words_end_is_sign(text, byte));
        if is_break && let Some((start, column)) = begun.take() {
            words.push((column + 1, &text[start..byte]));
        }
        if !c.is_whitespace() && begun.is_none() {
            begun = Some((byte, column));
        }
        previous = c;
    }
    if let Some((start, column)) = begun {
        words.push((column + 1, &text[start..]));
    }
    words
}

/// Whether what stands before this byte is `<=` or `>=`.
fn words_end_is_sign(text: &str, byte: usize) -> bool {
    text[..byte].ends_with("<=") || text[..byte].ends_with(">=")
}

fn metric((column, name): Word<'_>) -> Result<(&'static str, Unit), (usize, String)> {
    METRICS.iter().find(|(known, _)| *known == name).copied().ok_or_else(|| {
        let nearest = settings::nearest(name, METRICS.iter().map(|(known, _)| *known));
        let all: Vec<_> = METRICS.iter().map(|(known, _)| *known).collect();
        (
            column,
            format!("nothing named `{name}` is measured; did you mean `{nearest}`? All: {}", all.join(", ")),
        )
    })
}

fn sign((column, text): Word<'_>) -> Result<Sign, (usize, String)> {
    Ok(match text {
        "<" => Sign::Less,
        "<=" => Sign::LessOrEqual,
        ">" => Sign::More,
        ">=" => Sign::MoreOrEqual,
        _ => return Err((column, format!("`{text}` is no comparison; it takes <, <=, > or >="))),
    })
}

fn bound((column, text): Word<'_>, unit: Unit) -> Result<f64, (usize, String)> {
    let (number, factor) = match unit {
        Unit::Share => (text.strip_suffix('%').unwrap_or(text), if text.ends_with('%') { 0.01 } else { 1.0 }),
        Unit::Number => (text, 1.0),
        Unit::Time => {
            let units = [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0)];
            let found = units.iter().find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)));
            found.ok_or_else(|| (column, format!("`{text}` has no unit of time; write 2s, 150ms or 3m")))?
        }
    };
    let bound = number.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
    let bound = bound.ok_or_else(|| (column, format!("`{text}` is no number that can be compared with")))?;
    let bound = bound * factor;
    if unit == Unit::Share && bound > 1.0 {
        return Err((
            column,
            format!("`{text}` is more than all; a share is from 0 to 1, or from 0% to 100%"),
        ));
    }
    Ok(bound)
}

fn during((column, text): Word<'_>, metric: &str) -> Result<String, (usize, String)> {
    let Some((key, name)) = text.split_once('=') else {
        return Err((column, format!("`{text}` is not understood; did you mean `during=none`?")));
    };
    if key != "during" {
        return Err((column, format!("there is no `{key}=`; did you mean `during=`?")));
    }
    let names: Vec<&str> =
        ["all", "any", "none"].into_iter().chain(Family::all().iter().map(|f| f.name())).collect();
    if !names.contains(&name) {
        let nearest = settings::nearest(name, names.iter().copied());
        let all = names.join(", ");
        let place = column + "during=".len();
        return Err((
            place,
            format!("there is nothing named `{name}` to be during; did you mean `{nearest}`? All: {all}"),
        ));
    }
    if WHOLE.contains(&metric) && name != "all" {
        return Err((column, format!("{metric} is of the whole run and takes no during=")));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Requirement::parse(text).unwrap_err().message
    }

    #[test]
    fn thresholds_are_read_with_and_without_blanks() {
        let read = |text| Requirement::parse(text).unwrap();
        let plain = read("p99 < 2s during=none");
        assert_eq!(
            (plain.metric, plain.sign, plain.bound, plain.during.as_str()),
            ("p99", Sign::Less, 2.0, "none")
        );
        let tight = read("p99<2s during=none");
        assert_eq!((tight.metric, tight.sign, tight.bound), ("p99", Sign::Less, 2.0));
        let tight = read("ok_rate>=50%");
        assert_eq!((tight.metric, tight.sign, tight.bound), ("ok_rate", Sign::MoreOrEqual, 0.5));
        assert_eq!(read("max <= 150ms").bound, 0.15);
        assert_eq!(read("recovery < 10s").during, "all");
    }

    #[test]
    fn mistakes_name_the_place_and_the_nearest_name() {
        assert!(wrong("p98 < 2s").contains("column 1: nothing named `p98` is measured; did you mean `p9"));
        assert!(wrong("ok_rat > 0.5").contains("did you mean `ok_rate`"));
        assert!(wrong("p99 = 2s").contains("column 5"), "{}", wrong("p99 = 2s"));
        assert!(wrong("p99 < 2").contains("column 7: `2` has no unit"));
        assert!(
            wrong("p99 < 2s during=partion").contains("column 17")
                && wrong("p99 < 2s during=partion").contains("`partition`")
        );
        assert!(wrong("p99 < 2s durng=none").contains("column 10"));
        assert!(wrong("p99 <").contains("column 6: here the bound is missing"));
        assert!(wrong("ok_rate > 50").contains("100%") && wrong("").contains("missing"));
        assert!(wrong("recovery < 3s during=none").contains("whole run"));
        assert!(wrong("p99 < 2s during=none please").contains("column 22"));
        assert!(wrong("ok_rate > -1").contains("no number"));
    }

    #[test]
    fn what_was_not_measured_is_not_kept() {
        let findings = Findings::from_failure(reports::Run::default(), "it did not start");
        for text in ["recovery < 10s", "p99 < 2s", "ok_rate > 0", "ok_rate > 0 during=kill"] {
            let judged = Requirement::parse(text).unwrap().judge(&findings);
            assert!(!judged.is_met && judged.measured.contains("not measured"), "{text}: {judged:?}");
        }
    }
}
