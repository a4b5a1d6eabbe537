//! The promises as a picture: the strong ones on top, what the history refutes crossed out, what still stands marked.

use checkers::{Family, Standing, lattice::Model, levels};
use maud::{Markup, html};

use crate::Findings;

/// Rows of promises from the strongest, each with its place from the left in percent.
type Rows = &'static [&'static [(&'static str, f64)]];

/// Promises that are drawn together.
struct Scale {
    rows: Rows,
    /// Whether the first includes the second.
    includes: fn(&str, &str) -> bool,
}

impl Scale {
    fn of(family: Family) -> Option<Self> {
        match family {
            Family::Transactions => Some(Self { rows: TRANSACTIONS, includes: model_includes }),
            Family::Registers => Some(Self { rows: REGISTERS, includes: levels::implies }),
            Family::Other => None,
        }
    }
}

fn model_includes(strong: &str, weak: &str) -> bool {
    matches!((Model::named(strong), Model::named(weak)), (Ok(strong), Ok(weak)) if strong.implies(weak))
}

/// The promises about single calls on registers.
const REGISTERS: Rows = &[
    &[("linearizable", 50.0)],
    &[("sequential", 28.0), ("real-time-causal", 60.0), ("regular", 90.0)],
    &[("sequential-per-key", 10.0), ("causal", 34.0), ("causal-convergent", 60.0), ("weak-regular", 90.0)],
    &[("pram", 30.0), ("writes-follow-reads", 50.0), ("safe", 90.0)],
    &[("read-your-writes", 15.0), ("monotonic-writes", 36.0)],
    &[("monotonic-reads", 50.0), ("eventual", 90.0)],
];

/// The promises about transactions.
const TRANSACTIONS: Rows = &[
    &[("strict-serializable", 50.0)],
    &[("strong-session-serializable", 20.0), ("strong-snapshot-isolation", 52.0), ("linearizable", 90.0)],
    &[("serializable", 20.0), ("strong-session-snapshot-isolation", 52.0), ("sequential", 90.0)],
    &[
        ("repeatable-read", 8.0),
        ("update-serializable", 27.0),
        ("snapshot-isolation", 52.0),
        ("causal", 90.0),
    ],
    &[
        ("forward-consistent-view", 22.0),
        ("parallel-snapshot-isolation", 48.0),
        ("prefix", 65.0),
        ("PRAM", 75.0),
        ("writes-follow-reads", 93.0),
    ],
    &[
        ("consistent-view", 18.0),
        ("update-atomic", 40.0),
        ("causal-cerone", 58.0),
        ("read-your-writes", 76.0),
        ("monotonic-writes", 93.0),
    ],
    &[("cursor-stability", 8.0), ("monotonic-view", 26.0), ("read-atomic", 52.0), ("monotonic-reads", 80.0)],
    &[("monotonic-atomic-view", 40.0)],
    &[("read-committed", 28.0)],
    &[("read-uncommitted", 28.0)],
];
const WIDTH: f64 = 1_060.0;
const ROW: f64 = 52.0;
const HEIGHT: f64 = 26.0;
const LETTER: f64 = 6.4;

/// How a promise fares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Refuted,
    Stands,
    NotJudged,
}

impl Fate {
    fn of(name: &str, standing: &Standing, includes: fn(&str, &str) -> bool) -> Self {
        let named = |names: &[String]| names.iter().any(|one| one == name);
        if named(&standing.refuted) || named(&standing.also_refuted) {
            Self::Refuted
        } else if standing.strongest_standing.iter().any(|strong| strong == name || includes(strong, name)) {
            Self::Stands
        } else {
            Self::NotJudged
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Refuted => "refuted",
            Self::Stands => "stands",
            Self::NotJudged => "open",
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Refuted => "refuted by this history",
            Self::Stands => "not refuted by this history",
            Self::NotJudged => "not judged",
        }
    }
}

struct Place {
    name: &'static str,
    x: f64,
    y: f64,
    fate: Fate,
}

/// The picture; nothing where no promise was refuted, or those that were are not drawn.
pub(super) fn picture(findings: &Findings) -> Markup {
    let standing = findings.verdicts.iter().filter_map(|verdict| verdict.standing.as_ref());
    let Some(standing) = standing.into_iter().find(|standing| !standing.refuted.is_empty()) else {
        return html! {};
    };
    let Some(scale) = Scale::of(standing.family) else { return html! {} };
    let places = places(&scale, standing);
    let height = ROW * scale.rows.len() as f64 + 8.0;
    html! {
        h2 #lattice { "The promises" }
        section.panel {
            p.how {
                "A line leads from a promise down to what it includes. Whatever is above a refuted promise is refuted with it. "
                "✗ refuted by this history; ✓ judged and not refuted; the others were not judged, or not decided."
            }
            div.picture tabindex="0" role="region" aria-label="Promises refuted and standing" {
                svg.lattice width=(WIDTH) height=(height) viewBox={ "0 0 " (WIDTH) " " (height) } role="img"
                    aria-label="lattice of consistency promises" {
                    @for (upper, lower) in lines(&scale, &places) {
                        line x1=(px(upper.x)) y1=(px(upper.y + HEIGHT / 2.0)) x2=(px(lower.x)) y2=(px(lower.y - HEIGHT / 2.0)) {}
                    }
                    @for place in &places { (promise(place)) }
                }
            }
        }
    }
}

fn px(position: f64) -> String {
    format!("{position:.1}")
}

fn places(scale: &Scale, standing: &Standing) -> Vec<Place> {
    let row = |(row, names): (usize, &'static &'static [(&'static str, f64)])| {
        names.iter().map(move |&(name, share)| {
            let half = width(name) / 2.0;
            let x = (WIDTH * share / 100.0).clamp(half + 2.0, WIDTH - half - 2.0);
            let y = ROW * row as f64 + ROW / 2.0 + 4.0;
            (name, x, y)
        })
    };
    let all = scale.rows.iter().enumerate().flat_map(row);
    all.map(|(name, x, y)| Place { name, x, y, fate: Fate::of(name, standing, scale.includes) }).collect()
}

fn width(name: &str) -> f64 {
    name.len() as f64 * LETTER + 30.0
}

/// What each promise includes directly, among those that are drawn.
fn lines<'a>(scale: &Scale, places: &'a [Place]) -> Vec<(&'a Place, &'a Place)> {
    let includes =
        |one: &Place, other: &Place| one.name != other.name && (scale.includes)(one.name, other.name);
    let mut lines = Vec::new();
    for upper in places {
        for lower in places {
            let between = places.iter().any(|middle| includes(upper, middle) && includes(middle, lower));
            if includes(upper, lower) && !between {
                lines.push((upper, lower));
            }
        }
    }
    lines
}

fn promise(place: &Place) -> Markup {
    let width = width(place.name);
    let sign = match place.fate {
        Fate::Refuted => "✗ ",
        Fate::Stands => "✓ ",
        Fate::NotJudged => "",
    };
    html! {
        g.promise.{ (place.fate.class()) } {
            title { (place.name) ": " (place.fate.word()) }
            rect x=(px(place.x - width / 2.0)) y=(px(place.y - HEIGHT / 2.0)) width=(px(width)) height=(HEIGHT) rx="5" {}
            text x=(px(place.x)) y=(px(place.y + 4.0)) text-anchor="middle" font-size="12" { (sign) (place.name) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILIES: [Family; 2] = [Family::Transactions, Family::Registers];

    fn drawn(family: Family) -> (Scale, Vec<Place>) {
        let scale = Scale::of(family).unwrap();
        let places = places(&scale, &Standing::default());
        (scale, places)
    }

    #[test]
    fn every_drawn_promise_is_known_and_no_two_meet() {
        let known = |family, name: &str| match family {
            Family::Transactions => Model::named(name).is_ok_and(|model| model.name() == name),
            _ => name == "linearizable" || levels::level(name).is_some_and(|level| level.name == name),
        };
        for family in FAMILIES {
            let (_, places) = drawn(family);
            for (at, one) in places.iter().enumerate() {
                assert!(known(family, one.name), "{}", one.name);
                for other in &places[..at] {
                    let apart = (one.x - other.x).abs() >= (width(one.name) + width(other.name)) / 2.0;
                    assert!(apart || one.y != other.y, "{} meets {}", one.name, other.name);
                }
            }
        }
    }

    #[test]
    fn what_includes_another_is_drawn_above_it() {
        for family in FAMILIES {
            let (scale, places) = drawn(family);
            let lines = lines(&scale, &places);
            assert!(lines.len() >= places.len() - 2);
            for (upper, lower) in lines {
                assert!(upper.y < lower.y, "{} is not above {}", upper.name, lower.name);
            }
        }
    }

    #[test]
    fn what_a_standing_promise_includes_stands() {
        let standing = Standing {
            refuted: vec!["serializable".into()],
            also_refuted: vec!["strict-serializable".into()],
            strongest_standing: vec!["snapshot-isolation".into()],
            ..Standing::default()
        };
        let fate = |name: &str| Fate::of(name, &standing, model_includes).word();
        assert_eq!(fate("serializable"), "refuted by this history");
        assert_eq!(fate("read-committed"), "not refuted by this history");
        assert_eq!(fate("linearizable"), "not judged");
    }
}
