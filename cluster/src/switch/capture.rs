//! Keeps what the ports sent in a file that Wireshark and tcpdump read: pcapng, one interface per port.
//!
//! A packet is kept as its sender sent it, at the time at which the switch read it, and with a comment if the switch did
//! something to it, so that `frame.comment contains "lost"` finds every loss. What is dropped because a queue is full is
//! only counted. The thread of the switch fills a buffer; another thread writes it to the disk.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use super::{
    clock::{Nanos, now},
    counters::Counters,
    shaper::Plan,
};
use crate::{Endpoint, Error};

/// Packets of IP without anything before them.
const LINKTYPE_RAW: u16 = 101;

/// The blocks of the format.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Their options.
const COMMENT: u16 = 1;
const INTERFACE_NAME: u16 = 2;
const TIME_RESOLUTION: u16 = 9;
const APPLICATION: u16 = 4;

/// How much is gathered before it goes to the other thread, and how many of these may wait there.
const CHUNK: usize = 256 << 10;
const CHUNKS_MAX: usize = 32;

/// A capture that is being written.
pub(super) struct Capture {
    buffer: Vec<u8>,
    /// How many packets are in the buffer.
    buffered: u64,
    sender: Option<SyncSender<Vec<u8>>>,
    writer: Option<thread::JoinHandle<()>>,
    bytes_left: u64,
    /// What to add to the monotonic clock to get the time since 1970.
    wall: i128,
    counters: Arc<Counters>,
}

impl Capture {
    /// Creates the file, with an interface for each port.
    pub(super) fn start(
        path: &Path,
        bytes_max: u64,
        endpoints: &[Endpoint],
        counters: Arc<Counters>,
    ) -> Result<Self, Error> {
        let file = File::create(path).map_err(|e| Error::io(format!("create {}", path.display()), e))?;
        let (sender, receiver) = sync_channel(CHUNKS_MAX);
        let writer = thread::Builder::new()
            .name("capture".into())
            .spawn(move || write_chunks(file, &receiver))
            .map_err(|e| Error::io("start the thread of the capture", e))?;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut buffer = Vec::with_capacity(CHUNK + 70_000);
        write_preface(&mut buffer, endpoints);
        let bytes_left = bytes_max.saturating_sub(buffer.len() as u64);
        let wall = since_1970.as_nanos() as i128 - i128::from(now());
        let (sender, writer) = (Some(sender), Some(writer));
        Ok(Self { buffer, buffered: 0, sender, writer, bytes_left, wall, counters })
    }

    /// Keeps a packet, unless the file is full.
    pub(super) fn keep(&mut self, port: usize, at: Nanos, packet: &[u8], comment: &str) {
        if self.bytes_left == 0 {
            return self.counters.strays.uncaptured.add(1);
        }
        let begin = self.buffer.len();
        write_packet(&mut self.buffer, port, i128::from(at) + self.wall, packet, comment);
        let size = (self.buffer.len() - begin) as u64;
        if size > self.bytes_left {
            // Smaller packets may not follow either: a capture that goes on with holes would mislead.
            self.buffer.truncate(begin);
            self.bytes_left = 0;
            self.counters.strays.uncaptured.add(1);
            return;
        }
        self.bytes_left -= size;
        self.buffered += 1;
        if self.buffer.len() >= CHUNK {
            self.flush();
        }
    }

    /// Hands over what is in the buffer, as far as the other thread keeps up.
    pub(super) fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK + 70_000));
        let sent = self.sender.as_ref().map(|sender| sender.try_send(chunk));
        if let Some(Err(TrySendError::Full(_) | TrySendError::Disconnected(_))) = sent {
            self.counters.strays.uncaptured.add(self.buffered);
        }
        self.buffered = 0;
    }
}

impl Drop for Capture {
    /// Waits until all is written: the switch has ended, so nobody waits for its thread any more.
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take()
            && sender.send(std::mem::take(&mut self.buffer)).is_err()
        {
            self.counters.strays.uncaptured.add(self.buffered);
        }
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the capture ended in a panic");
        }
    }
}

/// What the switch does to a packet, in words; empty for nothing.
pub(super) fn comment_on(plan: Plan) -> String {
    let fate = match plan {
        Plan::Pass => return String::new(),
        Plan::Cut => return "dropped: cut".into(),
        Plan::Chance(fate) if fate.lost => return "dropped: lost".into(),
        Plan::Chance(fate) => fate,
    };
    let words = [
        (fate.reset, "reset"),
        (fate.hush, "dropped if it ends a connection"),
        (fate.corrupt, "corrupted"),
        (fate.duplicate, "duplicated"),
        (fate.overtakers > 0, "held back"),
    ];
    let words: Vec<&str> = words.iter().filter(|(does, _)| *does).map(|(_, word)| *word).collect();
    words.join(", ")
}

/// Writes chunks until there are no more. After an error it goes on to take them, so that nobody waits.
fn write_chunks(mut file: File, chunks: &Receiver<Vec<u8>>) {
    let mut failed = false;
    for chunk in chunks {
        if failed {
            continue;
        }
        if let Err(error) = file.write_all(&chunk) {
            tracing::error!(%error, "the capture cannot be written and ends here");
            failed = true;
        }
    }
}

/// What a file begins with.
fn write_preface(out: &mut Vec<u8>, endpoints: &[Endpoint]) {
    block(out, SECTION, |out| {
        // The byte order, the version 1.0, and an unknown length of the section.
        out.extend_from_slice(&0x1a2b_3c4d_u32.to_le_bytes());
        out.extend_from_slice(&[1, 0, 0, 0]);
        out.extend_from_slice(&u64::MAX.to_le_bytes());
        option(out, APPLICATION, b"disprove");
        out.extend_from_slice(&[0; 4]);
    });
    for endpoint in endpoints {
        let name = match endpoint {
            Endpoint::Controller => "controller".to_owned(),
            Endpoint::Node(id) => format!("n{}", id.0 + 1),
        };
        block(out, INTERFACE, |out| {
            out.extend_from_slice(&LINKTYPE_RAW.to_le_bytes());
            out.extend_from_slice(&[0; 6]);
            option(out, INTERFACE_NAME, name.as_bytes());
            // Nanoseconds.
            option(out, TIME_RESOLUTION, &[9]);
            out.extend_from_slice(&[0; 4]);
        });
    }
}

/// One packet.
fn write_packet(out: &mut Vec<u8>, port: usize, at: i128, packet: &[u8], comment: &str) {
    block(out, PACKET, |out| {
        let at = u64::try_from(at).unwrap_or_default();
        let length = packet.len() as u32;
        for field in [port as u32, (at >> 32) as u32, at as u32, length, length] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        padded(out, packet);
        if !comment.is_empty() {
            option(out, COMMENT, comment.as_bytes());
            out.extend_from_slice(&[0; 4]);
        }
    });
}

/// A block: its type, its length, what is in it, and its length again.
fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&[0; 4]);
    fill(out);
    let length = (out.len() - begin + 4) as u32;
    out[begin + 4..begin + 8].copy_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&length.to_le_bytes());
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&(value.len() as u16).to_le_bytes());
    padded(out, value);
}

/// Everything in a block fills whole words of 32 bits.
fn padded(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
    out.resize(out.len().next_multiple_of(4), 0);
}
