//! What each request of the kernel does to a disk.

use std::{io, time::Duration};

use super::{
    ailment::{Asked, Fate},
    service::Ward,
    volume::{Change, Ino, Kind, Owner, Stat, Volume},
    wire::{Answer, Attributes, Request, code},
};

/// A write that goes astray comes to lie so much further on, or at the start.
const ASTRAY: u64 = 4096;

/// What a request asks of the disk, and of which file, as far as something can be wrong with that.
pub(super) fn asked(ward: &Ward, bytes: &[u8]) -> Option<(Asked, Ino)> {
    let mut request = Request::parse(bytes).ok()?;
    let node = request.node;
    let asked = match request.code {
        code::READ => Asked::Read,
        code::FSYNC | code::FSYNCDIR => Asked::Sync,
        code::WRITE => {
            let (_, at, size) = (request.u64().ok()?, request.u64().ok()?, request.u32().ok()?);
            let grows = at.saturating_add(u64::from(size)) > ward.volume().length(node);
            if grows { Asked::Grow } else { Asked::Overwrite }
        }
        code::FALLOCATE | code::CREATE | code::MKNOD | code::MKDIR | code::SYMLINK | code::LINK => {
            Asked::Grow
        }
        code::SETATTR | code::UNLINK | code::RMDIR | code::RENAME | code::RENAME2 => Asked::Rearrange,
        _ => return None,
    };
    Some((asked, node))
}

fn attributes(stat: &Stat) -> Attributes {
    Attributes {
        ino: stat.ino,
        size: stat.length,
        blocks: stat.length.div_ceil(512),
        times: stat.times,
        mode: stat.mode,
        links: stat.links,
        uid: stat.owner.uid,
        gid: stat.owner.gid,
        device: stat.device,
    }
}

fn entry(stat: io::Result<Stat>) -> io::Result<Answer> {
    Ok(Answer::entry(&attributes(&stat?)))
}

/// Does what is asked, as far as its fate lets it.
pub(super) fn carry_out(volume: &mut Volume, request: &mut Request<'_>, fate: Fate) -> io::Result<Answer> {
    let node = request.node;
    match request.code {
        code::LOOKUP => entry(volume.look_up(node, request.name()?)),
        code::GETATTR => Ok(Answer::is(&attributes(&volume.stat(node)?))),
        code::SETATTR => set_attributes(volume, request),
        code::READLINK => {
            let path = volume.read_link(node)?;
            Ok(Answer::default().bytes(std::os::unix::ffi::OsStrExt::as_bytes(path.as_os_str())))
        }
        code::SYMLINK | code::MKNOD | code::MKDIR | code::CREATE => make(volume, request),
        code::UNLINK | code::RMDIR => {
            let folders = request.code == code::RMDIR;
            volume.unlink(node, request.name()?, folders).map(|()| Answer::default())
        }
        code::RENAME | code::RENAME2 => rename(volume, request),
        code::LINK => {
            let ino = request.u64()?;
            entry(volume.link(ino, node, request.name()?))
        }
        code::OPEN => volume.open(node).map(|()| Answer::default().opened(0, true)),
        code::RELEASE => {
            volume.close(node);
            Ok(Answer::default())
        }
        code::READ => read(volume, request),
        code::WRITE => write(volume, request, fate),
        code::FSYNC | code::FSYNCDIR if fate.lie => Ok(Answer::default()),
        code::FSYNC | code::FSYNCDIR => volume.keep(node).map(|()| Answer::default()),
        code::OPENDIR => Ok(Answer::default().opened(volume.open_folder(node)?, false)),
        code::READDIR => list(volume, request),
        code::RELEASEDIR => {
            volume.close_folder(request.u64()?);
            Ok(Answer::default())
        }
        code::FALLOCATE => {
            let (_, at, length, mode) = (request.u64()?, request.u64()?, request.u64()?, request.u32()?);
            volume.allocate(node, at, length, mode as i32).map(|()| Answer::default())
        }
        code::STATFS => room(volume),
        code::DESTROY => Ok(Answer::default()),
        // The kernel does without what is not known here, and asks for it no more.
        _ => Err(io::Error::from_raw_os_error(libc::ENOSYS)),
    }
}

fn set_attributes(volume: &mut Volume, request: &mut Request<'_>) -> io::Result<Answer> {
    let (wanted, _, _) = (request.u32()?, request.u32()?, request.u64()?);
    let (size, _) = (request.u64()?, request.u64()?);
    let (accessed, modified, _) = (request.u64()?, request.u64()?, request.u64()?);
    let (accessed_ns, modified_ns, _) = (request.u32()?, request.u32()?, request.u32()?);
    let (mode, _, uid, gid) = (request.u32()?, request.u32()?, request.u32()?, request.u32()?);
    let has = |bit: u32| wanted & 1 << bit != 0;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let time = |given: u32, as_now: u32, seconds, nanoseconds: u32| match (has(given), has(as_now)) {
        (_, true) => Some(now),
        (true, _) => Some(Duration::new(seconds, nanoseconds.min(999_999_999))),
        _ => None,
    };
    let change = Change {
        mode: has(0).then_some(mode),
        uid: has(1).then_some(uid),
        gid: has(2).then_some(gid),
        length: has(3).then_some(size),
        accessed: time(4, 7, accessed, accessed_ns),
        modified: time(5, 8, modified, modified_ns),
    };
    Ok(Answer::is(&attributes(&volume.change(request.node, change)?)))
}

fn make(volume: &mut Volume, request: &mut Request<'_>) -> io::Result<Answer> {
    let (folder, owner) = (request.node, Owner { uid: request.uid, gid: request.gid });
    match request.code {
        code::SYMLINK => {
            let (name, target) = (request.name()?, request.name()?);
            entry(volume.make(folder, name, Kind::Link(target.to_owned()), (0o777, owner)))
        }
        code::MKDIR => {
            let (mode, _) = (request.u32()?, request.u32()?);
            entry(volume.make(folder, request.name()?, Kind::Folder, (mode, owner)))
        }
        code::MKNOD => {
            let (mode, device, _, _) = (request.u32()?, request.u32()?, request.u32()?, request.u32()?);
            let kind = match mode & libc::S_IFMT {
                libc::S_IFREG | 0 => Kind::File,
                kind => Kind::Special(kind, device),
            };
            entry(volume.make(folder, request.name()?, kind, (mode, owner)))
        }
        _ => {
            let (_, mode, _, _) = (request.u32()?, request.u32()?, request.u32()?, request.u32()?);
            let made = volume.make(folder, request.name()?, Kind::File, (mode, owner))?;
            volume.open(made.ino)?;
            Ok(Answer::entry(&attributes(&made)).opened(0, true))
        }
    }
}

fn rename(volume: &mut Volume, request: &mut Request<'_>) -> io::Result<Answer> {
    let to = request.u64()?;
    let flags = if request.code == code::RENAME2 {
        let (flags, _) = (request.u32()?, request.u32()?);
        flags
    } else {
        0
    };
    let (name, new_name) = (request.name()?, request.name()?);
    volume.rename((request.node, name), (to, new_name), flags).map(|()| Answer::default())
}

fn read(volume: &mut Volume, request: &mut Request<'_>) -> io::Result<Answer> {
    let (_, at, size) = (request.u64()?, request.u64()?, request.u32()?);
    Ok(Answer::of(volume.read(request.node, at, u64::from(size))?))
}

fn write(volume: &mut Volume, request: &mut Request<'_>, fate: Fate) -> io::Result<Answer> {
    let (_, at, size, _) = (request.u64()?, request.u64()?, request.u32()?, request.u32()?);
    let (_, _, _) = (request.u64()?, request.u32()?, request.u32()?);
    let bytes = request.take(size as usize)?;
    let (node, end) = (request.node, at.saturating_add(u64::from(size)));
    if fate.lie || fate.astray {
        // The length of a file is written elsewhere, and arrives.
        if end > volume.length(node) {
            volume.change(node, Change { length: Some(end), ..Change::default() })?;
        }
        let elsewhere = if at >= ASTRAY { 0 } else { at + ASTRAY };
        if fate.astray && elsewhere + u64::from(size) <= volume.length(node) {
            volume.write(node, elsewhere, bytes)?;
        }
    } else {
        volume.write(node, at, bytes)?;
    }
    Ok(Answer::default().u32(size).u32(0))
}

fn list(volume: &mut Volume, request: &mut Request<'_>) -> io::Result<Answer> {
    let (handle, from, size) = (request.u64()?, request.u64()?, request.u32()?);
    let mut answer = Answer::default();
    for (place, (name, ino, mode)) in (from + 1..).zip(volume.list(request.node, handle, from)?) {
        let (longer, fits) = answer.listed(size as usize, (*ino, place, *mode, name.as_os_str()));
        answer = longer;
        if !fits {
            break;
        }
    }
    Ok(answer)
}

fn room(volume: &Volume) -> io::Result<Answer> {
    let there = nix::sys::statvfs::statvfs(volume.folder())?;
    let answer = Answer::default()
        .u64(there.blocks())
        .u64(there.blocks_free())
        .u64(there.blocks_available())
        .u64(there.files())
        .u64(there.files_free())
        .u32(there.block_size() as u32)
        .u32(255)
        .u32(there.fragment_size() as u32)
        .u32(0);
    Ok(answer.bytes(&[0; 24]))
}
