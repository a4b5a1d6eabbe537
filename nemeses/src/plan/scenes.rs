//! What happens in one period of faults: a family that has its turn, and company for it.

use std::time::Duration;

use cluster::{
    Skew,
    disk::{Operation, Strikes},
    network::Distribution,
};
use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    Action, Answer, Conduct, Peers, PlannedFault, Shape,
    cards::{self, Crash, Cut, TimeKind, crashes, cuts, links},
    draw::between,
    opening::Opening,
};
use crate::{Family, Pace, Powers, Targets, streams::Deck};

/// Deals the scenes of a plan. What every run must meet comes first, in random order; after that every kind of scene comes
/// once before any comes again.
#[derive(Debug)]
pub(super) struct Scenes {
    families: Vec<Family>,
    openings: Deck<Opening>,
    openings_left: usize,
    leads: Deck<Family>,
    partitions: Deck<Cut>,
    kills: Deck<Crash>,
    pauses: Deck<Targets>,
    links: Deck<Action>,
    clocks: Deck<(Targets, bool)>,
    flaps: Deck<Targets>,
    swizzles: Deck<Targets>,
    resets: Deck<(Targets, f64)>,
    terminations: Deck<Targets>,
    throttles: Deck<(Targets, f64)>,
    times: Deck<(Targets, TimeKind)>,
    names: Deck<(Targets, Answer)>,
    blackouts: Deck<Targets>,
    had_blackout: bool,
    tears: Deck<Targets>,
    ailing: Deck<Targets>,
    nodes: usize,
    powers: Powers,
    pace: Pace,
}

/// A stretch of time in milliseconds.
#[derive(Clone, Copy)]
struct Slot {
    at: u64,
    lasts: u64,
}

impl Scenes {
    pub(super) fn new(families: &[Family], nodes: usize, powers: &Powers, pace: Pace) -> Self {
        // How often each has its turn: partitions and kills show the most.
        let turns = |family: &Family| match family {
            Family::Partition | Family::Kill | Family::PowerLoss => 2,
            _ => 1,
        };
        let gentle = pace == Pace::Gentle;
        let openings: Vec<Opening> = Opening::ALL
            .into_iter()
            .filter(|opening| !gentle && families.contains(&opening.family()) && opening.suits(nodes))
            .collect();
        let leads = families.iter().flat_map(|family| std::iter::repeat_n(*family, turns(family))).collect();
        Self {
            families: families.to_vec(),
            openings_left: openings.len(),
            openings: Deck::new(openings),
            leads: Deck::new(leads),
            partitions: Deck::new(if gentle { cards::gentle_cuts(nodes) } else { cuts(nodes) }),
            kills: Deck::new(if gentle { cards::gentle_crashes() } else { crashes(nodes) }),
            pauses: Deck::new(vec![Targets::Leader, Targets::Minority, Targets::Leader, Targets::One]),
            links: Deck::new(if gentle { cards::gentle_links() } else { links() }),
            clocks: Deck::new(vec![
                (Targets::Leader, false),
                (Targets::One, true),
                (Targets::Minority, true),
            ]),
            flaps: Deck::new(cards::flaps(nodes)),
            swizzles: Deck::new(cards::swizzles()),
            resets: Deck::new(cards::resets()),
            terminations: Deck::new(cards::terminations()),
            throttles: Deck::new(cards::throttles()),
            times: Deck::new(cards::times()),
            names: Deck::new(cards::names()),
            blackouts: Deck::new(cards::blackouts()),
            had_blackout: false,
            tears: Deck::new(cards::blackouts()),
            ailing: Deck::new(cards::ailing()),
            nodes,
            powers: powers.clone(),
            pace,
        }
    }

    /// The faults of one period. All of them lie within it.
    pub(super) fn draw(&mut self, at: u64, length: u64, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let whole = Slot { at, lasts: length };
        let (lead, mut faults) = if self.openings_left > 0
            && let Some(opening) = self.openings.draw(random)
        {
            self.openings_left -= 1;
            let faults = self.opening(opening, whole, random);
            if !opening.bears_company() {
                return faults;
            }
            (opening.family(), faults)
        } else {
            let Some(lead) = self.leads.draw(random) else { return Vec::new() };
            (lead, self.family(lead, whole, random))
        };
        let company = match (between(random, (0, 99)), self.pace) {
            (_, Pace::Gentle) | (0..=44, Pace::Standard) => 0,
            (45..=84, Pace::Standard) | (0..=54, Pace::Harsh) => 1,
            _ => 2,
        };
        let mut present = vec![lead];
        for _ in 0..company {
            let free: Vec<Family> =
                self.families.iter().copied().filter(|family| may_join(*family, &present)).collect();
            let Some(&family) = free.choose(random) else { break };
            present.push(family);
            // Company comes a little later and goes a little earlier, so that the mix itself changes.
            let late = between(random, (0, length / 4));
            let lasts = length - late - between(random, (0, length / 4));
            let slot = Slot { at: at + late, lasts: lasts.max(200).min(length - late) };
            faults.extend(self.family(family, slot, random));
        }
        faults
    }

    fn family(&mut self, family: Family, slot: Slot, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        match family {
            Family::Partition => self.partition(slot, random),
            Family::Link => self.link(slot, random),
            Family::Kill => self.kill(slot, random),
            Family::Pause => {
                let targets = self.pauses.draw(random).unwrap_or(Targets::One);
                vec![self.fault(slot, Action::Pause, targets)]
            }
            Family::Clock => self.clock(slot, random),
            Family::Dns => self.dns(slot, random),
            other => self.later_family(other, slot, random).into_iter().collect(),
        }
    }

    /// The families that a run draws from only when they are asked for by name.
    fn later_family(&mut self, family: Family, slot: Slot, random: &mut ChaCha8Rng) -> Option<PlannedFault> {
        let (action, targets) = match family {
            Family::Flap => {
                let (down_ms, up_ms) = (between(random, (100, 500)), between(random, (100, 400)));
                (Action::Flapping { shape: Shape::Split, down_ms, up_ms }, self.flaps.draw(random)?)
            }
            Family::Swizzle => {
                let step_ms = (slot.lasts / (2 * self.nodes as u64)).max(50);
                (Action::Swizzle { step_ms }, self.swizzles.draw(random)?)
            }
            Family::Reset => {
                let (targets, share) = self.resets.draw(random)?;
                (Action::Resetting { share }, targets)
            }
            Family::HalfOpen => (Action::HalfOpen, Targets::Leader),
            Family::Terminate => (Action::Terminate, self.terminations.draw(random)?),
            Family::Roll => {
                let (down_ms, gap_ms) = (between(random, (50, 300)), between(random, (100, 400)));
                (Action::Roll { down_ms, gap_ms }, Targets::All)
            }
            Family::Throttle => {
                let (targets, share) = self.throttles.draw(random)?;
                (Action::Throttle { share }, targets)
            }
            Family::Memory => {
                let targets = if random.random_bool(0.5) { Targets::Leader } else { Targets::Minority };
                (Action::Memory { spare_mib: between(random, (0, 8)) }, targets)
            }
            Family::Files => {
                let targets = if random.random_bool(0.5) { Targets::Leader } else { Targets::Minority };
                (Action::Files { spare: between(random, (0, 3)) }, targets)
            }
            Family::Clients if random.random_bool(0.5) => {
                let targets = if random.random_bool(0.5) { Targets::All } else { Targets::Leader };
                (Action::ClientCrash { count: between(random, (1, 2)) as usize }, targets)
            }
            Family::Clients => (Action::Burst { hold_ms: between(random, (50, 400)) }, Targets::All),
            Family::Strangers => {
                let conducts = [Conduct::Storm, Conduct::HalfRequests, Conduct::Slow, Conduct::Garbage];
                let targets = if random.random_bool(0.5) { Targets::All } else { Targets::Leader };
                let count = between(random, (5, 40)) as usize;
                (Action::Strangers { conduct: *conducts.choose(random)?, count }, targets)
            }
            Family::Time => self.time(slot, random)?,
            Family::Replace => {
                let few = [Targets::One, Targets::Leader, Targets::Minority];
                (Action::Replace, few.choose(random).cloned()?)
            }
            Family::Upgrade => {
                let (down_ms, gap_ms) = (between(random, (50, 200)), between(random, (50, 300)));
                let some = [Targets::All, Targets::Minority, Targets::Majority];
                (Action::Upgrade { down_ms, gap_ms }, some.choose(random).cloned()?)
            }
            Family::Freeze => (Action::Freeze, self.pauses.draw(random)?),
            Family::Reboot => (Action::Reboot, self.terminations.draw(random)?),
            Family::Partition | Family::Link | Family::Kill | Family::Pause | Family::Clock | Family::Dns => {
                return None;
            }
            disks => return self.disk(disks, slot, random),
        };
        let mut fault = self.fault(slot, action, targets);
        if self.nodes < 2 && family.is_of_network() {
            fault.from = Peers::Clients;
        }
        Some(fault)
    }

    /// What happens to disks, and to whose. What no disk may do happens to one at a time.
    fn disk(&mut self, family: Family, slot: Slot, random: &mut ChaCha8Rng) -> Option<PlannedFault> {
        let (strikes, seed) = (Strikes::default(), random.random_range(1..1 << 32));
        let (action, targets) = match family {
            // All at once comes first: what nobody synced is gone everywhere.
            Family::PowerLoss if !std::mem::replace(&mut self.had_blackout, true) => {
                (Action::PowerLoss, Targets::All)
            }
            Family::PowerLoss => (Action::PowerLoss, self.blackouts.draw(random)?),
            Family::TornWrite => (Action::TornWrite { seed }, self.tears.draw(random)?),
            Family::DiskError => {
                let every = [None, Some(2), Some(5)][between(random, (0, 2)) as usize];
                let strikes = Strikes { every, ..strikes };
                (Action::DiskError { on: Operation::Sync, strikes }, self.ailing.draw(random)?)
            }
            Family::DiskFull => (Action::DiskFull { strikes }, self.ailing.draw(random)?),
            Family::DiskSlow => {
                let delay_ms = between(random, (20, 400));
                (Action::DiskSlow { on: Operation::Sync, delay_ms, strikes }, self.ailing.draw(random)?)
            }
            Family::DiskReadonly => (Action::DiskReadonly, self.ailing.draw(random)?),
            Family::FsyncLies => (Action::FsyncLies { strikes }, Targets::One),
            Family::LostWrite => {
                let strikes = Strikes { every: Some(between(random, (2, 20))), ..strikes };
                (Action::LostWrite { strikes }, Targets::One)
            }
            Family::MisdirectedWrite => {
                let strikes = Strikes { every: Some(between(random, (2, 20))), ..strikes };
                (Action::MisdirectedWrite { strikes }, Targets::One)
            }
            Family::BitFlip => {
                (Action::BitFlip { count: between(random, (1, 8)), path: None, seed }, Targets::One)
            }
            Family::Truncate => {
                (Action::Truncate { bytes: between(random, (1, 8192)), path: None, seed }, Targets::One)
            }
            Family::Wipe => (Action::Wipe, Targets::One),
            Family::RollBack => (Action::RollBack, Targets::One),
            _ => return None,
        };
        // Nothing new happens while the power is off.
        let is_off = matches!(
            family,
            Family::PowerLoss | Family::TornWrite | Family::BitFlip | Family::Truncate | Family::Wipe
        );
        let lasts = if is_off { slot.lasts.min(between(random, (300, 1200))) } else { slot.lasts };
        Some(self.fault(Slot { lasts, ..slot }, action, targets))
    }

    /// What processes take the time to be, and which: small errors matter to times that are compared, large ones to leases.
    fn time(&mut self, slot: Slot, random: &mut ChaCha8Rng) -> Option<(Action, Targets)> {
        let (targets, kind) = self.times.draw(random)?;
        let size = match between(random, (0, 2)) {
            0 => between(random, (50, 1000)),
            1 => between(random, (1000, 30_000)),
            _ => between(random, (30_000, 100_000_000)),
        } as i64;
        let offset_ms = if random.random_bool(0.5) { size } else { -size };
        let skew = match kind {
            TimeKind::Jump => Skew::Jump { offset_ms },
            TimeKind::Strobe => {
                Skew::Strobe { offset_ms, period_ms: between(random, (5, (slot.lasts / 4).max(10))) }
            }
            // So fast that it comes to this much by the end; too slow is at most nearly still.
            TimeKind::Drift => Skew::Drift {
                parts_per_million: (offset_ms * 1_000_000 / slot.lasts.max(1) as i64)
                    .clamp(-900_000, 10_000_000),
            },
            TimeKind::Freeze => Skew::Freeze,
            TimeKind::LeapSecond => Skew::LeapSecond,
        };
        Some((Action::Time(skew), targets))
    }

    fn opening(&mut self, opening: Opening, slot: Slot, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        match opening {
            Opening::LeaderAlone => {
                vec![self.fault(slot, Action::Partition { shape: Shape::Split }, Targets::Leader)]
            }
            Opening::Blackout => self.crash(slot, Crash::Room(Targets::All), random),
            Opening::Forgetting => self.crash_loop(slot, &Targets::FollowersMajority, random),
            Opening::LeaderStopped => vec![self.fault(slot, Action::Pause, Targets::Leader)],
            Opening::Distance => {
                let delay_ms = between(random, (75, 95));
                let far = Action::Slow { delay_ms, jitter_ms: 30, distribution: Distribution::Normal };
                vec![self.fault(slot, far, Targets::All)]
            }
            Opening::ClockJump => self.jump(slot, between(random, (2000, 30_000)), random),
        }
    }

    /// A fault; where nobody can say who leads, any node stands for the leader.
    fn fault(&self, slot: Slot, action: Action, targets: Targets) -> PlannedFault {
        let targets = match targets {
            Targets::Leader if !self.powers.primaries => Targets::One,
            Targets::FollowersMajority if !self.powers.primaries => Targets::Majority,
            targets => targets,
        };
        let (at, lasts) = (Duration::from_millis(slot.at), Duration::from_millis(slot.lasts));
        PlannedFault::new(at, lasts, action, targets)
    }

    fn partition(&mut self, slot: Slot, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let Some((shape, targets, direction, from)) = self.partitions.draw(random) else { return Vec::new() };
        let mut fault = self.fault(slot, Action::Partition { shape }, targets);
        (fault.direction, fault.from) = (direction, from);
        vec![fault]
    }

    fn link(&mut self, slot: Slot, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let Some(action) = self.links.draw(random) else { return Vec::new() };
        let everywhere = self.nodes > 1 && random.random_bool(0.6);
        let targets = if everywhere { Targets::All } else { Targets::Leader };
        let mut fault = self.fault(slot, action, targets);
        if self.nodes < 2 {
            fault.from = Peers::Clients;
        } else if random.random_bool(0.3) {
            fault.from = Peers::Everybody;
        }
        vec![fault]
    }

    fn kill(&mut self, slot: Slot, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let Some(crash) = self.kills.draw(random) else { return Vec::new() };
        self.crash(slot, crash, random)
    }

    fn crash(&self, slot: Slot, crash: Crash, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let (targets, lasts) = match crash {
            Crash::Few(targets) => (targets, between(random, (500, 2500))),
            Crash::Room(targets) => (targets, between(random, (300, 1200))),
            Crash::Loop(targets) => return self.crash_loop(slot, &targets, random),
        };
        let lasts = slot.lasts.min(lasts);
        vec![self.fault(Slot { lasts, ..slot }, Action::Kill, targets)]
    }

    fn crash_loop(&self, slot: Slot, targets: &Targets, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let mut faults = Vec::new();
        let (mut at, end) = (slot.at, slot.at + slot.lasts);
        while at + 200 <= end && faults.len() < 4 {
            let lasts = between(random, (80, 200));
            faults.push(self.fault(Slot { at, lasts }, Action::Kill, targets.clone()));
            // Restarting takes time as well, and a node that is not up again yet cannot be killed.
            at += lasts + between(random, (500, 900));
        }
        faults
    }

    /// Names are looked up when a connection is opened, so those that are open are reset meanwhile.
    fn dns(&mut self, slot: Slot, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let Some((targets, answer)) = self.names.draw(random) else { return Vec::new() };
        let mut faults = vec![self.fault(slot, Action::Dns { answer }, targets.clone())];
        if self.powers.network && slot.lasts >= 600 {
            let inner = Slot { at: slot.at + 200, lasts: 200 };
            faults.push(self.fault(inner, Action::Resetting { share: 1.0 }, targets));
        }
        faults
    }

    fn clock(&mut self, slot: Slot, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        // Small offsets matter to clocks that are compared, large ones to leases.
        let size = match between(random, (0, 2)) {
            0 => between(random, (50, 1000)),
            1 => between(random, (1000, 8000)),
            _ => between(random, (8000, 30_000)),
        };
        self.jump(slot, size, random)
    }

    /// A clock that is wrong by so many milliseconds.
    fn jump(&mut self, slot: Slot, size: u64, random: &mut ChaCha8Rng) -> Vec<PlannedFault> {
        let Some((targets, ahead)) = self.clocks.draw(random) else { return Vec::new() };
        let size = size as i64;
        let offset_ms = if ahead { size } else { -size };
        let by_leader = targets == Targets::Leader;
        let mut faults = vec![self.fault(slot, Action::Clock { offset_ms }, targets)];
        // A leader whose clock is back believes in its lease for too long; that shows when it is cut off meanwhile.
        let can_cut = self.families.contains(&Family::Partition) && self.nodes > 1;
        if by_leader && can_cut && slot.lasts >= 1200 {
            let inner = Slot { at: slot.at + 200, lasts: slot.lasts - 300 };
            faults.push(self.fault(inner, Action::Partition { shape: Shape::Split }, Targets::Leader));
        }
        faults
    }
}

/// Whether a family may be there together with others. Whom a word will mean is not known yet, so two families that could
/// meet in one process are never drawn together.
fn may_join(family: Family, present: &[Family]) -> bool {
    let strikes_processes = |family: &Family| {
        !family.is_of_network() && !matches!(family, Family::Clients | Family::Strangers | Family::Dns)
    };
    let could_meet = strikes_processes(&family) && present.iter().any(strikes_processes);
    !present.contains(&family) && !could_meet
}
