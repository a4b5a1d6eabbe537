//! The live part of a run: calls beside faults, heal, settle, final reads.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use cluster::{ClientFactory, Cluster, Database};
use history::{
    Header, Nanos, Vocabulary,
    file::{HistoryWriter, WriterOptions, WriterStatus},
};
use nemeses::{Journal, MaxDown, Nemesis, Plan};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use workloads::{Generator, Options, Workload};

use super::{
    clock::RunClock,
    crew::{Crew, PhaseEnd},
    dispatch::Dispatch,
    interrupt::Interrupts,
    lag::{Lag, LagMeter},
    load::Wishes,
    progress::Progress,
    worker::Shared,
};
use crate::{
    exit::Failure,
    store::{self, RunFolder},
};

/// The longest that the database may take to answer again once every fault is undone.
const SETTLE_MAX: Duration = Duration::from_secs(60);
/// The longest that the final reads may take.
const FINAL_MAX: Duration = Duration::from_secs(60);
/// How often it is asked whether it answers again.
const SETTLE_EVERY: Duration = Duration::from_millis(100);
/// How often the history is flushed: what `kill -9` can lose at most.
const FLUSH_EVERY: Duration = Duration::from_millis(100);

/// Everything that the live part of a run needs.
pub struct Live {
    /// The nodes.
    pub cluster: Cluster,
    /// What is under test.
    pub database: Arc<dyn Database>,
    /// What the workload is told.
    pub options: Options,
    /// The names of the nodes, for the header.
    pub nodes: Vec<String>,
    /// How long the calls go on.
    pub time_limit: Duration,
    /// How long one call may take.
    pub call_timeout: Duration,
    /// What the nemesis does.
    pub plan: Plan,
    /// How many nodes it may take down at once.
    pub max_down: MaxDown,
    /// Where everything is written.
    pub folder: RunFolder,
    /// The most bytes the history may take.
    pub history_bytes_max: u64,
    /// What the user interrupts.
    pub interrupts: Interrupts,
    /// Cancelled by whoever has seen enough: the calls end then, and the rest of the run goes on.
    pub enough: CancellationToken,
    /// What the user sees.
    pub progress: Arc<Progress>,
    /// The runtime of the clients, apart from the controller's own: a client that blocks it cannot hang the run.
    pub clients: Handle,
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live")
            .field("cluster", &self.cluster)
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

/// What the live part of a run learned beside its history.
#[derive(Debug, Default)]
pub struct LiveSummary {
    /// How long the database took to answer again after the last fault; `None` if it never did.
    pub recovery: Option<Duration>,
    /// Why it did not answer again.
    pub unsettled: Option<String>,
    /// What a reader must know.
    pub warnings: Vec<String>,
    /// What was measured of the tester itself.
    pub lag: Lag,
    /// Whether the user interrupted it.
    pub interrupted: bool,
}

/// The run as its phases see it.
struct Stage<V: Vocabulary> {
    live: Live,
    clock: RunClock,
    writer: Arc<HistoryWriter<V>>,
    factory: Arc<dyn ClientFactory<V>>,
    full: Arc<AtomicBool>,
    wishes: Arc<Wishes>,
    summary: LiveSummary,
}

/// Runs a workload: calls beside faults, heal, settle, final reads. The history is complete on disk afterwards.
pub async fn drive<W: Workload + ?Sized>(workload: &W, live: Live) -> Result<LiveSummary, Failure> {
    let factory = live.database.speaks().factory::<W::Vocabulary>().ok_or_else(|| {
        Failure::usage(format!("{} does not speak {}", live.database.name(), W::Vocabulary::NAME))
    })?;
    let clock = RunClock::start();
    let mut header = Header::new(W::Vocabulary::NAME);
    header.model = Some(live.options.model.clone());
    header.initial = workload.initial();
    header.seed = live.options.seed;
    header.nodes = live.nodes.clone();
    let path = live.folder.file(store::HISTORY);
    let options = WriterOptions { flush_every: FLUSH_EVERY, bytes_max: live.history_bytes_max };
    let writer = HistoryWriter::create(&path, &header, options, clock.as_source())
        .map_err(|error| Failure::harness(error.to_string()))?;
    let mut stage = Stage {
        clock,
        writer: Arc::new(writer),
        factory,
        full: Arc::default(),
        wishes: Arc::new(Wishes::none(live.nodes.len())),
        summary: LiveSummary::default(),
        live,
    };
    let crew = Crew::new(stage.live.options.threads, &stage.writer);
    let calls = workload.generator(&stage.live.options);
    let crew = stage.calls(crew, calls).await?;
    stage.settle().await;
    if !stage.live.interrupts.second.is_cancelled() && stage.summary.unsettled.is_none() {
        let finals = workload.final_generator(&stage.live.options);
        stage.final_reads(crew, finals).await;
    }
    stage.finish()
}

impl<V: Vocabulary> Stage<V> {
    fn shared(&self, generator: Box<dyn Generator<V>>, stop: CancellationToken) -> Arc<Shared<V>> {
        Arc::new(Shared {
            dispatch: Dispatch::new(generator, self.live.options.threads, self.clock),
            factory: Arc::clone(&self.factory),
            cluster: self.live.cluster.clone(),
            call_timeout: self.live.call_timeout,
            stop,
            tally: Arc::clone(&self.live.progress.tally),
            wishes: Arc::clone(&self.wishes),
            full: Arc::clone(&self.full),
        })
    }

    fn nemesis(&self) -> Result<Nemesis, Failure> {
        let journal = Journal::create(&self.live.folder.file(store::JOURNAL))
            .map_err(|error| Failure::harness(error.to_string()))?;
        let (writer, progress) = (Arc::clone(&self.writer), Arc::clone(&self.live.progress));
        let sink = move |record: &history::FaultRecord| {
            writer.fault(record);
            progress.note_fault(record);
            tracing::info!("fault {:?} {}: {}", record.state, record.description, record.evidence);
        };
        Ok(Nemesis::new(
            self.live.plan.clone(),
            self.live.cluster.clone(),
            Arc::clone(&self.live.database),
            journal,
            self.clock.as_source(),
            Box::new(sink),
        )
        .with_load(Arc::clone(&self.wishes) as Arc<dyn cluster::Load>)
        .with_max_down(self.live.max_down))
    }

    /// The calls beside the faults, then the healing of all of them.
    async fn calls(&mut self, crew: Crew<V>, generator: Box<dyn Generator<V>>) -> Result<Crew<V>, Failure> {
        let mut nemesis = self.nemesis()?;
        self.live.progress.enter("calls", Some(self.live.time_limit));
        let stop = self.live.interrupts.first.child_token();
        let faults_stop = stop.child_token();
        let shared = self.shared(generator, stop.clone());
        let (meter, meter_task) = LagMeter::start(&self.live.clients);
        let faults = async {
            nemesis.run(faults_stop).await;
            nemesis
        };
        let work = async {
            let ended = crew.work(&self.live.clients, shared, self.live.time_limit, &self.writer).await;
            // The plan ends with the calls: a fault that nobody calls during proves nothing.
            stop.cancel();
            ended
        };
        let watch = async {
            tokio::join!(watch_writer(&self.writer, &self.full, &stop), end_with(&self.live.enough, &stop)).0
        };
        let ((crew, end), mut nemesis) = tokio::select! {
            both = async { tokio::join!(work, faults) } => both,
            never = watch => match never {},
        };
        self.summary.lag = meter.read();
        meter_task.abort();
        self.summary.interrupted = self.live.interrupts.first.is_cancelled();
        self.note_end(&end);
        self.summary.warnings.extend(self.summary.lag.warning());
        self.live.progress.enter("heal", None);
        if let Err(error) = nemesis.heal_all().await {
            self.summary.warnings.push(format!("not every fault could be undone: {error}"));
        }
        Ok(crew)
    }

    fn note_end(&mut self, end: &PhaseEnd) {
        if let Some(warning) = end.warning() {
            self.live.progress.say(&format!("  {warning}"));
            self.summary.warnings.push(warning);
        }
        if self.live.enough.is_cancelled() {
            self.summary.warnings.push(
                "the calls were ended early because the history showed an anomaly (--stop-on-anomaly)".into(),
            );
        }
        match self.writer.status() {
            WriterStatus::Full => self
                .summary
                .warnings
                .push("the calls were ended early because the history had reached --disk-limit".into()),
            WriterStatus::Failed(reason) => {
                self.summary.warnings.push(format!("the calls were ended early: {reason}"));
            }
            WriterStatus::Running | WriterStatus::Finished => {}
        }
    }

    /// Waits until the database answers again, and keeps how long that took.
    async fn settle(&mut self) {
        self.live.progress.enter("settle", Some(SETTLE_MAX));
        let began = Instant::now();
        loop {
            let asked =
                tokio::time::timeout(Duration::from_secs(5), self.live.database.ready(&self.live.cluster));
            let why = tokio::select! {
                () = self.live.interrupts.second.cancelled() => "the user interrupted it".to_owned(),
                answer = asked => match answer {
                    Ok(Ok(())) => {
                        self.summary.recovery = Some(began.elapsed());
                        return;
                    }
                    Ok(Err(error)) => error.to_string(),
                    Err(_) => "it did not answer within 5 s".to_owned(),
                },
            };
            if began.elapsed() > SETTLE_MAX || self.live.interrupts.second.is_cancelled() {
                let waited = began.elapsed().as_secs_f64();
                self.summary.unsettled = Some(if self.live.interrupts.second.is_cancelled() {
                    format!(
                        "nobody waited until the database served again ({why}), so there are no final reads"
                    )
                } else {
                    format!(
                        "the database did not serve again within {waited:.0} s of the last fault being undone ({why}), \
                         so there are no final reads"
                    )
                });
                return;
            }
            tokio::time::sleep(SETTLE_EVERY).await;
        }
    }

    async fn final_reads(&mut self, crew: Crew<V>, generator: Box<dyn Generator<V>>) {
        self.live.progress.enter("final reads", Some(FINAL_MAX));
        let shared = self.shared(generator, self.live.interrupts.second.child_token());
        let (_, end) = crew.work(&self.live.clients, shared, FINAL_MAX, &self.writer).await;
        if end == PhaseEnd::TimeUp {
            self.summary.warnings.push(format!(
                "the final reads were not done within {:.0} s, so some keys were not read at the end",
                FINAL_MAX.as_secs_f64()
            ));
        } else {
            self.note_end(&end);
        }
    }

    fn finish(self) -> Result<LiveSummary, Failure> {
        self.live.progress.leave();
        let mut summary = self.summary;
        match self.writer.finish() {
            Ok(written) if written.waits > 0 => summary.warnings.push(format!(
                "clients waited {} times for the history to be written: the disk was the bottleneck",
                written.waits
            )),
            Ok(_) => {}
            Err(error) => return Err(Failure::harness(format!("the history is not complete: {error}"))),
        }
        summary.warnings.extend(summary.unsettled.clone());
        Ok(summary)
    }
}

/// Ends the calls when the history can take no more.
async fn watch_writer<V: Vocabulary>(
    writer: &HistoryWriter<V>,
    full: &AtomicBool,
    stop: &CancellationToken,
) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        if matches!(writer.status(), WriterStatus::Full | WriterStatus::Failed(_)) {
            full.store(true, std::sync::atomic::Ordering::Relaxed);
            stop.cancel();
        }
    }
}

/// Ends the calls when somebody has seen enough.
async fn end_with(enough: &CancellationToken, stop: &CancellationToken) {
    enough.cancelled().await;
    stop.cancel();
}

/// A duration as the report wants it.
pub fn nanos(duration: Duration) -> Nanos {
    Nanos(duration.as_nanos() as u64)
}
