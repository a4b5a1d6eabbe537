//! Small histories of list-append, each with what it must be judged as.

use history::{
    Header, History, ListAppend, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason, Value,
    vocabulary::list_append::{Answer, Step},
};

use crate::{Budget, Checker, Model, Transactions, Validity, Verdict, VersionOrder};

/// `ok p began ended: r x [1 2], a x 3`; `fail` and `unknown` leave the answers out.
pub(super) fn history(text: &str) -> History<ListAppend> {
    let mut operations: Vec<Operation<ListAppend>> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (head, steps) = line.split_once(": ").unwrap();
        let head: Vec<&str> = head.split(' ').collect();
        let number = |place: usize| head[place].parse::<u64>().unwrap();
        let (mut call, mut answers) = (Vec::new(), Vec::new());
        for step in steps.split(", ") {
            let (kind, rest) = step.split_once(' ').unwrap();
            let (key, value) = rest.split_once(' ').unwrap();
            let key = Value::from(key);
            let int = |text: &str| Value::Int(text.parse().unwrap());
            if kind == "r" {
                let values = value.trim_matches(['[', ']']).split_whitespace().map(int);
                call.push(Step::Read(key.clone()));
                answers.push(Answer::Read(key, Some(values.collect())));
            } else {
                call.push(Step::Append(key.clone(), int(value)));
                answers.push(Answer::Append(key, int(value)));
            }
        }
        let outcome = match head[0] {
            "ok" => Outcome::Ok(answers),
            "fail" => Outcome::Fail(Reason::from("refused")),
            _ => Outcome::Unknown(Reason::from("timeout")),
        };
        operations.push(Operation {
            index: OpIndex(operations.len() as u32),
            process: Process(number(1) as u32),
            node: NodeId(0),
            call,
            outcome,
            began: Nanos(number(2)),
            ended: Some(Nanos(number(3))),
        });
    }
    History { header: Header::new("list-append"), operations, faults: Vec::new(), damage: None }
}

pub(super) fn judge(history: &History<ListAppend>, model: &str) -> Verdict {
    Transactions::new(vec![Model::named(model).unwrap()], VersionOrder::EXACT)
        .check(history, &Budget::default())
}

#[track_caller]
fn check(text: &str, model: &str, validity: Validity, kinds: &[&str]) -> Verdict {
    let verdict = judge(&history(text), model);
    let found: Vec<&str> = verdict.anomalies.iter().map(|anomaly| anomaly.kind.as_str()).collect();
    assert_eq!((verdict.validity, found.as_slice()), (validity, kinds), "{model}: {verdict:#?}");
    verdict
}

#[test]
fn write_skew_breaks_serializability_only() {
    let text = "
        ok 0 0 10: r x [], a y 1
        ok 1 0 10: r y [], a x 2
        ok 2 20 30: r x [2], r y [1]";
    let verdict = check(text, "serializable", Validity::Invalid, &["G2-item"]);
    let anomaly = &verdict.anomalies[0];
    assert_eq!(anomaly.witness, [OpIndex(0), OpIndex(1)]);
    assert_eq!(
        anomaly.sentence,
        "#0 and #1 must each come before the other: #0 read x as [], without the 2 that #1 appended; \
         #1 read y as [], without the 1 that #0 appended."
    );
    check(text, "snapshot-isolation", Validity::Valid, &[]);
    let standing = verdict.standing.unwrap();
    assert_eq!(standing.refuted, ["1SR", "repeatable-read", "view-serializable"]);
    assert_eq!(standing.strongest_standing, ["snapshot-isolation"]);
}

#[test]
fn a_stale_read_breaks_strict_serializability_only() {
    let text = "
        ok 0 0 10: a x 1
        ok 1 20 30: r x []";
    let verdict = check(text, "strict-serializable", Validity::Invalid, &["G-single-item-realtime"]);
    assert_eq!(verdict.anomalies[0].cycle.len(), 2);
    let verdict = check(text, "strong-session-serializable", Validity::Valid, &[]);
    assert_eq!(verdict.certificate, Some(vec![OpIndex(1), OpIndex(0)]));
    check(
        &text.replace("ok 1", "ok 0"),
        "strong-session-snapshot-isolation",
        Validity::Invalid,
        &["G-single-item-process"],
    );
}

#[test]
fn single_answers_can_be_wrong() {
    check("ok 0 0 1: r x [7]", "read-uncommitted", Validity::Invalid, &["garbage-read"]);
    let failed = "
        fail 0 0 1: a x 1
        ok 1 0 1: r x [1]";
    check(failed, "read-committed", Validity::Invalid, &["G1a"]);
    check(failed, "read-uncommitted", Validity::Valid, &[]);
    let middle = "
        ok 0 0 9: a x 1, a x 2
        ok 1 0 9: r x [1]
        ok 1 10 11: r x [1 2]";
    check(middle, "read-committed", Validity::Invalid, &["G1b"]);
    check("ok 0 0 1: a x 1, r x []", "read-atomic", Validity::Invalid, &["internal"]);
    check("ok 0 0 1: r x [1], a x 1", "read-committed", Validity::Invalid, &["future-read"]);
    let twice = "
        ok 0 0 1: a x 1
        ok 1 0 1: r x [1 1]";
    check(twice, "read-uncommitted", Validity::Invalid, &["duplicate-elements"]);
    let split = "
        ok 0 0 1: a x 1
        ok 1 0 1: a x 2
        ok 2 0 1: r x [1 2]
        ok 2 3 4: r x [2 1]";
    check(split, "read-committed", Validity::Invalid, &["incompatible-order"]);
    let dirty = "
        fail 0 0 1: a x 1
        ok 1 0 1: a x 2
        ok 2 0 1: r x [1 2]";
    check(dirty, "read-committed", Validity::Invalid, &["G1a", "dirty-update"]);
    let lost = "
        ok 0 0 1: r x [], a x 1
        ok 1 0 1: r x [], a x 2";
    check(lost, "cursor-stability", Validity::Invalid, &["lost-update"]);
}

#[test]
fn answers_must_answer_what_was_asked() {
    let mut history = history("ok 0 0 1: a x 1, r y []");
    history.operations[0].outcome = Outcome::Ok(vec![Answer::Append(Value::from("x"), Value::Int(1))]);
    let verdict = judge(&history, "read-uncommitted");
    assert_eq!(verdict.anomalies[0].kind, "mismatched-answer");
}

#[test]
fn what_an_unknown_transaction_did_counts_once_it_is_seen() {
    let text = "
        unknown 0 0 1: a x 1, a y 1
        ok 1 2 3: r x [1]
        ok 2 4 5: r y []";
    check(text, "strict-serializable", Validity::Invalid, &["G-single-item-realtime"]);
    check(&text.replace("r x [1]", "r x []"), "strict-serializable", Validity::Valid, &[]);
}

#[test]
fn values_that_are_not_unique_prove_nothing() {
    let text = "
        ok 0 0 1: a x 1, a y 1
        ok 1 0 1: a x 1
        ok 2 2 3: r x [1], r y []";
    let verdict = check(text, "serializable", Validity::Unknown, &[]);
    assert!(verdict.notes[0].starts_with("2 writes are not unique"), "{verdict:?}");
}

#[test]
fn what_nothing_decides_is_unknown() {
    let mut untimed = history("ok 0 0 1: a x 1\nok 1 2 3: r x []");
    assert_eq!(judge(&untimed, "strict-serializable").validity, Validity::Invalid);
    untimed.header.untimed = true;
    assert_eq!(judge(&untimed, "strict-serializable").validity, Validity::Unknown);
    assert_eq!(judge(&untimed, "strong-session-serializable").validity, Validity::Valid);
    assert_eq!(judge(&history("fail 0 0 1: a x 1"), "serializable").validity, Validity::Unknown);
    // Write skew stands between what prefix consistency is implied by and what it implies.
    let skew = history("ok 0 0 1: r x [], a y 1\nok 1 0 1: r y [], a x 2\nok 2 2 3: r x [2], r y [1]");
    assert_eq!(judge(&skew, "prefix").validity, Validity::Valid);
    assert_eq!(judge(&skew, "view-serializable").validity, Validity::Invalid);
    assert_eq!(judge(&skew, "linearizable").validity, Validity::Unknown);
}

#[test]
fn keys_can_be_linearizable_one_by_one() {
    // Two keys that were read as of different moments, both of them while the call was under way.
    let apart = "
        ok 0 0 10: a x 1
        ok 2 20 30: a y 1
        ok 1 5 40: r x [], r y [1]";
    check(apart, "strict-serializable", Validity::Invalid, &["G-single-item-realtime"]);
    check(apart, "per-key-linearizable", Validity::Valid, &[]);
    let stale = "
        ok 0 0 10: a x 1
        ok 1 20 40: r x []";
    let verdict = check(stale, "per-key-linearizable", Validity::Invalid, &["nonlinearizable-key"]);
    assert_eq!(verdict.anomalies[0].witness, [OpIndex(0), OpIndex(1)]);
}

#[test]
fn every_kind_has_an_entry_in_the_glossary() {
    let known: Vec<&str> = crate::glossary().iter().map(|entry| entry.kind).collect();
    let cycles = super::super::class::Class::all().map(super::super::class::Class::kind);
    let others = ["G1a", "G1b", "internal", "dirty-update", "duplicate-elements", "incompatible-order"];
    let more = ["lost-update", "future-read", "cyclic-versions", "mismatched-answer", "garbage-read"];
    for kind in cycles.chain(others).chain(more) {
        assert!(known.contains(&kind), "{kind}");
    }
}
