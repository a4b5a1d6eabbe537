//! A disk as it was, to go back to: what a backup of the machine holds.

use std::{collections::BTreeMap, io, path::PathBuf};

use super::{Body, Content, Ino, Inode, Owner, Tree, Volume};

/// What is behind a number, without its content.
#[derive(Clone, Debug)]
struct Kept {
    mode: u32,
    owner: Owner,
    body: KeptBody,
}

#[derive(Clone, Debug)]
enum KeptBody {
    File(u64),
    Folder,
    Link(std::ffi::OsString),
    Special(u32),
}

/// A disk as it was kept at one moment. It may be gone back to once.
#[derive(Debug)]
pub struct Snapshot {
    folder: PathBuf,
    inodes: BTreeMap<Ino, Kept>,
    tree: Tree,
}

impl Snapshot {
    fn object(&self, ino: Ino) -> PathBuf {
        self.folder.join(format!("{ino}.then"))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.folder)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "cannot remove {}", self.folder.display());
        }
    }
}

impl Volume {
    /// Copies the disk as it would be after a power failure now.
    pub fn snapshot(&mut self) -> io::Result<Snapshot> {
        let folder = self.folder.join("then");
        std::fs::create_dir_all(&folder)?;
        let mut tree = self.tree.clone();
        tree.lose();
        let mut snapshot = Snapshot { folder, inodes: BTreeMap::new(), tree };
        let all: Vec<Ino> =
            self.inodes.keys().copied().filter(|ino| snapshot.tree.is_reachable(*ino)).collect();
        for ino in all {
            let (object, then) = (self.object(ino), snapshot.object(ino));
            let inode = self.inode(ino)?;
            let body = match &mut inode.body {
                Body::File(content) => {
                    if object.exists() {
                        content.copy_kept(&object, &then)?;
                    }
                    KeptBody::File(then.metadata().map_or(0, |metadata| metadata.len()))
                }
                Body::Folder => KeptBody::Folder,
                Body::Link(path) => KeptBody::Link(path.clone()),
                Body::Special(device) => KeptBody::Special(*device),
            };
            let (mode, owner, open) = (inode.mode, inode.owner, inode.opens > 0);
            snapshot.inodes.insert(ino, Kept { mode, owner, body });
            if !open {
                self.close_unless_open(ino);
            }
        }
        Ok(snapshot)
    }

    /// Makes the disk what it was then. Nobody has anything open afterwards.
    pub fn go_back(&mut self, snapshot: Snapshot) -> io::Result<()> {
        let all: Vec<Ino> = self.inodes.keys().copied().collect();
        for ino in all {
            self.remove_object(ino);
        }
        self.inodes.clear();
        self.listings.clear();
        for (ino, kept) in &snapshot.inodes {
            let body = match &kept.body {
                KeptBody::File(length) => {
                    if *length > 0 {
                        std::fs::rename(snapshot.object(*ino), self.object(*ino))?;
                    }
                    Body::File(Content::of_length(*length))
                }
                KeptBody::Folder => Body::Folder,
                KeptBody::Link(path) => Body::Link(path.clone()),
                KeptBody::Special(device) => Body::Special(*device),
            };
            self.inodes.insert(*ino, Inode::new(kept.mode, kept.owner, body));
        }
        self.tree = snapshot.tree.clone();
        self.reap_unreachable();
        Ok(())
    }
}
