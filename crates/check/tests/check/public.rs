//! More kinds of public reports and configurations, rebuilt with invented hosts.
//!
//! From: openstack-k8s-operators/glance-operator (docs/horizon.md), rackerlabs/genestack#1716, canonical/microk8s#3491,
//! harvester/harvester#11168, openstack-ansible's documentation on security headers, haproxytech/haproxy-lua-cors,
//! guides on HAProxy before OpenShift's Routes, enable-cors.org's nginx text, a companion of docker-compose's nginx,
//! ntnusky/ntnuopenstack, and Glance's documentation on httpd.

use direct_upload_check::Verdict;
use rstest::rstest;

use crate::reports::{CONF, HAPROXY, HTTPD, NGINX, PATIENT, SETTINGS, SIZE, cloud, cluster, found, holds, report};

fn haproxy(lines: &str) -> String {
    HAPROXY.replace("@LINES@", lines)
}

/// HAProxy answers, changes or keeps Glance's CORS headers.
#[rstest]
#[case::a_service("http-request use-service lua.cors-response if METH_OPTIONS { req.hdr(origin) -m found }", Verdict::Incomplete, &[], "")]
#[case::kept("http-response set-header Access-Control-Allow-Origin %[res.hdr(Access-Control-Allow-Origin)] if { res.hdr(Access-Control-Allow-Origin) -m found }", Verdict::Fine, &[], "")]
#[case::where_there_is_none("http-response set-header Access-Control-Allow-Origin \"*\" unless { res.hdr(Access-Control-Allow-Origin) -m found }", Verdict::Fine, &[], "")]
#[case::captured("http-request capture req.hdr(Origin) len 128\n  http-response add-header Access-Control-Allow-Origin %[capture.req.hdr(0)] if { capture.req.hdr(0) -m found }", Verdict::Fails, &["error DU012"], "a second value")]
#[case::puppets("reqadd X-Forwarded-Proto:\\ https\n  option tcplog\n  option tcpka", Verdict::Fine, &[], "")]
fn cors_by_haproxy(#[case] lines: &str, #[case] verdict: Verdict, #[case] expected: &[&str], #[case] words: &str) {
    holds(&cloud(CONF, SETTINGS, ("etc/haproxy/haproxy.cfg", &haproxy(lines))), verdict, expected, words);
}

/// A script before Glance may answer preflights: its effect is unknown.
#[rstest]
#[case(
    "etc/haproxy/haproxy.cfg",
    haproxy("http-request lua.cors \"GET,PUT\" \"dash.lab.example\" \"X-Auth-Token\"\n  http-response lua.cors")
)]
#[case("etc/nginx/conf.d/glance.conf", NGINX.replace("@LINES@", "access_by_lua_file /etc/nginx/cors.lua;"))]
fn scripts_are_not_read(#[case] name: &str, #[case] text: String) {
    let report = cloud(CONF, SETTINGS, (name, &text));
    holds(&report, Verdict::Incomplete, &[], "");
    assert!(report.unseen.iter().any(|what| what.contains("what the script of")), "{report:#?}");
}

const PREFLIGHT: &str = "if ($request_method = 'OPTIONS') {\n   add_header 'Access-Control-Allow-Origin' 'https://dash.lab.example';\n   add_header 'Access-Control-Allow-Methods' 'GET, POST, PUT, OPTIONS';\n   add_header 'Access-Control-Allow-Headers' 'X-Auth-Token,Content-Type,X-CSRFToken';\n   return 204;\n  }\n";

/// nginx's `if` by method: what it adds to other answers does not matter.
#[rstest]
#[case::reading(format!("{PREFLIGHT}  if ($request_method = 'POST') {{\n   add_header 'Access-Control-Allow-Origin' '*' always;\n  }}\n  if ($request_method ~ ^(GET|HEAD)$) {{\n   add_header 'Access-Control-Allow-Origin' '*' always;\n  }}"), &["warning DU012"])]
#[case::writing(format!("{PREFLIGHT}  if ($request_method ~ ^(PUT|POST)$) {{\n   add_header 'Access-Control-Allow-Origin' '*' always;\n  }}"), &["error DU012", "warning DU012"])]
#[case::by_a_variable("set $setcors 0;\n  if ($request_method = 'OPTIONS') {\n   set $setcors 1;\n  }\n  if ($setcors = 1) {\n   add_header 'Access-Control-Allow-Origin' '*';\n  }\n  if ($request_method = 'OPTIONS') {\n   return 204;\n  }".to_owned(), &["error DU012", "error DU020"])]
fn cors_by_nginx(#[case] lines: String, #[case] expected: &[&str]) {
    let report = cloud(CONF, SETTINGS, ("etc/nginx/conf.d/glance.conf", &NGINX.replace("@LINES@", &lines)));
    assert_eq!(found(&report), expected, "{report:#?}");
}

/// The dashboard's policy, which its HAProxy writes: 'self' is the dashboard's own port only.
#[rstest]
#[case::each_port("default-src 'self' https://dash.lab.example:*/; frame-ancestors 'self'", &[])]
#[case::itself("default-src 'self'; connect-src 'self'", &["error DU013"])]
#[case::another_host("default-src 'self' https://static.lab.example:*/", &["error DU013"])]
fn a_policy_by_haproxy(#[case] policy: &str, #[case] expected: &[&str]) {
    let conf = CONF.replace("images.lab.example", "dash.lab.example:9292");
    let haproxy = format!(
        "defaults\n  mode http\n  timeout client 6h\n  timeout server 6h\nfrontend base-front-1\n  bind 203.0.113.10:443 ssl crt x.pem\n  http-response set-header Content-Security-Policy \"{policy}\"\n  default_backend horizon-back\nbackend horizon-back\n  server h1 192.0.2.20:80 check\nfrontend glance_api-front-1\n  bind 203.0.113.10:9292 ssl crt x.pem\n  default_backend glance_api-back\nbackend glance_api-back\n  server g1 192.0.2.11:9292 check\n"
    );
    let files = [
        ("etc/glance/glance-api.conf", conf.as_str()),
        ("etc/openstack-dashboard/local_settings.py", SETTINGS),
        ("etc/haproxy/haproxy.cfg", haproxy.as_str()),
    ];
    let report = report(&files);
    assert_eq!(found(&report), expected, "{report:#?}");
}

/// Glance's documentation: httpd before uWSGI, with chunks and without.
#[rstest]
#[case::http(
    "KeepAlive Off\nSetEnv proxy-sendchunked 1\nProxyPass \"/\" \"http://127.0.0.1:60999/\" retry=0",
    &[]
)]
#[case::uwsgi("ProxyPass \"/\" \"unix:/var/run/uwsgi/glance-api.socket|uwsgi://uwsgi-uds-glance-api\" retry=0", &["warning DU014"])]
fn httpd_before_uwsgi(#[case] lines: &str, #[case] expected: &[&str]) {
    let text = HTTPD.1.replace("ProxyPass / http://127.0.0.1:9292/", lines);
    let report = cloud(CONF, SETTINGS, ("etc/apache2/sites-enabled/uwsgi-glance-api.conf", &text));
    assert_eq!(found(&report), expected, "{report:#?}");
}

const CLASS: &str = "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: public}\nspec: {controller: k8s.io/ingress-nginx}\n";

/// The class's name tells nothing: its IngressClass does, or nobody.
#[rstest]
#[case::named("public", CLASS.to_owned(), &["warning DU014", "note DU015"], "the ingress controller's own ConfigMap")]
#[case::default("", CLASS.replace("{name: public}", "{name: public, annotations: {ingressclass.kubernetes.io/is-default-class: \"true\"}}"), &["warning DU014", "note DU015"], "the ingress controller's own ConfigMap")]
#[case::not_there("public", String::new(), &[], "the controller that serves it")]
#[case::of_another("cilium", "apiVersion: networking.k8s.io/v1\nkind: IngressClass\nmetadata: {name: cilium}\nspec: {controller: cilium.io/ingress-controller}\n".to_owned(), &[], "the controller that serves it")]
#[case::none("", String::new(), &[], "it names no class")]
fn classes_of_ingresses(#[case] class: &str, #[case] more: String, #[case] expected: &[&str], #[case] words: &str) {
    let report = cluster(class, "", &more);
    holds(&report, Verdict::Incomplete, expected, "");
    assert!(report.unseen.iter().any(|what| what.contains(words)), "{report:#?}");
}

/// RKE2 configures its Traefik by an object that is not read.
#[test]
fn a_traefik_that_is_configured_elsewhere() {
    let more = "apiVersion: helm.cattle.io/v1\nkind: HelmChartConfig\nmetadata: {name: rke2-traefik, namespace: kube-system}\nspec:\n  valuesContent: |-\n    additionalArguments: [\"--entryPoints.websecure.transport.respondingTimeouts.readTimeout=0\"]\n";
    let report = cluster("traefik", "", more);
    holds(&report, Verdict::Incomplete, &["note DU015"], "60 s unless it is set");
    assert!(report.unseen.iter().any(|what| what.contains("Traefik's static configuration")), "{report:#?}");
}

/// One finding for what cuts an upload at Traefik, whichever routes lead through it.
#[rstest]
#[case::ingress("traefik", "")]
#[case::http_route("nginx", HTTP_ROUTE)]
#[case::ingress_route("nginx", INGRESS_ROUTE)]
#[case::two("traefik", INGRESS_ROUTE)]
fn one_finding_for_an_entry_point(#[case] class: &str, #[case] route: &str) {
    let traefik = "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: traefik, namespace: t}\nspec: {template: {spec: {containers: [{name: traefik, image: \"docker.io/traefik:v3.3.1\", args: [\"--entryPoints.websecure.address=:8443/tcp\"]}]}}}\n---\n";
    let report = cluster(class, &format!("{SIZE}{PATIENT}"), &format!("{traefik}{route}"));
    let slow: Vec<String> = found(&report).into_iter().filter(|line| line.ends_with("DU015")).collect();
    assert_eq!((slow, report.findings.len()), (vec!["error DU015".to_owned()], 1), "{report:#?}");
}

const HTTP_ROUTE: &str = "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge, namespace: o}\nspec: {gatewayClassName: traefik, listeners: [{name: https, port: 8443, protocol: HTTPS, tls: {certificateRefs: [{name: x}]}}]}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: image, namespace: o}\nspec: {hostnames: [g.lab.example], parentRefs: [{name: edge}], rules: [{backendRefs: [{name: glance-api, port: 9292}]}]}\n";
const INGRESS_ROUTE: &str = "apiVersion: traefik.io/v1alpha1\nkind: IngressRoute\nmetadata: {name: image, namespace: o}\nspec: {entryPoints: [websecure], routes: [{match: 'Host(`g.lab.example`)', kind: Rule, services: [{name: glance-api, port: 9292}]}], tls: {secretName: t}}\n";

/// RHOSO's documentation: a Route whose time is an hour's sixtieth.
#[test]
fn a_route_of_sixty_seconds() {
    let route = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: glance-public, namespace: o, annotations: {api.glance.openstack.org/timeout: 60s, haproxy.router.openshift.io/timeout: 60s}}\nspec: {host: g.lab.example, tls: {termination: reencrypt}, to: {kind: Service, name: glance-api}}\n";
    let report = cluster("nginx", &format!("{SIZE}{PATIENT}"), route);
    holds(&report, Verdict::Fine, &["warning DU015"], "60s");
}

/// Envoy Gateway: a limit between requests is none of an upload; the route's is.
#[rstest]
#[case::as_it_was("idleTimeout: 5s", "", &["note DU015"])]
#[case::mended("idleTimeout: 5s", "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: BackendTrafficPolicy\nmetadata: {name: bulk, namespace: o}\nspec:\n  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: image}]\n  timeout: {http: {requestTimeout: 0s}}\n", &[])]
#[case::a_limit_of_the_request("idleTimeout: 5s, requestReceivedTimeout: 10s", "", &["error DU015", "note DU015"])]
fn envoys_times(#[case] times: &str, #[case] more: &str, #[case] expected: &[&str]) {
    let route = HTTP_ROUTE.replace("gatewayClassName: traefik", "gatewayClassName: eg");
    let policy = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: ClientTrafficPolicy\nmetadata: {{name: all, namespace: o}}\nspec:\n  targetRefs: [{{group: gateway.networking.k8s.io, kind: Gateway, name: edge}}]\n  connection: {{bufferLimit: 16Ki}}\n  timeout: {{http: {{{times}}}}}\n"
    );
    let report = cluster("nginx", &format!("{SIZE}{PATIENT}"), &format!("{route}---\n{policy}---\n{more}"));
    assert_eq!(found(&report), expected, "{report:#?}");
}
