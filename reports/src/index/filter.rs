//! Which runs the list shows, and in what order.

use crate::{Headline, RunLine, frame};

/// What is wanted of the list. An empty text wants everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that must all occur somewhere in the line, whatever their case.
    pub text: String,
    /// The database, with its version or without.
    pub database: String,
    /// The workload.
    pub workload: String,
    /// A family of faults that struck.
    pub fault: String,
    /// The verdict in one word.
    pub verdict: String,
    /// The earliest time, as `2026-01-31` or `20260131T12`.
    pub since: String,
    /// The latest time, likewise.
    pub until: String,
    /// What to sort by: `started`, `took`, `operations`, `rate`, `p99` or `database`.
    pub sort: String,
    /// `up` or `down`.
    pub order: String,
    /// Which page of the list, from 0.
    pub page: usize,
}

/// What can be sorted by.
pub(super) const SORTS: &[&str] = &["started", "took", "operations", "rate", "p99", "database"];

impl Filter {
    /// The filter that pairs of an address ask for. What is not understood is left out.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut filter = Self::default();
        for (name, value) in pairs {
            let value: String = value.chars().take(200).collect();
            match name {
                "q" => filter.text = value,
                "database" => filter.database = value,
                "workload" => filter.workload = value,
                "fault" => filter.fault = value,
                "verdict" => filter.verdict = value,
                "since" => filter.since = value,
                "until" => filter.until = value,
                "sort" => filter.sort = value,
                "order" => filter.order = value,
                "page" => filter.page = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        filter
    }

    /// The filter as pairs of an address, for another page or order of the same list.
    pub(super) fn address(&self, page: usize) -> String {
        let page = page.to_string();
        let pairs = [
            ("q", &self.text),
            ("database", &self.database),
            ("workload", &self.workload),
            ("fault", &self.fault),
            ("verdict", &self.verdict),
            ("since", &self.since),
            ("until", &self.until),
            ("sort", &self.sort),
            ("order", &self.order),
            ("page", &page),
        ];
        let shown = pairs.iter().filter(|(_, value)| !value.is_empty());
        let parts: Vec<String> =
            shown.map(|(name, value)| format!("{name}={}", frame::encoded(value, false))).collect();
        format!("?{}", parts.join("&"))
    }

    /// The lines that are wanted, in the order that is wanted. The lines come oldest first.
    pub fn choose<'a>(&self, lines: &'a [RunLine]) -> Vec<&'a RunLine> {
        let words: Vec<String> = self.text.to_lowercase().split_whitespace().map(str::to_owned).collect();
        let mut chosen: Vec<&RunLine> = lines.iter().filter(|line| self.wants(line, &words)).collect();
        match self.sort.as_str() {
            "took" => chosen.sort_by_key(|line| line.took),
            "operations" => chosen.sort_by_key(|line| line.operations),
            "rate" => chosen.sort_by(|a, b| a.rate.total_cmp(&b.rate)),
            "p99" => chosen.sort_by_key(|line| line.p99),
            "database" => chosen.sort_by(|a, b| a.database.cmp(&b.database)),
            _ => chosen.sort_by(|a, b| a.started.cmp(&b.started)),
        }
        if self.order != "up" {
            chosen.reverse();
        }
        chosen
    }

    fn wants(&self, line: &RunLine, words: &[String]) -> bool {
        let is = |wanted: &str, has: &str| wanted.is_empty() || wanted == has;
        let started = digits(&line.started);
        let until = digits(&self.until);
        is(&self.verdict, line.headline.slug())
            && is(&self.workload, &line.workload)
            && (is(&self.database, &line.database)
                || line.database.strip_prefix(&self.database).is_some_and(|rest| rest.starts_with(' ')))
            && (self.fault.is_empty() || line.faults.contains(&self.fault))
            && started >= digits(&self.since)
            && (until.is_empty() || started[..started.len().min(until.len())] <= until[..])
            && (words.is_empty() || {
                let all = haystack(line);
                words.iter().all(|word| all.contains(word))
            })
    }
}

/// The digits of a time, by which times written in different ways compare.
fn digits(time: &str) -> String {
    time.chars().filter(char::is_ascii_digit).collect()
}

fn haystack(line: &RunLine) -> String {
    let parts = [
        &line.title,
        &line.folder,
        &line.database,
        &line.workload,
        &line.model,
        &line.sentence,
        &line.started,
    ];
    let mut all: Vec<&str> = parts.into_iter().map(String::as_str).collect();
    all.extend(line.faults.iter().chain(&line.anomalies).chain(&line.fingerprints).map(String::as_str));
    let seed = line.seed.to_string();
    all.push(&seed);
    all.join("\n").to_lowercase()
}

/// Every value that occurs, once, for a list to choose from.
pub(super) fn values<'a>(lines: &'a [RunLine], of: impl Fn(&'a RunLine) -> Vec<&'a str>) -> Vec<&'a str> {
    let mut values: Vec<&str> = lines.iter().flat_map(of).filter(|value| !value.is_empty()).collect();
    values.sort_unstable();
    values.dedup();
    values
}

/// The verdicts, as they are filtered by.
pub(super) const VERDICTS: [Headline; 4] =
    [Headline::Invalid, Headline::Failure, Headline::Unknown, Headline::Valid];

#[cfg(test)]
mod tests {
    use super::*;

    fn line(headline: &str, database: &str, started: &str, operations: u64) -> RunLine {
        let text = format!(
            "{{\"headline\":\"{headline}\",\"database\":\"{database}\",\"workload\":\"register\",\"started\":\"{started}\",\
             \"operations\":{operations},\"faults\":[\"kill\"],\"sentence\":\"A Stale read\"}}"
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn runs_are_searched_filtered_and_sorted() {
        let lines = [
            line("valid", "etcd 3.4", "20260101T020000.000", 30),
            line("invalid", "etcd 3.5", "20260102T020000.000", 10),
            line("valid", "postgres 17", "20260103T020000.000", 20),
        ];
        let chosen = |pairs: &[(&str, &str)]| -> Vec<u64> {
            let filter = Filter::of(pairs.iter().copied());
            filter.choose(&lines).iter().map(|line| line.operations).collect()
        };
        assert_eq!(chosen(&[]), [20, 10, 30], "newest first");
        assert_eq!(chosen(&[("sort", "operations"), ("order", "up")]), [10, 20, 30]);
        assert_eq!(chosen(&[("database", "etcd")]), [10, 30]);
        assert_eq!(chosen(&[("database", "etcd 3.5")]), [10]);
        assert_eq!(
            chosen(&[("database", "etc")]),
            [0u64; 0],
            "another database whose name begins so is another"
        );
        assert_eq!(chosen(&[("verdict", "invalid")]), [10]);
        assert_eq!(chosen(&[("fault", "pause")]), [0u64; 0]);
        assert_eq!(chosen(&[("q", "STALE postgres")]), [20]);
        assert_eq!(chosen(&[("since", "2026-01-02")]), [20, 10]);
        assert_eq!(chosen(&[("until", "2026-01-02")]), [10, 30], "the whole day");
        assert_eq!(chosen(&[("sort", "nonsense"), ("page", "x"), ("else", "y")]), [20, 10, 30]);
    }
}
