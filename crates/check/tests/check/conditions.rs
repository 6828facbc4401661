//! Directives with conditions, evaluated for the requests that browsers send.

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
