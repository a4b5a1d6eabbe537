//! A register in etcd: a key per register, values as decimal text.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | a read has no answer | `Fail` | a read changes nothing, so it did not happen |
//! | anything else without an answer | `Unknown` | the proposal may be in the log already, and be applied later |

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Value,
    vocabulary::register::{Call, Register, Return},
};

use super::{
    Etcd, Reads,
    gateway::{Gateway, GatewayError},
};

/// Opens sessions with members.
#[derive(Clone, Debug, Default)]
pub struct EtcdClients(pub Etcd);

#[async_trait]
impl ClientFactory<Register> for EtcdClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Register>>, Reason> {
        Ok(Box::new(EtcdRegister { gateway: open(&self.0, node).await?, reads: self.0.reads, broken: false }))
    }
}

/// A session with a member. One that is not there is noticed here, so that no call is spent on it.
pub(super) async fn open(database: &Etcd, node: &Node) -> Result<Gateway, Reason> {
    Gateway::open(database, node).await.map_err(GatewayError::into_reason)
}

struct EtcdRegister {
    gateway: Gateway,
    reads: Reads,
    broken: bool,
}

impl EtcdRegister {
    async fn ask(&mut self, call: &Call) -> Result<Return, GatewayError> {
        match call {
            Call::Read(key) => {
                let value = self.gateway.range(&key.to_string(), self.reads).await?;
                Ok(Return::Value(Some(value.map_or(Value::Nil, |text| parse(&text)))))
            }
            Call::Write(key, value) => {
                self.gateway.put(&key.to_string(), &value.to_string()).await?;
                Ok(Return::Written)
            }
            Call::Cas(key, from, to) => {
                let expected = (*from != Value::Nil).then(|| from.to_string());
                let swapped =
                    self.gateway.swap(&key.to_string(), expected.as_deref(), &to.to_string()).await?;
                Ok(if swapped { Return::Swapped } else { Return::Refused })
            }
        }
    }
}

/// A value as it was written: a number where it reads as one.
pub(super) fn parse(text: &str) -> Value {
    text.parse().map_or_else(|_| Value::from(text), Value::Int)
}

#[async_trait]
impl Client<Register> for EtcdRegister {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        match self.ask(call).await {
            Ok(returned) => Outcome::Ok(returned),
            Err(error) => {
                // Its connection is gone or in doubt; the next call is another session's.
                self.broken = true;
                error.outcome(matches!(call, Call::Read(_)))
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
