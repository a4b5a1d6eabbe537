//! What the daemons of a node take for the time of day.

use std::collections::BTreeSet;

use super::super::wire::Answer;
use crate::{
    Skew,
    skew::Terms,
    vdso::{self, now},
};

/// What was chosen, and since when.
#[derive(Debug, Default)]
pub(super) struct Clocks {
    chosen: Option<(Skew, Terms)>,
    /// Whether anything was ever chosen: processes that nobody touched need not be looked at.
    touched: bool,
}

impl Clocks {
    /// Chooses, from now on. The same choice again goes on as it began.
    pub(super) fn choose(&mut self, skew: Option<Skew>) {
        let same = self.chosen.map(|(skew, _)| skew) == skew;
        if !same {
            self.chosen = skew.map(|skew| (skew, skew.terms(now())));
        }
        self.touched |= skew.is_some();
    }

    /// Sets the clocks of these processes to what was chosen, also of those that were born since.
    pub(super) fn keep_up(&self, processes: &BTreeSet<i32>) -> Answer {
        if !self.touched {
            return Answer::Done;
        }
        let terms = self.chosen.map(|(_, terms)| terms);
        let mut failed = None;
        for &pid in processes {
            if let Err(error) = vdso::set(pid, terms) {
                failed.get_or_insert(Answer::failed(format!("set the clock of process {pid}"), &error));
            }
        }
        failed.unwrap_or(Answer::Done)
    }
}

/// How far off these processes take the time to be.
pub(super) fn look(processes: &BTreeSet<i32>) -> Answer {
    // One that has ended since has no clock.
    let errors = processes.iter().filter_map(|&pid| Some((pid.unsigned_abs(), vdso::error_of(pid).ok()?)));
    Answer::Skews(errors.collect())
}
