//! Glance's URL, and what changes where it is the dashboard's own origin.

use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, SETTINGS, found_in};

/// A KeystoneEndpoint with this URL, and a dashboard that trusts https://d.example.
#[rstest]
#[case::fine("https://glance.example", &[])]
#[case::port("https://glance.example:9292", &[])]
#[case::slash("https://glance.example/", &[])]
#[case::path_slash("https://api.example/image/", &[])]
#[case::path("https://api.example/image", &[])]
#[case::mixed("http://glance.example", &["error DU009"])]
#[case::internal("https://glance.openstack.svc.cluster.local:9292", &["error DU010"])]
#[case::single_label("https://glance:9292", &["error DU010"])]
#[case::version("https://glance.example/v2", &["error DU011"])]
#[case::version_slash("https://glance.example/v2/", &["error DU011"])]
#[case::not_a_version("https://glance.example/vault", &[])]
fn an_endpoint_must_be_one_that_browsers_can_use(#[case] url: &str, #[case] expected: &[&str]) {
    let endpoint = format!(
        "apiVersion: keystone.openstack.org/v1beta1\nkind: KeystoneEndpoint\nmetadata: {{name: glance}}\nspec:\n  serviceName: glance\n  endpoints: {{public: \"{url}\"}}\n"
    );
    let settings = "CSRF_TRUSTED_ORIGINS = ['https://d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    assert_eq!(found_in(&[("endpoint.yaml", &endpoint), (SETTINGS, settings), (CONF, GOOD)], Some("2025.1")), expected);
}

/// Under the dashboard's own origin the browser asks nothing.
#[test]
fn the_same_origin_needs_no_cors() {
    let endpoint = "apiVersion: keystone.openstack.org/v1beta1\nkind: KeystoneEndpoint\nmetadata: {name: glance, namespace: x}\nspec:\n  serviceName: glance\n  endpoints: {public: https://d.example/image}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance, namespace: x}\ndata: {glance-api.conf: '[DEFAULT]'}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: horizon, namespace: x}\ndata:\n  local_settings.py: |\n    CSRF_TRUSTED_ORIGINS = ['https://d.example']\n    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    assert_eq!(found_in(&[("cloud.yaml", endpoint)], Some("2026.1")), [""; 0]);
}

/// The same, if only the web server's configuration shows it.
#[rstest]
#[case::httpd("etc/apache2/sites-enabled/h.conf", "<VirtualHost *:443>\nServerName d.example\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n<Location /image>\nProxyPass http://glance-api:9292\nLimitRequestBody 0\n</Location>\n</VirtualHost>\n", &[])]
#[case::nginx("etc/nginx/conf.d/h.conf", "server { listen 443 ssl; server_name d.example; client_max_body_size 0; proxy_request_buffering off;\nlocation / { proxy_pass http://horizon; }\nlocation /image/ { proxy_pass http://glance:9292/; }\n}\n", &[])]
#[case::another_port("etc/nginx/conf.d/h.conf", "server { listen 443 ssl; server_name d.example; location / { proxy_pass http://horizon; } }\nserver { listen 9292 ssl; server_name d.example; client_max_body_size 0; proxy_request_buffering off; location / { proxy_pass http://glance:9292; } }\n", &["error DU002"])]
#[case::dashboard_alone("etc/apache2/sites-enabled/h.conf", "<VirtualHost *:443>\nServerName d.example\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n</VirtualHost>\n", &["error DU002"])]
fn a_path_of_the_dashboards_host_needs_no_cors(#[case] name: &str, #[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(found_in(&[(name, text), DASHBOARD, (CONF, "[DEFAULT]\n")], Some("2026.1")), expected);
}

const NGINX: &str = "upstream glance {\n server 192.0.2.6:9292;\n}\nserver {\n listen 443 ssl;\n server_name d.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {\n proxy_pass http://192.0.2.5:80;\n }\n location /image/ {\n proxy_pass http://glance/;\n }\n}\n";
const HAPROXY: &str = "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend public\n  bind :443 ssl crt d.pem\n  use_backend glance if { path_beg /image/ }\n  default_backend horizon\nbackend horizon\n  server h 192.0.2.5:80\nbackend glance\n  http-request replace-path /image/(.*) /\\1\n  server g 192.0.2.6:9292\n";
const HTTPD: &str = "<VirtualHost *:443>\nServerName d.example\nSSLEngine on\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\nLimitRequestBody 0\nProxyPass /image http://127.0.0.1:9292\n</VirtualHost>\n";

/// Below a path of the dashboard's own host, browsers need no CORS.
#[rstest]
#[case::nginx("etc/nginx/conf.d/cloud.conf", NGINX, "https://d.example/image", &[])]
#[case::nginx_says_nothing("etc/nginx/conf.d/cloud.conf", NGINX, "", &[])]
#[case::haproxy("etc/haproxy/haproxy.cfg", HAPROXY, "https://d.example/image", &[])]
#[case::haproxy_says_nothing("etc/haproxy/haproxy.cfg", HAPROXY, "", &[])]
#[case::httpd("etc/apache2/sites-enabled/horizon.conf", HTTPD, "https://d.example/image", &[])]
#[case::another_scheme("etc/apache2/sites-enabled/horizon.conf", HTTPD, "http://d.example/image", &["error DU002", "error DU009"])]
#[case::another_port("etc/apache2/sites-enabled/horizon.conf", HTTPD, "https://d.example:8443/image", &["error DU002"])]
#[case::another_host("etc/apache2/sites-enabled/horizon.conf", HTTPD, "https://g.example/image", &["error DU002"])]
fn servers_of_both_need_no_cors(#[case] name: &str, #[case] text: &str, #[case] url: &str, #[case] expected: &[&str]) {
    let conf = if url.is_empty() { "[DEFAULT]\n".to_owned() } else { format!("[DEFAULT]\npublic_endpoint = {url}\n") };
    assert_eq!(found_in(&[(name, text), DASHBOARD, (CONF, &conf)], Some("2025.1")), expected);
}

/// Whatever serves the dashboard: by https its page may not call http, and by http it is not allowed.
#[rstest]
#[case::only_https("https://d.example", &["error DU009"])]
#[case::both("https://d.example,http://d.example", &[])]
#[case::http("http://d.example", &[])]
fn a_glance_without_tls_needs_an_origin_without_tls(#[case] allowed: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\npublic_endpoint = http://glance.example:9292\n[cors]\nallowed_origin = {allowed}\n");
    assert_eq!(super::found_in(&[super::DASHBOARD, (super::CONF, &conf)], Some("2025.1")), expected);
}
