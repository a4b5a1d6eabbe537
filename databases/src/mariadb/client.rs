//! Sessions with MariaDB, and what its errors mean.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | an error or a lost connection before `COMMIT` was sent | `Fail` | what is not committed is rolled back; `ROLLBACK` is sent after every error, since 1205 takes back one statement only |
//! | 1213 (deadlock), 1205 (a lock was not had in time), 1020 (what was read has changed), 1062 (duplicate), 1406 (too long), 1047 (not in the cluster), 1290 (read only) | `Fail` | the server took the statement back, or refused it before it began; as the answer to `COMMIT` the whole transaction |
//! | a read has no answer | `Fail` | a read changes nothing, so it did not happen |
//! | anything else without a clean answer | `Unknown` | it may have been committed before the connection broke |
//!
//! Single statements are sent with autocommit, each a transaction by itself.

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
use mysql_async::{Conn, OptsBuilder, prelude::Queryable as _};

use super::{Isolation, Topology, USER, port};

/// Errors after which the server has taken back what it was asked, or never began it.
const TAKEN_BACK: [u16; 7] = [1213, 1205, 1020, 1062, 1406, 1047, 1290];
/// The longest that a connection may take to be made.
const CONNECT_MAX: std::time::Duration = std::time::Duration::from_secs(3);

/// Opens sessions whose transactions have this level, each with the server of its own node.
#[derive(Clone, Copy, Debug)]
pub struct MariadbClients {
    /// The level.
    pub isolation: Isolation,
    /// How the servers stand to each other.
    pub topology: Topology,
}

/// A session of its own with the server, without a pool. It is never opened again.
pub(super) async fn open(node: &Node, isolation: Isolation, topology: Topology) -> Result<Conn, Reason> {
    let mut statements = isolation.statements();
    if topology == Topology::Galera {
        // A server that is not in the cluster takes sessions and refuses every call: noticed here, no call is spent on it.
        statements.push("DO (SELECT COUNT(*) FROM registers WHERE k = '')".into());
    }
    let options = OptsBuilder::default()
        .ip_or_hostname(node.address.to_string())
        .tcp_port(port(node))
        .user(Some(USER))
        .db_name(Some(USER))
        .prefer_socket(false)
        .client_found_rows(true)
        .setup(statements);
    match tokio::time::timeout(CONNECT_MAX, Conn::new(options)).await {
        Ok(Ok(session)) => Ok(session),
        Ok(Err(error)) => Err(format!("no session: {error}").into()),
        Err(_) => Err("no session in time".into()),
    }
}

/// The version that the server says it has.
pub(super) async fn version(node: &Node) -> Result<String, Reason> {
    let mut session = open(node, Isolation::default(), Topology::Single).await?;
    let version: Result<Option<String>, _> = session.query_first("SELECT VERSION()").await;
    version.map_err(|error| word(&error))?.ok_or_else(|| "it tells no version".into())
}

/// Whether the server itself says that it took back what it was asked.
pub(super) fn is_taken_back(error: &mysql_async::Error) -> bool {
    matches!(error, mysql_async::Error::Server(said) if TAKEN_BACK.contains(&said.code))
}

/// Whether the session cannot go on after this error.
pub(super) fn is_lost(error: &mysql_async::Error) -> bool {
    !matches!(error, mysql_async::Error::Server(_))
}

/// The error in a few words: its number and message where the server gave one.
pub(super) fn word(error: &mysql_async::Error) -> Reason {
    match error {
        mysql_async::Error::Server(said) => format!("{}: {}", said.code, said.message).into(),
        _ => "the connection broke".into(),
    }
}

/// A value as it was written: a number where it reads as one.
pub(super) fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

/// A session that makes single statements.
struct Statements {
    session: Conn,
    broken: bool,
}

impl Statements {
    /// What a statement that failed may have done.
    fn outcome<R>(&mut self, error: &mysql_async::Error, is_read: bool) -> Outcome<R> {
        self.broken |= is_lost(error);
        if is_read || is_taken_back(error) {
            Outcome::Fail(word(error))
        } else {
            Outcome::Unknown(word(error))
        }
    }

    /// How many rows a statement found to change.
    async fn change(&mut self, statement: &str, words: Vec<String>) -> Result<u64, mysql_async::Error> {
        self.session.exec_drop(statement, words).await?;
        Ok(self.session.affected_rows())
    }

    async fn register(&mut self, call: &register::Call) -> Result<Answer, mysql_async::Error> {
        match call {
            register::Call::Read(key) => {
                let read = "SELECT v FROM registers WHERE k = ?";
                let value: Option<String> = self.session.exec_first(read, (key.to_string(),)).await?;
                Ok(Answer::Value(Some(value.map_or(Value::Nil, |text| parse(&text)))))
            }
            register::Call::Write(key, value) => {
                let write = "INSERT INTO registers VALUES (?, ?) ON DUPLICATE KEY UPDATE v = VALUES(v)";
                self.change(write, vec![key.to_string(), value.to_string()]).await?;
                Ok(Answer::Written)
            }
            register::Call::Cas(key, Value::Nil, to) => {
                let insert = "INSERT INTO registers VALUES (?, ?)";
                match self.change(insert, vec![key.to_string(), to.to_string()]).await {
                    Ok(_) => Ok(Answer::Swapped),
                    // The key is there: an observation.
                    Err(mysql_async::Error::Server(said)) if said.code == 1062 => Ok(Answer::Refused),
                    Err(error) => Err(error),
                }
            }
            register::Call::Cas(key, from, to) => {
                let update = "UPDATE registers SET v = ? WHERE k = ? AND v = ?";
                let found =
                    self.change(update, vec![to.to_string(), key.to_string(), from.to_string()]).await?;
                Ok(if found == 1 { Answer::Swapped } else { Answer::Refused })
            }
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, mysql_async::Error> {
        let key = call.key().to_string();
        match call {
            set::Call::Add(_, element) => {
                self.change("INSERT INTO elements (k, e) VALUES (?, ?)", vec![key, element.to_string()])
                    .await?;
                Ok(set::Return::Added)
            }
            set::Call::Remove(_, element) => {
                let remove = "DELETE FROM elements WHERE k = ? AND e = ?";
                let gone = self.change(remove, vec![key, element.to_string()]).await?;
                Ok(set::Return::Changed(gone > 0))
            }
            set::Call::Contains(_, element) => {
                let ask = "SELECT e FROM elements WHERE k = ? AND e = ?";
                let found: Option<String> = self.session.exec_first(ask, (key, element.to_string())).await?;
                Ok(set::Return::Contains(found.is_some()))
            }
            set::Call::Read(_) => {
                let read = "SELECT e FROM elements WHERE k = ?";
                let elements: Vec<String> = self.session.exec(read, (key,)).await?;
                Ok(set::Return::Elements(elements.iter().map(|text| parse(text)).collect()))
            }
        }
    }
}

macro_rules! statements {
    ($($vocabulary:ty: $do:ident;)*) => { $(
        #[async_trait]
        impl ClientFactory<$vocabulary> for MariadbClients {
            async fn open(
                &self,
                _: &Cluster,
                node: &Node,
            ) -> Result<Box<dyn Client<$vocabulary>>, Reason> {
                let session = open(node, self.isolation, self.topology).await?;
                Ok(Box::new(Statements { session, broken: false }))
            }
        }

        #[async_trait]
        impl Client<$vocabulary> for Statements {
            async fn invoke(
                &mut self,
                call: &<$vocabulary as Vocabulary>::Call,
            ) -> Outcome<<$vocabulary as Vocabulary>::Return> {
                match self.$do(call).await {
                    Ok(answer) => Outcome::Ok(answer),
                    Err(error) => self.outcome(&error, <$vocabulary>::is_read(call)),
                }
            }

            fn is_broken(&self) -> bool {
                self.broken
            }
        }
    )* };
}

statements! {
    Register: register;
    Set: set;
}

#[cfg(test)]
mod tests {
    use mysql_async::{Error, ServerError};

    use super::*;

    #[test]
    fn only_errors_that_take_the_statement_back_are_certain() {
        let server = |code| Error::Server(ServerError { code, message: "m".into(), state: "HY000".into() });
        for code in TAKEN_BACK {
            assert!(is_taken_back(&server(code)) && !is_lost(&server(code)), "{code}");
        }
        // Interrupted, shut down, the connection was killed, an error while committing.
        for code in [1317, 1053, 1927, 1180] {
            assert!(!is_taken_back(&server(code)), "{code}");
        }
        assert_eq!(word(&server(1213)), Reason::from("1213: m"));
        let lost = Error::from(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
        assert!(is_lost(&lost) && !is_taken_back(&lost));
    }
}
