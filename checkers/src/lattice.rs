//! The lattice of promises about transactions: their names, which implies which, and which anomaly breaks which.
//!
//! The names and implications are those of Adya, Cerone, Bailis and the Elle checker. Facts only: what can be judged
//! from a history, and how, is for the checkers.

mod anomalies;
mod models;
mod names;
mod standing;

#[cfg(test)]
mod tests;

use std::{fmt, sync::LazyLock};

use rustc_hash::FxHashMap;

pub use names::UnknownModel;
pub use standing::standing;

use models::MODELS;

/// A promise of the lattice.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Model(u8);

/// A set of promises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Models(u64);

/// For each promise, all that it implies, itself included.
static IMPLIED: LazyLock<Vec<Models>> = LazyLock::new(|| {
    let place =
        |name: &str| MODELS.iter().position(|model| model.name == name).expect("implied names are names");
    let mut sets: Vec<Models> = (0..MODELS.len()).map(|model| Models(1 << model)).collect();
    // The lattice is shallow: repeating until nothing grows ends after a handful of rounds.
    loop {
        let before = sets.clone();
        for (model, entry) in MODELS.iter().enumerate() {
            for name in entry.implies {
                let implied = sets[place(name)];
                sets[model] = sets[model].union(implied);
            }
        }
        if sets == before {
            return sets;
        }
    }
});

/// For each kind of anomaly, the promises that it breaks.
static REFUTED: LazyLock<FxHashMap<&'static str, Models>> = LazyLock::new(|| {
    anomalies::kinds()
        .map(|kind| (kind, Model::all().filter(|model| model.forbids(kind)).collect()))
        .collect()
});

impl Model {
    /// All promises, by name.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..MODELS.len()).map(|place| Self(place as u8))
    }

    /// The promise of this name or alias, in any case of letters; otherwise the nearest names.
    pub fn named(name: &str) -> Result<Self, UnknownModel> {
        names::find(name)
    }

    /// Its name in verdicts.
    pub fn name(self) -> &'static str {
        MODELS[usize::from(self.0)].name
    }

    /// Its other names.
    pub fn aliases(self) -> &'static [&'static str] {
        MODELS[usize::from(self.0)].aliases
    }

    /// Whether a history that keeps this promise keeps the other too.
    pub fn implies(self, other: Self) -> bool {
        self.implied().contains(other)
    }

    /// All that this promise implies, itself included.
    pub fn implied(self) -> Models {
        IMPLIED[usize::from(self.0)]
    }

    /// Whether an anomaly of this kind breaks the promise.
    pub fn prohibits(self, kind: &str) -> bool {
        Models::refuted_by(kind).contains(self)
    }

    /// Whether an anomaly of this kind breaks the promise or one that it implies.
    fn forbids(self, kind: &str) -> bool {
        let forbidden = self.implied().iter().flat_map(|model| MODELS[usize::from(model.0)].forbids);
        anomalies::is_universal(kind)
            || forbidden.into_iter().any(|general| anomalies::is_instance(kind, general))
    }

    /// All kinds of anomalies that break the promise.
    pub fn prohibited(self) -> Vec<&'static str> {
        anomalies::kinds().filter(|kind| self.prohibits(kind)).collect()
    }
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Models {
    /// Every promise that an anomaly of this kind breaks; none for a kind that is not of the lattice.
    pub fn refuted_by(kind: &str) -> Self {
        REFUTED.get(kind).copied().unwrap_or_default()
    }

    /// Adds a promise.
    pub fn insert(&mut self, model: Model) {
        self.0 |= 1 << model.0;
    }

    /// Whether the promise is among them.
    pub fn contains(self, model: Model) -> bool {
        self.0 >> model.0 & 1 == 1
    }

    /// True when there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of either set.
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Those of both sets.
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Those that are not in the other set.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Its promises by name.
    pub fn iter(self) -> impl Iterator<Item = Model> {
        Model::all().filter(move |model| self.contains(*model))
    }

    /// Those that imply no other of the set.
    pub fn weakest(self) -> Self {
        self.iter().filter(|model| model.implied().intersection(self) == Self(1 << model.0)).collect()
    }

    /// Those that no other of the set implies.
    pub fn strongest(self) -> Self {
        let is_implied = |model: Model| self.iter().any(|other| other != model && other.implies(model));
        self.iter().filter(|model| !is_implied(*model)).collect()
    }

    /// Their names.
    pub fn names(self) -> Vec<String> {
        self.iter().map(|model| model.name().to_owned()).collect()
    }
}

impl FromIterator<Model> for Models {
    fn from_iter<I: IntoIterator<Item = Model>>(models: I) -> Self {
        let mut set = Self::default();
        models.into_iter().for_each(|model| set.insert(model));
        set
    }
}

/// The weakest promises that an anomaly of this kind breaks.
pub fn weakest_violated(kind: &str) -> Vec<&'static str> {
    Models::refuted_by(kind).weakest().iter().map(Model::name).collect()
}

/// Whether an anomaly of one kind is a case of another, so that whatever forbids the other forbids it.
pub fn is_case(kind: &str, general: &str) -> bool {
    anomalies::is_instance(kind, general)
}
