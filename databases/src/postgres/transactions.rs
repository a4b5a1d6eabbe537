//! Transactions over lists and registers in PostgreSQL: one statement per step, between `BEGIN` and `COMMIT`.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Value,
    vocabulary::{ListAppend, LongFork, RwRegister, list_append, rw_register},
};

use super::client::{PostgresClients, is_rolled_back, parse, word};

/// A session that makes transactions.
pub(super) struct Transactions {
    pub(super) session: tokio_postgres::Client,
    pub(super) broken: bool,
}

/// Elements of a list are kept one after the other, with this between them.
const BETWEEN: char = ' ';

pub(super) type Failed = tokio_postgres::Error;

impl Transactions {
    pub(super) fn new(session: tokio_postgres::Client) -> Self {
        Self { session, broken: false }
    }

    async fn list_step(&self, step: &list_append::Step) -> Result<list_append::Answer, Failed> {
        match step {
            list_append::Step::Read(key) => {
                let rows =
                    self.session.query("SELECT v FROM lists WHERE k = $1", &[&key.to_string()]).await?;
                let text: Option<String> = rows.first().map(|row| row.try_get(0)).transpose()?;
                let list: Vec<Value> = text.iter().flat_map(|text| text.split(BETWEEN)).map(parse).collect();
                Ok(list_append::Answer::Read(key.clone(), Some(list.into())))
            }
            list_append::Step::Append(key, value) => {
                let append = "INSERT INTO lists VALUES ($1, $2) \
                              ON CONFLICT (k) DO UPDATE SET v = lists.v || ' ' || $2";
                self.session.execute(append, &[&key.to_string(), &value.to_string()]).await?;
                Ok(list_append::Answer::Append(key.clone(), value.clone()))
            }
        }
    }

    async fn register_step(&self, step: &rw_register::Step) -> Result<rw_register::Answer, Failed> {
        match step {
            rw_register::Step::Read(key) => {
                let rows =
                    self.session.query("SELECT v FROM registers WHERE k = $1", &[&key.to_string()]).await?;
                let text: Option<String> = rows.first().map(|row| row.try_get(0)).transpose()?;
                let value = text.map_or(Value::Nil, |text| parse(&text));
                Ok(rw_register::Answer::Read(key.clone(), Some(value)))
            }
            rw_register::Step::Write(key, value) => {
                let write = "INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = $2";
                self.session.execute(write, &[&key.to_string(), &value.to_string()]).await?;
                Ok(rw_register::Answer::Write(key.clone(), value.clone()))
            }
        }
    }

    /// Nothing was committed, whatever broke.
    pub(super) async fn roll_back<R>(&mut self, why: Reason) -> Outcome<R> {
        let ended = self.session.batch_execute("ROLLBACK").await;
        self.broken |= ended.is_err();
        Outcome::Fail(why)
    }

    pub(super) async fn commit<R>(&mut self, answers: R) -> Outcome<R> {
        match self.session.batch_execute("COMMIT").await {
            Ok(()) => Outcome::Ok(answers),
            Err(error) => {
                self.broken |= error.as_db_error().is_none() || self.session.is_closed();
                if is_rolled_back(&error) {
                    Outcome::Fail(word(&error))
                } else {
                    Outcome::Unknown(word(&error))
                }
            }
        }
    }
}

macro_rules! transactions {
    ($vocabulary:ty, $step:ty, $answer:ty, $do:ident) => {
        #[async_trait]
        impl ClientFactory<$vocabulary> for PostgresClients {
            async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<$vocabulary>>, Reason> {
                Ok(Box::new(Transactions::new(self.session(node).await?)))
            }
        }

        #[async_trait]
        impl Client<$vocabulary> for Transactions {
            async fn invoke(&mut self, call: &Vec<$step>) -> Outcome<Vec<$answer>> {
                if let Err(error) = self.session.batch_execute("BEGIN").await {
                    return self.roll_back(word(&error)).await;
                }
                let mut answers = Vec::with_capacity(call.len());
                for step in call {
                    match self.$do(step).await {
                        Ok(answer) => answers.push(answer),
                        Err(error) => return self.roll_back(word(&error)).await,
                    }
                }
                self.commit(answers).await
            }

            fn is_broken(&self) -> bool {
                self.broken
            }
        }
    };
}

transactions!(ListAppend, list_append::Step, list_append::Answer, list_step);
transactions!(RwRegister, rw_register::Step, rw_register::Answer, register_step);
transactions!(LongFork, rw_register::Step, rw_register::Answer, register_step);
