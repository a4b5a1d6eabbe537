//! TLS as the library of MariaDB's protocol wants it.

use mysql_async::SslOpts;

use crate::tls::Tls;
#[cfg(feature = "tls")]
use crate::tls::{Proof, sentence};

/// What the library is told. It verifies name and authority alike, and is given certificates and keys as they were read.
#[cfg(feature = "tls")]
pub(super) fn options(tls: &Tls) -> SslOpts {
    let owned = |bytes: &[u8]| bytes.to_vec().into();
    let identity = tls.identity().map(|archive| mysql_async::ClientIdentity::new(owned(archive)));
    SslOpts::default()
        .with_root_certs(tls.authorities().map(owned).into_iter().collect())
        .with_disable_built_in_roots(tls.authorities().is_some())
        .with_client_identity(identity)
        .with_danger_tls_hostname_override(Some(tls.name().to_owned()))
        .with_danger_skip_domain_validation(tls.proof() != Proof::Name)
        .with_danger_accept_invalid_certs(tls.proof() == Proof::Nothing)
}

/// What went wrong, with the remedy where it is a matter of TLS.
#[cfg(feature = "tls")]
pub(super) fn told(error: &mysql_async::Error, tls: Option<&Tls>) -> String {
    use mysql_async::{DriverError, Error, IoError};
    match (error, tls) {
        (Error::Io(IoError::Tls(error)), Some(tls)) => {
            sentence(&error.to_string(), tls.name(), tls.has_certificate())
        }
        (Error::Driver(DriverError::NoClientSslFlagFromServer), _) => {
            "it does not speak TLS there; leave out what asks for TLS".into()
        }
        (Error::Io(IoError::Io(io)), Some(tls)) if io.to_string().contains("SSL") => {
            sentence(&io.to_string(), tls.name(), tls.has_certificate())
        }
        _ => error.to_string(),
    }
}

/// There is no TLS in this build.
#[cfg(not(feature = "tls"))]
pub(super) fn options(tls: &Tls) -> SslOpts {
    match *tls {}
}

/// What went wrong.
#[cfg(not(feature = "tls"))]
pub(super) fn told(error: &mysql_async::Error, _: Option<&Tls>) -> String {
    error.to_string()
}
