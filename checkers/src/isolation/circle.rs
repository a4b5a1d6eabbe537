//! Contradictions, and how they are told.

use history::OpIndex;

use super::{
    Level,
    flaw::capitalized,
    graph::{Edge, Why},
    level::Scope,
    problem::{INITIAL, NONE, Problem},
};
use crate::{Anomaly, Link, Relation};

/// The longest circle that is told in one sentence.
const TOLD: usize = 6;

/// A proof that a level is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// Its name in the glossary.
    pub kind: String,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// The circle, where it is one.
    pub circle: Vec<Link>,
    /// The transactions that prove it, ascending.
    pub transactions: Vec<u32>,
    /// How many transactions are caught in contradictions like this.
    pub involved: u64,
}

impl Contradiction {
    pub(super) fn of_circle(problem: &Problem, level: Level, circle: Vec<Edge>, involved: u64) -> Self {
        let mut transactions: Vec<u32> =
            circle.iter().flat_map(|edge| [edge.from, edge.to, edge.reader]).filter(|&t| t != NONE).collect();
        transactions.sort_unstable();
        transactions.dedup();
        let links: Vec<Link> = circle.iter().map(|edge| link(problem, edge)).collect();
        Self {
            kind: kind(problem, level, &circle),
            sentence: sentence(&links),
            circle: links,
            transactions,
            involved,
        }
    }

    /// A contradiction that is no circle: these transactions have no order together.
    pub(super) fn of_group(problem: &Problem, level: Level, transactions: Vec<u32>) -> Self {
        let count = transactions.len();
        let named: Vec<String> =
            transactions.iter().take(TOLD).map(|&t| problem.origin[t as usize].to_string()).collect();
        let more = if count > named.len() { ", ..." } else { "" };
        Self {
            kind: broken(level).into(),
            sentence: format!(
                "No order of these {count} transactions ({}{more}) explains all that they read under {level}",
                named.join(", ")
            ),
            circle: Vec::new(),
            transactions,
            involved: count as u64,
        }
    }

    /// The contradiction as an anomaly.
    pub fn anomaly(&self, problem: &Problem) -> Anomaly {
        let mut witness: Vec<OpIndex> =
            self.transactions.iter().map(|&t| problem.origin[t as usize]).collect();
        witness.sort_unstable();
        let mut keys: Vec<_> = self.circle.iter().filter_map(|link| link.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        Anomaly {
            kind: self.kind.clone(),
            sentence: self.sentence.clone(),
            key: keys.pop().filter(|_| keys.is_empty()),
            involved: Some(self.involved).filter(|&involved| involved > witness.len() as u64),
            witness,
            cycle: self.circle.clone(),
            ..Anomaly::default()
        }
    }
}

/// The step with its reason in words.
fn link(problem: &Problem, edge: &Edge) -> Link {
    let name = |t: u32| problem.origin[t as usize];
    let key = problem.keys.get(edge.key as usize);
    let value = |t: u32| match (t, problem.writes(t).binary_search(&edge.key)) {
        (_, Ok(_)) => problem.value(t, edge.key).map_or_else(String::new, ToString::to_string),
        _ => "a value".into(),
    };
    let shown = key.map(ToString::to_string).unwrap_or_default();
    let because = match edge.why {
        Why::Session => {
            format!("{} made {{from}} and then {{to}}", problem.process[edge.to as usize])
        }
        Why::RealTime => "{from} had ended before {to} began".into(),
        Why::Read => format!("{{from}} wrote {} to {shown}, and {{to}} read it", value(edge.from)),
        Why::Hidden => format!(
            "{{from}} wrote {} to {shown} and comes before {}, which still read {}, the value of {{to}}",
            value(edge.from),
            name(edge.reader),
            value(edge.to)
        ),
        Why::Replaced => format!(
            "{{from}} read {} of {shown}, which {{to}} replaced by {}",
            replaced(problem, edge).map_or_else(|| "the initial value".into(), &value),
            value(edge.to)
        ),
        Why::Overtaken => format!(
            "{{from}} read {} of {shown}, and {{to}} wrote {} after that had been written",
            replaced(problem, edge).map_or_else(|| "the initial value".into(), &value),
            value(edge.to)
        ),
        Why::Apart => format!(
            "both wrote {shown} ({} and {}), and {{from}} began before {{to}} committed",
            value(edge.from),
            value(edge.to)
        ),
    };
    let relation = match edge.why {
        Why::Session => Relation::Process,
        Why::RealTime => Relation::Realtime,
        Why::Read => Relation::Wr,
        Why::Hidden | Why::Apart => Relation::Ww,
        Why::Replaced | Why::Overtaken => Relation::Rw,
    };
    Link::new(name(edge.from), name(edge.to), relation, key.cloned(), &because)
}

/// From whom the reader of a replaced version read it; nothing for the initial value.
fn replaced(problem: &Problem, edge: &Edge) -> Option<u32> {
    if !matches!(edge.why, Why::Replaced | Why::Overtaken) {
        return None;
    }
    let read = problem.reads(edge.from).iter().find(|read| read.key == edge.key);
    read.map(|read| read.from).filter(|&from| from != INITIAL)
}

fn sentence(links: &[Link]) -> String {
    let told = |link: &Link| link.because.clone();
    let [most @ .., last] = links else { return String::new() };
    if links.len() > TOLD {
        let order: Vec<String> = links.iter().map(|link| link.from.to_string()).collect();
        return format!(
            "the transactions {} would each have to come before the next and the last before the first",
            order.join(", ")
        );
    }
    let reasons: Vec<String> = most
        .iter()
        .map(|link| format!("{} comes before {}, because {}", link.from, link.to, told(link)))
        .collect();
    capitalized(format!(
        "{}; yet {} comes before {}, because {}: a contradiction",
        reasons.join("; "),
        last.from,
        last.to,
        told(last)
    ))
}

/// The name of a circle.
///
/// Adya's names are used only where the order of versions is proven and not assumed from the level itself.
fn kind(problem: &Problem, level: Level, circle: &[Edge]) -> String {
    use Level::*;
    let count = |why: Why| circle.iter().filter(|edge| edge.why == why).count();
    if circle.iter().all(|edge| matches!(edge.why, Why::Session | Why::RealTime | Why::Read)) {
        return format!("G1c{}", suffix(circle));
    }
    if let [one, other] = circle
        && (one.reader, one.key) == (other.reader, other.key)
        && one.reader != NONE
    {
        return "non-repeatable-read".into();
    }
    match level {
        ReadYourWrites => return "missed-own-write".into(),
        MonotonicReads => return "non-monotonic-read".into(),
        MonotonicWrites => return "non-monotonic-write".into(),
        MonotonicAtomicView | StrongSessionMonotonicAtomicView | ReadAtomic | StrongSessionReadAtomic => {
            return if count(Why::Read) == 0 && count(Why::Session) > 0 {
                "missed-own-write"
            } else {
                "fractured-read"
            }
            .into();
        }
        WritesFollowReads | CausalCerone | Pram | WeakCausal | Causal | CausalConvergent | CausalMemory => {
            return "causality-violation".into();
        }
        _ => {}
    }
    if count(Why::Hidden) + count(Why::Overtaken) + count(Why::Apart) > 0 {
        return broken(level).into();
    }
    if let [one, other] = circle
        && one.key == other.key
        && count(Why::Replaced) == 2
        && replaced(problem, one) == replaced(problem, other)
    {
        return "lost-update".into();
    }
    let rw = |place: usize| circle[place % circle.len()].why == Why::Replaced;
    let adjacent = (0..circle.len()).any(|place| rw(place) && rw(place + 1));
    match count(Why::Replaced) {
        1 => format!("G-single-item{}", suffix(circle)),
        _ if adjacent => format!("G2-item{}", suffix(circle)),
        _ => format!("G-nonadjacent-item{}", suffix(circle)),
    }
}

fn suffix(circle: &[Edge]) -> &'static str {
    let uses = |why: Why| circle.iter().any(|edge| edge.why == why);
    if uses(Why::RealTime) {
        "-realtime"
    } else if uses(Why::Session) {
        "-process"
    } else {
        ""
    }
}

/// The name of a contradiction that is none of the named circles.
pub(super) fn broken(level: Level) -> &'static str {
    use Level::*;
    match level {
        Prefix | StrongSessionPrefix => "no-common-prefix",
        ParallelSnapshotIsolation | StrongSessionParallelSnapshotIsolation => {
            "not-parallel-snapshot-isolated"
        }
        SnapshotIsolation | StrongSessionSnapshotIsolation | StrongSnapshotIsolation => {
            "not-snapshot-isolated"
        }
        _ if level.scope() == Scope::RealTime => "not-strictly-serializable",
        _ => "not-serializable",
    }
}
