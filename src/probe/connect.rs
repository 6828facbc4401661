//! From a host to a stream for HTTP: names, addresses, TLS. Each kind of failure has its own error.

use std::io;
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
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::explain_tls;

/// How long the connection may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How many of a name's addresses to try, and the time between them (RFC 8305 §5).
const ADDRESSES: usize = 6;

const STAGGER: Duration = Duration::from_millis(250);

/// A host and port, and where to find it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    pub name: String,
    pub port: u16,
    /// Replaces the name's own address.
    pub address: Option<IpAddr>,
}

/// What browsers trust, and what the system trusts. Like other programs, this one reads the system's files
/// once. Parsing a hundred and more certificates for each preflight would cost more than everything else.
static KNOWN: LazyLock<RootCertStore> = LazyLock::new(|| {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    // A system without CA files, or with broken ones, has only the list above.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
});

/// Which certificate authorities count.
#[derive(Clone, Debug)]
pub struct Trust {
    config: Arc<ClientConfig>,
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
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), given })
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
        "if browsers use another DNS, say which address it has there (--resolve HOST:PORT:ADDRESS, or spec.directUpload.probe.hostAliases)",
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

/// TLS, with the server's name sent and checked.
///
/// # Errors
/// The browser's error, as far as it can be known here.
pub async fn secure(stream: TcpStream, host: &Host, trust: &Trust) -> Result<Box<dyn Stream>, Unreachable> {
    let name = ServerName::try_from(host.name.trim_end_matches('.').to_owned()).map_err(|e| {
        Unreachable::new(
            UnreachableKind::Tls,
            format!("{}: {e}", host.name),
            "no certificate can be valid for this name",
        )
    })?;
    match TlsConnector::from(trust.config.clone()).connect(name, stream).await {
        Ok(stream) => {
            let leaf = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
            if leaf.is_some_and(|leaf| trust.given.contains(leaf)) {
                return Err(explain_tls::self_signed(host));
            }
            Ok(Box::new(stream))
        }
        Err(error) => Err(explain_tls::unreachable(host, &error)),
    }
}

/// The inner error of an I/O error, if it has that type.
pub fn inner<E: std::error::Error + 'static>(error: &io::Error) -> Option<&E> {
    error.get_ref()?.downcast_ref()
}
