//! What every run of usual length must meet.

use crate::Family;

/// A scene that a run of usual length is never without, since some mistakes show in this one only. Six periods fit into 30 s
/// whatever their lengths, so there are six of these.
#[derive(Clone, Copy, Debug)]
pub(super) enum Opening {
    /// The leader alone, and still reached by its clients: it must not go on as if nothing had happened.
    LeaderAlone,
    /// Everything down at once: only what was synced is left.
    Blackout,
    /// A majority without the leader crashes again and again, and elects while the leader believes that it still leads.
    Forgetting,
    /// A clock that jumps by more than any lease lasts.
    ClockJump,
    /// The leader stopped until others have elected another, and then back with all that was said to it meanwhile.
    LeaderStopped,
    /// Links as long as from one continent to another: much is asked for again that was done already.
    Distance,
}

impl Opening {
    /// All of them.
    pub(super) const ALL: [Self; 6] = [
        Self::LeaderAlone,
        Self::Blackout,
        Self::Forgetting,
        Self::ClockJump,
        Self::LeaderStopped,
        Self::Distance,
    ];

    /// The family that it belongs to.
    pub(super) fn family(self) -> Family {
        match self {
            Self::LeaderAlone => Family::Partition,
            Self::Blackout | Self::Forgetting => Family::Kill,
            Self::ClockJump => Family::Clock,
            Self::LeaderStopped => Family::Pause,
            Self::Distance => Family::Link,
        }
    }

    /// Whether there are enough nodes for it to mean something.
    pub(super) fn suits(self, nodes: usize) -> bool {
        match self {
            Self::LeaderAlone | Self::LeaderStopped | Self::Distance => nodes >= 2,
            Self::Forgetting => nodes >= 3,
            Self::Blackout | Self::ClockJump => true,
        }
    }

    /// Whether more may go wrong meanwhile without hiding what it shows.
    pub(super) fn bears_company(self) -> bool {
        matches!(self, Self::Blackout)
    }
}
