//! Why one transaction over rows comes before another, in words.

use history::{Key, Value};

use super::reading::Rows;
use crate::transactions::{
    edges::Kind,
    explain::Reasons,
    register::{Registers, Shown},
};

/// What knows the reasons.
pub(super) struct Words<'a> {
    pub rows: &'a Rows,
    pub registers: &'a Registers<'a>,
}

impl Reasons for Words<'_> {
    fn because(&self, from: u32, to: u32, kind: Kind) -> Option<(Key, String)> {
        let shown = self.registers.reason(from, to, kind)?;
        let (one, other) = (self.registers.index(from), self.registers.index(to));
        let Shown { key, before, after, step } = shown;
        let (left, found) = (made(before), self.found(kind, from, to, step, before));
        let text = match (kind, after) {
            (Kind::Wr, _) => format!("{one} {left} {key}, and {other} {found}"),
            (Kind::Ww, Some(after)) => format!("{one} {left} {key}, and then {other} {} it", made(after)),
            (Kind::Rw, Some(after)) => format!("{one} {found} {key}, and then {other} {} it", made(after)),
            _ => return None,
        };
        Some((key.clone(), text))
    }
}

/// What was done to a row that left it so.
fn made(value: &Value) -> String {
    if is_deleted(value) { "deleted".into() } else { format!("wrote {value} to") }
}

fn is_deleted(value: &Value) -> bool {
    matches!(value, Value::Text(text) if text.starts_with("<deleted by "))
}

impl Words<'_> {
    /// What a transaction saw of a row, before the name of the row where it missed what came later.
    fn found(&self, kind: Kind, from: u32, to: u32, step: Option<u32>, value: &Value) -> String {
        let reader = if kind == Kind::Rw { from } else { to };
        let condition = step.and_then(|step| {
            let place = (reader, step);
            self.rows.conditions.get(&place).filter(|_| self.rows.hidden.contains(&place))
        });
        let is_missing = is_deleted(value) || *value == Value::Nil;
        match (kind, condition, is_missing) {
            (Kind::Rw, Some(condition), true) => {
                format!("read the rows with ({condition}), among which there was no")
            }
            (Kind::Rw, Some(condition), false) => {
                format!("read the rows with ({condition}), which does not fit the {value} that was in")
            }
            (Kind::Rw, None, true) => "found no row".into(),
            (Kind::Rw, None, false) => format!("read {value} from"),
            (_, Some(condition), _) => format!("did not find it among the rows with ({condition})"),
            (_, None, true) => "found it gone".into(),
            (_, None, false) => format!("read {value} there"),
        }
    }
}
