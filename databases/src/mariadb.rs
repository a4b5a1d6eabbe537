//! MariaDB 10.6 and later: one server, or a Galera cluster.

mod bank;
mod client;
mod galera;
mod rows;
mod transactions;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Error, Node, ProcessControl, Speaks};
use history::{
    NodeId,
    vocabulary::{Bank, ListAppend, LongFork, Predicate, Register, RwRegister, Set},
};

pub use client::MariadbClients;

/// The name of the daemon.
const DAEMON: &str = "mariadb";
/// The usual port.
const PORT: u16 = 3306;
/// The user of all sessions, and the name of the database.
const USER: &str = "disprove";
/// What `install` says when there is no MariaDB.
const REMEDY: &str = "there is no MariaDB; to have it: sudo apt-get install mariadb-server";
/// The longest that making a fresh data folder may take.
const MAKE_MAX: Duration = Duration::from_secs(110);
/// Where a server may be, the likeliest first.
const PLACES: &str =
    "ls -d /usr/sbin/mariadbd /usr/local/sbin/mariadbd /usr/local/mysql/bin/mariadbd 2>/dev/null";
/// What the first server does when it starts for the first time: one statement a line. Nothing but the run's own network reaches it, so nobody is
/// asked for a password.
const FIRST: &str = "\
CREATE USER IF NOT EXISTS disprove@'%';
GRANT ALL ON *.* TO disprove@'%';
CREATE DATABASE IF NOT EXISTS disprove;
CREATE TABLE IF NOT EXISTS disprove.registers (k VARCHAR(100) PRIMARY KEY, v VARCHAR(100) NOT NULL) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS disprove.lists (k VARCHAR(100) PRIMARY KEY, v MEDIUMTEXT NOT NULL) ENGINE=InnoDB;
CREATE TABLE IF NOT EXISTS disprove.elements (n BIGINT AUTO_INCREMENT PRIMARY KEY, k VARCHAR(100) NOT NULL, e VARCHAR(100) NOT NULL, INDEX (k)) ENGINE=InnoDB;
";

/// How much transactions see of each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// Reads see what others have not committed yet.
    ReadUncommitted,
    /// Each statement sees what was committed before it began.
    ReadCommitted,
    /// Reads see what was committed before the first of them, writes see the newest: what a server does unless it is told
    /// otherwise.
    #[default]
    RepeatableRead,
    /// The same with `innodb_snapshot_isolation=ON`: a write is refused where what it would change is newer than what was
    /// read.
    SnapshotIsolation,
    /// Every read takes a lock.
    Serializable,
}

impl Isolation {
    /// All levels.
    pub const ALL: [Self; 5] = [
        Self::ReadUncommitted,
        Self::ReadCommitted,
        Self::RepeatableRead,
        Self::SnapshotIsolation,
        Self::Serializable,
    ];

    /// Its name in `--isolation`.
    pub fn name(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "read-uncommitted",
            Self::ReadCommitted => "read-committed",
            Self::RepeatableRead => "repeatable-read",
            Self::SnapshotIsolation => "snapshot-isolation",
            Self::Serializable => "serializable",
        }
    }

    /// The statements that give a session this level. A server that does not know `innodb_snapshot_isolation` refuses, and
    /// the session with it: a level that was not asked for is never tested by mistake.
    fn statements(self) -> Vec<String> {
        let level = match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead | Self::SnapshotIsolation => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        };
        let mut statements = vec![format!("SET SESSION TRANSACTION ISOLATION LEVEL {level}")];
        match self {
            Self::SnapshotIsolation => statements.push("SET SESSION innodb_snapshot_isolation = ON".into()),
            Self::RepeatableRead => statements.push("SET SESSION innodb_snapshot_isolation = OFF".into()),
            _ => {}
        }
        statements
    }

    /// The promise of the lattice that bears the name of the level.
    fn promise(self) -> &'static str {
        self.name()
    }
}

/// How its servers stand to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Topology {
    /// One server.
    #[default]
    Single,
    /// A server on each node, every one of which takes writes and sends them to all before it commits.
    Galera,
}

impl Topology {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Single, Self::Galera];

    /// Its name in `--topology`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Galera => "galera",
        }
    }
}

/// MariaDB.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mariadb {
    /// The level of every transaction.
    pub isolation: Isolation,
    /// How its servers stand to each other.
    pub topology: Topology,
}

fn port(node: &Node) -> u16 {
    PORT + node.port_offset
}

/// The folder with settings and data.
fn folder(node: &Node) -> PathBuf {
    node.data.join("mariadb")
}

fn at(node: &Node, what: impl ToString) -> Error {
    Error::Node { node: node.name.clone(), what: what.to_string() }
}

/// The server's program on a node.
async fn program(node: &Node) -> Result<String, Error> {
    let found = node.remote()?.exec(&["sh", "-c", PLACES], b"", Duration::from_secs(10)).await?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    text.lines().next().map(str::to_owned).ok_or_else(|| at(node, REMEDY))
}

/// The settings: where everything is, and that a commit is on the disk before it is acknowledged.
fn settings(topology: Topology, cluster: &Cluster, node: &Node) -> String {
    let more = if topology == Topology::Galera { galera::settings(cluster, node) } else { String::new() };
    let folder = folder(node);
    let folder = folder.display();
    format!(
        "[mariadbd]\ndatadir={folder}/data\ntmpdir={folder}\nsocket=server.sock\npid-file={folder}/server.pid\n\
         bind-address={}\nport={}\nskip-networking=0\nskip-name-resolve\n\
         innodb_buffer_pool_size=64M\ninnodb_log_file_size=32M\ninnodb_flush_log_at_trx_commit=1\n\
         innodb_lock_wait_timeout=4\nperformance_schema=OFF\nmax_connections=200\n{more}",
        node.address,
        port(node)
    )
}

/// Puts the settings there, and what the first server does first.
async fn make_settings(topology: Topology, cluster: &Cluster, node: &Node) -> Result<(), Error> {
    let (remote, folder) = (node.remote()?, folder(node));
    remote.upload(&folder.join("my.cnf"), settings(topology, cluster, node).as_bytes()).await?;
    let first = [FIRST, rows::FIRST, &bank::first()].concat();
    remote.upload(&folder.join("first.sql"), first.as_bytes()).await
}

/// Makes the settings, and beside them the data folder.
async fn make(topology: Topology, cluster: &Cluster, node: &Node) -> Result<(), Error> {
    make_settings(topology, cluster, node).await?;
    let (remote, folder) = (node.remote()?, folder(node));
    let (data, temporary) =
        (format!("--datadir={}/data", folder.display()), format!("--tmpdir={}", folder.display()));
    let argv = [
        "mariadb-install-db",
        "--no-defaults",
        &data,
        &temporary,
        "--auth-root-authentication-method=normal",
        "--skip-test-db",
        "--skip-name-resolve",
    ];
    let output = remote.exec(&argv, b"", MAKE_MAX).await?;
    if output.code == 0 {
        return Ok(());
    }
    let said =
        String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
    Err(at(node, format!("mariadb-install-db failed: {}", said.lines().next().unwrap_or("it said nothing"))))
}

/// Starts the server of a node, with these flags beside its settings.
async fn start_server(node: &Node, flags: &[String]) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let mut argv = vec![program(node).await?, format!("--defaults-file={}/my.cnf", folder(node).display())];
    argv.extend_from_slice(flags);
    let log = node.logs.join("mariadb.log");
    remote
        .start(&Daemon { name: DAEMON.into(), argv, env: Vec::new(), directory: node.data.clone(), log })
        .await
}

#[async_trait]
impl Database for Mariadb {
    fn name(&self) -> &str {
        "mariadb"
    }

    fn promises(&self, vocabulary: &str) -> Option<&'static str> {
        match vocabulary {
            "register" | "set" => Some("linearizable"),
            "list-append" | "rw-register" | "bank" | "long-fork" | "predicate" => {
                Some(self.isolation.promise())
            }
            _ => None,
        }
    }

    fn speaks(&self) -> Speaks {
        let clients = MariadbClients { isolation: self.isolation, topology: self.topology };
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
        if self.topology == Topology::Galera { 3 } else { 1 }
    }

    fn nodes_max(&self) -> Option<usize> {
        (self.topology == Topology::Single).then_some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        program(node).await?;
        if self.topology == Topology::Galera { galera::install(node).await } else { Ok(()) }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        let first = &cluster.nodes[0];
        make(self.topology, cluster, first).await?;
        let begin = format!("--init-file={}/first.sql", folder(first).display());
        if self.topology == Topology::Galera {
            galera::start(*self, cluster, begin).await
        } else {
            start_server(first, &[begin]).await
        }
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            self.serves(node).await?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        client::version(node).await.map_err(|reason| at(node, reason))
    }

    fn processes(&self) -> Option<&dyn ProcessControl> {
        Some(self)
    }
}

#[async_trait]
impl ProcessControl for Mariadb {
    fn daemons(&self) -> &[&str] {
        &[DAEMON]
    }

    async fn start(&self, cluster: &Cluster, node: NodeId) -> Result<(), Error> {
        start_server(cluster.node(node), &[]).await
    }
}

impl Mariadb {
    /// Whether the server of a node takes calls.
    async fn serves(self, node: &Node) -> Result<(), Error> {
        let session = client::open(node, self.isolation, self.topology).await;
        session.map(|_| ()).map_err(|reason| at(node, reason))
    }
}
