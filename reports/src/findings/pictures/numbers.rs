//! Generated ids over time: an id that comes back, or numbers that run back, can be seen.

use std::collections::BTreeSet;

use checkers::Verdict;
use history::{
    History, OpIndex, Outcome, Value,
    vocabulary::ids::{Ids, Return},
};

use super::{POINTS_MAX, Picture, Point, Series, Shape, Tone, thin};

pub(super) fn picture(history: &History<Ids>, verdicts: &[Verdict]) -> Option<Picture> {
    let proof: BTreeSet<OpIndex> = verdicts
        .iter()
        .flat_map(|v| &v.anomalies)
        .flat_map(|anomaly| anomaly.witness.iter().copied())
        .collect();
    let numbers: Vec<(Point, bool)> = history
        .operations
        .iter()
        .filter_map(|operation| match (&operation.outcome, operation.ended) {
            (Outcome::Ok(Return::Id(Value::Int(id))), Some(ended)) => {
                Some((Point(ended.0, *id, *id), proof.contains(&operation.index)))
            }
            _ => None,
        })
        .collect();
    if numbers.is_empty() {
        return None;
    }
    let (given, all) = (numbers.len(), history.operations.len());
    let shown = thin(numbers, POINTS_MAX, |&(_, proves)| proves);
    let points = |proves| shown.iter().filter(|one| one.1 == proves).map(|one| one.0).collect();
    Some(Picture {
        title: "Ids against time".into(),
        how: "Each dot is an id at the moment it was given; crosses are ids that prove an anomaly. Ids that follow time \
              make a rising line; several lines are several generators."
            .into(),
        note: format!("{given} of {all} calls returned a number."),
        shape: Shape::Points(vec![
            Series { name: "id".into(), tone: Tone::Good, points: points(false) },
            Series { name: "id of an anomaly".into(), tone: Tone::Bad, points: points(true) },
        ]),
    })
}
