//! What the kernel and a file system in user space say to each other: requests as they are read from `/dev/fuse`, and the
//! answers. All numbers are in the machine's own order of bytes, as the kernel has them.

use std::{
    ffi::OsStr,
    io,
    os::{fd::AsRawFd, unix::ffi::OsStrExt},
    time::Duration,
};

/// The version of the protocol that is spoken; kernels since 5.2 speak it and later ones understand it.
const MAJOR: u32 = 7;
const MINOR: u32 = 31;

/// The most bytes of one write.
pub(super) const WRITE_MAX: u32 = 1 << 20;

/// The most bytes of one request.
pub(super) const REQUEST_MAX: usize = WRITE_MAX as usize + 4096;

/// How long the kernel may believe what it was told: nobody but the kernel changes anything.
const BELIEVE: Duration = Duration::from_secs(3600);

const HEADER_IN: usize = 40;
const HEADER_OUT: usize = 16;

/// What the kernel asks, by its number.
pub(super) mod code {
    pub const LOOKUP: u32 = 1;
    pub const FORGET: u32 = 2;
    pub const GETATTR: u32 = 3;
    pub const SETATTR: u32 = 4;
    pub const READLINK: u32 = 5;
    pub const SYMLINK: u32 = 6;
    pub const MKNOD: u32 = 8;
    pub const MKDIR: u32 = 9;
    pub const UNLINK: u32 = 10;
    pub const RMDIR: u32 = 11;
    pub const RENAME: u32 = 12;
    pub const LINK: u32 = 13;
    pub const OPEN: u32 = 14;
    pub const READ: u32 = 15;
    pub const WRITE: u32 = 16;
    pub const STATFS: u32 = 17;
    pub const RELEASE: u32 = 18;
    pub const FSYNC: u32 = 20;
    pub const INIT: u32 = 26;
    pub const OPENDIR: u32 = 27;
    pub const READDIR: u32 = 28;
    pub const RELEASEDIR: u32 = 29;
    pub const FSYNCDIR: u32 = 30;
    pub const CREATE: u32 = 35;
    pub const INTERRUPT: u32 = 36;
    pub const DESTROY: u32 = 38;
    pub const BATCH_FORGET: u32 = 42;
    pub const FALLOCATE: u32 = 43;
    pub const RENAME2: u32 = 45;
}

/// One request.
pub(super) struct Request<'a> {
    pub code: u32,
    pub unique: u64,
    pub node: u64,
    pub uid: u32,
    pub gid: u32,
    body: &'a [u8],
}

fn short() -> io::Error {
    io::Error::from_raw_os_error(libc::EINVAL)
}

impl<'a> Request<'a> {
    /// Takes a request apart.
    pub(super) fn parse(bytes: &'a [u8]) -> io::Result<Self> {
        let mut head = Self { code: 0, unique: 0, node: 0, uid: 0, gid: 0, body: bytes };
        let length = head.u32()? as usize;
        head.code = head.u32()?;
        head.unique = head.u64()?;
        head.node = head.u64()?;
        head.uid = head.u32()?;
        head.gid = head.u32()?;
        head.body = bytes.get(HEADER_IN..length).ok_or_else(short)?;
        Ok(head)
    }

    /// Takes so many bytes of what is left.
    pub(super) fn take(&mut self, length: usize) -> io::Result<&'a [u8]> {
        let (taken, rest) = self.body.split_at_checked(length).ok_or_else(short)?;
        self.body = rest;
        Ok(taken)
    }

    /// Takes a number.
    pub(super) fn u32(&mut self) -> io::Result<u32> {
        self.take(4).map(|bytes| u32::from_ne_bytes(bytes.try_into().expect("four bytes were taken")))
    }

    /// Takes a long number.
    pub(super) fn u64(&mut self) -> io::Result<u64> {
        self.take(8).map(|bytes| u64::from_ne_bytes(bytes.try_into().expect("eight bytes were taken")))
    }

    /// Takes a text that ends with a zero.
    pub(super) fn name(&mut self) -> io::Result<&'a OsStr> {
        let end = self.body.iter().position(|byte| *byte == 0).ok_or_else(short)?;
        let name = self.take(end)?;
        self.take(1)?;
        Ok(OsStr::from_bytes(name))
    }
}

/// Bytes that make up an answer.
#[derive(Default)]
pub(super) struct Answer(Vec<u8>);

impl Answer {
    /// The bytes that were read.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(super) fn u16(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn u64(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(super) fn bytes(mut self, value: &[u8]) -> Self {
        self.0.extend_from_slice(value);
        self
    }

    fn believe(self) -> Self {
        self.u64(BELIEVE.as_secs())
    }

    fn attributes(self, attributes: &Attributes) -> Self {
        let Attributes { ino, size, blocks, times, mode, links, uid, gid, device } = *attributes;
        let [accessed, modified, changed] = times;
        self.u64(ino)
            .u64(size)
            .u64(blocks)
            .u64(accessed.as_secs())
            .u64(modified.as_secs())
            .u64(changed.as_secs())
            .u32(accessed.subsec_nanos())
            .u32(modified.subsec_nanos())
            .u32(changed.subsec_nanos())
            .u32(mode)
            .u32(links)
            .u32(uid)
            .u32(gid)
            .u32(device)
            .u32(4096)
            .u32(0)
    }

    /// What something is.
    pub(super) fn is(attributes: &Attributes) -> Self {
        Self::default().believe().u32(0).u32(0).attributes(attributes)
    }

    /// What a name leads to.
    pub(super) fn entry(attributes: &Attributes) -> Self {
        let (ino, generation) = (attributes.ino, 0);
        Self::default().u64(ino).u64(generation).believe().believe().u32(0).u32(0).attributes(attributes)
    }

    /// A handle of something that was opened; the kernel may keep what it knows of the content.
    pub(super) fn opened(self, handle: u64, keep_cache: bool) -> Self {
        self.u64(handle).u32(if keep_cache { 1 << 1 } else { 0 }).u32(0)
    }

    /// One entry of a folder, and whether it fits.
    pub(super) fn listed(mut self, most: usize, listed: (u64, u64, u32, &OsStr)) -> (Self, bool) {
        let (ino, next, mode, name) = listed;
        let length = (24 + name.len()).next_multiple_of(8);
        if self.0.len() + length > most {
            return (self, false);
        }
        let end = self.0.len() + length;
        self = self.u64(ino).u64(next).u32(name.len() as u32).u32(mode >> 12).bytes(name.as_bytes());
        self.0.resize(end, 0);
        (self, true)
    }

    /// The answer to the kernel's first request: what is spoken, and what the kernel may do.
    pub(super) fn hello(request: &mut Request<'_>) -> io::Result<Self> {
        let (major, _minor, read_ahead, offered) =
            (request.u32()?, request.u32()?, request.u32()?, request.u32()?);
        if major != MAJOR {
            return Ok(Self::default().u32(MAJOR).u32(MINOR));
        }
        // Reads at once, writes of many pages, several names of one folder at once, long requests, links kept.
        let wanted = 1 | 1 << 5 | 1 << 15 | 1 << 18 | 1 << 22 | 1 << 23;
        let answer = Self::default().u32(MAJOR).u32(MINOR).u32(read_ahead).u32(wanted & offered);
        let answer = answer.u16(32).u16(24).u32(WRITE_MAX).u32(1).u16((WRITE_MAX / 4096) as u16).u16(0);
        Ok(answer.bytes(&[0; 32]))
    }
}

/// What something is, as `stat` shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub ino: u64,
    pub size: u64,
    pub blocks: u64,
    /// When it was last read, written and changed, since 1970.
    pub times: [Duration; 3],
    /// Its kind and its permissions.
    pub mode: u32,
    pub links: u32,
    pub uid: u32,
    pub gid: u32,
    pub device: u32,
}

/// Sends an answer, or the number of an error. That the kernel does not wait for it any more is no error.
pub(super) fn reply(device: &impl AsRawFd, unique: u64, answer: Result<&Answer, i32>) -> io::Result<()> {
    let (error, body) = match answer {
        Ok(answer) => (0, answer.0.as_slice()),
        Err(code) => (-code, &[][..]),
    };
    send(device, (error, unique), body)
}

/// Tells the kernel to forget what it holds of the contents of something.
pub(super) fn forget_cached(device: &impl AsRawFd, ino: u64) -> io::Result<()> {
    const FORGET_CONTENT: i32 = 2;
    let (from, all) = (0, u64::MAX);
    let body = Answer::default().u64(ino).u64(from).u64(all);
    send(device, (FORGET_CONTENT, 0), &body.0)
}

fn send(device: &impl AsRawFd, (error, unique): (i32, u64), body: &[u8]) -> io::Result<()> {
    let mut head = [0; HEADER_OUT];
    head[..4].copy_from_slice(&((HEADER_OUT + body.len()) as u32).to_ne_bytes());
    head[4..8].copy_from_slice(&error.to_ne_bytes());
    head[8..].copy_from_slice(&unique.to_ne_bytes());
    let parts = [io::IoSlice::new(&head), io::IoSlice::new(body)];
    // SAFETY: the slices have the layout of the kernel's vectors and outlive the call.
    let sent = unsafe { libc::writev(device.as_raw_fd(), parts.as_ptr().cast(), 2) };
    if sent >= 0 {
        return Ok(());
    }
    match io::Error::last_os_error() {
        error if matches!(error.raw_os_error(), Some(libc::ENOENT | libc::ENODEV)) => Ok(()),
        error => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_taken_apart_and_a_torn_one_is_refused() {
        let mut bytes = Vec::new();
        for number in [52_u32, code::LOOKUP] {
            bytes.extend_from_slice(&number.to_ne_bytes());
        }
        for number in [7_u64, 1] {
            bytes.extend_from_slice(&number.to_ne_bytes());
        }
        for number in [1000_u32, 100, 4711, 0] {
            bytes.extend_from_slice(&number.to_ne_bytes());
        }
        bytes.extend_from_slice(b"journal.txt\0");
        let mut request = Request::parse(&bytes).expect("it is whole");
        assert_eq!((request.code, request.unique, request.node, request.uid), (code::LOOKUP, 7, 1, 1000));
        assert_eq!(request.name().expect("there is a name"), "journal.txt");
        assert!(request.u32().is_err(), "nothing is left");
        assert!(Request::parse(&bytes[..50]).is_err());
        assert!(Request::parse(&bytes[..10]).is_err());
    }

    #[test]
    fn answers_have_the_sizes_that_the_kernel_expects() {
        let attributes = Attributes {
            ino: 1,
            size: 0,
            blocks: 0,
            times: [Duration::ZERO; 3],
            mode: 0o40700,
            links: 2,
            uid: 0,
            gid: 0,
            device: 0,
        };
        assert_eq!(Answer::is(&attributes).0.len(), 104);
        assert_eq!(Answer::entry(&attributes).0.len(), 128);
        assert_eq!(Answer::default().opened(1, true).0.len(), 16);
        let (listing, fits) = Answer::default().listed(100, (2, 1, 0o100_644, OsStr::new("abc")));
        assert!(fits && listing.0.len() == 32);
        assert!(!listing.listed(40, (2, 1, 0o100_644, OsStr::new("abc"))).1);
    }
}
