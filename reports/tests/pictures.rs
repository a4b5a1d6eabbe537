//! Each data type's own picture: what is wrong in a small history is what the picture shows as wrong, and what is
//! right is not.

use disprove_reports::{Findings, Picture, Run, Shape, Tone, html};
use history::{
    Header, History, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Vocabulary,
    vocabulary::{bag, counter, ids, lease, lock, log, queue, read_write_lock, register, semaphore, set},
};

/// A call with what came of it, and when it began and ended in milliseconds.
type Told<V> = (<V as Vocabulary>::Call, Outcome<<V as Vocabulary>::Return>, u64, u64);

/// A history of calls by one process each.
fn history<V: Vocabulary>(calls: Vec<Told<V>>) -> History<V> {
    let operation = |(place, (call, outcome, began, ended)): (usize, (_, _, u64, u64))| Operation::<V> {
        index: OpIndex(place as u32),
        process: Process(place as u32),
        node: NodeId(0),
        call,
        outcome,
        began: Nanos(began * 1_000_000),
        ended: Some(Nanos(ended * 1_000_000)),
    };
    let operations = calls.into_iter().enumerate().map(operation).collect();
    History { header: Header::new(V::NAME), operations, faults: vec![], damage: None }
}

/// The first picture of a history, which its page must hold as well.
fn picture<V: Vocabulary>(calls: Vec<Told<V>>) -> Picture {
    let findings = Findings::from_history(Run::default(), &history::<V>(calls), vec![]);
    let picture = findings.pictures.first().expect("the data type has a picture").clone();
    let page = html::page(&findings);
    assert!(page.contains("What the data shows") && page.contains(&picture.title), "{}", picture.title);
    picture
}

/// The fates of all lanes, in the order they are drawn.
fn fates(picture: &Picture) -> Vec<(&str, &str)> {
    let Shape::Lives(lanes) = &picture.shape else { panic!("{:?} has no lanes", picture.title) };
    lanes.iter().map(|lane| (lane.name.as_str(), lane.fate.as_str())).collect()
}

/// How many numbers are shown as wrong.
fn wrong(picture: &Picture) -> usize {
    let Shape::Points(series) = &picture.shape else { panic!("{:?} has no points", picture.title) };
    series.iter().filter(|one| one.tone == Tone::Bad).map(|one| one.points.len()).sum()
}

fn ok<R>(returned: R) -> Outcome<R> {
    Outcome::Ok(returned)
}

#[test]
fn elements_of_a_set_are_lost_stale_stable_or_from_nowhere() {
    use set::{Call, Return};
    let add =
        |element: i64, began, ended| (Call::Add("s".into(), element.into()), ok(Return::Added), began, ended);
    let read = |elements: &[i64], began, ended| {
        let elements = elements.iter().map(|&element| element.into()).collect();
        (Call::Read("s".into()), ok(Return::Elements(elements)), began, ended)
    };
    let maybe = (Call::Add("s".into(), 5.into()), Outcome::Unknown("timed out".into()), 8, 9);
    let unseen = (Call::Add("s".into(), 6.into()), ok(Return::Added), 30, 40);
    let told = picture::<set::Set>(vec![
        add(1, 0, 1),
        add(2, 2, 3),
        add(3, 4, 5),
        maybe,
        read(&[1, 3], 10, 11),
        read(&[1, 2], 20, 21),
        unseen,
        (Call::Contains("s".into(), 7.into()), ok(Return::Contains(true)), 50, 51),
    ]);
    let mut fates = fates(&told);
    fates.sort_unstable();
    let expected = [
        ("1", "stable"),
        ("2", "stale"),
        ("3", "lost"),
        ("5", "never seen"),
        ("6", "never looked for"),
        ("7", "from nowhere"),
    ];
    assert_eq!(fates, expected);
}

#[test]
fn an_element_that_a_queue_or_a_bag_gave_out_twice_is_wrong() {
    use queue::{Call, Return};
    let put =
        |element: i64, at| (Call::Enqueue("q".into(), element.into()), ok(Return::Enqueued), at, at + 1);
    let take =
        |element: i64, at| (Call::Dequeue("q".into()), ok(Return::Dequeued(element.into())), at, at + 1);
    let calls = || vec![put(1, 0), put(2, 2), take(1, 4), take(1, 6), take(2, 8)];
    for told in [
        picture::<queue::Queue>(calls()),
        picture::<queue::Stack>(calls()),
        picture::<queue::PriorityQueue>(calls()),
    ] {
        assert_eq!(fates(&told), [("1", "taken twice"), ("2", "taken")], "{}", told.title);
    }
    let put = |at| (bag::Call::Add("b".into(), 1.into()), ok(bag::Return::Added), at, at + 1);
    let take = |at| (bag::Call::Take("b".into()), ok(bag::Return::Taken(1.into())), at, at + 1);
    assert_eq!(fates(&picture::<bag::Bag>(vec![put(0), put(2), take(4), take(6)])), [("1", "taken")]);
    assert_eq!(fates(&picture::<bag::Bag>(vec![put(0), take(4), take(6)])), [("1", "taken twice")]);
}

#[test]
fn a_counter_is_wrong_only_outside_of_its_bounds() {
    use counter::{Call, Return};
    let add = |amount: i64, began, ended| (Call::Add("c".into(), amount), ok(Return::Added), began, ended);
    let maybe =
        |amount: i64, at| (Call::Add("c".into(), amount), Outcome::Unknown("timed out".into()), at, at + 1);
    let read =
        |value: i64, began, ended| (Call::Read("c".into()), ok(Return::Value(Some(value))), began, ended);
    // 5 is sure; 2 may have happened; -1 overlaps the third read.
    let right =
        vec![add(5, 0, 1), maybe(2, 2), read(5, 10, 11), read(7, 12, 13), add(-1, 14, 20), read(4, 15, 16)];
    assert_eq!(wrong(&picture::<counter::Counter>(right)), 0);
    let mistaken = vec![add(5, 0, 1), maybe(2, 2), read(4, 10, 11), read(8, 12, 13), read(6, 14, 15)];
    assert_eq!(
        wrong(&picture::<counter::Counter>(mistaken)),
        2,
        "6 is within the bounds, which are not a proof"
    );
}

#[test]
fn two_holders_of_a_lock_at_once_are_wrong() {
    use lock::{Call, Return};
    let take = |owner: &str, at| (Call::Acquire("l".into(), owner.into()), ok(Return::Acquired), at, at + 1);
    let give = |owner: &str, at| (Call::Release("l".into(), owner.into()), ok(Return::Released), at, at + 1);
    let right = vec![take("a", 0), give("a", 5), take("b", 5), give("b", 9), take("a", 10)];
    assert_eq!(fates(&picture::<lock::Mutex>(right)), [("a", ""), ("b", "")]);
    let both = vec![take("a", 0), take("b", 3), give("a", 9), give("b", 12), take("c", 14)];
    let told = picture::<lock::Mutex>(both);
    assert_eq!(fates(&told), [("a", "held by two"), ("b", "held by two"), ("c", "")]);
}

#[test]
fn readers_share_a_lock_and_a_lease_ends_by_itself() {
    use read_write_lock::{Call, Mode, Return};
    let take = |owner: &str, mode, at| {
        (Call::Acquire("l".into(), owner.into(), mode), ok(Return::Acquired), at, at + 1)
    };
    let told = picture::<read_write_lock::ReadWriteLock>(vec![
        take("a", Mode::Shared, 0),
        take("b", Mode::Shared, 3),
    ]);
    assert_eq!(fates(&told), [("a", ""), ("b", "")]);
    let told = picture::<read_write_lock::ReadWriteLock>(vec![
        take("a", Mode::Shared, 0),
        take("b", Mode::Exclusive, 3),
    ]);
    assert_eq!(fates(&told), [("a", "held by two"), ("b", "held by two")]);
    let lease = |owner: &str, millis: u64, at| {
        let call = lease::Call::Acquire("l".into(), owner.into(), millis * 1_000_000);
        (call, ok(lease::Return::Acquired), at, at + 1)
    };
    assert_eq!(
        fates(&picture::<lease::Lease>(vec![lease("a", 10, 0), lease("b", 10, 11)])),
        [("a", ""), ("b", "")]
    );
    let early = picture::<lease::Lease>(vec![lease("a", 10, 0), lease("b", 10, 5)]);
    assert_eq!(fates(&early), [("a", "held by two"), ("b", "held by two")]);
}

#[test]
fn semaphores_ids_and_logs_are_drawn_over_time() {
    let take = |at| (semaphore::Call::Acquire("s".into(), 1), ok(semaphore::Return::Acquired), at, at + 1);
    let give = |at| (semaphore::Call::Release("s".into(), 1), ok(semaphore::Return::Released), at, at + 1);
    assert_eq!(wrong(&picture::<semaphore::Semaphore>(vec![take(0), give(3), take(4)])), 0);
    assert_eq!(wrong(&picture::<semaphore::Semaphore>(vec![take(0), take(3)])), 1);
    let id = |id: i64, at| (ids::Call::Generate, ok(ids::Return::Id(id.into())), at, at + 1);
    assert_eq!(wrong(&picture::<ids::Ids>(vec![id(1, 0), id(2, 3)])), 0);
    let append = |offset, at| {
        (log::Call::Append("l".into(), 1.into()), ok(log::Return::Appended(Some(offset))), at, at + 1)
    };
    let Shape::Points(series) = picture::<log::Log>(vec![append(0, 0), append(1, 2)]).shape else {
        panic!("points")
    };
    assert_eq!(series.iter().map(|one| one.points.len()).sum::<usize>(), 2);
}

#[test]
fn a_stale_read_is_late_by_as_long_as_its_value_had_been_replaced() {
    use register::{Call, Return};
    let write =
        |value: i64, began, ended| (Call::Write("x".into(), value.into()), ok(Return::Written), began, ended);
    let read =
        |value: i64, began| (Call::Read("x".into()), ok(Return::Value(Some(value.into()))), began, began + 1);
    let told = picture::<register::Register>(vec![
        write(1, 0, 1),
        write(2, 5, 6),
        read(2, 7),
        read(1, 5),
        read(1, 56),
        read(9, 60),
    ]);
    let Shape::Bars(bars) = &told.shape else { panic!("bars") };
    let counted: Vec<(&str, u64)> =
        bars.iter().filter(|bar| bar.count > 0).map(|bar| (bar.name.as_str(), bar.count)).collect();
    // Value 1 had been replaced for certain at 6 ms; the read at 56 ms was late by 50 ms.
    assert_eq!(counted, [("the newest there was", 2), ("late by up to 100 ms", 1)]);
    assert!(told.note.starts_with("1 read of"), "{}", told.note);
}
