//! Serves a disk to the kernel: takes requests off `/dev/fuse`, does them, and answers.
//!
//! One thread serves a disk. What is to take long on purpose gets a thread of its own meanwhile, so that nothing else
//! waits for it.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::eventfd::EventFd,
};

use super::{
    ailment::{Ailments, Fate},
    deed,
    volume::{Ino, Volume},
    wire::{self, Answer, Request, code},
};

/// How often what waits on purpose looks whether it still should.
const SLICE: Duration = Duration::from_millis(5);

/// A disk, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Ward {
    volume: Mutex<Volume>,
    ailments: Mutex<Ailments>,
    /// There is no power: whatever is asked now never reaches the disk.
    dark: AtomicBool,
}

impl Ward {
    pub(super) fn new(volume: Volume) -> Self {
        Self { volume: Mutex::new(volume), ailments: Mutex::default(), dark: AtomicBool::new(false) }
    }

    pub(super) fn volume(&self) -> MutexGuard<'_, Volume> {
        self.volume.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn ailments(&self) -> MutexGuard<'_, Ailments> {
        self.ailments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn darken(&self, dark: bool) {
        self.dark.store(dark, Ordering::SeqCst);
    }

    /// The disk itself, once nobody serves it any more.
    pub(super) fn into_volume(self) -> Volume {
        self.volume.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mount that is served. Dropping it aborts the connection to the kernel.
#[derive(Debug)]
pub(super) struct Session {
    post: Arc<Post>,
    stop: Arc<EventFd>,
    thread: Option<JoinHandle<()>>,
}

/// Where requests come from and answers go.
#[derive(Debug)]
struct Post {
    device: OwnedFd,
    ward: Arc<Ward>,
    over: AtomicBool,
}

/// Opens the device that a mount is served through.
pub(crate) fn open_device() -> io::Result<OwnedFd> {
    use std::os::unix::fs::OpenOptionsExt;
    let options = libc::O_CLOEXEC | libc::O_NONBLOCK;
    Ok(std::fs::OpenOptions::new().read(true).write(true).custom_flags(options).open("/dev/fuse")?.into())
}

impl Session {
    /// Serves what is mounted through a device.
    pub(super) fn start(device: OwnedFd, ward: Arc<Ward>) -> io::Result<Self> {
        let stop = Arc::new(EventFd::new()?);
        let post = Arc::new(Post { device, ward, over: AtomicBool::new(false) });
        let (theirs, stopped) = (Arc::clone(&post), Arc::clone(&stop));
        let thread = std::thread::Builder::new().name("disk".into()).spawn(move || {
            if let Err(error) = serve(&theirs, &stopped) {
                tracing::error!(%error, "a disk is not served any more");
            }
        })?;
        Ok(Self { post, stop, thread: Some(thread) })
    }

    /// Tells the kernel to forget what it holds of the contents of a file.
    pub(super) fn forget_cached(&self, ino: Ino) -> io::Result<()> {
        wire::forget_cached(&self.post.device, ino)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.post.over.store(true, Ordering::SeqCst);
        // A counter that is full has been heard already.
        let _heard = self.stop.write(1);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that served a disk panicked");
        }
    }
}

fn serve(post: &Arc<Post>, stop: &EventFd) -> io::Result<()> {
    let mut buffer = vec![0; wire::REQUEST_MAX];
    loop {
        match nix::unistd::read(&post.device, &mut buffer) {
            Ok(length) => answer(post, &buffer[..length])?,
            Err(nix::Error::EAGAIN) => {
                let mut polled = [
                    PollFd::new(post.device.as_fd(), PollFlags::POLLIN),
                    PollFd::new(stop.as_fd(), PollFlags::POLLIN),
                ];
                match poll(&mut polled, PollTimeout::NONE) {
                    Err(nix::Error::EINTR) => continue,
                    other => other?,
                };
                if polled[1].revents().is_some_and(|events| !events.is_empty()) {
                    return Ok(());
                }
            }
            // A request that was withdrawn while it was read, or a signal.
            Err(nix::Error::ENOENT | nix::Error::EINTR) => {}
            // It is mounted nowhere any more.
            Err(nix::Error::ENODEV) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

/// Answers one request, now or later.
fn answer(post: &Arc<Post>, bytes: &[u8]) -> io::Result<()> {
    let mut request = Request::parse(bytes)?;
    let unique = request.unique;
    match request.code {
        code::FORGET => {
            let times = request.u64()?;
            post.ward.volume().forget(request.node, times);
            return Ok(());
        }
        code::BATCH_FORGET => {
            let (count, _) = (request.u32()?, request.u32()?);
            for _ in 0..count {
                let (ino, times) = (request.u64()?, request.u64()?);
                post.ward.volume().forget(ino, times);
            }
            return Ok(());
        }
        // Nothing takes so long that it could be stopped half-way.
        code::INTERRUPT => return Ok(()),
        code::INIT => {
            let hello = Answer::hello(&mut request)?;
            return wire::reply(&post.device, unique, Ok(&hello));
        }
        _ => {}
    }
    let fate = deed::asked(&post.ward, bytes).map_or_else(Fate::default, |(asked, ino)| {
        let path = || post.ward.volume().path(ino);
        post.ward.ailments().meet(asked, path)
    });
    if fate.delay.is_zero() {
        return carry_out(post, bytes, fate);
    }
    let (post, bytes) = (Arc::clone(post), bytes.to_vec());
    std::thread::Builder::new().name("disk wait".into()).spawn(move || {
        let until = Instant::now() + fate.delay;
        while Instant::now() < until {
            if post.over.load(Ordering::SeqCst) || post.ward.dark.load(Ordering::SeqCst) {
                break;
            }
            std::thread::sleep(SLICE.min(until.saturating_duration_since(Instant::now())));
        }
        if let Err(error) = carry_out(&post, &bytes, fate) {
            tracing::error!(%error, "an answer of a disk did not arrive");
        }
    })?;
    Ok(())
}

fn carry_out(post: &Post, bytes: &[u8], fate: Fate) -> io::Result<()> {
    let mut request = Request::parse(bytes)?;
    let unique = request.unique;
    let done = if post.ward.dark.load(Ordering::SeqCst) || post.over.load(Ordering::SeqCst) {
        Err(libc::EIO)
    } else if let Some(error) = fate.error {
        Err(error)
    } else {
        let mut volume = post.ward.volume();
        deed::carry_out(&mut volume, &mut request, fate)
            .map_err(|error| error.raw_os_error().unwrap_or(libc::EIO))
    };
    wire::reply(&post.device, unique, done.as_ref().map_err(|code| *code))
}
