//! samples/haproxy/glance.cfg, run by Debian's HAProxy before a backend that says what reached it.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;
use test_support::oracle::ask;

use super::httpd::server::Answer;

/// A running HAProxy with the sample; ends with this value.
struct HaProxy {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Drop for HaProxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl HaProxy {
    /// Before a backend that answers with what reached it.
    fn echoing() -> Self {
        Self::start(ask(&json!({"ask": "backend", "kind": "http"})))
    }

    fn start(backend: u16) -> Self {
        let port = free_port();
        let sample = std::fs::read_to_string(test_support::file("samples/haproxy/glance.cfg")).unwrap();
        let here = format!("127.0.0.1:{backend}");
        let config = sample
            .replace("bind :80", &format!("bind 127.0.0.1:{port}"))
            .replace("glance.openstack.svc:9292", &here)
            .replace("horizon.openstack.svc:80", &here);
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("haproxy.cfg");
        std::fs::write(&file, config).unwrap();
        let checked = Command::new("/usr/sbin/haproxy").args(["-c", "-f"]).arg(&file).output();
        let checked = checked.expect("haproxy is missing: apt-get install --no-install-recommends haproxy");
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success() && !said.contains("WARNING"), "{said}");
        let mut child = Command::new("/usr/sbin/haproxy");
        let child = child.args(["-db", "-f"]).arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(began.elapsed() < Duration::from_secs(30), "nothing listens");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, port, _dir: dir }
    }

    /// The head that reached the backend, line by line, and the whole answer.
    fn ask(&self, path: &str, headers: &[(&str, &str)]) -> (Vec<String>, Answer) {
        let question = json!({"ask": "request", "port": self.port, "method": "GET", "path": path, "headers": headers});
        let answer: Answer = ask(&question);
        let head: Vec<String> = serde_json::from_value(answer.json()).unwrap();
        (head, answer)
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn value<'a>(head: &'a [String], name: &str) -> Vec<&'a str> {
    let pairs = head.iter().filter_map(|line| line.split_once(':'));
    pairs.filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

#[test]
fn the_path_leads_to_glance_and_all_else_to_the_dashboard() {
    let haproxy = HaProxy::echoing();
    for (asked, arrives, prefix) in [
        ("/image/v2/images/1/file", "/v2/images/1/file", true),
        ("/image", "/", true),
        ("/image/", "/", true),
        ("/image/v2/images?limit=1", "/v2/images?limit=1", true),
        ("/images/", "/images/", false),
        ("/project/image/", "/project/image/", false),
    ] {
        let (head, _) = haproxy.ask(asked, &[("Cookie", "sessionid=secret")]);
        assert_eq!(head[0], format!("GET {arrives} HTTP/1.1"), "{head:?}");
        let expected: &[&str] = if prefix { &["/image"] } else { &[] };
        assert_eq!(value(&head, "X-Forwarded-Prefix"), expected, "{head:?}");
        // The dashboard's session stays with the dashboard.
        assert_eq!(value(&head, "Cookie").is_empty(), prefix, "{head:?}");
    }
}

#[test]
fn headers_with_underscores_arrive_with_hyphens() {
    let haproxy = HaProxy::echoing();
    let sent = [
        ("x-image-meta-disk_format", "qcow2"),
        ("X-Image-Meta-Min_Ram", "512"),
        ("x-image-meta-copy_from", "http://a.example/b, c"),
        ("x-image-meta-name", "plain"),
    ];
    let (head, _) = haproxy.ask("/image/v1/images", &sent);
    assert_eq!(value(&head, "X-Image-Meta-Disk-Format"), ["qcow2"], "{head:?}");
    assert_eq!(value(&head, "X-Image-Meta-Min-Ram"), ["512"], "{head:?}");
    assert_eq!(value(&head, "X-Image-Meta-Copy-From"), ["http://a.example/b, c"], "{head:?}");
    assert_eq!(value(&head, "X-Image-Meta-Name"), ["plain"], "{head:?}");
    assert!(value(&head, "X-Image-Meta-Is-Public").is_empty(), "{head:?}");
}

/// With a length and in chunks, as the bytes arrive: HAProxy does not store the whole body first.
#[test]
fn bodies_pass_as_they_come() {
    for chunked in [false, true] {
        let backend = free_port();
        let haproxy = HaProxy::start(backend);
        let seen: Value = ask(&json!({
            "ask": "stream", "port": backend, "front_port": haproxy.port, "ca": null, "chunked": chunked,
            "path": "/image/v2/images/1/file",
        }));
        assert_eq!(seen, json!({"streamed": true, "status": 204}), "chunked: {chunked}");
    }
}

#[test]
fn no_cors_header_is_made() {
    let (_, answer) = HaProxy::echoing().ask("/image/v2/images", &[("Origin", "https://d.example")]);
    assert!(answer.all("Access-Control-Allow-Origin").is_empty(), "{answer:?}");
    assert_eq!(answer.all("X-Content-Type-Options"), ["nosniff"], "{answer:?}");
}
