//! What is between the browser and Glance: ports, TLS, policies of gateways, legacy uploads.

use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, SETTINGS, found_in};

pub(super) const HORIZON: &str = "etc/apache2/sites-enabled/horizon.conf";

pub(super) fn horizon(port: u16, tls: bool, lines: &str) -> String {
    let engine = if tls { "SSLEngine on\n" } else { "" };
    format!(
        "<VirtualHost *:{port}>\nServerName d.example\n{engine}WSGIScriptAlias / /openstack_dashboard/wsgi.py\n{lines}\n</VirtualHost>\n"
    )
}

/// The origin has the port on which browsers load the dashboard.
#[rstest]
#[case::another_port(8443, true, GOOD, &["error DU002"])]
#[case::listed_with_it(8443, true, "[cors]\nallowed_origin = https://d.example:8443\n", &[])]
#[case::https(443, true, GOOD, &[])]
// A server in front of it ends TLS, on its own port.
#[case::behind_something(8080, false, GOOD, &[])]
fn the_dashboards_port_is_part_of_its_origin(
    #[case] port: u16,
    #[case] tls: bool,
    #[case] conf: &str,
    #[case] expected: &[&str],
) {
    assert_eq!(found_in(&[(HORIZON, &horizon(port, tls, "")), DASHBOARD, (CONF, conf)], Some("2025.1")), expected);
}

/// kolla-ansible's dashboard serves any host: the port alone is known.
#[rstest]
#[case::another(":8443 ssl crt d.pem", "https://d.example", &["warning DU002"])]
#[case::listed(":8443 ssl crt d.pem", "https://d.example:8443", &[])]
#[case::usual(":443 ssl crt d.pem", "https://d.example", &[])]
#[case::plain(":8080", "https://d.example", &[])]
fn a_port_is_known_where_the_name_is_not(#[case] bind: &str, #[case] origin: &str, #[case] expected: &[&str]) {
    let conf = format!("[cors]\nallowed_origin = {origin}\n");
    let settings = "ALLOWED_HOSTS = ['*']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    let haproxy = haproxy(bind, ":9292 ssl crt d.pem");
    let files = [("etc/haproxy/haproxy.cfg", haproxy.as_str()), (SETTINGS, settings), (CONF, &conf)];
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

fn haproxy(dashboard: &str, glance: &str) -> String {
    format!(
        "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend horizon\n  bind {dashboard}\n  default_backend horizon-back\nbackend horizon-back\n  server h 192.0.2.1:80\nfrontend images\n  bind {glance}\n  default_backend glance-back\nbackend glance-back\n  server g 192.0.2.2:9292\n"
    )
}

#[rstest]
#[case::plain(":443 ssl crt d.pem", ":9292", &["error DU009"])]
#[case::both(":443 ssl crt d.pem", ":9292 ssl crt d.pem", &[])]
#[case::inside_and_outside(":443 ssl crt d.pem", "192.0.2.9:9292\n  bind 203.0.113.9:9292 ssl crt d.pem", &[])]
#[case::neither(":80", ":9292", &[])]
#[case::the_port(":8443 ssl crt d.pem", ":9292 ssl crt d.pem", &["error DU002"])]
fn a_proxy_ends_tls_before_both_or_none(#[case] dashboard: &str, #[case] glance: &str, #[case] expected: &[&str]) {
    let conf = ("etc/haproxy/haproxy.cfg", &*haproxy(dashboard, glance));
    assert_eq!(found_in(&[conf, DASHBOARD, (CONF, GOOD)], Some("2025.1")), expected);
}

/// A section's own mode counts, not that of its defaults (HAProxy, `mode`).
#[test]
fn a_section_of_haproxy_has_its_own_mode() {
    let text = haproxy(":443 ssl crt d.pem", ":9292").replace("mode http", "mode tcp");
    let text = text
        .replace("frontend horizon\n", "frontend horizon\n  mode http\n")
        .replace("frontend images\n", "frontend images\n  mode http\n");
    assert_eq!(
        found_in(&[("etc/haproxy/haproxy.cfg", &text), DASHBOARD, (CONF, GOOD)], Some("2025.1")),
        ["error DU009"]
    );
}

#[rstest]
#[case("http://glance.example:9292", &["error DU009"])]
#[case("https://glance.example:9292", &[])]
fn glances_own_word_counts_where_nothing_else_is_said(#[case] url: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\npublic_endpoint = {url}\n{GOOD}");
    let found = found_in(&[(HORIZON, &horizon(443, true, "")), DASHBOARD, (CONF, &conf)], Some("2025.1"));
    assert_eq!(found, expected);
}

fn gateway(rule: &str, objects: &str) -> Vec<String> {
    found_in(&[("cloud.yaml", &cloud(rule, objects))], None)
}

/// A cloud of Kubernetes with these objects, and this rule of Glance's HTTPRoute.
pub(super) fn cloud(rule: &str, objects: &str) -> String {
    format!(
        "apiVersion: v1
kind: ConfigMap
metadata: {{name: glance-etc, namespace: o}}
data:
  glance-api.conf: |
    [cors]
    allowed_origin = https://d.example
    allow_headers = X-Auth-Token,X-CSRFToken
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: glance-api, namespace: o}}
spec:
  selector: {{matchLabels: {{app: glance}}}}
  template:
    metadata: {{labels: {{app: glance}}}}
    spec:
      containers:
      - name: glance-api
        image: x/glance:2026.1
        volumeMounts: [{{name: c, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}}]
      volumes: [{{name: c, configMap: {{name: glance-etc}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: glance-api, namespace: o}}
spec: {{selector: {{app: glance}}, ports: [{{port: 9292}}]}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: horizon-etc, namespace: o}}
data:
  local_settings: |
    HORIZON_IMAGES_UPLOAD_MODE = 'direct'
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: horizon, namespace: o}}
spec:
  selector: {{matchLabels: {{app: horizon}}}}
  template:
    metadata: {{labels: {{app: horizon}}}}
    spec:
      containers:
      - name: horizon
        image: x/horizon:2026.1
        volumeMounts: [{{name: c, mountPath: /etc/openstack-dashboard/local_settings, subPath: local_settings}}]
      volumes: [{{name: c, configMap: {{name: horizon-etc}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: horizon, namespace: o}}
spec: {{selector: {{app: horizon}}, ports: [{{port: 80}}]}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: gw, namespace: g}}
spec:
  gatewayClassName: eg
  listeners:
  - {{name: glance, port: 443, protocol: HTTPS, hostname: g.example, allowedRoutes: {{namespaces: {{from: All}}}}, tls: {{certificateRefs: [{{name: c}}]}}}}
  - {{name: horizon, port: 443, protocol: HTTPS, hostname: d.example, allowedRoutes: {{namespaces: {{from: All}}}}, tls: {{certificateRefs: [{{name: c}}]}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: horizon, namespace: o}}
spec:
  hostnames: [d.example]
  parentRefs: [{{name: gw, namespace: g, sectionName: horizon}}]
  rules: [{{backendRefs: [{{name: horizon, port: 80}}]}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: glance, namespace: o}}
spec:
  hostnames: [g.example]
  parentRefs: [{{name: gw, namespace: g, sectionName: glance}}]
  rules:
  - backendRefs: [{{name: glance-api, port: 9292}}]
    {rule}
---
{objects}
"
    )
}

pub(super) const NO_LIMIT: &str = "timeouts: {request: 0s}";

fn policy(kind: &str, target: &str, spec: &str) -> String {
    let namespace = if target.contains("Gateway") { "g" } else { "o" };
    format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: {kind}\nmetadata: {{name: p, namespace: {namespace}}}\nspec:\n  targetRefs: [{target}]\n  {spec}\n"
    )
}

const ROUTE: &str = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: glance}";
const OTHER_ROUTE: &str = "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: horizon}";
const GATEWAY: &str = "{group: gateway.networking.k8s.io, kind: Gateway, name: gw}";
const LISTENER: &str = "{group: gateway.networking.k8s.io, kind: Gateway, name: gw, sectionName: glance}";
const OTHER_LISTENER: &str = "{group: gateway.networking.k8s.io, kind: Gateway, name: gw, sectionName: horizon}";

#[rstest]
#[case::whole("ClientTrafficPolicy", GATEWAY, "timeout: {http: {requestReceivedTimeout: 60s}}", &["error DU015"])]
#[case::whole_of_the_listener("ClientTrafficPolicy", LISTENER, "timeout: {http: {requestReceivedTimeout: 60s}}", &["error DU015"])]
#[case::of_another_listener("ClientTrafficPolicy", OTHER_LISTENER, "timeout: {http: {requestReceivedTimeout: 60s}}", &[])]
#[case::long("ClientTrafficPolicy", GATEWAY, "timeout: {http: {requestReceivedTimeout: 4h}}", &[])]
#[case::no_limit("ClientTrafficPolicy", GATEWAY, "timeout: {http: {requestReceivedTimeout: 0s}}", &[])]
#[case::between_requests("ClientTrafficPolicy", GATEWAY, "timeout: {http: {idleTimeout: 5s}}", &[])]
#[case::silence("ClientTrafficPolicy", GATEWAY, "timeout: {http: {streamIdleTimeout: 10s}}", &["warning DU015"])]
#[case::stream("ClientTrafficPolicy", GATEWAY, "connection: {connectionLimit: {maxStreamDuration: 60s}}", &["error DU015"])]
#[case::the_route_states_it("BackendTrafficPolicy", ROUTE, "timeout: {http: {requestTimeout: 30s}}", &[])]
#[case::buffer("BackendTrafficPolicy", ROUTE, "requestBuffer: {limit: 10Mi}", &["error DU014"])]
#[case::buffer_of_all("BackendTrafficPolicy", GATEWAY, "requestBuffer: {limit: 10Mi}", &["error DU014"])]
#[case::of_another("BackendTrafficPolicy", OTHER_ROUTE, "requestBuffer: {limit: 10Mi}", &[])]
fn policies_of_envoy_gateway(#[case] kind: &str, #[case] target: &str, #[case] spec: &str, #[case] expected: &[&str]) {
    assert_eq!(gateway(NO_LIMIT, &policy(kind, target, spec)), expected);
}

/// Glance's lists of methods and headers reach the browser whole.
#[rstest]
#[case::other_headers("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: Access-Control-Allow-Headers, value: Content-Type}]}}]", &["error DU012"])]
#[case::all_headers("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {set: [{name: Access-Control-Allow-Headers, value: 'Content-Type, X-Auth-Token'}]}}]", &[])]
#[case::no_methods("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [access-control-allow-methods]}}]", &["error DU012"])]
#[case::another_header("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [server]}}]", &[])]
#[case::more("filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {add: [{name: Access-Control-Allow-Headers, value: X-Other}]}}]", &[])]
#[case::redirected("filters: [{type: RequestRedirect, requestRedirect: {hostname: images.example, statusCode: 301}}]", &["error DU020"])]
fn what_a_route_makes_of_the_lists(#[case] filters: &str, #[case] expected: &[&str]) {
    assert_eq!(gateway(&format!("{NO_LIMIT}\n    {filters}"), ""), expected);
}

/// A certificate of the browser, which a preflight does not have.
#[rstest]
#[case::demanded("tls: {clientValidation: {caCertificateRefs: [{name: ca}]}}", &["error DU020"])]
#[case::optional("tls: {clientValidation: {optional: true, caCertificateRefs: [{name: ca}]}}", &[])]
fn certificates_that_a_gateway_demands(#[case] spec: &str, #[case] expected: &[&str]) {
    assert_eq!(gateway(NO_LIMIT, &policy("ClientTrafficPolicy", GATEWAY, spec)), expected);
}

pub(super) fn published(url: &str) -> String {
    format!(
        "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: glance-ks-endpoints, namespace: o}}\nspec:\n  template:\n    spec:\n      containers:\n      - name: image-ks-endpoints-public\n        env:\n        - {{name: OS_SVC_ENDPOINT, value: public}}\n        - {{name: OS_SERVICE_TYPE, value: image}}\n        - {{name: OS_SERVICE_ENDPOINT, value: '{url}'}}\n"
    )
}

/// The path that the catalog says is one that the route takes.
#[rstest]
#[case::any("", "https://g.example", &[])]
#[case::the_root("matches: [{path: {type: PathPrefix, value: /}}]", "https://g.example", &[])]
#[case::the_version("matches: [{path: {type: PathPrefix, value: /v2}}]", "https://g.example", &[])]
#[case::another_version("matches: [{path: {type: PathPrefix, value: /v1}}]", "https://g.example", &["error DU020"])]
#[case::part_of_a_name("matches: [{path: {type: PathPrefix, value: /v2/image}}]", "https://g.example", &["error DU020"])]
#[case::one_of_two("matches: [{path: {type: PathPrefix, value: /v1}}, {path: {type: PathPrefix, value: /v2}}]", "https://g.example", &[])]
#[case::below_a_path_that_stays("matches: [{path: {type: PathPrefix, value: /image}}]", "https://g.example/image", &["error DU020"])]
#[case::not_below_it("matches: [{path: {type: PathPrefix, value: /image}}]", "https://g.example", &["error DU020"])]
fn routes_take_the_published_path(#[case] matches: &str, #[case] url: &str, #[case] expected: &[&str]) {
    assert_eq!(gateway(&format!("{NO_LIMIT}\n    {matches}"), &published(url)), expected);
}

/// Only the nearer policy applies.
#[test]
fn a_listeners_policy_replaces_the_gateways() {
    let both = format!(
        "{}---\n{}",
        policy("ClientTrafficPolicy", GATEWAY, "timeout: {http: {requestReceivedTimeout: 60s}}"),
        policy("ClientTrafficPolicy", LISTENER, "timeout: {http: {requestReceivedTimeout: 0s}}")
            .replace("name: p,", "name: q,")
    );
    assert_eq!(gateway(NO_LIMIT, &both), [""; 0]);
}

#[rstest]
// The standard leaves to the gateway whether the body counts.
#[case::short("timeouts: {request: 30s}", "", &["warning DU015"])]
#[case::none(NO_LIMIT, "", &[])]
#[case::of_a_short_policy("filters: []", &policy("BackendTrafficPolicy", ROUTE, "timeout: {http: {requestTimeout: 30s}}"), &["warning DU015"])]
#[case::of_the_policy("filters: []", &policy("BackendTrafficPolicy", ROUTE, "timeout: {http: {requestTimeout: 0s}}"), &[])]
#[case::methods("timeouts: {request: 0s}\n    matches: [{method: GET}, {method: PUT}]", "", &["error DU020"])]
#[case::methods_without_put("timeouts: {request: 0s}\n    matches: [{method: GET}, {method: OPTIONS}]", "", &["error DU020"])]
#[case::methods_with_both("timeouts: {request: 0s}\n    matches: [{method: PUT}, {method: OPTIONS}]", "", &[])]
#[case::a_match_of_any("timeouts: {request: 0s}\n    matches: [{method: GET}, {path: {value: /}}]", "", &[])]
fn an_http_route(#[case] rule: &str, #[case] objects: &str, #[case] expected: &[&str]) {
    assert_eq!(gateway(rule, objects), expected);
}

#[rstest]
#[case::timeout("timeout: 15s", &["warning DU015"])]
#[case::none("retries: {attempts: 0}", &[])]
#[case::methods("match: [{method: {exact: GET}}, {method: {regex: PUT|POST}}]", &[])]
fn a_virtual_service(#[case] rule: &str, #[case] expected: &[&str]) {
    let object = format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: glance, namespace: o}}\nspec:\n  hosts: [g.example]\n  http:\n  - route: [{{destination: {{host: glance-api.o.svc.cluster.local}}}}]\n    {rule}\n"
    );
    assert_eq!(gateway(NO_LIMIT, &object), expected);
}

/// Istio's own authorization: at Glance's pods, at the gateway of its VirtualService, and elsewhere.
#[rstest]
#[case::denied("app: glance", "action: DENY, rules: [{to: [{operation: {methods: [PUT, DELETE]}}]}]", &["error DU020"])]
#[case::denied_without_a_token("app: glance", "action: DENY, rules: [{when: [{key: 'request.headers[x-auth-token]', notValues: ['*']}]}]", &["error DU020"])]
#[case::denied_without_a_login("app: glance", "action: DENY, rules: [{from: [{source: {notRequestPrincipals: ['*']}}]}]", &["error DU020"])]
#[case::denied_elsewhere("app: glance", "action: DENY, rules: [{to: [{operation: {paths: ['/v2/metadefs*']}}]}]", &[])]
#[case::denied_addresses("app: glance", "action: DENY, rules: [{from: [{source: {ipBlocks: [192.0.2.0/24]}}]}]", &[])]
#[case::allowed_methods("app: glance", "rules: [{to: [{operation: {methods: [GET, POST, OPTIONS]}}]}]", &["error DU020"])]
#[case::all_allowed_methods("app: glance", "rules: [{to: [{operation: {methods: [GET, PUT, OPTIONS]}}]}]", &[])]
#[case::allowed_logins("app: glance", "rules: [{from: [{source: {requestPrincipals: ['*']}}]}]", &["error DU020"])]
#[case::allowed_peers("app: glance", "rules: [{from: [{source: {principals: [cluster.local/ns/istio-ingress/sa/gateway]}}]}]", &[])]
#[case::nothing_allowed("app: glance", "{}", &["error DU020"])]
#[case::an_authorizer("app: glance", "action: CUSTOM, provider: {name: oauth2}, rules: [{}]", &["warning DU020"])]
#[case::other_pods("app: horizon", "action: DENY, rules: [{to: [{operation: {methods: [PUT]}}]}]", &[])]
fn an_authorization_policy(#[case] labels: &str, #[case] spec: &str, #[case] expected: &[&str]) {
    let spec = if spec == "{}" { String::new() } else { format!(", {spec}") };
    let object = format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p, namespace: o}}\nspec: {{selector: {{matchLabels: {{{labels}}}}}{spec}}}\n"
    );
    assert_eq!(gateway(NO_LIMIT, &object), expected, "{spec}");
}

const ANSWERS: &str = "allowOrigins: ['https://d.example'], allowMethods: [GET, PUT, OPTIONS], allowHeaders: [content-type, x-auth-token, x-csrftoken]";

/// A gateway that answers preflights itself: Glance needs no `[cors]`, but every dashboard's origin is the gateway's
/// business then. The Gateway API calls its filter Extended, so a controller may leave it out (cilium/cilium#45272).
#[rstest]
#[case::a_filter(&format!("{NO_LIMIT}\n    filters: [{{type: CORS, cors: {{{ANSWERS}}}}}]"), "", &["warning DU002"], true)]
#[case::a_filter_of_another(&format!("{NO_LIMIT}\n    filters: [{{type: CORS, cors: {{allowOrigins: ['https://e.example']}}}}]"), "", &["error DU002", "error DU012"], false)]
#[case::a_policy(NO_LIMIT, &policy("SecurityPolicy", ROUTE, &format!("cors: {{{ANSWERS}}}")), &["warning DU002"], false)]
#[case::a_policy_of_the_gateway(NO_LIMIT, &policy("SecurityPolicy", GATEWAY, &format!("cors: {{{ANSWERS}}}")), &["warning DU002"], false)]
#[case::a_policy_of_another(NO_LIMIT, &policy("SecurityPolicy", OTHER_ROUTE, &format!("cors: {{{ANSWERS}}}")), &["error DU002"], false)]
#[case::nothing(NO_LIMIT, "", &["error DU002"], false)]
fn a_gateway_answers_instead_of_glance(
    #[case] rule: &str,
    #[case] objects: &str,
    #[case] expected: &[&str],
    #[case] unseen: bool,
) {
    let own = "    [cors]\n    allowed_origin = https://d.example\n    allow_headers = X-Auth-Token,X-CSRFToken\n";
    let text = cloud(rule, objects)
        .replace(own, "    [DEFAULT]\n    workers = 2\n    [paste_deploy]\n    flavor = keystone\n");
    assert_eq!(found_in(&[("cloud.yaml", &text)], None), expected);
    let report = crate::reports::report(&[("cloud.yaml", &text)]);
    assert_eq!(report.unseen.iter().any(|what| what.contains("carries out its CORS filter")), unseen, "{report:#?}");
    let with_own = found_in(&[("cloud.yaml", &cloud(rule, objects))], None);
    assert!(!with_own.iter().any(|line| line.contains("DU002")), "{with_own:?}");
}

/// What an authorizer decides is not seen, so nothing is fine.
#[rstest]
#[case::of_glance("app: glance", true)]
#[case::of_others("app: horizon", false)]
fn an_external_authorizer(#[case] labels: &str, #[case] unseen: bool) {
    let object = format!(
        "apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {{name: p, namespace: o}}\nspec: {{selector: {{matchLabels: {{{labels}}}}}, action: CUSTOM, provider: {{name: oauth2}}, rules: [{{}}]}}\n"
    );
    let report = crate::reports::report(&[("cloud.yaml", &cloud(NO_LIMIT, &object))]);
    let said = report.unseen.iter().any(|what| what.contains("external authorizer"));
    assert_eq!(said, unseen, "{report:#?}");
}

#[rstest]
#[case::of_the_token("X-Auth-Token", &["error DU020"])]
#[case::of_another("X-Jwt", &[])]
fn a_request_authentication(#[case] header: &str, #[case] expected: &[&str]) {
    let object = format!(
        "apiVersion: security.istio.io/v1\nkind: RequestAuthentication\nmetadata: {{name: p, namespace: o}}\nspec: {{selector: {{matchLabels: {{app: glance}}}}, jwtRules: [{{issuer: i, fromHeaders: [{{name: {header}}}]}}]}}\n"
    );
    assert_eq!(gateway(NO_LIMIT, &object), expected);
}

#[rstest]
#[case::another("https://other.example", &["error DU012"])]
#[case::the_dashboards("https://d.example", &["warning DU012"])]
fn a_route_that_sets_the_header(#[case] value: &str, #[case] expected: &[&str]) {
    let object = format!(
        "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {{name: glance, namespace: o, annotations: {{haproxy.router.openshift.io/timeout: 1h}}}}\nspec:\n  host: g2.example\n  tls: {{termination: edge}}\n  to: {{kind: Service, name: glance-api}}\n  httpHeaders: {{actions: {{response: [{{name: Access-Control-Allow-Origin, action: {{type: Set, set: {{value: '{value}'}}}}}}]}}}}\n"
    );
    assert_eq!(gateway(NO_LIMIT, &object), expected);
}

/// Legacy uploads pass the servers in front of the dashboard, and the server that runs Glance.
#[rstest]
#[case::httpds_default("", "ProxyPass / http://127.0.0.1:9292/", &["warning DU014"])]
#[case::a_limit("LimitRequestBody 1048576", "ProxyPass / http://127.0.0.1:9292/", &["error DU014"])]
#[case::fine("LimitRequestBody 0", "ProxyPass / http://127.0.0.1:9292/", &[])]
#[case::mod_wsgi("LimitRequestBody 0", "WSGIScriptAlias / /usr/bin/glance-wsgi-api\nLimitRequestBody 0", &["error DU022"])]
#[case::mod_wsgi_with_chunks("LimitRequestBody 0", "WSGIScriptAlias / /usr/bin/glance-wsgi-api\nLimitRequestBody 0\nWSGIChunkedRequest On", &[])]
#[case::uwsgi("LimitRequestBody 0", "ProxyPass / uwsgi://127.0.0.1:9292/\nLimitRequestBody 0", &["error DU022"])]
fn legacy_uploads(#[case] own: &str, #[case] glance: &str, #[case] expected: &[&str]) {
    let settings = "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n";
    let glance = format!("<VirtualHost *:443>\nServerName glance.example\nSSLEngine on\n{glance}\n</VirtualHost>\n");
    let files = [
        (HORIZON, &*horizon(443, true, own)),
        ("etc/apache2/sites-enabled/glance.conf", &*glance),
        (SETTINGS, settings),
        (CONF, "[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n"),
    ];
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

#[rstest]
#[case::nginx(
    "etc/nginx/nginx.conf",
    "http { log_format a '$remote_addr $http_x_auth_token'; }\nserver { location / { proxy_pass http://keystone; } }\n",
    true
)]
#[case::nginx_without(
    "etc/nginx/nginx.conf",
    "http { log_format a '$remote_addr'; }\nserver { location / { proxy_pass http://keystone; } }\n",
    false
)]
#[case::httpd(
    "etc/apache2/conf-enabled/log.conf",
    "<IfModule log_config_module>\nLogFormat \"%h %{X-Auth-Token}i\" a\n</IfModule>\n",
    true
)]
#[case::httpd_without(
    "etc/apache2/conf-enabled/log.conf",
    "<IfModule log_config_module>\nLogFormat \"%h %{Referer}i\" a\n</IfModule>\n",
    false
)]
#[case::haproxy(
    "etc/haproxy/haproxy.cfg",
    "frontend a\n  bind :80\n  capture request header X-Auth-Token len 64\n",
    true
)]
#[case::haproxy_rule(
    "etc/haproxy/haproxy.cfg",
    "frontend a\n  bind :80\n  http-request capture req.hdr(X-Auth-Token) len 64\n",
    true
)]
#[case::haproxy_without(
    "etc/haproxy/haproxy.cfg",
    "frontend a\n  bind :80\n  capture request header Host len 64\n",
    false
)]
fn a_log_that_keeps_tokens(#[case] name: &str, #[case] text: &str, #[case] found: bool) {
    let findings = found_in(&[(name, text), DASHBOARD, (CONF, GOOD)], Some("2025.1"));
    assert_eq!(findings.iter().any(|line| line == "warning DU025"), found, "{findings:?}");
}

/// A second name of the dashboard, in its settings and in its server.
#[rstest]
#[case::only_one_is_allowed("ServerAlias e.example", "https://d.example", &["warning DU002"])]
#[case::both_are("ServerAlias e.example", "https://d.example,https://e.example", &[])]
#[case::of_the_settings_only("", "https://d.example", &[])]
#[case::it_redirects("ServerAlias e.example\nRewriteEngine On\nRewriteCond %{HTTP_HOST} =e.example\nRewriteRule ^(.*)$ https://d.example$1 [R=301,L]", "https://d.example", &[])]
fn each_name_of_the_dashboard_is_an_origin(#[case] lines: &str, #[case] allowed: &str, #[case] expected: &[&str]) {
    let conf = format!("[cors]\nallowed_origin = {allowed}\n");
    let settings = "ALLOWED_HOSTS = ['d.example', 'e.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    let files = [(HORIZON, &*horizon(443, true, lines)), (SETTINGS, settings), (CONF, &conf)];
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

/// The same where Django serves each name.
#[rstest]
#[case::only_one_is_allowed("ServerAlias e.example", "https://d.example", &["warning DU002"])]
#[case::both_are("ServerAlias e.example", "https://d.example,https://e.example", &[])]
#[case::of_machines("ServerAlias localhost e", "https://d.example", &[])]
#[case::it_redirects("ServerAlias e.example\nRewriteEngine On\nRewriteCond %{HTTP_HOST} =e.example\nRewriteRule ^(.*)$ https://d.example$1 [R=301,L]", "https://d.example", &[])]
fn each_name_of_the_dashboards_server_is_an_origin(
    #[case] lines: &str,
    #[case] allowed: &str,
    #[case] expected: &[&str],
) {
    let conf = format!("[cors]\nallowed_origin = {allowed}\n");
    let settings = "ALLOWED_HOSTS = ['*']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    let files = [(HORIZON, &*horizon(443, true, lines)), (SETTINGS, settings), (CONF, &conf)];
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

/// Nothing publishes Glance's URL, but its port is known: a source without a port has the ports of its scheme.
#[rstest]
#[case::host("'self' d.example", &["error DU013"])]
#[case::host_and_port("'self' d.example:9292", &[])]
#[case::host_and_any_port("d.example:*", &[])]
#[case::another_port("https://d.example:8774", &["error DU013"])]
#[case::scheme("https:", &[])]
#[case::everything("*", &[])]
fn a_policy_must_have_glances_port(#[case] sources: &str, #[case] expected: &[&str]) {
    let policy =
        format!(":443 ssl crt d.pem\n  http-response set-header Content-Security-Policy \"connect-src {sources}\"");
    let conf = ("etc/haproxy/haproxy.cfg", &*haproxy(&policy, ":9292 ssl crt d.pem"));
    assert_eq!(found_in(&[conf, DASHBOARD, (CONF, GOOD)], Some("2025.1")), expected);
}

/// In legacy mode images pass through the dashboard's own proxy.
#[rstest]
#[case::small("legacy", "http-request deny if { req.hdr_val(content-length) gt 1000000 }", &["error DU014"])]
#[case::body_size("legacy", "http-request deny if { req.body_size gt 1000000 }", &["error DU014"])]
#[case::large("legacy", "http-request deny if { req.hdr_val(content-length) gt 1099511627776 }", &[])]
#[case::of_any_length("legacy", "http-request deny if METH_PUT", &[])]
#[case::direct("direct", "http-request deny if { req.hdr_val(content-length) gt 1000000 }", &[])]
fn a_proxy_of_the_dashboard_may_refuse_lengths(#[case] mode: &str, #[case] line: &str, #[case] expected: &[&str]) {
    let settings = format!("ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = '{mode}'\n");
    let conf = haproxy(&format!(":443 ssl crt d.pem\n  {line}"), ":9292 ssl crt d.pem");
    let files = [("etc/haproxy/haproxy.cfg", &*conf), (SETTINGS, &*settings), (CONF, GOOD)];
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

/// HAProxy's own names do not say what it serves, but the port to which it leads does (charms: 443 leads to 433).
#[rstest]
#[case::the_dashboards(433, &[])]
#[case::nobodys(434, &["error DU002"])]
fn a_port_says_whose_proxy_it_is(#[case] port: u16, #[case] expected: &[&str]) {
    let proxy = format!(
        "defaults\n  mode tcp\n  timeout client 1h\n  timeout server 1h\nlisten own_secure\n  bind *:443\n  server unit-0 192.0.2.1:{port} check\n"
    );
    let files = [("etc/haproxy/haproxy.cfg", &*proxy), (HORIZON, &horizon(433, true, "")), DASHBOARD, (CONF, GOOD)];
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

/// A manifest of a Middleware may only lack in the input.
#[test]
fn a_middleware_that_is_not_in_the_files_may_exist() {
    let route = "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: r, namespace: o}\nspec: {entryPoints: [websecure], tls: {}, routes: [{match: Host(`g.example`), kind: Rule, services: [{name: glance-api, port: 9292}], middlewares: [{name: gone}]}]}\n";
    let found = gateway(NO_LIMIT, route);
    assert!(!found.iter().any(|own| own.ends_with("DU020")), "{found:?}");
}

/// Kubernetes makes no endpoint for a name that no container's port has.
#[rstest]
#[case::no_such_name("targetPort: api", "", &["error DU010"])]
#[case::a_name("targetPort: api", "ports: [{name: api, containerPort: 9292}]", &[])]
#[case::another_name("targetPort: api", "ports: [{name: http, containerPort: 9292}]", &["error DU010"])]
#[case::a_number("targetPort: 9292", "", &[])]
#[case::a_declared_number("targetPort: 9292", "ports: [{containerPort: 9292}]", &[])]
#[case::another_number("targetPort: 9393", "ports: [{containerPort: 9292}]", &["warning DU010"])]
#[case::nothing("name: api", "", &[])]
fn a_service_must_have_a_port_of_glances_pods(#[case] target: &str, #[case] ports: &str, #[case] expected: &[&str]) {
    let text = cloud(NO_LIMIT, "")
        .replace("ports: [{port: 9292}]", &format!("ports: [{{port: 9292, {target}}}]"))
        .replace("image: x/glance:2026.1\n", &format!("image: x/glance:2026.1\n        {ports}\n"));
    assert_eq!(found_in(&[("cloud.yaml", &text)], None), expected);
}

/// Of several backends those with another weight get the requests; if all have 0, nobody does.
#[rstest]
#[case::nothing("{name: glance-api, port: 9292, weight: 0}", &["error DU020"])]
#[case::of_two("{name: glance-api, port: 9292}, {name: glance-new, port: 9292, weight: 0}", &[])]
#[case::the_other("{name: glance-api, port: 9292, weight: 0}, {name: glance-new, port: 9292, weight: 1}", &[])]
#[case::neither("{name: glance-api, port: 9292, weight: 0}, {name: glance-new, port: 9292, weight: 0}", &["error DU020"])]
#[case::some("{name: glance-api, port: 9292, weight: 7}", &[])]
fn weights_of_an_http_route(#[case] backends: &str, #[case] expected: &[&str]) {
    let text = cloud(NO_LIMIT, &published("https://g.example")).replace("{name: glance-api, port: 9292}", backends);
    assert_eq!(found_in(&[("cloud.yaml", &text)], None), expected);
}

/// Istio ignores the weight of a single destination, OpenShift and Traefik do not.
#[rstest]
#[case::istio("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: glance, namespace: o}\nspec: {hosts: [g.example], http: [{route: [{destination: {host: glance-api}, weight: 0}]}]}\n", &[])]
#[case::istio_of_two("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: glance, namespace: o}\nspec: {hosts: [g.example], http: [{route: [{destination: {host: glance-api}, weight: 0}, {destination: {host: glance-new}, weight: 0}]}]}\n", &["error DU020"])]
#[case::istio_of_one_of_two("apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: glance, namespace: o}\nspec: {hosts: [g.example], http: [{route: [{destination: {host: glance-api}, weight: 0}, {destination: {host: glance-new}, weight: 100}]}]}\n", &[])]
#[case::openshift("apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: glance, namespace: o, annotations: {haproxy.router.openshift.io/timeout: 1h}}\nspec: {host: g.example, tls: {termination: edge}, to: {kind: Service, name: glance-api, weight: 0}}\n", &["error DU020"])]
#[case::openshift_another("apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: glance, namespace: o, annotations: {haproxy.router.openshift.io/timeout: 1h}}\nspec: {host: g.example, tls: {termination: edge}, to: {kind: Service, name: glance-api, weight: 0}, alternateBackends: [{kind: Service, name: glance-new, weight: 100}]}\n", &[])]
#[case::openshift_some("apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: glance, namespace: o, annotations: {haproxy.router.openshift.io/timeout: 1h}}\nspec: {host: g.example, tls: {termination: edge}, to: {kind: Service, name: glance-api, weight: 100}}\n", &[])]
fn weights_of_other_routes(#[case] object: &str, #[case] expected: &[&str]) {
    let found = gateway(NO_LIMIT, object);
    let found: Vec<_> = found.iter().filter(|own| own.ends_with("DU020")).collect();
    assert_eq!(found, expected, "{object}");
}

/// A weighted service of Traefik, to which an IngressRoute leads.
#[rstest]
#[case::nothing("{name: glance-api, port: 9292, weight: 0}", true)]
#[case::some("{name: glance-api, port: 9292, weight: 1}", false)]
#[case::of_two("{name: glance-api, port: 9292, weight: 0}, {name: glance-new, port: 9292}", false)]
fn weights_of_a_traefik_service(#[case] services: &str, #[case] refused: bool) {
    let object = format!(
        "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {{name: r, namespace: o}}\nspec: {{entryPoints: [websecure], tls: {{}}, routes: [{{match: Host(`g.example`), kind: Rule, services: [{{kind: TraefikService, name: w}}]}}]}}\n---\napiVersion: traefik.io/v1alpha1\nkind: TraefikService\nmetadata: {{name: w, namespace: o}}\nspec: {{weighted: {{services: [{services}]}}}}\n"
    );
    let found = gateway(NO_LIMIT, &object);
    assert_eq!(found.iter().any(|own| own == "error DU020"), refused, "{found:?}");
}

/// Envoy Gateway's filters are read where they are among the objects.
#[rstest]
#[case::answers("{directResponse: {statusCode: 503}}", &["error DU020"], false)]
#[case::rewrites_the_path("{urlRewrite: {path: {type: ReplaceRegexMatch, replaceRegexMatch: {pattern: '^/v2/(.*)$', substitution: '/images/\\1'}}}}", &["error DU020"], false)]
#[case::takes_a_prefix_off("{urlRewrite: {path: {type: ReplaceRegexMatch, replaceRegexMatch: {pattern: '^/image/(.*)$', substitution: '/\\1'}}}}", &[], false)]
#[case::changes_the_host("{urlRewrite: {hostname: {type: Backend}}}", &[], false)]
#[case::replaces_the_token("{credentialInjection: {header: X-Auth-Token, overwrite: true, credential: {valueRef: {name: s}}}}", &["error DU020"], false)]
#[case::adds_a_login("{credentialInjection: {overwrite: true, credential: {valueRef: {name: s}}}}", &[], false)]
#[case::another_field("{other: {}}", &["warning DU020"], true)]
fn a_filter_of_envoy_gateway(#[case] spec: &str, #[case] expected: &[&str], #[case] unseen: bool) {
    let rule = format!(
        "{NO_LIMIT}\n    filters: [{{type: ExtensionRef, extensionRef: {{group: gateway.envoyproxy.io, kind: HTTPRouteFilter, name: f}}}}]"
    );
    let object = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: HTTPRouteFilter\nmetadata: {{name: f, namespace: o}}\nspec: {spec}\n"
    );
    assert_eq!(gateway(&rule, &object), expected, "{spec}");
    let report = crate::reports::report(&[("cloud.yaml", &cloud(&rule, &object))]);
    assert_eq!(report.unseen.iter().any(|what| what.contains("HTTPRouteFilter")), unseen, "{report:#?}");
}

/// The Django panel's upload has credentials, and gateways do not allow them by default.
#[rstest]
#[case::a_filter(&format!("{NO_LIMIT}\n    filters: [{{type: CORS, cors: {{{ANSWERS}}}}}]"), "", &["error DU024"])]
#[case::a_filter_that_allows(&format!("{NO_LIMIT}\n    filters: [{{type: CORS, cors: {{allowCredentials: true, {ANSWERS}}}}}]"), "", &[])]
#[case::a_policy(NO_LIMIT, &policy("SecurityPolicy", ROUTE, &format!("cors: {{{ANSWERS}}}")), &["error DU024"])]
#[case::a_policy_that_allows(NO_LIMIT, &policy("SecurityPolicy", ROUTE, &format!("cors: {{allowCredentials: true, {ANSWERS}}}")), &[])]
#[case::a_policy_of_another(NO_LIMIT, &policy("SecurityPolicy", OTHER_ROUTE, &format!("cors: {{{ANSWERS}}}")), &[])]
fn a_gateway_allows_credentials(#[case] rule: &str, #[case] objects: &str, #[case] expected: &[&str]) {
    let text = cloud(rule, objects);
    assert_eq!(found_in(&[("cloud.yaml", &text)], None), [""; 0], "the Angular panel's upload has none");
    let mode = "    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    let django = text.replace(mode, &format!("{mode}    ANGULAR_FEATURES = {{'images_panel': False}}\n"));
    assert_eq!(found_in(&[("cloud.yaml", &django)], None), expected);
}

/// Middlewares and routers in files of Traefik's file provider.
#[rstest]
#[case::nothing("", "headers: {frameDeny: true}", &[])]
#[case::cors("", "headers: {accessControlAllowOriginList: ['https://d.example'], accessControlAllowMethods: [GET, PUT], accessControlAllowHeaders: [Authorization]}", &["error DU012"])]
#[case::cors_without_put("", "headers: {accessControlAllowOriginList: ['https://d.example'], accessControlAllowMethods: [GET], accessControlAllowHeaders: [X-Auth-Token, Content-Type, X-CSRFToken]}", &["error DU012"])]
#[case::whole_cors("", "headers: {accessControlAllowOriginList: ['https://d.example'], accessControlAllowMethods: [GET, PUT], accessControlAllowHeaders: [X-Auth-Token, Content-Type, X-CSRFToken]}", &[])]
#[case::cors_of_another("", "headers: {accessControlAllowOriginList: ['https://e.example'], accessControlAllowMethods: [GET, PUT], accessControlAllowHeaders: ['*']}", &["error DU012"])]
#[case::login("", "basicAuth: {users: [a]}", &["error DU020"])]
#[case::limit("", "buffering: {maxRequestBodyBytes: 1000000}", &["error DU014"])]
#[case::buffers("", "buffering: {memRequestBodyBytes: 1000000}", &["warning DU015"])]
#[case::methods(" && (Method(`GET`) || Method(`PUT`))", "compress: {}", &["error DU020"])]
#[case::methods_with_both(" && (Method(`OPTIONS`) || Method(`PUT`))", "compress: {}", &[])]
fn files_of_traefik(#[case] rule: &str, #[case] middleware: &str, #[case] expected: &[&str]) {
    let text = format!(
        "http:\n  routers:\n    glance: {{rule: 'Host(`g.example`){rule}', entryPoints: [web], tls: {{}}, service: glance, middlewares: [m@file]}}\n  services:\n    glance: {{loadBalancer: {{servers: [{{url: 'http://127.0.0.1:9292'}}]}}}}\n  middlewares:\n    m: {{{middleware}}}\n"
    );
    let fixed = "entryPoints:\n  web: {address: ':443', transport: {respondingTimeouts: {readTimeout: 0}}}\n";
    let files = [("etc/traefik/traefik.yml", fixed), ("etc/traefik/dynamic/glance.yml", text.as_str())];
    let host = horizon(443, true, "");
    let files = [files.as_slice(), &[(HORIZON, host.as_str()), DASHBOARD, (CONF, GOOD)]].concat();
    let report = crate::reports::report(&files);
    let found: Vec<String> = report.findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect();
    assert_eq!(found, expected, "{report:#?}");
    assert!(!report.unseen.iter().any(|what| what.contains("does not read what m")), "{report:#?}");
}

/// ingress-nginx allows credentials unless an annotation says otherwise; with `*` browsers refuse them.
#[rstest]
#[case::by_default("cors-allow-origin: 'https://d.example'", false)]
#[case::off(
    "cors-allow-origin: 'https://d.example', nginx.ingress.kubernetes.io/cors-allow-credentials: 'false'",
    true
)]
#[case::any_origin("cors-allow-origin: '*'", true)]
#[case::no_origin("cors-max-age: '600'", true)]
fn ingress_nginx_allows_credentials(#[case] annotations: &str, #[case] refused: bool) {
    let ingress = format!(
        "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: i, namespace: o, annotations: {{nginx.ingress.kubernetes.io/proxy-body-size: '0', nginx.ingress.kubernetes.io/enable-cors: 'true', nginx.ingress.kubernetes.io/cors-allow-headers: 'X-Auth-Token,Content-Type,X-CSRFToken', nginx.ingress.kubernetes.io/{annotations}}}}}\nspec: {{ingressClassName: nginx, tls: [{{hosts: [g.example]}}], rules: [{{host: g.example, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: glance-api, port: {{number: 9292}}}}}}}}]}}}}]}}\n"
    );
    let text = cloud(NO_LIMIT, &ingress);
    let is_told = |text: &str| found_in(&[("cloud.yaml", text)], None).contains(&"error DU024".to_owned());
    assert!(!is_told(&text), "the Angular panel's upload has none");
    let mode = "    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    let django = text.replace(mode, &format!("{mode}    ANGULAR_FEATURES = {{'images_panel': False}}\n"));
    assert_eq!(is_told(&django), refused);
}
