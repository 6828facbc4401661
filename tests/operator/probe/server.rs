//! A web server for one test: it answers every request as the test says, and records the requests.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

type Answers = dyn Fn(&str) -> Vec<u8> + Send + Sync;

pub struct Server {
    pub port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// By http.
    pub fn plain<A: Into<Vec<u8>>>(answer: impl Fn(&str) -> A + Send + Sync + 'static) -> Self {
        Self::start(None, Box::new(move |head| answer(head).into()))
    }

    /// By https, with `folder`'s server.pem and server.key.
    pub fn secure<A: Into<Vec<u8>>>(folder: &Path, answer: impl Fn(&str) -> A + Send + Sync + 'static) -> Self {
        Self::start(Some(tls(folder)), Box::new(move |head| answer(head).into()))
    }

    fn start(tls: Option<Arc<ServerConfig>>, answer: Box<Answers>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let kept = asked.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let stream = stream.unwrap();
                match &tls {
                    None => serve(stream, &kept, &answer),
                    Some(config) => {
                        let connection = ServerConnection::new(config.clone()).unwrap();
                        serve(StreamOwned::new(connection, stream), &kept, &answer);
                    }
                }
            }
        });
        Self { port, asked }
    }

    /// The requests' heads so far.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

/// With `folder`'s server.pem and server.key.
pub fn tls(folder: &Path) -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).unwrap().map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    Arc::new(config)
}

/// A client that goes away is no matter.
fn serve(mut stream: impl Read + Write, kept: &Mutex<Vec<String>>, answer: &Answers) {
    let Some(head) = head(&mut stream) else { return };
    kept.lock().unwrap().push(head.clone());
    let _ = stream.write_all(&answer(&head)).and_then(|()| stream.flush());
}

/// One request, as it came.
#[derive(Clone)]
pub struct Asked {
    pub head: String,
    pub body: Vec<u8>,
}

impl Asked {
    pub fn line(&self) -> &str {
        self.head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1")
    }
}

/// The head of a request; none if the client goes away before its end.
pub fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.push(byte[0]);
    }
    Some(String::from_utf8(head).unwrap())
}

/// The value of a request's header.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.split_once(": ").filter(|(n, _)| n.eq_ignore_ascii_case(name))).map(|(_, v)| v)
}

/// As the CORS filter of oslo.middleware decides (cors.py, `_apply_cors_preflight_headers`), before the token
/// check (keystonemiddleware), which refuses uploads.
pub fn filter(origin: &str, methods: &[&str], names: &[&str]) -> impl Fn(&str) -> String + use<> {
    let simple = ["content-type", "accept"];
    let names: Vec<_> = names.iter().chain(&simple).map(|n| n.to_lowercase()).collect();
    let methods: Vec<_> = methods.iter().map(|m| (*m).to_owned()).collect();
    let origin = origin.to_owned();
    move |head| {
        if head.starts_with("PUT ") {
            let allowed = header(head, "Origin") == Some(&origin);
            let cors = format!(
                "Vary: Origin\r\nAccess-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n"
            );
            return format!(
                "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Keystone uri=\"https://k\"\r\nContent-Length: 0\r\n{}\r\n",
                if allowed { cors.as_str() } else { "" }
            );
        }
        let method = header(head, "Access-Control-Request-Method").unwrap_or_default();
        let wanted = header(head, "Access-Control-Request-Headers").unwrap_or_default();
        let fine = header(head, "Origin") == Some(&origin)
            && methods.iter().any(|m| m == method)
            && wanted.split(',').filter(|n| !n.is_empty()).all(|n| names.contains(&n.to_owned()));
        let mut answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n".to_owned();
        if fine {
            answer += "Vary: Origin\r\nAccess-Control-Allow-Credentials: true\r\n";
            for (name, value) in [("Origin", origin.as_str()), ("Methods", method), ("Headers", wanted)] {
                if !value.is_empty() {
                    answer = format!("{answer}Access-Control-Allow-{name}: {value}\r\n");
                }
            }
        }
        answer + "\r\n"
    }
}

/// `ca.pem`, and `server.pem` with its key for the name, issued by it.
pub fn certificates(folder: &Path, name: &str, days: &str) {
    server(folder, name, days, &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]);
}

/// The same with a kind of key that browsers do not take.
pub fn ed25519(folder: &Path, name: &str) {
    server(folder, name, "2", &["-newkey", "ed25519"]);
}

fn server(folder: &Path, name: &str, days: &str, key: &[&str]) {
    let openssl = |arguments: &[&str]| openssl(folder, arguments);
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
    let ca = ["req", "-x509", "-subj", "/CN=Test CA", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"];
    openssl(&[&ca[..], &curve].concat());
    let request = ["req", "-subj", "/CN=server", "-keyout", "server.key", "-out", "server.csr"];
    openssl(&[&request[..], key, &["-nodes"]].concat());
    std::fs::write(folder.join("server.ext"), format!("subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n"))
        .unwrap();
    openssl(&[
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "ca.pem",
        "-CAkey",
        "ca.key",
        "-CAcreateserial",
        "-days",
        days,
        "-extfile",
        "server.ext",
        "-out",
        "server.pem",
    ]);
}

/// One certificate that is server and CA at once, as `openssl req -x509` makes it.
pub fn self_signed(folder: &Path, name: &str) {
    let subject = format!("subjectAltName=DNS:{name}");
    let key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    let names = ["-subj", "/CN=self", "-addext", &subject, "-keyout", "server.key", "-out", "server.pem"];
    openssl(folder, &[&["req", "-x509"][..], &key, &names].concat());
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let output = Command::new("openssl").args(arguments).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// Times of certificates, from and until.
pub const ALWAYS: [&str; 2] = ["20200101000000Z", "20900101000000Z"];

pub const PAST: [&str; 2] = ["20200101000000Z", "20210101000000Z"];

/// The extensions of a server's certificate.
pub const LEAF: &str = "subjectAltName=DNS:glance.example.com\nbasicConstraints=CA:FALSE";

/// `FILE.pem` and `FILE.key` of a certificate authority with this name. A key that is there stays.
pub fn root(folder: &Path, file: &str, name: &str, [from, until]: [&str; 2], extensions: &str) {
    let [key, request, certificate] = ["key", "csr", "pem"].map(|kind| format!("{file}.{kind}"));
    if !folder.join(&key).exists() {
        openssl(folder, &["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", &key]);
    }
    openssl(folder, &["req", "-new", "-key", &key, "-subj", &format!("/CN={name}"), "-out", &request]);
    // Only `openssl ca` takes both times.
    let settings = "[ca]\ndefault_ca=d\n[d]\nnew_certs_dir=.\ndatabase=index.txt\nunique_subject=no\ndefault_md=sha256\nrand_serial=yes\npolicy=p\n[p]\ncommonName=supplied\n";
    for (name, text) in [("ca.cnf", settings), ("root.ext", extensions), ("index.txt", "")] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let how = ["ca", "-batch", "-notext", "-selfsign", "-config", "ca.cnf", "-extfile", "root.ext"];
    let what = ["-keyfile", &key, "-in", &request, "-startdate", from, "-enddate", until, "-out", &certificate];
    openssl(folder, &[&how[..], &what].concat());
}

/// `NAME.pem` and `NAME.key` of a certificate that the authority issued.
pub fn issue(folder: &Path, authority: &str, name: &str, key: &str, extensions: &str) {
    let curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];
    let key: &[&str] = if key == "ec" { &curve } else { &["-newkey", "rsa:2048"] };
    let [secret, request, certificate] = ["key", "csr", "pem"].map(|kind| format!("{name}.{kind}"));
    let subject = format!("/CN={name}");
    openssl(folder, &[&["req", "-nodes", "-subj", &subject, "-keyout", &secret, "-out", &request][..], key].concat());
    std::fs::write(folder.join("issue.ext"), format!("{extensions}\n")).unwrap();
    let [issuer, issuer_key] = ["pem", "key"].map(|kind| format!("{authority}.{kind}"));
    let by = ["x509", "-req", "-in", &request, "-CA", &issuer, "-CAkey", &issuer_key, "-CAcreateserial"];
    openssl(folder, &[&by[..], &["-days", "2", "-extfile", "issue.ext", "-out", &certificate]].concat());
}
