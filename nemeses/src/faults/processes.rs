//! What killing and pausing have in common: a call per node, all nodes at once.

use std::{future::Future, time::Duration};

use cluster::{DaemonState, Error, Output, ProcessControl};
use history::NodeId;

use super::{Probe, Scene};

/// The database's power over its processes.
pub(super) fn control<'a>(scene: Scene<'a>) -> Result<&'a dyn ProcessControl, Error> {
    scene
        .database
        .processes()
        .ok_or_else(|| Error::Unsupported(format!("signalling {}", scene.database.name())))
}

/// Asks the kernel about the processes of these nodes.
pub(super) async fn probe(scene: Scene<'_>, nodes: &[NodeId]) -> Result<Probe, Error> {
    let control = control(scene)?;
    let mut states = Vec::new();
    for &node in nodes {
        states.push((node, control.state(scene.cluster, node).await?));
    }
    Ok(Probe::Processes(states))
}

/// How long a process that was asked to end may take before it is ended.
const GRACE: Duration = Duration::from_millis(3500);
/// How often it is asked whether it has ended.
const ASK_EVERY: Duration = Duration::from_millis(20);
/// How long a command on a node may take.
const COMMAND_MAX: Duration = Duration::from_secs(5);
/// The exit code of a shell that does not find a program.
const NOT_FOUND: i32 = 127;

/// Whether a process has ended.
pub(super) fn is_down(state: DaemonState) -> bool {
    matches!(state, DaemonState::Exited { .. } | DaemonState::Absent)
}

/// Runs a script on a node, which calls itself by this name. What is not installed there is no failure of the node.
pub(super) async fn script(
    scene: Scene<'_>,
    node: NodeId,
    (name, text): (&str, &str),
    arguments: &[&str],
) -> Result<Output, Error> {
    let node = scene.cluster.node(node);
    let argv = [&["sh", "-c", text, name], arguments].concat();
    let output = node.remote()?.exec(&argv, b"", COMMAND_MAX).await?;
    let said = String::from_utf8_lossy(&output.stderr);
    match output.code {
        0 => Ok(output),
        NOT_FOUND => Err(Error::Unsupported(format!("{name} on {} ({})", node.name, said.trim()))),
        code => Err(Error::Node {
            node: node.name.clone(),
            what: format!("{name} ended with {code}: {}", said.trim()),
        }),
    }
}

/// Asks the main process of a node to end, and ends it if it does not; whether it had to be ended.
pub(super) async fn terminate(scene: Scene<'_>, node: NodeId) -> Result<bool, Error> {
    let control = control(scene)?;
    let pid = match control.state(scene.cluster, node).await? {
        DaemonState::Running { pid } | DaemonState::Stopped { pid } => pid.to_string(),
        DaemonState::Exited { .. } | DaemonState::Absent => return Ok(false),
    };
    script(scene, node, ("terminate", "kill -TERM \"$1\""), &[&pid]).await?;
    let asked = tokio::time::Instant::now();
    while asked.elapsed() < GRACE {
        if is_down(control.state(scene.cluster, node).await?) {
            return Ok(false);
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
    control.kill(scene.cluster, node).await?;
    Ok(true)
}

/// Does something on all nodes at once, so that a whole room goes down together, and goes through with it where it
/// fails on one. The first error is returned.
pub(super) async fn on_all<'a, F, Fut>(nodes: &[NodeId], act: F) -> Result<(), Error>
where
    F: Fn(NodeId) -> Fut,
    Fut: Future<Output = Result<(), Error>> + Send + 'a,
{
    let mut waiting: Vec<_> = nodes.iter().map(|&node| Box::pin(act(node))).collect();
    let mut first_error = None;
    std::future::poll_fn(|context| {
        waiting.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Pending => true,
            std::task::Poll::Ready(outcome) => {
                if let Err(error) = outcome {
                    first_error.get_or_insert(error);
                }
                false
            }
        });
        if waiting.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    first_error.map_or(Ok(()), Err)
}
