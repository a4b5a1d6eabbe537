//! A container engine's command line.

use std::{
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use super::ContainerTarget;
use crate::{Error, Output, machine::failed};

/// The engines that are looked for, in this order.
const KNOWN: [&str; 2] = ["docker", "podman"];

/// The most bytes that one stream of a command, or a file, may bring.
const OUTPUT_BYTES_MAX: u64 = 256 << 20;

/// The program of a container engine: docker, podman, or what behaves as they do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Engine {
    program: PathBuf,
}

impl Engine {
    /// The engine of this name or path; `None` where it is not there.
    pub fn named(name: &str) -> Option<Self> {
        if name.contains('/') {
            return is_program(Path::new(name)).then(|| Self { program: name.into() });
        }
        let folders = std::env::var_os("PATH")?;
        let mut places = std::env::split_paths(&folders).map(|folder| folder.join(name));
        places.find(|place| is_program(place)).map(|program| Self { program })
    }

    /// The engine that has a container: of docker and podman, the first that is there and knows it, or the first that is
    /// there. `None` where neither is.
    pub fn of(container: &str) -> Option<Self> {
        let there: Vec<Self> = KNOWN.into_iter().filter_map(Self::named).collect();
        let knows = |engine: &&Self| {
            let mut asked = std::process::Command::new(&engine.program);
            asked.args(["inspect", "--type", "container", "--format", "x", container]);
            asked.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            asked.status().is_ok_and(|status| status.success())
        };
        match there.as_slice() {
            [_, _, ..] => there.iter().find(knows).or(there.first()).cloned(),
            _ => there.into_iter().next(),
        }
    }

    /// What it is called, as one would type it.
    pub fn name(&self) -> String {
        let name = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if KNOWN.contains(&name.as_str()) { name } else { self.program.display().to_string() }
    }

    /// The engine at work. It hears nothing of a Ctrl-C at the terminal: what it is doing then is to be undone by it.
    pub(super) fn spawn(&self, arguments: &[&str], hears: bool) -> io::Result<Child> {
        let mut command = Command::new(&self.program);
        command.args(arguments).stdin(if hears { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).process_group(0);
        command.spawn()
    }

    /// Runs a command of the engine's to its end, whatever its exit code.
    pub(super) async fn run(
        &self,
        arguments: &[&str],
        stdin: Option<&[u8]>,
        within: Duration,
    ) -> Result<Output, Trouble> {
        let mut child = self.spawn(arguments, stdin.is_some()).map_err(Trouble::Io)?;
        let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let says = async {
            if let (Some(mut input), Some(stdin)) = (input, stdin) {
                // A command may end, or close its input, without having read it all.
                let _unread = input.write_all(stdin).await;
                let _unread = input.shutdown().await;
            }
        };
        let all = async {
            let ((), stdout, stderr) = tokio::join!(says, heard(output), heard(errors));
            let status = child.wait().await.map_err(Trouble::Io)?;
            use std::os::unix::process::ExitStatusExt;
            let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
            Ok(Output { code, stdout: stdout?, stderr: stderr? })
        };
        tokio::time::timeout(within, all).await.map_err(|_| Trouble::Late)?
    }

    /// Runs a command of the engine's about a container, and makes an error of any exit code but 0.
    pub(super) async fn must(
        &self,
        target: &ContainerTarget,
        arguments: &[&str],
        within: Duration,
    ) -> Result<Vec<u8>, Error> {
        let what = format!("{} {}", self.name(), arguments.first().copied().unwrap_or_default());
        let output = self
            .run(arguments, None, within)
            .await
            .map_err(|trouble| trouble.about(&target.name, &what, within))?;
        if output.code == 0 {
            return Ok(output.stdout);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(failed(&target.name, format!("{what} {} fails: {}", target.container, said.trim())))
    }
}

/// Why an engine's command has no end.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It could not be started, or read.
    Io(io::Error),
    /// It took too long.
    Late,
    /// It says more than anybody wants.
    TooMuch,
}

impl Trouble {
    /// The error about a node that it is.
    pub(super) fn about(self, node: &str, what: &str, within: Duration) -> Error {
        let why = match self {
            Self::Io(error) => format!("{what} cannot be run: {error}"),
            Self::Late => format!("{what} took longer than {} s", within.as_secs_f64()),
            Self::TooMuch => format!("{what} brings more than 256 MiB"),
        };
        failed(node, why)
    }
}

async fn heard(stream: Option<impl AsyncReadExt + Unpin>) -> Result<Vec<u8>, Trouble> {
    let Some(stream) = stream else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    let count = stream.take(OUTPUT_BYTES_MAX + 1).read_to_end(&mut all).await.map_err(Trouble::Io)?;
    if count as u64 > OUTPUT_BYTES_MAX { Err(Trouble::TooMuch) } else { Ok(all) }
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
