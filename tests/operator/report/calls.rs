//! What preflights of an OpenStackAPI show, in its status, its conditions and the metrics.

use std::sync::Arc;

use direct_upload_api::{GlanceStatus, Rule};
use direct_upload_core::derive::{ApiView, Evidence, Failed, Weight};
use direct_upload_core::model::Cause;
use direct_upload_core::plan::{self, Options};
use direct_upload_core::simulate::{self, Cluster, RolloutStage};
use direct_upload_operator::report::{self, Metrics};
use jiff::Timestamp;
use rstest::rstest;
use test_support::manifests::{deployment, exposed, join, read, resource};

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn options() -> Options {
    Options { image: "operator:1".into() }
}

/// A Keystone whose pods accept the portal.
fn view() -> ApiView {
    let spec = "{service: Keystone, cors: {allowedOrigins: ['https://portal.example.com']}}";
    let input = read(&join(&[
        &resource("cors", "OpenStackAPI", "openstack", "keystone", spec),
        &deployment("openstack", "keystone"),
        &exposed("openstack", "keystone", "keystone.example.com"),
    ]));
    let outcome = simulate::simulate(Cluster::from_input(input), RolloutStage::Horizon, NOW, &options());
    outcome.cluster.world().apis.into_values().next().expect("an API")
}

fn failed(rule: Option<Rule>) -> Vec<Failed> {
    let reply = Cause {
        rule,
        requirement: "allow-origin".into(),
        message: "Keystone's CORS filter says nothing".into(),
        received: String::new(),
        fix: "see that Keystone reads the file".into(),
    };
    vec![Failed { region: None, origin: "https://portal.example.com".into(), check: None, reply }]
}

fn shown_by(evidence: Evidence) -> ApiView {
    let mut view = view();
    view.calls.as_mut().expect("it is exposed").evidence = evidence;
    view
}

fn of(view: &ApiView) -> Option<GlanceStatus> {
    let (plan, origins) = plan::api(view, NOW, &options());
    report::api(view, &plan, &origins, NOW)
}

/// The last message stays until there is a verdict: a restart of the operator writes nothing.
#[rstest]
#[case(Evidence::Pending)]
#[case(Evidence::Granted(Weight { fresh: false, firm: true }, vec![]))]
fn nothing_is_said_before_a_verdict(#[case] evidence: Evidence) {
    assert_eq!(of(&shown_by(evidence)), None);
}

/// Unless it was about other files, because the write that said so has failed.
#[test]
fn a_status_about_former_origins_does_not_stay() {
    let mut view = view();
    view.calls.as_mut().expect("it is exposed").evidence = Evidence::Granted(FRESH, vec![]);
    let told = of(&view).expect("a status");
    let pending = |config_maps: &[String]| {
        let mut view = view.clone();
        view.calls.as_mut().expect("it is exposed").evidence = Evidence::Pending;
        Arc::make_mut(&mut view.api).resource.status =
            Some(Arc::new(GlanceStatus { config_maps: config_maps.to_vec(), ..told.clone() }));
        of(&view)
    };
    assert_eq!(pending(&told.config_maps), None);
    let status = pending(&["keystone-direct-upload-of-others".into()]).expect("a status");
    assert_eq!(condition(&status, "Verified"), "Unknown NotVerified");
}

fn condition(status: &GlanceStatus, name: &str) -> String {
    let found = status.conditions.iter().find(|condition| condition.type_ == name).expect(name);
    format!("{} {}", found.status, found.reason)
}

const FRESH: Weight = Weight { fresh: true, firm: true };

#[rstest]
#[case::granted(Evidence::Granted(FRESH, vec![]), "True Verified", "True Verified", Some("granted"))]
#[case::refused(
    Evidence::Refused(FRESH, failed(Some(Rule::OriginMissing))),
    "False PreflightRefused",
    "False PreflightRefused",
    Some("refused")
)]
#[case::unanswered(
    Evidence::Unknown(failed(None)),
    "Unknown PreflightUnanswered",
    "True ReadyUnverified",
    Some("unknown")
)]
#[case::nothing_is_asked(Evidence::None, "Unknown NotVerified", "True RolledOut", None)]
fn evidence_becomes_conditions_and_a_metric(
    #[case] evidence: Evidence,
    #[case] verified: &str,
    #[case] ready: &str,
    #[case] metric: Option<&str>,
) {
    let view = shown_by(evidence);
    let status = of(&view).expect("a status");
    assert_eq!(condition(&status, "Verified"), verified);
    assert_eq!(condition(&status, "Ready"), ready);
    assert_eq!(status.public_url.as_deref(), Some("https://keystone.example.com"));
    assert_eq!(status.exposures[0].from, "Ingress openstack/keystone");
    let metrics = Metrics::default();
    let key = direct_upload_core::model::Key::new("openstack", "keystone");
    let (plan, _) = plan::api(&view, NOW, &options());
    metrics.api(&key, report::verification::of_calls(&view, &plan).map(|verdict| (verdict, &status)));
    let text = metrics.text();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("direct_upload_api_verdict")).collect();
    let labels = |verdict: &str| {
        format!(
            r#"direct_upload_api_verdict_timestamp_seconds{{namespace="openstack",name="keystone",verdict="{verdict}"}} 0"#
        )
    };
    assert_eq!(lines, metric.map(labels).iter().map(String::as_str).collect::<Vec<_>>());
    metrics.api(&key, None);
    assert!(!metrics.text().contains("direct_upload_api_verdict_timestamp_seconds{"));
}
