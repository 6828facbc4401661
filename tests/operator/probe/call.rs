//! A page's calls of an API, asked over a socket.

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Rule};
use direct_upload_core::model::{ApiCall, Observation, ProbeAnswer};
use direct_upload_operator::probe::{Depth, Gate, Host, Probe, Trust, call};

use crate::probe::server::{Server, filter, header};

const PORTAL: &str = "http://portal.example.com";

fn ask(server: &Server) -> Observation {
    let host = Host { name: "keystone.example.com".into(), port: server.port, address: "127.0.0.1".parse().ok() };
    let probe = Probe {
        origin: Origin::parse(PORTAL).unwrap(),
        endpoint: Endpoint::parse(&format!("http://keystone.example.com:{}/v3", server.port)).unwrap(),
        panel: Panel::Unknown,
        hosts: vec![host],
        trust: Trust::with(b"").unwrap(),
        gate: Gate::default(),
        uploads: None,
        page: None,
        address_spaces: false,
        depth: Depth::Checks,
    };
    let asked = ApiCall {
        service: "Keystone",
        methods: vec!["GET", "POST", "PATCH", "DELETE"],
        headers: vec!["content-type".into(), "x-auth-token".into(), "x-subject-token".into()],
        credentials: false,
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(call(&probe, &asked))
}

fn refusal(observation: &Observation) -> (Option<Rule>, String) {
    match &observation.preflight {
        ProbeAnswer::Refused(cause) => (cause.rule, cause.message.clone()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_that_is_asked_must_pass() {
    let all = ["GET", "POST", "PATCH", "DELETE"];
    let server = Server::plain(filter(PORTAL, &all, &["x-auth-token", "x-subject-token"]));
    let observation = ask(&server);
    assert_eq!(observation.preflight, ProbeAnswer::Granted(vec![]));
    assert_eq!(observation.reached, "127.0.0.1".parse().ok());
    let asked = server.asked();
    let methods: Vec<_> = asked.iter().filter_map(|head| header(head, "Access-Control-Request-Method")).collect();
    assert_eq!(methods, ["GET", "PATCH", "DELETE"]);
    assert!(asked.iter().all(|head| head.starts_with("OPTIONS /v3 HTTP/1.1\r\n")), "{asked:?}");
}

#[test]
fn a_silent_refusal_names_the_header_or_the_method() {
    let server = Server::plain(filter(PORTAL, &["GET", "PATCH", "DELETE"], &["x-auth-token"]));
    let (rule, message) = refusal(&ask(&server));
    assert_eq!(rule, Some(Rule::HeaderMissing));
    assert!(message.ends_with("not with the header x-subject-token"), "{message}");

    let server = Server::plain(filter(PORTAL, &["GET", "DELETE"], &["x-auth-token", "x-subject-token"]));
    let (rule, message) = refusal(&ask(&server));
    assert_eq!(rule, Some(Rule::OriginMissing));
    assert!(message.contains("PATCH"), "{message}");

    let server = Server::plain(filter("http://other.example.com", &["GET"], &[]));
    assert_eq!(refusal(&ask(&server)).0, Some(Rule::OriginMissing));
}

#[test]
fn no_answer_is_unknown() {
    let server = Server::plain(|_: &str| Vec::new());
    assert!(matches!(ask(&server).preflight, ProbeAnswer::Unknown(_)));
}
