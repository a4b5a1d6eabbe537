//! What a run was expected to do: anomalies that are known and let pass, and thresholds that it had to keep.
//!
//! Neither changes the verdict. A known anomaly stays an anomaly, and is shown as known.

use checkers::{Anomaly, Validity, Verdict};
use maud::{Markup, html};
use serde::{Deserialize, Serialize};

use crate::{Findings, fingerprint, frame::text};

/// An anomaly that is known and let pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// A kind of anomaly, or a fingerprint.
    pub what: String,
    /// Who says so: `--allow`, or the run that is the baseline.
    pub source: String,
}

/// A threshold and how it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required {
    /// The threshold as it was written.
    pub text: String,
    /// Whether it was kept.
    pub is_met: bool,
    /// What was measured instead, in words.
    pub measured: String,
}

impl Findings {
    /// Who says that an anomaly of a verdict is known; `None` where it is new.
    pub fn known(&self, verdict: &Verdict, anomaly: &Anomaly) -> Option<&Known> {
        if self.known.is_empty() {
            return None;
        }
        let print = fingerprint::of(verdict, anomaly);
        self.known.iter().find(|known| known.what == anomaly.kind || known.what == print)
    }

    /// The anomalies that nobody said are known.
    pub fn new_anomalies(&self) -> impl Iterator<Item = (&Verdict, &Anomaly)> {
        self.anomalies().filter(|(verdict, anomaly)| self.known(verdict, anomaly).is_none())
    }

    /// All anomalies, those that are new before those that are known: a list that is cut must not hide the new ones.
    pub fn anomalies_new_first(&self) -> Vec<(&Verdict, &Anomaly)> {
        let is_known = |(verdict, anomaly): &(&Verdict, &Anomaly)| self.known(verdict, anomaly).is_some();
        let known = self.anomalies().filter(is_known);
        self.new_anomalies().chain(known).collect()
    }

    /// Whether a verdict proves nothing wrong that is not known.
    pub fn is_known(&self, verdict: &Verdict) -> bool {
        verdict.validity == Validity::Invalid
            && !verdict.anomalies.is_empty()
            && verdict.anomalies.iter().all(|anomaly| self.known(verdict, anomaly).is_some())
    }

    /// The verdict that counts for a pipeline: the findings' own, but with what is known let pass.
    pub fn validity_of_the_new(&self) -> Validity {
        let of = |verdict: &Verdict| if self.is_known(verdict) { Validity::Valid } else { verdict.validity };
        let worst = self.verdicts.iter().map(of).max().unwrap_or(Validity::Unknown);
        if self.doubts.is_empty() { worst } else { worst.max(Validity::Unknown) }
    }

    /// What is to be said of the known anomalies in one line, if any was found.
    pub fn known_sentence(&self) -> Option<String> {
        let all = self.anomalies().count();
        let new = self.new_anomalies().count();
        let mut sources: Vec<String> = Vec::new();
        for known in self.anomalies().filter_map(|(verdict, anomaly)| self.known(verdict, anomaly)) {
            if !sources.contains(&known.source) {
                sources.push(known.source.clone());
            }
        }
        let named = sources.join(", ");
        match (all - new, new) {
            (0, _) => None,
            (known, 0) => Some(format!("{}, and nothing is new ({named})", are_known(known))),
            (known, new) => Some(format!("{} ({named}), and {new} new", are_known(known))),
        }
    }
}

fn are_known(number: usize) -> String {
    format!("{number} {} known", if number == 1 { "anomaly is" } else { "anomalies are" })
}

/// The part of the page about both; nothing where nothing was expected.
pub(crate) fn panel(findings: &Findings) -> Markup {
    html! {
        @if let Some(sentence) = findings.known_sentence() {
            section.panel #known aria-label="Known anomalies" {
                h2 style="margin-top:0" { "Known" }
                p { (text(&sentence)) "." }
                ul {
                    @for (print, (number, anomaly)) in fingerprint::all(findings) {
                        @let known = findings.anomalies().find(|(_, other)| std::ptr::eq(*other, anomaly))
                            .and_then(|(verdict, anomaly)| findings.known(verdict, anomaly));
                        li {
                            code { (text(&print)) } " × " (number) ": "
                            @match known {
                                Some(known) => { "known, by " (text(&known.source)) }
                                None => { strong { "new" } }
                            }
                        }
                    }
                }
            }
        }
        @if !findings.required.is_empty() {
            section.panel #required aria-label="Thresholds" {
                h2 style="margin-top:0" { "Thresholds" }
                ul {
                    @for line in &findings.required {
                        li {
                            strong { @if line.is_met { "✓ kept" } @else { "✗ missed" } } " "
                            code { (text(&line.text)) } ": " (text(&line.measured))
                        }
                    }
                }
            }
        }
    }
}
