//! Enters the namespaces of the local back end, where this machine permits them.

use cluster::local::{self, Entered};

use crate::exit::Exit;

/// The exit code of a process that a signal ended is this and the signal's number.
const SIGNALLED: i32 = 128;

/// Returns inside, or where namespaces are not permitted: then with the reason, and the run goes on with what is
/// possible without. The outer process waits for the inner one and exits as it did; nothing after this call is done
/// there.
pub fn enter() -> Option<String> {
    match local::enter() {
        Ok(Entered::Inside) => None,
        Ok(Entered::Finished(code)) => {
            let Some(signal) = killed_by(code) else { std::process::exit(code) };
            eprintln!(
                "disprove: the controller was killed by signal {signal} in the middle of its work, and its namespaces \
                 with all nodes ended with it. `disprove report RUN` judges what it had recorded, and `disprove heal \
                 RUN` says which faults were in force"
            );
            std::process::exit(Exit::Harness as i32)
        }
        Err(error) => Some(error.to_string()),
    }
}

/// The signal that ended the inner process, where it was not its own exit: an interruption has a code of its own.
fn killed_by(code: i32) -> Option<i32> {
    (code > SIGNALLED && code != Exit::Interrupted as i32).then(|| code - SIGNALLED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_signal_from_outside_is_taken_for_a_killing() {
        assert_eq!(killed_by(137), Some(9));
        for exit in [0, 1, 2, 3, 64, 65, 70, 130] {
            assert_eq!(killed_by(exit), None);
        }
    }
}
