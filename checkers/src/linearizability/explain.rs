//! What is wrong with a key, by name and in one sentence.

use history::{
    History, OpIndex, Operation, Outcome, Value, Vocabulary,
    vocabulary::{Register, register::Call},
};

use super::{
    decision::Decision,
    register::{Action, Part, Problem},
    shrink,
    timeline::Timeline,
};
use crate::{Anomaly, Budget, Placement};

/// How many operations of the longest possible order are shown before the one that does not fit.
const SHOWN: usize = 8;
/// The most steps that the search for the longest possible order may take.
const STEPS: u64 = 2_000_000;

/// Describes why nothing passes the return of this rank.
pub(super) fn anomaly(history: &History<Register>, part: &Part, reached: u32, budget: &Budget) -> Anomaly {
    let line = Timeline::new(&part.problem.spans);
    let due = line.returns[reached as usize] as usize;
    let now = line.ret[due];
    // Where no small proof is found, everything up to the operation that does not fit is one.
    let proof = shrink::shrink(&part.problem, &line, reached, budget).unwrap_or_else(|| {
        line.calls.iter().copied().filter(|&action| line.call[action as usize] < now).collect()
    });
    let mut witness: Vec<OpIndex> = proof.iter().map(|&action| part.origin[action as usize]).collect();
    witness.sort_unstable();
    let (kind, sentence) = name(history, part, &line, due, witness.len());
    let explanation = longest(part, &line, due, &part.values(history), budget);
    Anomaly {
        kind: kind.into(),
        sentence,
        key: Some(part.key.clone()),
        witness,
        explanation,
        ..Anomaly::default()
    }
}

/// The end of an order of everything before the return, and the operation that does not fit after it.
fn longest(part: &Part, line: &Timeline, due: usize, values: &[&Value], budget: &Budget) -> Vec<Placement> {
    let problem = &part.problem;
    let now = line.ret[due];
    let mut before = Problem { values: problem.values, ..Problem::default() };
    let mut origin = Vec::new();
    for (i, (&action, &span)) in problem.actions.iter().zip(&problem.spans).enumerate() {
        let pending = line.ret[i] >= now;
        if line.call[i] < now && !(pending && action.makes().is_none()) {
            before.actions.push(action);
            let deadline = if pending { None } else { span.deadline };
            before.spans.push(super::timeline::Span { deadline, optional: pending, ..span });
            origin.push(i);
        }
    }
    let Decision::Valid(order) = before.decide(&budget.at_most(STEPS)) else { return Vec::new() };
    let (mut state, mut placed) = (0, Vec::with_capacity(order.len() + 1));
    for action in order {
        state = before.actions[action as usize].apply(state).unwrap_or(state);
        placed.push(Placement {
            operation: part.origin[origin[action as usize]],
            state: Some(values[state as usize].to_string()),
            refusal: None,
        });
    }
    placed.drain(..placed.len().saturating_sub(SHOWN));
    let value = |number: u32| values[number as usize];
    let refusal = match problem.actions[due] {
        Action::Read(seen) => format!("it returned {}, but the value is {}", value(seen), value(state)),
        Action::Cas(from, _) => format!("it found {}, but the value is {}", value(from), value(state)),
        Action::Refused(from) => format!("it was refused, but the value is {}", value(from)),
        Action::Write(to) => format!("writing {} here contradicts what was seen", value(to)),
    };
    placed.push(Placement { operation: part.origin[due], state: None, refusal: Some(refusal) });
    placed
}

fn name(
    history: &History<Register>,
    part: &Part,
    line: &Timeline,
    due: usize,
    witness: usize,
) -> (&'static str, String) {
    let problem = &part.problem;
    let at = |action: usize| &history.operations[part.origin[action].0 as usize];
    let told = tell(at(due));
    let general = || {
        (
            "nonlinearizable",
            match &part.key {
                Value::Nil => format!("no order of these {witness} operations explains that {told}"),
                key => format!("no order of these {witness} operations on {key} explains that {told}"),
            },
        )
    };
    let (Action::Read(seen) | Action::Cas(seen, _)) = problem.actions[due] else {
        return general();
    };
    let value = part.values(history)[seen as usize];
    let writers: Vec<usize> =
        (0..problem.actions.len()).filter(|&i| problem.actions[i].makes() == Some(seen)).collect();
    if writers.is_empty() && seen != 0 {
        return never_written(history, part, value, &told);
    }
    let swaps = |&i: &usize| {
        i != due && matches!(problem.actions[i], Action::Cas(from, to) if from == seen && to != seen)
    };
    let once = writers.len() + usize::from(seen == 0) == 1;
    if let (true, Action::Cas(_, to)) = (once && !problem.spans[due].optional, problem.actions[due])
        && to != seen
        && let Some(other) =
            (0..due).chain(due + 1..problem.actions.len()).find(|i| swaps(i) && !problem.spans[*i].optional)
    {
        return (
            "duplicate-effect",
            format!("{told}, and {} too, but {value} was there only once", tell(at(other))),
        );
    }
    let first = writers.iter().copied().min_by_key(|&i| line.call[i]);
    if let Some(first) = first.filter(|&first| seen != 0 && line.call[first] > line.ret[due]) {
        let (call, who) = (Register::describe_call(&at(first).call), at(first).process);
        let began = at(first).began;
        return (
            "future-read",
            format!("{told}, but `{call}` by {who}, the first to write {value}, began only at {began}"),
        );
    }
    stale(history, part, line, due, seen, &writers).unwrap_or_else(general)
}

/// The name for an old value: another one was certainly there before the operation began, and the old one was not written
/// after that.
fn stale(
    history: &History<Register>,
    part: &Part,
    line: &Timeline,
    due: usize,
    seen: u32,
    writers: &[usize],
) -> Option<(&'static str, String)> {
    let problem = &part.problem;
    let at = |action: usize| &history.operations[part.origin[action].0 as usize];
    // Who wrote the value only later explains nothing.
    let in_time = || writers.iter().filter(|&&i| line.call[i] < line.ret[due]);
    let last_writer = in_time().map(|&i| line.ret[i]).max().unwrap_or(0);
    let newer = (0..problem.actions.len()).filter(|&i| {
        problem.actions[i].makes().is_some_and(|to| to != seen)
            && line.call[i] > last_writer
            && line.ret[i] < line.call[due]
    });
    let newer = newer.max_by_key(|&i| line.ret[i])?;
    let kind = lost_or_stale(history, part, line, seen, newer);
    let ended = at(newer).ended.unwrap_or_default();
    let value = part.values(history)[seen as usize];
    let nobody = match in_time().next() {
        None => "is the initial value",
        Some(_) => "was not written after it",
    };
    let sentence = format!(
        "{}, but `{}` by {} had been acknowledged at {ended}, before the {} began, and {value} {nobody}",
        tell(at(due)),
        Register::describe_call(&at(newer).call),
        at(newer).process,
        Register::kind(&at(due).call),
    );
    Some((kind, sentence))
}

/// Lost, if nobody ever saw the newer value and several clients went on to see the old one; else just stale.
fn lost_or_stale(
    history: &History<Register>,
    part: &Part,
    line: &Timeline,
    old: u32,
    newer: usize,
) -> &'static str {
    let actions = &part.problem.actions;
    let observed = actions.iter().any(
        |action| matches!(*action, Action::Read(value) | Action::Cas(value, _) if Some(value) == actions[newer].makes()),
    );
    let readers: std::collections::BTreeSet<_> = (0..actions.len())
        .filter(|&i| actions[i] == Action::Read(old) && line.call[i] > line.ret[newer])
        .map(|i| history.operations[part.origin[i].0 as usize].process)
        .collect();
    if !observed && readers.len() > 1 { "lost-write" } else { "stale-read" }
}

fn never_written(
    history: &History<Register>,
    part: &Part,
    value: &Value,
    told: &str,
) -> (&'static str, String) {
    let failed =
        part.operations.iter().map(|index| &history.operations[index.0 as usize]).find(|operation| {
            matches!(operation.outcome, Outcome::Fail(_))
                && matches!(&operation.call, Call::Write(_, to) | Call::Cas(_, _, to) if *to == *value)
        });
    match failed {
        Some(failed) => (
            "dirty-read",
            format!(
                "{told}, but the only `{}`, by {} at {}, had failed",
                Register::describe_call(&failed.call),
                failed.process,
                failed.began
            ),
        ),
        None => ("garbage-read", format!("{told}, but nobody ever wrote {value}")),
    }
}

/// An operation in words: who, what, when, and the answer.
fn tell(operation: &Operation<Register>) -> String {
    let (who, when) = (operation.process, operation.began);
    let answer = operation.outcome.ok().map(|ret| Register::describe_return(&operation.call, ret));
    match (&operation.call, answer) {
        (Call::Read(Value::Nil), Some(answer)) => format!("read by {who} at {when} returned {answer}"),
        (Call::Read(key), Some(answer)) => format!("read of {key} by {who} at {when} returned {answer}"),
        (call, Some(answer)) => {
            format!("`{}` by {who} at {when} was {answer}", Register::describe_call(call))
        }
        (call, None) => format!("`{}` by {who} at {when} took effect", Register::describe_call(call)),
    }
}
