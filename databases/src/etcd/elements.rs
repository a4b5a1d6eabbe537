//! A set in etcd: an empty key per element below the set's own name.
//!
//! | what happened | outcome | why |
//! |---|---|---|
//! | no connection was made | `Fail` | nothing was sent |
//! | a read has no answer | `Fail` | a read changes nothing, so it did not happen |
//! | an add or a removal without an answer | `Unknown` | the proposal may be in the log already, and be applied later |

use async_trait::async_trait;
use cluster::{Client, ClientFactory, Cluster, Node};
use history::{
    Outcome, Reason, Set, Vocabulary as _,
    vocabulary::set::{Call, Return},
};

use super::{
    EtcdClients, Reads,
    client::{open, parse},
    gateway::{Gateway, GatewayError},
};

#[async_trait]
impl ClientFactory<Set> for EtcdClients {
    async fn open(&self, _: &Cluster, node: &Node) -> Result<Box<dyn Client<Set>>, Reason> {
        Ok(Box::new(EtcdSet { gateway: open(&self.0, node).await?, reads: self.0.reads, broken: false }))
    }
}

struct EtcdSet {
    gateway: Gateway,
    reads: Reads,
    broken: bool,
}

impl EtcdSet {
    async fn ask(&mut self, call: &Call) -> Result<Return, GatewayError> {
        match call {
            Call::Add(key, element) => {
                self.gateway.put(&format!("{key}/{element}"), "").await?;
                Ok(Return::Added)
            }
            Call::Remove(key, element) => {
                self.gateway.delete(&format!("{key}/{element}")).await?;
                Ok(Return::Removed)
            }
            Call::Contains(key, element) => {
                let found = self.gateway.range(&format!("{key}/{element}"), self.reads).await?;
                Ok(Return::Contains(found.is_some()))
            }
            Call::Read(key) => {
                let below = format!("{key}/");
                let names = self.gateway.names_below(&below, self.reads).await?;
                Ok(Return::Elements(names.iter().map(|name| parse(&name[below.len()..])).collect()))
            }
        }
    }
}

#[async_trait]
impl Client<Set> for EtcdSet {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        match self.ask(call).await {
            Ok(returned) => Outcome::Ok(returned),
            Err(error) => {
                // Its connection is gone or in doubt; the next call is another session's.
                self.broken = true;
                error.outcome(Set::is_read(call))
            }
        }
    }

    fn is_broken(&self) -> bool {
        self.broken
    }
}
