//! `preflight` as a program, against servers on loopback that represent Glance and its proxies.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use test_support::preflight::ORIGIN;

use crate::probe::server::{
    ALWAYS, LEAF, PAST, Server, certificates, ed25519, filter, header, issue, root, self_signed,
};

const PLAIN: &str = "http://horizon.example.com";
const NAMES: [&str; 2] = ["X-Auth-Token", "X-CSRFToken"];

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_direct-upload-operator")).arg("preflight").args(arguments).output().unwrap()
}

fn out(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn err(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

/// Asks a server as glance.example.com.
fn ask(scheme: &str, server: &Server, more: &[&str]) -> Output {
    let url = format!("{scheme}://glance.example.com:{}", server.port);
    let resolve = format!("glance.example.com:{}:127.0.0.1", server.port);
    let origin = format!("{scheme}://horizon.example.com");
    run(&[&["--origin", &origin, "--url", &url, "--resolve", &resolve], more].concat())
}

fn json_of(output: &Output) -> Value {
    serde_json::from_str(out(output)).unwrap_or_else(|e| panic!("{e}: {} {}", out(output), err(output)))
}

#[rstest]
#[case::nothing(&[], "--origin")]
#[case::no_url(&["--origin", ORIGIN], "--url")]
#[case::origin_with_path(&["--origin", "https://h.example/dashboard", "--url", "https://g.example"], "has a path")]
#[case::wildcard(&["--origin", "*", "--url", "https://g.example"], "DU005")]
#[case::no_url_at_all(&["--origin", ORIGIN, "--url", "glance"], "--url")]
#[case::query(&["--origin", ORIGIN, "--url", "https://g.example?x=1"], "query")]
#[case::bad_resolve(&["--origin", ORIGIN, "--url", "https://g.example", "--resolve", "g.example"], "HOST:PORT:ADDRESS")]
#[case::format(&["--origin", ORIGIN, "--url", "https://g.example", "-o", "yaml"], "invalid value 'yaml'")]
fn wrong_usage_is_2(#[case] arguments: &[&str], #[case] said: &str) {
    let output = run(arguments);
    assert_eq!((output.status.code(), out(&output)), (Some(2), ""), "{}", err(&output));
    assert!(err(&output).contains(said), "{}", err(&output));
}

#[test]
fn a_ca_that_is_none_is_1() {
    let folder = tempfile::tempdir().unwrap();
    let [empty, wrong, none] = ["empty", "wrong", "none"].map(|n| folder.path().join(n).display().to_string());
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&wrong, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    std::fs::write(&none, "not a certificate\n").unwrap();
    for file in ["/nonexistent/ca.pem", &empty, &wrong, &none] {
        let output = run(&["--origin", ORIGIN, "--url", "https://glance.invalid", "--ca", file]);
        assert_eq!((output.status.code(), out(&output)), (Some(1), ""));
        assert!(err(&output).starts_with(&format!("error: --ca {file}: ")), "{}", err(&output));
    }
}

#[test]
fn granted_is_0_and_what_was_asked_is_what_a_browser_asks() {
    let server = Server::plain(filter(PLAIN, &["PUT"], &NAMES));
    let output = ask("http", &server, &[]);
    assert_eq!((output.status.code(), err(&output)), (Some(0), ""), "{}", out(&output));
    assert!(
        out(&output).starts_with("granted: a browser at http://horizon.example.com may upload"),
        "{}",
        out(&output)
    );
    let asked = server.asked();
    assert_eq!(asked.len(), 8, "and two uploads without a token, four repetitions, and what a success looks like");
    let (head, port) = (&asked[0], server.port);
    let line = head.lines().next().unwrap();
    assert!(line.starts_with("OPTIONS /v2/images/") && line.ends_with("/file HTTP/1.1"), "{line}");
    assert_eq!(line.len(), "OPTIONS /v2/images//file HTTP/1.1".len() + 36);
    assert_eq!(header(head, "Host"), Some(format!("glance.example.com:{port}").as_str()));
    assert_eq!(header(head, "Origin"), Some(PLAIN));
    assert_eq!(header(head, "Access-Control-Request-Method"), Some("PUT"));
    assert_eq!(header(head, "Access-Control-Request-Headers"), Some("content-type,x-auth-token,x-csrftoken"));
    assert_eq!(header(head, "Accept"), Some("*/*"));
    let agent = header(head, "User-Agent").unwrap();
    assert!(agent.contains("Chrome/") && agent.contains(" direct-upload-operator/"), "{agent}");
    assert!(head.contains("\r\nAccess-Control-Request-Method: "), "names as browsers write them");
    assert!(!head.to_lowercase().contains("cookie") && !head.to_lowercase().contains("token:"));
}

/// Glance's filter refuses without a word; asking for less tells why.
#[rstest]
#[case::origin("http://other.example.com", &["PUT"], &NAMES, "DU002", "allow-origin", "allowed_origin")]
#[case::method(PLAIN, &["GET"], &NAMES, "DU004", "allow-methods", "add PUT to [cors] allow_methods")]
#[case::csrf(PLAIN, &["GET", "PUT"], &["X-Auth-Token"], "DU003", "allow-headers", "add X-CSRFToken to [cors]")]
#[case::both(PLAIN, &["GET", "PUT"], &[], "DU003", "allow-headers", "add X-Auth-Token, X-CSRFToken to")]
fn a_silent_refusal_is_narrowed(
    #[case] origin: &str,
    #[case] methods: &[&str],
    #[case] names: &[&str],
    #[case] rule: &str,
    #[case] requirement: &str,
    #[case] fix: &str,
) {
    let server = Server::plain(filter(origin, methods, names));
    let output = ask("http", &server, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    assert_eq!(report["verdict"], "refused");
    assert_eq!((&report["failure"]["rule"], &report["failure"]["requirement"]), (&json!(rule), &json!(requirement)));
    assert!(report["failure"]["fix"].as_str().unwrap().contains(fix), "{report:#}");
    assert_eq!(report["panels"]["angular"]["rule"], rule);
    // The Django panel's upload has no X-CSRFToken.
    let django = if names == ["X-Auth-Token"] { Value::Null } else { json!(rule) };
    assert_eq!(report["panels"]["django"]["rule"], django);
    // Two more are the same again, and one is the Django panel's own.
    assert_eq!(server.asked().len(), 9);
}

#[test]
fn the_json_has_the_documented_fields() {
    let server = Server::plain(
        |_| "HTTP/1.1 200 OK\r\nServer: edge\r\nSet-Cookie: secret=1\r\nAccess-Control-Allow-Origin: *\r\naccess-control-allow-origin: *\r\nContent-Length: 6\r\n\r\nSECRET",
    );
    let output = ask("http", &server, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    let fields: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(
        fields,
        [
            "verdict",
            "origin",
            "url",
            "panel",
            "panels",
            "request",
            "response",
            "failure",
            "unreachable",
            "advice",
            "page",
            "addresses",
            "put",
            "size",
            "assumptions"
        ]
        .sorted()
    );
    assert_eq!(report["response"]["status"], 200);
    let values: Vec<_> =
        report["response"]["headers"].as_array().unwrap().iter().map(|h| h["value"].as_str().unwrap()).collect();
    assert_eq!(values, ["edge", "*", "*", "6"], "in the order received, without what is nobody's business");
    assert_eq!(report["failure"]["rule"], "DU012");
    assert_eq!(report["failure"]["alsoPossible"], json!([]));
    assert_eq!(report["failure"]["received"], "Access-Control-Allow-Origin: * | Access-Control-Allow-Origin: *");
    assert!(!out(&output).to_lowercase().contains("secret"));
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl<const N: usize> Sorted for [&str; N] {
    /// serde_json's maps are sorted when read.
    fn sorted(mut self) -> Self {
        self.sort_unstable();
        self
    }
}

#[test]
fn no_redirect_is_followed() {
    let elsewhere = Server::plain(filter(PLAIN, &["PUT"], &NAMES));
    let port = elsewhere.port;
    let server = Server::plain(move |_| {
        format!(
            "HTTP/1.1 307 Temporary Redirect\r\nLocation: http://127.0.0.1:{port}/?code=SECRET\r\nContent-Length: 0\r\n\r\n"
        )
    });
    let output = ask("http", &server, &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("rule:      DU020 (or DU011): a redirect"), "{}", out(&output));
    assert!(
        out(&output).contains(&format!("status 307 to http://127.0.0.1:{port}/\n")) && !out(&output).contains("SECRET")
    );
    assert_eq!((server.asked().len(), elsewhere.asked().len()), (4, 0));
}

#[rstest]
#[case::not_http("SSH-2.0-OpenSSH_9.2\r\n\r\n", "http")]
#[case::nothing("", "http")]
#[case::endless(&("HTTP/1.1 200 OK\r\n".to_owned() + &format!("X-Long: {}\r\n", "x".repeat(1000)).repeat(150)), "http")]
fn no_readable_answer_is_unknown(#[case] answer: &str, #[case] kind: &str) {
    let answer = answer.to_owned();
    let server = Server::plain(move |_| answer.clone());
    let output = ask("http", &server, &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    assert_eq!((&report["verdict"], &report["unreachable"]["kind"]), (&json!("unknown"), &json!(kind)), "{report:#}");
    assert_eq!(report["failure"], Value::Null);
}

/// As browsers read: a value that continues on the next line, and lines that are not headers.
#[test]
fn odd_heads_are_read_as_browsers_read_them() {
    let server = Server::plain(
        |_| "HTTP/1.1 204 No Content\r\nB ad\u{1}: x\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: GET,\r\n PUT\r\naccess-control-allow-headers:*\r\n\r\n",
    );
    let output = ask("http", &server, &["--panel", "angular", "--no-put"]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).contains("advice:    DU005"), "{}", out(&output));
}

#[test]
fn a_server_that_never_answers_ends_in_time() {
    let server = Server::plain(|_| {
        std::thread::sleep(Duration::from_secs(60));
        String::new()
    });
    let report = json_of(&ask("http", &server, &["-o", "json"]));
    assert_eq!(report["unreachable"]["kind"], "timeout");
}

#[rstest]
#[case::mixed(ORIGIN, "http://glance.example.com", "refused", "DU009")]
#[case::version(ORIGIN, "https://glance.example.com/v2", "refused", "DU011")]
#[case::internal(ORIGIN, "https://glance.openstack.svc.cluster.local:9292", "refused", "DU010")]
#[case::loopback(PLAIN, "http://127.0.0.1:1", "refused", "DU010")]
fn some_urls_are_refused_unasked(#[case] origin: &str, #[case] url: &str, #[case] verdict: &str, #[case] rule: &str) {
    let output = run(&["--origin", origin, "--url", url, "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    assert_eq!((&report["verdict"], &report["failure"]["rule"]), (&json!(verdict), &json!(rule)));
    assert_eq!(report["request"], Value::Null);
    assert_eq!(err(&output).contains("--resolve HOST:PORT:ADDRESS"), rule == "DU010");
}

#[rstest]
#[case::metadata("http://169.254.169.254", &[], "address")]
#[case::by_resolve("http://glance.example.com", &["--resolve", "glance.example.com:80:169.254.169.254"], "address")]
#[case::mapped("http://[::ffff:169.254.169.254]", &[], "address")]
#[case::decimal("http://2852039166", &[], "address")]
#[case::aws6("http://[fd00:ec2::254]", &[], "address")]
#[case::nobody_there("http://glance.example.com:18", &["--resolve", "glance.example.com:18:127.0.0.1"], "connect")]
fn some_are_out_of_reach(#[case] url: &str, #[case] more: &[&str], #[case] kind: &str) {
    let output = run(&[&["--origin", PLAIN, "--url", url, "-o", "json"], more].concat());
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    assert_eq!((&report["verdict"], &report["unreachable"]["kind"]), (&json!("unknown"), &json!(kind)), "{report:#}");
}

/// RFC 6761 §6.4: this name never exists. Where no name server answers at all, the time is up first.
#[test]
fn a_name_that_does_not_resolve_is_unknown() {
    let report = json_of(&run(&["--origin", PLAIN, "--url", "http://glance.invalid", "-o", "json"]));
    assert_eq!((&report["verdict"], &report["failure"]), (&json!("unknown"), &Value::Null));
    let kind = report["unreachable"]["kind"].as_str().unwrap();
    assert!(["resolve", "timeout"].contains(&kind), "{report:#}");
}

#[test]
fn an_internal_name_is_asked_where_somebody_says() {
    let server = Server::plain(filter(PLAIN, &["PUT"], &NAMES));
    let port = server.port;
    for (name, host) in
        [("localhost", "localhost"), ("127.0.0.1", "127.0.0.1"), ("glance.openstack.svc", "GLANCE.openstack.svc")]
    {
        let (url, resolve) = (format!("http://{name}:{port}/"), format!("{host}:{port}:127.0.0.1"));
        let output = run(&["--origin", PLAIN, "--url", &url, "--resolve", &resolve]);
        assert_eq!(output.status.code(), Some(0), "{}", out(&output));
        assert!(
            out(&output).contains("advice:    DU010") && out(&output).contains("advice:    DU011"),
            "{}",
            out(&output)
        );
    }
    let at_its_path = |head: &String| head.contains(" //v2/images/") || head.starts_with("GET /versions ");
    assert!(server.asked().iter().all(at_its_path));
}

#[test]
fn tls_is_checked_with_the_given_ca() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), "glance.example.com", "2");
    let ca = folder.path().join("ca.pem").display().to_string();
    let server = Server::secure(folder.path(), filter(ORIGIN, &["PUT"], &NAMES));
    let fine = ask("https", &server, &["--ca", &ca]);
    assert_eq!(fine.status.code(), Some(0), "{}{}", out(&fine), err(&fine));
    let unknown = ask("https", &server, &[]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(out(&unknown).starts_with("unknown: ") && out(&unknown).contains("--ca FILE"), "{}", out(&unknown));
    assert_eq!(json_of(&ask("https", &server, &["-o", "json"]))["unreachable"]["kind"], "certificate");
    assert_eq!(server.asked().len(), 8, "nothing is sent to a server that is not known");
}

#[rstest]
#[case::other_name("other.example.com", "2", "not for the name glance.example.com")]
#[case::expired("glance.example.com", "-1", "has expired")]
fn certificates_that_no_browser_accepts(#[case] name: &str, #[case] days: &str, #[case] said: &str) {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), name, days);
    let ca = folder.path().join("ca.pem").display().to_string();
    let server = Server::secure(folder.path(), filter(ORIGIN, &["PUT"], &NAMES));
    let output = ask("https", &server, &["--ca", &ca]);
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains(said) && out(&output).contains("a browser refuses it too"), "{}", out(&output));
}

/// rustls accepts all but the last.
#[rstest]
#[case::expired_ca(PAST, "", "", "the given CA CN=ca, which issued", "renew the CA")]
#[case::ca_for_clients(
    ALWAYS,
    "extendedKeyUsage=clientAuth",
    "",
    "lacks serverAuth",
    "browser that trusts it refuses it too"
)]
#[case::key_usage(ALWAYS, "", "keyUsage=keyEncipherment", "lacks digitalSignature", "Chromium refuses it")]
#[case::other_names_only(
    ALWAYS,
    "nameConstraints=critical,permitted;DNS:example.org",
    "",
    "a rule of its chain",
    "browsers refuse most such certificates too"
)]
fn chains_that_no_browser_accepts(
    #[case] valid: [&str; 2],
    #[case] of_ca: &str,
    #[case] of_server: &str,
    #[case] said: &str,
    #[case] fix: &str,
) {
    let folder = tempfile::tempdir().unwrap();
    root(folder.path(), "ca", "ca", valid, &format!("basicConstraints=critical,CA:TRUE\n{of_ca}"));
    issue(folder.path(), "ca", "server", "rsa", &format!("{LEAF}\n{of_server}"));
    let ca = folder.path().join("ca.pem").display().to_string();
    let server = Server::secure(folder.path(), filter(ORIGIN, &["PUT"], &NAMES));
    let output = ask("https", &server, &["--ca", &ca, "-o", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let report = json_of(&output);
    let why = &report["unreachable"];
    assert_eq!((&report["verdict"], &why["kind"]), (&json!("unknown"), &json!("certificate")), "{report:#}");
    assert!(why["message"].as_str().unwrap().contains(said), "{why}");
    assert!(why["fix"].as_str().unwrap().contains(fix), "{why}");
    assert_eq!(server.asked(), Vec::<String>::new());
}

/// Chromium takes it, Firefox does not.
#[test]
fn a_servers_certificate_that_is_marked_as_a_ca_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    root(folder.path(), "ca", "ca", ALWAYS, "basicConstraints=critical,CA:TRUE");
    issue(folder.path(), "ca", "server", "ec", &LEAF.replace("FALSE", "TRUE"));
    let ca = folder.path().join("ca.pem").display().to_string();
    let server = Server::secure(folder.path(), filter(ORIGIN, &["PUT"], &NAMES));
    let report = json_of(&ask("https", &server, &["-o", "json", "--ca", &ca]));
    let why = &report["unreachable"];
    assert!(why["message"].as_str().unwrap().contains("CA:TRUE"), "{report:#}");
    let fix = why["fix"].as_str().unwrap();
    assert!(fix.starts_with("Firefox refuses it") && fix.contains("Chromium accepts it"), "{why}");
}

/// Firefox does not take it, also if exactly this one is trusted.
#[test]
fn a_self_signed_certificate_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    self_signed(folder.path(), "glance.example.com");
    let server = Server::secure(folder.path(), filter(ORIGIN, &["PUT"], &NAMES));
    let ca = folder.path().join("server.pem").display().to_string();
    let report = json_of(&ask("https", &server, &["-o", "json", "--ca", &ca]));
    let why = &report["unreachable"];
    assert_eq!((&report["verdict"], &why["kind"]), (&json!("unknown"), &json!("certificate")), "{report:#}");
    assert!(why["fix"].as_str().unwrap().contains("Firefox"), "{why}");
}

/// Neither Chromium nor Firefox offers this kind of signature.
#[test]
fn a_certificate_with_an_ed25519_key_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    ed25519(folder.path(), "glance.example.com");
    let server = Server::secure(folder.path(), filter(ORIGIN, &["PUT"], &NAMES));
    let ca = folder.path().join("ca.pem").display().to_string();
    let report = json_of(&ask("https", &server, &["-o", "json", "--ca", &ca]));
    assert_eq!(report["unreachable"]["kind"], json!("tls"), "{report:#}");
    assert!(report["unreachable"]["fix"].as_str().unwrap().contains("ECDSA"), "{report:#}");
}

#[test]
fn https_to_a_port_that_speaks_http_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let served = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").unwrap();
        // Until the client has gone.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let url = format!("https://glance.example.com:{port}");
    let resolve = format!("glance.example.com:{port}:127.0.0.1");
    let output = run(&["--origin", ORIGIN, "--url", &url, "--resolve", &resolve, "-o", "json"]);
    served.join().unwrap();
    let report = json_of(&output);
    assert_eq!((&report["verdict"], &report["unreachable"]["kind"]), (&json!("unknown"), &json!("tls")));
    assert!(report["unreachable"]["message"].as_str().unwrap().ends_with("does not speak TLS"), "{report:#}");
}

/// Dashboard and Glance of one host: who answers the upload itself is what counts.
#[rstest]
#[case::glance("401 Unauthorized\r\nWWW-Authenticate: Keystone uri=\"https://k\"", "404 Not Found", 0, 3)]
#[case::glance_without_challenge("401 Unauthorized", "200 OK\r\nContent-Type: application/json", 0, 5)]
#[case::login_of_both("401 Unauthorized", "200 OK\r\nContent-Type: text/html", 0, 5)]
#[case::dashboard("404 Not Found\r\nContent-Type: text/html", "404 Not Found", 1, 1)]
#[case::login("302 Found\r\nLocation: /auth/login/?next=/", "200 OK", 1, 4)]
fn of_the_same_origin_the_upload_itself_is_asked(
    #[case] put: &str,
    #[case] versions: &str,
    #[case] code: i32,
    #[case] questions: usize,
) {
    let answers = [put, versions].map(|head| format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n"));
    let login = "HTTP/1.1 200 OK\r\nContent-Length: 27\r\n\r\n<body ng-app='horizon.app'>".to_owned();
    let server = Server::plain(move |head| {
        if head.starts_with("GET /auth/login/") {
            return login.clone();
        }
        answers[usize::from(head.starts_with("GET /image/versions "))].clone()
    });
    let origin = format!("http://cloud.example.com:{}", server.port);
    let resolve = format!("cloud.example.com:{}:127.0.0.1", server.port);
    let output = run(&["--origin", &origin, "--url", &format!("{origin}/image"), "--resolve", &resolve, "-o", "json"]);
    assert_eq!(output.status.code(), Some(code), "{}", out(&output));
    let asked = server.asked();
    assert_eq!(asked.len(), questions, "{asked:?}");
    assert!(asked[0].starts_with("PUT /image/v2/images/"), "{}", asked[0]);
    assert_eq!((header(&asked[0], "Content-Length"), header(&asked[0], "X-Auth-Token")), (Some("0"), None));
    assert_eq!(json_of(&output)["request"]["method"], json!("PUT"));
}

const GLANCE_SAYS: &str = "401 Unauthorized\r\nWWW-Authenticate: Keystone uri=\"https://k\"";
const READABLE: &str =
    "\r\nAccess-Control-Allow-Origin: http://horizon.example.com\r\nAccess-Control-Allow-Credentials: true";

/// Grants preflights as Glance does; answers the complete PUT and the announced one so.
fn putting(put: String, announced: String) -> Server {
    let preflights = filter(PLAIN, &["PUT"], &NAMES);
    Server::plain(move |head| match (head.starts_with("PUT "), header(head, "Expect")) {
        (false, _) => preflights(head),
        (true, None) => put.clone(),
        (true, Some(_)) => announced.clone(),
    })
}

fn http(head: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n")
}

/// What only the PUT meets. Its preflight was granted each time.
#[rstest]
#[case::stripped(&http(&format!("{GLANCE_SAYS}\r\nVary: Origin")), "DU012", "by:        Glance")]
#[case::doubled(&http(&format!("{GLANCE_SAYS}{READABLE}{READABLE}")), "DU012", "the same origin several times")]
#[case::basic(&http("401 Unauthorized\r\nServer: edge\r\nWWW-Authenticate: Basic realm=cloud"), "DU020", "by:        Server: edge")]
#[case::method(&http("405 Method Not Allowed"), "DU020", "by:        an unknown server")]
#[case::login(&http("302 Found\r\nLocation: https://sso.example.com/login?SECRET"), "DU020", "status 302 to https://sso.example.com/login")]
#[case::limit(&http("413 Content Too Large"), "DU014", "a PUT of no bytes")]
#[case::no_backend(&http("502 Bad Gateway"), "DU012", "no working Glance")]
#[case::closed("", "DU020", "by:        no answer")]
fn an_upload_that_fails_is_refused(#[case] put: &str, #[case] rule: &str, #[case] said: &str) {
    let server = putting(put.to_owned(), put.to_owned());
    let output = ask("http", &server, &[]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(text.starts_with("refused: a browser at http://horizon.example.com cannot upload"), "{text}");
    assert!(text.contains(&format!("rule:      {rule}")) && text.contains(said), "{text}");
    assert!(!text.contains("SECRET"), "{text}");
    let report = json_of(&ask("http", &server, &["-o", "json"]));
    assert_eq!((&report["verdict"], &report["put"]["verdict"]), (&json!("refused"), &json!("refused")), "{report:#}");
    assert_eq!(report["put"]["failure"]["rule"], rule);
    assert_eq!(report["failure"], Value::Null, "the preflight is granted");
    for head in server.asked().iter().filter(|head| head.starts_with("PUT ")) {
        assert!(header(head, "User-Agent").unwrap().contains("direct-upload-operator/"), "{head}");
        assert_eq!(header(head, "Origin"), Some(PLAIN), "{head}");
        // Nobody's: for servers that only want some token.
        let named = |token: &str| token.starts_with("gAAAAA") && token.contains("direct-upload-operator");
        assert!(header(head, "X-Auth-Token").is_none_or(named), "{head}");
    }
}

/// A PUT right after its preflight is refused, as nginx does by `limit_req` without `burst`; the same PUT alone passes.
#[test]
fn a_rate_limit_that_browsers_meet_is_refused() {
    let preflights = filter(PLAIN, &["PUT"], &NAMES);
    let follows_preflight = AtomicBool::new(false);
    let server = Server::plain(move |head| {
        let follows_preflight = follows_preflight.swap(head.starts_with("OPTIONS "), Ordering::Relaxed);
        if follows_preflight && head.starts_with("PUT ") { http("503 Service Unavailable") } else { preflights(head) }
    });
    let output = ask("http", &server, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("a rate limit in front of Glance"), "{}", out(&output));
}

/// Two servers take turns behind one address, and only one of them lets uploads pass.
#[rstest]
#[case::another_glance(0, "OPTIONS", "200 OK")]
#[case::another_glance_later(1, "OPTIONS", "200 OK")]
#[case::another_proxy(0, "PUT", "405 Method Not Allowed")]
#[case::another_proxy_later(1, "PUT", "405 Method Not Allowed")]
fn servers_that_take_turns(#[case] turn: usize, #[case] method: &'static str, #[case] status: &'static str) {
    let grants = filter(PLAIN, &["PUT"], &NAMES);
    let count = std::sync::atomic::AtomicUsize::new(turn);
    let server = Server::plain(move |head| {
        let is_other = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 2 == 1;
        if is_other && head.starts_with(method) { http(status) } else { grants(head) }
    });
    let output = ask("http", &server, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("servers behind glance.example.com answer the same request in different ways"));
}

/// A filter that ends requests with a token, whatever it is.
#[test]
fn a_filter_of_tokens_is_seen() {
    let grants = filter(PLAIN, &["PUT"], &NAMES);
    let server =
        Server::plain(
            move |head| {
                if header(head, "X-Auth-Token").is_some() { http("400 Bad Request") } else { grants(head) }
            },
        );
    let output = ask("http", &server, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", out(&output));
    assert!(out(&output).contains("refuses a PUT with an X-Auth-Token"), "{}", out(&output));
}

/// Of the same origin, a login in front of dashboard and Glance: browsers have passed it.
#[rstest]
#[case::both("302 Found\r\nLocation: https://sso.example.com/", 0, "granted: ")]
#[case::glance_s_path_alone("200 OK\r\nContent-Type: text/html", 1, "refused: ")]
fn a_login_in_front_of_both(#[case] page: &'static str, #[case] code: i32, #[case] said: &str) {
    let server = Server::plain(move |head| {
        let horizon = "<body ng-app='horizon.app'>";
        match head.starts_with("GET / ") {
            true if page.starts_with("200") => {
                format!("HTTP/1.1 {page}\r\nContent-Length: {}\r\n\r\n{horizon}", horizon.len())
            }
            true => http(page),
            false => http("403 Forbidden\r\nContent-Type: text/html"),
        }
    });
    let origin = format!("http://cloud.example.com:{}", server.port);
    let resolve = format!("cloud.example.com:{}:127.0.0.1", server.port);
    let output = run(&["--origin", &origin, "--url", &format!("{origin}/image"), "--resolve", &resolve]);
    assert_eq!(output.status.code(), Some(code), "{}", out(&output));
    assert!(out(&output).starts_with(said), "{}", out(&output));
    assert_eq!(out(&output).contains("if that is one login for both"), code == 0, "{}", out(&output));
}

/// Errors without CORS headers, successes with them: nobody has seen that an upload fails.
#[test]
fn errors_that_the_page_may_not_read_are_an_assumption() {
    let preflights = filter(PLAIN, &["PUT"], &NAMES);
    let server = Server::plain(move |head| match head.split(' ').next() {
        Some("GET") if head.starts_with("GET /versions ") => http(&format!("200 OK{READABLE}")),
        Some("GET" | "PUT") => http(GLANCE_SAYS),
        _ => preflights(head),
    });
    let output = ask("http", &server, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).contains("it may read a successful answer to a GET"), "{}", out(&output));
    let get = server.asked().into_iter().find(|head| head.starts_with("GET ")).unwrap();
    assert!(get.starts_with("GET /versions ") && header(&get, "Origin") == Some(PLAIN), "{get}");
}

/// A filter on PUTs without data, and servers that take turns: only the first refuses the same request again.
#[rstest]
#[case::a_filter(&[false, false, false, false], 0)]
#[case::turns(&[false, false, true, true], 1)]
fn an_empty_put_that_is_refused(#[case] passes: &'static [bool], #[case] code: i32) {
    let preflights = filter(PLAIN, &["PUT"], &NAMES);
    let good = http(&format!("{GLANCE_SAYS}{READABLE}"));
    let count = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::plain(move |head| match (head.starts_with("PUT "), header(head, "Expect")) {
        (false, _) => preflights(head),
        (true, Some(_)) => good.clone(),
        (true, None) => {
            let nth = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            if passes.get(nth).copied().unwrap_or_default() { good.clone() } else { http("412 Precondition Failed") }
        }
    });
    let output = ask("http", &server, &["--panel", "angular"]);
    assert_eq!(output.status.code(), Some(code), "{}", out(&output));
}

/// The size that uploads may have: a limit refuses it before any data; what waits for data says nothing.
#[rstest]
#[case::limit(&http("413 Content Too Large\r\nServer: edge"), "refused", 1)]
#[case::continues("HTTP/1.1 100 Continue\r\n\r\n", "unknown", 0)]
#[case::continues_to_glance(&format!("HTTP/1.1 100 Continue\r\n\r\n{}", http(&format!("{GLANCE_SAYS}{READABLE}"))), "granted", 0)]
#[case::not_known(&http("417 Expectation Failed"), "unknown", 0)]
#[case::closed("", "unknown", 0)]
fn the_announced_size(#[case] announced: &str, #[case] verdict: &str, #[case] code: i32) {
    let server = putting(http(&format!("{GLANCE_SAYS}{READABLE}")), announced.to_owned());
    let output = ask("http", &server, &["-o", "json", "--size", "3GiB"]);
    let report = json_of(&output);
    assert_eq!(
        (&report["put"]["verdict"], &report["size"]["verdict"]),
        (&json!("granted"), &json!(verdict)),
        "{report:#}"
    );
    assert_eq!((output.status.code(), &report["size"]["bytes"]), (Some(code), &json!(3_u64 << 30)));
    // Nobody is at the dashboard's name here: two more are of its page and of its addresses, and one of the data.
    let assumptions = if code == 0 { 3 + usize::from(verdict == "unknown") } else { 0 };
    assert_eq!(report["assumptions"].as_array().unwrap().len(), assumptions, "{report:#}");
    let asked = server.asked();
    let announcing = asked.iter().find(|head| head.contains("Expect: 100-continue")).unwrap();
    assert_eq!(header(announcing, "Content-Length"), Some("3221225472"));
}

/// The dashboard's own page, behind a redirect as Horizon's is: its policy, and who is there.
#[rstest]
#[case::no_policy("200 OK", "<title>OpenStack Horizon</title>", 0, "granted", None)]
#[case::a_policy("200 OK\r\nContent-Security-Policy: connect-src 'self'", "Horizon", 1, "refused", Some("DU013"))]
#[case::a_policy_of_another_page(
    "403 Forbidden\r\nContent-Security-Policy: connect-src 'self'",
    "",
    0,
    "unknown",
    None
)]
#[case::a_login_of_its_own("200 OK", "<form><input type=password></form>", 0, "unknown", None)]
#[case::nothing("404 Not Found", "no such page", 0, "unknown", None)]
fn the_page_is_asked(
    #[case] head: &str,
    #[case] body: &str,
    #[case] code: i32,
    #[case] verdict: &str,
    #[case] rule: Option<&str>,
) {
    let page = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    let server = Server::plain(move |head| {
        let origin = header(head, "Origin").unwrap_or_default().to_owned();
        let put =
            format!("{GLANCE_SAYS}\r\nAccess-Control-Allow-Origin: {origin}\r\nAccess-Control-Allow-Credentials: true");
        match head.split(' ').take(2).collect::<Vec<_>>().join(" ").as_str() {
            "GET /horizon/" => http("302 Found\r\nLocation: /horizon/auth/login/?next=/horizon/"),
            "GET /horizon/auth/login/?next=/horizon/" => page.clone(),
            asked if asked.starts_with("PUT ") => http(&put),
            _ => filter(&origin, &["PUT"], &NAMES)(head),
        }
    });
    let port = server.port;
    let resolve = |host: &str| format!("{host}.example.com:{port}:127.0.0.1");
    let (origin, url) = (format!("http://horizon.example.com:{port}"), format!("http://glance.example.com:{port}"));
    let (horizon, glance) = (resolve("horizon"), resolve("glance"));
    let asked = ["--origin", &origin, "--url", &url, "--resolve", &horizon, "--resolve", &glance];
    let output = run(&[&asked[..], &["--page-path", "/horizon/", "-o", "json"]].concat());
    let report = json_of(&output);
    assert_eq!((output.status.code(), &report["page"]["verdict"]), (Some(code), &json!(verdict)), "{report:#}");
    assert_eq!(report["page"]["url"], format!("{origin}/horizon/auth/login/?next=/horizon/"));
    assert_eq!(report["page"]["failure"]["rule"].as_str(), rule);
    let output = run(&[&asked[..], &["--no-page", "-o", "json"]].concat());
    assert_eq!((output.status.code(), &json_of(&output)["page"]), (Some(0), &Value::Null));
}

/// What stores requests first never answers: within bounds, and no failure.
#[test]
fn a_put_that_nobody_answers_is_an_assumption() {
    let preflights = filter(PLAIN, &["PUT"], &NAMES);
    let server = Server::plain(move |head| {
        if header(head, "Expect").is_some() {
            std::thread::sleep(Duration::from_secs(60));
        }
        preflights(head)
    });
    let output = ask("http", &server, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", out(&output));
    assert!(out(&output).starts_with("granted: "), "{}", out(&output));
    assert!(out(&output).contains("\nassumed:   it is assumed that no limit in front of Glance"), "{}", out(&output));
    assert!(out(&output).contains("no answer within 5 s"), "{}", out(&output));
}

#[test]
fn puts_can_be_switched_off() {
    let server = putting(http("405 Method Not Allowed"), http("413 Content Too Large"));
    let output = ask("http", &server, &["--no-put", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0));
    let report = json_of(&output);
    assert_eq!((&report["put"], &report["size"]), (&Value::Null, &Value::Null));
    assert_eq!(report["assumptions"].as_array().unwrap().len(), 5, "{report:#}");
    assert!(server.asked().iter().all(|head| head.starts_with("OPTIONS ")));
    let both = run(&["--origin", PLAIN, "--url", "http://g.example", "--no-put", "--size", "1"]);
    assert_eq!(both.status.code(), Some(2), "{}", err(&both));
}

/// Glance with `allow_credentials = False`: fine for one panel, and the end of uploads from the other.
#[rstest]
#[case("angular", 0, "granted")]
#[case("django", 1, "refused")]
#[case("unknown", 1, "refused")]
fn panels(#[case] panel: &str, #[case] code: i32, #[case] verdict: &str) {
    let glance = filter(PLAIN, &["PUT"], &NAMES);
    let server = Server::plain(move |head| glance(head).replace("Access-Control-Allow-Credentials: true\r\n", ""));
    let output = ask("http", &server, &["--panel", panel, "-o", "json"]);
    let report = json_of(&output);
    assert_eq!((output.status.code(), &report["verdict"]), (Some(code), &json!(verdict)), "{report:#}");
    assert_eq!(report["panel"], panel);
    assert_eq!(report["panels"]["angular"]["verdict"], "granted");
    assert_eq!(
        (&report["panels"]["django"]["verdict"], &report["panels"]["django"]["rule"]),
        (&json!("refused"), &json!("DU024"))
    );
    let asks_csrf = server.asked()[0].contains("x-csrftoken");
    assert_eq!(asks_csrf, panel != "django");
    let text = ask("http", &server, &["--panel", panel]);
    assert!(out(&text).contains("\n             django: refused, DU024\n"), "{}", out(&text));
}

/// The answer to the PUT counts for each panel, too.
#[test]
fn credentials_may_be_taken_off_the_put_alone() {
    let put = http(&format!("{GLANCE_SAYS}\r\nAccess-Control-Allow-Origin: {PLAIN}"));
    let server = putting(put.clone(), put);
    let report = json_of(&ask("http", &server, &["--panel", "angular", "-o", "json"]));
    assert_eq!((&report["verdict"], &report["panels"]["django"]["verdict"]), (&json!("granted"), &json!("refused")));
    assert_eq!(report["panels"]["django"]["rule"], "DU012");
    let report = json_of(&ask("http", &server, &["-o", "json"]));
    assert_eq!(report["verdict"], "refused");
    let message = report["put"]["failure"]["message"].as_str().unwrap();
    assert!(message.contains("those of the Angular panel would pass"), "{message}");
}

/// Granted to the one panel; the other's silent refusal is explained by asking for less, too.
#[test]
fn the_other_panels_refusal_is_narrowed() {
    let server = Server::plain(filter(PLAIN, &["GET", "PUT"], &["X-Auth-Token"]));
    let report = json_of(&ask("http", &server, &["--panel", "django", "-o", "json"]));
    assert_eq!((&report["verdict"], &report["panels"]["django"]["verdict"]), (&json!("granted"), &json!("granted")));
    assert_eq!(report["panels"]["angular"]["rule"], "DU003", "{report:#}");
}
