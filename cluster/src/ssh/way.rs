//! How a command gets to a machine over SSH, and how it gets to be root there.

use std::{
    net::{IpAddr, ToSocketAddrs},
    path::Path,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::{
    Secret, SshTarget, escaping, logs,
    pool::{Pool, Saying},
};
use crate::{
    Error, Output,
    machine::{Line, LogStream, Sight, Way, failed, shortened},
};

/// What it takes to find out about sudo.
const ASK: Duration = Duration::from_secs(15);

/// How long a machine may take to let us in for the first time.
const REACH: Duration = Duration::from_secs(20);

/// How root is reached on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Root {
    /// The user is root.
    Own,
    /// By `sudo`, which does not ask.
    Free,
    /// By `sudo`, which takes the password.
    Password,
    /// Not at all, and how to change that.
    None(String),
}

/// The way to one machine.
#[derive(Debug)]
pub struct SshWay {
    pool: Arc<Pool>,
    root: OnceCell<Root>,
}

impl SshWay {
    /// The way to a machine. Nothing is connected yet.
    pub(crate) fn new(target: SshTarget) -> Self {
        Self { pool: Pool::new(target), root: OnceCell::new() }
    }

    fn target(&self) -> &SshTarget {
        self.pool.target()
    }

    /// Says a line as the user of the login.
    async fn plainly(
        &self,
        what: &str,
        line: &str,
        stdin: Arc<[u8]>,
        within: Duration,
        again: bool,
    ) -> Result<Output, Error> {
        let command = escaping::command(line).ok_or_else(|| {
            let most = escaping::SCRIPT_BYTES_MAX;
            failed(
                &self.target().name,
                format!("{what} is a command over {most} bytes, or holds a zero byte"),
            )
        })?;
        self.pool.say(Saying { what: what.into(), command, stdin, within, again }).await
    }

    fn password_line(&self) -> Vec<u8> {
        let password = self.target().sudo_password.as_ref().map(Secret::reveal).unwrap_or_default();
        format!("{password}\n").into_bytes()
    }

    /// How root is reached here; found out once.
    async fn how_root(&self) -> Result<&Root, Error> {
        self.root.get_or_try_init(|| self.find_root()).await
    }

    async fn find_root(&self) -> Result<Root, Error> {
        let ask = async |line: &str, stdin: Vec<u8>| {
            self.plainly("asking who we are", line, stdin.into(), ASK, true).await
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

fn resolved(target: &SshTarget) -> Option<IpAddr> {
    let mut addresses = (target.host.as_str(), target.port).to_socket_addrs().ok()?;
    addresses.next().map(|address| address.ip())
}

#[async_trait]
impl Way for SshWay {
    async fn say(&self, line: Line) -> Result<Output, Error> {
        let Line { what, mut text, stdin, within, again, root } = line;
        let mut said_first = Vec::new();
        if root {
            match self.how_root().await? {
                Root::Own => {}
                Root::Free => text = format!("sudo -n -- {text}"),
                Root::Password => {
                    text = format!("sudo -S -p '' -- {text}");
                    said_first = self.password_line();
                }
                Root::None(remedy) => {
                    let what = format!("{what} on {}", self.target().name);
                    return Err(Error::NotPermitted { what, remedy: remedy.clone() });
                }
            }
        }
        let stdin = if said_first.is_empty() { stdin } else { [&said_first[..], &stdin].concat().into() };
        self.plainly(&what, &text, stdin, within, again).await
    }

    async fn root(&self) -> Result<Result<&'static str, String>, Error> {
        Ok(match self.how_root().await? {
            Root::Own => Ok("logged in as root"),
            Root::Free => Ok("sudo without a password"),
            Root::Password => Ok("sudo with the password"),
            Root::None(remedy) => Err(remedy.clone()),
        })
    }

    async fn sight(&self) -> Result<Sight, Error> {
        let target = self.target();
        let what = "asking who it sees";
        let output = self.plainly(what, "echo \"$SSH_CONNECTION\"", Arc::default(), REACH, true).await?;
        let said = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let words: Vec<&str> = said.split_whitespace().collect();
        let unclear = || {
            let what = format!("its sshd does not say who is connected (SSH_CONNECTION is {said:?})");
            failed(&target.name, what)
        };
        let [controller, _, own, port] = words.as_slice() else { return Err(unclear()) };
        let parsed = |text: &str| {
            text.split('%').next().unwrap_or(text).parse::<IpAddr>().map(|address| address.to_canonical())
        };
        let controller = parsed(controller).map_err(|_| unclear())?;
        let port = port.parse().map_err(|_| unclear())?;
        let known = resolved(target);
        let address = match target.address.or(known) {
            Some(address) => address,
            None => parsed(own).map_err(|_| unclear())?,
        };
        let also = known.into_iter().collect();
        Ok(Sight { controller, port: Some(port), address, also, foreign: None })
    }

    fn follow(&self, path: &Path) -> LogStream {
        logs::follow(Arc::clone(&self.pool), path)
    }
}
