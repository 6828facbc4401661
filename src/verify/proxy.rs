//! The way through an HTTP proxy, where the environment names one.

use std::fmt;
use std::sync::Arc;

use http_body_util::Empty;
use hyper::body::Bytes;
use hyper::client::conn::http1::Builder;
use hyper::header::{HOST, HeaderValue, PROXY_AUTHORIZATION};
use hyper::{Method, Request, Uri};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::connect::{Stream, Unreachable, UnreachableKind};

/// Which proxy leads where.
#[derive(Clone, Default)]
pub struct Proxies(Option<Arc<Matcher>>);

/// One proxy.
pub struct Proxy(Intercept);

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Its address may hold a password.
        f.write_str(if self.0.is_some() { "Proxies(from the environment)" } else { "Proxies(none)" })
    }
}

impl Proxies {
    /// As `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` say, or their names in lower case.
    pub fn from_env() -> Self {
        Self(Some(Arc::new(Matcher::from_env())))
    }

    /// The proxy for a URL.
    pub fn of(&self, url: &str) -> Option<Proxy> {
        let url: Uri = url.parse().ok()?;
        self.0.as_ref()?.intercept(&url).map(Proxy)
    }
}

impl Proxy {
    /// Host and port of the proxy itself.
    fn address(&self) -> (String, u16) {
        let uri = self.0.uri();
        let host = uri.host().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let default = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        (host.to_owned(), uri.port_u16().unwrap_or(default))
    }

    /// What a proxy wants to see of us, for a request that is not tunnelled.
    pub fn authorization(&self) -> Option<HeaderValue> {
        self.0.basic_auth().cloned()
    }

    /// A connection to the proxy.
    ///
    /// # Errors
    /// It is not there, or is not spoken to by plain HTTP.
    pub async fn connect(&self) -> Result<TcpStream, Unreachable> {
        let scheme = self.0.uri().scheme_str().unwrap_or_default();
        if scheme != "http" {
            return Err(failed(format!("the proxy is {scheme}://…; only http:// proxies are supported")));
        }
        let (host, port) = self.address();
        TcpStream::connect((host.as_str(), port))
            .await
            .map_err(|error| failed(format!("no connection to the proxy {host}:{port}: {error}")))
    }

    /// A tunnel to a host over a connection to the proxy (`CONNECT`, RFC 9110 §9.3.6).
    ///
    /// # Errors
    /// The proxy does not make one.
    pub async fn tunnel(&self, stream: TcpStream, authority: &str) -> Result<Box<dyn Stream>, Unreachable> {
        let broken = |error: hyper::Error| failed(format!("the proxy made no tunnel to {authority}: {error}"));
        let (mut sender, connection) = Builder::new().handshake(TokioIo::new(stream)).await.map_err(broken)?;
        tokio::spawn(connection.with_upgrades());
        let mut request = Request::new(Empty::<Bytes>::new());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = authority.parse().map_err(|e| failed(format!("{authority}: {e}")))?;
        if let Ok(host) = HeaderValue::from_str(authority) {
            request.headers_mut().insert(HOST, host);
        }
        if let Some(authorization) = self.authorization() {
            request.headers_mut().insert(PROXY_AUTHORIZATION, authorization);
        }
        let response = sender.send_request(request).await.map_err(broken)?;
        if !response.status().is_success() {
            let status = response.status().as_u16();
            return Err(failed(format!("the proxy made no tunnel to {authority}: it answered {status}")));
        }
        let upgraded = hyper::upgrade::on(response).await.map_err(broken)?;
        Ok(Box::new(TokioIo::new(upgraded)))
    }
}

fn failed(message: String) -> Unreachable {
    let fix = "look at HTTPS_PROXY, HTTP_PROXY and NO_PROXY in the operator's environment, and at the proxy's log";
    Unreachable::new(UnreachableKind::Proxy, message, fix)
}
