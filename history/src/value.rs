//! The data that calls carry: a key or a value of any database, reduced to what a checker can compare.

use std::{cell::RefCell, fmt, hash::BuildHasher, sync::Arc};

use rustc_hash::FxBuildHasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A value: nothing, a number or a text. Anything richer is kept as its canonical text.
///
/// In JSON it is `null`, a number or a string. Reading turns a number that does not fit, or a boolean, into its text.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// How many texts each thread remembers, so that a key which occurs a million times is stored about once.
const REMEMBERED: usize = 1024;

/// Longer texts are values rather than names, and remembering them would only hold memory.
const REMEMBERED_BYTES_MAX: usize = 64;

thread_local! {
    static TEXTS: RefCell<Vec<Option<Arc<str>>>> = RefCell::new(vec![None; REMEMBERED]);
}

impl Value {
    /// A text that shares its storage with equal texts this thread made shortly before.
    pub fn shared_text(text: &str) -> Self {
        if text.len() > REMEMBERED_BYTES_MAX {
            return Self::Text(text.into());
        }
        let slot = FxBuildHasher.hash_one(text) as usize % REMEMBERED;
        TEXTS.with_borrow_mut(|texts| match &texts[slot] {
            Some(known) if &**known == text => Self::Text(known.clone()),
            _ => {
                let fresh: Arc<str> = text.into();
                texts[slot] = Some(fresh.clone());
                Self::Text(fresh)
            }
        })
    }
}

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

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nil => serializer.serialize_unit(),
            Self::Int(number) => serializer.serialize_i64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

// Written by hand because an untagged enum buffers what it reads, which costs more than the rest of a line together.
impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl de::Visitor<'_> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a number or a string")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Nil)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Int(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(i64::try_from(number).map_or_else(|_| Value::shared_text(&number.to_string()), Value::Int))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::shared_text(&number.to_string()))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::shared_text(if truth { "true" } else { "false" }))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::shared_text(text))
    }
}

/// How `Option<Value>` is written where nil is an answer of its own: a value as itself, "not known" as `[]`.
///
/// The plain form of an option would make a read of nothing and a read that nobody knows the same `null`.
pub(crate) mod known {
    use std::fmt;

    use serde::{Deserializer, Serialize, Serializer, de};

    use super::{Value, ValueVisitor};

    pub fn serialize<S: Serializer>(value: &Option<Value>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => value.serialize(serializer),
            None => <[Value; 0]>::serialize(&[], serializer),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
        deserializer.deserialize_any(KnownVisitor)
    }

    struct KnownVisitor;

    impl<'de> de::Visitor<'de> for KnownVisitor {
        type Value = Option<Value>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("null, a number, a string, or [] for an answer that is not known")
        }

        fn visit_unit<E: de::Error>(self) -> Result<Option<Value>, E> {
            Ok(Some(Value::Nil))
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<Option<Value>, E> {
            ValueVisitor.visit_i64(number).map(Some)
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<Option<Value>, E> {
            ValueVisitor.visit_u64(number).map(Some)
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<Option<Value>, E> {
            ValueVisitor.visit_f64(number).map(Some)
        }

        fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Option<Value>, E> {
            ValueVisitor.visit_bool(truth).map(Some)
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<Value>, E> {
            ValueVisitor.visit_str(text).map(Some)
        }

        fn visit_seq<A: de::SeqAccess<'de>>(self, mut sequence: A) -> Result<Option<Value>, A::Error> {
            match sequence.next_element::<de::IgnoredAny>()? {
                None => Ok(None),
                Some(_) => {
                    Err(de::Error::custom("only an empty list may stand for an answer that is not known"))
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, value: Value, again: &str) {
        assert_eq!(serde_json::from_str::<Value>(json).unwrap(), value, "{json}");
        assert_eq!(serde_json::to_string(&value).unwrap(), again, "{json}");
    }

    #[test]
    fn values_are_plain_json() {
        check("null", Value::Nil, "null");
        check("-3", Value::Int(-3), "-3");
        check("9223372036854775807", Value::Int(i64::MAX), "9223372036854775807");
        check("9223372036854775808", "9223372036854775808".into(), "\"9223372036854775808\"");
        check("\"a\\n\"", "a\n".into(), "\"a\\n\"");
        check("true", "true".into(), "\"true\"");
        check("1.5", "1.5".into(), "\"1.5\"");
        assert!(serde_json::from_str::<Value>("[1]").is_err());
        assert!(serde_json::from_str::<Value>("{}").is_err());
    }

    #[test]
    fn a_read_of_nothing_is_not_an_unknown_read() {
        use crate::vocabulary::register::Return;
        for (answer, json) in [
            (Return::Value(Some(Value::Nil)), r#"{"value":null}"#),
            (Return::Value(None), r#"{"value":[]}"#),
            (Return::Value(Some(Value::Int(3))), r#"{"value":3}"#),
            (Return::Refused, r#""refused""#),
        ] {
            assert_eq!(serde_json::to_string(&answer).unwrap(), json);
            assert_eq!(serde_json::from_str::<Return>(json).unwrap(), answer);
        }
        assert!(serde_json::from_str::<Return>(r#"{"value":[1]}"#).is_err());
    }

    #[test]
    fn equal_short_texts_share_their_storage() {
        let (Value::Text(one), Value::Text(two)) = (Value::shared_text("key"), Value::shared_text("key"))
        else {
            unreachable!("texts stay texts")
        };
        assert!(Arc::ptr_eq(&one, &two));
    }
}
