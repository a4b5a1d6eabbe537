//! Where a search stands, and when one position can do all that another can.

use super::bags::Bags;
use crate::linearizability::window::Window;

/// The most positions with which a new one is compared.
const COMPARED: usize = 512;

/// In which state, what is ready and what is settled, and which unknown operations were used.
///
/// An operation is *settled* if its return may be passed. A write or compare-and-set is *ready* if it can still take
/// effect. A read or a refusal is ready if a write took effect for real since it was called, so that another write can
/// have taken effect just before that one, seen by nobody else: a *flash*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position<W> {
    pub state: u32,
    pub bag: u32,
    /// How often an unknown operation was used that had not been called, where not all is counted.
    pub overdrawn: u32,
    /// The rank at which a write took effect for real for the last time.
    pub written: u32,
    /// Where the trail that led here ends.
    pub trail: u32,
    pub ready: W,
    pub settled: W,
}

/// Whether the first can do all that the other can.
pub(super) fn dominates<W: Window>(bags: &Bags, one: &Position<W>, other: &Position<W>) -> bool {
    one.state == other.state
        && one.written >= other.written
        && one.settled.holds(&other.settled)
        && one.ready.holds(&other.ready)
        && bags.within(one.bag, other.bag)
}

/// Whether of two that can do the same the first was reached more honestly.
fn is_fairer<W>(bags: &Bags, one: &Position<W>, other: &Position<W>) -> bool {
    (one.overdrawn, bags.size(one.bag)) < (other.overdrawn, bags.size(other.bag))
}

/// Adds the position, unless another can do all that it can; drops those that it outdoes.
pub(super) fn keep<W: Window>(bags: &Bags, positions: &mut Vec<Position<W>>, position: Position<W>) {
    let compared = positions.len().min(COMPARED);
    let outdone = |other: &Position<W>| {
        dominates(bags, other, &position)
            && !(is_fairer(bags, &position, other) && dominates(bags, &position, other))
    };
    if positions[..compared].iter().any(outdone) {
        return;
    }
    if positions.len() <= COMPARED {
        positions.retain(|other| !dominates(bags, &position, other));
    }
    positions.push(position);
}
