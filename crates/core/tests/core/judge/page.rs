//! The dashboard's page: what it says about uploads.

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::address_space::{self, AddressSpace};
use direct_upload_core::judge::csp::enforced;
use direct_upload_core::judge::page::{self, judge, redirect, refers};
use direct_upload_core::judge::{CheckVerdict, PageWire, Preflight, Redirect, Response, Unreachable, UnreachableKind};
use direct_upload_core::model::Page;
use rstest::rstest;

const HORIZON: &str = "<html><body ng-app='horizon.app'><form><input type='hidden' name='csrfmiddlewaretoken'>";

fn asked() -> Preflight {
    let origin = Origin::parse("https://horizon.example.com").unwrap();
    let endpoint = Endpoint::parse("https://glance.example.com:9292/image").unwrap();
    Preflight::upload(origin, endpoint, "id", Panel::Angular)
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Response {
    let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Response { status, headers: headers.collect() }
}

/// `p` passed, `u` unknown, or the rule.
fn letter(verdict: &CheckVerdict) -> String {
    match verdict {
        CheckVerdict::Passed(_) => "p".to_owned(),
        CheckVerdict::Unknown(_) => "u".to_owned(),
        CheckVerdict::Refused(failure) => failure.rule.to_string(),
    }
}

/// Each answer, what it means of an origin that is known, and of a guessed one.
#[rstest]
#[case::horizon(200, HORIZON, "p", "p")]
#[case::another_login(200, "<form><input type=password>", "u", "u")]
#[case::a_script(200, "<script src=/sso.js>", "u", "u")]
#[case::another_site(200, "<h1>Welcome to nginx!</h1>", "u", "DU001")]
#[case::nothing(404, "default backend - 404", "u", "DU001")]
#[case::empty(200, "", "u", "u")]
#[case::an_api(300, "{\"versions\": []}", "u", "DU001")]
#[case::another_name(421, "", "u", "DU001")]
#[case::basic_authentication(401, "", "u", "u")]
#[case::forbidden(403, "", "u", "u")]
#[case::down(503, "", "u", "u")]
fn what_answers(#[case] status: u16, #[case] body: &str, #[case] known: &str, #[case] guessed: &str) {
    let wire = PageWire::Response(answer(status, &[]), body.to_owned());
    for (assumed, expected) in [(false, known), (true, guessed)] {
        let verdict = judge(&asked(), &Page { path: String::new(), assumed }, &wire);
        assert_eq!(letter(&verdict), expected, "{verdict:?}");
    }
}

/// A policy counts only if it comes with Horizon's own page: in its headers, or in the page.
#[rstest]
#[case::horizon(200, HORIZON, "DU013")]
#[case::single_sign_on(200, "<form><input type=password>", "u")]
#[case::forbidden(403, "", "u")]
#[case::not_found(404, "default backend - 404", "u")]
fn whose_policy(#[case] status: u16, #[case] body: &str, #[case] expected: &str) {
    let page = Page { path: String::new(), assumed: false };
    let wire =
        PageWire::Response(answer(status, &[("Content-Security-Policy", "default-src 'none'")]), body.to_owned());
    assert_eq!(letter(&judge(&asked(), &page, &wire)), expected);
    let meta = "<meta http-equiv=\"content-security-policy\" content=\"default-src 'none'\">";
    let wire = PageWire::Response(answer(status, &[]), format!("{meta}{body}"));
    assert_eq!(letter(&judge(&asked(), &page, &wire)), expected);
}

/// A policy in the page counts only in its head.
#[rstest]
#[case::head("<!DOCTYPE html><html><head><title>H</title>META</head>", true)]
#[case::without_head("<!-- a -->META", true)]
#[case::after_a_script("<head><script>if (a<b) {}</script><style>p>a{}</style>META", true)]
#[case::body("<head></head><body>META", false)]
#[case::body_without_tag("<head><div>META", false)]
#[case::after_text("<head>text META", false)]
#[case::after_the_head("<head></head>\n<!-- a -->META", true)]
#[case::text_after_the_head("<head></head>text META", false)]
#[case::with_nul("<head>\0META", true)]
#[case::noscript("<head><noscript>META</noscript>", false)]
#[case::after_noscript("<head><noscript><link></noscript>META", true)]
#[case::template("<head><template>META</template>", false)]
#[case::after_a_template("<head><template><p>a</p></template>META", true)]
#[case::title("<head><title>META</title>", false)]
#[case::comment("<head><!-- META -->", false)]
#[case::ended_comment("<head><!-- a --!>META<!-- -->", true)]
#[case::empty_comment("<head><!-->META<!-- -->", true)]
#[case::byte_order_mark("\u{feff}<!DOCTYPE html>META", true)]
#[case::declaration("<?xml version='1.0'?>META", true)]
fn a_policy_in_the_head(#[case] page: &str, #[case] counts: bool) {
    let meta = "<meta http-equiv=\"Content-Security-Policy\" content=\"connect-src 'self'\">";
    let wire = PageWire::Response(answer(200, &[]), format!("{}<body>{HORIZON}", page.replace("META", meta)));
    let verdict = judge(&asked(), &Page { path: String::new(), assumed: false }, &wire);
    assert_eq!(letter(&verdict), if counts { "DU013" } else { "p" }, "{verdict:?}");
}

/// The policies of the page's header and head, and whether Glance sees the page's origin in `Referer`.
#[rstest]
#[case::none(&[], "", true)]
#[case::hidden(&["no-referrer"], "", false)]
#[case::django(&["same-origin"], "", false)]
#[case::the_last_known(&["no-referrer, strict-origin", "unknown"], "", true)]
#[case::of_the_page(&["no-referrer"], "<meta name=referrer content=origin>", true)]
#[case::of_old(&[], "<meta name=referrer content=never>", false)]
#[case::default_of_old(&["no-referrer"], "<meta name=referrer content=default>", true)]
#[case::of_old_in_a_header(&["never"], "", true)]
#[case::hidden_by_the_page(&[], "<meta name=Referrer content=No-Referrer>", false)]
fn referrer_policy(#[case] lines: &[&str], #[case] page: &str, #[case] expected: bool) {
    let headers: Vec<_> = lines.iter().map(|line| ("referrer-policy", *line)).collect();
    let wire = PageWire::Response(answer(200, &headers), format!("<head>{page}</head>{HORIZON}"));
    assert_eq!(refers(&asked(), &wire), expected);
}

/// A request within the origin has `Referer` with all policies but one.
#[rstest]
#[case::django("same-origin", true)]
#[case::hidden("no-referrer", false)]
fn referrer_policy_within_the_origin(#[case] policy: &str, #[case] expected: bool) {
    let asked = asked();
    let own = Endpoint::parse(&format!("{}/image", asked.origin)).unwrap();
    let asked = Preflight { endpoint: own, ..asked };
    let wire = PageWire::Response(answer(200, &[("referrer-policy", policy)]), HORIZON.to_owned());
    assert_eq!(refers(&asked, &wire), expected);
}

/// The page counts as public if its header says so.
#[rstest]
#[case::told("default-src *; Treat-As-Public-Address", "10.0.0.1", "DU023")]
#[case::not_told("default-src *", "10.0.0.1", "p")]
#[case::a_public_glance("treat-as-public-address", "8.8.8.8", "p")]
fn a_page_that_counts_as_public(#[case] policy: &str, #[case] glance: &str, #[case] expected: &str) {
    let wire = PageWire::Response(answer(200, &[("Content-Security-Policy", policy)]), HORIZON.to_owned());
    let local = "10.0.0.2".parse().unwrap();
    let verdict = address_space::judge(&[local], &[glance.parse().unwrap()], page::is_treated_as_public(&wire));
    assert_eq!(letter(&verdict), expected, "{verdict:?}");
}

/// As a browser that opens the page: servers send policies only with such requests.
#[test]
fn the_request_for_the_page() {
    let request = page::request(&asked().origin, "/");
    let value = |name| request.lines.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
    assert_eq!((value("Sec-Fetch-Dest"), value("Sec-Fetch-Mode")), (Some("document"), Some("navigate")));
    assert_eq!((value("Upgrade-Insecure-Requests"), value("Cookie")), (Some("1"), None));
    assert!(value("User-Agent").unwrap().contains(" direct-upload-operator/"));
}

/// Chromium's own list of what a page may connect to.
#[rstest]
#[case::nothing("()", false)]
#[case::itself("(response-origin)", false)]
#[case::others("(response-origin \"https://cdn.example.com\")", false)]
#[case::glance("(response-origin \"https://glance.example.com:*\")", true)]
#[case::a_pattern("(\"https://*.example.com\")", true)]
fn connection_allowlist(#[case] list: &str, #[case] passes: bool) {
    let wire = PageWire::Response(answer(200, &[("Connection-Allowlist", list)]), HORIZON.to_owned());
    let verdict = judge(&asked(), &Page { path: String::new(), assumed: false }, &wire);
    assert_eq!(letter(&verdict), if passes { "p" } else { "DU013" }, "{verdict:?}");
}

/// Policies that do not name Glance, and whether they let an upload pass: in a header, and in the page.
#[rstest]
#[case::opaque("sandbox allow-scripts", "https", false, true)]
#[case::scriptless("sandbox allow-same-origin allow-forms", "https", false, true)]
#[case::with_its_origin("sandbox allow-scripts allow-same-origin", "https", true, true)]
#[case::upgrades("upgrade-insecure-requests", "http", false, false)]
#[case::upgrades_nothing("upgrade-insecure-requests", "https", true, true)]
fn other_restrictions(#[case] policy: &str, #[case] scheme: &str, #[case] in_header: bool, #[case] in_page: bool) {
    let origin = Origin::parse(&format!("{scheme}://horizon.example.com")).unwrap();
    let endpoint = Endpoint::parse(&format!("{scheme}://glance.example.com:9292")).unwrap();
    let asked = Preflight::upload(origin, endpoint, "id", Panel::Angular);
    let page = Page { path: String::new(), assumed: false };
    let passes = |answer, body| letter(&judge(&asked, &page, &PageWire::Response(answer, body))) == "p";
    let lines = [("Content-Security-Policy", policy)];
    assert_eq!(passes(answer(200, &lines), HORIZON.to_owned()), in_header);
    let meta = format!("<meta http-equiv='Content-Security-Policy' content='{policy}'>{HORIZON}");
    assert_eq!(passes(answer(200, &[]), meta), in_page);
}

#[rstest]
#[case::nobody_listens(UnreachableKind::Connect, "u", "DU001")]
#[case::no_name(UnreachableKind::Resolve, "u", "u")]
#[case::no_way(UnreachableKind::Route, "u", "u")]
#[case::no_time(UnreachableKind::Timeout, "u", "u")]
fn no_answer(#[case] kind: UnreachableKind, #[case] known: &str, #[case] guessed: &str) {
    let wire = PageWire::Failed(Unreachable::new(kind, "why", "fix"));
    for (assumed, expected) in [(false, known), (true, guessed)] {
        assert_eq!(letter(&judge(&asked(), &Page { path: String::new(), assumed }, &wire)), expected);
    }
    let sso = PageWire::Elsewhere("https://sso.example.com".to_owned());
    assert_eq!(letter(&judge(&asked(), &Page { path: String::new(), assumed: true }, &sso)), "u");
}

/// The page that users see has another origin: not so with single sign-on, which leads back.
#[test]
fn a_dashboard_that_is_https_after_all() {
    let origin = Origin::parse("http://horizon.example.com").unwrap();
    let asked = Preflight { origin, ..asked() };
    let page = Page { path: String::new(), assumed: false };
    let leads = |to: &str| letter(&judge(&asked, &page, &PageWire::Elsewhere(to.to_owned())));
    assert_eq!(leads("https://horizon.example.com"), "DU001");
    assert_eq!(leads("https://horizon.example.com:5000"), "u");
    assert_eq!(leads("https://sso.example.com"), "u");
}

/// Header lines of policies, and whether uploads from the page to the endpoint are admitted.
#[rstest]
#[case::none(&[], true)]
#[case::of_other_things(&["script-src 'self'; img-src *"], true)]
#[case::own_site_only(&["connect-src 'self'"], false)]
#[case::by_default(&["default-src 'self'"], false)]
#[case::the_narrower_directive_counts(&["default-src 'none'; connect-src *"], true)]
#[case::the_first_of_a_name_counts(&["connect-src 'self'; connect-src *"], false)]
#[case::nothing(&["connect-src"], false)]
#[case::none_said(&["connect-src 'none'"], false)]
#[case::named(&["connect-src 'self' https://glance.example.com:9292"], true)]
#[case::name_in_capitals(&["CONNECT-SRC HTTPS://Glance.Example.COM:9292"], true)]
#[case::without_port(&["connect-src https://glance.example.com"], false)]
#[case::any_port(&["connect-src glance.example.com:*"], true)]
#[case::wildcard(&["connect-src https://*.example.com:9292"], true)]
#[case::wildcard_is_no_apex(&["connect-src https://*.glance.example.com:9292"], false)]
#[case::scheme(&["connect-src https:"], true)]
#[case::http_admits_https(&["connect-src http:"], true)]
#[case::another_scheme(&["connect-src wss: data:"], false)]
#[case::http_by_name_admits_https(&["connect-src http://glance.example.com:*"], true)]
#[case::http_with_a_port_admits_no_https(&["connect-src http://glance.example.com:9292"], false)]
#[case::path_prefix(&["connect-src https://glance.example.com:9292/image/"], true)]
#[case::another_path(&["connect-src https://glance.example.com:9292/volume/"], false)]
#[case::path_in_other_case(&["connect-src https://glance.example.com:9292/IMAGE/"], false)]
#[case::encoded_path(&["connect-src https://glance.example.com:9292/%69mage/"], true)]
#[case::a_query_is_left_out(&["connect-src https://glance.example.com:9292/image/?x"], true)]
#[case::exact_path(&["connect-src https://glance.example.com:9292/image"], false)]
#[case::each_line_counts(&["connect-src *", "connect-src 'self'"], false)]
#[case::each_of_a_line_counts(&["connect-src *, connect-src 'self'"], false)]
fn content_security_policy(#[case] lines: &[&str], #[case] admitted: bool) {
    let headers: Vec<_> = lines.iter().map(|line| ("content-security-policy", *line)).collect();
    let answer = answer(200, &headers);
    let asked = asked();
    let all = enforced(&answer.headers).iter().all(|policy| policy.admits(&asked.origin, &asked.endpoint));
    assert_eq!(all, admitted);
    let verdict =
        judge(&asked, &Page { path: String::new(), assumed: false }, &PageWire::Response(answer, HORIZON.into()));
    let expected = if admitted { "p".to_owned() } else { Rule::Csp.to_string() };
    assert_eq!(letter(&verdict), expected, "{verdict:?}");
}

#[test]
fn a_policy_that_only_reports_forbids_nothing() {
    let answer = answer(200, &[("Content-Security-Policy-PreflightReport-Only", "connect-src 'none'")]);
    assert_eq!(enforced(&answer.headers), []);
}

#[rstest]
#[case::same_origin("https://horizon.example.com", true)]
#[case::upgraded("http://horizon.example.com", false)]
fn own_site(#[case] endpoint: &str, #[case] admitted: bool) {
    let policy = &enforced(&answer(200, &[("Content-Security-Policy", "connect-src 'self'")]).headers)[0];
    let page = Origin::parse("https://horizon.example.com").unwrap();
    assert_eq!(policy.admits(&page, &Endpoint::parse(endpoint).unwrap()), admitted);
}

#[rstest]
#[case(302, "/auth/login/?next=/", Some(Redirect::Within("/auth/login/?next=/".into())))]
#[case(301, "login", Some(Redirect::Within("/horizon/login".into())))]
#[case(307, "https://horizon.example.com/x", Some(Redirect::Within("/x".into())))]
#[case(302, "https://sso.example.com/realms/x", Some(Redirect::Elsewhere("https://sso.example.com".into())))]
#[case(302, "http://horizon.example.com/", Some(Redirect::Elsewhere("http://horizon.example.com".into())))]
#[case(200, "/x", None)]
fn redirects(#[case] status: u16, #[case] location: &str, #[case] expected: Option<Redirect>) {
    let origin = Origin::parse("https://horizon.example.com").unwrap();
    assert_eq!(redirect(&origin, "/horizon/", &answer(status, &[("Location", location)])), expected);
}

#[rstest]
#[case("127.0.0.1", AddressSpace::Loopback)]
#[case("::1", AddressSpace::Loopback)]
#[case("::ffff:127.0.0.1", AddressSpace::Loopback)]
#[case("10.1.2.3", AddressSpace::Local)]
#[case("172.31.0.1", AddressSpace::Local)]
#[case("192.168.1.1", AddressSpace::Local)]
#[case("169.254.1.1", AddressSpace::Local)]
#[case("100.64.0.1", AddressSpace::Local)]
#[case("fd00::1", AddressSpace::Local)]
#[case("fe80::1", AddressSpace::Local)]
#[case("::ffff:10.0.0.1", AddressSpace::Local)]
#[case("172.32.0.1", AddressSpace::Public)]
#[case("8.8.8.8", AddressSpace::Public)]
#[case("198.18.0.1", AddressSpace::Public)]
#[case("203.0.113.7", AddressSpace::Public)]
#[case("2001:4860::1", AddressSpace::Public)]
#[case("2001:db8::1", AddressSpace::Local)]
fn address_spaces(#[case] address: &str, #[case] space: AddressSpace) {
    assert_eq!(AddressSpace::of(address.parse().unwrap()), space);
}

/// Addresses of dashboard and Glance; what follows, and whether it is worth a word.
#[rstest]
#[case::both_public("8.8.8.8", "8.8.4.4", "p", 0)]
#[case::both_local("10.0.0.1", "192.168.0.1", "p", 0)]
#[case::a_local_dashboard("10.0.0.1", "8.8.8.8", "p", 0)]
#[case::a_local_glance("8.8.8.8", "10.0.0.1", "DU023", 0)]
#[case::a_loopback_glance("10.0.0.1", "127.0.0.1", "DU023", 0)]
#[case::one_of_two("8.8.8.8", "10.0.0.1 8.8.4.4", "p", 1)]
#[case::both_of_both("8.8.8.8 10.0.0.1", "8.8.4.4 10.0.0.2", "p", 1)]
#[case::nothing_known("", "10.0.0.1", "p", 0)]
fn local_network_access(#[case] dashboard: &str, #[case] glance: &str, #[case] expected: &str, #[case] advice: usize) {
    let addresses = |text: &str| text.split_whitespace().map(|a| a.parse().unwrap()).collect::<Vec<_>>();
    let verdict = address_space::judge(&addresses(dashboard), &addresses(glance), false);
    assert_eq!(letter(&verdict), expected, "{verdict:?}");
    if let CheckVerdict::Passed(said) = verdict {
        assert_eq!(said.len(), advice);
    }
}
