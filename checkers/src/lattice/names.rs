//! Finding a promise by what a person typed.

use thiserror::Error;

use super::Model;

/// How many names are offered for a wrong one.
const NEAREST_MAX: usize = 5;

/// A name that no promise has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no consistency model is called {name}; the nearest names are {}", nearest.join(", "))]
pub struct UnknownModel {
    /// The name that was given.
    pub name: String,
    /// The names and aliases nearest to it, the nearest first.
    pub nearest: Vec<&'static str>,
}

pub(super) fn find(name: &str) -> Result<Model, UnknownModel> {
    let wanted = folded(name);
    let known = || Model::all().flat_map(|model| spellings(model).map(move |spelling| (model, spelling)));
    if let Some((model, _)) = known().find(|(_, spelling)| folded(spelling) == wanted) {
        return Ok(model);
    }
    let mut ranked: Vec<(usize, &'static str)> =
        known().map(|(_, spelling)| (distance(&wanted, &folded(spelling)), spelling)).collect();
    ranked.sort_unstable();
    ranked.dedup();
    let nearest = ranked.into_iter().take(NEAREST_MAX).map(|(_, spelling)| spelling).collect();
    Err(UnknownModel { name: name.to_owned(), nearest })
}

fn spellings(model: Model) -> impl Iterator<Item = &'static str> {
    std::iter::once(model.name()).chain(model.aliases().iter().copied())
}

/// Case, a leading colon, and the choice between `-`, `_` and a space say nothing.
fn folded(name: &str) -> String {
    name.trim().trim_start_matches(':').to_lowercase().replace(['_', ' '], "-")
}

/// How far apart two names are: single letters to change, except that a name which begins or contains the other is
/// near however much is missing.
fn distance(wanted: &str, known: &str) -> usize {
    if !wanted.is_empty() && known.contains(wanted) {
        return usize::from(!known.starts_with(wanted));
    }
    let wanted: Vec<char> = wanted.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (line, letter) in known.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (place, other) in wanted.iter().enumerate() {
            let changed = corner + usize::from(letter != *other);
            corner = row[place + 1];
            row[place + 1] = changed.min(row[place] + 1).min(corner + 1);
        }
    }
    1 + row[wanted.len()]
}
