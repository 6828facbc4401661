//! What blocks uploads on the objects that lead to Glance, by rule and field. Also what a whole namespace
//! says, as `kubectl get … -o yaml` prints it.

use std::collections::BTreeSet;

use direct_upload_core::derive::{GlanceView, World};
use direct_upload_core::model::{Advice, Key};
use rstest::rstest;
use test_support::manifests::{
    advice_lines, cloud, deployment, end, glance, horizon, ingress, join, origins, read, render, service, svc,
};

use crate::derive::exposure::http_route::gateway;

/// Rule, whether uploads fail because of it, and field, of each issue in front of Glance.
pub fn issues(objects: &[&str]) -> Vec<String> {
    let view = view(objects);
    let line = |h: &direct_upload_core::derive::ExposureIssue| {
        let field = h.field.to_string();
        let field = field.trim_start_matches("metadata.annotations").trim_start_matches("spec.rules");
        format!("{} {} {field}", h.rule, if h.fails { "fails" } else { "may fail" })
    };
    view.issues.iter().map(line).collect()
}

/// The Glance with these objects on its way.
pub fn view(objects: &[&str]) -> GlanceView {
    let dashboard = service("openstack", "horizon", "horizon.example.com");
    let own = [glance("{}"), horizon("{}"), dashboard, deployment("openstack", "glance"), svc("openstack", "glance")];
    let all: Vec<&str> = own.iter().map(String::as_str).chain(objects.iter().copied()).collect();
    let world = World::of(&read(&join(&all)).snapshot);
    let view = world.glances[&Key::new("openstack", "glance")].clone();
    assert!(
        view.issues.iter().all(|found| view.public.advice.contains(&found.advice(!view.public.wanted.is_empty()))),
        "{:#?}",
        view.public.advice
    );
    view
}

fn annotated(class: &str, annotations: &[(&str, &str)]) -> Vec<String> {
    let list: Vec<_> = annotations.iter().map(|(name, value)| format!("'{name}': '{value}'")).collect();
    let object = ingress("openstack", "glance", "glance.example.com").replace(
        "name: glance}, spec: {",
        &format!("name: glance, annotations: {{{}}}}}, spec: {{{class}", list.join(", ")),
    );
    issues(&[&object])
}

const NGINX: [(&str, &str); 4] = [
    ("nginx.ingress.kubernetes.io/proxy-body-size", "0"),
    ("nginx.ingress.kubernetes.io/proxy-request-buffering", "off"),
    ("nginx.ingress.kubernetes.io/proxy-read-timeout", "3600"),
    ("nginx.ingress.kubernetes.io/proxy-send-timeout", "3600"),
];

/// An Ingress counts only if uploads meet one of its paths: the nearest one, as far as that is known.
#[rstest]
#[case::alone(&["/"], &["glance-0"])]
#[case::nearer(&["/", "/v2/images"], &["glance-1"])]
#[case::further(&["/v2", "/"], &["glance-0"])]
#[case::other_path(&["/", "/identity"], &["glance-0"])]
#[case::all_nearer(&["/", "/v2", "/v2/images"], &["glance-2"])]
#[case::any_pattern(&["/", "/v2/(.*)"], &["glance-0", "glance-1"])]
#[case::any_pattern_further(&["/v2/images", "/()"], &["glance-0"])]
fn an_ingress_that_no_upload_meets_is_silent(#[case] paths: &[&str], #[case] expected: &[&str]) {
    let object = |(at, path): (usize, &&str)| {
        ingress("openstack", "glance", "glance.example.com")
            .replace(
                "metadata: {namespace: openstack, name: glance}, spec: {",
                &format!("metadata: {{namespace: openstack, name: glance-{at}}}, spec: {{ingressClassName: nginx, "),
            )
            .replace("path: /,", &format!("path: '{path}',"))
    };
    let objects: Vec<String> = paths.iter().enumerate().map(object).collect();
    let view = view(&objects.iter().map(String::as_str).collect::<Vec<_>>());
    let told: BTreeSet<&str> = view.issues.iter().map(|issue| issue.object.key.name.as_str()).collect();
    assert_eq!(told.into_iter().collect::<Vec<_>>(), expected, "{:#?}", view.issues);
}

#[test]
fn what_ingress_nginx_does_to_uploads_is_found() {
    let short = |name: &str| format!("[nginx.ingress.kubernetes.io/{name}]");
    assert_eq!(annotated("", &[]), [""; 0], "whose Ingress it is, nobody says");
    assert_eq!(annotated("ingressClassName: nginx, ", &NGINX), [""; 0]);
    let bare = annotated("ingressClassName: nginx, ", &[]);
    let expected = [
        format!("DU014 may fail {}", short("proxy-body-size")),
        format!("DU015 may fail {}", short("proxy-read-timeout")),
        format!("DU015 may fail {}", short("proxy-request-buffering")),
        format!("DU015 may fail {}", short("proxy-send-timeout")),
    ];
    assert_eq!(bare, expected);

    let with = |name: &str, value: &str| {
        let name = format!("nginx.ingress.kubernetes.io/{name}");
        let mut all: Vec<_> = NGINX.into_iter().filter(|(n, _)| *n != name).collect();
        all.push((&name, value));
        annotated("", &all)
    };
    assert_eq!(with("proxy-body-size", "8m"), [format!("DU014 fails {}", short("proxy-body-size"))]);
    assert_eq!(with("proxy-body-size", "50g"), [format!("DU014 may fail {}", short("proxy-body-size"))]);
    assert_eq!(with("proxy-body-size", "1000g"), [""; 0]);
    assert_eq!(with("proxy-read-timeout", "60"), [format!("DU015 may fail {}", short("proxy-read-timeout"))]);
    assert_eq!(with("enable-cors", "true"), [format!("DU012 fails {}", short("enable-cors"))]);
    assert_eq!(with("enable-cors", "false"), [""; 0]);
    let snippet = "more_set_headers \"Access-Control-Allow-Origin: *\";";
    assert_eq!(with("configuration-snippet", snippet), [format!("DU012 fails {}", short("configuration-snippet"))]);
    assert_eq!(with("auth-url", "https://login.example.com"), [format!("DU020 fails {}", short("auth-url"))]);
    assert_eq!(with("auth-tls-secret", "openstack/ca"), [format!("DU020 fails {}", short("auth-tls-secret"))]);
    assert_eq!(with("enable-modsecurity", "true"), [format!("DU014 may fail {}", short("enable-modsecurity"))]);

    let cors = |origin: &str, headers: &str| {
        let cors = [
            ("nginx.ingress.kubernetes.io/enable-cors", "true"),
            ("nginx.ingress.kubernetes.io/cors-allow-origin", origin),
            ("nginx.ingress.kubernetes.io/cors-allow-headers", headers),
        ];
        annotated("", &[&NGINX[..], &cors[..]].concat())
    };
    let headers = "Content-Type,X-Auth-Token,X-CSRFToken";
    assert_eq!(cors("https://horizon.example.com", headers), [format!("DU012 may fail {}", short("enable-cors"))]);
    assert_eq!(cors("https://other.example.com", headers), [format!("DU012 fails {}", short("enable-cors"))]);
}

#[test]
fn what_other_ingress_controllers_do_to_uploads_is_found() {
    assert_eq!(
        annotated("", &[("nginx.org/client-max-body-size", "2g")]),
        [
            "DU014 fails [nginx.org/client-max-body-size]",
            "DU015 may fail [nginx.org/proxy-read-timeout]",
            "DU015 may fail [nginx.org/proxy-send-timeout]",
        ]
    );
    assert_eq!(
        annotated("", &[("haproxy.org/cors-enable", "true")]),
        ["DU012 fails [haproxy.org/cors-enable]", "DU015 may fail [haproxy.org/timeout-server]"]
    );
    assert_eq!(
        annotated("", &[("haproxy-ingress.github.io/proxy-body-size", "1g")]),
        [
            "DU014 fails [haproxy-ingress.github.io/proxy-body-size]",
            "DU015 may fail [haproxy-ingress.github.io/timeout-server]",
        ]
    );
    assert_eq!(annotated("ingressClassName: haproxy, ", &[]), ["DU015 may fail [haproxy.org/timeout-server]"]);
    assert_eq!(annotated("", &[("haproxy.org/timeout-server", "1h")]), [""; 0]);
    let idle = "alb.ingress.kubernetes.io/load-balancer-attributes";
    assert_eq!(annotated("ingressClassName: alb, ", &[]), [format!("DU015 may fail [{idle}]")]);
    assert_eq!(annotated("", &[(idle, "routing.http2.enabled=true,idle_timeout.timeout_seconds=3600")]), [""; 0]);
    assert_eq!(annotated("ingressClassName: gce, ", &[]), ["DU015 may fail spec.ingressClassName"]);
    assert_eq!(annotated("ingressClassName: contour, ", &[]), ["DU015 may fail [projectcontour.io/response-timeout]"]);
    assert_eq!(
        annotated("", &[("traefik.ingress.kubernetes.io/router.middlewares", "x-cors@kubernetescrd")]),
        [
            "DU012 may fail [traefik.ingress.kubernetes.io/router.middlewares]",
            "DU015 may fail [traefik.ingress.kubernetes.io/router.entrypoints]",
        ]
    );
    assert_eq!(
        annotated("", &[("projectcontour.io/response-timeout", "15s")]),
        ["DU015 may fail [projectcontour.io/response-timeout]"]
    );
    assert_eq!(
        annotated("", &[("projectcontour.io/response-timeout", "0s")]),
        ["DU015 may fail [projectcontour.io/response-timeout]"]
    );
    assert_eq!(annotated("", &[("projectcontour.io/response-timeout", "infinity")]), [""; 0]);
}

/// Contour takes `0s` as unset, and the operator says what holds then.
#[rstest]
#[case::unset("0s", true)]
#[case::short("15s", false)]
fn contours_default_is_said_where_it_holds(#[case] time: &str, #[case] default: bool) {
    let object = ingress("openstack", "glance", "glance.example.com").replace(
        "name: glance}, spec: {",
        &format!("name: glance, annotations: {{projectcontour.io/response-timeout: {time}}}}}, spec: {{"),
    );
    let told = advice_lines(&view(&[&object]).public.advice).join("\n");
    assert!(told.contains(&format!("{time:?}: Glance must answer within this time")), "{told}");
    assert_eq!(told.contains("(Contour's default, 15s)"), default, "{told}");
}

#[rstest]
#[case::none("", &["DU015 may fail [haproxy.router.openshift.io/timeout]"])]
#[case::short("'haproxy.router.openshift.io/timeout': 5m", &["DU015 may fail [haproxy.router.openshift.io/timeout]"])]
#[case::long("'haproxy.router.openshift.io/timeout': 1h", &[])]
fn a_short_timeout_of_an_openshift_route_is_found(#[case] annotations: &str, #[case] expected: &[&str]) {
    let route = format!(
        "{{apiVersion: route.openshift.io/v1, kind: Route, metadata: {{namespace: openstack, name: glance, annotations: {{{annotations}}}}}, \
         spec: {{host: glance.example.com, tls: {{termination: edge}}, to: {{kind: Service, name: glance}}}}}}"
    );
    assert_eq!(issues(&[&route]), expected);
}

#[rstest]
#[case::no_timeouts("", &["DU015 may fail [0].timeouts.request"])]
#[case::no_limit("timeouts: {request: 0s, backendRequest: 0s}", &[])]
#[case::short("timeouts: {request: 30s}", &["DU015 may fail [0].timeouts.request"])]
#[case::backend("timeouts: {request: 0s, backendRequest: 1h}", &["DU015 may fail [0].timeouts.backendRequest"])]
#[case::long("timeouts: {request: 24h}", &[])]
#[case::filter(
    "timeouts: {request: 0s}, filters: [{type: CORS, cors: {allowOrigins: ['https://horizon.example.com'], allowMethods: [PUT], allowHeaders: ['*']}}]",
    &[]
)]
#[case::wild_filter(
    "timeouts: {request: 0s}, filters: [{type: CORS, cors: {allowOrigins: ['https://*.example.com'], allowMethods: ['*'], allowHeaders: [x-auth-token, x-csrftoken, content-type]}}]",
    &[]
)]
#[case::filter_without_origin(
    "timeouts: {request: 0s}, filters: [{type: CORS, cors: {allowOrigins: ['https://other.example.com'], allowMethods: [PUT], allowHeaders: ['*']}}]",
    &["DU012 fails [0].filters[0]"]
)]
#[case::filter_without_header(
    "timeouts: {request: 0s}, filters: [{type: CORS, cors: {allowOrigins: ['*'], allowMethods: [PUT], allowHeaders: [x-auth-token]}}]",
    &["DU012 fails [0].filters[0]"]
)]
#[case::filter_without_method(
    "timeouts: {request: 0s}, filters: [{type: CORS, cors: {allowOrigins: ['*'], allowMethods: [GET], allowHeaders: ['*']}}]",
    &["DU012 fails [0].filters[0]"]
)]
#[case::header_added(
    "timeouts: {request: 0s}, filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: access-control-allow-origin, value: x}]}}]",
    &["DU012 fails [0].filters[0]"]
)]
#[case::other_header(
    "timeouts: {request: 0s}, filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Frame-Options, value: DENY}]}}]",
    &[]
)]
fn what_a_rule_of_an_http_route_does_to_uploads_is_found(#[case] rule: &str, #[case] expected: &[&str]) {
    let listeners = "[{name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}}]";
    let rule = if rule.is_empty() { String::new() } else { format!(", {rule}") };
    let route = format!(
        "{{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {{namespace: openstack, name: glance}}, spec: {{parentRefs: \
         [{{namespace: infra, name: public}}], hostnames: [glance.example.com], rules: [{{backendRefs: [{{name: glance}}]{rule}}}, \
         {{matches: [{{path: {{value: /other}}}}], backendRefs: [{{name: other}}], timeouts: {{request: 1s}}}}]}}}}"
    );
    assert_eq!(issues(&[&gateway(listeners), &route]), expected);
}

/// Dashboard and Glance on one host, apart by their paths.
#[test]
fn one_origin_for_dashboard_and_glance_is_said() {
    let path = |name: &str, path: &str| {
        ingress("openstack", name, "cloud.example.com").replace("path: /,", &format!("path: {path},"))
    };
    let (glances, horizons) = (path("glance", "/image"), path("horizon", "/dashboard"));
    let services = ["glance", "horizon"].map(|name| join(&[&deployment("openstack", name), &svc("openstack", name)]));
    let yaml = join(&[&glances, &horizons, &services[0], &services[1], &glance("{}"), &horizon("{}")]);
    let world = World::of(&read(&yaml).snapshot);
    let view = &world.horizons[&Key::new("openstack", "horizon")];
    assert_eq!(view.proof.destinations[0].to.endpoint.as_ref().unwrap().to_string(), "https://cloud.example.com/image");
    let said = "the dashboard and https://cloud.example.com/image have the same origin, https://cloud.example.com:";
    assert!(view.advice.iter().any(|advice| advice.found.to_string().starts_with(said)), "{:#?}", view.advice);
}

/// A whole namespace in one List, another in a typed list, objects of many kinds between.
#[test]
fn lists_of_a_whole_namespace_are_understood() {
    let route = "{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {namespace: openstack, name: horizon, uid: u, generation: 1, \
        creationTimestamp: '2026-01-01T00:00:00Z'}, spec: {parentRefs: [{group: gateway.networking.k8s.io, kind: Gateway, namespace: infra, name: public}], \
        hostnames: [cloud.example.com], rules: [{matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{group: '', kind: Service, name: horizon, port: 80, weight: 1}]}]}, \
        status: {parents: [{controllerName: x/y, parentRef: {group: gateway.networking.k8s.io, kind: Gateway, namespace: infra, name: public}, \
        conditions: [{type: Accepted, status: 'True', reason: Accepted, message: '', observedGeneration: 1, lastTransitionTime: '2026-01-01T00:00:00Z'}]}]}}";
    let openshift = "{apiVersion: route.openshift.io/v1, kind: Route, metadata: {namespace: openstack, name: glance, uid: v, creationTimestamp: '2026-01-01T00:00:00Z'}, \
        spec: {host: images.example.com, tls: {termination: reencrypt}, to: {kind: Service, name: glance, weight: 100}, wildcardPolicy: None}, \
        status: {ingress: [{host: images.example.com, routerName: default, conditions: [{type: Admitted, status: 'True'}], wildcardPolicy: None}]}}";
    let other = "{apiVersion: v1, kind: Secret, metadata: {namespace: openstack, name: x}}";
    let items = [
        deployment("openstack", "horizon"),
        svc("openstack", "horizon"),
        deployment("openstack", "glance"),
        svc("openstack", "glance"),
        horizon("{}"),
        glance("{}"),
        route.to_owned(),
        openshift.to_owned(),
        other.to_owned(),
    ];
    let list =
        format!("{{apiVersion: v1, kind: List, metadata: {{resourceVersion: ''}}, items: [{}]}}", items.join(", "));
    let listener = "[{name: https, port: 8443, protocol: HTTPS, hostname: '*.example.com', allowedRoutes: {namespaces: {from: All}}}]";
    let gateways =
        format!("{{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayList, items: [{}]}}", gateway(listener));
    let outcome = render(&join(&[&list, &gateways]));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://cloud.example.com:8443"]);
    let (done, _, message) = end(&outcome, "Horizon openstack/horizon");
    assert!(done && message.contains("https://images.example.com"), "{message}");
}

/// The samples, in place of the quickstart's Ingresses, without any issue.
#[rstest]
#[case("exposure/gateway-api.yaml")]
#[case("exposure/openshift.yaml")]
#[case("exposure/istio.yaml")]
#[case("exposure/contour.yaml")]
#[case("exposure/traefik.yaml")]
#[case("exposure/listener-set.yaml")]
fn nothing_is_in_the_way_in_the_samples(#[case] sample: &str) {
    let text = test_support::manifests::sample(sample);
    let cloud =
        cloud().split("\n---\n").filter(|object| !object.contains("kind: Ingress")).collect::<Vec<_>>().join("\n---\n");
    let outcome = render(&join(&[&cloud, &text, &glance("{}"), &horizon("{}")]));
    assert_eq!(origins(&outcome, "openstack/glance"), ["https://cloud.example.com"]);
    // The timeouts of Traefik's entry points are in its own arguments, which this input lacks.
    let is_known = |found: &str| sample != "exposure/traefik.yaml" || !found.starts_with("Traefik's entry points");
    for end in &outcome.ends {
        let told = |advice: &Advice| advice.rule.is_some() && is_known(&advice.found.to_string());
        assert!(!end.advice.iter().any(told), "{}: {:#?}", end.resource, end.advice);
    }
    let (done, _, message) = end(&outcome, "Horizon openstack/horizon");
    assert!(done && message.contains("https://images.example.com"), "{message}");
}
