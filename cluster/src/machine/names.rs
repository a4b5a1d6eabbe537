//! What names mean on a node: its `/etc/hosts`, which only root may change.

use std::net::IpAddr;

use super::{MachineRemote, failed, shell::Script};
use crate::{Error, names};

/// Changes the file `$1`, of which `$2` bytes come, in its place: it may be a mount of its own, and keeps its owner.
const REPLACE: &str = r#"
trap 'rm -f "$1.part.$$"' EXIT
cat >"$1.part.$$" && [ "$(wc -c <"$1.part.$$")" -eq "$2" ] && cat "$1.part.$$" >"$1""#;

/// The file of every node.
const HOSTS: &str = "/etc/hosts";

impl MachineRemote {
    /// Has names mean addresses; with none of them the file is as it was, and is not touched where it is already.
    pub(super) async fn point(&self, names: &[(String, IpAddr)]) -> Result<(), Error> {
        let what = format!("reading {HOSTS}");
        let before = self.shell().must(Script::new(&what, r#"[ ! -e "$1" ] || cat <"$1""#, &[HOSTS])).await?;
        let before = String::from_utf8(before)
            .map_err(|_| failed(self.target().name(), format!("its {HOSTS} is no text")))?;
        let after = names::pointed(&before, names);
        if after == before {
            return Ok(());
        }
        let (what, size) = (format!("writing {HOSTS}"), after.len().to_string());
        let arguments = [HOSTS, &size];
        let script = Script { stdin: after.as_bytes(), ..Script::new(&what, REPLACE, &arguments) };
        self.shell().must(script.with_root()).await.map(drop)
    }
}
