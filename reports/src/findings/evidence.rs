//! No evidence is not health: what makes a live run without any anomaly `unknown` rather than valid.

use checkers::Validity;
use history::{Damage, FaultState};

use super::{Findings, OutcomeKind};
use crate::wording::{count, percent};

/// Below this share of successful calls a reader is warned.
const OK_SHARE_MIN: f64 = 0.5;

impl Findings {
    /// Demands of a live run what makes `valid` mean something: every kind of call succeeded at least once and, where
    /// faults were asked for, at least one took effect. What is missing becomes a doubt; what is merely thin becomes a
    /// warning. Settles the headline.
    pub fn demand_evidence(&mut self, faults_were_asked_for: bool) {
        if self.ok_operations == 0 {
            self.doubts.push("no call succeeded".into());
        } else {
            let never = self.counts.iter().filter(|count| count.ok == 0);
            let doubts: Vec<_> =
                never.map(|c| format!("no {} succeeded out of {}", c.kind, count(c.total()))).collect();
            // A kind that was never called is in no count: calls that never began leave final reads of nothing.
            if doubts.is_empty() && self.ok_changes == Some(0) {
                self.doubts.push("every call that succeeded was a read, and nothing had been changed".into());
            }
            self.doubts.extend(doubts);
        }
        let in_force = self.faults.iter().filter(|line| line.record.state == FaultState::Installed).count();
        if faults_were_asked_for && in_force == 0 {
            let why =
                "faults were asked for and none is known to have taken effect: this was no test under faults";
            self.doubts.push(why.into());
        }
        if in_force > 0 && self.exposure.ok == 0 {
            self.warnings
                .push("No successful operation overlapped any fault: the faults tested little.".into());
        } else if in_force > 0 && self.exposure.ok_reads == 0 {
            self.warnings.push(
                "No successful read overlapped any fault: stale answers during faults went unseen.".into(),
            );
        }
        self.settle();
    }

    /// Notes how many nodes might be down at once, and warns where more were.
    pub fn hold_to_promise(&mut self, promised: Option<u64>) {
        self.down.promised = promised;
        if !self.down.is_within() {
            self.warnings.push(self.down.sentence());
        }
    }

    /// Warnings that the counts themselves call for.
    pub(super) fn warn_of_counts(&mut self) {
        if self.operations == 0 {
            self.warnings.push("The history holds no operation.".into());
            return;
        }
        let share = self.ok_operations as f64 / self.operations as f64;
        if share < OK_SHARE_MIN {
            let unknown: u64 = self.counts.iter().map(|count| count.of(OutcomeKind::Unknown)).sum();
            self.warnings.push(format!(
                "Only {} of all calls succeeded; {} have an unknown outcome, and each of those leaves the database \
                 more freedom.",
                percent(self.ok_operations, self.operations),
                count(unknown)
            ));
        }
        if let Some(damage) = &self.damage {
            let Damage { line, byte, what } = damage;
            self.warnings.push(format!("The history is damaged at line {line}, byte {byte}: {what}"));
        }
    }

    /// The limits that the checkers hit, in words, each once.
    pub(super) fn collect_limits(&mut self) {
        for verdict in &self.verdicts {
            for limit in &verdict.limits {
                let text = format!("{}: {limit}", verdict.checker);
                if !self.limits.contains(&text) {
                    self.limits.push(text);
                }
            }
        }
    }

    /// What the checkers noted beside their verdicts: how far an undecided one got, and what was measured.
    pub fn notes(&self) -> impl Iterator<Item = String> + '_ {
        self.verdicts
            .iter()
            .flat_map(|verdict| verdict.notes.iter().map(move |note| format!("{}: {note}", verdict.checker)))
    }

    /// What `valid` did not cover, for the part of every report that says so.
    pub fn honest_limits(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.validity != Validity::Invalid {
            lines.push(
                "Valid means: no anomaly was found in this history, under this model. It is not a proof that the \
                 database is correct; another run may meet another schedule."
                    .into(),
            );
        }
        let unknown: u64 = self.counts.iter().map(|count| count.unknown).sum();
        if unknown > 0 {
            lines.push(format!(
                "{} of {} operations have an unknown outcome. Each may have taken effect once, later, or never, and is \
                 judged in the database's favour.",
                count(unknown),
                count(self.operations)
            ));
        }
        for verdict in &self.verdicts {
            if verdict.operations < self.operations {
                lines.push(format!(
                    "{} judged {} of {} operations.",
                    verdict.checker,
                    count(verdict.operations),
                    count(self.operations)
                ));
            }
        }
        lines.extend(self.limits.iter().map(|limit| format!("Limit hit: {limit}.")));
        let skipped = self.faults.iter().filter(|line| line.record.state != FaultState::Installed).count();
        if skipped > 0 {
            lines.push(format!(
                "{} of {} faults were skipped or nobody can say whether they took effect.",
                skipped,
                self.faults.len()
            ));
        }
        if self.verdicts.is_empty() {
            lines.push("No checker judged this history.".into());
        }
        lines
    }
}
