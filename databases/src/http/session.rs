//! A session: one client of HTTP/1.1 that asks one request at a time.

use std::{error::Error as _, sync::Arc};

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Key, Outcome, Reason, Value,
    vocabulary::{Register, Set, register, set},
};

use super::{Means, Request, Requests, template::Meanings};

/// The longest body that is believed.
const BODY_MAX: usize = 16 << 20;

/// Opens sessions.
#[derive(Clone, Debug)]
pub struct HttpClients {
    /// The templates.
    pub requests: Arc<Requests>,
    /// What every request is sent with beside.
    pub means: Arc<Means>,
}

/// What an answer says.
enum Answer {
    Ok(String),
    Absent,
    Refused,
}

/// Why a call has no answer.
enum Trouble {
    /// It certainly did nothing.
    Nothing(Reason),
    /// Nobody knows what it did.
    Doubtful(Reason),
}

struct Session {
    client: reqwest::Client,
    requests: Arc<Requests>,
    means: Arc<Means>,
    node: Meanings,
    broken: bool,
}

/// An error with all that it came of, since the outermost says the least.
fn told(error: &reqwest::Error) -> Reason {
    let (mut said, mut source) = (error.to_string(), error.source());
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said.into()
}

impl Session {
    fn open(clients: &HttpClients, node: &Node) -> Result<Self, Reason> {
        let client = reqwest::Client::builder()
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .pool_max_idle_per_host(1);
        let client = clients.means.equip(client, node).and_then(reqwest::ClientBuilder::build);
        let client = client.map_err(|error| told(&error))?;
        let node = vec![
            ("ip", Value::from(node.address.to_string().as_str())),
            ("node", Value::from(node.name.as_str())),
            ("number", Value::Int(i64::from(node.id.0) + 1)),
        ];
        let (requests, means) = (Arc::clone(&clients.requests), Arc::clone(&clients.means));
        Ok(Self { client, requests, means, node, broken: false })
    }

    async fn ask(&mut self, request: &Request, words: &[(&'static str, &Value)]) -> Result<Answer, Trouble> {
        let mut meanings = self.node.clone();
        meanings.extend(words.iter().map(|(name, value)| (*name, (*value).clone())));
        let mut filled = request.filled(&meanings).map_err(|why| Trouble::Nothing(why.into()))?;
        let host = filled.url.host_str().unwrap_or_default().to_owned();
        if let Some(name) = &self.means.name {
            filled.url.set_host(Some(name)).map_err(|error| Trouble::Nothing(error.to_string().into()))?;
        }
        filled.headers.extend(self.means.headers.clone());
        let mut asked = self.client.request(filled.method, filled.url).headers(filled.headers);
        if let Some(body) = filled.body {
            asked = asked.body(body);
        }
        let mut answer = asked.send().await.map_err(|error| {
            // Where no connection was made, nothing was sent.
            if error.is_connect() {
                // The next session begins anew.
                self.broken = true;
                Trouble::Nothing(self.means.explained(&told(&error).to_string(), &host).into())
            } else {
                Trouble::Doubtful(self.means.explained(&told(&error).to_string(), &host).into())
            }
        })?;
        let status = answer.status().as_u16();
        if request.failed.contains(&status) {
            return Err(Trouble::Nothing(format!("status {status}").into()));
        }
        if request.absent.contains(&status) {
            return Ok(Answer::Absent);
        }
        if request.refused.contains(&status) {
            return Ok(Answer::Refused);
        }
        if !request.ok.contains(&status) {
            return Err(Trouble::Doubtful(format!("status {status}").into()));
        }
        let body = body_of(&mut answer).await.map_err(Trouble::Doubtful)?;
        judged(request, body)
    }

    async fn register(&mut self, call: &register::Call) -> Result<register::Return, Trouble> {
        use register::{Call, Return};
        let requests = Arc::clone(&self.requests);
        let requests = requests.register.as_ref().ok_or_else(|| no_template("register"))?;
        match call {
            Call::Read(key) => match self.ask(&requests.read, &[("key", key)]).await? {
                Answer::Ok(body) => {
                    let value = requests.read.place().value(&body).map_err(strange)?;
                    Ok(Return::Value(Some(value)))
                }
                Answer::Absent => Ok(Return::Value(Some(Value::Nil))),
                Answer::Refused => Err(Trouble::Doubtful("a read was refused".into())),
            },
            Call::Write(key, value) => {
                self.ask(&requests.write, &[("key", key), ("value", value)]).await.map(|_| Return::Written)
            }
            Call::Cas(key, old, new) => {
                let answer = match (&requests.create, &requests.cas) {
                    (Some(create), _) if *old == Value::Nil => {
                        self.ask(create, &[("key", key), ("new", new)]).await?
                    }
                    (_, Some(cas)) => self.ask(cas, &[("key", key), ("old", old), ("new", new)]).await?,
                    (_, None) => return Err(no_template("cas")),
                };
                Ok(if matches!(answer, Answer::Refused) { Return::Refused } else { Return::Swapped })
            }
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        use set::{Call, Return};
        let requests = Arc::clone(&self.requests);
        let requests = requests.set.as_ref().ok_or_else(|| no_template("set"))?;
        match call {
            Call::Add(key, value) => {
                self.ask(&requests.add, &[("key", key), ("value", value)]).await.map(|_| Return::Added)
            }
            Call::Read(key) => match self.ask(&requests.read, &[("key", key)]).await? {
                Answer::Ok(body) => {
                    requests.read.place().elements(&body).map(Return::Elements).map_err(strange)
                }
                Answer::Absent => Ok(Return::Elements(Vec::new())),
                Answer::Refused => Err(Trouble::Doubtful("a read was refused".into())),
            },
            Call::Remove(..) => Err(no_template("remove")),
            Call::Contains(..) => Err(no_template("contains")),
        }
    }

    fn outcome<R>(&mut self, answer: Result<R, Trouble>) -> Outcome<R> {
        match answer {
            Ok(returned) => Outcome::Ok(returned),
            Err(Trouble::Nothing(why)) => Outcome::Fail(why),
            Err(Trouble::Doubtful(why)) => {
                self.broken = true;
                Outcome::Unknown(why)
            }
        }
    }
}

fn no_template(what: &str) -> Trouble {
    Trouble::Nothing(format!("the file has no request for {what}").into())
}

fn strange(what: String) -> Trouble {
    Trouble::Doubtful(format!("the answer says nothing: {what}").into())
}

async fn body_of(answer: &mut reqwest::Response) -> Result<String, Reason> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| told(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > BODY_MAX {
            return Err("the answer is too long to be believed".into());
        }
    }
    String::from_utf8(body).map_err(|_| "the answer is not UTF-8".into())
}

/// What an answer with a status among `ok` says.
fn judged(request: &Request, body: String) -> Result<Answer, Trouble> {
    let fits = |pattern: &super::answer::Pattern| pattern.0.is_match(&body);
    let is_refused = request.refused_body.as_ref().map(fits);
    let is_ok = request.ok_body.as_ref().map(fits);
    match (is_ok, is_refused) {
        (Some(true), Some(true)) => Err(strange("its body fits both ok-body and refused-body".into())),
        (_, Some(true)) => Ok(Answer::Refused),
        (Some(false), _) => Err(strange("its body does not fit ok-body".into())),
        _ => Ok(Answer::Ok(body)),
    }
}

#[async_trait]
impl ClientFactory<Register> for HttpClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Register>>, Reason> {
        Ok(Box::new(Session::open(self, node)?))
    }
}

#[async_trait]
impl ClientFactory<Set> for HttpClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Set>>, Reason> {
        Ok(Box::new(Session::open(self, node)?))
    }
}

#[async_trait]
impl Client<Register> for Session {
    async fn invoke(&mut self, call: &register::Call) -> Outcome<register::Return> {
        let answer = self.register(call).await;
        self.outcome(answer)
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

#[async_trait]
impl Client<Set> for Session {
    async fn invoke(&mut self, call: &set::Call) -> Outcome<set::Return> {
        let answer = self.set(call).await;
        self.outcome(answer)
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}

impl HttpClients {
    /// Reads a key that nobody wrote, as one call of what the requests speak; an error says what the answer was.
    pub async fn probe(&self, node: &Node) -> Result<(), Reason> {
        let mut session = Session::open(self, node)?;
        let key = Key::from("disprove-ready");
        let answer = if self.requests.register.is_some() {
            session.register(&register::Call::Read(key)).await.map(|_| ())
        } else {
            session.set(&set::Call::Read(key)).await.map(|_| ())
        };
        match answer {
            Ok(()) => Ok(()),
            Err(Trouble::Nothing(why) | Trouble::Doubtful(why)) => {
                Err(format!("a read of a key that nobody wrote was not answered: {why}").into())
            }
        }
    }
}
