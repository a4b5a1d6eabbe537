//! The HTTP gateway of one etcd member: JSON in, JSON out, keys and values in base64.

use std::net::SocketAddr;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use cluster::{Error, Node};
use history::{Outcome, Reason};
use serde_json::{Value as Json, json};

use super::{
    CLIENT_PORT, Etcd, Reads,
    http::{Connection, Unanswered},
};
use crate::{endpoint::Endpoint, stream::Place};

/// Why a request has no answer.
#[derive(Debug)]
pub enum GatewayError {
    /// No connection was made, so the request was never sent: it certainly did nothing.
    NotSent(String),
    /// Anything else: it may have taken effect.
    Doubtful(String),
}

impl GatewayError {
    /// What a single request without an answer may have done: a read changes nothing, so it did not happen.
    pub fn outcome<R>(self, is_read: bool) -> Outcome<R> {
        match self {
            Self::NotSent(reason) => Outcome::Fail(reason.into()),
            Self::Doubtful(reason) if is_read => Outcome::Fail(reason.into()),
            Self::Doubtful(reason) => Outcome::Unknown(reason.into()),
        }
    }

    /// The error in a few words.
    pub fn into_reason(self) -> Reason {
        let (Self::NotSent(what) | Self::Doubtful(what)) = self;
        what.into()
    }

    /// The error as one of this node's.
    pub fn at(self, node: &Node) -> Error {
        let (Self::NotSent(what) | Self::Doubtful(what)) = self;
        Error::Node { node: node.name.clone(), what }
    }
}

/// One session with one member.
#[derive(Debug)]
pub struct Gateway {
    pub(super) http: Connection,
    pub(super) token: Option<String>,
}

impl From<Unanswered> for GatewayError {
    fn from(unanswered: Unanswered) -> Self {
        match unanswered {
            Unanswered::NotSent(why) => Self::NotSent(why),
            Unanswered::Doubtful(why) => Self::Doubtful(why),
        }
    }
}

/// What a compare-and-set compares with: the value that must be there, or nothing.
pub type Expected<'a> = Option<&'a str>;

impl Gateway {
    /// A session of its own: nothing is retried, and no connection is shared with another session.
    pub async fn open(database: &Etcd, node: &Node) -> Result<Self, GatewayError> {
        let running = database.running.as_ref();
        let place = match running {
            None => Place::from(SocketAddr::from((node.address, CLIENT_PORT + node.port_offset))),
            Some(running) => running.place(node, CLIENT_PORT),
        };
        let endpoint = running.map(|running| running.endpoint(node));
        let host = endpoint.map_or(node.name.as_str(), |endpoint| &endpoint.host);
        let http = Connection::open(place, host).await;
        let http = http.map_err(|reason| GatewayError::NotSent(reason.to_string()))?;
        let mut gateway = Self { http, token: None };
        if let Some(Endpoint { user: Some(user), password: Some(password), .. }) = endpoint {
            let login = json!({ "name": user, "password": password.reveal() });
            let answer = gateway.post("auth/authenticate", &login).await?;
            gateway.token = answer["token"].as_str().map(str::to_owned);
        }
        Ok(gateway)
    }

    /// The value of a key, read linearizably, or serializably: from what the member has.
    pub async fn range(&mut self, key: &str, reads: Reads) -> Result<Option<String>, GatewayError> {
        let request = json!({ "key": STANDARD.encode(key), "serializable": reads == Reads::Serializable });
        let answer = self.post("kv/range", &request).await?;
        match answer["kvs"][0]["value"].as_str() {
            // A key that is there always has a "kvs"; an empty value is left out of it.
            None if answer["kvs"][0].is_object() => Ok(Some(String::new())),
            None => Ok(None),
            Some(encoded) => decode(encoded).map(Some),
        }
    }

    /// Sets a key.
    pub async fn put(&mut self, key: &str, value: &str) -> Result<(), GatewayError> {
        let request = json!({ "key": STANDARD.encode(key), "value": STANDARD.encode(value) });
        let answer = self.post("kv/put", &request).await?;
        if answer["header"].is_object() { Ok(()) } else { Err(strange(&answer)) }
    }

    /// Removes a key, if it is there.
    pub async fn delete(&mut self, key: &str) -> Result<(), GatewayError> {
        let answer = self.post("kv/deleterange", &json!({ "key": STANDARD.encode(key) })).await?;
        if answer["header"].is_object() { Ok(()) } else { Err(strange(&answer)) }
    }

    /// Sets a key if it has the expected value; whether it had.
    pub async fn swap(&mut self, key: &str, from: Expected<'_>, to: &str) -> Result<bool, GatewayError> {
        let key = STANDARD.encode(key);
        let compare = match from {
            Some(from) => {
                json!({ "key": key, "target": "VALUE", "result": "EQUAL", "value": STANDARD.encode(from) })
            }
            None => json!({ "key": key, "target": "CREATE", "result": "EQUAL", "createRevision": "0" }),
        };
        let put = json!({ "requestPut": { "key": key, "value": STANDARD.encode(to) } });
        self.commit_if(&[compare], &[put]).await
    }

    /// Everything that is stored under these keys, all at one revision.
    pub async fn read_all(&mut self, keys: &[String]) -> Result<Vec<Stored>, GatewayError> {
        let ranges: Vec<Json> =
            keys.iter().map(|key| json!({ "requestRange": { "key": STANDARD.encode(key) } })).collect();
        let answer = self.post("kv/txn", &json!({ "success": ranges })).await?;
        let responses = answer["responses"].as_array().filter(|responses| responses.len() == keys.len());
        let responses = responses.ok_or_else(|| strange(&answer))?;
        responses.iter().map(|response| stored(&response["response_range"]["kvs"][0])).collect()
    }

    /// Sets keys if every one of these keys was last changed at this revision; whether that was so.
    pub async fn put_if_unchanged(
        &mut self,
        revisions: &[(String, u64)],
        puts: &[(String, String)],
    ) -> Result<bool, GatewayError> {
        let compare = |(key, revision): &(String, u64)| {
            json!({
                "key": STANDARD.encode(key), "target": "MOD", "result": "EQUAL", "modRevision": revision.to_string()
            })
        };
        let put = |(key, value): &(String, String)| json!({ "requestPut": { "key": STANDARD.encode(key), "value": STANDARD.encode(value) } });
        let compares: Vec<Json> = revisions.iter().map(compare).collect();
        let puts: Vec<Json> = puts.iter().map(put).collect();
        self.commit_if(&compares, &puts).await
    }

    /// Does these things as one step if all of that is so; whether it was.
    pub(super) async fn commit_if(
        &mut self,
        compares: &[Json],
        things: &[Json],
    ) -> Result<bool, GatewayError> {
        let answer = self.post("kv/txn", &json!({ "compare": compares, "success": things })).await?;
        if !answer["header"].is_object() {
            return Err(strange(&answer));
        }
        // The gateway leaves a false "succeeded" out.
        Ok(answer["succeeded"].as_bool().unwrap_or(false))
    }

    /// The names of all keys that begin with this text, read linearizably or serializably.
    pub async fn names_below(&mut self, prefix: &str, reads: Reads) -> Result<Vec<String>, GatewayError> {
        let request = json!({
            "key": STANDARD.encode(prefix), "range_end": STANDARD.encode(after(prefix)), "keys_only": true,
            "serializable": reads == Reads::Serializable
        });
        let answer = self.post("kv/range", &request).await?;
        if !answer["header"].is_object() {
            return Err(strange(&answer));
        }
        let none = Vec::new();
        let found = answer["kvs"].as_array().unwrap_or(&none);
        found.iter().map(|kv| decode(kv["key"].as_str().ok_or_else(|| strange(kv))?)).collect()
    }

    /// Removes every key that begins with this text.
    pub async fn delete_below(&mut self, prefix: &str) -> Result<(), GatewayError> {
        let request = json!({ "key": STANDARD.encode(prefix), "range_end": STANDARD.encode(after(prefix)) });
        let answer = self.post("kv/deleterange", &request).await?;
        if answer["header"].is_object() { Ok(()) } else { Err(strange(&answer)) }
    }

    /// The version the member says it has.
    pub async fn version(&mut self) -> Result<String, GatewayError> {
        let answer = self.post("maintenance/status", &json!({})).await?;
        answer["version"].as_str().map(str::to_owned).ok_or_else(|| strange(&answer))
    }

    /// Whether the member believes that it leads.
    pub async fn leads(&mut self) -> Result<bool, GatewayError> {
        let answer = self.post("maintenance/status", &json!({})).await?;
        let (leader, own) = (answer["leader"].as_str(), answer["header"]["member_id"].as_str());
        Ok(leader.is_some() && leader == own)
    }

    /// One question of the member.
    pub(super) async fn post(&mut self, path: &str, request: &Json) -> Result<Json, GatewayError> {
        let asked = self.http.post(&format!("/v3/{path}"), self.token.as_deref(), request.to_string()).await;
        let (status, bytes) = asked?;
        let answer: Result<Json, _> = serde_json::from_slice(&bytes);
        if (200..300).contains(&status) {
            return answer.map_err(|_| GatewayError::Doubtful("the answer is not of etcd's gateway".into()));
        }
        let answer = answer.unwrap_or_default();
        let said = answer["error"].as_str().or(answer["message"].as_str()).unwrap_or("no reason given");
        Err(GatewayError::Doubtful(format!("{status}: {said}")))
    }
}

/// The first name that no longer begins with this text, which never ends with the last byte there is.
pub(super) fn after(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    *end.last_mut().expect("a prefix is not empty") += 1;
    end
}

/// What one key holds.
#[derive(Debug)]
pub struct Stored {
    /// Its value, if there is one.
    pub value: Option<String>,
    /// The revision of its last change; 0 where there is none.
    pub revision: u64,
}

fn stored(kv: &Json) -> Result<Stored, GatewayError> {
    if !kv.is_object() {
        return Ok(Stored { value: None, revision: 0 });
    }
    let revision = kv["mod_revision"].as_str().and_then(|text| text.parse().ok());
    // An empty value is left out of the answer.
    let value = kv["value"].as_str().map_or(Ok(String::new()), decode)?;
    Ok(Stored { value: Some(value), revision: revision.ok_or_else(|| strange(kv))? })
}

/// A text out of an answer.
pub(super) fn decode(encoded: &str) -> Result<String, GatewayError> {
    let bytes =
        STANDARD.decode(encoded).map_err(|_| GatewayError::Doubtful("a value was not base64".into()))?;
    String::from_utf8(bytes).map_err(|_| GatewayError::Doubtful("a value was not text".into()))
}

/// An answer that nobody expects.
pub(super) fn strange(answer: &Json) -> GatewayError {
    let text: String = answer.to_string().chars().take(120).collect();
    GatewayError::Doubtful(format!("a strange answer: {text}"))
}
