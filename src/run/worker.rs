//! The workers: each has one session at a time, asks for calls, makes them, and records what became of them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use cluster::{Client, ClientFactory, Cluster};
use history::{NodeId, OpIndex, Operation, Outcome, Process, Reason, Vocabulary, file::Recorder};
use tokio::task::coop::consume_budget;
use tokio_util::sync::CancellationToken;

use super::{dispatch::Dispatch, load::Wishes};

/// The pauses between attempts to open a session to a node that refuses.
const REOPEN_FIRST: Duration = Duration::from_millis(20);
const REOPEN_LONGEST: Duration = Duration::from_millis(500);

/// What all workers have counted so far.
#[derive(Debug, Default)]
pub struct Tally {
    /// Calls that certainly happened.
    pub ok: AtomicU64,
    /// Calls that certainly did not.
    pub fail: AtomicU64,
    /// Calls of which nobody knows.
    pub unknown: AtomicU64,
    /// What the calls that happened took together, in nanoseconds.
    pub took: AtomicU64,
    /// What the slowest of them took.
    pub slowest: AtomicU64,
    /// Sessions that could not be opened.
    pub refused_sessions: AtomicU64,
}

impl Tally {
    fn count<R>(&self, outcome: &Outcome<R>, took: u64) {
        if matches!(outcome, Outcome::Ok(_)) {
            self.took.fetch_add(took, Ordering::Relaxed);
            self.slowest.fetch_max(took, Ordering::Relaxed);
        }
        let counter = match outcome {
            Outcome::Ok(_) => &self.ok,
            Outcome::Fail(_) => &self.fail,
            Outcome::Unknown(_) => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// All calls that have completed.
    pub fn completed(&self) -> u64 {
        [&self.ok, &self.fail, &self.unknown].iter().map(|counter| counter.load(Ordering::Relaxed)).sum()
    }
}

/// What the workers of one phase share.
pub struct Shared<V: Vocabulary> {
    /// Where calls come from.
    pub dispatch: Dispatch<V>,
    /// Where sessions come from.
    pub factory: Arc<dyn ClientFactory<V>>,
    /// The nodes that the sessions go to.
    pub cluster: Cluster,
    /// How long a call may take.
    pub call_timeout: Duration,
    /// Ends the phase: no call begins after it.
    pub stop: CancellationToken,
    /// What was counted.
    pub tally: Arc<Tally>,
    /// What faults ask of the clients.
    pub wishes: Arc<Wishes>,
    /// Set when the history cannot take more.
    pub full: Arc<AtomicBool>,
}

impl<V: Vocabulary> std::fmt::Debug for Shared<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("dispatch", &self.dispatch).finish_non_exhaustive()
    }
}

/// One worker: its number, the session it will open next, and where it records.
pub struct Worker<V: Vocabulary> {
    /// Its number, from 0.
    pub thread: usize,
    /// How many workers there are: session numbers of one worker differ by it.
    pub threads: usize,
    /// Its session now.
    pub process: Process,
    /// Where it records.
    pub recorder: Recorder<V>,
}

impl<V: Vocabulary> std::fmt::Debug for Worker<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("thread", &self.thread)
            .field("process", &self.process)
            .finish_non_exhaustive()
    }
}

impl<V: Vocabulary> Worker<V> {
    fn node(&self, cluster: &Cluster) -> NodeId {
        NodeId((self.thread % cluster.nodes.len()) as u16)
    }

    /// Makes calls until there are none or the phase is stopped, and gives itself back for the next phase.
    pub async fn work(mut self, shared: Arc<Shared<V>>) -> Self {
        let mut client: Option<Box<dyn Client<V>>> = None;
        while !shared.stop.is_cancelled() {
            let session = match client.as_mut() {
                Some(session) => session,
                None => match self.open(&shared).await {
                    Some(opened) => client.insert(opened),
                    None => break,
                },
            };
            tokio::select! {
                biased;
                () = shared.stop.cancelled() => break,
                () = shared.wishes.go(self.node(&shared.cluster)) => {}
            }
            let call = tokio::select! {
                biased;
                call = shared.dispatch.next(self.thread, self.process) => call,
                () = shared.stop.cancelled() => None,
            };
            let Some(call) = call else { break };
            if !self.perform(&shared, session.as_mut(), call).await {
                client = None;
            }
            // A client that never waits would keep the others from running.
            consume_budget().await;
        }
        self.process.0 += self.threads as u32;
        self
    }

    /// Opens a session, as often as it takes; `None` when the phase is stopped first.
    async fn open(&self, shared: &Shared<V>) -> Option<Box<dyn Client<V>>> {
        let node = shared.cluster.node(self.node(&shared.cluster));
        let mut pause = REOPEN_FIRST;
        loop {
            let opening =
                tokio::time::timeout(shared.call_timeout, shared.factory.open(&shared.cluster, node));
            let opened = tokio::select! {
                biased;
                () = shared.stop.cancelled() => return None,
                opened = opening => opened,
            };
            if let Ok(Ok(client)) = opened {
                return Some(client);
            }
            shared.tally.refused_sessions.fetch_add(1, Ordering::Relaxed);
            tokio::select! {
                () = shared.stop.cancelled() => return None,
                () = tokio::time::sleep(pause) => {}
            }
            pause = (pause * 2).min(REOPEN_LONGEST);
        }
    }

    /// Makes one call and records it; false when the session cannot go on.
    async fn perform(&mut self, shared: &Shared<V>, client: &mut dyn Client<V>, call: V::Call) -> bool {
        let node = self.node(&shared.cluster);
        let ticket = self.recorder.invoke(self.process, node, &call);
        let began = ticket.began();
        let outcome = tokio::select! {
            biased;
            called = tokio::time::timeout(shared.call_timeout, client.invoke(&call)) => match called {
                Ok(outcome) => outcome,
                Err(_) => Outcome::Unknown(Reason::from("the call took longer than its time-out")),
            },
            () = shared.wishes.crash(node) => Outcome::Unknown(Reason::from("a fault crashed the client")),
        };
        let ended = self.recorder.complete(ticket, &outcome);
        shared.tally.count(&outcome, ended.0.saturating_sub(began.0));
        let goes_on = !matches!(outcome, Outcome::Unknown(_)) && !client.is_broken();
        let process = self.process;
        if !goes_on {
            self.process.0 += self.threads as u32;
        }
        let operation =
            Operation { index: OpIndex(0), process, node, call, outcome, began, ended: Some(ended) };
        shared.dispatch.complete(self.thread, self.process, &operation);
        if shared.full.load(Ordering::Relaxed) {
            shared.stop.cancel();
        }
        goes_on
    }
}
