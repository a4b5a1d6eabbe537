//! Replace: nodes leave for good, and fresh ones without any data take their places, as when a machine is lost and another
//! is put in.

use async_trait::async_trait;
use cluster::{Error, Membership};
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, processes};
use crate::Family;

/// Nodes that leave one after another, and join again in that order.
#[derive(Debug)]
pub(super) struct Replace {
    nodes: Vec<NodeId>,
}

impl Replace {
    pub(super) fn new(nodes: Vec<NodeId>) -> Self {
        Self { nodes }
    }
}

/// The database's power over who belongs to it.
fn membership<'a>(scene: Scene<'a>) -> Result<&'a dyn Membership, Error> {
    scene
        .database
        .membership()
        .ok_or_else(|| Error::Unsupported(format!("adding and removing nodes of {}", scene.database.name())))
}

#[async_trait]
impl Fault for Replace {
    fn family(&self) -> Family {
        Family::Replace
    }

    fn targets(&self) -> &[NodeId] {
        &self.nodes
    }

    fn describe(&self, names: &Names) -> String {
        format!("had {} leave for good, and fresh ones join", names.list(&self.nodes))
    }

    /// A change of members is one decision of the cluster at a time.
    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        let (control, membership) = (processes::control(scene)?, membership(scene)?);
        for &node in &self.nodes {
            control.kill(scene.cluster, node).await?;
            membership.remove(scene.cluster, node).await?;
        }
        Ok(())
    }

    /// Goes through with it where one cannot join, so that the others are members again.
    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        let membership = membership(scene)?;
        let mut first_error = None;
        for &node in &self.nodes {
            if let Err(error) = membership.join(scene.cluster, node).await {
                first_error.get_or_insert(error);
            }
        }
        first_error.map_or(Ok(()), Err)
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        let members = membership(scene)?.members(scene.cluster).await?;
        Ok(Probe::Members(self.nodes.iter().map(|&node| (node, members.contains(&node))).collect()))
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        let Probe::Members(nodes) = probe else { return None };
        match nodes.iter().filter(|(_, is_member)| *is_member).count() {
            0 => Some(true),
            all if all == nodes.len() => Some(false),
            _ => None,
        }
    }

    fn judge(&self, names: &Names, early: &Probe, _: &Probe) -> Evidence {
        Evidence::new(self.in_force(early) == Some(true), self.say(names, early))
    }
}
