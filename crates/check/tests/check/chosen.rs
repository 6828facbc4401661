//! Which server answers the published URL: by its address, its name and the path.

use direct_upload_check::Verdict;
use rstest::rstest;

use super::verdict::{CONF, GLANCE, HORIZON, SETTINGS, report};

/// The verdict on a cloud whose Glance publishes a URL, with these files.
fn published(url: &str, files: &[(&str, &str)]) -> Verdict {
    let conf = CONF.1.replace("[DEFAULT]\n", &format!("[DEFAULT]\npublic_endpoint = {url}\n"));
    let mut all = vec![(CONF.0, conf.as_str()), SETTINGS];
    all.extend(files);
    let report = report(&all);
    println!("{:?} {:?}", report.findings, report.unseen);
    report.verdict()
}

/// httpd takes the first host whose name or alias fits, and reads the files of a folder in the order of their names.
#[rstest]
#[case::before(
    "a.conf",
    "Header always set Access-Control-Allow-Origin *\nProxyPass / http://127.0.0.1:9292/",
    Verdict::Fails
)]
#[case::behind(
    "z.conf",
    "Header always set Access-Control-Allow-Origin *\nProxyPass / http://127.0.0.1:9292/",
    Verdict::Fine
)]
#[case::the_dashboards("a.conf", "WSGIScriptAlias / /openstack_dashboard/wsgi.py", Verdict::Incomplete)]
#[case::the_dashboards_behind("z.conf", "WSGIScriptAlias / /openstack_dashboard/wsgi.py", Verdict::Fine)]
fn httpds_first_host_of_a_name(#[case] name: &str, #[case] lines: &str, #[case] verdict: Verdict) {
    let host = format!(
        "<VirtualHost *:443>\nServerName h.example\nServerAlias *.example\nSSLEngine on\n{lines}\n</VirtualHost>\n"
    );
    let path = format!("etc/apache2/sites-enabled/{name}");
    assert_eq!(published("https://g.example", &[HORIZON, GLANCE, (&path, &host)]), verdict);
}

/// nginx with Glance's server, and another one.
fn nginx(other: &str) -> Verdict {
    let own = "server {\n listen 443 ssl;\n server_name g.example;\n location / {\n client_max_body_size 0;\n proxy_request_buffering off;\n proxy_pass http://127.0.0.1:9292;\n }\n}\n";
    published("https://g.example", &[HORIZON, ("etc/nginx/conf.d/10.conf", own), ("etc/nginx/conf.d/20.conf", other)])
}

/// A server that browsers cannot reach, or that leads to the same address itself, is not behind another one.
#[rstest]
#[case::inside("listen 127.0.0.1:8081;\n server_name localhost;")]
#[case::another_port("listen 9292;\n server_name int.example;")]
#[case::another_address("listen 192.0.2.7:9292;\n server_name int.example;")]
#[case::the_same_name("listen 443 ssl;\n server_name g.example;")]
fn servers_of_nginx_that_browsers_do_not_use(#[case] listen: &str) {
    let other = format!("server {{\n {listen}\n location / {{\n proxy_pass http://127.0.0.1:9292;\n }}\n}}\n");
    assert_eq!(nginx(&other), Verdict::Fine);
}

/// Browsers with IPv6 meet another server.
#[test]
fn a_server_for_ipv6_counts() {
    let other = "server {\n listen [::]:443 ssl;\n server_name g.example;\n location / {\n proxy_pass http://127.0.0.1:9292;\n }\n}\n";
    assert_eq!(nginx(other), Verdict::Fails);
}

/// A server to which another one leads counts.
#[test]
fn a_server_behind_another_one_counts() {
    let other = "server {\n listen 127.0.0.1:9292;\n location / {\n proxy_pass http://glance-api:9393;\n }\n}\n";
    assert_eq!(nginx(other), Verdict::Fails);
}

/// HAProxy with one frontend for both, which has these lines.
fn haproxy(url: &str, lines: &str, more: &[(&str, &str)]) -> Verdict {
    let text = format!(
        "defaults\n mode http\n timeout client 1h\n timeout server 1h\nfrontend all\n bind 192.0.2.1:443 ssl crt x\n{lines}\nbackend horizon\n server h 192.0.2.3:80\nbackend glance\n server g 192.0.2.2:9292\n"
    );
    let mut files = vec![("etc/haproxy/haproxy.cfg", text.as_str())];
    files.extend(more);
    published(url, &files)
}

const MAP: (&str, &str) = ("etc/haproxy/hosts.map", "d.example horizon\ng.example glance\n");

/// `use_backend` by the host and the path of the published URL.
#[rstest]
#[case("use_backend glance if { hdr(host) -i g.example }\ndefault_backend horizon", Verdict::Fine)]
#[case("use_backend glance if { hdr(host) -i images.example }\ndefault_backend horizon", Verdict::Incomplete)]
#[case("use_backend glance if { hdr(host) -i images.example }", Verdict::Incomplete)]
#[case("use_backend glance if { hdr_dom(host) -i g }\ndefault_backend horizon", Verdict::Fine)]
#[case("use_backend glance if { ssl_fc_sni g.example }\ndefault_backend horizon", Verdict::Fine)]
#[case(
    "use_backend glance if { req.hdr(host),field(1,:),lower -m str g.example }\ndefault_backend horizon",
    Verdict::Fine
)]
#[case("use_backend horizon if { path_beg /v2 }\nuse_backend glance if { hdr(host) g.example }", Verdict::Incomplete)]
#[case("use_backend %[req.hdr(host),lower,map(/etc/haproxy/hosts.map,horizon)]", Verdict::Fine)]
#[case("use_backend %[req.hdr(host),lower,map_dom(/etc/haproxy/external-frontend-map,horizon)]", Verdict::Fine)]
#[case("use_backend %[req.hdr(host),lower,map_beg(/etc/haproxy/hosts.map)]", Verdict::Fine)]
#[case("use_backend %[path,map_beg(/etc/haproxy/hosts.map,horizon)]\ndefault_backend glance", Verdict::Incomplete)]
#[case(
    "acl img hdr(host) -i -f /etc/haproxy/hosts.lst\nuse_backend glance if img\ndefault_backend horizon",
    Verdict::Fine
)]
#[case(
    "acl img hdr(host) -i -f /etc/haproxy/hosts.lst\nuse_backend glance if !img\ndefault_backend horizon",
    Verdict::Incomplete
)]
fn haproxys_choice_of_a_backend(#[case] lines: &str, #[case] verdict: Verdict) {
    let list = ("etc/haproxy/hosts.lst", "# hosts\ng.example\n");
    let kollas = ("etc/haproxy/external-frontend-map", MAP.1);
    assert_eq!(haproxy("https://g.example", lines, &[MAP, list, kollas]), verdict);
}

/// A map that leads to other backends only.
#[test]
fn a_map_of_haproxy_without_glance() {
    let lines = "use_backend %[req.hdr(host),lower,map_dom(/etc/haproxy/external-frontend-map,horizon)]";
    let map = ("etc/haproxy/external-frontend-map", "d.example horizon\ng.example nova\n");
    assert_eq!(haproxy("https://g.example", lines, &[map]), Verdict::Incomplete);
}

/// Below a path of the dashboard's origin; HAProxy chooses after its rules have changed the path.
#[rstest]
#[case(
    "http-request set-var(txn.path) path\nhttp-request replace-path ^/image/(.*) /\\1\nuse_backend glance if { var(txn.path) -m beg /image/ }",
    Verdict::Fine
)]
#[case(
    "acl img path_beg /image/\nhttp-request replace-path ^/image/(.*) /\\1 if img\nuse_backend glance if img",
    Verdict::Incomplete
)]
#[case("use_backend glance if { path_beg /images }", Verdict::Incomplete)]
#[case("use_backend glance if { path_beg /image }", Verdict::Fails)]
fn haproxys_choice_by_path(#[case] lines: &str, #[case] verdict: Verdict) {
    let lines = format!("{lines}\ndefault_backend horizon");
    assert_eq!(haproxy("https://d.example/image", &lines, &[]), verdict);
}

/// Rules of HAProxy about paths in files.
#[rstest]
#[case("http-request deny if { path_beg -f /etc/haproxy/blocked.lst }", "# closed\n/admin\n", Verdict::Fine)]
#[case("http-request deny if { path_beg -f /etc/haproxy/blocked.lst }", "/admin\n/v2/images\n", Verdict::Fails)]
#[case(
    "http-request deny if { path,map_beg(/etc/haproxy/blocked.lst,0) -m int gt 0 }",
    "/v2/images 1\n",
    Verdict::Fails
)]
#[case("http-request deny if { path,map_beg(/etc/haproxy/blocked.lst,0) -m int gt 0 }", "/admin 1\n", Verdict::Fine)]
fn haproxys_lists_in_files(#[case] rule: &str, #[case] list: &str, #[case] verdict: Verdict) {
    let lines = format!("{rule}\nuse_backend horizon if {{ hdr(host) d.example }}\ndefault_backend glance");
    assert_eq!(haproxy("https://g.example", &lines, &[("etc/haproxy/blocked.lst", list)]), verdict);
}

/// The location that takes uploads must lead to Glance.
#[rstest]
#[case("location /v1 { proxy_pass http://127.0.0.1:9292; }\n location / { return 404; }", Verdict::Fails)]
#[case("location = /v2/images { proxy_pass http://127.0.0.1:9292; }\n location / { root /var/www; }", Verdict::Fails)]
#[case("location /v2/ { proxy_pass http://127.0.0.1:9292; }\n location / { return 404; }", Verdict::Fine)]
fn nginxs_location_for_uploads(#[case] locations: &str, #[case] verdict: Verdict) {
    let text = format!(
        "server {{\n listen 443 ssl;\n server_name g.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n {locations}\n}}\n"
    );
    assert_eq!(published("https://g.example", &[HORIZON, ("etc/nginx/conf.d/10.conf", &text)]), verdict);
}

/// An address of nginx has TLS if one of its servers says so.
#[test]
fn nginxs_servers_of_one_address_share_tls() {
    let text = "server {\n listen 443 ssl;\n server_name d.example;\n location / { proxy_pass http://horizon:8080; }\n}\nserver {\n listen 443;\n server_name g.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / { proxy_pass http://127.0.0.1:9292; }\n}\n";
    assert_eq!(published("https://g.example", &[("etc/nginx/conf.d/10.conf", text)]), Verdict::Fine);
}

/// What httpd makes of the path: a `ProxyPass` before the dashboard's own application, a balancer, a rewrite.
#[rstest]
#[case::of_the_dashboard(
    "https://d.example/image",
    "WSGIScriptAlias / /openstack_dashboard/wsgi.py\nProxyPass /image/ http://127.0.0.1:9292",
    Verdict::Fails
)]
#[case::of_the_dashboard(
    "https://d.example/image",
    "WSGIScriptAlias / /openstack_dashboard/wsgi.py\nProxyPass /image/ http://127.0.0.1:9292/",
    Verdict::Fine
)]
#[case::a_balancer(
    "https://g.example",
    "<Proxy balancer://glance>\nBalancerMember http://192.0.2.1:9292\n</Proxy>\nProxyPass / balancer://glance",
    Verdict::Fails
)]
#[case::a_balancer(
    "https://g.example",
    "<Proxy balancer://glance>\nBalancerMember http://192.0.2.1:9292\n</Proxy>\nProxyPass / balancer://glance/",
    Verdict::Fine
)]
#[case::rewritten(
    "https://g.example",
    "RewriteEngine On\nRewriteRule ^/v2/(.*)$ http://127.0.0.1:9292/$1 [P,L]",
    Verdict::Fails
)]
#[case::rewritten(
    "https://g.example",
    "RewriteEngine On\nRewriteRule ^/(.*)$ http://127.0.0.1:9292/$1 [P,L]",
    Verdict::Fine
)]
fn the_path_behind_httpd(#[case] url: &str, #[case] lines: &str, #[case] verdict: Verdict) {
    let own = url.contains("g.example");
    let name = if own { "g.example" } else { "d.example" };
    let host = format!("<VirtualHost *:443>\nServerName {name}\nSSLEngine on\n{lines}\n</VirtualHost>\n");
    let mut files = vec![("etc/apache2/sites-enabled/glance.conf", host.as_str())];
    files.extend(own.then_some(HORIZON));
    assert_eq!(published(url, &files), verdict);
}

/// The last hop: address, port and protocol.
#[rstest]
#[case("http://127.0.0.1:9292/", "http-socket = 127.0.0.1:9292", Verdict::Fine)]
#[case("http://127.0.0.1:9292/", "socket = 127.0.0.1:9292", Verdict::Incomplete)]
#[case("http://127.0.0.1:9292/", "socket = 127.0.0.1:9292\nprotocol = http", Verdict::Fine)]
#[case("uwsgi://127.0.0.1:9292/", "socket = 127.0.0.1:9292", Verdict::Fine)]
#[case("uwsgi://127.0.0.1:9292/", "http-socket = 127.0.0.1:9292", Verdict::Incomplete)]
#[case("https://127.0.0.1:9292/", "http-socket = 127.0.0.1:9292", Verdict::Incomplete)]
#[case("http://192.0.2.6:9292/", "http-socket = 127.0.0.1:9292", Verdict::Incomplete)]
#[case("http://192.0.2.6:9292/", "http-socket = 192.0.2.5:9292", Verdict::Fine)]
#[case("http://127.0.0.1:9191/", "http-socket = :9292", Verdict::Incomplete)]
fn the_last_hop(#[case] target: &str, #[case] socket: &str, #[case] verdict: Verdict) {
    let host = format!(
        "<VirtualHost *:443>\nServerName g.example\nSSLEngine on\nLimitRequestBody 0\nProxyPass / {target}\n</VirtualHost>\n"
    );
    let ini = format!("[uwsgi]\n{socket}\nmodule = glance.wsgi.api\nsocket-timeout = 600\n");
    let files = [HORIZON, (GLANCE.0, host.as_str()), ("etc/glance/glance-api-uwsgi.ini", ini.as_str())];
    assert_eq!(published("https://g.example", &files), verdict);
}

/// The same behind HAProxy, of Glance's own server.
#[rstest]
#[case("", Verdict::Fine)]
#[case("bind_host = 192.0.2.2\n", Verdict::Fine)]
#[case("bind_host = 127.0.0.1\n", Verdict::Incomplete)]
#[case("bind_port = 9393\n", Verdict::Incomplete)]
fn the_last_hop_of_haproxy(#[case] options: &str, #[case] verdict: Verdict) {
    let text = "defaults\n mode http\n timeout client 1h\n timeout server 1h\nfrontend g\n bind 192.0.2.1:9292 ssl crt x\n default_backend glance\nbackend glance\n server g 192.0.2.2:9292\n";
    let conf = format!(
        "[DEFAULT]\npublic_endpoint = https://g.example:9292\n{options}[keystone_authtoken]\n[cors]\nallowed_origin = https://d.example\n"
    );
    let report = report(&[(CONF.0, &conf), SETTINGS, HORIZON, ("etc/haproxy/haproxy.cfg", text)]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

const DASHBOARDS_TWO: &str = "ALLOWED_HOSTS = ['*']\nCSRF_TRUSTED_ORIGINS = ['https://d.example', 'https://e.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";

/// HAProxy for a port, and what is behind it.
fn behind_haproxy(target: &str, lines: &str, inner: (&str, &str)) -> Vec<String> {
    let text = format!(
        "defaults\n mode http\n timeout client 1h\n timeout server 1h\nfrontend glance-api\n bind 192.0.2.1:443 ssl crt x\n {lines}\n default_backend glance-api\nbackend glance-api\n server g {target}\n"
    );
    let conf = CONF.1.replace("[DEFAULT]\n", "[DEFAULT]\npublic_endpoint = https://g.example\n");
    let report = report(&[(CONF.0, &conf), SETTINGS, HORIZON, ("etc/haproxy/haproxy.cfg", &text), inner]);
    let mut found: Vec<String> = report.findings.iter().map(|own| format!("{} {}", own.severity, own.rule)).collect();
    found.dedup();
    found
}

const INNER: &str = "etc/nginx/conf.d/inner.conf";

/// What HAProxy leads to is Glance's, whatever its lines say.
#[rstest]
#[case::by_port("192.0.2.2:9292", "192.0.2.2:9292", &["error DU014", "note DU015"])]
#[case::another_port("192.0.2.2:8090", "8090", &["error DU014", "note DU015"])]
#[case::not_led_to("192.0.2.2:8090", "8091", &[])]
fn a_server_to_which_haproxy_leads(#[case] target: &str, #[case] listen: &str, #[case] expected: &[&str]) {
    let text = format!(
        "server {{ listen {listen}; server_name _; client_max_body_size 2m; location / {{ proxy_pass http://127.0.0.1:9393; }} }}\n"
    );
    assert_eq!(behind_haproxy(target, "", (INNER, &text)), expected);
}

/// What a server adds to the grant does not matter where the one in front of it writes its own.
#[rstest]
#[case::added("", &["error DU012"])]
#[case::replaced("http-response set-header Access-Control-Allow-Origin https://d.example", &["warning DU012"])]
#[case::replaced_for_some(
    "http-response set-header Access-Control-Allow-Origin https://d.example if { src 192.0.2.0/24 }",
    &["error DU012"]
)]
fn a_second_value_behind_another_server(#[case] line: &str, #[case] expected: &[&str]) {
    let text = "server { listen 192.0.2.2:9292; client_max_body_size 0; proxy_request_buffering off; location / { add_header Access-Control-Allow-Origin https://d.example always; proxy_pass http://127.0.0.1:9393; } }\n";
    assert_eq!(behind_haproxy("192.0.2.2:9292", line, (INNER, text)), expected);
}

/// HAProxy ends TLS, and what is behind it asks for the scheme that HAProxy tells, or does not tell.
#[rstest]
#[case::told("http-request set-header X-Forwarded-Proto https", &[])]
#[case::told_by_tls("http-request set-header X-Forwarded-Proto https if { ssl_fc }", &[])]
#[case::not_told("", &["error DU020"])]
fn the_scheme_behind_haproxy(#[case] line: &str, #[case] expected: &[&str]) {
    let text = "server { listen 192.0.2.2:9292; server_name _; client_max_body_size 0; proxy_request_buffering off; if ($http_x_forwarded_proto != https) { return 301 https://$host$request_uri; } location / { proxy_pass http://127.0.0.1:9393; } }\n";
    assert_eq!(behind_haproxy("192.0.2.2:9292", line, (INNER, text)), expected);
}

/// Lines of which the file does not show whether HAProxy reads them are not judged.
#[rstest]
#[case::in_a_frontend(
    " .if defined(EDGE)\n http-response add-header Access-Control-Allow-Origin *\n .endif\n use_backend glance if { hdr(host) -i g.example }\n default_backend horizon",
    Verdict::Incomplete
)]
#[case::of_logs(
    " .if defined(EDGE)\n option httplog\n .endif\n use_backend glance if { hdr(host) -i g.example }\n default_backend horizon",
    Verdict::Fine
)]
#[case::a_section(
    " use_backend glance if { hdr(host) -i g.example }\n default_backend horizon\n.if defined(EDGE)\nbackend more\n server m 192.0.2.9:9292\n.endif",
    Verdict::Incomplete
)]
#[case::in_each_version(
    " .if version_atleast(2.2)\n http-response add-header Access-Control-Allow-Origin *\n .endif\n use_backend glance if { hdr(host) -i g.example }\n default_backend horizon",
    Verdict::Fails
)]
#[case::else_of_one_that_holds(
    " .if 1\n .else\n http-response add-header Access-Control-Allow-Origin *\n .endif\n use_backend glance if { hdr(host) -i g.example }\n default_backend horizon",
    Verdict::Fine
)]
fn conditions_of_haproxys_file(#[case] lines: &str, #[case] verdict: Verdict) {
    assert_eq!(haproxy("https://g.example", lines, &[]), verdict);
}

/// A host has the main server's rules only if one of them asks for it.
#[rstest]
#[case::plain("", "", Verdict::Fine)]
#[case::inherited("RewriteOptions Inherit", "", Verdict::Fails)]
#[case::inherited_before("RewriteOptions InheritBefore", "", Verdict::Fails)]
#[case::given("", "RewriteOptions InheritDown", Verdict::Fails)]
#[case::given_and_ignored("RewriteOptions IgnoreInherit", "RewriteOptions InheritDown", Verdict::Fine)]
fn rules_of_httpds_main_server(#[case] own: &str, #[case] main: &str, #[case] verdict: Verdict) {
    let host = GLANCE.1.replace("SSLEngine on", &format!("SSLEngine on\nRewriteEngine On\n{own}"));
    let rules = format!("RewriteEngine On\n{main}\nRewriteCond %{{REQUEST_METHOD}} =OPTIONS\nRewriteRule ^ - [F]\n");
    let files = [CONF, SETTINGS, HORIZON, (GLANCE.0, &host), ("etc/apache2/conf-enabled/rw.conf", &rules)];
    let report = report(&files);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// What nginx asks of a request before it comes to a named location (measured with 1.22: the size and conditions are the first
/// location's).
#[rstest]
#[case::open("client_max_body_size 0;", "", Verdict::Fine)]
#[case::a_limit_in_front("", "client_max_body_size 0;", Verdict::Fails)]
#[case::a_limit_behind("client_max_body_size 0;", "client_max_body_size 1m;", Verdict::Fine)]
#[case::a_condition("client_max_body_size 0; if ($request_method = OPTIONS) { return 403; }", "", Verdict::Fails)]
#[case::closed("client_max_body_size 0; deny all;", "", Verdict::Fails)]
fn a_named_location_of_nginx(#[case] first: &str, #[case] named: &str, #[case] verdict: Verdict) {
    let text = format!(
        "server {{ listen 443 ssl; server_name g.example;\nlocation / {{ try_files $uri @glance; {first} }}\nlocation @glance {{ proxy_request_buffering off; {named}\nproxy_pass http://127.0.0.1:9292; }} }}\n"
    );
    assert_eq!(published("https://g.example", &[HORIZON, ("etc/nginx/conf.d/g.conf", &text)]), verdict);
}

/// httpd's `ServerName` with a scheme and a port says what browsers use.
#[rstest]
#[case::a_port("https://d.example:8443", Verdict::Fails)]
#[case::the_usual_port("https://d.example:443", Verdict::Fine)]
#[case::a_scheme("https://d.example", Verdict::Fine)]
#[case::the_servers_own("d.example:8443", Verdict::Fine)]
fn the_name_of_httpds_server(#[case] name: &str, #[case] verdict: Verdict) {
    let host = HORIZON.1.replace("ServerName d.example", &format!("ServerName {name}"));
    let report = report(&[CONF, SETTINGS, (HORIZON.0, &host), GLANCE]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// Django trusts an origin that Glance does not allow: somebody may use it.
#[test]
fn a_trusted_origin_that_glance_lacks() {
    let report = report(&[CONF, (SETTINGS.0, DASHBOARDS_TWO), HORIZON, GLANCE]);
    let notes: Vec<&str> = report.findings.iter().map(|own| own.found.as_str()).collect();
    assert!(
        matches!(notes.as_slice(), [one] if one.starts_with("allowed_origin lacks https://e.example, which Django trusts")),
        "{notes:?}"
    );
    assert_eq!(report.verdict(), Verdict::Fine);
}

/// With a password in it, it is no URL for browsers.
#[test]
fn a_public_endpoint_with_a_password() {
    assert_eq!(published("https://u:p@g.example", &[HORIZON, GLANCE]), Verdict::Incomplete);
}

/// A version at the end of `public_endpoint` is not a fault of what is in front of Glance.
#[test]
fn a_public_endpoint_with_a_version() {
    assert_eq!(published("https://g.example/v2", &[HORIZON, GLANCE]), Verdict::Fine);
}

/// uWSGI's `env` moves Glance's own files, and not those that the filter reads.
#[rstest]
#[case::moved("env = OS_GLANCE_CONFIG_DIR=/etc/glance-prod\n", "etc/glance-prod/glance-api.conf", Verdict::Fails)]
#[case::moved_to_what_is_missing(
    "env = OS_GLANCE_CONFIG_DIR=/etc/glance-test\n",
    "etc/glance/glance-api.conf",
    Verdict::Incomplete
)]
#[case::its_usual_folder("env = OS_GLANCE_CONFIG_DIR=/etc/glance\n", "etc/glance/glance-api.conf", Verdict::Fine)]
#[case::an_option("env = OS_CORS__ALLOWED_ORIGIN=https://e.example\n", "etc/glance/glance-api.conf", Verdict::Fails)]
#[case::another_variable("env = LANG=C\n", "etc/glance/glance-api.conf", Verdict::Fine)]
fn variables_that_uwsgi_sets(#[case] line: &str, #[case] file: &str, #[case] verdict: Verdict) {
    let ini = format!("[uwsgi]\nhttp-socket = 127.0.0.1:9292\nmodule = glance.wsgi.api\nsocket-timeout = 600\n{line}");
    let main = ("etc/glance/glance-api.conf", "[keystone_authtoken]\n");
    let files = [main, (file, CONF.1), SETTINGS, HORIZON, GLANCE, ("etc/glance/glance-api-uwsgi.ini", &ini)];
    let files = if file == main.0 { &files[1..] } else { &files[..] };
    let report = report(files);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// A dashboard on a public address, and a Glance on a local one (Local Network Access).
#[rstest]
#[case::local("https://10.0.0.7:9292", "8.8.4.4", true)]
#[case::both_local("https://10.0.0.7:9292", "10.0.0.8", false)]
#[case::both_public("https://8.8.8.8:9292", "8.8.4.4", false)]
#[case::names("https://g.example", "d.example", false)]
fn addresses_of_both(#[case] url: &str, #[case] dashboard: &str, #[case] told: bool) {
    let conf = format!("[DEFAULT]\npublic_endpoint = {url}\n[cors]\nallowed_origin = https://{dashboard}\n");
    let settings = format!("ALLOWED_HOSTS = ['{dashboard}']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n");
    let found = report(&[(CONF.0, &conf), (SETTINGS.0, &settings)]).findings;
    let is_it = |own: &direct_upload_check::Finding| own.rule == direct_upload_api::Rule::LocalNetwork;
    assert_eq!(found.iter().any(is_it), told, "{found:?}");
}
