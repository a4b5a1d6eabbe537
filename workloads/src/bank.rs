//! The bank workload: transfers between a few accounts, and reads of all balances at once.
//!
//! The accounts are there before the first call, each with the same balance, so that the total is known. A database
//! carries out a transfer as a program does that trusts its transactions: it reads both balances and writes both back.

use checkers::transactions::ConstantTotal;
use history::{
    Key, Value,
    vocabulary::{
        Bank,
        bank::{self, Call},
    },
};
use rand::{Rng, RngExt};

use crate::{
    Checkers, Combine, Generator, Options, Workload, call, calls, each_thread, streams,
    workload::{Setting, paced},
};

/// The most that is transferred at once, where nobody says otherwise.
const AMOUNT_MAX: i64 = 20;

/// Of 256 calls, how many read.
const READ_SHARE: u32 = 96;

/// Transfers and reads of a bank.
#[derive(Clone, Copy, Debug)]
pub struct BankWorkload {
    /// The most that is transferred at once.
    pub amount_max: i64,
}

impl Default for BankWorkload {
    fn default() -> Self {
        Self { amount_max: AMOUNT_MAX }
    }
}

impl Workload for BankWorkload {
    type Vocabulary = Bank;

    fn name(&self) -> &str {
        "bank"
    }

    fn promise(&self) -> &str {
        "transfers neither make nor lose money, and every read of all balances shows the same total"
    }

    fn settings(&self) -> Vec<Setting> {
        vec![
            Setting::new("accounts", bank::ACCOUNTS, "how many accounts every database opens"),
            Setting::new("amount-max", self.amount_max, "the most that is transferred at once"),
        ]
    }

    /// What all accounts hold together.
    fn initial(&self) -> Value {
        Value::from(format!("{} in {} accounts", bank::ACCOUNTS * bank::OPENED_WITH, bank::ACCOUNTS).as_str())
    }

    fn generator(&self, options: &Options) -> Box<dyn Generator<Bank>> {
        let mut rng = streams::rng(options.seed, "workload/bank", 0);
        let amount_max = self.amount_max.max(1);
        let draw = move |_: &_| {
            if rng.next_u32() & 0xff < READ_SHARE {
                return Call::Read;
            }
            let from = rng.random_range(0..bank::ACCOUNTS);
            // Any account but the first.
            let to = (from + rng.random_range(1..bank::ACCOUNTS)) % bank::ACCOUNTS;
            Call::Transfer(Key::Int(from), Key::Int(to), rng.random_range(1..=amount_max))
        };
        paced(calls::<Bank, _>(draw), options)
    }

    fn final_generator(&self, _: &Options) -> Box<dyn Generator<Bank>> {
        each_thread(|_| call::<Bank>(Call::Read)).boxed()
    }

    fn checkers(&self, options: &Options) -> Checkers<Bank> {
        ConstantTotal::judges(&options.model.split(',').collect::<Vec<_>>())
    }
}
