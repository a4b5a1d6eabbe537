//! Undoes what a journal says was done and not undone, after a nemesis was killed half-way.

use std::path::Path;

use cluster::{Cluster, Database};
use history::{FaultId, FaultState};

use crate::{
    Error, Journal, Limits, PlannedFault, Targets,
    faults::{self, Fault, Scene, Settled},
    journal::{self, Entry},
    nemesis::{rank, undo},
    target,
};

/// What became of one fault that was still in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Healed {
    /// Which fault of the run.
    pub id: FaultId,
    /// What it had done.
    pub description: String,
    /// Why it is still in force; `None` when it is undone.
    pub stuck: Option<String>,
}

/// Undoes every fault of a journal that began and did not end, and writes the ends down. Doing it twice does no harm. A
/// torn last line was never acted upon; other damage is passed over, so that what can be read is healed.
pub async fn heal(path: &Path, cluster: &Cluster, database: &dyn Database) -> Result<Vec<Healed>, Error> {
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let contents = journal::parse_leniently(&bytes);
    for (line, what) in &contents.damage {
        tracing::warn!("{}, line {line}: {what}; healing the rest", path.display());
    }
    let names: Vec<String> = cluster.nodes.iter().map(|node| node.name.clone()).collect();
    if let Some(nodes) = contents.nodes().filter(|nodes| **nodes != names) {
        tracing::warn!(
            "the journal is of the nodes {}, and these are {}",
            nodes.join(", "),
            names.join(", ")
        );
    }
    let mut open = contents.open();
    open.sort_by_key(|(id, planned, _)| (rank(planned.fault.family()), *id));
    let journal = if open.is_empty() { None } else { Some(Journal::resume(path)?) };
    let mut healed = Vec::new();
    for (id, planned, description) in open {
        let stuck = match rebuild(id, planned, &names) {
            Err(reason) => Some(reason),
            Ok(fault) => {
                undo(fault.as_ref(), Scene { cluster, database, load: None }, Limits::default()).await.err()
            }
        };
        let entry = match &stuck {
            Some(reason) => Entry::Stuck { id, reason: reason.clone() },
            None => Entry::End {
                id,
                ended: None,
                state: FaultState::Indeterminate,
                evidence: "undone afterwards, from the journal".into(),
            },
        };
        if let Some(journal) = &journal {
            journal.append(&entry)?;
        }
        healed.push(Healed { id, description: description.to_owned(), stuck });
    }
    Ok(healed)
}

/// Writes down the end of every fault of a journal that began and did not end, because the cluster that it was done to
/// is gone and the fault with it: a local cluster's namespaces end with its controller.
pub fn close(path: &Path, why: &str) -> Result<Vec<Healed>, Error> {
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let contents = journal::parse_leniently(&bytes);
    let open = contents.open();
    if open.is_empty() {
        return Ok(Vec::new());
    }
    let journal = Journal::resume(path)?;
    let mut closed = Vec::new();
    for (id, _, description) in open {
        let evidence = why.to_owned();
        journal.append(&Entry::End { id, ended: None, state: FaultState::Indeterminate, evidence })?;
        closed.push(Healed { id, description: description.to_owned(), stuck: None });
    }
    Ok(closed)
}

fn rebuild(id: FaultId, planned: &PlannedFault, names: &[String]) -> Result<Box<dyn Fault>, String> {
    let Targets::Nodes(wanted) = &planned.targets else {
        return Err(format!("the journal does not say which nodes `{}` were", planned.targets));
    };
    let nodes = target::by_name(wanted, names)?;
    let (direction, from) = (planned.direction, planned.from);
    Ok(faults::build(Settled { id, action: &planned.fault, nodes, direction, from, count: names.len() }))
}
