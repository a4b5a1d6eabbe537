//! The protocol of Tarantool (IPROTO): a greeting, then requests and answers in MessagePack, each with its length before it.
//!
//! It is spoken by hand because a session must be one connection, opened once, that sends nothing twice.

use std::{net::SocketAddr, time::Duration};

use history::Reason;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::pack::Pack;

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// How long a greeting is.
const GREETING: usize = 128;
/// The longest answer that is believed.
const ANSWER_MAX: usize = 1 << 26;
/// The request that calls a procedure.
const CALL: i64 = 0x0a;
/// What an error is marked with in the kind of an answer, beside its number.
const IS_ERROR: i64 = 0x8000;

/// Keys of requests and answers.
mod key {
    pub const KIND: i64 = 0x00;
    pub const NUMBER: i64 = 0x01;
    pub const GIVEN: i64 = 0x21;
    pub const PROCEDURE: i64 = 0x22;
    pub const DATA: i64 = 0x30;
    pub const ERROR: i64 = 0x31;
}

/// Why a call has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// An error of the server, by its number.
    Error(i64, Reason),
    /// The connection broke, or its answer was none of Tarantool's.
    Lost(Reason),
}

impl Trouble {
    /// What happened.
    pub fn word(&self) -> &Reason {
        let (Self::Error(_, reason) | Self::Lost(reason)) = self;
        reason
    }

    /// An answer that nobody expects.
    pub fn strange() -> Self {
        Self::Lost("a strange answer".into())
    }
}

/// One connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    asked: i64,
    /// The version that the server says it has.
    pub version: String,
}

impl Wire {
    /// Connects.
    pub async fn open(address: SocketAddr) -> Result<Self, Reason> {
        match tokio::time::timeout(CONNECT_MAX, Self::greet(address)).await {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(error)) => Err(format!("no connection: {error}").into()),
            Err(_) => Err("no connection in time".into()),
        }
    }

    async fn greet(address: SocketAddr) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let mut greeting = [0; GREETING];
        stream.read_exact(&mut greeting).await?;
        // "Tarantool 2.6.0 (Binary) ...", and then what is needed to log in, which the clients here do not.
        let said = String::from_utf8_lossy(&greeting).into_owned();
        match said.split(' ').collect::<Vec<_>>()[..] {
            ["Tarantool", version, ..] => Ok(Self { stream, asked: 0, version: version.to_owned() }),
            _ => Err(std::io::Error::other("whoever listens there is no Tarantool")),
        }
    }

    /// Calls a procedure; what it gave. After [`Trouble::Lost`] the connection is of no more use.
    pub async fn call(&mut self, procedure: &str, given: Vec<Pack>) -> Result<Vec<Pack>, Trouble> {
        self.asked += 1;
        let head = [(key::KIND, Pack::Int(CALL)), (key::NUMBER, Pack::Int(self.asked))];
        let body = [(key::PROCEDURE, Pack::of(&procedure)), (key::GIVEN, Pack::List(given))];
        let mut bytes = vec![0xce, 0, 0, 0, 0];
        for part in [head, body] {
            Pack::Map(part.map(|(key, value)| (Pack::Int(key), value)).to_vec()).put(&mut bytes);
        }
        let length = u32::try_from(bytes.len() - 5).map_err(|_| Trouble::Lost("too long".into()))?;
        bytes[1..5].copy_from_slice(&length.to_be_bytes());
        self.stream.write_all(&bytes).await.map_err(|_| Trouble::Lost("the connection broke".into()))?;
        let answer = self.answer().await.map_err(|_| Trouble::Lost("the connection broke".into()))?;
        self.read(&answer)
    }

    /// The bytes of one answer.
    async fn answer(&mut self) -> std::io::Result<Vec<u8>> {
        let mut head = [0; 5];
        self.stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        if head[0] != 0xce || length > ANSWER_MAX {
            return Err(std::io::Error::other("no answer of Tarantool's"));
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).await?;
        Ok(answer)
    }

    fn read(&self, mut answer: &[u8]) -> Result<Vec<Pack>, Trouble> {
        let mut taken = || Pack::take(&mut answer).map_err(Trouble::Lost);
        let (head, body) = (taken()?, taken()?);
        // An answer to another question would be taken for one to this.
        let (Some(Pack::Int(kind)), Some(Pack::Int(number))) =
            (head.under(key::KIND), head.under(key::NUMBER))
        else {
            return Err(Trouble::strange());
        };
        match (kind, body.under(key::DATA), body.under(key::ERROR)) {
            _ if *number != self.asked => Err(Trouble::strange()),
            (0, Some(Pack::List(data)), _) => Ok(data.clone()),
            (kind, _, Some(Pack::Text(error))) if kind & IS_ERROR != 0 => {
                let number = kind & !IS_ERROR;
                Err(Trouble::Error(number, format!("{number}: {error}").into()))
            }
            _ => Err(Trouble::strange()),
        }
    }
}
