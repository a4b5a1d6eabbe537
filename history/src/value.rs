//! The data that calls carry: a key or a value of any database, reduced to what a checker can compare.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A value: nothing, a number or a text. Anything richer is kept as its canonical text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// Nothing there.
    #[default]
    Nil,
    /// A whole number.
    Int(i64),
    /// A text, or the canonical text of something richer.
    Text(Arc<str>),
}

/// A key. Keys and values have the same forms.
pub type Key = Value;

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nil => f.write_str("nil"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text}"),
        }
    }
}
