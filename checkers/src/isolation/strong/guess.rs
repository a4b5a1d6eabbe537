//! A first guess at the order: do what is possible, in the order of the history, and replace no version that somebody has
//! yet to read.

use std::{cmp::Reverse, collections::BinaryHeap};

use super::{
    super::problem::{Lists, NONE, Problem},
    layout::{Demand, Layout},
};

/// An order of all points that respects the certain edges, if they have no circle.
pub(super) fn order(problem: &Problem, layout: &Layout) -> Option<Vec<u32>> {
    let out = Lists::gather(layout.nodes, || layout.edges.iter().copied());
    let mut open = vec![0u32; layout.nodes];
    for &(_, to) in &layout.edges {
        open[to as usize] += 1;
    }
    let mut guess = Guess::new(problem, layout);
    let ready: Vec<u32> = (0..layout.nodes as u32).filter(|&node| open[node as usize] == 0).collect();
    ready.into_iter().for_each(|node| guess.push(node));
    let mut order = Vec::with_capacity(layout.nodes);
    while let Some(node) = guess.pop() {
        order.push(node);
        guess.place(node);
        for &next in out.of(node) {
            open[next as usize] -= 1;
            if open[next as usize] == 0 {
                guess.push(next);
            }
        }
    }
    (order.len() == layout.nodes).then_some(order)
}

struct Guess<'p> {
    problem: &'p Problem,
    layout: &'p Layout,
    hints: Vec<u64>,
    /// The version that each key has at this point of the order.
    current: Vec<u32>,
    /// How many have yet to read each version.
    pending: Vec<u32>,
    /// Who has taken a snapshot and not yet committed a write of each key.
    held: Vec<u32>,
    ready: BinaryHeap<Reverse<(u64, u32)>>,
    /// All that wait, and those that wait for something to change at each key.
    waiting: BinaryHeap<Reverse<(u64, u32)>>,
    waits: Vec<Vec<u32>>,
    state: Vec<State>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Fresh,
    Waiting,
    Placed,
}

impl<'p> Guess<'p> {
    fn new(problem: &'p Problem, layout: &'p Layout) -> Self {
        let versions = layout.readers.len();
        Self {
            problem,
            layout,
            hints: hints(problem, layout),
            current: (0..problem.keys.len()).map(|key| (problem.writes.len() + key) as u32).collect(),
            pending: (0..versions as u32).map(|version| layout.readers.of(version).len() as u32).collect(),
            held: vec![NONE; problem.keys.len()],
            ready: BinaryHeap::new(),
            waiting: BinaryHeap::new(),
            waits: vec![Vec::new(); problem.keys.len()],
            state: vec![State::Fresh; layout.nodes],
        }
    }

    fn push(&mut self, node: u32) {
        self.ready.push(Reverse((self.hints[node as usize], node)));
    }

    /// The next point: the first that is ready and disturbs nobody, or else the first that waits.
    fn pop(&mut self) -> Option<u32> {
        while let Some(Reverse((hint, node))) = self.ready.pop() {
            if self.state[node as usize] == State::Placed {
                continue;
            }
            match self.obstacle(node) {
                None => return Some(node),
                Some(key) => {
                    self.waits[key as usize].push(node);
                    if self.state[node as usize] == State::Fresh {
                        self.state[node as usize] = State::Waiting;
                        self.waiting.push(Reverse((hint, node)));
                    }
                }
            }
        }
        while let Some(Reverse((_, node))) = self.waiting.pop() {
            if self.state[node as usize] != State::Placed {
                return Some(node);
            }
        }
        None
    }

    /// A key where somebody would be disturbed.
    fn obstacle(&self, node: u32) -> Option<u32> {
        let t = self.layout.owner[node as usize];
        if t == NONE || self.problem.is_absent(t) {
            return None;
        }
        let writes = self.problem.writes(t).iter().copied();
        if node == self.layout.commit(t) {
            let unread = |key: &u32| {
                let version = self.current[*key as usize];
                let mine =
                    self.layout.demand == Demand::Serial && self.layout.readers.of(version).contains(&t);
                self.pending[version as usize] > u32::from(mine)
            };
            return writes.into_iter().find(unread);
        }
        let held = |key: &u32| self.held[*key as usize] != NONE;
        if self.layout.demand == Demand::Snapshot { writes.into_iter().find(held) } else { None }
    }

    fn place(&mut self, node: u32) {
        self.state[node as usize] = State::Placed;
        let t = self.layout.owner[node as usize];
        if t == NONE || self.problem.is_absent(t) {
            return;
        }
        if node == self.layout.begin(t) {
            for read in self.problem.reads(t) {
                let version = Layout::version(self.problem, read.from, read.key);
                self.pending[version as usize] -= 1;
                if self.pending[version as usize] <= 1 {
                    self.wake(read.key);
                }
            }
            self.problem.writes(t).iter().for_each(|&key| self.held[key as usize] = t);
        }
        if node == self.layout.commit(t) {
            for &key in self.problem.writes(t) {
                self.current[key as usize] = Layout::version(self.problem, t, key);
                if self.held[key as usize] == t {
                    self.held[key as usize] = NONE;
                }
                self.wake(key);
            }
        }
    }

    fn wake(&mut self, key: u32) {
        for node in std::mem::take(&mut self.waits[key as usize]) {
            self.push(node);
        }
    }
}

/// When each point is likely to be: by its time, or by its place in a history that seems to be in order, or by its place in
/// its session.
fn hints(problem: &Problem, layout: &Layout) -> Vec<u64> {
    let mut hints = vec![0; layout.nodes];
    let switches = problem.session.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let by_session = switches < 2 * problem.sessions as usize && problem.sessions > 1;
    let mut lengths = vec![0u64; problem.sessions as usize];
    let mut places = Vec::with_capacity(problem.len());
    for &session in &problem.session {
        places.push(lengths[session as usize]);
        lengths[session as usize] += 1;
    }
    for t in 0..problem.len() as u32 {
        let (begin, commit) = (layout.begin(t) as usize, layout.commit(t) as usize);
        let hint = match problem.spans.get(t as usize) {
            Some(span) => span.ended.unwrap_or(span.began),
            None if by_session => {
                (places[t as usize] << 32) / lengths[problem.session[t as usize] as usize].max(1)
            }
            None => u64::from(t),
        };
        hints[begin] = problem.spans.get(t as usize).map_or(hint, |span| span.began);
        hints[commit] = hint;
    }
    hints
}
