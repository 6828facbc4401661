//! What exposes a dashboard, with every kind of object, and what is reported about it.

use direct_upload_api::Reason;
use direct_upload_core::derive::{Exposures, World};
use direct_upload_core::model::{Key, Problem};
use rstest::rstest;
use test_support::manifests::{advice_lines, deployment, ingress, join, read, resource, svc};

mod claims;
mod http_proxy;
pub mod http_route;
mod ingress_route;
mod ingress_tls;
mod route;
mod tls_route;
mod virtual_service;

/// The exposures of `horizon` in a cloud of its Deployment, its Service and these objects; asked as
/// those of a Glance, for which plain http counts like https.
pub fn exposures(spec: &str, objects: &[&str]) -> Result<Exposures, Problem> {
    let own = [
        resource("glance", "Glance", "openstack", "horizon", spec),
        deployment("openstack", "horizon"),
        svc("openstack", "horizon"),
    ];
    let all: Vec<&str> = own.iter().map(String::as_str).chain(objects.iter().copied()).collect();
    let world = World::of(&read(&join(&all)).snapshot);
    world.glances[&Key::new("openstack", "horizon")].service.exposures.clone()
}

/// Their URLs, separated by blanks; and the notes.
pub fn urls(spec: &str, objects: &[&str]) -> (String, String) {
    match exposures(spec, objects) {
        Ok(found) => {
            let urls: Vec<_> = found.urls.iter().map(|e| e.url.to_string()).collect();
            (urls.join(" "), advice_lines(&found.notes).join("\n"))
        }
        Err(problem) => {
            assert_eq!(problem.reason, Reason::NotExposed, "{problem:?}");
            (String::new(), problem.message())
        }
    }
}

/// An Ingress of the dashboard; `rest` continues after its name.
fn ingress_with(spec: &str, status: &str) -> String {
    format!(
        "{{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {{namespace: openstack, name: horizon}}, spec: {spec}, status: {status}}}"
    )
}

const BACKEND: &str = "backend: {service: {name: horizon, port: {number: 80}}}";
const OTHER: &str = "backend: {service: {name: other, port: {number: 80}}}";

#[rstest]
#[case::prefix(
    "{rules: [{host: a.io, http: {paths: [{path: /dashboard, pathType: Prefix, BACKEND}]}}]}",
    "http://a.io/dashboard",
    "port 80 is assumed"
)]
#[case::exact(
    "{rules: [{host: a.io, http: {paths: [{path: /login, pathType: Exact, BACKEND}]}}]}",
    "http://a.io",
    "path \"/login\" is not a prefix; / is assumed"
)]
#[case::pattern(
    "{rules: [{host: a.io, http: {paths: [{path: '/x(y|z)', pathType: ImplementationSpecific, BACKEND}]}}]}",
    "http://a.io",
    "is not a prefix"
)]
// docs/examples/rewrite of ingress-nginx; the paths of GKE and of AWS's controller.
#[case::rewritten(
    "{rules: [{host: a.io, http: {paths: [{path: '/x(/|$)(.*)', pathType: ImplementationSpecific, BACKEND}]}}]}",
    "http://a.io/x",
    ""
)]
#[case::everything_below(
    "{rules: [{host: a.io, http: {paths: [{path: '/x/*', pathType: ImplementationSpecific, BACKEND}]}}]}",
    "http://a.io/x",
    ""
)]
#[case::everything(
    "{rules: [{host: a.io, http: {paths: [{path: '/*', pathType: ImplementationSpecific, BACKEND}]}}]}",
    "http://a.io",
    ""
)]
#[case::others("{rules: [{host: a.io, http: {paths: [{path: /, pathType: Prefix, OTHER}]}}]}", "", "no HTTPRoute")]
#[case::default_with_hosts(
    "{defaultBackend: {service: {name: horizon, port: {number: 80}}}, tls: [{hosts: [a.io]}], rules: [{host: a.io, http: {paths: [{path: /api, pathType: Prefix, OTHER}]}}, {host: b.io}]}",
    "https://a.io http://b.io",
    "none of its tls entries is for host b.io, so http is assumed"
)]
#[case::default_is_hidden(
    "{defaultBackend: {service: {name: horizon, port: {number: 80}}}, rules: [{host: a.io, http: {paths: [{path: /, pathType: Prefix, OTHER}]}}]}",
    "",
    "no HTTPRoute"
)]
#[case::default_alone(
    "{defaultBackend: {service: {name: horizon, port: {number: 80}}}}",
    "",
    "its default backend has no host name"
)]
#[case::default_with_tls(
    "{defaultBackend: {service: {name: horizon, port: {number: 80}}}, tls: [{hosts: [a.io]}]}",
    "https://a.io",
    ""
)]
#[case::idn(
    "{rules: [{host: xn--mnchen-3ya.example, http: {paths: [{path: /, pathType: Prefix, BACKEND}]}}]}",
    "http://xn--mnchen-3ya.example",
    ""
)]
#[case::internal_names(
    "{tls: [{hosts: [cloud.example.com]}], rules: [{host: horizon, http: &x {paths: [{path: /, pathType: Prefix, BACKEND}]}}, {host: horizon.openstack, http: *x}, {host: horizon.openstack.svc.cluster.local, http: *x}, {host: cloud.example.com, http: *x}]}",
    "https://cloud.example.com",
    "http://horizon.openstack is a cluster-internal name and is left out"
)]
fn an_ingress_exposes_the_hosts_that_lead_to_the_workload(
    #[case] spec: &str,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let spec = spec.replace("BACKEND", BACKEND).replace("OTHER", OTHER);
    let (found, notes) = urls("{}", &[&ingress_with(&spec, "{}")]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

#[rstest]
#[case::silent("{}", "https://a.io", "has no port, so port 443 is assumed")]
#[case::usual(
    "{loadBalancer: {ingress: [{ip: 192.0.2.1, ports: [{port: 80, protocol: TCP}, {port: 443, protocol: TCP}]}]}}",
    "https://a.io",
    ""
)]
#[case::other(
    "{loadBalancer: {ingress: [{ports: [{port: 80, protocol: TCP}, {port: 8443, protocol: TCP}]}]}}",
    "https://a.io:8443",
    ""
)]
#[case::several(
    "{loadBalancer: {ingress: [{ports: [{port: 8443, protocol: TCP}, {port: 9443, protocol: TCP}]}]}}",
    "https://a.io",
    "[8443, 9443]; port 443 is assumed"
)]
fn the_ports_of_an_ingress_are_those_of_its_status(#[case] status: &str, #[case] expected: &str, #[case] said: &str) {
    let spec = format!(
        "{{tls: [{{hosts: [a.io]}}], rules: [{{host: a.io, http: {{paths: [{{path: /, pathType: Prefix, {BACKEND}}}]}}}}]}}"
    );
    let (found, notes) = urls("{}", &[&ingress_with(&spec, status)]);
    assert_eq!(found, expected, "{notes}");
    assert!(if said.is_empty() { notes.is_empty() } else { notes.contains(said) }, "{notes}");
}

/// `exposedBy` narrows, gives the order, and names what does not fit.
#[test]
fn exposed_by_narrows_orders_and_names_what_does_not_fit() {
    let two = [ingress("openstack", "horizon", "a.io"), ingress("openstack", "other", "b.io")];
    let two = [two[0].as_str(), &two[1].replace("service: {name: other", "service: {name: horizon")];
    let found = |spec: &str| urls(spec, &two).0;
    assert_eq!(found("{}"), "https://a.io https://b.io");
    assert_eq!(found("{exposedBy: [{kind: Ingress, name: other}]}"), "https://b.io");
    assert_eq!(
        found("{exposedBy: [{kind: Ingress, name: other}, {kind: Ingress, name: horizon}]}"),
        "https://b.io https://a.io"
    );
    let (found, notes) =
        urls("{exposedBy: [{kind: Ingress, name: glance}]}", &[&ingress("openstack", "glance", "g.io")]);
    assert_eq!(found, "");
    assert!(
        notes.contains("spec.exposedBy: Ingress openstack/glance leads to none of the workload's Services (horizon)"),
        "{notes}"
    );
}

/// Kinds and versions that nothing reads are named, if they name the workload's Service.
#[rstest]
#[case(
    "traefik.io/v1alpha1",
    "IngressRouteTCP",
    "{routes: [{match: 'HostSNI(`a.io`)', services: [{name: horizon, port: 443}]}], tls: {passthrough: true}}"
)]
#[case(
    "networking.k8s.io/v1beta1",
    "Ingress",
    "{rules: [{host: a.io, http: {paths: [{backend: {serviceName: horizon, servicePort: 80}}]}}]}"
)]
#[case("gateway.networking.k8s.io/v1alpha2", "TCPRoute", "{rules: [{backendRefs: [{name: horizon, port: 443}]}]}")]
#[case("k8s.nginx.org/v1", "VirtualServer", "{host: a.io, upstreams: [{name: x, service: horizon, port: 80}]}")]
#[case("getambassador.io/v3alpha1", "Mapping", "{hostname: a.io, prefix: /, service: 'horizon.openstack:80'}")]
fn objects_that_are_not_read_are_named(#[case] version: &str, #[case] kind: &str, #[case] spec: &str) {
    let object = |spec: &str| {
        format!("{{apiVersion: {version}, kind: {kind}, metadata: {{namespace: openstack, name: way}}, spec: {spec}}}")
    };
    let (found, notes) = urls("{}", &[&object(spec)]);
    assert_eq!(found, "");
    let expected = format!(
        "nothing that leads to Service horizon gives a URL; {kind} openstack/way: names Service horizon, but the operator does not read {version} {kind}"
    );
    assert!(notes.starts_with(&expected), "{notes}");
    let (_, notes) = urls("{}", &[&object(&spec.replace("horizon", "other"))]);
    assert!(notes.starts_with("no HTTPRoute"), "{notes}");
}

/// An entry of `exposedBy` with the wrong kind.
#[test]
fn exposed_by_names_the_right_kind() {
    let (found, notes) =
        urls("{exposedBy: [{kind: HTTPRoute, name: horizon}]}", &[&ingress("openstack", "horizon", "a.io")]);
    assert_eq!(found, "");
    assert!(notes.starts_with("no object that spec.exposedBy names gives a URL for Service horizon"), "{notes}");
    assert!(
        notes.contains("there is no HTTPRoute openstack/horizon, but Ingress openstack/horizon of that name"),
        "{notes}"
    );
}
