//! Sets, bags, queues and stacks: the life line of each element, from its addition to the last that was seen of it.

use std::collections::{BTreeMap, BTreeSet};

use history::{
    History, Key, OpIndex, Outcome, Value, Vocabulary,
    vocabulary::{
        bag::{self, Bag},
        queue,
        set::{self, Set},
    },
};

use super::{LANES_MAX, Life, Picture, SPANS_MAX, Shape, Sign, Span, Tone, name_of};

/// What one operation says about one element or about all.
enum Event<'a> {
    /// Asked to put it in: whether that was acknowledged or nobody can say.
    Put(&'a Value, bool),
    /// Gave it out.
    Took(&'a Value),
    /// Asked to remove it.
    Removed(&'a Value),
    /// Showed these and no others.
    Showed(&'a [Value]),
    /// Said of one element whether it is in.
    Told(&'a Value, bool),
}

struct Seen<'a> {
    index: OpIndex,
    began: u64,
    ended: Option<u64>,
    event: Event<'a>,
}

pub(super) fn of_set(history: &History<Set>, key: &Key, proof: &[OpIndex]) -> Option<Picture> {
    use set::{Call, Return};
    let events = history.operations.iter().filter(|o| o.call.key() == key).filter_map(|o| {
        let event = match (&o.call, &o.outcome) {
            (_, Outcome::Fail(_)) => return None,
            (Call::Add(_, element), outcome) => Event::Put(element, outcome.ok().is_some()),
            (Call::Remove(_, element), _) => Event::Removed(element),
            (Call::Read(_), Outcome::Ok(Return::Elements(elements))) => Event::Showed(elements),
            (Call::Contains(_, element), Outcome::Ok(Return::Contains(yes))) => Event::Told(element, *yes),
            _ => return None,
        };
        Some(Seen { index: o.index, began: o.began.0, ended: o.deadline().map(|e| e.0), event })
    });
    lives("set", key, &events.collect::<Vec<_>>(), proof)
}

pub(super) fn of_bag(history: &History<Bag>, key: &Key, proof: &[OpIndex]) -> Option<Picture> {
    use bag::{Call, Return};
    let events = history.operations.iter().filter(|o| o.call.key() == key).filter_map(|o| {
        let event = match (&o.call, &o.outcome) {
            (_, Outcome::Fail(_)) => return None,
            (Call::Add(_, element), outcome) => Event::Put(element, outcome.ok().is_some()),
            (Call::Take(_), Outcome::Ok(Return::Taken(element))) => Event::Took(element),
            (Call::Read(_), Outcome::Ok(Return::Elements(elements))) => Event::Showed(elements),
            _ => return None,
        };
        Some(Seen { index: o.index, began: o.began.0, ended: o.deadline().map(|e| e.0), event })
    });
    lives("bag", key, &events.collect::<Vec<_>>(), proof)
}

pub(super) fn of_queue<V>(history: &History<V>, key: &Key, proof: &[OpIndex]) -> Option<Picture>
where
    V: Vocabulary<Call = queue::Call, Return = queue::Return>,
{
    use queue::{Call, Return};
    let events = history.operations.iter().filter(|o| o.call.key() == key).filter_map(|o| {
        let event = match (&o.call, &o.outcome) {
            (_, Outcome::Fail(_)) => return None,
            (Call::Enqueue(_, element), outcome) => Event::Put(element, outcome.ok().is_some()),
            (Call::Dequeue(_), Outcome::Ok(Return::Dequeued(element))) => Event::Took(element),
            _ => return None,
        };
        Some(Seen { index: o.index, began: o.began.0, ended: o.deadline().map(|e| e.0), event })
    });
    lives(V::NAME, key, &events.collect::<Vec<_>>(), proof)
}

fn lives(noun: &str, key: &Key, events: &[Seen<'_>], proof: &[OpIndex]) -> Option<Picture> {
    let named = |event: &Event<'_>| match event {
        Event::Put(element, _) | Event::Took(element) | Event::Removed(element) | Event::Told(element, _) => {
            Some((*element).clone())
        }
        Event::Showed(_) => None,
    };
    let proof: BTreeSet<OpIndex> = proof.iter().copied().collect();
    let suspect: Vec<Value> = events
        .iter()
        .filter(|seen| proof.contains(&seen.index))
        .filter_map(|seen| named(&seen.event))
        .collect();
    let mut chosen: BTreeMap<Value, Element> = BTreeMap::new();
    // Elements of the proof first, then those that were put in at about the same time, then the first.
    let middle = events.iter().position(|seen| proof.contains(&seen.index)).unwrap_or(0);
    let near = events[middle.saturating_sub(LANES_MAX)..].iter().filter_map(|seen| named(&seen.event));
    for element in suspect.into_iter().chain(near) {
        if chosen.len() >= LANES_MAX {
            break;
        }
        chosen.entry(element).or_default();
    }
    if chosen.is_empty() {
        return None;
    }
    for seen in events {
        observe(&mut chosen, seen);
    }
    let mut lanes: Vec<Life> = chosen.into_iter().map(|(element, life)| life.drawn(&element)).collect();
    lanes.sort_by_key(|lane| (lane.tone != Tone::Bad, lane.spans.first().map(|span| span.from)));
    Some(Picture {
        title: format!("Elements of {noun} {}", name_of(key)),
        how: "Each row is an element. The first bar is the call that put it in; after that ● is an answer that showed it or \
              gave it out, and × an answer that missed it although it had been acknowledged."
            .into(),
        note: format!("{} elements around the anomaly, or the first ones where there is none, are drawn.", lanes.len()),
        shape: Shape::Lives(lanes),
    })
}

/// What is known of one element.
#[derive(Default)]
struct Element {
    spans: Vec<Span>,
    signs: Vec<Sign>,
    acknowledged: Option<u64>,
    put: usize,
    gone: Option<u64>,
    taken: usize,
    shown: usize,
    missed_last: bool,
    missed: usize,
    doubled: bool,
}

fn observe(chosen: &mut BTreeMap<Value, Element>, seen: &Seen<'_>) {
    match &seen.event {
        Event::Put(element, acknowledged) => {
            let Some(life) = chosen.get_mut(element) else { return };
            life.put += 1;
            let tone = if *acknowledged { Tone::Good } else { Tone::Unknown };
            let text = if *acknowledged { "put in, acknowledged" } else { "put in, outcome unknown" };
            life.spans.push(Span { from: seen.began, until: seen.ended, tone, text: text.into() });
            if let (true, Some(ended)) = (acknowledged, seen.ended) {
                life.acknowledged = Some(life.acknowledged.map_or(ended, |known| known.min(ended)));
            }
        }
        Event::Took(element) => {
            let Some(life) = chosen.get_mut(*element) else { return };
            life.taken += 1;
            life.gone = Some(life.gone.map_or(seen.began, |known| known.min(seen.began)));
            life.sign(seen, if life.taken > life.put { Tone::Bad } else { Tone::Good }, "taken out");
        }
        Event::Removed(element) => {
            let Some(life) = chosen.get_mut(*element) else { return };
            life.gone = Some(life.gone.map_or(seen.began, |known| known.min(seen.began)));
            life.sign(seen, Tone::Plain, "removal asked for");
        }
        Event::Told(element, yes) => {
            if let Some(life) = chosen.get_mut(*element) {
                life.looked(seen, usize::from(*yes));
            }
        }
        Event::Showed(elements) => {
            let mut counts: BTreeMap<&Value, usize> = BTreeMap::new();
            for element in elements.iter().filter(|element| chosen.contains_key(element)) {
                *counts.entry(element).or_default() += 1;
            }
            for (element, life) in chosen.iter_mut() {
                life.looked(seen, counts.get(element).copied().unwrap_or(0));
            }
        }
    }
}

impl Element {
    fn sign(&mut self, seen: &Seen<'_>, tone: Tone, text: &str) {
        // What is wrong is always drawn, and of what is right the first.
        if self.signs.len() < SPANS_MAX || (tone == Tone::Bad && self.signs.len() < 2 * SPANS_MAX) {
            let at = seen.ended.unwrap_or(seen.began);
            self.signs.push(Sign { at, tone, text: format!("{text} ({})", seen.index) });
        }
    }

    fn looked(&mut self, seen: &Seen<'_>, count: usize) {
        let due = self.acknowledged.is_some_and(|since| since < seen.began)
            && self.gone.is_none_or(|gone| seen.ended.is_some_and(|ended| ended < gone));
        match count {
            0 if due => {
                self.missed += 1;
                self.missed_last = true;
                self.sign(seen, Tone::Bad, "missing from the answer");
            }
            0 => {}
            count => {
                self.shown += 1;
                self.missed_last = false;
                self.doubled |= count > self.put && self.put > 0;
                let tone = if count > self.put { Tone::Bad } else { Tone::Good };
                self.sign(seen, tone, if count > 1 { "shown several times" } else { "shown" });
            }
        }
    }

    fn drawn(self, element: &Value) -> Life {
        let (fate, tone) = match () {
            () if self.put == 0 && self.shown + self.taken > 0 => ("from nowhere", Tone::Bad),
            () if self.doubled => ("duplicated", Tone::Bad),
            () if self.taken > self.put => ("taken twice", Tone::Bad),
            () if self.missed_last => ("lost", Tone::Bad),
            () if self.missed > 0 => ("stale", Tone::Bad),
            () if self.taken > 0 => ("taken", Tone::Good),
            () if self.shown > 0 => ("stable", Tone::Good),
            () if self.acknowledged.is_some() => ("never looked for", Tone::Plain),
            () => ("never seen", Tone::Unknown),
        };
        let Self { spans, signs, .. } = self;
        Life { name: name_of(element), fate: fate.into(), tone, spans, signs }
    }
}
