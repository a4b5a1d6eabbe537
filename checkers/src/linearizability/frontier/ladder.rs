//! In which order frontiers are tried: narrow and thrifty ones for an order, generous ones for a proof that there is none.

use super::{Course, Frontier, Stance, bags::Accounts};
use crate::{
    Budget, Limit,
    linearizability::{decision::Decision, decision::Meter, window::Window},
};

/// One way to hold the frontier.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rung {
    /// No wider than this; a position may have used so many unknown operations more than the thriftiest.
    Thrifty(usize, u32),
    /// No wider than this, as if there were any number of the unknown operations that are on no account.
    Generous(usize),
}

/// Where nothing is unknown.
const CERTAIN: [Rung; 5] = [
    Rung::Thrifty(24, u32::MAX),
    Rung::Thrifty(384, u32::MAX),
    Rung::Thrifty(6_144, u32::MAX),
    Rung::Thrifty(98_304, u32::MAX),
    Rung::Thrifty(usize::MAX, u32::MAX),
];
/// Where something is.
pub(super) const UNCERTAIN: [Rung; 9] = [
    Rung::Thrifty(24, 0),
    Rung::Thrifty(96, 1),
    Rung::Generous(1_536),
    Rung::Thrifty(384, 2),
    Rung::Thrifty(1_536, 4),
    Rung::Generous(24_576),
    Rung::Thrifty(6_144, 8),
    Rung::Thrifty(98_304, u32::MAX),
    Rung::Thrifty(usize::MAX, u32::MAX),
];
/// The most accounts that a generous frontier keeps.
const ACCOUNTS: usize = 24;
/// How many steps may be spent on how far an order gets, once it is known that none gets to the end: so many for each
/// step that was needed to know that, and these.
const FURTHER: (u64, u64) = (4, 200_000);

/// Where a frontier ended.
pub(super) enum End {
    Decided(Decision),
    /// It died, but something had been left out.
    TooNarrow(u32),
    /// No order explains what is up to this return, but which is the first such return is not known.
    Dead(u32),
    /// It went on only by using more operations of these kinds than there were.
    Overdrawn(Vec<u32>),
}

/// The frontiers to be tried.
pub(super) fn rungs(course: &Course<'_>) -> &'static [Rung] {
    if course.kinds.is_empty() { &CERTAIN } else { &UNCERTAIN }
}

/// Tries one frontier after the other.
pub(super) fn climb<W: Window>(
    course: &Course<'_>,
    words: usize,
    rungs: &[Rung],
    budget: &Budget,
) -> Decision {
    let mut climb =
        Climb { course, words, furthest: 0, dead: course.hopeless, accounts: Accounts::default() };
    let mut meter = Meter::new(budget);
    for rung in rungs {
        let decision = match *rung {
            Rung::Thrifty(width, slack) => climb.thrifty::<W>(width, slack, &mut meter),
            Rung::Generous(width) => climb.generous::<W>(width, &mut meter),
        };
        match (decision, climb.dead) {
            // Nothing gets past this return, however far the search got.
            (Some(Decision::Unknown { .. }), Some(reached)) => return Decision::Invalid { reached },
            (Some(decision), _) => return decision,
            (None, _) => {}
        }
    }
    Decision::Unknown { limit: Limit::Steps(budget.steps_max), reached: climb.furthest }
}

struct Climb<'a> {
    course: &'a Course<'a>,
    words: usize,
    /// How many returns an order is known to pass.
    furthest: u32,
    /// A return that no order passes.
    dead: Option<u32>,
    accounts: Accounts,
}

impl Climb<'_> {
    fn run<W: Window>(&mut self, stance: Stance, meter: &mut Meter<'_>) -> End {
        Frontier { course: self.course, words: self.words, dead: self.dead, stance, left_out: false }
            .run::<W>(meter)
    }

    fn thrifty<W: Window>(&mut self, width: usize, slack: u32, meter: &mut Meter<'_>) -> Option<Decision> {
        let stance = Stance { width, slack, accounts: Accounts::all() };
        match self.run::<W>(stance, meter) {
            End::Decided(Decision::Unknown { limit, reached }) => {
                Some(Decision::Unknown { limit, reached: reached.max(self.furthest) })
            }
            End::Decided(decision) => Some(decision),
            End::TooNarrow(reached) | End::Dead(reached) => {
                self.furthest = self.furthest.max(reached);
                None
            }
            End::Overdrawn(_) => None,
        }
    }

    /// Opens accounts for what was overdrawn until there is an answer. A limit that is hit here is hit in all.
    fn generous<W: Window>(&mut self, width: usize, meter: &mut Meter<'_>) -> Option<Decision> {
        while self.dead.is_none() || self.dead == self.course.hopeless {
            let stance = Stance { width, slack: u32::MAX, accounts: self.accounts.clone() };
            match self.run::<W>(stance, meter) {
                End::Decided(Decision::Unknown { limit, .. }) => {
                    return Some(Decision::Unknown { limit, reached: self.furthest });
                }
                End::Decided(decision) => return Some(decision),
                End::Dead(reached) => {
                    if reached == self.furthest {
                        return Some(Decision::Invalid { reached });
                    }
                    self.dead = Some(reached);
                    let (times, more) = FURTHER;
                    meter.allow(meter.steps().saturating_mul(times).saturating_add(more));
                    return None;
                }
                End::TooNarrow(_) => return None,
                End::Overdrawn(kinds) => {
                    if self.accounts.len() >= ACCOUNTS || !self.open(&kinds) {
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Opens an account for all kinds; if there is one, for those that make the value that an overdrawn one makes; if
    /// there are such, for the overdrawn ones.
    fn open(&mut self, kinds: &[u32]) -> bool {
        let all = (0u32..).take(self.course.kinds.len());
        if self.accounts.open(all.clone().collect()) {
            return true;
        }
        let mut opened = false;
        let makes = |kind: u32| self.course.kinds[kind as usize].action.makes();
        for &kind in kinds {
            opened |= self.accounts.open(all.clone().filter(|&other| makes(other) == makes(kind)).collect());
        }
        if !opened {
            kinds.iter().for_each(|&kind| opened |= self.accounts.open(vec![kind]));
        }
        opened
    }
}
