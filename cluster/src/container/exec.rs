//! One line of the shell in a container. What it says is told apart from what the engine says of itself: the engine's own
//! failures look like a command's, with an exit code and a message.

use super::ContainerTarget;
use crate::{Error, Output, machine::failed};

/// The longest line: Linux takes no argument over 128 KiB.
pub(super) const LINE_BYTES_MAX: usize = 120 << 10;

/// Runs the line `$1` and frames what it says with the word `$2`, the last of it with its exit code.
const FRAME: &str = r#"printf '%s begun\n' "$2" >&2; /bin/sh -c "$1"; printf '%s %s\n' "$2" "$?" >&2"#;

/// What came of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It ran to its end.
    Whole(Output),
    /// It has begun, and nobody knows how it ended.
    Torn(String),
    /// The engine did not begin it, and why.
    Unsaid(String),
}

impl Heard {
    /// What was answered, or the failure of the harness that it is.
    pub(super) fn of(self, target: &ContainerTarget, what: &str) -> Result<Output, Error> {
        let why = match self {
            Self::Whole(output) => return Ok(output),
            Self::Torn(said) => {
                format!("{what} was cut off in {}, and may be done: {said}", target.container)
            }
            Self::Unsaid(why) => {
                format!("{} does not run a command in {}: {why}", target.engine.name(), target.container)
            }
        };
        Err(failed(&target.name, why))
    }
}

/// The words for the engine's `exec` that run a line.
pub(super) fn words<'a>(line: &'a str, token: &'a str) -> [&'a str; 6] {
    ["/bin/sh", "-c", FRAME, "sh", line, token]
}

/// Takes the frame off.
pub(super) fn unframed(output: Output, token: &str) -> Heard {
    let begun = format!("{token} begun\n");
    let Some(from) = find(&output.stderr, begun.as_bytes()) else {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Heard::Unsaid(if said.is_empty() { format!("exit code {}", output.code) } else { said });
    };
    let from = from + begun.len();
    let mark = format!("{token} ");
    let end = find_last(&output.stderr[from..], mark.as_bytes()).map(|place| place + from);
    let code = end.and_then(|end| {
        let text = String::from_utf8_lossy(&output.stderr[end + mark.len()..]).into_owned();
        text.lines().next().and_then(|line| line.trim().parse().ok())
    });
    match (end, code) {
        (Some(end), Some(code)) => {
            Heard::Whole(Output { code, stdout: output.stdout, stderr: output.stderr[from..end].to_vec() })
        }
        _ => Heard::Torn(String::from_utf8_lossy(&output.stderr[from..]).trim().to_owned()),
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|part| part == word)
}

fn find_last(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).rposition(|part| part == word)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::machine::quoting::quote_all;

    fn said(line: &str) -> Heard {
        let words = words(line, "T0");
        let output = Command::new(words[0]).args(&words[1..]).output().expect("there is a shell");
        let code = output.status.code().unwrap_or(-1);
        unframed(Output { code, stdout: output.stdout, stderr: output.stderr }, "T0")
    }

    #[test]
    fn what_a_line_says_and_its_exit_code_come_back_as_they_are() {
        let Heard::Whole(output) = said("printf out; printf err >&2; exit 125") else { panic!("it ends") };
        assert_eq!((output.code, &output.stdout[..], &output.stderr[..]), (125, &b"out"[..], &b"err"[..]));
        let Heard::Whole(output) = said("exec false") else { panic!("it ends") };
        assert_eq!((output.code, output.stderr.len()), (1, 0));
        let Heard::Whole(output) = said("kill -9 $$") else { panic!("it ends") };
        assert_eq!(output.code, 137);
    }

    #[test]
    fn hostile_words_arrive_as_they_are() {
        let hostile = [
            "",
            " ",
            "'",
            "\"",
            "'\\''",
            "$(id)",
            "`id`",
            "a;b&&c|d>e",
            "*?~",
            "--",
            "\\0101",
            "l\nl\n",
            "漢字",
        ];
        let line = format!("printf '%s\\0' {}", quote_all(hostile));
        let Heard::Whole(output) = said(&line) else { panic!("it ends") };
        let told: Vec<_> = output.stdout.split(|byte| *byte == 0).map(String::from_utf8_lossy).collect();
        assert_eq!(told[..hostile.len()], hostile);
    }

    #[test]
    fn a_failure_of_the_engine_is_no_answer_of_the_command() {
        let of = |code, stderr: &str| unframed(Output { code, stdout: vec![], stderr: stderr.into() }, "T0");
        assert_eq!(of(1, "Error: it is paused\n"), Heard::Unsaid("Error: it is paused".into()));
        assert_eq!(of(137, "T0 begun\nso far"), Heard::Torn("so far".into()));
    }
}
