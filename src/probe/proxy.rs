//! The connection through an HTTP proxy, if the environment names one.

use std::fmt;
use std::sync::Arc;

use direct_upload_core::judge::{Unreachable, UnreachableKind, head};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Which proxy serves which URL.
#[derive(Clone, Default)]
pub(super) struct Proxies(Option<Arc<Matcher>>);

/// One proxy.
pub struct Proxy(Intercept);

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its address may have a password.
        f.write_str(if self.0.is_some() { "Proxies(from the environment)" } else { "Proxies(none)" })
    }
}

impl Proxies {
    /// From `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or their names in lower case.
    pub fn from_env() -> Self {
        Self(Some(Arc::new(Matcher::from_env())))
    }

    /// One proxy for everything.
    #[cfg(test)]
    pub fn all(url: &str) -> Self {
        Self(Some(Arc::new(Matcher::builder().all(url).build())))
    }

    /// The proxy for a URL.
    pub(super) fn for_url(&self, url: &str) -> Option<Proxy> {
        self.0.as_ref()?.intercept(&url.parse().ok()?).map(Proxy)
    }
}

impl Proxy {
    /// Host and port of the proxy itself.
    fn address(&self) -> (&str, u16) {
        let uri = self.0.uri();
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        (host, uri.port_u16().unwrap_or(80))
    }

    /// The header with our credentials for the proxy, if the environment has some; with its line end.
    pub fn authorization(&self) -> String {
        let value = self.0.basic_auth().and_then(|value| value.to_str().ok());
        value.map(|value| format!("Proxy-Authorization: {value}\r\n")).unwrap_or_default()
    }

    /// A connection to the proxy.
    ///
    /// # Errors
    /// It does not answer, or does not use plain HTTP.
    pub async fn connect(&self) -> Result<TcpStream, Unreachable> {
        let scheme = self.0.uri().scheme_str().unwrap_or_default();
        if scheme != "http" {
            return Err(failed(format!("the proxy is {scheme}://…; only http:// proxies are supported")));
        }
        let (host, port) = self.address();
        TcpStream::connect((host, port))
            .await
            .map_err(|error| failed(format!("no connection to the proxy {host}:{port}: {error}")))
    }

    /// Turns a connection to the proxy into a tunnel to a host (`CONNECT`, RFC 9110 §9.3.6).
    ///
    /// # Errors
    /// The proxy refuses.
    pub async fn tunnel(&self, stream: &mut TcpStream, authority: &str) -> Result<(), Unreachable> {
        let none = |why: String| failed(format!("the proxy made no tunnel to {authority}: {why}"));
        let request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n{}\r\n", self.authorization());
        stream.write_all(request.as_bytes()).await.map_err(|e| none(e.to_string()))?;
        let mut bytes = Vec::new();
        loop {
            // Everything after the answer's header belongs to the tunnel, so not a byte of it is read here.
            bytes.push(stream.read_u8().await.map_err(|e| none(e.to_string()))?);
            match head::read(&bytes).map_err(|e| none(e.to_string()))? {
                Some(answer) if (200..300).contains(&answer.status) => return Ok(()),
                Some(answer) => return Err(none(format!("it answered {}", answer.status))),
                None => {}
            }
        }
    }
}

fn failed(message: String) -> Unreachable {
    let fix = "look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the operator's environment, and at the proxy's log";
    Unreachable::new(UnreachableKind::Proxy, message, fix)
}
