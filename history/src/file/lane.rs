//! The workers' side of the writer: a buffer per worker, and the clock read under its lock.

use std::{
    fmt,
    marker::PhantomData,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use super::{
    line,
    writer::{Clock, WriterStatus},
};
use crate::{Nanos, NodeId, Outcome, Process, Vocabulary};

/// A worker waits with its next call while its buffer holds this much.
const LANE_BYTES_MAX: usize = 256 << 10;

/// At this fill the writer thread is woken.
const LANE_BYTES_WAKE: usize = LANE_BYTES_MAX / 4;

/// Locks a mutex. A panic elsewhere leaves these buffers whole, since each is changed by appending alone.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines that one worker has recorded and the writer thread has not drained yet.
#[derive(Default)]
pub(super) struct Buffer {
    pub bytes: Vec<u8>,
    pub lines: u64,
    /// True once the writer has drained it for the last time: nothing more is taken.
    pub closed: bool,
}

/// The buffer of one worker.
#[derive(Default)]
pub(super) struct Lane {
    pub buffer: Mutex<Buffer>,
    pub space: Condvar,
}

/// The buffers of all workers.
#[derive(Default)]
pub(super) struct Lanes {
    pub open: Vec<Arc<Lane>>,
    /// True once the writer takes nothing more: a lane opened now is closed from the start.
    pub closed: bool,
}

/// What the writer thread is asked to do next.
#[derive(Default)]
pub(super) struct Wishes {
    pub drain: bool,
    pub close: bool,
    /// Close without the line that says the file is complete.
    pub abandon: bool,
}

/// What recorders and the writer thread share.
pub(super) struct Shared {
    pub clock: Clock,
    pub lanes: Mutex<Lanes>,
    pub wishes: Mutex<Wishes>,
    pub wished: Condvar,
    pub status: Mutex<WriterStatus>,
    pub waits: AtomicU64,
    next_id: AtomicU32,
}

impl Shared {
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            lanes: Mutex::default(),
            wishes: Mutex::default(),
            wished: Condvar::new(),
            status: Mutex::new(WriterStatus::Running),
            waits: AtomicU64::new(0),
            next_id: AtomicU32::new(0),
        }
    }

    pub fn add_lane(&self) -> Arc<Lane> {
        let lane = Arc::new(Lane::default());
        let mut lanes = lock(&self.lanes);
        lock(&lane.buffer).closed = lanes.closed;
        lanes.open.push(lane.clone());
        lane
    }

    /// Says that recording has failed, unless it already had.
    pub fn fail(&self, reason: String) {
        let mut status = lock(&self.status);
        if !matches!(*status, WriterStatus::Failed(_)) {
            *status = WriterStatus::Failed(reason);
        }
    }

    pub fn wake(&self) {
        lock(&self.wishes).drain = true;
        self.wished.notify_one();
    }

    /// Runs `append` on a lane's bytes under its lock. False when the lane is closed.
    pub fn append(&self, lane: &Lane, wait: bool, append: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let mut buffer = lock(&lane.buffer);
        if wait && buffer.bytes.len() >= LANE_BYTES_MAX && !buffer.closed {
            self.waits.fetch_add(1, Ordering::Relaxed);
            while buffer.bytes.len() >= LANE_BYTES_MAX && !buffer.closed {
                buffer = lane.space.wait(buffer).unwrap_or_else(PoisonError::into_inner);
            }
        }
        if buffer.closed {
            return false;
        }
        let before = buffer.bytes.len();
        if append(&mut buffer.bytes) {
            buffer.lines += 1;
        }
        let wake = before < LANE_BYTES_WAKE && buffer.bytes.len() >= LANE_BYTES_WAKE;
        drop(buffer);
        if wake {
            self.wake();
        }
        true
    }
}

/// A call that has been recorded as begun and waits for its outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a call that is never completed is read back as unknown"]
pub struct Ticket {
    id: u32,
    began: Nanos,
}

impl Ticket {
    /// The number of the call in its file.
    pub fn id(self) -> u32 {
        self.id
    }

    /// When it was recorded as begun.
    pub fn began(self) -> Nanos {
        self.began
    }
}

/// Records the calls of one worker. Take one per worker, so that none waits for another.
pub struct Recorder<V> {
    shared: Arc<Shared>,
    lane: Arc<Lane>,
    scratch: Vec<u8>,
    vocabulary: PhantomData<fn(V)>,
}

impl<V> fmt::Debug for Recorder<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").finish_non_exhaustive()
    }
}

impl<V: Vocabulary> Recorder<V> {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let lane = shared.add_lane();
        Self { shared, lane, scratch: Vec::new(), vocabulary: PhantomData }
    }

    /// Records that a call is about to be sent: call this before its first byte leaves.
    ///
    /// It waits while the writer thread is behind; the wait comes before the clock is read.
    pub fn invoke(&mut self, process: Process, node: NodeId, call: &V::Call) -> Ticket {
        let Self { shared, lane, scratch, .. } = self;
        scratch.clear();
        if let Err(error) = serde_json::to_writer(&mut *scratch, call) {
            shared.fail(format!("a call could not be written as JSON: {error}"));
        }
        let id = shared.next_id.fetch_add(1, Ordering::Relaxed);
        if id == u32::MAX {
            shared.fail("a history holds at most 4 billion calls".into());
        }
        let mut began = None;
        shared.append(lane, true, |bytes| {
            let now = (shared.clock)();
            line::invoke(bytes, id, process, node, now, scratch);
            began = Some(now);
            true
        });
        Ticket { id, began: began.unwrap_or_else(|| (shared.clock)()) }
    }

    /// Records the outcome of a call and answers with the time at which it ended: call this as soon as the whole answer
    /// has arrived. It never waits for the writer thread.
    pub fn complete(&mut self, ticket: Ticket, outcome: &Outcome<V::Return>) -> Nanos {
        let Self { shared, lane, .. } = self;
        let mut ended = None;
        shared.append(lane, false, |bytes| {
            let now = (shared.clock)();
            ended = Some(now);
            match line::complete(bytes, ticket.id, now, outcome) {
                Ok(()) => true,
                Err(error) => {
                    shared.fail(format!("an outcome could not be written as JSON: {error}"));
                    false
                }
            }
        });
        ended.unwrap_or_else(|| (shared.clock)())
    }
}
