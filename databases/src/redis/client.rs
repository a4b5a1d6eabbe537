//! Registers, sets, counters, queues, locks, leases and unique ids in Redis: a key for each, and one command for each call.

use cluster::Node;
use history::{
    Counter, Outcome, Queue, Reason, Set, Value,
    vocabulary::{
        Ids, Lease, Mutex, Register, counter, queue,
        register::{self, Return as Answer},
        set,
    },
};

use super::{
    Redis,
    session::{Session, Trouble, parse},
    wire::Reply,
};
use crate::speaking::{Speaker, speaks};

/// Compares and sets as one step. Its one write is its last command, so an error says that nothing was written.
const SWAP: &str =
    "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('SET', KEYS[1], ARGV[2]) return 1 end return 0";

/// Opens sessions.
#[derive(Clone, Debug)]
pub struct RedisClients(pub Redis);

/// A session whose every call is one command.
pub(super) struct Commands {
    pub(super) session: Session,
    /// The key of the number that ids are counted up from.
    pub(super) ids: String,
}

impl Commands {
    async fn open(clients: &RedisClients, node: &Node) -> Result<Self, Reason> {
        let prefix = clients.0.running.as_ref().map(|running| running.keys()).unwrap_or_default();
        Ok(Self { session: Session::open(&clients.0, node).await?, ids: format!("{prefix}ids") })
    }

    async fn register(&mut self, call: &register::Call) -> Result<Answer, Trouble> {
        match call {
            register::Call::Read(key) => match self.session.ask(&["GET", &key.to_string()]).await? {
                Reply::Text(value) => Ok(Answer::Value(Some(value.map_or(Value::Nil, |text| parse(&text))))),
                other => Err(Trouble::strange(&other)),
            },
            register::Call::Write(key, value) => {
                match self.session.ask(&["SET", &key.to_string(), &value.to_string()]).await? {
                    Reply::Status(_) => Ok(Answer::Written),
                    other => Err(Trouble::strange(&other)),
                }
            }
            register::Call::Cas(key, Value::Nil, to) => {
                match self.session.ask(&["SET", &key.to_string(), &to.to_string(), "NX"]).await? {
                    Reply::Status(_) => Ok(Answer::Swapped),
                    Reply::Text(None) => Ok(Answer::Refused),
                    other => Err(Trouble::strange(&other)),
                }
            }
            register::Call::Cas(key, from, to) => {
                let (key, from, to) = (key.to_string(), from.to_string(), to.to_string());
                match self.session.ask(&["EVAL", SWAP, "1", &key, &from, &to]).await? {
                    Reply::Integer(1) => Ok(Answer::Swapped),
                    Reply::Integer(0) => Ok(Answer::Refused),
                    other => Err(Trouble::strange(&other)),
                }
            }
        }
    }

    async fn set(&mut self, call: &set::Call) -> Result<set::Return, Trouble> {
        let key = call.key().to_string();
        match call {
            set::Call::Add(_, element) => {
                match self.session.ask(&["SADD", &key, &element.to_string()]).await? {
                    Reply::Integer(_) => Ok(set::Return::Added),
                    other => Err(Trouble::strange(&other)),
                }
            }
            set::Call::Remove(_, element) => {
                match self.session.ask(&["SREM", &key, &element.to_string()]).await? {
                    Reply::Integer(gone) => Ok(set::Return::Changed(gone > 0)),
                    other => Err(Trouble::strange(&other)),
                }
            }
            set::Call::Contains(_, element) => {
                match self.session.ask(&["SISMEMBER", &key, &element.to_string()]).await? {
                    Reply::Integer(is_in) => Ok(set::Return::Contains(is_in == 1)),
                    other => Err(Trouble::strange(&other)),
                }
            }
            set::Call::Read(_) => {
                let reply = self.session.ask(&["SMEMBERS", &key]).await?;
                values(&reply).map(set::Return::Elements)
            }
        }
    }

    async fn counter(&mut self, call: &counter::Call) -> Result<counter::Return, Trouble> {
        match call {
            counter::Call::Add(key, number) => {
                match self.session.ask(&["INCRBY", &key.to_string(), &number.to_string()]).await? {
                    Reply::Integer(value) => Ok(counter::Return::Value(Some(value))),
                    other => Err(Trouble::strange(&other)),
                }
            }
            counter::Call::Read(key) => match self.session.ask(&["GET", &key.to_string()]).await? {
                Reply::Text(None) => Ok(counter::Return::Value(Some(0))),
                Reply::Text(Some(text)) => {
                    let value = text.parse().map_err(|_| Trouble::Doubtful("no number was stored".into()))?;
                    Ok(counter::Return::Value(Some(value)))
                }
                other => Err(Trouble::strange(&other)),
            },
        }
    }

    async fn queue(&mut self, call: &queue::Call) -> Result<queue::Return, Trouble> {
        match call {
            queue::Call::Enqueue(key, element) => {
                match self.session.ask(&["RPUSH", &key.to_string(), &element.to_string()]).await? {
                    Reply::Integer(_) => Ok(queue::Return::Enqueued),
                    other => Err(Trouble::strange(&other)),
                }
            }
            queue::Call::Dequeue(key) => match self.session.ask(&["LPOP", &key.to_string()]).await? {
                Reply::Text(None) => Ok(queue::Return::Empty),
                Reply::Text(Some(text)) => Ok(queue::Return::Dequeued(parse(&text))),
                other => Err(Trouble::strange(&other)),
            },
        }
    }
}

/// The values in a list of texts.
pub(super) fn values(reply: &Reply) -> Result<Vec<Value>, Trouble> {
    let texts = reply.list().ok_or_else(|| Trouble::strange(reply))?;
    texts.iter().map(|text| text.text().map(parse).ok_or_else(|| Trouble::strange(reply))).collect()
}

impl Speaker for Commands {
    type Trouble = Trouble;

    fn outcome<R>(&mut self, trouble: Trouble, is_read: bool) -> Outcome<R> {
        trouble.outcome(is_read)
    }

    fn is_broken(&self) -> bool {
        self.session.is_broken()
    }
}

speaks! {
    Commands, opened by RedisClients as |clients, _, node| Commands::open(clients, node).await?;
    Register: register;
    Set: set;
    Counter: counter;
    Queue: queue;
    Mutex: mutex;
    Lease: lease;
    Ids: ids;
}
