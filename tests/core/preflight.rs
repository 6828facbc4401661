//! The judgement, case by case: an answer in, the browser's decision and our words for it out.

use direct_upload_operator::check::Rule;
use direct_upload_operator::derive::origin::Origin;
use direct_upload_operator::verify::{Answer, Endpoint, Preflight, Requirement, Verdict, judge};
use rstest::rstest;

pub const ORIGIN: &str = "https://horizon.example.com";

/// What Glance's CORS filter answers when it grants.
pub const GRANT: &[(&str, &str)] = &[
    ("Vary", "Origin"),
    ("Access-Control-Allow-Origin", ORIGIN),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Max-Age", "3600"),
    ("Access-Control-Allow-Methods", "PUT"),
    ("Access-Control-Allow-Headers", "content-type,x-auth-token,x-csrftoken"),
];

pub fn upload(url: &str) -> Preflight {
    Preflight::upload(Origin::parse(ORIGIN).unwrap(), Endpoint::parse(url).unwrap())
}

pub fn judged(status: u16, headers: &[(&str, &str)]) -> Verdict {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    judge(&upload("https://glance.example.com"), &Answer { status, headers })
}

/// The grant with one header's lines replaced.
fn with<'a>(name: &'a str, values: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let rest = GRANT.iter().copied().filter(|(n, _)| *n != name);
    rest.chain(values.iter().map(|value| (name, *value))).collect()
}

fn rules(verdict: &Verdict) -> Vec<&'static str> {
    verdict.advice.iter().filter_map(|advice| advice.rule).map(Rule::id).collect()
}

const ACAO: &str = "Access-Control-Allow-Origin";
const METHODS: &str = "Access-Control-Allow-Methods";
const HEADERS: &str = "Access-Control-Allow-Headers";

#[test]
fn what_glance_grants_is_granted_without_advice() {
    assert_eq!(judged(200, GRANT), Verdict { failure: None, advice: vec![] });
}

#[rstest]
#[case::exact(&[ORIGIN])]
#[case::blanks_around(&["  https://horizon.example.com\t"])]
#[case::any(&["*"])]
fn origins_that_pass(#[case] values: &[&str]) {
    assert!(judged(200, &with(ACAO, values)).granted());
}

#[rstest]
#[case::another(&["https://other.example.com"], "DU012", "one fixed origin")]
#[case::longer(&["https://horizon.example.com.evil.example"], "DU012", "one fixed origin")]
#[case::http(&["http://horizon.example.com"], "DU012", "one fixed origin")]
#[case::another_port(&["https://horizon.example.com:8443"], "DU012", "one fixed origin")]
#[case::trailing_slash(&["https://horizon.example.com/"], "DU001", "in form only")]
#[case::upper_case(&["https://Horizon.example.com"], "DU001", "in form only")]
#[case::default_port(&["https://horizon.example.com:443"], "DU001", "in form only")]
#[case::path(&["https://horizon.example.com/dashboard"], "DU001", "in form only")]
#[case::null(&["null"], "DU005", "`null`")]
#[case::pattern(&["https://*.example.com"], "DU012", "a pattern")]
#[case::empty(&[""], "DU012", "empty")]
#[case::same_twice(&[ORIGIN, ORIGIN], "DU012", "the same origin several times")]
#[case::same_twice_in_one_line(&["https://horizon.example.com, https://horizon.example.com"], "DU012", "several times")]
#[case::two(&[ORIGIN, "https://other.example.com"], "DU012", "several values")]
#[case::any_and_origin(&["*", ORIGIN], "DU012", "several values")]
#[case::any_twice(&["*", "*"], "DU012", "several values")]
#[case::list(&["https://horizon.example.com,https://other.example.com"], "DU012", "several values")]
#[case::blank_list(&["https://horizon.example.com https://other.example.com"], "DU012", "one fixed origin")]
#[case::origin_and_empty(&[ORIGIN, ""], "DU012", "same origin several times")]
fn origins_that_fail(#[case] values: &[&str], #[case] rule: &str, #[case] said: &str) {
    let failure = judged(200, &with(ACAO, values)).failure.unwrap();
    assert_eq!((failure.requirement, failure.rule.id()), (Requirement::AllowOrigin, rule), "{failure:?}");
    assert!(failure.message.contains(said), "{}", failure.message);
    assert!(failure.received.starts_with("Access-Control-Allow-Origin:"), "{}", failure.received);
}

#[rstest]
#[case::only(&["PUT"])]
#[case::among_others(&["GET, PUT, POST"])]
#[case::no_blanks(&["GET,PUT"])]
#[case::several_lines(&["GET", "PUT"])]
#[case::empty_elements(&[",, PUT ,"])]
#[case::any(&["*"])]
#[case::any_among_others(&["GET, *"])]
fn methods_that_pass(#[case] values: &[&str]) {
    assert!(judged(200, &with(METHODS, values)).granted());
}

#[rstest]
#[case::missing(&[], "no method is")]
#[case::empty(&[""], "not among")]
#[case::others(&["GET, POST, OPTIONS"], "not among")]
#[case::lower_case(&["put"], "upper case")]
#[case::lower_case_list(&["get, put, post"], "upper case")]
#[case::part(&["PUTS"], "not among")]
#[case::no_token(&["PUT, GET POST"], "does not parse")]
#[case::quoted(&["\"PUT\""], "does not parse")]
#[case::semicolons(&["GET;PUT"], "does not parse")]
#[case::second_line_bad(&["PUT", "[GET]"], "does not parse")]
fn methods_that_fail(#[case] values: &[&str], #[case] said: &str) {
    let failure = judged(200, &with(METHODS, values)).failure.unwrap();
    assert_eq!((failure.requirement, failure.rule.id()), (Requirement::AllowMethods, "DU004"), "{failure:?}");
    assert!(failure.message.contains(said), "{}", failure.message);
    assert!(failure.also.contains(&Rule::CorsOnTheWay));
}

#[rstest]
#[case::other_case(&["Content-Type, X-Auth-Token, X-CSRFToken"])]
#[case::more(&["x-csrftoken,accept,x-auth-token,content-type,range"])]
#[case::several_lines(&["content-type", "x-auth-token,,", "X-CSRFTOKEN"])]
#[case::any(&["*"])]
#[case::any_and_one(&["x-auth-token", "*"])]
fn header_names_that_pass(#[case] values: &[&str]) {
    assert!(judged(200, &with(HEADERS, values)).granted());
}

#[rstest]
#[case::missing(&[], "missing: content-type, x-auth-token, x-csrftoken")]
#[case::empty(&[""], "missing: content-type, x-auth-token, x-csrftoken")]
#[case::no_csrf_token(&["content-type,x-auth-token"], "missing: x-csrftoken")]
#[case::no_auth_token(&["DNT,Content-Type,X-CSRFToken"], "missing: x-auth-token")]
#[case::no_content_type(&["x-auth-token,x-csrftoken"], "missing: content-type")]
#[case::underscores(&["content_type,x_auth_token,x_csrftoken"], "missing: content-type")]
#[case::blanks_between(&["content-type x-auth-token x-csrftoken"], "does not parse")]
#[case::one_bad(&["content-type,x-auth-token,x-csrftoken,x(y)"], "\"x(y)\" is no name")]
#[case::any_and_bad(&["*", "a b"], "does not parse")]
#[case::pattern(&["x-*"], "missing: content-type")]
fn header_names_that_fail(#[case] values: &[&str], #[case] said: &str) {
    let failure = judged(200, &with(HEADERS, values)).failure.unwrap();
    assert_eq!((failure.requirement, failure.rule.id()), (Requirement::AllowHeaders, "DU003"), "{failure:?}");
    assert!(failure.message.contains(said), "{}", failure.message);
}

/// The one name that `*` does not stand for. Horizon does not send it; the standard is the standard.
#[rstest]
#[case(&["*"], false)]
#[case(&["*, Authorization"], true)]
fn any_header_is_not_authorization(#[case] values: &[&str], #[case] granted: bool) {
    let asked = Preflight { headers: vec!["authorization", "x-auth-token"], ..upload("https://glance.example.com") };
    let headers = with(HEADERS, values).iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    assert_eq!(judge(&asked, &Answer { status: 200, headers }).granted(), granted);
}

#[rstest]
#[case(200)]
#[case(204)]
#[case(299)]
fn statuses_that_pass(#[case] status: u16) {
    assert!(judged(status, GRANT).granted());
}

/// Right headers do not help a wrong status.
#[rstest]
#[case(199, "DU012", "not Glance's CORS filter")]
#[case(300, "DU011", "redirect")]
#[case(301, "DU011", "redirect")]
#[case(302, "DU011", "redirect")]
#[case(304, "DU011", "redirect")]
#[case(307, "DU011", "redirect")]
#[case(308, "DU011", "redirect")]
#[case(400, "DU012", "not Glance's CORS filter")]
#[case(401, "DU020", "authentication")]
#[case(403, "DU020", "authentication")]
#[case(404, "DU011", "nothing is at this URL")]
#[case(405, "DU020", "OPTIONS")]
#[case(411, "DU014", "body limit")]
#[case(413, "DU014", "body limit")]
#[case(429, "DU012", "not Glance's CORS filter")]
#[case(500, "DU012", "no working Glance")]
#[case(501, "DU020", "OPTIONS")]
#[case(502, "DU012", "no working Glance")]
#[case(503, "DU012", "no working Glance")]
#[case(504, "DU015", "gave up waiting")]
fn statuses_that_fail(#[case] status: u16, #[case] rule: &str, #[case] said: &str) {
    for headers in [GRANT, &[]] {
        let failure = judged(status, headers).failure.unwrap();
        assert_eq!((failure.requirement, failure.rule.id()), (Requirement::Status, rule), "{failure:?}");
        assert!(failure.message.contains(said), "{}", failure.message);
        assert!(failure.received.contains(&status.to_string()));
    }
}

#[rstest]
#[case::login(302, &[("Location", "https://sso.example.com/login?state=secret")], "DU020", "https://sso.example.com/login")]
#[case::keystone(401, &[("WWW-Authenticate", "Keystone uri=\"https://keystone\"")], "DU020", "401")]
#[case::proxy_named(502, &[("Server", "nginx/1.27"), ("Via", "1.1 edge")], "DU012", "Server: nginx/1.27, Via: 1.1 edge")]
fn who_answered(#[case] status: u16, #[case] headers: &[(&str, &str)], #[case] rule: &str, #[case] received: &str) {
    let failure = judged(status, headers).failure.unwrap();
    assert_eq!(failure.rule.id(), rule);
    assert!(failure.received.contains(received), "{}", failure.received);
    assert!(!format!("{failure:?}").contains("secret"));
}

#[test]
fn a_http_url_that_leads_to_https_is_told_the_https_url() {
    let asked = Preflight::upload(
        Origin::parse("http://horizon.example.com").unwrap(),
        Endpoint::parse("http://glance.example.com").unwrap(),
    );
    let headers = vec![("location".to_owned(), "https://glance.example.com/".to_owned())];
    let failure = judge(&asked, &Answer { status: 301, headers }).failure.unwrap();
    assert_eq!(failure.rule.id(), "DU011");
    assert!(failure.fix.contains("https URL"), "{}", failure.fix);
}

/// oslo.middleware refuses with an empty 200 without Content-Type; nothing else looks like it.
#[rstest]
#[case::glance(200, &[("Content-Length", "0")], "DU002")]
#[case::glance_behind_nginx(200, &[("Server", "nginx"), ("Content-Length", "0"), ("Date", "now")], "DU002")]
#[case::a_page(200, &[("Content-Type", "text/html"), ("Content-Length", "0")], "DU012")]
#[case::a_body(200, &[("Content-Length", "15")], "DU012")]
#[case::no_content(204, &[], "DU012")]
#[case::methods_only(200, &[("Allow", "GET,PUT"), ("Content-Type", "text/plain")], "DU012")]
fn silence(#[case] status: u16, #[case] headers: &[(&str, &str)], #[case] rule: &str) {
    let failure = judged(status, headers).failure.unwrap();
    assert_eq!((failure.requirement, failure.rule.id()), (Requirement::AllowOrigin, rule), "{failure:?}");
    assert_eq!(failure.also.contains(&Rule::HeaderMissing), rule == "DU002");
    assert!(
        failure.also.contains(&Rule::CorsOnTheWay) || failure.also.contains(&Rule::OriginMissing) || rule == "DU002"
    );
}

#[rstest]
#[case::any_origin(with(ACAO, &["*"]), &["DU005", "DU005"])]
#[case::any_origin_without_credentials(
    vec![(ACAO, "*"), (METHODS, "PUT"), (HEADERS, "content-type,x-auth-token,x-csrftoken")], &["DU005"]
)]
#[case::listed_elsewhere(with(METHODS, &["GET, PUT, POST"]), &["DU012"])]
#[case::any_header(with(HEADERS, &["*"]), &["DU012"])]
fn what_passes_but_is_unwise(#[case] headers: Vec<(&str, &str)>, #[case] advised: &[&str]) {
    let verdict = judged(200, &headers);
    assert!(verdict.granted());
    assert_eq!(rules(&verdict), advised, "{:?}", verdict.advice);
}

#[rstest]
#[case(&[], true)]
#[case(&["Accept-Encoding"], true)]
#[case(&["Accept-Encoding, origin"], false)]
#[case(&["Accept-Encoding", "ORIGIN"], false)]
#[case(&["*"], false)]
fn vary_is_asked_for(#[case] values: &[&str], #[case] advised: bool) {
    let verdict = judged(200, &with("Vary", values));
    assert!(verdict.granted());
    assert_eq!(verdict.advice.iter().any(|a| a.message.contains("Vary: Origin")), advised);
}

#[test]
fn credentials_are_not_looked_at() {
    for values in [&[][..], &["false"], &["TRUE"], &["true", "true"]] {
        assert_eq!(judged(200, &with("Access-Control-Allow-Credentials", values)), judged(200, GRANT));
    }
}

#[test]
fn the_same_origin_needs_nothing() {
    let asked = upload("https://horizon.example.com/image");
    let verdict = judge(&asked, &Answer { status: 405, headers: vec![] });
    assert!(verdict.granted());
    assert!(verdict.advice[0].message.contains("same origin"));
    let other_port = upload("https://horizon.example.com:9292");
    assert!(!judge(&other_port, &Answer { status: 405, headers: vec![] }).granted());
}

/// Of a hostile answer, little and only plain text is told.
#[test]
fn what_is_received_is_bounded() {
    let long = format!("\u{1b}[2J{}", "é".repeat(100_000));
    let values = vec![long.as_str(); 1000];
    for name in [ACAO, METHODS, HEADERS, "Server"] {
        let status = if name == "Server" { 502 } else { 200 };
        let told = format!("{:?}", judged(status, &with(name, &values)));
        assert!(told.len() < 4_000 && told.is_ascii(), "{} bytes", told.len());
        assert!(!told.contains('\u{1b}'));
    }
}

#[rstest]
#[case::mixed("http://glance.example.com", Some("DU009"))]
#[case::mixed_internal("http://glance.openstack.svc", Some("DU009"))]
#[case::v2("https://glance.example.com/v2", Some("DU011"))]
#[case::v2_slash("https://glance.example.com/image/v2/", Some("DU011"))]
#[case::v2_1("https://glance.example.com/v2.1", Some("DU011"))]
#[case::cluster_internal("https://glance.openstack.svc.cluster.local:9292", Some("DU010"))]
#[case::loopback("https://127.0.0.1:9292", Some("DU010"))]
#[case::loopback_by_http("http://localhost:9292", Some("DU010"))]
#[case::single_label("https://glance", Some("DU010"))]
#[case::fine("https://glance.example.com", None)]
#[case::path("https://glance.example.com/image", None)]
#[case::not_a_version("https://glance.example.com/vault", None)]
fn objections_before_anything_is_sent(#[case] url: &str, #[case] rule: Option<&str>) {
    assert_eq!(upload(url).objection(false).map(|f| f.rule.id()), rule);
    let internal = rule == Some("DU010");
    assert_eq!(upload(url).objection(true).map(|f| f.rule.id()), rule.filter(|_| !internal), "with --resolve");
}

/// Byte for byte what Chromium lists: sorted, lower case, no blanks.
#[test]
fn the_question_is_the_browsers() {
    let asked = upload("https://glance.example.com");
    let lines = asked.lines();
    let value = |name| &lines.iter().find(|(n, _)| *n == name).unwrap().1;
    assert_eq!(value("Origin"), ORIGIN);
    assert_eq!(value("Access-Control-Request-Method"), "PUT");
    assert_eq!(value("Access-Control-Request-Headers"), "content-type,x-auth-token,x-csrftoken");
    assert_eq!(value("Accept"), "*/*");
    assert!(asked.url().starts_with("https://glance.example.com/v2/images/") && asked.url().ends_with("/file"));
}
