//! Texts of JSON objects that each are a transaction without times: those of Viper and of TimeKiller.

use std::{ops::ControlFlow, path::Path};

use super::{
    edn::{Forms, Step},
    tape::{Notation, Tape, View},
};
use crate::ReadError;

/// Hands out every object of a text, whether it is one big list or one object after the other. The error says what is
/// wrong with it, in words that fit "line 3 …".
pub(super) fn each_object(
    path: &Path,
    mut take: impl FnMut(View<'_>) -> Result<(), String>,
) -> Result<(), ReadError> {
    objects_until(path, |object| take(object).map(ControlFlow::<()>::Continue)).map(drop)
}

/// Hands out the objects of a text until one of them breaks off with an answer.
pub(super) fn objects_until<T>(
    path: &Path,
    mut take: impl FnMut(View<'_>) -> Result<ControlFlow<T>, String>,
) -> Result<Option<T>, ReadError> {
    let mut forms = Forms::open(path, Notation::Json, None, Tape::default())?;
    loop {
        let (what, (line, byte)) = match forms.step() {
            Step::Form => match take(forms.form()) {
                Ok(ControlFlow::Continue(())) => continue,
                Ok(ControlFlow::Break(answer)) => return Ok(Some(answer)),
                Err(what) => (what, forms.place()),
            },
            Step::End => return Ok(None),
            Step::Damage(damage) => (damage.what, (damage.line, damage.byte)),
            Step::Corrupt { from, what } => (what, (forms.place().0, from)),
        };
        return Err(ReadError::Line { path: path.into(), line, byte, what });
    }
}

/// The member of an object.
pub(super) fn member<'a>(object: View<'a>, name: &str) -> Option<View<'a>> {
    let mut parts = object.is_map().then(|| object.elements())?;
    while let Some(key) = parts.next() {
        let value = parts.next()?;
        if key.name() == Some(name.as_bytes()) {
            return Some(value);
        }
    }
    None
}
