//! The specimen as a database under test.

use std::{io, time::Duration};

use async_trait::async_trait;
use cluster::{
    ClockControl, Cluster, Daemon, DaemonState, Database, Door, Error, Membership, Node, Primaries,
    ProcessControl, Remote, Signal, Speaks, Version, Versions, reexec,
};
use history::{
    NodeId, Outcome,
    vocabulary::{
        Bank, Counter, Ids, Lease, ListAppend, Log, LongFork, Mutex, Predicate, Queue, Register, RwRegister,
        Set, register::Call,
    },
};
use tokio::time::{sleep, timeout};

use crate::{
    Disease, Settings, Timing,
    client::{DAMAGED, SpecimenClient, SpecimenClients, address},
    message::Status,
    runtime::{CLOCK_FILE, Launch, ROLE, VERSION_FILE},
    store::contents::Command,
    wire::{self, Frame},
};

mod members;

/// The name of its process on a node, and of its folder among the node's data.
const NAME: &str = "specimen";
/// How long one question to one node may take.
const QUESTION_MAX: Duration = Duration::from_millis(500);
/// How long a signal may take to end a process.
const END_MAX: Duration = Duration::from_secs(5);

/// Our own replicated store, healthy or with one disease.
#[derive(Clone, Debug)]
pub struct SpecimenDatabase {
    disease: Disease,
    timing: Timing,
}

impl SpecimenDatabase {
    /// The specimen with this disease; with `Disease::None` it is healthy.
    pub fn new(disease: Disease) -> Self {
        Self { disease, timing: Timing::of(disease) }
    }

    /// Its disease.
    pub fn disease(&self) -> Disease {
        self.disease
    }

    fn daemon(&self, cluster: &Cluster, node: &Node) -> Result<Daemon, Error> {
        let nodes = u16::try_from(cluster.nodes.len())
            .map_err(|_| Error::Unsupported(format!("a cluster of {} nodes", cluster.nodes.len())))?;
        let launch = Launch {
            settings: Settings {
                id: node.id,
                nodes,
                disease: self.disease,
                version: Version::Old,
                incarnation: 0,
                timing: self.timing,
                seed: 0,
            },
            addresses: cluster.nodes.iter().map(address).collect(),
            names: names(cluster),
            folder: node.data.join(NAME),
        };
        Ok(Daemon {
            name: NAME.into(),
            argv: vec![reexec::SELF.into()],
            env: vec![(reexec::ROLE.into(), ROLE.into()), launch.to_environment()?],
            directory: node.data.clone(),
            log: node.logs.join("specimen.log"),
        })
    }

    async fn start_node(&self, cluster: &Cluster, node: &Node) -> Result<(), Error> {
        node.remote()?.start(&self.daemon(cluster, node)?).await
    }
}

/// The names by which nodes look each other up, where each has names of its own.
fn names(cluster: &Cluster) -> Vec<String> {
    let has_names = |node: &Node| node.remote.as_ref().is_some_and(|remote| remote.can_point_names());
    match cluster.nodes.iter().all(has_names) {
        true => cluster.nodes.iter().map(|node| node.name.clone()).collect(),
        false => Vec::new(),
    }
}

async fn remove_data(node: &Node) -> Result<(), Error> {
    let folder = node.data.join(NAME);
    let argv = ["rm", "-rf", "--", &folder.to_string_lossy()];
    let output = node.remote()?.exec(&argv, b"", END_MAX).await?;
    if output.code == 0 {
        return Ok(());
    }
    Err(not_ready(node, format!("its data was not removed: {}", String::from_utf8_lossy(&output.stderr))))
}

async fn end(remote: &dyn Remote) -> Result<(), Error> {
    remote.signal(NAME, Signal::Kill).await?;
    let ended = async {
        while let DaemonState::Running { .. } | DaemonState::Stopped { .. } = remote.state(NAME).await? {
            sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    };
    timeout(END_MAX, ended)
        .await
        .map_err(|_| Error::TimedOut { what: "ending the specimen".into(), seconds: END_MAX.as_secs_f64() })?
}

async fn status(node: &Node) -> io::Result<Status> {
    let question = async { SpecimenClient::open(address(node)).await?.status().await };
    timeout(QUESTION_MAX, question).await?
}

/// What those nodes say of themselves that answer.
async fn statuses(cluster: &Cluster) -> Vec<(NodeId, Status)> {
    let ask = |node: &Node| {
        let node = node.clone();
        tokio::spawn(async move { (node.id, status(&node).await) })
    };
    let questions: Vec<_> = cluster.nodes.iter().map(ask).collect();
    let mut statuses = Vec::new();
    for question in questions {
        if let Ok((id, Ok(status))) = question.await {
            statuses.push((id, status));
        }
    }
    statuses
}

fn not_ready(node: &Node, what: impl Into<String>) -> Error {
    Error::Node { node: node.name.clone(), what: what.into() }
}

#[async_trait]
impl Database for SpecimenDatabase {
    fn name(&self) -> &str {
        NAME
    }

    /// The strongest of each: it carries out one command after the other.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match vocabulary {
            // Whether a bank is linearizable is more than can be judged of a run of a minute.
            "list-append" | "rw-register" | "long-fork" | "predicate" | "bank" => Some("strict-serializable"),
            _ => Some("linearizable"),
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        let mut request = Vec::new();
        let question = Call::Read("stranger".into());
        wire::encode(&mut request, &Frame::Call(Command::Register(question))).ok()?;
        // Without its end nobody can answer it.
        request.pop();
        Some(Door { address: address(node), request })
    }

    fn speaks(&self) -> Speaks {
        Speaks::default()
            .with::<Register>(SpecimenClients)
            .with::<Set>(SpecimenClients)
            .with::<Counter>(SpecimenClients)
            .with::<Queue>(SpecimenClients)
            .with::<ListAppend>(SpecimenClients)
            .with::<RwRegister>(SpecimenClients)
            .with::<Bank>(SpecimenClients)
            .with::<LongFork>(SpecimenClients)
            .with::<Predicate>(SpecimenClients)
            .with::<Mutex>(SpecimenClients)
            .with::<Lease>(SpecimenClients)
            .with::<Ids>(SpecimenClients)
            .with::<Log>(SpecimenClients)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        // It is part of this executable, so being able to start processes there is all it takes.
        node.remote().map(|_| ())
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            self.start_node(cluster, node).await?;
        }
        Ok(())
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        let mut refusing = 0;
        for node in &cluster.nodes {
            let write = async {
                let mut client = SpecimenClient::open(address(node)).await?;
                io::Result::Ok(client.call::<Register>(&Call::Write("specimen-ready".into(), 1.into())).await)
            };
            let patience = Duration::from_millis(2 * self.timing.patience_ms);
            match timeout(patience, write).await {
                Ok(Ok(Outcome::Ok(_))) => {}
                Ok(Ok(Outcome::Fail(why))) if why.to_string() == DAMAGED => refusing += 1,
                Ok(Ok(Outcome::Fail(why) | Outcome::Unknown(why))) => {
                    return Err(not_ready(node, format!("a write did not succeed: {why}")));
                }
                Ok(Err(error)) => return Err(not_ready(node, format!("no connection: {error}"))),
                Err(_) => return Err(not_ready(node, "a write was not answered")),
            }
        }
        // Nodes whose disk decayed stand aside rightly, as long as the others can do without them.
        match cluster.nodes.first() {
            Some(first) if 2 * refusing >= cluster.nodes.len() => {
                Err(not_ready(first, format!("{refusing} nodes refuse to serve from damaged journals")))
            }
            _ => Ok(()),
        }
    }

    async fn version(&self, _: &Cluster) -> Result<String, Error> {
        Ok(format!("{} ({})", env!("CARGO_PKG_VERSION"), self.disease))
    }

    async fn wipe(&self, cluster: &Cluster) -> Result<(), Error> {
        self.stop(cluster).await?;
        for node in &cluster.nodes {
            remove_data(node).await?;
        }
        Ok(())
    }

    fn call_timeout(&self) -> Duration {
        Duration::from_millis(2 * self.timing.patience_ms)
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        Some(self)
    }

    fn primaries(&self) -> Option<&dyn Primaries> {
        Some(self)
    }

    /// A primary and its backups are those that they were started as.
    fn membership(&self) -> Option<&dyn Membership> {
        (self.disease != Disease::AsyncPrimaryBackup).then_some(self as &dyn Membership)
    }

    fn clocks(&self) -> Option<&dyn ClockControl> {
        Some(self)
    }

    fn versions(&self) -> Option<&dyn Versions> {
        Some(self)
    }
}

#[async_trait]
impl ProcessControl for SpecimenDatabase {
    fn daemons(&self) -> &[&str] {
        &[NAME]
    }

    fn can_begin_anew(&self) -> bool {
        true
    }

    async fn begin_anew(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        let node = cluster.node(node);
        members::empty_disk(node, members::incarnation(node).await?).await
    }

    async fn kill(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        end(cluster.node(node).remote()?).await
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        let node = cluster.node(node);
        match node.remote()?.state(NAME).await? {
            DaemonState::Running { .. } | DaemonState::Stopped { .. } => Ok(()),
            DaemonState::Exited { .. } | DaemonState::Absent => self.start_node(cluster, node).await,
        }
    }
}

#[async_trait]
impl Primaries for SpecimenDatabase {
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        // A node that does not answer leads nobody that this question can reach.
        let leading = statuses(cluster).await.into_iter().filter(|(_, status)| status.leads);
        leading.map(|(id, _)| id).collect()
    }
}

#[async_trait]
impl ClockControl for SpecimenDatabase {
    /// The offset goes through a file that the node looks at ten times a second, so it can be set while the node is
    /// cut off, stopped or dead, and outlasts its restarts.
    async fn set_offset(&self, cluster: &Cluster, node: NodeId, milliseconds: i64) -> Result<(), Error> {
        let node = cluster.node(node);
        let file = node.data.join(NAME).join(CLOCK_FILE);
        node.remote()?.upload(&file, format!("{milliseconds}\n").as_bytes()).await
    }

    /// What the process itself says, so that it is known that it has seen the file.
    async fn offset(&self, cluster: &Cluster, node: NodeId) -> Result<Option<i64>, Error> {
        Ok(status(cluster.node(node)).await.ok().map(|status| status.clock_offset_ms))
    }
}

#[async_trait]
impl Versions for SpecimenDatabase {
    async fn choose(&self, cluster: &Cluster, node: NodeId, version: Version) -> Result<(), Error> {
        let node = cluster.node(node);
        let word = match version {
            Version::Old => "old\n",
            Version::New => "new\n",
        };
        node.remote()?.upload(&node.data.join(NAME).join(VERSION_FILE), word.as_bytes()).await
    }

    async fn running(&self, cluster: &Cluster, node: NodeId) -> Result<Option<Version>, Error> {
        Ok(status(cluster.node(node)).await.ok().map(|status| status.version))
    }
}
