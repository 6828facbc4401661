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
