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
        let mut events: Vec<(u64, u8, u32)> = Vec::with_capacity(spans.len() * 2);
        for (i, span) in (0u32..).zip(spans) {
            events.push((span.began, 0, i));
            match span.deadline {
                Some(deadline) => events.push((deadline.max(span.began), 1, i)),
                None if !span.optional => events.push((u64::MAX, 2, i)),
                None => {}
            }
        }
        events.sort_unstable();
        let mut line = Self {
            call: vec![0; spans.len()],
            ret: vec![NEVER; spans.len()],
            calls: Vec::with_capacity(spans.len()),
            returns: Vec::with_capacity(spans.len()),
        };
        for (rank, (_, kind, i)) in (0u32..).zip(events) {
            if kind == 0 {
                line.call[i as usize] = rank;
                line.calls.push(i);
            } else {
                line.ret[i as usize] = rank;
                if !spans[i as usize].optional {
                    line.returns.push(i);
                }
            }
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
