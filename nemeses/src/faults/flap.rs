//! Flap: a partition that comes and goes many times, too fast for anybody to get used to it.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use async_trait::async_trait;
use cluster::Error;
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene, partition::Partition, rest};
use crate::Family;

/// A partition that is made and healed in turns.
#[derive(Debug)]
pub(super) struct Flap {
    cut: Partition,
    down: Duration,
    up: Duration,
    cuts: AtomicU64,
}

impl Flap {
    pub(super) fn new(cut: Partition, down_ms: u64, up_ms: u64) -> Self {
        let (down, up) = (Duration::from_millis(down_ms), Duration::from_millis(up_ms));
        Self { cut, down, up, cuts: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Fault for Flap {
    fn family(&self) -> Family {
        Family::Flap
    }

    fn targets(&self) -> &[NodeId] {
        self.cut.targets()
    }

    fn describe(&self, names: &Names) -> String {
        let (down, up) = (self.down.as_millis(), self.up.as_millis());
        format!("{}, for {down} ms at a time with {up} ms between", self.cut.describe(names))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.cut.inject(scene).await?;
        self.cuts.fetch_add(1, Relaxed);
        Ok(())
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        while rest(over, self.down).await {
            self.cut.undo(scene).await?;
            if !rest(over, self.up).await {
                break;
            }
            self.inject(scene).await?;
        }
        Ok(())
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.cut.undo(scene).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        self.cut.probe(scene).await
    }

    fn in_force(&self, _: &Probe) -> Option<bool> {
        None
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let mut evidence = self.cut.judge(names, early, late);
        evidence.text = format!("cut {} times: {}", self.cuts.load(Relaxed), evidence.text);
        evidence
    }
}
