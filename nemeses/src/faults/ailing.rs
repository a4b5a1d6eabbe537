//! Disks that fail, lie, are full or slow while they are in use. What only shows once the kernel has forgotten what it
//! holds of the files ends in a power failure.

use std::time::Duration;

use async_trait::async_trait;
use cluster::{
    Disk, Error, LayerId,
    disk::{Ailment, Operation, Outage, Strikes, Trouble},
};
use history::NodeId;
use tokio_util::sync::CancellationToken;

use super::{Evidence, Fault, Names, Probe, Scene, Settled, outage::MainSwitch, processes, words};
use crate::{Action, Family};

/// How often it is looked, after a disk is well again, whether a process still ends of what it met before.
const LOOKS: usize = 10;
/// How long from one look to the next.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Disks with something wrong.
#[derive(Debug)]
pub(super) struct Ailing {
    family: Family,
    nodes: Vec<NodeId>,
    layer: LayerId,
    /// What is wrong; nothing, where only the end is.
    ailment: Option<Ailment>,
    /// How it ends.
    end: Option<Outage>,
    switch: MainSwitch,
}

/// What is wrong, where something is, and how it ends.
fn course(action: &Action) -> (Option<Ailment>, Option<Outage>) {
    let ails = |trouble, strikes: &Strikes| Some(Ailment { trouble, strikes: strikes.clone() });
    match action {
        Action::DiskError { on, strikes } => (ails(Trouble::Broken(*on), strikes), None),
        Action::DiskFull { strikes } => (ails(Trouble::Full, strikes), None),
        Action::DiskSlow { on, delay_ms, strikes } => (ails(Trouble::Slow(*on, *delay_ms), strikes), None),
        Action::DiskReadonly => (ails(Trouble::ReadOnly, &Strikes::default()), None),
        Action::FsyncLies { strikes } => (ails(Trouble::Lies, strikes), Some(Outage::PowerLoss)),
        Action::LostWrite { strikes } => (ails(Trouble::LosesWrites, strikes), Some(Outage::PowerLoss)),
        Action::MisdirectedWrite { strikes } => {
            (ails(Trouble::MisdirectsWrites, strikes), Some(Outage::PowerLoss))
        }
        _ => (None, Some(Outage::RolledBack)),
    }
}

impl Ailing {
    pub(super) fn new(settled: &Settled<'_>) -> Self {
        let (ailment, end) = course(settled.action);
        Self {
            family: settled.action.family(),
            nodes: settled.nodes.clone(),
            layer: LayerId(settled.id.0),
            ailment,
            end,
            switch: MainSwitch::new(settled),
        }
    }

    /// Whether operations fail of it, of which processes end.
    fn fails(&self) -> bool {
        let trouble = self.ailment.as_ref().map(|ailment| ailment.trouble);
        matches!(trouble, Some(Trouble::Broken(_) | Trouble::Full | Trouble::ReadOnly))
    }

    /// Starts those again that end a little later of what they met before.
    async fn see_through(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = processes::control(scene)?;
        for _ in 0..LOOKS {
            tokio::time::sleep(LOOK_EVERY).await;
            processes::on_all(&self.nodes, |node| async move {
                match processes::is_down(control.state(scene.cluster, node).await?) {
                    true => control.start(scene.cluster, node).await,
                    false => Ok(()),
                }
            })
            .await?;
        }
        Ok(())
    }

    /// What it does, between the nodes it does it to.
    fn effect(&self, nodes: &str) -> String {
        let Some(ailment) = &self.ailment else {
            return format!("put the disk of {nodes} back to what it had been");
        };
        let done = match ailment.trouble {
            Trouble::Broken(operation) => format!("had {} fail on the disk of {nodes}", plural(operation)),
            Trouble::Full => format!("filled the disk of {nodes}"),
            Trouble::Slow(operation, milliseconds) => format!(
                "had {} take {} longer on the disk of {nodes}",
                plural(operation),
                words::milliseconds(milliseconds)
            ),
            Trouble::ReadOnly => format!("had the disk of {nodes} refuse every change"),
            Trouble::Lies => format!("had the disk of {nodes} say that it synced what it did not"),
            Trouble::LosesWrites => format!("had the disk of {nodes} drop writes that it acknowledged"),
            Trouble::MisdirectsWrites => format!("had the disk of {nodes} write to the wrong place"),
        };
        let Strikes { path, every, nth } = &ailment.strikes;
        let path = path.as_ref().map_or_else(String::new, |path| format!(", in {path}"));
        let every = every.map_or_else(String::new, |every| format!(", one time in {every}"));
        let nth = nth.map_or_else(String::new, |nth| format!(", the {nth}. time only"));
        let end = if self.end.is_some() { ", and cut its power then" } else { "" };
        format!("{done}{path}{every}{nth}{end}")
    }
}

fn plural(operation: Operation) -> &'static str {
    match operation {
        Operation::Read => "reads",
        Operation::Write => "writes",
        Operation::Sync => "syncs",
    }
}

fn disk<'a>(scene: Scene<'a>, node: NodeId) -> Result<&'a dyn Disk, Error> {
    scene.cluster.node(node).remote()?.disk()
}

#[async_trait]
impl Fault for Ailing {
    fn family(&self) -> Family {
        self.family
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        self.effect(&names.list(&self.nodes))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(&self.nodes, |node| async move {
            match &self.ailment {
                Some(ailment) => disk(scene, node)?.impose(self.layer, ailment).await,
                None => disk(scene, node)?.remember().await,
            }
        })
        .await
    }

    async fn tend(&self, scene: Scene<'_>, over: &CancellationToken) -> Result<(), Error> {
        over.cancelled().await;
        match &self.end {
            Some(end) => self.switch.off(scene, end).await,
            None => Ok(()),
        }
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let lifted =
            processes::on_all(&self.nodes, |node| async move { disk(scene, node)?.lift(self.layer).await })
                .await;
        // Those that ended of it are started again, on a disk that is well.
        self.switch.on(scene).await?;
        lifted?;
        if self.fails() { self.see_through(scene).await } else { Ok(()) }
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let mut struck = Vec::new();
        for &node in &self.nodes {
            struck.push((node, disk(scene, node)?.struck(self.layer).await?));
        }
        Ok(Probe::Disks(struck))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Disks(disks) = probe else { return None };
        // Nothing is to be seen of what is only remembered; it is over when the machine is on again.
        if self.ailment.is_none() {
            return Some(!self.switch.is_on_again());
        }
        match disks.iter().filter(|(_, struck)| struck.is_some()).count() {
            0 => Some(false),
            all if all == disks.len() => Some(true),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, _: &Probe, late: &Probe) -> Evidence {
        let said = self.switch.say(names);
        let end = if said.is_empty() { String::new() } else { format!("; in the end {said}") };
        let Probe::Disks(disks) = late else {
            return Evidence::new(false, "what its disks did is not known".into());
        };
        if self.ailment.is_none() {
            return Evidence::new(
                !said.is_empty(),
                if said.is_empty() { "it never came to it".into() } else { said },
            );
        }
        let all: u64 = disks.iter().filter_map(|(_, struck)| *struck).map(|struck| struck.struck).sum();
        if all == 0 {
            return Evidence::new(false, format!("the disks took it, but nothing met it{end}"));
        }
        Evidence::new(true, format!("{}{end}", self.say(names, late)))
    }
}
