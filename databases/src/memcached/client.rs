//! Sessions with memcached, and registers in it: a key for each.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | `NOT_STORED` to an `add` | `refused` | the key is there: an observation |
//! | `EXISTS` or `NOT_FOUND` to a `cas` | `Fail` | the key changed in between; which value was there nobody read |
//! | `CLIENT_ERROR`, `ERROR` | `Fail`, and the session ends | the line was refused before it was carried out; what follows it may be taken for another |
//! | a read has no answer, or an error | `Fail` | a read changes nothing, so it did not happen |
//! | `SERVER_ERROR`, anything else, or no answer | `Unknown` | for want of memory the server removes what was there and stores nothing; the rest may have been carried out |

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Value, Vocabulary as _,
    vocabulary::{
        Register,
        register::{Call, Return},
    },
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use super::Memcached;
use crate::stream::{Place, Stream, broke};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// The longest value that is believed.
const VALUE_MAX: usize = 1 << 20;

/// Why a call has no answer.
#[derive(Debug, PartialEq, Eq)]
enum Trouble {
    /// The server compared, and did nothing.
    Conflict,
    /// The line was not understood.
    Refused(Reason),
    /// It may have been done.
    Doubtful(Reason),
    /// The connection broke, or its answer was none of memcached's; and it may have been done.
    Lost(Reason),
}

impl Trouble {
    /// What happened, in a few words.
    fn word(self) -> Reason {
        match self {
            Self::Conflict => "the key changed in between".into(),
            Self::Refused(reason) | Self::Doubtful(reason) | Self::Lost(reason) => reason,
        }
    }
}

/// Opens sessions.
#[derive(Clone, Debug, Default)]
pub struct MemcachedClients(pub Memcached);

/// One session: one connection, opened once.
pub(super) struct Session {
    stream: BufReader<Stream>,
    broken: bool,
}

/// A value as it was written: a number where it reads as one.
fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

fn lost(what: impl ToString) -> Trouble {
    Trouble::Lost(what.to_string().into())
}

/// What a line means that is not the answer one hopes for.
fn trouble(line: &str) -> Trouble {
    match line.split(' ').next().unwrap_or_default() {
        "EXISTS" | "NOT_FOUND" => Trouble::Conflict,
        "ERROR" | "CLIENT_ERROR" => Trouble::Refused(line.to_owned().into()),
        "SERVER_ERROR" => Trouble::Doubtful(line.to_owned().into()),
        _ => lost(format!("a strange answer: {}", line.chars().take(60).collect::<String>())),
    }
}

impl Session {
    pub(super) async fn open(place: Place<'_>) -> Result<Self, Reason> {
        let stream = Stream::open(place, CONNECT_MAX).await?;
        Ok(Self { stream: BufReader::new(stream), broken: false })
    }

    /// The version that the server says it has.
    pub(super) async fn version(&mut self) -> Result<String, Reason> {
        let said = self.ask("version\r\n").await.map_err(Trouble::word)?;
        let version = said.strip_prefix("VERSION ");
        version.map(str::to_owned).ok_or_else(|| "it tells no version".into())
    }

    /// Removes a key; whether it was there.
    pub(super) async fn remove(&mut self, key: &str) -> Result<bool, Reason> {
        let said = self.ask(&format!("delete {key}\r\n")).await;
        match said.map_err(Trouble::word)?.as_str() {
            "DELETED" => Ok(true),
            "NOT_FOUND" => Ok(false),
            other => Err(other.to_owned().into()),
        }
    }

    async fn ask(&mut self, command: &str) -> Result<String, Trouble> {
        self.stream
            .get_mut()
            .write_all(command.as_bytes())
            .await
            .map_err(|error| Trouble::Lost(broke(error)))?;
        self.line().await
    }

    async fn line(&mut self) -> Result<String, Trouble> {
        let mut line = String::new();
        match self.stream.read_line(&mut line).await {
            Ok(0) => Err(lost("the server closed the connection")),
            Ok(_) if line.ends_with("\r\n") => Ok(line.trim_end().to_owned()),
            Ok(_) => Err(lost("the connection broke")),
            Err(error) => Err(Trouble::Lost(broke(error))),
        }
    }

    /// Stores, where the command permits it; whether it did, as the word says.
    async fn store(
        &mut self,
        command: &str,
        key: &str,
        more: &str,
        value: &Value,
    ) -> Result<String, Trouble> {
        let value = value.to_string();
        self.ask(&format!("{command} {key} 0 0 {}{more}\r\n{value}\r\n", value.len())).await
    }

    /// The value of a key with what tells it from a later one, if there is one.
    async fn get(&mut self, key: &str) -> Result<Option<(Value, u64)>, Trouble> {
        let head = self.ask(&format!("gets {key}\r\n")).await?;
        let words: Vec<&str> = head.split(' ').collect();
        let (length, unique) = match words[..] {
            ["END"] => return Ok(None),
            ["VALUE", found, _, length, unique] if found == key => (length, unique),
            _ => return Err(trouble(&head)),
        };
        let length: usize =
            length.parse().ok().filter(|length| *length <= VALUE_MAX).ok_or_else(|| trouble(&head))?;
        let unique = unique.parse().map_err(|_| trouble(&head))?;
        let mut bytes = vec![0; length + 2];
        self.stream.read_exact(&mut bytes).await.map_err(|_| lost("the connection broke"))?;
        let text = std::str::from_utf8(&bytes[..length]).map_err(|_| lost("a value is no text"))?;
        let value = parse(text);
        match self.line().await?.as_str() {
            "END" => Ok(Some((value, unique))),
            other => Err(trouble(other)),
        }
    }

    async fn register(&mut self, call: &Call) -> Result<Return, Trouble> {
        let key = call.key().to_string();
        match call {
            Call::Read(_) => {
                let found = self.get(&key).await?;
                Ok(Return::Value(Some(found.map_or(Value::Nil, |(value, _)| value))))
            }
            Call::Write(_, value) => match self.store("set", &key, "", value).await?.as_str() {
                "STORED" => Ok(Return::Written),
                other => Err(trouble(other)),
            },
            Call::Cas(_, Value::Nil, to) => match self.store("add", &key, "", to).await?.as_str() {
                "STORED" => Ok(Return::Swapped),
                "NOT_STORED" => Ok(Return::Refused),
                other => Err(trouble(other)),
            },
            Call::Cas(_, from, to) => {
                let Some((_, unique)) = self.get(&key).await?.filter(|(value, _)| value == from) else {
                    return Ok(Return::Refused);
                };
                match self.store("cas", &key, &format!(" {unique}"), to).await?.as_str() {
                    "STORED" => Ok(Return::Swapped),
                    other => Err(trouble(other)),
                }
            }
        }
    }
}

#[async_trait]
impl ClientFactory<Register> for MemcachedClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Register>>, Reason> {
        Ok(Box::new(Session::open(self.0.place(node)).await?))
    }
}

#[async_trait]
impl Client<Register> for Session {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        match self.register(call).await {
            Ok(answer) => Outcome::Ok(answer),
            Err(trouble) => {
                self.broken |= matches!(trouble, Trouble::Lost(_) | Trouble::Refused(_));
                match trouble {
                    Trouble::Conflict | Trouble::Refused(_) => Outcome::Fail(trouble.word()),
                    Trouble::Doubtful(reason) | Trouble::Lost(reason) if Register::is_read(call) => {
                        Outcome::Fail(reason)
                    }
                    Trouble::Doubtful(reason) | Trouble::Lost(reason) => Outcome::Unknown(reason),
                }
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_without_memory_may_have_removed_what_was_there() {
        assert!(matches!(trouble("SERVER_ERROR out of memory storing object"), Trouble::Doubtful(_)));
        assert!(matches!(trouble("CLIENT_ERROR bad command line format"), Trouble::Refused(_)));
        assert_eq!(trouble("EXISTS"), Trouble::Conflict);
        assert!(matches!(trouble("HTTP/1.1 400"), Trouble::Lost(_)));
    }
}
