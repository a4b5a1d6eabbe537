//! Systems that already run: where their nodes are, by URL, and how to be let in.
//!
//! A URL is `scheme://user:password@host:port/database`, of which only scheme and host must be there. The password is never
//! printed, and [`Endpoint::shown`] leaves it out.

use std::{fmt, sync::Arc};

use cluster::{Error, Node};

use crate::tls::{Proof, Tls, TlsChoice};

/// A password. It is never printed, never serialised, and never part of a command line that is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Keeps a password.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The password itself, for whoever is let in by it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// One node of a system that already runs.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// What it speaks, as the URL says.
    pub scheme: String,
    /// Its name or address.
    pub host: String,
    /// Its port; `None` is the usual one.
    pub port: Option<u16>,
    /// As whom to log in; `None` is nobody or the usual user.
    pub user: Option<String>,
    /// What lets them in.
    pub password: Option<Password>,
    /// The database in it; `None` is the usual one.
    pub database: Option<String>,
    /// How TLS is to be spoken there, where the URL says so.
    pub choice: Option<TlsChoice>,
    /// What stands behind the `?`: what is understood of it holds no secret.
    pub query: Option<String>,
    /// TLS as it is spoken there, once its files were read.
    pub tls: Option<Tls>,
}

/// Schemes that are those of other ones with TLS.
const SECURE: [&str; 7] = ["rediss", "valkeys", "https", "amqps", "tls", "mqtts", "ldaps"];

impl Endpoint {
    /// The endpoint of a URL, or what is wrong with it, in one sentence that names no password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let shown = without_password(url.split('?').next().unwrap_or_default());
        let wrong = |what: &str| format!("`{shown}` is no endpoint: {what}");
        let Some((scheme, rest)) = url.split_once("://") else {
            return Err(wrong("it is to be a URL, as in postgres://user@host:5432/database"));
        };
        let scheme = scheme.to_ascii_lowercase();
        let (rest, query) = match rest.split_once('?') {
            None => (rest, None),
            Some((rest, query)) => (rest, Some(query)),
        };
        let choice = choice(&scheme, query.unwrap_or_default()).map_err(|what| wrong(&what))?;
        let (place, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, place) = match place.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, place),
        };
        let (host, port) = host_and_port(place).ok_or_else(|| wrong("it names no host"))?;
        let port = match port {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| wrong("its port is to be a number up to 65535"))?),
        };
        let plain = |text: &str| decoded(text).ok_or_else(|| wrong("what follows a % is not two digits"));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            None => (String::new(), String::new()),
            Some((user, password)) => (plain(user)?, plain(password)?),
        };
        let database = plain(path.trim_end_matches('/'))?;
        Ok(Self {
            scheme,
            host,
            port,
            user: Some(user).filter(|user| !user.is_empty()),
            password: Some(password).filter(|password| !password.is_empty()).map(Password::new),
            database: Some(database).filter(|database| !database.is_empty()),
            choice,
            query: query.map(str::to_owned),
            tls: None,
        })
    }

    /// The URL without its password.
    pub fn shown(&self) -> String {
        let user = self.user.as_ref().map_or(String::new(), |user| format!("{}@", encoded(user)));
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let port = self.port.map_or(String::new(), |port| format!(":{port}"));
        let database = self.database.as_ref().map_or(String::new(), |name| format!("/{}", encoded(name)));
        let query = self.query.as_ref().map_or(String::new(), |query| format!("?{query}"));
        format!("{}://{user}{host}{port}{database}{query}", self.scheme)
    }
}

/// What a URL says of TLS: by its scheme, and by the parameters that the users of PostgreSQL, MariaDB and MySQL know.
/// Whoever asks for TLS there gets one that is verified.
fn choice(scheme: &str, query: &str) -> Result<Option<TlsChoice>, String> {
    let (mut choice, mut is_on) = (TlsChoice::default(), SECURE.contains(&scheme));
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let file =
            || decoded(value).map(|path| Some(path.into())).ok_or("what follows a % is not two digits");
        match key.to_ascii_lowercase().replace(['-', '_'], "").as_str() {
            "sslmode" | "tls" | "ssl" => match proof(value)? {
                None if is_on => return Err(format!("its scheme says TLS, and `{key}` says none")),
                None => {}
                Some(proof) => (choice.proof, is_on) = (proof, true),
            },
            "sslrootcert" | "sslca" => choice.ca = file()?,
            "sslcert" => choice.certificate = file()?,
            "sslkey" => choice.key = file()?,
            _ => {
                return Err(format!(
                    "`{key}` is not understood; sslmode, sslrootcert, sslcert and sslkey are, and passwords come from files"
                ));
            }
        }
    }
    let has_files = choice.ca.is_some() || choice.certificate.is_some();
    Ok((is_on || has_files).then_some(choice))
}

/// How much a server has to prove by what several systems call it; `None` is no TLS.
fn proof(value: &str) -> Result<Option<Proof>, String> {
    match value.to_ascii_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" | "allow" | "prefer" | "preferred" | "false" => Ok(None),
        "require" | "required" | "verify-full" | "verify-identity" | "true" => Ok(Some(Proof::Name)),
        "verify-ca" => Ok(Some(Proof::Authority)),
        _ => Err(format!(
            "`{value}` is no way to speak TLS; sslmode takes disable, require, verify-ca or verify-full, and --insecure verifies \
             nothing"
        )),
    }
}

fn host_and_port(place: &str) -> Option<(String, Option<&str>)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']')?;
            (host, rest.strip_prefix(':'))
        }
        None => match place.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (place, None),
        },
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

/// A text of which some letters stand as `%41`.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut letters = text.bytes();
    while let Some(letter) = letters.next() {
        if letter != b'%' {
            bytes.push(letter);
            continue;
        }
        let digits = [letters.next()?, letters.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
    }
    String::from_utf8(bytes).ok()
}

fn encoded(text: &str) -> String {
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let letter = |byte: u8| if usual(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(letter).collect()
}

/// A text in which the password of every URL is left out.
pub fn without_password(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("://") {
        shown += before;
        shown += "://";
        // A login ends before the last @ of the authority, since a careless password may contain one.
        let end = after.find(['/', ' ', ',', '?']).unwrap_or(after.len());
        let (authority, beyond) = after.split_at(end);
        // A slash within a careless password ends the authority too early: then the @ is further on.
        let (authority, beyond) = match (authority.contains('@'), after.find(['@', ' ', ','])) {
            (false, Some(at)) if after[at..].starts_with('@') => {
                let end = after[at..].find(['/', ' ', ',', '?']).map_or(after.len(), |length| at + length);
                after.split_at(end)
            }
            _ => (authority, beyond),
        };
        match authority.rsplit_once('@') {
            Some((login, place)) => {
                let user = login.split_once(':').map_or(login, |(user, _)| user);
                shown += &format!("{user}@{place}");
            }
            None => shown += authority,
        }
        rest = beyond;
    }
    shown + rest
}

/// A system that already runs. Other people's data may be in it: whatever is made in it carries the id of the run, and is
/// removed at the end.
#[derive(Debug)]
pub struct Running {
    /// Its nodes, in the order of their ids.
    pub endpoints: Vec<Endpoint>,
    /// The id of the run.
    pub run_id: String,
}

/// What may help where a server does not let anybody in, and does not say that TLS is what it misses.
fn hint(endpoint: &Endpoint, why: &str) -> &'static str {
    let has = |signs: &[&str]| signs.iter().any(|sign| why.contains(sign));
    let is_cut_off = has(&["closed", "broke", "reset by peer", "Broken pipe"]);
    match &endpoint.tls {
        _ if has(&["--client-cert"]) => "",
        None if is_cut_off || has(&["no encryption", "insecure transport", "Access denied", "not of"]) => {
            "; if it wants TLS, say so with --tls"
        }
        Some(tls)
            if !tls.has_certificate() && (is_cut_off || has(&["client certificate", "Access denied"])) =>
        {
            "; if it wants a client certificate, give one with --client-cert FILE and --client-key FILE"
        }
        Some(tls) if tls.has_certificate() && is_cut_off => {
            "; it may not accept the client certificate of --client-cert"
        }
        _ => "",
    }
}

/// A system that already runs, shared by all who speak to it.
pub type Shared = Arc<Running>;

impl Running {
    /// Where a node is.
    pub fn endpoint(&self, node: &Node) -> &Endpoint {
        &self.endpoints[usize::from(node.id.0)]
    }

    /// That a node was not reached, in one sentence.
    pub fn unreachable(&self, node: &Node, why: impl fmt::Display) -> Error {
        let (endpoint, why) = (self.endpoint(node), why.to_string());
        let what = format!("{} is not reached: {why}{}", endpoint.shown(), hint(endpoint, &why));
        Error::Node { node: node.name.clone(), what }
    }

    /// Where the server of a node listens, at the usual port unless its URL names another one.
    #[cfg(any(
        feature = "etcd",
        feature = "memcached",
        feature = "mosquitto",
        feature = "nats",
        feature = "rabbitmq",
        feature = "redis",
        feature = "slapd",
        feature = "zookeeper"
    ))]
    pub(crate) fn place(&self, node: &Node, usual: u16) -> crate::stream::Place<'_> {
        let endpoint = self.endpoint(node);
        crate::stream::Place {
            address: (node.address, endpoint.port.unwrap_or(usual)).into(),
            tls: endpoint.tls.as_ref(),
        }
    }

    /// What the names of tables begin with.
    pub fn prefix(&self) -> String {
        format!("disprove_{}_", self.run_id)
    }

    /// What the names of keys begin with.
    pub fn keys(&self) -> String {
        format!("{}-", self.run_id)
    }

    /// The names of keys, which are numbered, for systems that cannot list them. Whoever looks for them may stop after
    /// [`Self::MISSING_MAX`] that are not there.
    pub fn numbered(&self) -> impl Iterator<Item = String> + '_ {
        (0_u64..).map(|number| format!("{}{number}", self.keys()))
    }

    /// After how many keys in a row that are not there nobody needs to look for more: more are never in use at a time.
    pub const MISSING_MAX: usize = 256;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_and_put_together_without_its_password() {
        let endpoint = Endpoint::parse("postgres://us%40er:p%3Aw@db.example:6432/my%2Fdb").unwrap();
        assert_eq!((endpoint.scheme.as_str(), endpoint.host.as_str()), ("postgres", "db.example"));
        assert_eq!((endpoint.port, endpoint.user.as_deref()), (Some(6432), Some("us@er")));
        assert_eq!(endpoint.password.as_ref().map(Password::reveal), Some("p:w"));
        assert_eq!(endpoint.database.as_deref(), Some("my/db"));
        assert_eq!(endpoint.shown(), "postgres://us%40er@db.example:6432/my%2Fdb");
        assert!(!format!("{endpoint:?}").contains("p:w"));
        let bare = Endpoint::parse("redis://[::1]").unwrap();
        assert_eq!((bare.host.as_str(), bare.port, bare.user, bare.database), ("::1", None, None, None));
        assert_eq!(Endpoint::parse("http://[::1]:2379/").unwrap().shown(), "http://[::1]:2379");
        assert!(Endpoint::parse("postgres://h/d?sslmode=disable").is_ok());
    }

    #[test]
    fn what_a_url_says_of_tls_is_understood_and_shown_again() {
        for url in ["redis://h", "postgres://h/d?sslmode=prefer", "mysql://h/d?ssl-mode=DISABLED"] {
            assert!(Endpoint::parse(url).unwrap().choice.is_none(), "{url}");
        }
        for (url, proof) in [
            ("rediss://h", Proof::Name),
            ("postgres://h/d?sslmode=require", Proof::Name),
            ("mysql://h/d?ssl-mode=VERIFY_CA", Proof::Authority),
            ("mariadb://h/d?sslMode=verify-full", Proof::Name),
            ("memcached://h?tls=true", Proof::Name),
        ] {
            let endpoint = Endpoint::parse(url).unwrap();
            assert_eq!(endpoint.choice.as_ref().unwrap().proof, proof, "{url}");
            assert_eq!(endpoint.shown(), url);
        }
        let files = Endpoint::parse("postgres://h/d?sslrootcert=%2Fa/ca.pem&sslcert=c&sslkey=k").unwrap();
        let choice = files.choice.unwrap();
        assert_eq!(choice.ca.as_deref(), Some(std::path::Path::new("/a/ca.pem")));
        assert_eq!((choice.certificate, choice.key), (Some("c".into()), Some("k".into())));
    }

    #[test]
    fn what_is_no_endpoint_is_told_without_its_password() {
        for (url, told) in [
            ("db.example:5432", "it is to be a URL"),
            ("postgres://u:secret@/db", "it names no host"),
            ("postgres://u:secret@h:port/db", "its port is to be a number"),
            ("postgres://u:secret@h:99999/db", "its port is to be a number"),
            ("postgres://u:secret%zz@h", "what follows a %"),
            ("postgres://u:secret@h/db?sslmode=sometimes", "`sometimes` is no way to speak TLS"),
            ("rediss://:secret@h?tls=false", "its scheme says TLS"),
            ("postgres://u@h/db?sslpassword=hush", "`sslpassword` is not understood"),
            ("postgres://h/db?password=secret", "`password` is not understood"),
        ] {
            let said = Endpoint::parse(url).unwrap_err();
            assert!(said.contains(told), "{url}: {said}");
            assert!(!said.contains("secret"), "{url}: {said}");
        }
    }

    #[test]
    fn no_password_of_a_url_is_left_in_a_text() {
        for (text, shown) in [
            ("--endpoint=redis://:pw@h:1,redis://u:pw@h2:2/0", "--endpoint=redis://@h:1,redis://u@h2:2/0"),
            ("postgres://u:p@w@h/db", "postgres://u@h/db"),
            ("postgres://u:p/w@h/db", "postgres://u@h/db"),
            ("http://h:2379 and mysql://u:pw@h/d", "http://h:2379 and mysql://u@h/d"),
            ("https://example.org/a@b", "https://example.org/a@b"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(without_password(text), shown, "{text}");
        }
    }
}
