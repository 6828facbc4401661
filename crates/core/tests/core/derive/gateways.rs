//! What is known of gateways apart from their routes: their classes, settings of whole gateways, certificates, redirects,
//! headers and ports. `check` reads all this with the same code.

use direct_upload_core::model::{AdviceField, FieldPath};
use rstest::rstest;
use test_support::manifests::ingress;

use crate::derive::exposure::http_route::{gateway, route};
use crate::derive::exposure::urls;
use crate::derive::exposure_issue::{issues, view};

const PUBLIC: &str = "[{namespace: infra, name: public}]";

const LISTENER: &str = "[{name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]";

fn object(api_version: &str, kind: &str, key: (&str, &str), spec: &str) -> String {
    let (namespace, name) = key;
    format!(
        "{{apiVersion: {api_version}, kind: {kind}, metadata: {{namespace: {namespace}, name: {name}}}, spec: {spec}}}"
    )
}

/// Gateway API, GatewayClassStatus and GatewayStatus: `Accepted` is Unknown until a controller has decided.
#[rstest]
#[case::none("", "https://a.io")]
#[case::accepted("class True", "https://a.io")]
#[case::refused("class False", "")]
#[case::waiting("class Unknown", "")]
#[case::told_of_an_earlier_generation("stale False", "https://a.io")]
#[case::gateway_waits("gateway Unknown", "")]
#[case::gateway_accepted("gateway True", "https://a.io")]
fn a_gateway_needs_a_controller(#[case] judged: &str, #[case] expected: &str) {
    let (what, status) = judged.split_once(' ').unwrap_or_default();
    let conditions = format!("status: {{conditions: [{{type: Accepted, status: '{status}', reason: Pending}}]}}");
    let stored = "creationTimestamp: '2026-01-01T00:00:00Z', name: ";
    let class = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {{{stored}x}}, spec: {{controllerName: a/b}}, {conditions}}}"
    );
    let own = gateway(LISTENER);
    let own = match what {
        "gateway" => own.replace("name: public}", &format!("{stored}public}}, {conditions}")),
        _ => own,
    };
    let mut objects = vec![own, route(PUBLIC, "hostnames: [a.io]")];
    let stale = class.replace("creationTimestamp", "generation: 2, creationTimestamp");
    let stale = stale.replace("type: Accepted", "type: Accepted, observedGeneration: 1");
    objects.extend((what == "class").then_some(class).or((what == "stale").then_some(stale)));
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let (found, notes) = urls("{}", &objects);
    assert_eq!(found, expected, "{notes}");
    assert_eq!(notes.contains("has no listener in effect"), expected.is_empty(), "{notes}");
}

#[rstest]
#[case::its_name("horizon.openstack.svc.cluster.local", "https://a.io")]
#[case::with_a_dot("horizon.openstack.svc.cluster.local.", "https://a.io")]
#[case::elsewhere("horizon.example.org", "")]
#[case::other_namespace("horizon.web.svc.cluster.local", "")]
#[case::other_service("www.openstack.svc.cluster.local", "")]
fn an_external_name_counts_if_it_is_the_service(#[case] name: &str, #[case] expected: &str) {
    // A selector of such a Service has no meaning.
    let spec = format!("{{type: ExternalName, externalName: {name}, selector: {{app: horizon}}}}");
    let alias = object("v1", "Service", ("openstack", "alias"), &spec);
    assert_eq!(urls("{}", &[&alias, &ingress("openstack", "alias", "a.io")]).0, expected);
}

fn ingress_route(service: &str, host: &str, rest: &str, tls: &str) -> String {
    let spec = format!(
        "{{entryPoints: [websecure], routes: [{{kind: Rule, match: 'Host(`{host}`)', services: [{{name: {service}, port: 80}}]{rest}}}], tls: {tls}}}"
    );
    object("traefik.io/v1alpha1", "IngressRoute", ("openstack", service), &spec)
}

fn middleware(spec: &str) -> String {
    object("traefik.io/v1alpha1", "Middleware", ("openstack", "m"), spec)
}

#[rstest]
#[case::elsewhere("redirectRegex: {regex: '^https://a.io/(.*)', replacement: 'https://b.io/$1'}", "")]
#[case::within("redirectRegex: {regex: '^https://a.io/$', replacement: 'https://a.io/horizon/'}", "https://a.io")]
#[case::only_the_root("redirectRegex: {regex: '^https://a.io/$', replacement: 'https://b.io/'}", "https://a.io")]
#[case::only_http("redirectRegex: {regex: '^http://(.*)', replacement: 'https://$1'}", "https://a.io")]
#[case::to_https("redirectScheme: {scheme: https}", "https://a.io")]
#[case::to_http("redirectScheme: {scheme: http}", "")]
fn a_middleware_may_redirect_all_pages(#[case] spec: &str, #[case] expected: &str) {
    let own = ingress_route("horizon", "a.io", ", middlewares: [{name: m}]", "{}");
    let (found, notes) = urls("{}", &[&own, &middleware(&format!("{{{spec}}}"))]);
    assert_eq!(found, expected, "{notes}");
    assert_eq!(notes.contains("sends browsers from https://a.io"), expected.is_empty(), "{notes}");
    let annotation = "name: horizon, annotations: {traefik.ingress.kubernetes.io/router.middlewares: openstack-m@kubernetescrd}}, spec: {";
    let own = ingress("openstack", "horizon", "a.io").replace("name: horizon}, spec: {", annotation);
    assert_eq!(urls("{}", &[&own, &middleware(&format!("{{{spec}}}"))]).0, expected);
}

#[rstest]
#[case::upload("redirectRegex: {regex: '(.*)/v2/(.*)', replacement: '$1/v3/$2'}", true)]
#[case::other_path("redirectRegex: {regex: '(.*)/v1/(.*)', replacement: '$1/v2/$2'}", false)]
#[case::same("redirectRegex: {regex: '(.*)', replacement: '$1'}", false)]
#[case::to_https("redirectScheme: {scheme: https}", false)]
#[case::token("headers: {customRequestHeaders: {X-Auth-Token: ''}}", true)]
#[case::own_header("headers: {customRequestHeaders: {X-Mine: a}}", false)]
#[case::methods("headers: {customResponseHeaders: {Access-Control-Allow-Methods: 'GET, POST'}}", true)]
#[case::all_methods("headers: {customResponseHeaders: {Access-Control-Allow-Methods: '*'}}", false)]
fn a_middleware_on_the_path_of_uploads(#[case] spec: &str, #[case] fails: bool) {
    let own = ingress_route("glance", "images.io", ", middlewares: [{name: m}]", "{}");
    let view = view(&[&own, &middleware(&format!("{{{spec}}}"))]);
    let found: Vec<_> = view.issues.iter().filter(|issue| issue.object.kind == "Middleware").collect();
    assert_eq!(found.iter().any(|issue| issue.fails), fails, "{found:#?}");
}

/// The Helm chart of Traefik gives websecure TLS, and a rule without entry points is at all of them.
#[test]
fn a_rule_without_entry_points_is_at_websecure() {
    let own = "{routes: [{kind: Rule, match: 'Host(`a.io`)', services: [{name: horizon, port: 80}]}]}";
    let own = object("traefik.io/v1alpha1", "IngressRoute", ("openstack", "horizon"), own);
    let (found, notes) = urls("{}", &[&own]);
    assert_eq!(found, "https://a.io", "{notes}");
    assert!(notes.contains("so https is assumed"), "{notes}");
}

#[rstest]
#[case::required("RequireAndVerifyClientCert", "mtls", "{options: {name: mtls}}", true)]
#[case::if_given("VerifyClientCertIfGiven", "mtls", "{options: {name: mtls}}", false)]
#[case::not_named("RequireAndVerifyClientCert", "mtls", "{}", false)]
#[case::by_default("RequireAnyClientCert", "default", "{}", true)]
fn traefiks_tls_options(#[case] type_: &str, #[case] name: &str, #[case] tls: &str, #[case] fails: bool) {
    let spec = format!("{{clientAuth: {{clientAuthType: {type_}}}}}");
    let options = object("traefik.io/v1alpha1", "TLSOption", ("openstack", name), &spec);
    let found = issues(&[&ingress_route("glance", "images.io", "", tls), &options]);
    let expected = "DU020 fails spec.clientAuth.clientAuthType".to_owned();
    assert_eq!(found.contains(&expected), fails, "{found:?}");
}

fn istio(mode: &str, rules: &str) -> [String; 2] {
    let servers =
        format!("[{{port: {{number: 443, protocol: HTTPS}}, hosts: ['*/images.io'], tls: {{mode: {mode}}}}}]");
    let spec = format!("{{selector: {{istio: gateway}}, servers: {servers}}}");
    let gateway = object("networking.istio.io/v1", "Gateway", ("infra", "public"), &spec);
    let spec = format!("{{hosts: [images.io], gateways: [infra/public], http: [{rules}]}}");
    [gateway, object("networking.istio.io/v1", "VirtualService", ("openstack", "glance"), &spec)]
}

const TO_GLANCE: &str = "{route: [{destination: {host: glance}}]}";

#[rstest]
#[case::simple("SIMPLE", "", &[])]
#[case::mutual("MUTUAL", "", &["DU020 fails spec.servers.0.tls.mode"])]
#[case::optional("OPTIONAL_MUTUAL", "", &[])]
#[case::redirect("SIMPLE", "{match: [{uri: {prefix: /v2/images}}], redirect: {authority: b.io}}, ", &["DU020 fails spec.http.0.match"])]
#[case::redirect_of_another_path("SIMPLE", "{match: [{uri: {prefix: /old}}], redirect: {authority: b.io}}, ", &[])]
#[case::answer("SIMPLE", "{match: [{uri: {prefix: /v2/images}}], directResponse: {status: 503}}, ", &["DU020 fails spec.http.0.match"])]
fn istios_gateways(#[case] mode: &str, #[case] before: &str, #[case] expected: &[&str]) {
    let [gateway, service] = istio(mode, &format!("{before}{TO_GLANCE}"));
    assert_eq!(issues(&[&gateway, &service]), expected);
}

const BUFFER: &str = "{applyTo: HTTP_FILTER, match: {context: CONTEXT}, patch: {value: {name: b, typed_config: {max_request_bytes: 1048576}}}}";

#[rstest]
#[case::by_labels("istio-system", "workloadSelector: {labels: {istio: gateway}}, ", "GATEWAY", &["DU014 fails spec.configPatches"])]
#[case::of_another_gateway("istio-system", "workloadSelector: {labels: {istio: other}}, ", "GATEWAY", &[])]
#[case::of_all("istio-system", "", "ANY", &["DU014 fails spec.configPatches"])]
#[case::beside_the_gateway("infra", "", "GATEWAY", &["DU014 fails spec.configPatches"])]
#[case::elsewhere("web", "", "GATEWAY", &[])]
#[case::before_glance("openstack", "", "SIDECAR_INBOUND", &["DU014 fails spec.configPatches"])]
#[case::what_leaves_pods("istio-system", "", "SIDECAR_OUTBOUND", &[])]
fn envoy_filters(#[case] namespace: &str, #[case] selector: &str, #[case] context: &str, #[case] expected: &[&str]) {
    let patch = BUFFER.replace("CONTEXT", context);
    let filter = |patch: &str| {
        let spec = format!("{{{selector}configPatches: [{patch}]}}");
        object("networking.istio.io/v1alpha3", "EnvoyFilter", (namespace, "f"), &spec)
    };
    let [gateway, service] = istio("SIMPLE", TO_GLANCE);
    assert_eq!(issues(&[&gateway, &service, &filter(&patch)]), expected);
    let unknown = filter(&patch.replace("max_request_bytes: 1048576", "inline_code: x"));
    let expected: Vec<String> = expected.iter().map(|line| line.replace("DU014 fails", "DU020 may fail")).collect();
    assert_eq!(issues(&[&gateway, &service, &unknown]), expected, "what is not read is named");
}

#[rstest]
#[case::none("{}", &[])]
#[case::short("{requestTimeout: 60s}", &["DU015 fails spec.envoy.timeouts.requestTimeout"])]
#[case::off("{requestTimeout: infinity}", &[])]
#[case::silence("{streamIdleTimeout: 30s}", &["DU015 may fail spec.envoy.timeouts.streamIdleTimeout"])]
fn contours_configuration(#[case] timeouts: &str, #[case] expected: &[&str]) {
    let route = "[{timeoutPolicy: {response: infinity}, services: [{name: glance, port: 80}]}]";
    let spec = format!("{{virtualhost: {{fqdn: images.io, tls: {{secretName: x}}}}, routes: {route}}}");
    let proxy = object("projectcontour.io/v1", "HTTPProxy", ("openstack", "glance"), &spec);
    let spec = format!("{{envoy: {{timeouts: {timeouts}}}}}");
    let own = object("projectcontour.io/v1alpha1", "ContourConfiguration", ("projectcontour", "contour"), &spec);
    assert_eq!(issues(&[&proxy, &own]), expected);
    let [gateway, service] = istio("SIMPLE", TO_GLANCE);
    assert_eq!(issues(&[&gateway, &service, &own]), [""; 0], "it is Contour's alone");
}

#[rstest]
#[case::cors("corsPolicy: {allowOrigin: ['https://other.io'], allowMethods: [GET]}", &["DU012 fails spec.virtualhost.corsPolicy"])]
#[case::certificate("tls: {secretName: x, clientValidation: {caSecret: ca}}", &["DU020 fails spec.virtualhost.tls.clientValidation"])]
#[case::optional("tls: {secretName: x, clientValidation: {caSecret: ca, optionalClientCertificate: true}}", &[])]
fn a_root_of_contour_that_includes_glance(#[case] host: &str, #[case] expected: &[&str]) {
    let route = "[{timeoutPolicy: {response: infinity}, services: [{name: glance, port: 80}]}]";
    let leaf = object("projectcontour.io/v1", "HTTPProxy", ("openstack", "glance"), &format!("{{routes: {route}}}"));
    let root = |includes: &str| {
        let spec = format!("{{virtualhost: {{fqdn: images.io, {host}}}, includes: [{{name: {includes}}}]}}");
        object("projectcontour.io/v1", "HTTPProxy", ("openstack", "root"), &spec)
    };
    assert_eq!(issues(&[&leaf, &root("glance")]), expected);
    assert_eq!(issues(&[&leaf, &root("other")]), [""; 0]);
}

/// Glance's HTTPRoute at a Gateway of this class.
fn of_class(class: &str, rules: &str) -> [String; 2] {
    let route = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{namespace: openstack, name: glance}}, \
         spec: {{hostnames: [images.io], parentRefs: {PUBLIC}, rules: [{rules}]}}}}"
    );
    [gateway(LISTENER).replace("gatewayClassName: x", &format!("gatewayClassName: {class}")), route]
}

const RULE: &str = "{timeouts: {request: 0s}, backendRefs: [{name: glance, port: 80}]}";

#[rstest]
#[case::google("gke-l7-gxlb", None, &["DU015 may fail spec"])]
#[case::long("gke-l7-gxlb", Some(("GCPBackendPolicy", "{default: {timeoutSec: 86400}, targetRef: {kind: Service, name: glance}}")), &[])]
#[case::short("gke-l7-gxlb", Some(("GCPBackendPolicy", "{default: {timeoutSec: 60}, targetRef: {kind: Service, name: glance}}")), &["DU015 fails spec.default.timeoutSec"])]
#[case::of_another_service("gke-l7-gxlb", Some(("GCPBackendPolicy", "{default: {timeoutSec: 86400}, targetRef: {kind: Service, name: www}}")), &["DU015 may fail spec"])]
#[case::aws("aws-alb", None, &["DU015 may fail spec"])]
#[case::patient("aws-alb", Some(("LoadBalancerConfiguration", "{loadBalancerAttributes: [{key: idle_timeout.timeout_seconds, value: '3600'}]}")), &[])]
#[case::impatient("aws-alb", Some(("LoadBalancerConfiguration", "{loadBalancerAttributes: [{key: idle_timeout.timeout_seconds, value: '30'}]}")), &["DU015 may fail spec.loadBalancerAttributes"])]
fn load_balancers_of_clouds(#[case] class: &str, #[case] own: Option<(&str, &str)>, #[case] expected: &[&str]) {
    let [gateway, route] = of_class(class, RULE);
    let own = own.map(|(kind, spec)| {
        let (group, namespace) = match kind {
            "GCPBackendPolicy" => ("networking.gke.io/v1", "openstack"),
            _ => ("gateway.k8s.aws/v1beta1", "infra"),
        };
        object(group, kind, (namespace, "p"), spec)
    });
    let objects: Vec<&str> = [&gateway, &route].into_iter().chain(&own).map(String::as_str).collect();
    assert_eq!(issues(&objects), expected);
}

#[rstest]
#[case::demanded("caCertificateRefs: [{name: ca}]", &["DU020 fails spec.tls.frontend.default.validation"])]
#[case::fallback("mode: AllowInsecureFallback, caCertificateRefs: [{name: ca}]", &[])]
fn a_gateway_that_checks_clients(#[case] validation: &str, #[case] expected: &[&str]) {
    let [gateway, route] = of_class("x", RULE);
    let tls = format!("gatewayClassName: x, tls: {{frontend: {{default: {{validation: {{{validation}}}}}}}}}");
    assert_eq!(issues(&[&gateway.replace("gatewayClassName: x", &tls), &route]), expected);
}

#[rstest]
#[case::token("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-Auth-Token]}}]", &["DU020 fails .0"])]
#[case::origin("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: Origin, value: a}]}}]", &["DU012 fails .0"])]
#[case::other("filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: X-A, value: a}]}}]", &[])]
#[case::methods("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [access-control-allow-methods]}}]", &["DU012 fails .0.filters.0.responseHeaderModifier.remove.0"])]
fn headers_that_a_route_takes(#[case] filters: &str, #[case] expected: &[&str]) {
    let [gateway, route] = of_class("x", &RULE.replace("timeouts", &format!("{filters}, timeouts")));
    assert_eq!(issues(&[&gateway, &route]), expected);
}

/// Gateway API, HTTPRouteRule: of all routes of a host the longest path counts, after the most specific host.
#[rstest]
#[case::longer("hostnames: [images.io]", "/v2/images", true)]
#[case::same("hostnames: [images.io]", "/", false)]
#[case::other("hostnames: [images.io]", "/other", false)]
#[case::any_host("hostnames: ['*.io']", "/v2/images", false)]
#[case::other_host("hostnames: [www.io]", "/v2/images", false)]
fn another_route_takes_the_upload(#[case] hosts: &str, #[case] path: &str, #[case] fails: bool) {
    let [gateway, route] = of_class("x", RULE);
    let spec = format!(
        "{{{hosts}, parentRefs: {PUBLIC}, rules: [{{matches: [{{path: {{value: {path}}}}}], filters: [{{type: RequestRedirect, requestRedirect: {{hostname: b.io}}}}]}}]}}"
    );
    let other = object("gateway.networking.k8s.io/v1", "HTTPRoute", ("openstack", "redirect"), &spec);
    let found = issues(&[&gateway, &route, &other]);
    assert_eq!(found.iter().any(|line| line.starts_with("DU020 fails")), fails, "{found:?}");
}

/// A Service of Glance with ports.
fn images() -> String {
    let spec = "{selector: {app: glance}, ports: [{name: api, port: 80, targetPort: 9292}]}";
    object("v1", "Service", ("openstack", "images"), spec)
}

#[rstest]
#[case::number(80, false)]
#[case::other_number(8080, true)]
fn a_port_that_the_service_lacks(#[case] port: u16, #[case] fails: bool) {
    let ports = images();
    let [gateway, route] =
        of_class("x", &RULE.replace("name: glance, port: 80", &format!("name: images, port: {port}")));
    let of_ingress = ingress("openstack", "images", "images.io");
    let of_ingress = of_ingress.replace("number: 80", &format!("number: {port}"));
    let rule = TO_GLANCE.replace("host: glance", &format!("host: images, port: {{number: {port}}}"));
    let [server, service] = istio("SIMPLE", &rule);
    let traefik = ingress_route("images", "images.io", "", "{}").replace("port: 80", &format!("port: {port}"));
    let spec = format!("{{host: images.io, port: {{targetPort: {port}}}, to: {{kind: Service, name: images}}}}");
    let openshift = object("route.openshift.io/v1", "Route", ("openstack", "images"), &spec);
    for objects in
        [vec![&gateway, &route], vec![&of_ingress], vec![&server, &service], vec![&traefik], vec![&openshift]]
    {
        let objects: Vec<&str> = objects.into_iter().chain([&ports]).map(String::as_str).collect();
        let found = view(&objects).issues;
        assert_eq!(found.iter().any(|issue| issue.fails && issue.found.contains("has no port")), fails, "{found:#?}");
    }
}

/// ingress-nginx also takes the port of the pods.
#[rstest]
#[case::by_name("name: api")]
#[case::by_target("number: 9292")]
fn a_port_of_an_ingress(#[case] port: &str) {
    let own = ingress("openstack", "images", "images.io").replace("number: 80", port);
    assert_eq!(issues(&[&own, &images()]), [""; 0]);
}

/// Gateway API, PolicyStatus: a policy that its controller refuses has no effect.
#[rstest]
#[case::silent("", true)]
#[case::accepted("True", true)]
#[case::refused("False", false)]
fn a_refused_policy_has_no_effect(#[case] accepted: &str, #[case] counts: bool) {
    let [gateway, route] = of_class("x", RULE);
    let conditions = format!("[{{type: Accepted, status: '{accepted}', reason: Conflicted}}]");
    let status = format!(", status: {{ancestors: [{{ancestorRef: {{name: public}}, conditions: {conditions}}}]}}}}");
    let spec = "{targetRefs: [{kind: Gateway, name: public}], timeout: {http: {requestReceivedTimeout: 10s}}}";
    let mut policy = object("gateway.envoyproxy.io/v1alpha1", "ClientTrafficPolicy", ("infra", "p"), spec);
    if !accepted.is_empty() {
        policy.truncate(policy.len() - 1);
        policy.push_str(&status);
    }
    assert_eq!(issues(&[&gateway, &route, &policy]).len(), usize::from(counts));
}

#[rstest]
#[case::all("{route: [{destination: {host: www}}]}, ", "")]
#[case::redirect("{redirect: {authority: b.io}}, ", "")]
#[case::some("{match: [{uri: {prefix: /www}}], route: [{destination: {host: www}}]}, ", "https://images.io")]
fn the_first_rule_of_a_virtual_service_counts(#[case] before: &str, #[case] expected: &str) {
    let [gateway, service] = istio("SIMPLE", &format!("{before}{{route: [{{destination: {{host: horizon}}}}]}}"));
    let (found, notes) = urls("{}", &[&gateway, &service]);
    assert_eq!(found, expected, "{notes}");
}

#[test]
fn an_authority_narrows_a_wildcard() {
    let rule = "{match: [{authority: {exact: a.images.io}}], route: [{destination: {host: horizon}}]}";
    let [gateway, service] = istio("SIMPLE", rule);
    let wide = |text: &str| text.replace("images.io]", "'*.images.io']").replace("'*/images.io'", "'*/*.images.io'");
    assert_eq!(urls("{}", &[&wide(&gateway), &wide(&service)]).0, "https://a.images.io");
}

/// Traefik's arguments are seen where a file has its workload.
#[rstest]
#[case::off("0", false)]
#[case::short("60s", true)]
fn traefiks_arguments(#[case] time: &str, #[case] fails: bool) {
    let args = format!(
        "['--entryPoints.websecure.address=:8443', '--entryPoints.websecure.transport.respondingTimeouts.readTimeout={time}']"
    );
    let containers = format!("[{{name: traefik, image: 'traefik:v3.3', args: {args}}}]");
    let spec = format!(
        "{{selector: {{matchLabels: {{app: t}}}}, template: {{metadata: {{labels: {{app: t}}}}, spec: {{containers: {containers}}}}}}}"
    );
    let traefik = object("apps/v1", "Deployment", ("traefik", "traefik"), &spec);
    let found = issues(&[&ingress_route("glance", "images.io", "", "{}"), &traefik]);
    assert_eq!(!found.is_empty(), fails, "{found:?}");
}

/// Istio's AuthorizationPolicies in files.
#[rstest]
#[case::without_options("{action: ALLOW, rules: [{to: [{operation: {methods: [PUT]}}]}]}", "openstack", true)]
#[case::denied(
    "{selector: {matchLabels: {istio: gateway}}, action: DENY, rules: [{to: [{operation: {methods: [OPTIONS]}}]}]}",
    "infra",
    true
)]
#[case::of_other_pods(
    "{selector: {matchLabels: {app: other}}, action: DENY, rules: [{to: [{operation: {methods: [OPTIONS]}}]}]}",
    "openstack",
    false
)]
fn authorization_policies(#[case] spec: &str, #[case] namespace: &str, #[case] fails: bool) {
    let [gateway, service] = istio("SIMPLE", TO_GLANCE);
    let policy = object("security.istio.io/v1", "AuthorizationPolicy", (namespace, "a"), spec);
    let found = issues(&[&gateway, &service, &policy]);
    assert_eq!(found.iter().any(|line| line.starts_with("DU020 fails")), fails, "{found:?}");
}

/// Linkerd has kinds of the same names, in a group of its own.
#[test]
fn policies_of_another_group_are_no_istios() {
    let [gateway, service] = istio("SIMPLE", TO_GLANCE);
    let spec = "{action: ALLOW, rules: [{to: [{operation: {methods: [PUT]}}]}]}";
    let found =
        |group: &str| issues(&[&gateway, &service, &object(group, "AuthorizationPolicy", ("openstack", "a"), spec)]);
    assert_ne!(found("security.istio.io/v1"), [""; 0]);
    assert_eq!(found("policy.linkerd.io/v1alpha1"), [""; 0]);
}

/// How bad an issue is: whether uploads fail, somebody asks for them, and somebody wrote the field.
#[test]
fn advice_has_a_severity() {
    use direct_upload_api::Severity::{Error, Note, Warning};
    let own = |annotation: &str| {
        let annotations =
            format!("name: glance, annotations: {{nginx.ingress.kubernetes.io/{annotation}}}}}, spec: {{");
        ingress("openstack", "glance", "images.io").replace("name: glance}, spec: {", &annotations)
    };
    for (annotation, field, severity, unasked) in [
        ("auth-url: 'https://a.io'", "auth-url", Error, Warning),
        ("proxy-body-size: 8m", "proxy-body-size", Error, Warning),
        ("proxy-body-size: 50g", "proxy-body-size", Warning, Warning),
        ("proxy-read-timeout: '30'", "proxy-read-timeout", Warning, Warning),
        ("proxy-body-size: '0'", "proxy-read-timeout", Note, Note),
        ("proxy-read-timeout: '3600'", "proxy-body-size", Warning, Warning),
    ] {
        let view = view(&[&own(annotation)]);
        let field = FieldPath::of_annotation(&format!("nginx.ingress.kubernetes.io/{field}"));
        let named = Some(AdviceField::Path(field.clone()));
        let advice = view.public.advice.iter().find(|advice| advice.field == named).unwrap();
        assert_eq!(advice.severity, severity, "{advice}");
        let issue = view.issues.iter().find(|issue| issue.field == field).unwrap();
        assert_eq!(issue.advice(false).severity, unasked, "{advice}");
    }
}

/// Annotations of other controllers than ingress-nginx.
#[rstest]
#[case::nginx_basic("nginx.org/basic-auth-secret: a", &["DU020 fails [nginx.org/basic-auth-secret]"])]
#[case::nginx_jwt("nginx.com/jwt-key: a", &["DU020 fails [nginx.com/jwt-key]"])]
#[case::haproxy_url("haproxy-ingress.github.io/auth-url: a", &["DU020 fails [haproxy-ingress.github.io/auth-url]"])]
#[case::haproxy_tls("haproxy-ingress.github.io/auth-tls-secret: a", &["DU020 fails [haproxy-ingress.github.io/auth-tls-secret]"])]
#[case::haproxy_tls_optional("haproxy-ingress.github.io/auth-tls-secret: a, haproxy-ingress.github.io/auth-tls-verify-client: optional", &[])]
#[case::haproxy_type("haproxy.org/auth-type: basic-auth", &["DU020 fails [haproxy.org/auth-type]"])]
#[case::haproxy_header("haproxy.org/response-set-header: 'Access-Control-Allow-Origin a'", &["DU012 fails [haproxy.org/response-set-header]"])]
#[case::alb("alb.ingress.kubernetes.io/auth-type: oidc", &["DU020 fails [alb.ingress.kubernetes.io/auth-type]"])]
#[case::alb_none("alb.ingress.kubernetes.io/auth-type: none", &[])]
#[case::alb_allowed("alb.ingress.kubernetes.io/auth-type: oidc, alb.ingress.kubernetes.io/auth-on-unauthenticated-request: allow", &[])]
#[case::alb_tls("alb.ingress.kubernetes.io/mutual-authentication: '[{\"port\": 443, \"mode\": \"verify\"}]'", &["DU020 fails [alb.ingress.kubernetes.io/mutual-authentication]"])]
#[case::azure("appgw.ingress.kubernetes.io/request-timeout: '60'", &["DU015 may fail [appgw.ingress.kubernetes.io/request-timeout]"])]
#[case::azure_long("appgw.ingress.kubernetes.io/request-timeout: '3600'", &[])]
#[case::cilium("ingress.cilium.io/request-timeout: 10s", &["DU015 may fail [ingress.cilium.io/request-timeout]"])]
fn annotations_of_other_controllers(#[case] annotations: &str, #[case] expected: &[&str]) {
    let own = format!("name: glance, annotations: {{{annotations}}}}}, spec: {{");
    let own = ingress("openstack", "glance", "images.io").replace("name: glance}, spec: {", &own);
    let usual = [
        "client-max-body-size",
        "proxy-read-timeout",
        "proxy-send-timeout",
        "timeout-server",
        "load-balancer-attributes",
    ];
    let found: Vec<String> =
        issues(&[&own]).into_iter().filter(|line| usual.iter().all(|name| !line.contains(name))).collect();
    assert_eq!(found, expected);
}

#[rstest]
#[case("haproxy.org/request-redirect: b.io")]
#[case("haproxy-ingress.github.io/redirect-to: 'https://b.io'")]
fn an_ingress_that_only_redirects(#[case] annotation: &str) {
    let own = format!("name: horizon, annotations: {{{annotation}}}}}, spec: {{");
    let own = ingress("openstack", "horizon", "a.io").replace("name: horizon}, spec: {", &own);
    assert_eq!(urls("{}", &[&own]).0, "");
}

#[rstest]
#[case::all("value: 100", &["DU020 fails spec.http.0.fault.abort"])]
#[case::some("value: 5", &["DU020 may fail spec.http.0.fault.abort"])]
#[case::none("value: 0", &[])]
fn faults_that_a_gateway_injects(#[case] percentage: &str, #[case] expected: &[&str]) {
    let fault = format!("fault: {{abort: {{httpStatus: 503, percentage: {{{percentage}}}}}}}, route");
    let [gateway, service] = istio("SIMPLE", &TO_GLANCE.replacen("route", &fault, 1));
    assert_eq!(issues(&[&gateway, &service]), expected);
}

/// The fields of a rule for a single backend.
#[test]
fn a_backend_takes_headers_too() {
    let headers = "destination: {host: glance}, headers: {request: {remove: [x-auth-token]}}";
    let [gateway, service] = istio("SIMPLE", &TO_GLANCE.replace("destination: {host: glance}", headers));
    assert_eq!(issues(&[&gateway, &service]), ["DU020 fails spec.http.0.route.0"]);
    let filters = "filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Origin]}}], name: glance";
    let [gateway, route] = of_class("x", &RULE.replace("name: glance", filters));
    assert_eq!(issues(&[&gateway, &route]), ["DU012 fails .0.backendRefs.0"]);
}

/// Filters of a kind that is not read are named.
#[rstest]
#[case::unknown("gateway.envoyproxy.io", "HTTPRouteFilter", true)]
#[case::google("networking.gke.io", "GCPHTTPFilter", true)]
#[case::known("gateway.nginx.org", "SnippetsFilter", false)]
#[case::of_another_group("x", "SnippetsFilter", true)]
fn filters_that_are_not_read(#[case] group: &str, #[case] kind: &str, #[case] named: bool) {
    let filters =
        format!("filters: [{{type: ExtensionRef, extensionRef: {{group: {group}, kind: {kind}, name: f}}}}], timeouts");
    let [gateway, route] = of_class("x", &RULE.replace("timeouts", &filters));
    let expected = ["DU020 may fail .0.filters.0"];
    assert_eq!(issues(&[&gateway, &route]), expected[..usize::from(named)]);
}
