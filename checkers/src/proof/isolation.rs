//! The definitions of the levels of isolation, as plainly as they can be written down. Witnesses are tried against them, and
//! so are the engines, on many small histories.

mod witness;

use history::{
    History, Outcome, RwRegister, Value,
    vocabulary::rw_register::{Answer, Step},
};

pub use witness::verify_level_witness;

use crate::isolation::Level;

/// The most transactions of which all orders are tried, and the most of which the fate is.
const ORDERED_MAX: usize = 8;
const UNKNOWN_MAX: usize = 10;

/// A transaction, by what it certainly or perhaps did.
struct Txn {
    ok: bool,
    unknown: bool,
    process: u32,
    began: u64,
    ended: Option<u64>,
    /// Key, value, and whether it is a write; reads with known answers only.
    steps: Vec<(Value, Value, bool)>,
}

impl Txn {
    fn last_write(&self, key: &Value) -> Option<&Value> {
        self.steps.iter().rev().find(|step| step.2 && step.0 == *key).map(|step| &step.1)
    }

    fn writes(&self, key: &Value) -> bool {
        self.last_write(key).is_some()
    }
}

/// A read of another transaction's value: who read, the rank of the read in its transaction, the key, and from whom;
/// nobody is the initial value.
struct Read {
    by: usize,
    rank: usize,
    key: Value,
    from: Option<usize>,
}

type Matrix = Vec<Vec<bool>>;

/// A choice of fates, with what follows from it.
struct World<'h> {
    txns: &'h [Txn],
    /// Who happened.
    happened: Vec<usize>,
    reads: Vec<Read>,
    session: Matrix,
    time: Matrix,
    read_from: Matrix,
}

/// Whether some fates and some orders make a history what the level promises; nothing if there are too many to try.
pub fn keeps_level(history: &History<RwRegister>, level: Level) -> Option<bool> {
    let txns: Vec<Txn> = history.operations.iter().map(txn).collect();
    let unknown: Vec<usize> = (0..txns.len()).filter(|&t| txns[t].unknown).collect();
    let known = txns.iter().filter(|txn| txn.ok).count();
    if unknown.len() > UNKNOWN_MAX || needs_orders(level) && unknown.len() + known > ORDERED_MAX {
        return None;
    }
    let untimed = history.header.untimed;
    Some((0..1usize << unknown.len()).any(|fates| {
        let happened: Vec<usize> = (0..txns.len())
            .filter(|t| match unknown.iter().position(|other| other == t) {
                Some(bit) => fates >> bit & 1 == 1,
                None => txns[*t].ok,
            })
            .collect();
        let world = World::new(&txns, happened, (&history.header.initial, untimed), level);
        world.is_some_and(|world| world.keeps(level))
    }))
}

/// Whether it takes a guess at an order of all transactions, and not only what follows from the answers.
fn needs_orders(level: Level) -> bool {
    use Level::*;
    matches!(
        level,
        WeakCausal
            | CausalMemory
            | Prefix
            | StrongSessionPrefix
            | SnapshotIsolation
            | StrongSessionSnapshotIsolation
            | StrongSnapshotIsolation
            | ParallelSnapshotIsolation
            | StrongSessionParallelSnapshotIsolation
            | Serializable
            | StrongSessionSerializable
            | StrictSerializable
    )
}

fn txn(operation: &history::Operation<RwRegister>) -> Txn {
    let steps = match &operation.outcome {
        Outcome::Ok(answers) => answers
            .iter()
            .filter_map(|answer| match answer {
                Answer::Read(key, value) => value.clone().map(|value| (key.clone(), value, false)),
                Answer::Write(key, value) => Some((key.clone(), value.clone(), true)),
            })
            .collect(),
        _ => operation
            .call
            .iter()
            .filter_map(|step| match step {
                Step::Read(_) => None,
                Step::Write(key, value) => Some((key.clone(), value.clone(), true)),
            })
            .collect(),
    };
    let ok = operation.outcome.ok().is_some();
    Txn {
        ok,
        unknown: matches!(operation.outcome, Outcome::Unknown(_)),
        process: operation.process.0,
        began: operation.began.0,
        ended: operation.ended.filter(|_| ok).map(|end| end.0),
        steps,
    }
}

fn matrix(size: usize, holds: impl Fn(usize, usize) -> bool) -> Matrix {
    (0..size).map(|one| (0..size).map(|other| holds(one, other)).collect()).collect()
}

fn closure(mut reach: Matrix) -> Matrix {
    for middle in 0..reach.len() {
        for from in 0..reach.len() {
            if reach[from][middle] {
                let further = reach[middle].clone();
                reach[from].iter_mut().zip(further).for_each(|(to, further)| *to |= further);
            }
        }
    }
    reach
}

fn union(one: &Matrix, other: &Matrix) -> Matrix {
    matrix(one.len(), |from, to| one[from][to] || other[from][to])
}

/// What a level says about reads that are wrong by themselves.
fn tolerates(level: Level, flaw: &str) -> bool {
    use Level::*;
    let weak = matches!(level, MonotonicReads | MonotonicWrites | WritesFollowReads);
    match flaw {
        "garbage" => false,
        "internal" => {
            weak || matches!(
                level,
                ReadCommitted
                    | MonotonicAtomicView
                    | StrongSessionReadCommitted
                    | StrongSessionMonotonicAtomicView
            )
        }
        _ => weak || matches!(level, ReadYourWrites | Pram),
    }
}

impl<'h> World<'h> {
    /// Nothing if a read is wrong by itself, or shows somebody who did not happen.
    fn new(
        txns: &'h [Txn],
        happened: Vec<usize>,
        (initial, untimed): (&Value, bool),
        level: Level,
    ) -> Option<Self> {
        let mut reads = Vec::new();
        for &by in happened.iter().filter(|&&t| txns[t].ok) {
            for (rank, (key, value, write)) in txns[by].steps.iter().enumerate() {
                if *write {
                    continue;
                }
                let before = &txns[by].steps[..rank];
                if let Some(own) = before.iter().rev().find(|step| step.2 && step.0 == *key) {
                    if own.1 == *value {
                        continue;
                    }
                    if !tolerates(level, "internal") {
                        return None;
                    }
                }
                if value == initial {
                    reads.push(Read { by, rank, key: key.clone(), from: None });
                    continue;
                }
                let writer = (0..txns.len())
                    .find(|&t| txns[t].steps.iter().any(|step| step.2 && step.0 == *key && step.1 == *value));
                let writer = writer?;
                if writer == by {
                    let own_before = before.iter().any(|step| step.2 && step.0 == *key);
                    if !own_before && !tolerates(level, "future") {
                        return None;
                    }
                    continue;
                }
                if !txns[writer].ok && !txns[writer].unknown {
                    if !tolerates(level, "aborted") {
                        return None;
                    }
                    continue;
                }
                if !happened.contains(&writer) {
                    return None;
                }
                if txns[writer].last_write(key) != Some(value) && !tolerates(level, "intermediate") {
                    return None;
                }
                reads.push(Read { by, rank, key: key.clone(), from: Some(writer) });
            }
        }
        let size = txns.len();
        let exists = |t: usize| happened.contains(&t);
        let session = matrix(size, |one, other| {
            let same = txns[one].process == txns[other].process;
            one < other && same && txns[one].ok && exists(one) && exists(other)
        });
        let time = matrix(size, |one, other| {
            !untimed
                && exists(one)
                && exists(other)
                && txns[one].ended.is_some_and(|end| end < txns[other].began)
        });
        let read_from = matrix(size, |one, other| {
            reads.iter().any(|read: &Read| read.by == other && read.from == Some(one))
        });
        Some(Self { txns, happened, reads, session, time, read_from })
    }

    fn size(&self) -> usize {
        self.txns.len()
    }

    /// The other writers of what was read.
    fn rivals<'a>(&'a self, read: &'a Read) -> impl Iterator<Item = usize> + 'a {
        let writes =
            move |t: &usize| self.txns[*t].writes(&read.key) && Some(*t) != read.from && *t != read.by;
        self.happened.iter().copied().filter(writes)
    }

    /// Whether there is an order of all who happened that contains these pairs and makes this true.
    fn some_order(&self, pairs: &Matrix, holds: &dyn Fn(&[usize]) -> bool) -> bool {
        let all = closure(pairs.clone());
        (0..all.len()).all(|t| !all[t][t]) && self.extend(pairs, holds, &mut Vec::new())
    }

    fn extend(&self, pairs: &Matrix, holds: &dyn Fn(&[usize]) -> bool, order: &mut Vec<usize>) -> bool {
        if order.len() == self.happened.len() {
            return holds(order);
        }
        for &t in &self.happened {
            let due = |other: &&usize| pairs[**other][t] && !order.contains(other);
            if order.contains(&t) || self.happened.iter().any(|other| due(&other)) {
                continue;
            }
            order.push(t);
            if self.extend(pairs, holds, order) {
                return true;
            }
            order.pop();
        }
        false
    }

    /// An order that contains these pairs, where a read shows the last of the writers that are visible to it.
    fn shows_last(&self, pairs: &Matrix, visible: &dyn Fn(usize, &Read) -> bool, by: Option<u32>) -> bool {
        let mut pairs = pairs.clone();
        for read in self.reads.iter().filter(|read| by.is_none_or(|by| self.txns[read.by].process == by)) {
            for rival in self.rivals(read).filter(|&rival| visible(rival, read)) {
                let Some(from) = read.from else { return false };
                pairs[rival][from] = true;
            }
        }
        self.some_order(&pairs, &|_| true)
    }

    fn each_session(&self, holds: impl Fn(u32) -> bool) -> bool {
        let mut sessions: Vec<u32> = self.txns.iter().map(|txn| txn.process).collect();
        sessions.sort_unstable();
        sessions.dedup();
        sessions.into_iter().all(holds)
    }

    fn keeps(&self, level: Level) -> bool {
        use Level::*;
        let none = matrix(self.size(), |_, _| false);
        let along = union(&self.session, &self.read_from);
        let causes = closure(along.clone());
        match level {
            ReadCommitted => self.some_order(&self.read_from, &|_| true),
            StrongSessionReadCommitted => self.some_order(&along, &|_| true),
            MonotonicAtomicView => {
                self.shows_last(&self.read_from, &|t, read| self.seen_before(t, read), None)
            }
            StrongSessionMonotonicAtomicView => {
                self.shows_last(&along, &|t, read| self.seen_before(t, read), None)
            }
            ReadAtomic => self.shows_last(&self.read_from, &|t, read| self.read_from[t][read.by], None),
            StrongSessionReadAtomic => self.shows_last(&along, &|t, read| along[t][read.by], None),
            CausalCerone => {
                let reads = closure(self.read_from.clone());
                self.shows_last(&reads, &|t, read| reads[t][read.by], None)
            }
            CausalConvergent => self.shows_last(&causes, &|t, read| causes[t][read.by], None),
            Causal => self.each_session(|s| self.shows_last(&causes, &|t, read| causes[t][read.by], Some(s))),
            WeakCausal => self.weakly_causal(&causes),
            CausalMemory => self.each_session(|s| self.remembers(&causes, s)),
            ReadYourWrites => {
                self.each_session(|s| self.shows_last(&none, &|t, read| self.session[t][read.by], Some(s)))
            }
            MonotonicReads => {
                self.each_session(|s| self.shows_last(&none, &|t, read| self.shown_before(t, read), Some(s)))
            }
            MonotonicWrites => self.each_session(|s| {
                let visible = |t: usize, read: &Read| {
                    self.sources(read).any(|source| source == t || self.session[t][source])
                };
                self.shows_last(&self.session, &visible, Some(s))
            }),
            WritesFollowReads => self.writes_follow_reads(),
            Pram => self.each_session(|s| self.pipelined(s)),
            Prefix => self.reads_prefixes(&self.read_from, false),
            StrongSessionPrefix => self.reads_prefixes(&along, false),
            SnapshotIsolation => self.reads_prefixes(&self.read_from, true),
            StrongSessionSnapshotIsolation => self.reads_prefixes(&along, true),
            StrongSnapshotIsolation => self.reads_prefixes(&union(&along, &self.time), true),
            ParallelSnapshotIsolation => self.parallel(&self.read_from),
            StrongSessionParallelSnapshotIsolation => self.parallel(&along),
            Serializable => self.serial(&self.read_from),
            StrongSessionSerializable => self.serial(&along),
            StrictSerializable => self.serial(&union(&along, &self.time)),
        }
    }

    /// Whether the reader's transaction had read from `t` before this read.
    fn seen_before(&self, t: usize, read: &Read) -> bool {
        self.reads.iter().any(|other| other.by == read.by && other.rank < read.rank && other.from == Some(t))
    }

    /// Whether the reader's session had read from `t` before this read.
    fn shown_before(&self, t: usize, read: &Read) -> bool {
        let earlier = |other: &&Read| self.session[other.by][read.by];
        self.seen_before(t, read) || self.reads.iter().filter(earlier).any(|other| other.from == Some(t))
    }

    /// From whom the transaction had read up to this read.
    fn sources<'a>(&'a self, read: &'a Read) -> impl Iterator<Item = usize> + 'a {
        let up_to = move |other: &&Read| other.by == read.by && other.rank <= read.rank;
        self.reads.iter().filter(up_to).filter_map(|other| other.from)
    }

    fn writes_follow_reads(&self) -> bool {
        // Whom a transaction, or an earlier one of its session, had read from comes before it.
        let follows = closure(matrix(self.size(), |one, other| {
            self.happened.iter().any(|&reader| {
                self.read_from[one][reader] && (reader == other || self.session[reader][other])
            })
        }));
        let visible =
            |t: usize, read: &Read| self.sources(read).any(|source| source == t || follows[t][source]);
        self.each_session(|s| self.shows_last(&follows, &visible, Some(s)))
    }

    fn pipelined(&self, session: u32) -> bool {
        let mine = |t: usize| self.txns[t].process == session;
        let own = matrix(self.size(), |one, other| self.read_from[one][other] && mine(other));
        let order = union(&self.session, &own);
        let visible = |t: usize, read: &Read| {
            let upto = |reader: usize| reader == read.by || self.session[reader][read.by];
            let shown = |reader: usize| {
                (0..self.size())
                    .any(|source| self.read_from[source][reader] && (source == t || self.session[t][source]))
            };
            self.session[t][read.by] || (0..self.size()).any(|reader| upto(reader) && shown(reader))
        };
        self.shows_last(&order, &visible, Some(session))
    }

    /// Every read by itself is explained by some order of its causal past.
    fn weakly_causal(&self, causes: &Matrix) -> bool {
        if (0..self.size()).any(|t| causes[t][t]) {
            return false;
        }
        self.reads.iter().all(|read| {
            let past = |t: usize| causes[t][read.by];
            self.some_order(causes, &|order| {
                let place = |t: usize| order.iter().position(|other| *other == t);
                self.rivals(read)
                    .filter(|&rival| past(rival))
                    .all(|rival| read.from.is_some_and(|from| place(rival) < place(from)))
            })
        })
    }

    /// One order of a session's transactions and their causal past explains all that the session read.
    fn remembers(&self, causes: &Matrix, session: u32) -> bool {
        let mine = |t: usize| self.txns[t].process == session && self.txns[t].ok;
        self.some_order(causes, &|order| {
            let place = |t: usize| order.iter().position(|other| *other == t);
            let past =
                |t: usize| mine(t) || self.happened.iter().any(|&other| mine(other) && causes[t][other]);
            self.reads.iter().filter(|read| mine(read.by)).all(|read| {
                let last = order
                    .iter()
                    .copied()
                    .rfind(|&t| past(t) && place(t) < place(read.by) && self.txns[t].writes(&read.key));
                last == read.from
            })
        })
    }

    /// Every transaction reads a prefix of one order; `conflicts` says that it includes all earlier writers of its keys.
    fn reads_prefixes(&self, base: &Matrix, conflicts: bool) -> bool {
        self.some_order(base, &|order| {
            let place = |t: usize| order.iter().position(|other| *other == t);
            let clash = |one: usize, other: usize| {
                self.txns[one].steps.iter().any(|step| step.2 && self.txns[other].writes(&step.0))
            };
            self.reads.iter().all(|read| {
                self.rivals(read).all(|rival| {
                    let visible = self.happened.iter().any(|&middle| {
                        let shows = base[middle][read.by]
                            || (conflicts && place(middle) < place(read.by) && clash(middle, read.by));
                        place(rival) <= place(middle) && shows
                    });
                    !visible || read.from.is_some_and(|from| place(rival) < place(from))
                })
            })
        })
    }

    fn parallel(&self, base: &Matrix) -> bool {
        self.some_order(base, &|order| {
            let place = |t: usize| order.iter().position(|other| *other == t);
            let clash = |one: usize, other: usize| {
                self.txns[one].steps.iter().any(|step| step.2 && self.txns[other].writes(&step.0))
            };
            let sees = closure(matrix(self.size(), |one, other| {
                base[one][other]
                    || (place(one).is_some()
                        && place(other).is_some()
                        && place(one) < place(other)
                        && clash(one, other))
            }));
            self.reads.iter().all(|read| {
                self.rivals(read)
                    .filter(|&rival| sees[rival][read.by])
                    .all(|rival| read.from.is_some_and(|from| place(rival) < place(from)))
            })
        })
    }

    fn serial(&self, base: &Matrix) -> bool {
        self.some_order(base, &|order| {
            let place = |t: usize| order.iter().position(|other| *other == t);
            self.reads.iter().all(|read| {
                self.rivals(read)
                    .filter(|&rival| place(rival) < place(read.by))
                    .all(|rival| read.from.is_some_and(|from| place(rival) < place(from)))
            })
        })
    }
}
