//! Witnesses that a promise about who saw whose write is broken.
//!
//! The calls of the witness, and the writes that they saw, must come before and after each other as the promise says. What
//! follows from that is added until nothing is new, and the witness is a proof if something comes before itself then. Where
//! several writes may have been seen, each choice among them must lead to that.

use history::{
    History, Nanos, OpIndex, Operation, Register, Value,
    vocabulary::register::{Call, Return},
};

use super::{
    Said, TOO_MANY,
    events::{may_have_happened, named},
    reads::possible,
    sequences::{made, seen, sessions},
};

/// The most choices that are tried, and the most calls that are looked at together.
const CHOICES_MAX: usize = 1 << 14;
const NODES_MAX: usize = 400;

/// One call.
#[derive(Clone)]
struct Node<'a> {
    operation: &'a Operation<Register>,
    session: usize,
    /// It is not in the witness: all that is known of it is that it may have written its value after it began.
    loose: bool,
    /// What it may have seen, if that says anything: nodes, or `None` for the initial value.
    candidates: Vec<Option<usize>>,
    observes: bool,
    /// It saw one of them, and nobody asks which.
    is_open: bool,
}

/// A choice of what every call saw, and what follows from it.
struct World<'a> {
    nodes: &'a [Node<'a>],
    source: Vec<Option<Option<usize>>>,
    happened: Vec<bool>,
}

type Before = Vec<Vec<bool>>;

/// Whether the witness proves that a history of registers breaks this promise: by what is certain, or else by every way to
/// choose what is not.
pub fn verify_broken_promise(history: &History<Register>, model: &str, witness: &[OpIndex]) -> Said {
    let Some(mut nodes) = nodes(history, witness) else { return Said::Rejected };
    if nodes.len() > NODES_MAX {
        return TOO_MANY;
    }
    let certain = nodes.iter().map(|node| Node { is_open: node.candidates.len() > 1, ..node.clone() });
    if breaks_whatever_was_seen(&certain.collect::<Vec<_>>(), model, 1) {
        return Said::Accepted;
    }
    nodes.iter_mut().for_each(|node| node.is_open = false);
    let ways = nodes.iter().try_fold(1usize, |ways, node| ways.checked_mul(node.candidates.len().max(1)));
    match ways {
        Some(ways) if ways <= CHOICES_MAX => breaks_whatever_was_seen(&nodes, model, ways).into(),
        _ => TOO_MANY,
    }
}

/// Whether each of so many ways to choose what was seen is a contradiction.
fn breaks_whatever_was_seen(nodes: &[Node<'_>], model: &str, ways: usize) -> bool {
    (0..ways).all(|mut choice| {
        let chosen = |node: &Node<'_>| {
            let count = if node.is_open { 1 } else { node.candidates.len().max(1) };
            let chosen = node.candidates.get(choice % count).copied().filter(|_| !node.is_open);
            choice /= count;
            chosen
        };
        let source: Vec<Option<Option<usize>>> = nodes.iter().map(chosen).collect();
        World::new(nodes, source).is_none_or(|world| world.breaks(model))
    })
}

/// The calls of the witness, and the writes that they may have seen.
fn nodes<'a>(history: &'a History<Register>, witness: &[OpIndex]) -> Option<Vec<Node<'a>>> {
    let (mut chosen, initial) = (named(history, witness)?, &history.header.initial);
    chosen.sort_by_key(|operation| operation.index);
    chosen.retain(|operation| may_have_happened(operation));
    let own = chosen.len();
    let (sessions, mut observed) = (sessions(history), Vec::new());
    for &operation in &chosen.clone() {
        let key = operation.call.key();
        let fits: Box<dyn Fn(&Value) -> bool> = match (seen(operation, initial), &operation.call) {
            (Some((_, seen)), _) => Box::new(move |value| value == seen),
            (None, Call::Cas(_, from, _)) if operation.outcome.ok() == Some(&Return::Refused) => {
                Box::new(move |value| value != from)
            }
            _ => {
                observed.push((Vec::new(), false));
                continue;
            }
        };
        let writers = possible(history, key)
            .into_iter()
            .filter(|other| other.index != operation.index && made(other).is_some_and(&fits));
        let mut places: Vec<Option<usize>> = Vec::new();
        for writer in writers {
            let place = chosen.iter().position(|other| other.index == writer.index);
            places.push(Some(place.unwrap_or_else(|| {
                chosen.push(writer);
                chosen.len() - 1
            })));
        }
        places.extend(fits(initial).then_some(None));
        observed.push((places, true));
    }
    let mut numbers: Vec<_> = sessions.clone();
    numbers.sort_unstable();
    numbers.dedup();
    let node = |(place, operation): (usize, &'a Operation<Register>)| Node {
        operation,
        session: match place < own {
            true => numbers.binary_search(&sessions[operation.index.0 as usize]).unwrap_or(usize::MAX),
            false => numbers.len() + place,
        },
        loose: place >= own,
        candidates: observed.get(place).map_or(Vec::new(), |(places, _)| places.clone()),
        observes: observed.get(place).is_some_and(|(_, observes)| *observes),
        is_open: false,
    };
    Some(chosen.into_iter().enumerate().map(node).collect())
}

impl<'a> World<'a> {
    /// What happened if these were seen; nothing if something was seen that cannot have been there.
    fn new(nodes: &'a [Node<'a>], source: Vec<Option<Option<usize>>>) -> Option<Self> {
        let certain = |node: &Node<'_>| !node.loose && node.operation.outcome.ok().is_some();
        let mut happened: Vec<bool> = nodes.iter().map(certain).collect();
        loop {
            let more = (0..nodes.len()).find_map(|reader| match source[reader] {
                Some(Some(writer)) if happened[reader] && !happened[writer] => Some(writer),
                _ => None,
            });
            let Some(more) = more else { break };
            happened[more] = true;
        }
        let explained =
            |i: usize| !happened[i] || !nodes[i].observes || nodes[i].is_open || source[i].is_some();
        (0..nodes.len()).all(explained).then_some(Self { nodes, source, happened })
    }

    fn writes(&self, i: usize) -> bool {
        self.happened[i] && made(self.nodes[i].operation).is_some()
    }

    /// What the call is known to have seen, if anything.
    fn saw(&self, i: usize) -> Option<Option<usize>> {
        self.source[i].filter(|_| self.happened[i])
    }

    fn session(&self, a: usize, b: usize) -> bool {
        let (one, other) = (&self.nodes[a], &self.nodes[b]);
        let apart = one.loose || other.loose || one.operation.outcome.ok().is_none();
        !apart && one.session == other.session && one.operation.index < other.operation.index
    }

    fn time(&self, a: usize, b: usize) -> bool {
        let end: Option<Nanos> = self.nodes[a].operation.deadline().filter(|_| !self.nodes[a].loose);
        end.is_some_and(|end| end < self.nodes[b].operation.began)
    }

    fn rivals(&self, reader: usize, source: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let key = self.nodes[reader].operation.call.key();
        (0..self.nodes.len()).filter(move |&i| {
            i != reader && Some(i) != source && self.writes(i) && self.nodes[i].operation.call.key() == key
        })
    }

    fn breaks(&self, model: &str) -> bool {
        let causes = |a: usize, b: usize| self.session(a, b) || self.saw(b) == Some(Some(a));
        match model {
            "causal-convergent" => self.diverges(&self.closed(causes), &|_, _| false),
            "real-time-causal" => self.diverges(&self.closed(causes), &|a, b| self.time(a, b)),
            "regular" => self.is_irregular(),
            _ => self.nodes.iter().any(|one| !one.loose && self.has_no_view(model, one.session)),
        }
    }

    /// All pairs that follow from these.
    fn closed(&self, holds: impl Fn(usize, usize) -> bool) -> Before {
        let size = self.nodes.len();
        let there = |a: usize, b: usize| self.happened[a] && self.happened[b] && holds(a, b);
        let mut before: Before = (0..size).map(|a| (0..size).map(|b| there(a, b)).collect()).collect();
        for via in 0..size {
            for a in (0..size).filter(|&a| a != via) {
                if before[a][via] {
                    let further = before[via].clone();
                    before[a].iter_mut().zip(further).for_each(|(to, further)| *to |= further);
                }
            }
        }
        before
    }

    fn is_cyclic(before: &Before) -> bool {
        (0..before.len()).any(|i| before[i][i])
    }

    /// Whether one session has no order of the writes that explains what it saw.
    fn has_no_view(&self, model: &str, session: usize) -> bool {
        let own = |i: usize| self.nodes[i].session == session;
        let looks = |i: usize| own(i) && self.saw(i).is_some();
        let causes = self.closed(|a, b| self.session(a, b) || self.saw(b) == Some(Some(a)));
        let member = |i: usize| self.writes(i) || own(i);
        let followed =
            |r: usize, a: usize, b: usize| self.saw(r) == Some(Some(a)) && (r == b || self.session(r, b));
        let given = |a: usize, b: usize| {
            let looked = looks(a) && looks(b) && self.session(a, b);
            let shown = looks(b) && self.saw(b) == Some(Some(a));
            let also = match model {
                "causal" => causes[a][b],
                "pram" => self.session(a, b),
                "monotonic-writes" => self.writes(a) && self.writes(b) && self.session(a, b),
                "writes-follow-reads" => self.writes(b) && (0..self.nodes.len()).any(|r| followed(r, a, b)),
                "read-your-writes" => own(a) && own(b) && self.session(a, b),
                _ => false,
            };
            // Whoever reads its own writes need not know anything of others.
            let knows = model != "read-your-writes" && (looked || shown);
            member(a) && member(b) && (knows || also)
        };
        if model == "causal" && Self::is_cyclic(&causes) {
            return true;
        }
        let mut before = self.closed(given);
        loop {
            let mut more: Vec<(usize, usize)> = Vec::new();
            for reader in (0..self.nodes.len()).filter(|&i| looks(i)) {
                let Some(source) = self.saw(reader) else { continue };
                for rival in self.rivals(reader, source) {
                    // Of its own writes none may be missed; of others' only those that its view puts before.
                    let precedes = match model {
                        "read-your-writes" => own(rival) && self.session(rival, reader),
                        _ => before[rival][reader],
                    };
                    match source {
                        None if precedes => return true,
                        Some(source) if precedes && !before[rival][source] => more.push((rival, source)),
                        _ => {}
                    }
                }
            }
            if Self::is_cyclic(&before) {
                return true;
            }
            if more.is_empty() {
                return false;
            }
            before = self.closed(|a, b| before[a][b] || more.contains(&(a, b)));
        }
    }

    /// Whether no order of all writes explains what was seen of those that were known.
    fn diverges(&self, past: &Before, also: &dyn Fn(usize, usize) -> bool) -> bool {
        let mut after: Vec<(usize, usize)> = Vec::new();
        for (reader, source) in (0..self.nodes.len()).filter_map(|i| Some((i, self.saw(i)?))) {
            for rival in self.rivals(reader, source).filter(|&rival| past[rival][reader]) {
                let Some(source) = source else { return true };
                after.push((rival, source));
            }
        }
        let all = |a: usize, b: usize| past[a][b] || also(a, b) || after.contains(&(a, b));
        Self::is_cyclic(past) || Self::is_cyclic(&self.closed(all))
    }

    /// Whether the writes of some key have no order into which each read fits by itself.
    fn is_irregular(&self) -> bool {
        let mut after: Vec<(usize, usize)> = Vec::new();
        for reader in 0..self.nodes.len() {
            let Some(source) = self.saw(reader) else { continue };
            if source.is_some_and(|source| self.time(reader, source)) {
                return true;
            }
            if let Some(source) = source.filter(|_| self.writes(reader)) {
                after.push((source, reader));
            }
            for rival in self.rivals(reader, source) {
                match source {
                    None if self.time(rival, reader) => return true,
                    Some(source) if self.time(rival, reader) => after.push((rival, source)),
                    Some(source) if self.time(reader, rival) => after.push((source, rival)),
                    _ => {}
                }
            }
        }
        let writes = |a, b| self.writes(a) && self.writes(b);
        let same =
            |a: usize, b: usize| self.nodes[a].operation.call.key() == self.nodes[b].operation.call.key();
        Self::is_cyclic(
            &self.closed(|a, b| writes(a, b) && same(a, b) && self.time(a, b) || after.contains(&(a, b))),
        )
    }
}
