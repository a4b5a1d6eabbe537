//! One generator, asked by many workers.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use history::{Operation, Process, Vocabulary};
use tokio::sync::Notify;
use workloads::{Context, Event, Generator, Step};

use super::clock::RunClock;

/// Hands the calls of one generator to whichever worker asks, and wakes those that were told to wait.
pub struct Dispatch<V: Vocabulary> {
    inner: Mutex<Inner<V>>,
    changed: Notify,
    sleepers: AtomicUsize,
    threads: usize,
    clock: RunClock,
}

struct Inner<V: Vocabulary> {
    generator: Box<dyn Generator<V>>,
    busy: usize,
}

impl<V: Vocabulary> std::fmt::Debug for Dispatch<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dispatch").field("threads", &self.threads).finish_non_exhaustive()
    }
}

impl<V: Vocabulary> Dispatch<V> {
    /// A dispatch of one generator to so many workers.
    pub fn new(generator: Box<dyn Generator<V>>, threads: usize, clock: RunClock) -> Self {
        Self {
            inner: Mutex::new(Inner { generator, busy: 0 }),
            changed: Notify::new(),
            sleepers: AtomicUsize::new(0),
            threads,
            clock,
        }
    }

    /// The next call for a worker, once there is one; `None` when there never will be.
    pub async fn next(&self, thread: usize, process: Process) -> Option<V::Call> {
        match self.ask(thread, process) {
            Step::Call(call) => return Some(call),
            Step::Done => return None,
            Step::Wait(_) | Step::Pending => {}
        }
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let call = self.sleep_until_call(thread, process).await;
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
        call
    }

    async fn sleep_until_call(&self, thread: usize, process: Process) -> Option<V::Call> {
        loop {
            // Listening begins before the question: a completion between the two is then not missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.ask(thread, process) {
                Step::Call(call) => return Some(call),
                Step::Done => return None,
                Step::Pending => changed.await,
                Step::Wait(until) => {
                    let _ = tokio::time::timeout_at(self.clock.moment(until), changed).await;
                }
            }
        }
    }

    fn ask(&self, thread: usize, process: Process) -> Step<V::Call> {
        let mut inner = self.lock();
        let mut context = self.context(thread, process, inner.busy);
        let step = inner.generator.next(&context);
        if let Step::Call(call) = &step {
            inner.busy += 1;
            context.busy = inner.busy;
            inner.generator.update(&context, &Event::Invoked { thread, process, call });
        }
        step
    }

    /// Tells the generator what became of a call. `process` is the worker's session from now on.
    pub fn complete(&self, thread: usize, process: Process, operation: &Operation<V>) {
        let mut inner = self.lock();
        inner.busy = inner.busy.saturating_sub(1);
        let context = self.context(thread, process, inner.busy);
        inner.generator.update(&context, &Event::Completed { thread, operation });
        drop(inner);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            self.changed.notify_waiters();
        }
    }

    fn context(&self, thread: usize, process: Process, busy: usize) -> Context {
        Context { thread, process, threads: self.threads, busy, now: self.clock.now() }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<V>> {
        // A generator that panicked has poisoned the lock; the panic itself is reported by its worker.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
