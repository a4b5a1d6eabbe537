//! The definitions of the levels that speak of who saw whose write, tried out in full.
//!
//! A world says which unknown writes happened and which write each observation saw. A history keeps a promise if one world
//! does.

use history::{
    History, Outcome, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};

use super::reference::Op;

/// Stands for the initial value.
pub const INITIAL: usize = usize::MAX;

pub struct World<'a> {
    pub ops: Vec<&'a Op>,
    pub happened: u32,
    /// What each operation saw; `None` where it saw nothing that matters.
    pub source: Vec<Option<usize>>,
}

pub fn makes(operation: &Op) -> Option<&Value> {
    match (&operation.call, operation.outcome.ok()) {
        (Call::Read(_), _) | (_, Some(Return::Refused)) => None,
        (Call::Write(_, to) | Call::Cas(_, _, to), _) => Some(to),
    }
}

/// Which values fit what an operation saw.
pub type Fits = Box<dyn Fn(&Value) -> bool>;

/// Whether the operation observes, and then which values fit.
pub fn fits(operation: &Op, initial: &Value) -> Option<Fits> {
    match (&operation.call, operation.outcome.ok()) {
        (Call::Read(_), Some(Return::Value(Some(Value::Nil)))) if *initial != Value::Nil => None,
        (Call::Read(_), Some(Return::Value(Some(seen)))) => {
            let seen = seen.clone();
            Some(Box::new(move |value| *value == seen))
        }
        (Call::Read(_) | Call::Write(..), _) => None,
        (Call::Cas(_, from, _), Some(Return::Refused)) => {
            let from = from.clone();
            Some(Box::new(move |value| *value != from))
        }
        (Call::Cas(_, from, _), _) => {
            let from = from.clone();
            Some(Box::new(move |value| *value == from))
        }
    }
}

fn certain(operation: &Op) -> bool {
    operation.outcome.ok().is_some()
}

/// The operations that did not fail.
pub fn not_failed(history: &History<Register>) -> Vec<&Op> {
    history.operations.iter().filter(|operation| !matches!(operation.outcome, Outcome::Fail(_))).collect()
}

/// Whether some world of these operations is accepted.
pub fn some_world(ops: &[&Op], initial: &Value, accepts: &mut dyn FnMut(&World) -> bool) -> bool {
    let optional: Vec<usize> =
        (0..ops.len()).filter(|&i| !certain(ops[i]) && is_possible(ops, i, initial)).collect();
    let sure = (0..ops.len()).filter(|&i| certain(ops[i])).fold(0u32, |set, i| set | 1 << i);
    for choice in 0..1u32 << optional.len() {
        let chosen = (0..optional.len()).filter(|i| choice >> i & 1 == 1);
        let happened = chosen.fold(sure, |set, i| set | 1 << optional[i]);
        let observers: Vec<usize> =
            (0..ops.len()).filter(|&i| happened >> i & 1 == 1 && fits(ops[i], initial).is_some()).collect();
        let candidates: Vec<Vec<usize>> = observers
            .iter()
            .map(|&r| {
                let fit = fits(ops[r], initial).expect("it observes");
                let writes = (0..ops.len()).filter(|&w| {
                    w != r
                        && happened >> w & 1 == 1
                        && ops[w].call.key() == ops[r].call.key()
                        && makes(ops[w]).is_some_and(&fit)
                });
                writes.chain(fit(initial).then_some(INITIAL)).collect()
            })
            .collect();
        let mut places = vec![0; observers.len()];
        if candidates.iter().any(Vec::is_empty) {
            continue;
        }
        'choices: loop {
            let mut source = vec![None; ops.len()];
            for (i, &r) in observers.iter().enumerate() {
                source[r] = Some(candidates[i][places[i]]);
            }
            if accepts(&World { ops: ops.to_vec(), happened, source }) {
                return true;
            }
            for i in 0..places.len() {
                places[i] += 1;
                if places[i] < candidates[i].len() {
                    continue 'choices;
                }
                places[i] = 0;
            }
            break;
        }
    }
    false
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Seen {
    MonotonicReads,
    MonotonicWrites,
    WritesFollowReads,
    Pram,
    Causal,
}

impl World<'_> {
    fn has(&self, i: usize) -> bool {
        self.happened >> i & 1 == 1
    }

    fn session(&self, a: usize, b: usize) -> bool {
        self.ops[a].process == self.ops[b].process && a < b && certain(self.ops[a]) && self.has(b)
    }

    fn writes(&self, i: usize) -> bool {
        self.has(i) && makes(self.ops[i]).is_some()
    }

    fn same_key(&self, a: usize, b: usize) -> bool {
        self.ops[a].call.key() == self.ops[b].call.key()
    }

    fn real_time(&self, a: usize, b: usize) -> bool {
        certain(self.ops[a]) && self.ops[a].ended.is_some_and(|end| end < self.ops[b].began)
    }

    /// The causal past of each operation; `None` if something is in its own.
    fn past(&self) -> Option<Vec<u32>> {
        let size = self.ops.len();
        let mut past: Vec<u32> = (0..size)
            .map(|b| {
                let before = (0..size).filter(|&a| self.has(a) && self.session(a, b));
                let seen = self.source[b].filter(|&source| source != INITIAL);
                before.chain(seen).fold(0, |set, a| set | 1 << a)
            })
            .collect();
        for via in 0..size {
            for b in 0..size {
                if past[b] >> via & 1 == 1 {
                    past[b] |= past[via];
                }
            }
        }
        (0..size).all(|i| past[i] >> i & 1 == 0).then_some(past)
    }

    /// Whether every process has a view.
    pub fn has_views(&self, seen: Seen) -> bool {
        let past = if seen == Seen::Causal {
            let Some(past) = self.past() else { return false };
            past
        } else {
            Vec::new()
        };
        (0..self.ops.len()).all(|i| {
            let first = (0..i).all(|j| self.ops[j].process != self.ops[i].process);
            !first || self.has_view(seen, i, &past)
        })
    }

    fn has_view(&self, seen: Seen, one_of: usize, past: &[u32]) -> bool {
        let size = self.ops.len();
        let own = |i: usize| self.ops[i].process == self.ops[one_of].process;
        let observes = |i: usize| self.source[i].is_some();
        let member = |i: usize| self.has(i) && (self.writes(i) || own(i));
        let before = |a: usize, b: usize| {
            let reads = own(a) && own(b) && observes(a) && observes(b) && self.session(a, b);
            match seen {
                Seen::MonotonicReads => reads,
                Seen::MonotonicWrites => reads || self.writes(a) && self.writes(b) && self.session(a, b),
                Seen::WritesFollowReads => {
                    let followed = |r: usize| self.source[r] == Some(a) && (r == b || self.session(r, b));
                    reads || self.writes(b) && (0..size).any(|r| self.has(r) && followed(r))
                }
                Seen::Pram => self.session(a, b),
                Seen::Causal => past[b] >> a & 1 == 1,
            }
        };
        let members: Vec<usize> = (0..size).filter(|&i| member(i)).collect();
        let needs: Vec<u32> = (0..size)
            .map(|b| members.iter().filter(|&&a| before(a, b)).fold(0, |set, &a| set | 1 << a))
            .collect();
        let all = members.iter().fold(0u32, |set, &i| set | 1 << i);
        let slot = |i: usize| {
            ["x", "y", "z"]
                .iter()
                .position(|name| *self.ops[i].call.key() == Value::from(*name))
                .expect("a key")
        };
        let mut known = std::collections::HashSet::new();
        let mut open = vec![(0u32, [INITIAL; 3])];
        while let Some((done, last)) = open.pop() {
            if done == all {
                return true;
            }
            if !known.insert((done, last)) {
                continue;
            }
            for &next in members.iter().filter(|&&i| done >> i & 1 == 0 && needs[i] & !done == 0) {
                let right = !own(next) || self.source[next].is_none_or(|source| last[slot(next)] == source);
                if right {
                    let mut last = last;
                    if self.writes(next) {
                        last[slot(next)] = next;
                    }
                    open.push((done | 1 << next, last));
                }
            }
        }
        false
    }

    /// All orders of these writes in which none comes before one that must precede it, until one is accepted.
    fn some_order(
        &self,
        writes: &[usize],
        before: &dyn Fn(usize, usize) -> bool,
        accepts: &mut dyn FnMut(&[usize]) -> bool,
    ) -> bool {
        let mut order: Vec<usize> = Vec::new();
        let mut next: Vec<usize> = vec![0];
        loop {
            let depth = order.len();
            if depth == writes.len() && accepts(&order) {
                return true;
            }
            let from = next[depth];
            let fits = |&&w: &&usize| {
                !order.contains(&w) && writes.iter().all(|&u| u == w || order.contains(&u) || !before(u, w))
            };
            match writes[from.min(writes.len())..].iter().find(fits) {
                Some(&w) => {
                    next[depth] = writes.iter().position(|&u| u == w).expect("it is there") + 1;
                    order.push(w);
                    next.push(0);
                }
                None => {
                    next.pop();
                    if order.pop().is_none() {
                        return false;
                    }
                }
            }
        }
    }

    fn all_writes(&self) -> Vec<usize> {
        (0..self.ops.len()).filter(|&i| self.writes(i)).collect()
    }

    /// Whether one order of all writes explains every observation by what it causally knows.
    pub fn converges(&self, real_time: bool) -> bool {
        let Some(past) = self.past() else { return false };
        let before = |a: usize, b: usize| past[b] >> a & 1 == 1 || real_time && self.real_time(a, b);
        let writes = self.all_writes();
        self.some_order(&writes, &before, &mut |order| {
            let right = (0..self.ops.len()).all(|r| {
                let known = |&&w: &&usize| past[r] >> w & 1 == 1 && self.same_key(w, r);
                let last = order.iter().rev().find(known).copied().unwrap_or(INITIAL);
                self.source[r].is_none_or(|source| source == last)
            });
            right && (!real_time || self.agrees_with_time(&past, order))
        })
    }

    /// Whether causes, real time and this order of the writes together have no cycle.
    fn agrees_with_time(&self, past: &[u32], order: &[usize]) -> bool {
        let size = self.ops.len();
        let mut before: Vec<u32> = (0..size)
            .map(|b| {
                let times = (0..size).filter(|&a| self.has(a) && self.has(b) && self.real_time(a, b));
                times.fold(past[b], |set, a| set | 1 << a)
            })
            .collect();
        order.windows(2).for_each(|pair| before[pair[1]] |= 1 << pair[0]);
        for via in 0..size {
            for b in 0..size {
                if before[b] >> via & 1 == 1 {
                    before[b] |= before[via];
                }
            }
        }
        (0..size).all(|i| before[i] >> i & 1 == 0)
    }

    /// Whether each process and key has an order of the writes in which no read misses an own write.
    pub fn reads_own_writes(&self) -> bool {
        (0..self.ops.len()).all(|r| {
            let Some(_) = self.source[r] else { return true };
            let process = self.ops[r].process;
            let writes: Vec<usize> = self.all_writes().into_iter().filter(|&w| self.same_key(w, r)).collect();
            let own = |i: usize| self.ops[i].process == process && self.same_key(i, r);
            let before = |a: usize, b: usize| own(a) && own(b) && self.session(a, b);
            self.some_order(&writes, &before, &mut |order| {
                let place = |w: usize| order.iter().position(|&u| u == w);
                (0..self.ops.len()).filter(|&o| own(o)).all(|o| {
                    let Some(source) = self.source[o] else { return true };
                    let mut mine = (0..o).filter(|&w| own(w) && self.writes(w) && self.session(w, o));
                    mine.all(|w| source != INITIAL && place(w) <= place(source))
                })
            })
        })
    }

    /// Whether the writes of one key have an order into which each observation fits by itself.
    pub fn is_regular(&self) -> bool {
        let writes = self.all_writes();
        let before = |a: usize, b: usize| self.real_time(a, b);
        self.some_order(&writes, &before, &mut |order| {
            (0..self.ops.len()).all(|r| {
                self.source[r]
                    .is_none_or(|source| (0..=order.len()).any(|at| self.has_place(r, source, order, at)))
            })
        })
    }

    fn has_place(&self, r: usize, source: usize, order: &[usize], at: usize) -> bool {
        let (earlier, later) = order.split_at(at);
        earlier.last().copied().unwrap_or(INITIAL) == source
            && !earlier.contains(&r)
            && earlier.iter().all(|&w| !self.real_time(r, w))
            && later.iter().all(|&w| !self.real_time(w, r))
    }
}

/// The operations of one key.
pub fn of_key<'a>(ops: &[&'a Op], key: &Value) -> Vec<&'a Op> {
    ops.iter().copied().filter(|operation| operation.call.key() == key).collect()
}

/// The writes that can have happened: not an unknown compare-and-set that nothing but others of the kind would allow.
pub fn possible<'a>(ops: &[&'a Op], initial: &Value) -> Vec<&'a Op> {
    let unsure = |op: &Op| !certain(op) && matches!(op.call, Call::Cas(..));
    let mut found: Vec<&Op> = ops.iter().copied().filter(|op| makes(op).is_some() && !unsure(op)).collect();
    loop {
        let more = ops.iter().copied().find(|op| {
            let there =
                |value: &Value| value == initial || found.iter().any(|write| makes(write) == Some(value));
            unsure(op)
                && found.iter().all(|write| write.index != op.index)
                && matches!(&op.call, Call::Cas(_, from, _) if there(from))
        });
        let Some(more) = more else { return found };
        found.push(more);
    }
}

fn is_possible(ops: &[&Op], i: usize, initial: &Value) -> bool {
    let own = of_key(ops, ops[i].call.key());
    possible(&own, initial).iter().any(|write| write.index == ops[i].index)
}

fn ends_before(a: &Op, b: &Op) -> bool {
    certain(a) && a.ended.is_some_and(|end| end < b.began)
}

/// Whether a read alone has a place among the writes of its key, which overlap or not.
fn is_regular_alone(read: &Op, writes: &[&Op], initial: &Value) -> bool {
    let fit = fits(read, initial).expect("it observes");
    let others: Vec<&Op> = writes.iter().copied().filter(|write| write.index != read.index).collect();
    let optional: Vec<usize> = (0..others.len()).filter(|&i| !certain(others[i])).collect();
    (0..1u32 << optional.len()).any(|choice| {
        let dropped = |i: usize| optional.iter().position(|&o| o == i).is_some_and(|o| choice >> o & 1 == 0);
        let mut ops: Vec<&Op> = (0..others.len()).filter(|&i| !dropped(i)).map(|i| others[i]).collect();
        ops.push(read);
        let count = ops.len() - 1;
        let world = World { happened: (1 << ops.len()) - 1, source: vec![None; ops.len()], ops };
        let all: Vec<usize> = (0..count).collect();
        let before = |a: usize, b: usize| ends_before(world.ops[a], world.ops[b]);
        world.some_order(&all, &before, &mut |order| {
            (0..=count).any(|at| {
                let (earlier, later) = order.split_at(at);
                let now = earlier.last().map_or(initial, |&w| makes(world.ops[w]).expect("a write"));
                fit(now)
                    && earlier.iter().all(|&w| !ends_before(read, world.ops[w]))
                    && later.iter().all(|&w| !ends_before(world.ops[w], read))
            })
        })
    })
}

/// Whether each read by itself is regular; or only those that no write overlaps.
pub fn reads_are_regular(history: &History<Register>, only_quiet: bool) -> bool {
    let (ops, initial) = (not_failed(history), &history.header.initial);
    ops.iter().filter(|op| certain(op) && fits(op, initial).is_some()).all(|read| {
        let own = of_key(&ops, read.call.key());
        let writes = possible(&own, initial);
        let fit = fits(read, initial).expect("it observes");
        let written = |write: &&Op| write.index != read.index && makes(write).is_some_and(&fit);
        if !fit(initial) && !writes.iter().any(written) {
            return false;
        }
        let quiet = writes
            .iter()
            .all(|write| write.index == read.index || ends_before(write, read) || ends_before(read, write));
        only_quiet && !quiet || is_regular_alone(read, &writes, initial)
    })
}

/// Of each answered observation, how many versions it missed and how long before it the first of them had ended, for the
/// best of the writes that fit; `None` where all that fit began after it.
pub fn staleness(history: &History<Register>) -> Vec<Option<(u64, u64)>> {
    let (ops, initial) = (not_failed(history), &history.header.initial);
    let observers = ops.iter().filter(|op| certain(op) && fits(op, initial).is_some());
    observers
        .map(|read| {
            let writes = possible(&of_key(&ops, read.call.key()), initial);
            let fit = fits(read, initial).expect("it observes");
            let newer_than = |write: Option<&Op>| {
                let newer = writes.iter().filter(|newer| {
                    ends_before(newer, read) && write.is_none_or(|write| ends_before(write, newer))
                });
                let ends: Vec<u64> = newer.map(|newer| newer.ended.expect("it ended").0).collect();
                let first = ends.iter().min().map_or(0, |end| read.began.0 - end);
                (ends.len() as u64, first)
            };
            let fitting = writes.iter().filter(|write| {
                write.index != read.index && makes(write).is_some_and(&fit) && !ends_before(read, write)
            });
            let all =
                fitting.map(|write| newer_than(Some(write))).chain(fit(initial).then(|| newer_than(None)));
            let all: Vec<(u64, u64)> = all.collect();
            let versions = all.iter().map(|(versions, _)| *versions).min()?;
            let age = all.iter().map(|(_, age)| *age).min()?;
            Some((versions, age))
        })
        .collect()
}
