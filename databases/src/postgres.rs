//! PostgreSQL 13 and later: one server, or a primary with standbys that are read from.

mod bank;
mod client;
mod rows;
mod standbys;
mod transactions;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, Database, Error, Node, ProcessControl, Speaks};
use history::{
    NodeId,
    vocabulary::{Bank, ListAppend, LongFork, Predicate, Register, RwRegister, Set},
};

pub use client::PostgresClients;

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
/// The tables that the vocabularies are kept in.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS registers (k text PRIMARY KEY, v text NOT NULL);
    CREATE TABLE IF NOT EXISTS lists (k text PRIMARY KEY, v text NOT NULL);
    CREATE TABLE IF NOT EXISTS elements (k text NOT NULL, e text NOT NULL);
    CREATE INDEX IF NOT EXISTS elements_k ON elements (k);";

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

    /// What PostgreSQL's documentation promises of it, as a promise of the lattice.
    fn promise(self) -> &'static str {
        match self {
            Self::ReadCommitted => "read-committed",
            Self::RepeatableRead => "snapshot-isolation",
            Self::Serializable => "serializable",
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
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Single, Self::Standbys, Self::SyncStandbys];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Standbys => "standbys",
            Self::SyncStandbys => "sync-standbys",
        }
    }
}

/// PostgreSQL.
#[derive(Clone, Copy, Debug, Default)]
pub struct Postgres {
    /// The level of every transaction. A standby knows no serializable transactions, and makes repeatable-read ones then.
    pub isolation: Isolation,
    /// How its servers stand to each other.
    pub topology: Topology,
}

fn port(node: &Node) -> u16 {
    PORT + node.port_offset
}

fn data(node: &Node) -> PathBuf {
    node.data.join("postgres")
}

/// The folder of the newest server that Debian's packages put on a node.
async fn programs(node: &Node) -> Result<PathBuf, Error> {
    let find =
        "ls -d /usr/lib/postgresql/*/bin/postgres /usr/local/bin/postgres /usr/bin/postgres 2>/dev/null";
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
    /// transactions it promises a snapshot.
    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match (self.topology, vocabulary) {
            (Topology::Single, "register" | "set") => Some("linearizable"),
            (topology, "list-append" | "rw-register" | "bank" | "long-fork" | "predicate") => {
                let is_single = topology == Topology::Single;
                let isolation = if is_single { self.isolation } else { self.isolation.below_serializable() };
                Some(isolation.promise())
            }
            _ => None,
        }
    }

    fn speaks(&self) -> Speaks {
        let clients = PostgresClients { isolation: self.isolation, topology: self.topology };
        Speaks::default()
            .with::<Register>(clients)
            .with::<Set>(clients)
            .with::<ListAppend>(clients)
            .with::<RwRegister>(clients)
            .with::<Bank>(clients)
            .with::<LongFork>(clients)
            .with::<Predicate>(clients)
    }

    fn nodes_usual(&self) -> usize {
        if self.topology == Topology::Single { 1 } else { 3 }
    }

    fn nodes_min(&self) -> usize {
        if self.topology == Topology::Single { 1 } else { 2 }
    }

    fn nodes_max(&self) -> Option<usize> {
        (self.topology == Topology::Single).then_some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        programs(node).await.map(|_| ())
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        let node = &cluster.nodes[0];
        make(self.topology, node).await?;
        start_server(node).await?;
        standbys::start(cluster).await
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        let node = &cluster.nodes[0];
        let at = |reason: history::Reason| Error::Node { node: node.name.clone(), what: reason.to_string() };
        let session = client::connect(node).await.map_err(at)?;
        let tables = [TABLES, rows::TABLE, &bank::tables()].concat();
        session.batch_execute(&tables).await.map_err(|error| at(error.to_string().into()))?;
        standbys::follow(cluster).await
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        let at = |what: String| Error::Node { node: node.name.clone(), what };
        let session = client::connect(node).await.map_err(|reason| at(reason.to_string()))?;
        let row =
            session.query_one("SHOW server_version", &[]).await.map_err(|error| at(error.to_string()))?;
        row.try_get(0).map_err(|error| at(error.to_string()))
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        Some(self)
    }
}
#[async_trait]
impl ProcessControl for Postgres {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node)).await
    }
}
