//! Histories in the formats that hold transactions of sessions and no times of clients.

use std::path::Path;

use super::{AnyHistory, Format, awdit, cobra, dbcop, format::file_of, plume, timekiller, viper};
use crate::{
    Header, History, ReadError, Value, Vocabulary,
    vocabulary::{ListAppend, RwRegister},
};

/// How one of these formats is read.
type Reader = fn(&Path, &Header) -> Result<History<RwRegister>, ReadError>;

/// How this format is read, if it is one of these.
pub(super) fn reader(format: Format) -> Option<Reader> {
    match format {
        Format::Disprove | Format::JepsenEdn | Format::JepsenJson | Format::EtcdLog => None,
        Format::Plume => Some(plume::read),
        Format::DbcopBinary => Some(|path, header| dbcop::binary::read(&file_of(path), header)),
        Format::DbcopJson => Some(dbcop::json::read),
        Format::DbcopText => Some(dbcop::text::read),
        Format::Cobra => Some(cobra::read),
        Format::Awdit => Some(awdit::read),
        Format::Viper => Some(viper::read),
        Format::TimeKiller => Some(timekiller::read),
    }
}

/// The value of every key before the first write.
fn initial_of(format: Format) -> Value {
    match format {
        Format::Plume | Format::DbcopBinary | Format::DbcopJson | Format::DbcopText => Value::Int(0),
        _ => Value::Nil,
    }
}

/// Reads a history in one of these formats.
pub(super) fn read(
    path: &Path,
    format: Format,
    reader: Reader,
    as_vocabulary: Option<&str>,
    initial: Option<Value>,
) -> Result<AnyHistory, ReadError> {
    let initial = initial.unwrap_or_else(|| initial_of(format));
    let header = |name| Header { initial: initial.clone(), ..Header::new(name) };
    let holds_lists = match as_vocabulary {
        None => format == Format::TimeKiller && timekiller::holds_lists(path)?,
        Some(ListAppend::NAME) => format == Format::TimeKiller,
        Some(_) => false,
    };
    if holds_lists {
        return timekiller::read(path, &header(ListAppend::NAME)).map(AnyHistory::ListAppend);
    }
    if let Some(other) = as_vocabulary.filter(|name| *name != RwRegister::NAME) {
        let what = format!(
            "the format {} holds transactions of the vocabulary {}, not of {other}",
            format.name(),
            RwRegister::NAME
        );
        return Err(ReadError::Unrecognised { path: path.into(), what });
    }
    reader(path, &header(RwRegister::NAME)).map(AnyHistory::RwRegister)
}
