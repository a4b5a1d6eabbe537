//! Lengths of time as people write them: `90s`, `15m`, `6h`, `14d`, `2w`.

use std::time::Duration;

/// The length that a text gives; a number alone is seconds. The error says what is understood.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let seconds = match unit.trim() {
        "" | "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        _ => return Err(format!("`{text}` is no length of time; write it as in 90s, 15m, 6h, 14d or 2w")),
    };
    let length = number.parse::<f64>().ok().and_then(|n| Duration::try_from_secs_f64(n * seconds).ok());
    length.ok_or_else(|| format!("`{text}` is no length of time; write it as in 90s, 15m, 6h, 14d or 2w"))
}

/// The length in its largest unit: `3 days`, `5 hours`.
pub fn worded(length: Duration) -> String {
    let seconds = length.as_secs();
    let (number, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    reports::wording::plural(number, unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_in_every_unit_and_nonsense_is_refused() {
        for (text, seconds) in
            [("90s", 90), ("15m", 900), ("6h", 21_600), ("14d", 1_209_600), ("7", 7), ("0.5h", 1_800)]
        {
            assert_eq!(parse(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in ["", "d", "-3d", "3 fortnights", "1e9d", "nan", "99999999999999999999999w", "1.2.3s"] {
            assert!(parse(wrong).unwrap_err().contains("14d"), "{wrong}");
        }
        assert_eq!(worded(Duration::from_secs(259_200)), "3 days");
        assert_eq!(worded(Duration::from_secs(1)), "1 second");
    }
}
