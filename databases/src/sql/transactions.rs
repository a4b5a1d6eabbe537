//! Transactions over lists and registers: one statement per step, between `START TRANSACTION` and `COMMIT`.
//!
//! Whatever breaks before `COMMIT` was sent, nothing was committed. A transaction in which a statement failed is rolled back
//! and never committed: some servers answer the `COMMIT` of such a transaction with `ROLLBACK` and no error, and some errors
//! take back one statement only.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Value,
    vocabulary::{ListAppend, LongFork, RwRegister, list_append, rw_register},
};

use super::{Datum, SqlClients, Talk, Trouble, parse};
use crate::speaking::Speaker;

/// Elements of a list are kept one after the other, with this between them.
const BETWEEN: char = ' ';

impl Talk {
    async fn list_step(&mut self, step: &list_append::Step) -> Result<list_append::Answer, Trouble> {
        match step {
            list_append::Step::Read(key) => {
                let text = self.text("SELECT v FROM @lists WHERE k = ?", &[Datum::of(key)]).await?;
                let list: Vec<Value> = text.iter().flat_map(|text| text.split(BETWEEN)).map(parse).collect();
                Ok(list_append::Answer::Read(key.clone(), Some(list.into())))
            }
            list_append::Step::Append(key, value) => {
                self.change(self.wording.append(), &[Datum::of(key), Datum::of(value)]).await?;
                Ok(list_append::Answer::Append(key.clone(), value.clone()))
            }
        }
    }

    async fn register_step(&mut self, step: &rw_register::Step) -> Result<rw_register::Answer, Trouble> {
        match step {
            rw_register::Step::Read(key) => {
                let text = self.text("SELECT v FROM @registers WHERE k = ?", &[Datum::of(key)]).await?;
                let value = text.map_or(Value::Nil, |text| parse(&text));
                Ok(rw_register::Answer::Read(key.clone(), Some(value)))
            }
            rw_register::Step::Write(key, value) => {
                self.change(self.wording.write(), &[Datum::of(key), Datum::of(value)]).await?;
                Ok(rw_register::Answer::Write(key.clone(), value.clone()))
            }
        }
    }

    pub(super) async fn begin(&mut self) -> Result<(), Trouble> {
        self.session.plain("START TRANSACTION").await
    }

    /// Nothing was committed, whatever broke. A session that cannot say so itself ends, and the server rolls back then.
    pub(super) async fn roll_back<R>(&mut self, why: Reason) -> Outcome<R> {
        let ended = self.session.plain("ROLLBACK").await;
        self.broken |= ended.is_err();
        Outcome::Fail(why)
    }

    pub(super) async fn commit<R>(&mut self, answers: R) -> Outcome<R> {
        match self.session.plain("COMMIT").await {
            Ok(()) => Outcome::Ok(answers),
            Err(trouble) => {
                // A `COMMIT` that was refused may leave the transaction open, and the next one would commit it on the way.
                if !trouble.is_lost {
                    let ended = self.session.plain("ROLLBACK").await;
                    self.broken |= ended.is_err();
                }
                self.outcome(trouble, false)
            }
        }
    }
}

macro_rules! transactions {
    ($vocabulary:ty, $step:ty, $answer:ty, $do:ident) => {
        #[async_trait]
        impl ClientFactory<$vocabulary> for SqlClients {
            async fn open(
                &self,
                cluster: &Cluster,
                node: &Node,
            ) -> Result<Box<dyn Client<$vocabulary>>, Reason> {
                Ok(Box::new(self.talk(cluster, node).await?))
            }
        }

        #[async_trait]
        impl Client<$vocabulary> for Talk {
            async fn invoke(&mut self, call: &Vec<$step>) -> Outcome<Vec<$answer>> {
                if let Err(trouble) = self.begin().await {
                    return self.roll_back(trouble.word).await;
                }
                let mut answers = Vec::with_capacity(call.len());
                for step in call {
                    match self.$do(step).await {
                        Ok(answer) => answers.push(answer),
                        Err(trouble) => return self.roll_back(trouble.word).await,
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
