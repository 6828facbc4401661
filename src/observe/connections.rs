//! The connections to the API server: few, however many watches run.
//!
//! kube's own client speaks HTTP/1.1, where each watch holds a connection. Here requests share connections by
//! HTTP/2, up to [`STREAMS`] on each. A server that does not offer HTTP/2 is spoken to as before.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::{Request, Response, Version};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::{Client, Config};
use tower::retry::RetryLayer;
use tower::util::option_layer;
use tower::{BoxError, service_fn};

/// Requests at once on one connection. A server may allow as few as a hundred (RFC 9113, 6.5.2), and so do API
/// servers (k8s.io/apiserver, pkg/server/secure_serving.go); the lists and writes in between need streams, too.
const STREAMS: usize = 90;

/// A connection without traffic gets a ping, as in client-go (k8s.io/apimachinery, pkg/util/net/http.go).
const PING_AFTER: Duration = Duration::from_secs(30);

/// A connection that does not answer the ping within this time counts as dead.
const PING_WITHIN: Duration = Duration::from_secs(15);

type Http = legacy::Client<HttpsConnector<HttpConnector>, Body>;

/// Makes Kubernetes clients that share connections.
#[derive(Clone, Debug)]
pub struct Connections {
    config: Config,
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    connector: HttpsConnector<HttpConnector>,
    lanes: Mutex<Vec<Lane>>,
    /// The server speaks HTTP/2: who waits for a new connection then shares it.
    http2: AtomicBool,
}

/// One connection; several where the server speaks HTTP/1.1.
#[derive(Clone, Debug)]
struct Lane {
    http: Http,
    /// One reference more than there are requests under way.
    open: Arc<()>,
}

impl Connections {
    /// Nothing is connected yet.
    ///
    /// # Errors
    /// The certificates or keys of the configuration cannot be used.
    pub fn new(config: Config) -> kube::Result<Self> {
        // What is rare here is left to kube: proxies, names that differ from the address, plugins with certificates.
        let plugin = config.auth_info.exec.is_some();
        let is_plain = config.cluster_url.scheme_str() != Some("https");
        if is_plain || plugin || config.proxy_url.is_some() || config.tls_server_name.is_some() {
            return Ok(Self { config, shared: None });
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        // HTTP/2 sends a request's head and body apart. Without this, the second waits for the first one's ACK: 40 ms.
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(config.connect_timeout);
        tcp.set_keepalive(Some(PING_AFTER));
        tcp.set_keepalive_interval(Some(PING_WITHIN));
        let tls = HttpsConnectorBuilder::new().with_tls_config(config.rustls_client_config()?);
        let connector = tls.https_only().enable_all_versions().wrap_connector(tcp);
        let shared = Shared { connector, lanes: Mutex::default(), http2: AtomicBool::default() };
        Ok(Self { config, shared: Some(Arc::new(shared)) })
    }

    /// A client. One that `retries` sends a request again where the server is too busy (429, 503, 504).
    ///
    /// # Errors
    /// The credentials of the configuration cannot be used.
    pub fn client(&self, retries: bool) -> kube::Result<Client> {
        let Some(shared) = self.shared.clone() else {
            let mut config = self.config.clone();
            config.default_retry = retries;
            return Client::try_from(config);
        };
        let send = service_fn(move |request| {
            let shared = shared.clone();
            async move { shared.send(request).await.map_err(BoxError::from) }
        });
        let retry = retries.then(|| RetryLayer::new(RetryPolicy::server_retry()));
        let client = ClientBuilder::new(send, self.config.default_namespace.clone())
            .with_layer(&self.config.extra_headers_layer()?)
            .with_layer(&option_layer(self.config.auth_layer()?))
            .with_layer(&option_layer(retry))
            .with_layer(&self.config.base_uri_layer());
        Ok(client.build())
    }
}

impl Shared {
    async fn send(&self, request: Request<Body>) -> Result<Response<ResponseBody>, legacy::Error> {
        let Lane { http, open } = self.lane();
        let response = http.request(request).await?;
        self.http2.fetch_or(response.version() == Version::HTTP_2, Ordering::Relaxed);
        Ok(response.map(|body| ResponseBody { body, _open: open }))
    }

    /// The first connection with a free stream, or a new one.
    fn lane(&self) -> Lane {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.iter().find(|lane| Arc::strong_count(&lane.open) <= STREAMS) {
            return lane.clone();
        }
        let lane = Lane { http: self.connect(), open: Arc::default() };
        lanes.push(lane.clone());
        lane
    }

    fn connect(&self) -> Http {
        legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .http2_only(self.http2.load(Ordering::Relaxed))
            .http2_keep_alive_interval(PING_AFTER)
            .http2_keep_alive_timeout(PING_WITHIN)
            .http2_keep_alive_while_idle(true)
            .build(self.connector.clone())
    }
}

/// A response's body. Its place on the connection is free when it has been read, or is dropped.
struct ResponseBody {
    body: Incoming,
    _open: Arc<()>,
}

impl hyper::body::Body for ResponseBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
