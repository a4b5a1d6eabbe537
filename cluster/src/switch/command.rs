//! Orders from the outside to the thread of the switch.

use std::{
    collections::VecDeque,
    os::fd::{AsFd, BorrowedFd},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
};

use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::oneshot;

use super::policy::Shape;
use crate::Error;

/// The new shape of each link that changes, by `from * ports + to`.
pub(super) type Order = Vec<(usize, Shape)>;

/// An order and whom to tell when it is in force.
pub(super) struct Command {
    pub(super) order: Order,
    pub(super) done: oneshot::Sender<()>,
}

/// The queue of orders. Each sender waits for its answer, so it is as short as there are callers.
#[derive(Debug)]
pub(super) struct Commands {
    /// `None` once the switch has ended.
    queue: Mutex<Option<VecDeque<Command>>>,
    waiting: AtomicBool,
    stopping: AtomicBool,
    bell: EventFd,
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("links", &self.order.len()).finish_non_exhaustive()
    }
}

impl Commands {
    pub(super) fn new() -> Result<Self, Error> {
        let bell = EventFd::from_flags(EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC)
            .map_err(|e| Error::io("create an event descriptor", e))?;
        Ok(Self {
            queue: Mutex::new(Some(VecDeque::new())),
            waiting: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            bell,
        })
    }

    /// Puts an order in the queue. The receiver resolves when it is in force, and fails if the switch has ended.
    pub(super) fn send(&self, order: Order) -> Result<oneshot::Receiver<()>, Error> {
        let (done, receiver) = oneshot::channel();
        if let Some(queue) = &mut *self.lock() {
            queue.push_back(Command { order, done });
        }
        self.waiting.store(true, Ordering::Release);
        self.ring()?;
        Ok(receiver)
    }

    /// Asks the thread to end.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        if let Err(error) = self.ring() {
            // The timer of the switch strikes often, so it ends a little later all the same.
            tracing::warn!(%error, "the switch could not be woken");
        }
    }

    fn ring(&self) -> Result<(), Error> {
        match self.bell.write(1) {
            // A full counter is a bell that rings already.
            Ok(_) | Err(nix::errno::Errno::EAGAIN) => Ok(()),
            Err(error) => Err(Error::io("wake the switch", error)),
        }
    }

    /// Whether the thread is to end.
    pub(super) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    /// Whether there may be orders; cheap enough to ask before every packet.
    pub(super) fn waiting(&self) -> bool {
        self.waiting.load(Ordering::Acquire)
    }

    /// All orders that wait, oldest first.
    pub(super) fn take(&self) -> VecDeque<Command> {
        self.waiting.store(false, Ordering::Release);
        self.lock().as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Silences the bell.
    pub(super) fn answer_bell(&self) {
        match self.bell.read() {
            Ok(_) | Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => {}
            Err(error) => tracing::warn!(%error, "the switch could not read its bell"),
        }
    }

    /// Closes the queue: whoever waits, now or later, gets an error.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    fn lock(&self) -> MutexGuard<'_, Option<VecDeque<Command>>> {
        self.queue.lock().expect("the queue is never held over a panic")
    }

    pub(super) fn bell(&self) -> BorrowedFd<'_> {
        self.bell.as_fd()
    }
}
