//! A second opinion on valid verdicts: replays an order, and shares no reasoning with the search.

use history::{
    History, Key, ListAppend, OpIndex, Outcome, Value,
    vocabulary::list_append::{Answer, Step},
};
use rustc_hash::{FxHashMap, FxHashSet};

/// Whether an order of transactions explains every list that was read: it has each committed transaction once, no failed
/// one, and each read shows exactly what was appended before it. `realtime` asks also that nothing comes after what began
/// when it had ended, and `sessions` that each session is in its order.
pub fn verify_serial(
    history: &History<ListAppend>,
    order: &[OpIndex],
    sessions: bool,
    realtime: bool,
) -> bool {
    let mut placed: FxHashSet<OpIndex> = FxHashSet::default();
    let mut lists: FxHashMap<&Key, Vec<&Value>> = FxHashMap::default();
    let mut latest: FxHashMap<u32, OpIndex> = FxHashMap::default();
    let mut last_began = None;
    for index in order {
        let Some(operation) = history.operations.get(index.0 as usize) else { return false };
        let is_late = operation.deadline().is_some_and(|ended| Some(ended) < last_began);
        let before = latest.insert(operation.process.0, *index);
        if matches!(operation.outcome, Outcome::Fail(_))
            || !placed.insert(*index)
            || realtime && is_late
            || sessions && before.is_some_and(|before| before > *index)
        {
            return false;
        }
        last_began = last_began.max(Some(operation.began));
        for (step, call) in operation.call.iter().enumerate() {
            match (call, operation.outcome.ok().map(|answers| &answers[step])) {
                (Step::Append(key, value), _) => lists.entry(key).or_default().push(value),
                (Step::Read(key), Some(Answer::Read(_, Some(read)))) => {
                    let list = lists.entry(key).or_default();
                    if !read.iter().eq(list.iter().copied()) {
                        return false;
                    }
                }
                (Step::Read(_), _) => {}
            }
        }
    }
    let mut committed = history.operations.iter().filter(|operation| operation.outcome.ok().is_some());
    committed.all(|operation| placed.contains(&operation.index))
}
