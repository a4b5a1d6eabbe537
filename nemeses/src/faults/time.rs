//! Time: what the processes of a node take for the time of day jumps, strobes, drifts or stands still, whatever the program
//! is. It asks nothing of the database, and the machine's clock is not touched.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use cluster::{Error, Skew};
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene, processes, rest, words};
use crate::Family;

/// How often processes that were born meanwhile are looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// An error of the time that is smaller than this is none.
const RIGHT_NS: i64 = 1_000_000;

/// Processes that take the time to be another.
#[derive(Debug)]
pub(super) struct Time {
    nodes: Vec<NodeId>,
    skew: Skew,
    /// The smallest and the largest error that was seen while it lasted, in milliseconds.
    seen: Mutex<Option<(i64, i64)>>,
}

impl Time {
    pub(super) fn new(nodes: Vec<NodeId>, skew: Skew) -> Self {
        Self { nodes, skew, seen: Mutex::default() }
    }

    async fn set(&self, scene: Scene<'_>, skew: Option<&Skew>) -> Result<(), Error> {
        processes::on_all(&self.nodes, async |node| scene.cluster.node(node).remote()?.skew(skew).await).await
    }

    fn remember(&self, errors: &[(u32, i64)]) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        for error in errors.iter().map(|(_, error)| error / 1_000_000) {
            let (least, most) = seen.unwrap_or((error, error));
            *seen = Some((least.min(error), most.max(error)));
        }
    }

    /// What is done to the clocks, as the beginning of a sentence.
    fn effect(&self) -> String {
        match self.skew {
            Skew::Jump { offset_ms } => format!("{} for", words::offset(offset_ms)),
            Skew::Strobe { offset_ms, period_ms } => {
                format!("{} in every other {period_ms} ms for", words::offset(offset_ms))
            }
            Skew::Drift { parts_per_million } if parts_per_million < 0 => {
                format!("too slow by {} for", words::percent(-parts_per_million as f64 / 1e6))
            }
            Skew::Drift { parts_per_million } => {
                format!("too fast by {} for", words::percent(parts_per_million as f64 / 1e6))
            }
            Skew::Freeze => "standing still for".into(),
            Skew::LeapSecond => "a second late, as after a leap second, for".into(),
        }
    }
}

#[async_trait]
impl Fault for Time {
    fn family(&self) -> Family {
        Family::Time
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        format!("made the time of day {} the processes of {}", self.effect(), names.list(&self.nodes))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.set(scene, Some(&self.skew)).await
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        // A process that is born or ends in this very moment may refuse; what counts is what the last attempt came to.
        let mut last = Ok(());
        while rest(over, LOOK_EVERY).await {
            last = self.set(scene, Some(&self.skew)).await;
            for &node in &self.nodes {
                if let Ok(errors) = scene.cluster.node(node).remote()?.skews().await {
                    self.remember(&errors);
                }
            }
        }
        last
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.set(scene, None).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let mut errors = Vec::new();
        for &node in &self.nodes {
            errors.push((node, scene.cluster.node(node).remote()?.skews().await?));
        }
        Ok(Probe::Errors(errors))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Errors(nodes) = probe else { return None };
        let right = |errors: &[(u32, i64)]| errors.iter().all(|(_, error)| error.abs() < RIGHT_NS);
        // In every other period a strobe is right everywhere, and a drift is small in the beginning.
        match self.skew {
            Skew::Jump { .. } | Skew::LeapSecond => {
                match nodes.iter().filter(|(_, errors)| right(errors)).count() {
                    0 => Some(true),
                    all if all == nodes.len() => Some(false),
                    _ => None,
                }
            }
            _ => Some(nodes.iter().any(|(_, errors)| !right(errors))),
        }
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        for probe in [early, late] {
            if let Probe::Errors(nodes) = probe {
                nodes.iter().for_each(|(_, errors)| self.remember(errors));
            }
        }
        let seen = *self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let sure = self.in_force(early) == Some(true) || self.in_force(late) == Some(true);
        let Some((least, most)) = seen else {
            return Evidence::new(false, "no process was there whose time could be looked at".into());
        };
        let range = if least == most {
            format!("seen {}", words::offset(least))
        } else {
            format!("seen from {} to {}", words::offset(least), words::offset(most))
        };
        let text = format!("{}; {range}", self.say(names, early));
        Evidence::new(sure || least != 0 || most != 0, text)
    }
}
