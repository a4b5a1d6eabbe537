//! The protocol of NATS's clients: lines of text, and messages of a length that their line tells. A question is a message with
//! the name of an inbox, and its answer is a message to that inbox.
//!
//! It is spoken by hand because a session must be one connection, opened once, that sends nothing twice: libraries reconnect,
//! also to other servers, and send again what was under way.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use history::Reason;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};

use crate::stream::{Place, Stream, broke};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// The longest message that is believed.
const MESSAGE_MAX: usize = 1 << 26;
/// What a client says of itself: nobody listening is to be told, and one's own words are not to be acknowledged.
fn hello(login: Option<(&str, &str)>) -> Json {
    let mut hello = json!({
        "verbose": false, "pedantic": false, "headers": true, "no_responders": true, "lang": "rust", "version": "1",
        "protocol": 1
    });
    if let Some((user, password)) = login {
        hello["user"] = user.into();
        hello["pass"] = password.into();
    }
    hello
}

/// Sessions of this process so far, so that no two have one inbox.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status, where the answer has one: 503 where nobody listened, 404 where nothing was found.
    pub status: Option<u16>,
    /// Its headers, one a line.
    pub headers: String,
    /// The message.
    pub body: Vec<u8>,
}

impl Answer {
    /// The message as JSON.
    pub fn json(&self) -> Result<Json, Reason> {
        serde_json::from_slice(&self.body).map_err(|_| strange())
    }
}

/// What a consumer gives when it is asked for its next message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// A message, and where it is acknowledged.
    Message {
        /// The subject that takes the acknowledgement.
        acknowledge: String,
        /// The message.
        body: Vec<u8>,
    },
    /// A status: 404 where there is none now.
    Status(u16),
}

/// Where messages of consumers are acknowledged.
const ACKNOWLEDGE: &str = "$JS.ACK.";

/// One session on one connection.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<Stream>,
    inbox: String,
    asked: u64,
    /// The version that the server says it has.
    pub version: String,
}

impl Wire {
    /// Connects and listens to an inbox of its own.
    pub async fn open(place: impl Into<Place<'_>>, login: Option<(&str, &str)>) -> Result<Self, Reason> {
        match tokio::time::timeout(2 * CONNECT_MAX, Self::greet(place.into(), login)).await {
            Ok(opened) => opened,
            Err(_) => Err("no connection in time".into()),
        }
    }

    async fn greet(place: Place<'_>, login: Option<(&str, &str)>) -> Result<Self, Reason> {
        // A server says of itself in the clear what it is and whether it wants TLS, and only then speaks it.
        let stream = Stream::open(Place { tls: None, ..place }, CONNECT_MAX).await?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos());
        let inbox = format!("_INBOX.{now:x}-{:x}", SESSIONS.fetch_add(1, Ordering::Relaxed));
        let mut wire = Self { stream: BufReader::new(stream), inbox, asked: 0, version: String::new() };
        let info = wire.line().await?;
        let said: Json = info
            .strip_prefix("INFO ")
            .and_then(|said| serde_json::from_str(said).ok())
            .ok_or_else(strange)?;
        wire.version = said["version"].as_str().unwrap_or_default().to_owned();
        let offers = |name: &str| said[name].as_bool().unwrap_or(false);
        match place.tls {
            None if offers("tls_required") => {
                return Err("the server wants TLS; give tls://, or --tls".into());
            }
            Some(_) if !offers("tls_required") && !offers("tls_available") => {
                return Err("it does not speak TLS; give nats://".into());
            }
            tls => wire.stream = BufReader::new(wire.stream.into_inner().secured(tls, CONNECT_MAX).await?),
        }
        let subscribe = format!("CONNECT {}\r\nSUB {}.* 1\r\nPING\r\n", hello(login), wire.inbox);
        wire.send(subscribe.as_bytes()).await?;
        while wire.line().await? != "PONG" {}
        Ok(wire)
    }

    /// Sends a message and reads the answer to it. After an error the connection is of no more use.
    pub async fn ask(
        &mut self,
        subject: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<Answer, Reason> {
        let inbox = self.say(subject, headers, body).await?;
        loop {
            let (to, _, answer) = self.message().await?;
            if to == inbox {
                return Ok(answer);
            }
        }
    }

    /// Asks a consumer for its next message. It comes under the subject that it was published to, and what tells it from others
    /// is where it is to be acknowledged.
    pub async fn next(&mut self, subject: &str, body: &[u8]) -> Result<Next, Reason> {
        let inbox = self.say(subject, &[], body).await?;
        loop {
            match self.message().await? {
                (_, Some(acknowledge), answer) if acknowledge.starts_with(ACKNOWLEDGE) => {
                    return Ok(Next::Message { acknowledge, body: answer.body });
                }
                (to, _, answer) if to == inbox => return answer.status.map(Next::Status).ok_or_else(strange),
                _ => {}
            }
        }
    }

    /// Sends a message, and returns the inbox that the answer comes to.
    async fn say(
        &mut self,
        subject: &str,
        headers: &[(&str, String)],
        body: &[u8],
    ) -> Result<String, Reason> {
        self.asked += 1;
        let inbox = format!("{}.{}", self.inbox, self.asked);
        self.send(&message(subject, &inbox, headers, body)).await?;
        Ok(inbox)
    }

    /// The next message: what it was sent to, where an answer to it goes, and what it says.
    async fn message(&mut self) -> Result<(String, Option<String>, Answer), Reason> {
        loop {
            let line = self.line().await?;
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (to, reply, head, whole) = match words[..] {
                ["MSG", to, _, whole] => (to, None, "0", whole),
                ["MSG", to, _, reply, whole] => (to, Some(reply), "0", whole),
                ["HMSG", to, _, head, whole] => (to, None, head, whole),
                ["HMSG", to, _, reply, head, whole] => (to, Some(reply), head, whole),
                _ => continue,
            };
            let (to, reply) = (to.to_owned(), reply.map(str::to_owned));
            let length =
                |text: &str| text.parse().ok().filter(|length| *length <= MESSAGE_MAX).ok_or_else(strange);
            let (head, whole): (usize, usize) = (length(head)?, length(whole)?);
            let mut bytes = vec![0; whole + 2];
            self.stream.read_exact(&mut bytes).await.map_err(broke)?;
            bytes.truncate(whole);
            return Ok((to, reply, answer(head, bytes)?));
        }
    }

    async fn send(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        self.stream.get_mut().write_all(bytes).await.map_err(broke)
    }

    /// The next line that is not a matter of the connection itself.
    async fn line(&mut self) -> Result<String, Reason> {
        loop {
            let mut line = String::new();
            let length = self.stream.read_line(&mut line).await.map_err(broke)?;
            let said = line.trim_end();
            match said {
                _ if length == 0 => return Err("the server closed the connection".into()),
                "PING" => self.send(b"PONG\r\n").await?,
                "" | "+OK" => {}
                _ if said.starts_with("-ERR") => return Err(format!("the server says {said}").into()),
                _ => return Ok(said.to_owned()),
            }
        }
    }
}

fn message(subject: &str, inbox: &str, headers: &[(&str, String)], body: &[u8]) -> Vec<u8> {
    let mut message = if headers.is_empty() {
        format!("PUB {subject} {inbox} {}\r\n", body.len())
    } else {
        let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!("NATS/1.0\r\n{lines}\r\n");
        format!("HPUB {subject} {inbox} {} {}\r\n{head}", head.len(), head.len() + body.len())
    }
    .into_bytes();
    message.extend_from_slice(body);
    message.extend_from_slice(b"\r\n");
    message
}

fn answer(head: usize, mut bytes: Vec<u8>) -> Result<Answer, Reason> {
    if head > bytes.len() {
        return Err(strange());
    }
    let body = bytes.split_off(head);
    let headers = String::from_utf8(bytes).map_err(|_| strange())?;
    let first = headers.lines().next().unwrap_or_default();
    let status = first.split_ascii_whitespace().nth(1).and_then(|status| status.parse().ok());
    Ok(Answer { status, headers, body })
}

fn strange() -> Reason {
    "the answer is not of NATS's protocol".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_tells_its_lengths() {
        assert_eq!(message("a.b", "in.1", &[], b"xyz"), b"PUB a.b in.1 3\r\nxyz\r\n");
        let with_header = message("a", "in.2", &[("H", "7".into())], b"x");
        assert_eq!(with_header, b"HPUB a in.2 18 19\r\nNATS/1.0\r\nH: 7\r\n\r\nx\r\n");
    }

    #[test]
    fn an_answer_has_its_status_in_the_first_line_of_its_headers() {
        let said = b"NATS/1.0 404 Message Not Found\r\n\r\n".to_vec();
        let length = said.len();
        let nothing = answer(length, said).unwrap();
        assert_eq!((nothing.status, nothing.body.len()), (Some(404), 0));
        let found = answer(18, b"NATS/1.0\r\nA: b\r\n\r\n7".to_vec()).unwrap();
        assert_eq!((found.status, &found.body[..]), (None, &b"7"[..]));
        assert!(answer(9, b"short".to_vec()).is_err());
    }
}
