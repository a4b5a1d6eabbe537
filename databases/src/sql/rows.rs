//! Transactions over rows: one statement per step, between `START TRANSACTION` and `COMMIT`.
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

use super::{Datum, SqlClients, Talk, Trouble, parse};

/// Why a transaction was not carried out.
enum Refused {
    /// The server said so, or the connection broke.
    Failed(Trouble),
    /// A step cannot be carried out.
    Impossible(&'static str),
}

impl From<Trouble> for Refused {
    fn from(trouble: Trouble) -> Self {
        Self::Failed(trouble)
    }
}

impl Refused {
    fn word(self) -> Reason {
        match self {
            Self::Failed(trouble) => trouble.word,
            Self::Impossible(what) => what.into(),
        }
    }
}

fn number(value: &Value) -> Result<Datum, Refused> {
    match value {
        Value::Int(number) => Ok(Datum::Number(*number)),
        Value::Nil | Value::Text(_) => Err(Refused::Impossible("rows hold whole numbers")),
    }
}

impl Talk {
    async fn row_step(&mut self, step: &Step) -> Result<Answer, Refused> {
        match step {
            Step::Read(key) => {
                let found = self.number("SELECT v FROM @numbers WHERE k = ?", &[Datum::of(key)]).await?;
                Ok(Answer::Read(key.clone(), Some(found.map_or(Value::Nil, Value::Int))))
            }
            Step::Insert(key, value) => {
                self.change("INSERT INTO @numbers VALUES (?, ?)", &[Datum::of(key), number(value)?]).await?;
                Ok(Answer::Insert(key.clone(), value.clone()))
            }
            Step::Write(key, value) => {
                let write = "UPDATE @numbers SET v = ? WHERE k = ?";
                self.must_change(write, &[number(value)?, Datum::of(key)]).await?;
                Ok(Answer::Write(key.clone(), value.clone()))
            }
            Step::Delete(key) => {
                self.must_change("DELETE FROM @numbers WHERE k = ?", &[Datum::of(key)]).await?;
                Ok(Answer::Delete(key.clone()))
            }
            Step::Select(condition) => {
                Ok(Answer::Select(condition.clone(), Some(self.select(condition).await?)))
            }
        }
    }

    async fn must_change(&mut self, template: &str, values: &[Datum]) -> Result<(), Refused> {
        match self.change(template, values).await? {
            0 => Err(Refused::Impossible("there is no such row")),
            _ => Ok(()),
        }
    }

    async fn select(&mut self, condition: &Condition) -> Result<Vec<(Key, Value)>, Refused> {
        let all = "SELECT k, v FROM @numbers";
        let ask = |rest: &str| format!("{all} WHERE {rest}");
        let rows = match condition {
            Condition::All => self.rows(all, &[]).await?,
            Condition::Equals(value) => self.rows(&ask("v = ?"), &[number(value)?]).await?,
            Condition::Modulo(by, rest) => {
                // The remainder of SQL has the sign of what is divided.
                let (by, rest) = (Datum::Number(*by), Datum::Number(*rest));
                self.rows(&ask("mod(mod(v, ?) + ?, ?) = ?"), &[by.clone(), by.clone(), by, rest]).await?
            }
            Condition::Between(least, most) => {
                self.rows(&ask("v BETWEEN ? AND ?"), &[number(least)?, number(most)?]).await?
            }
            Condition::Keys(Key::Text(least), Key::Text(most)) => {
                self.rows(&ask("k BETWEEN ? AND ?"), &[Datum::of(least), Datum::of(most)]).await?
            }
            Condition::Keys(..) => return Err(Refused::Impossible("rows are named by texts")),
        };
        let rows = rows.iter().map(|row| match &row[..] {
            [key, value] => Ok((parse(key.text()?), Value::Int(value.number()?))),
            _ => Err(Trouble::strange()),
        });
        let mut found = rows.collect::<Result<Vec<_>, Trouble>>()?;
        found.sort();
        Ok(found)
    }

    async fn steps(&mut self, steps: &[Step]) -> Result<Vec<Answer>, Refused> {
        let mut answers = Vec::with_capacity(steps.len());
        for step in steps {
            answers.push(self.row_step(step).await?);
        }
        Ok(answers)
    }
}

#[async_trait]
impl ClientFactory<Predicate> for SqlClients {
    async fn open(&self, cluster: &Cluster, node: &Node) -> Result<Box<dyn Client<Predicate>>, Reason> {
        Ok(Box::new(self.talk(cluster, node).await?))
    }
}

#[async_trait]
impl Client<Predicate> for Talk {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        if let Err(trouble) = self.begin().await {
            return self.roll_back(trouble.word).await;
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
