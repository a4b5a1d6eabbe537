//! Waits until a database serves for the first time, and no longer than there is hope.

use std::time::Duration;

use cluster::{Cluster, DaemonState, Database};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The longest that a database may take for an answer to whether it serves.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// How often it is asked.
const EVERY: Duration = Duration::from_millis(100);
/// How often it is looked whether its processes are still there, which may be a question over SSH.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a process must have been gone before there is no hope: some are started again by what watches over them.
const GONE_MAX: Duration = Duration::from_secs(5);

/// Why a database does not serve.
#[derive(Debug)]
pub enum NotServing {
    /// The user wants no more of it.
    Interrupted,
    /// What follows its name in a sentence.
    Because(String),
}

/// Waits until it serves, for so long at the most, and gives up early where a process of it has ended.
pub async fn wait(
    database: &dyn Database,
    cluster: &Cluster,
    longest: Duration,
    interrupted: &CancellationToken,
) -> Result<(), NotServing> {
    let began = Instant::now();
    let (mut last_whole, mut last_look) = (began, began);
    loop {
        let why = tokio::select! {
            () = interrupted.cancelled() => return Err(NotServing::Interrupted),
            answer = tokio::time::timeout(ANSWER_MAX, database.ready(cluster)) => match answer {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(error)) => error.to_string(),
                Err(_) => format!("it did not answer within {} s", ANSWER_MAX.as_secs()),
            },
        };
        if last_look.elapsed() > LOOK_EVERY {
            last_look = Instant::now();
            match ended(database, cluster).await {
                None => last_whole = last_look,
                Some(who) if last_whole.elapsed() > GONE_MAX => {
                    return Err(NotServing::Because(format!("did not start: {who} ({why})")));
                }
                Some(_) => {}
            }
        }
        if began.elapsed() > longest {
            return Err(NotServing::Because(format!("did not serve within {} s: {why}", longest.as_secs())));
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// A process of the database that has ended, in words. What cannot be asked has not.
async fn ended(database: &dyn Database, cluster: &Cluster) -> Option<String> {
    let daemons = database.processes()?.daemons();
    for node in &cluster.nodes {
        let Ok(remote) = node.remote() else { continue };
        for daemon in daemons {
            if let Ok(DaemonState::Exited { code }) = remote.state(daemon).await {
                let how = match code {
                    129.. => format!("was ended by signal {}", code - 128),
                    _ => format!("ended with exit code {code}"),
                };
                return Some(format!("{daemon} on {} {how}", node.name));
            }
        }
    }
    None
}
