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
        let calls = ranked((0u32..).zip(spans).map(|(i, span)| (span.began, i)));
        let ended = |(i, span): (u32, &Span)| Some((span.deadline?.max(span.began), i));
        let mut returns = ranked((0u32..).zip(spans).filter_map(ended));
        // An operation that must take effect but has no return comes after all that have one.
        let endless = |(i, span): (u32, &Span)| (span.deadline.is_none() && !span.optional).then_some(i);
        let last = returns.len();
        returns.extend((0u32..).zip(spans).filter_map(endless));
        let mut line = Self { call: vec![0; spans.len()], ret: vec![NEVER; spans.len()], calls, returns };
        let mut rank = 0u32;
        let mut next = 0;
        for (place, &i) in line.returns.iter().enumerate() {
            let span = &spans[i as usize];
            let time =
                if place < last { span.deadline.map(|deadline| deadline.max(span.began)) } else { None };
            let time = time.unwrap_or(u64::MAX);
            while let Some(&called) = line.calls.get(next)
                && spans[called as usize].began <= time
            {
                line.call[called as usize] = rank;
                (rank, next) = (rank + 1, next + 1);
            }
            line.ret[i as usize] = rank;
            rank += 1;
        }
        for &called in &line.calls[next..] {
            line.call[called as usize] = rank;
            rank += 1;
        }
        line.returns.retain(|&i| !spans[i as usize].optional);
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

/// The numbers in the order of their times; equal times keep their order.
fn ranked(times: impl Iterator<Item = (u64, u32)> + Clone) -> Vec<u32> {
    let (mut least, mut greatest, mut highest, mut count, mut is_sorted) = (u64::MAX, 0, 0u32, 0usize, true);
    for (time, number) in times.clone() {
        is_sorted &= time >= greatest;
        (least, greatest) = (least.min(time), greatest.max(time));
        (highest, count) = (highest.max(number), count + 1);
    }
    if is_sorted {
        return times.map(|(_, number)| number).collect();
    }
    // Times of a run are close together, so that a time and a place mostly fit into one word.
    let differing = u64::BITS - (greatest - least).leading_zeros();
    let low = u32::BITS - highest.leading_zeros();
    if count < FEW || differing + low > u64::BITS {
        let mut times: Vec<(u64, u32)> = times.collect();
        times.sort_by_key(|&(time, _)| time);
        return times.into_iter().map(|(_, number)| number).collect();
    }
    let mut words: Vec<u64> = times.map(|(time, number)| (time - least) << low | u64::from(number)).collect();
    sort(&mut words, low, low + differing);
    let mask = (1u64 << low) - 1;
    words.into_iter().map(|word| (word & mask) as u32).collect()
}

/// Sorts words by the bits between two of them; equal ones keep their order.
fn sort(words: &mut Vec<u64>, from: u32, to: u32) {
    let mut sorted = vec![0; words.len()];
    for shift in (from..to).step_by(DIGIT as usize) {
        let digit = |word: u64| (word >> shift) as usize & ((1 << DIGIT) - 1);
        let mut places = [0usize; 1 << DIGIT];
        words.iter().for_each(|&word| places[digit(word)] += 1);
        let mut next = 0;
        for place in &mut places {
            next += std::mem::replace(place, next);
        }
        for &word in words.iter() {
            let place = &mut places[digit(word)];
            sorted[*place] = word;
            *place += 1;
        }
        std::mem::swap(words, &mut sorted);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_ranked_however_they_are_sorted() {
        let mut state = 7u64;
        let mut roll = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        // Few and many, close together and as far apart as times can be, with many that are equal.
        for (count, range) in [(0, 9), (1, 9), (50, 9), (5_000, 40), (5_000, 1 << 40), (5_000, u64::MAX)] {
            let times: Vec<(u64, u32)> = (0..count).map(|number| (roll() % range, 2 * number)).collect();
            let mut expected = times.clone();
            expected.sort_by_key(|&(time, _)| time);
            let expected: Vec<u32> = expected.into_iter().map(|(_, number)| number).collect();
            assert_eq!(ranked(times.iter().copied()), expected, "{count} times below {range}");
            let sorted = expected.iter().map(|number| (times[*number as usize / 2].0, *number));
            assert_eq!(ranked(sorted), expected);
        }
    }
}
