//! What is sent: a text that is there, or bytes that come as the client takes them.

use std::{
    fs::File,
    io::{self, Read, Write},
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Bytes, Frame, SizeHint};
use tokio::sync::mpsc;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;
/// How many chunks wait for a slow client.
const CHUNKS_MAX: usize = 4;

/// What is sent.
#[derive(Debug)]
pub(super) enum Body {
    /// A text that is there.
    Whole(Option<Bytes>),
    /// Bytes that come, and how many where that is known; a failure ends the connection, so that half a file is never taken for a whole one.
    Stream(mpsc::Receiver<io::Result<Bytes>>, Option<u64>),
}

/// What it is, for the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A page that was just drawn.
    Drawn,
    /// The page of a run that goes on, which asks for itself again.
    Live,
    /// The script of such a page.
    Script,
    /// A report.
    Report,
    /// Plain text.
    Text,
    /// JSON.
    Json,
    /// XML.
    Xml,
    /// Anything else.
    Bytes,
    /// An archive.
    Archive,
}

impl Kind {
    pub(super) fn mime(self) -> &'static str {
        match self {
            Self::Drawn | Self::Live | Self::Report => "text/html; charset=utf-8",
            Self::Script => "text/javascript; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
            Self::Json => "application/json",
            Self::Xml => "application/xml",
            Self::Bytes => "application/octet-stream",
            Self::Archive => "application/x-tar",
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Content {
    pub(super) kind: Kind,
    pub(super) body: Body,
    /// Where it is instead.
    pub(super) moved: Option<String>,
    /// The name of the file that the browser saves it as.
    pub(super) saved_as: Option<String>,
}

impl Content {
    pub(super) fn of(kind: Kind, body: Body) -> Self {
        Self { kind, body, moved: None, saved_as: None }
    }

    pub(super) fn page(text: String) -> Self {
        Self::of(Kind::Drawn, Body::Whole(Some(text.into())))
    }

    pub(super) fn text(text: String) -> Self {
        Self::of(Kind::Text, Body::Whole(Some(text.into())))
    }

    /// An answer that leads elsewhere on this server.
    pub(super) fn moved(to: String) -> Self {
        Self { moved: Some(to), ..Self::text("it is elsewhere\n".into()) }
    }

    /// As much of a file as it has now; one that grows is cut there.
    pub(super) fn file(kind: Kind, file: File, bytes: u64) -> Self {
        let copy = move |writer: &mut dyn Write| io::copy(&mut file.take(bytes), writer).map(|_| ());
        Self::of(kind, Body::written(Some(bytes), copy))
    }
}

impl Body {
    /// A body that a thread writes while the client takes it. The thread ends when the client goes away.
    pub(super) fn written(
        bytes: Option<u64>,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()> + Send + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(CHUNKS_MAX);
        tokio::task::spawn_blocking(move || {
            let mut writer = io::BufWriter::with_capacity(CHUNK, Pipe(sender.clone()));
            let written = write(&mut writer).and_then(|()| writer.flush());
            if let Err(error) = written {
                // Nobody may be left to tell.
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self::Stream(receiver, bytes)
    }
}

struct Pipe(mpsc::Sender<io::Result<Bytes>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map(|()| bytes.len()).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Stream(receiver, _) => {
                receiver.poll_recv(context).map(|next| next.map(|next| next.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Stream(_, bytes) => bytes.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
