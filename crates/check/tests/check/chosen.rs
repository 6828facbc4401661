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
