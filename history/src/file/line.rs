//! The lines of a history file: how each is written and read.

use serde::{Deserialize, Serialize};

use crate::{FaultRecord, Nanos, NodeId, Outcome, Process, Vocabulary};

/// One line after the header.
#[derive(Debug)]
pub(super) enum Line<V: Vocabulary> {
    /// A call is about to be sent.
    Invoke { id: u32, process: Process, node: NodeId, time: Nanos, call: V::Call },
    /// A call has its outcome.
    Complete { id: u32, time: Nanos, outcome: Outcome<V::Return> },
    /// A fault, as far as it is known by now.
    Fault(FaultRecord),
    /// Every event before `time` is in the lines above, and there are `lines` of them.
    Watermark { time: Nanos, lines: u64 },
    /// The last line of a complete file.
    End { time: Nanos, lines: u64 },
}

/// Appends a number. `serde_json` never fails to write one into memory.
fn number(into: &mut Vec<u8>, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    into.extend_from_slice(&digits[at..]);
}

/// Appends an invocation; `call` is its JSON.
pub(super) fn invoke(into: &mut Vec<u8>, id: u32, process: Process, node: NodeId, time: Nanos, call: &[u8]) {
    into.extend_from_slice(b"[\"i\",");
    number(into, u64::from(id));
    into.push(b',');
    number(into, u64::from(process.0));
    into.push(b',');
    number(into, u64::from(node.0));
    into.push(b',');
    number(into, time.0);
    into.push(b',');
    into.extend_from_slice(call);
    into.extend_from_slice(b"]\n");
}

/// Appends a completion. On an error nothing is appended.
pub(super) fn complete<R: Serialize>(
    into: &mut Vec<u8>,
    id: u32,
    time: Nanos,
    outcome: &Outcome<R>,
) -> Result<(), serde_json::Error> {
    let before = into.len();
    into.extend_from_slice(b"[\"c\",");
    number(into, u64::from(id));
    into.push(b',');
    number(into, time.0);
    into.push(b',');
    if let Err(error) = serde_json::to_writer(&mut *into, outcome) {
        into.truncate(before);
        return Err(error);
    }
    into.extend_from_slice(b"]\n");
    Ok(())
}

/// Appends a fault. On an error nothing is appended.
pub(super) fn fault(into: &mut Vec<u8>, record: &FaultRecord) -> Result<(), serde_json::Error> {
    let before = into.len();
    into.extend_from_slice(b"[\"f\",");
    if let Err(error) = serde_json::to_writer(&mut *into, record) {
        into.truncate(before);
        return Err(error);
    }
    into.extend_from_slice(b"]\n");
    Ok(())
}

/// Appends a watermark (`w`) or the end (`e`).
pub(super) fn mark(into: &mut Vec<u8>, tag: u8, time: Nanos, lines: u64) {
    into.extend_from_slice(b"[\"");
    into.push(tag);
    into.extend_from_slice(b"\",");
    number(into, time.0);
    into.push(b',');
    number(into, lines);
    into.extend_from_slice(b"]\n");
}

/// Reads one line. The error says what is wrong with it, in words that fit "line 3 …".
pub(super) fn parse<V: Vocabulary>(text: &[u8]) -> Result<Line<V>, String> {
    let (Some(tag), true) = (text.get(2), text.starts_with(b"[\"") && text.get(3..5) == Some(b"\",")) else {
        return Err("is not an event of a history".into());
    };
    let mut rest = Rest(&text[5..]);
    match tag {
        b'i' => {
            let id = rest.number("the id of a call")?;
            let process = Process(rest.number("a process")?);
            let node = NodeId(rest.number("a node")?);
            let time = Nanos(rest.number("a time")?);
            Ok(Line::Invoke { id, process, node, time, call: rest.last("call")? })
        }
        b'c' => {
            let id = rest.number("the id of a call")?;
            let time = Nanos(rest.number("a time")?);
            Ok(Line::Complete { id, time, outcome: rest.last("outcome")? })
        }
        b'f' => Ok(Line::Fault(rest.last("fault")?)),
        b'w' => {
            let time = Nanos(rest.number("a time")?);
            Ok(Line::Watermark { time, lines: rest.last("count of lines")? })
        }
        b'e' => {
            let time = Nanos(rest.number("a time")?);
            Ok(Line::End { time, lines: rest.last("count of lines")? })
        }
        other => Err(format!("is an event of an unknown kind, {:?}", char::from(*other))),
    }
}

/// What is left of a line.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Takes a number and the comma after it.
    fn number<N: TryFrom<u64>>(&mut self, what: &str) -> Result<N, String> {
        let mut number = 0_u64;
        let mut digits = 0;
        for byte in self.0 {
            match byte {
                b'0'..=b'9' => {
                    number = number
                        .checked_mul(10)
                        .and_then(|number| number.checked_add(u64::from(byte - b'0')))
                        .ok_or_else(|| format!("has a number too large for {what}"))?;
                    digits += 1;
                }
                b',' if digits > 0 => {
                    self.0 = &self.0[digits + 1..];
                    return N::try_from(number).map_err(|_| format!("has a number too large for {what}"));
                }
                _ => break,
            }
        }
        Err(format!("lacks {what}"))
    }

    /// Reads everything up to the bracket that closes the line.
    fn last<T: Deserialize<'a>>(&self, what: &str) -> Result<T, String> {
        let text = self.0.trim_ascii_end().strip_suffix(b"]").ok_or("is not closed with a bracket")?;
        serde_json::from_slice(text).map_err(|error| format!("has a {what} that cannot be read: {error}"))
    }
}
