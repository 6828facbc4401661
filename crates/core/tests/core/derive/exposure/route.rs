//! OpenShift's Routes, and Services that are reached without any proxy.

use direct_upload_core::derive::World;
use direct_upload_core::model::Key;
use rstest::rstest;
use test_support::manifests::{advice_lines, deployment, horizon, join, read, svc};

use crate::derive::exposure::urls;

/// A Route `openstack/horizon` to the dashboard.
fn route(stored: bool, spec: &str, status: &str) -> String {
    let time = if stored { ", creationTimestamp: '2026-01-01T00:00:00Z'" } else { "" };
    let spec = if spec.contains("to:") {
        spec.to_owned()
    } else {
        spec.replacen('{', "{to: {kind: Service, name: horizon}, ", 1)
    };
    format!(
        "{{apiVersion: route.openshift.io/v1, kind: Route, metadata: {{namespace: openstack, name: horizon{time}}}, spec: {spec}, status: {status}}}"
    )
}

fn admitted(host: &str, status: &str) -> String {
    format!(
        "{{host: {host}, routerName: default, conditions: [{{type: Admitted, status: '{status}', reason: HostAlreadyClaimed, message: taken}}]}}"
    )
}

#[rstest]
#[case::plain("{host: a.io}", "http://a.io", "")]
#[case::edge("{host: a.io, tls: {termination: edge}}", "https://a.io", "")]
#[case::reencrypt(
    "{host: a.io, tls: {termination: reencrypt, insecureEdgeTerminationPolicy: Redirect}}",
    "https://a.io",
    ""
)]
#[case::passthrough(
    "{host: a.io, tls: {termination: passthrough, insecureEdgeTerminationPolicy: None}}",
    "https://a.io",
    ""
)]
#[case::insecure(
    "{host: a.io, tls: {termination: edge, insecureEdgeTerminationPolicy: Allow}}",
    "https://a.io",
    "http://a.io is left out"
)]
#[case::path("{host: a.io, path: /dashboard, tls: {termination: edge}}", "https://a.io/dashboard", "")]
#[case::subdomain(
    "{host: www.apps.io, wildcardPolicy: Subdomain}",
    "http://www.apps.io",
    "the other hosts of the subdomain lead here, too"
)]
#[case::router_chooses("{}", "", "it names no host, so its origin is unknown")]
#[case::elsewhere(
    "{host: a.io, to: {kind: Service, name: other}}",
    "",
    "IngressRoute in openstack leads to Service horizon"
)]
#[case::alternate(
    "{host: a.io, to: {kind: Service, name: other, weight: 1}, alternateBackends: [{kind: Service, name: horizon, weight: 1}]}",
    "http://a.io",
    ""
)]
#[case::weightless(
    "{host: a.io, to: {kind: Service, name: other}, alternateBackends: [{kind: Service, name: horizon, weight: 0}]}",
    "",
    ""
)]
#[case::nulls("{host: a.io, tls: null, path: null, alternateBackends: null}", "http://a.io", "")]
fn a_route_of_a_file_exposes_the_host_it_states(#[case] spec: &str, #[case] expected: &str, #[case] said: &str) {
    let (found, notes) = urls("{}", &[&route(false, spec, "{}")]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

/// In a cluster only what a router has admitted counts: host names belong to the first who claims them.
#[rstest]
#[case::nobody("{}", "", "no router has admitted it")]
#[case::admitted(format!("{{ingress: [{}]}}", admitted("b.io", "True")), "https://b.io", "")]
#[case::two_routers(format!("{{ingress: [{}, {}]}}", admitted("b.io", "True"), admitted("c.io", "True")), "https://b.io https://c.io", "")]
#[case::refused(format!("{{ingress: [{}]}}", admitted("a.io", "False")), "", "router default refuses a.io: HostAlreadyClaimed: taken")]
#[case::one_refused(format!("{{ingress: [{}, {}]}}", admitted("a.io", "False"), admitted("a.internal", "True")), "https://a.internal", "refuses a.io")]
#[case::not_judged("{ingress: [{host: a.io, routerName: default}]}", "", "router default has not admitted a.io")]
#[case::wildcard(format!("{{ingress: [{}]}}", admitted("'*.apps.io'", "True")), "", "is a wildcard")]
fn a_route_of_a_cluster_exposes_the_hosts_that_are_admitted(
    #[case] status: impl AsRef<str>,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let spec = "{host: a.io, tls: {termination: edge}}";
    let (found, notes) = urls("{}", &[&route(true, spec, status.as_ref())]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

/// A Service `openstack/public`.
fn service(spec: &str, rest: &str) -> String {
    format!("{{apiVersion: v1, kind: Service, metadata: {{namespace: openstack, name: public{rest}}}, spec: {spec}}}")
}

const ADDRESS: &str = "status: {loadBalancer: {ingress: [{ip: 192.0.2.7}]}}";

#[rstest]
#[case::address(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 443}]}",
    "",
    ADDRESS,
    "scheme: HTTPS",
    "https://192.0.2.7",
    ""
)]
#[case::host(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 443}]}",
    "",
    "status: {loadBalancer: {ingress: [{hostname: lb.example.com}]}}",
    "scheme: HTTPS",
    "https://lb.example.com",
    ""
)]
#[case::v6(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 8443}]}",
    "",
    "status: {loadBalancer: {ingress: [{ip: '2001:DB8::7'}]}}",
    "scheme: HTTPS",
    "https://[2001:db8::7]:8443",
    ""
)]
#[case::published(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 443}]}",
    ", annotations: {external-dns.alpha.kubernetes.io/hostname: 'a.io, b.io'}",
    ADDRESS,
    "scheme: HTTPS",
    "https://a.io https://b.io",
    ""
)]
#[case::one_port(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 9292}]}",
    "",
    ADDRESS,
    "scheme: HTTP",
    "http://192.0.2.7:9292",
    ""
)]
#[case::the_usual_of_two(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 80, name: a}, {port: 443, name: b}]}",
    "",
    ADDRESS,
    "scheme: HTTPS",
    "https://192.0.2.7",
    ""
)]
#[case::which_of_two(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 1, name: a}, {port: 2, name: b}]}",
    "",
    ADDRESS,
    "scheme: HTTPS",
    "",
    "has the ports [1, 2]; set port in exposedBy"
)]
#[case::this_of_two(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 1, name: a}, {port: 2, name: b}]}",
    "",
    ADDRESS,
    "scheme: HTTPS, port: 2",
    "https://192.0.2.7:2",
    ""
)]
#[case::no_address(
    "{type: LoadBalancer, selector: {app: horizon}, ports: [{port: 443}]}",
    "",
    "status: {}",
    "scheme: HTTPS",
    "",
    "has no address yet"
)]
#[case::external(
    "{type: ExternalName, externalName: cloud.example.com}",
    "",
    "status: {}",
    "scheme: HTTPS",
    "https://cloud.example.com",
    ""
)]
#[case::inside(
    "{selector: {app: horizon}, ports: [{port: 443}]}",
    "",
    "status: {}",
    "scheme: HTTPS",
    "",
    "is of type ClusterIP"
)]
#[case::of_others(
    "{type: LoadBalancer, selector: {app: other}, ports: [{port: 443}]}",
    "",
    ADDRESS,
    "scheme: HTTPS",
    "",
    "Service openstack/public leads to none of the workload's Services (horizon)"
)]
fn a_service_that_is_reached_from_outside_exposes_its_address(
    #[case] spec: &str,
    #[case] rest: &str,
    #[case] status: &str,
    #[case] how: &str,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let mut object = service(spec, rest);
    object.truncate(object.len() - 1);
    let object = format!("{object}, {status}}}");
    let (found, notes) = urls(&format!("{{exposedBy: [{{kind: Service, name: public, {how}}}]}}"), &[&object]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
    let (unnamed, _) = urls("{}", &[&object]);
    assert_eq!(unnamed, "", "it counts only where it is named");
}

/// The API server says the same (tests/control_plane/schema.rs).
#[rstest]
#[case::no_scheme("{kind: Service, name: public}")]
#[case::port_of_others("{kind: Ingress, name: public, port: 1}")]
fn a_scheme_is_for_services_alone(#[case] named: &str) {
    let yaml = join(&[
        &horizon(&format!("{{exposedBy: [{named}]}}")),
        &deployment("openstack", "horizon"),
        &svc("openstack", "horizon"),
    ]);
    let errors = direct_upload_core::manifests::parse("in.yaml", yaml.as_bytes()).unwrap_err();
    assert!(errors.iter().any(|e| e.what.contains("a Service has no scheme")), "{errors:?}");
}

/// A Route of a file, which no router has seen, claims the host that it requests.
#[rstest]
#[case("a.io", true)]
#[case("b.io", false)]
fn another_route_of_a_file_claims_the_host(#[case] host: &str, #[case] claims: bool) {
    let tls = "tls: {termination: edge}";
    let other = route(false, &format!("{{host: {host}, {tls}, to: {{kind: Service, name: x}}}}"), "{}");
    let all = [
        horizon("{}"),
        deployment("openstack", "horizon"),
        svc("openstack", "horizon"),
        route(false, &format!("{{host: a.io, {tls}}}"), "{}"),
        other.replace("name: horizon}, spec", "name: other}, spec"),
    ];
    let world = World::of(&read(&all.join("\n---\n")).snapshot);
    let advice = advice_lines(&world.horizons[&Key::new("openstack", "horizon")].advice).join("\n");
    assert_eq!(advice.contains("a.io is also claimed by Route openstack/other"), claims, "{advice}");
}
