//! httpd, nginx and uWSGI, before Glance and before the dashboard.

use direct_upload_check as check;
use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, SETTINGS, found_in};

/// The name of a process is anybody's choice (mod_wsgi, WSGIDaemonProcess).
#[test]
fn what_runs_decides_whose_a_virtual_host_is() {
    let host = |limit: &str| {
        format!(
            "<VirtualHost *:9292>\nWSGIDaemonProcess horizon\nWSGIProcessGroup horizon\nWSGIScriptAlias / /usr/bin/glance-wsgi-api\nWSGIChunkedRequest On\nLimitRequestBody {limit}\n</VirtualHost>\n"
        )
    };
    let found = |limit: &str| {
        found_in(&[("etc/apache2/sites-enabled/api.conf", &host(limit)), DASHBOARD, (CONF, GOOD)], Some("2025.1"))
    };
    assert_eq!((found("0"), found("1048576")), (vec![], vec!["error DU014".to_owned()]));
}

/// Glance's virtual host with these lines.
fn vhost(lines: &str) -> Vec<String> {
    let host = format!(
        "<VirtualHost *:443>\nServerName glance.example\nProxyPass / http://127.0.0.1:9292/\n{lines}\n</VirtualHost>\n"
    );
    found_in(&[("etc/apache2/sites-enabled/glance.conf", &host), DASHBOARD, (CONF, GOOD)], Some("2025.1"))
}

#[rstest]
#[case::nothing("", &[])]
#[case::always_set("Header always set Access-Control-Allow-Origin https://d.example", &["error DU012"])]
#[case::add("Header add Access-Control-Allow-Origin https://d.example", &["error DU012"])]
#[case::set("Header set Access-Control-Allow-Origin https://d.example", &["warning DU012"])]
#[case::set_other("Header set Access-Control-Allow-Origin https://e.example", &["error DU012"])]
#[case::defined("Define OTHER https://e.example\nHeader set Access-Control-Allow-Origin ${OTHER}", &["error DU012"])]
#[case::defined_as_the_dashboard("Define OTHER https://d.example\nHeader set Access-Control-Allow-Origin ${OTHER}", &["warning DU012"])]
#[case::no_longer_defined("Define OTHER https://e.example\nUnDefine OTHER\nHeader set Access-Control-Allow-Origin ${OTHER}", &["warning DU012"])]
#[case::always_setifempty("Header always setifempty Access-Control-Allow-Origin https://d.example", &["error DU012"])]
#[case::always_edit("Header always edit Access-Control-Allow-Origin d e", &[])]
#[case::setifempty("Header setifempty Access-Control-Allow-Origin https://d.example", &[])]
#[case::append("Header append Access-Control-Allow-Origin https://d.example", &["error DU012"])]
#[case::merge_same("Header merge Access-Control-Allow-Origin https://d.example", &["warning DU012"])]
#[case::merge_other("Header merge Access-Control-Allow-Origin https://e.example", &["error DU012"])]
#[case::modsecurity("SecRuleEngine On\nSecRequestBodyAccess On\nSecRequestBodyLimit 13107200", &["error DU014"])]
#[case::modsecuritys_default("SecRuleEngine On\nSecRequestBodyAccess On", &["error DU014"])]
#[case::modsecurity_lets_bodies_pass("SecRuleEngine On\nSecRequestBodyAccess Off", &[])]
#[case::unset("Header unset Access-Control-Allow-Origin", &["error DU012"])]
#[case::other_header("Header always set Strict-Transport-Security max-age=1", &[])]
#[case::vary("Header merge Vary Origin", &[])]
#[case::of_what_nothing_defines("<IfDefine OLD>\nHeader add Access-Control-Allow-Origin *\n</IfDefine>", &[])]
#[case::of_what_is_defined("Define OLD\n<IfDefine OLD>\nHeader add Access-Control-Allow-Origin *\n</IfDefine>", &["error DU012"])]
#[case::of_errors("Header always set Access-Control-Allow-Origin https://d.example \"expr=%{REQUEST_STATUS} >= 500\"", &[])]
#[case::for_another_origin("SetEnvIf Origin ^https://e\\.example$ OTHER\nHeader always set Access-Control-Allow-Origin https://e.example env=OTHER", &[])]
#[case::for_the_dashboard("SetEnvIf Origin ^https://d\\.example$ OURS\nHeader always set Access-Control-Allow-Origin https://d.example env=OURS", &["error DU012"])]
#[case::list_without("Header set Access-Control-Allow-Headers Content-Type", &["error DU012"])]
#[case::comment("# Header always set Access-Control-Allow-Origin *", &[])]
// mod_proxy_http of httpd 2.4 enforces none.
#[case::limit("LimitRequestBody 1073741824", &[])]
#[case::no_limit("LimitRequestBody 0", &[])]
#[case::generous("LimitRequestBody 1099511627776", &[])]
#[case::fixed_total("RequestReadTimeout header=20 body=60", &["error DU015"])]
#[case::by_rate("RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500", &[])]
#[case::short_timeout("ProxyTimeout 20", &["warning DU015"])]
#[case::timeout("Timeout 300", &[])]
#[case::small_fields("LimitRequestFieldSize 128", &["error DU020"])]
#[case::fields_of_short_tokens("LimitRequestFieldSize 200", &["warning DU020"])]
#[case::large_fields("LimitRequestFieldSize 16380", &[])]
#[case::few_fields("LimitRequestFields 10", &["error DU020"])]
#[case::any_fields("LimitRequestFields 0", &[])]
#[case::short_line("LimitRequestLine 50", &["error DU020"])]
#[case::enough_line("LimitRequestLine 512", &[])]
#[case::mod_qos("QS_LimitRequestBody 1048576", &["error DU014"])]
#[case::mod_qos_refuses_all("QS_LimitRequestBody 0", &["error DU014"])]
#[case::mod_qos_of_a_location("QS_LimitRequestBody 1048576\n<Location />\nQS_LimitRequestBody 1099511627776\n</Location>", &[])]
#[case::rewritten("RewriteCond %{REQUEST_METHOD} ^(TRACE|OPTIONS)\nRewriteRule .* - [F]", &["error DU020"])]
#[case::listed("RewriteCond %{REQUEST_METHOD} !^(POST|PUT|GET|DELETE|PATCH)\nRewriteRule .* - [F]", &["error DU020"])]
#[case::listed_all("RewriteCond %{REQUEST_METHOD} !^(POST|PUT|GET|DELETE|PATCH|OPTIONS|HEAD)\nRewriteRule .* - [F]", &[])]
#[case::trace_only("RewriteCond %{REQUEST_METHOD} ^TRACE\nRewriteRule .* - [F]", &[])]
#[case::answers("RewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ $1 [R=200,L]", &["error DU020"])]
#[case::rewrites("RewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ /x [L]", &[])]
#[case::login("<Location />\nAuthType openid-connect\nRequire valid-user\n</Location>", &["error DU020"])]
#[case::login_but_options("<Location />\nAuthType openid-connect\n<LimitExcept OPTIONS>\nRequire valid-user\n</LimitExcept>\n</Location>", &["error DU020"])]
#[case::login_but_uploads("<Location />\nAuthType openid-connect\n<LimitExcept OPTIONS PUT>\nRequire valid-user\n</LimitExcept>\n</Location>", &[])]
#[case::login_beside_options("<Location />\n<RequireAny>\nRequire method OPTIONS\nRequire valid-user\n</RequireAny>\n</Location>", &["error DU020"])]
#[case::login_of_uploads("<Location />\n<Limit PUT>\nRequire valid-user\n</Limit>\n</Location>", &["error DU020"])]
#[case::login_or_uploads("<RequireAny>\nRequire method OPTIONS PUT\nRequire valid-user\n</RequireAny>", &[])]
#[case::methods("<LimitExcept GET POST PUT>\nRequire all denied\n</LimitExcept>", &["error DU020"])]
#[case::methods_all("<LimitExcept GET POST PUT OPTIONS>\nRequire all denied\n</LimitExcept>", &[])]
#[case::few_methods("AllowMethods GET POST PUT", &["error DU020"])]
#[case::enough_methods("AllowMethods GET POST PUT OPTIONS", &[])]
#[case::granted("<Location />\nRequire all granted\n</Location>", &[])]
fn what_httpd_does_before_glance_is_found(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(vhost(lines), expected, "{lines}");
}

/// mod_wsgi's daemon, in front of which httpd passes the body on.
#[rstest]
#[case::patient("", "", &[])]
#[case::restarts("request-timeout=60", "", &["warning DU015"])]
#[case::restarts_late("request-timeout=86400", "", &[])]
#[case::impatient("socket-timeout=30", "", &["warning DU015"])]
#[case::both("socket-timeout=30 request-timeout=600", "", &["warning DU015"])]
#[case::about_the_answer("response-socket-timeout=10 inactivity-timeout=30", "", &[])]
#[case::another_process("", "WSGIDaemonProcess keystone request-timeout=60 socket-timeout=20\n", &[])]
fn what_ends_requests_of_mod_wsgi_is_found(#[case] options: &str, #[case] more: &str, #[case] expected: &[&str]) {
    for group in [
        "WSGIProcessGroup glance-api\nWSGIScriptAlias / /usr/bin/glance-wsgi-api",
        "WSGIScriptAlias / /usr/bin/glance-wsgi-api process-group=glance-api",
    ] {
        let host = format!(
            "{more}<VirtualHost *:443>\nServerName glance.example\nWSGIDaemonProcess glance-api processes=2 {options}\n{group}\nWSGIChunkedRequest On\nLimitRequestBody 0\n</VirtualHost>\n"
        );
        let found =
            found_in(&[("etc/apache2/sites-enabled/glance.conf", &host), DASHBOARD, (CONF, GOOD)], Some("2025.1"));
        assert_eq!(found, expected, "{host}");
    }
}

/// Glance's own server waits for the next bytes only so long; under another server the option says nothing.
#[test]
fn a_glance_that_waits_for_seconds_is_found() {
    let conf = |seconds: u64| format!("[DEFAULT]\nclient_socket_timeout = {seconds}\n{GOOD}");
    let found = |seconds: u64, more: &[(&str, &str)], release: &str| {
        let conf = conf(seconds);
        found_in(&[&[DASHBOARD, (CONF, conf.as_str())], more].concat(), Some(release))
    };
    assert_eq!(found(5, &[], "2025.1"), ["warning DU015"]);
    assert_eq!(found(59, &[], "2025.1"), ["warning DU015"]);
    assert!(found(900, &[], "2025.1").is_empty());
    assert!(found(0, &[], "2025.1").is_empty(), "no limit");
    let ini = (
        "etc/glance/glance-api-uwsgi.ini",
        "[uwsgi]\nhttp-socket = :9292\nmodule = x\nchunked-input-limit = 67108864\n",
    );
    assert!(found(5, &[ini], "2025.1").is_empty(), "uWSGI does not read it");
    let host = "<VirtualHost *:9292>\nWSGIDaemonProcess glance-api\nWSGIProcessGroup glance-api\nWSGIScriptAlias / /usr/bin/glance-wsgi-api\nWSGIChunkedRequest On\nLimitRequestBody 0\n</VirtualHost>\n";
    assert!(found(5, &[("etc/apache2/sites-enabled/glance.conf", host)], "2025.1").is_empty(), "nor does mod_wsgi");
}

/// A virtual host that makes CORS by itself, before a Glance that makes none.
#[test]
fn a_server_that_stands_in_for_glance_is_unwise_but_works() {
    let origin = "<VirtualHost *:443>\nServerName glance.example\nProxyPass / http://127.0.0.1:9292/\nHeader always set Access-Control-Allow-Origin https://d.example\nRewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ $1 [R=200,L]\n</VirtualHost>\n";
    let headers = "Header always set Access-Control-Allow-Headers X-Auth-Token,X-CSRFToken,Content-Type\nHeader always set Access-Control-Allow-Methods PUT\nRewriteCond";
    let whole = origin.replace("RewriteCond", headers);
    let host = ("etc/apache2/sites-enabled/glance.conf", whole.as_str());
    assert_eq!(found_in(&[host, DASHBOARD, (CONF, "[DEFAULT]\n")], Some("2025.1")), ["warning DU012"]);
    // Without the upload's method, browsers send nothing.
    let less = whole.replace("Methods PUT", "Methods GET");
    let files = [("etc/apache2/sites-enabled/glance.conf", less.as_str()), DASHBOARD, (CONF, "[DEFAULT]\n")];
    let texts = files.map(|(name, text)| check::Text { name: name.into(), text: text.into(), named: false }).to_vec();
    let (input, _) = check::manifests::sort(texts, Some("2025.1".parse().unwrap()), jiff::Timestamp::UNIX_EPOCH);
    let mut found: Vec<_> = check::check(input).findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect();
    found.dedup();
    assert_eq!(found, ["error DU002", "error DU012", "error DU020"]);
    // Without the request's headers, browsers send nothing.
    let half = ("etc/apache2/sites-enabled/glance.conf", origin);
    let found = found_in(&[half, DASHBOARD, (CONF, "[DEFAULT]\n")], Some("2025.1"));
    assert_eq!(found, ["error DU002", "error DU012", "error DU020"]);
    assert_eq!(found_in(&[host, DASHBOARD, (CONF, GOOD)], Some("2025.1")), ["error DU012", "error DU020"]);
}

#[test]
fn mod_wsgi_without_a_limit_has_the_default_one() {
    let host = "<VirtualHost *:9292>\nWSGIScriptAlias / /usr/bin/glance-wsgi-api\n</VirtualHost>\n";
    let found = found_in(&[("etc/apache2/sites-enabled/glance", host), DASHBOARD, (CONF, GOOD)], Some("2025.1"));
    assert_eq!(found, ["warning DU014"]);
    let found = found_in(
        &[
            ("etc/apache2/sites-enabled/glance", host),
            DASHBOARD,
            (CONF, &format!("{GOOD}allow_headers = X-Auth-Token,X-CSRFToken")),
        ],
        Some("2026.1"),
    );
    assert_eq!(found, ["error DU018", "warning DU014"]);
}

/// The dashboard's own virtual host.
#[rstest]
#[case::seed("Header always set Access-Control-Allow-Origin https://glance.example", &["note DU012"])]
#[case::proxied("ProxyPass /api/glance http://glance-api:9292/", &["error DU012"])]
#[case::limit("LimitRequestBody 1048576", &[])]
#[case::glance_below("LimitRequestBody 1048576\n<Location /image>\nProxyPass uwsgi://glance-api:9292\nLimitRequestBody 0\n</Location>", &[])]
#[case::glance_below_with_the_hosts_limit("LimitRequestBody 1048576\n<Location /image>\nProxyPass uwsgi://glance-api:9292\n</Location>", &["error DU014"])]
#[case::glance_below_with_its_own_limit("<Location /image>\nLimitRequestBody 1048576\nProxyPass uwsgi://glance-api:9292\n</Location>", &["error DU014"])]
#[case::another_path_has_the_limit("ProxyPass /image http://glance-api:9292\n<Location /auth>\nLimitRequestBody 1048576\n</Location>", &[])]
#[case::methods("RewriteCond %{REQUEST_METHOD} !^(POST|PUT|GET|DELETE|PATCH)\nRewriteRule .* - [F]", &[])]
#[case::csp("Header set Content-Security-Policy \"default-src 'self'\"", &["error DU013"])]
#[case::csp_admits("Header set Content-Security-Policy \"default-src 'self'; connect-src 'self' https://glance.example\"", &[])]
#[case::csp_says_nothing("Header set Content-Security-Policy \"frame-ancestors 'self'\"", &[])]
#[case::csp_reports("Header set Content-Security-Policy-Report-Only \"default-src 'self'\"", &[])]
#[case::csp_other("Header always set Content-Security-Policy \"connect-src 'self' https://x.example\"", &[])]
fn what_httpd_does_before_the_dashboard_is_found(#[case] lines: &str, #[case] expected: &[&str]) {
    let host = format!(
        "<VirtualHost *:443>\nServerName d.example\nWSGIScriptAlias / /usr/share/openstack-dashboard/openstack_dashboard/wsgi.py\n{lines}\n</VirtualHost>\n"
    );
    assert_eq!(
        found_in(&[("etc/apache2/sites-enabled/horizon", &host), DASHBOARD, (CONF, GOOD)], Some("2025.1")),
        expected,
        "{lines}"
    );
}

#[rstest]
#[case::fine("client_max_body_size 0; proxy_request_buffering off;", "", &[])]
#[case::default_limit("proxy_request_buffering off;", "", &["error DU014"])]
#[case::small("client_max_body_size 2g; proxy_request_buffering off;", "", &["error DU014"])]
#[case::buffered("client_max_body_size 0;", "", &["note DU015"])]
#[case::impatient("client_max_body_size 0; proxy_request_buffering off; proxy_read_timeout 30s;", "", &["warning DU015"])]
#[case::doubled("client_max_body_size 0; proxy_request_buffering off;", "add_header Access-Control-Allow-Origin *;", &["error DU012"])]
#[case::answers("client_max_body_size 0; proxy_request_buffering off;", "if ($request_method = OPTIONS) { return 204; }", &["error DU020"])]
#[case::login("client_max_body_size 0; proxy_request_buffering off; auth_basic x;", "", &["error DU020"])]
#[case::no_login("client_max_body_size 0; proxy_request_buffering off; auth_basic off;", "", &[])]
#[case::methods("client_max_body_size 0; proxy_request_buffering off;", "limit_except GET PUT { deny all; }", &["error DU020"])]
#[case::refuses("client_max_body_size 0; proxy_request_buffering off;", "if ($request_method !~ ^(GET|PUT|POST)$ ) { return 405; }", &["error DU020"])]
#[case::lets_through("client_max_body_size 0; proxy_request_buffering off;", "if ($request_method !~ ^(GET|PUT|POST|OPTIONS)$ ) { return 405; }", &[])]
#[case::grants("client_max_body_size 0; proxy_request_buffering off;", "if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin https://d.example; add_header Access-Control-Allow-Headers 'X-Auth-Token, Content-Type'; add_header Access-Control-Allow-Methods 'GET, PUT'; return 204; }", &["warning DU012"])]
#[case::grants_no_method("client_max_body_size 0; proxy_request_buffering off;", "if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin https://d.example; add_header Access-Control-Allow-Headers 'X-Auth-Token'; return 204; }", &["error DU012"])]
#[case::no_start("client_max_body_size 0; proxy_request_buffering off; large_client_header_buffers 2 256;", "", &["error DU020"])]
#[case::small_buffers("client_max_body_size 0; proxy_request_buffering off; client_header_buffer_size 128; large_client_header_buffers 1 512;", "", &["error DU020"])]
#[case::small_lines("client_max_body_size 0; proxy_request_buffering off; connection_pool_size 128; large_client_header_buffers 8 128;", "", &["error DU020"])]
#[case::small_with_http2("client_max_body_size 0; proxy_request_buffering off; http2 on; large_client_header_buffers 1 512;", "", &["error DU020"])]
#[case::enough_buffers("client_max_body_size 0; proxy_request_buffering off; large_client_header_buffers 4 512;", "", &[])]
#[case::more_headers("client_max_body_size 0; proxy_request_buffering off;", "more_set_headers 'Access-Control-Allow-Origin: *';", &["warning DU012"])]
fn what_nginx_does_before_glance_is_found(#[case] server: &str, #[case] location: &str, #[case] expected: &[&str]) {
    let conf = format!(
        "upstream api {{ server glance-1:9292; }}\nserver {{ listen 443 ssl; {server}\n location / {{ {location} proxy_pass http://api; }}\n}}\nserver {{ location / {{ proxy_pass http://nova:8774; }} }}\n"
    );
    assert_eq!(found_in(&[("nginx/conf.d/api.conf", &conf), DASHBOARD, (CONF, GOOD)], Some("2025.1")), expected);
}

#[rstest]
#[case::limited("legacy", "module = x", &["error DU022"])]
#[case::raised("legacy", "chunked-input-limit = 67108864", &[])]
#[case::exactly_a_chunk("legacy", "chunked-input-limit = 1048576", &["error DU022"])]
#[case::direct("direct", "module = x", &["note DU022"])]
#[case::impatient("direct", "chunked-input-limit = 67108864\nsocket-timeout = 30", &[])]
#[case::buffers("direct", "chunked-input-limit = 67108864\npost-buffering = 8192", &["warning DU015"])]
#[case::router("direct", "chunked-input-limit = 67108864\nhttp-timeout = 30", &["warning DU015"])]
#[case::few_headers("direct", "chunked-input-limit = 67108864\nbuffer-size = 1024", &["error DU020"])]
#[case::some_headers("direct", "chunked-input-limit = 67108864\nbuffer-size = 1400", &["warning DU020"])]
#[case::many_headers("direct", "chunked-input-limit = 67108864\nbuffer-size = 2048", &[])]
#[case::harakiri("direct", "chunked-input-limit = 67108864\nharakiri = 60", &["error DU015"])]
#[case::limit_post("direct", "chunked-input-limit = 67108864\nlimit-post = 1073741824", &["error DU014"])]
#[case::long_harakiri("direct", "chunked-input-limit = 67108864\nharakiri = 14400", &[])]
#[case::script("direct", "chunked-input-limit = 67108864\nwsgi-file = /usr/bin/glance-wsgi-api", &[])]
fn limits_of_uwsgi_are_found(#[case] mode: &str, #[case] lines: &str, #[case] expected: &[&str]) {
    let ini = format!("[uwsgi]\nhttp = :9292\n{lines}\n");
    let settings = format!("ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = '{mode}'\n");
    assert_eq!(
        found_in(&[("etc/glance/glance-api-uwsgi.ini", &ini), (CONF, GOOD), (SETTINGS, &settings)], Some("2025.1")),
        expected
    );
}

/// A server in front of Glance may remove the header that the Django panel's upload needs.
#[rstest]
#[case::unset("Header unset Access-Control-Allow-Credentials", &["error DU024"])]
#[case::always_unset_is_another_table("Header always unset Access-Control-Allow-Credentials", &[])]
#[case::set_false("Header set Access-Control-Allow-Credentials false", &["error DU024"])]
#[case::set_true("Header set Access-Control-Allow-Credentials \"true\"", &[])]
#[case::doubled("Header always set Access-Control-Allow-Credentials true", &["error DU024"])]
#[case::added("Header add Access-Control-Allow-Credentials true", &["error DU024"])]
#[case::other("Header unset X-Powered-By", &[])]
fn credentials_survive_httpd(#[case] lines: &str, #[case] expected: &[&str]) {
    let host = format!(
        "<VirtualHost *:443>\nServerName glance.example\nProxyPass / http://127.0.0.1:9292/\n{lines}\n</VirtualHost>\n"
    );
    let found = |panel: &str| {
        let settings = format!("ANGULAR_FEATURES = {{'images_panel': {panel}}}\n{}", DASHBOARD.1);
        found_in(
            &[("etc/apache2/sites-enabled/glance.conf", &host), (SETTINGS, &settings), (CONF, GOOD)],
            Some("2025.1"),
        )
    };
    assert_eq!(found("False"), expected, "{lines}");
    assert!(found("True").is_empty(), "the Angular panel's upload has none: {lines}");
}

#[rstest]
#[case::hidden("proxy_hide_header Access-Control-Allow-Credentials;", &["error DU024"])]
#[case::hidden_and_written_anew("proxy_hide_header Access-Control-Allow-Credentials; add_header Access-Control-Allow-Credentials true always;", &[])]
#[case::doubled("add_header Access-Control-Allow-Credentials true;", &["error DU024"])]
#[case::cleared("more_clear_headers Access-Control-Allow-Credentials;", &["error DU024"])]
fn credentials_survive_nginx(#[case] lines: &str, #[case] expected: &[&str]) {
    let server = format!(
        "server {{ listen 443 ssl; server_name glance.example; client_max_body_size 0; proxy_request_buffering off; location / {{ {lines} proxy_pass http://127.0.0.1:9292; }} }}"
    );
    let settings = format!("ANGULAR_FEATURES = {{'images_panel': False}}\n{}", DASHBOARD.1);
    let files = [("etc/nginx/sites-enabled/glance.conf", server.as_str()), (SETTINGS, &settings), (CONF, GOOD)];
    assert_eq!(found_in(&files, Some("2025.1")), expected, "{lines}");
}

/// What one file of httpd defines counts in the others, unless two define it differently.
#[rstest]
#[case::in_another_file(&["Define TABLE always\n"], &["error DU012"])]
#[case::twice_the_same(&["Define TABLE always\n", "Define TABLE always\n"], &["error DU012"])]
#[case::unclear(&["Define TABLE always\n", "Define TABLE onsuccess\n"], &[])]
#[case::not_at_all(&[], &[])]
fn what_another_file_of_httpd_defines(#[case] others: &[&str], #[case] expected: &[&str]) {
    let host = "<VirtualHost *:443>\nServerName glance.example\nProxyPass / http://127.0.0.1:9292/\nHeader ${TABLE} set Access-Control-Allow-Origin https://d.example\n</VirtualHost>\n";
    let others: Vec<(String, &str)> =
        others.iter().enumerate().map(|(at, text)| (format!("etc/apache2/conf-enabled/{at}.conf"), *text)).collect();
    let mut files = vec![("etc/apache2/sites-enabled/glance.conf", host), DASHBOARD, (CONF, GOOD)];
    files.extend(others.iter().map(|(name, text)| (name.as_str(), *text)));
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}
