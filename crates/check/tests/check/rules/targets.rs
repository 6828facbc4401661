//! The path on which Glance gets an upload.

use direct_upload_check as check;
use rstest::rstest;

use super::ways::{NO_LIMIT, cloud, published};
use super::{CONF, DASHBOARD, GOOD, found_in};

fn behind(name: &str, text: &str, url: &str) -> Vec<String> {
    let conf = format!("[DEFAULT]\npublic_endpoint = {url}\n{GOOD}");
    found_in(&[(name, text), DASHBOARD, (CONF, &conf)], Some("2025.1"))
}

const ROOT: &str = "https://glance.example";

const BELOW: &str = "https://glance.example/image";

const LOST: &[&str] = &["error DU020"];

/// Measured with httpd 2.4: the target takes the place of the prefix, as text.
#[rstest]
#[case::as_it_is(ROOT, "ProxyPass / http://127.0.0.1:9292/", &[])]
#[case::the_version_on_both_sides(ROOT, "ProxyPass /v2/ http://127.0.0.1:9292/v2/", &[])]
#[case::the_version_is_lost(ROOT, "ProxyPass /v2/ http://127.0.0.1:9292/", LOST)]
#[case::a_slash_is_missing(ROOT, "ProxyPass / http://127.0.0.1:9292", LOST)]
#[case::a_prefix_is_taken_away(BELOW, "ProxyPass /image http://127.0.0.1:9292", &[])]
#[case::a_prefix_stays(BELOW, "ProxyPass / http://127.0.0.1:9292/", LOST)]
#[case::in_a_location(ROOT, "<Location /v2>\nProxyPass http://127.0.0.1:9292/v2\n</Location>", &[])]
fn passes_of_httpd(#[case] url: &str, #[case] lines: &str, #[case] expected: &[&str]) {
    let text = format!("<VirtualHost *:443>\nServerName glance.example\nSSLEngine on\n{lines}\n</VirtualHost>\n");
    assert_eq!(behind("etc/apache2/sites-enabled/glance.conf", &text, url), expected, "{text}");
}

#[rstest]
#[case::as_it_is(ROOT, "location / { proxy_pass http://127.0.0.1:9292; }", &[])]
#[case::with_the_root(ROOT, "location / { proxy_pass http://127.0.0.1:9292/; }", &[])]
#[case::the_version_is_lost(ROOT, "location /v2/ { proxy_pass http://127.0.0.1:9292/; }", LOST)]
#[case::twice(ROOT, "location /v2/ { proxy_pass http://127.0.0.1:9292/v2/v2/; }", LOST)]
#[case::a_prefix_is_taken_away(BELOW, "location /image/ { proxy_pass http://127.0.0.1:9292/; }", &[])]
#[case::by_a_rewrite(BELOW, "location /image/ { rewrite ^/image/(.*)$ /$1 break; proxy_pass http://127.0.0.1:9292; }", &[])]
#[case::a_prefix_stays(BELOW, "location /image/ { proxy_pass http://127.0.0.1:9292; }", LOST)]
#[case::a_rewrite_loses_it(
    ROOT,
    "location / { rewrite ^/v2/(.*)$ /$1 break; proxy_pass http://127.0.0.1:9292; }",
    LOST
)]
fn locations_of_nginx(#[case] url: &str, #[case] location: &str, #[case] expected: &[&str]) {
    let location = location.replace("{ ", "{\n ").replace("; ", ";\n ");
    let text = format!(
        "server {{\n listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n {location}\n}}\n"
    );
    assert_eq!(behind("etc/nginx/conf.d/glance.conf", &text, url), expected, "{text}");
}

#[rstest]
#[case::nothing("http-request set-header X-A b", &[])]
#[case::the_version_is_lost("http-request replace-path ^/v2/(.*) /\\1", LOST)]
#[case::a_prefix_is_put_before("http-request set-path /image%[path]", LOST)]
#[case::of_other_paths("http-request replace-path ^/glance/(.*) /\\1", &[])]
#[case::under_a_condition("http-request replace-path ^/v2/(.*) /\\1 if { path_beg /v1 }", &[])]
fn paths_of_haproxy(#[case] line: &str, #[case] expected: &[&str]) {
    let text = format!(
        "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend images\n  bind :443 ssl crt g.pem\n  {line}\n  default_backend glance\nbackend glance\n  server g 192.0.2.2:9292\n"
    );
    assert_eq!(behind("etc/haproxy/haproxy.cfg", &text, ROOT), expected, "{line}");
}

/// What a route makes of the path of the published URL.
#[rstest]
#[case::the_version_is_lost(ROOT, "matches: [{path: {type: PathPrefix, value: /v2}}]", "/", true)]
#[case::a_prefix_is_taken_away(BELOW, "matches: [{path: {type: PathPrefix, value: /image}}]", "/", false)]
#[case::a_prefix_stays(BELOW, "matches: [{path: {type: PathPrefix, value: /image}}]", "", true)]
fn rules_of_a_route(#[case] url: &str, #[case] matches: &str, #[case] new: &str, #[case] is_lost: bool) {
    let url = url.replace("glance.example", "g.example");
    let filter = format!(
        "\n    filters: [{{type: URLRewrite, urlRewrite: {{path: {{type: ReplacePrefixMatch, replacePrefixMatch: {new}}}}}}}]"
    );
    let filter = if new.is_empty() { "" } else { &filter };
    let text = cloud(&format!("{NO_LIMIT}\n    {matches}{filter}"), &published(&url));
    let report = crate::reports::report(&[("cloud.yaml", &text)]);
    let told = report.findings.iter().any(|f| f.found.contains("Glance stores no image there"));
    assert_eq!(told, is_lost, "{report:#?}");
    assert_eq!(report.verdict() == check::Verdict::Fine, !is_lost, "{report:#?}");
}

/// A route's own prefix is no part of the URL that Glance states for the same host.
#[test]
fn glances_own_word_counts_before_a_routes_prefix() {
    let rule = format!("{NO_LIMIT}\n    matches: [{{path: {{type: PathPrefix, value: /v2}}}}]");
    let text = cloud(&rule, "")
        .replace("    [cors]\n", "    [DEFAULT]\n    public_endpoint = https://g.example\n    [cors]\n");
    let report = crate::reports::report(&[("cloud.yaml", &text)]);
    assert_eq!((report.verdict(), report.findings), (check::Verdict::Fine, vec![]));
}

/// Envoy Gateway's filter puts a prefix before the path (HTTPRouteFilter, replaceRegexMatch).
#[rstest]
#[case::before_the_version("^/(.*)", "/glance/\\1", true)]
#[case::as_it_is("^/(.*)", "/\\1", false)]
fn a_regex_of_a_filter(#[case] pattern: &str, #[case] text: &str, #[case] is_lost: bool) {
    let filters = format!(
        "{NO_LIMIT}\n    filters: [{{type: ExtensionRef, extensionRef: {{group: gateway.envoyproxy.io, kind: HTTPRouteFilter, name: f}}}}]"
    );
    let filter = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: HTTPRouteFilter\nmetadata: {{name: f, namespace: o}}\nspec: {{urlRewrite: {{path: {{type: ReplaceRegexMatch, replaceRegexMatch: {{pattern: '{pattern}', substitution: '{text}'}}}}}}}}\n"
    );
    let report = crate::reports::report(&[("cloud.yaml", &cloud(&filters, &filter))]);
    assert_eq!(report.verdict() == check::Verdict::Fails, is_lost, "{report:#?}");
}

const SCHEME_NGINX: &str = "server {\n listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n @\n location / { proxy_pass http://127.0.0.1:9292; }\n}\n";
const SCHEME_HTTPD: &str = "<VirtualHost *:443>\nServerName glance.example\nSSLEngine on\nRewriteEngine On\n@\nProxyPass / http://127.0.0.1:9292/\n</VirtualHost>\n";
const SCHEME_HAPROXY: &str = "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend images\n  bind :443 ssl crt g.pem\n  @\n  default_backend glance\nbackend glance\n  server g 192.0.2.2:9292\n";
const DASHBOARDS: (&str, &str) = (
    "etc/apache2/sites-enabled/d.conf",
    "<VirtualHost *:443>\nServerName d.example\nSSLEngine on\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n</VirtualHost>\n",
);

/// Browsers send no `X-Forwarded-Proto`. A proxy that ends TLS in front of a server adds it, and lines about a proxy show that
/// there is one. A request by https that is redirected to https never ends.
#[rstest]
#[case::nginx(
    SCHEME_NGINX,
    "if ($http_x_forwarded_proto != https) { return 301 https://$host$request_uri; }",
    check::Verdict::Fails
)]
#[case::nginx_without_a_condition(SCHEME_NGINX, "return 301 https://$host$request_uri;", check::Verdict::Fails)]
#[case::nginx_by_scheme(
    SCHEME_NGINX,
    "if ($scheme != https) { return 301 https://$host$request_uri; }",
    check::Verdict::Fine
)]
#[case::nginx_plain(
    SCHEME_NGINX,
    "if ($http_x_forwarded_proto = http) { return 301 https://$host$request_uri; }",
    check::Verdict::Fine
)]
#[case::nginx_behind_a_proxy(
    SCHEME_NGINX,
    "set_real_ip_from 192.0.2.9; if ($http_x_forwarded_proto != https) { return 301 https://$host$request_uri; }",
    check::Verdict::Incomplete
)]
#[case::httpd(
    SCHEME_HTTPD,
    "RewriteCond %{HTTP:X-Forwarded-Proto} !https\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
    check::Verdict::Fails
)]
#[case::httpd_plain(
    SCHEME_HTTPD,
    "RewriteCond %{HTTP:X-Forwarded-Proto} =http\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
    check::Verdict::Fine
)]
#[case::httpd_behind_a_proxy(
    SCHEME_HTTPD,
    "RemoteIPHeader X-Forwarded-For\nRewriteCond %{HTTP:X-Forwarded-Proto} !https\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
    check::Verdict::Incomplete
)]
#[case::httpd_by_tls(
    SCHEME_HTTPD,
    "RewriteCond %{HTTPS} !=on\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]",
    check::Verdict::Fine
)]
#[case::haproxy(
    SCHEME_HAPROXY,
    "http-request redirect scheme https unless { req.hdr(X-Forwarded-Proto) https }",
    check::Verdict::Fails
)]
#[case::haproxy_sets_it(
    SCHEME_HAPROXY,
    "http-request set-header X-Forwarded-Proto https if { ssl_fc }\n  http-request redirect scheme https unless { req.hdr(X-Forwarded-Proto) https }",
    check::Verdict::Fine
)]
#[case::haproxy_removes_it(
    SCHEME_HAPROXY,
    "http-request del-header X-Forwarded-Proto\n  http-request deny if { req.hdr(X-Forwarded-Proto) -m found }",
    check::Verdict::Fine
)]
#[case::haproxy_by_tls(SCHEME_HAPROXY, "http-request redirect scheme https unless { ssl_fc }", check::Verdict::Fine)]
#[case::haproxy_behind_a_proxy(
    SCHEME_HAPROXY,
    "bind :8443 accept-proxy ssl crt g.pem\n  http-request redirect scheme https unless { req.hdr(X-Forwarded-Proto) https }",
    check::Verdict::Incomplete
)]
fn the_scheme_that_a_proxy_tells(#[case] text: &str, #[case] lines: &str, #[case] verdict: check::Verdict) {
    let name = match text {
        SCHEME_NGINX => "etc/nginx/conf.d/glance.conf",
        SCHEME_HTTPD => "etc/apache2/sites-enabled/glance.conf",
        _ => "etc/haproxy/haproxy.cfg",
    };
    let conf = format!("[DEFAULT]\npublic_endpoint = https://glance.example\n{GOOD}");
    let report = crate::reports::report(&[(name, &text.replace('@', lines)), DASHBOARDS, DASHBOARD, (CONF, &conf)]);
    assert_eq!(report.verdict(), verdict, "{report:#?}");
}

/// The same demand on the dashboard shows a proxy in front of both, or nobody could log in.
#[test]
fn the_dashboard_asks_for_the_scheme_too() {
    let lines = "if ($http_x_forwarded_proto != https) { return 301 https://$host$request_uri; }";
    let own = SCHEME_NGINX.replace('@', lines);
    let dashboards = own.replace("glance.example", "d.example").replace("127.0.0.1:9292", "horizon");
    let conf = format!("[DEFAULT]\npublic_endpoint = https://glance.example\n{GOOD}");
    let files = [("etc/nginx/conf.d/g.conf", own.as_str()), ("etc/nginx/conf.d/d.conf", &dashboards), DASHBOARD];
    let report = crate::reports::report(&[&files[..], &[(CONF, &conf)]].concat());
    assert_eq!(report.verdict(), check::Verdict::Incomplete, "{report:#?}");
}

/// The published URL has https, and the server on its port has none.
#[rstest]
#[case::without_tls("listen 9292;", true)]
#[case::with_tls("listen 9292 ssl;", false)]
fn a_published_port_without_tls(#[case] listen: &str, #[case] is_told: bool) {
    let conf = format!("[DEFAULT]\npublic_endpoint = https://glance.example:9292\nbind_port = 9393\n{GOOD}");
    let text = format!(
        "server {{\n {listen}\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {{ proxy_pass http://127.0.0.1:9393; }}\n}}\n"
    );
    let report = crate::reports::report(&[("etc/nginx/conf.d/glance.conf", &text), DASHBOARD, (CONF, &conf)]);
    assert_eq!(report.unseen.iter().any(|what| what.contains("what ends TLS before Glance")), is_told, "{report:#?}");
}
