//! Carries out a plan, and leaves nothing behind.

mod conditions;
mod stage;
mod tamed;

use std::{sync::Arc, time::Duration};

use cluster::{Cluster, Database, Load};
use history::{FaultId, FaultRecord, Nanos};
use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{Error, Family, Journal, MaxDown, Plan, faults::Scene, journal};

use stage::Stage;
use tamed::in_time;
pub(crate) use tamed::undo;

/// Takes the records of faults. Each fault is told of twice: when it has come (or was skipped), and when it is over.
/// One that cannot be undone is told of a second time only once it is. The last record of an id counts.
pub type Sink = Box<dyn Fn(&FaultRecord) + Send + Sync>;

/// The longest that each act may take, so that nothing hangs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Asking who leads.
    pub ask: Duration,
    /// Doing a fault.
    pub inject: Duration,
    /// One attempt to undo it.
    pub undo: Duration,
    /// One look at what it strikes.
    pub probe: Duration,
    /// How long to look again until it is seen to have come or gone.
    pub settle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ask: Duration::from_secs(1),
            inject: Duration::from_secs(5),
            undo: Duration::from_secs(10),
            probe: Duration::from_secs(2),
            settle: Duration::from_secs(1),
        }
    }
}

/// What carries out a plan.
#[derive(Debug)]
pub struct Nemesis {
    plan: Plan,
    stage: Arc<Stage>,
}

impl Nemesis {
    /// A nemesis that will carry out this plan. `clock` is the one clock of the run, `sink` takes the records.
    pub fn new(
        plan: Plan,
        cluster: Cluster,
        database: Arc<dyn Database>,
        journal: Journal,
        clock: Arc<dyn Fn() -> Nanos + Send + Sync>,
        sink: Sink,
    ) -> Self {
        let stage = Stage::new(plan.seed, cluster, database, journal, clock, sink);
        Self { plan, stage: Arc::new(stage) }
    }

    /// Other limits than the usual ones. To be called before [`Nemesis::run`].
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        if let Some(stage) = Arc::get_mut(&mut self.stage) {
            stage.limits = limits;
        }
        self
    }

    /// The clients of the run, for the faults that strike those. To be called before [`Nemesis::run`].
    #[must_use]
    pub fn with_load(mut self, load: Arc<dyn Load>) -> Self {
        if let Some(stage) = Arc::get_mut(&mut self.stage) {
            stage.load = Some(load);
        }
        self
    }

    /// How many nodes may be down at once because of faults. What goes beyond is left alone, and its record says so. To be
    /// called before [`Nemesis::run`].
    #[must_use]
    pub fn with_max_down(mut self, max_down: MaxDown) -> Self {
        if let Some(stage) = Arc::get_mut(&mut self.stage) {
            stage.max_down = max_down;
        }
        self
    }

    /// Carries the plan out, from now on, until it is over or `stop` is cancelled. Every fault has been undone then, or
    /// was tried to be as often as the limits allow; [`Nemesis::heal_all`] tries once more and says what is left.
    pub async fn run(&mut self, stop: CancellationToken) {
        let start = Instant::now();
        let header = journal::Entry::Header {
            schema: journal::SCHEMA,
            seed: self.plan.seed,
            nodes: self.stage.names(),
        };
        if let Err(error) = self.stage.write(header).await {
            tracing::error!("{error}; no fault can be done without a journal");
        }
        let zero = (self.stage.clock)();
        let mut tasks = JoinSet::new();
        for (place, planned) in self.plan.in_order().into_iter().enumerate() {
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = tokio::time::sleep_until(start + planned.at) => {}
            }
            let id = FaultId(place as u32);
            tasks.spawn(Arc::clone(&self.stage).carry_out(id, planned, zero, stop.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            if let Err(error) = ended {
                tracing::error!("a fault's task ended early: {error}");
            }
        }
    }

    /// Undoes everything that is still in force. Idempotent; also right after [`Nemesis::run`] was dropped half-way.
    pub async fn heal_all(&mut self) -> Result<(), Error> {
        let mut left = Vec::new();
        let mut active = self.stage.take_active();
        // Processes must live for their clocks to be set, and the network must carry what is said to them.
        active.sort_by_key(|active| (rank(active.fault.family()), active.record.id));
        for fault in active {
            let description = fault.record.description.clone();
            if let Err(reason) = self.stage.finish(fault, true).await {
                left.push(format!("{description} ({reason})"));
            }
        }
        let families = self.plan.families();
        let shaped = families.iter().any(|family| family.is_of_network() || *family == Family::HalfOpen);
        if let Some(network) = self.stage.cluster.network.as_deref().filter(|_| shaped)
            && let Err(reason) =
                in_time("lifting all policies", self.stage.limits.undo, network.lift_all()).await
        {
            left.push(format!("policies on the network ({reason})"));
        }
        if left.is_empty() { Ok(()) } else { Err(Error::NotUndone(left)) }
    }
}

/// In which order families are undone.
pub(crate) fn rank(family: Family) -> u8 {
    match family {
        family if family.is_of_network() => 0,
        Family::Pause | Family::Throttle | Family::Freeze => 1,
        family if family.is_of_disks() => 1,
        Family::Clock | Family::Time => 3,
        _ => 2,
    }
}

impl Stage {
    fn scene(&self) -> Scene<'_> {
        let load = self.load.as_deref();
        Scene { cluster: &self.cluster, database: self.database.as_ref(), load }
    }
}

#[cfg(test)]
mod tests;
