//! A browser's network log: its fault is named, and no secret of it is printed.

use direct_upload_api::Rule;
use direct_upload_check::har::diagnose;
use rstest::rstest;
use serde_json::{Value, json};

const PAGE: &str = "https://d.example/api/glance/images/";
const UPLOAD: &str = "https://glance.example/v2/images/6c0f/file?token=SECRET";

fn entry(method: &str, url: &str, asked: Value, status: i64, answered: Value, error: Option<&str>) -> Value {
    let headers = |of: Value| {
        let pairs = of.as_object().cloned().unwrap_or_default().into_iter();
        pairs.map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>()
    };
    let mut entry = json!({
        "request": {"method": method, "url": url, "headers": headers(asked), "cookies": [{"name": "s", "value": "SECRET"}],
            "postData": {"text": "SECRET"}},
        "response": {"status": status, "headers": headers(answered), "content": {"text": "{\"token_id\": \"SECRET\"}"}},
        "time": 61000.0,
    });
    if let Some(error) = error {
        entry["response"]["_error"] = error.into();
    }
    entry
}

fn preflight(status: i64, answered: Value) -> Value {
    let asked = json!({
        "Origin": "https://d.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type,x-auth-token,x-csrftoken",
    });
    entry("OPTIONS", UPLOAD, asked, status, answered, None)
}

fn put(status: i64, answered: Value, error: Option<&str>) -> Value {
    entry("PUT", UPLOAD, json!({"Origin": "https://d.example", "X-Auth-Token": "SECRET"}), status, answered, error)
}

fn granted() -> Value {
    preflight(
        200,
        json!({
            "Access-Control-Allow-Origin": "https://d.example",
            "Access-Control-Allow-Methods": "PUT",
            "Access-Control-Allow-Headers": "content-type,x-auth-token,x-csrftoken",
            "Access-Control-Allow-Credentials": "true",
            "Vary": "Origin",
        }),
    )
}

fn readable() -> Value {
    json!({"Access-Control-Allow-Origin": "https://d.example", "X-OpenStack-Request-ID": "req-1", "Access-Control-Allow-Credentials": "true"})
}

#[rstest]
#[case::refused(vec![preflight(200, json!({})), put(0, json!({}), Some("net::ERR_FAILED"))], Some(Rule::OriginMissing))]
#[case::a_header_is_missing(vec![preflight(200, json!({"Access-Control-Allow-Origin": "https://d.example", "Access-Control-Allow-Methods": "PUT", "Access-Control-Allow-Headers": "content-type,x-auth-token"}))], Some(Rule::CorsOnTheWay))]
#[case::doubled(vec![preflight(200, json!({"Access-Control-Allow-Origin": "https://d.example, https://d.example"}))], Some(Rule::CorsOnTheWay))]
#[case::too_large(vec![granted(), put(413, json!({}), None)], Some(Rule::BodyLimit))]
#[case::too_slow(vec![granted(), put(504, json!({}), None)], Some(Rule::TooSlow))]
#[case::cut(vec![granted(), put(0, json!({}), Some("net::ERR_CONNECTION_RESET"))], Some(Rule::TooSlow))]
#[case::csp(vec![put(0, json!({}), Some("net::ERR_BLOCKED_BY_CSP"))], Some(Rule::Csp))]
#[case::local_network(vec![put(0, json!({}), Some("net::ERR_BLOCKED_BY_LOCAL_NETWORK_ACCESS_CHECKS"))], Some(Rule::LocalNetwork))]
#[case::works(vec![granted(), put(204, readable(), None)], None)]
#[case::expired(vec![granted(), put(401, readable(), None)], None)]
#[case::legacy(vec![entry("PUT", PAGE, json!({"Content-Type": "multipart/form-data; boundary=x"}), 500, json!({}), None)], Some(Rule::NoEffect))]
#[case::mixed(vec![entry("PUT", "http://glance.example:9292/v2/images/6c0f/file", json!({"Origin": "https://d.example"}), 0, json!({}), None)], Some(Rule::MixedContent))]
#[case::a_version(vec![entry("PUT", "https://glance.example/v2/v2/images/6c0f/file", json!({"Origin": "https://d.example"}), 0, json!({}), None)], Some(Rule::WrongEndpoint))]
fn what_a_recording_shows(#[case] entries: Vec<Value>, #[case] expected: Option<Rule>) {
    let diagnosis = diagnose(&json!({"log": {"entries": entries}}).to_string()).unwrap();
    assert_eq!(diagnosis.rule, expected, "{diagnosis:#?}");
    assert!(!format!("{diagnosis:?}").contains("SECRET"), "{diagnosis:#?}");
}

#[rstest]
#[case("")]
#[case("{}")]
#[case("{\"log\": {\"entries\": \"SECRET\"}}")]
#[case("[1, 2")]
fn what_is_no_recording_is_refused(#[case] text: &str) {
    let error = diagnose(text).unwrap_err().to_string();
    assert!(error.contains("no HAR file") && !error.contains("SECRET"), "{error}");
}
