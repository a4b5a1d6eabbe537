//! The checker of registers on *all* histories up to a size, against a reference so plain that it is right at a glance.
//!
//! What a checker may say depends on which operations ended before which began and on nothing else of their times. Such
//! relations are the interval orders, and each has one shortest set of whole-numbered intervals: every number is the beginning of one
//! of them and the end of one. So all histories of a size are all such sets of intervals with an operation for each
//! interval, and two of them are the same but for the names of processes exactly if equal intervals carry the same
//! operations. An unknown outcome has no end, so it stands only on intervals that nothing comes after. Of histories that
//! differ by the names of values one is judged.
//!
//! A quick run goes to five operations on registers over two values and to three with compare-and-set over three.
//! `DISPROVE_EXHAUSTIVE=full cargo test --release -p disprove-checkers --test exhaustive -- --nocapture` goes to seven and five.

use disprove_checkers::{Budget, Checker, Validity, linearizability::Linearizable};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};
use rayon::prelude::*;

/// What an operation does. Values are numbers; 0 is the initial value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    Read(u8),
    Write(u8),
    Swap(u8, u8),
    Refused(u8),
}

/// An action, and whether its outcome is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Letter {
    unknown: bool,
    action: Action,
}

impl Letter {
    /// The value after it at this value, if it can happen there.
    fn apply(self, now: u8) -> Option<u8> {
        match self.action {
            Action::Read(seen) => (seen == now).then_some(now),
            Action::Write(to) => Some(to),
            Action::Swap(from, to) => (from == now).then_some(to),
            Action::Refused(from) => (from != now).then_some(now),
        }
    }

    /// The same with other names for the values.
    fn renamed(self, names: &[u8]) -> Self {
        let name = |value: u8| names[value as usize];
        let action = match self.action {
            Action::Read(seen) => Action::Read(name(seen)),
            Action::Write(to) => Action::Write(name(to)),
            Action::Swap(from, to) => Action::Swap(name(from), name(to)),
            Action::Refused(from) => Action::Refused(name(from)),
        };
        Self { action, ..self }
    }
}

/// Which operations there are.
#[derive(Clone, Copy, Debug)]
struct Family {
    name: &'static str,
    /// How many values are written.
    values: u8,
    /// Whether the initial value is one of them.
    first_is_one: bool,
    swaps: bool,
}

impl Family {
    /// The values by number.
    fn numbers(self) -> std::ops::Range<u8> {
        0..self.values + u8::from(!self.first_is_one)
    }

    fn written(self) -> std::ops::Range<u8> {
        u8::from(!self.first_is_one)..self.numbers().end
    }

    fn letters(self) -> Vec<Letter> {
        let mut actions: Vec<Action> = self.numbers().map(Action::Read).collect();
        if self.swaps {
            actions.extend(self.numbers().map(Action::Refused));
        }
        let mut changes: Vec<Action> = self.written().map(Action::Write).collect();
        if self.swaps {
            changes
                .extend(self.numbers().flat_map(|from| self.written().map(move |to| Action::Swap(from, to))));
        }
        let known =
            actions.into_iter().chain(changes.clone()).map(|action| Letter { unknown: false, action });
        let mut letters: Vec<Letter> =
            known.chain(changes.into_iter().map(|action| Letter { unknown: true, action })).collect();
        letters.sort_unstable();
        letters
    }

    /// All other names for the values but the initial one.
    fn renamings(self) -> Vec<Vec<u8>> {
        let mut all = vec![vec![0u8]];
        for _ in 1..self.numbers().end {
            let longer = |names: Vec<u8>| {
                let left = self.numbers().filter(|value| !names.contains(value)).collect::<Vec<_>>();
                left.into_iter().map(move |value| [names.as_slice(), &[value]].concat())
            };
            all = all.into_iter().flat_map(longer).collect();
        }
        all.retain(|names| !names.is_sorted());
        all
    }
}

/// Intervals that nothing shorter could stand for, in their order.
#[derive(Clone, Debug)]
struct Overlap {
    intervals: Vec<(u8, u8)>,
    /// Of each, which ended before it began, as bits.
    before: Vec<u8>,
}

/// All ways in which so many intervals can overlap.
fn overlaps(size: usize) -> Vec<Overlap> {
    let mut all = Vec::new();
    for points in 1..=size as u8 {
        let mut sets: Vec<Vec<(u8, u8)>> = vec![Vec::new()];
        for _ in 0..size {
            let longer = |set: Vec<(u8, u8)>| {
                let least = set.last().copied().unwrap_or((0, 0));
                // The next beginning is the same or the next number: none may be left out.
                let next = set.last().map_or(0, |last| last.0 + 1);
                (least.0..=next)
                    .flat_map(move |began| (began..points).map(move |end| (began, end)))
                    .filter(move |interval| *interval >= least && (interval.0 < points))
                    .map(move |interval| [set.as_slice(), &[interval]].concat())
            };
            sets = sets.into_iter().flat_map(longer).collect();
        }
        sets.retain(|set| {
            (0..points).all(|at| set.iter().any(|one| one.0 == at) && set.iter().any(|one| one.1 == at))
        });
        all.extend(sets.into_iter().map(|intervals| {
            let before = |one: &(u8, u8)| {
                (0..size).filter(|&i| intervals[i].1 < one.0).fold(0u8, |bits, i| bits | 1 << i)
            };
            Overlap { before: intervals.iter().map(before).collect(), intervals }
        }));
    }
    all
}

impl Overlap {
    /// Whether nothing comes after the operation.
    fn is_last(&self, i: usize) -> bool {
        self.before.iter().all(|before| before >> i & 1 == 0)
    }

    /// Whether some order explains every answer: which values are possible after exactly these operations, for all sets
    /// of them that can have happened before the others.
    fn explains(&self, word: &[Letter]) -> bool {
        let mut possible = [0u8; 1 << 7];
        possible[0] = 1;
        let must = (0..word.len()).filter(|&i| !word[i].unknown).fold(0usize, |bits, i| bits | 1 << i);
        for done in 0..1usize << word.len() {
            if possible[done] != 0 && done & must == must {
                return true;
            }
            for (i, letter) in word.iter().enumerate() {
                let before = usize::from(self.before[i]);
                if possible[done] == 0 || done >> i & 1 == 1 || done & before != before {
                    continue;
                }
                let after =
                    (0..8).filter(|now| possible[done] >> now & 1 == 1).filter_map(|now| letter.apply(now));
                possible[done | 1 << i] |= after.fold(0, |bits, now| bits | 1 << now);
            }
        }
        false
    }

    /// Whether just this order explains every answer.
    fn is_explained_by(&self, word: &[Letter], order: &[OpIndex]) -> bool {
        let (mut now, mut done) = (0, 0u8);
        for index in order {
            let i = index.0 as usize;
            let Some(next) = word[i].apply(now) else { return false };
            if done >> i & 1 == 1 || done & self.before[i] != self.before[i] {
                return false;
            }
            (now, done) = (next, done | 1 << i);
        }
        (0..word.len()).all(|i| word[i].unknown || done >> i & 1 == 1)
    }

    /// The order in which equal intervals have their letters in order.
    fn sorted(&self, word: &mut [Letter]) {
        let mut begin = 0;
        for i in 1..=word.len() {
            if i == word.len() || self.intervals[i] != self.intervals[begin] {
                word[begin..i].sort_unstable();
                begin = i;
            }
        }
    }

    /// Whether no renaming of the values leads to a smaller word.
    fn is_least(&self, word: &[Letter], renamings: &[Vec<u8>]) -> bool {
        let mut other = word.to_vec();
        renamings.iter().all(|names| {
            other.iter_mut().zip(word).for_each(|(other, letter)| *other = letter.renamed(names));
            self.sorted(&mut other);
            word <= other.as_slice()
        })
    }
}

/// How many histories of each sort were judged.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    valid: u64,
    invalid: u64,
    valid_unknown: u64,
    invalid_unknown: u64,
}

impl Count {
    fn plus(self, other: Self) -> Self {
        Self {
            valid: self.valid + other.valid,
            invalid: self.invalid + other.invalid,
            valid_unknown: self.valid_unknown + other.valid_unknown,
            invalid_unknown: self.invalid_unknown + other.invalid_unknown,
        }
    }

    fn all(self) -> u64 {
        self.valid + self.invalid + self.valid_unknown + self.invalid_unknown
    }
}

/// All histories of one overlap that begin with the same two letters.
struct Walk<'a> {
    family: Family,
    overlap: &'a Overlap,
    letters: &'a [Letter],
    renamings: &'a [Vec<u8>],
    checker: Linearizable,
    history: History<Register>,
    count: Count,
}

impl Walk<'_> {
    /// Puts every letter that may follow behind the word, and judges the words that are whole.
    fn extend(&mut self, word: &mut Vec<Letter>) {
        let at = word.len();
        if at == self.overlap.intervals.len() {
            if self.overlap.is_least(word, self.renamings) {
                self.judge(word);
            }
            return;
        }
        let same = at > 0 && self.overlap.intervals[at] == self.overlap.intervals[at - 1];
        let least = word.last().copied().filter(|_| same);
        for &letter in self.letters {
            if least.is_none_or(|least| least <= letter) && (!letter.unknown || self.overlap.is_last(at)) {
                word.push(letter);
                self.extend(word);
                word.pop();
            }
        }
    }

    fn judge(&mut self, word: &[Letter]) {
        for (operation, letter) in self.history.operations.iter_mut().zip(word) {
            operation.call = self.family.call(letter.action);
            operation.outcome = match letter.action {
                _ if letter.unknown => Outcome::Unknown("timeout".into()),
                Action::Read(seen) => Outcome::Ok(Return::Value(Some(self.family.value(seen)))),
                Action::Write(_) => Outcome::Ok(Return::Written),
                Action::Swap(..) => Outcome::Ok(Return::Swapped),
                Action::Refused(_) => Outcome::Ok(Return::Refused),
            };
        }
        let verdict = self.checker.check(&self.history, &Budget::default());
        let explained = self.overlap.explains(word);
        let expected = if explained { Validity::Valid } else { Validity::Invalid };
        assert_eq!(verdict.validity, expected, "{:?} {word:?}", self.overlap.intervals);
        if let Some(order) = &verdict.certificate {
            assert!(self.overlap.is_explained_by(word, order), "{:?} {word:?}", self.overlap.intervals);
        }
        assert_eq!(verdict.certificate.is_some(), explained, "a valid verdict comes with an order");
        let unknown = word.iter().any(|letter| letter.unknown);
        *match (explained, unknown) {
            (true, false) => &mut self.count.valid,
            (false, false) => &mut self.count.invalid,
            (true, true) => &mut self.count.valid_unknown,
            (false, true) => &mut self.count.invalid_unknown,
        } += 1;
    }
}

impl Family {
    fn value(self, number: u8) -> Value {
        if number == 0 && !self.first_is_one { Value::Nil } else { Value::Int(i64::from(number)) }
    }

    fn call(self, action: Action) -> Call {
        let x = Value::Int(0);
        match action {
            Action::Read(_) => Call::Read(x),
            Action::Write(to) => Call::Write(x, self.value(to)),
            Action::Swap(from, to) => Call::Cas(x, self.value(from), self.value(to)),
            Action::Refused(from) => Call::Cas(x, self.value(from), self.value(self.written().start)),
        }
    }

    /// A history of these intervals, whose calls are still to be written.
    fn history(self, overlap: &Overlap) -> History<Register> {
        let operations = (0u32..).zip(&overlap.intervals).map(|(i, &(began, ended))| Operation {
            index: OpIndex(i),
            process: Process(i),
            node: NodeId(0),
            call: Call::Read(Value::Int(0)),
            outcome: Outcome::Unknown("timeout".into()),
            began: Nanos(u64::from(began)),
            ended: Some(Nanos(u64::from(ended))),
        });
        let operations = operations.collect();
        let header = Header { initial: self.value(0), ..Header::new("register") };
        History { header, operations, faults: Vec::new(), damage: None }
    }

    /// Judges all histories of this size.
    fn judge_all(self, size: usize) -> Count {
        let (letters, renamings, overlaps) = (self.letters(), self.renamings(), overlaps(size));
        assert_eq!(overlaps.len(), [1, 1, 2, 5, 15, 53, 217, 1014][size], "interval orders of {size}");
        let tasks = overlaps.iter().flat_map(|overlap| letters.iter().map(move |&letter| (overlap, letter)));
        let tasks: Vec<(&Overlap, Letter)> =
            tasks.filter(|(overlap, letter)| !letter.unknown || overlap.is_last(0)).collect();
        let counts = tasks.par_iter().with_max_len(1).map(|&(overlap, letter)| {
            let mut checker = Linearizable::default();
            checker.anomalies_max = 0;
            let (letters, renamings) = (letters.as_slice(), renamings.as_slice());
            let (history, count) = (self.history(overlap), Count::default());
            let mut walk = Walk { family: self, overlap, letters, renamings, checker, history, count };
            walk.extend(&mut vec![letter]);
            walk.count
        });
        counts.reduce(Count::default, Count::plus)
    }
}

const FAMILIES: [Family; 4] = [
    Family { name: "register over 2 values, another at first", values: 2, first_is_one: false, swaps: false },
    Family {
        name: "register over 2 values, one of them at first",
        values: 2,
        first_is_one: true,
        swaps: false,
    },
    Family {
        name: "cas register over 3 values, another at first",
        values: 3,
        first_is_one: false,
        swaps: true,
    },
    Family {
        name: "cas register over 3 values, one of them at first",
        values: 3,
        first_is_one: true,
        swaps: true,
    },
];

fn every_history_is_judged_as_by_trying_every_order(family: &Family) {
    let full = std::env::var("DISPROVE_EXHAUSTIVE").is_ok_and(|size| size == "full");
    let most = match (full, family.swaps) {
        (true, false) => 7,
        (false, false) => 5,
        (true, true) => 5,
        (false, true) => 3,
    };
    let began = std::time::Instant::now();
    let count = (1..=most).map(|size| family.judge_all(size)).fold(Count::default(), Count::plus);
    println!(
        "{}: all {} histories of up to {most} operations in {:.1} s: {count:?}",
        family.name,
        count.all(),
        began.elapsed().as_secs_f64()
    );
    // All of them are there, so how many are right is as it is; but both verdicts must have been put to the test.
    let least = [count.valid, count.invalid, count.valid_unknown, count.invalid_unknown];
    assert!(least.iter().all(|sort| sort * 100 >= count.all()), "{count:?}");
}

#[test]
fn registers_that_begin_with_another_value() {
    every_history_is_judged_as_by_trying_every_order(&FAMILIES[0]);
}

#[test]
fn registers_that_begin_with_one_of_the_values() {
    every_history_is_judged_as_by_trying_every_order(&FAMILIES[1]);
}

#[test]
fn registers_with_compare_and_set_that_begin_with_another_value() {
    every_history_is_judged_as_by_trying_every_order(&FAMILIES[2]);
}

#[test]
fn registers_with_compare_and_set_that_begin_with_one_of_the_values() {
    every_history_is_judged_as_by_trying_every_order(&FAMILIES[3]);
}
