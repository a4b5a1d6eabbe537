//! A Galera cluster: every server takes writes, and sends them to all others before it commits.

use std::time::{Duration, Instant};

use cluster::{Cluster, Error, Node};

use super::{Mariadb, Topology, at, folder, make_settings, start_server};

/// Where the library may be, the likeliest first.
const PLACES: &str = "ls -d /usr/lib/galera/libgalera_smm.so /usr/lib/*/galera/libgalera_smm.so \
                      /usr/lib64/galera-4/libgalera_smm.so 2>/dev/null; command -v rsync";
/// The library in Debian's package.
const LIBRARY: &str = "/usr/lib/galera/libgalera_smm.so";
/// What `install` says where it is missing.
const REMEDY: &str = "there is no Galera; to have it: sudo apt-get install galera-4 rsync";
/// The longest that one server may take to join.
const JOIN_MAX: Duration = Duration::from_secs(30);
/// How often is asked whether it has.
const JOIN_EVERY: Duration = Duration::from_millis(200);

/// Whether the library and what copies a server's data are there.
pub(super) async fn install(node: &Node) -> Result<(), Error> {
    let found = node.remote()?.exec(&["sh", "-c", PLACES], b"", Duration::from_secs(10)).await?;
    let text = String::from_utf8_lossy(&found.stdout).into_owned();
    let has = |name: &str| text.lines().any(|line| line.ends_with(name));
    if has(LIBRARY) && has("rsync") { Ok(()) } else { Err(at(node, REMEDY)) }
}

/// What makes a server one of a cluster.
pub(super) fn settings(cluster: &Cluster, node: &Node) -> String {
    let all: Vec<String> = cluster.nodes.iter().map(|peer| peer.address.to_string()).collect();
    let (ip, name) = (node.address, &node.name);
    format!(
        "binlog_format=ROW\ndefault_storage_engine=InnoDB\ninnodb_autoinc_lock_mode=2\nwsrep_on=ON\n\
         wsrep_provider={LIBRARY}\nwsrep_cluster_name=disprove\nwsrep_cluster_address=gcomm://{}\n\
         wsrep_node_name={name}\nwsrep_node_address={ip}\nwsrep_sst_method=rsync\n\
         wsrep_sst_receive_address={ip}:4444\n\
         wsrep_provider_options=\"base_host={ip};gmcast.listen_addr=tcp://{ip}:4567;ist.recv_addr={ip}:4568;gcache.size=32M\"\n",
        all.join(",")
    )
}

/// Starts the first server as a cluster of its own, and lets the others join it one after the other.
pub(super) async fn start(database: &Mariadb, cluster: &Cluster, begin: String) -> Result<(), Error> {
    let [first, others @ ..] = &cluster.nodes[..] else { return Ok(()) };
    start_server(first, &["--wsrep-new-cluster".into(), begin]).await?;
    wait_for(database, first).await?;
    for node in others {
        // Its data comes from the others.
        make_settings(Topology::Galera, cluster, node).await?;
        let data = folder(node).join("data").display().to_string();
        node.remote()?.exec(&["mkdir", "-p", &data], b"", Duration::from_secs(10)).await?;
        start_server(node, &[]).await?;
        wait_for(database, node).await?;
    }
    Ok(())
}

async fn wait_for(database: &Mariadb, node: &Node) -> Result<(), Error> {
    let began = Instant::now();
    while let Err(error) = database.serves(node, true).await {
        if began.elapsed() > JOIN_MAX {
            return Err(error);
        }
        tokio::time::sleep(JOIN_EVERY).await;
    }
    Ok(())
}
