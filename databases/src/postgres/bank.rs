//! A bank in PostgreSQL. A transfer reads both balances and writes both back, as programs do that trust their
//! transactions: where the level does not prevent it, the later of two that read the same balance undoes the other.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason,
    vocabulary::{
        Bank,
        bank::{Call, Return},
    },
};

use super::{
    client::{PostgresClients, parse, word},
    transactions::{Failed, Transactions},
};

/// Makes the accounts of a bank that was not opened before.
pub(super) fn tables() -> String {
    use history::vocabulary::bank::{ACCOUNTS, OPENED_WITH};
    format!(
        "CREATE TABLE IF NOT EXISTS accounts (k text PRIMARY KEY, balance bigint NOT NULL);
         INSERT INTO accounts SELECT number::text, {OPENED_WITH} FROM generate_series(0, {ACCOUNTS} - 1) AS number
         ON CONFLICT DO NOTHING;"
    )
}

impl Transactions {
    async fn balance(&self, account: &str) -> Result<Option<i64>, Failed> {
        let rows = self.session.query("SELECT balance FROM accounts WHERE k = $1", &[&account]).await?;
        rows.first().map(|row| row.try_get(0)).transpose()
    }

    async fn write_balance(&self, account: &str, balance: i64) -> Result<(), Failed> {
        let write = "UPDATE accounts SET balance = $2 WHERE k = $1";
        self.session.execute(write, &[&account, &balance]).await.map(|_| ())
    }

    /// The steps of a call; `None` where there is no such account, or not enough money in it.
    async fn bank_steps(&self, call: &Call) -> Result<Option<Return>, Failed> {
        let Call::Transfer(from, to, amount) = call else {
            let rows = self.session.query("SELECT k, balance FROM accounts", &[]).await?;
            let balances = rows.iter().map(|row| Ok((parse(row.try_get(0)?), Some(row.try_get(1)?))));
            let mut balances = balances.collect::<Result<Vec<_>, Failed>>()?;
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
impl ClientFactory<Bank> for PostgresClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Bank>>, Reason> {
        Ok(Box::new(Transactions::new(self.session(node).await?)))
    }
}

#[async_trait]
impl Client<Bank> for Transactions {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        if let Err(error) = self.session.batch_execute("BEGIN").await {
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
