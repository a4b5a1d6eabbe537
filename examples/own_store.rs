//! A test of a store of your own, in one file: how it is started, how it is spoken to, and the whole command line.
//!
//! The store is a text file per key behind a lock, served by no process at all: enough to show every joint.
//!
//!     cargo run --example own_store -- test --db files --time-limit 5 --faults none

use std::{collections::BTreeMap, process::ExitCode, sync::Arc, sync::Mutex};

use disprove::{
    cluster::{Client, ClientFactory, Cluster, Database, Error, Node, Speaks},
    history::{
        Key, Outcome, Reason, Value,
        vocabulary::register::{Call, Register, Return},
    },
};

/// The store itself: what a real one would keep in its processes.
#[derive(Clone, Default)]
struct Files(Arc<Mutex<BTreeMap<Key, Value>>>);

/// A session with it.
struct Session(Files);

#[async_trait::async_trait]
impl Client<Register> for Session {
    async fn invoke(&mut self, call: &Call) -> Outcome<Return> {
        let mut values = self.0.0.lock().expect("no session panics");
        match call {
            Call::Read(key) => Outcome::Ok(Return::Value(Some(values.get(key).cloned().unwrap_or_default()))),
            Call::Write(key, value) => {
                values.insert(key.clone(), value.clone());
                Outcome::Ok(Return::Written)
            }
            Call::Cas(key, from, to) if values.get(key).unwrap_or(&Value::Nil) == from => {
                values.insert(key.clone(), to.clone());
                Outcome::Ok(Return::Swapped)
            }
            Call::Cas(..) => Outcome::Ok(Return::Refused),
        }
    }
}

#[async_trait::async_trait]
impl ClientFactory<Register> for Files {
    async fn open(&self, _: &Cluster, _: &Node) -> Result<Box<dyn Client<Register>>, Reason> {
        Ok(Box::new(Session(self.clone())))
    }
}

#[async_trait::async_trait]
impl Database for Files {
    fn name(&self) -> &str {
        "files"
    }
    fn promises(&self, _: &str) -> Option<&'static str> {
        Some("linearizable")
    }
    fn speaks(&self) -> Speaks {
        Speaks::default().with::<Register>(self.clone())
    }
    async fn install(&self, _: &Cluster, _: &Node) -> Result<(), Error> {
        Ok(())
    }
    async fn start(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    async fn ready(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    async fn version(&self, _: &Cluster) -> Result<String, Error> {
        Ok("1".into())
    }
    async fn stop(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
    async fn wipe(&self, _: &Cluster) -> Result<(), Error> {
        Ok(())
    }
}

fn main() -> ExitCode {
    disprove::cli().database(Files::default()).main()
}
