//! Acting on a local node through its first process.

use std::{
    fs, io,
    net::IpAddr,
    os::{fd::OwnedFd, unix::fs::FileExt},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::unix::pipe,
    time::{sleep, timeout},
};

use super::{
    disks::Bay,
    group::Power,
    groups::{self, Groups},
    launch,
    link::Link,
    wire::{Answer, Request},
};
use crate::{
    Body, Daemon, DaemonState, Disk, Error, Output, Quotas, Remote, Signal, Skew, Version, names, vdso,
};

/// How long a request may take that does not run anything of unknown length.
const REQUEST: Duration = Duration::from_secs(10);

/// How long the transfer of a file may take.
const TRANSFER: Duration = Duration::from_secs(60);

/// How long the output of an ended command is read that something it left behind still holds.
const LEFT_BEHIND: Duration = Duration::from_millis(500);

/// The most bytes that one stream of a command, or a file, may bring.
const OUTPUT_BYTES_MAX: u64 = 256 << 20;

/// Where the programs of two versions are, and what has a process find them.
pub(super) struct Shelves {
    /// The folder of the new version.
    pub new_programs: PathBuf,
    /// The environment of processes of the old version.
    pub old: Vec<(String, String)>,
    /// The environment of processes of the new version.
    pub new: Vec<(String, String)>,
}

/// Acts on one local node.
pub(super) struct LocalRemote {
    link: Arc<Link>,
    disk: Bay,
    shelves: Option<Shelves>,
    /// Its `/etc/hosts`, as the controller sees it; `None` where it has none of its own.
    hosts: Option<PathBuf>,
    groups: Groups,
}

impl LocalRemote {
    /// Acts through this link.
    pub(super) fn new(link: Arc<Link>, disk: Bay, shelves: Option<Shelves>, groups: Groups) -> Self {
        Self { link, disk, shelves, hosts: None, groups }
    }

    /// The same, with an `/etc/hosts` of its own.
    pub(super) fn with_hosts(self, hosts: PathBuf) -> Self {
        Self { hosts: Some(hosts), ..self }
    }

    async fn simple(&self, request: Request) -> Result<Answer, Error> {
        Ok(self.link.call(request, REQUEST).await?.0)
    }

    /// Starts something with three streams, feeds it, and waits for its end.
    async fn run(&self, request: Request, stdin: &[u8], within: Duration) -> Result<Output, Error> {
        let what = match &request {
            Request::Exec(argv) => argv.first().cloned().unwrap_or_default(),
            Request::Write(path) => format!("writing {}", path.display()),
            Request::Read(path) => format!("reading {}", path.display()),
            _ => return Err(Error::Unsupported("running a request that runs nothing".into())),
        };
        let (input, feed) = launch::pipe()?;
        let (drain, output) = launch::pipe()?;
        let (drain_errors, errors) = launch::pipe()?;
        let mut streams = Streams {
            feed: Some(pipe::Sender::from_owned_fd(feed).map_err(|e| Error::io("watch a pipe", e))?),
            output: pipe::Receiver::from_owned_fd(drain).map_err(|e| Error::io("watch a pipe", e))?,
            errors: pipe::Receiver::from_owned_fd(drain_errors).map_err(|e| Error::io("watch a pipe", e))?,
            kept: Output::default(),
        };
        let theirs: [OwnedFd; 3] = [input, output, errors];
        let asked = self.link.ask(request, &theirs, REQUEST.min(within)).await?;
        drop(theirs);
        let number = asked.number;
        match timeout(within, streams.until_end(stdin, asked.answer(within))).await {
            Ok(Ok(())) => Ok(streams.kept),
            Ok(Err(error)) => {
                self.cancel(number).await;
                Err(error)
            }
            Err(_) => {
                self.cancel(number).await;
                Err(self
                    .link
                    .failed(format!("{what} took longer than {} s and was ended", within.as_secs_f64())))
            }
        }
    }

    /// Ends a command that nobody waits for any more.
    async fn cancel(&self, number: u64) {
        if let Err(error) = self.link.call(Request::Cancel(number), REQUEST).await {
            tracing::warn!(%error, "a command could not be ended");
        }
    }
}

/// The controller's ends of a command's streams, and what came by them.
struct Streams {
    feed: Option<pipe::Sender>,
    output: pipe::Receiver,
    errors: pipe::Receiver,
    kept: Output,
}

impl Streams {
    /// Moves data both ways until the command has ended and its streams are closed.
    async fn until_end(
        &mut self,
        stdin: &[u8],
        ended: impl Future<Output = Result<(Answer, Vec<OwnedFd>), Error>>,
    ) -> Result<(), Error> {
        let feed = self.feed.take();
        let feeding = async move {
            if let Some(mut feed) = feed {
                // A command may end, or close its input, without having read it all.
                let _unread = feed.write_all(stdin).await;
            }
        };
        let kept = &mut self.kept;
        let (output, errors) = (&mut self.output, &mut self.errors);
        let (stdout, stderr) = (&mut kept.stdout, &mut kept.stderr);
        let draining = async { tokio::try_join!(drain(output, stdout), drain(errors, stderr)).map(|_| ()) };
        tokio::pin!(feeding, draining, ended);
        let (mut fed, mut drained, mut code) = (false, false, None);
        while code.is_none() || !drained {
            tokio::select! {
                () = &mut feeding, if !fed => fed = true,
                done = &mut draining, if !drained => { done?; drained = true; }
                answer = &mut ended, if code.is_none() => match answer?.0 {
                    Answer::Exited(exited) => code = Some(exited),
                    other => return Err(Error::Unsupported(format!("the answer {other:?} to a command"))),
                },
                () = sleep(LEFT_BEHIND), if code.is_some() => break,
            }
        }
        kept.code = code.unwrap_or_default();
        Ok(())
    }
}

async fn drain(from: &mut pipe::Receiver, to: &mut Vec<u8>) -> Result<(), Error> {
    let mut limited = from.take(OUTPUT_BYTES_MAX + 1);
    limited.read_to_end(to).await.map_err(|e| Error::io("read the output of a command", e))?;
    if to.len() as u64 > OUTPUT_BYTES_MAX {
        return Err(Error::Unsupported(format!("output of more than {OUTPUT_BYTES_MAX} bytes")));
    }
    Ok(())
}

#[async_trait]
impl Remote for LocalRemote {
    async fn exec(&self, argv: &[&str], stdin: &[u8], timeout: Duration) -> Result<Output, Error> {
        self.run(Request::Exec(argv.iter().map(ToString::to_string).collect()), stdin, timeout).await
    }

    async fn upload(&self, path: &Path, content: &[u8]) -> Result<(), Error> {
        let output = self.run(Request::Write(path.into()), content, TRANSFER).await?;
        succeeded(&self.link, "write", path, &output)
    }

    async fn download(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let output = self.run(Request::Read(path.into()), &[], TRANSFER).await?;
        succeeded(&self.link, "read", path, &output)?;
        Ok(output.stdout)
    }

    async fn start(&self, daemon: &Daemon) -> Result<(), Error> {
        self.simple(Request::Start(daemon.clone())).await.map(|_| ())
    }

    async fn signal(&self, name: &str, signal: Signal) -> Result<(), Error> {
        self.simple(Request::Signal(name.into(), signal)).await.map(|_| ())
    }

    async fn state(&self, name: &str) -> Result<DaemonState, Error> {
        match self.simple(Request::State(name.into())).await? {
            Answer::State(state) => Ok(state),
            other => Err(self.link.failed(format!("answered {other:?} when asked for a state"))),
        }
    }

    async fn wipe(&self) -> Result<(), Error> {
        self.simple(Request::Wipe).await.map(|_| ())
    }

    fn can_skew(&self) -> bool {
        vdso::is_supported()
    }

    async fn skew(&self, skew: Option<&Skew>) -> Result<(), Error> {
        self.simple(Request::Skew(skew.copied())).await.map(|_| ())
    }

    async fn skews(&self) -> Result<Vec<(u32, i64)>, Error> {
        match self.simple(Request::Skews).await? {
            Answer::Skews(skews) => Ok(skews),
            other => Err(self.link.failed(format!("answered {other:?} when asked for its clocks"))),
        }
    }

    fn new_programs(&self) -> Option<&Path> {
        self.shelves.as_ref().map(|shelves| shelves.new_programs.as_path())
    }

    async fn choose_programs(&self, version: Version) -> Result<(), Error> {
        let Some(shelves) = &self.shelves else {
            return Err(Error::Unsupported("another version in a run that was given one only".into()));
        };
        let environment = match version {
            Version::Old => &shelves.old,
            Version::New => &shelves.new,
        };
        self.simple(Request::Environment(environment.clone())).await.map(|_| ())
    }

    fn can_point_names(&self) -> bool {
        self.hosts.is_some()
    }

    async fn point_names(&self, names: &[(String, IpAddr)]) -> Result<(), Error> {
        let Some(hosts) = self.hosts.as_deref() else {
            let what = "setting what names mean on nodes that share the names of this machine";
            return Err(Error::Unsupported(what.into()));
        };
        rewrite(hosts, names).map_err(|error| Error::io(format!("rewrite {}", hosts.display()), error))
    }

    fn body(&self) -> Result<&dyn Body, Error> {
        groups::permitted(Power::Freezer)
            .map_err(|why| Error::Unsupported(format!("freezing a node by a control group ({why})")))?;
        Ok(&self.groups)
    }

    fn quotas(&self) -> Result<&dyn Quotas, Error> {
        Ok(&self.groups)
    }

    fn disk(&self) -> Result<&dyn Disk, Error> {
        self.disk.disk()
    }
}

/// Changes the file in its place, since a node sees this very file. Whoever reads meanwhile finds it whole: it is written at
/// once, and no shorter than it was until that is done.
fn rewrite(hosts: &Path, names: &[(String, IpAddr)]) -> io::Result<()> {
    let before = fs::read_to_string(hosts)?;
    let after = names::pointed(&before, names);
    let room = before.len().saturating_sub(after.len());
    let file = fs::OpenOptions::new().write(true).open(hosts)?;
    file.write_all_at(format!("{after}{}", "\n".repeat(room)).as_bytes(), 0)?;
    file.set_len(after.len() as u64)
}

fn succeeded(link: &Link, verb: &str, path: &Path, output: &Output) -> Result<(), Error> {
    if output.code == 0 {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(link.failed(format!("failed to {verb} {}: {why}", path.display())))
}
