//! Servers that offer HTTP/2, as browsers then use it.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use direct_upload_api::Panel;
use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_core::judge::{Decision, PreflightOutcome, PreflightReport, ProbeResult, UploadVerdict, Wire, head};
use direct_upload_operator::probe::{Depth, Gate, Host, Probe, Trust, Uploads, probe};
use h2::Reason;
use h2::server::SendResponse;
use hyper::body::Bytes;
use rstest::rstest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::probe::server::{certificates, filter, header, tls};

const ORIGIN: &str = "https://horizon.example.com";

const NAMES: [&str; 2] = ["x-auth-token", "x-csrftoken"];

/// What a server does in addition to what Glance would answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Edge {
    /// Refuses HTTP/1.1, as filters against robots do.
    RefusesHttp1,
    /// Wants HTTP/1.1 after all (RFC 9113 §7).
    WantsHttp1,
    /// Ends streams before an answer, without an error (RFC 9113 §8.1).
    EndsStreams,
    /// Answers HTTP/1.1 well, and breaks uploads by HTTP/2.
    BreaksUploads,
    /// Has a limit.
    Limits,
    /// Asks for the data, and waits.
    Continues,
    /// Forwards connections by the name in TLS: those that were made for the dashboard end there.
    ForwardsByName,
    /// The same, and the dashboard's server refuses other hosts as HTTP asks for.
    ForwardsByNameMisdirected,
}

impl Edge {
    async fn serve(self, stream: TcpStream, acceptor: TlsAcceptor) -> Option<()> {
        let mut stream = acceptor.accept(stream).await.ok()?;
        if stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"\r\n\r\n") {
                if stream.read_buf(&mut bytes).await.ok()? == 0 {
                    return None;
                }
            }
            let answer = match self {
                Self::RefusesHttp1 => "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_owned(),
                _ => glance(&String::from_utf8(bytes).ok()?),
            };
            stream.write_all(answer.as_bytes()).await.ok()?;
            return stream.shutdown().await.ok();
        }
        let is_dashboards = stream.get_ref().1.server_name() == Some("horizon.example.com");
        let mut connection = h2::server::handshake(stream).await.ok()?;
        while let Some(Ok((request, sender))) = connection.accept().await {
            self.answer(&request, sender, is_dashboards);
        }
        None
    }

    fn answer(self, request: &hyper::Request<h2::RecvStream>, mut sender: SendResponse<Bytes>, is_dashboards: bool) {
        let announces = request.headers().get("content-length").is_some_and(|length| length != "0");
        let status = |status| hyper::Response::builder().status(status).body(()).unwrap();
        match self {
            Self::WantsHttp1 => return sender.send_reset(Reason::HTTP_1_1_REQUIRED),
            Self::EndsStreams => return sender.send_reset(Reason::NO_ERROR),
            Self::BreaksUploads if request.method() == "PUT" => return sender.send_reset(Reason::PROTOCOL_ERROR),
            Self::ForwardsByName if is_dashboards => return drop(sender.send_response(status(404), true)),
            Self::ForwardsByNameMisdirected if is_dashboards => return drop(sender.send_response(status(421), true)),
            Self::Limits if announces => return drop(sender.send_response(status(413), true)),
            Self::Continues if announces => {
                sender.send_informational(status(100)).unwrap();
                tokio::spawn(async move {
                    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
                    drop(sender);
                });
                return;
            }
            _ => {}
        }
        let lines = request.headers().iter().map(|(name, value)| format!("{name}: {}\r\n", value.to_str().unwrap()));
        let asked = format!("{} {} HTTP/2\r\n{}\r\n", request.method(), request.uri(), lines.collect::<String>());
        let answer = head::read(glance(&asked).as_bytes()).unwrap().unwrap();
        let mut response = hyper::Response::builder().status(answer.status);
        for (name, value) in answer.headers {
            response = response.header(name, value);
        }
        sender.send_response(response.body(()).unwrap(), true).unwrap();
    }
}

/// Accepts the dashboard at any port.
fn glance(head: &str) -> String {
    let origin = header(head, "Origin").filter(|origin| origin.starts_with(ORIGIN)).unwrap_or(ORIGIN);
    filter(origin, &["PUT"], &NAMES)(head)
}

async fn start(edge: Edge, folder: &Path) -> SocketAddr {
    let mut config = (*tls(folder)).clone();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(edge.serve(stream, TlsAcceptor::from(Arc::new(config.clone()))));
        }
    });
    address
}

async fn observed(edge: Edge) -> ProbeResult {
    of(edge, Panel::Angular, "glance.example.com", ORIGIN).await
}

/// `name`: what the certificate is for.
async fn of(edge: Edge, panel: Panel, name: &str, origin: &str) -> ProbeResult {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), name, "2");
    let address = start(edge, folder.path()).await;
    let host = |name: &str| Host { name: name.into(), port: address.port(), address: Some(address.ip()) };
    probe(&Probe {
        origin: Origin::parse(&origin.replace("PORT", &address.port().to_string())).unwrap(),
        endpoint: Endpoint::parse(&format!("https://glance.example.com:{}", address.port())).unwrap(),
        panel,
        hosts: vec![host("glance.example.com"), host("horizon.example.com")],
        trust: Trust::with(&std::fs::read(folder.path().join("ca.pem")).unwrap()).unwrap(),
        gate: Gate::default(),
        uploads: Some(Uploads { size: 1 << 30 }),
        page: None,
        address_spaces: false,
        depth: Depth::Checks,
    })
    .await
}

#[rstest]
#[case(Edge::RefusesHttp1)]
#[case(Edge::WantsHttp1)]
#[case(Edge::EndsStreams)]
#[tokio::test]
async fn an_upload_that_works_in_a_browser_is_granted(#[case] edge: Edge) {
    let observed = observed(edge).await;
    let put = observed.put.clone().map(|put| put.verdict);
    assert!(matches!(put, Some(UploadVerdict::Passed { .. })), "{put:?}");
    assert_eq!(PreflightReport::new(observed).verdict, Decision::Granted);
}

#[tokio::test]
async fn an_upload_that_only_http1_lets_through_is_not_granted() {
    let observed = observed(Edge::BreaksUploads).await;
    assert!(matches!(&observed.preflight, PreflightOutcome::Judged { verdict, .. } if verdict.granted()));
    let put = observed.put.map(|put| put.verdict);
    assert!(!matches!(put, Some(UploadVerdict::Passed { .. }) | None), "{put:?}");
}

#[tokio::test]
async fn an_early_answer_shows_the_limit() {
    let size = observed(Edge::Limits).await.size.map(|size| size.verdict);
    assert!(matches!(size, Some(UploadVerdict::Refused { .. })), "{size:?}");
}

#[tokio::test]
async fn a_continue_without_an_answer_is_unknown() {
    let size = observed(Edge::Continues).await.size.unwrap();
    assert_eq!(size.wire, Wire::Continue);
    assert!(matches!(size.verdict, UploadVerdict::Unknown { .. }), "{:?}", size.verdict);
}

/// Browsers send requests with cookies on the connection that they have to the dashboard, if its certificate covers
/// Glance's name, too.
#[rstest]
#[case::one_certificate(Edge::ForwardsByName, Panel::Django, "*.example.com", false)]
#[case::without_cookies(Edge::ForwardsByName, Panel::Angular, "*.example.com", true)]
#[case::misdirected(Edge::ForwardsByNameMisdirected, Panel::Django, "*.example.com", true)]
#[case::one_server(Edge::RefusesHttp1, Panel::Django, "*.example.com", true)]
#[tokio::test]
async fn a_connection_that_the_browser_has_already(
    #[case] edge: Edge,
    #[case] panel: Panel,
    #[case] name: &str,
    #[case] passes: bool,
) {
    let observed = of(edge, panel, name, "https://horizon.example.com:PORT").await;
    let report = PreflightReport::new(observed);
    let put = report.put.as_ref().unwrap();
    assert_eq!(report.verdict == Decision::Granted, passes, "{:?}", put.failure);
    let words = put.failure.as_ref().map(|failure| failure.message.clone());
    assert_eq!(words.is_some_and(|words| words.contains("the dashboard's certificate also covers")), !passes);
}
