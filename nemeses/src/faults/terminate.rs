//! Terminate: processes are asked to end, as by an operator, and are started again.

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use cluster::Error;
use history::NodeId;

use super::{Evidence, Fault, Names, Probe, Scene, kill::Kill, processes};
use crate::Family;

/// Processes that are asked to end.
#[derive(Debug)]
pub(super) struct Terminate {
    /// What is seen of an ended process, and how it is started, does not depend on how it was ended.
    ended: Kill,
    /// Those that did not end by themselves in time.
    forced: Mutex<Vec<NodeId>>,
}

impl Terminate {
    pub(super) fn new(nodes: Vec<NodeId>) -> Self {
        Self { ended: Kill::new(nodes), forced: Mutex::default() }
    }
}

#[async_trait]
impl Fault for Terminate {
    fn family(&self) -> Family {
        Family::Terminate
    }

    fn targets(&self) -> &[NodeId] {
        self.ended.targets()
    }

    fn describe(&self, names: &Names) -> String {
        let several = if self.targets().len() > 1 { " at once" } else { "" };
        format!("asked {} to end{several}", names.list(self.targets()))
    }

    async fn inject(&self, scene: Scene<'_>) -> Result<(), Error> {
        processes::on_all(self.targets(), async |node| {
            if processes::terminate(scene, node).await? {
                self.forced.lock().unwrap_or_else(PoisonError::into_inner).push(node);
            }
            Ok(())
        })
        .await
    }

    async fn undo(&self, scene: Scene<'_>) -> Result<(), Error> {
        self.ended.undo(scene).await
    }

    async fn probe(&self, scene: Scene<'_>) -> Result<Probe, Error> {
        self.ended.probe(scene).await
    }

    fn in_force(&self, probe: &Probe) -> Option<bool> {
        self.ended.in_force(probe)
    }

    fn judge(&self, names: &Names, early: &Probe, late: &Probe) -> Evidence {
        let mut evidence = self.ended.judge(names, early, late);
        let forced = self.forced.lock().unwrap_or_else(PoisonError::into_inner);
        if !forced.is_empty() {
            evidence.text += &format!("; {} did not end by itself and was killed", names.list(&forced));
        }
        evidence
    }
}
