//! Each rule: what it must find, what it must not, and what nearly looks like it.

use direct_upload_check as check;
use direct_upload_check::Text;
use direct_upload_core::openstack::Release;
use rstest::rstest;

/// Severity and id of all findings over some files.
pub fn found_in(files: &[(&str, &str)], release: Option<&str>) -> Vec<String> {
    let text = |(name, text): &(&str, &str)| Text { name: (*name).into(), text: (*text).into(), named: false };
    let release = release.map(|r| r.parse::<Release>().unwrap());
    let (input, errors) = check::manifests::sort(files.iter().map(text).collect(), release);
    assert!(errors.is_empty(), "{errors:?}");
    let mut found: Vec<_> = check::check(input).findings.iter().map(|f| format!("{} {}", f.severity, f.rule)).collect();
    found.dedup();
    found
}

pub const CONF: &str = "etc/glance/glance-api.conf";
pub const SETTINGS: &str = "etc/openstack-dashboard/local_settings.py";

/// `[cors]` with these lines, before a dashboard at https://d.example.
fn cors(lines: &str) -> Vec<String> {
    let conf = format!("[DEFAULT]\n[cors]\n{lines}\n[paste_deploy]\nflavor = keystone\n");
    let settings = "CSRF_TRUSTED_ORIGINS = ['https://d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    found_in(&[(CONF, &conf), (SETTINGS, settings)], Some("2025.1"))
}

#[rstest]
#[case::fine("allowed_origin = https://d.example", &[])]
#[case::quoted("allowed_origin = \"https://d.example\"", &[])]
#[case::several("allowed_origin = https://d.example, https://e.example", &[])]
#[case::continued("allowed_origin = https://e.example,\n  https://d.example", &[])]
#[case::trailing_comma("allowed_origin = https://d.example,", &[])]
#[case::slash("allowed_origin = https://d.example/", &["error DU001"])]
#[case::path("allowed_origin = https://d.example/dashboard", &["error DU001"])]
#[case::upper_case("allowed_origin = https://D.example", &["error DU001"])]
#[case::default_port("allowed_origin = https://d.example:443", &["error DU001"])]
#[case::both_forms("allowed_origin = https://d.example,https://d.example:443", &["note DU001"])]
#[case::comment_behind("allowed_origin = https://d.example # the dashboard", &["error DU001"])]
#[case::blanks_between("allowed_origin = https://d.example https://e.example", &["error DU001"])]
#[case::no_scheme("allowed_origin = d.example", &["error DU001"])]
#[case::quoted_together("allowed_origin = \"https://d.example, https://e.example\"", &[])]
#[case::in_angle_brackets("allowed_origin = <https://d.example>", &["error DU001"])]
#[case::semicolons("allowed_origin = https://d.example;https://e.example", &["error DU001"])]
#[case::list("allowed_origin = ['https://d.example']", &["error DU001"])]
#[case::pattern("allowed_origin = https://*.example", &["error DU001"])]
#[case::substituted("allowed_origin = https://$my_host", &[])]
#[case::other("allowed_origin = https://e.example", &["error DU002"])]
#[case::other_port("allowed_origin = https://d.example:8443", &["error DU002"])]
#[case::other_scheme("allowed_origin = http://d.example", &["error DU002"])]
#[case::empty("allowed_origin =", &["error DU002"])]
#[case::nothing("max_age = 5", &["error DU002"])]
#[case::any("allowed_origin = *", &["warning DU005"])]
#[case::null("allowed_origin = null,https://d.example", &["warning DU005"])]
fn origins(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(cors(lines), expected, "{lines}");
}

#[rstest]
#[case::default("", &[])]
#[case::lower_case("allow_headers = x-auth-token", &[])]
#[case::without_token("allow_headers = Content-MD5", &["error DU003"])]
#[case::star("allow_headers = *", &["error DU003"])]
#[case::methods("allow_methods = GET,PUT", &[])]
#[case::no_put("allow_methods = GET,POST", &["error DU004"])]
#[case::lower_put("allow_methods = get,put", &["error DU004"])]
#[case::substituted("allow_methods = $methods", &[])]
fn lists(#[case] line: &str, #[case] expected: &[&str]) {
    assert_eq!(cors(&format!("allowed_origin = https://d.example\n{line}")), expected, "{line}");
}

#[rstest]
#[case::always("2026.1", "", "", &["error DU003"])]
#[case::allowed("2026.1", "allow_headers = X-Auth-Token,X-CSRFToken", "", &[])]
#[case::stripped("2026.2", "", "CSRF_COOKIE_HTTPONLY = True", &[])]
#[case::older("2024.1", "", "", &[])]
#[case::older_httponly("2024.1", "", "CSRF_COOKIE_HTTPONLY = True", &["error DU003"])]
#[case::older_not_httponly("2024.1", "", "CSRF_COOKIE_HTTPONLY = False", &[])]
#[case::unknown("", "", "", &["warning DU003"])]
#[case::legacy("2026.1", "", "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'", &["warning DU003"])]
fn csrf_token(#[case] release: &str, #[case] line: &str, #[case] setting: &str, #[case] expected: &[&str]) {
    let conf = format!("[cors]\nallowed_origin = https://d.example\n{line}\n");
    let mode = if setting.contains("MODE") { "" } else { "HORIZON_IMAGES_UPLOAD_MODE = 'direct'" };
    let settings = format!("ALLOWED_HOSTS = ['d.example']\n{mode}\n{setting}\n");
    let release = Some(release).filter(|r| !r.is_empty());
    assert_eq!(found_in(&[(CONF, &conf), (SETTINGS, &settings)], release), expected);
}

#[rstest]
#[case::release_unknown(None, "[cors.x]\nallowed_origin = https://e.example", &["warning DU006"])]
#[case::still_read(Some("2025.2"), "[cors.x]\nallowed_origin = https://e.example", &[])]
#[case::gone(Some("2026.1"), "[cors.x]\nallowed_origin = https://e.example", &["error DU006"])]
#[case::repeated(Some("2026.1"), "[cors.x]\nallowed_origin = https://d.example", &["note DU006"])]
#[case::of_the_dashboard(Some("2026.1"), "[cors]\nallowed_origin = https://e.example\n[cors.x]\nallowed_origin = https://d.example", &["error DU006"])]
#[case::not_one(Some("2026.1"), "[corsx]\nmax_age = 5", &[])]
fn subgroups(#[case] release: Option<&str>, #[case] section: &str, #[case] expected: &[&str]) {
    let conf =
        format!("[cors]\nallowed_origin = https://d.example\nallow_headers = X-Auth-Token,X-CSRFToken\n{section}\n");
    assert_eq!(found_in(&[(CONF, &conf)], release), expected);
}

pub const GOOD: &str = "[cors]\nallowed_origin = https://d.example\n";
const OTHER: &str = "[cors]\nallowed_origin = https://e.example\n";
pub const DASHBOARD: (&str, &str) =
    (SETTINGS, "ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n");

#[rstest]
#[case::drop_in(&[(CONF, "[DEFAULT]\n"), ("etc/glance/glance-api.conf.d/x.conf", GOOD)], &[])]
#[case::projects_drop_in(&[(CONF, "[DEFAULT]\n"), ("etc/glance/glance.conf.d/x.conf", GOOD)], &[])]
#[case::elsewhere(&[(CONF, "[DEFAULT]\n"), ("etc/glance/cors.conf", GOOD)], &["error DU007"])]
#[case::other_folder(&[(CONF, "[DEFAULT]\n"), ("etc/glance/conf.d/cors.conf", GOOD)], &["error DU007"])]
#[case::no_conf(&[(CONF, "[DEFAULT]\n"), ("etc/glance/glance-api.conf.d/x.ini", GOOD)], &["error DU007"])]
#[case::elsewhere_too(&[(CONF, GOOD), ("etc/glance/cors.conf", GOOD)], &["note DU007"])]
#[case::overridden(&[(CONF, GOOD), ("etc/glance/glance-api.conf.d/x.conf", OTHER)], &["error DU007"])]
#[case::main_overrides_nothing(&[(CONF, OTHER), ("etc/glance/glance-api.conf.d/x.conf", GOOD)], &["warning DU007"])]
#[case::projects_drop_in_beats_main(&[(CONF, GOOD), ("etc/glance/glance.conf.d/x.conf", OTHER)], &["error DU007"])]
#[case::programs_beats_projects(&[("etc/glance/glance.conf.d/x.conf", OTHER), ("etc/glance/glance-api.conf.d/a.conf", GOOD)], &["warning DU007"])]
#[case::by_name(&[("etc/glance/glance-api.conf.d/90.conf", OTHER), ("etc/glance/glance-api.conf.d/10.conf", GOOD)], &["error DU007"])]
#[case::unparsable(&[(CONF, "[cors]\nallowed_origin\n")], &["error DU007"])]
#[case::paste_beats_all(&[(CONF, GOOD), ("etc/glance/glance-api-paste.ini", "[filter:cors]\nallowed_origin = https://e.example\npaste.filter_factory = glance.api\n")], &["error DU007"])]
fn reading(#[case] files: &[(&str, &str)], #[case] expected: &[&str]) {
    assert_eq!(found_in(&[files, &[DASHBOARD]].concat(), Some("2025.1")), expected);
}

const PASTE: &str = "[pipeline:glance-api]\npipeline = cors context rootapp\n[pipeline:glance-api-keystone]\npipeline = cors authtoken context rootapp\n[filter:cors]\npaste.filter_factory = oslo_middleware.cors:filter_factory\n";

#[rstest]
#[case::shipped("keystone", None, &[])]
#[case::caching("keystone+caching", None, &[])]
#[case::never_was("keystone+cors", None, &["error DU008"])]
#[case::own("keystone", Some(PASTE), &[])]
#[case::own_lacks("keystone+caching", Some(PASTE), &["error DU008"])]
#[case::without_cors("keystone", Some("[pipeline:glance-api-keystone]\npipeline = authtoken context rootapp\n"), &["error DU008"])]
#[case::behind_login("keystone", Some("[pipeline:glance-api-keystone]\npipeline = healthcheck authtoken cors rootapp\n"), &["error DU020"])]
#[case::renamed("keystone", Some("[pipeline:glance-api-keystone]\npipeline = crossorigin authtoken rootapp\n[filter:crossorigin]\npaste.filter_factory = oslo_middleware.cors:filter_factory\n"), &[])]
#[case::composite("keystone", Some("[composite:glance-api-keystone]\n/: api\n[composite:api]\nkeystone = authtoken cors rootapp\n"), &["error DU020"])]
fn flavors(#[case] flavor: &str, #[case] paste: Option<&str>, #[case] expected: &[&str]) {
    let conf = format!("{GOOD}[paste_deploy]\nflavor = {flavor}\n");
    let mut files = vec![(CONF, conf.as_str()), DASHBOARD];
    files.extend(paste.map(|text| ("etc/glance/glance-api-paste.ini", text)));
    assert_eq!(found_in(&files, Some("2025.1")), expected);
}

/// A KeystoneEndpoint with this URL, and a dashboard that trusts https://d.example.
#[rstest]
#[case::fine("https://glance.example", &[])]
#[case::port("https://glance.example:9292", &[])]
#[case::slash("https://glance.example/", &[])]
#[case::path("https://api.example/image", &[])]
#[case::mixed("http://glance.example", &["error DU009"])]
#[case::internal("https://glance.openstack.svc.cluster.local:9292", &["error DU010"])]
#[case::single_label("https://glance:9292", &["error DU010"])]
#[case::version("https://glance.example/v2", &["error DU011"])]
#[case::version_slash("https://glance.example/v2/", &["error DU011"])]
#[case::not_a_version("https://glance.example/vault", &[])]
fn endpoints(#[case] url: &str, #[case] expected: &[&str]) {
    let endpoint = format!(
        "apiVersion: keystone.openstack.org/v1beta1\nkind: KeystoneEndpoint\nmetadata: {{name: glance}}\nspec:\n  serviceName: glance\n  endpoints: {{public: \"{url}\"}}\n"
    );
    let settings = "CSRF_TRUSTED_ORIGINS = ['https://d.example']\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    assert_eq!(found_in(&[("endpoint.yaml", &endpoint), (SETTINGS, settings), (CONF, GOOD)], Some("2025.1")), expected);
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
#[case::unset("Header unset Access-Control-Allow-Origin", &["error DU012"])]
#[case::other_header("Header always set Strict-Transport-Security max-age=1", &[])]
#[case::vary("Header merge Vary Origin", &[])]
#[case::list_without("Header set Access-Control-Allow-Headers Content-Type", &["error DU012"])]
#[case::comment("# Header always set Access-Control-Allow-Origin *", &[])]
#[case::limit("LimitRequestBody 1073741824", &["error DU014"])]
#[case::no_limit("LimitRequestBody 0", &[])]
#[case::generous("LimitRequestBody 1099511627776", &[])]
#[case::fixed_total("RequestReadTimeout header=20 body=60", &["error DU015"])]
#[case::by_rate("RequestReadTimeout header=20-40,MinRate=500 body=20,MinRate=500", &[])]
#[case::short_timeout("ProxyTimeout 20", &["warning DU015"])]
#[case::timeout("Timeout 300", &[])]
#[case::rewritten("RewriteCond %{REQUEST_METHOD} ^(TRACE|OPTIONS)\nRewriteRule .* - [F]", &["error DU020"])]
#[case::listed("RewriteCond %{REQUEST_METHOD} !^(POST|PUT|GET|DELETE|PATCH)\nRewriteRule .* - [F]", &["error DU020"])]
#[case::listed_all("RewriteCond %{REQUEST_METHOD} !^(POST|PUT|GET|DELETE|PATCH|OPTIONS|HEAD)\nRewriteRule .* - [F]", &[])]
#[case::trace_only("RewriteCond %{REQUEST_METHOD} ^TRACE\nRewriteRule .* - [F]", &[])]
#[case::answers("RewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ $1 [R=200,L]", &["error DU020"])]
#[case::rewrites("RewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ /x [L]", &[])]
#[case::login("<Location />\nAuthType openid-connect\nRequire valid-user\n</Location>", &["error DU020"])]
#[case::login_but_options("<Location />\nAuthType openid-connect\n<LimitExcept OPTIONS>\nRequire valid-user\n</LimitExcept>\n</Location>", &[])]
#[case::login_or_options("<RequireAny>\nRequire method OPTIONS\nRequire valid-user\n</RequireAny>", &[])]
#[case::methods("<LimitExcept GET POST PUT>\nRequire all denied\n</LimitExcept>", &["error DU020"])]
#[case::methods_all("<LimitExcept GET POST PUT OPTIONS>\nRequire all denied\n</LimitExcept>", &[])]
#[case::few_methods("AllowMethods GET POST PUT", &["error DU020"])]
#[case::enough_methods("AllowMethods GET POST PUT OPTIONS", &[])]
#[case::granted("<Location />\nRequire all granted\n</Location>", &[])]
fn httpd(#[case] lines: &str, #[case] expected: &[&str]) {
    assert_eq!(vhost(lines), expected, "{lines}");
}

/// A virtual host that makes CORS by itself, before a Glance that makes none.
#[test]
fn a_server_that_stands_in_for_glance_is_unwise_but_works() {
    let host = "<VirtualHost *:443>\nServerName glance.example\nProxyPass / http://127.0.0.1:9292/\nHeader always set Access-Control-Allow-Origin https://d.example\nRewriteCond %{REQUEST_METHOD} OPTIONS\nRewriteRule ^(.*)$ $1 [R=200,L]\n</VirtualHost>\n";
    let host = ("etc/apache2/sites-enabled/glance.conf", host);
    assert_eq!(found_in(&[host, DASHBOARD, (CONF, "[DEFAULT]\n")], Some("2025.1")), ["warning DU012", "warning DU020"]);
    assert_eq!(found_in(&[host, DASHBOARD, (CONF, GOOD)], Some("2025.1")), ["error DU012", "error DU020"]);
}

/// Under the dashboard's own origin the browser asks nothing.
#[test]
fn the_same_origin_needs_no_cors() {
    let endpoint = "apiVersion: keystone.openstack.org/v1beta1\nkind: KeystoneEndpoint\nmetadata: {name: glance, namespace: x}\nspec:\n  serviceName: glance\n  endpoints: {public: https://d.example/image}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: glance, namespace: x}\ndata: {glance-api.conf: '[DEFAULT]'}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: horizon, namespace: x}\ndata:\n  local_settings.py: |\n    CSRF_TRUSTED_ORIGINS = ['https://d.example']\n    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
    assert_eq!(found_in(&[("cloud.yaml", endpoint)], Some("2026.1")), [""; 0]);
}

/// The same, where only the web server's configuration tells of it.
#[rstest]
#[case::httpd("etc/apache2/sites-enabled/h.conf", "<VirtualHost *:443>\nServerName d.example\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n<Location /image>\nProxyPass http://glance-api:9292\nLimitRequestBody 0\n</Location>\n</VirtualHost>\n", &[])]
#[case::nginx("etc/nginx/conf.d/h.conf", "server { listen 443 ssl; server_name d.example; client_max_body_size 0; proxy_request_buffering off;\nlocation / { proxy_pass http://horizon; }\nlocation /image/ { proxy_pass http://glance:9292/; }\n}\n", &[])]
#[case::another_port("etc/nginx/conf.d/h.conf", "server { listen 443 ssl; server_name d.example; location / { proxy_pass http://horizon; } }\nserver { listen 9292 ssl; server_name d.example; client_max_body_size 0; proxy_request_buffering off; location / { proxy_pass http://glance:9292; } }\n", &["error DU002"])]
#[case::dashboard_alone("etc/apache2/sites-enabled/h.conf", "<VirtualHost *:443>\nServerName d.example\nWSGIScriptAlias / /openstack_dashboard/wsgi.py\n</VirtualHost>\n", &["error DU002"])]
fn a_path_of_the_dashboards_host_needs_no_cors(#[case] name: &str, #[case] text: &str, #[case] expected: &[&str]) {
    assert_eq!(found_in(&[(name, text), DASHBOARD, (CONF, "[DEFAULT]\n")], Some("2026.1")), expected);
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
#[case::proxied("ProxyPass /api/glance http://glance-api:9292/", &["warning DU012"])]
#[case::limit("LimitRequestBody 1048576", &[])]
#[case::glance_below("LimitRequestBody 1048576\n<Location /image>\nProxyPass http://glance-api:9292\nLimitRequestBody 0\n</Location>", &[])]
#[case::glance_below_with_the_hosts_limit("LimitRequestBody 1048576\n<Location /image>\nProxyPass http://glance-api:9292\n</Location>", &["error DU014"])]
#[case::glance_below_with_its_own_limit("<Location /image>\nLimitRequestBody 1048576\nProxyPass http://glance-api:9292\n</Location>", &["error DU014"])]
#[case::another_path_has_the_limit("ProxyPass /image http://glance-api:9292\n<Location /auth>\nLimitRequestBody 1048576\n</Location>", &[])]
#[case::methods("RewriteCond %{REQUEST_METHOD} !^(POST|PUT|GET|DELETE|PATCH)\nRewriteRule .* - [F]", &[])]
#[case::csp("Header set Content-Security-Policy \"default-src 'self'\"", &["error DU013"])]
#[case::csp_admits("Header set Content-Security-Policy \"default-src 'self'; connect-src 'self' https://glance.example\"", &[])]
#[case::csp_says_nothing("Header set Content-Security-Policy \"frame-ancestors 'self'\"", &[])]
#[case::csp_reports("Header set Content-Security-Policy-Report-Only \"default-src 'self'\"", &[])]
#[case::csp_other("Header always set Content-Security-Policy \"connect-src 'self' https://x.example\"", &[])]
fn dashboards_httpd(#[case] lines: &str, #[case] expected: &[&str]) {
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
#[case::grants("client_max_body_size 0; proxy_request_buffering off;", "if ($request_method = OPTIONS) { add_header Access-Control-Allow-Origin https://d.example; add_header Access-Control-Allow-Headers 'X-Auth-Token, Content-Type'; return 204; }", &["warning DU012"])]
#[case::more_headers("client_max_body_size 0; proxy_request_buffering off;", "more_set_headers 'Access-Control-Allow-Origin: *';", &["warning DU012"])]
fn nginx(#[case] server: &str, #[case] location: &str, #[case] expected: &[&str]) {
    let conf = format!(
        "upstream api {{ server glance-1:9292; }}\nserver {{ listen 443 ssl; {server}\n location / {{ {location} proxy_pass http://api; }}\n}}\nserver {{ location / {{ proxy_pass http://nova:8774; }} }}\n"
    );
    assert_eq!(found_in(&[("nginx/conf.d/api.conf", &conf), DASHBOARD, (CONF, GOOD)], Some("2025.1")), expected);
}

const SNIPPET: &str = "etc/openstack-dashboard/local_settings.d/50.py";
const DIRECT: &str = "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n";
const LEGACY: &str = "HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n";

#[rstest]
#[case::fine(&[(SETTINGS, LEGACY), (SNIPPET, DIRECT)], &[])]
#[case::not_python(&[(SETTINGS, ""), ("etc/openstack-dashboard/local_settings.d/50.conf", DIRECT)], &["error DU016"])]
#[case::example(&[(SETTINGS, DIRECT), ("etc/openstack-dashboard/local_settings.d/x.py.example", "X = [")], &[])]
#[case::does_not_parse(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = 'direct\n")], &["error DU016"])]
#[case::other_does_not_parse(&[(SETTINGS, DIRECT), (SNIPPET, "X = (\n")], &["warning DU016"])]
#[case::unquoted(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = direct\n")], &["error DU016"])]
#[case::raises_before(&[(SETTINGS, ""), (SNIPPET, "raise ValueError()\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU016"])]
#[case::raises_in_function(&[(SETTINGS, DIRECT), (SNIPPET, "def f():\n    raise ValueError()\n")], &[])]
#[case::raises_perhaps(&[(SETTINGS, DIRECT), (SNIPPET, "if X:\n    raise ValueError()\n")], &[])]
#[case::capital(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = 'Direct'\n")], &["error DU016"])]
#[case::boolean(&[(SETTINGS, ""), (SNIPPET, "HORIZON_IMAGES_UPLOAD_MODE = True\n")], &["error DU016"])]
#[case::overridden(&[(SETTINGS, ""), (SNIPPET, DIRECT), ("etc/openstack-dashboard/local_settings.d/_9.py", LEGACY)], &["error DU016"])]
#[case::overridden_by_digits(&[(SETTINGS, ""), ("etc/openstack-dashboard/local_settings.d/10.py", DIRECT), (SNIPPET, LEGACY)], &["error DU016"])]
#[case::in_one_file(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\nHORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n")], &["error DU016"])]
#[case::perhaps(&[(SETTINGS, DIRECT), (SNIPPET, "import os\nif os.path.exists('/x'):\n    HORIZON_IMAGES_UPLOAD_MODE = 'legacy'\n")], &[])]
#[case::from_environment(&[(SETTINGS, "import os\nHORIZON_IMAGES_UPLOAD_MODE = os.environ.get('MODE', 'direct')\n")], &[])]
#[case::computed(&[(SETTINGS, "from x import MODE\nHORIZON_IMAGES_UPLOAD_MODE = MODE\n")], &[])]
#[case::concatenated(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'dir' + 'ect'\n")], &[])]
#[case::other_folder(&[(SETTINGS, ""), ("etc/openstack-dashboard/conf.d/50.py", DIRECT)], &["error DU016"])]
#[case::never_was(&[(SETTINGS, "OPENSTACK_GLANCE_DIRECT_UPLOAD = True\n")], &["error DU017"])]
#[case::seed(&[(SETTINGS, "GLANCE_ENDPOINT = 'https://g.example'\nCORS_ALLOWED_ORIGINS = []\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["warning DU017"])]
#[case::corsheaders(&[(SETTINGS, "ADD_INSTALLED_APPS = ['corsheaders']\nCORS_ALLOWED_ORIGINS = []\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::misspelt(&[(SETTINGS, "HORIZON_IMAGE_UPLOAD_MODE = 'direct'\n")], &["error DU017"])]
#[case::lower_case(&[(SETTINGS, "horizon_images_upload_mode = 'direct'\n")], &["error DU017"])]
#[case::in_a_dict(&[(SETTINGS, "HORIZON_CONFIG = {'HORIZON_IMAGES_UPLOAD_MODE': 'direct'}\n")], &["error DU016"])]
#[case::in_a_function(&[(SETTINGS, "def settings():\n    HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU016"])]
#[case::compared(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE == 'direct'\n")], &["error DU016"])]
#[case::as_in_yaml(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE: 'direct'\n")], &["error DU016"])]
#[case::named_and_set(&[(SETTINGS, "REST = {'HORIZON_IMAGES_UPLOAD_MODE': 1}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::csp_of_django(&[(SETTINGS, "SECURE_CSP = {'default-src': [\"'self'\"]}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU013"])]
#[case::csp_of_django_csp(&[(SETTINGS, "CONTENT_SECURITY_POLICY = {'DIRECTIVES': {'connect-src': [\"'self'\"]}}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &["error DU013"])]
#[case::csp_of_more(&[(SETTINGS, "SECURE_CSP = {'connect-src': ['https://glance.example']}\nHORIZON_IMAGES_UPLOAD_MODE = 'direct'\n")], &[])]
#[case::off(&[(SETTINGS, "HORIZON_IMAGES_UPLOAD_MODE = 'off'\n")], &[])]
fn settings(#[case] files: &[(&str, &str)], #[case] expected: &[&str]) {
    assert_eq!(found_in(&[files, &[(CONF, GOOD)]].concat(), Some("2025.1")), expected);
}

#[rstest]
#[case::plural("[cors]\nallowed_origins = https://d.example\n", &["error DU017"])]
#[case::headers("[cors]\nallowed_origin = https://d.example\nallowed_headers = X-Auth-Token\n", &["warning DU017"])]
#[case::in_default("[DEFAULT]\nallowed_origin = https://d.example\n[cors]\n", &["error DU017"])]
#[case::upper_case("[CORS]\nallowed_origin = https://d.example\n", &[])]
#[case::all_known("[cors]\nallowed_origin = https://d.example\nallow_credentials = true\nmax_age = 5\nexpose_headers = X\n", &[])]
fn glances_settings(#[case] conf: &str, #[case] expected: &[&str]) {
    assert_eq!(found_in(&[(CONF, conf), DASHBOARD], Some("2025.1")), expected);
}

#[rstest]
#[case::limited("legacy", "module = x", &["error DU022"])]
#[case::raised("legacy", "chunked-input-limit = 67108864", &[])]
#[case::exactly_a_chunk("legacy", "chunked-input-limit = 1048576", &["error DU022"])]
#[case::direct("direct", "module = x", &["note DU022"])]
#[case::harakiri("direct", "chunked-input-limit = 67108864\nharakiri = 60", &["error DU015"])]
#[case::limit_post("direct", "chunked-input-limit = 67108864\nlimit-post = 1073741824", &["error DU014"])]
#[case::long_harakiri("direct", "chunked-input-limit = 67108864\nharakiri = 14400", &[])]
#[case::script("direct", "chunked-input-limit = 67108864\nwsgi-file = /usr/bin/glance-wsgi-api", &[])]
fn uwsgi(#[case] mode: &str, #[case] lines: &str, #[case] expected: &[&str]) {
    let ini = format!("[uwsgi]\nhttp = :9292\n{lines}\n");
    let settings = format!("ALLOWED_HOSTS = ['d.example']\nHORIZON_IMAGES_UPLOAD_MODE = '{mode}'\n");
    assert_eq!(
        found_in(&[("etc/glance/glance-api-uwsgi.ini", &ini), (CONF, GOOD), (SETTINGS, &settings)], Some("2025.1")),
        expected
    );
}

#[rstest]
#[case::silently_off("2026.1", "swift_store_multi_tenant = True", &["error DU019"])]
#[case::older("2025.1", "swift_store_multi_tenant = True", &[])]
#[case::half_said("2026.1", "swift_store_multi_tenant = True\nswift_store_use_trusts = True", &["error DU019"])]
#[case::said("2026.1", "swift_store_multi_tenant = True\nswift_store_use_trusts = True\ndefault_swift_reference = ref1", &[])]
#[case::unwanted("2026.1", "swift_store_multi_tenant = True\nswift_store_use_trusts = False", &["warning DU019"])]
#[case::exclusive("2025.1", "swift_store_multi_tenant = True\nswift_store_config_file = /x", &["error DU019"])]
#[case::nameless("2026.1", "swift_store_config_file = /x", &["error DU019"])]
#[case::nameless_of_old("2025.1", "swift_store_config_file = /x", &[])]
#[case::single_tenant("2026.1", "swift_store_config_file = /x\ndefault_swift_reference = ref2", &[])]
#[case::by_itself("2026.1", "swift_store_user = a:b", &[])]
fn swift(#[case] release: &str, #[case] lines: &str, #[case] expected: &[&str]) {
    let conf = format!(
        "[DEFAULT]\nenabled_backends = s:swift\n[s]\n{lines}\n{GOOD}allow_headers = X-Auth-Token,X-CSRFToken\n"
    );
    assert_eq!(found_in(&[(CONF, &conf), DASHBOARD], Some(release)), expected);
}

#[rstest]
#[case::converted("['image_conversion']", &["warning DU021"])]
#[case::own("[clamav_scan]", &["warning DU021"])]
#[case::none("['no_op']", &[])]
#[case::empty("[]", &[])]
fn imports(#[case] plugins: &str, #[case] expected: &[&str]) {
    let conf = format!("{GOOD}[image_import_opts]\nimage_import_plugins = {plugins}\n");
    assert_eq!(found_in(&[(CONF, &conf), DASHBOARD], Some("2025.1")), expected);
}
