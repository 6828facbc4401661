//! A browser's recording: the report names what it shows, and prints nothing secret.
//!
//! The files under tests/fixtures/har are recordings of real browsers before the servers of the browser tier
//! (tests/browser/test_recordings.py, which holds all of its cases against the built program, and made these by
//! DUO_RECORDINGS). Chromium's (156) were built by the exporter of its own DevTools (models/har, not sanitized),
//! Firefox's (153 ESR) by its own network monitor (getHARFromNetMonitor). A test cut them to the page and one upload;
//! tokens, cookies and bodies in them are invented. No person pressed "Save all as HAR": what that adds to the files
//! (indentation, response bodies) is not in them. The other recordings of this file are written by hand.

use std::fs;

use direct_upload_api::Rule;
use direct_upload_check as check;
use direct_upload_check::har::diagnose;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::file;

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
#[case::arrived_and_unreadable(vec![granted(), put(204, json!({"X-OpenStack-Request-ID": "req-1"}), None)], Some(Rule::CorsOnTheWay))]
#[case::arrived_for_another(vec![granted(), put(204, json!({"Access-Control-Allow-Origin": "https://other.example"}), None)], Some(Rule::CorsOnTheWay))]
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
    assert!(error.contains("not a HAR file") && !error.contains("SECRET"), "{error}");
}

/// By case: the rule, and whether the recording shows a failure. `None, true`: one that no rule explains.
#[rstest]
#[case("origin-exact-angular", None, false)]
#[case("origin-none-angular", Some(Rule::CorsOnTheWay), true)]
#[case("origin-trailing-slash-angular", Some(Rule::OriginForm), true)]
#[case("origin-any-django", Some(Rule::AnyOrigin), true)]
#[case("wire-control-in-origin-angular", Some(Rule::OriginForm), true)]
#[case("methods-lower-case-angular", Some(Rule::CorsOnTheWay), true)]
#[case("credentials-none-django", Some(Rule::NoCredentials), true)]
#[case("status-302-angular", Some(Rule::WrongEndpoint), true)]
#[case("status-401-angular", Some(Rule::OptionsFiltered), true)]
#[case("status-405-angular", Some(Rule::OptionsFiltered), true)]
#[case("status-503-angular", Some(Rule::CorsOnTheWay), true)]
#[case("put-glance-angular", None, true)]
#[case("put-stripped-angular", Some(Rule::CorsOnTheWay), true)]
#[case("put-doubled-angular", Some(Rule::CorsOnTheWay), true)]
#[case("put-body-limit-angular", Some(Rule::BodyLimit), true)]
#[case("put-no-backend-angular", Some(Rule::CorsOnTheWay), true)]
#[case("put-too-slow-angular", Some(Rule::TooSlow), true)]
#[case("put-rate-limit-angular", None, true)]
#[case("put-login-page-angular", Some(Rule::OptionsFiltered), true)]
#[case("wire-nothing-angular", None, true)]
#[case("tls-expired-angular", None, true)]
#[case("tls-other-name-angular", None, true)]
#[case("tls-unknown-authority-angular", None, true)]
#[case("tls-client-certificate-angular", None, true)]
#[case("tls-tls-1-1-angular", None, true)]
#[case("mixed-angular", Some(Rule::MixedContent), true)]
#[case("https-to-http-angular", None, true)]
#[case("csp-angular", Some(Rule::Csp), true)]
fn what_real_browsers_record(#[case] name: &str, #[case] rule: Option<Rule>, #[case] fails: bool) {
    for browser in ["chromium", "firefox"] {
        let diagnosis = recorded(&format!("{browser}-{name}"));
        assert_eq!((diagnosis.rule, diagnosis.fails), (rule, fails), "{browser}: {diagnosis:#?}");
    }
}

/// What only one browser records, or says in words of its own.
#[rstest]
#[case("chromium-no-such-name-angular", Some(Rule::NotPublic), "cannot resolve the name")]
#[case("firefox-no-such-name-angular", None, "does not say why")]
#[case("chromium-network-changed-angular", None, "lost its network")]
#[case("chromium-tls-expired-angular", None, "it has expired")]
#[case("firefox-tls-expired-angular", None, "does not trust its certificate")]
#[case("chromium-tls-client-certificate-angular", None, "requires a client certificate")]
#[case("chromium-wire-nothing-angular", None, "closed the connection without an answer")]
fn what_one_browser_records(#[case] name: &str, #[case] rule: Option<Rule>, #[case] words: &str) {
    let diagnosis = recorded(name);
    assert_eq!((diagnosis.rule, diagnosis.fails), (rule, true), "{diagnosis:#?}");
    assert!(diagnosis.verdict.contains(words), "{diagnosis:#?}");
}

fn recorded(name: &str) -> check::har::Diagnosis {
    let path = file(&format!("crates/check/tests/fixtures/har/{name}.har"));
    let text = fs::read_to_string(path).unwrap();
    let diagnosis = diagnose(&text).unwrap();
    let told = format!("{diagnosis:?}");
    for secret in ["gAAAAAB-token", "csrf-secret", "session-cookie", "image-data", "image-metadata"] {
        assert!(!told.contains(secret), "{told}");
    }
    assert!(text.contains("gAAAAAB-token"), "the recording has what must not be told");
    diagnosis
}

/// A request that got no answer, in Chromium's words.
#[rstest]
#[case("net::ERR_ABORTED", None, "ended the upload itself")]
#[case("net::ERR_UPLOAD_FILE_CHANGED", None, "could not read the whole file")]
#[case("net::ERR_BLOCKED_BY_CLIENT", None, "an extension")]
#[case("net::ERR_CONNECTION_RESET", Some(Rule::TooSlow), "after 61 s")]
fn what_chromium_calls_it(#[case] error: &str, #[case] rule: Option<Rule>, #[case] words: &str) {
    let entries = json!({"log": {"entries": [granted(), put(0, json!({}), Some(error))]}});
    let diagnosis = diagnose(&entries.to_string()).unwrap();
    assert_eq!((diagnosis.rule, diagnosis.fails), (rule, true));
    assert!(diagnosis.verdict.contains(words), "{diagnosis:#?}");
}

/// Which panel made the upload shows by how the image was made.
#[test]
fn the_django_panels_upload_has_credentials() {
    let made = entry("POST", "https://d.example/project/images/create/", json!({}), 200, json!({}), None);
    let mut answered = granted();
    let headers = answered["response"]["headers"].as_array_mut().unwrap();
    headers.retain(|header| header["name"] != "Access-Control-Allow-Credentials");
    let entries = json!({"log": {"entries": [made, answered, put(0, json!({}), Some("net::ERR_FAILED"))]}});
    assert_eq!(diagnose(&entries.to_string()).unwrap().rule, Some(Rule::NoCredentials));
}

/// Firefox grants by some answers that Chromium refuses: what was answered was sent.
#[test]
fn an_upload_that_was_answered_was_granted() {
    let lenient = preflight(200, json!({"Access-Control-Allow-Origin": "https://e.example"}));
    let entries = json!({"log": {"entries": [lenient, put(204, readable(), None)]}});
    let diagnosis = diagnose(&entries.to_string()).unwrap();
    assert_eq!((diagnosis.rule, diagnosis.fails), (None, false), "{diagnosis:#?}");
}

/// Of a request that was never sent Chromium records provisional headers: no Origin.
#[test]
fn the_page_is_known_by_the_referer_too() {
    let asked = json!({"Referer": "https://d.example/project/images"});
    let entries = json!({"log": {"entries": [entry("PUT", "http://glance.example/v2/images/6c0f/file", asked, 0, json!({}), Some(""))]}});
    assert_eq!(diagnose(&entries.to_string()).unwrap().rule, Some(Rule::MixedContent));
}

/// A dashboard that does not make the image is no matter of the upload.
#[test]
fn a_dashboard_that_refuses_is_told() {
    let entries = json!({"log": {"entries": [entry("PUT", PAGE, json!({}), 403, json!({}), None)]}});
    let diagnosis = diagnose(&entries.to_string()).unwrap();
    assert!(diagnosis.fails && diagnosis.verdict.contains("did not create the image"), "{diagnosis:#?}");
}
