//! The page in a real Chromium: zoom, pan, filter, pin, links, keys, hostile values, at two widths.
//!
//! The page drives itself: a script of steps is put behind its own, and what came of each is read from the document
//! that Chromium prints. Time is Chromium's virtual time, so a slow machine only takes longer. Without Chromium the
//! test says that it was left out.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use disprove_reports::{Findings, html};
use history::{OpIndex, Reason};

#[path = "../examples/sample.rs"]
mod sample;

/// What both use to note and to tell.
const TELLING: &str = include_str!("browser/telling.js");
const STEPS: &str = include_str!("browser/steps.js");
const FRAMES: &str = include_str!("browser/frames.js");
/// Starting a browser on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(240);

fn chromium() -> Option<PathBuf> {
    if let Some(path) = env::var_os("CHROMIUM") {
        return Some(path.into());
    }
    let path = env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome"];
    env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name))).find(|file| file.is_file())
}

/// A folder of this test alone, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("disprove-page-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The document as Chromium prints it after the page and its steps have run, at this width.
fn visit(chromium: &Path, name: &str, (page, steps): (&str, &str), width: u32) -> String {
    let folder = Folder::new(name);
    let steps = format!("<script>{TELLING}{steps}</script></body>");
    let (head, tail) = page.rsplit_once("</body>").expect("a page has a body");
    fs::write(folder.0.join("page.html"), format!("{head}{steps}{tail}")).unwrap();
    let output = folder.0.join("out.html");
    let mut browser = Command::new(chromium)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"])
        .arg("--virtual-time-budget=60000")
        .arg(format!("--window-size={width},1600"))
        .arg(format!("--user-data-dir={}", folder.0.join("profile").display()))
        .arg(format!("file://{}", folder.0.join("page.html").display()))
        .stdout(fs::File::create(&output).unwrap())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let began = Instant::now();
    while browser.try_wait().unwrap().is_none() {
        if began.elapsed() > PATIENCE {
            let _ = browser.kill();
            let _ = browser.wait();
            panic!("{name}: Chromium did not end within {PATIENCE:?}");
        }
        thread::sleep(Duration::from_millis(100));
    }
    fs::read_to_string(output).unwrap()
}

/// Every step and whether it went as it should; panics with all that did not, and where there were fewer steps.
fn judge(name: &str, document: &str, least: usize) {
    let from = document.find("<pre id=\"results\">").unwrap_or_else(|| {
        panic!("{name}: the steps did not come to their end; {} bytes of document", document.len())
    });
    let results = &document[from..];
    let results = &results["<pre id=\"results\">".len()..results.find("</pre>").unwrap()];
    assert!(results.ends_with("end"), "{name}: {results}");
    let steps = results.lines().filter(|line| line.starts_with("ok\t") || line.starts_with("FAILED\t"));
    let (well, badly): (Vec<&str>, Vec<&str>) = steps.partition(|line| line.starts_with("ok\t"));
    println!("{name}: {} steps went well", well.len());
    assert!(badly.is_empty(), "{name}:\n{}", badly.join("\n"));
    assert!(well.len() >= least, "{name}: only {} steps\n{results}", well.len());
}

/// Why one operation comes before another, with that text wherever one can stand.
fn order(from: OpIndex, to: OpIndex, text: &str) -> checkers::Link {
    checkers::Link {
        from,
        to,
        relation: checkers::Relation::Rw,
        key: Some(text.into()),
        because: text.into(),
    }
}

/// The sample, with markup in every text that a database, a client, a log or a fault can bring onto the page.
fn hostile() -> Findings {
    const BAD: &str = "</script><img src=x onerror=\"window.hacked=1\"><script>window.hacked=1</script>";
    let mut history = sample::history(4_000);
    for operation in history.operations.iter_mut().skip(20).step_by(3) {
        if let history::Outcome::Fail(reason) | history::Outcome::Unknown(reason) = &mut operation.outcome {
            *reason = Reason::from(BAD.to_string());
        }
        if let history::vocabulary::register::Call::Write(_, value) = &mut operation.call {
            *value = BAD.into();
        }
    }
    for name in history.header.nodes.iter_mut().skip(2) {
        name.push_str(BAD);
    }
    for fault in &mut history.faults {
        fault.description.push_str(BAD);
        fault.evidence.push_str(BAD);
    }
    let mut findings = sample::judged(history);
    let anomaly = &mut findings.verdicts[0].anomalies[0];
    anomaly.sentence.push_str(BAD);
    let ends = anomaly.witness.iter().zip(anomaly.witness.iter().cycle().skip(1));
    anomaly.cycle = ends.map(|(&from, &to)| order(from, to, BAD)).collect();
    for step in &mut anomaly.explanation {
        step.state = step.state.as_ref().map(|state| format!("{state} {BAD}"));
    }
    findings.warnings.push(BAD.into());
    findings.run.title.push_str(BAD);
    findings.run.reproduce.push_str(BAD);
    assert!(findings.row(OpIndex(0)).is_some() || !findings.rows.is_empty());
    findings
}

// All take more than ten seconds on a busy machine: each starts a browser.

#[test]
fn the_page_can_be_used_by_pointer_and_by_keyboard() {
    let Some(chromium) = chromium() else {
        println!("left out: there is no chromium");
        return;
    };
    let page = html::page(&sample::findings(4_000));
    judge("wide", &visit(&chromium, "wide", (&page, STEPS), 1_280), 32);
}

#[test]
fn on_a_narrow_screen_too_and_hostile_values_do_nothing() {
    let Some(chromium) = chromium() else {
        println!("left out: there is no chromium");
        return;
    };
    judge("narrow", &visit(&chromium, "narrow", (&html::page(&hostile()), STEPS), 390), 34);
}

#[test]
fn a_frame_of_a_million_operations_is_bounded_and_drawn_once() {
    let Some(chromium) = chromium() else {
        println!("left out: there is no chromium");
        return;
    };
    // Frames are drawn in real time, and a browser that is asked to hurry may draw none.
    let mine = "<head><script>const waiting = []; window.requestAnimationFrame = draw => waiting.push(draw);</script>";
    let page = html::page(&sample::findings(1_000_000)).replacen("<head>", mine, 1);
    assert!(page.contains(mine), "a page has a head");
    judge("frames", &visit(&chromium, "frames", (&page, FRAMES), 1_280), 11);
}
