//! The proof behind a verdict, in a file of its own, so that somebody else can check it without our engines.

use checkers::{Link, Validity, Verdict};
use history::{Header, Nanos, OpIndex};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// The version of this format.
const SCHEMA_VERSION: u32 = 1;

/// The proof of every verdict about one history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// The version of the format, and the mark of the file.
    pub disprove_certificate: u32,
    /// The vocabulary the history was judged as.
    pub vocabulary: String,
    /// What the verdicts rest on besides the history.
    #[serde(default)]
    pub terms: Terms,
    /// One proof per promise.
    pub proofs: Vec<Proof>,
}

/// What a verdict rests on besides the history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// What the order of versions was assumed to follow from (`--version-order`); nothing where only what is proven counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed: Option<String>,
    /// How late a read may be (`--staleness-time`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_time: Option<Nanos>,
    /// How many newer versions a read may miss (`--staleness-versions`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_versions: Option<u64>,
}

/// The proof of one verdict.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// The promise, or the promises, separated by commas.
    pub model: String,
    /// The judgement.
    pub verdict: Validity,
    /// An order of all operations that took effect, in which every answer is right; only for a valid verdict, and not
    /// for every engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Vec<OpIndex>>,
    /// What was proven wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub witnesses: Vec<Witness>,
}

/// The operations that prove one anomaly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Witness {
    /// The kind of the anomaly.
    pub kind: String,
    /// The operations.
    pub operations: Vec<OpIndex>,
    /// The cycle, where the contradiction is one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cycle: Vec<Link>,
}

impl Certificate {
    /// The proofs of these verdicts.
    pub fn of(header: &Header, terms: Terms, verdicts: &[Verdict]) -> Self {
        let proofs = verdicts.iter().map(|verdict| Proof {
            model: verdict.model.clone(),
            verdict: verdict.validity,
            order: verdict.certificate.clone(),
            witnesses: verdict
                .anomalies
                .iter()
                .map(|anomaly| Witness {
                    kind: anomaly.kind.clone(),
                    operations: anomaly.witness.clone(),
                    cycle: anomaly.cycle.clone(),
                })
                .collect(),
        });
        Self {
            disprove_certificate: SCHEMA_VERSION,
            vocabulary: header.vocabulary.clone(),
            terms,
            proofs: proofs.collect(),
        }
    }

    /// As a line of JSON.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("a certificate is plain data") + "\n"
    }

    /// What [`Certificate::to_json`] wrote.
    pub fn read(text: &str) -> Result<Self, Failure> {
        let certificate: Self = serde_json::from_str(text)
            .map_err(|error| Failure::input(format!("it is no certificate: {error}")))?;
        if certificate.disprove_certificate > SCHEMA_VERSION {
            return Err(Failure::input(format!(
                "it has schema {}, and this version reads up to {SCHEMA_VERSION}",
                certificate.disprove_certificate
            )));
        }
        Ok(certificate)
    }
}
