//! Logs as their consumers see them: every acknowledged entry is at one place, for all, for ever.
//!
//! This is weaker than linearizability: a read may be late, and an entry of unknown outcome may come later. What a reader sees at
//! a place is what everybody sees there.

use std::collections::BTreeMap;

use history::{
    History, Key, Nanos, Operation, Outcome, Value,
    vocabulary::{
        Log,
        log::{Call, Return},
    },
};

use crate::{
    Anomaly, Budget, Checker, Family, Ladder, Rung, Verdict,
    key_by_key::{Judged, anomaly, judge_keys},
    subject::named,
};

/// The name of the promise.
pub const ORDERED_LOG: &str = "ordered-log";

/// Judges logs by what stands where in them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OrderedLog {
    /// How many anomalies of a kind are described; all are counted.
    pub anomalies_max: usize,
}

impl Default for OrderedLog {
    fn default() -> Self {
        Self { anomalies_max: 16 }
    }
}

/// What is known of an entry.
#[derive(Default)]
struct Entry<'a> {
    /// The calls that appended it, or may have.
    appended: Vec<&'a Operation<Log>>,
    /// One that certainly did not.
    refused: Option<&'a Operation<Log>>,
    /// Where it was seen, each place with the call that showed it first.
    places: Vec<(u64, &'a Operation<Log>)>,
    /// The first read that showed it.
    read: Option<&'a Operation<Log>>,
    /// When the latest read had ended that showed it.
    seen: Option<Nanos>,
}

/// What is known of a log.
#[derive(Default)]
struct Part<'a> {
    entries: BTreeMap<&'a Value, Entry<'a>>,
    /// What was seen at each place, first by whom.
    places: BTreeMap<u64, Vec<(&'a Value, &'a Operation<Log>)>>,
    /// The read from the beginning to the end that began last.
    whole: Option<&'a Operation<Log>>,
}

impl<'a> Part<'a> {
    fn note(&mut self, place: u64, value: &'a Value, operation: &'a Operation<Log>) {
        let there = self.places.entry(place).or_default();
        if !there.iter().any(|(known, _)| *known == value) {
            there.push((value, operation));
        }
        let places = &mut self.entries.entry(value).or_default().places;
        if !places.iter().any(|(known, _)| *known == place) {
            places.push((place, operation));
        }
    }
}

/// What is weaker than a linearizable log.
pub(crate) fn weaker() -> Ladder<Log> {
    Ladder {
        top: "linearizable",
        family: Family::Other,
        rungs: vec![Rung { name: ORDERED_LOG, checker: Box::new(OrderedLog::default()) }],
        implies: |strong, weak| (strong, weak) == ("linearizable", ORDERED_LOG),
    }
}

impl Checker<Log> for OrderedLog {
    fn name(&self) -> String {
        ORDERED_LOG.into()
    }

    fn check(&self, history: &History<Log>, budget: &Budget) -> Verdict {
        let (parts, limits) = (gather(history), (budget, self.anomalies_max));
        judge_keys(&self.name(), history.operations.len(), &parts, limits, |key, part| judge(key, part))
    }
}

fn gather(history: &History<Log>) -> BTreeMap<&Key, Part<'_>> {
    let mut parts: BTreeMap<&Key, Part<'_>> = BTreeMap::new();
    for operation in &history.operations {
        let part = parts.entry(operation.call.key()).or_default();
        match (&operation.call, &operation.outcome) {
            (Call::Append(_, value), Outcome::Fail(_)) => {
                part.entries.entry(value).or_default().refused = Some(operation);
            }
            (Call::Append(_, value), outcome) => {
                part.entries.entry(value).or_default().appended.push(operation);
                if let Outcome::Ok(Return::Appended(Some(place))) = outcome {
                    part.note(*place, value, operation);
                }
            }
            (Call::Read(_, from) | Call::Poll(_, from), Outcome::Ok(Return::Entries(entries))) => {
                for (place, value) in (*from..).zip(entries.iter()) {
                    part.note(place, value, operation);
                    let entry = part.entries.entry(value).or_default();
                    entry.read.get_or_insert(operation);
                    entry.seen = entry.seen.max(operation.ended);
                }
                let is_whole = matches!(operation.call, Call::Read(_, 0));
                if is_whole && part.whole.is_none_or(|known| known.began < operation.began) {
                    part.whole = Some(operation);
                }
            }
            _ => {}
        }
    }
    parts
}

/// What is wrong with a log, and what could not be told of it.
fn judge(key: &Key, part: &Part<'_>) -> Judged {
    let (mut found, log) = (Vec::new(), named(key, "the log"));
    for (place, there) in &part.places {
        if let [(first, one), (second, other), ..] = there[..] {
            let sentence = format!(
                "place {place} of {log} holds {first} for {} at {}, and {second} for {} at {}",
                one.process, one.began, other.process, other.began
            );
            found.push(anomaly("inconsistent-offset", key, sentence, [one, other]));
        }
    }
    let mut unread = 0;
    for (value, entry) in &part.entries {
        found.extend(from_nowhere(key, value, entry));
        found.extend(duplicate(key, value, entry));
        match lost(key, value, entry, part.whole) {
            Fate::There => {}
            Fate::Unread => unread += 1,
            Fate::Lost(anomaly) => found.push(anomaly),
        }
    }
    found.extend(backwards(key, part));
    let note = (unread > 0).then(|| {
        format!("{unread} acknowledged entries of {log} were not looked for by any read of the whole log after them")
    });
    (found, note)
}

/// An entry that was read before anybody can have appended it.
fn from_nowhere(key: &Key, value: &Value, entry: &Entry<'_>) -> Option<Anomaly> {
    let read = entry.read?;
    if entry.appended.iter().any(|append| read.ended.is_none_or(|ended| append.began <= ended)) {
        return None;
    }
    let (kind, why) = match (entry.refused, entry.appended.first()) {
        (Some(refused), None) => {
            let when = refused.began;
            ("aborted-entry", format!("whose append by {} at {when} had certainly failed", refused.process))
        }
        (_, Some(append)) => (
            "entry-from-nowhere",
            format!("which {} began to append only at {}", append.process, append.began),
        ),
        (None, None) => ("entry-from-nowhere", "which nobody ever appended".into()),
    };
    let other = entry.appended.first().copied().or(entry.refused);
    let sentence =
        format!("{} read {value} in {} at {}, {why}", read.process, named(key, "the log"), read.began);
    Some(anomaly(kind, key, sentence, other.into_iter().chain([read])))
}

/// An entry that was appended once and is at two places.
fn duplicate(key: &Key, value: &Value, entry: &Entry<'_>) -> Option<Anomaly> {
    let [(first, one), (second, other), ..] = entry.places[..] else { return None };
    if entry.appended.len() + usize::from(entry.refused.is_some()) > 1 {
        return None;
    }
    let log = named(key, "the log");
    let sentence = format!(
        "{value} was appended to {log} once, and is at place {first} for {} at {} and at place {second} for {} at {}",
        one.process, one.began, other.process, other.began
    );
    Some(anomaly("duplicate-entry", key, sentence, entry.appended.iter().copied().chain([one, other])))
}

/// What became of an entry.
enum Fate {
    /// It is there, or nobody knows that it should be.
    There,
    /// Nobody looked for it.
    Unread,
    /// It is gone.
    Lost(Anomaly),
}

/// An acknowledged entry is lost where the last read of the whole log does not have it, and no read beside or after that does.
fn lost(key: &Key, value: &Value, entry: &Entry<'_>, whole: Option<&Operation<Log>>) -> Fate {
    let Some(append) = entry.appended.iter().find(|append| append.outcome.ok().is_some()) else {
        return Fate::There;
    };
    let Some(ended) = append.ended else { return Fate::There };
    let Some(whole) = whole.filter(|whole| whole.began > ended) else {
        return if entry.read.is_some() { Fate::There } else { Fate::Unread };
    };
    if entry.seen.is_some_and(|seen| seen >= whole.began) {
        return Fate::There;
    }
    let before = match entry.read {
        Some(read) => format!(", and {} read it at {}", read.process, read.began),
        None => ", and nobody ever read it".into(),
    };
    let log = named(key, "the log");
    let sentence = format!(
        "{value}, which {} appended to {log} at {}, was acknowledged{before}, and the whole log that {} read at {} does not have it",
        append.process, append.began, whole.process, whole.began
    );
    Fate::Lost(anomaly("lost-entry", key, sentence, [*append].into_iter().chain(entry.read).chain([whole])))
}

/// Appends of which the later one was told the earlier place.
fn backwards(key: &Key, part: &Part<'_>) -> Vec<Anomaly> {
    let log = named(key, "the log");
    let mut told: Vec<(u64, &Operation<Log>)> = Vec::new();
    for operation in part.entries.values().flat_map(|entry| &entry.appended) {
        if let Outcome::Ok(Return::Appended(Some(place))) = &operation.outcome {
            told.push((*place, operation));
        }
    }
    told.sort_by_key(|(_, operation)| (operation.began, operation.index));
    let mut ends: Vec<_> = told.iter().filter_map(|(place, one)| Some((one.ended?, *place, *one))).collect();
    ends.sort_by_key(|(ended, _, operation)| (*ended, operation.index));
    let (mut ends, mut highest) = (ends.into_iter().peekable(), None::<(u64, &Operation<Log>)>);
    let mut found = Vec::new();
    for (place, later) in told {
        while let Some((_, earlier_place, earlier)) = ends.next_if(|(ended, _, _)| *ended < later.began) {
            if highest.is_none_or(|(highest, _)| highest < earlier_place) {
                highest = Some((earlier_place, earlier));
            }
        }
        if let Some((high, earlier)) = highest.filter(|(high, _)| *high > place) {
            let sentence = format!(
                "{} was told place {high} of {log} for what it appended at {}, and {}, which began to append after that at {}, \
                 the earlier place {place}",
                earlier.process, earlier.began, later.process, later.began
            );
            found.push(anomaly("non-monotonic-offset", key, sentence, [earlier, later]));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use history::{Header, NodeId, OpIndex, Process, Vocabulary as _};

    use super::*;
    use crate::Validity;

    fn append(value: i64, place: Option<u64>) -> (Call, Outcome<Return>) {
        (Call::Append(Key::from("l"), Value::Int(value)), Outcome::Ok(Return::Appended(place)))
    }

    fn entries(values: &[i64]) -> Outcome<Return> {
        Outcome::Ok(Return::Entries(values.iter().map(|&value| Value::Int(value)).collect::<Vec<_>>().into()))
    }

    fn read(values: &[i64]) -> (Call, Outcome<Return>) {
        (Call::Read(Key::from("l"), 0), entries(values))
    }

    fn poll(from: u64, values: &[i64]) -> (Call, Outcome<Return>) {
        (Call::Poll(Key::from("l"), from), entries(values))
    }

    fn found(calls: Vec<(Call, Outcome<Return>)>) -> (Validity, Vec<String>) {
        let operation = |(index, (call, outcome)): (usize, (Call, Outcome<Return>))| Operation {
            index: OpIndex(index as u32),
            process: Process(index as u32),
            node: NodeId(0),
            call,
            outcome,
            began: Nanos(index as u64 * 10),
            ended: Some(Nanos(index as u64 * 10 + 5)),
        };
        let operations = calls.into_iter().enumerate().map(operation).collect();
        let history =
            History { header: Header::new(Log::NAME), operations, faults: Vec::new(), damage: None };
        let verdict = OrderedLog::default().check(&history, &Budget::default());
        (verdict.validity, verdict.anomalies.into_iter().map(|anomaly| anomaly.kind).collect())
    }

    fn is(calls: Vec<(Call, Outcome<Return>)>, kinds: &[&str]) {
        let expected = if kinds.is_empty() { Validity::Valid } else { Validity::Invalid };
        assert_eq!(found(calls), (expected, kinds.iter().map(|&kind| kind.to_owned()).collect()));
    }

    #[test]
    fn a_log_that_keeps_everything_in_its_place_is_right_also_where_reads_are_late() {
        is(vec![append(1, Some(0)), append(2, Some(1)), poll(0, &[1]), poll(1, &[]), read(&[1, 2])], &[]);
        // A late read, and later one that is not.
        is(vec![append(1, None), read(&[]), read(&[1])], &[]);
    }

    #[test]
    fn what_is_gone_twice_or_elsewhere_is_found() {
        is(vec![append(1, None), append(2, None), read(&[2])], &["lost-entry"]);
        is(vec![append(1, Some(0)), poll(0, &[1]), read(&[])], &["lost-entry"]);
        is(vec![append(1, None), read(&[1, 1])], &["duplicate-entry"]);
        // 1 is first for one reader, and 2 for the other.
        let two = vec![append(1, None), append(2, None), poll(0, &[1]), poll(0, &[2, 1])];
        is(two, &["inconsistent-offset", "duplicate-entry"]);
    }

    #[test]
    fn entries_that_nobody_appended_or_that_were_refused_are_found() {
        is(vec![read(&[7])], &["entry-from-nowhere"]);
        is(vec![read(&[7]), append(7, None), read(&[7])], &["entry-from-nowhere"]);
        let refused = (Call::Append(Key::from("l"), Value::Int(7)), Outcome::Fail("refused".into()));
        is(vec![refused, read(&[7])], &["aborted-entry"]);
    }

    #[test]
    fn a_later_append_is_not_told_an_earlier_place() {
        is(
            vec![append(1, Some(4)), append(2, Some(3)), poll(3, &[2, 1]), read(&[])],
            &["lost-entry", "lost-entry", "non-monotonic-offset"],
        );
    }

    #[test]
    fn an_entry_that_nobody_looked_for_is_not_known_to_be_there() {
        assert_eq!(found(vec![append(1, Some(0)), poll(0, &[])]).0, Validity::Unknown);
        is(vec![append(1, Some(0)), poll(0, &[1])], &[]);
    }
}
