//! What can be wrong with calls on a collection.

/// The ways in which calls contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flaw {
    /// An element came out that nobody had put in.
    FromNowhere,
    /// An element came out before anybody began to put it in.
    BeforeInsertion,
    /// An element came out twice.
    Twice,
    /// Elements came out in an order in which they cannot have been.
    OutOfOrder,
    /// An element never came out though one behind it did.
    Lost,
    /// A removal found nothing while something was certainly inside.
    FalseEmpty,
}

/// Calls that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// In which way.
    pub flaw: Flaw,
    /// The calls, by their places in the slice that was judged, in ascending order. With each element they hold all
    /// calls that name it, so that leaving all others out leaves nothing out that could explain them; removals with
    /// unknown results are among them where they could take one of these elements.
    pub calls: Vec<u32>,
}

impl Contradiction {
    /// A contradiction between these calls; [`super::elements::NONE`] is no call.
    pub(super) fn new(flaw: Flaw, calls: impl IntoIterator<Item = u32>) -> Self {
        let mut calls: Vec<u32> = calls.into_iter().filter(|&call| call != super::elements::NONE).collect();
        calls.sort_unstable();
        calls.dedup();
        Self { flaw, calls }
    }
}
