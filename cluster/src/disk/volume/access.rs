//! Opening, listing, reading and writing.

use std::{ffi::OsString, io};

use super::{Body, Ino, Inode, Volume, refused};

impl Volume {
    /// Opens a file: it stays as long as it is open, also without a name.
    pub fn open(&mut self, ino: Ino) -> io::Result<()> {
        self.inode(ino)?.opens += 1;
        Ok(())
    }

    /// Closes a file.
    pub fn close(&mut self, ino: Ino) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.opens = inode.opens.saturating_sub(1);
        }
        self.close_unless_open(ino);
        self.reap(ino);
    }

    pub(super) fn close_unless_open(&mut self, ino: Ino) {
        if let Some(Inode { opens: 0, body: Body::File(content), .. }) = self.inodes.get_mut(&ino) {
            content.close();
        }
    }

    /// Begins to list a folder; the handle of the list.
    pub fn open_folder(&mut self, ino: Ino) -> io::Result<u64> {
        let handle = self.next_listing;
        self.next_listing += 1;
        let listing = self.listing(ino)?;
        self.listings.insert(handle, listing);
        Ok(handle)
    }

    fn listing(&self, ino: Ino) -> io::Result<Vec<(OsString, Ino, u32)>> {
        let entries = self.tree.entries(ino).ok_or_else(|| refused(libc::ENOTDIR))?;
        let mode = |ino: &Ino| self.inodes.get(ino).map_or(0, |inode| inode.mode);
        let mut listing = vec![
            (OsString::from("."), ino, libc::S_IFDIR),
            (OsString::from(".."), self.tree.above(ino), libc::S_IFDIR),
        ];
        listing.extend(entries.map(|(name, ino)| (name.clone(), ino, mode(&ino))));
        Ok(listing)
    }

    /// The entries of a list from a place on: name, number, mode. From the start it is made anew.
    pub fn list(&mut self, ino: Ino, handle: u64, from: u64) -> io::Result<&[(OsString, Ino, u32)]> {
        if from == 0 {
            let listing = self.listing(ino)?;
            self.listings.insert(handle, listing);
        }
        let listing = self.listings.get(&handle).ok_or_else(|| refused(libc::EBADF))?;
        Ok(listing.get(from as usize..).unwrap_or_default())
    }

    /// Ends a list.
    pub fn close_folder(&mut self, handle: u64) {
        self.listings.remove(&handle);
    }

    /// Reads a part of a file.
    pub fn read(&mut self, ino: Ino, at: u64, length: u64) -> io::Result<Vec<u8>> {
        let (content, object) = self.content(ino)?;
        content.read(&object, at, length)
    }

    /// Writes to a file.
    pub fn write(&mut self, ino: Ino, at: u64, bytes: &[u8]) -> io::Result<()> {
        let (content, object) = self.content(ino)?;
        content.write(&object, at, bytes)?;
        self.inode(ino)?.touch();
        Ok(())
    }

    /// Makes room in a file, or puts zeroes into it; `mode` is that of `fallocate`.
    pub fn allocate(&mut self, ino: Ino, at: u64, length: u64, mode: i32) -> io::Result<()> {
        let (content, object) = self.content(ino)?;
        let end = at.checked_add(length).ok_or_else(|| refused(libc::EFBIG))?;
        let (keep_size, punch, zero) =
            (libc::FALLOC_FL_KEEP_SIZE, libc::FALLOC_FL_PUNCH_HOLE, libc::FALLOC_FL_ZERO_RANGE);
        if mode & !(keep_size | punch | zero) != 0 {
            return Err(refused(libc::EOPNOTSUPP));
        }
        if mode & (punch | zero) != 0 {
            content.zero(&object, at, end)?;
        }
        if mode & keep_size == 0 && end > content.len() {
            content.set_len(&object, end)?;
        }
        self.inode(ino)?.touch();
        Ok(())
    }
}
