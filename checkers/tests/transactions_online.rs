//! Transactions judged while they happen, beside the same transactions judged at once.
//!
//! `DISPROVE_ONLINE` is the number of histories; the default takes some seconds.

#[path = "material/dice.rs"]
mod dice;

use std::collections::BTreeMap;

use dice::Dice;
use disprove_checkers::{
    Budget, Checker, Model, OnlineLists, OnlineRegisters, Streaming, Transactions, Validity, Verdict,
    VersionOrder,
};
use history::{
    Header, History, Key, ListAppend, Nanos, NodeId, OpIndex, Operation, Outcome, Process, Reason,
    RwRegister, Value, Vocabulary,
    stream::Event,
    vocabulary::{list_append, rw_register},
};

/// A store that is wrong now and then, over keys that come and go.
struct Shape {
    transactions: u64,
    clients: u64,
    /// How many keys are in use at a time, and after how many transactions the oldest is replaced.
    keys: u64,
    key_lasts: u64,
    /// In so many of a thousand transactions something is wrong.
    wrong: u64,
    /// Whether values are sometimes given twice, or keys used again.
    careless: bool,
}

#[derive(Clone)]
enum Step {
    Read(u64, Vec<i64>),
    Write(u64, i64),
}

struct Transaction {
    process: u64,
    began: u64,
    ended: Option<u64>,
    outcome: u64,
    steps: Vec<Step>,
}

const OK: u64 = 0;
const FAILED: u64 = 1;

fn simulate(shape: &Shape, dice: &mut Dice) -> Vec<Transaction> {
    let mut past: Vec<BTreeMap<u64, Vec<i64>>> = vec![BTreeMap::new()];
    let mut free = vec![0; shape.clients as usize];
    let (mut time, mut value, mut made) = (0, 0, Vec::new());
    let mut session: Vec<u64> = (0..shape.clients).collect();
    for number in 0..shape.transactions {
        let client = dice.below(free.len());
        time += 1 + dice.roll(3);
        // Each takes effect at `time`; what is under way around it overlaps.
        let began = (time.saturating_sub(dice.roll(6))).max(free[client] + 1);
        let effect = time.max(began);
        time = effect;
        let is_wrong = dice.roll(1000) < shape.wrong;
        let back = if is_wrong { dice.below(8.min(past.len())) } else { 0 };
        let mut seen = past[past.len() - 1 - back].clone();
        let mut latest = past[past.len() - 1].clone();
        let outcome = match dice.roll(20) {
            0 => FAILED,
            1 => 2,
            _ => OK,
        };
        let base = number / shape.key_lasts;
        let mut steps = Vec::new();
        for _ in 0..1 + dice.roll(4) {
            let mut key = base + dice.roll(shape.keys);
            if shape.careless && dice.roll(50) == 0 {
                key = dice.roll(base + 1);
            }
            if dice.roll(2) == 0 {
                let mut list = seen.get(&key).cloned().unwrap_or_default();
                match dice.roll(8) {
                    // A value that nobody wrote, or never to this key.
                    0 if is_wrong => list.push(1_000_000 + number as i64),
                    1 if is_wrong => list.push(value),
                    2 if is_wrong => list.reverse(),
                    _ => {}
                }
                steps.push(Step::Read(key, list));
            } else {
                if !shape.careless || dice.roll(100) > 0 {
                    value += 1;
                }
                seen.entry(key).or_default().push(value);
                latest.entry(key).or_default().push(value);
                steps.push(Step::Write(key, value));
            }
        }
        let happens = match outcome {
            OK => true,
            FAILED => is_wrong && dice.roll(2) == 0,
            _ => dice.roll(2) == 0,
        };
        if happens {
            past.push(latest);
            if past.len() > 9 {
                past.remove(0);
            }
        }
        let ended = effect + 1 + dice.roll(8);
        free[client] = ended;
        made.push(Transaction {
            process: session[client],
            began,
            ended: (outcome != 2 || dice.roll(2) == 0).then_some(ended),
            outcome,
            steps,
        });
        if outcome != OK {
            // A new session after what did not succeed.
            session[client] += shape.clients;
        }
    }
    made.sort_by_key(|transaction| transaction.began);
    made
}

fn history<V: Vocabulary>(
    transactions: &[Transaction],
    translate: impl Fn(&Step) -> (V::Call, V::Return),
    join: impl Fn(Vec<(V::Call, V::Return)>) -> (V::Call, V::Return),
) -> History<V> {
    let operations = transactions.iter().enumerate().map(|(index, transaction)| {
        let (call, answers) = join(transaction.steps.iter().map(&translate).collect());
        Operation {
            index: OpIndex(index as u32),
            process: Process(transaction.process as u32),
            node: NodeId(0),
            call,
            outcome: match transaction.outcome {
                OK => Outcome::Ok(answers),
                FAILED => Outcome::Fail(Reason::from("refused")),
                _ => Outcome::Unknown(Reason::from("no answer")),
            },
            began: Nanos(transaction.began),
            ended: transaction.ended.map(Nanos),
        }
    });
    History {
        header: Header::new(V::NAME),
        operations: operations.collect(),
        faults: Vec::new(),
        damage: None,
    }
}

fn flat<S, A>(pairs: Vec<(Vec<S>, Vec<A>)>) -> (Vec<S>, Vec<A>) {
    let (calls, answers): (Vec<Vec<S>>, Vec<Vec<A>>) = pairs.into_iter().unzip();
    (calls.into_iter().flatten().collect(), answers.into_iter().flatten().collect())
}

fn lists(transactions: &[Transaction]) -> History<ListAppend> {
    use list_append::{Answer, Step as Asked};
    let one = |step: &Step| match step {
        Step::Read(key, list) => {
            let key = Value::Int(*key as i64);
            let list = list.iter().map(|value| Value::Int(*value)).collect();
            (vec![Asked::Read(key.clone())], vec![Answer::Read(key, Some(list))])
        }
        Step::Write(key, value) => {
            let (key, value) = (Value::Int(*key as i64), Value::Int(*value));
            (vec![Asked::Append(key.clone(), value.clone())], vec![Answer::Append(key, value)])
        }
    };
    history::<ListAppend>(transactions, one, flat)
}

fn registers(transactions: &[Transaction]) -> History<RwRegister> {
    use rw_register::{Answer, Step as Asked};
    let one = |step: &Step| match step {
        Step::Read(key, list) => {
            let key = Value::Int(*key as i64);
            let value = list.last().map_or(Value::Nil, |value| Value::Int(*value));
            (vec![Asked::Read(key.clone())], vec![Answer::Read(key, Some(value))])
        }
        Step::Write(key, value) => {
            let (key, value) = (Value::Int(*key as i64), Value::Int(*value));
            (vec![Asked::Write(key.clone(), value.clone())], vec![Answer::Write(key, value)])
        }
    };
    history::<RwRegister>(transactions, one, flat)
}

/// What happened, in its order.
fn events<V: Vocabulary>(history: &History<V>) -> Vec<Event<V>> {
    let mut events: Vec<((u64, bool, u32), Event<V>)> = Vec::new();
    for operation in &history.operations {
        let index = operation.index;
        let begun = Operation {
            outcome: Outcome::Unknown(Reason::from("under way")),
            ended: None,
            ..operation.clone()
        };
        events.push(((operation.began.0, false, index.0), Event::Began(begun)));
        if let Some(at) = operation.ended {
            let outcome = operation.outcome.clone();
            events.push(((at.0, true, index.0), Event::Ended { index, at, outcome, call: None }));
        }
    }
    events.sort_by_key(|(order, _)| *order);
    events.into_iter().map(|(_, event)| event).collect()
}

/// Feeds a history and looks after every few events. The verdict, how much was retained at most, and whether it was told
/// before the end.
fn stream<V: Vocabulary>(
    online: &mut dyn Streaming<V>,
    history: &History<V>,
    every: usize,
) -> (Verdict, usize, bool) {
    let mut most = 0;
    for (place, event) in events(history).into_iter().enumerate() {
        online.take(event);
        if place % every == 0
            && let Some(verdict) = online.look(&Budget::default())
        {
            return (verdict, most, true);
        }
        most = most.max(online.retained().len());
    }
    (online.finish(&Budget::default()), most, false)
}

const MODELS: [&str; 8] = [
    "strict-serializable",
    "serializable",
    "snapshot-isolation",
    "strong-session-snapshot-isolation",
    "parallel-snapshot-isolation",
    "read-committed",
    "read-uncommitted",
    "per-key-linearizable",
];

fn checker(name: &str) -> Transactions {
    Transactions::new(vec![Model::named(name).unwrap()], VersionOrder::EXACT)
}

fn count() -> u64 {
    std::env::var("DISPROVE_ONLINE").ok().and_then(|text| text.parse().ok()).unwrap_or(200)
}

/// Every kind that was told is one that the whole history shows, or a milder case of one.
fn assert_told(verdict: &Verdict, whole: &Verdict, seed: u64, name: &str) {
    assert_eq!(whole.validity, Validity::Invalid, "seed {seed}, {name}: {verdict:#?}");
    assert!(!verdict.anomalies.is_empty(), "seed {seed}, {name}");
}

/// Seeds of lists that were judged wrongly once.
const HARD: [u64; 3] = [500, 986, 1194];

#[test]
fn lists_are_judged_as_the_whole_history_is() {
    let mut tally: BTreeMap<(&str, String, bool), u64> = BTreeMap::new();
    for seed in (0..count()).chain(HARD) {
        let mut dice = Dice(seed);
        let shape = Shape {
            transactions: 40 + dice.roll(160),
            clients: 1 + dice.roll(6),
            keys: 1 + dice.roll(4),
            key_lasts: 3 + dice.roll(12),
            wrong: [0, 0, 5, 40][dice.below(4)],
            careless: false,
        };
        let history = lists(&simulate(&shape, &mut dice));
        // No key is used for longer, and calls under way end sooner.
        let forget_after = shape.keys * shape.key_lasts + 20;
        let name = MODELS[dice.below(MODELS.len())];
        let whole = Checker::<ListAppend>::check(&checker(name), &history, &Budget::default());
        let mut online = OnlineLists::new(checker(name), history.header.clone(), forget_after);
        let every = 1 + dice.below(30);
        let (verdict, most, early) = stream(&mut online, &history, every);
        // Where reads of what failed are allowed, what was forgotten leaves it open.
        let is_open = verdict.validity == Validity::Unknown && !Model::named(name).unwrap().prohibits("G1a");
        assert!(
            is_open || verdict.validity == whole.validity,
            "seed {seed}, {name}: {verdict:#?}\nwhole: {whole:#?}"
        );
        if is_open {
            assert!(!verdict.notes.is_empty(), "seed {seed}, {name}");
        } else if verdict.validity == Validity::Invalid {
            assert_told(&verdict, &whole, seed, name);
        } else {
            assert_eq!(verdict.standing, whole.standing, "seed {seed}, {name}");
        }
        *tally.entry((name, format!("{:?}", verdict.validity), early)).or_default() += 1;
        *tally.entry(("forgot", String::new(), most < history.operations.len())).or_default() += 1;
    }
    println!("{tally:#?}");
    assert!(tally.get(&("forgot", String::new(), true)).is_some_and(|count| *count > 10), "{tally:?}");
    assert!(tally.keys().any(|(_, _, early)| *early));
}

/// So many transactions, one after the other, of which each adds to a list and reads it; a list is left after twenty.
fn orderly(transactions: u64) -> Vec<Transaction> {
    let transaction = |number: u64| {
        let (key, place) = (number / 20, number % 20);
        let list = (0..=place).map(|place| (key * 20 + place) as i64).collect();
        let steps = vec![Step::Write(key, number as i64), Step::Read(key, list)];
        Transaction { process: 0, began: 4 * number, ended: Some(4 * number + 2), outcome: OK, steps }
    };
    (0..transactions).map(transaction).collect()
}

#[test]
fn what_is_retained_does_not_grow_with_the_history() {
    let history = lists(&orderly(16_000));
    let mut online = OnlineLists::new(checker("strict-serializable"), history.header.clone(), 400);
    let mut most = 0;
    for event in events(&history) {
        online.take(event);
        most = most.max(online.retained().len());
        if online.is_due() {
            assert!(online.look(&Budget::default()).is_none());
        }
    }
    assert_eq!(online.finish(&Budget::default()).validity, Validity::Valid);
    assert!(most < 2_200, "{most}");
}

/// An orderly history of twenty lists, and at its end a read of each of them, which `change` may change.
fn read_again(change: impl Fn(&mut Vec<Transaction>)) -> (Verdict, Vec<Key>) {
    let mut transactions = orderly(400);
    for key in 0..20 {
        let list = (20 * key..20 * key + 20).collect();
        let began = 10_000 + 4 * key as u64;
        let steps = vec![Step::Read(key as u64, list)];
        transactions.push(Transaction { process: 0, began, ended: Some(began + 2), outcome: OK, steps });
    }
    change(&mut transactions);
    let history = lists(&transactions);
    let mut online = OnlineLists::new(checker("strict-serializable"), history.header.clone(), 30);
    let (verdict, most, _) = stream(&mut online, &history, 10);
    assert!(most < 200, "{most}");
    let whole = checker("strict-serializable").check(&history, &Budget::default());
    assert!(verdict.validity == whole.validity || verdict.validity == Validity::Unknown, "{verdict:#?}");
    (verdict, online.strayed())
}

#[test]
fn a_list_that_is_found_as_it_was_left_says_no_more() {
    let (verdict, strayed) = read_again(|_| {});
    assert_eq!((verdict.validity, strayed), (Validity::Valid, Vec::new()), "{:#?}", verdict.notes);
}

#[test]
fn a_list_that_is_found_otherwise_is_named() {
    let early_read = |transactions: &mut Vec<Transaction>| match &mut transactions[400].steps[0] {
        Step::Read(_, list) => list.truncate(19),
        Step::Write(..) => unreachable!("the transactions at the end read"),
    };
    // The last append was acknowledged, but only the reads at the end tell of it, or do not.
    let unread = |transactions: &mut Vec<Transaction>| transactions[19].steps.truncate(1);
    let both = |transactions: &mut Vec<Transaction>| {
        unread(transactions);
        early_read(transactions);
    };
    for (verdict, strayed) in [read_again(early_read), read_again(unread), read_again(both)] {
        assert_eq!(verdict.validity, Validity::Unknown, "{verdict:#?}");
        assert_eq!(strayed, [Key::Int(0)], "{verdict:#?}");
        assert!(verdict.notes.iter().any(|note| note.contains("otherwise than")), "{verdict:#?}");
    }
}

#[test]
fn careless_lists_never_give_a_false_alarm_nor_a_false_pass() {
    let mut tally: BTreeMap<(Validity, Validity), u64> = BTreeMap::new();
    for seed in 0..count() {
        let mut dice = Dice(seed ^ 0xface);
        let shape = Shape {
            transactions: 20 + dice.roll(120),
            clients: 1 + dice.roll(6),
            keys: 1 + dice.roll(4),
            key_lasts: 1 + dice.roll(12),
            wrong: [0, 5, 40][dice.below(3)],
            careless: dice.roll(3) > 0,
        };
        let history = lists(&simulate(&shape, &mut dice));
        let name = MODELS[dice.below(MODELS.len())];
        let whole = Checker::<ListAppend>::check(&checker(name), &history, &Budget::default());
        let forget_after = 1 + dice.roll(30);
        let mut online = OnlineLists::new(checker(name), history.header.clone(), forget_after);
        let (verdict, ..) = stream(&mut online, &history, 1 + dice.below(30));
        *tally.entry((verdict.validity, whole.validity)).or_default() += 1;
        let is_repeated = whole.notes.iter().any(|note| note.contains("not unique"));
        match verdict.validity {
            // What was seen before a value was given a second time is proof, of which the whole history knows nothing any more.
            Validity::Invalid if is_repeated => assert_ne!(whole.validity, Validity::Valid),
            Validity::Invalid => assert_told(&verdict, &whole, seed, name),
            Validity::Valid => assert_eq!(whole.validity, Validity::Valid, "seed {seed}, {name}"),
            Validity::Unknown => assert!(!verdict.notes.is_empty(), "seed {seed}, {name}"),
        }
    }
    println!("{tally:#?}");
    assert!(tally.contains_key(&(Validity::Invalid, Validity::Invalid)));
    assert!(tally.contains_key(&(Validity::Unknown, Validity::Valid)), "{tally:?}");
}

#[test]
fn registers_are_judged_within_their_span() {
    let mut tally: BTreeMap<(Validity, Validity), u64> = BTreeMap::new();
    for seed in 0..count() {
        let mut dice = Dice(seed ^ 0xbead);
        let shape = Shape {
            transactions: 20 + dice.roll(70),
            clients: 1 + dice.roll(6),
            keys: 1 + dice.roll(4),
            key_lasts: 1 + dice.roll(40),
            wrong: [0, 20, 100][dice.below(3)],
            careless: dice.roll(3) == 0,
        };
        let history = registers(&simulate(&shape, &mut dice));
        let name = [
            "strict-serializable",
            "serializable",
            "snapshot-isolation",
            "causal",
            "read-atomic",
            "read-committed",
        ][dice.below(6)];
        let whole = Checker::<RwRegister>::check(&checker(name), &history, &Budget::default());
        let span = 1 + dice.roll(40);
        let mut online = OnlineRegisters::new(checker(name), history.header.clone(), span);
        let (verdict, ..) = stream(&mut online, &history, 1 + dice.below(30));
        *tally.entry((verdict.validity, whole.validity)).or_default() += 1;
        let is_repeated =
            whole.notes.iter().any(|note| note.contains("unique") || note.contains("more than once"));
        match verdict.validity {
            Validity::Invalid if is_repeated => assert_ne!(whole.validity, Validity::Valid),
            Validity::Invalid => assert_told(&verdict, &whole, seed, name),
            Validity::Valid => assert_eq!(whole.validity, Validity::Valid, "seed {seed}, {name}"),
            Validity::Unknown => assert!(!verdict.notes.is_empty(), "seed {seed}, {name}"),
        }
    }
    println!("{tally:#?}");
    assert!(tally.contains_key(&(Validity::Invalid, Validity::Invalid)));
    assert!(tally.contains_key(&(Validity::Valid, Validity::Valid)));
}
