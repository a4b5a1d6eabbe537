//! One connection to a server, in the clear or through TLS: opened once, and never again.

use std::{
    error::Error as StdError,
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use history::Reason;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};

use crate::tls::{Alert, Tls};

/// Where a server listens, and how TLS is spoken there.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Its address and port.
    pub address: SocketAddr,
    /// `None` where everything is said in the clear.
    pub tls: Option<&'a Tls>,
}

impl From<SocketAddr> for Place<'_> {
    fn from(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }
}

/// One connection.
#[derive(Debug)]
pub enum Stream {
    /// In the clear.
    Plain(TcpStream),
    /// Through TLS.
    #[cfg(feature = "tls")]
    Secure(Box<crate::tls::Secured<TcpStream>>),
}

impl Stream {
    /// Connects, and speaks TLS where that is to be spoken from the first byte on. Each may take so long.
    pub async fn open(place: Place<'_>, at_most: Duration) -> Result<Self, Reason> {
        let stream = match timeout(at_most, TcpStream::connect(place.address)).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(format!("no connection: {error}").into()),
            Err(_) => return Err("no connection in time".into()),
        };
        stream.set_nodelay(true).map_err(|error| Reason::from(format!("no connection: {error}")))?;
        Self::Plain(stream).secured(place.tls, at_most).await
    }

    /// The same connection, with TLS from now on where there is to be any.
    #[cfg(feature = "tls")]
    pub async fn secured(self, tls: Option<&Tls>, at_most: Duration) -> Result<Self, Reason> {
        match (self, tls) {
            (Self::Plain(stream), Some(tls)) => match timeout(at_most, tls.secure(stream)).await {
                Ok(secured) => Ok(Self::Secure(Box::new(secured?))),
                Err(_) => Err("no TLS in time: it may not be spoken on this port".into()),
            },
            (stream, _) => Ok(stream),
        }
    }

    /// The same connection: there is no TLS in this build.
    #[cfg(not(feature = "tls"))]
    pub async fn secured(self, tls: Option<&Tls>, _: Duration) -> Result<Self, Reason> {
        match tls {
            None => Ok(self),
            Some(tls) => match *tls {},
        }
    }
}

/// What ended a connection: that it broke, or what the server said of TLS before it ended it.
#[cfg(any(
    feature = "memcached",
    feature = "mosquitto",
    feature = "nats",
    feature = "rabbitmq",
    feature = "redis",
    feature = "slapd",
    feature = "zookeeper"
))]
pub fn broke(error: io::Error) -> Reason {
    told(&error).map_or_else(|| "the connection broke".into(), Reason::from)
}

/// What a server said of TLS, if that is at the bottom of an error.
pub fn told(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut next = Some(error);
    while let Some(error) = next {
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        if let Some(alert) = inner.and_then(|inner| inner.downcast_ref::<Alert>()) {
            return Some(alert.to_string());
        }
        next = error.source();
    }
    None
}

macro_rules! either {
    ($self:ident, $stream:ident => $do:expr) => {
        match $self.get_mut() {
            Self::Plain($stream) => {
                let $stream = Pin::new($stream);
                $do
            }
            #[cfg(feature = "tls")]
            Self::Secure($stream) => {
                let $stream = Pin::new($stream.as_mut());
                $do
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_read(context, into))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        either!(self, stream => stream.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(self, stream => stream.poll_shutdown(context))
    }
}
