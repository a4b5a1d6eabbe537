//! Throttle: processes get a share of the time only, by the quota of a control group where one can be made. Elsewhere they
//! are stopped and let go on many times a second, which needs nobody's leave.

use std::{
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use cluster::{DaemonState, Error};
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{
    Evidence, Fault, Names, Probe, Scene, processes, rest,
    squeezed::{self, Kept},
    words,
};
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
    /// Why no control group does it; empty where one does.
    without_group: OnceLock<String>,
}

impl Throttle {
    pub(super) fn new(nodes: Vec<NodeId>, share: f64) -> Self {
        Self {
            nodes,
            share,
            stops: AtomicU64::new(0),
            stood_ms: AtomicU64::new(0),
            without_group: OnceLock::new(),
        }
    }

    fn is_by_group(&self) -> bool {
        self.without_group.get().is_some_and(String::is_empty)
    }

    async fn widen(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(&self.nodes, |node| async move {
            match squeezed::quotas(scene, node) {
                Ok(quotas) => quotas.widen_cpu().await,
                Err(_) => Ok(()),
            }
        })
        .await
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

    /// The quota, or the first slice of standing still.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let narrowed = processes::on_all(&self.nodes, |node| async move {
            squeezed::quotas(scene, node)?.narrow_cpu(self.share).await
        })
        .await;
        let why = match narrowed {
            Ok(()) => String::new(),
            Err(Error::Unsupported(why)) => why,
            Err(error) => return Err(error),
        };
        if self.without_group.get_or_init(|| why).is_empty() {
            return Ok(());
        }
        self.widen(scene).await?;
        self.stop(scene).await
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        if self.is_by_group() {
            over.cancelled().await;
            return Ok(());
        }
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
        let widened = self.widen(scene).await;
        self.go_on(scene).await?;
        widened
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        if self.is_by_group() {
            return squeezed::probe(scene, &self.nodes, Kept::Cpu).await;
        }
        processes::probe(scene, &self.nodes).await
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let stopped = |state: &DaemonState| matches!(state, DaemonState::Stopped { .. });
        match probe {
            Probe::Processes(states) => Some(states.iter().any(|(_, state)| stopped(state))),
            Probe::Squeezed(all) => squeezed::in_force(all),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        if let (Probe::Squeezed(early), Probe::Squeezed(late)) = (early, late) {
            return squeezed::judge(names, (early, late), Kept::Cpu);
        }
        let (stops, stood) = (self.stops.load(Relaxed), self.stood_ms.load(Relaxed));
        let seen = self.say(names, early);
        let text = match stops {
            0 => seen,
            _ => format!("{seen}; stopped {stops} times, for {} in all", words::milliseconds(stood)),
        };
        let text = match self.without_group.get() {
            Some(why) if !why.is_empty() => format!("{text}; by stopping and continuing, without {why}"),
            _ => text,
        };
        Evidence::new(self.in_force(early) == Some(true), text)
    }
}
