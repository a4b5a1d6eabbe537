//! A suite as JUnit XML: one case per cell.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{Cell, Ending, Suite};
use crate::wording::{cut, visible};

/// The longest message attribute, in characters.
const MESSAGE_MAX: usize = 500;

/// The suite as JUnit XML. What is not decided and what failed are errors, what was not run is skipped.
pub fn junit(suite: &Suite) -> String {
    let mut report = Report::new("disprove");
    let mut cases = TestSuite::new(visible(&suite.name).into_owned());
    cases.add_property(("night", visible(&suite.night).into_owned().as_str()));
    for cell in &suite.cells {
        cases.add_test_case(case(cell));
    }
    cases.set_time(std::time::Duration::from_nanos(suite.took.0));
    report.add_test_suite(cases);
    report.to_string().expect("a report written into memory has no way to fail")
}

fn case(cell: &Cell) -> TestCase {
    let telling = cell.telling();
    let mut status = match cell.ending {
        Some(Ending::Valid) => TestCaseStatus::success(),
        Some(Ending::Invalid | Ending::Threshold) => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Some(Ending::Failure | Ending::Unknown) => TestCaseStatus::non_success(NonSuccessKind::Error),
        None => TestCaseStatus::skipped(),
    };
    if cell.ending != Some(Ending::Valid) {
        let said = telling.map_or("it was not run", |attempt| attempt.sentence.as_str());
        status.set_message(cut(&visible(said), MESSAGE_MAX).into_owned());
        if let (Some(ending), Some(attempt)) = (cell.ending, telling) {
            status.set_type(ending.word());
            let prints = attempt.fingerprints.iter().map(|print| visible(print).into_owned());
            let folder = format!("run: {}", visible(&attempt.folder));
            status.set_description(prints.chain([folder]).collect::<Vec<_>>().join("\n"));
        }
    }
    let mut case = TestCase::new(format!("seed {}", cell.seed), status);
    case.set_classname(visible(&cell.tested).into_owned());
    case.set_time(std::time::Duration::from_nanos(cell.attempts.iter().map(|attempt| attempt.took.0).sum()));
    case
}
