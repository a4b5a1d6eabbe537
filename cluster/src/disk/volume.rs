//! A disk: files, folders and links, each twice, as they are now and as they are kept when the power fails.
//!
//! It knows nothing of the kernel or of nodes, so a test can use it as it is. Contents lie in a folder of the machine, a
//! file each; names and owners lie in memory, since a disk lives no longer than its run.

mod access;
mod harm;
mod loss;
mod snapshot;

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use super::{
    content::Content,
    tree::{Place, ROOT, Tree},
};

pub use super::tree::Ino;
pub use loss::Loss;
pub use snapshot::Snapshot;

/// Who does something, and to whom belongs what they make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner {
    /// The user.
    pub uid: u32,
    /// The group.
    pub gid: u32,
}

/// What is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A link to a path.
    Link(OsString),
    /// Something else, of this type of mode and this device: a socket, a queue.
    Special(u32, u32),
}

/// What is to be changed of something.
#[derive(Clone, Copy, Debug, Default)]
pub struct Change {
    /// Its permissions.
    pub mode: Option<u32>,
    /// Its user.
    pub uid: Option<u32>,
    /// Its group.
    pub gid: Option<u32>,
    /// Its length.
    pub length: Option<u64>,
    /// When it was last read, since 1970.
    pub accessed: Option<Duration>,
    /// When it was last written, since 1970.
    pub modified: Option<Duration>,
}

/// What something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub ino: Ino,
    /// Its length.
    pub length: u64,
    /// Its type and permissions.
    pub mode: u32,
    /// How many names lead to it.
    pub links: u32,
    /// To whom it belongs.
    pub owner: Owner,
    /// Which device it is.
    pub device: u32,
    /// When it was last read, written and changed, since 1970.
    pub times: [Duration; 3],
}

/// What is behind a number.
#[derive(Debug)]
enum Body {
    File(Content),
    Folder,
    Link(OsString),
    Special(u32),
}

#[derive(Debug)]
struct Inode {
    /// Type and permissions.
    mode: u32,
    owner: Owner,
    times: [Duration; 3],
    body: Body,
    /// How often the kernel holds its number.
    lookups: u64,
    /// How often it is open.
    opens: u64,
}

/// A disk.
#[derive(Debug)]
pub struct Volume {
    folder: PathBuf,
    inodes: BTreeMap<Ino, Inode>,
    tree: Tree,
    next: Ino,
    listings: BTreeMap<u64, Vec<(OsString, Ino, u32)>>,
    next_listing: u64,
}

fn refused(code: i32) -> io::Error {
    io::Error::from_raw_os_error(code)
}

fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

impl Inode {
    fn new(mode: u32, owner: Owner, body: Body) -> Self {
        Self { mode, owner, times: [now(); 3], body, lookups: 0, opens: 0 }
    }

    fn touch(&mut self) {
        let now = now();
        (self.times[1], self.times[2]) = (now, now);
    }
}

impl Volume {
    /// An empty disk whose contents lie in this folder, which is made; its topmost folder belongs to this owner.
    pub fn create(folder: PathBuf, owner: Owner) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        let root = Inode::new(libc::S_IFDIR | 0o700, owner, Body::Folder);
        Ok(Self {
            folder,
            inodes: BTreeMap::from([(ROOT, root)]),
            tree: Tree::new(),
            next: ROOT + 1,
            listings: BTreeMap::new(),
            next_listing: 1,
        })
    }

    /// The number of the topmost folder.
    pub fn root(&self) -> Ino {
        ROOT
    }

    /// Where the contents lie.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    fn object(&self, ino: Ino) -> PathBuf {
        self.folder.join(format!("{ino}.now"))
    }

    fn inode(&mut self, ino: Ino) -> io::Result<&mut Inode> {
        self.inodes.get_mut(&ino).ok_or_else(|| refused(libc::ENOENT))
    }

    /// The content of a file, and where its object is.
    fn content(&mut self, ino: Ino) -> io::Result<(&mut Content, PathBuf)> {
        let object = self.object(ino);
        match &mut self.inode(ino)?.body {
            Body::File(content) => Ok((content, object)),
            Body::Folder => Err(refused(libc::EISDIR)),
            _ => Err(refused(libc::EINVAL)),
        }
    }

    fn find(&self, folder: Ino, name: &OsStr) -> io::Result<Ino> {
        self.tree.find(folder, &name.to_owned()).ok_or_else(|| refused(libc::ENOENT))
    }

    /// Forgets what nobody can reach any more and nobody has open, and what only that led to.
    fn reap(&mut self, ino: Ino) {
        let mut waiting = vec![ino];
        while let Some(ino) = waiting.pop() {
            let Some(inode) = self.inodes.get(&ino) else { continue };
            if self.tree.is_reachable(ino) || inode.opens > 0 {
                continue;
            }
            let is_held = inode.lookups > 0;
            match inode.body {
                Body::File(_) => self.remove_object(ino),
                _ => waiting.extend(self.tree.forget(ino)),
            }
            if !is_held {
                self.inodes.remove(&ino);
                self.tree.forget(ino);
            }
        }
    }

    fn remove_object(&mut self, ino: Ino) {
        let object = self.object(ino);
        if let Some(Inode { body: Body::File(content), .. }) = self.inodes.get_mut(&ino) {
            *content = Content::new();
        }
        for path in [object.with_extension("before"), object] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "cannot remove {}", path.display());
                }
                _ => {}
            }
        }
    }

    fn reap_all(&mut self, gone: Vec<Ino>) {
        gone.into_iter().for_each(|ino| self.reap(ino));
    }

    /// What something is.
    pub fn stat(&mut self, ino: Ino) -> io::Result<Stat> {
        let links = self.tree.links(ino) as u32;
        let Inode { mode, owner, times, ref body, .. } = *self.inode(ino)?;
        let (length, links, device) = match body {
            Body::File(content) => (content.len(), links, 0),
            Body::Folder => (4096, 2, 0),
            Body::Link(path) => (path.len() as u64, links, 0),
            Body::Special(device) => (0, links, *device),
        };
        Ok(Stat { ino, length, mode, links, owner, device, times })
    }

    /// What a name leads to. The kernel holds its number until it [forgets](Self::forget) it.
    pub fn look_up(&mut self, folder: Ino, name: &OsStr) -> io::Result<Stat> {
        let ino = self.find(folder, name)?;
        self.inode(ino)?.lookups += 1;
        self.stat(ino)
    }

    /// The kernel gives back its hold on a number.
    pub fn forget(&mut self, ino: Ino, times: u64) {
        if let Some(inode) = self.inodes.get_mut(&ino) {
            inode.lookups = inode.lookups.saturating_sub(times);
        }
        self.reap(ino);
    }

    /// Makes something; the kernel holds its number.
    pub fn make(
        &mut self,
        folder: Ino,
        name: &OsStr,
        kind: Kind,
        (mode, owner): (u32, Owner),
    ) -> io::Result<Stat> {
        if self.tree.find(folder, &name.to_owned()).is_some() {
            return Err(refused(libc::EEXIST));
        }
        if !self.tree.is_reachable(folder) || !matches!(self.inode(folder)?.body, Body::Folder) {
            return Err(refused(libc::ENOENT));
        }
        let (kind, body) = match kind {
            Kind::File => (libc::S_IFREG, Body::File(Content::new())),
            Kind::Folder => (libc::S_IFDIR, Body::Folder),
            Kind::Link(path) => (libc::S_IFLNK, Body::Link(path)),
            Kind::Special(kind, device) => (kind & libc::S_IFMT, Body::Special(device)),
        };
        let ino = self.next;
        self.next += 1;
        if matches!(body, Body::Folder) {
            self.tree.add_folder(ino);
        }
        let mut inode = Inode::new(kind | mode & 0o7777, owner, body);
        inode.lookups = 1;
        self.inodes.insert(ino, inode);
        self.tree.link((folder, name.to_owned()), ino);
        self.inode(folder)?.touch();
        self.stat(ino)
    }

    /// Gives a file one more name.
    pub fn link(&mut self, ino: Ino, folder: Ino, name: &OsStr) -> io::Result<Stat> {
        if self.tree.find(folder, &name.to_owned()).is_some() {
            return Err(refused(libc::EEXIST));
        }
        let inode = self.inode(ino)?;
        if matches!(inode.body, Body::Folder) {
            return Err(refused(libc::EPERM));
        }
        inode.lookups += 1;
        self.tree.link((folder, name.to_owned()), ino);
        self.inode(folder)?.touch();
        self.stat(ino)
    }

    /// Takes a name out of a folder: of another folder only if that is empty, and of nothing else, where `folders` says so.
    pub fn unlink(&mut self, folder: Ino, name: &OsStr, folders: bool) -> io::Result<()> {
        let ino = self.find(folder, name)?;
        self.may_replace(ino, folders)?;
        self.tree.unlink(&(folder, name.to_owned()));
        self.inode(folder)?.touch();
        self.inode(ino)?.times[2] = now();
        self.reap(ino);
        Ok(())
    }

    /// Whether a name of this can go, where a folder is expected or not.
    fn may_replace(&mut self, ino: Ino, folders: bool) -> io::Result<()> {
        let is_folder = matches!(self.inode(ino)?.body, Body::Folder);
        match (is_folder, folders) {
            (true, false) => Err(refused(libc::EISDIR)),
            (false, true) => Err(refused(libc::ENOTDIR)),
            (true, true) if self.tree.has_entries(ino) => Err(refused(libc::ENOTEMPTY)),
            _ => Ok(()),
        }
    }

    /// Gives something another name, in the place of what has that name; `flags` are those of `renameat2`.
    pub fn rename(&mut self, from: (Ino, &OsStr), to: (Ino, &OsStr), flags: u32) -> io::Result<()> {
        let from: Place = (from.0, from.1.to_owned());
        let to: Place = (to.0, to.1.to_owned());
        let ino = self.find(from.0, &from.1)?;
        let there = self.tree.find(to.0, &to.1);
        match (flags, there) {
            (0 | libc::RENAME_NOREPLACE, None) => {
                self.tree.unlink(&from);
                self.tree.link(to.clone(), ino);
            }
            (libc::RENAME_NOREPLACE, Some(_)) => return Err(refused(libc::EEXIST)),
            (0, Some(there)) if there == ino => return Ok(()),
            (0, Some(there)) => {
                let is_folder = matches!(self.inode(ino)?.body, Body::Folder);
                self.may_replace(there, is_folder)?;
                self.tree.unlink(&to);
                self.tree.unlink(&from);
                self.tree.link(to.clone(), ino);
                self.reap(there);
            }
            (libc::RENAME_EXCHANGE, Some(there)) => {
                self.tree.unlink(&to);
                self.tree.unlink(&from);
                self.tree.link(to.clone(), ino);
                self.tree.link(from.clone(), there);
            }
            (libc::RENAME_EXCHANGE, None) => return Err(refused(libc::ENOENT)),
            _ => return Err(refused(libc::EINVAL)),
        }
        for folder in [from.0, to.0] {
            self.inode(folder)?.touch();
        }
        self.inode(ino)?.times[2] = now();
        Ok(())
    }

    /// Changes what something is.
    pub fn change(&mut self, ino: Ino, change: Change) -> io::Result<Stat> {
        if let Some(length) = change.length {
            let (content, object) = self.content(ino)?;
            content.set_len(&object, length)?;
            self.close_unless_open(ino);
            self.inode(ino)?.touch();
        }
        let inode = self.inode(ino)?;
        inode.times[2] = now();
        if let Some(mode) = change.mode {
            inode.mode = inode.mode & libc::S_IFMT | mode & 0o7777;
        }
        inode.owner.uid = change.uid.unwrap_or(inode.owner.uid);
        inode.owner.gid = change.gid.unwrap_or(inode.owner.gid);
        inode.times[0] = change.accessed.unwrap_or(inode.times[0]);
        inode.times[1] = change.modified.unwrap_or(inode.times[1]);
        self.stat(ino)
    }

    /// Where a link leads.
    pub fn read_link(&mut self, ino: Ino) -> io::Result<OsString> {
        match &self.inode(ino)?.body {
            Body::Link(path) => Ok(path.clone()),
            _ => Err(refused(libc::EINVAL)),
        }
    }

    /// Keeps a file with its names, or the entries of a folder: from here on they outlast a power failure.
    pub fn keep(&mut self, ino: Ino) -> io::Result<()> {
        let displaced = match &mut self.inode(ino)?.body {
            Body::Folder => self.tree.keep_entries(ino),
            Body::File(content) => {
                content.keep()?;
                self.tree.keep(ino)
            }
            _ => self.tree.keep(ino),
        };
        self.reap_all(displaced);
        Ok(())
    }

    /// Keeps everything.
    pub fn keep_all(&mut self) -> io::Result<()> {
        for inode in self.inodes.values_mut() {
            if let Body::File(content) = &mut inode.body {
                content.keep()?;
            }
        }
        self.tree.keep_all();
        self.reap_all(self.inodes.keys().copied().collect());
        Ok(())
    }

    /// The path of something, from the topmost folder on.
    pub fn path(&self, ino: Ino) -> String {
        self.tree.path(ino)
    }

    /// How long a file is; 0 for anything else.
    pub fn length(&self, ino: Ino) -> u64 {
        match self.inodes.get(&ino) {
            Some(Inode { body: Body::File(content), .. }) => content.len(),
            _ => 0,
        }
    }
}
