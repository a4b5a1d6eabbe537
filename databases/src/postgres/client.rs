//! Sessions with PostgreSQL, and what its errors mean.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | an error or a lost connection before `COMMIT` was sent | `Fail` | what is not committed is rolled back |
//! | `COMMIT` answered with SQLSTATE class 40 or 23 | `Fail` | the server says that it rolled back |
//! | a single statement answered with SQLSTATE class 40, 23 or 22 | `Fail` | the same |
//! | 40003 | `Unknown` | "statement completion unknown": CockroachDB says so where it cannot tell itself |
//! | a standby answers with 25006 | `Fail` | it takes no writes, and says so before it begins |
//! | 57P01, or the connection ends, while a commit waits for a standby | `Unknown` | it is on the primary's disk already, and may yet be seen |
//! | a read has no answer | `Fail` | a read changes nothing, so it did not happen |
//! | anything else without a clean answer | `Unknown` | it may have been committed before the connection broke |
//!
//! A transaction in which a statement failed is rolled back and never committed: PostgreSQL answers the `COMMIT` of
//! such a transaction with `ROLLBACK` and no error.

use std::collections::HashMap;

use async_trait::async_trait;
use cluster::{Cluster, Node};
use history::Reason;
use tokio_postgres::{
    Client, Config, Connection, NoTls, Statement,
    config::SslMode,
    types::{ToSql, Type},
};

use super::{PORT, Postgres, USER, encryption::Verified, patroni, port};
use crate::sql::{Datum, Opens, Session, Trouble, Wording};

/// A session of its own with the server. It is never opened again.
pub(super) async fn connect(database: &Postgres, node: &Node) -> Result<tokio_postgres::Client, Reason> {
    let mut config = Config::new();
    match &database.running {
        None => {
            config.host(node.address.to_string()).port(port(node)).user(USER).dbname("postgres");
        }
        Some(running) => {
            let endpoint = running.endpoint(node);
            let user = endpoint.user.as_deref().unwrap_or("postgres");
            config.host(&endpoint.host).port(endpoint.port.unwrap_or(PORT)).user(user);
            config.dbname(endpoint.database.as_deref().unwrap_or(user));
            if let Some(password) = &endpoint.password {
                config.password(password.reveal());
            }
        }
    }
    config.application_name("disprove").connect_timeout(std::time::Duration::from_secs(2));
    let running = database.running.as_ref();
    match running.and_then(|running| running.endpoint(node).tls.clone()) {
        None => opened(config.connect(NoTls).await),
        Some(tls) => opened(config.ssl_mode(SslMode::Require).connect(Verified(tls)).await),
    }
}

/// The session that was opened, and its connection, which is served beside it.
fn opened<S, T>(opened: Result<(Client, Connection<S, T>), tokio_postgres::Error>) -> Result<Client, Reason>
where
    Connection<S, T>: Future<Output = Result<(), tokio_postgres::Error>> + Send + 'static,
{
    let (client, connection) =
        opened.map_err(|error| Reason::from(format!("no connection: {}", whole(&error))))?;
    // It ends with the client, or with the connection: then every call of the client fails.
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!("a session with PostgreSQL ended: {error}");
        }
    });
    Ok(client)
}

/// A session with the level of its transactions set. Some servers quietly give another level than the one that was asked
/// for: then there is no session, so that it is never tested by mistake.
pub(super) async fn open(database: &Postgres, node: &Node) -> Result<tokio_postgres::Client, Reason> {
    // A standby knows no serializable transactions.
    let is_standby = database.topology.has_standbys_that_answer() && node.id.0 != 0;
    let isolation = if is_standby { database.isolation.below_serializable() } else { database.isolation };
    let session = connect(database, node).await?;
    let set = format!("SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL {}", isolation.sql());
    session.batch_execute(&set).await.map_err(|error| word(&error))?;
    let row = session.query_one("SHOW transaction_isolation", &[]).await.map_err(|error| word(&error))?;
    let level: String = row.try_get(0).map_err(|error| word(&error))?;
    if !level.eq_ignore_ascii_case(isolation.sql()) {
        return Err(format!("asked for {}, the server gives {level}", isolation.sql().to_lowercase()).into());
    }
    Ok(session)
}

/// Whether the server itself says that what it was asked was rolled back.
fn is_rolled_back(code: &str) -> bool {
    // 25006 is a standby's answer to a write.
    code == "25006" || (code != "40003" && ["40", "23", "22"].iter().any(|class| code.starts_with(class)))
}

/// An error with what it comes from: the outer one often only says where it happened.
fn whole(error: &tokio_postgres::Error) -> String {
    let source = std::error::Error::source(error);
    source.map_or_else(|| error.to_string(), ToString::to_string)
}

/// The error in a few words: its SQLSTATE and message where the server gave one.
pub(super) fn word(error: &tokio_postgres::Error) -> Reason {
    match error.as_db_error() {
        Some(said) => format!("{}: {}", said.code().code(), said.message()).into(),
        None => "the connection broke".into(),
    }
}

/// One connection, and what was prepared on it.
struct PostgresSession {
    client: tokio_postgres::Client,
    prepared: HashMap<String, Statement>,
}

impl PostgresSession {
    fn trouble(&self, error: &tokio_postgres::Error) -> Trouble {
        let code = error.code().map_or("", |code| code.code());
        Trouble {
            word: word(error),
            is_taken_back: is_rolled_back(code),
            is_duplicate: code == "23505",
            is_lost: error.as_db_error().is_none() || self.client.is_closed(),
        }
    }

    async fn prepared(&mut self, statement: &str) -> Result<Statement, tokio_postgres::Error> {
        if let Some(prepared) = self.prepared.get(statement) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(statement).await?;
        self.prepared.insert(statement.to_owned(), prepared.clone());
        Ok(prepared)
    }
}

fn given(value: &Datum) -> &(dyn ToSql + Sync) {
    match value {
        Datum::Text(text) => text,
        Datum::Number(number) => number,
    }
}

fn taken(row: &tokio_postgres::Row) -> Result<Vec<Datum>, tokio_postgres::Error> {
    let taken = |(place, column): (usize, &tokio_postgres::Column)| {
        Ok(match *column.type_() {
            Type::INT8 => Datum::Number(row.try_get(place)?),
            _ => Datum::Text(row.try_get(place)?),
        })
    };
    row.columns().iter().enumerate().map(taken).collect()
}

#[async_trait]
impl Session for PostgresSession {
    async fn rows(&mut self, statement: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, Trouble> {
        let found = async {
            let prepared = self.prepared(statement).await?;
            let values: Vec<_> = values.iter().map(given).collect();
            self.client.query(&prepared, &values).await?.iter().map(taken).collect()
        };
        let found: Result<_, tokio_postgres::Error> = found.await;
        found.map_err(|error| self.trouble(&error))
    }

    async fn change(&mut self, statement: &str, values: &[Datum]) -> Result<u64, Trouble> {
        let changed = async {
            let prepared = self.prepared(statement).await?;
            let values: Vec<_> = values.iter().map(given).collect();
            self.client.execute(&prepared, &values).await
        };
        let changed = changed.await;
        changed.map_err(|error| self.trouble(&error))
    }

    async fn plain(&mut self, statement: &str) -> Result<(), Trouble> {
        self.client.batch_execute(statement).await.map_err(|error| self.trouble(&error))
    }
}

#[async_trait]
impl Opens for Postgres {
    async fn open(&self, cluster: &Cluster, node: &Node) -> Result<Box<dyn Session>, Reason> {
        let has_patroni = self.topology.patroni().is_some();
        let server = if has_patroni { patroni::leader(cluster, node).await? } else { node };
        let client = open(self, server).await?;
        if has_patroni {
            patroni::refuse_standby(&client).await?;
        }
        Ok(Box::new(PostgresSession { client, prepared: HashMap::new() }))
    }

    fn wording(&self) -> Wording {
        Postgres::wording(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_say_so_are_certain() {
        for code in ["40001", "40P01", "23505", "22001", "25006"] {
            assert!(is_rolled_back(code), "{code}");
        }
        // Unknown completion, the server ends, the connection was lost, out of memory, a query was cancelled.
        for code in ["40003", "57P01", "08006", "53200", "57014", ""] {
            assert!(!is_rolled_back(code), "{code}");
        }
    }
}
