//! A counter: what it may hold at most and at least, against what was read.

use history::{
    History, Key, Outcome,
    vocabulary::counter::{Call, Counter, Return},
};

use super::{POINTS_MAX, Picture, Point, Series, Shape, Tone, name_of, thin};

/// Additions sorted by a moment, with the sum of all up to each.
struct Sums(Vec<(u64, i128)>);

impl Sums {
    fn new(mut additions: Vec<(u64, i64)>) -> Self {
        additions.sort_unstable();
        let mut sum = 0i128;
        let sums = additions.into_iter().map(|(at, amount)| {
            sum += i128::from(amount);
            (at, sum)
        });
        Self(sums.collect())
    }

    /// The sum of all before this moment.
    fn before(&self, at: u64) -> i128 {
        let place = self.0.partition_point(|&(moment, _)| moment < at);
        place.checked_sub(1).map_or(0, |last| self.0[last].1)
    }
}

pub(super) fn picture(history: &History<Counter>, key: &Key) -> Option<Picture> {
    // What had certainly happened, by its end; what may have happened, by its beginning; each by sign.
    let (mut sure_up, mut sure_down, mut may_up, mut may_down) = (vec![], vec![], vec![], vec![]);
    for operation in &history.operations {
        let Call::Add(of, amount) = &operation.call else { continue };
        let refused = matches!(operation.outcome, Outcome::Fail(_) | Outcome::Ok(Return::Refused));
        if of != key || refused {
            continue;
        }
        let (may, sure) =
            if *amount >= 0 { (&mut may_up, &mut sure_up) } else { (&mut may_down, &mut sure_down) };
        may.push((operation.began.0, *amount));
        if let (Outcome::Ok(_), Some(ended)) = (&operation.outcome, operation.ended) {
            sure.push((ended.0, *amount));
        }
    }
    let [sure_up, sure_down, may_up, may_down] = [sure_up, sure_down, may_up, may_down].map(Sums::new);
    let start = match history.header.initial {
        history::Value::Int(initial) => i128::from(initial),
        _ => 0,
    };
    let narrow = |sum: i128| i64::try_from(sum).unwrap_or(if sum > 0 { i64::MAX } else { i64::MIN });
    let mut reads = Vec::new();
    for operation in &history.operations {
        let (Call::Read(of), Outcome::Ok(Return::Value(Some(value))), Some(ended)) =
            (&operation.call, &operation.outcome, operation.ended)
        else {
            continue;
        };
        if of != key {
            continue;
        }
        let (began, until) = (operation.began.0, ended.0.saturating_add(1));
        let low = narrow(start + sure_up.before(began) + may_down.before(until));
        let high = narrow(start + may_up.before(until) + sure_down.before(began));
        reads.push((ended.0, *value, low, high));
    }
    if reads.is_empty() {
        return None;
    }
    let outside = |&(_, value, low, high): &(u64, i64, i64, i64)| value < low || value > high;
    let wrong = reads.iter().filter(|read| outside(read)).count();
    let shown = thin(reads, POINTS_MAX / 2, outside);
    let points = |tone_bad: bool| {
        let chosen = shown.iter().filter(|read| outside(read) == tone_bad);
        chosen.map(|&(at, value, ..)| Point(at, value, value)).collect::<Vec<_>>()
    };
    let series = |name: &str, tone, points| Series { name: name.into(), tone, points };
    Some(Picture {
        title: format!("Counter {}: reads against what it can hold", name_of(key)),
        how: "Each upright line is what the counter may have held while a read was under way, given what was \
              acknowledged and what may have happened; a cross outside its line is a read that nothing explains."
            .into(),
        note: if wrong > 0 { format!("{wrong} reads are outside.") } else { "No read is outside.".into() },
        shape: Shape::Points(vec![
            series("possible", Tone::Plain, shown.iter().map(|&(at, _, low, high)| Point(at, low, high)).collect()),
            series("read, possible", Tone::Good, points(false)),
            series("read, impossible", Tone::Bad, points(true)),
        ]),
    })
}
