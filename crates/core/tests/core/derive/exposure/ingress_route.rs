//! Traefik's IngressRoutes, with the cases of its provider's fixtures (pkg/provider/kubernetes/crd/fixtures
//! of traefik/traefik).

use direct_upload_core::derive::World;
use direct_upload_core::model::Kind;
use rstest::rstest;
use test_support::manifests::{horizon, read};

use crate::derive::exposure::{exposures, urls};

fn route(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {{namespace: {namespace}, name: {name}}}, spec: {spec}}}"
    )
}

const HOST: &str = "match: Host(`a.io`), kind: Rule";
const SERVICES: &str = "services: [{name: horizon, port: 80}]";

#[rstest]
#[case::simple("{entryPoints: [web], routes: [{HOST, SERVICES}]}", "http://a.io", "it has no tls, so http is assumed")]
#[case::tls(
    "{entryPoints: [websecure], routes: [{HOST, SERVICES}], tls: {secretName: x}}",
    "https://a.io",
    "port 443 is assumed"
)]
#[case::empty_tls("{routes: [{HOST, SERVICES}], tls: {}}", "https://a.io", "")]
#[case::prefix(
    "{tls: {}, routes: [{match: 'Host(`a.io`) && PathPrefix(`/dashboard`)', SERVICES}]}",
    "https://a.io/dashboard",
    ""
)]
#[case::two("{tls: {}, routes: [{match: 'Host(`a.io`) || Host(`b.io`)', SERVICES}]}", "https://a.io https://b.io", "")]
#[case::path(
    "{tls: {}, routes: [{match: 'Host(`a.io`) && Path(`/x`)', SERVICES}]}",
    "https://a.io",
    "path \"/x\" is not a prefix"
)]
#[case::any_host(
    "{tls: {}, routes: [{match: 'PathPrefix(`/x`)', SERVICES}]}",
    "",
    "a rule without Host gives no origin"
)]
#[case::pattern(
    "{tls: {}, routes: [{match: 'HostRegexp(`^.+[.]a[.]io$`)', SERVICES}]}",
    "",
    "an origin needs an exact host name"
)]
#[case::bad_rule("{tls: {}, routes: [{match: 'Host(a.io)', SERVICES}]}", "", "cannot be read")]
#[case::elsewhere("{tls: {}, routes: [{HOST, services: [{name: x, port: 1}]}]}", "", "no HTTPRoute")]
#[case::traefik_service("{tls: {}, routes: [{HOST, services: [{kind: TraefikService, name: horizon}]}]}", "", "")]
#[case::kind("{tls: {}, routes: [{HOST, services: [{kind: Service, name: horizon}]}]}", "https://a.io", "")]
#[case::weightless("{tls: {}, routes: [{HOST, services: [{name: x, port: 1}, {name: horizon, weight: 0}]}]}", "", "")]
#[case::other_namespace("{tls: {}, routes: [{HOST, services: [{name: horizon, namespace: other}]}]}", "", "")]
#[case::internal(
    "{tls: {}, routes: [{HOST, kind: Rule, services: [{name: api@internal, kind: TraefikService}]}]}",
    "",
    ""
)]
fn rules_that_lead_to_the_workload_give_hosts_and_paths(
    #[case] spec: &str,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let spec = spec.replace("HOST, kind: Rule", HOST).replace("HOST", HOST).replace("SERVICES", SERVICES);
    let (found, notes) = urls("{}", &[&route("openstack", "horizon", &spec)]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

/// parent_refs_single_parent_multiple_routes, _cross_namespace_allowed, _missing_parent, _multiple_parents.
#[test]
fn a_parents_rules_and_tls_hold_too() {
    let parent = route(
        "infra",
        "parent",
        &format!("{{entryPoints: [websecure], tls: {{}}, routes: [{{{HOST}}}, {{match: Host(`b.io`)}}]}}"),
    );
    let child = route(
        "openstack",
        "child",
        &format!(
            "{{parentRefs: [{{name: parent, namespace: infra}}], routes: [{{match: PathPrefix(`/cloud`), {SERVICES}}}]}}"
        ),
    );
    assert_eq!(urls("{}", &[&parent, &child]).0, "https://a.io/cloud https://b.io/cloud");
    let (found, notes) = urls("{}", &[&child]);
    assert_eq!(found, "");
    assert!(notes.contains("its parent IngressRoute infra/parent does not exist"), "{notes}");
    let world = World::of(&read(&[horizon("{}"), parent, child].join("\n---\n")).snapshot);
    assert!(world.needs().routes_of[&Kind::IngressRoute].contains("infra"));
    let circle =
        route("openstack", "child", &format!("{{parentRefs: [{{name: child}}], routes: [{{{HOST}, {SERVICES}}}]}}"));
    assert_eq!(urls("{}", &[&circle]).0, "");
}

/// with_cross_namespace: an IngressRoute of another namespace counts if this namespace names it.
#[test]
fn a_route_of_another_namespace_counts_only_if_it_is_named() {
    let all = route(
        "infra",
        "all",
        &format!("{{tls: {{}}, routes: [{{{HOST}, services: [{{name: horizon, namespace: openstack, port: 80}}]}}]}}"),
    );
    assert_eq!(urls("{}", &[&all]).0, "");
    let found = exposures("{exposedBy: [{kind: IngressRoute, namespace: infra, name: all}]}", &[&all]).unwrap();
    assert_eq!(found.urls[0].source, "IngressRoute infra/all");
    assert!(found.urls[0].port_assumed);
}
