//! What every request is sent with beside what its template says: TLS, and headers whose content is in no file of settings.

use std::{collections::BTreeMap, net::SocketAddr, path::Path, str::FromStr as _};

use cluster::Node;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

use crate::tls::{Tls, TlsChoice};

/// What stands for the secret in the content of a header.
const SECRET: &str = "{secret}";

/// A header whose content is a secret, and where that is.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Said")]
pub struct SecretHeader {
    content: String,
    pub(crate) place: Place,
}

/// Where a secret is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// It is the first line of a file.
    File(String),
    /// It is a variable of the environment.
    Environment(String),
}

/// What a file of settings says of a secret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    content: Option<String>,
    file: Option<String>,
    env: Option<String>,
}

impl TryFrom<Said> for SecretHeader {
    type Error = String;

    fn try_from(said: Said) -> Result<Self, String> {
        let place = match (said.file, said.env) {
            (Some(file), None) => Place::File(file),
            (None, Some(variable)) => Place::Environment(variable),
            _ => {
                return Err(
                    "a secret header names the `file` that its secret is in, or the variable, `env`".into()
                );
            }
        };
        let content = said.content.unwrap_or_else(|| SECRET.into());
        match content.matches(SECRET).count() {
            1 => Ok(Self { content, place }),
            _ => Err(format!("the content of a secret header says {SECRET} once")),
        }
    }
}

impl SecretHeader {
    fn value(&self, name: &str, environment: &Environment<'_>) -> Result<HeaderValue, String> {
        let (secret, place) = match &self.place {
            Place::File(path) => {
                let text = std::fs::read_to_string(Path::new(path)).map_err(|error| {
                    format!("cannot read the secret of the header {name} in {path}: {error}")
                })?;
                (text.lines().next().map(str::to_owned), path)
            }
            Place::Environment(variable) => (environment(variable), variable),
        };
        let secret = secret.filter(|secret| !secret.is_empty());
        let secret = secret.ok_or_else(|| format!("the secret of the header {name} is not in {place}"))?;
        let mut value = HeaderValue::from_str(&self.content.replace(SECRET, &secret))
            .map_err(|_| format!("what is in {place} cannot stand in the header {name}"))?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Tells variables of the environment.
pub type Environment<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// What every request is sent with.
#[derive(Clone, Debug, Default)]
pub struct Means {
    pub(super) headers: HeaderMap,
    tls: Option<Tls>,
    /// The name in the servers' certificates, where it is not in the URLs.
    pub(super) name: Option<String>,
}

impl Means {
    /// Reads what is named: secrets, certificates and keys. An error says in one sentence what is of no use.
    pub fn read(
        headers: &BTreeMap<String, SecretHeader>,
        environment: &Environment<'_>,
        choice: Option<&TlsChoice>,
    ) -> Result<Self, String> {
        let mut means = Self::default();
        for (name, header) in headers {
            let known = HeaderName::from_str(name).map_err(|_| format!("`{name}` is no name of a header"))?;
            means.headers.insert(known, header.value(name, environment)?);
        }
        if let Some(choice) = choice {
            means.name.clone_from(&choice.name);
            means.tls = Some(Tls::new(choice, choice.name.as_deref().unwrap_or("the host of the url"))?);
        }
        Ok(means)
    }

    /// The client with what TLS needs.
    pub(super) fn equip(
        &self,
        client: reqwest::ClientBuilder,
        node: &Node,
    ) -> Result<reqwest::ClientBuilder, reqwest::Error> {
        let client = match &self.name {
            // The name is only looked for in the certificate: the node is where it is.
            Some(name) => client.resolve(name, SocketAddr::new(node.address, 0)),
            None => client,
        };
        self.secure(client)
    }

    #[cfg(feature = "tls")]
    fn secure(&self, mut client: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, reqwest::Error> {
        let Some(tls) = &self.tls else { return Ok(client) };
        if let Some(authorities) = tls.authorities() {
            // Whoever is named is believed alone.
            client = client.tls_certs_only(reqwest::Certificate::from_pem_bundle(authorities)?);
        }
        if let Some(identity) = tls.identity() {
            client = client.identity(reqwest::Identity::from_pkcs12_der(identity, "")?);
        }
        Ok(client.tls_danger_accept_invalid_certs(tls.proof() == crate::tls::Proof::Nothing))
    }

    #[cfg(not(feature = "tls"))]
    fn secure(&self, client: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, reqwest::Error> {
        match &self.tls {
            None => Ok(client),
            Some(tls) => match *tls {},
        }
    }

    /// What went wrong when no connection was made, with the remedy where it is a matter of TLS.
    pub(super) fn explained(&self, said: &str, host: &str) -> String {
        let is_of_tls = ["certificate", "alert ", "SSL", "ssl"].iter().any(|sign| said.contains(sign));
        let has_certificate = self.tls.as_ref().is_some_and(Tls::has_certificate);
        let name = self.name.as_deref().unwrap_or(host);
        if is_of_tls { crate::tls::sentence(said, name, has_certificate) } else { said.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(said: serde_json::Value) -> Result<SecretHeader, String> {
        serde_json::from_value(said).map_err(|error| error.to_string())
    }

    #[test]
    fn a_secret_is_read_and_never_shown() {
        let environment = |name: &str| (name == "TOKEN").then(|| "hush".to_owned());
        let said = serde_json::json!({ "env": "TOKEN", "content": "Bearer {secret}" });
        let headers = BTreeMap::from([("Authorization".to_owned(), header(said).unwrap())]);
        let means = Means::read(&headers, &environment, None).unwrap();
        assert_eq!(means.headers["authorization"].to_str().unwrap(), "Bearer hush");
        assert!(!format!("{means:?}").contains("hush"));
    }

    #[test]
    fn what_is_wrong_with_a_secret_is_told_without_it() {
        for said in [
            serde_json::json!({}),
            serde_json::json!({ "file": "a", "env": "B" }),
            serde_json::json!({ "env": "B", "content": "Bearer" }),
            serde_json::json!({ "env": "B", "value": "hush" }),
        ] {
            assert!(header(said.clone()).is_err(), "{said}");
        }
        for (said, told) in [
            (serde_json::json!({ "env": "NOWHERE" }), "is not in NOWHERE"),
            (serde_json::json!({ "env": "STRANGE" }), "what is in STRANGE cannot stand in the header X-Key"),
            (serde_json::json!({ "file": "/nowhere/at/all" }), "cannot read the secret of the header X-Key"),
        ] {
            let headers = BTreeMap::from([("X-Key".to_owned(), header(said).unwrap())]);
            let environment = |name: &str| (name == "STRANGE").then(|| "hu\u{7}sh".to_owned());
            let why = Means::read(&headers, &environment, None).unwrap_err();
            assert!(why.contains(told) && !why.contains("hu\u{7}sh"), "{why}");
        }
    }
}
