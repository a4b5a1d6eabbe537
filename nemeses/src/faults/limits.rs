//! Memory and files: processes that run into what the kernel lets them have. Memory is kept from them by a control group
//! where one can be made, so that the kernel ends who wants too much; elsewhere, and for files, it is by the soft limits
//! that any process of the same user may lower, and raise again, without being root.

use std::sync::OnceLock;

use async_trait::async_trait;
use cluster::{DaemonState, Error};
use history::NodeId;

use super::{
    Allowance, Evidence, Fault, Names, Probe, Scene, processes,
    squeezed::{self, Kept},
};
use crate::Family;

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// The address space.
    Memory,
    /// Open files, which are connections as well.
    Files,
}

impl Resource {
    /// What `prlimit` calls it.
    fn flag(self) -> &'static str {
        match self {
            Self::Memory => "as",
            Self::Files => "nofile",
        }
    }
}

/// Limits every process of a session. A limit is set to what the process has and so much more, or (`usual`) to what a new
/// process on this node gets, which undoes it without anybody having to remember what it was.
const LIMIT: (&str, &str) = (
    "limit",
    r#"
main=$1 what=$2 spare=$3
usual=$(prlimit --"$what" --output SOFT --noheadings) || exit 127
usual=$(echo $usual)
for stat in /proc/[0-9]*/stat; do
  line=$(sed 's/.*) //' "$stat" 2>/dev/null) || continue
  set -- $line
  [ "$4" = "$main" ] || continue
  pid=${stat#/proc/}
  pid=${pid%/stat}
  if [ "$spare" = usual ]; then
    most=$usual
  elif [ "$what" = as ]; then
    size=$(sed -n 's/^VmSize:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status" 2>/dev/null)
    [ -n "$size" ] || continue
    most=$((size * 1024 + spare * 1048576))
  else
    # A file that is opened gets the lowest number that is free, and the limit is for that number.
    open=" $(ls "/proc/$pid/fd" 2>/dev/null | tr '\n' ' ') "
    [ "$open" != "  " ] || continue
    most=0 free=0
    while :; do
      case $open in *" $most "*) ;; *) [ "$free" -lt "$spare" ] || break; free=$((free + 1)) ;; esac
      most=$((most + 1))
    done
  fi
  prlimit --pid "$pid" --"$what=$most:" || [ ! -e "/proc/$pid" ] || exit 1
done
"#,
);

/// Prints what a process may have, and what a new process gets.
const LOOK: (&str, &str) = (
    "look at limits",
    r#"
usual=$(prlimit --"$2" --output SOFT --noheadings) || exit 127
now=$(prlimit --pid "$1" --"$2" --output SOFT --noheadings) || now=$usual
echo $now $usual
"#,
);

/// Processes that get no more of something.
#[derive(Debug)]
pub(super) struct Limited {
    nodes: Vec<NodeId>,
    resource: Resource,
    spare: u64,
    /// Why no control group does it; empty where one does.
    without_group: OnceLock<String>,
}

impl Limited {
    pub(super) fn new(nodes: Vec<NodeId>, resource: Resource, spare: u64) -> Self {
        Self { nodes, resource, spare, without_group: OnceLock::new() }
    }

    fn is_by_group(&self) -> bool {
        self.without_group.get().is_some_and(String::is_empty)
    }

    /// Keeps memory from them by control groups, and says why not where that is impossible.
    async fn squeeze(&self, scene: Scene<'_>) -> Result<String, Error> {
        let squeezed = processes::on_all(&self.nodes, |node| async move {
            squeezed::quotas(scene, node)?.narrow_memory(self.spare).await
        });
        match squeezed.await {
            Ok(()) => Ok(String::new()),
            Err(Error::Unsupported(why)) => self.widen(scene).await.map(|()| why),
            Err(error) => Err(error),
        }
    }

    async fn widen(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(&self.nodes, |node| async move {
            match squeezed::quotas(scene, node) {
                Ok(quotas) => quotas.widen_memory().await,
                Err(_) => Ok(()),
            }
        })
        .await
    }

    /// Limits the processes of a node, if they live.
    async fn limit(&self, scene: Scene<'_>, node: NodeId, spare: &str) -> Result<(), Error> {
        let state = processes::control(scene)?.state(scene.cluster, node).await?;
        let (DaemonState::Running { pid } | DaemonState::Stopped { pid }) = state else { return Ok(()) };
        let arguments = [pid.to_string(), self.resource.flag().into(), spare.into()];
        processes::script(scene, node, LIMIT, &arguments.each_ref().map(String::as_str)).await.map(drop)
    }

    async fn look(&self, scene: Scene<'_>, node: NodeId) -> Result<Allowance, Error> {
        let state = processes::control(scene)?.state(scene.cluster, node).await?;
        let (DaemonState::Running { pid } | DaemonState::Stopped { pid }) = state else {
            return Ok(Allowance::Ended(state));
        };
        let arguments = [&pid.to_string(), self.resource.flag()];
        let output = processes::script(scene, node, LOOK, &arguments).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        let mut words = said.split_whitespace();
        match (words.next(), words.next()) {
            (Some(now), Some(usual)) if now == usual => Ok(Allowance::Usual),
            (Some(now), Some(_)) => {
                let unreadable = || Error::Unsupported(format!("the limit `{now}`"));
                now.parse().map(Allowance::Limited).map_err(|_| unreadable())
            }
            _ => Err(Error::Unsupported("a look at limits that says nothing".into())),
        }
    }
}

#[async_trait]
impl Fault for Limited {
    fn family(&self) -> Family {
        match self.resource {
            Resource::Memory => Family::Memory,
            Resource::Files => Family::Files,
        }
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let nodes = names.list(&self.nodes);
        match self.resource {
            Resource::Memory => format!("let {nodes} have {} MiB more memory and no more", self.spare),
            Resource::Files => {
                format!("let {nodes} open {} more files or connections and no more", self.spare)
            }
        }
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        if self.resource == Resource::Memory {
            let why = self.squeeze(scene).await?;
            if self.without_group.get_or_init(|| why).is_empty() {
                return Ok(());
            }
        }
        let spare = self.spare.to_string();
        processes::on_all(&self.nodes, |node| self.limit(scene, node, &spare)).await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        let widened = if self.resource == Resource::Memory { self.widen(scene).await } else { Ok(()) };
        let lifted = match self.is_by_group() {
            true => Ok(()),
            false => processes::on_all(&self.nodes, |node| self.limit(scene, node, "usual")).await,
        };
        // Those that ended of it are started again, without the limit.
        processes::on_all(&self.nodes, |node| control.start(scene.cluster, node)).await?;
        widened.and(lifted)
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        if self.is_by_group() {
            return squeezed::probe(scene, &self.nodes, Kept::Memory).await;
        }
        let mut limits = Vec::new();
        for &node in &self.nodes {
            limits.push((node, self.look(scene, node).await?));
        }
        Ok(Probe::Limits(limits))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let limits = match probe {
            Probe::Limits(limits) => limits,
            Probe::Squeezed(all) => return squeezed::in_force(all),
            _ => return None,
        };
        let usual = |allowance: &Allowance| *allowance == Allowance::Usual;
        match limits.iter().filter(|(_, allowance)| usual(allowance)).count() {
            0 => Some(true),
            all if all == limits.len() => Some(false),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        if let (Probe::Squeezed(early), Probe::Squeezed(late)) = (early, late) {
            return squeezed::judge(names, (early, late), Kept::Memory);
        }
        let mut text = self.say(names, early);
        if early != late {
            text += &format!("; at the end {}", self.say(names, late));
        }
        if let Some(why) = self.without_group.get() {
            text += &format!("; by a limit of its address space, without {why}");
        }
        Evidence::new(self.in_force(early) == Some(true), text)
    }
}
