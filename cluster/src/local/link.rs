//! The controller's end of the socket to a node's first process: many requests at once, each with a time-out.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{io::Interest, io::unix::AsyncFd, sync::oneshot, task::JoinHandle, time::timeout};

use super::wire::{self, Answer, Request};
use crate::Error;

/// The most requests that may wait for their answers at once.
const PENDING_MAX: usize = 1024;

type Heard = (Answer, Vec<OwnedFd>);
type Pending = Mutex<Option<BTreeMap<u64, oneshot::Sender<Heard>>>>;

/// The socket to one node.
pub(super) struct Link {
    node: String,
    socket: Arc<AsyncFd<OwnedFd>>,
    /// Who waits for which answer; `None` once the node has gone.
    pending: Arc<Pending>,
    next: AtomicU64,
    reader: JoinHandle<()>,
}

/// A request that was sent.
pub(super) struct Asked<'a> {
    /// Its number, by which it can be cancelled.
    pub number: u64,
    link: &'a Link,
    answer: oneshot::Receiver<Heard>,
}

impl Drop for Link {
    fn drop(&mut self) {
        // Its copy of the socket would keep the node alive.
        self.reader.abort();
    }
}

impl Drop for Asked<'_> {
    fn drop(&mut self) {
        if let Some(pending) = self.link.pending().as_mut() {
            pending.remove(&self.number);
        }
    }
}

async fn read(socket: Arc<AsyncFd<OwnedFd>>, pending: Arc<Pending>, node: String) {
    loop {
        match socket.async_io(Interest::READABLE, |fd| wire::receive::<Answer>(fd.as_fd())).await {
            Ok(Some((answer, descriptors))) => {
                let waiting = lock(&pending).as_mut().and_then(|pending| pending.remove(&answer.number));
                // Who stopped waiting does not want the answer any more.
                let _unwanted = waiting.map(|sender| sender.send((answer.says, descriptors)));
            }
            Ok(None) => break,
            Err(error) => {
                tracing::warn!(node, %error, "the link to the node broke");
                break;
            }
        }
    }
    // Dropping the senders tells everyone who waits.
    *lock(&pending) = None;
}

fn lock(pending: &Pending) -> std::sync::MutexGuard<'_, Option<BTreeMap<u64, oneshot::Sender<Heard>>>> {
    pending.lock().expect("no one panics while holding the list of requests")
}

impl Link {
    /// Takes the socket over. Must be called inside a runtime.
    pub(super) fn new(node: String, socket: OwnedFd) -> Result<Self, Error> {
        // SAFETY: an owned descriptor stays the same open socket until it is dropped, after the registration.
        let socket =
            unsafe { AsyncFd::register(socket) }.map_err(|e| Error::io("watch the socket of a node", e))?;
        let socket = Arc::new(socket);
        let pending = Arc::new(Mutex::new(Some(BTreeMap::new())));
        let reader = tokio::spawn(read(socket.clone(), pending.clone(), node.clone()));
        Ok(Self { node, socket, pending, next: AtomicU64::new(1), reader })
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Option<BTreeMap<u64, oneshot::Sender<Heard>>>> {
        lock(&self.pending)
    }

    /// The error for something that failed on this node.
    pub(super) fn failed(&self, what: impl Into<String>) -> Error {
        Error::Node { node: self.node.clone(), what: what.into() }
    }

    /// Sends a request.
    pub(super) async fn ask(
        &self,
        request: Request,
        descriptors: &[OwnedFd],
        within: Duration,
    ) -> Result<Asked<'_>, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let packet = wire::encode(number, request).map_err(|e| self.failed(e.to_string()))?;
        let (sender, answer) = oneshot::channel();
        match self.pending().as_mut() {
            None => return Err(self.gone()),
            Some(pending) if pending.len() >= PENDING_MAX => {
                return Err(self.failed(format!("{PENDING_MAX} requests wait for its answer already")));
            }
            Some(pending) => pending.insert(number, sender),
        };
        let asked = Asked { number, link: self, answer };
        let sent = self.socket.async_io(Interest::WRITABLE, |fd| {
            let borrowed: Vec<BorrowedFd<'_>> = descriptors.iter().map(AsFd::as_fd).collect();
            wire::send(fd.as_fd(), &packet, &borrowed)
        });
        match timeout(within, sent).await {
            Ok(Ok(())) => Ok(asked),
            Ok(Err(e)) if matches!(e.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
                Err(self.gone())
            }
            Ok(Err(e)) => Err(Error::io(format!("send a request to {}", self.node), e)),
            Err(_) => Err(self.late("taking a request", within)),
        }
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn call(&self, request: Request, within: Duration) -> Result<Heard, Error> {
        self.ask(request, &[], within).await?.answer(within).await
    }

    fn gone(&self) -> Error {
        self.failed("its first process has ended, and with it everything on it")
    }

    fn late(&self, what: &str, within: Duration) -> Error {
        Error::TimedOut { what: format!("{}: {what}", self.node), seconds: within.as_secs_f64() }
    }
}

impl Asked<'_> {
    /// Waits for the answer. What could not be done is an error.
    pub(super) async fn answer(mut self, within: Duration) -> Result<Heard, Error> {
        match timeout(within, &mut self.answer).await {
            Ok(Ok((Answer::Failed { what, errno }, _))) => Err(match errno {
                0 => self.link.failed(format!("failed to {what}")),
                _ => self.link.failed(format!("failed to {what}: {}", io::Error::from_raw_os_error(errno))),
            }),
            Ok(Ok(heard)) => Ok(heard),
            Ok(Err(_)) => Err(self.link.gone()),
            Err(_) => Err(self.link.late("an answer", within)),
        }
    }
}
