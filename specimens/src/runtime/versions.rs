//! Which of its two versions a node runs: a file says so, in place of another program.

use std::{io, path::Path};

use cluster::Version;

/// The file, in the node's folder, that holds the version from its next start on.
pub const VERSION_FILE: &str = "version";

/// The version that the file says; the old one where there is none.
pub fn chosen(folder: &Path) -> io::Result<Version> {
    match std::fs::read_to_string(folder.join(VERSION_FILE)) {
        Ok(text) if text.trim() == "new" => Ok(Version::New),
        Ok(_) => Ok(Version::Old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Version::Old),
        Err(error) => Err(error),
    }
}
