//! The promises as a picture: the strong ones on top, what the history refutes crossed out, what still stands marked.

use checkers::{Standing, lattice::Model};
use maud::{Markup, html};

use crate::Findings;

/// The promises that are drawn, row by row from the strongest, each with its place from the left in percent.
const ROWS: &[&[(&str, f64)]] = &[
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
    fn of(model: Model, standing: &Standing) -> Self {
        let named = |names: &[String]| names.iter().any(|name| name == model.name());
        let implied = |names: &[String]| {
            names.iter().filter_map(|name| Model::named(name).ok()).any(|m| m.implies(model))
        };
        if named(&standing.refuted) || named(&standing.also_refuted) {
            Self::Refuted
        } else if implied(&standing.strongest_standing) {
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
    model: Model,
    x: f64,
    y: f64,
    fate: Fate,
}

/// The picture; nothing where no promise of the lattice was refuted.
pub(super) fn picture(findings: &Findings) -> Markup {
    let standing = findings.verdicts.iter().filter_map(|verdict| verdict.standing.as_ref());
    let Some(standing) = standing.into_iter().find(|standing| !standing.refuted.is_empty()) else {
        return html! {};
    };
    let places = places(standing);
    let height = ROW * ROWS.len() as f64 + 8.0;
    html! {
        h2 #lattice { "The promises" }
        section.panel {
            p.how {
                "A line leads from a promise down to what it includes. Whatever is above a refuted promise is refuted with it. "
                "✗ refuted by this history; ✓ judged and not refuted; the others were not judged."
            }
            div.picture tabindex="0" role="region" aria-label="Promises refuted and standing" {
                svg.lattice width=(WIDTH) height=(height) viewBox={ "0 0 " (WIDTH) " " (height) } role="img"
                    aria-label="lattice of consistency promises" {
                    @for (upper, lower) in lines(&places) {
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

fn places(standing: &Standing) -> Vec<Place> {
    let row = |(row, models): (usize, &'static &'static [(&'static str, f64)])| {
        models.iter().filter_map(move |&(name, share)| {
            let model = Model::named(name).ok()?;
            let half = width(model) / 2.0;
            let x = (WIDTH * share / 100.0).clamp(half + 2.0, WIDTH - half - 2.0);
            let y = ROW * row as f64 + ROW / 2.0 + 4.0;
            Some((model, x, y))
        })
    };
    let all = ROWS.iter().enumerate().flat_map(row);
    all.map(|(model, x, y)| Place { model, x, y, fate: Fate::of(model, standing) }).collect()
}

fn width(model: Model) -> f64 {
    model.name().len() as f64 * LETTER + 30.0
}

/// What each promise includes directly, among those that are drawn.
fn lines(places: &[Place]) -> Vec<(&Place, &Place)> {
    let mut lines = Vec::new();
    for upper in places {
        for lower in places {
            let includes =
                |one: &Place, other: &Place| one.model != other.model && one.model.implies(other.model);
            let between = places.iter().any(|middle| includes(upper, middle) && includes(middle, lower));
            if includes(upper, lower) && !between {
                lines.push((upper, lower));
            }
        }
    }
    lines
}

fn promise(place: &Place) -> Markup {
    let width = width(place.model);
    let sign = match place.fate {
        Fate::Refuted => "✗ ",
        Fate::Stands => "✓ ",
        Fate::NotJudged => "",
    };
    html! {
        g.promise.{ (place.fate.class()) } {
            title { (place.model.name()) ": " (place.fate.word()) }
            rect x=(px(place.x - width / 2.0)) y=(px(place.y - HEIGHT / 2.0)) width=(px(width)) height=(HEIGHT) rx="5" {}
            text x=(px(place.x)) y=(px(place.y + 4.0)) text-anchor="middle" font-size="12" { (sign) (place.model.name()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_drawn_promise_is_known_and_no_two_meet() {
        let places = places(&Standing::default());
        assert_eq!(places.len(), ROWS.iter().map(|row| row.len()).sum::<usize>());
        for (at, one) in places.iter().enumerate() {
            for other in &places[..at] {
                let apart = (one.x - other.x).abs() >= (width(one.model) + width(other.model)) / 2.0;
                assert!(apart || one.y != other.y, "{:?} meets {:?}", one.model.name(), other.model.name());
            }
        }
    }

    #[test]
    fn what_includes_another_is_drawn_above_it() {
        let places = places(&Standing::default());
        let lines = lines(&places);
        assert!(lines.len() >= places.len() - 1);
        for (upper, lower) in lines {
            assert!(upper.y < lower.y, "{} is not above {}", upper.model.name(), lower.model.name());
        }
    }

    #[test]
    fn what_a_standing_promise_includes_stands() {
        let standing = Standing {
            refuted: vec!["serializable".into()],
            also_refuted: vec!["strict-serializable".into()],
            strongest_standing: vec!["snapshot-isolation".into()],
        };
        let fate = |name: &str| Fate::of(Model::named(name).unwrap(), &standing).word();
        assert_eq!(fate("serializable"), "refuted by this history");
        assert_eq!(fate("read-committed"), "not refuted by this history");
        assert_eq!(fate("linearizable"), "not judged");
    }
}
