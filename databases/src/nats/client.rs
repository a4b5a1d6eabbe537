//! Registers and sets in NATS JetStream. A register is a subject of which the stream keeps the last message, as in its key-value
//! stores; a set is a subject per element, and every addition a message that the stream acknowledges.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | status 503 | `Fail` | no server listened to the subject, so the message went nowhere |
//! | error 10071 (another last sequence) | `Fail`; `refused` where the register was to be new | the stream compares before it takes a message; which value was there nobody read |
//! | a read has no answer, or an error | `Fail` | a read changes nothing, so it did not happen |
//! | any other error, or no answer | `Unknown` | the message may be in the log already, and be taken later |

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cluster::Node;
use history::{
    Outcome, Reason, Set, Value,
    vocabulary::{
        Register,
        register::{self, Return as Answered},
        set,
    },
};
use serde_json::{Value as Json, json};

use super::{
    CLIENT_PORT, Nats, REGISTERS, Reads, SETS, address,
    wire::{Next, Wire},
};
use crate::speaking::{Speaker, speaks};

/// Nobody listened.
const NO_RESPONDERS: u16 = 503;
/// Nothing is there.
const NOT_FOUND: u16 = 404;
/// The error of a message that was to come after another one.
const WRONG_LAST: i64 = 10_071;
/// The header that says after which message of the same subject a message is to come.
const AFTER: &str = "Nats-Expected-Last-Subject-Sequence";

/// Why a call has no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// Certainly nothing was done.
    Refused(Reason),
    /// The message was to come after another one than it would have.
    WrongLast,
    /// It may have been done.
    Doubtful(Reason),
    /// The connection broke, or its answer was none of NATS's; and it may have been done.
    Lost(Reason),
}

impl From<Reason> for Trouble {
    fn from(reason: Reason) -> Self {
        Self::Lost(reason)
    }
}

impl Trouble {
    /// What happened, in a few words.
    pub(super) fn word(self) -> Reason {
        match self {
            Self::Refused(reason) | Self::Doubtful(reason) | Self::Lost(reason) => reason,
            Self::WrongLast => "another message came in between".into(),
        }
    }
}

/// Opens sessions.
#[derive(Clone, Debug)]
pub struct NatsClients(pub Nats);

/// One session.
pub(super) struct Session {
    wire: Wire,
    reads: Reads,
    broken: bool,
    /// What the names of streams begin with where others have streams too.
    pub(super) prefix: String,
    /// The streams that were made, or found, in this session.
    pub(super) known: BTreeSet<String>,
}

/// A value as it was written: a number where it reads as one.
pub(super) fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

pub(super) fn strange(answer: &Json) -> Trouble {
    let text: String = answer.to_string().chars().take(120).collect();
    Trouble::Doubtful(format!("a strange answer: {text}").into())
}

/// The answer, unless it is an error.
fn judged(answer: Json) -> Result<Json, Trouble> {
    let error = &answer["error"];
    match error["err_code"].as_i64() {
        None if error.is_null() => Ok(answer),
        Some(WRONG_LAST) => Err(Trouble::WrongLast),
        code => {
            let said = error["description"].as_str().unwrap_or("no reason given");
            Err(Trouble::Doubtful(format!("{}: {said}", code.unwrap_or(0)).into()))
        }
    }
}

impl Session {
    pub(super) async fn open(database: &Nats, node: &Node) -> Result<Self, Reason> {
        let wire = match &database.running {
            None => Wire::open(address(node), None).await?,
            Some(running) => {
                let endpoint = running.endpoint(node);
                let password = endpoint.password.as_ref().map(|password| password.reveal());
                let login = endpoint.user.as_deref().zip(password);
                Wire::open(running.place(node, CLIENT_PORT), login).await?
            }
        };
        let (reads, prefix) = (database.reads, database.prefix());
        Ok(Self { wire, reads, broken: false, prefix, known: BTreeSet::new() })
    }

    /// The names of streams, as many as the server tells at once.
    pub(super) async fn streams(&mut self) -> Result<Vec<String>, Trouble> {
        let answer = judged(self.api("STREAM.NAMES", &json!({})).await?)?;
        let names = answer["streams"].as_array().cloned().unwrap_or_default();
        Ok(names.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect())
    }

    /// Nothing more is asked in it.
    pub(super) fn end(&mut self) {
        self.broken = true;
    }

    /// Asks a consumer for its next message.
    pub(super) async fn next(&mut self, place: &str, request: &str) -> Result<Next, Trouble> {
        Ok(self.wire.next(place, request.as_bytes()).await?)
    }

    /// Acknowledges a message, and waits until that is acknowledged in turn.
    pub(super) async fn acknowledge(&mut self, place: &str) -> Result<(), Trouble> {
        let answer = self.wire.ask(place, &[], b"+ACK").await?;
        match answer.status {
            None => Ok(()),
            Some(status) => Err(Trouble::Doubtful(format!("status {status}").into())),
        }
    }

    pub(super) fn version(&self) -> &str {
        &self.wire.version
    }

    /// Asks JetStream itself.
    pub(super) async fn api(&mut self, what: &str, request: &Json) -> Result<Json, Trouble> {
        let answer = self.wire.ask(&format!("$JS.API.{what}"), &[], request.to_string().as_bytes()).await?;
        match answer.status {
            Some(NO_RESPONDERS) => Err(Trouble::Refused("503: JetStream is not there".into())),
            _ => Ok(answer.json()?),
        }
    }

    /// Publishes a message that the stream of its subject acknowledges, and returns its number.
    pub(super) async fn publish(
        &mut self,
        subject: &str,
        body: &str,
        after: Option<u64>,
    ) -> Result<u64, Trouble> {
        let headers: Vec<_> = after.iter().map(|sequence| (AFTER, sequence.to_string())).collect();
        let answer = self.wire.ask(subject, &headers, body.as_bytes()).await?;
        if answer.status == Some(NO_RESPONDERS) {
            return Err(Trouble::Refused("503: no stream listens".into()));
        }
        let answer = judged(answer.json()?)?;
        answer["seq"].as_u64().filter(|sequence| *sequence > 0).ok_or_else(|| strange(&answer))
    }

    /// The last message of a subject with its sequence, if there is one.
    async fn last(&mut self, subject: &str) -> Result<Option<(Value, u64)>, Trouble> {
        let request = json!({ "last_by_subj": subject });
        if self.reads == Reads::Direct {
            let place = format!("$JS.API.DIRECT.GET.{}{REGISTERS}", self.prefix);
            let answer = self.wire.ask(&place, &[], request.to_string().as_bytes()).await?;
            return match answer.status {
                Some(NOT_FOUND) => Ok(None),
                Some(status) => Err(Trouble::Doubtful(format!("status {status}").into())),
                None => direct(&answer.headers, &answer.body),
            };
        }
        let answer = self.api(&format!("STREAM.MSG.GET.{}{REGISTERS}", self.prefix), &request).await?;
        if answer["error"]["code"].as_u64() == Some(u64::from(NOT_FOUND))
            && answer["error"]["err_code"] == 10_037
        {
            return Ok(None);
        }
        self.message(answer).map(Some)
    }

    /// The message in an answer, with its sequence.
    pub(super) fn message(&self, answer: Json) -> Result<(Value, u64), Trouble> {
        let answer = judged(answer)?;
        let message = &answer["message"];
        let sequence = message["seq"].as_u64().ok_or_else(|| strange(&answer))?;
        // A message without a body has no "data".
        let data =
            STANDARD.decode(message["data"].as_str().unwrap_or_default()).map_err(|_| strange(&answer))?;
        let text = String::from_utf8(data).map_err(|_| strange(&answer))?;
        Ok((parse(&text), sequence))
    }

    async fn register(&mut self, call: &register::Call) -> Result<Answered, Trouble> {
        let subject = format!("{}{REGISTERS}.{}", self.prefix, call.key());
        match call {
            register::Call::Read(_) => {
                let found = self.last(&subject).await?;
                Ok(Answered::Value(Some(found.map_or(Value::Nil, |(value, _)| value))))
            }
            register::Call::Write(_, value) => {
                self.publish(&subject, &value.to_string(), None).await?;
                Ok(Answered::Written)
            }
            register::Call::Cas(_, Value::Nil, to) => {
                match self.publish(&subject, &to.to_string(), Some(0)).await {
                    Ok(_) => Ok(Answered::Swapped),
                    // A register is never removed, so there is one: an observation.
                    Err(Trouble::WrongLast) => Ok(Answered::Refused),
                    Err(trouble) => Err(trouble),
                }
            }
            register::Call::Cas(_, from, to) => {
                let Some((_, sequence)) = self.last(&subject).await?.filter(|(value, _)| value == from)
                else {
                    return Ok(Answered::Refused);
                };
                self.publish(&subject, &to.to_string(), Some(sequence)).await?;
                Ok(Answered::Swapped)
            }
        }
    }

    /// How many messages there are of each subject of a set.
    async fn subjects(&mut self, filter: &str) -> Result<Vec<String>, Trouble> {
        let request = json!({ "subjects_filter": filter });
        let answer = judged(self.api(&format!("STREAM.INFO.{}{SETS}", self.prefix), &request).await?)?;
        if !answer["state"].is_object() {
            return Err(strange(&answer));
        }
        let subjects = answer["state"]["subjects"].as_object();
        Ok(subjects.map(|subjects| subjects.keys().cloned().collect()).unwrap_or_default())
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        let below = format!("{}{SETS}.{}.", self.prefix, call.key());
        match call {
            set::Call::Add(_, element) => {
                self.publish(&format!("{below}{element}"), "", None).await?;
                Ok(set::Return::Added)
            }
            set::Call::Remove(_, element) => {
                let request = json!({ "filter": format!("{below}{element}") });
                let answer =
                    judged(self.api(&format!("STREAM.PURGE.{}{SETS}", self.prefix), &request).await?)?;
                match answer["purged"].as_u64() {
                    Some(gone) => Ok(set::Return::Changed(gone > 0)),
                    None => Err(strange(&answer)),
                }
            }
            set::Call::Contains(_, element) => {
                let found = self.subjects(&format!("{below}{element}")).await?;
                Ok(set::Return::Contains(!found.is_empty()))
            }
            set::Call::Read(_) => {
                let found = self.subjects(&format!("{below}>")).await?;
                let elements =
                    found.iter().map(|subject| parse(subject.strip_prefix(&below).unwrap_or(subject)));
                Ok(set::Return::Elements(elements.collect()))
            }
        }
    }
}

/// A message as a replica itself gives it: where it stands is in its headers.
fn direct(headers: &str, body: &[u8]) -> Result<Option<(Value, u64)>, Trouble> {
    let sequence = headers.lines().find_map(|line| line.strip_prefix("Nats-Sequence: "));
    let sequence = sequence.and_then(|text| text.trim().parse().ok());
    match (sequence, std::str::from_utf8(body)) {
        (Some(sequence), Ok(text)) => Ok(Some((parse(text), sequence))),
        _ => Err(Trouble::Doubtful("a strange answer".into())),
    }
}

impl Speaker for Session {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        self.broken |= matches!(trouble, Trouble::Lost(_));
        match trouble {
            Trouble::Refused(_) | Trouble::WrongLast => Outcome::Fail(trouble.word()),
            Trouble::Doubtful(reason) | Trouble::Lost(reason) if is_read => Outcome::Fail(reason),
            Trouble::Doubtful(reason) | Trouble::Lost(reason) => Outcome::Unknown(reason),
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

speaks! {
    Session, opened by NatsClients as |clients, _, node| Session::open(&clients.0, node).await?;
    Register: register;
    Set: set;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_wrong_last_sequence_is_certain_among_the_errors() {
        let error =
            |code: i64| judged(json!({ "error": { "code": 400, "err_code": code, "description": "d" } }));
        assert!(matches!(error(10_071), Err(Trouble::WrongLast)));
        // JetStream is not available, no suitable peers, a stream is offline, storing failed.
        for code in [10_008, 10_005, 10_118, 10_077] {
            assert!(matches!(error(code), Err(Trouble::Doubtful(_))), "{code}");
        }
        assert!(matches!(judged(json!({ "error": { "code": 500 } })), Err(Trouble::Doubtful(_))));
        assert!(judged(json!({ "stream": "s", "seq": 1 })).is_ok());
    }

    #[test]
    fn a_message_that_a_replica_gives_has_its_place_in_its_headers() {
        let headers = "NATS/1.0\r\nNats-Stream: s\r\nNats-Sequence: 7\r\n\r\n";
        assert_eq!(direct(headers, b"12").unwrap(), Some((Value::Int(12), 7)));
        assert!(direct("NATS/1.0\r\n\r\n", b"12").is_err());
    }
}
