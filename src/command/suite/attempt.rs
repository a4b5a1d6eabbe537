//! One run of a suite: `test` in a process of its own, waited for.

use std::{
    io::Read as _,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use history::Nanos;
use reports::{
    Findings, fingerprint,
    suite::{Attempt, Ending},
    wording,
};

use super::file::Flags;
use crate::{exit::Exit, run::interrupt::Interrupts};

/// How often it is asked whether a run has ended.
const ASK_EVERY: Duration = Duration::from_millis(50);
/// What a run may take beside its calls and its checks before it is taken for hung. Its own limits are all shorter.
const BESIDE_MAX: Duration = Duration::from_secs(1_800);
/// The longest sentence that is kept, in characters.
const SENTENCE_MAX: usize = 400;

/// The flags of a cell as a command line of `test`.
pub(super) fn command_line(flags: &Flags, seed: u64) -> Vec<String> {
    let mut line = Vec::new();
    for (flag, value) in flags.iter().filter(|(flag, _)| *flag != "seed") {
        match value.as_str() {
            "true" => line.push(format!("--{flag}")),
            "false" => {}
            _ => line.push(format!("--{flag}={value}")),
        }
    }
    line.push(format!("--seed={seed}"));
    line
}

/// Runs a cell once. `None` if it was interrupted: half a run says nothing.
pub(super) fn run(
    (flags, seed): (&Flags, u64),
    (name, store): (&str, &Path),
    calls_last: Duration,
    interrupts: &Interrupts,
) -> Option<Attempt> {
    let began = Instant::now();
    let attempt = |ending: Ending, sentence: &str| Attempt {
        seed,
        ending,
        folder: String::new(),
        sentence: wording::cut(sentence, SENTENCE_MAX).into_owned(),
        fingerprints: Vec::new(),
        took: Nanos(began.elapsed().as_nanos() as u64),
    };
    let child = match start(flags, seed, name, store) {
        Ok(child) => child,
        Err(error) => {
            return Some(attempt(Ending::Failure, &format!("cannot start this program once more: {error}")));
        }
    };
    let (code, printed, said) = match wait(child, calls_last.saturating_mul(2) + BESIDE_MAX, interrupts) {
        Ok(ended) => ended,
        Err(why) => return Some(attempt(Ending::Failure, &why)),
    };
    if code == Some(Exit::Interrupted as i32) || interrupts.first.is_cancelled() {
        return None;
    }
    let findings = printed.lines().last().and_then(|line| serde_json::from_str::<Findings>(line).ok());
    let ending = match code {
        Some(0) => Ending::Valid,
        Some(1) => Ending::Invalid,
        Some(2) => Ending::Unknown,
        Some(3) => Ending::Threshold,
        _ => Ending::Failure,
    };
    let Some(findings) = findings.filter(|_| ending != Ending::Failure) else {
        let last = said.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
        return Some(attempt(Ending::Failure, last.trim_start_matches("disprove: ")));
    };
    let first = findings.new_anomalies().chain(findings.anomalies()).next();
    let missed = findings.required.iter().find(|line| !line.is_met).filter(|_| ending == Ending::Threshold);
    let sentence = match (missed, first) {
        (Some(missed), _) => format!("{}: {}", missed.text, missed.measured),
        (None, Some((_, anomaly))) => anomaly.sentence.clone(),
        (None, None) => findings.sentence(),
    };
    let folder = Path::new(&findings.run.folder);
    let below = folder.components().rev().take(2).map(|part| part.as_os_str().to_string_lossy());
    let mut below: Vec<_> = below.collect();
    below.reverse();
    Some(Attempt {
        folder: below.join("/"),
        fingerprints: fingerprint::all(&findings).into_keys().collect(),
        ..attempt(ending, &sentence)
    })
}

fn start(flags: &Flags, seed: u64, name: &str, store: &Path) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["test", "--output=jsonl"])
        .arg(format!("--name={name}"))
        .arg(format!("--store={}", store.display()))
        .args(command_line(flags, seed))
        // The suite tells GitHub of all its runs together.
        .env_remove("GITHUB_STEP_SUMMARY")
        .env_remove("GITHUB_ACTIONS")
        // Ctrl-C reaches the suite, and the suite hands it on: once each time, as the run expects it.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Waits for the end, and returns the exit code with what was printed and said.
fn wait(
    mut child: Child,
    limit: Duration,
    interrupts: &Interrupts,
) -> Result<(Option<i32>, String, String), String> {
    let began = Instant::now();
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let (mut printed, mut said) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        // Both are read to their ends, since a full pipe would stop the run.
        scope.spawn(|| out.as_mut().map(|out| out.read_to_end(&mut printed)));
        scope.spawn(|| err.as_mut().map(|err| err.read_to_end(&mut said)));
        let mut handed_on = 0;
        loop {
            match child.try_wait() {
                Ok(Some(status)) => return Ok(status.code()),
                Ok(None) => {}
                Err(error) => return Err(format!("cannot wait for the run: {error}")),
            }
            let asked =
                usize::from(interrupts.first.is_cancelled()) + usize::from(interrupts.second.is_cancelled());
            if asked > handed_on {
                handed_on = asked;
                signal(&child, libc::SIGINT);
            }
            if began.elapsed() > limit {
                signal(&child, libc::SIGKILL);
                let _ = child.wait();
                return Err(format!("it did not end within {} s and was killed", limit.as_secs()));
            }
            thread::sleep(ASK_EVERY);
        }
    })
    .map(|code| {
        (code, String::from_utf8_lossy(&printed).into_owned(), String::from_utf8_lossy(&said).into_owned())
    })
}

fn signal(child: &Child, signal: i32) {
    if let Ok(pid) = i32::try_from(child.id()) {
        // SAFETY: kill takes no memory, and the process is a child that was not waited for yet.
        unsafe { libc::kill(pid, signal) };
    }
}
