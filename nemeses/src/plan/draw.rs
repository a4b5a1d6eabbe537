//! Draws plans: periods of faults with quiet windows between them, so that the system can recover.

use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::{FAULTS_MAX, Plan, PlannedFault, VERSION, scenes::Scenes};
use crate::{Family, MaxDown, Pace, Powers, Targets, streams::stream};

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
    /// How hard and how often faults strike.
    pub pace: Pace,
    /// How many nodes they may take down at once.
    pub max_down: MaxDown,
}

/// The shortest and the longest period of faults, and the shortest and the longest rest after one, in milliseconds; and in
/// how many of a hundred periods nothing happens.
type Rhythm = ((u64, u64), (u64, u64), u64);

fn rhythm(pace: Pace) -> Rhythm {
    match pace {
        Pace::Gentle => ((800, 1800), (2500, 4000), 15),
        Pace::Standard => ((1500, 3000), (1000, 1800), 0),
        Pace::Harsh => ((2500, 6000), (400, 1000), 10),
    }
}

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
            pace: Pace::Standard,
            max_down: MaxDown::Any,
        }
    }

    /// The same at another pace.
    #[must_use]
    pub fn at_pace(mut self, pace: Pace) -> Self {
        self.pace = pace;
        self
    }

    /// The same within a promise of how many nodes are down at once.
    #[must_use]
    pub fn within(mut self, max_down: MaxDown) -> Self {
        self.max_down = max_down;
        self
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
    let mut scenes = Scenes::new(&families, spec.nodes, &spec.powers, spec.pace);
    let (period, rest, idle) = rhythm(spec.pace);
    let end = milliseconds(spec.duration.saturating_sub(spec.final_quiet));
    let mut now = milliseconds(spec.initial_quiet);
    while now + 300 <= end && plan.faults.len() < FAULTS_MAX / 2 {
        let room = end - now;
        // A run that is too short for a whole period gets a short one rather than none.
        let most = period.1.min(room);
        let length = between(&mut random, (period.0.min(most), most));
        // A plan that would be idle from its first period on could have no fault at all.
        if idle > 0 && !plan.faults.is_empty() && between(&mut random, (0, 99)) < idle {
            now += length;
            continue;
        }
        let faults = scenes.draw(now, length, &mut random);
        let over = faults.iter().map(|fault| milliseconds(fault.ends())).max().unwrap_or(now);
        plan.faults.extend(faults.into_iter().filter_map(|fault| within(fault, spec)));
        now = over + between(&mut random, rest);
    }
    plan.faults.sort_by_key(|fault: &PlannedFault| (fault.at, fault.lasts));
    plan
}

/// A fault as the promise allows it: on fewer nodes where it would take too many down, and not at all where none may be.
fn within(mut fault: PlannedFault, spec: &PlanSpec) -> Option<PlannedFault> {
    let most = spec.max_down.of(spec.nodes);
    // Of nodes that are restarted in turn one is down at a time.
    let in_turn = fault.fault.family().is_in_turn();
    if spec.max_down == MaxDown::Any || !fault.fault.family().takes_down() || (in_turn && most > 0) {
        return Some(fault);
    }
    let minority = (spec.nodes.saturating_sub(1) / 2).max(1);
    fault.targets = match (most, fault.targets) {
        (0, _) => return None,
        (_, one @ (Targets::Leader | Targets::One)) => one,
        (most, _) if most < minority => Targets::One,
        (most, _) if most <= spec.nodes / 2 => Targets::Minority,
        (most, targets) if most > spec.nodes / 2 && most < spec.nodes => match targets {
            Targets::All => Targets::Majority,
            targets => targets,
        },
        (_, targets) => targets,
    };
    Some(fault)
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
