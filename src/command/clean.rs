//! `clean`: removes stored runs, all but those that are to be kept.

use std::{fs, path::Path, time::Duration};

use reports::{Headline, wording};

use crate::{
    arguments::CleanArguments,
    exit::{Exit, Failure},
    span,
    store::{self, listing, listing::StoredRun},
};

/// What a run leaves in its folder. A folder with anything else in it is somebody's, and is not touched.
const OURS: &[&str] = &[
    store::HISTORY,
    store::JOURNAL,
    store::CHOICES,
    store::RESULTS,
    store::REPORT,
    store::JUNIT,
    store::LOG,
    store::STATUS,
    "capture.pcap",
    "capture.pcapng",
    "data",
    "hosts",
    "logs",
];

/// What is to be kept, as the flags say.
#[derive(Debug)]
struct Rules {
    last: Option<usize>,
    failures: bool,
    newer: Option<Duration>,
}

/// Says what goes, and with `--delete` removes it.
pub fn run(clean: &CleanArguments) -> Result<Exit, Failure> {
    let rules = rules(clean)?;
    let runs = listing::runs(&clean.store)?;
    let all = runs.len();
    let (mut gone, mut bytes, mut failed) = (Vec::new(), 0, 0);
    for (place, mut run) in runs.into_iter().enumerate() {
        let label = run.folder.label();
        if let Some(why) = rules.keep(&run, all - place).or_else(|| foreign(&run)) {
            crate::output::putln!("keeps    {label}  {why}");
            continue;
        }
        // The folder stays taken until it is gone: no run can be under way in it meanwhile.
        if run.folder.take().is_none() {
            crate::output::putln!("keeps    {label}  a run is under way in it");
            continue;
        }
        let size = size_of(&run.folder.path);
        let removed = if clean.delete { fs::remove_dir_all(&run.folder.path) } else { Ok(()) };
        if let Err(error) = removed {
            failed += 1;
            eprintln!("disprove: cannot remove {}: {error}", run.folder.path.display());
            continue;
        }
        bytes += size;
        crate::output::putln!(
            "{}  {label}  {}",
            if clean.delete { "removed" } else { "removes" },
            told(&run, size)
        );
        gone.push(label);
    }
    if clean.delete && !gone.is_empty() {
        forget(&clean.store, &gone)?;
    }
    close(clean.delete, gone.len(), all, bytes);
    Ok(if failed == 0 { Exit::Valid } else { Exit::Harness })
}

fn close(deleted: bool, gone: usize, all: usize, bytes: u64) {
    let stay = wording::plural((all - gone) as u64, "run");
    let what = format!("{} ({})", wording::plural(gone as u64, "run"), size_worded(bytes));
    if deleted {
        crate::output::putln!("{what} removed, {stay} kept");
    } else {
        crate::output::putln!(
            "{what} would be removed and {stay} kept; nothing was touched: --delete removes them"
        );
    }
}

fn rules(clean: &CleanArguments) -> Result<Rules, Failure> {
    let newer = clean.keep_newer.as_deref().map(span::parse).transpose();
    let newer = newer.map_err(|wrong| Failure::usage(format!("--keep-newer: {wrong}")))?;
    if clean.keep_last.is_none() && newer.is_none() && !clean.keep_failures {
        return Err(Failure::usage(
            "clean removes what it is not told to keep, so tell it: --keep-last 20, --keep-newer 14d or --keep-failures \
             (--keep-last 0 keeps nothing)",
        ));
    }
    Ok(Rules { last: clean.keep_last, failures: clean.keep_failures, newer })
}

impl Rules {
    /// Why a run is kept, if it is. `rank` is 1 for the newest.
    fn keep(&self, run: &StoredRun, rank: usize) -> Option<String> {
        if self.last.is_some_and(|last| rank <= last) {
            return Some(format!("number {rank} of the newest"));
        }
        if self.failures {
            match run.headline {
                Some(Headline::Invalid) => return Some("an anomaly was proven".into()),
                Some(Headline::Failure) => return Some("the harness failed".into()),
                None => return Some("it was never judged".into()),
                Some(Headline::Valid | Headline::Unknown) => {}
            }
        }
        let newer = self.newer?;
        match run.age() {
            Some(age) if age >= newer => None,
            Some(age) => Some(format!("{} old", span::worded(age))),
            None => Some(format!("its time, `{}`, cannot be read", wording::visible(&run.started))),
        }
    }
}

/// Why the folder is not only a run's, if it is not.
fn foreign(run: &StoredRun) -> Option<String> {
    let Ok(entries) = fs::read_dir(&run.folder.path) else { return Some("it cannot be read".into()) };
    for entry in entries {
        let Ok(entry) = entry else { return Some("it cannot be read".into()) };
        let name = entry.file_name().to_string_lossy().into_owned();
        // A run that was killed may have left a file that was being written.
        let ours = OURS.iter().any(|ours| name == *ours || name.starts_with(&format!("{ours}.part-")));
        if !ours {
            return Some(format!("it holds {}, which no run made", wording::visible(&name)));
        }
    }
    None
}

fn told(run: &StoredRun, size: u64) -> String {
    let said = run.headline.map_or("never judged".into(), |headline| headline.word().to_lowercase());
    let age = run.age().map_or_else(String::new, |age| format!(", {} old", span::worded(age)));
    format!("{said}{age}, {}", size_worded(size))
}

/// The bytes of all files below a folder; links are not followed, and what cannot be read counts nothing.
fn size_of(path: &Path) -> u64 {
    let (mut pending, mut bytes) = (vec![path.to_owned()], 0);
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            match entry.metadata() {
                Ok(data) if data.is_dir() => pending.push(entry.path()),
                Ok(data) => bytes += data.len(),
                Err(_) => {}
            }
        }
    }
    bytes
}

fn size_worded(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        1_048_576..1_073_741_824 => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", bytes as f64 / 1_073_741_824.0),
    }
}

/// Marks the runs as removed in the list (trends outlive what they were drawn from), lets `latest` name the newest run
/// that is left, and removes folders of names that have no run any more.
fn forget(store: &Path, gone: &[String]) -> Result<(), Failure> {
    let _held = listing::hold(store)?;
    let mut lines = listing::lines(store)?;
    for line in lines.iter_mut().filter(|line| gone.contains(&line.folder)) {
        line.removed = true;
    }
    listing::rewrite(store, &lines)?;
    for name in gone.iter().filter_map(|label| Path::new(label).parent()) {
        // A folder that still holds a run is not empty, and stays.
        let _ = fs::remove_dir(store.join(name));
    }
    let latest = store.join("latest");
    if latest.is_symlink() && !latest.exists() {
        match listing::runs(store)?.last() {
            Some(newest) => newest.folder.point_latest(),
            None => {
                fs::remove_file(&latest).map_err(|error| {
                    Failure::harness(format!("cannot remove {}: {error}", latest.display()))
                })?;
            }
        }
    }
    Ok(())
}
