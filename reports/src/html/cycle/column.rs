//! The boxes one below the other, for narrow screens: an arrow to the next box goes straight down, every other one
//! leads around the right-hand side in a lane of its own.

use super::{Arrow, BOX_HEIGHT, BOX_WIDTH, Layout};

/// Room between two boxes for two lines of words: those of the arrow down, and of one that goes by at the side.
const GAP: f64 = 48.0;
const MARGIN: f64 = 4.0;
/// How far a lane stands from the one before it, and the first from the boxes.
const LANE: f64 = 16.0;

pub(super) fn layout(boxes: usize, arrows: &[(usize, usize)]) -> Layout {
    let places: Vec<(f64, f64)> = (0..boxes)
        .map(|at| (MARGIN + BOX_WIDTH / 2.0, MARGIN + BOX_HEIGHT / 2.0 + at as f64 * (BOX_HEIGHT + GAP)))
        .collect();
    let mut lanes = 0;
    let mut down = vec![0; boxes];
    let arrows = arrows
        .iter()
        .map(|&(from, to)| {
            if to == from + 1 {
                down[from] += 1;
                straight(places[from], places[to], down[from] - 1)
            } else {
                lanes += 1;
                around(places[from], places[to], lanes)
            }
        })
        .collect();
    let width = MARGIN + BOX_WIDTH + (lanes + 1) as f64 * LANE + MARGIN;
    let height = 2.0 * MARGIN + boxes as f64 * BOX_HEIGHT + boxes.saturating_sub(1) as f64 * GAP;
    Layout { width, height, boxes: places, arrows }
}

/// Down to the next box; `before` arrows go there already.
fn straight(from: (f64, f64), to: (f64, f64), before: usize) -> Arrow {
    let x = MARGIN + 28.0 + before as f64 * LANE;
    let (start, end) = (from.1 + BOX_HEIGHT / 2.0, to.1 - BOX_HEIGHT / 2.0);
    let line = format!("M{x:.1} {start:.1}L{x:.1} {end:.1}");
    Arrow { line, words: (x + 10.0, start + 18.0 + before as f64 * 14.0), anchor: "start" }
}

/// Out to a lane on the right and back in; the words stand in the gap above the lower box.
fn around(from: (f64, f64), to: (f64, f64), lane: usize) -> Arrow {
    let rim = MARGIN + BOX_WIDTH;
    let x = rim + lane as f64 * LANE;
    // What leaves and what arrives at one box must not lie on each other.
    let (start, end) = (from.1 + 7.0, to.1 - 7.0);
    let line = format!("M{rim:.1} {start:.1}L{x:.1} {start:.1}L{x:.1} {end:.1}L{rim:.1} {end:.1}");
    let words = from.1.max(to.1) - BOX_HEIGHT / 2.0 - 10.0;
    Arrow { line, words: (x - 6.0, words), anchor: "end" }
}

#[cfg(test)]
mod tests {
    use super::{super::BOXES_MAX, *};

    #[test]
    fn a_cycle_of_any_length_is_no_wider_than_a_telephone() {
        for boxes in 2..=BOXES_MAX {
            let arrows: Vec<_> = (0..boxes).map(|at| (at, (at + 1) % boxes)).collect();
            let layout = layout(boxes, &arrows);
            assert!(layout.width <= 300.0, "{boxes} boxes: {}", layout.width);
            for (one, &(x, y)) in layout.boxes.iter().enumerate() {
                assert!(x >= BOX_WIDTH / 2.0 && y + BOX_HEIGHT / 2.0 <= layout.height, "{boxes}: box {one}");
                assert!(
                    one == 0 || y - layout.boxes[one - 1].1 >= BOX_HEIGHT + 40.0,
                    "{boxes}: room for words above {one}"
                );
            }
            for arrow in &layout.arrows {
                let (_, y) = arrow.words;
                let covered = layout.boxes.iter().any(|at| (at.1 - y).abs() < BOX_HEIGHT / 2.0);
                assert!(!covered, "{boxes}: words at {y} lie on a box");
            }
        }
    }

    #[test]
    fn words_of_two_arrows_in_one_gap_are_on_two_lines() {
        let layout = layout(2, &[(0, 1), (1, 0)]);
        let [down, back] = &layout.arrows[..] else { panic!("two arrows") };
        assert!((down.words.1 - back.words.1).abs() >= 12.0, "{} and {}", down.words.1, back.words.1);
        assert_ne!(down.line, back.line);
    }
}
