//! Writes a sample report and a list of runs: `cargo run -p disprove-reports --example page [FOLDER] [OPERATIONS]`.
//!
//! `reports/examples/screenshots.sh FOLDER` then takes pictures of them with a headless Chromium.

use std::{env, fs, path::PathBuf};

use disprove_reports::{RunLine, Style, html, index, json, junit, markdown, terminal};

#[path = "sample.rs"]
mod sample;

fn main() -> std::io::Result<()> {
    let folder = PathBuf::from(env::args().nth(1).unwrap_or_else(|| ".".into()));
    let operations = env::args().nth(2).and_then(|text| text.parse().ok()).unwrap_or(20_000);
    let findings = sample::findings(operations);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("report.html"), html::page(&findings))?;
    fs::write(folder.join("results.json"), json::results(&findings))?;
    fs::write(folder.join("junit.xml"), junit::xml(&findings))?;
    fs::write(folder.join("summary.md"), markdown::summary(&findings))?;
    let mut healthy = RunLine::of(&findings, "register/healthy");
    healthy.headline = disprove_reports::Headline::Valid;
    healthy.anomalies.clear();
    healthy.sentence = "no anomaly found".into();
    fs::write(folder.join("index.html"), index::page(&[healthy, RunLine::of(&findings, ".")]))?;
    print!("{}", terminal::summary(&findings, Style { color: false, width: 100 }));
    Ok(())
}
