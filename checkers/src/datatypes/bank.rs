//! A bank: balances that only transfers change.

use std::collections::BTreeMap;

use history::{
    Key, Value,
    vocabulary::{
        Bank,
        bank::{Call, Return},
    },
};

use crate::DataType;

/// What is known of a bank before the first call: `100`, `100 in 8 accounts`, either followed by `with debts`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BankTerms {
    /// What all balances add up to; `None` where nobody says.
    pub total: Option<i64>,
    /// The accounts are those below this number, from 0 on; `None` where nobody says.
    pub accounts: Option<i64>,
    /// Whether a balance may be below zero.
    pub debts: bool,
}

impl BankTerms {
    /// The terms that an initial value describes; `None` where it is something else.
    pub fn parse(initial: &Value) -> Option<Self> {
        let text = match initial {
            Value::Nil => return Some(Self::default()),
            Value::Int(total) => return Some(Self { total: Some(*total), ..Self::default() }),
            Value::Text(text) => text.trim(),
        };
        let (text, debts) = match text.strip_suffix("with debts") {
            Some(text) => (text.trim(), true),
            None => (text, false),
        };
        if text.is_empty() {
            return debts.then_some(Self { debts, ..Self::default() });
        }
        let (total, accounts) = match text.split_once(" in ") {
            Some((total, rest)) => {
                let number = rest.trim().strip_suffix("accounts")?.trim().parse::<i64>().ok()?;
                (total, Some(number).filter(|number| *number > 0)?.into())
            }
            None => (text, None),
        };
        Some(Self { total: Some(total.trim().parse().ok()?), accounts, debts })
    }
}

/// A bank. Until a read shows the balances, it is only known how far each has moved since the beginning.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BankState {
    /// How much there is, or has been added, where that is not nothing.
    balances: BTreeMap<Key, i128>,
    is_known: bool,
    total: Option<i64>,
    debts: bool,
}

impl BankState {
    fn change(&mut self, account: &Key, by: i128) {
        let balance = self.balances.entry(account.clone()).or_default();
        *balance += by;
        if *balance == 0 {
            self.balances.remove(account);
        }
    }

    /// Whether a read can show these balances.
    fn shows(&self, balances: &[(Key, Option<i64>)]) -> bool {
        let Some(sum) = balances.iter().map(|(_, balance)| balance.map(i128::from)).sum::<Option<i128>>()
        else {
            return false;
        };
        let in_debt = balances.iter().any(|(_, balance)| balance.is_some_and(|balance| balance < 0));
        self.total.is_none_or(|total| i128::from(total) == sum) && (self.debts || !in_debt)
    }
}

impl DataType for BankState {
    type Vocabulary = Bank;

    fn initial(value: &Value) -> Self {
        let BankTerms { total, debts, .. } = BankTerms::parse(value).unwrap_or_default();
        Self { balances: BTreeMap::new(), is_known: false, total, debts }
    }

    fn step(&self, call: &Call, returned: Option<&Return>, next: &mut Vec<Self>) {
        match (call, returned) {
            (Call::Transfer(from, to, amount), _) => {
                let mut after = self.clone();
                after.change(from, -i128::from(*amount));
                after.change(to, i128::from(*amount));
                let is_short = after.balances.get(from).is_some_and(|balance| *balance < 0);
                if !(self.is_known && is_short && !self.debts) {
                    next.push(after);
                }
            }
            (Call::Read, Some(Return::Balances(shown))) if self.shows(shown) => {
                let balances = shown.iter().filter_map(|(account, balance)| {
                    balance
                        .filter(|balance| *balance != 0)
                        .map(|balance| (account.clone(), i128::from(balance)))
                });
                let balances: BTreeMap<Key, i128> = balances.collect();
                if !self.is_known {
                    let total = balances.values().sum::<i128>();
                    next.push(Self {
                        balances,
                        is_known: true,
                        total: i64::try_from(total).ok(),
                        debts: self.debts,
                    });
                } else if balances == self.balances {
                    next.push(self.clone());
                }
            }
            (Call::Read, Some(_)) => {}
            (Call::Read, None) => next.push(self.clone()),
        }
    }

    fn describe(&self) -> String {
        let text = |(account, balance): (&Key, &i128)| match self.is_known {
            true => format!("{account} {balance}"),
            false => format!("{account} {balance:+}"),
        };
        format!("{{{}}}", self.balances.iter().map(text).collect::<Vec<_>>().join(", "))
    }
}
