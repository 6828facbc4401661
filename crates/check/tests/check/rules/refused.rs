//! What ends a preflight or the upload before Glance, in each server's own conditions; and what only looks like it.

use direct_upload_check as check;
use rstest::rstest;

use super::{CONF, DASHBOARD, GOOD, SETTINGS, found_in};

fn behind(name: &str, text: &str) -> Vec<String> {
    found_in(&[(name, text), DASHBOARD, (CONF, GOOD)], Some("2025.1"))
}

fn nginx(http: &str, server: &str, location: &str) -> Vec<String> {
    let text = format!(
        "{http}\nserver {{\n listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n {server}\n location / {{\n {location}\n proxy_pass http://127.0.0.1:9292;\n }}\n}}\n"
    );
    behind("etc/nginx/conf.d/glance.conf", &text)
}

const CHROME_ONLY: &str = "if ($http_user_agent !~ Chrome) {\n return 403;\n }";

/// `if` by method, by what browsers send, and by what they do not.
#[rstest]
#[case::a_method("if ($request_method = PUT) {\n return 405;\n }", &["error DU020"])]
#[case::in_quotes("if ($request_method = 'PUT') {\n return 405;\n }", &["error DU020"])]
#[case::not_listed("if ($request_method !~ ^(GET|HEAD|POST|OPTIONS)$) {\n return 444;\n }", &["error DU020"])]
#[case::listed("if ($request_method ~* (PUT|DELETE)) {\n return 403;\n }", &["error DU020"])]
#[case::another_method("if ($request_method ~ ^(TRACE|DELETE)$) {\n return 405;\n }", &[])]
#[case::elsewhere("if ($request_method = PUT) {\n return 308 https://other.example$request_uri;\n }", &["error DU020"])]
#[case::to_https("if ($scheme = http) {\n return 301 https://$host$request_uri;\n }", &[])]
#[case::taken_without_storing("if ($request_method = PUT) {\n return 204;\n }", &["error DU020"])]
#[case::by_a_set("set $no 0;\n if ($request_method = PUT) {\n set $no 1;\n }\n if ($no) {\n return 405;\n }", &["error DU020"])]
#[case::by_a_set_of_others("set $no 0;\n if ($request_method = TRACE) {\n set $no 1;\n }\n if ($no) {\n return 405;\n }", &[])]
#[case::by_two("set $no \"\";\n if ($request_method = PUT) {\n set $no P;\n }\n if ($http_origin) {\n set $no \"${no}O\";\n }\n if ($no = PO) {\n return 403;\n }", &["error DU020"])]
#[case::another_site("if ($http_sec_fetch_site !~ ^(same-origin|none)$) {\n return 403;\n }", &["error DU020"])]
#[case::cross_site("if ($http_sec_fetch_site = cross-site) {\n return 403;\n }", &["warning DU020"])]
#[case::navigations("if ($http_sec_fetch_mode = navigate) {\n return 403;\n }", &[])]
#[case::scripts("if ($http_sec_fetch_mode = cors) {\n return 403;\n }", &["error DU020"])]
#[case::tools("if ($http_user_agent ~* (curl|wget|python)) {\n return 403;\n }", &[])]
#[case::browsers("if ($http_user_agent ~* mozilla) {\n return 403;\n }", &["error DU020"])]
#[case::some_browsers(CHROME_ONLY, &["warning DU020"])]
#[case::no_agent("if ($http_user_agent = \"\") {\n return 403;\n }", &[])]
#[case::the_token("if ($http_x_auth_token = \"\") {\n return 401;\n }", &["error DU020"])]
#[case::the_token_of_uploads("if ($http_x_auth_token) {\n return 401;\n }", &["error DU020"])]
#[case::length("if ($content_length ~ \"^[0-9]{9,}$\") {\n return 413;\n }", &["error DU014"])]
#[case::huge_length("if ($http_content_length ~ \"^\\d{14,}$\") {\n return 413;\n }", &[])]
#[case::by_type("if ($content_type = application/octet-stream) {\n return 415;\n }", &["error DU020"])]
#[case::by_path("if ($uri ~ ^/v2/images/.*/file$) {\n return 403;\n }", &["error DU020"])]
#[case::of_another_path("if ($request_uri ~ ^/v2/metadefs) {\n return 403;\n }", &[])]
#[case::an_address("if ($remote_addr != 192.0.2.7) {\n return 403;\n }", &[])]
#[case::a_break("if ($request_method = PUT) {\n break;\n }\n if ($request_method !~ ^(GET|OPTIONS)$) {\n return 405;\n }", &[])]
#[case::redirected("rewrite ^/v2/(.*)$ https://other.example/v2/$1 permanent;", &["error DU020"])]
#[case::rewritten("rewrite ^/v2/(.*)$ /image/v2/$1 break;", &["error DU020"])]
#[case::another_path_redirected("rewrite ^/v1/(.*)$ https://other.example/v1/$1 permanent;", &[])]
#[case::a_certificate("if ($ssl_client_verify != SUCCESS) {\n return 403;\n }", &["error DU020"])]
#[case::methods("limit_except GET POST OPTIONS {\n deny all;\n }", &["error DU020"])]
#[case::jwt("auth_jwt api;", &["error DU020"])]
#[case::login_or_address("satisfy any;\n allow 192.0.2.0/24;\n deny all;\n auth_basic x;", &[])]
fn conditions_of_nginx(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(nginx("", lines, ""), expected, "in the server: {lines}");
    assert_eq!(nginx("", "", lines), expected, "in the location: {lines}");
}

/// The page's Referer is the dashboard's origin.
#[rstest]
#[case::not_listed("valid_referers none blocked server_names;", "", &["error DU020"])]
#[case::listed("valid_referers none blocked server_names d.example;", "", &[])]
#[case::by_a_pattern("valid_referers server_names ~\\.example;", "", &[])]
#[case::by_a_wildcard("valid_referers *.example;", "", &[])]
#[case::by_another("valid_referers *.example.org;", "", &["error DU020"])]
#[case::no_referer("valid_referers none server_names;", "SECURE_REFERRER_POLICY = 'no-referrer'\n", &[])]
fn pages_that_a_referer_names(#[case] listed: &str, #[case] settings: &str, #[case] expected: &[&str]) {
    let text = format!(
        "server {{\n listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {{\n {listed}\n if ($invalid_referer) {{\n return 403;\n }}\n proxy_pass http://127.0.0.1:9292;\n }}\n}}\n"
    );
    let settings = format!("{settings}{}", DASHBOARD.1);
    let files = [("etc/nginx/conf.d/glance.conf", text.as_str()), (SETTINGS, &settings), (CONF, GOOD)];
    assert_eq!(found_in(&files, Some("2025.1")), expected, "{listed}");
}

const BY_MAP: &str = "if ($refused) {\n return 403;\n }";

#[rstest]
#[case::methods("map $request_method $refused {\n default 1;\n GET 0;\n POST 0;\n OPTIONS 0;\n}", &["error DU020"])]
#[case::all_methods("map $request_method $refused {\n default 1;\n GET 0;\n put 0;\n OPTIONS 0;\n}", &[])]
#[case::patterns("map $request_method $refused {\n default 0;\n ~^(PUT|DELETE)$ 1;\n}", &["error DU020"])]
#[case::agents("map $http_user_agent $refused {\n default 0;\n ~*(bot|curl) 1;\n}", &[])]
#[case::sites("map $http_sec_fetch_site $refused {\n default 1;\n same-origin 0;\n none 0;\n \"\" 0;\n}", &["error DU020"])]
#[case::lengths("map $http_content_length $refused {\n default 0;\n \"~^[0-9]{10,}$\" 1;\n}", &["error DU014"])]
#[case::both("map \"$request_method:$http_x_internal\" $refused {\n default 0;\n PUT: 1;\n}", &[])]
#[case::an_address("map $remote_addr $refused {\n default 1;\n 192.0.2.1 0;\n}", &[])]
#[case::in_turn("map $request_method $write {\n default 0;\n PUT 1;\n}\nmap $write $refused {\n default 0;\n 1 1;\n}", &["error DU020"])]
fn maps_of_nginx(#[case] map: &str, #[case] expected: &[&str]) {
    assert_eq!(nginx(map, "", BY_MAP), expected, "{map}");
    // In a file of its own, as conf.d has it.
    let text = format!(
        "server {{\n listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {{\n {BY_MAP}\n proxy_pass http://127.0.0.1:9292;\n }}\n}}\n"
    );
    let files =
        [("etc/nginx/conf.d/glance.conf", text.as_str()), ("etc/nginx/conf.d/maps.conf", map), DASHBOARD, (CONF, GOOD)];
    assert_eq!(found_in(&files, Some("2025.1")), expected, "{map}");
}

/// nginx itself answers preflights, with what the whole location adds.
#[rstest]
#[case::nothing("", &["error DU020"])]
#[case::for_all("proxy_hide_header Access-Control-Allow-Origin;\n add_header Access-Control-Allow-Origin https://d.example always;\n add_header Access-Control-Allow-Headers 'X-Auth-Token, Content-Type' always;\n add_header Access-Control-Allow-Methods 'GET, PUT' always;", &["warning DU012"])]
fn answers_of_nginx(#[case] headers: &str, #[case] expected: &[&str]) {
    let text = format!(
        "server {{\n listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {{\n {headers}\n if ($request_method = OPTIONS) {{\n return 204;\n }}\n proxy_pass http://127.0.0.1:9292;\n }}\n}}\n"
    );
    let files = [("etc/nginx/conf.d/glance.conf", text.as_str()), DASHBOARD, (CONF, GOOD)];
    let texts = files.map(|(name, text)| check::Text { name: name.into(), text: text.into(), named: false }).to_vec();
    let (input, _) = check::manifests::sort(texts, Some("2025.1".parse().unwrap()), jiff::Timestamp::UNIX_EPOCH);
    let found: Vec<_> = check::check(input).findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect();
    assert_eq!(found, expected, "{text}");
}

fn httpd(lines: &str) -> Vec<String> {
    let text = format!(
        "<VirtualHost *:443>\nServerName glance.example\nSSLEngine on\nProxyPass / http://127.0.0.1:9292/\n{lines}\n</VirtualHost>\n"
    );
    behind("etc/apache2/sites-enabled/glance.conf", &text)
}

#[rstest]
#[case::a_method("RewriteCond %{REQUEST_METHOD} ^(PUT|DELETE)$\nRewriteRule .* - [F]", &["error DU020"])]
#[case::a_status("RewriteCond %{REQUEST_METHOD} =PUT\nRewriteRule ^ - [R=405,L]", &["error DU020"])]
#[case::not_listed("RewriteCond %{REQUEST_METHOD} !^(GET|POST|OPTIONS)$\nRewriteRule .* - [F]", &["error DU020"])]
#[case::another("RewriteCond %{REQUEST_METHOD} ^(TRACE|TRACK)$\nRewriteRule .* - [F]", &[])]
#[case::another_or("RewriteCond %{REQUEST_METHOD} =TRACE [OR]\nRewriteCond %{REQUEST_METHOD} =PUT\nRewriteRule .* - [F]", &["error DU020"])]
#[case::another_and("RewriteCond %{REQUEST_METHOD} =PUT\nRewriteCond %{REMOTE_ADDR} !^192\\.0\\.2\\.\nRewriteRule .* - [F]", &[])]
#[case::engine_off("RewriteEngine off\nRewriteCond %{REQUEST_METHOD} =PUT\nRewriteRule .* - [F]", &[])]
#[case::passed_before("RewriteCond %{REQUEST_METHOD} ^(PUT|OPTIONS)$\nRewriteRule ^ - [L]\nRewriteCond %{REQUEST_METHOD} !^(GET|POST)$\nRewriteRule ^ - [F]", &[])]
#[case::redirected("RewriteRule ^/v2/(.*)$ https://other.example/v2/$1 [R=308,L]", &["error DU020"])]
#[case::redirected_without_a_flag("RewriteRule ^/v2/(.*)$ https://other.example/v2/$1", &["error DU020"])]
#[case::another_path("RewriteRule ^/v1/(.*)$ https://other.example/v1/$1 [R=308,L]", &[])]
#[case::passed_on("RewriteRule ^/v2/(.*)$ http://192.0.2.9:9292/v2/$1 [P,L]", &[])]
#[case::to_https("RewriteCond %{HTTPS} off\nRewriteRule ^ https://%{HTTP_HOST}%{REQUEST_URI} [R=301,L]", &[])]
#[case::a_referer("RewriteCond %{HTTP_REFERER} !^https://glance\\.example/ [NC]\nRewriteRule .* - [F]", &["error DU020"])]
#[case::the_dashboards_referer("RewriteCond %{HTTP_REFERER} !^https://d\\.example/ [NC]\nRewriteRule .* - [F]", &[])]
#[case::an_agent("RewriteCond %{HTTP_USER_AGENT} ^$\nRewriteRule .* - [F]", &[])]
#[case::length("RewriteCond %{HTTP:Content-Length} \"-gt 1073741824\"\nRewriteRule .* - [F]", &["error DU014"])]
#[case::token("RewriteCond %{HTTP:X-Auth-Token} ^$\nRewriteRule .* - [F]", &["error DU020"])]
fn rewrites_of_httpd(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(httpd(lines), expected, "{lines}");
}

#[rstest]
#[case::methods("<Location />\nRequire method GET OPTIONS POST\n</Location>", &["error DU020"])]
#[case::methods_with_put("<Location />\nRequire method GET OPTIONS POST PUT\n</Location>", &[])]
#[case::methods_without_options("<Location />\nRequire method GET POST PUT\n</Location>", &["error DU020"])]
#[case::methods_or_address("<Location />\nRequire method GET OPTIONS\nRequire ip 192.0.2.0/24\n</Location>", &[])]
#[case::both("<Location />\n<RequireAll>\nRequire method OPTIONS PUT\nRequire valid-user\n</RequireAll>\n</Location>", &["error DU020"])]
#[case::all_and_methods("<Location />\n<RequireAll>\nRequire all granted\nRequire method GET OPTIONS\n</RequireAll>\n</Location>", &["error DU020"])]
#[case::all_and_enough("<Location />\n<RequireAll>\nRequire all granted\nRequire method GET OPTIONS PUT\n</RequireAll>\n</Location>", &[])]
#[case::not_put("<Location />\n<RequireAll>\nRequire all granted\nRequire not method PUT\n</RequireAll>\n</Location>", &["error DU020"])]
#[case::not_trace("<Location />\n<RequireAll>\nRequire all granted\nRequire not method TRACE\n</RequireAll>\n</Location>", &[])]
#[case::none("<Location />\n<RequireAll>\nRequire all granted\n<RequireNone>\nRequire method PUT DELETE\n</RequireNone>\n</RequireAll>\n</Location>", &["error DU020"])]
#[case::nested("<Location />\n<RequireAny>\n<RequireAll>\nRequire method OPTIONS\nRequire all granted\n</RequireAll>\nRequire valid-user\n</RequireAny>\n</Location>", &["error DU020"])]
#[case::opened_again("<Location />\nRequire valid-user\n</Location>\n<Location /v2>\nRequire all granted\n</Location>", &[])]
#[case::closed_again("<Location />\nRequire all granted\n</Location>\n<Location /v2>\nRequire valid-user\n</Location>", &["error DU020"])]
#[case::few_methods("<Location />\nAllowMethods GET POST OPTIONS\n</Location>", &["error DU020"])]
#[case::no_method_of_uploads("<Location />\nAllowMethods GET POST\n</Location>", &["error DU020"])]
#[case::neither_method("<Location />\nRequire method GET POST\n</Location>", &["error DU020"])]
#[case::except_neither("<LimitExcept GET POST>\nRequire all denied\n</LimitExcept>", &["error DU020"])]
#[case::reset("<Location />\nAllowMethods reset\n</Location>", &[])]
#[case::a_folder("<Directory />\nRequire all denied\n</Directory>", &[])]
fn authorization_of_httpd(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(httpd(lines), expected, "{lines}");
}

#[rstest]
#[case::methods("SecRuleEngine On\nSecRule REQUEST_METHOD \"!^(?:GET|HEAD|POST|OPTIONS)$\" \"id:1,phase:1,deny,status:405\"", &["error DU020"])]
#[case::all_methods("SecRuleEngine On\nSecRule REQUEST_METHOD \"!^(?:GET|HEAD|POST|PUT|OPTIONS)$\" \"id:1,phase:1,deny,status:405\"", &[])]
#[case::watched("SecRuleEngine DetectionOnly\nSecRule REQUEST_METHOD \"!^(?:GET|HEAD|POST|OPTIONS)$\" \"id:1,phase:1,deny,status:405\"", &[])]
#[case::counted("SecRuleEngine On\nSecRule REQUEST_METHOD \"@streq PUT\" \"id:1,phase:1,pass,nolog\"", &[])]
#[case::by_a_list("SecRuleEngine On\nSecAction \"id:2,phase:1,pass,setvar:'tx.allowed_methods=GET HEAD POST OPTIONS'\"\nSecRule REQUEST_METHOD \"!@within %{tx.allowed_methods}\" \"id:1,phase:1,deny\"", &["error DU020"])]
#[case::by_a_longer_list("SecRuleEngine On\nSecAction \"id:2,phase:1,pass,setvar:'tx.allowed_methods=GET HEAD POST PUT OPTIONS'\"\nSecRule REQUEST_METHOD \"!@within %{tx.allowed_methods}\" \"id:1,phase:1,deny\"", &[])]
#[case::by_a_default("SecRuleEngine On\nSecAction \"id:2,phase:1,pass,setvar:tx.allowed_methods=GET PUT OPTIONS,nolog\"\nSecRule &TX:allowed_methods \"@eq 0\" \"id:3,phase:1,pass,setvar:'tx.allowed_methods=GET POST OPTIONS'\"\nSecRule REQUEST_METHOD \"!@within %{tx.allowed_methods}\" \"id:1,phase:1,deny\"", &[])]
#[case::content_type("SecRuleEngine On\nSecRule REQUEST_HEADERS:Content-Type \"!@rx ^application/json\" \"id:1,phase:1,deny\"", &["error DU020"])]
fn rules_of_modsecurity(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(httpd(lines), expected, "{lines}");
}

fn haproxy(front: &str, back: &str) -> Vec<String> {
    let text = format!(
        "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend images\n  bind :443 ssl crt g.pem\n  {front}\n  default_backend glance\nbackend glance\n  {back}\n  server g 192.0.2.2:9292\n"
    );
    behind("etc/haproxy/haproxy.cfg", &text)
}

#[rstest]
#[case::a_method("http-request deny if METH_PUT", &["error DU020"])]
#[case::a_test("http-request deny if { method PUT }", &["error DU020"])]
#[case::not_listed("http-request deny if !{ method GET POST OPTIONS }", &["error DU020"])]
#[case::returned("http-request return status 405 if METH_PUT", &["error DU020"])]
#[case::redirected("http-request redirect prefix https://other.example if METH_PUT", &["error DU020"])]
#[case::by_an_old_word("redirect prefix https://other.example if METH_PUT", &["error DU020"])]
#[case::to_https("http-request redirect scheme https unless { ssl_fc }", &[])]
#[case::length("http-request deny if { req.hdr_val(content-length) gt 104857600 }", &["error DU014"])]
#[case::length_unless("http-request deny unless { req.body_size le 104857600 }", &["error DU014"])]
#[case::some_length("http-request deny if { req.body_size gt 53687091200 }", &["warning DU014"])]
#[case::length_of_others("http-request deny if METH_POST { req.body_size gt 1048576 }", &[])]
#[case::before_http("tcp-request content reject if METH_PUT", &["error DU020"])]
#[case::before_http_by_address("tcp-request content reject if { src 192.0.2.7 }", &[])]
#[case::site("http-request deny if { req.hdr(sec-fetch-site) -m str cross-site same-site }", &["error DU020"])]
#[case::mode("http-request deny unless { hdr(Sec-Fetch-Mode) navigate }", &["error DU020"])]
#[case::agents("http-request deny if { hdr_sub(user-agent) -i curl wget }", &[])]
#[case::browsers("http-request deny if { req.hdr(user-agent) -m sub -i mozilla }", &["error DU020"])]
#[case::referer("http-request deny unless { req.hdr(referer) -m beg https://glance.example }", &["error DU020"])]
#[case::the_dashboards("http-request deny unless { req.hdr(referer) -m beg https://d.example }", &[])]
#[case::content_type("acl json hdr(content-type) -m beg application/json\n  http-request deny if METH_PUT !json", &["error DU020"])]
#[case::certificate("http-request deny unless { ssl_c_used }", &["error DU020"])]
fn conditions_of_haproxy(#[case] line: &str, #[case] expected: &[&str]) {
    assert_eq!(haproxy(line, ""), expected, "in the frontend: {line}");
    assert_eq!(haproxy("", line), expected, "in the backend: {line}");
}

/// Who may pass before is not known, so neither is who is refused.
#[rstest]
#[case::of_http("http-request allow if { src 192.0.2.0/24 }\n  http-request deny if METH_PUT")]
#[case::before_http("tcp-request content accept if { src 192.0.2.0/24 }\n  tcp-request content reject")]
fn others_may_pass_haproxy(#[case] lines: &str) {
    assert_eq!(haproxy(lines, ""), [""; 0], "{lines}");
}

/// `allow` ends the rules of its own section, and those of the other section still count.
#[test]
fn allowing_in_the_frontend_does_not_reach_the_backend() {
    let allow = "http-request allow if METH_PUT";
    assert_eq!(haproxy(&format!("{allow}\n  http-request deny if METH_PUT"), ""), [""; 0]);
    assert_eq!(haproxy(allow, "http-request deny if METH_PUT"), ["error DU020"]);
}

/// In legacy mode no browser sends an image.
#[test]
fn nobody_uploads_directly_in_legacy_mode() {
    let text = "server {\n listen 443 ssl;\n server_name glance.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n location / {\n if ($http_sec_fetch_mode = cors) {\n return 403;\n }\n proxy_pass http://127.0.0.1:9292;\n }\n}\n";
    let settings = "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n";
    let files = [("etc/nginx/conf.d/glance.conf", text), (SETTINGS, settings), (CONF, GOOD)];
    assert_eq!(found_in(&files, Some("2025.1")), ["warning DU020"]);
}

/// What reaches Glance is not the browser's request.
#[rstest]
#[case::a_method("proxy_method GET;", &["error DU020"])]
#[case::the_method("proxy_method $request_method;", &[])]
#[case::no_body("proxy_pass_request_body off;", &["error DU020"])]
#[case::a_body("proxy_pass_request_body on;", &[])]
#[case::another_body("proxy_set_body x;", &["error DU020"])]
fn requests_that_nginx_replaces(#[case] line: &str, #[case] expected: &[&str]) {
    assert_eq!(nginx("", "", line), expected, "{line}");
}

#[rstest]
#[case::a_method("http-request set-method POST", &["error DU020"])]
#[case::of_some("http-request set-method GET if METH_HEAD", &[])]
fn requests_that_haproxy_replaces(#[case] line: &str, #[case] expected: &[&str]) {
    assert_eq!(haproxy(line, ""), expected, "{line}");
}

/// A redirect to the one name that the server should have. The published URL has another.
#[rstest]
#[case::published("https://glance.example", &["error DU020"])]
#[case::published_as_it_should_be("https://images.example", &[])]
fn hosts_that_are_redirected(#[case] url: &str, #[case] expected: &[&str]) {
    let conf = format!("[DEFAULT]\npublic_endpoint = {url}\n{GOOD}");
    let text = "server {\n listen 443 ssl;\n server_name glance.example images.example;\n client_max_body_size 0;\n proxy_request_buffering off;\n if ($host != images.example) {\n return 301 https://img.example$request_uri;\n }\n location / {\n proxy_pass http://127.0.0.1:9292;\n }\n}\n";
    let files = [("etc/nginx/conf.d/glance.conf", text), DASHBOARD, (CONF, &conf)];
    assert_eq!(found_in(&files, Some("2025.1")), expected, "nginx");
    let text = "<VirtualHost *:443>\nServerName glance.example\nServerAlias images.example\nSSLEngine on\nRewriteEngine on\nRewriteCond %{HTTP_HOST} !^images\\. [NC]\nRewriteRule ^ https://img.example%{REQUEST_URI} [R=301,L]\nProxyPass / http://127.0.0.1:9292/\n</VirtualHost>\n";
    let files = [("etc/apache2/sites-enabled/glance.conf", text), DASHBOARD, (CONF, &conf)];
    assert_eq!(found_in(&files, Some("2025.1")), expected, "httpd");
}

/// Logins of modules that are not httpd's own.
#[rstest]
#[case::shib("AuthType shibboleth\nRequire shib-session", &["error DU020"])]
#[case::mellon("AuthType Mellon\nRequire mellon-attr role admin", &["error DU020"])]
#[case::claims("AuthType openid-connect\nRequire claims_expr .groups", &["error DU020"])]
#[case::ldap("AuthType Basic\nRequire ldap-filter (cn=x)", &["error DU020"])]
#[case::everybody("Require all granted", &[])]
fn logins_of_modules(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(httpd(&format!("<Location />\n{lines}\n</Location>")), expected, "{lines}");
}

/// The address on which HAProxy waits is known where a line names it.
#[rstest]
#[case::its_own("192.0.2.9:443", "dst 192.0.2.9", &["error DU020"])]
#[case::another("192.0.2.9:443", "dst 192.0.2.8", &[])]
#[case::any("*:443", "dst 192.0.2.9", &[])]
fn addresses_of_haproxy(#[case] bind: &str, #[case] acl: &str, #[case] expected: &[&str]) {
    let text = format!(
        "defaults\n  mode http\n  timeout client 1h\n  timeout server 1h\nfrontend images\n  bind {bind} ssl crt g.pem\n  acl here {acl}\n  http-request deny if here METH_PUT\n  default_backend glance\nbackend glance\n  server g 192.0.2.2:9292\n"
    );
    assert_eq!(behind("etc/haproxy/haproxy.cfg", &text), expected, "{acl}");
}
