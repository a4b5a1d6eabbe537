//! The sessions of one node. Each is used by one thread at a time, and comes back only when it is whole.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use ssh2::Session;
use tokio::sync::Semaphore;

use super::{
    SshTarget,
    conversation::{self, Broken},
    session::{self, Refusal},
};
use crate::{Error, Output, machine::failed};

/// The most sessions of one node: a usual sshd begins to refuse at ten that are not yet let in.
const SESSIONS_MAX: usize = 6;

/// The first wait before connecting again, and the longest.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// What to say, and what to do when the connection is lost.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    /// What it is, for messages.
    pub what: String,
    /// The command.
    pub command: String,
    /// What it reads.
    pub stdin: Arc<[u8]>,
    /// How long it may take, connecting included.
    pub within: Duration,
    /// Whether doing it twice is as good as doing it once, so that it is said again when the connection is lost.
    pub again: bool,
}

/// The sessions of one node.
#[derive(Debug)]
pub(super) struct Pool {
    target: SshTarget,
    idle: Mutex<Idle>,
    slots: Arc<Semaphore>,
}

#[derive(Default)]
struct Idle(Vec<Session>);

impl std::fmt::Debug for Idle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} sessions", self.0.len())
    }
}

impl Pool {
    pub(super) fn new(target: SshTarget) -> Arc<Self> {
        Arc::new(Self { target, idle: Mutex::default(), slots: Arc::new(Semaphore::new(SESSIONS_MAX)) })
    }

    pub(super) fn target(&self) -> &SshTarget {
        &self.target
    }

    /// Says a command on a session of its own, on a thread that may block.
    pub(super) async fn say(self: &Arc<Self>, saying: Saying) -> Result<Output, Error> {
        let until = Instant::now() + saying.within;
        let late = |what: &str| {
            failed(&self.target.name, format!("{what} took longer than {} s", saying.within.as_secs_f64()))
        };
        let slot = tokio::time::timeout(saying.within, Arc::clone(&self.slots).acquire_owned())
            .await
            .map_err(|_| late("waiting for a session"))?
            .map_err(|_| failed(&self.target.name, "its sessions are closed"))?;
        let pool = Arc::clone(self);
        let what = saying.what.clone();
        let done = tokio::task::spawn_blocking(move || {
            let said = pool.say_until(&saying, until);
            drop(slot);
            said
        });
        done.await.map_err(|error| failed(&self.target.name, format!("{what} died: {error}")))?
    }

    fn say_until(&self, saying: &Saying, until: Instant) -> Result<Output, Error> {
        let name = &self.target.name;
        loop {
            let session = self.take(until)?;
            let why = match conversation::converse(&session, &saying.command, &saying.stdin, until) {
                Ok(output) => {
                    self.put_back(session);
                    return Ok(output);
                }
                Err(Broken::Late | Broken::Unwanted) => {
                    let seconds = saying.within.as_secs_f64();
                    return Err(failed(name, format!("{} took longer than {seconds} s", saying.what)));
                }
                Err(Broken::TooMuch) => {
                    return Err(failed(name, format!("{} brings more than 256 MiB", saying.what)));
                }
                Err(Broken::Unsaid(why)) => why,
                Err(Broken::MidWay(why)) if saying.again => why,
                Err(Broken::MidWay(why)) => {
                    let what =
                        format!("the connection broke during {}, which may be done: {why}", saying.what);
                    return Err(failed(name, what));
                }
            };
            if Instant::now() >= until {
                return Err(failed(name, format!("the connection breaks again and again: {why}")));
            }
            // What was idle with it went over the same network: begin anew rather than find each one dead.
            self.drop_idle();
        }
    }

    /// A session that nobody else has, connected anew where none is idle.
    pub(super) fn take(&self, until: Instant) -> Result<Session, Error> {
        if let Some(session) = self.lock().0.pop() {
            return Ok(session);
        }
        let (mut pause, longest) = BACKOFF;
        loop {
            match session::open(&self.target, until) {
                Ok(session) => return Ok(session),
                Err(Refusal::Final(why)) => return Err(failed(&self.target.name, why)),
                Err(Refusal::Passing(why)) if Instant::now() + pause >= until => {
                    return Err(failed(&self.target.name, why));
                }
                Err(Refusal::Passing(why)) => {
                    tracing::info!("{}: {why}; trying again in {} ms", self.target.name, pause.as_millis());
                }
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(longest);
        }
    }

    pub(super) fn put_back(&self, session: Session) {
        let mut idle = self.lock();
        if idle.0.len() < SESSIONS_MAX {
            idle.0.push(session);
        }
    }

    /// Forgets every session that nobody uses.
    pub(super) fn drop_idle(&self) {
        let idle = std::mem::take(&mut self.lock().0);
        for session in &idle {
            // Saying goodbye to a dead peer must not take long.
            session.set_timeout(50);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
