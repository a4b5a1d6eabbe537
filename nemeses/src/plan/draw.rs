//! Draws plans: periods of faults with quiet windows between them, so that the system can recover.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{FAULTS_MAX, Plan, PlannedFault, VERSION, scenes::Scenes};
use crate::{Family, Powers, streams::stream};

/// What a plan is drawn for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanSpec {
    /// The families to draw from. Those that the powers lack are left out.
    pub families: Vec<Family>,
    /// Decides everything.
    pub seed: u64,
    /// How long the calls go on.
    pub duration: Duration,
    /// How long nothing happens at the start.
    pub initial_quiet: Duration,
    /// How long nothing happens at the end.
    pub final_quiet: Duration,
    /// How many nodes there are.
    pub nodes: usize,
    /// What can be done to them.
    pub powers: Powers,
}

/// The longest period of faults, in milliseconds.
const PERIOD_MS: (u64, u64) = (1500, 3000);
/// The length of the quiet window after a period, in milliseconds.
const QUIET_MS: (u64, u64) = (1000, 1800);

impl PlanSpec {
    /// A spec with the usual quiet windows: 1.5 s at the start and 2.5 s at the end, less for short runs.
    pub fn new(families: Vec<Family>, seed: u64, duration: Duration, nodes: usize, powers: Powers) -> Self {
        Self {
            families,
            seed,
            duration,
            initial_quiet: Duration::from_millis(1500).min(duration / 8),
            final_quiet: Duration::from_millis(2500).min(duration / 5),
            nodes,
            powers,
        }
    }

    /// The families that can be drawn from, in their own order and each once.
    fn possible(&self) -> Vec<Family> {
        let mut families = self.families.clone();
        families.retain(|family| self.powers.lack(*family).is_none());
        families.sort_unstable();
        families.dedup();
        families
    }
}

pub(super) fn generate(spec: &PlanSpec) -> Plan {
    let mut plan = Plan { version: VERSION, seed: spec.seed, faults: Vec::new() };
    let families = spec.possible();
    if families.is_empty() || spec.nodes == 0 {
        return plan;
    }
    let mut random = stream(spec.seed, "plan", 0);
    let mut scenes = Scenes::new(&families, spec.nodes, spec.powers.primaries);
    let end = milliseconds(spec.duration.saturating_sub(spec.final_quiet));
    let mut now = milliseconds(spec.initial_quiet);
    while now + 300 <= end && plan.faults.len() < FAULTS_MAX / 2 {
        let room = end - now;
        // A run that is too short for a whole period gets a short one rather than none.
        let most = PERIOD_MS.1.min(room);
        let length = between(&mut random, (PERIOD_MS.0.min(most), most));
        let faults = scenes.draw(now, length, &mut random);
        let over = faults.iter().map(|fault| milliseconds(fault.ends())).max().unwrap_or(now);
        plan.faults.extend(faults);
        now = over + between(&mut random, QUIET_MS);
    }
    plan.faults.sort_by_key(|fault: &PlannedFault| (fault.at, fault.lasts));
    plan
}

/// A number between two, both included.
pub(super) fn between(random: &mut ChaCha8Rng, (least, most): (u64, u64)) -> u64 {
    random.random_range(least..=most.max(least))
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX / 4).min(u64::MAX / 4)
}

#[cfg(test)]
mod tests;
