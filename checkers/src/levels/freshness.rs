//! How old what each read returned was, read by read: weakly regular and safe registers, and bounded staleness.
//!
//! A value had certainly been replaced before a read if another write to the key began after the value's write had ended,
//! and itself ended before the read began. How many such writes there were is how many versions the read missed; how long
//! ago the first of them had ended is how stale the read was. Where several calls may have written the value, the best of
//! them counts. An unknown write never ends: it replaces nothing for certain, and its value is never certainly replaced.

use super::calls::{Action, NEVER, Problem};

/// What is known of one observation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Freshness {
    /// The observation.
    pub call: u32,
    /// Whether every call that can have written what it saw began only after it had ended.
    pub from_the_future: bool,
    /// How many versions it certainly missed.
    pub missed: u64,
    /// How long before its beginning what it saw had certainly been replaced.
    pub age: u64,
    /// By which call first.
    pub replaced_by: Option<u32>,
    /// Whether a write to the key overlaps it.
    pub overlapped: bool,
}

/// A write as far as it matters here; 0 is before everything, so times are one later than in the history.
#[derive(Clone, Copy)]
struct Write {
    began: u64,
    ended: u64,
    call: u32,
    version: u32,
}

fn later(time: u64) -> u64 {
    if time == NEVER { NEVER } else { time.saturating_add(1) }
}

/// The latest ends among the writes that began so early, for each place in their order: the latest, and the latest of
/// another version than that.
struct Latest {
    writes: Vec<Write>,
    best: Vec<[Option<Write>; 2]>,
}

impl Latest {
    fn new(mut writes: Vec<Write>) -> Self {
        writes.sort_unstable_by_key(|write| (write.began, write.call));
        let (mut best, mut now) = (Vec::with_capacity(writes.len()), [None; 2]);
        for &write in &writes {
            now = merge(now, write);
            best.push(now);
        }
        Self { writes, best }
    }

    /// Among those that began by then.
    fn by(&self, time: u64) -> [Option<Write>; 2] {
        let upto = self.writes.partition_point(|write| write.began <= time);
        upto.checked_sub(1).map_or([None; 2], |last| self.best[last])
    }
}

fn merge([first, second]: [Option<Write>; 2], write: Write) -> [Option<Write>; 2] {
    let longer = |than: Option<Write>| than.is_none_or(|than| write.ended > than.ended);
    match first {
        Some(one) if one.version == write.version => {
            [if longer(first) { Some(write) } else { first }, second]
        }
        _ if longer(first) => [Some(write), first],
        _ if longer(second) => [first, Some(write)],
        _ => [first, second],
    }
}

/// Measures all observations of the calls of one key.
pub(super) fn measure(problem: &Problem, key: u32) -> Vec<Freshness> {
    let as_write = |call: u32, version: u32| {
        let at = &problem.calls[call as usize];
        Write { began: later(at.began), ended: later(at.ended), call, version }
    };
    let initial = Write { began: 0, ended: 0, call: u32::MAX, version: problem.initial[key as usize] };
    let possible = problem.makers(key).filter(|&call| problem.is_possible(call));
    let mut all: Vec<Write> = possible
        .filter_map(|call| problem.calls[call as usize].action.makes().map(|version| as_write(call, version)))
        .collect();
    let sure: Vec<Write> =
        all.iter().copied().filter(|write| !problem.calls[write.call as usize].optional).collect();
    all.push(initial);
    let any = Latest::new(all.clone());
    all.sort_by_key(|write| write.version);
    let same: Vec<(u32, Latest)> = all
        .chunk_by(|one, other| one.version == other.version)
        .map(|same| (same[0].version, Latest::new(same.to_vec())))
        .collect();
    let observations = problem
        .calls
        .iter()
        .enumerate()
        .filter(|(_, call)| call.key == key && call.action.observes() && !call.optional);
    let mut found: Vec<(Freshness, u64)> = Vec::new();
    for (number, call) in observations {
        let number = number as u32;
        let until = later(call.ended);
        let (none, but_itself) = ([None; 2], |write: &&Write| write.call != number);
        let source = match call.action {
            Action::Refused(other) => {
                any.by(until).into_iter().flatten().find(|write| write.version != other)
            }
            Action::Cas(from, to) if from == to => {
                let own = all.iter().filter(but_itself).filter(|write| write.version == from);
                own.filter(|write| write.began <= until).max_by_key(|write| write.ended).copied()
            }
            action => {
                let seen = action.sees();
                let place = same.binary_search_by_key(&seen, |(version, _)| Some(*version));
                place.map_or(none, |place| same[place].1.by(until))[0]
            }
        };
        let overlapped = overlaps(&any, number, until, later(call.began));
        let freshness = Freshness {
            call: number,
            from_the_future: source.is_none(),
            missed: 0,
            age: 0,
            replaced_by: None,
            overlapped,
        };
        found.push((freshness, source.map_or(NEVER, |source| source.ended)));
    }
    count_missed(problem, &sure, &mut found);
    found.into_iter().map(|(freshness, _)| freshness).collect()
}

/// Whether another write began before the observation ended, and ended after that began. A compare-and-set does not
/// overlap itself.
fn overlaps(any: &Latest, number: u32, until: u64, began: u64) -> bool {
    let upto = any.writes.partition_point(|write| write.began <= until);
    match upto.checked_sub(1).map(|last| any.best[last]) {
        Some([Some(first), _]) if first.call != number => first.ended >= began,
        // Only a compare-and-set comes here: it has the latest end itself, so the others are looked at one by one, from
        // the last to begin, as far back as one can still be under way.
        Some([Some(_), _]) => {
            let mut place = upto;
            while let Some(last) = place.checked_sub(1) {
                if any.writes[last].call != number && any.writes[last].ended >= began {
                    return true;
                }
                let earlier = last.checked_sub(1).and_then(|last| any.best[last][0]);
                if earlier.is_none_or(|earlier| earlier.ended < began) {
                    return false;
                }
                place = last;
            }
            false
        }
        _ => false,
    }
}

/// For each observation and the end of what it saw, which writes began after that and ended before the observation.
fn count_missed(problem: &Problem, sure: &[Write], found: &mut [(Freshness, u64)]) {
    let mut by_begin: Vec<Write> = sure.to_vec();
    by_begin.sort_unstable_by_key(|write| (write.began, write.call));
    let mut first_end: Vec<Write> = by_begin.clone();
    for place in (1..first_end.len()).rev() {
        if first_end[place].ended < first_end[place - 1].ended {
            first_end[place - 1] = first_end[place];
        }
    }
    let mut by_end: Vec<(u64, usize)> =
        by_begin.iter().enumerate().map(|(rank, write)| (write.ended, rank)).collect();
    by_end.sort_unstable();
    let mut order: Vec<usize> = (0..found.len()).collect();
    order.sort_by_key(|&place| problem.calls[found[place].0.call as usize].began);
    let mut ended = Tree(vec![0; by_begin.len() + 1]);
    let mut next = by_end.iter().peekable();
    for place in order {
        let (freshness, end) = &mut found[place];
        let began = later(problem.calls[freshness.call as usize].began);
        while let Some(&(_, rank)) = next.next_if(|(end, _)| *end < began) {
            ended.add(rank);
        }
        let from = by_begin.partition_point(|write| write.began <= *end);
        freshness.missed = ended.total() - ended.before(from);
        if freshness.missed > 0
            && let Some(first) = first_end.get(from)
        {
            freshness.age = began - first.ended;
            freshness.replaced_by = Some(first.call);
        }
    }
}

/// Counts of places, with sums over beginnings: a binary indexed tree.
struct Tree(Vec<u64>);

impl Tree {
    fn add(&mut self, place: usize) {
        let mut at = place + 1;
        while at < self.0.len() {
            self.0[at] += 1;
            at += at & at.wrapping_neg();
        }
    }

    fn before(&self, place: usize) -> u64 {
        let (mut at, mut sum) = (place, 0);
        while at > 0 {
            sum += self.0[at];
            at &= at - 1;
        }
        sum
    }

    fn total(&self) -> u64 {
        self.before(self.0.len() - 1)
    }
}

/// The calls that a stale read's proof rests on: it, all that can have written what it saw, or would have, and as many
/// writes that certainly came later as it missed, the first to end first, but no more than asked for.
pub(super) fn grounds(problem: &Problem, freshness: &Freshness, newer: u64) -> Vec<u32> {
    let observer = &problem.calls[freshness.call as usize];
    let mut calls = vec![freshness.call];
    match observer.action {
        Action::Refused(other) => {
            let fits = |call: &u32| problem.calls[*call as usize].action.makes() != Some(other);
            calls.extend(problem.makers(observer.key).filter(fits));
        }
        action => {
            let writers = action.sees().map_or(&[][..], |seen| &problem.writers[seen as usize]);
            calls.extend(writers.iter().copied().filter(|&call| call != freshness.call));
        }
    }
    let mut next = 1;
    while let Some(&call) = calls.get(next) {
        next += 1;
        let seen = problem.calls[call as usize].action.sees().filter(|_| !problem.is_possible(call));
        for &writer in seen.map_or(&[][..], |seen| &problem.writers[seen as usize]) {
            if !calls.contains(&writer) {
                calls.push(writer);
            }
        }
    }
    let end = calls[1..].iter().filter(|&&call| problem.is_possible(call));
    let end = end.map(|&call| &problem.calls[call as usize]);
    let end = end.filter(|call| call.began <= observer.ended).map(|call| call.ended).max();
    let mut later: Vec<u32> = problem
        .makers(observer.key)
        .filter(|&call| {
            let write = &problem.calls[call as usize];
            !write.optional && end.is_none_or(|end| write.began > end) && write.ended < observer.began
        })
        .collect();
    later.sort_by_key(|&call| problem.calls[call as usize].ended);
    calls.extend(later.into_iter().take(usize::try_from(newer).unwrap_or(usize::MAX)));
    calls.sort_unstable();
    calls.dedup();
    calls
}
