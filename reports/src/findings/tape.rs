//! The operations that the explorer of the page shows: all of a short history; of a long one those around the
//! anomalies, some of those that did not succeed, and every n-th of the others.

use std::collections::{BTreeMap, BTreeSet};

use history::{Key, OpIndex};
use serde::{Deserialize, Serialize};

use super::{OutcomeKind, Scene, recorded::Recorded};
use crate::wording::{cut, visible};

/// A history of up to so many operations is shown whole.
const WHOLE_MAX: usize = 6_000;
/// Of a longer one: how many neighbours before and after each culprit, how many that did not succeed, how many others.
const AROUND: u32 = 60;
const TROUBLED_MAX: usize = 1_000;
const OTHERS_MAX: usize = 3_000;
/// The longest text of a call, an answer or a key, in characters.
const TEXT_MAX: usize = 72;
/// How much room all texts of the tape may take on the page, and all names of keys.
const TEXTS_MAX: usize = 420_000;
const KEYS_MAX: usize = 60_000;

/// One operation as the explorer shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(
    /// Its rank in the history.
    pub u32,
    /// The session that made the call.
    pub u32,
    /// The place of its node in [`Tape::nodes`].
    pub u16,
    /// The place of its kind in [`Tape::kinds`].
    pub u16,
    /// How it ended.
    pub OutcomeKind,
    /// When it began, in nanoseconds.
    pub u64,
    /// How long it took, in nanoseconds, where it ended at all.
    pub Option<u64>,
    /// What was asked; empty where the page has no room for it.
    pub String,
    /// What was answered, or why not; empty where the page has no room for it.
    pub String,
    /// The places of its keys in [`Tape::keys`], as far as those are listed.
    pub Vec<u32>,
);

/// The operations that the explorer shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tape {
    /// The kinds of calls.
    pub kinds: Vec<String>,
    /// The names of the nodes.
    pub nodes: Vec<String>,
    /// The keys, as far as there is room.
    pub keys: Vec<String>,
    /// The operations, in the order they began.
    pub marks: Vec<Mark>,
    /// One in so many of the unremarkable operations is shown; 1 where all are.
    pub stride: u64,
}

/// Chooses and describes them.
pub(super) fn record(
    history: &dyn Recorded,
    nodes: Vec<String>,
    scenes: &[Scene],
    drawn: &BTreeSet<OpIndex>,
) -> Tape {
    let (chosen, stride) = choose(history, scenes, drawn);
    let mut tape = Tape { nodes, stride, ..Tape::default() };
    let mut desk = Desk { room: TEXTS_MAX, key_room: KEYS_MAX, known: BTreeMap::new() };
    // What is drawn anyway has its words first.
    let mut marks: BTreeMap<OpIndex, Mark> = BTreeMap::new();
    let (first, rest): (Vec<_>, Vec<_>) = chosen.into_iter().partition(|index| drawn.contains(index));
    for index in first.into_iter().chain(rest) {
        marks.insert(index, desk.mark(history, index, &mut tape));
    }
    tape.marks = marks.into_values().collect();
    tape
}

fn choose(history: &dyn Recorded, scenes: &[Scene], drawn: &BTreeSet<OpIndex>) -> (BTreeSet<OpIndex>, u64) {
    let total = history.len();
    let index = |place: usize| OpIndex(place as u32);
    if total <= WHOLE_MAX {
        return ((0..total).map(index).collect(), 1);
    }
    let mut chosen = drawn.clone();
    for culprit in
        scenes.iter().filter_map(|scene| scene.culprit.or_else(|| scene.operations.last().copied()))
    {
        let until = culprit.0.saturating_add(AROUND).min(total as u32 - 1);
        chosen.extend((culprit.0.saturating_sub(AROUND)..=until).map(OpIndex));
    }
    let is_troubled = |place: &usize| history.at(*place).outcome != OutcomeKind::Ok;
    let troubled = (0..total).filter(is_troubled).count();
    let every = troubled.div_ceil(TROUBLED_MAX).max(1);
    chosen.extend((0..total).filter(is_troubled).step_by(every).map(index));
    let stride = total.div_ceil(OTHERS_MAX);
    chosen.extend((0..total).step_by(stride).map(index));
    (chosen, stride as u64)
}

/// What is left of the room while the tape is written.
struct Desk {
    room: usize,
    key_room: usize,
    known: BTreeMap<Key, u32>,
}

impl Desk {
    fn mark(&mut self, history: &dyn Recorded, index: OpIndex, tape: &mut Tape) -> Mark {
        let place = index.0 as usize;
        let passage = history.at(place);
        let kind = passage.kind;
        let kind = tape.kinds.iter().position(|known| known == kind).unwrap_or_else(|| {
            tape.kinds.push(kind.into());
            tape.kinds.len() - 1
        });
        let keys = history.keys(place);
        Mark(
            index.0,
            passage.process.0,
            passage.node.0,
            kind as u16,
            passage.outcome,
            passage.began.0,
            passage.ended.map(|ended| ended.0.saturating_sub(passage.began.0)),
            self.words(&history.call(place)),
            self.words(&history.answer(place)),
            keys.iter().take(8).filter_map(|key| self.key(key, tape)).collect(),
        )
    }

    fn words(&mut self, text: &str) -> String {
        let shown = cut(&visible(text), TEXT_MAX).into_owned();
        match self.room.checked_sub(weight(&shown)) {
            Some(left) => {
                self.room = left;
                shown
            }
            None => String::new(),
        }
    }

    fn key(&mut self, key: &Key, tape: &mut Tape) -> Option<u32> {
        if let Some(&place) = self.known.get(key) {
            return Some(place);
        }
        let shown = cut(&visible(&key.to_string()), TEXT_MAX).into_owned();
        self.key_room = self.key_room.checked_sub(weight(&shown) + 3)?;
        let place = tape.keys.len() as u32;
        tape.keys.push(shown);
        self.known.insert(key.clone(), place);
        Some(place)
    }
}

/// How many bytes a text takes within the page's data, where signs that mean something to HTML take six.
fn weight(text: &str) -> usize {
    text.bytes().map(|byte| if matches!(byte, b'<' | b'>' | b'&' | b'"' | b'\\') { 6 } else { 1 }).sum()
}
