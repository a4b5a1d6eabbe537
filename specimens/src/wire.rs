//! What goes over a connection: frames of JSON with their length in front.

use history::NodeId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{
    members::Change,
    message::{Message, Reply, Status},
    store::contents::Command,
};

/// The port of a node; the node's own offset is added.
pub const PORT: u16 = 7400;

/// The longest frame that is accepted.
const FRAME_MAX: usize = 64 << 20;

/// What the side that opened a connection sends.
#[derive(Debug, Serialize, Deserialize)]
pub enum Frame {
    /// The first frame of a node: everything that follows is from it.
    Node {
        /// Who it is.
        from: NodeId,
        /// Whom it takes the other side for.
        to: NodeId,
    },
    /// What the nodes have to say to each other.
    Message(Message),
    /// A sign of life, so that silence means that the link is dead.
    Beat,
    /// A client's call; it is answered by a `Reply`.
    Call(Command),
    /// Asks a node what it is doing; answered by a `Status`.
    Status,
    /// Wishes for other members; answered by a `Status`.
    Change(Change),
}

/// What a node answers to clients.
#[derive(Debug, Serialize, Deserialize)]
pub enum Response {
    /// What came of a call.
    Reply(Reply),
    /// What the node is doing.
    Status(Status),
}

/// Adds a frame to a buffer.
pub fn encode(buffer: &mut Vec<u8>, frame: &impl Serialize) -> io::Result<()> {
    let start = buffer.len();
    buffer.extend([0; 4]);
    serde_json::to_writer(&mut *buffer, frame)?;
    let length = u32::try_from(buffer.len() - start - 4).map_err(io::Error::other)?;
    buffer[start..start + 4].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

/// Reads one frame. The reader should be buffered.
pub async fn read<F: DeserializeOwned>(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<F> {
    let length = reader.read_u32_le().await? as usize;
    if length > FRAME_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("a frame of {length} bytes is too long"),
        ));
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).await?;
    Ok(serde_json::from_slice(&bytes)?)
}
