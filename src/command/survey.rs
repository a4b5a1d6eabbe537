//! `survey`: how often what a table claims is so, measured by running `test` again and again: each disease of the
//! specimens, or each row of a file of findings in real systems.
//!
//! Each result is one line of a file; a survey that was stopped goes on where it was, and a survey that is asked for
//! more seeds runs only what is missing.

mod findings;
mod lanes;
mod measured;
mod specimens;

use crate::{
    arguments::SurveyArguments,
    exit::{Exit, Failure},
};

/// Runs what is missing and writes the table.
pub fn run(survey: &SurveyArguments) -> Result<Exit, Failure> {
    match &survey.rows {
        Some(file) => findings::run(survey, file),
        None => specimens::run(survey),
    }
}
