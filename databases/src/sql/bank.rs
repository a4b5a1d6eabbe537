//! A bank. A transfer reads both balances and writes both back, as programs do that trust their transactions: where the
//! level does not prevent it, the later of two that read the same balance undoes the other.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason,
    vocabulary::{
        Bank,
        bank::{Call, Return},
    },
};

use super::{Datum, SqlClients, Talk, Trouble, parse};

impl Talk {
    async fn balance(&mut self, account: &str) -> Result<Option<i64>, Trouble> {
        self.number("SELECT balance FROM @accounts WHERE k = ?", &[Datum::of(&account)]).await
    }

    async fn write_balance(&mut self, account: &str, balance: i64) -> Result<(), Trouble> {
        let write = "UPDATE @accounts SET balance = ? WHERE k = ?";
        self.change(write, &[Datum::Number(balance), Datum::of(&account)]).await.map(|_| ())
    }

    /// The steps of a call; `None` where there is no such account, or not enough money in it.
    async fn bank_steps(&mut self, call: &Call) -> Result<Option<Return>, Trouble> {
        let Call::Transfer(from, to, amount) = call else {
            let rows = self.rows("SELECT k, balance FROM @accounts", &[]).await?;
            let balances = rows.iter().map(|row| match &row[..] {
                [account, balance] => Ok((parse(account.text()?), Some(balance.number()?))),
                _ => Err(Trouble::strange()),
            });
            let mut balances = balances.collect::<Result<Vec<_>, Trouble>>()?;
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
impl ClientFactory<Bank> for SqlClients {
    async fn open(&self, cluster: &Cluster, node: &Node) -> Result<Box<dyn Client<Bank>>, Reason> {
        Ok(Box::new(self.talk(cluster, node).await?))
    }
}

#[async_trait]
impl Client<Bank> for Talk {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        if let Err(trouble) = self.begin().await {
            return self.roll_back(trouble.word).await;
        }
        match self.bank_steps(call).await {
            Ok(Some(answer)) => self.commit(answer).await,
            Ok(None) => self.roll_back("there is not enough money".into()).await,
            Err(trouble) => self.roll_back(trouble.word).await,
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
