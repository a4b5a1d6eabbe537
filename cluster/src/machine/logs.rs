//! Files of nodes that grow, followed.

use tokio::sync::mpsc;

use crate::Error;

/// How many pieces wait for a reader.
const PIECES_MAX: usize = 64;

/// A file of a node as it grows. Dropping it ends the following.
#[derive(Debug)]
pub struct LogStream {
    pieces: mpsc::Receiver<Result<Vec<u8>, Error>>,
}

impl LogStream {
    /// A stream, and where what is read for it goes.
    pub(crate) fn pair() -> (mpsc::Sender<Result<Vec<u8>, Error>>, Self) {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        (sender, Self { pieces })
    }

    /// The next piece; `None` when the stream has ended after an error.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, Error>> {
        self.pieces.recv().await
    }
}
