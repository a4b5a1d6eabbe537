//! The formats of histories that can be read, and how a file is recognised as one of them from its first bytes.

use std::path::{Path, PathBuf};

use super::{cobra, dbcop, etcd_log};
use crate::{ReadError, file::frames::Text};

/// The formats of histories that can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Our own: JSON lines with a header.
    Disprove,
    /// Jepsen's EDN, one map after the other or one big vector; Knossos and Elle read the same.
    JepsenEdn,
    /// The same operations as JSON objects, as `elle-cli` takes them.
    JepsenJson,
    /// Porcupine's logs of Jepsen's etcd runs.
    EtcdLog,
    /// The text of Plume and PolySI, `w(key,value,session,transaction)`.
    Plume,
    /// The binary format of dbcop's first version, `history.bincode`.
    DbcopBinary,
    /// The JSON of dbcop's second version.
    DbcopJson,
    /// dbcop's text for people, `[x:=1 y==2]`.
    DbcopText,
    /// Cobra's folder of binary logs, `T0.log` and so on.
    Cobra,
    /// The text of AWDIT's tests, `w key value`.
    Awdit,
    /// Viper's JSON, a file or a folder of `J0.log` and so on.
    Viper,
    /// TimeKiller's JSON, with the times at which the database began and committed.
    TimeKiller,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 12] = [
        Self::Disprove,
        Self::JepsenEdn,
        Self::JepsenJson,
        Self::EtcdLog,
        Self::Plume,
        Self::DbcopBinary,
        Self::DbcopJson,
        Self::DbcopText,
        Self::Cobra,
        Self::Awdit,
        Self::Viper,
        Self::TimeKiller,
    ];

    /// The format of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disprove => "disprove",
            Self::JepsenEdn => "jepsen-edn",
            Self::JepsenJson => "jepsen-json",
            Self::EtcdLog => "etcd-log",
            Self::Plume => "plume",
            Self::DbcopBinary => "dbcop",
            Self::DbcopJson => "dbcop-json",
            Self::DbcopText => "dbcop-text",
            Self::Cobra => "cobra",
            Self::Awdit => "awdit",
            Self::Viper => "viper",
            Self::TimeKiller => "timekiller",
        }
    }
}

/// The file in a folder that stands for the folder.
pub(super) fn file_of(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("history.bincode") } else { path.to_owned() }
}

fn unrecognised(path: &Path, what: &str) -> ReadError {
    let known = Format::ALL.map(Format::name).join(", ");
    ReadError::Unrecognised { path: path.into(), what: format!("{what} ({known})") }
}

/// Tells the format of a file from its first bytes, or that of a folder from its files.
pub fn detect(path: &Path) -> Result<Format, ReadError> {
    let io = |source| ReadError::Io { path: path.into(), source };
    if path.is_dir() {
        let has = |letter| cobra::numbered_logs(path, letter).map(|logs| !logs.is_empty());
        return match (has('T').map_err(io)?, has('J').map_err(io)?, file_of(path).is_file()) {
            (true, false, false) => Ok(Format::Cobra),
            (false, true, false) => Ok(Format::Viper),
            (false, false, true) => Ok(Format::DbcopBinary),
            _ => Err(unrecognised(path, "it is not a folder of one of the formats known here")),
        };
    }
    let mut text = Text::open(path, None).map_err(io)?;
    let mut head = Vec::new();
    text.fill(&mut head);
    if dbcop::binary::begins(&head) {
        return Ok(Format::DbcopBinary);
    }
    let start = head.trim_ascii_start();
    if start.is_empty() {
        return Err(ReadError::Empty { path: path.into() });
    }
    if cobra::begins(&head) {
        return Ok(Format::Cobra);
    }
    if start.windows(etcd_log::MARK.len()).any(|window| window == etcd_log::MARK) && !start.starts_with(b"{")
    {
        return Ok(Format::EtcdLog);
    }
    of_text(start).ok_or_else(|| unrecognised(path, "it is not a history in a format known here"))
}

/// The format of a text that begins so.
fn of_text(start: &[u8]) -> Option<Format> {
    let inner = start.strip_prefix(b"[").unwrap_or(start).trim_ascii_start();
    let member = inner.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    match (start[0], member) {
        (b'{', Some(member)) if member.starts_with(b"\"disprove\"") => Some(Format::Disprove),
        (_, Some(member)) if member.starts_with(b"\"") => Some(of_json(member)),
        (b'[', None) if inner.first().is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') => {
            Some(Format::DbcopText)
        }
        (b'[' | b'(' | b'{' | b'#' | b';', _) => Some(Format::JepsenEdn),
        (b'/', _) => Some(Format::DbcopText),
        (b'r' | b'w', _) if start[1..].starts_with(b"(") => Some(Format::Plume),
        (b'r' | b'w', _) if start.get(1).is_some_and(u8::is_ascii_whitespace) => Some(Format::Awdit),
        (b'=', _) => Some(Format::Awdit),
        // Both texts have lines of dashes, and what follows tells.
        (b'-', _) => {
            let rest = start.trim_ascii_start();
            let rest = &rest[rest.iter().take_while(|byte| matches!(byte, b'-' | b'=')).count()..];
            let rest = rest.trim_ascii_start();
            (!rest.is_empty()).then(|| of_text(rest)).flatten()
        }
        _ => None,
    }
}

/// The format of JSON whose first object begins with these members.
fn of_json(members: &[u8]) -> Format {
    let names = names(members);
    let has = |name: &str| names.contains(&name.as_bytes());
    if has("type") {
        Format::JepsenJson
    } else if has("sts") || has("cts") || has("sid") && has("ops") {
        Format::TimeKiller
    } else if has("data") || has("params") {
        Format::DbcopJson
    } else if has("value") {
        Format::Viper
    } else {
        Format::JepsenJson
    }
}

/// The names of an object's members, as far as the text goes.
fn names(text: &[u8]) -> Vec<&[u8]> {
    let mut names = Vec::new();
    let (mut at, mut depth, mut is_name) = (0, 0_usize, true);
    while let Some(byte) = text.get(at) {
        at += 1;
        match byte {
            b'"' => {
                let start = at;
                while let Some(byte) = text.get(at).filter(|byte| **byte != b'"') {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
                if depth == 0 && is_name {
                    names.push(&text[start..at.min(text.len())]);
                }
                at += 1;
            }
            b':' => is_name = false,
            b',' => is_name = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth == 0 => break,
            b'}' | b']' => depth -= 1,
            _ => {}
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_told_apart_by_how_they_begin() {
        for (text, format) in [
            ("{\"disprove\":1}", Some(Format::Disprove)),
            ("[{:type :ok}]", Some(Format::JepsenEdn)),
            ("; a comment\n{:type :ok}", Some(Format::JepsenEdn)),
            ("[{\"value\": [[\"type\", {\"type\": 1}]], \"type\": \"ok\"}]", Some(Format::JepsenJson)),
            ("{\"value\": [[\"w\", 1, \"type\", true]]}", Some(Format::Viper)),
            ("[ {\"sid\": 1, \"ops\": []}]", Some(Format::TimeKiller)),
            ("{\"params\": {\"id\": 0}, \"data\": []}", Some(Format::DbcopJson)),
            ("[x:=1]", Some(Format::DbcopText)),
            ("// two sessions\n[x:=1]", Some(Format::DbcopText)),
            ("---\n[ x:=1]", Some(Format::DbcopText)),
            ("w(1,2,3,4)", Some(Format::Plume)),
            ("r 1 2\n", Some(Format::Awdit)),
            ("---\n---\n====\nw 1 2", Some(Format::Awdit)),
            ("---", None),
            ("hello", None),
        ] {
            assert_eq!(of_text(text.as_bytes()), format, "{text}");
        }
        assert!(Format::ALL.iter().all(|format| Format::from_name(format.name()) == Some(*format)));
    }
}
