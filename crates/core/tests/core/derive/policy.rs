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
#[case::body("BackendTrafficPolicy", "openstack", ROUTE, "requestBuffer: {limit: 1Gi}", &["DU014 fails spec.requestBuffer.limit"])]
#[case::other_route("BackendTrafficPolicy", "openstack", "kind: HTTPRoute, name: other", "requestBuffer: {limit: 1Gi}", &[])]
#[case::cors("SecurityPolicy", "openstack", ROUTE, "cors: {allowOrigins: ['https://other.example.com'], allowMethods: [PUT], allowHeaders: ['*']}", &["DU012 fails spec.cors"])]
#[case::cors_in_full("SecurityPolicy", "openstack", ROUTE, "cors: {allowOrigins: ['https://horizon.example.com'], allowMethods: [PUT], allowHeaders: ['*']}", &[])]
#[case::login("SecurityPolicy", "openstack", ROUTE, "basicAuth: {users: {name: x}}", &["DU020 fails spec.basicAuth"])]
#[case::api_key("SecurityPolicy", "openstack", ROUTE, "apiKeyAuth: {credentialRefs: [{name: x}]}", &["DU020 fails spec.apiKeyAuth"])]
#[case::jwt("SecurityPolicy", "openstack", ROUTE, "jwt: {providers: [{name: x}]}", &["DU020 fails spec.jwt"])]
#[case::optional_jwt("SecurityPolicy", "openstack", ROUTE, "jwt: {optional: true, providers: [{name: x}]}", &[])]
#[case::some_clients("SecurityPolicy", "openstack", ROUTE, "authorization: {defaultAction: Deny, rules: [{action: Allow, principal: {clientCIDRs: [10.0.0.0/8]}}]}", &["DU020 may fail spec.authorization"])]
#[case::all_clients("SecurityPolicy", "openstack", ROUTE, "authorization: {rules: [{action: Allow, principal: {clientCIDRs: [0.0.0.0/0]}}]}", &[])]
#[case::methods("SecurityPolicy", "openstack", ROUTE, "authorization: {rules: [{action: Allow, operation: {methods: [GET, PUT]}}]}", &["DU020 fails spec.authorization"])]
#[case::methods_denied("SecurityPolicy", "openstack", ROUTE, "authorization: {defaultAction: Allow, rules: [{action: Deny, operation: {methods: [PUT]}}]}", &["DU020 fails spec.authorization"])]
#[case::other_methods_denied("SecurityPolicy", "openstack", ROUTE, "authorization: {defaultAction: Allow, rules: [{action: Deny, operation: {methods: [DELETE]}}]}", &[])]
#[case::certificate("ClientTrafficPolicy", "infra", GATEWAY, "tls: {clientValidation: {caCertificateRefs: [{name: ca}]}}", &["DU020 fails spec.tls.clientValidation"])]
#[case::optional_certificate("ClientTrafficPolicy", "infra", GATEWAY, "tls: {clientValidation: {optional: true, caCertificateRefs: [{name: ca}]}}", &[])]
#[case::route_states_the_time("BackendTrafficPolicy", "openstack", ROUTE, "timeout: {http: {requestTimeout: 30s}}", &[])]
#[case::buffer("BackendTrafficPolicy", "openstack", ROUTE, "requestBuffer: {limit: 500Gi}", &["DU015 may fail spec.requestBuffer"])]
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
    let [gateway, route] = behind_a_gateway("");
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
    let [gateway, route] = behind_a_gateway("");
    let limits = [
        ("ClientTrafficPolicy", "timeout: {http: {requestReceivedTimeout: 60s}}"),
        ("ClientTrafficPolicy", "timeout: {http: {streamIdleTimeout: 10s}}"),
        ("BackendTrafficPolicy", "timeout: {http: {requestTimeout: 30s}}"),
        ("BackendTrafficPolicy", "timeout: {http: {maxConnectionDuration: 30s}}"),
        ("BackendTrafficPolicy", "requestBuffer: {limit: 1Gi}"),
        (
            "BackendTrafficPolicy",
            "requestBuffer: {limit: 1Gi}, timeout: {http: {requestTimeout: 30s, maxStreamDuration: 1m}}",
        ),
        ("ClientTrafficPolicy", "timeout: {http: {requestReceivedTimeout: 60s, streamIdleTimeout: 10s}}, http3: {}"),
    ];
    let untimed = "DU015 may fail [0].timeouts.request";
    for (kind, spec) in limits {
        let limit = policy(kind, "infra", GATEWAY, spec);
        let issues_before = view(&[&gateway, &route, &limit]).issues;
        let manifests: Vec<String> = issues_before.iter().filter_map(|issue| issue.manifest.clone()).collect();
        let [manifest] = &*manifests else { panic!("one manifest, not {manifests:#?}") };
        assert_eq!(manifest.contains("http3"), spec.contains("http3"), "{manifest}");
        // A nearer policy with another name exists in addition; the same name is the same object.
        let limit = if manifest.contains("glance-uploads") { limit } else { String::from("{}") };
        let objects: Vec<&str> = [&*gateway, &route, manifest, &limit].into_iter().filter(|o| *o != "{}").collect();
        let left: Vec<String> = issues(&objects).into_iter().filter(|line| line != untimed).collect();
        assert_eq!(left, [""; 0], "{manifest}");
    }
}

/// The most specific policy replaces the others, unless it is merged into the next (Envoy Gateway's API reference,
/// `mergeType`; ListenerSet before Gateway).
#[rstest]
#[case::wide_alone(&[("gw", WIDE)], &["DU015 may fail spec.timeout.http.requestTimeout"])]
#[case::replaced(&[("gw", WIDE), ("route", "loadBalancer: {type: Random}")], &["DU015 may fail [0].timeouts.request"])]
#[case::merged(&[("gw", WIDE), ("route", "mergeType: StrategicMerge, loadBalancer: {type: Random}")], &["DU015 may fail spec.timeout.http.requestTimeout"])]
#[case::merged_and_lifted(&[("gw", WIDE), ("route", "mergeType: JSONMerge, timeout: {http: {requestTimeout: 0s}}")], &[])]
#[case::merged_into_the_nearest(&[("gw", WIDE), ("set", "timeout: {http: {requestTimeout: 0s}}"), ("route", "mergeType: StrategicMerge, retry: {}")], &[])]
#[case::set_before_gateway(&[("gw", "timeout: {http: {requestTimeout: 0s}}"), ("set", WIDE)], &["DU015 may fail spec.timeout.http.requestTimeout"])]
#[case::listener_of_the_set(&[("set", "timeout: {http: {requestTimeout: 0s}}"), ("listener", WIDE)], &["DU015 may fail spec.timeout.http.requestTimeout"])]
#[case::other_listener(&[("set", "timeout: {http: {requestTimeout: 0s}}"), ("other listener", WIDE)], &[])]
#[case::by_label(&[("label", WIDE)], &["DU015 may fail spec.timeout.http.requestTimeout"])]
#[case::by_another_label(&[("other label", WIDE)], &["DU015 may fail [0].timeouts.request"])]
fn the_most_specific_policy_holds(#[case] policies: &[(&str, &str)], #[case] expected: &[&str]) {
    let of = |(at, spec): &(&str, &str)| {
        let (namespace, target) = match *at {
            "gw" => ("infra", "targetRefs: [{kind: Gateway, name: public}]"),
            "set" => ("infra", "targetRefs: [{kind: ListenerSet, name: more}]"),
            "listener" => ("infra", "targetRefs: [{kind: ListenerSet, name: more, sectionName: https}]"),
            "other listener" => ("infra", "targetRefs: [{kind: ListenerSet, name: more, sectionName: alt}]"),
            "label" => ("infra", "targetSelectors: [{kind: Gateway, matchLabels: {edge: public}}]"),
            "other label" => ("infra", "targetSelectors: [{kind: Gateway, matchLabels: {edge: internal}}]"),
            _ => ("openstack", "targetRefs: [{kind: HTTPRoute, name: glance}]"),
        };
        let name = at.replace(' ', "-");
        format!(
            "{{apiVersion: gateway.envoyproxy.io/v1alpha1, kind: BackendTrafficPolicy, \
             metadata: {{namespace: {namespace}, name: {name}}}, spec: {{{target}, {spec}}}}}"
        )
    };
    let own: Vec<String> = policies.iter().map(of).collect();
    let behind = behind_a_listener_set();
    let objects: Vec<&str> = behind.iter().chain(&own).map(String::as_str).collect();
    assert_eq!(issues(&objects), expected);
}

const WIDE: &str = "timeout: {http: {requestTimeout: 30s}}";

/// A Gateway with a label, its ListenerSet, and Glance's HTTPRoute at the listener `https` of that.
fn behind_a_listener_set() -> [String; 3] {
    let all = "{namespaces: {from: All}}";
    let gateway = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {{namespace: infra, name: public, labels: {{edge: public}}}}, \
         spec: {{gatewayClassName: x, allowedListeners: {all}, listeners: [{{name: http, port: 80, protocol: HTTP, hostname: x.example.com}}]}}}}"
    );
    let set = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: ListenerSet, metadata: {{namespace: infra, name: more}}, \
         spec: {{parentRef: {{name: public}}, listeners: [{{name: https, port: 443, protocol: HTTPS, hostname: glance.example.com, allowedRoutes: {all}}}, \
         {{name: alt, port: 8443, protocol: HTTPS, hostname: alt.example.com, allowedRoutes: {all}}}]}}}}"
    );
    let route = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {namespace: openstack, name: glance}, \
                 spec: {parentRefs: [{kind: ListenerSet, namespace: infra, name: more, sectionName: https}], rules: [{backendRefs: [{name: glance, port: 80}]}]}}";
    [gateway, set, route.to_owned()]
}

/// A limit of the policy into which the route's is merged is lifted in the route's.
#[test]
fn a_merged_limit_is_lifted_where_the_route_is() {
    let near = policy("BackendTrafficPolicy", "openstack", ROUTE, "mergeType: StrategicMerge, retry: {numRetries: 3}");
    let wide = policy("BackendTrafficPolicy", "infra", GATEWAY, "timeout: {http: {requestTimeout: 30s}}");
    let [gateway, route] = behind_a_gateway("");
    let found = view(&[&gateway, &route, &wide, &near]).issues;
    assert_eq!(found[0].object.to_string(), "BackendTrafficPolicy infra/p");
    let manifest = found[0].manifest.clone().unwrap();
    assert!(manifest.contains(r#""namespace":"openstack""#) && manifest.contains("StrategicMerge"), "{manifest}");
    assert_eq!(issues(&[&gateway, &route, &wide, &manifest]), [""; 0], "{manifest}");
}

/// What a gateway limits where nothing is set (NGINX Gateway Fabric's ClientSettingsPolicy: nginx's own defaults;
/// Traefik's and Google's timeouts), by the controller that accepted the route, or by the class.
#[rstest]
#[case::nginx("", "gateway.nginx.org/nginx-gateway-controller", "", &["DU014 fails spec", "DU015 may fail spec"])]
#[case::nginx_by_class("nginx", "", "", &["DU014 may fail spec", "DU015 may fail spec"])]
#[case::nginx_lifted("nginx", "", "{targetRef: {kind: Gateway, name: public}, body: {maxSize: '0'}}", &["DU015 may fail spec"])]
#[case::nginx_small("nginx", "", "{targetRef: {kind: Gateway, name: public}, body: {maxSize: 10m}}", &["DU014 fails spec.body.maxSize", "DU015 may fail spec"])]
#[case::traefik("traefik", "", "", &["DU015 may fail spec"])]
#[case::traefik_by_controller("x", "traefik.io/gateway-controller", "", &["DU015 may fail spec"])]
#[case::google("gke-l7-global-external-managed", "", "", &["DU015 may fail spec"])]
#[case::other("x", "", "", &[])]
fn what_gateways_limit_by_themselves(
    #[case] class: &str,
    #[case] controller: &str,
    #[case] settings: &str,
    #[case] expected: &[&str],
) {
    let [gateway, route] = behind_a_gateway(", timeouts: {request: 0s}");
    let gateway = gateway.replace("gatewayClassName: x", &format!("gatewayClassName: '{class}'"));
    let status = format!(
        ", status: {{parents: [{{controllerName: {controller}, parentRef: {{namespace: infra, name: public}}, \
         conditions: [{{type: Accepted, status: 'True', reason: x, message: ''}}]}}]}}}}"
    );
    let route = match controller {
        "" => route,
        _ => format!("{}{status}", route.strip_suffix('}').unwrap()),
    };
    let settings = format!(
        "{{apiVersion: gateway.nginx.org/v1alpha1, kind: ClientSettingsPolicy, metadata: {{namespace: infra, name: p}}, spec: {}}}",
        if settings.is_empty() { "{}" } else { settings }
    );
    assert_eq!(issues(&[&gateway, &route, &settings]), expected);
}

/// The manifest for nginx's own limit lifts it.
#[test]
fn the_default_limit_of_nginx_is_lifted() {
    let [gateway, route] = behind_a_gateway(", timeouts: {request: 0s}");
    let gateway = gateway.replace("gatewayClassName: x", "gatewayClassName: nginx");
    let manifest = view(&[&gateway, &route]).issues[0].manifest.clone().unwrap();
    assert_eq!(issues(&[&gateway, &route, &manifest]), ["DU015 may fail spec"], "{manifest}");
}

#[rstest]
#[case::put_alone("matches: [{method: PUT}]", &["DU020 fails spec.rules.0.matches"])]
#[case::with_options("matches: [{method: PUT}, {method: OPTIONS}]", &[])]
fn a_route_that_matches_methods(#[case] matches: &str, #[case] expected: &[&str]) {
    let [gateway, route] = behind_a_gateway(&format!(", timeouts: {{request: 0s}}, {matches}"));
    let expected: Vec<_> = expected.iter().map(|line| line.replace("spec.rules", "")).collect();
    assert_eq!(issues(&[&gateway, &route]), expected);
}

/// A rule counts only if uploads meet it: those of the nearest path.
#[rstest]
#[case::meets("/v2/images", "/identity", &["DU015 may fail [0].timeouts.request"])]
#[case::passes_by("/identity", "/v2/images", &[])]
fn a_rule_that_no_upload_meets_is_silent(#[case] untimed: &str, #[case] timed: &str, #[case] expected: &[&str]) {
    let rule = |path: &str, rest: &str| {
        format!(
            "{{matches: [{{path: {{type: PathPrefix, value: {path}}}}}], backendRefs: [{{name: glance, port: 80}}]{rest}}}"
        )
    };
    let [gateway, route] = behind_a_gateway("");
    let timed = [timed, "/"].map(|path| rule(path, ", timeouts: {request: 0s}"));
    let rules = format!("rules: [{}, {}, {}]", rule(untimed, ""), timed[0], timed[1]);
    let route = route.replace("rules: [{backendRefs: [{name: glance, port: 80}]}]", &rules);
    assert!(route.contains(untimed));
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
#[case::none("", &["DU015 may fail spec.routes.0.timeoutPolicy.response"])]
#[case::idle_alone(", timeoutPolicy: {idle: 1h}", &["DU015 may fail spec.routes.0.timeoutPolicy.response"])]
#[case::response(", timeoutPolicy: {response: 15s}", &["DU015 may fail spec.routes.0.timeoutPolicy.response"])]
#[case::default(", timeoutPolicy: {response: 0s}", &["DU015 may fail spec.routes.0.timeoutPolicy.response"])]
#[case::infinity(", timeoutPolicy: {response: infinity, idle: 1h}", &[])]
#[case::methods(", timeoutPolicy: {response: infinity}, conditions: [{header: {name: ':method', exact: PUT}}]", &["DU020 fails spec.routes.0.conditions"])]
fn contours_proxies(#[case] rest: &str, #[case] expected: &[&str]) {
    let proxy = format!(
        "{{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{virtualhost: {{fqdn: glance.example.com, tls: {{secretName: x}}}}, routes: [{{services: [{{name: glance, port: 80}}]{rest}}}]}}}}"
    );
    assert_eq!(issues(&[&proxy]), expected);
}

/// What a virtual host requires, unless Glance's routes are excepted (Contour's HTTPProxy: AuthorizationServer,
/// JWTProvider).
#[rstest]
#[case::server("authorization: {extensionRef: {name: x}}", "", &["DU020 may fail spec.virtualhost.authorization"])]
#[case::server_reads_bodies("authorization: {extensionRef: {name: x}, withRequestBody: {maxRequestBytes: 8192}}", "", &["DU014 fails spec.virtualhost.authorization.withRequestBody", "DU020 may fail spec.virtualhost.authorization"])]
#[case::excepted("authorization: {extensionRef: {name: x}}", "authPolicy: {disabled: true}, ", &[])]
#[case::jwt("jwtProviders: [{name: x, default: true}]", "", &["DU020 fails spec.virtualhost.jwtProviders"])]
#[case::no_default("jwtProviders: [{name: x}]", "", &[])]
#[case::no_jwt("jwtProviders: [{name: x, default: true}]", "jwtVerificationPolicy: {disabled: true}, ", &[])]
fn contours_virtual_hosts(#[case] host: &str, #[case] route: &str, #[case] expected: &[&str]) {
    let proxy = format!(
        "{{apiVersion: projectcontour.io/v1, kind: HTTPProxy, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{virtualhost: {{fqdn: glance.example.com, tls: {{secretName: x}}, {host}}}, \
         routes: [{{{route}timeoutPolicy: {{response: infinity}}, services: [{{name: glance, port: 80}}]}}]}}}}"
    );
    assert_eq!(issues(&[&proxy]), expected);
}

#[rstest]
#[case::named("middlewares: [{name: m}]", "buffering: {maxRequestBodyBytes: 1048576}", &["DU014 fails spec.buffering"])]
#[case::not_named("middlewares: []", "buffering: {maxRequestBodyBytes: 1048576}", &[])]
#[case::missing("middlewares: [{name: other}]", "buffering: {maxRequestBodyBytes: 1048576}", &["DU020 fails spec.routes.0.middlewares.0"])]
#[case::of_another_namespace("middlewares: [{name: other, namespace: web}]", "compress: {}", &["DU020 may fail spec.routes.0.middlewares.0"])]
#[case::of_a_file("middlewares: [{name: other@file}]", "compress: {}", &["DU020 may fail spec.routes.0.middlewares.0"])]
#[case::chained("middlewares: [{name: first}]", "buffering: {maxRequestBodyBytes: 1048576}", &["DU014 fails spec.buffering"])]
#[case::chained_twice("middlewares: [{name: second}]", "basicAuth: {secret: x}", &["DU020 fails spec.basicAuth"])]
#[case::chained_to_nothing("middlewares: [{name: lost}]", "compress: {}", &["DU020 fails spec.chain.middlewares.0"])]
#[case::stored_first("middlewares: [{name: m}]", "buffering: {memRequestBodyBytes: 1048576}", &["DU015 may fail spec.buffering"])]
#[case::one_at_a_time("middlewares: [{name: m}]", "inFlightReq: {amount: 1}", &["DU020 may fail spec.inFlightReq"])]
#[case::any_number("middlewares: [{name: m}]", "inFlightReq: {amount: 0}", &[])]
#[case::any_rate("middlewares: [{name: m}]", "rateLimit: {average: 0}", &[])]
#[case::rate("middlewares: [{name: m}]", "rateLimit: {average: 1}", &["DU020 may fail spec.rateLimit"])]
#[case::rate_with_burst("middlewares: [{name: m}]", "rateLimit: {average: 100, burst: 200}", &[])]
#[case::plugin("middlewares: [{name: m}]", "plugin: {x: {y: z}}", &["DU020 may fail spec.plugin"])]
#[case::other_headers("middlewares: [{name: m}]", "headers: {customRequestHeaders: {X-A: b}}", &[])]
#[case::answers_without_origin("middlewares: [{name: m}]", "headers: {accessControlAllowMethods: [PUT]}", &["DU012 fails spec.headers"])]
#[case::login("middlewares: [{name: m}]", "forwardAuth: {address: 'http://x'}", &["DU020 fails spec.forwardAuth"])]
#[case::cors("middlewares: [{name: m}]", "headers: {accessControlAllowOriginList: ['https://other.example.com'], accessControlAllowMethods: [PUT], accessControlAllowHeaders: ['*']}", &["DU012 fails spec.headers"])]
#[case::methods("match: 'Host(`glance.example.com`) && Method(`PUT`)'", "headers: {}", &["DU020 fails spec.routes.0.match"])]
fn traefiks_middlewares(#[case] rest: &str, #[case] middleware: &str, #[case] expected: &[&str]) {
    let rule = if rest.starts_with("match") { String::new() } else { "match: Host(`glance.example.com`), ".to_owned() };
    let route = format!(
        "{{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{tls: {{}}, routes: [{{{rule}{rest}, services: [{{name: glance, port: 80}}]}}]}}}}"
    );
    let chain = |name: &str, next: &str| {
        format!(
            "{{apiVersion: traefik.io/v1alpha1, kind: Middleware, metadata: {{namespace: openstack, name: {name}}}, \
             spec: {{chain: {{middlewares: [{{name: {next}}}]}}}}}}"
        )
    };
    let chains = [chain("first", "m"), chain("second", "first"), chain("lost", "nowhere")];
    let middleware = traefik_middleware("openstack", middleware);
    let mut found = issues(&[&route, &middleware, &chains[0], &chains[1], &chains[2]]);
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

/// Each limit has a border: what is below it is an issue, and what reaches it is none.
#[rstest]
#[case::burst("rateLimit: {average: 1, burst: N}", 2)]
#[case::at_a_time("inFlightReq: {amount: N}", 20)]
fn a_middleware_s_number_has_a_border(#[case] spec: &str, #[case] enough: u64) {
    for number in 1..2 * enough {
        let route = "{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {namespace: openstack, name: glance}, \
             spec: {tls: {}, routes: [{match: Host(`glance.example.com`), middlewares: [{name: m}], services: [{name: glance, port: 80}]}]}}";
        let middleware = traefik_middleware("openstack", &spec.replace('N', &number.to_string()));
        let found = issues(&[route, &middleware]);
        assert_eq!(found.iter().any(|line| line.starts_with("DU020 may fail")), number < enough, "{number}: {found:?}");
    }
}

/// The same for times: seconds below which uploads fail, and below which some may.
#[rstest]
#[case::whole("ClientTrafficPolicy", "timeout: {http: {requestReceivedTimeout: Ns}}", 1800, 7200)]
#[case::whole_at_the_backend("BackendTrafficPolicy", "timeout: {http: {requestTimeout: Ns}}", 0, 600)]
#[case::silence("ClientTrafficPolicy", "timeout: {http: {streamIdleTimeout: Ns}}", 0, 300)]
fn a_time_has_its_borders(#[case] kind: &str, #[case] spec: &str, #[case] some: u64, #[case] enough: u64) {
    let [gateway, route] = behind_a_gateway(", timeouts: {request: 0s}");
    let route = if spec.contains("requestTimeout") { behind_a_gateway("")[1].clone() } else { route };
    let borders = [some, enough].into_iter().flat_map(|border| [border.saturating_sub(1), border, border + 1]);
    for seconds in borders.filter(|seconds| *seconds > 0) {
        let policy = policy(kind, "infra", GATEWAY, &spec.replace('N', &seconds.to_string()));
        let found = issues(&[&gateway, &route, &policy]);
        let told = |how: &str| found.iter().any(|line| line.starts_with(&format!("DU015 {how} spec.timeout")));
        let expected = (seconds < some, (some..enough).contains(&seconds));
        assert_eq!((told("fails"), told("may fail")), expected, "{seconds}: {found:?}");
    }
}

/// A Middleware does the same to uploads, whichever object names it.
#[rstest]
#[case::harmless("compress: {}")]
#[case::body("buffering: {maxRequestBodyBytes: 1048576}")]
#[case::stored_first("buffering: {memRequestBodyBytes: 1048576}")]
#[case::login("basicAuth: {secret: x}")]
#[case::rate("rateLimit: {average: 1}")]
#[case::some_at_a_time("inFlightReq: {amount: 2}")]
#[case::cors("headers: {accessControlAllowMethods: [PUT]}")]
fn a_middleware_means_the_same_whoever_names_it(#[case] spec: &str) {
    let of_the_middleware = |objects: &[&str]| -> Vec<String> {
        let found = view(&[objects, &[&traefik_middleware("openstack", spec)]].concat()).issues;
        let own = found.iter().filter(|issue| issue.object.to_string() == "Middleware openstack/m");
        own.map(|issue| issue.advice(true).to_string()).collect()
    };
    let named = "{'traefik.ingress.kubernetes.io/router.middlewares': openstack-m@kubernetescrd}";
    let ingress = ingress("openstack", "glance", "glance.example.com")
        .replace("name: glance}, spec: {", &format!("name: glance, annotations: {named}}}, spec: {{"));
    let ingress_route = "{apiVersion: traefik.io/v1alpha1, kind: IngressRoute, metadata: {namespace: openstack, name: glance}, \
         spec: {tls: {}, routes: [{match: Host(`glance.example.com`), middlewares: [{name: m}], services: [{name: glance, port: 80}]}]}}";
    let [gateway, http_route] = behind_a_gateway(
        ", filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x]}}, \
         {type: ExtensionRef, extensionRef: {group: traefik.io, kind: Middleware, name: m}}]",
    );
    let expected = of_the_middleware(&[ingress_route]);
    assert_eq!(expected.is_empty(), spec.starts_with("compress"), "{expected:#?}");
    assert_eq!(of_the_middleware(&[&ingress]), expected);
    assert_eq!(of_the_middleware(&[&gateway, &http_route]), expected);
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
