//! The classes of cycles, each as a small automaton over the kinds of edges.

use std::sync::LazyLock;

use super::{edges::Kind, scope::Scope};
use crate::lattice;

/// What a cycle is made of, from the worst to the mildest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Base {
    /// Only overwritten versions.
    G0,
    /// Also versions that were read.
    G1c,
    /// Exactly one missed version.
    Single,
    /// Several missed versions, never two in a row.
    Nonadjacent,
    /// Two missed versions in a row.
    G2,
}

/// A class of cycles: what it is made of, and whether it needs a session or real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Class {
    pub base: Base,
    pub scope: Scope,
}

/// Where an automaton stands: at most six bits.
pub(super) type State = u8;

const SCOPED: State = 1;
/// A wr edge in G1c, the rw edge in G-single.
const SEEN: State = 2;
const LAST_RW: State = 2;
const FIRST: State = 4 | 8;
const FIRST_RW: State = 4;
const FIRST_OTHER: State = 8;
const COUNT_ONE: State = 16;
const COUNT: State = 16 | 32;
const ADJACENT: State = 16;

impl Class {
    pub fn all() -> impl Iterator<Item = Self> {
        let bases = [Base::G0, Base::G1c, Base::Single, Base::Nonadjacent, Base::G2];
        let scopes = [Scope::Plain, Scope::Session, Scope::Realtime];
        scopes.into_iter().flat_map(move |scope| bases.into_iter().map(move |base| Self { base, scope }))
    }

    /// The set of the classes that a cycle of this one is a case of, itself included.
    pub fn implied(self) -> u16 {
        IMPLIED[self.place()]
    }

    /// Its place among all classes.
    pub fn place(self) -> usize {
        self.scope as usize * 5 + self.base as usize
    }

    /// Its name in the glossary.
    pub fn kind(self) -> &'static str {
        let names = match self.base {
            Base::G0 => ["G0", "G0-process", "G0-realtime"],
            Base::G1c => ["G1c", "G1c-process", "G1c-realtime"],
            Base::Single => ["G-single-item", "G-single-item-process", "G-single-item-realtime"],
            Base::Nonadjacent => {
                ["G-nonadjacent-item", "G-nonadjacent-item-process", "G-nonadjacent-item-realtime"]
            }
            Base::G2 => ["G2-item", "G2-item-process", "G2-item-realtime"],
        };
        names[self.scope as usize]
    }

    /// The kinds of edges that its cycles can have.
    pub fn mask(self) -> u8 {
        let data = match self.base {
            Base::G0 => Kind::Ww.bit(),
            Base::G1c => Kind::Ww.bit() | Kind::Wr.bit(),
            _ => Kind::Ww.bit() | Kind::Wr.bit() | Kind::Rw.bit(),
        };
        data | Kind::Pass.bit() | mask_of(self.scope)
    }

    /// Where the automaton stands after one more edge; `None` where no cycle of the class goes on like that.
    pub fn step(self, state: State, kind: Kind) -> Option<State> {
        let scoped = match (self.scope, kind) {
            (Scope::Session, Kind::Process) | (Scope::Realtime, Kind::Realtime) => SCOPED,
            _ => 0,
        };
        if kind == Kind::Pass {
            return Some(state);
        }
        let is_rw = kind == Kind::Rw;
        let next = match self.base {
            Base::G0 => state,
            Base::G1c => state | if kind == Kind::Wr { SEEN } else { 0 },
            Base::Single if is_rw && state & SEEN != 0 => return None,
            Base::Single => state | if is_rw { SEEN } else { 0 },
            Base::Nonadjacent if is_rw && state & LAST_RW != 0 => return None,
            Base::Nonadjacent => {
                let count = (state & COUNT) + if is_rw { COUNT_ONE } else { 0 };
                (state & SCOPED) | chained(state, is_rw) | count.min(2 * COUNT_ONE)
            }
            Base::G2 => {
                let adjacent = if is_rw && state & LAST_RW != 0 { ADJACENT } else { 0 };
                (state & (SCOPED | ADJACENT)) | chained(state, is_rw) | adjacent
            }
        };
        Some(next | scoped)
    }

    /// Whether a walk that is back where it began is a cycle of the class.
    pub fn accepts(self, state: State) -> bool {
        let scoped = self.scope == Scope::Plain || state & SCOPED != 0;
        let joined = state & LAST_RW != 0 && state & FIRST == FIRST_RW;
        scoped
            && match self.base {
                Base::G0 => true,
                Base::G1c | Base::Single => state & SEEN != 0,
                Base::Nonadjacent => state & COUNT == 2 * COUNT_ONE && !joined,
                // With a single rw edge the first and the last are one, and nothing else was seen.
                Base::G2 => state & ADJACENT != 0 || joined,
            }
    }

    /// The class of a simple cycle.
    pub fn of(kinds: &[Kind]) -> Self {
        let count = kinds.iter().filter(|kind| **kind == Kind::Rw).count();
        let follows = |place: usize| kinds[(place + 1) % kinds.len()];
        let adjacent =
            count > 1 && (0..kinds.len()).any(|place| kinds[place] == Kind::Rw && follows(place) == Kind::Rw);
        let base = match count {
            0 if kinds.contains(&Kind::Wr) => Base::G1c,
            0 => Base::G0,
            1 => Base::Single,
            _ if adjacent => Base::G2,
            _ => Base::Nonadjacent,
        };
        let scope = if kinds.contains(&Kind::Realtime) {
            Scope::Realtime
        } else if kinds.contains(&Kind::Process) {
            Scope::Session
        } else {
            Scope::Plain
        };
        Self { base, scope }
    }
}

/// For each class, the classes of which its cycles are cases.
static IMPLIED: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let implied_by = |class: Class| {
        let general = Class::all().filter(|other| lattice::is_case(class.kind(), other.kind()));
        general.fold(0, |set, other| set | 1 << other.place())
    };
    Class::all().map(implied_by).collect()
});

/// The edges beyond the data that a scope adds.
pub(super) fn mask_of(scope: Scope) -> u8 {
    match scope {
        Scope::Plain => 0,
        Scope::Session => Kind::Process.bit(),
        Scope::Realtime => Kind::Process.bit() | Kind::Realtime.bit(),
    }
}

/// Which kind the walk began with, and whether it has just taken an rw edge.
fn chained(state: State, is_rw: bool) -> State {
    let first = match state & FIRST {
        0 if is_rw => FIRST_RW,
        0 => FIRST_OTHER,
        known => known,
    };
    first | if is_rw { LAST_RW } else { 0 }
}
