//! What throttling and want of memory have in common where a control group does them: the kernel counts.

use cluster::{Error, Quotas, Squeeze};
use history::NodeId;

use super::{Evidence, Names, Probe, Scene};

/// What a control group keeps from the processes of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Time.
    Cpu,
    /// Memory.
    Memory,
}

/// One look at the groups of some nodes.
type Looked = [(NodeId, Option<Squeeze>)];

/// The power over all processes of a node together.
pub(super) fn quotas<'a>(scene: Scene<'a>, node: NodeId) -> Result<&'a dyn Quotas, Error> {
    scene.cluster.node(node).remote()?.quotas()
}

/// Looks at the groups of all nodes.
pub(super) async fn probe(scene: Scene<'_>, nodes: &[NodeId], kept: Kept) -> Result<Probe, Error> {
    let mut all = Vec::new();
    for &node in nodes {
        let quotas = quotas(scene, node)?;
        all.push((node, if kept == Kept::Cpu { quotas.cpu().await? } else { quotas.memory().await? }));
    }
    Ok(Probe::Squeezed(all))
}

/// Whether every node has its group; `None` where some have.
pub(super) fn in_force(all: &Looked) -> Option<bool> {
    match all.iter().filter(|(_, squeeze)| squeeze.is_some()).count() {
        0 => Some(false),
        count if count == all.len() => Some(true),
        _ => None,
    }
}

/// What the kernel counted, for a person.
pub(super) fn say(names: &Names, all: &Looked, kept: Kept) -> String {
    let one = |(node, squeeze): &(NodeId, Option<Squeeze>)| match (squeeze, kept) {
        (None, _) => format!("no control group keeps anything from {}", names.plain(*node)),
        (Some(Squeeze { by, met, struck }), Kept::Cpu) => {
            format!("{} was kept from running in {struck} of {met} periods ({by})", names.plain(*node))
        }
        (Some(Squeeze { by, met, struck }), Kept::Memory) => format!(
            "{} ran into its limit {met} times, and the kernel ended {struck} of its processes for it ({by})",
            names.plain(*node)
        ),
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// What two looks show. A share of time that nobody wanted is no throttle; a limit of memory is there as the kernel says.
pub(super) fn judge(names: &Names, (early, late): (&Looked, &Looked), kept: Kept) -> Evidence {
    let struck = late.iter().any(|(_, squeeze)| squeeze.as_ref().is_some_and(|squeeze| squeeze.struck > 0));
    let sure = in_force(early) == Some(true) && (kept == Kept::Memory || struck);
    Evidence::new(sure, say(names, late, kept))
}
