//! Scripts on one node, as its user or as root.

use std::{sync::Arc, time::Duration};

use super::{Line, Target, Way, failed, quoting};
use crate::{Error, Output};

/// Programs that only root needs are often left out of a user's path.
const PATH: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; ";

/// A script for the shell of a node.
#[derive(Clone, Debug)]
pub(super) struct Script<'a> {
    /// What it is, for messages.
    pub what: &'a str,
    /// The script; its arguments are `$1` and so on.
    pub text: &'a str,
    /// Its arguments, which the shell does not look into.
    pub arguments: &'a [&'a str],
    /// What it reads.
    pub stdin: &'a [u8],
    /// How long it may take.
    pub within: Duration,
    /// As root.
    pub root: bool,
    /// Whether doing it twice is as good as doing it once.
    pub again: bool,
}

impl<'a> Script<'a> {
    /// A short script of the user's that may be done twice.
    pub(super) fn new(what: &'a str, text: &'a str, arguments: &'a [&'a str]) -> Self {
        Self { what, text, arguments, stdin: b"", within: Duration::from_secs(10), root: false, again: true }
    }

    /// As root.
    pub(super) fn with_root(self) -> Self {
        Self { root: true, ..self }
    }
}

/// The shell of one node.
#[derive(Debug)]
pub(super) struct Shell {
    target: Target,
    way: Arc<dyn Way>,
}

impl Shell {
    pub(super) fn new(target: Target) -> Self {
        Self { way: target.way(), target }
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn way(&self) -> &dyn Way {
        self.way.as_ref()
    }

    /// Runs a script to its end, whatever its exit code.
    pub(super) async fn run(&self, script: Script<'_>) -> Result<Output, Error> {
        let whole = format!("{PATH}{}", script.text);
        let words = ["/bin/sh", "-c", &whole, "sh"].into_iter().chain(script.arguments.iter().copied());
        let line = Line {
            what: script.what.into(),
            text: quoting::quote_all(words),
            stdin: script.stdin.into(),
            within: script.within,
            again: script.again,
            root: script.root,
        };
        self.way.say(line).await
    }

    /// Runs a script, and makes an error of any exit code but 0.
    pub(super) async fn must(&self, script: Script<'_>) -> Result<Vec<u8>, Error> {
        let what = script.what;
        let output = self.run(script).await?;
        if output.code == 0 {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim();
        let why = if said.is_empty() { "it says nothing".into() } else { shortened(said) };
        Err(failed(self.target.name(), format!("{what} failed with exit code {}: {why}", output.code)))
    }
}

/// A message without its middle where it is long.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 600;
    if text.len() <= SHOWN {
        return text.to_owned();
    }
    let (mut head, mut tail) = (SHOWN / 2, text.len() - SHOWN / 2);
    while !text.is_char_boundary(head) {
        head -= 1;
    }
    while !text.is_char_boundary(tail) {
        tail += 1;
    }
    format!("{} ... {}", &text[..head], &text[tail..])
}
