//! One dashboard, several Glances: what the derivers and the planner make of regions.

use direct_upload_api::Reason;
use rstest::rstest;
use test_support::manifests::{
    deployment, end, exposed, horizon, is_direct, join, origins, render, resource, sentences, service,
};

const HORIZON: &str = "Horizon openstack/horizon";

/// A dashboard, a Glance here and one of another namespace, each with a resource.
fn cloud(consent: &str) -> String {
    join(&[
        &service("openstack", "horizon", "horizon.example.com"),
        &service("openstack", "glance", "glance.one.example.com"),
        &service("two", "glance", "glance.two.example.com"),
        &resource("glance", "Glance", "openstack", "glance", "{}"),
        &resource(
            "glance",
            "Glance",
            "two",
            "glance",
            &format!("{{cors: {{allowedHorizons: {{namespaces: {{from: {consent}}}}}}}}}"),
        ),
    ])
}

fn regions(list: &str) -> String {
    horizon(&format!("{{directUpload: {{regions: [{list}]}}}}"))
}

const ONE: &str = "{name: RegionOne, glanceRef: {name: glance}}";
const TWO: &str = "{name: RegionTwo, glanceRef: {name: glance, namespace: two}}";

/// Each Glance accepts, and only then the dashboard switches, once.
#[test]
fn two_regions_are_prepared_before_the_one_switch() {
    let outcome = render(&join(&[&cloud("All"), &regions(&format!("{ONE}, {TWO}"))]));
    let (done, reason, message) = end(&outcome, HORIZON);
    assert!(done && reason == Reason::Verified, "{reason}: {message}");
    assert!(
        message
            .contains("to https://glance.one.example.com (RegionOne), to https://glance.two.example.com (RegionTwo)"),
        "{message}"
    );
    for glance in ["openstack/glance", "two/glance"] {
        assert_eq!(origins(&outcome, glance), ["https://horizon.example.com"]);
    }
    let steps = sentences(&outcome);
    let at = |what: &str| steps.iter().position(|s| s.contains(what)).unwrap_or_else(|| panic!("{what} in {steps:#?}"));
    assert_eq!(steps.iter().filter(|s| s.contains("switch ")).count(), 1);
    for glance in ["Glance openstack/glance: mount", "Glance two/glance: mount"] {
        assert!(at(glance) < at("switch "), "{steps:#?}");
    }
}

/// What one region lacks keeps the dashboard's own mode for all, and is said with the region's name.
#[rstest]
#[case::no_consent("Same", TWO, Reason::GlanceNotAllowed, "region RegionTwo: ")]
#[case::no_glance(
    "All",
    "{name: RegionTwo, glanceRef: {name: nowhere}}",
    Reason::GlanceNotFound,
    "spec.directUpload.regions[RegionTwo].glanceRef"
)]
#[case::internal(
    "All",
    "{name: RegionTwo, glanceEndpoint: 'https://glance.two.svc:9292'}",
    Reason::EndpointNotPublic,
    "region RegionTwo: DU010: spec.directUpload.regions[RegionTwo].glanceEndpoint"
)]
#[case::plain_http(
    "All",
    "{name: RegionTwo, glanceEndpoint: 'http://glance.two.example.com'}",
    Reason::MixedContent,
    "region RegionTwo: DU009"
)]
fn what_one_region_lacks_keeps_the_mode_for_all(
    #[case] consent: &str,
    #[case] second: &str,
    #[case] reason: Reason,
    #[case] said: &str,
) {
    let outcome = render(&join(&[&cloud(consent), &regions(&format!("{ONE}, {second}"))]));
    let (_, found, message) = end(&outcome, HORIZON);
    assert_eq!(found, reason, "{message}");
    assert!(message.contains(said), "{message}");
    assert!(!is_direct(&outcome, "openstack/horizon"));
    assert!(origins(&outcome, "two/glance").is_empty());
}

/// A Glance that cannot get files delays the dashboard; the other Glance is prepared.
#[test]
fn a_blocked_glance_holds_the_dashboard_and_not_the_other_glance() {
    let broken = join(&[&deployment("three", "glance"), &exposed("three", "glance", "glance.three.example.com")]);
    let glance = resource(
        "glance",
        "Glance",
        "three",
        "glance",
        "{cors: {allowedHorizons: {namespaces: {from: All}}}, paths: {configDir: /etc/glance/glance.conf.d}}",
    );
    let three = "{name: RegionThree, glanceRef: {name: glance, namespace: three}}";
    let outcome = render(&join(&[&cloud("All"), &broken, &glance, &regions(&format!("{ONE}, {three}"))]));
    let (_, reason, message) = end(&outcome, HORIZON);
    assert_eq!(reason, Reason::GlanceNotReady, "{message}");
    assert!(message.contains("region RegionThree: Glance three/glance"), "{message}");
    assert!(!is_direct(&outcome, "openstack/horizon"));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com"]);
}

/// A region of another cluster is a URL; both regions may share one Glance.
#[rstest]
#[case::elsewhere(
    "{name: RegionTwo, glanceEndpoint: 'https://glance.far.example.com/image'}",
    "https://glance.far.example.com/image (RegionTwo)"
)]
#[case::shared("{name: RegionTwo, glanceRef: {name: glance}}", "to https://glance.one.example.com (RegionTwo)")]
fn a_region_may_be_a_url_and_two_may_share_a_glance(#[case] second: &str, #[case] said: &str) {
    let outcome = render(&join(&[&cloud("All"), &regions(&format!("{ONE}, {second}"))]));
    let (done, _, message) = end(&outcome, HORIZON);
    assert!(done && message.contains(said), "{message}");
    assert!(origins(&outcome, "two/glance").is_empty(), "nobody asks");
}

/// What the API server refuses, `render` refuses.
#[rstest]
#[case("{regions: [{name: RegionOne}]}", "a region needs its Glance")]
#[case(
    "{glanceRef: {name: glance}, regions: [{name: RegionOne, glanceRef: {name: glance}}]}",
    "not allowed together with regions"
)]
#[case("{regions: [{name: a, glanceRef: {name: g}}, {name: a, glanceRef: {name: g}}]}", "duplicate")]
fn render_refuses_what_the_api_server_refuses(#[case] spec: &str, #[case] said: &str) {
    let yaml = horizon(&format!("{{directUpload: {spec}}}"));
    let errors = direct_upload_core::manifests::parse("in.yaml", yaml.as_bytes()).unwrap_err();
    assert!(format!("{errors:?}").contains(said), "{errors:?}");
}
