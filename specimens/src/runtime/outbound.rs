//! The connection to one peer, opened again and again.
//!
//! A cut link only drops packets, and the kernel would go on waiting longer and longer before it tries again. So
//! both sides send beats, a silent connection is dropped, and new ones are tried while older attempts still wait:
//! after a heal the peers talk again within a third of a second.

use std::{
    io,
    time::{Duration, Instant},
};

use history::NodeId;
use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::mpsc,
    task::JoinSet,
    time::{interval, sleep, timeout},
};

use super::{Event, names::Peer};
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

/// Sends the messages of a queue to a peer for as long as the node lives. Where `events` is given, what is heard on the same
/// connection is taken for the peer's word.
pub async fn keep_sending(
    me: NodeId,
    peer: Peer,
    mut queue: mpsc::Receiver<Message>,
    events: Option<mpsc::Sender<Event>>,
) {
    while !queue.is_closed() {
        let lost = Instant::now();
        let stream = dial(&peer).await;
        // What was said while nobody could hear for long is out of date, and whoever needs it says it again.
        if lost.elapsed() > OUT_OF_DATE {
            while queue.try_recv().is_ok() {}
        }
        // The connection ended, for whatever reason: the next one takes its place.
        let _ended = converse((me, peer.id), stream, &mut queue, events.as_ref()).await;
        sleep(Duration::from_millis(20)).await;
    }
}

/// Connects. Attempts overlap, because one that began while the link was cut hears of the heal only late.
async fn dial(peer: &Peer) -> TcpStream {
    let mut attempts = JoinSet::new();
    let mut wait = DIAL_FIRST;
    loop {
        let address = peer.look_up();
        attempts.spawn(async move { timeout(DIAL_MAX, TcpStream::connect(address)).await });
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

async fn converse(
    (from, to): (NodeId, NodeId),
    stream: TcpStream,
    queue: &mut mpsc::Receiver<Message>,
    events: Option<&mpsc::Sender<Event>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    let mut beats = interval(BEAT_EVERY);
    let mut bytes = Vec::new();
    wire::encode(&mut bytes, &Frame::Node { from, to })?;
    let hearing = async {
        loop {
            if let (Frame::Message(message), Some(events)) =
                (timeout(SILENCE_MAX, wire::read(&mut reader)).await??, events)
            {
                // The mistake: nobody asked who it is that answers there.
                events.send(Event::Peer(to, message)).await.map_err(io::Error::other)?;
            }
        }
    };
    tokio::pin!(hearing);
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
            ended = &mut hearing => return ended,
            _ = beats.tick() => wire::encode(&mut bytes, &Frame::Beat)?,
        }
    }
}
