//! Uploads without a token: each answer of tests/cases/upload, given to the judge, and the results of two
//! requests as one observation.

use std::collections::BTreeMap;

use direct_upload_api::web::Endpoint;
use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::upload::Repeated;
use direct_upload_core::judge::{
    Answerer, PageOutcome, PageWire, Preflight, PutOutcome, Response, Unreachable, UnreachableKind, UploadVerdict,
    Wire, page, same_origin, success, upload,
};
use direct_upload_core::model::{Cause, Observation, Page, ProbeAnswer, UploadCheck};
use rstest::rstest;
use serde::Deserialize;

use test_support::file;
use test_support::preflight::{ORIGIN, upload_of};

const URL: &str = "https://glance.example.com";
const SIZE: u64 = 10 << 30;

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Lines {
    One(String),
    Several(Vec<String>),
}

/// tests/cases/upload/README.md says what each field is.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Case {
    status: String,
    origin: Lines,
    credentials: Lines,
    more: Vec<String>,
    by: String,
    verdict: String,
    rule: Option<String>,
    said: String,
    django: Option<Expected>,
    /// For the browsers alone.
    #[serde(rename = "reads")]
    _reads: Vec<String>,
    #[serde(rename = "browser")]
    _browser: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    verdict: String,
    rule: Option<String>,
    #[serde(default)]
    said: String,
}

impl Default for Case {
    fn default() -> Self {
        Self {
            status: "401 Unauthorized".into(),
            origin: Lines::One(ORIGIN.into()),
            credentials: Lines::One("true".into()),
            more: vec!["WWW-Authenticate: Keystone uri=\"https://keystone.example.com\"".into()],
            by: String::new(),
            verdict: "passed".into(),
            rule: None,
            said: String::new(),
            django: None,
            _reads: vec![],
            _browser: true,
        }
    }
}

impl Case {
    fn answer(&self) -> Response {
        let mut headers = Vec::new();
        for (name, lines) in
            [("Access-Control-Allow-Origin", &self.origin), ("Access-Control-Allow-Credentials", &self.credentials)]
        {
            let lines = match lines {
                Lines::One(line) => std::slice::from_ref(line),
                Lines::Several(lines) => lines,
            };
            headers.extend(lines.iter().map(|value| (name.to_owned(), value.clone())));
        }
        headers.extend(self.more.iter().map(|line| {
            let (name, value) = line.split_once(": ").expect("name: value");
            (name.to_owned(), value.to_owned())
        }));
        Response { status: self.status[..3].parse().expect("a status"), headers }
    }

    fn expected(&self, panel: Panel) -> (&str, Option<&str>, &str) {
        let angular = (self.verdict.as_str(), self.rule.as_deref(), self.said.as_str());
        match &self.django {
            Some(django) if panel != Panel::Angular => (&django.verdict, django.rule.as_deref(), &django.said),
            _ => angular,
        }
    }
}

/// One word, the rule, the words, and who answered.
fn told(verdict: &UploadVerdict) -> (&str, Option<&str>, &str, &Answerer) {
    match verdict {
        UploadVerdict::Passed { by, .. } => ("passed", None, "", by),
        UploadVerdict::Refused { by, failure } => ("refused", Some(failure.rule.id()), &failure.message, by),
        UploadVerdict::Unknown { by, why } => ("unknown", None, &why.message, by),
    }
}

#[test]
fn the_judge_decides_as_the_table_says() {
    let cases = file("tests/cases/upload/answers.yaml");
    let cases: BTreeMap<String, Case> = serde_yaml::from_str(&std::fs::read_to_string(cases).unwrap()).unwrap();
    let mut wrong = Vec::new();
    for ((name, case), panel) in cases.iter().flat_map(|case| Panel::ALL.map(|panel| (case, panel))) {
        let verdict = upload::judge_complete(&upload_of(panel, URL), &Wire::Response(case.answer()));
        let (verdict_told, rule, words, by) = told(&verdict);
        let (expected, expected_rule, said) = case.expected(panel);
        let by_expected = if case.by == "glance" { Answerer::Glance } else { Answerer::Other(case.by.clone()) };
        if (verdict_told, rule, by) != (expected, expected_rule, &by_expected) || !words.contains(said) {
            wrong.push(format!("{name}, {panel}: {verdict:?}"));
        }
        assert!(!format!("{verdict:?}").contains("secret"), "{name}");
    }
    assert!(cases.len() > 35 && wrong.is_empty(), "{wrong:#?}");
}

fn answer(status: u16, headers: &[(&str, &str)]) -> Wire {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    Wire::Response(Response { status, headers })
}

fn glance() -> Wire {
    answer(401, &[("WWW-Authenticate", "Keystone uri='https://k'")])
}

/// Glance's answer, with its CORS headers.
fn readable() -> Wire {
    let challenge = ("WWW-Authenticate", "Keystone uri='https://k'");
    answer(401, &[challenge, ("Access-Control-Allow-Origin", ORIGIN), ("Access-Control-Allow-Credentials", "true")])
}

/// Another answer, with Glance's CORS headers.
fn readable_as(status: u16) -> Wire {
    answer(status, &[("Access-Control-Allow-Origin", ORIGIN), ("Access-Control-Allow-Credentials", "true")])
}

fn failed(kind: UnreachableKind) -> Wire {
    Wire::Failed(Unreachable::new(kind, "why", "fix"))
}

/// What the announced size shows: a refusal is a 413, or what only this size meets.
#[rstest]
#[case::passes(glance(), None, "passed", None, "")]
#[case::nginx(answer(413, &[("Server", "nginx")]), None, "refused", Some("DU014"), "a body limit in front of Glance (Server: nginx)")]
#[case::nobody_answers(Wire::Silence(5), None, "unknown", None, "no answer within 5 s")]
#[case::stored_first(Wire::Continue, None, "unknown", None, "100 Continue")]
#[case::always_cut(failed(UnreachableKind::Http), Some(failed(UnreachableKind::Http)), "unknown", None, "why")]
#[case::cut_by_size(failed(UnreachableKind::Http), Some(glance()), "refused", Some("DU014"), "ends the connection")]
#[case::cut_by_size_and_store(
    failed(UnreachableKind::Http),
    Some(Wire::Continue),
    "refused",
    Some("DU014"),
    "one byte passes"
)]
#[case::no_tls(failed(UnreachableKind::Tls), None, "unknown", None, "why")]
#[case::deny_by_size(answer(403, &[]), Some(glance()), "refused", Some("DU014"), "the same request with one byte passes")]
#[case::deny_by_size_and_store(answer(403, &[]), Some(Wire::Continue), "refused", Some("DU014"), "the same request with one byte passes")]
#[case::does_not_know_expect(answer(417, &[]), Some(answer(417, &[])), "unknown", None, "417")]
#[case::fails_otherwise(answer(503, &[]), Some(answer(400, &[])), "unknown", None, "503")]
#[case::fails_once(answer(503, &[]), Some(Wire::Silence(5)), "unknown", None, "503")]
fn the_announced_size(
    #[case] large: Wire,
    #[case] small: Option<Wire>,
    #[case] expected: &str,
    #[case] rule: Option<&str>,
    #[case] said: &str,
) {
    assert_eq!(upload::is_worth_comparing(&large), small.is_some());
    let verdict = match small {
        Some(small) => upload::compare(SIZE, &large, &small),
        None => upload::judge_announced(SIZE, &large),
    };
    let (told, found, words, _) = told(&verdict);
    assert_eq!((told, found), (expected, rule), "{verdict:?}");
    assert!(words.contains(said), "{words}");
}

/// Answers that may come from a server that only wants to see some token.
#[rstest]
#[case::no_challenge(answer(401, &[]), true)]
#[case::forbidden(answer(403, &[]), true)]
#[case::to_a_login(answer(302, &[("Location", "https://sso.example.com/auth")]), true)]
#[case::a_login(answer(401, &[("WWW-Authenticate", "Basic realm=x")]), true)]
#[case::bad_request(answer(400, &[]), true)]
#[case::not_found(answer(404, &[]), true)]
#[case::method(answer(405, &[]), true)]
#[case::ended(failed(UnreachableKind::Http), true)]
#[case::no_tls(failed(UnreachableKind::Tls), false)]
#[case::limit(answer(413, &[]), false)]
#[case::broken(answer(502, &[]), false)]
#[case::glance(glance(), false)]
#[case::silence(Wire::Silence(10), false)]
fn worth_a_token(#[case] wire: Wire, #[case] expected: bool) {
    assert_eq!(upload::is_worth_a_token(&wire), expected);
    assert_eq!(upload::is_glances(&wire), wire == glance());
}

/// The answers to a PUT without a token and to one with an invalid token.
#[rstest]
#[case::alike(answer(403, &[]), answer(403, &[]), false)]
#[case::missing_and_invalid(answer(400, &[]), answer(401, &[]), true)]
#[case::hidden_and_invalid(answer(404, &[]), answer(403, &[]), true)]
#[case::filter_then_limit(answer(403, &[]), answer(429, &[]), false)]
#[case::login_then_page(answer(302, &[("Location", "/login")]), answer(403, &[]), false)]
#[case::login_then_token(answer(302, &[("Location", "/login")]), answer(401, &[]), true)]
#[case::no_answer(answer(403, &[]), Wire::Silence(10), false)]
fn who_checks_tokens(#[case] without: Wire, #[case] with: Wire, #[case] checks: bool) {
    let verdict = upload::checks_tokens(&without, &with);
    assert_eq!(verdict.is_some(), checks);
    assert!(verdict.is_none_or(|verdict| matches!(verdict, UploadVerdict::Unknown { .. })));
}

/// The answers to the PUT, to a GET of the versions and to a GET of the same path, and what they say.
#[rstest]
#[case::alike(readable(), versions(&[ORIGIN]), glance(), "passed")]
#[case::no_versions(readable(), answer(404, &[]), glance(), "passed")]
#[case::versions_elsewhere(readable(), versions(&[]), glance(), "passed")]
#[case::doubled_on_success(readable(), versions(&[ORIGIN, ORIGIN]), glance(), "unknown")]
#[case::replaced_on_success(readable(), versions(&["*.example.com"]), glance(), "unknown")]
#[case::only_on_success(glance(), versions(&[ORIGIN]), glance(), "unknown")]
#[case::only_on_success_and_glance_s_own(stripped(("Vary", "Origin")), versions(&[ORIGIN]), stripped(("Vary", "Origin")), "unknown")]
#[case::errors_replaced(answer(401, &[("Content-Type", "text/html")]), versions(&[ORIGIN]), answer(401, &[]), "unknown")]
#[case::never(glance(), versions(&[]), glance(), "refused")]
#[case::a_gateway(json(403), json(403), json(403), "unknown")]
#[case::a_gateway_of_puts(json(403), versions(&[ORIGIN]), json(403), "refused")]
#[case::a_page_of_a_login(answer(403, &[("Content-Type", "text/html")]), json(403), json(403), "refused")]
#[case::a_check_of_tokens(glance(), glance(), glance(), "unknown")]
#[case::all_of_put(glance(), versions(&[ORIGIN]), readable(), "refused")]
#[case::stripped_of_put(stripped(("Vary", "Origin")), versions(&[ORIGIN]), readable(), "refused")]
#[case::stripped_of_one(stripped(("Access-Control-Allow-Credentials", "true")), versions(&[ORIGIN]), readable(), "refused")]
#[case::a_login(answer(401, &[("WWW-Authenticate", "Basic realm=x")]), versions(&[ORIGIN]), glance(), "refused")]
#[case::a_login_that_is_named_twice(answer(401, &[("WWW-Authenticate", r#"Basic realm="a, Keystone b", charset="UTF-8""#)]), versions(&[ORIGIN]), glance(), "refused")]
#[case::glance_beside_a_login(answer(401, &[("WWW-Authenticate", r#"Basic realm="a, b", Keystone uri="https://k""#), ("Access-Control-Allow-Origin", ORIGIN), ("Access-Control-Allow-Credentials", "true")]), answer(404, &[]), glance(), "passed")]
#[case::a_filter(answer(403, &[]), versions(&[ORIGIN]), glance(), "refused")]
#[case::refusals_replaced(readable_as(403), versions(&[ORIGIN]), readable_as(403), "unknown")]
#[case::refusals_of_puts_replaced(readable_as(403), versions(&[ORIGIN]), readable(), "refused")]
#[case::a_filter_of_all(readable_as(403), answer(404, &[]), readable_as(403), "refused")]
fn with_a_successful_answer(#[case] put: Wire, #[case] get: Wire, #[case] same: Wire, #[case] expected: &str) {
    let asked = upload_of(Panel::Unknown, URL);
    let mut verdict = upload::judge_complete(&asked, &put);
    if success::is_worth_asking(&put, &verdict) {
        let same = success::is_worth_comparing(&verdict).then_some(same);
        verdict = success::judge(&asked, &put, &verdict, &get, same.as_ref()).unwrap_or(verdict);
    }
    assert_eq!(told(&verdict).0, expected, "{verdict:?}");
}

/// Glance's refusal, with one header that its CORS filter left.
fn stripped(header: (&str, &str)) -> Wire {
    answer(401, &[("WWW-Authenticate", "Keystone uri='https://k'"), header])
}

/// A refusal for programs.
fn json(status: u16) -> Wire {
    answer(status, &[("Content-Type", "application/json")])
}

fn versions(origins: &[&str]) -> Wire {
    let credentials = ("Access-Control-Allow-Credentials", "true");
    let headers: Vec<_> =
        origins.iter().map(|origin| ("Access-Control-Allow-Origin", *origin)).chain([credentials]).collect();
    answer(200, &headers)
}

#[test]
fn a_rate_limit_is_waited_for() {
    for wire in [glance(), readable(), answer(405, &[]), answer(413, &[]), Wire::Continue, Wire::Silence(10)] {
        assert!(!upload::is_worth_waiting(&wire), "{wire:?}");
    }
    let theirs = answer(503, &[("X-OpenStack-Request-ID", "req-1")]);
    assert!(!upload::is_worth_waiting(&theirs));
    assert!(
        upload::is_worth_waiting(&failed(UnreachableKind::Http))
            && !upload::is_worth_waiting(&failed(UnreachableKind::Tls))
    );
    assert!(upload::is_worth_waiting(&answer(503, &[])) && upload::is_worth_waiting(&answer(429, &[])));
}

/// Readable redirects: browsers follow them, with the data and their origin only within Glance's own server.
#[rstest]
#[case::within(307, "/v2/images/x/file/", "unknown")]
#[case::within_by_301(301, "/v2/images/x/file/", "unknown")]
#[case::without_data(303, "/v2/images/x/file/", "refused")]
#[case::to_another_server(307, "https://other.example.com/v2/images/x/file", "refused")]
#[case::nowhere(302, "", "refused")]
#[case::with_a_user(307, "https://user:secret@glance.example.com/v2/images/x/file/", "refused")]
#[case::again(307, "https://glance.example.com/v2/images/x/file?", "unknown")]
#[case::to_another_port(308, "https://glance.example.com:9292/v2/images/x/file", "refused")]
fn redirects_that_are_followed(#[case] status: u16, #[case] location: &str, #[case] expected: &str) {
    let headers =
        [("Access-Control-Allow-Origin", ORIGIN), ("Access-Control-Allow-Credentials", "true"), ("Location", location)];
    let headers = if location.is_empty() { &headers[..2] } else { &headers[..] };
    let verdict = upload::judge_complete(&upload_of(Panel::Unknown, URL), &answer(status, headers));
    assert_eq!(told(&verdict).0, expected, "{verdict:?}");
}

/// A PUT that ends without an answer where OPTIONS had one: uploads end so, too. What is ours is unknown.
#[rstest]
#[case::cut(failed(UnreachableKind::Http), "refused", Some("DU020"))]
#[case::tls(failed(UnreachableKind::Tls), "unknown", None)]
#[case::connect(failed(UnreachableKind::Connect), "unknown", None)]
#[case::silence(Wire::Silence(10), "unknown", None)]
fn a_put_without_answer(#[case] wire: Wire, #[case] expected: &str, #[case] rule: Option<&str>) {
    let verdict = upload::judge_complete(&upload_of(Panel::Unknown, URL), &wire);
    let (told, found, _, by) = told(&verdict);
    assert_eq!((told, found, by), (expected, rule, &Answerer::Nobody));
}

/// No token, no data, no cookie; and who asks.
#[test]
fn the_requests() {
    let asked = upload_of(Panel::Django, URL);
    for (request, length, expects) in
        [(upload::complete(&asked), "0", false), (upload::announced(&asked, SIZE), "10737418240", true)]
    {
        assert_eq!((request.method, request.path.as_str()), ("PUT", asked.endpoint.upload_path(&asked.image).as_str()));
        let value = |name| request.lines.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str());
        assert_eq!(value("Content-Length"), Some(length));
        assert_eq!(value("Expect"), expects.then_some("100-continue"));
        assert_eq!(value("Origin"), Some(ORIGIN));
        assert!(value("User-Agent").unwrap().contains(" direct-upload-operator/"));
        assert_eq!((value("Cookie"), value("Authorization")), (None, None));
        // A Fernet token's form.
        assert_eq!(value("X-Auth-Token").is_some_and(|token| token.starts_with("gAAAAA")), expects);
        assert!(value("Referer").is_some());
    }
    let value = |asked: &Preflight, name| {
        upload::announced(asked, SIZE).lines.into_iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    };
    let other = Preflight { image: "another".to_owned(), ..asked.clone() };
    assert_ne!(value(&asked, "X-Auth-Token"), value(&other, "X-Auth-Token"), "servers may remember a bad token");
    let angular = upload_of(Panel::Angular, URL);
    assert_eq!(value(&angular, "Accept").as_deref(), Some("application/json, text/plain, */*"));
    assert_eq!(value(&angular, "X-CSRFToken").map(|token| token.len()), Some(64));
    assert_eq!((value(&asked, "Accept").as_deref(), value(&asked, "X-CSRFToken")), (Some("*/*"), None));
    let silent = Preflight { refers: false, ..asked };
    assert!(upload::complete(&silent).lines.iter().all(|(name, _)| *name != "Referer"));
}

/// The dashboard's page, as the judge sees it.
fn page_of(asked: &Preflight, wire: PageWire) -> PageOutcome {
    let page = Page { path: String::new(), assumed: false };
    PageOutcome { request: page::request(&asked.origin, "/"), verdict: page::judge(asked, &page, &wire), wire }
}

fn elsewhere() -> PageWire {
    PageWire::Elsewhere("https://sso.example.com".to_owned())
}

fn shown(status: u16, body: &str) -> PageWire {
    PageWire::Response(Response { status, headers: vec![] }, body.to_owned())
}

const HORIZON: &str = "<body ng-app='horizon.app'>";

/// What answers the PUT and the dashboard's page. Only cookies of a common domain pass a login.
#[rstest]
#[case::the_same(Panel::Django, URL, 302, elsewhere(), "unknown")]
#[case::sign_in_page(Panel::Django, URL, 403, shown(403, "<form>"), "unknown")]
#[case::bare(Panel::Django, URL, 401, elsewhere(), "unknown")]
#[case::page_of_a_login(Panel::Django, URL, 200, shown(200, "<form>"), "unknown")]
#[case::panel_unknown(Panel::Unknown, URL, 302, elsewhere(), "refused")]
#[case::without_cookies(Panel::Angular, URL, 302, elsewhere(), "refused")]
#[case::another_site(Panel::Django, "https://glance.example.org", 302, elsewhere(), "refused")]
#[case::redirects_without_end(
    Panel::Django,
    URL,
    302,
    PageWire::Failed(Unreachable::new(UnreachableKind::Unclear, "", "")),
    "unknown"
)]
#[case::open_dashboard(Panel::Django, URL, 403, shown(200, HORIZON), "refused")]
#[case::method(Panel::Django, URL, 405, elsewhere(), "refused")]
fn a_login_that_browsers_have_passed(
    #[case] panel: Panel,
    #[case] url: &str,
    #[case] status: u16,
    #[case] of_page: PageWire,
    #[case] expected: &str,
) {
    let asked = Preflight { endpoint: Endpoint::parse(url).unwrap(), ..upload_of(panel, URL) };
    let wire = answer(status, &[("Location", "https://sso.example.com/login?rd=x"), ("Content-Type", "text/html")]);
    let without = upload::judge_complete(&asked, &wire);
    assert_eq!(told(&without).0, "refused");
    let with_cookies = upload::has_passed_login(&asked, &wire, &page_of(&asked, of_page));
    let verdict = with_cookies.map_or(without.clone(), |other| upload::stricter(&asked, without, &other));
    assert_eq!(told(&verdict).0, expected, "{verdict:?}");
    let basic = answer(401, &[("WWW-Authenticate", "Basic realm=x")]);
    assert!(upload::has_passed_login(&asked, &basic, &page_of(&asked, elsewhere())).is_none(), "of one host only");
}

/// Of the same origin: what answers the upload and the dashboard's page.
#[rstest]
#[case::sign_in_page(403, elsewhere(), true)]
#[case::bare(401, shown(401, ""), true)]
#[case::to_a_login(302, elsewhere(), true)]
#[case::login_page(200, shown(200, "<form>"), true)]
#[case::of_glance_s_path_alone(403, shown(200, HORIZON), false)]
#[case::nothing_there(404, shown(404, "default backend"), false)]
#[case::broken(403, shown(502, ""), false)]
#[case::method(405, elsewhere(), false)]
#[case::limit(413, elsewhere(), false)]
fn a_login_in_front_of_both(#[case] status: u16, #[case] of_page: PageWire, #[case] unknown: bool) {
    let asked =
        Preflight { endpoint: Endpoint::parse(&format!("{ORIGIN}/image")).unwrap(), ..upload_of(Panel::Angular, URL) };
    let verdict = same_origin::behind_login(&Response { status, headers: vec![] }, &page_of(&asked, of_page));
    assert_eq!(verdict.is_some(), unknown, "{verdict:?}");
}

/// The first answer to the PUT, and one to its repetition.
#[rstest]
#[case::alike(readable(), readable(), false)]
#[case::one_without_cors(readable(), glance(), true)]
#[case::one_with_cors(glance(), readable(), true)]
#[case::one_with_another_method(readable(), answer(405, &[]), true)]
#[case::one_with_a_limit(readable(), answer(413, &[]), true)]
#[case::a_limit_of_requests(readable(), answer(429, &[]), false)]
#[case::a_ban(readable(), answer(403, &[]), false)]
#[case::no_answer(readable(), Wire::Silence(10), false)]
fn servers_that_differ(#[case] first: Wire, #[case] repeated: Wire, #[case] differs: bool) {
    let asked = upload_of(Panel::Angular, URL);
    let first = upload::judge_complete(&asked, &first);
    let verdict = upload::differs(&asked, &first, &Repeated::Put(&repeated));
    assert_eq!(verdict.as_ref().map(|verdict| told(verdict).0), differs.then_some("refused"), "{verdict:?}");
}

#[test]
fn preflights_that_differ() {
    let asked = upload_of(Panel::Angular, URL);
    let first = upload::judge_complete(&asked, &readable());
    let differs = |status| {
        let answer = Response { status, headers: vec![] };
        upload::differs(&asked, &first, &Repeated::Preflight(&answer)).is_some()
    };
    assert!(differs(200) && differs(404));
    assert!(!differs(403) && !differs(429) && !differs(503));
}

/// Two answers to PUTs with an invalid token.
#[rstest]
#[case::glance(readable(), readable(), "")]
#[case::refused(answer(400, &[]), answer(400, &[]), "refused")]
#[case::a_long_header(answer(431, &[]), answer(431, &[]), "refused")]
#[case::a_page(answer(403, &[("Content-Type", "text/html")]), answer(403, &[("Content-Type", "text/html")]), "refused")]
#[case::ended(failed(UnreachableKind::Http), failed(UnreachableKind::Http), "refused")]
#[case::a_gateway(answer(401, &[]), answer(401, &[]), "unknown")]
#[case::a_gateway_that_forbids(json(403), json(403), "unknown")]
#[case::a_gateway_that_fails(answer(502, &[]), answer(502, &[]), "unknown")]
#[case::once(answer(400, &[]), readable(), "")]
#[case::unreadable(glance(), glance(), "")]
fn a_filter_of_tokens(#[case] first: Wire, #[case] second: Wire, #[case] expected: &str) {
    let verdict = upload::refuses_tokens(&upload_of(Panel::Angular, URL), &first, &second);
    assert_eq!(verdict.as_ref().map_or("", |verdict| told(verdict).0), expected, "{verdict:?}");
}

/// The answer to the PUT with a token and data; the one without them was read.
#[rstest]
#[case::alike(readable(), false)]
#[case::without_cors(glance(), true)]
#[case::doubled(answer(401, &[("WWW-Authenticate", "Keystone uri='https://k'"), ("Access-Control-Allow-Origin", ORIGIN), ("Access-Control-Allow-Origin", ORIGIN)]), true)]
#[case::not_glance(answer(413, &[]), false)]
#[case::stored(Wire::Continue, false)]
fn an_answer_that_only_uploads_get(#[case] announced: Wire, #[case] refused: bool) {
    let asked = upload_of(Panel::Angular, URL);
    let complete = upload::judge_complete(&asked, &readable());
    let verdict = upload::unreadable_with_token(&asked, &complete, &announced);
    assert_eq!(verdict.as_ref().map(|verdict| told(verdict).1), refused.then_some(Some("DU012")), "{verdict:?}");
}

/// The answers to the complete PUT and to the announced one.
#[rstest]
#[case::length_required(answer(411, &[]), readable(), true)]
#[case::empty(answer(400, &[]), readable(), true)]
#[case::a_filter(answer(403, &[]), readable(), true)]
#[case::ended(failed(UnreachableKind::Http), readable(), true)]
#[case::of_no_connection(failed(UnreachableKind::Tls), readable(), false)]
#[case::another_limit(answer(413, &[]), readable(), false)]
#[case::both(answer(411, &[]), answer(411, &[]), false)]
#[case::a_limit_of_requests(answer(429, &[]), readable(), false)]
fn an_empty_put_that_is_refused(#[case] complete: Wire, #[case] announced: Wire, #[case] unknown: bool) {
    let asked = upload_of(Panel::Angular, URL);
    let outcome = |wire: &Wire, verdict| PutOutcome {
        request: upload::complete(&asked),
        length: 0,
        wire: wire.clone(),
        verdict,
        settled: None,
        with_cookies: None,
    };
    let put = outcome(&complete, upload::judge_complete(&asked, &complete));
    let size = outcome(&announced, upload::judge_announced(SIZE, &announced));
    assert_eq!(upload::outweighed(&put, &size).is_some(), unknown);
    let settled = PutOutcome { settled: Some(put.verdict.clone()), ..put };
    assert_eq!(upload::outweighed(&settled, &size), None, "more than this answer decided it");
}

fn cause(rule: Option<Rule>, message: &str) -> Cause {
    let (requirement, received, fix) = (String::new(), String::new(), String::new());
    Cause { rule, requirement, message: message.into(), received, fix }
}

/// g granted, r refused, u unknown, - not asked.
fn part(letter: char) -> Option<ProbeAnswer> {
    match letter {
        'g' => Some(ProbeAnswer::Granted(vec![])),
        'r' => Some(ProbeAnswer::Refused(cause(Some(Rule::BodyLimit), "refused"))),
        'u' => Some(ProbeAnswer::Unknown(cause(None, "why"))),
        _ => None,
    }
}

fn observation(checks: &str) -> Observation {
    let mut answers = checks.chars().map(part);
    let preflight = answers.next().flatten().unwrap();
    // What is not named has passed.
    let answers = answers.chain(std::iter::repeat_with(|| part('g')));
    let checks =
        [UploadCheck::Put, UploadCheck::Size, UploadCheck::Page, UploadCheck::AddressSpace].into_iter().zip(answers);
    let checks = checks.filter_map(|(check, answer)| Some((check, answer?))).collect();
    Observation { checks, ..Observation::of_preflight(Panel::Unknown, preflight) }
}

/// Observations form one run if all their checks agree; the wording does not count.
#[test]
fn observations_agree() {
    let all = ["ggg", "gg-", "g--", "ggu", "guu", "grg", "gur", "gggr", "ggggr", "ggg-", "gggu", "r--", "u--"];
    for (one, two) in all.iter().flat_map(|one| all.iter().map(move |two| (one, two))) {
        assert_eq!(observation(one).agrees(&observation(two)), one == two, "{one} {two}");
    }
    let worded = Observation { preflight: ProbeAnswer::Granted(vec!["advice".into()]), ..observation("ggg") };
    assert!(worded.agrees(&observation("ggg")));
    assert!(!Observation { panel: Panel::Django, ..observation("ggg") }.agrees(&observation("ggg")));
}

/// Preflight, PUT and size; what it counts as; how many assumptions.
#[rstest]
#[case::all("ggg", 'g', 0)]
#[case::preflight_alone("g--", 'g', 2)]
#[case::size_cannot_be_told("ggu", 'g', 1)]
#[case::nothing_can_be_told("guu", 'g', 2)]
#[case::refused("r--", 'r', 0)]
#[case::put_refused("grg", 'r', 0)]
#[case::size_refused("gur", 'r', 0)]
#[case::page_cannot_be_told("gggu", 'g', 1)]
#[case::page_refused("gggr", 'r', 0)]
#[case::addresses_refused("ggggr", 'r', 0)]
#[case::addresses_cannot_be_told("ggggu", 'g', 1)]
#[case::unreachable("u--", 'u', 0)]
fn an_observation(#[case] checks: &str, #[case] verdict: char, #[case] assumptions: usize) {
    let observation = observation(checks);
    assert!(observation.verdict().agrees(&part(verdict).unwrap()), "{:?}", observation.verdict());
    let said = observation.assumptions();
    assert_eq!(said.len(), assumptions, "{said:?}");
    assert!(said.iter().all(|sentence| sentence.starts_with("it is assumed that ")), "{said:?}");
}
