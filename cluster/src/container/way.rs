//! How a command gets into a container: by the engine's `exec`.

use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;

use super::{
    ContainerTarget,
    exec::{self, Heard},
    follow,
    inspect::inspect,
};
use crate::{
    Body, Error, Life, Output,
    machine::{Line, LogStream, Sight, Way, failed},
};

/// How long the engine may take to copy a small file.
const COPY: Duration = Duration::from_secs(20);

/// The way into one container.
#[derive(Debug)]
pub struct ContainerWay {
    pub(super) target: ContainerTarget,
    /// Where it was when the run began: everybody knows it by that.
    pub(super) address: Mutex<Option<IpAddr>>,
}

impl ContainerWay {
    /// The way into a container. Nothing is asked yet.
    pub(crate) fn new(target: ContainerTarget) -> Self {
        Self { target, address: Mutex::default() }
    }

    async fn say_once(&self, line: &Line) -> Result<Heard, Error> {
        let target = &self.target;
        let token = format!("disprove-{:016x}", rand::random::<u64>());
        let mut arguments = vec!["exec"];
        if !line.stdin.is_empty() {
            arguments.push("--interactive");
        }
        match (line.root, &target.user) {
            (true, _) => arguments.extend(["--user", "0"]),
            (false, Some(user)) => arguments.extend(["--user", user]),
            (false, None) => {}
        }
        arguments.push(&target.container);
        arguments.extend(exec::words(&line.text, &token));
        let stdin = (!line.stdin.is_empty()).then_some(&line.stdin[..]);
        let ran = target.engine.run(&arguments, stdin, line.within).await;
        let output = ran.map_err(|trouble| trouble.about(&target.name, &line.what, line.within))?;
        Ok(exec::unframed(output, &token))
    }

    /// What a file in the container says, also where it does not run.
    async fn file(&self, path: &Path) -> Result<Vec<u8>, Error> {
        let place = format!("{}:{}", self.target.container, path.display());
        let archive = self.target.engine.must(&self.target, &["cp", &place, "-"], COPY).await?;
        first_of(&archive)
            .ok_or_else(|| failed(&self.target.name, format!("the archive of {} is unclear", path.display())))
    }
}

/// The content of the first file of a tar archive.
fn first_of(archive: &[u8]) -> Option<Vec<u8>> {
    let size = std::str::from_utf8(archive.get(124..136)?).ok()?;
    let size = usize::from_str_radix(size.trim_matches(|c: char| c == '\0' || c == ' '), 8).ok()?;
    archive.get(512..512 + size).map(<[u8]>::to_vec)
}

/// The address of ours from which packets for another leave.
pub(super) fn own_address_towards(address: IpAddr) -> std::io::Result<IpAddr> {
    let any: SocketAddr = if address.is_ipv6() { ([0_u16; 8], 0).into() } else { ([0_u8; 4], 0).into() };
    let socket = UdpSocket::bind(any)?;
    // Nothing is sent: the kernel only looks for the way.
    socket.connect((address, 9))?;
    Ok(socket.local_addr()?.ip())
}

#[async_trait]
impl Way for ContainerWay {
    async fn say(&self, line: Line) -> Result<Output, Error> {
        let target = &self.target;
        if line.text.len() > exec::LINE_BYTES_MAX || line.text.contains('\0') {
            let most = exec::LINE_BYTES_MAX;
            return Err(failed(
                &target.name,
                format!("{} is a command over {most} bytes, or holds a zero byte", line.what),
            ));
        }
        match self.say_once(&line).await? {
            // The engine broke off in the middle, and doing it again is as good.
            Heard::Torn(_) if line.again => self.say_once(&line).await?,
            heard => heard,
        }
        .of(target, &line.what)
    }

    async fn root(&self) -> Result<Result<&'static str, String>, Error> {
        let (what, text) = ("asking who we are".into(), "id -u".into());
        let within = Duration::from_secs(15);
        let line = Line { what, text, stdin: [].into(), within, again: true, root: true };
        let said = self.say(line).await?;
        Ok(match said.stdout.trim_ascii() {
            b"0" => Ok("exec --user 0"),
            _ => Err(format!("permit commands as root in {}", self.target.container)),
        })
    }

    async fn sight(&self) -> Result<Sight, Error> {
        let target = &self.target;
        let container = inspect(target).await?;
        if container.life() != Life::Running {
            let (engine, name, status) = (target.engine.name(), &target.container, container.status());
            return Err(failed(
                &target.name,
                format!("the container {name} is {status}, not running; to start it: {engine} start {name}"),
            ));
        }
        let also = container.addresses();
        let Some(address) = target.address.or(also.first().copied()) else {
            return Err(failed(
                &target.name,
                format!(
                    "{} tells no address of {}: run it on a bridge network, or give `address` in nodes.toml",
                    target.engine.name(),
                    target.container
                ),
            ));
        };
        let controller = own_address_towards(address).map_err(|error| {
            failed(&target.name, format!("there is no way from here to {address}, where it is: {error}"))
        })?;
        *self.address.lock().unwrap_or_else(PoisonError::into_inner) = Some(address);
        Ok(Sight { controller, port: None, address, also, foreign: container.foreign() })
    }

    fn follow(&self, path: &Path) -> LogStream {
        follow::follow(self.target.clone(), path)
    }

    fn body(&self) -> Option<&dyn Body> {
        Some(self)
    }

    async fn rouse(&self, mark: &Path, run: &str) -> Result<(), Error> {
        let life = self.life().await?;
        if life == Life::Running {
            return Ok(());
        }
        let has = self.file(mark).await?;
        if String::from_utf8_lossy(&has).trim() != run {
            let what = format!("{} does not run, which is not this run's doing", self.target.container);
            return Err(failed(&self.target.name, what));
        }
        if life == Life::Frozen { self.thaw().await } else { self.switch_on().await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_taken_out_of_its_archive() {
        let mut archive = vec![0; 512];
        archive[124..135].copy_from_slice(b"00000000004");
        archive.extend(b"run\nxxxx");
        assert_eq!(first_of(&archive).as_deref(), Some(&b"run\n"[..]));
        assert_eq!(first_of(&archive[..514]), None);
    }

    #[test]
    fn the_way_to_ourselves_is_known() {
        let local = "127.0.0.1".parse().unwrap();
        assert_eq!(own_address_towards(local).unwrap(), local);
    }
}
