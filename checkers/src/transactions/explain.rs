//! Cycles in words.

use history::{History, Key, OpIndex, Vocabulary};

use super::{class::Class, edges::Kind, search::Cycle};
use crate::{Anomaly, Link};

/// How many reasons a sentence gives.
const REASONS_MAX: usize = 4;

/// What knows why the data orders two transactions.
pub(super) trait Reasons {
    /// The key that it is about, and the reason as a sentence; `None` where the data does not order them so.
    fn because(&self, from: u32, to: u32, kind: Kind) -> Option<(Key, String)>;
}

/// A simple cycle as an anomaly.
pub(super) fn anomaly<V: Vocabulary>(history: &History<V>, reasons: &dyn Reasons, cycle: &Cycle) -> Anomaly {
    let index = |node: u32| history.operations[node as usize].index;
    let mut links = Vec::with_capacity(cycle.len());
    for (place, step) in cycle.iter().enumerate() {
        let to = cycle[(place + 1) % cycle.len()].from;
        let (key, because) = match step.kind {
            Kind::Process => (None, session(history, step.from, to)),
            Kind::Realtime => (None, format!("{} had ended before {} began", index(step.from), index(to))),
            kind => reasons.because(step.from, to, kind).map_or_else(
                || (None, format!("{} comes before {}", index(step.from), index(to))),
                |(key, because)| (Some(key), because),
            ),
        };
        let relation = step.kind.relation().expect("a cycle has no passages");
        links.push(Link { from: index(step.from), to: index(to), relation, key, because });
    }
    let mut witness: Vec<OpIndex> = cycle.iter().map(|step| index(step.from)).collect();
    witness.sort_unstable();
    let kinds: Vec<Kind> = cycle.iter().map(|step| step.kind).collect();
    let key = links[0].key.clone().filter(|key| links.iter().all(|link| link.key.as_ref() == Some(key)));
    Anomaly {
        kind: Class::of(&kinds).kind().into(),
        sentence: sentence(&links),
        key,
        witness,
        cycle: links,
        ..Anomaly::default()
    }
}

fn session<V: Vocabulary>(history: &History<V>, from: u32, to: u32) -> String {
    let (one, other) = (&history.operations[from as usize], &history.operations[to as usize]);
    format!("{} called {} before {}", one.process, one.index, other.index)
}

fn sentence(links: &[Link]) -> String {
    let reasons: Vec<&str> = links.iter().take(REASONS_MAX).map(|link| link.because.as_str()).collect();
    let more = match links.len() - reasons.len() {
        0 => String::new(),
        1 => "; and one reason more".into(),
        more => format!("; and {more} reasons more"),
    };
    let who = match links {
        [one, _] => format!("{} and {} must each come before the other", one.from, one.to),
        _ => format!("{} transactions must each come before the next, in a circle", links.len()),
    };
    format!("{who}: {}{more}.", reasons.join("; "))
}
