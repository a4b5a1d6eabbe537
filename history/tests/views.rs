//! The ways to look at a history.

use disprove_history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Value, Vocabulary,
    vocabulary::{
        ListAppend, Register,
        list_append::Step,
        register::{Call, Return},
    },
};

/// Who called what, what became of it, and when it began and ended.
type Row<V> = (u32, <V as Vocabulary>::Call, Outcome<<V as Vocabulary>::Return>, u64, Option<u64>);

fn history<V: Vocabulary>(calls: Vec<Row<V>>) -> History<V> {
    let operations =
        calls.into_iter().enumerate().map(|(index, (process, call, outcome, began, ended))| Operation {
            index: OpIndex(index as u32),
            process: Process(process),
            node: NodeId(0),
            call,
            outcome,
            began: Nanos(began),
            ended: ended.map(Nanos),
        });
    let operations = operations.collect();
    History { header: Header::new(V::NAME), operations, faults: Vec::new(), damage: None }
}

fn indexes<V: Vocabulary>(operations: &[&Operation<V>]) -> Vec<u32> {
    operations.iter().map(|operation| operation.index.0).collect()
}

#[test]
fn registers_by_key_process_and_time() {
    let history = history::<Register>(vec![
        (3, Call::Write("y".into(), 1.into()), Outcome::Ok(Return::Written), 1, Some(4)),
        (1, Call::Read("x".into()), Outcome::Ok(Return::Value(Some(Value::Nil))), 2, Some(3)),
        (3, Call::Write("x".into(), 2.into()), Outcome::Unknown("timed out".into()), 5, Some(90)),
        (1, Call::Write("x".into(), 3.into()), Outcome::Fail("no leader".into()), 6, None),
    ]);
    let by_key: Vec<_> =
        history.by_key().into_iter().map(|(key, list)| (key.to_string(), indexes(&list))).collect();
    assert_eq!(by_key, [("x".into(), vec![1, 2, 3]), ("y".into(), vec![0])]);
    let by_process: Vec<_> =
        history.by_process().into_iter().map(|(who, list)| (who.0, indexes(&list))).collect();
    assert_eq!(by_process, [(1, vec![1, 3]), (3, vec![0, 2])]);
    let between = |from, to| history.begun_between(Nanos(from), Nanos(to)).len();
    assert_eq!((between(2, 6), between(0, 100), between(7, 9), between(6, 2)), (2, 4, 0, 0));
    assert_eq!(history.last_event(), Nanos(90));
    let counts = history.counts();
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), ["read", "write"]);
    assert_eq!((counts["write"].ok, counts["write"].fail, counts["write"].unknown), (1, 1, 1));
    assert_eq!(counts["read"].total(), 1);
}

#[test]
fn a_transaction_is_under_each_of_its_keys_once() {
    let steps = vec![Step::Read(1.into()), Step::Append(2.into(), 7.into()), Step::Read(1.into())];
    let history = history::<ListAppend>(vec![(0, steps, Outcome::Unknown("".into()), 0, None)]);
    let by_key: Vec<_> =
        history.by_key().into_iter().map(|(key, list)| (key.to_string(), indexes(&list))).collect();
    assert_eq!(by_key, [("1".into(), vec![0]), ("2".into(), vec![0])]);
}
