//! Why a part has no order: the few operations that prove it, the longest order there is, and what does not fit.

use history::{History, Key, OpIndex, Operation, Outcome, Vocabulary};

use super::{
    Shortcut,
    parts::{Part, Scope},
};
use crate::{
    Anomaly, Budget, DataType, Placement,
    linearizability::{
        decision::Decision,
        search::Task,
        timeline::{NEVER, Span, Timeline},
    },
};

/// The most steps that all attempts at one witness may take together, and the most of one attempt.
const STEPS: u64 = 60_000;
const STEPS_EACH: u64 = 4_000;
/// How many operations of the longest possible order are shown before the one that does not fit.
const SHOWN: usize = 8;

/// What is known about a part that has no order, for whoever finds a better name and sentence for it.
#[derive(Debug)]
pub struct Refutation<'a, D> {
    /// The smallest key of the part; `None` where calls without a key join everything.
    pub key: Option<&'a Key>,
    /// The operation that cannot be placed.
    pub refused: OpIndex,
    /// The state in which the longest order before it ends, where one was found.
    pub state: Option<&'a D>,
    /// The few operations that prove that there is no order.
    pub witness: &'a [OpIndex],
}

/// Finds a kind and a sentence for a refutation, if it knows better ones than the general ones.
pub type Naming<D> =
    fn(&History<<D as DataType>::Vocabulary>, &Refutation<'_, D>) -> Option<(&'static str, String)>;

/// What is known of a data type besides what its calls mean.
pub(super) struct Wise<D: DataType> {
    pub naming: Option<Naming<D>>,
    pub shortcut: Option<Shortcut<D>>,
}

/// Describes why nothing passes the return of this rank.
pub(super) fn anomaly<D: DataType>(
    history: &History<D::Vocabulary>,
    part: &Part,
    reached: u32,
    wise: Wise<D>,
    budget: &Budget,
) -> Anomaly {
    let line = &part.line;
    let due = line.returns[reached as usize];
    let refused = part.judged[due as usize];
    let kept = Shrinking::<D> { history, part, budget, due, left: STEPS, shortcut: wise.shortcut }.run();
    let mut witness: Vec<OpIndex> = kept.into_iter().map(|i| part.judged[i as usize]).collect();
    witness.sort_unstable();
    let (mut placed, state) = longest::<D>(history, part, due, wise.shortcut, budget);
    let operation = &history.operations[refused.0 as usize];
    if let Some(state) = &state {
        let refusal = Some(refusal(operation, state));
        placed.push(Placement { operation: refused, state: None, refusal });
    }
    let refutation = Refutation { key: part.key.as_ref(), refused, state: state.as_ref(), witness: &witness };
    let named = wise.naming.and_then(|naming| naming(history, &refutation));
    let (kind, sentence) = named
        .unwrap_or_else(|| ("nonlinearizable", sentence(history, part, refused, &witness, state.as_ref())));
    Anomaly {
        kind: kind.into(),
        sentence,
        key: part.key.clone(),
        witness,
        explanation: placed,
        ..Anomaly::default()
    }
}

fn told<V: Vocabulary>(operation: &Operation<V>) -> String {
    let answer = operation.outcome.ok().map_or(String::new(), |returned| {
        format!(" with the answer {}", V::describe_return(&operation.call, returned))
    });
    let call = V::describe_call(&operation.call);
    format!("`{call}` by {} at {}{answer}", operation.process, operation.began)
}

fn sentence<D: DataType>(
    history: &History<D::Vocabulary>,
    part: &Part,
    refused: OpIndex,
    witness: &[OpIndex],
    state: Option<&D>,
) -> String {
    let operation = &history.operations[refused.0 as usize];
    let (told, name, count) = (told(operation), part.name(), witness.len());
    if count == 1 {
        return format!("{told} is impossible on {name}, whatever else happened");
    }
    if let Some(before) = acknowledged_before(history, refused, witness) {
        return format!(
            "{told} is impossible on {name} after {}, which had returned before it began, whatever else happened",
            self::told(before)
        );
    }
    let state = state.map_or_else(String::new, |state| {
        format!("; after the longest possible order before it the state is {}", state.describe())
    });
    format!("no order of these {count} operations on {name} explains {told}{state}")
}

/// The other operation of a witness of two, if it had returned before the one began that cannot be placed.
pub(crate) fn acknowledged_before<'a, V: Vocabulary>(
    history: &'a History<V>,
    refused: OpIndex,
    witness: &[OpIndex],
) -> Option<&'a Operation<V>> {
    let [one, two] = *witness else { return None };
    let other = if one == refused { two } else { one };
    let (other, refused) = (&history.operations[other.0 as usize], &history.operations[refused.0 as usize]);
    other.deadline().is_some_and(|end| end < refused.began).then_some(other)
}

fn refusal<D: DataType>(operation: &Operation<D::Vocabulary>, state: &D) -> String {
    let mut allowed = Vec::new();
    state.step(&operation.call, operation.outcome.ok(), &mut allowed);
    let answer = operation.outcome.ok().map_or_else(
        || "it took effect".into(),
        |returned| format!("it returned {}", D::Vocabulary::describe_return(&operation.call, returned)),
    );
    if allowed.is_empty() {
        format!("{answer}, but the state is {}", state.describe())
    } else {
        format!("{answer}, which fits the state {} but not what was under way then", state.describe())
    }
}

/// A task over some operations. What returns at the cut or later is unknown by then.
fn cut(part: &Part, whole: &Task, chosen: &[u32], now: u32, waived: impl Fn(u32) -> bool) -> Task {
    let line = &part.line;
    let spans: Vec<Span> = chosen
        .iter()
        .map(|&i| {
            let ret = line.ret[i as usize];
            let open = ret > now || ret == NEVER;
            let deadline = if open { None } else { Some(u64::from(ret)) };
            Span { began: u64::from(line.call[i as usize]), deadline, optional: open }
        })
        .collect();
    Task {
        line: Timeline::new(&spans),
        classes: chosen.iter().map(|&i| whole.classes[i as usize]).collect(),
        keys: chosen.iter().map(|&i| whole.keys[i as usize].clone()).collect(),
        waived: chosen.iter().map(|&i| waived(i)).collect(),
        observes: chosen.iter().map(|&i| whole.observes[i as usize]).collect(),
    }
}

/// An order of everything before the return.
fn order_before<D: DataType>(
    history: &History<D::Vocabulary>,
    part: &Part,
    due: u32,
    shortcut: Option<Shortcut<D>>,
    budget: &Budget,
) -> Option<Vec<OpIndex>> {
    let line = &part.line;
    let now = line.ret[due as usize];
    let scope = Scope { cut: now, kept: None };
    if let Some((decision, judged)) = shortcut.and_then(|shortcut| shortcut(history, part, &scope, budget)) {
        let Decision::Valid(order) = decision else { return None };
        return Some(order.into_iter().map(|i| judged[i as usize]).collect());
    }
    let whole = part.task(history);
    let mut before: Vec<u32> = line.calls.clone();
    before.retain(|&i| {
        let open = line.ret[i as usize] >= now;
        line.call[i as usize] < now && !(open && whole.observes[i as usize])
    });
    let task = cut(part, whole, &before, now - 1, |_| false);
    let Decision::Valid(order) = part.decide::<D>(history, &task, Some(&before), budget) else { return None };
    Some(order.into_iter().map(|i| part.judged[before[i as usize] as usize]).collect())
}

/// The end of an order of everything before the return, with the state after each operation, and the last state.
fn longest<D: DataType>(
    history: &History<D::Vocabulary>,
    part: &Part,
    due: u32,
    shortcut: Option<Shortcut<D>>,
    budget: &Budget,
) -> (Vec<Placement>, Option<D>) {
    let Some(order) = order_before::<D>(history, part, due, shortcut, &budget.at_most(STEPS)) else {
        return (Vec::new(), None);
    };
    // An operation that leads to several states leads to one from which the rest can follow.
    let mut layers: Vec<Vec<(D, usize)>> = vec![vec![(D::initial(&history.header.initial), 0)]];
    let mut next = Vec::new();
    for index in &order {
        let operation = &history.operations[index.0 as usize];
        let mut layer: Vec<(D, usize)> = Vec::new();
        for (from, (state, _)) in layers[layers.len() - 1].iter().enumerate() {
            state.step(&operation.call, operation.outcome.ok(), &mut next);
            for state in next.drain(..) {
                if layer.iter().all(|(known, _)| *known != state) {
                    layer.push((state, from));
                }
            }
        }
        layers.push(layer);
    }
    let mut states = Vec::with_capacity(layers.len());
    let mut at = 0;
    for layer in layers.iter().rev() {
        let Some((state, from)) = layer.get(at) else { return (Vec::new(), None) };
        states.push(state);
        at = *from;
    }
    states.reverse();
    let begin = order.len().saturating_sub(SHOWN);
    let placed = order[begin..].iter().zip(&states[begin + 1..]).map(|(&operation, state)| Placement {
        operation,
        state: Some(state.describe()),
        refusal: None,
    });
    (placed.collect(), states.last().map(|&state| state.clone()))
}

/// Nothing that is dropped may invent a contradiction: a read that is dropped is gone, and any other call that is
/// dropped may have taken effect while it was under way, or never.
struct Shrinking<'a, D: DataType> {
    history: &'a History<D::Vocabulary>,
    part: &'a Part,
    budget: &'a Budget,
    due: u32,
    left: u64,
    shortcut: Option<Shortcut<D>>,
}

impl<D: DataType> Shrinking<'_, D> {
    /// The operations that are left when nothing more can be dropped within the attempts.
    fn run(&mut self) -> Vec<u32> {
        let line = &self.part.line;
        let now = line.ret[self.due as usize];
        let mut prefix: Vec<u32> = line.calls.clone();
        // What had no answer yet when the return was due proves nothing by being kept, and may happen either way.
        prefix.retain(|&i| line.call[i as usize] < now && (line.ret[i as usize] <= now));
        let mut kept = prefix.clone();
        let mut size = 1;
        while size < prefix.len() && self.left > 0 {
            let candidate = prefix[prefix.len() - size..].to_vec();
            let candidate = self.with_due(candidate);
            if self.proves(&candidate) {
                kept = candidate;
                break;
            }
            size *= 2;
        }
        let mut chunk = kept.len().div_ceil(2);
        while chunk > 0 {
            let mut begin = 0;
            while begin < kept.len() && self.left > 0 {
                let end = (begin + chunk).min(kept.len());
                let candidate: Vec<u32> = kept[..begin].iter().chain(&kept[end..]).copied().collect();
                if self.proves(&candidate) {
                    kept = candidate;
                } else {
                    begin = end;
                }
            }
            chunk /= 2;
        }
        kept
    }

    fn with_due(&self, mut candidate: Vec<u32>) -> Vec<u32> {
        if !candidate.contains(&self.due) {
            candidate.push(self.due);
        }
        candidate
    }

    /// Whether these alone have no order. An undecided attempt proves nothing.
    fn proves(&mut self, kept: &[u32]) -> bool {
        if self.left == 0 || kept.is_empty() || self.budget.is_expired() {
            return false;
        }
        let line = &self.part.line;
        let now = line.ret[self.due as usize];
        let mut is_kept = vec![false; line.call.len()];
        kept.iter().for_each(|&i| is_kept[i as usize] = true);
        let allowed = self.left.min(STEPS_EACH);
        let budget = self.budget.at_most(allowed);
        let scope = Scope { cut: now + 1, kept: Some(&is_kept) };
        let short = self.shortcut.and_then(|shortcut| shortcut(self.history, self.part, &scope, &budget));
        let (decision, size) = match short {
            Some((decision, judged)) => (decision, judged.len()),
            None => self.decide_generally(now, &is_kept, &budget),
        };
        // A decided attempt took at least one step for each return that it passed.
        let taken = match decision {
            Decision::Unknown { .. } => allowed,
            _ => size as u64 + 1,
        };
        self.left = self.left.saturating_sub(taken);
        matches!(decision, Decision::Invalid { .. })
    }

    /// Whether what is kept has an order together with what may have happened besides, and how much that is.
    fn decide_generally(&self, now: u32, is_kept: &[bool], budget: &Budget) -> (Decision, usize) {
        let (line, whole) = (&self.part.line, self.part.task(self.history));
        let mut chosen: Vec<u32> = line.calls.clone();
        chosen
            .retain(|&i| line.call[i as usize] < now && (is_kept[i as usize] || !whole.observes[i as usize]));
        let task = cut(self.part, whole, &chosen, now, |i| !is_kept[i as usize]);
        (self.part.decide::<D>(self.history, &task, Some(&chosen), budget), chosen.len())
    }
}

/// How many operations were under way at a time at most, and how many had no outcome.
pub(super) fn difficulty<V: Vocabulary>(history: &History<V>, part: &Part) -> (usize, usize) {
    let unknown = part
        .judged
        .iter()
        .filter(|index| matches!(history.operations[index.0 as usize].outcome, Outcome::Unknown(_)))
        .count();
    (part.line.width(), unknown)
}
