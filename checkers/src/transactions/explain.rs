//! Cycles in words.

use history::{History, Key, OpIndex, Vocabulary};

use super::{
    cycles::Contradiction,
    edges::Kind,
    search::{Cycle, Step},
};
use crate::{Anomaly, Link};

/// How many reasons a sentence gives.
const REASONS_MAX: usize = 4;

/// What knows why the data orders two transactions.
pub(super) trait Reasons {
    /// The key that it is about, and the reason as a sentence; `None` where the data does not order them so.
    fn because(&self, from: u32, to: u32, kind: Kind) -> Option<(Key, String)>;
}

/// A cycle as an anomaly.
pub(super) fn contradiction<V: Vocabulary>(
    history: &History<V>,
    reasons: &dyn Reasons,
    found: &Contradiction,
) -> Anomaly {
    let links = links(history, reasons, &found.cycle, found.otherwise.is_some());
    let mut nodes: Vec<u32> = found.cycle.iter().map(|step| step.from).collect();
    let mut text = sentence(&links);
    if let Some(otherwise) = &found.otherwise {
        nodes.extend(otherwise.iter().map(|step| step.from));
        let (one, other) = (links[0].from, links[0].to);
        text = format!(
            "{one} and {other} wrote the same key, and neither can have been first. If {one} was: {} If {other} was: {}",
            capitalised(&text),
            capitalised(&sentence(&self::links(history, reasons, otherwise, true)))
        );
    }
    nodes.sort_unstable();
    nodes.dedup();
    let key = links[0].key.clone().filter(|key| links.iter().all(|link| link.key.as_ref() == Some(key)));
    Anomaly {
        sentence: text,
        key,
        involved: (found.involved > nodes.len() as u64).then_some(found.involved),
        witness: nodes
            .into_iter()
            .map(|node| history.operations[node as usize].index)
            .collect::<Vec<OpIndex>>(),
        cycle: links,
        ..Anomaly::default()
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The steps of a cycle with their reasons. Where both ways to order a pair were tried, the first step is what was supposed.
fn links<V: Vocabulary>(
    history: &History<V>,
    reasons: &dyn Reasons,
    cycle: &Cycle,
    is_supposed: bool,
) -> Vec<Link> {
    let index = |node: u32| history.operations[node as usize].index;
    let link = |(place, step): (usize, &Step)| {
        let to = cycle[(place + 1) % cycle.len()].from;
        let (key, because) = match step.kind {
            Kind::Process => (None, session(history, step.from, to)),
            Kind::Realtime => (None, format!("{} had ended before {} began", index(step.from), index(to))),
            kind => reasons.because(step.from, to, kind).filter(|_| !is_supposed || place > 0).map_or_else(
                || {
                    (
                        None,
                        format!("{} wrote before {}, which is one of two ways", index(step.from), index(to)),
                    )
                },
                |(key, because)| (Some(key), because),
            ),
        };
        let relation = step.kind.relation().expect("a cycle has no passages");
        Link { from: index(step.from), to: index(to), relation, key, because }
    };
    cycle.iter().enumerate().map(link).collect()
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
