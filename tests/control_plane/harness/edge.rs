//! What browsers find in front of Glance: one proxy through which the operators of all tests reach any host
//! name. It answers preflights for each host as a test says.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::preflight_server::{certificates, header};

/// Names in the samples, in addition to those of the tests.
const NAMES: &str = "*.example.com,DNS:*.debian.example.com,DNS:*.redhat.example.com,DNS:*.kolla.example.com,DNS:*.openstackhelm.example.com";

/// How a host answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// Like a Glance that accepts every origin.
    #[default]
    Grants,
    /// Like a Glance that does not accept the origin.
    Refuses,
    /// One, then the other.
    Flaps,
    /// It closes the connection.
    Hangs,
    /// Like a Keystone: for which account, and with which catalog.
    Publishes(String, String),
    /// With the server that listens at that port of this machine.
    Leads(u16),
}

/// The proxy. On a second port it answers itself, with a certificate of its own CA.
pub struct Edge {
    port: u16,
    private_port: u16,
    folder: PathBuf,
    hosts: Arc<Table>,
}

impl Edge {
    /// Starts it, with its CAs in the folder.
    pub fn start(folder: &Path) -> Self {
        let folder = folder.join("edge");
        let hosts = Arc::<Table>::default();
        let port = listen(&folder.join("public"), NAMES, &hosts);
        let private_port = listen(&folder.join("private"), "*.example.org", &hosts);
        Self { port, private_port, folder, hosts }
    }

    /// The value of `HTTPS_PROXY`.
    pub fn proxy(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The CA of the servers behind the proxy.
    pub fn ca(&self) -> PathBuf {
        self.folder.join("public/ca.pem")
    }

    /// The port where it answers itself for names of example.org.
    pub fn private_port(&self) -> u16 {
        self.private_port
    }

    /// This machine's address for other hosts, because the operator sends nothing to a loopback address.
    pub fn private_address() -> IpAddr {
        let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
        socket.connect("198.51.100.1:9").expect("a route; nothing is sent");
        socket.local_addr().expect("an address").ip()
    }

    /// The CA that is trusted there.
    pub fn private_ca(&self) -> PathBuf {
        self.folder.join("private/ca.pem")
    }

    /// Sets how a host answers from now on.
    pub fn set(&self, host: &str, answer: Answer) {
        self.hosts.lock().expect("a table").entry(host.to_owned()).or_default().0 = answer;
    }

    /// Makes a host a Keystone that publishes these image endpoints, by region, to one application
    /// credential.
    pub fn publish(&self, host: &str, (id, secret): (&str, &str), endpoints: &[(&str, &str)]) {
        let endpoints: Vec<_> = endpoints
            .iter()
            .map(|(region, url)| json!({"interface": "public", "region_id": region, "url": url}))
            .collect();
        let catalog = json!({"token": {"catalog": [{"type": "image", "endpoints": endpoints}]}}).to_string();
        let credential = json!({"id": id, "secret": secret});
        let mut hosts = self.hosts.lock().expect("a table");
        hosts.entry(host.to_owned()).or_default().0 = Answer::Publishes(credential.to_string(), catalog);
    }

    /// How many preflights, or token requests, a host has received.
    pub fn asked(&self, host: &str) -> usize {
        self.hosts.lock().expect("a table").get(host).map_or(0, |(_, asked)| *asked)
    }
}

type Table = Mutex<BTreeMap<String, (Answer, usize)>>;

/// Answers https requests for these names until the tests end.
fn listen(folder: &Path, names: &str, table: &Arc<Table>) -> u16 {
    std::fs::create_dir_all(folder).expect("a folder");
    certificates(folder, names, "2");
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).expect("a certificate");
    let chain = chain.map(|c| c.expect("a certificate")).collect();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("TLS");
    let config = Arc::new(config);
    let listener = TcpListener::bind("0.0.0.0:0").expect("a port");
    let port = listener.local_addr().expect("a port").port();
    let table = table.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, table) = (config.clone(), table.clone());
            std::thread::spawn(move || serve(stream, config, &table));
        }
    });
    port
}

/// A client that leaves is no error.
fn serve(mut stream: TcpStream, config: Arc<ServerConfig>, table: &Table) {
    let mut first = [0];
    if stream.peek(&mut first).is_ok() && first == *b"C" {
        let Some(request) = head(&mut stream) else { return };
        let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n");
        let host = request.split([' ', ':']).nth(1).unwrap_or_default();
        let led = table.lock().ok().and_then(|hosts| Some(hosts.get(host)?.0.clone()));
        if let Some(Answer::Leads(port)) = led {
            lead(&stream, port);
            return;
        }
    }
    let Ok(connection) = ServerConnection::new(config) else { return };
    let mut stream = StreamOwned::new(connection, stream);
    let Some(request) = head(&mut stream) else { return };
    // An upload without a token has no body, whatever size it announces.
    let length =
        header(&request, "Content-Length").and_then(|n| n.parse().ok()).filter(|_| request.starts_with("POST "));
    let mut body = vec![0; length.unwrap_or(0)];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    if let Some(answer) = answer(&request, &body, table) {
        let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.flush());
    }
}

/// Forwards data in both directions until both ends close.
fn lead(client: &TcpStream, port: u16) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let pass = |mut from: &TcpStream, mut to: &TcpStream| {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Write);
    };
    std::thread::scope(|scope| {
        scope.spawn(|| pass(client, &server));
        pass(&server, client);
    });
}

fn answer(request: &str, body: &[u8], table: &Table) -> Option<String> {
    let host = header(request, "Host")?.split(':').next()?.to_owned();
    if request.starts_with("POST /v3/auth/tokens ") {
        return token(&host, body, table);
    }
    // Horizon's login page: the dashboards are here, too.
    if request.starts_with("GET / ") {
        let page = "<title>Login - OpenStack Horizon</title>";
        return Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{page}", page.len()));
    }
    let origin = header(request, "Origin")?;
    let (answer, asked) = {
        let mut table = table.lock().ok()?;
        let entry = table.entry(host).or_default();
        // Requests that ask for details of a refusal get the same answer.
        entry.1 += usize::from(header(request, "Access-Control-Request-Headers").is_some_and(|n| n.contains(',')));
        entry.clone()
    };
    let grants = match answer {
        Answer::Hangs | Answer::Publishes(..) | Answer::Leads(_) => return None,
        Answer::Grants => true,
        Answer::Refuses => false,
        Answer::Flaps => asked % 2 == 0,
    };
    // oslo.middleware's filter: always 200, and the headers only if it grants.
    let granted =
        format!("Vary: Origin\r\nAccess-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true\r\n");
    let granted = if grants { granted.as_str() } else { "" };
    // Then keystonemiddleware's token check.
    if request.starts_with("PUT ") {
        return Some(format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Keystone uri=\"https://keystone\"\r\nContent-Length: 0\r\n{granted}\r\n"
        ));
    }
    let names = header(request, "Access-Control-Request-Headers").unwrap_or_default();
    let method = header(request, "Access-Control-Request-Method").unwrap_or_default();
    let lists = format!("Access-Control-Allow-Methods: {method}\r\nAccess-Control-Allow-Headers: {names}\r\n");
    let lists = if grants { lists.as_str() } else { "" };
    Some(format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{granted}{lists}\r\n"))
}

/// As Keystone answers.
fn token(host: &str, body: &[u8], table: &Table) -> Option<String> {
    let mut table = table.lock().ok()?;
    let (answer, asked) = table.get_mut(host)?;
    let Answer::Publishes(credential, catalog) = answer else { return None };
    *asked += 1;
    let body: Value = serde_json::from_slice(body).ok()?;
    let given = &body["auth"]["identity"]["application_credential"];
    if *given != serde_json::from_str::<Value>(credential).ok()? {
        return Some("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n{}".to_owned());
    }
    let length = catalog.len();
    Some(format!("HTTP/1.1 201 Created\r\nX-Subject-Token: the-token\r\nContent-Length: {length}\r\n\r\n{catalog}"))
}

fn head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        (stream.read(&mut byte).ok()? == 1).then(|| head.push(byte[0]))?;
    }
    String::from_utf8(head).ok()
}
