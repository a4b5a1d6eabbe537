//! The protocol of ZooKeeper's clients: frames of big-endian fields, each request with a number that its answer repeats.
//!
//! It is spoken by hand because a session must be one connection, opened once, that sends nothing twice: libraries reconnect
//! by themselves, and go on with the session on another server.

use std::time::Duration;

use history::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    stream::{Place, Stream, broke},
    unread::Unread,
};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long the servers keep a session of which they hear nothing. A session that was let go ends with its connection for us.
pub const SESSION_MS: i32 = 30_000;
/// The longest frame that is believed.
const FRAME_MAX: usize = 1 << 24;
/// Numbers of frames that answer no request: news of watches, and answers to pings.
const UNASKED: [i32; 2] = [-1, -2];

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Makes a node.
    Create = 1,
    /// Removes a node.
    Delete = 2,
    /// Whether there is a node.
    Exists = 3,
    /// The data of a node.
    GetData = 4,
    /// Replaces the data of a node.
    SetData = 5,
    /// The names of the nodes below one.
    GetChildren = 8,
    /// Waits until this server has what the leader has.
    Sync = 9,
}

/// The fields of a request, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<u8>);

impl Fields {
    /// Adds a number.
    #[must_use]
    pub fn number(mut self, number: i32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a long number.
    #[must_use]
    pub fn long(mut self, number: i64) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Adds a yes or no.
    #[must_use]
    pub fn flag(mut self, flag: bool) -> Self {
        self.0.push(u8::from(flag));
        self
    }

    /// Adds a text, or bytes.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<[u8]>) -> Self {
        let text = text.as_ref();
        self = self.number(text.len() as i32);
        self.0.extend_from_slice(text);
        self
    }

    fn framed(self) -> Vec<u8> {
        let mut frame = (self.0.len() as i32).to_be_bytes().to_vec();
        frame.extend_from_slice(&self.0);
        frame
    }
}

/// The fields of an answer, taken from the front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    left: Unread,
}

impl Answer {
    /// The next number.
    pub fn number(&mut self) -> Result<i32, Reason> {
        self.left.number().map(i32::from_be_bytes)
    }

    /// The next long number.
    pub fn long(&mut self) -> Result<i64, Reason> {
        self.left.number().map(i64::from_be_bytes)
    }

    /// The next text. One that is not there is empty.
    pub fn text(&mut self) -> Result<String, Reason> {
        let length = usize::try_from(self.number()?.max(0)).map_err(|_| strange())?;
        self.left.text(length)
    }

    /// The next list of texts.
    pub fn texts(&mut self) -> Result<Vec<String>, Reason> {
        let count = self.number()?.max(0);
        (0..count).map(|_| self.text()).collect()
    }

    /// The version of the data, out of the next description of a node.
    pub fn version(&mut self) -> Result<i32, Reason> {
        // Two transaction numbers and two times stand before it.
        self.left.take(32)?;
        let version = self.number()?;
        self.left.take(32)?;
        Ok(version)
    }
}

/// One session on one connection.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    asked: i32,
}

impl Wire {
    /// Connects and makes a session, which takes a quorum. The servers keep it for so many milliseconds without a word.
    pub async fn open(place: Place<'_>, session_ms: i32) -> Result<Self, Reason> {
        let stream = Stream::open(place, CONNECT_MAX).await?;
        let mut wire = Self { stream, asked: 0 };
        let session =
            Fields::default().number(0).long(0).number(session_ms).long(0).text([0; 16]).flag(false);
        wire.send(session).await?;
        let mut answer = wire.frame().await?;
        answer.number()?;
        // A session that the servers did not make is given no time.
        if answer.number()? <= 0 { Err("the servers made no session".into()) } else { Ok(wire) }
    }

    /// Asks, and reads the answer: the error's number, 0 where there is none, and the fields. After an error of this function
    /// the connection is of no more use.
    pub async fn ask(&mut self, kind: Kind, fields: Fields) -> Result<(i32, Answer), Reason> {
        self.asked = self.asked.wrapping_add(1) & i32::MAX;
        let mut request = Fields::default().number(self.asked).number(kind as i32);
        request.0.extend_from_slice(&fields.0);
        self.send(request).await?;
        loop {
            let mut answer = self.frame().await?;
            let number = answer.number()?;
            answer.long()?;
            let error = answer.number()?;
            if number == self.asked {
                return Ok((error, answer));
            }
            if !UNASKED.contains(&number) {
                return Err(strange());
            }
        }
    }

    async fn send(&mut self, fields: Fields) -> Result<(), Reason> {
        self.stream.write_all(&fields.framed()).await.map_err(broke)
    }

    async fn frame(&mut self) -> Result<Answer, Reason> {
        let length = self.stream.read_i32().await.map_err(broke)?;
        let length =
            usize::try_from(length).ok().filter(|length| *length <= FRAME_MAX).ok_or_else(strange)?;
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.map_err(broke)?;
        Ok(Answer { left: Unread::new(bytes, STRANGE) })
    }
}

/// What a server says of itself.
pub async fn describe(place: Place<'_>) -> Result<String, Reason> {
    let asking = async {
        let mut stream = Stream::open(place, CONNECT_MAX).await?;
        stream.write_all(b"srvr").await.map_err(broke)?;
        let mut said = Vec::new();
        // Where TLS is spoken, some versions end the connection without a farewell.
        match stream.read_to_end(&mut said).await {
            Err(error) if said.is_empty() => Err(broke(error)),
            _ => Ok(String::from_utf8_lossy(&said).into_owned()),
        }
    };
    tokio::time::timeout(2 * CONNECT_MAX, asking).await.unwrap_or_else(|_| Err("no answer in time".into()))
}

const STRANGE: &str = "the answer is not of ZooKeeper's protocol";

fn strange() -> Reason {
    STRANGE.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_framed_and_taken_as_they_were_put() {
        let frame = Fields::default()
            .number(-7)
            .long(1 << 40)
            .flag(true)
            .text("/a")
            .number(2)
            .text("b")
            .text("")
            .framed();
        assert_eq!(frame[..4], (frame.len() as i32 - 4).to_be_bytes());
        let mut answer = Answer { left: Unread::new(frame[4..].to_vec(), STRANGE) };
        assert_eq!((answer.number().unwrap(), answer.long().unwrap()), (-7, 1 << 40));
        assert_eq!(answer.left.take(1).unwrap(), [1]);
        assert_eq!(answer.text().unwrap(), "/a");
        assert_eq!(answer.texts().unwrap(), ["b", ""]);
        assert!(answer.number().is_err(), "nothing is left");
    }

    #[test]
    fn a_length_that_lies_is_refused() {
        let bytes = [&100_i32.to_be_bytes()[..], b"short"].concat();
        assert!(Answer { left: Unread::new(bytes, STRANGE) }.text().is_err());
        // A text that is not there has the length -1.
        assert_eq!(
            Answer { left: Unread::new((-1_i32).to_be_bytes().to_vec(), STRANGE) }.text().unwrap(),
            ""
        );
    }
}
