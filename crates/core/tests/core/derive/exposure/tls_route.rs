//! TLSRoutes and ListenerSets, with the cases of Gateway API's conformance tests (tlsroute-*.yaml,
//! listenerset-*.yaml).

use direct_upload_api::Reason;
use direct_upload_core::derive::World;
use direct_upload_core::model::{Key, Kind};
use rstest::rstest;
use test_support::manifests::{horizon, read};

use crate::derive::exposure::http_route::{gateway, route};
use crate::derive::exposure::{exposures, urls};

fn tls_route(version: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: gateway.networking.k8s.io/{version}, kind: TLSRoute, metadata: {{namespace: openstack, name: horizon}}, \
         spec: {{parentRefs: [{{namespace: infra, name: public}}], {rest}rules: [{{backendRefs: [{{name: horizon, port: 443}}]}}]}}}}"
    )
}

fn listener(rest: &str) -> String {
    gateway(&format!("[{{name: tls, port: 443, {rest}, allowedRoutes: {{namespaces: {{from: All}}}}}}]"))
}

/// tlsroute-simple-same-namespace, -terminate-simple-same-namespace, -invalid-no-matching-listener.
#[rstest]
#[case::passthrough("protocol: TLS, tls: {mode: Passthrough}", "https://a.io", "the pods must end it themselves")]
#[case::terminate("protocol: TLS, tls: {mode: Terminate}", "https://a.io", "")]
#[case::http("protocol: HTTP", "", "has protocol HTTP, which no TLSRoute can use")]
#[case::https("protocol: HTTPS, tls: {mode: Terminate}", "", "has protocol HTTPS, which no TLSRoute can use")]
#[case::other_kinds(
    "protocol: TLS, tls: {mode: Passthrough}, allowedRoutes: {kinds: [{kind: TCPRoute}]}",
    "",
    "accepts no TLSRoute"
)]
fn listeners_of_protocol_tls_take_it(#[case] of_listener: &str, #[case] expected: &str, #[case] said: &str) {
    for version in ["v1", "v1alpha3", "v1alpha2"] {
        let gateway = if of_listener.contains("allowedRoutes") {
            gateway(&format!(
                "[{{name: tls, port: 443, {}}}]",
                of_listener.replace("{kinds:", "{namespaces: {from: All}, kinds:")
            ))
        } else {
            listener(of_listener)
        };
        let (found, notes) = urls("{}", &[&gateway, &tls_route(version, "hostnames: [a.io], ")]);
        assert_eq!(found, expected, "{notes}");
        assert!(notes.contains(said), "{notes}");
    }
}

/// tlsroute-hostname-intersection.
#[rstest]
#[case::x1("hostname: abc.example.com, ", "*.example.com", "https://abc.example.com")]
#[case::x2("hostname: '*.example.com', ", "abc.example.com", "https://abc.example.com")]
#[case::x2_less("hostname: '*.example.com', ", "*.com", "")]
#[case::x3("hostname: '*.com', ", "abc.example.com", "https://abc.example.com")]
#[case::x4("", "abc.example.com", "https://abc.example.com")]
#[case::none_matching("hostname: abc.example.com, ", "other.example.com", "")]
fn hostnames_are_those_that_route_and_listener_share(
    #[case] of_listener: &str,
    #[case] of_route: &str,
    #[case] expected: &str,
) {
    let gateway = listener(&format!("{of_listener}protocol: TLS, tls: {{mode: Passthrough}}"));
    let (found, notes) = urls("{}", &[&gateway, &tls_route("v1", &format!("hostnames: ['{of_route}'], "))]);
    assert_eq!(found, expected, "{notes}");
}

/// tlsroute-invalid-reference-grant: a grant for HTTPRoutes is none for TLSRoutes.
#[rstest]
#[case("TLSRoute", true)]
#[case("HTTPRoute", false)]
fn a_route_of_another_namespace_needs_a_reference_grant_of_its_kind(#[case] kind: &str, #[case] granted: bool) {
    let grant = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {{namespace: openstack, name: web}}, \
         spec: {{from: [{{group: gateway.networking.k8s.io, kind: {kind}, namespace: web}}], to: [{{group: '', kind: Service}}]}}}}"
    );
    let gateway = listener("protocol: TLS, tls: {mode: Passthrough}");
    let route = tls_route("v1", "hostnames: [a.io], ")
        .replace("namespace: openstack, name: horizon}, ", "namespace: web, name: horizon}, ")
        .replace("{name: horizon, port", "{namespace: openstack, name: horizon, port");
    let (found, notes) = urls("{}", &[&gateway, &grant, &route]);
    assert_eq!(found == "https://a.io", granted, "{notes}");
    let named = "{exposedBy: [{kind: TLSRoute, namespace: web, name: horizon}]}";
    assert_eq!(urls(named, &[&gateway, &grant, &route]).0 == "https://a.io", granted, "a name is no grant");
}

fn allowing(allowed: &str) -> String {
    let listener =
        "[{name: own, port: 443, protocol: HTTPS, hostname: gateway.io, allowedRoutes: {namespaces: {from: All}}}]";
    gateway(listener).replace("listeners:", &format!("allowedListeners: {allowed}, listeners:"))
}

fn set(api: &str, listeners: &str, status: &str) -> String {
    let (api_version, kind) = api.split_once(' ').unwrap();
    format!(
        "{{apiVersion: {api_version}, kind: {kind}, metadata: {{namespace: openstack, name: set}}, \
         spec: {{parentRef: {{group: gateway.networking.k8s.io, kind: Gateway, namespace: infra, name: public}}, listeners: {listeners}}}{status}}}"
    )
}

const SET: &str = "gateway.networking.k8s.io/v1 ListenerSet";
const OLD_SET: &str = "gateway.networking.x-k8s.io/v1alpha1 XListenerSet";
const OF_SET: &str = "[{group: gateway.networking.k8s.io, kind: ListenerSet, name: set}]";
const LISTENER: &str = "[{name: mine, port: 8443, protocol: HTTPS, hostname: a.io}]";

/// listenerset-allowed-namespace-same, -selector, -none, -default-not-allowed.
#[rstest]
#[case::all("{namespaces: {from: All}}", true)]
#[case::same("{namespaces: {from: Same}}", false)]
#[case::none("{namespaces: {from: None}}", false)]
#[case::by_default("{}", false)]
#[case::selector("{namespaces: {from: Selector, selector: {matchLabels: {cloud: 'yes'}}}}", true)]
#[case::other_selector("{namespaces: {from: Selector, selector: {matchLabels: {cloud: 'no'}}}}", false)]
fn a_gateway_takes_only_the_listener_sets_it_allows(#[case] allowed: &str, #[case] expected: bool) {
    let namespace = "{apiVersion: v1, kind: Namespace, metadata: {name: openstack, labels: {cloud: 'yes'}}}";
    let old = OF_SET.replace("networking.k8s.io, kind: L", "networking.x-k8s.io, kind: XL");
    for (api, parents) in [(SET, OF_SET), (OLD_SET, old.as_str())] {
        let (found, notes) = urls("{}", &[&allowing(allowed), namespace, &set(api, LISTENER, ""), &route(parents, "")]);
        assert_eq!(found == "https://a.io:8443", expected, "{notes}");
        assert_eq!(notes.contains("(allowedListeners)"), !expected, "{notes}");
    }
}

/// listenerset-http-routing: routes of a Gateway come through its own listeners only, those of a set
/// through the set's; listenerset-gateway-parent-section-name-not-found.
#[rstest]
#[case::of_the_gateway("[{namespace: infra, name: public}]", "https://gateway.io")]
#[case::of_the_set(OF_SET, "https://a.io:8443 https://b.io")]
#[case::of_both(
    "[{namespace: infra, name: public}, {kind: ListenerSet, name: set}]",
    "https://gateway.io https://a.io:8443 https://b.io"
)]
#[case::section("[{kind: ListenerSet, name: set, sectionName: mine}]", "https://a.io:8443")]
#[case::section_of_the_gateway("[{kind: ListenerSet, name: set, sectionName: own}]", "")]
#[case::section_of_the_set("[{namespace: infra, name: public, sectionName: mine}]", "")]
#[case::no_set("[{kind: ListenerSet, name: other}]", "")]
#[case::other_group("[{group: example.io, kind: ListenerSet, name: set}]", "")]
fn parent_references_choose_the_listeners(#[case] parents: &str, #[case] expected: &str) {
    let listeners = "[{name: mine, port: 8443, protocol: HTTPS, hostname: a.io}, {name: second, port: 443, protocol: HTTPS, hostname: b.io}]";
    let (found, notes) =
        urls("{}", &[&allowing("{namespaces: {from: All}}"), &set(SET, listeners, ""), &route(parents, "")]);
    assert_eq!(found, expected, "{notes}");
}

/// listenerset-allowed-routes-namespaces: `Same` is the set's own namespace; -supported-kinds.
#[rstest]
#[case::same("{namespaces: {from: Same}}", true)]
#[case::by_default("{}", true)]
#[case::none("{namespaces: {from: None}}", false)]
#[case::kinds("{kinds: [{kind: GRPCRoute}]}", false)]
fn a_sets_listener_takes_only_the_routes_it_allows(#[case] allowed: &str, #[case] expected: bool) {
    let listeners = format!("[{{name: mine, port: 8443, protocol: HTTPS, hostname: a.io, allowedRoutes: {allowed}}}]");
    let (found, notes) =
        urls("{}", &[&allowing("{namespaces: {from: All}}"), &set(SET, &listeners, ""), &route(OF_SET, "")]);
    assert_eq!(found == "https://a.io:8443", expected, "{notes}");
}

fn accepted(status: &str, generation: u32) -> String {
    format!(
        ", status: {{conditions: [{{type: Accepted, status: '{status}', reason: NotAllowed, message: no, observedGeneration: {generation}}}]}}"
    )
}

/// listenerset-default-not-allowed, -hostname-conflict: what the Gateway's controller says about the set.
#[rstest]
#[case::accepted(true, accepted("True", 3), "https://a.io:8443", "")]
#[case::refused(
    true,
    accepted("False", 3),
    "",
    "Gateway infra/public does not accept ListenerSet openstack/set: NotAllowed: no"
)]
#[case::pending(true, accepted("Unknown", 0), "", "no controller has accepted ListenerSet openstack/set")]
#[case::silent(true, String::new(), "", "no controller has accepted ListenerSet openstack/set")]
#[case::file(false, String::new(), "https://a.io:8443", "")]
#[case::conflict(false, ", status: {listeners: [{name: mine, conditions: [{type: Conflicted, status: 'True', reason: HostnameConflict, message: m}]}]}".into(), "", "is not in effect: HostnameConflict")]
fn the_gateways_controller_must_have_accepted_the_set(
    #[case] stored: bool,
    #[case] status: String,
    #[case] expected: &str,
    #[case] said: &str,
) {
    let (found, notes) = urls("{}", &judged(stored, &status).each_ref().map(String::as_str));
    assert_eq!(found, expected, "{notes}");
    assert!(notes.contains(said), "{notes}");
}

fn judged(stored: bool, status: &str) -> [String; 3] {
    let time = if stored { "creationTimestamp: '2026-01-01T00:00:00Z', generation: 3, " } else { "" };
    let status = status.replace(", observedGeneration: 0", "");
    let set = set(SET, LISTENER, &status).replace("name: set}, ", &format!("{time}name: set}}, "));
    [allowing("{namespaces: {from: All}}"), set, route(OF_SET, "")]
}

#[test]
fn a_judgement_of_an_earlier_generation_says_neither_yes_nor_no() {
    let problem = exposures("{}", &judged(true, &accepted("True", 2)).each_ref().map(String::as_str)).unwrap_err();
    assert_eq!(problem.reason, Reason::ObservationIncomplete);
    assert!(
        problem.message().contains("has processed ListenerSet openstack/set only up to generation 2, not 3"),
        "{}",
        problem.message()
    );
}

/// The set that a route names is watched, and then its Gateway; a port that the controller chose counts.
#[test]
fn a_set_and_then_its_gateway_are_watched() {
    let status = ", status: {listeners: [{name: mine, port: 9443, conditions: []}]}";
    let set = set(OLD_SET, "[{name: mine, protocol: HTTPS, hostname: a.io}]", status);
    let parents = OF_SET.replace("networking.k8s.io, kind: L", "networking.x-k8s.io, kind: XL");
    let route = route(&parents, "");
    assert_eq!(urls("{}", &[&allowing("{namespaces: {from: All}}"), &set, &route]).0, "https://a.io:9443");
    let world =
        |objects: &[&str]| World::of(&read(&[&[horizon("{}").as_str()], objects].concat().join("\n---\n")).snapshot);
    let named = world(&[&route]).needs.named.clone();
    assert_eq!(named[&Kind::XListenerSet], [Key::new("openstack", "set")].into());
    assert!(!named.contains_key(&Kind::Gateway));
    assert_eq!(world(&[&route, &set]).needs.named[&Kind::Gateway], [Key::new("infra", "public")].into());
}
