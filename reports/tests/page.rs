//! The page as a whole: well formed, escaped, complete without a script, and small for a history of any size.

use std::time::Instant;

use checkers::{Anomaly, Link, Relation, Standing, Validity, Verdict};
use disprove_reports::{Fact, Findings, Run, Style, html, index, json, junit, markdown, terminal};
use history::{
    FaultId, FaultRecord, FaultState, Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process,
    vocabulary::{
        Vocabulary,
        register::{Call, Register, Return},
    },
};

#[path = "../examples/sample.rs"]
mod sample;

const SIZE_MAX: usize = 3_000_000;

/// Elements that HTML never closes.
const VOID: [&str; 4] = ["meta", "link", "br", "input"];

/// Walks the tags of a page: every one that is opened is closed in order, outside of the style sheet and the script.
/// Returns the names of all elements and attributes that were met.
fn well_formed(page: &str) -> (Vec<String>, Vec<String>) {
    let (mut open, mut elements, mut attributes): (Vec<String>, Vec<String>, Vec<String>) =
        Default::default();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a page begins with its type");
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a stray > in {:?}", &rest[..at]);
        rest = &rest[at + 1..];
        let end = end_of_tag(rest);
        let (tag, after) = rest.split_at(end);
        rest = &after[1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed out of order");
            continue;
        }
        let name = tag.split([' ', '/']).next().expect("a tag has a name").to_string();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()) && !name.is_empty(), "<{tag}>");
        attributes.extend(names_of_attributes(&tag[name.len()..]));
        elements.push(name.clone());
        if name == "style" || name == "script" {
            let close = format!("</{name}>");
            rest = &rest[rest.find(&close).expect("closed") + close.len()..];
        } else if !tag.ends_with('/') && !VOID.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "never closed: {open:?}");
    (elements, attributes)
}

fn end_of_tag(text: &str) -> usize {
    let mut quoted = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b'>' if !quoted => return at,
            b'<' if quoted => panic!("a raw < within an attribute: {:?}", &text[..at]),
            _ => {}
        }
    }
    panic!("a tag never ends");
}

fn names_of_attributes(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut outside = String::new();
    for (place, part) in text.split('"').enumerate() {
        if place % 2 == 0 {
            outside.push_str(part);
            outside.push(' ');
        }
    }
    for word in outside.split([' ', '/']).filter(|word| !word.is_empty()) {
        names.push(word.trim_end_matches('=').to_string());
    }
    names
}

/// What a hostile database may return as a value, a reason or a name.
const HOSTILE: &str = "</script></style><img src=x onerror=alert(1)>\"'`&\u{202e}\u{1b}[31m\r\n\0]]>-->";

fn link(from: u32, to: u32) -> Link {
    let (from, to) = (OpIndex(from), OpIndex(to));
    Link { from, to, relation: Relation::Rw, key: Some(HOSTILE.into()), because: HOSTILE.into() }
}

fn hostile_findings() -> Findings {
    let operation = |index: u32, outcome| Operation::<Register> {
        index: OpIndex(index),
        process: Process(index),
        node: NodeId(0),
        call: Call::Write(HOSTILE.into(), HOSTILE.into()),
        outcome,
        began: Nanos(u64::from(index) * 1_000_000),
        ended: Some(Nanos(u64::from(index) * 1_000_000 + 500_000)),
    };
    let mut header = Header::new(Register::NAME);
    header.nodes = vec![HOSTILE.into()];
    let record = FaultRecord {
        id: FaultId(0),
        family: HOSTILE.into(),
        description: HOSTILE.into(),
        nodes: vec![HOSTILE.into()],
        began: Nanos(0),
        ended: None,
        state: FaultState::Installed,
        evidence: HOSTILE.into(),
    };
    let history = History {
        header,
        operations: vec![
            operation(0, Outcome::Ok(Return::Written)),
            operation(1, Outcome::Unknown(HOSTILE.to_string().into())),
            operation(2, Outcome::Fail(HOSTILE.to_string().into())),
        ],
        faults: vec![record],
        damage: None,
    };
    let anomaly = Anomaly {
        kind: HOSTILE.into(),
        sentence: format!("{HOSTILE} #1 #99 #"),
        key: Some(HOSTILE.into()),
        witness: vec![OpIndex(0), OpIndex(1), OpIndex(2), OpIndex(77)],
        explanation: vec![
            checkers::Placement { operation: OpIndex(0), state: Some(HOSTILE.into()), refusal: None },
            checkers::Placement { operation: OpIndex(2), state: None, refusal: Some(HOSTILE.into()) },
        ],
        cycle: vec![link(0, 1), link(1, 2), link(2, 0)],
        involved: Some(3),
    };
    let verdict = Verdict {
        checker: HOSTILE.into(),
        model: HOSTILE.into(),
        validity: Validity::Invalid,
        anomalies: vec![anomaly],
        notes: vec![HOSTILE.into()],
        operations: 3,
        standing: Some(Standing {
            refuted: vec![HOSTILE.into()],
            also_refuted: vec![HOSTILE.into()],
            strongest_standing: vec![HOSTILE.into()],
            ..Standing::default()
        }),
        ..Verdict::default()
    };
    let text = || HOSTILE.to_string();
    let run = Run {
        title: text(),
        folder: text(),
        report: text(),
        started: text(),
        seed: 1,
        argv: vec![text()],
        reproduce: text(),
        recheck: text(),
        database: text(),
        database_version: text(),
        workload: text(),
        model: text(),
        nodes: vec![text()],
        environment: vec![Fact::new(HOSTILE, HOSTILE)],
    };
    let mut findings = Findings::from_history(run, &history, vec![verdict]);
    findings.warnings.push(text());
    findings.doubts.push(text());
    findings.failure = Some(text());
    findings.settle();
    findings
}

#[test]
fn the_sample_page_is_well_formed_and_says_first_what_matters() {
    let findings = sample::findings(20_000);
    let page = html::page(&findings);
    let (elements, attributes) = well_formed(&page);
    assert!(elements.iter().filter(|name| *name == "svg").count() > 6);
    assert!(!attributes.iter().any(|name| name.starts_with("on")), "no handler in any attribute");
    let body = &page[page.find("<main").expect("main")..];
    let verdict = body.find("INVALID").expect("the verdict is told");
    let sentence = body.find("A read of account").expect("the anomaly is told");
    let command = body.find("--seed 42").expect("the command is told");
    let picture = body.find("<svg").expect("there is a picture");
    assert!(verdict < sentence && sentence < command && command < picture);
    assert!(body.contains("op ok culprit"), "the operation that cannot be placed is marked");
    assert!(!attributes.iter().any(|name| name == "src"), "nothing is fetched");
}

#[test]
fn every_link_within_the_page_leads_somewhere() {
    let page = html::page(&sample::findings(5_000));
    let ids: Vec<&str> = page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(sorted.len(), ids.len(), "an id is used twice");
    for target in page.split(" href=\"#").skip(1).filter_map(|rest| rest.split('"').next()) {
        // Neighbours are drawn without being part of the proof, so they have no row of their own.
        let row_of_neighbour = target.contains("-row");
        // The explorer reads the rest of its links by itself.
        let view = target.starts_with("explore&amp;");
        assert!(row_of_neighbour || view || ids.contains(&target), "#{target} leads nowhere");
    }
}

#[test]
fn hostile_values_stay_text_everywhere() {
    let findings = hostile_findings();
    let page = html::page(&findings);
    let (elements, attributes) = well_formed(&page);
    assert!(!elements.contains(&"img".to_string()));
    // The data of the explorer, which no browser runs, and the script.
    assert_eq!(elements.iter().filter(|name| *name == "script").count(), 2);
    assert!(!attributes.iter().any(|name| name.starts_with("on")));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
    for character in ['\u{202e}', '\u{1b}', '\0'] {
        assert!(!page.contains(character), "{character:?} in the page");
        let summary = terminal::summary(&findings, Style { color: false, width: 80 });
        assert!(!summary.contains(character), "{character:?} in the terminal");
        assert!(!markdown::summary(&findings).contains(character));
        assert!(!junit::xml(&findings).contains(character));
    }
    let markdown = markdown::summary(&findings);
    let outside_of_fences: String = markdown.split("```").step_by(2).collect();
    assert!(!outside_of_fences.contains("<img"), "{markdown}");
    assert!(!junit::xml(&findings).contains("<img"));
    let line = disprove_reports::RunLine::of(&findings, HOSTILE);
    let (elements, _) = well_formed(&index::page(&[line]));
    assert!(!elements.contains(&"img".to_string()));
    let read = json::read(&json::results(&findings)).expect("what was written can be read");
    assert_eq!(read, findings);
}

#[test]
fn a_history_of_300_000_operations_makes_a_small_page_quickly() {
    let started = Instant::now();
    let findings = sample::findings(300_000);
    let gathered = started.elapsed();
    let page = html::page(&findings);
    let results = json::results(&findings);
    println!(
        "300,000 operations: made and gathered in {gathered:?}, drawn in {:?}, page {} bytes, results {} bytes",
        started.elapsed() - gathered,
        page.len(),
        results.len()
    );
    assert!(page.len() < SIZE_MAX, "{} bytes", page.len());
    assert!(results.len() < SIZE_MAX, "{} bytes", results.len());
    well_formed(&page);
}

#[test]
fn hundreds_of_hostile_anomalies_and_faults_cannot_bloat_the_page() {
    let mut findings = hostile_findings();
    let long = HOSTILE.repeat(40);
    let mut anomaly = findings.verdicts[0].anomalies[0].clone();
    anomaly.sentence = long.clone();
    let step = checkers::Placement { operation: OpIndex(0), state: Some(long.clone()), refusal: None };
    anomaly.explanation = vec![step; 60];
    findings.verdicts[0].anomalies = vec![anomaly; 100];
    findings.scenes = vec![findings.scenes[0].clone(); 100];
    for (place, scene) in findings.scenes.iter_mut().enumerate() {
        scene.anomaly = place;
    }
    let mut fault = findings.faults[0].clone();
    fault.record.evidence = long.clone();
    fault.record.description = long.clone();
    findings.faults = vec![fault; 1_000];
    findings.warnings = vec![long.clone(); 1_000];
    findings.run.environment = vec![Fact::new(long.clone(), long); 1_000];
    let page = html::page(&findings);
    println!("{} bytes", page.len());
    assert!(page.len() < SIZE_MAX, "{} bytes", page.len());
    assert!(markdown::summary(&findings).len() < 64 << 10, "{}", markdown::summary(&findings).len());
    well_formed(&page);
}

#[test]
fn nothing_at_all_still_makes_a_page() {
    let page = html::page(&Findings::from_failure(Run::default(), "n3 never started: exit code 127"));
    well_formed(&page);
    assert!(page.contains("HARNESS FAILURE") && page.contains("exit code 127"));
    well_formed(&index::page(&[]));
    let empty = History::<Register> {
        header: Header::new("register"),
        operations: vec![],
        faults: vec![],
        damage: None,
    };
    let mut findings = Findings::from_history(Run::default(), &empty, vec![]);
    findings.demand_evidence(true);
    assert_eq!(findings.validity, Validity::Unknown);
    well_formed(&html::page(&findings));
}
