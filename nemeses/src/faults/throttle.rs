//! Throttle: processes are stopped and let go on many times a second, so that they get a share of the time only. Unlike a
//! quota of the kernel's it needs no control group, and nobody's leave.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use cluster::{DaemonState, Error};
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene, processes, rest, words};
use crate::Family;

/// How long a slice of running and a slice of standing still are together.
const CYCLE: Duration = Duration::from_millis(100);

/// Processes that run for a share of the time.
#[derive(Debug)]
pub(super) struct Throttle {
    nodes: Vec<NodeId>,
    share: f64,
    /// How often all of them were stopped.
    stops: AtomicU64,
    /// For how long they stood still, in milliseconds.
    stood_ms: AtomicU64,
}

impl Throttle {
    pub(super) fn new(nodes: Vec<NodeId>, share: f64) -> Self {
        Self { nodes, share, stops: AtomicU64::new(0), stood_ms: AtomicU64::new(0) }
    }

    async fn stop(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.pause(scene.cluster, node)).await
    }

    async fn go_on(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        processes::on_all(&self.nodes, |node| control.resume(scene.cluster, node)).await
    }
}

#[async_trait]
impl Fault for Throttle {
    fn family(&self) -> Family {
        Family::Throttle
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        format!("let {} run for {} of the time only", names.list(&self.nodes), words::percent(self.share))
    }

    /// The first slice of standing still.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.stop(scene).await
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        let running = CYCLE.mul_f64(self.share);
        loop {
            let stopped = tokio::time::Instant::now();
            let goes_on = rest(over, CYCLE - running).await;
            self.go_on(scene).await?;
            self.stops.fetch_add(1, Relaxed);
            self.stood_ms.fetch_add(stopped.elapsed().as_millis() as u64, Relaxed);
            if !goes_on || !rest(over, running).await {
                return Ok(());
            }
            self.stop(scene).await?;
        }
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.go_on(scene).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        processes::probe(scene, &self.nodes).await
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let stopped = |state: &DaemonState| matches!(state, DaemonState::Stopped { .. });
        match probe {
            Probe::Processes(states) => Some(states.iter().any(|(_, state)| stopped(state))),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, _: &Probe) -> Evidence {
        let (stops, stood) = (self.stops.load(Relaxed), self.stood_ms.load(Relaxed));
        let seen = self.say(names, early);
        let text = match stops {
            0 => seen,
            _ => format!("{seen}; stopped {stops} times, for {} in all", words::milliseconds(stood)),
        };
        Evidence::new(self.in_force(early) == Some(true), text)
    }
}
