//! A page's calls of an API: the questions, the real filter's answers to them, and what browsers make of those.

use direct_upload_api::web::{Endpoint, Origin};
use direct_upload_api::{ApiService, CorsFilter, CorsKey, CorsValue, Rule};
use direct_upload_core::judge::{CallPreflight, Response};
use direct_upload_core::model::{ApiCall, ProbeAnswer};
use direct_upload_core::openstack::OpenStackService;
use direct_upload_core::render::{ApiSettings, CorsSettings, api};
use rstest::rstest;
use serde_json::{Value, json};
use test_support::oracle::ask;

const PORTAL: &str = "https://portal.example.com";

fn call(service: &'static OpenStackService, credentials: bool) -> ApiCall {
    let mut headers: Vec<_> = service.allow_headers.iter().map(|name| name.to_ascii_lowercase()).collect();
    headers.push("content-type".into());
    headers.sort();
    ApiCall { service: service.name, methods: service.allow_methods.to_vec(), headers, credentials }
}

fn questions(origin: &str, call: &ApiCall) -> Vec<CallPreflight> {
    let endpoint = Endpoint::parse("https://keystone.example.com/v3").unwrap();
    CallPreflight::of(&Origin::parse(origin).unwrap(), &endpoint, call)
}

fn request(question: &CallPreflight) -> Value {
    let request = question.request();
    let headers: serde_json::Map<String, Value> =
        request.lines.iter().map(|(name, value)| ((*name).to_owned(), Value::from(value.clone()))).collect();
    json!({"method": request.method, "path": request.path, "headers": headers})
}

fn response(answer: &Value) -> Response {
    let status = answer["status"].as_u64().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let headers = answer["headers"].as_array().unwrap();
    let lines: Vec<_> = headers.iter().map(|pair| format!("{}: {}\r\n", text(&pair[0]), text(&pair[1]))).collect();
    let head = format!("HTTP/1.1 {status} OK\r\n{}\r\n", lines.concat());
    direct_upload_core::judge::head::read(head.as_bytes()).unwrap().unwrap()
}

fn rule_of(answer: ProbeAnswer) -> Option<Rule> {
    match answer {
        ProbeAnswer::Granted(_) => None,
        ProbeAnswer::Refused(cause) => cause.rule,
        ProbeAnswer::Unknown(cause) => panic!("{cause:?}"),
    }
}

/// The filter of oslo.middleware with this `[cors]`, asked all of it.
fn answers(ini: &str, questions: &[CallPreflight]) -> Vec<Response> {
    let requests: Vec<_> = questions.iter().map(request).collect();
    let all: Value = ask(&json!({"ask": "cors", "files": {"glance-api.conf": ini}, "requests": requests}));
    all["answers"].as_array().unwrap().iter().map(response).collect()
}

fn ini(service: &'static OpenStackService, options: &[(CorsKey, CorsValue)]) -> String {
    let cors =
        CorsSettings { origins: [Origin::parse(PORTAL).unwrap()].into(), options: options.iter().cloned().collect() };
    let settings = ApiSettings { cors: Some(cors), config_dir: "/etc/x/x.conf.d".into(), ..ApiSettings::default() };
    api(&settings, service).unwrap().remove(0).contents
}

fn verdicts(ini: &str, questions: &[CallPreflight]) -> Vec<Option<Rule>> {
    let judged = questions.iter().zip(answers(ini, questions)).map(|(question, answer)| question.judge(&answer));
    judged.map(rule_of).collect()
}

/// What is rendered for a service lets its own methods and headers through, with cookies and without, from the
/// stated origin alone.
#[rstest]
fn each_services_file_lets_its_own_calls_through(#[values(false, true)] credentials: bool) {
    let services = ApiService::ALL.iter().map(|service| (*service).into());
    for service in services.filter(|service: &&OpenStackService| service.filter == CorsFilter::OsloMiddleware) {
        let ini = ini(service, &[]);
        let call = call(service, credentials);
        let asked = questions(PORTAL, &call);
        assert!(asked.len() > 1, "{asked:?}");
        assert!(verdicts(&ini, &asked).iter().all(Option::is_none), "{ini}");
        let other = verdicts(&ini, &questions("https://other.example.com", &call));
        assert!(other.iter().all(|rule| *rule == Some(Rule::OriginMissing)), "{other:?}");
    }
}

#[test]
fn what_is_asked_is_what_a_page_asks() {
    let keystone = ApiService::Keystone.into();
    let asked = questions(PORTAL, &call(keystone, false));
    let requests: Vec<_> = asked.iter().map(CallPreflight::request).collect();
    assert!(requests.iter().all(|r| (r.method, r.path.as_str()) == ("OPTIONS", "/v3")), "{requests:?}");
    let line = |at: usize, name: &str| requests[at].lines.iter().find(|(n, _)| *n == name).map(|(_, v)| v.clone());
    let methods: Vec<_> = (0..asked.len()).filter_map(|at| line(at, "Access-Control-Request-Method")).collect();
    // POST and GET need no place in a list.
    assert_eq!(methods, ["GET", "PUT", "DELETE", "PATCH"]);
    let headers = line(0, "Access-Control-Request-Headers").unwrap();
    assert!(headers.starts_with("content-type,openstack-auth-receipt,x-auth-token,"), "{headers}");
    assert_eq!(line(1, "Access-Control-Request-Headers").unwrap(), "x-auth-token");
}

/// A header that the file lacks, cookies that it does not allow, a method that it lacks.
#[test]
fn what_lacks_is_refused_by_its_rule() {
    let keystone = ApiService::Keystone.into();
    let ini = ini(keystone, &[(CorsKey::AllowCredentials, CorsValue::Flag(false))]);
    let with = verdicts(&ini, &questions(PORTAL, &call(keystone, true)));
    assert!(with.iter().all(|rule| *rule == Some(Rule::NoCredentials)), "{with:?}");
    assert!(verdicts(&ini, &questions(PORTAL, &call(keystone, false))).iter().all(Option::is_none));

    let mut more = call(keystone, false);
    more.headers.push("x-portal-trace".into());
    let asked = questions(PORTAL, &more);
    let answers = answers(&ini, &asked);
    assert!(asked[0].is_silent(&answers[0]) && !asked[1].is_silent(&answers[1]));
    assert_eq!(verdicts(&ini, &asked)[0], Some(Rule::OriginMissing));
    let ProbeAnswer::Refused(cause) = asked[0].lacking(&["x-portal-trace".into()], &answers[0]) else { panic!() };
    assert_eq!(cause.rule, Some(Rule::HeaderMissing));
    assert!(cause.fix.contains("spec.cors.allowHeaders"), "{cause:?}");

    let octavia = ApiService::Octavia.into();
    let mut patch = call(octavia, false);
    patch.methods.push("PATCH");
    assert_eq!(verdicts(&self::ini(octavia, &[]), &questions(PORTAL, &patch)).last(), Some(&Some(Rule::OriginMissing)));
}

fn answer(head: &str) -> Response {
    direct_upload_core::judge::head::read(head.replace('\n', "\r\n").as_bytes()).unwrap().unwrap()
}

#[rstest]
#[case::login("HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Basic\n\n", false, Some(Rule::OptionsFiltered))]
#[case::redirect("HTTP/1.1 302 Found\nLocation: /x\n\n", false, Some(Rule::CorsOnTheWay))]
#[case::flask("HTTP/1.1 200 OK\nAllow: GET, OPTIONS\nContent-Type: text/html\n\n", false, Some(Rule::OriginMissing))]
#[case::proxy("HTTP/1.1 204 No\nAccess-Control-Allow-Methods: GET\n\n", false, Some(Rule::CorsOnTheWay))]
#[case::other("HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://a.example\n\n", false, Some(Rule::CorsOnTheWay))]
#[case::any(
    "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: *\nAccess-Control-Allow-Headers: *\n\n",
    false,
    None
)]
#[case::any_with_cookies(
    "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: *\nAccess-Control-Allow-Methods: *\nAccess-Control-Allow-Headers: *\n\n",
    true,
    Some(Rule::AnyOrigin)
)]
#[case::no_headers(
    "HTTP/1.1 200 OK\nAccess-Control-Allow-Origin: https://portal.example.com\n\n",
    false,
    Some(Rule::HeaderMissing)
)]
fn answers_that_others_make(#[case] head: &str, #[case] credentials: bool, #[case] rule: Option<Rule>) {
    let asked = questions(PORTAL, &call(ApiService::Nova.into(), credentials));
    assert_eq!(rule_of(asked[0].judge(&answer(head))), rule);
}

#[rstest]
#[case(PORTAL, "http://keystone.example.com", false, Some(Rule::MixedContent))]
#[case(PORTAL, "https://keystone.openstack.svc.cluster.local", false, Some(Rule::NotPublic))]
#[case(PORTAL, "https://keystone.openstack.svc.cluster.local", true, None)]
#[case(PORTAL, "https://keystone.example.com/v3", false, None)]
fn what_fails_before_anything_is_asked(
    #[case] origin: &str,
    #[case] url: &str,
    #[case] redirected: bool,
    #[case] rule: Option<Rule>,
) {
    let call = call(ApiService::Keystone.into(), false);
    let asked = CallPreflight::of(&Origin::parse(origin).unwrap(), &Endpoint::parse(url).unwrap(), &call);
    assert_eq!(asked[0].objection(redirected).map(|failure| failure.rule), rule);
}

/// Swift's own proxy with this text in its folder, asked all of it.
fn answers_of_swift(ini: &str, questions: &[CallPreflight]) -> Vec<Response> {
    const PROXY: &str = "[pipeline:main]\npipeline = proxy-server\n[app:proxy-server]\nuse = egg:swift#proxy\n";
    let requests: Vec<_> = questions.iter().map(request).collect();
    let files = json!({"proxy.conf": PROXY, "zz.conf": ini});
    let all: Value = ask(&json!({"ask": "swift", "files": files, "requests": requests}));
    all["answers"].as_array().unwrap().iter().map(response).collect()
}

/// Swift's proxy answers where the operator asks: below `/v1`, for a container; its word for an unknown origin, and
/// for a method, is 401.
#[rstest]
#[case::known(PORTAL, "https://swift.example.com", false, None)]
#[case::with_version(PORTAL, "https://swift.example.com/v1", false, None)]
#[case::with_account(PORTAL, "https://swift.example.com/v1/AUTH_0", false, None)]
#[case::unknown("https://other.example.com", "https://swift.example.com", false, Some(Rule::OriginMissing))]
#[case::cookies(PORTAL, "https://swift.example.com", true, Some(Rule::NoCredentials))]
fn swift_is_asked_for_a_container(
    #[case] origin: &str,
    #[case] url: &str,
    #[case] credentials: bool,
    #[case] rule: Option<Rule>,
) {
    let swift = ApiService::Swift.into();
    let mut call = call(swift, credentials);
    call.headers.push("x-object-meta-anything".into());
    let asked = CallPreflight::of(&Origin::parse(origin).unwrap(), &Endpoint::parse(url).unwrap(), &call);
    assert_eq!(asked.len(), 3, "GET with the headers, PUT and DELETE: {asked:?}");
    let answers = answers_of_swift(&ini(swift, &[]), &asked);
    let found: Vec<_> = asked.iter().zip(&answers).map(|(question, answer)| rule_of(question.judge(answer))).collect();
    assert_eq!(found, [rule; 3], "{answers:?}");
    let mut patch = call.clone();
    patch.methods.push("PATCH");
    let asked = CallPreflight::of(&Origin::parse(origin).unwrap(), &Endpoint::parse(url).unwrap(), &patch);
    let answers = answers_of_swift(&ini(swift, &[]), &asked);
    assert_eq!(answers.last().unwrap().status, 401);
}

/// What is in front of Swift, or is no proxy of Swift.
#[rstest]
#[case::token(
    "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Keystone uri='https://k'\n\n",
    Some(Rule::OptionsFiltered),
    "delay_auth_decision"
)]
#[case::own(
    "HTTP/1.1 401 Unauthorized\nWWW-Authenticate: Swift realm=\"AUTH_x\"\n\n",
    Some(Rule::OriginMissing),
    "cors_allow_origin"
)]
#[case::other("HTTP/1.1 404 Not Found\n\n", Some(Rule::CorsOnTheWay), "Swift")]
fn what_is_in_front_of_swift(#[case] head: &str, #[case] rule: Option<Rule>, #[case] said: &str) {
    let asked = questions(PORTAL, &call(ApiService::Swift.into(), false));
    let ProbeAnswer::Refused(cause) = asked[0].judge(&answer(head)) else { panic!("granted") };
    assert_eq!(cause.rule, rule);
    assert!(format!("{} {}", cause.message, cause.fix).contains(said), "{cause:?}");
}
