//! Clients: they crash in the middle of their calls, or wait and then come all at once.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{Error, Load};
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene, rest};
use crate::Family;

/// How often clients crash while the fault lasts.
const CRASH_EVERY: Duration = Duration::from_millis(200);

/// What clients do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mischief {
    /// So many of each node crash in mid-call, again and again.
    Crash(usize),
    /// Their calls wait for so long, and then come all at once.
    Burst(Duration),
}

/// Clients that behave badly.
#[derive(Debug)]
pub(super) struct Clients {
    nodes: Vec<NodeId>,
    mischief: Mischief,
}

impl Clients {
    pub(super) fn new(nodes: Vec<NodeId>, mischief: Mischief) -> Self {
        Self { nodes, mischief }
    }

    fn strike(&self, load: &dyn Load) {
        for &node in &self.nodes {
            match self.mischief {
                Mischief::Crash(count) => load.crash_clients(node, count),
                Mischief::Burst(_) => load.hold_calls(node, true),
            }
        }
    }

    fn release(&self, load: &dyn Load) {
        for &node in &self.nodes {
            match self.mischief {
                Mischief::Crash(_) => load.crash_clients(node, 0),
                Mischief::Burst(_) => load.hold_calls(node, false),
            }
        }
    }
}

fn load<'a>(scene: Scene<'a>) -> Result<&'a dyn Load, Error> {
    scene.load.ok_or_else(|| Error::Unsupported("asking anything of the clients of a run".into()))
}

#[async_trait]
impl Fault for Clients {
    fn family(&self) -> Family {
        Family::Clients
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let nodes = names.list(&self.nodes);
        match self.mischief {
            Mischief::Crash(count) => {
                let interval = CRASH_EVERY.as_millis();
                format!("crashed {count} of the clients of each of {nodes} in mid-call every {interval} ms")
            }
            Mischief::Burst(hold) => {
                format!(
                    "kept the calls to {nodes} back for {} ms at a time, and let them come at once",
                    hold.as_millis()
                )
            }
        }
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.strike(load(scene)?);
        Ok(())
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        let load = load(scene)?;
        let (first, second) = match self.mischief {
            Mischief::Crash(_) => (CRASH_EVERY, Duration::ZERO),
            // As long as calls were kept back they are let come.
            Mischief::Burst(hold) => (hold, hold),
        };
        while rest(over, first).await {
            self.release(load);
            if !rest(over, second).await {
                break;
            }
            self.strike(load);
        }
        Ok(())
    }

    /// Where the run has ended, so have its clients.
    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        if let Some(load) = scene.load {
            self.release(load);
        }
        Ok(())
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let load = load(scene)?;
        let count = |node: &NodeId| match self.mischief {
            Mischief::Crash(_) => load.crashed_clients(*node),
            Mischief::Burst(_) => load.held_calls(*node).0,
        };
        Ok(Probe::Clients(self.nodes.iter().map(|node| (*node, count(node))).collect()))
    }

    fn in_force(&self, _: &Probe) -> Option<bool> {
        None
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let (Probe::Clients(early), Probe::Clients(late)) = (early, late) else {
            return Evidence::new(false, "nobody counted".into());
        };
        let grown: Vec<(NodeId, u64)> = late
            .iter()
            .map(|(node, now)| {
                let before = early.iter().find(|(known, _)| known == node).map_or(0, |(_, count)| *count);
                (*node, now.saturating_sub(before))
            })
            .filter(|(_, count)| *count > 0)
            .collect();
        if grown.is_empty() {
            return Evidence::new(false, "no client was in the middle of a call".into());
        }
        let verb = match self.mischief {
            Mischief::Crash(_) => "clients crashed",
            Mischief::Burst(_) => "calls kept back",
        };
        let parts: Vec<String> =
            grown.iter().map(|(node, count)| format!("{count} of {}", names.plain(*node))).collect();
        Evidence::new(true, format!("{verb}: {}", parts.join(", ")))
    }
}
