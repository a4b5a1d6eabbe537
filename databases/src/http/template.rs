//! A text with words in braces, which are filled in for each call so that they stand for themselves wherever they are put.

use history::Value;
use serde::{Deserialize, Deserializer, de::Error as _};

/// What may stand in braces: words of the node, then words of the call.
pub(super) const NAMES: [&str; 7] = ["ip", "node", "number", "key", "value", "old", "new"];

/// What the words in braces mean in one call.
pub(super) type Meanings = Vec<(&'static str, Value)>;

/// Where a text is put, and so how what is filled in is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Into {
    /// A URL or a form: everything but letters, digits and `-._~` is percent-encoded.
    Url,
    /// JSON: a literal of its own, or a part of a string.
    Json,
    /// Anything else: as it is.
    Plain,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// A name, and whether it stands within a string of JSON.
    Name(&'static str, bool),
}

/// A text with words in braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

impl Template {
    /// Reads a text; an error is a name in braces that means nothing.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
        let (mut in_string, mut is_escaped) = (false, false);
        while let Some(letter) = rest.chars().next() {
            if letter == '{'
                && let Some((name, after)) = rest[1..].split_once('}')
                // Letters alone, so that braces of another language are left alone.
                && !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase())
            {
                let known = NAMES.into_iter().find(|known| *known == name).ok_or_else(|| name.to_owned())?;
                parts.push(Part::Text(std::mem::take(&mut plain)));
                parts.push(Part::Name(known, in_string));
                (rest, is_escaped) = (after, false);
                continue;
            }
            in_string ^= letter == '"' && !is_escaped;
            is_escaped = letter == '\\' && !is_escaped;
            plain.push(letter);
            rest = &rest[letter.len_utf8()..];
        }
        parts.push(Part::Text(plain));
        parts.retain(|part| *part != Part::Text(String::new()));
        Ok(Self(parts))
    }

    /// The names in it.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.iter().filter_map(|part| if let Part::Name(name, _) = part { Some(*name) } else { None })
    }

    /// The text with the same thing for every name.
    pub(super) fn with_all(&self, filler: &str) -> String {
        let each = |part: &Part| if let Part::Text(text) = part { text.clone() } else { filler.to_owned() };
        self.0.iter().map(each).collect()
    }

    /// Whether it is an object, an array or a string of JSON once it is filled in.
    pub(super) fn is_json(&self) -> bool {
        let sample = self.with_all("0");
        sample.trim_start().starts_with(['{', '[', '"'])
            && serde_json::from_str::<serde_json::Value>(&sample).is_ok()
    }

    /// The text for one call; an error says what cannot stand there.
    pub(super) fn filled(&self, meanings: &Meanings, into: Into) -> Result<String, String> {
        let mut filled = String::new();
        for part in &self.0 {
            let (name, in_string) = match part {
                Part::Text(text) => {
                    filled.push_str(text);
                    continue;
                }
                Part::Name(name, in_string) => (*name, *in_string),
            };
            let meaning = meanings.iter().find(|(known, _)| *known == name);
            let (_, meaning) = meaning.ok_or_else(|| format!("there is no {name} in this call"))?;
            filled.push_str(&written(name, meaning, into, in_string)?);
        }
        Ok(filled)
    }
}

/// A meaning as it stands in a text.
fn written(name: &str, meaning: &Value, into: Into, in_string: bool) -> Result<String, String> {
    if into == Into::Json && !in_string {
        return serde_json::to_string(meaning).map_err(|error| error.to_string());
    }
    // Many a server takes an empty word for one that was not given, and would do without the condition.
    let is_empty = matches!(meaning, Value::Nil) || matches!(meaning, Value::Text(text) if text.is_empty());
    if is_empty {
        return Err(format!("the {name} is nothing, which only JSON can say"));
    }
    let text = meaning.to_string();
    Ok(match into {
        Into::Json => {
            let quoted = serde_json::to_string(&text).map_err(|error| error.to_string())?;
            quoted[1..quoted.len() - 1].to_owned()
        }
        Into::Url if name == "ip" && text.contains(':') => format!("[{text}]"),
        Into::Url => percent_encoded(&text),
        Into::Plain => text,
    })
}

fn percent_encoded(text: &str) -> String {
    let each = |byte: u8| match byte {
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(each).collect()
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::read(&text).map_err(|name| {
            let known: Vec<String> = NAMES.iter().map(|name| format!("`{name}`")).collect();
            D::Error::custom(format!(
                "nothing is filled in for `{name}`, expected one of {}",
                known.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, value: &str, into: Into) -> Result<String, String> {
        let meanings = vec![("ip", Value::from("10.0.0.1")), ("key", value.into()), ("old", Value::Nil)];
        Template::read(template).unwrap().filled(&meanings, into)
    }

    #[test]
    fn what_is_hostile_stands_for_itself() {
        let hostile = "a/../b?c=d&e#f %\"\\\n{ip}ä";
        assert_eq!(
            filled("http://{ip}/kv/{key}", hostile, Into::Url).unwrap(),
            "http://10.0.0.1/kv/a%2F..%2Fb%3Fc%3Dd%26e%23f%20%25%22%5C%0A%7Bip%7D%C3%A4"
        );
        for template in ["{\"k\": {key}}", "{\"k\":\"{key}\"}", "[\"\\\"\", {key}]", "[\"<{key}>\"]"] {
            assert!(Template::read(template).unwrap().is_json(), "{template}");
            let body: serde_json::Value =
                serde_json::from_str(&filled(template, hostile, Into::Json).unwrap()).unwrap();
            let found = body.get("k").or_else(|| body.get(1)).or_else(|| body.get(0)).unwrap();
            assert_eq!(found.as_str().unwrap().trim_matches(['<', '>']), hostile, "{template}");
        }
        assert_eq!(filled("{key}", hostile, Into::Plain).unwrap(), hostile);
    }

    #[test]
    fn nothing_is_never_written_as_an_empty_word() {
        assert_eq!(filled("{\"old\":{old}}", "x", Into::Json).unwrap(), "{\"old\":null}");
        for (template, into) in
            [("/x?old={old}", Into::Url), ("{\"old\":\"{old}\"}", Into::Json), ("{old}", Into::Plain)]
        {
            let said = filled(template, "x", into).unwrap_err();
            assert!(said.contains("the old is nothing"), "{said}");
        }
        assert!(filled("/{key}", "", Into::Url).is_err());
    }

    #[test]
    fn other_braces_are_left_alone_and_unknown_names_are_found() {
        assert_eq!(Template::read("/{kye}"), Err("kye".into()));
        assert_eq!(Template::read("{\"A\": {}} {").unwrap().with_all("0"), "{\"A\": {}} {");
        assert!(!Template::read("{value}").unwrap().is_json());
        assert!(!Template::read("k={key}&v={value}").unwrap().is_json());
    }
}
