//! What each data type shows best about itself: life lines of elements, holders of locks, bounds of a counter, entries
//! of a log, ids over time, the staleness of reads.
//!
//! A picture is plain data of one of three shapes, so that one way of drawing serves all.

use checkers::Verdict;
use history::{
    History, Key, OpIndex,
    vocabulary::{
        bag::Bag,
        counter::Counter,
        ids::Ids,
        key_value::KeyValue,
        lease::Lease,
        lock::{FencedLock, Mutex, ReentrantMutex},
        log::Log,
        queue::{PriorityQueue, Queue, Stack},
        read_write_lock::ReadWriteLock,
        register::Register,
        semaphore::Semaphore,
        set::Set,
    },
};
use serde::{Deserialize, Serialize};

use super::recorded::Recorded;

mod bounds;
mod elements;
mod entries;
mod holders;
mod numbers;
mod staleness;

/// How many keys have a picture each.
const KEYS_MAX: usize = 3;
/// How many lanes, and how many spans and signs a lane may have.
const LANES_MAX: usize = 24;
const SPANS_MAX: usize = 80;
/// How many points a picture may have.
const POINTS_MAX: usize = 1_200;

/// What a part of a picture says, apart from its words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tone {
    /// As promised.
    Good,
    /// What the promise forbids.
    Bad,
    /// Neither.
    Plain,
    /// Nobody can say.
    Unknown,
}

/// A stretch of time on a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// Its beginning in nanoseconds.
    pub from: u64,
    /// Its end; none where it goes on.
    pub until: Option<u64>,
    /// What it says.
    pub tone: Tone,
    /// What it is, in words.
    pub text: String,
}

/// A moment on a lane.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sign {
    /// When, in nanoseconds.
    pub at: u64,
    /// What it says.
    pub tone: Tone,
    /// What it is, in words.
    pub text: String,
}

/// One lane: an element, an owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Whose lane it is.
    pub name: String,
    /// How it went, in one word: `lost`, `stable`.
    pub fate: String,
    /// What that says.
    pub tone: Tone,
    /// The stretches of time.
    pub spans: Vec<Span>,
    /// The moments.
    pub signs: Vec<Sign>,
}

/// A number, or a range of numbers, at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point(
    /// When, in nanoseconds.
    pub u64,
    /// The lower end.
    pub i64,
    /// The upper end.
    pub i64,
);

/// Points that mean the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Series {
    /// What they are.
    pub name: String,
    /// What they say.
    pub tone: Tone,
    /// The points, in the order of their moments.
    pub points: Vec<Point>,
}

/// One bar of a distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bar {
    /// What it counts.
    pub name: String,
    /// How many.
    pub count: u64,
    /// What it says.
    pub tone: Tone,
}

/// The shape of a picture.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Shape {
    /// Lanes over time.
    Lives(Vec<Life>),
    /// Numbers over time.
    Points(Vec<Series>),
    /// A distribution.
    Bars(Vec<Bar>),
}

/// A picture that belongs to a data type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// Its title.
    pub title: String,
    /// How to read it, in one line.
    pub how: String,
    /// What was left out, where something was.
    pub note: String,
    /// What is drawn.
    pub shape: Shape,
}

/// The keys that anomalies are about, each with the operations that prove something about it.
struct Suspects<'a>(Vec<(&'a Key, Vec<OpIndex>)>);

impl<'a> Suspects<'a> {
    fn of(verdicts: &'a [Verdict]) -> Self {
        let mut keys: Vec<(&Key, Vec<OpIndex>)> = Vec::new();
        for anomaly in verdicts.iter().flat_map(|verdict| &verdict.anomalies) {
            let Some(key) = &anomaly.key else { continue };
            match keys.iter().position(|(known, _)| *known == key) {
                Some(place) => keys[place].1.extend(&anomaly.witness),
                None if keys.len() < KEYS_MAX => keys.push((key, anomaly.witness.clone())),
                None => {}
            }
        }
        Self(keys)
    }
}

/// The pictures of a history. Those of one key are drawn for the keys of the first anomalies, and where there are
/// none for the first key of the history.
pub(super) fn of(history: &dyn Recorded, verdicts: &[Verdict]) -> Vec<Picture> {
    let mut suspects = Suspects::of(verdicts);
    let first: Option<Key> = (0..history.len()).flat_map(|place| history.keys(place)).next();
    if suspects.0.is_empty() {
        suspects.0.extend(first.as_ref().map(|key| (key, Vec::new())));
    }
    let history = history.whole();
    let mut pictures = Vec::new();
    for (key, proof) in &suspects.0 {
        let picture = None
            .or_else(|| history.downcast_ref::<History<Set>>().map(|h| elements::of_set(h, key, proof)))
            .or_else(|| history.downcast_ref::<History<Bag>>().map(|h| elements::of_bag(h, key, proof)))
            .or_else(|| history.downcast_ref::<History<Queue>>().map(|h| elements::of_queue(h, key, proof)))
            .or_else(|| history.downcast_ref::<History<Stack>>().map(|h| elements::of_queue(h, key, proof)))
            .or_else(|| {
                history.downcast_ref::<History<PriorityQueue>>().map(|h| elements::of_queue(h, key, proof))
            })
            .or_else(|| history.downcast_ref::<History<Log>>().map(|h| entries::picture(h, key, proof)))
            .or_else(|| history.downcast_ref::<History<Counter>>().map(|h| bounds::picture(h, key)))
            .or_else(|| history.downcast_ref::<History<Mutex>>().map(|h| holders::of_lock(h, key)))
            .or_else(|| history.downcast_ref::<History<ReentrantMutex>>().map(|h| holders::of_lock(h, key)))
            .or_else(|| history.downcast_ref::<History<FencedLock>>().map(|h| holders::of_lock(h, key)))
            .or_else(|| {
                history.downcast_ref::<History<ReadWriteLock>>().map(|h| holders::of_read_write_lock(h, key))
            })
            .or_else(|| history.downcast_ref::<History<Semaphore>>().map(|h| holders::of_semaphore(h, key)))
            .or_else(|| history.downcast_ref::<History<Lease>>().map(|h| holders::of_lease(h, key)));
        pictures.extend(picture.flatten());
    }
    let whole = None
        .or_else(|| history.downcast_ref::<History<Ids>>().map(|h| numbers::picture(h, verdicts)))
        .or_else(|| history.downcast_ref::<History<Register>>().map(staleness::of_register))
        .or_else(|| history.downcast_ref::<History<KeyValue>>().map(staleness::of_key_value));
    pictures.extend(whole.flatten());
    pictures
}

/// At most so many of them, evenly chosen; those that matter stay.
fn thin<T>(all: Vec<T>, most: usize, matters: impl Fn(&T) -> bool) -> Vec<T> {
    let every = all.len().div_ceil(most.max(1)).max(1);
    let kept = all.into_iter().enumerate().filter(|(place, one)| place % every == 0 || matters(one));
    kept.map(|(_, one)| one).take(most * 2).collect()
}

fn name_of(value: &history::Value) -> String {
    crate::wording::cut(&value.to_string(), 40).into_owned()
}
