//! `serve`: the store in a browser. It only ever reads, and only what is below the store.

mod address;
mod archive;
mod body;
mod pages;
mod patience;
mod place;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use hyper::{
    Method, Request, Response, StatusCode,
    header::{self, HeaderValue},
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
};

use self::{
    address::Address,
    body::{Body, Content},
    patience::Patience,
    place::Store,
};
use crate::{
    arguments::ServeArguments,
    exit::{Exit, Failure},
};

/// How many connections are served at a time; more wait.
const CONNECTIONS_MAX: usize = 64;
/// How long a client may take to send what it asks for.
const HEADERS_MAX: Duration = Duration::from_secs(15);
/// How long a client may take nothing of what it asked for.
const SILENCE_MAX: Duration = Duration::from_secs(60);
/// The longest address that is looked at, in bytes.
const ADDRESS_MAX: usize = 8 * 1024;

/// Pages that this program draws may do nothing but be looked at.
const DRAWN: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'self'; \
                     base-uri 'none'; frame-ancestors 'none'";
/// The page of a run that goes on asks this server for itself again, by a script of this server's. Nothing else that is
/// sent from here is a script: what a database wrote is sent as text, and a browser is told to believe that.
const LIVE: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'self'; connect-src 'self'; \
                    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
/// A report has a script of its own, which can reach nothing.
const REPORT: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:; \
                      form-action 'none'; base-uri 'none'; frame-ancestors 'none'";
/// What a database wrote is only ever text.
const RAW: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// What all connections share.
#[derive(Debug)]
struct Server {
    store: Store,
    /// Names besides addresses and `localhost` by which it may be asked for.
    hosts: Vec<String>,
}

/// Serves until it is interrupted.
pub fn run(serve: &ServeArguments) -> Result<Exit, Failure> {
    let server = Arc::new(Server { store: Store::open(&serve.store)?, hosts: serve.host.clone() });
    let runtime = tokio::runtime::Runtime::new()
        .map_err(|error| Failure::harness(format!("cannot start threads: {error}")))?;
    let end = runtime.block_on(listen(serve, server));
    // A client that takes its time over a download does not keep the program from ending.
    runtime.shutdown_background();
    end
}

async fn listen(serve: &ServeArguments, server: Arc<Server>) -> Result<Exit, Failure> {
    let fail = |error| Failure::harness(format!("cannot listen for Ctrl-C: {error}"));
    let mut interrupt = signal(SignalKind::interrupt()).map_err(fail)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(fail)?;
    let listener = TcpListener::bind(serve.address).await.map_err(|error| {
        Failure::usage(format!("cannot listen on {}: {error}; choose another --address", serve.address))
    })?;
    let address = listener
        .local_addr()
        .map_err(|error| Failure::harness(format!("cannot ask where it listens: {error}")))?;
    announce(address, &serve.store);
    tokio::select! {
        _ = interrupt.recv() => Ok(Exit::Valid),
        _ = terminate.recv() => Ok(Exit::Valid),
        never = accept(listener, server) => match never {},
    }
}

fn announce(address: SocketAddr, store: &Path) {
    if !address.ip().is_loopback() {
        eprintln!(
            "warning: {address} can be reached from other machines. Whoever reaches it can read every run in {}: \
             histories, logs of the database, command lines. There is no password.",
            store.display()
        );
    }
    eprintln!("serving {}; Ctrl-C ends it", store.display());
    crate::output::putln!("http://{address}/");
}

/// Serves one connection after another, each in a task of its own.
async fn accept(listener: TcpListener, server: Arc<Server>) -> std::convert::Infallible {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let permit = Arc::clone(&room).acquire_owned().await;
        let Ok((stream, _)) = listener.accept().await else {
            // As when there are too many open files: it passes.
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let server = Arc::clone(&server);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let server = Arc::clone(&server);
                async move { Ok::<_, std::convert::Infallible>(server.answer(request).await) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_MAX)
                .serve_connection(TokioIo::new(Patience::new(stream, SILENCE_MAX)), service)
                .await;
            if let Err(error) = served {
                tracing::debug!("a connection ended: {error}");
            }
            drop(permit);
        });
    }
}

impl Server {
    async fn answer(self: Arc<Self>, request: Request<hyper::body::Incoming>) -> Response<Body> {
        if request.method() != Method::GET && request.method() != Method::HEAD {
            let mut refused = refuse(StatusCode::METHOD_NOT_ALLOWED, "this server only reads");
            refused.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
            return refused;
        }
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        if request.headers().get_all(header::HOST).iter().count() != 1
            || !host.is_some_and(|host| self.is_own(host))
        {
            // A page elsewhere may let its own name lead here, and then read the answer as if it were its own.
            return refuse(
                StatusCode::MISDIRECTED_REQUEST,
                "this server answers to an address, to localhost, or to a name given with --host",
            );
        }
        let asked = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
        if asked.len() > ADDRESS_MAX {
            return refuse(StatusCode::URI_TOO_LONG, "the address is too long");
        }
        // Reading a store is work for the disk, which must not hold up other connections.
        let worked = tokio::task::spawn_blocking(move || self.route(&asked)).await;
        let content = match worked {
            Ok(Ok(content)) => content,
            Ok(Err(Refusal { status, why })) => return refuse(status, &why),
            Err(_) => return refuse(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be made"),
        };
        respond(StatusCode::OK, content)
    }

    /// Whether a `Host` header names this server: an address is never a name that somebody else could let lead here.
    fn is_own(&self, host: &str) -> bool {
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => {
                name
            }
            _ => host,
        };
        let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        bare.parse::<std::net::IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || self.hosts.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    fn route(&self, asked: &str) -> Result<Content, Refusal> {
        let address = Address::parse(asked)?;
        let parts: Vec<&str> = address.parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            [] | ["index.html"] => pages::list(&self.store, &address),
            ["trends"] => pages::trends(&self.store),
            ["diff"] => pages::diff(&self.store, &address),
            [reports::status::SCRIPT_ADDRESS] => {
                Ok(Content::of(body::Kind::Script, Body::Whole(Some(reports::status::SCRIPT.into()))))
            }
            ["live", rest @ ..] => pages::live(&self.store, rest),
            ["archive", rest @ ..] => archive::of(&self.store, rest),
            ["store", rest @ ..] => pages::raw(&self.store, rest, address.is_folder),
            _ => Err(Refusal::missing()),
        }
    }
}

/// Why there is no answer.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    why: String,
}

impl Refusal {
    /// One answer for what is not there and for what must not be seen: which of the two it is tells something too.
    fn missing() -> Self {
        Self { status: StatusCode::NOT_FOUND, why: "there is nothing at this address".into() }
    }

    fn wrong(why: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, why: why.into() }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, why: failure.message }
    }
}

fn refuse(status: StatusCode, why: &str) -> Response<Body> {
    respond(status, Content::text(format!("{why}\n")))
}

/// The answer; the body of a HEAD is left out by the connection, which knows what was asked.
fn respond(status: StatusCode, content: Content) -> Response<Body> {
    let policy = match content.kind {
        body::Kind::Drawn => DRAWN,
        body::Kind::Live => LIVE,
        body::Kind::Report => REPORT,
        body::Kind::Script
        | body::Kind::Text
        | body::Kind::Json
        | body::Kind::Xml
        | body::Kind::Bytes
        | body::Kind::Archive => RAW,
    };
    let mut response = Response::new(content.body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content.kind.mime()));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    let saved = content.saved_as.map(|name| format!("attachment; filename=\"{name}\""));
    if let Some(saved) = saved.and_then(|saved| HeaderValue::from_str(&saved).ok()) {
        headers.insert(header::CONTENT_DISPOSITION, saved);
    }
    if let Some(to) = content.moved.and_then(|to| HeaderValue::from_str(&to).ok()) {
        headers.insert(header::LOCATION, to);
        // A run that goes on has its report elsewhere later, so no browser may remember this.
        *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    }
    response
}
