//! What `check` says about nginx, HAProxy, httpd and uWSGI is what the real servers do in front of a Glance that grants.

use direct_upload_check as check;
use direct_upload_check::Text;
use rstest::rstest;
use serde::Deserialize;
use serde_json::{Value, json};
use test_support::oracle::ask;

use crate::rules::{CONF, DASHBOARD};

#[derive(Debug, Deserialize)]
struct Answer {
    status: u16,
    origins: Vec<String>,
    /// Whether a preflight's answer allows the upload's method and headers.
    allowed: bool,
    /// Bytes of the body; none: the backend was not asked.
    arrived: Option<usize>,
}

impl Answer {
    fn granted(&self) -> bool {
        self.allowed
            && (200..300).contains(&self.status)
            && (self.origins == ["https://d.example"] || self.origins == ["*"])
    }
}

/// More than nginx lets through by itself.
const SIZE: usize = 2 << 20;

/// What the real server makes of the requests, of which the first `granted` pass if nothing but the server ends them:
/// a busy machine may take the second that a time-out is given here, but not three times in a row.
fn ask_edge(server: &str, config: &str, requests: &Value, granted: usize) -> Vec<Answer> {
    let question = json!({"ask": "edge", "server": server, "config": config, "requests": requests});
    let passes = |answers: &Vec<Answer>| answers.iter().take(granted).all(Answer::granted);
    let mut answers = ask(&question);
    for _ in 0..2 {
        if passes(&answers) {
            break;
        }
        answers = ask(&question);
    }
    answers
}

/// A whole configuration; `@BACKEND@` is Glance.
fn config(server: &str, outer: &str, inner: &str) -> String {
    match server {
        "nginx" => format!(
            "daemon off; pid @DIR@/pid; error_log @DIR@/error.log;\nevents {{}}\nhttp {{\n access_log off; client_body_temp_path @DIR@/b; proxy_temp_path @DIR@/p; fastcgi_temp_path @DIR@/f; uwsgi_temp_path @DIR@/u; scgi_temp_path @DIR@/s;\n server {{\n listen 127.0.0.1:@PORT@;\n {outer}\n location / {{ {inner}\n proxy_pass http://@BACKEND@; }}\n }}\n}}\n"
        ),
        "haproxy" if outer.starts_with("tune.") => format!("global\n  {outer}\n{}", self::config(server, "", inner)),
        "haproxy" => format!(
            "defaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\nfrontend glance\n  bind 127.0.0.1:@PORT@\n  {outer}\n  default_backend glance-api\nbackend glance-api\n  {inner}\n  server glance @BACKEND@\n"
        ),
        _ => {
            let modules = [
                "mpm_event",
                "authz_core",
                "authz_user",
                "access_compat",
                "headers",
                "reqtimeout",
                "allowmethods",
                "rewrite",
                "proxy",
                "proxy_http",
            ];
            let load = modules.map(|m| format!("LoadModule {m}_module /usr/lib/apache2/modules/mod_{m}.so\n")).concat();
            format!(
                "ServerRoot @DIR@\nPidFile @DIR@/pid\nErrorLog @DIR@/error.log\nServerName g.example\nUser www-data\nGroup www-data\nListen 127.0.0.1:@PORT@\n{load}<VirtualHost *:@PORT@>\nServerName g.example\n{outer}\nProxyPass / http://@BACKEND@/\n{inner}\n</VirtualHost>\n"
            )
        }
    }
}

/// The findings on the same configuration.
fn found(server: &str, config: &str) -> Vec<String> {
    let config = config.replace("@BACKEND@", "glance-api:9292").replace("@PORT@", "9292").replace("@DIR@", "/run/edge");
    let name = match server {
        "nginx" => "etc/nginx/nginx.conf",
        "haproxy" => "etc/haproxy/haproxy.cfg",
        _ => "etc/apache2/sites-enabled/glance.conf",
    };
    let conf = "[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n";
    let files = [(name, config.as_str()), DASHBOARD, (CONF, conf)];
    let texts = files.map(|(name, text)| Text { name: name.into(), text: text.into(), named: false }).to_vec();
    let (input, errors) = check::manifests::sort(texts, Some("2025.1".parse().unwrap()), jiff::Timestamp::UNIX_EPOCH);
    assert!(errors.is_empty(), "{errors:?}");
    let report = check::check(input);
    assert!(!report.checked[0].before.is_empty(), "nothing is seen before Glance: {report:#?}");
    report.findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect()
}

const OPEN: &str = "client_max_body_size 0; proxy_request_buffering off;";
const GRANT: &str = "if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin https://d.example; add_header Access-Control-Allow-Headers 'x-auth-token, content-type'; add_header Access-Control-Allow-Methods PUT; return 204; }";

/// `rule`: what ends the upload; none: it arrives whole.
#[rstest]
#[case::nginx("nginx", OPEN, "", None)]
#[case::nginx_limit("nginx", "proxy_request_buffering off;", "", Some("DU014"))]
#[case::nginx_limit_written("nginx", "proxy_request_buffering off; client_max_body_size 1m;", "", Some("DU014"))]
#[case::nginx_buffers("nginx", "client_max_body_size 0;", "", None)]
#[case::nginx_adds("nginx", OPEN, "add_header Access-Control-Allow-Origin https://d.example;", Some("DU012"))]
#[case::nginx_hides("nginx", OPEN, "proxy_hide_header Access-Control-Allow-Origin;", Some("DU012"))]
#[case::nginx_hides_and_adds(
    "nginx",
    OPEN,
    "proxy_hide_header Access-Control-Allow-Origin; add_header Access-Control-Allow-Origin https://d.example;",
    None
)]
#[case::nginx_answers("nginx", OPEN, "if ($request_method = OPTIONS) { return 204; }", Some("DU020"))]
#[case::nginx_grants("nginx", OPEN, GRANT, None)]
#[case::nginx_methods("nginx", OPEN, "limit_except GET PUT { deny all; }", Some("DU020"))]
#[case::nginx_methods_with_options("nginx", OPEN, "limit_except GET PUT OPTIONS { deny all; }", None)]
#[case::nginx_login("nginx", OPEN, "auth_basic x; auth_basic_user_file /dev/null;", Some("DU020"))]
#[case::nginx_refuses_put("nginx", OPEN, "if ($request_method = PUT) { return 405; }", Some("DU020"))]
#[case::nginx_refuses_in_the_server(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; if ($request_method !~ ^(GET|OPTIONS)$) { return 444; }",
    "",
    Some("DU020")
)]
#[case::nginx_breaks(
    "nginx",
    OPEN,
    "if ($request_method = PUT) { break; } if ($request_method !~ ^(GET|OPTIONS)$) { return 405; }",
    None
)]
#[case::nginx_sets(
    "nginx",
    OPEN,
    "set $no \"\"; if ($request_method = PUT) { set $no P; } if ($http_origin) { set $no \"${no}O\"; } if ($no = PO) { return 403; }",
    Some("DU020")
)]
#[case::nginx_redirects("nginx", OPEN, "rewrite ^/v2/(.*)$ https://other.example/v2/$1 permanent;", Some("DU020"))]
#[case::nginx_referers(
    "nginx",
    OPEN,
    "valid_referers none server_names; if ($invalid_referer) { return 403; }",
    Some("DU020")
)]
#[case::nginx_referers_of_the_dashboard(
    "nginx",
    OPEN,
    "valid_referers none d.example; if ($invalid_referer) { return 403; }",
    None
)]
#[case::nginx_sites("nginx", OPEN, "if ($http_sec_fetch_site !~ ^(same-origin|none)$) { return 403; }", Some("DU020"))]
#[case::nginx_agents("nginx", OPEN, "if ($http_user_agent ~* (curl|wget)) { return 403; }", None)]
#[case::nginx_methods_without_put("nginx", OPEN, "limit_except GET POST OPTIONS { deny all; }", Some("DU020"))]
#[case::nginx_drops_the_body("nginx", OPEN, "proxy_pass_request_body off;", Some("DU020"))]
#[case::nginx_hides_the_headers("nginx", OPEN, "proxy_hide_header Access-Control-Allow-Headers;", Some("DU012"))]
#[case::nginx_hides_the_methods("nginx", OPEN, "proxy_hide_header Access-Control-Allow-Methods;", Some("DU012"))]
#[case::nginx_hides_and_lists(
    "nginx",
    OPEN,
    "proxy_hide_header Access-Control-Allow-Headers; add_header Access-Control-Allow-Headers 'Content-Type, X-Auth-Token';",
    None
)]
#[case::nginx_hides_and_lists_less(
    "nginx",
    OPEN,
    "proxy_hide_header Access-Control-Allow-Headers; add_header Access-Control-Allow-Headers Content-Type;",
    Some("DU012")
)]
#[case::nginx_lists_more("nginx", OPEN, "add_header Access-Control-Allow-Headers Content-Type;", None)]
#[case::nginx_hides_and_adds_another(
    "nginx",
    OPEN,
    "proxy_hide_header Access-Control-Allow-Origin; add_header Access-Control-Allow-Origin https://e.example;",
    Some("DU012")
)]
#[case::nginx_hides_and_adds_a_slash(
    "nginx",
    OPEN,
    "proxy_hide_header Access-Control-Allow-Origin; add_header Access-Control-Allow-Origin https://d.example/;",
    Some("DU012")
)]
#[case::nginx_adds_in_the_server(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; add_header Access-Control-Allow-Origin *;",
    "",
    Some("DU012")
)]
#[case::nginx_adds_what_the_location_drops(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; add_header Access-Control-Allow-Origin *;",
    "add_header X-Frame-Options DENY;",
    None
)]
#[case::nginx_adds_for_another(
    "nginx",
    OPEN,
    "if ($http_origin = https://e.example) { add_header Access-Control-Allow-Origin $http_origin; }",
    None
)]
#[case::nginx_adds_for_the_dashboard(
    "nginx",
    OPEN,
    "if ($http_origin ~ ^https://d) { add_header Access-Control-Allow-Origin $http_origin; }",
    Some("DU012")
)]
#[case::nginx_adds_nothing(
    "nginx",
    OPEN,
    "set $cors ''; if ($http_origin ~ ^https://e) { set $cors $http_origin; } add_header Access-Control-Allow-Origin $cors;",
    None
)]
#[case::nginx_adds_to_other_methods(
    "nginx",
    OPEN,
    "if ($request_method = GET) { add_header Access-Control-Allow-Origin *; }",
    None
)]
#[case::nginx_adds_to_uploads(
    "nginx",
    OPEN,
    "if ($request_method = PUT) { add_header Access-Control-Allow-Origin *; }",
    Some("DU012")
)]
#[case::nginx_adds_in_another_if(
    "nginx",
    OPEN,
    "add_header Access-Control-Allow-Origin *; if ($http_origin) { add_header X-Seen 1; }",
    None
)]
#[case::nginx_grants_by_a_variable(
    "nginx",
    OPEN,
    "set $cors ''; if ($http_origin ~* d\\.example$) { set $cors o; } if ($request_method = OPTIONS) { set $cors \"${cors}p\"; } if ($cors = op) { add_header Access-Control-Allow-Origin $http_origin; add_header Access-Control-Allow-Headers 'x-auth-token, content-type'; add_header Access-Control-Allow-Methods PUT; return 204; }",
    None
)]
#[case::nginx_denies("nginx", OPEN, "deny all;", Some("DU020"))]
#[case::nginx_denies_after_it_allows("nginx", OPEN, "allow all; deny all;", None)]
#[case::nginx_denies_in_the_server(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; deny all;",
    "allow all;",
    None
)]
#[case::nginx_another_location(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; location /v2/images { return 404; }",
    "",
    Some("DU020")
)]
#[case::nginx_location_of_files(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; location ~ /file$ { root /srv; }",
    "",
    Some("DU020")
)]
#[case::nginx_marked_location(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; location ^~ /v2/ { proxy_pass http://@BACKEND@; } location ~ file$ { client_max_body_size 1m; proxy_pass http://@BACKEND@; }",
    "",
    None
)]
#[case::nginx_small_headers(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; client_header_buffer_size 128; large_client_header_buffers 1 512;",
    "",
    Some("DU020")
)]
#[case::nginx_enough_headers(
    "nginx",
    "client_max_body_size 0; proxy_request_buffering off; large_client_header_buffers 4 512;",
    "",
    None
)]
#[case::haproxy_small_headers("haproxy", "tune.bufsize 1024", "", Some("DU020"))]
#[case::haproxy_few_headers("haproxy", "tune.http.maxhdr 8", "", Some("DU020"))]
#[case::haproxy_enough_headers("haproxy", "tune.bufsize 3072\n  tune.http.maxhdr 20", "", None)]
#[case::httpd_small_headers("httpd", "LimitRequestFieldSize 128", "", Some("DU020"))]
#[case::httpd_few_headers("httpd", "LimitRequestFields 10", "", Some("DU020"))]
#[case::httpd_short_line("httpd", "LimitRequestLine 40", "", Some("DU020"))]
#[case::httpd_enough_headers(
    "httpd",
    "LimitRequestFieldSize 272\nLimitRequestFields 20\nLimitRequestLine 512",
    "",
    None
)]
#[case::haproxy("haproxy", "", "", None)]
#[case::haproxy_refuses_put("haproxy", "http-request deny if METH_PUT", "", Some("DU020"))]
#[case::haproxy_before_http(
    "haproxy",
    "tcp-request inspect-delay 1s\n  tcp-request content reject if METH_PUT",
    "",
    Some("DU020")
)]
#[case::haproxy_redirects(
    "haproxy",
    "http-request redirect prefix https://other.example if METH_PUT",
    "",
    Some("DU020")
)]
#[case::haproxy_allows_in_the_frontend(
    "haproxy",
    "http-request allow if METH_PUT",
    "http-request deny if METH_PUT",
    Some("DU020")
)]
#[case::haproxy_length("haproxy", "http-request deny if { req.hdr_val(content-length) gt 1048576 }", "", Some("DU014"))]
#[case::haproxy_sites(
    "haproxy",
    "http-request deny if { req.hdr(sec-fetch-site) -m str cross-site same-site }",
    "",
    Some("DU020")
)]
#[case::haproxy_referer("haproxy", "http-request deny unless { req.hdr(referer) -m beg https://d.example }", "", None)]
#[case::haproxy_sets("haproxy", "", "http-response set-header Access-Control-Allow-Origin https://d.example", None)]
#[case::haproxy_sets_another(
    "haproxy",
    "",
    "http-response set-header Access-Control-Allow-Origin https://e.example",
    Some("DU012")
)]
#[case::haproxy_adds(
    "haproxy",
    "http-response add-header Access-Control-Allow-Origin https://d.example",
    "",
    Some("DU012")
)]
#[case::haproxy_deletes("haproxy", "", "http-response del-header Access-Control-Allow-Origin", Some("DU012"))]
#[case::haproxy_replaces(
    "haproxy",
    "",
    "http-response replace-header Access-Control-Allow-Origin d.ex https://e.example",
    Some("DU012")
)]
#[case::haproxy_replaces_another(
    "haproxy",
    "",
    "http-response replace-header Access-Control-Allow-Origin ^https://f https://e.example",
    None
)]
#[case::haproxy_address("haproxy", "acl inside dst 192.0.2.7\n  http-request deny if inside METH_PUT", "", None)]
#[case::haproxy_answers("haproxy", "http-request return status 204 if METH_OPTIONS", "", Some("DU020"))]
#[case::haproxy_denies("haproxy", "http-request deny unless { method GET PUT }", "", Some("DU020"))]
#[case::haproxy_allows_before(
    "haproxy",
    "http-request allow if METH_OPTIONS\n  http-request deny unless { method GET PUT }",
    "",
    None
)]
#[case::haproxy_login("haproxy", "http-request deny unless { req.hdr(X-Auth-Token) -m found }", "", Some("DU020"))]
#[case::haproxy_limit(
    "haproxy",
    "http-request deny deny_status 413 if { req.body_size gt 1048576 }",
    "",
    Some("DU014")
)]
#[case::haproxy_sets_the_headers(
    "haproxy",
    "http-response set-header Access-Control-Allow-Headers Content-Type",
    "",
    Some("DU012")
)]
#[case::haproxy_sets_all_headers(
    "haproxy",
    "http-response set-header Access-Control-Allow-Headers \"Content-Type, X-Auth-Token\"",
    "",
    None
)]
#[case::haproxy_sets_the_methods(
    "haproxy",
    "",
    "http-response set-header Access-Control-Allow-Methods \"GET, POST\"",
    Some("DU012")
)]
#[case::haproxy_deletes_the_headers(
    "haproxy",
    "",
    "http-response del-header Access-Control-Allow-Headers",
    Some("DU012")
)]
#[case::haproxy_deletes_and_sets(
    "haproxy",
    "http-response set-header Access-Control-Allow-Headers *",
    "http-response del-header Access-Control-Allow-Headers",
    None
)]
#[case::haproxy_adds_headers("haproxy", "http-response add-header Access-Control-Allow-Headers X-Other", "", None)]
#[case::haproxy_sets_the_methods_of_others(
    "haproxy",
    "http-response set-header Access-Control-Allow-Methods GET if !METH_OPTIONS",
    "",
    None
)]
#[case::haproxy_replaces_the_methods(
    "haproxy",
    "http-response replace-header Access-Control-Allow-Methods .* GET",
    "",
    Some("DU012")
)]
#[case::httpd("httpd", "", "", None)]
#[case::httpd_always_set("httpd", "Header always set Access-Control-Allow-Origin https://d.example", "", Some("DU012"))]
#[case::httpd_always_setifempty(
    "httpd",
    "Header always setifempty Access-Control-Allow-Origin https://d.example",
    "",
    Some("DU012")
)]
#[case::httpd_always_merge(
    "httpd",
    "Header always merge Access-Control-Allow-Origin https://d.example",
    "",
    Some("DU012")
)]
#[case::httpd_always_edit("httpd", "Header always edit Access-Control-Allow-Origin d e", "", None)]
#[case::httpd_set("httpd", "Header set Access-Control-Allow-Origin https://d.example", "", None)]
#[case::httpd_onsuccess_set("httpd", "Header onsuccess set Access-Control-Allow-Origin https://d.example", "", None)]
#[case::httpd_set_another("httpd", "Header set Access-Control-Allow-Origin https://e.example", "", Some("DU012"))]
#[case::httpd_setifempty("httpd", "Header setifempty Access-Control-Allow-Origin https://e.example", "", None)]
#[case::httpd_add("httpd", "Header add Access-Control-Allow-Origin https://d.example", "", Some("DU012"))]
#[case::httpd_append("httpd", "Header append Access-Control-Allow-Origin https://d.example", "", Some("DU012"))]
#[case::httpd_merge_same("httpd", "Header merge Access-Control-Allow-Origin https://d.example", "", None)]
#[case::httpd_unset("httpd", "Header unset Access-Control-Allow-Origin", "", Some("DU012"))]
#[case::httpd_always_unset("httpd", "Header always unset Access-Control-Allow-Origin", "", None)]
#[case::httpd_methods("httpd", "<Location />\nAllowMethods GET PUT\n</Location>", "", Some("DU020"))]
#[case::httpd_limit_except(
    "httpd",
    "<Location />\n<LimitExcept GET PUT>\nRequire all denied\n</LimitExcept>\n</Location>",
    "",
    Some("DU020")
)]
#[case::httpd_rewrites(
    "httpd",
    "RewriteEngine on\nRewriteCond %{REQUEST_METHOD} !^(GET|PUT)\nRewriteRule .* - [F]",
    "",
    Some("DU020")
)]
#[case::httpd_rewrites_put(
    "httpd",
    "RewriteEngine on\nRewriteCond %{REQUEST_METHOD} ^(PUT|DELETE)$\nRewriteRule .* - [F]",
    "",
    Some("DU020")
)]
#[case::httpd_redirects(
    "httpd",
    "RewriteEngine on\nRewriteRule ^/v2/(.*)$ https://other.example/v2/$1 [R=308,L]",
    "",
    Some("DU020")
)]
#[case::httpd_last(
    "httpd",
    "RewriteEngine on\nRewriteCond %{REQUEST_METHOD} ^(PUT|OPTIONS)$\nRewriteRule ^ - [L]\nRewriteCond %{REQUEST_METHOD} !^(GET|POST)$\nRewriteRule ^ - [F]",
    "",
    None
)]
#[case::httpd_length(
    "httpd",
    "RewriteEngine on\nRewriteCond %{HTTP:Content-Length} \"-gt 1048576\"\nRewriteRule ^ - [F]",
    "",
    Some("DU014")
)]
#[case::httpd_referer(
    "httpd",
    "RewriteEngine on\nRewriteCond %{HTTP_REFERER} !^https://g\\.example/\nRewriteRule ^ - [F]",
    "",
    Some("DU020")
)]
#[case::httpd_require_method("httpd", "<Location />\nRequire method GET OPTIONS POST\n</Location>", "", Some("DU020"))]
#[case::httpd_require_all(
    "httpd",
    "<Location />\n<RequireAll>\nRequire all granted\nRequire not method PUT\n</RequireAll>\n</Location>",
    "",
    Some("DU020")
)]
#[case::httpd_opened_again(
    "httpd",
    "<Location />\nRequire method GET\n</Location>\n<Location /v2>\nRequire all granted\n</Location>",
    "",
    None
)]
#[case::httpd_methods_without_put("httpd", "<Location />\nAllowMethods GET OPTIONS\n</Location>", "", Some("DU020"))]
#[case::httpd_edits_to_another(
    "httpd",
    "Header edit Access-Control-Allow-Origin ^.*$ https://e.example",
    "",
    Some("DU012")
)]
#[case::httpd_edits_nothing("httpd", "Header edit Access-Control-Allow-Origin e.example f.example", "", None)]
#[case::httpd_unsets_methods("httpd", "Header unset Access-Control-Allow-Methods", "", Some("DU012"))]
#[case::httpd_denies_of_old("httpd", "<Location />\nOrder allow,deny\nDeny from all\n</Location>", "", Some("DU020"))]
#[case::httpd_denies_first(
    "httpd",
    "<Location />\nOrder deny,allow\nDeny from all\nAllow from all\n</Location>",
    "",
    None
)]
#[case::httpd_allows_of_old("httpd", "<Location />\nOrder allow,deny\nAllow from all\n</Location>", "", None)]
#[case::httpd_allows_nobody("httpd", "<Location />\nOrder allow,deny\n</Location>", "", Some("DU020"))]
#[case::httpd_excludes("httpd", "ProxyPass /v2/images !", "", Some("DU020"))]
#[case::httpd_excludes_elsewhere("httpd", "ProxyPass /v2/metadefs !", "", None)]
#[case::httpd_excludes_too_late("httpd", "", "ProxyPass /v2/images !", None)]
#[case::httpd_leads_elsewhere("httpd", "ProxyPass /v2/images http://@BACKEND@/v2/images\nProxyPass / !", "", None)]
#[case::httpd_excludes_in_a_section("httpd", "<Location /v2>\nProxyPass !\n</Location>", "", Some("DU020"))]
#[case::httpd_answers_and_grants(
    "httpd",
    "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ $1 [R=200,L]\nHeader unset Access-Control-Allow-Origin\nHeader always set Access-Control-Allow-Origin https://d.example\nHeader always set Access-Control-Allow-Methods PUT\nHeader always set Access-Control-Allow-Headers content-type,x-auth-token",
    "",
    None
)]
#[case::httpd_answers_and_grants_less(
    "httpd",
    "RewriteEngine On\nRewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ $1 [R=200,L]\nHeader unset Access-Control-Allow-Origin\nHeader always set Access-Control-Allow-Origin https://d.example\nHeader always set Access-Control-Allow-Methods put\nHeader always set Access-Control-Allow-Headers content-type,x-auth-token",
    "",
    Some("DU020")
)]
#[case::httpd_if("httpd", "<If \"%{REQUEST_METHOD} == 'OPTIONS'\">\nRequire all denied\n</If>", "", Some("DU020"))]
#[case::httpd_if_in(
    "httpd",
    "<If \"%{REQUEST_METHOD} in {'TRACE', 'PUT'}\">\nRequire all denied\n</If>",
    "",
    Some("DU020")
)]
#[case::httpd_if_pattern(
    "httpd",
    "<If \"%{REQUEST_METHOD} !~ /^(GET|PUT|OPTIONS)$/\">\nRequire all denied\n</If>",
    "",
    None
)]
#[case::httpd_if_another("httpd", "<If \"%{REQUEST_METHOD} == 'TRACE'\">\nRequire all denied\n</If>", "", None)]
#[case::httpd_require_expr(
    "httpd",
    "<Location />\nRequire expr %{REQUEST_METHOD} == 'GET'\n</Location>",
    "",
    Some("DU020")
)]
#[case::httpd_require_expr_not(
    "httpd",
    "<Location />\nRequire expr %{REQUEST_METHOD} != 'DELETE'\n</Location>",
    "",
    None
)]
#[case::httpd_no_limit_by_mod_proxy_http("httpd", "LimitRequestBody 1048576", "", None)]
fn a_directive_does_what_is_said_of_it(
    #[case] server: &str,
    #[case] outer: &str,
    #[case] inner: &str,
    #[case] rule: Option<&str>,
) {
    let config = config(server, outer, inner);
    let requests = json!([{"method": "OPTIONS"}, {"method": "PUT", "size": SIZE}]);
    let answers = ask_edge(server, &config, &requests, 0);
    let uploads = answers.iter().all(Answer::granted) && answers[1].arrived == Some(SIZE);
    assert_eq!(uploads, rule.is_none(), "{answers:#?}");
    let errors: Vec<String> = found(server, &config).into_iter().filter(|line| line.starts_with("error")).collect();
    let expected: Vec<String> = rule.iter().map(|rule| format!("error {rule}")).collect();
    assert_eq!(errors, expected, "{answers:#?}");
}

/// HAProxy's documentation lets one expect more of it; so it is only a note.
#[test]
fn haproxys_client_timeout_does_not_end_a_body_that_stalls() {
    let config = config("haproxy", "timeout client 1s", "");
    let requests = json!([{"method": "PUT", "size": SIZE, "pause": 3}, {"method": "PUT", "size": SIZE, "delay": 3}]);
    let answers = ask_edge("haproxy", &config, &requests, 2);
    assert!(answers.iter().all(Answer::granted), "{answers:#?}");
    assert_eq!(found("haproxy", &config), ["note DU015"]);
}

/// Times, scaled down: the server waits a second, and three pass in the middle of the body or before the answer.
#[rstest]
#[case::nginx_client("nginx", "client_body_timeout 1s;", 3, 0)]
#[case::nginx_read("nginx", "proxy_read_timeout 1s;", 0, 3)]
#[case::haproxy_server("haproxy", "timeout server 1s", 0, 3)]
#[case::haproxy_server_body("haproxy", "timeout server 1s", 3, 0)]
#[case::httpd_read("httpd", "RequestReadTimeout body=1", 3, 0)]
#[case::httpd_proxy("httpd", "ProxyTimeout 1", 0, 3)]
#[case::httpd_timeout("httpd", "Timeout 1", 3, 0)]
fn a_time_out_cuts_what_it_is_said_to_cut(
    #[case] server: &str,
    #[case] line: &str,
    #[case] pause: u32,
    #[case] delay: u32,
) {
    let (outer, inner) = match (server, line) {
        ("nginx", line) => (format!("{OPEN} {line}"), ""),
        ("haproxy", line) if line.contains("server") => (String::new(), line),
        (_, line) => (line.to_owned(), ""),
    };
    let requests = json!([{"method": "PUT", "size": SIZE, "pause": pause, "delay": delay}]);
    let without = config(server, if server == "nginx" { OPEN } else { "" }, "");
    assert!(ask_edge(server, &without, &requests, 1)[0].granted(), "{server} takes such an upload by itself");
    let config = config(server, &outer, inner);
    let answers = ask_edge(server, &config, &requests, 0);
    assert!(!answers[0].granted(), "{answers:#?}");
    assert!(found(server, &config).iter().any(|line| line.ends_with("DU015")), "{line} is not found");
}

/// Glance in uWSGI: `line` ends the upload, or does not, and `check` says so.
#[rstest]
#[case::plain("http-socket", "", 3, 0, None)]
#[case::post_limit("http-socket", "limit-post = 1048576", 0, 0, Some("error DU014"))]
#[case::harakiri("http-socket", "harakiri = 1", 0, 4, Some("error DU015"))]
#[case::harakiri_body("http-socket", "harakiri = 1", 4, 0, Some("error DU015"))]
#[case::adds_an_origin("http-socket", "add-header = Access-Control-Allow-Origin: *", 0, 0, Some("error DU012"))]
#[case::adds_another_header("http-socket", "add-header = X-Served-By: g", 0, 0, None)]
#[case::adds_an_origin_by_a_route(
    "http-socket",
    "route-run = addheader:Access-Control-Allow-Origin: *",
    0,
    0,
    Some("error DU012")
)]
#[case::adds_an_origin_elsewhere("http-socket", "route = ^/v3 addheader:Access-Control-Allow-Origin: *", 0, 0, None)]
#[case::socket_timeout("http-socket", "socket-timeout = 1", 3, 0, Some("warning DU015"))]
#[case::router("http", "", 3, 0, None)]
#[case::headers("http-socket", "buffer-size = 4096", 0, 0, None)]
#[case::router_timeout("http", "http-timeout = 1", 3, 0, Some("warning DU015"))]
#[case::router_timeout_answer("http", "http-timeout = 1", 0, 3, Some("warning DU015"))]
fn uwsgi_does_what_is_said_of_it(
    #[case] socket: &str,
    #[case] line: &str,
    #[case] pause: u32,
    #[case] delay: u32,
    #[case] expected: Option<&str>,
) {
    let config = format!("[uwsgi]\n{socket} = 127.0.0.1:@PORT@\nmaster = true\nprocesses = 2\n{line}\n");
    let requests = json!([{"method": "OPTIONS"}, {"method": "PUT", "size": SIZE, "pause": pause, "delay": delay}]);
    let granted = match expected {
        None => 2,
        Some(_) if line.contains("Access-Control") => 0,
        Some(_) => 1,
    };
    let answers = ask_edge("uwsgi", &config, &requests, granted);
    assert!(answers[0].granted() || line.contains("Access-Control"), "{answers:#?}");
    assert_eq!(answers[1].granted(), expected.is_none(), "{answers:#?}");
    let conf = "[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n";
    let config = config.replace("@PORT@", "9292");
    let files = [("etc/glance/glance-api-uwsgi.ini", config.as_str()), DASHBOARD, (CONF, conf)];
    let texts = files.map(|(name, text)| Text { name: name.into(), text: text.into(), named: false }).to_vec();
    let (input, _) = check::manifests::sort(texts, Some("2025.1".parse().unwrap()), jiff::Timestamp::UNIX_EPOCH);
    let found = check::check(input).findings;
    // What legacy uploads would meet is another matter.
    let found = found.iter().map(|f| format!("{} {}", f.severity, f.rule)).filter(|line| !line.ends_with("DU022"));
    assert_eq!(found.collect::<Vec<_>>(), expected.into_iter().collect::<Vec<_>>(), "{answers:#?}");
}

/// uWSGI's own routes: `check` finds the ones that answer a request, and no other.
#[rstest]
#[case::by_path("route = ^/v2/images break:403 Forbidden")]
#[case::another_path("route = ^/v3 break:403")]
#[case::by_method("route-if = equal:${REQUEST_METHOD};OPTIONS break:405")]
#[case::unless_method("route-if-not = equal:${REQUEST_METHOD};GET return:403")]
#[case::by_pattern("route-if = regexp:${REQUEST_METHOD};^(OPTIONS|HEAD)$ break:405 No")]
#[case::by_start("route-if = startswith:${PATH_INFO};/v2 break:403")]
#[case::by_uri("route-uri = /file$ break:403")]
#[case::all("route-run = break:503")]
#[case::passed_before("route = ^/v2/ last:\nroute-run = break:503")]
#[case::continued("route = ^/v2/ continue:\nroute-run = break:503")]
#[case::jumped_over("route = ^/v2/ goto:end\nroute-run = break:503\nroute-label = end\nroute-run = log:x")]
#[case::headers("route = ^/v2/ addheader:X-Served-By: g")]
#[case::probes_are_not_logged("route-user-agent = ^kube-probe.* donotlog:")]
#[case::nothing_is_logged("route-run = donotlog:")]
#[case::with_a_status("route = ^/v2/ break-with-status:418 Tea")]
fn routes_of_uwsgi(#[case] lines: &str) {
    let config = format!("[uwsgi]\nhttp-socket = 127.0.0.1:@PORT@\nmaster = true\nprocesses = 2\n{lines}\n");
    let requests = json!([{"method": "OPTIONS"}, {"method": "PUT", "size": SIZE}]);
    let answers = ask_edge("uwsgi", &config, &requests, 0);
    let passes = answers.iter().all(Answer::granted);
    let conf = "[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n";
    let config = config.replace("@PORT@", "9292");
    let files = [("etc/glance/glance-api-uwsgi.ini", config.as_str()), DASHBOARD, (CONF, conf)];
    let texts = files.map(|(name, text)| Text { name: name.into(), text: text.into(), named: false }).to_vec();
    let (input, _) = check::manifests::sort(texts, Some("2025.1".parse().unwrap()), jiff::Timestamp::UNIX_EPOCH);
    let report = check::check(input);
    let found = report.findings.iter().any(|f| f.rule.to_string() == "DU020" && f.severity.to_string() == "error");
    assert_eq!(found, !passes, "{answers:#?}");
    assert!(report.unseen.iter().all(|what| !what.contains("what uWSGI's")), "{:?}", report.unseen);
}

/// An answer may take longer than `socket-timeout`; `post-buffering` takes the image first.
#[rstest]
#[case("socket-timeout = 1", 3)]
#[case("post-buffering = 4096", 0)]
fn uwsgi_lets_these_pass(#[case] line: &str, #[case] delay: u32) {
    let config = format!("[uwsgi]\nhttp-socket = 127.0.0.1:@PORT@\nmaster = true\nprocesses = 2\n{line}\n");
    let requests = json!([{"method": "PUT", "size": SIZE, "delay": delay}]);
    let answers = ask_edge("uwsgi", &config, &requests, 1);
    assert!(answers[0].granted() && answers[0].arrived == Some(SIZE), "{answers:#?}");
}
