//! Which promises are to be judged, what that takes, and what was learned about each.

use super::{class::Class, scope::Scope};
use crate::lattice::{Model, Models};

/// The promises that a graph of list-append transactions decides by itself. What lies between them is decided where one
/// of them above it is kept, or one below it is broken.
pub(super) const OF_LISTS: &[&str] = &[
    "read-uncommitted",
    "read-committed",
    "cursor-stability",
    "consistent-view",
    "parallel-snapshot-isolation",
    "repeatable-read",
    "snapshot-isolation",
    "serializable",
    "strong-session-read-uncommitted",
    "strong-session-read-committed",
    "strong-session-parallel-snapshot-isolation",
    "strong-session-snapshot-isolation",
    "strong-session-serializable",
    "strong-read-uncommitted",
    "strong-read-committed",
    "strong-snapshot-isolation",
    "strict-serializable",
];

/// The promises of these names.
pub(super) fn named(names: &[&str]) -> Models {
    names.iter().map(|name| Model::named(name).expect("the name of a promise of the lattice")).collect()
}

/// What is to be judged, and how much that takes.
#[derive(Debug)]
pub(super) struct Promises {
    pub asked: Vec<Model>,
    /// Those that decide what is asked.
    pub needed: Models,
    /// Those that are decided by the classes that are looked for.
    pub decided: Models,
    pub classes: Vec<Class>,
    /// How far the graph must reach.
    pub scope: Scope,
}

impl Promises {
    /// `untimed` histories have no real time to judge by.
    pub fn new(asked: &[Model], deciding: Models, untimed: bool) -> Self {
        let above = |model: &Model| {
            if deciding.contains(*model) {
                return [*model].into_iter().collect::<Models>();
            }
            deciding.iter().filter(|other| other.implies(*model)).collect::<Models>().weakest()
        };
        let needed = asked.iter().map(above).fold(Models::default(), Models::union);
        let known = |class: &Class| !untimed || class.scope < Scope::Realtime;
        let takes = |model: Model| Class::all().filter(move |class| model.prohibits(class.kind()));
        let classes: Vec<Class> = Class::all()
            .filter(known)
            .filter(|class| needed.iter().any(|model| model.prohibits(class.kind())))
            .collect();
        let decided =
            deciding.iter().filter(|model| takes(*model).all(|class| classes.contains(&class))).collect();
        let scope = classes.iter().map(|class| class.scope).max().unwrap_or(Scope::Plain);
        Self { asked: asked.to_vec(), needed, decided, classes, scope }
    }

    /// All that follows from what is decided and was not refuted.
    pub fn kept(&self, refuted: Models) -> Models {
        self.decided
            .without(refuted)
            .iter()
            .fold(Models::default(), |kept, model| kept.union(model.implied()))
    }
}
