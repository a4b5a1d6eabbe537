//! What is known of a whole problem before a search: until when each value can be seen, and what is interchangeable.

use rustc_hash::FxHashMap;

use crate::linearizability::{
    register::{Action, Problem},
    timeline::{NEVER, Timeline},
};

/// The unknown operations that do the same thing. They differ only in when they were called.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    pub action: Action,
    /// In the order of their calls.
    pub members: Vec<u32>,
    /// The ranks of these calls.
    pub called: Vec<u32>,
    /// The last rank at which one can make a difference.
    pub useful_until: u32,
}

/// A problem, and what is known of it before a search.
pub(super) struct Course<'a> {
    pub problem: &'a Problem,
    pub line: &'a Timeline,
    /// Of each value, the last rank at which an operation can see it.
    pub interest: Vec<u32>,
    /// The values, each with its interest, in the order in which they are seen for the last time.
    pub last_seen: Vec<(u32, u32)>,
    /// The last rank at which a refusal can look for another value.
    pub last_refusal: u32,
    pub kinds: Vec<Kind>,
    /// The kinds that write, by value.
    pub writers: FxHashMap<u32, u32>,
    /// The kinds that swap, by the value they find.
    pub swappers: FxHashMap<u32, Vec<u32>>,
    /// For each kind, in the order of their last use.
    pub last_used: Vec<(u32, u32)>,
    /// How many returns can be passed at most: at the next one something is seen that nobody made.
    pub hopeless: Option<u32>,
}

impl<'a> Course<'a> {
    pub fn new(problem: &'a Problem, line: &'a Timeline) -> Self {
        let last_refusal = last_refusal(problem, line);
        let interest = interest(problem, line, last_refusal);
        let mut last_seen: Vec<(u32, u32)> =
            (0u32..).zip(&interest).map(|(value, &until)| (until, value)).collect();
        last_seen.sort_unstable();
        let mut course = Self {
            problem,
            line,
            interest,
            last_seen,
            last_refusal,
            kinds: Vec::new(),
            writers: FxHashMap::default(),
            swappers: FxHashMap::default(),
            last_used: Vec::new(),
            hopeless: hopeless(problem, line),
        };
        course.sort_unknown();
        course
    }

    /// The one value that stands for all values that nobody can see any more.
    pub fn junk(&self) -> u32 {
        self.problem.values
    }

    /// The value at this rank, or junk if nobody can see it any more.
    pub fn visible(&self, value: u32, now: u32) -> u32 {
        match self.interest.get(value as usize) {
            Some(&until) if until >= now => value,
            _ => self.junk(),
        }
    }

    /// Sorts the unknown operations into kinds. Writes of values that nobody ever sees are one kind.
    fn sort_unknown(&mut self) {
        let mut numbers: FxHashMap<Action, u32> = FxHashMap::default();
        for &i in &self.line.calls {
            let action = self.problem.actions[i as usize];
            let called = self.line.call[i as usize];
            let (true, Some(to)) = (self.problem.spans[i as usize].optional, action.makes()) else {
                continue;
            };
            let useful_until = self.interest[to as usize].max(self.last_refusal);
            if useful_until <= called {
                continue;
            }
            let to = if self.interest[to as usize] == 0 { self.junk() } else { to };
            let action = match action {
                Action::Cas(from, _) => Action::Cas(from, to),
                _ => Action::Write(to),
            };
            let number = *numbers.entry(action).or_insert_with(|| {
                let number = u32::try_from(self.kinds.len()).expect("fewer kinds than operations");
                self.kinds.push(Kind { action, members: Vec::new(), called: Vec::new(), useful_until });
                match action {
                    Action::Cas(from, _) => self.swappers.entry(from).or_default().push(number),
                    _ => drop(self.writers.insert(to, number)),
                }
                number
            });
            self.kinds[number as usize].members.push(i);
            self.kinds[number as usize].called.push(called);
        }
        self.last_used =
            (0u32..).zip(&self.kinds).map(|(number, kind)| (kind.useful_until, number)).collect();
        self.last_used.sort_unstable();
    }
}

fn last_refusal(problem: &Problem, line: &Timeline) -> u32 {
    let refusals =
        problem.actions.iter().zip(&line.ret).filter(|(action, _)| matches!(action, Action::Refused(_)));
    refusals.map(|(_, &ret)| ret).max().unwrap_or(0)
}

/// The first return of an operation that saw a value which nobody can have made by then.
fn hopeless(problem: &Problem, line: &Timeline) -> Option<u32> {
    let mut made = vec![NEVER; problem.values as usize];
    made[0] = 0;
    for (action, &call) in problem.actions.iter().zip(&line.call) {
        if let Action::Write(to) | Action::Cas(_, to) = *action {
            made[to as usize] = made[to as usize].min(call);
        }
    }
    let unmade = |&i: &u32| match problem.actions[i as usize] {
        Action::Read(value) | Action::Cas(value, _) => made[value as usize] > line.ret[i as usize],
        _ => false,
    };
    let at = line.returns.iter().position(unmade)?;
    Some(u32::try_from(at).expect("fewer returns than ranks"))
}

/// Of each value, the last rank at which an operation can see it.
///
/// An unknown compare-and-set sees its value as long as the value it makes is seen, so ranks flow backwards along
/// these; the largest flow first and each value is settled once.
fn interest(problem: &Problem, line: &Timeline, last_refusal: u32) -> Vec<u32> {
    let mut interest = vec![0u32; problem.values as usize];
    let mut sources: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
    for (i, action) in problem.actions.iter().enumerate() {
        match *action {
            Action::Cas(from, to) if problem.spans[i].optional => {
                if from != to {
                    sources.entry(to).or_default().push(from);
                    interest[from as usize] = interest[from as usize].max(last_refusal);
                }
            }
            Action::Read(value) | Action::Cas(value, _) | Action::Refused(value) => {
                interest[value as usize] = interest[value as usize].max(line.ret[i]);
            }
            Action::Write(_) => {}
        }
    }
    if sources.is_empty() {
        return interest;
    }
    let mut open: std::collections::BinaryHeap<(u32, u32)> =
        (0u32..).zip(&interest).map(|(value, &until)| (until, value)).collect();
    while let Some((until, value)) = open.pop() {
        if until < interest[value as usize] {
            continue;
        }
        for &from in sources.get(&value).into_iter().flatten() {
            if interest[from as usize] < until {
                interest[from as usize] = until;
                open.push((until, from));
            }
        }
    }
    interest
}
