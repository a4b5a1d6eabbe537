//! What databases that speak SQL have in common: statements, transactions, banks and rows are written once, and told in the
//! words of each family of dialects.
//!
//! A system brings its sessions ([`Opens`], [`Session`]) and what its errors mean ([`Trouble`]).

mod bank;
mod queues;
mod rows;
mod statements;
mod transactions;
mod wording;

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use cluster::{Cluster, Node, Speaks};
use history::{
    Outcome, Reason, Value,
    vocabulary::{
        Bank, Counter, Ids, ListAppend, LongFork, Mutex, Predicate, Queue, Register, RwRegister, Set,
    },
};

use crate::speaking::Speaker;
pub use wording::{Family, Wording};

/// What goes into a statement, and what comes out of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Datum {
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
}

impl Datum {
    fn of(value: &impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    fn text(&self) -> Result<&str, Trouble> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Number(_) => Err(Trouble::strange()),
        }
    }

    fn number(&self) -> Result<i64, Trouble> {
        match self {
            Self::Number(number) => Ok(*number),
            Self::Text(_) => Err(Trouble::strange()),
        }
    }
}

/// Why a statement was not answered.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// The error in a few words: its code and message where the server gave one.
    pub word: Reason,
    /// The server itself says that it took back what it was asked, or never began it.
    pub is_taken_back: bool,
    /// The server says that the key is there already.
    pub is_duplicate: bool,
    /// The session cannot go on.
    pub is_lost: bool,
}

impl Trouble {
    /// An answer that nobody expects: the session is of no more use, and what was asked may have been done.
    pub fn strange() -> Self {
        Self { word: "a strange answer".into(), is_taken_back: false, is_duplicate: false, is_lost: true }
    }

    /// The statement was carried out, and there was nothing for it to change.
    fn idle(why: &'static str) -> Self {
        Self { word: why.into(), is_taken_back: true, is_duplicate: false, is_lost: false }
    }
}

/// One session: one connection, opened once.
#[async_trait]
pub trait Session: Send {
    /// The rows that a statement finds.
    async fn rows(&mut self, statement: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, Trouble>;
    /// How many rows a statement changed, or found to change.
    async fn change(&mut self, statement: &str, values: &[Datum]) -> Result<u64, Trouble>;
    /// A statement without values and without an answer.
    async fn plain(&mut self, statement: &str) -> Result<(), Trouble>;
}

/// Opens sessions.
#[async_trait]
pub trait Opens: Send + Sync {
    /// A session with the server of a node, or with whoever it is that the clients of a node are to speak with, at the level
    /// that was asked for.
    async fn open(&self, cluster: &Cluster, node: &Node) -> Result<Box<dyn Session>, Reason>;
    /// The words of its dialect, and the names of its tables.
    fn wording(&self) -> Wording;
}

/// Opens clients of every vocabulary, each with a session of its own.
#[derive(Clone)]
pub struct SqlClients {
    opens: Arc<dyn Opens>,
    wording: Arc<Wording>,
}

impl fmt::Debug for SqlClients {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlClients").field("wording", &self.wording).finish_non_exhaustive()
    }
}

impl SqlClients {
    /// Clients over these sessions.
    pub fn new(opens: impl Opens + 'static) -> Self {
        let wording = Arc::new(opens.wording());
        Self { opens: Arc::new(opens), wording }
    }

    /// Everything that is spoken over SQL.
    pub fn speaks(self) -> Speaks {
        Speaks::default()
            .with::<Register>(self.clone())
            .with::<Set>(self.clone())
            .with::<ListAppend>(self.clone())
            .with::<RwRegister>(self.clone())
            .with::<Bank>(self.clone())
            .with::<LongFork>(self.clone())
            .with::<Counter>(self.clone())
            .with::<Mutex>(self.clone())
            .with::<Queue>(self.clone())
            .with::<Ids>(self.clone())
            .with::<Predicate>(self)
    }

    async fn talk(&self, cluster: &Cluster, node: &Node) -> Result<Talk, Reason> {
        let session = self.opens.open(cluster, node).await?;
        Ok(Talk { session, wording: Arc::clone(&self.wording), broken: false })
    }
}

/// A session, the words of its dialect, and whether it can go on.
struct Talk {
    session: Box<dyn Session>,
    wording: Arc<Wording>,
    broken: bool,
}

impl Talk {
    async fn rows(&mut self, template: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, Trouble> {
        self.session.rows(&self.wording.statement(template), values).await
    }

    async fn change(&mut self, template: &str, values: &[Datum]) -> Result<u64, Trouble> {
        self.session.change(&self.wording.statement(template), values).await
    }

    /// The one text that a statement finds, if it finds any.
    async fn text(&mut self, template: &str, values: &[Datum]) -> Result<Option<String>, Trouble> {
        let rows = self.rows(template, values).await?;
        rows.first().map(|row| Ok(first(row)?.text()?.to_owned())).transpose()
    }

    /// The one number that a statement finds, if it finds any.
    async fn number(&mut self, template: &str, values: &[Datum]) -> Result<Option<i64>, Trouble> {
        let rows = self.rows(template, values).await?;
        rows.first().map(|row| first(row)?.number()).transpose()
    }
}

fn first(row: &[Datum]) -> Result<&Datum, Trouble> {
    row.first().ok_or_else(Trouble::strange)
}

impl Speaker for Talk {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        self.broken |= trouble.is_lost;
        if is_read || trouble.is_taken_back {
            Outcome::Fail(trouble.word)
        } else {
            Outcome::Unknown(trouble.word)
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

/// A value as it was written: a number where it reads as one.
fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}
