//! One session is one connection: HTTP/1.1 over a connection that is opened once, carries one request at a time, and is never
//! opened again.
//!
//! Libraries for HTTP keep a pool, dial anew without a word when an idle connection was closed under them, and send again
//! what they believe was not sent. None of that is here: what looks like one session is one.

use std::time::Duration;

use history::Reason;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    client::conn::http1::{SendRequest, handshake},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use crate::stream::{Place, Stream, told};

/// The longest that a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// Why a request has no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The connection had ended before the first byte of it was sent.
    NotSent(String),
    /// Anything else.
    Doubtful(String),
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    /// Reads and writes until the connection ends, and tells why it did.
    carrier: Option<JoinHandle<Option<String>>>,
    host: String,
}

impl Drop for Connection {
    /// Whoever no longer waits for an answer leaves nothing open behind.
    fn drop(&mut self) {
        self.carrier.iter().for_each(JoinHandle::abort);
    }
}

impl Connection {
    /// Connects to a server of this name.
    pub async fn open(place: Place<'_>, host: &str) -> Result<Self, Reason> {
        let stream = Stream::open(place, CONNECT_MAX).await?;
        let (requests, connection) =
            handshake(TokioIo::new(stream)).await.map_err(|error| Reason::from(error.to_string()))?;
        let carrier = tokio::spawn(async move { connection.await.err().and_then(|error| told(&error)) });
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        Ok(Self { requests, carrier: Some(carrier), host: format!("{host}:{}", place.address.port()) })
    }

    /// Sends JSON, and returns the status of the answer and all of it.
    pub async fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        json: String,
    ) -> Result<(u16, Bytes), Unanswered> {
        let response = self.send(path, token, json).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await;
        let body = body.map_err(|_| Unanswered::Doubtful("the answer broke off".into()))?;
        Ok((status, body.to_bytes()))
    }

    /// Sends JSON, and returns the answer as soon as it begins.
    pub async fn send(
        &mut self,
        path: &str,
        token: Option<&str>,
        json: String,
    ) -> Result<Response<Incoming>, Unanswered> {
        let wrong = |error: &dyn std::fmt::Display| Unanswered::NotSent(format!("no request: {error}"));
        let mut request = Request::post(path).body(Full::from(json)).map_err(|error| wrong(&error))?;
        let headers = request.headers_mut();
        headers.insert(HOST, HeaderValue::try_from(&self.host).map_err(|error| wrong(&error))?);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = token {
            headers.insert(AUTHORIZATION, HeaderValue::try_from(token).map_err(|error| wrong(&error))?);
        }
        if self.requests.ready().await.is_err() {
            let why = self.why().await;
            return Err(Unanswered::NotSent(
                why.unwrap_or_else(|| "the connection of this session has ended".into()),
            ));
        }
        match self.requests.send_request(request).await {
            Ok(response) => Ok(response),
            Err(error) => {
                let why = match told(&error) {
                    None => self.why().await,
                    why => why,
                };
                Err(Unanswered::Doubtful(why.unwrap_or_else(|| "the connection broke".into())))
            }
        }
    }

    /// What the server said of TLS when it ended the connection, if it did.
    async fn why(&mut self) -> Option<String> {
        if !self.requests.is_closed() {
            return None;
        }
        self.carrier.take()?.await.ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers the first request of each connection with what it is told, and then closes it.
    async fn serve(listener: TcpListener, answer: &'static str) -> usize {
        let mut connections = 0;
        while let Ok(Ok((mut stream, _))) =
            tokio::time::timeout(Duration::from_secs(1), listener.accept()).await
        {
            connections += 1;
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        connections
    }

    async fn opened(answer: &'static str) -> (Connection, JoinHandle<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let place = Place::from(listener.local_addr().unwrap());
        let server = tokio::spawn(serve(listener, answer));
        (Connection::open(place, "n1").await.unwrap(), server)
    }

    #[tokio::test]
    async fn a_closed_connection_is_not_opened_again() {
        // It promises to keep the connection.
        let (mut http, server) = opened("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let (status, body) = http.post("/", None, "{}".into()).await.unwrap();
        assert_eq!((status, &body[..]), (200, &b"ok"[..]));
        // Until the end of the connection is noticed, what becomes of a request is in doubt; afterwards none is sent.
        while http.post("/", None, "{}".into()).await.is_ok() {}
        let after = http.post("/", None, "{}".into()).await.unwrap_err();
        assert!(matches!(after, Unanswered::NotSent(_)), "{after:?}");
        assert_eq!(server.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn a_request_without_a_whole_answer_is_in_doubt() {
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nok", "nonsense\r\n\r\n"] {
            let (mut http, server) = opened(answer).await;
            let asked = http.post("/", None, "{}".into()).await.unwrap_err();
            assert!(matches!(asked, Unanswered::Doubtful(_)), "{answer}: {asked:?}");
            assert_eq!(server.await.unwrap(), 1);
        }
    }
}
