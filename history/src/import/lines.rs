//! Texts whose lines are read one after the other and must all be there, and files that are read whole.
//!
//! Where no times were recorded the lines of a file are in no order that a cut would keep sound: what the missing part
//! wrote may have been read in the part that is there. So these formats are read whole or not at all.

use std::{io, path::Path};

use crate::{
    ReadError,
    file::frames::{Tear, Text},
};

/// More text than this is not read into memory at once.
const WHOLE_BYTES_MAX: usize = 1 << 30;

/// Why the rest of a file matters.
const ALL_OR_NOTHING: &str = "a part of a history without times proves nothing, so all of it is needed";

fn open(path: &Path) -> Result<Text, ReadError> {
    Text::open(path, None).map_err(|source| ReadError::Io { path: path.into(), source })
}

/// The error of a text that stopped before its end.
fn stopped(path: &Path, tear: Tear, line: u64, byte: u64) -> ReadError {
    match tear {
        Tear::Io(what) => ReadError::Io { path: path.into(), source: io::Error::other(what) },
        Tear::Torn(what) | Tear::Corrupt { what, .. } => {
            let what = format!("cannot be read: {what}; {ALL_OR_NOTHING}");
            ReadError::Line { path: path.into(), line, byte, what }
        }
    }
}

/// Hands out every line without the white space around it. The error says what is wrong with it, in words that fit
/// "line 3 …".
pub(super) fn each_line(
    path: &Path,
    mut take: impl FnMut(&[u8]) -> Result<(), String>,
) -> Result<(), ReadError> {
    let mut text = open(path)?;
    let (mut line, mut byte) = (1, 0);
    while let Some(piece) = text.next_piece() {
        for full in piece.bytes.split_inclusive(|byte| *byte == b'\n') {
            take(full.trim_ascii()).map_err(|what| ReadError::Line {
                path: path.into(),
                line,
                byte,
                what,
            })?;
            line += 1;
            byte += full.len() as u64;
        }
    }
    text.tear.take().map_or(Ok(()), |tear| Err(stopped(path, tear, line, byte)))
}

/// A whole text.
pub(super) fn whole(path: &Path) -> Result<Vec<u8>, ReadError> {
    let mut text = open(path)?;
    let mut bytes = Vec::new();
    loop {
        let before = bytes.len();
        text.fill(&mut bytes);
        if let Some(tear) = text.tear.take() {
            let line = 1 + bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
            return Err(stopped(path, tear, line, bytes.len() as u64));
        }
        if bytes.len() == before {
            return Ok(bytes);
        }
        if bytes.len() > WHOLE_BYTES_MAX {
            let what =
                format!("is beyond {} MiB, the most that is read of this format", WHOLE_BYTES_MAX >> 20);
            return Err(ReadError::Offset { path: path.into(), byte: WHOLE_BYTES_MAX as u64, what });
        }
    }
}

/// A whole number without a sign at the beginning of a text, and what follows it. One that is larger than a number can be
/// becomes a text.
pub(super) fn unsigned(text: &[u8]) -> Option<(crate::Value, &[u8])> {
    let mut number = 0_i64;
    let mut digits = 0;
    while let Some(digit @ b'0'..=b'9') = text.get(digits) {
        if digits == 18 {
            return long_unsigned(text);
        }
        number = number * 10 + i64::from(digit - b'0');
        digits += 1;
    }
    (digits > 0).then(|| (crate::Value::Int(number), &text[digits..]))
}

fn long_unsigned(text: &[u8]) -> Option<(crate::Value, &[u8])> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(digits);
    let number = std::str::from_utf8(number).ok()?.trim_start_matches('0');
    Some((number.parse().map_or_else(|_| crate::Value::shared_text(number), crate::Value::Int), rest))
}
