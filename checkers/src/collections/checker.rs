//! Verdicts about whole histories: each key by its monitor, or by the general engine where that does not apply.

use std::marker::PhantomData;

use history::{History, OpIndex, Operation, Vocabulary};

use super::{
    Judgement, judge,
    reading::{Collection, Part, by_key},
    sentences,
};
use crate::{
    Anomaly, Budget, Checker, DataType, Limit, Validity, Verdict,
    linearizability::{LinearizableType, merge_orders},
    parallel, subject,
};

/// Judges queues, stacks, priority queues and bags, each key by itself and in parallel: by the monitor where all elements
/// of the key are different, otherwise by the general engine with the data type `D`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Monitored<D> {
    /// How many keys without an order are described; all are counted.
    pub anomalies_max: usize,
    data_type: PhantomData<D>,
}

impl<D> Default for Monitored<D> {
    fn default() -> Self {
        Self { anomalies_max: 16, data_type: PhantomData }
    }
}

/// The bytes that one call takes while it is judged.
const CALL_BYTES: u64 = 192;

impl<D: DataType> Checker<D::Vocabulary> for Monitored<D>
where
    D::Vocabulary: Collection,
{
    fn name(&self) -> String {
        "linearizable".into()
    }

    fn check(&self, history: &History<D::Vocabulary>, budget: &Budget) -> Verdict {
        let parts = by_key(history, <D::Vocabulary as Collection>::key);
        let judged = parallel::map(parts, |(key, operations)| {
            check_part::<D>(history, Part::new(history, key, operations), budget)
        });
        together(history, judged, self.anomalies_max)
    }
}

/// One verdict out of those about each key.
pub(super) fn together<V: Vocabulary>(
    history: &History<V>,
    judged: Vec<Verdict>,
    anomalies_max: usize,
) -> Verdict {
    let mut verdict = Verdict {
        checker: "linearizable".into(),
        model: "linearizable".into(),
        operations: history.operations.len() as u64,
        ..Verdict::default()
    };
    let mut orders = Some(Vec::new());
    let mut invalid = 0usize;
    for part in judged {
        verdict.validity = verdict.validity.max(part.validity);
        invalid += usize::from(part.validity == Validity::Invalid);
        verdict.anomalies.extend(part.anomalies);
        verdict.notes.extend(part.notes);
        for limit in part.limits {
            if !verdict.limits.contains(&limit) {
                verdict.limits.push(limit);
            }
        }
        orders = orders.zip(part.certificate).map(|(mut orders, order)| {
            orders.push(order);
            orders
        });
    }
    if verdict.anomalies.len() > anomalies_max {
        verdict.anomalies.truncate(anomalies_max);
        verdict.notes.push(format!("{invalid} keys have no order; the first anomalies are described"));
    }
    if verdict.notes.len() > 2 * anomalies_max {
        let more = verdict.notes.len() - 2 * anomalies_max;
        verdict.notes.truncate(2 * anomalies_max);
        verdict.notes.push(format!("and {more} notes more about other keys"));
    }
    if verdict.validity == Validity::Valid {
        verdict.certificate = orders.map(|orders| merge_orders(history, orders));
    }
    verdict
}

/// Memory of a budget, given back at the end.
pub(super) struct Loan<'a>(&'a Budget, u64);

impl<'a> Loan<'a> {
    /// What judging so many calls takes; the limit if it is not there.
    pub fn of(budget: &'a Budget, calls: usize) -> Result<Self, Limit> {
        if calls as u64 > budget.steps_max {
            return Err(Limit::Steps(budget.steps_max));
        }
        if budget.is_expired() {
            return Err(Limit::Time);
        }
        let bytes = calls as u64 * CALL_BYTES;
        budget.take_memory(bytes)?;
        Ok(Self(budget, bytes))
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        self.0.give_memory(self.1);
    }
}

/// A verdict that a limit ended.
pub(super) fn limited(key: &history::Key, limit: Limit) -> Verdict {
    Verdict {
        validity: Validity::Unknown,
        notes: vec![format!("{}: nothing was decided: {limit}", subject::part(key))],
        limits: vec![limit],
        ..Verdict::default()
    }
}

fn check_part<D: DataType>(history: &History<D::Vocabulary>, part: Part<'_>, budget: &Budget) -> Verdict
where
    D::Vocabulary: Collection,
{
    let key = part.key;
    let mut verdict = match by_monitor(history, &part, budget) {
        Ok(verdict) => verdict,
        Err(why) => {
            let mut verdict = by_engine::<D>(history, &part.operations, &subject::part(key), budget);
            verdict
                .notes
                .insert(0, format!("{} was judged by the general engine: {why}", subject::part(key)));
            verdict
        }
    };
    if part.malformed > 0 {
        verdict.validity = verdict.validity.max(Validity::Unknown);
        verdict.notes.push(format!(
            "{}: {} answers do not belong to their calls and were judged as unknown outcomes",
            subject::part(key),
            part.malformed
        ));
    }
    verdict
}

/// The monitor's verdict, or why it has none.
fn by_monitor<V: Collection>(
    history: &History<V>,
    part: &Part<'_>,
    budget: &Budget,
) -> Result<Verdict, String> {
    if part.is_read {
        return Err("somebody listed what was inside".into());
    }
    let _loan = match Loan::of(budget, part.calls.len()) {
        Ok(loan) => loan,
        Err(limit) => return Ok(limited(part.key, limit)),
    };
    match judge(V::DISCIPLINE, &part.calls) {
        Judgement::Valid(order) => Ok(Verdict {
            certificate: Some(order.into_iter().map(|call| OpIndex(part.origin[call as usize])).collect()),
            ..Verdict::default()
        }),
        Judgement::Invalid(found) => Ok(Verdict {
            validity: Validity::Invalid,
            anomalies: vec![sentences::anomaly(history, part, &found)],
            ..Verdict::default()
        }),
        Judgement::Ambiguous(value) => {
            let twice = part.calls.iter().position(|call| call.action == super::Action::Insert(value));
            let element = twice.map(|call| sentences::element(history, part.origin[call]));
            Err(format!("{} was {} more than once", element.unwrap_or_default(), V::WORDS.put))
        }
        Judgement::Undecided(why) => Err(why.into()),
    }
}

/// The general engine's verdict about these operations of one object, which is named for people.
pub(super) fn by_engine<D: DataType>(
    history: &History<D::Vocabulary>,
    operations: &[u32],
    name: &str,
    budget: &Budget,
) -> Verdict {
    // The engine takes an operation's index for its place, so they are numbered anew, and named as before at the end.
    let renumbered = (0u32..).zip(operations).map(|(index, &place)| Operation {
        index: OpIndex(index),
        ..history.operations[place as usize].clone()
    });
    let alone = History {
        header: history.header.clone(),
        operations: renumbered.collect(),
        faults: Vec::new(),
        damage: None,
    };
    let names = operations.iter().map(|&place| OpIndex(place)).collect();
    let mut verdict = LinearizableType::<D>::new().with_names(names).check(&alone, budget);
    let rename = |index: &mut OpIndex| *index = OpIndex(operations[index.0 as usize]);
    for anomaly in &mut verdict.anomalies {
        anomaly.witness.iter_mut().for_each(rename);
        anomaly.explanation.iter_mut().for_each(|placement| rename(&mut placement.operation));
        anomaly.cycle.iter_mut().for_each(|link| {
            rename(&mut link.from);
            rename(&mut link.to);
        });
    }
    verdict.certificate.iter_mut().flatten().for_each(rename);
    for note in &mut verdict.notes {
        if let Some((_, said)) = note.split_once(": ") {
            *note = format!("{name}: {said}");
        }
    }
    verdict
}

/// What all anomalies of one key have in common.
pub(super) fn anomaly(kind: &str, sentence: String, key: &history::Key, witness: Vec<OpIndex>) -> Anomaly {
    Anomaly { kind: kind.into(), sentence, key: Some(key.clone()), witness, ..Anomaly::default() }
}
