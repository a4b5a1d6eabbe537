//! A log: which positions were acknowledged, which were read, and when.

use history::{
    History, Key, OpIndex, Outcome,
    vocabulary::log::{Call, Log, Return},
};

use super::{POINTS_MAX, Picture, Point, Series, Shape, Tone, name_of, thin};

pub(super) fn picture(history: &History<Log>, key: &Key, proof: &[OpIndex]) -> Option<Picture> {
    let number = |position: u64| i64::try_from(position).unwrap_or(i64::MAX);
    let (mut appended, mut read, mut suspect) = (vec![], vec![], vec![]);
    for operation in &history.operations {
        let (Outcome::Ok(returned), Some(ended)) = (&operation.outcome, operation.ended) else { continue };
        let point = match (&operation.call, returned) {
            (Call::Append(of, _), Return::Appended(Some(at))) if of == key => {
                let point = Point(ended.0, number(*at), number(*at));
                appended.push(point);
                point
            }
            (Call::Read(of, from) | Call::Poll(of, from), Return::Entries(list))
                if of == key && !list.is_empty() =>
            {
                let last = from.saturating_add(list.len() as u64 - 1);
                let point = Point(ended.0, number(*from), number(last));
                read.push(point);
                point
            }
            _ => continue,
        };
        if proof.contains(&operation.index) {
            suspect.push(point);
        }
    }
    if appended.is_empty() && read.is_empty() {
        return None;
    }
    let series = |name: &str, tone, points| Series {
        name: name.into(),
        tone,
        points: thin(points, POINTS_MAX / 3, |_| false),
    };
    Some(Picture {
        title: format!("Log {}: positions over time", name_of(key)),
        how: "Dots are positions that appends were told; upright lines are the ranges that reads returned; what proves an \
              anomaly is crossed. A range that ends below an earlier dot missed what was acknowledged."
            .into(),
        note: String::new(),
        shape: Shape::Points(vec![
            series("range that a read returned", Tone::Plain, read),
            series("position of an acknowledged append", Tone::Good, appended),
            series("part of an anomaly", Tone::Bad, suspect),
        ]),
    })
}
