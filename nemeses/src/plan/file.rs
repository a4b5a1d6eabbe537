//! Reads plans from files that people wrote, and from the journals of runs.

use std::path::Path;

use super::Plan;
use crate::{Error, journal};

/// The longest plan file that is read.
const BYTES_MAX: u64 = 64 << 20;

/// Reads a plan: a JSON or TOML file, or the journal (`faults.jsonl`) of a run, whose faults are then repeated on the
/// nodes they struck at the times they began.
pub fn read_plan(path: &Path) -> Result<Plan, Error> {
    let size = std::fs::metadata(path).map_err(Error::file("read", path))?.len();
    if size > BYTES_MAX {
        return Err(malformed(path, 1, format!("it is {size} bytes long; a plan is at most {BYTES_MAX}")));
    }
    let bytes = std::fs::read(path).map_err(Error::file("read", path))?;
    let plan = if journal::is_journal(&bytes) {
        journal::parse(path, &bytes)?.plan()
    } else {
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            malformed(path, line, "it is not text in UTF-8".into())
        })?;
        parse(path, text)?
    };
    plan.check()?;
    Ok(plan)
}

fn parse(path: &Path, text: &str) -> Result<Plan, Error> {
    let looks_like_json = text.trim_start().starts_with('{');
    if looks_like_json {
        return serde_json::from_str(text).map_err(|error| malformed(path, error.line(), error.to_string()));
    }
    toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(1, |span| 1 + text[..span.start].matches('\n').count());
        malformed(path, line, error.message().to_owned())
    })
}

fn malformed(path: &Path, line: usize, what: String) -> Error {
    Error::Malformed { path: path.to_owned(), line, what }
}
