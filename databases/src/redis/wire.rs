//! The protocol of Redis (RESP 2): a command is an array of texts, and an answer is one of five kinds.
//!
//! It is spoken by hand because a session must be one connection, opened once, that sends nothing twice: libraries pool,
//! reconnect and retry.

use std::time::Duration;

use history::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::stream::{Place, Stream, broke};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// The longest text and the longest list that is believed.
const LENGTH_MAX: i64 = 1 << 26;
/// Answers hold lists in lists at most this deep.
const DEPTH_MAX: u32 = 8;

/// What a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// A word, mostly `OK`.
    Status(String),
    /// An error, beginning with its code.
    Error(String),
    /// A number.
    Integer(i64),
    /// A text, or that there is none.
    Text(Option<String>),
    /// Several answers, or that there is no such list.
    List(Option<Vec<Reply>>),
}

impl Reply {
    /// The word or text it is, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Status(text) | Self::Text(Some(text)) => Some(text),
            _ => None,
        }
    }

    /// The answers in it, if it is a list.
    pub fn list(&self) -> Option<&[Self]> {
        match self {
            Self::List(Some(list)) => Some(list),
            _ => None,
        }
    }
}

/// One connection.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    unread: Vec<u8>,
}

impl Wire {
    /// Connects.
    pub async fn open(place: impl Into<Place<'_>>) -> Result<Self, Reason> {
        let stream = Stream::open(place.into(), CONNECT_MAX).await?;
        Ok(Self { stream, unread: Vec::new() })
    }

    /// Sends commands in one go and reads an answer to each. After an error the connection is of no more use.
    pub async fn ask(&mut self, commands: &[Vec<&str>]) -> Result<Vec<Reply>, Reason> {
        let mut bytes = Vec::new();
        commands.iter().for_each(|command| encode(command, &mut bytes));
        self.stream.write_all(&bytes).await.map_err(broke)?;
        let mut replies = Vec::with_capacity(commands.len());
        while replies.len() < commands.len() {
            match parse(&self.unread, 0)? {
                Some((reply, length)) => {
                    self.unread.drain(..length);
                    replies.push(reply);
                }
                None => self.read_more().await?,
            }
        }
        Ok(replies)
    }

    /// Sends one command and reads its answer.
    pub async fn ask_one(&mut self, command: &[&str]) -> Result<Reply, Reason> {
        let mut replies = self.ask(&[command.to_vec()]).await?;
        Ok(replies.pop().expect("there are as many answers as commands"))
    }

    async fn read_more(&mut self) -> Result<(), Reason> {
        match self.stream.read_buf(&mut self.unread).await {
            Ok(0) => Err("the server closed the connection".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(broke(error)),
        }
    }
}

fn encode(command: &[&str], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(format!("*{}\r\n", command.len()).as_bytes());
    for word in command {
        bytes.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
    }
}

/// The first answer in these bytes with its length, once all of it is there.
fn parse(bytes: &[u8], depth: u32) -> Result<Option<(Reply, usize)>, Reason> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let line = std::str::from_utf8(&bytes[1..end.max(1)]).map_err(|_| strange())?;
    let after = end + 2;
    let number = || line.parse::<i64>().map_err(|_| strange());
    Ok(Some(match bytes[0] {
        b'+' => (Reply::Status(line.to_owned()), after),
        b'-' => (Reply::Error(line.to_owned()), after),
        b':' => (Reply::Integer(number()?), after),
        b'$' => match number()? {
            -1 => (Reply::Text(None), after),
            length @ 0..=LENGTH_MAX => {
                let last = after + length as usize;
                if bytes.len() < last + 2 {
                    return Ok(None);
                }
                let text = String::from_utf8(bytes[after..last].to_vec()).map_err(|_| strange())?;
                (Reply::Text(Some(text)), last + 2)
            }
            _ => return Err(strange()),
        },
        b'*' => match number()? {
            -1 => (Reply::List(None), after),
            count @ 0..=LENGTH_MAX if depth < DEPTH_MAX => {
                return parse_list(bytes, after, count as usize, depth + 1);
            }
            _ => return Err(strange()),
        },
        _ => return Err(strange()),
    }))
}

/// The answers of a list. The depth of lists in lists is bounded, so this ends.
fn parse_list(
    bytes: &[u8],
    mut at: usize,
    count: usize,
    depth: u32,
) -> Result<Option<(Reply, usize)>, Reason> {
    let mut list = Vec::new();
    for _ in 0..count {
        let Some((reply, length)) = parse(&bytes[at..], depth)? else { return Ok(None) };
        list.push(reply);
        at += length;
    }
    Ok(Some((Reply::List(Some(list)), at)))
}

fn strange() -> Reason {
    "the answer is not of Redis's protocol".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_answer_is_read_once_it_is_whole() {
        let bytes = b"*5\r\n+OK\r\n-ERR no\r\n:-7\r\n$3\r\na\r\n\r\n*-1\r\n+next\r\n";
        let whole = bytes.len() - b"+next\r\n".len();
        for cut in 0..whole {
            assert_eq!(parse(&bytes[..cut], 0).unwrap(), None, "{cut}");
        }
        let (reply, length) = parse(bytes, 0).unwrap().unwrap();
        assert_eq!(length, whole);
        let expected = [
            Reply::Status("OK".into()),
            Reply::Error("ERR no".into()),
            Reply::Integer(-7),
            Reply::Text(Some("a\r\n".into())),
            Reply::List(None),
        ];
        assert_eq!(reply.list().unwrap(), expected);
        assert_eq!(parse(b"$-1\r\n", 0).unwrap().unwrap().0, Reply::Text(None));
    }

    #[test]
    fn what_is_not_of_the_protocol_is_refused() {
        let deep = b"*1\r\n".repeat(20);
        for bytes in [&b"HTTP/1.1 200 OK\r\n"[..], b"$-2\r\n", b":x\r\n", b"$99999999999\r\n", b"\r\n", &deep]
        {
            assert!(parse(bytes, 0).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn a_command_is_an_array_of_texts() {
        let mut bytes = Vec::new();
        encode(&["SET", "x", "a b"], &mut bytes);
        assert_eq!(bytes, b"*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$3\r\na b\r\n");
    }
}
