//! Clock: what a node believes the time to be is wrong by a fixed offset.

use async_trait::async_trait;
use cluster::{ClockControl, Error};
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, processes, words};
use crate::Family;

/// Clocks that are wrong.
#[derive(Debug)]
pub(super) struct Clock {
    nodes: Vec<NodeId>,
    offset: i64,
}

impl Clock {
    pub(super) fn new(nodes: Vec<NodeId>, offset: i64) -> Self {
        Self { nodes, offset }
    }
}

fn control<'a>(scene: Scene<'a>) -> Result<&'a dyn ClockControl, Error> {
    let database = scene.database;
    database.clocks().ok_or_else(|| Error::Unsupported(format!("setting the clocks of {}", database.name())))
}

#[async_trait]
impl Fault for Clock {
    fn family(&self) -> Family {
        Family::Clock
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        let several = if self.nodes.len() > 1 { "clocks" } else { "clock" };
        format!("set the {several} of {} {}", names.list(&self.nodes), words::offset(self.offset))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = control(scene)?;
        processes::on_all(&self.nodes, |node| control.set_offset(scene.cluster, node, self.offset)).await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let control = control(scene)?;
        processes::on_all(&self.nodes, |node| control.set_offset(scene.cluster, node, 0)).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let control = control(scene)?;
        let mut offsets = Vec::new();
        for &node in &self.nodes {
            offsets.push((node, control.offset(scene.cluster, node).await?));
        }
        Ok(Probe::Offsets(offsets))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Offsets(offsets) = probe else { return None };
        let known: Option<Vec<i64>> = offsets.iter().map(|(_, offset)| *offset).collect();
        let known = known?;
        if known.iter().all(|&offset| offset == self.offset) {
            return Some(true);
        }
        known.iter().all(|&offset| offset == 0).then_some(false)
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        if self.in_force(early) == Some(true) && self.in_force(late) != Some(false) {
            return Evidence::new(true, self.say(names, early));
        }
        let Probe::Offsets(offsets) = early else {
            return Evidence::new(false, "the offsets of its clocks are not known".into());
        };
        if offsets.iter().all(|(_, offset)| offset.is_none()) {
            let text = "the database took the offset, but has no way to say what its clocks are";
            return Evidence::new(false, text.into());
        }
        Evidence::new(false, format!("{}; at the end {}", self.say(names, early), self.say(names, late)))
    }
}
