//! A watch of etcd: an answer of its gateway that goes on for as long as its connection does, a line of JSON for each message.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use super::gateway::{Gateway, GatewayError, decode, strange};

/// The longest message that is believed.
const MESSAGE_MAX: usize = 16 << 20;

/// A change of a key, as whoever watches is told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The revision that the whole store had by it.
    pub revision: u64,
    /// What the key holds since then.
    pub value: String,
}

/// What is told of one key, on a connection of its own.
#[derive(Debug)]
pub struct Watch {
    /// It lasts as long as the connection does.
    _gateway: Gateway,
    body: Incoming,
    /// What has come and is no whole line yet.
    begun: Vec<u8>,
}

impl Watch {
    /// Watches a key from a revision on, and waits until the member says that it does.
    pub async fn open(mut gateway: Gateway, key: &str, from: u64) -> Result<Self, GatewayError> {
        let create = json!({ "key": STANDARD.encode(key), "start_revision": from.to_string() });
        let request = json!({ "create_request": create }).to_string();
        let answer = gateway.http.send("/v3/watch", gateway.token.as_deref(), request).await?;
        if !answer.status().is_success() {
            return Err(GatewayError::Doubtful(format!("{}: no watch", answer.status().as_u16())));
        }
        let mut watch = Self { _gateway: gateway, body: answer.into_body(), begun: Vec::new() };
        let first = watch.message().await?;
        match first["created"].as_bool() {
            Some(true) if first["canceled"].is_null() => Ok(watch),
            _ => Err(strange(&first)),
        }
    }

    /// The next changes, in the order in which they came; nothing where none comes in that time.
    pub async fn changes(&mut self, at_most: Duration) -> Result<Vec<Change>, GatewayError> {
        match timeout(at_most, self.message()).await {
            Ok(message) => changes(&message?),
            Err(_) => Ok(Vec::new()),
        }
    }

    /// The next message. Where nobody waits for it any longer, nothing that has come is forgotten.
    async fn message(&mut self) -> Result<Json, GatewayError> {
        let broke = || GatewayError::Doubtful("the watch broke off".into());
        loop {
            if let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                let message: Json = serde_json::from_slice(&line).map_err(|_| broke())?;
                return match &message["result"] {
                    result if result.is_object() => Ok(result.clone()),
                    _ => Err(strange(&message)),
                };
            }
            let frame = self.body.frame().await.ok_or_else(broke)?.map_err(|_| broke())?;
            if let Ok(data) = frame.into_data() {
                self.begun.extend_from_slice(&data);
            }
            if self.begun.len() > MESSAGE_MAX {
                return Err(GatewayError::Doubtful("a message too long to be believed".into()));
            }
        }
    }
}

fn changes(message: &Json) -> Result<Vec<Change>, GatewayError> {
    if message["canceled"].as_bool() == Some(true) {
        return Err(strange(message));
    }
    let none = Vec::new();
    let change = |event: &Json| {
        let revision = event["kv"]["mod_revision"].as_str().and_then(|text| text.parse().ok());
        // Only what is removed has a type: that of a change is left out.
        match (event["type"].is_null(), revision) {
            // An empty value is left out, too.
            (true, Some(revision)) => {
                let value = event["kv"]["value"].as_str().map_or(Ok(String::new()), decode)?;
                Ok(Change { revision, value })
            }
            _ => Err(strange(event)),
        }
    };
    message["events"].as_array().unwrap_or(&none).iter().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_told_in_the_order_in_which_they_came() {
        let event = |revision: &str, value: &str| json!({ "kv": { "key": "eA==", "mod_revision": revision, "version": "1", "value": STANDARD.encode(value) } });
        let told = changes(&json!({ "events": [event("7", "3"), event("5", "")] })).unwrap();
        let expected = [(7, "3"), (5, "")].map(|(revision, value)| Change { revision, value: value.into() });
        assert_eq!(told, expected);
        assert_eq!(changes(&json!({ "header": {} })).unwrap(), []);
        // What is compacted is not told of, and nobody removes what is watched.
        assert!(changes(&json!({ "canceled": true, "compact_revision": "9" })).is_err());
        assert!(
            changes(&json!({ "events": [{ "type": "DELETE", "kv": { "mod_revision": "8" } }] })).is_err()
        );
    }
}
