//! A bank: transfers between accounts, and reads of all balances at once. What one account loses another gains, so the
//! total never changes.

use serde::{Deserialize, Serialize};

use super::Vocabulary;
use crate::{Key, Value};

/// How many accounts a database opens for a run of this program. They are called 0, 1 and so on.
pub const ACCOUNTS: i64 = 8;

/// How much is in each of them before the first call.
pub const OPENED_WITH: i64 = 100;

/// Accounts between which money is transferred.
#[derive(Clone, Copy, Debug)]
pub struct Bank;

/// What is asked of a bank.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Call {
    /// Reads the balances of all accounts.
    Read,
    /// Takes an amount from the first account and gives it to the second.
    Transfer(Key, Key, i64),
}

/// What a bank answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Return {
    /// The transfer took place.
    Transferred,
    /// Every account with its balance; `None` where the database has the account and no balance.
    Balances(Vec<(Key, Option<i64>)>),
}

impl Vocabulary for Bank {
    const NAME: &'static str = "bank";
    type Call = Call;
    type Return = Return;

    fn kind(call: &Call) -> &'static str {
        match call {
            Call::Read => "read",
            Call::Transfer(..) => "transfer",
        }
    }

    /// A read is of all accounts, so it names none.
    fn keys(call: &Call) -> Vec<Key> {
        match call {
            Call::Read => Vec::new(),
            Call::Transfer(from, to, _) => vec![from.clone(), to.clone()],
        }
    }

    fn is_read(call: &Call) -> bool {
        matches!(call, Call::Read)
    }

    fn describe_call(call: &Call) -> String {
        match call {
            Call::Read => "read".into(),
            Call::Transfer(from, to, amount) => format!("transfer {amount} from {from} to {to}"),
        }
    }

    fn describe_return(_: &Call, returned: &Return) -> String {
        match returned {
            Return::Transferred => "transferred".into(),
            Return::Balances(balances) => {
                let text = |(account, balance): &(Value, Option<i64>)| match balance {
                    Some(balance) => format!("{account} {balance}"),
                    None => format!("{account} nil"),
                };
                format!("{{{}}}", balances.iter().map(text).collect::<Vec<_>>().join(", "))
            }
        }
    }
}
