//! Scripts on one node, as its user or as root.

use std::{sync::Arc, time::Duration};

use tokio::sync::OnceCell;

use super::{
    SshTarget, failed,
    pool::{Pool, Saying},
    quoting,
};
use crate::{Error, Output};

/// What it takes to find out about sudo.
const ASK: Duration = Duration::from_secs(15);

/// Programs that only root needs are often left out of a user's path.
const PATH: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin; export PATH; ";

/// How root is reached on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// The user is root.
    Own,
    /// By `sudo`, which does not ask.
    Free,
    /// By `sudo`, which takes the password.
    Password,
    /// Not at all, and how to change that.
    None(String),
}

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
    pool: Arc<Pool>,
    root: OnceCell<Root>,
}

impl Shell {
    pub(super) fn new(target: SshTarget) -> Self {
        Self { pool: Pool::new(target), root: OnceCell::new() }
    }

    pub(super) fn target(&self) -> &SshTarget {
        self.pool.target()
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    /// Runs a script to its end, whatever its exit code.
    pub(super) async fn run(&self, script: Script<'_>) -> Result<Output, Error> {
        let whole = format!("{PATH}{}", script.text);
        let words = ["/bin/sh", "-c", &whole, "sh"].into_iter().chain(script.arguments.iter().copied());
        let mut line = quoting::quote_all(words);
        let mut stdin = Vec::new();
        if script.root {
            match self.root().await? {
                Root::Own => {}
                Root::Free => line = format!("sudo -n -- {line}"),
                Root::Password => {
                    line = format!("sudo -S -p '' -- {line}");
                    stdin.extend(self.password_line());
                }
                Root::None(remedy) => {
                    let what = format!("{} on {}", script.what, self.target().name);
                    return Err(Error::NotPermitted { what, remedy: remedy.clone() });
                }
            }
        }
        stdin.extend_from_slice(script.stdin);
        self.line(script.what, &line, stdin.into(), script.within, script.again).await
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
        Err(failed(&self.target().name, format!("{what} failed with exit code {}: {why}", output.code)))
    }

    /// Runs one line of the POSIX shell.
    pub(super) async fn line(
        &self,
        what: &str,
        line: &str,
        stdin: Arc<[u8]>,
        within: Duration,
        again: bool,
    ) -> Result<Output, Error> {
        let command = quoting::command(line).ok_or_else(|| {
            let most = quoting::SCRIPT_BYTES_MAX;
            failed(
                &self.target().name,
                format!("{what} is a command over {most} bytes, or holds a zero byte"),
            )
        })?;
        self.pool.say(Saying { what: what.into(), command, stdin, within, again }).await
    }

    fn password_line(&self) -> Vec<u8> {
        let password = self.target().sudo_password.as_ref().map(super::Secret::reveal).unwrap_or_default();
        format!("{password}\n").into_bytes()
    }

    /// How root is reached here; found out once.
    pub(super) async fn root(&self) -> Result<&Root, Error> {
        self.root.get_or_try_init(|| self.find_root()).await
    }

    async fn find_root(&self) -> Result<Root, Error> {
        let ask = async |line: &str, stdin: Vec<u8>| {
            self.line("asking who we are", line, stdin.into(), ASK, true).await
        };
        let own = ask("id -u", Vec::new()).await?;
        if own.stdout.trim_ascii() == b"0" {
            return Ok(Root::Own);
        }
        let user = &self.target().user;
        if ask("command -v sudo", Vec::new()).await?.code != 0 {
            return Ok(Root::None(format!("log in as root, or install sudo and permit it to {user}")));
        }
        if ask("sudo -n -- id -u", Vec::new()).await?.stdout.trim_ascii() == b"0" {
            return Ok(Root::Free);
        }
        if self.target().sudo_password.is_none() {
            return Ok(Root::None(format!(
                "sudo asks for a password: give it by sudo-password-file or sudo-password-env, or permit {user} to go \
                 without ({user} ALL=(ALL) NOPASSWD: ALL)"
            )));
        }
        // The input is the password and nothing else, so that a second question finds the end.
        let asked = ask("sudo -k; sudo -S -p '' -- id -u", self.password_line()).await?;
        Ok(match asked.stdout.trim_ascii() {
            b"0" => Root::Password,
            _ => Root::None(format!(
                "sudo refuses {user}: {}",
                shortened(String::from_utf8_lossy(&asked.stderr).trim())
            )),
        })
    }
}

/// A message without its middle where it is long.
fn shortened(text: &str) -> String {
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
