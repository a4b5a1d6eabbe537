//! The logs of Jepsen's etcd runs that Porcupine keeps: `INFO  jepsen.util - 3 :invoke :write 4`, in columns.

use std::path::Path;

use super::{
    builder::{Builder, Entry, Failures, Kind},
    edn::{Pass, read_believable},
    spoken::{Said, Spoken},
    tape::{Fault, Notation, Tape, View},
};
use crate::{
    Damage, Header, History, ReadError,
    file::frames::{Tear, Text},
};

/// What comes before an operation on its line. Lines without it are other messages.
pub(super) const MARK: &[u8] = b"jepsen.util - ";

/// Reads a log of a known vocabulary.
pub(super) fn read<V: Spoken>(path: &Path, header: &Header) -> Result<History<V>, ReadError> {
    read_believable(path, |stop| pass(path, header, stop))
}

fn pass<V: Spoken>(path: &Path, header: &Header, stop: Option<&(u64, String)>) -> Result<Pass<V>, ReadError> {
    let io = |source| ReadError::Io { path: path.into(), source };
    let mut text = Text::open(path, stop.map(|(from, _)| *from)).map_err(io)?;
    let mut builder = Builder::<V>::new(&header.initial, Failures::Refusals);
    let mut tapes = Tapes::default();
    let (mut line, mut byte) = (1, 0);
    let mut unfinished = None;
    while let Some(piece) = text.next_piece() {
        for full in piece.bytes.split_inclusive(|byte| *byte == b'\n') {
            if !full.ends_with(b"\n") {
                // Where the line is cut its value may be cut as well.
                unfinished = Some("the last line is not finished and was left out".to_owned());
                break;
            }
            tapes.take(full, &mut builder).map_err(|what| ReadError::Line {
                path: path.into(),
                line,
                byte,
                what,
            })?;
            line += 1;
            byte += full.len() as u64;
        }
    }
    let what = match text.tear {
        Some(Tear::Io(what)) => return Err(io(std::io::Error::other(what))),
        Some(Tear::Corrupt { from, what }) => return Ok(Pass::Corrupt { from, what }),
        Some(Tear::Torn(what)) => Some(what),
        None => stop.map(|(_, what)| what.clone()).or(unfinished),
    };
    let damage =
        what.map(|what| Damage { line, byte, what: format!("{what}; the operations before it were read") });
    let whole = builder.finish(header.clone(), damage);
    let whole =
        whole.map_err(|what| ReadError::Unrecognised { path: path.into(), what: format!("it {what}") });
    whole.map(Pass::Whole)
}

/// The four columns of a line.
#[derive(Default)]
struct Tapes {
    columns: [Tape; 4],
    /// The line with white space at its end, which every word needs.
    text: Vec<u8>,
}

impl Tapes {
    fn take<V: Spoken>(&mut self, line: &[u8], builder: &mut Builder<V>) -> Result<(), String> {
        let Some(mark) = line.windows(MARK.len()).position(|window| window == MARK) else { return Ok(()) };
        self.text.clear();
        self.text.extend_from_slice(&line[mark + MARK.len()..]);
        self.text.push(b'\n');
        let mut at = 0;
        for column in &mut self.columns {
            at = column.read(&self.text, at, Notation::Edn).map_err(|fault| match fault {
                Fault::Incomplete => "is not <process> <type> <f> <value>".to_owned(),
                Fault::Bad { what, .. } => what,
            })?;
        }
        let [process, kind, f, value] = self.columns.each_ref().map(|column| column.view(&self.text));
        let kind = kind
            .name()
            .and_then(Kind::named)
            .ok_or("has a type that is none of :invoke, :ok, :fail, :info")?;
        let f = f.name().ok_or("does not say what was called")?;
        let said = Said { f, value, key: None, process };
        builder.take(&Entry { kind, process, said, error: View::NIL, time: None })
    }
}
