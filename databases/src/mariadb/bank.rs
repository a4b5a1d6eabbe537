//! A bank in MariaDB. A transfer reads both balances and writes both back, as programs do that trust their transactions:
//! where the level does not prevent it, the later of two that read the same balance undoes the other.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason,
    vocabulary::{
        Bank,
        bank::{ACCOUNTS, Call, OPENED_WITH, Return},
    },
};
use mysql_async::prelude::Queryable as _;

use super::{
    client::{MariadbClients, open, parse, word},
    transactions::{Failed, Transactions},
};

/// Makes the accounts, one statement a line.
pub(super) fn first() -> String {
    let rows: Vec<String> = (0..ACCOUNTS).map(|account| format!("('{account}', {OPENED_WITH})")).collect();
    format!(
        "CREATE TABLE IF NOT EXISTS disprove.accounts (k VARCHAR(100) PRIMARY KEY, balance BIGINT NOT NULL) \
         ENGINE=InnoDB;\nINSERT IGNORE INTO disprove.accounts VALUES {};\n",
        rows.join(", ")
    )
}

impl Transactions {
    async fn balance(&mut self, account: &str) -> Result<Option<i64>, Failed> {
        self.session.exec_first("SELECT balance FROM accounts WHERE k = ?", (account,)).await
    }

    async fn write_balance(&mut self, account: &str, balance: i64) -> Result<(), Failed> {
        self.session.exec_drop("UPDATE accounts SET balance = ? WHERE k = ?", (balance, account)).await
    }

    /// The steps of a call; `None` where there is no such account, or not enough money in it.
    async fn bank_steps(&mut self, call: &Call) -> Result<Option<Return>, Failed> {
        let Call::Transfer(from, to, amount) = call else {
            let rows: Vec<(String, i64)> = self.session.exec("SELECT k, balance FROM accounts", ()).await?;
            let balances = rows.iter().map(|(account, balance)| (parse(account), Some(*balance)));
            let mut balances: Vec<_> = balances.collect();
            balances.sort();
            return Ok(Some(Return::Balances(balances)));
        };
        let (from, to) = (from.to_string(), to.to_string());
        let (Some(source), Some(target)) = (self.balance(&from).await?, self.balance(&to).await?) else {
            return Ok(None);
        };
        let Some(left) = source.checked_sub(*amount).filter(|left| *left >= 0 && from != to) else {
            return Ok(None);
        };
        let Some(sum) = target.checked_add(*amount) else { return Ok(None) };
        // Always in one order, so that two transfers do not wait for each other until one is given up.
        let mut written = [(from, left), (to, sum)];
        written.sort();
        for (account, balance) in &written {
            self.write_balance(account, *balance).await?;
        }
        Ok(Some(Return::Transferred))
    }
}

#[async_trait]
impl ClientFactory<Bank> for MariadbClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Bank>>, Reason> {
        Ok(Box::new(Transactions::new(open(node, self.isolation, self.topology).await?)))
    }
}

#[async_trait]
impl Client<Bank> for Transactions {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        if let Err(error) = self.session.query_drop("START TRANSACTION").await {
            return self.roll_back(word(&error)).await;
        }
        match self.bank_steps(call).await {
            Ok(Some(answer)) => self.commit(answer).await,
            Ok(None) => self.roll_back("there is not enough money".into()).await,
            Err(error) => self.roll_back(word(&error)).await,
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
