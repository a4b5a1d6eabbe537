//! Faults of a Jepsen history, as far as the names of its nemesis operations tell.

use super::tape::View;
use crate::{FaultId, FaultRecord, FaultState, Nanos};

/// Words that end what an operation of another name began.
const ENDINGS: [&str; 5] = ["stop", "heal", "recover", "resume", "reset"];

/// More faults than this say nothing to a person, and a history that has them is not one of calls.
const FAULTS_MAX: usize = 100_000;

/// The nemesis of a history that is being read.
#[derive(Debug, Default)]
pub(super) struct Nemesis {
    faults: Vec<FaultRecord>,
    /// The faults in force: their places, the oldest first.
    open: Vec<usize>,
    /// The name of the operation under way. Jepsen writes each twice: when it is asked for and when it is done.
    asked: Option<String>,
}

impl Nemesis {
    /// Takes one line of the nemesis.
    pub fn take(&mut self, f: &[u8], value: View<'_>, now: Nanos) {
        let name = String::from_utf8_lossy(f).into_owned();
        let done = self.asked.as_ref() == Some(&name);
        let ending = ENDINGS.iter().find(|ending| name.starts_with(**ending));
        match ending {
            Some(ending) => {
                if done {
                    let family = name[ending.len()..].trim_start_matches('-').to_owned();
                    self.end(&family, now);
                }
            }
            None if done => {
                if let (Some(place), false) = (self.open.last(), value.is_nil()) {
                    self.faults[*place].evidence = value.canonical();
                }
            }
            None => self.begin(&name, value, now),
        }
        self.asked = if done { None } else { Some(name) };
    }

    fn begin(&mut self, name: &str, value: View<'_>, now: Nanos) {
        if self.faults.len() >= FAULTS_MAX {
            return;
        }
        let family = name.strip_prefix("start").map_or(name, |family| family.trim_start_matches('-'));
        let family = if family.is_empty() { "nemesis" } else { family };
        let description =
            if value.is_nil() { name.to_owned() } else { format!("{name} {}", value.canonical()) };
        self.open.push(self.faults.len());
        self.faults.push(FaultRecord {
            id: FaultId(self.faults.len() as u32),
            family: family.to_owned(),
            description,
            nodes: Vec::new(),
            began: now,
            ended: None,
            state: FaultState::Indeterminate,
            evidence: String::new(),
        });
    }

    /// Ends the faults of one family, or all of them where the name tells no family that is in force.
    fn end(&mut self, family: &str, now: Nanos) {
        let faults = &mut self.faults;
        let known = self.open.iter().any(|place| faults[*place].family == family);
        self.open.retain(|place| {
            let ends = !known || faults[*place].family == family;
            if ends {
                faults[*place].ended = Some(now);
            }
            !ends
        });
    }

    /// The faults, in the order they began.
    pub fn finish(self) -> Vec<FaultRecord> {
        self.faults
    }
}
