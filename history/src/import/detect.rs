//! What a file is, from its first bytes, and which vocabulary it speaks, from its first telling operations.

use std::path::Path;

use super::{
    edn::{Forms, Step, entry},
    etcd_log,
    tape::{Notation, Tape, View},
};
use crate::{
    ReadError, Vocabulary,
    file::frames::Text,
    vocabulary::{ListAppend, Register, RwRegister, Set},
};

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
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 4] = [Self::Disprove, Self::JepsenEdn, Self::JepsenJson, Self::EtcdLog];

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
        }
    }
}

/// Tells the format of a file from its first bytes.
pub fn detect(path: &Path) -> Result<Format, ReadError> {
    let mut text = Text::open(path, None).map_err(|source| ReadError::Io { path: path.into(), source })?;
    let mut head = Vec::new();
    text.fill(&mut head);
    let start = head.trim_ascii_start();
    if start.is_empty() {
        return Err(ReadError::Empty { path: path.into() });
    }
    if start.windows(etcd_log::MARK.len()).any(|window| window == etcd_log::MARK) && !start.starts_with(b"{")
    {
        return Ok(Format::EtcdLog);
    }
    let inner = start.strip_prefix(b"[").unwrap_or(start).trim_ascii_start();
    let member = inner.strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    match (start[0], member) {
        (b'{', Some(member)) if member.starts_with(b"\"disprove\"") => Ok(Format::Disprove),
        (_, Some(member)) if member.starts_with(b"\"") => Ok(Format::JepsenJson),
        (b'[' | b'(' | b'{' | b'#' | b';', _) => Ok(Format::JepsenEdn),
        _ => {
            let known = Format::ALL.map(Format::name).join(", ");
            let what = format!("it is not a history in a format known here ({known})");
            Err(ReadError::Unrecognised { path: path.into(), what })
        }
    }
}

/// What an operation tells about the vocabulary of its history.
fn tells(form: View<'_>) -> Option<&'static str> {
    let said = entry(form).ok()?.said;
    match said.f {
        b"write" | b"cas" | b"put" => Some(Register::NAME),
        b"add" => Some(Set::NAME),
        b"txn" => said.value.elements().find_map(|step| {
            let mut parts = step.elements();
            let f = parts.next()?.name()?;
            let value = parts.nth(1);
            match f {
                b"append" => Some(ListAppend::NAME),
                b"w" | b"write" => Some(RwRegister::NAME),
                _ if value.is_some_and(|value| value.is_collection()) => Some(ListAppend::NAME),
                _ => None,
            }
        }),
        _ => None,
    }
}

/// Tells the vocabulary of an EDN or JSON history: that of the first call that only one vocabulary has.
pub(super) fn vocabulary(path: &Path, notation: Notation) -> Result<&'static str, ReadError> {
    let mut forms = Forms::open(path, notation, None, Tape::default())?;
    let (mut operations, mut transactions, mut foreign) = (false, false, None);
    while let Step::Form = forms.step() {
        if let Some(vocabulary) = tells(forms.form()) {
            return Ok(vocabulary);
        }
        let entry = entry(forms.form()).map_err(|what| {
            let (line, byte) = forms.place();
            ReadError::Line { path: path.into(), line, byte, what }
        })?;
        operations = true;
        match entry.said.f {
            b"read" | b"get" => {}
            b"txn" => transactions = true,
            _ if entry.process.name() == Some(b"nemesis") => {}
            other if foreign.is_none() => foreign = Some(String::from_utf8_lossy(other).into_owned()),
            _ => {}
        }
    }
    match (operations, transactions, foreign) {
        (false, ..) => Err(ReadError::Empty { path: path.into() }),
        // Nothing but reads: whoever wrote what they see is not in the history either way.
        (true, true, _) => Ok(RwRegister::NAME),
        (true, false, None) => Ok(Register::NAME),
        (true, false, Some(f)) => {
            let known = super::any::NAMES.join(", ");
            let what = format!("it calls :{f}, which none of the vocabularies known here has ({known})");
            Err(ReadError::Unrecognised { path: path.into(), what })
        }
    }
}
