//! Contour's HTTPProxies, with the cases of its end-to-end tests (test/e2e/httpproxy of
//! projectcontour/contour: fqdn, include_prefix_condition, tcproute_https_termination, namespaces) and of
//! its documentation.

use direct_upload_api::Reason;
use direct_upload_core::derive::World;
use direct_upload_core::model::Kind;
use rstest::rstest;
use test_support::manifests::{horizon, read};

use crate::derive::exposure::{exposures, urls};

fn proxy_with(namespace: &str, name: &str, spec: &str, status: &str) -> String {
    format!(
        "{{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {{namespace: {namespace}, name: {name}}}, spec: {spec}{status}}}"
    )
}

fn proxy(spec: &str) -> String {
    proxy_with("openstack", "horizon", spec, "")
}

const SERVICES: &str = "services: [{name: horizon, port: 80}]";
const TLS: &str = "virtualhost: {fqdn: a.io, tls: {secretName: x}}";

#[rstest]
#[case::plain("{virtualhost: {fqdn: a.io}, routes: [{SERVICES}]}", "http://a.io")]
#[case::tls("{TLS, routes: [{SERVICES}]}", "https://a.io")]
#[case::permit_insecure(
    "{TLS, routes: [{SERVICES, permitInsecure: true, conditions: [{prefix: /x}]}]}",
    "https://a.io/x"
)]
#[case::wildcard("{virtualhost: {fqdn: '*.a.io'}, routes: [{SERVICES}]}", "")]
#[case::prefix("{TLS, routes: [{conditions: [{prefix: /dashboard/}], SERVICES}]}", "https://a.io/dashboard")]
#[case::exact("{TLS, routes: [{conditions: [{exact: /login}], SERVICES}]}", "https://a.io")]
#[case::regex("{TLS, routes: [{conditions: [{regex: '/x.*'}], SERVICES}]}", "https://a.io")]
// Contour's "Conditions": pages and uploads have no header that only a test sends.
#[case::header("{TLS, routes: [{conditions: [{header: {name: x, present: true}}], SERVICES}]}", "")]
#[case::no_header("{TLS, routes: [{conditions: [{header: {name: x, notpresent: true}}], SERVICES}]}", "https://a.io")]
#[case::query("{TLS, routes: [{conditions: [{queryParameter: {name: x, present: true}}], SERVICES}]}", "")]
#[case::method("{TLS, routes: [{conditions: [{header: {name: ':method', exact: GET}}], SERVICES}]}", "https://a.io")]
#[case::weighed(
    "{TLS, routes: [{services: [{name: x, port: 1, weight: 90}, {name: horizon, port: 80, weight: 10}]}]}",
    "https://a.io"
)]
#[case::unweighed("{TLS, routes: [{services: [{name: x, port: 1}, {name: horizon, port: 80}]}]}", "https://a.io")]
#[case::weightless("{TLS, routes: [{services: [{name: x, port: 1, weight: 90}, {name: horizon, port: 80}]}]}", "")]
#[case::mirror("{TLS, routes: [{services: [{name: x, port: 1}, {name: horizon, port: 80, mirror: true}]}]}", "")]
#[case::redirect("{TLS, routes: [{SERVICES, requestRedirectPolicy: {scheme: https}}]}", "")]
#[case::direct_response("{TLS, routes: [{SERVICES, directResponsePolicy: {statusCode: 503}}]}", "")]
#[case::terminated_tcp("{TLS, tcpproxy: {SERVICES}}", "https://a.io")]
#[case::passthrough("{virtualhost: {fqdn: a.io, tls: {passthrough: true}}, tcpproxy: {SERVICES}}", "https://a.io")]
#[case::passthrough_elsewhere(
    "{virtualhost: {fqdn: a.io, tls: {passthrough: true}}, tcpproxy: {services: [{name: x, port: 1}]}, routes: [{SERVICES, permitInsecure: true}]}",
    "http://a.io"
)]
#[case::elsewhere("{TLS, routes: [{services: [{name: x, port: 1}]}]}", "")]
fn a_root_exposes_what_its_rules_lead_to(#[case] spec: &str, #[case] expected: &str) {
    let (found, notes) = urls("{}", &[&proxy(&spec.replace("SERVICES", SERVICES).replace("TLS", TLS))]);
    assert_eq!(found, expected, "{notes}");
}

/// include_prefix_condition_test.go, and cross-namespace inclusion: a child's own prefixes follow those of
/// the includes.
#[rstest]
#[case::no_conditions("", "routes: [{SERVICES}]", "https://a.io", "")]
#[case::prefix("conditions: [{prefix: /cloud}],", "routes: [{SERVICES}]", "https://a.io/cloud", "")]
#[case::both(
    "conditions: [{prefix: /cloud/}],",
    "routes: [{conditions: [{prefix: /v1}], SERVICES}]",
    "https://a.io/cloud/v1",
    ""
)]
#[case::several("conditions: [{prefix: /a}, {prefix: /b}],", "routes: [{SERVICES}]", "https://a.io/a/b", "")]
#[case::exact(
    "conditions: [{prefix: /a}],",
    "routes: [{conditions: [{exact: /b}], SERVICES}]",
    "https://a.io",
    "path \"/a/b\" is not a prefix"
)]
#[case::header(
    "conditions: [{prefix: /a}, {header: {name: x-canary, present: true}}],",
    "routes: [{SERVICES}]",
    "",
    "a condition with header x-canary does not count"
)]
#[case::root_itself(
    "",
    "virtualhost: {fqdn: b.io}, routes: [{services: [{name: x, port: 1}]}]",
    "",
    "is a root itself"
)]
fn what_a_root_includes_counts_as_its_own(
    #[case] conditions: &str,
    #[case] child: &str,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let root = proxy_with("openstack", "root", &format!("{{{TLS}, includes: [{{name: child, {conditions}}}]}}"), "");
    let child = proxy_with("openstack", "child", &format!("{{{}}}", child.replace("SERVICES", SERVICES)), "");
    let (found, notes) = urls("{exposedBy: [{kind: HTTPProxy, name: root}]}", &[&root, &child]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

#[test]
fn includes_of_includes_of_connections_and_circles() {
    let root = proxy_with(
        "openstack",
        "root",
        &format!("{{{TLS}, includes: [{{name: a, conditions: [{{prefix: /a}}]}}]}}"),
        "",
    );
    let a = proxy_with("openstack", "a", "{includes: [{name: b, conditions: [{prefix: /b}]}, {name: a}]}", "");
    let b = proxy_with("openstack", "b", &format!("{{routes: [{{{SERVICES}}}], includes: [{{name: a}}]}}"), "");
    assert_eq!(urls("{}", &[&root, &a, &b]).0, "https://a.io/a/b");
    let root = proxy_with(
        "openstack",
        "root",
        "{virtualhost: {fqdn: a.io, tls: {passthrough: true}}, tcpproxy: {include: {name: a}}}",
        "",
    );
    let a = proxy_with("openstack", "a", "{tcpproxy: {includes: {name: b}}}", "");
    let b = proxy_with("openstack", "b", &format!("{{tcpproxy: {{{SERVICES}}}}}"), "");
    let (found, notes) = urls("{}", &[&root, &a, &b]);
    assert_eq!(found, "https://a.io");
    assert!(notes.contains("the pods must end it themselves"), "{notes}");
}

/// namespaces_test.go: a root of another namespace includes one of this. It counts if this namespace names it.
#[test]
fn a_root_of_another_namespace_counts_only_if_it_is_named() {
    let root = proxy_with(
        "infra",
        "root",
        &format!(
            "{{{TLS}, includes: [{{name: child, namespace: openstack, conditions: [{{prefix: /x}}]}}, {{name: other, namespace: elsewhere}}]}}"
        ),
        "",
    );
    let child = proxy_with("openstack", "child", &format!("{{routes: [{{{SERVICES}}}]}}"), "");
    let (found, _) = urls("{}", &[&root, &child]);
    assert_eq!(found, "");
    let (_, alone) = urls("{}", &[&child]);
    assert!(alone.contains("name that one in spec.exposedBy"), "{alone}");
    let named = "{exposedBy: [{kind: HTTPProxy, namespace: infra, name: root}]}";
    let (found, notes) = urls(named, &[&root, &child]);
    assert_eq!(found, "https://a.io/x");
    assert!(notes.contains("from other namespaces (elsewhere)"), "{notes}");
    let world = World::of(&read(&[horizon(named), root, child].join("\n---\n")).snapshot);
    assert!(world.needs.routes_of[&Kind::HTTPProxy].contains("infra"));
}

fn judged(stored: bool, status: &str) -> String {
    let time = if stored { "creationTimestamp: '2026-01-01T00:00:00Z', " } else { "" };
    let proxy = proxy_with("openstack", "horizon", &format!("{{{TLS}, routes: [{{{SERVICES}}}]}}"), status);
    proxy.replace("name: horizon}", &format!("{time}generation: 3, name: horizon}}"))
}

const VALID: &str = ", status: {currentStatus: valid, description: Valid HTTPProxy, conditions: [{type: Valid, status: 'True', observedGeneration: 3}]}";
const INVALID: &str = ", status: {currentStatus: invalid, description: 'At least one error present', conditions: [{type: Valid, status: 'False', observedGeneration: 3}]}";
const UNSEEN: &str = ", status: {currentStatus: NotReconciled, description: Waiting for controller}";

#[rstest]
#[case::valid(true, VALID, "https://a.io", "")]
#[case::invalid(true, INVALID, "", "HTTPProxy openstack/horizon is not in effect: invalid: At least one error present")]
#[case::unseen(true, UNSEEN, "", "no controller has accepted it")]
#[case::silent(true, "", "", "no controller has accepted it")]
#[case::file(false, "", "https://a.io", "")]
#[case::file_invalid(false, INVALID, "", "not in effect")]
fn contour_must_have_accepted_it(
    #[case] stored: bool,
    #[case] status: &str,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let (found, notes) = urls("{}", &[&judged(stored, status)]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

#[test]
fn a_judgement_of_an_earlier_generation_says_neither_yes_nor_no() {
    let problem = exposures("{}", &[&judged(true, &VALID.replace("Generation: 3", "Generation: 2"))]).unwrap_err();
    assert_eq!(problem.reason, Reason::ObservationIncomplete);
    assert!(problem.message().contains("only up to generation 2, not 3"), "{}", problem.message());
}

#[test]
fn the_load_balancer_tells_the_port() {
    let status = ", status: {currentStatus: valid, loadBalancer: {ingress: [{ip: 192.0.2.1, ports: [{port: 80}, {port: 8443}]}]}}";
    assert_eq!(urls("{}", &[&judged(true, status)]).0, "https://a.io:8443");
    let (_, notes) = urls("{}", &[&judged(true, VALID)]);
    assert!(notes.contains("port 443 is assumed"), "{notes}");
}

/// An include without a namespace is of its own one (projectcontour/contour, apis/projectcontour/v1, `Include`).
#[rstest]
#[case::its_own("openstack", "{name: horizon}", true)]
#[case::another("edge", "{name: horizon}", false)]
#[case::said("edge", "{name: horizon, namespace: openstack}", true)]
#[case::said_otherwise("edge", "{name: horizon, namespace: edge}", false)]
#[case::another_name("openstack", "{name: glance}", false)]
fn what_nobody_includes_is_told(#[case] namespace: &str, #[case] include: &str, #[case] included: bool) {
    let child = proxy_with("openstack", "horizon", &format!("{{routes: [{{{SERVICES}}}]}}"), "");
    let root = proxy_with(namespace, "root", &format!("{{{TLS}, includes: [{include}]}}"), "");
    let advice = exposures("{exposedBy: [{kind: HTTPProxy, name: horizon}]}", &[&child, &root]);
    let told = advice.map_or_else(|problem| problem.message().clone(), |found| format!("{:?}", found.notes));
    assert_eq!(told.contains("no HTTPProxy that is seen includes it"), !included, "{told}");
}
