//! The answers: pages drawn from the store, and its files as they are.

use std::{fs, path::Path};

use reports::{
    comparison::{self, Comparison},
    folder::{self, Entry},
    index::{self, Filter, Night, Unjudged},
    status::{self, Status},
    trends,
};

use super::{
    Refusal,
    address::{Address, is_plain},
    body::{Body, Content, Kind},
    place::{Store, open_file},
};
use crate::store::{self, RunFolder, listing};

/// The longest status file that is read: a run writes a few kilobytes.
const STATUS_MAX: u64 = 1 << 20;

/// All runs, and those under way.
pub(super) fn list(store: &Store, address: &Address) -> Result<Content, Refusal> {
    let lines = listing::lines(store.root())?;
    let filter = Filter::of(address.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
    let unjudged = listing::unjudged(store.root())?.into_iter().map(|run| Unjudged {
        folder: run.folder.label(),
        status: run.folder.is_in_use().then(|| status(&run.folder).unwrap_or_default()),
    });
    let unjudged: Vec<Unjudged> = unjudged.collect();
    Ok(Content::page(index::list(&lines, &filter, &unjudged, &last_nights(store))))
}

/// The last night of each suite that has a summary.
fn last_nights(store: &Store) -> Vec<Night> {
    let folder = store.root().join("suites");
    let names = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    };
    let nights = names(&folder).into_iter().filter_map(|suite| {
        let mut nights = names(&folder.join(&suite)).into_iter().rev();
        let name = nights.find(|night| folder.join(&suite).join(night).join("summary.html").is_file())?;
        Some(Night { suite, name })
    });
    nights.collect()
}

/// How runs went over time.
pub(super) fn trends(store: &Store) -> Result<Content, Refusal> {
    Ok(Content::page(trends::page(&listing::lines(store.root())?)))
}

/// Two runs beside each other.
pub(super) fn diff(store: &Store, address: &Address) -> Result<Content, Refusal> {
    let [older, newer] = ["older", "newer"].map(|name| address.value(name));
    let (Some(older), Some(newer)) = (older, newer) else {
        return Err(Refusal::wrong("mark an older and a newer run in the list, and compare them from there"));
    };
    let found = |label: &str| -> Result<_, Refusal> {
        let folder = store.run(label.split('/'))?;
        let findings = folder.findings()?;
        let report = format!("./store/{}/report.html", folder.label());
        let findings =
            findings.ok_or_else(|| Refusal::wrong(format!("{} was never judged", folder.label())))?;
        Ok((findings, report))
    };
    let ((before, first), (after, second)) = (found(older)?, found(newer)?);
    let comparison = Comparison::of((older, &before), (newer, &after));
    Ok(Content::page(comparison::page(&comparison, &index::bar(""), Some([&first, &second]))))
}

/// A run while it goes on; its report once there is one, and its files where it ended without.
pub(super) fn live(store: &Store, parts: &[&str]) -> Result<Content, Refusal> {
    let folder = store.run(parts.iter().copied())?;
    // Asked in this order, a run that ends meanwhile is told by what it left.
    let is_in_use = folder.is_in_use();
    let of_run = parts.iter().map(|part| escaped(part)).collect::<Vec<_>>().join("/");
    if folder.file(store::REPORT).is_file() && (!is_in_use || status(&folder).is_none()) {
        return Ok(Content::moved(format!("../../store/{of_run}/report.html")));
    }
    if !is_in_use {
        return Ok(Content::moved(format!("../../store/{of_run}/")));
    }
    // At its very end it has no status any more and no report yet.
    let status = status(&folder).unwrap_or_else(|| Status { title: folder.label(), ..Status::default() });
    Ok(Content::of(Kind::Live, Body::Whole(Some(status::page(&status, "../../").into()))))
}

fn status(run: &RunFolder) -> Option<Status> {
    let (file, bytes) = open_file(&run.file(store::STATUS)).ok()?;
    if bytes > STATUS_MAX {
        return None;
    }
    serde_json::from_reader(std::io::BufReader::new(file)).ok()
}

/// A file or a folder of the store.
pub(super) fn raw(store: &Store, parts: &[&str], is_folder: bool) -> Result<Content, Refusal> {
    let real = store.find(parts.iter().copied())?;
    if real.is_dir() {
        if !is_folder {
            // Links within a folder are relative to it.
            let last = parts.last().copied().unwrap_or("store");
            return Ok(Content::moved(format!("./{}/", escaped(last))));
        }
        return folder(&real, parts);
    }
    let (file, bytes) = open_file(&real)?;
    Ok(Content::file(kind_of(store, &real), file, bytes))
}

fn folder(real: &Path, parts: &[&str]) -> Result<Content, Refusal> {
    let entries = fs::read_dir(real).map_err(|_| Refusal::missing())?;
    let mut listed: Vec<Entry> = entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| is_plain(name))?;
            let data = entry.metadata().ok()?;
            (data.is_dir() || data.is_file()).then(|| Entry {
                name,
                is_folder: data.is_dir(),
                bytes: data.len(),
            })
        })
        .collect();
    listed.sort_by(|a, b| (!a.is_folder, &a.name).cmp(&(!b.is_folder, &b.name)));
    let up = "../".repeat(parts.len() + 1);
    Ok(Content::page(folder::page(&format!("store/{}", parts.join("/")), &listed, &up)))
}

/// What a file is: only the pages that this program wrote, at the places where it writes them, are shown as pages.
fn kind_of(store: &Store, real: &Path) -> Kind {
    let within = real.strip_prefix(store.root()).unwrap_or(real);
    let depth = within.components().count();
    let name = within.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_suite = within.starts_with("suites") && depth == 4;
    match name {
        store::REPORT if depth == 3 => Kind::Report,
        "summary.html" if is_suite => Kind::Drawn,
        "index.html" if depth == 1 => Kind::Drawn,
        store::RESULTS | store::CHOICES if depth == 3 => Kind::Json,
        store::JUNIT if depth == 3 || is_suite => Kind::Xml,
        _ => match real.extension().and_then(|extension| extension.to_str()) {
            Some("zst" | "pcap" | "pcapng") => Kind::Bytes,
            _ => Kind::Text,
        },
    }
}

/// A name as part of an address.
fn escaped(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    let letters = name
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") });
    letters.collect()
}
