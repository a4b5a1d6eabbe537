//! What killing and pausing have in common: a call per node, all nodes at once.

use std::future::Future;

use cluster::{Error, ProcessControl};
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
