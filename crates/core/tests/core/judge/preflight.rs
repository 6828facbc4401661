//! The judgement, in addition to the table of answers (table.rs): other requests than the upload's, and
//! what is true for every answer.

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::{Preflight, PreflightVerdict, Response, judge, same_origin};
use direct_upload_core::openstack::upload::UploadRequest;
use rstest::rstest;
use test_support::preflight::{IMAGE, ORIGIN, upload, upload_of};

/// What Glance's CORS filter answers when it grants.
pub const GRANT: &[(&str, &str)] = &[
    ("Vary", "Origin"),
    ("Access-Control-Allow-Origin", ORIGIN),
    ("Access-Control-Allow-Credentials", "true"),
    ("Access-Control-Max-Age", "3600"),
    ("Access-Control-Allow-Methods", "PUT"),
    ("Access-Control-Allow-Headers", "content-type,x-auth-token,x-csrftoken"),
];

fn judged_of(panel: Panel, status: u16, headers: &[(&str, &str)]) -> PreflightVerdict {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    judge(&upload_of(panel, "https://glance.example.com"), &Response { status, headers })
}

pub fn judged(status: u16, headers: &[(&str, &str)]) -> PreflightVerdict {
    judged_of(Panel::Angular, status, headers)
}

/// The grant with one header's lines replaced.
fn with<'a>(name: &'a str, values: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    let rest = GRANT.iter().copied().filter(|(n, _)| *n != name);
    rest.chain(values.iter().map(|value| (name, *value))).collect()
}

const ACAO: &str = "Access-Control-Allow-Origin";
const METHODS: &str = "Access-Control-Allow-Methods";
const HEADERS: &str = "Access-Control-Allow-Headers";

#[test]
fn what_glance_grants_is_granted_without_advice() {
    assert_eq!(judged(200, GRANT), PreflightVerdict { failure: None, advice: vec![] });
}

/// The one name that `*` does not cover. Horizon does not send it, but the standard has it.
#[rstest]
#[case(&["*"], false)]
#[case(&["*, Authorization"], true)]
fn any_header_is_not_authorization(#[case] values: &[&str], #[case] granted: bool) {
    let uploads = vec![UploadRequest { headers: vec!["authorization", "x-auth-token"], ..UploadRequest::angular() }];
    let asked = Preflight { uploads, ..upload("https://glance.example.com") };
    let headers = with(HEADERS, values).iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    assert_eq!(judge(&asked, &Response { status: 200, headers }).granted(), granted);
}

#[rstest]
#[case::login(302, &[("Location", "https://sso.example.com/login?state=secret")], "DU020", "https://sso.example.com/login")]
#[case::keystone(401, &[("WWW-Authenticate", "Keystone uri=\"https://keystone\"")], "DU020", "401")]
#[case::proxy_named(502, &[("Server", "nginx/1.27"), ("Via", "1.1 edge")], "DU012", "Server: nginx/1.27, Via: 1.1 edge")]
fn a_failure_says_who_answered(
    #[case] status: u16,
    #[case] headers: &[(&str, &str)],
    #[case] rule: &str,
    #[case] received: &str,
) {
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
        IMAGE,
        Panel::Unknown,
    );
    let headers = vec![("location".to_owned(), "https://glance.example.com/".to_owned())];
    let failure = judge(&asked, &Response { status: 301, headers }).failure.unwrap();
    assert_eq!(failure.rule, Rule::WrongEndpoint);
    assert!(failure.fix.contains("https URL"), "{}", failure.fix);
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
    assert_eq!(verdict.advice.iter().any(|a| a.found.to_string().contains("Vary: Origin")), advised);
}

const CREDENTIALS: &str = "Access-Control-Allow-Credentials";

#[test]
fn credentials_are_not_looked_at_for_the_angular_panel() {
    for values in [&[][..], &["false"], &["TRUE"], &["true", "true"]] {
        assert_eq!(judged(200, &with(CREDENTIALS, values)), judged(200, GRANT));
    }
}

/// The Django panel's request has credentials.
#[rstest]
#[case::glance_with_allow_credentials_false(CREDENTIALS, &[], "DU024", "allow_credentials = True in [cors]")]
#[case::changed_on_the_way(CREDENTIALS, &["false"], "DU012", "find what changes CORS headers in front of Glance")]
#[case::not_byte_for_byte(CREDENTIALS, &["TRUE"], "DU012", "find what changes CORS headers in front of Glance")]
#[case::doubled(CREDENTIALS, &["true", "true"], "DU012", "find what changes CORS headers in front of Glance")]
#[case::any_origin(ACAO, &["*"], "DU005", "in place of `*`")]
#[case::any_method(METHODS, &["*"], "DU012", "List PUT there")]
#[case::any_header(HEADERS, &["*"], "DU012", "List content-type, x-auth-token there")]
fn what_the_django_panel_demands(#[case] name: &str, #[case] values: &[&str], #[case] rule: &str, #[case] fix: &str) {
    let headers = with(name, values);
    let failure = judged_of(Panel::Django, 200, &headers).failure.unwrap();
    assert_eq!(failure.rule.id(), rule, "{failure:?}");
    assert!(failure.message.contains("Django panel") && failure.fix.contains(fix), "{failure:?}");
    assert!(judged(200, &headers).granted(), "the Angular panel's upload is let through");
    // If the panel is unknown, the stricter one counts, and the message says so.
    let unknown = judged_of(Panel::Unknown, 200, &headers).failure.unwrap();
    assert_eq!((unknown.rule, unknown.requirement), (failure.rule, failure.requirement));
    assert!(unknown.message.contains("those of the Angular panel would pass"), "{unknown:?}");
}

/// It sends no X-CSRFToken, so Glance need not allow it.
#[test]
fn the_django_panel_asks_for_two_headers() {
    let headers = with(HEADERS, &["content-type,x-auth-token"]);
    assert!(judged_of(Panel::Django, 200, &headers).granted());
    let lines = upload_of(Panel::Django, "https://glance.example.com").lines();
    assert!(lines.contains(&("Access-Control-Request-Headers", "content-type,x-auth-token".into())), "{lines:?}");
    let unknown = judged_of(Panel::Unknown, 200, &headers).failure.unwrap();
    assert_eq!(unknown.rule, Rule::CorsOnTheWay);
    assert!(unknown.message.contains("those of the Django panel would pass"), "{unknown:?}");
}

/// `*` covers X-CSRFToken in the Angular panel's request, and only itself in the Django panel's.
#[test]
fn an_unknown_panel_is_no_third_request() {
    let headers = with(HEADERS, &["content-type, x-auth-token, *"]);
    for panel in Panel::ALL {
        assert!(judged_of(panel, 200, &headers).granted(), "{panel}");
    }
}

/// With the same origin, the probe sends an upload without a token, and expects Glance's own refusal.
#[rstest]
#[case::glance(401, &[("WWW-Authenticate", "Keystone uri=\"https://keystone.example.com/v3\"")], None)]
#[case::header_in_other_case(401, &[("www-authenticate", "keystone uri='https://k'")], None)]
#[case::behind_another_challenge(401, &[("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "Keystone uri='x'")], None)]
#[case::basic_login(401, &[("WWW-Authenticate", "Basic realm=x")], Some("DU020"))]
#[case::no_challenge(401, &[], Some("DU020"))]
#[case::dashboards_404(404, &[("Content-Type", "text/html")], Some("DU011"))]
#[case::dashboards_login(302, &[("Location", "/auth/login/?next=/image/v2")], Some("DU011"))]
#[case::dashboards_csrf(403, &[("Content-Type", "text/html")], Some("DU020"))]
#[case::method(405, &[("Allow", "GET, HEAD")], Some("DU020"))]
#[case::anything_goes(200, &[("Content-Type", "text/html")], Some("DU011"))]
#[case::cors_does_not_help(200, GRANT, Some("DU011"))]
#[case::prefix_passed_on(300, &[("Content-Type", "application/json")], Some("DU011"))]
#[case::body_limit(413, &[], Some("DU014"))]
#[case::no_backend(503, &[], Some("DU011"))]
#[case::too_slow(504, &[], Some("DU015"))]
fn of_the_same_origin_the_upload_itself_is_judged(
    #[case] status: u16,
    #[case] headers: &[(&str, &str)],
    #[case] rule: Option<&str>,
) {
    let asked = upload("https://horizon.example.com/image");
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    let verdict = judge(&asked, &Response { status, headers });
    assert_eq!(verdict.failure.as_ref().map(|f| f.rule.id()), rule, "{verdict:?}");
    let received = verdict.failure.as_ref().map(|failure| failure.received.as_str());
    assert!(received.is_none_or(|received| received.starts_with(&format!("status {status}"))), "{received:?}");
    assert_eq!(rule.is_none(), verdict.advice.iter().any(|a| a.found.to_string().contains("same origin")));
    let other_port = upload("https://horizon.example.com:9292");
    assert_eq!(other_port.request().method, "OPTIONS");
}

/// It could never store anything: no token, no data.
#[test]
fn the_same_origins_question_could_store_nothing() {
    let request = upload("https://horizon.example.com/image").request();
    assert_eq!(request.method, "PUT");
    assert!(request.path.starts_with("/image/v2/images/") && request.path.ends_with("/file"), "{}", request.path);
    let names: Vec<_> = request.lines.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        names[..4],
        [
            "Accept: */*",
            "Content-Length: 0",
            "Content-Type: application/octet-stream",
            "Origin: https://horizon.example.com"
        ]
    );
    let others = [
        "Accept-Encoding",
        "Accept-Language",
        "Referer",
        "Sec-Fetch-Dest",
        "Sec-Fetch-Mode",
        "Sec-Fetch-Site",
        "User-Agent",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
    ];
    let mut names: Vec<_> = request.lines[4..].iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    assert_eq!(names, others);
}

/// Of a hostile answer, only a little plain text is shown.
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

/// Browsers connect to no port of another protocol, whatever its address.
#[rstest]
#[case("https://glance.example.com:6000", true)]
#[case("https://glance.example.com:10080", true)]
#[case("https://glance.example.com:9292", false)]
#[case("https://glance.example.com:443", false)]
fn ports_that_browsers_block(#[case] url: &str, #[case] blocked: bool) {
    for redirected in [false, true] {
        let failure = upload(url).objection(redirected);
        assert_eq!(failure.map(|f| f.rule.id()), blocked.then_some("DU010"));
    }
}

/// Dashboard, Glance; the site that browsers send, and whether they send a Referer.
#[rstest]
#[case("https://horizon.example.com", "https://glance.example.com:9292", Some("same-site"), true)]
#[case("https://horizon.example.com", "https://horizon.example.com", Some("same-origin"), true)]
#[case("https://cloud.example.com", "https://glance.example.org", Some("cross-site"), true)]
#[case("http://horizon.example.com", "https://glance.example.com", Some("cross-site"), true)]
#[case("https://10.0.0.1", "https://10.1.0.1", Some("cross-site"), true)]
#[case("https://10.0.0.1", "https://10.0.0.1:9292", Some("same-site"), true)]
#[case("http://horizon.example.com", "http://glance.example.com", None, true)]
#[case("https://horizon.example.com", "http://127.0.0.1:9292", Some("cross-site"), false)]
fn fetch_metadata(#[case] page: &str, #[case] glance: &str, #[case] site: Option<&str>, #[case] refers: bool) {
    let page = Origin::parse(page).unwrap();
    let lines = Preflight::upload(page.clone(), Endpoint::parse(glance).unwrap(), "id", Panel::Angular).lines();
    let value = |name| lines.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
    assert_eq!(value("Sec-Fetch-Site"), site);
    assert_eq!(value("Sec-Fetch-Mode"), site.map(|_| "cors"));
    assert_eq!(value("Referer"), refers.then(|| format!("{page}/")).as_deref());
}

/// A redirect within the origin, and where browsers send the upload then.
#[rstest]
#[case::slash(307, "/image/v2/images/id/file/", Some("/image/v2/images/id/file/"))]
#[case::keeps_put(302, "/glance/v2/images/id/file", Some("/glance/v2/images/id/file"))]
#[case::becomes_get(303, "/glance/v2/images/id/file", None)]
#[case::elsewhere(308, "https://glance.example.com/v2/images/id/file", None)]
#[case::none(401, "/glance", None)]
fn followed_within_the_origin(#[case] status: u16, #[case] location: &str, #[case] path: Option<&str>) {
    let origin = Origin::parse("https://horizon.example.com").unwrap();
    let endpoint = Endpoint::parse("https://horizon.example.com/image").unwrap();
    let asked = Preflight::upload(origin, endpoint, "id", Panel::Angular);
    let answer = Response { status, headers: vec![("Location".into(), location.into())] };
    let followed = same_origin::follow(&asked, &answer);
    assert_eq!(followed.as_ref().map(|request| request.path.as_str()), path);
    assert!(followed.is_none_or(|request| request.method == "PUT" && request.lines == asked.request().lines));
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
