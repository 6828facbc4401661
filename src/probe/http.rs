//! One request on a connection of its own, by the protocol that a browser would use: HTTP/2 if the server chooses it
//! in the TLS handshake (ALPN, RFC 9113 §3.2), else HTTP/1.1. Servers may treat the two differently.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use direct_upload_api::web::Origin;
use direct_upload_core::judge::{HttpRequest, Response, Unreachable, UnreachableKind, Unreadable, head};
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use hyper::body::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::rustls;

use super::connect::{self, Offer, Secured, Stream};
use super::explain_tls::{self, inner};
use super::gate::Passage;
use super::host::Host;
use super::proxy::Proxy;
use super::request::{Probe, Site};

/// How long to wait for an answer after `100 Continue`. Servers that forward requests immediately send both.
const AFTER_CONTINUE: Duration = Duration::from_secs(2);

/// How many bytes of headers an HTTP/2 server may send.
const HEADERS: u32 = 64 * 1024;

/// A request that was sent. Its data never follows.
pub(super) struct Exchange<'a> {
    asked: (&'a Probe, &'a Site, &'a HttpRequest),
    /// Behind a proxy, that is the proxy's address.
    pub address: SocketAddr,
    protocol: Protocol,
}

enum Protocol {
    Http1 { stream: Box<dyn Stream>, bytes: Vec<u8> },
    Http2(Box<Http2Request>),
}

struct Http2Request {
    answer: ResponseFuture,
    body: Option<RecvStream>,
    /// The stream stays half open if the request announces data.
    _data: SendStream<Bytes>,
    /// Moves the connection's bytes, and ends with this value.
    _driver: JoinSet<()>,
}

/// What came.
pub(super) enum FirstResponse {
    Response(Response),
    /// `100 Continue`, and nothing else without data.
    Continue,
}

impl<'a> Exchange<'a> {
    /// Sends a request to the first of the addresses that is there.
    ///
    /// # Errors
    /// There is no connection, or it ends before everything is sent.
    pub async fn send(
        probe: &'a Probe,
        site: &'a Site,
        addresses: &[SocketAddr],
        asked: &'a HttpRequest,
    ) -> Result<Self, Unreachable> {
        Self::by(Offer::Browser, probe, site, addresses, asked).await
    }

    async fn by(
        offer: Offer,
        probe: &'a Probe,
        site: &'a Site,
        addresses: &[SocketAddr],
        asked: &'a HttpRequest,
    ) -> Result<Self, Unreachable> {
        let is_https = site.origin.is_https();
        let Passage { stream, address, proxy } = probe.gate.connect(&site.origin, &site.host, addresses).await?;
        let Secured { mut stream, is_http2, .. } = if is_https {
            connect::secure(stream, &site.host, &probe.trust, offer).await?
        } else {
            Secured::plain(stream)
        };
        let failed = |error: &io::Error| no_answer(&site.host, address, error);
        let protocol = if is_http2 {
            Protocol::Http2(Box::new(
                Http2Request::send(stream, &site.origin, asked).await.map_err(|error| failed(&error))?,
            ))
        } else {
            let text = request(&site.origin, asked, proxy.as_ref().filter(|_| !is_https));
            stream.write_all(text.as_bytes()).await.map_err(|error| failed(&error))?;
            stream.flush().await.map_err(|error| failed(&error))?;
            Protocol::Http1 { stream, bytes: Vec::new() }
        };
        Ok(Self { asked: (probe, site, asked), address, protocol })
    }

    /// Sends a request to `site` on a connection to another host at the same address, as browsers do if they have
    /// one. None if they do not.
    ///
    /// # Errors
    /// There is no connection, or it ends before everything is sent.
    pub(super) async fn share(
        other: &Site,
        probe: &'a Probe,
        site: &'a Site,
        address: SocketAddr,
        asked: &'a HttpRequest,
    ) -> Result<Option<Self>, Unreachable> {
        let Passage { stream, address, .. } = probe.gate.connect(&other.origin, &other.host, &[address]).await?;
        let secured = connect::secure(stream, &other.host, &probe.trust, Offer::Browser).await?;
        if !secured.serves(&site.host) {
            return Ok(None);
        }
        let sent = Http2Request::send(secured.stream, &site.origin, asked).await;
        let sent = sent.map_err(|error| no_answer(&site.host, address, &error))?;
        Ok(Some(Self { asked: (probe, site, asked), address, protocol: Protocol::Http2(Box::new(sent)) }))
    }

    /// Waits for the answer's head.
    ///
    /// # Errors
    /// The connection ends before, or what comes is no answer.
    pub async fn answer(&mut self) -> Result<FirstResponse, Unreachable> {
        let (probe, site, asked) = self.asked;
        let mut result = match &mut self.protocol {
            Protocol::Http1 { stream, bytes } => http1_answer(stream, bytes).await,
            Protocol::Http2(request) => request.answer().await,
        };
        if let Err(error) = &result
            && let Some(offer) = again(error)
        {
            *self = Self::by(offer, probe, site, &[self.address], asked).await?;
            result = match &mut self.protocol {
                Protocol::Http1 { stream, bytes } => http1_answer(stream, bytes).await,
                Protocol::Http2(request) => request.answer().await,
            };
        }
        result.map_err(|error| no_answer(&site.host, self.address, &error))
    }

    /// The answer's head, where no data was announced.
    ///
    /// # Errors
    /// As for [`answer`](Self::answer).
    pub async fn response(&mut self) -> Result<Response, Unreachable> {
        match self.answer().await? {
            FirstResponse::Response(response) => Ok(response),
            FirstResponse::Continue => {
                Err(no_answer(&self.asked.1.host, self.address, &io::Error::other(Unreadable::Cut)))
            }
        }
    }

    /// What follows the head: at most about this many bytes, and what came if the connection then fails.
    pub async fn body(&mut self, most: usize) -> String {
        match &mut self.protocol {
            Protocol::Http1 { stream, bytes } => {
                // A server that ends TLS without close_notify has still sent everything.
                while bytes.len() < most && stream.read_buf(bytes).await.is_ok_and(|read| read > 0) {}
                let text = String::from_utf8_lossy(bytes);
                let body = text.split_once("\r\n\r\n").or_else(|| text.split_once("\n\n"));
                body.map_or("", |(_, body)| body).to_owned()
            }
            Protocol::Http2(request) => {
                let mut bytes = Vec::new();
                while bytes.len() < most
                    && let Some(body) = &mut request.body
                    && let Some(Ok(data)) = body.data().await
                {
                    let _ = body.flow_control().release_capacity(data.len());
                    bytes.extend_from_slice(&data);
                }
                String::from_utf8_lossy(&bytes).into_owned()
            }
        }
    }
}

/// Reads the head of an answer of HTTP/1.1.
async fn http1_answer(stream: &mut Box<dyn Stream>, bytes: &mut Vec<u8>) -> io::Result<FirstResponse> {
    loop {
        let continues = head::continues(bytes);
        let more = stream.read_buf(bytes);
        let read = if continues {
            let Ok(read) = timeout(AFTER_CONTINUE, more).await else { return Ok(FirstResponse::Continue) };
            read?
        } else {
            more.await?
        };
        if read == 0 {
            return if continues { Ok(FirstResponse::Continue) } else { Err(io::Error::other(Unreadable::Cut)) };
        }
        if let Some(response) = head::read(bytes).map_err(io::Error::other)? {
            return Ok(FirstResponse::Response(response));
        }
    }
}

impl Http2Request {
    async fn send(stream: Box<dyn Stream>, origin: &Origin, asked: &HttpRequest) -> io::Result<Self> {
        let mut builder = h2::client::Builder::new();
        builder.enable_push(false).max_header_list_size(HEADERS);
        let (sender, connection) = builder.handshake::<_, Bytes>(stream).await.map_err(io::Error::other)?;
        let mut driver = JoinSet::new();
        driver.spawn(async {
            // The request's own future has the error.
            let _ = connection.await;
        });
        let mut sender = sender.ready().await.map_err(io::Error::other)?;
        let mut request = hyper::Request::builder().method(asked.method).uri(format!("{origin}{}", asked.path));
        for (name, value) in &asked.lines {
            request = request.header(*name, value);
        }
        let request = request.body(()).map_err(io::Error::other)?;
        let is_whole = !asked.lines.iter().any(|(name, value)| *name == "Content-Length" && value != "0");
        let (answer, data) = sender.send_request(request, is_whole).map_err(io::Error::other)?;
        Ok(Self { answer, body: None, _data: data, _driver: driver })
    }

    async fn answer(&mut self) -> io::Result<FirstResponse> {
        let mut continues = false;
        loop {
            let interim = poll_fn(|context| self.answer.poll_informational(context));
            let interim = if continues {
                let Ok(interim) = timeout(AFTER_CONTINUE, interim).await else { return Ok(FirstResponse::Continue) };
                interim
            } else {
                interim.await
            };
            match interim.transpose().map_err(io::Error::other)? {
                Some(interim) => continues |= interim.status() == 100,
                None => break,
            }
        }
        let (head, body) = (&mut self.answer).await.map_err(io::Error::other)?.into_parts();
        self.body = Some(body);
        // Isomorphic decode, as everywhere.
        let text = |value: &[u8]| value.iter().copied().map(char::from).collect();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())));
        Ok(FirstResponse::Response(Response { status: head.status.as_u16(), headers: headers.collect() }))
    }
}

/// How to send the request once more, if browsers do: by HTTP/1.1 if the server wants that (RFC 9113 §7); by HTTP/2 if
/// the server has not looked at the request (§8.7). An answer that only this program's library calls malformed, such as
/// one with `Connection` (§8.2.2) or with long headers, browsers read; it is read by HTTP/1.1. So is one that a server
/// ended before the data, without error (§8.1).
fn again(error: &io::Error) -> Option<Offer> {
    let error = inner::<h2::Error>(error)?;
    match error.reason() {
        Some(Reason::REFUSED_STREAM) => Some(Offer::Browser),
        Some(Reason::NO_ERROR) if error.is_go_away() => Some(Offer::Browser),
        Some(Reason::HTTP_1_1_REQUIRED | Reason::NO_ERROR) => Some(Offer::Http1),
        Some(Reason::ENHANCE_YOUR_CALM) if error.is_library() => Some(Offer::Http1),
        _ => (error.is_library() && error.is_reset()).then_some(Offer::Http1),
    }
}

/// What the URL parser accepts is valid in a request line and in header values. A proxy without a tunnel
/// gets the whole URL (RFC 9112 §3.2.2).
pub(crate) fn request(origin: &Origin, asked: &HttpRequest, proxy: Option<&Proxy>) -> String {
    let HttpRequest { method, path, .. } = asked;
    let whole = proxy.map_or("", |_| origin.as_str());
    let authority = origin.as_str().split_once("://").map_or("", |(_, rest)| rest);
    let mut lines =
        vec![format!("{method} {whole}{path} HTTP/1.1"), format!("Host: {authority}"), "Connection: close".to_owned()];
    lines.extend(asked.lines.iter().map(|(name, value)| format!("{name}: {value}")));
    let authorization = proxy.map(Proxy::authorization).unwrap_or_default();
    format!("{}\r\n{authorization}\r\n", lines.join("\r\n"))
}

/// In TLS 1.3, a server's refusal of the client arrives only now.
pub fn no_answer(host: &Host, address: SocketAddr, error: &io::Error) -> Unreachable {
    if inner::<rustls::Error>(error).is_some() {
        return explain_tls::unreachable(host, error);
    }
    Unreachable::new(
        UnreachableKind::Http,
        format!("no readable HTTP answer from {address}: {error}"),
        "look at the log of the server or proxy there; a port that speaks another protocol or TLS gives the same result",
    )
}

/// One request and its answer, and the address that gave it. Behind a proxy, that is the proxy's address.
pub(super) async fn exchange(
    probe: &Probe,
    site: &Site,
    addresses: &[SocketAddr],
    asked: &HttpRequest,
) -> Result<(SocketAddr, Response), Unreachable> {
    let mut exchange = Exchange::send(probe, site, addresses, asked).await?;
    let response = exchange.response().await?;
    Ok((exchange.address, response))
}
