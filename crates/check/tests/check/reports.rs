//! Kinds of faults that people reported in public, rebuilt with invented hosts: the verdict, the findings, and the
//! words that a person reads first.
//!
//! From: sapcc/helm-charts#11743, sapcc/openstack-helm#107, goharbor/harbor-helm#460, CanonicalLtd/microstack#86,
//! crowbar/crowbar-openstack#701, rcbops/rpc-openstack#2241, canonical/traefik-k8s-operator#719, vexxhost/atmosphere
//! (roles/glance), rackerlabs/genestack (custom-glance-gateway-route), guides on gnocchi's CORS and on nginx before
//! Glance; and this project's own mistakes.

use direct_upload_check as check;
use direct_upload_check::{Report, Text, Verdict};
use rstest::rstest;

pub fn report(files: &[(&str, &str)]) -> Report {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let (input, errors) = check::manifests::sort(
        files.iter().map(text).collect(),
        Some("2025.1".parse().unwrap()),
        jiff::Timestamp::UNIX_EPOCH,
    );
    assert!(errors.is_empty(), "{errors:?}");
    check::check(input)
}

pub fn found(report: &Report) -> Vec<String> {
    let mut found: Vec<_> = report.findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect();
    found.dedup();
    found
}

/// Verdict, findings, and words of the first one.
pub fn holds(report: &Report, verdict: Verdict, expected: &[&str], words: &str) {
    assert_eq!(
        (report.verdict(), found(report).as_slice()),
        (verdict, &*expected.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()),
        "{report:#?}"
    );
    let first = report.findings.first().map(|f| format!("{} | {}", f.found, f.fix)).unwrap_or_default();
    assert!(first.contains(words), "{first}");
}

pub const CONF: &str = "[DEFAULT]\npublic_endpoint = https://images.lab.example\n[cors]\nallowed_origin = https://dash.lab.example\nallow_headers = X-Auth-Token,X-CSRFToken\n[paste_deploy]\nflavor = keystone\n";
pub const SETTINGS: &str = "ALLOWED_HOSTS = ['dash.lab.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
const DASHBOARD: &str = "<VirtualHost *:443>\nServerName dash.lab.example\nSSLEngine on\nWSGIScriptAlias / /usr/share/openstack-dashboard/openstack_dashboard/wsgi.py\nLimitRequestBody 0\n</VirtualHost>\n";
const GLANCE: &str = "<VirtualHost *:443>\nServerName images.lab.example\nSSLEngine on\nProxyPass / http://127.0.0.1:9292/\n</VirtualHost>\n";

/// A cloud of files, with one of them changed.
pub fn cloud(conf: &str, settings: &str, before: (&str, &str)) -> Report {
    report(&[
        ("etc/glance/glance-api.conf", conf),
        ("etc/openstack-dashboard/local_settings.py", settings),
        ("etc/apache2/sites-enabled/horizon.conf", DASHBOARD),
        before,
    ])
}

pub const HTTPD: (&str, &str) = ("etc/apache2/sites-enabled/glance.conf", GLANCE);

#[rstest]
#[case::whole(CONF.to_owned(), &[], "")]
#[case::two_sections(
    CONF.replace("[paste_deploy]", "[cors]\nmax_age = 60\nallowed_origin = https://skyline.lab.example\n[paste_deploy]"),
    &["error DU002"],
    "etc/glance/glance-api.conf:4 has it, and a later allowed_origin replaces that"
)]
#[case::slash(CONF.replace("dash.lab.example", "dash.lab.example/"), &["error DU001"], "write https://dash.lab.example")]
#[case::semicolons(CONF.replace("https://dash", "https://old.lab.example;https://dash"), &["error DU001"], "separated by commas")]
#[case::blanks(CONF.replace("https://dash", "https://old.lab.example https://dash"), &["error DU001"], "separated by commas")]
#[case::lines(CONF.replace("https://dash", "https://old.lab.example\n  https://dash"), &["error DU001"], "separated by commas")]
#[case::pattern(CONF.replace("https://dash.", "https://*."), &["error DU001"], "compares only exact origins")]
#[case::comment(CONF.replace("dash.lab.example", "dash.lab.example # dashboard"), &["error DU001"], "a comment after a value")]
#[case::scheme(CONF.replace("https://dash", "http://dash"), &["error DU002"], "https://dash.lab.example, from which")]
#[case::address(CONF.replace("https://dash.lab.example", "https://203.0.113.10"), &["error DU002"], "add https://dash.lab.example")]
#[case::plain_endpoint(CONF.replace("https://images", "http://images"), &["error DU009"], "http://images.lab.example")]
fn configuration_of_glance(#[case] conf: String, #[case] expected: &[&str], #[case] words: &str) {
    let verdict = if expected.is_empty() { Verdict::Fine } else { Verdict::Fails };
    holds(&cloud(&conf, SETTINGS, HTTPD), verdict, expected, words);
}

#[rstest]
#[case::annotation("HORIZON_IMAGES_UPLOAD_MODE: 'direct'\n", "warning DU016", "not as an assignment")]
#[case::blank("HORIZON_IMAGES_UPLOAD_MODE = 'direct '\r\n", "warning DU016", "so Horizon takes 'legacy'")]
#[case::policy(
    "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\nCSP_CONNECT_SRC = (\"'self'\", 'https://keystone.lab.example')\n",
    "error DU013",
    "add https://images.lab.example to connect-src"
)]
fn settings_of_the_dashboard(#[case] line: &str, #[case] rule: &str, #[case] words: &str) {
    let settings = format!("ALLOWED_HOSTS = ['dash.lab.example']\n{line}");
    let verdict = if rule.starts_with("error") { Verdict::Fails } else { Verdict::Fine };
    holds(&cloud(CONF, &settings, HTTPD), verdict, &[rule], words);
}

const ECHO: &str = "server {\n listen 443 ssl;\n server_name images.lab.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {\n  if ($request_method = 'OPTIONS') {\n   add_header 'Access-Control-Allow-Origin' \"$http_origin\";\n   add_header 'Access-Control-Allow-Methods' 'GET, POST, OPTIONS, PUT';\n   add_header 'Access-Control-Allow-Headers' 'DNT,User-Agent,Content-Type,Range';\n   return 204;\n  }\n  proxy_hide_header Access-Control-Allow-Origin;\n  add_header 'Access-Control-Allow-Origin' \"$http_origin\" always;\n  proxy_pass http://127.0.0.1:9292;\n }\n}\n";
const DOUBLE: &str = "server {\n listen 443 ssl;\n server_name images.lab.example;\n client_max_body_size 512000m;\n proxy_request_buffering off;\n location / {\n  add_header 'Access-Control-Allow-Origin' '*' always;\n  proxy_pass http://127.0.0.1:9292;\n }\n}\n";
const MAP: &str = "map $http_origin $cors { default \"\"; \"https://dash.lab.example\" $http_origin; }\nserver {\n listen 443 ssl;\n server_name images.lab.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {\n  proxy_hide_header Access-Control-Allow-Origin;\n  add_header Access-Control-Allow-Origin $cors always;\n  proxy_pass http://127.0.0.1:9292;\n }\n}\n";
pub const HAPROXY: &str = "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\n  timeout connect 5s\nfrontend glance\n  bind 203.0.113.9:443 ssl crt /etc/ssl/g.pem\n  @LINES@\n  default_backend glance_api\nbackend glance_api\n  server c1 192.0.2.11:9292 check\n";

#[rstest]
#[case::echo("etc/nginx/conf.d/glance.conf", ECHO.to_owned(), &["error DU012", "warning DU012"], "without X-Auth-Token")]
#[case::double("etc/nginx/conf.d/glance.conf", DOUBLE.to_owned(), &["error DU012"], "a second value in addition to Glance's own")]
#[case::map("etc/nginx/conf.d/glance.conf", MAP.to_owned(), &["warning DU012"], "must be updated for every dashboard")]
#[case::acl("etc/haproxy/haproxy.cfg", HAPROXY.replace("@LINES@", "acl preflight method OPTIONS\n  http-request return status 200 content-type text/plain string \"ok\" if preflight"), &["error DU020"], "before Glance sees it")]
#[case::rspadd("etc/haproxy/haproxy.cfg", HAPROXY.replace("@LINES@", "rspadd Access-Control-Allow-Origin:\\ *"), &["error DU012"], "a second value")]
#[case::rewrite("etc/apache2/sites-enabled/glance.conf", GLANCE.replace("ProxyPass", "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ $1 [R=200,L]\nProxyPass"), &["error DU020"], "ends OPTIONS before Glance sees it")]
#[case::limit("etc/apache2/sites-enabled/glance.conf", GLANCE.replace("ProxyPass / http://127.0.0.1:9292/", "LimitRequestBody 114294784\nWSGIScriptAlias / /usr/bin/glance-wsgi-api"), &["error DU014"], "LimitRequestBody 114294784")]
fn servers_before_glance(#[case] name: &str, #[case] text: String, #[case] expected: &[&str], #[case] words: &str) {
    let fails = expected.iter().any(|line| line.starts_with("error"));
    let verdict = if fails { Verdict::Fails } else { Verdict::Fine };
    holds(&cloud(CONF, SETTINGS, (name, &text)), verdict, expected, words);
}

pub const NGINX: &str = "server {\n listen 443 ssl;\n server_name images.lab.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {\n  @LINES@\n  proxy_pass http://127.0.0.1:9292;\n }\n}\n";

/// What a server removes from the request, and which uploads it refuses.
#[rstest]
#[case::nginx_origin("nginx", "proxy_set_header Origin \"\";", Some("error DU012"))]
#[case::nginx_passes_it("nginx", "proxy_set_header Origin $http_origin;", None)]
#[case::nginx_host("nginx", "proxy_set_header Host $host;", None)]
#[case::nginx_none("nginx", "proxy_pass_request_headers off;", Some("error DU012"))]
#[case::nginx_token("nginx", "if ($http_x_auth_token = \"\") { return 401; }", Some("error DU020"))]
#[case::nginx_put("nginx", "limit_except GET OPTIONS { deny all; }", Some("error DU020"))]
#[case::haproxy_origin("haproxy", "http-request del-header Origin", Some("error DU012"))]
#[case::haproxy_another("haproxy", "http-request set-header Origin https://internal.lab.example", Some("error DU012"))]
#[case::haproxy_the_dashboards("haproxy", "http-request set-header Origin https://dash.lab.example", None)]
#[case::haproxy_some("haproxy", "http-request del-header Origin if { src 192.0.2.0/24 }", None)]
#[case::haproxy_denies_pages("haproxy", "http-request deny if { req.hdr(Origin) -m found }", Some("error DU020"))]
#[case::haproxy_session(
    "haproxy",
    "http-request redirect location https://sso.lab.example/ unless { req.cook(session) -m found }",
    Some("error DU020")
)]
#[case::haproxy_tls("haproxy", "http-request redirect scheme https unless { ssl_fc }", None)]
#[case::haproxy_put("haproxy", "http-request deny if METH_PUT", Some("error DU020"))]
#[case::httpd_origin("httpd", "RequestHeader unset Origin", Some("error DU012"))]
#[case::httpd_early("httpd", "RequestHeader unset Origin early", Some("error DU012"))]
#[case::httpd_forwarded("httpd", "RequestHeader set X-Forwarded-Proto https", None)]
#[case::httpd_put(
    "httpd",
    "<Location />\n<LimitExcept GET HEAD OPTIONS>\nRequire all denied\n</LimitExcept>\n</Location>",
    Some("error DU020")
)]
#[case::httpd_methods("httpd", "<Location />\nAllowMethods GET OPTIONS\n</Location>", Some("error DU020"))]
fn what_is_taken_off_a_request(#[case] server: &str, #[case] lines: &str, #[case] expected: Option<&str>) {
    let (name, text) = match server {
        "nginx" => ("etc/nginx/conf.d/glance.conf", NGINX.replace("@LINES@", lines)),
        "haproxy" => ("etc/haproxy/haproxy.cfg", HAPROXY.replace("@LINES@", lines)),
        _ => ("etc/apache2/sites-enabled/glance.conf", GLANCE.replace("ProxyPass", &format!("{lines}\nProxyPass"))),
    };
    assert_eq!(found(&cloud(CONF, SETTINGS, (name, &text))), expected.into_iter().collect::<Vec<_>>());
}

#[test]
fn a_workers_own_time_out() {
    let text = GLANCE.replace("9292/", "9292/ timeout=30");
    let report = cloud(CONF, SETTINGS, ("etc/apache2/sites-enabled/glance.conf", &text));
    holds(&report, Verdict::Fine, &["warning DU015"], "timeout=30 of ProxyPass");
}

/// kolla-ansible on another port, by a name that only Glance's public_endpoint tells.
#[rstest]
#[case("https://cloud.lab.example", Verdict::Fails, &["error DU002"], "add https://cloud.lab.example:8443")]
#[case("https://cloud.lab.example:8443", Verdict::Fine, &[], "")]
fn the_port_of_kollas_dashboard(
    #[case] origin: &str,
    #[case] verdict: Verdict,
    #[case] expected: &[&str],
    #[case] words: &str,
) {
    let conf = format!(
        "[DEFAULT]\npublic_endpoint = https://cloud.lab.example:9292\n[cors]\nallowed_origin = {origin}\nallow_headers = X-Auth-Token,X-CSRFToken\n"
    );
    let haproxy = "defaults\n  mode http\n  timeout client 1h\n  timeout server 6h\nfrontend horizon_external_front\n  bind 203.0.113.5:8443 ssl crt h.pem\n  default_backend horizon_external_back\nbackend horizon_external_back\n  server c1 192.0.2.1:8080 check\nfrontend glance_api_external_front\n  bind 203.0.113.5:9292 ssl crt h.pem\n  default_backend glance_api_external_back\nbackend glance_api_external_back\n  server c1 192.0.2.1:9292 check\n";
    let files = [
        ("etc/kolla/haproxy/haproxy.cfg", haproxy),
        ("etc/kolla/glance-api/glance-api.conf", conf.as_str()),
        ("etc/kolla/horizon/_9998-kolla-settings.py", "ALLOWED_HOSTS = ['*']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"),
    ];
    holds(&report(&files), verdict, expected, words);
}

/// A cloud in Kubernetes; `class` and `annotations` of Glance's Ingress.
pub fn cluster(class: &str, annotations: &str, more: &str) -> Report {
    let workload = |name: &str, file: &str, text: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: o}}\nspec:\n  selector: {{matchLabels: {{a: {name}}}}}\n  template:\n    metadata: {{labels: {{a: {name}}}}}\n    spec:\n      containers: [{{name: c, image: \"r.example/{name}:2025.1\", ports: [{{containerPort: 9292}}], volumeMounts: [{{name: e, mountPath: {file}, subPath: f}}]}}]\n      volumes: [{{name: e, configMap: {{name: {name}-etc}}}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}-etc, namespace: o}}\ndata:\n  f: |\n    {}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: o}}\nspec: {{selector: {{a: {name}}}, ports: [{{port: 9292}}]}}\n---\n",
            text.trim_end().replace('\n', "\n    ")
        )
    };
    let ingress = |name: &str, host: &str, class: &str, annotations: &str| {
        format!(
            "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {{name: {name}, namespace: o, annotations: {{{annotations}}}}}\nspec:\n  ingressClassName: {class}\n  tls: [{{hosts: [{host}], secretName: t}}]\n  rules: [{{host: {host}, http: {{paths: [{{path: /, pathType: Prefix, backend: {{service: {{name: {name}, port: {{number: 9292}}}}}}}}]}}}}]\n---\n"
        )
    };
    let conf = CONF.replace("public_endpoint = https://images.lab.example\n", "");
    let text = [
        workload("glance-api", "/etc/glance/glance-api.conf", &conf),
        ingress("glance-api", "images.lab.example", class, annotations),
        workload("horizon", "/etc/openstack-dashboard/local_settings", SETTINGS),
        ingress("horizon", "dash.lab.example", class, "nginx.ingress.kubernetes.io/enable-cors: \"true\""),
        more.to_owned(),
    ];
    report(&[("all.yaml", &text.concat())])
}

pub const SIZE: &str =
    "nginx.ingress.kubernetes.io/proxy-body-size: \"0\", nginx.ingress.kubernetes.io/proxy-request-buffering: \"off\"";
pub const PATIENT: &str = ", nginx.ingress.kubernetes.io/proxy-read-timeout: \"3600\", nginx.ingress.kubernetes.io/proxy-send-timeout: \"3600\"";

fn controller(data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: ingress-nginx-controller, namespace: ingress-nginx}}\ndata: {{{data}}}\n"
    )
}

/// What an Ingress leaves unwritten is the controller's: never fine unless that is seen.
#[rstest]
#[case::whole(format!("{SIZE}{PATIENT}"), String::new(), Verdict::Fine, &[], "")]
#[case::no_size(String::new(), String::new(), Verdict::Incomplete, &["warning DU014", "note DU015"], "usually 1m")]
#[case::patience(SIZE.to_owned(), String::new(), Verdict::Fine, &["note DU015"], "usually 60")]
#[case::the_controllers(String::new(), controller("proxy-body-size: \"0\", proxy-request-buffering: \"off\", proxy-read-timeout: \"3600\", proxy-send-timeout: \"3600\""), Verdict::Fine, &[], "")]
#[case::nor_the_controller(SIZE.replace("proxy-body-size", "x")+PATIENT, controller(""), Verdict::Fails, &["error DU014"], "and ConfigMap ingress-nginx/ingress-nginx-controller does not set it")]
#[case::the_controllers_limit(SIZE.replace("proxy-body-size", "x")+PATIENT, controller("proxy-body-size: 8m"), Verdict::Fails, &["error DU014"], "sets it to 8m")]
fn what_an_ingress_leaves_unwritten(
    #[case] annotations: String,
    #[case] more: String,
    #[case] verdict: Verdict,
    #[case] expected: &[&str],
    #[case] words: &str,
) {
    holds(&cluster("nginx", &annotations, &more), verdict, expected, words);
}

fn f5(data: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: nginx-config, namespace: nginx-ingress}}\ndata: {{{data}}}\n---\napiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {{name: nginx}}\nspec: {{controller: nginx.org/ingress-controller}}\n"
    )
}

const LONG: &str = "proxy-read-timeout: 3600s, proxy-send-timeout: 3600s";

/// The same of F5's controller, which has a ConfigMap of its own.
#[rstest]
#[case::its_limits(f5(&format!("client-max-body-size: \"0\", {LONG}")), Verdict::Fine, &[], "")]
#[case::a_small_limit(f5(&format!("client-max-body-size: 8m, {LONG}")), Verdict::Fails, &["error DU014"], "sets it to 8m")]
#[case::no_limit_of_its_own(f5(LONG), Verdict::Fails, &["error DU014"], "ConfigMap nginx-ingress/nginx-config does not set it either")]
#[case::a_text_for_each_server(
    f5(&format!("client-max-body-size: \"0\", {LONG}, server-snippets: \"if ($request_method = OPTIONS) {{ return 403; }}\"")),
    Verdict::Fails,
    &["error DU020"],
    ""
)]
#[case::a_text_for_all(
    f5(&format!("client-max-body-size: \"0\", {LONG}, http-snippets: \"add_header Access-Control-Allow-Origin *;\"")),
    Verdict::Fails,
    &["error DU012"],
    ""
)]
fn what_f5s_controller_says(
    #[case] more: String,
    #[case] verdict: Verdict,
    #[case] expected: &[&str],
    #[case] words: &str,
) {
    holds(&cluster("nginx", "", &more), verdict, expected, words);
}

/// Annotations of controllers that are not read are never passed over in silence.
#[rstest]
#[case("kong", "konghq.com/plugins: cors", &[])]
#[case("haproxy", "haproxy.org/timeout-server: 50s", &["warning DU015"])]
#[case("alb", "alb.ingress.kubernetes.io/load-balancer-attributes: idle_timeout.timeout_seconds=30", &["warning DU015"])]
fn what_other_controllers_do_is_not_seen(#[case] class: &str, #[case] annotation: &str, #[case] expected: &[&str]) {
    let report = cluster(class, annotation, "");
    holds(&report, Verdict::Incomplete, expected, "");
    let name = annotation.split(": ").next().unwrap();
    assert!(
        report.unseen.iter().any(|what| what.contains(name) && what.contains("Ingress o/glance-api")),
        "{report:#?}"
    );
}

/// An annotation of the other nginx: ingress-nginx does not read it.
#[rstest]
#[case("", Verdict::Incomplete)]
#[case(
    "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: nginx}\nspec: {controller: nginx.org/ingress-controller}\n",
    Verdict::Fine
)]
fn annotations_of_one_nginx(#[case] more: &str, #[case] verdict: Verdict) {
    holds(&cluster("nginx", "nginx.org/client-max-body-size: \"0\"", more), verdict, &["note DU015"], "");
}

/// Routes of each kind, each to Glance's Service in addition to its Ingress: they require what a preflight lacks, or
/// remove the Origin.
#[rstest]
#[case::token("HTTPRoute", "rules: [{matches: [{headers: [{name: X-Auth-Token, type: RegularExpression, value: .+}]}], backendRefs: [{name: glance-api, port: 9292}]}]", &["error DU020"])]
#[case::token_or_not("HTTPRoute", "rules: [{matches: [{headers: [{name: X-Auth-Token, value: x}]}, {path: {value: /}}], backendRefs: [{name: glance-api, port: 9292}]}]", &[])]
#[case::origin("HTTPRoute", "rules: [{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [Origin]}}], backendRefs: [{name: glance-api, port: 9292}]}]", &["error DU012"])]
#[case::another("HTTPRoute", "rules: [{filters: [{type: RequestHeaderModifier, requestHeaderModifier: {remove: [X-Debug]}}], backendRefs: [{name: glance-api, port: 9292}]}]", &[])]
#[case::istio("VirtualService", "http: [{match: [{headers: {x-auth-token: {regex: .+}}}], route: [{destination: {host: glance-api}}]}]", &["error DU020"])]
#[case::istio_origin("VirtualService", "http: [{headers: {request: {remove: [origin]}}, route: [{destination: {host: glance-api}}]}]", &["error DU012"])]
#[case::contour("HTTPProxy", "routes: [{conditions: [{header: {name: X-Auth-Token, present: true}}], services: [{name: glance-api, port: 9292}]}]", &["error DU020"])]
#[case::contour_origin("HTTPProxy", "routes: [{requestHeadersPolicy: {set: [{name: Origin, value: x}]}, services: [{name: glance-api, port: 9292}]}]", &["error DU012"])]
fn what_routes_pass_on(#[case] kind: &str, #[case] spec: &str, #[case] expected: &[&str]) {
    let group = match kind {
        "HTTPRoute" => "gateway.networking.k8s.io/v1",
        "VirtualService" => "networking.istio.io/v1",
        _ => "projectcontour.io/v1",
    };
    let more =
        format!("apiVersion: {group}\nkind: {kind}\nmetadata: {{name: glance, namespace: o}}\nspec: {{{spec}}}\n");
    let report = cluster("nginx", &format!("{SIZE}{PATIENT}"), &more);
    let found: Vec<String> = found(&report).into_iter().filter(|line| !line.ends_with("DU015")).collect();
    assert_eq!(found, expected, "{report:#?}");
}

/// A Traefik middleware that rewrites the Origin.
#[test]
fn a_middleware_that_takes_the_origin() {
    let more = "apiVersion: traefik.io/v1alpha1\nkind: Middleware\nmetadata: {name: strip, namespace: o}\nspec: {headers: {customRequestHeaders: {Origin: \"\"}}}\n";
    let used = cluster("traefik", "traefik.ingress.kubernetes.io/router.middlewares: o-strip@kubernetescrd", more);
    assert!(found(&used).contains(&"error DU012".to_owned()), "{used:#?}");
    let unused = cluster("traefik", "", more);
    assert!(!found(&unused).contains(&"error DU012".to_owned()), "{unused:#?}");
}

const TRAEFIK: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: traefik, namespace: t}\nspec:\n  selector: {matchLabels: {a: t}}\n  template:\n    metadata: {labels: {a: t}}\n    spec:\n      containers:\n      - name: traefik\n        image: docker.io/traefik:v3.3.1\n        args: [@ARGS@]\n        volumeMounts: [{name: c, mountPath: /etc/traefik}]\n      volumes: [{name: c, configMap: {name: traefik}}]\n---\n";
const STATIC: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: traefik, namespace: t}\ndata:\n  traefik.yaml: |\n    entryPoints:\n      web: {address: \":8000\"}\n      websecure:\n        address: \":8443\"\n        @TIME@\n---\n";
const ROUTE: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: t}\nspec:\n  gatewayClassName: edge\n  listeners: [{name: web, port: 8000, protocol: HTTP}, {name: https, port: 8443, protocol: HTTPS}]\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: edge}\nspec: {controllerName: traefik.io/gateway-controller}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: glance, namespace: o}\nspec:\n  hostnames: [images.lab.example]\n  parentRefs: [{name: edge, namespace: t, sectionName: https}]\n  rules: [{backendRefs: [{name: glance-api, port: 9292}]}]\n---\n";

/// Traefik's entry points: in a static file, by arguments, and behind routes of the Gateway API.
#[rstest]
#[case::in_a_file("traefik", "--configfile=/etc/traefik/traefik.yaml", STATIC.replace("@TIME@", ""), "entry point websecure is missing, so it is 60s")]
#[case::written("traefik", "--configfile=/etc/traefik/traefik.yaml", STATIC.replace("@TIME@", "transport: {respondingTimeouts: {readTimeout: 90s}}"), "entry point websecure 90s")]
#[case::none("traefik", "--configfile=/etc/traefik/traefik.yaml", STATIC.replace("@TIME@", "transport: {respondingTimeouts: {readTimeout: 0s}}"), "")]
#[case::route("nginx", "--configfile=/etc/traefik/traefik.yaml", format!("{ROUTE}{}", STATIC.replace("@TIME@", "")), "entry point websecure is missing")]
#[case::route_arguments("nginx", "\"--entryPoints.web.address=:8000/tcp\", \"--entryPoints.websecure.address=:8443/tcp\"", ROUTE.to_owned(), "entry point websecure is missing")]
#[case::route_set("nginx", "\"--entryPoints.websecure.address=:8443/tcp\", \"--entryPoints.websecure.transport.respondingTimeouts.readTimeout=0\"", ROUTE.to_owned(), "")]
fn traefiks_entry_points(#[case] class: &str, #[case] args: &str, #[case] more: String, #[case] words: &str) {
    let more = format!("{}{more}", TRAEFIK.replace("@ARGS@", args));
    let report = cluster(class, &format!("{SIZE}{PATIENT}"), &more);
    let of: Vec<_> = report.findings.iter().filter(|f| f.found.contains("Traefik's entry point")).collect();
    assert_eq!(of.len(), usize::from(!words.is_empty()), "{report:#?}");
    assert!(of.iter().all(|f| f.found.contains(words) && f.severity.to_string() == "error"), "{of:#?}");
}

const TOML: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: traefik, namespace: t}\ndata:\n  traefik.toml: |\n    [entryPoints.web]\n    address = \":8000\"\n    [entryPoints.websecure]\n    address = \":8443\"\n    @TIME@\n---\n";

/// The same in TOML, at a path that is named and at the one that Traefik looks for.
#[rstest]
#[case::missing("--configfile=/etc/traefik/traefik.toml", "", "entry point websecure is missing, so it is 60s")]
#[case::at_the_default("--api=true", "", "entry point websecure is missing, so it is 60s")]
#[case::written(
    "--configfile=/etc/traefik/traefik.toml",
    "transport.respondingTimeouts.readTimeout = \"90s\"",
    "entry point websecure 90s"
)]
#[case::seconds(
    "--configfile=/etc/traefik/traefik.toml",
    "transport.respondingTimeouts.readTimeout = 90",
    "entry point websecure 90"
)]
#[case::off("--configfile=/etc/traefik/traefik.toml", "transport.respondingTimeouts.readTimeout = 0", "")]
fn traefiks_entry_points_in_toml(#[case] args: &str, #[case] time: &str, #[case] words: &str) {
    let more = format!("{}{}", TRAEFIK.replace("@ARGS@", args), TOML.replace("@TIME@", time));
    let report = cluster("traefik", &format!("{SIZE}{PATIENT}"), &more);
    let of: Vec<_> = report.findings.iter().filter(|f| f.found.contains("Traefik's entry point")).collect();
    assert_eq!(of.len(), usize::from(!words.is_empty()), "{report:#?}");
    let fix = "readTimeout = \"0s\" in [entryPoints.websecure.transport.respondingTimeouts]";
    assert!(of.iter().all(|f| f.found.contains(words) && f.fix.starts_with(fix)), "{of:#?}");
    assert!(of.iter().all(|f| f.place.line.is_some()), "{of:#?}");
}

/// A static file that is not there, or that nobody can read, is said.
#[rstest]
#[case("--configfile=/etc/traefik/traefik.yaml", "", "is not in the input")]
#[case("--configfile=/etc/traefik/traefik.toml", "", "is not in the input")]
#[case("--configfile=/etc/traefik/traefik.toml", "[entryPoints.web", "is not readable")]
fn traefiks_file_that_is_not_read(#[case] args: &str, #[case] broken: &str, #[case] words: &str) {
    let file = if broken.is_empty() { String::new() } else { TOML.replace("@TIME@", broken) };
    let report = cluster("traefik", "", &format!("{}{file}", TRAEFIK.replace("@ARGS@", args)));
    assert_eq!(report.verdict(), Verdict::Incomplete, "{report:#?}");
    assert!(
        report.unseen.iter().any(|what| what.contains("Traefik's static file") && what.contains(words)),
        "{report:#?}"
    );
}

/// uWSGI's YAML in a ConfigMap is read like its ini, line by line.
#[test]
fn uwsgi_yaml_in_a_config_map() {
    let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: glance-api, namespace: o}\nspec: {selector: {}, template: {spec: {containers: [{name: c, volumeMounts: [{name: e, mountPath: /etc/glance}]}], volumes: [{name: e, configMap: {name: e}}]}}}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: e, namespace: o}\ndata:\n  glance-api.conf: |\n    [cors]\n    allowed_origin = https://dash.lab.example\n  glance-uwsgi.yaml: |\n    uwsgi:\n      http-socket: :9292\n      harakiri: 60\n";
    let report = report(&[("all.yaml", text)]);
    let finding = report.findings.iter().find(|f| f.found.contains("harakiri = 60")).unwrap();
    assert_eq!((finding.rule.id(), finding.place.line), ("DU015", Some(16)), "{finding:#?}");
}

/// Atmosphere's values: the chart's own list comes in addition to the misspelt option.
#[test]
fn a_misspelt_option_in_values_is_no_error() {
    let text = "_glance_helm_values:\n  conf:\n    glance:\n      cors:\n        allowed_origins: \"*\"\n";
    let report = report(&[("roles/glance/vars/main.yml", text)]);
    holds(&report, Verdict::Incomplete, &["note DU017"], "the chart's own allowed_origin");
}

/// A whole source tree: YAML templates, patches and manifests of other services are not errors.
#[rstest]
#[case::template("apiVersion: v1\nkind: Service\nmetadata: {name: glance, namespace: \"{{ .Namespace }}\"}\nspec: {}\n", &["is a template"])]
#[case::patch_of_another("apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: cinder-public, namespace: o}\n", &[])]
#[case::patch("apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: glance-public, namespace: o}\n", &["a patch has only what it changes"])]
#[case::password("apiVersion: v1\nkind: Secret\nmetadata: {name: glance-db-admin, namespace: o}\nstringData: {DB_CONNECTION: x}\n", &[])]
#[case::route("apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: custom-glance, namespace: o}\nspec: {rules: [{backendRefs: [{name: glance-api, port: 9292}]}]}\n", &["HTTPRoute o/custom-glance leads to a Service of it that is not in the input"])]
fn a_source_tree(#[case] text: &str, #[case] words: &[&str]) {
    let files = [
        ("etc/glance/glance-api.conf", "[DEFAULT]\n[cors]\nallowed_origin = https://d.example\n"),
        ("deploy/x.yaml", text),
    ];
    let report = report(&files);
    assert!(report.findings.is_empty(), "{report:#?}");
    assert!(words.iter().all(|words| report.unseen.iter().any(|what| what.contains(words))), "{report:#?}");
    assert!(
        !words.is_empty() || report.unseen.iter().all(|what| !what.contains("x.yaml") && !what.contains("mounts it")),
        "{report:#?}"
    );
}

/// Only web servers' own names are seen, and none is allowed: a proxy may have another name, but nothing shows one.
#[rstest]
#[case::another_name(
    "dash",
    "horizon",
    "no server of the dashboard in the input has this name, but horizon.lab.example is one"
)]
#[case::the_same("dash", "dash", "")]
#[case::any_origin("*", "horizon", "")]
fn a_name_that_no_seen_server_has(#[case] allowed: &str, #[case] name: &str, #[case] words: &str) {
    let origin = if allowed == "*" { "*".to_owned() } else { format!("https://{allowed}.lab.example") };
    let conf = CONF.replace("https://dash.lab.example", &origin);
    let settings = SETTINGS.replace("dash.lab.example", "*");
    let server = DASHBOARD.replace("dash.lab.example", &format!("{name}.lab.example"));
    let report = report(&[
        ("etc/glance/glance-api.conf", &conf),
        ("etc/openstack-dashboard/local_settings.py", &settings),
        ("etc/apache2/sites-enabled/horizon.conf", &server),
        HTTPD,
    ]);
    let verdict = if words.is_empty() { Verdict::Fine } else { Verdict::Incomplete };
    assert_eq!(report.verdict(), verdict, "{report:#?}");
    assert!(words.is_empty() || report.unseen.iter().any(|what| what.contains(words)), "{report:#?}");
}

/// The same where only the port is known.
#[rstest]
#[case::another("8443", Verdict::Incomplete)]
#[case::the_same("443", Verdict::Fine)]
fn a_port_that_no_seen_server_has(#[case] port: &str, #[case] verdict: Verdict) {
    let haproxy = HAPROXY.replace("  @LINES@\n", "").replace(
        "\nbackend glance_api",
        &format!("\nfrontend horizon\n  bind 203.0.113.9:{port} ssl crt /etc/ssl/h.pem\n  default_backend horizon\nbackend horizon\n  server c1 192.0.2.11:80 check\nbackend glance_api"),
    ).replace("203.0.113.9:443 ssl crt /etc/ssl/g.pem", "203.0.113.9:9292 ssl crt /etc/ssl/g.pem");
    let report = report(&[
        ("etc/glance/glance-api.conf", &CONF.replace("images.lab.example", "images.lab.example:9292")),
        ("etc/openstack-dashboard/local_settings.py", &SETTINGS.replace("dash.lab.example", "*")),
        ("etc/haproxy/haproxy.cfg", &haproxy),
    ]);
    assert_eq!(report.verdict(), verdict, "{report:#?}");
}
