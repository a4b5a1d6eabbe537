//! When the operations of one part of a history were under way, as ranks instead of times.
//!
//! Equal times are concurrent, so at one time every call comes before every return. Operations that are under way
//! at the same time hold different *slots*; a slot is free again after its operation's return. A set of operations
//! under way is then a few machine words, however long the history is.

/// The rank of something that never happens.
pub(crate) const NEVER: u32 = u32::MAX;

/// When one operation was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// When it began.
    pub began: u64,
    /// By when it must have taken effect; `None` is never.
    pub deadline: Option<u64>,
    /// Whether it may never take effect at all.
    pub optional: bool,
}

/// The spans of a part, ranked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Timeline {
    /// Of each operation, the rank of its call among all calls and returns.
    pub call: Vec<u32>,
    /// Of each operation, the rank of its return; [`NEVER`] for one without.
    pub ret: Vec<u32>,
    /// The operations in the order of their calls.
    pub calls: Vec<u32>,
    /// The mandatory operations in the order of their returns. One that must take effect but has no return recorded
    /// comes last.
    pub returns: Vec<u32>,
}

impl Timeline {
    /// Ranks the spans. Ties are broken by place in the slice, so the result depends on nothing else.
    pub fn new(spans: &[Span]) -> Self {
        let mut calls: Vec<(u64, u32)> = (0u32..).zip(spans).map(|(i, span)| (span.began, i)).collect();
        let ended = |(i, span): (u32, &Span)| Some((span.deadline?.max(span.began), i));
        let mut returns: Vec<(u64, u32)> = (0u32..).zip(spans).filter_map(ended).collect();
        sort(&mut calls);
        sort(&mut returns);
        // An operation that must take effect but has no return comes after all that have one.
        let endless =
            |(i, span): (u32, &Span)| (span.deadline.is_none() && !span.optional).then_some((u64::MAX, i));
        returns.extend((0u32..).zip(spans).filter_map(endless));
        let mut line = Self {
            call: vec![0; spans.len()],
            ret: vec![NEVER; spans.len()],
            calls: Vec::with_capacity(spans.len()),
            returns: Vec::with_capacity(returns.len()),
        };
        let mut calls = calls.into_iter().peekable();
        let mut rank = 0u32;
        for (time, i) in returns {
            while let Some((_, called)) = calls.next_if(|&(began, _)| began <= time) {
                line.call[called as usize] = rank;
                line.calls.push(called);
                rank += 1;
            }
            line.ret[i as usize] = rank;
            if !spans[i as usize].optional {
                line.returns.push(i);
            }
            rank += 1;
        }
        for (_, called) in calls {
            line.call[called as usize] = rank;
            line.calls.push(called);
            rank += 1;
        }
        line
    }

    /// How many operations that must return were under way at a time at most.
    pub fn width(&self) -> usize {
        let (mut width, mut live, mut returns) = (0usize, 0usize, self.returns.iter().peekable());
        for &o in &self.calls {
            while returns.next_if(|&&r| self.ret[r as usize] < self.call[o as usize]).is_some() {
                live -= 1;
            }
            live += usize::from(self.ret[o as usize] != NEVER);
            width = width.max(live);
        }
        width
    }
}

/// How many bits of a time are sorted at once, and below how many times that does not pay.
const DIGIT: u32 = 11;
const FEW: usize = 4096;

/// Sorts by time; equal times keep their order. Times of a run are close together, so that few digits differ.
fn sort(times: &mut Vec<(u64, u32)>) {
    if times.is_sorted_by_key(|&(time, _)| time) {
        return;
    }
    if times.len() < FEW {
        return times.sort_by_key(|&(time, _)| time);
    }
    let differing = times.iter().fold(0, |bits, &(time, _)| bits | (time ^ times[0].0));
    let mut sorted = vec![(0, 0); times.len()];
    let mut shift = 0;
    while shift < u64::BITS && differing >> shift != 0 {
        let digit = |time: u64| (time >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0usize; 1 << DIGIT];
        times.iter().for_each(|&(time, _)| places[digit(time)] += 1);
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        for &entry in times.iter() {
            let place = &mut places[digit(entry.0)];
            sorted[*place] = entry;
            *place += 1;
        }
        std::mem::swap(times, &mut sorted);
        shift += DIGIT;
    }
}
