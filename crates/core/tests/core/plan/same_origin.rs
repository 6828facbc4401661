//! Glance under a path of the dashboard's own host: the order in which way and mode come and go.

use direct_upload_core::simulate::Simulation;
use rstest::rstest;
use serde_json::Value;
use test_support::manifests::{
    deployment, end, fed_back, glance, horizon as dashboard, ingress, is_direct, join, origins, render, sentences, svc,
};

const HORIZON: &str = "Horizon openstack/horizon";
const PROXY: &str = "httpd: {glanceProxy: {path: /image, backend: 'http://glance.openstack.svc:9292'}}";
const PUBLISHED: &str = "directUpload: {glanceEndpoint: 'https://cloud.example.com/image'}";

/// A cloud on one host whose dashboard leads to Glance.
fn cloud(horizon: &str) -> String {
    join(&[
        &deployment("openstack", "horizon"),
        &svc("openstack", "horizon"),
        &ingress("openstack", "horizon", "cloud.example.com"),
        &deployment("openstack", "glance"),
        &svc("openstack", "glance"),
        &glance("{}"),
        &dashboard(horizon),
    ])
}

/// What happens to Horizon's pods, by what they have afterwards.
fn rolls(outcome: &Simulation) -> Vec<String> {
    let rolls = |s: &&String| {
        s.contains("in Deployment")
            || s.contains("to direct")
            || s.contains("remove the operator's")
            || s.contains("check that")
    };
    sentences(outcome).iter().filter(|s| s.starts_with("Horizon")).filter(rolls).cloned().collect()
}

/// The way first, then the question, then the mode; and Glance is left alone.
#[test]
fn the_way_is_there_before_the_mode() {
    let outcome = render(&cloud(&format!("{{{PROXY}, {PUBLISHED}}}")));
    assert!(end(&outcome, HORIZON).0 && is_direct(&outcome, "openstack/horizon"), "{:#?}", outcome.ends);
    assert!(origins(&outcome, "openstack/glance").is_empty());
    assert!(!sentences(&outcome).iter().any(|s| s.starts_with("Glance")), "{:?}", sentences(&outcome));
    let rolls = rolls(&outcome);
    assert_eq!(rolls.len(), 3, "{rolls:?}");
    assert!(
        rolls[0].contains("mount") && rolls[1].contains("check that") && rolls[2].contains("to direct"),
        "{rolls:?}"
    );
}

/// Nobody uploads there yet: one roll with all, and what to do next is said.
#[test]
fn a_way_that_nobody_uses_is_no_matter_of_order() {
    let outcome =
        render(&cloud(&format!("{{{PROXY}, directUpload: {{glanceEndpoint: 'https://glance.example.com'}}}}")));
    assert!(is_direct(&outcome, "openstack/horizon"));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://cloud.example.com"]);
    let advice = &outcome.ends.iter().find(|e| e.resource.to_string() == HORIZON).unwrap().advice;
    assert!(
        advice.iter().any(|a| a.found.to_string().contains("glanceProxy routes https://cloud.example.com/image to")),
        "{advice:?}"
    );
}

/// The mode leaves before the way does.
#[rstest]
#[case::field_removed("{directUpload: {glanceEndpoint: 'https://cloud.example.com/image'}}", true)]
#[case::switched_off("{directUpload: {enabled: false, glanceEndpoint: 'https://cloud.example.com/image'}}", false)]
fn the_mode_goes_before_the_way(#[case] without: &str, #[case] direct_again: bool) {
    let before = cloud(&format!("{{{PROXY}, {PUBLISHED}}}"));
    let after = fed_back(&before, &render(&before));
    let with = format!("{{{PROXY}, {PUBLISHED}}}");
    let spec = |text: &str| serde_json::to_string(&serde_json::from_value::<Value>(yaml(text)).unwrap()).unwrap();
    let changed = after.replace(&spec(&with), &spec(without));
    assert_ne!(changed, after, "the spec stands in the input");
    let outcome = render(&changed);
    let rolls = rolls(&outcome);
    assert!(rolls[0].contains("mount") && rolls[1].contains("remove the operator's"), "{rolls:?}");
    assert_eq!(is_direct(&outcome, "openstack/horizon"), direct_again, "{rolls:?}");
}

fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}
