//! What etcd's gateway has beside keys and values: leases, the locks that are made of them, and revisions.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::{
    Reads,
    gateway::{Gateway, GatewayError, after, decode, strange},
};

/// What the server says of a lease that has ended.
const NO_LEASE: &str = "requested lease not found";

/// The first of the keys below a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct First {
    /// Its whole name.
    pub name: String,
    /// The revision of its last change.
    pub revision: String,
}

impl Gateway {
    /// A lease that lasts so many seconds from when the leader gives it.
    pub async fn grant(&mut self, seconds: u64) -> Result<String, GatewayError> {
        let answer = self.post("lease/grant", &json!({ "TTL": seconds.to_string() })).await?;
        answer["ID"].as_str().map(str::to_owned).ok_or_else(|| strange(&answer))
    }

    /// Lets a lease begin anew; whether it was still there.
    pub async fn keep_alive(&mut self, lease: &str) -> Result<bool, GatewayError> {
        let answer = self.post("lease/keepalive", &json!({ "ID": lease })).await?;
        let result = &answer["result"];
        if result["ID"].as_str() != Some(lease) {
            return Err(strange(&answer));
        }
        // One that has ended has no time, and what is 0 is left out.
        Ok(result["TTL"].as_str().is_some_and(|left| left != "0"))
    }

    /// Ends a lease with all keys that hang on it; whether it was still there.
    pub async fn revoke(&mut self, lease: &str) -> Result<bool, GatewayError> {
        match self.post("lease/revoke", &json!({ "ID": lease })).await {
            Ok(answer) if answer["header"].is_object() => Ok(true),
            Ok(answer) => Err(strange(&answer)),
            Err(GatewayError::Doubtful(said)) if said.contains(NO_LEASE) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes a key that lasts as long as a lease; whether there was none.
    pub async fn create(&mut self, key: &str, value: &str, lease: &str) -> Result<bool, GatewayError> {
        let key = STANDARD.encode(key);
        let absent = json!({ "key": key, "target": "CREATE", "result": "EQUAL", "createRevision": "0" });
        let put = json!({ "requestPut": { "key": key, "value": STANDARD.encode(value), "lease": lease } });
        self.commit_if(&[absent], &[put]).await
    }

    /// Waits for a lock in etcd's own way, and returns the key that stands for having it.
    pub async fn lock(&mut self, name: &str, lease: &str) -> Result<String, GatewayError> {
        let answer =
            self.post("lock/lock", &json!({ "name": STANDARD.encode(name), "lease": lease })).await?;
        answer["key"].as_str().map(str::to_owned).ok_or_else(|| strange(&answer))
    }

    /// Gives a lock back by the key that stands for having it, as it was told.
    pub async fn unlock(&mut self, key: &str) -> Result<(), GatewayError> {
        let answer = self.post("lock/unlock", &json!({ "key": key })).await?;
        if answer["header"].is_object() { Ok(()) } else { Err(strange(&answer)) }
    }

    /// Writes a key, and returns the revision that the whole store has by it.
    pub async fn revision_of_put(&mut self, key: &str) -> Result<i64, GatewayError> {
        let answer = self.post("kv/put", &json!({ "key": STANDARD.encode(key) })).await?;
        let revision = answer["header"]["revision"].as_str().and_then(|text| text.parse().ok());
        revision.ok_or_else(|| strange(&answer))
    }

    /// Writes a key, and returns how often it had been written before since it was made.
    pub async fn times_written(&mut self, key: &str, value: &str) -> Result<u64, GatewayError> {
        let request =
            json!({ "key": STANDARD.encode(key), "value": STANDARD.encode(value), "prev_kv": true });
        let answer = self.post("kv/put", &request).await?;
        if !answer["header"].is_object() {
            return Err(strange(&answer));
        }
        let before = &answer["prev_kv"];
        if before.is_null() {
            return Ok(0);
        }
        before["version"].as_str().and_then(|text| text.parse().ok()).ok_or_else(|| strange(&answer))
    }

    /// The revision of the last write of a key, if it is there, read linearizably.
    pub async fn revision_of(&mut self, key: &str) -> Result<Option<u64>, GatewayError> {
        let answer = self.post("kv/range", &json!({ "key": STANDARD.encode(key) })).await?;
        if !answer["header"].is_object() {
            return Err(strange(&answer));
        }
        let found = &answer["kvs"][0];
        if found.is_null() {
            return Ok(None);
        }
        let revision = found["mod_revision"].as_str().and_then(|text| text.parse().ok());
        revision.map(Some).ok_or_else(|| strange(&answer))
    }

    /// The key below a name that was made first, if there is one.
    pub async fn first_below(&mut self, prefix: &str, reads: Reads) -> Result<Option<First>, GatewayError> {
        let request = json!({
            "key": STANDARD.encode(prefix), "range_end": STANDARD.encode(after(prefix)), "keys_only": true,
            "limit": "1", "sort_order": "ASCEND", "sort_target": "CREATE",
            "serializable": reads == Reads::Serializable
        });
        let answer = self.post("kv/range", &request).await?;
        if !answer["header"].is_object() {
            return Err(strange(&answer));
        }
        let found = &answer["kvs"][0];
        match (found["key"].as_str(), found["mod_revision"].as_str()) {
            (Some(name), Some(revision)) => {
                Ok(Some(First { name: decode(name)?, revision: revision.to_owned() }))
            }
            (None, None) => Ok(None),
            _ => Err(strange(&answer)),
        }
    }

    /// Removes a key if it is the one that was read; whether it was.
    pub async fn remove(&mut self, found: &First) -> Result<bool, GatewayError> {
        let key = STANDARD.encode(&found.name);
        let same = json!({ "key": key, "target": "MOD", "result": "EQUAL", "modRevision": found.revision });
        self.commit_if(&[same], &[json!({ "requestDeleteRange": { "key": key } })]).await
    }
}
