//! LDAP 3 as far as it is needed: one connection, and one question at a time.
//!
//! It is spoken by hand because a session must be one connection, opened once, that sends nothing twice and follows no referral.

use std::time::Duration;

use history::Reason;
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader};

use super::ber::{self, Taken, length, list, number, strange, tag, tagged, text};
use crate::stream::{Place, Stream, broke};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);
/// The longest message that is believed.
const MESSAGE_MAX: usize = 1 << 26;

/// Questions and answers by their tags.
mod op {
    pub const BIND: u8 = 0x60;
    pub const BIND_DONE: u8 = 0x61;
    pub const SEARCH: u8 = 0x63;
    pub const SEARCH_ENTRY: u8 = 0x64;
    pub const SEARCH_DONE: u8 = 0x65;
    pub const SEARCH_REFERENCE: u8 = 0x73;
    pub const MODIFY: u8 = 0x66;
    pub const MODIFY_DONE: u8 = 0x67;
    pub const ADD: u8 = 0x68;
    pub const ADD_DONE: u8 = 0x69;
    pub const DELETE: u8 = 0x4a;
    pub const DELETE_DONE: u8 = 0x6b;
}

/// Codes of results.
pub mod code {
    pub const SUCCESS: i32 = 0;
    pub const STRONGER_AUTH_REQUIRED: i32 = 8;
    pub const REFERRAL: i32 = 10;
    pub const NO_SUCH_ATTRIBUTE: i32 = 16;
    pub const VALUE_EXISTS: i32 = 20;
    pub const INVALID_SYNTAX: i32 = 21;
    pub const NO_SUCH_OBJECT: i32 = 32;
    pub const INSUFFICIENT_ACCESS: i32 = 50;
    pub const UNWILLING: i32 = 53;
    pub const ENTRY_EXISTS: i32 = 68;
}

/// Why a question was not answered as one hopes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// A result other than success, by its code.
    Result(i32, Reason),
    /// The connection broke, or its answer was none of LDAP's.
    Lost(Reason),
}

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self::Lost(reason)
    }
}

impl Trouble {
    /// What happened, in a few words.
    pub fn word(self) -> Reason {
        let (Self::Result(_, reason) | Self::Lost(reason)) = self;
        reason
    }

    /// Whether it is a result with this code.
    pub fn is(&self, code: i32) -> bool {
        matches!(self, Self::Result(known, _) if *known == code)
    }
}

/// What is done with the values of an attribute.
#[derive(Clone, Copy, Debug)]
pub enum Change {
    /// They are added.
    Add = 0,
    /// They are removed.
    Delete = 1,
    /// They take the place of those that are there.
    Replace = 2,
}

/// An attribute with its values.
pub type Attribute<'a> = (&'a str, &'a [&'a str]);

/// One connection.
#[derive(Debug)]
pub struct Wire {
    stream: BufReader<Stream>,
    asked: i32,
}

fn attribute((name, values): Attribute<'_>) -> Vec<u8> {
    let values: Vec<Vec<u8>> = values.iter().map(|value| text(value)).collect();
    list(tag::SEQUENCE, &[text(name), list(tag::SET, &values)])
}

impl Wire {
    /// Connects and logs in.
    pub async fn open(place: impl Into<Place<'_>>, user: &str, password: &str) -> Result<Self, Reason> {
        let place = place.into();
        let greeting = async {
            let stream = Stream::open(place, CONNECT_MAX).await?;
            let mut wire = Self { stream: BufReader::new(stream), asked: 0 };
            wire.bind(user, password).await.map_err(Trouble::word)?;
            Ok(wire)
        };
        match tokio::time::timeout(2 * CONNECT_MAX, greeting).await {
            Ok(opened) => opened,
            Err(_) => Err("no connection in time".into()),
        }
    }

    async fn bind(&mut self, user: &str, password: &str) -> Result<(), Trouble> {
        let simple = tagged(0x80, password.as_bytes());
        let request = list(op::BIND, &[number(tag::INTEGER, 3), text(user), simple]);
        self.ask(request, op::BIND_DONE).await
    }

    /// Changes the values of an attribute, all as one step.
    pub async fn modify(&mut self, entry: &str, changes: &[(Change, Attribute<'_>)]) -> Result<(), Trouble> {
        let change = |(how, what): &(Change, Attribute<'_>)| {
            list(tag::SEQUENCE, &[number(tag::ENUMERATED, *how as i32), attribute(*what)])
        };
        let changes: Vec<Vec<u8>> = changes.iter().map(change).collect();
        let request = list(op::MODIFY, &[text(entry), list(tag::SEQUENCE, &changes)]);
        self.ask(request, op::MODIFY_DONE).await
    }

    /// Makes an entry.
    pub async fn add(&mut self, entry: &str, attributes: &[Attribute<'_>]) -> Result<(), Trouble> {
        let attributes: Vec<Vec<u8>> = attributes.iter().map(|known| attribute(*known)).collect();
        let request = list(op::ADD, &[text(entry), list(tag::SEQUENCE, &attributes)]);
        self.ask(request, op::ADD_DONE).await
    }

    /// Removes an entry.
    pub async fn delete(&mut self, entry: &str) -> Result<(), Trouble> {
        self.ask(tagged(op::DELETE, entry.as_bytes()), op::DELETE_DONE).await
    }

    /// The values of an attribute of an entry; `None` where there is no such entry.
    pub async fn values(&mut self, entry: &str, name: &str) -> Result<Option<Vec<String>>, Trouble> {
        let (base_only, never_follow) = (number(tag::ENUMERATED, 0), number(tag::ENUMERATED, 0));
        let no_limit = number(tag::INTEGER, 0);
        let any = tagged(0x87, b"objectClass");
        let request = list(
            op::SEARCH,
            &[
                text(entry),
                base_only,
                never_follow,
                no_limit.clone(),
                no_limit,
                tagged(tag::BOOLEAN, &[0]),
                any,
                list(tag::SEQUENCE, &[text(name)]),
            ],
        );
        self.send(request).await?;
        let mut found = None;
        loop {
            let message = self.message().await?;
            let (kind, mut answer) = self.answer(&message)?;
            match kind {
                op::SEARCH_ENTRY => found = Some(values_of(answer)?),
                op::SEARCH_REFERENCE => {}
                op::SEARCH_DONE => match judged(&mut answer) {
                    // An entry that one may not see is passed over.
                    Ok(()) => return Ok(found),
                    Err(trouble) if trouble.is(code::NO_SUCH_OBJECT) => return Ok(None),
                    Err(trouble) => return Err(trouble),
                },
                _ => return Err(strange().into()),
            }
        }
    }

    async fn ask(&mut self, request: Vec<u8>, wanted: u8) -> Result<(), Trouble> {
        self.send(request).await?;
        let message = self.message().await?;
        match self.answer(&message)? {
            (kind, mut answer) if kind == wanted => judged(&mut answer),
            _ => Err(strange().into()),
        }
    }

    async fn send(&mut self, request: Vec<u8>) -> Result<(), Reason> {
        self.asked += 1;
        let message = list(tag::SEQUENCE, &[number(tag::INTEGER, self.asked), request]);
        self.stream.get_mut().write_all(&message).await.map_err(broke)
    }

    /// What a message answers, with the kind of the answer. One that nobody asked for says that the server ends the session.
    fn answer<'a>(&self, message: &'a [u8]) -> Result<(u8, Taken<'a>), Reason> {
        let mut message = Taken(message);
        match message.number(tag::INTEGER)? {
            own if own == self.asked => message.next()?.ok_or_else(strange),
            0 => Err("the server ends the session".into()),
            _ => Err(strange()),
        }
    }

    /// The content of the next message.
    async fn message(&mut self) -> Result<Vec<u8>, Reason> {
        let first = self.stream.read_u8().await.map_err(broke)?;
        let mut head = vec![self.stream.read_u8().await.map_err(broke)?];
        if head[0] >= 0x80 {
            let mut more = vec![0; usize::from(head[0] & 0x7f).min(4)];
            self.stream.read_exact(&mut more).await.map_err(broke)?;
            head.extend(more);
        }
        let (length, _) = length(&head).filter(|(length, _)| *length <= MESSAGE_MAX).ok_or_else(strange)?;
        if first != tag::SEQUENCE {
            return Err(strange());
        }
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).await.map_err(broke)?;
        Ok(bytes)
    }
}

fn judged(answer: &mut Taken<'_>) -> Result<(), Trouble> {
    let result = answer.number(tag::ENUMERATED)?;
    if result == code::SUCCESS {
        return Ok(());
    }
    answer.text()?;
    let said = answer.text()?;
    let what = if said.is_empty() { format!("result {result}") } else { format!("result {result}: {said}") };
    Err(Trouble::Result(result, what.into()))
}

fn values_of(mut entry: Taken<'_>) -> Result<Vec<String>, Reason> {
    entry.text()?;
    let mut attributes = entry.expect(tag::SEQUENCE)?;
    let mut found = Vec::new();
    while let Some((_, mut attribute)) = attributes.next()? {
        attribute.text()?;
        let mut values = attribute.expect(tag::SET)?;
        while let Some((_, value)) = values.next()? {
            found.push(String::from_utf8(value.0.to_vec()).map_err(|_| ber::strange())?);
        }
    }
    Ok(found)
}
