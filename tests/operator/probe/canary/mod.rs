//! The operator's own upload, against a Keystone and a Glance on loopback.

mod cloud;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use direct_upload_api::web::{Origin, PublicUrl};
use direct_upload_api::{Panel, Rule};
use direct_upload_core::judge::session::Secret;
use direct_upload_core::model::{CanaryClass, CanaryOutcome, CanaryQuery, Key, StuckReading};
use direct_upload_operator::probe::canary::{CanaryUpload, stuck, upload};
use direct_upload_operator::probe::{Credential, Gate};
use rstest::rstest;
use serde_json::{Value, json};

use crate::probe::server::{certificates, header};
use cloud::{Cloud, ID, Knobs, ORIGIN, PROJECT, Put, SECRET, TOKEN};

const UID: &str = "6a7b1c00-aaaa-bbbb-cccc-0123456789ab";

fn query(pace: Duration) -> CanaryQuery {
    let here = || "127.0.0.1".parse().unwrap();
    CanaryQuery {
        horizon: Key::new("openstack", "horizon"),
        uid: UID.into(),
        region: None,
        secret: Key::new("openstack", "canary"),
        origin: Origin::parse(ORIGIN).unwrap(),
        panel: Panel::Angular,
        size: 4096,
        pace,
        interval: Duration::from_secs(900),
        stuck_secret: None,
        stuck_after: Duration::from_secs(6 * 3600),
        hosts: BTreeMap::from([("keystone.example.com".into(), here()), ("glance.example.com".into(), here())]),
    }
}

struct Run {
    outcome: CanaryOutcome,
    stuck: Option<StuckReading>,
    cloud: Cloud,
    took: Duration,
}

/// One upload. Nothing secret is told, whatever comes.
fn run(knobs: Knobs, images: Vec<Value>, pace: Duration, adjust: impl Fn(&mut CanaryUpload<'_>)) -> Run {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), "*.example.com", "2");
    let cloud = Cloud::start(folder.path(), knobs, images);
    let query = query(pace);
    let mut asked = CanaryUpload {
        query: &query,
        auth_url: PublicUrl::parse(&format!("https://keystone.example.com:{}/v3", cloud.port)).unwrap(),
        credential: Credential { id: ID.into(), secret: Secret::new(SECRET.into()) },
        ca: std::fs::read_to_string(folder.path().join("ca.pem")).unwrap(),
        gate: Gate::default(),
    };
    adjust(&mut asked);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let began = Instant::now();
    let (outcome, stuck) = runtime.block_on(upload(&asked));
    let told = format!("{outcome:?} {stuck:?}");
    assert!(!told.contains(SECRET) && !told.contains(TOKEN), "{told}");
    Run { outcome, stuck, cloud, took: began.elapsed() }
}

fn with(knobs: Knobs) -> Run {
    run(knobs, vec![], Duration::ZERO, |_| {})
}

#[test]
fn an_upload_as_the_page_sends_it() {
    let Run { outcome, cloud, .. } = with(Knobs::default());
    let CanaryOutcome::Passed(endpoint) = outcome else { panic!("{outcome:?}") };
    assert_eq!(endpoint.to_string(), format!("https://glance.example.com:{}/image", cloud.port));
    let asked = cloud.asked();
    let lines: Vec<_> = asked.iter().map(|asked| asked.line().replace("00000001-made", "ID")).collect();
    let (lines, lists) = lines.split_at(6);
    for (list, status) in lists.iter().zip(["queued", "saving"]) {
        let begin = format!("GET /image/v2/images?status={status}&updated_at=lt%3A20");
        assert!(list.starts_with(&begin) && list.ends_with("Z&limit=100"), "{list}");
    }
    assert_eq!(lists.len(), 2);
    assert_eq!(
        lines,
        [
            "POST /v3/auth/tokens".to_owned(),
            format!("GET /image/v2/images?direct_upload_canary={UID}&visibility=private&limit=100"),
            "POST /image/v2/images".to_owned(),
            "PUT /image/v2/images/ID/file".to_owned(),
            "GET /image/v2/images/ID".to_owned(),
            "DELETE /image/v2/images/ID".to_owned(),
        ]
    );
    let made: Value = serde_json::from_slice(&asked[2].body).unwrap();
    assert_eq!((&made["visibility"], &made["direct_upload_canary"]), (&json!("private"), &json!(UID)));
    let put = &asked[3];
    for (name, value) in [
        ("Origin", ORIGIN),
        ("Content-Type", "application/octet-stream"),
        ("Content-Length", "4096"),
        ("Accept", "*/*"),
    ] {
        assert_eq!(header(&put.head, name), Some(value), "{}", put.head);
    }
    assert_eq!(header(&put.head, "X-CSRFToken").map(str::len), Some(64), "{}", put.head);
    assert!(header(&put.head, "Cookie").is_none());
    assert_eq!(put.body.len(), 4096);
    assert!(cloud.images().is_empty());
    // The credential goes to Keystone alone, and the token to Glance alone.
    for asked in &asked[1..] {
        assert!(!asked.head.contains(SECRET) && !String::from_utf8_lossy(&asked.body).contains(SECRET));
    }
    assert!(!asked[0].head.contains(TOKEN));
}

#[test]
fn the_data_is_spread_over_the_pace() {
    let Run { outcome, took, .. } = run(Knobs::default(), vec![], Duration::from_secs(3), |_| {});
    assert!(matches!(outcome, CanaryOutcome::Passed(_)), "{outcome:?}");
    assert!(took >= Duration::from_secs(3) && took < Duration::from_secs(12), "{took:?}");
}

#[rstest]
#[case::body_limit(Put::TooLarge, 0, CanaryClass::Size, Some(Rule::BodyLimit), "a body limit in front of Glance")]
#[case::cut_by_size(Put::CutAt(2048), 2, CanaryClass::Size, Some(Rule::BodyLimit), "by size")]
#[case::cut_by_time(Put::CutAfter(1200), 3, CanaryClass::Time, Some(Rule::TooSlow), "by duration")]
#[case::token(Put::Glance(401), 0, CanaryClass::Auth, None, "refuses a token that Keystone has just issued")]
#[case::policy(Put::Glance(403), 0, CanaryClass::Policy, None, "does not let this user upload")]
#[case::quota(Put::Glance(413), 0, CanaryClass::Quota, None, "a quota")]
#[case::store(Put::Glance(500), 0, CanaryClass::Store, None, "failed to store")]
#[case::killed(Put::Killed, 0, CanaryClass::Store, None, "ended the image's upload")]
#[case::cors(Put::Unreadable, 0, CanaryClass::Path, Some(Rule::CorsOnTheWay), "may not read the answer")]
#[case::content(Put::Damaged, 0, CanaryClass::Content, None, "does not contain the data that was sent")]
fn failures_are_told_apart(
    #[case] put: Put,
    #[case] pace: u64,
    #[case] class: CanaryClass,
    #[case] rule: Option<Rule>,
    #[case] said: &str,
) {
    let Run { outcome, cloud, .. } = run(Knobs { put, ..Knobs::default() }, vec![], Duration::from_secs(pace), |_| {});
    let CanaryOutcome::Failed(_, failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!((failure.class, failure.cause.rule), (class, rule), "{failure:?}");
    assert!(failure.cause.message.contains(said), "{failure:?}");
    assert!(cloud.images().is_empty(), "what was made is deleted");
}

#[rstest]
#[case::keystone_down(Knobs { keystone: 503, ..Knobs::default() }, "it answers 503")]
#[case::access_rules(Knobs { is_limited: true, glance: 401, ..Knobs::default() }, "service_type = image in [keystone_authtoken]")]
#[case::no_role(Knobs { glance: 403, ..Knobs::default() }, "Glance does not let the credential list images (403)")]
#[case::plain_http(Knobs { published: "http://glance.example.com/image", ..Knobs::default() }, "the token is sent only over https")]
#[case::version(Knobs { published: "https://glance.example.com/v2", ..Knobs::default() }, "remove /v2 from it")]
#[case::unreachable(Knobs { published: "https://glance.example.com:1/image", ..Knobs::default() }, "no connection to 127.0.0.1:1")]
fn what_says_nothing_of_uploads_is_no_failure(#[case] knobs: Knobs, #[case] said: &str) {
    let Run { outcome, cloud, .. } = with(knobs);
    let CanaryOutcome::Unknown(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains(said), "{why}");
    let made = cloud.asked().iter().filter(|asked| asked.line().starts_with("POST /image")).count();
    assert_eq!(made, 0, "no image is made");
}

/// A good token that Glance refuses is refused to users, too.
#[test]
fn a_token_without_access_rules_that_glance_refuses() {
    let Run { outcome, .. } = with(Knobs { glance: 401, ..Knobs::default() });
    let CanaryOutcome::Failed(_, failure) = outcome else { panic!("{outcome:?}") };
    assert_eq!(failure.class, CanaryClass::Auth);
}

#[test]
fn the_credential_is_sent_by_https_alone_and_to_whom_the_secret_trusts() {
    let run_with = |adjust: fn(&mut CanaryUpload<'_>)| run(Knobs::default(), vec![], Duration::ZERO, adjust);
    let plain = run_with(|asked| {
        let url = asked.auth_url.to_string().replace("https://", "http://");
        asked.auth_url = PublicUrl::parse(&url).unwrap();
    });
    let stranger = run_with(|asked| asked.ca = String::new());
    let wrong = run_with(|asked| asked.credential.secret = Secret::new("another".into()));
    let reached = [(plain, "not an https URL", 0), (stranger, "Keystone at", 0), (wrong, "(401)", 1)];
    for (Run { outcome, cloud, .. }, said, asked) in reached {
        let CanaryOutcome::Unknown(why) = outcome else { panic!("{outcome:?}") };
        assert!(why.contains(said), "{why}");
        assert_eq!(cloud.asked().len(), asked, "{why}");
    }
}

fn image(id: &str, change: &[(&str, &str)]) -> Value {
    let mut image = json!({"id": id, "name": format!("direct-upload-canary-{id}"), "owner": PROJECT,
        "visibility": "private", "status": "queued", "direct_upload_canary": UID});
    for (name, value) in change {
        image[*name] = json!(value);
    }
    image
}

#[test]
fn leftovers_are_deleted_and_nothing_else() {
    let others = [
        image("a-name", &[("name", "precious")]),
        image("a-uid", &[("direct_upload_canary", "another"), ("name", "direct-upload-canary-of-another")]),
        image("an-owner", &[("owner", "another"), ("name", "direct-upload-canary-elsewhere")]),
        image("a-share", &[("visibility", "shared"), ("name", "direct-upload-canary-shared")]),
    ];
    let mut kept: Vec<_> = others.iter().map(|image| image["name"].as_str().unwrap().to_owned()).collect();
    let images = others.into_iter().chain([image("left", &[]), image("left-too", &[("status", "active")])]).collect();
    let Run { outcome, cloud, .. } = run(Knobs::default(), images, Duration::ZERO, |_| {});
    assert!(matches!(outcome, CanaryOutcome::Passed(_)), "{outcome:?}");
    let mut left = cloud.images();
    left.sort();
    kept.sort();
    assert_eq!(left, kept);
}

#[test]
fn where_nothing_can_be_deleted_no_more_is_made() {
    let images = (0..3).map(|nth| image(&format!("left-{nth}"), &[])).collect();
    let Run { outcome, cloud, .. } = run(Knobs { delete: 403, ..Knobs::default() }, images, Duration::ZERO, |_| {});
    let CanaryOutcome::Unknown(why) = outcome else { panic!("{outcome:?}") };
    assert!(why.contains("3 images of earlier uploads cannot be deleted"), "{why}");
    assert_eq!(cloud.images().len(), 3);
}

/// What counts in the list: the state, and for how long, whatever the request filtered by.
#[test]
fn stuck_images_are_counted_and_left_alone() {
    let stuck_since = |id: &str, status: &str, at: &str| {
        image(id, &[("name", id), ("status", status), ("updated_at", at), ("owner", "somebody")])
    };
    let images = vec![
        stuck_since("queued-long", "queued", "2024-02-01T00:00:00Z"),
        stuck_since("queued-longer", "queued", "2024-01-01T00:00:00Z"),
        stuck_since("saving-long", "saving", "2024-03-01T00:00:00Z"),
        stuck_since("just-now", "saving", "2999-01-01T00:00:00Z"),
        stuck_since("active", "active", "2024-01-01T00:00:00Z"),
        stuck_since("odd", "queued", "yesterday"),
    ];
    let Run { outcome, stuck, cloud, .. } = run(Knobs::default(), images, Duration::ZERO, |_| {});
    assert!(matches!(outcome, CanaryOutcome::Passed(_)), "{outcome:?}");
    let stuck = stuck.unwrap().unwrap();
    assert_eq!((stuck.queued, stuck.saving, stuck.more), (2, 1, false), "{stuck:?}");
    assert_eq!(stuck.oldest, Some("2024-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!(cloud.images().len(), 6, "nothing of others is deleted");
}

/// A credential that only lists: two lists and a token, whatever stands there.
#[test]
fn a_second_credential_lists_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path(), "*.example.com", "2");
    let cloud =
        Cloud::start(folder.path(), Knobs::default(), vec![image("left", &[("updated_at", "2024-01-01T00:00:00Z")])]);
    let query = CanaryQuery { stuck_secret: Some(Key::new("openstack", "lister")), ..query(Duration::ZERO) };
    let asked = CanaryUpload {
        query: &query,
        auth_url: PublicUrl::parse(&format!("https://keystone.example.com:{}/v3", cloud.port)).unwrap(),
        credential: Credential { id: ID.into(), secret: Secret::new(SECRET.into()) },
        ca: std::fs::read_to_string(folder.path().join("ca.pem")).unwrap(),
        gate: Gate::default(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    assert_eq!(runtime.block_on(stuck(&asked)).unwrap().queued, 1);
    let methods: Vec<_> =
        cloud.asked().iter().map(|asked| asked.line().split('?').next().unwrap().to_owned()).collect();
    assert_eq!(methods, ["POST /v3/auth/tokens", "GET /image/v2/images", "GET /image/v2/images"]);
    assert_eq!(runtime.block_on(upload(&asked)).1, None, "one list is enough");
}

#[rstest]
#[case::no_right(Knobs { glance: 403, ..Knobs::default() }, "does not let the credential list images (403)")]
#[case::access_rules(Knobs { is_limited: true, glance: 401, ..Knobs::default() }, "service_type = image")]
#[case::plain_http(Knobs { published: "http://glance.example.com/image", ..Knobs::default() }, "only over https")]
fn a_list_that_is_refused_is_not_zero(#[case] knobs: Knobs, #[case] said: &str) {
    let Run { stuck, outcome, .. } = with(knobs);
    let told = format!("{stuck:?} {outcome:?}");
    assert!(!matches!(stuck, Some(Ok(_))) && told.contains(said), "{told}");
}
