//! Sessions with MariaDB, and what its errors mean.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | an error or a lost connection before `COMMIT` was sent | `Fail` | what is not committed is rolled back; `ROLLBACK` is sent after every error, since 1205 takes back one statement only |
//! | 1213 (deadlock), 1205 (a lock was not had in time), 1020 (what was read has changed), 1062 (duplicate), 1406 (too long), 1047 (not in the cluster), 1290 (read only) | `Fail` | the server took the statement back, or refused it before it began; as the answer to `COMMIT` the whole transaction |
//! | of TiDB 8002, 8005, 8022, 9007 | `Fail` | it says that it rolled the transaction back |
//! | a read has no answer | `Fail` | a read changes nothing, so it did not happen |
//! | anything else without a clean answer | `Unknown` | it may have been committed before the connection broke |
//!
//! Single statements are sent with autocommit, each a transaction by itself.

use async_trait::async_trait;
use cluster::{Cluster, Node};
use history::Reason;
use mysql_async::{Conn, OptsBuilder, Params, Row, Value as Sent, prelude::Queryable as _};

use super::{Dialect, Mariadb, PORT, Topology, USER, encryption, port};
use crate::sql::{Datum, Opens, Session, Trouble, Wording};

/// Errors after which the server has taken back what it was asked, or never began it.
const TAKEN_BACK: [u16; 7] = [1213, 1205, 1020, 1062, 1406, 1047, 1290];
/// The key is there already.
const DUPLICATE: u16 = 1062;
/// The longest that a connection may take to be made.
const CONNECT_MAX: std::time::Duration = std::time::Duration::from_secs(3);
/// The question for the level of a session. Its variable has two names, of which some servers know one only.
const LEVEL: &str = "SHOW VARIABLES WHERE Variable_name IN ('tx_isolation', 'transaction_isolation')";

/// A session of its own with the server, without a pool, after these statements. It is never opened again.
pub(super) async fn connect(
    database: &Mariadb,
    node: &Node,
    statements: Vec<String>,
) -> Result<Conn, Reason> {
    let options = match &database.running {
        None => OptsBuilder::default()
            .ip_or_hostname(node.address.to_string())
            .tcp_port(port(node))
            .user(Some(USER))
            .db_name(Some(USER)),
        Some(running) => {
            let endpoint = running.endpoint(node);
            OptsBuilder::default()
                .ip_or_hostname(&endpoint.host)
                .tcp_port(endpoint.port.unwrap_or(PORT))
                .user(Some(endpoint.user.as_deref().unwrap_or("root")))
                .pass(endpoint.password.as_ref().map(|password| password.reveal()))
                .db_name(endpoint.database.as_deref())
        }
    };
    let options = options.prefer_socket(false).client_found_rows(true).setup(statements);
    let tls = database.running.as_ref().and_then(|running| running.endpoint(node).tls.as_ref());
    let options = options.ssl_opts(tls.map(encryption::options));
    match tokio::time::timeout(CONNECT_MAX, Conn::new(options)).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(format!("no session: {}", encryption::told(&error, tls)).into()),
        Err(_) => Err("no session in time".into()),
    }
}

/// A session with the level of its transactions set, for calls of clients once there are tables. Where the server gives
/// another level than the one that was asked for, there is none.
pub(super) async fn open(database: &Mariadb, node: &Node, calls: bool) -> Result<Conn, Reason> {
    let mut statements = database.dialect.statements(database.isolation);
    if calls && database.topology == Topology::Galera {
        // A server that is not in the cluster takes sessions and refuses every call: noticed here, no call is spent on it.
        statements.push(database.wording().statement("DO (SELECT COUNT(*) FROM @registers WHERE k = '')"));
    }
    let mut session = connect(database, node, statements).await?;
    let levels: Vec<(String, String)> = session.query(LEVEL).await.map_err(|error| word(&error))?;
    let asked = database.isolation.sql().replace(' ', "-");
    match levels.iter().find(|(_, level)| *level != asked) {
        None if !levels.is_empty() => Ok(session),
        other => {
            let level = other.map_or("none", |(_, level)| level);
            Err(format!("asked for {}, the server gives {level}", asked.to_lowercase()).into())
        }
    }
}

/// The version that the server says it has.
pub(super) async fn version(database: &Mariadb, node: &Node) -> Result<String, Reason> {
    let mut session = connect(database, node, Vec::new()).await?;
    let version: Result<Option<String>, _> = session.query_first("SELECT VERSION()").await;
    version.map_err(|error| word(&error))?.ok_or_else(|| "it tells no version".into())
}

/// Whether the session cannot go on after this error.
fn is_lost(error: &mysql_async::Error) -> bool {
    !matches!(error, mysql_async::Error::Server(_))
}

/// The error in a few words: its number and message where the server gave one.
pub(super) fn word(error: &mysql_async::Error) -> Reason {
    match error {
        mysql_async::Error::Server(said) => format!("{}: {}", said.code, said.message).into(),
        _ => "the connection broke".into(),
    }
}

/// One connection.
struct MariadbSession {
    connection: Conn,
    dialect: Dialect,
}

fn trouble(dialect: Dialect, error: &mysql_async::Error) -> Trouble {
    let code = match error {
        mysql_async::Error::Server(said) => said.code,
        _ => 0,
    };
    Trouble {
        word: word(error),
        is_taken_back: TAKEN_BACK.contains(&code) || dialect.taken_back().contains(&code),
        is_duplicate: code == DUPLICATE,
        is_lost: is_lost(error),
    }
}

fn given(values: &[Datum]) -> Params {
    let given = |value: &Datum| match value {
        Datum::Text(text) => Sent::from(text.as_str()),
        Datum::Number(number) => Sent::from(*number),
    };
    if values.is_empty() { Params::Empty } else { Params::Positional(values.iter().map(given).collect()) }
}

fn taken(row: Row) -> Result<Vec<Datum>, Trouble> {
    let taken = |value| match value {
        Sent::Int(number) => Ok(Datum::Number(number)),
        Sent::Bytes(bytes) => String::from_utf8(bytes).map(Datum::Text).map_err(|_| Trouble::strange()),
        _ => Err(Trouble::strange()),
    };
    row.unwrap().into_iter().map(taken).collect()
}

#[async_trait]
impl Session for MariadbSession {
    async fn rows(&mut self, statement: &str, values: &[Datum]) -> Result<Vec<Vec<Datum>>, Trouble> {
        let rows: Result<Vec<Row>, _> = self.connection.exec(statement, given(values)).await;
        let rows = rows.map_err(|error| trouble(self.dialect, &error))?;
        rows.into_iter().map(taken).collect()
    }

    async fn change(&mut self, statement: &str, values: &[Datum]) -> Result<u64, Trouble> {
        let done = self.connection.exec_drop(statement, given(values)).await;
        done.map_err(|error| trouble(self.dialect, &error))?;
        Ok(self.connection.affected_rows())
    }

    async fn plain(&mut self, statement: &str) -> Result<(), Trouble> {
        self.connection.query_drop(statement).await.map_err(|error| trouble(self.dialect, &error))
    }
}

#[async_trait]
impl Opens for Mariadb {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Session>, Reason> {
        Ok(Box::new(MariadbSession { connection: open(self, node, true).await?, dialect: self.dialect }))
    }

    fn wording(&self) -> Wording {
        Mariadb::wording(self)
    }
}

#[cfg(test)]
mod tests {
    use mysql_async::{Error, ServerError};

    use super::{super::Isolation, *};

    #[test]
    fn only_errors_that_take_the_statement_back_are_certain() {
        let server = |code| Error::Server(ServerError { code, message: "m".into(), state: "HY000".into() });
        let is_taken_back = |dialect, code| trouble(dialect, &server(code)).is_taken_back;
        for code in TAKEN_BACK {
            assert!(is_taken_back(Dialect::Mariadb, code) && !is_lost(&server(code)), "{code}");
        }
        // Interrupted, shut down, the connection was killed, an error while committing, a result undetermined.
        for code in [1317, 1053, 1927, 1180, 8501] {
            assert!(Dialect::ALL.iter().all(|&dialect| !is_taken_back(dialect, code)), "{code}");
        }
        assert!(is_taken_back(Dialect::Tidb, 9007) && !is_taken_back(Dialect::Mysql, 9007));
        assert!(trouble(Dialect::Mysql, &server(1062)).is_duplicate);
        assert_eq!(word(&server(1213)), Reason::from("1213: m"));
        let lost = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(is_lost(&lost) && !trouble(Dialect::Tidb, &lost).is_taken_back);
    }

    #[test]
    fn every_level_of_every_dialect_is_set_in_its_own_words() {
        for dialect in Dialect::ALL {
            for &level in dialect.levels() {
                let statements = dialect.statements(level).join("; ");
                assert!(statements.contains(level.sql()), "{statements}");
                assert_eq!(statements.contains("tidb_"), dialect == Dialect::Tidb, "{statements}");
            }
        }
        let differ = |dialect: Dialect, a, b| dialect.statements(a) != dialect.statements(b);
        assert!(differ(Dialect::Mariadb, Isolation::RepeatableRead, Isolation::SnapshotIsolation));
        assert!(differ(Dialect::Tidb, Isolation::RepeatableRead, Isolation::SnapshotIsolation));
    }
}
