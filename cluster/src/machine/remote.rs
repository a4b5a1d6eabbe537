//! Acting on one node through its shell.

use std::{
    net::IpAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::OnceCell;

use super::{
    LogStream, Target, daemons, failed, packages,
    shell::{Script, Shell},
};
use crate::{Body, Daemon, DaemonState, Error, Output, Remote, Signal, reexec};

/// How long the transfer of a file may take.
const TRANSFER: Duration = Duration::from_secs(120);

/// How much longer than a command's own time its answer may take: connecting anew is part of it.
const GRACE: Duration = Duration::from_secs(3);

/// How long packages may take to be fetched and unpacked.
const INSTALL: Duration = Duration::from_secs(600);

/// The role by which our executable shows that it runs on a node at all.
const HELLO: &str = "hello";

fn hello() -> i32 {
    0
}

crate::role!(HELLO, hello);

/// Acts on one node through its shell.
#[derive(Debug)]
pub struct MachineRemote {
    shell: Arc<Shell>,
    folder: PathBuf,
    program: Option<PathBuf>,
    uploaded: OnceCell<String>,
}

impl MachineRemote {
    /// A node on which this run keeps the folder `folder`. `program` is the executable that a daemon called
    /// [`reexec::SELF`] is: it is uploaded when the first such daemon is started.
    pub fn new(target: impl Into<Target>, folder: PathBuf, program: Option<PathBuf>) -> Self {
        Self { shell: Arc::new(Shell::new(target.into())), folder, program, uploaded: OnceCell::new() }
    }

    /// Where the node is and how it lets us in.
    pub fn target(&self) -> &Target {
        self.shell.target()
    }

    pub(super) fn shell(&self) -> &Arc<Shell> {
        &self.shell
    }

    /// Runs a script of the POSIX shell as root, however that is reached. A non-zero exit is no error.
    pub async fn script_as_root(
        &self,
        text: &str,
        arguments: &[&str],
        stdin: &[u8],
        within: Duration,
    ) -> Result<Output, Error> {
        let script = Script { stdin, within, again: false, ..Script::new("a script", text, arguments) };
        self.shell.run(script.with_root()).await
    }

    /// Whether root is within reach, and if not, how to get there.
    pub async fn root(&self) -> Result<Result<&'static str, String>, Error> {
        self.shell.way().root().await
    }

    /// Installs packages with the package manager that the node has. Nothing is fetched for what is there already.
    pub async fn install_packages(&self, names: &[&str]) -> Result<(), Error> {
        let what = format!("installing {}", names.join(", "));
        let script = Script { within: INSTALL, ..Script::new(&what, packages::INSTALL, names) };
        self.shell.must(script.with_root()).await.map(|_| ())
    }

    /// Unpacks a tar archive (plain, gzip, xz or zstd) into a folder of the node, without the first `strip` folders.
    pub async fn install_archive(&self, content: &[u8], folder: &Path, strip: u32) -> Result<(), Error> {
        let (folder, strip) = (folder.to_string_lossy(), strip.to_string());
        let arguments = [folder.as_ref(), &strip, packages::compression(content)];
        let what = format!("unpacking an archive into {folder}");
        let script =
            Script { stdin: content, within: TRANSFER, ..Script::new(&what, packages::UNPACK, &arguments) };
        self.shell.must(script).await.map(|_| ())
    }

    /// Follows a file of the node as it grows, from its beginning. The file need not be there yet.
    pub fn follow(&self, path: &Path) -> LogStream {
        self.shell.way().follow(path)
    }

    fn daemon_folder(&self, name: &str) -> Result<String, Error> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if name.is_empty() || !name.chars().all(plain) {
            return Err(failed(self.target().name(), format!("{name:?} cannot name a daemon")));
        }
        Ok(self.daemons().join(name).to_string_lossy().into_owned())
    }

    fn daemons(&self) -> PathBuf {
        self.folder.join("daemons")
    }

    /// Our own executable on the node, which is uploaded first where that has not been done.
    async fn own_program(&self) -> Result<&str, Error> {
        self.uploaded.get_or_try_init(|| self.upload_program()).await.map(String::as_str)
    }

    async fn upload_program(&self) -> Result<String, Error> {
        let name = self.target().name();
        let Some(local) = &self.program else {
            return Err(failed(name, "no executable was given for a daemon that is part of this program"));
        };
        let machine = self.shell.must(Script::new("asking for its machine", "uname -sm", &[])).await?;
        let theirs = String::from_utf8_lossy(&machine).trim().to_owned();
        let ours = format!("Linux {}", std::env::consts::ARCH);
        if theirs != ours {
            return Err(failed(name, format!("it is a {theirs}, and this program is for {ours}")));
        }
        let what = format!("read {}", local.display());
        let local = local.clone();
        let read = tokio::task::spawn_blocking(move || std::fs::read(local)).await;
        let content = read
            .unwrap_or_else(|error| Err(std::io::Error::other(error)))
            .map_err(|error| Error::io(what, error))?;
        let place = self.folder.join("program");
        self.upload(&place, &content).await?;
        let place = place.to_string_lossy().into_owned();
        let text = format!(r#"chmod 700 "$1" && {}={HELLO} "$1""#, reexec::ROLE);
        self.shell.must(Script::new("starting this program there", &text, &[&place])).await?;
        Ok(place)
    }
}

#[async_trait]
impl Remote for MachineRemote {
    async fn exec(&self, argv: &[&str], stdin: &[u8], timeout: Duration) -> Result<Output, Error> {
        let what = argv.first().copied().unwrap_or_default();
        // The node ends what takes too long: closing the channel would leave it running.
        let text = r#"t=$1; shift
command -v timeout >/dev/null || exec "$@"
exec timeout -s KILL "$t" "$@""#;
        let limit = format!("{:.3}", timeout.as_secs_f64().max(0.001));
        let arguments: Vec<&str> = std::iter::once(limit.as_str()).chain(argv.iter().copied()).collect();
        let began = std::time::Instant::now();
        let script =
            Script { stdin, within: timeout + GRACE, again: false, ..Script::new(what, text, &arguments) };
        let output = self.shell.run(script).await?;
        if output.code == 137 && began.elapsed() >= timeout {
            let what = format!("{what} took longer than {} s and was ended", timeout.as_secs_f64());
            return Err(failed(self.target().name(), what));
        }
        Ok(output)
    }

    async fn upload(&self, path: &Path, content: &[u8]) -> Result<(), Error> {
        let (path, size) = (path.to_string_lossy(), content.len().to_string());
        let what = format!("writing {path}");
        let text = r#"mkdir -p "${1%/*}/" || exit
trap 'rm -f "$1.part.$$"' EXIT
cat >"$1.part.$$" && [ "$(wc -c <"$1.part.$$")" -eq "$2" ] && mv -f "$1.part.$$" "$1""#;
        let arguments = [path.as_ref(), size.as_str()];
        let script = Script { stdin: content, within: TRANSFER, ..Script::new(&what, text, &arguments) };
        self.shell.must(script).await.map(|_| ())
    }

    async fn download(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let path = path.to_string_lossy();
        let what = format!("reading {path}");
        let arguments = [path.as_ref()];
        self.shell.must(Script { within: TRANSFER, ..Script::new(&what, r#"cat <"$1""#, &arguments) }).await
    }

    async fn start(&self, daemon: &Daemon) -> Result<(), Error> {
        let folder = self.daemon_folder(&daemon.name)?;
        let (directory, log) = (daemon.directory.to_string_lossy(), daemon.log.to_string_lossy());
        let Some((program, arguments)) = daemon.argv.split_first() else {
            return Err(failed(self.target().name(), format!("{} has no program", daemon.name)));
        };
        let program = if program == reexec::SELF { self.own_program().await? } else { program.as_str() };
        if program.contains('=') {
            return Err(failed(self.target().name(), format!("a program cannot be called {program:?}")));
        }
        let variables: Vec<String> = [("DISPROVE_NODE".to_owned(), self.target().name().to_owned())]
            .iter()
            .chain(&daemon.env)
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut words = vec![folder.as_str(), directory.as_ref(), log.as_ref(), program];
        words.extend(variables.iter().map(String::as_str));
        words.push(program);
        words.extend(arguments.iter().map(String::as_str));
        let what = format!("starting {}", daemon.name);
        let text = daemons::start();
        self.shell.must(Script { again: false, ..Script::new(&what, &text, &words) }).await.map(|_| ())
    }

    async fn signal(&self, name: &str, signal: Signal) -> Result<(), Error> {
        let folder = self.daemon_folder(name)?;
        let word = match signal {
            Signal::Kill => "KILL",
            Signal::Terminate => "TERM",
            Signal::Stop => "STOP",
            Signal::Continue => "CONT",
        };
        let what = format!("signalling {name}");
        let text = daemons::signal();
        self.shell.must(Script::new(&what, &text, &[&folder, word])).await.map(|_| ())
    }

    async fn state(&self, name: &str) -> Result<DaemonState, Error> {
        let folder = self.daemon_folder(name)?;
        let what = format!("looking at {name}");
        let text = daemons::state();
        let said = self.shell.must(Script::new(&what, &text, &[&folder])).await?;
        let said = String::from_utf8_lossy(&said).trim().to_owned();
        read_state(&said).ok_or_else(|| {
            failed(self.target().name(), format!("it answers {said:?} when asked about {name}"))
        })
    }

    fn can_point_names(&self) -> bool {
        true
    }

    async fn point_names(&self, names: &[(String, IpAddr)]) -> Result<(), Error> {
        self.point(names).await
    }

    fn body(&self) -> Result<&dyn Body, Error> {
        self.shell.way().body().ok_or_else(|| {
            Error::Unsupported(format!("stopping {} as a whole, which is a machine,", self.target().name()))
        })
    }

    async fn wipe(&self) -> Result<(), Error> {
        let (daemons, folder) = (self.daemons(), self.folder.to_string_lossy());
        let text = format!("{}\nrm -rf -- \"$2\"", daemons::end_all());
        let daemons = daemons.to_string_lossy();
        let within = Duration::from_secs(60);
        let arguments = [daemons.as_ref(), folder.as_ref()];
        let script = Script { within, ..Script::new("removing what this run put there", &text, &arguments) };
        self.shell.must(script).await.map(|_| ())
    }
}

fn read_state(said: &str) -> Option<DaemonState> {
    let (word, number) = said.split_once(' ').unwrap_or((said, "0"));
    Some(match word {
        "running" => DaemonState::Running { pid: number.parse().ok()? },
        "stopped" => DaemonState::Stopped { pid: number.parse().ok()? },
        "exited" => DaemonState::Exited { code: number.parse().ok()? },
        "absent" => DaemonState::Absent,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_are_read_and_nothing_else_is() {
        assert_eq!(read_state("running 17"), Some(DaemonState::Running { pid: 17 }));
        assert_eq!(read_state("exited 137"), Some(DaemonState::Exited { code: 137 }));
        assert_eq!(read_state("absent"), Some(DaemonState::Absent));
        assert_eq!(read_state(""), None);
        assert_eq!(read_state("running x"), None);
    }
}
