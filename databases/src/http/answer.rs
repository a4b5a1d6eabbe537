//! Where in the body of an answer the value stands, and how it is read.

use history::Value;
use regex::Regex;
use serde::{Deserialize, Deserializer, de::Error as _};

/// Where a value stands in a body.
#[derive(Clone, Debug, Default)]
pub(super) enum Place {
    /// The whole body is the value.
    #[default]
    Whole,
    /// A pointer into JSON, such as `/node/value`.
    Pointer(String),
    /// The group of a pattern.
    Pattern(Pattern),
}

/// A pattern.
#[derive(Clone, Debug)]
pub(super) struct Pattern(pub(super) Regex);

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Regex::new(&text).map(Self).map_err(|error| {
            let said = error.to_string();
            let last = said.lines().last().unwrap_or_default().trim_start_matches("error: ");
            D::Error::custom(format!("this is no pattern: {last}"))
        })
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.starts_with('/') {
            return Ok(Self::Pointer(text));
        }
        let pattern = Pattern::deserialize(serde::de::value::StringDeserializer::<D::Error>::new(text))?;
        if pattern.0.captures_len() != 2 {
            return Err(D::Error::custom(
                "a place is a pointer into JSON, such as /node/value, or a pattern with one group in parentheses \
                 around the value",
            ));
        }
        Ok(Self::Pattern(pattern))
    }
}

impl Place {
    /// The value in a body; an error says what is missing.
    pub(super) fn value(&self, body: &str) -> Result<Value, String> {
        match self {
            Self::Whole => match serde_json::from_str(body.trim()) {
                Ok(json) => of_json(&json),
                Err(_) => of_text(body.trim()),
            },
            Self::Pointer(_) => of_json(&self.json(body)?),
            Self::Pattern(pattern) => {
                let found = pattern.0.captures(body).and_then(|groups| groups.get(1));
                of_text(found.ok_or("its body does not fit the pattern of the value")?.as_str())
            }
        }
    }

    /// The elements in a body; an error says what is missing.
    pub(super) fn elements(&self, body: &str) -> Result<Vec<Value>, String> {
        match self.json(body)? {
            serde_json::Value::Array(elements) => elements.iter().map(of_json).collect(),
            _ => Err("what its body has there is no array".into()),
        }
    }

    fn json(&self, body: &str) -> Result<serde_json::Value, String> {
        let json: serde_json::Value =
            serde_json::from_str(body).map_err(|error| format!("its body is not JSON: {error}"))?;
        match self {
            Self::Pointer(pointer) => {
                json.pointer(pointer).cloned().ok_or_else(|| format!("its body has nothing at {pointer}"))
            }
            Self::Whole | Self::Pattern(_) => Ok(json),
        }
    }
}

fn of_json(json: &serde_json::Value) -> Result<Value, String> {
    match json {
        serde_json::Value::String(text) => of_text(text),
        serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
            Err("what its body has there is no single value".into())
        }
        _ => serde_json::from_value(json.clone()).map_err(|error| error.to_string()),
    }
}

/// A number where it is written as numbers are, so that `"3"` is the 3 that was written.
fn of_text(text: &str) -> Result<Value, String> {
    if text.is_empty() {
        return Err("the value in its body is empty".into());
    }
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    Ok(number.map_or_else(|| Value::shared_text(text), Value::Int))
}
