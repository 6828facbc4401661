//! Servers to which browsers open no connection.

use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, SETTINGS, found_in};

fn behind(name: &str, text: &str) -> Vec<String> {
    found_in(&[(name, text), DASHBOARD, (CONF, GOOD)], Some("2025.1"))
}

#[rstest]
#[case::certificate("443 ssl", "ssl_verify_client on;", &["error DU020"])]
#[case::optional("443 ssl", "ssl_verify_client optional;", &[])]
#[case::old_tls("443 ssl", "ssl_protocols TLSv1 TLSv1.1;", &["error DU010"])]
#[case::new_tls("443 ssl", "ssl_protocols TLSv1.1 TLSv1.2;", &[])]
#[case::tls_ends_elsewhere("80", "ssl_protocols TLSv1;", &[])]
#[case::a_blocked_port("6000 ssl", "", &["error DU010"])]
#[case::two_ports("6000 ssl; listen 9292 ssl", "", &[])]
fn of_nginx(#[case] listen: &str, #[case] line: &str, #[case] expected: &[&str]) {
    let text = format!(
        "server {{\n listen {listen};\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n {line}\n location / {{\n proxy_pass http://127.0.0.1:9292;\n }}\n}}\n"
    );
    assert_eq!(behind("etc/nginx/conf.d/glance.conf", &text), expected, "{text}");
}

#[rstest]
#[case::certificate(443, "SSLVerifyClient require", &["error DU020"])]
#[case::optional(443, "SSLVerifyClient optional", &[])]
#[case::old_tls(443, "SSLProtocol -all +TLSv1 +TLSv1.1", &["error DU010"])]
#[case::old_tls_alone(443, "SSLProtocol TLSv1.1", &["error DU010"])]
#[case::without_the_new(443, "SSLProtocol all -TLSv1.2 -TLSv1.3", &["error DU010"])]
#[case::without_the_old(443, "SSLProtocol all -SSLv3 -TLSv1 -TLSv1.1", &[])]
#[case::a_blocked_port(5060, "", &["error DU010"])]
fn of_httpd(#[case] port: u16, #[case] line: &str, #[case] expected: &[&str]) {
    let text = format!(
        "<VirtualHost *:{port}>\nServerName glance.example\nSSLEngine on\nProxyPass / http://127.0.0.1:9292/\n{line}\n</VirtualHost>\n"
    );
    assert_eq!(behind("etc/apache2/sites-enabled/glance.conf", &text), expected, "{text}");
}

#[rstest]
#[case::certificate("", ":443 ssl crt g.pem ca-file c.pem verify required", &["error DU020"])]
#[case::optional("", ":443 ssl crt g.pem ca-file c.pem verify optional", &[])]
#[case::old_tls("", ":443 ssl crt g.pem ssl-max-ver TLSv1.1", &["error DU010"])]
#[case::old_tls_by_force("", ":443 ssl crt g.pem force-tlsv11", &["error DU010"])]
#[case::by_default("  ssl-default-bind-options ssl-max-ver TLSv1.1\n", ":443 ssl crt g.pem", &["error DU010"])]
#[case::but_here("  ssl-default-bind-options ssl-max-ver TLSv1.1\n", ":443 ssl crt g.pem ssl-max-ver TLSv1.3", &[])]
#[case::new_tls("  ssl-default-bind-options ssl-min-ver TLSv1.2\n", ":443 ssl crt g.pem", &[])]
#[case::a_blocked_port("", ":6667 ssl crt g.pem", &["error DU010"])]
fn of_haproxy(#[case] global: &str, #[case] bind: &str, #[case] expected: &[&str]) {
    let text = format!(
        "global\n  daemon\n{global}defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend images\n  bind {bind}\n  default_backend glance\nbackend glance\n  server g 192.0.2.2:9292\n"
    );
    assert_eq!(behind("etc/haproxy/haproxy.cfg", &text), expected, "{text}");
}

#[rstest]
#[case::glances("https://glance.example:6000", "d.example", 443, &["error DU010"])]
#[case::fine("https://glance.example:9292", "d.example", 443, &[])]
#[case::the_dashboards("https://glance.example:9292", "d.example:6000", 6000, &["error DU010"])]
fn ports_that_are_published(#[case] url: &str, #[case] dashboard: &str, #[case] port: u16, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\npublic_endpoint = {url}\n[cors]\nallowed_origin = https://{dashboard}\n");
    let host = format!(
        "<VirtualHost *:{port}>\nServerName d.example\nSSLEngine on\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n</VirtualHost>\n"
    );
    let files = [("etc/apache2/sites-enabled/horizon.conf", host.as_str()), DASHBOARD, (CONF, &conf)];
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

/// The dashboard's own policy, read as the probe reads it.
#[rstest]
#[case::origin("connect-src 'self' https://g.example", &[])]
#[case::its_path("connect-src 'self' https://g.example/image/", &[])]
#[case::another_case("connect-src 'self' https://g.example/Image/", &["error DU013"])]
#[case::an_exact_path("connect-src 'self' https://g.example/image", &["error DU013"])]
#[case::another_path("connect-src 'self' https://g.example/volume/", &["error DU013"])]
#[case::sandbox("sandbox allow-forms allow-same-origin", &["error DU013"])]
#[case::opaque("sandbox allow-scripts allow-forms", &["error DU013"])]
#[case::open_sandbox("sandbox allow-scripts allow-same-origin", &[])]
#[case::two_policies("default-src https:, connect-src 'self'", &["error DU013"])]
fn policies_of_the_dashboard(#[case] policy: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\npublic_endpoint = https://g.example/image\n{GOOD}");
    let nginx = format!(
        "server {{\n listen 443 ssl;\n server_name d.example;\n location / {{\n add_header Content-Security-Policy \"{policy}\";\n proxy_pass http://horizon;\n }}\n}}\n"
    );
    let httpd = format!(
        "<VirtualHost *:443>\nServerName d.example\nSSLEngine on\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\nHeader set Content-Security-Policy \"{policy}\"\n</VirtualHost>\n"
    );
    let haproxy = format!(
        "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend web\n  bind :443 ssl crt g.pem\n  http-response set-header Content-Security-Policy \"{policy}\"\n  default_backend horizon\nbackend horizon\n  server h 192.0.2.1:80\n"
    );
    for (name, text) in [
        ("etc/nginx/conf.d/horizon.conf", nginx),
        ("etc/apache2/sites-enabled/horizon.conf", httpd),
        ("etc/haproxy/haproxy.cfg", haproxy),
    ] {
        let found = found_in(&[(name, text.as_str()), DASHBOARD, (CONF, &conf)], Some("2025.1"));
        assert_eq!(found, expected, "{text}");
    }
}

#[rstest]
#[case::connections("CSP_CONNECT_SRC = [\"'self'\"]", &["error DU013"])]
#[case::sandbox("CSP_CONNECT_SRC = ['https://g.example']\nCSP_SANDBOX = ['allow-forms']", &["error DU013"])]
#[case::open("CSP_CONNECT_SRC = ['https://g.example']", &[])]
fn policies_in_settings(#[case] lines: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\npublic_endpoint = https://g.example\n{GOOD}");
    let settings = format!("{}{lines}\n", DASHBOARD.1);
    assert_eq!(found_in(&[(SETTINGS, &settings), (CONF, &conf)], Some("2025.1")), expected);
}
