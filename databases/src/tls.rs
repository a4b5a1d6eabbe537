//! TLS to systems that already run: whom is believed, who one says to be, and what went wrong, in one sentence.
//!
//! A server's certificate is verified unless somebody says in so many words that it is not to be. Keys and their passphrases
//! are read once, and are in nothing that is printed or kept.

#[cfg(feature = "tls")]
mod connection;
mod trouble;

use std::path::PathBuf;

use crate::endpoint::Password;

#[cfg(feature = "tls")]
pub use connection::{Secured, Tls};
pub use trouble::{Alert, sentence};

/// How much a server has to prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Proof {
    /// That somebody who is believed gave it a certificate, for the name it is reached by.
    #[default]
    Name,
    /// That somebody who is believed gave it a certificate.
    Authority,
    /// Nothing.
    Nothing,
}

/// How TLS is to be spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsChoice {
    /// How much the server has to prove.
    pub proof: Proof,
    /// The file of the certificates of those who are believed; `None` are those that the system believes.
    pub ca: Option<PathBuf>,
    /// The file of the client's certificate.
    pub certificate: Option<PathBuf>,
    /// The file of the client's key.
    pub key: Option<PathBuf>,
    /// What opens the client's key.
    pub passphrase: Option<Password>,
    /// The name that is in the server's certificate, where it is not that of the URL.
    pub name: Option<String>,
}

/// TLS in a build without it: there is none.
#[cfg(not(feature = "tls"))]
#[derive(Clone, Debug)]
pub enum Tls {}

#[cfg(not(feature = "tls"))]
impl Tls {
    /// Says how to have a program with TLS.
    pub fn new(_: &TlsChoice, _: &str) -> Result<Self, String> {
        Err("this program was built without TLS; to have it: cargo build --features tls".into())
    }

    /// Whether the client shows a certificate.
    pub fn has_certificate(&self) -> bool {
        match *self {}
    }
}
