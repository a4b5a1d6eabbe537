//! What a power failure takes.

use std::io;

use super::{Body, Ino, Volume};

/// What was lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loss {
    /// Files of which something was lost.
    pub files: u64,
    /// Bytes at the ends of those files.
    pub added: u64,
    /// Sectors before that.
    pub sectors: u64,
    /// Names that had come or gone.
    pub names: u64,
    /// Sectors that were not kept and survived all the same.
    pub survived: u64,
}

impl Volume {
    /// The power fails: all that was not kept is gone, but for as many of so many first sectors of each file as `survive`
    /// says. Nobody has anything open afterwards.
    pub fn lose(&mut self, mut survive: impl FnMut(usize) -> usize) -> io::Result<Loss> {
        let mut loss = Loss { names: self.tree.unkept(), ..Loss::default() };
        self.tree.lose();
        self.listings.clear();
        let all: Vec<Ino> = self.inodes.keys().copied().collect();
        for ino in all {
            let (object, reachable) = (self.object(ino), self.tree.is_reachable(ino));
            let Ok(inode) = self.inode(ino) else { continue };
            (inode.lookups, inode.opens) = (0, 0);
            if reachable && let Body::File(content) = &mut inode.body {
                let unkept = content.lose(&object, |sectors| {
                    let survivors = survive(sectors).min(sectors);
                    loss.survived += survivors as u64;
                    survivors
                })?;
                loss.files += u64::from(unkept != super::super::content::Unkept::default());
                loss.added += unkept.added;
                loss.sectors += unkept.sectors;
            }
        }
        self.reap_unreachable();
        Ok(loss)
    }

    /// The machine is switched off in good order, or its processes are ended: nothing is lost, nobody has anything open.
    pub fn switch_off(&mut self) {
        self.listings.clear();
        for inode in self.inodes.values_mut() {
            (inode.lookups, inode.opens) = (0, 0);
            if let Body::File(content) = &mut inode.body {
                content.close();
            }
        }
        self.reap_unreachable();
    }

    /// Forgets all that has no name, now or kept. Nobody has anything open.
    pub(super) fn reap_unreachable(&mut self) {
        let all: Vec<Ino> = self.inodes.keys().copied().collect();
        self.reap_all(all);
    }
}
