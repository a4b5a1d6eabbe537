use std::time::Duration;

use history::FaultState;

use super::*;
use crate::{Action, Targets};

fn begin(id: u32) -> Entry {
    let targets = Targets::Nodes(vec!["n2".into()]);
    let planned =
        PlannedFault::new(Duration::from_millis(1500), Duration::from_secs(2), Action::Kill, targets);
    Entry::Begin {
        id: FaultId(id),
        began: history::Nanos(1_500_000_000),
        planned,
        picked: "leader".into(),
        description: "killed n2 (leader)".into(),
        before: "n2 runs as 12".into(),
    }
}

fn end(id: u32) -> Entry {
    let (state, evidence) = (FaultState::Installed, "n2 exited".into());
    Entry::End { id: FaultId(id), ended: Some(history::Nanos(3_500_000_000)), state, evidence }
}

fn header() -> Entry {
    Entry::Header { schema: SCHEMA, seed: 7, nodes: vec!["n1".into(), "n2".into()] }
}

#[test]
fn entries_are_read_back_and_open_faults_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.jsonl");
    let journal = Journal::create(&path).unwrap();
    let written = [header(), begin(0), begin(1), end(0)];
    for entry in &written {
        journal.append(entry).unwrap();
    }
    let bytes = std::fs::read(&path).unwrap();
    assert!(is_journal(&bytes));
    let contents = parse(&path, &bytes).unwrap();
    assert_eq!(contents.entries, written);
    assert_eq!(contents.open().iter().map(|(id, ..)| id.0).collect::<Vec<_>>(), [1]);
    assert_eq!(contents.nodes().unwrap(), ["n1", "n2"]);
}

#[test]
fn a_journal_torn_at_any_byte_is_read_up_to_the_tear() {
    let mut bytes = Vec::new();
    for entry in [header(), begin(0), end(0)] {
        serde_json::to_writer(&mut bytes, &entry).unwrap();
        bytes.push(b'\n');
    }
    let path = Path::new("faults.jsonl");
    for cut in 0..=bytes.len() {
        let contents = parse(path, &bytes[..cut]).unwrap();
        let lines = bytes[..cut].iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(contents.entries.len(), lines);
        assert_eq!(contents.torn, cut > 0 && bytes[cut - 1] != b'\n');
    }
}

#[test]
fn a_torn_line_is_taken_off_before_more_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.jsonl");
    let journal = Journal::create(&path).unwrap();
    journal.append(&header()).unwrap();
    journal.append(&begin(0)).unwrap();
    drop(journal);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend_from_slice(b"{\"entry\":\"beg");
    std::fs::write(&path, &bytes).unwrap();
    Journal::resume(&path).unwrap().append(&end(0)).unwrap();
    let contents = parse(&path, &std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(contents.entries, [header(), begin(0), end(0)]);
}

#[test]
fn damage_in_the_middle_is_named_with_its_line() {
    let mut bytes = Vec::new();
    for entry in [header(), begin(0)] {
        serde_json::to_writer(&mut bytes, &entry).unwrap();
        bytes.extend_from_slice(b"\n!!\n");
    }
    let error = parse(Path::new("faults.jsonl"), &bytes).unwrap_err().to_string();
    assert!(error.starts_with("faults.jsonl, line 2: "), "{error}");
    assert_eq!(parse_leniently(&bytes).open().len(), 1, "what can be read is still healed");
}

#[test]
fn a_journal_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("faults.jsonl");
    Journal::create(&path).unwrap().append(&begin(0)).unwrap();
    assert!(Journal::create(&path).is_err());
}
