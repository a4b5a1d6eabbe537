//! Which families of faults struck, on which nodes, for how long and against how many operations; and how many nodes were
//! down at once because of them, which is what a promise is about.

use std::collections::{BTreeMap, BTreeSet};

use history::{FaultRecord, FaultState, Nanos};
use serde::{Deserialize, Serialize};

use super::{Exposure, FaultLine};

/// The families whose faults take a node down while they last, as they are called in records.
const TAKE_DOWN: [&str; 20] = [
    "bit-flip",
    "disk-error",
    "disk-full",
    "disk-readonly",
    "fsync-lies",
    "half-open",
    "kill",
    "lost-write",
    "memory",
    "misdirected-write",
    "pause",
    "power-loss",
    "replace",
    "roll",
    "roll-back",
    "terminate",
    "torn-write",
    "truncate",
    "upgrade",
    "wipe",
];
/// The families of which only one node is down at a time.
const IN_TURN: [&str; 2] = ["roll", "upgrade"];

/// One row of the table: a family on a node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Covered {
    /// The family of faults.
    pub family: String,
    /// The node; empty in the row that sums up a family.
    pub node: String,
    /// How many faults were seen to be in force.
    pub installed: u64,
    /// How many were tried, and nobody can say.
    pub indeterminate: u64,
    /// How many were not done.
    pub skipped: u64,
    /// For how long, summed over all that were not skipped.
    pub lasted: Nanos,
    /// The operations that were under way during each of them, summed over all that were in force. One that met two faults
    /// counts twice.
    pub exposure: Exposure,
}

/// How many nodes were down at once because of faults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Down {
    /// How many nodes there are.
    pub nodes: u64,
    /// The most that were down at once.
    pub most: u64,
    /// Which those were.
    pub which: Vec<String>,
    /// When that began.
    pub at: Option<Nanos>,
    /// The promise that the run was to stay within: the most that might be down. `None` where any number might.
    pub promised: Option<u64>,
}

impl Down {
    /// Whether fewer than half of the nodes were down at any time.
    pub fn is_minority(&self) -> bool {
        self.most * 2 < self.nodes || self.most == 0
    }

    /// Whether the run stayed within what was promised.
    pub fn is_within(&self) -> bool {
        self.promised.is_none_or(|promised| self.most <= promised)
    }

    /// What is to be said of it, in one sentence.
    pub fn sentence(&self) -> String {
        let size = if self.is_minority() { "a minority" } else { "no minority" };
        let most = match self.most {
            0 => "No node was down because of a fault".to_owned(),
            most => {
                format!("At most {most} of {} nodes were down at once because of faults, {size}", self.nodes)
            }
        };
        match self.promised {
            None => format!("{most}."),
            Some(promised) if self.is_within() => {
                format!("{most}: within the promise of at most {promised}.")
            }
            Some(promised) => format!(
                "{most}: MORE than the promise of at most {promised}, so what was found may lie outside of what the \
                 database promises."
            ),
        }
    }
}

/// The table: per family a row that sums it up, and then a row for each node. `last` is the end of faults that never ended.
pub(super) fn table(faults: &[FaultLine], last: Nanos) -> Vec<Covered> {
    let mut rows: BTreeMap<(String, String), Covered> = BTreeMap::new();
    for line in faults {
        let record = &line.record;
        let nodes = record.nodes.iter().map(String::as_str).collect::<BTreeSet<&str>>();
        for node in std::iter::once("").chain(nodes) {
            let key = (record.family.clone(), node.to_owned());
            let row = rows.entry(key).or_insert_with(|| Covered {
                family: record.family.clone(),
                node: node.into(),
                ..Covered::default()
            });
            match record.state {
                FaultState::Installed => row.installed += 1,
                FaultState::Indeterminate => row.indeterminate += 1,
                FaultState::Skipped => row.skipped += 1,
            }
            if record.state != FaultState::Skipped {
                let ended = record.ended.unwrap_or(last).0;
                row.lasted.0 += ended.saturating_sub(record.began.0);
            }
            if record.state == FaultState::Installed {
                row.exposure = row.exposure.plus(line.exposure);
            }
        }
    }
    rows.into_values().collect()
}

/// How many nodes were down at once. A fault of which nobody can say whether it took counts, since it may have.
pub(super) fn down(faults: &[FaultLine], nodes: usize) -> Down {
    let records: Vec<&FaultRecord> = faults
        .iter()
        .map(|line| &line.record)
        .filter(|record| record.state != FaultState::Skipped && TAKE_DOWN.contains(&record.family.as_str()))
        .collect();
    let mut down = Down { nodes: nodes as u64, ..Down::default() };
    // The most are down when one has just come. Faults are few: each is compared with those that overlap its beginning.
    let mut begun: Vec<&FaultRecord> = records.clone();
    begun.sort_by_key(|record| (record.began, record.id));
    let mut open: Vec<&FaultRecord> = Vec::new();
    for record in begun {
        open.retain(|known| known.ended.is_none_or(|ended| ended > record.began));
        open.push(record);
        let one_by_one = open.iter().filter(|known| IN_TURN.contains(&known.family.as_str())).count();
        let which: BTreeSet<&String> = open
            .iter()
            .filter(|known| !IN_TURN.contains(&known.family.as_str()))
            .flat_map(|known| &known.nodes)
            .collect();
        let most = (which.len() + one_by_one) as u64;
        if most > down.most {
            down.most = most;
            down.at = Some(record.began);
            down.which = which.into_iter().cloned().collect();
        }
    }
    down
}

#[cfg(test)]
mod tests {
    use history::FaultId;

    use super::*;

    fn line(family: &str, nodes: &[&str], (began, ended): (u64, u64), state: FaultState) -> FaultLine {
        let exposure = Exposure { operations: 10, ok: 5, ok_reads: 2, unknown: 1 };
        let record = FaultRecord {
            id: FaultId(0),
            family: family.into(),
            description: String::new(),
            nodes: nodes.iter().map(ToString::to_string).collect(),
            began: Nanos(began),
            ended: Some(Nanos(ended)),
            state,
            evidence: String::new(),
        };
        FaultLine { record, exposure, answered: None }
    }

    #[test]
    fn each_family_has_its_sum_and_a_row_for_every_node() {
        let faults = [
            line("kill", &["n1", "n2"], (0, 10), FaultState::Installed),
            line("kill", &["n1"], (20, 25), FaultState::Indeterminate),
            line("clock", &["n3"], (0, 5), FaultState::Skipped),
        ];
        let rows = table(&faults, Nanos(100));
        let told: Vec<_> = rows
            .iter()
            .map(|row| {
                (row.family.as_str(), row.node.as_str(), row.installed, row.indeterminate, row.skipped)
            })
            .collect();
        let expected = [
            ("clock", "", 0, 0, 1),
            ("clock", "n3", 0, 0, 1),
            ("kill", "", 1, 1, 0),
            ("kill", "n1", 1, 1, 0),
        ];
        assert_eq!(told[..4], expected);
        assert_eq!(told[4], ("kill", "n2", 1, 0, 0));
        assert_eq!((rows[2].lasted, rows[2].exposure.operations), (Nanos(15), 10));
        assert_eq!(rows[0].exposure, Exposure::default(), "what was skipped met nothing");
    }

    #[test]
    fn the_most_that_were_down_at_once_are_counted_and_named() {
        let faults = [
            line("kill", &["n1"], (0, 10), FaultState::Installed),
            line("pause", &["n2", "n1"], (5, 30), FaultState::Indeterminate),
            line("partition", &["n3", "n4", "n5"], (5, 30), FaultState::Installed),
            line("kill", &["n3"], (10, 20), FaultState::Skipped),
            line("roll", &["n1", "n2", "n3", "n4", "n5"], (30, 40), FaultState::Installed),
        ];
        let mut down = down(&faults, 5);
        assert_eq!((down.most, down.at, down.which.join(",")), (2, Some(Nanos(5)), "n1,n2".into()));
        assert!(down.is_minority() && down.is_within());
        assert!(down.sentence().contains("At most 2 of 5 nodes were down at once"), "{}", down.sentence());
        down.promised = Some(1);
        assert!(!down.is_within() && down.sentence().contains("MORE than the promise"));
    }
}
