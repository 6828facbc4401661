//! The directive writer, read back by a real httpd.

use direct_upload_core::render::httpd::{Writer, argument, arguments as read_arguments, pattern};
use direct_upload_core::render::{FormatLimit, HttpdServer, Unwritable};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use rstest::rstest;
use serde_json::{Value, json};
use test_support::oracle::hostile;

use crate::render::glance::httpd::fragment as glance_fragment;
use crate::render::horizon::httpd::fragment as horizon_fragment;
use crate::render::httpd::server::{MODULES, Site};

mod layouts;
pub mod server;

/// So many texts; a run of httpd is too slow to have one for each.
fn samples(strategy: &impl Strategy<Value = String>, count: usize) -> Vec<String> {
    let mut runner = TestRunner::deterministic();
    (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current()).collect()
}

#[test]
fn an_argument_is_refused_or_comes_out_as_it_went_in() {
    let mut fragment = Writer::default();
    let mut written = Vec::new();
    for (n, text) in samples(&hostile(), 4000).into_iter().enumerate() {
        match fragment.directive("SetEnv", &[&format!("DUO_{n}"), &text]) {
            Ok(()) => written.push((format!("DUO_{n}"), text)),
            Err(error) => {
                assert_eq!(error.value, text);
                assert!(text.contains(char::is_control) || text.contains("${"), "refused without need: {error}");
            }
        }
    }
    assert!(written.len() > 1000, "only {} of 4000 were written", written.len());
    let httpd = Site::new(MODULES, &fragment.finish()).start(&[]);
    let mut read = httpd.get("/", &[]).json()["environ"].take();
    for (name, text) in written {
        // WSGI shows bytes as Latin-1.
        let shown: String = text.bytes().map(char::from).collect();
        assert_eq!(read[&name].take(), json!(shown), "{text:?}");
    }
    let extra: Vec<_> =
        read.as_object().unwrap().iter().filter(|(k, v)| k.starts_with("DUO_") && !v.is_null()).collect();
    assert_eq!(extra, Vec::<(&String, &Value)>::new());
}

#[test]
fn a_pattern_matches_its_text_and_nothing_else() {
    let mut texts = samples(&"[!-~]{1,8}", 150);
    texts.retain(|text| !text.contains("${"));
    texts.extend(
        [
            "https://a.example",
            "https://axexample",
            "https://[::1]:443",
            "https://a.example.",
            "a",
            "A",
            "\\",
            "^",
            "][",
        ]
        .map(String::from),
    );
    let mut fragment = Writer::default();
    for (n, text) in texts.iter().enumerate() {
        fragment.directive("SetEnvIf", &["X-Text", &format!("^{}$", pattern(text)), &format!("DUO_{n}=1")]).unwrap();
    }
    let httpd = Site::new(MODULES, &fragment.finish()).start(&[]);
    for text in &texts {
        let environ = httpd.get("/", &[("X-Text", text)]).json()["environ"].take();
        for (n, other) in texts.iter().enumerate() {
            let matched = environ.get(format!("DUO_{n}")).is_some();
            assert_eq!(matched, text == other, "pattern of {other:?} against {text:?}");
        }
    }
}

/// A missing module must not keep httpd from starting, and must not pass in silence.
#[rstest]
#[case::headers("headers", "CORS headers are missing")]
#[case::setenvif("setenvif", "CORS headers are missing")]
#[case::setenvif_of_glance("setenvif", "headers with underscores are lost")]
#[case::headers_of_glance("headers", "headers with underscores are lost")]
#[case::wsgi("wsgi", "chunked uploads are refused")]
fn a_missing_module_is_logged_and_not_fatal(#[case] missing: &str, #[case] warning: &str) {
    let modules: Vec<&str> = MODULES.iter().copied().filter(|module| *module != missing).collect();
    let fragment =
        horizon_fragment(&["https://portal.example.com"]) + &glance_fragment(HttpdServer::ModWsgi, None, true);
    let said = Site::new(&modules, &fragment).check();
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success() && text.contains("Syntax OK"), "{text}");
    assert!(text.contains(warning), "{text}");

    let complete = Site::new(MODULES, &fragment).check();
    let text = String::from_utf8_lossy(&complete.stderr).into_owned();
    assert!(complete.status.success() && !text.contains("AH00111"), "{text}");
}

#[test]
fn only_the_core_is_needed_without_tls() {
    let fragment =
        glance_fragment(HttpdServer::ModProxy, None, true) + &horizon_fragment(&["https://portal.example.com"]);
    let said = Site::new(&["mpm_event", "authz_core"], &fragment).check();
    assert!(said.status.success(), "{said:?}");
}

#[rstest]
#[case::bare("/etc/glance/tls.crt", "/etc/glance/tls.crt")]
#[case::blank("a b", "\"a b\"")]
#[case::empty("", "\"\"")]
#[case::quotes("a\"b'c", "\"a\\\"b'c\"")]
#[case::backslash_at_end("a\\", "\"a\\\\\"")]
#[case::hash("#a", "\"#a\"")]
#[case::angle("a>", "\"a>\"")]
#[case::dollar("^a$", "\"^a$\"")]
fn arguments(#[case] text: &str, #[case] written: &str) {
    assert_eq!(argument(text).unwrap(), written);
}

proptest! {
    #[test]
    fn what_is_written_is_read(texts in proptest::collection::vec("[ -~]{0,12}", 0..5)) {
        let written: Result<Vec<_>, _> = texts.iter().map(|text| argument(text)).collect();
        if let Ok(written) = written {
            prop_assert_eq!(read_arguments(&written.join(" ")), texts);
        }
    }
}

#[rstest]
#[case("a\nInclude /etc/passwd", FormatLimit::Control)]
#[case("a\0", FormatLimit::Control)]
#[case("${HOME}", FormatLimit::Expansion)]
#[case("${", FormatLimit::Expansion)]
fn refused(#[case] text: &str, #[case] refusal: FormatLimit) {
    assert_eq!(argument(text).unwrap_err(), Unwritable::new(text, refusal));
}

#[test]
fn patterns() {
    assert_eq!(pattern("https://[2001:db8::1]:8443"), "https://[[]2001:db8::1[]]:8443");
    assert_eq!(pattern("https://a.b-c.example"), "https://a[.]b-c[.]example");
}

#[test]
fn containers_are_indented_and_ended() {
    let mut writer = Writer::default();
    writer.begin("VirtualHost", "*:443").unwrap();
    writer.directive("SSLEngine", &["on"]).unwrap();
    insta::assert_snapshot!(writer.finish(), @r"
    <VirtualHost *:443>
        SSLEngine on
    </VirtualHost>
    ");
}
