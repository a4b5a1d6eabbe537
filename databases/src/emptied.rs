//! Folders of nodes that are emptied.

use std::{path::Path, time::Duration};

use cluster::{Error, Node};

/// How long removing may take.
const REMOVE_MAX: Duration = Duration::from_secs(10);

/// Removes a folder of a node with all that is in it.
pub(crate) async fn remove(node: &Node, folder: &Path) -> Result<(), Error> {
    let argv = ["rm", "-rf", "--", &folder.to_string_lossy()];
    let output = node.remote()?.exec(&argv, b"", REMOVE_MAX).await?;
    if output.code == 0 {
        return Ok(());
    }
    let what = format!("its data was not removed: {}", String::from_utf8_lossy(&output.stderr).trim());
    Err(Error::Node { node: node.name.clone(), what })
}
