//! The boxes around a ring, with arrows that bow outwards.

use std::f64::consts::{PI, TAU};

use super::{Arrow, BOX_HEIGHT, BOX_WIDTH, Layout};

const WIDTH: f64 = 1_060.0;
/// How far an arrow bows away from the straight line, so that two between the same boxes do not meet.
const BOW: f64 = 34.0;

pub(super) fn layout(boxes: usize, arrows: &[(usize, usize)]) -> Layout {
    let (boxes, height) = places(boxes);
    let arrows = arrows.iter().map(|&(from, to)| arrow(boxes[from], boxes[to])).collect();
    Layout { width: WIDTH, height, boxes, arrows }
}

/// Evenly on an ellipse, the first at the left where there are two, else at the top; and the height of it all.
fn places(boxes: usize) -> (Vec<(f64, f64)>, f64) {
    let down = match boxes {
        0..=2 => 0.0,
        _ => 44.0 * boxes as f64,
    };
    let across = (WIDTH - BOX_WIDTH) / 2.0 - 40.0;
    let start = if boxes <= 2 { PI } else { -PI / 2.0 };
    let height = 2.0 * down + BOX_HEIGHT + 2.0 * BOW + 30.0;
    let place = |at: usize| {
        let angle = start + TAU * at as f64 / boxes as f64;
        (WIDTH / 2.0 + across * angle.cos(), height / 2.0 + down * angle.sin())
    };
    ((0..boxes).map(place).collect(), height)
}

/// Where the line from the middle of a box towards a point leaves the box.
fn edge(from: (f64, f64), towards: (f64, f64)) -> (f64, f64) {
    let (x, y) = (towards.0 - from.0, towards.1 - from.1);
    let across = if x == 0.0 { f64::INFINITY } else { BOX_WIDTH / 2.0 / x.abs() };
    let down = if y == 0.0 { f64::INFINITY } else { BOX_HEIGHT / 2.0 / y.abs() };
    let share = across.min(down).min(1.0);
    (from.0 + x * share, from.1 + y * share)
}

fn arrow(from: (f64, f64), to: (f64, f64)) -> Arrow {
    let (x, y) = (to.0 - from.0, to.1 - from.1);
    let length = x.hypot(y).max(1.0);
    let bend =
        ((from.0 + to.0) / 2.0 + y / length * BOW * 2.0, (from.1 + to.1) / 2.0 - x / length * BOW * 2.0);
    let (start, end) = (edge(from, bend), edge(to, bend));
    let middle = ((start.0 + 2.0 * bend.0 + end.0) / 4.0, (start.1 + 2.0 * bend.1 + end.1) / 4.0);
    let line =
        format!("M{:.1} {:.1}Q{:.1} {:.1} {:.1} {:.1}", start.0, start.1, bend.0, bend.1, end.0, end.1);
    Arrow { line, words: (middle.0, middle.1 + 4.0), anchor: "middle" }
}

#[cfg(test)]
mod tests {
    use super::{super::BOXES_MAX, *};

    #[test]
    fn boxes_stay_inside_and_apart() {
        for boxes in 2..=BOXES_MAX {
            let (places, height) = places(boxes);
            for (one, &(x, y)) in places.iter().enumerate() {
                assert!(x - BOX_WIDTH / 2.0 >= 0.0 && x + BOX_WIDTH / 2.0 <= WIDTH, "{boxes}: {x}");
                assert!(y - BOX_HEIGHT / 2.0 >= 0.0 && y + BOX_HEIGHT / 2.0 <= height, "{boxes}: {y}");
                for &(other_x, other_y) in &places[..one] {
                    let apart = (x - other_x).abs() >= BOX_WIDTH || (y - other_y).abs() >= BOX_HEIGHT;
                    assert!(apart, "{boxes} boxes: two meet at {x} {y} and {other_x} {other_y}");
                }
            }
        }
    }

    #[test]
    fn an_arrow_begins_at_the_rim_of_its_box() {
        let (x, y) = edge((0.0, 0.0), (1_000.0, 0.0));
        assert_eq!((x, y), (BOX_WIDTH / 2.0, 0.0));
        let (x, y) = edge((0.0, 0.0), (0.0, -500.0));
        assert_eq!((x, y), (0.0, -BOX_HEIGHT / 2.0));
    }
}
