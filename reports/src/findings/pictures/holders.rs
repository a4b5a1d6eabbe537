//! Locks: who certainly held one, from when until when. Two that hold it at once can be seen.

use history::{
    History, Key, Operation, Outcome, Value, Vocabulary,
    vocabulary::{
        lease::{self, Lease},
        lock,
        read_write_lock::{self, Mode, ReadWriteLock},
        semaphore::{self, Semaphore},
    },
};

use super::{
    LANES_MAX, Life, POINTS_MAX, Picture, Point, SPANS_MAX, Series, Shape, Span, Tone, name_of, thin,
};

/// How many holds are drawn around the first that is wrong.
const HOLDS_MAX: usize = 60;

const HOW: &str = "Each row is an owner, and each bar the time for which it certainly held the lock: from the answer that \
                   gave it to the call that gave it back. Two red bars, one below the other, are two holders at once.";

/// A time for which somebody certainly held the lock.
#[derive(Clone, Debug)]
struct Hold {
    owner: Value,
    from: u64,
    until: u64,
    shared: bool,
    wrong: bool,
}

/// What one operation did to a lock.
enum Deed {
    Take { owner: Value, shared: bool, from: u64, until: u64 },
    Give { owner: Value, shared: bool, at: u64 },
}

pub(super) fn of_lock<V>(history: &History<V>, key: &Key) -> Option<Picture>
where
    V: Vocabulary<Call = lock::Call, Return = lock::Return>,
{
    use lock::{Call, Return};
    let deed = |o: &Operation<V>| match (&o.call, &o.outcome) {
        _ if o.call.key() != key => None,
        (Call::Acquire(_, owner), Outcome::Ok(Return::Acquired | Return::Fenced(_))) => {
            take(o, owner, false, u64::MAX)
        }
        (Call::Release(_, owner), outcome) => {
            let refused = matches!(outcome, Outcome::Fail(_) | Outcome::Ok(Return::Refused));
            (!refused).then(|| Deed::Give { owner: owner.clone(), shared: false, at: o.began.0 })
        }
        _ => None,
    };
    picture(key, holds(history.operations.iter().filter_map(deed)))
}

pub(super) fn of_read_write_lock(history: &History<ReadWriteLock>, key: &Key) -> Option<Picture> {
    use read_write_lock::{Call, Return};
    let deed = |o: &Operation<ReadWriteLock>| match (&o.call, &o.outcome) {
        (Call::Acquire(of, owner, mode), Outcome::Ok(Return::Acquired)) if of == key => {
            take(o, owner, *mode == Mode::Shared, u64::MAX)
        }
        (Call::Release(of, owner, mode), outcome) if of == key => {
            let refused = matches!(outcome, Outcome::Fail(_) | Outcome::Ok(Return::Refused));
            let shared = *mode == Mode::Shared;
            (!refused).then(|| Deed::Give { owner: owner.clone(), shared, at: o.began.0 })
        }
        _ => None,
    };
    picture(key, holds(history.operations.iter().filter_map(deed)))
}

pub(super) fn of_lease(history: &History<Lease>, key: &Key) -> Option<Picture> {
    use lease::{Call, Return};
    let deed = |o: &Operation<Lease>| match (&o.call, &o.outcome) {
        _ if o.call.key() != key => None,
        (
            Call::Acquire(_, owner, time) | Call::Renew(_, owner, time),
            Outcome::Ok(Return::Acquired | Return::Renewed),
        ) => take(o, owner, false, o.began.0.saturating_add(*time)),
        (Call::Release(_, owner), outcome) => {
            let refused = matches!(outcome, Outcome::Fail(_) | Outcome::Ok(Return::Refused));
            (!refused).then(|| Deed::Give { owner: owner.clone(), shared: false, at: o.began.0 })
        }
        _ => None,
    };
    picture(key, holds(history.operations.iter().filter_map(deed)))
}

fn take<V: Vocabulary>(operation: &Operation<V>, owner: &Value, shared: bool, until: u64) -> Option<Deed> {
    Some(Deed::Take { owner: owner.clone(), shared, from: operation.ended?.0, until })
}

/// The certain holds, in the order they began, with those marked that exclude each other.
fn holds(deeds: impl Iterator<Item = Deed>) -> Vec<Hold> {
    let mut holds: Vec<Hold> = Vec::new();
    let mut gives: Vec<(Value, bool, u64)> = Vec::new();
    for deed in deeds {
        match deed {
            Deed::Take { owner, shared, from, until } => {
                holds.push(Hold { owner, from, until, shared, wrong: false });
            }
            Deed::Give { owner, shared, at } => gives.push((owner, shared, at)),
        }
    }
    gives.sort();
    for hold in &mut holds {
        let next = gives.partition_point(|(owner, shared, at)| {
            (owner, *shared, *at) < (&hold.owner, hold.shared, hold.from)
        });
        if let Some((owner, shared, at)) = gives.get(next)
            && *owner == hold.owner
            && *shared == hold.shared
        {
            hold.until = hold.until.min(*at);
        }
    }
    holds.retain(|hold| hold.until > hold.from);
    holds.sort_by_key(|hold| hold.from);
    mark_overlaps(&mut holds);
    holds
}

/// Marks each hold that another owner's overlaps, where not both are shared. The latest to end of each kind is
/// enough to compare with, and the latest of somebody else.
fn mark_overlaps(holds: &mut [Hold]) {
    let mut latest: [[Option<usize>; 2]; 2] = [[None; 2]; 2];
    for place in 0..holds.len() {
        let rivals = latest.iter().enumerate().filter(|(kind, _)| !(holds[place].shared && *kind == 1));
        let rivals: Vec<usize> = rivals.flat_map(|(_, two)| two.iter().flatten().copied()).collect();
        for rival in rivals {
            if holds[rival].owner != holds[place].owner && holds[rival].until > holds[place].from {
                holds[rival].wrong = true;
                holds[place].wrong = true;
            }
        }
        let two = &mut latest[usize::from(holds[place].shared)];
        let ends = |at: Option<usize>| at.map_or(0, |at| holds[at].until);
        if ends(two[0]) <= holds[place].until {
            if two[0].is_some_and(|first| holds[first].owner != holds[place].owner) {
                two[1] = two[0];
            }
            two[0] = Some(place);
        } else if ends(two[1]) <= holds[place].until {
            two[1] = Some(place);
        }
    }
}

fn picture(key: &Key, holds: Vec<Hold>) -> Option<Picture> {
    let total = holds.len();
    let wrong = holds.iter().filter(|hold| hold.wrong).count();
    let centre = holds.iter().position(|hold| hold.wrong).unwrap_or(0);
    let from = centre.saturating_sub(HOLDS_MAX / 3);
    let shown = &holds[from..total.min(from + HOLDS_MAX)];
    let latest = shown.iter().map(|hold| hold.from).max()?;
    let mut lanes: Vec<Life> = Vec::new();
    for hold in shown {
        let name = name_of(&hold.owner);
        let tone = if hold.wrong { Tone::Bad } else { Tone::Good };
        let place = lanes.iter().position(|lane| lane.name == name).unwrap_or_else(|| {
            lanes.push(Life { name, fate: String::new(), tone: Tone::Good, spans: vec![], signs: vec![] });
            lanes.len() - 1
        });
        let lane = &mut lanes[place];
        if hold.wrong {
            lane.tone = Tone::Bad;
            lane.fate = "held by two".into();
        }
        if lane.spans.len() < SPANS_MAX {
            let text = if hold.shared { "shared" } else { "held" };
            // A hold that nobody ended goes on, and what ends far beyond the picture is cut there.
            let until = (hold.until <= latest.saturating_mul(2)).then_some(hold.until);
            lane.spans.push(Span { from: hold.from, until, tone, text: text.into() });
        }
    }
    lanes.sort_by_key(|lane| lane.tone != Tone::Bad);
    lanes.truncate(LANES_MAX);
    Some(Picture {
        title: format!("Holders of lock {}", name_of(key)),
        how: HOW.into(),
        note: format!("{} of {total} holds are drawn; {wrong} overlap another's.", shown.len()),
        shape: Shape::Lives(lanes),
    })
}

/// How many permits were certainly out, against how many there are.
pub(super) fn of_semaphore(history: &History<Semaphore>, key: &Key) -> Option<Picture> {
    use semaphore::{Call, Return};
    let permits = match history.header.initial {
        Value::Int(permits) => permits,
        _ => 1,
    };
    let mut events: Vec<(u64, i64)> = Vec::new();
    for operation in &history.operations {
        let signed = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        match (&operation.call, &operation.outcome, operation.ended) {
            (Call::Acquire(of, count), Outcome::Ok(Return::Acquired), Some(ended)) if of == key => {
                events.push((ended.0, signed(*count)));
            }
            (_, Outcome::Fail(_) | Outcome::Ok(Return::Refused), _) => {}
            (Call::Release(of, count), ..) if of == key => events.push((operation.began.0, -signed(*count))),
            _ => {}
        }
    }
    // What is given back at a moment was given back before somebody else has it.
    events.sort_unstable();
    let mut out = 0i64;
    let held: Vec<Point> = events
        .into_iter()
        .map(|(at, change)| {
            out = out.saturating_add(change);
            Point(at, out, out)
        })
        .collect();
    let (first, last) = (held.first()?.0, held.last()?.0);
    let shown = thin(held, POINTS_MAX, |point| point.1 > permits);
    let points = |wrong: bool| shown.iter().copied().filter(|point| (point.1 > permits) == wrong).collect();
    let series = |name: &str, tone, points| Series { name: name.into(), tone, points };
    Some(Picture {
        title: format!("Semaphore {}: permits certainly out", name_of(key)),
        how: "Each mark is how many permits were out at least, after somebody took or gave back some; a cross is more than \
              there are."
            .into(),
        note: String::new(),
        shape: Shape::Points(vec![
            series("all permits", Tone::Plain, vec![Point(first, permits, permits), Point(last, permits, permits)]),
            series("out", Tone::Good, points(false)),
            series("out, too many", Tone::Bad, points(true)),
        ]),
    })
}
