//! Standbys: copies of the primary that follow it and answer reads.

use std::time::{Duration, Instant};

use cluster::{Cluster, Error, Node};

use super::{Postgres, USER, at, client, data, port, programs, start_server};

/// The longest that the primary may take to answer the first time.
const PRIMARY_MAX: Duration = Duration::from_secs(30);
/// How often it is asked.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// The longest that copying the primary may take.
const COPY_MAX: Duration = Duration::from_secs(60);

/// Makes every node but the first a standby of the first, and starts it.
pub(super) async fn start(database: &Postgres, cluster: &Cluster) -> Result<(), Error> {
    let [primary, others @ ..] = &cluster.nodes[..] else { return Ok(()) };
    if others.is_empty() {
        return Ok(());
    }
    let began = Instant::now();
    while let Err(error) = database.connect(primary).await {
        if began.elapsed() > PRIMARY_MAX {
            return Err(error);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    for node in others {
        copy(primary, node).await?;
        start_server(node).await?;
    }
    Ok(())
}

/// Copies the primary's data, with what makes the copy a standby, and gives it an address of its own.
async fn copy(primary: &Node, node: &Node) -> Result<(), Error> {
    let remote = node.remote()?;
    let program = programs(node).await?.join("pg_basebackup").display().to_string();
    let (host, port_text) = (primary.address.to_string(), port(primary).to_string());
    let folder = data(node).display().to_string();
    let argv = [
        program.as_str(),
        "-h",
        &host,
        "-p",
        &port_text,
        "-U",
        USER,
        "-D",
        &folder,
        "-R",
        "-X",
        "stream",
        "--checkpoint=fast",
        "--no-sync",
    ];
    let output = remote.exec(&argv, b"", COPY_MAX).await?;
    if output.code != 0 {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(at(
            node,
            format!("pg_basebackup failed: {}", said.lines().last().unwrap_or("it said nothing")),
        ));
    }
    let path = data(node).join("postgresql.auto.conf");
    let mut settings = remote.download(&path).await?;
    // Of two lines with one name the last holds.
    let own = format!(
        "listen_addresses = '{}'\nport = {}\nsynchronous_standby_names = ''\n",
        node.address,
        port(node)
    );
    settings.extend_from_slice(own.as_bytes());
    remote.upload(&path, &settings).await
}

/// Whether every standby answers reads of the tables, which it has from the primary.
pub(super) async fn follow(database: &Postgres, cluster: &Cluster) -> Result<(), Error> {
    let asked = database.wording().statement("SELECT pg_is_in_recovery() AND count(*) >= 0 FROM @registers");
    for node in &cluster.nodes[1..] {
        let session = database.connect(node).await?;
        let row = session.query_one(&asked, &[]).await.map_err(|error| at(node, client::word(&error)))?;
        if !row.try_get::<_, bool>(0).map_err(|error| at(node, error))? {
            return Err(at(node, "it is no standby"));
        }
    }
    Ok(())
}
