//! Clients: one session on one connection, speaking one vocabulary.

use std::{any::Any, any::TypeId, collections::BTreeMap, fmt, sync::Arc};

use async_trait::async_trait;
use history::{Outcome, Reason, Vocabulary};

use crate::{Cluster, Node};

/// One session. It retries nothing by itself; after any error that leaves its connection in doubt it answers
/// `Unknown` and is dropped.
#[async_trait]
pub trait Client<V: Vocabulary>: Send {
    /// Makes one call. Every error that is not certainly harmless is `Unknown`. The runner drops the future when the
    /// call's time-out passes, records `Unknown`, and drops the client.
    async fn invoke(&mut self, call: &V::Call) -> Outcome<V::Return>;
    /// True when the session cannot go on after its last outcome, also after a `Fail`: the runner then opens another
    /// client as a new process.
    fn is_broken(&self) -> bool {
        false
    }
}

/// Opens sessions.
#[async_trait]
pub trait ClientFactory<V: Vocabulary>: Send + Sync {
    /// Opens a session to a node. An error says why, in a few words; nothing was asked of the database then.
    async fn open(&self, cluster: &Cluster, node: &Node) -> Result<Box<dyn Client<V>>, Reason>;
}

/// The vocabularies a database speaks, each with the factory of its clients. This is where types are erased.
#[derive(Default)]
pub struct Speaks {
    factories: BTreeMap<&'static str, (TypeId, Box<dyn Any + Send + Sync>)>,
}

impl fmt::Debug for Speaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Speaks {
    /// Adds a vocabulary.
    #[must_use]
    pub fn with<V: Vocabulary>(mut self, factory: impl ClientFactory<V> + 'static) -> Self {
        let factory: Arc<dyn ClientFactory<V>> = Arc::new(factory);
        self.factories.insert(V::NAME, (TypeId::of::<V>(), Box::new(factory)));
        self
    }

    /// The names of the vocabularies.
    pub fn names(&self) -> impl Iterator<Item = &'static str> + '_ {
        self.factories.keys().copied()
    }

    /// The factory for a vocabulary, if the database speaks it.
    pub fn factory<V: Vocabulary>(&self) -> Option<Arc<dyn ClientFactory<V>>> {
        let (_, factory) = self.factories.get(V::NAME)?;
        factory.downcast_ref::<Arc<dyn ClientFactory<V>>>().cloned()
    }
}
