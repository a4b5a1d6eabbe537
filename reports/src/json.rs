//! `results.json`: everything a report shows, for machines.

use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

use crate::Findings;

/// The findings as indented JSON with a line break at the end. Its first members are the schema version and the
/// verdict; the marks of the latency plot are the bulk of it.
pub fn results(findings: &Findings) -> String {
    let mut bytes = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Layout::default());
    findings.serialize(&mut serializer).expect("text, numbers and lists always serialise into memory");
    bytes.push(b'\n');
    String::from_utf8(bytes).expect("JSON is written as UTF-8")
}

/// Objects one member a line, lists in one line: thousands of marks stay readable and small.
#[derive(Default)]
struct Layout {
    depth: usize,
    has_member: bool,
}

impl Layout {
    fn line<W: ?Sized + io::Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Layout {
    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_member = false;
        writer.write_all(b"{")
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_member {
            self.line(writer)?;
        }
        writer.write_all(b"}")
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if !first {
            writer.write_all(b",")?;
        }
        self.line(writer)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.has_member = true;
        Ok(())
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }
}

/// Reads what [`results`] wrote.
pub fn read(text: &str) -> Result<Findings, ReadError> {
    let version: Version = serde_json::from_str(text)?;
    if version.schema > crate::SCHEMA_VERSION {
        return Err(ReadError::Newer { found: version.schema, known: crate::SCHEMA_VERSION });
    }
    Ok(serde_json::from_str(text)?)
}

#[derive(serde::Deserialize)]
struct Version {
    schema: u32,
}

/// Why results could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A newer Disprove wrote them.
    #[error("results have schema {found}, and this version reads up to {known}")]
    Newer {
        /// The schema of the results.
        found: u32,
        /// The newest schema that can be read.
        known: u32,
    },
    /// They are not results at all, or damaged.
    #[error("read results: {0}")]
    Syntax(#[from] serde_json::Error),
}
