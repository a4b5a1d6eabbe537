//! All workers of a run, set to work phase by phase, and watched so that none can hang the run.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use history::{Process, Vocabulary, file::HistoryWriter};
use tokio::{runtime::Handle, task::JoinSet};

use super::worker::{Shared, Worker};

/// A phase in which no call completes for so long makes no progress.
const STALL_MIN: Duration = Duration::from_secs(30);
/// How long a worker may take to notice the end of a phase, beyond its call's time-out.
const GRACE: Duration = Duration::from_secs(2);

/// Why a phase ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PhaseEnd {
    /// The generator had no more calls, or the phase was stopped from outside.
    Done,
    /// Its time was up.
    TimeUp,
    /// Nothing completed for too long.
    Stalled {
        /// How long, in seconds.
        seconds: u64,
    },
    /// Some workers did not come back.
    Lost {
        /// How many.
        workers: usize,
        /// What the first of them died of, if it did.
        panic: Option<String>,
    },
}

impl PhaseEnd {
    /// What the user must be told, if anything.
    pub fn warning(&self) -> Option<String> {
        match self {
            Self::Done | Self::TimeUp => None,
            Self::Stalled { seconds } => Some(format!(
                "no call completed for {seconds} s, so the calls were ended early; what there is was judged"
            )),
            Self::Lost { workers, panic: Some(message) } => {
                Some(format!("{workers} clients died: {message}; their last calls are unknown"))
            }
            Self::Lost { workers, panic: None } => {
                Some(format!("{workers} clients did not come back from their last call, which is unknown"))
            }
        }
    }
}

/// All workers between two phases.
#[derive(Debug)]
pub struct Crew<V: Vocabulary> {
    threads: usize,
    workers: Vec<Worker<V>>,
}

impl<V: Vocabulary> Crew<V> {
    /// So many workers, each with a recorder of its own.
    pub fn new(threads: usize, writer: &HistoryWriter<V>) -> Self {
        let workers = (0..threads).map(|thread| Worker {
            thread,
            threads,
            process: Process(thread as u32),
            recorder: writer.recorder(),
        });
        Self { threads, workers: workers.collect() }
    }

    /// Lets all of them work until the generator is done, the phase is stopped, its time is up, or nothing moves.
    pub async fn work(
        mut self,
        clients: &Handle,
        shared: Arc<Shared<V>>,
        limit: Duration,
        writer: &HistoryWriter<V>,
    ) -> (Self, PhaseEnd) {
        let mut tasks = JoinSet::new();
        let next_process = |worker: &Worker<V>| (worker.thread, worker.process.0);
        let before: Vec<(usize, u32)> = self.workers.iter().map(next_process).collect();
        for worker in self.workers.drain(..) {
            tasks.spawn_on(worker.work(Arc::clone(&shared)), clients);
        }
        let (back, end) = watch(&mut tasks, &shared, limit).await;
        tasks.abort_all();
        self.workers = back;
        self.replace_the_lost(&before, writer);
        (self, end)
    }

    /// A worker that did not come back is replaced by one with sessions that the lost one cannot have used.
    fn replace_the_lost(&mut self, before: &[(usize, u32)], writer: &HistoryWriter<V>) {
        for &(thread, process) in before {
            if self.workers.iter().any(|worker| worker.thread == thread) {
                continue;
            }
            let beyond = process + (self.threads as u32) * 1_000_000;
            let (threads, recorder) = (self.threads, writer.recorder());
            self.workers.push(Worker { thread, threads, process: Process(beyond), recorder });
        }
        self.workers.sort_by_key(|worker| worker.thread);
    }
}

/// Collects the workers that come back, and ends the phase when it must be ended.
async fn watch<V: Vocabulary>(
    tasks: &mut JoinSet<Worker<V>>,
    shared: &Shared<V>,
    limit: Duration,
) -> (Vec<Worker<V>>, PhaseEnd) {
    let began = Instant::now();
    let stall_max = STALL_MIN.max(shared.call_timeout * 6);
    let (mut back, mut end, mut panic) = (Vec::new(), PhaseEnd::Done, None);
    let (mut completed, mut moved) = (shared.tally.completed(), Instant::now());
    let mut stopped: Option<Instant> = None;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    loop {
        tokio::select! {
            joined = tasks.join_next() => match joined {
                Some(Ok(worker)) => back.push(worker),
                Some(Err(error)) => panic = panic.or(Some(describe_panic(error))),
                None => break,
            },
            _ = ticks.tick() => {}
        }
        if completed != shared.tally.completed() {
            (completed, moved) = (shared.tally.completed(), Instant::now());
        }
        if stopped.is_none() && shared.stop.is_cancelled() {
            stopped = Some(Instant::now());
        } else if stopped.is_none() && began.elapsed() >= limit {
            (end, stopped) = (PhaseEnd::TimeUp, Some(Instant::now()));
            shared.stop.cancel();
        } else if stopped.is_none() && moved.elapsed() >= stall_max {
            (end, stopped) = (PhaseEnd::Stalled { seconds: moved.elapsed().as_secs() }, Some(Instant::now()));
            shared.stop.cancel();
        }
        if stopped.is_some_and(|since| since.elapsed() > shared.call_timeout + GRACE) {
            break;
        }
    }
    let lost = tasks.len() + usize::from(panic.is_some());
    if lost > 0 {
        end = PhaseEnd::Lost { workers: lost, panic };
    }
    (back, end)
}

fn describe_panic(error: tokio::task::JoinError) -> String {
    match error.try_into_panic() {
        Ok(payload) => payload
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| payload.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_else(|| "a panic without a message".into()),
        Err(error) => error.to_string(),
    }
}
