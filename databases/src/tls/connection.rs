//! TLS by OpenSSL: what is read from files before anything is sent, and connections.

use std::{
    fmt, fs, io,
    path::Path,
    pin::Pin,
    task::{Context, Poll, ready},
};

use history::Reason;
use openssl::{
    pkcs12::Pkcs12,
    pkey::{PKey, Private},
    ssl::{Ssl, SslConnector, SslMethod, SslVerifyMode},
    stack::Stack,
    x509::{X509, X509VerifyResult, store::X509StoreBuilder},
};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_openssl::SslStream;

use super::{Alert, Proof, TlsChoice, sentence};

/// How TLS is spoken with one server, ready to be used.
#[derive(Clone)]
pub struct Tls {
    connector: SslConnector,
    proof: Proof,
    name: String,
    /// The certificates of those who are believed, where they are not the system's.
    authorities: Option<Vec<u8>>,
    /// The client's certificate and key as one archive without a passphrase, which never leaves the memory.
    identity: Option<Vec<u8>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tls({})", self.name)
    }
}

fn read(path: &Path, what: &str) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("cannot read {what} in {}: {error}", path.display()))
}

fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<X509>, String> {
    match X509::stack_from_pem(bytes) {
        Ok(found) if !found.is_empty() => Ok(found),
        _ => Err(format!("there is no certificate in {}: it is to be in PEM", path.display())),
    }
}

/// The client's key. Whoever has no passphrase is never asked for one at the terminal.
fn key(path: &Path, choice: &TlsChoice) -> Result<PKey<Private>, String> {
    let bytes = read(path, "the client key")?;
    let passphrase = choice.passphrase.as_ref().map(|passphrase| passphrase.reveal().as_bytes());
    let is_locked = String::from_utf8_lossy(&bytes).contains("ENCRYPTED");
    let opened = PKey::private_key_from_pem_passphrase(&bytes, passphrase.unwrap_or_default());
    opened.map_err(|_| match (is_locked, passphrase) {
        (true, None) => format!(
            "the client key in {} has a passphrase; give it with --client-key-passphrase-file FILE, or as \
             DISPROVE_CLIENT_KEY_PASSPHRASE in the environment",
            path.display()
        ),
        (true, Some(_)) => format!("the passphrase does not open the client key in {}", path.display()),
        (false, _) => format!("there is no private key in {}: it is to be in PEM", path.display()),
    })
}

/// The client's certificate with those of who signed it, and its key.
type Identity = (Vec<X509>, PKey<Private>);

fn identity(choice: &TlsChoice) -> Result<Option<Identity>, String> {
    let (certificate, secret) = match (&choice.certificate, &choice.key) {
        (None, None) => return Ok(None),
        // One file may hold both.
        (Some(certificate), secret) => (certificate, secret.as_ref().unwrap_or(certificate)),
        (None, Some(_)) => return Err("--client-key is of no use without --client-cert".into()),
    };
    let chain = certificates(certificate, &read(certificate, "the client certificate")?)?;
    let secret_key = key(secret, choice)?;
    let public = chain[0].public_key().map_err(|error| error.to_string())?;
    if !public.public_eq(&secret_key) {
        return Err(format!(
            "the key in {} is not that of the certificate in {}",
            secret.display(),
            certificate.display()
        ));
    }
    Ok(Some((chain, secret_key)))
}

impl Tls {
    /// Reads what the choice names, for a server of this name or address.
    pub fn new(choice: &TlsChoice, host: &str) -> Result<Self, String> {
        let failed = |error: openssl::error::ErrorStack| format!("OpenSSL refuses: {error}");
        let authorities =
            choice.ca.as_deref().map(|path| read(path, "the certificates of --ca")).transpose()?;
        let identity = identity(choice)?;
        let mut builder = SslConnector::builder(SslMethod::tls_client()).map_err(failed)?;
        if let (Some(path), Some(bytes)) = (&choice.ca, &authorities) {
            // Whoever is named is believed alone.
            let mut believed = X509StoreBuilder::new().map_err(failed)?;
            for certificate in certificates(path, bytes)? {
                believed.add_cert(certificate).map_err(failed)?;
            }
            builder.set_cert_store(believed.build());
        }
        if let Some((chain, key)) = &identity {
            builder.set_certificate(&chain[0]).map_err(failed)?;
            builder.set_private_key(key).map_err(failed)?;
            for between in &chain[1..] {
                builder.add_extra_chain_cert(between.clone()).map_err(failed)?;
            }
        }
        if choice.proof == Proof::Nothing {
            builder.set_verify(SslVerifyMode::NONE);
        }
        Ok(Self {
            connector: builder.build(),
            proof: choice.proof,
            name: choice.name.clone().unwrap_or_else(|| host.to_owned()),
            authorities,
            identity: identity.map(|parts| archive(&parts).map_err(failed)).transpose()?,
        })
    }

    /// How much the server has to prove.
    pub fn proof(&self) -> Proof {
        self.proof
    }

    /// The name that is to be in the server's certificate.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The certificates of those who are believed, where they are not the system's.
    pub fn authorities(&self) -> Option<&[u8]> {
        self.authorities.as_deref()
    }

    /// The client's certificate and key as an archive (PKCS #12) without a passphrase.
    pub fn identity(&self) -> Option<&[u8]> {
        self.identity.as_deref()
    }

    /// Whether the client shows a certificate.
    pub fn has_certificate(&self) -> bool {
        self.identity.is_some()
    }

    fn session(&self) -> Result<Ssl, openssl::error::ErrorStack> {
        let mut session = self.connector.configure()?;
        session.set_verify_hostname(self.proof == Proof::Name);
        session.into_ssl(&self.name)
    }

    /// Agrees on TLS over a connection.
    pub async fn secure<S: AsyncRead + AsyncWrite + Unpin>(&self, stream: S) -> Result<Secured<S>, Reason> {
        let told = |said: String| Reason::from(sentence(&said, &self.name, self.has_certificate()));
        let session = self.session().map_err(|error| told(error.to_string()))?;
        let mut stream = SslStream::new(session, stream).map_err(|error| told(error.to_string()))?;
        if let Err(error) = Pin::new(&mut stream).connect().await {
            let verified = stream.ssl().verify_result();
            let why = if verified == X509VerifyResult::OK { "" } else { verified.error_string() };
            return Err(told(format!("{error} {why}")));
        }
        Ok(Secured { stream, has_certificate: self.has_certificate() })
    }
}

fn archive((chain, key): &Identity) -> Result<Vec<u8>, openssl::error::ErrorStack> {
    let mut between = Stack::new()?;
    for certificate in &chain[1..] {
        between.push(certificate.clone())?;
    }
    let mut archive = Pkcs12::builder();
    archive.pkey(key).cert(&chain[0]).ca(between);
    archive.build2("")?.to_der()
}

/// A connection through TLS.
#[derive(Debug)]
pub struct Secured<S> {
    stream: SslStream<S>,
    has_certificate: bool,
}

impl<S> Secured<S> {
    /// An error with what the server said, where it said why it does not go on.
    fn explained(error: io::Error, has_certificate: bool) -> io::Error {
        let said = error.to_string();
        if said.contains("alert ") {
            return io::Error::other(Alert(sentence(&said, "", has_certificate)));
        }
        error
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for Secured<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, into));
        Poll::Ready(read.map_err(|error| Self::explained(error, self.has_certificate)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Secured<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes));
        Poll::Ready(written.map_err(|error| Self::explained(error, self.has_certificate)))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
