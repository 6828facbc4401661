//! From a host to a stream for HTTP: names, addresses, TLS. Each kind of failure has its own error.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use direct_upload_core::judge::{Unreachable, UnreachableKind};
use futures::FutureExt;
use futures::future::select_ok;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::verify_server_name;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::ParsedCertificate;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, SignatureScheme};

use super::host::Host;
use super::{certificates, explain_tls};

/// How long the connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How many of a name's addresses to try, and the time between them (RFC 8305 §5).
const ADDRESSES: usize = 6;

const STAGGER: Duration = Duration::from_millis(250);

/// What browsers trust, and what the system trusts. Like other programs, this one reads the system's files
/// once. Parsing a hundred and more certificates for each preflight would cost more than everything else.
static KNOWN: LazyLock<RootCertStore> = LazyLock::new(|| {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // A system without CA files, or with broken ones, has only the list above.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
});

/// The names of the protocols in ALPN (RFC 7301 §6, RFC 9113 §3.2).
const HTTP1: &[u8] = b"http/1.1";

const HTTP2: &[u8] = b"h2";

/// Ring's cryptography, less what browsers do not offer: signatures with Ed25519.
static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| {
    let mut provider = ring::default_provider();
    let known = provider.signature_verification_algorithms;
    let mapping = known.mapping.iter().copied().filter(|(scheme, _)| *scheme != SignatureScheme::ED25519);
    provider.signature_verification_algorithms.mapping = Vec::leak(mapping.collect());
    Arc::new(provider)
});

/// The protocols that a TLS client offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// HTTP/2 and HTTP/1.1.
    Browser,
    Http1,
}

/// Which certificate authorities count.
#[derive(Clone, Debug)]
pub struct Trust {
    /// Offers HTTP/2, too.
    browser: Arc<ClientConfig>,
    http1: Arc<ClientConfig>,
    roots: Arc<RootCertStore>,
    given: Vec<CertificateDer<'static>>,
}

impl Trust {
    /// What browsers trust (Mozilla's list), what the system trusts, and these.
    ///
    /// # Errors
    /// What is wrong with the PEM text or a certificate in it.
    pub fn with(pem: &[u8]) -> Result<Self, String> {
        let mut roots = KNOWN.clone();
        let mut given = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|e| format!("no certificate in PEM form: {e}"))?;
            roots.add(certificate.clone()).map_err(|e| format!("a certificate cannot be used: {e}"))?;
            given.push(certificate);
        }
        if given.is_empty() && !pem.is_empty() {
            return Err("holds no certificate in PEM form".into());
        }
        let roots = Arc::new(roots);
        let mut http1 = ClientConfig::builder_with_provider(PROVIDER.clone())
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        http1.alpn_protocols = vec![HTTP1.to_vec()];
        let mut browser = http1.clone();
        browser.alpn_protocols = vec![HTTP2.to_vec(), HTTP1.to_vec()];
        Ok(Self { browser: Arc::new(browser), http1: Arc::new(http1), roots, given })
    }
}

/// A connection, plain or with TLS.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// All addresses of a host's name.
///
/// # Errors
/// The name cannot be resolved.
pub(super) async fn lookup(host: &Host) -> Result<Vec<IpAddr>, Unreachable> {
    let found = tokio::net::lookup_host((host.name.as_str(), host.port)).await;
    Ok(found.map_err(|e| unresolved(host, &e.to_string()))?.map(|address| address.ip()).collect())
}

pub(super) fn unresolved(host: &Host, why: &str) -> Unreachable {
    Unreachable::new(
        UnreachableKind::Resolve,
        format!("{} cannot be resolved here: {why}", host.name),
        "if browsers use another DNS server, state the address that they get (--resolve HOST:PORT:ADDRESS, or spec.directUpload.probe.hostAliases)",
    )
}

/// The first of the addresses with a successful TCP connection. Only [`Gate`](super::gate::Gate) calls it.
///
/// # Errors
/// None succeeds in time.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<(TcpStream, SocketAddr), Unreachable> {
    let attempts = addresses.iter().take(ADDRESSES).zip(0u32..).map(|(&address, nth)| {
        async move {
            tokio::time::sleep(STAGGER * nth).await;
            TcpStream::connect(address).await.map(|stream| (stream, address)).map_err(|error| (address, error))
        }
        .boxed()
    });
    let list = || addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let fix = "look at the address, the firewall and the load balancer; from another network the answer may differ";
    match tokio::time::timeout(CONNECT, select_ok(attempts)).await {
        Ok(Ok((connected, _))) => Ok(connected),
        Ok(Err((address, error))) => {
            let kind = match error.kind() {
                ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable | ErrorKind::NetworkDown => {
                    UnreachableKind::Route
                }
                _ => UnreachableKind::Connect,
            };
            Err(Unreachable::new(kind, format!("no connection to {address}: {error}"), fix))
        }
        Err(_) => Err(Unreachable::new(
            UnreachableKind::Timeout,
            format!("no connection to {} within {} s", list(), CONNECT.as_secs()),
            fix,
        )),
    }
}

/// A connection with TLS, or a plain one.
pub struct Secured {
    pub stream: Box<dyn Stream>,
    /// What both sides agreed on.
    pub is_http2: bool,
    /// The server's own certificate.
    leaf: Option<CertificateDer<'static>>,
}

impl Secured {
    pub fn plain(stream: TcpStream) -> Self {
        Self { stream: Box::new(stream), is_http2: false, leaf: None }
    }

    /// Whether browsers also send requests to another host on this connection, if that has the same address
    /// (RFC 9113 §9.1.1).
    pub fn serves(&self, host: &Host) -> bool {
        let name = ServerName::try_from(host.name.trim_end_matches('.').to_owned());
        let leaf = self.leaf.as_ref().and_then(|leaf| ParsedCertificate::try_from(leaf).ok());
        match (leaf, name) {
            (Some(leaf), Ok(name)) => self.is_http2 && verify_server_name(&leaf, &name).is_ok(),
            _ => false,
        }
    }
}

/// TLS, with the server's name sent and checked.
///
/// # Errors
/// The browser's error, as far as it can be known here.
pub async fn secure(stream: TcpStream, host: &Host, trust: &Trust, offer: Offer) -> Result<Secured, Unreachable> {
    let name = ServerName::try_from(host.name.trim_end_matches('.').to_owned()).map_err(|e| {
        Unreachable::new(
            UnreachableKind::Tls,
            format!("{}: {e}", host.name),
            "no certificate can be valid for this name",
        )
    })?;
    let config = match offer {
        Offer::Browser => &trust.browser,
        Offer::Http1 => &trust.http1,
    };
    match TlsConnector::from(config.clone()).connect(name, stream).await {
        Ok(stream) => {
            let session = stream.get_ref().1;
            let sent = session.peer_certificates().unwrap_or_default();
            if sent.first().is_some_and(|leaf| trust.given.contains(leaf)) {
                return Err(explain_tls::self_signed(host));
            }
            let algorithms = PROVIDER.signature_verification_algorithms;
            if let Some(fault) = certificates::fault(sent, &trust.roots, &trust.given, algorithms, UnixTime::now()) {
                return Err(explain_tls::fault(host, &fault));
            }
            let is_http2 = session.alpn_protocol() == Some(HTTP2);
            let leaf = sent.first().map(|leaf| leaf.clone().into_owned());
            Ok(Secured { stream: Box::new(stream), is_http2, leaf })
        }
        Err(error) => Err(explain_tls::unreachable(host, &error)),
    }
}
