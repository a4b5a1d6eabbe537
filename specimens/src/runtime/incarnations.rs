//! Which disk a node has: a file says so, written before the node joins.

use std::{fs::File, io, path::Path};

/// The file, in the node's folder, that holds the incarnation of a node that joined a cluster.
pub const INCARNATION_FILE: &str = "incarnation";

/// The incarnation that the file says; 0 where there is none. From here on it outlasts a loss of power too.
pub fn kept(folder: &Path) -> io::Result<u64> {
    let path = folder.join(INCARNATION_FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            File::open(&path)?.sync_all()?;
            File::open(folder)?.sync_all()?;
            text.trim().parse().map_err(io::Error::other)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}
