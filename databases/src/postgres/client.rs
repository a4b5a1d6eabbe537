//! Sessions with PostgreSQL, and what its errors mean.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | an error or a lost connection before `COMMIT` was sent | `Fail` | what is not committed is rolled back |
//! | `COMMIT` answered with SQLSTATE class 40 or 23 | `Fail` | the server says that it rolled back |
//! | a single statement answered with SQLSTATE class 40, 23 or 22 | `Fail` | the same |
//! | a standby answers with 25006 | `Fail` | it takes no writes, and says so before it begins |
//! | a read has no answer | `Fail` | a read changes nothing, so it did not happen |
//! | anything else without a clean answer | `Unknown` | it may have been committed before the connection broke |
//!
//! A transaction in which a statement failed is rolled back and never committed: PostgreSQL answers the `COMMIT` of
//! such a transaction with `ROLLBACK` and no error.

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Set, Value, Vocabulary,
    vocabulary::{
        Register,
        register::{self, Return as Answer},
        set,
    },
};
use tokio_postgres::{Config, NoTls};

use super::{Isolation, Topology, USER, port};

/// Opens sessions whose transactions have this level, each with the server of its own node.
#[derive(Clone, Copy, Debug)]
pub struct PostgresClients {
    /// The level.
    pub isolation: Isolation,
    /// How the servers stand to each other.
    pub topology: Topology,
}

impl PostgresClients {
    /// A session with the server of a node. A standby knows no serializable transactions.
    pub(super) async fn session(self, node: &Node) -> Result<tokio_postgres::Client, Reason> {
        let is_standby = self.topology != Topology::Single && node.id.0 != 0;
        open(node, if is_standby { self.isolation.below_serializable() } else { self.isolation }).await
    }
}

/// A session of its own with the server. It is never opened again.
pub(super) async fn connect(node: &Node) -> Result<tokio_postgres::Client, Reason> {
    let mut config = Config::new();
    config.host(node.address.to_string()).port(port(node)).user(USER).dbname("postgres");
    config.application_name("disprove").connect_timeout(std::time::Duration::from_secs(2));
    let opened = config.connect(NoTls).await;
    let (client, connection) = opened.map_err(|error| Reason::from(format!("no connection: {error}")))?;
    // It ends with the client, or with the connection: then every call of the client fails.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a session with PostgreSQL ended: {error}");
        }
    });
    Ok(client)
}

/// A session with the level of its transactions set.
async fn open(node: &Node, isolation: Isolation) -> Result<tokio_postgres::Client, Reason> {
    let session = connect(node).await?;
    let set = format!("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {}", isolation.sql());
    session.batch_execute(&set).await.map_err(|error| Reason::from(error.to_string()))?;
    Ok(session)
}

/// Whether the server itself says that what it was asked was rolled back.
pub(super) fn is_rolled_back(error: &tokio_postgres::Error) -> bool {
    // 25006 is a standby's answer to a write.
    error.code().is_some_and(|code| {
        code.code() == "25006" || ["40", "23", "22"].iter().any(|class| code.code().starts_with(class))
    })
}

/// The error in a few words: its SQLSTATE and message where the server gave one.
pub(super) fn word(error: &tokio_postgres::Error) -> Reason {
    match error.as_db_error() {
        Some(said) => format!("{}: {}", said.code().code(), said.message()).into(),
        None => "the connection broke".into(),
    }
}

/// A value as it was written: a number where it reads as one.
pub(super) fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

/// A session that makes single statements, each a transaction by itself.
struct Statements {
    session: tokio_postgres::Client,
    broken: bool,
}

impl Statements {
    /// What a statement that failed may have done.
    fn outcome<R>(&mut self, error: &tokio_postgres::Error, is_read: bool) -> Outcome<R> {
        self.broken |= error.as_db_error().is_none() || self.session.is_closed();
        if is_read || is_rolled_back(error) {
            Outcome::Fail(word(error))
        } else {
            Outcome::Unknown(word(error))
        }
    }

    async fn register(&self, call: &register::Call) -> Result<Answer, tokio_postgres::Error> {
        match call {
            register::Call::Read(key) => {
                let rows =
                    self.session.query("SELECT v FROM registers WHERE k = $1", &[&key.to_string()]).await?;
                let value = rows.first().map(|row| row.try_get::<_, String>(0)).transpose()?;
                Ok(Answer::Value(Some(value.map_or(Value::Nil, |text| parse(&text)))))
            }
            register::Call::Write(key, value) => {
                let write = "INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET v = $2";
                self.session.execute(write, &[&key.to_string(), &value.to_string()]).await?;
                Ok(Answer::Written)
            }
            register::Call::Cas(key, Value::Nil, to) => {
                let insert = "INSERT INTO registers VALUES ($1, $2) ON CONFLICT (k) DO NOTHING";
                let changed = self.session.execute(insert, &[&key.to_string(), &to.to_string()]).await?;
                Ok(if changed == 1 { Answer::Swapped } else { Answer::Refused })
            }
            register::Call::Cas(key, from, to) => {
                let update = "UPDATE registers SET v = $3 WHERE k = $1 AND v = $2";
                let (key, from, to) = (key.to_string(), from.to_string(), to.to_string());
                let changed = self.session.execute(update, &[&key, &from, &to]).await?;
                Ok(if changed == 1 { Answer::Swapped } else { Answer::Refused })
            }
        }
    }

    async fn set(&self, call: &set::Call) -> Result<set::Return, tokio_postgres::Error> {
        match call {
            set::Call::Add(key, element) => {
                let add = "INSERT INTO elements VALUES ($1, $2)";
                self.session.execute(add, &[&key.to_string(), &element.to_string()]).await?;
                Ok(set::Return::Added)
            }
            set::Call::Remove(key, element) => {
                let remove = "DELETE FROM elements WHERE k = $1 AND e = $2";
                let gone = self.session.execute(remove, &[&key.to_string(), &element.to_string()]).await?;
                Ok(set::Return::Changed(gone > 0))
            }
            set::Call::Contains(key, element) => {
                let ask = "SELECT 1 FROM elements WHERE k = $1 AND e = $2";
                let rows = self.session.query(ask, &[&key.to_string(), &element.to_string()]).await?;
                Ok(set::Return::Contains(!rows.is_empty()))
            }
            set::Call::Read(key) => {
                let rows =
                    self.session.query("SELECT e FROM elements WHERE k = $1", &[&key.to_string()]).await?;
                let elements = rows.iter().map(|row| Ok(parse(row.try_get(0)?)));
                Ok(set::Return::Elements(elements.collect::<Result<_, tokio_postgres::Error>>()?))
            }
        }
    }
}

#[async_trait]
impl ClientFactory<Register> for PostgresClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Register>>, Reason> {
        let session = self.session(node).await?;
        Ok(Box::new(Statements { session, broken: false }))
    }
}

#[async_trait]
impl Client<Register> for Statements {
    async fn invoke(&mut self, call: &register::Call) -> Outcome<Answer> {
        match self.register(call).await {
            Ok(answer) => Outcome::Ok(answer),
            Err(error) => self.outcome(&error, Register::is_read(call)),
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

#[async_trait]
impl ClientFactory<Set> for PostgresClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Set>>, Reason> {
        let session = self.session(node).await?;
        Ok(Box::new(Statements { session, broken: false }))
    }
}

#[async_trait]
impl Client<Set> for Statements {
    async fn invoke(&mut self, call: &set::Call) -> Outcome<set::Return> {
        match self.set(call).await {
            Ok(answer) => Outcome::Ok(answer),
            Err(error) => self.outcome(&error, Set::is_read(call)),
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
