//! The folders of the programs under test.

use std::path::PathBuf;

use crate::{arguments::TestArguments, exit::Failure};

/// The folder that a flag names, as a whole path.
pub(super) fn programs(
    arguments: &TestArguments,
    is_elsewhere: bool,
    (flag, folder): (&str, &Option<PathBuf>),
) -> Result<Option<PathBuf>, Failure> {
    let Some(folder) = folder else { return Ok(None) };
    if is_elsewhere || !arguments.endpoint.is_empty() {
        return Err(Failure::usage(format!(
            "{flag} is for nodes on this machine; elsewhere the version is what is installed there"
        )));
    }
    if matches!(arguments.db.as_str(), "specimen" | "zookeeper" | "rabbitmq") {
        return Err(Failure::usage(format!(
            "{flag} cannot choose another version of {}, which is not found by its path",
            arguments.db
        )));
    }
    let whole = folder.canonicalize().ok().filter(|whole| whole.is_dir());
    whole
        .map(Some)
        .ok_or_else(|| Failure::usage(format!("{flag} {}: there is no such folder", folder.display())))
}
