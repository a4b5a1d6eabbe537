//! What build servers are told besides the exit code: GitHub's step summary and annotations, where GitHub asks for them.

use std::{fs::OpenOptions, io::Write as _};

use reports::{Findings, step_summary};

/// Tells GitHub of a run, if it is GitHub that runs this.
pub fn announce(findings: &Findings) {
    append_summary(|| step_summary::summary(findings));
    annotate(&step_summary::annotations(findings));
}

/// Adds to the step's summary, if there is one.
pub fn append_summary(summary: impl FnOnce() -> String) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty()) else { return };
    let file = OpenOptions::new().create(true).append(true).open(&path);
    // A verdict is not worth less because a summary of it could not be written.
    if let Err(error) = file.and_then(|mut file| file.write_all(summary().as_bytes())) {
        eprintln!("disprove: cannot write the step summary {}: {error}", path.display());
    }
}

/// Prints annotations to standard error, where GitHub reads them as well: standard output is for data.
pub fn annotate(lines: &[String]) {
    if std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        lines.iter().for_each(|line| eprintln!("{line}"));
    }
}
