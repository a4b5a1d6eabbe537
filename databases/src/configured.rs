//! A system that a file describes: commands that start it, and a client program or requests that speak to it.

mod description;
mod places;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use cluster::{
    ClientFactory, Cluster, Daemon, DaemonState, Database, Error, Node, Primaries, ProcessControl, Speaks,
};
use history::{
    NodeId, Reason,
    vocabulary::{ListAppend, Register, RwRegister, Set},
};

pub use description::{Description, VOCABULARIES};

use crate::{
    http::{HttpClients, Means},
    program::ProgramClients,
};
use places::filled;

/// The name of the daemon on each node.
const DAEMON: &str = "system";
/// The longest that a command of the description may take.
const COMMAND_MAX: Duration = Duration::from_secs(30);

/// The system of a description.
#[derive(Clone, Debug)]
pub struct Configured {
    description: Arc<Description>,
    means: Arc<Means>,
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

impl Configured {
    /// The system of this description, which was found to be sound.
    pub fn new(description: Description) -> Self {
        Self { description: Arc::new(description), means: Arc::default() }
    }

    /// What the file says.
    pub fn description(&self) -> &Description {
        &self.description
    }

    /// The same system, whose requests are sent with these means.
    #[must_use]
    pub fn with_means(self, means: Means) -> Self {
        Self { means: Arc::new(means), ..self }
    }

    fn clients(&self) -> ProgramClients {
        let description = Arc::clone(&self.description);
        ProgramClients::new(move |cluster, node| {
            filled(description.client.as_deref().unwrap_or_default(), cluster, node)
        })
    }

    /// What a command of the description said, or what it failed of.
    async fn run(&self, cluster: &Cluster, node: &Node, command: &[String]) -> Result<String, Error> {
        let words = filled(command, cluster, node);
        let argv: Vec<&str> = words.iter().map(String::as_str).collect();
        let output = node.remote()?.exec(&argv, b"", COMMAND_MAX).await?;
        if output.code == 0 {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let last = said.trim().lines().last().unwrap_or("it said nothing").to_owned();
        Err(at(node, format!("`{}` ended with {}: {last}", argv.join(" "), output.code)))
    }

    async fn start_node(&self, cluster: &Cluster, node: &Node) -> Result<(), Error> {
        let remote = node.remote()?;
        if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
            return Ok(());
        }
        let description = &self.description;
        let env =
            description.env.iter().map(|(name, value)| (name.clone(), places::text(value, cluster, node)));
        let daemon = Daemon {
            name: DAEMON.into(),
            argv: filled(&description.start, cluster, node),
            env: env.collect(),
            directory: node.data.clone(),
            log: node.logs.join(format!("{}.log", description.name)),
        };
        remote.start(&daemon).await
    }

    fn speaks_to(&self, name: &str) -> bool {
        self.description.speaks_to(name)
    }

    /// The clients of the requests, where the file has those instead of a program.
    fn http(&self) -> Option<HttpClients> {
        let requests = self.description.http.clone()?;
        Some(HttpClients { requests: Arc::new(requests), means: Arc::clone(&self.means) })
    }

    /// Says why no session with a node can be had.
    async fn reach(&self, cluster: &Cluster, node: &Node) -> Result<(), Reason> {
        let program = self.clients();
        if let Some(http) = self.http() {
            return http.probe(node).await;
        }
        match self.description.speaks.first().map(String::as_str) {
            Some("set") => ClientFactory::<Set>::open(&program, cluster, node).await.map(|_| ()),
            Some("list-append") => {
                ClientFactory::<ListAppend>::open(&program, cluster, node).await.map(|_| ())
            }
            Some("rw-register") => {
                ClientFactory::<RwRegister>::open(&program, cluster, node).await.map(|_| ())
            }
            _ => ClientFactory::<Register>::open(&program, cluster, node).await.map(|_| ()),
        }
    }
}

#[async_trait]
impl Database for Configured {
    fn name(&self) -> &str {
        &self.description.name
    }

    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        // Without a word of the description it is the usual promise of the vocabulary.
        let promised = self.description.promises.get(vocabulary)?;
        description::promise(promised)
    }

    fn speaks(&self) -> Speaks {
        let mut speaks = Speaks::default();
        if let Some(http) = self.http() {
            if self.speaks_to("register") {
                speaks = speaks.with::<Register>(http.clone());
            }
            return if self.speaks_to("set") { speaks.with::<Set>(http) } else { speaks };
        }
        if self.speaks_to("register") {
            speaks = speaks.with::<Register>(self.clients());
        }
        if self.speaks_to("set") {
            speaks = speaks.with::<Set>(self.clients());
        }
        if self.speaks_to("list-append") {
            speaks = speaks.with::<ListAppend>(self.clients());
        }
        if self.speaks_to("rw-register") {
            speaks = speaks.with::<RwRegister>(self.clients());
        }
        speaks
    }

    fn call_timeout(&self) -> Duration {
        self.description.call_timeout.map_or(Duration::from_secs(5), Duration::from_secs_f64)
    }

    fn nodes_usual(&self) -> usize {
        self.description.nodes
    }

    async fn install(&self, cluster: &Cluster, node: &Node) -> Result<(), Error> {
        let Some(check) = &self.description.check else { return Ok(()) };
        self.run(cluster, node, check).await.map(|_| ()).map_err(|error| match &self.description.remedy {
            Some(remedy) => at(node, format!("{} is not there; to have it: {remedy}", self.description.name)),
            None => error,
        })
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            for (name, content) in &self.description.files {
                let content = places::text(content, cluster, node);
                node.remote()?.upload(&node.data.join(name), content.as_bytes()).await?;
            }
            if let Some(prepare) = &self.description.prepare {
                self.run(cluster, node, prepare).await?;
            }
            self.start_node(cluster, node).await?;
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            if let Some(ready) = &self.description.ready {
                self.run(cluster, node, ready).await?;
            }
            let opened = self.reach(cluster, node).await;
            opened.map_err(|reason| at(node, reason))?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        match &self.description.version {
            Some(version) => self.run(cluster, &cluster.nodes[0], version).await,
            None => Ok(String::new()),
        }
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        Some(self)
    }

    fn primaries(&self) -> Option<&dyn Primaries> {
        self.description.primary.is_some().then_some(self)
    }
}

#[async_trait]
impl ProcessControl for Configured {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        self.start_node(cluster, cluster.node(node)).await
    }
}

#[async_trait]
impl Primaries for Configured {
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        let mut primaries = Vec::new();
        let Some(primary) = &self.description.primary else { return primaries };
        for node in &cluster.nodes {
            let asked = tokio::time::timeout(Duration::from_millis(500), self.run(cluster, node, primary));
            if matches!(asked.await, Ok(Ok(_))) {
                primaries.push(node.id);
            }
        }
        primaries
    }
}
