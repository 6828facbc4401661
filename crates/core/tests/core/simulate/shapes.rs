//! Topologies, each as a user would write it: the samples, and those that need no sample.

use direct_upload_core::model::ResourceKind;
use direct_upload_core::simulate::{self, Simulation};
use rstest::rstest;
use test_support::manifests::{
    advice_lines, cloud, deployment, end, glance, horizon, is_direct, join, origins, render, resource, sample, service,
    svc,
};

const HORIZON: &str = "Horizon openstack/horizon";

/// A sample with the workloads and Services that it speaks of.
fn shape(name: &str, workloads: &[(&str, &str)]) -> Simulation {
    let mut yaml = sample(&format!("shapes/{name}.yaml"));
    for (namespace, name) in workloads {
        yaml = join(&[&yaml, &deployment(namespace, name), &svc(namespace, name)]);
    }
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: openstack, labels: {kubernetes.io/metadata.name: openstack}}}";
    render(&join(&[&yaml, namespace]))
}

fn advice(outcome: &Simulation, resource: &str) -> Vec<String> {
    advice_lines(&outcome.ends.iter().find(|end| end.resource.to_string() == resource).unwrap().advice)
}

fn says(outcome: &Simulation, resource: &str, what: &str) -> bool {
    advice(outcome, resource).iter().any(|advice| advice.contains(what))
}

const PAIR: [(&str, &str); 2] = [("openstack", "horizon"), ("openstack", "glance")];

#[test]
fn regions_each_get_the_origin() {
    let outcome = shape("regions", &[PAIR[0], PAIR[1], ("region-two", "glance")]);
    let (done, _, message) = end(&outcome, HORIZON);
    assert!(done && message.contains("to https://image.three.example.com (RegionThree)"), "{message}");
    for glance in ["openstack/glance", "region-two/glance"] {
        assert_eq!(origins(&outcome, glance), ["https://cloud.example.com"]);
    }
}

/// No CORS is needed: it says so, and Glance gets no origin and no roll; with another host, it does.
#[test]
fn one_host_for_both_needs_no_cors() {
    let outcome = shape("one-host", &PAIR);
    let (done, _, message) = end(&outcome, HORIZON);
    assert!(done && message.contains("to https://cloud.example.com/image;"), "{message}");
    assert!(
        says(&outcome, HORIZON, "have the same origin, https://cloud.example.com"),
        "{:?}",
        advice(&outcome, HORIZON)
    );
    assert!(origins(&outcome, "openstack/glance").is_empty() && is_direct(&outcome, "openstack/horizon"));
    assert!(!outcome.steps.iter().any(|taken| taken.resource.kind == ResourceKind::Glance), "{:?}", outcome.steps);
    let apart = render(&join(&[&cloud(), &glance("{}"), &horizon("{}")]));
    assert!(!says(&apart, HORIZON, "same origin"));
    assert_eq!(origins(&apart, "openstack/glance").len(), 1);
}

/// CORS on the public API only; the internal one is as it was.
#[test]
fn of_split_apis_only_the_public_one_gets_cors() {
    let outcome = render(&join(&[
        &sample("shapes/split-apis.yaml"),
        &service("openstack", "horizon", "horizon.example.com"),
        &service("openstack", "glance-external", "glance.example.com"),
        &deployment("openstack", "glance-internal"),
        &svc("openstack", "glance-internal"),
    ]));
    assert!(is_direct(&outcome, "openstack/horizon"));
    let volumes = |name: &str| {
        let all = simulate::manifests(&outcome);
        let workload = all.iter().find(|w| w["kind"] == "Deployment" && w["metadata"]["name"] == name).unwrap();
        workload["spec"]["template"]["spec"]["volumes"].as_array().map_or(0, Vec::len)
    };
    assert_eq!((volumes("glance-external"), volumes("glance-internal")), (1, 0));
}

/// Another port is another origin.
#[test]
fn another_port_is_another_origin() {
    let outcome = shape("own-port", &PAIR);
    let (done, _, message) = end(&outcome, HORIZON);
    assert!(done && message.contains("to https://cloud.example.com:9292;"), "{message}");
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://cloud.example.com"]);
    assert!(!says(&outcome, HORIZON, "same origin"));
}

#[test]
fn many_dashboards_share_a_glance() {
    let mut yaml = join(&[&service("openstack", "glance", "glance.example.com"), &glance("{}")]);
    for name in ["alpha", "beta", "gamma"] {
        let host = format!("{name}.example.com");
        yaml = join(&[
            &yaml,
            &service("openstack", name, &host),
            &resource("horizon", "Horizon", "openstack", name, "{}"),
        ]);
    }
    let outcome = render(&yaml);
    let expected = ["alpha", "beta", "gamma"].map(|name| format!("https://{name}.example.com"));
    assert_eq!(origins(&outcome, "openstack/glance"), expected);
    for name in ["alpha", "beta", "gamma"] {
        assert!(is_direct(&outcome, &format!("openstack/{name}")));
    }
}

/// Stores are Glance's own matter: what the user's file says about them does not change, and the drop-in
/// does not mention them.
#[test]
fn stores_stay_glances_own_matter() {
    let config = "{apiVersion: v1, kind: ConfigMap, metadata: {namespace: openstack, name: glance-etc}, data: {glance-api.conf: \"[DEFAULT]\\nenabled_backends = near:rbd, edge:file\\n[cors]\\nallowed_origin = https://skyline.example.com\\n\"}}";
    let workload = deployment("openstack", "glance").replace(
        "containers: [{name: glance, image: x}]",
        "volumes: [{name: etc, configMap: {name: glance-etc}}], containers: [{name: glance, image: x, volumeMounts: [{name: etc, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}]}]",
    );
    let outcome = render(&join(&[
        &service("openstack", "horizon", "horizon.example.com"),
        &workload,
        config,
        &svc("openstack", "glance"),
        &glance("{publicURL: 'https://glance.example.com'}"),
        &horizon("{}"),
    ]));
    assert!(is_direct(&outcome, "openstack/horizon"));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://horizon.example.com", "https://skyline.example.com"]);
    let files = simulate::rendered_files(&outcome);
    let (_, _, text) = files.iter().find(|(id, ..)| id.kind == ResourceKind::Glance).unwrap();
    assert!(!text.contains("backend"), "{text}");
}

/// What users see in the address bar is not what browsers send.
#[rstest]
#[case::idn(
    "https://horizont.bücher.example",
    "https://bilder.bücher.example",
    "https://horizont.xn--bcher-kva.example",
    "https://bilder.xn--bcher-kva.example"
)]
#[case::upper_case(
    "https://Cloud.Example.COM:443/",
    "https://GLANCE.example.com",
    "https://cloud.example.com",
    "https://glance.example.com"
)]
#[case::ipv6(
    "https://[2001:DB8::1]",
    "https://[2001:db8:0::2]:9292",
    "https://[2001:db8::1]",
    "https://[2001:db8::2]:9292"
)]
#[case::ipv4("http://192.0.2.1", "http://192.0.2.2:9292", "http://192.0.2.1", "http://192.0.2.2:9292")]
#[case::prefix(
    "https://cloud.example.com/dashboard",
    "https://api.example.com/image",
    "https://cloud.example.com",
    "https://api.example.com/image"
)]
fn origins_are_what_browsers_send(
    #[case] dashboard: &str,
    #[case] url: &str,
    #[case] origin: &str,
    #[case] endpoint: &str,
) {
    let outcome = render(&join(&[
        &deployment("openstack", "horizon"),
        &deployment("openstack", "glance"),
        &glance(&format!("{{publicURL: '{url}'}}")),
        &horizon(&format!("{{publicURL: '{dashboard}'}}")),
    ]));
    assert_eq!(origins(&outcome, "openstack/glance"), [origin]);
    let (done, _, message) = end(&outcome, HORIZON);
    assert!(done && message.contains(&format!("to {endpoint};")), "{message}");
}

/// What the catalog is said to publish, against where Glance is.
#[rstest]
#[case::the_same("https://glance.example.com", &[])]
#[case::same_in_other_letters("https://GLANCE.example.com:443", &[])]
#[case::host("https://images.example.com", &["is https://images.example.com, but Glance openstack/glance is exposed as https://glance.example.com: another host"])]
#[case::port("https://glance.example.com:9292", &["another port"])]
#[case::path("https://glance.example.com/image", &["another path"])]
#[case::several("https://images.example.com:9292/image", &["another host and port and path"])]
#[case::version("https://glance.example.com/v2", &["ends in /v2"])]
#[case::slash("https://glance.example.com/", &["ends in a slash"])]
#[case::version_elsewhere("https://images.example.com/v2", &["ends in /v2", "another host and path"])]
fn a_stated_endpoint_is_held_against_the_exposed_one(#[case] url: &str, #[case] expected: &[&str]) {
    let spec = format!("{{directUpload: {{glanceEndpoint: '{url}'}}}}");
    let outcome = render(&join(&[&cloud(), &glance("{}"), &horizon(&spec)]));
    let advice = advice(&outcome, HORIZON);
    let found: Vec<_> = advice.iter().filter(|a| a.contains("DU011")).collect();
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with("DU011: spec.directUpload.glanceEndpoint") && found.contains(expected), "{found}");
    }
}

/// Without a statement, it says what it assumed.
#[test]
fn an_assumed_endpoint_is_said() {
    let assumed = "uploads are assumed to go to https://glance.example.com";
    let outcome = render(&join(&[&cloud(), &glance("{}"), &horizon("{}")]));
    assert!(says(&outcome, HORIZON, assumed));
    let stated = horizon("{directUpload: {glanceEndpoint: 'https://glance.example.com'}}");
    let outcome = render(&join(&[&cloud(), &glance("{}"), &stated]));
    assert!(!says(&outcome, HORIZON, "assumed: "), "{:?}", advice(&outcome, HORIZON));
}
