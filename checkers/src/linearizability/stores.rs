//! One key of a key-value store, judged as a register.
//!
//! Gets, puts, compare-and-sets and deletes that do not tell whether there was anything are reads, writes and
//! compare-and-sets of a register as they stand; a delete writes the initial value. Appends are not, since what they make
//! depends on what was there. But where the texts can be read as codes they become so.
//!
//! **Codes.** Say that no text that was put, appended or there at first is the beginning of another one or the same as one
//! that was appended, and that no text is empty but perhaps the first. Then a text that a get saw can be read in at most one way: as
//! what was there first or was put, and the appends behind it, each of them one call. So in every order, what took effect
//! between the last put (or delete) before the get and the get itself is exactly these appends, one after the other.
//! Therefore an append that some get saw took effect where the value was the one that it stands behind in that text, and
//! is a compare-and-set from that value to that value with its own text behind. If two gets saw it behind different
//! values, there is no order; then one of both values is made by nobody here, and the register finds the same.
//!
//! An append that no get saw took effect where no get came before the next put or delete, nor did an append that some
//! get saw, for that get would have seen both. So it is a write of a value that nobody ever reads.
//!
//! Both ways an order of the store is one of the register: the value of the register is the text while all appends behind
//! the last put were seen, and an unread value after the first that was not; nothing looks at it there.
//!
//! **Beginnings.** What nobody has seen yet binds nothing. So the longest beginning of the history that has an order is found
//! among beginnings that are read anew, each only by the gets that had returned in it.

use history::{
    History, Key, OpIndex, Outcome, Value, Vocabulary,
    vocabulary::{
        KeyValue,
        key_value::{Call, Return},
    },
};
use rustc_hash::FxHashMap;

use super::{
    decision::Decision,
    general::{Part, Refutation, Scope, acknowledged_before},
    register::{Action, Problem},
    timeline::Span,
};
use crate::{Budget, datatypes::KeyValueState};

mod codes;

use codes::Codes;

/// What a call does to a key. Values are numbers; 0 is the initial value.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// It says nothing.
    Nothing,
    /// The same as on a register.
    Plain(Action),
    /// It puts the text of this number behind.
    Append(u32),
}

/// One key: what each judged operation does, and the texts.
struct Store<'a> {
    part: &'a Part,
    deeds: Vec<Deed>,
    codes: Option<Codes<'a>>,
    /// How many values there are.
    values: u32,
}

/// A register that is as right as the store is, and the judged operation of each of its actions.
struct Reduction {
    problem: Problem,
    origin: Vec<u32>,
}

/// Decides the part if it is a key that can be judged as a register. The numbers of an order are those of the operations
/// that come with it.
pub(crate) fn decide(
    history: &History<KeyValue>,
    part: &Part,
    scope: &Scope<'_>,
    budget: &Budget,
) -> Option<(Decision, Vec<OpIndex>)> {
    let store = Store::read(history, part)?;
    let reduction = store.reduce(scope);
    let decision = match reduction.problem.decide(budget) {
        // Of what is only tried for a proof nobody asks where it fails.
        Decision::Invalid { .. } if scope.kept.is_some() => Decision::Invalid { reached: 0 },
        Decision::Invalid { .. } if store.codes.is_some() => store.first_contradiction(scope, budget),
        Decision::Invalid { reached } => Decision::Invalid { reached: reduction.rank_in(part, reached) },
        Decision::Unknown { limit, reached } => {
            Decision::Unknown { limit, reached: reduction.rank_in(part, reached) }
        }
        valid => valid,
    };
    let judged = reduction.origin.iter().map(|&i| part.judged[i as usize]).collect();
    Some((decision, judged))
}

impl<'a> Store<'a> {
    /// The store, if the part is one key and every call of it means something to a register.
    fn read(history: &'a History<KeyValue>, part: &'a Part) -> Option<Self> {
        let calls = || part.judged.iter().map(|index| &history.operations[index.0 as usize].call);
        if calls().any(|call| key(call).is_none() || key(call) != part.key.as_ref()) {
            return None;
        }
        let initial = &history.header.initial;
        let appends = calls().any(|call| matches!(call, Call::Append(..)));
        let codes = if appends { Some(Codes::new(initial, calls())?) } else { None };
        let mut store = Self { part, deeds: Vec::with_capacity(part.judged.len()), codes, values: 1 };
        let mut numbers: FxHashMap<&Value, u32> = std::iter::once((initial, 0)).collect();
        for index in &part.judged {
            let operation = &history.operations[index.0 as usize];
            let deed = match &mut store.codes {
                Some(codes) => codes.deed(&operation.call, &operation.outcome)?,
                None => plain(&operation.call, &operation.outcome, initial, &mut |value| {
                    let fresh = u32::try_from(numbers.len()).expect("fewer values than operations");
                    *numbers.entry(value).or_insert(fresh)
                })?,
            };
            store.deeds.push(deed);
        }
        let known = store.codes.as_ref().map_or(numbers.len(), Codes::count);
        store.values = u32::try_from(known).expect("fewer values than operations");
        Some(store)
    }

    /// What was called before the cut as operations on a register; what had not returned by then is unknown.
    fn reduce(&self, scope: &Scope<'_>) -> Reduction {
        let line = &self.part.line;
        let is_open = |i: usize| line.ret[i] >= scope.cut || !scope.keeps(i);
        let reads = (0..self.deeds.len()).filter_map(|i| match self.deeds[i] {
            Deed::Plain(Action::Read(value)) if !is_open(i) => Some(value),
            _ => None,
        });
        let seen = self.codes.as_ref().map(|codes| codes.seen(reads)).unwrap_or_default();
        let mut reduction = Reduction { problem: Problem::default(), origin: Vec::new() };
        let mut values = self.values;
        for (i, &deed) in self.deeds.iter().enumerate() {
            if line.call[i] >= scope.cut {
                continue;
            }
            let action = match deed {
                Deed::Nothing => continue,
                Deed::Plain(action) if is_open(i) && action.makes().is_none() => continue,
                Deed::Plain(action) => action,
                Deed::Append(text) => match seen.get(&text) {
                    Some(&(from, to)) => Action::Cas(from, to),
                    None => {
                        values += 1;
                        Action::Write(values - 1)
                    }
                },
            };
            let optional = self.part.spans[i].optional || is_open(i);
            let deadline = if optional { None } else { Some(u64::from(line.ret[i])) };
            reduction.problem.actions.push(action);
            reduction.problem.spans.push(Span { began: u64::from(line.call[i]), deadline, optional });
            reduction.origin.push(i as u32);
        }
        reduction.problem.values = values;
        reduction
    }

    /// The first return that cannot be passed: beginnings only get harder, so it is found by halving.
    fn first_contradiction(&self, scope: &Scope<'_>, budget: &Budget) -> Decision {
        let returns = &self.part.line.returns;
        let all = returns.partition_point(|&i| self.part.line.ret[i as usize] < scope.cut);
        let (mut passed, mut failed) = (0usize, all);
        while passed + 1 < failed {
            let middle = (passed + failed) / 2;
            let cut = self.part.line.ret[returns[middle - 1] as usize] + 1;
            match self.reduce(&Scope { cut, ..*scope }).problem.decide(budget) {
                Decision::Valid(_) => passed = middle,
                Decision::Invalid { .. } => failed = middle,
                Decision::Unknown { .. } => break,
            }
        }
        Decision::Invalid { reached: u32::try_from(failed - 1).expect("fewer returns than operations") }
    }
}

impl Reduction {
    /// The rank among the returns of the part of a return of this rank among those of the register.
    fn rank_in(&self, part: &Part, rank: u32) -> u32 {
        let line = super::timeline::Timeline::new(&self.problem.spans);
        let place = |action: &u32| {
            let ret = part.line.ret[self.origin[*action as usize] as usize];
            part.line.returns.partition_point(|&i| part.line.ret[i as usize] < ret)
        };
        let place = line.returns.get(rank as usize).map_or(part.line.returns.len(), place);
        u32::try_from(place).expect("fewer returns than operations")
    }
}

/// What is wrong with a get, where it takes no more than itself or what had been acknowledged before it.
pub(crate) fn name(
    history: &History<KeyValue>,
    refutation: &Refutation<'_, KeyValueState>,
) -> Option<(&'static str, String)> {
    let get = &history.operations[refutation.refused.0 as usize];
    let (Call::Get(key), Some(Return::Value(Some(seen)))) = (&get.call, get.outcome.ok()) else {
        return None;
    };
    let told = format!("get of {key} by {} at {} returned {seen}", get.process, get.began);
    if refutation.witness.len() == 1 {
        return Some((
            "garbage-read",
            format!("{told}, but no puts and appends make {key} that, in whatever order"),
        ));
    }
    let before = acknowledged_before(history, refutation.refused, refutation.witness)?;
    let (call, who) = (KeyValue::describe_call(&before.call), before.process);
    let ended = before.ended.unwrap_or_default();
    let answered = match before.outcome.ok() {
        Some(Return::Value(Some(value))) => format!("had returned {value}"),
        _ => "had been acknowledged".into(),
    };
    Some((
        "stale-read",
        format!(
            "{told}, but `{call}` by {who} {answered} at {ended}, before the get began, and nothing that happened after it \
             makes {key} that"
        ),
    ))
}

/// The key of a call that touches one.
fn key(call: &Call) -> Option<&Key> {
    match call {
        Call::Get(key)
        | Call::Put(key, _)
        | Call::Append(key, _)
        | Call::Cas(key, ..)
        | Call::Delete(key) => Some(key),
        Call::Range(..) | Call::MultiGet(_) | Call::MultiPut(_) => None,
    }
}

/// What a call does where there are no appends; `None` where it tells more than a register can.
fn plain<'a>(
    call: &'a Call,
    outcome: &'a Outcome<Return>,
    initial: &Value,
    number: &mut impl FnMut(&'a Value) -> u32,
) -> Option<Deed> {
    Some(match (call, outcome.ok()) {
        // A nil means "not known" where keys hold something at first.
        (Call::Get(_), Some(Return::Value(Some(Value::Nil)))) if *initial != Value::Nil => Deed::Nothing,
        (Call::Get(_), Some(Return::Value(Some(seen)))) => Deed::Plain(Action::Read(number(seen))),
        (Call::Get(_), _) => Deed::Nothing,
        (Call::Put(_, value), _) => Deed::Plain(Action::Write(number(value))),
        (Call::Delete(_), Some(Return::Deleted(_))) => return None,
        (Call::Delete(_), _) => Deed::Plain(Action::Write(0)),
        (Call::Cas(_, from, _), Some(Return::Refused)) => Deed::Plain(Action::Refused(number(from))),
        (Call::Cas(_, from, to), _) => Deed::Plain(Action::Cas(number(from), number(to))),
        _ => return None,
    })
}
