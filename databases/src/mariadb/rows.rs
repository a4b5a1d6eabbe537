//! Transactions over rows in MariaDB: one statement per step, between `START TRANSACTION` and `COMMIT`.
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
use mysql_async::prelude::Queryable as _;

use super::{
    client::{MariadbClients, open, parse, word},
    transactions::{Failed, Transactions},
};

/// The table of the rows, in one line. Its keys are ordered byte by byte, as those of a history are.
pub(super) const FIRST: &str = "\
CREATE TABLE IF NOT EXISTS disprove.numbers (k VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, v BIGINT NOT NULL, INDEX (v)) ENGINE=InnoDB;
";

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
    async fn row_step(&mut self, step: &Step) -> Result<Answer, Refused> {
        match step {
            Step::Read(key) => {
                let read = "SELECT v FROM numbers WHERE k = ?";
                let found: Option<i64> = self.session.exec_first(read, (key.to_string(),)).await?;
                Ok(Answer::Read(key.clone(), Some(found.map_or(Value::Nil, Value::Int))))
            }
            Step::Insert(key, value) => {
                let insert = "INSERT INTO numbers VALUES (?, ?)";
                self.session.exec_drop(insert, (key.to_string(), number(value)?)).await?;
                Ok(Answer::Insert(key.clone(), value.clone()))
            }
            Step::Write(key, value) => {
                let write = "UPDATE numbers SET v = ? WHERE k = ?";
                self.session.exec_drop(write, (number(value)?, key.to_string())).await?;
                self.must_have_changed()?;
                Ok(Answer::Write(key.clone(), value.clone()))
            }
            Step::Delete(key) => {
                self.session.exec_drop("DELETE FROM numbers WHERE k = ?", (key.to_string(),)).await?;
                self.must_have_changed()?;
                Ok(Answer::Delete(key.clone()))
            }
            Step::Select(condition) => {
                Ok(Answer::Select(condition.clone(), Some(self.select(condition).await?)))
            }
        }
    }

    fn must_have_changed(&self) -> Result<(), Refused> {
        match self.session.affected_rows() {
            0 => Err(Refused::Impossible("there is no such row")),
            _ => Ok(()),
        }
    }

    async fn select(&mut self, condition: &Condition) -> Result<Vec<(Key, Value)>, Refused> {
        let all = "SELECT k, v FROM numbers";
        let ask = |rest: &str| format!("{all} WHERE {rest}");
        let session = &mut self.session;
        let rows: Vec<(String, i64)> = match condition {
            Condition::All => session.exec(all, ()).await?,
            Condition::Equals(value) => session.exec(ask("v = ?"), (number(value)?,)).await?,
            Condition::Modulo(by, rest) => {
                // The remainder of SQL has the sign of what is divided.
                session.exec(ask("MOD(MOD(v, ?) + ?, ?) = ?"), (by, by, by, rest)).await?
            }
            Condition::Between(least, most) => {
                session.exec(ask("v BETWEEN ? AND ?"), (number(least)?, number(most)?)).await?
            }
            Condition::Keys(Key::Text(least), Key::Text(most)) => {
                session.exec(ask("k BETWEEN ? AND ?"), (least.as_ref(), most.as_ref())).await?
            }
            Condition::Keys(..) => return Err(Refused::Impossible("rows are named by texts")),
        };
        let mut found: Vec<(Key, Value)> =
            rows.iter().map(|(key, number)| (parse(key), Value::Int(*number))).collect();
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
impl ClientFactory<Predicate> for MariadbClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Predicate>>, Reason> {
        Ok(Box::new(Transactions::new(open(node, self.isolation, self.topology).await?)))
    }
}

#[async_trait]
impl Client<Predicate> for Transactions {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        if let Err(error) = self.session.query_drop("START TRANSACTION").await {
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
