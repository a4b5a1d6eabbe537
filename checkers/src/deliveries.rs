//! Queues of which no order is promised: what was put in comes out so and so often, and nothing else does.
//!
//! An element counts as lost only where the queue was found empty when everything else was over, and no dequeue of unknown
//! outcome can have taken it: each of those can have taken one.

use std::collections::BTreeMap;

use history::{
    History, Key, Nanos, Operation, Outcome, Queue, Value,
    vocabulary::queue::{Call, Return},
};

use crate::{
    Anomaly, Budget, Checker, Family, Ladder, Rung, Verdict,
    key_by_key::{Judged, anomaly, judge_keys},
    subject::named,
};

/// How often an element comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Once.
    ExactlyOnce,
    /// Once or more often.
    AtLeastOnce,
    /// Once or not at all.
    AtMostOnce,
}

impl Delivery {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::ExactlyOnce, Self::AtLeastOnce, Self::AtMostOnce];

    /// Its name in `--model`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ExactlyOnce => "exactly-once",
            Self::AtLeastOnce => "at-least-once",
            Self::AtMostOnce => "at-most-once",
        }
    }

    /// The one with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|delivery| delivery.name() == name)
    }
}

/// Judges queues by how often elements come out, in whatever order.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Deliveries {
    /// How often they do.
    pub delivery: Delivery,
    /// How many anomalies of a kind are described; all are counted.
    pub anomalies_max: usize,
}

impl Deliveries {
    /// A checker of this promise.
    pub fn new(delivery: Delivery) -> Self {
        Self { delivery, anomalies_max: 16 }
    }
}

/// What is known of one element.
#[derive(Default)]
struct Element<'a> {
    /// The calls that put it in and may have done so.
    put: Vec<&'a Operation<Queue>>,
    /// One that certainly did not.
    refused: Option<&'a Operation<Queue>>,
    /// The calls that it came out of.
    taken: Vec<&'a Operation<Queue>>,
}

/// What is known of one queue.
#[derive(Default)]
struct Part<'a> {
    elements: BTreeMap<&'a Value, Element<'a>>,
    /// The latest call that found it empty.
    empty: Option<&'a Operation<Queue>>,
    /// When the last call had ended that is no such call and did not end unknown.
    over: Nanos,
    /// How many dequeues may have taken something, and nobody knows what.
    doubtful: usize,
}

/// What is weaker than a linearizable queue.
pub(crate) fn weaker() -> Ladder<Queue> {
    below("linearizable", &[Delivery::AtMostOnce, Delivery::AtLeastOnce, Delivery::ExactlyOnce])
}

fn below(top: &'static str, deliveries: &[Delivery]) -> Ladder<Queue> {
    let rung = |&delivery: &Delivery| -> Rung<Queue> {
        Rung { name: delivery.name(), checker: Box::new(Deliveries::new(delivery)) }
    };
    let implies: fn(&str, &str) -> bool = |strong, weak| {
        strong == "linearizable" && weak != strong
            || strong == Delivery::ExactlyOnce.name() && weak.starts_with("at-")
    };
    Ladder { top, family: Family::Other, rungs: deliveries.iter().map(rung).collect(), implies }
}

impl Checker<Queue> for Deliveries {
    fn name(&self) -> String {
        self.delivery.name().into()
    }

    fn weaker(&self) -> Option<Ladder<Queue>> {
        let exactly = self.delivery == Delivery::ExactlyOnce;
        exactly.then(|| below(self.delivery.name(), &[Delivery::AtMostOnce, Delivery::AtLeastOnce]))
    }

    fn check(&self, history: &History<Queue>, budget: &Budget) -> Verdict {
        let (parts, limits) = (gather(history), (budget, self.anomalies_max));
        judge_keys(&self.name(), history.operations.len(), &parts, limits, |key, part| self.judge(key, part))
    }
}

fn gather(history: &History<Queue>) -> BTreeMap<&Key, Part<'_>> {
    let mut parts: BTreeMap<&Key, Part<'_>> = BTreeMap::new();
    for operation in &history.operations {
        let part = parts.entry(operation.call.key()).or_default();
        match (&operation.call, &operation.outcome) {
            (Call::Enqueue(_, value), Outcome::Fail(_)) => {
                part.elements.entry(value).or_default().refused = Some(operation);
            }
            (Call::Enqueue(_, value), _) => part.elements.entry(value).or_default().put.push(operation),
            (Call::Dequeue(_), Outcome::Ok(Return::Dequeued(value))) => {
                part.elements.entry(value).or_default().taken.push(operation);
            }
            (Call::Dequeue(_), Outcome::Ok(Return::Empty)) => {
                let is_later = |known: &Operation<Queue>| known.began < operation.began;
                if part.empty.is_none_or(is_later) {
                    part.empty = Some(operation);
                }
                continue;
            }
            // An answer that does not belong to its call says as little as none.
            (Call::Dequeue(_), Outcome::Ok(Return::Enqueued) | Outcome::Unknown(_)) => part.doubtful += 1,
            (Call::Dequeue(_), Outcome::Fail(_)) => {}
        }
        if let (Some(deadline), Some(_)) = (operation.deadline(), operation.ended) {
            part.over = part.over.max(deadline);
        }
    }
    parts
}

impl Deliveries {
    /// What is wrong with a queue, and what could not be told of it.
    fn judge(&self, key: &Key, part: &Part<'_>) -> Judged {
        let (mut found, mut missing) = (Vec::new(), Vec::new());
        for (value, element) in &part.elements {
            found.extend(from_nowhere(key, value, element));
            let is_unique = element.put.len() + usize::from(element.refused.is_some()) <= 1;
            if self.delivery != Delivery::AtLeastOnce && is_unique {
                found.extend(again(key, value, element));
            }
            let acknowledged = element.put.iter().find(|put| put.outcome.ok().is_some());
            if let (Some(put), true) = (acknowledged, element.taken.is_empty()) {
                missing.push((*value, *put));
            }
        }
        if self.delivery == Delivery::AtMostOnce || missing.is_empty() {
            return (found, None);
        }
        let Some(empty) = part.empty.filter(|empty| empty.began > part.over) else {
            let queue = named(key, "the queue");
            let note = format!(
                "{} elements never came out of {queue}, which was not found empty when all else was over: they may be in it",
                missing.len()
            );
            return (found, Some(note));
        };
        if missing.len() > part.doubtful {
            found.extend(lost(key, &missing, empty, part.doubtful, self.anomalies_max));
        }
        (found, None)
    }
}

/// An element that came out before anybody can have put it in.
fn from_nowhere(key: &Key, value: &Value, element: &Element<'_>) -> Option<Anomaly> {
    let possible = |taken: &Operation<Queue>| {
        element.put.iter().any(|put| taken.ended.is_none_or(|ended| put.began <= ended))
    };
    let taken = element.taken.iter().find(|taken| !possible(taken))?;
    let other = element.put.first().copied().or(element.refused);
    let why = match (element.put.first(), element.refused) {
        (Some(put), _) => format!("which {} began to put in only at {}", put.process, put.began),
        (None, Some(refused)) => {
            format!("which {} was certainly refused at {}", refused.process, refused.began)
        }
        (None, None) => "which nobody ever put in".into(),
    };
    Some(anomaly(
        "element-from-nowhere",
        key,
        format!(
            "{} took {value} out of {} at {}, {why}",
            taken.process,
            named(key, "the queue"),
            taken.began
        ),
        other.into_iter().chain([*taken]),
    ))
}

/// An element that came out more often than it was put in.
fn again(key: &Key, value: &Value, element: &Element<'_>) -> Option<Anomaly> {
    let [first, second, ..] = element.taken[..] else { return None };
    let queue = named(key, "the queue");
    let times = match element.taken.len() {
        2 => String::new(),
        times => format!(", {times} times in all"),
    };
    Some(anomaly(
        "duplicate-delivery",
        key,
        format!(
            "{value} was put into {queue} once, and came out to {} at {} and again to {} at {}{times}",
            first.process, first.began, second.process, second.began
        ),
        element.put.iter().copied().chain([first, second]),
    ))
}

/// Elements that were acknowledged and are nowhere.
fn lost<'a>(
    key: &Key,
    missing: &[(&Value, &'a Operation<Queue>)],
    empty: &'a Operation<Queue>,
    doubtful: usize,
    most: usize,
) -> Vec<Anomaly> {
    let queue = named(key, "the queue");
    if doubtful == 0 {
        let one = |(value, put): &(&Value, &'a Operation<Queue>)| {
            let sentence = format!(
                "{value}, which {} put into {queue} at {}, was acknowledged and never came out, and the queue was empty at {}",
                put.process, put.began, empty.began
            );
            anomaly("lost-element", key, sentence, [*put, empty])
        };
        return missing.iter().map(one).collect();
    }
    let sentence = format!(
        "{} elements that were acknowledged never came out of {queue}, which was empty at {}, and only {doubtful} dequeues of \
         unknown outcome can have taken one each: at least {} were lost",
        missing.len(),
        empty.began,
        missing.len() - doubtful
    );
    let shown = missing.iter().map(|(_, put)| *put).take(most.max(doubtful + 1));
    vec![anomaly("lost-element", key, sentence, shown.chain([empty]))]
}

#[cfg(test)]
mod tests {
    use history::{Header, NodeId, OpIndex, Process, Vocabulary as _};

    use super::*;
    use crate::Validity;

    fn put(value: i64) -> (Call, Outcome<Return>) {
        (Call::Enqueue(Key::from("q"), Value::Int(value)), Outcome::Ok(Return::Enqueued))
    }

    fn take(returned: Return) -> (Call, Outcome<Return>) {
        (Call::Dequeue(Key::from("q")), Outcome::Ok(returned))
    }

    fn taken(value: i64) -> (Call, Outcome<Return>) {
        take(Return::Dequeued(Value::Int(value)))
    }

    fn doubtful(call: Call) -> (Call, Outcome<Return>) {
        (call, Outcome::Unknown("nobody knows".into()))
    }

    /// The kinds of what is found, call after call, each in a session of its own.
    fn found(delivery: Delivery, calls: Vec<(Call, Outcome<Return>)>) -> (Validity, Vec<String>) {
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
            History { header: Header::new(Queue::NAME), operations, faults: Vec::new(), damage: None };
        let verdict = Deliveries::new(delivery).check(&history, &Budget::default());
        (verdict.validity, verdict.anomalies.into_iter().map(|anomaly| anomaly.kind).collect())
    }

    fn is(delivery: Delivery, calls: Vec<(Call, Outcome<Return>)>, kind: &str) {
        assert_eq!(found(delivery, calls), (Validity::Invalid, vec![kind.to_owned()]), "{delivery:?}");
    }

    #[test]
    fn order_does_not_matter_and_how_often_does() {
        let twice = || vec![put(1), put(2), taken(2), taken(1), taken(2), take(Return::Empty)];
        assert_eq!(found(Delivery::AtLeastOnce, twice()), (Validity::Valid, vec![]));
        is(Delivery::ExactlyOnce, twice(), "duplicate-delivery");
        is(Delivery::AtMostOnce, twice(), "duplicate-delivery");
        let gone = || vec![put(1), put(2), taken(2), take(Return::Empty)];
        assert_eq!(found(Delivery::AtMostOnce, gone()), (Validity::Valid, vec![]));
        is(Delivery::ExactlyOnce, gone(), "lost-element");
        is(Delivery::AtLeastOnce, gone(), "lost-element");
    }

    #[test]
    fn an_element_that_nobody_put_in_or_only_later_is_from_nowhere() {
        for delivery in Delivery::ALL {
            is(delivery, vec![taken(7)], "element-from-nowhere");
            is(delivery, vec![taken(7), put(7), take(Return::Empty)], "element-from-nowhere");
            let (call, _) = put(7);
            let refused = (call, Outcome::Fail("refused".into()));
            is(delivery, vec![refused, taken(7)], "element-from-nowhere");
        }
    }

    #[test]
    fn what_a_dequeue_of_unknown_outcome_may_have_taken_is_not_lost() {
        let unknown = || doubtful(Call::Dequeue(Key::from("q")));
        let one = vec![put(1), unknown(), take(Return::Empty)];
        assert_eq!(found(Delivery::AtLeastOnce, one), (Validity::Valid, vec![]));
        is(Delivery::AtLeastOnce, vec![put(1), put(2), unknown(), take(Return::Empty)], "lost-element");
        // Nobody knows that it was put in.
        let (call, _) = put(1);
        assert_eq!(
            found(Delivery::ExactlyOnce, vec![doubtful(call), take(Return::Empty)]).0,
            Validity::Valid
        );
    }

    #[test]
    fn a_queue_that_was_not_found_empty_at_the_end_may_still_have_it() {
        let calls = || vec![put(1), take(Return::Empty), put(2), taken(2)];
        assert_eq!(found(Delivery::AtLeastOnce, calls()).0, Validity::Unknown);
        assert_eq!(found(Delivery::ExactlyOnce, vec![put(1)]).0, Validity::Unknown);
    }
}
