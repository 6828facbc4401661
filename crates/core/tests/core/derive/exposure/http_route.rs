//! HTTPRoutes, with the cases of Gateway API's conformance tests.

use direct_upload_api::Reason;
use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, Kind};
use rstest::rstest;
use test_support::manifests::{advice_lines, deployment, horizon, join, read, svc};

use crate::derive::exposure::{exposures, urls};

/// A Gateway `infra/public` with these listeners; `{}` means all namespaces.
pub fn gateway(listeners: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{namespace: infra, name: public}}, spec: {{gatewayClassName: x, listeners: {listeners}}}}}"
    )
}

/// A route `openstack/horizon` to the dashboard; `rest` is of its spec.
pub fn route(parents: &str, rest: &str) -> String {
    route_with(parents, rest, "rules: [{backendRefs: [{name: horizon, port: 80}]}]", "")
}

fn route_with(parents: &str, rest: &str, rules: &str, status: &str) -> String {
    let rest = if rest.is_empty() { String::new() } else { format!("{rest}, ") };
    format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{namespace: openstack, name: horizon, generation: 3}}, \
         spec: {{parentRefs: {parents}, {rest}{rules}}}{status}}}"
    )
}

const PUBLIC: &str = "[{namespace: infra, name: public}]";
const ALL: &str = "allowedRoutes: {namespaces: {from: All}}";

/// A listener: name, port, protocol, hostname.
fn listener(name: &str, port: u16, protocol: &str, hostname: &str) -> String {
    let hostname = if hostname.is_empty() { String::new() } else { format!("hostname: '{hostname}', ") };
    format!("{{name: {name}, port: {port}, protocol: {protocol}, {hostname}{ALL}}}")
}

fn hostnames(hostnames: &[&str]) -> String {
    format!("hostnames: {hostnames:?}")
}

#[rstest]
#[case::hostname_of_the_route("", &["a.io"], "https://a.io")]
#[case::hostname_of_the_listener("a.io", &[], "https://a.io")]
#[case::matching("very.specific.com", &["non.matching.com", "very.specific.com"], "https://very.specific.com")]
#[case::wildcard_listener("*.wildcard.io", &["foo.wildcard.io", "bar.wildcard.io", "foo.bar.wildcard.io", "wildcard.io"],
    "https://foo.wildcard.io https://bar.wildcard.io https://foo.bar.wildcard.io")]
#[case::wildcard_route("very.specific.com", &["*.specific.com"], "https://very.specific.com")]
#[case::wildcard_on_both_sides("*.anotherwildcard.io", &["*.anotherwildcard.io"], "")]
#[case::apart("a.io", &["b.io"], "")]
#[case::no_names_at_all("", &[], "")]
#[case::upper_case("", &["Horizon.Example.COM"], "https://horizon.example.com")]
fn hostnames_are_those_that_route_and_listener_share(
    #[case] of_listener: &str,
    #[case] of_route: &[&str],
    #[case] expected: &str,
) {
    let gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", of_listener)));
    let rest = if of_route.is_empty() { String::new() } else { hostnames(of_route) };
    let (found, notes) = urls("{}", &[&gateway, &route(PUBLIC, &rest)]);
    assert_eq!(found, expected, "{notes}");
}

#[rstest]
#[case::http(8080, "HTTP", "", "http://a.io:8080")]
#[case::http_default(80, "HTTP", "", "http://a.io")]
#[case::https_other_port(8443, "HTTPS", "", "https://a.io:8443")]
#[case::terminate(443, "HTTPS", "tls: {mode: Terminate},", "https://a.io")]
#[case::tls_terminate(443, "TLS", "tls: {mode: Terminate},", "https://a.io")]
#[case::passthrough(443, "TLS", "tls: {mode: Passthrough},", "")]
#[case::tcp(443, "TCP", "", "")]
fn the_listeners_protocol_gives_the_scheme(
    #[case] port: u16,
    #[case] protocol: &str,
    #[case] tls: &str,
    #[case] expected: &str,
) {
    let listeners = format!("[{{name: x, port: {port}, protocol: {protocol}, {tls} {ALL}}}]");
    let (found, notes) = urls("{}", &[&gateway(&listeners), &route(PUBLIC, &hostnames(&["a.io"]))]);
    assert_eq!(found, expected, "{notes}");
}

/// Conformance: HTTPRouteListenerPortMatching, HTTPRouteListenerHostnameMatching, isolation.
#[rstest]
#[case::all("[{namespace: infra, name: public}]", &["a.foo.com"], "https://a.foo.com https://a.foo.com:8443")]
#[case::section("[{namespace: infra, name: public, sectionName: other-port}]", &["a.foo.com"], "https://a.foo.com:8443")]
#[case::port("[{namespace: infra, name: public, port: 8443}]", &["a.foo.com"], "https://a.foo.com:8443")]
#[case::both_agree("[{namespace: infra, name: public, sectionName: other-port, port: 8443}]", &["a.foo.com"], "https://a.foo.com:8443")]
#[case::both_differ("[{namespace: infra, name: public, sectionName: other-port, port: 443}]", &["a.foo.com"], "")]
#[case::no_section("[{namespace: infra, name: public, sectionName: nowhere}]", &["a.foo.com"], "")]
#[case::exact_beats_wildcard("[{namespace: infra, name: public, sectionName: wildcard}]", &["bar.foo.com", "a.foo.com"], "https://a.foo.com")]
#[case::to_the_exact_one("[{namespace: infra, name: public, sectionName: exact}]", &["bar.foo.com", "a.foo.com"], "https://bar.foo.com")]
#[case::two_references("[{namespace: infra, name: public, sectionName: wildcard}, {namespace: infra, name: public, sectionName: exact}]",
    &["bar.foo.com"], "https://bar.foo.com")]
#[case::mesh("[{group: '', kind: Service, name: horizon}]", &["a.foo.com"], "")]
#[case::own_namespace("[{name: public}]", &["a.foo.com"], "")]
fn parent_references_choose_the_listeners(#[case] parents: &str, #[case] names: &[&str], #[case] expected: &str) {
    let listeners = [
        listener("wildcard", 443, "HTTPS", "*.foo.com"),
        listener("exact", 443, "HTTPS", "bar.foo.com"),
        listener("other-port", 8443, "HTTPS", "*.foo.com"),
    ];
    let (found, notes) =
        urls("{}", &[&gateway(&format!("[{}]", listeners.join(", "))), &route(parents, &hostnames(names))]);
    assert_eq!(found, expected, "{notes}");
}

/// Plain http, in addition to https of the same host, is no origin that anyone requested.
#[test]
fn plain_http_beside_https_of_the_same_host_is_left_out() {
    let listeners = format!("[{}, {}]", listener("http", 80, "HTTP", ""), listener("https", 443, "HTTPS", "a.io"));
    let (found, notes) = urls("{}", &[&gateway(&listeners), &route(PUBLIC, &hostnames(&["a.io", "b.io"]))]);
    assert_eq!(found, "https://a.io http://b.io");
    assert!(notes.contains("http://a.io is left out: the same host is served by https"), "{notes}");
}

#[rstest]
#[case::prefix(
    "[{matches: [{path: {type: PathPrefix, value: /dashboard/}}], backendRefs: [{name: horizon}]}]",
    "https://a.io/dashboard"
)]
#[case::all("[{backendRefs: [{name: horizon}]}]", "https://a.io")]
#[case::exact("[{matches: [{path: {type: Exact, value: /login}}], backendRefs: [{name: horizon}]}]", "https://a.io")]
#[case::no_type("[{matches: [{path: {value: /x}}], backendRefs: [{name: horizon}]}]", "https://a.io/x")]
// Conformance: HTTPRouteHeaderMatching, HTTPRouteQueryParamMatching. Pages and uploads have neither.
#[case::headers_alone("[{matches: [{headers: [{name: a, value: b}]}], backendRefs: [{name: horizon}]}]", "")]
#[case::query_alone("[{matches: [{queryParams: [{name: a, value: b}]}], backendRefs: [{name: horizon}]}]", "")]
#[case::headers_that_browsers_send(
    "[{matches: [{headers: [{name: Accept-Language, type: RegularExpression, value: .+}]}], backendRefs: [{name: horizon}]}]",
    "https://a.io"
)]
#[case::headers_or_a_path(
    "[{matches: [{headers: [{name: a, value: b}]}, {path: {value: /x}}], backendRefs: [{name: horizon}]}]",
    "https://a.io/x"
)]
#[case::weighed("[{backendRefs: [{name: other}, {name: horizon, weight: 1}]}]", "https://a.io")]
#[case::weightless("[{backendRefs: [{name: other}, {name: horizon, weight: 0}]}]", "")]
#[case::redirect(
    "[{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}], backendRefs: [{name: horizon}]}]",
    ""
)]
#[case::other_kind("[{backendRefs: [{group: example.io, kind: Bucket, name: horizon}]}]", "")]
#[case::elsewhere("[{backendRefs: [{namespace: other, name: horizon}]}]", "")]
#[case::second_rule(
    "[{backendRefs: [{name: other}]}, {matches: [{path: {value: /x}}], backendRefs: [{name: horizon}]}]",
    "https://a.io/x"
)]
// HTTPRouteRule, `matches`: of equal matches, the first rule's counts.
#[case::shadowed("[{backendRefs: [{name: other}]}, {backendRefs: [{name: horizon}]}]", "")]
#[case::shadowed_prefix(
    "[{matches: [{path: {value: /x/}}], backendRefs: [{name: other}]}, {matches: [{path: {value: /x}}, {path: {value: /y}}], backendRefs: [{name: horizon}]}]",
    "https://a.io/y"
)]
#[case::shadowed_only_for_a_header(
    "[{matches: [{headers: [{name: a, value: b}]}], backendRefs: [{name: other}]}, {backendRefs: [{name: horizon}]}]",
    "https://a.io"
)]
#[case::the_first("[{backendRefs: [{name: horizon}]}, {backendRefs: [{name: other}]}]", "https://a.io")]
fn rules_that_lead_to_the_workload_give_the_paths(#[case] rules: &str, #[case] expected: &str) {
    let gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", "a.io")));
    let (found, notes) = urls("{}", &[&gateway, &route_with(PUBLIC, "", &format!("rules: {rules}"), "")]);
    assert_eq!(found, expected, "{notes}");
}

#[rstest]
#[case::all("{namespaces: {from: All}}", true)]
#[case::same("{namespaces: {from: Same}}", false)]
#[case::by_default("{}", false)]
#[case::none("{namespaces: {from: None}}", false)]
#[case::selector("{namespaces: {from: Selector, selector: {matchLabels: {cloud: 'yes'}}}}", true)]
#[case::other_selector("{namespaces: {from: Selector, selector: {matchLabels: {cloud: 'no'}}}}", false)]
#[case::by_name(
    "{namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: openstack}}}}",
    true
)]
#[case::by_another_name(
    "{namespaces: {from: Selector, selector: {matchLabels: {kubernetes.io/metadata.name: web}}}}",
    false
)]
#[case::not_by_name(
    "{namespaces: {from: Selector, selector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [openstack]}]}}}",
    false
)]
#[case::any_labels("{namespaces: {from: Selector, selector: {}}}", true)]
#[case::kinds("{namespaces: {from: All}, kinds: [{kind: HTTPRoute}]}", true)]
#[case::other_kinds("{namespaces: {from: All}, kinds: [{kind: GRPCRoute}]}", false)]
fn a_listener_takes_only_the_routes_it_allows(#[case] allowed: &str, #[case] expected: bool) {
    let gateway =
        gateway(&format!("[{{name: https, port: 443, protocol: HTTPS, hostname: a.io, allowedRoutes: {allowed}}}]"));
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: openstack, labels: {cloud: 'yes'}}}";
    let (found, notes) = urls("{}", &[&gateway, namespace, &route(PUBLIC, "")]);
    assert_eq!(found == "https://a.io", expected, "{notes}");
    assert_eq!(notes.contains("accepts no"), !expected, "{notes}");
}

fn accepted(status: &str, generation: u32) -> String {
    format!(
        ", status: {{parents: [{{controllerName: x/y, parentRef: {{namespace: infra, name: public}}, \
         conditions: [{{type: Accepted, status: '{status}', reason: Because, message: so it is, observedGeneration: {generation}}}]}}]}}"
    )
}

/// What the Gateway's controller says, in a cluster and of a file.
#[rstest]
#[case::accepted(true, accepted("True", 3), "https://a.io", "")]
#[case::refused(true, accepted("False", 3), "", "Gateway infra/public does not accept it: Because: so it is")]
#[case::silent(true, String::new(), "", "no controller has accepted it for Gateway infra/public")]
#[case::file(false, String::new(), "https://a.io", "")]
#[case::file_refused(false, accepted("False", 3), "", "does not accept it")]
#[case::other_parent(true, accepted("True", 3).replace("public", "private"), "", "no controller has accepted it")]
fn a_route_in_a_cluster_needs_its_controllers_acceptance(
    #[case] stored: bool,
    #[case] status: String,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let (found, notes) = urls("{}", &judged(stored, &status).each_ref().map(String::as_str));
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

fn judged(stored: bool, status: &str) -> [String; 2] {
    let gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", "a.io")));
    let route = route_with(PUBLIC, "", "rules: [{backendRefs: [{name: horizon}]}]", status);
    let time = if stored { "creationTimestamp: '2026-01-01T00:00:00Z', " } else { "" };
    [gateway, route.replace("generation: 3", &format!("{time}generation: 3"))]
}

/// A judgement of an earlier generation says neither yes nor no.
#[rstest]
#[case(accepted("True", 2))]
#[case(accepted("False", 2))]
fn a_judgement_of_an_earlier_generation_says_neither_yes_nor_no(#[case] status: String) {
    let problem = exposures("{}", &judged(true, &status).each_ref().map(String::as_str)).unwrap_err();
    assert_eq!(problem.reason, Reason::ObservationIncomplete);
    assert!(problem.message().contains("only up to generation 2, not 3"), "{}", problem.message());
}

/// A listener in conflict serves no request.
#[test]
fn a_conflicted_listener_serves_nobody() {
    let status = ", status: {listeners: [{name: https, conditions: [{type: Conflicted, status: 'True', reason: HostnameConflict, message: m}]}]}}";
    let mut gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", "a.io")));
    gateway.truncate(gateway.len() - 1);
    let (found, notes) = urls("{}", &[&format!("{gateway}{status}"), &route(PUBLIC, "")]);
    assert_eq!(found, "");
    assert!(notes.contains("is not in effect: HostnameConflict"), "{notes}");
}

/// Conformance: HTTPRouteReferenceGrant. A route elsewhere leads here only with leave from here.
#[rstest]
#[case::granted(
    "{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}], to: [{group: '', kind: Service}]}",
    true
)]
#[case::by_name(
    "{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}], to: [{group: '', kind: Service, name: horizon}]}",
    true
)]
#[case::other_name(
    "{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}], to: [{group: '', kind: Service, name: other}]}",
    false
)]
#[case::other_namespace(
    "{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: wob}], to: [{group: '', kind: Service}]}",
    false
)]
#[case::other_kind(
    "{from: [{group: gateway.networking.k8s.io, kind: GRPCRoute, namespace: web}], to: [{group: '', kind: Service}]}",
    false
)]
#[case::secrets(
    "{from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}], to: [{group: '', kind: Secret}]}",
    false
)]
fn a_route_of_another_namespace_needs_a_reference_grant(#[case] spec: &str, #[case] granted: bool) {
    for version in ["v1", "v1beta1"] {
        let grant = format!(
            "{{apiVersion: gateway.networking.k8s.io/{version}, kind: ReferenceGrant, metadata: {{namespace: openstack, name: web}}, spec: {spec}}}"
        );
        let gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", "a.io")));
        let route = route_with(PUBLIC, "", "rules: [{backendRefs: [{namespace: openstack, name: horizon}]}]", "");
        let route = route
            .replace("namespace: openstack, name: horizon, generation", "namespace: web, name: horizon, generation");
        let objects = [gateway.as_str(), &route, &grant];
        let (found, notes) = urls("{}", &objects);
        assert_eq!(found == "https://a.io", granted, "{version}: {notes}");
        let world = World::of(&read(&join(&[&objects[..], &[&horizon("{}")]].concat())).snapshot);
        let gateways =
            world.needs.named.get(&Kind::Gateway).is_some_and(|all| all.contains(&Key::new("infra", "public")));
        assert_eq!(
            gateways,
            world.needs.routes_of.get(&Kind::HTTPRoute).is_some_and(|all| all.contains("web")),
            "only what is read decides"
        );
    }
}

/// Only Gateways of routes that lead to us are watched.
#[test]
fn only_gateways_of_routes_that_lead_to_us_are_watched() {
    let foreign = route_with(
        "[{namespace: infra, name: private}]",
        "",
        "rules: [{backendRefs: [{namespace: elsewhere, name: x}]}]",
        "",
    )
    .replace("name: horizon", "name: foreign");
    let own = route(PUBLIC, "");
    let objects = [horizon("{}"), own, foreign];
    let world = World::of(&read(&objects.join("\n---\n")).snapshot);
    assert_eq!(world.needs.named[&Kind::Gateway], [Key::new("infra", "public")].into());
}

/// The API server gives each namespace the label of its name (Kubernetes' `LabelMetadataName`), so its name is
/// enough.
#[rstest]
#[case::name("{matchLabels: {kubernetes.io/metadata.name: openstack}}", "https://a.io", "")]
#[case::names(
    "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: In, values: [a, openstack]}]}",
    "https://a.io",
    ""
)]
#[case::other_names(
    "{matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [openstack]}]}",
    "",
    "(allowedRoutes)"
)]
#[case::all("{}", "https://a.io", "")]
#[case::labels(
    "{matchLabels: {team: x}}",
    "",
    "as far as is seen: there is no Namespace openstack, whose labels decide"
)]
#[case::labels_too(
    "{matchLabels: {kubernetes.io/metadata.name: openstack, team: x}}",
    "",
    "as far as is seen: there is no Namespace openstack"
)]
fn a_namespace_that_is_not_there_has_a_name(#[case] selector: &str, #[case] expected: &str, #[case] said: &str) {
    let allowed = format!("{{namespaces: {{from: Selector, selector: {selector}}}}}");
    let gateway =
        gateway(&format!("[{{name: https, port: 443, protocol: HTTPS, hostname: a.io, allowedRoutes: {allowed}}}]"));
    let (found, notes) = urls("{}", &[&gateway, &route(PUBLIC, "")]);
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

/// Releases of Gateway API before 1.0 serve v1beta1 alone, and later ones serve it, too.
#[test]
fn older_versions_are_read() {
    let old = |object: String| object.replace("gateway.networking.k8s.io/v1", "gateway.networking.k8s.io/v1beta1");
    let gateway = old(gateway(&format!("[{}]", listener("https", 443, "HTTPS", "a.io"))));
    let (found, notes) = urls("{}", &[&gateway, &old(route(PUBLIC, ""))]);
    assert_eq!(found, "https://a.io", "{notes}");
}

/// A listener's port is that of an entry point in Traefik's pods (doc.traefik.io, Kubernetes Gateway API,
/// "Listener ports"); the Helm chart's Service leads 443 to 8443 and 80 to 8000 (traefik/values.yaml).
#[rstest]
#[case::chart("traefik", 8443, &[], "https://a.io", "which is that of an entry point inside Traefik's pods; port 443 is assumed")]
#[case::class_of_another_name("my-traefik", 8443, &[], "https://a.io", "port 443 is assumed")]
#[case::own_port("traefik", 9443, &[], "https://a.io:9443", "port 9443 is assumed")]
#[case::usual("traefik", 443, &[], "https://a.io", "")]
#[case::another_class("envoy", 8443, &[], "https://a.io:8443", "")]
#[case::service("traefik", 8443, &[TRAEFIK], "https://a.io", "")]
#[case::service_of_another_port("traefik", 8443, &[TRAEFIK, "port: 443", "port: 4443"], "https://a.io:4443", "")]
#[case::service_by_number("traefik", 9443, &[TRAEFIK, "targetPort: web}", "targetPort: 9443}"], "https://a.io:80", "")]
#[case::service_inside("traefik", 8443, &[TRAEFIK, "LoadBalancer", "ClusterIP"], "https://a.io", "is assumed")]
fn a_listener_of_traefik_has_the_port_of_an_entry_point(
    #[case] class: &str,
    #[case] port: u16,
    #[case] service: &[&str],
    #[case] expected: &str,
    #[case] said: &str,
) {
    let gateway = gateway(&format!("[{}]", listener("websecure", port, "HTTPS", "a.io")))
        .replace("gatewayClassName: x", &format!("gatewayClassName: {class}"));
    let service = match service {
        [service, from, to] => service.replace(from, to),
        [service] => (*service).to_owned(),
        _ => "{apiVersion: v1, kind: Namespace, metadata: {name: traefik}}".to_owned(),
    };
    let objects = [gateway.as_str(), &route(PUBLIC, ""), &service];
    let (found, notes) = urls("{}", &objects);
    assert_eq!(found, expected, "{notes}");
    assert!(if said.is_empty() { notes.is_empty() } else { notes.contains(said) }, "{notes}");
    let found = exposures("{}", &objects).unwrap();
    assert_eq!(found.urls[0].port_assumed, !said.is_empty());
}

/// The Service of Traefik's Helm chart.
const TRAEFIK: &str = "{apiVersion: v1, kind: Service, metadata: {namespace: traefik, name: traefik}, spec: {type: LoadBalancer,     ports: [{name: web, port: 80, targetPort: web}, {name: websecure, port: 443, targetPort: websecure}]}}";

/// Its controller's name, in the status, decides before the name of the class.
#[rstest]
#[case("traefik.io/gateway-controller", "x", "https://a.io")]
#[case("gateway.envoyproxy.io/gatewayclass-controller", "traefik", "https://a.io:8443")]
fn the_status_names_the_controller(#[case] controller: &str, #[case] class: &str, #[case] expected: &str) {
    let gateway = gateway(&format!("[{}]", listener("websecure", 8443, "HTTPS", "a.io")))
        .replace("gatewayClassName: x", &format!("gatewayClassName: {class}"));
    let route = route_with(
        PUBLIC,
        "",
        "rules: [{backendRefs: [{name: horizon}]}]",
        &accepted("True", 3).replace("x/y", controller),
    );
    assert_eq!(urls("{}", &[&gateway, &route]).0, expected);
}

/// Of any implementation: the Service with the Gateway's address (`status.addresses`) shows the outer port.
#[rstest]
#[case("192.0.2.7", "https://a.io")]
#[case("192.0.2.8", "https://a.io:8443")]
fn a_service_with_the_gateways_address_shows_the_outer_port(#[case] address: &str, #[case] expected: &str) {
    let mut gateway = gateway(&format!("[{}]", listener("https", 8443, "HTTPS", "a.io")));
    gateway.truncate(gateway.len() - 1);
    let gateway = format!("{gateway}, status: {{addresses: [{{type: IPAddress, value: {address}}}]}}}}");
    let service = "{apiVersion: v1, kind: Service, metadata: {namespace: infra, name: proxy},         spec: {type: LoadBalancer, ports: [{port: 443, targetPort: 8443}]}, status: {loadBalancer: {ingress: [{ip: 192.0.2.7}]}}}";
    let (found, notes) = urls("{}", &[&gateway, &route(PUBLIC, ""), service]);
    assert_eq!((found.as_str(), notes.as_str()), (expected, ""));
}

/// A route that leads to the workload, and gives no URL, is not one that does not lead there.
#[rstest]
#[case::hostnames(
    "[{namespace: infra, name: public}]",
    "hostnames: [b.io]",
    "is for host a.io, which none of its hostnames matches"
)]
#[case::section(
    "[{namespace: infra, name: public, sectionName: x}]",
    "",
    "Gateway infra/public has no listener of name x"
)]
#[case::port("[{namespace: infra, name: public, port: 8443}]", "", "Gateway infra/public has no listener on port 8443")]
#[case::mesh("[{group: '', kind: Service, name: horizon}]", "", "that is for requests inside a mesh")]
#[case::none("[]", "", "it names no Gateway (parentRefs)")]
fn why_a_route_that_leads_there_gives_no_url(#[case] parents: &str, #[case] rest: &str, #[case] said: &str) {
    let gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", "a.io")));
    let (found, notes) = urls("{}", &[&gateway, &route(parents, rest)]);
    assert_eq!(found, "");
    assert!(
        notes.starts_with("nothing that leads to Service horizon gives a URL; HTTPRoute openstack/horizon: "),
        "{notes}"
    );
    assert!(notes.contains(said), "{notes}");
}

/// Conformance: GatewayInvalidTLSConfiguration and others; a Gateway that its controller refuses serves nothing.
#[rstest]
#[case("Invalid", "")]
#[case("ListenersNotValid", "https://a.io")]
fn a_gateway_that_is_refused(#[case] reason: &str, #[case] expected: &str) {
    let mut gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", "a.io")));
    gateway.truncate(gateway.len() - 1);
    let gateway = format!(
        "{gateway}, status: {{conditions: [{{type: Accepted, status: 'False', reason: {reason}, message: m}}]}}}}"
    );
    let (found, notes) = urls("{}", &[&gateway, &route(PUBLIC, "")]);
    assert_eq!(found, expected);
    assert!(notes.contains(&format!("Gateway infra/public is not in effect: {reason}: m")), "{notes}");
}

/// Conformance: HTTPRouteInvalidNonExistentBackendRef and others: accepted, but ResolvedRefs is false.
#[test]
fn a_route_whose_references_do_not_resolve() {
    let status = accepted("True", 3).replace(
        "conditions: [",
        "conditions: [{type: ResolvedRefs, status: 'False', reason: BackendNotFound, message: m}, ",
    );
    let (found, notes) = urls("{}", &judged(true, &status).each_ref().map(String::as_str));
    assert_eq!(found, "https://a.io");
    assert!(notes.contains("cannot use: BackendNotFound: m"), "{notes}");
}

/// Routes of files claim hosts like those that a controller accepted.
#[test]
fn another_route_of_a_file_claims_the_host() {
    let gateway = gateway(&format!("[{}]", listener("https", 443, "HTTPS", "")));
    let other = |rules: &str| {
        route_with(PUBLIC, "hostnames: [a.io]", &format!("rules: [{rules}]"), "")
            .replace("name: horizon, generation", "name: other, generation")
    };
    let said = |rules: &str| {
        let own = [
            horizon("{}"),
            deployment("openstack", "horizon"),
            svc("openstack", "horizon"),
            gateway.clone(),
            route(PUBLIC, "hostnames: [a.io]"),
            other(rules),
        ];
        let world = World::of(&read(&own.join("\n---\n")).snapshot);
        advice_lines(&world.horizons[&Key::new("openstack", "horizon")].advice).join("\n")
    };
    let claims = "a.io is also claimed by HTTPRoute openstack/other";
    assert!(said("{backendRefs: [{name: x}]}").contains(claims));
    for rules in [
        "{filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]}",
        "{matches: [{headers: [{name: a, value: b}]}], backendRefs: [{name: x}]}",
        "{matches: [{path: {value: /identity}}], backendRefs: [{name: x}]}",
    ] {
        assert!(!said(rules).contains("also claimed"), "{rules}");
    }
}
