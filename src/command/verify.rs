//! `verify`: accepts or rejects the proof that `check --certificate` wrote, without the engines that found it.

use history::with_history;

use crate::{
    arguments::VerifyArguments,
    certificate::Certificate,
    command::check,
    exit::{Exit, Failure},
    verification::{self, Said},
};

/// Checks every part of the proof. Exits 1 if one is not accepted, 2 if there was none to check.
pub fn run(verify: &VerifyArguments) -> Result<Exit, Failure> {
    let place = verify.certificate.display();
    let text = std::fs::read_to_string(&verify.certificate)
        .map_err(|error| Failure::input(format!("cannot read {place}: {error}")))?;
    let certificate = Certificate::read(&text)
        .map_err(|failure| Failure { message: format!("{place}: {}", failure.message), ..failure })?;
    let history = check::read(
        &verify.file,
        verify.format.as_deref(),
        Some(&certificate.vocabulary),
        verify.initial.as_deref(),
    )?;
    let lines: Vec<(Said, String)> = with_history!(&history, history => {
        certificate.proofs.iter().flat_map(|proof| verification::verify(history, proof)).collect()
    });
    for (said, line) in &lines {
        let word = match said {
            Said::Accepted => "accepted",
            Said::Silent => "not checked",
            Said::Rejected => "REJECTED",
        };
        crate::output::putln!("{word:<12} {line}");
    }
    Ok(if lines.iter().any(|(said, _)| *said == Said::Rejected) {
        Exit::Anomaly
    } else if lines.iter().any(|(said, _)| *said == Said::Accepted) {
        Exit::Valid
    } else {
        Exit::Unknown
    })
}
