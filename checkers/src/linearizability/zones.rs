//! Registers whose values are each made once, in linear time: the zones of Gibbons and Korach, over chains of swaps.
//!
//! The cluster of a value is what made it and the reads that saw it. Where every value is made once, a compare-and-set
//! that took effect says which cluster came right before its own, so clusters form chains that begin with a write or
//! with the initial value: *blocks*. Nothing else can happen inside a block.
//!
//! **Inside a block** the makers must take effect in their order. The one of value i can do so from `a(i)` on, the last
//! of its call and the calls of the reads of value i - 1, and until `b(i)`, the first of its return and the returns of the
//! reads of value i. There are instants for all of them exactly if no `b(i)` comes before an `a(j)` with j <= i; taking
//! each as early as possible shows it.
//!
//! **Between blocks** only the first `b` and the last `a` (or last call of a read) of a block matter. If that `b` comes
//! first the register must belong to the block all the time between the two (a *forward* zone), and between the two is
//! enough: every instant can be moved into it, since none need be before the first `b` or after the last `a`. Else the
//! whole block fits into any one instant from the last `a` to the first `b` (a *backward* zone). So there is an order
//! exactly if forward zones do not overlap and no backward zone lies inside a forward one.
//!
//! **Unknown outcomes** have no return. One whose value nobody saw need not have happened, and leaving it out only
//! makes room; one whose value was seen, or was found by a swap that must have happened, must have happened. A second
//! swap from a value that was there once, and a chain without a beginning, have no order.

use super::{
    decision::Decision,
    register::{Action, Problem},
    timeline::{NEVER, Timeline},
};

/// All that happened to one value. Ranks are shifted by one, so that 0 is before everything.
#[derive(Clone, Copy)]
struct Cluster {
    /// The call and the return of what made it; [`NEVER`] for a call that did not come, or a return that may not.
    called: u32,
    returned: u32,
    first_read_return: u32,
    last_read_call: u32,
    /// The value that a swap made of this one.
    next: u32,
    read: bool,
    /// Whether it must have been made.
    needed: bool,
}

impl Cluster {
    /// By when the value has been made.
    fn known(&self) -> u32 {
        self.returned.min(self.first_read_return)
    }
}

const NOT_MADE: Cluster = Cluster {
    called: NEVER,
    returned: NEVER,
    first_read_return: NEVER,
    last_read_call: 0,
    next: NEVER,
    read: false,
    needed: false,
};

/// Decides, if no value is made twice and nothing was refused.
pub(crate) fn decide(problem: &Problem, line: &Timeline) -> Option<Decision> {
    let history = Unambiguous { problem, line, makers: makers(problem)? };
    Some(match history.order(NEVER) {
        Ok(order) => Decision::Valid(history.place(&order)),
        Err(clash) => Decision::Invalid { reached: history.first_failure(clash) },
    })
}

/// The beginnings and ends of zones that contradict each other, as far as they are known.
type Clash = [u32; 4];

/// How often the first failure is sought where a contradiction is before it is sought by halving.
const GUESSES: usize = 12;

/// Of each value, what makes it; `None` if the values are ambiguous. The initial value is made by nothing.
fn makers(problem: &Problem) -> Option<Vec<u32>> {
    let mut makers = vec![NEVER; problem.values as usize];
    for (i, action) in (0u32..).zip(&problem.actions) {
        if let Action::Refused(_) = action {
            return None;
        }
        if let Action::Write(to) | Action::Cas(_, to) = *action
            && (action.makes().is_some() && (to == 0 || makers[to as usize] != NEVER))
        {
            return None;
        }
        if let Some(to) = action.makes() {
            makers[to as usize] = i;
        }
    }
    Some(makers)
}

struct Unambiguous<'a> {
    problem: &'a Problem,
    line: &'a Timeline,
    makers: Vec<u32>,
}

/// The chains of a history that has an order: where each begins, in that order, and what follows each value.
struct Order {
    roots: Vec<u32>,
    clusters: Vec<Cluster>,
}

impl Unambiguous<'_> {
    /// The value that the maker of this value found, if it is a swap.
    fn source(&self, value: u32) -> Option<u32> {
        let maker = self.makers[value as usize];
        match *self.problem.actions.get(maker as usize)? {
            Action::Cas(from, _) => Some(from),
            _ => None,
        }
    }

    /// The clusters of everything that was called before the cut; what had not returned by then is unknown.
    fn gather(&self, cut: u32) -> Vec<Cluster> {
        let line = self.line;
        let mut clusters = vec![NOT_MADE; self.makers.len()];
        clusters[0] = Cluster { called: 0, returned: 0, needed: true, ..NOT_MADE };
        for (i, action) in self.problem.actions.iter().enumerate() {
            let (called, returned) = (line.call[i], line.ret[i]);
            if called >= cut {
                continue;
            }
            match *action {
                Action::Read(value) | Action::Cas(value, _) if action.makes().is_none() => {
                    // What had not returned observed nothing yet.
                    if returned >= cut {
                        continue;
                    }
                    let cluster = &mut clusters[value as usize];
                    cluster.first_read_return = cluster.first_read_return.min(returned + 1);
                    cluster.last_read_call = cluster.last_read_call.max(called + 1);
                    cluster.read = true;
                    cluster.needed = true;
                }
                Action::Write(to) | Action::Cas(_, to) => {
                    let cluster = &mut clusters[to as usize];
                    cluster.called = called + 1;
                    if returned < cut {
                        cluster.returned = returned + 1;
                        cluster.needed = true;
                    }
                }
                _ => {}
            }
        }
        clusters
    }

    /// The rank of the first return that cannot be passed. Beginnings only get harder, so it could be found by halving;
    /// but a contradiction is there once all that takes part in it has returned, and mostly not before.
    fn first_failure(&self, mut clash: Clash) -> u32 {
        let (line, returns) = (self.line, &self.line.returns);
        let (mut passed, mut failed, mut turn) = (0usize, returns.len(), 0);
        while passed + 1 < failed {
            let whole = self.whole(&clash);
            let guess = returns.partition_point(|&i| line.ret[i as usize] <= whole);
            let middle = match guess {
                _ if turn > GUESSES || guess <= passed => (passed + failed) / 2,
                _ if guess >= failed => failed - 1,
                _ => guess,
            };
            match self.order(line.ret[returns[middle - 1] as usize] + 1) {
                Ok(_) => passed = middle,
                Err(earlier) => (failed, clash) = (middle, earlier),
            }
            turn += 1;
        }
        u32::try_from(passed).expect("fewer returns than ranks")
    }

    /// The last return of what takes part in a contradiction.
    fn whole(&self, clash: &Clash) -> u32 {
        let takes_part = |rank: u32| clash.contains(&(rank + 1));
        let line = self.line;
        (0..line.call.len())
            .filter(|&i| line.ret[i] != NEVER && (takes_part(line.call[i]) || takes_part(line.ret[i])))
            .map(|i| line.ret[i])
            .max()
            .unwrap_or(0)
    }

    /// Links the clusters into chains; a contradiction if one was found by two swaps, or needs what nobody made.
    fn link(&self, clusters: &mut [Cluster]) -> Result<(), Clash> {
        for value in 0..clusters.len() {
            if !clusters[value].needed {
                continue;
            }
            let mut value = value as u32;
            if clusters[value as usize].called == NEVER {
                return Err([clusters[value as usize].known(), 0, 0, 0]);
            }
            // What a swap found must have been made as well. A chain is followed once: it ends where one is linked.
            while let Some(from) = self.source(value) {
                let before = clusters[from as usize];
                if before.next == value {
                    break;
                }
                let known = clusters[value as usize].known();
                if before.next != NEVER {
                    return Err([known, clusters[before.next as usize].known(), 0, 0]);
                }
                if before.called == NEVER {
                    return Err([known, 0, 0, 0]);
                }
                let before = &mut clusters[from as usize];
                before.next = value;
                before.needed = true;
                value = from;
            }
        }
        Ok(())
    }

    /// The order of the blocks up to the cut, or why there is none.
    fn order(&self, cut: u32) -> Result<Order, Clash> {
        let mut clusters = self.gather(cut);
        self.link(&mut clusters)?;
        // Each rank belongs to one operation, so at each at most one block has the beginning of its zone.
        let mut begins = vec![NEVER; 2 * self.line.call.len() + 2];
        let (mut visited, mut needed) = (0usize, 0usize);
        let mut zones = vec![(0u32, 0u32); clusters.len()];
        for root in 0..clusters.len() {
            needed += usize::from(clusters[root].needed);
            if !clusters[root].needed || self.source(root as u32).is_some() {
                continue;
            }
            let (first, last, length) = fit(&clusters, root as u32)?;
            visited += length;
            zones[root] = (first, last);
            if last > 0 {
                begins[first.min(last) as usize] = root as u32;
            }
        }
        // A chain without a beginning is a circle.
        if visited != needed {
            return Err([0; 4]);
        }
        let mut roots = Vec::with_capacity(visited);
        let (mut start, mut end) = (0, 0);
        for root in begins.into_iter().filter(|&root| root != NEVER) {
            let (first, last) = zones[root as usize];
            if first < last {
                if first < end {
                    return Err([start, end, first, last]);
                }
                (start, end) = (first, last);
            } else if last < end && first < end {
                return Err([start, end, first, last]);
            }
            // A backward zone that begins inside a forward one reaches beyond it, so its block comes right after.
            roots.push(root);
        }
        Ok(Order { roots, clusters })
    }

    /// The whole order: block after block, in each cluster the maker and then the reads as they were called.
    fn place(&self, order: &Order) -> Vec<u32> {
        let mut begins = vec![0u32; self.makers.len() + 1];
        let reads = || {
            self.line.calls.iter().copied().filter_map(|i| match self.problem.actions[i as usize] {
                Action::Read(value) => Some((i, value)),
                Action::Cas(value, to) if value == to && !self.problem.spans[i as usize].optional => {
                    Some((i, value))
                }
                _ => None,
            })
        };
        for (_, value) in reads() {
            begins[value as usize + 1] += 1;
        }
        for value in 1..begins.len() {
            begins[value] += begins[value - 1];
        }
        let mut places = begins.clone();
        let mut sorted = vec![0u32; begins[begins.len() - 1] as usize];
        for (i, value) in reads() {
            let place = &mut places[value as usize];
            sorted[*place as usize] = i;
            *place += 1;
        }
        let mut whole = Vec::with_capacity(self.problem.actions.len());
        for &root in &order.roots {
            let mut value = root;
            while value != NEVER {
                if self.makers[value as usize] != NEVER {
                    whole.push(self.makers[value as usize]);
                }
                let (from, to) = (begins[value as usize], begins[value as usize + 1]);
                whole.extend_from_slice(&sorted[from as usize..to as usize]);
                value = order.clusters[value as usize].next;
            }
        }
        whole
    }
}

/// The first `b` and the last `a` of the block that begins here, and how many values it has; a contradiction if it has no
/// instants for all of its makers.
fn fit(clusters: &[Cluster], root: u32) -> Result<(u32, u32, usize), Clash> {
    let (mut first, mut last, mut length) = (NEVER, 0u32, 0usize);
    let mut value = root;
    while value != NEVER {
        let cluster = &clusters[value as usize];
        last = last.max(cluster.called);
        let latest = cluster.known();
        if latest < last {
            return Err([latest, last, 0, 0]);
        }
        first = first.min(latest);
        last = last.max(cluster.last_read_call);
        length += 1;
        value = cluster.next;
    }
    Ok((first, last, length))
}
