//! Policies of gateways in front of Glance, as the operator reads them; `check` reads them with the same
//! code (crates/check/tests/check/rules/ways.rs).

use rstest::rstest;
use test_support::manifests::{advice_lines, ingress};

use crate::derive::exposure::http_route::gateway;
use crate::derive::exposure_issue::{issues, view};

/// A Gateway `infra/public` and Glance's HTTPRoute at it; `rest` is of its rule.
fn behind_a_gateway(rest: &str) -> [String; 2] {
    let listener = "[{name: https, port: 443, protocol: HTTPS, hostname: glance.example.com, allowedRoutes: {namespaces: {from: All}}}]";
    let route = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{parentRefs: [{{namespace: infra, name: public}}], rules: [{{backendRefs: [{{name: glance, port: 80}}]{rest}}}]}}}}"
    );
    [gateway(listener), route]
}

fn policy(kind: &str, namespace: &str, target: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: {kind}, metadata: {{namespace: {namespace}, name: p}}, \
         spec: {{targetRefs: [{{group: gateway.networking.k8s.io, {target}}}], {spec}}}}}"
    )
}

const GATEWAY: &str = "kind: Gateway, name: public";
const ROUTE: &str = "kind: HTTPRoute, name: glance";

#[rstest]
#[case::whole_request("ClientTrafficPolicy", "infra", GATEWAY, "timeout: {http: {requestReceivedTimeout: 60s}}", &["DU015 fails spec.timeout.http.requestReceivedTimeout"])]
#[case::no_limit("ClientTrafficPolicy", "infra", GATEWAY, "timeout: {http: {requestReceivedTimeout: 0s}}", &[])]
#[case::silence("ClientTrafficPolicy", "infra", GATEWAY, "timeout: {http: {streamIdleTimeout: 10s}}", &["DU015 may fail spec.timeout.http.streamIdleTimeout"])]
#[case::other_gateway("ClientTrafficPolicy", "infra", "kind: Gateway, name: other", "timeout: {http: {requestReceivedTimeout: 60s}}", &[])]
#[case::other_namespace("ClientTrafficPolicy", "elsewhere", GATEWAY, "timeout: {http: {requestReceivedTimeout: 60s}}", &[])]
#[case::answer("BackendTrafficPolicy", "openstack", ROUTE, "timeout: {http: {requestTimeout: 30s}}", &["DU015 may fail spec.timeout.http.requestTimeout"])]
#[case::body("BackendTrafficPolicy", "openstack", ROUTE, "requestBuffer: {limit: 1Gi}", &["DU014 fails spec.requestBuffer.limit"])]
#[case::other_route("BackendTrafficPolicy", "openstack", "kind: HTTPRoute, name: other", "requestBuffer: {limit: 1Gi}", &[])]
#[case::cors("SecurityPolicy", "openstack", ROUTE, "cors: {allowOrigins: ['https://other.example.com'], allowMethods: [PUT], allowHeaders: ['*']}", &["DU012 fails spec.cors"])]
#[case::cors_in_full("SecurityPolicy", "openstack", ROUTE, "cors: {allowOrigins: ['https://horizon.example.com'], allowMethods: [PUT], allowHeaders: ['*']}", &[])]
#[case::login("SecurityPolicy", "openstack", ROUTE, "basicAuth: {users: {name: x}}", &["DU020 fails spec.basicAuth"])]
fn envoy_gateways_policies(
    #[case] kind: &str,
    #[case] namespace: &str,
    #[case] target: &str,
    #[case] spec: &str,
    #[case] expected: &[&str],
) {
    let [gateway, route] = behind_a_gateway(", timeouts: {request: 0s}");
    assert_eq!(issues(&[&gateway, &route, &policy(kind, namespace, target, spec)]), expected);
}

/// Of one kind the nearest policy applies. If a policy sets the request's time, the route need not.
#[test]
fn the_nearest_policy_holds_and_stands_for_the_route() {
    let [gateway, route] = behind_a_gateway("");
    let wide = policy("BackendTrafficPolicy", "infra", GATEWAY, "timeout: {http: {requestTimeout: 30s}}");
    let near = policy("BackendTrafficPolicy", "openstack", ROUTE, "timeout: {http: {requestTimeout: 0s}}");
    assert_eq!(issues(&[&gateway, &route]), ["DU015 may fail [0].timeouts.request"]);
    assert_eq!(issues(&[&gateway, &route, &wide]), ["DU015 may fail spec.timeout.http.requestTimeout"]);
    assert_eq!(issues(&[&gateway, &route, &wide, &near]), [""; 0]);
}

/// What would lift a limit is printed as a manifest: the policy without the limit, with all the rest that it
/// says; and in place of one for all of a Gateway, one for the route.
#[rstest]
#[case::gone(
    "ClientTrafficPolicy",
    GATEWAY,
    "timeout: {http: {requestReceivedTimeout: 60s}}, http3: {}",
    "infra/p",
    r#"{"http3":{},"targetRefs":[{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"public"}]}"#
)]
#[case::its_neighbours_stay(
    "ClientTrafficPolicy", GATEWAY, "connection: {connectionLimit: {value: 5, maxStreamDuration: 1m}}", "infra/p",
    r#"{"connection":{"connectionLimit":{"value":5}},"targetRefs":[{"group":"gateway.networking.k8s.io","kind":"Gateway","name":"public"}]}"#
)]
#[case::for_the_route(
    "BackendTrafficPolicy", GATEWAY, "retry: {numRetries: 3}, timeout: {http: {requestTimeout: 30s}}", "openstack/glance-uploads",
    r#"{"retry":{"numRetries":3},"targetRefs":[{"group":"gateway.networking.k8s.io","kind":"HTTPRoute","name":"glance"}],"timeout":{"http":{"requestTimeout":"0s"}}}"#
)]
#[case::silence(
    "BackendTrafficPolicy", ROUTE, "timeout: {http: {streamIdleTimeout: 5s}}", "openstack/p",
    r#"{"targetRefs":[{"group":"gateway.networking.k8s.io","kind":"HTTPRoute","name":"glance"}],"timeout":{"http":{"streamIdleTimeout":"1h"}}}"#
)]
#[case::with_its_object(
    "BackendTrafficPolicy",
    ROUTE,
    "requestBuffer: {limit: 1Gi}",
    "openstack/p",
    r#"{"targetRefs":[{"group":"gateway.networking.k8s.io","kind":"HTTPRoute","name":"glance"}]}"#
)]
fn a_manifest_lifts_the_limit(
    #[case] kind: &str,
    #[case] target: &str,
    #[case] spec: &str,
    #[case] name: &str,
    #[case] expected: &str,
) {
    let [gateway, route] = behind_a_gateway(", timeouts: {request: 0s}");
    let namespace = if target == GATEWAY { "infra" } else { "openstack" };
    let told =
        advice_lines(&view(&[&gateway, &route, &policy(kind, namespace, target, spec)]).public.advice).join("\n");
    let (namespace, name) = name.split_once('/').unwrap();
    let expected = format!(
        r#"as a manifest: {{"apiVersion":"gateway.envoyproxy.io/v1alpha1","kind":"{kind}","metadata":{{"name":"{name}","namespace":"{namespace}"}},"spec":{expected}}}"#
    );
    assert!(told.contains(&expected), "{told}\n{expected}");
}

/// With the printed manifest applied, no limit is left.
#[test]
fn a_lifted_limit_is_none() {
    let [gateway, route] = behind_a_gateway(", timeouts: {request: 0s}");
    let limits = [
        ("ClientTrafficPolicy", "timeout: {http: {requestReceivedTimeout: 60s}}"),
        ("ClientTrafficPolicy", "timeout: {http: {streamIdleTimeout: 10s}}"),
        ("BackendTrafficPolicy", "timeout: {http: {requestTimeout: 30s}}"),
        ("BackendTrafficPolicy", "timeout: {http: {maxConnectionDuration: 30s}}"),
        ("BackendTrafficPolicy", "requestBuffer: {limit: 1Gi}"),
    ];
    for (kind, spec) in limits {
        let limit = policy(kind, "infra", GATEWAY, spec);
        let manifest = view(&[&gateway, &route, &limit]).issues[0].manifest.clone().unwrap();
        // A nearer policy with another name exists in addition; the same name is the same object.
        let limit = if manifest.contains("glance-uploads") { limit } else { String::from("{}") };
        let objects: Vec<&str> = [&*gateway, &route, &manifest, &limit].into_iter().filter(|o| *o != "{}").collect();
        assert_eq!(issues(&objects), [""; 0], "{manifest}");
    }
}

#[rstest]
#[case::put_alone("matches: [{method: PUT}]", &["DU020 fails spec.rules.0.matches"])]
#[case::with_options("matches: [{method: PUT}, {method: OPTIONS}]", &[])]
fn a_route_that_matches_methods(#[case] matches: &str, #[case] expected: &[&str]) {
    let [gateway, route] = behind_a_gateway(&format!(", timeouts: {{request: 0s}}, {matches}"));
    let expected: Vec<_> = expected.iter().map(|line| line.replace("spec.rules", "")).collect();
    assert_eq!(issues(&[&gateway, &route]), expected);
}

fn virtual_service(rule: &str) -> [String; 2] {
    let gateway = "{apiVersion: networking.istio.io/v1, kind: Gateway, metadata: {namespace: infra, name: public}, \
                   spec: {servers: [{port: {number: 443, protocol: HTTPS}, tls: {mode: SIMPLE}, hosts: ['*']}]}}";
    let service = format!(
        "{{apiVersion: networking.istio.io/v1, kind: VirtualService, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{hosts: [glance.example.com], gateways: [infra/public], http: [{{route: [{{destination: {{host: glance}}}}], {rule}}}]}}}}"
    );
    [gateway.to_owned(), service]
}

#[rstest]
#[case::none("name: x", &[])]
#[case::timeout("timeout: 15s", &["DU015 may fail spec.http.0.timeout"])]
#[case::no_limit("timeout: 0s", &[])]
#[case::cors("corsPolicy: {allowOrigins: [{exact: 'https://other.example.com'}], allowMethods: [PUT], allowHeaders: ['*']}", &["DU012 fails spec.http.0.corsPolicy"])]
#[case::methods("match: [{method: {exact: PUT}}]", &["DU020 fails spec.http.0.match"])]
fn istios_virtual_services(#[case] rule: &str, #[case] expected: &[&str]) {
    let [gateway, service] = virtual_service(rule);
    assert_eq!(issues(&[&gateway, &service]), expected);
}

#[rstest]
#[case::none("", &[])]
#[case::response(", timeoutPolicy: {response: 15s}", &["DU015 may fail spec.routes.0.timeoutPolicy.response"])]
#[case::default(", timeoutPolicy: {response: 0s}", &["DU015 may fail spec.routes.0.timeoutPolicy.response"])]
#[case::infinity(", timeoutPolicy: {response: infinity, idle: 1h}", &[])]
#[case::methods(", conditions: [{header: {name: ':method', exact: PUT}}]", &["DU020 fails spec.routes.0.conditions"])]
fn contours_proxies(#[case] rest: &str, #[case] expected: &[&str]) {
    let proxy = format!(
        "{{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{virtualhost: {{fqdn: glance.example.com, tls: {{secretName: x}}}}, routes: [{{services: [{{name: glance, port: 80}}]{rest}}}]}}}}"
    );
    assert_eq!(issues(&[&proxy]), expected);
}

#[rstest]
#[case::named("middlewares: [{name: m}]", "buffering: {maxRequestBodyBytes: 1048576}", &["DU014 fails spec.buffering.maxRequestBodyBytes"])]
#[case::not_named("middlewares: [{name: other}]", "buffering: {maxRequestBodyBytes: 1048576}", &[])]
#[case::login("middlewares: [{name: m}]", "forwardAuth: {address: 'http://x'}", &["DU020 fails spec.forwardAuth"])]
#[case::cors("middlewares: [{name: m}]", "headers: {accessControlAllowOriginList: ['https://other.example.com'], accessControlAllowMethods: [PUT], accessControlAllowHeaders: ['*']}", &["DU012 fails spec.headers"])]
#[case::methods("match: 'Host(`glance.example.com`) && Method(`PUT`)'", "headers: {}", &["DU020 fails spec.routes.0.match"])]
fn traefiks_middlewares(#[case] rest: &str, #[case] middleware: &str, #[case] expected: &[&str]) {
    let rule = if rest.starts_with("match") { String::new() } else { "match: Host(`glance.example.com`), ".to_owned() };
    let route = format!(
        "{{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{tls: {{}}, routes: [{{{rule}{rest}, services: [{{name: glance, port: 80}}]}}]}}}}"
    );
    let mut found = issues(&[&route, &traefik_middleware("openstack", middleware)]);
    // Traefik's own arguments are nothing that the operator sees.
    let entry_points = found.iter().position(|line| line == "DU015 may fail spec").expect("entry points");
    found.remove(entry_points);
    assert_eq!(found, expected);
}

fn traefik_middleware(namespace: &str, spec: &str) -> String {
    format!(
        "{{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {{namespace: {namespace}, name: m}}, spec: {{{spec}}}}}"
    )
}

/// An Ingress names middlewares in an annotation: the issues in them replace the warning.
#[rstest]
#[case::unseen(None, &["DU012 may fail [traefik.ingress.kubernetes.io/router.middlewares]"])]
#[case::harmless(Some(("openstack", "compress: {}")), &[])]
#[case::login(Some(("openstack", "basicAuth: {secret: x}")), &["DU020 fails spec.basicAuth"])]
#[case::of_another_name(Some(("elsewhere", "compress: {}")), &["DU012 may fail [traefik.ingress.kubernetes.io/router.middlewares]"])]
fn middlewares_of_an_ingress(#[case] middleware: Option<(&str, &str)>, #[case] expected: &[&str]) {
    let named = "{'traefik.ingress.kubernetes.io/router.middlewares': openstack-m@kubernetescrd}";
    let ingress = ingress("openstack", "glance", "glance.example.com")
        .replace("name: glance}, spec: {", &format!("name: glance, annotations: {named}}}, spec: {{"));
    let middleware = middleware.map(|(namespace, spec)| traefik_middleware(namespace, spec));
    let objects: Vec<&str> = [Some(&*ingress), middleware.as_deref()].into_iter().flatten().collect();
    let found = issues(&objects);
    let found: Vec<&String> = found.iter().filter(|line| !line.contains("router.entrypoints")).collect();
    assert_eq!(found, expected);
}
