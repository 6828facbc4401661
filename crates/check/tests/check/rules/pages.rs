//! What objects in front of the dashboard and of Glance write into pages and paths.

use direct_upload_check as check;
use direct_upload_check::Text;
use rstest::rstest;

use crate::rules::found_in;

/// A program in a pod, its file and its Service.
fn workload(name: &str, file: &str, port: u16) -> String {
    let base = file.rsplit('/').next().unwrap();
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: o}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      containers:\n      - name: {name}\n        volumeMounts: [{{name: c, mountPath: {file}, subPath: {base}}}]\n      volumes: [{{name: c, configMap: {{name: {name}}}}}]\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: o}}\nspec: {{selector: {{app: {name}}}, ports: [{{port: {port}}}]}}\n---\n"
    )
}

fn ingress(name: &str, host: &str, service: &str, port: u16, path: &str, annotations: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: o, annotations: {{{annotations}}}}}\nspec:\n  ingressClassName: nginx\n  tls: [{{hosts: [{host}], secretName: t}}]\n  rules: [{{host: {host}, http: {{paths: [{{path: '{path}', pathType: ImplementationSpecific, backend: {{service: {{name: {service}, port: {{number: {port}}}}}}}}}]}}}}]\n---\n"
    )
}

const OPEN: &str = "nginx.ingress.kubernetes.io/proxy-body-size: '0', nginx.ingress.kubernetes.io/proxy-request-buffering: 'off', nginx.ingress.kubernetes.io/proxy-read-timeout: '3600', nginx.ingress.kubernetes.io/proxy-send-timeout: '3600'";

fn controllers(data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ingress-nginx-controller, namespace: i}}\ndata: {{{data}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: headers, namespace: i}}\n"
    )
}

fn base() -> String {
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance-api, namespace: o}\ndata:\n  glance-api.conf: |\n    [cors]\n    allowed_origin = https://d.example\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: horizon, namespace: o}\ndata:\n  local_settings: |\n    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n---\n";
    let glance = workload("glance-api", "/etc/glance/glance-api.conf", 9292);
    let horizon = workload("horizon", "/etc/openstack-dashboard/local_settings", 80);
    format!("{config}{glance}{horizon}")
}

fn catalog(url: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: glance-ks-endpoints, namespace: o}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: e\n        env: [{{name: OS_SVC_ENDPOINT, value: public}}, {{name: OS_SERVICE_NAME, value: glance}}, {{name: OS_SERVICE_TYPE, value: image}}, {{name: OS_SERVICE_ENDPOINT, value: '{url}'}}]\n---\n"
    )
}

fn to_glance() -> String {
    ingress("glance", "g.example", "glance-api", 9292, "/", OPEN)
}

fn to_dashboard(annotations: &str) -> String {
    ingress("horizon", "d.example", "horizon", 80, "/", annotations)
}

fn found(more: &str) -> Vec<String> {
    found_in(&[("cloud.yaml", &format!("{}{}{more}", base(), catalog("https://g.example")))], Some("2025.1"))
}

const SELF: &str = "default-src 'self'";

/// A policy that an object adds to the dashboard's pages forbids uploads like one of a web server.
#[rstest]
#[case::snippet(&to_dashboard("nginx.ingress.kubernetes.io/configuration-snippet: \"add_header Content-Security-Policy \\\"default-src 'self'\\\";\""), &["error DU013"])]
#[case::more_headers(&to_dashboard("nginx.ingress.kubernetes.io/configuration-snippet: \"more_set_headers \\\"Content-Security-Policy: default-src 'self'\\\";\""), &["error DU013"])]
#[case::more_headers_with_glance(&to_dashboard("nginx.ingress.kubernetes.io/configuration-snippet: \"more_set_headers \\\"Content-Security-Policy: default-src 'self' https://g.example\\\";\""), &[])]
#[case::another_header(&to_dashboard("nginx.ingress.kubernetes.io/configuration-snippet: \"more_set_headers \\\"Content-Security-Policy-Report-Only: default-src 'self'\\\";\""), &[])]
#[case::haproxys(&to_dashboard("haproxy.org/response-set-header: \"Content-Security-Policy default-src 'self'\""), &["error DU013"])]
#[case::gateways(&gateway("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: Content-Security-Policy, value: \"default-src 'self'\"}]}}], "), &["error DU013"])]
#[case::gateways_other_header(&gateway("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: X-Frame-Options, value: DENY}]}}], "), &[])]
#[case::openshifts("apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: horizon, namespace: o}\nspec: {host: d.example, to: {kind: Service, name: horizon}, tls: {termination: edge}, httpHeaders: {actions: {response: [{name: content-security-policy, action: {type: Set, set: {value: \"default-src 'self'\"}}}]}}}\n---\n", &["error DU013"])]
#[case::traefiks(&traefik("contentSecurityPolicy: \"default-src 'self'\""), &["error DU013"])]
#[case::traefiks_own_header(&traefik("customResponseHeaders: {Content-Security-Policy: \"default-src 'self'\"}"), &["error DU013"])]
#[case::istios(&istio("headers: {response: {set: {content-security-policy: \"default-src 'self'\"}}}, "), &["error DU013"])]
#[case::contours("apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: horizon, namespace: o}\nspec: {virtualhost: {fqdn: d.example, tls: {secretName: t}}, routes: [{services: [{name: horizon, port: 80}], responseHeadersPolicy: {set: [{name: Content-Security-Policy, value: \"default-src 'self'\"}]}}]}\n---\n", &["error DU013"])]
#[case::the_controllers(&format!("{}{}data: {{Content-Security-Policy: \"{SELF}\"}}\n---\n", to_dashboard(""), controllers("add-headers: i/headers")), &["error DU013"])]
#[case::of_one_ingress(&format!("{}{}data: {{Content-Security-Policy: \"{SELF}\"}}\n---\n", to_dashboard("nginx.ingress.kubernetes.io/custom-headers: i/headers"), controllers("")), &["error DU013"])]
fn policies_of_pages(#[case] way: &str, #[case] expected: &[&str]) {
    assert_eq!(found(&format!("{}{way}", to_glance())), expected, "{way}");
}

fn gateway(filters: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: o}}\nspec: {{gatewayClassName: x, listeners: [{{name: a, protocol: HTTPS, port: 443, tls: {{certificateRefs: [{{name: t}}]}}}}]}}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: horizon, namespace: o}}\nspec: {{parentRefs: [{{name: gw}}], hostnames: [d.example], rules: [{{{filters}backendRefs: [{{name: horizon, port: 80}}]}}]}}\n---\n"
    )
}

fn traefik(headers: &str) -> String {
    format!(
        "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {{name: m, namespace: o}}\nspec: {{headers: {{{headers}}}}}\n---\napiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {{name: horizon, namespace: o}}\nspec: {{entryPoints: [websecure], routes: [{{match: 'Host(`d.example`)', kind: Rule, middlewares: [{{name: m}}], services: [{{name: horizon, port: 80}}]}}], tls: {{secretName: t}}}}\n---\n"
    )
}

fn istio(headers: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: o}}\nspec: {{servers: [{{port: {{number: 443, name: s, protocol: HTTPS}}, tls: {{mode: SIMPLE, credentialName: t}}, hosts: ['*']}}]}}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: horizon, namespace: o}}\nspec: {{hosts: [d.example], gateways: [gw], http: [{{{headers}route: [{{destination: {{host: horizon, port: {{number: 80}}}}}}]}}]}}\n---\n"
    )
}

/// What the ConfigMap of ingress-nginx adds to each Ingress.
#[rstest]
#[case::nothing("", "", &[])]
#[case::a_login("global-auth-url: 'https://login.example'", "", &["error DU020"])]
#[case::a_snippet("server-snippet: 'if ($request_method = OPTIONS) { return 405; }'", "", &["error DU020"])]
#[case::a_snippet_of_others("location-snippet: 'if ($request_method = TRACE) { return 405; }'", "", &[])]
#[case::a_location("server-snippet: 'location ~ /file$ { return 403; }'", "", &["error DU020"])]
#[case::a_text_of_http("http-snippet: 'add_header Access-Control-Allow-Origin https://d.example always;'", "", &["error DU012", "note DU012"])]
#[case::a_map("http-snippet: 'map $request_method $no { OPTIONS 1; default 0; }', server-snippet: 'if ($no) { return 405; }'", "", &["error DU020"])]
#[case::a_map_of_others("http-snippet: 'map $request_method $no { TRACE 1; default 0; }', server-snippet: 'if ($no) { return 405; }'", "", &[])]
#[case::a_text_of_others("http-snippet: 'limit_req_zone $binary_remote_addr zone=z:1m rate=9r/s;'", "", &[])]
#[case::hides("hide-headers: 'Server, Access-Control-Allow-Origin'", "", &["error DU012"])]
#[case::hides_another("hide-headers: Server", "", &[])]
#[case::replaces("add-headers: i/headers", "Access-Control-Allow-Origin: 'https://e.example'", &["error DU012"])]
#[case::takes_the_origin("proxy-set-headers: i/headers", "Origin: ''", &["error DU012"])]
#[case::adds_another("proxy-set-headers: i/headers", "X-Request-Start: t", &[])]
fn ingress_nginxs_own_map(#[case] data: &str, #[case] headers: &str, #[case] expected: &[&str]) {
    let map = format!("{}data: {{{headers}}}\n---\n", controllers(data));
    assert_eq!(found(&format!("{}{}{map}", to_glance(), to_dashboard(""))), expected, "{map}");
}

#[test]
fn an_ingress_switches_the_common_login_off() {
    let annotations = format!("{OPEN}, nginx.ingress.kubernetes.io/enable-global-auth: 'false'");
    let map = format!("{}data: {{}}\n---\n", controllers("global-auth-url: 'https://login.example'"));
    let own = ingress("glance", "g.example", "glance-api", 9292, "/", &annotations);
    assert_eq!(found(&format!("{own}{}{map}", to_dashboard(""))), [""; 0]);
}

/// The path that Glance gets must be the one of an upload.
#[rstest]
#[case::as_it_is("https://g.example", &to_glance(), &[])]
#[case::the_same_target("https://g.example", &rewriting("/", "/"), &[])]
#[case::all_to_the_root("https://g.example/image", &rewriting("/image", "/"), &["error DU020"])]
#[case::the_rest("https://g.example/image", &rewriting("/image(/|$)(.*)", "/$2"), &[])]
#[case::the_wrong_part("https://g.example/image", &rewriting("/image(/|$)(.*)", "/$1"), &["error DU020"])]
#[case::not_the_published_path("https://g.example", &rewriting("/image(/|$)(.*)", "/$2"), &["error DU020"])]
#[case::whole("https://g.example", &route("/", "{type: ReplaceFullPath, replaceFullPath: /}"), &["error DU020"])]
#[case::prefix("https://g.example/image", &route("/image", "{type: ReplacePrefixMatch, replacePrefixMatch: /}"), &[])]
#[case::another_prefix("https://g.example", &route("/v2", "{type: ReplacePrefixMatch, replacePrefixMatch: /}"), &["error DU020"])]
#[case::istios("https://g.example/image", &service("/image/", "/"), &[])]
#[case::istios_version("https://g.example", &service("/v2/", "/"), &["error DU020"])]
#[case::openshifts("https://g.example", "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: glance, namespace: o, annotations: {haproxy.router.openshift.io/timeout: 1h}}\nspec: {host: g.example, path: /image, to: {kind: Service, name: glance-api}, tls: {termination: edge}}\n---\n", &["error DU020"])]
#[case::openshifts_whole_host("https://g.example", "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: glance, namespace: o, annotations: {haproxy.router.openshift.io/timeout: 1h}}\nspec: {host: g.example, to: {kind: Service, name: glance-api}, tls: {termination: edge}}\n---\n", &[])]
fn paths_that_routes_rewrite(#[case] url: &str, #[case] way: &str, #[case] expected: &[&str]) {
    let text = format!("{}{}{way}{}", base(), catalog(url), to_dashboard(""));
    assert_eq!(found_in(&[("cloud.yaml", &text)], Some("2025.1")), expected, "{way}");
}

fn rewriting(path: &str, target: &str) -> String {
    let annotations = format!("{OPEN}, nginx.ingress.kubernetes.io/rewrite-target: '{target}'");
    ingress("glance", "g.example", "glance-api", 9292, path, &annotations)
}

fn route(prefix: &str, path: &str) -> String {
    format!(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: o}}\nspec: {{gatewayClassName: x, listeners: [{{name: a, protocol: HTTPS, port: 443, tls: {{certificateRefs: [{{name: t}}]}}}}]}}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {{name: glance, namespace: o}}\nspec: {{parentRefs: [{{name: gw}}], hostnames: [g.example], rules: [{{matches: [{{path: {{type: PathPrefix, value: {prefix}}}}}], filters: [{{type: URLRewrite, urlRewrite: {{path: {path}}}}}], timeouts: {{request: 0s}}, backendRefs: [{{name: glance-api, port: 9292}}]}}]}}\n---\n"
    )
}

fn service(prefix: &str, uri: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: gw, namespace: o}}\nspec: {{servers: [{{port: {{number: 443, name: s, protocol: HTTPS}}, tls: {{mode: SIMPLE, credentialName: t}}, hosts: ['*']}}]}}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: glance, namespace: o}}\nspec: {{hosts: [g.example], gateways: [gw], http: [{{match: [{{uri: {{prefix: {prefix}}}}}], rewrite: {{uri: {uri}}}, route: [{{destination: {{host: glance-api, port: {{number: 9292}}}}}}]}}]}}\n---\n"
    )
}

/// What the input lacks of a way to Glance makes the verdict incomplete.
#[rstest]
#[case::a_route(&to_glance(), "", None)]
#[case::no_route("", "", Some("https://g.example (cloud.yaml:"))]
#[case::no_route_is_named("", "", Some("no Ingress or other route in the input leads to Glance"))]
#[case::connections(
    "apiVersion: v1\nkind: Service\nmetadata: {name: glance-public, namespace: o}\nspec: {type: LoadBalancer, selector: {app: glance-api}, ports: [{port: 443, targetPort: 9292}]}\n---\n",
    "",
    Some("what ends TLS before Glance; Service o/glance-public")
)]
#[case::headers_that_are_not_there(&to_glance(), &controllers("add-headers: i/others"), Some("ConfigMap i/others, whose headers it adds"))]
#[case::a_filter(&filtered(), "", Some("check does not read Foo f, which filters its requests"))]
#[case::of_openshifts_router(&to_glance(), "apiVersion: operator.openshift.io/v1\nkind: IngressController\nmetadata: {name: default, namespace: openshift-ingress-operator}\nspec: {httpHeaders: {actions: {response: [{name: X, action: {type: Delete}}]}}}\n---\n", Some("what its httpHeaders do to each Route"))]
fn ways_that_are_not_seen(#[case] way: &str, #[case] more: &str, #[case] expected: Option<&str>) {
    let text = format!("{}{}{way}{}{more}", base(), catalog("https://g.example"), to_dashboard(""));
    let text = Text { name: "cloud.yaml".into(), text, named: false };
    let release = Some("2025.1".parse().unwrap());
    let (input, errors) = check::manifests::sort(vec![text], release, jiff::Timestamp::UNIX_EPOCH);
    assert!(errors.is_empty(), "{errors:?}");
    let unseen = check::check(input).unseen;
    match expected {
        None => assert_eq!(unseen, [""; 0]),
        Some(words) => assert!(unseen.iter().any(|what| what.contains(words)), "{unseen:#?}"),
    }
}

fn filtered() -> String {
    route("/", "{type: ReplacePrefixMatch, replacePrefixMatch: /}")
        .replace("filters: [", "filters: [{type: ExtensionRef, extensionRef: {group: x.example, kind: Foo, name: f}}, ")
}
