//! What a file of our own format spans, found by going through it once and keeping none of its calls.

use std::path::Path;

use super::{
    frames::Text,
    line::Line,
    reader::{begin, parse_piece},
};
use crate::{FaultRecord, Nanos, ReadError, Vocabulary};

/// The outline of a history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outline {
    /// How many calls began.
    pub operations: u64,
    /// The first moment of anything in it.
    pub began: Nanos,
    /// The last.
    pub ended: Nanos,
    /// The faults, as far as they are known by its end.
    pub faults: Vec<FaultRecord>,
}

impl Outline {
    fn note(&mut self, moment: Nanos) {
        self.began = self.began.min(moment);
        self.ended = self.ended.max(moment);
    }

    fn take<V: Vocabulary>(&mut self, line: Line<V>) {
        match line {
            Line::Invoke { time, .. } => {
                self.operations += 1;
                self.note(time);
            }
            Line::Complete { time, .. } => self.note(time),
            Line::Fault(record) => {
                self.note(record.began);
                record.ended.into_iter().for_each(|ended| self.note(ended));
                match self.faults.iter_mut().find(|known| known.id == record.id) {
                    Some(known) => *known = record,
                    None => self.faults.push(record),
                }
            }
            Line::Watermark { .. } | Line::End { .. } => {}
        }
    }
}

/// The outline of a file, up to the first line that cannot be read.
pub fn outline<V: Vocabulary>(path: &Path) -> Result<Outline, ReadError> {
    let io = |source| ReadError::Io { path: path.into(), source };
    let corrupt = Text::first_corruption(path).map_err(io)?;
    let (mut text, _, first) = begin(path, corrupt.map(|(from, _)| from), V::NAME)?;
    let mut outline = Outline { began: Nanos(u64::MAX), ..Outline::default() };
    let mut next = Some(first);
    while let Some(piece) = next {
        let parsed = parse_piece::<V>(&piece);
        parsed.lines.into_iter().for_each(|(line, _)| outline.take(line));
        next = if parsed.bad.is_none() { text.next_piece() } else { None };
    }
    outline.began = outline.began.min(outline.ended);
    outline.faults.sort_by_key(|fault| (fault.began, fault.id));
    Ok(outline)
}
