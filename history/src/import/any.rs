//! Any history in any format, as the vocabulary it turns out to be in.

use std::path::Path;

use super::{
    detect::{Format, detect, vocabulary},
    edn, etcd_log,
    spoken::Spoken,
    tape::Notation,
};
use crate::{
    Header, History, ReadError, Value, Vocabulary, file,
    vocabulary::{ListAppend, Register, RwRegister, Set},
};

/// The vocabularies that can be read from a file.
pub(super) const NAMES: [&str; 4] = [Register::NAME, ListAppend::NAME, RwRegister::NAME, Set::NAME];

/// A history of one of the built-in vocabularies.
#[derive(Debug)]
pub enum AnyHistory {
    /// Of registers.
    Register(History<Register>),
    /// Of list-append transactions.
    ListAppend(History<ListAppend>),
    /// Of read-write transactions.
    RwRegister(History<RwRegister>),
    /// Of sets.
    Set(History<Set>),
}

impl AnyHistory {
    /// Its header.
    pub fn header(&self) -> &Header {
        match self {
            Self::Register(history) => &history.header,
            Self::ListAppend(history) => &history.header,
            Self::RwRegister(history) => &history.header,
            Self::Set(history) => &history.header,
        }
    }

    /// How many operations it has.
    pub fn len(&self) -> usize {
        match self {
            Self::Register(history) => history.operations.len(),
            Self::ListAppend(history) => history.operations.len(),
            Self::RwRegister(history) => history.operations.len(),
            Self::Set(history) => history.operations.len(),
        }
    }

    /// True when it has no operation.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Reads a history in any format. `format`, `as_vocabulary` and `initial`, where given, take the place of what the file
/// says.
pub fn read_any(
    path: &Path,
    format: Option<Format>,
    as_vocabulary: Option<&str>,
    initial: Option<Value>,
) -> Result<AnyHistory, ReadError> {
    let format = format.map_or_else(|| detect(path), Ok)?;
    import(path, format, as_vocabulary, initial)
}

/// Reads a history in a known format. `as_vocabulary` and `initial`, where given, take the place of what the file says.
pub fn import(
    path: &Path,
    format: Format,
    as_vocabulary: Option<&str>,
    initial: Option<Value>,
) -> Result<AnyHistory, ReadError> {
    let name = match (as_vocabulary, format) {
        (Some(name), _) => name.to_owned(),
        (None, Format::Disprove) => file::read_header(path)?.vocabulary,
        (None, Format::JepsenEdn) => vocabulary(path, Notation::Edn)?.to_owned(),
        (None, Format::JepsenJson) => vocabulary(path, Notation::Json)?.to_owned(),
        (None, Format::EtcdLog) => Register::NAME.to_owned(),
    };
    match name.as_str() {
        Register::NAME => import_as(path, format, initial).map(AnyHistory::Register),
        ListAppend::NAME => import_as(path, format, initial).map(AnyHistory::ListAppend),
        RwRegister::NAME => import_as(path, format, initial).map(AnyHistory::RwRegister),
        Set::NAME => import_as(path, format, initial).map(AnyHistory::Set),
        other => {
            let what =
                format!("there is no vocabulary {other} among those known here ({})", NAMES.join(", "));
            Err(ReadError::Unrecognised { path: path.into(), what })
        }
    }
}

fn import_as<V: Spoken>(
    path: &Path,
    format: Format,
    initial: Option<Value>,
) -> Result<History<V>, ReadError> {
    let header = Header { initial: initial.clone().unwrap_or_default(), ..Header::new(V::NAME) };
    match format {
        Format::Disprove => {
            let mut history = file::read::<V>(path)?;
            if let Some(initial) = initial {
                history.header.initial = initial;
            }
            Ok(history)
        }
        Format::JepsenEdn => edn::read(path, Notation::Edn, &header),
        Format::JepsenJson => edn::read(path, Notation::Json, &header),
        Format::EtcdLog => etcd_log::read(path, &header),
    }
}
