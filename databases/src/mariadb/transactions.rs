//! Transactions over lists and registers in MariaDB: one statement per step, between `START TRANSACTION` and `COMMIT`.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Value,
    vocabulary::{ListAppend, LongFork, RwRegister, list_append, rw_register},
};
use mysql_async::{Conn, prelude::Queryable as _};

use super::client::{MariadbClients, is_lost, is_taken_back, open, parse, word};

/// A session that makes transactions.
pub(super) struct Transactions {
    pub(super) session: Conn,
    pub(super) broken: bool,
}

/// Elements of a list are kept one after the other, with this between them.
const BETWEEN: char = ' ';

pub(super) type Failed = mysql_async::Error;

impl Transactions {
    pub(super) fn new(session: Conn) -> Self {
        Self { session, broken: false }
    }

    async fn list_step(&mut self, step: &list_append::Step) -> Result<list_append::Answer, Failed> {
        match step {
            list_append::Step::Read(key) => {
                let read = "SELECT v FROM lists WHERE k = ?";
                let text: Option<String> = self.session.exec_first(read, (key.to_string(),)).await?;
                let list: Vec<Value> = text.iter().flat_map(|text| text.split(BETWEEN)).map(parse).collect();
                Ok(list_append::Answer::Read(key.clone(), Some(list.into())))
            }
            list_append::Step::Append(key, value) => {
                let append = "INSERT INTO lists VALUES (?, ?) \
                              ON DUPLICATE KEY UPDATE v = CONCAT(v, ' ', VALUES(v))";
                self.session.exec_drop(append, (key.to_string(), value.to_string())).await?;
                Ok(list_append::Answer::Append(key.clone(), value.clone()))
            }
        }
    }

    async fn register_step(&mut self, step: &rw_register::Step) -> Result<rw_register::Answer, Failed> {
        match step {
            rw_register::Step::Read(key) => {
                let read = "SELECT v FROM registers WHERE k = ?";
                let text: Option<String> = self.session.exec_first(read, (key.to_string(),)).await?;
                let value = text.map_or(Value::Nil, |text| parse(&text));
                Ok(rw_register::Answer::Read(key.clone(), Some(value)))
            }
            rw_register::Step::Write(key, value) => {
                let write = "INSERT INTO registers VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)";
                self.session.exec_drop(write, (key.to_string(), value.to_string())).await?;
                Ok(rw_register::Answer::Write(key.clone(), value.clone()))
            }
        }
    }

    /// Nothing was committed, whatever broke. A session that cannot say so itself ends, and the server rolls back then.
    pub(super) async fn roll_back<R>(&mut self, why: Reason) -> Outcome<R> {
        let ended = self.session.query_drop("ROLLBACK").await;
        self.broken |= ended.is_err();
        Outcome::Fail(why)
    }

    pub(super) async fn commit<R>(&mut self, answers: R) -> Outcome<R> {
        match self.session.query_drop("COMMIT").await {
            Ok(()) => Outcome::Ok(answers),
            Err(error) => {
                self.broken |= is_lost(&error);
                if is_taken_back(&error) {
                    Outcome::Fail(word(&error))
                } else {
                    self.broken = true;
                    Outcome::Unknown(word(&error))
                }
            }
        }
    }
}

macro_rules! transactions {
    ($vocabulary:ty, $step:ty, $answer:ty, $do:ident) => {
        #[async_trait]
        impl ClientFactory<$vocabulary> for MariadbClients {
            async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<$vocabulary>>, Reason> {
                Ok(Box::new(Transactions::new(open(node, self.isolation, self.topology).await?)))
            }
        }

        #[async_trait]
        impl Client<$vocabulary> for Transactions {
            async fn invoke(&mut self, call: &Vec<$step>) -> Outcome<Vec<$answer>> {
                if let Err(error) = self.session.query_drop("START TRANSACTION").await {
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
