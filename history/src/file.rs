//! Histories on disk: written while the run goes on, read back in parallel, whole or torn.
//!
//! # The format
//!
//! JSON lines, compressed with zstd (a plain `.jsonl` is read as well). The first line is the [`Header`](crate::Header).
//! Every other line is a small array whose first element says what it is:
//!
//! ```text
//! ["i",id,process,node,nanoseconds,call]      a call is about to be sent
//! ["c",id,nanoseconds,outcome]                its whole answer has arrived, or the client gave up
//! ["f",{...}]                                 a fault, as far as it is known by now; a later line replaces an earlier
//! ["w",nanoseconds,lines]                     a watermark: every event before that time is in the lines above
//! ["e",nanoseconds,lines]                     the end of a complete file
//! ```
//!
//! `lines` counts the `i`, `c` and `f` lines above, so that a lost line is noticed.
//!
//! # Why a watermark can be believed
//!
//! Every recorder owns a buffer behind a lock, and reads the clock **while it holds that lock**, just before it puts the
//! event into the buffer. The writer thread first reads the clock, *w*, and only then takes each buffer's lock in turn
//! to drain it. Take any event whose time is before *w*. The clock is monotonic over all threads, so that event's
//! reading happened before the writer's, and at that moment its recorder held its lock. The writer takes the same lock
//! later, so it gets it after the event was put into the buffer, and drains it. A recorder made after the writer listed
//! them reads the clock after *w*. So when all buffers are drained and written, every event before *w* is in the file,
//! and the writer says so with a watermark. An event *at* *w* may or may not be there, hence "before".
//!
//! # What a torn file still proves
//!
//! A file without its last line is cut at its last watermark *w*: calls begun at *w* or later are dropped; calls begun
//! before *w* and completed at *w* or later, or never, are `Unknown`. What remains is exactly what an observer would
//! have written who stopped at *w*, so a contradiction in it is a contradiction of the whole run. Calls dropped cannot
//! explain anything that remains, because they began after everything that remains was answered.
//!
//! Compressed data is closed and checksummed at every flush. Where a checksum fails nothing of that block is believed.

mod events;
pub(crate) mod frames;
mod lane;
mod line;
mod marks;
mod outline;
mod pairing;
mod reader;
mod writer;

pub use events::Follower;
pub(crate) use events::OwnEvents;
pub use lane::{Recorder, Ticket};
pub use outline::{Outline, outline};
pub use reader::{ReadError, read, read_header};
pub use writer::{Clock, HistoryWriter, WriteError, WriteSummary, WriterOptions, WriterStatus};
