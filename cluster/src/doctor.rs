//! What this machine permits, found out by trying the real thing in a child process that leaves nothing behind.
//!
//! Settings alone tell little: some distributions permit a user namespace and then deny what it is for.

use std::{
    io::{self, Write},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nix::sys::wait::{WaitStatus, waitpid};

use crate::{
    Error,
    local::probing::{self, Cloned, Step},
    reexec,
};

/// How long all tries together may take.
const WITHIN: Duration = Duration::from_secs(15);

/// The role of the process that tries.
const ROLE: &str = "disprove-probe";

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What, as a noun phrase.
    pub name: String,
    /// Whether it works.
    pub works: bool,
    /// Whether local clusters with network faults are impossible without it; else something takes its place.
    pub needed: bool,
    /// What the system said, or what it is good for.
    pub detail: String,
    /// What to do about it; empty when it works.
    pub remedy: String,
}

/// Tries everything that a local cluster needs. What lies behind something refused counts as refused too.
pub fn probe() -> Result<Vec<Probe>, Error> {
    let mut child = Command::new(reexec::SELF)
        .arg(ROLE)
        .env(reexec::ROLE, ROLE)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| Error::io("start the process that tries", e))?;
    let started = Instant::now();
    while child.try_wait().map_err(|e| Error::io("wait for the process that tries", e))?.is_none() {
        if started.elapsed() > WITHIN {
            child.kill().map_err(|e| Error::io("end the process that tries", e))?;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let output = child.wait_with_output().map_err(|e| Error::io("hear from the process that tries", e))?;
    Ok(judge(&String::from_utf8_lossy(&output.stdout)))
}

/// Whether nodes can be made of namespaces here: all that is needed works, and one of the two kinds of devices.
pub fn permits_namespaces(probes: &[Probe]) -> bool {
    let works = |step: Step| probes.iter().any(|probe| probe.name == step.name() && probe.works);
    probes.iter().all(|probe| probe.works || !probe.needed) && (works(Step::Tun) || works(Step::Veth))
}

/// Makes probes of lines that hold the number of a step and of the system's error, 0 for none.
fn judge(report: &str) -> Vec<Probe> {
    let mut results = std::collections::BTreeMap::new();
    for line in report.lines() {
        if let Some((Ok(step), Ok(errno))) =
            line.split_once(' ').map(|(a, b)| (a.parse::<i32>(), b.parse::<i32>()))
        {
            results.insert(step, errno);
        }
    }
    // A refusal inside the namespaces comes from the first step that failed; later ones were never tried.
    let refused = results.iter().find(|(step, errno)| **errno != 0 && probing::is_needed(Step::of(**step)));
    let first = refused.map(|(step, _)| *step);
    Step::ALL.into_iter().map(|step| describe(step, results.get(&(step as i32)).copied(), first)).collect()
}

fn describe(step: Step, errno: Option<i32>, refused: Option<i32>) -> Probe {
    let (works, detail) = match (errno, refused) {
        (Some(0), _) => (true, String::new()),
        (Some(errno), _) => (false, io::Error::from_raw_os_error(errno).to_string()),
        (None, Some(first)) if first > step as i32 => (true, String::new()),
        (None, Some(first)) => (false, format!("not tried: {} is refused", Step::of(first).name())),
        (None, None) => (false, "the process that tried it ended without an answer".into()),
    };
    let remedy = match (works, errno) {
        (true, _) => String::new(),
        (false, Some(_)) => step.remedy(),
        (false, None) => refused.map_or_else(String::new, |first| Step::of(first).remedy()),
    };
    Probe { name: step.name().into(), works, needed: probing::is_needed(step), detail, remedy }
}

fn say(step: Step, tried: Result<(), io::Error>) {
    let errno = tried.err().map_or(0, |e| e.raw_os_error().unwrap_or(libc::EIO));
    // Without a reader nobody wants to know.
    let _unheard = io::stdout().write_all(format!("{} {errno}\n", step as u8).as_bytes());
}

fn run() -> i32 {
    match probing::clone_session() {
        Err(error) => say(Step::Namespaces, Err(error)),
        Ok(Cloned::Child(outside)) => {
            say(Step::Namespaces, Ok(()));
            for (step, tried) in probing::try_all(&outside) {
                say(step, tried);
            }
        }
        Ok(Cloned::Parent(child)) => {
            if let Ok(WaitStatus::Exited(_, code)) = waitpid(child, None) {
                return code;
            }
        }
    }
    0
}

crate::role!(ROLE, run);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_a_refusal_is_refused() {
        let probes = judge("1 0\n2 1\n");
        assert!(probes[0].works, "namespaces were made");
        assert!(!probes[1].works && !probes[1].remedy.is_empty(), "{:?}", probes[1]);
        assert!(probes[2..].iter().all(|probe| !probe.works && probe.detail.starts_with("not tried")));
        assert!(!permits_namespaces(&probes));
    }

    #[test]
    fn one_kind_of_device_is_enough() {
        let report = "1 0\n2 0\n3 0\n4 0\n5 0\n6 0\n7 0\n8 13\n9 0\n";
        let probes = judge(report);
        assert!(permits_namespaces(&probes));
        assert!(probes[7].remedy.contains("/dev/net/tun"));
        assert!(!permits_namespaces(&judge(&report.replace("9 0", "9 95"))));
        assert!(!permits_namespaces(&judge("")));
    }

    #[test]
    fn this_machine_answers() {
        let probes = probe().expect("the process that tries starts");
        assert_eq!(probes.len(), Step::ALL.len());
        assert!(probes.iter().all(|probe| !probe.detail.contains("without an answer")), "{probes:#?}");
        assert!(probes.iter().all(|probe| probe.works || !probe.remedy.is_empty()), "{probes:#?}");
    }
}
