//! What a request asks for: the parts of its path and its pairs, decoded once and refused where they could mean more
//! than a name.

use super::Refusal;

/// The most parts of a path.
const PARTS_MAX: usize = 64;
/// The longest part, in bytes: no file system has longer names.
const PART_MAX: usize = 255;
/// The most pairs behind the question mark.
const PAIRS_MAX: usize = 64;

/// An address, taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Address {
    /// The parts of the path: each is the plain name of one file or folder.
    pub(super) parts: Vec<String>,
    /// Whether the path ends with a slash.
    pub(super) is_folder: bool,
    /// The pairs behind the question mark.
    pub(super) pairs: Vec<(String, String)>,
}

impl Address {
    pub(super) fn parse(asked: &str) -> Result<Self, Refusal> {
        let (path, query) = asked.split_once('?').unwrap_or((asked, ""));
        let Some(path) = path.strip_prefix('/') else {
            return Err(Refusal::wrong("an address begins with /"));
        };
        let is_folder = path.is_empty() || path.ends_with('/');
        let mut parts = Vec::new();
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let name = decode(part, false)?;
            if !is_plain(&name) || parts.len() >= PARTS_MAX {
                return Err(Refusal::missing());
            }
            parts.push(name);
        }
        let mut pairs = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()).take(PAIRS_MAX) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            pairs.push((decode(name, true)?, decode(value, true)?));
        }
        Ok(Self { parts, is_folder, pairs })
    }

    /// The value of a pair.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Whether a text is the name of one file or folder, and neither hidden nor a way to another.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= PART_MAX
        && !name.starts_with('.')
        && !name.chars().any(|c| matches!(c, '/' | '\\') || c.is_control())
}

/// Decodes once: `%252e` is the text `%2e` and not a dot.
fn decode(text: &str, is_form: bool) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'%' => {
                let digits =
                    [rest.next(), rest.next()].map(|digit| char::from(digit.unwrap_or(b'?')).to_digit(16));
                let [Some(high), Some(low)] = digits else {
                    return Err(Refusal::wrong("a % in an address is followed by two digits"));
                };
                bytes.push((high * 16 + low) as u8);
            }
            b'+' if is_form => bytes.push(b' '),
            other => bytes.push(other),
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::wrong("an address is UTF-8"))
}
