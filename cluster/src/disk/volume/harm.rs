//! What decays on a disk while nobody looks.

use std::{io, path::Path};

use super::{Body, Ino, Volume};

impl Volume {
    /// The files whose path this says yes to, that hold something, in the order of their paths.
    pub fn files(&self, matching: impl Fn(&str) -> bool) -> Vec<(String, Ino, u64)> {
        let held = self.inodes.iter().filter_map(|(ino, inode)| match &inode.body {
            Body::File(content) if content.len() > 0 && self.tree.links(*ino) > 0 => {
                Some((self.tree.path(*ino), *ino, content.len()))
            }
            _ => None,
        });
        let mut files: Vec<_> = held.filter(|(path, _, _)| matching(path)).collect();
        files.sort();
        files
    }

    /// Turns one bit of a file round.
    pub fn flip(&mut self, ino: Ino, at: u64, bit: u8) -> io::Result<()> {
        let (content, object) = self.content(ino)?;
        content.flip(&object, at, bit)?;
        self.close_unless_open(ino);
        Ok(())
    }

    /// Cuts off the end of a file, as a disk that forgets it.
    pub fn cut(&mut self, ino: Ino, length: u64) -> io::Result<()> {
        let (content, object) = self.content(ino)?;
        content.cut(&object, length)?;
        self.close_unless_open(ino);
        Ok(())
    }

    /// Puts everything into a folder of the machine under its own names, for people to look at. The contents are not
    /// copied, and the disk is of no use any more.
    pub fn unpack(self, into: &Path) -> io::Result<()> {
        std::fs::create_dir_all(into)?;
        let mut waiting = vec![(self.root(), into.to_owned())];
        while let Some((ino, path)) = waiting.pop() {
            let Some(entries) = self.tree.entries(ino) else { continue };
            for (name, ino) in entries {
                let path = path.join(name);
                match self.inodes.get(&ino).map(|inode| &inode.body) {
                    Some(Body::File(content)) if content.len() == 0 => std::fs::write(&path, b"")?,
                    Some(Body::File(_)) => std::fs::hard_link(self.object(ino), &path)?,
                    Some(Body::Link(target)) => std::os::unix::fs::symlink(target, &path)?,
                    Some(Body::Folder) => {
                        std::fs::create_dir(&path)?;
                        waiting.push((ino, path));
                    }
                    // A socket or a queue without its process tells nobody anything.
                    Some(Body::Special(_)) | None => {}
                }
            }
        }
        std::fs::remove_dir_all(&self.folder)
    }
}
