//! A disk that is mounted in a node and served from here.

use std::{
    fmt,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    Ailment, Disk, Loss, Operation, Outage, Owner, Snapshot, Struck, Trouble, Volume,
    ailment::matches,
    service::{Session, Ward, open_device},
};
use crate::{Error, LayerId};

/// Mounts a disk in a node, and switches the node off.
#[async_trait]
pub(crate) trait Switch: Send + Sync {
    /// Mounts what this device serves over the data folder.
    async fn mount(&self, device: OwnedFd) -> Result<(), Error>;
    /// Ends every process of the node and takes its data folder off.
    async fn switch_off(&self) -> Result<(), Error>;
}

/// A disk of a node.
pub(crate) struct ServedDisk {
    node: String,
    switch: Box<dyn Switch>,
    ward: Mutex<Option<Arc<Ward>>>,
    session: Mutex<Option<Session>>,
    remembered: Mutex<Option<Snapshot>>,
    /// Where its files are to be found by people in the end.
    unpacked: PathBuf,
    /// One outage at a time.
    turn: tokio::sync::Mutex<()>,
}

impl fmt::Debug for ServedDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServedDisk").field("node", &self.node).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ServedDisk {
    /// Mounts an empty disk in a node. Its contents lie in `objects`, which is made and goes away in the end; its files
    /// are then put into `unpacked`.
    pub(crate) async fn mount(
        node: &str,
        switch: Box<dyn Switch>,
        objects: PathBuf,
        (unpacked, owner): (PathBuf, Owner),
    ) -> Result<Self, Error> {
        let volume = Volume::create(objects, owner).map_err(|e| Error::io("make a disk", e))?;
        let this = Self {
            node: node.to_owned(),
            switch,
            ward: Mutex::new(Some(Arc::new(Ward::new(volume)))),
            session: Mutex::default(),
            remembered: Mutex::default(),
            unpacked,
            turn: tokio::sync::Mutex::default(),
        };
        this.switch_on().await?;
        Ok(this)
    }

    fn ward(&self) -> Result<Arc<Ward>, Error> {
        lock(&self.ward).clone().ok_or_else(|| self.failed("it has been taken out"))
    }

    fn failed(&self, what: impl fmt::Display) -> Error {
        Error::Node { node: self.node.clone(), what: format!("its disk: {what}") }
    }

    async fn switch_on(&self) -> Result<(), Error> {
        let device = open_device().map_err(|e| Error::io("open /dev/fuse", e))?;
        let theirs = device.try_clone().map_err(|e| Error::io("pass /dev/fuse on", e))?;
        self.switch.mount(theirs).await?;
        let session = Session::start(device, self.ward()?).map_err(|e| Error::io("serve a disk", e))?;
        *lock(&self.session) = Some(session);
        Ok(())
    }

    /// Takes the disk out of a node that has ended, and puts its files where people find them.
    pub(crate) fn take_out(&self) -> Result<(), Error> {
        drop(lock(&self.session).take());
        drop(lock(&self.remembered).take());
        let Some(ward) = lock(&self.ward).take() else { return Ok(()) };
        let ward = Arc::try_unwrap(ward).map_err(|_| self.failed("something still waits for it"))?;
        let volume = ward.into_volume();
        let above = volume.folder().parent().map(Path::to_owned);
        volume.unpack(&self.unpacked).map_err(|e| {
            Error::io(format!("put the files of {} into {}", self.node, self.unpacked.display()), e)
        })?;
        // The folder of all disks goes with the last of them.
        let _others = above.map(std::fs::remove_dir);
        Ok(())
    }
}

impl Drop for ServedDisk {
    fn drop(&mut self) {
        if let Err(error) = self.take_out() {
            tracing::warn!(%error, "a disk was not taken out cleanly");
        }
    }
}

#[async_trait]
impl Disk for ServedDisk {
    async fn impose(&self, layer: LayerId, ailment: &Ailment) -> Result<(), Error> {
        let ward = self.ward()?;
        ward.ailments().impose(layer, ailment.clone());
        if ailment.trouble == Trouble::Broken(Operation::Read) {
            // What the kernel holds it reads from nowhere.
            let files = ward.volume().files(|_| true);
            for (_, ino, _) in files {
                if let Some(session) = lock(&self.session).as_ref()
                    && let Err(error) = session.forget_cached(ino)
                    && error.raw_os_error() != Some(libc::ENOENT)
                {
                    return Err(Error::io("have the kernel forget what it holds of a file", error));
                }
            }
        }
        Ok(())
    }

    async fn lift(&self, layer: LayerId) -> Result<(), Error> {
        self.ward()?.ailments().lift(layer);
        Ok(())
    }

    async fn struck(&self, layer: LayerId) -> Result<Option<Struck>, Error> {
        Ok(self.ward()?.ailments().struck(layer))
    }

    async fn go_dark(&self, outage: &Outage) -> Result<String, Error> {
        let _turn = self.turn.lock().await;
        let ward = self.ward()?;
        // What a machine without power is still told to write reaches nothing.
        ward.darken(matches!(outage, Outage::PowerLoss | Outage::TornWrites(_)));
        self.switch.switch_off().await?;
        let (session, remembered, outage) =
            (lock(&self.session).take(), lock(&self.remembered).take(), outage.clone());
        let struck = Arc::clone(&ward);
        let happened = tokio::task::spawn_blocking(move || {
            drop(session);
            strike(&mut struck.volume(), &outage, remembered)
        });
        let happened = happened.await.map_err(|e| self.failed(e))?;
        ward.darken(false);
        self.switch_on().await?;
        happened.map_err(|e| Error::io(format!("strike the disk of {}", self.node), e))
    }

    async fn settle(&self) -> Result<(), Error> {
        let kept = self.ward()?.volume().keep_all();
        kept.map_err(|e| Error::io(format!("settle the disk of {}", self.node), e))
    }

    async fn remember(&self) -> Result<(), Error> {
        let ward = self.ward()?;
        let taken = tokio::task::spawn_blocking(move || ward.volume().snapshot());
        let snapshot = taken.await.map_err(|e| self.failed(e))?;
        *lock(&self.remembered) = Some(snapshot.map_err(|e| Error::io("copy a disk", e))?);
        Ok(())
    }
}

/// What happens to a disk that nobody uses at the moment.
fn strike(volume: &mut Volume, outage: &Outage, remembered: Option<Snapshot>) -> std::io::Result<String> {
    match outage {
        Outage::PowerLoss => Ok(say(volume.lose(|_| 0)?)),
        Outage::TornWrites(seed) => {
            let mut random = ChaCha8Rng::seed_from_u64(*seed);
            Ok(say(volume.lose(|sectors| random.random_range(0..=sectors))?))
        }
        Outage::FlippedBits { count, path, seed } => {
            volume.switch_off();
            flip(volume, (*count, path.as_deref()), *seed)
        }
        Outage::Truncated { bytes, path, seed } => {
            volume.switch_off();
            truncate(volume, (*bytes, path.as_deref()), *seed)
        }
        Outage::RolledBack => match remembered {
            Some(snapshot) => volume.go_back(snapshot).map(|()| "went back to what it had been".into()),
            None => Err(std::io::Error::other("nothing was remembered")),
        },
    }
}

fn say(loss: Loss) -> String {
    if loss == Loss::default() {
        return "lost nothing: all had been kept".into();
    }
    let count = |count: u64, one: &str, many: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{count} {many}")),
    };
    let parts = [
        count(loss.added, "byte at the end of files", "bytes at the ends of files"),
        count(loss.sectors, "sector within files", "sectors within files"),
        count(loss.names, "name that had come or gone", "names that had come or gone"),
    ];
    let survived = count(loss.survived, "of the sectors survived", "of the sectors survived");
    let lost = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("lost {lost}{}", survived.map_or_else(String::new, |text| format!("; {text}")))
}

/// The files of which one is to be struck; longer ones are struck more often.
fn choose(volume: &Volume, path: Option<&str>, random: &mut ChaCha8Rng) -> Option<(String, u64, u64)> {
    let files = volume.files(|file| path.is_none_or(|pattern| matches(pattern, file)));
    let all: u64 = files.iter().map(|(_, _, length)| length).sum();
    let mut at = random.random_range(0..all.max(1));
    files.into_iter().find(|(_, _, length)| {
        let here = at < *length;
        at = at.saturating_sub(*length);
        here
    })
}

fn flip(volume: &mut Volume, (count, path): (u64, Option<&str>), seed: u64) -> std::io::Result<String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut struck = Vec::new();
    for _ in 0..count {
        let Some((name, ino, length)) = choose(volume, path, &mut random) else { break };
        let (at, bit) = (random.random_range(0..length), random.random_range(0..8));
        volume.flip(ino, at, bit)?;
        struck.push(format!("bit {bit} of byte {at} of {name}"));
    }
    Ok(match struck.len() {
        0 => "had no file to turn a bit round in".into(),
        1..=3 => format!("turned round {}", struck.join(", ")),
        more => format!("turned round {} and {} more bits", struck[..3].join(", "), more - 3),
    })
}

fn truncate(volume: &mut Volume, (bytes, path): (u64, Option<&str>), seed: u64) -> std::io::Result<String> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let Some((name, ino, length)) = choose(volume, path, &mut random) else {
        return Ok("had no file to cut off".into());
    };
    let gone = random.random_range(1..=bytes.clamp(1, length));
    volume.cut(ino, length - gone)?;
    Ok(format!("cut off the last {gone} bytes of {name}"))
}

/// The folder of the objects of a node's disk, in the folder of a run.
pub(crate) fn objects(run: &Path, node: &str) -> PathBuf {
    run.join("disks").join(node)
}
