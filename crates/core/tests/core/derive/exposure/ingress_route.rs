//! Traefik's IngressRoutes, with the cases of its provider's fixtures (pkg/provider/kubernetes/crd/fixtures
//! of traefik/traefik).

use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, Kind};
use rstest::rstest;
use test_support::manifests::{advice_lines, deployment, horizon, read, svc};

use crate::derive::exposure::{exposures, urls};

fn route(namespace: &str, name: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {{namespace: {namespace}, name: {name}}}, spec: {spec}}}"
    )
}

const HOST: &str = "match: Host(`a.io`), kind: Rule";
const SERVICES: &str = "services: [{name: horizon, port: 80}]";

#[rstest]
// traefik/values.yaml of the Helm chart: `websecure` has TLS.
#[case::secure_entry_point(
    "{entryPoints: [websecure], routes: [{HOST, SERVICES}]}",
    "https://a.io",
    "Traefik's Helm chart gives its entry point websecure TLS, so https is assumed"
)]
#[case::both_entry_points(
    "{entryPoints: [web, websecure], routes: [{HOST, SERVICES}]}",
    "https://a.io",
    "http://a.io is left out"
)]
#[case::no_entry_points("{routes: [{HOST, SERVICES}]}", "https://a.io", "so https is assumed")]
#[case::header(
    "{tls: {}, routes: [{match: 'Host(`a.io`) && Header(`X-Canary`, `1`)', SERVICES}]}",
    "",
    "a rule with Header(X-Canary, 1) does not count"
)]
#[case::query("{tls: {}, routes: [{match: 'Host(`a.io`) && Query(`v`, `1`)', SERVICES}]}", "", "does not count")]
#[case::header_for_the_canary(
    "{tls: {}, routes: [{match: 'Host(`a.io`) && Header(`X-Canary`, `1`)', services: [{name: x, port: 1}]}, {HOST, SERVICES}]}",
    "https://a.io",
    ""
)]
#[case::prefixes(
    "{tls: {}, routes: [{match: 'Host(`a.io`) && PathPrefix(`/x`, `/y`)', SERVICES}]}",
    "https://a.io/x https://a.io/y",
    ""
)]
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
    assert!(world.needs.routes_of[&Kind::IngressRoute].contains("infra"));
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
    assert_eq!(found.urls[0].source.to_string(), "IngressRoute infra/all");
    assert!(found.urls[0].port_assumed);
}

/// The group before Traefik 3.0 (Traefik's migration notes, "v2.10").
#[test]
fn the_older_group_is_read() {
    let old = route("openstack", "horizon", &format!("{{tls: {{}}, routes: [{{{HOST}, {SERVICES}}}]}}"))
        .replace("traefik.io/v1alpha1", "traefik.containo.us/v1alpha1");
    assert_eq!(urls("{}", &[&old]).0, "https://a.io");
}

/// traefikio/v1alpha1/service.go, and the fixtures with_services_*.yml, with_mirroring*.yml.
#[rstest]
#[case::weighted("{weighted: {services: [{name: horizon, port: 80, weight: 1}, {name: x, port: 80}]}}", true)]
#[case::weightless(
    "{weighted: {services: [{name: horizon, port: 80, weight: 0}, {name: x, port: 80, weight: 1}]}}",
    false
)]
#[case::mirroring("{mirroring: {name: horizon, port: 80, mirrors: [{name: x, port: 80, percent: 10}]}}", true)]
#[case::mirrored("{mirroring: {name: x, port: 80, mirrors: [{name: horizon, port: 80, percent: 10}]}}", false)]
#[case::random("{highestRandomWeight: {services: [{name: horizon, port: 80}]}}", true)]
#[case::nested("{weighted: {services: [{name: inner, kind: TraefikService}]}}", true)]
#[case::circle("{weighted: {services: [{name: shares, kind: TraefikService}, {name: x, port: 80}]}}", false)]
fn a_traefik_service_shares_requests_out(#[case] spec: &str, #[case] leads: bool) {
    let shared = |name: &str, spec: &str| {
        format!(
            "{{apiVersion: traefik.io/v1alpha1, kind: TraefikService, metadata: {{namespace: openstack, name: {name}}}, spec: {spec}}}"
        )
    };
    let route = route(
        "openstack",
        "horizon",
        &format!("{{tls: {{}}, routes: [{{{HOST}, services: [{{name: shares, kind: TraefikService}}]}}]}}"),
    );
    let inner = shared("inner", "{weighted: {services: [{name: horizon, port: 80}]}}");
    let (found, notes) = urls("{}", &[&route, &shared("shares", spec), &inner]);
    assert_eq!(found == "https://a.io", leads, "{notes}");
}

/// pkg/middlewares/redirect/redirect_scheme.go; pkg/provider/kubernetes/crd/fixtures with_middleware*.yml.
#[rstest]
#[case::redirects("[{name: to-https}]", "https://a.io", "")]
#[case::in_a_chain("[{name: all}]", "https://a.io", "")]
#[case::of_another_kind("[{name: headers}]", "https://a.io", "http://a.io is left out")]
#[case::missing("[{name: nowhere}]", "https://a.io", "there is no Middleware openstack/nowhere")]
fn a_rule_that_redirects_serves_nothing(#[case] middlewares: &str, #[case] expected: &str, #[case] said: &str) {
    let middleware = |name: &str, spec: &str| {
        format!(
            "{{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {{namespace: openstack, name: {name}}}, spec: {spec}}}"
        )
    };
    let secure = route("openstack", "horizon", &format!("{{tls: {{}}, routes: [{{{HOST}, {SERVICES}}}]}}"));
    let plain = route(
        "openstack",
        "plain",
        &format!("{{entryPoints: [web], routes: [{{{HOST}, {SERVICES}, middlewares: {middlewares}}}]}}"),
    );
    let objects = [
        secure,
        plain,
        middleware("to-https", "{redirectScheme: {scheme: https, permanent: true}}"),
        middleware("all", "{chain: {middlewares: [{name: headers}, {name: to-https}]}}"),
        middleware("headers", "{headers: {customRequestHeaders: {X-A: b}}}"),
    ];
    let all: Vec<&str> = objects.iter().map(String::as_str).collect();
    let (found, notes) = urls("{}", &all);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
    assert_eq!(notes.contains("http://a.io is left out"), !said.is_empty(), "{notes}");
}

/// Nobody else gets the host by a rule that redirects, or that is for other requests.
#[rstest]
#[case::redirect(
    "{entryPoints: [web], routes: [{HOST, middlewares: [{name: to-https}], services: [{name: noop@internal, kind: TraefikService}]}]}",
    false
)]
#[case::redirect_of_a_service(
    "{entryPoints: [web], routes: [{HOST, middlewares: [{name: to-https}], services: [{name: x, port: 80}]}]}",
    false
)]
#[case::secure(
    "{entryPoints: [websecure], routes: [{HOST, middlewares: [{name: to-https}], services: [{name: x, port: 80}]}]}",
    true
)]
#[case::header(
    "{tls: {}, routes: [{match: 'Host(`a.io`) && Header(`X-Canary`, `1`)', services: [{name: x, port: 80}]}]}",
    false
)]
#[case::another("{tls: {}, routes: [{HOST, services: [{name: x, port: 80}]}]}", true)]
fn who_else_claims_the_host(#[case] spec: &str, #[case] claims: bool) {
    let secure = route("openstack", "horizon", &format!("{{tls: {{}}, routes: [{{{HOST}, {SERVICES}}}]}}"));
    let middleware = "{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {namespace: openstack, name: to-https}, spec: {redirectScheme: {scheme: https}}}";
    let other = route("openstack", "other", &spec.replace("HOST", HOST));
    let objects = [
        horizon("{}"),
        deployment("openstack", "horizon"),
        svc("openstack", "horizon"),
        secure,
        other,
        middleware.to_owned(),
    ];
    let world = World::of(&read(&objects.join("\n---\n")).snapshot);
    let advice = advice_lines(&world.horizons[&Key::new("openstack", "horizon")].advice).join("\n");
    assert_eq!(advice.contains("also claimed by IngressRoute openstack/other"), claims, "{advice}");
}

/// The Service of Traefik's Helm chart shows the port of an entry point.
#[test]
fn traefiks_service_shows_the_port() {
    let own = route(
        "openstack",
        "horizon",
        &format!("{{entryPoints: [websecure], tls: {{}}, routes: [{{{HOST}, {SERVICES}}}]}}"),
    );
    let service = "{apiVersion: v1, kind: Service, metadata: {namespace: traefik, name: traefik}, spec: {type: LoadBalancer, \
        ports: [{name: web, port: 80, targetPort: web}, {name: websecure, port: 8443, targetPort: websecure}]}}";
    let (found, notes) = urls("{}", &[&own, service]);
    assert_eq!((found.as_str(), notes.as_str()), ("https://a.io:8443", ""));
}

/// pkg/muxer/http/mux_test.go, `Test_addRoutePriority`: the higher priority first, and without one the longer rule.
#[rstest]
#[case::shorter("match: Host(`a.io`)", "match: 'Host(`a.io`) && PathPrefix(`/`)'", "https://a.io")]
#[case::longer("match: 'Host(`a.io`) && PathPrefix(`/`)'", "match: Host(`a.io`)", "")]
#[case::more_specific("match: 'Host(`a.io`) && PathPrefix(`/identity`)'", "match: Host(`a.io`)", "https://a.io")]
#[case::catch_all("match: Host(`a.io`)", "match: 'Host(`a.io`) && PathPrefix(`/dashboard`)'", "https://a.io/dashboard")]
#[case::catch_all_first("match: Host(`a.io`), priority: 1000", "match: 'Host(`a.io`) && PathPrefix(`/dashboard`)'", "")]
#[case::any_host_first("match: PathPrefix(`/`), priority: 1000", "match: Host(`a.io`)", "")]
#[case::low("match: 'Host(`a.io`) && PathPrefix(`/`)', priority: 1", "match: Host(`a.io`)", "https://a.io")]
#[case::one_method("match: Host(`a.io`) && Method(`DELETE`), priority: 1000", "match: Host(`a.io`)", "https://a.io")]
#[case::one_header("match: 'Host(`a.io`) && Header(`X`, `1`)', priority: 1000", "match: Host(`a.io`)", "https://a.io")]
#[case::one_path("match: 'Host(`a.io`) && Path(`/x`)', priority: 1000", "match: Host(`a.io`)", "https://a.io")]
fn the_rule_with_the_higher_priority_decides(#[case] theirs: &str, #[case] ours: &str, #[case] expected: &str) {
    let elsewhere = "services: [{name: x, port: 80}]";
    let both = route(
        "openstack",
        "horizon",
        &format!("{{tls: {{}}, routes: [{{{theirs}, {elsewhere}}}, {{{ours}, {SERVICES}}}]}}"),
    );
    let (found, notes) = urls("{}", &[&both]);
    assert_eq!(found, expected, "{notes}");
    let own = route("openstack", "horizon", &format!("{{tls: {{}}, routes: [{{{ours}, {SERVICES}}}]}}"));
    let other = route("openstack", "other", &format!("{{tls: {{}}, routes: [{{{theirs}, {elsewhere}}}]}}"));
    let (found, notes) = urls("{}", &[&own, &other]);
    assert!(!found.is_empty(), "{notes}");
    assert_eq!(
        expected.is_empty(),
        notes.contains("a rule of IngressRoute openstack/other for host a.io has a higher priority"),
        "{notes}"
    );
    // At another entry point it takes nothing.
    let plain = route("openstack", "other", &format!("{{entryPoints: [web], routes: [{{{theirs}, {elsewhere}}}]}}"));
    assert!(!urls("{}", &[&own, &plain]).1.contains("a higher priority"));
}
