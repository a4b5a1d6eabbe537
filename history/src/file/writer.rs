//! The writer: one thread that drains the recorders, compresses, and writes watermarks.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    marker::PhantomData,
    mem,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use thiserror::Error;

use super::{
    Recorder,
    lane::{Lane, Shared, Wishes, lock},
    line,
};
use crate::{FaultRecord, Header, Nanos, Vocabulary};

/// The run's one monotonic clock. This crate reads none by itself.
pub type Clock = Arc<dyn Fn() -> Nanos + Send + Sync>;

/// The level at which zstd keeps up with the runner; higher ones are slower and hardly smaller on these lines.
const ZSTD_LEVEL: i32 = 1;

/// A block of compressed data is closed at this size at the latest, so that damage costs little.
const BLOCK_BYTES_MAX: u64 = 8 << 20;

/// How a history is written.
#[derive(Clone, Debug)]
pub struct WriterOptions {
    /// How often what was recorded must reach the file: what `kill -9` of the controller can cost.
    pub flush_every: Duration,
    /// The size of the file at which the writer says [`WriterStatus::Full`]. It goes on to a twentieth more, for the
    /// calls under way and the end of the run.
    pub bytes_max: u64,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { flush_every: Duration::from_millis(250), bytes_max: 8 << 30 }
    }
}

/// How the writer is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriterStatus {
    /// Everything is written.
    Running,
    /// `bytes_max` is reached: the run has to end.
    Full,
    /// Nothing is written any more, for this reason: the run has to end.
    Failed(String),
    /// [`HistoryWriter::finish`] was called.
    Finished,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteSummary {
    /// The lines after the header: calls begun, calls ended and faults.
    pub events: u64,
    /// The size of the file.
    pub bytes: u64,
    /// How often a worker had to wait because the writer was behind: the tester was then the bottleneck.
    pub waits: u64,
    /// False when the file became full before the end, so that its end is missing.
    pub complete: bool,
}

/// Why a history could not be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The file cannot be made.
    #[error("create the history {path}: {source}")]
    Create {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The header cannot be written as JSON.
    #[error("write the header of the history: {0}")]
    Header(serde_json::Error),
    /// Writing stopped; what was written before can be read.
    #[error("write the history: {0}")]
    Failed(String),
    /// `finish` was called a second time.
    #[error("finish the history a second time")]
    Finished,
}

/// Writes the history of a run while it goes on.
///
/// Dropping it without [`finish`](Self::finish) leaves a file that ends like that of a controller that was killed.
pub struct HistoryWriter<V> {
    shared: Arc<Shared>,
    faults: Arc<Lane>,
    thread: Mutex<Option<JoinHandle<io::Result<WriteSummary>>>>,
    vocabulary: PhantomData<fn(V)>,
}

impl<V> fmt::Debug for HistoryWriter<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HistoryWriter").field("status", &*lock(&self.shared.status)).finish_non_exhaustive()
    }
}

impl<V: Vocabulary> HistoryWriter<V> {
    /// Makes the file, writes the header, and starts the writer thread.
    pub fn create(
        path: &Path,
        header: &Header,
        options: WriterOptions,
        clock: Clock,
    ) -> Result<Self, WriteError> {
        let create = |source| WriteError::Create { path: path.into(), source };
        let mut first = serde_json::to_vec(header).map_err(WriteError::Header)?;
        first.push(b'\n');
        let mut blocks = Blocks::new(File::create(path).map_err(create)?).map_err(create)?;
        blocks.write(&first).and_then(|()| blocks.close()).map_err(create)?;
        let shared = Arc::new(Shared::new(clock));
        let faults = shared.add_lane();
        let mut drain = Drain { shared: shared.clone(), blocks, options, spare: Vec::new(), lines: 0 };
        let thread =
            std::thread::Builder::new().name("history".into()).spawn(move || drain.run()).map_err(create)?;
        Ok(Self { shared, faults, thread: Mutex::new(Some(thread)), vocabulary: PhantomData })
    }

    /// A recorder for one more worker.
    pub fn recorder(&self) -> Recorder<V> {
        Recorder::new(self.shared.clone())
    }

    /// Writes down a fault, as far as it is known. Call it again when more is: the last record of an id counts.
    pub fn fault(&self, record: &FaultRecord) {
        self.shared.append(&self.faults, true, |bytes| match line::fault(bytes, record) {
            Ok(()) => true,
            Err(error) => {
                self.shared.fail(format!("a fault could not be written as JSON: {error}"));
                false
            }
        });
    }

    /// How the writer is doing. Anything but `Running` means that the run has to end.
    pub fn status(&self) -> WriterStatus {
        lock(&self.shared.status).clone()
    }

    /// How often a worker had to wait because the writer was behind.
    pub fn waits(&self) -> u64 {
        self.shared.waits.load(Ordering::Relaxed)
    }

    /// Writes what is left and the last line, and waits until it is on the disk. What is recorded later is dropped.
    pub fn finish(&self) -> Result<WriteSummary, WriteError> {
        let thread = lock(&self.thread).take().ok_or(WriteError::Finished)?;
        self.stop(|wishes| wishes.close = true);
        let written = thread.join().map_err(|_| WriteError::Failed("the writer thread panicked".into()))?;
        let summary = written.map_err(|error| WriteError::Failed(error.to_string()))?;
        let mut status = lock(&self.shared.status);
        if let WriterStatus::Failed(reason) = &*status {
            return Err(WriteError::Failed(reason.clone()));
        }
        *status = WriterStatus::Finished;
        Ok(summary)
    }

    fn stop(&self, wish: impl FnOnce(&mut Wishes)) {
        wish(&mut lock(&self.shared.wishes));
        self.shared.wished.notify_one();
    }
}

impl<V> Drop for HistoryWriter<V> {
    fn drop(&mut self) {
        let Some(thread) = lock(&self.thread).take() else { return };
        lock(&self.shared.wishes).abandon = true;
        self.shared.wished.notify_one();
        if !matches!(thread.join(), Ok(Ok(_))) {
            // Nobody is left to be told; the file is readable up to its last watermark either way.
            self.shared.fail("the writer ended early".into());
        }
    }
}

/// The writer thread.
struct Drain {
    shared: Arc<Shared>,
    blocks: Blocks,
    options: WriterOptions,
    /// The empty buffer that is exchanged for a lane's full one.
    spare: Vec<u8>,
    lines: u64,
}

impl Drain {
    fn run(&mut self) -> io::Result<WriteSummary> {
        let done = self.write_all();
        if let Err(error) = &done {
            self.shared.fail(error.to_string());
        }
        // Whatever happened, no worker may wait for a thread that is gone.
        for lane in self.close_lanes() {
            lane.space.notify_all();
        }
        let complete = done?;
        let bytes = self.blocks.finish()?;
        let waits = self.shared.waits.load(Ordering::Relaxed);
        Ok(WriteSummary { events: self.lines, bytes, waits, complete })
    }

    /// Writes until it is told to stop or the file is full. True when the last line was written.
    fn write_all(&mut self) -> io::Result<bool> {
        let mut flushed = (self.shared.clock)();
        loop {
            let (wishes, timed_out) = self.wait();
            let closing = wishes.close || wishes.abandon;
            let now = self.drain(closing)?;
            if matches!(*lock(&self.shared.status), WriterStatus::Failed(_)) {
                // An event is missing, so nothing from here on may be vouched for by a watermark.
                return Ok(false);
            }
            let mut mark = Vec::with_capacity(64);
            line::mark(&mut mark, if wishes.close { b'e' } else { b'w' }, now, self.lines);
            self.blocks.write(&mark)?;
            let due = u128::from(now.0.saturating_sub(flushed.0)) >= self.options.flush_every.as_nanos();
            if closing || timed_out || due {
                self.blocks.close()?;
                flushed = now;
            }
            if closing {
                return Ok(wishes.close);
            }
            if self.is_full() {
                return Ok(false);
            }
        }
    }

    /// Sleeps until something is wished for or the next flush is due.
    fn wait(&self) -> (Wishes, bool) {
        let nothing = |wishes: &mut Wishes| !wishes.drain && !wishes.close && !wishes.abandon;
        let (mut wishes, waited) = self
            .shared
            .wished
            .wait_timeout_while(lock(&self.shared.wishes), self.options.flush_every, nothing)
            .unwrap_or_else(PoisonError::into_inner);
        (mem::take(&mut *wishes), waited.timed_out())
    }

    /// Writes what all recorders hold. Answers with a time before which nothing is missing: see the module's argument.
    fn drain(&mut self, closing: bool) -> io::Result<Nanos> {
        let now = (self.shared.clock)();
        let lanes = if closing { self.close_lanes() } else { self.live_lanes() };
        for lane in lanes {
            let mut buffer = lock(&lane.buffer);
            mem::swap(&mut buffer.bytes, &mut self.spare);
            self.lines += mem::take(&mut buffer.lines);
            drop(buffer);
            lane.space.notify_all();
            self.blocks.write(&self.spare)?;
            self.spare.clear();
        }
        Ok(now)
    }

    /// All lanes, forgetting those that are drained and have no recorder any more.
    fn live_lanes(&self) -> Vec<Arc<Lane>> {
        let mut lanes = lock(&self.shared.lanes);
        lanes.open.retain(|lane| Arc::strong_count(lane) > 1 || !lock(&lane.buffer).bytes.is_empty());
        lanes.open.clone()
    }

    /// All lanes, each closed to further events, as are those that recorders open later.
    fn close_lanes(&self) -> Vec<Arc<Lane>> {
        let mut lanes = lock(&self.shared.lanes);
        lanes.closed = true;
        for lane in &lanes.open {
            lock(&lane.buffer).closed = true;
        }
        lanes.open.clone()
    }

    /// Says so when the file has reached its size; true when it may not grow at all any more.
    fn is_full(&self) -> bool {
        let bytes = self.blocks.bytes();
        if bytes >= self.options.bytes_max {
            let mut status = lock(&self.shared.status);
            if *status == WriterStatus::Running {
                *status = WriterStatus::Full;
            }
        }
        bytes >= self.options.bytes_max.saturating_add(self.options.bytes_max / 20)
    }
}

/// A file of compressed blocks, each checksummed.
struct Blocks {
    encoder: Option<zstd::Encoder<'static, Counted>>,
    block_bytes: u64,
}

impl Blocks {
    fn new(file: File) -> io::Result<Self> {
        Ok(Self { encoder: Some(Self::open(Counted { file, bytes: 0 })?), block_bytes: 0 })
    }

    fn open(file: Counted) -> io::Result<zstd::Encoder<'static, Counted>> {
        let mut encoder = zstd::Encoder::new(file, ZSTD_LEVEL)?;
        encoder.include_checksum(true)?;
        Ok(encoder)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let encoder = self.encoder.as_mut().ok_or_else(Self::gone)?;
        encoder.write_all(bytes)?;
        self.block_bytes += bytes.len() as u64;
        if self.block_bytes >= BLOCK_BYTES_MAX {
            self.close()?;
        }
        Ok(())
    }

    /// Ends the block, so that all of it is in the file, and opens the next.
    fn close(&mut self) -> io::Result<()> {
        let file = self.encoder.take().ok_or_else(Self::gone)?.finish()?;
        self.encoder = Some(Self::open(file)?);
        self.block_bytes = 0;
        Ok(())
    }

    fn bytes(&self) -> u64 {
        self.encoder.as_ref().map_or(0, |encoder| encoder.get_ref().bytes)
    }

    /// Ends the file and waits until it is on the disk.
    fn finish(&mut self) -> io::Result<u64> {
        let file = self.encoder.take().ok_or_else(Self::gone)?.finish()?;
        file.file.sync_all()?;
        Ok(file.bytes)
    }

    fn gone() -> io::Error {
        io::Error::other("an earlier write failed")
    }
}

/// A file that knows how much was written to it.
struct Counted {
    file: File,
    bytes: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
