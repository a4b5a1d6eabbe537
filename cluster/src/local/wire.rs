//! What the controller and a node's first process say to each other: one JSON value per packet, with descriptors.
//!
//! The socket keeps the boundaries of packets, so there is no length to get wrong. Bulk data never passes here: the
//! descriptors of pipes do, and the data goes through those.

use std::{
    io,
    net::Ipv4Addr,
    os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd},
    path::PathBuf,
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::identity::Identity;
use crate::{Daemon, DaemonState, Signal, Skew};

/// The most bytes of one packet. Longer arguments belong in standard input or in a file.
pub(super) const PACKET_BYTES_MAX: usize = 160 * 1024;

/// The most descriptors of one packet: the three standard streams.
const DESCRIPTORS_MAX: usize = 3;

/// What a node is to be; the first thing its first process hears.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Setup {
    /// Its name.
    pub name: String,
    /// Its network, when it has one of its own.
    pub network: Option<NodeNetwork>,
    /// Who runs its processes, if not we.
    pub identity: Option<Identity>,
    /// The folder that it may wipe.
    pub data: PathBuf,
    /// Folders that its user cannot reach, and where it is to see them instead.
    pub shown: Vec<(PathBuf, PathBuf)>,
    /// The environment of its processes.
    pub environment: Vec<(String, String)>,
}

/// The network of a node that has one of its own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NodeNetwork {
    /// Its address.
    pub address: Ipv4Addr,
    /// The end of a veth pair that waits in its namespace, with the neighbours; without it the node makes a TUN device.
    pub neighbours: Option<Vec<(Ipv4Addr, [u8; 6])>>,
    /// The file that it is to see as `/etc/hosts`.
    pub hosts: PathBuf,
}

/// What the controller wants of a node.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Request {
    /// Become a node. Answered by `Done`, with the other end of the TUN device.
    Setup(Setup),
    /// Run a command; standard input, output and error come along. Answered by `Exited` at its end.
    Exec(Vec<String>),
    /// Write standard input to a file. Answered as a command is.
    Write(PathBuf),
    /// Write a file to standard output. Answered as a command is.
    Read(PathBuf),
    /// End the command of an earlier request, which is then answered.
    Cancel(u64),
    /// Start a daemon.
    Start(Daemon),
    /// Have processes that start from now on have this environment.
    Environment(Vec<(String, String)>),
    /// Signal a daemon.
    Signal(String, Signal),
    /// What a daemon is doing.
    State(String),
    /// Set what the daemons take for the time off, or right.
    Skew(Option<Skew>),
    /// How far off the processes of the daemons take the time to be.
    Skews,
    /// End all, and empty the data folder.
    Wipe,
    /// Mount what the device that comes along serves over the data folder.
    Mount,
    /// End all, and take what is mounted over the data folder off.
    SwitchOff,
}

/// What a node answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Answer {
    /// It is done.
    Done,
    /// A command ended.
    Exited(i32),
    /// What a daemon is doing.
    State(DaemonState),
    /// How far off each process takes the time to be, in nanoseconds.
    Skews(Vec<(u32, i64)>),
    /// It could not be done.
    Failed {
        /// What was tried, as a verb phrase.
        what: String,
        /// The number of the system's error, 0 for none.
        errno: i32,
    },
}

impl Answer {
    /// The answer for something that the system refused.
    pub(super) fn failed(what: impl Into<String>, error: &io::Error) -> Self {
        match error.raw_os_error() {
            Some(errno) => Self::Failed { what: what.into(), errno },
            None => Self::Failed { what: format!("{}: {error}", what.into()), errno: 0 },
        }
    }
}

/// A request or an answer, with the number that ties the two together.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Numbered<T> {
    /// Counts the requests.
    pub number: u64,
    /// What is said.
    pub says: T,
}

/// Makes a packet.
pub(super) fn encode<T: Serialize>(number: u64, says: T) -> io::Result<Vec<u8>> {
    let packet = serde_json::to_vec(&Numbered { number, says })?;
    if packet.len() > PACKET_BYTES_MAX {
        let limit = format!("a request of {} bytes, more than {PACKET_BYTES_MAX}", packet.len());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, limit));
    }
    Ok(packet)
}

/// Sends a packet.
pub(super) fn send(socket: BorrowedFd<'_>, packet: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
    let raw: Vec<RawFd> = descriptors.iter().map(AsRawFd::as_raw_fd).collect();
    let rights = [ControlMessage::ScmRights(&raw)];
    let control = if raw.is_empty() { &rights[..0] } else { &rights[..] };
    sendmsg::<()>(
        socket.as_raw_fd(),
        &[io::IoSlice::new(packet)],
        control,
        MsgFlags::MSG_NOSIGNAL | MsgFlags::MSG_DONTWAIT,
        None,
    )?;
    Ok(())
}

/// Receives a packet; `None` when the other end is closed.
pub(super) fn receive<T: DeserializeOwned>(
    socket: BorrowedFd<'_>,
) -> io::Result<Option<(Numbered<T>, Vec<OwnedFd>)>> {
    use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
    let mut buffer = vec![0; PACKET_BYTES_MAX + 1];
    let mut space = nix::cmsg_space!([RawFd; DESCRIPTORS_MAX]);
    let (length, descriptors) = {
        let mut parts = [io::IoSliceMut::new(&mut buffer)];
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        let message = match recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags) {
            // The other end was closed with something of ours unread, which is as good as closed.
            Err(nix::Error::ECONNRESET) => return Ok(None),
            other => other?,
        };
        let mut descriptors = Vec::new();
        for control in message.cmsgs()? {
            if let ControlMessageOwned::ScmRights(rights) = control {
                // SAFETY: the kernel made these descriptors for this message, and nobody else knows them.
                descriptors.extend(rights.into_iter().map(|raw| unsafe { OwnedFd::from_raw_fd(raw) }));
            }
        }
        (message.bytes, descriptors)
    };
    if length == 0 {
        return Ok(None);
    }
    Ok(Some((serde_json::from_slice(&buffer[..length])?, descriptors)))
}
