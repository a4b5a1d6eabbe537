//! Connections that come in, from peers and from clients.

use std::{
    convert::Infallible,
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Semaphore, mpsc, oneshot},
    time::{MissedTickBehavior, interval, sleep, timeout},
};

use history::NodeId;

use super::{Event, OUTBOUND_MAX, outbound::BEAT_EVERY};
use crate::{
    message::RequestId,
    wire::{self, Frame, Response},
};

/// The most connections at once; others wait in the kernel's queue.
const CONNECTIONS_MAX: usize = 1024;
/// A peer that was silent for so long is not there any more; it sends beats all the time.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// After a failed accept (too many open files, say) the node waits a moment and goes on.
const PAUSE: Duration = Duration::from_millis(50);

/// Gives sessions their numbers.
#[derive(Clone)]
pub enum Numbers {
    /// Drawn from so many that none comes twice.
    Drawn,
    /// The mistake: counted in one byte, beside the node's own number.
    Counted(Arc<AtomicU8>),
}

impl Numbers {
    fn next(&self, node: NodeId) -> u64 {
        match self {
            Self::Drawn => rand::random(),
            Self::Counted(last) => u64::from(node.0) << 8 | u64::from(last.fetch_add(1, Relaxed)),
        }
    }
}

/// What those who come in are met with.
#[derive(Clone)]
pub struct Door {
    /// Who this node is.
    pub id: NodeId,
    /// Whether it takes connections that were meant for others, and answers on the connection by which it was asked.
    pub trusting: bool,
    /// How sessions are numbered.
    pub numbers: Numbers,
    /// Where to tell of what they say.
    pub events: mpsc::Sender<Event>,
}

/// Accepts connections for as long as the node lives.
pub async fn accept(listener: TcpListener, door: Door) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(permit) = Arc::clone(&permits).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                let door = door.clone();
                tokio::spawn(async move {
                    // A connection that breaks is opened again by the other side if it needs one.
                    let _closed = attend(stream, door).await;
                    drop(permit);
                });
            }
            Err(error) => {
                super::log(&format!("no connection was accepted: {error}"));
                sleep(PAUSE).await;
            }
        }
    }
}

async fn attend(stream: TcpStream, door: Door) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(1 << 16, reader);
    let session = door.numbers.next(door.id);
    let mut sequence = 0;
    loop {
        let response = match wire::read(&mut reader).await? {
            Frame::Node { from, to } if to != door.id && !door.trusting => {
                super::log(&format!("node {} takes this node for node {}, and is not heard", from.0, to.0));
                return Ok(());
            }
            Frame::Node { from, .. } => return attend_peer(reader, writer, from, door).await,
            Frame::Call(call) => {
                sequence += 1;
                let (client, reply) = oneshot::channel();
                let event = Event::Call(RequestId { session, sequence }, call, client);
                door.events.send(event).await.map_err(io::Error::other)?;
                Response::Reply(reply.await.map_err(io::Error::other)?)
            }
            Frame::Status => {
                let (asker, status) = oneshot::channel();
                door.events.send(Event::Status(asker)).await.map_err(io::Error::other)?;
                Response::Status(status.await.map_err(io::Error::other)?)
            }
            Frame::Change(change) => {
                let (asker, status) = oneshot::channel();
                door.events.send(Event::Change(change, asker)).await.map_err(io::Error::other)?;
                Response::Status(status.await.map_err(io::Error::other)?)
            }
            Frame::Message(_) | Frame::Beat => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "a peer that did not say who it is"));
            }
        };
        let mut bytes = Vec::new();
        wire::encode(&mut bytes, &response)?;
        writer.write_all(&bytes).await?;
    }
}

async fn attend_peer(
    mut reader: BufReader<OwnedReadHalf>,
    mut writer: OwnedWriteHalf,
    from: NodeId,
    Door { trusting, events, .. }: Door,
) -> io::Result<()> {
    let (way, mut answers) = mpsc::channel(OUTBOUND_MAX);
    if trusting {
        events.send(Event::Route(from, way)).await.map_err(io::Error::other)?;
    }
    // A node that was stopped for long finds its connections closed by the others, and what they said before that still in
    // them. That is read to its end, so a beat that nobody takes ends nothing.
    let beats = async {
        let mut due = interval(BEAT_EVERY);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut bytes = Vec::new();
        while wire::encode(&mut bytes, &Frame::Beat).is_ok() && writer.write_all(&bytes).await.is_ok() {
            bytes.clear();
            tokio::select! {
                Some(answer) = answers.recv() => {
                    if wire::encode(&mut bytes, &Frame::Message(answer)).is_err() {
                        break;
                    }
                }
                _ = due.tick() => {}
            }
        }
        pending::<Infallible>().await
    };
    let messages = async {
        loop {
            match timeout(SILENCE_MAX, wire::read(&mut reader)).await?? {
                Frame::Message(message) => {
                    events.send(Event::Peer(from, message)).await.map_err(io::Error::other)?;
                }
                Frame::Beat => {}
                Frame::Node { .. } | Frame::Call(_) | Frame::Status | Frame::Change(_) => {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "a peer that speaks as a client"));
                }
            }
        }
    };
    tokio::select! {
        never = beats => match never {},
        ended = messages => ended,
    }
}
