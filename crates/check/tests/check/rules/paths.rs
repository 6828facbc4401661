//! A server's settings for a path count only if uploads have it; and what it removes from their requests.

use direct_upload_check as check;
use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, found_in};

const LISTEN: &str =
    "listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n";
const PASS: &str = "proxy_pass http://127.0.0.1:9292;";

fn behind(name: &str, text: &str) -> Vec<String> {
    found_in(&[(name, text), DASHBOARD, (CONF, GOOD)], Some("2025.1"))
}

#[rstest]
#[case::a_login_elsewhere("location / { @ } location /metrics { auth_basic x; @ }", &[])]
#[case::a_login_on_the_way("location / { @ } location /v2/images { auth_basic x; @ }", &["error DU020"])]
#[case::a_login_that_uploads_escape("location / { auth_basic x; @ } location /v2/ { @ }", &[])]
#[case::a_limit_elsewhere("location / { client_max_body_size 1m; @ } location ~ ^/v2/images/.*/file$ { @ }", &[])]
#[case::a_limit_of_uploads("location / { @ } location ~ ^/v2/images/.*/file$ { client_max_body_size 9m; @ }", &["error DU014"])]
#[case::a_pattern_beats_a_prefix("location /v2/images { @ } location ~* /FILE$ { auth_basic x; @ }", &["error DU020"])]
#[case::unless_that_is_marked("location ^~ /v2/images { @ } location ~ /file$ { auth_basic x; @ }", &[])]
#[case::nested("location / { @ location /v2 { auth_basic x; @ } }", &["error DU020"])]
#[case::below_a_path("location /image/ { auth_basic x; @ }", &["error DU020"])]
fn locations_of_nginx(#[case] locations: &str, #[case] expected: &[&str]) {
    let locations = locations.replace('@', PASS).replace("{ ", "{\n ").replace("; ", ";\n ");
    let text = format!("server {{\n {LISTEN} {locations}\n}}\n");
    assert_eq!(behind("etc/nginx/conf.d/glance.conf", &text), expected, "{text}");
}

#[rstest]
#[case::elsewhere("ProxyPass / http://127.0.0.1:9292/", "<Location /v1>", &[])]
#[case::on_the_way("ProxyPass / http://127.0.0.1:9292/", "<Location /v2/images>", &["error DU020"])]
#[case::of_all("ProxyPass / http://127.0.0.1:9292/", "<Location />", &["error DU020"])]
#[case::a_part_of_a_name("ProxyPass / http://127.0.0.1:9292/", "<Location /v2/image>", &[])]
#[case::a_pattern("ProxyPass / http://127.0.0.1:9292/", "<LocationMatch \"/file$\">", &["error DU020"])]
#[case::another_pattern("ProxyPass / http://127.0.0.1:9292/", "<LocationMatch \"^/v1/\">", &[])]
#[case::below_a_path("ProxyPass /image http://127.0.0.1:9292", "<Location /image>", &["error DU020"])]
fn sections_of_httpd(#[case] passes: &str, #[case] section: &str, #[case] expected: &[&str]) {
    let end = section.trim_start_matches('<').split([' ', '>']).next().unwrap();
    let text = format!(
        "<VirtualHost *:443>\nServerName glance.example\nSSLEngine on\n{passes}\n{section}\nRequire valid-user\n</{end}>\n</VirtualHost>\n"
    );
    assert_eq!(behind("etc/apache2/sites-enabled/glance.conf", &text), expected, "{text}");
}

fn haproxy(lines: &str) -> String {
    format!(
        "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend images\n  bind :443 ssl crt g.pem\n  {lines}\n  default_backend glance\nbackend glance\n  server g 192.0.2.2:9292\n"
    )
}

#[rstest]
#[case::elsewhere("http-request deny if { path_beg /v1 }", &[])]
#[case::uploads("http-request deny if { path_beg /v2/images } METH_PUT", &["error DU020"])]
#[case::their_end("acl file path_end -i /FILE\n  http-request deny if file", &["error DU020"])]
#[case::in_another_case("acl file path_end /FILE\n  http-request deny if file", &[])]
#[case::a_pattern("http-request auth unless { path -m reg ^/v1/ }", &["error DU020"])]
#[case::by_a_file("http-request deny if { path_beg -f /etc/haproxy/paths }", &[])]
#[case::the_path_leads_on("use_backend other if { path_beg /identity }\n  http-request deny unless { path_beg /image }", &[])]
fn paths_in_haproxy(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(behind("etc/haproxy/haproxy.cfg", &haproxy(lines)), expected, "{lines}");
}

/// Without the token Glance answers 401, whatever its [cors] grants.
#[rstest]
#[case::removed("http-request del-header X-Auth-Token", &["error DU020"])]
#[case::in_another_case("http-request del-header x-auth-token", &["error DU020"])]
#[case::by_a_prefix("http-request del-header X-Auth- -m beg", &["error DU020"])]
#[case::by_another_prefix("http-request del-header X-Forwarded -m beg", &[])]
#[case::by_a_pattern("http-request del-header ^(origin|x-auth-token)$ -m reg", &["error DU012", "error DU020"])]
#[case::replaced("http-request set-header X-Auth-Token abc", &["error DU020"])]
#[case::passed_on("http-request set-header X-Auth-Token %[req.hdr(X-Auth-Token)]", &[])]
#[case::rewritten("http-request replace-header X-Auth-Token .* abc", &["error DU020"])]
#[case::rewritten_in_part("http-request replace-header X-Auth-Token ^Bearer(.*) \\1", &[])]
#[case::of_some("http-request del-header X-Auth-Token if { src 192.0.2.0/24 }", &[])]
#[case::by_an_old_word("reqidel ^X-Auth-Token:.*", &["error DU020"])]
#[case::the_origin_by_an_old_word("reqdel ^Origin", &["error DU012"])]
#[case::another("http-request del-header X-Identity-Status", &[])]
fn a_token_that_haproxy_takes(#[case] line: &str, #[case] expected: &[&str]) {
    assert_eq!(behind("etc/haproxy/haproxy.cfg", &haproxy(line)), expected, "{line}");
}

#[rstest]
#[case::removed("proxy_set_header X-Auth-Token \"\";", &["error DU020"])]
#[case::passed_on("proxy_set_header X-Auth-Token $http_x_auth_token;", &[])]
#[case::cleared("more_clear_input_headers X-Auth-Token Origin;", &["error DU012", "error DU020"])]
#[case::emptied("more_set_input_headers 'X-Auth-Token: ';", &["error DU020"])]
fn a_token_that_nginx_takes(#[case] line: &str, #[case] expected: &[&str]) {
    let text = format!("server {{\n {LISTEN} location / {{\n {line}\n {PASS}\n }}\n}}\n");
    assert_eq!(behind("etc/nginx/conf.d/glance.conf", &text), expected, "{text}");
}

#[rstest]
#[case::removed("RequestHeader unset X-Auth-Token", &["error DU020"])]
#[case::early("RequestHeader unset X-Auth-Token early", &["error DU020"])]
#[case::of_some("RequestHeader unset X-Auth-Token env=internal", &[])]
#[case::restored("RequestHeader unset X-Auth-Token\nRequestHeader set X-Auth-Token %{HTTP:X-Auth-Token}e", &[])]
#[case::elsewhere("<Location /v1>\nRequestHeader unset X-Auth-Token\n</Location>", &[])]
fn a_token_that_httpd_takes(#[case] line: &str, #[case] expected: &[&str]) {
    let text = format!(
        "<VirtualHost *:443>\nServerName glance.example\nSSLEngine on\nProxyPass / http://127.0.0.1:9292/\n{line}\n</VirtualHost>\n"
    );
    assert_eq!(behind("etc/apache2/sites-enabled/glance.conf", &text), expected, "{text}");
}

/// A rule may hold a token: neither it nor a mask in its place is printed.
#[rstest]
#[case("etc/haproxy/haproxy.cfg", haproxy("http-request set-header X-Auth-Token s3cr3t"))]
#[case("etc/nginx/conf.d/glance.conf", format!("server {{\n {LISTEN} location / {{\n proxy_set_header X-Auth-Token s3cr3t;\n {PASS}\n }}\n}}\n"))]
fn a_tokens_value_is_not_printed(#[case] name: &str, #[case] text: String) {
    let files = [(name, text.as_str()), DASHBOARD, (CONF, GOOD)];
    let texts = files.map(|(name, text)| check::Text { name: name.into(), text: text.into(), named: false }).to_vec();
    let (input, _) = check::manifests::sort(texts, Some("2025.1".parse().unwrap()), jiff::Timestamp::UNIX_EPOCH);
    let printed = check::output::text(&check::check(input), false);
    assert!(printed.contains("replaces the browser's x-auth-token"), "{printed}");
    assert!(!printed.contains("s3cr3t") && !printed.contains("***"), "{printed}");
}

/// The Host of an upload is that of Glance's URL, with a port that is not the scheme's own.
#[rstest]
#[case::its_name("https://g.example", "http-request deny if !{ hdr(host) -i g.example }", &[])]
#[case::its_name_without_the_port("https://g.example:9292", "http-request deny if !{ hdr(host) -i g.example }", &["error DU020"])]
#[case::its_name_and_port("https://g.example:9292", "http-request deny if !{ hdr(host) -i g.example:9292 }", &[])]
#[case::its_start("https://g.example:9292", "http-request deny unless { hdr(host) -i -m beg g.example }", &[])]
#[case::another_name("https://g.example", "http-request deny unless { hdr(host) -i images.example }", &["error DU020"])]
#[case::of_others("https://g.example", "http-request deny if METH_OPTIONS { hdr(host) -i d.example }", &[])]
#[case::by_a_variable("https://g.example", "http-request set-var(txn.m) method\n  acl asks var(txn.m) -m str OPTIONS\n  http-request deny if asks", &["error DU020"])]
#[case::by_a_variable_of_others("https://g.example", "http-request set-var(txn.m) method\n  http-request deny if { var(txn.m) -m str TRACE }", &[])]
fn hosts_of_haproxy(#[case] url: &str, #[case] lines: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\npublic_endpoint = {url}\n{GOOD}");
    let files = [("etc/haproxy/haproxy.cfg", &*haproxy(lines)), DASHBOARD, (CONF, &conf)];
    assert_eq!(found_in(&files, Some("2025.1")), expected, "{lines}");
}

/// A backend for the time when no server is up, or for other requests, ends no upload.
#[rstest]
#[case::no_server("use_backend none if { nbsrv(glance) lt 1 }", "http-request deny", &[])]
#[case::no_server_by_a_name("acl down nbsrv(glance) lt 1\n  use_backend none if down", "http-request return status 503", &[])]
#[case::it_stops("use_backend none if { stopping }", "http-request deny", &[])]
#[case::preflights("use_backend none if METH_OPTIONS", "http-request deny", &["error DU020"])]
#[case::other_methods("use_backend none if METH_TRACE", "http-request deny", &[])]
fn backends_that_stand_in(#[case] choice: &str, #[case] rule: &str, #[case] expected: &[&str]) {
    let text = format!("{}backend none\n  {rule}\n", haproxy(choice).replace(":443", ":9292"));
    assert_eq!(behind("etc/haproxy/haproxy.cfg", &text), expected, "{text}");
}

fn environment(name: &str, value: &str) -> Vec<String> {
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: glance-etc, namespace: o}}\ndata:\n  glance-api.conf: |\n    [cors]\n    allowed_origin = https://d.example\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: glance-api, namespace: o}}\nspec:\n  selector: {{}}\n  template:\n    spec:\n      containers:\n      - name: g\n        env: [{{name: {name}, value: '{value}'}}]\n        volumeMounts: [{{name: v, mountPath: /etc/glance/glance-api.conf, subPath: glance-api.conf}}]\n      volumes: [{{name: v, configMap: {{name: glance-etc}}}}]\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: horizon-etc, namespace: o}}\ndata:\n  local_settings: |\n    ALLOWED_HOSTS = ['d.example']\n    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n"
    );
    found(&[("cloud.yaml", &text)])
}

fn found(files: &[(&str, &str)]) -> Vec<String> {
    let text = |(name, text): &(&str, &str)| check::Text { name: (*name).into(), text: (*text).into(), named: false };
    let (input, errors) = check::manifests::sort(
        files.iter().map(text).collect(),
        Some("2025.1".parse().unwrap()),
        jiff::Timestamp::UNIX_EPOCH,
    );
    assert!(errors.is_empty(), "{errors:?}");
    check::check(input).findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect()
}

/// oslo.config reads `OS_GROUP__OPTION` before files, also in the CORS filter. The real filter says the same:
/// cors_oracle.rs.
#[rstest]
#[case::another("OS_CORS__ALLOWED_ORIGIN", "https://other.example", &["error DU007"])]
#[case::the_same("OS_CORS__ALLOWED_ORIGIN", "https://d.example", &[])]
#[case::methods("OS_CORS__ALLOW_METHODS", "GET", &["error DU004"])]
#[case::of_others("OS_DATABASE__CONNECTION", "x", &[])]
#[case::another_name("CORS__ALLOWED_ORIGIN", "https://other.example", &[])]
fn the_environment_counts_before_files(#[case] name: &str, #[case] value: &str, #[case] expected: &[&str]) {
    assert_eq!(environment(name, value), expected);
}

/// The same in a unit of systemd.
#[test]
fn the_environment_of_a_unit_counts_too() {
    let unit =
        "[Service]\nEnvironment=\"OS_CORS__ALLOWED_ORIGIN=https://other.example\" X=1\nExecStart=/usr/bin/glance-api\n";
    let files = [("etc/systemd/system/glance-api.service", unit), DASHBOARD, (CONF, GOOD)];
    assert_eq!(found(&files), ["error DU007"]);
}

const CONTOUR: &str = "apiVersion: projectcontour.io/v1\nkind: HTTPProxy\nmetadata: {name: g, namespace: o}\nspec:\n  virtualhost:\n    fqdn: g.example\n    @\n  routes: [{services: [{name: glance-api, port: 9292}]}]\n";
const ISTIO: &str = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: gw, namespace: o}\nspec: {servers: [{port: {number: 443, protocol: HTTPS}, hosts: [g.example], tls: {@}}]}\n---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: g, namespace: o}\nspec: {hosts: [g.example], gateways: [gw], http: [{route: [{destination: {host: glance-api}}]}]}\n";
const LISTS: &str = "apiVersion: route.openshift.io/v1\nkind: Route\nmetadata: {name: g, namespace: o}\nspec:\n  host: g.example\n  to: {kind: Service, name: glance-api}\n  tls: {termination: edge}\n  httpHeaders: {actions: {@}}\n";

/// What a gateway asks of each request, and what a Route does to its headers.
#[rstest]
#[case::a_certificate(CONTOUR, "tls: {secretName: x, clientValidation: {caSecret: ca}}", &["error DU020"])]
#[case::an_optional_certificate(CONTOUR, "tls: {secretName: x, clientValidation: {caSecret: ca, optionalClientCertificate: true}}", &[])]
#[case::a_token_of_others(CONTOUR, "jwtProviders: [{name: p, default: true}]", &["error DU020"])]
#[case::a_token_where_it_is_asked_for(CONTOUR, "jwtProviders: [{name: p}]", &[])]
#[case::a_certificate_of_istio(ISTIO, "mode: MUTUAL, credentialName: x", &["error DU020"])]
#[case::tls_of_istio(ISTIO, "mode: SIMPLE, credentialName: x", &[])]
#[case::the_origin(LISTS, "request: [{name: Origin, action: {type: Delete}}]", &["error DU012"])]
#[case::the_headers(LISTS, "response: [{name: Access-Control-Allow-Headers, action: {type: Set, set: {value: Content-Type}}}]", &["error DU012"])]
#[case::another_header(LISTS, "response: [{name: Server, action: {type: Delete}}]", &[])]
fn gateways_and_what_they_ask(#[case] object: &str, #[case] lines: &str, #[case] expected: &[&str]) {
    let errors: Vec<String> = found(&[("g.yaml", &object.replace('@', lines))])
        .into_iter()
        .filter(|line| line.starts_with("error"))
        .collect();
    assert_eq!(errors, expected, "{lines}");
}
