//! Transactions over rows in PostgreSQL: one statement per step, between `BEGIN` and `COMMIT`.
//!
//! Rows hold whole numbers. A change that finds no row to change, and an insert that finds one, is rolled back with its
//! whole transaction, so that what is recorded as done was done.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Key, Outcome, Reason, Value,
    vocabulary::{
        Predicate,
        predicate::{Answer, Call, Condition, Return, Step},
    },
};
use tokio_postgres::types::ToSql;

use super::{
    client::{PostgresClients, parse, word},
    transactions::{Failed, Transactions},
};

/// The table of the rows.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS numbers (k text PRIMARY KEY, v bigint NOT NULL);
    CREATE INDEX IF NOT EXISTS numbers_v ON numbers (v);";

/// Why a transaction was not carried out.
enum Refused {
    /// The server said so, or the connection broke.
    Failed(Failed),
    /// A step cannot be carried out.
    Impossible(&'static str),
}

impl From<Failed> for Refused {
    fn from(error: Failed) -> Self {
        Self::Failed(error)
    }
}

impl Refused {
    fn word(&self) -> Reason {
        match self {
            Self::Failed(error) => word(error),
            Self::Impossible(what) => (*what).into(),
        }
    }
}

fn number(value: &Value) -> Result<i64, Refused> {
    match value {
        Value::Int(number) => Ok(*number),
        Value::Nil | Value::Text(_) => Err(Refused::Impossible("rows hold whole numbers")),
    }
}

impl Transactions {
    async fn row_step(&self, step: &Step) -> Result<Answer, Refused> {
        match step {
            Step::Read(key) => {
                let read = "SELECT v FROM numbers WHERE k = $1";
                let rows = self.session.query(read, &[&key.to_string()]).await?;
                let found: Option<i64> = rows.first().map(|row| row.try_get(0)).transpose()?;
                Ok(Answer::Read(key.clone(), Some(found.map_or(Value::Nil, Value::Int))))
            }
            Step::Insert(key, value) => {
                let insert = "INSERT INTO numbers VALUES ($1, $2)";
                self.session.execute(insert, &[&key.to_string(), &number(value)?]).await?;
                Ok(Answer::Insert(key.clone(), value.clone()))
            }
            Step::Write(key, value) => {
                let write = "UPDATE numbers SET v = $2 WHERE k = $1";
                self.change(write, &[&key.to_string(), &number(value)?]).await?;
                Ok(Answer::Write(key.clone(), value.clone()))
            }
            Step::Delete(key) => {
                self.change("DELETE FROM numbers WHERE k = $1", &[&key.to_string()]).await?;
                Ok(Answer::Delete(key.clone()))
            }
            Step::Select(condition) => {
                Ok(Answer::Select(condition.clone(), Some(self.select(condition).await?)))
            }
        }
    }

    async fn change(&self, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<(), Refused> {
        match self.session.execute(statement, values).await? {
            0 => Err(Refused::Impossible("there is no such row")),
            _ => Ok(()),
        }
    }

    async fn select(&self, condition: &Condition) -> Result<Vec<(Key, Value)>, Refused> {
        let all = "SELECT k, v FROM numbers";
        let ask = |rest: &str| format!("{all} WHERE {rest}");
        let rows = match condition {
            Condition::All => self.session.query(all, &[]).await?,
            Condition::Equals(value) => self.session.query(&ask("v = $1"), &[&number(value)?]).await?,
            Condition::Modulo(by, rest) => {
                // The remainder of SQL has the sign of what is divided.
                self.session.query(&ask("mod(mod(v, $1) + $1, $1) = $2"), &[by, rest]).await?
            }
            Condition::Between(least, most) => {
                let ends: [i64; 2] = [number(least)?, number(most)?];
                self.session.query(&ask("v BETWEEN $1 AND $2"), &[&ends[0], &ends[1]]).await?
            }
            Condition::Keys(Key::Text(least), Key::Text(most)) => {
                self.session.query(&ask("k BETWEEN $1 AND $2"), &[&least.as_ref(), &most.as_ref()]).await?
            }
            Condition::Keys(..) => return Err(Refused::Impossible("rows are named by texts")),
        };
        let rows = rows.iter().map(|row| Ok((parse(row.try_get(0)?), Value::Int(row.try_get(1)?))));
        let mut found = rows.collect::<Result<Vec<_>, Failed>>()?;
        found.sort();
        Ok(found)
    }

    async fn steps(&self, steps: &[Step]) -> Result<Vec<Answer>, Refused> {
        let mut answers = Vec::with_capacity(steps.len());
        for step in steps {
            answers.push(self.row_step(step).await?);
        }
        Ok(answers)
    }
}

#[async_trait]
impl ClientFactory<Predicate> for PostgresClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Predicate>>, Reason> {
        Ok(Box::new(Transactions::new(self.session(node).await?)))
    }
}

#[async_trait]
impl Client<Predicate> for Transactions {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        if let Err(error) = self.session.batch_execute("BEGIN").await {
            return self.roll_back(word(&error)).await;
        }
        let done = match call {
            Call::Init(rows) => {
                // The rows that are there from the beginning are made in one transaction.
                let insert = |(key, value): &(Key, Value)| Step::Insert(key.clone(), value.clone());
                let steps: Vec<Step> = rows.iter().map(insert).collect();
                self.steps(&steps).await.map(|_| Return::Done)
            }
            Call::Transaction(steps) => self.steps(steps).await.map(Return::Transaction),
        };
        match done {
            Ok(answer) => self.commit(answer).await,
            Err(refused) => self.roll_back(refused.word()).await,
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
