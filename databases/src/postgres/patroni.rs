//! Patroni: an agent beside each server that starts it, has a lock in etcd while its server is the primary, and makes it the
//! primary when the lock ends. A node has a member of etcd, an agent, and the server.

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use cluster::{Cluster, Daemon, DaemonState, Database as _, Error, Node};
use history::{NodeId, Reason};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::{Postgres, USER, at, client, data, port, programs};
use crate::Etcd;

/// The name of the agent among the daemons of a node; the server is below it.
pub(super) const DAEMON: &str = "patroni";
/// What runs on each node.
pub(super) const DAEMONS: [&str; 2] = ["etcd", DAEMON];
/// Where an agent tells what it knows.
const REST_PORT: u16 = 8008;
/// What `install` says where something is missing.
const REMEDY: &str =
    "there is no Patroni that speaks with etcd; to have it: sudo apt-get install patroni python3-etcd";
/// Whether it is there, with its part for etcd. The packages are for Debian's own Python.
const CHECK: &str = "patroni --version >/dev/null && exec /usr/bin/python3 -c 'import patroni.dcs.etcd3'";
/// How long an agent may take to say whether it leads.
const ASK_MAX: Duration = Duration::from_millis(1000);
/// The same, for who is to be struck.
const GLANCE_MAX: Duration = Duration::from_millis(300);
/// The longest that etcd may take to begin.
const ETCD_MAX: Duration = Duration::from_secs(30);
/// How often is asked whether it has.
const ETCD_EVERY: Duration = Duration::from_millis(100);
/// An agent starts its server as a process of nobody's. This is where such processes go, so that the server stays below the
/// daemon of its node, and dies and stops with it. It ends when all have.
const KEEPER: &str = "import ctypes, os, signal, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
signal.signal(signal.SIGTERM, lambda *_: None)
os.spawnvp(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
try:
    while True:
        os.wait()
except ChildProcessError:
    pass
";

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Commits {
    /// When the primary has it on its disk.
    AtOnce,
    /// When a standby has it on its disk as well.
    Wait,
}

fn folder(node: &Node) -> PathBuf {
    node.data.join("patroni")
}

fn rest(node: &Node) -> SocketAddr {
    (node.address, REST_PORT + node.port_offset).into()
}

/// What the agent of a node is told. What is not said is as Patroni has it, but for its patience: a primary is missed
/// after six seconds and not thirty.
fn settings(commits: Commits, cluster: &Cluster, node: &Node, bin: &str) -> String {
    let (ip, name, port, rest) = (node.address, &node.name, port(node), rest(node));
    let etcd: Vec<String> =
        cluster.nodes.iter().map(|peer| format!("'{}:{}'", peer.address, 2379 + peer.port_offset)).collect();
    let (etcd, waits) = (etcd.join(", "), commits == Commits::Wait);
    let (data, own) = (data(node).display().to_string(), folder(node).display().to_string());
    format!(
        "scope: disprove
name: {name}
restapi: {{listen: '{rest}', connect_address: '{rest}'}}
etcd3: {{hosts: [{etcd}]}}
watchdog: {{mode: 'off'}}
bootstrap:
  dcs:
    ttl: 6
    loop_wait: 1
    retry_timeout: 2
    synchronous_mode: {waits}
    synchronous_mode_strict: {waits}
    postgresql:
      use_pg_rewind: true
      parameters: {{max_connections: 200}}
  initdb: [encoding: UTF8, locale: C, data-checksums]
postgresql:
  listen: '{ip}:{port}'
  connect_address: '{ip}:{port}'
  data_dir: '{data}'
  bin_dir: '{bin}'
  pgpass: '{own}/pgpass'
  authentication: {{superuser: {{username: {USER}}}, replication: {{username: replicator}}}}
  pg_hba: ['host all all 0.0.0.0/0 trust', 'host replication all 0.0.0.0/0 trust']
  parameters: {{unix_socket_directories: '', shared_buffers: 32MB, fsync: 'on', synchronous_commit: 'on',
    deadlock_timeout: 50ms, log_min_messages: warning}}
"
    )
}

/// Whether Patroni, PostgreSQL and etcd are there.
pub(super) async fn install(cluster: &Cluster, node: &Node) -> Result<(), Error> {
    programs(node).await?;
    Etcd::default().install(cluster, node).await?;
    let found = node.remote()?.exec(&["sh", "-c", CHECK], b"", Duration::from_secs(30)).await?;
    if found.code == 0 { Ok(()) } else { Err(at(node, REMEDY)) }
}

/// The version of the agent, as it says itself.
pub(super) async fn version(node: &Node) -> Result<String, Error> {
    let said = node.remote()?.exec(&["patroni", "--version"], b"", Duration::from_secs(30)).await?;
    Ok(String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// Starts etcd, then the agents, which agree among themselves whose server is the first primary.
pub(super) async fn start(commits: Commits, cluster: &Cluster) -> Result<(), Error> {
    let etcd = Etcd::default();
    cluster::Database::start(&etcd, cluster).await?;
    let began = Instant::now();
    while let Err(error) = etcd.ready(cluster).await {
        if began.elapsed() > ETCD_MAX {
            return Err(error);
        }
        tokio::time::sleep(ETCD_EVERY).await;
    }
    for node in &cluster.nodes {
        let bin = programs(node).await?.display().to_string();
        let (remote, folder) = (node.remote()?, folder(node));
        let settings = settings(commits, cluster, node, &bin);
        remote.upload(&folder.join("patroni.yml"), settings.as_bytes()).await?;
        remote.upload(&folder.join("keeper.py"), KEEPER.as_bytes()).await?;
        start_agent(node).await?;
    }
    Ok(())
}

/// Starts what runs on a node, on the data that is there.
pub(super) async fn start_node(cluster: &Cluster, node: &Node) -> Result<(), Error> {
    cluster::ProcessControl::start(&Etcd::default(), cluster, node.id).await?;
    start_agent(node).await
}

async fn start_agent(node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    if matches!(remote.state(DAEMON).await?, DaemonState::Running { .. }) {
        return Ok(());
    }
    let folder = folder(node);
    // A server that was killed leaves a note with its process id, which something else may have by now. The agent is told
    // by the time of its birth what is not its server, and takes a process that is as old as that for it all the same.
    let note = data(node).join("postmaster.pid").display().to_string();
    remote.exec(&["rm", "-f", &note], b"", Duration::from_secs(10)).await?;
    let [keeper, settings] = ["keeper.py", "patroni.yml"].map(|file| folder.join(file).display().to_string());
    let argv = ["/usr/bin/python3", &keeper, "patroni", &settings].map(str::to_owned).to_vec();
    let log = node.logs.join("patroni.log");
    remote.start(&Daemon { name: DAEMON.into(), argv, env: Vec::new(), directory: folder, log }).await
}

/// Whether the agent of a node says that its server is the primary: what a load balancer asks.
async fn leads(node: &Node, patience: Duration) -> bool {
    let asking = async {
        let mut stream = TcpStream::connect(rest(node)).await?;
        stream.write_all(b"OPTIONS /primary HTTP/1.0\r\n\r\n").await?;
        let mut said = Vec::new();
        stream.take(1024).read_to_end(&mut said).await?;
        // "HTTP/1.0 200 OK".
        std::io::Result::Ok(said.split(|byte| *byte == b' ').nth(1) == Some(b"200"))
    };
    // Whoever does not answer, or not in time, is taken for one that does not lead.
    matches!(tokio::time::timeout(patience, asking).await, Ok(Ok(true)))
}

/// The nodes that say that they lead; all are asked at once.
async fn say_so(cluster: &Cluster, patience: Duration) -> Vec<NodeId> {
    let ask = |node: Node| tokio::spawn(async move { leads(&node, patience).await.then_some(node.id) });
    let asked: Vec<_> = cluster.nodes.iter().cloned().map(ask).collect();
    let mut leaders = Vec::new();
    for asked in asked {
        // A task that ended otherwise has said nothing.
        leaders.extend(asked.await.ok().flatten());
    }
    leaders
}

/// The nodes that say that they lead, for who is to be struck.
pub(super) async fn leaders(cluster: &Cluster) -> Vec<NodeId> {
    say_so(cluster, GLANCE_MAX).await
}

/// Whom the clients of a node are to speak with: who says that it leads, the node itself where two do. So every call goes
/// where a load balancer in front of all would send it.
pub(super) async fn leader<'a>(cluster: &'a Cluster, node: &Node) -> Result<&'a Node, Reason> {
    let leaders = say_so(cluster, ASK_MAX).await;
    let own = leaders.contains(&node.id).then_some(node.id);
    let leader = own.or_else(|| leaders.first().copied());
    leader.map(|id| cluster.node(id)).ok_or_else(|| "no node says that it is the primary".into())
}

/// Refuses a server that is not the primary yet, though its agent has the lock already, so that no call is spent on it.
pub(super) async fn refuse_standby(session: &tokio_postgres::Client) -> Result<(), Reason> {
    let row =
        session.query_one("SELECT pg_is_in_recovery()", &[]).await.map_err(|error| client::word(&error))?;
    match row.try_get(0) {
        Ok(false) => Ok(()),
        _ => Err("the server is not the primary yet".into()),
    }
}

/// Whether there is one primary, it takes writes, and all others follow it.
pub(super) async fn ready(database: &Postgres, cluster: &Cluster) -> Result<(), Error> {
    let first = &cluster.nodes[0];
    let leader = leader(cluster, first).await.map_err(|reason| at(first, reason))?;
    let session = database.connect(leader).await?;
    refuse_standby(&session).await.map_err(|reason| at(leader, reason))?;
    for node in cluster.nodes.iter().filter(|node| node.id != leader.id) {
        let session = database.connect(node).await?;
        let asked = "SELECT count(*) FROM pg_stat_wal_receiver WHERE status = 'streaming'";
        let row = session.query_one(asked, &[]).await.map_err(|error| at(node, client::word(&error)))?;
        if row.try_get::<_, i64>(0).map_err(|error| at(node, error))? == 0 {
            return Err(at(node, format!("it does not follow {} yet", leader.name)));
        }
    }
    // Where commits wait, this one waits for a standby too.
    database.carry_out(leader, database.wording().tables(false)).await
}
