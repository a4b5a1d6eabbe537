//! What is wrong, by the name of the weakest promise that it breaks, and in one sentence.

use history::{History, OpIndex, vocabulary::Register};

use super::{
    calls::Problem,
    forced::Contradiction,
    promise::{Answer, Promise},
    views::View,
    witness::{alone, grounded, shrink},
    words::Words,
};
use crate::{Anomaly, Budget, levels::sources::Sources};

/// The most steps of one attempt to do with fewer calls.
const STEPS_MAX: u64 = 400_000;

/// From the weakest on: what a few calls break first gives them their name.
const NAMES: &[(Promise, &str)] = &[
    (Promise::OwnWrites, "own-write-missed"),
    (Promise::View(View::MonotonicReads), "non-monotonic-read"),
    (Promise::View(View::MonotonicWrites), "non-monotonic-write"),
    (Promise::View(View::WritesFollowReads), "effect-without-cause"),
    (Promise::View(View::Pram), "session-order-violation"),
    (Promise::View(View::Causal), "causality-violation"),
    (Promise::Convergent, "divergent-order"),
    (Promise::RealTimeCausal, "real-time-causality-violation"),
    (Promise::Regular, "write-order-contradiction"),
];

/// Describes a contradiction.
pub(super) fn anomaly(
    promise: Promise,
    history: &History<Register>,
    problem: &Problem,
    found: Contradiction,
    budget: &Budget,
) -> Anomaly {
    let mut little = budget.clone();
    little.steps_max = budget.steps_max.min(STEPS_MAX);
    let broken = |promise: Promise, part: &Problem| {
        matches!(promise.decide(None, part, &little), Answer::Broken(_) | Answer::Impossible(_))
    };
    let start = grounded(problem, &Sources::certain(problem), &found.calls);
    let kept = shrink(problem, start, &mut |part| broken(promise, part));
    let part = alone(problem, &kept);
    let (about, found) = match promise.decide(None, &part, &little) {
        Answer::Broken(again) if !again.cycle.is_empty() => (&part, again),
        _ => (problem, found),
    };
    let words = Words { history, problem: about };
    let links = words.links(&found.cycle);
    let mut witness: Vec<OpIndex> = kept.iter().map(|&call| problem.calls[call as usize].origin).collect();
    witness.extend(links.iter().map(|link| link.from));
    witness.sort_unstable();
    witness.dedup();
    // What sessions may rely on says nothing about a regular register, whose readers may go back.
    let fits = |weaker: Promise| promise != Promise::Regular || weaker == Promise::Regular;
    let named = NAMES.iter().find(|(weaker, _)| fits(*weaker) && broken(*weaker, &part));
    let name = named.map_or("nonsequential", |(_, name)| name);
    let who = found.session.and_then(|session| about.sessions[session as usize].first());
    let who = who.map_or_else(|| "a session".into(), |&call| words.operation(call).process.to_string());
    let sentence = if links.is_empty() {
        format!(
            "{}: no way to explain the answers of these {} operations is left",
            said(name, &who),
            witness.len()
        )
    } else {
        format!("{}: {}", said(name, &who), words.chain(&links))
    };
    let mut keys: Vec<u32> = kept.iter().map(|&call| problem.calls[call as usize].key).collect();
    keys.sort_unstable();
    keys.dedup();
    Anomaly {
        kind: name.into(),
        sentence,
        key: if let [key] = keys[..] { Some(problem.keys[key as usize].clone()) } else { None },
        witness,
        cycle: links,
        ..Anomaly::default()
    }
}

/// The beginning of the sentence.
fn said(name: &str, who: &str) -> String {
    match name {
        "own-write-missed" => format!("{who} did not see its own write"),
        "non-monotonic-read" => format!("{who} went back to an older value"),
        "non-monotonic-write" => {
            format!("{who} saw writes of one session in another order than it made them")
        }
        "effect-without-cause" => format!("{who} saw a write, but not what its writer had seen before"),
        "session-order-violation" => {
            format!("no order of the writes, each session's in its own order, explains what {who} saw")
        }
        "causality-violation" => {
            format!("no order of the writes with causes before effects explains what {who} saw")
        }
        "divergent-order" => "no order of the writes for all sessions keeps causes before effects".into(),
        "real-time-causality-violation" => {
            "no order of the writes for all sessions keeps causes before effects and agrees with real time"
                .into()
        }
        _ => "no order of the writes agrees with real time and with every read".into(),
    }
}
