//! The connection to one peer, opened again and again.
//!
//! A cut link only drops packets, and the kernel would go on waiting longer and longer before it tries again. So
//! both sides send beats, a silent connection is dropped, and new ones are tried while older attempts still wait:
//! after a heal the peers talk again within a third of a second.

use std::{
    io,
    net::SocketAddr,
    time::{Duration, Instant},
};

use history::NodeId;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{interval, sleep, timeout},
};

use crate::{
    message::Message,
    wire::{self, Frame},
};

/// How often each side shows that it is there.
pub const BEAT_EVERY: Duration = Duration::from_millis(100);
/// A connection is dropped after so long a silence.
const SILENCE_MAX: Duration = Duration::from_millis(900);
/// The first attempts to connect follow each other so soon, and each next one waits twice as long ...
const DIAL_FIRST: Duration = Duration::from_millis(10);
/// ... up to this.
const DIAL_EVERY: Duration = Duration::from_millis(320);
/// An attempt to connect is given up after so long.
const DIAL_MAX: Duration = Duration::from_millis(1500);
/// What waited for so long for a new connection is not worth sending any more.
const OUT_OF_DATE: Duration = Duration::from_millis(300);
/// So many messages go out in one write.
const BATCH_MAX: usize = 256;

/// Sends the messages of a queue to a peer for as long as the node lives.
pub async fn keep_sending(me: NodeId, peer: SocketAddr, mut queue: mpsc::Receiver<Message>) {
    while !queue.is_closed() {
        let lost = Instant::now();
        let stream = dial(peer).await;
        // What was said while nobody could hear for long is out of date, and whoever needs it says it again.
        if lost.elapsed() > OUT_OF_DATE {
            while queue.try_recv().is_ok() {}
        }
        // The connection ended, for whatever reason: the next one takes its place.
        let _ended = converse(me, stream, &mut queue).await;
        sleep(Duration::from_millis(20)).await;
    }
}

/// Connects. Attempts overlap, because one that began while the link was cut hears of the heal only late.
async fn dial(peer: SocketAddr) -> TcpStream {
    let mut attempts = JoinSet::new();
    let mut wait = DIAL_FIRST;
    loop {
        attempts.spawn(async move { timeout(DIAL_MAX, TcpStream::connect(peer)).await });
        let next = sleep(wait);
        tokio::pin!(next);
        loop {
            tokio::select! {
                () = &mut next => break,
                Some(attempt) = attempts.join_next() => {
                    if let Ok(Ok(Ok(stream))) = attempt {
                        return stream;
                    }
                }
            }
        }
        wait = (2 * wait).min(DIAL_EVERY);
    }
}

async fn converse(me: NodeId, stream: TcpStream, queue: &mut mpsc::Receiver<Message>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (mut reader, mut writer) = stream.into_split();
    let mut heard = Instant::now();
    let mut beats = interval(BEAT_EVERY);
    let mut noise = [0; 64];
    let mut bytes = Vec::new();
    wire::encode(&mut bytes, &Frame::Node(me))?;
    loop {
        if !bytes.is_empty() {
            timeout(SILENCE_MAX, writer.write_all(&bytes)).await??;
            bytes.clear();
        }
        tokio::select! {
            message = queue.recv() => {
                let Some(message) = message else { return Ok(()) };
                wire::encode(&mut bytes, &Frame::Message(message))?;
                for _ in 1..BATCH_MAX {
                    let Ok(message) = queue.try_recv() else { break };
                    wire::encode(&mut bytes, &Frame::Message(message))?;
                }
            }
            read = reader.read(&mut noise) => {
                if read? == 0 {
                    return Ok(());
                }
                heard = Instant::now();
            }
            _ = beats.tick() => {
                if heard.elapsed() > SILENCE_MAX {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                wire::encode(&mut bytes, &Frame::Beat)?;
            }
        }
    }
}
