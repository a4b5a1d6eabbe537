//! What a run says in one word and one sentence.

use checkers::Validity;
use serde::{Deserialize, Serialize};

use super::Findings;
use crate::wording::{count, plural};

/// What a run says in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Headline {
    /// No anomaly found in this history, under this model.
    Valid,
    /// Not decided, or too little evidence.
    Unknown,
    /// At least one anomaly was proven. It outranks everything, also a failure of the harness.
    Invalid,
    /// The harness failed before anything was decided: not a verdict.
    Failure,
}

impl Headline {
    /// The word as it is shown.
    pub fn word(self) -> &'static str {
        match self {
            Self::Valid => "VALID",
            Self::Unknown => "UNKNOWN",
            Self::Invalid => "INVALID",
            Self::Failure => "HARNESS FAILURE",
        }
    }

    /// The word in lower case without blanks, for classes and attributes.
    pub fn slug(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unknown => "unknown",
            Self::Invalid => "invalid",
            Self::Failure => "failure",
        }
    }

    /// A sign that tells the words apart without colour.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Valid => "✓",
            Self::Unknown => "?",
            Self::Invalid => "✗",
            Self::Failure => "!",
        }
    }
}

impl Findings {
    /// Brings `validity` and `headline` in step with the verdicts, doubts and failure. Call it after changing any of
    /// them; reports show what it left.
    pub fn settle(&mut self) {
        let worst = self.verdicts.iter().map(|verdict| verdict.validity).max().unwrap_or(Validity::Unknown);
        let doubted = if self.doubts.is_empty() { Validity::Valid } else { Validity::Unknown };
        self.validity = worst.max(doubted);
        self.headline = match (self.validity, &self.failure) {
            (Validity::Invalid, _) => Headline::Invalid,
            (_, Some(_)) => Headline::Failure,
            (Validity::Unknown, None) => Headline::Unknown,
            (Validity::Valid, None) => Headline::Valid,
        };
    }

    /// What the run says in one sentence, without its word.
    pub fn sentence(&self) -> String {
        let model = if self.run.model.is_empty() { "the model" } else { self.run.model.as_str() };
        let operations = plural(self.operations, "operation");
        match self.headline {
            Headline::Invalid => {
                let anomalies = self.anomalies().count() as u64;
                format!("{} in {operations}, judged as {}.", broken(anomalies), self.broken_models(model))
            }
            Headline::Failure => {
                let failure = self.failure.as_deref().unwrap_or("the harness failed");
                format!("{} This is not a verdict.", sentence_of(failure))
            }
            Headline::Unknown => match self.why_unknown() {
                Some(reason) => {
                    sentence_of(&format!("{operations} judged as {model}, not decided: {reason}"))
                }
                None => "nothing was judged.".into(),
            },
            Headline::Valid => format!(
                "no anomaly found in {operations} ({} ok), judged as {model}.",
                count(self.ok_operations)
            ),
        }
    }

    fn broken_models(&self, fallback: &str) -> String {
        let mut models: Vec<&str> = Vec::new();
        for verdict in self.verdicts.iter().filter(|verdict| verdict.validity == Validity::Invalid) {
            if !models.contains(&verdict.model.as_str()) {
                models.push(&verdict.model);
            }
        }
        if models.is_empty() { fallback.into() } else { models.join(", ") }
    }

    fn why_unknown(&self) -> Option<String> {
        let undecided = || self.verdicts.iter().filter(|verdict| verdict.validity == Validity::Unknown);
        self.doubts
            .first()
            .cloned()
            .or_else(|| undecided().flat_map(|verdict| &verdict.limits).next().map(ToString::to_string))
            .or_else(|| undecided().flat_map(|verdict| &verdict.notes).next().cloned())
            .or_else(|| undecided().next().map(|verdict| format!("{} could not decide", verdict.checker)))
    }
}

fn broken(anomalies: u64) -> String {
    match anomalies {
        0 => "the promise was broken".into(),
        1 => "1 anomaly was proven".into(),
        many => format!("{} anomalies were proven", count(many)),
    }
}

/// The text with exactly one full stop at its end.
fn sentence_of(text: &str) -> String {
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) { text.into() } else { format!("{text}.") }
}
