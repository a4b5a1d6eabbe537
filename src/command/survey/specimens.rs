//! The survey of the built-in specimens: how often each disease is found, with faults and without.

mod table;

use checkers::Validity;
use serde::{Deserialize, Serialize};
use specimens::Disease;

use super::measured::{self, Measured};
use crate::{
    arguments::SurveyArguments,
    exit::{Exit, Failure},
    settings,
};

/// What decides a run of a specimen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Case {
    disease: String,
    with_faults: bool,
    seconds: u64,
    seed: u64,
}

impl measured::Case for Case {
    fn flags(&self) -> Vec<String> {
        vec![
            "--db=specimen".into(),
            format!("--disease={}", self.disease),
            format!("--faults={}", if self.with_faults { "all" } else { "none" }),
            format!("--time-limit={}", self.seconds),
            format!("--seed={}", self.seed),
        ]
    }

    fn label(&self) -> String {
        let faults = if self.with_faults { "with faults" } else { "without faults" };
        format!("{} seed {} {faults}", self.disease, self.seed)
    }
}

/// Runs what is missing and writes the table.
pub(super) fn run(survey: &SurveyArguments) -> Result<Exit, Failure> {
    let diseases = diseases(survey)?;
    let cases = cases(survey, &diseases);
    // All that was ever measured under these settings counts, also from a survey with more seeds.
    let seconds = survey.time_limit.ceil() as u64;
    measured::survey(
        survey,
        &cases,
        |case: &Case| case.seconds == seconds,
        |chosen| table::draw(&diseases, chosen, survey.time_limit),
        judge,
    )
}

/// As `demo`: 1 when the healthy one was accused, 2 when a disease was missed too often, was found without the faults it
/// needs, or a healthy run proved nothing.
fn judge(results: &[&Measured<Case>]) -> Exit {
    let mut missed = false;
    for disease in Disease::all() {
        let of = |with_faults: bool| {
            let mine = results.iter().filter(move |result| {
                result.case.disease == disease.name() && result.case.with_faults == with_faults
            });
            let verdicts: Vec<Validity> = mine.map(|result| result.verdict).collect();
            let found = verdicts.iter().filter(|verdict| **verdict == Validity::Invalid).count();
            let sure = verdicts.iter().all(|verdict| *verdict != Validity::Unknown);
            (found, verdicts.len(), sure)
        };
        let ((found, runs, sure), (found_without, runs_without, sure_without)) = (of(true), of(false));
        if *disease == Disease::None {
            if found + found_without > 0 {
                return Exit::Anomaly;
            }
            missed |= !sure || !sure_without;
        } else {
            missed |= found * 10 < runs * 9;
            let expected = if disease.needs().is_empty() { runs_without } else { 0 };
            missed |= found_without != expected;
        }
    }
    if missed { Exit::Unknown } else { Exit::Valid }
}

fn diseases(survey: &SurveyArguments) -> Result<Vec<Disease>, Failure> {
    let all: Vec<Disease> = Disease::all().to_vec();
    let Some(names) = &survey.diseases else {
        // Some never show under the families that a plan usually draws from.
        return Ok(all.into_iter().filter(|disease| !disease.needs_special_faults()).collect());
    };
    names
        .split(',')
        .map(|name| {
            all.iter().copied().find(|disease| disease.name() == name.trim()).ok_or_else(|| {
                let nearest = settings::nearest(name, all.iter().map(|disease| disease.name()));
                Failure::usage(format!("there is no disease `{name}`; did you mean `{nearest}`?"))
            })
        })
        .collect()
}

/// All runs, one seed of everything after another, so that a survey that is stopped has something of everything.
fn cases(survey: &SurveyArguments, diseases: &[Disease]) -> Vec<Case> {
    let mut cases = Vec::new();
    for seed in 1..=u64::from(survey.seeds.max(survey.healthy_seeds)) {
        for disease in diseases {
            let (seeds, name) = match disease {
                Disease::None => (survey.healthy_seeds, disease.name()),
                _ => (survey.seeds, disease.name()),
            };
            // Without faults little varies: three seeds show whether a disease needs one.
            let seeds_without = if survey.only_with_faults { 0 } else { seeds.min(3) };
            for (with_faults, seeds) in [(true, seeds), (false, seeds_without)] {
                if seed <= u64::from(seeds) {
                    let seconds = survey.time_limit.ceil() as u64;
                    cases.push(Case { disease: name.to_owned(), with_faults, seconds, seed });
                }
            }
        }
    }
    cases
}
