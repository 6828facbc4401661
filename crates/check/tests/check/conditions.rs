//! Directives with conditions, evaluated for the requests that browsers send.

use direct_upload_api::Rule;
use direct_upload_check::Verdict;
use rstest::rstest;

use super::verdict::{CONF, GLANCE, HORIZON, SETTINGS, report};

/// The verdict on Glance's virtual host with these lines.
fn httpd(lines: &str) -> Verdict {
    let host = GLANCE.1.replace("</VirtualHost>", &format!("{lines}\n</VirtualHost>"));
    let report = report(&[CONF, SETTINGS, HORIZON, (GLANCE.0, &host)]);
    println!("{:?} {:?}", report.findings, report.unseen);
    report.verdict()
}

/// `env=` of a header that httpd writes or removes (mod_setenvif, mod_env, mod_rewrite).
#[rstest]
#[case("SetEnvIf Origin \"example$\" OWN", "OWN", Verdict::Fails)]
#[case("SetEnvIf Origin \"lab$\" OWN", "OWN", Verdict::Fine)]
#[case("SetEnvIf Origin \"lab$\" OWN", "!OWN", Verdict::Fails)]
#[case(
    "SetEnvIf Origin \"example$\" OWN\nSetEnvIf Request_Method PUT !OWN\nSetEnvIf Request_Method OPTIONS !OWN",
    "OWN",
    Verdict::Fine
)]
#[case("SetEnvIfNoCase Origin \"EXAMPLE$\" OWN=1", "OWN", Verdict::Fails)]
#[case("SetEnvIfExpr \"req('Origin') =~ /lab$/\" OWN", "OWN", Verdict::Fine)]
#[case("SetEnv OWN", "OWN", Verdict::Fails)]
#[case("SetEnv OWN\nUnsetEnv OWN", "OWN", Verdict::Fine)]
#[case("BrowserMatch \"MSIE [2-6]\" OWN", "OWN", Verdict::Fine)]
#[case("RewriteRule ^ - [E=OWN:1]", "OWN", Verdict::Incomplete)]
#[case("", "OWN", Verdict::Fine)]
#[case("", "!OWN", Verdict::Fails)]
#[case("", "SSL_CLIENT_VERIFY", Verdict::Incomplete)]
fn variables_of_httpd(#[case] lines: &str, #[case] name: &str, #[case] verdict: Verdict) {
    for header in ["RequestHeader unset Origin", "Header always set Access-Control-Allow-Origin *"] {
        assert_eq!(httpd(&format!("{lines}\n{header} env={name}")), verdict, "{header}");
    }
}

/// `expr=`, `<If>`, `<ElseIf>` and `<Else>`.
#[rstest]
#[case("%{REQUEST_METHOD} == 'PUT'", Verdict::Fails)]
#[case("%{REQUEST_METHOD} in {'GET', 'POST'}", Verdict::Fine)]
#[case("%{REQUEST_METHOD} == 'PUT' && req('Origin') == 'https://d.example'", Verdict::Fails)]
#[case("%{REQUEST_METHOD} == 'PUT' && ! (req('Origin') == 'https://d.example')", Verdict::Fine)]
#[case("%{REQUEST_METHOD} == 'GET' || -n req('Origin')", Verdict::Fails)]
#[case("-z %{HTTP:Origin}", Verdict::Fine)]
#[case("tolower(%{HTTP_HOST}) =~ m#^g\\.#i", Verdict::Incomplete)]
#[case("%{REQUEST_STATUS} -ge 400", Verdict::Fine)]
#[case("%{REMOTE_ADDR} == '192.0.2.1'", Verdict::Incomplete)]
#[case("what is this", Verdict::Incomplete)]
fn expressions_of_httpd(#[case] expression: &str, #[case] verdict: Verdict) {
    let header = "Header always set Access-Control-Allow-Origin *";
    assert_eq!(httpd(&format!("{header} \"expr={expression}\"")), verdict);
    assert_eq!(httpd(&format!("<If \"{expression}\">\n{header}\n</If>")), verdict);
}

#[rstest]
#[case("<If \"%{REQUEST_METHOD} == 'GET'\">\n</If>\n<Else>\nRequire all denied\n</Else>", Verdict::Fails)]
#[case("<If \"%{REQUEST_METHOD} != 'GET'\">\n</If>\n<Else>\nRequire all denied\n</Else>", Verdict::Fine)]
#[case(
    "<If \"%{REQUEST_METHOD} == 'GET'\">\n</If>\n<ElseIf \"%{REQUEST_METHOD} == 'PUT'\">\nRequire all denied\n</ElseIf>",
    Verdict::Fails
)]
#[case(
    "<If \"%{REQUEST_METHOD} == 'PUT'\">\n</If>\n<ElseIf \"%{REQUEST_METHOD} == 'PUT'\">\nRequire all denied\n</ElseIf>",
    Verdict::Fine
)]
#[case("SetEnvIf Request_Method \"^(GET|HEAD)$\" OK\n<Location />\nRequire env OK\n</Location>", Verdict::Fails)]
#[case("SetEnvIf Request_Method \"^(GET|PUT|OPTIONS)$\" OK\n<Location />\nRequire env OK\n</Location>", Verdict::Fine)]
#[case("RequestHeader edit X-Auth-Token ^(.*)$ \"Bearer $1\"", Verdict::Fails)]
#[case("RequestHeader edit X-Auth-Token ^Bearer(.*)$ $1", Verdict::Fine)]
fn blocks_of_httpd(#[case] lines: &str, #[case] verdict: Verdict) {
    assert_eq!(httpd(lines), verdict);
}

/// A limit in a block counts for the requests that the block is about.
#[rstest]
#[case("GET", Verdict::Fine)]
#[case("PUT", Verdict::Fails)]
fn a_limit_in_a_block(#[case] method: &str, #[case] verdict: Verdict) {
    let lines = format!("LimitRequestBody 0\n<If \"%{{REQUEST_METHOD}} == '{method}'\">\nLimitRequestBody 1000\n</If>");
    let host = GLANCE
        .1
        .replace("ProxyPass / http://127.0.0.1:9292/", &format!("ProxyPass / uwsgi://127.0.0.1:9292/\n{lines}"));
    assert_eq!(report(&[CONF, SETTINGS, HORIZON, (GLANCE.0, &host)]).verdict(), verdict);
}

/// Rules of HAProxy about headers of requests and answers.
#[rstest]
#[case("http-request del-header Origin if { req.hdr(Origin) -m end example }", Verdict::Fails)]
#[case("http-request del-header Origin if { req.hdr(Origin) -m end lab }", Verdict::Fine)]
#[case("http-request del-header Origin if { method PUT }", Verdict::Fails)]
#[case("http-request del-header x-auth-token if { path_end /file }", Verdict::Fails)]
#[case("http-request del-header x-auth-token if METH_OPTIONS", Verdict::Fine)]
#[case("http-request del-header x-auth-token if { env(X) -m found }", Verdict::Incomplete)]
#[case("http-request set-method GET if METH_OPTIONS", Verdict::Fails)]
#[case("http-request set-method GET if METH_HEAD", Verdict::Fine)]
#[case("http-response add-header Access-Control-Allow-Origin * if { env(X) -m found }", Verdict::Incomplete)]
#[case("http-response replace-header Access-Control-Allow-Origin (.*) \\1/", Verdict::Fails)]
#[case("http-response replace-header Access-Control-Allow-Origin (.*) \\1", Verdict::Fine)]
fn rules_of_haproxy(#[case] rule: &str, #[case] verdict: Verdict) {
    let text = format!(
        "defaults\n mode http\n timeout client 1h\n timeout server 1h\nfrontend g\n bind 192.0.2.1:9292 ssl crt x\n {rule}\n default_backend glance\nbackend glance\n server g 192.0.2.2:9292\n"
    );
    let report = report(&[CONF, SETTINGS, HORIZON, ("etc/haproxy/haproxy.cfg", &text)]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// The dashboard's virtual host with these lines.
#[rstest]
#[case("Header set Content-Security-Policy \"connect-src 'self'\"", Verdict::Fails)]
#[case(
    "Header set Content-Security-Policy \"connect-src 'self'\"\nHeader unset Content-Security-Policy",
    Verdict::Fine
)]
#[case(
    "Header always set Content-Security-Policy \"connect-src 'self'\"\nHeader unset Content-Security-Policy",
    Verdict::Fails
)]
#[case("<Location /static>\nHeader set Content-Security-Policy \"connect-src 'none'\"\n</Location>", Verdict::Fine)]
#[case("ProxyPass /api/glance http://127.0.0.1:9292", Verdict::Fails)]
fn the_dashboards_host(#[case] lines: &str, #[case] verdict: Verdict) {
    let host = HORIZON.1.replace("</VirtualHost>", &format!("{lines}\n</VirtualHost>"));
    let report = report(&[CONF, SETTINGS, (HORIZON.0, &host), GLANCE]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// Django serves only the names in ALLOWED_HOSTS.
#[rstest]
#[case("old.example", Verdict::Fine)]
#[case("d.example", Verdict::Fails)]
fn another_name_of_the_dashboard(#[case] name: &str, #[case] verdict: Verdict) {
    let other = HORIZON
        .1
        .replace("d.example", name)
        .replace("</VirtualHost>", "Header set Content-Security-Policy \"connect-src 'self'\"\n</VirtualHost>");
    let report = report(&[CONF, SETTINGS, HORIZON, GLANCE, ("etc/apache2/sites-enabled/old.conf", &other)]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// A star import of one's own module may set the mode.
#[rstest]
#[case("openstack_dashboard.local.custom", Verdict::Incomplete)]
#[case("openstack_dashboard.defaults", Verdict::Fine)]
fn star_imports(#[case] module: &str, #[case] verdict: Verdict) {
    let settings = format!("{}from {module} import *\n", SETTINGS.1);
    let report = report(&[CONF, (SETTINGS.0, &settings), HORIZON, GLANCE]);
    assert_eq!(report.verdict(), verdict, "{:?} {:?}", report.findings, report.unseen);
}

/// A snippet that Python refuses, or that stops before it sets the mode: the dashboard stays in legacy mode.
#[rstest]
#[case("", true)]
#[case("assert False\n", false)]
#[case("assert True\n", true)]
#[case("DEBUG = False\nassert DEBUG, 'only for tests'\n", false)]
#[case("import sys\nsys.exit()\n", false)]
#[case("def f():\n    return 1\n", true)]
fn snippets_that_stop(#[case] first: &str, #[case] direct: bool) {
    let settings = (SETTINGS.0, "ALLOWED_HOSTS = ['d.example']\n");
    let snippet = format!("{first}HORIZON_IMAGES_UPLOAD_MODE = 'direct'\n");
    let own = ("etc/openstack-dashboard/local_settings.d/_9999-own.py", snippet.as_str());
    let report = report(&[CONF, settings, own, HORIZON, GLANCE]);
    assert_eq!(report.findings.iter().any(|finding| finding.rule == Rule::NoEffect), !direct, "{:?}", report.findings);
}

#[test]
fn a_return_outside_of_functions_is_no_python() {
    let snippet = "HORIZON_IMAGES_UPLOAD_MODE = 'direct'\nreturn\n";
    let own = ("etc/openstack-dashboard/local_settings.d/_9999-own.py", snippet);
    let report = report(&[CONF, (SETTINGS.0, "ALLOWED_HOSTS = ['d.example']\n"), own, HORIZON, GLANCE]);
    assert!(report.findings.iter().any(|finding| finding.rule == Rule::NoEffect), "{:?}", report.findings);
}

/// Addresses that HAProxy asks for, for paths that are none of an upload.
#[rstest]
#[case("http-request deny if { path /healthcheck } !{ src 192.0.2.0/24 }", Verdict::Fine)]
#[case("http-request deny if { path_beg /v2 } !{ src 192.0.2.0/24 }", Verdict::Incomplete)]
#[case("http-request deny if { path /healthcheck } or !{ src 192.0.2.0/24 }", Verdict::Incomplete)]
fn addresses_of_other_paths(#[case] rule: &str, #[case] verdict: Verdict) {
    rules_of_haproxy(rule, verdict);
}

/// A Glance in a folder without a dashboard, next to one that has a Glance of its own.
#[test]
fn a_glance_without_a_dashboard_is_not_of_https() {
    let at = |folder: &str, file: (&str, &str)| (format!("{folder}/{}", file.0), file.1.to_owned());
    let internal = CONF.1.replace("[DEFAULT]\n", "[DEFAULT]\npublic_endpoint = http://int.example:9292\n");
    let files = [at("a", CONF), at("a", SETTINGS), at("a", HORIZON), at("a", GLANCE), at("b", (CONF.0, &internal))];
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let report = report(&files);
    assert_ne!(report.verdict(), Verdict::Fails, "{:?}", report.findings);
}
