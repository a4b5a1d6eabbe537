//! Banks: what one account loses another gains, so every read must show the same total.
//!
//! Whatever shows each reader one consistent state keeps that promise, so a total that is off proves a read skew, an
//! update that was lost, or half a transfer. Which promises of the lattice that breaks is said in [`levels`].

mod culprit;
pub(crate) mod levels;

use std::collections::BTreeMap;

use history::{
    History, Key, OpIndex, Operation, Outcome,
    vocabulary::{
        Bank,
        bank::{Call, Return},
    },
};

use super::findings::Findings;
use crate::{
    Anomaly, Budget, Checker, Validity, Verdict,
    datatypes::{self, BankTerms},
    lattice::Model,
};

/// Judges whether every read of a bank shows the same total, all accounts, and no debt where debts are not allowed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ConstantTotal {
    /// The promises of the lattice to judge by; without any, it is that the total is constant and nothing else.
    pub models: Vec<Model>,
    /// How many anomalies of each kind are described; all are counted.
    pub anomalies_max: usize,
}

impl Default for ConstantTotal {
    fn default() -> Self {
        Self { models: Vec::new(), anomalies_max: 16 }
    }
}

impl ConstantTotal {
    /// Judges what promises of the lattice forbid a bank to show.
    pub fn by(models: Vec<Model>) -> Self {
        Self { models, ..Self::default() }
    }

    /// Who judges a bank by promises of these names: `constant-total`, `linearizable`, and those of the lattice, which are
    /// judged in one go. Other names are passed over.
    pub fn judges(names: &[&str]) -> Vec<Box<dyn Checker<Bank>>> {
        let mut judges: Vec<Box<dyn Checker<Bank>>> = Vec::new();
        let mut models = Vec::new();
        for &name in names {
            if name == TOTAL {
                judges.push(Box::new(Self::default()));
            } else if let Some(checker) = datatypes::checker::<Bank>(name) {
                judges.push(checker);
            } else if let Ok(model) = Model::named(name) {
                models.push(model);
            }
        }
        if !models.is_empty() {
            judges.push(Box::new(Self::by(models)));
        }
        judges
    }
}

/// The name of the promise that the total is constant.
const TOTAL: &str = "constant-total";

/// A read that was answered.
#[derive(Clone, Copy, Debug)]
struct Read<'a> {
    operation: &'a Operation<Bank>,
    balances: &'a [(Key, Option<i64>)],
    total: i128,
}

impl Read<'_> {
    fn who(&self) -> String {
        format!("{} ({}, at {})", self.operation.index, self.operation.process, self.operation.began)
    }
}

/// What every total should be, and a read that says so where nobody else does.
#[derive(Clone, Copy, Debug)]
struct Expected {
    total: i128,
    /// The first read with that total, and how many have it.
    shown: Option<(OpIndex, usize)>,
}

impl Checker<Bank> for ConstantTotal {
    fn name(&self) -> String {
        match self.models.as_slice() {
            [] => TOTAL.into(),
            models => models.iter().map(|model| model.name()).collect::<Vec<_>>().join(","),
        }
    }

    fn check(&self, history: &History<Bank>, _: &Budget) -> Verdict {
        let mut verdict = Verdict {
            checker: self.name(),
            model: self.name(),
            operations: history.operations.len() as u64,
            ..Verdict::default()
        };
        let initial = &history.header.initial;
        let Some(terms) = BankTerms::parse(initial) else {
            verdict.validity = Validity::Unknown;
            verdict.notes.push(format!("the initial value {initial} is not understood: {WRONG_TERMS}"));
            return verdict;
        };
        let mut findings = Findings::new(self.anomalies_max);
        let reads = reads(history, &mut findings);
        if reads.is_empty() {
            verdict.validity = Validity::Unknown;
            verdict.notes.push("no read succeeded, so nothing is known about the total".into());
        }
        if let Some(expected) = expected(&reads, &terms) {
            totals(history, &reads, &expected, &mut findings, &mut verdict.notes);
        }
        rows(history, &reads, &terms, &mut findings);
        if !history.operations.iter().any(|one| one.call != Call::Read && one.outcome.ok().is_some()) {
            verdict.validity = verdict.validity.max(Validity::Unknown);
            verdict.notes.push("no transfer succeeded, so no total was ever in danger".into());
        }
        self.conclude(&terms, findings, &mut verdict);
        verdict
    }
}

/// What is said of an initial value that is no terms of a bank.
pub(crate) const WRONG_TERMS: &str =
    "a bank starts with its total, as in 100, `100 in 8 accounts` or `100 with debts`";

/// The reads in the order they began. Answers that answer something else are anomalies by themselves.
fn reads<'a>(history: &'a History<Bank>, findings: &mut Findings) -> Vec<Read<'a>> {
    let mut reads = Vec::new();
    for operation in &history.operations {
        match (&operation.call, &operation.outcome) {
            (Call::Read, Outcome::Ok(Return::Balances(balances))) => {
                let total = balances.iter().filter_map(|(_, balance)| *balance).map(i128::from).sum();
                reads.push(Read { operation, balances, total });
            }
            (Call::Read, Outcome::Ok(_)) | (Call::Transfer(..), Outcome::Ok(Return::Balances(_))) => {
                findings.add("mismatched-answer", || Anomaly {
                    sentence: format!(
                        "{} ({}) was answered with something that answers another call.",
                        operation.index, operation.process
                    ),
                    witness: vec![operation.index],
                    ..Anomaly::default()
                });
            }
            _ => {}
        }
    }
    reads.sort_by_key(|read| (read.operation.began, read.operation.index));
    reads
}

/// The total that was given, or the one that most reads show; of two that as many show, the one that was shown first.
fn expected(reads: &[Read<'_>], terms: &BankTerms) -> Option<Expected> {
    if let Some(total) = terms.total {
        return Some(Expected { total: i128::from(total), shown: None });
    }
    let mut counts: BTreeMap<i128, (usize, usize)> = BTreeMap::new();
    for (place, read) in reads.iter().enumerate().filter(|(_, read)| is_whole(read)) {
        counts.entry(read.total).or_insert((0, place)).0 += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, (count, place))| (*count, std::cmp::Reverse(*place)));
    most.map(|(total, (count, place))| Expected { total, shown: Some((reads[place].operation.index, count)) })
}

/// Whether all balances of a read are known.
fn is_whole(read: &Read<'_>) -> bool {
    read.balances.iter().all(|(_, balance)| balance.is_some())
}

fn totals(
    history: &History<Bank>,
    reads: &[Read<'_>],
    expected: &Expected,
    findings: &mut Findings,
    notes: &mut Vec<String>,
) {
    let search = culprit::Search::new(history, reads, expected.total);
    let (mut lowest, mut highest, mut last) = (expected.total, expected.total, None);
    for (place, read) in reads.iter().enumerate() {
        if read.total == expected.total || !is_whole(read) {
            continue;
        }
        lowest = lowest.min(read.total);
        highest = highest.max(read.total);
        last = Some(read);
        findings.add("wrong-total", || wrong_total(read, expected, search.of(place)));
    }
    if let Some(last) = last {
        notes.push(format!(
            "the total should be {}; the reads show from {lowest} to {highest}, and the last wrong one is {}",
            expected.total,
            last.who()
        ));
    }
}

fn wrong_total(read: &Read<'_>, expected: &Expected, culprit: culprit::Culprit<'_>) -> Anomaly {
    let off = (read.total - expected.total).abs();
    let direction = if read.total > expected.total { "too much" } else { "too little" };
    let right = match expected.shown {
        Some((first, 1)) => format!("while {first} shows {}", expected.total),
        Some((first, count)) => {
            format!("while {first} and {} other reads show {}", count - 1, expected.total)
        }
        None => format!("where it must always be {}", expected.total),
    };
    let mut witness = vec![read.operation.index];
    witness.extend(expected.shown.map(|(first, _)| first));
    witness.extend(culprit.witness());
    witness.sort_unstable();
    witness.dedup();
    Anomaly {
        sentence: format!(
            "{} read balances that add up to {}, {off} {direction}, {right}: {}.",
            read.who(),
            read.total,
            culprit.sentence()
        ),
        witness,
        ..Anomaly::default()
    }
}

/// What is wrong with single balances.
fn rows(history: &History<Bank>, reads: &[Read<'_>], terms: &BankTerms, findings: &mut Findings) {
    for read in reads {
        for (place, (account, balance)) in read.balances.iter().enumerate() {
            let found = |sentence: String| Anomaly {
                sentence,
                key: Some(account.clone()),
                witness: vec![read.operation.index],
                ..Anomaly::default()
            };
            if balance.is_none() {
                findings.add("missing-balance", || {
                    found(format!("{} read the account {account} without a balance.", read.who()))
                });
            }
            if let Some(debt) = balance.filter(|balance| *balance < 0 && !terms.debts) {
                findings.add("negative-balance", || negative(history, read, (account, debt)));
            }
            if terms.accounts.is_some_and(|count| !is_account(account, count)) {
                findings.add("unexpected-account", || {
                    found(format!("{} read an account {account}, which the bank does not have.", read.who()))
                });
            }
            if place > 0 && read.balances[place - 1].0 == *account {
                findings.add("duplicated-account", || {
                    found(format!("{} read the account {account} more than once.", read.who()))
                });
            }
        }
    }
}

fn is_account(account: &Key, count: i64) -> bool {
    matches!(account, Key::Int(number) if (0..count).contains(number))
}

/// A balance below zero, with the last transfer out of the account that had begun by then.
fn negative(history: &History<Bank>, read: &Read<'_>, (account, debt): (&Key, i64)) -> Anomaly {
    let took = history.operations.iter().filter(|operation| {
        let is_out = matches!(&operation.call, Call::Transfer(from, ..) if from == account);
        let had_begun = read.operation.ended.is_none_or(|end| operation.began <= end);
        is_out && had_begun && !matches!(operation.outcome, Outcome::Fail(_))
    });
    let last = took.max_by_key(|operation| (operation.began, operation.index));
    let after = last.map_or(String::new(), |last| match &last.call {
        Call::Transfer(_, to, amount) => {
            format!(", after {} ({}) had transferred {amount} from it to {to}", last.index, last.process)
        }
        Call::Read => String::new(),
    });
    let mut witness: Vec<OpIndex> = last.map(|last| last.index).into_iter().collect();
    witness.push(read.operation.index);
    witness.sort_unstable();
    Anomaly {
        sentence: format!(
            "{} read {debt} in the account {account}, though no debts are allowed{after}.",
            read.who()
        ),
        key: Some(account.clone()),
        witness,
        ..Anomaly::default()
    }
}
