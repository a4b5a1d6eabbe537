//! `verify`: accepts or rejects the proof that `check --certificate` wrote, without the engines that found it.

use checkers::proof::Said;
use history::with_history;

use crate::{
    arguments::VerifyArguments,
    certificate::Certificate,
    command::check,
    exit::{Exit, Failure},
    verification,
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
        let verified = |proof| verification::verify(history, proof, &certificate.terms);
        certificate.proofs.iter().flat_map(verified).collect()
    });
    for (said, line) in &lines {
        let word = match said {
            Said::Accepted => "accepted",
            Said::Silent(_) => "not checked",
            Said::Rejected => "REJECTED",
        };
        let why = if let Said::Silent(why) = said { format!("; {why}") } else { String::new() };
        crate::output::putln!("{word:<12} {line}{why}");
    }
    Ok(if lines.iter().any(|(said, _)| *said == Said::Rejected) {
        Exit::Anomaly
    } else if lines.iter().any(|(said, _)| *said == Said::Accepted) {
        Exit::Valid
    } else {
        Exit::Unknown
    })
}
