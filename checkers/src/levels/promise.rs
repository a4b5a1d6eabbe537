//! One answer about a problem and a promise, whatever is uncertain about who saw what.

use std::sync::Mutex;

use history::{History, vocabulary::Register};
use rayon::prelude::*;

use super::{
    calls::Problem,
    convergent,
    forced::Contradiction,
    meter::Meter,
    own_writes, regular,
    sources::{Choices, Sources},
    views::{Neighbours, View, Views},
};
use crate::{Budget, Limit, sequential};

/// A promise that is decided by who saw whose write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Promise {
    /// No read misses an own write.
    OwnWrites,
    /// What one order of the writes per session says.
    View(View),
    /// Causal convergence.
    Convergent,
    /// Causal convergence that agrees with real time.
    RealTimeCausal,
    /// Regular registers.
    Regular,
}

/// The answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// It is kept.
    Kept,
    /// It is broken.
    Broken(Contradiction),
    /// This observation has no cause.
    Impossible(u32),
    /// It is not known, because there are too many ways to explain what these observations saw.
    Ambiguous(u64),
    /// It is not known, because a limit was hit.
    Stopped(Limit),
}

/// About how many calls are looked at in all ways to explain what is uncertain, and at most how many ways.
const CHOICES_CALLS: usize = 1 << 23;
const CHOICES_MAX: usize = 1 << 16;
/// And at least so many ways.
const CHOICES_MIN: usize = 4;
/// The time of a view or a clock grows with the number of sessions; with more than these, a stronger promise is tried first.
const SESSIONS_FEW: usize = 16;
/// How many steps per call a search for a sequential order may take, where that would settle it.
const ORDER_STEPS: u64 = 16;

impl Promise {
    /// Whether each key can be judged by itself.
    pub fn is_by_key(self) -> bool {
        matches!(self, Self::OwnWrites | Self::View(View::MonotonicReads) | Self::Regular)
    }

    /// Whether it says something about real time.
    pub fn is_timed(self) -> bool {
        matches!(self, Self::RealTimeCausal | Self::Regular)
    }

    /// Decides a problem, of a history if it is all of that.
    pub fn decide(self, history: Option<&History<Register>>, problem: &Problem, budget: &Budget) -> Answer {
        let certain = Sources::certain(problem);
        if let Some(call) = certain.impossible {
            return Answer::Impossible(call);
        }
        let many = problem.sessions.len() > SESSIONS_FEW;
        let implied = |history| self.is_implied(history, problem, budget);
        if many && history.is_some_and(implied) {
            return Answer::Kept;
        }
        match self.contradiction(problem, &certain, budget) {
            Err(limit) => return Answer::Stopped(limit),
            Ok(Some(contradiction)) => return Answer::Broken(contradiction),
            Ok(None) if certain.uncertain.is_empty() => return Answer::Kept,
            Ok(None) => {}
        }
        if !many && history.is_some_and(implied) {
            return Answer::Kept;
        }
        // What each key by itself was seen to do is mostly what it did.
        let sources = Sources::preferring(problem, &sequential::seen_by_key(problem, budget, ORDER_STEPS));
        if sources.impossible.is_none() && matches!(self.contradiction(problem, &sources, budget), Ok(None)) {
            return Answer::Kept;
        }
        let calls = CHOICES_CALLS.min(usize::try_from(budget.steps_max).unwrap_or(usize::MAX));
        let most = (calls / problem.calls.len().max(1)).clamp(CHOICES_MIN, CHOICES_MAX);
        let mut choices = Choices::new(problem);
        for sources in choices.by_ref().take(most) {
            if sources.impossible.is_none() {
                match self.contradiction(problem, &sources, budget) {
                    Err(limit) => return Answer::Stopped(limit),
                    Ok(None) => return Answer::Kept,
                    Ok(Some(_)) => {}
                }
            }
        }
        if choices.next().is_some() {
            return Answer::Ambiguous(certain.uncertain.len() as u64);
        }
        let calls = (0..problem.calls.len() as u32).collect();
        Answer::Broken(Contradiction { cycle: Vec::new(), calls, session: None })
    }

    /// Whether a stronger promise is quickly found to be kept.
    pub fn is_implied(self, history: &History<Register>, problem: &Problem, budget: &Budget) -> bool {
        if self.is_timed() {
            return sequential::is_linearizable(history, problem, budget);
        }
        let steps = problem.calls.len() as u64 * ORDER_STEPS + 1_000;
        sequential::find_order(history, problem, budget, steps).is_some()
    }

    /// Looks for a contradiction in what these sources say.
    fn contradiction(
        self,
        problem: &Problem,
        sources: &Sources,
        budget: &Budget,
    ) -> Result<Option<Contradiction>, Limit> {
        match self {
            Self::OwnWrites => Ok(own_writes::judge(problem, sources)),
            Self::Regular => Ok(regular::judge(problem, sources)),
            Self::Convergent => convergent::judge(problem, sources, false, &mut Meter::new(budget)),
            Self::RealTimeCausal => convergent::judge(problem, sources, true, &mut Meter::new(budget)),
            Self::View(view) => {
                let neighbours = &Neighbours::new(problem, sources);
                let views = Views { problem, sources, neighbours, view };
                let limit: Mutex<Option<(u32, Limit)>> = Mutex::new(None);
                let judge = |session: u32| match views.judge(session, &mut Meter::new(budget)) {
                    Ok(found) => found,
                    Err(hit) => {
                        let mut limit = limit.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
                        if limit.as_ref().is_none_or(|(first, _)| session < *first) {
                            *limit = Some((session, hit));
                        }
                        None
                    }
                };
                // The first session's, so that it is the same for any number of threads.
                let found = (0..problem.sessions.len() as u32).into_par_iter().find_map_first(judge);
                match (found, limit.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())) {
                    (None, Some((_, limit))) => Err(limit),
                    (found, _) => Ok(found),
                }
            }
        }
    }
}
