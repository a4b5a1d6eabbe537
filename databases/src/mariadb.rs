//! MariaDB 10.6 and later: one server, or a Galera cluster; and whatever speaks its protocol and already runs.

mod client;
mod dialect;
mod encryption;
mod galera;

use std::{path::PathBuf, time::Duration};

use async_trait::async_trait;
use cluster::{Cluster, Daemon, DaemonState, Database, Door, Error, Node, ProcessControl, Speaks};
use history::NodeId;

use crate::{
    endpoint::Shared,
    sql::{Family, SqlClients, Wording},
};

pub use dialect::Dialect;

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
const PLACES: &str = "ls -d \"$DISPROVE_PROGRAMS/mariadbd\" 2>/dev/null; \
    ls -d /usr/sbin/mariadbd /usr/local/sbin/mariadbd /usr/local/mysql/bin/mariadbd 2>/dev/null";
/// What the first server does when it starts for the first time, before it makes the tables: one statement a line. Nothing
/// but the run's own network reaches it, so nobody is asked for a password.
const FIRST: &str = "\
CREATE USER IF NOT EXISTS disprove@'%';
GRANT ALL ON *.* TO disprove@'%';
CREATE DATABASE IF NOT EXISTS disprove;
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

    /// Its name in SQL.
    fn sql(self) -> &'static str {
        match self {
            Self::ReadUncommitted => "READ UNCOMMITTED",
            Self::ReadCommitted => "READ COMMITTED",
            Self::RepeatableRead | Self::SnapshotIsolation => "REPEATABLE READ",
            Self::Serializable => "SERIALIZABLE",
        }
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

/// MariaDB, or what speaks its protocol.
#[derive(Clone, Debug, Default)]
pub struct Mariadb {
    /// The level of every transaction.
    pub isolation: Isolation,
    /// How its servers stand to each other.
    pub topology: Topology,
    /// Whose levels they are.
    pub dialect: Dialect,
    /// Where it already runs; `None` where the run starts it.
    pub running: Option<Shared>,
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
    let tables = Wording::new(Family::Mysql, "disprove.").tables(false);
    let first = format!("{FIRST}{};\n", tables.join(";\n"));
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
            // Servers of a cluster answer reads with what they have (wsrep_sync_wait=0).
            "register" | "set" | "counter" | "mutex" if self.topology == Topology::Single => {
                Some("linearizable")
            }
            "ids" => Some("linearizable"),
            // Consumers pass over what others have locked.
            "queue" => Some("exactly-once"),
            "list-append" | "rw-register" | "bank" | "long-fork" | "predicate" => {
                Some(self.isolation.promise())
            }
            _ => None,
        }
    }

    fn door(&self, node: &Node) -> Option<Door> {
        Some(Door::new((node.address, port(node)), b"\x40\0\0\x01\x0d\xa6\x03\0\0\0\0\x01"))
    }

    fn speaks(&self) -> Speaks {
        SqlClients::new(self.clone()).speaks()
    }

    fn nodes_usual(&self) -> usize {
        if self.topology == Topology::Galera { 3 } else { 1 }
    }

    fn nodes_max(&self) -> Option<usize> {
        (self.topology == Topology::Single && self.running.is_none()).then_some(1)
    }

    async fn install(&self, _: &Cluster, node: &Node) -> Result<(), Error> {
        if self.running.is_some() {
            return self.serves(node, false).await;
        }
        program(node).await?;
        if self.topology == Topology::Galera { galera::install(node).await } else { Ok(()) }
    }

    async fn start(&self, cluster: &Cluster) -> Result<(), Error> {
        let first = &cluster.nodes[0];
        if self.running.is_some() {
            return self.carry_out(first, self.wording().tables(true)).await;
        }
        make(self.topology, cluster, first).await?;
        let begin = format!("--init-file={}/first.sql", folder(first).display());
        if self.topology == Topology::Galera {
            galera::start(self, cluster, begin).await
        } else {
            start_server(first, &[begin]).await
        }
    }

    async fn ready(&self, cluster: &Cluster) -> Result<(), Error> {
        for node in &cluster.nodes {
            self.serves(node, true).await?;
        }
        Ok(())
    }

    async fn version(&self, cluster: &Cluster) -> Result<String, Error> {
        let node = &cluster.nodes[0];
        client::version(self, node).await.map_err(|reason| at(node, reason))
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
    /// The words of its dialect; where others use it too, its tables carry the id of the run.
    fn wording(&self) -> Wording {
        let prefix = self.running.as_ref().map_or(String::new(), |running| running.prefix());
        Wording::new(Family::Mysql, prefix)
    }

    /// Whether the server of a node takes calls, or at least sessions of the level that was asked for.
    async fn serves(&self, node: &Node, calls: bool) -> Result<(), Error> {
        client::open(self, node, calls).await.map(|_| ()).map_err(|reason| match &self.running {
            Some(running) => running.unreachable(node, reason),
            None => at(node, reason),
        })
    }

    /// Carries out statements on a node, one after the other.
    async fn carry_out(&self, node: &Node, statements: Vec<String>) -> Result<(), Error> {
        use mysql_async::prelude::Queryable as _;
        let session = client::connect(self, node, Vec::new()).await;
        let mut session = session.map_err(|reason| at(node, reason))?;
        for statement in statements {
            session.query_drop(statement).await.map_err(|error| at(node, client::word(&error)))?;
        }
        Ok(())
    }
}
