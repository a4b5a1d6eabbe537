//! Enters the namespaces of the local back end, where this machine permits them.

use cluster::local::{self, Entered};

/// Returns inside, or where namespaces are not permitted: then with the reason, and the run goes on with what is
/// possible without. The outer process waits for the inner one and exits as it did; nothing after this call is done
/// there.
pub fn enter() -> Option<String> {
    match local::enter() {
        Ok(Entered::Inside) => None,
        Ok(Entered::Finished(code)) => std::process::exit(code),
        Err(error) => Some(error.to_string()),
    }
}
