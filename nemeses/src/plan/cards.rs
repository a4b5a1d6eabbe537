//! The kinds of scenes that decks of them are made of.

use cluster::network::Distribution;

use super::{Action, Answer, Direction, Peers, Shape};
use crate::Targets;

/// What a partition cuts: its shape, whom it strikes, in which direction, and from whom.
pub(super) type Cut = (Shape, Targets, Direction, Peers);

/// A way to kill.
#[derive(Clone, Debug)]
pub(super) enum Crash {
    /// Everything at once, or a majority, and not for long: what was not synced is gone, and nobody else has it.
    Room(Targets),
    /// Few nodes, long enough for the others to notice.
    Few(Targets),
    /// Some nodes again and again, each time back at once: what they forget shows while an election goes on.
    Loop(Targets),
}

/// The ways to kill in a cluster of so many nodes.
pub(super) fn crashes(nodes: usize) -> Vec<Crash> {
    let mut crashes = vec![
        Crash::Room(Targets::All),
        Crash::Few(Targets::Leader),
        Crash::Loop(Targets::Majority),
        Crash::Room(Targets::Majority),
        Crash::Few(Targets::One),
        Crash::Few(Targets::Leader),
    ];
    if nodes >= 3 {
        crashes.push(Crash::Loop(Targets::FollowersMajority));
    }
    crashes
}

/// The partitions of a cluster of so many nodes.
pub(super) fn cuts(nodes: usize) -> Vec<Cut> {
    let (both, of_nodes) = (Direction::Both, Peers::Nodes);
    if nodes < 2 {
        return [both, Direction::In, Direction::Out]
            .map(|direction| (Shape::Split, Targets::All, direction, Peers::Clients))
            .to_vec();
    }
    let split = |targets, direction, from| (Shape::Split, targets, direction, from);
    let mut cuts = vec![
        split(Targets::Leader, both, of_nodes),
        split(Targets::Leader, both, of_nodes),
        split(Targets::Leader, Direction::In, of_nodes),
        split(Targets::Leader, Direction::Out, of_nodes),
        split(Targets::One, both, Peers::Everybody),
        split(Targets::Half, both, of_nodes),
        split(Targets::RandomHalf, both, of_nodes),
        split(Targets::RandomHalf, Direction::Out, of_nodes),
        split(Targets::MinorityThird, both, of_nodes),
        split(Targets::Leader, both, Peers::Clients),
    ];
    if nodes >= 4 {
        cuts.push((Shape::Ring, Targets::All, both, of_nodes));
        cuts.push((Shape::Ring, Targets::All, Direction::Out, of_nodes));
    }
    if nodes >= 3 {
        cuts.push((Shape::Bridge, Targets::One, both, of_nodes));
        cuts.push((Shape::Bridge, Targets::Leader, Direction::In, of_nodes));
    }
    cuts
}

/// What can be wrong with links.
pub(super) fn links() -> Vec<Action> {
    vec![
        Action::Lossy { share: 0.15 },
        Action::Lossy { share: 0.35 },
        Action::Slow { delay_ms: 40, jitter_ms: 30, distribution: Distribution::Normal },
        Action::Slow { delay_ms: 150, jitter_ms: 120, distribution: Distribution::Exponential },
        Action::Duplicating { share: 0.3 },
        Action::Reordering { share: 0.3 },
        Action::Corrupting { share: 0.1, past_checksum: false },
        Action::Narrow { bits_per_second: 256_000 },
    ]
}

/// The flapping links, swizzles, resets and starved processes: each a deck of its own.
pub(super) fn flaps(nodes: usize) -> Vec<Targets> {
    if nodes < 2 {
        return vec![Targets::All];
    }
    vec![Targets::Leader, Targets::One, Targets::RandomHalf]
}

/// Whom a swizzle takes through its steps.
pub(super) fn swizzles() -> Vec<Targets> {
    vec![Targets::All, Targets::Majority, Targets::Minority]
}

/// Whose connections are reset, and what share of what they carry is struck.
pub(super) fn resets() -> Vec<(Targets, f64)> {
    vec![(Targets::All, 0.02), (Targets::Leader, 0.3), (Targets::All, 0.1)]
}

/// Who is asked to end.
pub(super) fn terminations() -> Vec<Targets> {
    vec![Targets::Leader, Targets::All, Targets::One, Targets::Minority, Targets::Majority]
}

/// Who gets how little of the processor.
pub(super) fn throttles() -> Vec<(Targets, f64)> {
    vec![(Targets::Leader, 0.1), (Targets::Minority, 0.05), (Targets::All, 0.1), (Targets::Leader, 0.02)]
}

/// On whom names mean something wrong, and what.
pub(super) fn names() -> Vec<(Targets, Answer)> {
    vec![
        (Targets::Leader, Answer::Another),
        (Targets::All, Answer::Swapped),
        (Targets::Leader, Answer::Stale),
        (Targets::All, Answer::Another),
    ]
}

/// Whose power fails.
pub(super) fn blackouts() -> Vec<Targets> {
    vec![Targets::All, Targets::Leader, Targets::Majority, Targets::One, Targets::Minority]
}

/// Whose disk ails.
pub(super) fn ailing() -> Vec<Targets> {
    vec![Targets::Leader, Targets::Minority, Targets::One]
}

/// How a clock can be wrong.
#[derive(Clone, Copy, Debug)]
pub(super) enum TimeKind {
    /// By a fixed offset.
    Jump,
    /// By an offset that comes and goes.
    Strobe,
    /// By more and more.
    Drift,
    /// By standing still.
    Freeze,
    /// By a second that came twice.
    LeapSecond,
}

/// Whose time is wrong in which way.
pub(super) fn times() -> Vec<(Targets, TimeKind)> {
    vec![
        (Targets::Leader, TimeKind::Jump),
        (Targets::Minority, TimeKind::Jump),
        (Targets::RandomHalf, TimeKind::Strobe),
        (Targets::Leader, TimeKind::Freeze),
        (Targets::Minority, TimeKind::Drift),
        (Targets::Half, TimeKind::LeapSecond),
    ]
}

/// The crashes of a gentle plan.
pub(super) fn gentle_crashes() -> Vec<Crash> {
    vec![Crash::Few(Targets::One), Crash::Few(Targets::Leader)]
}

/// The partitions of a gentle plan.
pub(super) fn gentle_cuts(nodes: usize) -> Vec<Cut> {
    let mut cuts = cuts(nodes);
    cuts.retain(|(shape, targets, direction, _)| {
        let few = matches!(targets, Targets::One | Targets::Leader | Targets::MinorityThird | Targets::All);
        *shape == Shape::Split && *direction == Direction::Both && few
    });
    cuts
}

/// What is wrong with the links of a gentle plan.
pub(super) fn gentle_links() -> Vec<Action> {
    vec![
        Action::Lossy { share: 0.02 },
        Action::Slow { delay_ms: 15, jitter_ms: 10, distribution: Distribution::Normal },
        Action::Duplicating { share: 0.05 },
        Action::Reordering { share: 0.05 },
    ]
}
