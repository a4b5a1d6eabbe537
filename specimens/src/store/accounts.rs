//! The accounts of a bank. A transfer reads both balances and writes both back, and nobody may owe anything.

use history::vocabulary::{
    Bank,
    bank::{ACCOUNTS, Call, OPENED_WITH, Return},
};
use serde::{Deserialize, Serialize};

use super::{
    contents::{Circumstances, Object},
    registers::Cell,
    table::Table,
};

/// The accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accounts(Table<Cell<i64>>);

impl Default for Accounts {
    /// All accounts are open from the beginning.
    fn default() -> Self {
        let account = |number: i64| (number.into(), Cell::first(OPENED_WITH));
        Self((0..ACCOUNTS).map(account).collect::<Vec<_>>().into())
    }
}

impl Object<Bank> for Accounts {
    fn read(&self, call: &Call) -> Option<Return> {
        let Call::Read = call else { return None };
        let balance = |(account, cell): (&history::Key, &Cell<i64>)| (account.clone(), Some(*cell.value()));
        Some(Return::Balances(self.0.iter().map(balance).collect()))
    }

    /// A transfer cannot be made from or to an account that is not there, nor of more than there is.
    fn change(&mut self, call: &Call, with: Circumstances) -> Option<Return> {
        let Call::Transfer(from, to, amount) = call else { return self.read(call) };
        let (source, target) = (*self.0.get(from)?.value(), *self.0.get(to)?.value());
        let left = source.checked_sub(*amount).filter(|left| *left >= 0 && from != to)?;
        let sum = target.checked_add(*amount).filter(|sum| *sum >= 0)?;
        for (account, balance) in [(from, left), (to, sum)] {
            self.0.get_mut(account)?.write(balance, with);
        }
        Some(Return::Transferred)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn balances(accounts: &Accounts) -> Vec<i64> {
        let Some(Return::Balances(balances)) = accounts.read(&Call::Read) else { panic!("a read reads") };
        balances.into_iter().filter_map(|(_, balance)| balance).collect()
    }

    #[test]
    fn what_one_account_loses_another_gains_and_nobody_owes() {
        let mut accounts = Accounts::default();
        let mut transfer = |from: i64, to: i64, amount| {
            accounts.change(&Call::Transfer(from.into(), to.into(), amount), Circumstances::default())
        };
        assert_eq!(transfer(0, 1, 30), Some(Return::Transferred));
        for (from, to, amount) in [(0, 1, 71), (0, 0, 1), (0, ACCOUNTS, 1), (0, 1, -131)] {
            assert_eq!(transfer(from, to, amount), None, "{amount} from {from} to {to}");
        }
        let balances = balances(&accounts);
        assert_eq!(balances[..3], [70, 130, 100]);
        assert_eq!(balances.iter().sum::<i64>(), ACCOUNTS * OPENED_WITH);
    }

    #[test]
    fn a_wall_clock_that_decides_makes_or_loses_money() {
        let mut accounts = Accounts::default();
        for (to, stamp_ns) in [(1_i64, 20), (2, 10)] {
            let with = Circumstances { stamp_ns, wall_wins: true, ..Circumstances::default() };
            accounts.change(&Call::Transfer(0.into(), to.into(), 10), with);
        }
        assert_eq!(balances(&accounts)[..3], [90, 110, 110]);
    }
}
