//! AMQP 0-9-1 as far as queues need it: one connection, one channel, and one question at a time.
//!
//! It is spoken by hand because a session must be one connection, opened once, that sends nothing twice.

use std::time::Duration;

use history::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::fields::{Fields, Taken, strange};
use crate::stream::{Place, Stream, broke};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(4);
/// The longest frame that is believed.
const FRAME_MAX: usize = 1 << 20;
/// Frames of methods, of what is told of a message, of its content, and of a sign of life.
const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
/// The only channel.
const CHANNEL: u16 = 1;

/// A method: the number of its class and its own.
pub type Method = (u16, u16);

const START: Method = (10, 10);
const START_OK: Method = (10, 11);
const TUNE: Method = (10, 30);
const TUNE_OK: Method = (10, 31);
const OPEN: Method = (10, 40);
const OPEN_OK: Method = (10, 41);
const CONNECTION_CLOSE: Method = (10, 50);
const CHANNEL_OPEN: Method = (20, 10);
const CHANNEL_OPEN_OK: Method = (20, 11);
const CHANNEL_CLOSE: Method = (20, 40);
const DECLARE: Method = (50, 10);
const DECLARE_OK: Method = (50, 11);
const DELETE: Method = (50, 40);
const DELETE_OK: Method = (50, 41);
const QOS: Method = (60, 10);
const QOS_OK: Method = (60, 11);
const PUBLISH: Method = (60, 40);
const RETURN: Method = (60, 50);
const GET: Method = (60, 70);
const GET_OK: Method = (60, 71);
const GET_EMPTY: Method = (60, 72);
const ACK: Method = (60, 80);
const REJECT: Method = (60, 90);
const NACK: Method = (60, 120);
const SELECT: Method = (85, 10);
const SELECT_OK: Method = (85, 11);

/// What the servers said of a message that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// A quorum has it.
    Confirmed,
    /// The server could not take responsibility for it.
    Refused,
    /// There is no such queue, and it came back.
    Returned,
}

/// A message that was taken out of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// By what it is acknowledged.
    pub tag: u64,
    /// What was published.
    pub body: Vec<u8>,
}

/// As whom a session is opened, and in which of the server's virtual hosts.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The user.
    pub user: &'a str,
    /// What lets them in.
    pub password: &'a str,
    /// The virtual host.
    pub host: &'a str,
    /// Whether queues are made as quorum queues.
    pub has_quorum: bool,
}

impl Default for Login<'_> {
    /// As a server lets everybody in that nobody has changed.
    fn default() -> Self {
        Self { user: "guest", password: "guest", host: "/", has_quorum: true }
    }
}

/// One connection with one channel.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    has_quorum: bool,
    /// The version that the server says it has.
    pub version: String,
}

impl Wire {
    /// Connects, logs in and opens a channel on which what is published is confirmed.
    pub async fn open(place: impl Into<Place<'_>>, login: &Login<'_>) -> Result<Self, Reason> {
        match tokio::time::timeout(CONNECT_MAX, Self::greet(place.into(), login)).await {
            Ok(opened) => opened,
            Err(_) => Err("no connection in time".into()),
        }
    }

    async fn greet(place: Place<'_>, as_whom: &Login<'_>) -> Result<Self, Reason> {
        let stream = Stream::open(place, CONNECT_MAX).await?;
        let mut wire = Self { stream, has_quorum: as_whom.has_quorum, version: String::new() };
        wire.send(b"AMQP\x00\x00\x09\x01".to_vec()).await?;
        wire.version = version(wire.wait_for(START).await?.rest());
        // Without this capability the server closes the channel where it would refuse a message.
        let capabilities = Fields::default().name("basic.nack").byte(b't').byte(1);
        let properties = Fields::default().name("capabilities").byte(b'F').text(capabilities);
        let secret = format!("\0{}\0{}", as_whom.user, as_whom.password);
        let login = Fields::of(START_OK).text(properties).name("PLAIN").text(secret).name("en_US");
        wire.send(login.framed(METHOD, 0)).await?;
        let mut tune = wire.wait_for(TUNE).await?;
        let (channels, frame) = (tune.short()?, tune.long()?);
        // No signs of life: whoever waits for an answer has a limit of its own.
        wire.send(Fields::of(TUNE_OK).short(channels).long(frame).short(0).framed(METHOD, 0)).await?;
        wire.send(Fields::of(OPEN).name(as_whom.host).name("").byte(0).framed(METHOD, 0)).await?;
        wire.wait_for(OPEN_OK).await?;
        wire.ask(Fields::of(CHANNEL_OPEN).name(""), CHANNEL_OPEN_OK).await?;
        wire.ask(Fields::of(SELECT).byte(0), SELECT_OK).await?;
        Ok(wire)
    }

    /// Makes a queue that stays, or only asks whether it is there.
    pub async fn declare(&mut self, queue: &str, passive: bool) -> Result<(), Reason> {
        let durable = 2;
        let kind = if self.has_quorum { "quorum" } else { "classic" };
        let arguments = Fields::default().entry("x-queue-type", kind);
        let declare =
            Fields::of(DECLARE).short(0).name(queue).byte(u8::from(passive) | durable).text(arguments);
        self.ask(declare, DECLARE_OK).await.map(|_| ())
    }

    /// Removes a queue with all that is in it, where it is there.
    pub async fn delete(&mut self, queue: &str) -> Result<(), Reason> {
        self.ask(Fields::of(DELETE).short(0).name(queue).byte(0), DELETE_OK).await.map(|_| ())
    }

    /// Publishes a message to a queue, and waits for what becomes of it.
    pub async fn publish(&mut self, queue: &str, body: &[u8]) -> Result<Published, Reason> {
        let mandatory = 1;
        let (stays, delivery_mode) = (2, 0x1000);
        let mut frames =
            Fields::of(PUBLISH).short(0).name("").name(queue).byte(mandatory).framed(METHOD, CHANNEL);
        let header = Fields::default().short(PUBLISH.0).short(0).longest(body.len() as u64);
        frames.extend(header.short(delivery_mode).byte(stays).framed(HEADER, CHANNEL));
        frames.extend(
            [&[BODY][..], &CHANNEL.to_be_bytes(), &(body.len() as u32).to_be_bytes(), body, &[0xce]].concat(),
        );
        self.send(frames).await?;
        let mut is_returned = false;
        loop {
            match self.method().await?.0 {
                // It comes back first, and is confirmed nevertheless: nobody has to take responsibility for it.
                RETURN => {
                    self.content().await?;
                    is_returned = true;
                }
                ACK if is_returned => return Ok(Published::Returned),
                ACK => return Ok(Published::Confirmed),
                NACK => return Ok(Published::Refused),
                _ => return Err(strange()),
            }
        }
    }

    /// Takes the next message out of a queue; with `sent` it is taken as soon as the server has sent it.
    pub async fn get(&mut self, queue: &str, sent: bool) -> Result<Option<Message>, Reason> {
        let get = Fields::of(GET).short(0).name(queue).byte(u8::from(sent));
        self.send(get.framed(METHOD, CHANNEL)).await?;
        match self.method().await? {
            (GET_EMPTY, _) => Ok(None),
            (GET_OK, mut answer) => {
                let tag = answer.longest()?;
                Ok(Some(Message { tag, body: self.content().await? }))
            }
            _ => Err(strange()),
        }
    }

    /// Acknowledges a message, to which there is no answer.
    pub async fn acknowledge(&mut self, tag: u64) -> Result<(), Reason> {
        self.send(Fields::of(ACK).longest(tag).byte(0).framed(METHOD, CHANNEL)).await
    }

    /// Puts a message back into its queue, to which there is no answer; that the channel answers what it was asked after that says that
    /// it has.
    pub async fn put_back(&mut self, tag: u64) -> Result<(), Reason> {
        let again = 1;
        self.send(Fields::of(REJECT).longest(tag).byte(again).framed(METHOD, CHANNEL)).await?;
        self.ask(Fields::of(QOS).long(0).short(0).byte(0), QOS_OK).await.map(|_| ())
    }

    async fn ask(&mut self, question: Fields, answer: Method) -> Result<Taken, Reason> {
        self.send(question.framed(METHOD, CHANNEL)).await?;
        self.wait_for(answer).await
    }

    async fn wait_for(&mut self, wanted: Method) -> Result<Taken, Reason> {
        match self.method().await? {
            (method, taken) if method == wanted => Ok(taken),
            _ => Err(strange()),
        }
    }

    /// The next method. One that closes is an error.
    async fn method(&mut self) -> Result<(Method, Taken), Reason> {
        let (METHOD, mut taken) = self.frame().await? else { return Err(strange()) };
        let method = (taken.short()?, taken.short()?);
        if matches!(method, CONNECTION_CLOSE | CHANNEL_CLOSE) {
            return Err(format!("the server closes: {} {}", taken.short()?, taken.name()?).into());
        }
        Ok((method, taken))
    }

    /// The content of the message whose method came just now.
    async fn content(&mut self) -> Result<Vec<u8>, Reason> {
        let (HEADER, mut header) = self.frame().await? else { return Err(strange()) };
        header.long()?;
        let length = usize::try_from(header.longest()?).ok().filter(|length| *length <= FRAME_MAX);
        let length = length.ok_or_else(strange)?;
        let mut content = Vec::with_capacity(length);
        while content.len() < length {
            let (BODY, body) = self.frame().await? else { return Err(strange()) };
            content.extend_from_slice(body.rest());
        }
        Ok(content)
    }

    async fn send(&mut self, bytes: Vec<u8>) -> Result<(), Reason> {
        self.stream.write_all(&bytes).await.map_err(broke)
    }

    /// The next frame that is no sign of life, with its kind.
    async fn frame(&mut self) -> Result<(u8, Taken), Reason> {
        loop {
            let kind = self.stream.read_u8().await.map_err(broke)?;
            self.stream.read_u16().await.map_err(broke)?;
            let length = self.stream.read_u32().await.map_err(broke)? as usize;
            if !matches!(kind, METHOD | HEADER | BODY | HEARTBEAT) || length > FRAME_MAX {
                return Err(strange());
            }
            let mut bytes = vec![0; length + 1];
            self.stream.read_exact(&mut bytes).await.map_err(broke)?;
            let taken = Taken::of_frame(bytes)?;
            if kind != HEARTBEAT {
                return Ok((kind, taken));
            }
        }
    }
}

/// The version among what a server says of itself.
fn version(said: &[u8]) -> String {
    let name = b"\x07versionS";
    let Some(at) = said.windows(name.len()).position(|part| part == name) else { return String::new() };
    let rest = &said[at + name.len()..];
    let length = rest.first_chunk().map_or(0, |length| u32::from_be_bytes(*length) as usize);
    let text = rest.get(4..4usize.saturating_add(length)).unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_found_in_what_a_server_says() {
        let said = Fields::default()
            .short(9)
            .text(Fields::default().entry("product", "RabbitMQ").entry("version", "3.10.8"));
        assert_eq!(version(said.as_ref()), "3.10.8");
        assert_eq!(version(b"nothing"), "");
        assert_eq!(version(b"\x07versionS\x00\x00\x00\xffcut"), "");
    }
}
