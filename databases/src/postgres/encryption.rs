//! TLS as the library of PostgreSQL's protocol wants it.

use tokio_postgres::tls::MakeTlsConnect;

use crate::tls::Tls;

/// Agrees on TLS as the endpoint says.
pub(super) struct Verified(pub Tls);

#[cfg(feature = "tls")]
mod agreed {
    use std::{io, pin::Pin};

    use tokio::io::{AsyncRead, AsyncWrite};
    use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

    use super::{MakeTlsConnect, Verified};
    use crate::tls::Secured;

    type Agreeing<S> = Pin<Box<dyn Future<Output = Result<Secured<S>, io::Error>> + Send>>;

    impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> MakeTlsConnect<S> for Verified {
        type Stream = Secured<S>;
        type TlsConnect = Self;
        type Error = io::Error;

        /// Which name is to be in the certificate was decided with the endpoint.
        fn make_tls_connect(&mut self, _: &str) -> Result<Self, io::Error> {
            Ok(Self(self.0.clone()))
        }
    }

    impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> TlsConnect<S> for Verified {
        type Stream = Secured<S>;
        type Error = io::Error;
        type Future = Agreeing<S>;

        fn connect(self, stream: S) -> Agreeing<S> {
            Box::pin(async move {
                let agreed = self.0.secure(stream).await;
                agreed.map_err(|reason| io::Error::other(reason.to_string()))
            })
        }
    }

    impl<S: AsyncRead + AsyncWrite + Unpin> TlsStream for Secured<S> {
        fn channel_binding(&self) -> ChannelBinding {
            ChannelBinding::none()
        }
    }
}

/// Without TLS in this build there is nobody to agree with.
#[cfg(not(feature = "tls"))]
impl<S> MakeTlsConnect<S> for Verified
where
    tokio_postgres::NoTls: tokio_postgres::tls::TlsConnect<S>,
{
    type Stream = <tokio_postgres::NoTls as tokio_postgres::tls::TlsConnect<S>>::Stream;
    type TlsConnect = tokio_postgres::NoTls;
    type Error = <tokio_postgres::NoTls as tokio_postgres::tls::TlsConnect<S>>::Error;

    fn make_tls_connect(&mut self, _: &str) -> Result<tokio_postgres::NoTls, Self::Error> {
        match self.0 {}
    }
}
