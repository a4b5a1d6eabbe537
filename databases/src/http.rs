//! Calls as HTTP requests that a file describes: a template for each, and what each status of an answer means.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | the request cannot be made of this key or value, or there is no template for the call | `Fail` | nothing was sent |
//! | no connection was made | `Fail` | nothing was sent |
//! | a status among `ok`, and a body that says it too where the file asks for that | `Ok` | the file says so |
//! | a status among `absent` | nothing is there | the file says so |
//! | a status among `refused`, or a body that fits `refused-body` | `refused` | the file says so |
//! | a status among `failed` | `Fail` | the file says that such a call certainly did nothing |
//! | any other status, a body that cannot be read, a connection that broke, no answer | `Unknown` | nobody knows what was done |
//!
//! A session is one client of HTTP/1.1 with at most one connection at a time. It follows no redirect, asks nothing twice and
//! takes no proxy from the environment. After anything `Unknown` it is over. Secrets stand in headers alone, and in nothing that is
//! told of a request.

mod answer;
mod means;
mod request;
mod session;
mod template;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::Error as _};

pub(crate) use means::Place as SecretPlace;
pub use means::{Environment, Means, SecretHeader};
pub use request::Request;
pub use session::HttpClients;

use request::Takes;

/// The vocabularies that templates can speak.
pub const VOCABULARIES: [&str; 2] = ["register", "set"];

/// The requests of a system: a table for each vocabulary that it speaks.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Requests {
    /// Headers of every request whose content is a secret.
    #[serde(default)]
    pub secret_headers: BTreeMap<String, SecretHeader>,
    /// How a register is asked.
    pub register: Option<RegisterRequests>,
    /// How a set is asked.
    pub set: Option<SetRequests>,
}

/// The requests of a register.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequests {
    /// Reads `{key}`.
    #[serde(deserialize_with = "reading")]
    pub read: Request,
    /// Sets `{key}` to `{value}`.
    #[serde(deserialize_with = "writing")]
    pub write: Request,
    /// Sets `{key}` to `{new}` if it is `{old}`.
    #[serde(default, deserialize_with = "swapping")]
    pub cas: Option<Request>,
    /// Sets `{key}` to `{new}` if nothing is there.
    #[serde(default, deserialize_with = "creating")]
    pub create: Option<Request>,
}

/// The requests of a set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetRequests {
    /// Adds `{value}` to `{key}`.
    #[serde(deserialize_with = "writing")]
    pub add: Request,
    /// Reads all elements of `{key}`.
    #[serde(deserialize_with = "listing")]
    pub read: Request,
}

impl Requests {
    /// The vocabularies that there are requests for.
    pub fn speaks(&self) -> impl Iterator<Item = &'static str> {
        let register = self.register.as_ref().map(|_| "register");
        register.into_iter().chain(self.set.as_ref().map(|_| "set"))
    }

    /// Whether any of them goes through TLS.
    pub fn has_tls(&self) -> bool {
        let register = self.register.iter().flat_map(|register| {
            [&register.read, &register.write].into_iter().chain(&register.cas).chain(&register.create)
        });
        let set = self.set.iter().flat_map(|set| [&set.add, &set.read]);
        register.chain(set).any(Request::has_tls)
    }
}

fn sound<'de, D: Deserializer<'de>>(deserializer: D, takes: &Takes) -> Result<Request, D::Error> {
    let request = Request::deserialize(deserializer)?;
    match request.wrong(takes) {
        Some(wrong) => Err(D::Error::custom(wrong)),
        None => Ok(request),
    }
}

fn reading<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Request, D::Error> {
    sound(deserializer, &Takes { needed: &["key"], value: true, elements: false, refusals: false })
}

fn listing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Request, D::Error> {
    sound(deserializer, &Takes { needed: &["key"], value: true, elements: true, refusals: false })
}

fn writing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Request, D::Error> {
    sound(deserializer, &Takes { needed: &["key", "value"], value: false, elements: false, refusals: false })
}

fn swapping<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Request>, D::Error> {
    let takes = Takes { needed: &["key", "old", "new"], value: false, elements: false, refusals: true };
    sound(deserializer, &takes).map(Some)
}

fn creating<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Request>, D::Error> {
    let takes = Takes { needed: &["key", "new"], value: false, elements: false, refusals: true };
    sound(deserializer, &takes).map(Some)
}
