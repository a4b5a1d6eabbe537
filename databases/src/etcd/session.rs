//! One session is one connection: a client library may open it once and never again.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use reqwest::dns::{Name, Resolve, Resolving};

/// Gives an address away once. HTTP libraries dial anew, without a word, when an idle connection was closed under
/// them; what looks like one session would then be two. They resolve the name before they dial, and the second time
/// there is no answer, so the call fails before anything was sent.
#[derive(Debug)]
pub struct OneConnection {
    address: SocketAddr,
    given: AtomicBool,
}

impl OneConnection {
    /// To this address.
    pub fn to(address: SocketAddr) -> Arc<Self> {
        Arc::new(Self { address, given: AtomicBool::new(false) })
    }
}

impl Resolve for OneConnection {
    fn resolve(&self, _: Name) -> Resolving {
        let answer: Result<reqwest::dns::Addrs, Box<dyn std::error::Error + Send + Sync>> =
            if self.given.swap(true, Ordering::Relaxed) {
                Err("the connection of this session has ended".into())
            } else {
                Ok(Box::new(std::iter::once(self.address)))
            };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    /// Answers one request per connection and then closes it, although it promised to keep it.
    async fn serve_once_each(listener: TcpListener) {
        loop {
            let Ok((mut stream, _)) = listener.accept().await else { return };
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        }
    }

    #[tokio::test]
    async fn a_closed_connection_is_not_opened_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(serve_once_each(listener));
        let http = reqwest::Client::builder().no_proxy().dns_resolver(OneConnection::to(address));
        let http = http.build().unwrap();
        let url = format!("http://n1:{}/", address.port());
        assert_eq!(http.get(&url).send().await.unwrap().text().await.unwrap(), "ok");
        let error = http.get(&url).send().await.unwrap_err();
        assert!(error.is_connect() || error.is_request(), "{error:?}");
        server.abort();
    }
}
