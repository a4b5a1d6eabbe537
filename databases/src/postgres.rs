//! PostgreSQL 13 and later: one server, a primary with standbys that are read from, or servers that Patroni watches over; and
//! whatever speaks its protocol and already runs.

mod client;
mod dialect;
mod encryption;
mod patroni;
mod standbys;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, Primaries, ProcessControl, Speaks};
use history::NodeId;

use crate::{
    endpoint::Shared,
    sql::{Family, SqlClients, Wording},
};

pub use dialect::Dialect;
use patroni::Commits;

/// The name of the daemon.
const DAEMON: &str = "postgres";
/// The usual port.
const PORT: u16 = 5432;
/// The user that the cluster is made with. It may do everything, and there is nothing else in there.
const USER: &str = "disprove";
/// What `install` says when there is no PostgreSQL.
const REMEDY: &str = "there is no PostgreSQL; to have it: sudo apt-get install postgresql";
/// The longest that making a fresh data folder may take.
const INITDB_MAX: Duration = Duration::from_secs(60);
/// How much transactions see of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// Each transaction sees what was committed before its first statement: snapshot isolation.
    RepeatableRead,
    /// As if one after the other.
    #[default]
    Serializable,
}

impl Isolation {
    /// All levels.
    pub const ALL: [Self; 3] = [Self::ReadCommitted, Self::RepeatableRead, Self::Serializable];

    /// Its name in `--isolation`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read-committed",
            Self::RepeatableRead => "repeatable-read",
            Self::Serializable => "serializable",
        }
    }

    /// The level itself, or the one below where it is the strongest: what a standby has.
    fn below_serializable(self) -> Self {
        if self == Self::Serializable { Self::RepeatableRead } else { self }
    }

    /// Its name in SQL.
    fn sql(self) -> &'static str {
        match self {
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
    }
}

/// How its servers stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    #[default]
    Single,
    /// A primary, and standbys that follow it and answer reads.
    Standbys,
    /// The same, and a commit waits until one of the standbys has it on its disk.
    SyncStandbys,
    /// Servers that Patroni watches over, which makes a standby the primary when the primary is gone. Only the primary is
    /// spoken to.
    Patroni,
    /// The same, and a commit waits until the one standby that may take the primary's place has it on its disk
    /// (`synchronous_mode` and `synchronous_mode_strict`).
    PatroniSync,
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Single, Self::Standbys, Self::SyncStandbys, Self::Patroni, Self::PatroniSync];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Standbys => "standbys",
            Self::SyncStandbys => "sync-standbys",
            Self::Patroni => "patroni",
            Self::PatroniSync => "patroni-sync",
        }
    }

    /// Whether reads are asked of standbys too, of which the first node is the primary.
    fn has_standbys_that_answer(self) -> bool {
        matches!(self, Self::Standbys | Self::SyncStandbys)
    }

    /// Whether Patroni watches over the servers, and then whether commits wait for a standby.
    fn patroni(self) -> Option<Commits> {
        match self {
            Self::Single | Self::Standbys | Self::SyncStandbys => None,
            Self::Patroni => Some(Commits::AtOnce),
            Self::PatroniSync => Some(Commits::Wait),
        }
    }
}

/// PostgreSQL, or what speaks its protocol.
#[derive(Clone, Debug, Default)]
pub struct Postgres {
    /// The level of every transaction. A standby knows no serializable transactions, and makes repeatable-read ones then.
    pub isolation: Isolation,
    /// How its servers stand to each other.
    pub topology: Topology,
    /// Whose levels and promises they are.
    pub dialect: Dialect,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
}

impl Postgres {
    /// The words of its dialect; where others use it too, its tables carry the id of the run.
    fn wording(&self) -> Wording {
        let prefix = self.running.as_ref().map_or(String::new(), |running| running.prefix());
        Wording::new(Family::Postgres, prefix)
    }

    /// Carries out statements on a node, one after the other.
    async fn carry_out(&self, node: &Node, statements: Vec<String>) -> Result<(), Error> {
        let session = self.connect(node).await?;
        for statement in statements {
            session.batch_execute(&statement).await.map_err(|error| at(node, client::word(&error)))?;
        }
        Ok(())
    }

    /// A session that makes no calls.
    async fn connect(&self, node: &Node) -> Result<tokio_postgres::Client, Error> {
        client::connect(self, node).await.map_err(|reason| match &self.running {
            Some(running) => running.unreachable(node, reason),
            None => at(node, reason),
        })
    }
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

fn port(node: &Node) -> u16 {
    PORT + node.port_offset
}

fn data(node: &Node) -> PathBuf {
    node.data.join("postgres")
}

/// The folder of the newest server that Debian's packages put on a node.
async fn programs(node: &Node) -> Result<PathBuf, Error> {
    let find = "[ -x \"$DISPROVE_PROGRAMS/postgres\" ] && exec echo \"$DISPROVE_PROGRAMS/postgres\"; \
        ls -d /usr/lib/postgresql/*/bin/postgres /usr/local/bin/postgres /usr/bin/postgres 2>/dev/null";
    let found = node.remote()?.exec(&["sh", "-c", find], b"", Duration::from_secs(10)).await?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let version = |path: &PathBuf| {
        let above = path.ancestors().nth(2).and_then(|folder| folder.file_name());
        above.and_then(|name| name.to_string_lossy().parse::<u32>().ok()).unwrap_or(0)
    };
    let newest = text.lines().map(PathBuf::from).max_by_key(version);
    let folder = newest.and_then(|path| path.parent().map(PathBuf::from));
    folder.ok_or_else(|| Error::Node { node: node.name.clone(), what: REMEDY.into() })
}

/// Makes the data folder, with settings that say what is tested and nothing else.
async fn make(topology: Topology, node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    let (programs, data) = (programs(node).await?, data(node));
    let (initdb, folder) = (programs.join("initdb").display().to_string(), data.display().to_string());
    let argv =
        [initdb.as_str(), "-D", &folder, "-A", "trust", "-U", USER, "-E", "UTF8", "--locale=C", "--no-sync"];
    let output = remote.exec(&argv, b"", INITDB_MAX).await?;
    if output.code != 0 {
        let said = String::from_utf8_lossy(&output.stderr);
        let what = format!("initdb failed: {}", said.lines().last().unwrap_or("it said nothing"));
        return Err(Error::Node { node: node.name.clone(), what });
    }
    // Nothing but the run's own network reaches the node, so nobody is asked for a password.
    let trusted = b"host all all 0.0.0.0/0 trust\nhost replication all 0.0.0.0/0 trust\n";
    remote.upload(&data.join("pg_hba.conf"), trusted).await?;
    let mut settings = format!(
        "listen_addresses = '{}'\nport = {}\nunix_socket_directories = ''\nshared_buffers = 32MB\n\
         max_connections = 200\nfsync = on\nsynchronous_commit = on\nlog_min_messages = warning\n\
         deadlock_timeout = 50ms\n",
        node.address,
        port(node)
    );
    if topology == Topology::SyncStandbys {
        settings += "synchronous_standby_names = 'ANY 1 (*)'\n";
    }
    remote.upload(&data.join("postgresql.auto.conf"), settings.as_bytes()).await
}

async fn start_server(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, cluster::DaemonState::Running { .. }) {
        return Ok(());
    }
    let program = programs(node).await?.join("postgres");
    // A server that was killed leaves a note with its process id, and in a small pid namespace the next server may
    // well get the id of something else that is alive.
    let note = data(node).join("postmaster.pid").display().to_string();
    remote.exec(&["rm", "-f", &note], b"", Duration::from_secs(10)).await?;
    remote
        .start(&Daemon {
            name: DAEMON.into(),
            argv: vec![program.display().to_string(), "-D".into(), data(node).display().to_string()],
            env: Vec::new(),
            directory: node.data.clone(),
            log: node.logs.join("postgres.log"),
        })
        .await
}

#[async_trait]
impl Database for Postgres {
    fn name(&self) -> &str {
        "postgres"
    }

    /// Reads of a standby may be late, and PostgreSQL says so: linearizability is not promised with standbys. Of their
    /// transactions it promises a snapshot. Patroni promises that what was acknowledged outlives the primary only where
    /// commits wait for a standby.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.topology, vocabulary) {
            (Topology::Patroni, _) => None,
            (Topology::PatroniSync, "set") => Some("eventual"),
            (Topology::Single, "register" | "counter" | "mutex") | (_, "ids") => Some("linearizable"),
            // Consumers pass over what others have locked.
            (_, "queue") => Some("exactly-once"),
            (Topology::Single, "set") => Some(self.dialect.promises_of_sets()),
            (topology, "list-append" | "rw-register" | "bank" | "long-fork" | "predicate") => {
                let is_late = topology.has_standbys_that_answer();
                let isolation = if is_late { self.isolation.below_serializable() } else { self.isolation };
                Some(self.dialect.promise(isolation))
            }
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new((node.address, port(node)), b"\0\0\0\x40\0\x03\0\0user\0postg"))
    }

    fn speaks(&self) -> Speaks {
        SqlClients::new(self.clone()).speaks()
    }

    fn nodes_usual(&self) -> usize {
        if self.topology == Topology::Single { 1 } else { 3 }
    }

    fn nodes_min(&self) -> usize {
        if self.topology == Topology::Single { 1 } else { 2 }
    }

    fn nodes_max(&self) -> Option<usize> {
        (self.topology == Topology::Single && self.running.is_none()).then_some(1)
    }

    async fn install(&self, cluster: &Cluster, node: &Node) -> Result<(), Error> {
        match &self.running {
            Some(running) => {
                let opened = client::open(self, node).await;
                opened.map(|_| ()).map_err(|reason| running.unreachable(node, reason))
            }
            None if self.topology.patroni().is_some() => patroni::install(cluster, node).await,
            None => programs(node).await.map(|_| ()),
        }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        let node = &cluster.nodes[0];
        if self.running.is_some() {
            return self.carry_out(node, self.wording().tables(true)).await;
        }
        if let Some(commits) = self.topology.patroni() {
            return patroni::start(commits, cluster).await;
        }
        make(self.topology, node).await?;
        start_server(node).await?;
        standbys::start(self, cluster).await
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.topology.patroni().is_some() {
            return patroni::ready(self, cluster).await;
        }
        let node = &cluster.nodes[0];
        if self.running.is_none() {
            self.carry_out(node, self.wording().tables(false)).await?;
        }
        if self.topology != Topology::Single {
            return standbys::follow(self, cluster).await;
        }
        for node in &cluster.nodes {
            client::open(self, node).await.map_err(|reason| at(node, reason))?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let session = self.connect(node).await?;
        let asked = self.dialect.version();
        let row = session.query_one(asked, &[]).await.map_err(|error| at(node, client::word(&error)))?;
        let own: String = row.try_get(0).map_err(|error| at(node, error))?;
        match self.topology.patroni() {
            Some(_) => Ok(format!("{own}, {}", patroni::version(node).await?)),
            None => Ok(own),
        }
    }

    async fn remove_own(&self, cluster: &Cluster) -> Result<(), Error> {
        if self.running.is_none() {
            return Ok(());
        }
        self.carry_out(&cluster.nodes[0], self.wording().removal()).await
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        if self.running.is_some() { None } else { Some(self) }
    }

    fn primaries(&self) -> Option<&dyn Primaries> {
        if self.topology.patroni().is_some() { Some(self) } else { None }
    }
}

#[async_trait]
impl ProcessControl for Postgres {
    fn daemons(&self) -> &[&str] {
        if self.topology.patroni().is_some() { &patroni::DAEMONS } else { &[DAEMON] }
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        match self.topology.patroni() {
            Some(_) => patroni::start_node(cluster, cluster.node(node)).await,
            None => start_server(cluster.node(node)).await,
        }
    }

    async fn state(&self, cluster: &Cluster, node: NodeId) -> Result<DaemonState, Error> {
        let serves = if self.topology.patroni().is_some() { patroni::DAEMON } else { DAEMON };
        cluster.node(node).remote()?.state(serves).await
    }
}

#[async_trait]
impl Primaries for Postgres {
    async fn primaries(&self, cluster: &Cluster) -> Vec<NodeId> {
        patroni::leaders(cluster).await
    }
}
