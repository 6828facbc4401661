//! Requests to one server, such as the dashboard, with its cookies. Each has its own connection; no
//! redirect is followed here.

use std::net::SocketAddr;
use std::time::Duration;

use direct_upload_api::web::{Endpoint, Origin, PublicUrl};
use direct_upload_core::judge::session::{Jar, Reply, RequestUrl, Secret};
use direct_upload_core::judge::{Response, Unreachable, UnreachableKind, user_agent};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Bytes;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use tokio::time::timeout;

use crate::probe::connect::{self, Offer, Stream, Trust};
use crate::probe::gate::{Gate, Passage};
use crate::probe::host::Host;

/// How long one request may take. Horizon itself asks Keystone and Glance before it answers.
const TOTAL: Duration = Duration::from_secs(60);

/// Pages and scripts are some hundred kilobytes.
const LARGEST: usize = 8 << 20;

/// Addresses for names, which addresses are allowed, and whom to trust.
#[derive(Clone, Debug)]
pub struct Reach {
    pub hosts: Vec<Host>,
    pub trust: Trust,
    pub gate: Gate,
}

/// One server, as a browser sees it.
pub struct Client {
    reach: Reach,
    jar: Jar,
    /// The address that answered last.
    pub address: Option<SocketAddr>,
}

impl Client {
    pub fn new(reach: Reach) -> Self {
        Self { reach, jar: Jar::default(), address: None }
    }

    /// One request and its answer; `more` are headers in addition to what browsers always send.
    pub async fn ask(
        &mut self,
        method: &str,
        place: &RequestUrl,
        more: &[(&str, &str)],
        body: String,
    ) -> Result<Reply, Unreachable> {
        let asked = self.exchange(method, place, more, body);
        let reply = timeout(TOTAL, asked).await.unwrap_or_else(|_| {
            Err(Unreachable::new(
                UnreachableKind::Timeout,
                format!("no answer of {} within {} s", place.origin, TOTAL.as_secs()),
                "look at the log there, and whether it reaches Keystone and Glance",
            ))
        })?;
        self.jar.take(&reply.head.headers, path_of(place));
        Ok(reply)
    }

    async fn exchange(
        &mut self,
        method: &str,
        place: &RequestUrl,
        more: &[(&str, &str)],
        body: String,
    ) -> Result<Reply, Unreachable> {
        let (stream, address, _) = self.open(&place.origin).await?;
        let failed = |why: String| {
            Unreachable::new(
                UnreachableKind::Http,
                format!("no readable HTTP answer from {address}: {why}"),
                "look at the log of the server or proxy there",
            )
        };
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| failed(error.to_string()))?;
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(place.path.as_str())
            .header(header::HOST, authority(&place.origin))
            .header(header::CONNECTION, "close")
            .header(header::USER_AGENT, user_agent())
            // Horizon's messages are distinguished by their words.
            .header(header::ACCEPT_LANGUAGE, "en");
        for (name, value) in more {
            request = request.header(*name, *value);
        }
        if let Some(cookies) = self.cookies(place) {
            let mut value =
                header::HeaderValue::from_str(cookies.expose()).map_err(|error| failed(error.to_string()))?;
            value.set_sensitive(true);
            request = request.header(header::COOKIE, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(|error| failed(error.to_string()))?;
        let answer = sender.send_request(request).await.map_err(|error| failed(error.to_string()))?;
        let head = Response {
            status: answer.status().as_u16(),
            // Isomorphic decode, as everywhere.
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| {
                    (name.as_str().to_owned(), value.as_bytes().iter().copied().map(char::from).collect())
                })
                .collect(),
        };
        let body =
            Limited::new(answer.into_body(), LARGEST).collect().await.map_err(|error| failed(error.to_string()))?;
        connection.abort();
        self.address = Some(address);
        Ok(Reply { head, body: body.to_bytes().to_vec() })
    }

    /// A connection for requests to this origin.
    pub async fn open(&self, origin: &Origin) -> Result<(Box<dyn Stream>, SocketAddr, Host), Unreachable> {
        let host = self.host(origin);
        let Passage { stream, address, .. } = self.reach.gate.connect(origin, &host, &[]).await?;
        let stream: Box<dyn Stream> = if origin.is_https() {
            connect::secure(stream, &host, &self.reach.trust, Offer::Http1).await?.stream
        } else {
            Box::new(stream)
        };
        Ok((stream, address, host))
    }

    fn host(&self, origin: &Origin) -> Host {
        let port = Endpoint::from(PublicUrl::with_path(origin.clone(), "")).port();
        let name = origin.host().to_owned();
        let given = self.reach.hosts.iter().find(|host| host.port == port && host.name.eq_ignore_ascii_case(&name));
        Host { address: given.and_then(|host| host.address), name, port }
    }

    /// The cookies that a browser sends there.
    pub fn cookies(&self, place: &RequestUrl) -> Option<Secret> {
        self.jar.line(path_of(place), place.origin.is_https())
    }

    pub fn jar(&self) -> &Jar {
        &self.jar
    }
}

fn path_of(place: &RequestUrl) -> &str {
    place.path.split('?').next().unwrap_or_default()
}

/// Host and port, as in `Host`.
fn authority(origin: &Origin) -> &str {
    origin.as_str().split_once("://").map_or("", |(_, rest)| rest)
}
